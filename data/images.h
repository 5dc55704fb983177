/* images.h — MNIST, CIFAR-10, Fashion-MNIST and KMNIST: pools of images from files. */
#ifndef CH_IMAGES_H
#define CH_IMAGES_H

#include "core/core.h"
#include "data/examples.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The known sets of images. */
typedef enum {
    CH_IMAGES_MNIST,
    CH_IMAGES_CIFAR10,
    CH_IMAGES_FASHION_MNIST,
    CH_IMAGES_KMNIST,
    CH_NUM_IMAGE_SETS
} ch_image_set;

/** "mnist", "cifar10", "fashion_mnist" or "kmnist". */
const char *ch_image_set_name(ch_image_set set);

/** Finds the set that has a name.  @return CH_OK; CH_ERROR_INPUT with the nearest name in the message */
ch_code ch_image_set_find(const char *name, ch_image_set *set, ch_error *err) CH_MUST_CHECK;

enum { CH_NUM_CLASSES = 10, CH_SHA256_SIZE = 65, CH_MD5_SIZE = 33 };

/** Where images come from, and how many of them occur more than once. */
typedef struct {
    size_t num_files;    /* files that were read */
    size_t num_others;   /* of these, files that are not the authors' originals, by their MD5 */
    size_t num_images;   /* images in all files together */
    size_t num_repeated; /* of these, images with the pixels of an earlier one */
    size_t num_opposed;  /* of these, images of another class than the first with these pixels */
} ch_image_origin;

/** What a user of the images should know of their origin, as one sentence without a full stop.
 *  @param sentence  [size] out: "" where every file is an original and no image occurs twice */
void ch_image_origin_describe(const ch_image_origin *self, char *sentence, size_t size);

/** All images of a set that were found. Their order is that of the original files, training files first. */
typedef struct {
    ch_image_set set;
    ch_shape shape;
    size_t count;                     /* < 2^32 */
    uint8_t *pixels;                  /* [count][channels x rows x columns], each image in the order NCHW; owned */
    uint8_t *classes;                 /* [count] 0 … 9; owned */
    size_t per_class[CH_NUM_CLASSES]; /* number of images of each class */
    char digest[CH_SHA256_SIZE];      /* SHA-256, in hex, of "NAME CHANNELS ROWS COLUMNS COUNT\n", pixels and classes */
    ch_image_origin origin;
} ch_image_pool;

/** Reads the files of a set that are there, plain or gzipped. Some of the files may be missing.
 *
 *  The files are looked for in `dir`/NAME, in `dir`, and in the folders that other programs unpack to. Only the first
 *  of these folders that holds one of the files is used. The files have their original names. Each file of MNIST's
 *  images needs its file of labels, and the reverse.
 *
 *  @return CH_OK; CH_ERROR_INPUT when no file is there, one of a pair is missing, or a file is damaged (it has another
 *          format, is truncated, has trailing bytes, counts that differ, or classes over 9); CH_ERROR_IO when a file
 *          cannot be read; CH_ERROR_MEMORY
 */
ch_code ch_image_pool_init(ch_image_pool *self, ch_image_set set, const char *dir, ch_error *err) CH_MUST_CHECK;
void ch_image_pool_free(ch_image_pool *self);

/** How a law of images makes inputs and labels. It is the member `images` of ch_law. */
typedef struct ch_image_task {
    ch_image_set set;
    double mean, deviation;        /* an input is (p - mean) / deviation, where p is the pixel, 0 to 255; with a
                                      deviation of 0 both are those of the images that are read */
    int8_t labels[CH_NUM_CLASSES]; /* the label of each class, +1 or -1; zeroes in a law whose labels a rule says */
} ch_image_task;

/** The shape of a set's images. */
ch_shape ch_image_set_shape(ch_image_set set);

/** The first law that uses the images of a set. Every set has one. */
ch_law_kind ch_image_set_law(ch_image_set set);

enum { CH_MAX_IMAGE_FILES = 6, CH_IMAGE_NAME_SIZE = 40, CH_PATH_SIZE = 4096 };

/** One of a set's files. */
typedef struct {
    char name[CH_IMAGE_NAME_SIZE]; /* its name in the folder; where it is missing, the name of the original */
    bool found;
    size_t records; /* number of images or labels; 0 where the file is missing, as are the numbers below */
    uint64_t bytes; /* size of the file as it is on the disk */
    char md5[CH_MD5_SIZE];
    bool original; /* whether its MD5 is that of the original */
    bool is_known; /* whether the MD5 of the original is known; of an unpacked file it may not be */
} ch_image_file;

/** A report on the files of a set that were found. It is plain data. */
typedef struct {
    char folder[CH_PATH_SIZE]; /* where the files are */
    ch_image_file files[CH_MAX_IMAGE_FILES];
    size_t num_files; /* number of files of the set, found or not */
    size_t count;     /* number of images in the pool */
    size_t per_class[CH_NUM_CLASSES];
    size_t positive; /* number of images that the set's law labels +1 */
    char digest[CH_SHA256_SIZE];
    ch_image_origin origin;
} ch_image_report;

/** Reads a set as ch_image_pool_init does, and reports on it.  @return as ch_image_pool_init */
ch_code ch_image_report_make(ch_image_report *self, ch_image_set set, const char *dir, ch_error *err) CH_MUST_CHECK;

#endif
