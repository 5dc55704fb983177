/* run_state.h — the state of a run under way, from which another process continues the run with the same bits. Private
 * to sim/.
 *
 * It has the learner (core/snapshot.h), what was recorded so far, and the observations by which stagnation is noticed
 * (sim/stagnation.h). Budgets are no part of it: a state serves every run that differs in budgets alone
 * (sim/settings/kin.h), if the state is within that run's budgets. */
#ifndef CH_RUN_STATE_H
#define CH_RUN_STATE_H

#include "sim/settings/kin.h"
#include "sim/stagnation.h"
#include "sim/train.h"
#include "sim/weight_series.h"

/** Version of the bytes. It rises by one whenever they change, in any learner. */
enum { CH_RUN_STATE_FORMAT = 2 };

typedef struct {
    char run[CH_ID_SIZE], kin[CH_ID_SIZE]; /* the run that wrote it */
    int results_version;                   /* that of the run */
    uint64_t steps, updates;               /* taken so far */
    double seconds;                        /* spent so far */
    bool is_watched;                       /* whether stagnation was looked for: not in runs with a budget */
    uint8_t *bytes;                        /* [size] owned */
    size_t size;
    char problem[300]; /* "", or why the bytes are of no use: the end of a sentence */
} ch_run_state;

/** Idempotent. */
void ch_run_state_free(ch_run_state *self);

/** Where states are kept. Each function gets `context` as its first argument, and is called by the thread that trains.
 */
typedef struct {
    void *context;
    double interval; /* seconds from one state that is kept to the next, > 0; 0: none is kept, and those are read */
    double rest;     /* least time between two states, in units of that which keeping the first took; 0: none */
    /** Finds a state from which a run may go on: the one with the most steps for rank 0, the next for rank 1.
     *  @param state  out: to be freed where there is one
     *  @return false where there are no more */
    bool (*find)(void *context, const ch_resolved *resolved, size_t rank, ch_run_state *state);
    /** Keeps a state in place of the last one of the same run. It reports its failures itself. */
    void (*keep)(void *context, const ch_run_state *state);
    void (*say)(void *context, const char *sentence);
} ch_run_states;

/** Says that a state is of no use, for the reason in `problem`. */
void ch_run_states_refuse(const ch_run_states *states, const ch_run_state *state);

/** What a state is made of. All is borrowed. */
typedef struct {
    ch_learner *learner;
    ch_run *run; /* its settings, points and changes of layers */
    size_t *points_capacity, *layers_capacity;
    uint64_t *index, *next; /* of the recorder */
    ch_stagnation *stagnation;
    ch_weight_series *series; /* of which a run without fluctuations has none */
    ch_trail *trail;          /* NULL: no weights are kept along the run */
} ch_run_parts;

/** Writes a state. The members `seconds` and `is_watched` are the caller's to set.
 *  @return false where memory is short; then there is nothing to free */
bool ch_run_state_write(ch_run_state *self, const ch_run_parts *parts) CH_MUST_CHECK;

/** Reads a state into the parts of a run that has just begun.
 *  @return false where it cannot be the state of such a run. `problem` then says why, and the parts are to be freed */
bool ch_run_state_read(ch_run_state *self, const ch_run_parts *parts) CH_MUST_CHECK;

#endif
