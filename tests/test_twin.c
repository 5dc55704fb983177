/* test_twin.c — the linearised twin: with the kernel of a perceptron's samples it is that perceptron. */
#include "core/memory.h"
#include "core/near_boundary.h"
#include "models/twin/twin.h"

#include "alloc_fail.h"
#include "fast_support.h"
#include "tests/valgrind_support.h"
#include "twin_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

static ch_twin_setup twin_setup_of(const ch_kernel *kernel, size_t batch, double temp)
{
    return (ch_twin_setup){
        .kernel = kernel,
        .num_samples = kernel->num_train,
        .kappa = 0x1p-15,
        .rate = temp * (double)batch,
        .batch = batch,
        .seed_batch = 4,
        .norm_init = 2,
    };
}

/* w = sum_mu a_mu z_mu, [stride]. */
static double *weights_of(const ch_twin *model, const ch_sample_set *set)
{
    double *weights = ch_alloc(set->stride, sizeof *weights);
    for (size_t mu = 0; mu < model->setup.num_samples; mu++) {
        ch_axpy(weights, model->temperature * model->uses[mu], ch_sample_set_row(set, mu), set->stride);
    }
    return weights;
}

static double margin_of(const ch_twin *model, size_t mu)
{
    return model->temperature * model->margins.values[mu];
}

/* A bound on the error of a margin that is computed from entries in single precision: 2^-24 sum_nu |K_mu,nu| a_nu, and
 * 2^-53 of it for every row that was added. */
static double margin_error(const ch_twin *model, size_t mu)
{
    double sum = 0, rows = 0;
    for (size_t nu = 0; nu < model->setup.num_samples; nu++) {
        sum += fabs((double)ch_kernel_row(model->setup.kernel, mu)[nu]) * model->uses[nu];
        rows += model->uses[nu];
    }
    return model->temperature * sum * (0x1.01p-24 + 0x1p-53 * (rows + 100));
}

/* ---- against the perceptron ---- */

typedef struct {
    double chi;
    size_t dim, num_samples, batch;
    double temp, kappa;
    bool from_unfitted;
} twin_point;

static const twin_point twin_points[] = {
    {0, 5, 64, 2, 0.5, 0x1p-15, false},     {0, 16, 130, 1, 0.25, 0x1p-15, false},  {1, 40, 100, 3, 1, 0x1p-4, false},
    {0, 8, 1, 1, 0x1p-10, 0.1, false},      {1, 16, 257, 16, 1, 0x1p-15, false},    {1, 20, 63, 20, 1, 1, false},
    {1, 16, 300, 40, 0x1p-9, 0.125, false}, {3, 16, 200, 200, 1, 0x1p-15, false},   {1, 8, 150, 3, 1, 0x1p-15, true},
    {1, 16, 200, 50, 1e-3, 0x1p-15, true},  {3, 9, 128, 128, 1e-4, 0x1p-10, false}, {3, 9, 128, 128, 1, 0x1p-10, true},
};
enum { NUM_TWIN_POINTS = sizeof twin_points / sizeof *twin_points };

static ch_twin_setup twin_setup_at(const twin_point *at, const ch_kernel *kernel)
{
    ch_twin_setup setup = twin_setup_of(kernel, at->batch, at->temp);
    setup.kappa = at->kappa;
    setup.from_unfitted = at->from_unfitted;
    return setup;
}

/* Makes all entries multiples of 2^-8, so that their products and sums are exact in either precision. */
static void coarsen(ch_sample_set *set)
{
    for (size_t i = 0; i < set->num_samples * set->stride; i++) {
        set->rows[i] = rintf(0x1p8f * set->rows[i]) * 0x1p-8f;
    }
}

/* At B = P both are gradient descent. Where nothing is rounded, the numbers are the same at every step. */
static void gradient_descent_is_the_perceptrons(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const twin_point at[] = {
        {1, 16, 200, 200, 0x1p-17, 0x1p-8, false},  {0, 40, 64, 64, 0x1p-7, 0x1p-4, false},
        {3, 8, 333, 333, 0x1p-20, 0x1p-8, false},   {1, 5, 100, 100, 0x1p-11, 1, false},
        {1, 16, 1000, 1000, 0x1p-17, 0x1p-8, true}, {1, 3, 2, 2, 0x1p-7, 1, false},
    };
    for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
        ch_sample_set set = draw(at[k].chi, at[k].dim, k % 2 == 1, 2 + k, at[k].num_samples);
        coarsen(&set);
        ch_kernel kernel = gram_of(&set, NULL);
        ch_perceptron_setup setup = setup_of(&set, at[k].batch, at[k].temp);
        setup.kappa = at[k].kappa;
        const ch_twin_setup twin_setup = twin_setup_at(&at[k], &kernel);
        ch_perceptron perceptron;
        ch_twin twin;
        assert_int_equal(ch_perceptron_init(&perceptron, &setup, NULL), CH_OK);
        start_twin(&twin, &twin_setup);
        for (uint64_t steps = 1; perceptron.learner.progress.status == CH_RUNNING; steps += steps / 4 + 1) {
            const ch_limit limit = {.steps = steps, .updates = UINT64_MAX};
            ch_observation one, other;
            perceptron.learner.advance(&perceptron.learner, &limit);
            twin.learner.advance(&twin.learner, &limit);
            assert_int_equal(perceptron.learner.observe(&perceptron.learner, &one, NULL), CH_OK);
            assert_int_equal(twin.learner.observe(&twin.learner, &other, NULL), CH_OK);
            assert_true(other.unfitted == one.unfitted && other.train_error == one.train_error);
            assert_true(other.min_margin == one.min_margin);
            assert_close(other.train_loss, one.train_loss, 1e-14);
            assert_close(other.weight_change, one.weight_change, 1e-14);
            for (size_t mu = 0; mu < at[k].num_samples; mu++) {
                assert_true(margin_of(&twin, mu) ==
                            ch_dot(ch_sample_set_row(&set, mu), perceptron.weights, set.stride));
            }
        }
        assert_int_equal(twin.learner.progress.status, CH_FITTED);
        assert_true(twin.learner.progress.last_update == perceptron.learner.progress.last_update);
        assert_true(twin.learner.progress.updates == perceptron.learner.progress.updates);
        ch_perceptron_free(&perceptron);
        ch_twin_free(&twin);
        ch_kernel_free(&kernel);
        ch_sample_set_free(&set);
    }
}

/* ---- the unfitted and the margins ---- */

/* Requires that the bits, the number and the ranks of the unfitted samples agree with the margins. */
static void assert_unfitted_are_known(const ch_twin *model)
{
    const ch_margins *margins = &model->margins;
    const size_t num_samples = model->setup.num_samples;
    bool *seen = ch_alloc(num_samples, sizeof *seen);
    uint32_t *list = ch_alloc(num_samples, sizeof *list);
    uint32_t number = 0;
    for (size_t mu = 0; mu < num_samples; mu++) {
        number += !(margin_of(model, mu) >= model->setup.kappa);
    }
    assert_int_equal(number, margins->num_unfitted);
    assert_int_equal(ch_margins_list(margins, margins->unfitted, list), number);
    for (uint32_t rank = 0; rank < number; rank++) {
        const uint32_t mu = ch_margins_sample(margins, rank);
        assert_true(mu < num_samples && !seen[mu] && mu == list[rank]);
        assert_false(margin_of(model, mu) >= model->setup.kappa);
        seen[mu] = true;
    }
    free(seen);
    free(list);
}

/* Requires that every waiting law that was made is that of the number of unfitted samples that its place stands for.
 * @return the number of such laws */
static size_t assert_laws_are_their_own(const ch_twin *model)
{
    enum { NUM_LAWS = 256 };
    size_t made = 0;
    for (uint32_t unfitted = 0; unfitted < NUM_LAWS; unfitted++) {
        const ch_waiting *law = &model->laws[unfitted];
        if (law->marked != 0) {
            ch_waiting expected;
            ch_waiting_init(&expected, (uint32_t)model->setup.num_samples, (uint32_t)model->setup.batch, unfitted);
            assert_true(law->marked == unfitted && law->none == expected.none && law->one == expected.one);
            made++;
        }
    }
    return made;
}

/* After each update: the samples that were drawn are unfitted, and margins and ||Dw|| are those of explicit weights. */
static void dual_is_the_primal(void **state)
{
    (void)state;
    size_t laws = 0;
    for (size_t k = 0; k < NUM_TWIN_POINTS; k++) {
        const twin_point *at = &twin_points[k];
        ch_sample_set set = draw(at->chi, at->dim, false, 60 + k, at->num_samples);
        ch_kernel kernel = gram_of(&set, NULL);
        const ch_twin_setup setup = twin_setup_at(at, &kernel);
        ch_twin model;
        start_twin(&model, &setup);
        ch_learner *learner = &model.learner;
        for (uint64_t updates = 1; updates < 200 && learner->progress.status == CH_RUNNING; updates++) {
            const uint32_t unfitted = model.margins.num_unfitted;
            double before = 0, after = 0;
            for (size_t mu = 0; mu < at->num_samples; mu++) {
                before += model.uses[mu];
            }
            learner->advance(learner, &(ch_limit){.steps = UINT64_MAX, .updates = updates});
            assert_unfitted_are_known(&model);
            double *weights = weights_of(&model, &set);
            ch_observation seen;
            assert_int_equal(learner->observe(learner, &seen, NULL), CH_OK);
            assert_close(seen.weight_change, sqrt(ch_norm2(weights, set.stride)), 1e-6);
            assert_close(seen.weight_change_rel, seen.weight_change / 2, 1e-15);
            for (size_t mu = 0; mu < at->num_samples; mu++) {
                const double margin = ch_dot(ch_sample_set_row(&set, mu), weights, set.stride);
                const double error = margin_error(&model, mu);
                assert_in(margin_of(&model, mu), margin - error, margin + error);
                after += model.uses[mu];
            }
            const double most = (double)(unfitted < at->batch ? unfitted : at->batch);
            assert_in(after - before, 1, most);
            assert_true(after - before == most || (!at->from_unfitted && at->batch < at->num_samples));
            assert_true(!at->from_unfitted || learner->progress.steps == updates);
            free(weights);
        }
        laws += assert_laws_are_their_own(&model);
        ch_twin_free(&model);
        ch_kernel_free(&kernel);
        ch_sample_set_free(&set);
    }
    assert_true(laws > 100);
}

/* Only unfitted samples are used by an update, and each use adds 1. */
static void updates_are_by_the_unfitted(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_TWIN_POINTS; k++) {
        const twin_point *at = &twin_points[k];
        ch_sample_set set = draw(at->chi, at->dim, false, 90 + k, at->num_samples);
        ch_kernel kernel = gram_of(&set, NULL);
        const ch_twin_setup setup = twin_setup_at(at, &kernel);
        ch_twin model;
        double *margins = ch_alloc(at->num_samples, sizeof *margins), *uses = ch_alloc(at->num_samples, sizeof *uses);
        start_twin(&model, &setup);
        for (uint64_t updates = 1; updates < 300 && model.learner.progress.status == CH_RUNNING; updates++) {
            memcpy(margins, model.margins.values, at->num_samples * sizeof *margins);
            memcpy(uses, model.uses, at->num_samples * sizeof *uses);
            model.learner.advance(&model.learner, &(ch_limit){.steps = UINT64_MAX, .updates = updates});
            for (size_t mu = 0; mu < at->num_samples; mu++) {
                const bool unfitted = model.temperature * margins[mu] < at->kappa;
                assert_true(model.uses[mu] == uses[mu] || (model.uses[mu] == uses[mu] + 1 && unfitted));
            }
        }
        free(margins);
        free(uses);
        ch_twin_free(&model);
        ch_kernel_free(&kernel);
        ch_sample_set_free(&set);
    }
}

/* One sample in batches of one: every step adds T K to the margin, until T K steps >= kappa. */
static void one_sample_in_closed_form(void **state)
{
    (void)state;
    float entries[CH_KERNEL_LANES] = {0.25f};
    const ch_kernel kernel = {.num_train = 1, .stride = CH_KERNEL_LANES, .train = entries};
    ch_twin_setup setup = twin_setup_of(&kernel, 1, 0.5);
    setup.kappa = 1.2;
    ch_twin model;
    ch_observation seen;
    start_twin(&model, &setup);
    model.learner.advance(&model.learner, &no_limit);
    assert_int_equal(model.learner.progress.status, CH_FITTED);
    assert_true(model.learner.progress.last_update == 10 && model.learner.progress.updates == 10);
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_close(seen.weight_change, 10 * 0.5 * 0.5, 1e-15);
    assert_close(seen.min_margin, 1.25 / 1.2, 1e-15);
    assert_true(seen.train_loss == 0 && seen.train_error == 0 && seen.unfitted == 0);
    assert_true(isnan(seen.signal) && isnan(seen.noise) && isnan(seen.test_error));
    ch_twin_free(&model);
}

static void observes_what_is_defined(void **state)
{
    (void)state;
    const ch_data_law law = {.chi = 1, .dim = 10, .random_teacher = true, .seed = 3};
    ch_sample_set set, test;
    assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, 200, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_sample_set_init(&test, &law, CH_STREAM_TEST_SAMPLES, 1000, 1, NULL, NULL), CH_OK);
    ch_kernel kernel = gram_of(&set, &test);
    ch_twin_setup setup = twin_setup_of(&kernel, 4, 0.25);
    setup.num_samples = 150;
    float far[200];
    double sizes[1000], smallest[128], distance = 0;
    for (size_t mu = 0; mu < 200; mu++) {
        far[mu] = (float)(sqrt(10) * ch_dot(ch_sample_set_row(&set, mu), set.teacher, set.stride));
    }
    setup.along = far;
    ch_twin model;
    ch_observation start, seen;
    start_twin(&model, &setup);
    assert_int_equal(model.learner.observe(&model.learner, &start, NULL), CH_OK);
    assert_true(start.unfitted == 150 && start.train_error == 1 && start.test_error == 1);
    assert_true(start.min_margin == 0 && start.weight_change == 0 && start.weight_change_rel == 0);
    assert_close(start.train_loss, 0x1p-15, 1e-15);
    model.learner.advance(&model.learner, &(ch_limit){.steps = 30, .updates = UINT64_MAX});
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    double *weights = weights_of(&model, &set), loss = 0, least = INFINITY;
    uint64_t unfitted = 0, errors = 0;
    for (size_t mu = 0; mu < 150; mu++) {
        const double margin = ch_dot(ch_sample_set_row(&set, mu), weights, set.stride);
        unfitted += margin < 0x1p-15;
        errors += margin <= 0;
        loss += fmax(0, 0x1p-15 - margin);
        least = fmin(least, margin);
        distance += margin < 0x1p-15 ? (double)far[mu] : 0;
    }
    assert_true(seen.unfitted == unfitted && unfitted > 0);
    assert_close(seen.unfitted_distance, distance / (double)unfitted, 1e-12);
    assert_close(seen.train_error, (double)errors / 150, 1e-15);
    assert_close(seen.train_loss, loss / 150, 1e-5);
    assert_close(seen.min_margin, least * 0x1p15, 1e-5);
    assert_close(seen.weight_change, sqrt(ch_norm2(weights, set.stride)), 1e-6);
    size_t test_errors = 0;
    for (size_t mu = 0; mu < 1000; mu++) {
        const double margin = ch_dot(ch_sample_set_row(&test, mu), weights, set.stride);
        test_errors += !(margin > 0);
        sizes[mu] = fabs(margin);
    }
    const ch_near_boundary density = ch_near_boundary_find(sizes, 1000, smallest);
    assert_close(seen.density_chi, density.chi, 1e-3); /* of a kernel in single precision */
    assert_close(seen.density_edge, density.edge / seen.weight_change, 1e-5);
    assert_in((double)test_errors, 20, 480);
    assert_close(seen.test_error, (double)test_errors / 1000, 1e-15);
    /* A margin that is NaN counts as an error. */
    double spoilt = 0;
    for (size_t mu = 0; mu < 1000; mu += 2) {
        spoilt += ch_dot(ch_sample_set_row(&test, mu), weights, set.stride) > 0;
        kernel.test[mu * kernel.stride + 7] = NAN;
    }
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_close(seen.test_error, ((double)test_errors + spoilt) / 1000, 1e-15);
    free(weights);
    ch_twin_free(&model);
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
    ch_sample_set_free(&test);
}

/* Sums of single-precision entries are made in double: the error is 2^-53 of the whole for every row, far less than the
 * error of the entries. */
static void sums_lose_nothing(void **state)
{
    (void)state;
    enum { P = 100, ROWS = 200000 };
    ch_sample_set set = draw(0, 8, true, 5, P);
    ch_kernel kernel = gram_of(&set, NULL);
    ch_margins margins;
    ch_random random;
    long double exact[P] = {0}, whole[P] = {0};
    assert_true(ch_margins_init(&margins, P, 1));
    ch_random_init(&random, 3, CH_STREAM_BATCHES, 0);
    for (size_t row = 0; row < ROWS; row += 7) {
        uint32_t samples[7];
        for (size_t i = 0; i < 7; i++) {
            samples[i] = ch_random_below(&random, P);
            for (size_t mu = 0; mu < P; mu++) {
                exact[mu] += (long double)ch_kernel_row(&kernel, samples[i])[mu];
                whole[mu] += fabsl((long double)ch_kernel_row(&kernel, samples[i])[mu]);
            }
        }
        ch_margins_add_rows(&margins, &kernel, samples, 7);
    }
    for (size_t mu = 0; mu < P; mu++) {
        const double error = (double)(1e-12L * whole[mu]);
        assert_in((double)((long double)margins.values[mu] - exact[mu]), -error, error);
    }
    ch_margins_free(&margins);
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
}

/* ---- as a learner ---- */

static void assert_same_end(const ch_twin *one, const ch_twin *other)
{
    assert_int_equal(one->learner.progress.status, CH_FITTED);
    assert_memory_equal(&one->learner.progress, &other->learner.progress, sizeof(ch_progress));
    assert_memory_equal(one->uses, other->uses, one->setup.num_samples * sizeof *one->uses);
    assert_memory_equal(one->margins.values, other->margins.values,
                        one->setup.num_samples * sizeof *one->margins.values);
}

/* Stopping at any step and observing there changes nothing. */
static void limits_are_exact(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_TWIN_POINTS; k++) {
        const twin_point *at = &twin_points[k];
        ch_sample_set set = draw(at->chi, at->dim, false, 6, at->num_samples);
        ch_kernel kernel = gram_of(&set, NULL);
        const ch_twin_setup setup = twin_setup_at(at, &kernel);
        ch_twin whole, parts;
        start_twin(&whole, &setup);
        start_twin(&parts, &setup);
        whole.learner.advance(&whole.learner, &no_limit);
        ch_learner *learner = &parts.learner;
        const ch_progress *progress = &learner->progress;
        ch_random random;
        ch_random_init(&random, k, CH_STREAM_BOOTSTRAP, 0);
        while (progress->status == CH_RUNNING) {
            const ch_limit limit = {
                .steps = progress->steps + ch_random_below(&random, 300) / (uint32_t)at->batch,
                .updates = progress->updates + ch_random_below(&random, 40),
            };
            ch_observation seen;
            learner->advance(learner, &limit);
            assert_true(progress->steps <= limit.steps && progress->updates <= limit.updates);
            if (progress->status == CH_RUNNING) {
                assert_true(progress->steps == limit.steps || progress->updates == limit.updates);
            }
            const bool ended = progress->status == CH_FITTED;
            assert_int_equal(learner->observe(learner, &seen, NULL), CH_OK);
            assert_int_equal(seen.unfitted, parts.margins.num_unfitted);
            assert_true(!ended || seen.unfitted == 0);
            if (!ended) {
                /* The training loop does the same: an observation must not end a run. */
                learner->progress.status = CH_RUNNING;
            }
        }
        assert_same_end(&whole, &parts);
        ch_twin_free(&whole);
        ch_twin_free(&parts);
        ch_kernel_free(&kernel);
        ch_sample_set_free(&set);
    }
}

/* A step that is drawn but lies beyond the limit is not taken. A step at the limit is. */
static void budgets_of_steps_are_exact(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 16, false, 3, 500);
    ch_kernel kernel = gram_of(&set, NULL);
    const ch_twin_setup setup = twin_setup_of(&kernel, 1, 0.25);
    ch_twin model;
    start_twin(&model, &setup);
    ch_learner *learner = &model.learner;
    for (size_t seen = 0; seen < 40;) {
        ch_limit limit = {.steps = learner->progress.steps + 1, .updates = UINT64_MAX};
        learner->advance(learner, &limit);
        assert_int_equal(learner->progress.status, CH_RUNNING);
        if (!model.is_known || model.step < learner->progress.steps + 3) {
            continue;
        }
        const uint64_t updates = learner->progress.updates, next = model.step;
        for (int again = 0; again < 2; again++) {
            limit.steps = next - 1;
            learner->advance(learner, &limit);
            assert_true(learner->progress.steps == limit.steps && learner->progress.updates == updates);
        }
        limit.steps = next;
        learner->advance(learner, &limit);
        assert_true(learner->progress.steps == limit.steps && learner->progress.updates == updates + 1);
        assert_int_equal(learner->progress.last_update, limit.steps);
        seen++;
    }
    ch_twin_free(&model);
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
}

/* The kernel of more samples gives the same bits, whatever it has beyond the first P samples. */
static void larger_kernels_serve_smaller_sets(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 65, 130};
    ch_sample_set large = draw(0, 10, false, 12, 300);
    ch_kernel whole = gram_of(&large, NULL);
    for (size_t k = 0; k < 5; k++) {
        ch_sample_set small = draw(0, 10, false, 12, sizes[k]);
        ch_kernel part = gram_of(&small, NULL);
        for (size_t batch = 1; batch <= sizes[k]; batch *= 3) {
            const ch_twin_setup alone = twin_setup_of(&part, batch, 0.5);
            ch_twin_setup shares = twin_setup_of(&whole, batch, 0.5);
            shares.num_samples = sizes[k];
            ch_twin own, lent;
            start_twin(&own, &alone);
            start_twin(&lent, &shares);
            own.learner.advance(&own.learner, &no_limit);
            lent.learner.advance(&lent.learner, &no_limit);
            assert_same_end(&own, &lent);
            ch_twin_free(&own);
            ch_twin_free(&lent);
        }
        ch_kernel_free(&part);
        ch_sample_set_free(&small);
    }
    ch_kernel_free(&whole);
    ch_sample_set_free(&large);
}

/* ---- what goes wrong ---- */

static void assert_diverges(const ch_twin_setup *setup)
{
    ch_twin model;
    ch_observation seen;
    start_twin(&model, setup);
    model.learner.advance(&model.learner, &no_limit);
    assert_int_equal(model.learner.progress.status, CH_DIVERGED);
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_false(fabs(seen.weight_change) < INFINITY);
    ch_twin_free(&model);
}

/* One entry is not finite, in a row that the updates of other samples read. */
static void divergence_is_no_fit(void **state)
{
    (void)state;
    static const float broken[] = {NAN, INFINITY, -INFINITY};
    static const size_t batches[] = {1, 16, 100};
    ch_sample_set set = draw(1, 8, false, 6, 100);
    for (size_t k = 0; k < 9; k++) {
        ch_kernel kernel = gram_of(&set, NULL);
        ch_twin_setup setup = twin_setup_of(&kernel, batches[k / 3], 1e306);
        assert_diverges(&setup);
        setup = twin_setup_of(&kernel, batches[k / 3], 1);
        setup.from_unfitted = k % 2 == 1;
        for (size_t i = 0; i < 100; i++) {
            kernel.train[3 * kernel.stride + i] = kernel.train[i * kernel.stride + 3] = broken[k % 3];
        }
        assert_diverges(&setup);
        ch_kernel_free(&kernel);
    }
    ch_sample_set_free(&set);
}

/* A sample whose margin is NaN counts as unfitted and as an error. */
static void nan_is_not_fitted(void **state)
{
    (void)state;
    ch_sample_set set = draw(1, 8, false, 6, 100);
    ch_kernel kernel = gram_of(&set, NULL);
    ch_twin model;
    ch_observation seen;
    const ch_twin_setup setup = twin_setup_of(&kernel, 1, 1);
    start_twin(&model, &setup);
    model.learner.advance(&model.learner, &no_limit);
    assert_int_equal(model.learner.progress.status, CH_FITTED);
    for (size_t i = 0; i < 100; i++) {
        kernel.train[9 * kernel.stride + i] = NAN;
    }
    ch_margins_add_rows(&model.margins, &kernel, &(uint32_t){9}, 1);
    assert_int_equal(model.margins.num_unfitted, 100);
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_true(seen.unfitted == 100 && seen.train_error == 1 && isnan(seen.min_margin) && isnan(seen.train_loss));
    assert_int_equal(model.learner.progress.status, CH_DIVERGED);
    ch_twin_free(&model);
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
}

/* The kernel of two samples, 1 and -1.001, is no kernel but for rounding: ||Dw||^2 = a' K a is negative as soon as both
 * were used alike. The run can never end, and its weights are finite: it is stuck, and has not diverged. */
static void rounding_is_no_divergence(void **state)
{
    (void)state;
    float entries[2 * CH_KERNEL_LANES] = {1, -1.001f};
    entries[CH_KERNEL_LANES] = -1.001f;
    entries[CH_KERNEL_LANES + 1] = 1;
    const ch_kernel kernel = {.num_train = 2, .stride = CH_KERNEL_LANES, .train = entries};
    const ch_twin_setup setup = twin_setup_of(&kernel, 2, 1); /* a batch has both */
    ch_twin model;
    ch_observation seen;
    start_twin(&model, &setup);
    model.learner.advance(&model.learner, &(ch_limit){.steps = 1, .updates = UINT64_MAX});
    assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
    assert_true(seen.weight_change == 0 && seen.unfitted == 2);
    assert_int_equal(model.learner.progress.status, CH_STUCK);
    assert_int_equal(model.learner.progress.cause, CH_CAUSE_UNRESOLVED);
    ch_twin_free(&model);
}

static void refuses_setups(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 100);
    ch_kernel kernel = gram_of(&set, NULL);
    ch_twin_setup bad[10];
    for (size_t i = 0; i < 10; i++) {
        bad[i] = twin_setup_of(&kernel, 2, 1);
    }
    bad[0].num_samples = 0;
    bad[1].num_samples = 101;
    bad[2].batch = 0;
    bad[3].batch = 101;
    bad[4].kappa = 0;
    bad[5].kappa = NAN;
    bad[6].rate = INFINITY;
    bad[7].rate = -1;
    bad[8].norm_init = 0;
    bad[9].norm_init = NAN;
    for (size_t i = 0; i < 10; i++) {
        ch_twin model;
        ch_error err = {0};
        assert_int_equal(ch_twin_init(&model, &bad[i], &err), CH_ERROR_INPUT);
        assert_true(err.message[0] != '\0');
        ch_twin_free(&model);
    }
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 100);
    ch_kernel kernel = gram_of(&set, NULL);
    const ch_twin_setup setup = twin_setup_of(&kernel, 100, 1);
    ch_twin model;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_twin_init(&model, &setup, &err), err, ch_twin_free(&model));
    assert_int_equal(failed, 2 + 11);
    ch_twin_free(&model);
    ch_kernel_free(&kernel);
    ch_sample_set_free(&set);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_descent_is_the_perceptrons),
        cmocka_unit_test(dual_is_the_primal),
        cmocka_unit_test(updates_are_by_the_unfitted),
        cmocka_unit_test(one_sample_in_closed_form),
        cmocka_unit_test(observes_what_is_defined),
        cmocka_unit_test(sums_lose_nothing),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(budgets_of_steps_are_exact),
        cmocka_unit_test(larger_kernels_serve_smaller_sets),
        cmocka_unit_test(divergence_is_no_fit),
        cmocka_unit_test(nan_is_not_fitted),
        cmocka_unit_test(rounding_is_no_divergence),
        cmocka_unit_test(refuses_setups),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("twin", tests, NULL, NULL);
}
