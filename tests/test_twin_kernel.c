/* test_twin_kernel.c — compares kernels that are computed layer by layer with those from gradients, and tests kernels
 * with labels: of golden vectors, of every architecture, with padding, and with errors in their input. */
#include "alloc_fail.h"
#include "core/memory.h"
#include "golden_support.h"
#include "models/tangent/layerwise.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>

enum { NUM_ROWS = 45, NUM_COLUMNS = 139 };

/* Widths that are less than a panel, several panels, and more than the depth of one product; images whose filters have
 * such sizes too. */
static const ch_network_spec specs[] = {
    {CH_ARCH_MLP, 1, 1, CH_ACTIVATION_RELU, {1, 1, 1}},
    {CH_ARCH_MLP, 37, 3, CH_ACTIVATION_RELU, {19, 1, 1}},
    {CH_ARCH_MLP, 20, 2, CH_ACTIVATION_GELU, {3, 17, 13}},
    {CH_ARCH_MLP_BIAS, 17, 2, CH_ACTIVATION_SILU, {3, 2, 3}},
    {CH_ARCH_MLP_BIAS, 3, 4, CH_ACTIVATION_RELU, {7, 1, 1}},
    {CH_ARCH_SIMPLE_CNN, 2, 0, CH_ACTIVATION_RELU, {3, 5, 6}},
    {CH_ARCH_SIMPLE_CNN, 3, 0, CH_ACTIVATION_GELU, {2, 7, 4}},
    {CH_ARCH_MNAS, 1, 0, CH_ACTIVATION_SILU, {1, 9, 7}},
    {CH_ARCH_VGG11, 1, 0, CH_ACTIVATION_RELU, {1, 5, 4}},
};
enum { NUM_SPECS = sizeof specs / sizeof *specs, A_DENSE_ONE = 1, AN_IMAGE_ONE = 5 };

typedef struct {
    ch_architecture architecture;
    double *weights;
    float *inputs; /* [NUM_COLUMNS][dim] */
    int8_t labels[NUM_COLUMNS];
    double gradient_kernel[NUM_COLUMNS * NUM_COLUMNS]; /* computed from gradients in double precision */
} stage;

static ch_kernel_task task_of(const stage *self, size_t first, size_t num_rows, size_t bytes, int threads)
{
    return (ch_kernel_task){
        .architecture = &self->architecture,
        .weights = self->weights,
        .rows = self->inputs + first * self->architecture.dim,
        .columns = self->inputs,
        .num_rows = num_rows,
        .num_columns = NUM_COLUMNS,
        .bytes = bytes,
        .threads = threads,
    };
}

static void set_up(stage *self, const ch_network_spec *spec)
{
    assert_int_equal(ch_architecture_init(&self->architecture, spec, NULL), CH_OK);
    const size_t dim = self->architecture.dim;
    self->weights = ch_alloc(self->architecture.num_weights, sizeof *self->weights);
    self->inputs = ch_alloc(NUM_COLUMNS * dim, sizeof *self->inputs);
    ch_architecture_draw(&self->architecture, 3, self->weights);
    ch_random random;
    ch_random_init(&random, 4, CH_STREAM_TRAIN_SAMPLES, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < NUM_COLUMNS * dim; i++) {
        self->inputs[i] = (float)gsl_ran_gaussian_ziggurat(&gsl, 1.0);
    }
    for (size_t i = 0; i < NUM_COLUMNS; i++) {
        self->labels[i] = ch_random_below(&random, 2) == 1 ? 1 : -1;
    }
    const ch_kernel_task task = task_of(self, 0, NUM_COLUMNS, SIZE_MAX, 1);
    assert_int_equal(ch_kernel_compute_f64(&task, self->gradient_kernel, NULL), CH_OK);
}

static stage stages[NUM_SPECS];

/* All tests share the network, the inputs and the kernel of gradients of a spec. They are made when they are asked for
 * first. */
static stage *stage_of(size_t spec)
{
    if (stages[spec].weights == NULL) {
        set_up(&stages[spec], &specs[spec]);
    }
    return &stages[spec];
}

static int free_stages(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_SPECS; k++) {
        ch_architecture_free(&stages[k].architecture);
        free(stages[k].weights);
        free(stages[k].inputs);
    }
    return 0;
}

/* sqrt(K_ii K_jj). */
static double scale_of(const stage *self, size_t i, size_t j)
{
    return sqrt(self->gradient_kernel[i * (NUM_COLUMNS + 1)] * self->gradient_kernel[j * (NUM_COLUMNS + 1)]);
}

/* ---- by layers ---- */

static void layers_make_the_kernel_of_gradients(void **state)
{
    (void)state;
    enum { STRIDE = NUM_COLUMNS + 5 };
    static double wide[NUM_COLUMNS * STRIDE];
    static float single[NUM_COLUMNS * STRIDE];
    for (size_t k = 0; k < NUM_SPECS; k += is_under_valgrind() ? 2 : 1) {
        stage *here = stage_of(k);
        const ch_kernel_task task = task_of(here, 0, NUM_COLUMNS, SIZE_MAX, 1);
        wide[NUM_COLUMNS] = 7;
        assert_int_equal(ch_layerwise_kernel_f64(&task, STRIDE, wide, NULL), CH_OK);
        assert_int_equal(ch_layerwise_kernel(&task, STRIDE, single, NULL), CH_OK);
        assert_true(wide[NUM_COLUMNS] == 7);
        for (size_t i = 0; i < NUM_COLUMNS; i++) {
            for (size_t j = 0; j < NUM_COLUMNS; j++) {
                const double wanted = here->gradient_kernel[i * NUM_COLUMNS + j], scale = scale_of(here, i, j);
                assert_in(wide[i * STRIDE + j] - wanted, -1e-13 * scale, 1e-13 * scale);
                assert_in((double)single[i * STRIDE + j] - wanted, -1e-5 * scale, 1e-5 * scale);
                assert_true(single[i * STRIDE + j] == single[j * STRIDE + i]);
                assert_true(wide[i * STRIDE + j] == wide[j * STRIDE + i]);
            }
        }
    }
}

/* Bytes that are enough for `num` samples on either side. */
static size_t bytes_of(const stage *self, size_t num)
{
    return 2 * ch_layerwise_bytes(&self->architecture, num);
}

/* No bit depends on threads, on memory, or on whether rows and columns are exchanged. */
static void blocks_and_threads_change_nothing(void **state)
{
    (void)state;
    skip_under_valgrind();
    static float whole[NUM_COLUMNS * NUM_COLUMNS], again[NUM_COLUMNS * NUM_COLUMNS];
    for (size_t k = 0; k < NUM_SPECS; k++) {
        stage *here = stage_of(k);
        const ch_kernel_task task = task_of(here, 0, NUM_COLUMNS, SIZE_MAX, 1);
        assert_int_equal(ch_layerwise_kernel(&task, NUM_COLUMNS, whole, NULL), CH_OK);
        for (size_t num = 1; num < 2 * NUM_COLUMNS; num += is_sanitized() ? 192 : 64) {
            const ch_kernel_task less = task_of(here, 0, NUM_COLUMNS, bytes_of(here, num), 1 + (int)(num / 64) % 2);
            memset(again, 0, sizeof again);
            assert_int_equal(ch_layerwise_kernel(&less, NUM_COLUMNS, again, NULL), CH_OK);
            assert_memory_equal(whole, again, sizeof whole);
            const ch_kernel_task part = task_of(here, 9, NUM_ROWS, bytes_of(here, num), 2 - (int)(num / 64) % 2);
            memset(again, 0, sizeof again);
            assert_int_equal(ch_layerwise_kernel(&part, NUM_COLUMNS, again, NULL), CH_OK);
            assert_memory_equal(whole + 9 * NUM_COLUMNS, again, NUM_ROWS * NUM_COLUMNS * sizeof *whole);
        }
    }
}

/* The gradients of the first images have the same bits as when all gradients are computed. */
static void gradients_of_images_are_the_first(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_SPECS; k++) {
        stage *here = stage_of(k);
        ch_network network;
        const size_t num = here->architecture.num_weights, first = ch_architecture_image_weights(&here->architecture);
        float outputs[NUM_ROWS];
        float *all = ch_alloc(NUM_ROWS * num, sizeof *all), *images = ch_alloc(NUM_ROWS * first + 1, sizeof *images);
        assert_int_equal(ch_network_init(&network, &here->architecture, NUM_ROWS, NULL), CH_OK);
        ch_network_set_weights(&network, here->weights);
        ch_network_forward(&network, here->inputs, NULL, NUM_ROWS, outputs);
        ch_network_sample_gradients(&network, all);
        images[NUM_ROWS * first] = 7;
        ch_network_image_gradients(&network, images);
        for (size_t i = 0; i < NUM_ROWS; i++) {
            assert_memory_equal(images + i * first, all + i * num, first * sizeof *all);
        }
        assert_true(images[NUM_ROWS * first] == 7);
        assert_true((first > 0) == (k >= AN_IMAGE_ONE));
        free(all);
        free(images);
        ch_network_free(&network);
    }
}

static void layers_refuse_and_stop(void **state)
{
    (void)state;
    static float kernel[NUM_COLUMNS * NUM_COLUMNS];
    ch_error err = {0};
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    stage *here = stage_of(A_DENSE_ONE);
    ch_kernel_task task = task_of(here, 0, NUM_COLUMNS, bytes_of(here, 1) - 1, 1);
    assert_int_equal(ch_layerwise_kernel(&task, NUM_COLUMNS, kernel, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "bytes"));
    task.bytes++;
    task.watch = &watch;
    assert_int_equal(ch_layerwise_kernel(&task, NUM_COLUMNS, kernel, &err), CH_ERROR_INTERRUPTED);
}

/* ---- with labels ---- */

static ch_examples examples_of(const stage *self, size_t first, size_t num)
{
    return (ch_examples){
        .num_samples = num,
        .shape = self->architecture.spec.input,
        .dim = self->architecture.dim,
        .inputs = self->inputs + first * self->architecture.dim,
        .labels = (int8_t *)self->labels + first,
    };
}

static void check_kernel(const stage *here, size_t num_train, size_t bytes, int threads)
{
    ch_kernel kernel;
    const ch_examples train = examples_of(here, 0, num_train), test = examples_of(here, num_train, NUM_ROWS);
    const ch_kernel_setup setup = {
        .architecture = &here->architecture,
        .weights = here->weights,
        .train = &train,
        .test = &test,
        .bytes = bytes,
        .threads = threads,
    };
    assert_int_equal(ch_kernel_init(&kernel, &setup, NULL), CH_OK);
    assert_true(kernel.num_train == num_train && kernel.num_test == NUM_ROWS && kernel.stride % CH_KERNEL_LANES == 0);
    assert_in((double)kernel.stride, (double)num_train, (double)num_train + CH_KERNEL_LANES - 1);
    assert_true((num_train + NUM_ROWS) * kernel.stride * sizeof(float) == ch_kernel_bytes(num_train, NUM_ROWS));
    for (size_t i = 0; i < num_train + NUM_ROWS; i++) {
        const float *row = i < num_train ? ch_kernel_row(&kernel, i) : kernel.test + (i - num_train) * kernel.stride;
        for (size_t j = 0; j < kernel.stride; j++) {
            if (j >= num_train) {
                assert_true(row[j] == 0);
                continue;
            }
            const double error = 1e-5 * scale_of(here, i, j);
            const double wanted = here->gradient_kernel[i * NUM_COLUMNS + j] * here->labels[i] * here->labels[j];
            assert_in((double)row[j], wanted - error, wanted + error);
            assert_true(i >= num_train || row[j] == ch_kernel_row(&kernel, j)[i]);
        }
    }
    ch_kernel_free(&kernel);
    ch_kernel_free(&kernel);
}

static void kernels_have_labels_and_padding(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const size_t sizes[] = {1, 63, 64, 65, NUM_COLUMNS - NUM_ROWS};
    for (size_t k = 0; k < NUM_SPECS; k++) {
        stage *here = stage_of(k);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s += is_sanitized() ? 3 : 1) {
            check_kernel(here, sizes[s], 50 * ch_kernel_least_work(&here->architecture), 2);
            check_kernel(here, sizes[s], ch_kernel_least_work(&here->architecture), 1);
            check_kernel(here, sizes[s], ch_kernel_best_work(&here->architecture, sizes[s], NUM_ROWS), 1);
        }
    }
}

/* The golden kernels are in double precision. Here the inputs, and all that follows from them, are in single precision.
 */
static void golden_kernels_agree(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "tests/golden/mlp_h8_L3_relu_12.txt",       "tests/golden/mlp_h6_L2_gelu_2x3x3.txt",
        "tests/golden/mlp_bias_h7_L2_silu_10.txt",  "tests/golden/simple_cnn_h2_L0_relu_3x9x9.txt",
        "tests/golden/mnas_h2_L0_relu_3x12x12.txt",
    };
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        golden wanted;
        golden_read(&wanted, paths[k]);
        const size_t num = wanted.f0.count;
        ch_architecture architecture;
        ch_examples train = {.num_samples = num};
        assert_int_equal(ch_architecture_init(&architecture, &wanted.spec, NULL), CH_OK);
        train.dim = architecture.dim;
        train.inputs = ch_alloc(num * train.dim, sizeof *train.inputs);
        train.labels = ch_alloc(num, sizeof *train.labels);
        double *weights = ch_alloc(architecture.num_weights, sizeof *weights);
        ch_architecture_from_nchw(&architecture, wanted.weights, weights);
        for (size_t i = 0; i < num * train.dim; i++) {
            train.inputs[i] = (float)wanted.x.values[i];
        }
        for (size_t i = 0; i < num; i++) {
            train.labels[i] = wanted.y.values[i] > 0 ? 1 : -1;
        }
        const ch_kernel_setup setup = {
            .architecture = &architecture, .weights = weights, .train = &train, .bytes = SIZE_MAX, .threads = 1};
        ch_kernel kernel;
        assert_int_equal(ch_kernel_init(&kernel, &setup, NULL), CH_OK);
        assert_int_equal(kernel.num_test, 0);
        for (size_t i = 0; i < num; i++) {
            for (size_t j = 0; j < num; j++) {
                const double *values = wanted.ntk.values;
                const double error = 1e-5 * sqrt(values[i * (num + 1)] * values[j * (num + 1)]);
                const double entry = values[i * num + j] * wanted.y.values[i] * wanted.y.values[j];
                assert_in((double)ch_kernel_row(&kernel, i)[j], entry - error, entry + error);
            }
        }
        ch_kernel_free(&kernel);
        free(weights);
        free(train.inputs);
        free(train.labels);
        ch_architecture_free(&architecture);
        golden_free(&wanted);
    }
}

/* ---- the lazy limit ---- */

/* Takes one step of gradient descent of the network itself.
 * @param margins  out: the margins after the step
 * @return the number of samples that were fitted before the step */
static size_t step_network(ch_network_f64 *network, const stage *here, size_t num, double rate, double kappa,
                           const double *first_outputs, double *margins)
{
    double outputs[NUM_COLUMNS], coefficients[NUM_COLUMNS];
    size_t fitted = 0;
    ch_network_f64_forward(network, here->inputs, NULL, num, outputs);
    for (size_t i = 0; i < num; i++) {
        const bool is_fitted = here->labels[i] * (outputs[i] - first_outputs[i]) >= kappa;
        coefficients[i] = is_fitted ? 0 : rate / (double)num * here->labels[i];
        fitted += is_fitted;
    }
    ch_network_f64_update(network, coefficients);
    ch_network_f64_forward(network, here->inputs, NULL, num, outputs);
    for (size_t i = 0; i < num; i++) {
        margins[i] = here->labels[i] * (outputs[i] - first_outputs[i]);
    }
    return fitted;
}

/* At a small margin the weights hardly move, and the network agrees with its twin: the margins are the same after every
 * step. */
static void small_margins_make_the_network_its_twin(void **state)
{
    (void)state;
    skip_under_valgrind();
    enum { P = 30, STEPS = 400 };
    static const double KAPPA = 1e-7;
    static const size_t smooth[] = {3, 6};
    for (size_t k = 0; k < (is_sanitized() ? 1 : 2); k++) {
        stage *here = stage_of(smooth[k]);
        const ch_examples train = examples_of(here, 0, P);
        const ch_kernel_setup setup = {.architecture = &here->architecture,
                                       .weights = here->weights,
                                       .train = &train,
                                       .bytes = SIZE_MAX,
                                       .threads = 1};
        ch_kernel kernel;
        ch_twin twin;
        ch_network_f64 network;
        ch_observation seen;
        double largest = 0, first_outputs[P], margins[P], change = 0;
        size_t fitted = 0;
        assert_int_equal(ch_kernel_init(&kernel, &setup, NULL), CH_OK);
        for (size_t i = 0; i < P; i++) {
            largest = fmax(largest, (double)ch_kernel_row(&kernel, i)[i]);
        }
        const double rate = 0.2 * KAPPA / largest; /* so that a step moves no margin by more than a fifth of kappa */
        const ch_twin_setup twin_setup = {
            .kernel = &kernel, .num_samples = P, .kappa = KAPPA, .rate = rate, .batch = P, .norm_init = 1};
        assert_int_equal(ch_twin_init(&twin, &twin_setup, NULL), CH_OK);
        assert_int_equal(ch_network_f64_init(&network, &here->architecture, P, NULL), CH_OK);
        ch_network_f64_set_weights(&network, here->weights);
        ch_network_f64_forward(&network, here->inputs, NULL, P, first_outputs);
        for (uint64_t step = 1; step <= STEPS; step++) {
            fitted += step_network(&network, here, P, rate, KAPPA, first_outputs, margins);
            twin.learner.advance(&twin.learner, &(ch_limit){.steps = step, .updates = UINT64_MAX});
            for (size_t i = 0; i < P; i++) {
                const double margin = twin.temperature * twin.margins.values[i];
                assert_in(margin - margins[i], -1e-3 * KAPPA, 1e-3 * KAPPA);
            }
        }
        for (size_t i = 0; i < here->architecture.num_weights; i++) {
            change = hypot(change, ch_network_f64_weights(&network)[i] - here->weights[i]);
        }
        assert_int_equal(twin.learner.observe(&twin.learner, &seen, NULL), CH_OK);
        assert_close(seen.weight_change, change, 1e-4);
        assert_true(fitted > STEPS && seen.unfitted > 0);
        ch_network_f64_free(&network);
        ch_twin_free(&twin);
        ch_kernel_free(&kernel);
    }
}

static void refuses_what_makes_no_kernel(void **state)
{
    (void)state;
    ch_stop stop = 0;
    const ch_watch watch = {.stop = &stop};
    for (size_t k = 0; k < 2; k++) {
        stage *here = stage_of(k == 0 ? A_DENSE_ONE : AN_IMAGE_ONE);
        ch_examples train = examples_of(here, 0, 20), test = examples_of(here, 20, 10);
        const ch_kernel_setup good = {.architecture = &here->architecture,
                                      .weights = here->weights,
                                      .train = &train,
                                      .test = &test,
                                      .bytes = ch_kernel_least_work(&here->architecture),
                                      .threads = 1,
                                      .watch = &watch};
        ch_kernel_setup bad = good;
        ch_kernel kernel;
        ch_error err = {0};
        bad.bytes--;
        assert_int_equal(ch_kernel_init(&kernel, &bad, &err), CH_ERROR_INPUT);
        ch_kernel_free(&kernel);
        test.dim++;
        assert_int_equal(ch_kernel_init(&kernel, &good, &err), CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, "test samples"));
        test.dim--;
        train.dim++;
        assert_int_equal(ch_kernel_init(&kernel, &good, &err), CH_ERROR_INPUT);
        train.dim--;
        train.num_samples = 0;
        assert_int_equal(ch_kernel_init(&kernel, &good, &err), CH_ERROR_INPUT);
        train.num_samples = 20;
        stop = 1;
        assert_int_equal(ch_kernel_init(&kernel, &good, &err), CH_ERROR_INTERRUPTED);
        stop = 0;
        static const float broken[] = {NAN, INFINITY, 1e38f};
        for (size_t b = 0; b < 3; b++) {
            for (size_t at = 0; at < (b < 2 ? 2 : 1); at++) { /* first a training sample, then a test sample */
                float *number = here->inputs + (at == 0 ? 7 : 23) * here->architecture.dim + 4;
                const float before = *number;
                *number = broken[b];
                assert_int_equal(ch_kernel_init(&kernel, &good, &err), CH_ERROR_NUMERIC);
                assert_null(kernel.train);
                *number = before;
            }
        }
        assert_int_equal(ch_kernel_init(&kernel, &good, &err), CH_OK);
        ch_kernel_free(&kernel);
    }
    assert_true(ch_kernel_bytes(SIZE_MAX / 2, 1) == SIZE_MAX && ch_kernel_bytes(SIZE_MAX, 1) == SIZE_MAX);
    assert_true(ch_kernel_bytes(1, SIZE_MAX) == SIZE_MAX);
}

static void free_none(ch_kernel *kernel)
{
    assert_null(kernel->train);
    ch_kernel_free(kernel);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        stage *here = stage_of(k == 0 ? A_DENSE_ONE : AN_IMAGE_ONE);
        const ch_examples train = examples_of(here, 0, 20), test = examples_of(here, 20, 10);
        const ch_kernel_setup setup = {
            .architecture = &here->architecture,
            .weights = here->weights,
            .train = &train,
            .test = &test,
            .bytes = 20 * ch_kernel_least_work(&here->architecture),
            .threads = 2,
        };
        ch_kernel kernel;
        ch_error err;
        long failed;
        assert_failures_are_told(failed, ch_kernel_init(&kernel, &setup, &err), err, free_none(&kernel));
        assert_true(failed >= 35);
        ch_kernel_free(&kernel);
    }
}

int main(void)
{
    /* suites: thread valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_make_the_kernel_of_gradients),
        cmocka_unit_test(blocks_and_threads_change_nothing),
        cmocka_unit_test(gradients_of_images_are_the_first),
        cmocka_unit_test(layers_refuse_and_stop),
        cmocka_unit_test(kernels_have_labels_and_padding),
        cmocka_unit_test(golden_kernels_agree),
        cmocka_unit_test(small_margins_make_the_network_its_twin),
        cmocka_unit_test(refuses_what_makes_no_kernel),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("twin kernel", tests, NULL, free_stages);
}
