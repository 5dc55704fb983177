/* test_array.c — arrays of numbers from files that NumPy wrote, or that are written here byte by byte. */
#include "data/array.h"

#include "core/available.h"

#include "alloc_fail.h"
#include "store_support.h"
#include "support.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#ifdef CH_HAS_HDF5
#include <hdf5.h>
#endif

/* numpy.savez_compressed(x=(numpy.arange(12).reshape(3, 4) - 5).astype('<f4') / 4, y=numpy.array([3, 7, 3])), made by
 * NumPy 2.4 */
static const uint8_t npz_deflated[] = {
    0x50, 0x4b, 0x03, 0x04, 0x2d, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21, 0x00, 0x54, 0xa4, 0xea, 0x83, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0x00, 0x14, 0x00, 0x78, 0x2e, 0x6e, 0x70, 0x79, 0x01, 0x00, 0x10,
    0x00, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x67, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9b, 0xec,
    0x17, 0xea, 0x1b, 0x10, 0xc9, 0xc8, 0x50, 0xc6, 0x50, 0xad, 0x9e, 0x92, 0x5a, 0x9c, 0x5c, 0xa4, 0x6e, 0xa5, 0xa0,
    0x6e, 0x93, 0x66, 0xa2, 0xae, 0xa3, 0xa0, 0x9e, 0x96, 0x5f, 0x54, 0x52, 0x94, 0x98, 0x17, 0x9f, 0x5f, 0x94, 0x92,
    0x0a, 0x12, 0x77, 0x4b, 0xcc, 0x29, 0x4e, 0x05, 0x8a, 0x17, 0x67, 0x24, 0x16, 0xa4, 0x02, 0xf9, 0x1a, 0xc6, 0x3a,
    0x0a, 0x26, 0x9a, 0x3a, 0x0a, 0xb5, 0x0a, 0x64, 0x03, 0x2e, 0x06, 0x86, 0x05, 0xfb, 0x19, 0x18, 0x1a, 0x80, 0xd8,
    0x01, 0x88, 0x19, 0x40, 0xec, 0x7d, 0x0c, 0x60, 0xd0, 0x60, 0x07, 0x24, 0xec, 0x81, 0xe2, 0x40, 0xdc, 0x00, 0xc4,
    0x0b, 0x80, 0xf8, 0x80, 0x3d, 0x00, 0x50, 0x4b, 0x03, 0x04, 0x2d, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21,
    0x00, 0xa5, 0x80, 0x37, 0x2d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0x00, 0x14, 0x00, 0x79, 0x2e,
    0x6e, 0x70, 0x79, 0x01, 0x00, 0x10, 0x00, 0x98, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4c, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x9b, 0xec, 0x17, 0xea, 0x1b, 0x10, 0xc9, 0xc8, 0x50, 0xc6, 0x50, 0xad, 0x9e, 0x92, 0x5a,
    0x9c, 0x5c, 0xa4, 0x6e, 0xa5, 0xa0, 0x6e, 0x93, 0x69, 0xa1, 0xae, 0xa3, 0xa0, 0x9e, 0x96, 0x5f, 0x54, 0x52, 0x94,
    0x98, 0x17, 0x9f, 0x5f, 0x94, 0x92, 0x0a, 0x12, 0x77, 0x4b, 0xcc, 0x29, 0x4e, 0x05, 0x8a, 0x17, 0x67, 0x24, 0x16,
    0xa4, 0x02, 0xf9, 0x1a, 0xc6, 0x3a, 0x9a, 0x3a, 0x0a, 0xb5, 0x0a, 0x14, 0x00, 0x2e, 0x66, 0x06, 0x08, 0x60, 0x87,
    0xd2, 0x30, 0x3e, 0x00, 0x50, 0x4b, 0x01, 0x02, 0x2d, 0x03, 0x2d, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21,
    0x00, 0x54, 0xa4, 0xea, 0x83, 0x67, 0x00, 0x00, 0x00, 0xb0, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x00, 0x00, 0x00, 0x00, 0x78, 0x2e, 0x6e, 0x70, 0x79, 0x50, 0x4b,
    0x01, 0x02, 0x2d, 0x03, 0x2d, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21, 0x00, 0xa5, 0x80, 0x37, 0x2d, 0x4c,
    0x00, 0x00, 0x00, 0x98, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x80, 0x01, 0x9e, 0x00, 0x00, 0x00, 0x79, 0x2e, 0x6e, 0x70, 0x79, 0x50, 0x4b, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x02, 0x00, 0x66, 0x00, 0x00, 0x00, 0x21, 0x01, 0x00, 0x00, 0x00, 0x00,
};

static ch_array read_array(const char *name, size_t dimensions)
{
    ch_array array;
    ch_error err = {0};
    bool is_table = false;
    if (ch_array_read(&array, name, dimensions, &is_table, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_false(is_table);
    return array;
}

static void assert_unread(const char *name, size_t dimensions, const char *part)
{
    ch_array array;
    ch_error err = {0};
    bool is_table = false;
    assert_int_equal(ch_array_read(&array, name, dimensions, &is_table, &err), CH_ERROR_INPUT);
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, err.message);
    }
    assert_null(array.numbers);
}

/* Requires the array x of the comment above. */
static void assert_is_x(ch_array *array)
{
    assert_int_equal(array->num_sizes, 2);
    assert_int_equal(array->sizes[0], 3);
    assert_int_equal(array->sizes[1], 4);
    assert_int_equal(array->count, 12);
    for (size_t i = 0; i < 12; i++) {
        double real = NAN;
        ch_array_reals(array, i, 1, &real);
        assert_true(ch_array_real(array, i) == ((double)i - 5) * 0.25 && real == ch_array_real(array, i));
    }
    ch_array_free(array);
    ch_array_free(array);
}

/* Writes an NPY file of version 1. @param size  of the numbers, in bytes */
static const char *write_npy(const char *name, const char *header, const void *numbers, size_t size)
{
    char bytes[4096];
    const size_t length = strlen(header);
    memcpy(bytes, "\x93NUMPY\x01", 8);
    bytes[8] = (char)(length & 0xff);
    bytes[9] = (char)(length >> 8);
    memcpy(bytes + 10, header, length);
    memcpy(bytes + 10 + length, numbers, size);
    write_file(path_of(name), bytes, 10 + length + size);
    return path_of(name);
}

/* ---- NPY ---- */

static void test_npy(void **state)
{
    (void)state;
    float c[12], f[12];
    uint8_t big[12 * 8];
    for (size_t i = 0; i < 12; i++) {
        const double value = ((double)i - 5) * 0.25;
        uint64_t bits = 0;
        c[i] = (float)value;
        f[i % 4 * 3 + i / 4] = (float)value;
        memcpy(&bits, &value, sizeof bits);
        for (size_t k = 0; k < 8; k++) {
            big[8 * i + k] = (uint8_t)(bits >> (56 - 8 * k));
        }
    }
    ch_array array =
        read_array(write_npy("c.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }\n", c, sizeof c), 2);
    assert_int_equal(array.element, CH_ELEMENT_F32);
    assert_is_x(&array);
    array =
        read_array(write_npy("f.npy", "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }\n", f, sizeof f), 2);
    assert_is_x(&array);
    array =
        read_array(write_npy("b.npy", "{'shape':(3L,4L),'descr':\">f8\",'fortran_order':False}", big, sizeof big), 2);
    assert_int_equal(array.element, CH_ELEMENT_F64);
    assert_is_x(&array);
    gzFile zipped = gzopen(path_of("c.npy.gz"), "wb"); /* gzipped, whatever its name says */
    static char bytes[512];
    FILE *plain = fopen(path_of("c.npy"), "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, plain);
    fclose(plain);
    assert_int_equal(gzwrite(zipped, bytes, (unsigned)size), size);
    gzclose(zipped);
    array = read_array(path_of("c.npy.gz"), 2);
    assert_is_x(&array);
}

/* A Fortran array of three dimensions: element (i, j, k) is 100 i + 10 j + k. */
static void test_npy_fortran_cube(void **state)
{
    (void)state;
    uint8_t numbers[2 * 3 * 4];
    for (size_t at = 0; at < sizeof numbers; at++) {
        numbers[at] = (uint8_t)(100 * (at % 2) + 10 * (at / 2 % 3) + at / 6);
    }
    ch_array array = read_array(
        write_npy("x.npy", "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }\n", numbers, sizeof numbers),
        2);
    for (size_t at = 0; at < sizeof numbers; at++) {
        assert_true(ch_array_real(&array, at) == (double)(100 * (at / 12) + 10 * (at / 4 % 3) + at % 4));
    }
    ch_array_free(&array);
}

static void test_npy_types(void **state)
{
    (void)state;
    static const int8_t i1[] = {-128, 127};
    static const uint16_t u2[] = {0, 65535};
    static const int16_t i2[] = {-32768, 32767};
    static const uint32_t u4[] = {0, UINT32_MAX};
    static const int32_t i4[] = {INT32_MIN, INT32_MAX};
    static const uint64_t u8[] = {0, UINT64_MAX};
    static const int64_t i8[] = {INT64_MIN, INT64_MAX};
    static const uint8_t b1[] = {0, 1};
    static const struct {
        const char *type;
        const void *numbers;
        size_t size;
        double first, last;
        bool is_integer; /* the last one fits 64 bits with a sign */
    } cases[] = {
        {"|i1", i1, sizeof i1, -128, 127, true},
        {"<u2", u2, sizeof u2, 0, 65535, true},
        {"<i2", i2, sizeof i2, -32768, 32767, true},
        {"<u4", u4, sizeof u4, 0, UINT32_MAX, true},
        {"<i4", i4, sizeof i4, INT32_MIN, INT32_MAX, true},
        {"<u8", u8, sizeof u8, 0, 0x1p64, false},
        {"<i8", i8, sizeof i8, -0x1p63, 0x1p63, true},
        {"|b1", b1, sizeof b1, 0, 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        int64_t integer = 0;
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }\n", cases[i].type);
        ch_array array = read_array(write_npy("t.npy", header, cases[i].numbers, cases[i].size), 1);
        assert_true(ch_array_real(&array, 0) == cases[i].first);
        assert_true(ch_array_real(&array, 1) == cases[i].last);
        double reals[2] = {NAN, NAN};
        ch_array_reals(&array, 1, 1, reals + 1);
        assert_true(isnan(reals[0]) && reals[1] == cases[i].last);
        ch_array_reals(&array, 0, 1, reals);
        assert_true(reals[0] == cases[i].first && reals[1] == cases[i].last);
        assert_int_equal(ch_array_integer(&array, 1, &integer), cases[i].is_integer);
        ch_array_free(&array);
    }
}

static void test_npy_damaged(void **state)
{
    (void)state;
    static const double numbers[7] = {0};
    static const struct {
        const char *header;
        size_t size;
        const char *part;
    } cases[] = {
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", 40,
         "is truncated: it announces 6 numbers of 8 bytes, but 40 bytes are there"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", 49,
         "is damaged: it announces 6 numbers of 8 bytes, but more than 48 bytes are there"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 0), }\n", 0, "is empty: its size number 2 is 0"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", 8, "holds one number"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }\n", 8,
         "NumPy's type '<f2'; accepted are integers of 8 to 64 bits"},
        {"{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }\n", 16, "NumPy's type '<c16'"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", 16, "NumPy's type '|O'"},
        {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }\n", 8, "records of several fields"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1), }\n", 8, "has more than 4 dimensions"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 4000000000), }\n", 8,
         "holds over 10^19 bytes of numbers, but at most"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2500000000, 100), }\n", 8,
         "holds 2 TB of numbers, but at most"},
        {"{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,), }\n", 8, "is damaged: its NPY header"},
        {"{'descr': '<f8', 'shape': (1,), }\n", 8, "is damaged: its NPY header"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }\n", 8,
         "is damaged: its NPY header"},
        {"nothing\n", 8, "is damaged: its NPY header"},
        {"", 0, "is damaged: its NPY header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_unread(write_npy("d.npy", cases[i].header, numbers, cases[i].size), 2, cases[i].part);
    }
    write_file(path_of("short.npy"), "\x93NUMPY\x01\0\xff\0{", 11);
    assert_unread(path_of("short.npy"), 2, "it ends within its NPY header");
    write_npy("one.npy", cases[0].header, numbers, 48);
    char name[200];
    snprintf(name, sizeof name, "%s:x", path_of("one.npy"));
    assert_unread(name, 2, "has one array and none named 'x'");
}

/* A file of nearly all the memory that this process may have, which takes no room on the disk, is refused as input
 * before anything is allocated for it. */
static void test_large(void **state)
{
    (void)state;
    const size_t limit = ch_memory_limit(), size = limit - limit / 64;
    char header[128];
    if (limit > (size_t)1 << 42) {
        skip(); /* the system does not say what there is, or no file system holds such a file */
    }
    snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu,), }\n", size);
    const char *name = write_npy("large.npy", header, "", 0);
    struct stat status;
    assert_int_equal(stat(name, &status), 0);
    assert_int_equal(truncate(name, status.st_size + (off_t)size), 0);
    assert_unread(name, 1, "nine tenths of what is free");
}

/* ---- NPZ ---- */

static void test_npz(void **state)
{
    (void)state;
    char name[200];
    int64_t label = 0;
    write_file(path_of("xy.npz"), npz_deflated, sizeof npz_deflated);
    ch_array array = read_array(path_of("xy.npz"), 2); /* the only one of two dimensions */
    assert_is_x(&array);
    snprintf(name, sizeof name, "%s:x", path_of("xy.npz"));
    array = read_array(name, 1);
    assert_is_x(&array);
    array = read_array(path_of("xy.npz"), 1); /* the only one of one */
    assert_int_equal(array.count, 3);
    assert_true(ch_array_integer(&array, 1, &label));
    assert_int_equal(label, 7);
    ch_array_free(&array);
    snprintf(name, sizeof name, "%s:z", path_of("xy.npz"));
    assert_unread(name, 2, "has no array 'z' of numbers; there are x, y");
    assert_unread(path_of("xy.npz"), 3, "none that fits, and none is named; accepted is FILE:NAME with one of x, y");
    write_file(path_of("cut.npz"), npz_deflated, 100);
    assert_unread(path_of("cut.npz"), 2, "cut.npz");
}

/* ---- IDX ---- */

static void test_idx(void **state)
{
    (void)state;
    static const uint8_t shorts[] = {0, 0, 0x0B, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xfe, 1, 0};
    static const uint8_t floats[] = {0, 0, 0x0D, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0};
    static const uint8_t unknown[] = {0, 0, 0x0A, 1, 0, 0, 0, 1, 5}, cut[] = {0, 0, 8, 2, 0, 0};
    write_file(path_of("s"), shorts, sizeof shorts);
    ch_array array = read_array(path_of("s"), 2);
    assert_int_equal(array.num_sizes, 2);
    assert_true(ch_array_real(&array, 0) == -2);
    assert_true(ch_array_real(&array, 1) == 256);
    ch_array_free(&array);
    write_file(path_of("f"), floats, sizeof floats);
    array = read_array(path_of("f"), 1);
    assert_true(ch_array_real(&array, 0) == 1.5);
    ch_array_free(&array);
    write_file(path_of("s"), shorts, sizeof shorts - 1);
    assert_unread(path_of("s"), 2, "is truncated: it announces 2 numbers of 2 bytes, but 3 bytes are there");
    write_file(path_of("u"), unknown, sizeof unknown);
    assert_unread(path_of("u"), 1, "has the IDX type 0x0a in 1 dimensions");
    write_file(path_of("u"), cut, sizeof cut);
    assert_unread(path_of("u"), 1, "it ends within its IDX header");
}

/* ---- HDF5 ---- */

static void test_hdf5(void **state)
{
    (void)state;
#ifdef CH_HAS_HDF5
    const hsize_t sizes[] = {3, 4}, three = 3;
    double x[12];
    static const short y[] = {3, 7, -3};
    char name[200];
    int64_t label = 0;
    for (size_t i = 0; i < 12; i++) {
        x[i] = ((double)i - 5) * 0.25;
    }
    const hid_t file = H5Fcreate(path_of("xy.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t group = H5Gcreate2(file, "deep", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, sizes, NULL), line = H5Screate_simple(1, &three, NULL);
    const hid_t set = H5Dcreate2(file, "images", H5T_IEEE_F64BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t labels = H5Dcreate2(group, "y", H5T_STD_I16BE, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    assert_true(H5Dwrite(labels, H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, y) >= 0);
    H5Dclose(set);
    H5Dclose(labels);
    H5Sclose(space);
    H5Sclose(line);
    H5Gclose(group);
    H5Fclose(file);
    ch_array array = read_array(path_of("xy.h5"), 2);
    assert_is_x(&array);
    snprintf(name, sizeof name, "%s:/images", path_of("xy.h5"));
    array = read_array(name, 2);
    assert_is_x(&array);
    snprintf(name, sizeof name, "%s:deep/y", path_of("xy.h5"));
    array = read_array(name, 1);
    assert_true(ch_array_integer(&array, 2, &label));
    assert_int_equal(label, -3);
    ch_array_free(&array);
    snprintf(name, sizeof name, "%s:/none", path_of("xy.h5"));
    assert_unread(name, 2, "has no array '/none' of numbers; there are ");
    assert_true(truncate(path_of("xy.h5"), 100) == 0);
    assert_unread(path_of("xy.h5"), 2, "HDF5 cannot open it");
#else
    write_file(path_of("xy.h5"), "\x89HDF\r\n\x1a\n", 8);
    assert_unread(path_of("xy.h5"), 2,
                  "is an HDF5 file, which this program was built without; accepted is a build with");
#endif
}

/* ---- tables ---- */

/* Writes a text and reads it as a table. */
static ch_code read_table(const char *text, const char *column, ch_array *table, ch_array *labels, ch_error *err)
{
    write_file(path_of("t.csv"), text, strlen(text));
    return ch_array_read_csv(table, labels, path_of("t.csv"), column, err);
}

static void test_csv(void **state)
{
    (void)state;
    static const struct {
        const char *text, *column;
    } cases[] = {
        {"a,b,label\n1,2.5,7\n-3,1e3,8\n", NULL},
        {"a;b;LABEL\r\n1;2.5;7\r\n-3;1000;8\r\n", NULL},
        {"label\ta\tb\n7\t1\t2.5\n\n8\t-3\t1000", NULL},
        {"# a b label\n1 2.5 7\n-3  1000 8\n", NULL},
        {"# a remark, with commas\n1,2.5,7\n# another\n-3,1000,8\n", "-1"},
        {"1,2.5,7\n-3,1000.000,8\n", "3"},
        {"\xEF\xBB\xBF\"the, label\",a,b\n\"7\",+1, 2.50000 \n8,-3,1000\n", "the, label"},
        {"a,7,b\n1,7,2.5\n-3,8,1000\n", "7"}, /* the name of a column comes before its number */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_array table, labels;
        ch_error err = {0};
        if (read_table(cases[i].text, cases[i].column, &table, &labels, &err) != CH_OK) {
            fail_msg("case %zu: %s", i, err.message);
        }
        static const double wanted[] = {1, 2.5, -3, 1000};
        assert_int_equal(table.sizes[0], 2);
        assert_int_equal(table.sizes[1], 2);
        for (size_t k = 0; k < 4; k++) {
            assert_true(ch_array_real(&table, k) == wanted[k]);
        }
        assert_int_equal(labels.count, 2);
        assert_int_equal(((const int64_t *)labels.numbers)[0], 7);
        assert_int_equal(((const int64_t *)labels.numbers)[1], 8);
        ch_array_free(&table);
        ch_array_free(&labels);
    }
}

/* Numbers are the nearest doubles, as the C library reads them. */
static void test_csv_numbers(void **state)
{
    (void)state;
    static const char *const numbers[] = {"0.1",
                                          "-0.3",
                                          "123456789012345",
                                          "0.123456789012345",
                                          "1e-300",
                                          "3.14159265358979323846",
                                          "1234567890123456789",
                                          ".5",
                                          "5.",
                                          "-0",
                                          "2.2250738585072014e-308",
                                          "12345.678901234567"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ch_array table, labels;
        ch_error err = {0};
        char text[64];
        snprintf(text, sizeof text, "%s\n", numbers[i]);
        assert_int_equal(read_table(text, "", &table, &labels, &err), CH_OK);
        assert_int_equal(table.count, 1);
        const double wanted = strtod(numbers[i], NULL);
        assert_memory_equal(table.numbers, &wanted, sizeof wanted);
        ch_array_free(&table);
    }
}

static void test_csv_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *column, *part;
    } cases[] = {
        {"", NULL, "is empty"},
        {"# nothing\n", NULL, "is empty"},
        {"a,b\n1,2\n", NULL, "data_labels is not set, but "},
        {"a,b\n1,2\n", NULL, "2 columns, a,b, none of which is called label, class, target or y"},
        {"1,2\n", "c", "data_labels is 'c', but "},
        {"1,2\n", "3", "has 2 columns and no names of them"},
        {"a,label\n", NULL, "has a first line of names and no numbers"},
        {"a,label\n1,2\n3\n", NULL, "line 3: it has fewer columns than the first line, 2"},
        {"a,label\n1,2\n\n3,4,5\n", NULL, "line 4: it has more columns than the first line, 2"},
        {"a,label\n1,2\nx,4\n", NULL, "line 3, column 1: 'x' is no number"},
        {"a,label\n1,2\n,4\n", NULL, "line 3, column 1: '' is no number"},
        {"a,label\n1,2\n2^3,4\n", NULL, "line 3, column 1: '2^3' is no number"},
        {"a,label\n1,2.5\n", NULL, "line 2, column 2: '2.5' is no label; accepted are integers"},
        {"a,label\n1,nan\n", NULL, "line 2, column 2: 'nan' is no label"},
        {"label\n1\n", NULL, "has labels and nothing else"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_array table, labels;
        ch_error err = {0};
        assert_int_equal(read_table(cases[i].text, cases[i].column, &table, &labels, &err), CH_ERROR_INPUT);
        if (strstr(err.message, cases[i].part) == NULL) {
            fail_msg("\"%s\" is not in: %s", cases[i].part, err.message);
        }
        assert_null(table.numbers);
        assert_null(labels.numbers);
    }
}

/* A gzipped table that is whole is read; one that ends too early, or whose checksum is wrong, is refused and named. */
static void test_csv_gzipped(void **state)
{
    (void)state;
    ch_array table, labels;
    ch_error err = {0};
    uint8_t bytes[256];
    gzFile zipped = gzopen(path_of("t.csv.gz"), "wb");
    assert_int_equal(gzwrite(zipped, "1,2\n3,4\n5,6\n", 12), 12);
    assert_int_equal(gzclose(zipped), Z_OK);
    assert_int_equal(ch_array_read_csv(&table, &labels, path_of("t.csv.gz"), "", &err), CH_OK);
    assert_int_equal(table.count, 6);
    ch_array_free(&table);
    ch_array_free(&labels);
    FILE *file = fopen(path_of("t.csv.gz"), "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(size > 20 && size < sizeof bytes);
    write_file(path_of("t.csv.gz"), bytes, size - 4); /* all text is there, but the stream has no end */
    assert_int_equal(ch_array_read_csv(&table, &labels, path_of("t.csv.gz"), "", &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "t.csv.gz is truncated: its gzip stream has no end"));
    bytes[size - 6] ^= 1;
    write_file(path_of("t.csv.gz"), bytes, size);
    assert_int_equal(ch_array_read_csv(&table, &labels, path_of("t.csv.gz"), "", &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "t.csv.gz is damaged: its gzip stream is not valid"));
}

/* ---- all ---- */

static void test_no_file(void **state)
{
    (void)state;
    assert_unread(path_of("none"), 2, "cannot be read: No such file or directory");
    assert_unread(folder, 2, "is not a file");
    write_file(path_of("empty"), "", 0);
    assert_unread(path_of("empty"), 2, "is empty; accepted is NPY, NPZ, IDX, HDF5 or CSV, plain or gzipped");
    write_file(path_of("what"),
               "\x7f"
               "ELF\0\0\0",
               7);
    assert_unread(path_of("what"), 2, "is of no known kind");
    ch_array array;
    ch_error err = {0};
    bool is_table = false;
    write_file(path_of("t"), "1,2\n", 4);
    assert_int_equal(ch_array_read(&array, path_of("t"), 2, &is_table, &err), CH_OK);
    assert_true(is_table);
    assert_null(array.numbers);
}

static void test_memory(void **state)
{
    (void)state;
    static const double numbers[6] = {0};
    char path[200];
    ch_array array, labels;
    ch_error err;
    long failed = 0;
    bool is_table = false;
    snprintf(path, sizeof path, "%s",
             write_npy("m.npy", "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n", numbers, 48));
    assert_failures_are_told(failed, ch_array_read(&array, path, 2, &is_table, &err), err, ch_array_free(&array));
    assert_true(failed >= 3); /* header, numbers, transposed numbers */
    ch_array_free(&array);
    assert_failures_are_told(failed, read_table("a,label\n1,2\n", NULL, &array, &labels, &err), err,
                             (ch_array_free(&array), ch_array_free(&labels)));
    assert_true(failed >= 3); /* text, numbers, labels */
    ch_array_free(&array);
    ch_array_free(&labels);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_npy),         WITH_FOLDER(test_npy_fortran_cube),
        WITH_FOLDER(test_csv_gzipped), WITH_FOLDER(test_npy_types),
        WITH_FOLDER(test_npy_damaged), WITH_FOLDER(test_npz),
        WITH_FOLDER(test_large),       WITH_FOLDER(test_idx),
        WITH_FOLDER(test_hdf5),        WITH_FOLDER(test_csv),
        WITH_FOLDER(test_csv_numbers), WITH_FOLDER(test_csv_refusals),
        WITH_FOLDER(test_no_file),     WITH_FOLDER(test_memory),
    };
    return cmocka_run_group_tests_name("arrays", tests, NULL, NULL);
}
