/* kernel.h — tangent kernel of a network at given weights, from whole gradients of samples. */
#ifndef CH_KERNEL_H
#define CH_KERNEL_H

#include "models/architecture.h"

/** What a kernel is made of: K_ij = grad f(w, x_i) . grad f(w, x'_j), i over rows and j over columns. */
typedef struct {
    const ch_architecture *architecture;
    const double *weights;       /* [num_weights] */
    const float *rows, *columns; /* inputs [num_rows][dim] and [num_columns][dim] of the samples x and x'. Where both
                                    are the same memory, the kernel is symmetric, and half of the work is saved */
    size_t num_rows, num_columns;
    size_t bytes;          /* memory for gradients, at most; it must hold those of two samples */
    int threads;           /* >= 1; no bit of the result depends on them or on `bytes` */
    const ch_watch *watch; /* its stop flag ends the work; may be NULL */
} ch_kernel_task;

/** Computes a kernel in single precision, from gradients of samples in blocks. Borrows what the task points at.
 *
 *  @param kernel  out [num_rows][num_columns], row-major
 *  @return CH_OK; CH_ERROR_INPUT for `bytes` that do not hold two gradients; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED
 *
 *  Cost: rows x columns x N multiply-adds, and the gradients of all columns once for every block of rows. */
ch_code ch_kernel_compute(const ch_kernel_task *task, float *kernel, ch_error *err) CH_MUST_CHECK;

/** The same in double precision. */
ch_code ch_kernel_compute_f64(const ch_kernel_task *task, double *kernel, ch_error *err) CH_MUST_CHECK;

#endif
