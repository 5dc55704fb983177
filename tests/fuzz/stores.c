/* stores.c — changed stores: cells by way of SQL, so that every change lies behind the checks of the file's format, and
 * bytes of the file. The store lies on a file system in memory. */
#include "tests/fuzz/stores.h"

#include "chiton.h"
#include "plots/gnuplot.h"
#include "sim/store/export.h"
#include "sim/store/summary.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the store that is changed ---- */

static char scratch[256];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(scratch, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (scratch[0] == '\0') {
        const char *given = getenv("FUZZ_SCRATCH"); /* which run.sh removes at the end */
        snprintf(scratch, sizeof scratch, "%s/fuzz-XXXXXX", given != NULL ? given : "/tmp");
        if (mkdtemp(scratch) == NULL) {
            abort();
        }
        atexit(remove_folder);
    }
    return scratch;
}

static const char *store_path(void)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/s.db", fuzz_folder());
    return path;
}

static void require(bool good)
{
    if (!good) {
        abort();
    }
}

/* One run of an imaginary sweep: eight of them have two P, two T and two seeds, points and layers. */
static void put_run(ch_store *store, uint64_t index)
{
    enum { POINTS = 3, LAYERS = 2 };
    const double temp = (index & 2) != 0 ? 4 : 1;
    ch_point points[POINTS];
    double changes[POINTS * LAYERS];
    ch_run run = {.status = CH_FITTED,
                  .steps = 1000,
                  .updates = 100,
                  .time = 10 * temp * (double)(index + 1),
                  .seconds = 1,
                  .points = points,
                  .num_points = POINTS,
                  .layer_changes = changes,
                  .num_layers = LAYERS};
    ch_settings_default(&run.settings);
    ch_settings_set(&run.settings, CH_SETTING_MODEL, (ch_value){.count = CH_ARCH_PERCEPTRON});
    ch_settings_set(&run.settings, CH_SETTING_TEMP, (ch_value){.real = temp});
    ch_settings_set(&run.settings, CH_SETTING_TRAIN, (ch_value){.count = (index & 1) != 0 ? 4096 : 1024});
    ch_settings_set(&run.settings, CH_SETTING_SEED, (ch_value){.count = index >> 2});
    ch_settings_set(&run.settings, CH_SETTING_RECORD, (ch_value){.count = 1});
    require(ch_settings_resolve(&run.settings, &run.resolved, NULL) == CH_OK);
    run.final = ch_observation_none();
    run.final.weight_change = temp * (double)(index + 3);
    run.final.weight_change_rel = 0.1;
    run.final.test_error = 0.1 + 0.01 * (double)index;
    for (uint64_t i = 0; i < POINTS; i++) {
        points[i] = (ch_point){.step = 10 * i + 1, .time = (double)i, .observed = ch_observation_none()};
        points[i].observed.train_loss = 1.0 / (double)(i + 1);
        changes[LAYERS * i] = changes[LAYERS * i + 1] = (double)i;
    }
    require(ch_store_put(store, &run, NULL) == CH_OK);
}

/* The bytes of the whole store. @param bytes  out: borrowed */
static size_t whole_store(const uint8_t **bytes)
{
    enum { NUM_RUNS = 8, ROOM = 1 << 20 };
    static uint8_t content[ROOM];
    static size_t size;
    if (size == 0) {
        ch_store store;
        require(ch_store_open(&store, store_path(), CH_STORE_WRITE, NULL) == CH_OK);
        for (uint64_t i = 0; i < NUM_RUNS; i++) {
            put_run(&store, i);
        }
        ch_store_close(&store);
        FILE *file = fopen(store_path(), "rb");
        require(file != NULL);
        size = fread(content, 1, ROOM, file);
        require(size > 0 && size < ROOM);
        fclose(file);
    }
    *bytes = content;
    return size;
}

static void write_store(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(store_path(), "wb");
    require(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* ---- what reads it ---- */

ch_code __wrap_ch_gnuplot_draw(const char *script, size_t length, const char *path, ch_plot_format format,
                               ch_error *err);

/* What the linker puts in the place of ch_gnuplot_draw: a script is a text without control characters, whatever was in
 * the store, and is not drawn. */
ch_code __wrap_ch_gnuplot_draw(const char *script, size_t length, const char *path, ch_plot_format format,
                               ch_error *err)
{
    (void)path, (void)format, (void)err;
    for (size_t i = 0; i < length; i++) {
        require((unsigned char)script[i] >= ' ' || script[i] == '\n' || script[i] == '\t');
    }
    return CH_OK;
}

static void plot_runs(const ch_fit *fit, ch_store *store)
{
    const char *folder = fuzz_folder();
    ch_error err;
    (void)!ch_plot_fit(fit, folder, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err);
    (void)!ch_plot_test_error(fit, folder, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err);
    (void)!ch_plot_training(fit, store, folder, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err);
    (void)!ch_plot_boundary(fit, store, folder, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err);
    (void)!ch_plot_collapse(fit, folder, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err);
    (void)!ch_plot_phase(fit, folder, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err);
    (void)!ch_plot_lazy(fit, folder, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err);
}

static void fit_runs(const ch_run_table *table, ch_store *store)
{
    enum { REPLICAS = 4 };
    ch_fit_options options;
    ch_fit fit = {0};
    ch_error err;
    ch_fit_options_default(&options);
    options.replicas = REPLICAS;
    options.threads = 1;
    if (ch_fit_init(&fit, table, &options, &err) == CH_OK) {
        plot_runs(&fit, store);
    }
    ch_fit_free(&fit);
}

/* Reads the store in all ways, damaged runs left out or not. */
static void read_store(bool skips_damaged, bool fits)
{
    ch_store store;
    ch_run_table table = {0};
    json_t *summary = NULL;
    ch_error err;
    FILE *out = fopen("/dev/null", "w");
    require(out != NULL);
    if (ch_store_open(&store, store_path(), CH_STORE_READ, &err) != CH_OK) {
        goto out;
    }
    store.skips_damaged = skips_damaged;
    if (ch_store_select(&store, NULL, true, &table, &err) == CH_OK && fits && table.count > 0) {
        fit_runs(&table, &store);
    }
    (void)!ch_store_export_json(&store, "chi >= 0", out, &err);
    (void)!ch_store_export_csv(&store, NULL, out, &err);
    (void)!ch_store_export_points(&store, NULL, out, &err);
    (void)!ch_store_summarise(&store, &summary, &err);
out:
    json_decref(summary);
    ch_run_table_free(&table);
    ch_store_close(&store);
    fclose(out);
}

/* ---- cells ---- */

/* Bytes that are taken one after the other; 0 when there are no more. */
typedef struct {
    const uint8_t *data;
    size_t left;
} source;

static uint8_t take(source *from)
{
    if (from->left == 0) {
        return 0;
    }
    from->left--;
    return *from->data++;
}

static int64_t take_word(source *from)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) {
        word = word << 8 | take(from);
    }
    return (int64_t)word;
}

/* Binds a value of any type. */
static void bind_value(sqlite3_stmt *statement, source *from)
{
    static const int64_t odd[] = {0, -1, 1, INT64_MIN, INT64_MAX, INT32_MAX, INT32_MIN, UINT32_MAX};
    const uint8_t kind = take(from);
    int64_t word = 0;
    double real = 0;
    switch (kind % 6) {
    case 0:
        sqlite3_bind_null(statement, 1);
        break;
    case 1:
        sqlite3_bind_int64(statement, 1, odd[take(from) % (sizeof odd / sizeof *odd)]);
        break;
    case 2:
        sqlite3_bind_int64(statement, 1, take_word(from));
        break;
    case 3:
        word = take_word(from);
        memcpy(&real, &word, sizeof real);
        sqlite3_bind_double(statement, 1, real);
        break;
    default: {
        const size_t wanted = kind / 6, length = wanted < from->left ? wanted : from->left;
        if (kind % 6 == 4) {
            sqlite3_bind_text(statement, 1, (const char *)from->data, (int)length, SQLITE_TRANSIENT);
        } else {
            sqlite3_bind_blob(statement, 1, from->data, (int)length, SQLITE_TRANSIENT);
        }
        from->data += length;
        from->left -= length;
    }
    }
}

/* Changes one cell of one row, of a column that is picked by its number. A change that the schema forbids is none. */
static void change_cell(sqlite3 *db, source *from)
{
    static const char *const tables[] = {"runs", "points", "layers", "runs"};
    static const char *const keys[] = {"id", "run, step", "run, step, layer", "id"};
    const uint8_t t = take(from) % 4, column = take(from), row = take(from);
    sqlite3_stmt *statement = NULL;
    char *name = NULL;
    char *sql = sqlite3_mprintf("SELECT name FROM pragma_table_info('%s') LIMIT 1 OFFSET %d %% (SELECT count(*) FROM "
                                "pragma_table_info('%s'))",
                                tables[t], column, tables[t]);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        name = sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    require(name != NULL);
    sql = sqlite3_mprintf("UPDATE %s SET \"%w\" = ? WHERE (%s) IN (SELECT %s FROM %s LIMIT 1 OFFSET %d %% 8)",
                          tables[t], name, keys[t], keys[t], tables[t], row);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
        bind_value(statement, from);
        (void)sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    sqlite3_free(name);
}

void fuzz_cells(const uint8_t *data, size_t size)
{
    enum { MOST_CHANGES = 8 };
    const uint8_t *whole = NULL;
    const size_t length = whole_store(&whole);
    source from = {data, size};
    sqlite3 *db = NULL;
    write_store(whole, length);
    require(sqlite3_open(store_path(), &db) == SQLITE_OK);
    sqlite3_exec(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN", NULL, NULL, NULL);
    for (int i = 0; i < MOST_CHANGES && from.left > 0; i++) {
        change_cell(db, &from);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    read_store(false, true);
    read_store(true, true);
}

/* ---- pages ---- */

/* Each change is a place, two bytes, in units of four bytes, and the byte that is put there and on the three that
 * follow. */
void fuzz_pages(const uint8_t *data, size_t size)
{
    enum { MOST = 1 << 20, UNIT = 4 };
    static uint8_t changed[MOST];
    const uint8_t *whole = NULL;
    const size_t length = whole_store(&whole);
    source from = {data, size};
    memcpy(changed, whole, length);
    while (from.left >= 2 + UNIT) {
        const size_t high = take(&from), place = (high << 8 | take(&from)) * UNIT % (length - UNIT);
        for (size_t i = 0; i < UNIT; i++) {
            changed[place + i] = take(&from);
        }
    }
    write_store(changed, length);
    read_store(false, false);
}
