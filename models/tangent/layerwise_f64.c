/* layerwise_f64.c — layerwise tangent kernels in double precision. */
#define CH_REAL             double
#define CH_REAL_BYTES       8
#define CH_NETWORK          ch_network_f64
#define CH_NETWORK_(verb)   ch_network_f64_##verb
#define CH_LAYERWISE_KERNEL ch_layerwise_kernel_f64
#include "models/tangent/layerwise.inc.h"
