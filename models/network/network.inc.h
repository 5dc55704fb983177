/* network.inc.h — ch_network in the precision CH_REAL; a template that network_f32.c and network_f64.c include.
 *
 * Image layers take a few samples at a time, [sample][row][column][channel]. Dense layers take all samples as the
 * columns of a matrix, in panels (panels.inc.h): the product W X then reads the weights in their order in memory, and
 * 16 samples fill a vector.
 *
 * Shapes: a layer has n inputs and m outputs, weights W [m][n] and biases b [m].
 */
#include "models/network/product.inc.h"

#include "models/network/activations.inc.h"
#include "models/network/filters.inc.h"
#include "models/network/pools.inc.h"
#include "models/network/transpose.inc.h"

#include "models/network/pooled.inc.h"

#include "models/network/panels.inc.h"

#include <stdlib.h>

typedef CH_NETWORK network;

/* Images that pass a layer together. Few images fit the caches with the weights; where the weights alone do not fit,
 * more images share each reading of them. */
enum { SMALL_GROUP = 4, LARGE_GROUP = 16, WEIGHTS_OF_SMALL = 1 << 18 };

/* ---- memory ---- */

static inline bool is_dense(const ch_layer *layer)
{
    return layer->kind == CH_LAYER_DENSE;
}

static size_t image_layers(const ch_architecture *architecture)
{
    size_t num = 0;
    while (!is_dense(&architecture->layers[num])) {
        num++;
    }
    return num;
}

/* Whether a pool follows layer l. The backward pass then takes both layers together. */
static inline bool has_pool(const ch_architecture *architecture, size_t l)
{
    return l + 1 < architecture->num_layers && architecture->layers[l + 1].kind == CH_LAYER_POOL;
}

/* The number of weights of the image layers, which come first. */
static size_t image_weights(const network *self)
{
    return self->architecture->layers[self->num_images].weights;
}

static size_t node_size(const ch_architecture *architecture, size_t node)
{
    return node == 0 ? architecture->dim : ch_shape_size(architecture->layers[node - 1].out);
}

/* Allocates `size` numbers for each of `count` samples. @return whether there was memory */
static bool make_room(real **numbers, size_t count, size_t size)
{
    size_t total = 0;
    *numbers = __builtin_mul_overflow(count, size, &total) ? NULL : ch_alloc(total, sizeof **numbers);
    return *numbers != NULL;
}

static bool make_nodes(network *self)
{
    const ch_architecture *architecture = self->architecture;
    const size_t num_nodes = architecture->num_layers + 1, lanes = lanes_of(self->capacity);
    const bool is_relu = architecture->spec.activation == CH_ACTIVATION_RELU;
    self->rows = ch_alloc(num_nodes, sizeof *self->rows);
    self->panels = ch_alloc(num_nodes, sizeof *self->panels);
    self->before = ch_alloc(num_nodes, sizeof *self->before);
    self->gradients = ch_alloc(self->num_images + 1, sizeof *self->gradients);
    if (self->rows == NULL || self->panels == NULL || self->before == NULL || self->gradients == NULL) {
        return false;
    }
    for (size_t node = 0; node < num_nodes; node++) {
        const size_t size = node_size(architecture, node);
        const bool is_image = node <= self->num_images;
        if ((is_image && !make_room(&self->rows[node], self->capacity, size)) ||
            (node >= self->num_images && !make_room(&self->panels[node], lanes, size)) ||
            (is_image && self->num_images > 0 && (node == 0 || !has_pool(architecture, node - 1)) &&
             !make_room(&self->gradients[node], self->group, size))) {
            return false;
        }
        real *values = is_image ? self->rows[node] : self->panels[node];
        self->before[node] = values;
        if (node > 0 && architecture->layers[node - 1].is_activated && !is_relu &&
            !make_room(&self->before[node], is_image ? self->capacity : lanes, size)) {
            self->before[node] = values;
            return false;
        }
    }
    return true;
}

static inline size_t larger_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

static bool make_scratch(network *self)
{
    const ch_architecture *architecture = self->architecture;
    const size_t lanes = lanes_of(self->capacity);
    size_t widest_in = 1, widest_out = 1, largest_padded = 0, most_pixels = 1, most_cells = 0, largest_pooled = 0;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        if (is_dense(layer)) {
            widest_in = larger_of(layer->fan_in, widest_in);
            widest_out = larger_of(layer->out.channels, widest_out);
        } else if ((layer->kind == CH_LAYER_CONV || layer->kind == CH_LAYER_DEPTHWISE) && !is_pointwise(layer)) {
            const image_frame in = input_frame(layer), out = output_frame(layer);
            largest_padded = larger_of(frame_pixels(&in) * layer->in.channels, largest_padded);
            largest_padded = larger_of(frame_pixels(&out) * layer->out.channels, largest_padded);
            most_pixels = larger_of(larger_of(num_pixels(layer->in), num_pixels(layer->out)), most_pixels);
        } else if (layer->kind == CH_LAYER_POOL) {
            most_cells = larger_of(num_pixels(layer->out), most_cells);
            largest_pooled = larger_of(ch_shape_size(layer->out), largest_pooled);
        }
    }
    const size_t widest = larger_of(widest_in, widest_out);
    self->active = ch_alloc(self->capacity, sizeof *self->active);
    self->places = ch_alloc(self->group * most_pixels, sizeof *self->places);
    self->which = ch_alloc(largest_pooled, sizeof *self->which);
    /* products may read up to a panel beyond the padded images */
    return self->active != NULL && self->places != NULL && self->which != NULL &&
           make_room(&self->picked, 1, largest_pooled) && make_room(&self->deltas, 1, most_cells) &&
           make_room(&self->padded, 1, self->group * largest_padded + PANEL) &&
           make_room(&self->delta, lanes, widest) && make_room(&self->delta_below, lanes, widest) &&
           make_room(&self->gathered, lanes, widest_out) && make_room(&self->delta_rows, self->capacity, widest_out) &&
           make_room(&self->input_rows, self->capacity, widest_in);
}

static bool make_weights(network *self)
{
    self->master = ch_alloc(self->architecture->num_weights, sizeof *self->master);
    return self->master != NULL && make_room(&self->weights, 1, self->architecture->num_weights) &&
           make_room(&self->transposed, 1, image_weights(self)) && make_room(&self->turned, 1, image_weights(self)) &&
           make_room(&self->change, 1, image_weights(self));
}

ch_code CH_NETWORK_(init)(network *self, const ch_architecture *architecture, size_t capacity, ch_error *err)
{
    memset(self, 0, sizeof *self);
    if (capacity < 1 || capacity > UINT32_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT, "a network's capacity is %zu samples; it must be 1 to %lu", capacity,
                            (unsigned long)UINT32_MAX);
    }
    self->architecture = architecture;
    self->capacity = capacity;
    self->num_images = image_layers(architecture);
    self->group = image_weights(self) > WEIGHTS_OF_SMALL ? LARGE_GROUP : SMALL_GROUP;
    if (!make_weights(self) || !make_nodes(self) || !make_scratch(self)) {
        CH_NETWORK_(free)(self);
        return ch_error_memory(err, "the network: lower width, or the samples that it takes at a time");
    }
    return CH_OK;
}

static void free_nodes(network *self)
{
    const size_t num_nodes = self->architecture->num_layers + 1;
    for (size_t node = 0; node < num_nodes; node++) {
        real *rows = self->rows[node], *panels = self->panels[node], *before = self->before[node];
        if (before != rows && before != panels) {
            free(before);
        }
        free(rows);
        free(panels);
    }
    for (size_t node = 0; node <= self->num_images; node++) {
        free(self->gradients[node]);
    }
}

void CH_NETWORK_(free)(network *self)
{
    if (self->rows != NULL && self->panels != NULL && self->before != NULL && self->gradients != NULL) {
        free_nodes(self);
    }
    free(self->rows);
    free(self->panels);
    free(self->before);
    free(self->gradients);
    free(self->master);
    free(self->weights);
    free(self->transposed);
    free(self->turned);
    free(self->change);
    free(self->padded);
    free(self->places);
    free(self->which);
    free(self->picked);
    free(self->deltas);
    free(self->delta);
    free(self->delta_below);
    free(self->gathered);
    free(self->delta_rows);
    free(self->input_rows);
    free(self->active);
    memset(self, 0, sizeof *self);
}

/* ---- weights ---- */

/* Copies a convolution's weights [out][tap][in] as transposed [tap][in][out], and as turned [tap][out][in] with the
 * taps in reversed order. */
static void reorder_conv(const ch_layer *layer, const real *weights, real *transposed, real *turned)
{
    const size_t in = layer->in.channels, out = layer->out.channels, taps = layer->kernel * layer->kernel;
    for (size_t t = 0; t < taps; t++) {
        for (size_t o = 0; o < out; o++) {
            const real *from = weights + (o * taps + t) * in;
            memcpy(turned + ((taps - 1 - t) * out + o) * in, from, in * sizeof *turned);
            for (size_t i = 0; i < in; i++) {
                transposed[(t * in + i) * out + o] = from[i];
            }
        }
    }
}

/* Copies a depthwise convolution's weights [tap][channel] with the taps in reversed order. */
static void reorder_depthwise(const ch_layer *layer, const real *weights, real *turned)
{
    const size_t channels = layer->in.channels, taps = layer->kernel * layer->kernel;
    for (size_t t = 0; t < taps; t++) {
        memcpy(turned + (taps - 1 - t) * channels, weights + t * channels, channels * sizeof *turned);
    }
}

static void reorder_weights(network *self)
{
    for (size_t l = 0; l < self->num_images; l++) {
        const ch_layer *layer = &self->architecture->layers[l];
        const real *weights = self->weights + layer->weights;
        if (layer->kind == CH_LAYER_CONV) {
            reorder_conv(layer, weights, self->transposed + layer->weights, self->turned + layer->weights);
        } else if (layer->kind == CH_LAYER_DEPTHWISE) {
            reorder_depthwise(layer, weights, self->turned + layer->weights);
        }
    }
}

static void round_weights(network *self, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        self->weights[i] = (real)self->master[i];
    }
    reorder_weights(self);
}

void CH_NETWORK_(set_weights)(network *self, const double *weights)
{
    memcpy(self->master, weights, self->architecture->num_weights * sizeof *weights);
    round_weights(self, self->architecture->num_weights);
}

const double *CH_NETWORK_(weights)(const network *self)
{
    return self->master;
}

/* ---- forward ---- */

/* Copies a channel of an input to places `stride` apart. The input is `single` or `wide`; the other is NULL. */
static void take_channel(const float *single, const double *wide, size_t pixels, real *to, size_t stride)
{
    if (single == NULL) {
        for (size_t p = 0; p < pixels; p++) {
            to[p * stride] = (real)wide[p];
        }
    } else if (stride == 1) { /* the same as below; here the compiler can use vectors */
        for (size_t p = 0; p < pixels; p++) {
            to[p] = (real)single[p];
        }
    } else {
        for (size_t p = 0; p < pixels; p++) {
            to[p * stride] = (real)single[p];
        }
    }
}

/* Copies input `s`. An image [channel][row][column] becomes [row][column][channel]; a vector stays as it is. */
static void take_input(network *self, size_t s, const float *single, const double *wide)
{
    const size_t dim = self->architecture->dim;
    const size_t channels = self->num_images > 0 ? self->architecture->spec.input.channels : 1, pixels = dim / channels;
    for (size_t c = 0; c < channels; c++) {
        take_channel(single != NULL ? single + c * pixels : NULL, single != NULL ? NULL : wide + c * pixels, pixels,
                     self->rows[0] + s * dim + c, channels);
    }
}

/* Goes forward through image layer l with the images first … first + count. */
static void image_forward(network *self, size_t l, size_t first, size_t count)
{
    const ch_layer *layer = &self->architecture->layers[l];
    const size_t out_size = ch_shape_size(layer->out);
    const real *in = self->rows[l] + first * ch_shape_size(layer->in);
    real *out = self->rows[l + 1] + first * out_size, *before = self->before[l + 1] + first * out_size;
    switch (layer->kind) {
    case CH_LAYER_CONV:
        conv_forward(layer, self->transposed + layer->weights, &(conv_scratch){self->padded, self->places}, in, before,
                     count);
        break;
    case CH_LAYER_DEPTHWISE:
        depthwise_forward(layer, self->weights + layer->weights, in, before, count);
        break;
    case CH_LAYER_POOL:
        pool_forward(layer, in, out, count);
        return;
    case CH_LAYER_MEAN:
        mean_forward(layer, in, out, count);
        return;
    default:
        residual_forward(layer, in, self->rows[layer->from] + first * out_size, out, count);
        return;
    }
    finish_rows(layer, self->architecture->spec.activation, self->weights + layer->bias, before, out,
                count * num_pixels(layer->out));
}

/* Computes the sums W x of dense layer l for the panel that begins with sample `first`. */
static void dense_sums(const network *self, size_t l, size_t first, size_t width, real *sums)
{
    const ch_layer *layer = &self->architecture->layers[l];
    const size_t in = layer->fan_in;
    product(layer->out.channels, width, in, (a_matrix){.at = self->weights + layer->weights, .row = in, .column = 1},
            (b_matrix){.at = self->panels[l] + first * in, .row = width}, into(sums, width));
}

/* Computes z = scale (W x + b) and phi(z) of dense layer l for that panel, whose sums W x are in place of z. */
static void finish_panel(network *self, size_t l, size_t first, size_t width)
{
    const ch_layer *layer = &self->architecture->layers[l];
    const size_t out = layer->out.channels;
    const real *bias = self->weights + layer->bias, scale = (real)layer->scale;
    real *z = self->before[l + 1] + first * out;
    for (size_t o = 0; o < out; o++) {
        const real shift = layer->has_bias ? bias[o] : 0;
        for (size_t s = 0; s < width; s++) {
            z[o * width + s] = scale * (z[o * width + s] + shift);
        }
    }
    if (layer->is_activated) {
        activate(self->architecture->spec.activation, z, self->panels[l + 1] + first * out, out * width);
    }
}

static void dense_forward(network *self, size_t l)
{
    const size_t out = self->architecture->layers[l].out.channels;
    for (size_t first = 0; first < self->count; first += PANEL) {
        const size_t width = panel_width(self->count, first);
        dense_sums(self, l, first, width, self->before[l + 1] + first * out);
        finish_panel(self, l, first, width);
    }
}

/* Goes forward from the inputs, which are the values of node 0. */
static void forward(network *self, size_t count, real *outputs)
{
    const ch_architecture *architecture = self->architecture;
    self->count = count;
    for (size_t first = 0; first < count; first += self->group) {
        for (size_t l = 0; l < self->num_images; l++) {
            image_forward(self, l, first, at_most(count - first, self->group));
        }
    }
    rows_to_panels(self->rows[self->num_images], count, node_size(architecture, self->num_images),
                   self->panels[self->num_images]);
    for (size_t l = self->num_images; l < architecture->num_layers; l++) {
        dense_forward(self, l);
    }
    /* the output is one number a sample, so that the lanes of all panels follow each other */
    memcpy(outputs, self->panels[architecture->num_layers], count * sizeof *outputs);
}

void CH_NETWORK_(forward)(network *self, const float *inputs, const uint32_t *index, size_t count, real *outputs)
{
    for (size_t s = 0; s < count; s++) {
        take_input(self, s, inputs + (index != NULL ? index[s] : s) * self->architecture->dim, NULL);
    }
    forward(self, count, outputs);
}

void CH_NETWORK_(forward_double)(network *self, const double *inputs, size_t count, real *outputs)
{
    for (size_t s = 0; s < count; s++) {
        take_input(self, s, NULL, inputs + s * self->architecture->dim);
    }
    forward(self, count, outputs);
}

#include "models/network/backward.inc.h"
