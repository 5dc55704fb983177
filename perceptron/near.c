/* near.c — which bounded samples are near, and the rows of the Gram matrix for them alone. */
#include "perceptron/near.h"

#include "core/memory.h"
#include "data/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A list is tried where at least LEAST_BOUNDED samples are bounded, and used where it leaves out at least one in
 * LEAST_GAIN of them. */
enum { LEAST_BOUNDED = 6 * CH_GRAM_BLOCK, LEAST_GAIN = 5 };
/* The radius is a compromise: a wider cylinder has more near samples, and the student leaves a narrower one sooner,
 * after which all rows are made anew. Where the student leaves before SHORT_UPDATES, the next radius is WIDER times as
 * large. A list is used for CH_NEAR_LONG_UPDATES at most, and after these the next radius is NARROWER times as large.
 * The first radius is FIRST_REACH T max |z|. */
enum { SHORT_UPDATES = 1 << 11 };
static const double FIRST_REACH = 8, WIDER = 1.1, NARROWER = 0.97;
/* The radius is at least so many times the distance of the student from the centre. */
static const double LEAST_ROOM = 1.2;
/* The signal of the centre is smaller than that of the student by so many T max |z|. */
static const double SIGNAL_ROOM = 2;
/* The slab has room for the rows of all samples, or for MOST_ENTRIES entries where these are less, which take 4 MiB. A
 * list is used only where the slab has room for at least LEAST_ROWS of its rows. */
enum { MOST_ENTRIES = 1 << 20, LEAST_ROWS = 16 };

bool ch_near_init(ch_near *self, const ch_sample_set *set)
{
    memset(self, 0, sizeof *self);
    self->reach = FIRST_REACH;
    self->places = ch_alloc_unset(set->num_samples, sizeof *self->places);
    self->centre = ch_alloc(set->stride, sizeof *self->centre);
    self->sum = ch_alloc(set->stride, sizeof *self->sum);
    self->row_of = ch_alloc(set->num_samples, sizeof *self->row_of);
    return self->places != NULL && self->centre != NULL && self->sum != NULL && self->row_of != NULL;
}

void ch_near_free(ch_near *self)
{
    free(self->places);
    free(self->centre);
    free(self->sum);
    free(self->slab);
    free(self->row_of);
    free(self->row_place);
    memset(self, 0, sizeof *self);
}

static void forget_rows(ch_near *self)
{
    for (size_t row = 0; row < self->num_rows; row++) {
        self->row_of[self->row_place[row]] = 0;
    }
    self->num_rows = 0;
}

void ch_near_reset(ch_near *self)
{
    forget_rows(self);
    self->is_used = false;
    self->age = self->num_sums = 0;
    self->reach = FIRST_REACH;
}

/* ---- the cylinder ---- */

/* Bound on the rounding of a sum over `stride` products of which the vectors have lengths whose product is 1. The sums
 * of data/rows.h have at least eight lanes. */
static double rounding_of_sum(size_t stride)
{
    return 0x1p-53 * ((double)stride / 8 + 8);
}

/* |w_perp - c_perp|^2 = |w - c|^2 - (s - s_c)^2, or a little more. */
static double across2(const ch_near *self, const double *weights, double signal, size_t stride)
{
    const double along = fmax(fabs(signal - self->signal) - self->slip, 0);
    return ch_distance2(weights, self->centre, stride) - along * along;
}

bool ch_near_contains(const ch_near *self, const double *weights, double signal, size_t stride)
{
    return signal >= self->signal && signal <= self->most_signal &&
           across2(self, weights, signal, stride) <= self->radius2;
}

void ch_near_add_weights(ch_near *self, const double *weights, size_t stride)
{
    for (size_t i = 0; i < stride; i++) {
        self->sum[i] = (self->num_sums > 0 ? self->sum[i] : 0) + weights[i];
    }
    self->num_sums++;
}

/* Sets the centre to the mean of the weights since the last choice, or to the present ones where there are none, and
 * moves it along the teacher to its signal. */
static void choose_centre(ch_near *self, const double *weights, const double *teacher, size_t stride)
{
    for (size_t i = 0; i < stride; i++) {
        self->centre[i] = self->num_sums > 0 ? self->sum[i] / (double)self->num_sums : weights[i];
    }
    self->num_sums = 0;
    const double shift = self->signal - ch_dot_wide(self->centre, teacher, stride);
    for (size_t i = 0; i < stride; i++) {
        self->centre[i] += shift * teacher[i];
    }
}

/* Chooses the cylinder, and its size by how long the last list was used.
 * @param unit  T max |z|
 * @return the largest |w_perp| in it */
static double choose_cylinder(ch_near *self, const double *weights, double signal, const double *teacher, size_t stride,
                              double unit)
{
    if (self->is_used) {
        self->reach *= self->age < SHORT_UPDATES ? WIDER : self->age >= CH_NEAR_LONG_UPDATES ? NARROWER : 1;
    }
    self->signal = signal - SIGNAL_ROOM * unit;
    self->most_signal = 2 * signal;
    choose_centre(self, weights, teacher, stride);
    self->slip = 0;
    const double least = LEAST_ROOM * sqrt(fmax(across2(self, weights, signal, stride), 0));
    const double radius = fmax(self->reach * unit, least);
    const double noise = sqrt(ch_norm2_across(self->centre, self->signal, teacher, stride)) + radius;
    self->radius2 = radius * radius;
    /* With x = rounding_of_sum |w|, s and s_c are off by x at most, and the larger square in across2 by (s - s_c) x. */
    self->slip = 4 * rounding_of_sum(stride) * (self->most_signal + noise);
    return noise;
}

/* ---- the list ---- */

/* Allocates the slab where there is none.  @return false where memory is short */
static bool make_slab(ch_near *self, size_t num_samples)
{
    if (self->slab_size == 0) {
        const size_t num = ch_gram_to_block(num_samples), size = num < MOST_ENTRIES / num ? num * num : MOST_ENTRIES;
        free(self->slab);
        free(self->row_place);
        self->slab = ch_alloc_unset(size, sizeof *self->slab);
        self->row_place = ch_alloc_unset(size / CH_GRAM_BLOCK, sizeof *self->row_place);
        self->slab_size = self->slab != NULL && self->row_place != NULL ? size : 0;
    }
    return self->slab_size > 0;
}

/* |z| of a row, or a little more. */
static double most_length(const float *z, size_t stride)
{
    return sqrt(ch_norm2_row(z, stride)) * (1 + 0x1p-53 * ((double)stride / CH_ROW_LANES + 8));
}

/* Lists those of the first `bounded` places whose samples are near.
 * @param most  kappa and room for rounding */
static void list_near(ch_near *self, const ch_gram *gram, size_t bounded, double most)
{
    const size_t stride = gram->set->stride;
    const double radius = sqrt(self->radius2);
    self->num = 0;
    for (size_t place = 0; place < bounded; place++) {
        const float *z = ch_gram_sample(gram, place);
        const double margin = ch_dot(z, self->centre, stride);
        const bool is_far =
            margin > most + radius * most_length(z, stride) && ch_dot(z, gram->set->teacher, stride) > 0;
        self->places[self->num] = (uint32_t)place;
        self->num += !is_far;
    }
    self->count = ch_gram_to_block(self->num);
}

void ch_near_choose(ch_near *self, ch_gram *gram, const double *weights, double signal, double temperature,
                    double kappa)
{
    const size_t stride = gram->set->stride;
    const double longest = gram->screen->most_norm;
    forget_rows(self);
    const double noise = choose_cylinder(self, weights, signal, gram->set->teacher, stride, temperature * longest);
    self->is_used = false;
    self->age = 0;
    if (gram->count < LEAST_BOUNDED || !(self->signal > 0) || !make_slab(self, gram->screen->num_samples)) {
        return;
    }
    const size_t bounded = ch_screen_count(gram->screen, ch_screen_bound(gram->screen, self->signal, noise, kappa));
    /* With x = slip max |z| / 4, these are off by x at most: z . c, z . w, v (s - s_c) by the rounding of v, and R |z|;
     * and v (s - s_c) is off by 2 x by that of s and s_c. That makes 6 x. */
    list_near(self, gram, bounded, kappa + 2 * self->slip * longest);
    self->is_used = self->num > 0 && LEAST_ROWS * self->count <= self->slab_size &&
                    LEAST_GAIN * self->count <= (LEAST_GAIN - 1) * gram->count;
    if (self->is_used) {
        ch_gram_set_count(gram, ch_gram_to_block(bounded));
    }
}

/* ---- rows ---- */

const int32_t *ch_near_make_row(ch_near *self, ch_gram *gram, uint32_t place)
{
    const int32_t *whole = ch_gram_row(gram, place);
    if ((self->num_rows + 1) * self->count > self->slab_size) {
        forget_rows(self);
    }
    int32_t *row = self->slab + self->num_rows * self->count;
    self->row_place[self->num_rows] = place;
    self->row_of[place] = (uint32_t)++self->num_rows;
    for (size_t k = 0; k < self->num; k++) {
        row[k] = whole[self->places[k]];
    }
    memset(row + self->num, 0, (self->count - self->num) * sizeof *row);
    return row;
}
