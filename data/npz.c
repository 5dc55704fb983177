/* npz.c — NPZ files: zip archives of NPY files. */
#include "data/array_private.h"

#include "core/memory.h"
#include "data/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READ_BLOCK = 1 << 18 };

static ch_code damaged(const ch_archive *archive, const char *path, ch_error *err)
{
    const char *reason = archive->archive_error_string(archive->handle);
    if (archive->archive_errno(archive->handle) == ENOMEM) {
        return ch_error_memory(err, "reading an NPZ file");
    }
    return ch_error_set(err, CH_ERROR_INPUT, "%s cannot be unpacked: %s", path,
                        reason != NULL ? reason : "the archive is damaged, or there is not enough memory");
}

static size_t read_entry(void *from, void *bytes, size_t size, ch_error *err)
{
    const ch_archive *archive = from;
    size_t have = 0;
    while (have < size) {
        const la_ssize_t got = archive->archive_read_data(archive->handle, (char *)bytes + have, size - have);
        if (got < 0) {
            (void)!damaged(archive, "an NPZ file", err);
            return SIZE_MAX;
        }
        if (got == 0) {
            break;
        }
        have += (size_t)got;
    }
    return have;
}

/* Opens the archive; after a failure there is nothing to close. */
static ch_code open_archive(ch_archive *archive, const char *path, ch_error *err)
{
    ch_code code = ch_archive_init(archive, "NPZ files cannot be read", "reading an NPZ file", err);
    if (code != CH_OK) {
        return code;
    }
    if (archive->archive_read_support_format_zip(archive->handle) < ARCHIVE_WARN ||
        archive->archive_read_open_filename(archive->handle, path, READ_BLOCK) != ARCHIVE_OK) {
        code = damaged(archive, path, err);
        ch_archive_free(archive);
    }
    return code;
}

/* The name of an array, which is the entry's without its ending; an empty one where the entry is no array. */
static void array_name(const ch_archive *archive, struct archive_entry *entry, char *name, size_t size)
{
    const char *path = archive->archive_entry_pathname(entry);
    const size_t length = path != NULL ? strlen(path) : 0;
    name[0] = '\0';
    if (length > 4 && length < size && strcmp(path + length - 4, ".npy") == 0) {
        memcpy(name, path, length - 4);
        name[length - 4] = '\0';
    }
}

/* Goes on to the next array.  @return ARCHIVE_OK or ARCHIVE_EOF, else a failure */
static int next_array(const ch_archive *archive, char *name, size_t size, uint64_t *bytes)
{
    struct archive_entry *entry = NULL;
    int status = ARCHIVE_OK;
    do {
        status = archive->archive_read_next_header(archive->handle, &entry);
        if (status == ARCHIVE_WARN) {
            status = ARCHIVE_OK;
        }
        if (status == ARCHIVE_OK) {
            array_name(archive, entry, name, size);
            *bytes =
                archive->archive_entry_size_is_set(entry) ? (uint64_t)archive->archive_entry_size(entry) : UINT64_MAX;
        }
    } while (status == ARCHIVE_OK && name[0] == '\0');
    return status;
}

/* Lists the arrays that may be meant.
 * @param found  out: their names
 * @param only   out: [CH_NAME_SIZE] the name of the only one that may be meant; empty where there is none or several */
static ch_code find_array(const ch_array_name *name, size_t dimensions, ch_array_list *found, char *only, ch_error *err)
{
    size_t fitting = 0;
    char here[CH_NAME_SIZE];
    uint64_t bytes = 0;
    int status = ARCHIVE_OK;
    ch_archive archive;
    ch_code code = open_archive(&archive, name->file, err);
    only[0] = '\0';
    if (code != CH_OK) {
        return code;
    }
    while ((status = next_array(&archive, here, sizeof here, &bytes)) == ARCHIVE_OK) {
        ch_array array = {0};
        bool is_fortran = false, swaps = false;
        const ch_byte_source source = {read_entry, &archive, name->file, bytes};
        ch_array_list_add(found, here);
        const bool is_named = name->member != NULL && strcmp(name->member, here) == 0;
        const bool is_array =
            name->member == NULL && ch_npy_read_header(&array, &source, &is_fortran, &swaps, NULL) == CH_OK;
        if (is_named || (is_array && ch_array_may_be_meant(array.num_sizes, dimensions))) {
            strcpy(only, here);
            fitting++;
        }
    }
    if (status != ARCHIVE_EOF) {
        code = damaged(&archive, name->file, err);
    }
    if (fitting != 1) {
        only[0] = '\0';
    }
    ch_archive_free(&archive);
    return code;
}

ch_code ch_npz_read(ch_array *self, const ch_array_name *name, size_t dimensions, ch_error *err)
{
    ch_array_list found = {.count = 0};
    char wanted[CH_NAME_SIZE], here[CH_NAME_SIZE];
    uint64_t bytes = 0;
    int status = ARCHIVE_OK;
    ch_code code = find_array(name, dimensions, &found, wanted, err);
    if (code != CH_OK) {
        return code;
    }
    if (wanted[0] == '\0') {
        return ch_array_refuse_member(name, &found, err);
    }
    ch_archive archive;
    code = open_archive(&archive, name->file, err);
    if (code != CH_OK) {
        return code;
    }
    while ((status = next_array(&archive, here, sizeof here, &bytes)) == ARCHIVE_OK && strcmp(here, wanted) != 0) {
    }
    if (status != ARCHIVE_OK) {
        code = damaged(&archive, name->file, err);
        goto out;
    }
    const ch_byte_source source = {read_entry, &archive, name->whole, bytes};
    code = ch_npy_read(self, &source, err);
    if (code != CH_OK) {
        ch_array_free(self);
    }
out:
    ch_archive_free(&archive);
    return code;
}
