/* stagnation.c — notices that a run makes no progress any more. */
#include "sim/stagnation.h"

#include <math.h>

/* Relative changes from window to window that count as none. */
static const double SMALL_CHANGE = 0.1, SMALL_SHARE = 0.05, SMALL_LOSS = 0.01;
static const double MOST_GROWTH = 1.52, LEAST_LOSS = 0.9, MANY_UNFITTED = 16;
enum { LEAST_UPDATES = 1 << 18, LEAST_EPOCHS = 1024, OBSERVATIONS = 64, WINDOWS = 3 };

ch_stagnation ch_stagnation_start(uint64_t num_samples, uint64_t batch, bool has_loss, double most_steps)
{
    const uint64_t epochs = LEAST_EPOCHS * (num_samples / batch + 1);
    return (ch_stagnation){
        .has_loss = has_loss,
        .most_steps = most_steps,
        .next = epochs > LEAST_UPDATES ? epochs : LEAST_UPDATES,
        .change = NAN,
        .share = NAN,
        .loss = NAN,
        .unfitted = NAN,
        .stepped = NAN,
    };
}

static bool is_same(double now, double before, double small)
{
    return fabs(now - before) <= small * fabs(before);
}

/* Steps after which one sample is unfitted, if their number goes on to fall as the power of the steps that it has had
 * from the last window, which is in `self`, to one with these means. */
static double expect_steps(const ch_stagnation *self, double unfitted, double stepped)
{
    const double power = log(self->unfitted / unfitted) / log(stepped / self->stepped);
    return power > 0 ? stepped * pow(unfitted, 1 / power) : INFINITY;
}

/* Compares the window, which ends now, with the last one. */
static void compare(ch_stagnation *self, const ch_progress *progress)
{
    const ch_stagnation_window *window = &self->now;
    const double change = window->change / window->count, loss = window->loss / window->count;
    const double share = (double)(progress->updates - window->updates) / (double)(progress->steps - window->steps);
    const bool is_still = is_same(change, self->change, SMALL_CHANGE) && is_same(share, self->share, SMALL_SHARE) &&
                          (!self->has_loss || is_same(loss, self->loss, SMALL_LOSS));
    const double unfitted = window->unfitted / window->count, stepped = window->stepped / window->count;
    const bool is_slow = unfitted >= MANY_UNFITTED && change < MOST_GROWTH * self->change &&
                         loss > LEAST_LOSS * self->loss && expect_steps(self, unfitted, stepped) > self->most_steps;
    self->still = is_still ? self->still + 1 : 0;
    self->slow = is_slow ? self->slow + 1 : 0;
    self->change = change;
    self->loss = loss;
    self->share = share;
    self->unfitted = unfitted;
    self->stepped = stepped;
}

ch_cause ch_stagnation_look(ch_stagnation *self, const ch_progress *progress, const ch_observation *seen)
{
    ch_stagnation_window *window = &self->now;
    if (window->count == OBSERVATIONS) {
        compare(self, progress);
        window->count = 0;
    }
    if (window->count == 0) {
        *window = (ch_stagnation_window){.steps = progress->steps, .updates = progress->updates};
    }
    window->change += seen->weight_change;
    window->loss += seen->train_loss;
    window->unfitted += (double)seen->unfitted;
    window->stepped += (double)progress->steps;
    window->count++;
    const uint64_t more = window->updates / OBSERVATIONS * window->count;
    self->next = window->updates <= UINT64_MAX / 2 ? window->updates + more : UINT64_MAX;
    return self->still >= WINDOWS ? CH_CAUSE_NO_PROGRESS : self->slow >= WINDOWS ? CH_CAUSE_TOO_SLOW : CH_CAUSE_NONE;
}
