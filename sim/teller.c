/* teller.c — tells whoever watches a run how far it is. */
#include "sim/teller.h"

#include "core/clock.h"
#include "sim/train_private.h"

#include <math.h>
#include <stdio.h>

ch_teller ch_teller_start(const ch_resolved *resolved, const ch_watch *watch)
{
    const double now = ch_clock_now();
    return (ch_teller){
        .watch = watch != NULL && watch->progress != NULL ? watch : NULL,
        .resolved = resolved,
        .started = now,
        .next_count = now + 1,
        .unfitted = CH_UNCOUNTED,
    };
}

static void count_unfitted(ch_teller *self, ch_learner *learner)
{
    static const double LEAST_SECONDS = 1, LEAST_RATIO = 50;
    const double began = ch_clock_now();
    ch_observation seen;
    if (began < self->next_count) {
        return;
    }
    const ch_progress before = learner->progress;
    self->unfitted = learner->observe(learner, &seen, NULL) == CH_OK ? seen.unfitted : self->unfitted;
    learner->progress = before; /* an observation must not end the run */
    const double now = ch_clock_now();
    self->next_count = now + fmax(LEAST_SECONDS, LEAST_RATIO * (now - began));
}

/* The share of the work that is done: of the budget that will be used up first, or of the expected steps or updates. */
static double share_of(const ch_teller *self, const ch_progress *progress)
{
    const ch_settings *settings = &self->resolved->settings;
    double share = ch_train_share(self->resolved, progress);
    if (settings->max_steps > 0) {
        share = fmax(share, (double)progress->steps / (double)settings->max_steps);
    }
    if (settings->max_updates > 0) {
        share = fmax(share, (double)progress->updates / (double)settings->max_updates);
    }
    if (settings->max_seconds > 0) {
        share = fmax(share, (ch_clock_now() - self->started) / settings->max_seconds);
    }
    return share;
}

void ch_teller_tell(ch_teller *self, ch_learner *learner)
{
    char note[48] = "";
    if (self->watch == NULL) {
        return;
    }
    count_unfitted(self, learner);
    if (self->unfitted != CH_UNCOUNTED) {
        snprintf(note, sizeof note, "%llu unfitted", (unsigned long long)self->unfitted);
    }
    const ch_watch_report report = {
        .unit = "steps",
        .done = learner->progress.steps,
        .total = self->resolved->settings.max_steps,
        .share = share_of(self, &learner->progress),
        .note = note,
    };
    ch_watch_progress(self->watch, &report);
}
