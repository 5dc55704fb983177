/* spec_macros.h — short names for the networks of tests. */
#ifndef CH_TESTS_SPEC_MACROS_H
#define CH_TESTS_SPEC_MACROS_H

#include "models/models.h"

/* h: width, l: hidden layers, phi: activation, n: inputs; c, r, w: channels, rows and columns of an image */
#define MLP(h, l, phi, n)                                                                                              \
    {                                                                                                                  \
        CH_ARCH_MLP, h, l, CH_ACTIVATION_##phi,                                                                        \
        {                                                                                                              \
            n, 1, 1                                                                                                    \
        }                                                                                                              \
    }
#define IMAGES(arch, h, phi, c, r, w)                                                                                  \
    {                                                                                                                  \
        CH_ARCH_##arch, h, 0, CH_ACTIVATION_##phi,                                                                     \
        {                                                                                                              \
            c, r, w                                                                                                    \
        }                                                                                                              \
    }

#endif
