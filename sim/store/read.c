/* read.c — reads runs of a store: every cell of table `runs` is checked before it is used. */
#include "sim/store/store_private.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(sqlite3_value *cell)
{
    return (const char *)sqlite3_value_text(cell);
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
    return ch_store_damage(self->store, CH_STORE_RUNS, ch_store_query_id(self), name, wrong, err);
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
    ch_store_read_number(self->cells[column], &row, run);
    return CH_OK;
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
    ch_code code =
        ch_store_check_row(self->store, CH_STORE_RUNS, self->row, 0, ch_store_query_id(self), self->cells, err);
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
    code = ch_store_read_fluctuations(self, run, err);
    if (code != CH_OK || !points) {
        return code;
    }
    code = ch_store_read_points(self, run, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_store_read_layers(self, run, err);
}
