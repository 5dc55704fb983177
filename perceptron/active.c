/* active.c — the active set: which samples are unfitted, known at every update from bounds on the margins. */
#include "perceptron/active.h"

#include "core/memory.h"
#include "core/snapshot.h"
#include "perceptron/bits.h"
#include "perceptron/gram.h"
#include "perceptron/screening.h"
#include "perceptron/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The bounded samples are chosen for a bound of the screening index that is ROOM times the present one, so that they
 * suffice while the bound grows. They are chosen anew when the present bound times ROOM is smaller than the bound they
 * were chosen for by the factor SHRINK. */
static const double ROOM = 1.05, SHRINK = 1.12;
/* The number of updates between two tests of whether fewer bounded samples would do. */
enum { SHRINK_UPDATES = 64 };
/* All slacks are computed anew after REFRESH_ROWS rows were added. The slacks of a block are computed anew after the
 * margins of REFRESH_RECOMPUTED of its samples had to be computed one at a time, because their slacks were not known
 * well enough. */
enum { REFRESH_ROWS = 4096, REFRESH_RECOMPUTED = 16 };
/* The largest slack_error, in units of T, at which the active set is used. */
static const double MOST_ERROR = 0x1p-9;
/* Samples come in blocks of 64, in the order of their places. The last block may have places beyond the P samples,
 * whose slack is MOST_SLACK and whose entries are 0. */
enum { BLOCK = CH_GRAM_BLOCK };
_Static_assert((int)BLOCK == (int)CH_BITS_PLACES, "a bit for every sample of a block");
/* Slacks are cut off at +-2^30 quanta. Until they are computed anew, at most 2 REFRESH_ROWS rows are added, of at most
 * INT16_MAX < 2^15 each: less than 2^29 in all. So no sum overflows 32 bits, and a slack that was cut off stays further
 * from 0 than MOST_DOUBT. */
static const double MOST_SLACK = 1 << 30;
enum { MOST_DOUBT = 1 << 29 };
_Static_assert((int64_t)(2 * REFRESH_ROWS) * INT16_MAX < MOST_DOUBT, "slacks that are cut off stay far from 0");

struct ch_active_set {
    ch_perceptron *student;
    const ch_screen *screen;
    double temperature; /* T */
    /* bound on the error of an entry, in quanta; a little larger, because it is summed in single precision */
    float entry_error;
    ch_gram gram;    /* its first gram.count places are the bounded samples; owned */
    double bound;    /* the bounded samples suffice while the bound of the screening index is at most this */
    int32_t *slacks; /* [P to whole blocks] in quanta, the first gram.count of them in use; owned */
    float *errors;   /* [blocks] bound on the error of the slacks of a block, in quanta; owned */
    /* [blocks] number of margins computed one at a time since the slacks of the block were computed; owned */
    uint32_t *recomputed;
    /* [blocks + 1] ascending numbers of the blocks in which a slack is not over the error; owned */
    uint32_t *low_blocks;
    ch_bits *low_unfitted; /* [blocks + 1] the unfitted samples of each of them; owned */
    uint32_t num_low_blocks;
    uint32_t num_unfitted;
    size_t rows_added;     /* rows added since all slacks were computed */
    double signal, noise2; /* s and r^2 of the student */
    unsigned updates;      /* updates since the last test of whether fewer bounded samples would do */

    uint64_t computed, added; /* number of margins computed and of entries added since the beginning */
};

ch_active_set *ch_active_set_new(ch_perceptron *student, const ch_screen *screen)
{
    ch_active_set *self = ch_alloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    const size_t room = ch_gram_to_block(screen->num_samples);
    self->student = student;
    self->screen = screen;
    self->temperature = ch_student_temperature(student);
    const bool made = ch_gram_init(&self->gram, student->setup.train, screen, student->setup.threads);
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

/* ---- which samples are bounded ---- */

static void measure_student(ch_active_set *self)
{
    ch_student_measure(self->student, &self->signal, &self->noise2);
}

/* The bound of the screening index at the student's s and r, as they were measured last. */
static double bound_now(const ch_active_set *self)
{
    return ch_screen_bound(self->screen, self->signal, sqrt(self->noise2), self->student->setup.kappa);
}

/* Chooses as bounded the samples that the screening index does not rule out while its bound grows by the factor ROOM.
 */
static void choose_bounded(ch_active_set *self)
{
    self->bound = ROOM * bound_now(self);
    ch_gram_set_count(&self->gram, ch_gram_to_block(ch_screen_count(self->screen, self->bound)));
}

/* Whether every sample with a key of at least `bound` is fitted: s bound - kappa / |z_perp| > r, which is tested by the
 * squares of both sides, without a root. The factor 1 - 2^-19 covers the rounding of keys to single precision, of 2^-24
 * of their size, as the factor in ch_screen_bound does. */
static bool is_within_bound(const ch_active_set *self)
{
    const double least = self->student->setup.kappa / self->screen->least_across;
    const double most = self->bound * self->signal * (1 - 0x1p-19) - least;
    return self->bound == INFINITY || (self->signal > 0 && most > 0 && self->noise2 <= most * most);
}

/* Whether many fewer bounded samples would do. It is tested at every SHRINK_UPDATES-th update. */
static bool has_shrunk(ch_active_set *self)
{
    self->updates = (self->updates + 1) % SHRINK_UPDATES;
    return self->updates == 0 && bound_now(self) * ROOM * SHRINK < self->bound;
}

size_t ch_active_set_most_rows(const ch_active_set *self, size_t count)
{
    return ch_gram_most_rows(&self->gram, count);
}

bool ch_active_set_is_packed(const ch_active_set *self, size_t count)
{
    return count <= ch_gram_most_packed(&self->gram);
}

/* ---- slacks ---- */

/* The margin of the sample at a place, in double. Its bits are those of ch_student_margin. */
static double exact_margin(const ch_active_set *self, size_t place)
{
    return ch_dot(ch_gram_sample(&self->gram, place), self->student->weights, self->student->stride);
}

/* Bound on the error of a slack that was just computed from the weights, in quanta, of two parts:
 *   1/2                                      the slack is rounded to a whole number of quanta;
 *   2^-53 x 2 (stride / 16 + 8) x (|w| max |z| + kappa) / (T quantum)
 *                                            m - kappa is computed in double (ch_dot); twice, since the margin that
 *                                            decides later is computed too, with as large an error. */
static double slack_error(const ch_active_set *self)
{
    const double sums = 2 * ((double)self->student->stride / CH_ROW_LANES + 8);
    const double whole =
        (fabs(self->signal) + sqrt(self->noise2)) * self->screen->most_norm + self->student->setup.kappa;
    return 0.5 + 0x1p-53 * sums * whole / (self->temperature * self->gram.quantum);
}

bool ch_active_set_is_precise(const ch_active_set *self)
{
    ch_active_set now = *self;
    measure_student(&now);
    return slack_error(&now) * now.gram.quantum < MOST_ERROR;
}

/* A slack that is rounded to whole quanta and cut off at +-MOST_SLACK. NaN becomes the least slack, which is that of an
 * unfitted sample. */
static int32_t in_quanta(double slack)
{
    if (!(slack > -MOST_SLACK)) {
        return (int32_t)-MOST_SLACK;
    }
    return slack < MOST_SLACK ? (int32_t)lrint(slack) : (int32_t)MOST_SLACK;
}

/* The slack of a place, computed from the weights. A place beyond the P samples has the largest slack.
 * @param scale  1 / (T quantum) */
static int32_t exact_slack(const ch_active_set *self, size_t place, double scale)
{
    const double kappa = self->student->setup.kappa;
    return in_quanta(place < self->screen->num_samples ? scale * (exact_margin(self, place) - kappa) : INFINITY);
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

/* Computes the slacks from place `from` to place `to` from the weights. Both are at borders of blocks. */
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

/* Computes all slacks from the weights. */
static void refresh(ch_active_set *self)
{
    measure_student(self);
    compute_slacks(self, 0, self->gram.count);
    self->rows_added = 0;
}

/* Chooses more or fewer bounded samples where the student has moved far enough.
 * @return whether it did */
static bool adapt_bounded(ch_active_set *self)
{
    if (is_within_bound(self) && !has_shrunk(self)) {
        return false;
    }
    const size_t before = self->gram.count;
    choose_bounded(self);
    if (self->gram.count > before) {
        compute_slacks(self, before, self->gram.count);
    }
    return true;
}

/* ---- the unfitted ---- */

/* The smallest whole number of quanta that is more than the error. A sample whose slack is at most this may be
 * unfitted, and one whose slack is under minus this is unfitted. */
static inline int32_t doubt(float error)
{
    return error < MOST_DOUBT ? (int32_t)error + 1 : MOST_DOUBT;
}

/* slacks += row over one block.
 * @param row  [BLOCK / 2] pairs of entries, as ch_gram_row has them
 * @return the places whose new slack is at most `most` */
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

/* Adds a row of the Gram matrix to the slacks of all blocks, and lists the low blocks: those with samples that may be
 * unfitted. The bits of these samples are left in low_unfitted.
 * @param row  NULL: nothing is added, and the blocks are listed only */
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
    self->added += row != NULL ? self->gram.count : 0;
}

/* The unfitted ones among the doubtful samples of a block. Their margins are computed in double. */
static ch_bits decide(ch_active_set *self, size_t block, ch_bits doubtful)
{
    ch_bits unfitted = 0;
    for (; doubtful != 0; doubtful &= doubtful - 1) {
        const size_t place = block * BLOCK + ch_bits_first(doubtful);
        if (ch_is_unfitted(exact_margin(self, place), self->student->setup.kappa)) {
            unfitted |= doubtful & -doubtful;
        }
        self->recomputed[block]++;
    }
    return unfitted;
}

/* The unfitted samples of a block.
 * @param low  the samples of the block that may be unfitted */
static ch_bits find_in_block(ch_active_set *self, size_t block, ch_bits low)
{
    const int32_t *slacks = self->slacks + block * BLOCK;
    int32_t error = doubt(self->errors[block]);
    ch_bits under = ch_bits_up_to(slacks, -error - 1); /* these samples are surely unfitted */
    if (low != under && self->recomputed[block] >= REFRESH_RECOMPUTED) {
        compute_slacks(self, block * BLOCK, (block + 1) * BLOCK);
        error = doubt(self->errors[block]);
        low = ch_bits_up_to(slacks, error);
        under = ch_bits_up_to(slacks, -error - 1);
    }
    return low != under ? under | decide(self, block, low & ~under) : under;
}

/* Finds the unfitted samples of the low blocks. The other blocks have none. */
static void find_unfitted(ch_active_set *self)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < self->num_low_blocks; i++) {
        self->low_unfitted[i] = find_in_block(self, self->low_blocks[i], self->low_unfitted[i]);
        all += ch_bits_count(self->low_unfitted[i]);
    }
    self->num_unfitted = all;
}

/* ---- for the engine ---- */

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

/* The index in low_blocks of the first block from `block` on. */
static uint32_t find_low_block(const ch_active_set *self, uint32_t block)
{
    uint32_t from = 0, to = self->num_low_blocks;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (self->low_blocks[middle] < block) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

bool ch_active_set_is_unfitted(const ch_active_set *self, uint32_t place)
{
    const uint32_t block = place / BLOCK, i = find_low_block(self, block);
    return i < self->num_low_blocks && self->low_blocks[i] == block &&
           ch_bits_has(self->low_unfitted[i], place % BLOCK);
}

uint32_t ch_active_set_list_new(const ch_active_set *self, uint64_t *known, uint32_t *places)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->num_low_blocks; i++) {
        const uint32_t block = self->low_blocks[i];
        ch_bits new = self->low_unfitted[i] & ~known[block];
        known[block] |= new;
        for (; new != 0; new &= new - 1) {
            places[count++] = block * BLOCK + ch_bits_first(new);
        }
    }
    return count;
}

void ch_active_set_begin(ch_active_set *self)
{
    measure_student(self);
    ch_gram_make_room(&self->gram);
    choose_bounded(self);
    refresh(self);
    add_row(self, NULL);
    find_unfitted(self);
}

/* Counts the unfitted samples from their bits.
 * @return false where the low blocks do not ascend, or where a bit belongs to no sample */
static bool count_unfitted(ch_active_set *self)
{
    self->num_unfitted = 0;
    for (uint32_t i = 0; i < self->num_low_blocks; i++) {
        const size_t first = (size_t)self->low_blocks[i] * BLOCK, left = self->screen->num_samples - first;
        const uint64_t bits = ch_bits_in_order(self->low_unfitted[i]);
        if ((i > 0 && self->low_blocks[i] <= self->low_blocks[i - 1]) || (left < BLOCK && bits >> left != 0)) {
            return false;
        }
        self->num_unfitted += ch_bits_count(self->low_unfitted[i]);
    }
    return true;
}

void ch_active_set_exchange(ch_active_set *self, ch_snapshot *snapshot)
{
    size_t count = self->gram.count;
    ch_snapshot_begin(snapshot, "bounded");
    ch_snapshot_count(snapshot, &count, ch_gram_to_block(self->screen->num_samples));
    ch_snapshot_require(snapshot, count % BLOCK == 0);
    if (ch_snapshot_reads(snapshot) && !snapshot->is_bad) {
        ch_gram_make_room(&self->gram);
        ch_gram_set_count(&self->gram, count);
    }
    const size_t blocks = self->gram.count / BLOCK;
    ch_snapshot_array(snapshot, self->slacks, self->gram.count, sizeof *self->slacks);
    ch_snapshot_array(snapshot, self->errors, blocks, sizeof *self->errors);
    ch_snapshot_array(snapshot, self->recomputed, blocks, sizeof *self->recomputed);
    ch_snapshot_count32(snapshot, &self->num_low_blocks, (uint32_t)blocks);
    ch_snapshot_indices(snapshot, self->low_blocks, self->num_low_blocks, (uint32_t)blocks);
    ch_snapshot_array(snapshot, self->low_unfitted, self->num_low_blocks, sizeof *self->low_unfitted);
    ch_snapshot_count(snapshot, &self->rows_added, (size_t)REFRESH_ROWS);
    CH_SNAPSHOT_NUMBER(snapshot, self->bound);
    CH_SNAPSHOT_NUMBER(snapshot, self->signal);
    CH_SNAPSHOT_NUMBER(snapshot, self->noise2);
    CH_SNAPSHOT_NUMBER(snapshot, self->updates);
    CH_SNAPSHOT_NUMBER(snapshot, self->computed);
    CH_SNAPSHOT_NUMBER(snapshot, self->added);
    CH_SNAPSHOT_NUMBER(snapshot, self->gram.made);
    ch_snapshot_end(snapshot);
    ch_snapshot_require(snapshot, snapshot->is_bad || count_unfitted(self));
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
    if (adapt_bounded(self) || self->rows_added == 0) {
        add_row(self, NULL);
    }
    find_unfitted(self);
    return true;
}

void ch_active_set_add_work(const ch_active_set *self, ch_fast_work *work)
{
    work->looked += self->computed + self->gram.made;
    work->bounded += self->added;
}
