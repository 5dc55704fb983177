/* joint_errors.c — errors of T_c = c P^-a from all P at once, and how fitted numbers go together. */
#include "fit/internal.h"

#include <math.h>

/* ---- errors ---- */

/* Of a number whose logarithm is what was fitted. */
static ch_code estimate_log(ch_fit_group *group, const ch_bootstrap *bootstrap, size_t number, const char *what,
                            ch_estimate *estimate, ch_error *err)
{
    ch_estimate logs;
    const double value = estimate->value;
    const ch_code code = ch_fit_estimate_number(group, bootstrap, number, log(value), what, &logs, err);
    *estimate = (ch_estimate){value, value * logs.stderr_, exp(logs.lo), exp(logs.hi)};
    return code;
}

static ch_code note_bound(ch_fit_group *group, const char *what, ch_held held, double value, ch_error *err)
{
    return held == CH_HELD_BOUND
               ? ch_fit_note(group, err, "%s lies at its bound %g: the data would have it beyond", what, value)
               : CH_OK;
}

static ch_code estimate_onset(ch_fit_group *group, const ch_bootstrap *bootstrap, ch_error *err)
{
    const ch_fit_options *options = bootstrap->options;
    ch_critical_law *law = &group->joint[CH_TC_ONSET];
    ch_code code = estimate_log(group, bootstrap, CH_NUMBER_ONSET_C, "c by onset, joint", &law->prefactor, err);
    if (code == CH_OK) {
        code = estimate_log(group, bootstrap, CH_NUMBER_ONSET_M, "sharpness by onset, joint", &law->sharpness, err);
    }
    if (code == CH_OK) {
        code = ch_fit_estimate_number(group, bootstrap, CH_NUMBER_ONSET_A, law->exponent.value, "a by onset, joint",
                                      &law->exponent, err);
    }
    law->held_a = ch_fit_held(options, CH_FIT_A, law->exponent.value);
    if (!options->constraints[CH_FIT_SHARPNESS].is_tied) { /* a tie is to this one */
        law->held_sharpness = ch_fit_held(options, CH_FIT_SHARPNESS, law->sharpness.value);
    }
    ch_fit_hold_estimate(&law->exponent, options->constraints[CH_FIT_A].range, law->held_a);
    ch_fit_hold_estimate(&law->sharpness, options->constraints[CH_FIT_SHARPNESS].range, law->held_sharpness);
    if (code == CH_OK) {
        code = note_bound(group, "a by onset, joint,", law->held_a, law->exponent.value, err);
    }
    if (code == CH_OK) {
        code = note_bound(group, "the onset's sharpness", law->held_sharpness, law->sharpness.value, err);
    }
    return code;
}

/* a = gamma/delta is held as these are. */
static ch_held held_escape(const ch_fit_group *group, const ch_fit_options *options)
{
    const ch_held delta = ch_fit_held(options, CH_FIT_DELTA, group->weight_change.temp_exponent);
    const ch_held gamma = ch_fit_held(options, CH_FIT_GAMMA, group->weight_change.train_exponent);
    if (delta == CH_HELD_BOUND || gamma == CH_HELD_BOUND) {
        return CH_HELD_BOUND;
    }
    return delta == CH_HELD_FIXED && gamma == CH_HELD_FIXED ? CH_HELD_FIXED : CH_HELD_NOT;
}

static ch_code estimate_escape(ch_fit_group *group, const ch_bootstrap *bootstrap, ch_error *err)
{
    const ch_range any = {-INFINITY, INFINITY};
    ch_critical_law *law = &group->joint[CH_TC_ESCAPE];
    ch_code code = estimate_log(group, bootstrap, CH_NUMBER_ESCAPE_C, "c by escape, joint", &law->prefactor, err);
    if (code == CH_OK) {
        code = ch_fit_estimate_number(group, bootstrap, CH_NUMBER_ESCAPE_A, law->exponent.value, "a by escape, joint",
                                      &law->exponent, err);
    }
    law->held_a = held_escape(group, bootstrap->options);
    ch_fit_hold_estimate(&law->exponent, any, law->held_a);
    return code;
}

ch_code ch_fit_estimate_joint(ch_fit_group *group, const ch_bootstrap *bootstrap, ch_tc_definition definition,
                              double theory, ch_error *err)
{
    ch_critical_law *law = &group->joint[definition];
    if (!law->found) {
        return CH_OK;
    }
    const ch_code code =
        definition == CH_TC_ONSET ? estimate_onset(group, bootstrap, err) : estimate_escape(group, bootstrap, err);
    ch_exponent *exponent = ch_fit_add_exponent(group, "a", theory);
    exponent->definition = ch_tc_definition_name(definition);
    exponent->method = "joint";
    exponent->held = law->held_a;
    exponent->estimate = law->exponent;
    return code;
}

/* ---- correlations ---- */

void ch_fit_correlate(ch_fit_group *group, const ch_bootstrap *bootstrap)
{
    static const struct {
        const char *first, *second, *definition;
        size_t numbers[2];
    } pairs[CH_FIT_MAX_CORRELATIONS] = {
        {"delta", "gamma", NULL, {CH_NUMBER_DELTA, CH_NUMBER_GAMMA}},
        {"time_delta", "b", NULL, {CH_NUMBER_TIME_DELTA, CH_NUMBER_B}},
        {"delta", "time_delta", NULL, {CH_NUMBER_DELTA, CH_NUMBER_TIME_DELTA}},
        {"gamma", "b", NULL, {CH_NUMBER_GAMMA, CH_NUMBER_B}},
        {"c", "a", "onset", {CH_NUMBER_ONSET_C, CH_NUMBER_ONSET_A}},
        {"a", "sharpness", "onset", {CH_NUMBER_ONSET_A, CH_NUMBER_ONSET_M}},
        {"c", "a", "escape", {CH_NUMBER_ESCAPE_C, CH_NUMBER_ESCAPE_A}},
    };
    for (size_t i = 0; i < CH_FIT_MAX_CORRELATIONS && group->num_data_sets >= 2; i++) {
        const double value = ch_bootstrap_correlation(bootstrap, pairs[i].numbers[0], pairs[i].numbers[1]);
        if (isfinite(value)) {
            group->correlations[group->num_correlations++] =
                (ch_correlation){pairs[i].first, pairs[i].second, pairs[i].definition, value};
        }
    }
}
