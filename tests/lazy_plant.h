/* lazy_plant.h — plants tables of networks and their twins with known ratios. */
#ifndef CH_TESTS_LAZY_PLANT_H
#define CH_TESTS_LAZY_PLANT_H

#include "fit/twins/lazy.h"
#include "tests/phase_plant.h"

enum { LAZY_PLANT_TEMPS = 6, LAZY_PLANT_SETS = 4 };

/* The runs have P = 256, 1024, …, T = 2^-8, 2^-7, … and seeds 0, 1, …. The twin has ||Dw|| = T P^0.4, t* = T P^1.3 and
 * a test error of 0.1, each times a factor of the data set. Of the network ||Dw|| is `weight_ratio` times and t*
 * `time_ratio` times that of the twin, and its test error is `error_shift` higher. */
typedef struct {
    double weight_ratio[LAZY_PLANT_TEMPS], time_ratio[LAZY_PLANT_TEMPS], error_shift;
    size_t num_trains, num_sets;
} lazy_plant;

static inline lazy_plant lazy_plant_default(void)
{
    return (lazy_plant){.weight_ratio = {1, 1.02, 1.05, 0.8, 0.7, 1.5},
                        .time_ratio = {1, 1, 1, 1, 1.3, 1.6},
                        .error_shift = -0.01,
                        .num_trains = 2,
                        .num_sets = LAZY_PLANT_SETS};
}

static inline double lazy_plant_temp(size_t temp)
{
    return ldexp(1, (int)temp - 8);
}

static inline ch_run lazy_plant_run(const lazy_plant *self, uint8_t linear, size_t train, size_t temp, size_t seed)
{
    const phase_plant basis = phase_plant_default();
    const double t = lazy_plant_temp(temp), p = ldexp(256, 2 * (int)train), set = 1 + 0.1 * (double)seed;
    const bool is_network = linear == CH_LINEAR_NO;
    ch_run run = phase_plant_run(&basis, 32768, t, (uint64_t)p, seed, 0);
    run.settings.linear = linear;
    run.time = set * t * pow(p, 1.3) * (is_network ? self->time_ratio[temp] : 1);
    run.final.weight_change = set * t * pow(p, 0.4) * (is_network ? self->weight_ratio[temp] : 1);
    run.final.weight_change_rel = run.final.weight_change / 100;
    run.final.test_error = 0.1 * set + (is_network ? self->error_shift : 0);
    return run;
}

/* Fills a table in the order of (linear, P, T, seed). ch_run_table_free releases it. */
static inline void lazy_plant_table(const lazy_plant *self, ch_run_table *table)
{
    *table =
        (ch_run_table){.runs = calloc(2 * self->num_trains * LAZY_PLANT_TEMPS * self->num_sets, sizeof *table->runs)};
    assert_non_null(table->runs);
    for (int side = 0; side < 2; side++) {
        for (size_t p = 0; p < self->num_trains; p++) {
            for (size_t t = 0; t < LAZY_PLANT_TEMPS; t++) {
                for (size_t s = 0; s < self->num_sets; s++) {
                    table->runs[table->count++] =
                        lazy_plant_run(self, side == 0 ? CH_LINEAR_NO : CH_LINEAR_YES, p, t, s);
                }
            }
        }
    }
}

static inline ch_run *lazy_plant_at(const lazy_plant *self, const ch_run_table *table, uint8_t linear, size_t train,
                                    size_t temp, size_t seed)
{
    const size_t side = linear == CH_LINEAR_NO ? 0 : self->num_trains;
    return &table->runs[((side + train) * LAZY_PLANT_TEMPS + temp) * self->num_sets + seed];
}

static inline void lazy_plant_fit(ch_fit *fit, const ch_run_table *table)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = 20;
    options.threads = 1;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

#endif
