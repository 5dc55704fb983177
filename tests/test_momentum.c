/* test_momentum.c — momentum and weight decay of perceptrons: against closed forms, and against a loop of this file's
 * own, in double precision, that takes PyTorch's update v <- mu v + g + lambda (w - w0), w <- w - eta v. */
#include "core/draw.h"
#include "core/memory.h"
#include "perceptron/perceptron.h"
#include "tests/fast_support.h"

#include <gsl/gsl_errno.h>
#include <string.h>

typedef struct {
    double momentum, weight_decay;
    size_t batch;
    bool by_epoch;
} rule;

static const rule rules[] = {{0.9, 0, 2, false},      {0.9, 0, 7, true},     {0, 0.3, 1, false},   {0.5, 0.2, 3, true},
                             {0.99, 0.01, 20, false}, {0.7, 0.1, 90, false}, {0.3, 0.05, 90, true}};
enum { NUM_RULES = sizeof rules / sizeof *rules, DIM = 12, NUM = 90 };

/* Where `steps` steps lead, by the definition. */
static void train_by_hand(const ch_perceptron_setup *setup, size_t steps, double *weights, uint64_t *updates)
{
    double velocity[DIM] = {0};
    uint32_t order[NUM], batch[NUM], drawn = 0;
    ch_random random;
    ch_random_init(&random, setup->seed_batch, CH_STREAM_BATCHES, 0);
    for (uint32_t mu = 0; mu < NUM; mu++) {
        order[mu] = mu;
    }
    *updates = 0;
    for (size_t step = 0; step < steps; step++) {
        uint32_t count = (uint32_t)setup->batch;
        double gradient[DIM];
        if (setup->by_epoch) {
            count = ch_draw_of_epoch(&random, order, &drawn, count, NUM);
            memcpy(batch, order + drawn - count, count * sizeof *batch);
        } else if (count <= CH_SCANNED_BATCH) {
            ch_draw_scanned(&random, batch, count, NUM);
        } else {
            if (count < NUM) {
                ch_draw_shuffled(&random, order, count, NUM);
            }
            memcpy(batch, order, count * sizeof *batch);
        }
        for (size_t k = 0; k < DIM; k++) {
            gradient[k] = setup->weight_decay * weights[k];
        }
        bool has_gradient = false;
        for (uint32_t i = 0; i < count; i++) {
            const float *z = ch_sample_set_row(setup->train, batch[i]);
            double margin = 0;
            for (size_t k = 0; k < DIM; k++) {
                margin += (double)z[k] * weights[k];
            }
            for (size_t k = 0; k < DIM && margin < setup->kappa; k++) {
                gradient[k] -= (double)z[k] / (double)setup->batch;
                has_gradient = true;
            }
        }
        for (size_t k = 0; k < DIM; k++) {
            velocity[k] = setup->momentum * velocity[k] + gradient[k];
            weights[k] -= setup->rate * velocity[k];
        }
        *updates += has_gradient;
    }
}

static ch_perceptron_setup setup_for(const ch_sample_set *set, const rule *with)
{
    return (ch_perceptron_setup){
        .train = set,
        .num_samples = NUM,
        .kappa = 0.1,
        .rate = 0.05 * (double)with->batch,
        .batch = with->batch,
        .by_epoch = with->by_epoch,
        .momentum = with->momentum,
        .weight_decay = with->weight_decay,
        .seed_batch = 5,
    };
}

static void perceptron_moves_as_by_hand(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    for (size_t r = 0; r < NUM_RULES; r++) {
        const ch_perceptron_setup setup = setup_for(&set, &rules[r]);
        static const size_t ends[] = {1, 2, 17, 400};
        ch_perceptron model;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        for (size_t e = 0; e < 4; e++) {
            double weights[DIM] = {0};
            uint64_t updates = 0;
            const ch_limit limit = {.steps = ends[e], .updates = UINT64_MAX};
            model.learner.advance(&model.learner, &limit);
            if (model.learner.progress.status != CH_RUNNING) {
                break; /* it was fitted before */
            }
            train_by_hand(&setup, ends[e], weights, &updates);
            assert_int_equal(model.learner.progress.updates, updates);
            for (size_t k = 0; k < DIM; k++) {
                assert_in(model.weights[k] - weights[k], -1e-11, 1e-11);
            }
        }
        assert_true(model.learner.progress.updates > 10);
        ch_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* While all samples are unfitted the gradient of the full batch is a constant g. With momentum
 *   w_n = eta g sum_{k=1}^n (1 - mu^k) / (1 - mu), which grows at the rate eta / (1 - mu);
 * with weight decay w_n = (g / lambda) (1 - (1 - eta lambda)^n). */
static void constant_gradients_have_closed_forms(void **state)
{
    (void)state;
    enum { STEPS = 60 };
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    double g[DIM] = {0};
    for (size_t mu = 0; mu < NUM; mu++) {
        for (size_t k = 0; k < DIM; k++) {
            g[k] += (double)ch_sample_set_row(&set, mu)[k] / NUM;
        }
    }
    for (size_t which = 0; which < 2; which++) {
        const rule with = {which == 0 ? 0.9 : 0, which == 0 ? 0 : 0.4, NUM, false};
        ch_perceptron_setup setup = setup_for(&set, &with);
        setup.kappa = 1e6;
        setup.rate = 0.1;
        ch_perceptron model;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        model.learner.advance(&model.learner, &(ch_limit){.steps = STEPS, .updates = UINT64_MAX});
        double factor = 0;
        for (size_t k = 1; k <= STEPS; k++) {
            factor += setup.rate * (1 - pow(0.9, (double)k)) / (1 - 0.9);
        }
        factor = which == 0 ? factor : (1 - pow(1 - setup.rate * 0.4, STEPS)) / 0.4;
        for (size_t k = 0; k < DIM; k++) {
            assert_in(model.weights[k] - factor * g[k], -1e-12, 1e-12);
        }
        ch_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* Runs with momentum end fitted, with all margins at kappa or over it where they end, and a run that starts fitted by
 * its coasting alone is not missed. */
static void perceptrons_end_fitted(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    for (size_t r = 0; r < NUM_RULES; r++) {
        ch_perceptron_setup setup = setup_for(&set, &rules[r]);
        setup.weight_decay = 0;
        setup.momentum = setup.momentum > 0 ? setup.momentum : 0.8;
        ch_perceptron model;
        ch_observation seen;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_OK);
        model.learner.advance(&model.learner, &no_limit);
        assert_int_equal(model.learner.progress.status, CH_FITTED);
        assert_int_equal(model.learner.observe(&model.learner, &seen, NULL), CH_OK);
        assert_true(seen.unfitted == 0 && seen.min_margin >= 1);
        assert_true(model.learner.progress.last_update < model.learner.progress.steps);
        ch_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

static void fast_engine_refuses(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    for (size_t r = 0; r < NUM_RULES; r++) {
        const ch_perceptron_setup setup = setup_for(&set, &rules[r]);
        ch_fast_perceptron model;
        ch_error err = {0};
        assert_int_equal(ch_fast_perceptron_init(&model, &setup, NULL, &err), CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, "must be 0 for the fast engine"));
    }
    ch_sample_set_free(&set);
}

static void setups_outside_their_ranges_are_refused(void **state)
{
    (void)state;
    static const rule bad[] = {{1, 0, 2, false},  {-0.1, 0, 2, false}, {NAN, 0, 2, false},
                               {0, -1, 2, false}, {0, NAN, 2, false},  {0, INFINITY, 2, false}};
    ch_sample_set set = draw(0, DIM, false, 3, NUM);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const ch_perceptron_setup setup = setup_for(&set, &bad[i]);
        ch_perceptron model;
        assert_int_equal(ch_perceptron_init(&model, &setup, NULL), CH_ERROR_INPUT);
    }
    ch_sample_set_free(&set);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perceptron_moves_as_by_hand),
        cmocka_unit_test(constant_gradients_have_closed_forms),
        cmocka_unit_test(perceptrons_end_fitted),
        cmocka_unit_test(fast_engine_refuses),
        cmocka_unit_test(setups_outside_their_ranges_are_refused),
    };
    return cmocka_run_group_tests_name("momentum", tests, NULL, NULL);
}
