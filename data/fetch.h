/* fetch.h — downloading the original files of image sets. */
#ifndef CH_FETCH_H
#define CH_FETCH_H

#include "core/core.h"
#include "data/images.h"

#include <stddef.h>
#include <stdint.h>

/** Fetches the original files of a set that are missing into the folder `dir`/NAME, where NAME is the set's.
 *
 *  The folder is made if `dir` or its parent exists. CIFAR-10 comes as an archive, which is unpacked and removed.
 *
 *  @param from   the URL of a folder that has the same files; NULL stands for the set's own mirrors
 *  @param watch  gets the number of bytes of a file that have come; its stop flag ends the transfer, whose part then
 *                stays; may be NULL
 *  @return CH_OK; CH_ERROR_INTERRUPTED when stopped; CH_ERROR_IO when no mirror has a file, when a file there or one
 *          fetched is not the original, when an archive is damaged, when the disk is full, or when another process
 *          fetches the same file; CH_ERROR_INPUT for a path that is too long; CH_ERROR_MEMORY
 */
ch_code ch_fetch_images(ch_image_set set, const char *dir, const char *from, const ch_watch *watch,
                        ch_error *err) CH_MUST_CHECK;

#endif
