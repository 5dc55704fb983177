/* fetch.h — getting the original files of image sets. */
#ifndef CH_FETCH_H
#define CH_FETCH_H

#include "core/core.h"
#include "data/images.h"

#include <stddef.h>
#include <stdint.h>

/** A file that is known by its checksum. */
typedef struct {
    const char *name; /* in its folder, at the mirrors, and in an archive after the last '/' */
    const char *md5;
} ch_fetch_file;

/** How to fetch. */
typedef struct {
    const char *const *mirrors; /* NULL-terminated URLs of folders, at least one, tried in turn */
    const ch_watch *watch;      /* who is told how many bytes of a file have come, and may end the transfer; or NULL */
} ch_fetch_how;

/** Downloads a file to folder/NAME, unless it is there.
 *
 *  Bytes go to folder/NAME.part, which a later call, or the next mirror, goes on from; it gets its name once its MD5 is
 *  right and it is on the disk. A file of that name with another MD5 is left alone. A part that turns out wrong is
 *  fetched once more from its start; what is wrong even so is removed.
 *
 *  @return CH_OK; CH_ERROR_INTERRUPTED when stopped, the part being kept; CH_ERROR_IO when no mirror has the file,
 *          another MD5 is there or came, the disk is full, or another process fetches the same; CH_ERROR_INPUT for a
 *          path that is too long; CH_ERROR_MEMORY
 */
ch_code ch_fetch_download(const char *folder, const ch_fetch_file *file, const ch_fetch_how *how,
                          ch_error *err) CH_MUST_CHECK;

/** Unpacks files of an archive (any that libarchive reads) into a folder, each as ch_fetch_download names it.
 *  @return as ch_fetch_download; CH_ERROR_IO also when the archive is damaged or lacks one of the files */
ch_code ch_fetch_unpack(const char *archive, const char *folder, const ch_fetch_file *files, size_t num_files,
                        const ch_fetch_how *how, ch_error *err) CH_MUST_CHECK;

/** Downloads an archive, unpacks its files and removes it, unless all files are there.
 *  @return as ch_fetch_unpack; the archive is kept when unpacking fails */
ch_code ch_fetch_archive(const char *folder, const ch_fetch_file *archive, const ch_fetch_file *files, size_t num_files,
                         const ch_fetch_how *how, ch_error *err) CH_MUST_CHECK;

/** Fetches what is missing of a set's originals into `dir`/NAME, which is made where `dir` or its parent is there.
 *
 *  CIFAR-10 comes as an archive, which is unpacked and removed.
 *
 *  @param from  NULL: from the set's own mirrors; else the URL of a folder that has the same files
 *  @param how   `mirrors` is not looked at
 *  @return as ch_fetch_download
 */
ch_code ch_fetch_images(ch_image_set set, const char *dir, const char *from, const ch_fetch_how *how,
                        ch_error *err) CH_MUST_CHECK;

#endif
