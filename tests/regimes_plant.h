/* regimes_plant.h — plants tables of perceptrons over batch and temperature with a known law. */
#ifndef CH_TESTS_REGIMES_PLANT_H
#define CH_TESTS_REGIMES_PLANT_H

#include "fit/regimes/regimes.h"
#include "tests/support.h"

#include <gsl/gsl_randist.h>
#include <string.h>

/* ||Dw|| = law times exp(noise), A = amplitude P^exponent, on B = 2^0 … 2^(num_batches - 1), T = 2^first_temp … */
typedef struct {
    ch_regime_law law; /* at P = 1024 */
    double exponent, set_noise, run_noise;
    int num_batches, first_temp, num_temps, num_trains, num_sets;
} regimes_plant;

static inline regimes_plant regimes_plant_default(void)
{
    return (regimes_plant){
        .law = {.log_noise = 2.5, .delta = 1, .log_step = -1.8, .log_descent = -1, .sharpness = 3, .bend = 1.2},
        .exponent = 0.4,
        .num_batches = 11,
        .first_temp = -12,
        .num_temps = 17,
        .num_trains = 3,
        .num_sets = 5};
}

static inline ch_regime_law regimes_plant_law(const regimes_plant *self, uint64_t train)
{
    ch_regime_law law = self->law;
    const double more = self->exponent * log((double)train / 1024);
    law.log_noise += more;
    law.log_descent += more;
    return law;
}

static inline ch_run regimes_plant_run(const regimes_plant *self, uint64_t batch, double temp, uint64_t train,
                                       uint64_t seed, double noise)
{
    const ch_regime_law law = regimes_plant_law(self, train);
    ch_error err = {0};
    ch_run run = {.status = CH_FITTED};
    ch_settings_default(&run.settings);
    ch_settings_set(&run.settings, CH_SETTING_MODEL, (ch_value){.count = CH_ARCH_PERCEPTRON});
    ch_settings_set(&run.settings, CH_SETTING_CHI, (ch_value){.real = 1});
    ch_settings_set(&run.settings, CH_SETTING_TRAIN, (ch_value){.count = train});
    ch_settings_set(&run.settings, CH_SETTING_BATCH, (ch_value){.count = batch});
    ch_settings_set(&run.settings, CH_SETTING_TEMP, (ch_value){.real = temp});
    ch_settings_set(&run.settings, CH_SETTING_SEED, (ch_value){.count = seed});
    if (ch_settings_resolve(&run.settings, &run.resolved, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    run.results_version = ch_results_version(&run.resolved.settings);
    run.final = ch_observation_none();
    run.final.weight_change = exp(ch_regime_law_log(&law, (double)batch, temp, NULL) + noise);
    run.final.weight_change_rel = run.final.weight_change / 10;
    run.final.test_error = 0.1;
    run.steps = 1000;
    run.updates = 500;
    run.time = 1000 * run.settings.rate;
    return run;
}

static inline void regimes_plant_table(const regimes_plant *self, uint64_t seed, ch_run_table *table)
{
    ch_random stream;
    double sets[64];
    ch_random_init(&stream, seed, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    const size_t count = (size_t)(self->num_batches * self->num_temps * self->num_trains * self->num_sets);
    *table = (ch_run_table){.runs = calloc(count, sizeof *table->runs)};
    assert_non_null(table->runs);
    for (int s = 0; s < self->num_sets; s++) {
        sets[s] = gsl_ran_gaussian(&random, 1) * self->set_noise;
    }
    for (int b = 0; b < self->num_batches; b++) {
        for (int p = 0; p < self->num_trains; p++) {
            for (int t = 0; t < self->num_temps; t++) {
                for (int s = 0; s < self->num_sets; s++) {
                    const double noise = sets[s] + gsl_ran_gaussian(&random, 1) * self->run_noise;
                    table->runs[table->count++] =
                        regimes_plant_run(self, UINT64_C(1) << b, ldexp(1, self->first_temp + t), UINT64_C(1024) << p,
                                          (uint64_t)s, noise);
                }
            }
        }
    }
}

#endif
