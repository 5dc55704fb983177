/* lookahead.h — the fast engine of networks: sgd without its idle steps, equal in law to sgd step by step.
 *
 * Objective. The end of a run of sgd, and the step and batch of each of its updates, at less work: late in training
 * most batches hold no sample with a gradient (no active one), and the weights do not move before one that does.
 *
 * A round tests many coming batches in one forward pass. They are drawn in the order in which sgd would draw them and
 * wait in a queue. The first batch with an active sample is the next update; the batches before it are idle steps, and
 * those after it stay in the queue, to be tested again at the new weights. These are the steps of sgd one by one, to
 * the bit as long as samples are tested from scratch; lookahead_sums.h says when they are tested by sums instead.
 * The number of batches in a round is chosen by how long updates are waited for: it doubles after a round without an
 * update, and after an update it is half of the steps that this one took.
 *
 * A look passes over all P samples instead. It is made after P / B idle steps in a row, and at once after an update
 * where the last look saw at most two active samples: the wait for such a batch costs more than the look. It shows the
 * u active samples. If none is unfitted the run is over: the stopping rule. Else the wait for a batch with an active
 * sample is geometric, the number of active samples in it hypergeometric given at least one, and which they are is
 * uniform (core/waiting.h); so the next update, an event, is drawn directly.
 *
 * Why the law is that of sgd. Batches are independent of each other and of the weights. Whether a look is made depends
 * only on batches already reached (how many were idle since the last update) and on the last look, never on batches
 * that wait in the queue. Given all that, the batches to come are as if none had been drawn: those up to the next
 * update may be drawn afresh given what the look has shown, and those after it may be taken from the queue, whose
 * contents nothing has been made to depend on. Events have a random stream of their own, so that no bit depends on how
 * many batches a round tests, which limits and threads decide.
 *
 * By epochs, batches are not independent, and no event is drawn. After a look the epoch's batches are still drawn one
 * by one, and those without an active sample are idle without a pass. So the steps are those of sgd to the bit as long
 * as samples are tested from scratch.
 *
 * Cost of an update: forward passes over the samples of all batches since the last update, over about as many that are
 * tested beyond it, and a backward pass over the batch; where a look is made, forward passes over P samples beside. */
#ifndef CH_LEARNER_LOOKAHEAD_H
#define CH_LEARNER_LOOKAHEAD_H

#include "models/learner/lookahead_sums.h"

typedef struct ch_lookahead {
    /* [room B] batches that are drawn and whose steps are not taken yet, one after the other, the next one first; owned
     */
    uint32_t *queue;
    /* by epochs, the number of steps before that of the queue's first batch, from which the sizes of batches follow */
    uint64_t steps_before;
    size_t room;          /* number of batches that the queue has room for; below 2, steps are taken one by one */
    size_t queued;        /* number of batches in the queue */
    size_t next_round;    /* number of batches that the next round tests */
    uint32_t *active;     /* [P] samples that were active at the last look, the first num_active; owned */
    uint32_t num_active;  /* UINT32_MAX before the first look */
    bool event_is_known;  /* whether the last look has found the step of the next update */
    uint64_t event_step;  /* that step */
    uint32_t event_count; /* active samples in its batch */
    bool event_is_drawn;  /* whether these are the first of `active`: a stop has put off the step */
    ch_random random;     /* random numbers for events */
    uint64_t looks;       /* number of looks, without observations */
    ch_lookahead_sums sums;
} ch_lookahead;

/** @param self  zeroed; to be freed after an error, too
 *  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_lookahead_init(ch_lookahead *self, const ch_network_state *state, ch_error *err) CH_MUST_CHECK;
void ch_lookahead_free(ch_lookahead *self);

/** Writes the queue, the event and the sums into a snapshot, or reads them. */
void ch_lookahead_exchange(ch_network_learner *learner, struct ch_snapshot *snapshot);

/** As ch_learner.advance, of a learner that has a lookahead. */
void ch_learner_advance_fast(ch_learner *learner, const ch_limit *limit);

#endif
