/* regimes_fit.c — fits the law of each plane and B* over P, for the table and for each replica of its data sets. */
#include "core/memory.h"
#include "fit/errors/estimate.h"
#include "fit/regimes/law.h"
#include "fit/regimes/regimes_private.h"
#include "fit/table/data_sets.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>

/* The numbers of a plane in a replica: ln B*, ln A T^delta at the T of B*, delta and ln m. */
enum { LOG_STAR, LOG_NOISE_TERM, DELTA, LOG_SHARPNESS, NUM_OF_PLANE };
/* The numbers that follow those of all planes: the exponents of B* and of A T^delta, and their difference. */
enum { EXPONENT, GAMMA, EXCESS, NUM_OF_ALL };

/* The means of each data set in the cells that count, of all planes one after the other. */
typedef struct {
    const ch_regimes *regimes;
    size_t num_sets, num_cells;
    double *means; /* [num_cells][num_sets] mean ln ||Dw|| of a data set's runs; NaN where it has none; owned */
} design;

/* What a thread works in: a space for each plane. */
typedef struct {
    ch_law_space *planes; /* [num_planes]; owned */
    ch_regime_law *laws;  /* [num_planes] what was fitted last; owned */
    double *squares;      /* [num_planes] mean squares about them; owned */
    double *x, *y;        /* [num_planes] ln P and ln B*; owned */
} workspace;

static size_t count_used(const ch_regime_plane *plane)
{
    size_t count = 0;
    for (size_t c = 0; c < plane->num_cells; c++) {
        count += plane->cells[c].counts;
    }
    return count;
}

/* ---- the means of data sets ---- */

/* Averages the runs of each data set in a cell. @param data_set  [num_runs of the plane]
 * @param means  out: [num_sets] */
static void average_cell(const ch_regime_plane *plane, const ch_regime_cell *cell, const uint32_t *data_set,
                         size_t num_sets, double *means)
{
    for (size_t s = 0; s < num_sets; s++) {
        means[s] = NAN;
    }
    for (size_t i = cell->begin; i < cell->end;) {
        const uint32_t set = data_set[i];
        double sum = 0;
        size_t count = 0;
        for (; i < cell->end && data_set[i] == set; i++) {
            sum += log(plane->runs[i]->final.weight_change);
            count++;
        }
        means[set] = sum / (double)count;
    }
}

static ch_code design_init(design *self, ch_regimes *regimes, ch_error *err)
{
    size_t num_runs = 0, run = 0, row = 0;
    *self = (design){.regimes = regimes};
    for (size_t p = 0; p < regimes->num_planes; p++) {
        num_runs += regimes->planes[p].num_runs;
        self->num_cells += count_used(&regimes->planes[p]);
    }
    const ch_run **runs = ch_alloc(num_runs, sizeof *runs);
    uint32_t *data_set = ch_alloc(num_runs, sizeof *data_set);
    ch_code code = CH_OK;
    if (runs == NULL || data_set == NULL) {
        code = ch_error_memory(err, "the regimes of a fit");
        goto out;
    }
    for (size_t p = 0; p < regimes->num_planes; p++) {
        for (size_t i = 0; i < regimes->planes[p].num_runs; i++) {
            runs[run++] = regimes->planes[p].runs[i];
        }
    }
    code = ch_data_sets_index_runs(runs, num_runs, data_set, &regimes->num_data_sets, err);
    if (code != CH_OK) {
        goto out;
    }
    self->num_sets = regimes->num_data_sets;
    self->means = ch_alloc(self->num_cells * self->num_sets, sizeof *self->means);
    if (self->means == NULL) {
        code = ch_error_memory(err, "the regimes of a fit");
        goto out;
    }
    run = 0;
    for (size_t p = 0; p < regimes->num_planes; p++) {
        const ch_regime_plane *plane = &regimes->planes[p];
        for (size_t c = 0; c < plane->num_cells; c++) {
            if (plane->cells[c].counts) {
                average_cell(plane, &plane->cells[c], data_set + run, self->num_sets,
                             self->means + row++ * self->num_sets);
            }
        }
        run += plane->num_runs;
    }
out:
    free(runs);
    free(data_set);
    return code;
}

/* ---- one replica ---- */

static ch_code workspace_init(const void *context, void *space, ch_error *err)
{
    const ch_regimes *regimes = ((const design *)context)->regimes;
    workspace *self = space;
    self->planes = ch_alloc(regimes->num_planes, sizeof *self->planes);
    self->laws = ch_alloc(regimes->num_planes, sizeof *self->laws);
    self->squares = ch_alloc(regimes->num_planes, sizeof *self->squares);
    self->x = ch_alloc(regimes->num_planes, sizeof *self->x);
    self->y = ch_alloc(regimes->num_planes, sizeof *self->y);
    if (self->planes == NULL || self->laws == NULL || self->squares == NULL || self->x == NULL || self->y == NULL) {
        return ch_error_memory(err, "the regimes of a fit");
    }
    for (size_t p = 0; p < regimes->num_planes; p++) {
        const ch_regime_plane *plane = &regimes->planes[p];
        const ch_code code = ch_law_space_init(&self->planes[p], count_used(plane), err);
        if (code != CH_OK) {
            return code;
        }
        for (size_t c = 0, i = 0; c < plane->num_cells; c++) {
            if (plane->cells[c].counts) {
                self->planes[p].log_batch[i] = log((double)plane->cells[c].batch);
                self->planes[p].log_temp[i++] = log(plane->cells[c].temp);
            }
        }
    }
    return CH_OK;
}

static void workspace_free(const void *context, void *space)
{
    const ch_regimes *regimes = ((const design *)context)->regimes;
    workspace *self = space;
    for (size_t p = 0; self->planes != NULL && p < regimes->num_planes; p++) {
        ch_law_space_free(&self->planes[p]);
    }
    free(self->planes);
    free(self->laws);
    free(self->squares);
    free(self->x);
    free(self->y);
}

/* Sets the points of a plane to the means over the drawn data sets.
 * @param means   [count][num_sets] of the plane's cells that count
 * @param copies  [num_sets] how often each data set was drawn; NULL: once */
static void load(ch_law_space *space, const double *means, size_t num_sets, const double *copies)
{
    for (size_t i = 0; i < space->count; i++) {
        double sum = 0, weight = 0;
        for (size_t s = 0; s < num_sets; s++) {
            const double mean = means[i * num_sets + s], times = copies != NULL ? copies[s] : 1;
            sum += isnan(mean) ? 0 : times * mean;
            weight += isnan(mean) ? 0 : times;
        }
        space->weights[i] = weight;
        space->log_y[i] = weight > 0 ? sum / weight : 0;
    }
}

/* Fits the law of every plane. @param copies  [num_sets] how often each data set was drawn; NULL: once */
static void fit_planes(const design *self, workspace *space, const double *copies)
{
    const double *means = self->means;
    for (size_t p = 0; p < self->regimes->num_planes; p++) {
        load(&space->planes[p], means, self->num_sets, copies);
        means += space->planes[p].count * self->num_sets;
        space->squares[p] = ch_law_fit(&space->planes[p], &space->laws[p]);
    }
}

/* The exponent of a number of planes, given by its logarithm, over the P that have one; NaN with fewer than two. */
static double exponent_of(const ch_regimes *regimes, const double *numbers, size_t number, workspace *space)
{
    size_t count = 0;
    double constant = 0, slope = NAN, cov00, cov01, cov11, squares;
    for (size_t p = 0; p < regimes->num_planes; p++) {
        const double log_number = numbers[p * NUM_OF_PLANE + number];
        if (isfinite(log_number)) {
            space->x[count] = log((double)regimes->planes[p].train);
            space->y[count++] = log_number;
        }
    }
    if (count >= 2) {
        gsl_fit_linear(space->x, 1, space->y, 1, count, &constant, &slope, &cov00, &cov01, &cov11, &squares);
    }
    return slope;
}

/* How many numbers a replica has. */
static size_t count_numbers(const ch_regimes *regimes)
{
    return regimes->num_planes * NUM_OF_PLANE + NUM_OF_ALL;
}

/* Makes the numbers of the laws that were fitted last. @param numbers  out: [count_numbers] */
static void numbers_of(const ch_regimes *regimes, workspace *space, double *numbers)
{
    for (size_t p = 0; p < regimes->num_planes; p++) {
        const ch_regime_law *law = &space->laws[p];
        double *own = numbers + p * NUM_OF_PLANE;
        own[LOG_STAR] = log(ch_regime_law_star(law, regimes->temp));
        own[LOG_NOISE_TERM] = law->log_noise + law->delta * log(regimes->temp);
        own[DELTA] = law->delta;
        own[LOG_SHARPNESS] = log(law->sharpness);
    }
    double *all = numbers + regimes->num_planes * NUM_OF_PLANE;
    all[EXPONENT] = exponent_of(regimes, numbers, LOG_STAR, space);
    all[GAMMA] = exponent_of(regimes, numbers, LOG_NOISE_TERM, space);
    all[EXCESS] = all[EXPONENT] - all[GAMMA];
}

static void evaluate(const void *context, void *space, const double *copies, double *numbers)
{
    const design *self = context;
    fit_planes(self, space, copies);
    numbers_of(self->regimes, space, numbers);
}

/* ---- the table, and its errors ---- */

/* Takes the laws of the table, says in which regime each cell lies, and finds the T at which B* is given. */
static void take_laws(ch_regimes *self, const workspace *space)
{
    double sum = 0, count = 0;
    for (size_t p = 0; p < self->num_planes; p++) {
        ch_regime_plane *plane = &self->planes[p];
        plane->law = space->laws[p];
        plane->scatter = sqrt(space->squares[p]);
        for (size_t c = 0; c < plane->num_cells; c++) {
            ch_regime_cell *cell = &plane->cells[c];
            cell->regime = ch_regime_law_at(&plane->law, (double)cell->batch, cell->temp);
            plane->num_in_regime[cell->regime] += cell->counts;
            if (cell->counts && (cell->regime == CH_REGIME_NOISE || cell->regime == CH_REGIME_FIRST_STEP)) {
                sum += log(cell->temp);
                count++;
            }
        }
    }
    self->temp = exp(sum / count);
}

/* Sets the mean of each cell over its data sets. */
static void take_means(ch_regimes *self, const workspace *space)
{
    for (size_t p = 0; p < self->num_planes; p++) {
        for (size_t c = 0, i = 0; c < self->planes[p].num_cells; c++) {
            if (self->planes[p].cells[c].counts) {
                self->planes[p].cells[c].log_weight_change = space->planes[p].log_y[i++];
            }
        }
    }
}

/* A number of the table with the error that its replicas give it, where enough of them have it. */
static ch_estimate estimate_of(const ch_regimes *self, const ch_replicas *replicas, size_t number, double value)
{
    double deviation = NAN;
    const size_t count = replicas->count > 0 ? ch_replicas_spread(replicas, number, &deviation) : 0;
    return count > 0 && ch_replicas_are_enough(replicas, count)
               ? ch_estimate_make(value, deviation, self->num_data_sets)
               : (ch_estimate){value, NAN, NAN, NAN};
}

static void take_estimates(ch_regimes *self, const ch_replicas *replicas, const double *numbers)
{
    for (size_t p = 0; p < self->num_planes; p++) {
        ch_regime_plane *plane = &self->planes[p];
        const size_t first = p * NUM_OF_PLANE;
        const ch_estimate star = estimate_of(self, replicas, first + LOG_STAR, numbers[first + LOG_STAR]);
        const ch_estimate sharpness =
            estimate_of(self, replicas, first + LOG_SHARPNESS, numbers[first + LOG_SHARPNESS]);
        plane->batch_star = ch_estimate_from_log(exp(star.value), &star);
        plane->sharpness = ch_estimate_from_log(exp(sharpness.value), &sharpness);
        plane->delta = estimate_of(self, replicas, first + DELTA, numbers[first + DELTA]);
    }
    ch_estimate *const all[NUM_OF_ALL] = {
        [EXPONENT] = &self->exponent, [GAMMA] = &self->gamma, [EXCESS] = &self->excess};
    for (size_t k = 0; k < NUM_OF_ALL; k++) {
        const size_t number = self->num_planes * NUM_OF_PLANE + k;
        *all[k] = estimate_of(self, replicas, number, numbers[number]);
    }
}

static ch_code make_replicas(const design *self, const ch_fit_options *options, ch_bootstrap_progress *progress,
                             ch_replicas *replicas, ch_error *err)
{
    const ch_bootstrap_problem problem = {.context = self,
                                          .num_data_sets = self->num_sets,
                                          .num_numbers = count_numbers(self->regimes),
                                          .workspace_size = sizeof(workspace),
                                          .init = workspace_init,
                                          .free = workspace_free,
                                          .evaluate = evaluate};
    *replicas = (ch_replicas){.num_numbers = problem.num_numbers};
    if (problem.num_data_sets < 2) {
        return CH_OK;
    }
    replicas->numbers = ch_alloc(options->replicas, problem.num_numbers * sizeof *replicas->numbers);
    if (replicas->numbers == NULL) {
        return ch_error_memory(err, "the errors of regimes");
    }
    replicas->count = options->replicas;
    return ch_bootstrap_run(&problem, options, progress, replicas->numbers, err);
}

ch_code ch_regimes_fit(ch_regimes *self, const ch_fit_options *options, ch_bootstrap_progress *progress, ch_error *err)
{
    design all = {0};
    workspace space = {0};
    ch_replicas replicas = {0};
    double *numbers = ch_alloc(count_numbers(self), sizeof *numbers);
    ch_code code = CH_OK;
    if (numbers == NULL) {
        code = ch_error_memory(err, "the regimes of a fit");
        goto out;
    }
    code = design_init(&all, self, err);
    if (code != CH_OK) {
        goto out;
    }
    code = workspace_init(&all, &space, err);
    if (code != CH_OK) {
        goto out;
    }
    fit_planes(&all, &space, NULL);
    take_laws(self, &space);
    take_means(self, &space);
    const double *means = all.means;
    for (size_t p = 0; p < self->num_planes; p++) {
        code = ch_regime_plane_measure(&self->planes[p], means, all.num_sets, err);
        if (code != CH_OK) {
            goto out;
        }
        means += space.planes[p].count * all.num_sets;
    }
    numbers_of(self, &space, numbers);
    code = make_replicas(&all, options, progress, &replicas, err);
    if (code != CH_OK) {
        goto out;
    }
    take_estimates(self, &replicas, numbers);
    self->theory = ch_settings_has_theory(&self->key) ? 1 / (1 + self->key.chi) : NAN;
out:
    workspace_free(&(design){.regimes = self}, &space);
    free(all.means);
    ch_replicas_free(&replicas);
    free(numbers);
    return code;
}
