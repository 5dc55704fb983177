/* shape.h — the shape of y over P: a power, a broken power, or one with a correction to scaling. Private to fit/. */
#ifndef CH_FIT_SHAPE_H
#define CH_FIT_SHAPE_H

#include "fit/laws/trend.h"

/** Fits all shapes to a curve. With fewer than three P none is found, with fewer than five only the power.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_shapes_fit(ch_shapes *self, const ch_trend *curve, ch_error *err) CH_MUST_CHECK;
void ch_shapes_free(ch_shapes *self);

#endif
