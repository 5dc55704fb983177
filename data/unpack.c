/* unpack.c — unpacking files of an archive. */
#include "data/fetch.h"

#include "core/text.h"
#include "data/archive.h"
#include "data/fetch_private.h"
#include "data/part.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = 1 << 16, READ_BLOCK = 1 << 18 };

static ch_code damaged(const ch_archive *archive, const char *path, ch_error *err)
{
    const char *reason = archive->archive_error_string(archive->handle);
    if (archive->archive_errno(archive->handle) == ENOMEM) {
        return ch_error_memory(err, "unpacking an archive");
    }
    return ch_error_set(err, CH_ERROR_IO, "%s cannot be unpacked: %s", path,
                        reason != NULL ? reason : "the archive is damaged, or there is not enough memory");
}

/* Writes the content of the archive's current entry to the part. */
static ch_code copy(const ch_archive *archive, const char *path, ch_part *part, uint64_t total, const ch_fetch_how *how,
                    ch_error *err)
{
    char block[BLOCK];
    uint64_t done = 0;
    la_ssize_t got = 0;
    while ((got = archive->archive_read_data(archive->handle, block, sizeof block)) > 0) {
        if (ch_watch_is_stopped(how->watch)) {
            return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped; the same command goes on from %s", path);
        }
        done += (uint64_t)got;
        if (part->file->most > 0 && done > part->file->most) {
            return ch_error_set(err, CH_ERROR_IO, "%s of %s is not the original: it has more than %s", part->file->name,
                                path, ch_show_bytes(part->file->most).text);
        }
        if (!ch_part_write(part, block, (size_t)got)) {
            return ch_part_failure(part, err);
        }
        ch_part_tell_progress(how->watch, part->file->name, done, total);
    }
    return got < 0 ? damaged(archive, path, err) : CH_OK;
}

static ch_code unpack_entry(const ch_archive *archive, const char *path, const char *folder, const ch_fetch_file *file,
                            uint64_t total, const ch_fetch_how *how, ch_error *err)
{
    ch_part part;
    char md5[CH_MD5_SIZE];
    bool done = false;
    ch_code code = ch_part_is_done(folder, file, &done, err);
    if (code != CH_OK || done) {
        return code;
    }
    code = ch_part_open(&part, folder, file, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_part_restart(&part, err);
    if (code != CH_OK) {
        goto out;
    }
    code = copy(archive, path, &part, total, how, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_part_finish(&part, &done, md5, err);
    if (code != CH_OK) {
        goto out;
    }
    if (!done) {
        code = ch_error_set(err, CH_ERROR_IO, "%s of %s is not the original: its MD5 is %s, the original's %s",
                            file->name, path, md5, file->md5);
    }
out:
    if (code != CH_OK) {
        ch_part_discard(&part);
    }
    ch_part_close(&part);
    return code;
}

/* The file that an entry of the archive holds, found by its name without folders; NULL for a file that is not wanted.
 */
static const ch_fetch_file *file_of(const ch_archive *archive, struct archive_entry *entry, const ch_fetch_file *files,
                                    size_t num_files)
{
    const char *path = archive->archive_entry_pathname(entry);
    if (path == NULL || archive->archive_entry_filetype(entry) != AE_IFREG) {
        return NULL;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    for (size_t i = 0; i < num_files; i++) {
        if (strcmp(name, files[i].name) == 0) {
            return &files[i];
        }
    }
    return NULL;
}

static ch_code unpack_all(const ch_archive *archive, const char *path, const char *folder, const ch_fetch_file *files,
                          size_t num_files, const ch_fetch_how *how, ch_error *err)
{
    struct archive_entry *entry = NULL;
    int status = ARCHIVE_OK;
    if (archive->archive_read_open_filename(archive->handle, path, READ_BLOCK) != ARCHIVE_OK) {
        return damaged(archive, path, err);
    }
    while ((status = archive->archive_read_next_header(archive->handle, &entry)) == ARCHIVE_OK ||
           status == ARCHIVE_WARN) {
        const ch_fetch_file *file = file_of(archive, entry, files, num_files);
        const ch_code code = file != NULL ? unpack_entry(archive, path, folder, file,
                                                         (uint64_t)archive->archive_entry_size(entry), how, err)
                                          : CH_OK;
        if (code != CH_OK) {
            return code;
        }
    }
    return status == ARCHIVE_EOF ? CH_OK : damaged(archive, path, err);
}

ch_code ch_fetch_unpack(const char *archive, const char *folder, const ch_fetch_file *files, size_t num_files,
                        const ch_fetch_how *how, ch_error *err)
{
    ch_archive reader;
    ch_code code = ch_archive_init(&reader, "archives cannot be unpacked", "an archive", err);
    if (code != CH_OK) {
        return code;
    }
    if (reader.archive_read_support_filter_all(reader.handle) < ARCHIVE_WARN ||
        reader.archive_read_support_format_all(reader.handle) < ARCHIVE_WARN) {
        ch_archive_free(&reader);
        return ch_error_memory(err, "an archive");
    }
    code = unpack_all(&reader, archive, folder, files, num_files, how, err);
    ch_archive_free(&reader);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < num_files; i++) {
        bool done = false;
        code = ch_part_is_done(folder, &files[i], &done, err);
        if (code != CH_OK) {
            return code;
        }
        if (!done) {
            return ch_error_set(err, CH_ERROR_IO, "%s has no file %s", archive, files[i].name);
        }
    }
    return CH_OK;
}
