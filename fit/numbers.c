/* numbers.c — the numbers that a fit can have. */
#include "fit/numbers.h"

#include <string.h>

/* The limits are what a fit can tell apart: a crossover with a delta under 0.05 or over 20, or with m under 0.3, cannot
 * be told from a bent line (ch_onset_is_identifiable). */
const ch_fit_number_row ch_fit_numbers[CH_NUM_FIT_NUMBERS] = {
    [CH_FIT_DELTA] = {.name = "delta",
                      .symbol = "δ",
                      .law = "‖Δw‖ ~ T^δ",
                      .figure = "‖Δw‖ ∝ T^δ",
                      .latex = "$\\delta$",
                      .accepted = {0.05, 20},
                      .accepted_words = "a number from 0.05 to 20"},
    [CH_FIT_GAMMA] = {.name = "gamma",
                      .symbol = "γ",
                      .law = "‖Δw‖ ~ P^γ",
                      .figure = "‖Δw‖ ∝ P^γ",
                      .latex = "$\\gamma$",
                      .accepted = {-100, 100},
                      .accepted_words = "a number from -100 to 100"},
    [CH_FIT_TIME_DELTA] = {.name = "time_delta",
                           .symbol = "δ_t",
                           .law = "t* ~ T^δ_t",
                           .figure = "t* ∝ T^{δ_t}",
                           .latex = "$\\delta_t$",
                           .accepted = {-100, 100},
                           .accepted_words = "a number from -100 to 100"},
    [CH_FIT_B] = {.name = "b",
                  .symbol = "b",
                  .law = "t* ~ P^b",
                  .figure = "t* ∝ P^b",
                  .latex = "$b$",
                  .accepted = {-100, 100},
                  .accepted_words = "a number from -100 to 100"},
    [CH_FIT_A_SLOPE] =
        {.name = "a", .symbol = "a", .law = "T_c ~ P^-a", .latex = "$a$", .method = "slope", .has_definition = true},
    [CH_FIT_A] = {.name = "a",
                  .symbol = "a",
                  .law = "T_c ~ P^-a",
                  .latex = "$a$",
                  .method = "joint",
                  .has_definition = true,
                  .accepted = {-100, 100},
                  .accepted_words = "a number from -100 to 100"},
    [CH_FIT_C] = {.name = "c", .symbol = "ln c", .has_definition = true},
    [CH_FIT_SHARPNESS] = {.name = "sharpness",
                          .symbol = "ln m",
                          .has_definition = true,
                          .accepted = {0.31, 100},
                          .accepted_words = "a number from 0.31 to 100"},
};

bool ch_fit_number_is_holdable(ch_fit_number number)
{
    return ch_fit_numbers[number].accepted_words != NULL;
}

bool ch_fit_number_parse(const char *name, ch_fit_number *number)
{
    for (int k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
        if (ch_fit_number_is_holdable((ch_fit_number)k) && strcmp(name, ch_fit_numbers[k].name) == 0) {
            *number = (ch_fit_number)k;
            return true;
        }
    }
    return false;
}

static size_t width_of(size_t number)
{
    return ch_fit_numbers[number].has_definition ? CH_NUM_TC : 1;
}

static size_t first_slot(size_t number)
{
    size_t slot = 0;
    for (size_t k = 0; k < number; k++) {
        slot += width_of(k);
    }
    return slot;
}

size_t ch_fit_number_slots(void)
{
    return first_slot(CH_NUM_FIT_NUMBERS);
}

size_t ch_fit_number_slot(ch_fit_number number, ch_tc_definition definition)
{
    return first_slot(number) + (ch_fit_numbers[number].has_definition ? (size_t)definition : 0);
}

const ch_exponent *ch_fit_find_exponent(const ch_fit_group *group, ch_fit_number number, ch_tc_definition definition)
{
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_exponent *exponent = &group->exponents[i];
        if (exponent->number == number && exponent->definition == definition) {
            return exponent;
        }
    }
    return NULL;
}

const ch_exponent *ch_fit_best_a(const ch_fit_group *group, ch_tc_definition definition)
{
    const ch_exponent *slope = ch_fit_find_exponent(group, CH_FIT_A_SLOPE, definition);
    const ch_exponent *joint = ch_fit_find_exponent(group, CH_FIT_A, definition);
    const bool is_extrapolated = group->joint[definition].num_outside > 0;
    return joint == NULL || (is_extrapolated && slope != NULL) ? slope : joint;
}
