/* test_chart_numbers.c — figures of numbers of a fit: what stands where for planted groups, theory beside it, and what
 * is refused. */
/* its points are no part of any interface */
#include "plots/numbers.c"

#include "tests/alloc_fail.h"
#include "tests/fit_support.h"

#include <gsl/gsl_errno.h>
#include <unistd.h>

/* Groups at chi = 0, 1, 3 and two dimensions, in a mixed order, with gamma = 1 / (1 + chi) and T_c = 2^-11. */
enum { GROUPS = 6, SETS = 4, TRAINS = 4, TEMPS = 14 };
static const double chis[GROUPS] = {3, 0, 1, 0, 3, 1};
static const uint64_t dims[GROUPS] = {16, 16, 32, 32, 32, 16};

static void plant_groups(ch_run_table *all)
{
    all->runs = calloc((size_t)GROUPS * SETS * TRAINS * TEMPS, sizeof *all->runs);
    assert_non_null(all->runs);
    all->count = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        plant planted = plant_crossover();
        ch_run_table table;
        planted.gamma = 1 / (1 + chis[g]);
        planted.tc = ldexp(1, -11);
        planted.first_temp = -16;
        planted.num_temps = TEMPS;
        planted.num_trains = TRAINS;
        planted.num_sets = SETS;
        planted.set_train_noise = 0.02;
        plant_table(&planted, g + 1, &table);
        for (size_t i = 0; i < table.count; i++) {
            table.runs[i].settings.chi = chis[g];
            table.runs[i].settings.dim = dims[g];
            table.runs[i].final.density_chi = chis[g] + 0.01 * (double)table.runs[i].settings.seed_data;
            table.runs[i].final.density_error = 0.1;
            table.runs[i].settings.test = 1000;
            all->runs[all->count++] = table.runs[i];
        }
        free(table.runs);
    }
}

static ch_run_table runs;
static ch_fit fit;

static int make_fit(void **state)
{
    (void)state;
    gsl_set_error_handler_off();
    plant_groups(&runs);
    fit_table(&fit, &runs, 2);
    assert_int_equal(fit.num_groups, GROUPS);
    return 0;
}

static int free_fit(void **state)
{
    (void)state;
    release(&fit, &runs);
    return 0;
}

static ch_number_chart chart_of(const char *x, const char *y, const char *by)
{
    ch_number_chart chart;
    ch_chart words = {.by = CH_SETTINGS_STORED};
    assert_int_equal(ch_number_chart_parse(&chart, x, y, NULL), CH_OK);
    if (by != NULL) {
        assert_int_equal(ch_chart_by_parse(by, &words, NULL), CH_OK);
        chart.by = words.by;
    }
    return chart;
}

/* gamma against chi, a curve for each d: points ascend in chi, with the fit's own intervals. */
static void test_over_chi(void **state)
{
    (void)state;
    static const double ordered[] = {0, 1, 3, 0, 1, 3};
    const ch_number_chart chart = chart_of("chi", "gamma", "dim");
    content self = {.chart = &chart};
    assert_int_equal(find_content(&self, &fit, NULL), CH_OK);
    assert_true(self.num_marks == 6 && self.num_curves == 2 && self.num_left_out == 0);
    assert_true(self.curves[0].dim == 16 && self.curves[1].dim == 32 && !self.log_x && !self.log_y);
    for (size_t i = 0; i < 6; i++) {
        const mark *one = &self.marks[i];
        const ch_exponent *exponent = ch_fit_find_exponent(&fit.groups[one->y.place], CH_FIT_GAMMA, CH_NUM_TC);
        assert_true(one->x.value == ordered[i] && one->curve == i / 3 && one->at.dim == (i < 3 ? 16 : 32));
        assert_true(one->y.estimate.lo == exponent->estimate.lo && one->y.estimate.hi == exponent->estimate.hi);
        assert_in(one->y.estimate.value, 1 / (1 + ordered[i]) - 0.05, 1 / (1 + ordered[i]) + 0.05);
        assert_close(one->y.theory, 1 / (1 + ordered[i]), 1e-12);
        double lo, hi;
        ends_of(&one->y.estimate, true, &lo, &hi);
        assert_close(hi - lo, 2 * one->y.estimate.stderr_, 1e-9);
        ends_of(&one->y.estimate, false, &lo, &hi);
        assert_true(lo == one->y.estimate.lo && hi == one->y.estimate.hi);
    }
    assert_true(is_over_chi(&self));
    free(self.marks);
}

/* The numbers beside a figure are the fit's own, to the bit. */
static void test_numbers_beside_it(void **state)
{
    (void)state;
    const ch_number_chart chart = chart_of("chi", "gamma", "dim");
    const ch_plot_style style = {.format = CH_PLOT_SVG, .has_data = true};
    char folder[] = "/tmp/chiton-numbers-XXXXXX", path[128], line[512];
    size_t left_out, rows = 0;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(ch_plot_numbers(&fit, &chart, folder, &style, NULL, &left_out, NULL), CH_OK);
    snprintf(path, sizeof path, "%s/gamma-chi-by-dim.csv", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned dim;
        double chi, y, lo, hi;
        if (sscanf(line, ",number,%u,%lf,%lf,%lf,%lf", &dim, &chi, &y, &lo, &hi) != 5) {
            continue;
        }
        for (size_t g = 0; g < fit.num_groups; g++) {
            const ch_fit_group *group = &fit.groups[g];
            if (group->key.dim == dim && group->key.chi == chi) {
                const ch_exponent *gamma = ch_fit_find_exponent(group, CH_FIT_GAMMA, CH_NUM_TC);
                assert_true(y == gamma->estimate.value && lo == gamma->estimate.lo && hi == gamma->estimate.hi);
                rows++;
            }
        }
    }
    fclose(file);
    assert_int_equal(rows, GROUPS);
    assert_int_equal(remove(path), 0);
    snprintf(path, sizeof path, "%s/gamma-chi-by-dim.svg", folder);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* The chi that was measured is an x, with its interval; theory is a curve over it. Exponents of theory in closed form:
 * gamma = a = 1 / (1 + chi), b = 1 + 2 gamma. */
static void test_measured_chi(void **state)
{
    (void)state;
    const ch_number_chart chart = chart_of("density_chi", "b", NULL);
    content self = {.chart = &chart};
    assert_int_equal(find_content(&self, &fit, NULL), CH_OK);
    assert_true(self.num_marks == 6 && self.num_curves == 1 && is_over_chi(&self));
    for (size_t i = 0; i < 6; i++) {
        const mark *one = &self.marks[i];
        assert_close(one->x.value, one->at.chi + 0.015, 1e-9); /* the mean over data sets 0 to 3 */
        assert_true(one->x.hi > one->x.lo && (i == 0 || one->x.value >= self.marks[i - 1].x.value));
    }
    free(self.marks);
    for (double chi = -0.5; chi < 4; chi += 0.25) {
        assert_close(theory_at(ch_fit_name_find("gamma"), chi), 1 / (1 + chi), 1e-12);
        assert_close(theory_at(ch_fit_name_find("b"), chi), 1 + 2 / (1 + chi), 1e-12);
        assert_close(theory_at(ch_fit_name_find("a_escape"), chi), 1 / (1 + chi), 1e-12);
        assert_close(theory_at(ch_fit_name_find("delta"), chi), 1, 1e-12);
    }
    assert_true(isnan(theory_at(ch_fit_name_find("a_onset"), 1)) && isnan(theory_at(ch_fit_name_find("gamma"), -1)));
}

/* T_c at every P, on logarithmic axes. */
static void test_over_trains(void **state)
{
    (void)state;
    ch_number_chart chart = chart_of("train", "tc_onset", "chi");
    content self = {.chart = &chart};
    ch_error err = {0};
    /* two dimensions at each P and chi */
    assert_int_equal(find_content(&self, &fit, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "groups with the same train differ in dim: choose those of one dim by --where, "
                                        "or draw a curve for each by --by dim instead of chi"));
    free(self.marks);
    chart = chart_of("dim", "tc_onset", "train");
    self = (content){.chart = &chart};
    assert_int_equal(find_content(&self, &fit, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "differ in chi"));
    free(self.marks);
    chart = chart_of("tc_escape", "tc_onset", NULL);
    self = (content){.chart = &chart};
    const ch_code code = find_content(&self, &fit, &err);
    assert_true(code == CH_OK || strstr(err.message, "no group has a tc_onset and an x") != NULL);
    for (size_t i = 0; i < self.num_marks; i++) {
        const mark *one = &self.marks[i];
        assert_true(one->at.train == one->y.train);
        assert_in(one->y.estimate.value, ldexp(0.7, -11), ldexp(1.4, -11));
    }
    assert_true(self.num_marks + self.num_left_out == GROUPS * TRAINS);
    free(self.marks);
}

static void assert_refuses(const char *x, const char *y, const char *says)
{
    ch_number_chart chart;
    ch_error err = {0};
    assert_int_equal(ch_number_chart_parse(&chart, x, y, &err), CH_ERROR_INPUT);
    if (strstr(err.message, says) == NULL) {
        fail_msg("--x %s --y %s: '%s' does not say '%s'", x, y, err.message, says);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refuses("temp", "gamma", "--x is temp, but gamma is a number of all runs of a group");
    assert_refuses("seed", "gamma", "--x is seed");
    assert_refuses("loss", "gamma", "--x is loss");
    assert_refuses("nonsense", "gamma", "--x is nonsense, but must be a setting, or a number of a fit: delta, gamma");
    assert_refuses("chi", "nonsense", "--y is nonsense");
    assert_refuses("chi", "tc", "choose tc_onset, tc_escape, tc_error_shift or tc_error_half");
    assert_refuses("chi_density", "k", "have nothing in common");
}

static void test_memory(void **state)
{
    (void)state;
    const ch_number_chart chart = chart_of("density_chi", "gamma", "dim");
    ch_error err;
    long failed = 0;
    content self = {.chart = &chart};
    assert_failures_are_told(failed, find_content(&self, &fit, &err), err,
                             (free(self.marks), self = (content){.chart = &chart}));
    assert_true(failed >= 3 && self.num_marks == 6);
    free(self.marks);
}

/* The page has the points, theory's curve, and both keys. */
static void test_page(void **state)
{
    (void)state;
    const ch_number_chart chart = chart_of("chi", "gamma", "dim");
    content self = {.chart = &chart};
    char *text = NULL;
    size_t length = 0;
    const ch_plot_style style = {.panel = 'a'};
    assert_int_equal(find_content(&self, &fit, NULL), CH_OK);
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ch_sheet sheet = ch_sheet_new(&style, out, out);
    assert_int_equal(write_page(NULL, &self, &sheet, NULL), CH_OK);
    fclose(out);
    assert_non_null(strstr(text, "theory, P → ∞"));
    assert_non_null(strstr(text, "γ  (‖Δw‖ ∝ P^γ)"));
    assert_non_null(strstr(text, "dimension d ="));
    assert_null(strstr(text, "expected at these")); /* nothing was expected of this fit */
    free(text);
    free(self.marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_chi),     cmocka_unit_test(test_numbers_beside_it),
        cmocka_unit_test(test_measured_chi), cmocka_unit_test(test_over_trains),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_memory),
        cmocka_unit_test(test_page),
    };
    return cmocka_run_group_tests_name("charts of numbers", tests, make_fit, free_fit);
}
