/* images.c — pools of images, and reports on their files. */
#include "data/images.h"

#include "core/memory.h"
#include "core/text.h"
#include "data/classes.h"
#include "data/images_private.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the pool ---- */

static ch_code read_pair(const ch_image_source *source, const ch_image_location *location, size_t images,
                         ch_bytes *pixels, ch_bytes *classes, size_t *records, ch_error *err)
{
    const char *names[2] = {location->names[images], location->names[images + 1]};
    char paths[2][PATH_MAX];
    if (names[0][0] == '\0' || names[1][0] == '\0') {
        const size_t there = names[0][0] == '\0';
        return ch_error_set(err, CH_ERROR_INPUT, "%.500s/%s is there without its %s, %s", location->folder,
                            names[there], there == 0 ? "labels" : "images", source->files[images + 1 - there].name);
    }
    for (size_t i = 0; i < 2; i++) {
        const ch_code code = ch_path_join(paths[i], location->folder, names[i], err);
        if (code != CH_OK) {
            return code;
        }
    }
    ch_code code = ch_idx_read_images(paths[0], source->shape, pixels, &records[0], err);
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
        const ch_code code = source->paired ? read_pair(source, location, i, pixels, classes, records + i, err)
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
    for (size_t i = 0; i < self->count; i++) {
        self->per_class[self->classes[i]]++;
    }
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

/* Counts the images that a law labels +1, by its usual rule where it has one. */
static ch_code count_positive(const ch_image_pool *pool, ch_law_kind law, size_t *positive, ch_error *err)
{
    const ch_label_counts none = {.count = 0}; /* the usual rules need no counts */
    const ch_law *row = ch_law_of(law);
    ch_classes classes;
    if (row->classes != NULL) {
        const ch_code code = ch_classes_parse(&classes, row->classes, err);
        if (code != CH_OK) {
            return code;
        }
    }
    *positive = 0;
    for (int c = 0; c < CH_NUM_CLASSES; c++) {
        const int label = row->classes != NULL ? ch_classes_sign(&classes, &none, c) : row->images->labels[c];
        *positive += label > 0 ? pool->per_class[c] : 0;
    }
    return CH_OK;
}

ch_code ch_image_report_make(ch_image_report *self, ch_image_set set, const char *dir, ch_error *err)
{
    const ch_image_source *source = ch_image_source_of(set);
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
    memcpy(self->per_class, pool.per_class, sizeof self->per_class);
    code = count_positive(&pool, ch_image_set_law(set), &self->positive, err);
out:
    ch_image_pool_free(&pool);
    return code;
}
