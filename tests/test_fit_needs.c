/* test_fit_needs.c — no exponent, shape or error without what it needs, and marks on what rests on little. */
#include "fit/errors/estimate.h"
#include "fit/reports/reports.h"
#include "tests/fit_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

/* Keeps only the runs of some (P, T).  @param keeps  whether to keep the runs at indices p and t */
static void keep(const plant *self, ch_run_table *table, bool (*keeps)(int p, int t))
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        const int p = (int)lrint(log2((double)table->runs[i].settings.train)) - self->first_train;
        const int t = (int)lrint(log2(table->runs[i].settings.temp)) - self->first_temp;
        if (keeps(p, t)) {
            table->runs[kept++] = table->runs[i];
        }
    }
    table->count = kept;
}

static bool along_a_line(int p, int t)
{
    return p == t;
}

/* One T at each P, but on no straight line in the logarithms. */
static bool along_a_curve(int p, int t)
{
    static const int temps[] = {0, 1, 3, 4, 2};
    return t == temps[p];
}

/* Two T at each P that no other P has. */
static bool in_steps(int p, int t)
{
    return t / 2 == p;
}

/* Where P and T vary together, as in a zip sweep, there is no exponent, no shape and no a, also where the logarithms
 * are linearly independent. With one T that two P share and one P that has two T there are exponents. */
static void test_nothing_where_p_and_t_vary_together(void **state)
{
    (void)state;
    bool (*const designs[])(int p, int t) = {along_a_line, along_a_curve, in_steps};
    for (size_t k = 0; k < sizeof designs / sizeof *designs; k++) {
        plant planted = plant_default();
        planted.run_noise = 0.05;
        planted.num_temps = 10;
        ch_run_table table;
        ch_fit fit;
        plant_table(&planted, 1, &table);
        keep(&planted, &table, designs[k]);
        fit_table(&fit, &table, 50);
        const ch_fit_group *group = &fit.groups[0];
        assert_true(table.count > 0 && group->num_trains == 5);
        assert_int_equal(group->num_exponents, 0);
        assert_note(group, "no exponents: T and P vary together");
        for (int s = 0; s < CH_NUM_SHAPES; s++) {
            assert_false(group->weight_shapes.fits[s].found || group->time_shapes.fits[s].found);
        }
        assert_int_equal(group->weight_shapes.num_local, 0);
        release(&fit, &table);
    }
}

/* One data set has exponents and shapes, and no error of any kind in the table, in JSON or in CSV. */
static void test_one_data_set_has_no_errors(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.run_noise = 0.05;
    planted.num_sets = 1;
    planted.num_trains = 7;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, 50);
    const ch_fit_group *group = &fit.groups[0];
    assert_true(group->num_exponents >= 4);
    for (size_t i = 0; i < group->num_exponents; i++) {
        assert_true(isnan(group->exponents[i].estimate.stderr_) && isnan(group->exponents[i].estimate.lo));
    }
    const ch_shapes *both[] = {&group->weight_shapes, &group->time_shapes};
    for (size_t k = 0; k < 2; k++) {
        assert_true(both[k]->fits[CH_SHAPE_POWER].found && both[k]->fits[CH_SHAPE_BROKEN].found);
        for (int s = 0; s < CH_NUM_SHAPES; s++) {
            const ch_shape_fit *shape = &both[k]->fits[s];
            assert_true(isnan(shape->stderr_) && isnan(shape->lo) && isnan(shape->hi));
            assert_true(isnan(shape->extra_lo) && isnan(shape->extra_hi) && isnan(shape->misfit));
        }
        for (size_t i = 0; i < both[k]->num_local; i++) {
            assert_true(isnan(both[k]->local[i].stderr_));
        }
    }
    json_t *report = ch_fit_json(&fit);
    assert_non_null(report);
    json_decref(report);
    release(&fit, &table);
}

/* Two P that are a factor of 1.001 apart are called that, also where there are too few P for a shape. */
static void test_close_trains_are_called_that(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.num_trains = 2;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].settings.train = table.runs[i].settings.train == 1024 ? 1000 : 1001;
    }
    fit_table(&fit, &table, 20);
    assert_note(&fit.groups[0], "gamma and b come from a factor of 1.001 in P, which is under a decade");
    release(&fit, &table);
}

/* The distance in sigmas is that of a normal number: an end of the 95 % interval is 1.96 away from the value, with two
 * data sets as with a hundred. */
static void test_distance_agrees_with_the_interval(void **state)
{
    (void)state;
    static const size_t numbers[] = {2, 3, 5, 100};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const ch_estimate estimate = ch_estimate_make(1, 0.1, numbers[i]);
        assert_close(ch_estimate_distance(&estimate, estimate.hi, numbers[i]), -gsl_cdf_ugaussian_Pinv(0.975), 1e-9);
        assert_close(ch_estimate_distance(&estimate, estimate.lo, numbers[i]), gsl_cdf_ugaussian_Pinv(0.975), 1e-9);
        assert_in(ch_estimate_distance(&estimate, 1, numbers[i]), -1e-12, 1e-12);
    }
    const ch_estimate none = {1, NAN, NAN, NAN};
    assert_true(isnan(ch_estimate_distance(&none, 0, 1)));
    const ch_estimate precise = ch_estimate_make(1, 1e-6, 10000); /* a chance that no double holds */
    assert_in(ch_estimate_distance(&precise, 2, 10000), -37.6, -37.4);
    assert_in(ch_estimate_distance(&precise, 0, 10000), 37.4, 37.6);
}

/* The joint law by escape is extrapolated where ||Dw|| reaches the threshold at no sampled T; it is marked. */
static void test_extrapolated_laws_are_marked(void **state)
{
    (void)state;
    for (int far = 0; far < 2; far++) {
        plant planted = plant_default();
        planted.gamma = 0.1;
        planted.num_temps = 8;
        planted.run_noise = 0.01;
        ch_run_table table;
        ch_fit fit;
        ch_error err = {0};
        ch_fit_options options;
        ch_fit_options_default(&options);
        options.replicas = 50;
        options.threads = 1;
        options.threshold = far == 1 ? 100 : 1; /* ||Dw||/||w0|| goes from 0.06 to 9 */
        plant_table(&planted, 1, &table);
        assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
        const ch_fit_group *group = &fit.groups[0];
        assert_true(group->joint[CH_TC_ESCAPE].found);
        assert_int_equal(group->joint[CH_TC_ESCAPE].num_outside, far == 1 ? 5 : 0);
        bool noted = false;
        for (size_t i = 0; i < group->num_notes; i++) {
            noted = noted || strstr(group->notes[i], "T_c by escape, joint, is extrapolated: at 5 of 5 P") != NULL;
        }
        assert_int_equal(noted, far);
        ch_fit_free(&fit);
        free(table.runs);
    }
}

/* The two a by escape disagree where ||Dw|| is no power law of T: single T_c lie on the curve, the joint law does not.
 * Where it is one, they agree. */
static void test_methods_that_disagree_are_marked(void **state)
{
    (void)state;
    for (int bent = 0; bent < 2; bent++) {
        plant planted = plant_default();
        planted.num_temps = 8;
        planted.first_temp = -5;
        planted.gamma = 0.3;
        planted.set_noise = 0.02;
        planted.set_train_noise = 0.01;
        planted.num_sets = 8;
        ch_run_table table;
        ch_fit fit;
        plant_table(&planted, 3, &table);
        for (size_t i = 0; i < table.count; i++) {
            const double x = log(table.runs[i].settings.temp), bend = bent == 1 ? exp(-0.05 * x * x) : 1;
            table.runs[i].final.weight_change *= bend;
            table.runs[i].final.weight_change_rel *=
                0.3 * bend; /* T_c lies where the curve is flatter than on average */
        }
        fit_table(&fit, &table, 200);
        bool noted = false;
        for (size_t i = 0; i < fit.groups[0].num_notes; i++) {
            noted = noted || strstr(fit.groups[0].notes[i], "two values of a by escape disagree") != NULL;
        }
        assert_int_equal(noted, bent);
        release(&fit, &table);
    }
}

/* Where no (P, T) is complete the note says how the runs ended. */
static void test_endings_are_named(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].status = CH_DIVERGED;
    }
    fit_table(&fit, &table, 20);
    assert_note(&fit.groups[0],
                "no exponents: there is no (P, T) at which every run fitted; runs that diverged: 150 (lower T)");
    assert_int_equal(fit.groups[0].excluded[CH_EXCLUDED_DIVERGED], 150);
    assert_int_equal(fit.groups[0].excluded[CH_EXCLUDED_NO_WINDOW], 0);
    release(&fit, &table);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_where_p_and_t_vary_together),
        cmocka_unit_test(test_one_data_set_has_no_errors),
        cmocka_unit_test(test_close_trains_are_called_that),
        cmocka_unit_test(test_distance_agrees_with_the_interval),
        cmocka_unit_test(test_extrapolated_laws_are_marked),
        cmocka_unit_test(test_methods_that_disagree_are_marked),
        cmocka_unit_test(test_endings_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
