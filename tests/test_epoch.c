/* test_epoch.c — epochs: batches of which every sample is part once, and the steps at which some samples are drawn.
 *
 * Statistical tests: the false-alarm rate is 1e-6 for each of 10 chi-square tests and one of Kolmogorov and Smirnov.
 * The seeds are fixed, so that the program either always fails or never does. */
#include "core/epoch.h"

#include "core/draw.h"
#include "tests/support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <string.h>

static const double FALSE_ALARM = 1e-6;

static ch_epoch make(uint32_t num_samples, uint32_t batch)
{
    ch_epoch epoch = {0};
    assert_int_equal(ch_epoch_init(&epoch, num_samples, batch, NULL), CH_OK);
    return epoch;
}

static ch_random stream(uint64_t seed)
{
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_BATCHES, 0);
    return random;
}

/* The step at which a sample is drawn, by looking for it at all steps. */
static uint64_t step_of(const ch_epoch *epoch, uint32_t sample)
{
    uint64_t found = 0;
    for (uint64_t step = epoch->begun + 1; step <= ch_epoch_end(epoch); step++) {
        for (uint32_t mu = ch_epoch_first(epoch, step); mu != CH_EPOCH_NONE; mu = epoch->next[mu]) {
            if (mu == sample) {
                assert_int_equal(found, 0);
                found = step;
            }
        }
    }
    return found;
}

/* The probability that chi-square is at least this. */
static double tail(const double *counts, const double *expected, size_t num)
{
    double sum = 0;
    for (size_t i = 0; i < num; i++) {
        sum += pow(counts[i] - expected[i], 2) / expected[i];
    }
    return gsl_cdf_chisq_Q(sum, (double)num - 1);
}

/* ---- batches ---- */

static void every_epoch_has_every_sample_once(void **state)
{
    (void)state;
    static const uint32_t cases[][2] = {{1, 1}, {7, 1}, {7, 3}, {7, 7}, {64, 16}, {65, 16}, {100, 33}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const uint32_t num = cases[c][0], batch = cases[c][1];
        ch_random random = stream(c);
        uint32_t order[100], drawn = 0;
        for (uint32_t k = 0; k < num; k++) {
            order[k] = k;
        }
        for (size_t epoch = 0; epoch < 3; epoch++) {
            uint32_t times[100] = {0};
            for (uint32_t left = num; left > 0;) {
                const uint32_t size = ch_draw_of_epoch(&random, order, &drawn, batch, num);
                assert_int_equal(size, left < batch ? left : batch);
                for (uint32_t i = 0; i < size; i++) {
                    times[order[drawn - 1 - i]]++;
                }
                left -= size;
            }
            for (uint32_t k = 0; k < num; k++) {
                assert_int_equal(times[k], 1);
            }
        }
    }
}

/* All 24 orders of four samples in batches of one come equally often, also those of the second epoch after any order
 * of the first. */
static void orders_are_uniform(void **state)
{
    (void)state;
    enum { DRAWS = 24000, ORDERS = 24 };
    ch_random random = stream(7);
    uint32_t order[4] = {0, 1, 2, 3}, drawn = 0;
    double counts[ORDERS] = {0}, pairs[ORDERS] = {0}, expected[ORDERS], first = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        uint32_t seen[4];
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(ch_draw_of_epoch(&random, order, &drawn, 1, 4), 1);
            seen[k] = order[drawn - 1];
        }
        size_t rank = 0; /* of the order among all: the digits of its Lehmer code */
        for (size_t k = 0; k < 4; k++) {
            size_t less = 0;
            for (size_t l = k + 1; l < 4; l++) {
                less += seen[l] < seen[k];
            }
            rank = rank * (4 - k) + less;
        }
        counts[rank]++;
        pairs[rank] += i > 0 && first == (double)seen[0]; /* the same first sample as in the epoch before */
        first = seen[0];
        expected[i % ORDERS] = (double)DRAWS / ORDERS;
    }
    assert_in(tail(counts, expected, ORDERS), FALSE_ALARM, 1);
    for (size_t i = 0; i < ORDERS; i++) {
        expected[i] /= 4;
    }
    assert_in(tail(pairs, expected, ORDERS), FALSE_ALARM, 1);
}

/* ---- places that are drawn ---- */

static void placed_samples_fill_the_batches(void **state)
{
    (void)state;
    static const uint32_t cases[][2] = {{1, 1}, {7, 3}, {64, 1}, {200, 3}, {200, 200}, {1000, 64}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const uint32_t num = cases[c][0], batch = cases[c][1];
        ch_epoch epoch = make(num, batch);
        ch_random random = stream(20 + c);
        assert_int_equal(epoch.num_steps, (num + batch - 1) / batch);
        for (uint64_t begun = 0; begun < 100; begun += 50) {
            ch_epoch_begin(&epoch, begun);
            assert_int_equal(ch_epoch_next(&epoch, begun), 0);
            for (uint32_t mu = num; mu-- > 0;) {
                assert_false(ch_epoch_is_placed(&epoch, mu));
                ch_epoch_place(&epoch, mu, &random);
                ch_epoch_place(&epoch, mu, &random); /* does nothing */
                assert_true(ch_epoch_is_placed(&epoch, mu));
            }
            uint64_t step = begun, steps = 0;
            uint32_t left = num;
            while ((step = ch_epoch_next(&epoch, step)) != 0) {
                uint32_t size = 0;
                for (uint32_t mu = ch_epoch_first(&epoch, step); mu != CH_EPOCH_NONE; mu = epoch.next[mu]) {
                    size++;
                }
                assert_int_equal(step, begun + ++steps);
                assert_int_equal(size, left < batch ? left : batch);
                left -= size;
            }
            assert_int_equal(left, 0);
            assert_int_equal(ch_epoch_next(&epoch, ch_epoch_end(&epoch)), 0);
        }
        ch_epoch_free(&epoch);
    }
}

/* Seven samples in batches of three, the last of one: three samples are at the steps (a, b, c) as often as in a random
 * order, in which the first is in a batch of size n_a with probability n_a / 7, and so on. Whether the second or the
 * third is placed next depends on where the first is, which must not change that. */
static void placed_steps_have_the_law_of_a_random_order(void **state)
{
    (void)state;
    enum { DRAWS = 40000, STEPS = 3, OUTCOMES = STEPS * STEPS * STEPS };
    static const double size[STEPS] = {3, 3, 1};
    ch_epoch epoch = make(7, 3);
    ch_random random = stream(3);
    double counts[OUTCOMES] = {0}, expected[OUTCOMES], placed[OUTCOMES], placed_expected[OUTCOMES];
    for (size_t i = 0; i < DRAWS; i++) {
        ch_epoch_begin(&epoch, 10);
        ch_epoch_place(&epoch, 5, &random);
        const uint64_t a = step_of(&epoch, 5) - 11;
        ch_epoch_place(&epoch, a == 0 ? 2 : 6, &random);
        ch_epoch_place(&epoch, 6, &random);
        ch_epoch_place(&epoch, 2, &random);
        const uint64_t b = step_of(&epoch, 6) - 11, c = step_of(&epoch, 2) - 11;
        counts[(a * STEPS + b) * STEPS + c]++;
    }
    size_t num = 0;
    for (size_t k = 0; k < OUTCOMES; k++) {
        double left[STEPS];
        memcpy(left, size, sizeof left);
        const size_t at[3] = {k / 9, k / 3 % 3, k % 3};
        expected[k] = DRAWS;
        for (size_t j = 0; j < 3; j++) {
            expected[k] *= left[at[j]]-- / (double)(7 - j);
        }
        if (!(expected[k] > 0)) {
            assert_true(counts[k] == 0);
            continue;
        }
        placed[num] = counts[k];
        placed_expected[num++] = expected[k];
    }
    assert_in(tail(placed, placed_expected, num), FALSE_ALARM, 1);
    ch_epoch_free(&epoch);
}

/* With u samples placed at the start of an epoch of P, none comes in k steps with probability C(P - k B, u) / C(P, u).
 */
static void waits_are_hypergeometric(void **state)
{
    (void)state;
    static const uint32_t cases[][3] = {{60, 4, 1}, {60, 4, 6}, {61, 4, 6}, {1000, 2, 5}, {1000, 50, 30}, {4096, 1, 3}};
    enum { DRAWS = 5000, MOST_STEPS = 4096 };
    static double waits[MOST_STEPS + 1];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const uint32_t num = cases[c][0], batch = cases[c][1], marked = cases[c][2];
        ch_epoch epoch = make(num, batch);
        ch_random random = stream(40 + c);
        memset(waits, 0, sizeof waits);
        for (size_t i = 0; i < DRAWS; i++) {
            ch_epoch_begin(&epoch, 0);
            for (uint32_t mu = 0; mu < marked; mu++) {
                ch_epoch_place(&epoch, mu, &random);
            }
            waits[ch_epoch_next(&epoch, 0)] += 1.0 / DRAWS;
        }
        double sum = 0, most = 0;
        for (uint32_t k = 1; k <= epoch.num_steps; k++) {
            sum += waits[k];
            const double left = (double)num - (double)k * batch;
            const double none =
                left < marked ? 0 : exp(gsl_sf_lnchoose((unsigned)left, marked) - gsl_sf_lnchoose(num, marked));
            most = larger_or_nan(most, fabs(sum - (1 - none)));
        }
        assert_close(sum, 1, 1e-12);
        assert_in(most * sqrt(DRAWS), 0, ks_critical(FALSE_ALARM));
        ch_epoch_free(&epoch);
    }
}

static void memory_is_what_is_announced(void **state)
{
    (void)state;
    ch_epoch epoch = {0};
    ch_epoch_free(&epoch);
    epoch = make(1000, 7);
    const double bytes = (1000 + 143 + 1000) * sizeof(uint32_t) + (16 + 3) * sizeof(uint64_t);
    assert_true(ch_epoch_bytes(1000, 7) == bytes);
    ch_epoch_free(&epoch);
    ch_epoch_free(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_epoch_has_every_sample_once),
        cmocka_unit_test(orders_are_uniform),
        cmocka_unit_test(placed_samples_fill_the_batches),
        cmocka_unit_test(placed_steps_have_the_law_of_a_random_order),
        cmocka_unit_test(waits_are_hypergeometric),
        cmocka_unit_test(memory_is_what_is_announced),
    };
    return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
