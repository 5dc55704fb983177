/* train_kernel.c — the tangent kernels that twins train on. */
#include "sim/train_kernel.h"

#include "core/available.h"
#include "core/memory.h"
#include "core/memstream.h"
#include "core/minmax.h"
#include "models/twin/kernel_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- files ---- */

char *ch_train_kernel_key(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    char *key = NULL;
    size_t size = 0;
    FILE *text = ch_memstream_open(&key, &size);
    if (text == NULL) {
        return NULL;
    }
    fprintf(text, "results_version=%d\n", CH_RESULTS_VERSION);
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_setting *row = &ch_settings_table[i];
        char value[CH_SETTING_TEXT_SIZE];
        if (row->in_kernel && ch_setting_applies(settings, i) && !ch_setting_is_implied(settings, i)) {
            ch_setting_format(row, ch_settings_get(settings, i), value, sizeof value);
            fprintf(text, "%s=%s\n", row->name, value);
        }
    }
    if (ch_settings_has_digest(settings)) {
        fprintf(text, "data_digest=%s\n", settings->data_digest);
    }
    return ch_memstream_close(text, &key) ? key : NULL;
}

/* The key and the path of a kernel file. */
typedef struct {
    char *key, *path; /* owned */
} place;

static void place_free(place *self)
{
    free(self->key);
    free(self->path);
}

static ch_code place_init(place *self, const ch_resolved *resolved, const char *folder, ch_error *err)
{
    self->key = ch_train_kernel_key(resolved);
    self->path = self->key != NULL ? ch_kernel_file_path(folder, self->key) : NULL;
    return self->path != NULL ? CH_OK : ch_error_memory(err, "the name of a kernel file");
}

/* ---- the network whose kernel it is ---- */

/* A network at its start. */
typedef struct {
    ch_architecture architecture;
    double *weights; /* w0; owned */
    double norm;     /* ||w0|| */
} start;

static void start_free(start *self)
{
    free(self->weights);
    ch_architecture_free(&self->architecture);
}

static ch_code start_init(start *self, const ch_resolved *resolved, ch_error *err)
{
    const ch_network_spec spec = ch_settings_network(&resolved->settings);
    *self = (start){0};
    const ch_code code = ch_architecture_init(&self->architecture, &spec, err);
    if (code != CH_OK) {
        return code;
    }
    self->weights = ch_alloc_unset(self->architecture.num_weights, sizeof *self->weights);
    if (self->weights == NULL) {
        return ch_error_memory(err, "the weights: lower width");
    }
    const ch_start *given = resolved->settings.start;
    if (given != NULL) {
        ch_architecture_from_nchw(&self->architecture, given->numbers, self->weights);
    } else {
        ch_architecture_draw(&self->architecture, resolved->settings.seed_init, self->weights);
    }
    double square = 0;
    for (size_t i = 0; i < self->architecture.num_weights; i++) {
        self->weights[i] = given != NULL ? (double)(float)self->weights[i] : self->weights[i]; /* as a network's w0 */
        square += self->weights[i] * self->weights[i];
    }
    self->norm = sqrt(square);
    return CH_OK;
}

/* Bytes for the workspace that a kernel is made from: as many as serve it best, within a quarter of the memory. */
static size_t work_within(const ch_architecture *architecture, size_t num_train, size_t num_test, size_t memory)
{
    const size_t best = ch_kernel_best_work(architecture, num_train, num_test), most = memory / 4;
    return ch_size_max(ch_size_min(best, most), ch_kernel_least_work(architecture));
}

/* ---- reading and making ---- */

ch_code ch_train_kernel_read(ch_train_set *self, const ch_resolved *resolved, const ch_sources *sources,
                             const ch_watch *watch, bool *found, ch_error *err)
{
    start from = {0};
    place file = {0};
    *found = false;
    if (sources == NULL || sources->kernel_folder == NULL) {
        return CH_OK;
    }
    ch_code code = place_init(&file, resolved, sources->kernel_folder, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_kernel_file_read(&self->kernel, file.path, file.key, self->num_samples, (size_t)resolved->settings.test,
                               watch, found, err);
    if (code != CH_OK || !*found) {
        goto out;
    }
    code = start_init(&from, resolved, err);
    self->norm_init = from.norm;
out:
    start_free(&from);
    place_free(&file);
    return code;
}

static ch_code compute(ch_train_set *self, const ch_resolved *resolved, int threads, const ch_watch *watch,
                       ch_error *err)
{
    start from;
    ch_code code = start_init(&from, resolved, err);
    if (code != CH_OK) {
        goto out;
    }
    const ch_kernel_setup setup = {
        .architecture = &from.architecture,
        .weights = from.weights,
        .train = &self->train,
        .test = self->test.num_samples > 0 ? &self->test : NULL,
        .bytes =
            work_within(&from.architecture, self->train.num_samples, self->test.num_samples, ch_memory_available()),
        .threads = threads,
        .watch = watch,
    };
    code = ch_kernel_init(&self->kernel, &setup, err);
    self->norm_init = from.norm;
out:
    start_free(&from);
    return code;
}

ch_code ch_train_kernel_make(ch_train_set *self, const ch_resolved *resolved, const ch_sources *sources, int threads,
                             const ch_watch *watch, ch_error *err)
{
    place file = {0};
    ch_code code = compute(self, resolved, threads, watch, err);
    ch_examples_free(&self->train);
    ch_examples_free(&self->test);
    if (code != CH_OK || sources == NULL || sources->kernel_folder == NULL) {
        return code;
    }
    code = place_init(&file, resolved, sources->kernel_folder, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_kernel_file_write(&self->kernel, file.path, file.key, watch, err);
out:
    place_free(&file);
    return code;
}

/* ---- memory ---- */

static size_t add(size_t a, size_t b)
{
    return a < SIZE_MAX - b ? a + b : SIZE_MAX;
}

/* Bytes in all, where a quarter of `memory` may be used for the workspace. */
static size_t bytes_within(const ch_resolved *resolved, size_t num_samples, size_t memory)
{
    const ch_settings *settings = &resolved->settings;
    const size_t dim = ch_shape_size(ch_settings_input(settings)), num_test = (size_t)settings->test;
    const ch_network_spec spec = ch_settings_network(settings);
    const size_t examples = add(ch_examples_bytes(num_samples, dim), ch_examples_bytes(num_test, dim));
    ch_architecture architecture;
    if (ch_architecture_init(&architecture, &spec, NULL) != CH_OK) {
        return SIZE_MAX;
    }
    const size_t work = work_within(&architecture, num_samples, num_test, memory);
    const size_t weights = sizeof(double) * architecture.num_weights;
    ch_architecture_free(&architecture);
    return add(add(examples, ch_kernel_bytes(num_samples, num_test)), add(work, weights));
}

size_t ch_train_kernel_bytes(const ch_resolved *resolved, size_t num_samples)
{
    return bytes_within(resolved, num_samples, ch_memory_physical());
}

size_t ch_train_kernel_least_bytes(const ch_resolved *resolved, size_t num_samples)
{
    return bytes_within(resolved, num_samples, 0);
}

/* The largest P below `too_many` whose kernel, with the least that it is made from, fits so many bytes; 0: none does.
 */
static uint64_t largest_that_fits(const ch_resolved *resolved, uint64_t too_many, size_t bytes)
{
    uint64_t fits = 0;
    while (too_many - fits > 1) {
        const uint64_t middle = fits + (too_many - fits) / 2;
        if (ch_train_kernel_least_bytes(resolved, (size_t)middle) <= bytes) {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    return fits;
}

ch_code ch_train_kernel_check_memory(const ch_resolved *resolved, uint64_t num_samples, size_t bytes, ch_code code,
                                     ch_error *err)
{
    const size_t least = ch_train_kernel_least_bytes(resolved, (size_t)num_samples);
    char accepted[64] = "a smaller test or width";
    if (least <= bytes) {
        return CH_OK;
    }
    const uint64_t fits = largest_that_fits(resolved, num_samples, bytes);
    if (fits > 0) {
        snprintf(accepted, sizeof accepted, "train up to %llu", (unsigned long long)fits);
    }
    return ch_error_set(
        err, code,
        "train is %llu and test is %llu: their tangent kernel, and what it is made from, takes %.3g GB; "
        "accepted is %s, which fits the %.3g GB of memory that %s",
        (unsigned long long)num_samples, (unsigned long long)resolved->settings.test, 1e-9 * (double)least, accepted,
        1e-9 * (double)bytes, code == CH_ERROR_INPUT ? "this machine has" : "are free");
}
