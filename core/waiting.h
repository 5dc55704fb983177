/* waiting.h — when a batch next holds a marked sample, and how many of them it holds. */
#ifndef CH_WAITING_H
#define CH_WAITING_H

#include "core/core.h"

#include <stdint.h>

/** The law of batches of B distinct samples of P, u of which are marked. A batch holds none with probability
 *  q = C(P - u, B) / C(P, B). */
typedef struct {
    uint32_t num_samples, batch, marked;
    double none;         /* q */
    double some;         /* 1 - q */
    double one;          /* chance that a batch holds one */
    double per_log_none; /* 1 / ln q; -0 when every batch holds one */
} ch_waiting;

/** Needs 1 <= u <= P and 1 <= B <= P. Cost: min(u, B) logarithms. */
void ch_waiting_init(ch_waiting *self, uint32_t num_samples, uint32_t batch, uint32_t marked);

/** Steps until a batch holds at least one, >= 1. Geometric: P(wait > k) = q^k. */
uint64_t ch_waiting_steps(const ch_waiting *self, ch_random *random);

/** Number of marked samples in such a batch: hypergeometric, given at least one. */
uint32_t ch_waiting_number(const ch_waiting *self, ch_random *random);

#endif
