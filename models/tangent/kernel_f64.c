/* kernel_f64.c — tangent kernels in double precision. */
#include "models/network/network.h"
#include "models/tangent/kernel.h"

#define CH_REAL           double
#define CH_REAL_BYTES     8
#define CH_NETWORK        ch_network_f64
#define CH_NETWORK_(verb) ch_network_f64_##verb
#define CH_KERNEL_COMPUTE ch_kernel_compute_f64
#include "models/tangent/kernel.inc.h"
