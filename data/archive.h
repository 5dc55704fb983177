/* archive.h — reading archives by libarchive, which is loaded when the first is read. Private to data/. */
#ifndef CH_ARCHIVE_H
#define CH_ARCHIVE_H

#include "core/library.h"

#include <archive.h>
#include <archive_entry.h>

#define CH_ARCHIVE_FUNCTIONS(X)                                                                                        \
    X(archive_read_new)                                                                                                \
    X(archive_read_free)                                                                                               \
    X(archive_read_support_filter_all)                                                                                 \
    X(archive_read_support_format_all)                                                                                 \
    X(archive_read_support_format_zip)                                                                                 \
    X(archive_read_open_filename)                                                                                      \
    X(archive_read_next_header)                                                                                        \
    X(archive_read_data)                                                                                               \
    X(archive_entry_pathname)                                                                                          \
    X(archive_entry_filetype)                                                                                          \
    X(archive_entry_size)                                                                                              \
    X(archive_entry_size_is_set)                                                                                       \
    X(archive_errno)                                                                                                   \
    X(archive_error_string)

/** An archive that is read, and libarchive's functions, by their own names. */
typedef struct {
    CH_ARCHIVE_FUNCTIONS(CH_LIBRARY_MEMBER)
    struct archive *handle; /* owned */
} ch_archive;

/** Prepares an archive to be opened by libarchive's functions.
 *  @param purpose  as of ch_library_load
 *  @param memory   what it is wanted for, for the message when memory is short
 *  @return CH_OK; CH_ERROR_IO as ch_library_load; CH_ERROR_MEMORY */
ch_code ch_archive_init(ch_archive *self, const char *purpose, const char *memory, ch_error *err) CH_MUST_CHECK;
/** Closes the archive. Legal once, after ch_archive_init has returned CH_OK. */
void ch_archive_free(ch_archive *self);

#endif
