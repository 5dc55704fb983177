/* groups.c — which runs are fitted together. */
#include "fit/table/groups.h"
#include "core/memory.h"
#include "fit/table/cells.h"
#include "fit/table/notes.h"
#include "sim/settings/reals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(CH_SETTINGS_STORED < 63, "bit 63 is that of the digest");

bool ch_fit_is_key(size_t setting)
{
    switch (setting) {
    case CH_SETTING_TRAIN:
    case CH_SETTING_TEMP:
    case CH_SETTING_RATE:
    case CH_SETTING_SEED:
    case CH_SETTING_SEED_DATA:
    case CH_SETTING_SEED_INIT:
    case CH_SETTING_SEED_BATCH:
    case CH_SETTING_MAX_STEPS:
    case CH_SETTING_MAX_UPDATES:
    case CH_SETTING_MAX_SECONDS:
    case CH_SETTING_ENGINE: /* the runs of all engines follow the same distribution */
    case CH_SETTING_RECORD:
    case CH_SETTING_KERNEL:
    case CH_SETTING_FLUCTUATIONS:
    case CH_SETTING_BURN_IN:
    case CH_SETTING_CURVATURE:
    case CH_SETTING_DATA_DIR:
    case CH_SETTING_DATA_FILE: /* the digest says which samples they are */
    case CH_SETTING_DATA_LABELS:
    case CH_SETTING_DENSITY:
        return false;
    default:
        return true;
    }
}

/* A setting as the key of a group has it: the full batch is one value, whatever P. */
static ch_value key_value(const ch_settings *settings, size_t setting)
{
    const bool full = setting == CH_SETTING_BATCH && settings->batch == settings->train;
    return full ? (ch_value){.count = 0} : ch_settings_get(settings, setting);
}

static int compare_values(size_t setting, const ch_settings *a, const ch_settings *b)
{
    const ch_value x = key_value(a, setting);
    const ch_value y = key_value(b, setting);
    if (ch_settings_table[setting].type == CH_TYPE_REAL) {
        return (x.real > y.real) - (x.real < y.real);
    }
    if (ch_settings_table[setting].type == CH_TYPE_RULE || ch_settings_table[setting].type == CH_TYPE_CONTENT) {
        return strcmp(x.text != NULL ? x.text : "", y.text != NULL ? y.text : "");
    }
    return (x.count > y.count) - (x.count < y.count);
}

/* Orders by the files that data are read from. Their digest is no setting, but it is part of a group's key. */
static int compare_images(const ch_settings *a, const ch_settings *b)
{
    return ch_settings_has_digest(a) && ch_settings_has_digest(b) ? strcmp(a->data_digest, b->data_digest) : 0;
}

static int compare_keys(const ch_settings *a, const ch_settings *b)
{
    int order = 0;
    for (size_t i = 0; i < CH_SETTINGS_STORED && order == 0; i++) {
        order = ch_fit_is_key(i) ? compare_values(i, a, b) : 0;
    }
    return order != 0 ? order : compare_images(a, b);
}

/* Runs that follow each other in the table and have one key. */
typedef struct {
    const ch_run *const *runs; /* [count] borrowed */
    size_t count;
} stretch;

/* Orders stretches by their keys. Those of one key stay in the order of the table, which is that of their addresses. */
static int compare_stretches(const void *left, const void *right)
{
    const ch_run *a = ((const stretch *)left)->runs[0], *b = ((const stretch *)right)->runs[0];
    const int order = compare_keys(&a->settings, &b->settings);
    return order != 0 ? order : (a > b) - (a < b);
}

static int compare_first_runs(const void *left, const void *right)
{
    const ch_run *a = ((const ch_fit_group *)left)->runs[0];
    const ch_run *b = ((const ch_fit_group *)right)->runs[0];
    return (a > b) - (a < b);
}

/* Cuts the runs where the keys change. A table is sorted by settings, so that stretches are far fewer than runs.
 * @param all  out: [count] stretches, to be freed by the caller, also after a failure */
static ch_code find_stretches(const ch_run *const *runs, size_t count, stretch **all, size_t *num, ch_error *err)
{
    void *items = NULL;
    size_t capacity = 0;
    *num = 0;
    for (size_t begin = 0, end = 0; begin < count; begin = end) {
        for (end = begin + 1; end < count && compare_keys(&runs[end - 1]->settings, &runs[end]->settings) == 0; end++) {
        }
        if (ch_grow(&items, &capacity, *num + 1, sizeof **all) != 0) {
            return ch_error_memory(err, "the groups of a fit");
        }
        *all = items;
        (*all)[(*num)++] = (stretch){runs + begin, end - begin};
    }
    return CH_OK;
}

static bool starts_group(const stretch *sorted, size_t i)
{
    return i == 0 || compare_keys(&sorted[i - 1].runs[0]->settings, &sorted[i].runs[0]->settings) != 0;
}

/* Makes a group of the `num` stretches at `sorted`, which share a key. */
static ch_code start_group(ch_fit_group *group, const stretch *sorted, size_t num, ch_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < num; i++) {
        count += sorted[i].count;
    }
    group->runs = ch_alloc(count, sizeof *group->runs);
    if (group->runs == NULL) {
        return ch_error_memory(err, "the runs of a group");
    }
    for (size_t i = 0; i < num; i++) {
        memcpy(group->runs + group->num_runs, sorted[i].runs, sorted[i].count * sizeof *group->runs);
        group->num_runs += sorted[i].count;
    }
    group->key = group->runs[0]->settings;
    group->key.batch = key_value(&group->key, CH_SETTING_BATCH).count;
    return CH_OK;
}

/* Makes a group of all stretches of one key, and puts the groups in the order of their first runs. */
static ch_code join_stretches(ch_fit *self, const stretch *sorted, size_t num, ch_error *err)
{
    size_t num_groups = 0;
    for (size_t i = 0; i < num; i++) {
        num_groups += starts_group(sorted, i);
    }
    self->groups = ch_alloc(num_groups, sizeof *self->groups);
    if (self->groups == NULL) {
        return ch_error_memory(err, "the groups of a fit");
    }
    for (size_t begin = 0, end = 0; begin < num; begin = end) {
        for (end = begin + 1; end < num && !starts_group(sorted, end); end++) {
        }
        const ch_code code = start_group(&self->groups[self->num_groups], sorted + begin, end - begin, err);
        if (code != CH_OK) {
            return code;
        }
        self->num_groups++;
    }
    qsort(self->groups, self->num_groups, sizeof *self->groups, compare_first_runs);
    return CH_OK;
}

static ch_code split_runs(ch_fit *self, const ch_run *const *runs, size_t count, ch_error *err)
{
    stretch *all = NULL;
    size_t num = 0;
    ch_code code = find_stretches(runs, count, &all, &num, err);
    if (code != CH_OK) {
        goto out;
    }
    if (num > 1) {
        qsort(all, num, sizeof *all, compare_stretches);
    }
    code = join_stretches(self, all, num, err);
out:
    free(all);
    return code;
}

/* Whether two groups learn the same data, such as mnist_parity, from different images. */
static bool differ_in_images(const ch_settings *a, const ch_settings *b)
{
    return a->data == b->data && compare_images(a, b) != 0;
}

static void find_differing(ch_fit *self)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        for (size_t h = 0; h < g; h++) {
            if (differ_in_images(&self->groups[g].key, &self->groups[h].key)) {
                self->differing |= CH_FIT_BY_DIGEST;
            }
        }
    }
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        for (size_t g = 1; g < self->num_groups && ch_fit_is_key(i); g++) {
            if (compare_values(i, &self->groups[0].key, &self->groups[g].key) != 0) {
                self->differing |= UINT64_C(1) << i;
            }
        }
    }
}

ch_code ch_fit_make_groups(ch_fit *self, ch_error *err)
{
    const ch_run_table *table = self->table;
    const ch_run **finite = ch_alloc(table->count, sizeof *finite);
    if (finite == NULL) {
        return ch_error_memory(err, "the groups of a fit");
    }
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (self->runs[i].settings.train > 0) {
            finite[count++] = &self->runs[i];
        }
    }
    ch_code code = split_runs(self, finite, count, err);
    free(finite);
    if (code != CH_OK) {
        return code;
    }
    find_differing(self);
    for (size_t g = 0; g < self->num_groups; g++) {
        code = ch_fit_make_cells(&self->groups[g], err);
        if (code != CH_OK) {
            return code;
        }
    }
    self->num_infinite = table->count - count;
    if (count == table->count) {
        return CH_OK;
    }
    return ch_fit_note(&self->groups[0], err,
                       "%zu runs with train = inf are left out of every fit: no such run is "
                       "ever fitted",
                       table->count - count);
}

void ch_fit_group_label(const ch_fit *self, const ch_fit_group *group, char *text, size_t size)
{
    const uint64_t of_networks = UINT64_C(1) << CH_SETTING_MODEL | UINT64_C(1) << CH_SETTING_DATA;
    const uint64_t always = UINT64_C(1) << CH_SETTING_CHI | UINT64_C(1) << CH_SETTING_DIM |
                            (ch_settings_is_network(&group->key) ? of_networks : 0) |
                            (uint64_t)!ch_setting_applies(&group->key, CH_SETTING_CHI) << CH_SETTING_DATA |
                            (uint64_t)group->key.linear
                                << CH_SETTING_LINEAR; /* the label of a twin always says that it is one */
    size_t used = 0;
    if (size > 0) {
        text[0] = '\0';
    }
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        if (((self->differing | always) >> i & 1) == 0 || !ch_setting_applies(&group->key, i)) {
            continue;
        }
        char value[CH_SETTING_TEXT_SIZE];
        ch_setting_show(&ch_settings_table[i], ch_settings_get(&group->key, i), value, sizeof value);
        const int length = used < size ? snprintf(text + used, size - used, "%s%s = %s", used > 0 ? ", " : "",
                                                  ch_settings_table[i].name, value)
                                       : 0;
        used += length > 0 ? (size_t)length : 0;
    }
    if ((self->differing & CH_FIT_BY_DIGEST) != 0 && ch_settings_has_digest(&group->key) && used < size) {
        snprintf(text + used, size - used, ", data_digest = %.*s", CH_DIGEST_SHOWN, group->key.data_digest);
    }
}

bool ch_fit_groups_share_all_but(const ch_fit_group *a, const ch_fit_group *b, size_t setting)
{
    bool same = ch_run_has_present_law(a->runs[0]) == ch_run_has_present_law(b->runs[0]) &&
                compare_images(&a->key, &b->key) == 0;
    for (size_t i = 0; i < ch_settings_count && same; i++) {
        same = i == setting || !ch_fit_is_key(i) || ch_settings_are_one(&a->key, &b->key, i);
    }
    return same;
}
