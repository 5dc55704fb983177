/* twin.c — the linearised twin of a network, trained on its tangent kernel. */
#include "models/twin/twin.h"

#include "core/draw.h"
#include "data/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of unfitted samples whose waiting law is kept. */
enum { KEPT_LAWS = 256 };

static size_t room(const ch_twin *self)
{
    return self->followed.num_blocks * CH_KERNEL_LANES;
}

static bool is_full_batch(const ch_twin *self)
{
    return self->setup.batch == self->setup.num_samples;
}

/* ---- the next update ---- */

static void draw_step(ch_twin *self, uint32_t num_unfitted)
{
    const ch_twin_setup *setup = &self->setup;
    const uint32_t batch = (uint32_t)setup->batch;
    if (setup->from_unfitted) {
        self->step = self->learner.progress.steps + 1;
        self->count = batch < num_unfitted ? batch : num_unfitted;
        return;
    }
    ch_waiting other, *law = num_unfitted < KEPT_LAWS ? &self->laws[num_unfitted] : &other;
    if (law == &other || law->marked == 0) {
        ch_waiting_init(law, (uint32_t)setup->num_samples, batch, num_unfitted);
    }
    self->step = self->learner.progress.steps + ch_waiting_steps(law, &self->random);
    self->count = ch_waiting_number(law, &self->random);
}

/* `count` of the unfitted, uniformly. */
static void draw_samples(ch_twin *self, uint32_t num_unfitted)
{
    if (self->count <= CH_SCANNED_BATCH) {
        ch_draw_scanned(&self->random, self->drawn, self->count, num_unfitted);
        for (uint32_t i = 0; i < self->count; i++) {
            self->drawn[i] = ch_followed_sample(&self->followed, self->drawn[i]);
        }
        return;
    }
    ch_followed_list(&self->followed, self->followed.unfitted, self->drawn);
    if (self->count < num_unfitted) {
        ch_draw_shuffled(&self->random, self->drawn, self->count, num_unfitted);
    }
}

/* ||Dw||^2 = sum_mu a_mu m_mu; not finite where a margin or a is not. */
static double weight_change2(const ch_twin *self)
{
    double sum = 0;
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        sum += self->uses[mu] * self->followed.margins[mu];
    }
    return self->temperature * self->temperature * sum;
}

static void find_update(ch_twin *self)
{
    const uint32_t num_unfitted = self->followed.num_unfitted;
    if (num_unfitted == 0) {
        self->learner.progress.status = isfinite(weight_change2(self)) ? CH_FITTED : CH_DIVERGED;
        return;
    }
    draw_step(self, num_unfitted);
    draw_samples(self, num_unfitted);
    double sum = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        sum += self->followed.margins[self->drawn[i]];
    }
    self->is_finite = isfinite(sum);
    self->is_known = true;
}

/* ---- updates ---- */

/* sum += sum_i signs_i rows_i; so many in one pass over the sum, which hides the time that memory takes. */
enum { SUMMED_ROWS = 4 };
static void add_signed_rows(double *restrict sum, const float *const rows[SUMMED_ROWS], const double signs[SUMMED_ROWS],
                            size_t length)
{
    for (size_t k = 0; k < length; k++) {
        double one = sum[k];
        for (size_t i = 0; i < SUMMED_ROWS; i++) {
            one += signs[i] * (double)rows[i][k];
        }
        sum[k] = one;
    }
}

/* sum += the rows of the unfitted and -= the rows of the fitted among `samples`. */
static void change_sum(ch_twin *self, const uint32_t *samples, uint32_t count)
{
    for (uint32_t first = 0; first < count; first += SUMMED_ROWS) {
        const float *rows[SUMMED_ROWS];
        double signs[SUMMED_ROWS];
        for (uint32_t i = 0; i < SUMMED_ROWS; i++) {
            const uint32_t mu = samples[first + i < count ? first + i : first];
            rows[i] = ch_kernel_row(self->setup.kernel, mu);
            signs[i] = self->followed.margins[mu] >= self->followed.threshold ? -1 : 1;
            signs[i] = first + i < count ? signs[i] : 0;
        }
        add_signed_rows(self->sum, rows, signs, room(self));
    }
}

/* Brings the sum of the rows of all unfitted samples up to date: by those that changed, or from nothing where that is
 * less. Uses the list of the drawn as room for its own.  @return rows added or taken away */
static uint32_t update_sum(ch_twin *self)
{
    const ch_followed *followed = &self->followed;
    const size_t bytes = followed->num_blocks * sizeof *self->summed;
    uint32_t changed = 0;
    for (size_t b = 0; b < followed->num_blocks; b++) {
        self->summed[b] ^= followed->unfitted[b];
        changed += (uint32_t)__builtin_popcountll(self->summed[b]);
    }
    if (changed >= followed->num_unfitted) {
        memcpy(self->summed, followed->unfitted, bytes);
        memset(self->sum, 0, room(self) * sizeof *self->sum);
    }
    changed = ch_followed_list(followed, self->summed, self->drawn);
    change_sum(self, self->drawn, changed);
    memcpy(self->summed, followed->unfitted, bytes);
    return changed;
}

static void take_update(ch_twin *self)
{
    ch_progress *progress = &self->learner.progress;
    progress->steps = progress->last_update = self->step;
    progress->updates++;
    self->is_known = false;
    for (uint32_t i = 0; i < self->count; i++) {
        self->uses[self->drawn[i]]++;
    }
    uint32_t rows = self->count;
    if (is_full_batch(self)) {
        rows = update_sum(self);
        ch_followed_add_sum(&self->followed, self->sum);
    } else {
        ch_followed_add_rows(&self->followed, self->setup.kernel, self->drawn, self->count);
    }
    self->learner.update_cost = (1 + (double)rows) * (double)room(self);
    if (!self->is_finite) {
        progress->status = CH_DIVERGED;
    }
}

static void advance(ch_learner *learner, const ch_limit *limit)
{
    ch_twin *self = (ch_twin *)learner;
    ch_progress *progress = &learner->progress;
    while (progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates) {
        if (!self->is_known) {
            find_update(self);
        } else if (self->step > limit->steps) {
            progress->steps = limit->steps;
        } else {
            take_update(self);
        }
    }
}

/* ---- what is seen ---- */

static double test_error(const ch_twin *self)
{
    const ch_kernel *kernel = self->setup.kernel;
    size_t errors = 0;
    for (size_t i = 0; i < kernel->num_test; i++) {
        errors += !(ch_dot(kernel->test + i * kernel->stride, self->uses, room(self)) > 0);
    }
    return (double)errors / (double)kernel->num_test;
}

static ch_code observe(ch_learner *learner, ch_observation *out, ch_error *err)
{
    (void)err;
    ch_twin *self = (ch_twin *)learner;
    const double num_samples = (double)self->setup.num_samples;
    const double change = sqrt(weight_change2(self));
    double loss = 0, least = INFINITY;
    uint64_t errors = 0;
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        const double margin = self->followed.margins[mu];
        errors += !(margin > 0);
        least = margin >= least ? least : margin;
        loss += margin >= self->followed.threshold ? 0 : self->followed.threshold - margin;
    }
    *out = ch_observation_none();
    out->train_loss = self->temperature * loss / num_samples;
    out->train_error = (double)errors / num_samples;
    out->unfitted = self->followed.num_unfitted;
    out->min_margin = least / self->followed.threshold;
    out->weight_change = change;
    out->weight_change_rel = change / self->setup.norm_init;
    out->test_error = self->setup.kernel->num_test > 0 ? test_error(self) : NAN;
    if (!isfinite(change)) {
        learner->progress.status = CH_DIVERGED;
    } else if (out->unfitted == 0) {
        learner->progress.status = CH_FITTED;
    }
    return CH_OK;
}

static void free_learner(ch_learner *learner)
{
    ch_twin_free((ch_twin *)learner);
}

/* ---- setup ---- */

static ch_code check_setup(const ch_twin_setup *setup, ch_error *err)
{
    const ch_kernel *kernel = setup->kernel;
    if (setup->num_samples < 1 || setup->num_samples > kernel->num_train || setup->num_samples > UINT32_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is %zu; it must be 1 to %zu, the samples of the kernel, and under 2^32",
                            setup->num_samples, kernel->num_train);
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
    if (!(setup->norm_init > 0) || !isfinite(setup->norm_init)) {
        return ch_error_set(err, CH_ERROR_INPUT, "||w0|| is %g; it must be finite and greater than 0",
                            setup->norm_init);
    }
    return CH_OK;
}

static bool allocate(ch_twin *self)
{
    const ch_twin_setup *setup = &self->setup;
    if (!ch_followed_init(&self->followed, setup->num_samples, setup->kappa / self->temperature)) {
        return false;
    }
    const bool sums = is_full_batch(self);
    self->uses = ch_alloc(room(self), sizeof *self->uses);
    self->drawn = ch_alloc_unset(setup->num_samples, sizeof *self->drawn);
    self->laws = ch_alloc(KEPT_LAWS, sizeof *self->laws);
    self->sum = ch_alloc(sums ? room(self) : 0, sizeof *self->sum);
    self->summed = ch_alloc(sums ? self->followed.num_blocks : 0, sizeof *self->summed);
    return self->uses != NULL && self->drawn != NULL && self->laws != NULL && self->sum != NULL && self->summed != NULL;
}

ch_code ch_twin_init(ch_twin *self, const ch_twin_setup *setup, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const ch_code code = check_setup(setup, err);
    if (code != CH_OK) {
        return code;
    }
    self->setup = *setup;
    self->temperature = setup->rate / (double)setup->batch;
    if (!allocate(self)) {
        ch_twin_free(self);
        return ch_error_memory(err, "the margins of the linearised network: lower train");
    }
    ch_random_init(&self->random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    self->learner = (ch_learner){
        .advance = advance,
        .observe = observe,
        .free = free_learner,
        .update_cost = (1 + (double)setup->batch) * (double)room(self),
    };
    return CH_OK;
}

void ch_twin_free(ch_twin *self)
{
    ch_followed_free(&self->followed);
    free(self->uses);
    free(self->drawn);
    free(self->laws);
    free(self->sum);
    free(self->summed);
    memset(self, 0, sizeof *self);
}

size_t ch_twin_bytes(size_t num_samples)
{
    enum { BYTES_A_SAMPLE = 30 }; /* 20, and 28 at B = P, both rounded up */
    return BYTES_A_SAMPLE * num_samples;
}
