/* sample_set_private.h — memory of sample sets. Private to data/. */
#ifndef CH_SAMPLE_SET_PRIVATE_H
#define CH_SAMPLE_SET_PRIVATE_H

#include "data/sample_set.h"

/** Allocates a set of P samples of dimension d. The rows are not initialised, and the teacher is 0.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_sample_set_allocate(ch_sample_set *self, size_t num_samples, size_t dim, ch_error *err) CH_MUST_CHECK;

#endif
