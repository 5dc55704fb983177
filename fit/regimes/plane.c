/* plane.c — what is said of a plane beside its law: how flat ||Dw|| is in B below B*, and what theory predicts. */
#include "core/memory.h"
#include "fit/fit.h"
#include "fit/regimes/regimes_private.h"
#include "models/dynamics.h"
#include "models/loss.h"
#include "perceptron/online.h"

#include <math.h>
#include <stdlib.h>

/* Cells are flat up to this part of B*. */
static const double FLAT_PART = 0.1;
/* From this margin kappa / T on, training is expected to end as gradient descent does (perceptron/finite/family.h). */
static const double DESCENT_MARGIN = 4;
/* The exponents m and k of the predicted law, which is sharp. */
static const double SHARP = 100;

/* ---- flatness ---- */

/* A cell that should be flat, and the means of its data sets. */
typedef struct {
    const ch_regime_cell *cell;
    const double *means; /* [num_sets] mean ln ||Dw||; NaN where a data set has no run; borrowed */
    double *distances;   /* [num_sets] out: ln(y / mean over the B of its T); borrowed */
} flat_cell;

static int compare_temps(const void *left, const void *right)
{
    const double a = ((const flat_cell *)left)->cell->temp, b = ((const flat_cell *)right)->cell->temp;
    return (a > b) - (a < b);
}

static int compare_batches(const void *left, const void *right)
{
    const uint64_t a = ((const flat_cell *)left)->cell->batch, b = ((const flat_cell *)right)->cell->batch;
    return (a > b) - (a < b);
}

/* Holds the cells of one T against their geometric mean, for each data set. It is NaN for a data set that one of them
 * lacks, and where there is one cell alone. */
static void measure_temp(flat_cell *cells, size_t count, size_t num_sets)
{
    for (size_t s = 0; s < num_sets; s++) {
        double mean = count > 1 ? 0 : NAN;
        for (size_t i = 0; i < count; i++) {
            mean += cells[i].means[s] / (double)count;
        }
        for (size_t i = 0; i < count; i++) {
            cells[i].distances[s] = cells[i].means[s] - mean;
        }
    }
}

/* The mean of those of some numbers that are not NaN; NaN where there is none. @param error  out: its standard error */
static double mean_of(const double *numbers, size_t count, double *error)
{
    double sum = 0, squares = 0, used = 0;
    for (size_t i = 0; i < count; i++) {
        sum += isnan(numbers[i]) ? 0 : numbers[i];
        used += !isnan(numbers[i]);
    }
    const double mean = used > 0 ? sum / used : NAN;
    for (size_t i = 0; i < count; i++) {
        squares += isnan(numbers[i]) ? 0 : (numbers[i] - mean) * (numbers[i] - mean);
    }
    *error = used > 1 ? sqrt(squares / (used * (used - 1))) : NAN;
    return mean;
}

/* Averages over the cells of one B. @param own  [num_sets] room for the averages of the data sets */
static void measure_batch(const flat_cell *cells, size_t count, size_t num_sets, double *own,
                          ch_regime_flatness *flatness, double *squares)
{
    double ignored, error;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const double distance = mean_of(cells[i].distances, num_sets, &ignored);
        *squares += isnan(distance) ? 0 : distance * distance;
        used += isnan(distance) ? 0 : 1;
    }
    for (size_t s = 0; s < num_sets; s++) {
        double sum = 0, number = 0;
        for (size_t i = 0; i < count; i++) {
            sum += isnan(cells[i].distances[s]) ? 0 : cells[i].distances[s];
            number += !isnan(cells[i].distances[s]);
        }
        own[s] = number > 0 ? sum / number : NAN;
    }
    const double distance = mean_of(own, num_sets, &error), size = fabs(expm1(distance));
    if (used > 0 && !(size <= flatness->most)) {
        flatness->most = size;
        flatness->error = error;
    }
    flatness->num_cells += used;
    flatness->num_batches += used > 0;
}

/* Finds where the first element differs from those before it. @return the end of the run of equals from `begin` on */
static size_t end_of_equals(const flat_cell *cells, size_t count, size_t begin,
                            int (*compare)(const void *, const void *))
{
    size_t end = begin + 1;
    while (end < count && compare(&cells[begin], &cells[end]) == 0) {
        end++;
    }
    return end;
}

static ch_regime_flatness measure_all(flat_cell *cells, size_t count, size_t num_sets, double *own)
{
    ch_regime_flatness all = {.most = NAN, .error = NAN, .rms = NAN};
    double squares = 0;
    qsort(cells, count, sizeof *cells, compare_temps);
    for (size_t begin = 0, end = 0; begin < count; begin = end) {
        end = end_of_equals(cells, count, begin, compare_temps);
        measure_temp(cells + begin, end - begin, num_sets);
    }
    qsort(cells, count, sizeof *cells, compare_batches);
    for (size_t begin = 0, end = 0; begin < count; begin = end) {
        end = end_of_equals(cells, count, begin, compare_batches);
        measure_batch(cells + begin, end - begin, num_sets, own, &all, &squares);
    }
    if (all.num_cells > 0) {
        all.rms = sqrt(squares / (double)all.num_cells);
    }
    return all;
}

ch_code ch_regime_plane_measure(ch_regime_plane *self, const double *means, size_t num_sets, ch_error *err)
{
    flat_cell *cells = ch_alloc(self->num_cells, sizeof *cells);
    double *distances = ch_alloc((self->num_cells + 1) * num_sets, sizeof *distances);
    ch_code code = CH_OK;
    size_t count = 0, row = 0;
    if (cells == NULL || distances == NULL) {
        code = ch_error_memory(err, "the regimes of a fit");
        goto out;
    }
    for (size_t c = 0; c < self->num_cells; c++) {
        const ch_regime_cell *cell = &self->cells[c];
        const double *own = means + row * num_sets;
        row += cell->counts;
        if (cell->counts && (double)cell->batch < FLAT_PART * ch_regime_law_star(&self->law, cell->temp)) {
            cells[count] = (flat_cell){cell, own, distances + (count + 1) * num_sets};
            count++;
        }
    }
    self->flatness = measure_all(cells, count, num_sets, distances);
out:
    free(cells);
    free(distances);
    return code;
}

/* ---- prediction ---- */

/* Whether theory is about such runs. */
static bool has_theory(const ch_settings *key)
{
    return key->model == CH_ARCH_PERCEPTRON && ch_settings_has_theory(key) && key->dynamics == CH_DYNAMICS_SGD &&
           key->loss == CH_LOSS_HINGE && ch_settings_has_usual_rule(key);
}

/* What is expected of ||Dw|| at a P and curves->temps[temp]; NaN where nothing is. */
static double expected_change(const ch_fit_group *group, uint64_t train, size_t temp)
{
    for (size_t p = 0; p < group->num_trains && temp < group->expected.num_temps; p++) {
        if (group->trains[p] == train) {
            return group->expected.ends[p * group->expected.num_temps + temp].weight_change.value;
        }
    }
    return NAN;
}

/* Takes A from the highest T at which the group's end of training is expected.  @return whether there is one */
static bool take_expected_noise(ch_regime_law *law, const ch_fit_group *group, uint64_t train)
{
    for (size_t t = group->expected.num_temps; t-- > 0;) {
        const double change = expected_change(group, train, t);
        if (isfinite(change)) {
            law->log_noise = log(change / group->expected.temps[t]);
            return true;
        }
    }
    return false;
}

/* Takes G from the group's lowest T, where training is expected to end there as gradient descent does.
 * @return whether it is */
static bool take_expected_descent(ch_regime_law *law, const ch_fit_group *group, uint64_t train)
{
    const double change = expected_change(group, train, 0);
    if (!isfinite(change) || group->expected.temps[0] * group->key.alpha * DESCENT_MARGIN > 1) {
        return false;
    }
    law->log_descent = log(change);
    return true;
}

/* Takes A and G from what is expected of the groups of the least batches.  @return whether there is an A */
static bool take_expected(ch_regime_law *law, const ch_fit_group *const *groups, size_t count, uint64_t train)
{
    size_t g = 0;
    while (g < count && !take_expected_noise(law, groups[g], train)) {
        g++;
    }
    const bool is_found = g < count;
    while (g < count && !take_expected_descent(law, groups[g], train)) {
        g++;
    }
    return is_found;
}

/* Takes A from the limit, and G at T = kappa.  @return whether there is an A */
static bool take_limit(ch_regime_law *law, const ch_settings *key, uint64_t train)
{
    const ch_online_setup setup = {.chi = key->chi, .dim = key->dim, .kappa = 1 / key->alpha, .temp = 1, .rate = 1};
    ch_online_prediction limit;
    ch_error ignored;
    if (ch_online_predict(&limit, &setup, (double)train, &ignored) != CH_OK) {
        return false;
    }
    law->log_noise = log(limit.weight_change);
    law->log_descent = law->log_noise + log(limit.temp_onset);
    return true;
}

void ch_regime_plane_predict(ch_regime_plane *self, const ch_fit_group *const *groups, size_t count)
{
    const ch_settings *key = &groups[0]->key;
    ch_perceptron_theory theory;
    ch_error ignored;
    self->prediction = CH_PREDICTED_NOT;
    self->predicted = (ch_regime_law){NAN, NAN, NAN, NAN, NAN, NAN};
    if (!has_theory(key) || ch_perceptron_theory_init(&theory, key->chi, &ignored) != CH_OK) {
        return;
    }
    ch_regime_law law = {.delta = theory.delta,
                         .log_step = log(theory.mean_abs) - log((double)key->dim) / 2,
                         .log_descent = -INFINITY,
                         .sharpness = SHARP,
                         .bend = SHARP};
    if (take_expected(&law, groups, count, self->train)) {
        self->prediction = CH_PREDICTED_EXPECTED;
    } else if (take_limit(&law, key, self->train)) {
        self->prediction = CH_PREDICTED_LIMIT;
    } else {
        return;
    }
    self->predicted = law;
}
