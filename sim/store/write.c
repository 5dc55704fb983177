/* write.c — putting runs into a store. */
#include "sim/store/store_private.h"

ch_code ch_store_has(ch_store *self, const char *id, bool *found, ch_error *err)
{
    *found = false;
    int rc = sqlite3_bind_text(self->find, 1, id, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(self->find);
    }
    *found = rc == SQLITE_ROW;
    const ch_code code = rc == SQLITE_ROW || rc == SQLITE_DONE ? CH_OK : ch_store_fail(self, rc, err);
    sqlite3_reset(self->find);
    return code;
}

/* SQLite's integers are signed: SQLITE_RANGE says that a count is over 2^63 - 1. CH_UNCOUNTED is NULL. */
static int bind_count(sqlite3_stmt *statement, int parameter, uint64_t count)
{
    if (count == CH_UNCOUNTED) {
        return sqlite3_bind_null(statement, parameter);
    }
    return count <= INT64_MAX ? sqlite3_bind_int64(statement, parameter, (sqlite3_int64)count) : SQLITE_RANGE;
}

/* NaN is bound as NULL by SQLite. */
static int bind_setting(sqlite3_stmt *statement, int parameter, const ch_setting *row, ch_value value)
{
    if (row->type == CH_TYPE_CHOICE) {
        return sqlite3_bind_text(statement, parameter, row->choice(value.count), -1, SQLITE_STATIC);
    }
    const bool is_word = row->type == CH_TYPE_REAL ? value.real == 0 : value.count == 0;
    if (row->word != NULL && is_word) {
        return sqlite3_bind_null(statement, parameter);
    }
    return row->type == CH_TYPE_REAL ? sqlite3_bind_double(statement, parameter, value.real)
                                     : bind_count(statement, parameter, value.count);
}

/* A result of a run, or of a point of its trajectory: `object` is the struct that the row's offset is of. */
static int bind_result(sqlite3_stmt *statement, int parameter, const ch_result *row, const void *object)
{
    const void *member = (const char *)object + row->offset;
    switch (row->type) {
    case CH_RESULT_TEXT:
        return sqlite3_bind_text(statement, parameter, ch_status_name(*(const ch_status *)member), -1, SQLITE_STATIC);
    case CH_RESULT_COUNT:
        return bind_count(statement, parameter, *(const uint64_t *)member);
    case CH_RESULT_REAL:
        return sqlite3_bind_double(statement, parameter, *(const double *)member);
    }
    return SQLITE_MISUSE;
}

static int bind_run(sqlite3_stmt *insert, const ch_run *run, const char *id)
{
    const ch_settings *settings = &run->settings;
    int parameter = 1;
    int rc = sqlite3_bind_text(insert, parameter++, id, -1, SQLITE_STATIC);
    for (size_t i = 0; rc == SQLITE_OK && i < CH_SETTINGS_STORED; i++) {
        rc = ch_setting_applies(settings, i)
                 ? bind_setting(insert, parameter, &ch_settings_table[i], ch_settings_get(settings, i))
                 : sqlite3_bind_null(insert, parameter);
        parameter++;
    }
    for (size_t i = 0; rc == SQLITE_OK && i < ch_results_count; i++) {
        rc = bind_result(insert, parameter++, &ch_results_table[i], run);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_text(insert, parameter++, CH_VERSION, -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int(insert, parameter++, CH_RESULTS_VERSION);
    }
    if (rc == SQLITE_OK) {
        rc = ch_settings_has_images(settings)
                 ? sqlite3_bind_text(insert, parameter, settings->data_digest, -1, SQLITE_STATIC)
                 : sqlite3_bind_null(insert, parameter);
    }
    return rc;
}

static int bind_point(sqlite3_stmt *insert, const ch_point *point, const char *id)
{
    int rc = sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC);
    for (size_t i = 0; rc == SQLITE_OK && i < ch_points_count; i++) {
        rc = bind_result(insert, 2 + (int)i, &ch_points_table[i], point);
    }
    return rc;
}

static int bind_layer(sqlite3_stmt *insert, const char *id, uint64_t step, size_t layer, double change)
{
    int rc = sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) {
        rc = bind_count(insert, 2, step);
    }
    if (rc == SQLITE_OK) {
        rc = bind_count(insert, 3, layer);
    }
    return rc == SQLITE_OK ? sqlite3_bind_double(insert, 4, change) : rc;
}

/* Runs a statement that gives no rows. */
static int run_once(sqlite3_stmt *statement)
{
    const int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The weight changes of the layers at every point, and at the end. */
static int insert_layers(ch_store *self, const ch_run *run, const char *id)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < ch_run_num_looks(run); i++) {
        const uint64_t step = i < run->num_points ? run->points[i].step : run->steps;
        for (size_t k = 0; rc == SQLITE_OK && k < run->num_layers; k++) {
            rc = bind_layer(self->insert_layer, id, step, k, run->layer_changes[i * run->num_layers + k]);
            if (rc == SQLITE_OK) {
                rc = run_once(self->insert_layer);
            }
        }
    }
    return rc;
}

/* Within a transaction: the run, and its points when the run is new. */
static int insert_run(ch_store *self, const ch_run *run, const char *id)
{
    int rc = bind_run(self->insert, run, id);
    if (rc == SQLITE_OK) {
        rc = run_once(self->insert);
    }
    if (rc != SQLITE_OK || sqlite3_changes(self->db) == 0) {
        return rc;
    }
    for (size_t i = 0; rc == SQLITE_OK && i < run->num_points; i++) {
        rc = bind_point(self->insert_point, &run->points[i], id);
        if (rc == SQLITE_OK) {
            rc = run_once(self->insert_point);
        }
    }
    return rc == SQLITE_OK ? insert_layers(self, run, id) : rc;
}

ch_code ch_store_put(ch_store *self, const ch_run *run, ch_error *err)
{
    char id[CH_ID_SIZE];
    ch_code code = CH_OK;
    ch_settings_id(&run->resolved, id);
    int rc = sqlite3_exec(self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK) {
        rc = insert_run(self, run, id);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(self->db, "COMMIT", NULL, NULL, NULL);
    }
    if (rc == SQLITE_RANGE) {
        code = ch_error_set(err, CH_ERROR_INPUT, "a count of run %s is over 2^63 - 1, the most that a store holds", id);
    } else if (rc != SQLITE_OK) {
        code = ch_store_fail(self, rc, err);
    }
    if (!sqlite3_get_autocommit(self->db)) {
        /* after the message was made: it would replace SQLite's words */
        sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code;
}
