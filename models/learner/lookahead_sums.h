/* lookahead_sums.h — sums of the first layer, stored for every sample, by which the fast engine tests samples cheaply.
 *
 * What they are. The lookahead sums of a sample x are W x, the m numbers that the first layer, W [m][n], has for it
 * before biases and activation. In a multilayer perceptron on images all other layers are small beside the first one,
 * so that W x is most of the work of a sample's forward pass.
 *
 * When they are brought up to date. An update adds to W a term delta_a x_a^T for each sample a of the batch that had a
 * gradient. The last terms are listed (ch_first_layer). Each time a sample is tested, the terms that came since its
 * sums were stored are added to them, W x += sum_a delta_a (x_a . x): n + m multiply-adds a term, where sums from
 * scratch take n m. Sums that lack too many terms, or that were brought up to date 255 times, are made from scratch.
 *
 * When they are used. A sample is tested again after P / B steps on average, and its sums then lack the terms of the
 * updates in between. The sums are used while the expected number of these terms is so small that bringing sums up to
 * date costs less than half as much as making them from scratch. They are possible only in single precision, where the
 * first layer is dense with m <= n, and where a round of any number of threads holds two batches or more.
 *
 * What they decide. Only which batches are computed from scratch. An update is computed from scratch, at weights in
 * double, and so is the look that finds the run fitted. Rounding in the sums can have one effect: that a sample close
 * to the margin is taken for active or idle wrongly. Where a batch that is active by its sums turns out to have no
 * gradient, no update is made, and the sums are dropped.
 *
 * Why no bit depends on threads, limits or observations. Those decide how many batches are tested in a round. A
 * sample's sums and output do not depend on the samples beside it. What is stored are the sums of batches that were
 * reached, and of all samples after a look, never those of batches tested in vain; whether sums are on follows from the
 * updates and the steps between them.
 *
 * Memory: 4 P m bytes and the terms (ch_first_layer_bytes), and 4 m for each sample of a round. Theory and cost law:
 * docs/theory.md, "The fast engine of networks". */
#ifndef CH_LEARNER_LOOKAHEAD_SUMS_H
#define CH_LEARNER_LOOKAHEAD_SUMS_H

#include "models/learner/steps.h"

typedef struct {
    bool is_possible;     /* whether sums can be used; if not, no other member is set or read */
    bool is_on;           /* whether samples are tested by sums at present */
    ch_first_layer layer; /* the stored sums and the last terms; owned */
    float *tested;        /* [round][m] sums of the samples of the last test, in their order; owned */
    uint32_t *all;        /* [P] the numbers 0 ... P - 1; owned */
    /* number of terms of the last updates, each weighted by (15/16)^k when it came k updates ago */
    double recent_terms;
    double recent_steps; /* number of steps that these updates took, with the same weights */
} ch_lookahead_sums;

/** @param self  zeroed; to be freed after an error, too
 *  @return CH_OK, also where sums are not possible; CH_ERROR_MEMORY */
ch_code ch_lookahead_sums_init(ch_lookahead_sums *self, const ch_network_state *state, ch_error *err) CH_MUST_CHECK;
void ch_lookahead_sums_free(ch_lookahead_sums *self);

/** Writes the sums into a snapshot, or reads them. */
void ch_lookahead_sums_exchange(ch_lookahead_sums *self, struct ch_snapshot *snapshot);

/** Bytes of what ch_lookahead_sums_init allocates.
 *  @param state  its sizes are set */
double ch_lookahead_sums_bytes(const ch_network_state *state);

/** Margins of samples, into state->margins: by sums where these are on, else from scratch.
 *  @param list  with an index, of at most state->round samples
 *  @return false when stopped */
bool ch_lookahead_sums_test(ch_lookahead_sums *self, ch_network_state *state, const ch_sample_list *list) CH_MUST_CHECK;

/** Stores the sums of the first samples of the last test. Does nothing where sums are not used. */
void ch_lookahead_sums_store(ch_lookahead_sums *self, const ch_sample_list *first);

/** Does as ch_learner_check. Where sums are used and show a sample with a gradient, that is the answer; otherwise
 *  margins are computed from the weights.
 *  @return false when stopped */
bool ch_lookahead_sums_check(ch_lookahead_sums *self, ch_network_learner *learner, ch_pass_summary *seen) CH_MUST_CHECK;

/** As ch_learner_commit. Then lists the update's terms where sums are on, and decides whether they are from here on. */
void ch_lookahead_sums_commit(ch_lookahead_sums *self, ch_network_learner *learner, const ch_sample_list *list,
                              const ch_pass_summary *seen);

#endif
