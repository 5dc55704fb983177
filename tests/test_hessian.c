/* test_hessian.c — products of the Hessian with a direction: every layer and activation against differences of
 * gradients, both precisions against each other, losses against differences, and a linear network in closed form. */
#include "core/memory.h"
#include "models/curvature/loss_hessian.h"
#include "models/models.h"
#include "tests/network_specs.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_randist.h>
#include <string.h>

/* More samples than a panel has columns. */
enum { NUM_SAMPLES = 19, CAPACITY = 17 };

/* A network with samples, factors and two directions of norm 1. */
typedef struct {
    ch_architecture architecture;
    ch_loss_hessian wide, narrow;
    size_t num_weights;
    float *inputs;                                             /* [NUM_SAMPLES][dim] */
    double *weights, *moved, *u, *v, *gradient, *product, *by; /* [num_weights] */
    uint32_t index[NUM_SAMPLES];
    double slopes[NUM_SAMPLES], bends[NUM_SAMPLES];
} stage;

static double *random_vector(size_t count, uint64_t seed, double norm)
{
    ch_random random;
    double *vector = ch_alloc(count, sizeof *vector), square = 0;
    ch_random_init(&random, seed, CH_STREAM_TRAIN_SAMPLES, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < count; i++) {
        vector[i] = gsl_ran_gaussian_ziggurat(&gsl, 1.0);
        square += vector[i] * vector[i];
    }
    for (size_t i = 0; norm > 0 && i < count; i++) {
        vector[i] *= norm / sqrt(square);
    }
    return vector;
}

static void set_up(stage *self, const ch_network_spec *spec)
{
    memset(self, 0, sizeof *self);
    assert_int_equal(ch_architecture_init(&self->architecture, spec, NULL), CH_OK);
    const size_t num = self->num_weights = self->architecture.num_weights, dim = self->architecture.dim;
    assert_int_equal(ch_loss_hessian_init(&self->wide, &self->architecture, true, CAPACITY, NULL, NULL), CH_OK);
    assert_int_equal(ch_loss_hessian_init(&self->narrow, &self->architecture, false, NUM_SAMPLES, NULL, NULL), CH_OK);
    double *inputs = random_vector(NUM_SAMPLES * dim, 7, 0);
    self->inputs = ch_alloc(NUM_SAMPLES * dim, sizeof *self->inputs);
    for (size_t i = 0; i < NUM_SAMPLES * dim; i++) {
        self->inputs[i] = (float)inputs[i];
    }
    free(inputs);
    self->u = random_vector(num, 11, 1);
    self->v = random_vector(num, 12, 1);
    double **vectors[] = {&self->weights, &self->moved, &self->gradient, &self->product, &self->by};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        *vectors[i] = ch_alloc(num, sizeof(double));
    }
    ch_architecture_draw(&self->architecture, 5, self->weights);
    for (uint32_t i = 0; i < NUM_SAMPLES; i++) {
        self->index[i] = NUM_SAMPLES - 1 - i;
        self->slopes[i] = i == 3 ? 0 : 0.7 - 0.1 * i;
        self->bends[i] = i == 5 ? 0 : 0.3 + 0.05 * i;
    }
}

static void tear_down(stage *self)
{
    ch_loss_hessian_free(&self->wide);
    ch_loss_hessian_free(&self->narrow);
    ch_architecture_free(&self->architecture);
    free(self->inputs);
    double *const vectors[] = {self->weights, self->moved, self->u, self->v, self->gradient, self->product, self->by};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        free(vectors[i]);
    }
}

static ch_curved_samples samples_of(const stage *self)
{
    return (ch_curved_samples){self->inputs, self->index, NUM_SAMPLES, self->slopes, self->bends};
}

static void give_samples(stage *self, ch_loss_hessian *hessian)
{
    const ch_curved_samples samples = samples_of(self);
    ch_loss_hessian_set_weights(hessian, self->weights);
    ch_loss_hessian_set_samples(hessian, &samples);
}

/* Requires agreement relative to the largest of `wanted`. A NaN fails. */
static void assert_all_close(const double *values, const double *wanted, size_t count, double tolerance, size_t spec)
{
    const double scale = largest(wanted, count);
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(values[i] - wanted[i]) <= tolerance * scale)) {
            fail_msg("network %zu: entry %zu is %.17g, not %.17g within %g of the largest, %g", spec, i, values[i],
                     wanted[i], tolerance, scale);
        }
    }
}

/* The gradient at w + step v of sum_i [c_i f_i + k_i (f_i(w')  - f_i(w))^2 / 2], whose Hessian at w is the one in
 * question: its gradient is sum_i [c_i + k_i (f_i(w') - f_i(w))] grad f_i(w'). */
static void gradient_at(stage *self, ch_network_f64 *net, const double *start, double step, double *gradient)
{
    double outputs[NUM_SAMPLES], factors[NUM_SAMPLES];
    for (size_t i = 0; i < self->num_weights; i++) {
        self->moved[i] = self->weights[i] + step * self->v[i];
    }
    ch_network_f64_set_weights(net, self->moved);
    ch_network_f64_forward(net, self->inputs, self->index, NUM_SAMPLES, outputs);
    for (size_t i = 0; i < NUM_SAMPLES; i++) {
        factors[i] = self->slopes[i] + self->bends[i] * (outputs[i] - start[i]);
    }
    memset(gradient, 0, self->num_weights * sizeof *gradient);
    ch_network_f64_gradient(net, factors, gradient);
}

/* Central differences of fourth order along v, with steps so small that no relu and no pool changes its mind. */
static void product_is_that_of_differences_of_gradients(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const double step = 5e-4, at[4] = {1, -1, 2, -2}, weights[4] = {8, -8, -1, 1};
    for (size_t k = 0; k < NUM_SPECS; k++) {
        stage here;
        ch_network_f64 net;
        double start[NUM_SAMPLES];
        set_up(&here, &specs[k]);
        assert_int_equal(ch_network_f64_init(&net, &here.architecture, NUM_SAMPLES, NULL), CH_OK);
        ch_network_f64_set_weights(&net, here.weights);
        ch_network_f64_forward(&net, here.inputs, here.index, NUM_SAMPLES, start);
        for (size_t p = 0; p < 4; p++) {
            gradient_at(&here, &net, start, at[p] * step, here.gradient);
            for (size_t i = 0; i < here.num_weights; i++) {
                here.by[i] += weights[p] * here.gradient[i] / (12 * step);
            }
        }
        give_samples(&here, &here.wide);
        assert_true(ch_loss_hessian_product(&here.wide, here.v, here.product));
        assert_all_close(here.product, here.by, here.num_weights, 1e-10, k);
        ch_network_f64_free(&net);
        tear_down(&here);
    }
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* u . H v = v . H u, the norm of H v setting the scale; that holds for any number of samples at a time. */
static void product_is_symmetric(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_SPECS; k++) {
        stage here;
        set_up(&here, &specs[k]);
        give_samples(&here, &here.wide);
        assert_true(ch_loss_hessian_product(&here.wide, here.v, here.product));
        assert_true(ch_loss_hessian_product(&here.wide, here.u, here.by));
        const double scale = sqrt(dot(here.product, here.product, here.num_weights));
        assert_true(fabs(dot(here.u, here.product, here.num_weights) - dot(here.v, here.by, here.num_weights)) <=
                    1e-13 * scale);
        tear_down(&here);
    }
}

/* Single precision agrees with double, and the same product of kept passes has the same bits. */
static void precisions_agree(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_SPECS; k++) {
        stage here;
        set_up(&here, &specs[k]);
        give_samples(&here, &here.wide);
        give_samples(&here, &here.narrow);
        assert_true(ch_loss_hessian_product(&here.wide, here.v, here.product));
        assert_true(ch_loss_hessian_product(&here.narrow, here.v, here.by));
        assert_all_close(here.by, here.product, here.num_weights, 2e-5, k);
        assert_true(here.narrow.is_kept && !here.wide.is_kept);
        assert_true(ch_loss_hessian_product(&here.narrow, here.u, here.product));
        assert_true(ch_loss_hessian_product(&here.narrow, here.v, here.product));
        assert_memory_equal(here.product, here.by, here.num_weights * sizeof *here.by);
        tear_down(&here);
    }
}

/* Of f = w.x / sqrt(d) the second derivatives are 0, so that H v = sum_i k_i x_i (x_i . v) / d. */
static void linear_network_is_that_of_closed_form(void **state)
{
    (void)state;
    stage here;
    set_up(&here, &specs[0]);
    const size_t dim = here.num_weights;
    give_samples(&here, &here.wide);
    assert_true(ch_loss_hessian_product(&here.wide, here.v, here.product));
    for (size_t i = 0; i < NUM_SAMPLES; i++) {
        const float *x = here.inputs + here.index[i] * dim;
        double along = 0;
        for (size_t j = 0; j < dim; j++) {
            along += (double)x[j] * here.v[j];
        }
        for (size_t j = 0; j < dim; j++) {
            here.by[j] += here.bends[i] * along * (double)x[j] / (double)dim;
        }
    }
    assert_all_close(here.product, here.by, dim, 1e-13, 0);
    tear_down(&here);
}

/* A number that is not finite is told, and so is a stop. */
static void failures_are_told(void **state)
{
    (void)state;
    stage here;
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    set_up(&here, &specs[3]);
    here.weights[2] = NAN;
    give_samples(&here, &here.wide);
    assert_false(ch_loss_hessian_product(&here.wide, here.v, here.product));
    here.weights[2] = 0;
    give_samples(&here, &here.wide);
    here.wide.watch = &watch;
    assert_false(ch_loss_hessian_product(&here.wide, here.v, here.product));
    assert_false(ch_loss_hessian_gradient(&here.wide, here.gradient));
    ch_loss_hessian refused;
    assert_int_equal(ch_loss_hessian_init(&refused, &here.architecture, true, 0, NULL, NULL), CH_ERROR_INPUT);
    tear_down(&here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(product_is_that_of_differences_of_gradients),
        cmocka_unit_test(product_is_symmetric),
        cmocka_unit_test(precisions_agree),
        cmocka_unit_test(linear_network_is_that_of_closed_form),
        cmocka_unit_test(failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
