/* test_richness.c — the border of divergence of trained models follows the powers of alpha that theory gives, and is
 * where closed forms have it. */
#include "fit/fit.h"
#include "fit/phase/phase.h"
#include "models/loss.h"
#include "sim/train_set.h"
#include "train_support.h"
#include "valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <math.h>

enum { NUM_ALPHAS = 6, NUM_SETS = 3 };

/* A sweep over six alpha. Full-batch gradient descent under mse, on samples of which some have the wrong label, so that
 * no model fits them and a run ends by its budget or diverges. */
typedef struct {
    uint64_t model, train, max_steps;
    double alphas[NUM_ALPHAS];
    double powers[2]; /* the T of alpha < 1 and of alpha > 1 are first ratio^i (alpha / middle)^power */
    double first[2], middle[2], ratio;
    size_t num_temps[2];
} border_sweep;

static ch_settings settings_at(const border_sweep *self, double alpha, double temp, uint64_t seed)
{
    ch_settings settings;
    ch_settings_default(&settings);
    ch_settings_set(&settings, CH_SETTING_MODEL, (ch_value){.count = self->model});
    if (self->model != CH_ARCH_PERCEPTRON) {
        ch_settings_set(&settings, CH_SETTING_WIDTH, (ch_value){.count = 1});
        ch_settings_set(&settings, CH_SETTING_DEPTH, (ch_value){.count = 2});
        ch_settings_set(&settings, CH_SETTING_ACTIVATION, (ch_value){.count = CH_ACTIVATION_LINEAR});
    }
    ch_settings_set(&settings, CH_SETTING_DIM, (ch_value){.count = 2});
    ch_settings_set(&settings, CH_SETTING_LOSS, (ch_value){.count = CH_LOSS_MSE});
    ch_settings_set(&settings, CH_SETTING_LABEL_NOISE, (ch_value){.real = 0.3});
    ch_settings_set(&settings, CH_SETTING_TRAIN, (ch_value){.count = self->train});
    ch_settings_set(&settings, CH_SETTING_BATCH, (ch_value){.count = self->train});
    ch_settings_set(&settings, CH_SETTING_MAX_STEPS, (ch_value){.count = self->max_steps});
    ch_settings_set(&settings, CH_SETTING_ALPHA, (ch_value){.real = alpha});
    ch_settings_set(&settings, CH_SETTING_TEMP, (ch_value){.real = temp});
    ch_settings_set(&settings, CH_SETTING_SEED, (ch_value){.count = seed});
    return settings;
}

static double temp_of(const border_sweep *self, double alpha, size_t i)
{
    const size_t end = alpha > 1;
    return self->first[end] * pow(self->ratio, (double)i) * pow(alpha / self->middle[end], self->powers[end]);
}

/* Trains all runs of a sweep. */
static void train_all(const border_sweep *self, ch_run_table *table)
{
    *table = (ch_run_table){
        .runs = calloc(NUM_ALPHAS * NUM_SETS * (self->num_temps[0] + self->num_temps[1]), sizeof *table->runs)};
    assert_non_null(table->runs);
    for (size_t a = 0; a < NUM_ALPHAS; a++) {
        const double alpha = self->alphas[a];
        for (size_t t = 0; t < self->num_temps[alpha > 1]; t++) {
            for (uint64_t seed = 0; seed < NUM_SETS; seed++) {
                const ch_settings settings = settings_at(self, alpha, temp_of(self, alpha, t), seed);
                ch_error err = {0};
                if (train_by_settings(&table->runs[table->count++], &settings, 1, NULL, &err) != CH_OK) {
                    fail_msg("%s", err.message);
                }
            }
        }
    }
}

static void fit_all(ch_fit *fit, ch_phase_list *phases, const ch_run_table *table)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = 200;
    options.threads = 1;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK || ch_phase_list_init(phases, fit, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(phases->count, 1);
}

static void release(ch_fit *fit, ch_phase_list *phases, ch_run_table *table)
{
    ch_phase_list_free(phases);
    ch_fit_free(fit);
    ch_run_table_free(table);
}

/* The largest eigenvalue of sum_mu x x^T / d of the two-dimensional samples of a run. */
static double largest_eigenvalue(const ch_settings *settings)
{
    ch_train_set set;
    ch_error err = {0};
    const ch_resolved resolved = resolve_settings(settings);
    double a = 0, b = 0, c = 0;
    if (ch_train_set_init(&set, &resolved, NULL, settings->train, 1, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(set.train.dim, 2);
    for (size_t mu = 0; mu < settings->train; mu++) {
        const double x = (double)set.train.inputs[2 * mu], y = (double)set.train.inputs[2 * mu + 1];
        a += x * x / 2;
        b += x * y / 2;
        c += y * y / 2;
    }
    ch_train_set_free(&set);
    return (a + c) / 2 + hypot((a - c) / 2, b);
}

/* A perceptron under mse is linear: the error of its outputs is multiplied by 1 - alpha T K in each step of a full
 * batch, K = sum x x^T / d, and diverges above T = 2 / (alpha lambda), lambda the largest eigenvalue of K. Each run
 * does what this says, but within 3 % of the border, where 20,000 steps may be too few. T_max of each alpha agrees with
 * the middle one of three data sets, which is where half of them diverge, to within a step; and s = -1 on both sides,
 * exactly, since powers of two of alpha and T change no digit. */
static void test_linear(void **state)
{
    (void)state;
    skip_under_valgrind();
    const border_sweep sweep = {.model = CH_ARCH_PERCEPTRON,
                                .train = 16,
                                .max_steps = 20000,
                                .alphas = {0x1p-6, 0x1p-4, 0x1p-2, 4, 16, 64},
                                .powers = {-1, -1},
                                .first = {0x1p-5, 0x1p-5},
                                .middle = {1, 1},
                                .ratio = M_SQRT2,
                                .num_temps = {10, 10}};
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    train_all(&sweep, &table);
    size_t num_diverged = 0;
    for (size_t i = 0; i < table.count; i++) {
        const ch_settings *settings = &table.runs[i].settings;
        const double border = 2 / (settings->alpha * largest_eigenvalue(settings));
        const bool diverged = table.runs[i].status == CH_DIVERGED;
        num_diverged += diverged;
        assert_true(diverged ? settings->temp > border : settings->temp < 1.03 * border);
    }
    assert_in((double)num_diverged, 0.2 * (double)table.count, 0.8 * (double)table.count);
    fit_all(&fit, &phases, &table);
    const ch_phase *phase = &phases.items[0];
    double borders[NUM_SETS];
    for (uint64_t seed = 0; seed < NUM_SETS; seed++) {
        const ch_settings settings = settings_at(&sweep, 1, 1, seed);
        borders[seed] = 2 / largest_eigenvalue(&settings);
    }
    const double middle = fmax(fmin(borders[0], borders[1]), fmin(fmax(borders[0], borders[1]), borders[2]));
    for (size_t a = 0; a < phase->num_alphas; a++) {
        const ch_phase_temp *max = &phase->rows[a].max;
        assert_int_equal(max->place, CH_TC_INSIDE);
        assert_in(max->estimate.value * phase->alphas[a] / middle, 1 / sweep.ratio, sweep.ratio);
    }
    for (size_t end = 0; end < CH_NUM_PHASE_ENDS; end++) {
        assert_int_equal(phase->max_powers[end].num_alphas, 3);
        assert_close(phase->max_powers[end].estimate.value, -1, 1e-12);
        assert_true(phase->max_powers[end].theory == -1);
    }
    release(&fit, &phases, &table);
}

/* A chain of three weights, a deep linear network of width 1 and D = 2. At small alpha it has to grow until F = y /
 * alpha, and T_max ~ alpha^{1/3}; at large alpha it is lazy, and T_max ~ 1/alpha. The T of each alpha are shifted by
 * what theory says, so that every alpha has the same grid beside its border, and a wrong power would leave it. */
static void test_chain(void **state)
{
    (void)state;
    skip_under_valgrind();
    const border_sweep sweep = {.model = CH_ARCH_MLP,
                                .train = 16,
                                .max_steps = 2000,
                                .alphas = {0x1p-30, 0x1p-27, 0x1p-24, 0x1p16, 0x1p20, 0x1p24},
                                .powers = {1.0 / 3, -1},
                                .first = {0x1p-15, 0x1p-23},
                                .middle = {0x1p-30, 0x1p16},
                                .ratio = 2,
                                .num_temps = {7, 12}};
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    train_all(&sweep, &table);
    fit_all(&fit, &phases, &table);
    const ch_phase *phase = &phases.items[0];
    for (size_t end = 0; end < CH_NUM_PHASE_ENDS; end++) {
        const ch_phase_power *power = &phase->max_powers[end];
        printf("  s = %.3f +- %.3f, theory %.3f\n", power->estimate.value, power->estimate.stderr_, power->theory);
        assert_int_equal(power->num_alphas, 3);
        assert_close(power->theory, sweep.powers[end], 1e-15);
        assert_in(power->estimate.value - power->theory, -0.03, 0.03);
        assert_true(power->estimate.lo <= power->theory && power->theory <= power->estimate.hi);
    }
    release(&fit, &phases, &table);
}

int main(void)
{
    /* suites: statistical; it calls nothing that test_phase and test_train do not */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
