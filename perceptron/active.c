/* active.c — the margins of all samples within reach of the noise, and which of them are unfitted. */
#include "perceptron/active.h"

#include "perceptron/bits.h"
#include "perceptron/gram.h"
#include "perceptron/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for the reach to grow before more samples have to be taken in, and what it shrinks by before some are let go. */
static const double ROOM = 1.05, SHRINK = 1.12;
/* Updates between two looks whether it has shrunk. */
enum { SHRINK_UPDATES = 64 };
/* All slacks are computed anew after so many rows, those of a block once so many of its margins have been computed
 * again, one at a time and more with each row's error. */
enum { REFRESH_ROWS = 4096, REFRESH_RECOMPUTED = 16 };
/* Most that a slack just computed may be off by, in units of T. */
static const double MOST_ERROR = 0x1p-9;
/* Slacks summed up and looked at in one go. Samples are taken in by whole blocks; what the last block has beyond the P
 * samples is infinitely far from unfitted. */
enum { BLOCK = CH_GRAM_BLOCK };
_Static_assert((int)BLOCK == (int)CH_BITS_PLACES, "a bit for every sample of a block");
/* Slack beyond which it is kept as that: more quanta than all rows until slacks are computed anew can add, so that a
 * slack kept as less than it is stays far from 0 and no sum overflows. */
static const double MOST_SLACK = 1 << 30;
enum { MOST_DOUBT = 1 << 29 };
_Static_assert((int64_t)(2 * REFRESH_ROWS) * INT16_MAX < 1 << 29, "slacks beyond MOST_SLACK stay far from 0");

struct ch_active_set {
    ch_perceptron *student;
    const ch_reach *reach;
    double temperature;    /* T */
    float entry_error;     /* of an entry of a row, in quanta, and room for summing it up in single precision */
    ch_gram gram;          /* of the samples taken in, the first gram.count of reach->order; owned */
    double bound;          /* keys under it are taken in */
    int32_t *slacks;       /* [P to a whole block] in quanta, the first `count` in use */
    float *errors;         /* [blocks] bounds on the error of the slacks in each, in quanta */
    uint32_t *recomputed;  /* [blocks] margins computed again, since the slacks were computed */
    uint32_t *low_blocks;  /* [blocks] those with a slack not over the error, ascending */
    ch_bits *low_unfitted; /* [blocks] the unfitted samples in each of them */
    uint32_t num_low_blocks;
    uint32_t num_unfitted;
    size_t rows_added;     /* since all slacks were computed */
    double signal, noise2; /* s and r^2 */
    unsigned updates;      /* of late, up to SHRINK_UPDATES */

    uint64_t computed, followed; /* margins, in all */
};

ch_active_set *ch_active_set_new(ch_perceptron *student, const ch_reach *reach)
{
    ch_active_set *self = ch_alloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    const size_t room = ch_gram_to_block(reach->num_samples);
    self->student = student;
    self->reach = reach;
    self->temperature = ch_student_temperature(student);
    const bool made = ch_gram_init(&self->gram, student->setup.train, reach, student->setup.threads);
    self->entry_error = (float)(self->gram.entry_error * (1 + 0x1p-10));
    self->slacks = ch_alloc_unset(room, sizeof *self->slacks);
    self->errors = ch_alloc_unset(room / BLOCK, sizeof *self->errors);
    self->recomputed = ch_alloc_unset(room / BLOCK, sizeof *self->recomputed);
    self->low_blocks = ch_alloc_unset(room / BLOCK + 1, sizeof *self->low_blocks);
    self->low_unfitted = ch_alloc_unset(room / BLOCK + 1, sizeof *self->low_unfitted);
    if (!made || self->slacks == NULL || self->errors == NULL || self->recomputed == NULL || self->low_blocks == NULL ||
        self->low_unfitted == NULL) {
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
    ch_gram_free(&self->gram);
    free(self->slacks);
    free(self->errors);
    free(self->recomputed);
    free(self->low_blocks);
    free(self->low_unfitted);
    free(self);
}

/* m - kappa in double, as the plain engine has it */
static double exact_excess(const ch_active_set *self, size_t place)
{
    const ch_perceptron *student = self->student;
    return ch_dot(ch_gram_sample(&self->gram, place), student->weights, student->stride) - student->setup.kappa;
}

/* ---- errors, in quanta ---- */

/* Of a slack computed from the weights, and once more when computed again: half a quantum, and twice the double's own
 * sums of d / 16 numbers and some more, 2^-53 each of |w| |z|. */
static double slack_error(const ch_active_set *self)
{
    const double sums = 2 * ((double)self->student->stride / CH_ROW_LANES + 8);
    const double whole =
        (fabs(self->signal) + sqrt(self->noise2)) * self->reach->most_norm + self->student->setup.kappa;
    return 0.5 + 0x1p-53 * sums * whole / (self->temperature * self->gram.quantum);
}

static void measure_student(ch_active_set *self)
{
    ch_student_measure(self->student, &self->signal, &self->noise2);
}

static double bound_now(const ch_active_set *self)
{
    return ch_reach_bound(self->reach, self->signal, sqrt(self->noise2), self->student->setup.kappa);
}

static void reach_out(ch_active_set *self)
{
    self->bound = ROOM * bound_now(self);
    ch_gram_set_count(&self->gram, ch_gram_to_block(ch_reach_count(self->reach, self->bound)));
}

size_t ch_active_set_most_rows(const ch_active_set *self, size_t count)
{
    return ch_gram_most_rows(&self->gram, count);
}

bool ch_active_set_is_packed(const ch_active_set *self, size_t count)
{
    return count <= ch_gram_most_packed(&self->gram);
}

bool ch_active_set_is_precise(const ch_active_set *self)
{
    ch_active_set now = *self;
    measure_student(&now);
    return slack_error(&now) * now.gram.quantum < MOST_ERROR;
}

/* ---- slacks ---- */

static int32_t in_quanta(double slack)
{
    if (!(slack > -MOST_SLACK)) { /* NaN is as far under 0 as can be */
        return (int32_t)-MOST_SLACK;
    }
    return slack < MOST_SLACK ? (int32_t)lrint(slack) : (int32_t)MOST_SLACK;
}

static int32_t exact_slack(const ch_active_set *self, size_t place, double scale)
{
    return in_quanta(place < self->reach->num_samples ? scale * exact_excess(self, place) : INFINITY);
}

static void compute_block(ch_active_set *self, size_t block, float error)
{
    const double scale = 1 / (self->temperature * self->gram.quantum);
    for (size_t k = block * BLOCK; k < (block + 1) * BLOCK; k++) {
        self->slacks[k] = exact_slack(self, k, scale);
    }
    self->errors[block] = error;
    self->recomputed[block] = 0;
}

/* Computes the slacks from one place to another, both at whole blocks. */
static void compute_slacks(ch_active_set *self, size_t from, size_t to)
{
    const float error = (float)slack_error(self);
    const int threads = ch_threads_worth(self->student->setup.threads, to - from, self->student->stride);
    self->computed += to - from;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t block = from / BLOCK; block < to / BLOCK; block++) {
        compute_block(self, block, error);
    }
}

static void refresh(ch_active_set *self)
{
    measure_student(self);
    compute_slacks(self, 0, self->gram.count);
    self->rows_added = 0;
}

/* Whether the noise reaches no sample that is not taken in: r < bound s - kappa / |z_perp|, without a root. */
static bool is_within_bound(const ch_active_set *self)
{
    const double least = self->student->setup.kappa / self->reach->least_across;
    const double most = self->bound * self->signal * (1 - 0x1p-19) - least;
    return self->bound == INFINITY || (self->signal > 0 && most > 0 && self->noise2 <= most * most);
}

static bool has_shrunk(ch_active_set *self)
{
    self->updates = (self->updates + 1) % SHRINK_UPDATES;
    return self->updates == 0 && bound_now(self) * ROOM * SHRINK < self->bound;
}

/* Takes in or lets go of samples as the reach of the noise grows or shrinks; true when it did. */
static bool follow_reach(ch_active_set *self)
{
    if (is_within_bound(self) && !has_shrunk(self)) {
        return false;
    }
    const size_t before = self->gram.count;
    reach_out(self);
    if (self->gram.count > before) {
        compute_slacks(self, before, self->gram.count);
    }
    return true;
}

/* ---- the unfitted ---- */

/* Slacks of a block up to this one may be of unfitted samples; those under its opposite are. */
static inline int32_t doubt(float error)
{
    return error < MOST_DOUBT ? (int32_t)error + 1 : MOST_DOUBT;
}

/* slacks += row, over one block; returns those up to `most`. */
static inline ch_bits add_block(int32_t *slacks, const int32_t *row, int32_t most)
{
    ch_lanes *sums = (ch_lanes *)slacks;
    const ch_lanes *pairs = (const ch_lanes *)row;
    ch_bits_finder finder = ch_bits_begin();
    for (size_t j = 0; j < CH_BITS_VECTORS; j += 2) {
        const ch_lanes pair = pairs[j / 2];
        sums[j] += pair << 16 >> 16;
        sums[j + 1] += pair >> 16;
        ch_bits_find(&finder, sums[j], most);
        ch_bits_find(&finder, sums[j + 1], most);
    }
    return ch_bits_end(&finder);
}

/* slacks += row, and notes which blocks are low then; with no row, only that. */
static void add_row(ch_active_set *self, const int32_t *row)
{
    const float error = row != NULL ? self->entry_error : 0;
    const size_t blocks = self->gram.count / BLOCK;
    uint32_t count = 0;
    for (size_t b = 0; b < blocks; b++) {
        int32_t *slacks = self->slacks + b * BLOCK;
        self->errors[b] += error;
        const int32_t most = doubt(self->errors[b]);
        const ch_bits low = row != NULL ? add_block(slacks, row + b * BLOCK / 2, most) : ch_bits_up_to(slacks, most);
        self->low_blocks[count] = (uint32_t)b;
        self->low_unfitted[count] = low;
        count += low != 0;
    }
    self->num_low_blocks = count;
    self->followed += row != NULL ? self->gram.count : 0;
}

/* Those of the samples of a block that are unfitted, by margins computed again. */
static ch_bits settle(ch_active_set *self, size_t block, ch_bits doubtful)
{
    ch_bits unfitted = 0;
    for (; doubtful != 0; doubtful &= doubtful - 1) {
        const size_t place = block * BLOCK + ch_bits_first(doubtful);
        if (!(exact_excess(self, place) >= 0)) {
            unfitted |= doubtful & -doubtful;
        }
        self->recomputed[block]++;
    }
    return unfitted;
}

/* The unfitted samples of a block, given those that are not surely fitted. */
static ch_bits find_in_block(ch_active_set *self, size_t block, ch_bits low)
{
    const int32_t *slacks = self->slacks + block * BLOCK;
    int32_t error = doubt(self->errors[block]);
    ch_bits under = ch_bits_up_to(slacks, -error - 1);
    if (low != under && self->recomputed[block] >= REFRESH_RECOMPUTED) {
        compute_slacks(self, block * BLOCK, (block + 1) * BLOCK);
        error = doubt(self->errors[block]);
        low = ch_bits_up_to(slacks, error);
        under = ch_bits_up_to(slacks, -error - 1);
    }
    return low != under ? under | settle(self, block, low & ~under) : under;
}

static void find_unfitted(ch_active_set *self)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < self->num_low_blocks; i++) {
        self->low_unfitted[i] = find_in_block(self, self->low_blocks[i], self->low_unfitted[i]);
        all += ch_bits_count(self->low_unfitted[i]);
    }
    self->num_unfitted = all;
}

/* ---- what the engine asks ---- */

uint32_t ch_active_set_num_unfitted(const ch_active_set *self)
{
    return self->num_unfitted;
}

uint32_t ch_active_set_place(const ch_active_set *self, uint32_t rank)
{
    const ch_bits *bits = self->low_unfitted;
    for (uint32_t count = 0; rank >= (count = ch_bits_count(*bits)); bits++) {
        rank -= count;
    }
    return self->low_blocks[bits - self->low_unfitted] * BLOCK + ch_bits_place(*bits, rank);
}

void ch_active_set_list(const ch_active_set *self, uint32_t *places)
{
    uint32_t count = 0;
    for (uint32_t i = 0; count < self->num_unfitted; i++) {
        for (uint64_t bits = ch_bits_in_order(self->low_unfitted[i]); bits != 0; bits &= bits - 1) {
            places[count++] = self->low_blocks[i] * BLOCK + (uint32_t)__builtin_ctzll(bits);
        }
    }
}

void ch_active_set_begin(ch_active_set *self)
{
    measure_student(self);
    ch_gram_make_room(&self->gram);
    reach_out(self);
    refresh(self);
    add_row(self, NULL);
    find_unfitted(self);
}

bool ch_active_set_update(ch_active_set *self, const uint32_t *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        self->rows_added++;
        ch_axpy(self->student->weights, self->temperature, ch_gram_sample(&self->gram, places[i]),
                self->student->stride);
        add_row(self, ch_gram_row(&self->gram, places[i]));
        if (self->rows_added >= REFRESH_ROWS) {
            refresh(self);
        }
    }
    measure_student(self);
    if (!isfinite(self->signal) || !isfinite(self->noise2)) {
        return false;
    }
    if (follow_reach(self) || self->rows_added == 0) {
        add_row(self, NULL);
    }
    find_unfitted(self);
    return true;
}

void ch_active_set_add_work(const ch_active_set *self, ch_fast_work *work)
{
    work->looked += self->computed + self->gram.made;
    work->followed += self->followed;
}
