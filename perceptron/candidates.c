/* candidates.c — the samples that can be unfitted while the student stays near where it is. */
#include "perceptron/candidates.h"

#include "perceptron/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for the reach to grow before more samples have to be taken in, and what it shrinks by before some are let go. */
static const double ROOM = 1.1, SHRINK = 1.25;
/* What a list by distance from a reference may cost at most, beside all within reach. */
static const double WORTH_LIST = 0.7;
/* Bits of a word. */
enum { WORD = 64 };

ch_code ch_candidates_init(ch_candidates *self, const ch_perceptron *student, const ch_reach *reach, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->student = student;
    self->reach = reach;
    self->count = (uint32_t)reach->num_samples;
    self->bound = self->radius = INFINITY;
    self->own = ch_alloc_unset(reach->num_samples, sizeof *self->own);
    self->excess = ch_alloc_unset(reach->num_samples, sizeof *self->excess);
    self->reference = ch_alloc(student->stride, sizeof *self->reference);
    self->bits = ch_alloc(reach->num_samples / WORD + 1, sizeof *self->bits);
    if (self->own == NULL || self->bits == NULL || self->excess == NULL || self->reference == NULL) {
        ch_candidates_free(self);
        return ch_error_memory(err, "the list of samples that can be unfitted: lower train");
    }
    return CH_OK;
}

void ch_candidates_free(ch_candidates *self)
{
    free(self->own);
    free(self->bits);
    free(self->excess);
    free(self->reference);
    memset(self, 0, sizeof *self);
}

/* Keys from here on belong to samples that are out of reach. */
static double bound_now(const ch_candidates *self)
{
    double signal = 0, noise = 0;
    ch_perceptron_signal_and_noise(self->student, &signal, &noise);
    return ch_reach_bound(self->reach, signal, noise, self->student->setup.kappa);
}

uint32_t ch_candidates_num_reached(const ch_candidates *self)
{
    return (uint32_t)ch_reach_count(self->reach, ROOM * bound_now(self));
}

void ch_candidates_reach(ch_candidates *self, bool exactly)
{
    const size_t num_samples = self->reach->num_samples;
    self->radius = INFINITY;
    self->bound = (exactly ? 1 : ROOM) * bound_now(self);
    self->count = (uint32_t)ch_reach_count(self->reach, self->bound);
    self->list = self->reach->order;
    if (2 * (size_t)self->count > num_samples) {
        self->list = NULL;
        self->count = (uint32_t)num_samples;
        self->bound = INFINITY;
    }
}

uint32_t *ch_candidates_own_list(ch_candidates *self)
{
    for (uint32_t k = 0; k < self->count && self->list != self->own; k++) {
        self->own[k] = self->list != NULL ? self->list[k] : k;
    }
    self->list = self->own;
    return self->own;
}

static double distance(const ch_candidates *self)
{
    return sqrt(ch_distance2(self->student->weights, self->reference, self->student->stride));
}

bool ch_candidates_hold(const ch_candidates *self)
{
    if (self->radius < INFINITY && !(distance(self) <= self->radius)) {
        return false;
    }
    if (self->bound == INFINITY) {
        return true;
    }
    const double bound = bound_now(self);
    return bound <= self->bound && (self->radius < INFINITY || bound * ROOM * SHRINK >= self->bound);
}

void ch_candidates_set_reference(ch_candidates *self)
{
    memcpy(self->reference, self->student->weights, self->student->stride * sizeof *self->reference);
}

/* Puts the list into the order of memory, so that looking at all is one sweep over the rows. */
static void order_list(ch_candidates *self)
{
    if (self->list == NULL) {
        return;
    }
    for (uint32_t k = 0; k < self->count; k++) {
        self->bits[self->list[k] / WORD] |= UINT64_C(1) << self->list[k] % WORD;
    }
    uint32_t count = 0;
    for (uint32_t word = 0; count < self->count; word++) {
        for (uint64_t bits = self->bits[word]; bits != 0; bits &= bits - 1) {
            self->own[count++] = WORD * word + (uint32_t)__builtin_ctzll(bits);
        }
        self->bits[word] = 0;
    }
    self->list = self->own;
}

/* m - kappa of `count` samples, rounded to single precision. */
static void compute_excess(ch_candidates *self, const uint32_t *samples, uint32_t count)
{
    const ch_perceptron *student = self->student;
    const int threads = ch_threads_worth(student->setup.threads, count, student->stride);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (uint32_t k = 0; k < count; k++) {
        self->excess[k] = (float)ch_student_excess(student, samples != NULL ? samples[k] : k);
    }
}

/* ---- lists by distance from a reference ---- */

/* Octaves of distance at which the length of a list is known. */
enum { OCTAVES = 48 };

/* Distance that the student has to go before the sample can be unfitted, as an octave of `unit`; 0 when it is less. */
static int octave(double excess, double unit)
{
    const double far = excess / unit;
    if (!(far > 1)) {
        return 0;
    }
    return far < 0x1p62 && ilogb(far) + 1 < OCTAVES ? ilogb(far) + 1 : OCTAVES - 1;
}

/* Updates until the student is `times` as far from the reference as it came in `updates`: between a random walk and a
 * straight line, whichever is less. */
static double lifetime(double updates, double times)
{
    return updates * fmin(times, times * times);
}

/* Octave of the radius at which an update costs least; OCTAVES when none makes it so much cheaper. */
static int best_octave(const uint32_t counts[OCTAVES], uint32_t reached, double first, const ch_candidates_use *use)
{
    const double draws = use->draws / use->updates * use->draw_cost;
    double best = WORTH_LIST * draws * reached, listed = 0;
    int which = OCTAVES;
    for (int i = 0; i < OCTAVES - 1; i++) {
        listed += counts[i];
        const double lasts = fmax(lifetime(use->updates, ldexp(first, i)), 1);
        const double cost = draws * listed + reached * use->look_cost / lasts;
        if (cost < best) {
            best = cost;
            which = i;
        }
    }
    return which;
}

/* Most that a margin computed in double is off by: the sums of d / 16 numbers and some more. */
static double rounding(const ch_candidates *self)
{
    const double sums = (double)self->student->stride / CH_ROW_LANES + 8;
    return 0x1p-52 * sums * sqrt(ch_norm2(self->student->weights, self->student->stride)) * self->reach->most_norm;
}

bool ch_candidates_narrow(ch_candidates *self, const ch_candidates_use *use)
{
    const double moved = distance(self);
    ch_candidates_reach(self, false);
    ch_candidates_set_reference(self);
    const double first = 0x1p-8, unit = first * moved * self->reach->most_norm;
    if (!(unit > 0) || !(use->draws > 0)) {
        return false;
    }
    order_list(self);
    const uint32_t *reached = self->list;
    compute_excess(self, reached, self->count);
    uint32_t counts[OCTAVES] = {0};
    for (uint32_t k = 0; k < self->count; k++) {
        counts[octave((double)self->excess[k], unit)]++;
    }
    const int best = best_octave(counts, self->count, first, use);
    if (best == OCTAVES) {
        return false;
    }
    self->radius = ldexp(first, best) * moved;
    const double within = self->radius * self->reach->most_norm * (1 + 0x1p-20) + rounding(self);
    uint32_t listed = 0;
    for (uint32_t k = 0; k < self->count; k++) {
        if (!((double)self->excess[k] > within)) {
            self->own[listed++] = reached != NULL ? reached[k] : k;
        }
    }
    self->count = listed;
    self->list = self->own;
    return true;
}

uint32_t ch_candidates_find_unfitted(ch_candidates *self, uint32_t *unfitted)
{
    order_list(self);
    const uint32_t *samples = self->list;
    compute_excess(self, samples, self->count);
    uint32_t number = 0;
    for (uint32_t k = 0; k < self->count; k++) {
        /* rounding never turns an excess to the other side, but may make it 0 */
        const uint32_t sample = samples != NULL ? samples[k] : k;
        if (!(self->excess[k] > 0) && !(ch_student_excess(self->student, sample) >= 0)) {
            unfitted[number++] = sample;
        }
    }
    return number;
}
