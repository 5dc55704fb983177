/* fit_plant.h — plants tables of runs that follow known power laws, for the tests of fit/. */
#ifndef CH_TESTS_FIT_PLANT_H
#define CH_TESTS_FIT_PLANT_H

#include "fit/fit.h"
#include "fit/numbers.h"
#include "tests/support.h"

#include <gsl/gsl_randist.h>
#include <string.h>

/* ||Dw|| = P^gamma y(T) with y^m = T^(m delta) + tc^(m delta), so that y has a plateau below T_c = tc; for tc = 0 it is
 * T^delta. t* = T^time_delta P^b. Three normal numbers are added to ln of both: one for each data set, which all its
 * runs share, one for each data set and P, and one for each run. */
typedef struct {
    double delta, gamma, time_delta, b;
    double tc, sharpness;
    double set_noise, set_train_noise, run_noise;
    int first_temp, num_temps;   /* T = 2^first_temp, 2^(first_temp + 1), … */
    int first_train, num_trains; /* P = 2^first_train, … */
    int num_sets;
} plant;

/* The relative variation is ||Dw|| / sqrt(dim). */
enum { PLANT_DIM = 16 };

static inline plant plant_default(void)
{
    return (plant){.delta = 1,
                   .gamma = 0.5,
                   .time_delta = 1,
                   .b = 2,
                   .first_temp = -3,
                   .num_temps = 6,
                   .first_train = 10,
                   .num_trains = 5,
                   .num_sets = 5};
}

static inline double plant_log_weight_change(const plant *self, double log_train, double log_temp)
{
    const double power = self->gamma * log_train + self->delta * log_temp;
    if (!(self->tc > 0)) {
        return power;
    }
    const double below = self->sharpness * self->delta * (log(self->tc) - log_temp);
    return power + log1p(exp(below)) / self->sharpness; /* y^m = T^{m delta} + T_c^{m delta} */
}

static inline ch_run plant_run(double temp, uint64_t train, uint64_t seed, double log_weight_change, double log_time)
{
    ch_run run = {.status = CH_FITTED, .time = exp(log_time)};
    ch_settings_default(&run.settings);
    run.settings.model = CH_ARCH_PERCEPTRON;
    run.settings.chi = 1;
    run.settings.dim = PLANT_DIM;
    run.settings.train = train;
    run.settings.batch = 2;
    run.settings.temp = temp;
    run.settings.rate = 2 * temp;
    run.settings.seed = run.settings.seed_data = run.settings.seed_init = run.settings.seed_batch = seed;
    run.final.weight_change = exp(log_weight_change);
    run.final.weight_change_rel = run.final.weight_change / sqrt(PLANT_DIM);
    return run;
}

/* Fills a table, which is released by free(table->runs). */
static inline void plant_table(const plant *self, uint64_t seed, ch_run_table *table)
{
    ch_random stream;
    ch_random_init(&stream, seed, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    const size_t count = (size_t)self->num_sets * (size_t)self->num_trains * (size_t)self->num_temps;
    *table = (ch_run_table){.runs = calloc(count, sizeof *table->runs)};
    assert_non_null(table->runs);
    for (int s = 0; s < self->num_sets; s++) {
        const double set_weight = gsl_ran_gaussian(&random, 1) * self->set_noise;
        const double set_time = gsl_ran_gaussian(&random, 1) * self->set_noise;
        for (int p = 0; p < self->num_trains; p++) {
            const double train_noise = gsl_ran_gaussian(&random, 1) * self->set_train_noise;
            for (int t = 0; t < self->num_temps; t++) {
                const double temp = ldexp(1, self->first_temp + t);
                const double train = ldexp(1, self->first_train + p);
                const double weight = plant_log_weight_change(self, log(train), log(temp)) + set_weight + train_noise +
                                      gsl_ran_gaussian(&random, 1) * self->run_noise;
                const double time = self->time_delta * log(temp) + self->b * log(train) + set_time + 2 * train_noise +
                                    gsl_ran_gaussian(&random, 1) * self->run_noise;
                table->runs[table->count++] = plant_run(temp, (uint64_t)train, (uint64_t)s, weight, time);
            }
        }
    }
}

static inline bool is_same_word(const char *word, const char *other)
{
    return word == NULL ? other == NULL : other != NULL && strcmp(word, other) == 0;
}

/* The exponent of a group with a name, definition and method; NULL where the group has none. */
static inline const ch_exponent *find_by_method(const ch_fit_group *group, const char *name, const char *definition,
                                                const char *method)
{
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_exponent *exponent = &group->exponents[i];
        const ch_fit_number_row *number = &ch_fit_numbers[exponent->number];
        const char *of = number->has_definition ? ch_tc_definition_name(exponent->definition) : NULL;
        if (is_same_word(number->name, name) && is_same_word(of, definition) && is_same_word(number->method, method)) {
            return exponent;
        }
    }
    return NULL;
}

/* The exponent of a group with a name. `a` is that of the slope through ln T_c; the others have one method only. */
static inline const ch_exponent *find_exponent(const ch_fit_group *group, const char *name, const char *definition)
{
    return find_by_method(group, name, definition, definition == NULL ? NULL : "slope");
}

static inline double exponent_value(const ch_fit_group *group, const char *name, const char *definition)
{
    const ch_exponent *exponent = find_exponent(group, name, definition);
    return exponent == NULL ? NAN : exponent->estimate.value;
}

#endif
