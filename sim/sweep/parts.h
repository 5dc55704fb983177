/* parts.h — divides a sweep into parts of equal expected cost. Private to sim/sweep/.
 *
 * What part a run is in follows from the plan alone: not from what a store has, the number of threads, or the machine's
 * memory. So any machines may do the parts, in any order, and a part that is resumed is the part that it was.
 *
 * Runs that share a data set stay together, in pieces of at most an eighth of a part's cost; a single run may cost
 * more. The pieces are dealt out by cost, largest first, each to the part that has least (longest processing time
 * first; Graham, SIAM J. Appl. Math. 17, 416, 1969). The costs are rounded to 7 bits first: machines may differ in the
 * last bits of a logarithm, and must come to the same order. */
#ifndef CH_PARTS_H
#define CH_PARTS_H

#include "sim/sweep/sweep.h"

/** Lists the runs of the plan's part.
 *  @param runs   out: [count] their numbers in the plan, ascending; owned by the caller
 *  @param share  out: the part's share of the expected cost of all runs
 *  @return CH_OK; CH_ERROR_INPUT for a run that cannot be done, unless the plan leaves such runs out, and for images
 *          that cannot be read; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_parts_choose(const ch_sweep *sweep, uint64_t **runs, size_t *count, double *share,
                        ch_error *err) CH_MUST_CHECK;

#endif
