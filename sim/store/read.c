/* read.c — reading runs from a store. */
#include "sim/store/store_private.h"

#include "core/memory.h"
#include "core/names.h"
#include "sim/settings/where.h"
#include "sim/settings/words.h"
#include "sim/store/order.h"
#include "sim/store/results.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How SQLite begins to say that a name is no column. */
static const char NO_COLUMN[] = "no such column: ";

/* Whether a name is one of the words that a setting or the status of a run can have. */
static bool is_value(const char *name)
{
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_setting *row = &ch_settings_table[i];
        for (uint64_t k = 0; row->type == CH_TYPE_CHOICE && row->choice(k) != NULL; k++) {
            if (strcmp(row->choice(k), name) == 0) {
                return true;
            }
        }
    }
    for (int status = CH_FITTED; status <= CH_STUCK; status++) {
        if (strcmp(ch_status_name((ch_status)status), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a name is that of a setting which is no column: the name of a file or folder. */
static bool is_unstored(const char *name)
{
    for (size_t i = CH_SETTINGS_STORED; i < ch_settings_count; i++) {
        if (strcmp(ch_settings_table[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Refuses a condition in which a name is no column, and names the column that is meant: by a word that is used
 * elsewhere, or the one whose name is nearest. */
static ch_code refuse_column(const ch_store_query *self, const char *name, ch_error *err)
{
    if (is_unstored(name)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "condition \"%s\" is not accepted: no such column: %s; a store has the digest of files in "
                            "place of their names, in data_digest",
                            self->where, name);
    }
    if (is_value(name)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "condition \"%s\" is not accepted: no such column: %s; words are in quotes, '%s'",
                            self->where, name, name);
    }
    const ch_store_schema schema = ch_store_schema_now();
    const ch_store_table *runs = &schema.tables[CH_STORE_RUNS];
    const char *names[128];
    const size_t all = ch_store_num_columns(runs), room = sizeof names / sizeof *names, count = all < room ? all : room;
    for (size_t i = 0; i < count; i++) {
        names[i] = ch_store_column_at(runs, i).name;
    }
    const ch_word word = ch_words_find(name);
    const char *meant = word.known ? ch_settings_table[word.setting].name : ch_names_nearest(name, names, count);
    return ch_error_set(err, CH_ERROR_INPUT, "condition \"%s\" is not accepted: no such column: %s%s%s%s", self->where,
                        name, meant != NULL ? "; did you mean '" : "", meant != NULL ? meant : "",
                        meant != NULL ? "'?" : "");
}

/* A failure of a query. SQLITE_ERROR says that SQLite found something wrong in the condition, which is the user's to
 * mend; every other code is about the store. */
static ch_code query_fail(const ch_store_query *self, int rc, ch_error *err)
{
    if (self->where == NULL || (rc & 0xff) != SQLITE_ERROR) {
        return ch_store_fail(self->store, rc, err);
    }
    const char *why = sqlite3_errmsg(self->store->db);
    if (strncmp(why, NO_COLUMN, strlen(NO_COLUMN)) == 0) {
        return refuse_column(self, why + strlen(NO_COLUMN), err);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "condition \"%s\" is not accepted: %s", self->where, why);
}

/* Refuses what is not one expression. The query itself has the condition in parentheses, so that it cannot go on to
 * ORDER BY, LIMIT or a further statement. Here it stands without them, which refuses a condition that closes a
 * parenthesis it did not open, such as "1) OR (1".
 * @param where  the condition as SQLite reads it */
static ch_code check_condition(const ch_store_query *self, const char *where, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("SELECT 1 FROM runs WHERE %s\n", where);
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(self->store->db, sql, -1, &statement, NULL);
    ch_code code = CH_OK;
    if (rc != SQLITE_OK) {
        code = query_fail(self, rc, err);
        goto out;
    }
    if (sqlite3_bind_parameter_count(statement) > 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "condition \"%s\" is not accepted: it has a parameter (?, :, @ or $)",
                            self->where);
    }
out:
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return code;
}

ch_code ch_store_query_init(ch_store_query *self, ch_store *store, const char *where, bool ordered, ch_error *err)
{
    char *translated = NULL, *sql = NULL;
    ch_code code = CH_OK;
    *self = (ch_store_query){.store = store, .where = where};
    ch_settings_default(&self->defaults);
    if (where != NULL) {
        code = ch_where_translate(where, &translated, err);
        if (code != CH_OK) {
            goto out;
        }
        code = check_condition(self, translated, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    sql = ch_store_select_runs_sql(translated, ordered);
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(store->db, sql, -1, &self->row, NULL);
    code = rc == SQLITE_OK ? CH_OK : query_fail(self, rc, err);
out:
    free(translated);
    sqlite3_free(sql);
    return code;
}

ch_code ch_store_query_all(ch_store_query *self, ch_store *store, sqlite3_int64 after, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    char rest[64] = "";
    if (after > 0) {
        snprintf(rest, sizeof rest, "WHERE rowid > %lld", (long long)after);
    }
    char *sql = ch_store_select_sql(&schema.tables[CH_STORE_RUNS], rest);
    *self = (ch_store_query){.store = store};
    ch_settings_default(&self->defaults);
    const ch_code code = ch_store_prepare(store, sql, &self->row, err);
    sqlite3_free(sql);
    return code;
}

void ch_store_query_free(ch_store_query *self)
{
    sqlite3_finalize(self->row);
    self->row = NULL;
}

ch_code ch_store_query_next(ch_store_query *self, bool *row, ch_error *err)
{
    const int rc = sqlite3_step(self->row);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? CH_OK : query_fail(self, rc, err);
}

static double real_of(sqlite3_value *cell)
{
    return sqlite3_value_type(cell) == SQLITE_NULL ? NAN : sqlite3_value_double(cell);
}

static uint64_t count_of(sqlite3_value *cell)
{
    return sqlite3_value_type(cell) == SQLITE_NULL ? CH_UNCOUNTED : (uint64_t)sqlite3_value_int64(cell);
}

static const char *text_of(sqlite3_value *cell)
{
    return (const char *)sqlite3_value_text(cell);
}

/* The id of the current run, for messages; NULL where it is none. */
static const char *id_of(const ch_store_query *self)
{
    const bool is_text = sqlite3_column_type(self->row, CH_STORE_COLUMN_ID) == SQLITE_TEXT;
    return is_text ? (const char *)sqlite3_column_text(self->row, CH_STORE_COLUMN_ID) : NULL;
}

/* Refuses a cell of table `runs`. A text that is NULL though its cell is not could not be read for lack of memory.
 * @param expected  what the cell may be */
static ch_code refuse_cell(ch_store_query *self, const char *name, int column, const char *expected, ch_error *err)
{
    char cell[64], wrong[256];
    if (sqlite3_errcode(self->store->db) == SQLITE_NOMEM) {
        return ch_error_memory(err, "the run store");
    }
    ch_store_show_cell(self->row, column, cell, sizeof cell);
    snprintf(wrong, sizeof wrong, "%s: accepted is %s", cell, expected);
    self->is_damaged = true;
    return ch_store_damage(self->store, CH_STORE_RUNS, id_of(self), name, wrong, err);
}

/* The index of a word among a row's choices; the number of choices when it is none of them.
 * @param last  the choice of the run before, which is most often this one's too */
static uint64_t find_choice(const ch_setting *row, const char *text, uint64_t last)
{
    const char *word = text != NULL ? row->choice(last) : NULL;
    if (word != NULL && strcmp(text, word) == 0) {
        return last;
    }
    uint64_t index = 0;
    while (row->choice(index) != NULL && (text == NULL || strcmp(text, row->choice(index)) != 0)) {
        index++;
    }
    return index;
}

static ch_code refuse_setting(ch_store_query *self, const ch_setting *row, int column, ch_error *err)
{
    char accepted[160];
    ch_setting_accepted(row, accepted, sizeof accepted);
    return refuse_cell(self, row->name, column, accepted, err);
}

/* Whether a setting has a meaning for the run, which the settings before it in the table decide. `linear` of a
 * perceptron has one where it is yes, and `teacher` of samples from files where it is fitted: only then are they
 * stored. */
static bool has_meaning(const ch_settings *settings, size_t index, bool is_null)
{
    return ch_setting_applies(settings, index) ||
           ((index == CH_SETTING_LINEAR || index == CH_SETTING_TEACHER) && !is_null);
}

/* Reads the digest of a file. */
static ch_code read_digest(ch_store_query *self, const ch_setting *row, int column, char digest[CH_SHA256_SIZE],
                           ch_error *err)
{
    const char *text = text_of(self->cells[column]);
    if (text == NULL || strlen(text) != CH_SHA256_SIZE - 1 || strspn(text, "0123456789abcdef") != CH_SHA256_SIZE - 1) {
        return refuse_cell(self, row->name, column, "a SHA-256 of 64 digits", err);
    }
    memcpy(digest, text, CH_SHA256_SIZE);
    return CH_OK;
}

/* Reads a setting if it has a meaning for the run. A value that is NULL stands for a word such as "none", whose number
 * is 0, and SQLite reads NULL as 0. */
static ch_code read_setting(ch_store_query *self, size_t index, ch_settings *settings, ch_error *err)
{
    const ch_setting *row = &ch_settings_table[index];
    const int column = CH_STORE_COLUMN_SETTINGS + (int)index;
    ch_value value = {.count = 0};
    sqlite3_value *cell = self->cells[column];
    const bool is_null = sqlite3_value_type(cell) == SQLITE_NULL;
    self->nulls |= (uint64_t)is_null << index;
    if (!has_meaning(settings, index, is_null) || (row->is_implied && is_null)) {
        return CH_OK;
    }
    switch (row->type) {
    case CH_TYPE_REAL:
        value.real = sqlite3_value_double(cell);
        break;
    case CH_TYPE_COUNT:
        value.count = (uint64_t)sqlite3_value_int64(cell);
        break;
    case CH_TYPE_CHOICE:
        value.count = find_choice(row, text_of(cell), self->choices[index]);
        self->choices[index] = value.count;
        break;
    case CH_TYPE_RULE:
        value.text = text_of(cell);
        break;
    case CH_TYPE_CONTENT:
        return read_digest(self, row, column, settings->init_digest, err);
    case CH_TYPE_TEXT: /* no setting of this type is stored */
        return CH_OK;
    }
    if (ch_setting_check(row, value, NULL) != CH_OK) {
        return refuse_setting(self, row, column, err);
    }
    ch_settings_set(settings, index, value);
    return CH_OK;
}

static ch_code read_status(ch_store_query *self, const char *name, int column, ch_status *status, ch_error *err)
{
    const char *text = text_of(self->cells[column]);
    for (*status = CH_FITTED; text != NULL && *status < CH_NUM_STATUSES; ++*status) {
        if (strcmp(text, ch_status_name(*status)) == 0) {
            return CH_OK;
        }
    }
    return refuse_cell(self, name, column, "a status of a run that has ended", err);
}

/* Reads a count or a real. @param object  the ch_run or ch_point whose member it is */
static void read_number(sqlite3_value *cell, const ch_result *row, void *object)
{
    if (row->type == CH_RESULT_COUNT) {
        ch_result_set_number(row, object, count_of(cell));
    } else {
        ch_result_set_real(row, object, real_of(cell));
    }
}

static ch_code read_result(ch_store_query *self, size_t index, ch_run *run, ch_error *err)
{
    const ch_result row = ch_result_at(index);
    const int column = ch_store_column_results() + (int)index;
    if (row.type == CH_RESULT_STATUS) {
        return read_status(self, row.name, column, &run->status, err);
    }
    if (row.type == CH_RESULT_CAUSE) {
        run->reason = ch_cause_find(text_of(self->cells[column]));
        return CH_OK;
    }
    read_number(self->cells[column], &row, run);
    return CH_OK;
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
        read_number(cells[1 + i], &row, &point);
    }
    return point;
}

/* Checks a row of a trajectory and appends it. */
static ch_code append_point(ch_store_query *self, ch_run *run, size_t *capacity, ch_error *err)
{
    sqlite3_stmt *row = self->store->select_points;
    void *items = run->points;
    sqlite3_value *cells[CH_STORE_MOST_COLUMNS];
    const ch_code code = ch_store_check_row(self->store, CH_STORE_POINTS, row, 1, id_of(self), cells, err);
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
        return ch_store_damage(self->store, CH_STORE_POINTS, id_of(self), "step", "the same step is there twice", err);
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

static ch_code read_points(ch_store_query *self, ch_run *run, ch_error *err)
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
    return ch_store_damage(self->store, CH_STORE_LAYERS, id_of(self), column, wrong, err);
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
    ch_code code = ch_store_check_row(self->store, CH_STORE_LAYERS, row, 1, id_of(self), cells, err);
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
    return ch_store_damage(self->store, CH_STORE_LAYERS, id_of(self), "layer", wrong, err);
}

/* Reads the weight changes of the layers. */
static ch_code read_layers(ch_store_query *self, ch_run *run, ch_error *err)
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
    const ch_code code = ch_store_check_row(self->store, CH_STORE_FLUCTUATIONS, row, 1, id_of(self), cells, err);
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
static ch_code read_fluctuations(ch_store_query *self, ch_run *run, ch_error *err)
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

static ch_code read_settings(ch_store_query *self, ch_settings *settings, ch_error *err)
{
    *settings = self->defaults;
    self->nulls = 0;
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_code code = read_setting(self, i, settings, err);
        if (code != CH_OK) {
            return code;
        }
    }
    settings->given = 0;
    return CH_OK;
}

/* Reads the columns that say who made a run, and of which images. */
static ch_code read_origin(ch_store_query *self, ch_run *run, ch_error *err)
{
    const int version = ch_store_column_version();
    const sqlite3_int64 results_version = sqlite3_value_int64(self->cells[version + 1]);
    if (results_version > INT_MAX) {
        return refuse_cell(self, "results_version", version + 1, "an integer under 2^31", err);
    }
    run->results_version = (int)results_version;
    const char *digest = text_of(self->cells[version + 2]);
    if (sqlite3_value_bytes(self->cells[version + 2]) >= CH_SHA256_SIZE) {
        return refuse_cell(self, "data_digest", version + 2, "a SHA-256 of 64 digits", err);
    }
    strcpy(run->settings.data_digest, digest != NULL ? digest : "");
    for (char *c = run->settings.data_digest; *c != '\0'; c++) {
        *c =
            *c > ' ' && *c < 0x7F ? *c : '?'; /* it is printed in tables and figures; a digest has letters and digits */
    }
    /* NULL, of data that are no images and in stores that are older than the column, reads as 0 */
    run->settings.data_pool = (uint64_t)sqlite3_value_int64(self->cells[version + 3]);
    return CH_OK;
}

ch_code ch_store_query_run(ch_store_query *self, bool points, ch_run *run, ch_error *err)
{
    memset(run, 0, sizeof *run);
    run->final = ch_observation_none();
    ch_code code = ch_store_check_row(self->store, CH_STORE_RUNS, self->row, 0, id_of(self), self->cells, err);
    self->is_damaged = code == CH_ERROR_IO;
    if (code != CH_OK) {
        return code;
    }
    code = read_settings(self, &run->settings, err);
    if (code != CH_OK) {
        return code;
    }
    const size_t num_results = ch_results_count();
    for (size_t i = 0; i < num_results; i++) {
        code = read_result(self, i, run, err);
        if (code != CH_OK) {
            return code;
        }
    }
    code = read_origin(self, run, err);
    if (code != CH_OK) {
        return code;
    }
    code = read_fluctuations(self, run, err);
    if (code != CH_OK || !points) {
        return code;
    }
    code = read_points(self, run, err);
    if (code != CH_OK) {
        return code;
    }
    return read_layers(self, run, err);
}

bool ch_store_query_leaves_out(ch_store_query *self, const ch_error *err)
{
    ch_store *store = self->store;
    if (!self->is_damaged || !store->skips_damaged) {
        return false;
    }
    self->is_damaged = false;
    if (store->num_damaged++ == 0 && err != NULL) {
        store->damage = *err;
    }
    return true;
}

/* Appends the current run to the table, unless it is one that is left out. */
static ch_code append_run(ch_store_query *query, bool points, ch_run_table *table, ch_run_order *order, ch_error *err)
{
    void *items = table->runs;
    if (ch_grow(&items, &table->capacity, table->count + 1, sizeof *table->runs) != 0) {
        return ch_error_memory(err, "the runs of a store");
    }
    table->runs = items;
    ch_run *run = &table->runs[table->count++];
    const ch_code code = ch_store_query_run(query, points, run, err);
    if (code == CH_OK) {
        return ch_run_order_add(order, &table->runs[0], run, query->nulls, id_of(query), err);
    }
    if (!ch_store_query_leaves_out(query, err)) {
        return code;
    }
    ch_run_free(&table->runs[--table->count]);
    return CH_OK;
}

ch_code ch_store_select(ch_store *self, const char *where, bool points, ch_run_table *table, ch_error *err)
{
    ch_store_query query = {0};
    ch_run_order order = {0};
    bool row = false;
    memset(table, 0, sizeof *table);
    ch_code code = ch_store_query_init(&query, self, where, false, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        code = append_run(&query, points, table, &order, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    if (code != CH_OK) {
        goto out;
    }
    code = ch_run_order_sort(&order, table->runs, err);
out:
    ch_run_order_free(&order);
    ch_store_query_free(&query);
    if (code != CH_OK) {
        ch_run_table_free(table);
    }
    return code;
}

void ch_run_table_free(ch_run_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        ch_run_free(&table->runs[i]);
    }
    free(table->runs);
    memset(table, 0, sizeof *table);
}
