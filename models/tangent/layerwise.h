/* layerwise.h — tangent kernel of a network, layer by layer.
 *
 * With z_l = scale_l (W_l a_{l-1} + b_l) and D_l = scale_l df/dz_l, a sample's gradient by the W_l of a dense layer is
 * the outer product of D_l and a_{l-1}, and by b_l it is D_l. Of dense layers no gradient is made:
 *   K(x, x') = g . g' + sum over dense l of (a_{l-1} . a'_{l-1} + [1 if there is a bias]) (D_l . D'_l),
 * g the gradient by the weights of the layers before them, those of images, if there are any.
 */
#ifndef CH_LAYERWISE_H
#define CH_LAYERWISE_H

#include "models/tangent/kernel.h"

/** What ch_kernel_compute computes.
 *
 *  @param task    its `bytes` bound what is kept of samples: at least ch_layerwise_bytes twice for one; beside it each
 *                 thread has the workspace of a network for 32 samples, their g, and a part of the kernel of 256 kB
 *  @param stride  entries from row to row of the kernel, >= num_columns
 *  @param kernel  out [num_rows][stride], row-major; what is beyond num_columns is left as it is. Symmetric to the bit
 *                 where rows and columns are the same.
 *  @return CH_OK; CH_ERROR_INPUT for too few bytes; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED
 *
 *  Cost: rows x columns x (length of g, and inputs + outputs of every dense layer) multiply-adds, half of that where
 *  they are the same; and the passes of all columns once for every block of rows that the bytes hold. */
ch_code ch_layerwise_kernel(const ch_kernel_task *task, size_t stride, float *kernel, ch_error *err) CH_MUST_CHECK;

/** The same in double precision. */
ch_code ch_layerwise_kernel_f64(const ch_kernel_task *task, size_t stride, double *kernel, ch_error *err) CH_MUST_CHECK;

/** Bytes that some samples take, in single precision, where all are kept at once; SIZE_MAX when that overflows. */
size_t ch_layerwise_bytes(const ch_architecture *architecture, size_t num_samples);

#endif
