/* named.c — the numbers of a fit by their names. */
#include "fit/named.h"
#include "core/memory.h"
#include "core/text.h"
#include "fit/collapse/collapse.h"
#include "fit/phase/phase.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static const ch_fit_name names[] = {
    {"delta", CH_NAMED_EXPONENT, CH_FIT_DELTA},
    {"gamma", CH_NAMED_EXPONENT, CH_FIT_GAMMA},
    {"time_delta", CH_NAMED_EXPONENT, CH_FIT_TIME_DELTA},
    {"b", CH_NAMED_EXPONENT, CH_FIT_B},
    {"a", CH_NAMED_A, CH_NUM_TC},
    {"a_onset", CH_NAMED_A, CH_TC_ONSET},
    {"a_escape", CH_NAMED_A, CH_TC_ESCAPE},
    {"a_error_shift", CH_NAMED_A, CH_TC_ERROR_SHIFT},
    {"a_error_half", CH_NAMED_A, CH_TC_ERROR_HALF},
    {"tc", CH_NAMED_TC, CH_NUM_TC},
    {"tc_onset", CH_NAMED_TC, CH_TC_ONSET},
    {"tc_escape", CH_NAMED_TC, CH_TC_ESCAPE},
    {"tc_error_shift", CH_NAMED_TC, CH_TC_ERROR_SHIFT},
    {"tc_error_half", CH_NAMED_TC, CH_TC_ERROR_HALF},
    {"c_onset", CH_NAMED_PREFACTOR, CH_TC_ONSET},
    {"c_escape", CH_NAMED_PREFACTOR, CH_TC_ESCAPE},
    {"c_error_shift", CH_NAMED_PREFACTOR, CH_TC_ERROR_SHIFT},
    {"c_error_half", CH_NAMED_PREFACTOR, CH_TC_ERROR_HALF},
    {"sharpness", CH_NAMED_SHARPNESS, CH_TC_ONSET},
    {"chi_gamma", CH_NAMED_CHI_GAMMA, 0},
    {"chi_b", CH_NAMED_CHI_B, 0},
    {"b_excess", CH_NAMED_B_EXCESS, 0},
    {"chi_density", CH_NAMED_CHI_DENSITY, 0},
    {"gamma_power", CH_NAMED_WEIGHT_SHAPE, CH_SHAPE_POWER},
    {"gamma_broken", CH_NAMED_WEIGHT_SHAPE, CH_SHAPE_BROKEN},
    {"gamma_corrected", CH_NAMED_WEIGHT_SHAPE, CH_SHAPE_CORRECTED},
    {"b_power", CH_NAMED_TIME_SHAPE, CH_SHAPE_POWER},
    {"b_broken", CH_NAMED_TIME_SHAPE, CH_SHAPE_BROKEN},
    {"b_corrected", CH_NAMED_TIME_SHAPE, CH_SHAPE_CORRECTED},
    {"x_weight_change", CH_NAMED_COLLAPSE_X, CH_COLLAPSE_WEIGHT_CHANGE},
    {"x_time", CH_NAMED_COLLAPSE_X, CH_COLLAPSE_TIME},
    {"x_test_error", CH_NAMED_COLLAPSE_X, CH_COLLAPSE_TEST_ERROR},
    {"a_weight_change", CH_NAMED_COLLAPSE_A, CH_COLLAPSE_WEIGHT_CHANGE},
    {"a_time", CH_NAMED_COLLAPSE_A, CH_COLLAPSE_TIME},
    {"a_test_error", CH_NAMED_COLLAPSE_A, CH_COLLAPSE_TEST_ERROR},
    {"k", CH_NAMED_PHASE, CH_NAMED_K},
    {"temp_max_slope", CH_NAMED_PHASE, CH_NAMED_MAX_SLOPE},
    {"k_large", CH_NAMED_PHASE, CH_NAMED_K_LARGE},
    {"temp_max_slope_large", CH_NAMED_PHASE, CH_NAMED_MAX_SLOPE_LARGE},
    {"temp_opt", CH_NAMED_PHASE, CH_NAMED_TEMP_OPT},
    {"temp_max", CH_NAMED_PHASE, CH_NAMED_TEMP_MAX},
    {"border", CH_NAMED_PHASE, CH_NAMED_BORDER},
    {"kernel_border", CH_NAMED_PHASE, CH_NAMED_KERNEL_BORDER},
};

const ch_fit_name *ch_fit_name_find(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return &names[i];
        }
    }
    return NULL;
}

void ch_fit_name_list(char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", names[i].name);
    }
}

/* ---- one number ---- */

/* A list under construction, and whose numbers come next. */
typedef struct {
    ch_named_list *list;
    const ch_fit_name *name;
    const ch_fit *fit;
    ch_named_number next; /* what the numbers of a group share */
    size_t num_added;     /* of that group */
    ch_error *err;
} finder;

static ch_code add(finder *self, const ch_named_number *number)
{
    ch_named_list *list = self->list;
    void *items = list->items;
    if (ch_grow(&items, &list->capacity, list->count + 1, sizeof *list->items) != 0) {
        return ch_error_memory(self->err, "the numbers of a fit");
    }
    list->items = items;
    list->items[list->count++] = *number;
    self->num_added++;
    return CH_OK;
}

/* Adds a number of the group, unless the fit has no value for it. */
static ch_code add_estimate(finder *self, const ch_estimate *estimate, double theory, double expected)
{
    ch_named_number number = self->next;
    number.is_found = true;
    number.estimate = *estimate;
    number.theory = theory;
    number.expected = expected;
    return isnan(estimate->value) ? CH_OK : add(self, &number);
}

/* ---- numbers of a group ---- */

static ch_code add_exponent(finder *self, const ch_exponent *exponent)
{
    if (exponent == NULL) {
        return CH_OK;
    }
    self->next.definition = exponent->definition;
    return add_estimate(self, &exponent->estimate, exponent->theory, exponent->expected);
}

static bool is_named(const ch_fit_name *name, ch_tc_definition definition)
{
    return name->which == CH_NUM_TC || name->which == (int)definition;
}

static ch_code add_slopes(finder *self, const ch_fit_group *group)
{
    for (ch_tc_definition d = 0; d < CH_NUM_TC; d++) {
        const ch_code code = is_named(self->name, d) ? add_exponent(self, ch_fit_best_a(group, d)) : CH_OK;
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static ch_code add_critical(finder *self, const ch_fit_group *group)
{
    static const ch_estimate none = {NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (!is_named(self->name, tc->definition)) {
            continue;
        }
        ch_named_number number = self->next;
        number.is_found = true;
        number.is_outside = tc->place != CH_TC_INSIDE && tc->place != CH_TC_UNRESOLVED;
        number.estimate = tc->place == CH_TC_UNRESOLVED || tc->place == CH_TC_NONE ? none : tc->estimate;
        number.expected = tc->expected;
        number.needed = tc->place == CH_TC_UNRESOLVED && tc->needed_sets > 0 ? (double)tc->needed_sets : NAN;
        number.definition = tc->definition;
        number.train = tc->train;
        const ch_code code = add(self, &number);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static ch_code add_law(finder *self, const ch_critical_law *law)
{
    self->next.definition = (ch_tc_definition)self->name->which;
    if (!law->found) {
        return CH_OK;
    }
    return self->name->kind == CH_NAMED_PREFACTOR ? add_estimate(self, &law->prefactor, NAN, law->expected_prefactor)
                                                  : add_estimate(self, &law->sharpness, NAN, NAN);
}

static ch_code add_shape(finder *self, const ch_shapes *shapes)
{
    const ch_shape_fit *fit = &shapes->fits[self->name->which];
    const ch_estimate estimate = {fit->exponent, fit->stderr_, fit->lo, fit->hi};
    return fit->found ? add_estimate(self, &estimate, NAN, NAN) : CH_OK;
}

static ch_code add_collapse(finder *self, const ch_fit_group *group)
{
    ch_collapse collapse = {0};
    ch_code code =
        ch_collapse_init(&collapse, group, (ch_collapse_quantity)self->name->which, &self->fit->options, self->err);
    if (code != CH_OK || collapse.reason != NULL) {
        goto out;
    }
    code = self->name->kind == CH_NAMED_COLLAPSE_X ? add_estimate(self, &collapse.x, collapse.x_theory, NAN)
                                                   : add_estimate(self, &collapse.a, collapse.a_theory, NAN);
out:
    ch_collapse_free(&collapse);
    return code;
}

static ch_code add_of_group(finder *self, const ch_fit_group *group)
{
    const double chi = ch_settings_has_theory(&group->key) ? group->key.chi : NAN;
    switch (self->name->kind) {
    case CH_NAMED_EXPONENT:
        return add_exponent(self, ch_fit_find_exponent(group, (ch_fit_number)self->name->which, CH_NUM_TC));
    case CH_NAMED_A:
        return add_slopes(self, group);
    case CH_NAMED_PREFACTOR:
    case CH_NAMED_SHARPNESS:
        return add_law(self, &group->joint[self->name->which]);
    case CH_NAMED_TC:
        return add_critical(self, group);
    case CH_NAMED_CHI_GAMMA:
        return add_estimate(self, &group->chi.of_gamma, chi, NAN);
    case CH_NAMED_CHI_B:
        return add_estimate(self, &group->chi.of_b, chi, NAN);
    case CH_NAMED_B_EXCESS:
        return add_estimate(self, &group->chi.excess, isfinite(chi) ? 0 : NAN, group->chi.expected_excess);
    case CH_NAMED_CHI_DENSITY:
        return add_estimate(self, &group->chi.of_density, chi, NAN);
    case CH_NAMED_WEIGHT_SHAPE:
        return add_shape(self, &group->weight_shapes);
    case CH_NAMED_TIME_SHAPE:
        return add_shape(self, &group->time_shapes);
    case CH_NAMED_COLLAPSE_X:
    case CH_NAMED_COLLAPSE_A:
        return add_collapse(self, group);
    case CH_NAMED_PHASE:
        break;
    }
    return CH_OK;
}

/* What the numbers of a group share. */
static void begin(finder *self, size_t place, const ch_settings *key, size_t num_sets)
{
    self->num_added = 0;
    self->next = (ch_named_number){.place = place,
                                   .key = key,
                                   .num_sets = num_sets,
                                   .estimate = {NAN, NAN, NAN, NAN},
                                   .theory = NAN,
                                   .expected = NAN,
                                   .needed = NAN,
                                   .definition = CH_NUM_TC,
                                   .alpha = NAN};
}

/* Ends a group: where it has no number, it gets one that is not found. */
static ch_code end(finder *self)
{
    return self->num_added > 0 ? CH_OK : add(self, &self->next);
}

static ch_code add_groups(finder *self)
{
    for (size_t g = 0; g < self->fit->num_groups; g++) {
        const ch_fit_group *group = &self->fit->groups[g];
        begin(self, g, &group->key, group->num_data_sets);
        ch_fit_group_label(self->fit, group, self->next.label, sizeof self->next.label);
        ch_code code = add_of_group(self, group);
        if (code != CH_OK) {
            return code;
        }
        code = end(self);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- numbers of a phase diagram ---- */

static const ch_phase_temp *temp_of(const ch_phase_row *row, int which)
{
    const ch_phase_temp *const temps[] = {[CH_NAMED_TEMP_OPT] = &row->best,
                                          [CH_NAMED_TEMP_MAX] = &row->max,
                                          [CH_NAMED_BORDER] = &row->weight_border,
                                          [CH_NAMED_KERNEL_BORDER] = &row->kernel_border};
    return temps[which];
}

static ch_code add_temps(finder *self, const ch_phase *phase)
{
    for (size_t a = 0; a < phase->num_alphas; a++) {
        const ch_phase_temp *temp = temp_of(&phase->rows[a], self->name->which);
        ch_named_number number = self->next;
        number.is_found = true;
        number.is_outside = temp->place != CH_TC_INSIDE;
        number.estimate = temp->estimate;
        number.train = phase->key.train;
        number.alpha = phase->alphas[a];
        const ch_code code = add(self, &number);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static ch_code add_power(finder *self, const ch_phase_power *power)
{
    return add_estimate(self, &power->estimate, power->theory, NAN);
}

static ch_code add_of_phase(finder *self, const ch_phase *phase)
{
    self->next.train = phase->key.train;
    switch (self->name->which) {
    case CH_NAMED_K:
        return add_power(self, &phase->best_powers[CH_PHASE_SMALL]);
    case CH_NAMED_MAX_SLOPE:
        return add_power(self, &phase->max_powers[CH_PHASE_SMALL]);
    case CH_NAMED_K_LARGE:
        return add_power(self, &phase->best_powers[CH_PHASE_LARGE]);
    case CH_NAMED_MAX_SLOPE_LARGE:
        return add_power(self, &phase->max_powers[CH_PHASE_LARGE]);
    default:
        return add_temps(self, phase);
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

static ch_code add_phases(finder *self)
{
    ch_phase_list phases = {0};
    ch_code code = ch_phase_list_init(&phases, self->fit, self->err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < phases.count; i++) {
        const ch_phase *phase = &phases.items[i];
        /* the diagram ends with this function; its settings are those of a run but for alpha */
        begin(self, i, &phase->runs[0]->settings, phase->num_data_sets);
        label_phase(self->fit, phase, self->next.label, sizeof self->next.label);
        code = add_of_phase(self, phase);
        if (code != CH_OK) {
            goto out;
        }
        code = end(self);
        if (code != CH_OK) {
            goto out;
        }
    }
    if (phases.count == 0) {
        begin(self, 0, &self->fit->groups[0].key, 0);
        snprintf(self->next.label, sizeof self->next.label, "no phase diagram");
        code = end(self);
    }
out:
    ch_phase_list_free(&phases);
    return code;
}

/* ---- all ---- */

ch_code ch_named_list_init(ch_named_list *self, const ch_fit_name *name, const ch_fit *fit, ch_error *err)
{
    finder found = {.list = self, .name = name, .fit = fit, .err = err};
    *self = (ch_named_list){0};
    return name->kind == CH_NAMED_PHASE ? add_phases(&found) : add_groups(&found);
}

void ch_named_list_free(ch_named_list *self)
{
    free(self->items);
    *self = (ch_named_list){0};
}
