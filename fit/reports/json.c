/* json.c — the report of a fit as a JSON object. */
#include "sim/store/json.h"
#include "fit/errors/estimate.h"
#include "fit/laws/bounded.h"
#include "fit/laws/constraints.h"
#include "fit/numbers.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"

#include <math.h>
#include <string.h>

/* The settings that the runs of a group share, and the digest of their images. What does not apply to them is null. */
static json_t *key_json(const ch_fit_group *group)
{
    json_t *key = json_object();
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_setting *row = &ch_settings_table[i];
        if (ch_fit_is_key(i)) {
            ch_report_set(&key, row->name,
                          ch_setting_applies(&group->key, i) ? ch_json_setting(row, ch_settings_get(&group->key, i))
                                                             : json_null());
        }
    }
    ch_report_set(&key, "data_digest", ch_report_digest(&group->key));
    return key;
}

/* How the user held a number: "fixed", "tied" or "bound"; null where it is fitted to the data alone. */
static json_t *held_json(ch_held held)
{
    static const char *const words[] = {[CH_HELD_FIXED] = "fixed", [CH_HELD_TIED] = "tied", [CH_HELD_BOUND] = "bound"};
    return held == CH_HELD_NOT ? json_null() : json_string(words[held]);
}

/* The distance of an estimate from what is expected, in standard deviations; null where one of both is not known. */
static json_t *distance_json(const ch_estimate *estimate, double expected, const ch_fit_group *group)
{
    return ch_json_real(ch_estimate_distance(estimate, expected, group->num_data_sets));
}

static json_t *exponent_json(const ch_exponent *exponent, const ch_fit_group *group, json_t *key)
{
    const ch_fit_number_row *number = &ch_fit_numbers[exponent->number];
    json_t *object = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O}", "name", number->name, "value",
        ch_json_real(exponent->estimate.value), "stderr", ch_json_real(exponent->estimate.stderr_), "ci95",
        ch_report_interval(&exponent->estimate), "theory", ch_json_real(exponent->theory), "expected",
        ch_json_real(exponent->expected), "expected_distance",
        distance_json(&exponent->estimate, exponent->expected, group), "held", held_json(exponent->held), "group", key);
    if (number->has_definition) {
        ch_report_set(&object, "definition", json_string(ch_tc_definition_name(exponent->definition)));
        ch_report_set(&object, "method", json_string(number->method));
    }
    return object;
}

/* ---- T_c = c P^-a ---- */

static json_t *estimate_json(const ch_estimate *estimate, ch_held held)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "value", ch_json_real(estimate->value), "stderr",
                     ch_json_real(estimate->stderr_), "ci95", ch_report_interval(estimate), "held", held_json(held));
}

/* c and a that are expected, or null. */
static json_t *expected_law_json(const ch_critical_law *law)
{
    if (!isfinite(law->expected_prefactor)) {
        return json_null();
    }
    return json_pack("{s:f, s:f}", "c", law->expected_prefactor, "a", law->expected_exponent);
}

static json_t *law_json(const ch_critical_law *law)
{
    if (!law->found) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "expected", expected_law_json(law), "c",
                     estimate_json(&law->prefactor, CH_HELD_NOT), "a", estimate_json(&law->exponent, law->held_a),
                     "sharpness",
                     isnan(law->sharpness.value) ? json_null() : estimate_json(&law->sharpness, law->held_sharpness),
                     "delta", ch_json_real(law->delta), "trains", (json_int_t)law->num_trains, "points",
                     (json_int_t)law->num_points, "extrapolated", (json_int_t)law->num_outside);
}

/* The joint law of each definition, or null where it has none. */
static json_t *joint_json(const ch_fit_group *group)
{
    json_t *object = json_object();
    for (int d = 0; d < CH_NUM_TC; d++) {
        ch_report_set(&object, ch_tc_definition_name((ch_tc_definition)d), law_json(&group->joint[d]));
    }
    return object;
}

static json_t *correlations_json(const ch_fit_group *group)
{
    json_t *list = json_array();
    for (size_t i = 0; i < group->num_correlations; i++) {
        const ch_correlation *pair = &group->correlations[i];
        json_t *definition =
            pair->definition == CH_NUM_TC ? json_null() : json_string(ch_tc_definition_name(pair->definition));
        ch_report_append(&list,
                         json_pack("{s:[s, s], s:o, s:f}", "of", ch_fit_numbers[pair->first].name,
                                   ch_fit_numbers[pair->second].name, "definition", definition, "value", pair->value));
    }
    return list;
}

/* ---- constraints by the user ---- */

static json_t *constraint_json(const ch_fit_constraint *constraint)
{
    if (constraint->is_tied && constraint->other == CH_FIT_SHARPNESS) {
        return json_pack("{s:s}", "tied_to", "joint");
    }
    if (constraint->is_tied) {
        return json_pack("{s:s, s:f, s:f}", "tied_to", ch_fit_numbers[constraint->other].name, "offset",
                         constraint->offset, "factor", constraint->factor);
    }
    if (ch_range_is_fixed(constraint->range)) {
        return json_pack("{s:f}", "fixed", constraint->range.lo);
    }
    return json_pack("{s:[o, o]}", "bound", ch_json_real(constraint->range.lo), ch_json_real(constraint->range.hi));
}

/* The constraints that the user asked for, by the name of the number. */
static json_t *constraints_json(const ch_fit_options *options)
{
    json_t *object = json_object();
    for (int k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
        const ch_fit_constraint *constraint = &options->constraints[k];
        if (ch_fit_is_held(constraint)) {
            ch_report_set(&object, ch_fit_numbers[k].name, constraint_json(constraint));
        }
    }
    return object;
}

/* ---- the rest of a group ---- */

/* The distance of ln T_c from what is expected, in standard deviations: errors of T_c are made on its logarithm. */
static double critical_distance(const ch_tc *tc, size_t num_data_sets)
{
    const double value = tc->estimate.value;
    const ch_estimate logs = {log(value), tc->estimate.stderr_ / value, NAN, NAN};
    return tc->place == CH_TC_INSIDE ? ch_estimate_distance(&logs, log(tc->expected), num_data_sets) : NAN;
}

static json_t *tc_json(const ch_tc *tc, const ch_fit_group *group, json_t *key)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:s?, s:o, s:O}", "train", (json_int_t)tc->train, "value",
                     ch_json_real(tc->estimate.value), "expected", ch_json_real(tc->expected), "expected_distance",
                     ch_json_real(critical_distance(tc, group->num_data_sets)), "stderr",
                     ch_json_real(tc->estimate.stderr_), "ci95", ch_report_interval(&tc->estimate), "definition",
                     ch_tc_definition_name(tc->definition), "bound", ch_report_bound(tc->place), "needs_data_sets",
                     tc->place == CH_TC_UNRESOLVED ? json_integer((json_int_t)tc->needed_sets) : json_null(), "group",
                     key);
}

/* [lo, hi]. An end is null where the interval reaches the end of the values that were tried. */
static json_t *open_interval_json(double lo, double hi)
{
    return json_pack("[o, o]", ch_json_real(lo), ch_json_real(hi));
}

static json_t *break_json(const ch_shape_fit *fit)
{
    return json_pack("{s:f, s:o, s:f}", "break", exp(fit->extra), "break_ci95",
                     open_interval_json(fit->extra_lo > 0 ? exp(fit->extra_lo) : NAN, exp(fit->extra_hi)),
                     "value_below", fit->other);
}

static json_t *correction_json(const ch_shape_fit *fit)
{
    return json_pack("{s:f, s:o, s:f}", "omega", fit->extra, "omega_ci95",
                     open_interval_json(fit->extra_lo, fit->extra_hi), "amplitude", fit->other);
}

static json_t *shape_json(ch_trend_shape shape, const ch_shape_fit *fit)
{
    json_t *object =
        json_pack("{s:s, s:f, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "shape", ch_trend_shape_name(shape), "value",
                  fit->exponent, "stderr", ch_json_real(fit->stderr_), "ci95", open_interval_json(fit->lo, fit->hi),
                  "chi2", ch_json_real(fit->chi2), "dof", (json_int_t)fit->dof, "misfit", ch_json_real(fit->misfit),
                  "against_power", ch_json_real(fit->against_power), "aicc", ch_json_real(fit->aicc));
    if (object == NULL || shape == CH_SHAPE_POWER) {
        return object;
    }
    json_t *rest = shape == CH_SHAPE_BROKEN ? break_json(fit) : correction_json(fit);
    if (rest == NULL || json_object_update(object, rest) != 0) {
        json_decref(object);
        object = NULL;
    }
    json_decref(rest);
    return object;
}

static json_t *local_json(const ch_local_slope *slope)
{
    return json_pack("{s:[f, f], s:o, s:o}", "train", slope->train_lo, slope->train_hi, "value",
                     ch_json_real(slope->slope), "stderr", ch_json_real(slope->stderr_));
}

/* The shapes of a curve, or null where there are too few P. */
static json_t *shapes_json(const ch_shapes *shapes)
{
    json_t *fits = json_array(), *local = json_array();
    for (int k = 0; k < CH_NUM_SHAPES; k++) {
        if (shapes->fits[k].found) {
            ch_report_append(&fits, shape_json((ch_trend_shape)k, &shapes->fits[k]));
        }
    }
    for (size_t i = 0; i < shapes->num_local; i++) {
        ch_report_append(&local, local_json(&shapes->local[i]));
    }
    const bool is_short_of_memory = fits == NULL || local == NULL;
    if (is_short_of_memory || json_array_size(fits) == 0) {
        json_decref(fits);
        json_decref(local);
        return is_short_of_memory ? NULL : json_null();
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "best", ch_trend_shape_name(shapes->best), "nu", ch_json_real(shapes->nu),
                     "fits", fits, "local", local);
}

static json_t *group_json(const ch_fit_group *group, json_t *key)
{
    json_t *window = isnan(group->window_lo) ? json_null() : json_pack("[f, f]", group->window_lo, group->window_hi);
    json_t *notes = json_array();
    for (size_t i = 0; i < group->num_notes; i++) {
        ch_report_append(&notes, json_string(group->notes[i]));
    }
    return json_pack("{s:O, s:o, s:o, s:I, s:I, s:{s:o, s:o}, s:o, s:o, s:o}", "group", key, "window", window,
                     "window_tolerance", ch_json_real(group->window_tolerance), "runs", (json_int_t)group->num_runs,
                     "data_sets", (json_int_t)group->num_data_sets, "shapes", "weight_change",
                     shapes_json(&group->weight_shapes), "time", shapes_json(&group->time_shapes), "joint",
                     joint_json(group), "correlations", correlations_json(group), "notes", notes);
}

/* Appends the exponents, the T_c and the object of a group. A list is NULL once memory is short. */
static void append_group(const ch_fit_group *group, json_t **exponents, json_t **tc, json_t **groups)
{
    json_t *key = key_json(group);
    json_t *object = group_json(group, key);
    for (size_t i = 0; i < group->num_exponents; i++) {
        ch_report_append(exponents, exponent_json(&group->exponents[i], group, key));
    }
    for (size_t i = 0; i < group->num_tc; i++) {
        ch_report_append(tc, tc_json(&group->tc[i], group, key));
    }
    ch_report_set(&object, "effective_chi", ch_report_chi_json(group));
    ch_report_add_outliers(group, &object);
    ch_report_append(groups, object);
    json_decref(key);
}

json_t *ch_fit_json(const ch_fit *self)
{
    json_t *exponents = json_array();
    json_t *tc = json_array();
    json_t *groups = json_array();
    for (size_t g = 0; g < self->num_groups; g++) {
        append_group(&self->groups[g], &exponents, &tc, &groups);
    }
    return json_pack("{s:o, s:o, s:o, s:f, s:f, s:f, s:I, s:I, s:o, s:s}", "exponents", exponents, "tc", tc, "groups",
                     groups, "threshold", self->options.threshold, "shift", self->options.shift, "sigmas",
                     self->options.sigmas, "replicas", (json_int_t)self->options.replicas, "infinite_train",
                     (json_int_t)self->num_infinite, "held", constraints_json(&self->options), "version", CH_VERSION);
}
