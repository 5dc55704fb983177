/* twin_kernel.h — the tangent kernel of a network at its initialisation, with the labels folded in. */
#ifndef CH_TWIN_KERNEL_H
#define CH_TWIN_KERNEL_H

#include "core/core.h"

/** Entries a row is padded to: what the twin sums up in one go. */
enum { CH_KERNEL_LANES = 64 };

/** K_mu,nu = y_mu y_nu grad f(w0, x_mu) . grad f(w0, x_nu), in single precision. With the labels folded in, margins are
 *  sums of its entries: m_mu = sum_nu K_mu,nu a_nu, and F y > 0 at a test point where the same sum over its row is.
 *  The first P rows and columns are the kernel of the first P samples: one kernel serves every P up to its own. */
typedef struct {
    size_t num_train, num_test;
    size_t stride; /* entries from row to row: num_train rounded up to CH_KERNEL_LANES; 0 beyond num_train */
    float *train;  /* [num_train][stride], row-major, symmetric to the bit; owned */
    float *test;   /* [num_test][stride], row-major: test samples against training samples; owned */
} ch_kernel;

void ch_kernel_free(ch_kernel *self);

static inline const float *ch_kernel_row(const ch_kernel *self, size_t mu)
{
    return self->train + mu * self->stride;
}

#endif
