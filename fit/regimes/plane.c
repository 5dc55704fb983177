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

static int compare_temps(const void *left, const void *right)
{
    const double a = (*(const ch_regime_cell *const *)left)->temp, b = (*(const ch_regime_cell *const *)right)->temp;
    return (a > b) - (a < b);
}

/* Holds the cells of one T against their geometric mean. @param distances  out: ln(y / mean) of these cells */
static void measure_temp(const ch_regime_plane *plane, const ch_regime_cell *const *cells, size_t count,
                         double *distances)
{
    double mean = 0;
    for (size_t i = 0; i < count; i++) {
        mean += cells[i]->log_weight_change / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        distances[cells[i] - plane->cells] = cells[i]->log_weight_change - mean;
    }
}

/* Averages over the T of each B. @param distances  [num_cells]; NaN: the cell is none of those that should be flat */
static ch_regime_flatness average_batches(const ch_regime_plane *plane, const double *distances)
{
    ch_regime_flatness all = {.most = NAN, .rms = NAN};
    double squares = 0;
    for (size_t begin = 0, end = 0; begin < plane->num_cells; begin = end) {
        double sum = 0, count = 0;
        for (end = begin; end < plane->num_cells && plane->cells[end].batch == plane->cells[begin].batch; end++) {
            if (isfinite(distances[end])) {
                sum += distances[end];
                squares += distances[end] * distances[end];
                count++;
            }
        }
        if (count > 0) {
            all.most = fmax(all.most, fabs(expm1(sum / count)));
            all.num_batches++;
            all.num_cells += (size_t)count;
        }
    }
    if (all.num_cells > 0) {
        all.rms = sqrt(squares / (double)all.num_cells);
    }
    return all;
}

ch_code ch_regime_plane_measure(ch_regime_plane *self, ch_error *err)
{
    const ch_regime_cell **flat = ch_alloc(self->num_cells, sizeof *flat);
    double *distances = ch_alloc(self->num_cells, sizeof *distances);
    ch_code code = CH_OK;
    size_t count = 0;
    if (flat == NULL || distances == NULL) {
        code = ch_error_memory(err, "the regimes of a fit");
        goto out;
    }
    for (size_t c = 0; c < self->num_cells; c++) {
        const ch_regime_cell *cell = &self->cells[c];
        distances[c] = NAN;
        if (cell->counts && (double)cell->batch < FLAT_PART * ch_regime_law_star(&self->law, cell->temp)) {
            flat[count++] = cell;
        }
    }
    qsort(flat, count, sizeof *flat, compare_temps);
    for (size_t begin = 0, end = 0; begin < count; begin = end) {
        for (end = begin + 1; end < count && flat[end]->temp == flat[begin]->temp; end++) {
        }
        if (end - begin > 1) {
            measure_temp(self, flat + begin, end - begin, distances);
        }
    }
    self->flatness = average_batches(self, distances);
out:
    free(flat);
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
