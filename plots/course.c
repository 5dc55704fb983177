/* course.c — a figure of the user's choice along training: the mean over data sets of a quantity of the points. */
#include "plots/course.h"

#include "core/compare.h"
#include "core/memory.h"
#include "models/loss.h"
#include "plots/chart_curves.h"
#include "plots/chart_key.h"
#include "plots/chart_words.h"
#include "plots/mean.h"
#include "plots/page.h"
#include "plots/panel_rows.h"
#include "sim/settings/reals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the points of one run ---- */

/* Whether the weights of a run stay what they are once it is fitted: its gradient is zero then, and nothing else moves
 * them. A velocity, weight decay, and losses with a gradient beyond the margin do. */
static bool rests(const ch_run *run)
{
    const ch_settings *settings = &run->settings;
    return run->status == CH_FITTED && !(settings->momentum > 0) && !(settings->weight_decay > 0) &&
           ch_loss_of((ch_loss_kind)settings->loss)->has_idle_steps;
}

static double number_of(const ch_result *row, const ch_point *point)
{
    if (row->type == CH_RESULT_REAL) {
        return ch_result_real(row, point);
    }
    const uint64_t count = ch_result_number(row, point);
    return count == CH_UNCOUNTED ? NAN : (double)count;
}

static bool has_place(const ch_course_chart *chart, const ch_point *point)
{
    const double x = number_of(&chart->x, point);
    return x > 0 && isfinite(x) && isfinite(number_of(&chart->y, point));
}

/* Whether a run keeps a value after its last point: it rests, and its last point has one. Unfitted samples have no mean
 * distance where there are none of them. */
static bool stays(const ch_course_chart *chart, const ch_run *run)
{
    return rests(run) && run->num_points > 0 && has_place(chart, &run->points[run->num_points - 1]);
}

/* The value of a run at x, where it has points before and after: on the straight line between these over ln x.
 * @return NaN where x is before the first point, or after the last one of a run that does not stay */
static double value_at(const ch_course *self, const ch_course_run *of, double x)
{
    const ch_course_chart *chart = self->chart;
    const ch_point *before = NULL;
    for (size_t i = 0; i < of->run->num_points; i++) {
        const ch_point *at = &of->run->points[i];
        if (!has_place(chart, at)) {
            continue;
        }
        const double x1 = number_of(&chart->x, at), y1 = number_of(&chart->y, at);
        const double number = self->is_geometric ? log(y1) : y1;
        if (ch_reals_are_one(x1, x)) {
            return number;
        }
        if (x1 > x) {
            if (before == NULL) {
                return NAN;
            }
            const double x0 = number_of(&chart->x, before), y0 = number_of(&chart->y, before);
            const double share = log(x / x0) / log(x1 / x0);
            return (1 - share) * (self->is_geometric ? log(y0) : y0) + share * number;
        }
        before = at;
    }
    if (before == NULL || !stays(chart, of->run)) {
        return NAN;
    }
    const double last = number_of(&chart->y, before);
    return self->is_geometric ? log(last) : last;
}

/* ---- runs and curves ---- */

/* Orders by curve, then by data set. */
static int compare_runs(const void *left, const void *right)
{
    const ch_course_run *a = left, *b = right;
    if (a->curve != b->curve) {
        return a->curve < b->curve ? -1 : 1;
    }
    const uint64_t x = a->run->settings.seed_data, y = b->run->settings.seed_data;
    return (x > y) - (x < y);
}

/* Finds between which x a run has the quantity.  @return whether it has it at all */
static bool find_ends(const ch_course_chart *chart, ch_course_run *of)
{
    of->first = of->last = NAN;
    for (size_t i = 0; i < of->run->num_points; i++) {
        if (has_place(chart, &of->run->points[i])) {
            of->last = number_of(&chart->x, &of->run->points[i]);
            of->first = isnan(of->first) ? of->last : of->first;
        }
    }
    return !isnan(of->first);
}

static ch_code take_runs(ch_course *self, const ch_run_table *table, ch_error *err)
{
    self->runs = ch_alloc(table->count, sizeof *self->runs);
    if (self->runs == NULL) {
        return ch_error_memory(err, "the runs of a figure");
    }
    for (size_t i = 0; i < table->count; i++) {
        ch_course_run run = {.run = &table->runs[i]};
        if (!find_ends(self->chart, &run)) {
            self->num_left_out++;
            continue;
        }
        const ch_code code = ch_chart_curves_take(&self->curves, run.run, err);
        if (code != CH_OK) {
            return code;
        }
        self->runs[self->num_runs++] = run;
    }
    ch_chart_curves_sort(&self->curves);
    for (size_t i = 0; i < self->num_runs; i++) {
        self->runs[i].curve = ch_chart_curves_find(&self->curves, self->runs[i].run);
        const ch_run *first = self->curves.runs[self->runs[i].curve];
        const ch_code code = ch_chart_curves_check(&self->curves, CH_SETTINGS_STORED, "runs of one curve", first,
                                                   self->runs[i].run, err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (self->num_runs > 0) {
        qsort(self->runs, self->num_runs, sizeof *self->runs, compare_runs);
    }
    return CH_OK;
}

/* Whether all numbers are positive, so that they have logarithms. */
static bool are_positive(const ch_course *self)
{
    for (size_t r = 0; r < self->num_runs; r++) {
        const ch_run *run = self->runs[r].run;
        for (size_t i = 0; i < run->num_points; i++) {
            if (has_place(self->chart, &run->points[i]) && number_of(&self->chart->y, &run->points[i]) <= 0) {
                return false;
            }
        }
    }
    return true;
}

/* ---- means ---- */

/* Finds the x at which the mean of runs [begin, end) is made: those of all points, but of the ends of runs only the
 * last one, since each run ends at another.
 * @param grid  [room for all points] out, ascending  @return how many */
static size_t find_grid(const ch_course *self, size_t begin, size_t end, double *grid)
{
    size_t count = 0, kept = 0;
    double last = 0;
    for (size_t r = begin; r < end; r++) {
        const ch_run *run = self->runs[r].run;
        for (size_t i = 0; i < run->num_points; i++) {
            const double x = number_of(&self->chart->x, &run->points[i]);
            if (has_place(self->chart, &run->points[i]) && x < self->runs[r].last) {
                grid[count++] = x;
            }
        }
        last = fmax(last, self->runs[r].last);
    }
    grid[count++] = last;
    qsort(grid, count, sizeof *grid, ch_compare_reals);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !ch_reals_are_one(grid[kept - 1], grid[i])) {
            grid[kept++] = grid[i];
        }
    }
    return kept;
}

/* The mean at x of runs [begin, end), which are one curve. */
static ch_course_mean mean_at(const ch_course *self, size_t begin, size_t end, double x)
{
    ch_mean_sum sum = CH_MEAN_NONE;
    bool has_left = false;
    for (size_t r = begin; r < end; r++) {
        const double y = value_at(self, &self->runs[r], x);
        if (isnan(y)) {
            has_left = has_left || self->runs[r].last < x;
        } else {
            ch_mean_add(&sum, self->runs[r].run->settings.seed_data, y);
        }
    }
    const ch_mean mean = ch_mean_finish(&sum, self->chart->band);
    const bool is_log = self->is_geometric;
    return (ch_course_mean){.x = x,
                            .mean = is_log ? exp(mean.mean) : mean.mean,
                            .lo = is_log ? exp(mean.lo) : mean.lo,
                            .hi = is_log ? exp(mean.hi) : mean.hi,
                            .curve = self->runs[begin].curve,
                            .num_sets = mean.num_sets,
                            .has_left = has_left};
}

static ch_code make_means(ch_course *self, ch_error *err)
{
    size_t num_points = 0;
    for (size_t r = 0; r < self->num_runs; r++) {
        num_points += self->runs[r].run->num_points;
    }
    double *grid = ch_alloc(num_points, sizeof *grid);
    self->means = ch_alloc(num_points, sizeof *self->means);
    if (grid == NULL || self->means == NULL) {
        free(grid);
        return ch_error_memory(err, "the points of a figure");
    }
    for (size_t begin = 0, end; begin < self->num_runs; begin = end) {
        for (end = begin + 1; end < self->num_runs && self->runs[end].curve == self->runs[begin].curve;) {
            end++;
        }
        const size_t count = find_grid(self, begin, end, grid);
        for (size_t i = 0; i < count; i++) {
            self->means[self->num_means++] = mean_at(self, begin, end, grid[i]);
        }
    }
    free(grid);
    return CH_OK;
}

ch_code ch_course_init(ch_course *self, const ch_run_table *table, const ch_course_chart *chart, ch_error *err)
{
    *self = (ch_course){.chart = chart, .curves.by = chart->by};
    const ch_code code = take_runs(self, table, err);
    if (code != CH_OK) {
        return code;
    }
    self->is_geometric = chart->log_y && are_positive(self);
    return make_means(self, err);
}

void ch_course_free(ch_course *self)
{
    free(self->runs);
    free(self->means);
    *self = (ch_course){.num_runs = 0};
}

/* ---- the drawing ---- */

/* Whether some run of a curve keeps its last value while others go on. */
static bool any_rests(const ch_course *self)
{
    double last[CH_CHART_MOST_CURVES] = {0}; /* x at which the curves end */
    for (size_t i = 0; i < self->num_means; i++) {
        last[self->means[i].curve] = self->means[i].x;
    }
    for (size_t r = 0; r < self->num_runs; r++) {
        if (stays(self->chart, self->runs[r].run) && self->runs[r].last < last[self->runs[r].curve]) {
            return true;
        }
    }
    return false;
}

/* The least mean that a logarithmic axis shows. */
static double least_shown(const ch_course *self)
{
    double least = INFINITY;
    for (size_t i = 0; i < self->num_means; i++) {
        least = self->means[i].mean > 0 ? fmin(least, self->means[i].mean) : least;
    }
    return least;
}

/* Writes one mean into the data block at hand, and into the figure's numbers. The end of a band that a logarithmic axis
 * cannot show is drawn under the axis. */
static void write_mean(const ch_course *self, const ch_course_mean *at, double least, ch_panel *panel)
{
    const bool log_y = self->chart->log_y;
    const ch_row row = {at->x, at->mean, at->lo, at->hi, NAN, NAN, NAN, at->num_sets, at->has_left};
    ch_panel_tell(panel, &row);
    if (log_y && !(at->mean > 0)) {
        fputc('\n', panel->out); /* the line is broken here */
        return;
    }
    fprintf(panel->out, "%.17g %.17g %.17g %.17g\n", at->x, at->mean, log_y && !(at->lo > 0) ? least / 1000 : at->lo,
            at->hi);
    ch_axis_include(&panel->x, at->x);
    ch_axis_include(&panel->y, at->mean);
    ch_axis_include(&panel->y, at->hi);
    if (!log_y || at->lo > 0) {
        ch_axis_include(&panel->y, fmax(at->lo, log_y ? least / 3 : at->lo));
    }
}

/* Draws the means of a curve, those with or those without all of its runs, as a line and a band. The second part begins
 * where the first one ends. */
static void draw_part(const ch_course *self, size_t curve, bool has_left, ch_panel *panel)
{
    const uint32_t colour = ch_chart_mark(curve, self->curves.count).colour;
    const double least = least_shown(self);
    const size_t block = ch_panel_block(panel);
    ch_chart_curves_describe(&self->curves, "mean", curve, panel);
    for (size_t i = 0; i < self->num_means; i++) {
        const ch_course_mean *at = &self->means[i];
        const bool is_first = has_left && i + 1 < self->num_means && self->means[i + 1].has_left &&
                              self->means[i + 1].curve == curve && !at->has_left;
        if (at->curve != curve) {
            continue;
        }
        if (at->has_left == has_left) {
            write_mean(self, at, least, panel);
        } else if (is_first && (!self->chart->log_y || at->lo > 0)) {
            fprintf(panel->out, "%.17g %.17g %.17g %.17g\n", at->x, at->mean, at->lo, at->hi);
        }
    }
    fputs("EOD\n", panel->out);
    if (self->chart->band != CH_BAND_RUNS) {
        fprintf(
            ch_panel_item(panel),
            "$block%zu using 1:3:4 with filledcurves linecolor rgb '#%06x' fillstyle transparent solid 0.2 noborder",
            block, colour);
    }
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines linewidth 1.2%s linecolor rgb '#%06x'", block,
            has_left ? " dashtype (4,3)" : "", colour);
}

/* Draws every run of a curve as a thin line. */
static void draw_runs(const ch_course *self, size_t curve, ch_panel *panel)
{
    const ch_course_chart *chart = self->chart;
    for (size_t r = 0; r < self->num_runs; r++) {
        const ch_run *run = self->runs[r].run;
        if (self->runs[r].curve != curve) {
            continue;
        }
        const size_t block = ch_panel_block(panel);
        ch_chart_curves_describe(&self->curves, "run", curve, panel);
        for (size_t i = 0; i < run->num_points; i++) {
            const double x = number_of(&chart->x, &run->points[i]), y = number_of(&chart->y, &run->points[i]);
            if (has_place(chart, &run->points[i]) && (!chart->log_y || y > 0)) {
                ch_panel_row(panel, x, y, NAN, NAN);
                ch_axis_include(&panel->y, y);
            }
        }
        fputs("EOD\n", panel->out);
        fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines linewidth 0.3 linecolor rgb '#%06x'", block,
                ch_chart_mark(curve, self->curves.count).colour);
    }
}

static bool any_left(const ch_course *self, size_t curve)
{
    for (size_t i = 0; i < self->num_means; i++) {
        if (self->means[i].has_left && self->means[i].curve == curve) {
            return true;
        }
    }
    return false;
}

static void draw_curves(const ch_course *self, ch_panel *panel)
{
    bool has_dashes = false;
    for (size_t c = 0; c < self->curves.count; c++) {
        if (self->chart->band == CH_BAND_RUNS) {
            draw_runs(self, c, panel);
        }
        draw_part(self, c, false, panel);
        if (any_left(self, c)) {
            draw_part(self, c, true, panel);
            has_dashes = true;
        }
    }
    if (any_rests(self)) {
        ch_panel_key(panel, "linewidth 1.2 linecolor rgb '#000000'", NULL, "fitted runs stay as they ended");
    }
    if (has_dashes) {
        ch_panel_key(panel, "linewidth 1.2 dashtype (4,3) linecolor rgb '#000000'", NULL, "without runs that ended");
    }
}

static void write_labels(const ch_course_chart *chart, char *x, char *y, size_t size)
{
    const bool is_time = chart->x.type == CH_RESULT_REAL;
    snprintf(x, size, "%s", is_time ? "time t = η × steps" : "steps");
    if (strcmp(chart->y.name, "loss") == 0) {
        snprintf(y, size, "training loss");
    } else if (strcmp(chart->y.name, "unfitted") == 0) {
        snprintf(y, size, "unfitted samples");
    } else {
        ch_chart_label(chart->y.name, y, size);
    }
}

static ch_code write_page(const ch_page_head *head, const void *what, ch_sheet *sheet, ch_error *err)
{
    static const double room = 0.04; /* for the key of the lines, at the panel */
    const ch_course *self = what;
    const ch_course_chart *chart = self->chart;
    char x_label[64], y_label[64];
    ch_panel panel = {0};
    (void)head;
    sheet->has_letters = false;
    sheet->top = 0.97; /* there is no title */
    ch_chart_curves_key(&self->curves, sheet, false, room);
    ch_code code = ch_panel_init(&panel, sheet, 0, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    panel.x.is_linear = !chart->log_x;
    panel.y.is_linear = !chart->log_y;
    panel.y_scale = ch_chart_is_share(chart->y.name) ? CH_SCALE_PERCENT : CH_SCALE_POWERS;
    draw_curves(self, &panel);
    write_labels(chart, x_label, y_label, sizeof x_label);
    code = ch_panel_finish(&panel, x_label, y_label, CH_SCALE_POWERS, "no number above 0", err);
out:
    ch_panel_free(&panel);
    return code;
}

/* The options by which the points of a trajectory have a quantity. */
static const char *options_for(const ch_result *y)
{
    const bool is_of_kernel = strncmp(y->name, "kernel_", 7) == 0 || strncmp(y->name, "gradient_", 9) == 0;
    return y->since == CH_SCHEMA_CURVATURE ? "--curvature 10"
           : is_of_kernel                  ? "--kernel 32 --record 10"
                                           : "--record 10";
}

ch_code ch_plot_course(const ch_run_table *table, const ch_course_chart *chart, const char *directory,
                       const ch_plot_style *style, FILE *names, const ch_watch *watch, size_t *num_left_out,
                       ch_error *err)
{
    ch_course self;
    ch_code code = ch_course_init(&self, table, chart, err);
    *num_left_out = self.num_left_out;
    if (code != CH_OK) {
        goto out;
    }
    if (self.num_runs == 0) {
        code = ch_error_set(err, CH_ERROR_INPUT,
                            "no run has a trajectory with %s: sweep with %s, which is part of a run's settings",
                            chart->y.name, options_for(&chart->y));
        goto out;
    }
    const ch_page_kind kind = {
        .write = write_page, .directory = directory, .style = style, .names = names, .watch = watch};
    code = ch_chart_draw(kind, chart->x.name, chart->y.name, chart->by, &self, err);
out:
    ch_course_free(&self);
    return code;
}
