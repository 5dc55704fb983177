/* write.c — putting runs into a store. */
#include "sim/store/store_private.h"

#include "sim/store/machine.h"
#include "sim/store/results.h"

/* Binds a count, CH_UNCOUNTED as NULL. SQLite's integers are signed.
 * @return a result code of SQLite; SQLITE_RANGE for a count over 2^63 - 1 */
static int bind_count(sqlite3_stmt *statement, int parameter, uint64_t count)
{
    if (count == CH_UNCOUNTED) {
        return sqlite3_bind_null(statement, parameter);
    }
    return count <= INT64_MAX ? sqlite3_bind_int64(statement, parameter, (sqlite3_int64)count) : SQLITE_RANGE;
}

/* Binds a setting: a choice as its word, and what is written as a word ("none", "inf") as NULL. */
static int bind_setting(sqlite3_stmt *statement, int parameter, const ch_setting *row, ch_value value)
{
    if (row->type == CH_TYPE_CHOICE) {
        return sqlite3_bind_text(statement, parameter, row->choice(value.count), -1, SQLITE_STATIC);
    }
    if (row->type == CH_TYPE_RULE || row->type == CH_TYPE_CONTENT) { /* SQLite binds NULL where there is no text */
        return sqlite3_bind_text(statement, parameter, value.text, -1, SQLITE_TRANSIENT);
    }
    const bool is_word = row->type == CH_TYPE_REAL ? value.real == 0 : value.count == 0;
    if (row->word != NULL && is_word) {
        return sqlite3_bind_null(statement, parameter);
    }
    return row->type == CH_TYPE_REAL ? sqlite3_bind_double(statement, parameter, value.real)
                                     : bind_count(statement, parameter, value.count);
}

/* Binds a result; SQLite takes NaN for NULL. @param object  the ch_run or ch_point whose member it is */
static int bind_result(sqlite3_stmt *statement, int parameter, const ch_result *row, const void *object)
{
    switch (row->type) {
    case CH_RESULT_STATUS:
    case CH_RESULT_CAUSE: /* SQLite binds NULL where there is no cause */
        return sqlite3_bind_text(statement, parameter, ch_result_text(row, object), -1, SQLITE_STATIC);
    case CH_RESULT_COUNT:
        return bind_count(statement, parameter, ch_result_number(row, object));
    case CH_RESULT_REAL:
        return sqlite3_bind_double(statement, parameter, ch_result_real(row, object));
    }
    return SQLITE_MISUSE;
}

/* Binds `version`, `results_version`, `data_digest`, `data_pool` and `machine`. */
static int bind_version(sqlite3_stmt *insert, int parameter, const ch_settings *settings, int64_t machine)
{
    int rc = sqlite3_bind_int64(insert, parameter + 4, machine);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = sqlite3_bind_text(insert, parameter, CH_VERSION, -1, SQLITE_STATIC);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = sqlite3_bind_int(insert, parameter + 1, ch_results_version(settings));
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (!ch_settings_has_digest(settings)) {
        rc = sqlite3_bind_null(insert, parameter + 2);
        return rc != SQLITE_OK ? rc : sqlite3_bind_null(insert, parameter + 3);
    }
    rc = sqlite3_bind_text(insert, parameter + 2, settings->data_digest, -1, SQLITE_STATIC);
    if (rc != SQLITE_OK) {
        return rc;
    }
    return settings->data_pool > 0 ? bind_count(insert, parameter + 3, settings->data_pool)
                                   : sqlite3_bind_null(insert, parameter + 3);
}

int ch_store_bind_settings(sqlite3_stmt *statement, int first, const ch_settings *settings)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < CH_SETTINGS_STORED && rc == SQLITE_OK; i++) {
        const int parameter = first + (int)i;
        rc = ch_setting_applies(settings, i)
                 ? bind_setting(statement, parameter, &ch_settings_table[i], ch_settings_get(settings, i))
                 : sqlite3_bind_null(statement, parameter);
    }
    return rc;
}

static int bind_run(const ch_store *self, const ch_run *run, const char *id)
{
    sqlite3_stmt *insert = self->insert;
    const ch_settings *settings = &run->settings;
    int parameter = 1;
    int rc = sqlite3_bind_text(insert, parameter++, id, -1, SQLITE_STATIC);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = ch_store_bind_settings(insert, parameter, settings);
    if (rc != SQLITE_OK) {
        return rc;
    }
    parameter += CH_SETTINGS_STORED;
    for (size_t i = 0; i < ch_results_count(); i++, parameter++) {
        const ch_result row = ch_result_at(i);
        rc = bind_result(insert, parameter, &row, run);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    return bind_version(insert, parameter, settings, self->machine);
}

static int bind_point(sqlite3_stmt *insert, const ch_point *point, const char *id)
{
    int rc = sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC);
    for (size_t i = 0; rc == SQLITE_OK && i < ch_points_count(); i++) {
        const ch_result row = ch_point_result_at(i);
        rc = bind_result(insert, 2 + (int)i, &row, point);
    }
    return rc;
}

static int bind_fluctuation(sqlite3_stmt *insert, const ch_fluctuation *one, const char *id)
{
    int rc = sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC);
    for (size_t i = 0; rc == SQLITE_OK && i < ch_fluctuations_count(); i++) {
        const ch_result row = ch_fluctuation_result_at(i);
        rc = bind_result(insert, 2 + (int)i, &row, one);
    }
    return rc;
}

static int bind_layer(sqlite3_stmt *insert, const char *id, uint64_t step, size_t layer, double change)
{
    int rc = sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = bind_count(insert, 2, step);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = bind_count(insert, 3, layer);
    if (rc != SQLITE_OK) {
        return rc;
    }
    return sqlite3_bind_double(insert, 4, change);
}

int ch_store_run_once(sqlite3_stmt *statement)
{
    const int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int insert_points(ch_store *self, const ch_run *run, const char *id)
{
    for (size_t i = 0; i < run->num_points; i++) {
        int rc = bind_point(self->insert_point, &run->points[i], id);
        if (rc != SQLITE_OK) {
            return rc;
        }
        rc = ch_store_run_once(self->insert_point);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    return SQLITE_OK;
}

/* Inserts the weight changes of the layers at every point of the trajectory, or at the end where there is none. */
static int insert_layers(ch_store *self, const ch_run *run, const char *id)
{
    for (size_t i = 0; i < ch_run_num_looks(run); i++) {
        const uint64_t step = i < run->num_points ? run->points[i].step : run->steps;
        for (size_t k = 0; k < run->num_layers; k++) {
            int rc = bind_layer(self->insert_layer, id, step, k, run->layer_changes[i * run->num_layers + k]);
            if (rc != SQLITE_OK) {
                return rc;
            }
            rc = ch_store_run_once(self->insert_layer);
            if (rc != SQLITE_OK) {
                return rc;
            }
        }
    }
    return SQLITE_OK;
}

static int insert_fluctuations(ch_store *self, const ch_run *run, const char *id)
{
    for (size_t i = 0; i < run->num_fluctuations; i++) {
        int rc = bind_fluctuation(self->insert_fluctuation, &run->fluctuations[i], id);
        if (rc != SQLITE_OK) {
            return rc;
        }
        rc = ch_store_run_once(self->insert_fluctuation);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    return SQLITE_OK;
}

/* Deletes the rows of a run from another table. */
static int delete_rows(sqlite3_stmt *statement, const char *id)
{
    const int rc = sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    return rc == SQLITE_OK ? ch_store_run_once(statement) : rc;
}

/* Inserts the run and, when the run is new, its points, layers and fluctuations. The caller has begun a transaction. */
static int insert_run(ch_store *self, const ch_run *run, const char *id)
{
    int rc = bind_run(self, run, id);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = ch_store_run_once(self->insert);
    if (rc != SQLITE_OK) {
        return rc;
    }
    const bool is_new = sqlite3_changes(self->db) > 0;
    if (!is_new) {
        return SQLITE_OK;
    }
    /* rows of a run that was deleted where no trigger took them along */
    rc = delete_rows(self->delete_points, id);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = delete_rows(self->delete_layers, id);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = insert_points(self, run, id);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = delete_rows(self->delete_fluctuations, id);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = insert_fluctuations(self, run, id);
    if (rc != SQLITE_OK) {
        return rc;
    }
    return insert_layers(self, run, id);
}

/* Inserts a run, and asks whether it was new. That it failed before is no longer kept. Its state has served, unless a
 * budget ended it: a larger one goes on from there. The caller has begun a transaction. */
static int insert_and_look(ch_store *self, const ch_run *run, bool *is_new)
{
    char id[CH_ID_SIZE];
    ch_settings_id(&run->resolved, id);
    int rc = delete_rows(self->delete_failure, id);
    if (rc != SQLITE_OK) {
        return rc;
    }
    const int rows = sqlite3_total_changes(self->db);
    rc = insert_run(self, run, id);
    *is_new = sqlite3_total_changes(self->db) != rows; /* a run that is there stays as it is */
    return rc == SQLITE_OK && run->status != CH_BUDGET ? delete_rows(self->delete_checkpoint, id) : rc;
}

/* Inserts runs in one transaction.
 * @param failed  out: the run that could not be inserted, after a failure  @return a result code of SQLite */
static int commit_runs(ch_store *self, const ch_run *const *runs, size_t count, bool *is_new, size_t *failed)
{
    *failed = 0;
    int rc = sqlite3_exec(self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    rc = rc == SQLITE_OK ? ch_store_run_once(self->insert_machine) : rc;
    for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
        *failed = i;
        rc = insert_and_look(self, runs[i], &is_new[i]);
    }
    return rc == SQLITE_OK ? sqlite3_exec(self->db, "COMMIT", NULL, NULL, NULL) : rc;
}

ch_code ch_store_set_threads(ch_store *self, int threads, ch_error *err)
{
    const int rc = sqlite3_bind_int64(self->insert_machine, CH_MACHINE_THREADS, threads);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self, rc, err);
}

ch_code ch_store_check_file(ch_store *self, ch_error *err)
{
    switch (self->guard != NULL ? ch_store_guard_look(self->guard) : CH_FILE_INTACT) {
    case CH_FILE_INTACT:
        break;
    case CH_FILE_GONE:
        return ch_error_set(err, CH_ERROR_IO,
                            "store %s was removed or moved while runs were put into it: its runs are where it was "
                            "moved, or lost",
                            self->path);
    case CH_FILE_REPLACED:
        return ch_error_set(err, CH_ERROR_IO,
                            "store %s was replaced by another file while runs were put into it: its runs are where it "
                            "was moved, or lost; the other file was left as it is",
                            self->path);
    case CH_FILE_OVERWRITTEN:
        return ch_error_set(err, CH_ERROR_IO,
                            "store %s was overwritten or emptied while runs were put into it: its runs are lost; what "
                            "is in the file now was left as it is",
                            self->path);
    case CH_FILE_CUT:
        return ch_error_set(err, CH_ERROR_IO,
                            "store %s is damaged: its file was cut short while runs were put into it; nothing more was "
                            "written to it",
                            self->path);
    }
    return CH_OK;
}

ch_code ch_store_put_all(ch_store *self, const ch_run *const *runs, size_t count, bool *is_new, ch_error *err)
{
    size_t failed = 0;
    if (count == 0) {
        return CH_OK;
    }
    ch_code code = ch_store_check_file(self, err);
    if (code != CH_OK) {
        return code;
    }
    ch_store_guard_shorten_log(self->guard);
    const int rc = commit_runs(self, runs, count, is_new, &failed);
    if (rc == SQLITE_RANGE) {
        char id[CH_ID_SIZE];
        ch_settings_id(&runs[failed]->resolved, id);
        code = ch_error_set(err, CH_ERROR_INPUT, "a count of run %s is over 2^63 - 1, the most that a store holds", id);
    } else if (rc != SQLITE_OK) {
        code = ch_store_fail(self, rc, err);
    }
    if (!sqlite3_get_autocommit(self->db)) {
        /* only now that the message is made, since this replaces the words that SQLite has for it */
        sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code;
}

ch_code ch_store_put(ch_store *self, const ch_run *run, ch_error *err)
{
    bool is_new = false;
    return ch_store_put_all(self, &run, 1, &is_new, err);
}
