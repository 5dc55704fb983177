/* kernel_meter.h — the tangent kernel of the first n training samples: its change since w0, its alignment with the
 * labels, and the mean and variance of the samples' loss gradients. All is in double precision, since close to the lazy
 * limit the kernel hardly changes. */
#ifndef CH_LEARNER_KERNEL_METER_H
#define CH_LEARNER_KERNEL_METER_H

#include "models/learner/state.h"

typedef struct ch_kernel_meter {
    size_t num_samples; /* n */
    double *factors;    /* [n] coefficients of a quadratic form of K, to work in; owned */
    double *start;      /* K0 = K at w0, [n][n]; owned */
    double *now;        /* K at w, [n][n]; owned */
} ch_kernel_meter;

/** Measures K0 of the first setup.kernel_samples training samples.
 *  @param self   zeroed; to be freed after an error, too
 *  @param state  with the weights w0
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_kernel_meter_init(ch_kernel_meter *self, const ch_network_state *state, ch_error *err) CH_MUST_CHECK;
void ch_kernel_meter_free(ch_kernel_meter *self);

/** Bytes of what it holds, and of what it takes while it measures.
 *  @param state  its sizes are set */
double ch_kernel_meter_bytes(const ch_network_state *state);

/** Measures K, and sets kernel_change, kernel_alignment, gradient_mean, gradient_variance and gradient_snr of an
 *  observation.
 *  @param state  its margins are those of all samples
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_kernel_meter_observe(ch_kernel_meter *self, const ch_network_state *state, ch_observation *out,
                                ch_error *err) CH_MUST_CHECK;

#endif
