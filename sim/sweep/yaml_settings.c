/* yaml_settings.c — settings and their values in the YAML file of a sweep. */
#include "sim/sweep/yaml_private.h"

#include "core/text.h"

#include <stdarg.h>
#include <string.h>

/* ---- failures: FILE:LINE:COLUMN: what ---- */

ch_code ch_yaml_refuse(const ch_yaml_reader *self, yaml_mark_t mark, const char *format, ...)
{
    char what[800];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return ch_error_set(self->err, CH_ERROR_INPUT, "%s:%zu:%zu: %s%s%s%s", self->path, mark.line + 1, mark.column + 1,
                        self->block != NULL ? "block " : "", self->block != NULL ? ch_show(self->block).text : "",
                        self->block != NULL ? ": " : "", what);
}

/* Passes on a failure of another function. For input that is not accepted, the place in the file is added to the
 * message. */
ch_code ch_yaml_pass_on(const ch_yaml_reader *self, yaml_mark_t mark, const ch_error *cause)
{
    if (cause->code == CH_ERROR_INPUT) {
        return ch_yaml_refuse(self, mark, "%s", cause->message);
    }
    return ch_error_set(self->err, cause->code, "%s", cause->message);
}

/* ---- values ---- */

yaml_node_t *ch_yaml_node(const ch_yaml_reader *self, int index)
{
    return yaml_document_get_node(self->document, index);
}

/* The text of a scalar. For any other node it reports the failure and returns NULL. */
const char *ch_yaml_text(const ch_yaml_reader *self, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_SCALAR_NODE) {
        (void)ch_yaml_refuse(self, node->start_mark, "%s cannot be a %s here; accepted is a word or a number", what,
                             node->type == YAML_MAPPING_NODE ? "mapping" : "list");
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        (void)ch_yaml_refuse(self, node->start_mark, "%s has a zero byte in it", what);
        return NULL;
    }
    return text;
}

static ch_code read_value(const ch_yaml_reader *self, const yaml_node_t *node, const ch_setting *row, ch_values *values)
{
    const char *text = ch_yaml_text(self, node, row->name);
    if (text == NULL) {
        return CH_ERROR_INPUT;
    }
    ch_error cause;
    if (ch_values_parse(values, row, text, &cause) != CH_OK) {
        return ch_yaml_pass_on(self, node->start_mark, &cause);
    }
    return CH_OK;
}

/* Reads a value, a range, or a list of values and ranges. */
static ch_code read_values(const ch_yaml_reader *self, const yaml_node_t *node, const ch_setting *row,
                           ch_values *values)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return read_value(self, node, row, values);
    }
    const yaml_node_item_t *end = node->data.sequence.items.top;
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < end; item++) {
        const ch_code code = read_value(self, ch_yaml_node(self, *item), row, values);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- settings ---- */

static ch_code add_axis(const ch_yaml_reader *self, const yaml_node_t *place, ch_plan_axis *axis)
{
    ch_error cause;
    if (ch_plan_add(self->plan, axis, &cause) != CH_OK) {
        return ch_yaml_pass_on(self, place->start_mark, &cause);
    }
    return CH_OK;
}

/* Reads NAME: VALUES into setting number i of an axis. */
static ch_code read_entry(const ch_yaml_reader *self, yaml_node_pair_t pair, ch_plan_axis *axis, size_t i)
{
    const yaml_node_t *key = ch_yaml_node(self, pair.key);
    const char *name = ch_yaml_text(self, key, "a setting's name");
    if (name == NULL) {
        return CH_ERROR_INPUT;
    }
    ch_error cause;
    if (ch_settings_find(name, &axis->settings[i], &cause) != CH_OK) {
        return ch_yaml_pass_on(self, key->start_mark, &cause);
    }
    return read_values(self, ch_yaml_node(self, pair.value), &ch_settings_table[axis->settings[i]], &axis->values[i]);
}

ch_code ch_yaml_read_setting(const ch_yaml_reader *self, yaml_node_pair_t pair)
{
    ch_plan_axis axis;
    ch_code code = ch_plan_axis_init(&axis, 1, self->err);
    if (code != CH_OK) {
        goto out;
    }
    code = read_entry(self, pair, &axis, 0);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_values_merge(&axis.values[0], self->err);
    if (code != CH_OK) {
        goto out;
    }
    code = add_axis(self, ch_yaml_node(self, pair.key), &axis);
out:
    ch_plan_axis_free(&axis);
    return code;
}

ch_code ch_yaml_read_zip_group(const ch_yaml_reader *self, const yaml_node_t *group)
{
    if (group->type != YAML_MAPPING_NODE) {
        return ch_yaml_refuse(self, group->start_mark,
                              "zip takes a mapping of settings to lists, or a list of such mappings");
    }
    const yaml_node_pair_t *pairs = group->data.mapping.pairs.start;
    const size_t count = (size_t)(group->data.mapping.pairs.top - pairs);
    if (count == 0) {
        return ch_yaml_refuse(self, group->start_mark, "zip has no settings; accepted is at least one");
    }
    ch_plan_axis axis;
    ch_code code = ch_plan_axis_init(&axis, count, self->err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        code = read_entry(self, pairs[i], &axis, i);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = add_axis(self, group, &axis);
out:
    ch_plan_axis_free(&axis);
    return code;
}

static ch_code read_zip(const ch_yaml_reader *self, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return ch_yaml_read_zip_group(self, node);
    }
    const yaml_node_item_t *end = node->data.sequence.items.top;
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < end; item++) {
        const ch_code code = ch_yaml_read_zip_group(self, ch_yaml_node(self, *item));
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

bool ch_yaml_is_key(const yaml_node_t *key, const char *name)
{
    return key->type == YAML_SCALAR_NODE && strcmp((const char *)key->data.scalar.value, name) == 0;
}

/* Reads a mapping of settings to values.
 * @param has_name  whether it may have a name, which was read before */
ch_code ch_yaml_read_settings(const ch_yaml_reader *self, const yaml_node_t *node, bool has_name)
{
    if (node->type != YAML_MAPPING_NODE) {
        return ch_yaml_refuse(self, node->start_mark,
                              "a sweep is a mapping of settings to values, as in 'temp: [0.1, 1]'");
    }
    bool zipped = false;
    const yaml_node_pair_t *end = node->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *key = ch_yaml_node(self, pair->key);
        const bool is_zip = ch_yaml_is_key(key, "zip");
        if (has_name && ch_yaml_is_key(key, "name")) {
            continue;
        }
        if (is_zip && zipped) {
            return ch_yaml_refuse(self, key->start_mark, "zip is set twice; accepted is once, with a list of mappings");
        }
        zipped = zipped || is_zip;
        const ch_code code =
            is_zip ? read_zip(self, ch_yaml_node(self, pair->value)) : ch_yaml_read_setting(self, *pair);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}
