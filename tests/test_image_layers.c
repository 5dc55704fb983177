/* test_image_layers.c — compares outputs and gradients of convolutional networks with a slow reference in double, which
 * visits every pixel. Weights are random; or weights and images have few values, so that the pixels of a pool are often
 * equal, and often have no derivative. */
#include "core/memory.h"
#include "tests/spec_macros.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

/* With pools of 4, 2 and 1 pixels, where rows of the pixels that a filter sees are shorter than a vector, as long, or
 * several blocks long. Then with depthwise convolutions, where many pixels of a row see all taps, few, and none, and
 * where channels fill some vectors, leave a rest, or are fewer than one vector has. */
static const ch_network_spec specs[] = {
    IMAGES(SIMPLE_CNN, 1, RELU, 1, 2, 3),  IMAGES(SIMPLE_CNN, 16, RELU, 3, 9, 7), IMAGES(SIMPLE_CNN, 7, GELU, 2, 6, 5),
    IMAGES(SIMPLE_CNN, 33, SILU, 1, 5, 8), IMAGES(VGG11, 1, RELU, 3, 12, 9),      IMAGES(VGG11, 4, GELU, 1, 5, 8),
    IMAGES(VGG11, 11, RELU, 2, 7, 10),     IMAGES(MNAS, 8, GELU, 2, 11, 23),      IMAGES(MNAS, 5, RELU, 3, 6, 31),
    IMAGES(MNAS, 1, SILU, 1, 3, 18),
};
enum { NUM_POOLED = 7, NUM_SPECS = sizeof specs / sizeof *specs, NUM_SAMPLES = 6, MOST_NODES = 32 };

static const double coefficients[NUM_SAMPLES] = {0.7, -1.3, 0, 0.4, 0, 0.9};

/* ---- the reference: an image is [row][column][channel] ---- */

typedef struct {
    const ch_architecture *architecture;
    const double *weights;
    double *gradient;
    double *before[MOST_NODES], *values[MOST_NODES], *delta[MOST_NODES];
    size_t ties, dead; /* number of cells in which several largest pixels have a derivative, and in which none has */
} reference;

static size_t node_size(const ch_architecture *architecture, size_t node)
{
    return node == 0 ? architecture->dim : ch_shape_size(architecture->layers[node - 1].out);
}

static void reference_init(reference *self, const ch_architecture *architecture, const double *weights)
{
    memset(self, 0, sizeof *self);
    self->architecture = architecture;
    self->weights = weights;
    self->gradient = ch_alloc(architecture->num_weights, sizeof *self->gradient);
    for (size_t node = 0; node <= architecture->num_layers; node++) {
        const size_t size = node_size(architecture, node);
        self->before[node] = ch_alloc(size, sizeof(double));
        self->values[node] = ch_alloc(size, sizeof(double));
        self->delta[node] = ch_alloc(size, sizeof(double));
    }
}

static void reference_free(reference *self)
{
    free(self->gradient);
    for (size_t node = 0; node < MOST_NODES; node++) {
        free(self->before[node]);
        free(self->values[node]);
        free(self->delta[node]);
    }
}

/* phi(z) or phi'(z), divided by the norm. */
static double phi(ch_activation activation, bool is_slope, double z)
{
    const double norm = ch_activation_norm(activation);
    if (activation == CH_ACTIVATION_RELU) {
        return (is_slope ? (z > 0 ? 1 : 0) : fmax(z, 0)) / norm;
    }
    if (activation == CH_ACTIVATION_LINEAR) {
        return is_slope ? 1 : z;
    }
    const bool is_gelu = activation == CH_ACTIVATION_GELU;
    const double u = is_gelu ? 2 * 0.7978845608028654 * (z + 0.044715 * z * z * z) : z;
    const double slope = is_gelu ? 2 * 0.7978845608028654 * (1 + 3 * 0.044715 * z * z) : 1;
    const double s = 1 / (1 + exp(-u));
    return (is_slope ? s + z * s * (1 - s) * slope : z * s) / norm;
}

/* Calls visit(out, weight, in) for every product of a layer with weights. */
typedef void (*visitor)(reference *self, size_t l, size_t out, size_t weight, size_t in);

/* The products of a pixel of the output with a pixel of the input under one tap, or of a dense layer. */
static void visit_pixel(reference *self, size_t l, visitor visit, size_t out, size_t tap, size_t in)
{
    const ch_layer *layer = &self->architecture->layers[l];
    const bool is_dense = layer->kind == CH_LAYER_DENSE;
    const size_t channels = layer->out.channels, inputs = is_dense ? layer->fan_in : layer->in.channels;
    const size_t taps = is_dense ? 1 : layer->kernel * layer->kernel;
    for (size_t o = 0; layer->kind == CH_LAYER_DEPTHWISE && o < channels; o++) {
        visit(self, l, out * channels + o, layer->weights + tap * channels + o, in * channels + o);
    }
    for (size_t k = 0; layer->kind != CH_LAYER_DEPTHWISE && k < channels * inputs; k++) {
        const size_t o = k / inputs, c = k % inputs;
        visit(self, l, out * channels + o, layer->weights + (o * taps + tap) * inputs + c, in * inputs + c);
    }
}

static void visit_products(reference *self, size_t l, visitor visit)
{
    const ch_layer *layer = &self->architecture->layers[l];
    if (layer->kind == CH_LAYER_DENSE) {
        visit_pixel(self, l, visit, 0, 0, 0);
        return;
    }
    for (size_t out = 0; out < layer->out.rows * layer->out.columns; out++) {
        for (size_t tap = 0; tap < layer->kernel * layer->kernel; tap++) {
            const size_t top = out / layer->out.columns * layer->stride,
                         left = out % layer->out.columns * layer->stride;
            const size_t row = top + tap / layer->kernel - layer->pad_row;
            const size_t column = left + tap % layer->kernel - layer->pad_column;
            /* a negative number has become a huge one */
            if (row < layer->in.rows && column < layer->in.columns) {
                visit_pixel(self, l, visit, out, tap, row * layer->in.columns + column);
            }
        }
    }
}

static void add_product(reference *self, size_t l, size_t out, size_t weight, size_t in)
{
    self->before[l + 1][out] += self->weights[weight] * self->values[l][in];
}

static void add_derivatives(reference *self, size_t l, size_t out, size_t weight, size_t in)
{
    self->gradient[weight] += self->delta[l + 1][out] * self->values[l][in];
    self->delta[l][in] += self->delta[l + 1][out] * self->weights[weight];
}

/* The pixels of channel c in a cell of 2 x 2 that exist, row by row. */
static size_t list_quad(const ch_layer *pool, size_t i, size_t j, size_t c, size_t *pixels)
{
    size_t num = 0;
    for (size_t row = 2 * i; row < 2 * i + 2 && row < pool->in.rows; row++) {
        for (size_t column = 2 * j; column < 2 * j + 2 && column < pool->in.columns; column++) {
            pixels[num++] = (row * pool->in.columns + column) * pool->in.channels + c;
        }
    }
    return num;
}

static void pool_cell(reference *self, size_t l, size_t i, size_t j, size_t c, bool is_backward)
{
    const ch_layer *pool = &self->architecture->layers[l];
    const size_t cell = (i * pool->out.columns + j) * pool->out.channels + c;
    const double *x = self->values[l];
    size_t pixels[4] = {0}, equal = 1, num = list_quad(pool, i, j, c, pixels), best = pixels[0];
    for (size_t k = 1; k < num; k++) {
        equal = x[pixels[k]] > x[best] ? 1 : equal + (x[pixels[k]] == x[best] ? 1 : 0);
        best = x[pixels[k]] > x[best] ? pixels[k] : best;
    }
    if (is_backward) {
        self->delta[l][best] += self->delta[l + 1][cell];
    } else {
        self->values[l + 1][cell] = x[best];
        self->ties += equal > 1 && x[best] != 0 ? 1 : 0;
        self->dead += x[best] == 0 ? 1 : 0;
    }
}

static void pool_cells(reference *self, size_t l, bool is_backward)
{
    const ch_shape out = self->architecture->layers[l].out;
    for (size_t k = 0; k < ch_shape_size(out); k++) {
        pool_cell(self, l, k / out.channels / out.columns, k / out.channels % out.columns, k % out.channels,
                  is_backward);
    }
}

/* The sums of a layer, before bias and scale. */
static void sum_layer(reference *self, size_t l)
{
    const ch_layer *layer = &self->architecture->layers[l];
    const size_t in = ch_shape_size(layer->in);
    double *z = self->before[l + 1];
    memset(z, 0, ch_shape_size(layer->out) * sizeof *z);
    if (layer->kind == CH_LAYER_MEAN || layer->kind == CH_LAYER_RESIDUAL) {
        for (size_t k = 0; k < in; k++) {
            z[k % ch_shape_size(layer->out)] += self->values[l][k];
            if (layer->kind == CH_LAYER_RESIDUAL) {
                z[k] += self->values[layer->from][k];
            }
        }
        return;
    }
    visit_products(self, l, add_product);
}

static void layer_forward(reference *self, size_t l)
{
    const ch_layer *layer = &self->architecture->layers[l];
    if (layer->kind == CH_LAYER_POOL) {
        pool_cells(self, l, false);
        return;
    }
    double *z = self->before[l + 1];
    sum_layer(self, l);
    for (size_t k = 0; k < ch_shape_size(layer->out); k++) {
        const double bias = layer->has_bias ? self->weights[layer->bias + k % layer->out.channels] : 0;
        z[k] = layer->scale * (z[k] + bias);
        self->values[l + 1][k] = layer->is_activated ? phi(self->architecture->spec.activation, false, z[k]) : z[k];
    }
}

static void layer_backward(reference *self, size_t l)
{
    const ch_layer *layer = &self->architecture->layers[l];
    if (layer->kind == CH_LAYER_POOL) {
        pool_cells(self, l, true);
        return;
    }
    for (size_t k = 0; k < ch_shape_size(layer->out); k++) {
        const double z = self->before[l + 1][k];
        const double slope = layer->is_activated ? phi(self->architecture->spec.activation, true, z) : 1;
        self->delta[l + 1][k] *= layer->scale * slope;
        if (layer->has_bias) {
            self->gradient[layer->bias + k % layer->out.channels] += self->delta[l + 1][k];
        }
    }
    if (layer->kind == CH_LAYER_MEAN || layer->kind == CH_LAYER_RESIDUAL) {
        for (size_t k = 0; k < ch_shape_size(layer->in); k++) {
            const double delta = self->delta[l + 1][k % ch_shape_size(layer->out)];
            self->delta[l][k] += delta;
            if (layer->kind == CH_LAYER_RESIDUAL) {
                self->delta[layer->from][k] += delta;
            }
        }
        return;
    }
    visit_products(self, l, add_derivatives);
}

/* gradient += coefficient grad f(w, x) for one input [channel][row][column].
 * @return f(w, x) */
static double reference_add(reference *self, const float *input, double coefficient)
{
    const ch_shape shape = self->architecture->spec.input;
    const size_t num_layers = self->architecture->num_layers, pixels = shape.rows * shape.columns;
    for (size_t k = 0; k < self->architecture->dim; k++) {
        self->values[0][k] = (double)input[k % shape.channels * pixels + k / shape.channels];
    }
    for (size_t l = 0; l < num_layers; l++) {
        layer_forward(self, l);
        memset(self->delta[l], 0, node_size(self->architecture, l) * sizeof(double));
    }
    self->delta[num_layers][0] = coefficient;
    for (size_t l = num_layers; l-- > 0;) {
        layer_backward(self, l);
    }
    return self->values[num_layers][0];
}

/* ---- tests ---- */

static void assert_all_close(const double *values, const double *wanted, size_t count, double tolerance)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs(wanted[i]));
    }
    assert_true(most > 0);
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(values[i] - wanted[i]) <= tolerance * most)) {
            fail_msg("entry %zu is %.17g, not %.17g within %g of the largest, %g", i, values[i], wanted[i], tolerance,
                     most);
        }
    }
}

/* Compares both precisions with the reference.
 * @param single  tolerance of single precision; 0: it is not compared */
static void check_gradient(reference *wanted, const float *inputs, double single)
{
    const ch_architecture *architecture = wanted->architecture;
    const size_t size = architecture->num_weights;
    double *gradient = ch_alloc(size, sizeof *gradient), f[NUM_SAMPLES], wanted_f[NUM_SAMPLES];
    float narrow[NUM_SAMPLES], outputs[NUM_SAMPLES];
    ch_network_f64 network;
    ch_network small;
    for (size_t s = 0; s < NUM_SAMPLES; s++) {
        wanted_f[s] = reference_add(wanted, inputs + s * architecture->dim, coefficients[s]);
        narrow[s] = (float)coefficients[s];
    }
    assert_int_equal(ch_network_f64_init(&network, architecture, NUM_SAMPLES, NULL), CH_OK);
    ch_network_f64_set_weights(&network, wanted->weights);
    ch_network_f64_forward(&network, inputs, NULL, NUM_SAMPLES, f);
    ch_network_f64_gradient(&network, coefficients, gradient);
    assert_all_close(f, wanted_f, NUM_SAMPLES, 1e-13);
    assert_all_close(gradient, wanted->gradient, size, 1e-13);
    ch_network_f64_free(&network);
    if (single > 0) {
        memset(gradient, 0, size * sizeof *gradient);
        assert_int_equal(ch_network_init(&small, architecture, NUM_SAMPLES, NULL), CH_OK);
        ch_network_set_weights(&small, wanted->weights);
        ch_network_forward(&small, inputs, NULL, NUM_SAMPLES, outputs);
        ch_network_gradient(&small, narrow, gradient);
        for (size_t s = 0; s < NUM_SAMPLES; s++) {
            f[s] = (double)outputs[s];
        }
        assert_all_close(f, wanted_f, NUM_SAMPLES, single);
        assert_all_close(gradient, wanted->gradient, size, single);
        ch_network_free(&small);
    }
    free(gradient);
}

static void gradients_are_those_of_every_pixel(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        if (is_under_valgrind() && specs[i].width > 7) { /* these have the same layers as narrower ones */
            continue;
        }
        ch_architecture architecture;
        reference wanted;
        ch_random random;
        assert_int_equal(ch_architecture_init(&architecture, &specs[i], NULL), CH_OK);
        double *weights = ch_alloc(architecture.num_weights, sizeof *weights);
        float *inputs = ch_alloc(NUM_SAMPLES * architecture.dim, sizeof *inputs);
        ch_architecture_draw(&architecture, 3, weights);
        ch_random_init(&random, 11, CH_STREAM_TRAIN_SAMPLES, 0);
        for (size_t k = 0; k < NUM_SAMPLES * architecture.dim; k++) {
            inputs[k] = (float)ch_random_u32(&random) * 0x1p-30F - 2;
        }
        reference_init(&wanted, &architecture, weights);
        /* single precision may choose another of two pixels that are nearly equal */
        check_gradient(&wanted, inputs, i < NUM_POOLED ? 0 : 1e-5);
        reference_free(&wanted);
        free(weights);
        free(inputs);
        ch_architecture_free(&architecture);
    }
}

/* Each filter has only one weight that is not 0, in its middle. So pixels are equal where that input is, although their
 * filters see different pixels. A third of the filters has no derivative where the input is not 0. The derivatives by
 * the other weights show which pixel was chosen. */
static void make_filters_of_few_values(const ch_architecture *architecture, double *weights)
{
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        const size_t in = layer->in.channels, taps = layer->kernel * layer->kernel;
        for (size_t o = 0; layer->kind == CH_LAYER_CONV && o < layer->out.channels; o++) {
            double *filter = weights + layer->weights + o * layer->fan_in;
            memset(filter, 0, layer->fan_in * sizeof *filter);
            filter[taps / 2 * in + o % in] = o % 3 == 2 ? -6 : 5;
            weights[layer->bias + o] = o % 4 == 1 ? -0.5 : 0.25;
        }
    }
}

static void first_of_equal_pixels_wins(void **state)
{
    (void)state;
    skip_under_valgrind();
    size_t ties = 0, dead = 0;
    for (size_t i = 0; i < NUM_POOLED; i++) {
        ch_architecture architecture;
        reference wanted;
        ch_random random;
        assert_int_equal(ch_architecture_init(&architecture, &specs[i], NULL), CH_OK);
        double *weights = ch_alloc(architecture.num_weights, sizeof *weights);
        float *inputs = ch_alloc(NUM_SAMPLES * architecture.dim, sizeof *inputs);
        ch_architecture_draw(&architecture, 3, weights);
        make_filters_of_few_values(&architecture, weights);
        ch_random_init(&random, 11, CH_STREAM_TRAIN_SAMPLES, 0);
        for (size_t k = 0; k < NUM_SAMPLES * architecture.dim; k++) {
            inputs[k] = (float)ch_random_below(&random, 3) - 1;
        }
        reference_init(&wanted, &architecture, weights);
        check_gradient(&wanted, inputs, 1e-5);
        ties += wanted.ties;
        dead += wanted.dead;
        reference_free(&wanted);
        free(weights);
        free(inputs);
        ch_architecture_free(&architecture);
    }
    assert_true(ties > 1000 && dead > 1000);
}

/* The last pixel of an image is NaN, in a pool that has only this pixel. The derivatives of all
 * weights that see it are NaN. */
static void nan_is_passed_on(void **state)
{
    (void)state;
    const ch_network_spec spec = IMAGES(SIMPLE_CNN, 3, GELU, 1, 5, 3);
    ch_architecture architecture;
    ch_network_f64 network;
    float inputs[15] = {1, 2, 3};
    double f = 0;
    inputs[14] = NAN;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    assert_int_equal(ch_network_f64_init(&network, &architecture, 1, NULL), CH_OK);
    double *weights = ch_alloc(architecture.num_weights, sizeof *weights);
    double *gradient = ch_alloc(architecture.num_weights, sizeof *gradient);
    ch_architecture_draw(&architecture, 3, weights);
    ch_network_f64_set_weights(&network, weights);
    ch_network_f64_forward(&network, inputs, NULL, 1, &f);
    ch_network_f64_gradient(&network, &(double){1}, gradient);
    assert_true(isnan(f));
    for (size_t k = 0; k < architecture.layers[1].weights; k++) {
        assert_true(isnan(gradient[k]));
    }
    ch_network_f64_free(&network);
    ch_architecture_free(&architecture);
    free(weights);
    free(gradient);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_every_pixel),
        cmocka_unit_test(first_of_equal_pixels_wins),
        cmocka_unit_test(nan_is_passed_on),
    };
    return cmocka_run_group_tests_name("image_layers", tests, NULL, NULL);
}
