/* yaml.c — a sweep read from a YAML file. */
#include "sim/sweep/plan.h"

#include "core/text.h"
#include "sim/sweep/plan_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

/* The reading of one YAML document into a plan. */
typedef struct {
    ch_plan *plan;
    const char *path;
    FILE *file;
    yaml_document_t *document;
    ch_error *err;
} reader;

/* ---- failures: FILE:LINE:COLUMN: what ---- */

static ch_code refuse(const reader *self, yaml_mark_t mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static ch_code refuse(const reader *self, yaml_mark_t mark, const char *format, ...)
{
    char what[800];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return ch_error_set(self->err, CH_ERROR_INPUT, "%s:%zu:%zu: %s", self->path, mark.line + 1, mark.column + 1, what);
}

/* Passes on a failure of another function. For input that is not accepted, the place in the file is added to the
 * message. */
static ch_code pass_on(const reader *self, yaml_mark_t mark, const ch_error *cause)
{
    if (cause->code == CH_ERROR_INPUT) {
        return refuse(self, mark, "%s", cause->message);
    }
    return ch_error_set(self->err, cause->code, "%s", cause->message);
}

static ch_code refuse_yaml(const reader *self, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR || parser->error == YAML_NO_ERROR || parser->problem == NULL) {
        /* some functions of libyaml say nothing of a failed allocation but that they failed */
        return ch_error_memory(self->err, "a YAML document");
    }
    if (ferror(self->file)) {
        return ch_error_set(self->err, CH_ERROR_IO, "%s: cannot be read", self->path);
    }
    /* libyaml gives no place for an error in the text's encoding */
    const bool in_text = parser->error == YAML_READER_ERROR;
    return refuse(self, in_text ? parser->mark : parser->problem_mark, "malformed YAML: %s", parser->problem);
}

/* ---- values ---- */

static yaml_node_t *node_at(const reader *self, int index)
{
    return yaml_document_get_node(self->document, index);
}

/* The text of a scalar. For any other node it reports the failure and returns NULL. */
static const char *scalar_text(const reader *self, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_SCALAR_NODE) {
        (void)refuse(self, node->start_mark, "%s cannot be a %s here", what,
                     node->type == YAML_MAPPING_NODE ? "mapping" : "list");
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        (void)refuse(self, node->start_mark, "%s has a zero byte in it", what);
        return NULL;
    }
    return text;
}

static ch_code read_value(const reader *self, const yaml_node_t *node, const ch_setting *row, ch_values *values)
{
    const char *text = scalar_text(self, node, row->name);
    if (text == NULL) {
        return CH_ERROR_INPUT;
    }
    ch_error cause;
    if (ch_values_parse(values, row, text, &cause) != CH_OK) {
        return pass_on(self, node->start_mark, &cause);
    }
    return CH_OK;
}

/* Reads a value, a range, or a list of values and ranges. */
static ch_code read_values(const reader *self, const yaml_node_t *node, const ch_setting *row, ch_values *values)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return read_value(self, node, row, values);
    }
    const yaml_node_item_t *end = node->data.sequence.items.top;
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < end; item++) {
        const ch_code code = read_value(self, node_at(self, *item), row, values);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- settings ---- */

static ch_code add_axis(const reader *self, const yaml_node_t *place, ch_plan_axis *axis)
{
    ch_error cause;
    if (ch_plan_add(self->plan, axis, &cause) != CH_OK) {
        return pass_on(self, place->start_mark, &cause);
    }
    return CH_OK;
}

/* Reads NAME: VALUES into setting number i of an axis. */
static ch_code read_entry(const reader *self, yaml_node_pair_t pair, ch_plan_axis *axis, size_t i)
{
    const yaml_node_t *key = node_at(self, pair.key);
    const char *name = scalar_text(self, key, "a setting's name");
    if (name == NULL) {
        return CH_ERROR_INPUT;
    }
    ch_error cause;
    if (ch_settings_find(name, &axis->settings[i], &cause) != CH_OK) {
        return pass_on(self, key->start_mark, &cause);
    }
    return read_values(self, node_at(self, pair.value), &ch_settings_table[axis->settings[i]], &axis->values[i]);
}

static ch_code read_setting(const reader *self, yaml_node_pair_t pair)
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
    code = add_axis(self, node_at(self, pair.key), &axis);
out:
    ch_plan_axis_free(&axis);
    return code;
}

static ch_code read_zip_group(const reader *self, const yaml_node_t *group)
{
    if (group->type != YAML_MAPPING_NODE) {
        return refuse(self, group->start_mark, "zip takes a mapping of settings to lists, or a list of such mappings");
    }
    const yaml_node_pair_t *pairs = group->data.mapping.pairs.start;
    const size_t count = (size_t)(group->data.mapping.pairs.top - pairs);
    if (count == 0) {
        return refuse(self, group->start_mark, "zip has no settings; accepted is at least one");
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

static ch_code read_zip(const reader *self, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return read_zip_group(self, node);
    }
    const yaml_node_item_t *end = node->data.sequence.items.top;
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < end; item++) {
        const ch_code code = read_zip_group(self, node_at(self, *item));
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static bool is_zip(const yaml_node_t *key)
{
    return key->type == YAML_SCALAR_NODE && strcmp((const char *)key->data.scalar.value, "zip") == 0;
}

static ch_code read_root(const reader *self)
{
    const yaml_node_t *root = yaml_document_get_root_node(self->document);
    if (root == NULL) {
        return refuse(self, self->document->start_mark,
                      "the file is empty; a sweep is a mapping of settings to values");
    }
    if (root->type != YAML_MAPPING_NODE) {
        return refuse(self, root->start_mark, "a sweep is a mapping of settings to values, as in 'temp: [0.1, 1]'");
    }
    bool zipped = false;
    const yaml_node_pair_t *end = root->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *key = node_at(self, pair->key);
        if (is_zip(key) && zipped) {
            return refuse(self, key->start_mark, "zip is set twice; accepted is once, with a list of mappings");
        }
        zipped = zipped || is_zip(key);
        const ch_code code = is_zip(key) ? read_zip(self, node_at(self, pair->value)) : read_setting(self, *pair);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- the file ---- */

/* Refuses a second document in the file, which would otherwise be ignored without a message. */
static ch_code check_end(const reader *self, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        return refuse_yaml(self, parser);
    }
    const bool more = yaml_document_get_root_node(&next) != NULL;
    const yaml_mark_t mark = next.start_mark;
    yaml_document_delete(&next);
    return more ? refuse(self, mark, "a second document begins; accepted is one") : CH_OK;
}

static ch_code read_stream(reader *self)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) {
        return ch_error_memory(self->err, "a YAML parser");
    }
    yaml_parser_set_input_file(&parser, self->file);
    ch_code code = CH_OK;
    if (!yaml_parser_load(&parser, &document)) {
        code = refuse_yaml(self, &parser);
        goto out;
    }
    self->document = &document;
    code = read_root(self);
    yaml_document_delete(&document);
    if (code != CH_OK) {
        goto out;
    }
    code = check_end(self, &parser);
out:
    yaml_parser_delete(&parser);
    return code;
}

ch_code ch_plan_read(ch_plan *self, const char *path, ch_error *err)
{
    reader state = {.plan = self, .path = path, .file = fopen(path, "r"), .err = err};
    if (state.file == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    }
    struct stat status;
    ch_code code = CH_OK;
    if (fstat(fileno(state.file), &status) == 0 && S_ISDIR(status.st_mode)) {
        code = ch_error_set(err, CH_ERROR_INPUT, "%s: is a directory; accepted is a YAML file", path);
    } else {
        code = read_stream(&state);
    }
    fclose(state.file);
    return code;
}
