/* train_set.h — what runs train on: a perceptron's samples, a network's examples, or the tangent kernel of a twin. */
#ifndef CH_TRAIN_SET_H
#define CH_TRAIN_SET_H

#include "core/core.h"
#include "data/data.h"
#include "models/architecture.h"
#include "models/twin/kernel.h"
#include "perceptron/perceptron.h"
#include "perceptron/screening.h"
#include "sim/contradiction.h"
#include "sim/settings/settings.h"
#include "sim/sources.h"

/** What runs must have in common to share a training set. A run with a smaller P uses its first samples. */
typedef struct {
    enum { CH_SET_ROWS, CH_SET_EXAMPLES, CH_SET_KERNEL } kind;
    ch_data_law law;    /* of samples from files only the kind and the seed; without the table of a density */
    uint64_t rule;      /* a hash of the rule of labels; 0 where it has no meaning */
    uint64_t normalise; /* of a file of the user's own; else 0 */
    double label_noise;
    bool fits_teacher;    /* the teacher is found from all samples of the files */
    uint64_t test;        /* test samples; 0 for rows that are drawn, because their test samples are a run's own */
    ch_network_spec spec; /* of a kernel, else zeroes */
    uint64_t seed_init;   /* of a kernel whose w0 is drawn, else 0 */
    uint64_t start;       /* a hash of the digest of the file of w0, of a kernel that has one, else 0 */
} ch_train_key;

ch_train_key ch_train_key_of(const ch_resolved *resolved);

/** An order of keys: -1, 0 or 1; 0 exactly when the sets differ in nothing but their sizes. */
int ch_train_key_compare(const ch_train_key *a, const ch_train_key *b);

/** A digest of a key: equal for equal keys, and for others with a chance of 2^-64. */
uint64_t ch_train_key_digest(const ch_train_key *key);

/** The law of a run's data; of samples from files its kind and seed. Runs of equal laws share their first samples.
 *  @param density  the table of a law that has one; NULL: the law cannot be drawn then. Borrowed by the law */
ch_data_law ch_train_law(const ch_resolved *resolved, const ch_density *density);

/** What one run trains on, or several runs share. What a kind does not have is zeroes. */
typedef struct {
    ch_train_key key;
    size_t num_samples;                  /* 0: nothing made yet */
    ch_sample_set samples, test_samples; /* rows; test samples of those that are chosen from a pool */
    ch_screen screen;                    /* their screening index, where the fast engine wants it */
    const ch_density *density;           /* of data that have one, borrowed from the sources; else NULL */
    ch_examples train, test;
    ch_kernel kernel;
    float *along;         /* [num_samples] |x . e| of a twin's samples; NULL: the data have no teacher; owned */
    double *teacher;      /* [dim] a fitted teacher, also in samples.teacher; NULL: none is fitted; owned */
    double teacher_error; /* share of all samples that it takes for the wrong class; NaN: none is fitted */
    double norm_init;     /* ||w0|| of the network whose kernel it is */
    ch_contradiction contradiction; /* from which P on no training fits the samples */
} ch_train_set;

void ch_train_set_free(ch_train_set *self);

/** Makes the training set of a run, with the key and the engine of its settings.
 *  @param resolved     as ch_sources_find completed it
 *  @param sources      with the samples or the density that ch_sources_find read for these settings; the set borrows
 *  the density. NULL where the data need no file and there is no folder of kernels
 *  @param num_samples  at least the run's P; more samples serve runs with larger P too
 *  @param threads      threads to use, >= 1; does not change a bit of the result
 *  @return CH_OK, CH_ERROR_INPUT, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED when stopped; of kernels also CH_ERROR_NUMERIC,
 *          and CH_ERROR_IO or CH_ERROR_INPUT for a kernel file that cannot be written or used */
ch_code ch_train_set_init(ch_train_set *self, const ch_resolved *resolved, ch_sources *sources, size_t num_samples,
                          int threads, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** Bytes that a training set takes while it is made: samples or examples; the order of samples for the fast engine, of
 *  which 8 bytes a sample are for sorting and do not stay; or a kernel with the examples and all else that it is made
 *  from, of which ch_kernel_bytes stay.
 *  @param engine  CH_ENGINE_PLAIN or CH_ENGINE_FAST
 *  @return SIZE_MAX when that overflows */
size_t ch_train_set_bytes(const ch_resolved *resolved, size_t num_samples, uint64_t engine);

#endif
