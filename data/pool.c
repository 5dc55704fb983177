/* pool.c — choosing training and test sets from a pool of labelled samples. */
#include "data/pool.h"

#include "core/memory.h"
#include "data/sample_set_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

void ch_pool_free(ch_pool *self)
{
    free(self->labels);
    free(self->means);
    free(self->deviations);
    memset(self, 0, sizeof *self);
}

static ch_code allocate(ch_pool *self, ch_error *err)
{
    self->labels = ch_alloc(self->count, sizeof *self->labels);
    self->means = ch_alloc(self->num_scales, sizeof *self->means);
    self->deviations = ch_alloc(self->num_scales, sizeof *self->deviations);
    if (self->labels == NULL || self->means == NULL || self->deviations == NULL) {
        return ch_error_memory(err, "the choice of samples");
    }
    return CH_OK;
}

/* ---- scales ---- */

/* Finds the mean and the standard deviation of all numbers of the eligible samples, in two passes. */
static ch_code find_scale(ch_pool *self, ch_error *err)
{
    const double count = (double)self->num_eligible * (double)self->dim;
    double *sample = ch_alloc_unset(self->dim, sizeof *sample), sum = 0, squares = 0;
    if (sample == NULL) {
        return ch_error_memory(err, "the choice of samples");
    }
    for (size_t mu = 0; mu < self->count; mu++) {
        const size_t num = self->labels[mu] != 0 ? self->dim : 0;
        ch_array_reals(&self->numbers, mu * self->dim, num, sample);
        for (size_t i = 0; i < num; i++) {
            sum += sample[i];
        }
    }
    const double mean = sum / count;
    for (size_t mu = 0; mu < self->count; mu++) {
        const size_t num = self->labels[mu] != 0 ? self->dim : 0;
        ch_array_reals(&self->numbers, mu * self->dim, num, sample);
        for (size_t i = 0; i < num; i++) {
            squares += (sample[i] - mean) * (sample[i] - mean);
        }
    }
    self->means[0] = mean;
    self->deviations[0] = sqrt(squares / count);
    free(sample);
    return CH_OK;
}

/* The same for each place in a sample. Sums go through the samples in their order, as they lie in memory. */
static ch_code find_feature_scales(ch_pool *self, ch_error *err)
{
    double *sums = ch_alloc(self->dim, sizeof *sums);
    if (sums == NULL) {
        return ch_error_memory(err, "the choice of samples");
    }
    for (size_t pass = 0; pass < 2; pass++) {
        memset(sums, 0, self->dim * sizeof *sums);
        for (size_t mu = 0; mu < self->count; mu++) {
            for (size_t i = 0; i < self->dim && self->labels[mu] != 0; i++) {
                const double rest = ch_array_real(&self->numbers, mu * self->dim + i) - self->means[i];
                sums[i] += pass == 0 ? rest : rest * rest;
            }
        }
        for (size_t i = 0; i < self->dim; i++) {
            const double mean = sums[i] / (double)self->num_eligible;
            *(pass == 0 ? &self->means[i] : &self->deviations[i]) = pass == 0 ? mean : sqrt(mean);
        }
    }
    free(sums);
    return CH_OK;
}

/* ---- images ---- */

ch_label_counts ch_label_counts_of_images(const ch_image_pool *images)
{
    ch_label_counts counts = {.count = 0};
    for (size_t c = 0; c < CH_NUM_CLASSES; c++) {
        if (images->per_class[c] > 0) {
            counts.labels[counts.count] = (int64_t)c;
            counts.samples[counts.count++] = images->per_class[c];
        }
    }
    return counts;
}

ch_code ch_pool_init_images(ch_pool *self, const ch_image_pool *images, ch_law_kind law, const ch_classes *classes,
                            ch_error *err)
{
    const ch_image_task *task = ch_law_of(law)->images;
    memset(self, 0, sizeof *self);
    if (images->set != task->set) {
        return ch_error_set(err, CH_ERROR_INPUT, "data is %s, but the images are %s's; accepted is %s's",
                            ch_law_name(law), ch_image_set_name(images->set), ch_image_set_name(task->set));
    }
    self->shape = images->shape;
    self->dim = images->shape.channels * images->shape.rows * images->shape.columns;
    self->count = images->count;
    self->num_scales = 1;
    self->numbers = (ch_array){CH_ELEMENT_U8, 2, {self->count, self->dim}, self->count * self->dim, images->pixels};
    self->name = ch_image_set_name(images->set);
    const ch_label_counts counts = ch_label_counts_of_images(images);
    ch_code code = classes != NULL ? ch_classes_check(classes, &counts, &self->num_eligible, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = allocate(self, err);
    if (code != CH_OK) {
        goto out;
    }
    self->num_eligible = 0;
    for (size_t i = 0; i < self->count; i++) {
        self->labels[i] =
            classes != NULL ? ch_classes_sign(classes, &counts, images->classes[i]) : task->labels[images->classes[i]];
        self->num_eligible += self->labels[i] != 0;
    }
    self->means[0] = task->mean;
    self->deviations[0] = task->deviation;
    if (task->deviation == 0) {
        code = find_scale(self, err);
    }
out:
    if (code != CH_OK) {
        ch_pool_free(self);
    }
    return code;
}

/* ---- the user's own ---- */

ch_code ch_pool_init_own(ch_pool *self, const ch_own_pool *own, const ch_classes *classes, ch_normalise normalise,
                         ch_error *err)
{
    *self = (ch_pool){
        .shape = own->shape,
        .dim = own->dim,
        .count = own->count,
        .numbers = own->numbers,
        .num_scales = normalise == CH_NORMALISE_FEATURE ? own->dim : 1,
        .name = "the file",
    };
    ch_code code = ch_classes_check(classes, own->counts, &self->num_eligible, err);
    if (code != CH_OK) {
        goto out;
    }
    code = allocate(self, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t mu = 0; mu < self->count; mu++) {
        self->labels[mu] = ch_classes_sign(classes, own->counts, own->labels[mu]);
    }
    if (normalise == CH_NORMALISE_POOL) {
        code = find_scale(self, err);
    } else if (normalise == CH_NORMALISE_FEATURE) {
        code = find_feature_scales(self, err);
    } else {
        self->deviations[0] = 1;
    }
out:
    if (code != CH_OK) {
        ch_pool_free(self);
    }
    return code;
}

/* ---- the choice ---- */

/* Draws a uniform order by the shuffle of Fisher and Yates. It runs from the front, so that the first places do not
 * depend on how many of them are used. */
static void shuffle(uint32_t *order, size_t n, uint64_t seed, ch_stream purpose)
{
    ch_random random;
    ch_random_init(&random, seed, purpose, 0);
    for (size_t i = 0; i < n; i++) {
        const size_t j = i + ch_random_below(&random, (uint32_t)(n - i));
        const uint32_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

static void list_eligible(const ch_pool *self, uint32_t *order)
{
    size_t listed = 0;
    for (size_t mu = 0; mu < self->count; mu++) {
        if (self->labels[mu] != 0) {
            order[listed++] = (uint32_t)mu;
        }
    }
}

/* Moves the first `count` samples of `order` that are not among `taken` to its front, and keeps them in their order.
 * @param is_taken  [count of the pool] all zero when called; marks the samples of `taken` after it */
static void leave_out(uint32_t *order, size_t count, const uint32_t *taken, size_t num_taken, uint8_t *is_taken)
{
    for (size_t i = 0; i < num_taken; i++) {
        is_taken[taken[i]] = 1;
    }
    for (size_t i = 0, kept = 0; kept < count; i++) {
        if (!is_taken[order[i]]) {
            order[kept++] = order[i];
        }
    }
}

/* The samples that are chosen, by their places in the pool. */
typedef struct {
    uint32_t *orders;             /* [2][num_eligible]; owned */
    const uint32_t *train, *test; /* [num_train] and [num_test] of them */
} choice;

static ch_code choose(const ch_pool *self, const ch_split *split, choice *made, ch_error *err)
{
    const size_t count = self->num_eligible;
    *made = (choice){0};
    if (split->num_train < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "train is 0; it must be at least 1");
    }
    if (split->num_train > count || split->num_test > count - split->num_train) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "train is %zu and test %zu, but %zu samples of %s are at hand; accepted is a sum up to that",
            split->num_train, split->num_test, count, self->name);
    }
    uint8_t *is_taken = ch_alloc(self->count, sizeof *is_taken);
    made->orders = ch_alloc(count, 2 * sizeof *made->orders);
    if (made->orders == NULL || is_taken == NULL) {
        free(is_taken);
        return ch_error_memory(err, "the choice of samples");
    }
    uint32_t *test = made->orders, *train = made->orders + count;
    list_eligible(self, test);
    list_eligible(self, train);
    shuffle(test, count, split->seed, CH_STREAM_TEST_IMAGES);
    shuffle(train, count, split->seed, CH_STREAM_TRAIN_IMAGES);
    leave_out(train, split->num_train, test, split->num_test, is_taken);
    free(is_taken);
    made->test = test;
    made->train = train;
    return CH_OK;
}

/* ---- the numbers ---- */

static float scaled(const ch_pool *self, double number, size_t scale)
{
    const double deviation = self->deviations[scale];
    return (float)(deviation != 0 ? (number - self->means[scale]) / deviation : number - self->means[scale]);
}

/* Writes the inputs of some samples.
 * @param samples  [count] places in the pool
 * @param inputs   out: [count][stride], of which the first dim of each are written */
static void write_inputs(const ch_pool *self, const uint32_t *samples, size_t count, float *inputs, size_t stride,
                         int threads)
{
    float table[UINT8_MAX + 1]; /* the inputs that bytes become */
    const bool is_by_table = self->numbers.element == CH_ELEMENT_U8 && self->num_scales == 1;
    for (size_t p = 0; p <= UINT8_MAX && is_by_table; p++) {
        table[p] = scaled(self, (double)p, 0);
    }
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t k = 0; k < count; k++) {
        const size_t first = samples[k] * self->dim;
        float *input = inputs + k * stride;
        if (is_by_table) {
            const uint8_t *bytes = (const uint8_t *)self->numbers.numbers + first;
            for (size_t i = 0; i < self->dim; i++) {
                input[i] = table[bytes[i]];
            }
            continue;
        }
        for (size_t i = 0; i < self->dim; i++) {
            input[i] = scaled(self, ch_array_real(&self->numbers, first + i), self->num_scales > 1 ? i : 0);
        }
    }
}

static ch_code fill_examples(const ch_pool *self, const uint32_t *samples, size_t count, int threads,
                             ch_examples *examples, ch_error *err)
{
    const ch_code code = ch_examples_init(examples, count, self->shape, err);
    if (code != CH_OK) {
        return code;
    }
    write_inputs(self, samples, count, examples->inputs, self->dim, threads);
    for (size_t k = 0; k < count; k++) {
        examples->labels[k] = self->labels[samples[k]];
    }
    return CH_OK;
}

ch_code ch_pool_split(const ch_pool *self, const ch_split *split, ch_examples *train, ch_examples *test, ch_error *err)
{
    choice made;
    memset(train, 0, sizeof *train);
    memset(test, 0, sizeof *test);
    ch_code code = choose(self, split, &made, err);
    if (code != CH_OK) {
        goto out;
    }
    code = fill_examples(self, made.train, split->num_train, split->threads, train, err);
    if (code != CH_OK || split->num_test == 0) {
        goto out;
    }
    code = fill_examples(self, made.test, split->num_test, split->threads, test, err);
out:
    free(made.orders);
    if (code != CH_OK) {
        ch_examples_free(train);
        ch_examples_free(test);
    }
    return code;
}

static ch_code fill_rows(const ch_pool *self, const uint32_t *samples, size_t count, int threads, ch_sample_set *set,
                         ch_error *err)
{
    const ch_code code = ch_sample_set_allocate(set, count, self->dim, err);
    if (code != CH_OK) {
        return code;
    }
    write_inputs(self, samples, count, set->rows, set->stride, threads);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t k = 0; k < count; k++) {
        const double factor = self->labels[samples[k]] / sqrt((double)self->dim);
        float *row = set->rows + k * set->stride;
        for (size_t i = 0; i < set->stride; i++) {
            row[i] = i < self->dim ? (float)(factor * (double)row[i]) : 0;
        }
    }
    return CH_OK;
}

ch_code ch_pool_split_rows(const ch_pool *self, const ch_split *split, ch_sample_set *train, ch_sample_set *test,
                           ch_error *err)
{
    choice made;
    memset(train, 0, sizeof *train);
    memset(test, 0, sizeof *test);
    ch_code code = choose(self, split, &made, err);
    if (code != CH_OK) {
        goto out;
    }
    code = fill_rows(self, made.train, split->num_train, split->threads, train, err);
    if (code != CH_OK || split->num_test == 0) {
        goto out;
    }
    code = fill_rows(self, made.test, split->num_test, split->threads, test, err);
out:
    free(made.orders);
    if (code != CH_OK) {
        ch_sample_set_free(train);
        ch_sample_set_free(test);
    }
    return code;
}

ch_code ch_pool_all_rows(const ch_pool *self, int threads, ch_sample_set *set, ch_error *err)
{
    memset(set, 0, sizeof *set);
    uint32_t *samples = ch_alloc(self->num_eligible, sizeof *samples);
    if (samples == NULL) {
        return ch_error_memory(err, "the choice of samples");
    }
    list_eligible(self, samples);
    const ch_code code = fill_rows(self, samples, self->num_eligible, threads, set, err);
    free(samples);
    return code;
}

ch_code ch_image_split(ch_examples *train, ch_examples *test, const ch_image_pool *pool, ch_law_kind law, uint64_t seed,
                       size_t num_train, size_t num_test, ch_error *err)
{
    const char *usual = ch_law_of(law)->classes;
    const ch_split split = {seed, num_train, num_test, 1};
    ch_classes rule;
    ch_pool self = {.count = 0};
    memset(train, 0, sizeof *train);
    memset(test, 0, sizeof *test);
    ch_code code = usual != NULL ? ch_classes_parse(&rule, usual, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = ch_pool_init_images(&self, pool, law, usual != NULL ? &rule : NULL, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_pool_split(&self, &split, train, test, err);
out:
    ch_pool_free(&self);
    return code;
}
