/* train_set.c — making what runs train on. */
#include "sim/train_set.h"

#include "core/available.h"
#include "core/memory.h"
#include "perceptron/bytes.h"
#include "sim/fitted_teacher.h"
#include "sim/train_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

ch_data_law ch_train_law(const ch_resolved *resolved, const ch_density *density)
{
    const ch_settings *settings = &resolved->settings;
    const ch_law *law = ch_law_of(settings->data);
    return (ch_data_law){
        .kind = (ch_law_kind)settings->data,
        .chi = law->has_chi ? settings->chi : 0,
        .dim = ch_settings_has_pool(settings) ? 0 : (size_t)settings->dim,
        .random_teacher = law->has_teacher && settings->teacher == CH_TEACHER_RANDOM,
        .teacher_axis = ch_setting_applies(settings, CH_SETTING_TEACHER_AXIS) ? (size_t)settings->teacher_axis - 1 : 0,
        .spectrum = law->has_teacher ? settings->spectrum : 0,
        .density = density,
        .seed = settings->seed_data,
    };
}

/* The hash of Fowler, Noll and Vo of a text; 0 of an empty one. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    }
    return text[0] != '\0' ? hash : 0;
}

ch_train_key ch_train_key_of(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    ch_train_key key = {.kind = CH_SET_ROWS, .law = ch_train_law(resolved, NULL), .rule = hash_text(settings->classes)};
    key.label_noise = settings->label_noise;
    key.fits_teacher = ch_settings_fits_teacher(settings);
    key.normalise = ch_law_of(settings->data)->is_file ? settings->normalise : 0;
    if (ch_settings_has_engine(settings)) {
        key.test = ch_settings_has_pool(settings) ? settings->test : 0;
        /* the samples of a law that is a name for another are those of the other */
        key.law.kind = ch_law_of(key.law.kind)->fixes_boundary ? CH_LAW_DEPLETED : key.law.kind;
        return key;
    }
    key.kind = CH_SET_EXAMPLES;
    key.test = settings->test;
    if (settings->linear == CH_LINEAR_YES) {
        key.kind = CH_SET_KERNEL;
        key.spec = ch_settings_network(settings);
        key.seed_init = ch_settings_has_init(settings) ? 0 : settings->seed_init;
        key.start = hash_text(settings->init_digest);
    }
    return key;
}

static int order_of_reals(double a, double b)
{
    return (a > b) - (a < b);
}

static int order_of_counts(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int ch_train_key_compare(const ch_train_key *a, const ch_train_key *b)
{
    const int orders[] = {
        order_of_counts(a->kind, b->kind),
        order_of_counts(a->law.kind, b->law.kind),
        order_of_reals(a->law.chi, b->law.chi),
        order_of_counts(a->law.dim, b->law.dim),
        order_of_counts(a->law.random_teacher, b->law.random_teacher),
        order_of_counts(a->law.teacher_axis, b->law.teacher_axis),
        order_of_reals(a->law.spectrum, b->law.spectrum),
        order_of_counts(a->law.seed, b->law.seed),
        order_of_counts(a->rule, b->rule),
        order_of_counts(a->normalise, b->normalise),
        order_of_reals(a->label_noise, b->label_noise),
        order_of_counts(a->fits_teacher, b->fits_teacher),
        order_of_counts(a->test, b->test),
        order_of_counts(a->spec.arch, b->spec.arch),
        order_of_counts(a->spec.width, b->spec.width),
        order_of_counts(a->spec.depth, b->spec.depth),
        order_of_counts(a->spec.activation, b->spec.activation),
        order_of_counts(a->seed_init, b->seed_init),
        order_of_counts(a->start, b->start),
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return 0;
}

uint64_t ch_train_key_digest(const ch_train_key *key)
{
    static const uint64_t OFFSET = 0xcbf29ce484222325, PRIME = 0x100000001b3; /* those of FNV-1a, here over words */
    const double reals[] = {key->law.chi + 0.0, key->law.spectrum + 0.0};     /* -0 is 0 */
    uint64_t words[] = {(uint64_t)key->kind,
                        (uint64_t)key->law.kind,
                        0,
                        key->law.dim,
                        key->law.seed,
                        key->law.random_teacher,
                        key->test,
                        (uint64_t)key->spec.arch,
                        key->spec.width,
                        key->spec.depth,
                        key->seed_init,
                        (uint64_t)key->spec.activation,
                        (uint64_t)key->rule,
                        (uint64_t)key->normalise,
                        0,
                        key->law.teacher_axis,
                        (uint64_t)key->fits_teacher,
                        key->start};
    uint64_t digest = OFFSET;
    memcpy(&words[2], &reals[0], sizeof reals[0]);
    memcpy(&words[14], &reals[1], sizeof reals[1]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        digest = (digest ^ words[i]) * PRIME;
        digest ^= digest >> 29; /* FNV alone moves no bit down */
    }
    return digest;
}

/* ---- making ---- */

/* Makes a pool of the samples that were read. It borrows them. */
static ch_code open_pool(ch_pool *pool, const ch_settings *settings, const ch_sources *sources, ch_error *err)
{
    ch_classes rule;
    const bool has_rule = settings->classes[0] != '\0';
    *pool = (ch_pool){.count = 0};
    const ch_code code = has_rule ? ch_classes_parse(&rule, settings->classes, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    if (ch_law_of(settings->data)->is_file) {
        return ch_pool_init_own(pool, &sources->own, &rule, (ch_normalise)settings->normalise, err);
    }
    return ch_pool_init_images(pool, &sources->pools[ch_sources_image_set(settings)], (ch_law_kind)settings->data,
                               has_rule ? &rule : NULL, err);
}

/* Copies the teacher of the pool, which is found once for all runs. */
static ch_code take_teacher(ch_train_set *self, const ch_pool *pool, const ch_settings *settings, ch_sources *sources,
                            int threads, const ch_watch *watch, ch_error *err)
{
    const ch_fitted_teacher *fitted = NULL;
    const ch_code code = ch_fitted_teacher_find(&sources->teachers, pool, settings, threads, watch, &fitted, err);
    if (code != CH_OK) {
        return code;
    }
    self->teacher = ch_alloc(pool->dim, sizeof *self->teacher);
    if (self->teacher == NULL) {
        return ch_error_memory(err, "the teacher of the samples");
    }
    memcpy(self->teacher, fitted->direction, pool->dim * sizeof *self->teacher);
    self->teacher_error = fitted->found.error;
    if (self->key.kind == CH_SET_ROWS) {
        memcpy(self->samples.teacher, self->teacher, pool->dim * sizeof *self->teacher);
    }
    return CH_OK;
}

/* Chooses training and test samples of a pool, as rows or as examples. */
static ch_code choose_samples(ch_train_set *self, const ch_settings *settings, ch_sources *sources, int threads,
                              const ch_watch *watch, ch_error *err)
{
    ch_pool pool;
    const ch_split split = {settings->seed_data, self->num_samples, (size_t)settings->test, threads};
    ch_code code = open_pool(&pool, settings, sources, err);
    if (code != CH_OK) {
        goto out;
    }
    code = self->key.kind == CH_SET_ROWS ? ch_pool_split_rows(&pool, &split, &self->samples, &self->test_samples, err)
                                         : ch_pool_split(&pool, &split, &self->train, &self->test, err);
    if (code != CH_OK || !self->key.fits_teacher) {
        goto out;
    }
    code = take_teacher(self, &pool, settings, sources, threads, watch, err);
out:
    ch_pool_free(&pool);
    return code;
}

/* Turns labels over, each with the probability label_noise. Which ones does not depend on P.
 * @param labels  [P], or NULL
 * @param rows    samples z = y x / sqrt(d), or NULL */
static void turn_labels(const ch_settings *settings, size_t num_samples, int8_t *labels, ch_sample_set *rows)
{
    for (size_t mu = 0; mu < num_samples && settings->label_noise > 0; mu++) {
        ch_random random;
        ch_random_init(&random, settings->seed_data, CH_STREAM_LABELS, mu);
        if (ch_random_below(&random, UINT32_MAX) >= settings->label_noise * (double)UINT32_MAX) {
            continue;
        }
        if (labels != NULL) {
            labels[mu] = (int8_t)-labels[mu];
        }
        for (size_t i = 0; rows != NULL && i < rows->dim; i++) {
            rows->rows[mu * rows->stride + i] *= -1;
        }
    }
}

/* A perceptron's samples. A plane divides those of a law whose labels are right, and may not divide others. */
static ch_code make_rows(ch_train_set *self, const ch_resolved *resolved, ch_sources *sources, int threads,
                         const ch_watch *watch, ch_error *err)
{
    const ch_data_law law = ch_train_law(resolved, self->density);
    ch_code code = CH_OK;
    const bool is_chosen = ch_settings_has_pool(&resolved->settings);
    self->contradiction = (ch_contradiction){SIZE_MAX, CH_CAUSE_NONE};
    code = is_chosen ? choose_samples(self, &resolved->settings, sources, threads, watch, err)
                     : ch_sample_set_init(&self->samples, &law, CH_STREAM_TRAIN_SAMPLES, self->num_samples, threads,
                                          watch, err);
    if (code != CH_OK) {
        return code;
    }
    turn_labels(&resolved->settings, self->num_samples, NULL, &self->samples);
    if (is_chosen || resolved->settings.label_noise > 0) {
        code = ch_contradiction_of_rows(&self->samples, &self->contradiction, err);
    }
    if (code != CH_OK || resolved->settings.engine != CH_ENGINE_FAST) {
        return code;
    }
    return ch_screen_init(&self->screen, &self->samples, watch, err);
}

static ch_code make_right_examples(ch_train_set *self, const ch_resolved *resolved, ch_sources *sources, int threads,
                                   const ch_watch *watch, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    const size_t num_test = (size_t)settings->test;
    const ch_data_law law = ch_train_law(resolved, self->density);
    if (ch_settings_has_pool(settings)) {
        return choose_samples(self, settings, sources, threads, watch, err);
    }
    const ch_code code =
        ch_examples_init_law(&self->train, &law, CH_STREAM_TRAIN_SAMPLES, self->num_samples, threads, watch, err);
    if (code != CH_OK || num_test == 0) {
        return code;
    }
    return ch_examples_init_law(&self->test, &law, CH_STREAM_TEST_SAMPLES, num_test, threads, watch, err);
}

static ch_code make_examples(ch_train_set *self, const ch_resolved *resolved, ch_sources *sources, int threads,
                             const ch_watch *watch, ch_error *err)
{
    const ch_code code = make_right_examples(self, resolved, sources, threads, watch, err);
    if (code == CH_OK) {
        turn_labels(&resolved->settings, self->num_samples, self->train.labels, NULL);
    }
    return code;
}

/* |x . e| of the training samples, where the data have a teacher. */
static ch_code find_along(ch_train_set *self, const ch_resolved *resolved, ch_error *err)
{
    const ch_data_law law = ch_train_law(resolved, NULL);
    double *teacher = NULL;
    ch_code code = CH_OK;
    if (!ch_law_of(law.kind)->has_teacher) {
        return CH_OK;
    }
    teacher = ch_alloc(law.dim, sizeof *teacher);
    self->along = ch_alloc(self->num_samples, sizeof *self->along);
    if (teacher == NULL || self->along == NULL) {
        code = ch_error_memory(err, "the distances of the samples");
        goto out;
    }
    ch_data_law_teacher(&law, teacher);
    for (size_t mu = 0; mu < self->num_samples; mu++) {
        const float *input = ch_examples_input(&self->train, mu);
        double along = 0;
        for (size_t i = 0; i < law.dim; i++) {
            along += (double)input[i] * teacher[i];
        }
        self->along[mu] = (float)fabs(along);
    }
out:
    free(teacher);
    return code;
}

/* What is observed of the samples of a kernel that was read. */
static ch_code observe_samples(ch_train_set *self, const ch_resolved *resolved, ch_sources *sources, int threads,
                               const ch_watch *watch, ch_error *err)
{
    ch_code code = CH_OK;
    if (!ch_law_of(resolved->settings.data)->has_teacher) {
        return CH_OK;
    }
    code = make_examples(self, resolved, sources, threads, watch, err);
    if (code != CH_OK) {
        return code;
    }
    code = find_along(self, resolved, err);
    ch_examples_free(&self->train);
    ch_examples_free(&self->test);
    return code;
}

/* The kernel at w0. Where it is computed the examples are freed, as no run of a twin needs them; where it is read they
 * are made only if the data have a teacher. */
static ch_code make_kernel(ch_train_set *self, const ch_resolved *resolved, ch_sources *sources, int threads,
                           const ch_watch *watch, ch_error *err)
{
    bool found = false;
    ch_code code = ch_train_kernel_read(self, resolved, sources, watch, &found, err);
    if (code != CH_OK) {
        return code;
    }
    if (found) {
        return observe_samples(self, resolved, sources, threads, watch, err);
    }
    code = ch_train_kernel_check_memory(resolved, self->num_samples, ch_memory_available(), CH_ERROR_MEMORY, err);
    if (code != CH_OK) {
        return code;
    }
    code = make_examples(self, resolved, sources, threads, watch, err);
    if (code != CH_OK) {
        return code;
    }
    code = find_along(self, resolved, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_train_kernel_make(self, resolved, sources, threads, watch, err);
}

ch_code ch_train_set_init(ch_train_set *self, const ch_resolved *resolved, ch_sources *sources, size_t num_samples,
                          int threads, const ch_watch *watch, ch_error *err)
{
    ch_code code = CH_OK;
    memset(self, 0, sizeof *self);
    self->key = ch_train_key_of(resolved);
    self->num_samples = num_samples;
    self->density = ch_law_of(resolved->settings.data)->has_density && sources != NULL ? &sources->density : NULL;
    self->teacher_error = NAN;
    switch (self->key.kind) {
    case CH_SET_ROWS:
        code = make_rows(self, resolved, sources, threads, watch, err);
        break;
    case CH_SET_EXAMPLES:
        code = make_examples(self, resolved, sources, threads, watch, err);
        if (code == CH_OK) {
            code = ch_contradiction_of_examples(&self->train, &self->contradiction, err);
        }
        break;
    case CH_SET_KERNEL:
        code = make_kernel(self, resolved, sources, threads, watch, err);
        if (code == CH_OK) {
            code = ch_contradiction_of_kernel(&self->kernel, &self->contradiction, err);
        }
        break;
    }
    if (code != CH_OK) {
        ch_train_set_free(self);
    }
    return code;
}

void ch_train_set_free(ch_train_set *self)
{
    ch_screen_free(&self->screen);
    ch_sample_set_free(&self->samples);
    ch_sample_set_free(&self->test_samples);
    ch_examples_free(&self->train);
    ch_examples_free(&self->test);
    ch_kernel_free(&self->kernel);
    free(self->teacher);
    free(self->along);
    memset(self, 0, sizeof *self);
}

/* ---- memory ---- */

static size_t add(size_t a, size_t b)
{
    return a < SIZE_MAX - b ? a + b : SIZE_MAX;
}

/* The teacher of rows, and while they are drawn the vector of its reflection and twice the deviations of the inputs,
 * are in double: two rows each. */
static size_t rows_bytes(const ch_settings *settings, size_t num_samples, size_t dim, uint64_t engine)
{
    enum { ROWS_A_VECTOR = 2 };
    const size_t screen = engine == CH_ENGINE_FAST ? ch_perceptron_screen_bytes(num_samples, dim) : 0;
    const size_t mirror = settings->teacher == CH_TEACHER_RANDOM, deviations = settings->spectrum > 0;
    const size_t vectors = 1 + mirror + 2 * deviations;
    return add(ch_sample_set_bytes(num_samples + vectors * ROWS_A_VECTOR, dim), screen);
}

size_t ch_train_set_bytes(const ch_resolved *resolved, size_t num_samples, uint64_t engine)
{
    const ch_settings *settings = &resolved->settings;
    const ch_shape input = ch_settings_input(settings);
    const size_t dim = ch_shape_size(input), num_test = (size_t)settings->test;
    const size_t fitting = ch_fitted_teacher_bytes(settings);
    if (ch_settings_has_engine(settings)) {
        const size_t chosen = ch_settings_has_pool(settings) ? num_test : 0;
        return add(add(rows_bytes(settings, num_samples, dim, engine), ch_sample_set_bytes(chosen, dim)), fitting);
    }
    return settings->linear == CH_LINEAR_YES
               ? ch_train_kernel_bytes(resolved, num_samples)
               : add(add(ch_examples_bytes(num_samples, dim), ch_examples_bytes(num_test, dim)), fitting);
}
