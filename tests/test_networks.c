/* test_networks.c — compares derivatives of every layer with finite differences; sums of gradients, updates, both
 * precisions, and refused architectures. test_golden.c compares values with golden vectors. */
#include "core/buffers.h"
#include "core/memory.h"
#include "models/models.h"
#include "tests/alloc_fail.h"
#include "tests/network_specs.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <string.h>

enum { NUM_SAMPLES = 37 };

typedef struct {
    ch_architecture architecture;
    ch_network_f64 network;
    float *inputs;   /* [NUM_SAMPLES][dim] */
    double *weights; /* w0 */
    double outputs[NUM_SAMPLES];
    size_t num_weights;
} stage;

static void set_up(stage *self, const ch_network_spec *spec)
{
    memset(self, 0, sizeof *self);
    assert_int_equal(ch_architecture_init(&self->architecture, spec, NULL), CH_OK);
    assert_int_equal(ch_network_f64_init(&self->network, &self->architecture, NUM_SAMPLES, NULL), CH_OK);
    self->num_weights = self->architecture.num_weights;
    self->weights = ch_alloc(self->num_weights, sizeof *self->weights);
    self->inputs = ch_alloc(NUM_SAMPLES * self->architecture.dim, sizeof *self->inputs);
    ch_architecture_draw(&self->architecture, 5, self->weights);
    ch_random random;
    ch_random_init(&random, 7, CH_STREAM_TRAIN_SAMPLES, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < NUM_SAMPLES * self->architecture.dim; i++) {
        self->inputs[i] = (float)gsl_ran_gaussian_ziggurat(&gsl, 1.0);
    }
    ch_network_f64_set_weights(&self->network, self->weights);
}

static void tear_down(stage *self)
{
    ch_network_f64_free(&self->network);
    ch_network_f64_free(&self->network);
    ch_architecture_free(&self->architecture);
    ch_architecture_free(&self->architecture);
    free(self->inputs);
    free(self->weights);
}

/* Requires agreement relative to the largest of `wanted`. A NaN fails. */
static void assert_all_close(const double *values, const double *wanted, size_t count, double tolerance)
{
    const double scale = largest(wanted, count);
    assert_true(scale > 0);
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(values[i] - wanted[i]) <= tolerance * scale)) {
            fail_msg("entry %zu is %.17g, not %.17g within %g of the largest, %g", i, values[i], wanted[i], tolerance,
                     scale);
        }
    }
}

/* The sum over i of c_i f(w, x_i) for three samples. */
static double weighted_sum(stage *self, const double *coefficients)
{
    double f[3];
    ch_network_f64_set_weights(&self->network, self->weights);
    ch_network_f64_forward(&self->network, self->inputs, NULL, 3, f);
    return coefficients[0] * f[0] + coefficients[1] * f[1] + coefficients[2] * f[2];
}

/* Central differences of fourth order: (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h. */
static double difference(stage *self, const double *coefficients, size_t k)
{
    static const double step = 1e-5, at[4] = {1, -1, 2, -2}, factors[4] = {8, -8, -1, 1};
    const double weight = self->weights[k];
    double sum = 0;
    for (size_t p = 0; p < 4; p++) {
        self->weights[k] = weight + at[p] * step;
        sum += factors[p] * weighted_sum(self, coefficients) / (12 * step);
    }
    self->weights[k] = weight;
    return sum;
}

/* Of every layer some 50 weights, over all of its range, and up to 50 of the bias; a fifth of that under sanitizers. */
static void gradient_is_that_of_finite_differences(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const double coefficients[3] = {0.7, -1.3, 0.4};
    const size_t of_each = is_sanitized() ? 10 : 50;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        set_up(&here, &specs[i]);
        double *gradient = ch_alloc(here.num_weights, sizeof *gradient);
        double *differences = ch_alloc(here.num_weights + 1, sizeof *differences);
        double *chosen = ch_alloc(here.num_weights + 1, sizeof *chosen);
        size_t num = 0;
        (void)weighted_sum(&here, coefficients);
        ch_network_f64_gradient(&here.network, coefficients, gradient);
        size_t largest = 0; /* the differences are known to a share of this one */
        for (size_t k = 1; k < here.num_weights; k++) {
            largest = fabs(gradient[k]) > fabs(gradient[largest]) ? k : largest;
        }
        differences[num] = difference(&here, coefficients, largest);
        chosen[num++] = gradient[largest];
        for (size_t l = 0; l < here.architecture.num_layers; l++) {
            const ch_layer *layer = &here.architecture.layers[l];
            const size_t end = layer->bias + (layer->has_bias ? layer->out.channels : 0);
            const size_t stride = 1 + layer->num_weights / of_each;
            for (size_t k = layer->weights; k < end;
                 k += k < layer->bias ? stride : 1 + layer->out.channels / of_each) {
                differences[num] = difference(&here, coefficients, k);
                chosen[num++] = gradient[k];
            }
        }
        assert_all_close(chosen, differences, num, 1e-8);
        free(gradient);
        free(differences);
        free(chosen);
        tear_down(&here);
    }
}

/* Coefficients, of which some are zero, so that there are runs of samples that count, single ones, and gaps. */
static double coefficient(size_t i)
{
    return i % 7 == 3 || (i > 9 && i < 20) ? 0 : 0.1 * (double)(i % 5) - 0.25;
}

static void sample_gradients_sum_to_the_gradient(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        set_up(&here, &specs[i]);
        const size_t size = here.num_weights;
        double *each = ch_alloc(NUM_SAMPLES * size, sizeof *each), *sum = ch_alloc(size, sizeof *sum);
        double *gradient = ch_alloc(size, sizeof *gradient), coefficients[NUM_SAMPLES];
        ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, here.outputs);
        ch_network_f64_sample_gradients(&here.network, each);
        for (size_t s = 0; s < NUM_SAMPLES; s++) {
            coefficients[s] = coefficient(s);
            for (size_t k = 0; k < size; k++) {
                sum[k] += coefficients[s] * each[s * size + k];
            }
        }
        gradient[0] = 1;
        sum[0] += 1; /* the gradient is added to what is there */
        ch_network_f64_gradient(&here.network, coefficients, gradient);
        assert_all_close(gradient, sum, size, 1e-13);
        free(each);
        free(sum);
        free(gradient);
        tear_down(&here);
    }
}

/* An update moves the weights by the gradient, and later passes use the new weights. */
static void update_adds_the_gradient(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        set_up(&here, &specs[i]);
        double *gradient = ch_alloc(here.num_weights, sizeof *gradient), coefficients[NUM_SAMPLES];
        double updated[NUM_SAMPLES], set[NUM_SAMPLES];
        for (size_t s = 0; s < NUM_SAMPLES; s++) {
            coefficients[s] = coefficient(s);
        }
        ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, here.outputs);
        ch_network_f64_gradient(&here.network, coefficients, gradient);
        ch_network_f64_update(&here.network, coefficients);
        for (size_t k = 0; k < here.num_weights; k++) {
            here.weights[k] += gradient[k];
        }
        assert_memory_equal(ch_network_f64_weights(&here.network), here.weights,
                            here.num_weights * sizeof *here.weights);
        ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, updated);
        ch_network_f64_set_weights(&here.network, here.weights);
        ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, set);
        assert_memory_equal(updated, set, sizeof set);
        assert_memory_not_equal(updated, here.outputs, sizeof set);
        free(gradient);
        tear_down(&here);
    }
}

static void zero_coefficients_do_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        set_up(&here, &specs[i]);
        const double none[NUM_SAMPLES] = {0};
        double *gradient = ch_alloc(here.num_weights, sizeof *gradient);
        ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, here.outputs);
        ch_network_f64_gradient(&here.network, none, gradient);
        ch_network_f64_update(&here.network, none);
        assert_true(largest(gradient, here.num_weights) == 0);
        assert_memory_equal(ch_network_f64_weights(&here.network), here.weights,
                            here.num_weights * sizeof *here.weights);
        free(gradient);
        tear_down(&here);
    }
}

/* The output of a sample has the same bits alone, with others, and in any order, in single precision too. */
static void outputs_do_not_depend_on_the_company(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 7, 8, 16, 17, 33};
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        ch_network single;
        uint32_t index[NUM_SAMPLES];
        double f[NUM_SAMPLES];
        float all[NUM_SAMPLES], some[NUM_SAMPLES];
        set_up(&here, &specs[i]);
        assert_int_equal(ch_network_init(&single, &here.architecture, NUM_SAMPLES, NULL), CH_OK);
        ch_network_set_weights(&single, here.weights);
        ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, here.outputs);
        ch_network_forward(&single, here.inputs, NULL, NUM_SAMPLES, all);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            for (size_t s = 0; s < counts[c]; s++) {
                index[s] = (uint32_t)((s * 10 + c) % NUM_SAMPLES);
            }
            ch_network_f64_forward(&here.network, here.inputs, index, counts[c], f);
            ch_network_forward(&single, here.inputs, index, counts[c], some);
            for (size_t s = 0; s < counts[c]; s++) {
                assert_true(f[s] == here.outputs[index[s]]);
                assert_true(some[s] == all[index[s]]);
            }
        }
        ch_network_free(&single);
        tear_down(&here);
    }
}

static void inputs_in_double_are_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        set_up(&here, &specs[i]);
        double *wide = ch_alloc(NUM_SAMPLES * here.architecture.dim, sizeof *wide), f[NUM_SAMPLES];
        for (size_t k = 0; k < NUM_SAMPLES * here.architecture.dim; k++) {
            wide[k] = (double)here.inputs[k];
        }
        ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, here.outputs);
        ch_network_f64_forward_double(&here.network, wide, NUM_SAMPLES, f);
        assert_memory_equal(f, here.outputs, sizeof f);
        free(wide);
        tear_down(&here);
    }
}

/* Outputs, gradients and the weights after an update agree up to rounding. */
static void single_precision_agrees_with_double(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        ch_network single;
        float outputs[NUM_SAMPLES], coefficients[NUM_SAMPLES];
        double f[NUM_SAMPLES], wide[NUM_SAMPLES];
        set_up(&here, &specs[i]);
        const size_t size = here.num_weights;
        double *gradient = ch_alloc(size, sizeof *gradient), *wanted = ch_alloc(size, sizeof *wanted);
        assert_int_equal(ch_network_init(&single, &here.architecture, NUM_SAMPLES, NULL), CH_OK);
        ch_network_set_weights(&single, here.weights);
        ch_network_forward(&single, here.inputs, NULL, NUM_SAMPLES, outputs);
        ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, here.outputs);
        for (size_t s = 0; s < NUM_SAMPLES; s++) {
            f[s] = (double)outputs[s];
            coefficients[s] = (float)coefficient(s);
            wide[s] = (double)coefficients[s];
        }
        assert_all_close(f, here.outputs, NUM_SAMPLES, 1e-5);
        ch_network_gradient(&single, coefficients, gradient);
        ch_network_f64_gradient(&here.network, wide, wanted);
        assert_all_close(gradient, wanted, size, 1e-5);
        ch_network_update(&single, coefficients);
        /* the update is kept in double, so that not even a last bit of a float is lost */
        for (size_t k = 0; k < size; k++) {
            gradient[k] = ch_network_weights(&single)[k] - here.weights[k];
        }
        assert_all_close(gradient, wanted, size, 1e-5);
        free(gradient);
        free(wanted);
        ch_network_free(&single);
        tear_down(&here);
    }
}

/* Updates far smaller than the last bit of a float add up. */
static void small_updates_are_kept(void **state)
{
    (void)state;
    stage here;
    ch_network single;
    float output, tiny = 1e-9F;
    set_up(&here, &specs[4]);
    double *gradient = ch_alloc(here.num_weights, sizeof *gradient);
    double *change = ch_alloc(here.num_weights, sizeof *change);
    assert_int_equal(ch_network_init(&single, &here.architecture, 1, NULL), CH_OK);
    ch_network_set_weights(&single, here.weights);
    for (size_t i = 0; i < 1000; i++) {
        ch_network_forward(&single, here.inputs, NULL, 1, &output);
        if (i == 0) {
            ch_network_gradient(&single, &(float){1e-6F}, gradient);
        }
        ch_network_update(&single, &tiny);
    }
    for (size_t k = 0; k < here.num_weights; k++) {
        change[k] = ch_network_weights(&single)[k] - here.weights[k];
    }
    assert_all_close(change, gradient, here.num_weights, 1e-5);
    free(gradient);
    free(change);
    ch_network_free(&single);
    tear_down(&here);
}

static void broken_weights_are_seen(void **state)
{
    (void)state;
    static const double broken[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        set_up(&here, &specs[i]);
        /* For relu, minus infinity becomes 0, which is right. */
        for (size_t k = 0; k < (specs[i].activation == CH_ACTIVATION_RELU ? 1 : 3); k++) {
            /* A weight of the first layer whose input is not zero. */
            const double weight = here.weights[here.architecture.layers[0].fan_in / 2];
            here.weights[here.architecture.layers[0].fan_in / 2] = broken[k];
            ch_network_f64_set_weights(&here.network, here.weights);
            ch_network_f64_forward(&here.network, here.inputs, NULL, NUM_SAMPLES, here.outputs);
            bool is_seen = false;
            for (size_t s = 0; s < NUM_SAMPLES; s++) {
                is_seen = is_seen || !isfinite(here.outputs[s]);
            }
            assert_true(is_seen);
            here.weights[here.architecture.layers[0].fan_in / 2] = weight;
        }
        tear_down(&here);
    }
}

static void nchw_order_goes_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        stage here;
        set_up(&here, &specs[i]);
        const size_t size = here.num_weights * sizeof *here.weights;
        double *nchw = ch_alloc(here.num_weights, sizeof *nchw);
        double *back = ch_alloc(here.num_weights, sizeof *back);
        ch_architecture_to_nchw(&here.architecture, here.weights, nchw);
        ch_architecture_from_nchw(&here.architecture, nchw, back);
        assert_memory_equal(back, here.weights, size);
        if (specs[i].arch == CH_ARCH_MLP || specs[i].arch == CH_ARCH_MLP_BIAS) {
            assert_memory_equal(nchw, here.weights, size);
        }
        free(nchw);
        free(back);
        tear_down(&here);
    }
}

/* Mean and variance of N weights within 5 standard errors: false alarm 1 in 2 million. */
static void weights_are_drawn_normal_and_single(void **state)
{
    (void)state;
    stage here;
    const ch_network_spec spec = MLP(100, 3, RELU, 500);
    set_up(&here, &spec);
    double *again = ch_alloc(here.num_weights, sizeof *again), sum = 0, squares = 0;
    const double num = (double)here.num_weights;
    assert_int_equal(here.num_weights, 500 * 100 + 2 * 100 * 100 + 100);
    for (size_t k = 0; k < here.num_weights; k++) {
        assert_true((double)(float)here.weights[k] == here.weights[k]);
        sum += here.weights[k];
        squares += here.weights[k] * here.weights[k];
    }
    assert_in(sum / num, -5 / sqrt(num), 5 / sqrt(num));
    assert_in(squares / num - 1, -5 * sqrt(2 / num), 5 * sqrt(2 / num));
    ch_architecture_draw(&here.architecture, 5, again);
    assert_memory_equal(again, here.weights, here.num_weights * sizeof *again);
    ch_architecture_draw(&here.architecture, 6, again);
    assert_memory_not_equal(again, here.weights, here.num_weights * sizeof *again);
    free(again);
    tear_down(&here);
}

static void refuses_specs(void **state)
{
    (void)state;
    static const struct {
        ch_network_spec spec;
        const char *word;
    } bad[] = {
        {MLP(0, 1, RELU, 5), "width is 0"},
        {MLP(5, 0, RELU, 5), "depth is 0"},
        {MLP(5, 1, RELU, 0), "0 channels"},
        {{(ch_arch)6, 1, 1, CH_ACTIVATION_RELU, {1, 1, 1}},
         "architecture 6 is none of perceptron, mlp, mlp_bias, simple_cnn, mnas, vgg11"},
        {{CH_ARCH_MLP, 1, 1, (ch_activation)4, {1, 1, 1}}, "activation 4 is none of relu, gelu, silu, linear"},
        {IMAGES(MNAS, 1, RELU, 10, 1, 1), "mnas is for images"},
        {IMAGES(SIMPLE_CNN, 1, RELU, 10, 1, 8), "simple_cnn is for images"},
        {IMAGES(VGG11, 1, RELU, 10, 8, 1), "vgg11 is for images"},
        {IMAGES(VGG11, 1, RELU, 0, 8, 8), "0 channels"},
        {MLP(SIZE_MAX / 2, 1, RELU, 5), "too large"},
        {MLP((size_t)1 << 40, 2, RELU, 5), "too large"},
        {MLP(5, 1, RELU, SIZE_MAX), "too large"},
        {IMAGES(MNAS, SIZE_MAX / 3, RELU, 3, 8, 8), "too large"},
        {IMAGES(VGG11, 1, RELU, 1, SIZE_MAX, SIZE_MAX), "too large"},
        {IMAGES(SIMPLE_CNN, 1, RELU, 1, (size_t)1 << 31, (size_t)1 << 31), "too large"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_architecture architecture;
        ch_error err = {0};
        assert_int_equal(ch_architecture_init(&architecture, &bad[i].spec, &err), CH_ERROR_INPUT);
        if (strstr(err.message, bad[i].word) == NULL) {
            fail_msg("\"%s\" does not hold \"%s\"", err.message, bad[i].word);
        }
        ch_architecture_free(&architecture);
    }
    ch_architecture architecture;
    ch_network network;
    ch_error err = {0};
    assert_int_equal(ch_architecture_init(&architecture, &specs[0], NULL), CH_OK);
    assert_int_equal(ch_network_init(&network, &architecture, 0, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "capacity is 0"));
    ch_network_free(&network);
    ch_architecture_free(&architecture);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        ch_architecture architecture;
        alloc_fail_at(0);
        assert_int_equal(ch_architecture_init(&architecture, &specs[i], NULL), CH_ERROR_MEMORY);
        ch_architecture_free(&architecture);
        alloc_fail_at(-1);
        assert_int_equal(ch_architecture_init(&architecture, &specs[i], NULL), CH_OK);
        ch_network network;
        ch_error err;
        long failed;
        assert_failures_are_told(failed, ch_network_init(&network, &architecture, 3, &err), err,
                                 ch_network_free(&network));
        assert_true(failed >= 12);
        ch_network_free(&network);
        ch_architecture_free(&architecture);
    }
}

/* A network allocates as many bytes as it announces, up to the rounding of each buffer to whole cache lines. */
static void memory_is_what_is_announced(void **state)
{
    (void)state;
    const double padding = CH_MOST_BUFFERS * CH_CACHE_LINE;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        ch_architecture architecture;
        ch_network single;
        ch_network_f64 wide;
        assert_int_equal(ch_architecture_init(&architecture, &specs[i], NULL), CH_OK);
        for (size_t capacity = 1; capacity <= 50; capacity += 7) {
            alloc_fail_at(-1);
            assert_int_equal(ch_network_init(&single, &architecture, capacity, NULL), CH_OK);
            const double bytes = ch_network_bytes(&architecture, capacity);
            assert_in((double)alloc_bytes(), bytes, bytes + padding);
            ch_network_free(&single);
            alloc_fail_at(-1);
            assert_int_equal(ch_network_f64_init(&wide, &architecture, capacity, NULL), CH_OK);
            const double wide_bytes = ch_network_f64_bytes(&architecture, capacity);
            assert_in((double)alloc_bytes(), wide_bytes, wide_bytes + padding);
            ch_network_f64_free(&wide);
        }
        ch_architecture_free(&architecture);
    }
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_is_that_of_finite_differences),
        cmocka_unit_test(sample_gradients_sum_to_the_gradient),
        cmocka_unit_test(update_adds_the_gradient),
        cmocka_unit_test(zero_coefficients_do_nothing),
        cmocka_unit_test(outputs_do_not_depend_on_the_company),
        cmocka_unit_test(inputs_in_double_are_the_same),
        cmocka_unit_test(single_precision_agrees_with_double),
        cmocka_unit_test(small_updates_are_kept),
        cmocka_unit_test(broken_weights_are_seen),
        cmocka_unit_test(nchw_order_goes_both_ways),
        cmocka_unit_test(weights_are_drawn_normal_and_single),
        cmocka_unit_test(refuses_specs),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(memory_is_what_is_announced),
    };
    return cmocka_run_group_tests_name("networks", tests, NULL, NULL);
}
