/* collapse.c — one page for every group: its curves before and after their collapse, and the ratio of its points to
 * the master curve. */
#include "fit/collapse/collapse.h"
#include "core/memory.h"
#include "core/memstream.h"
#include "plots/page.h"
#include "plots/panel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns of the page. */
enum { NUM_COLUMNS = 2 };
static const struct {
    ch_collapse_quantity quantity;
    const char *axis, *symbol;
} columns[NUM_COLUMNS] = {
    {CH_COLLAPSE_WEIGHT_CHANGE, "weight change ‖Δw‖", "‖Δw‖"},
    {CH_COLLAPSE_TIME, "training time t*", "t*"},
};

/* Its rows. */
typedef enum { BEFORE, AFTER, RATIO, NUM_ROWS } page_row;

/* A point as a row of the page shows it: unscaled, collapsed, or divided by the master curve. */
static ch_cell place(const ch_collapse *collapse, const ch_collapse_point *point, page_row row)
{
    const double train = (double)point->train;
    const double temp = row == BEFORE ? point->temp : point->temp * pow(train, collapse->a.value);
    const double y = row == BEFORE ? point->y : row == AFTER ? point->y * pow(train, -collapse->x.value) : point->ratio;
    return (ch_cell){
        .train = point->train, .temp = temp, .mean = y, .lo = y * exp(-point->error), .hi = y * exp(point->error)};
}

static ch_code draw_curves(const ch_collapse *collapse, const ch_page_head *head, page_row row, ch_panel *panel,
                           ch_error *err)
{
    ch_series series = {.cells = ch_alloc(collapse->num_points, sizeof *series.cells)};
    if (series.cells == NULL) {
        return ch_error_memory(err, "the points of a figure");
    }
    for (size_t i = 0; i < collapse->num_points; i++) {
        const ch_cell cell = place(collapse, &collapse->points[i], row);
        if (isfinite(cell.mean)) {
            series.cells[series.count++] = cell;
        }
    }
    for (size_t p = 0; p < head->num_trains; p++) {
        ch_panel_curve(panel, &series, head->trains[p], NAN, 1, ch_mark_of(CH_RAMP_TRAIN, p, head->num_trains, true),
                       NULL);
    }
    ch_series_free(&series);
    return CH_OK;
}

static void write_estimate(FILE *out, const char *name, const ch_estimate *estimate)
{
    fprintf(out, "%s = %s%.3f ± %.3f", name, estimate->value < 0 ? "−" : "", fabs(estimate->value), estimate->stderr_);
}

/* Writes x, a and the quality S above the collapsed curves. */
static ch_code draw_key(const ch_collapse *collapse, ch_panel *panel, ch_error *err)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = ch_memstream_open(&text, &length);
    if (out == NULL) {
        return ch_error_memory(err, "a panel");
    }
    write_estimate(out, "x", &collapse->x);
    write_estimate(out, ", a", &collapse->a);
    if (!ch_memstream_close(out, &text)) {
        return ch_error_memory(err, "a panel");
    }
    ch_panel_key(panel, NULL, NULL, text);
    free(text);
    char quality[96];
    snprintf(quality, sizeof quality, "S = %.2f a point, over %zu of %zu points", collapse->quality,
             collapse->num_compared, collapse->num_points);
    ch_panel_key(panel, NULL, NULL, quality);
    return CH_OK;
}

/* Writes the labels of the axes of a row. */
static void write_labels(const ch_collapse *collapse, size_t column, page_row row, char x_label[64], char y_label[96])
{
    char power[32];
    snprintf(x_label, 64, "temperature T");
    snprintf(y_label, 96, "%s", columns[column].axis);
    if (row != BEFORE) {
        ch_power_text("P", collapse->a.value, power, sizeof power);
        snprintf(x_label, 64, "T %s", power);
        ch_power_text("P", -collapse->x.value, power, sizeof power);
        snprintf(y_label, 96, "%s %s", columns[column].symbol, power);
    }
    if (row == RATIO) {
        snprintf(y_label, 96, "%s over master curve", columns[column].symbol);
    }
}

static ch_code draw_panel(const ch_collapse *collapse, const ch_page_head *head, size_t column, page_row row,
                          ch_panel *panel, ch_error *err)
{
    const bool found = collapse->reason == NULL;
    char x_label[64], y_label[96];
    if (found || row == BEFORE) {
        const ch_code code = draw_curves(collapse, head, row, panel, err);
        if (code != CH_OK) {
            return code;
        }
    }
    write_labels(collapse, column, row, x_label, y_label);
    if (row == RATIO) {
        ch_panel_power(panel, panel->x.lo, panel->x.hi, 1, 0, "linewidth 1.1 linecolor rgb '#000000'", NULL);
        panel->is_ratio = true;
    }
    if (found && row == AFTER) {
        const ch_code code = draw_key(collapse, panel, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return ch_panel_finish(panel, x_label, y_label, CH_SCALE_POWERS, "no data: no collapse was found", err);
}

/* Writes panel `index` of the page, counted row by row. */
static ch_code write_panel(const ch_collapse *collapses, const ch_page_head *head, size_t index, ch_sheet *sheet,
                           ch_error *err)
{
    const size_t column = index % NUM_COLUMNS;
    ch_panel panel;
    ch_code code = ch_panel_init(&panel, sheet, index, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    code = draw_panel(&collapses[column], head, column, (page_row)(index / NUM_COLUMNS), &panel, err);
out:
    ch_panel_free(&panel);
    return code;
}

/* @param content  the collapses, one a column */
static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    const ch_collapse *collapses = content;
    for (size_t i = 0; i < NUM_ROWS * NUM_COLUMNS; i++) {
        const ch_code code = write_panel(collapses, head, i, sheet, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Draws the page of group `index`, if one of its quantities collapses. */
static ch_code draw_group(const ch_page_kind *kind, const ch_fit *fit, size_t index, ch_error *err)
{
    ch_collapse collapses[NUM_COLUMNS] = {0};
    bool found = false;
    ch_code code = CH_OK;
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        code = ch_collapse_init(&collapses[k], &fit->groups[index], columns[k].quantity, &fit->options, err);
        if (code != CH_OK) {
            goto out;
        }
        found = found || collapses[k].reason == NULL;
    }
    if (found) {
        code = ch_page_draw(kind, index, collapses, err);
    }
out:
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        ch_collapse_free(&collapses[k]);
    }
    return code;
}

ch_code ch_plot_collapse(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                         ch_error *err)
{
    ch_page_head *heads = NULL;
    ch_code code = ch_page_heads_of_groups(fit, &heads, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_page_kind kind = {heads, NULL, "-collapse", write_page, directory, style, names, fit->options.watch};
    for (size_t g = 0; g < fit->num_groups; g++) {
        code = draw_group(&kind, fit, g, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    free(heads);
    return code;
}
