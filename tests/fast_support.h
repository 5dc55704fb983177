/* fast_support.h — data sets, setups and parameter points shared by the tests of the fast engine and its parts. */
#ifndef CH_FAST_SUPPORT_H
#define CH_FAST_SUPPORT_H

#include "perceptron/perceptron.h"
#include "perceptron/screening.h"
#include "tests/support.h"

static const ch_limit no_limit = {.steps = UINT64_MAX, .updates = UINT64_MAX};

static inline ch_sample_set draw(double chi, size_t dim, bool random_teacher, uint64_t seed, size_t num_samples)
{
    const ch_data_law law = {.chi = chi, .dim = dim, .random_teacher = random_teacher, .seed = seed};
    ch_sample_set set;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, num_samples, 1, NULL, NULL), CH_OK);
    return set;
}

static inline ch_perceptron_setup setup_of(const ch_sample_set *set, size_t batch, double temp)
{
    return (ch_perceptron_setup){
        .train = set,
        .num_samples = set->num_samples,
        .chi = 0,
        .kappa = 0x1p-15,
        .rate = temp * (double)batch,
        .batch = batch,
        .seed_batch = 4,
    };
}

static inline void start(ch_fast_perceptron *model, const ch_perceptron_setup *setup, const ch_screen *screen)
{
    ch_error err = {0};
    if (ch_fast_perceptron_init(model, setup, screen, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

typedef struct {
    double chi;
    size_t dim, num_samples, batch;
    double temp, kappa;
    bool random_teacher;
    bool bounds; /* whether the fast engine begins to bound margins within 1,500 updates */
} point;

static const point points[] = {
    {0, 16, 1024, 1, 0.25, 0x1p-15, false, true},  {0, 16, 1024, 2, 0.25, 0x1p-15, true, true},
    {0, 8, 512, 3, 1, 0x1p-15, true, true},        {0, 16, 512, 16, 0.5, 0x1p-15, false, true},
    {0, 5, 300, 2, 0x1p-8, 0x1p-7, false, true},   {0, 16, 256, 256, 1e-3, 0x1p-15, false, false},
    {0, 2, 130, 1, 1, 0x1p-15, false, false},      {0, 40, 128, 1, 1, 0.5, true, false},
    {-0.5, 16, 128, 2, 1, 0x1p-15, false, true},   {-0.5, 8, 128, 16, 4, 0x1p-15, true, true},
    {-0.5, 8, 128, 128, 1, 0x1p-15, false, false}, {-0.5, 8, 128, 1, 1e-3, 0.25, false, false},
    {1, 8, 512, 3, 1e-4, 0x1p-5, false, false},    {1, 16, 700, 1, 64, 0x1p-15, true, false},
    {1, 8, 512, 512, 1e-6, 0x1p-15, true, false},  {1, 16, 1024, 16, 1, 0x1p-15, false, false},
    {3, 16, 1024, 3, 1, 0x1p-15, false, false},    {3, 16, 300, 300, 1e-6, 0x1p-10, true, false},
    {3, 32, 512, 1, 0.001, 0.01, true, false},     {3, 9, 150, 2, 1e-3, 1, false, false},
};
enum { NUM_POINTS = sizeof points / sizeof *points };

static inline ch_perceptron_setup setup_at(const point *at, const ch_sample_set *set)
{
    ch_perceptron_setup setup = setup_of(set, at->batch, at->temp);
    setup.kappa = at->kappa;
    setup.chi = at->chi;
    return setup;
}

#endif
