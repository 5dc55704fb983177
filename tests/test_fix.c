/* test_fix.c — numbers of a fit that are fixed, bounded or tied. */
#include "fit/fit.h"
#include "fit/laws/bounded.h"
#include "fit/reports/reports.h"
#include "tests/fit_plant.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

typedef struct {
    const char *fix, *bound, *tie;
} held;

/* Sets the constraints of `what`, as the options --fix, --bound and --tie do. */
static ch_code hold(ch_fit_options *options, const held *what, ch_error *err)
{
    ch_code code = what->fix != NULL ? ch_fit_options_fix(options, what->fix, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    code = what->bound != NULL ? ch_fit_options_bound(options, what->bound, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    return what->tie != NULL ? ch_fit_options_tie(options, what->tie, err) : CH_OK;
}

static void fit_held(ch_fit *fit, const ch_run_table *table, held what)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = is_under_valgrind() ? 20 : 200;
    options.threads = 2;
    if (hold(&options, &what, &err) != CH_OK || ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void release(ch_fit *fit, ch_run_table *table)
{
    ch_fit_free(fit);
    free(table->runs);
}

static plant noisy(void)
{
    plant planted = plant_default();
    planted.set_noise = 0.2;
    planted.set_train_noise = 0.05;
    planted.run_noise = 0.1;
    planted.num_sets = 10;
    return planted;
}

static plant bent(void)
{
    plant planted = noisy();
    planted.first_temp = -20;
    planted.num_temps = 22;
    planted.num_trains = 4;
    planted.tc = ldexp(1.3, -13);
    planted.sharpness = 1.2;
    planted.run_noise = 0.03;
    return planted;
}

static bool has_note(const ch_fit_group *group, const char *part)
{
    for (size_t i = 0; i < group->num_notes; i++) {
        if (strstr(group->notes[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- reading ---- */

static void test_reading(void **state)
{
    (void)state;
    ch_fit_options options;
    ch_error err;
    ch_fit_options_default(&options);
    for (size_t k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
        assert_true(options.constraints[k].range.lo == -INFINITY && options.constraints[k].range.hi == INFINITY);
        assert_false(options.constraints[k].is_tied);
    }
    assert_int_equal(ch_fit_options_fix(&options, "delta=2^-1,a=-0.5", &err), CH_OK);
    assert_int_equal(ch_fit_options_bound(&options, "gamma=0:2.5,sharpness=:8", &err), CH_OK);
    assert_int_equal(ch_fit_options_tie(&options, "time_delta=delta,b=1+2*gamma", &err), CH_OK);
    const ch_fit_constraint *held_ones = options.constraints;
    assert_true(held_ones[CH_FIT_DELTA].range.lo == 0.5 && ch_range_is_fixed(held_ones[CH_FIT_DELTA].range));
    assert_true(held_ones[CH_FIT_A].range.lo == -0.5 && held_ones[CH_FIT_A].range.hi == -0.5);
    assert_true(held_ones[CH_FIT_GAMMA].range.lo == 0 && held_ones[CH_FIT_GAMMA].range.hi == 2.5);
    assert_true(held_ones[CH_FIT_SHARPNESS].range.lo == -INFINITY && held_ones[CH_FIT_SHARPNESS].range.hi == 8);
    assert_true(held_ones[CH_FIT_TIME_DELTA].is_tied && held_ones[CH_FIT_TIME_DELTA].other == CH_FIT_DELTA);
    assert_true(held_ones[CH_FIT_TIME_DELTA].offset == 0 && held_ones[CH_FIT_TIME_DELTA].factor == 1);
    assert_true(held_ones[CH_FIT_B].is_tied && held_ones[CH_FIT_B].other == CH_FIT_GAMMA);
    assert_true(held_ones[CH_FIT_B].offset == 1 && held_ones[CH_FIT_B].factor == 2);
    assert_int_equal(ch_fit_options_check(&options, &err), CH_OK);
}

/* The message has what was written and what is accepted. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        held what;
        const char *sentence;
    } rows[] = {
        {{.fix = "delta"}, "--fix delta is not accepted: NAME=..., NAME one of delta, gamma, time_delta, b, a"},
        {{.fix = "beta=1"}, "--fix beta=1 is not accepted: NAME=..., NAME one of delta"},
        {{.fix = "delta=1,"}, "NAME one of delta, gamma, time_delta, b, a and sharpness, is"},
        {{.fix = "delta=-1"}, "--fix delta=-1 is not accepted: a number from 0.05 to 20 is"},
        {{.fix = "b=nan"}, "--fix b=nan is not accepted: a number from -100 to 100 is"},
        {{.fix = "gamma=1x"}, "--fix gamma=1x is not accepted"},
        {{.fix = "sharpness=0.1"}, "a number from 0.31 to 100 is"},
        {{.fix = "delta=1,delta=1"}, "a number is held once, by one of --fix, --bound and --tie"},
        {{.fix = "b=2", .tie = "b=gamma"}, "--tie b=gamma is not accepted: a number is held once"},
        {{.bound = "gamma=2:0"}, "--bound gamma=2:0 is not accepted: NAME=LO:HI with LO < HI is"},
        {{.bound = "gamma=1"}, "NAME=LO:HI with LO < HI is, of which one may be left out"},
        {{.bound = "gamma=:"}, "NAME=LO:HI"},
        {{.bound = "gamma=0:x"}, "--bound gamma=0:x is not accepted"},
        {{.bound = "delta=30:40"}, "delta can be a number from 0.05 to 20"},
        {{.tie = "gamma=delta"}, "NAME time_delta or b, OTHER delta or gamma, such as time_delta=delta"},
        {{.tie = "b=time_delta"}, "--tie b=time_delta is not accepted"},
        {{.tie = "b=1+x*gamma"}, "NAME=[C+][K*]OTHER is"},
        {{.tie = "b=y+gamma"}, "NAME=[C+][K*]OTHER is"},
        {{.tie = "b="}, "NAME=[C+][K*]OTHER is"},
        {{.tie = "sharpness=2"}, "or sharpness=joint"},
        {{.tie = "b=joint"}, "--tie b=joint is not accepted"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const held *what = &rows[i].what;
        ch_fit_options options;
        ch_error err = {0};
        ch_fit_options_default(&options);
        assert_int_equal(hold(&options, what, &err), CH_ERROR_INPUT);
        if (strstr(err.message, rows[i].sentence) == NULL) {
            fail_msg("\"%s\" does not hold \"%s\"", err.message, rows[i].sentence);
        }
    }
    ch_fit_options options;
    ch_error err;
    ch_fit_options_default(&options);
    assert_int_equal(ch_fit_options_fix(&options, "a=0", &err), CH_OK);
    options.wanted[CH_TC_ONSET] = false;
    assert_int_equal(ch_fit_options_check(&options, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "--tc onset"));
    ch_fit_options_default(&options);
    assert_int_equal(ch_fit_options_tie(&options, "sharpness=joint", &err), CH_OK);
    assert_int_equal(ch_fit_options_check(&options, &err), CH_OK);
    options.wanted[CH_TC_ONSET] = false;
    assert_int_equal(ch_fit_options_check(&options, &err), CH_ERROR_INPUT);
}

/* ---- minima within bounds ---- */

/* The function (x - x0)' Q (x - x0). */
typedef struct {
    double q[2][2], at[2];
} quadratic;

static double value_at(const quadratic *self, const double x[2])
{
    const double d[2] = {x[0] - self->at[0], x[1] - self->at[1]};
    return self->q[0][0] * d[0] * d[0] + 2 * self->q[0][1] * d[0] * d[1] + self->q[1][1] * d[1] * d[1];
}

/* The minimum over x[k] while the other component stays as it is. */
static double best_of(const quadratic *self, const double x[2], size_t k)
{
    const size_t other = 1 - k;
    return self->at[k] - self->q[0][1] / self->q[k][k] * (x[other] - self->at[other]);
}

static bool minimum_of(void *problem, const bool is_held[2], double values[2], double *squares)
{
    const quadratic *self = problem;
    if (!is_held[0] && !is_held[1]) {
        memcpy(values, self->at, sizeof self->at);
    }
    for (size_t k = 0; k < 2; k++) {
        if (!is_held[k] && is_held[1 - k]) {
            values[k] = best_of(self, values, k);
        }
    }
    *squares = value_at(self, values);
    return true;
}

static ch_range random_range(gsl_rng *random)
{
    const double one = 4 * gsl_rng_uniform(random) - 2, two = 4 * gsl_rng_uniform(random) - 2;
    const unsigned long kind = gsl_rng_uniform_int(random, 4);
    if (kind == 0) {
        return (ch_range){one, one};
    }
    return (ch_range){kind == 1 ? -INFINITY : fmin(one, two), kind == 2 ? INFINITY : fmax(one, two)};
}

/* Compares with coordinate descent within the box, which converges for convex functions whose bounds are on components.
 */
static void test_minimise_within(void **state)
{
    (void)state;
    ch_random stream;
    ch_random_init(&stream, 1, CH_STREAM_BOOTSTRAP, 0);
    gsl_rng random = ch_random_gsl(&stream);
    size_t at_corners = 0, at_edges = 0;
    for (int i = 0; i < 2000; i++) {
        const double a = 0.2 + gsl_rng_uniform(&random), b = 0.2 + gsl_rng_uniform(&random);
        const double c = (1.9 * gsl_rng_uniform(&random) - 0.95) * sqrt(a * b);
        quadratic problem = {.q = {{a, c}, {c, b}},
                             .at = {6 * gsl_rng_uniform(&random) - 3, 6 * gsl_rng_uniform(&random) - 3}};
        const ch_range ranges[] = {random_range(&random), random_range(&random)};
        double found[2], x[2];
        assert_true(ch_minimise_within(minimum_of, &problem, ranges, found));
        for (size_t k = 0; k < 2; k++) {
            x[k] = fmin(fmax(problem.at[k], ranges[k].lo), ranges[k].hi);
        }
        for (int round = 0; round < 2000; round++) {
            for (size_t k = 0; k < 2; k++) {
                x[k] = fmin(fmax(best_of(&problem, x, k), ranges[k].lo), ranges[k].hi);
            }
        }
        size_t bounds = 0;
        for (size_t k = 0; k < 2; k++) {
            assert_in(found[k] - x[k], -1e-9, 1e-9);
            assert_in(found[k], ranges[k].lo, ranges[k].hi);
            bounds += found[k] == ranges[k].lo || found[k] == ranges[k].hi;
        }
        at_corners += bounds == 2;
        at_edges += bounds == 1;
    }
    assert_true(at_corners > 100 && at_edges > 100);
}

/* ---- power laws ---- */

static void end_some(ch_run_table *table, double time)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->runs[i].time > time) {
            table->runs[i].status = CH_BUDGET;
            table->runs[i].time = time;
        }
    }
}

/* Where a number is fixed at what the free fit finds, all other numbers stay as they are, also with runs that a budget
 * ended. */
static void test_fixed_at_the_minimum(void **state)
{
    (void)state;
    skip_under_valgrind();
    const plant planted = noisy();
    for (int ended = 0; ended < 2; ended++) {
        ch_run_table table;
        ch_fit free_fit, fixed;
        char fix[160];
        plant_table(&planted, 1, &table);
        if (ended) {
            end_some(&table, 0x1p26);
        }
        fit_held(&free_fit, &table, (held){0});
        const ch_fit_group *one = &free_fit.groups[0];
        snprintf(fix, sizeof fix, "gamma=%.17g,b=%.17g", one->weight_change.train_exponent, one->time.train_exponent);
        fit_held(&fixed, &table, (held){.fix = fix});
        const ch_fit_group *two = &fixed.groups[0];
        assert_close(two->weight_change.temp_exponent, one->weight_change.temp_exponent, 1e-10);
        assert_close(two->time.temp_exponent, one->time.temp_exponent, 1e-6);
        assert_close(two->time.log_amplitude, one->time.log_amplitude, 1e-6);
        assert_true(two->time.train_exponent == one->time.train_exponent);
        const ch_exponent *b = find_exponent(two, "b", NULL);
        assert_int_equal(b->held, CH_HELD_FIXED);
        assert_true(b->estimate.stderr_ == 0 && b->estimate.lo == b->estimate.value);
        ch_fit_free(&fixed);
        release(&free_fit, &table);
    }
}

/* T is sampled along with P, so that the errors of delta and gamma are correlated. Where delta is fixed, the variance
 * of gamma is that of the slope in P alone, which is less than a tenth. */
static void test_fixing_helps(void **state)
{
    (void)state;
    plant planted = noisy();
    planted.set_noise = planted.set_train_noise = 0;
    planted.num_sets = 20;
    ch_run_table table;
    ch_fit free_fit, fixed;
    plant_table(&planted, 1, &table);
    size_t kept = 0;
    for (size_t i = 0; i < table.count; i++) { /* keeps T / P within a factor of two */
        const double ratio = table.runs[i].settings.temp * 0x1p12 / (double)table.runs[i].settings.train;
        if (ratio == 1 || ratio == 0.5) {
            table.runs[kept++] = table.runs[i];
        }
    }
    table.count = kept;
    fit_held(&free_fit, &table, (held){0});
    fit_held(&fixed, &table, (held){.fix = "delta=1"});
    const ch_estimate *before = &find_exponent(&free_fit.groups[0], "gamma", NULL)->estimate;
    const ch_estimate *after = &find_exponent(&fixed.groups[0], "gamma", NULL)->estimate;
    assert_in(after->stderr_, 1e-6, 0.5 * before->stderr_);
    assert_in(after->value, 0.5 - 5 * after->stderr_, 0.5 + 5 * after->stderr_);
    assert_true(find_exponent(&fixed.groups[0], "delta", NULL)->estimate.value == 1);
    ch_fit_free(&fixed);
    release(&free_fit, &table);
}

/* A fit that needs two T, or T and P that vary apart from each other, needs them no longer where delta is fixed. */
static void test_fixed_in_place_of_data(void **state)
{
    (void)state;
    plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    planted.num_temps = 1;
    plant_table(&planted, 1, &table);
    fit_held(&fit, &table, (held){.fix = "delta=1"});
    const ch_fit_group *group = &fit.groups[0];
    assert_int_equal(find_exponent(group, "delta", NULL)->held, CH_HELD_FIXED);
    assert_close(exponent_value(group, "gamma", NULL), 0.5, 1e-10);
    assert_in(group->weight_change.log_amplitude, -1e-9, 1e-9);
    assert_true(has_note(group, "no time_delta: it needs two values of T") && !has_note(group, "no delta"));
    assert_close(find_by_method(group, "a", "escape", "joint")->estimate.value, 0.5, 1e-10);
    release(&fit, &table);
    planted.num_temps = planted.num_trains;
    plant_table(&planted, 1, &table);
    size_t kept = 0;
    for (size_t i = 0; i < table.count; i++) { /* only T = P / 2^13 is kept */
        if (table.runs[i].settings.temp * 0x1p13 == (double)table.runs[i].settings.train) {
            table.runs[kept++] = table.runs[i];
        }
    }
    table.count = kept;
    fit_held(&fit, &table, (held){.fix = "delta=1", .tie = "time_delta=delta"});
    assert_close(exponent_value(&fit.groups[0], "gamma", NULL), 0.5, 1e-10);
    assert_close(exponent_value(&fit.groups[0], "b", NULL), 2, 1e-10);
    assert_false(has_note(&fit.groups[0], "vary together"));
    release(&fit, &table);
}

static void test_bounds(void **state)
{
    (void)state;
    const plant planted = noisy();
    ch_run_table table;
    ch_fit free_fit, wide, tight;
    plant_table(&planted, 1, &table);
    fit_held(&free_fit, &table, (held){0});
    fit_held(&wide, &table, (held){.bound = "gamma=-1:3,b=:9,delta=0:2"});
    for (size_t i = 0; i < free_fit.groups[0].num_exponents; i++) {
        const ch_exponent *one = &free_fit.groups[0].exponents[i], *two = &wide.groups[0].exponents[i];
        assert_memory_equal(&one->estimate, &two->estimate, sizeof one->estimate);
        assert_int_equal(two->held, CH_HELD_NOT);
    }
    fit_held(&tight, &table, (held){.bound = "gamma=0.75:,b=1.5:2.5"});
    const ch_fit_group *group = &tight.groups[0];
    const ch_exponent *gamma = find_exponent(group, "gamma", NULL), *b = find_exponent(group, "b", NULL);
    assert_true(gamma->estimate.value == 0.75 && isnan(gamma->estimate.stderr_));
    assert_int_equal(gamma->held, CH_HELD_BOUND);
    assert_true(has_note(group, "gamma lies at its bound 0.75"));
    assert_int_equal(b->held, CH_HELD_NOT);
    assert_true(b->estimate.value == exponent_value(&free_fit.groups[0], "b", NULL));
    assert_in(b->estimate.lo, 1.5, 2);
    assert_in(b->estimate.hi, 2, 2.5);
    assert_int_equal(find_by_method(group, "a", "escape", "joint")->held, CH_HELD_BOUND);
    ch_fit_free(&wide);
    ch_fit_free(&tight);
    release(&free_fit, &table);
}

static void test_ties(void **state)
{
    (void)state;
    const plant planted = noisy();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    fit_held(&fit, &table, (held){.tie = "time_delta=delta,b=1+2*gamma"});
    const ch_fit_group *group = &fit.groups[0];
    const ch_exponent *delta = find_exponent(group, "delta", NULL), *gamma = find_exponent(group, "gamma", NULL);
    const ch_exponent *time_delta = find_exponent(group, "time_delta", NULL), *b = find_exponent(group, "b", NULL);
    assert_int_equal(time_delta->held, CH_HELD_TIED);
    assert_true(time_delta->estimate.value == delta->estimate.value);
    assert_close(time_delta->estimate.stderr_, delta->estimate.stderr_, 1e-12);
    assert_close(b->estimate.value, 1 + 2 * gamma->estimate.value, 1e-12);
    assert_close(b->estimate.stderr_, 2 * gamma->estimate.stderr_, 1e-9);
    ch_fit_free(&fit);
    for (size_t i = 0; i < table.count; i++) {
        if (table.runs[i].settings.temp > 0.125) {
            table.runs[i].status = CH_DIVERGED;
        }
    }
    fit_held(&fit, &table, (held){.tie = "time_delta=delta"});
    assert_true(isnan(fit.groups[0].time.train_exponent));
    assert_true(
        has_note(&fit.groups[0], "no time_delta, no b: the exponents that they are tied to could not be fitted"));
    release(&fit, &table);
}

/* ---- onset ---- */

static void test_sharpness(void **state)
{
    (void)state;
    const plant planted = bent();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    fit_held(&fit, &table, (held){.fix = "sharpness=1.2"});
    for (size_t i = 0; i < 4; i++) {
        assert_close(fit.groups[0].tc[i].crossover.sharpness, 1.2, 1e-12);
        assert_close(fit.groups[0].tc[i].estimate.value, planted.tc, 0.1);
        assert_true(fit.groups[0].tc[i].estimate.stderr_ > 0);
    }
    const ch_critical_law *law = &fit.groups[0].joint[CH_TC_ONSET];
    assert_true(law->held_sharpness == CH_HELD_FIXED && law->sharpness.stderr_ == 0);
    assert_true(law->sharpness.value == 1.2);
    ch_fit_free(&fit);
    fit_held(&fit, &table, (held){.bound = "sharpness=2:8"});
    for (size_t i = 0; i < 4; i++) {
        assert_close(fit.groups[0].tc[i].crossover.sharpness, 2, 1e-12);
    }
    assert_true(fit.groups[0].joint[CH_TC_ONSET].sharpness.value == 2);
    assert_int_equal(fit.groups[0].joint[CH_TC_ONSET].held_sharpness, CH_HELD_BOUND);
    assert_true(has_note(&fit.groups[0], "the onset's sharpness lies at its bound 2"));
    release(&fit, &table);
}

/* With sharpness=joint, the T_c of all P share the m of the joint law, in every replica too. Then the line through them
 * agrees with the joint law in value and error, up to weights. Where there is no joint law, each P has its own m. */
static void test_tied_sharpness(void **state)
{
    (void)state;
    plant planted = bent();
    ch_run_table table;
    ch_fit free_fit, tied;
    plant_table(&planted, 1, &table);
    fit_held(&free_fit, &table, (held){0});
    fit_held(&tied, &table, (held){.tie = "sharpness=joint"});
    const ch_critical_law *law = &tied.groups[0].joint[CH_TC_ONSET];
    assert_true(law->sharpness.value == free_fit.groups[0].joint[CH_TC_ONSET].sharpness.value);
    assert_true(law->held_sharpness == CH_HELD_NOT && law->sharpness.stderr_ > 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(tied.groups[0].tc[i].place, CH_TC_INSIDE);
        assert_close(tied.groups[0].tc[i].crossover.sharpness, law->sharpness.value, 1e-12);
    }
    const ch_estimate *slope = &find_exponent(&tied.groups[0], "a", "onset")->estimate;
    const ch_estimate *free_slope = &find_exponent(&free_fit.groups[0], "a", "onset")->estimate;
    assert_in(slope->value - law->exponent.value, -0.05 * law->exponent.stderr_, 0.05 * law->exponent.stderr_);
    assert_close(slope->stderr_, law->exponent.stderr_, 0.05);
    assert_true(fabs(free_slope->value - law->exponent.value) > 0.1 * law->exponent.stderr_);
    ch_fit_free(&tied);
    release(&free_fit, &table);
    planted.num_trains = 1;
    plant_table(&planted, 1, &table);
    fit_held(&tied, &table, (held){.tie = "sharpness=joint"});
    assert_int_equal(tied.groups[0].tc[0].place, CH_TC_INSIDE);
    assert_true(has_note(&tied.groups[0], "the onset's sharpness is not tied"));
    release(&tied, &table);
}

/* Where a and m are fixed, the data determine T_c alone. Its error at P = 1 is far less than half of the free fit's. */
static void test_fixed_a(void **state)
{
    (void)state;
    skip_under_valgrind();
    const plant planted = bent();
    ch_run_table table;
    ch_fit free_fit, fixed, bound;
    plant_table(&planted, 1, &table);
    fit_held(&free_fit, &table, (held){0});
    fit_held(&fixed, &table, (held){.fix = "a=0,delta=1"});
    fit_held(&bound, &table, (held){.bound = "a=0.1:0.2"});
    const ch_critical_law *one = &free_fit.groups[0].joint[CH_TC_ONSET];
    const ch_critical_law *two = &fixed.groups[0].joint[CH_TC_ONSET];
    assert_true(two->exponent.value == 0 && two->exponent.stderr_ == 0);
    assert_in(two->prefactor.stderr_ / two->prefactor.value, 1e-6, 0.5 * one->prefactor.stderr_ / one->prefactor.value);
    assert_in(log(two->prefactor.value / planted.tc), -0.1, 0.1);
    const ch_exponent *a = find_by_method(&fixed.groups[0], "a", "onset", "joint");
    assert_int_equal(a->held, CH_HELD_FIXED);
    assert_int_equal(find_exponent(&fixed.groups[0], "a", "onset")->held, CH_HELD_NOT);
    assert_true(bound.groups[0].joint[CH_TC_ONSET].exponent.value == 0.1);
    assert_int_equal(bound.groups[0].joint[CH_TC_ONSET].held_a, CH_HELD_BOUND);
    ch_fit_free(&bound);
    ch_fit_free(&fixed);
    release(&free_fit, &table);
}

/* ---- reports ---- */

static void test_reports(void **state)
{
    (void)state;
    const plant planted = bent();
    ch_run_table table;
    ch_fit fit;
    char *text = NULL;
    size_t size = 0;
    plant_table(&planted, 1, &table);
    fit_held(&fit, &table, (held){.fix = "delta=1", .bound = "gamma=0.75:", .tie = "time_delta=delta"});
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    ch_fit_print(&fit, out);
    ch_fit_print_csv(&fit, out);
    ch_fit_print_latex(&fit, out);
    assert_int_equal(fclose(out), 0);
    static const char *const words[] = {
        "δ    ‖Δw‖ ~ T^δ                  1             fixed        —      1      —\n",
        "0.7500 ± —      at its bound",
        "delta,,,1,0,1,1,1,,,fixed,\n",
        "gamma,,,0.75,,,,0.5,,,bound,\n",
        "time_delta,,,1,0,1,1,1,,,tied,\n",
        "$1$ (fixed) & $0.7500$",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(text, words[i]) == NULL) {
            fail_msg("\"%s\" is not in\n%s", words[i], text);
        }
    }
    free(text);
    json_t *report = ch_fit_json(&fit);
    assert_non_null(report);
    const json_t *exponents = json_object_get(report, "exponents"), *held_ones = json_object_get(report, "held");
    static const char *const kinds[] = {"fixed", "bound", "tied", NULL};
    for (size_t i = 0; i < 4; i++) {
        const char *kind = json_string_value(json_object_get(json_array_get(exponents, i), "held"));
        assert_true(is_same_word(kind, kinds[i]));
    }
    assert_int_equal(json_object_size(held_ones), 3);
    assert_true(json_real_value(json_object_get(json_object_get(held_ones, "delta"), "fixed")) == 1);
    assert_true(json_is_null(json_array_get(json_object_get(json_object_get(held_ones, "gamma"), "bound"), 1)));
    assert_string_equal(json_string_value(json_object_get(json_object_get(held_ones, "time_delta"), "tied_to")),
                        "delta");
    json_decref(report);
    release(&fit, &table);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_minimise_within), cmocka_unit_test(test_fixed_at_the_minimum),
        cmocka_unit_test(test_fixing_helps),    cmocka_unit_test(test_fixed_in_place_of_data),
        cmocka_unit_test(test_bounds),          cmocka_unit_test(test_ties),
        cmocka_unit_test(test_sharpness),       cmocka_unit_test(test_tied_sharpness),
        cmocka_unit_test(test_fixed_a),         cmocka_unit_test(test_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
