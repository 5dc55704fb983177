/* effective_chi.c — the density exponent of the data that a group of runs shows. */
#include "fit/errors/effective_chi.h"

#include "core/memory.h"
#include "core/statistics.h"
#include "fit/numbers.h"
#include "fit/table/cells.h"
#include "fit/table/data_sets.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

static const ch_estimate none = {NAN, NAN, NAN, NAN};

/* ---- from gamma and b ---- */

/* chi = factor / x - 1, for x > 0. */
static ch_estimate invert(const ch_estimate *x, double factor)
{
    if (!(x->value > 0)) {
        return none;
    }
    ch_estimate chi = {factor / x->value - 1, factor * x->stderr_ / (x->value * x->value), NAN, NAN};
    if (x->lo > 0) {
        chi.lo = factor / x->hi - 1;
        chi.hi = factor / x->lo - 1;
    }
    return chi;
}

/* b - 1 - 2 gamma. @param replicas  count 0 without errors */
static ch_code find_excess(ch_fit_group *group, const ch_replicas *replicas, double gamma, double b, ch_error *err)
{
    const size_t of_gamma = ch_fit_number_slot(CH_FIT_GAMMA, CH_NUM_TC), of_b = ch_fit_number_slot(CH_FIT_B, CH_NUM_TC);
    ch_replicas excess = {
        .numbers = ch_alloc(replicas->count, sizeof *excess.numbers), .count = replicas->count, .num_numbers = 1};
    double deviation = NAN;
    group->chi.excess = (ch_estimate){b - 1 - 2 * gamma, NAN, NAN, NAN};
    if (excess.numbers == NULL) {
        return ch_error_memory(err, "the errors of a fit");
    }
    for (size_t r = 0; r < replicas->count; r++) {
        const double *numbers = replicas->numbers + r * replicas->num_numbers;
        excess.numbers[r] = numbers[of_b] - 1 - 2 * numbers[of_gamma];
    }
    const size_t count = ch_replicas_spread(&excess, 0, &deviation);
    if (replicas->count > 0 && ch_replicas_are_enough(&excess, count)) {
        group->chi.excess = ch_estimate_make(group->chi.excess.value, deviation, group->num_data_sets);
    }
    ch_replicas_free(&excess);
    return CH_OK;
}

/* ---- from the density ---- */

static bool has_density(const ch_run *run)
{
    return run->status == CH_FITTED && isfinite(run->final.density_chi) && run->final.density_error > 0;
}

/* Whether a run of a cell counts. @param in_window  only cells in the window do */
static bool is_used(const ch_fit_group *group, const ch_fit_cell *cell, size_t run, bool in_window)
{
    return has_density(group->runs[run]) && (!in_window || (cell->complete && ch_fit_is_in_window(group, cell)));
}

/* The largest P with runs that count; 0 without any. Cells are in ascending order of P. */
static uint64_t largest_train(const ch_fit_group *group, bool in_window)
{
    uint64_t train = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        for (size_t i = group->cells[c].begin; i < group->cells[c].end; i++) {
            train = is_used(group, &group->cells[c], i, in_window) ? group->trains[group->cells[c].train] : train;
        }
    }
    return train;
}

/* Sums of a data set. */
typedef struct {
    double chi, error, drift, share, test_error, count;
} set_sums;

static void add_runs(ch_fit_group *group, bool in_window, set_sums *sums)
{
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        for (size_t i = cell->begin; i < cell->end; i++) {
            const ch_observation *final = &group->runs[i]->final;
            if (group->trains[cell->train] == group->chi.train && is_used(group, cell, i, in_window)) {
                set_sums *sum = &sums[group->data_set[i]];
                sum->chi += final->density_chi;
                sum->error += final->density_error;
                sum->drift += final->density_drift;
                sum->share += 1 / cbrt((double)group->runs[i]->settings.test);
                sum->test_error += final->test_error;
                sum->count++;
                group->chi.num_runs++;
            }
        }
    }
}

/* Averages over the data sets. */
static void average(ch_effective_chi *chi, const set_sums *sums, size_t num_sets)
{
    ch_moments values = {0}, drifts = {0};
    double error = 0;
    for (size_t k = 0; k < num_sets; k++) {
        if (sums[k].count > 0) {
            ch_moments_add(&values, sums[k].chi / sums[k].count);
            ch_moments_add(&drifts, sums[k].drift / sums[k].count);
            error = sums[k].error / sums[k].count;
            chi->share += sums[k].share / sums[k].count;
            chi->test_error += sums[k].test_error / sums[k].count;
        }
    }
    const double n = values.count;
    chi->drift = drifts.mean * sqrt(n);
    chi->num_sets = (size_t)n;
    chi->share /= n;
    chi->test_error /= n;
    if (n > 1) {
        /* ch_estimate_make expects the deviation over replicas, which is smaller */
        const double deviation = ch_moments_deviation(&values) / sqrt(n) * sqrt((n - 1) / n);
        chi->of_density = ch_estimate_make(values.mean, deviation, (size_t)n);
    } else {
        const double half = gsl_cdf_ugaussian_Pinv(0.975) * error;
        chi->of_density = (ch_estimate){values.mean, error, values.mean - half, values.mean + half};
    }
}

static ch_code find_density(ch_fit_group *group, ch_error *err)
{
    const bool in_window = largest_train(group, true) > 0;
    group->chi.train = largest_train(group, in_window);
    if (group->chi.train == 0) {
        return CH_OK;
    }
    set_sums *sums = ch_alloc(group->num_data_sets, sizeof *sums);
    if (sums == NULL) {
        return ch_error_memory(err, "the density of test samples");
    }
    add_runs(group, in_window, sums);
    average(&group->chi, sums, group->num_data_sets);
    free(sums);
    return CH_OK;
}

ch_code ch_fit_find_effective_chi(ch_fit_group *group, const ch_replicas *replicas, ch_error *err)
{
    const ch_exponent *gamma = ch_fit_find_exponent(group, CH_FIT_GAMMA, CH_NUM_TC);
    const ch_exponent *b = ch_fit_find_exponent(group, CH_FIT_B, CH_NUM_TC);
    group->chi = (ch_effective_chi){.of_gamma = none, .of_b = none, .excess = none, .of_density = none, .drift = NAN};
    if (gamma != NULL) {
        group->chi.of_gamma = invert(&gamma->estimate, 1);
    }
    if (b != NULL) {
        const ch_estimate rest = {b->estimate.value - 1, b->estimate.stderr_, b->estimate.lo - 1, b->estimate.hi - 1};
        group->chi.of_b = invert(&rest, 2);
    }
    group->chi.expected_excess =
        group->expected_time.train_exponent - 1 - 2 * group->expected_weight_change.train_exponent;
    if (gamma != NULL && b != NULL) {
        const ch_code code = find_excess(group, replicas, gamma->estimate.value, b->estimate.value, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return find_density(group, err);
}
