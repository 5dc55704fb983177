/* student.h — the linear student: its margins, which samples are unfitted, and its updates. Private to perceptron/.
 *
 * All learners of perceptron/ use these functions, so that the same sample is unfitted for all of them, to the bit.
 */
#ifndef CH_STUDENT_H
#define CH_STUDENT_H

#include "data/rows.h"
#include "perceptron/perceptron.h"

/** The definition: a sample is unfitted while its margin is under kappa. At kappa it is fitted. A margin that is NaN
 *  counts as unfitted. */
static inline bool ch_is_unfitted(double margin, double kappa)
{
    return !(margin >= kappa);
}

/** T = eta / B, the length by which an update moves w along each unfitted z. */
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

/** m = w . z of a training sample, in double. */
static inline double ch_student_margin(const ch_perceptron *self, uint32_t sample)
{
    return ch_dot(ch_sample_set_row(self->setup.train, sample), self->weights, self->stride);
}

/** Finds the unfitted samples of a batch at this step's w.
 *  @param batch  [size] indices of training samples
 *  @param sum    their margins are added to it; it stays finite unless one of them is not
 *  @return their number; self->active has their indices, in the batch's order */
static inline uint32_t ch_student_find_active(ch_perceptron *self, const uint32_t *batch, uint32_t size, double *sum)
{
    const double kappa = self->setup.kappa;
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i++) {
        const double margin = ch_student_margin(self, batch[i]);
        if (ch_is_unfitted(margin, kappa)) {
            self->active[count++] = batch[i];
            *sum += margin;
        }
    }
    return count;
}

/** w <- w + (eta / B) sum of z_mu over `count` samples, in their order. Counts `uses` and `distinct`.
 *  @param samples  [count] indices of training samples */
void ch_student_update(ch_perceptron *self, const uint32_t *samples, uint32_t count);

/** Observes the test samples: the fraction that is not classified rightly, m > 0, where a margin of NaN counts as an
 *  error; and the density of |F| near 0.
 *  @param weights   [test->stride], 0 beyond d
 *  @param sizes     [test->num_samples] to work in
 *  @param smallest  [ch_near_boundary_room(test->num_samples)] to work in
 *  @param watch     its stop flag ends the work; may be NULL
 *  @param out       has ||Dw|| already
 *  @return CH_OK, CH_ERROR_INTERRUPTED */
ch_code ch_student_test(const ch_sample_set *test, const double *weights, double *sizes, double *smallest,
                        const ch_watch *watch, ch_observation *out, ch_error *err) CH_MUST_CHECK;

/** ch_learner.exchange of the plain engine, and of the student of the fast one. */
void ch_perceptron_exchange(ch_learner *learner, struct ch_snapshot *snapshot);

/** ||w0|| of w0 ~ N(0, I_d): the root of a chi-square number of d degrees of freedom. */
double ch_student_draw_norm_init(size_t dim, uint64_t seed);

#endif
