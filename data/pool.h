/* pool.h — a pool of labelled samples, from which training and test sets are chosen.
 *
 * The samples are images of a known set or those of the user's own files. Some of them may belong to neither class, and
 * are then never chosen.
 */
#ifndef CH_POOL_H
#define CH_POOL_H

#include "core/core.h"
#include "data/array.h"
#include "data/classes.h"
#include "data/examples.h"
#include "data/images.h"
#include "data/own.h"
#include "data/sample_set.h"

#include <stddef.h>
#include <stdint.h>

/** A pool. An input is (number - mean) / deviation, or number - mean where the deviation is 0. */
typedef struct {
    ch_shape shape;
    size_t dim, count;          /* numbers of an input, and samples, < 2^32 */
    ch_array numbers;           /* [count][dim]; borrowed */
    int8_t *labels;             /* [count] +1, -1, or 0 for a sample that is never chosen; owned */
    size_t num_eligible;        /* samples of label +1 or -1 */
    size_t num_scales;          /* 1, or dim */
    double *means, *deviations; /* [num_scales]; owned */
    const char *name;           /* what the samples are, for messages; borrowed */
} ch_pool;

/** Images under a law's rule of labels.
 *  @param images   images of the law's set; borrowed
 *  @param law      a law of images
 *  @param classes  which classes are +1 and -1; NULL for a law that has fixed it
 *  @return CH_OK; CH_ERROR_INPUT when the images are another set's, or a class has none; CH_ERROR_MEMORY */
ch_code ch_pool_init_images(ch_pool *self, const ch_image_pool *images, ch_law_kind law, const ch_classes *classes,
                            ch_error *err) CH_MUST_CHECK;

/** Samples of the user's own files. Means and deviations are over the samples of both classes, whether they are chosen
 *  or not.
 *  @param own  borrowed
 *  @return CH_OK; CH_ERROR_INPUT where a class has no sample; CH_ERROR_MEMORY */
ch_code ch_pool_init_own(ch_pool *self, const ch_own_pool *own, const ch_classes *classes, ch_normalise normalise,
                         ch_error *err) CH_MUST_CHECK;
void ch_pool_free(ch_pool *self);

/** The labels of images, 0 … 9, and how many images have each. */
ch_label_counts ch_label_counts_of_images(const ch_image_pool *images);

/** Which samples of a pool are to be chosen. */
typedef struct {
    uint64_t seed;
    size_t num_train, num_test;
    int threads; /* threads to use, >= 1; does not change a bit of the result */
} ch_split;

/** Draws a training set and a test set from a pool. No sample is in both.
 *
 *  The seed fixes one order of the eligible samples for test sets and another for training sets. The test set is the
 *  first num_test samples of the first order, and does not depend on num_train. The training set is the first num_train
 *  samples of the second order that are not in the test set, so that a smaller training set is the beginning of a
 *  larger one.
 *
 *  @param train  out: num_train >= 1 examples
 *  @param test   out: num_test examples; with num_test 0 it is left empty
 *  @return CH_OK; CH_ERROR_INPUT when there are too few eligible samples; CH_ERROR_MEMORY */
ch_code ch_pool_split(const ch_pool *self, const ch_split *split, ch_examples *train, ch_examples *test,
                      ch_error *err) CH_MUST_CHECK;

/** The same samples in the form in which a linear student takes them, z = y x / sqrt(d). There is no teacher: it is 0.
 */
ch_code ch_pool_split_rows(const ch_pool *self, const ch_split *split, ch_sample_set *train, ch_sample_set *test,
                           ch_error *err) CH_MUST_CHECK;

/** All samples of both classes in that form, in the order of the pool. The teacher is 0.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_pool_all_rows(const ch_pool *self, int threads, ch_sample_set *set, ch_error *err) CH_MUST_CHECK;

/** As ch_pool_split, of the images of a law that has fixed which are +1, or by its usual rule, on one thread.
 *  @param law  a law of images */
ch_code ch_image_split(ch_examples *train, ch_examples *test, const ch_image_pool *pool, ch_law_kind law, uint64_t seed,
                       size_t num_train, size_t num_test, ch_error *err) CH_MUST_CHECK;

#endif
