/* test_course.c — mean courses along training: planted trajectories with ends of every kind, against means by hand. */
#include "plots/course.h"

#include "models/loss.h"
#include "plots/chart_words.h"

#include "tests/alloc_fail.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Two data sets. The first has the signal t at t = 1 and 4 and ends at t = 6 with 6; the second has 2 t at t = 1, 2, 4
 * and 8, where it ends. */
typedef struct {
    ch_point points[2][4];
    ch_run runs[2];
    ch_run_table table;
} plant;

static void set_point(ch_point *point, double time, double signal, uint64_t unfitted)
{
    *point = (ch_point){.step = (uint64_t)(10 * time), .time = time, .observed = ch_observation_none()};
    point->observed.signal = signal;
    point->observed.unfitted = unfitted;
}

static void plant_init(plant *self)
{
    static const double times[2][4] = {{1, 4, 6, 0}, {1, 2, 4, 8}};
    static const uint64_t unfitted[2][4] = {{8, 4, 0, 0}, {8, 6, 4, 0}};
    *self = (plant){.table = {.count = 2}};
    for (size_t r = 0; r < 2; r++) {
        ch_run *run = &self->runs[r];
        run->status = CH_FITTED;
        ch_settings_default(&run->settings);
        run->settings.model = CH_ARCH_PERCEPTRON;
        run->settings.temp = 1;
        run->settings.seed_data = 2 - r; /* not in order */
        run->num_points = r == 0 ? 3 : 4;
        run->points = self->points[r];
        for (size_t i = 0; i < run->num_points; i++) {
            set_point(&self->points[r][i], times[r][i], (double)(r + 1) * times[r][i], unfitted[r][i]);
        }
    }
    self->table.runs = self->runs;
}

static ch_course_chart chart_of(const char *x, const char *y)
{
    ch_course_chart chart = {.by = CH_SETTINGS_STORED};
    assert_int_equal(ch_course_parse(&chart, x, y, NULL), CH_OK);
    return chart;
}

static void assert_mean(const ch_course_mean *at, double x, double mean, size_t num_sets, bool has_left)
{
    assert_close(at->x, x, 1e-12);
    assert_close(at->mean, mean, 1e-12);
    assert_int_equal(at->num_sets, num_sets);
    assert_int_equal(at->has_left, has_left);
}

/* Between points the value lies on the line over ln t, and a fitted run stays as it ended: with weights that nothing
 * moves any more. */
static void test_fitted_runs_stay(void **state)
{
    (void)state;
    plant planted;
    ch_course course;
    plant_init(&planted);
    const ch_course_chart chart = chart_of("time", "signal");
    assert_int_equal(ch_course_init(&course, &planted.table, &chart, NULL), CH_OK);
    assert_int_equal(course.num_means, 4); /* the end of the first run is none of them */
    assert_mean(&course.means[0], 1, 1.5, 2, false);
    assert_mean(&course.means[1], 2, (2.5 + 4) / 2, 2, false); /* 2 is half-way from 1 to 4 */
    assert_mean(&course.means[2], 4, 6, 2, false);
    assert_mean(&course.means[3], 8, (6 + 16) / 2.0, 2, false);
    /* one standard error of two data sets is half of their difference */
    assert_close(course.means[3].hi, 16, 1e-12);
    assert_close(course.means[3].lo, 6, 1e-12);
    ch_course_free(&course);
    const ch_course_chart steps = chart_of("step", "signal");
    assert_int_equal(ch_course_init(&course, &planted.table, &steps, NULL), CH_OK);
    assert_mean(&course.means[1], 20, 3.25, 2, false);
    ch_course_free(&course);
}

/* A run that ended otherwise, or whose weights move on, is in the mean no more. */
static void test_other_runs_leave(void **state)
{
    (void)state;
    const ch_course_chart chart = chart_of("time", "signal");
    for (int way = 0; way < 6; way++) {
        plant planted;
        ch_course course;
        plant_init(&planted);
        ch_run *run = &planted.runs[0];
        run->status = way == 0 ? CH_BUDGET : way == 1 ? CH_DIVERGED : way == 2 ? CH_STUCK : CH_FITTED;
        for (size_t r = 0; r < 2; r++) { /* both, since they are of one curve */
            planted.runs[r].settings.momentum = way == 3 ? 0.5 : 0;
            planted.runs[r].settings.weight_decay = way == 4 ? 0.1 : 0;
            planted.runs[r].settings.loss = way == 5 ? (int)CH_LOSS_MSE : (int)CH_LOSS_HINGE;
        }
        assert_int_equal(ch_course_init(&course, &planted.table, &chart, NULL), CH_OK);
        assert_int_equal(course.num_means, 4);
        assert_mean(&course.means[2], 4, 6, 2, false);
        assert_mean(&course.means[3], 8, 16, 1, true);
        ch_course_free(&course);
    }
}

/* On a logarithmic axis means are geometric, but not of numbers that are 0 at the end. A run is not in the mean before
 * it begins. */
static void test_kinds_of_means(void **state)
{
    (void)state;
    plant planted;
    ch_course course;
    plant_init(&planted);
    ch_course_chart chart = chart_of("time", "signal");
    chart.log_y = true;
    assert_int_equal(ch_course_init(&course, &planted.table, &chart, NULL), CH_OK);
    assert_true(course.is_geometric);
    assert_mean(&course.means[1], 2, sqrt(2.0 * 4), 2, false); /* half-way from ln 1 to ln 4 */
    assert_mean(&course.means[3], 8, sqrt(6.0 * 16), 2, false);
    ch_course_free(&course);
    chart = chart_of("time", "unfitted");
    chart.log_y = true;
    assert_int_equal(ch_course_init(&course, &planted.table, &chart, NULL), CH_OK);
    assert_false(course.is_geometric);
    assert_mean(&course.means[2], 4, 4, 2, false);
    assert_mean(&course.means[3], 8, 0, 2, false);
    ch_course_free(&course);
    planted.points[0][0].observed.signal = NAN;
    chart = chart_of("time", "signal");
    assert_int_equal(ch_course_init(&course, &planted.table, &chart, NULL), CH_OK);
    assert_mean(&course.means[0], 1, 2, 1, false);
    assert_mean(&course.means[2], 4, 6, 2, false);
    ch_course_free(&course);
}

/* A fitted run whose last point lacks the quantity has none after that: unfitted samples have no distance once there
 * are none. */
static void test_lost_quantity(void **state)
{
    (void)state;
    plant planted;
    ch_course course;
    plant_init(&planted);
    planted.points[0][2].observed.signal = NAN;
    const ch_course_chart chart = chart_of("time", "signal");
    assert_int_equal(ch_course_init(&course, &planted.table, &chart, NULL), CH_OK);
    assert_int_equal(course.num_means, 4);
    assert_mean(&course.means[2], 4, 6, 2, false);
    assert_mean(&course.means[3], 8, 16, 1, true);
    ch_course_free(&course);
}

/* Shares of samples stand at axes in per cent, and errors of estimates do not. Where no run has the quantity, the
 * option is named by which it is measured. */
static void test_words(void **state)
{
    (void)state;
    static const char *const advice[][2] = {{"lambda_max", "sweep with --curvature 10, "},
                                            {"kernel_change", "sweep with --kernel 32 --record 10, "},
                                            {"gradient_snr", "sweep with --kernel 32 --record 10, "},
                                            {"test_error", "sweep with --record 10, "}};
    plant planted;
    ch_error err;
    size_t left_out = 0;
    assert_true(ch_chart_is_share("test_error"));
    assert_true(ch_chart_is_share("train_error"));
    assert_false(ch_chart_is_share("batch_sharpness_error"));
    assert_false(ch_chart_is_share("lambda_max_error"));
    assert_false(ch_chart_is_share("hessian_trace_error"));
    plant_init(&planted);
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++) {
        const ch_course_chart chart = chart_of("time", advice[i][0]);
        const ch_plot_style style = {.format = CH_PLOT_SVG};
        assert_int_equal(ch_plot_course(&planted.table, &chart, "/tmp", &style, NULL, NULL, &left_out, &err),
                         CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, advice[i][1]));
    }
}

/* Curves by a setting; a mixture of others is refused by name, and runs without points are counted. */
static void test_curves(void **state)
{
    (void)state;
    plant planted;
    ch_course course;
    ch_error err;
    plant_init(&planted);
    planted.runs[0].settings.train = 64;
    ch_course_chart chart = chart_of("time", "signal");
    assert_int_equal(ch_course_init(&course, &planted.table, &chart, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "runs of one curve differ in train: draw a curve for each by --by train"));
    ch_course_free(&course);
    chart.by = CH_SETTING_TRAIN;
    assert_int_equal(ch_course_init(&course, &planted.table, &chart, &err), CH_OK);
    assert_int_equal(course.num_means, 3 + 4); /* each run has a curve of its own */
    assert_mean(&course.means[2], 6, 6, 1, false);
    assert_mean(&course.means[6], 8, 16, 1, false);
    ch_course_free(&course);
    planted.runs[0].num_points = 0;
    assert_int_equal(ch_course_init(&course, &planted.table, &chart, &err), CH_OK);
    assert_int_equal(course.num_left_out, 1);
    assert_int_equal(course.num_means, 4);
    ch_course_free(&course);
    assert_int_equal(ch_course_parse(&chart, "time", "gamma", &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "unfitted"));
}

/* Draws, and reads the numbers beside the figure: means, and with --band runs the runs. Where memory is short it says
 * so.
 */
static void test_figure(void **state)
{
    (void)state;
    plant planted;
    ch_error err;
    long failed = 0;
    size_t left_out = 9, means = 0, runs = 0;
    char folder[] = "/tmp/chiton-course-XXXXXX", path[128], line[256];
    plant_init(&planted);
    ch_course_chart chart = chart_of("time", "unfitted");
    chart.log_x = chart.log_y = true;
    chart.band = CH_BAND_RUNS;
    planted.runs[0].status = CH_BUDGET;
    const ch_plot_style style = {.format = CH_PLOT_SVG, .has_data = true};
    assert_non_null(mkdtemp(folder));
    assert_failures_are_told(
        failed, ch_plot_course(&planted.table, &chart, folder, &style, NULL, NULL, &left_out, &err), err, (void)0);
    assert_true(failed > 5);
    assert_int_equal(left_out, 0);
    snprintf(path, sizeof path, "%s/unfitted-time.csv", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        double x, y, lo, hi;
        unsigned sets, bound;
        if (sscanf(line, ",mean,,%lf,%lf,%lf,%lf,,,,%u,%u", &x, &y, &lo, &hi, &sets, &bound) == 6) {
            static const double wanted[4][6] = {
                {1, 8, 8, 8, 2, 0}, {2, 6, 6, 6, 2, 0}, {4, 4, 4, 4, 2, 0}, {8, 0, 0, 0, 1, 1}};
            const double found[6] = {x, y, lo, hi, sets, bound};
            assert_true(means < 4);
            for (size_t i = 0; i < 6; i++) {
                assert_close(found[i], wanted[means][i], 1e-12);
            }
            means++;
        }
        runs += strncmp(line, ",run,", 5) == 0;
    }
    fclose(file);
    assert_int_equal(means, 4);
    assert_int_equal(runs, 2 + 3); /* zeros have no place on the axis */
    assert_int_equal(remove(path), 0);
    snprintf(path, sizeof path, "%s/unfitted-time.svg", folder);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fitted_runs_stay),
        cmocka_unit_test(test_other_runs_leave),
        cmocka_unit_test(test_kinds_of_means),
        cmocka_unit_test(test_curves),
        cmocka_unit_test(test_figure),
        cmocka_unit_test(test_lost_quantity),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("mean courses", tests, NULL, NULL);
}
