/* network.inc.h — ch_network in the precision CH_REAL; a template that network_f32.c and network_f64.c include.
 *
 * Image layers take a few samples at a time, [sample][row][column][channel]. Dense layers take all samples as the
 * columns of a matrix, in panels (panels.inc.h): the product W X then reads the weights in their order in memory, and
 * 16 samples fill a vector.
 *
 * Shapes: a layer has n inputs and m outputs, weights W [m][n] and biases b [m].
 */
#include "core/buffers.h"
#include "models/network/products.inc.h"

#include "models/network/activations.inc.h"
#include "models/network/filters.inc.h"
#include "models/network/pools.inc.h"
#include "models/network/transpose.inc.h"

#include "models/network/depthwise.inc.h"
#include "models/network/pooled.inc.h"

#include "models/network/panels.inc.h"

#include <stdlib.h>

typedef CH_NETWORK network;

/* Images that pass a layer together. Few images fit the caches with the weights; where the weights alone do not fit,
 * more images share each reading of them. */
enum { SMALL_GROUP = 4, LARGE_GROUP = 16, WEIGHTS_OF_SMALL = 1 << 18 };

/* The least number of weights of a first layer with which its update waits: fewer stay in the caches from step to step.
 */
enum { LEAST_DEFERRED = 1 << 15 };

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
    return self->architecture->layers[self->num_image_layers].weights;
}

static size_t node_size(const ch_architecture *architecture, size_t node)
{
    return node == 0 ? architecture->dim : ch_shape_size(architecture->layers[node - 1].out);
}

/* Sums and products of sizes; SIZE_MAX where they overflow, so that the allocation fails. */
static inline size_t plus(size_t a, size_t b)
{
    return a <= SIZE_MAX - b ? a + b : SIZE_MAX;
}

static inline size_t times(size_t a, size_t b)
{
    size_t product_of = 0;
    return __builtin_mul_overflow(a, b, &product_of) ? SIZE_MAX : product_of;
}

static inline size_t larger_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The memory of a node, or of all nodes, in numbers: values in rows and in panels, values before the activation where
 * the activation changes them, and derivatives. Each is a whole number of cache lines, so that the memory of every node
 * begins a cache line. */
typedef struct {
    size_t rows, panels, before, gradients;
} node_memory;

static size_t whole_lines(size_t numbers)
{
    const size_t line = CH_CACHE_LINE / sizeof(real);
    return plus(numbers, line - 1) / line * line;
}

static node_memory memory_of_node(const network *self, size_t node)
{
    const ch_architecture *architecture = self->architecture;
    const size_t size = node_size(architecture, node), lanes = lanes_of(self->capacity);
    const bool is_image = node <= self->num_image_layers, is_relu = architecture->spec.activation == CH_ACTIVATION_RELU;
    const bool is_changed = node > 0 && architecture->layers[node - 1].is_activated && !is_relu;
    const bool is_derived = is_image && self->num_image_layers > 0 && (node == 0 || !has_pool(architecture, node - 1));
    return (node_memory){
        .rows = is_image ? whole_lines(times(self->capacity, size)) : 0,
        .panels = node >= self->num_image_layers ? whole_lines(times(lanes, size)) : 0,
        .before = is_changed ? whole_lines(times(is_image ? self->capacity : lanes, size)) : 0,
        .gradients = is_derived ? whole_lines(times(self->group, size)) : 0,
    };
}

static node_memory memory_of_nodes(const network *self)
{
    node_memory sum = {0};
    for (size_t node = 0; node <= self->architecture->num_layers; node++) {
        const node_memory one = memory_of_node(self, node);
        sum.rows = plus(sum.rows, one.rows);
        sum.panels = plus(sum.panels, one.panels);
        sum.before = plus(sum.before, one.before);
        sum.gradients = plus(sum.gradients, one.gradients);
    }
    return sum;
}

/* The part of `memory` that the next node takes: NULL for none. */
static real *take(real **memory, size_t numbers)
{
    real *start = *memory;
    *memory += numbers;
    return numbers > 0 ? start : NULL;
}

/* Gives every node its part of the memory of all nodes. */
static void set_nodes(network *self)
{
    real *rows = self->row_values, *panels = self->panel_values, *before = self->before_values;
    real *gradients = self->gradient_values;
    for (size_t node = 0; node <= self->architecture->num_layers; node++) {
        const node_memory memory = memory_of_node(self, node);
        self->rows[node] = take(&rows, memory.rows);
        self->panels[node] = take(&panels, memory.panels);
        real *values = node <= self->num_image_layers ? self->rows[node] : self->panels[node];
        self->before[node] = memory.before > 0 ? take(&before, memory.before) : values;
        if (node <= self->num_image_layers) {
            self->gradients[node] = take(&gradients, memory.gradients);
        }
    }
}

/* The largest sizes among the layers, for the memory that they use one after the other. */
typedef struct {
    size_t in, out;        /* inputs and outputs of a dense layer */
    size_t padded, pixels; /* numbers of a padded image, and pixels, of a convolution */
    size_t cells, pooled;  /* pixels and numbers of the output of a pool */
} largest_sizes;

static largest_sizes find_largest(const ch_architecture *architecture)
{
    largest_sizes most = {.in = 1, .out = 1, .pixels = 1};
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        if (is_dense(layer)) {
            most.in = larger_of(layer->fan_in, most.in);
            most.out = larger_of(layer->out.channels, most.out);
        } else if ((layer->kind == CH_LAYER_CONV || layer->kind == CH_LAYER_DEPTHWISE) && !is_pointwise(layer)) {
            const image_frame in = input_frame(layer), out = output_frame(layer);
            most.padded = larger_of(frame_pixels(&in) * layer->in.channels, most.padded);
            most.padded = larger_of(frame_pixels(&out) * layer->out.channels, most.padded);
            most.pixels = larger_of(larger_of(num_pixels(layer->in), num_pixels(layer->out)), most.pixels);
        } else if (layer->kind == CH_LAYER_POOL) {
            most.cells = larger_of(num_pixels(layer->out), most.cells);
            most.pooled = larger_of(ch_shape_size(layer->out), most.pooled);
        }
    }
    return most;
}

static ch_buffer_list buffers_of(const network *self)
{
    const ch_architecture *architecture = self->architecture;
    const size_t capacity = self->capacity, lanes = lanes_of(capacity), num_nodes = architecture->num_layers + 1;
    const size_t num_weights = architecture->num_weights, num_image_weights = image_weights(self);
    const largest_sizes most = find_largest(architecture);
    const node_memory nodes = memory_of_nodes(self);
    const size_t widest = larger_of(most.in, most.out);
    const size_t most_deferred = self->num_image_layers == 0 ? ch_size_min(capacity, MOST_TERMS) : 0;
    return (ch_buffer_list){{
        CH_BUFFER(self->master, num_weights),
        CH_BUFFER(self->weights, num_weights),
        CH_BUFFER(self->transposed, num_image_weights),
        CH_BUFFER(self->reversed, num_image_weights),
        CH_BUFFER(self->change, num_image_weights),
        CH_BUFFER(self->rows, num_nodes),
        CH_BUFFER(self->panels, num_nodes),
        CH_BUFFER(self->before, num_nodes),
        CH_BUFFER(self->gradients, self->num_image_layers + 1),
        CH_BUFFER(self->row_values, nodes.rows),
        CH_BUFFER(self->panel_values, nodes.panels),
        CH_BUFFER(self->before_values, nodes.before),
        CH_BUFFER(self->gradient_values, nodes.gradients),
        /* products may read up to a panel beyond the padded images */
        CH_BUFFER(self->padded, plus(times(self->group, most.padded), PANEL)),
        CH_BUFFER(self->places, times(self->group, most.pixels)),
        CH_BUFFER(self->which, most.pooled),
        CH_BUFFER(self->picked, most.pooled),
        CH_BUFFER(self->deltas, most.cells),
        CH_BUFFER(self->delta, times(lanes, widest)),
        CH_BUFFER(self->delta_below, times(lanes, widest)),
        CH_BUFFER(self->gathered, times(lanes, most.out)),
        CH_BUFFER(self->delta_rows, times(capacity, most.out)),
        CH_BUFFER(self->input_rows, times(capacity, most.in)),
        CH_BUFFER(self->active, capacity),
        CH_BUFFER(self->deferred_deltas, times(most_deferred, architecture->layers[0].out.channels)),
        CH_BUFFER(self->deferred_inputs, times(most_deferred, architecture->dim)),
    }};
}

/* A network without memory, of which the sizes are set. */
static network sized(const ch_architecture *architecture, size_t capacity)
{
    network self = {.architecture = architecture, .capacity = capacity, .num_image_layers = image_layers(architecture)};
    self.group = image_weights(&self) > WEIGHTS_OF_SMALL ? LARGE_GROUP : SMALL_GROUP;
    self.least_deferred = LEAST_DEFERRED;
    self.is_rounded = true;
    return self;
}

double CH_NETWORK_(bytes)(const ch_architecture *architecture, size_t capacity)
{
    const network self = sized(architecture, capacity);
    const ch_buffer_list buffers = buffers_of(&self);
    return ch_buffers_bytes(&buffers);
}

ch_code CH_NETWORK_(init)(network *self, const ch_architecture *architecture, size_t capacity, ch_error *err)
{
    memset(self, 0, sizeof *self);
    if (capacity < 1 || capacity > UINT32_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT, "a network's capacity is %zu samples; it must be 1 to %lu", capacity,
                            (unsigned long)UINT32_MAX);
    }
    *self = sized(architecture, capacity);
    const ch_buffer_list buffers = buffers_of(self);
    if (!ch_buffers_alloc(&buffers)) {
        memset(self, 0, sizeof *self);
        return ch_error_memory(err, "the network: lower width, or the samples that it takes at a time");
    }
    set_nodes(self);
    return CH_OK;
}

void CH_NETWORK_(free)(network *self)
{
    if (self->architecture != NULL) {
        const ch_buffer_list buffers = buffers_of(self);
        ch_buffers_free(&buffers);
    }
    memset(self, 0, sizeof *self);
}

/* ---- weights ---- */

/* Copies a convolution's weights [out][tap][in] as transposed [tap][in][out], and as reversed [tap][out][in] with the
 * taps in reversed order. */
static void reorder_conv(const ch_layer *layer, const real *weights, real *transposed, real *reversed)
{
    const size_t in = layer->in.channels, out = layer->out.channels, taps = layer->kernel * layer->kernel;
    for (size_t t = 0; t < taps; t++) {
        for (size_t o = 0; o < out; o++) {
            memcpy(reversed + ((taps - 1 - t) * out + o) * in, weights + (o * taps + t) * in, in * sizeof *reversed);
        }
        transpose(weights + t * in, taps * in, out, in, transposed + t * in * out);
    }
}

/* Copies a depthwise convolution's weights [tap][channel] with the taps in reversed order. */
static void reorder_depthwise(const ch_layer *layer, const real *weights, real *reversed)
{
    const size_t channels = layer->in.channels, taps = layer->kernel * layer->kernel;
    for (size_t t = 0; t < taps; t++) {
        memcpy(reversed + (taps - 1 - t) * channels, weights + t * channels, channels * sizeof *reversed);
    }
}

static void reorder_weights(network *self)
{
    for (size_t l = 0; l < self->num_image_layers; l++) {
        const ch_layer *layer = &self->architecture->layers[l];
        const real *weights = self->weights + layer->weights;
        if (layer->kind == CH_LAYER_CONV) {
            reorder_conv(layer, weights, self->transposed + layer->weights, self->reversed + layer->weights);
        } else if (layer->kind == CH_LAYER_DEPTHWISE) {
            reorder_depthwise(layer, weights, self->reversed + layer->weights);
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
    if (weights != self->master) {
        memcpy(self->master, weights, self->architecture->num_weights * sizeof *weights);
    }
    round_weights(self, self->architecture->num_weights);
    self->num_deferred = 0;
    self->is_rounded = true;
}

const double *CH_NETWORK_(weights)(network *self)
{
    CH_NETWORK_(commit)(self);
    return self->master;
}

/* ---- the update that waits ----
 *
 * The first layer of a multilayer perceptron has most of the weights, and where batches are small an update takes as
 * long as memory takes to bring them. The update of that layer waits for the next forward pass, which needs the weights
 * anyway (deferred.inc.h). All else that reads these weights makes the update first, by commit().
 */

/* Whether the update of a layer is to wait. Steps of larger batches are limited by their multiply-adds. An update by
 * one sample is made at once where the rounded copy is up to date: with relu it changes about half of the rows. */
static bool is_deferrable(const network *self, const ch_layer *layer)
{
    return layer == self->architecture->layers && is_dense(layer) &&
           layer->fan_in * layer->out.channels >= self->least_deferred && (self->num_active > 1 || !self->is_rounded) &&
           self->num_active <= MOST_TERMS && self->count <= PANEL;
}

/* @param inputs  [num_active][n]; the deltas are self->delta_rows [num_active][m] */
static void defer(network *self, const real *inputs)
{
    const ch_layer *layer = &self->architecture->layers[0];
    const size_t num = self->num_active;
    self->num_deferred = num;
    memcpy(self->deferred_deltas, self->delta_rows, num * layer->out.channels * sizeof *self->deferred_deltas);
    memcpy(self->deferred_inputs, inputs, num * layer->fan_in * sizeof *self->deferred_inputs);
}

static a_matrix deferred_a(const network *self)
{
    return (a_matrix){.at = self->deferred_deltas, .row = 1, .column = self->architecture->layers[0].out.channels};
}

static b_matrix deferred_b(const network *self)
{
    return (b_matrix){.at = self->deferred_inputs, .row = self->architecture->layers[0].fan_in};
}

void CH_NETWORK_(commit)(network *self)
{
    const ch_layer *layer = &self->architecture->layers[0];
    const size_t in = layer->fan_in, out = layer->out.channels, first = layer->weights;
    if (self->num_deferred > 0) {
        const c_matrix to = {.master = self->master + first, .values = self->weights + first, .row = in};
        update(out, in, self->num_deferred, deferred_a(self), deferred_b(self), to);
        self->num_deferred = 0;
    }
    for (size_t i = first; !self->is_rounded && i < first + in * out; i++) {
        self->weights[i] = (real)self->master[i];
    }
    self->is_rounded = true;
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
    const size_t channels = self->num_image_layers > 0 ? self->architecture->spec.input.channels : 1,
                 pixels = dim / channels;
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

/* Whether dense layers take the samples of the pass as rows. */
static bool is_few(const network *self)
{
    return FEW_UNITS_PAY && self->count <= FEW_SAMPLES;
}

/* Copies the last image node, or the input, to panels. */
static void fill_panels(network *self)
{
    const size_t node = self->num_image_layers;
    rows_to_panels(self->rows[node], self->count, node_size(self->architecture, node), self->panels[node]);
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

/* Makes the update that waits, and computes z of the first layer, which is dense, for all samples: at most a panel. */
static void deferred_forward(network *self)
{
    const ch_layer *layer = &self->architecture->layers[0];
    const size_t count = self->count, out = layer->out.channels;
    const size_t width = panel_width(count, 0);
    const forward_product next = {
        .samples = is_few(self) ? count : 0,
        .width = width,
        .x = is_few(self) ? self->rows[0] : self->panels[0],
        .to = is_few(self) ? self->delta_rows : self->before[1],
    };
    update_forward(out, layer->fan_in, self->num_deferred, deferred_a(self), deferred_b(self),
                   self->master + layer->weights, &next);
    self->num_deferred = 0;
    self->is_rounded = false;
    if (is_few(self)) {
        rows_to_panels(self->delta_rows, count, out, self->before[1]);
    }
    finish_panel(self, 0, 0, width);
}

/* Computes the sums W x of dense layer l for all samples, of which there are few. */
static void few_sums(network *self, size_t l, real *sums)
{
    const ch_layer *layer = &self->architecture->layers[l];
    const size_t in = layer->fan_in, out = layer->out.channels, count = self->count;
    const real *inputs = self->rows[l];
    if (inputs == NULL) {
        panels_to_rows(self->panels[l], count, in, self->input_rows);
        inputs = self->input_rows;
    }
    few_forward(count, out, in, self->weights + layer->weights, inputs, self->delta_rows);
    rows_to_panels(self->delta_rows, count, out, sums);
}

static void dense_forward(network *self, size_t l)
{
    const size_t out = self->architecture->layers[l].out.channels;
    if (l == 0 && self->num_deferred > 0 && self->count > 0 && self->count <= PANEL) {
        deferred_forward(self);
        return;
    }
    if (l == 0) {
        CH_NETWORK_(commit)(self);
    }
    if (is_few(self)) {
        few_sums(self, l, self->before[l + 1]);
        finish_panel(self, l, 0, LANES);
        return;
    }
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
        for (size_t l = 0; l < self->num_image_layers; l++) {
            image_forward(self, l, first, ch_size_min(count - first, self->group));
        }
    }
    if (!is_few(self)) {
        fill_panels(self);
    }
    for (size_t l = self->num_image_layers; l < architecture->num_layers; l++) {
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

#include "core/memory.h"
#include "models/network/backward.inc.h"
