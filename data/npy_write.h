/* npy_write.h — writing arrays in NumPy's format. */
#ifndef CH_NPY_WRITE_H
#define CH_NPY_WRITE_H

#include "core/core.h"
#include "data/array.h"

/** Writes an array as an NPY file of version 1, in C's order. The file gets its name when all of it is written, and
 *  takes the place of one of that name.
 *  @param sizes    [num_sizes], 1 to CH_MOST_SIZES of them
 *  @param numbers  [product of the sizes] of `element`
 *  @return CH_OK; CH_ERROR_INPUT for a folder in which it cannot be made; CH_ERROR_IO, and then a file that was there
 *      before is as it was */
ch_code ch_npy_write(const char *path, ch_element element, const size_t *sizes, size_t num_sizes, const void *numbers,
                     ch_error *err) CH_MUST_CHECK;

#endif
