/* states.c — the states of runs under way in a store. */
#include "sim/store/states.h"

#include "core/memory.h"
#include "core/text.h"
#include "models/dynamics.h"
#include "sim/reach.h"
#include "sim/store/store_private.h"

#include <math.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKSUM_SIZE = 2 * SHA256_DIGEST_SIZE + 1 };

static void find_checksum(const uint8_t *bytes, size_t size, char text[CHECKSUM_SIZE])
{
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&hash);
    sha256_update(&hash, size, bytes);
    sha256_digest(&hash, sizeof digest, digest);
    ch_hex(digest, sizeof digest, text);
}

/* ---- writing ---- */

static int bind_state(sqlite3_stmt *insert, const ch_run_state *state, const char *checksum)
{
    const int codes[] = {
        sqlite3_bind_text(insert, 1, state->run, -1, SQLITE_STATIC),
        sqlite3_bind_text(insert, 2, state->kin, -1, SQLITE_STATIC),
        sqlite3_bind_int(insert, 3, CH_RUN_STATE_FORMAT),
        sqlite3_bind_int(insert, 4, state->results_version),
        sqlite3_bind_int64(insert, 5, (sqlite3_int64)state->steps),
        sqlite3_bind_int64(insert, 6, (sqlite3_int64)state->updates),
        sqlite3_bind_double(insert, 7, state->seconds),
        sqlite3_bind_int(insert, 8, state->is_watched),
        sqlite3_bind_blob64(insert, 9, state->bytes, state->size, SQLITE_STATIC),
        sqlite3_bind_text(insert, 10, checksum, -1, SQLITE_STATIC),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != SQLITE_OK) {
            return codes[i];
        }
    }
    return SQLITE_OK;
}

ch_code ch_store_put_state(ch_store *self, const ch_run_state *state, ch_error *err)
{
    char checksum[CHECKSUM_SIZE];
    sqlite3_stmt *insert = NULL;
    ch_code code = ch_store_check_file(self, err);
    if (code != CH_OK) {
        return code;
    }
    ch_store_guard_shorten_log(self->guard);
    find_checksum(state->bytes, state->size, checksum);
    code = ch_store_prepare(self,
                            "INSERT OR REPLACE INTO checkpoints (run, kin, format, results_version, step, updates, "
                            "seconds, watched, state, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                            &insert, err);
    if (code != CH_OK) {
        goto out;
    }
    int rc = bind_state(insert, state, checksum);
    rc = rc == SQLITE_OK ? ch_store_run_once(insert) : rc; /* a statement by itself is a transaction */
    if ((rc & 0xff) == SQLITE_TOOBIG) {
        code = ch_error_set(err, CH_ERROR_IO, "it takes %s, more than a store holds in one place",
                            ch_show_bytes(state->size).text);
    } else if (rc != SQLITE_OK) {
        code = ch_store_fail(self, rc, err);
    }
out:
    sqlite3_finalize(insert);
    return code;
}

/* ---- reading ---- */

enum { RUN, KIN, FORMAT, RESULTS, STEP, UPDATES, SECONDS, WATCHED, STATE, CHECKSUM };

/* A budget as a bound: 0 stands for none. */
static sqlite3_int64 bound_of(uint64_t budget)
{
    return budget == 0 || budget > INT64_MAX ? INT64_MAX : (sqlite3_int64)budget;
}

/* The number of updates below which a run has not yet looked for stagnation. */
static sqlite3_int64 unwatched(const ch_settings *settings)
{
    if (ch_settings_has_budget(settings)) {
        return INT64_MAX;
    }
    const ch_stagnation begun = ch_stagnation_start(
        settings->train, settings->batch, ch_dynamics_takes_all(settings->dynamics), ch_reach_most_steps(settings));
    return bound_of(begun.next);
}

static int bind_bounds(sqlite3_stmt *select, const ch_settings *settings, const char *kin, size_t rank)
{
    const int codes[] = {
        sqlite3_bind_text(select, 1, kin, -1, SQLITE_STATIC),
        sqlite3_bind_int64(select, 2, bound_of(settings->max_steps)),
        sqlite3_bind_int64(select, 3, bound_of(settings->max_updates)),
        sqlite3_bind_double(select, 4, settings->max_seconds > 0 ? settings->max_seconds : INFINITY),
        sqlite3_bind_int64(select, 5, unwatched(settings)),
        sqlite3_bind_int64(select, 6, (sqlite3_int64)rank),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != SQLITE_OK) {
            return codes[i];
        }
    }
    return SQLITE_OK;
}

/* Says what is wrong with a row, where something is. */
static void judge(sqlite3_stmt *row, ch_run_state *state)
{
    char checksum[CHECKSUM_SIZE];
    const unsigned char *stored = sqlite3_column_text(row, CHECKSUM);
    const sqlite3_int64 format = sqlite3_column_int64(row, FORMAT), results = sqlite3_column_int64(row, RESULTS);
    if (format != CH_RUN_STATE_FORMAT) {
        snprintf(state->problem, sizeof state->problem, "its format is %lld, and this program's is %d",
                 (long long)format, CH_RUN_STATE_FORMAT);
        return;
    }
    state->results_version = (int)results;
    if (results != CH_RESULTS_VERSION && results != CH_RESULTS_VERSION_RAISED) {
        snprintf(state->problem, sizeof state->problem, "its results version is %lld, and this program's are %d and %d",
                 (long long)results, CH_RESULTS_VERSION, CH_RESULTS_VERSION_RAISED);
        return;
    }
    find_checksum(state->bytes, state->size, checksum);
    if (stored == NULL || strcmp((const char *)stored, checksum) != 0) {
        snprintf(state->problem, sizeof state->problem,
                 "its %zu bytes are damaged or cut short: their checksum differs", state->size);
    }
}

/* Copies a text of the store that has the length of an id; "?" where it is none. */
static void take_id(sqlite3_stmt *row, int column, char id[CH_ID_SIZE])
{
    const unsigned char *text = sqlite3_column_text(row, column);
    const bool is_id = text != NULL && strlen((const char *)text) == CH_ID_SIZE - 1;
    snprintf(id, CH_ID_SIZE, "%s", is_id ? (const char *)text : "?");
}

static ch_code take_row(sqlite3_stmt *row, ch_run_state *state, ch_error *err)
{
    const void *bytes = sqlite3_column_blob(row, STATE);
    const size_t size = (size_t)sqlite3_column_bytes(row, STATE);
    take_id(row, RUN, state->run);
    take_id(row, KIN, state->kin);
    state->steps = (uint64_t)sqlite3_column_int64(row, STEP);
    state->updates = (uint64_t)sqlite3_column_int64(row, UPDATES);
    state->seconds = sqlite3_column_double(row, SECONDS);
    state->is_watched = sqlite3_column_int(row, WATCHED) != 0;
    state->bytes = ch_alloc_unset(size, 1);
    if (state->bytes == NULL) {
        return ch_error_memory(err, "the state of a run");
    }
    state->size = size;
    if (size > 0 && bytes != NULL) {
        memcpy(state->bytes, bytes, size);
    }
    judge(row, state);
    return CH_OK;
}

ch_code ch_store_find_state(ch_store *self, const ch_resolved *resolved, size_t rank, ch_run_state *state, bool *found,
                            ch_error *err)
{
    sqlite3_stmt *select = NULL;
    char kin[CH_ID_SIZE];
    *state = (ch_run_state){.bytes = NULL};
    *found = false;
    ch_settings_kin(resolved, kin);
    ch_code code =
        ch_store_prepare(self,
                         "SELECT run, kin, format, results_version, step, updates, seconds, watched, state, checksum "
                         "FROM checkpoints WHERE kin = ? AND step BETWEEN 0 AND ? AND updates BETWEEN 0 AND ? AND "
                         "seconds BETWEEN 0 AND ? AND (watched OR updates < ?) ORDER BY step DESC, run "
                         "LIMIT 1 OFFSET ?",
                         &select, err);
    if (code != CH_OK) {
        goto out;
    }
    const int rc = bind_bounds(select, &resolved->settings, kin, rank);
    code = rc == SQLITE_OK ? ch_store_step(self, select, found, err) : ch_store_fail(self, rc, err);
    if (code != CH_OK || !*found) {
        goto out;
    }
    code = take_row(select, state, err);
out:
    *found = *found && code == CH_OK;
    sqlite3_finalize(select);
    return code;
}

ch_code ch_store_has_states(ch_store *self, bool *has, ch_error *err)
{
    sqlite3_stmt *select = NULL;
    ch_code code = ch_store_prepare(self, "SELECT 1 FROM checkpoints LIMIT 1", &select, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_step(self, select, has, err);
out:
    sqlite3_finalize(select);
    return code;
}

/* Whether commits go to a log, so that a look keeps no other program from writing. */
static bool has_log(const ch_store *store)
{
    sqlite3_stmt *mode = NULL;
    bool row = false;
    const bool is_asked = ch_store_prepare(store, "PRAGMA journal_mode", &mode, NULL) == CH_OK &&
                          ch_store_step(store, mode, &row, NULL) == CH_OK && row;
    const char *text = is_asked ? (const char *)sqlite3_column_text(mode, 0) : NULL;
    const bool has = text != NULL && strcmp(text, "wal") == 0;
    sqlite3_finalize(mode);
    return has;
}

void ch_store_hold(ch_store *store, bool holds)
{
    if (store != NULL && holds && has_log(store)) {
        sqlite3_exec(store->db, "BEGIN", NULL, NULL, NULL);
    } else if (store != NULL && !holds && !sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    }
}

/* ---- for trainings ---- */

static void lock(ch_state_place *self, bool locks)
{
    if (self->lock != NULL) {
        self->lock(self->context, locks);
    }
}

/* Tells once what went wrong. The run goes on. */
static void tell(ch_state_place *self, const char *what, const ch_error *failure)
{
    char sentence[sizeof failure->message + 200];
    if (self->is_told) {
        return;
    }
    self->is_told = true;
    snprintf(sentence, sizeof sentence, "%s: %s; the sweep or run goes on", what, failure->message);
    ch_watch_say(self->watch, sentence);
}

static bool find(void *context, const ch_resolved *resolved, size_t rank, ch_run_state *state)
{
    ch_state_place *self = context;
    ch_error failure = {0};
    char id[CH_ID_SIZE];
    bool found = false;
    if (self->is_empty) {
        return false;
    }
    lock(self, true);
    if (ch_store_find_state(self->store, resolved, rank, state, &found, &failure) != CH_OK) {
        tell(self, "a checkpoint cannot be read", &failure);
    }
    if (found && state->problem[0] == '\0') {
        ch_settings_id(resolved, id);
        self->resumed++;
        self->continued += strcmp(id, state->run) != 0;
    }
    lock(self, false);
    return found;
}

static void keep(void *context, const ch_run_state *state)
{
    ch_state_place *self = context;
    ch_error failure = {0};
    lock(self, true);
    if (ch_store_put_state(self->store, state, &failure) != CH_OK) {
        tell(self, "a checkpoint could not be kept", &failure);
    }
    lock(self, false);
}

static void say(void *context, const char *sentence)
{
    ch_state_place *self = context;
    lock(self, true);
    ch_watch_say(self->watch, sentence);
    lock(self, false);
}

ch_run_states ch_state_place_states(ch_state_place *self, double interval)
{
    static const double REST = 100; /* so that keeping takes under a hundredth of the time */
    return (ch_run_states){.context = self, .interval = interval, .rest = REST, .find = find, .keep = keep, .say = say};
}
