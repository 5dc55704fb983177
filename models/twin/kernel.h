/* kernel.h — the tangent kernel that a linearised twin is trained on: of training samples and test samples, with
 * the labels folded in.
 */
#ifndef CH_TWIN_KERNEL_H
#define CH_TWIN_KERNEL_H

#include "models/architecture.h"

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

/** What a kernel is made of; all is borrowed. */
typedef struct {
    const ch_architecture *architecture;
    const double *weights;    /* w0 [num_weights] */
    const ch_examples *train; /* the inputs are as large as the architecture's */
    const ch_examples *test;  /* NULL for none */
    size_t bytes;             /* most memory for what it is made from, beside the kernel and the networks' workspaces */
    int threads;              /* >= 1; changes no bit of the result, and neither does `bytes` */
    const ch_watch *watch;    /* NULL, or a flag that ends the work */
} ch_kernel_setup;

/** Computes a kernel, layer by layer (models/tangent/layerwise.h).
 *  @return CH_OK; CH_ERROR_INPUT for inputs of another size, no training samples, or too few bytes; CH_ERROR_MEMORY;
 *          CH_ERROR_NUMERIC when an entry is not finite; CH_ERROR_INTERRUPTED when stopped */
ch_code ch_kernel_init(ch_kernel *self, const ch_kernel_setup *setup, ch_error *err) CH_MUST_CHECK;

/** Room for a kernel; entries between num_train and stride are 0, the others not set.  @return as ch_kernel_init */
ch_code ch_kernel_init_unset(ch_kernel *self, size_t num_train, size_t num_test, ch_error *err) CH_MUST_CHECK;
void ch_kernel_free(ch_kernel *self);

/** Bytes that a kernel takes; SIZE_MAX when that overflows. */
size_t ch_kernel_bytes(size_t num_train, size_t num_test);

/** Bytes (ch_kernel_setup.bytes) with which nothing is computed twice, and the least that it can do with; SIZE_MAX when
 *  that overflows. */
size_t ch_kernel_best_work(const ch_architecture *architecture, size_t num_train, size_t num_test);
size_t ch_kernel_least_work(const ch_architecture *architecture);

static inline const float *ch_kernel_row(const ch_kernel *self, size_t mu)
{
    return self->train + mu * self->stride;
}

#endif
