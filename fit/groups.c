/* groups.c — which runs are fitted together. */
#include "fit/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    case CH_SETTING_RECORD:
        return false;
    default:
        return true;
    }
}

static bool same_value(size_t setting, const ch_settings *a, const ch_settings *b)
{
    const ch_value x = ch_settings_get(a, setting);
    const ch_value y = ch_settings_get(b, setting);
    return ch_settings_table[setting].type == CH_TYPE_REAL ? x.real == y.real : x.count == y.count;
}

static bool same_key(const ch_settings *a, const ch_settings *b)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (ch_fit_is_key(i) && !same_value(i, a, b)) {
            return false;
        }
    }
    return true;
}

/* Keys found so far, in order of appearance. */
typedef struct {
    ch_settings *keys;
    bool *full;     /* all runs with this key have batch = train */
    size_t *merged; /* index of the group that the key went to */
    size_t count, capacity, full_capacity, merged_capacity;
} key_list;

static void key_list_free(key_list *self)
{
    free(self->keys);
    free(self->full);
    free(self->merged);
}

/* Index of a key among the first `count`, `guess` first: neighbours in a table mostly share theirs. */
static size_t find_key(const ch_settings *keys, size_t count, const ch_settings *key, size_t guess)
{
    if (guess < count && same_key(&keys[guess], key)) {
        return guess;
    }
    for (size_t i = 0; i < count; i++) {
        if (same_key(&keys[i], key)) {
            return i;
        }
    }
    return count;
}

/* Finds each run's key. @param key_of  out: [table->count] */
static ch_code find_keys(key_list *list, const ch_run_table *table, size_t *key_of, ch_error *err)
{
    size_t last = 0;
    for (size_t i = 0; i < table->count; i++) {
        const ch_settings *settings = &table->runs[i].settings;
        last = find_key(list->keys, list->count, settings, last);
        if (last == list->count) {
            if (ch_grow((void **)&list->keys, &list->capacity, last + 1, sizeof *list->keys) != 0 ||
                ch_grow((void **)&list->full, &list->full_capacity, last + 1, sizeof *list->full) != 0 ||
                ch_grow((void **)&list->merged, &list->merged_capacity, last + 1, sizeof *list->merged) != 0) {
                return ch_error_memory(err, "the groups of a fit");
            }
            list->keys[last] = *settings;
            list->full[last] = true;
            list->count++;
        }
        list->full[last] = list->full[last] && settings->batch == settings->train;
        key_of[i] = last;
    }
    return CH_OK;
}

/* Runs with the full batch at several P have several B, yet belong together: the word "full" replaces the number, and
 * keys that have become equal are merged.  @return number of groups; list->keys then holds theirs */
static size_t merge_full(key_list *list)
{
    size_t num_groups = 0;
    for (size_t i = 0; i < list->count; i++) {
        ch_settings key = list->keys[i];
        if (list->full[i]) {
            key.batch = 0;
        }
        const size_t group = find_key(list->keys, num_groups, &key, 0);
        list->merged[i] = group;
        if (group == num_groups) {
            list->keys[num_groups++] = key; /* num_groups <= i: the place has been read */
        }
    }
    return num_groups;
}

static ch_code fill_groups(ch_fit *self, const ch_run_table *table, const key_list *list, const size_t *key_of,
                           ch_error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        self->groups[list->merged[key_of[i]]].num_runs++;
    }
    for (size_t g = 0; g < self->num_groups; g++) {
        ch_fit_group *group = &self->groups[g];
        group->key = list->keys[g];
        group->runs = ch_alloc(group->num_runs, sizeof *group->runs);
        if (group->runs == NULL) {
            return ch_error_memory(err, "the runs of a group");
        }
        group->num_runs = 0;
    }
    for (size_t i = 0; i < table->count; i++) {
        ch_fit_group *group = &self->groups[list->merged[key_of[i]]];
        group->runs[group->num_runs++] = &table->runs[i];
    }
    for (size_t g = 0; g < self->num_groups; g++) {
        const ch_code code = ch_fit_make_cells(&self->groups[g], err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

ch_code ch_fit_make_groups(ch_fit *self, const ch_run_table *table, ch_error *err)
{
    ch_code code = CH_OK;
    key_list list = {0};
    size_t *key_of = ch_alloc(table->count, sizeof *key_of);
    if (key_of == NULL) {
        code = ch_error_memory(err, "the groups of a fit");
        goto out;
    }
    code = find_keys(&list, table, key_of, err);
    if (code != CH_OK) {
        goto out;
    }
    const size_t num_groups = merge_full(&list);
    self->groups = ch_alloc(num_groups, sizeof *self->groups);
    if (self->groups == NULL) {
        code = ch_error_memory(err, "the groups of a fit");
        goto out;
    }
    self->num_groups = num_groups;
    code = fill_groups(self, table, &list, key_of, err);
    for (size_t i = 0; i < ch_settings_count; i++) {
        for (size_t g = 1; g < num_groups && ch_fit_is_key(i); g++) {
            if (!same_value(i, &self->groups[0].key, &self->groups[g].key)) {
                self->differing |= UINT64_C(1) << i;
            }
        }
    }
out:
    key_list_free(&list);
    free(key_of);
    return code;
}

void ch_fit_free_groups(ch_fit *self)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        ch_fit_group *group = &self->groups[g];
        free(group->runs);
        free(group->trains);
        free(group->temps);
        free(group->cells);
        free(group->tc);
        for (size_t i = 0; i < group->num_notes; i++) {
            free(group->notes[i]);
        }
        free(group->notes);
    }
    free(self->groups);
}

void ch_fit_group_label(const ch_fit *self, const ch_fit_group *group, char *text, size_t size)
{
    const uint64_t always = UINT64_C(1) << CH_SETTING_CHI | UINT64_C(1) << CH_SETTING_DIM;
    size_t used = 0;
    if (size > 0) {
        text[0] = '\0';
    }
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (((self->differing | always) >> i & 1) == 0) {
            continue;
        }
        char value[32];
        ch_setting_format(&ch_settings_table[i], ch_settings_get(&group->key, i), value, sizeof value);
        const int length = used < size ? snprintf(text + used, size - used, "%s%s = %s", used > 0 ? ", " : "",
                                                  ch_settings_table[i].name, value)
                                       : 0;
        used += length > 0 ? (size_t)length : 0;
    }
}

void ch_fit_format_temp(double temp, char *text, size_t size)
{
    int exponent = 0;
    const bool is_power = frexp(temp, &exponent) == 0.5; /* temp = 2^(exponent - 1) */
    if (is_power && (exponent < -2 || exponent > 11)) {
        snprintf(text, size, "2^%d", exponent - 1);
    } else {
        snprintf(text, size, "%.4g", temp);
    }
}
