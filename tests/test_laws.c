/* test_laws.c — tabulated densities and spectra: how samples are drawn, the exact test error against closed forms and
 * counts, and runs on them. False alarms: each comparison with a count or a mean passes 5 standard deviations, 6e-7,
 * and each Kolmogorov-Smirnov test has 1e-6; seeds are fixed. */
#include "chiton.h"
#include "data/linear_error.h"
#include "sim/train_set.h"

#include "tests/alloc_fail.h"
#include "tests/store_support.h"
#include "tests/support.h"
#include "tests/train_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <string.h>
#include <zlib.h>

static const double FALSE_ALARM = 1e-6;

/* ---- tables ---- */

typedef double density_function(double v);

static double half_normal(double v)
{
    return exp(-v * v / 2);
}

static double flat(double v)
{
    (void)v;
    return 3; /* any normalisation */
}

static double rising(double v)
{
    return v;
}

/* Writes a table of `count` rows from `first` to `last`, evenly spaced. */
static void write_table(const char *name, density_function *rho, double first, double last, size_t count)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs("x,rho\n", file);
    for (size_t i = 0; i < count; i++) {
        const double v = first + (last - first) * (double)i / (double)(count - 1);
        fprintf(file, "%.17g,%.17g\n", v, rho(v));
    }
    fclose(file);
}

static ch_density read_density(const char *name)
{
    ch_density density;
    ch_error failure = {0};
    if (ch_density_read(&density, path_of(name), &failure) != CH_OK) {
        fail_msg("%s", failure.message);
    }
    return density;
}

static ch_density density_of(density_function *rho, double first, double last, size_t count)
{
    write_table("rho.csv", rho, first, last, count);
    return read_density("rho.csv");
}

/* Formats, names of columns and normalisations are one density; the digest tells numbers apart and nothing else. */
static void test_formats(void **state)
{
    (void)state;
    static const char *const texts[] = {"x,rho\n0,1\n0.5,3\n2,0\n", "0 1\n0.5 3\n2 0\n", "# x rho\n0\t1\n.5\t3\n2\t0\n",
                                        "0;1.0\n0.5;3e0\n2.0;0\n"};
    ch_density first = {0};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        write_file(path_of("t.txt"), texts[k], strlen(texts[k]));
        ch_density density = read_density("t.txt");
        assert_int_equal(density.count, 3);
        assert_true(density.places[1] == 0.5 && density.values[0] == 1.0 / 3 && density.values[1] == 1);
        assert_close(density.masses[2], 0.5 * (1.0 / 3 + 1) / 2 + 1.5 / 2, 1e-15);
        if (k == 0) {
            first = density;
            continue;
        }
        assert_string_equal(density.digest, first.digest);
        ch_density_free(&density);
    }
    write_file(path_of("t.txt"), "0 1\n0.5 3\n2 1e-9\n", 17);
    ch_density other = read_density("t.txt");
    assert_string_not_equal(other.digest, first.digest);
    ch_density_free(&other);
    ch_density_free(&first);
    ch_density_free(&first);
}

static void test_bad_tables(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "is empty"},
        {"x,rho\n", "no numbers"},
        {"0,1\n", "which has 1 row; accepted are 2 to 65536"},
        {"0,1\n1,nan\n", "row 2 of which is x = 1, rho = nan; accepted are finite numbers"},
        {"0,1\ninf,1\n", "row 2 of which is x = inf"},
        {"0,1\n1,-0.5\n2,1\n", "row 2 of which is x = 1, rho = -0.5; accepted is rho >= 0"},
        {"-1,1\n1,1\n", "row 1 of which is x = -1, rho = 1; accepted is x >= 0"},
        {"0,1\n1,1\n1,2\n", "row 3 of which is x = 1, rho = 2; accepted is an x greater than that of the row before"},
        {"0,1\n2,1\n1,1\n", "row 3 of which is x = 1"},
        {"1e-300,1\n2,1\n", "accepted is an x of 0, or from 1e-200 on"},
        {"0,0\n1,0\n2,0\n", "rho is 0 everywhere"},
        {"0,1\n1e300,1\n", "whose last x is 1e+300; accepted is one from 1e-12 to 1e+12"},
        {"0,1\n1e-13,1\n", "whose last x is 1e-13"},
        {"0,1,2\n1,1,2\n", "which has 3 numbers in a row; accepted are two columns"},
        {"0\n1\n", "which has 1 numbers in a row"},
        {"0,1\n1,one\n", "line 2"},
    };
    ch_density density;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_error failure = {0};
        write_file(path_of("t.csv"), bad[i].text, strlen(bad[i].text));
        assert_int_equal(ch_density_read(&density, path_of("t.csv"), &failure), CH_ERROR_INPUT);
        if (strstr(failure.message, bad[i].says) == NULL) {
            fail_msg("'%s' does not say '%s'", failure.message, bad[i].says);
        }
        assert_int_equal(density.count, 0);
    }
    ch_error failure = {0};
    write_table("t.csv", flat, 0, 1, CH_DENSITY_MOST_ROWS + 1);
    assert_int_equal(ch_density_read(&density, path_of("t.csv"), &failure), CH_ERROR_INPUT);
    assert_non_null(strstr(failure.message, "which has 65537 rows"));
    assert_int_equal(truncate(path_of("t.csv"), (off_t)20 << 30), 0); /* a file with a hole, which takes no room */
    assert_int_equal(ch_density_read(&density, path_of("t.csv"), &failure), CH_ERROR_INPUT);
    assert_non_null(strstr(failure.message, "of 21.5 GB; accepted is a table of up to 65536 rows"));
    gzFile zipped = gzopen(path_of("t.csv.gz"), "wb1"); /* 20 MB of lines in a file of 90 kB */
    static char lines[20000];
    for (size_t i = 0; i < sizeof lines; i++) {
        lines[i] = "1 1\n"[i % 4];
    }
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(gzwrite(zipped, lines, sizeof lines), sizeof lines);
    }
    assert_int_equal(gzclose(zipped), Z_OK);
    assert_int_equal(ch_density_read(&density, path_of("t.csv.gz"), &failure), CH_ERROR_INPUT);
    assert_non_null(strstr(failure.message, "of more than 16.8 MB; accepted is a table of up to 65536 rows"));
    assert_int_equal(ch_density_read(&density, path_of("none.csv"), &failure), CH_ERROR_INPUT);
    assert_int_equal(strncmp(failure.message, "density: ", 9), 0);
    assert_non_null(strstr(failure.message, "none.csv cannot be read: No such file or directory"));
}

static void test_memory(void **state)
{
    (void)state;
    long failed = 0;
    ch_error failure;
    ch_density density;
    write_table("t.csv", half_normal, 0, 4, 9);
    assert_failures_are_told(failed, ch_density_read(&density, path_of("t.csv"), &failure), failure,
                             ch_density_free(&density));
    assert_true(failed >= 4);
    ch_sample_set set;
    const ch_data_law law = {.dim = 5, .random_teacher = true, .spectrum = 1};
    assert_failures_are_told(failed, ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, 3, 1, NULL, &failure),
                             failure, ch_sample_set_free(&set));
    assert_true(failed >= 5);
    ch_sample_set_free(&set);
    ch_density_free(&density);
}

/* ---- drawing from a density ---- */

/* By hand: uniform, rising, with a gap, and a triangle. */
static void test_quantiles(void **state)
{
    (void)state;
    static const double shares[] = {1e-15, 1e-6, 0.1, 0.5, 0.75, 0.999, 1 - 1e-12};
    ch_density uniform = density_of(flat, 0, 1, 2), many = density_of(flat, 0, 1, 1000);
    ch_density linear = density_of(rising, 0, 2, 2), pieces = density_of(rising, 0, 2, 777);
    ch_density gap = density_of(flat, 5, 7, 3);
    write_file(path_of("t.csv"), "0,1\n1,0\n2,0\n3,1\n", 16); /* falls to 0, is 0, and rises */
    ch_density valley = read_density("t.csv");
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const double u = shares[i];
        assert_close(ch_density_quantile(&uniform, u), u, 1e-14);
        assert_close(ch_density_quantile(&many, u), u, 1e-14);
        assert_close(ch_density_quantile(&linear, u), 2 * sqrt(u), 1e-14);
        assert_close(ch_density_quantile(&pieces, u), 2 * sqrt(u), 1e-12);
        assert_close(ch_density_quantile(&gap, u), 5 + 2 * u, 1e-14);
        if (u < 0.5) {
            assert_close(ch_density_quantile(&valley, u), 2 * u / (1 + sqrt(1 - 2 * u)), 1e-14);
        } else if (u > 0.5) {
            assert_close(ch_density_quantile(&valley, u), 2 + sqrt(2 * u - 1), 1e-14);
        }
    }
    ch_density_free(&uniform);
    ch_density_free(&many);
    ch_density_free(&linear);
    ch_density_free(&pieces);
    ch_density_free(&gap);
    ch_density_free(&valley);
}

enum { MANY = 20000, DIM = 6 };

/* One-sample Kolmogorov-Smirnov statistic against the normal law of the absolute value, times sqrt(count). */
static double distance_from_half_normal(double *v, size_t count)
{
    double sup = 0;
    qsort(v, count, sizeof *v, order_of_doubles);
    for (size_t i = 0; i < count; i++) {
        const double at = 2 * gsl_cdf_ugaussian_P(v[i]) - 1;
        sup = larger_or_nan(sup, fmax(at - (double)i / (double)count, (double)(i + 1) / (double)count - at));
    }
    return sup * sqrt((double)count);
}

/* Samples of a tabulated half-normal density have its law along the teacher, wherever that points, and are normal
 * across; those of networks are the same but for the fair label; the first samples do not depend on P or threads. */
static void test_samples_of_a_density(void **state)
{
    (void)state;
    static double along[MANY];
    ch_density density = density_of(half_normal, 0, 9, 2000);
    for (int kind = 0; kind < 3; kind++) {
        const ch_data_law law = {.kind = CH_LAW_DENSITY,
                                 .dim = DIM,
                                 .random_teacher = kind == 1,
                                 .teacher_axis = kind == 2 ? 4 : 0,
                                 .density = &density,
                                 .seed = 5};
        ch_sample_set set, few;
        ch_examples examples;
        double across = 0;
        assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, MANY, 2, NULL, NULL), CH_OK);
        assert_int_equal(ch_sample_set_init(&few, &law, CH_STREAM_TRAIN_SAMPLES, 10, 1, NULL, NULL), CH_OK);
        assert_int_equal(ch_examples_init_law(&examples, &law, CH_STREAM_TRAIN_SAMPLES, MANY, 2, NULL, NULL), CH_OK);
        assert_null(set.deviations);
        for (size_t mu = 0; mu < MANY; mu++) {
            double square = 0;
            along[mu] = 0;
            for (size_t i = 0; i < DIM; i++) {
                const double x = (double)ch_sample_set_row(&set, mu)[i] * sqrt(DIM);
                const double other = examples.labels[mu] * (double)ch_examples_input(&examples, mu)[i];
                assert_in(other, x - 1e-5, x + 1e-5);
                assert_true(mu >= 10 || ch_sample_set_row(&few, mu)[i] == ch_sample_set_row(&set, mu)[i]);
                along[mu] += x * set.teacher[i];
                square += x * x;
            }
            assert_true(along[mu] > 0);
            across += square - along[mu] * along[mu];
        }
        const double mean = DIM - 1, error = 5 * sqrt(2 * mean / MANY);
        assert_in(across / MANY, mean - error, mean + error);
        assert_in(distance_from_half_normal(along, MANY), 0, ks_critical(FALSE_ALARM));
        ch_sample_set_free(&set);
        ch_sample_set_free(&few);
        ch_examples_free(&examples);
    }
    ch_density_free(&density);
}

/* ---- exact test errors of densities ---- */

static double error_of(const ch_density *density, double lambda)
{
    double found = NAN;
    ch_error failure = {0};
    if (ch_density_test_error(density, 3 * lambda, 3, &found, &failure) != CH_OK) {
        fail_msg("%s", failure.message);
    }
    return found;
}

/* The integrals of Phi(-lambda v) and of v Phi(-lambda v), by parts. */
static double integral_flat(double lambda, double v)
{
    return v * gsl_cdf_ugaussian_P(-lambda * v) - gsl_ran_ugaussian_pdf(lambda * v) / lambda;
}

static double integral_rising(double lambda, double v)
{
    const double u = lambda * v;
    return v * v / 2 * gsl_cdf_ugaussian_P(-u) +
           (gsl_cdf_ugaussian_P(u) - u * gsl_ran_ugaussian_pdf(u)) / (2 * lambda * lambda);
}

static void test_errors_in_closed_form(void **state)
{
    (void)state;
    static const double lambdas[] = {1e-9, 1e-3, 0.1, 1, 3, 10, 100, 1e4, 1e8};
    ch_density normal = density_of(half_normal, 0, 9, 9001), uniform = density_of(flat, 0, 1, 2);
    ch_density many = density_of(flat, 0, 1, 5000), gap = density_of(flat, 1, 2, 2);
    ch_density linear = density_of(rising, 0, 1, 50);
    for (size_t i = 0; i < sizeof lambdas / sizeof *lambdas; i++) {
        const double l = lambdas[i];
        /* between its rows 1e-3 apart the table is off by 1e-6 / 8 times rho'' */
        assert_close(error_of(&normal, l), atan(1 / l) / M_PI, 3e-7);
        if (l >= 0.1) { /* below, the closed forms cancel */
            const double wanted = integral_flat(l, 1) - integral_flat(l, 0);
            assert_close(error_of(&uniform, l), wanted, 1e-12);
            assert_close(error_of(&many, l), wanted, 1e-12);
            assert_close(error_of(&linear, l), 2 * (integral_rising(l, 1) - integral_rising(l, 0)), 2e-12);
        }
        assert_close(error_of(&uniform, -l), 1 - error_of(&uniform, l), 1e-15);
    }
    assert_close(error_of(&uniform, 1e-9), 0.5, 1e-8);
    for (double l = 0.5; l < 30; l *= 2) {
        assert_close(error_of(&gap, l), integral_flat(l, 2) - integral_flat(l, 1), 1e-9);
    }
    assert_true(error_of(&gap, 100) == 0); /* under the least double */
    double found = 0;
    assert_int_equal(ch_density_test_error(&uniform, 0, 1, &found, NULL), CH_OK);
    assert_true(found == 0.5);
    assert_int_equal(ch_density_test_error(&uniform, 1, 0, &found, NULL), CH_OK);
    assert_true(found == 0);
    assert_int_equal(ch_density_test_error(&uniform, -1, 0, &found, NULL), CH_OK);
    assert_true(found == 1);
    assert_int_equal(ch_density_test_error(&uniform, 1, -1, &found, NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_density_test_error(&uniform, NAN, 1, &found, NULL), CH_ERROR_INPUT);
    assert_true(isnan(found));
    ch_density_free(&normal);
    ch_density_free(&uniform);
    ch_density_free(&many);
    ch_density_free(&gap);
    ch_density_free(&linear);
}

/* ---- spectra ---- */

/* The covariance is diag(k^-beta) d / sum, whatever the teacher, whose side of every sample is its label. */
static void test_samples_of_a_spectrum(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        const ch_data_law law = {.dim = DIM,
                                 .random_teacher = kind == 1,
                                 .teacher_axis = kind == 2 ? DIM - 1 : 0,
                                 .spectrum = 1.5,
                                 .seed = 8};
        ch_sample_set set;
        ch_examples examples;
        double sum = 0, second[DIM][DIM] = {{0}};
        size_t positive = 0;
        assert_int_equal(ch_sample_set_init(&set, &law, CH_STREAM_TRAIN_SAMPLES, MANY, 2, NULL, NULL), CH_OK);
        assert_int_equal(ch_examples_init_law(&examples, &law, CH_STREAM_TRAIN_SAMPLES, MANY, 1, NULL, NULL), CH_OK);
        for (size_t mu = 0; mu < MANY; mu++) {
            const float *row = ch_sample_set_row(&set, mu), *x = ch_examples_input(&examples, mu);
            double along = 0, seen = 0;
            for (size_t i = 0; i < DIM; i++) {
                along += (double)row[i] * set.teacher[i];
                seen += (double)x[i] * set.teacher[i];
                for (size_t k = 0; k < DIM; k++) {
                    second[i][k] += (double)x[i] * (double)x[k] / MANY;
                }
            }
            assert_true(along > 0 && seen * examples.labels[mu] > 0);
            assert_in(fabs(seen), along * sqrt(DIM) - 1e-5, along * sqrt(DIM) + 1e-5);
            positive += examples.labels[mu] > 0;
        }
        assert_in((double)positive / MANY, 0.5 - 2.5 / sqrt(MANY), 0.5 + 2.5 / sqrt(MANY));
        for (size_t k = 1; k <= DIM; k++) {
            sum += pow((double)k, -1.5);
        }
        for (size_t i = 0; i < DIM; i++) {
            for (size_t k = 0; k < DIM; k++) {
                const double a = DIM * pow((double)(i + 1), -1.5) / sum, b = DIM * pow((double)(k + 1), -1.5) / sum;
                const double error = 5 * sqrt((i == k ? 2 : 1) * a * b / MANY);
                assert_in(second[i][k], (i == k ? a : 0) - error, (i == k ? a : 0) + error);
            }
            assert_close(set.deviations[i] * set.deviations[i], DIM * pow((double)(i + 1), -1.5) / sum, 1e-14);
        }
        ch_sample_set_free(&set);
        ch_examples_free(&examples);
    }
}

/* Without a spectrum and with the teacher on another axis, samples are those of the first axis with two entries changed
 * for each other. */
static void test_teacher_on_an_axis(void **state)
{
    (void)state;
    const ch_data_law first = {.chi = 1, .dim = DIM, .seed = 3},
                      third = {.chi = 1, .dim = DIM, .teacher_axis = 2, .seed = 3};
    ch_sample_set a, b;
    assert_int_equal(ch_sample_set_init(&a, &first, CH_STREAM_TEST_SAMPLES, 50, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_sample_set_init(&b, &third, CH_STREAM_TEST_SAMPLES, 50, 1, NULL, NULL), CH_OK);
    for (size_t mu = 0; mu < 50; mu++) {
        for (size_t i = 0; i < DIM; i++) {
            const size_t from = i == 0 ? 2 : i == 2 ? 0 : i;
            assert_true(ch_sample_set_row(&b, mu)[i] == ch_sample_set_row(&a, mu)[from]);
        }
    }
    assert_true(b.teacher[2] == 1 && b.teacher[0] == 0);
    ch_sample_set_free(&a);
    ch_sample_set_free(&b);
}

/* ---- exact test errors against closed forms and counts ---- */

static double exact_error(const ch_sample_set *set, double chi, const ch_density *density, const double *weights)
{
    const ch_linear_law law = {chi, density, set->teacher, set->deviations, set->dim};
    double signal = 0, noise2 = 0, found = NAN;
    ch_error failure = {0};
    for (size_t i = 0; i < set->dim; i++) {
        signal += weights[i] * set->teacher[i];
    }
    for (size_t i = 0; i < set->dim; i++) {
        noise2 += pow(weights[i] - signal * set->teacher[i], 2);
    }
    if (ch_linear_law_test_error(&law, weights, signal, sqrt(noise2), &found, &failure) != CH_OK) {
        fail_msg("%s", failure.message);
    }
    return found;
}

/* Requires that a share `wanted` of the samples is classified wrongly. */
static void assert_counted(const ch_sample_set *set, const double *weights, double wanted)
{
    size_t errors = 0;
    for (size_t mu = 0; mu < set->num_samples; mu++) {
        double margin = 0;
        for (size_t i = 0; i < set->dim; i++) {
            margin += weights[i] * (double)ch_sample_set_row(set, mu)[i];
        }
        errors += !(margin > 0);
    }
    const double count = (double)set->num_samples, error = 5 * sqrt(wanted * (1 - wanted) / count);
    assert_in((double)errors / count, wanted - error, wanted + error);
}

static void test_errors_are_counted(void **state)
{
    (void)state;
    enum { NUM = 40000 };
    static const double weights[DIM] = {2, -0.7, 0.4, 1.1, -0.3, 0.9};
    ch_density uniform = density_of(flat, 0, 1, 2), gap = density_of(flat, 0.5, 2, 3);
    const ch_data_law laws[] = {
        {.kind = CH_LAW_DENSITY, .density = &uniform, .dim = DIM, .seed = 1},
        {.kind = CH_LAW_DENSITY, .density = &gap, .dim = DIM, .random_teacher = true, .seed = 3},
        {.kind = CH_LAW_DENSITY, .density = &gap, .dim = DIM, .spectrum = 1, .teacher_axis = 3, .seed = 1},
        {.spectrum = 2, .dim = DIM, .seed = 1},
        {.spectrum = 1, .dim = DIM, .random_teacher = true, .seed = 3},
        {.spectrum = 1, .chi = 2, .dim = DIM, .random_teacher = true, .seed = 4},
        {.spectrum = 3, .dim = DIM, .teacher_axis = DIM - 1, .seed = 1},
    };
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        ch_sample_set set;
        assert_int_equal(ch_sample_set_init(&set, &laws[i], CH_STREAM_TEST_SAMPLES, NUM, 2, NULL, NULL), CH_OK);
        const double chi = laws[i].kind == CH_LAW_DENSITY ? NAN : laws[i].chi;
        const double wanted = exact_error(&set, chi, laws[i].density, weights);
        assert_in(wanted, 0.001, 0.999);
        assert_counted(&set, weights, wanted);
        if (laws[i].density == NULL && laws[i].chi == 0) { /* arccos of the overlap in the metric of the covariance */
            double both = 0, own = 0, teachers = 0;
            for (size_t k = 0; k < DIM; k++) {
                const double variance = set.deviations[k] * set.deviations[k], e = set.teacher[k];
                both += weights[k] * variance * e;
                own += weights[k] * variance * weights[k];
                teachers += e * variance * e;
            }
            assert_close(wanted, acos(both / sqrt(own * teachers)) / M_PI, 1e-13);
        }
        ch_sample_set_free(&set);
    }
    ch_density_free(&uniform);
    ch_density_free(&gap);
}

/* ---- runs ---- */

static ch_run train(const char *text)
{
    const ch_resolved resolved = resolved_of(text);
    ch_run run;
    ch_error failure = {0};
    if (ch_train_alone(&run, &resolved, NULL, 1, NULL, &failure) != CH_OK) {
        fail_msg("%s: %s", text, failure.message);
    }
    return run;
}

/* Every model trains on both; a perceptron has signal, noise and the exact test error, which that over test samples
 * agrees with, under its own engines and as a linear network. */
static void test_runs(void **state)
{
    (void)state;
    enum { NUM_TEST = 20000 };
    static const char *const laws[] = {"data=density density=%s", "spectrum=1 teacher_axis=last data=depleted",
                                       "spectrum=0.5 teacher=random data=depleted chi=1",
                                       "density=%s spectrum=1 teacher=random"};
    write_table("rho.csv", flat, 0, 1, 2);
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        static const char *const models[] = {"engine=plain", "engine=fast", "loss=mse alpha=1 temp=0.1 max_steps=200",
                                             "engine=plain loss=hinge dynamics=unfitted", "linear=yes"};
        char law[256], text[512];
        snprintf(law, sizeof law, laws[i], path_of("rho.csv"));
        for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
            snprintf(text, sizeof text, "model=perceptron dim=8 train=150 temp=0.5 seed=2 %s %s", law, models[k]);
            ch_run run = train(text);
            assert_int_equal(run.status, strstr(text, "max_steps") != NULL ? CH_BUDGET : CH_FITTED);
            if (run.settings.linear == CH_LINEAR_YES) {
                ch_run_free(&run);
                continue;
            }
            snprintf(text, sizeof text, "model=perceptron dim=8 train=150 temp=0.5 seed=2 test=%d %s %s", NUM_TEST, law,
                     models[k]);
            ch_run counted = train(text);
            const double wanted = run.final.test_error, error = 5 * sqrt(wanted * (1 - wanted) / NUM_TEST);
            assert_true(wanted > 0 && wanted < 0.5 && run.final.noise > 0);
            assert_close(hypot(run.final.signal, run.final.noise), run.final.weight_change, 1e-9);
            assert_true(counted.final.weight_change == run.final.weight_change);
            assert_in(counted.final.test_error, wanted - error, wanted + error);
            ch_run_free(&run);
            ch_run_free(&counted);
        }
        snprintf(text, sizeof text, "model=mlp width=8 depth=1 dim=8 train=60 test=40 temp=0.1 %s", law);
        ch_run run = train(text);
        assert_int_equal(run.status, CH_FITTED);
        assert_in(run.final.test_error, 0, 0.5);
        assert_true(run.final.signal > 0);
        ch_run_free(&run);
        snprintf(text, sizeof text, "model=mlp linear=yes width=8 depth=1 dim=8 train=60 test=40 temp=0.1 %s", law);
        run = train(text);
        assert_int_equal(run.status, CH_FITTED);
        ch_run_free(&run);
    }
}

/* The fast engine has the law of the plain one: t*, ||Dw|| and the test error over seeds. */
static void test_engines(void **state)
{
    (void)state;
    enum { SEEDS = 150, QUANTITIES = 3 };
    static double seen[2][QUANTITIES][SEEDS];
    static const char *const laws[] = {"density=%s", "spectrum=1.5 teacher_axis=3 data=depleted"};
    write_table("rho.csv", rising, 0, 1, 2);
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        char law[256], text[512];
        snprintf(law, sizeof law, laws[i], path_of("rho.csv"));
        const size_t seeds = is_sanitized() ? SEEDS / 3 : SEEDS;
        for (size_t k = 0; k < 2 * seeds; k++) {
            const size_t fast = k >= seeds, at = k % seeds;
            snprintf(text, sizeof text,
                     "model=perceptron dim=8 train=400 temp=1 seed_data=%zu seed_batch=%zu engine=%s %s", at, k,
                     fast ? "fast" : "plain", law);
            ch_run run = train(text);
            assert_int_equal(run.status, CH_FITTED);
            seen[fast][0][at] = run.time;
            seen[fast][1][at] = run.final.weight_change;
            seen[fast][2][at] = run.final.test_error;
            ch_run_free(&run);
        }
        for (size_t q = 0; q < QUANTITIES; q++) {
            assert_in(ks_statistic(seen[0][q], seeds, seen[1][q], seeds), 0, ks_critical(FALSE_ALARM));
        }
    }
}

static double depleted(double v)
{
    return v * exp(-v * v / 2);
}

/* Runs on the table of a known density have the law of runs on that density: chi = 0, and chi = 1. */
static void test_table_of_a_known_law(void **state)
{
    (void)state;
    enum { SEEDS = 100, QUANTITIES = 3 };
    static double seen[2][QUANTITIES][SEEDS];
    for (int chi = 0; chi < 2; chi++) {
        char laws[2][256], text[512];
        write_table("rho.csv", chi == 0 ? half_normal : depleted, 0, 9, 3000);
        snprintf(laws[0], sizeof laws[0], "chi=%d", chi);
        snprintf(laws[1], sizeof laws[1], "density=%s", path_of("rho.csv"));
        for (size_t k = 0; k < 2 * SEEDS; k++) {
            const size_t which = k / SEEDS, at = k % SEEDS;
            snprintf(text, sizeof text, "model=perceptron dim=8 train=200 temp=1 engine=fast seed=%zu %s", k,
                     laws[which]);
            ch_run run = train(text);
            seen[which][0][at] = run.time;
            seen[which][1][at] = run.final.weight_change;
            seen[which][2][at] = run.final.test_error;
            ch_run_free(&run);
        }
        for (size_t q = 0; q < QUANTITIES; q++) {
            assert_in(ks_statistic(seen[0][q], SEEDS, seen[1][q], SEEDS), 0, ks_critical(FALSE_ALARM));
        }
    }
}

/* The digest of a density is part of a run's identity and of a kernel's key, where the file lies is not; at their
 * defaults spectrum and teacher_axis are no part of it. */
static void test_identity(void **state)
{
    (void)state;
    char ids[8][CH_ID_SIZE], text[512], other[512];
    write_table("rho.csv", flat, 0, 1, 2);
    write_table("same.csv", flat, 0, 1, 2);
    write_table("more.csv", flat, 0, 1, 3);
    static const char *const files[] = {"rho.csv", "same.csv", "more.csv"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "model=perceptron dim=8 train=20 temp=1 density=%s", path_of(files[i]));
        ch_run run = train(text);
        assert_int_equal(run.settings.data, CH_LAW_DENSITY);
        ch_settings_id(&run.resolved, ids[i]);
        ch_run_free(&run);
    }
    assert_string_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[0], ids[2]);
    static const char *const more[] = {"temp=1",
                                       "temp=1 spectrum=0 teacher_axis=1",
                                       "temp=1 spectrum=1",
                                       "temp=1 teacher_axis=2",
                                       "temp=1 teacher_axis=last",
                                       "temp=1 teacher_axis=64"};
    for (size_t i = 0; i < 6; i++) {
        snprintf(other, sizeof other, "model=perceptron dim=64 %s", more[i]);
        const ch_resolved resolved = resolved_of(other);
        ch_settings_id(&resolved, ids[i]);
    }
    assert_string_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[0], ids[2]);
    assert_string_not_equal(ids[0], ids[3]);
    assert_string_equal(ids[4], ids[5]);
    const ch_resolved stretched = resolved_of("model=perceptron temp=1 spectrum=1");
    const ch_resolved plain = resolved_of("model=perceptron temp=1");
    const ch_resolved moved = resolved_of("model=perceptron temp=1 teacher_axis=2");
    const ch_train_key a = ch_train_key_of(&stretched), b = ch_train_key_of(&plain), c = ch_train_key_of(&moved);
    assert_true(ch_train_key_compare(&a, &b) != 0 && ch_train_key_compare(&c, &b) != 0);
    assert_true(ch_train_key_digest(&a) != ch_train_key_digest(&b) &&
                ch_train_key_digest(&c) != ch_train_key_digest(&b));
    const ch_resolved pulled = resolved_of("model=perceptron temp=1 weight_decay=0.1 max_steps=9");
    assert_true(ch_settings_has_theory(&plain.settings) && !ch_settings_has_theory(&stretched.settings) &&
                !ch_settings_has_theory(&pulled.settings));
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_formats),
        WITH_FOLDER(test_bad_tables),
        WITH_FOLDER(test_memory),
        WITH_FOLDER(test_quantiles),
        WITH_FOLDER(test_samples_of_a_density),
        WITH_FOLDER(test_errors_in_closed_form),
        cmocka_unit_test(test_samples_of_a_spectrum),
        cmocka_unit_test(test_teacher_on_an_axis),
        WITH_FOLDER(test_errors_are_counted),
        WITH_FOLDER(test_runs),
        WITH_FOLDER(test_engines),
        WITH_FOLDER(test_table_of_a_known_law),
        WITH_FOLDER(test_identity),
    };
    return cmocka_run_group_tests_name("laws", tests, NULL, NULL);
}
