/* active.c — the margins of all samples within reach of the noise, and which of them are unfitted. */
#include "perceptron/active.h"

#include "perceptron/gram.h"
#include "perceptron/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for the reach to grow before more samples have to be taken in, and what it shrinks by before some are let go. */
static const double ROOM = 1.1, SHRINK = 1.25;
/* Updates between two looks whether it has shrunk. */
enum { SHRINK_UPDATES = 64 };
/* Slacks are computed anew after so many rows, or once margins computed again, one at a time and more with each row's
 * error, have cost as much as that. */
enum { REFRESH_ROWS = 4096, RECOMPUTED_SHARE = 4 };
/* Most that a slack just computed may be off by, in units of T. */
static const double MOST_ERROR = 0x1p-9;
/* Slacks summed up and looked at in one go. Samples are taken in by whole blocks; what the last block has beyond the P
 * samples is infinitely far from unfitted. */
enum { BLOCK = CH_GRAM_BLOCK };
/* Slack beyond which it is kept as that: more quanta than all rows until slacks are computed anew can add, so that a
 * slack kept as less than it is stays far from 0 and no sum overflows. */
static const double MOST_SLACK = 1 << 30;
_Static_assert((int64_t)(2 * REFRESH_ROWS) * INT16_MAX < 1 << 29, "slacks beyond MOST_SLACK stay far from 0");

struct ch_active_set {
    ch_perceptron *student;
    const ch_reach *reach;
    double temperature;     /* T */
    ch_gram gram;           /* of the samples taken in, the first gram.count of reach->order; owned */
    double bound;           /* keys under it are taken in */
    int32_t *slacks;        /* [P to a whole block] in quanta, the first `count` in use */
    unsigned char *marks;   /* [P to a whole block] 1 for an unfitted sample, 0 for others; in low blocks */
    uint32_t *low_blocks;   /* [blocks] those with a slack not over the error, ascending */
    uint32_t *low_unfitted; /* [blocks] unfitted samples in each of them */
    uint32_t num_low_blocks;
    uint32_t num_unfitted;
    double error;          /* bound on the slacks' error, in quanta */
    size_t rows_added;     /* since the slacks were computed */
    size_t recomputed;     /* margins computed again, since the slacks were computed */
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
    self->slacks = ch_alloc_unset(room, sizeof *self->slacks);
    self->marks = ch_alloc_unset(room, sizeof *self->marks);
    self->low_blocks = ch_alloc_unset(room / BLOCK + 1, sizeof *self->low_blocks);
    self->low_unfitted = ch_alloc_unset(room / BLOCK + 1, sizeof *self->low_unfitted);
    if (!made || self->slacks == NULL || self->marks == NULL || self->low_blocks == NULL ||
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
    free(self->marks);
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

static void compute_slacks(ch_active_set *self, size_t from, size_t to)
{
    const double scale = 1 / (self->temperature * self->gram.quantum);
    const int threads = ch_threads_worth(self->student->setup.threads, to - from, self->student->stride);
    self->computed += to - from;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t k = from; k < to; k++) {
        self->slacks[k] = exact_slack(self, k, scale);
    }
}

static void refresh(ch_active_set *self)
{
    measure_student(self);
    compute_slacks(self, 0, self->gram.count);
    self->error = slack_error(self);
    self->rows_added = self->recomputed = 0;
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
        self->error = fmax(self->error, slack_error(self));
    }
    return true;
}

/* ---- the unfitted ---- */

/* Slacks up to this one may be of unfitted samples; those under its opposite are. */
static int32_t doubt(const ch_active_set *self)
{
    return (int32_t)fmin(ceil(self->error), MOST_SLACK / 2);
}

/* slacks += row, over one block; returns the least. */
static inline int32_t add_block(int32_t *restrict slacks, const int16_t *restrict row)
{
    int32_t least = INT32_MAX;
    for (size_t i = 0; i < BLOCK; i++) {
        slacks[i] += row[i];
        least = slacks[i] < least ? slacks[i] : least;
    }
    return least;
}

static inline int32_t least_of_block(const int32_t *slacks)
{
    int32_t least = INT32_MAX;
    for (size_t i = 0; i < BLOCK; i++) {
        least = slacks[i] < least ? slacks[i] : least;
    }
    return least;
}

/* slacks += row, and notes which blocks are low then; with no row, only that. */
static void add_row(ch_active_set *self, const int16_t *row)
{
    const int32_t error = doubt(self);
    uint32_t count = 0;
    for (size_t k = 0; k < self->gram.count; k += BLOCK) {
        const int32_t least = row != NULL ? add_block(self->slacks + k, row + k) : least_of_block(self->slacks + k);
        self->low_blocks[count] = (uint32_t)(k / BLOCK);
        count += least <= error;
    }
    self->num_low_blocks = count;
    self->followed += row != NULL ? self->gram.count : 0;
}

/* Marks the slacks of a block: 1 under -error, 2 up to error, else 0. Returns the number of the first, and in
 * `doubtful` that of the second kind. */
static inline uint32_t mark_block(const int32_t *restrict slacks, int32_t error, unsigned char *restrict marks,
                                  uint32_t *doubtful)
{
    uint32_t under = 0, low = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        const uint32_t is_low = slacks[i] <= error, is_under = slacks[i] < -error;
        marks[i] = (unsigned char)(2 * is_low - is_under);
        under += is_under;
        low += is_low;
    }
    *doubtful = low - under;
    return under;
}

/* Margins within the error of kappa are computed again. Returns the number of unfitted samples among them. */
static uint32_t settle_block(ch_active_set *self, size_t first)
{
    uint32_t count = 0;
    for (size_t eight = first; eight < first + BLOCK; eight += 8) {
        uint64_t marks = 0;
        memcpy(&marks, self->marks + eight, sizeof marks);
        for (size_t k = eight; k < eight + 8 && (marks & UINT64_C(0x0202020202020202)) != 0; k++) {
            if (self->marks[k] == 2) {
                self->marks[k] = !(exact_excess(self, k) >= 0);
                self->recomputed++;
                count += self->marks[k];
            }
        }
    }
    return count;
}

static void find_unfitted(ch_active_set *self)
{
    const int32_t error = doubt(self);
    uint32_t all = 0;
    for (uint32_t i = 0; i < self->num_low_blocks; i++) {
        const size_t first = (size_t)self->low_blocks[i] * BLOCK;
        uint32_t doubtful = 0;
        uint32_t count = mark_block(self->slacks + first, error, self->marks + first, &doubtful);
        count += doubtful > 0 ? settle_block(self, first) : 0;
        self->low_unfitted[i] = count;
        all += count;
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
    const uint32_t *count = self->low_unfitted;
    while (rank >= *count) {
        rank -= *count++;
    }
    size_t place = (size_t)self->low_blocks[count - self->low_unfitted] * BLOCK;
    while (rank + 1 > self->marks[place]) {
        rank -= self->marks[place++];
    }
    return (uint32_t)place;
}

void ch_active_set_list(const ch_active_set *self, uint32_t *places)
{
    uint32_t count = 0;
    for (uint32_t i = 0; count < self->num_unfitted; i++) {
        const size_t first = (size_t)self->low_blocks[i] * BLOCK;
        for (size_t k = first; k < first + BLOCK; k++) {
            if (self->marks[k] != 0) {
                places[count++] = (uint32_t)k;
            }
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
        self->error += self->gram.entry_error;
        self->rows_added++;
        add_row(self, ch_gram_row(&self->gram, places[i]));
        ch_axpy(self->student->weights, self->temperature, ch_gram_sample(&self->gram, places[i]),
                self->student->stride);
        if (self->rows_added >= REFRESH_ROWS || self->recomputed > self->gram.count / RECOMPUTED_SHARE) {
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
