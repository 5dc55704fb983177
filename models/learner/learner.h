/* learner.h — a network under training: every loss and every dynamics, behind the learner's interface. */
#ifndef CH_NETWORK_LEARNER_H
#define CH_NETWORK_LEARNER_H

#include "models/learner/setup.h"

/** Draws w0 and passes over all samples at w0, for f(w0, x).
 *  @return CH_OK; CH_ERROR_INPUT for a setup outside its ranges; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED. After an error
 *          nothing is left to free, though ch_network_learner_free is legal. */
ch_code ch_network_learner_init(ch_network_learner *self, const ch_network_learner_setup *setup,
                                ch_error *err) CH_MUST_CHECK;
void ch_network_learner_free(ch_network_learner *self);

/** Bytes that a learner takes beside what its setup points to, at most; SIZE_MAX when that overflows. Looks at no
 *  samples: train may be NULL, and of test only its number of samples is read. */
size_t ch_network_learner_bytes(const ch_network_learner_setup *setup);

/** The weights w in the architecture's order.
 *  @return [num_weights], owned by the learner, valid until it advances */
const double *ch_network_learner_weights(const ch_network_learner *self);

/** Finds the mean loss over the training samples at other weights, which the learner has from then on: only a run that
 *  is over can want that.
 *  @param weights  [num_weights] in the architecture's order; single precision rounds them unless the setup is `wide`
 *  @param loss     out: L, without the term of a weight decay
 *  @return CH_OK; CH_ERROR_INTERRUPTED */
ch_code ch_network_learner_loss(ch_network_learner *self, const double *weights, double *loss,
                                ch_error *err) CH_MUST_CHECK;

#endif
