/* test_plots.c — figures of planted runs: files are complete, and neither names nor groups with little data break them.
 */
#include "tests/plots_plant.h"

static void test_formats(void **state)
{
    static const char *const magic[] = {[CH_PLOT_PDF] = "%PDF-", [CH_PLOT_SVG] = "<?xml", [CH_PLOT_PNG] = "\x89PNG"};
    (void)state;
    for (ch_plot_format format = 0; format < CH_PLOT_FORMATS; format++) {
        size_t length = 0;
        char *text = draw(&usual, directory, format, &length);
        assert_true(length > 10000);
        assert_memory_equal(text, magic[format], strlen(magic[format]));
        if (format == CH_PLOT_SVG) {
            assert_non_null(strstr(text, "χ = 0, d = 128"));
            assert_non_null(strstr(text, "weight change ‖Δw‖"));
            assert_non_null(strstr(text, "</svg>"));
            assert_null(strstr(text, "no data"));
        }
        free(text);
    }
    assert_int_equal(count_files(directory), CH_PLOT_FORMATS); /* no temporary file is left */
}

/* What is expected is drawn where it is known: a band and a dashed curve for each P, with an entry in the key; else the
 * caption says why there is none. */
static void test_expected_curves(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        ch_fit fit;
        ch_fit_group group;
        planted own;
        ch_error err = {0};
        char path[400], reason[] = "there is a reason";
        size_t length = 0;
        plant_fit(&fit, &group, &own, &usual);
        ch_finite_end *ends = calloc(group.num_trains * group.num_temps, sizeof *ends);
        assert_non_null(ends);
        for (size_t i = 0; i < group.num_trains * group.num_temps; i++) {
            const ch_finite_value value = {known ? 3 * own.temps[i % group.num_temps] : NAN, 0.2};
            ends[i] = (ch_finite_end){value, value, value, value, value, value};
        }
        group.expected = (ch_expected_curves){own.temps, group.num_temps, ends, known ? NULL : reason};
        assert_int_equal(ch_plot_fit(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err),
                         CH_OK);
        snprintf(path, sizeof path, "%s/perceptron-chi0-dim128.svg", directory);
        char *text = read_whole(path, &length);
        assert_true((strstr(text, "expected at this P and d") != NULL) == (known == 1));
        assert_true((strstr(text, "there is a reason") != NULL) == (known == 0));
        assert_true((strstr(text, "opacity='0.18'") != NULL) == (known == 1));
        free(text);
        free(ends);
        uproot(&own);
    }
}

/* The line through T_c has the exponent of the table beside it, which is that of the joint law where there is one. */
static void test_recommended_a_is_drawn(void **state)
{
    (void)state;
    for (int is_joint = 0; is_joint < 2; is_joint++) {
        ch_fit fit;
        ch_fit_group group;
        planted own;
        ch_error err = {0};
        plant_fit(&fit, &group, &own, &usual);
        if (is_joint) {
            group.exponents[group.num_exponents++] = exponent(CH_FIT_A, CH_TC_ONSET, 0.0357, NAN);
        }
        assert_int_equal(ch_plot_fit(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err),
                         CH_OK);
        static const char *const slope[] = {">−0.021<", NULL}, *const joint[] = {">−0.036<", NULL};
        check_page("perceptron-chi0-dim128.svg", is_joint ? joint : slope, is_joint ? slope : joint);
        uproot(&own);
    }
}

static void test_odd_directories(void **state)
{
    static const char *const names[] = {"it's",        "two words", "ünïcode ‖Δw‖", "$(touch gotcha)`touch gotcha`",
                                        "\"quoted\";", "-o"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char where[350];
        size_t length = 0;
        ch_error err = {0};
        snprintf(where, sizeof where, "%s/%s", directory, names[i]);
        assert_int_equal(ch_plot_directory(where, &err), CH_OK);
        free(draw(&usual, where, CH_PLOT_SVG, &length));
        assert_true(length > 10000);
    }
    assert_int_not_equal(access("gotcha", F_OK), 0);
}

/* Groups with one P, one T or one seed, and groups whose runs all diverged or were all ended by a budget. Every panel
 * says what it lacks, and gnuplot accepts all scripts. */
static void test_degenerate_groups(void **state)
{
    (void)state;
    const struct {
        plan p;
        const char *says;
    } cases[] = {
        {{.trains = 1, .temps = 1, .seeds = 1, .train0 = 1, .temp0 = 0.3, .temp_factor = 2}, "needs a fitted γ"},
        {{.trains = 1, .temps = 9, .seeds = 2, .train0 = 64, .temp0 = 0.3, .temp_factor = 2}, "needs a fitted γ"},
        {{.trains = 4, .temps = 1, .seeds = 2, .train0 = 100, .temp0 = 0.3, .temp_factor = 2},
         "no critical temperature"},
        {{.trains = 4, .temps = 5, .seeds = 2, .train0 = 64, .temp0 = 1, .temp_factor = 10, .all = CH_BUDGET},
         "A budget ended 40 runs"},
        {{.trains = 4, .temps = 5, .seeds = 2, .train0 = 64, .temp0 = 1, .temp_factor = 10, .all = CH_DIVERGED},
         "no data: no run has a value above 0"},
        {{.trains = 14, .temps = 31, .seeds = 1, .train0 = 1, .temp0 = 1e-9, .temp_factor = 1.9, .censor = true},
         "A budget ended 7 runs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = 0;
        char *text = draw(&cases[i].p, directory, CH_PLOT_SVG, &length);
        assert_non_null(strstr(text, cases[i].says));
        free(text);
    }
}

static void test_groups_of_one_name(void **state)
{
    ch_fit fit;
    ch_fit_group group[2];
    planted own;
    ch_error err = {0};
    char *text = NULL;
    size_t length = 0;
    (void)state;
    plant_fit(&fit, &group[0], &own, &usual);
    group[1] = group[0];
    fit.groups = group;
    fit.num_groups = 2;
    FILE *names = open_memstream(&text, &length);
    assert_non_null(names);
    assert_int_equal(ch_plot_fit(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, names, &err), CH_OK);
    assert_int_equal(fclose(names), 0);
    char expected[600];
    snprintf(expected, sizeof expected, "%s/perceptron-chi0-dim128.svg\n%s/perceptron-chi0-dim128.2.svg\n", directory,
             directory);
    assert_string_equal(text, expected);
    assert_int_equal(count_files(directory), 2);
    free(text);

    group[1].key.batch = 16;
    fit.differing = UINT64_C(1) << CH_SETTING_BATCH;
    char label[CH_LABEL_SIZE];
    ch_page_head *heads = NULL;
    assert_int_equal(ch_page_heads_of_groups(&fit, &heads, NULL), CH_OK);
    ch_page_head_file(&heads[1], label);
    assert_string_equal(label, "perceptron-chi0-dim128-batch16");
    ch_page_head_title(&heads[1], label);
    assert_string_equal(label, "perceptron: χ = 0, d = 128, batch = 16");
    heads[1].differing = UINT64_C(1) << CH_SETTING_ALPHA;
    group[1].key.alpha = 1.0 / 15; /* in a title no more digits than one reads */
    ch_page_head_title(&heads[1], label);
    assert_string_equal(label, "perceptron: χ = 0, d = 128, alpha = 0.0667");
    group[1].key.alpha = 32768;
    ch_page_head_title(&heads[1], label);
    assert_string_equal(label, "perceptron: χ = 0, d = 128, alpha = 32768");
    /* the name of a file is the group's own: it does not depend on what tells the groups apart, the title does */
    for (size_t i = 0; i < 2; i++) {
        heads[i].differing = i * (UINT64_C(1) << CH_SETTING_ALPHA);
        ch_page_head_file(&heads[1], label);
        assert_string_equal(label, "perceptron-chi0-dim128-batch16");
        ch_page_head_file(&heads[0], label);
        assert_string_equal(label, "perceptron-chi0-dim128");
    }
    /* what varies on the page is no part of it, and what is of the page is */
    heads[1].varying = UINT64_C(1) << CH_SETTING_BATCH;
    heads[1].added = UINT64_C(1) << CH_SETTING_TRAIN;
    ch_page_head_file(&heads[1], label);
    assert_string_equal(label, "perceptron-chi0-dim128-train1024");
    free(heads);
    uproot(&own);
}

/* ---- the parts ---- */

static void test_quote(void **state)
{
    char *text = NULL;
    size_t length = 0;
    (void)state;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ch_gnuplot_quote(out, "'it's\n\"\\n` $x");
    fclose(out);
    assert_string_equal(text, "'’it’s \"\\n` $x'");
    free(text);
}

/* Names of many settings are cut, and still told apart. */
static void test_long_names(void **state)
{
    (void)state;
    ch_settings settings;
    char label[2][CH_LABEL_SIZE];
    ch_settings_default(&settings);
    settings.model = CH_ARCH_MLP;
    settings.width = 1234;
    settings.depth = 17;
    settings.dim = 12345;
    settings.test = 123456;
    settings.chi = 1.2345678;
    settings.alpha = 1.23456789e-5;
    settings.batch = 12345;
    for (size_t i = 0; i < 2; i++) {
        settings.momentum = 0.125 * (double)(1 + i);
        const ch_page_head head = {.key = &settings};
        ch_page_head_file(&head, label[i]);
        assert_int_equal(strlen(label[i]), 80);
        assert_int_equal(strspn(label[i] + 72, "0123456789abcdef"), 8);
    }
    assert_memory_equal(label[0], label[1], 72);
    assert_string_not_equal(label[0], label[1]);
}

static void test_format_names(void **state)
{
    ch_plot_format format = CH_PLOT_FORMATS;
    ch_error err = {0};
    (void)state;
    assert_int_equal(ch_plot_format_parse("png", &format, &err), CH_OK);
    assert_int_equal(format, CH_PLOT_PNG);
    assert_int_equal(ch_plot_format_parse("jpeg", &format, &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "--format is jpeg, but must be pdf, svg or png");
}

/* Two data sets have the values 1 and e^2, and the run of a third diverged: the mean is e, and one standard error is 1
 * in the logarithm. The mean of two runs on one data set is taken first. */
static void test_series(void **state)
{
    ch_run runs[5] = {0};
    const ch_run *pointers[5];
    const double values[] = {exp(-1), exp(1), exp(2), 1e9, NAN};
    for (size_t i = 0; i < 5; i++) {
        runs[i].settings.train = 8;
        runs[i].settings.temp = 0.5;
        runs[i].settings.seed_data = i < 2 ? 0 : i;
        runs[i].status = i == 3 ? CH_DIVERGED : CH_FITTED;
        runs[i].time = values[i];
        pointers[i] = &runs[i];
    }
    const ch_fit_group group = {.runs = pointers, .num_runs = 5};
    ch_series series;
    ch_error err = {0};
    (void)state;
    assert_int_equal(ch_series_init(&series, &group, offsetof(ch_run, time), &err), CH_OK);
    assert_int_equal(series.count, 1);
    assert_true(fabs(log(series.cells[0].mean) - 1) < 1e-14);
    assert_true(fabs(log(series.cells[0].lo) - 0) < 1e-14);
    assert_true(fabs(log(series.cells[0].hi) - 2) < 1e-14);
    assert_false(series.cells[0].bound);
    ch_series_free(&series);
    runs[2].status = CH_BUDGET;
    assert_int_equal(ch_series_init(&series, &group, offsetof(ch_run, time), &err), CH_OK);
    assert_true(series.cells[0].bound);
    ch_series_free(&series);
    ch_series_free(&series);
}

/* An axis of ratios has three to eight round labels. */
static void test_ratio_axis(void **state)
{
    static const struct {
        double lo, hi;
        const char *labels;
    } cases[] = {{0.91, 1.14, "('0.95' 0.9"},
                 {0.7, 1.8, "('0.8' 0.8"},
                 {0.997, 1.004, "('0.997' 0.99"},
                 {0.5, 1.95, "('0.6' 0.6"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL;
        size_t length = 0, labels = 0;
        FILE *out = open_memstream(&text, &length);
        assert_non_null(out);
        ch_axis_write(&(ch_axis){cases[i].lo, cases[i].hi, false}, out, "y", CH_SCALE_POWERS, CH_AXIS_LABELS);
        assert_int_equal(fclose(out), 0);
        if (strstr(text, cases[i].labels) == NULL) {
            fail_msg("%s", text);
        }
        for (const char *c = text; (c = strchr(c, ',')) != NULL; c++) {
            labels++;
        }
        assert_in_range(labels, 3, 9);
        free(text);
    }
}

/* A fit without cells has no collapse, and there is no page for it. */
static void test_no_collapse_no_page(void **state)
{
    ch_fit fit;
    ch_fit_group group;
    planted own;
    ch_error err = {0};
    (void)state;
    plant_fit(&fit, &group, &own, &usual);
    assert_int_equal(ch_plot_collapse(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_PDF}, NULL, &err),
                     CH_OK);
    assert_int_equal(count_files(directory), 0);
    uproot(&own);
}

static void test_number_text(void **state)
{
    char name[64], cut[8];
    ch_name_text("error_shift", name, sizeof name); /* a plain underscore would make a subscript */
    assert_string_equal(name, "error\\_shift");
    ch_name_text("onset", name, sizeof name);
    assert_string_equal(name, "onset");
    ch_name_text("error_shift", cut, sizeof cut);
    assert_string_equal(cut, "error\\_");
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1, "1"},         {2, "2"},         {10, "10"},   {0.1, "10^{−1}"}, {0.125, "2^{−3}"},
                 {1024, "2^{10}"}, {1000, "10^{3}"}, {0.7, "0.7"}, {3000, "3000"},   {1.0 / 3, "0.333"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        ch_number_text(cases[i].value, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
    static const struct {
        double power;
        const char *text;
    } powers[] = {{2, "P^{2}"},     {-0.0526, "P^{−0.053}"}, {1.6612, "P^{1.66}"},
                  {-4e-4, "P^{0}"}, {6e-4, "P^{0.001}"},     {-0.9996, "P^{−1}"}};
    for (size_t i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        char text[64];
        ch_power_text("P", powers[i].power, text, sizeof text);
        assert_string_equal(text, powers[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_formats),
        IN_DIRECTORY(test_expected_curves),
        IN_DIRECTORY(test_recommended_a_is_drawn),
        IN_DIRECTORY(test_odd_directories),
        IN_DIRECTORY(test_degenerate_groups),
        IN_DIRECTORY(test_groups_of_one_name),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_format_names),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_number_text),
        cmocka_unit_test(test_ratio_axis),
        IN_DIRECTORY(test_no_collapse_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
