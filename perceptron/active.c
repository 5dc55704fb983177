/* active.c — the active set: which samples are unfitted, known at every update from bounds on the margins. */
#include "perceptron/active.h"

#include "core/memory.h"
#include "core/snapshot.h"
#include "core/waiting.h"
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
/* All slacks are computed anew after REFRESH_ROWS rows were added, or when the margins of one in REFRESH_SHARE of the
 * bounded samples had to be computed one at a time, because their slacks were not known well enough. */
enum { REFRESH_ROWS = 4096, REFRESH_SHARE = 4 };
/* The largest slack_error, in units of T, at which the active set is used. */
static const double MOST_ERROR = 0x1p-9;
/* Samples come in blocks of 64, in the order of their places. The last block may have places beyond the P samples,
 * whose slack is MOST_SLACK and whose entries are 0. */
enum { BLOCK = CH_GRAM_BLOCK };
_Static_assert((int)BLOCK == (int)CH_BITS_PLACES, "a bit for every sample of a block");
/* Slacks are cut off at +-2^30 quanta when they are computed from the weights. They are computed anew before the
 * student has moved so far that one of them could have changed by more than MOST_DRIFT, rounding included, or by 2^29
 * with its errors. So no sum overflows 32 bits, and a slack that was cut off stays further from 0 than MOST_DOUBT. */
static const double MOST_SLACK = 1 << 30;
enum { MOST_DOUBT = 1 << 29, MOST_DRIFT = MOST_DOUBT - (1 << 27) };
/* The quantum by which the choice of the stage measures the error of a slack, as a share of the largest |z|^2. Results
 * depend on that choice, so that it stays as it was when entries had 16 bits. */
static const double ASSUMED_QUANTUM = (1 + 0x1p-10) / INT16_MAX;

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
    self->kappa_across = student->setup.kappa / screen->least_across;
    bool made = ch_gram_init(&self->gram, student->setup.train, screen, student->setup.threads);
    made = ch_near_init(&self->near, student->setup.train) && made;
    self->slacks = ch_alloc_unset(room, sizeof *self->slacks);
    self->low_blocks = ch_alloc_unset(room / BLOCK + 1, sizeof *self->low_blocks);
    self->low_unfitted = ch_alloc_unset(room / BLOCK + 1, sizeof *self->low_unfitted);
    self->doubtful = ch_alloc_unset(room / BLOCK + 1, sizeof *self->doubtful);
    self->reference = ch_alloc_unset(student->stride, sizeof *self->reference);
    if (!made || self->slacks == NULL || self->low_blocks == NULL || self->low_unfitted == NULL ||
        self->doubtful == NULL || self->reference == NULL) {
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
    ch_near_free(&self->near);
    free(self->slacks);
    free(self->low_blocks);
    free(self->low_unfitted);
    free(self->doubtful);
    free(self->reference);
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
static inline bool is_within_bound(const ch_active_set *self)
{
    const double most = self->bound * self->signal * (1 - 0x1p-19) - self->kappa_across;
    return self->bound == INFINITY || (self->signal > 0 && most > 0 && self->noise2 <= most * most);
}

/* Whether many fewer bounded samples would be enough. It is tested at every SHRINK_UPDATES-th update. */
static inline bool has_shrunk(ch_active_set *self)
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

/* The number of slacks, in whole blocks, and the place of one of them. */
static inline size_t num_slacks(const ch_active_set *self)
{
    return self->near.is_used ? self->near.count : self->gram.count;
}
static inline size_t place_of(const ch_active_set *self, size_t index)
{
    return self->near.is_used ? self->near.places[index] : index;
}

/* Whether an index is that of a sample, and not beyond the last one. */
static inline bool is_sample(const ch_active_set *self, size_t index)
{
    return index < (self->near.is_used ? self->near.num : self->screen->num_samples);
}

/* The margin of the sample at a place, in double. Its bits are those of ch_student_margin. */
static double exact_margin(const ch_active_set *self, size_t place)
{
    return ch_dot(ch_gram_sample(&self->gram, place), self->student->weights, self->student->stride);
}

/* Bound on the error of a slack that was just computed from the weights, in quanta of the given size, of two parts:
 *   1/2                                      the slack is rounded to a whole number of quanta;
 *   2^-53 x 2 (stride / 16 + 8) x (|w| max |z| + kappa) / (T quantum)
 *                                            m - kappa is computed in double (ch_dot); twice, since the margin that
 *                                            decides later is computed too, with as large an error. */
static double slack_error(const ch_active_set *self, double quantum)
{
    const double sums = 2 * ((double)self->student->stride / CH_ROW_LANES + 8);
    const double whole =
        (fabs(self->signal) + sqrt(self->noise2)) * self->screen->most_norm + self->student->setup.kappa;
    return 0.5 + 0x1p-53 * sums * whole / (self->temperature * quantum);
}

bool ch_active_set_is_precise(const ch_active_set *self)
{
    ch_active_set now = *self;
    measure_student(&now);
    const double quantum = now.screen->most_norm * now.screen->most_norm * ASSUMED_QUANTUM;
    return slack_error(&now, quantum) * quantum < MOST_ERROR;
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

/* The slack of an index, computed from the weights. An index beyond the samples has the largest slack.
 * @param scale  1 / (T quantum) */
static int32_t exact_slack(const ch_active_set *self, size_t index, double scale)
{
    const double kappa = self->student->setup.kappa;
    return in_quanta(is_sample(self, index) ? scale * (exact_margin(self, place_of(self, index)) - kappa) : INFINITY);
}

/* Computes the slacks from index `from` to index `to` from the weights. */
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

/* Computes all slacks from the weights. */
static void refresh(ch_active_set *self)
{
    measure_student(self);
    compute_slacks(self, 0, num_slacks(self));
    memcpy(self->reference, self->student->weights, self->student->stride * sizeof *self->reference);
    self->error = slack_error(self, self->gram.quantum);
    self->rows_added = 0;
    self->rows_left = MOST_DRIFT / CH_GRAM_MOST;
    self->recomputed = 0;
}

/* Finds by how much slacks may have changed since all were computed, from the distance that the student has moved, and
 * so how many rows may be added before the next such test. All slacks are computed anew where not one more may be.
 * @return whether they were */
static bool limit_drift(ch_active_set *self)
{
    const double moved = sqrt(ch_distance2(self->student->weights, self->reference, self->student->stride));
    const double drift = moved * self->screen->most_norm / (self->temperature * self->gram.quantum);
    const double left = (MOST_DRIFT - drift) / CH_GRAM_MOST;
    if (!(left >= 1) || self->rows_added >= REFRESH_ROWS) {
        refresh(self);
        return true;
    }
    const size_t rows = REFRESH_ROWS - self->rows_added;
    self->rows_left = left < (double)rows ? (size_t)left : rows;
    return false;
}

/* Chooses anew which samples are bounded, and which of them are near. */
static void choose_near(ch_active_set *self)
{
    const ch_perceptron *student = self->student;
    measure_student(self);
    choose_bounded(self);
    ch_near_choose(&self->near, &self->gram, student->weights, self->signal, self->temperature, student->setup.kappa);
    refresh(self);
}

/* Chooses the bounded samples anew, and the near ones among them, where the student has moved far enough. With large
 * batches there are no lists of near samples: gram.count decides there when another stage is tried, and must not depend
 * on lists, which end when a state of the run is written.
 * @return whether it chose anew */
static inline bool adapt_bounded(ch_active_set *self)
{
    if (self->student->setup.batch < CH_WAITING_LARGE_BATCH &&
        ch_near_is_due(&self->near, self->student->weights, self->signal, self->student->stride)) {
        choose_near(self);
        return true;
    }
    if (self->near.is_used || (is_within_bound(self) && !has_shrunk(self))) {
        return false;
    }
    const size_t before = self->gram.count;
    choose_bounded(self);
    if (self->gram.count > before) {
        compute_slacks(self, before, self->gram.count);
        self->error = fmax(self->error, slack_error(self, self->gram.quantum));
    }
    return true;
}

/* ---- the unfitted ---- */

/* The smallest whole number of quanta that is more than the error. A sample whose slack is further from 0 is fitted or
 * unfitted, as its sign says. */
static inline int32_t doubt(double error)
{
    return error < MOST_DOUBT ? (int32_t)error + 1 : MOST_DOUBT;
}

/* The low blocks, and the number of unfitted samples in them, are listed one block after the other. No branch depends
 * on what is found. */
typedef struct {
    uint32_t *blocks, *doubtful; /* the lists of the active set */
    ch_bits *unfitted;
    uint32_t num_blocks, num_doubtful, num_unfitted;
} block_list;

static inline block_list begin_list(const ch_active_set *self)
{
    return (block_list){.blocks = self->low_blocks, .doubtful = self->doubtful, .unfitted = self->low_unfitted};
}

static inline void list_block(block_list *list, size_t block, ch_bits_found found)
{
    list->blocks[list->num_blocks] = (uint32_t)block;
    list->unfitted[list->num_blocks] = found.negative;
    list->doubtful[list->num_doubtful] = list->num_blocks;
    list->num_doubtful += found.is_near;
    list->num_blocks += (found.negative != 0) | found.is_near;
    list->num_unfitted += ch_bits_count(found.negative);
}

static inline void end_list(ch_active_set *self, const block_list *list)
{
    self->num_low_blocks = list->num_blocks;
    self->num_doubtful = list->num_doubtful;
    self->num_unfitted = list->num_unfitted;
}

/* Adds a row of the Gram matrix to the slacks of all blocks, and lists the blocks. */
static inline void add_row(ch_active_set *self, const int32_t *row)
{
    self->error += self->gram.entry_error;
    const int32_t near = doubt(self->error);
    const size_t blocks = num_slacks(self) / BLOCK;
    block_list list = begin_list(self);
    for (size_t b = 0; b < blocks; b++) {
        list_block(&list, b, ch_bits_add(self->slacks + b * BLOCK, row + b * BLOCK, near));
    }
    end_list(self, &list);
    self->added += num_slacks(self);
}

/* Lists the blocks without adding a row. */
static void list_blocks(ch_active_set *self)
{
    const int32_t near = doubt(self->error);
    block_list list = begin_list(self);
    for (size_t b = 0; b < num_slacks(self) / BLOCK; b++) {
        const int32_t *slacks = self->slacks + b * BLOCK;
        const ch_bits under = ch_bits_up_to(slacks, -near - 1), low = ch_bits_up_to(slacks, near);
        list_block(&list, b, (ch_bits_found){.negative = ch_bits_up_to(slacks, -1), .is_near = low != under});
    }
    end_list(self, &list);
}

/* The unfitted ones among some samples of a block whose slacks are closer to 0 than the error. Their margins are
 * computed in double. */
static ch_bits decide(ch_active_set *self, size_t block, ch_bits doubtful)
{
    ch_bits unfitted = 0;
    for (; doubtful != 0; doubtful &= doubtful - 1) {
        const size_t index = block * BLOCK + ch_bits_first(doubtful);
        if (ch_is_unfitted(exact_margin(self, place_of(self, index)), self->student->setup.kappa)) {
            unfitted |= doubtful & -doubtful;
        }
        self->recomputed++;
    }
    return unfitted;
}

/* Finds the unfitted samples of the doubtful blocks. Those of the other blocks are known by the signs of their slacks.
 */
static void find_unfitted(ch_active_set *self)
{
    const int32_t near = doubt(self->error);
    for (uint32_t i = 0; i < self->num_doubtful; i++) {
        const uint32_t index = self->doubtful[i], block = self->low_blocks[index];
        const int32_t *slacks = self->slacks + (size_t)block * BLOCK;
        const ch_bits under = ch_bits_up_to(slacks, -near - 1), low = ch_bits_up_to(slacks, near);
        const ch_bits unfitted = under | decide(self, block, low & ~under);
        self->num_unfitted += ch_bits_count(unfitted) - ch_bits_count(self->low_unfitted[index]);
        self->low_unfitted[index] = unfitted;
    }
    self->num_doubtful = 0;
    if (self->recomputed > num_slacks(self) / REFRESH_SHARE) {
        refresh(self); /* it leaves the list of unfitted samples as it is */
    }
}

/* ---- for the engine ---- */

void ch_active_set_list(const ch_active_set *self, uint32_t *places)
{
    uint32_t count = 0;
    for (uint32_t i = 0; count < self->num_unfitted; i++) {
        for (ch_bits bits = self->low_unfitted[i]; bits != 0; bits &= bits - 1) {
            places[count++] = (uint32_t)place_of(self, self->low_blocks[i] * BLOCK + ch_bits_first(bits));
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

/* The index of the slack of a place; NOWHERE where it is not near. */
static const uint32_t NOWHERE = UINT32_MAX;
static uint32_t index_of(const ch_active_set *self, uint32_t place)
{
    if (!self->near.is_used) {
        return place;
    }
    size_t from = 0, to = self->near.num;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (self->near.places[middle] < place) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < self->near.num && self->near.places[from] == place ? (uint32_t)from : NOWHERE;
}

bool ch_active_set_is_unfitted(const ch_active_set *self, uint32_t place)
{
    const uint32_t index = index_of(self, place);
    if (index == NOWHERE) {
        return false;
    }
    const uint32_t block = index / BLOCK, i = find_low_block(self, block);
    return i < self->num_low_blocks && self->low_blocks[i] == block &&
           ch_bits_has(self->low_unfitted[i], index % BLOCK);
}

/* Lists the unfitted samples of a block of 64 places that are not known yet, and makes them known.
 * @return their number */
static uint32_t list_new_of_block(size_t block, ch_bits unfitted, uint64_t *known, uint32_t *places)
{
    uint32_t count = 0;
    const ch_bits new = unfitted & ~known[block];
    known[block] |= new;
    /* The order decides which sample gets which random place of an epoch, so that results depend on it. */
    for (uint64_t bits = ch_bits_unsort(new); bits != 0; bits &= bits - 1) {
        places[count++] = (uint32_t)(block * BLOCK) + ch_bits_unsorted_place(ch_bits_first(bits));
    }
    return count;
}

uint32_t ch_active_set_list_new(const ch_active_set *self, uint64_t *known, uint32_t *places)
{
    uint32_t count = 0;
    size_t block = 0; /* a block of places, and its unfitted samples found so far */
    ch_bits unfitted = 0;
    for (uint32_t i = 0; i < self->num_low_blocks; i++) {
        for (ch_bits bits = self->low_unfitted[i]; bits != 0; bits &= bits - 1) {
            const size_t place = place_of(self, self->low_blocks[i] * BLOCK + ch_bits_first(bits));
            if (place / BLOCK != block) {
                count += list_new_of_block(block, unfitted, known, places + count);
                block = place / BLOCK;
                unfitted = 0;
            }
            unfitted |= (ch_bits)1 << place % BLOCK;
        }
    }
    return count + list_new_of_block(block, unfitted, known, places + count);
}

void ch_active_set_begin(ch_active_set *self)
{
    measure_student(self);
    ch_near_reset(&self->near);
    ch_gram_make_room(&self->gram);
    choose_bounded(self);
    refresh(self);
    list_blocks(self);
    find_unfitted(self);
}

/* Counts the unfitted samples from their bits.
 * @return false where the low blocks do not ascend, or where a bit belongs to no sample */
static bool count_unfitted(ch_active_set *self)
{
    self->num_unfitted = 0;
    for (uint32_t i = 0; i < self->num_low_blocks; i++) {
        const size_t first = (size_t)self->low_blocks[i] * BLOCK, left = self->screen->num_samples - first;
        const ch_bits bits = self->low_unfitted[i];
        if ((i > 0 && self->low_blocks[i] <= self->low_blocks[i - 1]) || (left < BLOCK && bits >> left != 0)) {
            return false;
        }
        self->num_unfitted += ch_bits_count(self->low_unfitted[i]);
    }
    return true;
}

/* Makes every bounded sample near, as it is where a snapshot has been read. */
static void keep_all(ch_active_set *self)
{
    const bool was_used = self->near.is_used;
    ch_near_reset(&self->near);
    if (was_used) {
        measure_student(self);
        choose_bounded(self);
        refresh(self);
        list_blocks(self);
        find_unfitted(self);
    }
}

void ch_active_set_exchange(ch_active_set *self, ch_snapshot *snapshot)
{
    if (!ch_snapshot_reads(snapshot)) {
        keep_all(self);
    }
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
    CH_SNAPSHOT_NUMBER(snapshot, self->error);
    ch_snapshot_array(snapshot, self->reference, self->student->stride, sizeof *self->reference);
    CH_SNAPSHOT_NUMBER(snapshot, self->recomputed);
    ch_snapshot_count32(snapshot, &self->num_low_blocks, (uint32_t)blocks);
    ch_snapshot_indices(snapshot, self->low_blocks, self->num_low_blocks, (uint32_t)blocks);
    ch_snapshot_array(snapshot, self->low_unfitted, self->num_low_blocks, sizeof *self->low_unfitted);
    ch_snapshot_count(snapshot, &self->rows_added, (size_t)REFRESH_ROWS);
    ch_snapshot_count(snapshot, &self->rows_left, (size_t)REFRESH_ROWS);
    ch_snapshot_require(snapshot, snapshot->is_bad || self->rows_left > 0);
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

/* w <- w + T z of a place. Measures s, and r^2 as |w|^2 - s^2 plus a bound on the rounding of that difference,
 *   2^-51 stride |w|^2.
 * Both squares are off by less than (stride / 8 + 3) 2^-53 |w|^2, three times as much together. */
static void kick_and_measure(ch_active_set *self, uint32_t place)
{
    const ch_perceptron *student = self->student;
    double norm2 = 0;
    ch_axpy_measured(student->weights, self->temperature, ch_gram_sample(&self->gram, place),
                     student->setup.train->teacher, student->stride, &self->signal, &norm2);
    self->noise2 = norm2 - self->signal * self->signal + 0x1p-51 * (double)student->stride * norm2;
    if (!(norm2 < 1e300)) {
        measure_student(self); /* this r^2 may still be finite; it decides whether the run has diverged */
    }
}

bool ch_active_set_update(ch_active_set *self, const uint32_t *places, uint32_t count)
{
    bool is_stale = false;
    for (uint32_t i = 0; i < count; i++) {
        const int32_t *row = ch_near_row(&self->near, &self->gram, places[i]);
        kick_and_measure(self, places[i]);
        add_row(self, row);
        self->rows_added++;
        if (--self->rows_left == 0) {
            is_stale |= limit_drift(self);
        }
    }
    if (!isfinite(self->signal) || !isfinite(self->noise2)) {
        return false;
    }
    if (adapt_bounded(self) || is_stale) {
        list_blocks(self);
    }
    if (self->num_doubtful > 0) {
        find_unfitted(self);
    }
    return true;
}

void ch_active_set_add_work(const ch_active_set *self, ch_fast_work *work)
{
    work->looked += self->computed + self->gram.made;
    work->bounded += self->added;
}
