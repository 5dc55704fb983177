/* train_kernel.h — the tangent kernels that twins train on: read from a file where there is one, else computed. */
#ifndef CH_TRAIN_KERNEL_H
#define CH_TRAIN_KERNEL_H

#include "sim/train_set.h"

/** What a kernel file is kept under, all that its entries depend on but the number of training samples.
 *  @param settings  resolved, with the digest of their images
 *  @return to be released with free(); NULL when memory is short */
char *ch_train_kernel_key(const ch_settings *settings) __attribute__((warn_unused_result));

/** The kernel of a twin's training set, and ||w0||: from a file of the sources' folder, which needs no examples.
 *  @param found  out: false, and no kernel, where there is no folder, or no file with as many samples
 *  @return CH_OK; CH_ERROR_MEMORY; or as ch_kernel_cache_read */
ch_code ch_train_kernel_read(ch_train_set *self, const ch_settings *settings, const ch_sources *sources,
                             const ch_watch *watch, bool *found, ch_error *err) CH_MUST_CHECK;

/** The same from the set's examples, which it takes the place of; and into the sources' folder where there is one.
 *  @return CH_OK; CH_ERROR_INPUT; CH_ERROR_MEMORY; CH_ERROR_NUMERIC; CH_ERROR_INTERRUPTED; CH_ERROR_IO when the file
 *          cannot be written */
ch_code ch_train_kernel_make(ch_train_set *self, const ch_settings *settings, const ch_sources *sources, int threads,
                             const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** Bytes of a kernel with its examples and what it is made from, workspaces of threads apart: as it is made, and the
 *  least there is to be.
 *  @return SIZE_MAX when that overflows */
size_t ch_train_kernel_bytes(const ch_settings *settings, size_t num_samples);
size_t ch_train_kernel_least_bytes(const ch_settings *settings, size_t num_samples);

/** Refuses a kernel that does not fit, with what it takes at least, and the largest P that would.
 *  @param bytes  of memory there are
 *  @param code   what to return then, CH_ERROR_INPUT or CH_ERROR_MEMORY */
ch_code ch_train_kernel_check_memory(const ch_settings *settings, uint64_t num_samples, size_t bytes, ch_code code,
                                     ch_error *err) CH_MUST_CHECK;

#endif
