/* kin.h — the kin of a run: the runs that differ from it in their budgets alone. Private to sim/. */
#ifndef CH_KIN_H
#define CH_KIN_H

#include "sim/settings/settings.h"

/** An identity of a run's kin, made as ch_settings_id but without max_steps, max_updates and max_seconds. Runs with the
 *  same kin take the same steps, as far as their budgets let them. For a run with fluctuations max_steps is included,
 *  since the steps of snapshots depend on it. */
void ch_settings_kin(const ch_resolved *resolved, char kin[CH_ID_SIZE]);

/** Whether a row of the table is a budget. */
static inline bool ch_setting_is_budget(size_t index)
{
    return index == CH_SETTING_MAX_STEPS || index == CH_SETTING_MAX_UPDATES || index == CH_SETTING_MAX_SECONDS;
}

/** Whether a run has any budget. */
static inline bool ch_settings_has_budget(const ch_settings *self)
{
    return self->max_steps > 0 || self->max_updates > 0 || self->max_seconds > 0;
}

#endif
