/* change_plant.h — plants tables of runs whose test error begins to grow at a known temperature, or never. */
#ifndef CH_TESTS_CHANGE_PLANT_H
#define CH_TESTS_CHANGE_PLANT_H

#include "fit/laws/change.h"
#include "tests/fit_plant.h"

/* The test error is 0.1 (1 + noise of the data set) (1 + noise of the run). Above T_c = scale P^-a it is multiplied by
 * 1 + rise ln(T / T_c). */
typedef struct {
    double scale, a, rise, set_noise, run_noise;
} error_plant;

static inline void plant_errors(const error_plant *self, uint64_t seed, ch_run_table *table)
{
    ch_random stream;
    ch_random_init(&stream, seed, CH_STREAM_TEST_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    double of_set[64] = {0};
    for (size_t s = 0; s < 64; s++) {
        of_set[s] = 1 + self->set_noise * gsl_ran_gaussian(&random, 1);
    }
    for (size_t i = 0; i < table->count; i++) {
        ch_run *run = &table->runs[i];
        const double beyond = log(run->settings.temp / self->scale) + self->a * log((double)run->settings.train);
        run->final.test_error = 0.1 * of_set[run->settings.seed_data] *
                                (1 + self->run_noise * gsl_ran_gaussian(&random, 1)) *
                                (1 + self->rise * fmax(0, beyond));
    }
}

static inline void fit_errors(ch_fit *fit, ch_run_table *table, const plant *planted, const error_plant *errors,
                              uint64_t seed)
{
    ch_fit_options options;
    ch_error err = {0};
    plant_table(planted, seed, table);
    plant_errors(errors, seed, table);
    ch_fit_options_default(&options);
    options.wanted[CH_TC_ONSET] = options.wanted[CH_TC_ESCAPE] = false;
    options.replicas = 100;
    options.threads = 2;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static inline plant grid(void)
{
    plant planted = plant_default();
    planted.first_temp = -12;
    planted.num_temps = 15;
    planted.num_trains = 4;
    planted.run_noise = 0.01;
    return planted;
}

#endif
