/* test_kernel.c — compares the tangent kernel with sums over gradients, for any blocks, number of threads and
 * precision. */
#include "core/memory.h"
#include "models/models.h"
#include "tests/alloc_fail.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <string.h>

static const ch_network_spec specs[] = {
    {CH_ARCH_MLP_BIAS, 13, 2, CH_ACTIVATION_GELU, {11, 1, 1}},
    {CH_ARCH_SIMPLE_CNN, 2, 0, CH_ACTIVATION_RELU, {3, 5, 6}},
    {CH_ARCH_MNAS, 1, 0, CH_ACTIVATION_SILU, {1, 9, 7}},
};
enum { NUM_SPECS = sizeof specs / sizeof *specs, NUM_ROWS = 45, NUM_COLUMNS = 71 };

typedef struct {
    ch_architecture architecture;
    double *weights;
    float *inputs; /* [NUM_COLUMNS][dim] */
    double wanted[NUM_COLUMNS][NUM_COLUMNS];
} stage;

static void set_up(stage *self, const ch_network_spec *spec)
{
    ch_network_f64 network;
    double outputs[NUM_COLUMNS];
    assert_int_equal(ch_architecture_init(&self->architecture, spec, NULL), CH_OK);
    assert_int_equal(ch_network_f64_init(&network, &self->architecture, NUM_COLUMNS, NULL), CH_OK);
    const size_t num = self->architecture.num_weights, dim = self->architecture.dim;
    self->weights = ch_alloc(num, sizeof *self->weights);
    self->inputs = ch_alloc(NUM_COLUMNS * dim, sizeof *self->inputs);
    double *gradients = ch_alloc(NUM_COLUMNS * num, sizeof *gradients);
    ch_architecture_draw(&self->architecture, 3, self->weights);
    ch_random random;
    ch_random_init(&random, 4, CH_STREAM_TRAIN_SAMPLES, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < NUM_COLUMNS * dim; i++) {
        self->inputs[i] = (float)gsl_ran_gaussian_ziggurat(&gsl, 1.0);
    }
    ch_network_f64_set_weights(&network, self->weights);
    ch_network_f64_forward(&network, self->inputs, NULL, NUM_COLUMNS, outputs);
    ch_network_f64_sample_gradients(&network, gradients);
    for (size_t i = 0; i < NUM_COLUMNS; i++) {
        for (size_t j = 0; j <= i; j++) {
            long double sum = 0;
            for (size_t k = 0; k < num; k++) {
                sum += (long double)gradients[i * num + k] * (long double)gradients[j * num + k];
            }
            self->wanted[i][j] = self->wanted[j][i] = (double)sum;
        }
    }
    free(gradients);
    ch_network_f64_free(&network);
}

static void tear_down(stage *self)
{
    ch_architecture_free(&self->architecture);
    free(self->weights);
    free(self->inputs);
}

/* A task whose rows are the samples from `first` on, and whose columns are all samples. It has room for `block`
 * gradients of rows and as many of columns. */
static ch_kernel_task task_of(const stage *self, size_t first, size_t num_rows, size_t block, size_t size, int threads)
{
    return (ch_kernel_task){
        .architecture = &self->architecture,
        .weights = self->weights,
        .rows = self->inputs + first * self->architecture.dim,
        .columns = self->inputs,
        .num_rows = num_rows,
        .num_columns = NUM_COLUMNS,
        .bytes = 2 * block * self->architecture.num_weights * size,
        .threads = threads,
    };
}

static void kernel_is_the_product_of_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        static double kernel[NUM_ROWS * NUM_COLUMNS], again[NUM_ROWS * NUM_COLUMNS];
        static float single[NUM_ROWS * NUM_COLUMNS], single_again[NUM_ROWS * NUM_COLUMNS];
        stage here;
        set_up(&here, &specs[i]);
        const ch_kernel_task task = task_of(&here, 9, NUM_ROWS, 100, sizeof(double), 1);
        const ch_kernel_task narrow = task_of(&here, 9, NUM_ROWS, 7, sizeof(float), 2);
        assert_int_equal(ch_kernel_compute_f64(&task, kernel, NULL), CH_OK);
        assert_int_equal(ch_kernel_compute(&narrow, single, NULL), CH_OK);
        if (!is_under_valgrind()) {
            assert_int_equal(ch_kernel_compute_f64(&narrow, again, NULL), CH_OK);
            assert_int_equal(ch_kernel_compute(&task, single_again, NULL), CH_OK);
            assert_memory_equal(kernel, again, sizeof kernel);
            assert_memory_equal(single, single_again, sizeof single);
        }
        for (size_t k = 0; k < NUM_ROWS * NUM_COLUMNS; k++) {
            const size_t row = 9 + k / NUM_COLUMNS, column = k % NUM_COLUMNS;
            const double scale = sqrt(here.wanted[row][row] * here.wanted[column][column]);
            assert_in(kernel[k] - here.wanted[row][column], -1e-13 * scale, 1e-13 * scale);
            assert_in((double)single[k] - here.wanted[row][column], -1e-5 * scale, 1e-5 * scale);
        }
        tear_down(&here);
    }
}

static void symmetric_kernel_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_SPECS; i++) {
        static float kernel[NUM_COLUMNS * NUM_COLUMNS], part[NUM_ROWS * NUM_COLUMNS];
        stage here;
        set_up(&here, &specs[i]);
        const ch_kernel_task whole = task_of(&here, 0, NUM_COLUMNS, 11, sizeof(float), 2);
        const ch_kernel_task rows = task_of(&here, 0, NUM_ROWS, 20, sizeof(float), 1);
        assert_int_equal(ch_kernel_compute(&whole, kernel, NULL), CH_OK);
        assert_int_equal(ch_kernel_compute(&rows, part, NULL), CH_OK);
        assert_memory_equal(kernel, part, sizeof part);
        for (size_t k = 0; k < NUM_COLUMNS * NUM_COLUMNS; k++) {
            assert_true(kernel[k] == kernel[k % NUM_COLUMNS * NUM_COLUMNS + k / NUM_COLUMNS]);
        }
        tear_down(&here);
    }
}

static void refuses_too_little_memory_and_stops(void **state)
{
    (void)state;
    static float kernel[NUM_ROWS * NUM_COLUMNS];
    stage here;
    ch_error err = {0};
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    set_up(&here, &specs[0]);
    ch_kernel_task task = task_of(&here, 0, NUM_ROWS, 1, sizeof(float), 1);
    assert_int_equal(ch_kernel_compute(&task, kernel, &err), CH_OK);
    task.bytes--;
    assert_int_equal(ch_kernel_compute(&task, kernel, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "two gradients"));
    task.bytes++;
    task.watch = &watch;
    assert_int_equal(ch_kernel_compute(&task, kernel, &err), CH_ERROR_INTERRUPTED);
    tear_down(&here);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    static float kernel[NUM_ROWS * NUM_COLUMNS];
    stage here;
    set_up(&here, &specs[1]);
    const ch_kernel_task task = task_of(&here, 0, NUM_ROWS, 9, sizeof(float), 2);
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_kernel_compute(&task, kernel, &err), err, (void)0);
    assert_true(failed >= 16);
    tear_down(&here);
}

int main(void)
{
    /* suites: thread valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_is_the_product_of_gradients),
        cmocka_unit_test(symmetric_kernel_is_the_same),
        cmocka_unit_test(refuses_too_little_memory_and_stops),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
