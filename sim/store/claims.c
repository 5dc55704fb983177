/* claims.c — which of several sweeps on one store makes which run. */
#include "sim/store/claims.h"

#include "core/clock.h"
#include "core/memory.h"
#include "sim/store/store_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- statements ---- */

static ch_code execute(const ch_claims *self, const char *sql, ch_error *err)
{
    const int rc = sqlite3_exec(self->store->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self->store, rc, err);
}

static ch_code run_once(const ch_claims *self, sqlite3_stmt *statement, ch_error *err)
{
    const int rc = ch_store_run_once(statement);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self->store, rc, err);
}

static ch_code prepare(ch_claims *self, ch_error *err)
{
    ch_store *store = self->store;
    /* A worker whose row was removed by others, who took it for ended, comes back with the same name. */
    ch_code code = ch_store_prepare(store,
                                    "INSERT INTO workers (name, host, boot, pid, started, beats)"
                                    " VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (name) DO UPDATE SET beats = beats + 1",
                                    &self->beat, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(store, "SELECT rowid, name, boot, pid, started, beats FROM workers WHERE name <> ?",
                            &self->list, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(store, "DELETE FROM workers WHERE rowid = ?", &self->remove, err);
    if (code != CH_OK) {
        return code;
    }
    /* ids that begin with the digits come before those that go on with a letter after f */
    code = ch_store_prepare(store,
                            "INSERT INTO claims (run, worker) SELECT ?1, ?2"
                            " WHERE NOT EXISTS (SELECT 1 FROM runs WHERE id BETWEEN ?1 AND ?1 || 'g')"
                            " ON CONFLICT (run) DO NOTHING",
                            &self->take, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_store_prepare(store,
                            "SELECT 1 FROM claims WHERE run = ?1"
                            " AND NOT EXISTS (SELECT 1 FROM runs WHERE id BETWEEN ?1 AND ?1 || 'g')",
                            &self->find, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_store_prepare(store, "DELETE FROM claims WHERE run = ?1 AND worker = ?2", &self->drop, err);
}

static ch_code bind_self(const ch_claims *self, ch_error *err)
{
    const ch_process *process = &self->process;
    const char *const texts[] = {self->worker, process->host, process->boot};
    int rc = SQLITE_OK;
    for (int i = 0; i < 3 && rc == SQLITE_OK; i++) {
        rc = sqlite3_bind_text(self->beat, i + 1, texts[i], -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(self->beat, 4, process->pid);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(self->beat, 5, process->started);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_text(self->list, 1, self->worker, -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_text(self->take, 2, self->worker, -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_text(self->drop, 2, self->worker, -1, SQLITE_STATIC);
    }
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self->store, rc, err);
}

/* ---- other workers ---- */

/* The text of a column; "" where it has none. */
static const char *text_of(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text != NULL ? text : "";
}

/* Finds a worker among those that were seen before, or adds it. */
static ch_code find_other(ch_claims *self, const char *name, ch_other_worker **found, ch_error *err)
{
    char known[CH_WORKER_NAME_SIZE];
    void *others = self->others;
    snprintf(known, sizeof known, "%s", name);
    for (size_t i = 0; i < self->num_others; i++) {
        if (strcmp(self->others[i].name, known) == 0) {
            *found = &self->others[i];
            return CH_OK;
        }
    }
    if (ch_grow(&others, &self->capacity, self->num_others + 1, sizeof *self->others) != 0) {
        return ch_error_memory(err, "the other programs on a store");
    }
    self->others = others;
    *found = &self->others[self->num_others++];
    **found = (ch_other_worker){.since = ch_clock_now()};
    memcpy((*found)->name, known, sizeof known);
    return CH_OK;
}

/* Looks at the worker in the current row of the list. */
static ch_code look_at(ch_claims *self, ch_error *err)
{
    sqlite3_stmt *row = self->list;
    ch_other_worker *other = NULL;
    ch_process process = {.pid = sqlite3_column_int64(row, 3), .started = sqlite3_column_int64(row, 4)};
    const int64_t beats = sqlite3_column_int64(row, 5);
    snprintf(process.boot, sizeof process.boot, "%s", text_of(row, 2));
    const ch_code code = find_other(self, text_of(row, 1), &other, err);
    if (code != CH_OK) {
        return code;
    }
    if (other->beats != beats) {
        other->beats = beats;
        other->since = ch_clock_now();
    }
    other->row = sqlite3_column_int64(row, 0);
    other->is_there = true;
    other->has_ended = ch_clock_now() - other->since > self->patience || ch_process_has_ended(&process, &self->process);
    return CH_OK;
}

static ch_code look_at_others(ch_claims *self, ch_error *err)
{
    bool row = false;
    ch_code code = CH_OK;
    for (size_t i = 0; i < self->num_others; i++) {
        self->others[i].is_there = false;
    }
    while ((code = ch_store_step(self->store, self->list, &row, err)) == CH_OK && row) {
        code = look_at(self, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    sqlite3_reset(self->list);
    return code;
}

/* Removes a worker from the table, and forgets it.
 * @param i  which of the others; the last one takes its place */
static ch_code remove_other(ch_claims *self, size_t i, ch_error *err)
{
    const ch_other_worker other = self->others[i];
    self->others[i] = self->others[--self->num_others];
    if (!other.is_there) {
        return CH_OK;
    }
    const int rc = sqlite3_bind_int64(self->remove, 1, other.row);
    return rc == SQLITE_OK ? run_once(self, self->remove, err) : ch_store_fail(self->store, rc, err);
}

/* Ends the claims of workers that have ended, and those whose worker is not in the table, within a transaction. */
static ch_code end_others(ch_claims *self, ch_error *err)
{
    ch_code code = look_at_others(self, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = self->num_others; i-- > 0;) {
        if (self->others[i].has_ended || !self->others[i].is_there) {
            code = remove_other(self, i, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return execute(self, "DELETE FROM claims WHERE worker NOT IN (SELECT name FROM workers)", err);
}

/* ---- this worker ---- */

/* A name that no other worker has. It is drawn by the system, because workers may begin at the same time. */
static void draw_name(char *name)
{
    uint64_t number = 0;
    sqlite3_randomness(sizeof number, &number);
    snprintf(name, CH_WORKER_NAME_SIZE, "%016" PRIx64, number);
}

ch_code ch_claims_join(ch_claims *self, ch_store *store, double patience, ch_error *err)
{
    *self = (ch_claims){.store = store, .process = ch_process_self(), .patience = patience};
    draw_name(self->worker);
    ch_code code = prepare(self, err);
    if (code != CH_OK) {
        return code;
    }
    code = bind_self(self, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_claims_beat(self, err);
}

void ch_claims_leave(ch_claims *self)
{
    sqlite3_stmt **const statements[] = {&self->beat, &self->list, &self->remove,
                                         &self->take, &self->find, &self->drop};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        sqlite3_finalize(*statements[i]);
        *statements[i] = NULL;
    }
    if (self->store != NULL && ch_store_check_file(self->store, NULL) == CH_OK) {
        char *sql = sqlite3_mprintf("BEGIN IMMEDIATE; DELETE FROM claims WHERE worker = %Q;"
                                    "DELETE FROM workers WHERE name = %Q; COMMIT",
                                    self->worker, self->worker);
        if (sql == NULL || sqlite3_exec(self->store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
            (void)!ch_claims_end(self, CH_ERROR_IO, NULL);
        }
        sqlite3_free(sql);
    }
    free(self->others);
    *self = (ch_claims){0};
}

ch_code ch_claims_begin(ch_claims *self, ch_error *err)
{
    ch_code code = ch_store_check_file(self->store, err);
    if (code != CH_OK) {
        return code;
    }
    code = execute(self, "BEGIN IMMEDIATE", err);
    if (code != CH_OK) {
        return code;
    }
    code = run_once(self, self->beat, err);
    return code == CH_OK ? CH_OK : ch_claims_end(self, code, err);
}

void ch_claims_write_run(uint64_t id, char run[CH_WORKER_NAME_SIZE])
{
    snprintf(run, CH_WORKER_NAME_SIZE, "%016" PRIx64, id);
}

/* Asks whether somebody has claimed a run that could not be claimed. Else it is in the store, claimed or not. */
static ch_code find_claim(ch_claims *self, const char *run, bool *found, ch_error *err)
{
    const int rc = sqlite3_bind_text(self->find, 1, run, -1, SQLITE_STATIC);
    const ch_code code =
        rc == SQLITE_OK ? ch_store_step(self->store, self->find, found, err) : ch_store_fail(self->store, rc, err);
    sqlite3_reset(self->find);
    return code;
}

ch_code ch_claims_take(ch_claims *self, uint64_t id, ch_claim *claim, ch_error *err)
{
    char run[CH_WORKER_NAME_SIZE];
    bool is_claimed = false;
    ch_claims_write_run(id, run);
    const int rc = sqlite3_bind_text(self->take, 1, run, -1, SQLITE_STATIC);
    if (rc != SQLITE_OK) {
        return ch_store_fail(self->store, rc, err);
    }
    ch_code code = run_once(self, self->take, err);
    *claim = CH_CLAIM_MINE;
    if (code != CH_OK || sqlite3_changes(self->store->db) > 0) {
        return code;
    }
    code = find_claim(self, run, &is_claimed, err);
    *claim = is_claimed ? CH_CLAIM_OTHERS : CH_CLAIM_DONE;
    return code;
}

ch_code ch_claims_drop(ch_claims *self, uint64_t id, ch_error *err)
{
    char run[CH_WORKER_NAME_SIZE];
    ch_claims_write_run(id, run);
    const int rc = sqlite3_bind_text(self->drop, 1, run, -1, SQLITE_STATIC);
    return rc == SQLITE_OK ? run_once(self, self->drop, err) : ch_store_fail(self->store, rc, err);
}

ch_code ch_claims_end(ch_claims *self, ch_code code, ch_error *err)
{
    if (code == CH_OK) {
        code = execute(self, "COMMIT", err);
    }
    if (!sqlite3_get_autocommit(self->store->db)) {
        /* only now that the message is made, since this replaces the words that SQLite has for it */
        sqlite3_exec(self->store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code;
}

ch_code ch_claims_beat(ch_claims *self, ch_error *err)
{
    ch_code code = ch_claims_begin(self, err);
    if (code != CH_OK) {
        return code;
    }
    code = end_others(self, err);
    return ch_claims_end(self, code, err);
}
