/* test_plots_looks.c — means and axes of a page, its width and its panels. */
#include "plots/panel.h"
#include "plots/plots.h"
#include "tests/pages_support.h"
#include "tests/phase_plant.h"

/* The mean itself is drawn: a test error of 0 counts, and the error bar does not go below 0. */
static void test_plain_series(void **state)
{
    ch_run runs[4] = {0};
    const ch_run *pointers[4];
    const double values[] = {0, 0.2, 0.4, NAN};
    ch_series series;
    ch_error err = {0};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        runs[i].settings.seed_data = i;
        runs[i].status = CH_FITTED;
        runs[i].time = values[i];
        pointers[i] = &runs[i];
    }
    ch_fit_group group = {.runs = pointers, .num_runs = 4};
    assert_int_equal(ch_series_init_plain(&series, &group, offsetof(ch_run, time), &err), CH_OK);
    assert_int_equal(series.count, 1);
    assert_close(series.cells[0].mean, 0.2, 1e-14);
    assert_close(series.cells[0].hi, 0.2 + 0.2 / sqrt(3), 1e-14);
    assert_close(series.cells[0].lo, 0.2 - 0.2 / sqrt(3), 1e-14);
    ch_series_free(&series);
    group.num_runs = 2; /* 0.1 +- 0.1 */
    assert_int_equal(ch_series_init_plain(&series, &group, offsetof(ch_run, time), &err), CH_OK);
    assert_close(series.cells[0].lo, 0.1, 1e-14);
    ch_series_free(&series);
}

/* The labels are as they were written. */
static void test_axis_labels(void **state)
{
    (void)state;
    static const struct {
        double lo, hi;
        ch_axis_scale scale;
        size_t count;
        double first, last;
    } cases[] = {{0.91, 1.14, CH_SCALE_POWERS, 4, 0.95, 1.1},     {0.1, 3, CH_SCALE_POWERS, 5, 0.125, 2},
                 {0.9e-3, 1.1e3, CH_SCALE_POWERS, 7, 1e-3, 1e3},  {0.9e-9, 1.1e9, CH_SCALE_POWERS, 7, 1e-9, 1e9},
                 {0.9, 1100, CH_SCALE_BINARY, 6, 1, 1024},        {0.211, 0.282, CH_SCALE_PERCENT, 7, 0.22, 0.28},
                 {0.0008, 0.6, CH_SCALE_PERCENT, 3, 0.001, 0.1},  {0.0041, 0.6, CH_SCALE_PERCENT, 7, 0.005, 0.5},
                 {0.00008, 0.6, CH_SCALE_PERCENT, 4, 0.0001, 0.1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double labels[CH_AXIS_MOST_LABELS];
        const ch_axis axis = {cases[i].lo, cases[i].hi, false};
        assert_int_equal(ch_axis_labels(&axis, cases[i].scale, CH_AXIS_LABELS, labels), cases[i].count);
        assert_close(labels[0], cases[i].first, 1e-12);
        assert_close(labels[cases[i].count - 1], cases[i].last, 1e-12);
    }
}

/* Values over all magnitudes that a double has: the range holds them as far as its ends and a tick beyond are finite.
 */
static void test_axes_of_any_size(void **state)
{
    (void)state;
    static const double values[][2] = {{5e-324, 1.7e308}, {1e-300, 1e300}, {1e308, 1.7e308}, {5e-324, 1e-320}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        ch_axis axis = CH_AXIS_EMPTY;
        char *text = NULL;
        size_t length = 0;
        ch_axis_include(&axis, values[i][0]);
        ch_axis_include(&axis, values[i][1]);
        ch_axis_finish(&axis, CH_AXIS_SPAN);
        assert_true(axis.lo > 0 && axis.lo < axis.hi && isfinite(2 * axis.hi));
        assert_true(fmax(values[i][0], 1e-305) >= axis.lo && fmin(values[i][1], 1e305) <= axis.hi);
        FILE *out = open_memstream(&text, &length);
        assert_non_null(out);
        ch_axis_write(&axis, out, "y", CH_SCALE_POWERS, CH_AXIS_LABELS);
        assert_int_equal(fclose(out), 0);
        assert_null(strstr(text, "inf"));
        assert_null(strstr(text, "nan"));
        free(text);
    }
}

/* The size of an SVG file, in points of the screen. */
static void read_size(const char *name, int *width, int *height)
{
    char *text = read_page(name);
    assert_non_null(text);
    const char *at = strstr(text, "viewBox=\"0 0 ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "viewBox=\"0 0 %d %d", width, height), 2);
    free(text);
}

/* Draws the page of test errors of a planted sweep. */
static void draw_errors(const ch_plot_style *style)
{
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    ch_error err = {0};
    plant.num_alphas = 1;
    phase_plant_table(&plant, 1, &table);
    phase_plant_fit(&fit, &phases, &table);
    assert_int_equal(ch_plot_test_error(&fit, directory, style, NULL, &err), CH_OK);
    ch_phase_list_free(&phases);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* The page of test errors in several looks: it ends under its caption; one column is half as wide and has its panels
 * one below the other; a single panel has no caption and no other panel. */
static void test_looks(void **state)
{
    (void)state;
    enum { PAGE_WIDTH = 673, COLUMN_WIDTH = 325 }; /* 17.8 and 8.6 cm at 96 points an inch */
    static const char page[] = "mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.015625-error.svg";
    static const char panel[] = "mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.015625-error-b.svg";
    int width, height, narrow_height, panel_height;
    ch_plot_style style = {.format = CH_PLOT_SVG};
    ch_error err = {0};
    draw_errors(&style);
    read_size(page, &width, &height);
    assert_int_equal(width, PAGE_WIDTH);
    assert_in_range(height, PAGE_WIDTH / 2, PAGE_WIDTH);
    assert_int_equal(ch_plot_width_parse("86mm", &style.width, &err), CH_OK);
    draw_errors(&style);
    read_size(page, &width, &narrow_height);
    assert_int_equal(width, COLUMN_WIDTH);
    assert_in_range(narrow_height, height + 1, 2 * height);
    assert_int_equal(ch_plot_panel_parse("b", &style.panel, &err), CH_OK);
    draw_errors(&style);
    read_size(panel, &width, &panel_height);
    assert_int_equal(width, COLUMN_WIDTH);
    assert_in_range(panel_height, COLUMN_WIDTH / 2, narrow_height / 2);
    check_page(panel, (const char *const[]){"(b)", "training samples P", NULL},
               (const char *const[]){"(a)", "temperature T", "Fixed", NULL});
    style.panel = 'f'; /* the page has none */
    draw_errors(&style);
    assert_null(read_page("mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.015625-error-f.svg"));
}

static void test_looks_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double width; /* 0: refused */
    } cases[] = {{"8.6cm", 8.6}, {"17.8", 17.8}, {"86mm", 8.6}, {"3.4in", 8.636}, {"3.9cm", 0},
                 {"101", 0},     {"wide", 0},    {"", 0},       {"9 cm", 0},      {"nan", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double width = 0;
        ch_error err = {0};
        const ch_code code = ch_plot_width_parse(cases[i].text, &width, &err);
        assert_int_equal(code, cases[i].width > 0 ? CH_OK : CH_ERROR_INPUT);
        if (code == CH_OK) {
            assert_close(width, cases[i].width, 1e-12);
        }
    }
    char panel;
    assert_int_equal(ch_plot_panel_parse("g", &panel, NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_plot_panel_parse("ab", &panel, NULL), CH_ERROR_INPUT);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_series),     cmocka_unit_test(test_axis_labels),
        cmocka_unit_test(test_axes_of_any_size), IN_DIRECTORY(test_looks),
        cmocka_unit_test(test_looks_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
