/* active.c — the margins of all samples within reach of the noise, and which of them are unfitted. */
#include "perceptron/active.h"

#include "perceptron/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for the reach to grow before more samples have to be taken in, and what it shrinks by before some are let go. */
static const double ROOM = 1.2, SHRINK = 1.5;
/* Slacks are computed anew after so many rows, or once margins computed again, one at a time and more with each row's
 * error, have cost as much as that. */
enum { REFRESH_ROWS = 4096, RECOMPUTED_SHARE = 2 };
/* Most that a slack just computed may be off by, in units of T. */
static const double MOST_ERROR = 0x1p-9;
/* Largest memory for rows of the Gram matrix, in entries. */
enum { MOST_ENTRIES = 1 << 23 };
/* Slacks summed up and looked at in one go. Samples are taken in by whole blocks; what the last block has beyond the P
 * samples is infinitely far from unfitted. */
enum { BLOCK = 64 };
/* Least entries from row to row. */
enum { LEAST_ROW = BLOCK };
/* Largest entry of a row, and slack beyond which it is kept as that: more quanta than all rows until slacks are
 * computed anew can add, so that a slack kept as less than it is stays far from 0 and no sum overflows. */
static const double MOST_ENTRY = INT16_MAX, MOST_SLACK = 1 << 30;
_Static_assert((int64_t)(2 * REFRESH_ROWS) * INT16_MAX < 1 << 29, "slacks beyond MOST_SLACK stay far from 0");
/* Rows are kept together while they are at most this part of the set. */
enum { PACKED_SHARE = 8 };
/* Operations that are worth a second thread. */
static const double WORTH_THREADS = 1 << 20;

struct ch_active_set {
    ch_perceptron *student;
    const ch_reach *reach;
    double bound;  /* keys under it are taken in */
    size_t count;  /* samples taken in, the first of reach->order, to a whole block */
    float *packed; /* [most_packed][stride] rows of the first `num_packed` places, one after the other */
    size_t num_packed, most_packed;
    double quantum;         /* of slacks and entries, in units of T */
    double entry_error;     /* of a row's entry, in quanta */
    int32_t *slacks;        /* [P to a whole block] in quanta, the first `count` in use */
    unsigned char *marks;   /* [P to a whole block] 1 for an unfitted sample, 0 for others; in low blocks */
    uint32_t *low_blocks;   /* [blocks] those with a slack not over the error, ascending */
    uint32_t *low_unfitted; /* [blocks] unfitted samples in each of them */
    uint32_t num_low_blocks;
    uint32_t num_unfitted;
    double error;      /* bound on the slacks' error, in quanta */
    size_t rows_added; /* since the slacks were computed */
    size_t recomputed; /* margins computed again, since the slacks were computed */
    double signal, noise;

    /* rows of the Gram matrix, made at first use: all share one slab, which is emptied when it is full */
    int16_t *slab;    /* [slab_size] in quanta */
    size_t slab_size; /* entries */
    size_t row_room;  /* entries from row to row */
    size_t num_rows;  /* rows in the slab */
    uint32_t *row_of; /* [P] row of a place, plus 1; 0 when there is none; the first `num_places` in use */
    size_t num_places;
    uint32_t *row_place; /* [slab_size / LEAST_ROW] place of a row */
    uint32_t *row_count; /* [slab_size / LEAST_ROW] entries of a row that are made */

    uint64_t looked, followed; /* as in ch_fast_work */
};

static size_t to_block(size_t count)
{
    return (count + BLOCK - 1) / BLOCK * BLOCK;
}

/* What a row's entry is off by, in quanta: half a quantum, what a sum in single precision is off by, and what the
 * margin computed again in double is off by for having moved by as much. */
static double entry_error(size_t stride)
{
    const double sums = (double)stride / CH_ROW_LANES + 8;
    return 0.5 + (0x1p-24 + 0x1p-52) * sums * MOST_ENTRY;
}

ch_active_set *ch_active_set_new(ch_perceptron *student, const ch_reach *reach)
{
    ch_active_set *self = ch_alloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    const size_t num_samples = reach->num_samples;
    const size_t square = num_samples < MOST_ENTRIES / num_samples ? num_samples * num_samples : MOST_ENTRIES;
    self->student = student;
    self->reach = reach;
    self->slab_size = to_block(square > num_samples ? square : num_samples) + LEAST_ROW;
    const size_t most_rows = self->slab_size / LEAST_ROW;
    self->quantum = reach->most_norm * reach->most_norm / MOST_ENTRY * (1 + 0x1p-10); /* room for rounding */
    self->entry_error = entry_error(student->stride);
    /* not set: most runs write a small part of them only */
    self->most_packed = num_samples / PACKED_SHARE + 1;
    self->packed = ch_alloc_unset(self->most_packed * student->stride, sizeof *self->packed);
    self->slacks = ch_alloc_unset(to_block(num_samples), sizeof *self->slacks);
    self->marks = ch_alloc_unset(to_block(num_samples), sizeof *self->marks);
    self->low_blocks = ch_alloc_unset(num_samples / BLOCK + 1, sizeof *self->low_blocks);
    self->low_unfitted = ch_alloc_unset(num_samples / BLOCK + 1, sizeof *self->low_unfitted);
    self->slab = ch_alloc_unset(self->slab_size, sizeof *self->slab);
    self->row_of = ch_alloc_unset(num_samples, sizeof *self->row_of);
    self->row_place = ch_alloc_unset(most_rows, sizeof *self->row_place);
    self->row_count = ch_alloc_unset(most_rows, sizeof *self->row_count);
    if (self->packed == NULL || self->slacks == NULL || self->marks == NULL || self->low_blocks == NULL ||
        self->low_unfitted == NULL || self->slab == NULL || self->row_of == NULL || self->row_place == NULL ||
        self->row_count == NULL) {
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
    free(self->packed);
    free(self->slacks);
    free(self->marks);
    free(self->low_blocks);
    free(self->low_unfitted);
    free(self->slab);
    free(self->row_of);
    free(self->row_place);
    free(self->row_count);
    free(self);
}

static const float *row_of_place(const ch_active_set *self, size_t place)
{
    if (place < self->num_packed) {
        return self->packed + place * self->student->stride;
    }
    return ch_sample_set_row(self->student->setup.train, self->reach->order[place]);
}

/* m - kappa in double, as the plain engine has it */
static double exact_excess(const ch_active_set *self, size_t place)
{
    const ch_perceptron *student = self->student;
    return ch_dot(row_of_place(self, place), student->weights, student->stride) - student->setup.kappa;
}

/* ---- errors, in quanta ---- */

/* Of a slack computed from the weights, and once more when computed again: half a quantum, and twice the double's own
 * sums of d / 16 numbers and some more, 2^-53 each of |w| |z|. */
static double slack_error(const ch_active_set *self)
{
    const double sums = 2 * ((double)self->student->stride / CH_ROW_LANES + 8);
    const double whole = (fabs(self->signal) + self->noise) * self->reach->most_norm + self->student->setup.kappa;
    return 0.5 + 0x1p-53 * sums * whole / (ch_student_temperature(self->student) * self->quantum);
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
    return slack_error(&now) * now.quantum < MOST_ERROR;
}

/* ---- slacks ---- */

static int32_t in_quanta(double slack)
{
    if (!(slack > -MOST_SLACK)) { /* NaN is as far under 0 as can be */
        return (int32_t)-MOST_SLACK;
    }
    return slack < MOST_SLACK ? (int32_t)lrint(slack) : (int32_t)MOST_SLACK;
}

static bool is_worth_threads(const ch_active_set *self, size_t count)
{
    return self->student->setup.threads > 1 && (double)count * (double)self->student->stride > WORTH_THREADS;
}

static int32_t exact_slack(const ch_active_set *self, size_t place, double scale)
{
    return in_quanta(place < self->reach->num_samples ? scale * exact_excess(self, place) : INFINITY);
}

static void compute_slacks(ch_active_set *self, size_t from, size_t to)
{
    const double scale = 1 / (ch_student_temperature(self->student) * self->quantum);
    self->looked += to - from;
    if (is_worth_threads(self, to - from)) {
#pragma omp parallel for schedule(static) num_threads(self->student->setup.threads)
        for (size_t k = from; k < to; k++) {
            self->slacks[k] = exact_slack(self, k, scale);
        }
        return;
    }
    for (size_t k = from; k < to; k++) {
        self->slacks[k] = exact_slack(self, k, scale);
    }
}

static void refresh(ch_active_set *self)
{
    compute_slacks(self, 0, self->count);
    self->error = slack_error(self);
    self->rows_added = self->recomputed = 0;
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

/* Places taken in for the first time: their samples are put beside the others, and they have no row of the Gram matrix.
 */
static void prepare_places(ch_active_set *self)
{
    const size_t stride = self->student->stride;
    const size_t last = self->count < self->reach->num_samples ? self->count : self->reach->num_samples;
    while (self->num_packed < last && self->num_packed < self->most_packed) {
        float *row = self->packed + self->num_packed * stride;
        memcpy(row, row_of_place(self, self->num_packed), stride * sizeof *row);
        self->num_packed++;
    }
    for (; self->num_places < last; self->num_places++) {
        self->row_of[self->num_places] = 0;
    }
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
        prepare_places(self);
        compute_slacks(self, before, self->count);
        self->error = fmax(self->error, slack_error(self));
    }
    if (self->count > self->row_room) {
        forget_rows(self);
    }
    return true;
}

/* ---- rows of the Gram matrix ---- */

static inline int16_t make_entry(const ch_active_set *self, const float *sample, size_t place, float scale)
{
    if (place >= self->reach->num_samples) {
        return 0;
    }
    return (int16_t)lrintf(scale * ch_dot_single(row_of_place(self, place), sample, self->student->stride));
}

static void make_entries(ch_active_set *self, int16_t *entries, const float *sample, size_t from, size_t to)
{
    const float scale = (float)(1 / self->quantum);
    self->looked += to - from;
    if (is_worth_threads(self, to - from)) {
#pragma omp parallel for schedule(static) num_threads(self->student->setup.threads)
        for (size_t k = from; k < to; k++) {
            entries[k] = make_entry(self, sample, k, scale);
        }
        return;
    }
    for (size_t k = from; k < to; k++) {
        entries[k] = make_entry(self, sample, k, scale);
    }
}

/* Row of a place, made as far as `count`. */
static const int16_t *gram_row(ch_active_set *self, uint32_t place)
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
    int16_t *entries = self->slab + row * self->row_room;
    if (self->row_count[row] < self->count) {
        make_entries(self, entries, row_of_place(self, place), self->row_count[row], self->count);
        self->row_count[row] = (uint32_t)self->count;
    }
    return entries;
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
    for (size_t k = 0; k < self->count; k += BLOCK) {
        const int32_t least = row != NULL ? add_block(self->slacks + k, row + k) : least_of_block(self->slacks + k);
        self->low_blocks[count] = (uint32_t)(k / BLOCK);
        count += least <= error;
    }
    self->num_low_blocks = count;
    self->followed += row != NULL ? self->count : 0;
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
    reach_out(self);
    forget_rows(self);
    prepare_places(self);
    refresh(self);
    add_row(self, NULL);
    find_unfitted(self);
}

bool ch_active_set_update(ch_active_set *self, const uint32_t *places, uint32_t count)
{
    const double temperature = ch_student_temperature(self->student);
    for (uint32_t i = 0; i < count; i++) {
        self->error += self->entry_error;
        self->rows_added++;
        add_row(self, gram_row(self, places[i]));
        ch_axpy(self->student->weights, temperature, row_of_place(self, places[i]), self->student->stride);
        if (self->rows_added >= REFRESH_ROWS || self->recomputed > self->count / RECOMPUTED_SHARE) {
            refresh(self);
        }
    }
    measure_student(self);
    if (!isfinite(self->signal) || !isfinite(self->noise)) {
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
    work->looked += self->looked;
    work->followed += self->followed;
}
