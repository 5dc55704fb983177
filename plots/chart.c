/* chart.c — a figure of the user's choice: a result against a setting, a curve for every value of another one. */
#include "plots/chart_words.h"

#include "core/memory.h"
#include "plots/chart_curves.h"
#include "plots/chart_key.h"
#include "plots/gnuplot.h"
#include "plots/mean.h"
#include "plots/page.h"
#include "plots/panel_rows.h"
#include "sim/settings/reals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the points ---- */

/* One run: where it lies, what was measured, and which curve it belongs to. */
typedef struct {
    double x, y; /* y is a logarithm on a logarithmic axis */
    size_t curve;
    uint64_t seed_data;
    const ch_run *run;
} sample;

/* The mean over data sets at one x of one curve. */
typedef struct {
    double x, mean, lo, hi; /* as they are drawn */
    size_t curve, num_sets;
    bool is_bound; /* a budget ended some run */
} point;

typedef struct {
    const ch_chart *chart;
    bool log_x;      /* the axis of x is logarithmic */
    sample *samples; /* [num_samples] by curve, x and data set; owned */
    size_t num_samples;
    point *points; /* [num_points] by curve and x; owned */
    size_t num_points;
    ch_chart_curves curves; /* by the value of `by` */
    size_t num_left_out;    /* runs without a y, or with an x or y that the axes cannot have */
} content;

static double x_of(const ch_chart *chart, const ch_run *run)
{
    const ch_value value = ch_settings_get(&run->settings, chart->x);
    return ch_settings_table[chart->x].type == CH_TYPE_REAL ? value.real : (double)value.count;
}

static double y_of(const ch_chart *chart, const ch_run *run)
{
    if (run->status == CH_DIVERGED) {
        return NAN;
    }
    if (chart->y.type == CH_RESULT_REAL) {
        return ch_result_real(&chart->y, run);
    }
    const uint64_t count = ch_result_number(&chart->y, run);
    return count == CH_UNCOUNTED ? NAN : (double)count;
}

/* Orders by x, then by data set, within a curve. */
static int compare_samples(const void *left, const void *right)
{
    const sample *a = left, *b = right;
    if (a->curve != b->curve) {
        return a->curve < b->curve ? -1 : 1;
    }
    if (!ch_reals_are_one(a->x, b->x)) {
        return a->x < b->x ? -1 : 1;
    }
    return (a->seed_data > b->seed_data) - (a->seed_data < b->seed_data);
}

/* Whether a logarithmic axis shows the x of every run. */
static bool logarithms_show_all(const ch_chart *chart, const ch_run_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        if (ch_setting_applies(&table->runs[i].settings, chart->x) && x_of(chart, &table->runs[i]) <= 0) {
            return false;
        }
    }
    return true;
}

static ch_code take_samples(content *self, const ch_run_table *table, ch_error *err)
{
    const ch_chart *chart = self->chart;
    self->samples = ch_alloc(table->count, sizeof *self->samples);
    self->points = ch_alloc(table->count, sizeof *self->points);
    if (self->samples == NULL || self->points == NULL) {
        return ch_error_memory(err, "the points of a figure");
    }
    for (size_t i = 0; i < table->count; i++) {
        const ch_run *run = &table->runs[i];
        const double x = x_of(chart, run), y = y_of(chart, run);
        const bool is_drawable = isfinite(x) && isfinite(y) && (!self->log_x || x > 0) && (!chart->log_y || y > 0);
        if (!is_drawable || !ch_setting_applies(&run->settings, chart->x)) {
            self->num_left_out++;
            continue;
        }
        const ch_code code = ch_chart_curves_take(&self->curves, run, err);
        if (code != CH_OK) {
            return code;
        }
        self->samples[self->num_samples++] =
            (sample){.x = x, .y = chart->log_y ? log(y) : y, .seed_data = run->settings.seed_data, .run = run};
    }
    ch_chart_curves_sort(&self->curves);
    for (size_t i = 0; i < self->num_samples; i++) {
        self->samples[i].curve = ch_chart_curves_find(&self->curves, self->samples[i].run);
    }
    if (self->num_samples > 0) {
        qsort(self->samples, self->num_samples, sizeof *self->samples, compare_samples);
    }
    return CH_OK;
}

static bool is_at(const sample *a, const sample *b)
{
    return a->curve == b->curve && ch_reals_are_one(a->x, b->x);
}

/* The number that stands at the axis for one that means are made of. */
static double at_axis(const ch_chart *chart, double y)
{
    return chart->log_y ? exp(y) : y;
}

/* The mean over the data sets of samples [begin, end), and its band. Runs of one data set are averaged first. */
static point point_of(const content *self, size_t begin, size_t end)
{
    const ch_chart *chart = self->chart;
    const sample *samples = self->samples;
    ch_mean_sum sum = CH_MEAN_NONE;
    bool is_bound = false;
    for (size_t i = begin; i < end; i++) {
        ch_mean_add(&sum, samples[i].seed_data, samples[i].y);
        is_bound = is_bound || samples[i].run->status == CH_BUDGET;
    }
    const ch_mean mean = ch_mean_finish(&sum, chart->band);
    return (point){.x = samples[begin].x,
                   .mean = at_axis(chart, mean.mean),
                   .lo = at_axis(chart, mean.lo),
                   .hi = at_axis(chart, mean.hi),
                   .curve = samples[begin].curve,
                   .num_sets = mean.num_sets,
                   .is_bound = is_bound};
}

static ch_code make_points(content *self, ch_error *err)
{
    char whom[64];
    snprintf(whom, sizeof whom, "runs with the same %s", ch_settings_table[self->chart->x].name);
    for (size_t begin = 0, end; begin < self->num_samples; begin = end) {
        for (end = begin + 1; end < self->num_samples && is_at(&self->samples[begin], &self->samples[end]); end++) {
            const ch_code code = ch_chart_curves_check(&self->curves, self->chart->x, whom, self->samples[begin].run,
                                                       self->samples[end].run, err);
            if (code != CH_OK) {
                return code;
            }
        }
        self->points[self->num_points++] = point_of(self, begin, end);
    }
    return CH_OK;
}

static void content_free(content *self)
{
    free(self->samples);
    free(self->points);
}

/* ---- the drawing ---- */

static ch_mark mark_of(const content *self, size_t curve)
{
    return ch_chart_mark(curve, self->curves.count);
}

static void include(const content *self, ch_panel *panel, const point *at)
{
    ch_axis_include(&panel->x, at->x);
    ch_axis_include(&panel->y, at->mean);
    if (!self->chart->log_y || at->lo > 0) {
        ch_axis_include(&panel->y, at->lo);
    }
    ch_axis_include(&panel->y, at->hi);
}

/* Draws a curve: its band or bars, a line, and a point for each mean, open where a budget ended a run. */
static void draw_curve(const content *self, size_t curve, ch_panel *panel)
{
    const bool has_band = self->chart->band == CH_BAND_CI || self->chart->band == CH_BAND_SD;
    const ch_mark mark = mark_of(self, curve);
    const size_t block = ch_panel_block(panel);
    ch_chart_curves_describe(&self->curves, "mean", curve, panel);
    for (size_t i = 0; i < self->num_points; i++) {
        const point *at = &self->points[i];
        if (at->curve == curve) {
            fprintf(panel->out, "%.17g %.17g %.17g %.17g %d\n", at->x, at->mean, at->lo, at->hi,
                    at->is_bound ? CH_POINT_LOWER_BOUND : mark.point);
            const ch_row row = {at->x, at->mean, at->lo, at->hi, NAN, NAN, NAN, at->num_sets, at->is_bound};
            ch_panel_tell(panel, &row);
            include(self, panel, at);
        }
    }
    fputs("EOD\n", panel->out);
    if (has_band) {
        fprintf(
            ch_panel_item(panel),
            "$block%zu using 1:3:4 with filledcurves linecolor rgb '#%06x' fillstyle transparent solid 0.2 noborder",
            block, mark.colour);
    } else if (self->chart->band == CH_BAND_SE) {
        fprintf(ch_panel_item(panel), "$block%zu using 1:3:(0):($4-$3) with vectors nohead linecolor rgb '#%06x'",
                block, mark.colour);
    }
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines linewidth 0.7 linecolor rgb '#%06x'", block,
            mark.colour);
    fprintf(ch_panel_item(panel),
            "$block%zu using 1:2:5 with points pointtype variable pointsize point linecolor rgb '#%06x'", block,
            mark.colour);
}

/* Draws each run of a curve as a dot. */
static void draw_runs(const content *self, size_t curve, ch_panel *panel)
{
    const size_t block = ch_panel_block(panel);
    ch_chart_curves_describe(&self->curves, "run", curve, panel);
    for (size_t i = 0; i < self->num_samples; i++) {
        if (self->samples[i].curve == curve) {
            ch_panel_row(panel, self->samples[i].x, at_axis(self->chart, self->samples[i].y), NAN, NAN);
        }
    }
    fputs("EOD\n", panel->out);
    fprintf(ch_panel_item(panel),
            "$block%zu using 1:2 with points pointtype 7 pointsize 0.4*point linecolor rgb '#%06x'", block,
            mark_of(self, curve).colour);
}

static ch_code write_page(const ch_page_head *head, const void *what, ch_sheet *sheet, ch_error *err)
{
    const content *self = what;
    const ch_chart *chart = self->chart;
    char x_label[64], y_label[64];
    ch_panel panel = {0};
    (void)head;
    sheet->has_letters = false;
    sheet->top = 0.93; /* there is no title */
    ch_chart_curves_key(&self->curves, sheet, true, 0);
    ch_code code = ch_panel_init(&panel, sheet, 0, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    panel.x.is_linear = !self->log_x;
    panel.y.is_linear = !chart->log_y;
    panel.y_scale = ch_chart_is_share(chart->y.name) ? CH_SCALE_PERCENT : CH_SCALE_POWERS;
    for (size_t c = 0; c < self->curves.count; c++) {
        draw_curve(self, c, &panel);
        if (chart->band == CH_BAND_RUNS) {
            draw_runs(self, c, &panel);
        }
    }
    ch_chart_label(ch_settings_table[chart->x].name, x_label, sizeof x_label);
    ch_chart_label(chart->y.name, y_label, sizeof y_label);
    const bool is_count = ch_settings_table[chart->x].type == CH_TYPE_COUNT;
    code = ch_panel_finish(&panel, x_label, y_label, is_count ? CH_SCALE_BINARY : CH_SCALE_POWERS, "", err);
out:
    ch_panel_free(&panel);
    return code;
}

ch_code ch_plot_chart(const ch_run_table *table, const ch_chart *chart, const char *directory,
                      const ch_plot_style *style, FILE *names, const ch_watch *watch, size_t *num_left_out,
                      ch_error *err)
{
    content self = {.chart = chart, .curves.by = chart->by};
    self.log_x = chart->log_x && (chart->has_log || logarithms_show_all(chart, table));
    ch_code code = take_samples(&self, table, err);
    *num_left_out = self.num_left_out;
    if (code != CH_OK) {
        goto out;
    }
    if (self.num_samples == 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "no run has a %s and a %s that the figure can show", chart->y.name,
                            ch_settings_table[chart->x].name);
        goto out;
    }
    code = make_points(&self, err);
    if (code != CH_OK) {
        goto out;
    }
    const ch_page_kind kind = {
        .write = write_page, .directory = directory, .style = style, .names = names, .watch = watch};
    code = ch_chart_draw(kind, ch_settings_table[chart->x].name, chart->y.name, chart->by, &self, err);
out:
    content_free(&self);
    return code;
}
