/* kernel_file.c — writes tangent kernels of twins to files, and reads them. */
#define _GNU_SOURCE 1 /* asprintf */
#include "models/twin/kernel_file.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MAGIC[8] = "chtnkrnl";
/* The version is raised when the format changes. */
enum { VERSION = 1 };
/* A machine with another order of bytes reads another number. */
static const uint32_t BYTE_ORDER_MARK = 0x01020304;
_Static_assert(sizeof(float) == 4, "entries of four bytes");

typedef struct {
    char magic[8];
    uint32_t version, byte_order;
    uint64_t key_length, num_train, num_test;
} header;

/* All refusals of a file end with this remedy. */
#define REMEDY "remove it, and the kernel will be computed anew"

typedef struct {
    const char *path;
    FILE *file;
    struct sha256_ctx hash; /* of all bytes that were written or read */
} stream;

/* ---- names ---- */

char *ch_kernel_file_path(const char *folder, const char *key)
{
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char hex[2 * SHA256_DIGEST_SIZE + 1], *path = NULL;
    sha256_init(&hash);
    sha256_update(&hash, strlen(key), (const uint8_t *)key);
    sha256_digest(&hash, sizeof digest, digest);
    ch_hex(digest, sizeof digest, hex);
    return asprintf(&path, "%s/kernel-%s", folder, hex) < 0 ? NULL : path;
}

ch_code ch_kernel_file_make_folder(const char *folder, ch_error *err)
{
    struct stat about;
    if (folder[0] == '\0') {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "the folder of kernel files has no name; accepted is that of a folder");
    }
    if ((mkdir(folder, 0777) != 0 && errno != EEXIST) || stat(folder, &about) != 0) {
        return ch_error_set(err, CH_ERROR_IO, "cannot make the folder %s of kernel files: %s", folder, strerror(errno));
    }
    if (!S_ISDIR(about.st_mode)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is no folder, and kernel files want one", folder);
    }
    if (access(folder, R_OK | W_OK | X_OK) != 0) {
        return ch_error_set(err, CH_ERROR_IO, "cannot read and write the folder %s of kernel files: %s", folder,
                            strerror(errno));
    }
    return CH_OK;
}

static ch_code stopped(ch_error *err, const char *doing, const char *path)
{
    return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while %s the kernel file %s", doing, path);
}

/* ---- writing ---- */

static ch_code cannot_write(const char *path, ch_error *err)
{
    return ch_error_set(
        err, CH_ERROR_IO,
        "cannot write the kernel file %s: %s; choose a folder with room and leave to write, or keep no kernels", path,
        strerror(errno));
}

static bool put(stream *self, const void *bytes, size_t count)
{
    sha256_update(&self->hash, count, bytes);
    return fwrite(bytes, 1, count, self->file) == count;
}

static ch_code put_rows(stream *self, const ch_kernel *kernel, const float *rows, size_t num_rows,
                        const ch_watch *watch, ch_error *err)
{
    for (size_t i = 0; i < num_rows; i++) {
        if (ch_watch_is_stopped(watch)) {
            return stopped(err, "writing", self->path);
        }
        if (!put(self, rows + i * kernel->stride, kernel->num_train * sizeof *rows)) {
            return cannot_write(self->path, err);
        }
    }
    return CH_OK;
}

static ch_code put_all(stream *self, const ch_kernel *kernel, const char *key, const ch_watch *watch, ch_error *err)
{
    header head = {
        .version = VERSION,
        .byte_order = BYTE_ORDER_MARK,
        .key_length = strlen(key),
        .num_train = kernel->num_train,
        .num_test = kernel->num_test,
    };
    uint8_t digest[SHA256_DIGEST_SIZE];
    memcpy(head.magic, MAGIC, sizeof head.magic);
    sha256_init(&self->hash);
    if (!put(self, &head, sizeof head) || !put(self, key, head.key_length)) {
        return cannot_write(self->path, err);
    }
    ch_code code = put_rows(self, kernel, kernel->train, kernel->num_train, watch, err);
    if (code != CH_OK) {
        return code;
    }
    code = put_rows(self, kernel, kernel->test, kernel->num_test, watch, err);
    if (code != CH_OK) {
        return code;
    }
    sha256_digest(&self->hash, sizeof digest, digest);
    if (!put(self, digest, sizeof digest) || fflush(self->file) != 0 || fsync(fileno(self->file)) != 0) {
        return cannot_write(self->path, err);
    }
    return CH_OK;
}

/* Asks the system to keep the new name of a file after a crash. Failures are ignored: a kernel whose name is lost is
 * computed anew. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    const int folder = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder >= 0) {
        (void)fsync(folder);
        close(folder);
    }
    free(copy);
}

ch_code ch_kernel_file_write(const ch_kernel *kernel, const char *path, const char *key, const ch_watch *watch,
                             ch_error *err)
{
    ch_code code = CH_OK;
    char *part = NULL; /* process and time make the name unique, also where machines share the folder */
    if (asprintf(&part, "%s.%ld.%.0f.part", path, (long)getpid(), 1e9 * ch_clock_now()) < 0) {
        return ch_error_memory(err, "a file name");
    }
    stream out = {.path = path, .file = fopen(part, "wbxe")};
    if (out.file == NULL) {
        code = cannot_write(path, err);
        goto out;
    }
    code = put_all(&out, kernel, key, watch, err);
    const bool is_closed = fclose(out.file) == 0;
    if (code != CH_OK) {
        unlink(part);
        goto out;
    }
    if (!is_closed || rename(part, path) != 0) {
        code = cannot_write(path, err);
        unlink(part);
        goto out;
    }
    sync_folder(path);
out:
    free(part);
    return code;
}

/* ---- reading ---- */

static ch_code cannot_read(const char *path, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_IO, "cannot read the kernel file %s: %s; make it readable, or " REMEDY, path,
                        strerror(errno));
}

static ch_code damaged(const char *path, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_IO, "the kernel file %s is damaged; " REMEDY, path);
}

/* Reads bytes. A file that ends too early is damaged; for any other failure the system gives the reason. */
static ch_code get(stream *self, void *bytes, size_t count, ch_error *err)
{
    errno = 0;
    if (fread(bytes, 1, count, self->file) != count) {
        return ferror(self->file) ? cannot_read(self->path, err) : damaged(self->path, err);
    }
    sha256_update(&self->hash, count, bytes);
    return CH_OK;
}

/* Finds the bytes that a file with this header has.  @return false when the number overflows */
static bool size_of(const header *head, uint64_t *size)
{
    uint64_t rows = 0;
    return !__builtin_add_overflow(head->num_train, head->num_test, &rows) &&
           !__builtin_mul_overflow(rows, head->num_train, size) &&
           !__builtin_mul_overflow(*size, sizeof(float), size) &&
           !__builtin_add_overflow(*size, head->key_length, size) &&
           !__builtin_add_overflow(*size, sizeof *head + SHA256_DIGEST_SIZE, size);
}

/* Reads the header, and checks it and the size of the file. */
static ch_code get_header(stream *self, header *head, ch_error *err)
{
    struct stat about;
    uint64_t size = 0;
    if (fstat(fileno(self->file), &about) != 0) {
        return cannot_read(self->path, err);
    }
    const ch_code code = get(self, head, sizeof *head, err);
    if (code == CH_ERROR_IO && !ferror(self->file)) {
        memset(head, 0, sizeof *head); /* the file is too short for a header */
    } else if (code != CH_OK) {
        return code;
    }
    if (memcmp(head->magic, MAGIC, sizeof head->magic) != 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is no kernel file; " REMEDY, self->path);
    }
    if (head->byte_order != BYTE_ORDER_MARK) {
        return ch_error_set(err, CH_ERROR_INPUT, "the kernel file %s is of another kind of machine; " REMEDY,
                            self->path);
    }
    if (head->version != VERSION) {
        return ch_error_set(err, CH_ERROR_INPUT, "the kernel file %s has version %lu, not %d; " REMEDY, self->path,
                            (unsigned long)head->version, VERSION);
    }
    return size_of(head, &size) && size == (uint64_t)about.st_size ? CH_OK : damaged(self->path, err);
}

/* Reads the key, and checks that it is the wanted one. */
static ch_code get_key(stream *self, const header *head, const char *key, ch_error *err)
{
    char *theirs = ch_alloc_unset(head->key_length, 1);
    if (theirs == NULL) {
        return ch_error_memory(err, "a kernel file's key");
    }
    ch_code code = get(self, theirs, head->key_length, err);
    if (code != CH_OK) {
        goto out;
    }
    if (head->key_length != strlen(key) || memcmp(theirs, key, head->key_length) != 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "the kernel file %s is of other settings than its name says; " REMEDY,
                            self->path);
    }
out:
    free(theirs);
    return code;
}

/* Reads rows of the file, and copies the first of them.
 * @param rows        out: [num_rows][stride of the kernel]
 * @param row         [row_length] working space for one row of the file
 * @param row_length  entries of a row of the file, which may be more than those of the kernel */
static ch_code get_rows(stream *self, const ch_kernel *kernel, float *rows, size_t num_rows, size_t num_in_file,
                        float *row, size_t row_length, const ch_watch *watch, ch_error *err)
{
    for (size_t i = 0; i < num_in_file; i++) {
        if (ch_watch_is_stopped(watch)) {
            return stopped(err, "reading", self->path);
        }
        const ch_code code = get(self, row, row_length * sizeof *row, err);
        if (code != CH_OK) {
            return code;
        }
        if (i < num_rows) {
            memcpy(rows + i * kernel->stride, row, kernel->num_train * sizeof *row);
        }
    }
    return CH_OK;
}

static ch_code get_entries(stream *self, const header *head, ch_kernel *kernel, const ch_watch *watch, ch_error *err)
{
    float *row = ch_alloc_unset(head->num_train, sizeof *row);
    if (row == NULL) {
        return ch_error_memory(err, "a row of a kernel file");
    }
    ch_code code =
        get_rows(self, kernel, kernel->train, kernel->num_train, head->num_train, row, head->num_train, watch, err);
    if (code != CH_OK) {
        goto out;
    }
    code = get_rows(self, kernel, kernel->test, kernel->num_test, head->num_test, row, head->num_train, watch, err);
out:
    free(row);
    return code;
}

/* Reads the digest that ends the file, and checks it against all that was read before. */
static ch_code get_digest(stream *self, ch_error *err)
{
    uint8_t wanted[SHA256_DIGEST_SIZE], digest[SHA256_DIGEST_SIZE];
    sha256_digest(&self->hash, sizeof wanted, wanted);
    const ch_code code = get(self, digest, sizeof digest, err);
    if (code != CH_OK) {
        return code;
    }
    return memcmp(digest, wanted, sizeof digest) == 0 ? CH_OK : damaged(self->path, err);
}

/* Reads an open file. A file of fewer samples than wanted is no error: nothing is found then.
 * @param kernel  all zero; set where the kernel is found */
static ch_code read_from(stream *self, ch_kernel *kernel, const char *key, size_t num_train, size_t num_test,
                         const ch_watch *watch, bool *found, ch_error *err)
{
    header head;
    sha256_init(&self->hash);
    ch_code code = get_header(self, &head, err);
    if (code != CH_OK) {
        goto out;
    }
    code = get_key(self, &head, key, err);
    if (code != CH_OK || head.num_train < num_train || head.num_test < num_test) {
        goto out;
    }
    code = ch_kernel_init_unset(kernel, num_train, num_test, err);
    if (code != CH_OK) {
        goto out;
    }
    code = get_entries(self, &head, kernel, watch, err);
    if (code != CH_OK) {
        goto out;
    }
    code = get_digest(self, err);
    *found = code == CH_OK;
out:
    if (code != CH_OK) {
        ch_kernel_free(kernel);
    }
    return code;
}

ch_code ch_kernel_file_read(ch_kernel *self, const char *path, const char *key, size_t num_train, size_t num_test,
                            const ch_watch *watch, bool *found, ch_error *err)
{
    memset(self, 0, sizeof *self);
    *found = false;
    stream in = {.path = path, .file = fopen(path, "rbe")};
    if (in.file == NULL) {
        return errno == ENOENT ? CH_OK : cannot_read(path, err);
    }
    const ch_code code = read_from(&in, self, key, num_train, num_test, watch, found, err);
    fclose(in.file);
    return code;
}
