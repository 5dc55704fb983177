/* sources.h — the samples and kernels that training sets are made from. */
#ifndef CH_SOURCES_H
#define CH_SOURCES_H

#include "core/core.h"
#include "data/data.h"
#include "sim/settings/settings.h"
#include "sim/weights_file.h"

#include <stdbool.h>

/** What training sets are made from, apart from their laws. With all members zero, files are read when they are needed,
 *  and kernels are not kept in files. */
typedef struct ch_sources {
    ch_image_pool pools[CH_NUM_IMAGE_SETS]; /* images that have been read; count 0: not yet */
    ch_own_pool own;                        /* samples of the user's own that have been read; count 0: not yet */
    ch_density density;                     /* a density that has been read; count 0: not yet */
    const char *kernel_folder;              /* of kernel files, to read and to add to; NULL: none. Borrowed */
    struct ch_fitted_teacher *teachers;     /* those that have been fitted (sim/fitted_teacher.h), a list; owned */
    ch_start **starts; /* [num_starts] files of initial weights that have been read; owned, as is each */
    size_t num_starts, starts_capacity;
} ch_sources;

void ch_sources_free(ch_sources *self);
/** Frees the samples alone, which training sets have copies of; a density is borrowed by them. */
void ch_sources_free_samples(ch_sources *self);

/** Reads the files of a run's data and of its initial weights unless they are in memory. Where the data are read it
 *  checks that there are enough samples, and sets data_digest, data_pool and data_shape of the settings; a sweep has
 *  one file of the user's own, and one density. Where initial weights are given it checks that the network has as many,
 *  and sets init_digest and start, which is borrowed from `self`. No thread may call it while another one reads a file
 *  that is not there yet.
 *  @return CH_OK; CH_ERROR_INPUT for files that are missing or damaged, a class without samples, samples that the model
 *      does not take, more samples than there are, or another number of weights; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_sources_find(ch_sources *self, ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

/** Asks ch_admit and finds the samples. A file of the user's own says how large a sample is, which ch_admit has to
 *  know; so it is read first.
 *  @param is_read  out: false where it failed because files cannot be read; may be NULL
 *  @return as ch_admit and ch_sources_find */
ch_code ch_sources_admit(ch_sources *self, ch_resolved *resolved, bool *is_read, ch_error *err) CH_MUST_CHECK;

/** What a user should know of the images that were read, as one sentence (ch_image_origin_describe).
 *  @param sentence  [size] out: "" where no images were read, or where there is nothing to say */
void ch_sources_describe(const ch_sources *self, char *sentence, size_t size);

/** The set of images that a law of images takes. */
static inline ch_image_set ch_sources_image_set(const ch_settings *settings)
{
    return ch_law_of(settings->data)->images->set;
}

#endif
