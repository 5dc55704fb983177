/* first_layer.h — the lookahead sums: the sums W x of a network's first layer, stored for every training sample.
 *
 * An update changes W by one rank-one term delta_a x_a^T for every sample a that has a gradient. The sums of a sample x
 * then change by
 *   W x += sum_a delta_a (x_a . x),
 * which takes n + m multiply-adds a term, where computing them from scratch takes n m. Late in training few terms come
 * between two tests of a sample, and the first layer is most of the work of a multilayer perceptron on images.
 *
 * The sums are in single precision. A sample's sums are computed from scratch after they were brought up to date
 * FIRST_LAYER_TIMES times, so that the rounding of these steps stays about as small as that of a sum of some hundred
 * products.
 */
#ifndef CH_FIRST_LAYER_H
#define CH_FIRST_LAYER_H

#include "models/network/network.h"

#include <stdbool.h>

enum { FIRST_LAYER_TERMS = 64, FIRST_LAYER_TIMES = 255 };

/** n inputs, m outputs, P samples. */
typedef struct {
    size_t num_inputs, num_outputs, num_samples;
    size_t most_terms;  /* sums that lack more terms than this are computed from scratch */
    float *sums;        /* [P][m] the sums; owned */
    uint64_t *since;    /* [P] the number of terms there were when a sample's sums were last right; owned */
    uint8_t *times;     /* [P] how often they were brought up to date since they were computed from scratch; owned */
    float *inputs;      /* [n][2 most_terms] x_a of the latest terms, a column each; owned */
    float *deltas;      /* [2 most_terms][m] delta_a of the latest terms; owned */
    size_t num_listed;  /* the number of terms in `inputs` and `deltas` */
    uint64_t num_terms; /* the number of terms so far in the run */
} ch_first_layer;

/** The number K of terms at which bringing sums up to date costs half as much as computing them from scratch,
 *  K (n + m) = n m / 2, at most FIRST_LAYER_TERMS. 0 where the first layer is not dense, or has more outputs than
 *  inputs, so that its sums would take more memory than the samples. */
size_t ch_first_layer_terms(const ch_architecture *architecture);

/** Starts without sums. For an architecture with ch_first_layer_terms > 0.  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_first_layer_init(ch_first_layer *self, const ch_architecture *architecture, size_t num_samples,
                            ch_error *err) CH_MUST_CHECK;
void ch_first_layer_free(ch_first_layer *self);

/** Bytes that ch_first_layer_init allocates. */
double ch_first_layer_bytes(const ch_architecture *architecture, size_t num_samples);

struct ch_snapshot;
/** Writes the sums that are not stale, and the terms, into a snapshot; or reads them, so that all other sums become
 *  stale. The caller has begun a section of the snapshot. */
void ch_first_layer_exchange(ch_first_layer *self, struct ch_snapshot *snapshot);

/** Declares all sums out of date, after a change of W that was not noted. */
void ch_first_layer_forget(ch_first_layer *self);

/** Does what ch_network_forward does for training samples, from their sums where these lack at most most_terms terms.
 *  The result of a sample depends on its stored sums alone, not on the other samples. No backward pass may follow.
 *
 *  @param self    not changed, unless `sums` is self->sums
 *  @param inputs  [P][n] of all training samples
 *  @param index   [count] the samples
 *  @param sums    out [count][m] W x; may be self->sums where index is 0, 1, 2, … */
void ch_first_layer_forward(const ch_first_layer *self, ch_network *net, const float *inputs, const uint32_t *index,
                            size_t count, float *sums, float *outputs);

/** Stores sums that ch_first_layer_forward has computed, provided that W has not changed since.
 *  @param index  [count] the samples; one may occur more than once
 *  @param sums   [count][m]; self->sums where they are stored already */
void ch_first_layer_store(ch_first_layer *self, const uint32_t *index, size_t count, const float *sums);

/** Notes the terms of the update that the network has just made. Declares all sums out of date where there are more
 *  than most_terms terms, or one is not finite. */
void ch_first_layer_note(ch_first_layer *self, const ch_network *net);

/** The number of terms that a sample's sums lack. */
static inline uint64_t ch_first_layer_lacks(const ch_first_layer *self, uint32_t sample)
{
    return self->num_terms - self->since[sample];
}

/** Whether a sample's sums have to be computed from scratch. */
static inline bool ch_first_layer_is_stale(const ch_first_layer *self, uint32_t sample)
{
    const uint64_t lacks = ch_first_layer_lacks(self, sample);
    return lacks > self->most_terms || (lacks > 0 && self->times[sample] == FIRST_LAYER_TIMES);
}

#endif
