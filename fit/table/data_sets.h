/* data_sets.h — the data sets that runs belong to: one for each distinct seed_data. Private to fit/. */
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

/** The same for an array of runs. */
ch_code ch_data_sets_index_runs(const ch_run *const *runs, size_t num_runs, uint32_t *data_set, size_t *num_sets,
                                ch_error *err) CH_MUST_CHECK;

#endif
