/* kernel.h — the tangent kernel that a linearised twin is trained on: of training samples and test samples, its entries
 * multiplied by their labels.
 */
#ifndef CH_TWIN_KERNEL_H
#define CH_TWIN_KERNEL_H

#include "models/architecture.h"

/** The length of a row is padded to a multiple of this, the number of margins in a block (models/twin/margins.h). */
enum { CH_KERNEL_LANES = 64 };

/** K_mu,nu = y_mu y_nu grad f(w0, x_mu) . grad f(w0, x_nu), in single precision. So margins are sums of its entries,
 *  m_mu = sum_nu K_mu,nu a_nu; for a test sample mu the sum is y F. The first P rows and columns are the kernel of the
 *  first P samples: one kernel serves every P up to its own. */
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
    size_t bytes;             /* most memory for gradients and node values, beside the kernel and the workspaces */
    int threads;              /* >= 1; changes no bit of the result, and neither does `bytes` */
    const ch_watch *watch;    /* its stop flag ends the work; may be NULL */
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

/** Values of ch_kernel_setup.bytes: the first is enough to compute nothing twice, the second is the least that is
 *  accepted; SIZE_MAX when it overflows. */
size_t ch_kernel_best_work(const ch_architecture *architecture, size_t num_train, size_t num_test);
size_t ch_kernel_least_work(const ch_architecture *architecture);

/** The row of training sample mu: [stride], borrowed. */
static inline const float *ch_kernel_row(const ch_kernel *self, size_t mu)
{
    return self->train + mu * self->stride;
}

#endif
