/* architecture.h — what a network is made of: its layers and where their weights lie.
 *
 * Formulas of every architecture: docs/theory.md, "Networks". A network is a list of layers; node 0 is the input and
 * node l + 1 the output of layer l, each layer taking the node before it.
 *
 * Order of the weights: layer by layer from input to output, a layer's bias after its weights.
 *   dense        [out][in]
 *   convolution  [out][row][column][in]
 *   depthwise    [row][column][channel]
 * so that channels, which lie together in memory, lie together in the weights. In the customary order of other programs
 * a convolution is [out][in][row][column] and a depthwise one [channel][row][column]: ch_architecture_from_customary
 * and ch_architecture_to_customary convert. The multilayer perceptrons have the same order in both.
 */
#ifndef CH_ARCHITECTURE_H
#define CH_ARCHITECTURE_H

#include "core/core.h"
#include "data/data.h"

typedef enum { CH_ARCH_MLP, CH_ARCH_MLP_BIAS, CH_ARCH_SIMPLE_CNN, CH_ARCH_MNAS, CH_ARCH_VGG11, CH_ARCH_LINEAR } ch_arch;
typedef enum { CH_ACTIVATION_RELU, CH_ACTIVATION_GELU, CH_ACTIVATION_SILU } ch_activation;

/** All that fixes a network but its weights. */
typedef struct {
    ch_arch arch;
    size_t width; /* h >= 1; not looked at by the linear one */
    size_t depth; /* L >= 1 hidden layers of the multilayer perceptrons; not looked at by the others */
    ch_activation activation;
    ch_shape input; /* images for the convolutional ones, rows and columns > 1 */
} ch_network_spec;

typedef enum {
    CH_LAYER_DENSE,     /* z = scale (W x + b), x flattened */
    CH_LAYER_CONV,      /* z = scale (W * x + b), cross-correlation with SAME padding */
    CH_LAYER_DEPTHWISE, /* the same, each channel with its own kernel */
    CH_LAYER_POOL,      /* largest of 2 x 2 pixels, stride 2; at an odd border of those there are */
    CH_LAYER_MEAN,      /* mean over pixels */
    CH_LAYER_RESIDUAL,  /* (x + node `from`) / sqrt(2) */
} ch_layer_kind;

/** One layer of a network. */
typedef struct {
    ch_layer_kind kind;
    ch_shape in, out;           /* of a vector of n: {n, 1, 1} */
    size_t kernel, stride;      /* of a convolution: kernel x kernel */
    size_t pad_row, pad_column; /* zeros before the first row and column */
    double scale;               /* what the sum is multiplied by: 1 over the number that docs/theory.md states */
    bool has_bias;
    bool is_activated;   /* the output is phi(z) / sqrt(E phi^2), else z */
    bool input_is_added; /* a residual layer adds the input to what comes later */
    size_t from;         /* node that a residual layer adds */
    size_t fan_in;       /* weights of one output */
    size_t weights;      /* where they start, [num_weights] */
    size_t num_weights;  /* without the bias */
    size_t bias;         /* where it starts, [out.channels]; where the next layer starts if there is none */
} ch_layer;

/** A network's layers, in the order of the computation. */
typedef struct {
    ch_network_spec spec;
    ch_layer *layers; /* [num_layers], owned */
    size_t num_layers;
    size_t num_weights; /* N, biases included */
    size_t dim;         /* numbers of an input */
} ch_architecture;

/** @return CH_OK; CH_ERROR_INPUT for a spec outside its ranges, a convolutional network on vectors, or sizes that
 *          overflow; CH_ERROR_MEMORY */
ch_code ch_architecture_init(ch_architecture *self, const ch_network_spec *spec, ch_error *err) CH_MUST_CHECK;
void ch_architecture_free(ch_architecture *self);

/** Draws w0: N(0, 1), rounded to single precision so that both precisions start at the same point. Always the same
 *  numbers for the same spec and seed.
 *  @param weights  out [num_weights] */
void ch_architecture_draw(const ch_architecture *self, uint64_t seed_init, double *weights);

/** Weights, or a gradient, from the customary order to that of this library, and back.
 *  @param customary, weights  [num_weights] each; not the same memory */
void ch_architecture_from_customary(const ch_architecture *self, const double *customary, double *weights);
void ch_architecture_to_customary(const ch_architecture *self, const double *weights, double *customary);

/** Numbers of a shape: channels x rows x columns. */
static inline size_t ch_shape_size(ch_shape shape)
{
    return shape.channels * shape.rows * shape.columns;
}

/** Weights of the layers before the first dense one: of a network of images those of its filters, else 0. */
size_t ch_architecture_image_weights(const ch_architecture *self);

/** sqrt(E phi(z)^2), z ~ N(0, 1), by which activations are divided. */
double ch_activation_norm(ch_activation activation);

/** "mlp", …, and "relu", …; NULL for what is neither. */
const char *ch_arch_name(ch_arch arch);
const char *ch_activation_name(ch_activation activation);

#endif
