/* joint_errors.c — errors of the joint laws T_c = c P^-a, and correlations of fitted numbers. */
#include "fit/errors/joint_errors.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "fit/laws/constraints.h"
#include "fit/laws/expected.h"
#include "fit/numbers.h"
#include "fit/table/cells.h"
#include "fit/table/notes.h"

#include <math.h>
#include <stdio.h>

/* ---- errors ---- */

/* Makes the error of a number of a joint law. */
static ch_code estimate(ch_fit_group *group, const ch_replicas *replicas, ch_fit_number number,
                        ch_tc_definition definition, double value, ch_estimate *estimate, ch_error *err)
{
    char what[64];
    snprintf(what, sizeof what, "%s by %s, joint", ch_fit_numbers[number].name, ch_tc_definition_name(definition));
    return ch_fit_estimate_number(group, replicas, ch_fit_number_slot(number, definition), value, what, estimate, err);
}

/* The same for a number whose logarithm was fitted. */
static ch_code estimate_log(ch_fit_group *group, const ch_replicas *replicas, ch_fit_number number,
                            ch_tc_definition definition, ch_estimate *estimate_of, ch_error *err)
{
    ch_estimate logs;
    const double value = estimate_of->value;
    const ch_code code = estimate(group, replicas, number, definition, log(value), &logs, err);
    *estimate_of = ch_estimate_from_log(value, &logs);
    return code;
}

static ch_code note_bound(ch_fit_group *group, const char *what, ch_held held, double value, ch_error *err)
{
    if (held != CH_HELD_BOUND) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "%s lies at its bound %g, beyond which a free fit would go: it has no error", what,
                       value);
}

static ch_code estimate_onset(ch_fit_group *group, const ch_fit_options *options, const ch_replicas *replicas,
                              ch_error *err)
{
    ch_critical_law *law = &group->joint[CH_TC_ONSET];
    ch_code code = estimate_log(group, replicas, CH_FIT_C, CH_TC_ONSET, &law->prefactor, err);
    if (code != CH_OK) {
        return code;
    }
    code = estimate_log(group, replicas, CH_FIT_SHARPNESS, CH_TC_ONSET, &law->sharpness, err);
    if (code != CH_OK) {
        return code;
    }
    code = estimate(group, replicas, CH_FIT_A, CH_TC_ONSET, law->exponent.value, &law->exponent, err);
    if (code != CH_OK) {
        return code;
    }
    law->held_a = ch_fit_held(options, CH_FIT_A, law->exponent.value);
    if (!options->constraints[CH_FIT_SHARPNESS].is_tied) { /* a tie is of the m at each P; the joint m is fitted */
        law->held_sharpness = ch_fit_held(options, CH_FIT_SHARPNESS, law->sharpness.value);
    }
    ch_fit_hold_estimate(&law->exponent, options->constraints[CH_FIT_A].range, law->held_a);
    ch_fit_hold_estimate(&law->sharpness, options->constraints[CH_FIT_SHARPNESS].range, law->held_sharpness);
    code = note_bound(group, "a by onset, joint,", law->held_a, law->exponent.value, err);
    if (code != CH_OK) {
        return code;
    }
    return note_bound(group, "the onset's sharpness", law->held_sharpness, law->sharpness.value, err);
}

/* c and a of a law by the test error. */
static ch_code estimate_error(ch_fit_group *group, const ch_replicas *replicas, ch_tc_definition definition,
                              ch_error *err)
{
    ch_critical_law *law = &group->joint[definition];
    const ch_code code = estimate_log(group, replicas, CH_FIT_C, definition, &law->prefactor, err);
    if (code != CH_OK) {
        return code;
    }
    return estimate(group, replicas, CH_FIT_A, definition, law->exponent.value, &law->exponent, err);
}

/* How a = gamma/delta got its value: it is at a bound if delta or gamma is, and fixed if both are. */
static ch_held held_escape(const ch_fit_group *group, const ch_fit_options *options)
{
    const ch_held delta = ch_fit_held(options, CH_FIT_DELTA, group->weight_change.temp_exponent);
    const ch_held gamma = ch_fit_held(options, CH_FIT_GAMMA, group->weight_change.train_exponent);
    if (delta == CH_HELD_BOUND || gamma == CH_HELD_BOUND) {
        return CH_HELD_BOUND;
    }
    return delta == CH_HELD_FIXED && gamma == CH_HELD_FIXED ? CH_HELD_FIXED : CH_HELD_NOT;
}

static ch_code estimate_escape(ch_fit_group *group, const ch_fit_options *options, const ch_replicas *replicas,
                               ch_error *err)
{
    const ch_range any = {-INFINITY, INFINITY};
    ch_critical_law *law = &group->joint[CH_TC_ESCAPE];
    ch_code code = estimate_log(group, replicas, CH_FIT_C, CH_TC_ESCAPE, &law->prefactor, err);
    if (code != CH_OK) {
        return code;
    }
    code = estimate(group, replicas, CH_FIT_A, CH_TC_ESCAPE, law->exponent.value, &law->exponent, err);
    if (code != CH_OK) {
        return code;
    }
    law->held_a = held_escape(group, options);
    ch_fit_hold_estimate(&law->exponent, any, law->held_a);
    return CH_OK;
}

/* Counts the P at which T_c of the law lies outside the temperatures of the complete cells there: it is extrapolated.
 */
static size_t count_outside(const ch_fit_group *group, const ch_critical_law *law)
{
    size_t count = 0;
    for (size_t p = 0; p < group->num_trains; p++) {
        const double temp = law->prefactor.value * pow((double)group->trains[p], -law->exponent.value);
        double lo = INFINITY, hi = -INFINITY;
        for (size_t c = ch_fit_first_cell(group, p); c < ch_fit_first_cell(group, p + 1); c++) {
            const double at = group->temps[group->cells[c].temp];
            lo = group->cells[c].complete ? fmin(lo, at) : lo;
            hi = group->cells[c].complete ? fmax(hi, at) : hi;
        }
        count += !(temp >= lo && temp <= hi);
    }
    return count;
}

static ch_code note_extrapolated(ch_fit_group *group, ch_tc_definition definition, ch_error *err)
{
    ch_critical_law *law = &group->joint[definition];
    law->num_outside = count_outside(group, law);
    if (law->num_outside == 0) {
        return CH_OK;
    }
    return ch_fit_note_detail(
        group, err,
        "T_c by %s, joint, is extrapolated: at %zu of %zu P it lies outside the sampled T, so that its a "
        "rests on the law and on no T_c there",
        ch_tc_definition_name(definition), law->num_outside, group->num_trains);
}

ch_code ch_fit_note_disagreement(ch_fit_group *group, const ch_replicas *replicas, ch_tc_definition definition,
                                 ch_error *err)
{
    const ch_exponent *slope = ch_fit_find_exponent(group, CH_FIT_A_SLOPE, definition);
    const ch_exponent *joint = ch_fit_find_exponent(group, CH_FIT_A, definition);
    if (slope == NULL || joint == NULL || joint->held != CH_HELD_NOT || replicas->count == 0) {
        return CH_OK;
    }
    ch_moments differences = {0};
    for (size_t r = 0; r < replicas->count; r++) {
        const double *numbers = replicas->numbers + r * replicas->num_numbers;
        const double difference =
            numbers[ch_fit_number_slot(CH_FIT_A_SLOPE, definition)] - numbers[ch_fit_number_slot(CH_FIT_A, definition)];
        if (isfinite(difference)) {
            ch_moments_add(&differences, difference);
        }
    }
    const double value = slope->estimate.value - joint->estimate.value;
    const ch_estimate between = ch_estimate_make(value, ch_moments_deviation(&differences), group->num_data_sets);
    const bool is_rounding = fabs(value) < 1e-9;
    if (is_rounding || !ch_replicas_are_enough(replicas, (size_t)differences.count) ||
        !(between.lo > 0 || between.hi < 0)) {
        return CH_OK;
    }
    return ch_fit_note(
        group, err,
        "two values of a by %s disagree: %.4g by the slope through single T_c and %.4g by the joint law, "
        "their difference being %.2g ± %.2g; one of the two assumes what does not hold",
        ch_tc_definition_name(definition), slope->estimate.value, joint->estimate.value, value, between.stderr_);
}

ch_code ch_fit_estimate_joint(ch_fit_group *group, const ch_fit_options *options, const ch_replicas *replicas,
                              ch_tc_definition definition, double theory, ch_error *err)
{
    ch_critical_law *law = &group->joint[definition];
    if (!law->found) {
        return CH_OK;
    }
    ch_code code = definition == CH_TC_ONSET    ? estimate_onset(group, options, replicas, err)
                   : definition == CH_TC_ESCAPE ? estimate_escape(group, options, replicas, err)
                                                : estimate_error(group, replicas, definition, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_exponent exponent = {.number = CH_FIT_A,
                                  .definition = definition,
                                  .estimate = law->exponent,
                                  .theory = theory,
                                  .expected = law->expected_exponent,
                                  .held = law->held_a};
    code = ch_fit_add_exponent(group, &exponent, err);
    if (code != CH_OK) {
        return code;
    }
    return note_extrapolated(group, definition, err);
}

/* ---- correlations ---- */

static ch_code correlate(ch_fit_group *group, const ch_replicas *replicas, ch_fit_number first, ch_fit_number second,
                         ch_tc_definition definition, ch_error *err)
{
    const double value = ch_replicas_correlation(replicas, ch_fit_number_slot(first, definition),
                                                 ch_fit_number_slot(second, definition));
    if (!isfinite(value)) {
        return CH_OK;
    }
    if (ch_grow((void **)&group->correlations, &group->correlations_capacity, group->num_correlations + 1,
                sizeof *group->correlations) != 0) {
        return ch_error_memory(err, "the correlations of a fit");
    }
    group->correlations[group->num_correlations++] = (ch_correlation){first, second, definition, value};
    return CH_OK;
}

ch_code ch_fit_correlate(ch_fit_group *group, const ch_replicas *replicas, ch_error *err)
{
    static const ch_fit_number of_laws[][2] = {{CH_FIT_DELTA, CH_FIT_GAMMA},
                                               {CH_FIT_TIME_DELTA, CH_FIT_B},
                                               {CH_FIT_DELTA, CH_FIT_TIME_DELTA},
                                               {CH_FIT_GAMMA, CH_FIT_B}};
    static const ch_fit_number of_joint[][2] = {{CH_FIT_C, CH_FIT_A}, {CH_FIT_A, CH_FIT_SHARPNESS}};
    for (size_t i = 0; i < sizeof of_laws / sizeof *of_laws; i++) {
        const ch_code code = correlate(group, replicas, of_laws[i][0], of_laws[i][1], CH_NUM_TC, err);
        if (code != CH_OK) {
            return code;
        }
    }
    for (int d = 0; d < CH_NUM_TC; d++) {
        for (size_t i = 0; i < sizeof of_joint / sizeof *of_joint; i++) {
            const ch_tc_definition definition = (ch_tc_definition)d;
            const ch_code code = correlate(group, replicas, of_joint[i][0], of_joint[i][1], definition, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}
