/* waiting.h — when a batch next holds an unfitted sample, and how many of them it holds. */
#ifndef CH_WAITING_H
#define CH_WAITING_H

#include "core/core.h"

#include <stdint.h>

/** Batches of B distinct samples of P, u of which are unfitted: steps until one holds at least one, >= 1.
 *
 *  Geometric: P(wait > k) = q^k, q = C(P - u, B) / C(P, B). Needs 1 <= u <= P and 1 <= B <= P.
 *
 *  @param log_none  out: ln q, -inf when every batch holds one
 */
uint64_t ch_waiting_steps(ch_random *random, uint32_t num_samples, uint32_t batch, uint32_t unfitted, double *log_none);

/** Number of unfitted samples in such a batch: hypergeometric, given at least one.
 *  @param log_none  from ch_waiting_steps */
uint32_t ch_waiting_number(ch_random *random, uint32_t num_samples, uint32_t batch, uint32_t unfitted, double log_none);

#endif
