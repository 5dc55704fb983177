/* order.c — puts runs that were read into the order of their settings. */
#include "sim/store/order.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- taking runs in ---- */

void ch_run_order_free(ch_run_order *self)
{
    free(self->nulls);
    free(self->ids);
    *self = (ch_run_order){0};
}

/* Whether the setting has the same value in both runs. */
static bool is_same(const ch_run *a, const ch_run *b, const ch_setting *row)
{
    const char *x = (const char *)&a->settings + row->offset, *y = (const char *)&b->settings + row->offset;
    switch (row->type) {
    case CH_TYPE_REAL: /* of the same size */
    case CH_TYPE_COUNT:
        return memcmp(x, y, sizeof(uint64_t)) == 0;
    case CH_TYPE_CHOICE:
        return *x == *y;
    case CH_TYPE_RULE:
        return strcmp(x, y) == 0;
    case CH_TYPE_CONTENT:
        return strcmp(a->settings.init_digest, b->settings.init_digest) == 0;
    case CH_TYPE_TEXT: /* no setting of this type is stored */
        break;
    }
    return true;
}

/* Makes room for more runs. */
static ch_code make_room(ch_run_order *self, size_t more, ch_error *err)
{
    void *items = self->nulls, *ids = self->ids;
    if (ch_grow(&items, &self->nulls_capacity, self->count + more, sizeof *self->nulls) != 0) {
        return ch_error_memory(err, "the order of runs");
    }
    self->nulls = items;
    if (ch_grow(&ids, &self->ids_capacity, self->count + more, sizeof *self->ids) != 0) {
        return ch_error_memory(err, "the order of runs");
    }
    self->ids = ids;
    return CH_OK;
}

/* Notes the settings in which a run differs from the first one. */
static void compare_with_first(ch_run_order *self, const ch_run *first, const ch_run *run, uint64_t nulls)
{
    self->varying |= nulls ^ self->nulls[0];
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        if ((self->varying >> i & 1) == 0 && !is_same(first, run, &ch_settings_table[i])) {
            self->varying |= UINT64_C(1) << i;
        }
    }
}

ch_code ch_run_order_add(ch_run_order *self, const ch_run *first, const ch_run *run, uint64_t nulls, const char *id,
                         ch_error *err)
{
    const ch_code code = make_room(self, 1, err);
    if (code != CH_OK) {
        return code;
    }
    self->nulls[self->count] = nulls;
    strncpy(self->ids[self->count], id, CH_RUN_ORDER_ID);
    self->count++;
    compare_with_first(self, first, run, nulls);
    return CH_OK;
}

ch_code ch_run_order_join(ch_run_order *self, const ch_run *first, ch_run_order *other, const ch_run *other_first,
                          ch_error *err)
{
    if (other->count == 0) {
        return CH_OK;
    }
    if (self->count == 0) {
        ch_run_order_free(self);
        *self = *other;
        *other = (ch_run_order){0};
        return CH_OK;
    }
    const ch_code code = make_room(self, other->count, err);
    if (code != CH_OK) {
        return code;
    }
    memcpy(self->nulls + self->count, other->nulls, other->count * sizeof *self->nulls);
    memcpy(self->ids + self->count, other->ids, other->count * sizeof *self->ids);
    self->count += other->count;
    self->varying |= other->varying;
    compare_with_first(self, first, other_first, other->nulls[0]);
    ch_run_order_free(other);
    return CH_OK;
}

/* ---- keys: integers in the order of a setting's values, 0 for NULL ---- */

/* The place of a choice's word in the alphabet, from 0. */
static uint64_t place_in_alphabet(const ch_setting *row, uint64_t choice)
{
    uint64_t before = 0;
    for (uint64_t k = 0; row->choice(k) != NULL; k++) {
        before += strcmp(row->choice(k), row->choice(choice)) < 0;
    }
    return before;
}

/* Integers in the order of the reals: of negative ones all bits are turned, of others the sign. */
static uint64_t real_key(double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static const char *text_of(const ch_run *run, size_t setting)
{
    const bool is_digest = ch_settings_table[setting].type == CH_TYPE_CONTENT;
    return is_digest ? run->settings.init_digest : ch_settings_get(&run->settings, setting).text;
}

/* The text of a run, to be sorted, and which run it is. */
typedef struct {
    const char *text;
    size_t run;
} run_text;

static int compare_texts(const void *left, const void *right)
{
    return strcmp(((const run_text *)left)->text, ((const run_text *)right)->text);
}

/* Keys of a setting that is a text: its place among the texts of all runs. */
static ch_code fill_text_keys(const ch_run_order *self, const ch_run *runs, size_t setting, uint64_t *keys,
                              ch_error *err)
{
    run_text *texts = ch_alloc(self->count, sizeof *texts);
    if (texts == NULL) {
        return ch_error_memory(err, "the order of runs");
    }
    for (size_t i = 0; i < self->count; i++) {
        texts[i] = (run_text){text_of(&runs[i], setting), i};
    }
    qsort(texts, self->count, sizeof *texts, compare_texts);
    uint64_t place = 1;
    for (size_t i = 0; i < self->count; i++) {
        place += i > 0 && compare_texts(&texts[i - 1], &texts[i]) != 0;
        keys[texts[i].run] = place;
    }
    free(texts);
    return CH_OK;
}

/* @param keys  out: [count] of the runs in the order in which they were taken in */
static ch_code fill_keys(const ch_run_order *self, const ch_run *runs, size_t setting, uint64_t *keys, ch_error *err)
{
    enum { MOST_CHOICES = 64 };
    const ch_setting *row = &ch_settings_table[setting];
    const bool is_text = row->type == CH_TYPE_RULE || row->type == CH_TYPE_CONTENT;
    uint64_t places[MOST_CHOICES] = {0};
    ch_code code = is_text ? fill_text_keys(self, runs, setting, keys, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    for (uint64_t k = 0; row->type == CH_TYPE_CHOICE && k < MOST_CHOICES && row->choice(k) != NULL; k++) {
        places[k] = 1 + place_in_alphabet(row, k);
    }
    for (size_t i = 0; i < self->count; i++) {
        const ch_value value = ch_settings_get(&runs[i].settings, setting);
        if (row->type == CH_TYPE_REAL) {
            keys[i] = real_key(value.real);
        } else if (row->type == CH_TYPE_COUNT) {
            keys[i] = value.count + 1;
        } else if (row->type == CH_TYPE_CHOICE) {
            keys[i] = places[value.count % MOST_CHOICES];
        }
        if ((self->nulls[i] >> setting & 1) != 0) {
            keys[i] = 0;
        }
    }
    return CH_OK;
}

/* ---- sorting ---- */

/* Sorts runs by one byte of their keys; those with the same byte stay in their order.
 * @param keys  by run  @param runs, sorted  [count] numbers of runs */
static void sort_by_byte(const uint64_t *keys, const uint32_t *runs, uint32_t *sorted, size_t count, unsigned shift)
{
    size_t place[257] = {0};
    for (size_t i = 0; i < count; i++) {
        place[(keys[i] >> shift & 255) + 1]++;
    }
    for (size_t k = 1; k < 257; k++) {
        place[k] += place[k - 1];
    }
    for (size_t i = 0; i < count; i++) {
        sorted[place[keys[runs[i]] >> shift & 255]++] = runs[i];
    }
}

/* What the sort works with; [count] each. */
typedef struct {
    uint64_t *keys;          /* of one setting, by run */
    uint32_t *runs, *sorted; /* numbers of runs, of which there are fewer than 2^32 */
} workspace;

static void workspace_free(workspace *self)
{
    free(self->keys);
    free(self->runs);
    free(self->sorted);
}

static ch_code workspace_init(workspace *self, size_t count, ch_error *err)
{
    *self = (workspace){
        .keys = ch_alloc(count, sizeof *self->keys),
        .runs = ch_alloc(count, sizeof *self->runs),
        .sorted = ch_alloc(count, sizeof *self->sorted),
    };
    if (self->keys == NULL || self->runs == NULL || self->sorted == NULL || count > UINT32_MAX) {
        return ch_error_memory(err, "the order of runs");
    }
    for (size_t i = 0; i < count; i++) {
        self->runs[i] = (uint32_t)i;
    }
    return CH_OK;
}

/* Sorts the runs by the keys of the workspace, from the last byte to the first. */
static void sort_by_keys(workspace *work, size_t count)
{
    uint64_t differing = 0;
    for (size_t i = 0; i < count; i++) {
        differing |= work->keys[i] ^ work->keys[0];
    }
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if ((differing >> shift & 255) != 0) {
            uint32_t *sorted = work->sorted;
            sort_by_byte(work->keys, work->runs, sorted, count, shift);
            work->sorted = work->runs;
            work->runs = sorted;
        }
    }
}

/* A run among those with the same settings. */
typedef struct {
    char id[CH_RUN_ORDER_ID];
    uint32_t run;
} named_run;

static int compare_ids(const void *left, const void *right)
{
    return memcmp(((const named_run *)left)->id, ((const named_run *)right)->id, CH_RUN_ORDER_ID);
}

/* Puts runs with the same settings, which differ in their results version, into the order of their ids. */
static ch_code sort_by_ids(const ch_run_order *self, uint32_t *runs, size_t count, ch_error *err)
{
    named_run *named = ch_alloc(count, sizeof *named);
    if (named == NULL) {
        return ch_error_memory(err, "the order of runs");
    }
    for (size_t k = 0; k < count; k++) {
        named[k].run = runs[k];
        memcpy(named[k].id, self->ids[runs[k]], CH_RUN_ORDER_ID);
    }
    qsort(named, count, sizeof *named, compare_ids);
    for (size_t k = 0; k < count; k++) {
        runs[k] = named[k].run;
    }
    free(named);
    return CH_OK;
}

/* Whether two runs have the same settings. */
static bool are_tied(const ch_run_order *self, const ch_run *runs, uint32_t a, uint32_t b)
{
    bool same = self->nulls[a] == self->nulls[b];
    for (size_t i = 0; i < CH_SETTINGS_STORED && same; i++) {
        same = (self->varying >> i & 1) == 0 || is_same(&runs[a], &runs[b], &ch_settings_table[i]);
    }
    return same;
}

/* @param sorted  [count] numbers of the runs in the order of their settings; out: those with the same by their ids */
static ch_code sort_ties(const ch_run_order *self, const ch_run *runs, uint32_t *sorted, ch_error *err)
{
    for (size_t begin = 0, end = 0; begin < self->count; begin = end) {
        for (end = begin + 1; end < self->count && are_tied(self, runs, sorted[begin], sorted[end]); end++) {
        }
        const ch_code code = end > begin + 1 ? sort_by_ids(self, sorted + begin, end - begin, err) : CH_OK;
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Moves the runs to their places, cycle by cycle: run number sorted[k] comes to place k. */
static void move_runs(ch_run *runs, uint32_t *sorted, size_t count)
{
    for (uint32_t start = 0; start < count; start++) {
        if (sorted[start] == start) {
            continue;
        }
        const ch_run first = runs[start];
        uint32_t place = start;
        while (sorted[place] != start) {
            const uint32_t from = sorted[place];
            runs[place] = runs[from];
            sorted[place] = place;
            place = from;
        }
        runs[place] = first;
        sorted[place] = place;
    }
}

ch_code ch_run_order_sort(const ch_run_order *self, ch_run *runs, ch_error *err)
{
    workspace work = {0};
    ch_code code = workspace_init(&work, self->count, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = CH_SETTINGS_STORED; i-- > 0;) {
        if ((self->varying >> i & 1) == 0) {
            continue;
        }
        code = fill_keys(self, runs, i, work.keys, err);
        if (code != CH_OK) {
            goto out;
        }
        sort_by_keys(&work, self->count);
    }
    code = sort_ties(self, runs, work.runs, err);
    if (code != CH_OK) {
        goto out;
    }
    move_runs(runs, work.runs, self->count);
out:
    workspace_free(&work);
    return code;
}
