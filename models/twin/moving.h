/* moving.h — steps of a twin whose weights move at every step, by momentum or weight decay. */
#ifndef CH_TWIN_MOVING_H
#define CH_TWIN_MOVING_H

#include "models/twin/twin.h"

/** Whether a twin has a velocity, so that it moves at every step. */
static inline bool ch_twin_moves(const ch_twin_setup *setup)
{
    return setup->momentum > 0 || setup->weight_decay > 0;
}

/** ch_learner.advance of such a twin.
 *
 *  Dw = sum_nu a_nu y_nu grad f(w0, x_nu), and its velocity is a sum of the same gradients with coefficients u. So the
 *  step v <- mu v + g + lambda Dw, w <- w - eta v of the weights is one of the coefficients, and with q = K u one of
 * the margins. In units of T, with pull = eta lambda: u <- mu u - pull a + (1 for the unfitted samples of the batch),
 * a <- a + u q <- mu q - pull m + (their rows of the kernel),                 m <- m + q Batches are drawn as the plain
 * engine of the perceptron draws them. An update is a step whose batch has an unfitted sample. The run is fitted when
 * P/B steps after the last update no sample is unfitted, and else P/B steps later. Cost of a step: some 8 P
 * multiply-adds, and P for every unfitted sample of the batch. */
void ch_twin_advance_moving(ch_learner *learner, const ch_limit *limit);

#endif
