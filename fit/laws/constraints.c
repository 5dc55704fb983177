/* constraints.c — numbers of a fit that are fixed, bounded or tied: how they are written, and minima within bounds. */
#include "core/text.h"
#include "fit/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a number may be: a crossover outside cannot be told (ch_onset_is_told). */
static const struct {
    const char *name;
    ch_range accepted;
    const char *words;
} parameters[CH_NUM_FIT_PARAMETERS] = {
    [CH_FIT_DELTA] = {"delta", {0.05, 20}, "a number from 0.05 to 20"},
    [CH_FIT_GAMMA] = {"gamma", {-100, 100}, "a number from -100 to 100"},
    [CH_FIT_TIME_DELTA] = {"time_delta", {-100, 100}, "a number from -100 to 100"},
    [CH_FIT_B] = {"b", {-100, 100}, "a number from -100 to 100"},
    [CH_FIT_A] = {"a", {-100, 100}, "a number from -100 to 100"},
    [CH_FIT_SHARPNESS] = {"sharpness", {0.31, 100}, "a number from 0.31 to 100"},
};

const char *ch_fit_parameter_name(ch_fit_parameter parameter)
{
    return parameters[parameter].name;
}

/* ---- reading ---- */

/* One NAME=WHAT of a list. */
typedef struct {
    const char *option; /* "fix", "bound" or "tie" */
    char text[72];      /* all of it, for messages */
    ch_fit_parameter parameter;
    char *what; /* the part of `text` behind '=' */
} held_item;

static ch_code refuse(const held_item *item, const char *accepted, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "--%s %s is not accepted: %s", item->option, ch_show(item->text).text,
                        accepted);
}

static bool parse_number(const char *text, double *number)
{
    ch_number parsed;
    const bool is_number = ch_number_parse(&parsed, text) && isfinite(parsed.value);
    *number = is_number ? parsed.value : NAN;
    return is_number;
}

static bool find_parameter(const char *name, ch_fit_parameter *parameter)
{
    for (int k = 0; k < CH_NUM_FIT_PARAMETERS; k++) {
        if (strcmp(name, parameters[k].name) == 0) {
            *parameter = (ch_fit_parameter)k;
            return true;
        }
    }
    return false;
}

static bool is_within(double value, ch_range range)
{
    return value >= range.lo && value <= range.hi;
}

static ch_code read_fixed(held_item *item, ch_fit_constraint *constraint, ch_error *err)
{
    double value = NAN;
    if (!parse_number(item->what, &value) || !is_within(value, parameters[item->parameter].accepted)) {
        char words[64];
        snprintf(words, sizeof words, "%s is", parameters[item->parameter].words);
        return refuse(item, words, err);
    }
    constraint->range = (ch_range){value, value};
    return CH_OK;
}

static ch_code read_bounds(held_item *item, ch_fit_constraint *constraint, ch_error *err)
{
    const ch_range accepted = parameters[item->parameter].accepted;
    ch_range range = {-INFINITY, INFINITY};
    char *colon = strchr(item->what, ':');
    bool is_read = colon != NULL && strlen(item->what) > 1;
    if (is_read) {
        const char *hi = colon + 1;
        const size_t length = (size_t)(colon - item->what);
        char lo[sizeof item->text];
        snprintf(lo, sizeof lo, "%.*s", (int)length, item->what);
        is_read = (length == 0 || parse_number(lo, &range.lo)) && (*hi == '\0' || parse_number(hi, &range.hi)) &&
                  range.lo < range.hi && range.lo < accepted.hi && range.hi > accepted.lo;
    }
    if (!is_read) {
        char words[160];
        snprintf(words, sizeof words, "NAME=LO:HI with LO < HI is, of which one may be left out; %s can be %s",
                 parameters[item->parameter].name, parameters[item->parameter].words);
        return refuse(item, words, err);
    }
    constraint->range = range;
    return CH_OK;
}

/* [C+][K*]OTHER, or "joint" for the sharpness */
static ch_code read_tie(held_item *item, ch_fit_constraint *constraint, ch_error *err)
{
    char *factor = item->what, *plus = strchr(item->what, '+');
    bool is_read = item->parameter == CH_FIT_TIME_DELTA || item->parameter == CH_FIT_B;
    constraint->is_tied = true;
    constraint->factor = 1;
    if (item->parameter == CH_FIT_SHARPNESS && strcmp(item->what, "joint") == 0) {
        constraint->other = CH_FIT_SHARPNESS;
        return CH_OK;
    }
    if (plus != NULL) {
        *plus = '\0';
        is_read = is_read && parse_number(item->what, &constraint->offset);
        *plus = '+';
        factor = plus + 1;
    }
    char *name = factor, *times = strchr(factor, '*');
    if (times != NULL) {
        *times = '\0';
        is_read = is_read && parse_number(factor, &constraint->factor);
        *times = '*';
        name = times + 1;
    }
    if (!is_read || !find_parameter(name, &constraint->other) ||
        (constraint->other != CH_FIT_DELTA && constraint->other != CH_FIT_GAMMA)) {
        return refuse(item,
                      "NAME=[C+][K*]OTHER is, NAME time_delta or b, OTHER delta or gamma, such as time_delta=delta "
                      "or b=1+2*gamma; or sharpness=joint",
                      err);
    }
    return CH_OK;
}

typedef ch_code (*item_reader)(held_item *item, ch_fit_constraint *constraint, ch_error *err);

static ch_code read_item(ch_fit_options *self, held_item *item, item_reader reader, ch_error *err)
{
    static const char names[] = "NAME=..., NAME one of delta, gamma, time_delta, b, a and sharpness, is";
    const ch_fit_constraint free_one = {.range = {-INFINITY, INFINITY}};
    char *equals = strchr(item->text, '=');
    if (equals == NULL) {
        return refuse(item, names, err);
    }
    *equals = '\0';
    const bool is_known = find_parameter(item->text, &item->parameter);
    *equals = '=';
    item->what = equals + 1;
    if (!is_known) {
        return refuse(item, names, err);
    }
    ch_fit_constraint *constraint = &self->constraints[item->parameter];
    if (ch_fit_is_held(constraint)) {
        return refuse(item, "a number is held once, by one of --fix, --bound and --tie", err);
    }
    *constraint = free_one;
    return reader(item, constraint, err);
}

static ch_code read_list(ch_fit_options *self, const char *option, const char *list, item_reader reader, ch_error *err)
{
    for (const char *at = list;; at++) {
        held_item item = {.option = option};
        const size_t length = strcspn(at, ",");
        snprintf(item.text, sizeof item.text, "%.*s", (int)length, at);
        const ch_code code = length < sizeof item.text ? read_item(self, &item, reader, err)
                                                       : refuse(&item, "NAME=... of fewer than 72 characters is", err);
        at += length;
        if (code != CH_OK || *at == '\0') {
            return code;
        }
    }
}

ch_code ch_fit_options_fix(ch_fit_options *self, const char *list, ch_error *err)
{
    return read_list(self, "fix", list, read_fixed, err);
}

ch_code ch_fit_options_bound(ch_fit_options *self, const char *list, ch_error *err)
{
    return read_list(self, "bound", list, read_bounds, err);
}

ch_code ch_fit_options_tie(ch_fit_options *self, const char *list, ch_error *err)
{
    return read_list(self, "tie", list, read_tie, err);
}

/* ---- asking ---- */

bool ch_fit_is_held(const ch_fit_constraint *self)
{
    return self->is_tied || isfinite(self->range.lo) || isfinite(self->range.hi);
}

bool ch_range_is_fixed(ch_range range)
{
    return range.lo == range.hi;
}

ch_range ch_fit_range(const ch_fit_options *options, ch_fit_parameter parameter, const ch_power_law *weight_change)
{
    const ch_fit_constraint *constraint = &options->constraints[parameter];
    if (!constraint->is_tied) {
        return constraint->range;
    }
    const double other =
        constraint->other == CH_FIT_DELTA ? weight_change->temp_exponent : weight_change->train_exponent;
    const double value = constraint->offset + constraint->factor * other;
    return (ch_range){value, value};
}

ch_held ch_fit_held(const ch_fit_options *options, ch_fit_parameter parameter, double value)
{
    const ch_fit_constraint *constraint = &options->constraints[parameter];
    if (constraint->is_tied) {
        return CH_HELD_TIED;
    }
    if (ch_range_is_fixed(constraint->range)) {
        return CH_HELD_FIXED;
    }
    return is_within(value, constraint->range) && value != constraint->range.lo && value != constraint->range.hi
               ? CH_HELD_NOT
               : CH_HELD_BOUND;
}

/* ---- minima within bounds ---- */

static double clamp(double value, ch_range range)
{
    return value < range.lo ? range.lo : value > range.hi ? range.hi : value;
}

/* The least on the edge values[k] = its held value. */
static bool minimise_on_edge(ch_held_minimum minimum, void *problem, const ch_range ranges[2], size_t k, bool held[2],
                             double values[2], double *squares)
{
    const size_t other = 1 - k;
    if (!minimum(problem, held, values, squares)) {
        return false;
    }
    const double within = clamp(values[other], ranges[other]);
    if (within == values[other]) {
        return true;
    }
    held[other] = true;
    values[other] = within;
    return minimum(problem, held, values, squares);
}

bool ch_minimise_within(ch_held_minimum minimum, void *problem, const ch_range ranges[2], double values[2])
{
    const bool fixed[2] = {ch_range_is_fixed(ranges[0]), ch_range_is_fixed(ranges[1])};
    double squares = NAN, least = INFINITY;
    bool best[2] = {fixed[0], fixed[1]};
    values[0] = ranges[0].lo;
    values[1] = ranges[1].lo;
    if (!minimum(problem, fixed, values, &squares) || isnan(values[0]) || isnan(values[1])) {
        return false;
    }
    const double free_ones[2] = {values[0], values[1]};
    if (is_within(values[0], ranges[0]) && is_within(values[1], ranges[1])) {
        return true;
    }
    for (size_t k = 0; k < 2; k++) {
        bool held[2] = {fixed[0], fixed[1]};
        double at[2] = {free_ones[0], free_ones[1]};
        if (is_within(at[k], ranges[k])) {
            continue;
        }
        held[k] = true;
        at[k] = clamp(at[k], ranges[k]);
        if (minimise_on_edge(minimum, problem, ranges, k, held, at, &squares) && squares < least) {
            least = squares;
            memcpy(best, held, sizeof best);
            memcpy(values, at, sizeof at);
        }
    }
    return isfinite(least) && minimum(problem, best, values, &squares);
}
