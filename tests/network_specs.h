/* network_specs.h — small networks of every architecture, for tests that go through every layer. */
#ifndef CH_TESTS_NETWORK_SPECS_H
#define CH_TESTS_NETWORK_SPECS_H

#include "tests/spec_macros.h"

/* Odd sizes, stride 2 on odd images, pools of one pixel, fewer channels than a vector has lanes, and more. The first is
 * a linear network. */
static const ch_network_spec specs[] = {
    {CH_ARCH_PERCEPTRON, 1, 1, CH_ACTIVATION_RELU, {13, 1, 1}},
    MLP(1, 1, RELU, 1),
    MLP(37, 3, RELU, 19),
    MLP(20, 2, GELU, 33),
    MLP(21, 3, LINEAR, 18),
    {CH_ARCH_MLP_BIAS, 17, 2, CH_ACTIVATION_SILU, {3, 2, 3}},
    {CH_ARCH_MLP_BIAS, 3, 4, CH_ACTIVATION_GELU, {7, 1, 1}},
    {CH_ARCH_MLP_BIAS, 3, 4, CH_ACTIVATION_RELU, {7, 1, 1}},
    IMAGES(SIMPLE_CNN, 1, RELU, 1, 2, 2),
    IMAGES(SIMPLE_CNN, 2, SILU, 3, 5, 7),
    IMAGES(SIMPLE_CNN, 9, GELU, 2, 4, 3),
    IMAGES(SIMPLE_CNN, 2, LINEAR, 2, 5, 4),
    IMAGES(MNAS, 1, SILU, 1, 2, 2),
    IMAGES(MNAS, 2, GELU, 3, 9, 7),
    IMAGES(MNAS, 3, RELU, 2, 5, 11),
    IMAGES(VGG11, 1, SILU, 1, 2, 3),
    IMAGES(VGG11, 1, GELU, 2, 7, 5),
    IMAGES(VGG11, 2, RELU, 1, 5, 4),
};
enum { NUM_SPECS = sizeof specs / sizeof *specs };

#endif
