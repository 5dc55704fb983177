/* test_quantised.c — a sample that is fitted by its 8 bits is fitted by its margin in double. */
#include "perceptron/quantised.c" /* its static parts are tested too */

#include "perceptron/student.h"
#include "tests/alloc_fail.h"
#include "tests/fast_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>

/* A set in 8 bits, and weights. */
typedef struct {
    ch_sample_set set;
    ch_quantised samples;
    ch_quantised_weights rounded;
    double *weights; /* [stride] */
} stage;

static void begin(stage *self, ch_sample_set set)
{
    self->set = set;
    self->weights = ch_alloc(set.stride, sizeof *self->weights);
    assert_non_null(self->weights);
    assert_int_equal(ch_quantised_init(&self->samples, &set, NULL, NULL), CH_OK);
    assert_true(ch_quantised_weights_init(&self->rounded, set.stride));
}

static void end(stage *self)
{
    ch_quantised_free(&self->samples);
    ch_quantised_weights_free(&self->rounded);
    ch_sample_set_free(&self->set);
    free(self->weights);
}

/* w = s e + w_perp, where w_perp has a random direction and the length r. */
static void draw_weights(stage *self, double signal, double noise, uint64_t seed)
{
    const double *teacher = self->set.teacher;
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_BOOTSTRAP, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < self->set.dim; i++) {
        self->weights[i] = gsl_ran_ugaussian(&gsl);
    }
    const double along = ch_dot_wide(self->weights, teacher, self->set.stride);
    const double across = sqrt(ch_norm2_across(self->weights, along, teacher, self->set.stride));
    for (size_t i = 0; i < self->set.dim; i++) {
        self->weights[i] = signal * teacher[i] + noise * (self->weights[i] - along * teacher[i]) / across;
    }
}

static void set_weights(stage *self, double kappa)
{
    ch_quantised_weights_set(&self->rounded, &self->samples, self->weights, self->set.teacher, kappa);
}

static double margin_of(const stage *self, size_t mu)
{
    return ch_dot(ch_sample_set_row(&self->set, mu), self->weights, self->set.stride);
}

/* s v + c c_w k . j */
static double estimate(const stage *self, size_t mu)
{
    const int8_t *row = self->samples.rows + mu * self->samples.stride;
    return self->rounded.along * (double)self->samples.along[mu] +
           self->rounded.unit * (double)ch_quantised_dot(row, self->rounded.across, self->samples.stride);
}

/* ---- the bound ---- */

/* The estimate is over the margin by at most the error, whatever the ratio of signal to noise, and for margins of any
 * size. Every tenth sample has the wrong label. */
static void estimate_is_within_its_error(void **state)
{
    (void)state;
    static const size_t dims[] = {2, 16, 17, 128, 700};
    size_t fitted = 0, unknown = 0;
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        stage here;
        begin(&here, draw((double)(d % 3), dims[d], d % 2 == 1, 3 + d, 200));
        for (size_t mu = 0; mu < 200; mu += 10) {
            for (size_t i = 0; i < dims[d]; i++) {
                here.set.rows[mu * here.set.stride + i] *= -1;
            }
        }
        ch_quantised_free(&here.samples);
        assert_int_equal(ch_quantised_init(&here.samples, &here.set, NULL, NULL), CH_OK);
        for (int trial = 0; trial < 40; trial++) {
            const double noise = pow(10, trial % 5 - 3), kappa = 0.1 * noise;
            draw_weights(&here, noise * pow(10, trial % 8 - 1), noise, (uint64_t)trial);
            set_weights(&here, kappa);
            for (size_t mu = 0; mu < 200; mu++) {
                const double margin = margin_of(&here, mu);
                assert_true(estimate(&here, mu) - (here.rounded.surely_fitted - kappa) <= margin);
                if (ch_quantised_is_fitted(&here.samples, &here.rounded, mu)) {
                    assert_false(ch_is_unfitted(margin, kappa));
                    fitted++;
                } else {
                    unknown += !ch_is_unfitted(margin, kappa);
                }
            }
        }
        end(&here);
    }
    assert_true(fitted > 10000 && unknown > 100);
}

/* Weights against the part of a sample that was rounded off take all of the error's first part. */
static void error_of_samples_is_sharp(void **state)
{
    (void)state;
    stage here;
    size_t worst = 0;
    double most = 0;
    begin(&here, draw(0, 128, true, 5, 300));
    double *rest = ch_alloc(here.set.stride, sizeof *rest);
    for (size_t turn = 0; turn < 301; turn++) { /* at last the sample with the longest rest */
        const size_t mu = turn < 300 ? turn : worst;
        const float *row = ch_sample_set_row(&here.set, mu);
        const double along = ch_dot(row, here.set.teacher, here.set.stride);
        for (size_t i = 0; i < here.set.stride; i++) {
            rest[i] = (double)row[i] - along * here.set.teacher[i] -
                      here.samples.unit * (double)here.samples.rows[mu * here.set.stride + i];
        }
        const double length = sqrt(ch_norm2(rest, here.set.stride));
        worst = length > most ? mu : worst;
        most = fmax(most, length);
        for (size_t i = 0; i < here.set.stride; i++) {
            here.weights[i] = 10 * here.set.teacher[i] - 2 * rest[i] / length;
        }
    }
    const double kappa = nextafter(margin_of(&here, worst), INFINITY);
    set_weights(&here, kappa);
    assert_false(ch_quantised_is_fitted(&here.samples, &here.rounded, worst));
    assert_true(estimate(&here, worst) - kappa > 0.95 * (here.rounded.surely_fitted - kappa));
    free(rest);
    end(&here);
}

/* Where weights have few levels, margins are off by more than the samples' part of the error, and within the whole. */
static void error_of_weights_is_needed(void **state)
{
    (void)state;
    skip_under_valgrind();
    stage here;
    size_t beyond = 0;
    begin(&here, draw(0, 64, true, 5, 2000));
    here.samples.most_level = 8;
    for (uint64_t seed = 0; seed < 20; seed++) {
        const double kappa = 0.01;
        draw_weights(&here, 3, 1, seed);
        set_weights(&here, kappa);
        for (size_t mu = 0; mu < 2000; mu++) {
            const double over = estimate(&here, mu) - margin_of(&here, mu);
            assert_true(over <= here.rounded.surely_fitted - kappa);
            beyond += over > here.samples.most_rest;
        }
    }
    assert_true(beyond > 100);
    end(&here);
}

/* v is rounded down: where the signal is far above the noise, rounding v to the nearest float would be more than the
 * error. */
static void part_along_the_teacher_is_rounded_down(void **state)
{
    (void)state;
    stage here;
    size_t rounded_up = 0;
    begin(&here, draw(0, 16, true, 8, 1000));
    draw_weights(&here, 1e6, 1e-3, 1);
    for (size_t mu = 0; mu < 1000; mu++) {
        const double along = ch_dot(ch_sample_set_row(&here.set, mu), here.set.teacher, here.set.stride);
        assert_true((double)here.samples.along[mu] <= along);
        assert_true((double)nextafterf(here.samples.along[mu], INFINITY) > along);
        rounded_up += (double)(float)along > along;
        set_weights(&here, nextafter(margin_of(&here, mu), INFINITY));
        assert_false(ch_quantised_is_fitted(&here.samples, &here.rounded, mu));
    }
    assert_true(rounded_up > 300);
    end(&here);
}

/* Where the noise is as small as the rounding of the signal's part, a margin in double may be under the estimate by
 * more than the other parts of the error. The teacher and the samples are such that v needs no rounding. */
static void rounding_of_margins_is_needed(void **state)
{
    (void)state;
    stage here;
    size_t beyond = 0;
    ch_sample_set set = draw(0, 64, false, 8, 1000);
    for (size_t i = 0; i < 64; i++) {
        set.teacher[i] = i < 16 ? 0.25 : 0;
    }
    for (size_t k = 0; k < 1000 * set.stride; k++) {
        set.rows[k] = (float)ldexp(rint(ldexp((double)set.rows[k], 6)), -6);
    }
    begin(&here, set);
    for (int trial = 0; trial < 10; trial++) {
        draw_weights(&here, 1e6, 1e-10, (uint64_t)trial);
        set_weights(&here, 1e-30);
        const double noise = sqrt(ch_norm2_across(here.weights, here.rounded.along, set.teacher, set.stride));
        for (size_t mu = 0; mu < 1000; mu++) {
            const double over = estimate(&here, mu) - margin_of(&here, mu);
            assert_true(over <= here.rounded.surely_fitted);
            beyond += over > 2 * here.samples.most_rest * noise;
        }
    }
    assert_true(beyond > 100);
    end(&here);
}

/* Where no bound is known, no sample is known to be fitted. */
static void nothing_is_known_of_some_weights(void **state)
{
    (void)state;
    stage here;
    begin(&here, draw(0, 16, false, 8, 10));
    assert_false(ch_quantised_is_fitted(&here.samples, &here.rounded, 0)); /* no weights yet */
    for (int which = 0; which < 8; which++) {
        draw_weights(&here, which == 0 ? -1 : 1, which == 1 ? 0 : which == 2 ? 1e-160 : 1, 1);
        here.weights[which % 2] = which == 3 ? NAN : which == 4 || which == 5 ? INFINITY : here.weights[which % 2];
        here.samples.most_level = which == 6 ? 0 : MOST_LEVEL;
        set_weights(&here, 1e-30);
        for (size_t mu = 0; mu < 10; mu++) {
            assert_true(ch_quantised_is_fitted(&here.samples, &here.rounded, mu) <= (which == 7));
        }
    }
    assert_true(here.rounded.surely_fitted < INFINITY);
    end(&here);
}

/* Weights so small that their squares underflow: r is computed as 0.83 of its value here, and their levels would not
 * fit 16 bits. */
static void tiny_weights_are_left_to_double(void **state)
{
    (void)state;
    stage here;
    ch_sample_set set = draw(0, 2, false, 8, 2);
    memcpy(set.rows, (float[2]){0, -1}, 2 * sizeof *set.rows);
    memcpy(set.rows + set.stride, (float[2]){0, 1}, 2 * sizeof *set.rows);
    begin(&here, set);
    const double size = 1.2 * 0x1p-537;
    here.weights[1] = size;
    assert_true(sqrt(ch_norm2(here.weights, set.stride)) < 0.9 * size);
    set_weights(&here, 0x1p-545);
    assert_false(ch_quantised_is_fitted(&here.samples, &here.rounded, 0));
    end(&here);
}

/* Of the fitted samples that noise may make unfitted, nearly all are known to be fitted. */
static void most_fitted_samples_are_known(void **state)
{
    (void)state;
    stage here;
    size_t fitted = 0, known = 0;
    const double kappa = 0x1p-15;
    begin(&here, draw(0, 128, false, 8, 4000));
    draw_weights(&here, 10, 1, 1);
    set_weights(&here, kappa);
    for (size_t mu = 0; mu < 4000; mu++) {
        if ((double)here.samples.along[mu] < 0.1 && !ch_is_unfitted(margin_of(&here, mu), kappa)) {
            fitted++;
            known += ch_quantised_is_fitted(&here.samples, &here.rounded, mu);
        }
    }
    assert_true(fitted > 1000 && (double)known > 0.97 * (double)fitted);
    end(&here);
}

/* ---- sums ---- */

static int64_t plain_dot(const int8_t *k, const int16_t *j, size_t stride)
{
    int64_t sum = 0;
    for (size_t i = 0; i < stride; i++) {
        sum += (int64_t)k[i] * (int64_t)j[i];
    }
    return sum;
}

static void sums_are_exact(void **state)
{
    (void)state;
    int8_t k[160];
    int16_t j[160];
    ch_random random;
    ch_random_init(&random, 5, CH_STREAM_BOOTSTRAP, 0);
    for (size_t stride = 16; stride <= 160; stride += 16) {
        for (size_t i = 0; i < stride; i++) {
            k[i] = (int8_t)((int)ch_random_below(&random, 255) - 127);
            j[i] = (int16_t)((int)ch_random_below(&random, 64001) - 32000);
        }
        assert_int_equal(ch_quantised_dot(k, j, stride), plain_dot(k, j, stride));
    }
}

/* The longest sum, of weights along a sample, keeps within 32 bits also for rows so long that all levels would not. */
static void long_rows_do_not_overflow(void **state)
{
    (void)state;
    skip_under_valgrind();
    enum { DIM = 1 << 19 };
    ch_sample_set set = draw(0, DIM, false, 1, 1);
    stage here;
    for (size_t i = 1; i < DIM; i++) {
        set.rows[i] = i % 2 == 0 ? 1 : -1;
    }
    begin(&here, set);
    for (size_t i = 0; i < DIM; i++) {
        here.weights[i] = i == 0 ? 1 : (double)set.rows[i];
    }
    set_weights(&here, 0.1);
    const int64_t sum = plain_dot(here.samples.rows, here.rounded.across, here.set.stride);
    assert_true(sum > INT32_MAX / 3 && sum <= INT32_MAX);
    assert_int_equal(ch_quantised_dot(here.samples.rows, here.rounded.across, here.set.stride), sum);
    end(&here);
}

/* ---- ends ---- */

static void stops_and_survives_failing_allocations(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 1 << 14, false, 6, 200);
    ch_quantised samples;
    ch_quantised_weights weights;
    ch_error err;
    long failed;
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    assert_int_equal(ch_quantised_init(&samples, &set, &watch, &err), CH_ERROR_INTERRUPTED);
    assert_null(samples.rows);
    set.num_samples = 20;
    assert_failures_are_told(failed, ch_quantised_init(&samples, &set, NULL, &err), err, ch_quantised_free(&samples));
    assert_int_equal(failed, 2);
    alloc_fail_at(0);
    assert_false(ch_quantised_weights_init(&weights, set.stride));
    alloc_fail_at(-1);
    ch_quantised_weights_free(&weights);
    ch_quantised_free(&samples);
    ch_sample_set_free(&set);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimate_is_within_its_error),
        cmocka_unit_test(error_of_samples_is_sharp),
        cmocka_unit_test(error_of_weights_is_needed),
        cmocka_unit_test(part_along_the_teacher_is_rounded_down),
        cmocka_unit_test(rounding_of_margins_is_needed),
        cmocka_unit_test(nothing_is_known_of_some_weights),
        cmocka_unit_test(tiny_weights_are_left_to_double),
        cmocka_unit_test(most_fitted_samples_are_known),
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(long_rows_do_not_overflow),
        cmocka_unit_test(stops_and_survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("quantised", tests, NULL, NULL);
}
