/* train_support.h — resolves settings and trains as `chiton run` does. */
#ifndef CH_TESTS_TRAIN_SUPPORT_H
#define CH_TESTS_TRAIN_SUPPORT_H

#include "tests/settings_support.h"

#include "sim/admit.h"
#include "sim/train.h"

/* Trains as `chiton run` does: it resolves the settings, checks whether the run may begin, and makes the training set.
 */
static inline ch_code train_by_settings(ch_run *run, const ch_settings *settings, int threads, const ch_watch *watch,
                                        ch_error *err)
{
    ch_resolved resolved;
    *run = (ch_run){0};
    ch_code code = ch_settings_resolve(settings, &resolved, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_admit(&resolved, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_train_alone(run, &resolved, NULL, threads, watch, err);
}

#endif
