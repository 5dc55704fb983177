/* reuse.c — runs that a store has under other budgets, or with a trajectory that is not asked for. */
#include "sim/store/reuse.h"

#include "models/dynamics.h"
#include "models/loss.h"
#include "sim/reach.h"
#include "sim/settings/kin.h"
#include "sim/stagnation.h"
#include "sim/store/store_private.h"

#include <stdio.h>
#include <string.h>

/* A count of a row; 0 where it is NULL, or no count. */
static uint64_t count_of(sqlite3_stmt *row, int column)
{
    const sqlite3_int64 count = sqlite3_column_int64(row, column);
    return count > 0 ? (uint64_t)count : 0;
}

ch_code ch_kin_variants_find(ch_kin_variants *self, ch_store *store, ch_error *err)
{
    sqlite3_stmt *select = NULL;
    bool row = false;
    self->count = 0;
    ch_code code = ch_store_prepare(
        store, "SELECT DISTINCT max_steps, max_updates, max_seconds, record FROM runs LIMIT 64", &select, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(store, select, &row, err)) == CH_OK && row && self->count < CH_MOST_VARIANTS) {
        const double seconds = sqlite3_column_double(select, 2);
        self->variants[self->count++] = (ch_kin_variant){.max_steps = count_of(select, 0),
                                                         .max_updates = count_of(select, 1),
                                                         .max_seconds = seconds > 0 ? seconds : 0,
                                                         .record = count_of(select, 3)};
    }
out:
    sqlite3_finalize(select);
    return code;
}

/* Whether runs with a variant's budgets and `record` differ from one in them. */
static bool is_other(const ch_kin_variant *self, const ch_settings *settings)
{
    return self->max_steps != settings->max_steps || self->max_updates != settings->max_updates ||
           self->max_seconds != settings->max_seconds || self->record != settings->record;
}

bool ch_kin_variants_differ(const ch_kin_variants *self, const ch_settings *settings)
{
    bool differ = false;
    for (size_t i = 0; i < self->count && !differ; i++) {
        differ = is_other(&self->variants[i], settings);
    }
    return differ;
}

/* ---- whether a run ends as another did ---- */

static bool has_same_budgets(const ch_settings *a, const ch_settings *b)
{
    return a->max_steps == b->max_steps && a->max_updates == b->max_updates && a->max_seconds == b->max_seconds;
}

/* Whether a budget that is there lets a run come as far. */
static bool allows(uint64_t budget, uint64_t reached)
{
    return budget == 0 || reached <= budget;
}

/* Whether it is certain that no budget ended a run. */
static bool ended_by_itself(const ch_run *run)
{
    const ch_settings *settings = &run->settings;
    return settings->max_seconds == 0 && (settings->max_steps == 0 || run->steps < settings->max_steps) &&
           (settings->max_updates == 0 || run->updates < settings->max_updates);
}

/* Whether nothing changes any more once no sample is unfitted, nor is it looked for at some steps only. Steps of sgd
 * with a velocity, or under a loss whose gradients never vanish, may move the weights on. */
static bool rests_when_fitted(const ch_settings *settings)
{
    const bool has_velocity = settings->momentum > 0 || settings->weight_decay > 0;
    return settings->dynamics != CH_DYNAMICS_SGD ||
           (!has_velocity && ch_loss_of((ch_loss_kind)settings->loss)->has_idle_steps);
}

/* Whether a run would have come to the end of another without being ended for stagnation before. */
static bool is_unwatched(const ch_settings *settings, const ch_run *other)
{
    if (ch_settings_has_budget(settings) || !ch_settings_has_budget(&other->settings)) {
        return true;
    }
    const ch_stagnation begun = ch_stagnation_start(
        settings->train, settings->batch, ch_dynamics_takes_all(settings->dynamics), ch_reach_most_steps(settings));
    return other->updates < begun.next;
}

bool ch_run_ends_as(const ch_settings *settings, const ch_run *other)
{
    const bool has_points = settings->record != 0 || settings->curvature != 0;
    if (has_points && settings->record != other->settings.record) {
        return false;
    }
    if (has_same_budgets(settings, &other->settings)) {
        return settings->max_seconds == 0;
    }
    if (!allows(settings->max_steps, other->steps) || !allows(settings->max_updates, other->updates) ||
        (settings->max_seconds > 0 && other->seconds > settings->max_seconds) || !is_unwatched(settings, other)) {
        return false;
    }
    switch (other->status) {
    case CH_FITTED:
        return rests_when_fitted(settings) ||
               (settings->momentum == 0 && settings->weight_decay == 0 && ended_by_itself(other));
    case CH_DIVERGED:
        return ended_by_itself(other);
    case CH_STUCK: /* other causes are found only where there is no budget, or at the end; older stores have
                      CH_CAUSE_NO_GRADIENT at step 0 where a single sample has no gradient */
        return ended_by_itself(other) && other->steps > 0 &&
               (other->reason == CH_CAUSE_TOO_SMALL || other->reason == CH_CAUSE_NO_GRADIENT);
    default:
        return false;
    }
}

/* ---- copies ---- */

/* Makes a run that was read one of other settings, which has no points where these record none. */
static void take_settings(ch_run *run, const ch_resolved *resolved)
{
    const size_t before = run->num_points > 0 ? (run->num_points - 1) * run->num_layers : 0;
    if (resolved->settings.record == 0 && resolved->settings.curvature == 0) {
        for (size_t k = 0; k < run->num_layers; k++) {
            run->layer_changes[k] = run->layer_changes[before + k];
        }
        run->num_points = 0;
    }
    run->resolved = *resolved;
    run->settings.start = NULL;
}

/* Copies the run with an id, where the store has it and the new run ends as it did. */
static ch_code copy_run(ch_store *self, const char *id, const ch_resolved *resolved, bool *copied, ch_error *err)
{
    ch_run_table table = {0};
    char where[CH_ID_SIZE + 16];
    ch_code code = ch_store_has(self, id, copied, err);
    if (code != CH_OK || !*copied) {
        return code;
    }
    *copied = false;
    snprintf(where, sizeof where, "id = '%s'", id);
    code = ch_store_select(self, where, true, &table, NULL);
    if (code != CH_OK) {
        return CH_OK; /* a run that is damaged is not reused */
    }
    if (table.count == 1 && ch_run_ends_as(&resolved->settings, &table.runs[0])) {
        take_settings(&table.runs[0], resolved);
        code = ch_store_put(self, &table.runs[0], err);
        *copied = code == CH_OK;
    }
    ch_run_table_free(&table);
    return code;
}

ch_code ch_store_reuse(ch_store *self, const ch_kin_variants *variants, const ch_resolved *resolved, bool *reused,
                       ch_error *err)
{
    char own[CH_ID_SIZE], id[CH_ID_SIZE];
    const uint64_t record = resolved->settings.record;
    const bool has_points = record != 0 || resolved->settings.curvature != 0;
    ch_code code = CH_OK;
    *reused = false;
    if (!ch_kin_variants_differ(variants, &resolved->settings)) { /* an id takes microseconds, which tiny runs notice */
        return CH_OK;
    }
    ch_settings_id(resolved, own);
    for (size_t i = 0; code == CH_OK && i < variants->count && !*reused; i++) {
        const ch_kin_variant *variant = &variants->variants[i];
        ch_resolved other = *resolved;
        if (has_points && record != variant->record) {
            continue;
        }
        other.settings.max_steps = variant->max_steps;
        other.settings.max_updates = variant->max_updates;
        other.settings.max_seconds = variant->max_seconds;
        other.settings.record = variant->record;
        ch_settings_id(&other, id);
        if (strcmp(id, own) != 0) {
            code = copy_run(self, id, resolved, reused, err);
        }
    }
    return code;
}
