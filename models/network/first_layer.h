/* first_layer.h — the sums W x of a network's first layer, kept of every training sample and brought up to date.
 *
 * An update adds to W a term delta_a x_a^T for every sample a that had a gradient, so that a sample's sums change by
 *   W x += sum_a delta_a (x_a . x)
 * n + m multiply-adds a term, where the sums anew take n m. Late in training few terms come between two looks at a
 * sample, and the first layer is most of the work of a multilayer perceptron on images.
 *
 * In single precision. Sums are made anew after FIRST_LAYER_TIMES times, so that what rounding adds to them stays, in
 * general, below what it does to a sum of some hundred products.
 */
#ifndef CH_FIRST_LAYER_H
#define CH_FIRST_LAYER_H

#include "models/network/network.h"

#include <stdbool.h>

enum { FIRST_LAYER_TERMS = 64, FIRST_LAYER_TIMES = 255 };

/** n inputs, m outputs, P samples. */
typedef struct {
    size_t num_inputs, num_outputs, num_samples;
    size_t most_terms;  /* sums that lack more are made anew */
    float *sums;        /* [P][m] owned */
    uint64_t *since;    /* [P] the terms that they hold, of those there ever were; owned */
    uint8_t *times;     /* [P] that they were brought up to date since they were made; owned */
    float *inputs;      /* [n][2 most_terms] x_a of the last terms, a column each; owned */
    float *deltas;      /* [2 most_terms][m] owned */
    size_t num_listed;  /* terms in these */
    uint64_t num_terms; /* there ever were */
} ch_first_layer;

/** Terms at which bringing sums up to date costs half of making them; 0 where the first layer is not a dense one, or
 *  has more outputs than inputs, so that its sums would take more room than the samples. */
size_t ch_first_layer_terms(const ch_architecture *architecture);

/** No sums yet. For an architecture that has terms.  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_first_layer_init(ch_first_layer *self, const ch_architecture *architecture, size_t num_samples,
                            ch_error *err) CH_MUST_CHECK;
void ch_first_layer_free(ch_first_layer *self);

/** Bytes of what ch_first_layer_init makes. */
double ch_first_layer_bytes(const ch_architecture *architecture, size_t num_samples);

/** All sums are to be made anew: after a change of W that was not noted. */
void ch_first_layer_forget(ch_first_layer *self);

/** ch_network_forward of training samples, by their sums where they lack no more than most_terms terms. A sample's
 *  numbers depend on what was kept alone, not on what it is computed with. No backward pass may follow.
 *
 *  @param self    not changed, unless `sums` is its own
 *  @param inputs  [P][n]
 *  @param index   [count] samples
 *  @param sums    out [count][m] W x; self->sums where index is the samples from the first one on */
void ch_first_layer_forward(const ch_first_layer *self, ch_network *net, const float *inputs, const uint32_t *index,
                            size_t count, float *sums, float *outputs);

/** Keeps sums that ch_first_layer_forward has found; W may not have changed since.
 *  @param index  [count] samples, some of them perhaps more than once
 *  @param sums   [count][m]; self->sums where they are there already */
void ch_first_layer_keep(ch_first_layer *self, const uint32_t *index, size_t count, const float *sums);

/** Notes the terms of the update that the network has just made, after ch_network_forward. Forgets all sums where the
 *  terms are more than most_terms, or not finite. */
void ch_first_layer_note(ch_first_layer *self, const ch_network *net);

/** Terms that a sample's sums lack. */
static inline uint64_t ch_first_layer_lacks(const ch_first_layer *self, uint32_t sample)
{
    return self->num_terms - self->since[sample];
}

/** Whether its sums are to be made anew. */
static inline bool ch_first_layer_is_stale(const ch_first_layer *self, uint32_t sample)
{
    const uint64_t lacks = ch_first_layer_lacks(self, sample);
    return lacks > self->most_terms || (lacks > 0 && self->times[sample] == FIRST_LAYER_TIMES);
}

#endif
