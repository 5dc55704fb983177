/* waiting.h — the number of steps until a random batch holds a marked sample, and how many marked samples it holds.
 *
 * A step whose batch holds no marked sample changes nothing. Such steps are counted, and their batches are not drawn.
 */
#ifndef CH_WAITING_H
#define CH_WAITING_H

#include "core/random.h"

#include <stdint.h>

/** The law of batches of B distinct samples, drawn uniformly of P, u of which are marked. A batch holds none of these
 *  with probability q = C(P - u, B) / C(P, B). */
typedef struct {
    uint32_t num_samples, batch, marked; /* P, B, u */
    double none;                         /* q */
    double some;                         /* 1 - q */
    double one;                          /* probability that a batch holds exactly one */
    double per_log_none;                 /* 1 / ln q; -0 when every batch holds one */
} ch_waiting;

/** Needs 1 <= u <= P and 1 <= B <= P. Cost: min(u, B) logarithms. */
void ch_waiting_init(ch_waiting *self, uint32_t num_samples, uint32_t batch, uint32_t marked);

/** Draws the number of steps until a batch holds a marked sample, that step included, >= 1. It is geometric,
 *  P(number > k) = q^k, and at most 2^62. */
uint64_t ch_waiting_steps(const ch_waiting *self, ch_random *random);

/** Draws the number of marked samples in a batch that holds one: hypergeometric, given at least one. */
uint32_t ch_waiting_number(const ch_waiting *self, ch_random *random);

/** The laws for fewer marked samples than this are stored once made; others are made again when the number changes. */
enum { CH_WAITING_STORED = 256 };

/** The laws at fixed P and B for every number of marked samples. A law is made when it is first used. */
typedef struct {
    uint32_t num_samples, batch;
    ch_waiting laws[CH_WAITING_STORED]; /* [u]; `marked` is 0 where the law was not made yet */
    ch_waiting other;                   /* the law of the last u >= CH_WAITING_STORED */
} ch_waiting_table;

/** Needs 1 <= B <= P. Nothing is to be freed. */
void ch_waiting_table_init(ch_waiting_table *self, uint32_t num_samples, uint32_t batch);

/** The law for u marked samples, 1 <= u <= P.  @return borrowed from `self`, valid until the next call */
const ch_waiting *ch_waiting_table_law(ch_waiting_table *self, uint32_t marked);

#endif
