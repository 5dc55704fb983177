/* weights_file.h — the weights that a run starts from, as a file of NumPy's format from programs such as PyTorch. */
#ifndef CH_WEIGHTS_FILE_H
#define CH_WEIGHTS_FILE_H

#include "core/core.h"
#include "models/architecture.h"

#include <stddef.h>

enum { CH_WEIGHTS_DIGEST_SIZE = 65 };

/** Reads an array of float32 or float64 of up to CH_MOST_SIZES dimensions, the last of which changes fastest.
 *  @param numbers  out: [count]; to be released with free()
 *  @param digest   out: the SHA-256 of the file, in hex
 *  @return CH_OK; CH_ERROR_INPUT for a file that is missing or another one, and for numbers that are not finite;
 *          CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_weights_read(const char *path, double **numbers, size_t *count, char digest[CH_WEIGHTS_DIGEST_SIZE],
                        ch_error *err) CH_MUST_CHECK;

/** The weights of a file, which runs start from. */
typedef struct ch_start {
    char *path;      /* the file as it was named; owned */
    double *numbers; /* [count] in NCHW order (models/architecture.h); owned */
    size_t count;
    char digest[CH_WEIGHTS_DIGEST_SIZE]; /* the SHA-256 of the file, in hex */
} ch_start;

/** Reads a file.
 *  @return as ch_weights_read */
ch_code ch_start_init(ch_start *self, const char *path, ch_error *err) CH_MUST_CHECK;
void ch_start_free(ch_start *self);

/** Refuses weights that are not as many as those of a network.
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_start_check(size_t count, const ch_architecture *architecture, ch_error *err) CH_MUST_CHECK;

#endif
