/* yaml_blocks.c — sweeps of several blocks in one YAML file, with what they have in common. */
#include "sim/sweep/yaml_private.h"

#include "core/text.h"

#include <stdlib.h>
#include <string.h>

/* Whether the block that is read gives a setting itself, or the one that stands for it: temp and rate are two ways to
 * say one thing. */
static bool is_given(const ch_yaml_reader *self, size_t setting)
{
    const uint64_t drive = (uint64_t)1 << CH_SETTING_TEMP | (uint64_t)1 << CH_SETTING_RATE;
    const uint64_t own = (uint64_t)1 << setting;
    return (self->plan->given & ((own & drive) != 0 ? drive : own)) != 0;
}

/* Finds how many settings of a mapping the block gives itself. */
static ch_code count_given(const ch_yaml_reader *self, const yaml_node_t *group, size_t *given, size_t *count)
{
    const yaml_node_pair_t *end = group->data.mapping.pairs.top;
    *given = *count = 0;
    for (const yaml_node_pair_t *pair = group->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *key = ch_yaml_node(self, pair->key);
        size_t setting = 0;
        ch_error cause;
        const char *name = ch_yaml_text(self, key, "a setting's name");
        if (name == NULL) {
            return CH_ERROR_INPUT;
        }
        if (ch_settings_find(name, &setting, &cause) != CH_OK) {
            return ch_yaml_pass_on(self, key->start_mark, &cause);
        }
        *given += is_given(self, setting);
        ++*count;
    }
    return CH_OK;
}

/* Takes over what varies together by default, unless the block gives all of it itself. */
static ch_code read_default_group(const ch_yaml_reader *self, const yaml_node_t *group)
{
    size_t given = 0, count = 0;
    if (group->type != YAML_MAPPING_NODE) {
        return ch_yaml_read_zip_group(self, group);
    }
    const ch_code code = count_given(self, group, &given, &count);
    if (code != CH_OK || (given == count && count > 0)) {
        return code;
    }
    return given == 0
               ? ch_yaml_read_zip_group(self, group)
               : ch_yaml_refuse(self, group->start_mark,
                                "the block gives a part of the settings that vary together here; accepted is all of "
                                "them or none");
}

static ch_code read_default_zip(const ch_yaml_reader *self, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return read_default_group(self, node);
    }
    const yaml_node_item_t *end = node->data.sequence.items.top;
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < end; item++) {
        const ch_code code = read_default_group(self, ch_yaml_node(self, *item));
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Reads NAME: VALUES of the defaults, unless the block gives the setting itself. */
static ch_code read_default(const ch_yaml_reader *self, yaml_node_pair_t pair)
{
    const yaml_node_t *key = ch_yaml_node(self, pair.key);
    size_t setting = 0;
    ch_error cause;
    if (ch_yaml_is_key(key, "zip")) {
        return read_default_zip(self, ch_yaml_node(self, pair.value));
    }
    const char *name = ch_yaml_text(self, key, "a setting's name");
    if (name == NULL) {
        return CH_ERROR_INPUT;
    }
    if (ch_settings_find(name, &setting, &cause) != CH_OK) {
        return ch_yaml_pass_on(self, key->start_mark, &cause);
    }
    return is_given(self, setting) ? CH_OK : ch_yaml_read_setting(self, pair);
}

static ch_code read_defaults(const ch_yaml_reader *self, const yaml_node_t *node)
{
    if (node->type != YAML_MAPPING_NODE) {
        return ch_yaml_refuse(self, node->start_mark, "defaults is a mapping of settings to values, as in 'dim: 32'");
    }
    const yaml_node_pair_t *end = node->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < end; pair++) {
        const ch_code code = read_default(self, *pair);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Finds the name of a block, which is its number where it has none. */
static ch_code name_block(const ch_yaml_reader *self, const yaml_node_t *node, size_t number, ch_plan *block)
{
    char digits[32];
    const char *name = digits;
    snprintf(digits, sizeof digits, "%zu", number);
    const yaml_node_pair_t *end = node->type == YAML_MAPPING_NODE ? node->data.mapping.pairs.top : NULL;
    for (const yaml_node_pair_t *pair = end != NULL ? node->data.mapping.pairs.start : NULL; pair < end; pair++) {
        if (ch_yaml_is_key(ch_yaml_node(self, pair->key), "name")) {
            name = ch_yaml_text(self, ch_yaml_node(self, pair->value), "name");
        }
        if (name == NULL) {
            return CH_ERROR_INPUT;
        }
    }
    for (size_t i = 0; i < self->plan->num_blocks; i++) {
        if (strcmp(self->plan->blocks[i].name, name) == 0) {
            return ch_yaml_refuse(self, node->start_mark, "two blocks have the name '%s'; accepted are different names",
                                  ch_show(name).text);
        }
    }
    block->name = strdup(name);
    return block->name != NULL ? CH_OK : ch_error_memory(self->err, "the blocks of a sweep");
}

/* @param defaults  NULL: there are none */
static ch_code read_block(const ch_yaml_reader *self, const yaml_node_t *node, const yaml_node_t *defaults,
                          size_t number)
{
    ch_plan block;
    ch_plan_init(&block);
    ch_yaml_reader inner = *self;
    inner.plan = &block;
    ch_code code = name_block(self, node, number, &block);
    if (code != CH_OK) {
        goto out;
    }
    inner.block = block.name;
    code = ch_yaml_read_settings(&inner, node, true);
    if (code != CH_OK) {
        goto out;
    }
    code = defaults != NULL ? read_defaults(&inner, defaults) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = ch_plan_add_block(self->plan, &block, self->err);
out:
    ch_plan_free(&block);
    return code;
}

ch_code ch_yaml_read_blocks(const ch_yaml_reader *self, const yaml_node_t *node, const yaml_node_t *defaults)
{
    if (node->type != YAML_SEQUENCE_NODE || node->data.sequence.items.start == node->data.sequence.items.top) {
        return ch_yaml_refuse(self, node->start_mark,
                              "sweeps is a list of mappings of settings to values, at least one");
    }
    const yaml_node_item_t *start = node->data.sequence.items.start, *end = node->data.sequence.items.top;
    for (const yaml_node_item_t *item = start; item < end; item++) {
        const ch_code code = read_block(self, ch_yaml_node(self, *item), defaults, (size_t)(item - start) + 1);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}
