/* test_network_observe.c — compares observations of networks during training with their definitions. */
#include "models/learner/lookahead.h"

#include "core/memory.h"
#include "core/near_boundary.h"
#include "tests/learner_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

enum { DIM = 5, NUM = 40, NUM_TESTS = 133, KERNEL = 9 };

static const ch_loss_kind losses[] = {CH_LOSS_HINGE, CH_LOSS_SOFTHINGE, CH_LOSS_QUADHINGE, CH_LOSS_MSE};

/* The outputs of a set, computed one sample at a time. */
static void find_outputs(const ch_architecture *network, const double *weights, const ch_examples *set, double *outputs)
{
    ch_network_f64 net;
    assert_int_equal(ch_network_f64_init(&net, network, 1, NULL), CH_OK);
    ch_network_f64_set_weights(&net, weights);
    for (size_t mu = 0; mu < set->num_samples; mu++) {
        ch_network_f64_forward(&net, ch_examples_input(set, mu), NULL, 1, &outputs[mu]);
    }
    ch_network_f64_free(&net);
}

/* The gradients of the first samples, [KERNEL][N], and their products. */
static double *find_gradients(const ch_architecture *network, const double *weights, const ch_examples *set,
                              double kernel[KERNEL][KERNEL])
{
    ch_network_f64 net;
    double *gradients = ch_alloc(KERNEL * network->num_weights, sizeof *gradients), outputs[KERNEL];
    assert_int_equal(ch_network_f64_init(&net, network, KERNEL, NULL), CH_OK);
    ch_network_f64_set_weights(&net, weights);
    ch_network_f64_forward(&net, set->inputs, NULL, KERNEL, outputs);
    ch_network_f64_sample_gradients(&net, gradients);
    for (size_t mu = 0; mu < KERNEL; mu++) {
        for (size_t nu = 0; nu < KERNEL; nu++) {
            kernel[mu][nu] = 0;
            for (size_t i = 0; i < network->num_weights; i++) {
                kernel[mu][nu] += gradients[mu * network->num_weights + i] * gradients[nu * network->num_weights + i];
            }
        }
    }
    ch_network_f64_free(&net);
    return gradients;
}

static double norm_of(double kernel[KERNEL][KERNEL], double other[KERNEL][KERNEL], double factor)
{
    double square = 0;
    for (size_t mu = 0; mu < KERNEL; mu++) {
        for (size_t nu = 0; nu < KERNEL; nu++) {
            square += pow(kernel[mu][nu] - factor * other[mu][nu], 2);
        }
    }
    return sqrt(square);
}

typedef struct {
    ch_examples train, test;
    ch_architecture network;
    ch_network_learner_setup setup;
    ch_network_learner model;
    double *start; /* w0 */
    double teacher[DIM];
} trained;

/* Prepares everything up to the training itself, so that a test may change the setup. */
static void prepare(trained *self, ch_arch arch, ch_loss_kind loss)
{
    self->train = draw_examples(DIM, NUM, 8);
    self->test = draw_examples(DIM, NUM_TESTS, 9);
    self->network = make_network(arch, 13, 2, self->train.shape);
    self->setup = setup_of(&self->network, &self->train);
    for (size_t i = 0; i < DIM; i++) {
        self->teacher[i] = sqrt((double)(i + 1) / 15);
    }
    self->setup.loss = loss;
    self->setup.test = &self->test;
    self->setup.teacher = self->teacher;
    self->setup.wide = true;
    self->setup.kernel_samples = KERNEL;
    self->start = ch_alloc(self->network.num_weights, sizeof *self->start);
}

static void start_training(trained *self, uint64_t steps)
{
    self->model = start(&self->setup);
    memcpy(self->start, ch_network_learner_weights(&self->model), self->network.num_weights * sizeof *self->start);
    advance_to(&self->model.learner, steps, UINT64_MAX);
}

static void free_trained(trained *self)
{
    ch_network_learner_free(&self->model);
    ch_architecture_free(&self->network);
    ch_examples_free(&self->train);
    ch_examples_free(&self->test);
    free(self->start);
}

static void outputs_are_measured(void **state)
{
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        trained self;
        prepare(&self, CH_ARCH_MLP_BIAS, losses[k]);
        start_training(&self, 25);
        const ch_observation seen = observe(&self.model.learner);
        const double *weights = ch_network_learner_weights(&self.model), kappa = self.setup.kappa;
        double now[NUM], then[NUM], tests[NUM_TESTS], tests_then[NUM_TESTS];
        find_outputs(&self.network, weights, &self.train, now);
        find_outputs(&self.network, self.start, &self.train, then);
        find_outputs(&self.network, weights, &self.test, tests);
        find_outputs(&self.network, self.start, &self.test, tests_then);
        double loss = 0, least = INFINITY, distance = 0, sizes[NUM_TESTS], smallest[NUM_TESTS];
        size_t unfitted = 0, errors = 0, test_errors = 0;
        for (size_t mu = 0; mu < NUM; mu++) {
            const double margin = self.train.labels[mu] * (now[mu] - then[mu]);
            loss += ch_loss_of(losses[k])->value(margin, kappa) / NUM;
            least = fmin(least, margin / kappa);
            unfitted += margin < kappa;
            errors += margin <= 0;
            double along = 0;
            for (size_t i = 0; i < DIM; i++) {
                along += (double)ch_examples_input(&self.train, mu)[i] * self.teacher[i];
            }
            distance += margin < kappa ? fabs(along) : 0;
        }
        for (size_t mu = 0; mu < NUM_TESTS; mu++) {
            sizes[mu] = fabs(tests[mu] - tests_then[mu]);
            test_errors += self.test.labels[mu] * (tests[mu] - tests_then[mu]) <= 0;
        }
        assert_true(unfitted > 0 && test_errors > 0 && errors > 0);
        assert_close(seen.train_loss, loss, 1e-12);
        assert_close(seen.min_margin, least, 1e-12);
        assert_int_equal(seen.unfitted, unfitted);
        assert_close(seen.train_error, (double)errors / NUM, 1e-15);
        assert_close(seen.test_error, (double)test_errors / NUM_TESTS, 1e-15);
        assert_close(seen.unfitted_distance, distance / (double)unfitted, 1e-12);
        const ch_near_boundary density = ch_near_boundary_find(sizes, NUM_TESTS, smallest);
        assert_close(seen.density_chi, density.chi, 1e-9);
        assert_close(seen.density_edge * seen.weight_change, density.edge, 1e-9);
        assert_close(seen.density_drift, density.drift, 1e-6);
        free_trained(&self);
    }
}

static void weights_are_measured(void **state)
{
    (void)state;
    trained self;
    prepare(&self, CH_ARCH_MLP_BIAS, CH_LOSS_HINGE);
    start_training(&self, 25);
    const ch_observation seen = observe(&self.model.learner);
    const double *weights = ch_network_learner_weights(&self.model);
    double whole = 0, start2 = 0, signal2 = 0, noise2 = 0;
    assert_int_equal(seen.num_layers, 3);
    for (size_t l = 0; l < 3; l++) {
        const size_t from = self.network.layers[l].weights;
        const size_t end = l < 2 ? self.network.layers[l + 1].weights : self.network.num_weights;
        double square = 0;
        for (size_t i = from; i < end; i++) {
            square += pow(weights[i] - self.start[i], 2);
            start2 += self.start[i] * self.start[i];
        }
        assert_close(seen.layer_change[l], sqrt(square), 1e-12);
        whole += square;
    }
    for (size_t j = 0; j < 13; j++) {
        double along = 0, square = 0;
        for (size_t i = 0; i < DIM; i++) {
            const double change = weights[j * DIM + i] - self.start[j * DIM + i];
            along += change * self.teacher[i];
            square += change * change;
        }
        signal2 += along * along;
        noise2 += square - along * along;
    }
    assert_close(seen.weight_change, sqrt(whole), 1e-12);
    assert_close(seen.weight_change_rel, sqrt(whole / start2), 1e-12);
    assert_close(seen.signal, sqrt(signal2), 1e-10);
    assert_close(seen.noise, sqrt(noise2), 1e-10);
    free_trained(&self);
}

static void kernel_is_measured(void **state)
{
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        trained self;
        prepare(&self, CH_ARCH_MLP_BIAS, losses[k]);
        start_training(&self, 25);
        const ch_observation seen = observe(&self.model.learner);
        const size_t num = self.network.num_weights;
        double then[KERNEL][KERNEL], now[KERNEL][KERNEL], aligned = 0, outputs[NUM], outputs_then[NUM];
        double *unused = find_gradients(&self.network, self.start, &self.train, then);
        double *gradients = find_gradients(&self.network, ch_network_learner_weights(&self.model), &self.train, now);
        double *mean = ch_alloc(num, sizeof *mean), mean2 = 0, variance = 0;
        find_outputs(&self.network, self.start, &self.train, outputs_then);
        find_outputs(&self.network, ch_network_learner_weights(&self.model), &self.train, outputs);
        for (size_t mu = 0; mu < KERNEL; mu++) {
            const double y = self.train.labels[mu];
            const double c = y * ch_loss_of(losses[k])->slope(y * (outputs[mu] - outputs_then[mu]), self.setup.kappa);
            for (size_t nu = 0; nu < KERNEL; nu++) {
                aligned += y * now[mu][nu] * self.train.labels[nu];
            }
            for (size_t i = 0; i < num; i++) {
                gradients[mu * num + i] *= c;
                mean[i] += gradients[mu * num + i] / KERNEL;
            }
        }
        for (size_t i = 0; i < num; i++) {
            mean2 += mean[i] * mean[i];
            for (size_t mu = 0; mu < KERNEL; mu++) {
                variance += pow(gradients[mu * num + i] - mean[i], 2) / KERNEL;
            }
        }
        assert_true(norm_of(now, then, 1) > 1e-3 * norm_of(then, then, 0));
        assert_close(seen.kernel_change, norm_of(now, then, 1) / norm_of(then, then, 0), 1e-10);
        assert_close(seen.kernel_alignment, aligned / (norm_of(now, now, 0) * KERNEL), 1e-10);
        assert_close(seen.gradient_mean, sqrt(mean2), 1e-10);
        assert_close(seen.gradient_variance, variance, 1e-10);
        assert_close(seen.gradient_snr, sqrt(mean2 / variance), 1e-10);
        free(unused);
        free(gradients);
        free(mean);
        free_trained(&self);
    }
}

/* At the start nothing has changed: every output is exactly 0, and so are all changes. */
static void start_is_nothing(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        trained self;
        prepare(&self, CH_ARCH_MLP, CH_LOSS_HINGE);
        self.setup.wide = wide;
        start_training(&self, 0);
        const ch_observation seen = observe(&self.model.learner);
        assert_close(seen.train_loss, self.setup.kappa, 1e-15);
        assert_true(seen.train_error == 1 && seen.test_error == 1);
        assert_true(seen.unfitted == NUM && seen.min_margin == 0 && seen.weight_change == 0);
        assert_true(seen.signal == 0 && seen.noise == 0 && seen.kernel_change == 0);
        free_trained(&self);
    }
}

/* A quantity that does not exist is NaN. */
static void what_is_not_measured_is_nan(void **state)
{
    (void)state;
    trained self;
    prepare(&self, CH_ARCH_MLP, CH_LOSS_HINGE);
    self.setup.kernel_samples = 0;
    self.setup.test = NULL;
    self.setup.teacher = NULL;
    start_training(&self, 5);
    const ch_observation seen = observe(&self.model.learner);
    assert_true(isnan(seen.kernel_change) && isnan(seen.kernel_alignment) && isnan(seen.gradient_mean));
    assert_true(isnan(seen.gradient_variance) && isnan(seen.gradient_snr) && isnan(seen.test_error));
    assert_true(isnan(seen.signal) && isnan(seen.noise) && seen.weight_change > 0);
    free_trained(&self);
}

/* The bits are the same for any number of threads, where there are several chunks of samples that are worth a thread.
 */
static void threads_change_nothing(void **state)
{
    (void)state;
    skip_under_valgrind();
    enum { MANY = 1500, MOST_THREADS = 3 };
    static const struct {
        ch_dynamics dynamics;
        bool fast;
        size_t batch;
    } cases[] = {{CH_DYNAMICS_SGD, false, 700},    {CH_DYNAMICS_SGD, true, 2},  {CH_DYNAMICS_GD, false, 1},
                 {CH_DYNAMICS_UNFITTED, false, 2}, {CH_DYNAMICS_SDE, false, 2}, {CH_DYNAMICS_FLOW, false, 1}};
    ch_examples train = draw_examples(12, MANY, 8);
    ch_architecture network = make_network(CH_ARCH_MLP, 40, 2, train.shape);
    const int most_threads = is_sanitized() ? 2 : MOST_THREADS;
    for (size_t k = 0; k < 6; k++) {
        ch_network_learner models[MOST_THREADS];
        ch_observation seen[MOST_THREADS];
        for (int t = 0; t < most_threads; t++) {
            ch_network_learner_setup setup = setup_of(&network, &train);
            setup.dynamics = cases[k].dynamics;
            setup.fast = cases[k].fast;
            setup.batch = cases[k].batch;
            setup.rate = setup.dynamics == CH_DYNAMICS_FLOW ? 1e-3 : 0.5 * (double)setup.batch;
            setup.test = &train;
            setup.kernel_samples = KERNEL;
            setup.threads = t + 1;
            models[t] = start(&setup);
            assert_true((double)models[t].state->chunk < MANY / 3 && MANY * models[t].state->sample_cost > 0x1p17);
            advance_to(&models[t].learner, setup.fast ? 60000 : 6, UINT64_MAX);
            assert_true(!setup.fast || models[t].lookahead->looks > 2);
            assert_true(models[t].learner.progress.updates >= 6);
            seen[t] = observe(&models[t].learner);
            seen[t].layer_change = NULL;
            /* two NaN would count as equal */
            assert_true(isfinite(seen[t].train_loss) && isfinite(seen[t].weight_change));
            assert_memory_equal(ch_network_learner_weights(&models[t]), ch_network_learner_weights(&models[0]),
                                network.num_weights * sizeof(double));
            assert_memory_equal(&seen[t], &seen[0], sizeof seen[0]);
            assert_memory_equal(models[t].state->margins, models[0].state->margins, MANY * sizeof(double));
            assert_true(models[t].learner.progress.steps == models[0].learner.progress.steps);
        }
        for (int t = 0; t < most_threads; t++) {
            ch_network_learner_free(&models[t]);
        }
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* Images have no signal, and every weight tensor is a layer. */
static void images_have_no_signal(void **state)
{
    (void)state;
    ch_examples train = draw_examples(36, 20, 8);
    train.shape = (ch_shape){1, 6, 6};
    ch_architecture network = make_network(CH_ARCH_SIMPLE_CNN, 2, 0, train.shape);
    ch_network_learner_setup setup = setup_of(&network, &train);
    double teacher[36] = {1};
    setup.teacher = teacher;
    setup.kernel_samples = 4;
    ch_network_learner model = start(&setup);
    advance_to(&model.learner, 20, UINT64_MAX);
    const ch_observation seen = observe(&model.learner);
    assert_true(isnan(seen.signal) && isnan(seen.noise));
    assert_int_equal(seen.num_layers, 4);
    double square = 0;
    for (size_t l = 0; l < 4; l++) {
        assert_true(seen.layer_change[l] > 0);
        square += seen.layer_change[l] * seen.layer_change[l];
    }
    assert_close(seen.weight_change, sqrt(square), 1e-12);
    assert_true(seen.kernel_change > 0 && seen.kernel_change < 1);
    ch_network_learner_free(&model);
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

int main(void)
{
    /* suites: thread valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_measured),        cmocka_unit_test(weights_are_measured),
        cmocka_unit_test(kernel_is_measured),          cmocka_unit_test(start_is_nothing),
        cmocka_unit_test(what_is_not_measured_is_nan), cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(images_have_no_signal),
    };
    return cmocka_run_group_tests_name("network observations", tests, NULL, NULL);
}
