/* test_waiting.c — the step at which a batch next holds an unfitted sample, and how many of them this batch holds. */
#include "core/waiting.h"

#include "tests/support.h"
#include "tests/valgrind_support.h"
#include "tests/waiting_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <string.h>

/* The false-alarm rate of each statistical test of this program. There are some 80, together 8e-5. Their seeds are
 * fixed, so that the program either always fails or never does. */
static const double FALSE_ALARM = 1e-6;

/* A batch of B is drawn from P samples, of which u are unfitted. */
typedef struct {
    uint32_t num_samples, batch, unfitted;
} draw_case;

static const draw_case draw_cases[] = {
    {60, 4, 6},
    {200, 8, 12},
    {10, 1, 1},
    {10, 3, 2},
    {100, 100, 7},
    {100, 60, 40},
    {100, 60, 41},
    {100, 40, 100},
    {64, 16, 3},
    {64, 16, 20},
    {1000, 50, 30},
    {1000, 30, 50},
    {1000, 2, 5},
    {1000, 1, 400},
    {1000, 3, 1},
    {5000, 500, 2000},
    {5000, 2500, 2},
    {4096, 64, 45},
    {4096, 64, 44},
    {200000, 1000, 100},
    {200000, 400, 150},
    {1u << 31, 16, 12},
    {1000, 500, 1},
    {UINT32_MAX, 1, 1},
    {1, 1, 1},
    {20, 16, 18},
    {20, 2, 12},
    {30, 12, 15},
    {1000, 600, 16},
    {64, 40, 32},
    /* large batches: the number is found from the likeliest one, also where it is the least or the most */
    {8192, 4096, 150},
    {8192, 256, 300},
    {8192, 8190, 40},
    {8192, 6000, 7000},
    {8192, 300, 8191},
    {512, 256, 2},
    {100000, 5000, 400},
    {1000, 256, 999},
    {2000, 300, 20},
};
enum { NUM_DRAW_CASES = sizeof draw_cases / sizeof *draw_cases };

/* ln C(P - u, B) / C(P, B) by GSL in double, which is right to 1e-14 of the largest logarithm in it. */
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
        ch_waiting law;
        double tolerance = 0;
        ch_waiting_init(&law, c->num_samples, c->batch, c->unfitted);
        const double log_none = 1 / law.per_log_none, expected = log_none_by_gsl(c, &tolerance);
        assert_true(log_none == expected || fabs(log_none - expected) <= tolerance + 1e-15 * fabs(expected));
        assert_true(log_none < 0);
        assert_close(law.none, exp(log_none), 1e-12);
        assert_close(law.some, -expm1(log_none), 1e-12);
        if (c->batch == 1 && c->unfitted < c->num_samples) { /* then q = 1 - u / P */
            assert_close(log_none, log1p(-(double)c->unfitted / c->num_samples), 1e-15);
        }
    }
}

/* sup |F_n - F| sqrt(n) for F(k) = 1 - q^k, over all points where the distribution of the n drawn whole numbers has a
 * jump. For any law it exceeds ks_critical(alpha) with a probability of at most alpha (Dvoretzky, Kiefer, Wolfowitz,
 * Massart). */
static double distance_from_geometric(double *waits, size_t n, double log_none)
{
    double sup = 0;
    qsort(waits, n, sizeof *waits, order_of_doubles);
    for (size_t i = 0; i < n;) {
        const double at = waits[i];
        const double before = -expm1((at - 1) * log_none), up_to = -expm1(at * log_none);
        sup = larger_or_nan(sup, fabs((double)i / (double)n - (at > 1 ? before : 0)));
        while (i < n && waits[i] == at) {
            i++;
        }
        sup = larger_or_nan(sup, fabs((double)i / (double)n - up_to));
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
        ch_waiting law;
        double tolerance = 0;
        ch_random_init(&random, 100 + i, CH_STREAM_BATCHES, 0);
        ch_waiting_init(&law, c->num_samples, c->batch, c->unfitted);
        for (size_t k = 0; k < DRAWS; k++) {
            waits[k] = (double)ch_waiting_steps(&law, &random);
            assert_true(waits[k] >= 1);
        }
        if (c->batch + (uint64_t)c->unfitted > c->num_samples) {
            for (size_t k = 0; k < DRAWS; k++) {
                assert_true(waits[k] == 1);
            }
            continue;
        }
        /* For the largest P, GSL's difference of large logarithms is not precise enough. */
        const double expected = log_none_by_gsl(c, &tolerance);
        const double log_none = tolerance < 1e-3 * fabs(expected) ? expected : 1 / law.per_log_none;
        assert_in(distance_from_geometric(waits, DRAWS, log_none), 0, ks_critical(FALSE_ALARM));
    }
}

/* The probability of the hypergeometric law, by logarithms of factorials. */
static double hypergeometric(const draw_case *c, uint32_t number)
{
    return exp(gsl_sf_lnchoose(c->unfitted, number) + gsl_sf_lnchoose(c->num_samples - c->unfitted, c->batch - number) -
               gsl_sf_lnchoose(c->num_samples, c->batch));
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The probability that Pearson's statistic of counts[least .. most] is at least as large as here, for the
 * hypergeometric law given at least one. Neighbouring numbers are joined until 10 counts are expected. */
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
    skip_under_valgrind();
    enum { DRAWS = 20000, MOST = 6001 };
    static double counts[MOST];
    /* cases for each way of drawing: small numbers where an idle batch is unlikely, batches that are likely idle,
     * rejection, and large batches */
    size_t ways[4] = {0};
    for (size_t i = 0; i < NUM_DRAW_CASES; i++) {
        const draw_case *c = &draw_cases[i];
        const uint32_t most = smaller(c->batch, c->unfitted);
        ch_random random;
        ch_waiting law;
        ch_random_init(&random, 200 + i, CH_STREAM_BATCHES, 0);
        ch_waiting_init(&law, c->num_samples, c->batch, c->unfitted);
        memset(counts, 0, sizeof counts);
        for (size_t k = 0; k < DRAWS; k++) {
            const uint32_t number = ch_waiting_number(&law, &random);
            assert_true(number >= 1 && number <= most && number < MOST);
            assert_true((uint64_t)c->batch - number <= c->num_samples - c->unfitted);
            counts[number]++;
        }
        if (most == 1 || c->batch == c->num_samples || c->unfitted == c->num_samples) {
            assert_true(counts[most] == DRAWS);
            continue;
        }
        ways[law.usual > 0 ? 3 : law.none >= 0.5 ? 1 : most <= 16 ? 0 : 2]++;
        if (c->num_samples < 1u << 30) { /* the probabilities by logarithms of factorials are precise enough */
            assert_true(chance_of_counts(c, counts, DRAWS, law.none) > FALSE_ALARM);
        } else { /* P(2 | >= 1) = (u - 1) (B - 1) / (2 P) = 4e-8 */
            assert_true(counts[1] == DRAWS);
        }
    }
    assert_true(ways[0] >= 3 && ways[1] >= 3 && ways[2] >= 3 && ways[3] >= 8);
}

/* The probability of the likeliest number is that of the law, given at least one, to rounding; and no number is
 * likelier.
 */
static void usual_number_is_the_likeliest(void **state)
{
    (void)state;
    size_t laws = 0;
    for (size_t i = 0; i < NUM_DRAW_CASES; i++) {
        const draw_case *c = &draw_cases[i];
        ch_waiting law;
        ch_waiting_init(&law, c->num_samples, c->batch, c->unfitted);
        if (law.usual > 0) {
            const double expected = hypergeometric(c, law.usual) / law.some;
            assert_close(law.at_usual, expected, 1e-9); /* by logarithms of factorials of up to 1e6 */
            assert_true(law.usual == smaller(c->batch, c->unfitted) ||
                        hypergeometric(c, law.usual + 1) <= hypergeometric(c, law.usual) * (1 + 1e-9));
            assert_true(law.usual == 1 || c->batch + c->unfitted - c->num_samples == law.usual ||
                        hypergeometric(c, law.usual - 1) <= hypergeometric(c, law.usual) * (1 + 1e-9));
            laws++;
        }
        assert_true((law.usual > 0) <= (c->batch >= CH_WAITING_LARGE_BATCH));
    }
    assert_true(laws >= 8);
}

/* Batches under the threshold draw what they drew before there was one, from these streams: by GSL. */
static void small_batches_keep_their_numbers(void **state)
{
    (void)state;
    static const draw_case small[] = {{1000, 255, 100}, {1000, 50, 300}, {8192, 128, 400}};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        ch_random random, again;
        ch_waiting law;
        ch_random_init(&random, 300 + i, CH_STREAM_BATCHES, 0);
        again = random;
        ch_waiting_init(&law, small[i].num_samples, small[i].batch, small[i].unfitted);
        const gsl_rng gsl = ch_random_gsl(&again);
        for (int k = 0; k < 200; k++) {
            unsigned number = 0;
            while (number == 0) {
                number = gsl_ran_hypergeometric(&gsl, small[i].unfitted, small[i].num_samples - small[i].unfitted,
                                                small[i].batch);
            }
            assert_int_equal(ch_waiting_number(&law, &random), number);
        }
    }
}

/* A table gives the law of ch_waiting_init to the last bit, whatever law it gave before. */
static void table_has_the_law_of_every_number(void **state)
{
    (void)state;
    ch_waiting_table table;
    ch_waiting law;
    ch_random random;
    ch_random_init(&random, 7, CH_STREAM_BATCHES, 0);
    ch_waiting_table_init(&table, 1000, 30);
    for (int i = 0; i < 5000; i++) {
        const uint32_t marked = i < 1000 ? (uint32_t)i + 1 : 1 + ch_random_below(&random, 1000);
        ch_waiting_init(&law, 1000, 30, marked);
        assert_same_law(ch_waiting_table_law(&table, marked), &law);
    }
}

/* The rough logarithm is as near as it is said to be, from the least to the largest uniform number. */
static void near_log_is_near(void **state)
{
    (void)state;
    ch_random random;
    ch_random_init(&random, 8, CH_STREAM_BATCHES, 0);
    for (int i = 0; i < 200000; i++) {
        double u = i == 0 ? 0x1p-53 : i == 1 ? 1 - 0x1p-53 : ch_waiting_uniform(&random);
        if (i % 3 == 0) {
            u = ldexp(u, -i % 51);
        } else if (i % 3 == 1) {
            u = 1 - ldexp(u, -i % 40);
        }
        u = fmin(fmax(u, 0x1p-53), 1 - 0x1p-53);
        assert_in(ch_waiting_near_log(u) / log(u), 1 - CH_WAITING_NEAR / 4, 1 + CH_WAITING_NEAR / 4);
    }
}

/* The number of steps is that of the C library's logarithm, also where ln u / ln q is within rounding of a whole
 * number: the u next to every q^k, on both sides. */
static void steps_are_those_of_the_precise_logarithm(void **state)
{
    (void)state;
    static const double log_none[] = {-20, -0.7, -1e-3, -1e-7, -1e-12};
    ch_random random;
    ch_random_init(&random, 9, CH_STREAM_BATCHES, 0);
    for (size_t i = 0; i < sizeof log_none / sizeof *log_none; i++) {
        const ch_waiting law = {.per_log_none = 1 / log_none[i]};
        for (int k = 0; k < 20000; k++) {
            double u[3] = {0, ch_waiting_uniform(&random), 0};
            if (k % 2 == 0) {
                u[1] = exp(log_none[i] * floor(log(u[1]) / log_none[i]));
            }
            u[1] = fmin(fmax(u[1], 0x1p-52), 1 - 0x1p-52);
            u[0] = nextafter(u[1], 0);
            u[2] = nextafter(u[1], 1);
            for (int side = 0; side < 3; side++) {
                assert_true(ch_waiting_steps_of(&law, u[side], ch_waiting_near_log(u[side])) ==
                            ch_waiting_precisely(&law, u[side]));
            }
        }
    }
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chance_of_none_is_the_binomials),
        cmocka_unit_test(waits_are_geometric),
        cmocka_unit_test(numbers_are_hypergeometric),
        cmocka_unit_test(usual_number_is_the_likeliest),
        cmocka_unit_test(small_batches_keep_their_numbers),
        cmocka_unit_test(table_has_the_law_of_every_number),
        cmocka_unit_test(near_log_is_near),
        cmocka_unit_test(steps_are_those_of_the_precise_logarithm),
    };
    return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
