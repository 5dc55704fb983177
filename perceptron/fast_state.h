/* fast_state.h — what the fast engine knows during a run, and what its work costs. Private to five files:
 * perceptron/fast.c, which chooses stages and takes updates; perceptron/fast_events.c, which finds the next update
 * while the engine draws; perceptron/fast_bounding.c, which finds and takes updates while it bounds;
 * perceptron/fast_close.c, which does so where batches are large; and perceptron/fast_epoch.c, which finds updates
 * where batches are parts of epochs.
 */
#ifndef CH_FAST_STATE_H
#define CH_FAST_STATE_H

#include "core/epoch.h"
#include "core/waiting.h"
#include "perceptron/active.h"
#include "perceptron/candidates.h"
#include "perceptron/close.h"
#include "perceptron/quantised.h"
#include "perceptron/student.h"

/** At least this many candidates are drawn before the margin of the first of them is computed, so that by then their
 *  rows are on their way from memory. */
enum { CH_FAST_AHEAD = 16 };

/** A stage of a run (ch_fast_perceptron). */
typedef enum { CH_FAST_PLAIN, CH_FAST_DRAWING, CH_FAST_BOUNDING, CH_FAST_CLOSE } ch_fast_stage;

/** A batch that holds a candidate. It is drawn, but the margins of its candidates are not computed yet. */
typedef struct {
    uint64_t wait; /* number of steps after the batch before it in the queue */
    uint32_t end;  /* its candidates are drawn[end of the batch before … end - 1] */
} ch_fast_batch;

/** The next update. Once it is known it does not change until it is taken, so that a run may stop before it and go on.
 */
typedef struct {
    bool is_known, is_finite; /* is_finite: no margin of its samples is infinite or NaN */
    uint64_t step;            /* the step at which it is taken */
    uint32_t count;           /* number of unfitted samples in its batch */
    /* [count] the indices of these samples, or during the stage of bounding their places (perceptron/gram.h), or during
     * that of large batches their slots (perceptron/close.h), which all other unfitted slots follow. Borrowed from the
     * student's `active` or the state's `unfitted`. */
    uint32_t *samples;
} ch_fast_event;

/** Where batches are parts of epochs: the places of samples in the present epoch. While the fast engine draws, every
 *  candidate has its place drawn; while it bounds, every unfitted sample. */
typedef struct {
    ch_epoch epoch;         /* owned */
    uint64_t queued;        /* step up to which the queue has all batches with candidates */
    uint32_t placed_prefix; /* number of samples at the front of the screening index's order that are placed */
    uint32_t *place_of;     /* [P] place of a sample in the screening index's order; set when bounding begins; owned */
    /* [P / 64 + 1] a bit for each place of that order whose sample was placed in the epoch while bounding; owned */
    uint64_t *known;
} ch_fast_epochs;

struct ch_fast_state {
    ch_fast_stage stage;
    ch_fast_epochs epochs;                                    /* without memory where batches are independent */
    void (*step)(ch_learner *learner, const ch_limit *limit); /* `advance` of the plain engine */
    ch_screen screen;                                         /* index of the P training samples; owned */
    ch_candidates candidates;                                 /* owned */
    ch_active_set *active;                                    /* owned */
    ch_close_set *close;                                      /* owned; NULL unless batches are large */
    uint64_t close_try, close_wait; /* the number of updates at which the stage of large batches is tried next, and the
                                       number of updates from the last try to that */
    ch_fast_event event;
    ch_waiting_table laws; /* for every number u of unfitted samples the law of batches that hold one of them */
    /* [P] indices of the unfitted samples, or their places, while all of them are known; owned */
    uint32_t *unfitted;

    /* The stage of drawing: a queue of batches that hold candidates. */
    ch_waiting candidate_law; /* law of the batches that hold at least one of the candidates */
    ch_fast_batch batches[CH_FAST_AHEAD];
    /* batches in the queue, and the first of them whose margins are not computed yet */
    uint32_t num_batches, next_batch;
    uint32_t *drawn; /* [CH_FAST_AHEAD + B] candidates of these batches, one after the other; owned */
    /* running mean, over updates, of the number of candidates drawn until one is unfitted */
    double usual_draws;
    ch_quantised_weights rounded; /* the student's weights, as they were rounded last; owned */

    /* The choice of the stage: what was done since the last comparison of stages, or since the reference was set. */
    uint64_t next_look;  /* number of updates at which stages are compared next */
    uint64_t steps_then; /* number of steps at the last comparison */
    uint64_t uses_then;  /* the student's `uses` at the last comparison */
    double cost;         /* cost of drawing since the last comparison, in units of 16 multiply-adds */
    /* candidates drawn since the reference was set, each counted as 1 / (number of candidates then) */
    double draws;
    uint64_t updates_at_reference; /* number of updates when the reference was set */
    /* a reference is tried when `cost` exceeds that of computing all margins this many times */
    double next_try;
    /* [P] whether an update has added this sample since the last comparison: the student's `used`; owned */
    bool *used;
    ch_fast_work work;
};
typedef struct ch_fast_state ch_fast_state;

/* ---- finding the next update: perceptron/fast_events.c ---- */

/** Rounds the student's weights. During the stage of drawing it is called after every update. */
void ch_fast_round_weights(ch_fast_perceptron *self);

/** Empties the queue of batches. It is called whenever the candidates change, because the batches hold the old ones. */
void ch_fast_begin_list(ch_fast_perceptron *self);

/** Finds the next update in the stage of drawing. When there is none, it sets the status to fitted or diverged. */
void ch_fast_find_by_drawing(ch_fast_perceptron *self);

/* ---- the stage of bounding: perceptron/fast_bounding.c ---- */

/** Finds the next update in the stages of drawing and bounding. When there is none, it sets the status to fitted or
 *  diverged. */
void ch_fast_find_event(ch_fast_perceptron *self);

/** Finds and takes updates, up to a limit or until the run ends. */
void ch_fast_advance_bounding(ch_fast_perceptron *self, const ch_limit *limit);

/* ---- the stage of large batches: perceptron/fast_close.c ---- */

/** Whether a run has this stage: its batches are large, and independent. */
bool ch_fast_close_applies(const ch_perceptron_setup *setup);

/** Sets the number of updates at which the stage is tried next. Each wait is twice as long as the one before it. */
void ch_fast_close_wait(ch_fast_perceptron *self);

/** Begins the stage where few enough samples are close to kappa.
 *  @param most_cost  what beginning may cost, in units of 16 multiply-adds
 *  @param step_cost  what a step costs in the present stage
 *  @return whether it has begun */
bool ch_fast_close_try(ch_fast_perceptron *self, double most_cost, double step_cost);

/** Finds the next update.  @return false when there is none: the run is fitted */
bool ch_fast_close_find_event(ch_fast_perceptron *self);

/** Lists the unfitted slots that the next update lacks behind those that it has, which are known. */
void ch_fast_close_complete_event(ch_fast_perceptron *self);

/** Finds and takes updates, up to a limit, until the run ends, or until the stage does. */
void ch_fast_advance_close(ch_fast_perceptron *self, const ch_limit *limit);

/* ---- finding the next update by epochs: perceptron/fast_epoch.c ---- */

/** Begins an epoch after the present step. It is called when the plain steps end, which is between two epochs. */
void ch_fast_epoch_begin(ch_fast_perceptron *self);

/** Draws the places of all candidates, and begins the queue of batches at the present step. It is called whenever the
 *  candidates change. */
void ch_fast_epoch_begin_list(ch_fast_perceptron *self);

/** Fills the queue, which is empty, with the next batches that hold a candidate, until they hold CH_FAST_AHEAD
 *  candidates or the epoch ends. Where the present epoch has no such batch left, the next one begins. */
void ch_fast_epoch_draw_batches(ch_fast_perceptron *self);

/** Finds the next update after step `now` where the unfitted samples are known: during the stage of drawing, the first
 *  `number` of state->unfitted, ascending, at least one; during that of bounding, those of the active set. */
void ch_fast_epoch_find_event(ch_fast_perceptron *self, uint64_t now, uint32_t number);

/** Says that bounding begins. */
void ch_fast_epoch_begin_bounding(ch_fast_perceptron *self);

/* ---- costs, in units of 16 multiply-adds of a dot product ---- */

/* Measured costs of drawing a sample in a plain step and of drawing a candidate. The cost of computing their margins is
 * not included. */
static const double CH_FAST_PLAIN_DRAW = 4, CH_FAST_DRAW = 16;
/* A training set of more bytes than this does not fit a core's own cache. The margin of a sample that may lie anywhere
 * in such a set costs CH_FAST_FAR times as much as those of samples that are read in the order of memory. */
enum { CH_FAST_NEAR_BYTES = 1 << 20 };
static const double CH_FAST_FAR = 2;

/** Bytes of the training samples. */
static inline size_t ch_fast_set_bytes(const ch_fast_perceptron *self)
{
    return self->student.setup.num_samples * self->student.stride * sizeof(float);
}

/** Cost of a margin when margins are computed in the order in which samples lie in memory. */
static inline double ch_fast_dot_cost(const ch_fast_perceptron *self)
{
    return (double)self->student.stride / CH_ROW_LANES;
}

/** Cost of a margin when the sample may lie anywhere in the training set. */
static inline double ch_fast_far_dot_cost(const ch_fast_perceptron *self)
{
    return (ch_fast_set_bytes(self) > CH_FAST_NEAR_BYTES ? CH_FAST_FAR : 1) * ch_fast_dot_cost(self);
}

/** Cost of drawing a candidate and computing its margin. */
static inline double ch_fast_draw_cost(const ch_fast_perceptron *self)
{
    return CH_FAST_DRAW + ch_fast_far_dot_cost(self);
}

/** Asks the processor to fetch the samples in 8 bits that are needed soon. */
static inline void ch_fast_fetch_rows(const ch_fast_perceptron *self, const uint32_t *samples, uint32_t number)
{
    enum { LINE = 64 }; /* bytes of a cache line */
    const ch_quantised *quantised = self->state->screen.quantised;
    for (uint32_t i = 0; i < number; i++) {
        const int8_t *row = quantised->rows + samples[i] * quantised->stride;
        for (size_t k = 0; k < quantised->stride; k += LINE) {
            __builtin_prefetch(row + k);
        }
    }
}

/** Counts that `draws` samples were drawn, at `cost` each. */
static inline void ch_fast_count_draws(ch_fast_perceptron *self, double draws, double cost)
{
    self->state->cost += draws * cost;
    self->state->draws += draws / fmax(self->state->candidates.count, 1);
    self->state->work.drawn += (uint64_t)draws;
}

/** Counts that the margins of all candidates were computed, one after the other. */
static inline void ch_fast_count_look(ch_fast_perceptron *self)
{
    self->state->cost += self->state->candidates.count * ch_fast_dot_cost(self);
    self->state->work.looked += self->state->candidates.count;
}

#endif
