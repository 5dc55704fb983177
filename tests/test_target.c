/* test_target.c — targets of a sweep: their names, what a fit says of them, the rule that adds data sets, and how often
 * intervals hold the truth that were made by it. */
#include "fit/target.h"
#include "tests/alloc_fail.h"
#include "tests/fit_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>

/* ---- names ---- */

static void assert_refuses(const char *text, const char *says)
{
    ch_target_list list;
    ch_error err = {0};
    assert_int_equal(ch_target_list_parse(&list, text, &err), CH_ERROR_INPUT);
    if (strstr(err.message, says) == NULL) {
        fail_msg("%s: '%s' does not say '%s'", text, err.message, says);
    }
}

static void test_parse(void **state)
{
    (void)state;
    ch_target_list list;
    ch_error err = {0};
    assert_int_equal(ch_target_list_parse(&list, "gamma=0.01,tc_onset=5%,k=2^-3", &err), CH_OK);
    assert_int_equal(list.count, 3);
    assert_string_equal(ch_target_word(&list.items[1]), "tc_onset");
    assert_true(list.items[0].width == 0.01 && !list.items[0].is_relative);
    assert_true(list.items[1].width == 0.05 && list.items[1].is_relative);
    assert_true(list.items[2].width == 0.125 && !list.items[2].is_relative);
    assert_refuses("gama=0.01", "no number 'gama'; accepted are delta, gamma");
    assert_refuses("gama=0.01", "kernel_border"); /* the list is whole */
    assert_refuses("", "no number ''");
    assert_refuses("gamma=1,", "no number ''");
    assert_refuses("gamma", "'gamma' is not accepted");
    assert_refuses("gamma=", "'gamma=' is not accepted");
    assert_refuses("gamma=%", "'gamma=%' is not accepted");
    assert_refuses("gamma=0", "positive, as gamma=0.01");
    assert_refuses("gamma=-1", "positive");
    assert_refuses("gamma=nan", "positive");
    assert_refuses("gamma=1e400", "positive");
    assert_refuses("gamma=1%%", "positive");
    assert_refuses("gamma=1,b=1,gamma=2", "gamma is named twice");
}

/* Every number of a fit that has an interval can be a target, by the name that reports give it. */
static void test_names(void **state)
{
    (void)state;
    for (int k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
        const ch_fit_number_row *row = &ch_fit_numbers[k];
        for (ch_tc_definition d = 0; d < CH_NUM_TC && k != CH_FIT_SHARPNESS; d++) {
            char name[64];
            snprintf(name, sizeof name, "%s%s%s", row->name, row->has_definition ? "_" : "",
                     row->has_definition ? ch_tc_definition_name(d) : "");
            assert_true(ch_fit_name_find(name) != NULL);
        }
    }
    for (ch_tc_definition d = 0; d < CH_NUM_TC; d++) {
        char name[64];
        snprintf(name, sizeof name, "tc_%s", ch_tc_definition_name(d));
        assert_true(ch_fit_name_find(name) != NULL);
    }
    for (int s = 0; s < CH_NUM_SHAPES; s++) {
        char name[64];
        snprintf(name, sizeof name, "gamma_%s", ch_trend_shape_name((ch_trend_shape)s));
        assert_true(ch_fit_name_find(name) != NULL);
    }
}

/* ---- how many data sets ---- */

/* Compared with a search through all numbers, and with a value made by hand: half of the interval of n data sets is
 * t s / sqrt(n) with t = 2.26216 for 10 and 2.02269 for 40; for s = 1 these are 0.71536 and 0.31982. */
static void test_needed(void **state)
{
    (void)state;
    assert_true(ch_target_needed(0.71536, 0.31983, 10) == 40);
    assert_true(ch_target_needed(0.71535, 0.3198, 10) == 41);
    static const double ratios[] = {0.2, 0.9, 1, 1.0001, 1.3, 2, 7.77, 40};
    static const size_t counts[] = {2, 3, 10, 15, 160};
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            const double n = (double)counts[k], error = ratios[i] * sqrt(n) / gsl_cdf_tdist_Pinv(0.975, n - 1);
            double least = 2;
            while (!(error * gsl_cdf_tdist_Pinv(0.975, least - 1) / sqrt(least) <= 1 + 1e-12) && least < 20000) {
                least++;
            }
            if (least < 20000) {
                assert_in(ch_target_needed(ratios[i], 1, counts[k]), least - 0.5, least + 0.5);
            }
        }
    }
    assert_true(isnan(ch_target_needed(NAN, 1, 10)) && isnan(ch_target_needed(1, 0, 10)));
    assert_true(isnan(ch_target_needed(1, 1, 1)));
    assert_true(ch_target_needed(1e12, 1e-12, 10) >= 1e15);
}

/* ---- the rule ---- */

static ch_target_verdict decide(ch_target_course *course, ch_target_state *items, size_t count)
{
    const ch_target_states states = {.items = items, .count = count};
    for (size_t i = 0; i < count; i++) {
        items[i].num_sets = course->num_sets;
    }
    return ch_target_decide(course, &states);
}

static void test_rule(void **state)
{
    (void)state;
    ch_target_state met = {.is_met = true, .num_found = 1}, wide = {.needed = 14, .num_found = 1};
    ch_target_state hidden = {.needed = NAN, .is_absent = true, .num_found = 1};
    ch_target_state none = {.needed = NAN, .is_absent = true};
    ch_target_course course = {10, 160, 10, false};
    /* not met: as many as are needed, a quarter more at least, twice as many at most */
    ch_target_state both[] = {met, wide};
    assert_int_equal(decide(&course, both, 2), CH_TARGET_GOES_ON);
    assert_true(course.num_sets == 14 && !course.was_met);
    both[1].needed = 15;
    assert_int_equal(decide(&course, both, 2), CH_TARGET_GOES_ON);
    assert_int_equal(course.num_sets, 18);
    both[1].needed = 1000;
    assert_int_equal(decide(&course, both, 2), CH_TARGET_GOES_ON);
    assert_int_equal(course.num_sets, 36);
    /* met: half as many fresh ones confirm it; where they do not, it goes on */
    ch_target_state all[] = {met, met};
    assert_int_equal(decide(&course, all, 2), CH_TARGET_GOES_ON);
    assert_true(course.num_sets == 54 && course.was_met);
    ch_target_course other = course;
    assert_int_equal(decide(&other, both, 2), CH_TARGET_GOES_ON);
    assert_true(other.num_sets == 108 && !other.was_met);
    assert_int_equal(decide(&course, all, 2), CH_TARGET_REACHED);
    assert_int_equal(course.num_sets, 54);
    /* the limit */
    assert_int_equal(decide(&other, both, 2), CH_TARGET_GOES_ON);
    assert_int_equal(other.num_sets, 160);
    assert_int_equal(decide(&other, both, 2), CH_TARGET_AT_LIMIT);
    assert_int_equal(decide(&other, all, 2), CH_TARGET_REACHED);
    /* without an interval: twice the data sets, and given up when these do not help; the others go on */
    ch_target_state lost[] = {hidden, wide};
    course = (ch_target_course){10, 160, 10, false};
    assert_int_equal(decide(&course, lost, 2), CH_TARGET_GOES_ON);
    assert_int_equal(course.num_sets, 20);
    lost[1].needed = 25;
    assert_int_equal(decide(&course, lost, 2), CH_TARGET_GOES_ON);
    assert_int_equal(course.num_sets, 25);
    lost[1] = met;
    assert_int_equal(decide(&course, lost, 2), CH_TARGET_GOES_ON);
    assert_true(course.num_sets == 38 && course.was_met);
    assert_int_equal(decide(&course, lost, 2), CH_TARGET_LOST);
    /* a number that the fit has not: nothing is added for it */
    course = (ch_target_course){10, 160, 10, false};
    assert_int_equal(decide(&course, &none, 1), CH_TARGET_LOST);
    /* noise hides it, and the fit knows how many data sets it takes */
    ch_target_state known = {.needed = 17, .num_found = 1};
    assert_int_equal(decide(&course, &known, 1), CH_TARGET_GOES_ON);
    assert_int_equal(course.num_sets, 17);
}

/* ---- what a fit says ---- */

static void look(ch_target_states *states, ch_target_list *targets, const ch_fit *fit, const char *text)
{
    ch_error err = {0};
    if (ch_target_list_parse(targets, text, &err) != CH_OK || ch_target_look(states, targets, fit, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

/* The states have the widths and labels of the fit's own numbers. Of T_c at every P it is the worst that counts. */
static void test_look(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    ch_run_table table;
    ch_fit fit;
    ch_target_list targets;
    ch_target_states states;
    planted.set_noise = planted.run_noise = 0.05;
    planted.num_sets = 10;
    fit_plant(&fit, &table, &planted);
    const ch_fit_group *group = &fit.groups[0];
    look(&states, &targets, &fit,
         "gamma=1e-6,tc_onset=1%,a=1000,k=1,tc_error_half=1,chi_gamma=1,x_weight_change=0.5,gamma_power=1");
    assert_int_equal(states.count, 8);
    const ch_target_state *gamma = &states.items[0], *onset = &states.items[1], *a = &states.items[2];
    const ch_exponent *exponent = ch_fit_find_exponent(group, CH_FIT_GAMMA, CH_NUM_TC);
    assert_string_equal(gamma->group, "chi = 1, dim = 16");
    assert_true(gamma->width == (exponent->estimate.hi - exponent->estimate.lo) / 2 && gamma->wanted == 1e-6);
    assert_true(!gamma->is_met && gamma->num_found == 1 && gamma->num_sets == 10);
    assert_true(gamma->needed == ch_target_needed(gamma->width, 1e-6, 10));
    double worst = 0;
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_estimate *tc = &group->tc[i].estimate;
        if (group->tc[i].definition == CH_TC_ONSET) {
            worst = fmax(worst, (tc->hi - tc->lo) / 2 / tc->value);
        }
    }
    assert_true(onset->num_found == 4 && worst > 0.01 && !onset->is_met);
    assert_close(onset->width / onset->estimate.value, worst, 1e-12);
    assert_close(onset->wanted, 0.01 * onset->estimate.value, 1e-12);
    assert_non_null(strstr(onset->what, "tc_onset at P = 2^1"));
    assert_true(a->is_met && a->num_found >= 2); /* by onset and by escape */
    assert_non_null(strstr(a->what, "a by "));
    assert_true(states.items[3].is_absent && states.items[3].num_found == 0); /* there is one alpha */
    assert_true(states.items[4].is_absent && !states.items[4].is_met);        /* no test error was measured */
    for (size_t i = 5; i < 8; i++) {
        assert_true(states.items[i].num_found == 1 && states.items[i].is_met);
    }
    ch_target_states_free(&states);
    release(&fit, &table);
}

/* A failing allocation is told, of every kind of number, and of the list. */
static void test_memory(void **state)
{
    (void)state;
    plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_target_list targets;
    ch_target_states states = {0};
    ch_error err;
    long failed;
    planted.num_sets = 3;
    planted.set_noise = 0.1;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, 1);
    assert_failures_are_told(failed, ch_target_list_parse(&targets, "gamma=1,x_weight_change=1,temp_opt=1,tc=1", &err),
                             err, (void)0);
    assert_int_equal(failed, 1);
    assert_failures_are_told(failed, ch_target_look(&states, &targets, &fit, &err), err,
                             ch_target_states_free(&states));
    assert_true(failed >= 5 && states.count == 4);
    ch_target_states_free(&states);
    release(&fit, &table);
}

/* ---- coverage ---- */

/* Data sets whose numbers are normal, of mean 0 and deviation 1: a fit's estimate is their mean. */
typedef struct {
    double sum, squares;
    size_t count;
} sample;

static void draw(sample *self, size_t count, const gsl_rng *random)
{
    while (self->count < count) {
        const double x = gsl_ran_ugaussian(random);
        self->sum += x;
        self->squares += x * x;
        self->count++;
    }
}

static double mean_of(const sample *self)
{
    return self->sum / (double)self->count;
}

static double half_width(const sample *self)
{
    const double n = (double)self->count, mean = mean_of(self);
    const double error = sqrt((self->squares - n * mean * mean) / (n - 1) / n);
    return gsl_cdf_tdist_Pinv(0.975, n - 1) * error;
}

/* Adds data sets by the rule until half of the interval is `wanted`.  @return whether the interval holds 0 */
static bool holds_truth(double wanted, const gsl_rng *random, double *num_sets)
{
    ch_target_course course = {10, 1600, 10, false};
    ch_target_verdict verdict = CH_TARGET_GOES_ON;
    sample drawn = {0};
    double width = NAN;
    while (verdict == CH_TARGET_GOES_ON) {
        draw(&drawn, course.num_sets, random);
        width = half_width(&drawn);
        ch_target_state state = {.num_sets = drawn.count,
                                 .num_found = 1,
                                 .is_met = width <= wanted,
                                 .needed = ch_target_needed(width, wanted, drawn.count)};
        verdict = decide(&course, &state, 1);
    }
    assert_true(verdict == CH_TARGET_REACHED && width <= wanted);
    *num_sets += (double)drawn.count;
    return fabs(mean_of(&drawn)) <= width;
}

/* Targets of 0.3 to 1.2 times what ten data sets give on average. Over 20,000 sequences each the coverage was 94.2 to
 * 94.9 %; stopping as soon as a target is met gave 93.5 % at the worst. Here 2,000 sequences each (8,000 under `make
 * check-long`): the mean of all five shares is within 4 standard deviations (0.22 %, 0.11 %) of 94.5 %; false alarms
 * 6e-5. */
static void test_coverage(void **state)
{
    (void)state;
    static const double ratios[] = {0.3, 0.5, 0.7, 0.9, 1.2};
    const size_t count = is_long() ? 8000 : is_sanitized() ? 200 : 2000;
    double all = 0;
    ch_random stream;
    ch_random_init(&stream, 3, CH_STREAM_BOOTSTRAP, 0);
    const gsl_rng random = ch_random_gsl(&stream);
    for (size_t i = 0; i < 5; i++) {
        const double wanted = ratios[i] * gsl_cdf_tdist_Pinv(0.975, 9) / sqrt(10);
        double covered = 0, num_sets = 0;
        for (size_t k = 0; k < count; k++) {
            covered += holds_truth(wanted, &random, &num_sets);
        }
        print_message("    target %.1f of ten data sets: %.2f %%, %.1f data sets\n", ratios[i],
                      100 * covered / (double)count, num_sets / (double)count);
        all += covered / (double)count / 5;
    }
    assert_in(all, 0.945 - 4 * sqrt(0.945 * 0.055 / (5.0 * (double)count)),
              0.945 + 4 * sqrt(0.945 * 0.055 / (5.0 * (double)count)));
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),    cmocka_unit_test(test_names), cmocka_unit_test(test_needed),
        cmocka_unit_test(test_rule),     cmocka_unit_test(test_look),  cmocka_unit_test(test_memory),
        cmocka_unit_test(test_coverage),
    };
    return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
