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
 *  the margins m = K a. In units of T, with pull = eta lambda, it is
 *
 *    u <- mu u - pull a + (1 for the unfitted samples of the batch),  and then  a <- a + u;
 *
 *    q <- mu q - pull m + (the kernel's rows of these samples),  and then  m <- m + q.
 *
 *  Batches are drawn as the plain engine of the perceptron draws them. An update is a step whose batch has an unfitted
 *  sample. After the last update the margins go on moving; at every P/B steps after it the samples are looked at, and
 *  the run is fitted if none of them is unfitted then.
 *
 *  Cost of a step: some 8 P multiply-adds, and P for every unfitted sample of the batch. */
void ch_twin_advance_moving(ch_learner *learner, const ch_limit *limit);

#endif
