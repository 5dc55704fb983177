/* replica.c — the spread of a group's numbers over replicas of its data sets. */
#include "fit/internal.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

/* What one thread works in. */
typedef struct {
    ch_cell_mean *means; /* [num_cells] */
    double *copies;      /* [num_data_sets] times a data set was drawn */
    ch_regression_space weight_change, time;
    ch_onset_space *onsets; /* [num_tc], empty but for onsets inside */
    ch_joint_space joint;   /* empty where the table has no joint onset */
} thread_space;

/* The runs as arrays, so that a replica is one pass over memory. */
typedef struct {
    uint32_t *data_set; /* [num_runs] index among the distinct seed_data */
    double (*logs)[CH_NUM_LOGS];
} run_samples;

static bool is_onset(const ch_tc *tc)
{
    return tc->definition == CH_TC_ONSET && tc->place == CH_TC_INSIDE;
}

/* Index of a train in the group; it is there. */
static size_t find_train(const ch_fit_group *group, uint64_t train)
{
    size_t p = 0;
    while (group->trains[p] != train) {
        p++;
    }
    return p;
}

ch_code ch_bootstrap_init(ch_bootstrap *self, const ch_fit_group *group, const ch_fit_options *options, ch_error *err)
{
    *self = (ch_bootstrap){.group = group, .options = options, .num_numbers = CH_NUMBER_TC + group->num_tc};
    ch_code code = ch_regression_init(&self->weight_change, group, CH_LOG_WEIGHT_CHANGE, err);
    if (code == CH_OK) {
        code = ch_regression_init(&self->time, group, CH_LOG_TIME, err);
    }
    self->changes = ch_alloc(group->num_tc, sizeof *self->changes);
    if (code == CH_OK && self->changes == NULL) {
        code = ch_error_memory(err, "the bootstrap");
    }
    for (size_t i = 0; i < group->num_tc && code == CH_OK; i++) {
        if (group->tc[i].definition == CH_TC_ERROR && group->tc[i].place == CH_TC_INSIDE) {
            const size_t train = find_train(group, group->tc[i].train);
            code = ch_change_init(&self->changes[i], group, train, options->sigmas, err);
        }
    }
    if (code != CH_OK) {
        return code;
    }
    self->ties_sharpness = options->constraints[CH_FIT_SHARPNESS].is_tied && group->joint[CH_TC_ONSET].found;
    self->tied = isfinite(ch_onset_delta(&group->weight_change, options));
    size_t count = 0;
    if (!__builtin_mul_overflow(options->replicas, self->num_numbers, &count)) {
        self->replicas = ch_alloc(count, sizeof *self->replicas);
    }
    return self->replicas == NULL ? ch_error_memory(err, "the bootstrap") : CH_OK;
}

void ch_bootstrap_free(ch_bootstrap *self)
{
    ch_regression_free(&self->weight_change);
    ch_regression_free(&self->time);
    for (size_t i = 0; self->changes != NULL && i < self->group->num_tc; i++) {
        ch_change_free(&self->changes[i]);
    }
    free(self->changes);
    free(self->replicas);
    *self = (ch_bootstrap){0};
}

static void thread_space_free(thread_space *self, const ch_fit_group *group)
{
    free(self->means);
    free(self->copies);
    ch_regression_space_free(&self->weight_change);
    ch_regression_space_free(&self->time);
    for (size_t i = 0; self->onsets != NULL && i < group->num_tc; i++) {
        ch_onset_space_free(&self->onsets[i]);
    }
    free(self->onsets);
    ch_joint_space_free(&self->joint);
}

static ch_code thread_space_init(thread_space *self, const ch_bootstrap *bootstrap, ch_error *err)
{
    const ch_fit_group *group = bootstrap->group;
    *self = (thread_space){0};
    self->means = ch_alloc(group->num_cells, sizeof *self->means);
    self->copies = ch_alloc(group->num_data_sets, sizeof *self->copies);
    self->onsets = ch_alloc(group->num_tc, sizeof *self->onsets);
    if (self->means == NULL || self->copies == NULL || self->onsets == NULL) {
        return ch_error_memory(err, "the bootstrap");
    }
    ch_code code = ch_regression_space_init(&self->weight_change, &bootstrap->weight_change, err);
    if (code == CH_OK) {
        code = ch_regression_space_init(&self->time, &bootstrap->time, err);
    }
    for (size_t i = 0; i < group->num_tc && code == CH_OK; i++) {
        if (is_onset(&group->tc[i])) {
            const size_t train = find_train(group, group->tc[i].train);
            size_t count = 0;
            for (size_t c = ch_fit_first_cell(group, train); c < ch_fit_first_cell(group, train + 1); c++) {
                count += group->cells[c].complete;
            }
            code = ch_onset_space_init(&self->onsets[i], count, bootstrap->tied, err);
            self->onsets[i].range = bootstrap->options->constraints[CH_FIT_SHARPNESS].range;
        }
    }
    if (code == CH_OK && group->joint[CH_TC_ONSET].found) {
        code = ch_joint_space_init(&self->joint, group, bootstrap->options, err);
    }
    return code;
}

static int compare_seeds(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void samples_free(run_samples *self)
{
    free(self->data_set);
    free(self->logs);
}

ch_code ch_fit_index_data_sets(const ch_fit_group *group, uint32_t *data_set, ch_error *err)
{
    const size_t n = group->num_runs;
    uint64_t *seeds = ch_alloc(n, sizeof *seeds);
    if (seeds == NULL) {
        return ch_error_memory(err, "the data sets of a fit");
    }
    for (size_t i = 0; i < n; i++) {
        seeds[i] = group->runs[i]->settings.seed_data;
    }
    qsort(seeds, n, sizeof *seeds, compare_seeds);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || seeds[i] != seeds[distinct - 1]) {
            seeds[distinct++] = seeds[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        const uint64_t *seed =
            bsearch(&group->runs[i]->settings.seed_data, seeds, distinct, sizeof *seeds, compare_seeds);
        data_set[i] = (uint32_t)(seed - seeds);
    }
    free(seeds);
    return CH_OK;
}

static ch_code samples_init(run_samples *self, const ch_fit_group *group, ch_error *err)
{
    const size_t n = group->num_runs;
    *self = (run_samples){.data_set = ch_alloc(n, sizeof *self->data_set), .logs = ch_alloc(n, sizeof *self->logs)};
    if (self->data_set == NULL || self->logs == NULL) {
        return ch_error_memory(err, "the bootstrap");
    }
    for (size_t i = 0; i < n; i++) {
        ch_fit_logs_of(group->runs[i], self->logs[i]);
    }
    return ch_fit_index_data_sets(group, self->data_set, err);
}

/* Draws the data sets of a replica and averages the complete cells over their runs. */
static void draw(const ch_bootstrap *self, const run_samples *samples, size_t replica, thread_space *space)
{
    const ch_fit_group *group = self->group;
    const size_t n = group->num_data_sets;
    ch_random random;
    ch_random_init(&random, self->options->seed, CH_STREAM_BOOTSTRAP, replica);
    for (size_t i = 0; i < n; i++) {
        space->copies[i] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        space->copies[ch_random_below(&random, (uint32_t)n)]++;
    }
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        ch_cell_mean mean = {0};
        for (size_t i = cell->begin; i < cell->end && cell->complete; i++) {
            const double copies = space->copies[samples->data_set[i]];
            mean.weight += copies;
            for (size_t k = 0; k < CH_NUM_LOGS; k++) {
                const double log = samples->logs[i][k];
                mean.log[k] += copies * log;
                mean.square[k] += copies * log * log;
            }
        }
        for (size_t k = 0; k < CH_NUM_LOGS && mean.weight > 0; k++) {
            mean.log[k] /= mean.weight;
            mean.square[k] /= mean.weight;
        }
        space->means[c] = mean;
    }
}

/* ln T_c of entry i in a replica, NaN when it has left the sampled temperatures.
 * @param sharpness  m of the joint law, for where it is tied to that */
static double replica_tc(const ch_bootstrap *self, size_t i, double delta, double sharpness, thread_space *space)
{
    const ch_fit_group *group = self->group;
    const ch_tc *tc = &group->tc[i];
    const size_t train = find_train(group, tc->train);
    double log_temp = NAN;
    if (tc->place != CH_TC_INSIDE) {
        return NAN;
    }
    if (tc->definition == CH_TC_ERROR) {
        const ch_tc_place place = ch_tc_error(&self->changes[i], space->copies, &log_temp);
        return place == CH_TC_INSIDE ? log_temp : NAN;
    }
    if (tc->definition == CH_TC_ESCAPE) {
        const ch_tc_place place = ch_tc_escape(group, train, space->means, log(self->options->threshold), &log_temp);
        return place == CH_TC_INSIDE ? log_temp : NAN;
    }
    ch_onset_space *onset = &space->onsets[i];
    ch_crossover crossover = {0};
    if (self->ties_sharpness) {
        onset->range = (ch_range){sharpness, sharpness};
    }
    if ((self->tied && !(delta > 0)) || isnan(onset->range.lo)) {
        return NAN;
    }
    onset->delta = delta;
    ch_onset_load(onset, group, train, space->means);
    if (!ch_onset_fit(onset, &tc->crossover, &crossover, NULL)) {
        return NAN;
    }
    log_temp = crossover.log_temp;
    return log_temp >= onset->log_temp[0] && log_temp <= onset->log_temp[onset->count - 1] ? log_temp : NAN;
}

static void joint_onset(const ch_bootstrap *self, double delta, thread_space *space, double *numbers)
{
    const ch_critical_law *law = &self->group->joint[CH_TC_ONSET];
    const ch_joint_onset start = {.log_prefactor = log(law->prefactor.value),
                                  .a = law->exponent.value,
                                  .sharpness = law->sharpness.value,
                                  .delta = law->delta};
    ch_joint_onset found = {NAN, NAN, NAN, NAN};
    if (law->found && (!self->tied || delta > 0)) {
        space->joint.delta = delta;
        ch_joint_load(&space->joint, space->means);
        ch_joint_fit(&space->joint, &start, 1e-4, &found);
    }
    numbers[CH_NUMBER_ONSET_C] = found.log_prefactor;
    numbers[CH_NUMBER_ONSET_A] = found.a;
    numbers[CH_NUMBER_ONSET_M] = log(found.sharpness);
}

static void joint_escape(const ch_bootstrap *self, const ch_power_law *law, const thread_space *space, double *numbers)
{
    numbers[CH_NUMBER_ESCAPE_C] = numbers[CH_NUMBER_ESCAPE_A] = NAN;
    if (self->group->joint[CH_TC_ESCAPE].found && law->temp_exponent > 0) {
        const double log_amplitude = ch_regression_amplitude(&self->weight_change, space->means, CH_LOG_RELATIVE, law);
        numbers[CH_NUMBER_ESCAPE_C] = (log(self->options->threshold) - log_amplitude) / law->temp_exponent;
        numbers[CH_NUMBER_ESCAPE_A] = law->train_exponent / law->temp_exponent;
    }
}

static void evaluate(const ch_bootstrap *self, thread_space *space, double *numbers)
{
    const ch_fit_options *options = self->options;
    ch_power_law law, time;
    const ch_range of_weight[] = {options->constraints[CH_FIT_DELTA].range, options->constraints[CH_FIT_GAMMA].range};
    ch_regression_fit(&self->weight_change, &space->weight_change, space->means, space->copies, of_weight, &law);
    const ch_range of_time[] = {ch_fit_range(options, CH_FIT_TIME_DELTA, &law), ch_fit_range(options, CH_FIT_B, &law)};
    ch_regression_fit(&self->time, &space->time, space->means, space->copies, of_time, &time);
    const double delta = self->tied ? ch_onset_delta(&law, options) : NAN;
    numbers[CH_NUMBER_DELTA] = law.temp_exponent;
    numbers[CH_NUMBER_GAMMA] = law.train_exponent;
    numbers[CH_NUMBER_TIME_DELTA] = time.temp_exponent;
    numbers[CH_NUMBER_B] = time.train_exponent;
    numbers[CH_NUMBER_A] = NAN;
    joint_onset(self, delta, space, numbers);
    joint_escape(self, &law, space, numbers);
    for (size_t i = 0; i < self->group->num_tc; i++) {
        numbers[CH_NUMBER_TC + i] = replica_tc(self, i, delta, exp(numbers[CH_NUMBER_ONSET_M]), space);
    }
}

ch_code ch_bootstrap_run(ch_bootstrap *self, ch_error *err)
{
    const size_t threads = (size_t)self->options->threads;
    run_samples samples = {0};
    thread_space *spaces = ch_alloc(threads, sizeof *spaces);
    ch_code code = spaces == NULL ? ch_error_memory(err, "the bootstrap") : samples_init(&samples, self->group, err);
    for (size_t i = 0; i < threads && code == CH_OK; i++) {
        code = thread_space_init(&spaces[i], self, err);
    }
    if (code == CH_OK) {
        const size_t replicas = self->options->replicas;
#pragma omp parallel for num_threads((int)threads) schedule(static)
        for (size_t r = 0; r < replicas; r++) {
            thread_space *mine = &spaces[omp_get_thread_num()];
            if (ch_fit_goes_on(self->options)) {
                draw(self, &samples, r, mine);
                evaluate(self, mine, self->replicas + r * self->num_numbers);
                ch_fit_replica_done(self->options, r);
            }
        }
        code = ch_fit_check_stop(self->options, err);
    }
    for (size_t i = 0; spaces != NULL && i < threads; i++) {
        thread_space_free(&spaces[i], self->group);
    }
    free(spaces);
    samples_free(&samples);
    return code;
}

size_t ch_bootstrap_spread(const ch_bootstrap *self, size_t number, double *deviation)
{
    double mean = 0, squares = 0; /* Welford */
    size_t count = 0;
    for (size_t r = 0; r < self->options->replicas; r++) {
        const double value = self->replicas[r * self->num_numbers + number];
        if (isfinite(value)) {
            count++;
            const double difference = value - mean;
            mean += difference / (double)count;
            squares += difference * (value - mean);
        }
    }
    *deviation = count >= 2 ? sqrt(squares / (double)(count - 1)) : NAN;
    return count;
}

double ch_bootstrap_correlation(const ch_bootstrap *self, size_t first, size_t second)
{
    const double rounding = 1e-9;
    double x_mean = 0, y_mean = 0, xx = 0, yy = 0, xy = 0, count = 0; /* Welford */
    for (size_t r = 0; r < self->options->replicas; r++) {
        const double x = self->replicas[r * self->num_numbers + first];
        const double y = self->replicas[r * self->num_numbers + second];
        if (isfinite(x) && isfinite(y)) {
            const double dx = x - x_mean, dy = y - y_mean;
            count++;
            x_mean += dx / count;
            y_mean += dy / count;
            xx += dx * (x - x_mean);
            yy += dy * (y - y_mean);
            xy += dx * (y - y_mean);
        }
    }
    const double least = count * rounding * rounding;
    return xx > least && yy > least ? xy / sqrt(xx * yy) : NAN;
}

ch_estimate ch_estimate_make(double value, double deviation, size_t num_data_sets)
{
    if (num_data_sets < 2) {
        return (ch_estimate){value, NAN, NAN, NAN};
    }
    const double n = (double)num_data_sets;
    /* drawing n of n shrinks the spread of a mean by sqrt((n - 1) / n) */
    const double error = deviation * sqrt(n / (n - 1));
    const double half = gsl_cdf_tdist_Pinv(0.975, n - 1) * error;
    return (ch_estimate){value, error, value - half, value + half};
}
