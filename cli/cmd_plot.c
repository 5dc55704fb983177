/* cmd_plot.c — `chiton plot`: draws figures of the runs of a store. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/read_runs.h"
#include "plots/plots.h"

#include <stdlib.h>

/* The arguments of the command line; strings are borrowed. */
typedef struct {
    const char *directory;
    ch_plot_style style;
    ch_chart chart; /* what is drawn in the place of pages */
    bool has_chart;
    ch_number_chart numbers; /* the same of numbers of the fit */
    bool has_numbers;
    ch_course_chart course; /* the same along training */
    bool has_course;
    ch_fit_options fit;
    ch_watch watch; /* of the fit and of drawing */
} plot_arguments;

/* Draws every page that the runs have data for. */
static ch_code draw_pages(const plot_arguments *arguments, ch_store *store, const ch_fit *fit, ch_error *err)
{
    const char *directory = arguments->directory;
    const ch_plot_style *style = &arguments->style;
    ch_code (*const pages[])(const ch_fit *, const char *, const ch_plot_style *, FILE *, ch_error *) = {
        ch_plot_fit,     ch_plot_test_error,     ch_plot_collapse, ch_plot_phase, ch_plot_regimes,
        ch_plot_batches, ch_plot_batch_collapse, ch_plot_spectra,  ch_plot_lazy};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        const ch_code code = pages[i](fit, directory, style, stdout, err);
        if (code != CH_OK) {
            return code;
        }
    }
    ch_code code = ch_plot_training(fit, store, directory, style, stdout, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_plot_boundary(fit, store, directory, style, stdout, err);
    return code == CH_OK ? ch_plot_curvature(fit, store, directory, style, stdout, err) : code;
}

/* Draws the figure that was asked for, and says on standard error which runs it does not show. */
static ch_code draw_chart(const plot_arguments *arguments, const ch_run_table *table, ch_error *err)
{
    size_t left_out = 0;
    const ch_code code = ch_plot_chart(table, &arguments->chart, arguments->directory, &arguments->style, stdout,
                                       &arguments->watch, &left_out, err);
    if (code == CH_OK && left_out > 0) {
        fprintf(stderr,
                "%zu of %zu runs are not shown: they diverged, have no %s, or a number that a logarithm cannot show\n",
                left_out, table->count, arguments->chart.y.name);
    }
    return code;
}

/* Draws the figure along training that was asked for, and says on standard error which runs it does not show. */
static ch_code draw_course(const plot_arguments *arguments, const ch_run_table *table, ch_error *err)
{
    size_t left_out = 0;
    const ch_code code = ch_plot_course(table, &arguments->course, arguments->directory, &arguments->style, stdout,
                                        &arguments->watch, &left_out, err);
    if (code == CH_OK && left_out > 0) {
        fprintf(stderr, "%zu of %zu runs are not shown: they have no trajectory with %s\n", left_out, table->count,
                arguments->course.y.name);
    }
    return code;
}

/* Draws the numbers that were asked for, and says on standard error how many have no place in the figure. */
static ch_code draw_numbers(const plot_arguments *arguments, const ch_fit *fit, ch_error *err)
{
    size_t left_out = 0;
    const ch_code code =
        ch_plot_numbers(fit, &arguments->numbers, arguments->directory, &arguments->style, stdout, &left_out, err);
    if (code == CH_OK && left_out > 0) {
        fprintf(stderr, "%zu number%s not shown: the fit has no %s there, or no x, or one that an axis cannot show\n",
                left_out, left_out == 1 ? " is" : "s are", arguments->numbers.y->name);
    }
    return code;
}

static ch_code draw_table(void *context, ch_store *store, const ch_run_table *table, ch_error *err)
{
    plot_arguments *arguments = context;
    ch_fit fit = {0};
    ch_code code = ch_plot_directory(arguments->directory, err);
    if (code != CH_OK) {
        return code;
    }
    arguments->watch.stop = ch_cli_catch_signals(); /* not while the store is read, which a signal may end at once */
    if (arguments->has_chart) {
        return draw_chart(arguments, table, err);
    }
    if (arguments->has_course) {
        return draw_course(arguments, table, err);
    }
    code = ch_fit_init(&fit, table, &arguments->fit, err);
    if (code != CH_OK) {
        goto out;
    }
    code = arguments->has_numbers ? draw_numbers(arguments, &fit, err) : draw_pages(arguments, store, &fit, err);
out:
    ch_fit_free(&fit);
    return code;
}

/* What says how figures look, and what a chart shows, as it is given; NULL for what is not. */
typedef struct {
    char *format, *size, *panel;
    char *x, *y, *by, *log, *band;
} look;

static bool is_result(const char *name)
{
    ch_chart chart;
    return ch_fit_name_find(name) == NULL || ch_chart_y_parse(name, &chart, NULL) == CH_OK;
}

/* Reads what all figures of the user's choice have in common: by, log and band, as they are given. */
static ch_code read_axes(const look *given, ch_chart *chart, ch_error *err)
{
    ch_code code = given->by != NULL ? ch_chart_by_parse(given->by, chart, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    chart->has_log = given->log != NULL;
    code = chart->has_log ? ch_chart_log_parse(given->log, chart, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    return given->band != NULL ? ch_chart_band_parse(given->band, &chart->band, err) : CH_OK;
}

/* Reads a figure of numbers of the fit. */
static ch_code read_numbers(const look *given, plot_arguments *arguments, ch_error *err)
{
    ch_number_chart *numbers = &arguments->numbers;
    ch_chart chart = {.by = CH_SETTINGS_STORED};
    arguments->has_chart = false;
    arguments->has_numbers = true;
    ch_code code = ch_number_chart_parse(numbers, given->x, given->y, err);
    if (code != CH_OK) {
        return code;
    }
    code = read_axes(given, &chart, err);
    if (code != CH_OK) {
        return code;
    }
    numbers->by = chart.by;
    numbers->has_log = chart.has_log;
    numbers->log_x = chart.log_x;
    numbers->log_y = chart.log_y;
    if (given->band != NULL && chart.band != CH_BAND_SE && chart.band != CH_BAND_CI) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "--band is %s, but a number of a fit has ci, its 95 %% interval (default), or se",
                            given->band);
    }
    numbers->has_errors = given->band != NULL && chart.band == CH_BAND_SE;
    return CH_OK;
}

/* Reads a figure along training. */
static ch_code read_course(const look *given, plot_arguments *arguments, ch_error *err)
{
    ch_chart axes = arguments->chart;
    arguments->has_chart = false;
    arguments->has_course = true;
    const ch_code code = ch_course_parse(&arguments->course, given->x, given->y, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_code read = read_axes(given, &axes, err);
    arguments->course.by = axes.by;
    arguments->course.log_x = axes.log_x;
    arguments->course.log_y = axes.log_y;
    arguments->course.band = axes.band;
    return read;
}

static ch_code read_chart(const look *given, plot_arguments *arguments, ch_error *err)
{
    ch_chart *chart = &arguments->chart;
    *chart = (ch_chart){.by = CH_SETTINGS_STORED, .log_x = true, .log_y = true};
    arguments->has_chart = given->x != NULL || given->y != NULL;
    if (!arguments->has_chart) {
        const char *lonely = given->by != NULL     ? "--by"
                             : given->log != NULL  ? "--log"
                             : given->band != NULL ? "--band"
                                                   : NULL;
        return lonely == NULL ? CH_OK
                              : ch_error_set(err, CH_ERROR_INPUT,
                                             "%s is for a figure of your choice: name it by --x and --y", lonely);
    }
    if (given->x == NULL || given->y == NULL || given->panel != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "a figure of your choice takes --x, a setting, time or step, and --y, a result or a number "
                            "of fit, and no --panel");
    }
    if (ch_course_is_x(given->x)) {
        return read_course(given, arguments, err);
    }
    if (!is_result(given->y)) {
        return read_numbers(given, arguments, err);
    }
    ch_code code = ch_chart_x_parse(given->x, chart, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_chart_y_parse(given->y, chart, err);
    return code != CH_OK ? code : read_axes(given, chart, err);
}

static ch_code read_look(const look *given, plot_arguments *arguments, ch_error *err)
{
    ch_plot_style *style = &arguments->style;
    ch_code code = ch_plot_format_parse(given->format != NULL ? given->format : "pdf", &style->format, err);
    if (code == CH_OK && given->size != NULL) {
        code = ch_plot_width_parse(given->size, &style->width, err);
    }
    if (code == CH_OK && given->panel != NULL) {
        code = ch_plot_panel_parse(given->panel, &style->panel, err);
    }
    return code == CH_OK ? read_chart(given, arguments, err) : code;
}

static ch_code check_arguments(const ch_cli *cli, const look *given, plot_arguments *arguments, ch_error *err)
{
    ch_code code = ch_cli_check_stores(cli, "plot", err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_fit_options_check(&arguments->fit, err);
    if (code != CH_OK) {
        return code;
    }
    code = read_look(given, arguments, err);
    if (code != CH_OK) {
        return code;
    }
    if (arguments->directory == NULL || arguments->directory[0] == '\0') {
        return ch_error_set(err, CH_ERROR_INPUT, "plot needs -o DIR, the directory for the figures");
    }
    return CH_OK;
}

static void free_look(look *given)
{
    free(given->format);
    free(given->size);
    free(given->panel);
    free(given->x);
    free(given->y);
    free(given->by);
    free(given->log);
    free(given->band);
}

int ch_cmd_plot(int argc, const char **argv)
{
    char *directory = NULL, *where = NULL, *box_folder = NULL;
    look given = {0};
    int skip_damaged = 0, has_data = 0;
    plot_arguments arguments = {0};
    ch_fit_options_default(&arguments.fit);
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &directory, 0, "directory for the figures, made when missing", "DIR"},
        {"format", '\0', POPT_ARG_STRING, &given.format, 0, "pdf (default), svg or png", "FORMAT"},
        {"size", '\0', POPT_ARG_STRING, &given.size, 0,
         "width of a page: 17.8cm by default; under 13cm panels stand in one column", "WIDTH"},
        {"panel", '\0', POPT_ARG_STRING, &given.panel, 0, "draw this panel alone, a to f (8.9cm wide by default)",
         "LETTER"},
        {"x", '\0', POPT_ARG_STRING, &given.x, 0,
         "one figure of your choice instead: the setting of its x axis, or time or step for means along training",
         "SETTING"},
        {"y", '\0', POPT_ARG_STRING, &given.y, 0,
         "and the result of its y axis, such as weight_change or time, or a number of fit, such as gamma or tc_onset",
         "RESULT"},
        {"by", '\0', POPT_ARG_STRING, &given.by, 0, "and a setting with a curve for each of its values", "SETTING"},
        {"log", '\0', POPT_ARG_STRING, &given.log, 0, "and its logarithmic axes: x,y (default), x, y or none", "AXES"},
        {"band", '\0', POPT_ARG_STRING, &given.band, 0,
         "and what is around means: se (bars of a standard error, default), ci (95 % interval), sd or runs", "BAND"},
        {"data", '\0', POPT_ARG_NONE, &has_data, 0, "leave the numbers of each figure beside it, as CSV", NULL},
        {"shift", '\0', POPT_ARG_DOUBLE, &arguments.fit.shift, 0,
         "error_shift: change of ln(test error) at T_c (0.1 by default)", "X"},
        {"threshold", '\0', POPT_ARG_DOUBLE, &arguments.fit.threshold, 0,
         "relative variation at which the lazy regime ends (1 by default)", "X"},
        {"where", '\0', POPT_ARG_STRING, &where, 0, "draw only the runs that fulfil an SQL condition", "EXPR"},
        CH_CLI_SKIP_DAMAGED(&skip_damaged),
        POPT_TABLEEND,
    };
    ch_cli cli;
    ch_error err = {0};
    ch_code code =
        ch_cli_init(&cli, argc, argv, options, false,
                    "plot STORE... -o DIR [--format pdf|svg|png] [--size WIDTH] [--panel LETTER] [--x SETTING --y "
                    "RESULT [--by SETTING] [--log AXES] [--band BAND]] [--data] [--threshold X] "
                    "[--shift X] [--where EXPR] [--skip-damaged]",
                    &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    arguments.directory = directory;
    arguments.style.has_data = has_data != 0;
    arguments.fit.watch = &arguments.watch;
    box_folder = ch_cli_cache_folder();
    arguments.fit.expects = true;
    arguments.fit.box_folder = box_folder;
    code = check_arguments(&cli, &given, &arguments, &err);
    if (code != CH_OK) {
        goto out;
    }
    const ch_cli_runs runs = {.cli = &cli,
                              .where = where,
                              .verb = "plot",
                              .has_points = arguments.has_course,
                              .skips_damaged = skip_damaged != 0,
                              .use = draw_table,
                              .context = &arguments};
    code = ch_cli_read_runs(&runs, &err);
    ch_error flush_error = {0};
    const ch_code flushed = ch_cli_flush(&flush_error); /* after a failure too: it has the names of the drawn files */
    if (code != CH_OK || flushed == CH_OK) {
        goto out;
    }
    code = flushed;
    err = flush_error;
out:
    ch_cli_free(&cli);
    free(box_folder);
    free(directory);
    free_look(&given);
    free(where);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
