/* json.c — settings, results and runs as JSON. */
#include "sim/store/json.h"

#include "core/text.h"
#include "sim/store/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

json_t *ch_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *ch_json_text(const char *text)
{
    char *valid = text != NULL ? ch_text_make_utf8(text) : NULL;
    json_t *value = valid != NULL ? json_string(valid) : NULL;
    free(valid);
    return value;
}

static json_t *count_json(uint64_t value)
{
    if (value == CH_UNCOUNTED) {
        return json_null();
    }
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

json_t *ch_json_setting(const ch_setting *row, ch_value value)
{
    if (row->type == CH_TYPE_TEXT || row->type == CH_TYPE_RULE || row->type == CH_TYPE_CONTENT) {
        return value.text != NULL ? ch_json_text(value.text) : json_null();
    }
    if (row->type == CH_TYPE_CHOICE) {
        char text[32];
        ch_setting_format(row, value, text, sizeof text);
        return json_string(text);
    }
    if (row->word != NULL && (row->type == CH_TYPE_REAL ? value.real == 0 : value.count == 0)) {
        const bool is_value = row == &ch_settings_table[CH_SETTING_BATCH]; /* "full" is a size, one that follows P */
        return is_value ? json_string(row->word) : json_null();
    }
    return row->type == CH_TYPE_REAL ? ch_json_real(value.real) : count_json(value.count);
}

/* A result. @param object  the ch_run or ch_point whose member it is */
static json_t *result_json(const ch_result *row, const void *object)
{
    switch (row->type) {
    case CH_RESULT_STATUS:
    case CH_RESULT_CAUSE:
        return ch_result_text(row, object) != NULL ? json_string(ch_result_text(row, object)) : json_null();
    case CH_RESULT_COUNT:
        return count_json(ch_result_number(row, object));
    case CH_RESULT_REAL:
        return ch_json_real(ch_result_real(row, object));
    }
    return NULL;
}

/* The weight changes of the layers at one point of the trajectory, or null where there are no layers. */
static json_t *layers_json(const ch_run *run, size_t look)
{
    if (run->num_layers == 0) {
        return json_null();
    }
    json_t *layers = json_array();
    for (size_t i = 0; i < run->num_layers; i++) {
        if (json_array_append_new(layers, ch_json_real(run->layer_changes[look * run->num_layers + i])) != 0) {
            json_decref(layers);
            return NULL;
        }
    }
    return layers;
}

/* The functions below return 0, or -1 when memory is short. Those of jansson that they call fail on NULL, so that a
 * value that could not be made is a failure too. */

static int set_settings(json_t *object, const ch_run *run)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        const ch_setting *row = &ch_settings_table[i];
        json_t *value = ch_setting_applies(&run->settings, i) ? ch_json_setting(row, ch_settings_get(&run->settings, i))
                                                              : json_null();
        if (json_object_set_new(object, row->name, value) != 0) {
            return -1;
        }
    }
    return 0;
}

static int set_results(json_t *object, const ch_run *run)
{
    for (size_t i = 0; i < ch_results_count(); i++) {
        const ch_result row = ch_result_at(i);
        if (json_object_set_new(object, row.name, result_json(&row, run)) != 0) {
            return -1;
        }
    }
    return json_object_set_new(object, "layer_change", layers_json(run, ch_run_num_looks(run) - 1));
}

static int set_point(json_t *object, const ch_run *run, size_t index)
{
    for (size_t i = 0; i < ch_points_count(); i++) {
        const ch_result row = ch_point_result_at(i);
        if (json_object_set_new(object, row.name, result_json(&row, &run->points[index])) != 0) {
            return -1;
        }
    }
    return json_object_set_new(object, "layer_change", layers_json(run, index));
}

static int set_trajectory(json_t *object, const ch_run *run)
{
    json_t *points = json_array();
    if (json_object_set_new(object, "trajectory", points) != 0) {
        return -1;
    }
    for (size_t i = 0; i < run->num_points; i++) {
        json_t *point = json_object();
        if (json_array_append_new(points, point) != 0 || set_point(point, run, i) != 0) {
            return -1;
        }
    }
    return 0;
}

static int set_fluctuations(json_t *object, const ch_run *run)
{
    json_t *list = json_array();
    if (json_object_set_new(object, "fluctuation_spectrum", list) != 0) {
        return -1;
    }
    for (size_t k = 0; k < run->num_fluctuations; k++) {
        json_t *one = json_object();
        if (json_array_append_new(list, one) != 0) {
            return -1;
        }
        for (size_t i = 0; i < ch_fluctuations_count(); i++) {
            const ch_result row = ch_fluctuation_result_at(i);
            if (json_object_set_new(one, row.name, result_json(&row, &run->fluctuations[k])) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int set_run(json_t *object, const ch_run *run)
{
    const char *digest = run->settings.data_digest;
    if (set_settings(object, run) != 0 || set_results(object, run) != 0) {
        return -1;
    }
    const json_int_t pool = (json_int_t)run->settings.data_pool;
    if (json_object_set_new(object, "data_digest", digest[0] != '\0' ? ch_json_text(digest) : json_null()) != 0 ||
        json_object_set_new(object, "data_pool", pool > 0 ? json_integer(pool) : json_null()) != 0 ||
        json_object_set_new(object, "version", json_string(CH_VERSION)) != 0) {
        return -1;
    }
    if (run->settings.fluctuations > 0 && set_fluctuations(object, run) != 0) {
        return -1;
    }
    return run->num_points > 0 ? set_trajectory(object, run) : 0;
}

json_t *ch_json_run(const ch_run *run)
{
    json_t *object = json_object();
    if (object == NULL || set_run(object, run) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* Writes a piece of the text of a JSON value, and escapes what jansson does not: U+007F, and U+0080 to U+009F, which
 * UTF-8 writes as the byte 0xC2 and another. jansson does not divide a character between two pieces. */
static int write_piece(const char *text, size_t size, void *out)
{
    const unsigned char *piece = (const unsigned char *)text;
    for (size_t i = 0; i < size; i++) {
        if (piece[i] == 0x7F) {
            fputs("\\u007f", out);
        } else if (piece[i] == 0xC2 && i + 1 < size && piece[i + 1] < 0xA0) {
            fprintf(out, "\\u%04x", (unsigned)piece[++i]);
        } else {
            fputc(piece[i], out);
        }
    }
    return 0; /* a failure stays in the state of the stream */
}

ch_code ch_json_write(const json_t *value, size_t flags, FILE *out, ch_error *err)
{
    return json_dump_callback(value, write_piece, out, flags) == 0 ? CH_OK : ch_error_memory(err, "a JSON text");
}
