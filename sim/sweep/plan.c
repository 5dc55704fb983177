/* plan.c — a sweep as the product of lists of values. */
#include "sim/sweep/plan.h"

#include "core/memory.h"
#include "core/text.h"
#include "sim/sweep/plan_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- an axis ---- */

ch_code ch_plan_axis_init(ch_plan_axis *self, size_t num_settings, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->settings = ch_alloc(num_settings, sizeof *self->settings);
    self->values = ch_alloc(num_settings, sizeof *self->values);
    if (self->settings == NULL || self->values == NULL) {
        ch_plan_axis_free(self);
        return ch_error_memory(err, "an axis of a sweep");
    }
    self->num_settings = num_settings;
    return CH_OK;
}

void ch_plan_axis_free(ch_plan_axis *self)
{
    for (size_t i = 0; i < self->num_settings; i++) {
        ch_values_free(&self->values[i]);
    }
    free(self->settings);
    free(self->values);
    memset(self, 0, sizeof *self);
}

static const char *axis_name(const ch_plan_axis *axis, size_t i)
{
    return ch_settings_table[axis->settings[i]].name;
}

/* Sets the axis' length to the number of values that each of its settings has, and refuses an axis where they differ.
 */
static ch_code measure_axis(ch_plan_axis *axis, ch_error *err)
{
    axis->length = axis->num_settings == 0 ? 0 : axis->values[0].count;
    for (size_t i = 0; i < axis->num_settings; i++) {
        const size_t count = axis->values[i].count;
        if (count == 0) {
            return ch_error_set(err, CH_ERROR_INPUT, "%s has an empty list; accepted is at least one value",
                                axis_name(axis, i));
        }
        if (count != axis->length) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "zip: %s has %zu values and %s has %zu; settings that vary together need the same "
                                "number of values",
                                axis_name(axis, 0), axis->length, axis_name(axis, i), count);
        }
    }
    return CH_OK;
}

/* ---- the plan ---- */

void ch_plan_init(ch_plan *self)
{
    memset(self, 0, sizeof *self);
    self->num_runs = 1;
}

void ch_plan_free(ch_plan *self)
{
    for (size_t i = 0; i < self->num_axes; i++) {
        ch_plan_axis_free(&self->axes[i]);
    }
    free(self->axes);
    for (size_t i = 0; i < self->num_blocks; i++) {
        ch_plan_free(&self->blocks[i]);
    }
    free(self->blocks);
    free(self->name);
    ch_plan_init(self);
}

/* Counts the runs of all blocks. */
static ch_code count_blocks(ch_plan *self, ch_error *err)
{
    self->num_runs = 0;
    for (size_t i = 0; i < self->num_blocks; i++) {
        if (__builtin_add_overflow(self->num_runs, self->blocks[i].num_runs, &self->num_runs)) {
            return ch_error_set(err, CH_ERROR_INPUT, "the blocks have 2^64 runs or more; accepted are fewer");
        }
    }
    return CH_OK;
}

ch_code ch_plan_add_block(ch_plan *self, ch_plan *block, ch_error *err)
{
    void *blocks = self->blocks;
    if (ch_grow(&blocks, &self->blocks_capacity, self->num_blocks + 1, sizeof *self->blocks) != 0) {
        ch_plan_free(block);
        return ch_error_memory(err, "the blocks of a sweep");
    }
    self->blocks = blocks;
    self->blocks[self->num_blocks++] = *block;
    ch_plan_init(block);
    return count_blocks(self, err);
}

/* Reads a number of digits alone, from 1 to `most`, that ends at a character.
 * @return what follows that character; NULL where it is no such number */
static const char *read_number(const char *text, char end, uint64_t most, uint64_t *number)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 7 || text[digits] != end) { /* 7 digits overflow nothing */
        return NULL;
    }
    *number = strtoull(text, NULL, 10);
    return *number >= 1 && *number <= most ? text + digits + 1 : NULL;
}

ch_code ch_plan_set_part(ch_plan *self, const char *text, ch_error *err)
{
    enum { MOST_PARTS = 1000000 };
    const char *rest = read_number(text, '/', MOST_PARTS, &self->part);
    if (rest == NULL || read_number(rest, '\0', MOST_PARTS, &self->num_parts) == NULL || self->part > self->num_parts) {
        self->part = self->num_parts = 0;
        return ch_error_set(err, CH_ERROR_INPUT,
                            "part is '%s'; accepted is K/N, the K-th of N parts, with K from 1 to N and N up to 10^6, "
                            "e.g. --part 3/8",
                            ch_show(text).text);
    }
    return CH_OK;
}

static bool is_given(const ch_plan *self, size_t setting)
{
    return (self->given >> setting & 1) != 0;
}

static ch_code refuse_product(const ch_plan_axis *axis, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "%s has %zu values, which makes 2^64 runs or more; accepted are fewer",
                        axis_name(axis, 0), axis->length);
}

/* Marks the settings of the axis as given. Refuses a setting that is marked already. */
static ch_code claim_settings(ch_plan *self, const ch_plan_axis *axis, ch_error *err)
{
    uint64_t given = self->given;
    for (size_t i = 0; i < axis->num_settings; i++) {
        const uint64_t bit = (uint64_t)1 << axis->settings[i];
        if ((given & bit) != 0) {
            return ch_error_set(err, CH_ERROR_INPUT, "%s is set twice; accepted is once", axis_name(axis, i));
        }
        given |= bit;
    }
    self->given = given;
    return CH_OK;
}

ch_code ch_plan_add(ch_plan *self, ch_plan_axis *axis, ch_error *err)
{
    uint64_t num_runs = 0;
    void *axes = self->axes;
    ch_code code = measure_axis(axis, err);
    if (code != CH_OK || axis->num_settings == 0) {
        goto out;
    }
    if (__builtin_mul_overflow(self->num_runs, (uint64_t)axis->length, &num_runs)) {
        code = refuse_product(axis, err);
        goto out;
    }
    if (ch_grow(&axes, &self->capacity, self->num_axes + 1, sizeof *self->axes) != 0) {
        code = ch_error_memory(err, "the axes of a sweep");
        goto out;
    }
    self->axes = axes;
    code = claim_settings(self, axis, err);
    if (code != CH_OK) {
        goto out;
    }
    self->axes[self->num_axes++] = *axis;
    self->num_runs = num_runs;
    memset(axis, 0, sizeof *axis);
out:
    ch_plan_axis_free(axis);
    return code;
}

static ch_plan_axis *find_axis(const ch_plan *self, size_t setting)
{
    for (size_t i = 0; i < self->num_axes; i++) {
        for (size_t k = 0; k < self->axes[i].num_settings; k++) {
            if (self->axes[i].settings[k] == setting) {
                return &self->axes[i];
            }
        }
    }
    return NULL;
}

/* Puts `axis`, which has one setting, in the place of the axis that has the same setting alone. After a failure the
 * plan is as it was. */
static ch_code replace_axis(ch_plan *self, ch_plan_axis *axis, ch_error *err)
{
    ch_plan_axis *old = find_axis(self, axis->settings[0]);
    if (old->num_settings > 1) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s is in a zip group, where it varies together with %s; change it there",
                            axis_name(axis, 0), axis_name(old, old->settings[0] == axis->settings[0]));
    }
    uint64_t num_runs = self->num_runs / old->length;
    if (__builtin_mul_overflow(num_runs, (uint64_t)axis->length, &num_runs)) {
        return refuse_product(axis, err);
    }
    const ch_plan_axis swapped = *old;
    *old = *axis;
    *axis = swapped;
    self->num_runs = num_runs;
    return CH_OK;
}

/* Measures an axis of one setting and puts it in the place of the axis that has this setting. */
static ch_code replace_given(ch_plan *self, ch_plan_axis *axis, ch_error *err)
{
    const ch_code code = measure_axis(axis, err);
    if (code != CH_OK) {
        return code;
    }
    return replace_axis(self, axis, err);
}

static ch_code set_values(ch_plan *self, size_t setting, const char *text, ch_error *err)
{
    ch_plan_axis axis;
    ch_code code = ch_plan_axis_init(&axis, 1, err);
    if (code != CH_OK) {
        return code;
    }
    axis.settings[0] = setting;
    code = ch_values_parse(&axis.values[0], &ch_settings_table[setting], text, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_values_merge(&axis.values[0], err);
    if (code != CH_OK) {
        goto out;
    }
    code = is_given(self, setting) ? replace_given(self, &axis, err) : ch_plan_add(self, &axis, err);
out:
    ch_plan_axis_free(&axis);
    return code;
}

ch_code ch_plan_set(ch_plan *self, size_t setting, const char *text, ch_error *err)
{
    if (self->num_blocks == 0) {
        return set_values(self, setting, text, err);
    }
    for (size_t i = 0; i < self->num_blocks; i++) {
        ch_error cause = {0};
        const ch_code code = set_values(&self->blocks[i], setting, text, &cause);
        if (code != CH_OK) {
            return ch_error_set(err, code, "block %s: %s", ch_show(self->blocks[i].name).text, cause.message);
        }
    }
    return count_blocks(self, err);
}

/* ---- data sets ---- */

size_t ch_plan_data_setting(const ch_plan *self)
{
    return is_given(self, CH_SETTING_SEED_DATA) ? CH_SETTING_SEED_DATA : CH_SETTING_SEED;
}

size_t ch_plan_num_data_sets(const ch_plan *self)
{
    const ch_plan_axis *axis = find_axis(self, ch_plan_data_setting(self));
    return axis != NULL ? axis->length : 1;
}

/* Appends seeds after the largest until there are `count`. */
static ch_code extend_seeds(ch_values *seeds, size_t count, const char *name, ch_error *err)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < seeds->count; i++) {
        largest = seeds->items[i].count > largest ? seeds->items[i].count : largest;
    }
    const uint64_t more = count - seeds->count;
    if (more > (uint64_t)INT64_MAX - largest) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s: %zu data sets more would have seeds over 2^63 - 1; accepted are smaller seeds", name,
                            (size_t)more);
    }
    void *items = seeds->items;
    if (ch_grow(&items, &seeds->capacity, count, sizeof *seeds->items) != 0) {
        return ch_error_memory(err, "the data sets of a sweep");
    }
    seeds->items = items;
    while (seeds->count < count) {
        seeds->items[seeds->count++] = (ch_value){.count = ++largest};
    }
    return CH_OK;
}

ch_code ch_plan_set_data_sets(ch_plan *self, size_t count, ch_error *err)
{
    const size_t setting = ch_plan_data_setting(self);
    ch_code code = is_given(self, setting) ? CH_OK : ch_plan_set(self, setting, "0", err);
    if (code != CH_OK) {
        return code;
    }
    ch_plan_axis *axis = find_axis(self, setting);
    if (axis->num_settings > 1) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s varies together with %s under zip, so that data sets cannot be added; accepted is a "
                            "list of its own",
                            ch_settings_table[setting].name, axis_name(axis, axis->settings[0] == setting));
    }
    uint64_t num_runs = self->num_runs / axis->length;
    if (__builtin_mul_overflow(num_runs, (uint64_t)count, &num_runs)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s: %zu data sets make 2^64 runs or more; accepted are fewer",
                            ch_settings_table[setting].name, count);
    }
    ch_values *seeds = &axis->values[0];
    if (count > seeds->count) {
        code = extend_seeds(seeds, count, ch_settings_table[setting].name, err);
        if (code != CH_OK) {
            return code;
        }
    }
    seeds->count = axis->length = count;
    self->num_runs = num_runs;
    return CH_OK;
}

bool ch_plan_list_at(const ch_plan *self, size_t index, ch_plan_list *list)
{
    for (size_t i = 0; i < self->num_axes; i++) {
        const ch_plan_axis *axis = &self->axes[i];
        if (index < axis->num_settings) {
            *list = (ch_plan_list){axis->settings[index], axis->values[index].items, axis->length, i};
            return true;
        }
        index -= axis->num_settings;
    }
    return false;
}

ch_code ch_plan_check_stop(const ch_plan *self, ch_error *err)
{
    if (self->stop == NULL || *self->stop == 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the runs were listed; repeat the command to go on");
}

/* Writes the settings of a run of a plan without blocks. */
static void get_run(const ch_plan *self, uint64_t index, ch_settings *settings)
{
    for (size_t i = self->num_axes; i-- > 0;) {
        const ch_plan_axis *axis = &self->axes[i];
        const size_t place = (size_t)(index % axis->length);
        index /= axis->length;
        for (size_t k = 0; k < axis->num_settings; k++) {
            ch_settings_set(settings, axis->settings[k], axis->values[k].items[place]);
        }
    }
}

/* The block that has run `*index`, which becomes its number within the block; the plan itself where there are none. */
static const ch_plan *find_block(const ch_plan *self, uint64_t *index)
{
    const ch_plan *block = self;
    for (size_t i = 0; i < self->num_blocks; i++) {
        block = &self->blocks[i];
        if (*index < block->num_runs) {
            break;
        }
        *index -= block->num_runs;
    }
    return block;
}

const char *ch_plan_block_name(const ch_plan *self, uint64_t index)
{
    return find_block(self, &index)->name;
}

void ch_plan_get(const ch_plan *self, uint64_t index, ch_settings *settings)
{
    const ch_plan *block = find_block(self, &index);
    ch_settings_default(settings);
    settings->data_dir = self->data_dir;
    get_run(block, index, settings);
}
