/* chart.c — a figure of the user's choice: a result against a setting, a curve for every value of another one. */
#include "plots/chart_words.h"

#include "core/memory.h"
#include "plots/chart_key.h"
#include "plots/gnuplot.h"
#include "plots/page.h"
#include "plots/panel_rows.h"
#include "sim/settings/reals.h"

#include <gsl/gsl_cdf.h>
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
    sample *samples; /* [num_samples] by curve, x and data set; owned */
    size_t num_samples;
    point *points; /* [num_points] by curve and x; owned */
    size_t num_points;
    const ch_run *curves[CH_CHART_MOST_CURVES]; /* [num_curves] a run of each curve, by the value of `by` */
    size_t num_curves;
    size_t num_left_out; /* runs without a y, or with an x or y that the axes cannot have */
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

/* The curve of a run; num_curves if no curve has its value of `by`. */
static size_t find_curve(const content *self, const ch_run *run)
{
    const size_t by = self->chart->by;
    for (size_t c = 0; c < self->num_curves; c++) {
        if (by >= CH_SETTINGS_STORED || ch_settings_are_one(&self->curves[c]->settings, &run->settings, by)) {
            return c;
        }
    }
    return self->num_curves;
}

/* Begins a curve with a run whose value of `by` is new. */
static ch_code take_curve(content *self, const ch_run *run, ch_error *err)
{
    if (find_curve(self, run) < self->num_curves) {
        return CH_OK;
    }
    if (self->num_curves == CH_CHART_MOST_CURVES) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s has over %d values, but a figure shows at most so many curves: choose runs by --where",
                            ch_settings_table[self->chart->by].name, CH_CHART_MOST_CURVES);
    }
    self->curves[self->num_curves++] = run;
    return CH_OK;
}

static int compare_curves(const void *left, const void *right, size_t by)
{
    const ch_run *const *a = left, *const *b = right;
    const ch_value x = ch_settings_get(&(*a)->settings, by), y = ch_settings_get(&(*b)->settings, by);
    if (ch_settings_table[by].type == CH_TYPE_REAL) {
        return (x.real > y.real) - (x.real < y.real);
    }
    return ch_settings_table[by].type == CH_TYPE_COUNT ? (x.count > y.count) - (x.count < y.count) : 0;
}

/* Puts the curves into the order of their values, by insertion, as there are few. */
static void sort_curves(content *self)
{
    for (size_t i = 1; i < self->num_curves && self->chart->by < CH_SETTINGS_STORED; i++) {
        for (size_t j = i; j > 0 && compare_curves(&self->curves[j - 1], &self->curves[j], self->chart->by) > 0; j--) {
            const ch_run *run = self->curves[j];
            self->curves[j] = self->curves[j - 1];
            self->curves[j - 1] = run;
        }
    }
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
        const bool is_drawable = isfinite(x) && isfinite(y) && (!chart->log_x || x > 0) && (!chart->log_y || y > 0);
        if (!is_drawable || !ch_setting_applies(&run->settings, chart->x)) {
            self->num_left_out++;
            continue;
        }
        const ch_code code = take_curve(self, run, err);
        if (code != CH_OK) {
            return code;
        }
        self->samples[self->num_samples++] =
            (sample){.x = x, .y = chart->log_y ? log(y) : y, .seed_data = run->settings.seed_data, .run = run};
    }
    sort_curves(self);
    for (size_t i = 0; i < self->num_samples; i++) {
        self->samples[i].curve = find_curve(self, self->samples[i].run);
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

/* Refuses runs at one x of one curve that differ in more than their seeds: a mean over them has no meaning. */
static ch_code check_same(const ch_chart *chart, const sample *first, const sample *other, ch_error *err)
{
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const bool is_told = ch_fit_is_key(i) || i == CH_SETTING_TRAIN || i == CH_SETTING_TEMP;
        if (is_told && i != chart->x && i != chart->by &&
            !ch_settings_are_one(&first->run->settings, &other->run->settings, i)) {
            const char *name = ch_settings_table[i].name;
            return ch_error_set(
                err, CH_ERROR_INPUT,
                "runs with the same %s differ in %s: draw a curve for each by --by %s, or choose runs by "
                "--where",
                ch_settings_table[chart->x].name, name, name);
        }
    }
    return CH_OK;
}

/* The number that stands at the axis for one that means are made of. */
static double at_axis(const ch_chart *chart, double y)
{
    return chart->log_y ? exp(y) : y;
}

/* The mean over the data sets of samples [begin, end), and its band. Runs of one data set are averaged first. */
static point point_of(const content *self, size_t begin, size_t end)
{
    const sample *samples = self->samples;
    double sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
    size_t sets = 0;
    bool is_bound = false;
    for (size_t i = begin, next; i < end; i = next) {
        double of_set = 0;
        for (next = i; next < end && samples[next].seed_data == samples[i].seed_data; next++) {
            of_set += samples[next].y;
            least = fmin(least, samples[next].y);
            most = fmax(most, samples[next].y);
            is_bound = is_bound || samples[next].run->status == CH_BUDGET;
        }
        of_set /= (double)(next - i);
        sum += of_set;
        squares += of_set * of_set;
        sets++;
    }
    const double count = (double)sets, mean = sum / count;
    const double deviation = sets > 1 ? sqrt(fmax(0, (squares - count * mean * mean) / (count - 1))) : 0;
    const double error = deviation / sqrt(count);
    const ch_chart *chart = self->chart;
    const double half = chart->band == CH_BAND_SD   ? deviation
                        : chart->band == CH_BAND_CI ? (sets > 1 ? error * gsl_cdf_tdist_Pinv(0.975, count - 1) : 0)
                                                    : error;
    const bool is_range = chart->band == CH_BAND_RUNS;
    return (point){.x = samples[begin].x,
                   .mean = at_axis(chart, mean),
                   .lo = at_axis(chart, is_range ? least : mean - half),
                   .hi = at_axis(chart, is_range ? most : mean + half),
                   .curve = samples[begin].curve,
                   .num_sets = sets,
                   .is_bound = is_bound};
}

static ch_code make_points(content *self, ch_error *err)
{
    for (size_t begin = 0, end; begin < self->num_samples; begin = end) {
        for (end = begin + 1; end < self->num_samples && is_at(&self->samples[begin], &self->samples[end]); end++) {
            const ch_code code = check_same(self->chart, &self->samples[begin], &self->samples[end], err);
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
    return ch_chart_mark(curve, self->num_curves);
}

static void write_key(const content *self, ch_sheet *sheet)
{
    const ch_settings *curves[CH_CHART_MOST_CURVES];
    for (size_t c = 0; c < self->num_curves; c++) {
        curves[c] = &self->curves[c]->settings;
    }
    ch_chart_write_key(sheet, self->chart->by, curves, self->num_curves, 0);
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

/* Says that the rows that follow are of a curve, by its value of `by`. */
static void describe(const content *self, const char *shows, size_t curve, ch_panel *panel)
{
    const size_t by = self->chart->by;
    char value[CH_SETTING_TEXT_SIZE] = "";
    if (by < CH_SETTINGS_STORED) {
        ch_setting_format(&ch_settings_table[by], ch_settings_get(&self->curves[curve]->settings, by), value,
                          sizeof value);
    }
    ch_panel_describe(panel, shows, "%s", value);
}

/* Draws a curve: its band or bars, a line, and a point for each mean, open where a budget ended a run. */
static void draw_curve(const content *self, size_t curve, ch_panel *panel)
{
    const bool has_band = self->chart->band == CH_BAND_CI || self->chart->band == CH_BAND_SD;
    const ch_mark mark = mark_of(self, curve);
    const size_t block = ch_panel_block(panel);
    describe(self, "mean", curve, panel);
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
    describe(self, "run", curve, panel);
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
    const bool is_share = strcmp(chart->y.name, "test_error") == 0, has_by = chart->by < CH_SETTINGS_STORED;
    char x_label[64], y_label[64];
    ch_panel panel = {0};
    (void)head;
    sheet->has_letters = false;
    sheet->top = 0.93; /* there is no title */
    if (has_by) {
        write_key(self, sheet);
    }
    ch_code code = ch_panel_init(&panel, sheet, 0, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    panel.x.is_linear = !chart->log_x;
    panel.y.is_linear = !chart->log_y;
    panel.y_scale = is_share ? CH_SCALE_PERCENT : CH_SCALE_POWERS;
    for (size_t c = 0; c < self->num_curves; c++) {
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
    content self = {.chart = chart};
    char name[256];
    const bool has_by = chart->by < CH_SETTINGS_STORED;
    /* a sheet with a single panel */
    const ch_plot_style single = {
        .format = style->format, .width = style->width, .panel = 'a', .has_data = style->has_data};
    const ch_page_head none = {0};
    snprintf(name, sizeof name, "%s-%s%s%s", chart->y.name, ch_settings_table[chart->x].name, has_by ? "-by-" : "",
             has_by ? ch_settings_table[chart->by].name : "");
    const ch_page_kind kind = {.heads = &none,
                               .kind = "",
                               .name = name,
                               .write = write_page,
                               .directory = directory,
                               .style = &single,
                               .names = names,
                               .watch = watch};
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
    code = ch_page_draw(&kind, 0, &self, err);
out:
    content_free(&self);
    return code;
}
