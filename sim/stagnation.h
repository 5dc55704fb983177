/* stagnation.h — notices that a run makes no progress any more, so that at its present rate it would never end.
 *
 * The rule. From U = 2^18 updates on, or 1024 P / B where that is more, the run is observed 64 times while U doubles,
 * which makes a window. It stagnates when, from window to window and three times in a row, all of these change little:
 *   the mean of ||Dw||, the norm of the weight change, by less than 10 %;
 *   the share of steps that are updates, by less than 5 %;
 *   under gd and flow, whose loss has no noise, the mean training loss, by less than 1 %.
 * U has then grown eightfold, and seven eighths of all gradients have cancelled each other.
 *
 * Why that hardly ever ends. Where a linear model approaches a fit, the gradients do not cancel: at a margin gamma > 0
 * of the data, ||Dw|| is at least gamma eta U / B, so that a norm that stands still has gamma < ||Dw|| B / (eta U). In
 * the noise-dominated regime ||Dw|| grows as U^{1/2} (lambda^2 ~ U), by 41 % a window. The laws of networks are not as
 * strict, and there the rule is one of thumb; a run under a budget is left alone.
 *
 * The rule for runs that are too slow. A network that cannot fit its samples may diffuse for ever: ||Dw|| grows as
 * U^{1/2}, and the first rule never holds. Over the same windows the mean number n of unfitted samples is extrapolated
 * as a power of the steps, from the last two windows, to n = 1. The run is too slow when three times in a row
 *   that takes more than 10 times the bound of ch_reach_most_steps;
 *   n is 16 or more, so that it does not reach 0 by fluctuating;
 *   ||Dw|| grows by less than 52 % a window, as U^0.6 does, where samples on their way to the margin make it grow as U;
 *   the mean training loss falls by less than 10 % a window.
 *
 * It decides where a run without a budget ends, and never changes a bit of a run that fits before. */
#ifndef CH_STAGNATION_H
#define CH_STAGNATION_H

#include "core/core.h"

#include <stdbool.h>

/** Sums over a window, and its means. */
typedef struct {
    double change, loss;      /* ||Dw|| and the training loss */
    double unfitted, stepped; /* the number of unfitted samples, and that of steps since the run began */
    uint64_t steps, updates;  /* at the window's beginning */
    unsigned count;           /* number of observations so far */
} ch_stagnation_window;

typedef struct {
    bool has_loss; /* whether the training loss is compared, too */
    uint64_t next; /* number of updates at the next observation; UINT64_MAX: there is none */
    ch_stagnation_window now;
    double most_steps;                             /* that the run may need, in steps */
    double change, loss, share, unfitted, stepped; /* of the last window; NaN before the first is over */
    unsigned still, slow; /* numbers of windows in a row without progress, and of those that are too slow */
} ch_stagnation;

/** @param num_samples  P
 *  @param batch        B
 *  @param has_loss     whether the training loss has no noise
 *  @param most_steps   a run that is expected to need more steps is too slow; INFINITY: none is */
ch_stagnation ch_stagnation_start(uint64_t num_samples, uint64_t batch, bool has_loss, double most_steps);

/** Adds an observation at `next` updates to the window, and sets `next`. Compares the window with the last one when it
 *  is over.
 *  @return CH_CAUSE_NO_PROGRESS where the run stagnates, CH_CAUSE_TOO_SLOW where it is too slow; else CH_CAUSE_NONE */
ch_cause ch_stagnation_look(ch_stagnation *self, const ch_progress *progress, const ch_observation *seen);

#endif
