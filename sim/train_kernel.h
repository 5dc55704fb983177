/* train_kernel.h — the tangent kernels that twins train on: read from a file where there is one, else computed. */
#ifndef CH_TRAIN_KERNEL_H
#define CH_TRAIN_KERNEL_H

#include "sim/train_set.h"

/** The key of a kernel file: everything that its entries depend on but the number of training samples.
 *  @param resolved  with the digest of its images
 *  @return to be released with free(); NULL when memory is short */
char *ch_train_kernel_key(const ch_resolved *resolved) __attribute__((warn_unused_result));

/** Reads the kernel of a twin's training set from a file of the sources' folder, and computes ||w0||. No examples are
 *  needed.
 *  @param found  out: false, and no kernel, where there is no folder, or no file with as many samples
 *  @return CH_OK; CH_ERROR_MEMORY; or as ch_kernel_file_read */
ch_code ch_train_kernel_read(ch_train_set *self, const ch_resolved *resolved, const ch_sources *sources,
                             const ch_watch *watch, bool *found, ch_error *err) CH_MUST_CHECK;

/** Computes the kernel and ||w0|| from the set's examples, frees the examples, and writes the kernel into the sources'
 *  folder where there is one.
 *  @return CH_OK; CH_ERROR_INPUT; CH_ERROR_MEMORY; CH_ERROR_NUMERIC; CH_ERROR_INTERRUPTED; CH_ERROR_IO when the file
 *          cannot be written */
ch_code ch_train_kernel_make(ch_train_set *self, const ch_resolved *resolved, const ch_sources *sources, int threads,
                             const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** Bytes of a kernel, of its examples, and of all else that it is made from, without the workspaces of threads. The
 *  first function gives the number with which it is made, the second the least with which it can be made.
 *  @return SIZE_MAX when that overflows */
size_t ch_train_kernel_bytes(const ch_resolved *resolved, size_t num_samples);
size_t ch_train_kernel_least_bytes(const ch_resolved *resolved, size_t num_samples);

/** Refuses a kernel that does not fit so many bytes of memory, with the least that it takes and the largest P that
 *  would fit.
 *  @param code  what to return then, CH_ERROR_INPUT or CH_ERROR_MEMORY */
ch_code ch_train_kernel_check_memory(const ch_resolved *resolved, uint64_t num_samples, size_t bytes, ch_code code,
                                     ch_error *err) CH_MUST_CHECK;

#endif
