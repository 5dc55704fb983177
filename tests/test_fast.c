/* test_fast.c — the fast engine: its waiting law, its reach, and that it knows the unfitted samples exactly. */
#include "perceptron/active.c" /* their static parts are tested too */
#include "perceptron/fast.c"

#include "tests/alloc_fail.h"
#include "tests/support.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_gamma.h>

/* Of every statistical test here; some 70 of them, with fixed seeds: either always or never, 7e-5 in all. */
static const double FALSE_ALARM = 1e-6;

static const ch_limit no_limit = {.steps = UINT64_MAX, .updates = UINT64_MAX};

static ch_sample_set draw(double chi, size_t dim, bool random_teacher, uint64_t seed, size_t num_samples)
{
    const ch_data_law law = {.chi = chi, .dim = dim, .random_teacher = random_teacher, .seed = seed};
    ch_sample_set set;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, num_samples, 1, NULL, NULL), CH_OK);
    return set;
}

static ch_perceptron_setup setup_of(const ch_sample_set *set, size_t batch, double temp)
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

static void start(ch_fast_perceptron *model, const ch_perceptron_setup *setup, const ch_reach *reach)
{
    ch_error err = {0};
    if (ch_fast_perceptron_init(model, setup, reach, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

/* ---- the waiting law ---- */

/* P samples, B a batch, u unfitted */
typedef struct {
    uint32_t num_samples, batch, unfitted;
} draw_case;

static const draw_case draw_cases[] = {
    {60, 4, 6},         {200, 8, 12},       {10, 1, 1},     {10, 3, 2},         {100, 100, 7},
    {100, 60, 40},      {100, 60, 41},      {100, 40, 100}, {64, 16, 3},        {64, 16, 20},
    {1000, 50, 30},     {1000, 30, 50},     {1000, 2, 5},   {1000, 1, 400},     {1000, 3, 1},
    {5000, 500, 2000},  {5000, 2500, 2},    {4096, 64, 45}, {4096, 64, 44},     {200000, 1000, 100},
    {200000, 400, 150}, {1u << 31, 16, 12}, {1000, 500, 1}, {UINT32_MAX, 1, 1}, {1, 1, 1},
};
enum { NUM_DRAW_CASES = sizeof draw_cases / sizeof *draw_cases };

/* ln C(P - u, B) / C(P, B), by GSL in double: good to 1e-14 of the largest logarithm in it */
static double log_none_by_gsl(const draw_case *c, double *tolerance)
{
    if ((uint64_t)c->batch + c->unfitted > c->num_samples) {
        *tolerance = 0;
        return -INFINITY;
    }
    const double whole = gsl_sf_lnchoose(c->num_samples, c->batch);
    *tolerance = 1e-14 * gsl_sf_lnfact(c->num_samples);
    return gsl_sf_lnchoose(c->num_samples - c->unfitted, c->batch) - whole;
}

static void chance_of_none_is_the_binomials(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_DRAW_CASES; i++) {
        const draw_case *c = &draw_cases[i];
        ch_random random;
        double log_none = 0, tolerance = 0;
        ch_random_init(&random, i, CH_STREAM_BATCHES, 0);
        (void)ch_waiting_steps(&random, c->num_samples, c->batch, c->unfitted, &log_none);
        const double expected = log_none_by_gsl(c, &tolerance);
        assert_true(log_none == expected || fabs(log_none - expected) <= tolerance);
        assert_true(log_none < 0);
        if (c->batch == 1 && c->unfitted < c->num_samples) { /* q = 1 - u / P */
            assert_close(log_none, log1p(-(double)c->unfitted / c->num_samples), 1e-15);
        }
    }
}

/* sup |F_n - F| sqrt(n) over all points where the n drawn whole numbers have a jump, for F(k) = 1 - q^k. Whatever the
 * law it passes ks_critical(alpha) with probability alpha at most (Dvoretzky, Kiefer, Wolfowitz, Massart). */
static double distance_from_geometric(double *waits, size_t n, double log_none)
{
    double sup = 0;
    qsort(waits, n, sizeof *waits, order_of_doubles);
    for (size_t i = 0; i < n;) {
        const double at = waits[i];
        const double before = -expm1((at - 1) * log_none), up_to = -expm1(at * log_none);
        sup = fmax(sup, fabs((double)i / (double)n - (at > 1 ? before : 0)));
        while (i < n && waits[i] == at) {
            i++;
        }
        sup = fmax(sup, fabs((double)i / (double)n - up_to));
    }
    return sup * sqrt((double)n);
}

static void waits_are_geometric(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    static double waits[DRAWS];
    for (size_t i = 0; i < NUM_DRAW_CASES; i++) {
        const draw_case *c = &draw_cases[i];
        ch_random random;
        double log_none = 0, tolerance = 0;
        ch_random_init(&random, 100 + i, CH_STREAM_BATCHES, 0);
        for (size_t k = 0; k < DRAWS; k++) {
            waits[k] = (double)ch_waiting_steps(&random, c->num_samples, c->batch, c->unfitted, &log_none);
            assert_true(waits[k] >= 1);
        }
        if (c->batch + (uint64_t)c->unfitted > c->num_samples) {
            for (size_t k = 0; k < DRAWS; k++) {
                assert_true(waits[k] == 1);
            }
            continue;
        }
        /* GSL's difference of large logarithms is no good for the largest P */
        const double expected = log_none_by_gsl(c, &tolerance);
        assert_in(distance_from_geometric(waits, DRAWS, tolerance < 1e-3 * fabs(expected) ? expected : log_none), 0,
                  ks_critical(FALSE_ALARM));
    }
}

/* pmf of the hypergeometric law by logarithms of factorials */
static double hypergeometric(const draw_case *c, uint32_t number)
{
    return exp(gsl_sf_lnchoose(c->unfitted, number) + gsl_sf_lnchoose(c->num_samples - c->unfitted, c->batch - number) -
               gsl_sf_lnchoose(c->num_samples, c->batch));
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Pearson's test of counts[least .. most] against the pmf given at least one; neighbours are pooled to 10 expected. */
static double chance_of_counts(const draw_case *c, const double *counts, size_t draws, double none)
{
    const uint32_t most = smaller(c->batch, c->unfitted);
    const uint64_t sum = (uint64_t)c->batch + c->unfitted;
    const uint32_t least = sum > c->num_samples ? (uint32_t)(sum - c->num_samples) : 1;
    double chi2 = 0, seen = 0, expected = 0, expected_left = (double)draws, seen_left = (double)draws;
    size_t bins = 0;
    for (uint32_t number = least; number <= most && expected_left >= 20; number++) {
        const double chance = (double)draws * hypergeometric(c, number) / (1 - none);
        seen += counts[number];
        expected += chance;
        expected_left -= chance;
        seen_left -= counts[number];
        if (expected >= 10) {
            chi2 += (seen - expected) * (seen - expected) / expected;
            bins++;
            seen = expected = 0;
        }
    }
    expected += fmax(expected_left, 0);
    seen += seen_left;
    if (expected >= 5) {
        chi2 += (seen - expected) * (seen - expected) / expected;
        bins++;
    }
    return bins > 1 ? gsl_cdf_chisq_Q(chi2, (double)bins - 1) : 1;
}

static void numbers_are_hypergeometric(void **state)
{
    (void)state;
    enum { DRAWS = 20000, MOST = 2501 };
    static double counts[MOST];
    bool seen_likely = false, seen_unlikely = false;
    for (size_t i = 0; i < NUM_DRAW_CASES; i++) {
        const draw_case *c = &draw_cases[i];
        const uint32_t most = smaller(c->batch, c->unfitted);
        ch_random random;
        double log_none = 0;
        ch_random_init(&random, 200 + i, CH_STREAM_BATCHES, 0);
        (void)ch_waiting_steps(&random, c->num_samples, c->batch, c->unfitted, &log_none);
        memset(counts, 0, sizeof counts);
        for (size_t k = 0; k < DRAWS; k++) {
            const uint32_t number = ch_waiting_number(&random, c->num_samples, c->batch, c->unfitted, log_none);
            assert_true(number >= 1 && number <= most && number < MOST);
            assert_true((uint64_t)c->batch - number <= c->num_samples - c->unfitted);
            counts[number]++;
        }
        if (most == 1 || c->batch == c->num_samples) {
            assert_true(counts[c->batch == c->num_samples ? c->unfitted : 1] == DRAWS);
            continue;
        }
        seen_likely |= log_none >= -M_LN2;
        seen_unlikely |= log_none < -M_LN2;
        if (c->num_samples < 1u << 30) { /* as above */
            assert_true(chance_of_counts(c, counts, DRAWS, exp(log_none)) > FALSE_ALARM);
        } else { /* P(2 | >= 1) = (u - 1) (B - 1) / (2 P) = 4e-8 */
            assert_true(counts[1] == DRAWS);
        }
    }
    assert_true(seen_likely && seen_unlikely);
}

/* Every pair of 6 equally likely among the chosen. Pairs chosen together are correlated, which only lowers chi^2. */
static void choices_are_uniform(void **state)
{
    (void)state;
    enum { NUM = 6, DRAWS = 60000 };
    for (uint32_t number = 1; number < NUM; number++) {
        double together[NUM][NUM] = {{0}}, chi2_one = 0, chi2_pair = 0;
        ch_fast_perceptron model = {.num_unfitted = NUM};
        ch_random_init(&model.student.random, 300 + number, CH_STREAM_BATCHES, 0);
        for (int k = 0; k < DRAWS; k++) {
            uint32_t places[NUM] = {0, 1, 2, 3, 4, 5}; /* as the engine has them: in order */
            model.unfitted = places;
            choose(&model, number);
            for (uint32_t i = 0; i < number; i++) {
                for (uint32_t j = 0; j < number; j++) {
                    together[places[i]][places[j]]++;
                }
            }
        }
        const double one = (double)DRAWS * number / NUM, pair = one * (number - 1) / (NUM - 1);
        for (int i = 0; i < NUM; i++) {
            chi2_one += (together[i][i] - one) * (together[i][i] - one) / one;
            for (int j = 0; j < i && number > 1; j++) {
                chi2_pair += (together[i][j] - pair) * (together[i][j] - pair) / pair;
            }
        }
        assert_true(gsl_cdf_chisq_Q(chi2_one, NUM - 1) > FALSE_ALARM);
        assert_true(gsl_cdf_chisq_Q(chi2_pair, NUM * (NUM - 1) / 2 - 1) > FALSE_ALARM);
    }
}

/* ---- the reach ---- */

static void order_is_sorted(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 10, true, 5, 500);
    ch_reach reach;
    bool seen[500] = {false};
    assert_int_equal(ch_reach_init(&reach, &set, NULL), CH_OK);
    assert_int_equal(reach.num_samples, 500);
    for (size_t k = 0; k < 500; k++) {
        assert_true(reach.order[k] < 500 && !seen[reach.order[k]]);
        seen[reach.order[k]] = true;
        assert_true(k == 0 || reach.keys[k - 1] <= reach.keys[k]);
        const float *row = ch_sample_set_row(&set, reach.order[k]);
        long double along = 0, square = 0;
        for (size_t i = 0; i < set.dim; i++) {
            along += (long double)row[i] * (long double)set.teacher[i];
            square += (long double)row[i] * (long double)row[i];
        }
        const double across = (double)sqrtl(square - along * along);
        assert_close((double)reach.keys[k], (double)along / across, 1e-6);
        assert_true(across >= reach.least_across * (1 - 1e-12));
        assert_true((double)sqrtl(square) <= reach.most_norm * (1 + 1e-12));
    }
    assert_int_equal(ch_reach_count(&reach, INFINITY), 500);
    assert_int_equal(ch_reach_count(&reach, -INFINITY), 0);
    assert_int_equal(ch_reach_count(&reach, (double)reach.keys[123]), 123);
    ch_reach_free(&reach);
    ch_reach_free(&reach);
    ch_sample_set_free(&set);
}

/* A smaller run that shares a set knows what it would know with a set of its own. */
static void first_samples_are_as_a_set_of_their_own(void **state)
{
    (void)state;
    ch_sample_set large = draw(1, 6, false, 8, 3000), small = draw(1, 6, false, 8, 40);
    ch_reach whole, first, own;
    assert_int_equal(ch_reach_init(&whole, &large, NULL), CH_OK);
    assert_int_equal(ch_reach_init_first(&first, &whole, &large, 40, NULL), CH_OK);
    assert_int_equal(ch_reach_init(&own, &small, NULL), CH_OK);
    assert_int_equal(first.num_samples, 40);
    assert_memory_equal(first.order, own.order, 40 * sizeof *own.order);
    assert_memory_equal(first.keys, own.keys, 40 * sizeof *own.keys);
    assert_true(first.least_across == own.least_across && first.most_norm == own.most_norm);
    assert_true(whole.least_across < own.least_across && whole.most_norm > own.most_norm);
    ch_reach_free(&whole);
    ch_reach_free(&first);
    ch_reach_free(&own);
    ch_sample_set_free(&large);
    ch_sample_set_free(&small);
}

/* w = s e + r times a random direction across e */
static void draw_weights(double *weights, const ch_sample_set *set, double signal, double noise, uint64_t seed)
{
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_INIT, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < set->dim; i++) {
        weights[i] = gsl_rng_uniform(&gsl) - 0.5;
    }
    const double along = ch_dot_wide(weights, set->teacher, set->stride);
    const double across = sqrt(ch_norm2_across(weights, along, set->teacher, set->stride));
    for (size_t i = 0; i < set->dim; i++) {
        weights[i] = signal * set->teacher[i] + noise * (weights[i] - along * set->teacher[i]) / across;
    }
}

static void samples_out_of_reach_are_fitted(void **state)
{
    (void)state;
    static const double chis[] = {-0.5, 0, 1, 3}, kappa = 0x1p-10;
    size_t reached = 0, beyond = 0;
    for (size_t i = 0; i < 8; i++) {
        const size_t dim = 2 + 7 * (i % 4);
        ch_sample_set set = draw(chis[i / 2], dim, i % 2 == 1, 20 + i, 400);
        double *weights = ch_alloc(set.stride, sizeof *weights);
        ch_reach reach;
        assert_int_equal(ch_reach_init(&reach, &set, NULL), CH_OK);
        for (uint64_t trial = 0; trial < 200; trial++) {
            const double noise = pow(10, (double)(trial % 5) - 3), lambda = pow(3, (double)(trial % 9) - 2);
            draw_weights(weights, &set, noise * lambda, noise, trial);
            const double bound = ch_reach_bound(&reach, noise * lambda, noise, kappa);
            const size_t count = ch_reach_count(&reach, bound);
            for (size_t k = count; k < set.num_samples; k++) {
                assert_true(ch_dot(ch_sample_set_row(&set, reach.order[k]), weights, set.stride) >= kappa);
            }
            reached += count;
            beyond += set.num_samples - count;
        }
        assert_true(isinf(ch_reach_bound(&reach, 0, 1, kappa)) && isinf(ch_reach_bound(&reach, -1, 1, kappa)));
        assert_true(isinf(ch_reach_bound(&reach, NAN, 1, kappa)));
        ch_reach_free(&reach);
        free(weights);
        ch_sample_set_free(&set);
    }
    assert_true(reached > 100000 && beyond > 100000); /* of 640,000 */
}

/* The bound is reached: weights against z_perp have a margin a hair under kappa at a key a hair under the bound. */
static void bound_is_sharp(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 12, false, 9, 1);
    const float *row = ch_sample_set_row(&set, 0);
    double weights[16] = {0};
    ch_reach reach;
    assert_int_equal(ch_reach_init(&reach, &set, NULL), CH_OK);
    const double along = (double)row[0], across = reach.least_across, noise = 3, kappa = 0.1;
    for (int above = 0; above < 2; above++) {
        const double signal = (noise * across + kappa) / along * (above ? 1 + 1e-5 : 1 - 1e-5);
        weights[0] = signal;
        for (size_t i = 1; i < set.dim; i++) {
            weights[i] = -noise * (double)row[i] / across;
        }
        assert_int_equal(ch_dot(row, weights, set.stride) >= kappa, above);
        assert_int_equal(ch_reach_count(&reach, ch_reach_bound(&reach, signal, noise, kappa)), !above);
    }
    ch_reach_free(&reach);
    ch_sample_set_free(&set);
}

/* At d = 2 a sample may lie on the teacher itself, where its key would be infinite: it is within an infinite reach. */
static void sample_on_the_teacher_is_within_reach(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 2, false, 7, 300);
    set.rows[17 * set.stride + 1] = 0;
    ch_reach reach;
    assert_int_equal(ch_reach_init(&reach, &set, NULL), CH_OK);
    assert_int_equal(ch_reach_count(&reach, ch_reach_bound(&reach, -1, 1, 0.1)), 300);
    assert_int_equal(ch_reach_count(&reach, ch_reach_bound(&reach, 1, 1, 0.1)), 300); /* kappa / 0 */
    ch_reach_free(&reach);
    ch_sample_set_free(&set);
}

/* ---- the unfitted, update by update ---- */

typedef struct {
    double chi;
    size_t dim, num_samples, batch;
    double temp, kappa;
    bool random_teacher;
    bool skips; /* by itself, within the first updates */
} point;

static const point points[] = {
    {0, 16, 1024, 1, 0.25, 0x1p-15, false, true}, {0, 16, 1024, 2, 0.25, 0x1p-15, true, true},
    {0, 8, 512, 3, 1, 0x1p-15, true, true},       {0, 16, 512, 16, 0.5, 0x1p-15, false, true},
    {0, 5, 300, 2, 0x1p-8, 0x1p-7, false, true},  {0, 16, 256, 256, 1e-3, 0x1p-15, false, false},
    {0, 2, 100, 1, 1, 0x1p-15, false, false},     {0, 40, 64, 1, 1, 0.5, true, false},
    {-0.5, 16, 128, 2, 1, 0x1p-15, false, true},  {-0.5, 8, 128, 16, 4, 0x1p-15, true, true},
    {-0.5, 8, 128, 128, 1, 0x1p-15, false, true}, {-0.5, 8, 128, 1, 1e-3, 0.25, false, false},
    {1, 8, 512, 3, 1e-4, 0x1p-5, false, false},   {1, 16, 700, 1, 64, 0x1p-15, true, false},
    {1, 8, 512, 512, 1e-6, 0x1p-15, true, false}, {1, 16, 1024, 16, 1, 0x1p-15, false, false},
    {3, 16, 1024, 3, 1, 0x1p-15, false, false},   {3, 16, 300, 300, 1e-6, 0x1p-10, true, false},
    {3, 32, 512, 1, 0.001, 0.01, true, false},    {3, 9, 100, 2, 1e-3, 1, false, false},
};
enum { NUM_POINTS = sizeof points / sizeof *points };

/* What the updates went through, to show that the tests met it. */
typedef struct {
    size_t updates, grown, shrunk, screened, several;
} journey;

/* The unfitted set is the one that a look at all margins finds, in double; every slack is as exact as it says. */
static void assert_knows_unfitted(const ch_fast_perceptron *model, bool *is_unfitted)
{
    const ch_active_set *active = model->active;
    const ch_perceptron *student = &model->student;
    const ch_reach *reach = &model->reach;
    size_t truly = 0;
    memset(is_unfitted, 0, reach->num_samples);
    for (uint32_t i = 0; i < model->num_unfitted; i++) {
        assert_true(model->unfitted[i] < reach->num_samples);
        assert_false(is_unfitted[reach->order[model->unfitted[i]]]);
        is_unfitted[reach->order[model->unfitted[i]]] = true;
    }
    for (size_t mu = 0; mu < reach->num_samples; mu++) {
        const double margin = ch_dot(ch_sample_set_row(student->setup.train, mu), student->weights, student->stride);
        const bool unfitted = !(margin >= student->setup.kappa);
        truly += unfitted;
        assert_true(unfitted == is_unfitted[mu]);
    }
    assert_int_equal(truly, model->num_unfitted);
    for (size_t k = 0; k < active->count; k++) {
        if (k < reach->num_samples) {
            const double slack = exact_excess(active, k) / temperature(active);
            assert_in((double)active->slacks[k] - slack, -active->error, active->error);
        } else {
            assert_true(isinf(active->slacks[k]));
        }
    }
}

static void follow(ch_fast_perceptron *model, uint64_t most_updates, journey *met)
{
    ch_learner *learner = &model->student.learner;
    bool *is_unfitted = ch_alloc(model->reach.num_samples, sizeof *is_unfitted);
    size_t count = model->active->count;
    for (uint64_t i = 0; i < most_updates && learner->progress.status == CH_RUNNING; i++) {
        const uint64_t before = learner->progress.updates, uses = model->num_unfitted;
        const ch_limit limit = {.steps = UINT64_MAX, .updates = before + 1};
        learner->advance(learner, &limit);
        if (!model->skips) {
            continue;
        }
        assert_int_equal(learner->progress.updates, before + 1);
        assert_int_equal(learner->progress.steps, learner->progress.last_update);
        assert_int_equal(learner->progress.status == CH_FITTED, model->num_unfitted == 0);
        assert_knows_unfitted(model, is_unfitted);
        met->updates++;
        met->grown += model->active->count > count;
        met->shrunk += model->active->count < count;
        met->screened += model->active->num_suspects > model->num_unfitted;
        met->several += uses > 1 && model->student.setup.batch > 1;
        count = model->active->count;
    }
    free(is_unfitted);
}

static ch_perceptron_setup setup_at(const point *at, const ch_sample_set *set)
{
    ch_perceptron_setup setup = setup_of(set, at->batch, at->temp);
    setup.kappa = at->kappa;
    setup.chi = at->chi;
    return setup;
}

static void knows_the_unfitted(void **state)
{
    (void)state;
    journey met = {0};
    for (size_t i = 0; i < NUM_POINTS; i++) {
        ch_sample_set set = draw(points[i].chi, points[i].dim, points[i].random_teacher, 50 + i, points[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&points[i], &set);
        ch_fast_perceptron model;
        start(&model, &setup, NULL);
        follow(&model, 1200, &met);
        assert_true(model.skips || !points[i].skips);
        ch_fast_perceptron_free(&model);
        ch_sample_set_free(&set);
    }
    assert_true(met.updates > 4000 && met.grown > 80 && met.shrunk > 80 && met.several > 2000);
}

/* The same where it begins to skip at once, at w = 0 or a little later, whatever that costs: every sample is within
 * reach, all are unfitted, single precision may not be able to screen them. */
static void knows_the_unfitted_from_anywhere(void **state)
{
    (void)state;
    journey met = {0};
    for (size_t i = 0; i < NUM_POINTS; i++) {
        ch_sample_set set = draw(points[i].chi, points[i].dim, points[i].random_teacher, 80 + i, points[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&points[i], &set);
        for (uint64_t first = 0; first < 40; first += 19) {
            ch_fast_perceptron model;
            start(&model, &setup, NULL);
            ch_learner *learner = &model.student.learner;
            learner->advance(learner, &(ch_limit){.steps = UINT64_MAX, .updates = first});
            if (learner->progress.status == CH_RUNNING) {
                begin_skipping(&model);
                follow(&model, 120, &met);
            }
            ch_fast_perceptron_free(&model);
        }
        ch_sample_set_free(&set);
    }
    assert_true(met.updates > 5000 && met.grown > 10 && met.shrunk > 10 && met.several > 1000 && met.screened > 10);
}

/* Slacks that are off by nearly as much as they may be still tell the unfitted samples. */
static void errors_within_the_bound_do_no_harm(void **state)
{
    (void)state;
    size_t between = 0;
    ch_sample_set set = draw(0, 16, true, 31, 500);
    const ch_perceptron_setup setup = setup_of(&set, 2, 0.25);
    bool is_unfitted[500];
    for (uint64_t updates = 1; updates < 400; updates += 23) {
        ch_fast_perceptron model;
        start(&model, &setup, NULL);
        model.student.learner.advance(&model.student.learner, &(ch_limit){.steps = UINT64_MAX, .updates = updates});
        begin_skipping(&model);
        ch_active_set *active = model.active;
        active->error = 0.2;
        for (size_t k = 0; k < active->count && k < set.num_samples; k++) {
            const double slack = exact_excess(active, k) / temperature(active);
            active->slacks[k] = (float)(slack + (k % 2 == 0 ? 0.199 : -0.199));
            between += fabs(slack) < 0.199;
        }
        find_suspects(active);
        model.unfitted = ch_active_set_unfitted(active, &model.num_unfitted);
        assert_knows_unfitted(&model, is_unfitted);
        ch_fast_perceptron_free(&model);
    }
    assert_true(between > 100);
    ch_sample_set_free(&set);
}

/* Rows of the Gram matrix may be forgotten at any moment: with room for one or two of them at a time nothing changes.
 */
static void forgotten_rows_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_POINTS; i += 3) {
        ch_sample_set set = draw(points[i].chi, points[i].dim, points[i].random_teacher, 50 + i, points[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&points[i], &set);
        ch_fast_perceptron roomy, narrow;
        start(&roomy, &setup, NULL);
        start(&narrow, &setup, NULL);
        narrow.active->slab_size = to_block(setup.num_samples) + LEAST_ROW;
        const ch_limit early = {.steps = UINT64_MAX, .updates = 30}, late = {.steps = UINT64_MAX, .updates = 800};
        roomy.student.learner.advance(&roomy.student.learner, &early);
        narrow.student.learner.advance(&narrow.student.learner, &early);
        if (roomy.student.learner.progress.status == CH_RUNNING) {
            begin_skipping(&roomy);
            begin_skipping(&narrow);
        }
        roomy.student.learner.advance(&roomy.student.learner, &late);
        narrow.student.learner.advance(&narrow.student.learner, &late);
        assert_memory_equal(&roomy.student.learner.progress, &narrow.student.learner.progress, sizeof(ch_progress));
        assert_memory_equal(roomy.student.weights, narrow.student.weights, set.stride * sizeof(double));
        ch_fast_perceptron_free(&roomy);
        ch_fast_perceptron_free(&narrow);
        ch_sample_set_free(&set);
    }
}

/* ---- as a learner ---- */

static void assert_same_end(const ch_fast_perceptron *a, const ch_fast_perceptron *b)
{
    const ch_progress *one = &a->student.learner.progress, *other = &b->student.learner.progress;
    assert_int_equal(one->status, CH_FITTED);
    assert_int_equal(other->status, CH_FITTED);
    assert_true(one->last_update == other->last_update && one->updates == other->updates);
    assert_int_equal(a->skips, b->skips);
    assert_memory_equal(a->student.weights, b->student.weights, a->student.stride * sizeof(double));
}

static void limits_are_exact(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 3, 16, 100};
    for (size_t i = 0; i < 4; i++) {
        ch_sample_set set = draw(-0.5, 8, false, 6, 100);
        const ch_perceptron_setup setup = setup_of(&set, batches[i], 1);
        ch_fast_perceptron whole, parts;
        start(&whole, &setup, NULL);
        start(&parts, &setup, NULL);
        whole.student.learner.advance(&whole.student.learner, &no_limit);
        assert_true(whole.skips);
        ch_learner *learner = &parts.student.learner;
        const ch_progress *progress = &learner->progress;
        ch_random random;
        ch_random_init(&random, i, CH_STREAM_BOOTSTRAP, 0);
        while (progress->status == CH_RUNNING) {
            const ch_limit limit = {
                .steps = progress->steps + ch_random_below(&random, 3000) / (uint32_t)batches[i],
                .updates = progress->updates + ch_random_below(&random, 40),
            };
            ch_observation seen;
            learner->advance(learner, &limit);
            assert_true(progress->steps <= limit.steps && progress->updates <= limit.updates);
            if (progress->status == CH_RUNNING) {
                assert_true(progress->steps == limit.steps || progress->updates == limit.updates);
            }
            assert_int_equal(learner->observe(learner, &seen, NULL), CH_OK);
            assert_true(!parts.skips || seen.unfitted == parts.num_unfitted);
            assert_int_equal(seen.unfitted == 0, progress->status == CH_FITTED);
        }
        assert_same_end(&whole, &parts);
        assert_int_equal(whole.student.learner.progress.steps, whole.student.learner.progress.last_update);
        ch_fast_perceptron_free(&whole);
        ch_fast_perceptron_free(&parts);
        ch_sample_set_free(&set);
    }
}

/* A step that is drawn but beyond the limit is not taken; at the limit it is. */
static void budgets_of_steps_are_exact(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 16, false, 3, 1024);
    const ch_perceptron_setup setup = setup_of(&set, 1, 0.25);
    ch_fast_perceptron model;
    start(&model, &setup, NULL);
    ch_learner *learner = &model.student.learner;
    ch_limit limit = {.steps = UINT64_MAX, .updates = 1};
    for (; !model.skips; limit.updates++) {
        learner->advance(learner, &limit);
    }
    const uint64_t updates = learner->progress.updates;
    limit = (ch_limit){.steps = model.next_event - 1, .updates = UINT64_MAX};
    learner->advance(learner, &limit);
    assert_true(learner->progress.steps == limit.steps && learner->progress.updates == updates);
    learner->advance(learner, &limit);
    assert_true(learner->progress.steps == limit.steps && learner->progress.updates == updates);
    limit.steps = model.next_event;
    learner->advance(learner, &limit);
    assert_true(learner->progress.steps == limit.steps && learner->progress.updates == updates + 1);
    assert_int_equal(learner->progress.last_update, limit.steps);
    ch_fast_perceptron_free(&model);
    ch_sample_set_free(&set);
}

/* Sharing a set, or the order of it, changes no bit. */
static void lent_order_changes_nothing(void **state)
{
    (void)state;
    ch_sample_set large = draw(0, 10, false, 12, 5000), small = draw(0, 10, false, 12, 600);
    ch_perceptron_setup alone = setup_of(&small, 2, 0.5), shares = setup_of(&large, 2, 0.5);
    shares.num_samples = 600;
    ch_reach whole;
    assert_int_equal(ch_reach_init(&whole, &large, NULL), CH_OK);
    ch_fast_perceptron own, lent, unlent;
    start(&own, &alone, NULL);
    start(&lent, &shares, &whole);
    start(&unlent, &shares, NULL);
    own.student.learner.advance(&own.student.learner, &no_limit);
    lent.student.learner.advance(&lent.student.learner, &no_limit);
    unlent.student.learner.advance(&unlent.student.learner, &no_limit);
    assert_true(own.skips);
    assert_same_end(&own, &lent);
    assert_same_end(&own, &unlent);
    ch_fast_perceptron_free(&own);
    ch_fast_perceptron_free(&lent);
    ch_fast_perceptron_free(&unlent);
    ch_reach_free(&whole);
    ch_sample_set_free(&large);
    ch_sample_set_free(&small);
}

static void divergence_is_no_fit(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 100);
    static const double temps[] = {1e308, 1e300, 1e200, 5e153};
    for (size_t i = 0; i < sizeof temps / sizeof *temps; i++) {
        const ch_perceptron_setup setup = setup_of(&set, 1, temps[i]);
        ch_fast_perceptron model;
        ch_observation seen;
        start(&model, &setup, NULL);
        model.student.learner.advance(&model.student.learner, &no_limit);
        assert_int_equal(model.student.learner.progress.status, CH_DIVERGED);
        assert_int_equal(model.student.learner.observe(&model.student.learner, &seen, NULL), CH_OK);
        assert_int_equal(model.student.learner.progress.status, CH_DIVERGED);
        ch_fast_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* A weight that is no longer finite while steps are skipped, some samples being out of reach until then. */
static void divergence_is_seen_while_skipping(void **state)
{
    (void)state;
    static const double broken[] = {INFINITY, -INFINITY, NAN, 1e200};
    ch_sample_set set = draw(0, 8, false, 6, 1000); /* 1000: the last block is not full */
    const ch_perceptron_setup setup = setup_of(&set, 1, 1);
    for (size_t i = 0; i < 8; i++) {
        ch_fast_perceptron model;
        start(&model, &setup, NULL);
        ch_learner *learner = &model.student.learner;
        ch_limit limit = {.steps = UINT64_MAX, .updates = 1};
        for (; !model.skips; limit.updates++) {
            learner->advance(learner, &limit);
        }
        assert_true(model.active->count < 1000);
        model.student.weights[i / 4] = broken[i % 4]; /* along and across the teacher */
        learner->advance(learner, &limit);
        assert_true((learner->progress.status == CH_DIVERGED) == (i != 3)); /* a signal may be that large */
        ch_fast_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

static void refuses_setups(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 100);
    ch_perceptron_setup bad[8];
    for (size_t i = 0; i < 8; i++) {
        bad[i] = setup_of(&set, 2, 1);
    }
    bad[0].num_samples = 0;
    bad[1].num_samples = 101;
    bad[2].batch = 0;
    bad[3].batch = 101;
    bad[4].kappa = 0;
    bad[5].kappa = NAN;
    bad[6].rate = INFINITY;
    bad[7].rate = -1;
    for (size_t i = 0; i < 8; i++) {
        ch_fast_perceptron model;
        ch_error err = {0};
        assert_int_equal(ch_fast_perceptron_init(&model, &bad[i], NULL, &err), CH_ERROR_INPUT);
        assert_true(err.message[0] != '\0');
        ch_fast_perceptron_free(&model);
    }
    ch_reach reach;
    ch_error err = {0};
    const ch_sample_set huge = {.num_samples = (size_t)1 << 32, .dim = 2, .stride = 16};
    assert_int_equal(ch_reach_init(&reach, &huge, &err), CH_ERROR_INPUT);
    assert_true(err.message[0] != '\0');
    ch_reach_free(&reach);
    ch_sample_set_free(&set);
}

/* ---- memory ---- */

typedef struct {
    const ch_sample_set *set;
    const ch_reach *lent;
} allocation_case;

static ch_code init_reach(const allocation_case *c)
{
    ch_reach reach;
    const ch_code code = ch_reach_init(&reach, c->set, NULL);
    alloc_fail_at(-1);
    ch_reach_free(&reach);
    ch_reach_free(&reach);
    return code;
}

static ch_code init_reach_first(const allocation_case *c)
{
    ch_reach reach;
    const ch_code code = ch_reach_init_first(&reach, c->lent, c->set, 50, NULL);
    alloc_fail_at(-1);
    ch_reach_free(&reach);
    ch_reach_free(&reach);
    return code;
}

static ch_code init_model(const allocation_case *c)
{
    ch_fast_perceptron model;
    const ch_perceptron_setup setup = setup_of(c->set, 2, 1);
    const ch_code code = ch_fast_perceptron_init(&model, &setup, c->lent, NULL);
    alloc_fail_at(-1);
    ch_fast_perceptron_free(&model);
    ch_fast_perceptron_free(&model);
    return code;
}

static long allocations_survived(ch_code (*init)(const allocation_case *), const allocation_case *c)
{
    for (long k = 0;; k++) {
        alloc_fail_at(k);
        const ch_code code = init(c);
        if (code == CH_OK) {
            return k;
        }
        assert_int_equal(code, CH_ERROR_MEMORY);
    }
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 100);
    ch_reach reach;
    assert_int_equal(ch_reach_init(&reach, &set, NULL), CH_OK);
    const allocation_case alone = {&set, NULL}, lent = {&set, &reach};
    assert_int_equal(allocations_survived(init_reach, &alone), 3);
    assert_int_equal(allocations_survived(init_reach_first, &lent), 2);
    const long with = allocations_survived(init_model, &lent), without = allocations_survived(init_model, &alone);
    assert_int_equal(without - with, 3);
    assert_int_equal(with, 3 + 2 + 9 + 1); /* the student's, the order's, the margins', which samples were used */
    ch_reach_free(&reach);
    ch_sample_set_free(&set);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chance_of_none_is_the_binomials),
        cmocka_unit_test(waits_are_geometric),
        cmocka_unit_test(numbers_are_hypergeometric),
        cmocka_unit_test(choices_are_uniform),
        cmocka_unit_test(order_is_sorted),
        cmocka_unit_test(first_samples_are_as_a_set_of_their_own),
        cmocka_unit_test(samples_out_of_reach_are_fitted),
        cmocka_unit_test(bound_is_sharp),
        cmocka_unit_test(sample_on_the_teacher_is_within_reach),
        cmocka_unit_test(knows_the_unfitted),
        cmocka_unit_test(knows_the_unfitted_from_anywhere),
        cmocka_unit_test(errors_within_the_bound_do_no_harm),
        cmocka_unit_test(forgotten_rows_change_nothing),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(budgets_of_steps_are_exact),
        cmocka_unit_test(lent_order_changes_nothing),
        cmocka_unit_test(divergence_is_no_fit),
        cmocka_unit_test(divergence_is_seen_while_skipping),
        cmocka_unit_test(refuses_setups),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("fast", tests, NULL, NULL);
}
