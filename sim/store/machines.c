/* machines.c — on what machines, and by what compiler's program, the runs of a store were made. */
#include "sim/store/machines.h"

#include "sim/store/json.h"
#include "sim/store/schema.h"
#include "sim/store/store_private.h"
#include "sim/store/summary.h"

#include <gsl/gsl_version.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

/* ---- this machine ---- */

/* Copies a text without the blanks around it and with single ones in it; characters that do not print are left out. */
static void tidy(const char *from, char *to, size_t size)
{
    size_t used = 0;
    bool is_blank = false;
    for (const char *c = from; *c != '\0' && used + 2 < size; c++) {
        if (*c == ' ' || *c == '\t' || *c == '\n') {
            is_blank = used > 0;
        } else if (*c > ' ' && *c < 0x7f) {
            if (is_blank) {
                to[used++] = ' ';
            }
            to[used++] = *c;
            is_blank = false;
        }
    }
    to[used] = '\0';
}

#ifdef __APPLE__
static void find_processor(char *text, size_t size)
{
    char name[CH_MACHINE_TEXT_SIZE] = "";
    size_t length = sizeof name - 1;
    if (sysctlbyname("machdep.cpu.brand_string", name, &length, NULL, 0) == 0) {
        tidy(name, text, size);
    }
}
#else
/* Linux names the processor of each core; the first lines do. */
static void find_processor(char *text, size_t size)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");
    for (int i = 0; file != NULL && i < 40 && fgets(line, sizeof line, file) != NULL; i++) {
        const char *value = strchr(line, ':');
        if (value != NULL && strncmp(line, "model name", 10) == 0) {
            tidy(value + 1, text, size);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}
#endif

/* The first 48 bits of a digest of all that describes a machine. */
static int64_t number_of(const ch_machine *self)
{
    char text[5 * CH_MACHINE_TEXT_SIZE];
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    int64_t number = 0;
    const int length = snprintf(text, sizeof text, "%s\n%" PRId64 "\n%" PRId64 "\n%s\n%s\n%s\n", self->processor,
                                self->cores, self->memory, self->system, self->compiler, self->gsl);
    sha256_init(&hash);
    sha256_update(&hash, (size_t)length, (const uint8_t *)text);
    sha256_digest(&hash, sizeof digest, digest);
    for (size_t i = 0; i < 6; i++) {
        number = number << 8 | digest[i];
    }
    return number;
}

void ch_machine_find(ch_machine *self)
{
    static const int64_t unit = INT64_C(1) << 28;
    struct utsname name;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    *self = (ch_machine){.processor = "unknown", .system = "unknown"};
    find_processor(self->processor, sizeof self->processor);
    self->cores = cores > 0 ? cores : 0;
    self->memory = pages > 0 && page > 0 ? ((int64_t)pages * page + unit / 2) / unit * unit : 0;
    if (uname(&name) == 0) {
        char text[sizeof name.sysname + sizeof name.release + sizeof name.machine + 2];
        snprintf(text, sizeof text, "%s %s %s", name.sysname, name.release, name.machine);
        tidy(text, self->system, sizeof self->system);
    }
#ifdef __clang__
    snprintf(self->compiler, sizeof self->compiler, "clang %d.%d.%d", __clang_major__, __clang_minor__,
             __clang_patchlevel__);
#else
    snprintf(self->compiler, sizeof self->compiler, "gcc %d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
    tidy(gsl_version, self->gsl, sizeof self->gsl);
    self->number = number_of(self);
}

/* ---- table machines ---- */

/* What the row of a machine that is there gets: the most threads that any sweep used. */
#define MOST_THREADS " ON CONFLICT (machine) DO UPDATE SET threads = excluded.threads WHERE excluded.threads > threads"

static ch_code prepare_insert(const ch_store *store, sqlite3_stmt **insert, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    char *sql = ch_store_insert_sql(&schema.tables[CH_STORE_MACHINES], MOST_THREADS);
    const ch_code code = ch_store_prepare(store, sql, insert, err);
    sqlite3_free(sql);
    return code;
}

ch_code ch_machine_prepare(ch_store *store, sqlite3_stmt **insert, int64_t *number, ch_error *err)
{
    ch_machine machine;
    const ch_code code = prepare_insert(store, insert, err);
    if (code != CH_OK) {
        return code;
    }
    ch_machine_find(&machine);
    *number = machine.number;
    const int codes[] = {
        sqlite3_bind_int64(*insert, 1, machine.number),
        sqlite3_bind_text(*insert, 2, machine.processor, -1, SQLITE_TRANSIENT),
        sqlite3_bind_int64(*insert, 3, machine.cores),
        sqlite3_bind_int64(*insert, CH_MACHINE_THREADS, 0),
        sqlite3_bind_int64(*insert, 5, machine.memory),
        sqlite3_bind_text(*insert, 6, machine.system, -1, SQLITE_TRANSIENT),
        sqlite3_bind_text(*insert, 7, machine.compiler, -1, SQLITE_TRANSIENT),
        sqlite3_bind_text(*insert, 8, machine.gsl, -1, SQLITE_TRANSIENT),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != SQLITE_OK) {
            return ch_store_fail(store, codes[i], err);
        }
    }
    return CH_OK;
}

ch_code ch_store_set_threads(ch_store *self, int threads, ch_error *err)
{
    const int rc = sqlite3_bind_int64(self->insert_machine, CH_MACHINE_THREADS, threads);
    return rc == SQLITE_OK ? CH_OK : ch_store_fail(self, rc, err);
}

/* Whether the cells of a row are those of a machine. */
static bool is_machine(sqlite3_stmt *row)
{
    static const int types[] = {SQLITE_INTEGER, SQLITE_TEXT, SQLITE_INTEGER, SQLITE_INTEGER,
                                SQLITE_INTEGER, SQLITE_TEXT, SQLITE_TEXT,    SQLITE_TEXT};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (sqlite3_column_type(row, (int)i) != types[i]) {
            return false;
        }
    }
    return true;
}

ch_code ch_machines_copy(ch_store *into, const ch_store *from, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    sqlite3_stmt *select = NULL, *insert = NULL;
    bool row = false;
    char *sql = ch_store_select_sql(&schema.tables[CH_STORE_MACHINES], "");
    ch_code code = ch_store_prepare(from, sql, &select, err);
    if (code != CH_OK) {
        goto out;
    }
    code = prepare_insert(into, &insert, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(from, select, &row, err)) == CH_OK && row) {
        int rc = SQLITE_OK;
        if (!is_machine(select)) {
            continue;
        }
        for (int i = 0; i < sqlite3_column_count(select) && rc == SQLITE_OK; i++) {
            rc = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(select, i));
        }
        rc = rc == SQLITE_OK ? ch_store_run_once(insert) : rc;
        if (rc != SQLITE_OK) {
            code = ch_store_fail(into, rc, err);
            goto out;
        }
    }
out:
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    sqlite3_free(sql);
    return code;
}

/* ---- what is told of them ---- */

static json_t *cell_json(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_INTEGER ? json_integer(sqlite3_column_int64(row, column))
           : sqlite3_column_type(row, column) == SQLITE_TEXT
               ? ch_json_text((const char *)sqlite3_column_text(row, column))
               : json_null();
}

ch_code ch_machines_list(const ch_store *store, const char *runs, json_t **list, ch_error *err)
{
    sqlite3_stmt *select = NULL;
    bool row = false;
    *list = json_array();
    char *sql = sqlite3_mprintf("SELECT processor, cores, threads, memory, system, compiler, gsl, sum(count) AS runs"
                                " FROM (SELECT machine AS number, count(*) AS count FROM %s GROUP BY machine)"
                                " LEFT JOIN machines ON machine = number GROUP BY machine ORDER BY runs DESC, machine",
                                runs);
    ch_code code = ch_store_prepare(store, sql, &select, err);
    if (code != CH_OK) {
        goto out;
    }
    while ((code = ch_store_step(store, select, &row, err)) == CH_OK && row) {
        json_t *one = json_object();
        int failed = one == NULL;
        for (int i = 0; i < sqlite3_column_count(select); i++) {
            failed |= json_object_set_new(one, sqlite3_column_name(select, i), cell_json(select, i));
        }
        if (json_array_append_new(*list, one) != 0 || failed != 0) {
            code = ch_error_memory(err, "the machines of a store");
            goto out;
        }
    }
out:
    sqlite3_finalize(select);
    sqlite3_free(sql);
    if (code != CH_OK) {
        json_decref(*list);
        *list = NULL;
    }
    return code;
}

/* What a member is in words; "unknown" where it is none. */
static const char *words_of(const json_t *machine, const char *member)
{
    const char *text = json_string_value(json_object_get(machine, member));
    return text != NULL ? text : "unknown";
}

void ch_machine_describe(const json_t *machine, char *text, size_t size)
{
    const json_int_t cores = json_integer_value(json_object_get(machine, "cores")),
                     threads = json_integer_value(json_object_get(machine, "threads")),
                     memory = json_integer_value(json_object_get(machine, "memory"));
    if (json_is_null(json_object_get(machine, "processor"))) {
        snprintf(text, size, "not recorded");
        return;
    }
    snprintf(text, size,
             "%s, %" JSON_INTEGER_FORMAT " core%s, %.3g GiB, %s; %s, GSL %s; up to %" JSON_INTEGER_FORMAT " thread%s",
             words_of(machine, "processor"), cores, cores == 1 ? "" : "s", (double)memory / 1073741824,
             words_of(machine, "system"), words_of(machine, "compiler"), words_of(machine, "gsl"), threads,
             threads == 1 ? "" : "s");
}
