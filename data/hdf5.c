/* hdf5.c — data sets of HDF5 files. */
#include "data/array_private.h"

#ifdef CH_HAS_HDF5

#include "core/library.h"

#include <hdf5.h>
#include <string.h>

/* ---- the library ---- */

#define HDF5_NAMES(X)                                                                                                  \
    X(H5open)                                                                                                          \
    X(H5Dclose)                                                                                                        \
    X(H5Dget_space)                                                                                                    \
    X(H5Dget_type)                                                                                                     \
    X(H5Dopen2)                                                                                                        \
    X(H5Dread)                                                                                                         \
    X(H5Eget_auto2)                                                                                                    \
    X(H5Eset_auto2)                                                                                                    \
    X(H5Fclose)                                                                                                        \
    X(H5Fopen)                                                                                                         \
    X(H5Iget_type)                                                                                                     \
    X(H5Lvisit)                                                                                                        \
    X(H5Oclose)                                                                                                        \
    X(H5Oopen)                                                                                                         \
    X(H5Sclose)                                                                                                        \
    X(H5Sget_simple_extent_dims)                                                                                       \
    X(H5Sget_simple_extent_ndims)                                                                                      \
    X(H5Tclose)                                                                                                        \
    X(H5Tcopy)                                                                                                         \
    X(H5Tget_class)                                                                                                    \
    X(H5Tget_sign)                                                                                                     \
    X(H5Tget_size)                                                                                                     \
    X(H5Tget_super)                                                                                                    \
    X(H5T_NATIVE_FLOAT_g)                                                                                              \
    X(H5T_NATIVE_DOUBLE_g)                                                                                             \
    X(H5T_NATIVE_INT8_g)                                                                                               \
    X(H5T_NATIVE_INT16_g)                                                                                              \
    X(H5T_NATIVE_INT32_g)                                                                                              \
    X(H5T_NATIVE_INT64_g)                                                                                              \
    X(H5T_NATIVE_UINT8_g)                                                                                              \
    X(H5T_NATIVE_UINT16_g)                                                                                             \
    X(H5T_NATIVE_UINT32_g)                                                                                             \
    X(H5T_NATIVE_UINT64_g)

typedef struct {
    HDF5_NAMES(CH_LIBRARY_MEMBER)
} hdf5;

static ch_code load(hdf5 *lib, ch_error *err)
{
#ifdef CH_FILE_OF_hdf5
    static const char *const names[] = {HDF5_NAMES(CH_LIBRARY_NAME)};
    const ch_code code =
        ch_library_load(CH_FILE_OF_hdf5, "HDF5 files cannot be read", names, sizeof names / sizeof *names, lib, err);
    if (code != CH_OK) {
        return code;
    }
#else
    *lib = (hdf5){HDF5_NAMES(CH_LIBRARY_ADDRESS)};
#endif
    return lib->H5open() >= 0 ? CH_OK : ch_error_memory(err, "HDF5");
}

/* HDF5's constants call the library to initialise it, as load does. */
#undef H5CHECK
#define H5CHECK
#undef H5OPEN
#define H5OPEN

/* HDF5 prints its errors unless it is told not to. What was set before is set again when the file is closed. */
typedef struct {
    H5E_auto2_t print;
    void *data;
    hid_t file;
} opened;

static opened open_quietly(const hdf5 *lib, const char *path)
{
    opened self = {.file = H5I_INVALID_HID};
    lib->H5Eget_auto2(H5E_DEFAULT, &self.print, &self.data);
    lib->H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    self.file = lib->H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return self;
}

static void close_again(const hdf5 *lib, opened *self)
{
    if (self->file >= 0) {
        lib->H5Fclose(self->file);
    }
    lib->H5Eset_auto2(H5E_DEFAULT, self->print, self->data);
}

/* ---- which data set ---- */

/* The class of a data set's numbers; that of an enumeration, as h5py writes logical values, is an integer. */
static H5T_class_t class_of(const hdf5 *lib, hid_t type)
{
    const H5T_class_t class = lib->H5Tget_class(type);
    return class == H5T_ENUM ? H5T_INTEGER : class;
}

static bool is_of_numbers(const hdf5 *lib, hid_t set)
{
    const hid_t type = lib->H5Dget_type(set);
    const H5T_class_t class = class_of(lib, type);
    lib->H5Tclose(type);
    return class == H5T_INTEGER || class == H5T_FLOAT;
}

static int num_sizes_of(const hdf5 *lib, hid_t set)
{
    const hid_t space = lib->H5Dget_space(set);
    const int count = lib->H5Sget_simple_extent_ndims(space);
    lib->H5Sclose(space);
    return count;
}

typedef struct {
    const hdf5 *lib;
    size_t dimensions, fitting;
    ch_array_list found;
    char only[CH_NAME_SIZE];
} search;

static herr_t look(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    search *self = data;
    const hdf5 *lib = self->lib;
    (void)info;
    const hid_t set = lib->H5Oopen(group, name, H5P_DEFAULT);
    if (set < 0) {
        return 0; /* a link that leads nowhere */
    }
    if (lib->H5Iget_type(set) == H5I_DATASET && is_of_numbers(lib, set)) {
        const int count = num_sizes_of(lib, set);
        char path[CH_NAME_SIZE];
        snprintf(path, sizeof path, "/%s", name);
        ch_array_list_add(&self->found, path);
        if (count > 0 && ch_array_may_be_meant((size_t)count, self->dimensions)) {
            strcpy(self->only, path);
            self->fitting++;
        }
    }
    lib->H5Oclose(set);
    return 0;
}

/* Opens the data set that is named, or else the only one that may be meant.
 * @param set  out: to be closed where it is >= 0 */
static ch_code open_set(const hdf5 *lib, hid_t file, const ch_array_name *name, size_t dimensions, hid_t *set,
                        ch_error *err)
{
    search all = {.lib = lib, .dimensions = dimensions};
    *set = H5I_INVALID_HID;
    if (name->member != NULL) {
        *set = lib->H5Dopen2(file, name->member, H5P_DEFAULT);
        if (*set >= 0 && is_of_numbers(lib, *set)) {
            return CH_OK;
        }
    }
    if (lib->H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, look, &all) < 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is damaged: HDF5 cannot list its data sets", name->file);
    }
    if (name->member != NULL || all.fitting != 1) {
        return ch_array_refuse_member(name, &all.found, err);
    }
    *set = lib->H5Dopen2(file, all.only, H5P_DEFAULT);
    return *set >= 0 ? CH_OK
                     : ch_error_set(err, CH_ERROR_INPUT, "%s is damaged: HDF5 cannot open %s", name->file, all.only);
}

/* ---- its numbers ---- */

/* The element that holds a type's numbers, and its name in HDF5; HDF5 converts byte orders and other widths. */
static ch_element element_of(const hdf5 *lib, hid_t type, hid_t *memory)
{
    const size_t size = lib->H5Tget_size(type);
    if (class_of(lib, type) == H5T_FLOAT) {
        *memory = size <= 4 ? *lib->H5T_NATIVE_FLOAT_g : *lib->H5T_NATIVE_DOUBLE_g;
        return size <= 4 ? CH_ELEMENT_F32 : CH_ELEMENT_F64;
    }
    const hid_t base = lib->H5Tget_class(type) == H5T_ENUM ? lib->H5Tget_super(type) : lib->H5Tcopy(type);
    const bool is_signed = lib->H5Tget_sign(base) != H5T_SGN_NONE;
    lib->H5Tclose(base);
    const hid_t types[] = {*lib->H5T_NATIVE_UINT8_g,  *lib->H5T_NATIVE_INT8_g,   *lib->H5T_NATIVE_UINT16_g,
                           *lib->H5T_NATIVE_INT16_g,  *lib->H5T_NATIVE_UINT32_g, *lib->H5T_NATIVE_INT32_g,
                           *lib->H5T_NATIVE_UINT64_g, *lib->H5T_NATIVE_INT64_g};
    const size_t which = 2 * (size == 1 ? 0U : size == 2 ? 1U : size <= 4 ? 2U : 3U) + is_signed;
    *memory = types[which];
    return (ch_element)which;
}

static ch_code read_set(ch_array *self, const hdf5 *lib, hid_t set, const ch_array_name *name, ch_error *err)
{
    hsize_t extents[H5S_MAX_RANK];
    size_t sizes[CH_MOST_SIZES] = {0};
    const int count = num_sizes_of(lib, set);
    if (count < 1 || count > CH_MOST_SIZES) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s has %d dimensions; accepted are 1 to %d", name->whole, count,
                            CH_MOST_SIZES);
    }
    const hid_t space = lib->H5Dget_space(set);
    lib->H5Sget_simple_extent_dims(space, extents, NULL);
    lib->H5Sclose(space);
    for (int i = 0; i < count; i++) {
        sizes[i] = (size_t)extents[i];
    }
    const hid_t type = lib->H5Dget_type(set);
    hid_t memory = H5I_INVALID_HID;
    const ch_element element = element_of(lib, type, &memory);
    const bool is_enum = lib->H5Tget_class(type) == H5T_ENUM;
    /* an enumeration is read as what it is, and then has the bytes of its integers */
    const hid_t as = is_enum ? type : memory;
    ch_code code = ch_array_init(self, element, sizes, (size_t)count, name->whole, err);
    if (code == CH_OK && lib->H5Dread(set, as, H5S_ALL, H5S_ALL, H5P_DEFAULT, self->numbers) < 0) {
        code = ch_error_set(
            err, CH_ERROR_INPUT,
            "%s: HDF5 cannot read its numbers, which are damaged, or packed by a filter that is not here", name->whole);
    }
    lib->H5Tclose(type);
    return code;
}

ch_code ch_hdf5_read(ch_array *self, const ch_array_name *name, size_t dimensions, ch_error *err)
{
    hid_t set = H5I_INVALID_HID;
    hdf5 lib;
    ch_code code = load(&lib, err);
    if (code != CH_OK) {
        return code;
    }
    opened in = open_quietly(&lib, name->file);
    if (in.file < 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "%s is damaged: HDF5 cannot open it", name->file);
        goto out;
    }
    code = open_set(&lib, in.file, name, dimensions, &set, err);
    if (code != CH_OK) {
        goto out;
    }
    code = read_set(self, &lib, set, name, err);
out:
    if (set >= 0) {
        lib.H5Dclose(set);
    }
    if (code != CH_OK) {
        ch_array_free(self);
    }
    close_again(&lib, &in);
    return code;
}

#else

ch_code ch_hdf5_read(ch_array *self, const ch_array_name *name, size_t dimensions, ch_error *err)
{
    (void)self;
    (void)dimensions;
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "%s is an HDF5 file, which this program was built without; accepted is a build with libhdf5 (make "
        "deps brings it), or NPY, NPZ, IDX or CSV",
        name->file);
}

#endif
