/* target_look.c — finds the numbers of targets in a fit, and how far their intervals are from what they should be. */
#include "core/memory.h"
#include "core/text.h"
#include "fit/collapse/collapse.h"
#include "fit/phase/phase.h"
#include "fit/target_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one state ---- */

static ch_code add_state(ch_target_states *self, const ch_target *target, const char *group, size_t num_sets,
                         ch_target_state **state, ch_error *err)
{
    void *items = self->items;
    if (ch_grow(&items, &self->capacity, self->count + 1, sizeof *self->items) != 0) {
        return ch_error_memory(err, "the states of targets");
    }
    self->items = items;
    *state = &self->items[self->count++];
    **state = (ch_target_state){.target = target,
                                .num_sets = num_sets,
                                .estimate = {NAN, NAN, NAN, NAN},
                                .width = NAN,
                                .wanted = target->is_relative ? NAN : target->width,
                                .needed = NAN,
                                .is_absent = true};
    snprintf((*state)->what, sizeof(*state)->what, "%s", ch_target_word(target));
    snprintf((*state)->group, sizeof(*state)->group, "%s", group);
    return CH_OK;
}

/* How often an interval is longer than it should be; infinite where there is none. */
static double excess_of(const ch_target_state *state)
{
    const double excess = state->width / state->wanted;
    return isnan(excess) ? INFINITY : excess;
}

/* Takes a number for the state, unless the state has one that is further from its target.
 * @param needed  data sets with which it is expected to have an interval, where it has none; NaN: not known
 * @param where   which of several it is, e.g. " at P = 2^10" */
static void consider(ch_target_state *state, const ch_estimate *estimate, double needed, const char *where)
{
    ch_target_state one = *state;
    if (isnan(estimate->value) && isnan(needed)) {
        return; /* the fit has no such number */
    }
    one.estimate = *estimate;
    one.width = (estimate->hi - estimate->lo) / 2;
    one.wanted = state->target->width * (state->target->is_relative ? fabs(estimate->value) : 1);
    const bool has_interval = isfinite(one.width) && isfinite(estimate->value);
    one.is_met = has_interval && one.width <= one.wanted;
    one.needed = has_interval ? ch_target_needed(one.width, one.wanted, state->num_sets) : needed;
    one.is_absent = !has_interval && isnan(needed);
    one.num_found = ++state->num_found;
    if (one.num_found == 1 || excess_of(&one) > excess_of(state)) {
        snprintf(one.what, sizeof one.what, "%s%s", ch_target_word(state->target), where);
        *state = one;
    }
}

/* ---- numbers of a group ---- */

static void consider_exponent(ch_target_state *state, const ch_exponent *exponent, const char *where)
{
    if (exponent != NULL) {
        consider(state, &exponent->estimate, NAN, where);
    }
}

/* Where a number stands: " by onset" for a target of every definition, and " at P = 2^10". */
static ch_shown show_place(const ch_target_name *name, ch_tc_definition definition, uint64_t train)
{
    ch_shown shown = {""};
    const bool is_of_all = name->which == CH_NUM_TC;
    const int used = snprintf(shown.text, sizeof shown.text, "%s%s", is_of_all ? " by " : "",
                              is_of_all ? ch_tc_definition_name(definition) : "");
    if (train > 0) {
        snprintf(shown.text + used, sizeof shown.text - (size_t)used, " at P = %.40s", ch_show_count(train).text);
    }
    return shown;
}

static void consider_critical(ch_target_state *state, const ch_fit_group *group)
{
    const ch_target_name *name = state->target->name;
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (name->which != CH_NUM_TC && name->which != (int)tc->definition) {
            continue;
        }
        if (tc->place != CH_TC_INSIDE && tc->place != CH_TC_UNRESOLVED) {
            state->num_outside++;
            continue;
        }
        const bool is_inside = tc->place == CH_TC_INSIDE;
        const ch_estimate none = {NAN, NAN, NAN, NAN};
        consider(state, is_inside ? &tc->estimate : &none,
                 !is_inside && tc->needed_sets > 0 ? (double)tc->needed_sets : NAN,
                 show_place(name, tc->definition, tc->train).text);
    }
}

static void consider_shape(ch_target_state *state, const ch_shapes *shapes, int shape)
{
    const ch_shape_fit *fit = &shapes->fits[shape];
    const ch_estimate estimate = {fit->exponent, fit->stderr_, fit->lo, fit->hi};
    if (fit->found) {
        consider(state, &estimate, NAN, "");
    }
}

static ch_code consider_collapse(ch_target_state *state, const ch_fit_group *group, const ch_fit_options *options,
                                 ch_error *err)
{
    const ch_target_name *name = state->target->name;
    ch_collapse collapse = {0};
    const ch_code code = ch_collapse_init(&collapse, group, (ch_collapse_quantity)name->which, options, err);
    if (code == CH_OK && collapse.reason == NULL) {
        consider(state, name->kind == CH_TARGET_COLLAPSE_X ? &collapse.x : &collapse.a, NAN, "");
    }
    ch_collapse_free(&collapse);
    return code;
}

static ch_code look_at_group(ch_target_state *state, const ch_fit_group *group, const ch_fit_options *options,
                             ch_error *err)
{
    const ch_target_name *name = state->target->name;
    const ch_critical_law *law = &group->joint[name->which < CH_NUM_TC ? name->which : 0];
    switch (name->kind) {
    case CH_TARGET_EXPONENT:
        consider_exponent(state, ch_fit_find_exponent(group, (ch_fit_number)name->which, CH_NUM_TC), "");
        break;
    case CH_TARGET_A:
        for (ch_tc_definition d = 0; d < CH_NUM_TC; d++) {
            if (name->which == CH_NUM_TC || name->which == (int)d) {
                consider_exponent(state, ch_fit_best_a(group, d), show_place(name, d, 0).text);
            }
        }
        break;
    case CH_TARGET_PREFACTOR:
    case CH_TARGET_SHARPNESS:
        if (law->found) {
            consider(state, name->kind == CH_TARGET_PREFACTOR ? &law->prefactor : &law->sharpness, NAN, "");
        }
        break;
    case CH_TARGET_TC:
        consider_critical(state, group);
        break;
    case CH_TARGET_CHI_GAMMA:
        consider(state, &group->chi.of_gamma, NAN, "");
        break;
    case CH_TARGET_CHI_B:
        consider(state, &group->chi.of_b, NAN, "");
        break;
    case CH_TARGET_B_EXCESS:
        consider(state, &group->chi.excess, NAN, "");
        break;
    case CH_TARGET_CHI_DENSITY:
        consider(state, &group->chi.of_density, NAN, "");
        break;
    case CH_TARGET_WEIGHT_SHAPE:
        consider_shape(state, &group->weight_shapes, name->which);
        break;
    case CH_TARGET_TIME_SHAPE:
        consider_shape(state, &group->time_shapes, name->which);
        break;
    case CH_TARGET_COLLAPSE_X:
    case CH_TARGET_COLLAPSE_A:
        return consider_collapse(state, group, options, err);
    case CH_TARGET_PHASE:
        break;
    }
    return CH_OK;
}

static ch_code look_at_groups(ch_target_states *self, const ch_target *target, const ch_fit *fit, ch_error *err)
{
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_fit_group *group = &fit->groups[g];
        char label[sizeof self->items->group];
        ch_target_state *state = NULL;
        ch_fit_group_label(fit, group, label, sizeof label);
        ch_code code = add_state(self, target, label, group->num_data_sets, &state, err);
        if (code != CH_OK) {
            return code;
        }
        code = look_at_group(state, group, &fit->options, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- numbers of a phase diagram ---- */

static const ch_phase_temp *temp_of(const ch_phase_row *row, ch_target_phase which)
{
    const ch_phase_temp *const temps[] = {[CH_TARGET_TEMP_OPT] = &row->best,
                                          [CH_TARGET_TEMP_MAX] = &row->max,
                                          [CH_TARGET_BORDER] = &row->weight_border,
                                          [CH_TARGET_KERNEL_BORDER] = &row->kernel_border};
    return temps[which];
}

static void consider_temps(ch_target_state *state, const ch_phase *phase, ch_target_phase which)
{
    for (size_t a = 0; a < phase->num_alphas; a++) {
        const ch_phase_temp *temp = temp_of(&phase->rows[a], which);
        char where[sizeof state->what];
        if (temp->place == CH_TC_INSIDE) {
            snprintf(where, sizeof where, " at alpha = %s", ch_show_power(phase->alphas[a]).text);
            consider(state, &temp->estimate, NAN, where);
        } else {
            state->num_outside++;
        }
    }
}

/* The label of a diagram: that of its groups without alpha, and its P. */
static void label_phase(const ch_fit *fit, const ch_phase *phase, char *label, size_t size)
{
    ch_fit without_alpha = *fit;
    const ch_fit_group group = {.key = phase->key};
    without_alpha.differing &= ~(UINT64_C(1) << CH_SETTING_ALPHA);
    ch_fit_group_label(&without_alpha, &group, label, size);
    const size_t used = strlen(label);
    snprintf(label + used, size - used, "%sP = %s", used > 0 ? ", " : "", ch_show_count(phase->key.train).text);
}

static ch_code look_at_phases(ch_target_states *self, const ch_target *target, const ch_fit *fit,
                              const ch_phase_list *phases, ch_error *err)
{
    const ch_target_phase which = (ch_target_phase)target->name->which;
    ch_target_state *state = NULL;
    for (size_t i = 0; i < phases->count; i++) {
        const ch_phase *phase = &phases->items[i];
        char label[sizeof state->group];
        label_phase(fit, phase, label, sizeof label);
        const ch_code code = add_state(self, target, label, phase->num_data_sets, &state, err);
        if (code != CH_OK) {
            return code;
        }
        if (which == CH_TARGET_K || which == CH_TARGET_MAX_SLOPE) {
            consider(state, which == CH_TARGET_K ? &phase->slope : &phase->max_slope, NAN, "");
        } else {
            consider_temps(state, phase, which);
        }
    }
    return phases->count > 0 ? CH_OK : add_state(self, target, "no phase diagram", 0, &state, err);
}

/* ---- all ---- */

ch_code ch_target_look(ch_target_states *self, const ch_target_list *targets, const ch_fit *fit, ch_error *err)
{
    ch_phase_list phases = {0};
    ch_code code = CH_OK;
    bool has_phases = false;
    *self = (ch_target_states){0};
    for (size_t i = 0; i < targets->count; i++) {
        has_phases = has_phases || targets->items[i].name->kind == CH_TARGET_PHASE;
    }
    code = has_phases ? ch_phase_list_init(&phases, fit, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < targets->count; i++) {
        const ch_target *target = &targets->items[i];
        code = target->name->kind == CH_TARGET_PHASE ? look_at_phases(self, target, fit, &phases, err)
                                                     : look_at_groups(self, target, fit, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    ch_phase_list_free(&phases);
    return code;
}

void ch_target_states_free(ch_target_states *self)
{
    free(self->items);
    *self = (ch_target_states){0};
}
