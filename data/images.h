/* images.h — MNIST and CIFAR-10: pools of images from files, and labelled examples drawn from a pool. */
#ifndef CH_IMAGES_H
#define CH_IMAGES_H

#include "core/core.h"
#include "data/examples.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { CH_IMAGES_MNIST, CH_IMAGES_CIFAR10, CH_NUM_IMAGE_SETS } ch_image_set;

/** "mnist" or "cifar10". */
const char *ch_image_set_name(ch_image_set set);

/** The set of a name.  @return CH_OK; CH_ERROR_INPUT with the nearest name in the message */
ch_code ch_image_set_find(const char *name, ch_image_set *set, ch_error *err) CH_MUST_CHECK;

enum { CH_NUM_CLASSES = 10, CH_SHA256_SIZE = 65, CH_MD5_SIZE = 33 };

/** All images of a set that are at hand, in a fixed order: that of the originals, training files first. */
typedef struct {
    ch_image_set set;
    ch_shape shape;
    size_t count;                /* < 2^32 */
    uint8_t *pixels;             /* [count][channels x rows x columns], each image as (channel, row, column); owned */
    uint8_t *classes;            /* [count] 0 … 9; owned */
    char digest[CH_SHA256_SIZE]; /* SHA-256, in hex, of "NAME CHANNELS ROWS COLUMNS COUNT\n", pixels and classes */
} ch_image_pool;

/** Reads what is there of a set, plain or gzipped, whole or in part.
 *
 *  The files are looked for in `dir`/NAME, `dir` and the folders that others unpack to; the first of these that holds
 *  any of them is taken, and no other. Their names are the originals'. MNIST's images and labels go in pairs.
 *
 *  @return CH_OK; CH_ERROR_INPUT when there is nothing, one of a pair is missing, or a file is damaged: no such format,
 *          truncated, trailing bytes, counts that differ, classes over 9; CH_ERROR_IO when a file cannot be read;
 *          CH_ERROR_MEMORY
 */
ch_code ch_image_pool_init(ch_image_pool *self, ch_image_set set, const char *dir, ch_error *err) CH_MUST_CHECK;
void ch_image_pool_free(ch_image_pool *self);

/** What a law of images asks: the row `images` of ch_law. */
typedef struct ch_image_task {
    ch_image_set set;
    double mean, deviation;        /* an input is (p - mean) / deviation, where p is the pixel, 0 to 255 */
    int8_t labels[CH_NUM_CLASSES]; /* +1 or -1 for every class */
} ch_image_task;

/** The shape of a set's images. */
ch_shape ch_image_set_shape(ch_image_set set);

/** The first law whose images are of a set. Every set has one. */
ch_law_kind ch_image_set_law(ch_image_set set);

/** Draws a training and a test set from a pool; no image is in both.
 *
 *  A seed fixes one order of the pool for test sets and another for training sets. The test set is the first num_test
 *  images of its order, whatever num_train; the training set the first num_train of the other that are not in the test
 *  set, so that the first P are the same for every P. Inputs and labels are as the law's ch_image_task says.
 *
 *  @param law       a law of images
 *  @param train     out: num_train >= 1 examples
 *  @param test      out: num_test examples; with num_test 0 it is left empty
 *  @return CH_OK; CH_ERROR_INPUT when the pool is of another set than the law's or has too few images; CH_ERROR_MEMORY
 */
ch_code ch_image_split(ch_examples *train, ch_examples *test, const ch_image_pool *pool, ch_law_kind law, uint64_t seed,
                       size_t num_train, size_t num_test, ch_error *err) CH_MUST_CHECK;

enum { CH_MAX_IMAGE_FILES = 6, CH_IMAGE_NAME_SIZE = 40, CH_PATH_SIZE = 4096 };

/** One of a set's files. */
typedef struct {
    char name[CH_IMAGE_NAME_SIZE]; /* as it stands in the folder; the original's where it is missing */
    bool found;
    size_t records; /* images, or labels; 0 where it is missing, and so below */
    uint64_t bytes; /* of the file as it is */
    char md5[CH_MD5_SIZE];
    bool original; /* its MD5 is the original's */
} ch_image_file;

/** What is at hand of a set. Plain data. */
typedef struct {
    char folder[CH_PATH_SIZE]; /* where the files are */
    ch_image_file files[CH_MAX_IMAGE_FILES];
    size_t num_files; /* of the set, found or not */
    size_t count;     /* images of the pool */
    size_t per_class[CH_NUM_CLASSES];
    size_t positive; /* images labelled +1 by the set's law */
    char digest[CH_SHA256_SIZE];
} ch_image_report;

/** Reads all that is there of a set, as ch_image_pool_init, and reports on it.  @return as ch_image_pool_init */
ch_code ch_image_report_make(ch_image_report *self, ch_image_set set, const char *dir, ch_error *err) CH_MUST_CHECK;

#endif
