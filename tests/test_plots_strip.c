/* test_plots_strip.c — the strips of residuals on a group's page. */
#include "plots/axis.h"
#include "plots/overview.h"
#include "plots/plots.h"
#include "tests/fit_support.h"

#include <gsl/gsl_errno.h>
#include <unistd.h>

static size_t count_parts(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        count++;
    }
    return count;
}

/* Draws the only group of the fit and reads the page. */
static char *draw(const ch_fit *fit)
{
    char directory[] = "/tmp/chiton-strip.XXXXXX", path[128];
    ch_error err = {0};
    assert_non_null(mkdtemp(directory));
    const ch_code code = ch_plot_fit(fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(code, CH_OK);
    snprintf(path, sizeof path, "%s/perceptron-chi1-dim16.svg", directory);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 22);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 22) - 1, file) > 10000);
    fclose(file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    return text;
}

static void test_strips_show_what_the_laws_leave(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.set_train_noise = 0.1;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, 2);
    char *without = draw(&fit);
    ch_fit_free(&fit);
    table.runs[7].final.weight_change *= 10;
    table.runs[8].time *= 1000;
    fit_table(&fit, &table, 2);
    assert_int_equal(fit.groups[0].weight_residuals.num_outliers, 1);
    assert_int_equal(fit.groups[0].time_residuals.num_outliers, 1);
    char *with = draw(&fit);
    assert_int_equal(count_parts(with, "‖Δw‖ / fit"), 1);
    assert_int_equal(count_parts(with, "t* / fit"), 1);
    assert_int_equal(count_parts(with, "training samples P"), 2); /* once for (c) and its strip, once for (d) */
    assert_non_null(strstr(with, "crosses: 2"));
    assert_non_null(strstr(without, "crosses: 0"));
    assert_int_equal(count_parts(without, "rgb(208,   0,   0)"), 0); /* #d00000: there is no cross */
    assert_true(count_parts(with, "rgb(208,   0,   0)") > 0);
    free(with);
    free(without);
    release(&fit, &table);
}

/* A single P gives no law over P, and panels keep their full height. */
static void test_no_law_no_strip(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.set_train_noise = 0.1;
    planted.num_trains = 1;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    const ch_overview overview = {.group = &fit.groups[0]};
    for (size_t i = 0; i < CH_OVERVIEW_PANELS; i++) {
        assert_false(ch_strip_is_under(&overview, i));
    }
    char *text = draw(&fit);
    assert_null(strstr(text, " / fit"));
    free(text);
    release(&fit, &table);
}

static char *axis_text(double lo, double hi, int most)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ch_axis_write(&(ch_axis){lo, hi, false}, out, "y", CH_SCALE_POWERS, most);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* An axis has two to six labels, or none. An entry of the axis without a label has the text ''; the last entry, which
 * is out of range, has no label. */
static void test_axes_of_few_labels_and_of_none(void **state)
{
    (void)state;
    static const double ranges[][2] = {{0.9, 1.1}, {0.64, 1.56}, {0.3, 1.15}, {0.02, 50}, {1e-5, 1e5}, {0.99, 1.01}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char *few = axis_text(ranges[i][0], ranges[i][1], 5), *none = axis_text(ranges[i][0], ranges[i][1], 0);
        const size_t entries = count_parts(few, ", ") + 1;
        const size_t labels = entries - count_parts(few, "'' ");
        assert_in_range(labels, 2, 6);
        assert_int_equal(count_parts(none, "'' "), count_parts(none, ", ") + 1);
        free(few);
        free(none);
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strips_show_what_the_laws_leave),
        cmocka_unit_test(test_no_law_no_strip),
        cmocka_unit_test(test_axes_of_few_labels_and_of_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
