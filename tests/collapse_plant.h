/* collapse_plant.h — plants tables of runs that collapse with known exponents, on a grid of T that differs from P to P.
 */
#ifndef CH_TESTS_COLLAPSE_PLANT_H
#define CH_TESTS_COLLAPSE_PLANT_H

#include "fit/collapse/collapse.h"
#include "tests/fit_plant.h"

/* y = P^x f(T P^a) with f(u) = [1 + (u/c)^m]^(1/m) and c = 2^-8, so that f bends within the temperatures. Where
 * `straight` is set, f(u) = u^m. t* follows the same law with time_x in place of x. The T of P = 2^(10 + p) are
 * 2^((p + 3 j)/2 - 14), of which one in five is left out, so that no two P have the same T. Three normal numbers are
 * added to ln y: one for each data set, one for each data set and P, and one for each run. Those added to ln t* are
 * others, of twice the size. */
typedef struct {
    double x, time_x, a, sharpness;
    bool straight;
    double set_noise, set_train_noise, run_noise;
    int num_temps, num_trains, num_sets;
} collapse_plant;

static inline collapse_plant collapse_plant_default(void)
{
    return (collapse_plant){.x = 0.4,
                            .time_x = 1.7,
                            .a = 0.3,
                            .sharpness = 1,
                            .set_noise = 0.1,
                            .set_train_noise = 0.05,
                            .run_noise = 0.05,
                            .num_temps = 14,
                            .num_trains = 5,
                            .num_sets = 8};
}

static inline double collapse_plant_log(const collapse_plant *self, double log_train, double log_temp)
{
    const double u = log_temp + self->a * log_train;
    const double power = self->sharpness * (u + 8 * log(2));
    return self->straight ? self->sharpness * u : log1p(exp(power)) / self->sharpness;
}

static inline double normal(gsl_rng *random, double deviation)
{
    return gsl_ran_gaussian(random, 1) * deviation;
}

/* Fills a table, which is released by free(table->runs). */
static inline void collapse_plant_table(const collapse_plant *self, uint64_t seed, ch_run_table *table)
{
    ch_random stream;
    ch_random_init(&stream, seed, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    *table = (ch_run_table){
        .runs = calloc((size_t)(self->num_sets * self->num_trains * self->num_temps), sizeof *table->runs)};
    assert_non_null(table->runs);
    for (int s = 0; s < self->num_sets; s++) {
        const double set = normal(&random, self->set_noise), set_time = normal(&random, 2 * self->set_noise);
        for (int p = 0; p < self->num_trains; p++) {
            const double log_train = (10 + p) * log(2);
            const double change = set + normal(&random, self->set_train_noise);
            const double time = set_time + normal(&random, 2 * self->set_train_noise);
            for (int j = 0; j < self->num_temps; j++) {
                const double log_temp = (0.5 * (p + 3 * j) - 14) * log(2);
                const double log_f = collapse_plant_log(self, log_train, log_temp);
                const double log_y = self->x * log_train + log_f + change + normal(&random, self->run_noise);
                const double log_time = self->time_x * log_train + log_f + time + normal(&random, 2 * self->run_noise);
                if ((p + j) % 5 != 4) {
                    table->runs[table->count++] =
                        plant_run(exp(log_temp), UINT64_C(1) << (10 + p), (uint64_t)s, log_y, log_time);
                }
            }
        }
    }
}

/* Fits the groups of a table, without T_c. */
static inline void collapse_plant_fit(ch_fit *fit, const ch_run_table *table, size_t replicas, int threads)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    memset(options.wanted, 0, sizeof options.wanted);
    options.replicas = replicas;
    options.threads = threads;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

#endif
