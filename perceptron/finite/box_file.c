/* box_file.c — reads tables of boxes from files, and writes them. */
#define _GNU_SOURCE 1 /* asprintf */
#include "perceptron/finite/box_file.h"
#include "core/text.h"
#include "perceptron/finite/box_arrays.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t SEED = 1; /* of the boxes of all tables */

/* The first bytes of a file. A machine with another order of bytes reads another magic number. */
typedef struct {
    uint64_t magic;
    uint64_t version;
    ch_box_law law;
    ch_box_online online;
    uint64_t num_boxes, num_densities;
    double step, slope, bend, calm, least_hazard;
} header;

static const uint64_t MAGIC = 0x63686974626f7831;

static header header_of(const ch_box_table *self)
{
    header head;
    memset(&head, 0, sizeof head);
    head = (header){.magic = MAGIC,
                    .version = CH_BOX_FILE_VERSION,
                    .law = self->law,
                    .online = self->online,
                    .num_boxes = self->num_boxes,
                    .num_densities = self->num_densities,
                    .step = self->step,
                    .slope = self->slope,
                    .bend = self->bend,
                    .calm = self->calm,
                    .least_hazard = self->least_hazard};
    return head;
}

static char *path_of(const char *folder, const ch_box_law *law)
{
    char *path = NULL;
    const int length = asprintf(&path, "%s/box-%d-chi%.17g-dim%zu-margin%.17g", folder, CH_BOX_FILE_VERSION, law->chi,
                                law->dim, law->margin);
    return length < 0 ? NULL : path;
}

/* A file that is read or written by the same functions, so that both have the same format. */
typedef struct {
    FILE *file;
    bool is_writing;
    struct sha256_ctx hash;
} stream;

static bool transfer(stream *self, void *bytes, size_t size)
{
    const size_t done = self->is_writing ? fwrite(bytes, 1, size, self->file) : fread(bytes, 1, size, self->file);
    sha256_update(&self->hash, done, bytes);
    return done == size;
}

static bool transfer_arrays(stream *self, ch_box_table *table)
{
    const ch_buffer_list list = ch_box_table_buffers(table);
    for (const ch_buffer *row = list.rows; row->owner != NULL; row++) {
        if (!transfer(self, *(void **)row->owner, row->count * row->size)) {
            return false;
        }
    }
    return true;
}

/* Writes, or reads and compares, the digest of all before it. */
static bool transfer_digest(stream *self)
{
    uint8_t digest[SHA256_DIGEST_SIZE], stored[SHA256_DIGEST_SIZE];
    sha256_digest(&self->hash, sizeof digest, digest);
    memcpy(stored, digest, sizeof stored);
    return transfer(self, stored, sizeof stored) && memcmp(stored, digest, sizeof digest) == 0;
}

/* ---- reading ---- */

/* Whether the header is that of this law, with sizes that a table may have. */
static bool take_header(ch_box_table *self, const header *head, const ch_box_law *law)
{
    enum { MOST = 100000 };
    if (head->magic != MAGIC || head->version != CH_BOX_FILE_VERSION || head->law.chi != law->chi ||
        head->law.dim != law->dim || head->law.margin != law->margin || head->num_boxes == 0 ||
        head->num_boxes > MOST || head->num_densities == 0 || head->num_densities > MOST) {
        return false;
    }
    *self = (ch_box_table){.law = head->law,
                           .online = head->online,
                           .num_boxes = head->num_boxes,
                           .num_densities = head->num_densities,
                           .step = head->step,
                           .slope = head->slope,
                           .bend = head->bend,
                           .calm = head->calm,
                           .least_hazard = head->least_hazard};
    return true;
}

/* Whether the file has as many bytes as a table of these sizes. A damaged header must not make large arrays. */
static bool has_size(FILE *file, ch_box_table *table)
{
    struct stat about;
    const ch_buffer_list list = ch_box_table_buffers(table);
    double bytes = sizeof(header) + SHA256_DIGEST_SIZE;
    for (const ch_buffer *row = list.rows; row->owner != NULL; row++) {
        bytes += (double)row->count * (double)row->size;
    }
    return fstat(fileno(file), &about) == 0 && bytes == (double)about.st_size;
}

/* @return whether a whole table was read; else there is none */
static bool read_table(ch_box_table *self, const char *path, const ch_box_law *law)
{
    header head;
    stream in = {.file = fopen(path, "rb")};
    if (in.file == NULL) {
        return false;
    }
    sha256_init(&in.hash);
    bool whole = transfer(&in, &head, sizeof head) && take_header(self, &head, law) && has_size(in.file, self);
    if (whole) {
        const ch_buffer_list list = ch_box_table_buffers(self);
        whole = ch_buffers_alloc(&list) && transfer_arrays(&in, self) && transfer_digest(&in);
        for (size_t b = 0; whole && b < self->num_boxes; b++) {
            whole = self->num_followed[b] <= self->num_densities;
        }
        if (!whole) {
            ch_box_table_free(self);
        }
    }
    fclose(in.file);
    return whole;
}

/* ---- writing ---- */

/* Writes a file beside `path` and then gives it that name, so that a reader finds a whole table or none. */
static void write_table(ch_box_table *self, const char *path)
{
    char *part = NULL;
    if (asprintf(&part, "%s.%ld.part", path, (long)getpid()) < 0) {
        return;
    }
    stream out = {.file = fopen(part, "wb"), .is_writing = true};
    if (out.file != NULL) {
        header head = header_of(self);
        sha256_init(&out.hash);
        const bool whole = transfer(&out, &head, sizeof head) && transfer_arrays(&out, self) && transfer_digest(&out);
        if (fclose(out.file) != 0 || !whole || rename(part, path) != 0) {
            remove(part);
        }
    }
    free(part);
}

ch_code ch_box_table_load(ch_box_table *self, const ch_box_law *law, const char *folder, int threads,
                          const ch_watch *watch, ch_error *err)
{
    char *path = folder != NULL ? path_of(folder, law) : NULL;
    ch_code code = CH_OK;
    if (folder != NULL && path == NULL) {
        return ch_error_memory(err, "the name of a table of boxes");
    }
    if (path != NULL && read_table(self, path, law)) {
        goto out;
    }
    code = ch_box_table_init(self, law, ch_box_table_boxes(law->dim), SEED, threads, watch, err);
    if (code == CH_OK && path != NULL) {
        write_table(self, path);
    }
out:
    free(path);
    return code;
}
