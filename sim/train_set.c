/* train_set.c — making what runs train on. */
#include "sim/train_set.h"

#include "core/available.h"
#include "perceptron/bytes.h"
#include "sim/train_kernel.h"

#include <stdio.h>
#include <string.h>

/* ---- sources ---- */

/* The set of images that a law of images takes. */
static ch_image_set image_set_of(const ch_settings *settings)
{
    return ch_law_of(settings->data)->images->set;
}

void ch_sources_free(ch_sources *self)
{
    for (size_t i = 0; i < CH_NUM_IMAGE_SETS; i++) {
        ch_image_pool_free(&self->pools[i]);
    }
}

ch_code ch_sources_find_images(ch_sources *self, ch_resolved *resolved, ch_error *err)
{
    ch_settings *settings = &resolved->settings;
    if (!ch_settings_has_images(settings)) {
        return CH_OK;
    }
    const ch_image_set set = image_set_of(settings);
    ch_image_pool *pool = &self->pools[set];
    const ch_code code = pool->count > 0 ? CH_OK : ch_image_pool_init(pool, set, settings->data_dir, err);
    if (code != CH_OK) {
        return code;
    }
    if (settings->train > pool->count || settings->test > pool->count - settings->train) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "train is %llu and test is %llu, but %s has %zu images in %s: the two may add up to no more than that",
            (unsigned long long)settings->train, (unsigned long long)settings->test, ch_image_set_name(set),
            pool->count, settings->data_dir);
    }
    memcpy(settings->data_digest, pool->digest, sizeof settings->data_digest);
    settings->data_pool = pool->count;
    return CH_OK;
}

void ch_sources_describe(const ch_sources *self, char *sentence, size_t size)
{
    size_t length = 0;
    sentence[0] = '\0';
    for (size_t i = 0; i < CH_NUM_IMAGE_SETS && length < size; i++) {
        char origin[320];
        ch_image_origin_describe(&self->pools[i].origin, origin, sizeof origin);
        if (origin[0] != '\0') {
            length += (size_t)snprintf(sentence + length, size - length, "%simages of %s: %s", length > 0 ? "; " : "",
                                       ch_image_set_name((ch_image_set)i), origin);
        }
    }
}

/* ---- keys ---- */

ch_data_law ch_train_law(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    const ch_law *law = ch_law_of(settings->data);
    return (ch_data_law){
        .kind = (ch_law_kind)settings->data,
        .chi = law->has_chi ? settings->chi : 0,
        .dim = law->images == NULL ? (size_t)settings->dim : 0,
        .random_teacher = law->has_teacher && settings->teacher == CH_TEACHER_RANDOM,
        .seed = settings->seed_data,
    };
}

ch_train_key ch_train_key_of(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    ch_train_key key = {.kind = CH_SET_ROWS, .law = ch_train_law(resolved)};
    if (ch_settings_has_engine(settings)) {
        /* the samples of a law that is a name for another are those of the other */
        key.law.kind = ch_law_of(key.law.kind)->fixes_boundary ? CH_LAW_DEPLETED : key.law.kind;
        return key;
    }
    key.kind = CH_SET_EXAMPLES;
    key.test = settings->test;
    if (settings->linear == CH_LINEAR_YES) {
        key.kind = CH_SET_KERNEL;
        key.spec = ch_settings_network(settings);
        key.seed_init = settings->seed_init;
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
        order_of_counts(a->law.seed, b->law.seed),
        order_of_counts(a->test, b->test),
        order_of_counts(a->spec.arch, b->spec.arch),
        order_of_counts(a->spec.width, b->spec.width),
        order_of_counts(a->spec.depth, b->spec.depth),
        order_of_counts(a->spec.activation, b->spec.activation),
        order_of_counts(a->seed_init, b->seed_init),
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return 0;
}

/* ---- making ---- */

static ch_code make_rows(ch_train_set *self, const ch_resolved *resolved, int threads, const ch_watch *watch,
                         ch_error *err)
{
    const ch_data_law law = ch_train_law(resolved);
    const ch_code code =
        ch_sample_set_init(&self->samples, &law, CH_STREAM_TRAIN_SAMPLES, self->num_samples, threads, watch, err);
    self->contradiction = (ch_contradiction){SIZE_MAX, CH_CAUSE_NONE}; /* a plane divides them */
    if (code != CH_OK || resolved->settings.engine != CH_ENGINE_FAST) {
        return code;
    }
    return ch_screen_init(&self->screen, &self->samples, watch, err);
}

static ch_code make_examples(ch_train_set *self, const ch_resolved *resolved, const ch_sources *sources, int threads,
                             const ch_watch *watch, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    const size_t num_test = (size_t)settings->test;
    const ch_data_law law = ch_train_law(resolved);
    if (ch_settings_has_images(settings)) {
        return ch_image_split(&self->train, &self->test, &sources->pools[image_set_of(settings)], law.kind, law.seed,
                              self->num_samples, num_test, err);
    }
    const ch_code code =
        ch_examples_init_law(&self->train, &law, CH_STREAM_TRAIN_SAMPLES, self->num_samples, threads, watch, err);
    if (code != CH_OK || num_test == 0) {
        return code;
    }
    return ch_examples_init_law(&self->test, &law, CH_STREAM_TEST_SAMPLES, num_test, threads, watch, err);
}

/* The kernel at w0. Where it is read no examples are made, and where it is computed the examples are freed: no run of a
 * twin needs them. */
static ch_code make_kernel(ch_train_set *self, const ch_resolved *resolved, const ch_sources *sources, int threads,
                           const ch_watch *watch, ch_error *err)
{
    bool found = false;
    ch_code code = ch_train_kernel_read(self, resolved, sources, watch, &found, err);
    if (code != CH_OK || found) {
        return code;
    }
    code = ch_train_kernel_check_memory(resolved, self->num_samples, ch_memory_available(), CH_ERROR_MEMORY, err);
    if (code != CH_OK) {
        return code;
    }
    code = make_examples(self, resolved, sources, threads, watch, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_train_kernel_make(self, resolved, sources, threads, watch, err);
}

ch_code ch_train_set_init(ch_train_set *self, const ch_resolved *resolved, const ch_sources *sources,
                          size_t num_samples, int threads, const ch_watch *watch, ch_error *err)
{
    ch_code code = CH_OK;
    memset(self, 0, sizeof *self);
    self->key = ch_train_key_of(resolved);
    self->num_samples = num_samples;
    switch (self->key.kind) {
    case CH_SET_ROWS:
        code = make_rows(self, resolved, threads, watch, err);
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
    ch_examples_free(&self->train);
    ch_examples_free(&self->test);
    ch_kernel_free(&self->kernel);
    memset(self, 0, sizeof *self);
}

/* ---- memory ---- */

static size_t add(size_t a, size_t b)
{
    return a < SIZE_MAX - b ? a + b : SIZE_MAX;
}

static size_t rows_bytes(size_t num_samples, size_t dim, uint64_t engine)
{
    /* the teacher, and the vector of its reflection while samples are drawn, are in double: two rows each */
    enum { VECTORS = 2, ROWS_A_VECTOR = 2 };
    const size_t order = engine == CH_ENGINE_FAST ? ch_perceptron_order_bytes(num_samples) : 0;
    return add(ch_sample_set_bytes(num_samples + VECTORS * ROWS_A_VECTOR, dim), order);
}

size_t ch_train_set_bytes(const ch_resolved *resolved, size_t num_samples, uint64_t engine)
{
    const ch_settings *settings = &resolved->settings;
    const ch_shape input = ch_settings_input(settings);
    const size_t dim = ch_shape_size(input), num_test = (size_t)settings->test;
    if (ch_settings_has_engine(settings)) {
        return rows_bytes(num_samples, dim, engine);
    }
    return settings->linear == CH_LINEAR_YES
               ? ch_train_kernel_bytes(resolved, num_samples)
               : add(ch_examples_bytes(num_samples, dim), ch_examples_bytes(num_test, dim));
}
