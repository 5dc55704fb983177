/* law_private.h — what sample sets and examples share when they draw from a law. Private to data/. */
#ifndef CH_LAW_PRIVATE_H
#define CH_LAW_PRIVATE_H

#include "core/core.h"
#include "data/law.h"

/** Refuses a law that is not drawn, or parameters or a number of samples outside their ranges.
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_law_check(const ch_data_law *law, size_t num_samples, ch_error *err) CH_MUST_CHECK;

/** The teacher e of a law and the reflection that carries the teacher's frame to the data's.
 *  @param teacher  out: [d] unit vector e
 *  @param mirror   out: [d] vector h of Householder's reflection z <- z - (h . z) h, which carries the first axis to e
 */
void ch_law_teacher(const ch_data_law *law, double *teacher, double *mirror);

/** Carries a row [d] from the teacher's frame to the data's by the reflection of ch_law_teacher. */
void ch_law_reflect(float *row, const double *mirror, size_t dim);

#endif
