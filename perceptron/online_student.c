/* online_student.c — the perceptron with infinitely many samples: every batch is fresh. */
#include "core/memory.h"
#include "core/near_boundary.h"
#include "core/snapshot.h"
#include "data/linear_error.h"
#include "perceptron/online.h"
#include "perceptron/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Operations that drawing an entry of a sample takes, for the learner's step_cost. */
enum { DRAW_COST = 16 };

static ch_data_law law_of(const ch_online_student_setup *setup)
{
    return (ch_data_law){.chi = setup->chi, .dim = setup->dim, .seed = setup->seed_data};
}

/* Finds the unfitted samples of the batch, all at this step's w, and marks them in `active`.
 * @param sum    out: sum of their margins, finite unless one of them is not
 * @param number out: their number
 * @return false when stopped */
static bool find_active(ch_online_student *self, double *sum, size_t *number)
{
    const size_t look = ch_rows_per_look(self->batch.stride);
    size_t count = 0;
    *sum = 0;
    for (size_t i = 0; i < self->setup.batch; i++) {
        if (i % look == look - 1 && ch_watch_is_stopped(self->setup.watch)) {
            return false;
        }
        const double margin = ch_dot(ch_sample_set_row(&self->batch, i), self->weights, self->batch.stride);
        self->active[i] = ch_is_unfitted(margin, self->setup.kappa);
        count += self->active[i];
        *sum += self->active[i] ? margin : 0;
    }
    *number = count;
    return true;
}

/* w <- w + (eta / B) sum of z over the unfitted samples of the batch */
static void update(ch_online_student *self)
{
    const double step = self->setup.rate / (double)self->setup.batch;
    for (size_t i = 0; i < self->setup.batch; i++) {
        if (self->active[i]) {
            ch_axpy(self->weights, step, ch_sample_set_row(&self->batch, i), self->batch.stride);
        }
    }
}

static void advance(ch_learner *learner, const ch_limit *limit)
{
    ch_online_student *self = (ch_online_student *)learner;
    ch_progress *progress = &learner->progress;
    const ch_data_law law = law_of(&self->setup);
    while (progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates) {
        double sum = 0;
        size_t count = 0;
        const uint64_t first = progress->steps * self->setup.batch;
        if (!ch_sample_set_redraw(&self->batch, &law, CH_STREAM_ONLINE_SAMPLES, first, self->setup.watch) ||
            !find_active(self, &sum, &count)) {
            return;
        }
        progress->steps++;
        if (count > 0) {
            update(self);
            progress->updates++;
            progress->last_update = progress->steps;
            progress->status = isfinite(sum) ? CH_RUNNING : CH_DIVERGED;
        }
    }
}

/* Mean loss of a fresh sample at the student's s and r, and mean |x_par| = A / n over the fresh samples that are
 * unfitted. At r = 0, before the first update, the loss is kappa, and the other is left out. */
static ch_code find_means(const ch_online_student *self, double signal, double noise, ch_observation *out,
                          ch_error *err)
{
    const ch_online_student_setup *setup = &self->setup;
    ch_online_averages mean;
    out->train_loss = setup->kappa;
    if (!(noise > 0)) {
        return CH_OK;
    }
    const double margin = setup->kappa * sqrt((double)setup->dim) / noise;
    const ch_code code = ch_online_averages_quadrature(&mean, setup->chi, margin, signal / noise, self->space, err);
    if (code != CH_OK) {
        return code;
    }
    out->train_loss = ch_online_loss(&mean, setup->kappa, signal, noise, setup->dim);
    out->unfitted_distance = mean.drift / mean.unfitted;
    return CH_OK;
}

static ch_code observe(ch_learner *learner, ch_observation *out, ch_error *err)
{
    ch_online_student *self = (ch_online_student *)learner;
    const double change = sqrt(ch_norm2(self->weights, self->batch.stride));
    *out = ch_observation_none();
    out->weight_change = change;
    out->weight_change_rel = change / self->norm_init;
    out->signal = self->weights[0];
    out->noise = sqrt(ch_norm2_across(self->weights, out->signal, self->batch.teacher, self->batch.stride));
    if (!isfinite(change)) {
        learner->progress.status = CH_DIVERGED;
        return CH_OK;
    }
    ch_code code = find_means(self, out->signal, out->noise, out, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_linear_test_error(self->setup.chi, out->signal, out->noise, &out->train_error, err);
    if (code != CH_OK) {
        return code;
    }
    out->test_error = out->train_error;
    return self->setup.test != NULL ? ch_student_test(self->setup.test, self->weights, self->sizes, self->smallest,
                                                      self->setup.watch, out, err)
                                    : CH_OK;
}

static void exchange(ch_learner *learner, ch_snapshot *snapshot)
{
    ch_online_student *self = (ch_online_student *)learner;
    ch_snapshot_learner(snapshot, learner);
    ch_snapshot_begin(snapshot, "online");
    ch_snapshot_array(snapshot, self->weights, self->batch.stride, sizeof *self->weights);
    ch_snapshot_end(snapshot);
}

static void free_learner(ch_learner *learner)
{
    ch_online_student_free((ch_online_student *)learner);
}

static ch_code check_setup(const ch_online_student_setup *setup, ch_error *err)
{
    if (setup->batch < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "batch is 0; it must be at least 1");
    }
    if (!(setup->kappa > 0) || !isfinite(setup->kappa)) {
        return ch_error_set(err, CH_ERROR_INPUT, "kappa is %g; it must be finite and greater than 0", setup->kappa);
    }
    if (!(setup->rate > 0) || !isfinite(setup->rate)) {
        return ch_error_set(err, CH_ERROR_INPUT, "rate is %g; it must be finite and greater than 0", setup->rate);
    }
    if (setup->test != NULL && setup->test->dim != setup->dim) {
        return ch_error_set(err, CH_ERROR_INPUT, "the test samples have dim %zu; it must be the student's %zu",
                            setup->test->dim, setup->dim);
    }
    return CH_OK;
}

ch_code ch_online_student_init(ch_online_student *self, const ch_online_student_setup *setup, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check_setup(setup, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_data_law law = law_of(setup);
    self->setup = *setup;
    code = ch_sample_set_init_undrawn(&self->batch, &law, setup->batch, err);
    if (code != CH_OK) {
        goto out;
    }
    self->active = ch_alloc(setup->batch, sizeof *self->active);
    self->weights = ch_alloc(self->batch.stride, sizeof *self->weights);
    self->space = gsl_integration_workspace_alloc(CH_ONLINE_INTERVALS);
    const size_t tests = setup->test != NULL ? setup->test->num_samples : 0;
    self->sizes = ch_alloc(tests, sizeof *self->sizes);
    self->smallest = ch_alloc(ch_near_boundary_room(tests), sizeof *self->smallest);
    if (self->active == NULL || self->weights == NULL || self->space == NULL || self->sizes == NULL ||
        self->smallest == NULL) {
        code = ch_error_memory(err, "the student's weights and batch: lower batch or dim");
        goto out;
    }
    self->norm_init = ch_student_draw_norm_init(setup->dim, setup->seed_init);
    self->learner = (ch_learner){
        .advance = advance,
        .observe = observe,
        .free = free_learner,
        .exchange = exchange,
        .step_cost = DRAW_COST * (double)setup->batch * (double)self->batch.stride,
    };
out:
    if (code != CH_OK) {
        ch_online_student_free(self);
    }
    return code;
}

void ch_online_student_free(ch_online_student *self)
{
    ch_sample_set_free(&self->batch);
    free(self->active);
    free(self->weights);
    free(self->sizes);
    free(self->smallest);
    if (self->space != NULL) {
        gsl_integration_workspace_free(self->space);
    }
    memset(self, 0, sizeof *self);
}
