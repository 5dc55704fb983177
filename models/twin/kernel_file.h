/* kernel_file.h — kernels of twins on disk, so that they are computed once.
 *
 * A file is a header, the key, the rows of the training and then of the test samples without padding, and the SHA-256
 * of all before it. Numbers are in this machine's format; a file of another kind of machine is refused.
 */
#ifndef CH_KERNEL_FILE_H
#define CH_KERNEL_FILE_H

#include "models/twin/kernel.h"

#include <stdbool.h>

/** Which file a kernel is kept in: FOLDER/kernel-DIGEST, by the SHA-256 of the key.
 *  @param key  all that the entries depend on but the number of training samples: the architecture, w0's seed, the
 *              law or the digest of the data, and the version of the results
 *  @return the path, to be released with free(); NULL when memory is short */
char *ch_kernel_file_path(const char *folder, const char *key) __attribute__((warn_unused_result));

/** Makes a folder for kernel files, unless it is there.
 *  @return CH_OK; CH_ERROR_INPUT for a name that is empty or not a folder's; CH_ERROR_IO for a folder that cannot be
 *  made, read or written */
ch_code ch_kernel_file_make_folder(const char *folder, ch_error *err) CH_MUST_CHECK;

/** Writes a kernel to a file beside `path`, down to the disk, and then gives it that name: a reader finds the old file
 *  or the new one, whole. Several processes may do so at once; threads of one process may not.
 *  @param watch  its stop flag ends the work; may be NULL
 *  @return CH_OK; CH_ERROR_IO; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_kernel_file_write(const ch_kernel *kernel, const char *path, const char *key, const ch_watch *watch,
                             ch_error *err) CH_MUST_CHECK;

/** Reads the first `num_train` samples of a kernel, and the first `num_test` rows of its test samples.
 *  @param found  out: false, and no kernel, where there is no such file or it has fewer samples
 *  @return CH_OK, also where nothing is found; CH_ERROR_IO for a file that is damaged or cannot be read; CH_ERROR_INPUT
 *          for one that is something else, or of another key, version or kind of machine; CH_ERROR_MEMORY;
 *          CH_ERROR_INTERRUPTED. Then there is no kernel either. */
ch_code ch_kernel_file_read(ch_kernel *self, const char *path, const char *key, size_t num_train, size_t num_test,
                            const ch_watch *watch, bool *found, ch_error *err) CH_MUST_CHECK;

#endif
