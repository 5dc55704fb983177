/* state.h — the network under training and its passes over samples: outputs, margins, gradients, moving the weights.
 *
 * It is the lowest part of the learner, and uses none of the others:
 *
 *   state           the network, its workers, and passes over lists of samples
 *   steps           commits updates; steps of sgd one by one, of gd, sde and unfitted
 *   lookahead_sums  sums of the first layer, by which the fast engine tests samples cheaply
 *   lookahead       the fast engine: sgd without its idle steps
 *   flow            gradient flow
 *   kernel_meter    the tangent kernel of some samples
 *   curvature_meter the Hessian of the loss
 *   observe         observations
 *   learner         sets up and frees all of them
 *
 * Threads. A list of samples is cut into chunks; workers, each with a copy of the network, take one chunk at a time.
 * A sample's output does not depend on which worker computes it nor on the samples beside it, and gradients of chunks
 * are added in the order of the chunks. So no bit depends on the number of threads.
 */
#ifndef CH_LEARNER_STATE_H
#define CH_LEARNER_STATE_H

#include "models/learner/setup.h"
#include "models/network/precision.h"

/** Samples to pass over, as places in a set of examples. */
typedef struct {
    const uint32_t *index; /* [count] borrowed; NULL for the samples 0 ... count - 1 */
    size_t count;
} ch_sample_list;

/** A copy of the network, which takes chunks of samples. */
typedef struct {
    ch_passes passes;
    /* [chunk] the factors c_mu of the gradients of f at the samples of the present chunk; owned */
    double *coefficients;
    double *gradient; /* [num_weights] the gradient of the present chunk; owned */
} ch_worker;

/** Counts over the samples of a pass. */
typedef struct {
    double sum;      /* the sum of their margins, which is finite unless a margin is not */
    size_t unfitted; /* samples with !(m >= kappa), so that NaN counts */
    size_t active;   /* number of samples whose gradient is not 0 */
} ch_pass_summary;

/** The most samples that one thread tests in a round of the fast engine (lookahead.h) when it works alone. The samples
 *  that come after the first update of a round are tested for nothing. They are half of the round on average, so that
 *  larger rounds waste more. */
enum { CH_ROUND_SAMPLES = 128 };

/** The network and what every dynamics shares. Numbers in brackets are lengths of arrays. */
typedef struct ch_network_state {
    ch_network_learner_setup setup; /* with threads >= 1 */
    /* sizes, known before memory is allocated */
    size_t chunk;     /* samples that a worker takes at a time: the capacity of its workspace */
    size_t round;     /* samples that all workers take at a time: chunk x threads */
    size_t num_tests; /* test samples, 0 without a test set */
    size_t num_weights;
    double sample_cost; /* operations of a forward pass of one sample */
    /* the network */
    ch_worker *workers; /* [threads] the first has the weights w; owned */
    bool is_shared;     /* whether the other workers have the present weights */
    float *start;       /* w0 [num_weights], exact in single precision; owned */
    double norm_init;   /* ||w0|| */
    double *gradient;   /* [num_weights] the gradient of a list that has several chunks; owned */
    /* what is known of samples */
    double *start_outputs; /* f(w0, x) of the training samples [P]; owned */
    double *start_tests;   /* f(w0, x) of the test samples [num_tests]; owned */
    double *tests;         /* f(w, x) of the test samples, and then |F|, [num_tests]; owned */
    double *smallest;      /* [ch_near_boundary_room(num_tests)] the smallest |F|; owned */
    double *margins;       /* [P + samples of a round] margins of the last pass, in the order of its list; owned */
    double *layer_change;  /* [num_layers] ||w - w0|| of every layer with weights, for observations; owned */
    /* batches and noise */
    uint32_t *batch; /* [B] the batch of a step of sgd; owned */
    size_t pending;  /* size of a batch in it that is drawn, and whose step a stop has put off; 0: none is */
    /* [P] a permutation whose first B are the batch, or, by epochs, its first `drawn` the samples of this epoch; or a
     * list of unfitted samples; owned */
    uint32_t *order;
    uint32_t drawn; /* samples drawn in this epoch */
    double *noise;  /* factors of the gradients in the sde's noise: [P], of length 0 under other dynamics; owned */
    ch_random random, noise_random; /* streams of the batches, and of the sde's noise */
    /* When sgd looks at all samples to see whether the run is over. */
    uint64_t patience;  /* number of idle steps in a row, ceil(P / B), after which sgd looks at all samples */
    uint64_t next_look; /* step at which sgd looks at all samples if it makes no update before */
    bool is_look_due;   /* whether it is to look before the next step */
    /* number of updates at which the weights are compared with those of the last comparison */
    uint64_t next_rest_check;
    uint64_t fingerprint; /* a hash of the weights at the last comparison */
} ch_network_state;

/** Sets setup and sizes alone, which is what the functions that announce bytes need. */
void ch_state_set_sizes(ch_network_state *self, const ch_network_learner_setup *setup);

/** Allocates everything, draws w0 and finds f(w0, x) of all samples.
 *  @param self  zeroed; to be freed after an error, too
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED; and as ch_passes_init */
ch_code ch_state_init(ch_network_state *self, const ch_network_learner_setup *setup, ch_error *err) CH_MUST_CHECK;
void ch_state_free(ch_network_state *self);

struct ch_snapshot;
/** Writes into a snapshot what training has changed, or reads it. */
void ch_state_exchange(ch_network_state *self, struct ch_snapshot *snapshot);

/** Bytes of what ch_state_init allocates, at most, from the sizes alone. Noise is counted under every dynamics. */
double ch_state_bytes(const ch_network_state *self);

/** Whether the passes are in double precision. */
bool ch_state_is_wide(const ch_network_state *self);

/** @param weights  [num_weights], copied */
void ch_state_set_weights(ch_network_state *self, const double *weights);
/** @return w [num_weights], owned by the state, valid until the weights change */
const double *ch_state_weights(const ch_network_state *self);
bool ch_state_weights_are_finite(const ch_network_state *self);

/** f(w, x) of a list's samples.
 *  @param outputs  out [list->count]
 *  @return false when stopped */
bool ch_state_outputs(ch_network_state *self, const ch_examples *set, const ch_sample_list *list,
                      double *outputs) CH_MUST_CHECK;

/** Margins of a list's training samples, into self->margins.
 *  @return false when stopped */
bool ch_state_margins(ch_network_state *self, const ch_sample_list *list) CH_MUST_CHECK;

/** The same by stored sums of the first layer, as ch_first_layer_forward; no gradient may follow.
 *  @param list   with an index
 *  @param layer  the stored sums of all training samples; not changed, unless `sums` is its own
 *  @param sums   out [list->count][m] the sums of the list's samples, brought up to date
 *  @return false when stopped */
bool ch_state_margins_by_sums(ch_network_state *self, const ch_sample_list *list, const ch_first_layer *layer,
                              float *sums) CH_MUST_CHECK;

/** y l'(m) of the i-th sample of a list, whose margin is self->margins[i]: the factor of grad f in its gradient. */
double ch_state_slope(const ch_network_state *self, const ch_sample_list *list, size_t i);

/** Sums and counts over the margins of all training samples, which are in self->margins.  @param seen  out */
void ch_state_summarise(const ch_network_state *self, ch_pass_summary *seen);

/** Computes the margins of all training samples, into self->margins, and summarises them.
 *  @return false when stopped */
bool ch_state_look(ch_network_state *self, ch_pass_summary *seen) CH_MUST_CHECK;

/** Margins of a list's samples, and the sum of (scale + extra_mu) g_mu over them.
 *
 *  @param extra     [P]; NULL: 0
 *  @param gradient  [num_weights], to which the sum is added. NULL, for a list of one chunk at most: the sum is not
 *                   made; its coefficients stay in workers[0].coefficients, for ch_passes_update
 *  @return false when stopped */
bool ch_state_pass(ch_network_state *self, const ch_sample_list *list, double scale, const double *extra,
                   double *gradient, ch_pass_summary *seen) CH_MUST_CHECK;

/** ch_state_pass, whose sum ch_state_move then adds to w if the step is to be taken. No pass may come between them.
 *  @return false when stopped */
bool ch_state_prepare(ch_network_state *self, const ch_sample_list *list, double scale, const double *extra,
                      ch_pass_summary *seen) CH_MUST_CHECK;
void ch_state_move(ch_network_state *self, const ch_sample_list *list);

/** Whether weights have a velocity, so that they move at every step. */
static inline bool ch_state_has_velocity(const ch_network_state *self)
{
    return self->setup.momentum > 0 || self->setup.weight_decay > 0;
}

static inline bool ch_state_is_stopped(const ch_network_state *self)
{
    return ch_watch_is_stopped(self->setup.watch);
}

#endif
