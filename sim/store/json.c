/* json.c — settings, results and runs as JSON. */
#include "sim/store/json.h"

#include "sim/store/store.h"

#include <math.h>
#include <string.h>

json_t *ch_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
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
    if (row->type == CH_TYPE_TEXT) {
        return value.text != NULL ? json_string(value.text) : json_null();
    }
    if (row->type == CH_TYPE_CHOICE) {
        char text[32];
        ch_setting_format(row, value, text, sizeof text);
        return json_string(text);
    }
    if (row->word != NULL && (row->type == CH_TYPE_REAL ? value.real == 0 : value.count == 0)) {
        const bool is_value = row == &ch_settings_table[CH_SETTING_BATCH]; /* a size, though one that follows P */
        return is_value ? json_string(row->word) : json_null();
    }
    return row->type == CH_TYPE_REAL ? ch_json_real(value.real) : count_json(value.count);
}

/* A result of a run, or of a point of its trajectory: `object` is the struct that the row's offset is of. */
static json_t *result_json(const ch_result *row, const void *object)
{
    const char *member = (const char *)object + row->offset;
    switch (row->type) {
    case CH_RESULT_TEXT: {
        ch_status status = CH_RUNNING; /* the one result that is a word */
        memcpy(&status, member, sizeof status);
        return json_string(ch_status_name(status));
    }
    case CH_RESULT_COUNT: {
        uint64_t count = 0;
        memcpy(&count, member, sizeof count);
        return count_json(count);
    }
    case CH_RESULT_REAL:
        break;
    }
    double real = 0;
    memcpy(&real, member, sizeof real);
    return ch_json_real(real);
}

/* The weight changes of the layers at one look, or null. */
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

static int set_point(json_t *object, const ch_run *run, size_t index)
{
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < ch_points_count; i++) {
        failed =
            json_object_set_new(object, ch_points_table[i].name, result_json(&ch_points_table[i], &run->points[index]));
    }
    return failed != 0 ? failed : json_object_set_new(object, "layer_change", layers_json(run, index));
}

/* @return 0, or -1 when memory is short */
static int set_trajectory(json_t *object, const ch_run *run)
{
    json_t *points = json_array();
    int failed = json_object_set_new(object, "trajectory", points);
    for (size_t i = 0; failed == 0 && i < run->num_points; i++) {
        json_t *point = json_object();
        failed = json_array_append_new(points, point);
        if (failed == 0) {
            failed = set_point(point, run, i);
        }
    }
    return failed;
}

json_t *ch_json_run(const ch_run *run)
{
    json_t *object = json_object();
    int failed = object == NULL ? -1 : 0;
    for (size_t i = 0; failed == 0 && i < ch_settings_count; i++) {
        const ch_setting *row = &ch_settings_table[i];
        failed = json_object_set_new(object, row->name,
                                     ch_setting_applies(&run->settings, i)
                                         ? ch_json_setting(row, ch_settings_get(&run->settings, i))
                                         : json_null());
    }
    for (size_t i = 0; failed == 0 && i < ch_results_count; i++) {
        const ch_result *row = &ch_results_table[i];
        failed = json_object_set_new(object, row->name, result_json(row, run));
    }
    if (failed == 0) {
        failed = json_object_set_new(object, "layer_change", layers_json(run, ch_run_num_looks(run) - 1));
    }
    if (failed == 0) {
        const char *digest = run->settings.data_digest;
        failed = json_object_set_new(object, "data_digest", digest[0] != '\0' ? json_string(digest) : json_null());
    }
    if (failed == 0) {
        failed = json_object_set_new(object, "version", json_string(CH_VERSION));
    }
    if (failed == 0 && run->num_points > 0) {
        failed = set_trajectory(object, run);
    }
    if (failed != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}
