/* error_plant.h — plants tables of runs whose test error changes with T between two plateaus. */
#ifndef CH_TESTS_ERROR_PLANT_H
#define CH_TESTS_ERROR_PLANT_H

#include "tests/fit_plant.h"

/* ln of the test error is that of 0.05, plus a number of the data set (normal, set_noise), plus one of each run
 * (run_noise), plus the change D: from T = start P^-a on it grows by `slope` a factor of two in T, until it is
 * `height`. Both can be negative. The D of a data set is that times 1 + response_noise times a normal number. */
typedef struct {
    double start, a, slope, height, set_noise, response_noise, run_noise;
    uint64_t test; /* test samples */
} error_plant;

static inline error_plant error_plant_default(void)
{
    return (error_plant){.start = 1, .a = 0.25, .slope = 0.07, .height = 0.4};
}

/* T at which the mean change has a size. */
static inline double error_plant_critical(const error_plant *self, double train, double size)
{
    return self->start * pow(train, -self->a) * pow(2, size / self->slope);
}

static inline double error_plant_change(const error_plant *self, double train, double temp)
{
    const double steps = fmax(0, log2(temp / self->start) + self->a * log2(train));
    return self->height > 0 ? fmin(self->slope * steps, self->height) : fmax(self->slope * steps, self->height);
}

static inline void error_plant_fill(const error_plant *self, uint64_t seed, ch_run_table *table)
{
    ch_random stream;
    ch_random_init(&stream, seed, CH_STREAM_TEST_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    double of_set[128], response[128];
    for (size_t s = 0; s < 128; s++) {
        of_set[s] = self->set_noise * gsl_ran_gaussian(&random, 1);
        response[s] = 1 + self->response_noise * gsl_ran_gaussian(&random, 1);
    }
    for (size_t i = 0; i < table->count; i++) {
        ch_run *run = &table->runs[i];
        const size_t set = run->settings.seed_data;
        run->settings.test = self->test;
        run->final.test_error =
            0.05 * exp(of_set[set] + self->run_noise * gsl_ran_gaussian(&random, 1) +
                       response[set] * error_plant_change(self, (double)run->settings.train, run->settings.temp));
    }
}

/* T = 2^-9 … 2^7 at P = 2^10 … 2^15. With the default, D grows from T = 2^-2.5 on at the least P and from 2^-3.75 on at
 * the largest, over 5.7 factors of two. */
static inline plant error_grid(int num_sets)
{
    plant planted = plant_default();
    planted.first_temp = -9;
    planted.num_temps = 17;
    planted.first_train = 10;
    planted.num_trains = 6;
    planted.num_sets = num_sets;
    return planted;
}

/* Fits by error_shift and error_half alone. */
static inline void error_plant_fit(ch_fit *fit, const ch_run_table *table, size_t replicas)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.wanted[CH_TC_ONSET] = options.wanted[CH_TC_ESCAPE] = false;
    options.replicas = replicas;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

/* T_c of a definition at a P. */
static inline const ch_tc *error_tc(const ch_fit *fit, ch_tc_definition definition, size_t train)
{
    const ch_fit_group *group = &fit->groups[0];
    for (size_t i = 0; i < group->num_tc; i++) {
        if (group->tc[i].definition == definition && group->tc[i].train == group->trains[train]) {
            return &group->tc[i];
        }
    }
    fail_msg("no T_c by %s at the P of number %zu", ch_tc_definition_name(definition), train);
    return NULL;
}

static inline bool has_note(const ch_fit *fit, const char *part)
{
    for (size_t i = 0; i < fit->groups[0].num_notes; i++) {
        if (strstr(fit->groups[0].notes[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

#endif
