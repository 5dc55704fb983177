/* fast_state.h — what the fast engine knows during a run, and what its work costs. Private to perceptron/fast.c, which
 * chooses stages and takes updates, and perceptron/fast_events.c, which finds the next update. */
#ifndef CH_FAST_STATE_H
#define CH_FAST_STATE_H

#include "core/waiting.h"
#include "perceptron/active.h"
#include "perceptron/candidates.h"
#include "perceptron/student.h"

/** Candidates drawn before the margin of the first of them is computed, at least, so that their rows are on their way
 *  from memory by then. */
enum { CH_FAST_AHEAD = 16 };

/** A stage of a run (ch_fast_perceptron). */
typedef enum { CH_FAST_PLAIN, CH_FAST_DRAWING, CH_FAST_BOUNDING } ch_fast_stage;

/** A batch that holds a candidate: drawn, but its margins are not computed yet. */
typedef struct {
    uint64_t wait; /* steps from the batch before it in the queue */
    uint32_t end;  /* its candidates are drawn[end of the batch before … end - 1] */
} ch_fast_batch;

/** The next update. Once it is known it stays so until it is taken: stopping before it changes nothing. */
typedef struct {
    bool is_known, is_finite; /* is_finite: no margin of its samples is infinite or NaN */
    uint64_t step;            /* the step that it is */
    uint32_t count;           /* unfitted samples in its batch */
    /* [count] their indices, or while bounding their places (perceptron/gram.h). Borrowed: the student's `active` or
     * the state's `unfitted`. */
    uint32_t *samples;
} ch_fast_event;

struct ch_fast_state {
    ch_fast_stage stage;
    void (*step)(ch_learner *learner, const ch_limit *limit); /* `advance` of the plain engine */
    ch_screen screen;                                         /* index of the P training samples; owned */
    ch_candidates candidates;                                 /* owned */
    ch_active_set *active;                                    /* owned */
    ch_fast_event event;
    ch_waiting_table laws; /* of batches that hold one of u unfitted samples */
    uint32_t *unfitted;    /* [P] unfitted samples when all of them are known, or their places; owned */

    /* Drawing: a queue of batches that hold candidates. */
    ch_waiting candidate_law; /* of batches that hold one of candidates.count candidates */
    ch_fast_batch batches[CH_FAST_AHEAD];
    uint32_t num_batches, next_batch; /* batches in the queue, and the first whose margins are not computed yet */
    uint32_t *drawn;                  /* [CH_FAST_AHEAD + B] candidates of these batches, one after the other; owned */
    double usual_draws;               /* candidates drawn until one is unfitted: a running mean over updates */
    float *single;                    /* [stride] the weights rounded to single precision; owned */
    float surely_fitted;              /* a margin computed with `single` that is over this is over kappa in double */

    /* Choice of the stage: what was done since the last comparison of stages, or since the reference was set. */
    uint64_t next_look;            /* updates at which stages are compared next */
    uint64_t steps_then;           /* steps at the last comparison */
    uint64_t uses_then;            /* the student's `uses` then */
    double cost;                   /* cost of drawing since then */
    double draws;                  /* since the reference: candidates drawn, each counted as 1 / (candidates then) */
    uint64_t updates_at_reference; /* updates when the reference was set */
    double next_try;               /* a reference is tried once `cost` is this many looks at all samples */
    bool *used;                    /* [P] the student's `used`; owned */
    ch_fast_work work;
};
typedef struct ch_fast_state ch_fast_state;

/* ---- finding the next update: perceptron/fast_events.c ---- */

/** Copies the student's weights to single precision. Needed after every update while drawing. */
void ch_fast_copy_weights(ch_fast_perceptron *self);

/** Empties the queue of batches. Needed whenever the candidates change, since batches were drawn of the old ones. */
void ch_fast_begin_list(ch_fast_perceptron *self);

/** Finds the next update while drawing or bounding, or sets the status to fitted or diverged when there is none. */
void ch_fast_find_event(ch_fast_perceptron *self);

/* ---- costs: the unit is that of 16 multiply-adds of a dot product ---- */

/* Measured costs of drawing a sample in a plain step and of drawing a candidate, the margin of either apart. */
static const double CH_FAST_PLAIN_DRAW = 4, CH_FAST_DRAW = 16;
/* A set of more bytes than this is not in a core's own cache. A margin of a sample that is fetched from anywhere in it
 * costs so many times as much. */
enum { CH_FAST_NEAR_BYTES = 1 << 20 };
static const double CH_FAST_FAR = 2;

/** Bytes of the training samples. */
static inline size_t ch_fast_set_bytes(const ch_fast_perceptron *self)
{
    return self->student.setup.num_samples * self->student.stride * sizeof(float);
}

/** Cost of a margin when margins are computed one after the other in the order of memory. */
static inline double ch_fast_dot_cost(const ch_fast_perceptron *self)
{
    return (double)self->student.stride / CH_ROW_LANES;
}

/** Cost of a margin of a sample that lies anywhere in the set. */
static inline double ch_fast_far_dot_cost(const ch_fast_perceptron *self)
{
    return (ch_fast_set_bytes(self) > CH_FAST_NEAR_BYTES ? CH_FAST_FAR : 1) * ch_fast_dot_cost(self);
}

/** Cost of drawing a candidate, with its margin. */
static inline double ch_fast_draw_cost(const ch_fast_perceptron *self)
{
    return CH_FAST_DRAW + ch_fast_far_dot_cost(self);
}

/** Counts `draws` samples drawn at `cost` each. */
static inline void ch_fast_count_draws(ch_fast_perceptron *self, double draws, double cost)
{
    self->state->cost += draws * cost;
    self->state->draws += draws / fmax(self->state->candidates.count, 1);
    self->state->work.drawn += (uint64_t)draws;
}

/** Counts a look at all candidates: their margins, one after the other. */
static inline void ch_fast_count_look(ch_fast_perceptron *self)
{
    self->state->cost += self->state->candidates.count * ch_fast_dot_cost(self);
    self->state->work.looked += self->state->candidates.count;
}

#endif
