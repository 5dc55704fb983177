/* save.c — puts a report into a file, which is there whole or not at all. */
#define _GNU_SOURCE 1 /* asprintf */
#include "core/obstacle.h"
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a file begins as a report does, or is empty. */
static bool may_be_replaced(const char *path)
{
    char begin[sizeof CH_REPORT_BEGINNING] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    const size_t length = fread(begin, 1, sizeof begin - 1, file);
    const bool is_read = ferror(file) == 0;
    fclose(file);
    return is_read && (length == 0 || strcmp(begin, CH_REPORT_BEGINNING) == 0);
}

ch_code ch_report_check_path(const char *path, ch_error *err)
{
    struct stat status;
    if (path[0] == '\0') {
        return ch_error_set(err, CH_ERROR_INPUT, "the name of a report's file is empty");
    }
    const ch_obstacle obstacle = ch_find_obstacle(path);
    if (obstacle.text[0] != '\0') {
        return ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, obstacle.text);
    }
    if (stat(path, &status) != 0) {
        return errno == ENOENT ? CH_OK
                               : ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: it is a folder, and a report is one file", path);
    }
    if (!S_ISREG(status.st_mode) || !may_be_replaced(path)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "cannot write %s: it is there and is no report of chiton, which alone are replaced", path);
    }
    return CH_OK;
}

/* Writes the page into a file of its own. */
static ch_code write_part(const ch_report_source *source, const char *part, const char *path, ch_error *err)
{
    FILE *file = fopen(part, "wxe");
    if (file == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "cannot write %s: %s", path, strerror(errno));
    }
    ch_code code = ch_report_write(source, file, err);
    errno = 0;
    const bool is_whole = fflush(file) == 0 && ferror(file) == 0 && fsync(fileno(file)) == 0;
    const int failure = errno;
    if (fclose(file) != 0 || !is_whole) {
        code = code != CH_OK ? code
                             : ch_error_set(err, CH_ERROR_IO, "cannot write %s: %s", path,
                                            failure != 0 ? strerror(failure) : "the disk may be full");
    }
    return code;
}

ch_code ch_report_save(const ch_report_source *source, const char *path, ch_error *err)
{
    char *part = NULL;
    ch_code code = ch_report_check_path(path, err);
    if (code != CH_OK) {
        return code;
    }
    if (asprintf(&part, "%s.%ld.part", path, (long)getpid()) < 0) {
        return ch_error_memory(err, "a file name");
    }
    code = write_part(source, part, path, err);
    if (code != CH_OK) {
        goto out;
    }
    if (rename(part, path) != 0) {
        code = ch_error_set(err, CH_ERROR_IO, "cannot write %s: %s", path, strerror(errno));
    }
out:
    if (code != CH_OK) {
        unlink(part);
    }
    free(part);
    return code;
}
