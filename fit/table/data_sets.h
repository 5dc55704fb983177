/* data_sets.h — the data sets that runs belong to: one for each distinct seed_data, unless they overlap too much.
 * Private to fit/.
 *
 * Of images a seed picks P out of a pool of N, so that two training sets share the part P / N of their images on
 * average: all of them for P = N. What they share, the spread between them does not show. If numbers of two sets have
 * the correlation f = P / N, as means over the images have, then the error of a mean over n sets, for other images than
 * those of the pool, is sqrt((1 + (n - 1) f) / (1 - f)) times what their spread says: 1.6 times for five sets at
 * f = 1/4, 2.4 times at 1/2, 4.9 times at 0.8. Above CH_DATA_SETS_MOST_OVERLAP two sets have more images in common than
 * not. They then count as one data set, so that nothing has an error. */
#ifndef CH_FIT_DATA_SETS_H
#define CH_FIT_DATA_SETS_H

#include "sim/store/store.h"

/** Numbers the data sets by ascending seed.
 *
 *  @param seeds     [count] seed_data of each run
 *  @param data_set  out: [count] the number of each run's data set
 *  @param num_sets  out: how many data sets there are; may be NULL
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_data_sets_index(const uint64_t *seeds, size_t count, uint32_t *data_set, size_t *num_sets,
                           ch_error *err) CH_MUST_CHECK;

/** The part of its images above which two training sets are one data set. */
#define CH_DATA_SETS_MOST_OVERLAP 0.5
/** The part above which a note says what two training sets share. */
#define CH_DATA_SETS_SAID_OVERLAP 0.1

/** The largest part of its images that the training set of a run shares with that of another seed, on average; 0 where
 *  the data are no images or their number is not known.
 *  @param largest  out: the run with that part; NULL without runs. May be NULL itself */
double ch_data_sets_overlap(const ch_run *const *runs, size_t num_runs, const ch_run **largest);

/** Whether several data sets count as one because they overlap too much. */
bool ch_data_sets_are_united(const ch_run *const *runs, size_t num_runs);

/** The same for an array of runs; all are of one data set where their training sets overlap too much. */
ch_code ch_data_sets_index_runs(const ch_run *const *runs, size_t num_runs, uint32_t *data_set, size_t *num_sets,
                                ch_error *err) CH_MUST_CHECK;

#endif
