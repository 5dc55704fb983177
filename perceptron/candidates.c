/* candidates.c — lists the samples that can be unfitted while the student stays near where it is. */
#include "perceptron/candidates.h"

#include "core/memory.h"
#include "core/snapshot.h"
#include "perceptron/quantised.h"
#include "perceptron/screening.h"
#include "perceptron/student.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A list by the screening index is made for a bound that is ROOM times the present one, so that it stays valid while
 * the bound grows. A new list is made when the present bound times ROOM is smaller than the list's bound by the factor
 * SHRINK. */
static const double ROOM = 1.1, SHRINK = 1.25;
/* A list by distance from a reference is taken where an update costs less than this share of its cost with the list by
 * the screening index. */
static const double WORTH_LIST = 0.7;
/* Number of bits in a word of `bits`. */
enum { WORD = 64 };

ch_code ch_candidates_init(ch_candidates *self, const ch_perceptron *student, const ch_screen *screen, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->student = student;
    self->screen = screen;
    self->count = (uint32_t)screen->num_samples;
    self->bound = self->radius = INFINITY;
    self->own = ch_alloc_unset(screen->num_samples, sizeof *self->own);
    self->excess = ch_alloc_unset(screen->num_samples, sizeof *self->excess);
    self->reference = ch_alloc(student->stride, sizeof *self->reference);
    self->bits = ch_alloc(screen->num_samples / WORD + 1, sizeof *self->bits);
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

void ch_candidates_exchange(ch_candidates *self, ch_snapshot *snapshot)
{
    enum { ALL, PREFIX, OWN };
    const uint32_t num_samples = (uint32_t)self->screen->num_samples;
    uint32_t kind = self->list == NULL ? ALL : self->list == self->own ? OWN : PREFIX;
    ch_snapshot_begin(snapshot, "listed");
    ch_snapshot_count32(snapshot, &kind, OWN);
    ch_snapshot_count32(snapshot, &self->count, num_samples);
    self->list = kind == ALL ? NULL : kind == OWN ? self->own : self->screen->order;
    ch_snapshot_indices(snapshot, self->own, kind == OWN ? self->count : 0, num_samples);
    CH_SNAPSHOT_NUMBER(snapshot, self->bound);
    CH_SNAPSHOT_NUMBER(snapshot, self->radius);
    ch_snapshot_array(snapshot, self->reference, self->student->stride, sizeof *self->reference);
    ch_snapshot_end(snapshot);
}

/* ---- lists by the screening index ---- */

/* The bound of the screening index at the student's signal s and noise r. */
static double bound_now(const ch_candidates *self)
{
    double signal = 0, noise = 0;
    ch_perceptron_signal_and_noise(self->student, &signal, &noise);
    return ch_screen_bound(self->screen, signal, noise, self->student->setup.kappa);
}

uint32_t ch_candidates_num_screened(const ch_candidates *self)
{
    return (uint32_t)ch_screen_count(self->screen, ROOM * bound_now(self));
}

void ch_candidates_screen(ch_candidates *self, bool exactly)
{
    const size_t num_samples = self->screen->num_samples;
    self->radius = INFINITY;
    self->bound = (exactly ? 1 : ROOM) * bound_now(self);
    self->count = (uint32_t)ch_screen_count(self->screen, self->bound);
    self->list = self->screen->order;
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

/* The distance |w - w'| of the student's weights from the reference. */
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

/* ---- margins of all candidates ---- */

/* Sorts the list by the samples' indices, so that margins are computed in the order in which samples lie in memory. The
 * bit of each candidate is set, and then the words of bits are read in order. */
static void sort_list(ch_candidates *self)
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

/* excess[k] = m - kappa of samples[k] for k < count, computed in double and rounded to single precision. It is infinite
 * where a sample is known to be fitted by its 8 bits.
 * @param samples  [count]; NULL: sample k itself
 * @param rounded  the student's weights in 16 bits; NULL: every margin is computed */
static void compute_excess(ch_candidates *self, const uint32_t *samples, uint32_t count,
                           const ch_quantised_weights *rounded)
{
    const ch_perceptron *student = self->student;
    const int threads = ch_threads_worth(student->setup.threads, count, student->stride);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t sample = samples != NULL ? samples[k] : k;
        const bool is_fitted = rounded != NULL && ch_quantised_is_fitted(self->screen->quantised, rounded, sample);
        self->excess[k] = is_fitted ? INFINITY : (float)(ch_student_margin(student, sample) - student->setup.kappa);
    }
}

/* ---- lists by distance from a reference ---- */

/* The radius of a list is chosen among first, 2 first, 4 first, and so on. The number of candidates at each of them is
 * a sum over octaves. */
enum { OCTAVES = 48 };

/* The octave of the smallest radius at which a sample can be unfitted, from its excess m - kappa at the reference: the
 * smallest i with excess <= 2^i unit, limited to 0 … OCTAVES - 1. It is 0 for NaN.
 * @param unit  what a margin can lose within the first radius, > 0 */
static int octave(double excess, double unit)
{
    const double far = excess / unit;
    if (!(far > 1)) {
        return 0;
    }
    return far < 0x1p62 && ilogb(far) + 1 < OCTAVES ? ilogb(far) + 1 : OCTAVES - 1;
}

/* The expected number of updates until the student is `times` as far from the reference as it came in the last
 * `updates`. A random walk takes times^2 as many updates, and a straight line `times` as many. The smaller number is
 * returned. */
static double lifetime(double updates, double times)
{
    return updates * fmin(times, times * times);
}

/* The octave of the radius by which an update costs least. With a radius R, an update costs
 *   draws a candidate and update x draw cost x candidates at R
 *   + look cost x screened samples / (updates until the student has left the radius R).
 * @param counts    [OCTAVES] number of samples in each octave
 * @param screened  number of samples that the index does not rule out; the margins of all of them are computed for a
 *     list
 * @param first     first radius divided by the distance that the student came since the last reference was set
 * @return OCTAVES when no radius costs less than WORTH_LIST of drawing from all screened samples */
static int best_octave(const uint32_t counts[OCTAVES], uint32_t screened, double first, const ch_candidates_use *use)
{
    const double draws = use->draws / use->updates * use->draw_cost;
    double best = WORTH_LIST * draws * screened, listed = 0;
    int which = OCTAVES;
    for (int i = 0; i < OCTAVES - 1; i++) {
        listed += counts[i];
        const double lasts = fmax(lifetime(use->updates, ldexp(first, i)), 1);
        const double cost = draws * listed + screened * use->look_cost / lasts;
        if (cost < best) {
            best = cost;
            which = i;
        }
    }
    return which;
}

/* Bound on the rounding of two margins that are computed in double, at w' and at w, which have nearly the same norm:
 *   2 x 2^-53 (stride / 16 + 8) |w| max |z|.
 * A margin is off by (stride / 16 + 4) 2^-53 |w| |z| (ch_dot). The other four parts cover the subtraction of kappa and
 * the rounding of this bound. */
static double rounding(const ch_candidates *self)
{
    const double sums = (double)self->student->stride / CH_ROW_LANES + 8;
    return 0x1p-52 * sums * sqrt(ch_norm2(self->student->weights, self->student->stride)) * self->screen->most_norm;
}

bool ch_candidates_narrow(ch_candidates *self, const ch_candidates_use *use)
{
    const double moved = distance(self);
    ch_candidates_screen(self, false);
    ch_candidates_set_reference(self);
    const double first = 0x1p-8, unit = first * moved * self->screen->most_norm;
    if (!(unit > 0) || !(use->draws > 0)) {
        return false;
    }
    sort_list(self);
    const uint32_t *screened = self->list;
    compute_excess(self, screened, self->count, NULL);
    uint32_t counts[OCTAVES] = {0};
    for (uint32_t k = 0; k < self->count; k++) {
        counts[octave((double)self->excess[k], unit)]++;
    }
    const int best = best_octave(counts, self->count, first, use);
    if (best == OCTAVES) {
        return false;
    }
    self->radius = ldexp(first, best) * moved;
    /* The most that a margin can lose within the radius. The factor covers the rounding of `excess` to single precision
     * and of the distance. The rounding of margins does not shrink with the radius and is added, as is that of an
     * excess under the least normal float. An excess over the largest float is infinite, and says nothing where as much
     * can be lost. */
    const double within =
        self->radius * self->screen->most_norm * (1 + 0x1p-20) + rounding(self) + (double)FLT_TRUE_MIN;
    const bool is_known = within < (double)FLT_MAX;
    uint32_t listed = 0;
    for (uint32_t k = 0; k < self->count; k++) {
        if (!is_known || !((double)self->excess[k] > within)) {
            self->own[listed++] = screened != NULL ? screened[k] : k;
        }
    }
    self->count = listed;
    self->list = self->own;
    return true;
}

uint32_t ch_candidates_find_unfitted(ch_candidates *self, const ch_quantised_weights *rounded, uint32_t *unfitted)
{
    sort_list(self);
    const uint32_t *samples = self->list;
    const double kappa = self->student->setup.kappa;
    compute_excess(self, samples, self->count, rounded);
    uint32_t number = 0;
    for (uint32_t k = 0; k < self->count; k++) {
        /* Rounding m - kappa to single precision does not change its sign but may make it 0. So a sample with an excess
         * over 0 is fitted, and the margin of any other sample is computed again. */
        const uint32_t sample = samples != NULL ? samples[k] : k;
        if (!(self->excess[k] > 0) && ch_is_unfitted(ch_student_margin(self->student, sample), kappa)) {
            unfitted[number++] = sample;
        }
    }
    return number;
}
