/* plain.c — the plain engine: every drawn margin is computed. */
#include "perceptron/perceptron.h"

#include "core/draw.h"
#include "core/memory.h"
#include "core/near_boundary.h"
#include "core/snapshot.h"
#include "data/linear_error.h"
#include "perceptron/student.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples of so many bytes do not fit a core's own cache. */
enum { FAR_BYTES = 1 << 20 };

void ch_student_update(ch_perceptron *self, const uint32_t *samples, uint32_t count)
{
    const double step = ch_student_temperature(self);
    for (uint32_t i = 0; i < count; i++) {
        ch_axpy(self->weights, step, ch_sample_set_row(self->setup.train, samples[i]), self->stride);
    }
    self->uses += count;
    for (uint32_t i = 0; i < count && self->used != NULL; i++) {
        self->distinct += !self->used[samples[i]];
        self->used[samples[i]] = true;
    }
}

/* Sums over all P samples. */
typedef struct {
    double loss;       /* sum of max(0, kappa - m) */
    double min_margin; /* least m; NaN when one is */
    uint64_t errors;   /* samples not classified rightly: m > 0 is not so */
    uint64_t unfitted;
    double distance; /* sum of |z . e| over the unfitted samples, where it is asked for */
} ch_margins;

/* @param has_teacher  whether `distance` is asked for
 * @return false when stopped */
static bool look_at_all(const ch_perceptron *self, bool has_teacher, ch_margins *sums)
{
    const ch_sample_set *train = self->setup.train;
    const size_t look = ch_rows_per_look(self->stride);
    const double kappa = self->setup.kappa;
    ch_margins all = {.min_margin = INFINITY};
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        if (mu % look == look - 1 && ch_watch_is_stopped(self->setup.watch)) {
            return false;
        }
        const double margin = ch_student_margin(self, (uint32_t)mu);
        all.errors += !(margin > 0);
        all.min_margin = margin >= all.min_margin ? all.min_margin : margin;
        if (ch_is_unfitted(margin, kappa)) {
            all.unfitted++;
            all.loss += kappa - margin;
            all.distance += has_teacher ? fabs(ch_dot(ch_sample_set_row(train, mu), train->teacher, self->stride)) : 0;
        }
    }
    *sums = all;
    return true;
}

/* Computes all margins to find whether the run is fitted. It is called after P / B idle steps in a row, so that it
 * costs no more than they did. */
static void check_fitted(ch_perceptron *self)
{
    ch_progress *progress = &self->learner.progress;
    ch_margins all;
    if (!isfinite(ch_norm2(self->weights, self->stride))) {
        progress->status = CH_DIVERGED;
    } else if (!look_at_all(self, false, &all)) {
        return; /* it is looked again where the run goes on */
    } else if (all.unfitted == 0) {
        progress->status = CH_FITTED;
    } else {
        self->next_check = UINT64_MAX; /* the answer stays no until the next update */
    }
}

/* As ch_student_find_active, for a large batch.  @return false when stopped */
static bool find_active_of_many(ch_perceptron *self, const uint32_t *batch, uint32_t size, double *sum, uint32_t *count)
{
    const size_t look = ch_rows_per_look(self->stride);
    *count = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (i % look == look - 1 && ch_watch_is_stopped(self->setup.watch)) {
            return false;
        }
        const double margin = ch_student_margin(self, batch[i]);
        if (ch_is_unfitted(margin, self->setup.kappa)) {
            self->active[(*count)++] = batch[i];
            *sum += margin;
        }
    }
    return true;
}

/* The hot loop by epochs: draws batches until one has an unfitted sample, or until step `end`.
 * @return as draw_until_active */
static uint32_t draw_epochs_until_active(ch_perceptron *self, uint64_t end, double *sum)
{
    const uint32_t num_samples = (uint32_t)self->setup.num_samples, size = (uint32_t)self->setup.batch;
    uint64_t step = self->learner.progress.steps;
    uint32_t count = 0, drawn = self->drawn;
    ch_random random = self->random;
    while (step < end && count == 0) {
        const uint32_t number =
            self->pending > 0 ? self->pending : ch_draw_of_epoch(&random, self->batch, &drawn, size, num_samples);
        self->pending = 0;
        if (!find_active_of_many(self, self->batch + drawn - number, number, sum, &count)) {
            self->pending = number;
            count = 0;
            break;
        }
        step++;
    }
    self->random = random;
    self->drawn = drawn;
    self->learner.progress.steps = step;
    return count;
}

/* Asks the processor to fetch the samples of a batch that is drawn a few steps later, from the random numbers that are
 * made already. They are the right samples unless a number in between is drawn again (ch_random_below). */
static inline void fetch_ahead(const ch_perceptron *self, const ch_random *random, uint32_t size)
{
    enum { STEPS_AHEAD = 4 };
    const unsigned first = random->position + STEPS_AHEAD * size;
    for (uint32_t i = 0; i < size && first + i < CH_RANDOM_WORDS; i++) {
        const uint64_t below = self->setup.num_samples - size + i + 1;
        const float *row = ch_sample_set_row(self->setup.train, (size_t)(below * random->words[first + i] >> 32));
        for (size_t k = 0; k < self->stride; k += CH_ROW_LANES) {
            __builtin_prefetch(row + k);
        }
    }
}

/* The hot loop: draws batches until one has an unfitted sample, or until step `end`. It is inlined for the commonest
 * batch sizes, so that the compiler knows `size`.
 * @param sum  the margins of the unfitted samples found are added to it
 * @return the number of unfitted samples found; self->active has them */
__attribute__((always_inline)) static inline uint32_t draw_until_active(ch_perceptron *self, uint64_t end,
                                                                        uint32_t size, double *sum)
{
    const uint32_t num_samples = (uint32_t)self->setup.num_samples;
    uint32_t scanned[CH_SCANNED_BATCH];
    uint32_t *batch = size <= CH_SCANNED_BATCH ? scanned : self->batch;
    uint64_t step = self->learner.progress.steps;
    uint32_t count = 0;
    ch_random random = self->random;
    const bool is_far = num_samples * self->stride * sizeof(float) > FAR_BYTES;
    while (step < end && count == 0) {
        step++;
        if (size <= CH_SCANNED_BATCH) {
            ch_draw_scanned(&random, batch, size, num_samples);
            if (is_far) {
                fetch_ahead(self, &random, size);
            }
            count = ch_student_find_active(self, batch, size, sum);
            continue;
        }
        if (size < num_samples && self->pending == 0) {
            ch_draw_shuffled(&random, batch, size, num_samples);
        }
        self->pending = 0;
        if (!find_active_of_many(self, batch, size, sum, &count)) {
            self->pending = size;
            step--;
            count = 0;
            break;
        }
    }
    self->random = random;
    self->learner.progress.steps = step;
    return count;
}

/* ---- momentum and weight decay ---- */

/* Draws the batch of a step, and finds its unfitted samples.
 * @return their number; self->active has them */
static uint32_t draw_step(ch_perceptron *self, double *sum)
{
    const uint64_t next = self->learner.progress.steps + 1;
    return self->setup.by_epoch ? draw_epochs_until_active(self, next, sum)
                                : draw_until_active(self, next, (uint32_t)self->setup.batch, sum);
}

/* v <- mu v + (eta / B) sum over `count` unfitted samples of z - eta lambda w, then w <- w + v. */
static void move(ch_perceptron *self, uint32_t count)
{
    const double temperature = ch_student_temperature(self);
    const double pull = self->setup.rate * self->setup.weight_decay;
    for (size_t k = 0; k < self->stride; k++) {
        self->velocity[k] = self->setup.momentum * self->velocity[k] - pull * self->weights[k];
    }
    for (uint32_t i = 0; i < count; i++) {
        ch_axpy(self->velocity, temperature, ch_sample_set_row(self->setup.train, self->active[i]), self->stride);
    }
    for (size_t k = 0; k < self->stride; k++) {
        self->weights[k] += self->velocity[k];
    }
}

/* Counts an update at the present step, and puts off the look whether all samples are fitted.
 * @param sum  the sum of the batch's unfitted margins, which is no longer finite where the weights have diverged */
static inline void count_update(ch_perceptron *self, double sum, uint64_t patience)
{
    ch_progress *progress = &self->learner.progress;
    progress->updates++;
    progress->last_update = progress->steps;
    progress->status = isfinite(sum) ? CH_RUNNING : CH_DIVERGED;
    self->next_check = progress->steps + patience;
}

/* As take_steps, where the weights move at every step. */
static void take_moving_steps(ch_perceptron *self, const ch_limit *limit)
{
    ch_progress *progress = &self->learner.progress;
    const uint64_t patience = (self->setup.num_samples + self->setup.batch - 1) / self->setup.batch;
    while (progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates) {
        const uint64_t before = progress->steps;
        double sum = 0;
        if (ch_watch_is_stopped(self->setup.watch)) {
            return;
        }
        const uint32_t count = draw_step(self, &sum);
        if (progress->steps == before) { /* stopped within the step, which is not taken */
            return;
        }
        move(self, count);
        if (count > 0) {
            count_update(self, sum, patience);
        } else if (progress->steps >= self->next_check) {
            check_fitted(self);
            self->next_check = progress->steps + patience; /* without an update, the answer changes all the same */
        }
    }
}

/* Steps until the limit, or until the run is over.
 * @param by_epoch  as in the setup, known to the compiler */
__attribute__((always_inline)) static inline void take_steps(ch_perceptron *self, const ch_limit *limit, uint32_t size,
                                                             bool by_epoch)
{
    ch_progress *progress = &self->learner.progress;
    const uint64_t patience = (self->setup.num_samples + size - 1) / size; /* P / B, rounded up */
    while (progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates) {
        if ((by_epoch || size > CH_SCANNED_BATCH) && ch_watch_is_stopped(self->setup.watch)) {
            return;
        }
        const uint64_t end = limit->steps < self->next_check ? limit->steps : self->next_check;
        double sum = 0;
        const uint32_t count =
            by_epoch ? draw_epochs_until_active(self, end, &sum) : draw_until_active(self, end, size, &sum);
        if (count > 0) {
            ch_student_update(self, self->active, count);
            count_update(self, sum, patience);
        } else if (progress->steps >= self->next_check) {
            check_fitted(self);
        }
    }
}

static void advance(ch_learner *learner, const ch_limit *limit)
{
    ch_perceptron *self = (ch_perceptron *)learner;
    if (self->velocity != NULL) {
        take_moving_steps(self, limit);
        return;
    }
    if (self->setup.by_epoch) {
        take_steps(self, limit, (uint32_t)self->setup.batch, true);
        return;
    }
    switch (self->setup.batch) {
    case 1:
        take_steps(self, limit, 1, false);
        break;
    case 2:
        take_steps(self, limit, 2, false);
        break;
    default:
        take_steps(self, limit, (uint32_t)self->setup.batch, false);
    }
}

static ch_code interrupted(ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while a perceptron was observed");
}

ch_code ch_student_test(const ch_sample_set *test, const double *weights, double *sizes, double *smallest,
                        const ch_watch *watch, ch_observation *out, ch_error *err)
{
    const size_t look = ch_rows_per_look(test->stride);
    size_t errors = 0;
    for (size_t mu = 0; mu < test->num_samples; mu++) {
        if (mu % look == look - 1 && ch_watch_is_stopped(watch)) {
            return interrupted(err);
        }
        const double margin = ch_dot(ch_sample_set_row(test, mu), weights, test->stride);
        sizes[mu] = fabs(margin);
        errors += !(margin > 0);
    }
    out->test_error = (double)errors / (double)test->num_samples;
    ch_near_boundary_observe(out, sizes, test->num_samples, smallest);
    return CH_OK;
}

void ch_perceptron_signal_and_noise(const ch_perceptron *self, double *signal, double *noise)
{
    double noise2 = 0;
    ch_student_measure(self, signal, &noise2);
    *noise = sqrt(noise2);
}

/* The law of test inputs. */
static ch_linear_law law_of(const ch_perceptron *self)
{
    const ch_sample_set *train = self->setup.train;
    return (ch_linear_law){self->setup.chi, self->setup.density, train->teacher, train->deviations, train->dim};
}

static ch_code observe(ch_learner *learner, ch_observation *out, ch_error *err)
{
    ch_perceptron *self = (ch_perceptron *)learner;
    const ch_linear_law law = law_of(self);
    const bool has_teacher = self->setup.has_teacher || ch_linear_law_is_known(&law);
    ch_margins all;
    if (!look_at_all(self, has_teacher, &all)) {
        return interrupted(err);
    }
    const double num_samples = (double)self->setup.num_samples;
    const double change = sqrt(ch_norm2(self->weights, self->stride));
    *out = ch_observation_none();
    out->train_loss = all.loss / num_samples;
    out->train_error = (double)all.errors / num_samples;
    out->unfitted = all.unfitted;
    out->min_margin = all.min_margin / self->setup.kappa;
    out->weight_change = change;
    out->weight_change_rel = change / self->norm_init;
    if (has_teacher) {
        ch_perceptron_signal_and_noise(self, &out->signal, &out->noise);
        /* |x . e| = sqrt(d) |z . e| */
        out->unfitted_distance =
            all.unfitted > 0 ? sqrt((double)self->setup.train->dim) * all.distance / (double)all.unfitted : NAN;
    }
    if (!isfinite(change)) {
        learner->progress.status = CH_DIVERGED;
        return CH_OK;
    }
    if (all.unfitted == 0) {
        learner->progress.status = CH_FITTED;
    }
    if (self->setup.test != NULL) {
        return ch_student_test(self->setup.test, self->weights, self->sizes, self->smallest, self->setup.watch, out,
                               err);
    }
    if (!ch_linear_law_is_known(&law)) {
        return CH_OK;
    }
    return ch_linear_law_test_error(&law, self->weights, out->signal, out->noise, &out->test_error, err);
}

static void free_learner(ch_learner *learner)
{
    ch_perceptron_free((ch_perceptron *)learner);
}

/* Length of the permutation that batches are drawn from: 0 for small batches, which need none. */
static size_t num_shuffled(const ch_perceptron_setup *setup)
{
    return setup->batch > CH_SCANNED_BATCH || setup->by_epoch ? setup->num_samples : 0;
}

void ch_perceptron_exchange(ch_learner *learner, ch_snapshot *snapshot)
{
    ch_perceptron *self = (ch_perceptron *)learner;
    const uint32_t num_samples = (uint32_t)self->setup.num_samples;
    ch_snapshot_learner(snapshot, learner);
    ch_snapshot_begin(snapshot, "student");
    ch_snapshot_array(snapshot, self->weights, self->stride, sizeof *self->weights);
    ch_snapshot_array(snapshot, self->velocity, self->velocity != NULL ? self->stride : 0, sizeof *self->velocity);
    ch_snapshot_indices(snapshot, self->batch, num_shuffled(&self->setup), num_samples);
    ch_snapshot_count32(snapshot, &self->drawn, num_samples);
    ch_snapshot_count32(snapshot, &self->pending, self->setup.by_epoch ? self->drawn : num_samples);
    ch_snapshot_require(snapshot, self->pending <= self->setup.batch);
    ch_snapshot_random(snapshot, &self->random);
    CH_SNAPSHOT_NUMBER(snapshot, self->next_check);
    CH_SNAPSHOT_NUMBER(snapshot, self->uses);
    CH_SNAPSHOT_NUMBER(snapshot, self->distinct);
    ch_snapshot_end(snapshot);
}

double ch_student_draw_norm_init(size_t dim, uint64_t seed)
{
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_INIT, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    return sqrt(gsl_ran_chisq(&gsl, (double)dim));
}

static ch_code check_setup(const ch_perceptron_setup *setup, ch_error *err)
{
    if (setup->num_samples < 1 || setup->num_samples > setup->train->num_samples || setup->num_samples > UINT32_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is %zu; it must be 1 to %zu, the samples there are, and under 2^32",
                            setup->num_samples, setup->train->num_samples);
    }
    if (setup->batch < 1 || setup->batch > setup->num_samples) {
        return ch_error_set(err, CH_ERROR_INPUT, "batch is %zu; it must be 1 to train = %zu", setup->batch,
                            setup->num_samples);
    }
    if (!(setup->kappa > 0) || !isfinite(setup->kappa)) {
        return ch_error_set(err, CH_ERROR_INPUT, "kappa is %g; it must be finite and greater than 0", setup->kappa);
    }
    if (!(setup->rate > 0) || !isfinite(setup->rate)) {
        return ch_error_set(err, CH_ERROR_INPUT, "rate is %g; it must be finite and greater than 0", setup->rate);
    }
    if (!(setup->momentum >= 0 && setup->momentum < 1)) {
        return ch_error_set(err, CH_ERROR_INPUT, "momentum is %g; it must be at least 0 and under 1", setup->momentum);
    }
    if (!(setup->weight_decay >= 0) || !isfinite(setup->weight_decay)) {
        return ch_error_set(err, CH_ERROR_INPUT, "weight_decay is %g; it must be finite and at least 0",
                            setup->weight_decay);
    }
    if (setup->test != NULL && setup->test->dim != setup->train->dim) {
        return ch_error_set(err, CH_ERROR_INPUT, "the test samples have dim %zu; it must be the training samples' %zu",
                            setup->test->dim, setup->train->dim);
    }
    return CH_OK;
}

ch_code ch_perceptron_init(ch_perceptron *self, const ch_perceptron_setup *setup, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const ch_code code = check_setup(setup, err);
    if (code != CH_OK) {
        return code;
    }
    self->setup = *setup;
    self->stride = setup->train->stride;
    const bool moves = setup->momentum > 0 || setup->weight_decay > 0;
    self->weights = ch_alloc(self->stride, sizeof *self->weights);
    self->velocity = moves ? ch_alloc(self->stride, sizeof *self->velocity) : NULL;
    const size_t shuffled = num_shuffled(setup);
    self->batch = ch_alloc(shuffled, sizeof *self->batch);
    self->active = ch_alloc(setup->batch, sizeof *self->active);
    const size_t tests = setup->test != NULL ? setup->test->num_samples : 0;
    self->sizes = ch_alloc(tests, sizeof *self->sizes);
    self->smallest = ch_alloc(ch_near_boundary_room(tests), sizeof *self->smallest);
    if (self->weights == NULL || (moves && self->velocity == NULL) || self->batch == NULL || self->active == NULL ||
        self->sizes == NULL || self->smallest == NULL) {
        ch_perceptron_free(self);
        return ch_error_memory(err, "the perceptron's weights and batches: lower train or dim");
    }
    for (uint32_t mu = 0; mu < shuffled; mu++) {
        self->batch[mu] = mu;
    }
    self->norm_init = ch_student_draw_norm_init(setup->train->dim, setup->seed_init);
    ch_random_init(&self->random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    self->next_check = UINT64_MAX;
    self->learner = (ch_learner){
        .advance = advance,
        .observe = observe,
        .free = free_learner,
        .exchange = ch_perceptron_exchange,
        .step_cost = (double)setup->batch * (double)self->stride,
    };
    return CH_OK;
}

void ch_perceptron_free(ch_perceptron *self)
{
    free(self->weights);
    free(self->velocity);
    free(self->batch);
    free(self->active);
    free(self->sizes);
    free(self->smallest);
    memset(self, 0, sizeof *self);
}
