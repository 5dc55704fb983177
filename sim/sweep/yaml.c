/* yaml.c — a sweep read from a YAML file. */
#include "sim/sweep/yaml_private.h"

#include "core/text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The line and column of a byte of the file, for which libyaml gives no place where the text's encoding is wrong; where
 * the file cannot be read again, as a pipe cannot, that which the parser has reached. */
static yaml_mark_t place_of_byte(const ch_yaml_reader *self, const yaml_parser_t *parser)
{
    yaml_mark_t place = {0};
    if (fseek(self->file, 0, SEEK_SET) != 0) {
        return parser->mark;
    }
    for (size_t i = 0; i < parser->problem_offset; i++) {
        const bool is_end = fgetc(self->file) == '\n';
        place.line += is_end;
        place.column = is_end ? 0 : place.column + 1;
    }
    return place;
}

static ch_code refuse_yaml(const ch_yaml_reader *self, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR || parser->error == YAML_NO_ERROR || parser->problem == NULL) {
        /* some functions of libyaml say nothing of a failed allocation but that they failed */
        return ch_error_memory(self->err, "a YAML document");
    }
    if (ferror(self->file)) {
        return ch_error_set(self->err, CH_ERROR_IO, "%s: cannot be read", self->path);
    }
    const bool in_text = parser->error == YAML_READER_ERROR;
    return ch_yaml_refuse(self, in_text ? place_of_byte(self, parser) : parser->problem_mark, "malformed YAML: %s",
                          parser->problem);
}

/* Finds `sweeps` and `defaults` in the mapping of a file.
 * @param sweeps, defaults  out: NULL where the file has none */
static void find_blocks(const ch_yaml_reader *self, const yaml_node_t *root, const yaml_node_t **sweeps,
                        const yaml_node_t **defaults)
{
    const yaml_node_pair_t *end = root->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *key = ch_yaml_node(self, pair->key);
        *sweeps = ch_yaml_is_key(key, "sweeps") ? ch_yaml_node(self, pair->value) : *sweeps;
        *defaults = ch_yaml_is_key(key, "defaults") ? ch_yaml_node(self, pair->value) : *defaults;
    }
}

/* Refuses what stands beside `sweeps` and `defaults`, and either of them twice. */
static ch_code check_keys(const ch_yaml_reader *self, const yaml_node_t *root)
{
    size_t num_sweeps = 0, num_defaults = 0;
    const yaml_node_pair_t *end = root->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *key = ch_yaml_node(self, pair->key);
        num_sweeps += ch_yaml_is_key(key, "sweeps");
        num_defaults += ch_yaml_is_key(key, "defaults");
        if (num_sweeps > 1 || num_defaults > 1) {
            return ch_yaml_refuse(self, key->start_mark, "%s is there twice; accepted is once",
                                  num_sweeps > 1 ? "sweeps" : "defaults");
        }
        if (!ch_yaml_is_key(key, "sweeps") && !ch_yaml_is_key(key, "defaults")) {
            const char *name = ch_yaml_text(self, key, "a setting's name");
            return name == NULL ? CH_ERROR_INPUT
                                : ch_yaml_refuse(self, key->start_mark,
                                                 "%s stands beside the blocks; put it under defaults, or into a block",
                                                 ch_show(name).text);
        }
    }
    return num_sweeps > 0
               ? CH_OK
               : ch_yaml_refuse(self, root->start_mark, "there are defaults but no sweeps, which is a list of blocks");
}

static ch_code read_root(const ch_yaml_reader *self)
{
    const yaml_node_t *root = yaml_document_get_root_node(self->document), *sweeps = NULL, *defaults = NULL;
    if (root == NULL) {
        return ch_yaml_refuse(self, self->document->start_mark,
                              "the file is empty; a sweep is a mapping of settings to values");
    }
    if (root->type == YAML_SEQUENCE_NODE) {
        return ch_yaml_read_blocks(self, root, NULL);
    }
    if (root->type == YAML_MAPPING_NODE) {
        find_blocks(self, root, &sweeps, &defaults);
    }
    if (sweeps == NULL && defaults == NULL) {
        return ch_yaml_read_settings(self, root, false);
    }
    const ch_code code = check_keys(self, root);
    return code == CH_OK ? ch_yaml_read_blocks(self, sweeps, defaults) : code;
}

/* ---- the file ---- */

/* Refuses a second document in the file, which would otherwise be ignored without a message. */
static ch_code check_end(const ch_yaml_reader *self, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        return refuse_yaml(self, parser);
    }
    const bool more = yaml_document_get_root_node(&next) != NULL;
    const yaml_mark_t mark = next.start_mark;
    yaml_document_delete(&next);
    return more ? ch_yaml_refuse(self, mark, "a second document begins; accepted is one") : CH_OK;
}

static ch_code read_stream(ch_yaml_reader *self)
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
    ch_yaml_reader state = {.plan = self, .path = path, .file = fopen(path, "r"), .err = err};
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
