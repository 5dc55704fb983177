/* kin.h — what runs have in common that differ in nothing but their budgets. Private to sim/. */
#ifndef CH_KIN_H
#define CH_KIN_H

#include "sim/settings/settings.h"

/** As ch_settings_id, without max_steps, max_updates and max_seconds: runs with the same kin take the same steps, as
 *  far as their budgets let them. Of a run with fluctuations max_steps stays, which says when snapshots are taken. */
void ch_settings_kin(const ch_resolved *resolved, char kin[CH_ID_SIZE]);

/** Whether a row of the table is a budget. */
static inline bool ch_setting_is_budget(size_t index)
{
    return index == CH_SETTING_MAX_STEPS || index == CH_SETTING_MAX_UPDATES || index == CH_SETTING_MAX_SECONDS;
}

static inline bool ch_settings_has_budget(const ch_settings *self)
{
    return self->max_steps > 0 || self->max_updates > 0 || self->max_seconds > 0;
}

#endif
