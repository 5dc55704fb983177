/* law_private.h — what sample sets and examples share when they draw from a law. Private to data/. */
#ifndef CH_LAW_PRIVATE_H
#define CH_LAW_PRIVATE_H

#include "core/core.h"
#include "data/law.h"

/** Refuses a law that is not drawn, or parameters or a number of samples outside their ranges.
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_law_check(const ch_data_law *law, size_t num_samples, ch_error *err) CH_MUST_CHECK;

/** How samples come from the frame in which the teacher of the law with covariance 1 is the first axis to that of the
 *  data. */
typedef struct {
    double *mirror; /* [d] vector h of Householder's reflection z <- z - (h . z) h, which carries the first axis to a
                       random teacher; NULL where the teacher is on an axis; owned */
    size_t axis;    /* that axis, counted from 0 */
    double *deviations; /* [d] factors by which the entries are multiplied afterwards; NULL: they are 1; owned */
} ch_law_frame;

/** @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_law_frame_init(ch_law_frame *self, const ch_data_law *law, ch_error *err) CH_MUST_CHECK;
void ch_law_frame_free(ch_law_frame *self);

/** Draws one sample of a law with draw_sample in the frame of the data.
 *  @param row  out: [d], scale x y
 *  @param random  the sample's own stream */
void ch_law_draw(float *row, const ch_data_law *law, const ch_law_frame *frame, double scale, ch_random *random);

#endif
