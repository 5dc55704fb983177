/* array.h — an array of numbers as a file has it, before anything is made of it. */
#ifndef CH_ARRAY_H
#define CH_ARRAY_H

#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Types of numbers. */
typedef enum {
    CH_ELEMENT_U8,
    CH_ELEMENT_I8,
    CH_ELEMENT_U16,
    CH_ELEMENT_I16,
    CH_ELEMENT_U32,
    CH_ELEMENT_I32,
    CH_ELEMENT_U64,
    CH_ELEMENT_I64,
    CH_ELEMENT_F32,
    CH_ELEMENT_F64,
} ch_element;

/** Bytes of one number. */
size_t ch_element_size(ch_element element);

enum { CH_MOST_SIZES = 4 }; /* dimensions of an array */

/** An array of numbers. */
typedef struct {
    ch_element element;
    size_t num_sizes;
    size_t sizes[CH_MOST_SIZES]; /* the last one changes fastest */
    size_t count;                /* product of the sizes */
    void *numbers;               /* [count] of `element`, in this machine's byte order; owned */
} ch_array;

void ch_array_free(ch_array *self);

/** Sets element, sizes and count, and allocates the numbers, which are not initialised.
 *  @param name  the file's, for messages
 *  @return CH_OK; CH_ERROR_INPUT for a size of 0, and when the numbers take more memory than can be had;
 *      CH_ERROR_MEMORY */
ch_code ch_array_init(ch_array *self, ch_element element, const size_t *sizes, size_t num_sizes, const char *name,
                      ch_error *err) CH_MUST_CHECK;

/** Brings numbers of the other byte order to this machine's. */
void ch_array_swap_bytes(ch_array *self);

/** Brings numbers whose first size changes fastest (Fortran's order) into this order.
 *  @param name  the file's, for messages
 *  @return CH_OK; CH_ERROR_INPUT when a second copy takes more memory than can be had; CH_ERROR_MEMORY */
ch_code ch_array_transpose(ch_array *self, const char *name, ch_error *err) CH_MUST_CHECK;

/** Number i < count as a double; integers beyond 2^53 are rounded. */
double ch_array_real(const ch_array *self, size_t i);

/** Numbers first … first + num - 1, all below count, as doubles: the same as from ch_array_real, in less time.
 *  @param reals  out: [num] */
void ch_array_reals(const ch_array *self, size_t first, size_t num, double *reals);

/** Number i < count as an integer.  @return whether it is one that 64 bits hold */
bool ch_array_integer(const ch_array *self, size_t i, int64_t *integer);

/** Reads an array of numbers from a file. What a file is, is found out from its first bytes; a gzipped file is read as
 *  what it holds.
 *
 *  - NPY: integers of 8 to 64 bits, logical values, and floating point of 32 or 64 bits, in either byte order, in C's
 *  or Fortran's order.
 *  - NPZ: "FILE:NAME" means the array NAME of it, stored or deflated.
 *  - IDX: all its types.
 *  - HDF5: "FILE:/PATH" means a data set of it.
 *  - text: CSV, see ch_array_read_csv.
 *
 *  @param name        the file, with the array's name after a colon where it is given
 *  @param dimensions  where no array is named: the array to take is the only one with this number of sizes, or more if
 *                     it is over 1
 *  @param is_table    out: the file is CSV, and was not read
 *  @return CH_OK; CH_ERROR_INPUT for a file that is missing, damaged, of another kind, or has no such array, and for
 *      one that does not fit in memory; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_array_read(ch_array *self, const char *name, size_t dimensions, bool *is_table, ch_error *err) CH_MUST_CHECK;

/** Reads a table: lines of numbers between commas, semicolons or tabs. The first line may be a header.
 *
 *  @param name    the file
 *  @param column  which column has the labels: its name in the header, or its number, 1 being the first and -1 the
 *  last. NULL: the column that the header calls label, class, target or y. An empty text: no column has labels
 *  @param table   out: [lines][columns without the labels] of doubles
 *  @param labels  out: [lines] of 64-bit integers; left empty where no column has labels
 *  @return as ch_array_read; CH_ERROR_INPUT also for lines of different lengths, fields that are no numbers, and labels
 *      that are no integers: line and column are in the sentence */
ch_code ch_array_read_csv(ch_array *table, ch_array *labels, const char *name, const char *column,
                          ch_error *err) CH_MUST_CHECK;

#endif
