/* totals.c — what all runs of a store hold together. */
#include "sim/store/totals.h"

#include "core/memory.h"
#include "sim/store/seal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ch_code out_of_memory(ch_error *err)
{
    return ch_error_memory(err, "the summary of a store");
}

void ch_id_list_free(ch_id_list *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->ids[i]);
    }
    free(self->ids);
    *self = (ch_id_list){0};
}

static ch_code add_id(ch_id_list *self, const char *id, ch_error *err)
{
    void *ids = self->ids;
    if (id == NULL || ch_grow(&ids, &self->capacity, self->count + 1, sizeof *self->ids) != 0) {
        return out_of_memory(err);
    }
    self->ids = ids;
    self->ids[self->count] = strdup(id);
    if (self->ids[self->count] == NULL) {
        return out_of_memory(err);
    }
    self->count++;
    return CH_OK;
}

void ch_totals_free(ch_totals *self)
{
    ch_tally_free(&self->version);
    ch_tally_free(&self->results_version);
    ch_tally_free(&self->machine);
    ch_tally_free(&self->digests);
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        ch_tally_free(&self->settings[i]);
    }
    ch_id_list_free(&self->damaged);
    *self = (ch_totals){0};
}

/* ---- counting ---- */

/* Counts the digest of the current run's data, with the word of the data before it. */
static ch_code add_digest(ch_totals *self, const ch_store_query *query, ch_error *err)
{
    char text[CH_SHA256_SIZE + 64];
    sqlite3_value *digest = query->cells[ch_store_column_version() + 2];
    if (sqlite3_value_type(digest) == SQLITE_NULL) {
        return CH_OK;
    }
    const unsigned char *data = sqlite3_value_text(query->cells[CH_STORE_COLUMN_SETTINGS + CH_SETTING_DATA]);
    const unsigned char *digits = sqlite3_value_text(digest);
    if (data == NULL || digits == NULL) {
        return out_of_memory(err);
    }
    snprintf(text, sizeof text, "%s\n%s", (const char *)data, (const char *)digits);
    return ch_tally_add(&self->digests, &(ch_tally_value){.type = SQLITE_TEXT, .text = text, .count = 1}, err);
}

/* Counts the current run of a walk, which was read. */
static ch_code add_run(ch_totals *self, const ch_store_query *query, const ch_run *run, ch_error *err)
{
    const int version = ch_store_column_version();
    self->runs++;
    self->status[run->status]++;
    self->seconds += isnan(run->seconds) ? 0 : run->seconds;
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_code code = ch_tally_add_cell(&self->settings[i], query->cells[CH_STORE_COLUMN_SETTINGS + i], 1, err);
        if (code != CH_OK) {
            return code;
        }
    }
    ch_code code = ch_tally_add_cell(&self->version, query->cells[version], 1, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_tally_add_cell(&self->results_version, query->cells[version + 1], 1, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_tally_add_cell(&self->machine, query->cells[version + 4], 1, err);
    if (code != CH_OK) {
        return code;
    }
    return add_digest(self, query, err);
}

/* Adds the rows of table `points` that the current run of a walk has. */
static ch_code add_points(ch_totals *self, const ch_store_query *query, sqlite3_stmt *count, ch_error *err)
{
    bool row = false;
    const int rc = sqlite3_bind_value(count, 1, sqlite3_column_value(query->row, CH_STORE_COLUMN_ID));
    if (rc != SQLITE_OK) {
        return ch_store_fail(query->store, rc, err);
    }
    const ch_code code = ch_store_step(query->store, count, &row, err);
    self->points += row ? (uint64_t)sqlite3_column_int64(count, 0) : 0;
    sqlite3_reset(count);
    return code;
}

/* Reads, checks and counts the current run of a walk, and notes one that is left out.
 * @param count_points  NULL: points are not counted */
static ch_code take_run(ch_totals *self, ch_store_query *query, sqlite3_stmt *count_points, ch_error *err)
{
    ch_run run;
    ch_code code = ch_store_query_run(query, false, &run, err);
    if (code == CH_OK) {
        code = add_run(self, query, &run, err);
        ch_run_free(&run);
        return code == CH_OK && count_points != NULL ? add_points(self, query, count_points, err) : code;
    }
    ch_run_free(&run);
    if (!ch_store_query_leaves_out(query, err)) {
        return code;
    }
    return sqlite3_column_type(query->row, CH_STORE_COLUMN_ID) == SQLITE_TEXT
               ? add_id(&self->damaged, (const char *)sqlite3_column_text(query->row, CH_STORE_COLUMN_ID), err)
               : CH_OK;
}

/* Counts the runs that lie in the file after a row, with their points where that is any row but 0. */
static ch_code count_after(ch_totals *self, ch_store *store, sqlite3_int64 after, ch_error *err)
{
    ch_store_query query = {0};
    sqlite3_stmt *count_points = NULL;
    bool row = false;
    ch_code code = ch_store_query_all(&query, store, after, err);
    if (code != CH_OK) {
        goto out;
    }
    code = after > 0 ? ch_store_prepare(store, "SELECT count(*) FROM points WHERE run = ?", &count_points, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_query_next(&query, &row, err)) == CH_OK && row) {
        code = take_run(self, &query, count_points, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    sqlite3_finalize(count_points);
    ch_store_query_free(&query);
    return code;
}

/* ---- kept totals ---- */

/* The names by which `tallies` knows its values, beside those of settings. */
static const char VERSION[] = "version", RESULTS_VERSION[] = "results_version", MACHINE[] = "machine",
                  DIGEST[] = "data_digest", STATUS[] = "status";

static ch_tally *tally_of(ch_totals *self, const char *name)
{
    if (strcmp(name, VERSION) == 0) {
        return &self->version;
    }
    if (strcmp(name, RESULTS_VERSION) == 0) {
        return &self->results_version;
    }
    if (strcmp(name, MACHINE) == 0) {
        return &self->machine;
    }
    if (strcmp(name, DIGEST) == 0) {
        return &self->digests;
    }
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        if (strcmp(name, ch_settings_table[i].name) == 0) {
            return &self->settings[i];
        }
    }
    return NULL;
}

/* What `summary` says of the kept totals. */
typedef struct {
    sqlite3_int64 row; /* the last row of `runs` that is in them; 0: nothing is kept */
    uint64_t runs;
} kept;

/* Reads the one row of `summary`, where there is one and it fits the store: it was made under this schema, its checksum
 * is right, the triggers that would empty it are there, and the last run that it counts is where it was. A VACUUM may
 * number rows anew. */
static ch_code read_kept(ch_totals *self, const ch_store *store, kept *found, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false, holds = false;
    *found = (kept){0};
    if (store->schema < ch_store_schema_now().version) {
        return CH_OK;
    }
    ch_code code = ch_store_seal_holds(store, &holds, err);
    if (code != CH_OK || !holds) {
        return code;
    }
    code = ch_store_prepare(store,
                            "SELECT last_row, summary.runs, points, summary.seconds FROM summary, runs WHERE "
                            "runs.rowid = last_row AND runs.id = last_id AND schema = ? AND last_row > 0",
                            &statement, err);
    if (code != CH_OK) {
        goto out;
    }
    const int rc = sqlite3_bind_int(statement, 1, store->schema);
    if (rc != SQLITE_OK) {
        code = ch_store_fail(store, rc, err);
        goto out;
    }
    code = ch_store_step(store, statement, &row, err);
    if (code != CH_OK || !row) {
        goto out;
    }
    found->row = sqlite3_column_int64(statement, 0);
    found->runs = self->runs = (uint64_t)sqlite3_column_int64(statement, 1);
    self->points = (uint64_t)sqlite3_column_int64(statement, 2);
    self->seconds = sqlite3_column_double(statement, 3);
out:
    sqlite3_finalize(statement);
    return code;
}

/* Takes the current row of `tallies`: name, value, until, count. A value that is an integer stands for all integers up
 * to `until`.
 * @param is_right  out: false where the row is none that this program writes */
static ch_code take_row(ch_totals *self, sqlite3_stmt *row, bool *is_right, ch_error *err)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const uint64_t count = (uint64_t)sqlite3_column_int64(row, 3);
    ch_tally *tally = name != NULL ? tally_of(self, name) : NULL;
    sqlite3_value *value = sqlite3_column_value(row, 1);
    const int type = sqlite3_value_type(value);
    *is_right = true;
    if (name != NULL && strcmp(name, STATUS) == 0) {
        const sqlite3_int64 status = sqlite3_value_int64(value);
        *is_right = status >= 0 && status < CH_NUM_STATUSES;
        self->status[*is_right ? status : 0] = count;
        return CH_OK;
    }
    if (tally == NULL || type == SQLITE_BLOB) {
        *is_right = false;
        return CH_OK;
    }
    if (type != SQLITE_INTEGER || sqlite3_column_type(row, 2) == SQLITE_NULL) {
        return ch_tally_add_cell(tally, value, count, err);
    }
    const sqlite3_int64 first = sqlite3_value_int64(value), until = sqlite3_column_int64(row, 2);
    *is_right = first >= 0 && until >= first && (uint64_t)(until - first) < self->runs;
    for (sqlite3_int64 i = first; *is_right && i <= until; i++) {
        const ch_code code =
            ch_tally_add(tally, &(ch_tally_value){.type = SQLITE_INTEGER, .integer = i, .count = count}, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Whether the totals can be those of as many runs as they say: no column has more values than there are runs. */
static bool are_possible(const ch_totals *self)
{
    uint64_t runs = 0;
    for (size_t status = 0; status < CH_NUM_STATUSES; status++) {
        runs += self->status[status];
    }
    bool possible = runs == self->runs && self->machine.count > 0 && self->machine.count <= self->runs;
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        possible = possible && self->settings[i].count > 0 && self->settings[i].count <= self->runs;
    }
    return possible;
}

/* Reads what the store keeps. Where it keeps nothing, or what cannot be, the totals stay empty. */
static ch_code load(ch_totals *self, const ch_store *store, kept *found, ch_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false, is_right = true;
    ch_code code = read_kept(self, store, found, err);
    if (code != CH_OK || found->row == 0) {
        return code;
    }
    code = ch_store_prepare(store, "SELECT name, value, until, count FROM tallies WHERE name <> '" CH_STORE_SEAL "'",
                            &statement, err);
    if (code != CH_OK) {
        goto out;
    }
    while (is_right && (code = ch_store_step(store, statement, &row, err)) == CH_OK && row) {
        code = take_row(self, statement, &is_right, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    if (code == CH_OK && (!is_right || !are_possible(self))) {
        ch_totals_free(self);
        *found = (kept){0};
    }
out:
    sqlite3_finalize(statement);
    return code;
}

/* Counts all runs, from what the store keeps on, or, where it says another number than there are, from the first. */
static ch_code count_all(ch_totals *self, ch_store *store, kept *found, ch_error *err)
{
    uint64_t runs = 0;
    ch_code code = load(self, store, found, err);
    if (code != CH_OK) {
        return code;
    }
    code = count_after(self, store, found->row, err);
    if (code != CH_OK || found->row == 0) {
        return code;
    }
    code = ch_store_count(store, "SELECT count(*) FROM runs", &runs, err);
    if (code != CH_OK || runs == self->runs) {
        return code;
    }
    ch_totals_free(self);
    *found = (kept){0};
    return count_after(self, store, 0, err);
}

ch_code ch_totals_init(ch_totals *self, ch_store *store, bool *has_points, ch_error *err)
{
    kept found = {0};
    *self = (ch_totals){0};
    const ch_code code = store->skips_damaged ? count_after(self, store, 0, err) : count_all(self, store, &found, err);
    *has_points = found.row > 0;
    return code;
}

/* ---- keeping ---- */

static int bind_value(sqlite3_stmt *insert, const ch_tally_value *value)
{
    switch (value->type) {
    case SQLITE_INTEGER:
        return sqlite3_bind_int64(insert, 2, value->integer);
    case SQLITE_FLOAT:
        return sqlite3_bind_double(insert, 2, value->real);
    case SQLITE_TEXT:
        return sqlite3_bind_text(insert, 2, value->text, -1, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(insert, 2);
    }
}

/* Inserts one row of `tallies`. */
static ch_code insert_tally(const ch_store *store, sqlite3_stmt *insert, const char *name, const ch_tally_value *value,
                            int64_t until, ch_error *err)
{
    const int codes[] = {
        sqlite3_bind_text(insert, 1, name, -1, SQLITE_STATIC),
        bind_value(insert, value),
        value->type == SQLITE_INTEGER ? sqlite3_bind_int64(insert, 3, until) : sqlite3_bind_null(insert, 3),
        sqlite3_bind_int64(insert, 4, (sqlite3_int64)value->count),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != SQLITE_OK) {
            return ch_store_fail(store, codes[i], err);
        }
    }
    const int rc = ch_store_run_once(insert);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(store, rc, err);
}

/* Inserts the values of a column, integers that follow each other and are equally frequent as one row: a million seeds
 * take no more room than one. */
static ch_code insert_tallies(const ch_store *store, sqlite3_stmt *insert, const char *name, ch_tally *tally,
                              ch_error *err)
{
    ch_tally_sort(tally);
    for (size_t begin = 0, end = 0; begin < tally->count; begin = end) {
        const ch_tally_value *first = &tally->values[begin];
        for (end = begin + 1; first->type == SQLITE_INTEGER && end < tally->count &&
                              tally->values[end].integer == first->integer + (int64_t)(end - begin) &&
                              tally->values[end].count == first->count;
             end++) {
        }
        const int64_t until = first->type == SQLITE_INTEGER ? first->integer + (int64_t)(end - begin - 1) : 0;
        const ch_code code = insert_tally(store, insert, name, first, until, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static ch_code insert_all(ch_totals *self, const ch_store *store, sqlite3_stmt *insert, ch_error *err)
{
    ch_code code = insert_tallies(store, insert, VERSION, &self->version, err);
    if (code != CH_OK) {
        return code;
    }
    code = insert_tallies(store, insert, RESULTS_VERSION, &self->results_version, err);
    if (code != CH_OK) {
        return code;
    }
    code = insert_tallies(store, insert, MACHINE, &self->machine, err);
    if (code != CH_OK) {
        return code;
    }
    code = insert_tallies(store, insert, DIGEST, &self->digests, err);
    if (code != CH_OK) {
        return code;
    }
    for (int64_t status = 0; status < CH_NUM_STATUSES; status++) {
        const ch_tally_value value = {.type = SQLITE_INTEGER, .integer = status, .count = self->status[status]};
        code = insert_tally(store, insert, STATUS, &value, status, err);
        if (code != CH_OK) {
            return code;
        }
    }
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        code = insert_tallies(store, insert, ch_settings_table[i].name, &self->settings[i], err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static ch_code execute_made(const ch_store *store, char *sql, ch_error *err)
{
    const int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(store, rc, err);
}

/* Puts the checksum of what the store keeps beside it. */
static ch_code seal(const ch_store *store, ch_error *err)
{
    sqlite3_int64 sum = 0;
    const ch_code code = ch_store_seal(store, &sum, err);
    return code != CH_OK ? code
                         : execute_made(store,
                                        sqlite3_mprintf("INSERT INTO tallies (name, count) VALUES (%Q, %lld)",
                                                        CH_STORE_SEAL, (long long)sum),
                                        err);
}

/* Replaces what the store keeps. */
static ch_code save(ch_totals *self, const ch_store *store, ch_error *err)
{
    sqlite3_stmt *insert = NULL;
    ch_code code = execute_made(store, sqlite3_mprintf("DELETE FROM summary; DELETE FROM tallies"), err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_prepare(store, "INSERT INTO tallies (name, value, until, count) VALUES (?, ?, ?, ?)", &insert, err);
    if (code != CH_OK) {
        goto out;
    }
    code = insert_all(self, store, insert, err);
    if (code != CH_OK) {
        goto out;
    }
    code = execute_made(store,
                        sqlite3_mprintf("INSERT INTO summary (schema, last_row, last_id, runs, points, seconds) SELECT "
                                        "%d, rowid, id, %lld, %lld, %!.17g FROM runs ORDER BY rowid DESC LIMIT 1",
                                        store->schema, (long long)self->runs, (long long)self->points, self->seconds),
                        err);
    if (code != CH_OK) {
        goto out;
    }
    code = seal(store, err);
out:
    sqlite3_finalize(insert);
    return code;
}

/* Counts all runs and keeps the totals, where many are new, within a transaction that the caller has begun. A store
 * that has lost the triggers that empty `summary` keeps nothing. */
static ch_code keep(ch_totals *self, ch_store *store, uint64_t least, ch_error *err)
{
    kept found = {0};
    uint64_t runs = 0;
    bool forgets = false;
    ch_code code = ch_store_forgets(store, &forgets, err);
    if (code != CH_OK || !forgets) {
        return code;
    }
    code = ch_store_count(store, "SELECT count(*) FROM runs", &runs, err);
    if (code != CH_OK) {
        return code;
    }
    code = read_kept(self, store, &found, err);
    if (code != CH_OK || (runs >= found.runs && (runs - found.runs <= least || runs - found.runs <= found.runs / 16))) {
        return code;
    }
    *self = (ch_totals){0};
    code = count_all(self, store, &found, err);
    if (code != CH_OK) {
        return code;
    }
    if (found.row == 0) {
        code = ch_store_count(store, "SELECT count(*) FROM points", &self->points, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return isfinite(self->seconds) ? save(self, store, err) : CH_OK;
}

ch_code ch_totals_keep(ch_store *store, uint64_t least, ch_error *err)
{
    ch_totals totals = {0};
    const bool skips = store->skips_damaged;
    ch_code code = ch_store_check_file(store, err);
    if (code != CH_OK) {
        return code;
    }
    const int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        return ch_store_fail(store, rc, err);
    }
    store->skips_damaged = false;
    code = keep(&totals, store, least, err);
    store->skips_damaged = skips;
    if (code == CH_OK) {
        code = execute_made(store, sqlite3_mprintf("COMMIT"), err);
    }
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    ch_totals_free(&totals);
    return code;
}
