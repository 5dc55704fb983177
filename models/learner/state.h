/* state.h — what the files of the network's learner share.
 *
 *   network_learner.c   setting up
 *   learner_passes.c    passes over samples: margins, coefficients, moving the weights
 *   learner_steps.c     steps of gd, sde, unfitted and of sgd one by one
 *   learner_fast.c      sgd without its idle steps
 *   learner_kept.c      its passes by sums of the first layer that are kept
 *   learner_flow.c      gradient flow
 *   learner_observe.c   observations
 *   learner_kernel.c    the tangent kernel of some samples
 */
#ifndef CH_NETWORK_LEARNER_PRIVATE_H
#define CH_NETWORK_LEARNER_PRIVATE_H

#include "core/waiting.h"
#include "models/learner/learner.h"
#include "models/network/precision.h"

/** Samples to pass over. */
typedef struct {
    const uint32_t *index; /* [count]; NULL for 0 .. count */
    size_t count;
} ch_sample_list;

/** A network of its own, for chunks of samples. */
typedef struct {
    ch_passes passes;
    double *coefficients; /* [chunk] owned */
    double *gradient;     /* [num_weights] owned */
} ch_worker;

/** What a pass over samples has seen. */
typedef struct {
    double sum;      /* of their margins: finite unless one is not */
    size_t unfitted; /* !(m >= kappa), so that NaN counts */
    size_t active;   /* with a gradient */
} ch_pass_summary;

/** Samples that one thread alone judges in a round, at most: of those behind an update half a round is judged in vain.
 */
enum { CH_JUDGED_AHEAD = 128 };

/** Sums of the first layer, and whether they are used (learner_kept.c). */
typedef struct {
    bool is_possible; /* else nothing here is ever used */
    bool is_on;
    ch_first_layer layer;
    float *judged;       /* [judged ahead][m] sums of the samples judged; owned */
    uint32_t *all;       /* [P] 0 ... P - 1; owned */
    double terms, steps; /* of the last updates, the newest weighing most */
} ch_kept_sums;

/** The fast engine's look-ahead (learner_fast.c). */
typedef struct {
    uint32_t *queue;     /* [room][B] batches drawn and not reached yet; owned */
    size_t room, queued; /* in batches; room 0 or 1: too few fit the workspace, and steps are taken one by one */
    size_t ahead;        /* batches to judge in the next round */
    uint32_t *active;    /* [P] samples that had a gradient when last looked at; owned */
    uint32_t num_active; /* UINT32_MAX before the first look */
    bool event_is_known; /* the next step with an active sample, found by looking at all; never if there is none */
    uint64_t event_step;
    uint32_t event_count; /* active samples in its batch */
    ch_random random;     /* events */
    uint64_t looks;       /* at all samples */
    ch_kept_sums kept;
} ch_look_ahead;

/** The flow's integrator (learner_flow.c). */
typedef struct {
    double tolerance;  /* largest difference of an output between the pair, in units of kappa, for a step to count */
    double *slopes[4]; /* [num_weights] each: dw/dt at the stages; owned */
    double *weights;   /* [num_weights] at the beginning of the step; owned */
    double *margins;   /* [P] at its end; owned */
    double time;       /* since the stretch began, under eta */
    double step;       /* length to try next */
    bool is_begun;     /* slopes[0] belongs to `weights` */
} ch_flow;

/** The tangent kernel of some samples (learner_kernel.c). */
typedef struct {
    size_t num_samples; /* n */
    double *factors;    /* [n] owned */
    double *start;      /* K0 [n][n] owned */
    double *now;        /* K [n][n] owned */
} ch_kernel_meter;

struct ch_network_state {
    ch_network_learner_setup setup;
    ch_worker *workers; /* [threads] the first has the weights; owned */
    bool is_shared;     /* the others have them too */
    size_t chunk;       /* samples that a worker takes at a time */
    size_t num_weights;
    double sample_cost; /* operations of a forward pass of one sample */
    double norm_init;
    float *start;          /* w0 [num_weights], exact in single precision; owned */
    double *start_outputs; /* f(w0, x) of the training samples [P]; owned */
    double *start_tests;   /* and of the test samples; owned */
    double *tests;         /* f(w, x) of the test samples; owned */
    double *margins;       /* [max(P, judged ahead)] of the last pass, in its order; owned */
    double *gradient;      /* [num_weights] owned */
    double *layer_change;  /* [num_layers] owned */
    size_t num_layers;     /* with weights */
    uint32_t *batch;       /* [B] owned */
    uint32_t *order;       /* [P] permutation whose head is the batch, or the unfitted samples; owned */
    double *noise;         /* [P] of the sde; owned */
    ch_random random;      /* batches */
    ch_random noise_random;
    uint64_t patience;   /* ceil(P / B) steps */
    uint64_t next_print; /* update after which to see whether the weights still move */
    uint64_t print;      /* of the weights when last seen */
    uint64_t next_look;  /* step at which to look at all samples if nothing moves before; under mse, in any case */
    ch_look_ahead ahead;
    ch_flow flow;
    ch_kernel_meter meter;
};
typedef struct ch_network_state ch_network_state;

/* ---- learner_passes.c ---- */

/** `self` zeroed. @return as ch_passes_init */
ch_code ch_worker_init(ch_worker *self, const ch_architecture *architecture, bool is_wide, size_t capacity,
                       ch_error *err) CH_MUST_CHECK;
void ch_worker_free(ch_worker *self);

void ch_state_set_weights(ch_network_state *self, const double *weights);
const double *ch_state_weights(const ch_network_state *self);

/** f(w, x) of a list's samples.
 *  @param outputs  out [list->count]
 *  @return false when stopped */
bool ch_state_outputs(ch_network_state *self, const ch_examples *set, const ch_sample_list *list,
                      double *outputs) CH_MUST_CHECK;

/** Margins of a list's training samples, into self->margins.
 *  @param sums  NULL; or, with self->ahead.kept, out [list->count][m] as of ch_first_layer_forward
 *  @return false when stopped */
bool ch_state_margins(ch_network_state *self, const ch_sample_list *list, float *sums) CH_MUST_CHECK;

/** y l'(m) of the sample at place i of the list, whose margin is self->margins[i] */
double ch_state_slope(const ch_network_state *self, const ch_sample_list *list, size_t i);

/** What the margins of all training samples say, which are in self->margins. */
void ch_state_summarise(const ch_network_state *self, ch_pass_summary *seen);

/** Margins of all training samples.
 *  @return false when stopped */
bool ch_state_look(ch_network_state *self, ch_pass_summary *seen) CH_MUST_CHECK;

/** Margins of a list's samples, and the sum of (scale + extra_mu) g_mu.
 *
 *  @param extra     [P]; NULL: 0
 *  @param gradient  [num_weights], the sum is added to it; NULL, the list not larger than the workspace: the sum is
 * left for ch_passes_update, its coefficients in workers[0].coefficients
 *  @return false when stopped */
bool ch_state_pass(ch_network_state *self, const ch_sample_list *list, double scale, const double *extra,
                   double *gradient, ch_pass_summary *seen) CH_MUST_CHECK;

/** As ch_state_pass, for ch_state_move to add the sum to w where the step is to be taken. */
bool ch_state_prepare(ch_network_state *self, const ch_sample_list *list, double scale, const double *extra,
                      ch_pass_summary *seen) CH_MUST_CHECK;
void ch_state_move(ch_network_state *self, const ch_sample_list *list);

bool ch_state_weights_are_finite(const ch_network_state *self);

static inline bool ch_state_is_stopped(const ch_network_state *self)
{
    return ch_watch_is_stopped(self->setup.watch);
}

/** Whether to take another step. */
static inline bool ch_learner_goes_on(const ch_network_learner *self, const ch_limit *limit)
{
    const ch_progress *progress = &self->learner.progress;
    return progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates &&
           !ch_state_is_stopped(self->state);
}

/* ---- learner_steps.c ---- */

/** The next batch of sgd. @param batch  out [B] */
void ch_state_draw(ch_network_state *self, uint32_t *batch);

/** After a pass of which ch_state_prepare told `seen`, `progress->steps` being its step: the update if there is one. */
void ch_learner_settle(ch_network_learner *self, const ch_sample_list *list, const ch_pass_summary *seen);

/** One step of sgd, its batch drawn now. @return false when stopped, the step not taken */
bool ch_learner_step_sgd(ch_network_learner *self) CH_MUST_CHECK;

/** Looks at all samples, and sets the status where none is unfitted or something is not finite.
 *  @return false when stopped */
bool ch_learner_check(ch_network_learner *self, ch_pass_summary *seen) CH_MUST_CHECK;

void ch_learner_advance_sgd(ch_learner *learner, const ch_limit *limit);
void ch_learner_advance_full(ch_learner *learner, const ch_limit *limit); /* gd and sde */
void ch_learner_advance_unfitted(ch_learner *learner, const ch_limit *limit);

/* ---- learner_kept.c ---- */

/** `self` zeroed. @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_kept_sums_init(ch_network_state *self, ch_error *err) CH_MUST_CHECK;
void ch_kept_sums_free(ch_kept_sums *self);
/** Bytes of it, at most. @param chunk  samples that a worker takes at a time */
double ch_kept_sums_bytes(const ch_network_learner_setup *setup, size_t chunk);

/** Margins of samples judged ahead, by kept sums where these are on. @return false when stopped */
bool ch_kept_judge(ch_network_state *self, const ch_sample_list *judged) CH_MUST_CHECK;
/** Keeps the sums of the first of the samples just judged. */
void ch_kept_pass(ch_network_state *self, const ch_sample_list *passed);
/** ch_learner_check, by kept sums where these are on and show a sample with a gradient. @return false when stopped */
bool ch_kept_check(ch_network_learner *self, ch_pass_summary *seen) CH_MUST_CHECK;
/** After an update of worker 0's network: notes its terms where sums are on, else forgets all. */
void ch_kept_note(ch_network_state *self);
/** ch_learner_settle; then decides whether sums are kept from here on. */
void ch_kept_settle(ch_network_learner *self, const ch_sample_list *list, const ch_pass_summary *seen);

/* ---- learner_fast.c, learner_flow.c ---- */

ch_code ch_look_ahead_init(ch_network_state *self, ch_error *err) CH_MUST_CHECK;
void ch_look_ahead_free(ch_look_ahead *self);
void ch_learner_advance_fast(ch_learner *learner, const ch_limit *limit);

ch_code ch_flow_init(ch_network_state *self, ch_error *err) CH_MUST_CHECK;
void ch_flow_free(ch_flow *self);
void ch_learner_advance_flow(ch_learner *learner, const ch_limit *limit);

/* ---- learner_observe.c, learner_kernel.c ---- */

ch_code ch_learner_observe(ch_learner *learner, ch_observation *out, ch_error *err);

/** Measures K0. @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_kernel_meter_init(ch_network_state *self, ch_error *err) CH_MUST_CHECK;
void ch_kernel_meter_free(ch_kernel_meter *self);
/** What it takes, while it measures too. */
double ch_kernel_meter_bytes(const ch_network_learner_setup *setup);
/** The kernel's and the gradients' entries of an observation; self->margins are those of all samples.
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_kernel_meter_observe(ch_network_state *self, ch_observation *out, ch_error *err) CH_MUST_CHECK;

#endif
