/* law.h — fits the law of ||Dw|| over batch and temperature (fit/regimes/regimes.h) to points. Private to fit/regimes.
 */
#ifndef CH_REGIMES_LAW_H
#define CH_REGIMES_LAW_H

#include "fit/regimes/regimes.h"

/** Points, and the memory in which their law is fitted. */
typedef struct ch_law_space {
    size_t count;                  /* number of points */
    double *log_batch, *log_temp;  /* [count]; owned */
    double *log_y, *weights;       /* [count] set anew for each fit; a weight of 0 leaves a point out; owned */
    struct ch_law_solver *solvers; /* with and without the plateau of gradient descent; owned */
} ch_law_space;

/** Allocates `count` points, whose batch and temperature are not set yet and whose weights are 1.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_law_space_init(ch_law_space *self, size_t count, ch_error *err) CH_MUST_CHECK;
void ch_law_space_free(ch_law_space *self);

/** Fits the law by least squares of ln y. It starts at the largest terms that the points allow, each of which is a
 *  lower bound of ||Dw||, and with delta = 1. Makes no allocation.
 *  @param law  out: all NaN where no law was found
 *  @return the weighted mean square about the law; infinite where none was found: fewer points than parameters, fewer
 *      than three in the regime of noise or of the first step, or no minimum */
double ch_law_fit(ch_law_space *self, ch_regime_law *law);

#endif
