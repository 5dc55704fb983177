/* test_examples.c — labelled examples of the synthetic laws. */
#include "data/data.h"

#include "alloc_fail.h"
#include "support.h"

#include <gsl/gsl_cdf.h>
#include <string.h>

enum { NUM_SAMPLES = 100000 };

static ch_examples draw(ch_data_law law, size_t num_samples, int threads)
{
    ch_examples examples;
    ch_error err = {0};
    if (ch_examples_init_law(&examples, &law, CH_STREAM_TRAIN_SAMPLES, num_samples, threads, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return examples;
}

static double fraction_positive(const ch_examples *examples)
{
    size_t positive = 0;
    for (size_t mu = 0; mu < examples->num_samples; mu++) {
        assert_true(examples->labels[mu] == 1 || examples->labels[mu] == -1);
        positive += examples->labels[mu] == 1;
    }
    return (double)positive / (double)examples->num_samples;
}

/* Requires that a fraction p of NUM_SAMPLES independent draws is +1, within five standard errors: false alarm 6e-7
 * each. */
static void assert_fraction(const ch_examples *examples, double p)
{
    const double error = 5 * sqrt(p * (1 - p) / NUM_SAMPLES);
    assert_in(fraction_positive(examples), p - error, p + error);
}

/* x = y z sqrt(d), where z is the perceptron's sample of the same law. The label is the sign of x . e. */
static void depleted_examples_are_the_perceptrons_samples(void **state)
{
    (void)state;
    enum { P = 500, D = 17 };
    for (int random_teacher = 0; random_teacher < 2; random_teacher++) {
        const ch_data_law law = {.chi = 1, .dim = D, .random_teacher = random_teacher != 0, .seed = 4};
        ch_examples examples = draw(law, P, 1);
        ch_sample_set set;
        assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, P, 1, NULL, NULL), CH_OK);
        assert_int_equal(examples.dim, D);
        assert_int_equal(examples.shape.channels, D);
        assert_int_equal(examples.shape.rows * examples.shape.columns, 1);
        for (size_t mu = 0; mu < P; mu++) {
            const double y = examples.labels[mu];
            const float *x = ch_examples_input(&examples, mu), *z = ch_sample_set_row(&set, mu);
            double parallel = 0;
            for (size_t i = 0; i < D; i++) {
                assert_in((double)x[i] - y * (double)z[i] * sqrt(D), -1e-5, 1e-5);
                parallel += (double)x[i] * set.teacher[i];
            }
            assert_true(y * parallel > 0);
        }
        ch_sample_set_free(&set);
        ch_examples_free(&examples);
    }
}

/* Both labels have probability 1/2. E x_i = 0, which holds only if the label turns every component; E x_par^2 = chi + 1
 * and E x_i^2 = 1. Means are within five standard errors: 22 checks, false alarm 1.3e-5 in all. */
static void depleted_labels_are_fair_and_entries_are_of_unit_variance(void **state)
{
    (void)state;
    enum { D = 5 };
    static const double chis[] = {0, 3};
    for (size_t c = 0; c < 2; c++) {
        ch_examples examples = draw((ch_data_law){.chi = chis[c], .dim = D, .seed = 21}, NUM_SAMPLES, 2);
        assert_fraction(&examples, 0.5);
        for (size_t i = 0; i < D; i++) {
            double sum = 0, square = 0;
            for (size_t mu = 0; mu < NUM_SAMPLES; mu++) {
                const double x = (double)ch_examples_input(&examples, mu)[i];
                sum += x;
                square += x * x;
            }
            const double variance = i == 0 ? chis[c] + 1 : 1;
            /* of the mean of x; x^2 has variance 2 (chi + 1) or 2 */
            const double error = 5 * sqrt(variance / NUM_SAMPLES);
            assert_in(sum / NUM_SAMPLES, -error, error);
            assert_in(square / NUM_SAMPLES, variance - sqrt(2) * error, variance + sqrt(2) * error);
        }
        ch_examples_free(&examples);
    }
}

/* The stripe has probability 1/2: Phi(1.18549) - Phi(-0.3) = 1/2. */
static void stripe(void **state)
{
    (void)state;
    const double p = gsl_cdf_ugaussian_P(1.18549) - gsl_cdf_ugaussian_P(-0.3);
    assert_close(p, 0.5, 1e-5);
    ch_examples examples = draw((ch_data_law){.kind = CH_LAW_STRIPE, .dim = 3, .seed = 2}, NUM_SAMPLES, 2);
    assert_fraction(&examples, p);
    for (size_t mu = 0; mu < NUM_SAMPLES; mu++) {
        const double x = (double)ch_examples_input(&examples, mu)[0];
        assert_int_equal(examples.labels[mu], x > -0.3 && x < 1.18549 ? 1 : -1);
    }
    ch_examples_free(&examples);
}

/* |x|^2 is chi-square with d degrees of freedom. So y = +1 has probability Q(d - 2 + sqrt(2)), which at d = 2 is exp(-1
 * / sqrt(2)). |x|^2 has mean d and variance 2 d. */
static void sphere(void **state)
{
    (void)state;
    static const size_t dims[] = {2, 30};
    assert_close(gsl_cdf_chisq_Q(sqrt(2), 2), exp(-1 / sqrt(2)), 1e-12);
    for (size_t k = 0; k < 2; k++) {
        const double d = (double)dims[k];
        ch_examples examples = draw((ch_data_law){.kind = CH_LAW_SPHERE, .dim = dims[k], .seed = 2}, NUM_SAMPLES, 2);
        assert_fraction(&examples, gsl_cdf_chisq_Q(d - 2 + sqrt(2), d));
        double sum = 0;
        for (size_t mu = 0; mu < NUM_SAMPLES; mu++) {
            double square = 0;
            for (size_t i = 0; i < dims[k]; i++) {
                square += pow((double)ch_examples_input(&examples, mu)[i], 2);
            }
            assert_int_equal(examples.labels[mu], square > d - 2 + sqrt(2) ? 1 : -1);
            sum += square;
        }
        const double error = 5 * sqrt(2 * d / NUM_SAMPLES); /* false alarm 6e-7 */
        assert_in(sum / NUM_SAMPLES, d - error, d + error);
        ch_examples_free(&examples);
    }
}

static const ch_data_law laws[] = {
    {.kind = CH_LAW_DEPLETED, .chi = 0.5, .dim = 17, .seed = 3},
    {.kind = CH_LAW_DEPLETED, .chi = 0.5, .dim = 17, .random_teacher = true, .seed = 3},
    {.kind = CH_LAW_STRIPE, .dim = 17, .seed = 3},
    {.kind = CH_LAW_SPHERE, .dim = 17, .seed = 3},
};
enum { NUM_LAWS = sizeof laws / sizeof *laws };

static void same_first_examples_for_every_size_and_thread_count(void **state)
{
    (void)state;
    for (size_t k = 0; k < NUM_LAWS; k++) {
        ch_examples few = draw(laws[k], 100, 1), many = draw(laws[k], 1000, 3), test, other;
        assert_memory_equal(few.inputs, many.inputs, 100 * few.dim * sizeof(float));
        assert_memory_equal(few.labels, many.labels, 100);
        ch_data_law reseeded = laws[k];
        reseeded.seed++;
        other = draw(reseeded, 100, 1);
        assert_int_equal(ch_examples_init_law(&test, &laws[k], CH_STREAM_TEST_SAMPLES, 100, 1, NULL, NULL), CH_OK);
        assert_memory_not_equal(few.inputs, other.inputs, 100 * few.dim * sizeof(float));
        assert_memory_not_equal(few.inputs, test.inputs, 100 * few.dim * sizeof(float));
        ch_examples_free(&few);
        ch_examples_free(&many);
        ch_examples_free(&test);
        ch_examples_free(&other);
    }
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    const struct {
        ch_data_law law;
        size_t num_samples;
        ch_code code;
        const char *says;
    } bad[] = {
        {{.chi = -1, .dim = 8}, 4, CH_ERROR_INPUT, "chi is -1"},
        {{.chi = NAN, .dim = 8}, 4, CH_ERROR_INPUT, "chi is nan"},
        {{.kind = CH_LAW_STRIPE, .dim = 1}, 4, CH_ERROR_INPUT, "dim is 1"},
        {{.kind = CH_LAW_SPHERE, .dim = 8}, 0, CH_ERROR_INPUT, "samples is 0"},
        {{.dim = SIZE_MAX / 8}, SIZE_MAX / 8, CH_ERROR_MEMORY, "lower train"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_examples examples;
        ch_error err = {0};
        assert_int_equal(
            ch_examples_init_law(&examples, &bad[i].law, CH_STREAM_TRAIN_SAMPLES, bad[i].num_samples, 1, NULL, &err),
            bad[i].code);
        assert_non_null(strstr(err.message, bad[i].says));
        ch_examples_free(&examples);
    }
    ch_examples examples;
    ch_error err = {0};
    assert_int_equal(ch_examples_init(&examples, 3, (ch_shape){1, 0, 1}, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "1 x 0 x 1"));
    assert_int_equal(ch_examples_init(&examples, 3, (ch_shape){SIZE_MAX, 2, 1}, &err), CH_ERROR_MEMORY);
    ch_sample_set set;
    assert_int_equal(ch_sample_set_init(&set, &laws[2], CH_STREAM_TRAIN_SAMPLES, 4, 1, NULL, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "the law is stripe"));
    ch_sample_set_free(&set);
}

static void stops(void **state)
{
    (void)state;
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    ch_examples examples;
    assert_int_equal(ch_examples_init_law(&examples, &laws[0], CH_STREAM_TRAIN_SAMPLES, 10, 1, &watch, NULL),
                     CH_ERROR_INTERRUPTED);
    assert_null(examples.inputs);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    ch_examples examples;
    ch_error err;
    long failed;
    assert_failures_are_told(failed,
                             ch_examples_init_law(&examples, &laws[1], CH_STREAM_TRAIN_SAMPLES, 10, 1, NULL, &err), err,
                             ch_examples_free(&examples));
    assert_true(failed >= 3);
    ch_examples_free(&examples);
}

int main(void)
{
    /* suites: thread valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depleted_examples_are_the_perceptrons_samples),
        cmocka_unit_test(depleted_labels_are_fair_and_entries_are_of_unit_variance),
        cmocka_unit_test(stripe),
        cmocka_unit_test(sphere),
        cmocka_unit_test(same_first_examples_for_every_size_and_thread_count),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(stops),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("examples", tests, NULL, NULL);
}
