/* images.c — pools of images, and labelled examples drawn from them. */
#include "data/images.h"

#include "core/memory.h"
#include "core/text.h"
#include "data/images_private.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the pool ---- */

static ch_code read_pair(const ch_image_location *location, size_t images, ch_shape shape, ch_bytes *pixels,
                         ch_bytes *classes, size_t *records, ch_error *err)
{
    const char *names[2] = {location->names[images], location->names[images + 1]};
    char paths[2][PATH_MAX];
    if (names[0][0] == '\0' || names[1][0] == '\0') {
        const size_t there = names[0][0] == '\0';
        return ch_error_set(err, CH_ERROR_INPUT, "%.500s/%s is there without its %s, %s", location->folder,
                            names[there], there == 0 ? "labels" : "images",
                            ch_image_source_of(CH_IMAGES_MNIST)->files[images + 1 - there].name);
    }
    for (size_t i = 0; i < 2; i++) {
        const ch_code code = ch_path_join(paths[i], location->folder, names[i], err);
        if (code != CH_OK) {
            return code;
        }
    }
    ch_code code = ch_idx_read_images(paths[0], shape, pixels, &records[0], err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_idx_read_labels(paths[1], classes, &records[1], err);
    if (code != CH_OK) {
        return code;
    }
    if (records[0] != records[1]) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s has %zu images, but %s %zu labels", paths[0], records[0], names[1],
                            records[1]);
    }
    return CH_OK;
}

static ch_code read_batch(const ch_image_location *location, size_t file, ch_bytes *pixels, ch_bytes *classes,
                          size_t *records, ch_error *err)
{
    char path[PATH_MAX];
    const ch_code code = ch_path_join(path, location->folder, location->names[file], err);
    if (code != CH_OK) {
        return code;
    }
    return ch_cifar_read(path, pixels, classes, &records[file], err);
}

static ch_code read_files(const ch_image_source *source, const ch_image_location *location, ch_bytes *pixels,
                          ch_bytes *classes, size_t *records, ch_error *err)
{
    for (size_t i = 0; i < source->num_files; i += source->paired ? 2 : 1) {
        const bool there = location->names[i][0] != '\0' || (source->paired && location->names[i + 1][0] != '\0');
        if (!there) {
            continue;
        }
        const ch_code code = source->paired ? read_pair(location, i, source->shape, pixels, classes, records + i, err)
                                            : read_batch(location, i, pixels, classes, records, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static void digest(ch_image_pool *self, size_t dim)
{
    char head[128];
    uint8_t bytes[SHA256_DIGEST_SIZE];
    struct sha256_ctx sha;
    const int length = snprintf(head, sizeof head, "%s %zu %zu %zu %zu\n", ch_image_set_name(self->set),
                                self->shape.channels, self->shape.rows, self->shape.columns, self->count);
    sha256_init(&sha);
    sha256_update(&sha, (size_t)length, (const uint8_t *)head);
    sha256_update(&sha, self->count * dim, self->pixels);
    sha256_update(&sha, self->count, self->classes);
    sha256_digest(&sha, sizeof bytes, bytes);
    ch_hex(bytes, sizeof bytes, self->digest);
}

ch_code ch_image_pool_read(ch_image_pool *self, ch_image_set set, const ch_image_location *location, size_t *records,
                           ch_error *err)
{
    const ch_image_source *source = ch_image_source_of(set);
    ch_bytes pixels = {0}, classes = {0};
    memset(self, 0, sizeof *self);
    memset(records, 0, CH_MAX_IMAGE_FILES * sizeof *records);
    ch_code code = read_files(source, location, &pixels, &classes, records, err);
    self->pixels = pixels.bytes;
    self->classes = classes.bytes;
    if (code != CH_OK) {
        goto out;
    }
    if (classes.size > UINT32_MAX) {
        code = ch_error_set(err, CH_ERROR_INPUT, "%s holds %zu images; accepted is up to %u", location->folder,
                            classes.size, UINT32_MAX);
        goto out;
    }
    self->set = set;
    self->shape = source->shape;
    self->count = classes.size;
    digest(self, source->shape.channels * source->shape.rows * source->shape.columns);
out:
    if (code != CH_OK) {
        ch_image_pool_free(self);
    }
    return code;
}

ch_code ch_image_pool_init(ch_image_pool *self, ch_image_set set, const char *dir, ch_error *err)
{
    ch_image_location location;
    size_t records[CH_MAX_IMAGE_FILES];
    ch_image_file files[CH_MAX_IMAGE_FILES];
    memset(self, 0, sizeof *self);
    ch_code code = ch_image_locate(&location, set, dir, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_image_pool_read(self, set, &location, records, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_image_origin_find(self, &location, records, files, err);
out:
    if (code != CH_OK) {
        ch_image_pool_free(self);
    }
    return code;
}

void ch_image_pool_free(ch_image_pool *self)
{
    free(self->pixels);
    free(self->classes);
    memset(self, 0, sizeof *self);
}

/* ---- the split ---- */

/* Draws a uniform order of 0 … n-1 by the shuffle of Fisher and Yates. It runs from the front, so that the first places
 * do not depend on how many of them are used. */
static void shuffle(uint32_t *order, size_t n, uint64_t seed, ch_stream purpose)
{
    ch_random random;
    ch_random_init(&random, seed, purpose, 0);
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t j = i + ch_random_below(&random, (uint32_t)(n - i));
        const uint32_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

static ch_code check_split(const ch_image_pool *pool, ch_law_kind law, size_t num_train, size_t num_test, ch_error *err)
{
    const ch_image_task *task = ch_law_of(law)->images;
    if (pool->set != task->set) {
        return ch_error_set(err, CH_ERROR_INPUT, "data is %s, but the images are %s's; accepted is %s's",
                            ch_law_name(law), ch_image_set_name(pool->set), ch_image_set_name(task->set));
    }
    if (num_train < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "train is 0; it must be at least 1");
    }
    if (num_train > pool->count || num_test > pool->count - num_train) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is %zu and test %zu, but %zu images of %s are at hand; accepted is a sum up to that",
                            num_train, num_test, pool->count, ch_image_set_name(pool->set));
    }
    return CH_OK;
}

/* Fills examples with images of a pool.
 * @param images  [num_samples] the index of each image in the pool */
static void fill(ch_examples *examples, const ch_image_pool *pool, const ch_image_task *task, const uint32_t *images)
{
    float inputs[UINT8_MAX + 1]; /* (p - mean) / deviation */
    for (size_t p = 0; p <= UINT8_MAX; p++) {
        inputs[p] = (float)(((double)p - task->mean) / task->deviation);
    }
    for (size_t mu = 0; mu < examples->num_samples; mu++) {
        const uint8_t *pixels = pool->pixels + images[mu] * examples->dim;
        for (size_t i = 0; i < examples->dim; i++) {
            examples->inputs[mu * examples->dim + i] = inputs[pixels[i]];
        }
        examples->labels[mu] = task->labels[pool->classes[images[mu]]];
    }
}

/* Moves the first `count` images of `order` that are not among `taken` to its front, and keeps them in their order.
 * @param is_taken  [n] all zero when called; marks the images of `taken` after it */
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

ch_code ch_image_split(ch_examples *train, ch_examples *test, const ch_image_pool *pool, ch_law_kind law, uint64_t seed,
                       size_t num_train, size_t num_test, ch_error *err)
{
    uint32_t *orders = NULL; /* [2][count]: the order of the pool for test sets, then the one for training sets */
    uint8_t *is_taken = NULL;
    memset(train, 0, sizeof *train);
    memset(test, 0, sizeof *test);
    ch_code code = check_split(pool, law, num_train, num_test, err);
    if (code != CH_OK) {
        return code;
    }
    orders = ch_alloc(pool->count, 2 * sizeof *orders);
    is_taken = ch_alloc(pool->count, sizeof *is_taken);
    if (orders == NULL || is_taken == NULL) {
        code = ch_error_memory(err, "the choice of images");
        goto out;
    }
    code = ch_examples_init(train, num_train, pool->shape, err);
    if (code != CH_OK) {
        goto out;
    }
    code = num_test > 0 ? ch_examples_init(test, num_test, pool->shape, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    uint32_t *for_test = orders, *for_train = orders + pool->count;
    shuffle(for_test, pool->count, seed, CH_STREAM_TEST_IMAGES);
    shuffle(for_train, pool->count, seed, CH_STREAM_TRAIN_IMAGES);
    leave_out(for_train, num_train, for_test, num_test, is_taken);
    fill(train, pool, ch_law_of(law)->images, for_train);
    fill(test, pool, ch_law_of(law)->images, for_test);
out:
    free(orders);
    free(is_taken);
    if (code != CH_OK) {
        ch_examples_free(train);
        ch_examples_free(test);
    }
    return code;
}

/* ---- the report ---- */

ch_law_kind ch_image_set_law(ch_image_set set)
{
    for (ch_law_kind law = 0; law < CH_NUM_LAWS; law++) {
        const ch_image_task *task = ch_law_of(law)->images;
        if (task != NULL && task->set == set) {
            return law;
        }
    }
    return CH_NUM_LAWS;
}

ch_code ch_image_report_make(ch_image_report *self, ch_image_set set, const char *dir, ch_error *err)
{
    const ch_image_source *source = ch_image_source_of(set);
    const ch_image_task *task = ch_law_of(ch_image_set_law(set))->images;
    ch_image_location location;
    ch_image_pool pool = {0};
    size_t records[CH_MAX_IMAGE_FILES];
    memset(self, 0, sizeof *self);
    ch_code code = ch_image_locate(&location, set, dir, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_image_pool_read(&pool, set, &location, records, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_image_origin_find(&pool, &location, records, self->files, err);
    if (code != CH_OK) {
        goto out;
    }
    memcpy(self->folder, location.folder, sizeof self->folder);
    memcpy(self->digest, pool.digest, sizeof self->digest);
    self->origin = pool.origin;
    self->num_files = source->num_files;
    self->count = pool.count;
    for (size_t i = 0; i < pool.count; i++) {
        self->per_class[pool.classes[i]]++;
        self->positive += task->labels[pool.classes[i]] > 0;
    }
out:
    ch_image_pool_free(&pool);
    return code;
}
