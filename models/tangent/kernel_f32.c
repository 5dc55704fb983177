/* kernel_f32.c — tangent kernels in single precision. */
#include "models/network/network.h"
#include "models/tangent/kernel.h"

#define CH_REAL           float
#define CH_REAL_BYTES     4
#define CH_NETWORK        ch_network
#define CH_NETWORK_(verb) ch_network_##verb
#define CH_KERNEL_COMPUTE ch_kernel_compute
#include "models/tangent/kernel.inc.h"
