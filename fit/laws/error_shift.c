/* error_shift.c — T_c by the test error: the T at which it has changed by a stated size, 10 % by default. */
#include "core/memstream.h"
#include "core/text.h"
#include "fit/laws/change.h"
#include "fit/laws/definition.h"
#include "fit/laws/error_curve.h"
#include "fit/table/notes.h"
#include "fit/table/test_error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static ch_tc_place find(void *workspace, const ch_tc_input *input, ch_crossover *crossover, double *log_temp)
{
    ch_error_curve *curve = workspace;
    size_t first = 0, peak = 0;
    (void)crossover;
    ch_error_curve_average(curve, input->copies);
    const ch_tc_place place = ch_error_curve_reach(curve, input->options->shift, &first, &peak, log_temp);
    if (place != CH_TC_BELOW) {
        return place;
    }
    if (input->of_table != NULL) {
        return CH_TC_INSIDE; /* a T_c of the table that is little above the three lowest T is among them in some
                                replicas */
    }
    *log_temp = curve->at[CH_PLATEAU_TEMPS - 1];
    return CH_TC_BELOW;
}

static double count_needed(void *workspace, const ch_tc_input *input)
{
    ch_error_curve *curve = workspace;
    size_t first = 0, peak = 0;
    double log_temp = NAN;
    const double size = input->options->shift;
    ch_error_curve_average(curve, NULL);
    const ch_tc_place place = ch_error_curve_reach(curve, size, &first, &peak, &log_temp);
    if (place == CH_TC_NONE) {
        return 0;
    }
    const bool is_reached = place != CH_TC_ABOVE;
    const size_t end = !is_reached ? curve->count : first > CH_PLATEAU_TEMPS ? first : CH_PLATEAU_TEMPS;
    const double needed = ch_error_curve_needed(ch_error_curve_variance(curve, end), size);
    return is_reached ? fmax(needed, ch_error_curve_needed(ch_error_curve_variance_at(curve, peak), curve->mean[peak]))
                      : needed;
}

static void describe(const ch_fit_options *options, char *text, size_t size)
{
    snprintf(text, size, "T_c by error_shift (%g %%)", 100 * options->shift);
}

/* ---- notes ---- */

static ch_code note_zeros(ch_fit_group *group, ch_error *err)
{
    size_t zeros = 0;
    for (size_t i = 0; i < group->num_runs; i++) {
        zeros += ch_is_zero_test_error(group->runs[i]) ? 1 : 0;
    }
    if (zeros == 0) {
        return CH_OK;
    }
    return ch_fit_note(group, err,
                       "%zu of %zu runs have a test error of 0: in T_c by the test error they count as half an error, "
                       "1/(2N) of N test samples",
                       zeros, group->num_runs);
}

/* Adds a note that names the P at which a test of significance sees a change. */
static ch_code note_changes(ch_fit_group *group, const ch_fit_options *options, ch_error *err)
{
    char *list = NULL;
    size_t size = 0, named = 0, tested = 0;
    ch_code code = CH_OK;
    FILE *stream = ch_memstream_open(&list, &size);
    if (stream == NULL) {
        return ch_error_memory(err, "a note on a fit");
    }
    for (size_t p = 0; p < group->num_trains && code == CH_OK; p++) {
        ch_change change;
        double log_temp = NAN;
        code = ch_change_init(&change, group, p, options->sigmas, err);
        const ch_tc_place place = code == CH_OK ? ch_change_find(&change, NULL, &log_temp) : CH_TC_NONE;
        ch_change_free(&change);
        tested += place != CH_TC_NONE;
        if (place == CH_TC_INSIDE || place == CH_TC_BELOW) {
            fprintf(stream, "%s%s", named++ > 0 ? ", " : "", ch_show_count(group->trains[p]).text);
        }
    }
    if (!ch_memstream_close(stream, &list) && code == CH_OK) {
        code = ch_error_memory(err, "a note on a fit");
    }
    if (code == CH_OK && tested > 0) {
        code = ch_fit_note_detail(
            group, err,
            "the test error changes with T by more than %g sigma at %zu of %zu P%s%s; by chance it does "
            "so at a P with a probability of %.2g",
            options->sigmas, named, tested, named > 0 ? ": " : "", named > 0 ? list : "",
            ch_change_false_alarms(options->sigmas, group->num_temps));
    }
    free(list);
    return code;
}

/* Whether the test error changes among the three lowest T by more than a part of a size, and beyond its noise. */
static bool is_sloped(ch_error_curve *curve, double size)
{
    const double part = 0.25;
    ch_error_curve_average(curve, NULL);
    if (curve->count <= CH_PLATEAU_TEMPS) {
        return false;
    }
    const size_t last = CH_PLATEAU_TEMPS - 1;
    const double variance = ch_error_curve_variance_at(curve, 0) + ch_error_curve_variance_at(curve, last);
    const double noise = isnan(variance) ? 0 : 2 * sqrt(variance / (double)curve->num_known);
    return fabs(curve->mean[last] - curve->mean[0]) > fmax(part * size, noise);
}

/* Adds a note that counts the P whose lowest T are no plateau. */
static ch_code note_slopes(ch_fit_group *group, const ch_fit_options *options, ch_error *err)
{
    size_t count = 0;
    ch_code code = CH_OK;
    for (size_t p = 0; p < group->num_trains && code == CH_OK; p++) {
        ch_error_curve curve;
        code = ch_error_curve_init(&curve, group, p, err);
        count += code == CH_OK && is_sloped(&curve, options->shift) ? 1 : 0;
        ch_error_curve_free(&curve);
    }
    if (code != CH_OK || count == 0) {
        return code;
    }
    return ch_fit_note(
        group, err,
        "T_c by error_shift is read against the three lowest T, and the test error changes among them by "
        "over a quarter of the shift at %zu of %zu P: T that begin lower would find another T_c",
        count, group->num_trains);
}

static ch_code note(ch_fit_group *group, const ch_fit_options *options, bool is_found, ch_error *err)
{
    (void)is_found;
    ch_code code = note_zeros(group, err);
    if (code != CH_OK) {
        return code;
    }
    code = note_slopes(group, options, err);
    return code == CH_OK ? note_changes(group, options, err) : code;
}

static double theory_of(const ch_perceptron_theory *theory)
{
    (void)theory;
    return NAN;
}

const ch_tc_rule ch_tc_by_error_shift = {
    .name = "error_shift",
    .needs = "it needs four T or more at which every run fitted, and test errors",
    .rank = 2,
    .init = ch_error_curve_make,
    .free = ch_error_curve_release,
    .find = find,
    .count_needed = count_needed,
    .describe = describe,
    .note = note,
    .theory = theory_of,
};
