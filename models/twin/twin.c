/* twin.c — the linearised twin of a network, trained on its tangent kernel. */
#include "models/twin/twin.h"

#include "core/buffers.h"
#include "core/checks.h"
#include "core/draw.h"
#include "core/near_boundary.h"
#include "core/snapshot.h"
#include "data/rows.h"
#include "models/twin/moving.h"
#include "models/twin/row_sums.h"

#include <math.h>
#include <string.h>

/* The waiting law is made once for each number of unfitted samples below this one. */
enum { NUM_LAWS = 256 };

/* ---- the next update ---- */

/* Draws at which step the next update comes, and how many unfitted samples its batch holds. */
static void draw_step(ch_twin *self, uint32_t num_unfitted)
{
    const ch_twin_setup *setup = &self->setup;
    const uint32_t batch = (uint32_t)setup->batch;
    if (setup->from_unfitted) {
        self->step = self->learner.progress.steps + 1;
        self->count = batch < num_unfitted ? batch : num_unfitted;
        return;
    }
    ch_waiting other, *law = num_unfitted < NUM_LAWS ? &self->laws[num_unfitted] : &other;
    if (law == &other || law->marked == 0) {
        ch_waiting_init(law, (uint32_t)setup->num_samples, batch, num_unfitted);
    }
    self->step = self->learner.progress.steps + ch_waiting_steps(law, &self->random);
    self->count = ch_waiting_number(law, &self->random);
}

/* Draws `count` of the unfitted samples uniformly. */
static void draw_samples(ch_twin *self, uint32_t num_unfitted)
{
    if (self->count <= CH_SCANNED_BATCH) {
        ch_draw_scanned(&self->random, self->drawn, self->count, num_unfitted);
        for (uint32_t i = 0; i < self->count; i++) {
            self->drawn[i] = ch_margins_sample(&self->margins, self->drawn[i]);
        }
        return;
    }
    ch_margins_list(&self->margins, self->margins.unfitted, self->drawn);
    if (self->count < num_unfitted) {
        ch_draw_shuffled(&self->random, self->drawn, self->count, num_unfitted);
    }
}

/* Draws the places in the epoch of the unfitted samples that have none yet. */
static void place_unfitted(ch_twin *self)
{
    const ch_margins *margins = &self->margins;
    uint64_t any = 0;
    for (size_t b = 0; b < margins->num_blocks; b++) {
        any |= margins->unfitted[b] & ~self->placed[b];
    }
    if (any == 0) {
        return;
    }
    const uint32_t count = ch_margins_list(margins, margins->unfitted, self->drawn);
    for (uint32_t i = 0; i < count; i++) {
        ch_epoch_place(&self->epoch, self->drawn[i], &self->random);
    }
    for (size_t b = 0; b < margins->num_blocks; b++) {
        self->placed[b] |= margins->unfitted[b];
    }
}

static void begin_epoch(ch_twin *self)
{
    ch_epoch_begin(&self->epoch, ch_epoch_end(&self->epoch));
    memset(self->placed, 0, self->margins.num_blocks * sizeof *self->placed);
    place_unfitted(self);
}

/* Finds the first step with a sample that is unfitted, of which there is one, and lists the unfitted samples of its
 * batch. */
static void find_step(ch_twin *self)
{
    uint64_t step = self->learner.progress.steps;
    place_unfitted(self);
    for (self->count = 0; self->count == 0;) {
        const uint64_t next = ch_epoch_next(&self->epoch, step);
        step = next > 0 ? next : ch_epoch_end(&self->epoch);
        if (next == 0) {
            begin_epoch(self);
            continue;
        }
        for (uint32_t mu = ch_epoch_first(&self->epoch, step); mu != CH_EPOCH_NONE; mu = self->epoch.next[mu]) {
            self->drawn[self->count] = mu;
            self->count += !(self->margins.values[mu] >= self->margins.threshold);
        }
    }
    self->step = step;
}

/* ||Dw||^2 = sum_mu a_mu m_mu; not finite where a margin or a coefficient is not. */
static double weight_change2(const ch_twin *self)
{
    double sum = 0;
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        sum += self->uses[mu] * self->margins.values[mu];
    }
    return self->temperature * self->temperature * sum;
}

/* Draws the next update, or ends the run where no sample is unfitted. */
static void find_update(ch_twin *self)
{
    const uint32_t num_unfitted = self->margins.num_unfitted;
    if (num_unfitted == 0) {
        self->learner.progress.status = isfinite(weight_change2(self)) ? CH_FITTED : CH_DIVERGED;
        return;
    }
    if (self->setup.by_epoch) {
        find_step(self);
    } else {
        draw_step(self, num_unfitted);
        draw_samples(self, num_unfitted);
    }
    double sum = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        sum += self->margins.values[self->drawn[i]];
    }
    self->is_finite = isfinite(sum);
    self->is_known = true;
}

/* ---- updates ---- */

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
    if (ch_twin_is_full_batch(self)) {
        rows = ch_twin_update_sum(self);
        ch_margins_add_sum(&self->margins, self->sum);
    } else {
        ch_margins_add_rows(&self->margins, self->setup.kernel, self->drawn, self->count);
    }
    self->learner.update_cost = (1 + (double)rows) * (double)ch_twin_room(self);
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

/* ---- observations ---- */

/* The fraction of test samples with !(y F > 0), and the density of |F| near 0. */
static void observe_tests(const ch_twin *self, ch_observation *out)
{
    const ch_kernel *kernel = self->setup.kernel;
    size_t errors = 0;
    if (kernel->num_test == 0) {
        return;
    }
    for (size_t i = 0; i < kernel->num_test; i++) {
        const double margin =
            ch_dot(kernel->test + i * kernel->stride, self->uses, ch_twin_room(self)); /* in units of T */
        self->sizes[i] = self->temperature * fabs(margin);
        errors += !(margin > 0);
    }
    out->test_error = (double)errors / (double)kernel->num_test;
    ch_near_boundary_observe(out, self->sizes, kernel->num_test, self->smallest);
}

/* Mean |x . e| over the unfitted training samples; NaN where none is, or the data have no teacher. */
static double unfitted_distance(const ch_twin *self)
{
    double sum = 0;
    for (size_t mu = 0; mu < self->setup.num_samples && self->setup.along != NULL; mu++) {
        sum += self->margins.values[mu] >= self->margins.threshold ? 0 : (double)self->setup.along[mu];
    }
    return self->setup.along != NULL && self->margins.num_unfitted > 0 ? sum / (double)self->margins.num_unfitted : NAN;
}

static ch_code observe(ch_learner *learner, ch_observation *out, ch_error *err)
{
    (void)err;
    ch_twin *self = (ch_twin *)learner;
    const double num_samples = (double)self->setup.num_samples, change2 = weight_change2(self);
    const bool is_unresolved = isfinite(change2) && change2 < 0;
    const double change = is_unresolved ? 0 : sqrt(change2);
    double loss = 0, least = INFINITY;
    uint64_t errors = 0;
    for (size_t mu = 0; mu < self->setup.num_samples; mu++) {
        const double margin = self->margins.values[mu];
        errors += !(margin > 0);
        least = margin >= least ? least : margin;
        loss += margin >= self->margins.threshold ? 0 : self->margins.threshold - margin;
    }
    *out = ch_observation_none();
    out->train_loss = self->temperature * loss / num_samples;
    out->train_error = (double)errors / num_samples;
    out->unfitted = self->margins.num_unfitted;
    out->min_margin = least / self->margins.threshold;
    out->weight_change = change;
    out->weight_change_rel = change / self->setup.norm_init;
    out->unfitted_distance = unfitted_distance(self);
    observe_tests(self, out);
    if (!isfinite(change)) {
        learner->progress.status = CH_DIVERGED;
    } else if (is_unresolved) { /* rounding of the kernel has become more than ||Dw||^2 */
        learner->progress.status = CH_STUCK;
        learner->progress.cause = CH_CAUSE_UNRESOLVED;
    } else if (out->unfitted == 0) {
        learner->progress.status = CH_FITTED;
    }
    return CH_OK;
}

static void free_learner(ch_learner *learner)
{
    ch_twin_free((ch_twin *)learner);
}

/* Whether the places of samples in an epoch are drawn, so that its steps can be skipped. */
static bool has_places(const ch_twin *self)
{
    return self->setup.by_epoch && !ch_twin_moves(&self->setup);
}

/* Whether no bit is set of samples that do not exist. */
static bool are_samples(const ch_margins *margins, const uint64_t *bits)
{
    return (bits[margins->num_blocks - 1] & ~margins->last_block) == 0;
}

/* The next update, once it is known. */
static void exchange_update(ch_twin *self, ch_snapshot *snapshot)
{
    const uint32_t num_samples = (uint32_t)self->setup.num_samples;
    ch_snapshot_begin(snapshot, "update");
    ch_snapshot_flag(snapshot, &self->is_known);
    if (self->is_known && !snapshot->is_bad) {
        ch_snapshot_flag(snapshot, &self->is_finite);
        CH_SNAPSHOT_NUMBER(snapshot, self->step);
        ch_snapshot_count32(snapshot, &self->count, num_samples);
        ch_snapshot_indices(snapshot, self->drawn, self->count, num_samples);
    }
    ch_snapshot_end(snapshot);
}

static void exchange(ch_learner *learner, ch_snapshot *snapshot)
{
    ch_twin *self = (ch_twin *)learner;
    const size_t room = ch_twin_room(self), blocks = self->margins.num_blocks;
    const size_t sums = ch_twin_is_full_batch(self) ? room : 0, moving = ch_twin_moves(&self->setup) ? room : 0;
    const uint32_t num_samples = (uint32_t)self->setup.num_samples;
    ch_snapshot_learner(snapshot, learner);
    ch_margins_exchange(&self->margins, snapshot);
    ch_snapshot_begin(snapshot, "twin");
    ch_snapshot_array(snapshot, self->uses, room, sizeof *self->uses);
    ch_snapshot_array(snapshot, self->sum, sums, sizeof *self->sum);
    ch_snapshot_array(snapshot, self->summed, sums > 0 ? blocks : 0, sizeof *self->summed);
    ch_snapshot_array(snapshot, self->velocity, moving, sizeof *self->velocity);
    ch_snapshot_array(snapshot, self->use_velocity, moving, sizeof *self->use_velocity);
    ch_snapshot_indices(snapshot, self->order, moving > 0 ? num_samples : 0, num_samples);
    ch_snapshot_count32(snapshot, &self->place, num_samples);
    ch_snapshot_random(snapshot, &self->random);
    CH_SNAPSHOT_NUMBER(snapshot, self->next_look);
    ch_snapshot_array(snapshot, self->placed, has_places(self) ? blocks : 0, sizeof *self->placed);
    ch_snapshot_end(snapshot);
    ch_snapshot_require(snapshot, sums == 0 || are_samples(&self->margins, self->summed));
    if (has_places(self)) {
        ch_epoch_exchange(&self->epoch, snapshot);
    }
    exchange_update(self, snapshot);
}

/* ---- setup ---- */

static ch_code check_setup(const ch_twin_setup *setup, ch_error *err)
{
    const ch_code code = ch_check_learner(setup->num_samples, setup->kernel->num_train, "the samples of the kernel",
                                          setup->batch, setup->kappa, setup->rate, err);
    if (code != CH_OK) {
        return code;
    }
    if (!(setup->momentum >= 0 && setup->momentum < 1) ||
        !(setup->weight_decay >= 0 && isfinite(setup->weight_decay))) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "momentum is %g and weight_decay %g; accepted are 0 <= momentum < 1 and finite "
                            "weight_decay >= 0",
                            setup->momentum, setup->weight_decay);
    }
    if (setup->from_unfitted && ch_twin_moves(setup)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "momentum is %g and weight_decay %g; they must be 0 for batches of unfitted samples",
                            setup->momentum, setup->weight_decay);
    }
    return ch_check_positive("||w0||", setup->norm_init, err);
}

static ch_buffer_list buffers_of(const ch_twin *self)
{
    const bool sums = ch_twin_is_full_batch(self), moves = ch_twin_moves(&self->setup);
    const size_t tests = self->setup.kernel != NULL ? self->setup.kernel->num_test : 0;
    return (ch_buffer_list){{
        CH_BUFFER(self->uses, ch_twin_room(self)),
        CH_BUFFER(self->sizes, tests),
        CH_BUFFER(self->smallest, ch_near_boundary_room(tests)),
        CH_BUFFER(self->drawn, self->setup.num_samples),
        CH_BUFFER(self->laws, NUM_LAWS),
        CH_BUFFER(self->sum, sums ? ch_twin_room(self) : 0),
        CH_BUFFER(self->summed, sums ? self->margins.num_blocks : 0),
        CH_BUFFER(self->placed, has_places(self) ? self->margins.num_blocks : 0),
        CH_BUFFER(self->velocity, moves ? ch_twin_room(self) : 0),
        CH_BUFFER(self->use_velocity, moves ? ch_twin_room(self) : 0),
        CH_BUFFER(self->order, moves ? self->setup.num_samples : 0),
    }};
}

/* A sample has 8 bytes in margins.values, uses and, at B = P, sum; 4 in drawn; a bit in margins.unfitted and summed. */
size_t ch_twin_bytes(size_t num_samples, bool by_epoch, bool moves)
{
    enum { SAMPLE_BYTES = 30, EPOCH_BYTES = 13, MOVING_BYTES = 20 };
    const size_t more = moves ? (size_t)MOVING_BYTES : by_epoch ? (size_t)EPOCH_BYTES : 0;
    return (SAMPLE_BYTES + more) * num_samples;
}

static bool allocate(ch_twin *self)
{
    const ch_twin_setup *setup = &self->setup;
    if (!ch_margins_init(&self->margins, setup->num_samples, setup->kappa / self->temperature)) {
        return false;
    }
    const ch_buffer_list buffers = buffers_of(self);
    return ch_buffers_alloc(&buffers) && (!has_places(self) || ch_epoch_init(&self->epoch, (uint32_t)setup->num_samples,
                                                                             (uint32_t)setup->batch, NULL) == CH_OK);
}

ch_code ch_twin_init(ch_twin *self, const ch_twin_setup *setup, ch_error *err)
{
    enum { MOVE = 8 }; /* operations of a step for each sample, where all move */
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
    for (uint32_t mu = 0; ch_twin_moves(setup) && mu < setup->num_samples; mu++) {
        self->order[mu] = mu;
    }
    ch_random_init(&self->random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    self->learner = (ch_learner){
        .advance = ch_twin_moves(setup) ? ch_twin_advance_moving : advance,
        .observe = observe,
        .free = free_learner,
        .exchange = exchange,
        .step_cost = ch_twin_moves(setup) ? MOVE * (double)ch_twin_room(self) : 0,
        .update_cost = (1 + (double)setup->batch) * (double)ch_twin_room(self),
    };
    return CH_OK;
}

void ch_twin_free(ch_twin *self)
{
    const ch_buffer_list buffers = buffers_of(self);
    ch_buffers_free(&buffers);
    ch_margins_free(&self->margins);
    ch_epoch_free(&self->epoch);
    memset(self, 0, sizeof *self);
}
