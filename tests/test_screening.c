/* test_screening.c — the screening index rules out no sample that can be unfitted. */
#include "core/memory.h"
#include "data/rows.h"
#include "perceptron/quantised.h"
#include "perceptron/screening.h"
#include "tests/alloc_fail.h"
#include "tests/fast_support.h"

#include <gsl/gsl_errno.h>

static void order_is_sorted(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 10, true, 5, 500);
    ch_screen screen;
    bool seen[500] = {false};
    assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
    assert_int_equal(screen.num_samples, 500);
    for (size_t k = 0; k < 500; k++) {
        assert_true(screen.order[k] < 500 && !seen[screen.order[k]]);
        seen[screen.order[k]] = true;
        assert_true(k == 0 || screen.keys[k - 1] <= screen.keys[k]);
        const float *row = ch_sample_set_row(&set, screen.order[k]);
        long double along = 0, square = 0;
        for (size_t i = 0; i < set.dim; i++) {
            along += (long double)row[i] * (long double)set.teacher[i];
            square += (long double)row[i] * (long double)row[i];
        }
        const double across = (double)sqrtl(square - along * along);
        assert_close((double)screen.keys[k], (double)along / across, 1e-6);
        assert_true(across >= screen.least_across * (1 - 1e-12));
        assert_true((double)sqrtl(square) <= screen.most_norm * (1 + 1e-12));
    }
    assert_int_equal(ch_screen_count(&screen, INFINITY), 500);
    assert_int_equal(ch_screen_count(&screen, -INFINITY), 0);
    assert_int_equal(ch_screen_count(&screen, (double)screen.keys[123]), 123);
    ch_screen_free(&screen);
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
}

/* A run with fewer samples of a shared set has the same index as with a set of its own. */
static void first_samples_are_as_a_set_of_their_own(void **state)
{
    (void)state;
    ch_sample_set large = draw(1, 6, false, 8, 3000), small = draw(1, 6, false, 8, 40);
    ch_screen whole, first, own;
    assert_int_equal(ch_screen_init(&whole, &large, NULL, NULL), CH_OK);
    assert_int_equal(ch_screen_init_first(&first, &whole, &large, 40, NULL), CH_OK);
    assert_int_equal(ch_screen_init(&own, &small, NULL, NULL), CH_OK);
    assert_int_equal(first.num_samples, 40);
    assert_memory_equal(first.order, own.order, 40 * sizeof *own.order);
    assert_memory_equal(first.keys, own.keys, 40 * sizeof *own.keys);
    assert_true(first.least_across == own.least_across && first.most_norm == own.most_norm);
    assert_true(whole.least_across < own.least_across && whole.most_norm > own.most_norm);
    assert_ptr_equal(first.quantised->rows, whole.quantised->rows);
    ch_screen_free(&whole);
    ch_screen_free(&first);
    ch_screen_free(&own);
    ch_sample_set_free(&large);
    ch_sample_set_free(&small);
}

/* w = s e + r times a random direction across e. */
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

static void samples_ruled_out_are_fitted(void **state)
{
    (void)state;
    static const double chis[] = {-0.5, 0, 1, 3}, kappa = 0x1p-10;
    size_t left = 0, ruled_out = 0;
    for (size_t i = 0; i < 8; i++) {
        const size_t dim = 2 + 7 * (i % 4);
        ch_sample_set set = draw(chis[i / 2], dim, i % 2 == 1, 20 + i, 400);
        double *weights = ch_alloc(set.stride, sizeof *weights);
        ch_screen screen;
        assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
        for (uint64_t trial = 0; trial < 200; trial++) {
            const double noise = pow(10, (double)(trial % 5) - 3), lambda = pow(3, (double)(trial % 9) - 2);
            draw_weights(weights, &set, noise * lambda, noise, trial);
            const double bound = ch_screen_bound(&screen, noise * lambda, noise, kappa);
            const size_t count = ch_screen_count(&screen, bound);
            for (size_t k = count; k < set.num_samples; k++) {
                assert_true(ch_dot(ch_sample_set_row(&set, screen.order[k]), weights, set.stride) >= kappa);
            }
            left += count;
            ruled_out += set.num_samples - count;
        }
        assert_true(isinf(ch_screen_bound(&screen, 0, 1, kappa)) && isinf(ch_screen_bound(&screen, -1, 1, kappa)));
        assert_true(isinf(ch_screen_bound(&screen, NAN, 1, kappa)));
        ch_screen_free(&screen);
        free(weights);
        ch_sample_set_free(&set);
    }
    assert_true(left > 100000 && ruled_out > 100000); /* of 640,000 samples */
}

/* The bound is sharp: weights against z_perp give a margin just under kappa for a key just under the bound. */
static void bound_is_sharp(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 12, false, 9, 1);
    const float *row = ch_sample_set_row(&set, 0);
    double weights[16] = {0};
    ch_screen screen;
    assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
    const double along = (double)row[0], across = screen.least_across, noise = 3, kappa = 0.1;
    for (int above = 0; above < 2; above++) {
        const double signal = (noise * across + kappa) / along * (above ? 1 + 1e-5 : 1 - 1e-5);
        weights[0] = signal;
        for (size_t i = 1; i < set.dim; i++) {
            weights[i] = -noise * (double)row[i] / across;
        }
        assert_int_equal(ch_dot(row, weights, set.stride) >= kappa, above);
        assert_int_equal(ch_screen_count(&screen, ch_screen_bound(&screen, signal, noise, kappa)), !above);
    }
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
}

/* The bound has room for the rounding of keys to single precision: a sample that is unfitted by 1e-9 of the parts of
 * its margin is not ruled out. Each set has one sample; about half of the keys are rounded up. */
static void bound_has_room_for_rounded_keys(void **state)
{
    (void)state;
    size_t rounded_up = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        ch_sample_set set = draw(0, 12, false, seed, 1);
        const float *row = ch_sample_set_row(&set, 0);
        double weights[16] = {0};
        ch_screen screen;
        assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
        const double along = (double)row[0], across = screen.least_across, noise = 3, kappa = 0.1;
        const double signal = (noise * across + kappa) / along * (1 - 1e-9);
        weights[0] = signal;
        for (size_t i = 1; i < set.dim; i++) {
            weights[i] = -noise * (double)row[i] / across;
        }
        assert_true(ch_dot(row, weights, set.stride) < kappa);
        assert_int_equal(ch_screen_count(&screen, ch_screen_bound(&screen, signal, noise, kappa)), 1);
        rounded_up += (double)screen.keys[0] > along / across * (1 + 1e-8);
        ch_screen_free(&screen);
        ch_sample_set_free(&set);
    }
    assert_true(rounded_up > 50);
}

/* At d = 2 a sample may lie on the teacher's line, where its key would be infinite. With an infinite bound it is not
 * ruled out. */
static void sample_on_the_teacher_is_never_ruled_out(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 2, false, 7, 300);
    set.rows[17 * set.stride + 1] = 0;
    ch_screen screen;
    assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
    assert_int_equal(ch_screen_count(&screen, ch_screen_bound(&screen, -1, 1, 0.1)), 300);
    /* the bound is infinite, as kappa / 0 */
    assert_int_equal(ch_screen_count(&screen, ch_screen_bound(&screen, 1, 1, 0.1)), 300);
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
}

/* A run with all samples of a shared set borrows the order. */
static void index_of_all_samples_is_borrowed(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 10, false, 5, 100);
    ch_screen whole, first;
    assert_int_equal(ch_screen_init(&whole, &set, NULL, NULL), CH_OK);
    assert_int_equal(ch_screen_init_first(&first, &whole, &set, 100, NULL), CH_OK);
    assert_ptr_equal(first.order, whole.order);
    assert_ptr_equal(first.quantised->rows, whole.quantised->rows);
    ch_screen_free(&first);
    assert_true(whole.order[0] < 100);
    ch_screen_free(&whole);
    ch_sample_set_free(&set);
}

static void refuses_sets(void **state)
{
    (void)state;
    ch_screen screen;
    ch_error err = {0};
    const ch_sample_set huge = {.num_samples = (size_t)1 << 32, .dim = 2, .stride = 16};
    assert_int_equal(ch_screen_init(&screen, &huge, NULL, &err), CH_ERROR_INPUT);
    assert_true(err.message[0] != '\0');
    ch_screen_free(&screen);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 100);
    ch_screen whole, first;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_screen_init(&whole, &set, NULL, &err), err, ch_screen_free(&whole));
    assert_int_equal(failed, 6);
    assert_failures_are_told(failed, ch_screen_init_first(&first, &whole, &set, 50, &err), err, ch_screen_free(&first));
    assert_int_equal(failed, 2);
    ch_screen_free(&first);
    ch_screen_free(&whole);
    ch_screen_free(&whole);
    ch_sample_set_free(&set);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_sorted),
        cmocka_unit_test(first_samples_are_as_a_set_of_their_own),
        cmocka_unit_test(index_of_all_samples_is_borrowed),
        cmocka_unit_test(samples_ruled_out_are_fitted),
        cmocka_unit_test(bound_is_sharp),
        cmocka_unit_test(bound_has_room_for_rounded_keys),
        cmocka_unit_test(sample_on_the_teacher_is_never_ruled_out),
        cmocka_unit_test(refuses_sets),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("screening", tests, NULL, NULL);
}
