/* array_private.h — the formats that arrays are read from. Private to data/. */
#ifndef CH_ARRAY_PRIVATE_H
#define CH_ARRAY_PRIVATE_H

#include "data/array.h"

#include <stdio.h>

enum { CH_NAME_SIZE = 4096 + 256 };

/** The name of a file and that of an array in it. */
typedef struct {
    char file[CH_NAME_SIZE];
    const char *member; /* the array's name, within `whole`; NULL: none was given */
    const char *whole;  /* as the user wrote it; borrowed */
} ch_array_name;

/** Bytes that are read one after the other, whatever they come from. */
typedef struct ch_byte_source {
    /** Reads up to `size` bytes. @return the number read, fewer only at the end; SIZE_MAX after a failure, and `err`
     *  says which */
    size_t (*read)(void *from, void *bytes, size_t size, ch_error *err);
    void *from;
    const char *name; /* for messages; borrowed */
    uint64_t size;    /* number of bytes that there are; UINT64_MAX: not known */
} ch_byte_source;

/** Reads an NPY array from its beginning to its end, after which no byte may follow.
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_IO, CH_ERROR_MEMORY */
ch_code ch_npy_read(ch_array *self, const ch_byte_source *source, ch_error *err) CH_MUST_CHECK;

/** Reads the element and the sizes of an NPY array.
 *  @param is_fortran  out: whether the first size changes fastest
 *  @param swaps       out: whether the bytes of its numbers are in the other order */
ch_code ch_npy_read_header(ch_array *self, const ch_byte_source *source, bool *is_fortran, bool *swaps,
                           ch_error *err) CH_MUST_CHECK;

/** Reads an IDX array, as ch_npy_read does. */
ch_code ch_idx_read_array(ch_array *self, const ch_byte_source *source, ch_error *err) CH_MUST_CHECK;

/** Reads the numbers of an array whose element and sizes are known, after which no byte may follow. It allocates them
 *  once it is known that the source has so many, or piece by piece where its size is not known. */
ch_code ch_array_read_numbers(ch_array *self, const ch_byte_source *source, ch_error *err) CH_MUST_CHECK;

/** Reads an array of an NPZ file, which is a zip archive of NPY files.
 *  @param dimensions  as ch_array_read */
ch_code ch_npz_read(ch_array *self, const ch_array_name *name, size_t dimensions, ch_error *err) CH_MUST_CHECK;

/** Reads a data set of an HDF5 file. In a program that was built without HDF5 it refuses every file.
 *  @param dimensions  as ch_array_read */
ch_code ch_hdf5_read(ch_array *self, const ch_array_name *name, size_t dimensions, ch_error *err) CH_MUST_CHECK;

/** Names of arrays for a message, "images, labels, …". */
typedef struct {
    char text[300];
    size_t count;
} ch_array_list;

void ch_array_list_add(ch_array_list *self, const char *name);

/** Refuses a file in which it is not said which array is meant, or that has no array of that name.
 *  @param found  the arrays that there are */
ch_code ch_array_refuse_member(const ch_array_name *name, const ch_array_list *found, ch_error *err);

/** Whether an array of `num_sizes` sizes is one that ch_array_read looks for when none is named. */
static inline bool ch_array_may_be_meant(size_t num_sizes, size_t dimensions)
{
    return dimensions > 1 ? num_sizes >= dimensions : num_sizes == dimensions;
}

#endif
