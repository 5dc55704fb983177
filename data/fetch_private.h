/* fetch_private.h — downloading and unpacking single files, of which a set of images is made. Private to data/. */
#ifndef CH_FETCH_PRIVATE_H
#define CH_FETCH_PRIVATE_H

#include "data/fetch.h"

/** A file that is known by its checksum. */
typedef struct {
    const char *name; /* its name in the folder, at the mirrors, and in an archive after the last '/' */
    const char *md5;
    uint64_t most; /* bytes that it may have; what is larger is not fetched. 0: any number */
} ch_fetch_file;

/** How to fetch. */
typedef struct {
    const char *const *mirrors; /* URLs of folders, one or more, ended by NULL; they are tried in turn */
    const ch_watch *watch;      /* gets the number of bytes that have come; its stop flag ends the transfer; or NULL */
} ch_fetch_how;

/** Downloads a file to folder/NAME, unless the file is there already.
 *
 *  The bytes are written to folder/NAME.part. Where a download was broken off, the next mirror or a later call
 *  continues the part. It is renamed to NAME once its MD5 is right and its bytes are on the disk. A file NAME that has
 *  another MD5 is never changed. A continued part whose MD5 is wrong is fetched once more from its start; if its MD5 is
 *  wrong then too, it is removed.
 *
 *  @return CH_OK; CH_ERROR_INTERRUPTED when stopped, and the part stays; CH_ERROR_IO when no mirror has the file, when
 *          the file there or the one fetched has another MD5, when it is larger than it may be, when the disk is full,
 *  or when another process fetches the same file; CH_ERROR_INPUT for a path that is too long; CH_ERROR_MEMORY
 */
ch_code ch_fetch_download(const char *folder, const ch_fetch_file *file, const ch_fetch_how *how,
                          ch_error *err) CH_MUST_CHECK;

/** Unpacks files of an archive, of any format that libarchive reads, into a folder. Each is written as a part and
 *  renamed as ch_fetch_download does it.
 *  @return as ch_fetch_download; CH_ERROR_IO also when the archive is damaged or lacks one of the files */
ch_code ch_fetch_unpack(const char *archive, const char *folder, const ch_fetch_file *files, size_t num_files,
                        const ch_fetch_how *how, ch_error *err) CH_MUST_CHECK;

/** Downloads an archive, unpacks its files and removes the archive. It does nothing where all the files are there.
 *  @return as ch_fetch_unpack; the archive stays where unpacking fails */
ch_code ch_fetch_archive(const char *folder, const ch_fetch_file *archive, const ch_fetch_file *files, size_t num_files,
                         const ch_fetch_how *how, ch_error *err) CH_MUST_CHECK;

#endif
