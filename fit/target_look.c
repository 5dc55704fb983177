/* target_look.c — how far the intervals of targets are from what they should be. */
#include "core/memory.h"
#include "core/text.h"
#include "fit/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static ch_code add_state(ch_target_states *self, const ch_target *target, const ch_named_number *number, ch_error *err)
{
    void *items = self->items;
    if (ch_grow(&items, &self->capacity, self->count + 1, sizeof *self->items) != 0) {
        return ch_error_memory(err, "the states of targets");
    }
    self->items = items;
    ch_target_state *state = &self->items[self->count++];
    *state = (ch_target_state){.target = target,
                               .num_sets = number->num_sets,
                               .estimate = {NAN, NAN, NAN, NAN},
                               .width = NAN,
                               .wanted = target->is_relative ? NAN : target->width,
                               .needed = NAN,
                               .is_absent = true};
    snprintf(state->what, sizeof state->what, "%s", ch_target_word(target));
    snprintf(state->group, sizeof state->group, "%s", number->label);
    return CH_OK;
}

/* How often an interval is longer than it should be; infinite where there is none. */
static double excess_of(const ch_target_state *state)
{
    const double excess = state->width / state->wanted;
    return isnan(excess) ? INFINITY : excess;
}

/* Writes which of several numbers it is: "a by onset", "tc_onset at P = 2^10", "temp_opt at alpha = 2^-3". */
static void write_which(const ch_target *target, const ch_named_number *number, char *text, size_t size)
{
    const bool is_of_all = target->name->which == CH_NUM_TC && number->definition < CH_NUM_TC;
    int used = snprintf(text, size, "%s%s%s", ch_target_word(target), is_of_all ? " by " : "",
                        is_of_all ? ch_tc_definition_name(number->definition) : "");
    if (isfinite(number->alpha)) {
        snprintf(text + used, size - (size_t)used, " at alpha = %s", ch_show_power(number->alpha).text);
    } else if (number->train > 0 && target->name->kind == CH_NAMED_TC) {
        snprintf(text + used, size - (size_t)used, " at P = %s", ch_show_count(number->train).text);
    }
}

/* Takes a number for the state, unless the state has one that is further from its target. */
static void consider(ch_target_state *state, const ch_named_number *number)
{
    ch_target_state one = *state;
    const ch_estimate *estimate = &number->estimate;
    one.estimate = *estimate;
    one.width = (estimate->hi - estimate->lo) / 2;
    one.wanted = state->target->width * (state->target->is_relative ? fabs(estimate->value) : 1);
    const bool has_interval = isfinite(one.width) && isfinite(estimate->value);
    one.is_met = has_interval && one.width <= one.wanted;
    one.needed = has_interval ? ch_target_needed(one.width, one.wanted, state->num_sets) : number->needed;
    one.is_absent = !has_interval && isnan(number->needed);
    one.num_found = ++state->num_found;
    if (one.num_found == 1 || excess_of(&one) > excess_of(state)) {
        write_which(state->target, number, one.what, sizeof one.what);
        *state = one;
    }
}

static ch_code look_at(ch_target_states *self, const ch_target *target, const ch_fit *fit, ch_error *err)
{
    ch_named_list numbers;
    ch_code code = ch_named_list_init(&numbers, target->name, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < numbers.count; i++) {
        const ch_named_number *number = &numbers.items[i];
        const bool is_new = i == 0 || number->place != numbers.items[i - 1].place;
        code = is_new ? add_state(self, target, number, err) : CH_OK;
        if (code != CH_OK) {
            goto out;
        }
        ch_target_state *state = &self->items[self->count - 1];
        state->num_outside += number->is_found && number->is_outside;
        if (number->is_found && !number->is_outside) {
            consider(state, number);
        }
    }
out:
    ch_named_list_free(&numbers);
    return code;
}

ch_code ch_target_look(ch_target_states *self, const ch_target_list *targets, const ch_fit *fit, ch_error *err)
{
    *self = (ch_target_states){0};
    for (size_t i = 0; i < targets->count; i++) {
        const ch_code code = look_at(self, &targets->items[i], fit, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

void ch_target_states_free(ch_target_states *self)
{
    free(self->items);
    *self = (ch_target_states){0};
}
