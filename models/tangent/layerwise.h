/* layerwise.h — tangent kernel of a network, layer by layer.
 *
 * With z_l = scale_l (W_l a_{l-1} + b_l) and D_l = scale_l df/dz_l, a sample's gradient by the W_l of a dense layer is
 * the outer product of D_l and a_{l-1}, and by b_l it is D_l. The gradients of dense layers are therefore not needed:
 *   K(x, x') = g . g' + sum over dense l of (a_{l-1} . a'_{l-1} + [1 if there is a bias]) (D_l . D'_l),
 * where g is the gradient by the weights of the image layers, which come before the dense ones, if there are any.
 */
#ifndef CH_LAYERWISE_H
#define CH_LAYERWISE_H

#include "models/tangent/kernel.h"

/** Computes the same kernel as ch_kernel_compute.
 *
 *  @param task    its `bytes` bound the memory for g, a and D of samples; they must hold twice ch_layerwise_bytes of
 *  one sample. Each thread has in addition the workspace of a network for 32 samples, their g, and a part of the kernel
 *  of 256 kB
 *  @param stride  entries from row to row of the kernel, >= num_columns
 *  @param kernel  out [num_rows][stride], row-major; entries beyond num_columns are not written. Where rows and columns
 *                 are the same, the kernel is symmetric to the bit
 *  @return CH_OK; CH_ERROR_INPUT for too few bytes; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED
 *
 *  Cost: rows x columns x (length of g + inputs + outputs of every dense layer) multiply-adds, half of that where rows
 *  and columns are the same. All columns pass the network once for every block of rows that the bytes hold. */
ch_code ch_layerwise_kernel(const ch_kernel_task *task, size_t stride, float *kernel, ch_error *err) CH_MUST_CHECK;

/** The same in double precision. */
ch_code ch_layerwise_kernel_f64(const ch_kernel_task *task, size_t stride, double *kernel, ch_error *err) CH_MUST_CHECK;

/** Bytes of g, a and D of so many samples in single precision; SIZE_MAX when that overflows. */
size_t ch_layerwise_bytes(const ch_architecture *architecture, size_t num_samples);

#endif
