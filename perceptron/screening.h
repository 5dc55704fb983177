/* screening.h — the screening index: which samples noise of a given size cannot make unfitted. */
#ifndef CH_SCREENING_H
#define CH_SCREENING_H

#include "data/sample_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ch_quantised; /* perceptron/quantised.h */

/** Screening index: the samples in the order in which noise can make them unfitted.
 *
 *  With z = v e + z_perp, the inequality of Cauchy and Schwarz bounds a margin from below: w . z >= s v - r |z_perp|.
 *  So a sample can be unfitted only if
 *    v / |z_perp| < r / s + kappa / (s |z_perp|).
 *  The key of a sample is v / |z_perp|. With the least |z_perp| of all samples on the right, the same bound holds for
 *  all of them. So the samples that can be unfitted at given s and r are among those with a key under the bound, which
 *  come first in the order. The other samples are ruled out. */
typedef struct ch_screen {
    size_t num_samples;  /* P */
    bool is_borrowed;    /* order and keys belong to another index */
    uint32_t *order;     /* [num_samples] samples by ascending key; owned unless is_borrowed */
    float *keys;         /* [num_samples] key of order[k], finite; owned unless is_borrowed */
    double least_across; /* min |z_perp| */
    double most_norm;    /* max |z| */
    /* the samples in 8 bits; an index that is made from another borrows those of that one, which may be more */
    struct ch_quantised *quantised;
    bool owns_quantised; /* whether they are freed with this index */
} ch_screen;

/** Sorts the samples of a set and rounds them to 8 bits. Several runs may share the result. It takes 8 bytes a sample,
 *  8 more while it sorts, and stride + 4 for the samples in 8 bits.
 *  @param watch  its stop flag ends the computation of the keys and the rounding, but not the sorting; may be NULL
 *  @return CH_OK, CH_ERROR_INPUT for 2^32 samples or more, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_screen_init(ch_screen *self, const ch_sample_set *set, const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

/** The index of the first `num_samples` samples of a set, made from that of the whole set without sorting, and equal to
 *  what ch_screen_init would make of them alone. It borrows the samples in 8 bits of `whole`, and where it is of all
 *  samples, its other arrays too.
 *  @param whole  index of `set`; it must be freed after the new one
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_screen_init_first(ch_screen *self, const ch_screen *whole, const ch_sample_set *set, size_t num_samples,
                             ch_error *err) CH_MUST_CHECK;
void ch_screen_free(ch_screen *self);

/** The bound on keys: samples with a key of at least this have a margin of at least kappa. Infinite unless s > 0. */
double ch_screen_bound(const ch_screen *self, double signal, double noise, double kappa);

/** Number of samples with a key under `bound`: the length of the prefix of `order` that is not ruled out. */
size_t ch_screen_count(const ch_screen *self, double bound);

#endif
