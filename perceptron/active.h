/* active.h — the margins of all samples within reach of the noise, and which of them are unfitted.
 *
 * Slack of sample mu: (m_mu - kappa) / T, in units of the temperature T = eta / B. An update by sample nu adds the Gram
 * product z_nu . z_mu to it. Slacks are kept in single precision; `error` bounds what they are off by. Only a slack
 * within the error of 0 says nothing: its margin is computed again in double, as the plain engine computes it.
 */
#ifndef CH_ACTIVE_H
#define CH_ACTIVE_H

#include "perceptron/perceptron.h"

typedef struct ch_active_set ch_active_set;

/** Room for all that a run can need; nothing is known yet.
 *  @param student  whose weights are updated; borrowed
 *  @return NULL when memory is short */
ch_active_set *ch_active_set_new(ch_perceptron *student, const ch_reach *reach) CH_MUST_CHECK;
void ch_active_set_free(ch_active_set *self);

/** Computes all margins within reach of the student as it is. */
void ch_active_set_begin(ch_active_set *self);

/** Samples within reach of the student as it is, with some room for the noise to grow; as begin would take. */
size_t ch_active_set_num_reached(const ch_active_set *self);

/** False where single precision cannot screen the student as it is: its margins are too many times T. */
bool ch_active_set_is_precise(const ch_active_set *self);

/** The unfitted samples of the student as it is.
 *  @param num_unfitted  out: how many
 *  @return [num_unfitted] places, for ch_active_set_update; the caller may reorder them; good until the next call */
uint32_t *ch_active_set_unfitted(ch_active_set *self, uint32_t *num_unfitted);

/** w <- w + T sum z over `count` places, and follows with the margins.
 *  @return false when a weight is no longer finite */
bool ch_active_set_update(ch_active_set *self, const uint32_t *places, uint32_t count) CH_MUST_CHECK;

#endif
