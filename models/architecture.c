/* architecture.c — the layers of every architecture. */
#include "models/architecture.h"

#include "core/memory.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest number of weights, and of numbers that a node has. Products of a few such numbers with a type's size do
 * not overflow. */
static const size_t MOST_NUMBERS = SIZE_MAX / 4096;
/* The convolutional networks have fewer layers: mnas, the deepest, has 18. */
enum { MOST_LAYERS = 24 };

/* ---- activations ---- */

static const struct {
    const char *name;
    double norm; /* sqrt(E phi(z)^2), z ~ N(0, 1) */
} activations[] = {
    [CH_ACTIVATION_RELU] = {"relu", 0.7071067811865476},
    [CH_ACTIVATION_GELU] = {"gelu", 0.6520687931753055},
    [CH_ACTIVATION_SILU] = {"silu", 0.5964692111227134},
    [CH_ACTIVATION_LINEAR] = {"linear", 1},
};

const char *ch_activation_name(uint64_t activation)
{
    return activation < sizeof activations / sizeof *activations ? activations[activation].name : NULL;
}

double ch_activation_norm(ch_activation activation)
{
    return activations[activation].norm;
}

/* ---- building: each function adds a layer to what there is ---- */

typedef struct {
    ch_architecture *architecture;
    ch_shape shape;    /* of the last node */
    bool is_too_large; /* a size overflowed: what follows is meaningless, and stays within memory */
} builder;

/* a x b. Where that is too large it returns 1, and the builder remembers that. */
static size_t times(builder *self, size_t a, size_t b)
{
    size_t product = 0;
    if (__builtin_mul_overflow(a, b, &product) || product > MOST_NUMBERS) {
        self->is_too_large = true;
        return 1;
    }
    return product;
}

static size_t flat_size(builder *self, ch_shape shape)
{
    return times(self, times(self, shape.channels, shape.rows), shape.columns);
}

/* Adds a layer after the last node and gives its weights and bias their places. */
static void add(builder *self, ch_layer layer, size_t fan_in, size_t num_weights)
{
    ch_architecture *architecture = self->architecture;
    layer.weights = architecture->num_weights;
    layer.fan_in = fan_in;
    layer.num_weights = num_weights;
    layer.bias = layer.weights + layer.num_weights;
    architecture->num_weights = layer.bias + (layer.has_bias ? layer.out.channels : 0);
    if (architecture->num_weights > MOST_NUMBERS) {
        self->is_too_large = true;
        architecture->num_weights = 0;
    }
    (void)flat_size(self, layer.out);
    self->shape = layer.out;
    architecture->layers[architecture->num_layers++] = layer;
}

/* The sum is divided by `divisor`. */
static void add_dense(builder *self, size_t out, bool has_bias, bool is_activated, double divisor)
{
    const size_t in = flat_size(self, self->shape);
    const ch_layer layer = {
        .kind = CH_LAYER_DENSE,
        .in = {in, 1, 1},
        .out = {out, 1, 1},
        .scale = 1 / divisor,
        .has_bias = has_bias,
        .is_activated = is_activated,
    };
    add(self, layer, in, times(self, in, out));
}

/* A hidden layer has NTK scaling: 1 / sqrt(fan_in), or 1 / sqrt(fan_in + 1) with a bias. */
static void add_hidden(builder *self, size_t out, bool has_bias, bool is_activated)
{
    const double fan_in = (double)flat_size(self, self->shape);
    add_dense(self, out, has_bias, is_activated, sqrt(fan_in + (has_bias ? 1 : 0)));
}

/* The output layer has mean-field scaling: 1 / fan_in. */
static void add_output(builder *self, bool has_bias)
{
    add_dense(self, 1, has_bias, false, (double)flat_size(self, self->shape));
}

static size_t divide_up(size_t n, size_t stride)
{
    return (n + stride - 1) / stride;
}

/* SAME padding adds max((ceil(n / s) - 1) s + k - n, 0) zeros in all, the smaller half of them first. */
static size_t pad_before(size_t n, size_t kernel, size_t stride)
{
    const size_t covered = (divide_up(n, stride) - 1) * stride + kernel;
    return covered > n ? (covered - n) / 2 : 0;
}

static void add_filter(builder *self, ch_layer_kind kind, size_t out, size_t kernel, size_t stride, bool has_bias,
                       bool is_activated)
{
    const ch_shape in = self->shape;
    const size_t channels = kind == CH_LAYER_DEPTHWISE ? 1 : in.channels;
    const size_t fan_in = times(self, times(self, kernel, kernel), channels);
    const ch_layer layer = {
        .kind = kind,
        .in = in,
        .out = {out, divide_up(in.rows, stride), divide_up(in.columns, stride)},
        .kernel = kernel,
        .stride = stride,
        .pad_row = pad_before(in.rows, kernel, stride),
        .pad_column = pad_before(in.columns, kernel, stride),
        .scale = 1 / sqrt((double)fan_in + (has_bias ? 1 : 0)),
        .has_bias = has_bias,
        .is_activated = is_activated,
    };
    add(self, layer, fan_in, times(self, out, fan_in));
}

static void add_conv(builder *self, size_t out, size_t kernel, size_t stride, bool has_bias, bool is_activated)
{
    add_filter(self, CH_LAYER_CONV, out, kernel, stride, has_bias, is_activated);
}

static void add_depthwise(builder *self, size_t stride)
{
    add_filter(self, CH_LAYER_DEPTHWISE, self->shape.channels, 5, stride, false, true);
}

static void add_pool(builder *self)
{
    const ch_shape in = self->shape;
    const ch_shape out = {in.channels, divide_up(in.rows, 2), divide_up(in.columns, 2)};
    add(self, (ch_layer){.kind = CH_LAYER_POOL, .in = in, .out = out, .scale = 1}, 0, 0);
}

static void add_mean(builder *self)
{
    const ch_shape in = self->shape;
    const double num_pixels = (double)in.rows * (double)in.columns;
    add(self, (ch_layer){.kind = CH_LAYER_MEAN, .in = in, .out = {in.channels, 1, 1}, .scale = 1 / num_pixels}, 0, 0);
}

/* Of i channels: a 1x1 convolution to 3 i channels with phi, a 5x5 depthwise convolution with phi, a 1x1 convolution to
 * `out` channels; and, where the shapes agree, (the result + the input) / sqrt(2). */
static void add_inverted_residual(builder *self, size_t out, size_t stride)
{
    const ch_shape before = self->shape;
    const size_t first = self->architecture->num_layers;
    add_conv(self, times(self, 3, before.channels), 1, 1, false, true);
    add_depthwise(self, stride);
    add_conv(self, out, 1, 1, false, false);
    const ch_shape after = self->shape;
    if (after.channels == before.channels && after.rows == before.rows && after.columns == before.columns) {
        self->architecture->layers[first].input_is_added = true;
        add(self, (ch_layer){.kind = CH_LAYER_RESIDUAL, .in = after, .out = after, .scale = sqrt(0.5), .from = first},
            0, 0);
    }
}

/* ---- the architectures ---- */

static void build_mlp(builder *self, const ch_network_spec *spec)
{
    const bool has_bias = spec->arch == CH_ARCH_MLP_BIAS;
    self->shape = (ch_shape){flat_size(self, self->shape), 1, 1};
    for (size_t l = 0; l < spec->depth; l++) {
        add_hidden(self, spec->width, has_bias, true);
    }
    add_output(self, false);
}

static void build_simple_cnn(builder *self, const ch_network_spec *spec)
{
    const size_t h = spec->width;
    add_conv(self, h, 5, 1, true, true);
    add_pool(self);
    add_conv(self, times(self, 2, h), 5, 1, true, true);
    add_pool(self);
    add_hidden(self, times(self, 32, h), true, false);
    add_output(self, false);
}

static void build_mnas(builder *self, const ch_network_spec *spec)
{
    const size_t h = spec->width;
    add_conv(self, times(self, 4, h), 5, 2, false, true);
    add_depthwise(self, 1);
    add_conv(self, times(self, 2, h), 1, 1, false, true);
    add_inverted_residual(self, h, 2);
    add_inverted_residual(self, h, 1);
    add_inverted_residual(self, times(self, 3, h), 2);
    add_inverted_residual(self, times(self, 3, h), 1);
    add_conv(self, times(self, 20, h), 1, 1, false, true);
    add_mean(self);
    add_output(self, true);
}

static void build_vgg11(builder *self, const ch_network_spec *spec)
{
    const size_t h = spec->width;
    /* Widths of the convolutions in units of h. A 0 stands for a pool. */
    static const size_t widths[] = {1, 0, 2, 0, 4, 4, 0, 8, 8, 0, 8, 8, 0};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        if (widths[i] == 0) {
            add_pool(self);
        } else {
            add_conv(self, times(self, widths[i], h), 3, 1, true, true);
        }
    }
    add_hidden(self, times(self, 64, h), true, true);
    add_hidden(self, times(self, 64, h), true, true);
    add_output(self, false);
}

/* w . x / sqrt(d) */
static void build_perceptron(builder *self, const ch_network_spec *spec)
{
    (void)spec;
    self->shape = (ch_shape){flat_size(self, self->shape), 1, 1};
    add_hidden(self, 1, false, false);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*build)(builder *self, const ch_network_spec *spec);
    bool takes_vectors; /* any input, flattened; else images only */
    bool has_width, has_depth;
} archs[] = {
    [CH_ARCH_PERCEPTRON] = {"perceptron", build_perceptron, .takes_vectors = true},
    [CH_ARCH_MLP] = {"mlp", build_mlp, .takes_vectors = true, .has_width = true, .has_depth = true},
    [CH_ARCH_MLP_BIAS] = {"mlp_bias", build_mlp, .takes_vectors = true, .has_width = true, .has_depth = true},
    [CH_ARCH_SIMPLE_CNN] = {"simple_cnn", build_simple_cnn, .has_width = true},
    [CH_ARCH_MNAS] = {"mnas", build_mnas, .has_width = true},
    [CH_ARCH_VGG11] = {"vgg11", build_vgg11, .has_width = true},
};
_Static_assert(sizeof archs / sizeof *archs == CH_NUM_ARCHS, "every architecture has a row");

const char *ch_arch_name(uint64_t arch)
{
    return arch < CH_NUM_ARCHS ? archs[arch].name : NULL;
}

bool ch_arch_takes_vectors(uint64_t arch)
{
    return arch < CH_NUM_ARCHS && archs[arch].takes_vectors;
}

bool ch_arch_has_depth(uint64_t arch)
{
    return arch < CH_NUM_ARCHS && archs[arch].has_depth;
}

/* ---- making ---- */

/* Refuses a number that is none of a list's, with the names that are.
 * @param what   what the number stands for
 * @param names  the name of each number; NULL from the end of the list on */
static ch_code refuse_number(const char *what, uint64_t number, const char *(*names)(uint64_t), ch_error *err)
{
    char list[256] = "";
    size_t length = 0;
    for (uint64_t i = 0; names(i) != NULL && length < sizeof list; i++) {
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "", names(i));
    }
    return ch_error_set(err, CH_ERROR_INPUT, "%s %d is none of %s", what, (int)number, list);
}

static ch_code check(const ch_network_spec *spec, ch_error *err)
{
    if (ch_arch_name(spec->arch) == NULL) {
        return refuse_number("architecture", spec->arch, ch_arch_name, err);
    }
    if (ch_activation_name(spec->activation) == NULL) {
        return refuse_number("activation", spec->activation, ch_activation_name, err);
    }
    if (archs[spec->arch].has_width && spec->width < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "width is 0; it must be at least 1");
    }
    if (archs[spec->arch].has_depth && spec->depth < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "depth is 0; it must be at least 1");
    }
    const ch_shape input = spec->input;
    if (input.channels < 1 || input.rows < 1 || input.columns < 1) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "the input has %zu channels of %zu x %zu; each of these numbers must be at least 1",
                            input.channels, input.rows, input.columns);
    }
    if (!archs[spec->arch].takes_vectors && (input.rows < 2 || input.columns < 2)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "model %s is for images; this data's inputs, %zu channels of %zu x %zu, are not",
                            ch_arch_name(spec->arch), input.channels, input.rows, input.columns);
    }
    return CH_OK;
}

ch_code ch_architecture_init(ch_architecture *self, const ch_network_spec *spec, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const ch_code code = check(spec, err);
    if (code != CH_OK) {
        return code;
    }
    self->spec = *spec;
    const size_t most_layers = archs[spec->arch].has_depth ? spec->depth : MOST_LAYERS;
    self->layers = most_layers < MOST_NUMBERS ? ch_alloc_unset(most_layers + 1, sizeof *self->layers) : NULL;
    if (self->layers == NULL) {
        return ch_error_memory(err, "the network's layers: lower depth");
    }
    builder made = {.architecture = self, .shape = spec->input};
    self->dim = flat_size(&made, spec->input);
    archs[spec->arch].build(&made, spec);
    if (made.is_too_large) {
        ch_architecture_free(self);
        return ch_error_set(
            err, CH_ERROR_INPUT, "model %s of width %zu on %zu channels of %zu x %zu is too large to be addressed",
            ch_arch_name(spec->arch), spec->width, spec->input.channels, spec->input.rows, spec->input.columns);
    }
    return CH_OK;
}

void ch_architecture_free(ch_architecture *self)
{
    free(self->layers);
    memset(self, 0, sizeof *self);
}

void ch_architecture_draw(const ch_architecture *self, uint64_t seed_init, double *weights)
{
    ch_random random;
    ch_random_init(&random, seed_init, CH_STREAM_INIT, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < self->num_weights; i++) {
        weights[i] = (double)(float)gsl_ran_gaussian_ziggurat(&gsl, 1.0);
    }
}

size_t ch_architecture_image_weights(const ch_architecture *self)
{
    const ch_layer *layer = self->layers; /* the last layer of every network is dense */
    while (layer->kind != CH_LAYER_DENSE) {
        layer++;
    }
    return layer->weights;
}

double ch_architecture_weights_bytes(const ch_architecture *self)
{
    return (double)(sizeof(double) + 2 * sizeof(float)) * (double)self->num_weights;
}

/* ---- NCHW order ---- */

/* The sizes that say where a layer's weight (out, in, tap) lies in either order, tap = row x kernel + column. A
 * depthwise convolution counts as one with a single input channel. */
typedef struct {
    size_t out, in, taps;
    bool is_depthwise;
} filter_order;

static filter_order order_of(const ch_layer *layer)
{
    switch (layer->kind) {
    case CH_LAYER_CONV:
        return (filter_order){layer->out.channels, layer->in.channels, layer->kernel * layer->kernel, false};
    case CH_LAYER_DEPTHWISE:
        return (filter_order){layer->out.channels, 1, layer->kernel * layer->kernel, true};
    default: /* the two orders are the same */
        return (filter_order){1, 1, layer->num_weights, false};
    }
}

static size_t place_here(const filter_order *order, size_t out, size_t in, size_t tap)
{
    return order->is_depthwise ? tap * order->out + out : (out * order->taps + tap) * order->in + in;
}

static void reorder(const ch_architecture *self, const double *from, double *to, bool to_nchw)
{
    memcpy(to, from, self->num_weights * sizeof *to); /* this leaves the biases, which lie alike, in their places */
    for (size_t l = 0; l < self->num_layers; l++) {
        const filter_order order = order_of(&self->layers[l]);
        size_t nchw = self->layers[l].weights;
        for (size_t out = 0; out < order.out; out++) {
            for (size_t in = 0; in < order.in; in++) {
                for (size_t tap = 0; tap < order.taps; tap++, nchw++) {
                    const size_t here = self->layers[l].weights + place_here(&order, out, in, tap);
                    if (to_nchw) {
                        to[nchw] = from[here];
                    } else {
                        to[here] = from[nchw];
                    }
                }
            }
        }
    }
}

void ch_architecture_from_nchw(const ch_architecture *self, const double *nchw, double *weights)
{
    reorder(self, nchw, weights, false);
}

void ch_architecture_to_nchw(const ch_architecture *self, const double *weights, double *nchw)
{
    reorder(self, weights, nchw, true);
}
