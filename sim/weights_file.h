/* weights_file.h — the weights of a run as a file of NumPy's format, for programs such as PyTorch, and from them. */
#ifndef CH_WEIGHTS_FILE_H
#define CH_WEIGHTS_FILE_H

#include "core/core.h"

#include <stddef.h>

enum { CH_WEIGHTS_DIGEST_SIZE = 65 };

/** Writes numbers as an array of one dimension of float64, beside `path` first, and then gives the file that name.
 *  @param numbers  [count]
 *  @return CH_OK; CH_ERROR_IO with the file's name and what went wrong */
ch_code ch_weights_write(const char *path, const double *numbers, size_t count, ch_error *err) CH_MUST_CHECK;

/** Reads an array of float32 or float64, in C's order and little-endian, of any number of dimensions.
 *  @param numbers  out: [count], in the order in which they lie in the file; to be released with free()
 *  @param digest   out: the SHA-256 of the file, in hex
 *  @return CH_OK; CH_ERROR_INPUT for a file that is missing or another one, and for numbers that are not finite;
 *          CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_weights_read(const char *path, double **numbers, size_t *count, char digest[CH_WEIGHTS_DIGEST_SIZE],
                        ch_error *err) CH_MUST_CHECK;

#endif
