/* architecture.h — what a network is made of: its layers and where their weights lie. */
#ifndef CH_ARCHITECTURE_H
#define CH_ARCHITECTURE_H

#include "core/core.h"
#include "data/data.h"

typedef enum { CH_ARCH_MLP, CH_ARCH_MLP_BIAS, CH_ARCH_SIMPLE_CNN, CH_ARCH_MNAS, CH_ARCH_VGG11 } ch_arch;
typedef enum { CH_ACTIVATION_RELU, CH_ACTIVATION_GELU, CH_ACTIVATION_SILU } ch_activation;

/** All that fixes a network but its weights. */
typedef struct {
    ch_arch arch;
    size_t width; /* h >= 1 */
    size_t depth; /* L >= 1 hidden layers of the multilayer perceptrons; not looked at by the others */
    ch_activation activation;
    ch_shape input; /* images for the convolutional ones, rows and columns > 1 */
} ch_network_spec;

/** One layer of a network. */
typedef struct ch_layer ch_layer;

/** A network's layers, in the order of the computation. */
typedef struct {
    ch_network_spec spec;
    ch_layer *layers; /* [num_layers], owned */
    size_t num_layers;
    size_t num_weights; /* N, biases included */
} ch_architecture;

/** @return CH_OK; CH_ERROR_INPUT for a spec outside its ranges, a convolutional network on vectors, or sizes that
 *          overflow; CH_ERROR_MEMORY */
ch_code ch_architecture_init(ch_architecture *self, const ch_network_spec *spec, ch_error *err) CH_MUST_CHECK;
void ch_architecture_free(ch_architecture *self);

/** Draws w0: N(0, 1), rounded to single precision so that both precisions start at the same point. Always the same
 *  numbers for the same spec and seed.
 *  @param weights  out [num_weights] */
void ch_architecture_draw(const ch_architecture *self, uint64_t seed_init, double *weights);

#endif
