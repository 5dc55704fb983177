/* test_data.c — the depleted Gaussian law. */
#include "data/data.h"

#include "alloc_fail.h"
#include "support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <string.h>

static ch_sample_set draw(double chi, size_t dim, bool random_teacher, uint64_t seed, size_t num_samples, int threads)
{
    const ch_data_law law = {.chi = chi, .dim = dim, .random_teacher = random_teacher, .seed = seed};
    ch_sample_set set;
    ch_error err = {0};
    if (ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, num_samples, threads, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return set;
}

/* y x . e of one sample. */
static double parallel_part(const ch_sample_set *set, size_t mu)
{
    double sum = 0;
    for (size_t i = 0; i < set->dim; i++) {
        sum += (double)ch_sample_set_row(set, mu)[i] * set->teacher[i];
    }
    return sum * sqrt((double)set->dim);
}

static const double chis[] = {-0.5, 0, 1, 3};
enum { NUM_CHIS = 4, NUM_SAMPLES = 100000, NUM_BINS = 50 };

/* v = |x_par| has v^2 / 2 ~ Gamma((chi + 1) / 2): 50 equally likely bins, chi-square, false alarm 1e-5 each. */
static void density_of_the_parallel_part(void **state)
{
    (void)state;
    skip_under_valgrind();
    for (size_t c = 0; c < NUM_CHIS; c++) {
        ch_sample_set set = draw(chis[c], 2, c % 2 == 1, 11, NUM_SAMPLES, 1);
        double counts[NUM_BINS] = {0};
        for (size_t mu = 0; mu < NUM_SAMPLES; mu++) {
            const double v = parallel_part(&set, mu);
            assert_true(v > 0);
            const double below = gsl_cdf_gamma_P(v * v / 2, (chis[c] + 1) / 2, 1);
            counts[below < 1 ? (size_t)(below * NUM_BINS) : NUM_BINS - 1]++;
        }
        double chi2 = 0;
        for (size_t i = 0; i < NUM_BINS; i++) {
            const double expected = (double)NUM_SAMPLES / NUM_BINS;
            chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
        }
        assert_true(gsl_cdf_chisq_Q(chi2, NUM_BINS - 1) > 1e-5);
        ch_sample_set_free(&set);
    }
}

/* E v^m = 2^{m/2} Gamma((chi + 1 + m) / 2) / Gamma((chi + 1) / 2), at five standard errors: false alarm 1e-6 each. */
static void moments_of_the_parallel_part(void **state)
{
    (void)state;
    skip_under_valgrind();
    for (size_t c = 0; c < NUM_CHIS; c++) {
        ch_sample_set set = draw(chis[c], 16, false, 5, NUM_SAMPLES, 1);
        for (int m = 1; m <= 4; m++) {
            double sum = 0;
            for (size_t mu = 0; mu < NUM_SAMPLES; mu++) {
                sum += pow(parallel_part(&set, mu), m);
            }
            const double k = chis[c] + 1;
            const double mean = pow(2, m / 2.0) * gsl_sf_gamma((k + m) / 2) / gsl_sf_gamma(k / 2);
            const double second = pow(2, m) * gsl_sf_gamma((k + 2 * m) / 2) / gsl_sf_gamma(k / 2);
            const double error = sqrt((second - mean * mean) / NUM_SAMPLES);
            assert_in(sum / NUM_SAMPLES, mean - 5 * error, mean + 5 * error);
        }
        ch_sample_set_free(&set);
    }
}

/* x_perp ~ N(0, I): variances and correlations of coordinates, at 5.5 standard errors
 * (false alarm 1e-7 each, about 1e-5 in all). With a random teacher the rows are rotated: E x x^T is then
 * I + (E v^2 - 1) e e^T, checked for both teachers. */
static void moments_of_the_rest(void **state)
{
    (void)state;
    skip_under_valgrind();
    enum { DIM = 5 };
    for (int random_teacher = 0; random_teacher < 2; random_teacher++) {
        ch_sample_set set = draw(1, DIM, random_teacher != 0, 9, NUM_SAMPLES, 1);
        double norm = 0;
        for (size_t i = 0; i < DIM; i++) {
            norm += set.teacher[i] * set.teacher[i];
        }
        assert_close(norm, 1, 1e-14);
        for (size_t i = 0; i < DIM; i++) {
            for (size_t j = 0; j <= i; j++) {
                double sum = 0;
                for (size_t mu = 0; mu < NUM_SAMPLES; mu++) {
                    const float *row = ch_sample_set_row(&set, mu);
                    sum += DIM * (double)row[i] * (double)row[j];
                }
                const double expected = (i == j) + (2 - 1) * set.teacher[i] * set.teacher[j]; /* E v^2 = chi + 1 */
                const double error = 5.5 * sqrt(4.0 / NUM_SAMPLES); /* Var(x_i x_j) <= 4 at chi = 1 */
                assert_in(sum / NUM_SAMPLES, expected - error, expected + error);
            }
        }
        ch_sample_set_free(&set);
    }
}

static void same_first_samples_for_every_size(void **state)
{
    (void)state;
    for (int random_teacher = 0; random_teacher < 2; random_teacher++) {
        ch_sample_set few = draw(0.5, 17, random_teacher != 0, 3, 100, 1);
        ch_sample_set many = draw(0.5, 17, random_teacher != 0, 3, 1000, 2);
        assert_int_equal(few.stride, 32);
        assert_memory_equal(few.rows, many.rows, 100 * few.stride * sizeof(float));
        assert_memory_equal(few.teacher, many.teacher, few.stride * sizeof(double));
        for (size_t i = 17; i < few.stride; i++) {
            assert_true(few.rows[i] == 0);
        }
        ch_sample_set_free(&few);
        ch_sample_set_free(&many);
    }
}

static void seeds_and_purposes_differ(void **state)
{
    (void)state;
    const ch_data_law law = {.chi = 0, .dim = 16, .seed = 1};
    ch_sample_set train = draw(0, 16, false, 1, 50, 1), other = draw(0, 16, false, 2, 50, 1), test;
    assert_int_equal(ch_sample_set_init(&test, &law, CH_STREAM_TEST_SAMPLES, 50, 1, NULL, NULL), CH_OK);
    assert_memory_not_equal(train.rows, other.rows, 50 * 16 * sizeof(float));
    assert_memory_not_equal(train.rows, test.rows, 50 * 16 * sizeof(float));
    ch_sample_set_free(&train);
    ch_sample_set_free(&other);
    ch_sample_set_free(&test);
    ch_sample_set_free(&test);
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    const struct {
        ch_data_law law;
        size_t num_samples;
        const char *name;
    } bad[] = {
        {{.chi = -1, .dim = 8}, 4, "chi is -1"},    {{.chi = NAN, .dim = 8}, 4, "chi is nan"},
        {{.chi = INFINITY, .dim = 8}, 4, "chi is"}, {{.chi = 0, .dim = 1}, 4, "dim is 1"},
        {{.chi = 0, .dim = 8}, 0, "samples is 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_sample_set set;
        ch_error err = {0};
        assert_int_equal(
            ch_sample_set_init(&set, &bad[i].law, CH_STREAM_TRAIN_SAMPLES, bad[i].num_samples, 1, NULL, &err),
            CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, bad[i].name));
        ch_sample_set_free(&set);
    }
    const ch_data_law huge = {.chi = 0, .dim = SIZE_MAX / 8};
    ch_sample_set set;
    assert_int_equal(ch_sample_set_init(&set, &huge, CH_STREAM_TRAIN_SAMPLES, SIZE_MAX / 8, 1, NULL, NULL),
                     CH_ERROR_MEMORY);
    ch_sample_set_free(&set);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    const ch_data_law law = {.chi = 0, .dim = 8, .random_teacher = true};
    ch_sample_set set;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, 10, 1, NULL, &err), err,
                             ch_sample_set_free(&set));
    assert_true(failed >= 3);
    ch_sample_set_free(&set);
}

/* A row is y x / sqrt(d). Whatever its label is, it lies on the teacher's side, in training sets and in test sets. */
static void labels_are_folded_into_the_rows(void **state)
{
    (void)state;
    enum { P = 400, D = 9 };
    static const ch_stream purposes[] = {CH_STREAM_TRAIN_SAMPLES, CH_STREAM_TEST_SAMPLES};
    for (size_t k = 0; k < 4; k++) {
        const ch_data_law law = {.chi = 1, .dim = D, .random_teacher = k % 2 == 1, .seed = 8};
        ch_sample_set set;
        assert_int_equal(ch_sample_set_init(&set, &law, purposes[k / 2], P, 1, NULL, NULL), CH_OK);
        for (size_t mu = 0; mu < P; mu++) {
            double along = 0;
            for (size_t i = 0; i < D; i++) {
                along += (double)ch_sample_set_row(&set, mu)[i] * set.teacher[i];
            }
            assert_true(along > 0);
        }
        ch_sample_set_free(&set);
    }
}

/* Every law is either drawn in its own way or read from files, as its row says. No law is taken for another. */
static void every_law_has_its_own_row(void **state)
{
    (void)state;
    for (ch_law_kind kind = 0; kind < CH_NUM_LAWS; kind++) {
        const ch_law *row = ch_law_of(kind);
        double places[] = {0, 1}, values[] = {1, 1}, masses[] = {0, 1};
        const ch_density density = {2, places, values, masses, ""};
        const ch_data_law law = {.kind = kind, .chi = 1, .dim = 5, .density = &density, .seed = 2};
        ch_sample_set set;
        ch_examples examples;
        ch_error err = {0};
        assert_int_equal(
            (row->draw_sample != NULL) + (row->draw_example != NULL) + (row->images != NULL) + row->is_file, 1);
        for (ch_law_kind other = 0; other < kind; other++) {
            assert_string_not_equal(row->name, ch_law_name(other));
        }
        const ch_code by_rows = ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, 3, 1, NULL, &err);
        assert_int_equal(by_rows, row->draw_sample != NULL ? CH_OK : CH_ERROR_INPUT);
        assert_true(by_rows == CH_OK || strstr(err.message, row->name) != NULL);
        const ch_code drawn = ch_examples_init_law(&examples, &law, CH_STREAM_TRAIN_SAMPLES, 3, 1, NULL, &err);
        assert_int_equal(drawn, row->draw_sample != NULL || row->draw_example != NULL ? CH_OK : CH_ERROR_INPUT);
        assert_true(drawn == CH_OK || strstr(err.message, row->name) != NULL);
        ch_sample_set_free(&set);
        ch_examples_free(&examples);
    }
    assert_null(ch_law_name(CH_NUM_LAWS));
    assert_null(ch_law_of(UINT64_MAX)->name);
}

int main(void)
{
    /* suites: thread valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(density_of_the_parallel_part), cmocka_unit_test(moments_of_the_parallel_part),
        cmocka_unit_test(moments_of_the_rest),          cmocka_unit_test(same_first_samples_for_every_size),
        cmocka_unit_test(seeds_and_purposes_differ),    cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(survives_failing_allocations), cmocka_unit_test(labels_are_folded_into_the_rows),
        cmocka_unit_test(every_law_has_its_own_row),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
