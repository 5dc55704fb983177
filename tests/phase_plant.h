/* phase_plant.h — plants tables of runs of networks over (alpha, T) with known T_opt, borders and k. */
#ifndef CH_TESTS_PHASE_PLANT_H
#define CH_TESTS_PHASE_PLANT_H

#include "fit/phase/phase.h"
#include "tests/support.h"

#include <gsl/gsl_randist.h>
#include <string.h>

/* The test error is least (1 + 0.1 x^2) with x = ln T - ln T_opt and T_opt = best alpha^k. The relative variation of
 * the weights is T / T_b with T_b = border alpha^border_slope; that of the kernel is (T / (2 T_b))^2. Test error and
 * variations are multiplied by exp of two normal numbers: one for each data set, which all its runs share, and one for
 * each run. With max > 0 the runs of a data set diverge at T > max alpha^max_slope exp(max_noise z), z a normal number
 * of the data set. */
typedef struct {
    uint64_t model, depth;
    double best, k, border, border_slope, least;
    double set_noise, run_noise;
    double max, max_slope, max_noise;
    int first_alpha, num_alphas, alpha_step; /* alpha = 2^first_alpha, 2^(first_alpha + alpha_step), … */
    int first_temp, num_temps;               /* T = 2^first_temp, … */
    int first_train, num_trains;             /* P = 2^first_train, … */
    int num_sets;
    int record; /* trajectory points for each decade of steps; 0: no trajectory */
} phase_plant;

static inline phase_plant phase_plant_default(void)
{
    return (phase_plant){.model = CH_ARCH_MLP,
                         .depth = 3,
                         .best = 0.3,
                         .k = 0.5,
                         .border = 0.05,
                         .border_slope = 0.75,
                         .least = 0.05,
                         .first_alpha = -6,
                         .num_alphas = 6,
                         .alpha_step = 2,
                         .first_temp = -9,
                         .num_temps = 12,
                         .first_train = 10,
                         .num_trains = 1,
                         .num_sets = 4};
}

static inline double phase_plant_best(const phase_plant *self, double alpha)
{
    return self->best * pow(alpha, self->k);
}

static inline double phase_plant_border(const phase_plant *self, double alpha)
{
    return self->border * pow(alpha, self->border_slope);
}

static inline double phase_plant_max(const phase_plant *self, double alpha)
{
    return self->max * pow(alpha, self->max_slope);
}

/* Makes a trajectory that decays to the final values of the run. */
static inline void phase_plant_points(ch_run *run, int record)
{
    run->points = calloc((size_t)(4 * record + 1), sizeof *run->points);
    assert_non_null(run->points);
    for (int i = 0; i <= 4 * record; i++) {
        const double step = rint(pow(10, (double)i / record)), part = step / (double)run->steps;
        if (run->num_points > 0 && step == (double)run->points[run->num_points - 1].step) {
            continue;
        }
        ch_point *point = &run->points[run->num_points++];
        *point =
            (ch_point){.step = (uint64_t)step, .time = step * run->settings.rate, .observed = ch_observation_none()};
        point->observed.train_loss = run->time * (1 / part - 1) * 1e-6;
        point->observed.unfitted = (uint64_t)(0.5 * (double)run->settings.train * exp(-4 * part));
        point->observed.test_error = fmin(0.5, run->final.test_error * pow(part, -0.25));
        point->observed.weight_change = run->final.weight_change * pow(part, 0.4);
        point->observed.weight_change_rel = run->final.weight_change_rel * pow(part, 0.4);
        point->observed.kernel_change = run->final.kernel_change * pow(part, 0.6);
    }
}

static inline ch_run phase_plant_run(const phase_plant *self, double alpha, double temp, uint64_t train, uint64_t seed,
                                     double noise)
{
    const double x = log(temp / phase_plant_best(self, alpha)), y = log(temp / phase_plant_border(self, alpha));
    ch_error err = {0};
    ch_run run = {.status = CH_FITTED};
    ch_settings_default(&run.settings);
    ch_settings_set(&run.settings, CH_SETTING_MODEL, (ch_value){.count = self->model});
    if (self->model != CH_ARCH_PERCEPTRON) {
        ch_settings_set(&run.settings, CH_SETTING_WIDTH, (ch_value){.count = 64});
        ch_settings_set(&run.settings, CH_SETTING_KERNEL, (ch_value){.count = 64});
    }
    if (ch_setting_applies(&run.settings, CH_SETTING_DEPTH)) {
        ch_settings_set(&run.settings, CH_SETTING_DEPTH, (ch_value){.count = self->depth});
    }
    ch_settings_set(&run.settings, CH_SETTING_DIM, (ch_value){.count = 16});
    ch_settings_set(&run.settings, CH_SETTING_TRAIN, (ch_value){.count = train});
    ch_settings_set(&run.settings, CH_SETTING_TEST, (ch_value){.count = 4096});
    ch_settings_set(&run.settings, CH_SETTING_ALPHA, (ch_value){.real = alpha});
    ch_settings_set(&run.settings, CH_SETTING_TEMP, (ch_value){.real = temp});
    ch_settings_set(&run.settings, CH_SETTING_SEED, (ch_value){.count = seed});
    ch_settings_set(&run.settings, CH_SETTING_RECORD, (ch_value){.count = (uint64_t)self->record});
    if (ch_settings_resolve(&run.settings, &run.resolved, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    run.results_version = ch_results_version(&run.resolved.settings);
    run.final = ch_observation_none();
    run.final.train_loss = 0;
    run.final.unfitted = 0;
    run.final.test_error = self->least * (1 + 0.1 * x * x) * exp(noise);
    run.final.weight_change_rel = exp(y + noise);
    run.final.weight_change = 32 * run.final.weight_change_rel;
    run.final.kernel_change = exp(2 * (y - log(2)) + noise);
    run.steps = 10000;
    run.updates = 5000;
    run.time = (double)run.steps * run.settings.rate;
    if (self->record > 0) {
        phase_plant_points(&run, self->record);
    }
    return run;
}

/* Lets the runs diverge that lie above the border of divergence of their data set. */
static inline void phase_plant_diverge(const phase_plant *self, uint64_t seed, ch_run_table *table)
{
    ch_random stream;
    double sets[64];
    ch_random_init(&stream, seed, CH_STREAM_TRAIN_SAMPLES, 1);
    gsl_rng random = ch_random_gsl(&stream);
    for (int s = 0; s < self->num_sets; s++) {
        sets[s] = gsl_ran_gaussian(&random, 1) * self->max_noise;
    }
    for (size_t i = 0; i < table->count && self->max > 0; i++) {
        ch_run *run = &table->runs[i];
        const ch_settings *settings = &run->settings;
        if (settings->temp > phase_plant_max(self, settings->alpha) * exp(sets[settings->seed])) {
            run->status = CH_DIVERGED;
            run->final = ch_observation_none();
        }
    }
}

/* Fills a table in the order of (alpha, P, T, seed). ch_run_table_free releases it. */
static inline void phase_plant_table(const phase_plant *self, uint64_t seed, ch_run_table *table)
{
    ch_random stream;
    double sets[64];
    ch_random_init(&stream, seed, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    for (int s = 0; s < self->num_sets; s++) {
        sets[s] = gsl_ran_gaussian(&random, 1) * self->set_noise;
    }
    const int counts[] = {self->num_alphas, self->num_trains, self->num_temps, self->num_sets};
    *table =
        (ch_run_table){.runs = calloc((size_t)(counts[0] * counts[1] * counts[2] * counts[3]), sizeof *table->runs)};
    assert_non_null(table->runs);
    for (int a = 0; a < self->num_alphas; a++) {
        for (int p = 0; p < self->num_trains; p++) {
            for (int t = 0; t < self->num_temps; t++) {
                for (int s = 0; s < self->num_sets; s++) {
                    const double noise = sets[s] + gsl_ran_gaussian(&random, 1) * self->run_noise;
                    table->runs[table->count++] = phase_plant_run(
                        self, ldexp(1, self->first_alpha + a * self->alpha_step), ldexp(1, self->first_temp + t),
                        UINT64_C(1) << (self->first_train + p), (uint64_t)s, noise);
                }
            }
        }
    }
    phase_plant_diverge(self, seed, table);
}

/* The run at indices (alpha, T, seed) of a table with one P. */
static inline ch_run *phase_plant_at(const phase_plant *self, ch_run_table *table, int alpha, int temp, int seed)
{
    return &table->runs[(alpha * self->num_temps + temp) * self->num_sets + seed];
}

static inline void phase_plant_fit(ch_fit *fit, ch_phase_list *phases, const ch_run_table *table)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = 200;
    options.threads = 1;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK || ch_phase_list_init(phases, fit, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

#endif
