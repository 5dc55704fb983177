/* regimes.c — finds the groups that make a plane of batch and temperature, fits its law, and B* over P, with errors. */
#include "fit/regimes/regimes.h"

#include "core/memory.h"
#include "fit/regimes/regimes_private.h"
#include "fit/table/cells.h"
#include "fit/table/groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_BATCHES = 3, LEAST_TEMPS = 3 };

/* Groups that differ in the batch alone, and the P of a plane. */
typedef struct {
    const ch_fit_group **members; /* [count] ascending in the batch */
    size_t count;
    uint64_t train;
} group_set;

/* ---- one plane ---- */

static int compare_runs(const void *left, const void *right)
{
    const ch_settings *a = &(*(const ch_run *const *)left)->settings, *b = &(*(const ch_run *const *)right)->settings;
    if (a->batch != b->batch) {
        return a->batch > b->batch ? 1 : -1;
    }
    if (a->temp != b->temp) {
        return a->temp > b->temp ? 1 : -1;
    }
    return (a->seed_data > b->seed_data) - (a->seed_data < b->seed_data);
}

/* The runs of a group at a P, which stand together. @param count  out: 0 where it has none */
static const ch_run **runs_at(const ch_fit_group *group, uint64_t train, size_t *count)
{
    for (size_t p = 0; p < group->num_trains; p++) {
        if (group->trains[p] == train) {
            const size_t begin = group->cells[ch_fit_first_cell(group, p)].begin;
            *count = group->cells[ch_fit_first_cell(group, p + 1) - 1].end - begin;
            return group->runs + begin;
        }
    }
    *count = 0;
    return NULL;
}

static ch_code list_runs(ch_regime_plane *self, const group_set *set, ch_error *err)
{
    size_t total = 0, count = 0;
    for (size_t b = 0; b < set->count; b++) {
        (void)runs_at(set->members[b], set->train, &count);
        total += count;
    }
    self->train = set->train;
    self->runs = ch_alloc(total, sizeof *self->runs);
    self->cells = ch_alloc(total, sizeof *self->cells);
    if (self->runs == NULL || self->cells == NULL) {
        return ch_error_memory(err, "the regimes of a fit");
    }
    for (size_t b = 0; b < set->count; b++) {
        const ch_run **from = runs_at(set->members[b], set->train, &count);
        if (count > 0) {
            memcpy(self->runs + self->num_runs, from, count * sizeof *from);
            self->num_runs += count;
        }
    }
    qsort(self->runs, self->num_runs, sizeof *self->runs, compare_runs);
    return CH_OK;
}

static void list_cells(ch_regime_plane *self)
{
    for (size_t i = 0; i < self->num_runs; i++) {
        const ch_settings *at = &self->runs[i]->settings;
        ch_regime_cell *last = self->num_cells > 0 ? &self->cells[self->num_cells - 1] : NULL;
        if (last == NULL || last->batch != at->batch || last->temp != at->temp) {
            last = &self->cells[self->num_cells++];
            *last = (ch_regime_cell){
                .batch = at->batch, .temp = at->temp, .begin = i, .counts = true, .log_weight_change = NAN};
        }
        last->end = i + 1;
        last->counts = last->counts && ch_fit_is_whole(self->runs[i]);
    }
}

/* Whether three B or more have three T or more each. */
static bool is_plane(const ch_regime_plane *self)
{
    size_t wide = 0, temps = 0;
    for (size_t c = 0; c < self->num_cells; c++) {
        temps = c > 0 && self->cells[c].batch == self->cells[c - 1].batch ? temps + 1 : 1;
        wide += temps == LEAST_TEMPS;
    }
    return wide >= LEAST_BATCHES;
}

static void plane_free(ch_regime_plane *self)
{
    free(self->runs);
    free(self->cells);
    *self = (ch_regime_plane){0};
}

/* ---- the planes of groups that differ in the batch alone ---- */

/* Orders groups by their batch. The full batch, whose key is 0, comes last: its batch minus 1 is the largest number. */
static int compare_batches(const void *left, const void *right)
{
    const uint64_t a = (*(const ch_fit_group *const *)left)->key.batch - 1;
    const uint64_t b = (*(const ch_fit_group *const *)right)->key.batch - 1;
    return (a > b) - (a < b);
}

/* Lists, ascending in the batch, the groups that differ from group `first` in nothing but the batch, and `first`
 * itself; none where an earlier group belongs to them, since they were listed for that one. */
static void gather(const ch_fit *fit, size_t first, group_set *set)
{
    set->count = 0;
    set->train = 0;
    for (size_t g = 0; g < fit->num_groups; g++) {
        if (ch_fit_groups_share_all_but(&fit->groups[first], &fit->groups[g], CH_SETTING_BATCH)) {
            if (g < first) {
                set->count = 0;
                return;
            }
            set->members[set->count++] = &fit->groups[g];
        }
    }
    qsort(set->members, set->count, sizeof *set->members, compare_batches);
}

/* The least P above the set's that some group has; 0 where there is none. */
static uint64_t next_train(const group_set *set)
{
    uint64_t next = 0;
    for (size_t b = 0; b < set->count; b++) {
        for (size_t p = 0; p < set->members[b]->num_trains; p++) {
            const uint64_t candidate = set->members[b]->trains[p];
            if (candidate > set->train && (next == 0 || candidate < next)) {
                next = candidate;
            }
        }
    }
    return next;
}

static void regimes_free(ch_regimes *self)
{
    for (size_t i = 0; i < self->num_planes; i++) {
        plane_free(&self->planes[i]);
    }
    free(self->planes);
    *self = (ch_regimes){0};
}

/* Lists the planes of a set of groups; there may be none. */
static ch_code list_planes(ch_regimes *self, group_set *set, ch_error *err)
{
    size_t capacity = 0;
    self->key = set->members[0]->key;
    while ((set->train = next_train(set)) > 0) {
        void *planes = self->planes;
        if (ch_grow(&planes, &capacity, self->num_planes + 1, sizeof *self->planes) != 0) {
            return ch_error_memory(err, "the regimes of a fit");
        }
        self->planes = planes;
        ch_regime_plane *plane = &self->planes[self->num_planes++];
        *plane = (ch_regime_plane){0};
        const ch_code code = list_runs(plane, set, err);
        if (code != CH_OK) {
            return code;
        }
        list_cells(plane);
        ch_regime_plane_predict(plane, set->members, set->count);
        if (!is_plane(plane)) {
            plane_free(plane);
            self->num_planes--;
        }
    }
    return CH_OK;
}

/* ---- all of a fit ---- */

/* Lists all planes of a fit. */
static ch_code list_all(ch_regimes_list *self, const ch_fit *fit, group_set *set, ch_error *err)
{
    for (size_t g = 0; g < fit->num_groups; g++) {
        gather(fit, g, set);
        if (set->count < LEAST_BATCHES) {
            continue;
        }
        void *items = self->items;
        if (ch_grow(&items, &self->capacity, self->count + 1, sizeof *self->items) != 0) {
            return ch_error_memory(err, "the regimes of a fit");
        }
        self->items = items;
        ch_regimes *item = &self->items[self->count++];
        *item = (ch_regimes){0};
        const ch_code code = list_planes(item, set, err);
        if (code != CH_OK) {
            return code;
        }
        if (item->num_planes == 0) {
            regimes_free(item);
            self->count--;
        }
    }
    return CH_OK;
}

ch_code ch_regimes_list_init(ch_regimes_list *self, const ch_fit *fit, ch_error *err)
{
    ch_bootstrap_progress progress = {.watch = fit->options.watch};
    group_set set = {.members = ch_alloc(fit->num_groups, sizeof *set.members)};
    ch_code code = CH_OK;
    *self = (ch_regimes_list){0};
    if (set.members == NULL) {
        return ch_error_memory(err, "the regimes of a fit");
    }
    code = list_all(self, fit, &set, err);
    progress.total = self->count * fit->options.replicas;
    for (size_t i = 0; i < self->count && code == CH_OK; i++) {
        code = ch_regimes_fit(&self->items[i], &fit->options, &progress, err);
    }
    free(set.members);
    return code;
}

void ch_regimes_list_free(ch_regimes_list *self)
{
    for (size_t i = 0; i < self->count; i++) {
        regimes_free(&self->items[i]);
    }
    free(self->items);
    *self = (ch_regimes_list){0};
}
