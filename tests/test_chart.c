/* test_chart.c — figures of the user's choice: the means and bands of planted runs, and what is refused. */
/* its points are no part of any interface */
#include "plots/chart.c"

#include "tests/alloc_fail.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <unistd.h>

/* A table of perceptrons: two P, two T, data sets 0 to 2; ||Dw|| = P T exp(data set), and the test error 0.1 times the
 * data set. */
enum { RUNS = 12 };

static void plant(ch_run_table *table, ch_run runs[RUNS])
{
    for (size_t i = 0; i < RUNS; i++) {
        ch_run *run = &runs[i];
        *run = (ch_run){.status = CH_FITTED};
        ch_settings_default(&run->settings);
        run->settings.model = CH_ARCH_PERCEPTRON;
        run->settings.train = i < 6 ? 64 : 16; /* not in order */
        run->settings.temp = i / 3 % 2 == 0 ? 0.5 : 0.5 * (1 + 1e-12) * 4;
        run->settings.seed_data = i % 3;
        run->final = ch_observation_none();
        run->final.weight_change = (double)run->settings.train * run->settings.temp * exp((double)(i % 3));
        run->final.test_error = 0.1 * (double)(i % 3);
    }
    *table = (ch_run_table){.runs = runs, .count = RUNS};
}

static ch_chart chart_of(const char *x, const char *y, const char *by)
{
    ch_chart chart = {.by = CH_SETTINGS_STORED, .log_x = true, .log_y = true};
    assert_int_equal(ch_chart_x_parse(x, &chart, NULL), CH_OK);
    assert_int_equal(ch_chart_y_parse(y, &chart, NULL), CH_OK);
    if (by != NULL) {
        assert_int_equal(ch_chart_by_parse(by, &chart, NULL), CH_OK);
    }
    return chart;
}

static ch_code make(content *self, const ch_chart *chart, const ch_run_table *table, ch_error *err)
{
    *self = (content){.chart = chart, .curves.by = chart->by};
    const ch_code code = take_samples(self, table, err);
    return code == CH_OK ? make_points(self, err) : code;
}

/* Means of logarithms and their bands: ln ||Dw|| is ln PT + 0, 1, 2, with mean 1 and deviation 1. */
static void test_bands(void **state)
{
    (void)state;
    static const double half[] = {
        [CH_BAND_SE] = 0.57735026918962576, [CH_BAND_CI] = 2.4841377118502, [CH_BAND_SD] = 1, [CH_BAND_RUNS] = 1};
    ch_run runs[RUNS];
    ch_run_table table;
    plant(&table, runs);
    for (ch_chart_band band = CH_BAND_SE; band <= CH_BAND_RUNS; band++) {
        ch_chart chart = chart_of("temp", "weight_change", "train");
        chart.band = band;
        content self;
        assert_int_equal(make(&self, &chart, &table, NULL), CH_OK);
        assert_int_equal(self.curves.count, 2);
        assert_int_equal(self.curves.runs[0]->settings.train, 16);
        assert_int_equal(self.num_points, 4);
        for (size_t i = 0; i < 4; i++) {
            const double middle = (i < 2 ? 16 : 64) * (i % 2 == 0 ? 0.5 : 2) * M_E;
            assert_close(self.points[i].mean, middle, 1e-9);
            assert_close(self.points[i].hi, middle * exp(half[band]), 1e-9);
            assert_close(self.points[i].lo, middle / exp(half[band]), 1e-9);
            assert_false(self.points[i].is_bound);
        }
        content_free(&self);
    }
}

/* On a linear axis zeros count, runs of one data set are one, diverged runs are none, and a run that a budget ended
 * makes a bound. */
static void test_linear_means(void **state)
{
    (void)state;
    ch_run runs[RUNS];
    ch_run_table table;
    content self;
    plant(&table, runs);
    for (size_t i = 0; i < RUNS; i++) {
        runs[i].settings.train = 16;
        runs[i].settings.temp = 1;
    }
    runs[0].status = CH_DIVERGED; /* three runs of data set 0 are left, four of the others */
    runs[4].status = CH_BUDGET;
    ch_chart chart = chart_of("train", "test_error", NULL);
    chart.log_y = false;
    assert_int_equal(make(&self, &chart, &table, NULL), CH_OK);
    assert_int_equal(self.num_points, 1);
    assert_int_equal(self.num_left_out, 1);
    assert_close(self.points[0].mean, 0.1, 1e-12);
    assert_close(self.points[0].hi - self.points[0].mean, 0.1 / sqrt(3), 1e-12);
    assert_true(self.points[0].is_bound);
    content_free(&self);
    chart.log_y = true; /* zeros have no logarithm */
    assert_int_equal(make(&self, &chart, &table, NULL), CH_OK);
    assert_int_equal(self.num_left_out, 4);
    assert_close(self.points[0].mean, sqrt(0.02), 1e-12);
    content_free(&self);
}

/* The numbers beside a figure are those of the points: ln ||Dw|| is ln PT + 0, 1, 2. */
static void test_numbers_beside_it(void **state)
{
    (void)state;
    ch_run runs[RUNS];
    ch_run_table table;
    size_t left_out, rows = 0, dots = 0;
    char folder[] = "/tmp/chiton-chart-XXXXXX", path[128], line[512];
    plant(&table, runs);
    runs[0].status = CH_BUDGET;
    ch_chart chart = chart_of("temp", "weight_change", "train");
    chart.band = CH_BAND_RUNS;
    const ch_plot_style style = {.format = CH_PLOT_SVG, .has_data = true};
    assert_non_null(mkdtemp(folder));
    assert_int_equal(ch_plot_chart(&table, &chart, folder, &style, NULL, NULL, &left_out, NULL), CH_OK);
    snprintf(path, sizeof path, "%s/weight_change-temp-by-train.csv", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "panel,shows,curve,x,y,lo,hi,x_lo,x_hi,value,data_sets,bound\n");
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned train = 0, sets = 0, bound = 9;
        double x, y, lo, hi;
        if (sscanf(line, ",mean,%u,%lf,%lf,%lf,%lf,,,,%u,%u", &train, &x, &y, &lo, &hi, &sets, &bound) == 7) {
            const double middle = train * x * M_E;
            assert_true(fabs(y / middle - 1) < 1e-9 && fabs(lo * M_E / middle - 1) < 1e-9);
            assert_true(fabs(hi / M_E / middle - 1) < 1e-9 && sets == 3);
            assert_int_equal(bound, train == 64 && x == 0.5);
            rows++;
        } else {
            assert_int_equal(sscanf(line, ",run,%u,%lf,%lf,,,,,,,", &train, &x, &y), 3);
            const double set = log(y / (train * x));
            assert_true(fabs(set - round(set)) < 1e-9 && set > -0.5 && set < 2.5);
            dots++;
        }
    }
    fclose(file);
    assert_true(rows == 4 && dots == RUNS);
    assert_int_equal(remove(path), 0);
    snprintf(path, sizeof path, "%s/weight_change-temp-by-train.svg", folder);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* A mean over runs of different P is refused, and the setting named. */
static void test_mixtures_are_refused(void **state)
{
    (void)state;
    ch_run runs[RUNS];
    ch_run_table table;
    content self;
    ch_error err;
    plant(&table, runs);
    const ch_chart chart = chart_of("temp", "weight_change", NULL);
    assert_int_equal(make(&self, &chart, &table, &err), CH_ERROR_INPUT);
    assert_non_null(
        strstr(err.message, "runs with the same temp differ in train: draw a curve for each by --by train"));
    content_free(&self);
}

/* The key stands between the panel's left and right edges and above it, however many curves there are, and the page
 * ends above the key. */
static void test_key_stands_on_the_page(void **state)
{
    static const size_t counts[] = {1, 2, 5, CH_CHART_MOST_CURVES};
    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        static ch_run runs[CH_CHART_MOST_CURVES];
        const ch_chart chart = chart_of("temp", "weight_change", "train");
        const ch_plot_style style = {.panel = 'a', .width = 8.6};
        ch_chart_curves curves = {.by = chart.by, .count = counts[k]};
        char *text = NULL;
        size_t size = 0, found = 0;
        for (size_t i = 0; i < counts[k]; i++) {
            ch_settings_default(&runs[i].settings);
            runs[i].settings.train = (i + 1) * 1000;
            curves.runs[i] = &runs[i];
        }
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        ch_sheet sheet = ch_sheet_new(&style, out, out);
        ch_chart_curves_key(&curves, &sheet, true, 0);
        fclose(out);
        const ch_place place = ch_sheet_place(&sheet, 0);
        const double up = fmax(sheet.top - 1, 0);
        for (const char *at = text; (at = strstr(at, "at screen page_x(")) != NULL; at++, found++) {
            double x = NAN, y = NAN;
            assert_int_equal(sscanf(at, "at screen page_x(%lf), screen head_y(%lf)", &x, &y), 2);
            assert_true(x >= place.left && x < place.right);
            assert_true(y + up > place.top && y + up < sheet.top);
        }
        assert_int_equal(found, 1 + 2 * counts[k]); /* the setting's name, and a mark and a value for each curve */
        free(text);
    }
}

/* More curves than a figure shows are refused. */
static void test_many_curves(void **state)
{
    (void)state;
    enum { MANY = CH_CHART_MOST_CURVES + 1 };
    static ch_run runs[MANY];
    ch_run_table table = {.runs = runs, .count = MANY};
    content self;
    ch_error err;
    for (size_t i = 0; i < MANY; i++) {
        runs[i] = (ch_run){.status = CH_FITTED, .final = ch_observation_none()};
        ch_settings_default(&runs[i].settings);
        runs[i].settings.model = CH_ARCH_PERCEPTRON;
        runs[i].settings.temp = 1;
        runs[i].settings.train = i + 1;
        runs[i].final.weight_change = 1;
    }
    const ch_chart chart = chart_of("temp", "weight_change", "train");
    assert_int_equal(make(&self, &chart, &table, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "train has over 40 values"));
    content_free(&self);
    table.count--;
    assert_int_equal(make(&self, &chart, &table, &err), CH_OK);
    assert_int_equal(self.curves.count, CH_CHART_MOST_CURVES);
    content_free(&self);
}

static void test_words(void **state)
{
    (void)state;
    ch_chart chart;
    ch_error err;
    assert_int_equal(ch_chart_x_parse("data", &chart, &err), CH_ERROR_INPUT);
    assert_int_equal(ch_chart_x_parse("data_dir", &chart, &err), CH_ERROR_INPUT);
    assert_int_equal(ch_chart_y_parse("status", &chart, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "weight_change"));
    assert_int_equal(ch_chart_by_parse("tain", &chart, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "did you mean 'train'"));
    assert_int_equal(ch_chart_log_parse("z", &chart, &err), CH_ERROR_INPUT);
    assert_int_equal(ch_chart_band_parse("se", &chart.band, &err), CH_OK);
    assert_int_equal(ch_chart_band_parse("all", &chart.band, &err), CH_ERROR_INPUT);
}

/* The page of a chart is made, or a lack of memory is told. */
static void test_failures(void **state)
{
    (void)state;
    ch_run runs[RUNS];
    ch_run_table table;
    ch_error err;
    long failed = 0;
    size_t left_out = 1;
    char folder[] = "/tmp/chiton-chart-XXXXXX", path[128];
    plant(&table, runs);
    const ch_chart chart = chart_of("temp", "weight_change", "train");
    const ch_plot_style style = {.format = CH_PLOT_SVG};
    assert_non_null(mkdtemp(folder));
    assert_failures_are_told(failed, ch_plot_chart(&table, &chart, folder, &style, NULL, NULL, &left_out, &err), err,
                             (void)0);
    assert_true(failed > 5);
    assert_int_equal(left_out, 0);
    snprintf(path, sizeof path, "%s/weight_change-temp-by-train.svg", folder);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bands),
        cmocka_unit_test(test_linear_means),
        cmocka_unit_test(test_numbers_beside_it),
        cmocka_unit_test(test_mixtures_are_refused),
        cmocka_unit_test(test_key_stands_on_the_page),
        cmocka_unit_test(test_many_curves),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests_name("charts", tests, NULL, NULL);
}
