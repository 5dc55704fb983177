/* results.h — the results of a run and of a point of its trajectory, by name: the same in the store, JSON, CSV and
 * text.
 */
#ifndef CH_RESULTS_H
#define CH_RESULTS_H

#include "sim/train.h"

#include <stddef.h>

/** The type of a result. */
typedef enum {
    CH_RESULT_STATUS, /* a ch_status that is shown as its word */
    CH_RESULT_CAUSE,  /* a ch_cause that is shown in words; CH_CAUSE_NONE where the run is not stuck */
    CH_RESULT_COUNT,  /* a uint64_t; CH_UNCOUNTED where the run does not have it */
    CH_RESULT_REAL,   /* a double; NaN where the run does not have it */
} ch_result_type;

/** One result. */
typedef struct {
    const char *name; /* string constant, as are the help's */
    ch_result_type type;
    size_t offset;    /* of the member in ch_run, in ch_point, or in ch_fluctuation */
    const char *help; /* what it is, in words */
    int since;        /* version of the store's schema that first has it; 0 for the first */
} ch_result;

/** The results of a run: status, steps, updates, time, the observables of core/observation.h at the end, seconds,
 *  reason. */
size_t ch_results_count(void);
/** @param index  less than ch_results_count() */
ch_result ch_result_at(size_t index);

/** What a point of a trajectory has: step, time, and those observables that are in points. */
size_t ch_points_count(void);
/** @param index  less than ch_points_count() */
ch_result ch_point_result_at(size_t index);

/** What the fluctuations along one principal direction are: layer, rank, and reals. */
size_t ch_fluctuations_count(void);
/** @param index  less than ch_fluctuations_count() */
ch_result ch_fluctuation_result_at(size_t index);

/** The columns of the trajectory as text, beside step, time and unfitted: results of a point, all of them reals. */
size_t ch_shown_count(void);
/** @param index  less than ch_shown_count() */
ch_result ch_shown_at(size_t index);

/** The value of a real result. @param object  the ch_run or ch_point whose member it is */
double ch_result_real(const ch_result *row, const void *object);
/** The value of a count. */
uint64_t ch_result_number(const ch_result *row, const void *object);
/** The word of a CH_RESULT_STATUS or the words of a CH_RESULT_CAUSE.  @return NULL for CH_CAUSE_NONE */
const char *ch_result_text(const ch_result *row, const void *object);

/** Sets a real result. @param object  the ch_run or ch_point whose member it is */
void ch_result_set_real(const ch_result *row, void *object, double value);
/** Sets a count. */
void ch_result_set_number(const ch_result *row, void *object, uint64_t value);

#endif
