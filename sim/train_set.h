/* train_set.h — what runs train on: a perceptron's samples, a network's examples, or the tangent kernel of a twin. */
#ifndef CH_TRAIN_SET_H
#define CH_TRAIN_SET_H

#include "core/core.h"
#include "data/data.h"
#include "data/images.h"
#include "models/architecture.h"
#include "models/twin/kernel.h"
#include "perceptron/perceptron.h"
#include "perceptron/screening.h"
#include "sim/contradiction.h"
#include "sim/settings/settings.h"

/** What training sets are made from, apart from their laws. With all members zero, images are read when they are
 *  needed, and kernels are not kept in files. */
typedef struct ch_sources {
    ch_image_pool pools[CH_NUM_IMAGE_SETS]; /* images that have been read; count 0: not yet */
    const char *kernel_folder;              /* of kernel files, to read and to add to; NULL: none. Borrowed */
} ch_sources;

void ch_sources_free(ch_sources *self);

/** Does nothing where the data are no images. Otherwise it reads the images unless they are in memory, checks that
 *  there are enough of them, and sets data_digest and data_pool of the settings.
 *  @return CH_OK; CH_ERROR_INPUT for files that are missing or damaged, or more samples than there are; CH_ERROR_IO;
 *      CH_ERROR_MEMORY */
ch_code ch_sources_find_images(ch_sources *self, ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

/** What a user should know of the images that were read, as one sentence.
 *  @param sentence  [size] out: "" where no images were read, or where there is nothing to say */
void ch_sources_describe(const ch_sources *self, char *sentence, size_t size);

/** What runs must have in common to share a training set. A run with a smaller P uses its first samples. */
typedef struct {
    enum { CH_SET_ROWS, CH_SET_EXAMPLES, CH_SET_KERNEL } kind;
    ch_data_law law;      /* of images only the kind and the seed */
    uint64_t test;        /* test samples; 0 for rows, because the test samples of a perceptron are a run's own */
    ch_network_spec spec; /* of a kernel, else zeroes */
    uint64_t seed_init;   /* of a kernel, else 0 */
} ch_train_key;

ch_train_key ch_train_key_of(const ch_resolved *resolved);

/** An order of keys: -1, 0 or 1; 0 exactly when the sets differ in nothing but their sizes. */
int ch_train_key_compare(const ch_train_key *a, const ch_train_key *b);

/** The law of a run's data; of images its kind and seed. Runs of equal laws share their first samples. */
ch_data_law ch_train_law(const ch_resolved *resolved);

/** What one run trains on, or several runs share. What a kind does not have is zeroes. */
typedef struct {
    ch_train_key key;
    size_t num_samples; /* 0: nothing made yet */
    ch_sample_set samples;
    ch_screen screen; /* their screening index, where the fast engine wants it */
    ch_examples train, test;
    ch_kernel kernel;
    double norm_init;               /* ||w0|| of the network whose kernel it is */
    ch_contradiction contradiction; /* from which P on no training fits the samples */
} ch_train_set;

void ch_train_set_free(ch_train_set *self);

/** Makes the training set of a run, with the key and the engine of its settings.
 *  @param resolved     with the digest of its images
 *  @param sources      with the images that ch_sources_find_images read for these settings; NULL where there are no
 *                      images, and no folder of kernels
 *  @param num_samples  at least the run's P; more samples serve runs with larger P too
 *  @param threads      threads to use, >= 1; does not change a bit of the result
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED when stopped; of kernels also CH_ERROR_NUMERIC,
 *          and CH_ERROR_IO or CH_ERROR_INPUT for a kernel file that cannot be written or used */
ch_code ch_train_set_init(ch_train_set *self, const ch_resolved *resolved, const ch_sources *sources,
                          size_t num_samples, int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** Bytes that a training set takes while it is made: samples or examples; the order of samples for the fast engine, of
 *  which 8 bytes a sample are for sorting and do not stay; or a kernel with the examples and all else that it is made
 *  from, of which ch_kernel_bytes stay.
 *  @param engine  CH_ENGINE_PLAIN or CH_ENGINE_FAST
 *  @return SIZE_MAX when that overflows */
size_t ch_train_set_bytes(const ch_resolved *resolved, size_t num_samples, uint64_t engine);

#endif
