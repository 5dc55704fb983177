/* architecture.h — what a network is made of: its layers and where their weights lie.
 *
 * Formulas of every architecture: docs/theory.md, "Networks". A network is a list of layers; node 0 is the input and
 * node l + 1 the output of layer l, each layer taking the node before it.
 *
 * Order of the weights: layer by layer from input to output, a layer's bias after its weights.
 *   dense        [out][in]
 *   convolution  [out][row][column][in]
 *   depthwise    [row][column][channel]
 * so that channels, which lie together in memory, lie together in the weights. In the NCHW order of other programs a
 * convolution is [out][in][row][column] and a depthwise one [channel][row][column]: ch_architecture_from_nchw and
 * ch_architecture_to_nchw convert. The multilayer perceptrons have the same order in both.
 */
#ifndef CH_ARCHITECTURE_H
#define CH_ARCHITECTURE_H

#include "core/core.h"
#include "data/data.h"

/** The values of the setting `model`, in its order. */
typedef enum {
    CH_ARCH_PERCEPTRON, /* the linear network w . x / sqrt(d) */
    CH_ARCH_MLP,
    CH_ARCH_MLP_BIAS,
    CH_ARCH_SIMPLE_CNN,
    CH_ARCH_MNAS,
    CH_ARCH_VGG11,
    CH_NUM_ARCHS,
} ch_arch;

/** The values of the setting `activation`, in its order. */
typedef enum { CH_ACTIVATION_RELU, CH_ACTIVATION_GELU, CH_ACTIVATION_SILU, CH_ACTIVATION_LINEAR } ch_activation;

/** Names for the settings `model` and `activation`; NULL from the end of the list on. */
const char *ch_arch_name(uint64_t arch);
const char *ch_activation_name(uint64_t activation);

/** Whether an architecture takes vectors as well as images, and whether the setting depth has a meaning for it. A
 *  number that is no architecture's has neither. */
bool ch_arch_takes_vectors(uint64_t arch);
bool ch_arch_has_depth(uint64_t arch);

/** All that fixes a network but its weights. */
typedef struct {
    ch_arch arch;
    size_t width; /* h >= 1; without effect for the perceptron */
    size_t depth; /* L >= 1 hidden layers; without effect for architectures that have no depth */
    ch_activation activation;
    ch_shape input; /* for an architecture that takes no vectors an image, with more than one row and column */
} ch_network_spec;

/** The kinds of layers: x is the input, W and b are weights and biases, * is a sum over a field of view. */
typedef enum {
    CH_LAYER_DENSE,     /* z = scale (W x + b), x flattened */
    CH_LAYER_CONV,      /* z = scale (W * x + b), cross-correlation with SAME padding */
    CH_LAYER_DEPTHWISE, /* the same, each channel with its own kernel */
    CH_LAYER_POOL,      /* largest of 2 x 2 pixels, stride 2; at the border of an odd size, of the 1 or 2 left */
    CH_LAYER_MEAN,      /* mean over pixels */
    CH_LAYER_RESIDUAL,  /* (x + node `from`) / sqrt(2) */
} ch_layer_kind;

/** One layer of a network. */
typedef struct {
    ch_layer_kind kind;
    ch_shape in, out;           /* of a vector of n: {n, 1, 1} */
    size_t kernel, stride;      /* of a convolution: kernel x kernel */
    size_t pad_row, pad_column; /* zeros before the first row and column */
    double scale;               /* the sum is multiplied by it: 1 over the number that docs/theory.md states */
    bool has_bias;
    bool is_activated;   /* the output is phi(z) / sqrt(E phi^2), else z */
    bool input_is_added; /* a later residual layer adds this layer's input */
    size_t from;         /* the node that a residual layer adds */
    size_t fan_in;       /* weights of one output */
    size_t weights;      /* place of the first of [num_weights] weights among those of the network */
    size_t num_weights;  /* without the bias */
    size_t bias;         /* place of the first of [out.channels] biases, directly after the weights */
} ch_layer;

/** A network's layers, in the order of the computation. */
typedef struct {
    ch_network_spec spec;
    ch_layer *layers; /* [num_layers], owned */
    size_t num_layers;
    size_t num_weights; /* N, biases included */
    size_t dim;         /* numbers that an input has */
} ch_architecture;

/** Lists the layers of a network.
 *  @return CH_OK; CH_ERROR_INPUT for a spec outside its ranges, a convolutional network on vectors, or sizes that
 *          overflow; CH_ERROR_MEMORY */
ch_code ch_architecture_init(ch_architecture *self, const ch_network_spec *spec, ch_error *err) CH_MUST_CHECK;
void ch_architecture_free(ch_architecture *self);

/** Draws w0: N(0, 1), rounded to single precision so that both precisions start at the same point. Always the same
 *  numbers for the same spec and seed.
 *  @param weights  out [num_weights] */
void ch_architecture_draw(const ch_architecture *self, uint64_t seed_init, double *weights);

/** Weights, or a gradient, from the NCHW order to that of this library, and back.
 *  @param nchw, weights  [num_weights] each; not the same memory */
void ch_architecture_from_nchw(const ch_architecture *self, const double *nchw, double *weights);
void ch_architecture_to_nchw(const ch_architecture *self, const double *weights, double *nchw);

/** Bytes of a network's weights: in double, and once rounded to single precision and once at the start. */
double ch_architecture_weights_bytes(const ch_architecture *self);

/** Numbers of a shape: channels x rows x columns. */
static inline size_t ch_shape_size(ch_shape shape)
{
    return shape.channels * shape.rows * shape.columns;
}

/** Number of weights before the first dense layer: those of the filters of a convolutional network, else 0. */
size_t ch_architecture_image_weights(const ch_architecture *self);

/** sqrt(E phi(z)^2), z ~ N(0, 1), by which the activations are divided. */
double ch_activation_norm(ch_activation activation);

#endif
