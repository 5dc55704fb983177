/* layerwise_f32.c — layerwise tangent kernels in single precision. */
#define CH_REAL             float
#define CH_REAL_BYTES       4
#define CH_NETWORK          ch_network
#define CH_NETWORK_(verb)   ch_network_##verb
#define CH_LAYERWISE_KERNEL ch_layerwise_kernel
#include "models/tangent/layerwise.inc.h"

size_t ch_layerwise_bytes(const ch_architecture *architecture, size_t num_samples)
{
    size_t bytes = 0;
    return num_samples > SIZE_MAX - PANEL || __builtin_mul_overflow(num_panels(num_samples) * PANEL * sizeof(float),
                                                                    numbers_of(architecture), &bytes)
               ? SIZE_MAX
               : bytes;
}
