/* close.c — the samples whose margins are close to kappa, for steps that take many unfitted samples. */
#include "perceptron/close.h"

#include "core/memory.h"
#include "core/snapshot.h"
#include "perceptron/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = CH_GRAM_BLOCK };
/* No entry is larger. It is half of that of perceptron/gram.h, so that twice as many rows may be added. */
enum { MOST_ENTRY = CH_GRAM_MOST / 2 };
/* The most slots. Their Gram matrix takes 4 MiB. */
enum { MOST_SLOTS = 1024 };
/* Rows are so many entries longer than their columns, which is one line of a cache, so that the same columns of all
 * rows do not share few places of it. */
enum { PAD = 16 };
/* The reach at the beginning, and its limits. It grows by the factor WIDEN while looks cost more than the share
 * MOST_LOOKING of the steps, and shrinks by it where they cost less than LEAST_LOOKING. */
static const double FIRST_REACH = 16, LEAST_REACH = 4, MOST_REACH = 192, WIDEN = 1.25;
static const double MOST_LOOKING = 1, LEAST_LOOKING = 0.25;
/* The reach that is expected later in a run, where there is room for so many slots. */
static const double EXPECTED_REACH = 64;
/* A slot is given up when its slack is over KEEP times the reach. Slacks are cut off at that, up and down, when they
 * are computed from the weights: until the next look they change by the reach at most, so that their sign is known. The
 * largest sum, (KEEP + 1) MOST_REACH = 576 units, is under 2^31 quanta of 2^-21. */
static const double KEEP = 2;
/* Samples are listed up to so many times the reach. */
static const double FAR_REACH = 16;
/* Samples have slots whose slack is over the reach by less than this, for rounding. */
static const double ROUNDING = 0x1p-6;
/* The largest error of a slack in double, in units of max |z|^2. */
static const double MOST_ERROR = 0x1p-9;
/* The slack of slots that are not in use. */
static const int32_t FAR = 1 << 30;
/* Measured costs in units of 16 multiply-adds: of the rest of a step; of a row of 64 entries here and by bounding; of
 * the rest of an update of one row by bounding. */
static const double STEP = 60, ROW_BLOCK = 0.75, BOUNDING_ROW_BLOCK = 1.5, BOUNDING_ROW = 16;

/* The set is given up when it has cost more than bounding would have, by four times what it cost to begin the set. What
 * the set has saved before is counted against that, up to this many units of 16 multiply-adds. */
static const double MOST_CREDIT = 1e7;

double ch_close_bounding_cost(double rows, double bounded)
{
    return STEP + rows * (bounded / BLOCK * BOUNDING_ROW_BLOCK + BOUNDING_ROW);
}

static uint32_t most_slots(size_t num_samples)
{
    const size_t all = ch_gram_to_block(num_samples);
    return (uint32_t)(all < MOST_SLOTS ? all : MOST_SLOTS);
}

size_t ch_close_set_bytes(size_t num_samples, size_t dim)
{
    enum { SLOT_BYTES = 40, SAMPLE_BYTES = 16, VECTORS = 3, ROWS_A_VECTOR = 2 };
    const size_t most = most_slots(num_samples);
    return most * (most + PAD) * sizeof(int32_t) + SLOT_BYTES * most + SAMPLE_BYTES * num_samples +
           ch_sample_set_bytes(VECTORS * ROWS_A_VECTOR, dim);
}

ch_close_set *ch_close_set_new(ch_perceptron *student, const ch_screen *screen, ch_gram *gram)
{
    ch_close_set *self = ch_alloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    const size_t most = most_slots(screen->num_samples), stride = student->stride;
    self->student = student;
    self->screen = screen;
    self->gram = gram;
    self->temperature = ch_student_temperature(student);
    self->quantum = 2 * gram->quantum;
    self->entry_error = gram->entry_error; /* half a quantum, and less than there for rounding */
    self->most = (uint32_t)most;
    self->keeps_sum = 2 * student->setup.batch > student->setup.num_samples;
    self->entries = ch_alloc_unset(most * (most + PAD), sizeof *self->entries);
    self->places = ch_alloc_unset(most, sizeof *self->places);
    self->slot_of = ch_alloc(screen->num_samples, sizeof *self->slot_of);
    self->slacks = ch_alloc_unset(most, sizeof *self->slacks);
    self->change = ch_alloc_unset(most, sizeof *self->change);
    self->unfitted = ch_alloc(most / BLOCK, sizeof *self->unfitted);
    self->kicks = ch_alloc(most, sizeof *self->kicks);
    self->base = ch_alloc_unset(stride, sizeof *self->base);
    self->origin = ch_alloc_unset(stride, sizeof *self->origin);
    self->far_origin = ch_alloc(stride, sizeof *self->far_origin);
    self->listed = ch_alloc_unset(screen->num_samples, sizeof *self->listed);
    self->margins = ch_alloc_unset(screen->num_samples, sizeof *self->margins);
    self->sum = ch_alloc_unset(most, sizeof *self->sum);
    self->summed = ch_alloc(most / BLOCK, sizeof *self->summed);
    self->flips = ch_alloc_unset(2 * most, sizeof *self->flips);
    if (self->entries == NULL || self->places == NULL || self->slot_of == NULL || self->slacks == NULL ||
        self->change == NULL || self->unfitted == NULL || self->kicks == NULL || self->base == NULL ||
        self->origin == NULL || self->far_origin == NULL || self->listed == NULL || self->margins == NULL ||
        self->sum == NULL || self->summed == NULL || self->flips == NULL) {
        ch_close_set_free(self);
        return NULL;
    }
    return self;
}

void ch_close_set_free(ch_close_set *self)
{
    if (self == NULL) {
        return;
    }
    free(self->entries);
    free(self->places);
    free(self->slot_of);
    free(self->slacks);
    free(self->change);
    free(self->unfitted);
    free(self->kicks);
    free(self->base);
    free(self->origin);
    free(self->far_origin);
    free(self->listed);
    free(self->margins);
    free(self->sum);
    free(self->summed);
    free(self->flips);
    free(self);
}

static inline size_t num_blocks(const ch_close_set *self)
{
    return (self->count + BLOCK - 1) / BLOCK;
}

static inline int32_t *row_of(const ch_close_set *self, uint32_t slot)
{
    return self->entries + (size_t)slot * (self->most + PAD);
}

/* ---- the weights ---- */

/* Adds the kicks since the last look to w, slot by slot. */
static void add_kicks(const ch_close_set *self, double *w)
{
    for (uint32_t slot = 0; slot < self->count; slot++) {
        if (self->kicks[slot] > 0) {
            ch_axpy(w, self->temperature * self->kicks[slot], ch_gram_sample(self->gram, self->places[slot]),
                    self->student->stride);
        }
    }
}

void ch_close_set_write(ch_close_set *self)
{
    memcpy(self->student->weights, self->base, self->student->stride * sizeof *self->base);
    add_kicks(self, self->student->weights);
}

/* ---- slacks from the weights ---- */

/* Bound on the error of a slack that was just computed, in quanta: half a quantum, and the rounding of the margin,
 *   2^-53 x 2 (stride / 16 + 8) x (|w| max |z| + kappa) / (T quantum),
 * once where the slack is computed and once where a margin decides later. */
static double slack_error(const ch_close_set *self)
{
    const size_t stride = self->student->stride;
    const double sums = 2 * ((double)stride / CH_ROW_LANES + 8);
    const double whole = sqrt(ch_norm2(self->base, stride)) * self->screen->most_norm + self->student->setup.kappa;
    return 0.5 + 0x1p-53 * sums * whole / (self->temperature * self->quantum);
}

static double margin_at(const ch_close_set *self, uint32_t place)
{
    return ch_dot(ch_gram_sample(self->gram, place), self->base, self->student->stride);
}

/* Sets the slack of a slot, and whether it is unfitted, by its margin. A margin of NaN is that of an unfitted sample.
 */
static void set_slack(ch_close_set *self, uint32_t slot, double margin)
{
    const double kappa = self->student->setup.kappa, most = KEEP * self->reach * MOST_ENTRY;
    const double slack = (margin - kappa) / (self->temperature * self->quantum);
    self->slacks[slot] = (int32_t)lrint(slack > -most ? fmin(slack, most) : -most);
    if (ch_is_unfitted(margin, kappa)) {
        self->unfitted[slot / BLOCK] |= UINT64_C(1) << slot % BLOCK;
        self->num_unfitted++;
    }
}

static void begin_slacks(ch_close_set *self)
{
    memset(self->unfitted, 0, self->most / BLOCK * sizeof *self->unfitted);
    self->num_unfitted = 0;
    self->error = slack_error(self);
}

/* |w - origin| in units of T max |z|, at the last look. */
static double distance(const ch_close_set *self, const double *origin)
{
    const double moved = sqrt(ch_distance2(self->base, origin, self->student->stride));
    return moved / (self->temperature * self->screen->most_norm) * (1 + 0x1p-20);
}

/* Moves `base` to the present weights. */
static void rebase(ch_close_set *self)
{
    add_kicks(self, self->base);
    memset(self->kicks, 0, self->count * sizeof *self->kicks);
    self->path = distance(self, self->origin);
    self->looking += 2 * self->count * (double)self->student->stride / CH_ROW_LANES;
}

/* Computes the slacks of all slots from `base`. */
static void compute_slacks(ch_close_set *self)
{
    begin_slacks(self);
    for (uint32_t slot = 0; slot < self->count; slot++) {
        set_slack(self, slot, margin_at(self, self->places[slot]));
    }
}

/* ---- slots ---- */

/* Gives up a slot. The last slot takes its number: the last column, its diagonal included, is copied over the column of
 * the slot, and then the last row over its row. */
static void drop_slot(ch_close_set *self, uint32_t slot)
{
    const uint32_t last = --self->count;
    self->slot_of[self->places[slot]] = 0;
    for (uint32_t s = 0; s <= last; s++) {
        row_of(self, s)[slot] = row_of(self, s)[last];
        row_of(self, s)[last] = 0;
    }
    if (slot != last) {
        memcpy(row_of(self, slot), row_of(self, last), self->most * sizeof *self->entries);
        self->places[slot] = self->places[last];
        self->slot_of[self->places[slot]] = slot + 1;
    }
}

/* The Gram entry of two samples, in quanta. */
static int32_t entry_of(const ch_close_set *self, const double *wide, uint32_t place)
{
    return (int32_t)lrint(ch_dot(ch_gram_sample(self->gram, place), wide, self->student->stride) / self->quantum);
}

/* Makes the row and the column of the last slot. */
static void make_last_row(ch_close_set *self)
{
    const uint32_t last = self->count - 1;
    const float *sample = ch_gram_sample(self->gram, self->places[last]);
    double *wide = self->gram->wide;
    for (size_t i = 0; i < self->student->stride; i++) {
        wide[i] = (double)sample[i];
    }
    memset(row_of(self, last), 0, self->most * sizeof *self->entries);
    for (uint32_t s = 0; s <= last; s++) {
        row_of(self, s)[last] = row_of(self, last)[s] = entry_of(self, wide, self->places[s]);
    }
    self->looking += self->count * (double)self->student->stride / CH_ROW_LANES;
}

static void add_slot(ch_close_set *self, uint32_t place)
{
    self->places[self->count] = place;
    self->slot_of[place] = ++self->count;
    make_last_row(self);
}

/* Gives up all slots. */
static void drop_all(ch_close_set *self)
{
    for (uint32_t slot = 0; slot < self->count; slot++) {
        self->slot_of[self->places[slot]] = 0;
    }
    self->count = 0;
}

/* ---- the refresh ---- */

/* The number of samples that the screening index does not rule out while w moves by up to `reach` T max |z|. */
static size_t count_bounded(const ch_close_set *self, double reach)
{
    const double *teacher = self->student->setup.train->teacher;
    const size_t stride = self->student->stride;
    const double signal = ch_dot_wide(self->base, teacher, stride);
    const double noise = sqrt(ch_norm2_across(self->base, signal, teacher, stride));
    const double moves = reach * self->temperature * self->screen->most_norm * (1 + 0x1p-20);
    return ch_screen_count(self->screen,
                           ch_screen_bound(self->screen, signal - moves, noise + moves, self->student->setup.kappa));
}

/* Computes the margins of all samples that the screening index does not rule out, and lists those that may have slots
 * until w has moved by `far_reach` less the reach. The margins of all others are set to infinity. */
static void list_samples(ch_close_set *self)
{
    const double unit = self->temperature * self->screen->most_norm * self->screen->most_norm;
    self->far_reach = FAR_REACH * self->reach;
    const double most = self->student->setup.kappa + (self->far_reach + ROUNDING) * unit;
    self->bounded = (uint32_t)count_bounded(self, self->far_reach);
    ch_gram_copy_samples(self->gram, self->bounded);
    memcpy(self->far_origin, self->base, self->student->stride * sizeof *self->base);
    self->num_listed = 0;
    for (uint32_t place = 0; place < self->bounded; place++) {
        const double margin = margin_at(self, place);
        self->margins[place] = margin > most ? INFINITY : margin;
        self->listed[self->num_listed] = place;
        self->num_listed += !(margin > most);
    }
    for (size_t place = self->bounded; place < self->screen->num_samples; place++) {
        self->margins[place] = INFINITY;
    }
    self->looking += (double)self->bounded * (double)self->student->stride / CH_ROW_LANES;
}

/* Computes the margins of the listed samples, or lists samples anew where w has moved too far. */
static void compute_margins(ch_close_set *self)
{
    if (!(distance(self, self->far_origin) + self->reach <= self->far_reach)) {
        list_samples(self);
        return;
    }
    for (uint32_t i = 0; i < self->num_listed; i++) {
        self->margins[self->listed[i]] = margin_at(self, self->listed[i]);
    }
    self->looking += (double)self->num_listed * (double)self->student->stride / CH_ROW_LANES;
}

/* Widens or narrows the reach by what steps and looks have cost since the last refresh. */
static void adapt_reach(ch_close_set *self)
{
    const bool has_room = self->count * WIDEN <= self->most;
    if (self->looking > MOST_LOOKING * self->stepping && has_room) {
        self->reach = fmin(self->reach * WIDEN, MOST_REACH);
    } else if (self->looking < LEAST_LOOKING * self->stepping) {
        self->reach = fmax(self->reach / WIDEN, LEAST_REACH);
    }
    self->stepping = self->looking = self->bounding = 0;
}

/* The margin that is `reach` over kappa. */
static double margin_of(const ch_close_set *self, double reach)
{
    const double norm = self->screen->most_norm;
    return self->student->setup.kappa + (reach + ROUNDING) * self->temperature * norm * norm;
}

/* The number of listed samples whose margin is at most `most`. A margin of NaN counts. */
static uint32_t count_listed(const ch_close_set *self, double most)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < self->num_listed; i++) {
        number += !(self->margins[self->listed[i]] > most);
    }
    return number;
}

/* Shortens the reach until there is room for all slots.  @return their number, or more than there is room for */
static uint32_t fit_reach(ch_close_set *self)
{
    uint32_t number = count_listed(self, margin_of(self, self->reach));
    while (number > self->most && self->reach > LEAST_REACH) {
        self->reach = fmax(self->reach / WIDEN, LEAST_REACH);
        number = count_listed(self, margin_of(self, self->reach));
    }
    return number;
}

/* Gives up the slots of samples whose margin is over `most`. */
static void drop_slots(ch_close_set *self, double most)
{
    for (uint32_t slot = self->count; slot-- > 0;) {
        if (self->margins[self->places[slot]] > most) {
            drop_slot(self, slot);
        }
    }
}

/* Chooses the slots by the margins at `base`, which are computed.
 * @param number  of listed samples within the reach; there is room for them */
static void choose_slots(ch_close_set *self, uint32_t number)
{
    const double most = margin_of(self, self->reach);
    drop_slots(self, margin_of(self, KEEP * self->reach));
    if (self->count + number > self->most) {
        drop_slots(self, most);
    }
    for (uint32_t i = 0; i < self->num_listed; i++) {
        const uint32_t place = self->listed[i];
        if (self->slot_of[place] == 0 && !(self->margins[place] > most)) {
            add_slot(self, place);
        }
    }
}

/* Sets the slacks and the columns of slots that are not in use. */
static void end_slots(ch_close_set *self)
{
    for (uint32_t slot = self->count; slot < self->most; slot++) {
        self->slacks[slot] = FAR;
        self->kicks[slot] = 0;
    }
}

/* As end_slots, and forgets the sum of rows. */
static void begin_slots(ch_close_set *self)
{
    end_slots(self);
    memset(self->sum, 0, self->most * sizeof *self->sum);
    memset(self->summed, 0, self->most / BLOCK * sizeof *self->summed);
}

/* Chooses slots and computes their slacks, when the margins at `base` are computed.
 * @param number  as that of choose_slots
 * @return false where the set cannot be kept */
static bool begin_at_base(ch_close_set *self, uint32_t number)
{
    choose_slots(self, number);
    begin_slots(self);
    begin_slacks(self);
    for (uint32_t slot = 0; slot < self->count; slot++) {
        set_slack(self, slot, self->margins[self->places[slot]]);
    }
    return self->error * self->quantum < MOST_ERROR * self->screen->most_norm * self->screen->most_norm &&
           self->num_unfitted <= CH_CLOSE_MOST_UNFITTED;
}

static void begin_origin(ch_close_set *self)
{
    memcpy(self->origin, self->base, self->student->stride * sizeof *self->base);
    self->path = 0;
}

/* @return false where the set cannot be kept */
static bool refresh(ch_close_set *self)
{
    self->credit = fmin(self->credit + self->bounding - self->stepping - self->looking, MOST_CREDIT);
    if (self->credit < 0) {
        return false;
    }
    adapt_reach(self);
    begin_origin(self);
    compute_margins(self);
    const uint32_t number = fit_reach(self);
    return number <= self->most && begin_at_base(self, number);
}

/* @return false where the set cannot be kept */
static bool look(ch_close_set *self)
{
    rebase(self);
    if (!(self->path <= self->reach / 2)) {
        return refresh(self);
    }
    compute_slacks(self);
    return self->num_unfitted <= CH_CLOSE_MOST_UNFITTED;
}

/* ---- the beginning ---- */

/* The sum of z over the listed samples that are unfitted at `base`, by its length; and their number. */
static double length_of_unfitted(const ch_close_set *self, double *sum, uint32_t *number)
{
    const size_t stride = self->student->stride;
    memset(sum, 0, stride * sizeof *sum);
    *number = 0;
    for (uint32_t i = 0; i < self->num_listed; i++) {
        if (ch_is_unfitted(self->margins[self->listed[i]], self->student->setup.kappa)) {
            ch_axpy(sum, 1, ch_gram_sample(self->gram, self->listed[i]), stride);
            ++*number;
        }
    }
    return sqrt(ch_norm2(sum, stride));
}

/* What a step will cost, where `slots` samples are within the reach. A step takes the share B / P of the unfitted
 * samples, whose sum has a mean and a random part, so that after n steps w has moved by about
 *   n mean + random sqrt(n). */
static double expect_cost(ch_close_set *self, uint32_t slots)
{
    const ch_perceptron_setup *setup = &self->student->setup;
    const double share = (double)setup->batch / (double)setup->num_samples, norm = self->screen->most_norm;
    const double dot = (double)self->student->stride / CH_ROW_LANES;
    uint32_t unfitted = 0;
    const double mean = share * length_of_unfitted(self, self->origin, &unfitted) / norm;
    const double random = sqrt(share * (1 - share) * unfitted), one = hypot(mean, random);
    const double reach = fmin(EXPECTED_REACH, self->reach * self->most / slots);
    const double looks = one / reach, refreshes = 2 * fmax(mean / reach, 2 * random * random / (reach * reach));
    return STEP + share * unfitted * slots / BLOCK * ROW_BLOCK + fmin(looks, 1) * 2 * slots * dot +
           fmin(refreshes, 1) * self->num_listed * dot;
}

bool ch_close_set_begin(ch_close_set *self, double most_cost, double step_cost)
{
    drop_all(self);
    ch_gram_make_room(self->gram);
    memcpy(self->base, self->student->weights, self->student->stride * sizeof *self->base);
    memset(self->kicks, 0, self->most * sizeof *self->kicks);
    self->reach = FIRST_REACH;
    self->stepping = self->looking = self->bounding = 0;
    list_samples(self);
    const uint32_t number = fit_reach(self);
    const double building = number * (number / 2.0) * (double)self->student->stride / CH_ROW_LANES;
    if (number > self->most || building > most_cost || expect_cost(self, number) > step_cost) {
        return false;
    }
    begin_origin(self);
    self->credit = 4 * building + self->looking;
    const bool has_begun = begin_at_base(self, number);
    self->looking = 0;
    return has_begun;
}

/* ---- steps ---- */

void ch_close_set_list(const ch_close_set *self, uint32_t *slots)
{
    uint32_t count = 0;
    for (uint32_t b = 0; count < self->num_unfitted; b++) {
        for (ch_bits bits = self->unfitted[b]; bits != 0; bits &= bits - 1) {
            slots[count++] = b * BLOCK + ch_bits_first(bits);
        }
    }
}

/* Adds the rows of slots to 64 sums, or subtracts them. Sums of rows are added as numbers without a sign, so that an
 * overflow on the way does no harm. */
typedef uint32_t lanes __attribute__((vector_size(32), may_alias));

__attribute__((always_inline)) static inline void add_block(const ch_close_set *self, lanes sums[CH_BITS_VECTORS],
                                                            const uint32_t *slots, uint32_t count, size_t first,
                                                            bool subtracts)
{
    for (uint32_t i = 0; i < count; i++) {
        const lanes *row = (const lanes *)(row_of(self, slots[i]) + first);
        for (size_t j = 0; j < CH_BITS_VECTORS; j++) {
            sums[j] = subtracts ? sums[j] - row[j] : sums[j] + row[j];
        }
    }
}

/* out <- from + the rows of the slots `added` - those of `others`.
 * @param from    [most], may be `out`; NULL for zeros
 * @param added   [num_added] slots
 * @param others  [num_others] slots */
static void add_rows(const ch_close_set *self, const int32_t *from, const uint32_t *added, uint32_t num_added,
                     const uint32_t *others, uint32_t num_others, int32_t *out)
{
    for (size_t first = 0; first < num_blocks(self) * BLOCK; first += BLOCK) {
        lanes sums[CH_BITS_VECTORS] = {{0}};
        for (size_t j = 0; j < CH_BITS_VECTORS && from != NULL; j++) {
            sums[j] = ((const lanes *)(from + first))[j];
        }
        add_block(self, sums, added, num_added, first, false);
        add_block(self, sums, others, num_others, first, true);
        memcpy(out + first, sums, sizeof sums);
    }
}

/* Brings the sum of the rows of unfitted slots up to date.
 * @return the number of rows that this took */
static uint32_t update_sum(ch_close_set *self)
{
    uint32_t *new = self->flips, *gone = self->flips + self->most, num_new = 0, num_gone = 0;
    for (uint32_t b = 0; b < num_blocks(self); b++) {
        const ch_bits now = self->unfitted[b], before = self->summed[b];
        for (ch_bits bits = now & ~before; bits != 0; bits &= bits - 1) {
            new[num_new++] = b *BLOCK + ch_bits_first(bits);
        }
        for (ch_bits bits = before & ~now; bits != 0; bits &= bits - 1) {
            gone[num_gone++] = b * BLOCK + ch_bits_first(bits);
        }
        self->summed[b] = now;
    }
    if (num_new + num_gone > 0) {
        add_rows(self, self->sum, new, num_new, gone, num_gone, self->sum);
    }
    return num_new + num_gone;
}

/* Sums the rows that a step adds.  @return the number of rows that were read */
static uint32_t find_change(ch_close_set *self, const uint32_t *slots, uint32_t count)
{
    if (!self->keeps_sum) {
        add_rows(self, NULL, slots, count, NULL, 0, self->change);
        return count;
    }
    const uint32_t left = self->num_unfitted - count, rows = update_sum(self);
    add_rows(self, self->sum, NULL, 0, slots + count, left, self->change);
    return rows + left;
}

/* The bound |V| of a step, in units of max |z|, where |V|^2 is known up to the errors of count^2 entries. */
static double length_of(const ch_close_set *self, const uint32_t *slots, uint32_t count)
{
    int64_t square = 0;
    for (uint32_t i = 0; i < count; i++) {
        square += self->change[slots[i]];
    }
    const double most = (double)square + (double)count * (double)count * self->entry_error;
    return sqrt(fmax(most, 0) * (1 + 0x1p-9) / MOST_ENTRY);
}

/* Adds the change to all slacks.  @return whether all of them are far enough from 0 for their signs to be known */
static bool add_change(ch_close_set *self)
{
    const int32_t near = (int32_t)fmin(self->error + 1, FAR);
    bool is_near = false;
    uint32_t number = 0;
    for (size_t b = 0; b < num_blocks(self); b++) {
        const ch_bits_found found = ch_bits_add(self->slacks + b * BLOCK, self->change + b * BLOCK, near);
        self->unfitted[b] = found.negative;
        number += ch_bits_count(found.negative);
        is_near |= found.is_near;
    }
    self->num_unfitted = number;
    return !is_near;
}

bool ch_close_set_step(ch_close_set *self, const uint32_t *slots, uint32_t count)
{
    const uint32_t rows = find_change(self, slots, count);
    for (uint32_t i = 0; i < count; i++) {
        self->kicks[slots[i]]++;
    }
    const double blocks = (double)num_blocks(self);
    self->stepping += STEP + rows * blocks * ROW_BLOCK;
    self->bounding += ch_close_bounding_cost(count, self->bounded);
    self->error += count * self->entry_error;
    self->path += length_of(self, slots, count);
    if (!(self->path <= self->reach) || !add_change(self)) {
        return look(self);
    }
    return self->num_unfitted <= CH_CLOSE_MOST_UNFITTED;
}

/* ---- snapshots ---- */

/* Makes slot_of and the Gram matrix from the places of slots.  @return false where two slots have the same place */
static bool make_slots(ch_close_set *self)
{
    const uint32_t count = self->count;
    for (self->count = 0; self->count < count;) {
        const uint32_t place = self->places[self->count];
        if (self->slot_of[place] != 0) {
            return false;
        }
        add_slot(self, place);
    }
    return true;
}

/* Whether all bits of a set of slots belong to slots that are in use. */
static bool is_in_use(const ch_close_set *self, const ch_bits *set)
{
    for (uint32_t b = 0; b < self->most / BLOCK; b++) {
        const uint32_t first = b * BLOCK, used = self->count > first ? self->count - first : 0;
        if (used < BLOCK && set[b] >> used != 0) {
            return false;
        }
    }
    return true;
}

/* Makes what a snapshot does not have: the sum of the rows of the slots in `summed`, and the values of slots that are
 * not in use. */
static void complete_slots(ch_close_set *self)
{
    uint32_t count = 0;
    self->num_unfitted = 0;
    for (uint32_t b = 0; b < self->most / BLOCK; b++) {
        for (ch_bits bits = self->summed[b]; bits != 0; bits &= bits - 1) {
            self->flips[count++] = b * BLOCK + ch_bits_first(bits);
        }
        self->num_unfitted += ch_bits_count(self->unfitted[b]);
    }
    end_slots(self);
    memset(self->sum, 0, self->most * sizeof *self->sum);
    add_rows(self, NULL, self->flips, count, NULL, 0, self->sum);
    for (size_t place = 0; place < self->screen->num_samples; place++) {
        self->margins[place] = INFINITY; /* of those that are not listed */
    }
}

void ch_close_set_exchange(ch_close_set *self, ch_snapshot *snapshot)
{
    uint32_t count = self->count;
    double costs[] = {self->stepping, self->looking, self->bounding, self->credit};
    ch_snapshot_begin(snapshot, "close");
    ch_snapshot_count32(snapshot, &count, self->most);
    ch_snapshot_count32(snapshot, &self->bounded, (uint32_t)self->screen->num_samples);
    ch_snapshot_indices(snapshot, self->places, count, (uint32_t)self->screen->num_samples);
    ch_snapshot_array(snapshot, self->slacks, count, sizeof *self->slacks);
    ch_snapshot_array(snapshot, self->unfitted, self->most / BLOCK, sizeof *self->unfitted);
    ch_snapshot_array(snapshot, self->summed, self->most / BLOCK, sizeof *self->summed);
    ch_snapshot_array(snapshot, self->kicks, count, sizeof *self->kicks);
    ch_snapshot_array(snapshot, self->base, self->student->stride, sizeof *self->base);
    ch_snapshot_array(snapshot, self->origin, self->student->stride, sizeof *self->origin);
    ch_snapshot_array(snapshot, self->far_origin, self->student->stride, sizeof *self->far_origin);
    ch_snapshot_count32(snapshot, &self->num_listed, (uint32_t)self->screen->num_samples);
    ch_snapshot_indices(snapshot, self->listed, self->num_listed, (uint32_t)self->screen->num_samples);
    CH_SNAPSHOT_NUMBER(snapshot, self->far_reach);
    CH_SNAPSHOT_NUMBER(snapshot, self->reach);
    CH_SNAPSHOT_NUMBER(snapshot, self->path);
    CH_SNAPSHOT_NUMBER(snapshot, self->error);
    ch_snapshot_array(snapshot, costs, sizeof costs / sizeof *costs, sizeof *costs);
    ch_snapshot_end(snapshot);
    if (!ch_snapshot_reads(snapshot) || snapshot->is_bad) {
        return;
    }
    self->count = count;
    ch_gram_make_room(self->gram);
    ch_gram_copy_samples(self->gram, self->bounded);
    ch_snapshot_require(snapshot, make_slots(self) && is_in_use(self, self->unfitted) && is_in_use(self, self->summed));
    if (!snapshot->is_bad) {
        complete_slots(self);
    }
    self->stepping = costs[0];
    self->looking = costs[1];
    self->bounding = costs[2];
    self->credit = costs[3];
}
