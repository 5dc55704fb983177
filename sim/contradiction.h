/* contradiction.h — samples that no training can fit, because the same input has both labels or no gradient at all. */
#ifndef CH_CONTRADICTION_H
#define CH_CONTRADICTION_H

#include "data/examples.h"
#include "data/sample_set.h"
#include "models/twin/kernel.h"

/** Where a set of samples begins to be one that cannot be fitted. */
typedef struct {
    size_t first;   /* the first `first` samples contain no reason; SIZE_MAX where no sample gives one */
    ch_cause cause; /* the reason that one sample more gives; CH_CAUSE_NONE where there is none */
} ch_contradiction;

/** Finds the smallest P whose first P examples contain an input twice, with both labels: F(x) >= kappa and
 *  -F(x) >= kappa exclude each other.  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_contradiction_of_examples(const ch_examples *examples, ch_contradiction *found, ch_error *err) CH_MUST_CHECK;

/** The same of a linear student's samples z = y x / sqrt(d): two of them with z_mu = -z_nu exclude each other, and at
 *  d = 1 any two of different signs; one with z = 0 has no gradient.  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_contradiction_of_rows(const ch_sample_set *set, ch_contradiction *found, ch_error *err) CH_MUST_CHECK;

/** The same of a twin, from its kernel alone: two samples with K_mu,mu = K_nu,nu = -K_mu,nu have opposite gradients. A
 *  sample with K_mu,mu = 0 has no gradient.  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_contradiction_of_kernel(const ch_kernel *kernel, ch_contradiction *found, ch_error *err) CH_MUST_CHECK;

#endif
