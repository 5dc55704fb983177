/* census.h — counts the combinations of a plan that can be run, and the others by reason, without looking at each.
 * Private to sim/sweep/.
 *
 * A box of a plan has a range of every axis. Along an ordered axis, one of numbers, the accepted values with all else
 * fixed are an interval, whatever the others are: batch is at most train, a temperature is neither too small nor too
 * large, memory holds what is smaller than something that it holds. So all of a box is accepted when all its corners
 * are. What a count or a choice is refused for is refused on one side, so that all of a box is refused when its corners
 * are, for one and the same reason; a reason that names a real setting may have two sides, and the box is divided along
 * that setting instead. Any other box is divided in two along its longest axis. Axes of words, and of settings that
 * vary together, have no order and are divided into single values; seeds are accepted whatever they are, and are not
 * looked at. The cost is that of the border between accepted and refused combinations. */
#ifndef CH_CENSUS_H
#define CH_CENSUS_H

#include "sim/sweep/plan.h"
#include "sim/train_set.h"

/** Why combinations are left out. */
typedef struct {
    char *kind;     /* the sentence without its numbers; owned */
    char *sentence; /* the refusal of one of them; owned */
    uint64_t count;
} ch_census_reason;

typedef struct ch_census {
    uint64_t accepted, refused;
    ch_census_reason *reasons; /* [num_reasons] in the order in which they were found; owned */
    size_t num_reasons, capacity;
} ch_census;

/** Whether a combination can be run, in settings and memory, and by the number of samples where they are read from
 *  files.
 *  @param sources  what is read; NULL: files are not looked at
 *  @param own      out: whether a refusal is this combination's own, and no other's failure such as missing files
 *  @return CH_OK; CH_ERROR_INPUT for a combination that cannot be run; CH_ERROR_IO, CH_ERROR_MEMORY;
 *      CH_ERROR_INTERRUPTED */
ch_code ch_census_admit(const ch_plan *plan, ch_sources *sources, uint64_t index, ch_resolved *resolved, bool *own,
                        ch_error *err) CH_MUST_CHECK;

/** Counts the combinations of a plan.
 *  @param sources         as above
 *  @param until_a_refusal  stop when one is found that is refused: the counts then say only that there is one
 *  @param self            out: free with ch_census_free, also after a failure
 *  @return CH_OK; CH_ERROR_MEMORY; otherwise a failure that is no refusal of one combination */
ch_code ch_census_init(ch_census *self, const ch_plan *plan, ch_sources *sources, bool until_a_refusal,
                       ch_error *err) CH_MUST_CHECK;
/** Counts a sentence among the reasons: with those that differ from it in numbers alone.
 *  @param self  zeroed at first  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_census_note(ch_census *self, const char *sentence, ch_error *err) CH_MUST_CHECK;

/** Idempotent. */
void ch_census_free(ch_census *self);

#endif
