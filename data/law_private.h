/* law_private.h — drawing from a law: what sample sets and examples share. Private to data/. */
#ifndef CH_LAW_PRIVATE_H
#define CH_LAW_PRIVATE_H

#include "core/core.h"
#include "data/law.h"

/** Refuses a law, or a number of samples, outside its range.  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_law_check(const ch_data_law *law, size_t num_samples, ch_error *err) CH_MUST_CHECK;

/** One sample of DEPLETED in the teacher's frame: row = scale (|x_par|, y x_perp). The label y is not drawn, since
 *  y x_perp has the law of x_perp.
 *  @param row     out: [d]
 *  @param random  the sample's own stream */
void ch_law_draw_depleted(float *row, const ch_data_law *law, double scale, ch_random *random);

/** The teacher e of a law, a unit vector [d].
 *  @param mirror  out: [d] vector h of Householder's reflection z <- z - (h . z) h that carries the first axis to e */
void ch_law_teacher(const ch_data_law *law, double *teacher, double *mirror);

/** Carries a row [d] from the teacher's frame to the data's. */
void ch_law_reflect(float *row, const double *mirror, size_t dim);

#endif
