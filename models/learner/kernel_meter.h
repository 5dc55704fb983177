/* kernel_meter.h — the tangent kernel of the first n training samples, how far it is from what it was at w0, and what
 * it says of the samples' loss gradients. In double precision: close to the lazy limit the kernel hardly changes. */
#ifndef CH_LEARNER_KERNEL_METER_H
#define CH_LEARNER_KERNEL_METER_H

#include "models/learner/state.h"

typedef struct ch_kernel_meter {
    size_t num_samples; /* n */
    double *factors;    /* [n] of the samples in a quadratic form; owned */
    double *start;      /* K0 = K at w0, [n][n]; owned */
    double *now;        /* K at w, [n][n]; owned */
} ch_kernel_meter;

/** Measures K0 of the first setup.kernel_samples training samples.
 *  @param self   zeroed; to be freed after an error, too
 *  @param state  with the weights w0
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_kernel_meter_init(ch_kernel_meter *self, const ch_network_state *state, ch_error *err) CH_MUST_CHECK;
void ch_kernel_meter_free(ch_kernel_meter *self);

/** Bytes that it takes, with those while it measures.
 *  @param state  its sizes are set */
double ch_kernel_meter_bytes(const ch_network_state *state);

/** Measures K, for the entries of an observation that the kernel and the loss gradients are.
 *  @param state  its margins are those of all samples
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_kernel_meter_observe(ch_kernel_meter *self, const ch_network_state *state, ch_observation *out,
                                ch_error *err) CH_MUST_CHECK;

#endif
