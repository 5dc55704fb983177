/* lazy.c — one page for every network with its linearised twin: the curves of both, their ratios, and where lazy
 * training ends. */
#include "fit/twins/lazy.h"
#include "core/memory.h"
#include "core/text.h"
#include "plots/caption.h"
#include "plots/error_panel.h"
#include "plots/page.h"
#include "plots/panel_rows.h"

#include <math.h>
#include <stdlib.h>

static const ch_mark network_mark = {0x505050, 7}, end_mark = {0xd55e00, 13};

#define TWIN_STYLE "linewidth 1.2 linecolor rgb '#505050'"
#define ONE_STYLE  "linewidth 0.7 dashtype (6,4) linecolor rgb '#505050'"

/* What the panels are drawn from. */
typedef struct {
    const ch_lazy *lazy;
    const ch_fit_group *network, *twin;
} lazy_page;

static ch_mark mark_of(const lazy_page *page, size_t row)
{
    return ch_mark_of(CH_RAMP_TRAIN, row, page->lazy->num_rows, true);
}

/* ---- panels (a) and (d): network and twin ---- */

/* Draws the twin's cells of one P as a line. */
static void draw_line(ch_panel *panel, const ch_series *series, uint64_t train, unsigned colour)
{
    const size_t block = ch_panel_block(panel);
    size_t count = 0;
    ch_panel_describe_at(panel, "twin", train, NAN);
    for (size_t i = 0; i < series->count; i++) {
        if (series->cells[i].train == train && series->cells[i].mean > 0) {
            ch_panel_row(panel, series->cells[i].temp, series->cells[i].mean, NAN, NAN);
            ch_axis_include(&panel->x, series->cells[i].temp);
            ch_axis_include(&panel->y, series->cells[i].mean);
            count++;
        }
    }
    fputs("EOD\n", panel->out);
    if (count > 0) {
        fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines linewidth 1.2 linecolor rgb '#%06x'", block,
                colour);
    }
}

static ch_code draw_both(const lazy_page *page, ch_panel *panel, const ch_series *network, const ch_series *twin,
                         const char *label, ch_error *err)
{
    for (size_t r = 0; r < page->lazy->num_rows; r++) {
        const uint64_t train = page->lazy->rows[r].train;
        draw_line(panel, twin, train, mark_of(page, r).colour);
        ch_panel_cells(panel, network, train, NAN, 1, mark_of(page, r));
    }
    ch_panel_key(panel, NULL, &network_mark, "network");
    ch_panel_key(panel, TWIN_STYLE, NULL, "linearised twin");
    return ch_panel_finish(panel, "temperature T", label, CH_SCALE_POWERS, "no data: no value is above 0", err);
}

typedef ch_code (*series_init)(ch_series *self, const ch_fit_group *group, size_t offset, ch_error *err);

/* Marks the test errors of 0 of the network and of the twin. */
static void draw_zeros(const lazy_page *page, const ch_series *network, const ch_series *twin, ch_panel *panel)
{
    bool any = false;
    for (size_t i = 0; i < page->network->num_trains; i++) {
        any = ch_error_zeros_draw(page->network, network, page->network->trains[i], NAN, panel) || any;
    }
    for (size_t i = 0; i < page->twin->num_trains; i++) {
        any = ch_error_zeros_draw(page->twin, twin, page->twin->trains[i], NAN, panel) || any;
    }
    if (any) {
        ch_error_zeros_key(panel);
    }
}

static ch_code draw_quantity(const lazy_page *page, ch_panel *panel, series_init init, size_t offset, const char *label,
                             ch_error *err)
{
    ch_series network = {0}, twin = {0};
    ch_code code = init(&network, page->network, offset, err);
    if (code != CH_OK) {
        goto out;
    }
    code = init(&twin, page->twin, offset, err);
    if (code != CH_OK) {
        goto out;
    }
    if (offset == offsetof(ch_run, final.test_error)) {
        draw_zeros(page, &network, &twin, panel);
    }
    code = draw_both(page, panel, &network, &twin, label, err);
out:
    ch_series_free(&network);
    ch_series_free(&twin);
    return code;
}

/* ---- panels (b), (c) and (e): ratios ---- */

/* Shades the ratios within the tolerance. The range of x must be complete. */
static void draw_tolerance(ch_panel *panel)
{
    const double most = 1 + CH_LAZY_TOLERANCE;
    ch_axis_include(&panel->y, 1 / most); /* with a single T there is no band, and the axis still shows the tolerance */
    ch_axis_include(&panel->y, most);
    ch_panel_band(panel, panel->x.lo, panel->x.hi, 1 / most, most);
    ch_panel_power(panel, panel->x.lo, panel->x.hi, 1, 0, ONE_STYLE, NULL);
}

/* The ratios of the (P, T) at which every pair fitted, against T or against the network's relative variation. */
static ch_code make_ratios(ch_series *series, const ch_lazy *lazy, ch_lazy_quantity quantity, bool over_relative,
                           ch_error *err)
{
    *series = (ch_series){.cells = ch_alloc(lazy->num_cells, sizeof *series->cells)};
    if (series->cells == NULL) {
        return ch_error_memory(err, "the points of a figure");
    }
    for (size_t c = 0; c < lazy->num_cells; c++) {
        const ch_lazy_cell *cell = &lazy->cells[c];
        const double x = over_relative ? cell->relative : cell->temp, y = cell->means[quantity].mean;
        const double error = isfinite(cell->means[quantity].stderr_) ? cell->means[quantity].stderr_ : 0;
        if (cell->num_lost == 0 && isfinite(x) && isfinite(y)) {
            series->cells[series->count++] = (ch_cell){cell->train, x, exp(y), exp(y - error), exp(y + error), false};
        }
    }
    return CH_OK;
}

/* Marks where lazy training ends at one P. @return whether it ends within the sampled T */
static bool draw_end(const ch_lazy *lazy, ch_panel *panel, const ch_lazy_row *row, ch_lazy_quantity quantity,
                     bool over_relative, unsigned colour)
{
    const ch_lazy_end *end = &row->ends[quantity];
    for (size_t c = row->begin; c < row->end && end->place == CH_TC_INSIDE; c++) {
        if (lazy->cells[c].temp == end->temp) {
            const double x = over_relative ? end->relative : end->temp;
            ch_panel_describe_at(panel, "end of lazy", row->train, NAN);
            ch_panel_point(panel, x, exp(lazy->cells[c].means[quantity].mean), NAN, NAN, end_mark);
            fprintf(panel->out,
                    "set arrow from first %.17g, graph 0 to first %.17g, graph 1 nohead linewidth 1 "
                    "dashtype '.' linecolor rgb '#%06x'\n",
                    x, x, colour);
        }
    }
    return end->place == CH_TC_INSIDE;
}

static ch_code draw_ratios(const lazy_page *page, ch_panel *panel, ch_lazy_quantity quantity, bool over_relative,
                           const char *label, ch_error *err)
{
    ch_series series;
    bool ends = false;
    const ch_code code = make_ratios(&series, page->lazy, quantity, over_relative, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t r = 0; r < page->lazy->num_rows; r++) {
        const ch_lazy_row *row = &page->lazy->rows[r];
        const ch_mark mark = mark_of(page, r);
        ch_panel_curve(panel, &series, row->train, NAN, 1, mark, NULL);
        ends = draw_end(page->lazy, panel, row, quantity, over_relative, mark.colour) || ends;
    }
    ch_series_free(&series);
    if (!ch_axis_is_empty(&panel->y)) {
        draw_tolerance(panel);
    }
    if (ends) {
        ch_panel_key(panel, NULL, &end_mark, "end of the lazy regime");
    }
    panel->is_ratio = true;
    return ch_panel_finish(panel, over_relative ? "weight variation of the network ‖Δw‖ / ‖w₀‖" : "temperature T",
                           label, CH_SCALE_POWERS, "no data: at every (P, T) a pair did not fit", err);
}

static ch_code draw_panel(const lazy_page *page, size_t index, ch_panel *panel, ch_error *err)
{
    switch (index) {
    case 0:
        return draw_quantity(page, panel, ch_series_init, offsetof(ch_run, final.weight_change), "weight change ‖Δw‖",
                             err);
    case 1:
        return draw_ratios(page, panel, CH_LAZY_WEIGHT_CHANGE, false, "‖Δw‖, network over twin", err);
    case 2:
        return draw_ratios(page, panel, CH_LAZY_TIME, false, "t*, network over twin", err);
    case 3:
        panel->y_scale = CH_SCALE_PERCENT;
        return draw_quantity(page, panel, ch_series_init_plain, offsetof(ch_run, final.test_error),
                             "mean test error, %", err);
    default:
        return draw_ratios(page, panel, CH_LAZY_WEIGHT_CHANGE, true, "‖Δw‖, network over twin", err);
    }
}

/* ---- the caption ---- */

enum { NUM_PANELS = 5 };

/* Says where ||Dw|| leaves the twin's at one P. */
static ch_code say_end(const ch_lazy_row *row, ch_sentences *words, ch_error *err)
{
    const ch_lazy_end *end = &row->ends[CH_LAZY_WEIGHT_CHANGE];
    const ch_shown train = ch_show_count(row->train), temp = ch_show_power(end->temp);
    if (end->place == CH_TC_NONE) {
        return ch_sentences_add(words, err, "P = %s: no T has the pairs that it takes to find the end.", train.text);
    }
    if (end->place == CH_TC_ABOVE) {
        return ch_sentences_add(words, err, "P = %s: ‖Δw‖ agrees with the twin's up to T = %s, ‖Δw‖/‖w₀‖ = %.2g.",
                                train.text, temp.text, end->relative);
    }
    return ch_sentences_add(words, err, "P = %s: ‖Δw‖ leaves the twin's at T %s %s, ‖Δw‖/‖w₀‖ = %.2g.", train.text,
                            end->place == CH_TC_BELOW ? "≤" : "=", temp.text, end->relative);
}

static ch_code say_all(const ch_lazy *lazy, ch_sentences *words, ch_error *err)
{
    enum { MOST_ENDS = 3 }; /* of the largest P */
    ch_code code = ch_sentences_add(
        words, err,
        "%zu pair%s of fitted runs, of equal P, T and seeds, on %zu data set%s. Ratios are geometric means "
        "over data sets ± one s.e.; they are drawn where every pair fitted.",
        lazy->num_pairs, lazy->num_pairs == 1 ? "" : "s", lazy->num_data_sets, lazy->num_data_sets == 1 ? "" : "s");
    if (code != CH_OK) {
        return code;
    }
    code = ch_sentences_add(words, err,
                            "The lazy regime ends where the ratio is off 1 by more than %g %% (shaded) and %g s.e., at "
                            "the next T too.",
                            100 * CH_LAZY_TOLERANCE, CH_LAZY_SIGMAS);
    if (code != CH_OK) {
        return code;
    }
    const size_t first = lazy->num_rows > MOST_ENDS ? lazy->num_rows - MOST_ENDS : 0;
    for (size_t r = first; r < lazy->num_rows; r++) {
        code = say_end(&lazy->rows[r], words, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- the page ---- */

static ch_code write_panel(const lazy_page *page, size_t index, ch_sheet *sheet, ch_error *err)
{
    ch_panel panel;
    ch_code code = ch_panel_init(&panel, sheet, index, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    code = draw_panel(page, index, &panel, err);
out:
    ch_panel_free(&panel);
    return code;
}

/* @param content  a lazy_page */
static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    const lazy_page *page = content;
    ch_sentences words = {.count = 0};
    ch_code code = CH_OK;
    for (size_t i = 0; i < NUM_PANELS; i++) {
        code = write_panel(page, i, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = say_all(page->lazy, &words, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(head, &words, sheet, ch_sheet_place(sheet, NUM_PANELS), err);
out:
    ch_sentences_free(&words);
    return code;
}

/* The runs of both sides of a comparison and its P, to which the page's head points. */
typedef struct {
    const ch_run **runs; /* [2 x num_pairs]; owned array */
    uint64_t *trains;    /* [num_rows]; owned */
} both_sides;

static ch_code both_sides_init(both_sides *self, const ch_lazy *lazy, ch_error *err)
{
    self->runs = ch_alloc(2 * lazy->num_pairs, sizeof *self->runs);
    self->trains = ch_alloc(lazy->num_rows, sizeof *self->trains);
    if (self->runs == NULL || self->trains == NULL) {
        return ch_error_memory(err, "the page of a network and its twin");
    }
    for (size_t i = 0; i < lazy->num_pairs; i++) {
        self->runs[2 * i] = lazy->pairs[i].network;
        self->runs[2 * i + 1] = lazy->pairs[i].twin;
    }
    for (size_t r = 0; r < lazy->num_rows; r++) {
        self->trains[r] = lazy->rows[r].train;
    }
    return CH_OK;
}

/* The head of a comparison's page. `linear` is no part of what the runs share. */
static ch_page_head make_head(const ch_fit *fit, const ch_lazy *lazy, const both_sides *sides)
{
    return (ch_page_head){
        .key = &fit->groups[lazy->network].key,
        .runs = sides->runs,
        .num_runs = 2 * lazy->num_pairs,
        .differing = fit->differing & ~(UINT64_C(1) << CH_SETTING_LINEAR),
        .varying = UINT64_C(1) << CH_SETTING_LINEAR,
        .trains = sides->trains,
        .num_trains = lazy->num_rows,
    };
}

/* Draws the pages of all comparisons.
 * @param sides  out: [list->count], zeroes before; their arrays are the caller's to free
 * @param heads  out: [list->count] */
static ch_code draw_all(const ch_fit *fit, const ch_lazy_list *list, both_sides *sides, ch_page_head *heads,
                        const ch_page_kind *kind, ch_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const ch_code code = both_sides_init(&sides[i], &list->items[i], err);
        if (code != CH_OK) {
            return code;
        }
        heads[i] = make_head(fit, &list->items[i], &sides[i]);
    }
    for (size_t i = 0; i < list->count; i++) {
        const ch_lazy *lazy = &list->items[i];
        const lazy_page page = {lazy, &fit->groups[lazy->network], &fit->groups[lazy->twin]};
        const ch_code code = ch_page_draw(kind, i, &page, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

ch_code ch_plot_lazy(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names, ch_error *err)
{
    ch_lazy_list list = {0};
    both_sides *sides = NULL;
    ch_page_head *heads = NULL;
    ch_code code = ch_lazy_list_init(&list, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    sides = ch_alloc(list.count, sizeof *sides);
    heads = ch_alloc(list.count, sizeof *heads);
    if (sides == NULL || heads == NULL) {
        code = ch_error_memory(err, "the pages of twins");
        goto out;
    }
    const ch_page_kind kind = {heads, NULL, "-twin", write_page, directory, style, names, fit->options.watch};
    code = draw_all(fit, &list, sides, heads, &kind, err);
out:
    for (size_t i = 0; sides != NULL && i < list.count; i++) {
        free(sides[i].runs);
        free(sides[i].trains);
    }
    free(sides);
    free(heads);
    ch_lazy_list_free(&list);
    return code;
}
