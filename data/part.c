/* part.c — a file under download: NAME.part until its MD5 is right, then NAME. */
#include "data/part.h"

#include "data/fetch_private.h"
#include "data/gz.h"
#include "data/images_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void ch_part_tell_progress(const ch_watch *watch, const char *name, uint64_t done, uint64_t total)
{
    const ch_watch_report report = {
        .what = name,
        .unit = "bytes",
        .done = done,
        .total = total,
        .share = total > 0 ? (double)done / (double)total : 0,
    };
    ch_watch_progress(watch, &report);
}

/* Whether a file, plain or gzipped, is a web page. A file that cannot be read is none. */
static bool is_page(const char *path)
{
    enum { LOOKED_AT = 256 };
    uint8_t bytes[LOOKED_AT];
    size_t got = 0;
    ch_gz file;
    const bool is_read = ch_gz_open(&file, path, NULL) == CH_OK;
    if (is_read) {
        (void)!ch_gz_read(&file, bytes, sizeof bytes, &got, NULL); /* of a damaged stream the first bytes will do */
    }
    ch_gz_close(&file);
    return ch_is_web_page(bytes, got);
}

ch_code ch_part_is_done(const char *folder, const ch_fetch_file *file, bool *done, ch_error *err)
{
    char path[PATH_MAX], md5[CH_MD5_SIZE];
    struct stat status;
    *done = false;
    ch_code code = ch_path_join(path, folder, file->name, err);
    if (code != CH_OK) {
        return code;
    }
    if (lstat(path, &status) != 0 && errno == ENOENT) {
        return CH_OK;
    }
    code = ch_md5_file(path, md5, err);
    if (code != CH_OK) {
        return code;
    }
    if (strcmp(md5, file->md5) != 0 && is_page(path)) {
        return ch_error_set(err, CH_ERROR_IO,
                            "%s is there, but is a web page (HTML) in place of the file; move it away first", path);
    }
    if (strcmp(md5, file->md5) != 0) {
        return ch_error_set(
            err, CH_ERROR_IO,
            "%s is there, but is not the original: its MD5 is %s, the original's %s; move it away first", path, md5,
            file->md5);
    }
    *done = true;
    return CH_OK;
}

/* Locks the part against other processes. Another process may have renamed it after it was opened here and before it
 * was locked; then what is open is no longer what the name stands for, and is refused. */
static ch_code lock(ch_part *self, ch_error *err)
{
    struct stat opened, named;
    if (flock(self->descriptor, LOCK_EX | LOCK_NB) != 0 || fstat(self->descriptor, &opened) != 0 ||
        stat(self->part, &named) != 0 || opened.st_ino != named.st_ino || opened.st_dev != named.st_dev) {
        return ch_error_set(err, CH_ERROR_IO, "%s is being written by another process", self->part);
    }
    return CH_OK;
}

ch_code ch_part_open(ch_part *self, const char *folder, const ch_fetch_file *file, ch_error *err)
{
    char name[64];
    memset(self, 0, sizeof *self);
    self->folder = folder;
    self->file = file;
    self->descriptor = -1;
    snprintf(name, sizeof name, "%s.part", file->name);
    ch_code code = ch_path_join(self->path, folder, file->name, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_path_join(self->part, folder, name, err);
    if (code != CH_OK) {
        return code;
    }
    self->descriptor = open(self->part, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (self->descriptor < 0) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be written: %s", self->part, strerror(errno));
    }
    code = lock(self, err);
    if (code != CH_OK) {
        close(self->descriptor);
        self->descriptor = -1;
    }
    return code;
}

uint64_t ch_part_size(const ch_part *self)
{
    struct stat status;
    return fstat(self->descriptor, &status) == 0 ? (uint64_t)status.st_size : 0;
}

bool ch_part_is_page(const ch_part *self)
{
    return is_page(self->part);
}

ch_code ch_part_restart(ch_part *self, ch_error *err)
{
    if (ftruncate(self->descriptor, 0) != 0) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be written: %s", self->part, strerror(errno));
    }
    return CH_OK;
}

bool ch_part_write(ch_part *self, const void *bytes, size_t size)
{
    const char *next = bytes;
    while (size > 0) {
        const ssize_t count = write(self->descriptor, next, size);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            self->reason = errno;
            return false;
        }
        next += count;
        size -= (size_t)count;
    }
    return true;
}

ch_code ch_part_failure(const ch_part *self, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_IO, "%s cannot be written: %s", self->part, strerror(self->reason));
}

/* Writes the folder to the disk, so that the new name outlives a loss of power. Some file systems cannot do that; the
 * file is complete all the same, so this does not fail. */
static void sync_folder(const char *folder)
{
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
}

ch_code ch_part_finish(ch_part *self, bool *right, char md5[CH_MD5_SIZE], ch_error *err)
{
    *right = false;
    const ch_code code = ch_md5_file(self->part, md5, err);
    if (code != CH_OK || strcmp(md5, self->file->md5) != 0) {
        return code;
    }
    *right = true;
    if (fsync(self->descriptor) != 0 || rename(self->part, self->path) != 0) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be written: %s", self->path, strerror(errno));
    }
    sync_folder(self->folder);
    close(self->descriptor);
    self->descriptor = -1;
    return CH_OK;
}

void ch_part_discard(ch_part *self)
{
    if (self->descriptor >= 0) {
        (void)unlink(self->part);
        close(self->descriptor);
        self->descriptor = -1;
    }
}

void ch_part_close(ch_part *self)
{
    if (self->descriptor >= 0 && ch_part_size(self) == 0) {
        ch_part_discard(self);
    } else if (self->descriptor >= 0) {
        close(self->descriptor);
        self->descriptor = -1;
    }
}
