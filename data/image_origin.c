/* image_origin.c — which image files are the authors' originals, and which images occur more than once. */
#include "core/memory.h"
#include "data/images_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- files ---- */

ch_code ch_image_file_describe(ch_image_file *self, const ch_image_original *original, const char *folder,
                               const char *name, size_t records, ch_error *err)
{
    char path[PATH_MAX];
    struct stat status;
    *self = (ch_image_file){.found = name[0] != '\0', .records = records};
    snprintf(self->name, sizeof self->name, "%s", self->found ? name : original->name);
    if (!self->found) {
        return CH_OK;
    }
    ch_code code = ch_path_join(path, folder, name, err);
    if (code != CH_OK) {
        return code;
    }
    if (stat(path, &status) != 0) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be read: %s", path, strerror(errno));
    }
    self->bytes = (uint64_t)status.st_size;
    code = ch_md5_file(path, self->md5, err);
    if (code != CH_OK) {
        return code;
    }
    const size_t length = strlen(name);
    const bool is_gz = length > 3 && strcmp(name + length - 3, ".gz") == 0;
    const char *md5 = is_gz ? original->md5_gz : original->md5;
    self->is_known = md5 != NULL;
    self->original = self->is_known && strcmp(self->md5, md5) == 0;
    return CH_OK;
}

static ch_code describe_files(ch_image_pool *pool, const ch_image_location *location, const size_t *records,
                              ch_image_file *files, ch_error *err)
{
    const ch_image_source *source = ch_image_source_of(pool->set);
    for (size_t i = 0; i < source->num_files; i++) {
        const ch_code code =
            ch_image_file_describe(&files[i], &source->files[i], location->folder, location->names[i], records[i], err);
        if (code != CH_OK) {
            return code;
        }
        pool->origin.num_files += files[i].found;
        pool->origin.num_others += files[i].found && files[i].is_known && !files[i].original;
    }
    return CH_OK;
}

/* ---- images that occur more than once ---- */

typedef struct {
    uint64_t hash; /* of the pixels */
    size_t image;
} hashed;

/* A hash of 64 bits, by multiplication of eight bytes at a time with the prime of the hash by Fowler, Noll and Vo.
 * Equal bytes have equal hashes; different bytes of equal hashes are told apart by comparing them. */
static uint64_t hash_of(const uint8_t *bytes, size_t size)
{
    static const uint64_t PRIME = 0x100000001b3;
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
        hash = (hash ^ word) * PRIME;
        hash ^= hash >> 32;
    }
    return hash;
}

static int by_hash(const void *left, const void *right)
{
    const hashed *a = left, *b = right;
    const int order = (a->hash > b->hash) - (a->hash < b->hash);
    return order != 0 ? order : (a->image > b->image) - (a->image < b->image);
}

/* The first image before place `at` of the sorted list that has the same pixels.  @return the image itself where there
 * is none */
static size_t first_equal(const ch_image_pool *pool, size_t dim, const hashed *sorted, size_t begin, size_t at)
{
    const uint8_t *pixels = pool->pixels + sorted[at].image * dim;
    for (size_t i = begin; i < at; i++) {
        if (memcmp(pool->pixels + sorted[i].image * dim, pixels, dim) == 0) {
            return sorted[i].image;
        }
    }
    return sorted[at].image;
}

static ch_code count_repeated(ch_image_pool *pool, ch_error *err)
{
    const size_t dim = pool->shape.channels * pool->shape.rows * pool->shape.columns;
    hashed *sorted = ch_alloc(pool->count, sizeof *sorted);
    if (sorted == NULL) {
        return ch_error_memory(err, "the images");
    }
    for (size_t i = 0; i < pool->count; i++) {
        sorted[i] = (hashed){hash_of(pool->pixels + i * dim, dim), i};
    }
    qsort(sorted, pool->count, sizeof *sorted, by_hash);
    for (size_t i = 0, begin = 0; i < pool->count; i++) {
        begin = sorted[i].hash == sorted[begin].hash ? begin : i;
        const size_t first = first_equal(pool, dim, sorted, begin, i);
        pool->origin.num_repeated += first != sorted[i].image;
        pool->origin.num_opposed += pool->classes[first] != pool->classes[sorted[i].image];
    }
    free(sorted);
    return CH_OK;
}

/* ---- both ---- */

ch_code ch_image_origin_find(ch_image_pool *pool, const ch_image_location *location, const size_t *records,
                             ch_image_file *files, ch_error *err)
{
    pool->origin = (ch_image_origin){.num_images = pool->count};
    const ch_code code = describe_files(pool, location, records, files, err);
    if (code != CH_OK) {
        return code;
    }
    return count_repeated(pool, err);
}

void ch_image_origin_describe(const ch_image_origin *self, char *sentence, size_t size)
{
    char others[128] = "", repeated[128] = "", opposed[64] = "";
    if (self->num_others > 0 && self->num_files == 1) {
        snprintf(others, sizeof others, "the file that is there is not the original: results are of other images");
    } else if (self->num_others > 0) {
        snprintf(others, sizeof others,
                 "%zu of the %zu files that are there are not the originals: results are of other images",
                 self->num_others, self->num_files);
    }
    if (self->num_opposed > 0) {
        snprintf(opposed, sizeof opposed, ", %zu of them with another class", self->num_opposed);
    }
    if (self->num_repeated > 0) {
        snprintf(repeated, sizeof repeated, "%zu of the %zu images repeat%s an earlier one%s", self->num_repeated,
                 self->num_images, self->num_repeated == 1 ? "s" : "", opposed);
    }
    snprintf(sentence, size, "%s%s%s", others, others[0] != '\0' && repeated[0] != '\0' ? "; " : "", repeated);
}
