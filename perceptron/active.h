/* active.h — the margins of all samples within reach of the noise, and which of them are unfitted.
 *
 * Slack of sample mu: (m_mu - kappa) / T, in units of the temperature T = eta / B. An update by sample nu adds the Gram
 * product z_nu . z_mu to it. Slacks are kept as whole numbers of a quantum, rows of the Gram matrix as 16-bit ones, so
 * that their sums are exact and only the rounding of each row has to be counted: `error` bounds what the slacks are off
 * by. A slack within it of 0 says nothing: its margin is computed again in double, as the plain engine computes it.
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

/** Rows of the Gram matrix that are kept while `count` samples are within reach. */
size_t ch_active_set_most_rows(const ch_active_set *self, size_t count);

/** Whether `count` samples within reach would lie one after the other. */
bool ch_active_set_is_packed(const ch_active_set *self, size_t count);

/** False where double precision cannot tell the slacks of the student as it is: its margins are too many times T. */
bool ch_active_set_is_precise(const ch_active_set *self);

/** Number of unfitted samples of the student as it is. */
uint32_t ch_active_set_num_unfitted(const ch_active_set *self);

/** Place of one of them, by its rank among them, from 0. */
uint32_t ch_active_set_place(const ch_active_set *self, uint32_t rank);

/** Places of all of them, in the order of their ranks.
 *  @param places  out [number of unfitted samples] */
void ch_active_set_list(const ch_active_set *self, uint32_t *places);

/** w <- w + T sum z over `count` places, and follows with the margins.
 *  @return false when a weight is no longer finite */
bool ch_active_set_update(ch_active_set *self, const uint32_t *places, uint32_t count) CH_MUST_CHECK;

/** Adds the margins computed and the entries of rows made and added so far. */
void ch_active_set_add_work(const ch_active_set *self, ch_fast_work *work);

#endif
