/* test_network_laws.c — statistical tests: the fast engine against sgd step by step, the linear network against the
 * perceptron, and the noise of the sde against that of sgd.
 *
 * `make check-long` takes 256 runs of either kind at each point and 20000 steps for a covariance. `make check` takes
 * 48 runs and 5000 steps. The smallest difference of two distribution functions that is detected is then 0.45 and not
 * 0.20, and the standard errors of means and covariances are twice as large. False alarms: two-sample
 * Kolmogorov–Smirnov tests at 1e-4 each, 24 of them; means and covariances within 5.5 standard errors, 56 of them, 2e-6
 * in all; together 0.24 %. The seeds are fixed, so that the program either always fails or never does. */
#include "models/learner/lookahead.h"

#include "perceptron/perceptron.h"
#include "tests/learner_support.h"

#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

static const double FALSE_ALARM = 1e-4;
enum { MOST_SEEDS = 256 };

enum { TIME, UPDATES, CHANGE, LEAST_MARGIN, NUM_QUANTITIES };
static const char *const quantity_names[] = {"ln t*", "ln updates", "ln |Dw|", "min margin"};
typedef double sample_table[NUM_QUANTITIES][MOST_SEEDS];

static size_t num_seeds(void)
{
    return is_long() ? MOST_SEEDS : 48;
}

typedef struct {
    const char *name;
    ch_arch arch;
    size_t width, depth, dim, num_samples, batch;
    double kappa, temp;
    bool wide;
    double looks;  /* least number of times that a run of the fast engine computes all margins */
    bool has_sums; /* whether runs end with lookahead sums in use */
} point;

static point points[] = {
    {"mlp, B 1", CH_ARCH_MLP, 16, 1, 12, 200, 1, 0.01, 0.01, false, 10, false},
    {"mlp, B 3", CH_ARCH_MLP, 12, 2, 8, 200, 3, 1e-3, 0.01, false, 10, false},
    {"mlp_bias, B 16", CH_ARCH_MLP_BIAS, 13, 2, 12, 160, 16, 0.02, 0.005, false, 20, false},
    {"mlp, B 40", CH_ARCH_MLP, 16, 1, 12, 100, 40, 0.01, 1e-3, true, 10, false},
    {"linear, B 2", CH_ARCH_PERCEPTRON, 0, 0, 8, 128, 2, 0x1p-10, 0.25, true, 5, false},
    {"mlp of 70 inputs, B 3", CH_ARCH_MLP, 30, 2, 70, 300, 3, 0.01, 0.03, false, 4, true},
};

static void record(ch_learner *learner, double rate, sample_table table, size_t i)
{
    advance_to(learner, UINT64_MAX, UINT64_MAX);
    const ch_observation seen = observe(learner);
    assert_int_equal(learner->progress.status, CH_FITTED);
    table[TIME][i] = log(rate * (double)learner->progress.last_update);
    table[UPDATES][i] = log((double)learner->progress.updates);
    table[CHANGE][i] = log(seen.weight_change);
    table[LEAST_MARGIN][i] = seen.min_margin;
}

static ch_network_learner_setup setup_at(const point *at, const ch_architecture *network, const ch_examples *train)
{
    ch_network_learner_setup setup = setup_of(network, train);
    setup.kappa = at->kappa;
    setup.batch = at->batch;
    setup.rate = at->temp * (double)at->batch;
    setup.wide = at->wide;
    return setup;
}

/* Averages over runs of the fast engine. */
typedef struct {
    double looks;   /* number of times that a run computes all margins */
    double by_sums; /* share of runs that end with lookahead sums in use */
} engine_use;

static engine_use simulate(const ch_network_learner_setup *setup, bool fast, uint64_t first_seed, sample_table table)
{
    engine_use use = {0};
    for (size_t i = 0; i < num_seeds(); i++) {
        ch_network_learner_setup one = *setup;
        one.fast = fast;
        one.seed_batch = first_seed + i;
        ch_network_learner model = start(&one);
        record(&model.learner, one.rate, table, i);
        if (fast) {
            use.looks += (double)model.lookahead->looks / (double)num_seeds();
            use.by_sums += (double)model.lookahead->sums.is_on / (double)num_seeds();
        }
        ch_network_learner_free(&model);
    }
    return use;
}

static void assert_same_law(sample_table one, sample_table other)
{
    size_t rejected = 0;
    for (size_t q = 0; q < NUM_QUANTITIES; q++) {
        const double statistic = ks_statistic(one[q], num_seeds(), other[q], num_seeds());
        printf("  %-10s KS %.3f (rejects over %.3f), median %.4g\n", quantity_names[q], statistic,
               ks_critical(FALSE_ALARM), one[q][num_seeds() / 2]);
        rejected += !(statistic <= ks_critical(FALSE_ALARM));
    }
    assert_int_equal(rejected, 0);
}

static void engines_agree(void **state)
{
    const point *at = *state;
    static sample_table plain, fast;
    ch_examples train = draw_examples(at->dim, at->num_samples, 8);
    ch_architecture network = make_network(at->arch, at->width, at->depth, train.shape);
    const ch_network_learner_setup setup = setup_at(at, &network, &train);
    (void)simulate(&setup, false, 1000000, plain);
    const engine_use use = simulate(&setup, true, 2000000, fast);
    printf("  %.1f looks a run, %.2f of them end with lookahead sums\n", use.looks, use.by_sums);
    assert_same_law(plain, fast);
    assert_true(use.looks >= at->looks);
    assert_true(at->has_sums ? use.by_sums > 0.9 : use.by_sums == 0);
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

/* ---- the perceptron ---- */

static void linear_network_has_the_perceptrons_law(void **state)
{
    (void)state;
    static sample_table network_table, perceptron_table;
    const point *at = &points[4];
    const ch_data_law law = {.chi = 0, .dim = at->dim, .seed = 8};
    ch_examples train = draw_examples(at->dim, at->num_samples, 8);
    ch_sample_set set;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, at->num_samples, 1, NULL, NULL), CH_OK);
    ch_architecture network = make_network(CH_ARCH_PERCEPTRON, 0, 0, train.shape);
    const ch_network_learner_setup setup = setup_at(at, &network, &train);
    (void)simulate(&setup, true, 3000000, network_table);
    for (size_t i = 0; i < num_seeds(); i++) {
        const ch_perceptron_setup one = {.train = &set,
                                         .num_samples = at->num_samples,
                                         .kappa = at->kappa,
                                         .rate = setup.rate,
                                         .batch = at->batch,
                                         .seed_batch = 4000000 + i};
        ch_perceptron model;
        assert_int_equal(ch_perceptron_init(&model, &one, NULL), CH_OK);
        record(&model.learner, one.rate, perceptron_table, i);
        ch_perceptron_free(&model);
    }
    assert_same_law(network_table, perceptron_table);
    ch_architecture_free(&network);
    ch_examples_free(&train);
    ch_sample_set_free(&set);
}

/* ---- covariance of a step ---- */

enum { DIM = 4, NUM = 12 };

/* The covariance of a step is (eta^2 / B) (P - B) / (P - 1) times the covariance of g_mu over mu. At w0 under the
 * hinge, g_mu = -y x / sqrt(d). */
static void find_covariance(const ch_network_learner_setup *setup, double covariance[DIM][DIM], double mean[DIM])
{
    memset(mean, 0, DIM * sizeof *mean);
    for (size_t mu = 0; mu < NUM; mu++) {
        for (size_t i = 0; i < DIM; i++) {
            mean[i] += setup->train->labels[mu] * (double)ch_examples_input(setup->train, mu)[i] / sqrt(DIM) / NUM;
        }
    }
    const double batch = (double)setup->batch;
    const double factor = setup->rate * setup->rate / batch * (NUM - batch) / (NUM - 1);
    for (size_t i = 0; i < DIM; i++) {
        for (size_t j = 0; j < DIM; j++) {
            covariance[i][j] = 0;
            for (size_t mu = 0; mu < NUM; mu++) {
                const float *x = ch_examples_input(setup->train, mu);
                const double y = setup->train->labels[mu];
                covariance[i][j] +=
                    factor * (y * (double)x[i] / sqrt(DIM) - mean[i]) * (y * (double)x[j] / sqrt(DIM) - mean[j]) / NUM;
            }
        }
    }
    for (size_t i = 0; i < DIM; i++) {
        mean[i] *= setup->rate;
    }
}

/* The distance of a mean from `expected` in standard errors, for n terms with a sum and a sum of squares. */
static double deviation(double sum, double square, double expected, double n)
{
    const double mean = sum / n;
    return fabs(mean - expected) / sqrt((square / n - mean * mean) / n);
}

static void steps_have_the_covariance(void **state)
{
    (void)state;
    const size_t num_steps = is_long() ? 20000 : 5000;
    static const ch_dynamics both[] = {CH_DYNAMICS_SGD, CH_DYNAMICS_SDE};
    ch_examples train = draw_examples(DIM, NUM, 8);
    ch_architecture network = make_network(CH_ARCH_PERCEPTRON, 0, 0, train.shape);
    for (size_t k = 0; k < 4; k++) {
        ch_network_learner_setup setup = setup_of(&network, &train);
        setup.dynamics = both[k % 2];
        setup.batch = k < 2 ? 1 : 5;
        setup.wide = true;
        double covariance[DIM][DIM], mean[DIM], sums[DIM][DIM] = {{0}}, squares[DIM][DIM] = {{0}};
        double first[DIM] = {0};
        find_covariance(&setup, covariance, mean);
        for (uint64_t seed = 0; seed < num_steps; seed++) {
            double off[DIM];
            setup.seed_batch = 5000000 + seed;
            ch_network_learner model = start(&setup);
            advance_to(&model.learner, 1, UINT64_MAX);
            for (size_t i = 0; i < DIM; i++) {
                off[i] = ch_network_learner_weights(&model)[i] - (double)model.state->start[i] - mean[i];
                first[i] += off[i];
            }
            for (size_t i = 0; i < DIM; i++) {
                for (size_t j = 0; j <= i; j++) {
                    sums[i][j] += off[i] * off[j];
                    squares[i][j] += off[i] * off[j] * off[i] * off[j];
                }
            }
            ch_network_learner_free(&model);
        }
        double most = 0;
        for (size_t i = 0; i < DIM; i++) {
            most = larger_or_nan(most, fabs(first[i]) / sqrt(covariance[i][i] * (double)num_steps));
            for (size_t j = 0; j <= i; j++) {
                most = larger_or_nan(most, deviation(sums[i][j], squares[i][j], covariance[i][j], (double)num_steps));
            }
        }
        printf("  %s, B %zu: at most %.2f standard errors\n", k % 2 ? "sde" : "sgd", setup.batch, most);
        assert_in(most, 0, 5.5);
    }
    ch_architecture_free(&network);
    ch_examples_free(&train);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    enum { NUM_POINTS = sizeof points / sizeof *points };
    struct CMUnitTest tests[NUM_POINTS + 2] = {
        cmocka_unit_test(steps_have_the_covariance),
        cmocka_unit_test(linear_network_has_the_perceptrons_law),
    };
    for (size_t i = 0; i < NUM_POINTS; i++) {
        tests[i + 2] = (struct CMUnitTest){points[i].name, engines_agree, NULL, NULL, &points[i]};
    }
    return cmocka_run_group_tests_name("network laws", tests, NULL, NULL);
}
