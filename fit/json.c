/* json.c — the report of a fit for programs. */
#include "fit/internal.h"

#include <math.h>
#include <string.h>

static json_t *real_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *value_json(const ch_setting *row, ch_value value)
{
    if (row->type == CH_TYPE_CHOICE) {
        return json_string(row->choices[value.count]);
    }
    if (row->word != NULL && (row->type == CH_TYPE_REAL ? value.real == 0 : value.count == 0)) {
        return json_string(row->word);
    }
    return row->type == CH_TYPE_REAL ? json_real(value.real) : json_integer((json_int_t)value.count);
}

/* The settings that a group holds fixed. */
static json_t *key_json(const ch_fit_group *group)
{
    json_t *key = json_object();
    for (size_t i = 0; i < ch_settings_count && key != NULL; i++) {
        const ch_setting *row = &ch_settings_table[i];
        if (ch_fit_is_key(i) &&
            json_object_set_new(key, row->name, value_json(row, ch_settings_get(&group->key, i))) != 0) {
            json_decref(key);
            key = NULL;
        }
    }
    return key;
}

/* The interval as [lo, hi], or null when there is none. */
static json_t *interval_json(const ch_estimate *estimate)
{
    return isfinite(estimate->lo) && isfinite(estimate->hi) ? json_pack("[f, f]", estimate->lo, estimate->hi)
                                                            : json_null();
}

static json_t *exponent_json(const ch_exponent *exponent, json_t *key)
{
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:O}", "name", exponent->name, "value",
                  real_or_null(exponent->estimate.value), "stderr", real_or_null(exponent->estimate.stderr_), "ci95",
                  interval_json(&exponent->estimate), "theory", real_or_null(exponent->theory), "group", key);
    if (object != NULL && exponent->definition != NULL &&
        json_object_set_new(object, "definition", json_string(exponent->definition)) != 0) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

/* "above": T_c lies above `value`; "below": below it; null: `value` is T_c. */
static json_t *bound_json(ch_tc_place place)
{
    switch (place) {
    case CH_TC_ABOVE:
        return json_string("above");
    case CH_TC_BELOW:
        return json_string("below");
    case CH_TC_INSIDE:
    case CH_TC_NONE:
        break;
    }
    return json_null();
}

static json_t *tc_json(const ch_tc *tc, json_t *key)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:s, s:o, s:O}", "train", (json_int_t)tc->train, "value",
                     real_or_null(tc->estimate.value), "stderr", real_or_null(tc->estimate.stderr_), "ci95",
                     interval_json(&tc->estimate), "definition", ch_tc_definition_name(tc->definition), "bound",
                     bound_json(tc->place), "group", key);
}

static json_t *group_json(const ch_fit_group *group, json_t *key)
{
    json_t *window = isnan(group->window_lo) ? json_null() : json_pack("[f, f]", group->window_lo, group->window_hi);
    json_t *notes = json_array();
    for (size_t i = 0; i < group->num_notes && notes != NULL; i++) {
        if (json_array_append_new(notes, json_string(group->notes[i])) != 0) {
            json_decref(notes);
            notes = NULL;
        }
    }
    return json_pack("{s:O, s:o, s:o, s:I, s:I, s:o}", "group", key, "window", window, "window_tolerance",
                     real_or_null(group->window_tolerance), "runs", (json_int_t)group->num_runs, "data_sets",
                     (json_int_t)group->num_data_sets, "notes", notes);
}

/* Appends all of a group. @return 0, or -1 when memory is short */
static int append_group(const ch_fit_group *group, json_t *exponents, json_t *tc, json_t *groups)
{
    int status = 0;
    json_t *key = key_json(group);
    if (key == NULL) {
        return -1;
    }
    for (size_t i = 0; i < group->num_exponents && status == 0; i++) {
        status = json_array_append_new(exponents, exponent_json(&group->exponents[i], key));
    }
    for (size_t i = 0; i < group->num_tc && status == 0; i++) {
        status = json_array_append_new(tc, tc_json(&group->tc[i], key));
    }
    if (status == 0) {
        status = json_array_append_new(groups, group_json(group, key));
    }
    json_decref(key);
    return status;
}

json_t *ch_fit_json(const ch_fit *self)
{
    json_t *exponents = json_array();
    json_t *tc = json_array();
    json_t *groups = json_array();
    int status = exponents != NULL && tc != NULL && groups != NULL ? 0 : -1;
    for (size_t g = 0; g < self->num_groups && status == 0; g++) {
        status = append_group(&self->groups[g], exponents, tc, groups);
    }
    if (status != 0) {
        json_decref(exponents);
        json_decref(tc);
        json_decref(groups);
        return NULL;
    }
    return json_pack("{s:o, s:o, s:o, s:f, s:f, s:I, s:s}", "exponents", exponents, "tc", tc, "groups", groups,
                     "threshold", self->options.threshold, "sigmas", self->options.sigmas, "replicas",
                     (json_int_t)self->options.replicas, "version", CH_VERSION);
}
