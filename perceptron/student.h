/* student.h — what the plain and the fast engine do alike: margins and updates of the student. */
#ifndef CH_STUDENT_H
#define CH_STUDENT_H

#include "perceptron/kernels.h"
#include "perceptron/perceptron.h"

/** T = eta / B */
static inline double ch_student_temperature(const ch_perceptron *self)
{
    return self->setup.rate / (double)self->setup.batch;
}

/** s = w . e and r^2 = |w - s e|^2 */
static inline void ch_student_measure(const ch_perceptron *self, double *signal, double *noise2)
{
    const double *teacher = self->setup.train->teacher;
    *signal = ch_dot_wide(self->weights, teacher, self->stride);
    *noise2 = ch_norm2_across(self->weights, *signal, teacher, self->stride);
}

/** m - kappa of a sample, in double. */
static inline double ch_student_excess(const ch_perceptron *self, uint32_t sample)
{
    return ch_dot(ch_sample_set_row(self->setup.train, sample), self->weights, self->stride) - self->setup.kappa;
}

/** The unfitted samples of a batch at this step's w, into self->active. Written !(m >= kappa), so that NaN counts as
 *  unfitted. Adds their margins to `sum`, which is finite unless one of them is not.
 *  @return their number */
static inline uint32_t ch_student_find_active(ch_perceptron *self, const uint32_t *batch, uint32_t size, double *sum)
{
    const double kappa = self->setup.kappa;
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i++) {
        const double margin = ch_dot(ch_sample_set_row(self->setup.train, batch[i]), self->weights, self->stride);
        if (!(margin >= kappa)) {
            self->active[count++] = batch[i];
            *sum += margin;
        }
    }
    return count;
}

/** w <- w + (eta / B) sum of z_mu over `count` samples */
void ch_student_update(ch_perceptron *self, const uint32_t *samples, uint32_t count);

/** Fraction of the test samples not classified rightly: not m > 0, so that NaN counts as an error. */
double ch_student_test_error(const ch_sample_set *test, const double *weights);

/** |w0| of w0 ~ N(0, I_d) */
double ch_student_draw_norm_init(size_t dim, uint64_t seed);

#endif
