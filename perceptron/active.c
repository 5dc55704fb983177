/* active.c — the margins of all samples within reach of the noise, and which of them are unfitted. */
#include "perceptron/active.h"

#include "perceptron/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for the reach to grow before more samples have to be taken in, and what it shrinks by before some are let go. */
static const double ROOM = 1.2, SHRINK = 1.5;
/* Slacks are computed anew after so many rows, or once they may be off by so much of an update. */
enum { REFRESH_ROWS = 1024 };
static const double MOST_ERROR = 0.25;
/* Largest memory for rows of the Gram matrix, in floats. */
enum { MOST_ROW_FLOATS = 1 << 22 };
/* Slacks summed up and looked at in one go. Samples are taken in by whole blocks; what the last block has beyond the P
 * samples is infinitely far from unfitted. */
enum { BLOCK = 64 };
/* Least floats from row to row. */
enum { LEAST_ROW = BLOCK };

struct ch_active_set {
    ch_perceptron *student;
    const ch_reach *reach;
    double bound;       /* keys under it are taken in */
    size_t count;       /* samples taken in, the first of reach->order, to a whole block */
    float *slacks;      /* [P to a whole block], the first `count` in use */
    uint32_t *suspects; /* [P], and one to spare, places of slack not over the error, ascending */
    uint32_t num_suspects;
    uint32_t *unfitted; /* [P] places found unfitted */
    double error;       /* bound on the slacks' error */
    size_t rows_added;  /* since the slacks were computed */
    double signal, noise;

    /* rows of the Gram matrix, made at first use: all share one slab, which is emptied when it is full */
    float *slab;         /* [slab_size] */
    size_t slab_size;    /* floats */
    size_t row_room;     /* floats from row to row */
    size_t num_rows;     /* rows in the slab */
    uint32_t *row_of;    /* [P] row of a place, plus 1; 0 when there is none */
    uint32_t *row_place; /* [slab_size / LEAST_ROW] place of a row */
    uint32_t *row_count; /* [slab_size / LEAST_ROW] entries of a row that are made */
    double *wide;        /* [stride] one sample in double */
};

static size_t to_block(size_t count)
{
    return (count + BLOCK - 1) / BLOCK * BLOCK;
}

ch_active_set *ch_active_set_new(ch_perceptron *student, const ch_reach *reach)
{
    ch_active_set *self = ch_alloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    const size_t num_samples = reach->num_samples;
    const size_t square = num_samples < MOST_ROW_FLOATS / num_samples ? num_samples * num_samples : MOST_ROW_FLOATS;
    self->student = student;
    self->reach = reach;
    self->slab_size = to_block(square > num_samples ? square : num_samples) + LEAST_ROW;
    const size_t most_rows = self->slab_size / LEAST_ROW;
    self->slacks = ch_alloc(to_block(num_samples), sizeof *self->slacks);
    self->suspects = ch_alloc(num_samples + 1, sizeof *self->suspects);
    self->unfitted = ch_alloc(num_samples, sizeof *self->unfitted);
    /* neither zeroed nor on huge pages: most runs write a small part of it only */
    self->slab = aligned_alloc(CH_CACHE_LINE, self->slab_size * sizeof *self->slab);
    self->row_of = ch_alloc(num_samples, sizeof *self->row_of);
    self->row_place = ch_alloc(most_rows, sizeof *self->row_place);
    self->row_count = ch_alloc(most_rows, sizeof *self->row_count);
    self->wide = ch_alloc(student->stride, sizeof *self->wide);
    if (self->slacks == NULL || self->suspects == NULL || self->unfitted == NULL || self->slab == NULL ||
        self->row_of == NULL || self->row_place == NULL || self->row_count == NULL || self->wide == NULL) {
        ch_active_set_free(self);
        return NULL;
    }
    return self;
}

void ch_active_set_free(ch_active_set *self)
{
    if (self == NULL) {
        return;
    }
    free(self->slacks);
    free(self->suspects);
    free(self->unfitted);
    free(self->slab);
    free(self->row_of);
    free(self->row_place);
    free(self->row_count);
    free(self->wide);
    free(self);
}

static double temperature(const ch_active_set *self)
{
    return self->student->setup.rate / (double)self->student->setup.batch;
}

static const float *row_of_place(const ch_active_set *self, size_t place)
{
    return ch_sample_set_row(self->student->setup.train, self->reach->order[place]);
}

/* m - kappa in double, as the plain engine has it */
static double exact_excess(const ch_active_set *self, size_t place)
{
    return ch_dot(row_of_place(self, place), self->student->weights, self->student->stride) -
           self->student->setup.kappa;
}

/* The largest |key| among the samples taken in: the last block may go beyond the bound, and with a random teacher the
 * first keys may be negative. */
static double largest_key(const ch_active_set *self)
{
    const float *keys = self->reach->keys;
    const size_t last = self->count < self->reach->num_samples ? self->count : self->reach->num_samples;
    return last == 0 ? 0 : fmax(fabs((double)keys[0]), fabs((double)keys[last - 1]));
}

/* What no slack taken in exceeds: |m| <= s |v| + r |z_perp| with |v| <= |key| |z_perp|, and kappa; in units of T. */
static double largest_slack(const ch_active_set *self)
{
    const double most = self->reach->most_norm;
    const double along = fmin(largest_key(self) * most, most);
    return (fabs(self->signal) * along + self->noise * most + self->student->setup.kappa) / temperature(self);
}

/* What a slack is off by, more than before, after it was computed or `rows` rows were added to it. Each time 2^-24 of
 * the largest slack, which a row moves by |z|^2 at most, of the error there is and of the row's entry; and what the
 * double's own sums of d / 16 numbers and four more are off by, 2^-53 each of |w| |z|, once now and once when the
 * margin is computed again. A little is to spare for products of errors. */
static double rounding(const ch_active_set *self, size_t rows)
{
    const double row = self->reach->most_norm * self->reach->most_norm;
    const double times = rows > 0 ? (double)rows : 1;
    const double reached = largest_slack(self) + self->error + (double)(rows + 1) * row;
    const double whole = (fabs(self->signal) + self->noise) * self->reach->most_norm / temperature(self);
    const double sums = 2 * ((double)self->student->stride / CH_ROW_LANES + 8);
    return times * (0x1.04p-24 * reached + 0x1p-53 * sums * (whole + (double)(rows + 1) * row));
}

static void measure_student(ch_active_set *self)
{
    ch_perceptron_signal_and_noise(self->student, &self->signal, &self->noise);
}

static double bound_now(const ch_active_set *self)
{
    return ch_reach_bound(self->reach, self->signal, self->noise, self->student->setup.kappa);
}

static void reach_out(ch_active_set *self)
{
    self->bound = ROOM * bound_now(self);
    self->count = to_block(ch_reach_count(self->reach, self->bound));
}

size_t ch_active_set_num_reached(const ch_active_set *self)
{
    ch_active_set now = *self;
    measure_student(&now);
    return ch_reach_count(self->reach, ROOM * bound_now(&now));
}

bool ch_active_set_is_precise(const ch_active_set *self)
{
    ch_active_set now = *self;
    measure_student(&now);
    reach_out(&now);
    return rounding(&now, 0) < MOST_ERROR / 128;
}

/* ---- slacks ---- */

static void compute_slacks(ch_active_set *self, size_t from, size_t to)
{
    const double scale = 1 / temperature(self);
    for (size_t k = from; k < to; k++) {
        self->slacks[k] = k < self->reach->num_samples ? (float)(scale * exact_excess(self, k)) : INFINITY;
    }
}

static void find_suspects(ch_active_set *self)
{
    const float error = (float)self->error;
    self->num_suspects = 0;
    for (size_t k = 0; k < self->count; k++) {
        if (!(self->slacks[k] > error)) {
            self->suspects[self->num_suspects++] = (uint32_t)k;
        }
    }
}

static void refresh(ch_active_set *self)
{
    compute_slacks(self, 0, self->count);
    self->error = 0;
    self->error = rounding(self, 0);
    self->rows_added = 0;
}

static void forget_rows(ch_active_set *self)
{
    for (size_t row = 0; row < self->num_rows; row++) {
        self->row_of[self->row_place[row]] = 0;
    }
    self->num_rows = 0;
    self->row_room = to_block(self->count + self->count / 4);
    self->row_room = self->row_room > LEAST_ROW ? self->row_room : LEAST_ROW;
    self->row_room = self->row_room < self->slab_size ? self->row_room : self->slab_size;
}

void ch_active_set_begin(ch_active_set *self)
{
    measure_student(self);
    reach_out(self);
    forget_rows(self);
    refresh(self);
    find_suspects(self);
}

/* Takes in or lets go of samples as the reach of the noise grows or shrinks; true when it did. */
static bool follow_reach(ch_active_set *self)
{
    const double bound = bound_now(self);
    if (bound <= self->bound && bound * ROOM * SHRINK >= self->bound) {
        return false;
    }
    const size_t before = self->count;
    reach_out(self);
    if (self->count > before) {
        compute_slacks(self, before, self->count);
        self->error = fmax(self->error, rounding(self, 0));
    }
    if (self->count > self->row_room) {
        forget_rows(self);
    }
    return true;
}

/* ---- rows of the Gram matrix ---- */

/* Row of a place, made as far as `count`. */
static const float *gram_row(ch_active_set *self, uint32_t place)
{
    if (self->row_of[place] == 0) {
        if ((self->num_rows + 1) * self->row_room > self->slab_size) {
            forget_rows(self);
        }
        self->row_place[self->num_rows] = place;
        self->row_count[self->num_rows] = 0;
        self->row_of[place] = (uint32_t)++self->num_rows;
    }
    const size_t row = self->row_of[place] - 1;
    float *entries = self->slab + row * self->row_room;
    if (self->row_count[row] < self->count) {
        const float *sample = row_of_place(self, place);
        for (size_t i = 0; i < self->student->stride; i++) {
            self->wide[i] = (double)sample[i];
        }
        for (size_t k = self->row_count[row]; k < self->count; k++) {
            const bool is_sample = k < self->reach->num_samples;
            entries[k] = is_sample ? (float)ch_dot(row_of_place(self, k), self->wide, self->student->stride) : 0;
        }
        self->row_count[row] = (uint32_t)self->count;
    }
    return entries;
}

/* slacks += row, over one block; true when one of them is then not over `error`. */
static inline bool add_block(float *restrict slacks, const float *restrict row, float error)
{
    int low = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        slacks[i] += row[i];
        low |= !(slacks[i] > error);
    }
    return low != 0;
}

/* Appends the places of a block, from `from` on, whose slack is not over `error`. Those few are looked for by eights.
 */
static void collect(ch_active_set *self, size_t from, float error)
{
    unsigned char low[BLOCK];
    for (size_t i = 0; i < BLOCK; i++) {
        low[i] = !(self->slacks[from + i] > error);
    }
    for (size_t eight = 0; eight < BLOCK; eight += 8) {
        uint64_t any = 0;
        memcpy(&any, low + eight, sizeof any);
        for (size_t i = eight; i < eight + 8 && any != 0; i++) {
            self->suspects[self->num_suspects] = (uint32_t)(from + i);
            self->num_suspects += low[i];
        }
    }
}

static void add_row(ch_active_set *self, const float *row)
{
    const float error = (float)self->error;
    self->num_suspects = 0;
    for (size_t k = 0; k < self->count; k += BLOCK) {
        if (add_block(self->slacks + k, row + k, error)) {
            collect(self, k, error);
        }
    }
}

/* ---- what the engine asks ---- */

uint32_t *ch_active_set_unfitted(ch_active_set *self, uint32_t *num_unfitted)
{
    const float error = (float)self->error;
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->num_suspects; i++) {
        const uint32_t place = self->suspects[i];
        if (self->slacks[place] < -error || !(exact_excess(self, place) >= 0)) {
            self->unfitted[count++] = place;
        }
    }
    *num_unfitted = count;
    return self->unfitted;
}

bool ch_active_set_update(ch_active_set *self, const uint32_t *places, uint32_t count)
{
    self->error += rounding(self, count);
    self->rows_added += count;
    for (uint32_t i = 0; i < count; i++) {
        add_row(self, gram_row(self, places[i]));
        ch_axpy(self->student->weights, temperature(self), row_of_place(self, places[i]), self->student->stride);
    }
    measure_student(self);
    if (!isfinite(self->signal) || !isfinite(self->noise)) {
        return false;
    }
    bool moved = follow_reach(self);
    if (self->rows_added >= REFRESH_ROWS || self->error > MOST_ERROR) {
        refresh(self);
        moved = true;
    }
    if (moved) {
        find_suspects(self);
    }
    return true;
}
