/* read_rows.c — what a run has in tables of its own: its trajectory, the changes of its layers, its fluctuations. */
#include "sim/store/store_private.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>

static double real_of(sqlite3_value *cell)
{
    return sqlite3_value_type(cell) == SQLITE_NULL ? NAN : sqlite3_value_double(cell);
}

static uint64_t count_of(sqlite3_value *cell)
{
    return sqlite3_value_type(cell) == SQLITE_NULL ? CH_UNCOUNTED : (uint64_t)sqlite3_value_int64(cell);
}

void ch_store_read_number(sqlite3_value *cell, const ch_result *row, void *object)
{
    if (row->type == CH_RESULT_COUNT) {
        ch_result_set_number(row, object, count_of(cell));
    } else {
        ch_result_set_real(row, object, real_of(cell));
    }
}

ch_code ch_store_query_points(const ch_store_query *self, ch_error *err)
{
    const sqlite3_value *id = sqlite3_column_value(self->row, CH_STORE_COLUMN_ID);
    const int rc = sqlite3_bind_value(self->store->select_points, 1, id);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self->store, rc, err);
}

/* The column of each result of a point follows that of the run's id. */
static ch_point read_point(sqlite3_value *const *cells)
{
    ch_point point = {.observed = ch_observation_none()};
    const size_t count = ch_points_count();
    for (size_t i = 0; i < count; i++) {
        const ch_result row = ch_point_result_at(i);
        ch_store_read_number(cells[1 + i], &row, &point);
    }
    return point;
}

/* Checks a row of a trajectory and appends it. */
static ch_code append_point(ch_store_query *self, ch_run *run, size_t *capacity, ch_error *err)
{
    sqlite3_stmt *row = self->store->select_points;
    void *items = run->points;
    sqlite3_value *cells[CH_STORE_MOST_COLUMNS];
    const ch_code code = ch_store_check_row(self->store, CH_STORE_POINTS, row, 1, ch_store_query_id(self), cells, err);
    self->is_damaged = code == CH_ERROR_IO;
    if (code != CH_OK) {
        return code;
    }
    if (ch_grow(&items, capacity, run->num_points + 1, sizeof *run->points) != 0) {
        return ch_error_memory(err, "a trajectory");
    }
    run->points = items;
    const ch_point point = read_point(cells);
    if (run->num_points > 0 && point.step <= run->points[run->num_points - 1].step) {
        self->is_damaged = true;
        return ch_store_damage(self->store, CH_STORE_POINTS, ch_store_query_id(self), "step",
                               "the same step is there twice", err);
    }
    run->points[run->num_points++] = point;
    return CH_OK;
}

/* Goes on to the next row of a run's trajectory or layers. Where the file is damaged there, other runs may be whole. */
static ch_code step_within(ch_store_query *self, sqlite3_stmt *rows, bool *row, ch_error *err)
{
    const ch_code code = ch_store_step(self->store, rows, row, err);
    self->is_damaged = code != CH_OK && (sqlite3_extended_errcode(self->store->db) & 0xff) == SQLITE_CORRUPT;
    return code;
}

ch_code ch_store_read_points(ch_store_query *self, ch_run *run, ch_error *err)
{
    sqlite3_stmt *points = self->store->select_points;
    size_t capacity = 0;
    bool row = false;
    ch_code code = ch_store_query_points(self, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = step_within(self, points, &row, err)) == CH_OK && row) {
        code = append_point(self, run, &capacity, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    sqlite3_reset(points);
    return code;
}

/* The rows of table `layers` of one run, which come look by look and, within a look, layer by layer. */
typedef struct {
    ch_run *run;
    size_t count, capacity; /* of run->layer_changes */
    size_t look;            /* number of looks that are whole */
    size_t layer;           /* number of layers of the present look that were read */
} layer_rows;

/* The step at which a look was taken; UINT64_MAX where there are not so many looks. */
static uint64_t step_of(const ch_run *run, size_t look)
{
    if (look >= ch_run_num_looks(run)) {
        return UINT64_MAX;
    }
    return run->num_points > 0 ? run->points[look].step : run->steps;
}

/* Refuses what is in a column of table `layers`. */
static ch_code refuse_layer(ch_store_query *self, const char *column, long long value, const char *expected,
                            ch_error *err)
{
    char wrong[128];
    snprintf(wrong, sizeof wrong, "%lld: %s", value, expected);
    self->is_damaged = true;
    return ch_store_damage(self->store, CH_STORE_LAYERS, ch_store_query_id(self), column, wrong, err);
}

/* Begins the next look where the first one is over, and checks that a row belongs where it comes: every look is taken
 * at the step of a point and has the layers 0, 1, 2 and so on, as many as the first.
 * @param step   what the row has in column `step`, from 0 on
 * @param layer  and in column `layer` */
static ch_code place_layer(ch_store_query *self, layer_rows *rows, long long step, long long layer, ch_error *err)
{
    ch_run *run = rows->run;
    const bool is_first_look = rows->look == 0;
    if (is_first_look && rows->layer > 0 && layer == 0) {
        run->num_layers = rows->layer;
    }
    if (run->num_layers > 0 && rows->layer == run->num_layers) {
        rows->look++;
        rows->layer = 0;
    }
    if ((uint64_t)step != step_of(run, rows->look)) {
        return refuse_layer(self, "step", step, "the step of the next point is expected", err);
    }
    if ((uint64_t)layer != rows->layer) {
        return refuse_layer(self, "layer", layer, "the next layer is expected", err);
    }
    rows->layer++;
    return CH_OK;
}

/* Checks a row of table `layers`, whose columns are run, step, layer and weight_change, and appends it. */
static ch_code append_layer(ch_store_query *self, layer_rows *rows, ch_error *err)
{
    sqlite3_stmt *row = self->store->select_layers;
    void *items = rows->run->layer_changes;
    sqlite3_value *cells[CH_STORE_MOST_COLUMNS];
    ch_code code = ch_store_check_row(self->store, CH_STORE_LAYERS, row, 1, ch_store_query_id(self), cells, err);
    self->is_damaged = code == CH_ERROR_IO;
    if (code != CH_OK) {
        return code;
    }
    code = place_layer(self, rows, sqlite3_value_int64(cells[1]), sqlite3_value_int64(cells[2]), err);
    if (code != CH_OK) {
        return code;
    }
    if (ch_grow(&items, &rows->capacity, rows->count + 1, sizeof *rows->run->layer_changes) != 0) {
        return ch_error_memory(err, "a trajectory");
    }
    rows->run->layer_changes = items;
    rows->run->layer_changes[rows->count++] = real_of(cells[3]);
    return CH_OK;
}

/* Refuses a run whose last look lacks layers, or that has not as many looks as points. */
static ch_code check_layers(ch_store_query *self, const layer_rows *rows, ch_error *err)
{
    char wrong[128];
    const size_t looks = ch_run_num_looks(rows->run);
    if (rows->count == rows->run->num_layers * looks) {
        return CH_OK;
    }
    snprintf(wrong, sizeof wrong, "there are %zu weight changes of %zu layers at %zu points", rows->count,
             rows->run->num_layers, looks);
    self->is_damaged = true;
    return ch_store_damage(self->store, CH_STORE_LAYERS, ch_store_query_id(self), "layer", wrong, err);
}

/* Reads the weight changes of the layers. */
ch_code ch_store_read_layers(ch_store_query *self, ch_run *run, ch_error *err)
{
    sqlite3_stmt *layers = self->store->select_layers;
    layer_rows rows = {.run = run};
    bool row = false;
    ch_code code = CH_OK;
    const int rc = sqlite3_bind_value(layers, 1, sqlite3_column_value(self->row, CH_STORE_COLUMN_ID));
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self->store, rc, err);
        goto out;
    }
    while ((code = step_within(self, layers, &row, err)) == CH_OK && row) {
        code = append_layer(self, &rows, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    if (code != CH_OK) {
        goto out;
    }
    if (rows.look == 0) { /* the first look is the only one */
        run->num_layers = rows.layer;
    }
    code = check_layers(self, &rows, err);
out:
    sqlite3_reset(layers);
    return code;
}

/* Checks a row of table `fluctuations` and appends it. */
static ch_code append_fluctuation(ch_store_query *self, ch_run *run, size_t *capacity, ch_error *err)
{
    sqlite3_stmt *row = self->store->select_fluctuations;
    void *items = run->fluctuations;
    sqlite3_value *cells[CH_STORE_MOST_COLUMNS];
    const ch_code code =
        ch_store_check_row(self->store, CH_STORE_FLUCTUATIONS, row, 1, ch_store_query_id(self), cells, err);
    self->is_damaged = code == CH_ERROR_IO;
    if (code != CH_OK) {
        return code;
    }
    if (ch_grow(&items, capacity, run->num_fluctuations + 1, sizeof *run->fluctuations) != 0) {
        return ch_error_memory(err, "the fluctuations of a run");
    }
    run->fluctuations = items;
    ch_fluctuation *one = &run->fluctuations[run->num_fluctuations++];
    for (size_t i = 0; i < ch_fluctuations_count(); i++) {
        const ch_result column = ch_fluctuation_result_at(i);
        if (column.type == CH_RESULT_COUNT) {
            ch_result_set_number(&column, one, (uint64_t)sqlite3_value_int64(cells[1 + i]));
        } else {
            ch_result_set_real(&column, one, real_of(cells[1 + i]));
        }
    }
    return CH_OK;
}

/* Reads the fluctuations of a run that asked for them. */
ch_code ch_store_read_fluctuations(ch_store_query *self, ch_run *run, ch_error *err)
{
    sqlite3_stmt *rows = self->store->select_fluctuations;
    size_t capacity = 0;
    bool row = false;
    ch_code code = CH_OK;
    if (run->settings.fluctuations == 0) {
        return CH_OK;
    }
    const int rc = sqlite3_bind_value(rows, 1, sqlite3_column_value(self->row, CH_STORE_COLUMN_ID));
    if (rc != SQLITE_OK) {
        code = ch_store_fail(self->store, rc, err);
        goto out;
    }
    while ((code = step_within(self, rows, &row, err)) == CH_OK && row) {
        code = append_fluctuation(self, run, &capacity, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    sqlite3_reset(rows);
    return code;
}
