/* sample_set.h — samples of the laws whose label a plane gives, in the form in which a linear student takes them.
 *
 * Depleted Gaussian: x = x_par e + x_perp, x_perp ~ N(0, I_{d-1}), y = sign(x_par), and
 *   rho(x_par) = |x_par|^chi exp(-x_par^2 / 2) / Z_chi,   chi > -1.
 * |x_par| is drawn as sqrt(2 G), G ~ Gamma((chi + 1) / 2, 1).
 */
#ifndef CH_SAMPLE_SET_H
#define CH_SAMPLE_SET_H

#include "core/core.h"
#include "data/law.h"

#include <stddef.h>
#include <stdint.h>

/** P samples z_mu = y_mu x_mu / sqrt(d), so that a linear student's margin is w . z_mu.
 *
 *  With the axis teacher the first entry of z is |x_par| / sqrt(d), rounded to single precision: relative error 2^-24,
 *  however close to the boundary. With a random teacher x_par is spread over all entries, and known to about 1e-7
 *  absolute.
 */
typedef struct {
    size_t num_samples; /* P */
    size_t dim;         /* d */
    size_t stride;      /* ch_row_stride(d) */
    float *rows;        /* [P][stride], row-major, 0 beyond d; owned */
    double *teacher;    /* [stride], unit vector e, 0 beyond d; owned */
    double *deviations; /* [d] standard deviations of the inputs along the axes; NULL: they are 1 or unknown; owned */
} ch_sample_set;

/** Draws P samples of a law whose label a plane gives.
 *
 *  @param purpose   CH_STREAM_TRAIN_SAMPLES, CH_STREAM_TEST_SAMPLES or CH_STREAM_ONLINE_SAMPLES
 *  @param threads   threads to use, >= 1; does not change a bit of the result
 *  @param watch     may end the drawing; borrowed, may be NULL
 *  @return CH_OK; CH_ERROR_INTERRUPTED when stopped; CH_ERROR_INPUT for another law, and for chi, dim or num_samples
 *          outside their range; CH_ERROR_MEMORY
 */
ch_code ch_sample_set_init(ch_sample_set *self, const ch_data_law *law, ch_stream purpose, size_t num_samples,
                           int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;
void ch_sample_set_free(ch_sample_set *self);

/** As ch_sample_set_init, without drawing: the rows are not initialised. */
ch_code ch_sample_set_init_undrawn(ch_sample_set *self, const ch_data_law *law, size_t num_samples,
                                   ch_error *err) CH_MUST_CHECK;

/** Draws the samples first, first + 1, … of a law in place of those of a set, the teacher on the first axis.
 *  @param self   made by ch_sample_set_init of a law of the same dimension, teacher on the first axis, without a
 *  spectrum
 *  @param watch  may end the drawing; borrowed, may be NULL
 *  @return false when stopped: a part of the rows is drawn */
bool ch_sample_set_redraw(ch_sample_set *self, const ch_data_law *law, ch_stream purpose, uint64_t first,
                          const ch_watch *watch) CH_MUST_CHECK;

/** Bytes that the rows of P samples of dimension d take; SIZE_MAX when that overflows. */
size_t ch_sample_set_bytes(size_t num_samples, size_t dim);

/** The sample mu < P: [stride], borrowed from the set. */
static inline const float *ch_sample_set_row(const ch_sample_set *self, size_t mu)
{
    return self->rows + mu * self->stride;
}

#endif
