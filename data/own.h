/* own.h — samples and labels from files of the user's own. */
#ifndef CH_OWN_H
#define CH_OWN_H

#include "core/core.h"
#include "data/array.h"
#include "data/classes.h"
#include "data/examples.h"
#include "data/images.h"

#include <stddef.h>
#include <stdint.h>

/** The values of the setting `normalise`, in its order. */
typedef enum {
    CH_NORMALISE_NONE,    /* inputs are the file's numbers */
    CH_NORMALISE_FEATURE, /* every input number by the mean and the standard deviation that it has over the samples */
    CH_NORMALISE_POOL,    /* all numbers by the one mean and the one standard deviation of all of them */
} ch_normalise;

/** Names for the setting `normalise`; NULL from the end of the list on. */
const char *ch_normalise_name(uint64_t normalise);

/** All samples of a file, in its order, with their labels. */
typedef struct {
    ch_array numbers; /* [count][dim] as the file has them, each sample in the order NCHW; owned */
    int64_t *labels;  /* [count] as the file has them; owned */
    size_t count;     /* < 2^32 */
    ch_shape shape;   /* {d, 1, 1} of vectors, {1, rows, columns} of images without channels */
    size_t dim;
    ch_label_counts *counts;     /* the labels that there are; owned */
    char digest[CH_SHA256_SIZE]; /* SHA-256, in hex, of "file CHANNELS ROWS COLUMNS COUNT\n", the numbers in single
                                    precision where that holds all of them as they are, else in double, and the labels
                                    as 64-bit integers, all little-endian. It does not depend on the file's format */
} ch_own_pool;

/** Reads samples and labels.
 *
 *  The samples are an array [n][d] or [n] of vectors, [n][rows][columns] or [n][channels][rows][columns] of images. Of
 *  a table (CSV) every column but that of the labels is a number of a vector.
 *
 *  @param file    the samples: a file, or FILE:NAME of an array in it (data/array.h)
 *  @param labels  the labels, [n] or [n][1] integers: a file, or FILE:NAME, or the name or number of a column where
 *  `file` is a table. NULL: the labels are in `file` too, as the only array with one size, or the column of a table
 *  that is called label, class, target or y
 *  @return CH_OK; CH_ERROR_INPUT for files that ch_array_read refuses, another shape, NaN or infinities (the first is
 *      named), numbers beyond single precision, labels that are no integers or not as many as samples; CH_ERROR_IO;
 *      CH_ERROR_MEMORY */
ch_code ch_own_pool_init(ch_own_pool *self, const char *file, const char *labels, ch_error *err) CH_MUST_CHECK;
void ch_own_pool_free(ch_own_pool *self);

#endif
