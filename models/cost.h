/* cost.h — the time that the passes of a network are expected to take. */
#ifndef CH_NETWORK_COST_H
#define CH_NETWORK_COST_H

#include "models/architecture.h"

/** Expected times of a network, measured to within a factor of three. */
typedef struct {
    double pass; /* nanoseconds of a forward pass of one sample */
    double move; /* nanoseconds of moving the weights once */
    /* Tangent kernel of one sample with itself, by the weights of the last layer alone: the square of the layer's scale
     * times its number of inputs, divided by the number of pixels over which these inputs are means. */
    double output_kernel;
} ch_network_cost;

/** The expected times of an architecture, in either precision. */
ch_network_cost ch_network_cost_of(const ch_architecture *architecture);

/** The passes that one sample's gradient takes: a forward pass, and a backward pass that takes two of them. */
enum { CH_PASSES_A_GRADIENT = 3 };

#endif
