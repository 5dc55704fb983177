/* targets.c — what is fuzzed. */
#define _GNU_SOURCE 1 /* asprintf, memfd_create */
#include "tests/fuzz/targets.h"

#include "perceptron/finite/box_file.c" /* its reading apart from its making, which takes seconds */

#include "data/fetch_private.h"
#include "data/images_private.h"
#include "data/own.h"
#include "models/twin/kernel_file.h"
#include "sim/settings/where.h"
#include "sim/sweep/plan_private.h"
#include "tests/fuzz/stores.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- bytes as a text, and as a file ---- */

/* A copy of the bytes as a text; what is behind a zero among them counts for nothing. */
static char *text_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    return text;
}

/* The name of a file in memory that has the bytes as its content until the next call. Making a file anew for each input
   would take longer than many a target. */
static const char *file_of(const uint8_t *data, size_t size)
{
    static int descriptor = -1;
    static char path[64];
    if (descriptor < 0) {
        descriptor = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    if (descriptor < 0 || ftruncate(descriptor, (off_t)size) != 0 ||
        pwrite(descriptor, data, size, 0) != (ssize_t)size) {
        abort();
    }
    return path;
}

/* ---- settings ---- */

static void fuzz_values(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return;
    }
    const ch_setting *row = &ch_settings_table[data[0] % ch_settings_count];
    char *text = text_of(data + 1, size - 1), *sql = NULL;
    ch_values values = {0};
    ch_value value;
    ch_error err;
    if (ch_setting_parse(row, text, &value, &err) == CH_OK && row->type != CH_TYPE_TEXT &&
        row->type != CH_TYPE_CONTENT) {
        char written[32];
        ch_value again;
        ch_setting_format(row, value, written, sizeof written);
        if (ch_setting_parse(row, written, &again, NULL) != CH_OK || again.count != value.count) {
            abort(); /* what is written reads back to the same bits */
        }
    }
    if (ch_values_parse(&values, row, text, &err) == CH_OK) {
        (void)!ch_values_merge(&values, &err);
    }
    ch_values_free(&values);
    (void)!ch_where_translate(text, &sql, &err);
    free(sql);
    free(text);
}

static void fuzz_yaml(const uint8_t *data, size_t size)
{
    const char *path = file_of(data, size);
    ch_plan plan;
    ch_error err;
    ch_plan_init(&plan);
    if (ch_plan_read(&plan, path, &err) == CH_OK && plan.num_runs > 0) {
        ch_settings settings;
        ch_resolved resolved;
        ch_plan_get(&plan, plan.num_runs - 1, &settings);
        (void)!ch_settings_resolve(&settings, &resolved, &err);
    }
    ch_plan_free(&plan);
}

/* ---- data files ---- */

static void fuzz_idx(const uint8_t *data, size_t size)
{
    const char *path = file_of(data, size);
    const ch_shape shape = {1, 28, 28};
    ch_bytes pixels = {0}, classes = {0};
    size_t count = 0;
    ch_error err;
    (void)!ch_idx_read_images(path, shape, &pixels, &count, &err);
    (void)!ch_idx_read_labels(path, &classes, &count, &err);
    free(pixels.bytes);
    free(classes.bytes);
}

static void fuzz_cifar(const uint8_t *data, size_t size)
{
    const char *path = file_of(data, size);
    ch_bytes pixels = {0}, classes = {0};
    size_t count = 0;
    ch_error err;
    (void)!ch_cifar_read(path, &pixels, &classes, &count, &err);
    free(pixels.bytes);
    free(classes.bytes);
}

/* Samples and labels in one file: by the arrays' numbers of sizes, and by their names a and b, in either order. */
static void fuzz_array(const uint8_t *data, size_t size)
{
    const char *path = file_of(data, size);
    static const char *const names[][2] = {{"", NULL}, {":a", ":b"}, {":b", ":a"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char samples[80], labels[80];
        ch_own_pool pool = {0};
        ch_error err;
        snprintf(samples, sizeof samples, "%s%s", path, names[i][0]);
        snprintf(labels, sizeof labels, "%s%s", path, names[i][1] == NULL ? "" : names[i][1]);
        if (ch_own_pool_init(&pool, samples, names[i][1] == NULL ? NULL : labels, &err) == CH_OK) {
            ch_own_pool_free(&pool);
        }
    }
}

static void fuzz_csv(const uint8_t *data, size_t size)
{
    static const char *const columns[] = {NULL, "", "1", "-1", "b"};
    if (size == 0) {
        return;
    }
    const char *path = file_of(data + 1, size - 1);
    ch_array table = {0}, labels = {0};
    ch_error err;
    if (ch_array_read_csv(&table, &labels, path, columns[data[0] % (sizeof columns / sizeof *columns)], &err) ==
        CH_OK) {
        ch_array_free(&table);
        ch_array_free(&labels);
    }
}

static void remove_in_memory(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    (void)remove(path);
}

static void fuzz_archive(const uint8_t *data, size_t size)
{
    enum { MOST_FETCHED = 1 << 16 };
    static const ch_fetch_file files[] = {
        {.name = "a", .md5 = "60b725f10c9c85c70d97880dfe8191b3", .most = MOST_FETCHED}, /* of "a\n" */
        {.name = "b", .md5 = "00000000000000000000000000000000", .most = MOST_FETCHED}};
    const ch_fetch_how how = {0};
    const char *path = file_of(data, size);
    ch_error err;
    (void)!ch_fetch_unpack(path, fuzz_folder(), files, 2, &how, &err);
    remove_in_memory("a");
    remove_in_memory("b");
    remove_in_memory("a.part");
    remove_in_memory("b.part");
}

/* ---- files of this program ---- */

static void fuzz_kernel(const uint8_t *data, size_t size)
{
    const char *path = file_of(data, size);
    ch_kernel kernel;
    ch_error err;
    bool found = false;
    if (ch_kernel_file_read(&kernel, path, "key", 3, 2, NULL, &found, &err) == CH_OK && found) {
        ch_kernel_free(&kernel);
    }
}

static void fuzz_box(const uint8_t *data, size_t size)
{
    const char *path = file_of(data, size);
    const ch_box_law law = {.chi = 0, .dim = 8};
    ch_box_table table = {0};
    if (read_table(&table, path, &law)) {
        ch_box_table_free(&table);
    }
}

const fuzz_target fuzz_targets[] = {
    {"values", fuzz_values},   {"yaml", fuzz_yaml},
    {"idx", fuzz_idx},         {"cifar", fuzz_cifar},
    {"array", fuzz_array},     {"csv", fuzz_csv},
    {"archive", fuzz_archive}, {"kernel", fuzz_kernel},
    {"box", fuzz_box},         {"checkpoint", fuzz_checkpoint},
    {"cells", fuzz_cells},     {"pages", fuzz_pages},
    {"http", fuzz_http},       {NULL, NULL},
};
