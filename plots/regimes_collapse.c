/* regimes_collapse.c — one page for the planes of several P: their weight changes over the temperature, before and
 * after they are brought onto one curve. */
#include "core/memory.h"
#include "fit/regimes/regimes.h"
#include "plots/caption.h"
#include "plots/page.h"
#include "plots/panel.h"
#include "plots/panel_rows.h"

#include <math.h>
#include <stdlib.h>

#define LAW_STYLE "linewidth 1.2 linecolor rgb '#505050'"
enum { LINE_POINTS = 60 };

/* The largest part of the largest term that the plateau of gradient descent may be in a cell that is drawn: it joins
 * noise softly, about as a sum. */
static const double MOST_DESCENT = 1.0 / 32;

/* Whether a cell collapses: noise or the first step sets it, and the plateau adds little. */
static bool collapses(const ch_regime_plane *plane, const ch_regime_cell *cell)
{
    double terms[CH_NUM_REGIMES];
    (void)ch_regime_law_log(&plane->law, (double)cell->batch, cell->temp, terms);
    const double largest = fmax(terms[CH_REGIME_NOISE], terms[CH_REGIME_FIRST_STEP]);
    return cell->counts && terms[CH_REGIME_DESCENT] - largest < log(MOST_DESCENT);
}

/* Draws y / (T P^x) of a plane against B / P^x. @param x  0: before the collapse */
static void draw_plane(const ch_regime_plane *plane, double x, ch_mark mark, ch_panel *panel)
{
    const double unit = pow((double)plane->train, x);
    size_t count = 0;
    const size_t block = ch_panel_block(panel);
    ch_panel_describe_at(panel, "mean", plane->train, NAN);
    for (size_t c = 0; c < plane->num_cells; c++) {
        const ch_regime_cell *cell = &plane->cells[c];
        if (collapses(plane, cell)) {
            const double at = (double)cell->batch / unit, y = exp(cell->log_weight_change) / (cell->temp * unit);
            ch_panel_row(panel, at, y, NAN, NAN);
            ch_axis_include(&panel->x, at);
            ch_axis_include(&panel->y, y);
            count++;
        }
    }
    fputs("EOD\n", panel->out);
    if (count > 0) {
        fprintf(ch_panel_item(panel),
                "$block%zu using 1:2 with points pointtype %d pointsize 0.7*point linecolor rgb '#%06x'", block,
                mark.point, mark.colour);
    }
}

/* Draws the law of a plane in the units of the collapse, at the T of B*. */
static void draw_law(const ch_regimes *regimes, const ch_regime_plane *plane, double x, ch_panel *panel)
{
    const double unit = pow((double)plane->train, x), lo = panel->x.lo, hi = panel->x.hi;
    ch_regime_law law = plane->law;
    law.log_descent = -INFINITY; /* its plateau does not collapse */
    const size_t block = ch_panel_block(panel);
    ch_panel_describe_at(panel, "law", plane->train, NAN);
    for (size_t i = 0; i <= LINE_POINTS && hi > lo; i++) {
        const double at = lo * pow(hi / lo, (double)i / LINE_POINTS);
        const double y = exp(ch_regime_law_log(&law, at * unit, regimes->temp, NULL)) / (regimes->temp * unit);
        ch_panel_row(panel, at, y, NAN, NAN);
    }
    fputs("NaN NaN\nEOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines " LAW_STYLE, block);
}

static ch_code write_panel(const ch_regimes *regimes, bool is_scaled, ch_sheet *sheet, ch_error *err)
{
    const double x = is_scaled ? regimes->gamma.value : 0;
    char x_label[80] = "batch size B", y_label[96] = "‖Δw‖ / T", power[64];
    ch_panel panel;
    ch_code code = ch_panel_init(&panel, sheet, is_scaled, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t p = 0; p < regimes->num_planes; p++) {
        draw_plane(&regimes->planes[p], x, ch_mark_of(CH_RAMP_TRAIN, p, regimes->num_planes, true), &panel);
    }
    if (is_scaled) {
        draw_law(regimes, &regimes->planes[regimes->num_planes - 1], x, &panel);
        ch_panel_key(&panel, LAW_STYLE, NULL, "law of the largest P");
        ch_power_text("P", x, power, sizeof power);
        snprintf(x_label, sizeof x_label, "B / %s", power);
        snprintf(y_label, sizeof y_label, "‖Δw‖ / (T %s)", power);
    }
    code = ch_panel_finish(&panel, x_label, y_label, is_scaled ? CH_SCALE_POWERS : CH_SCALE_BINARY,
                           "no data: no cell is set by noise or by the first step", err);
out:
    ch_panel_free(&panel);
    return code;
}

static ch_code say_all(const ch_regimes *regimes, ch_sentences *words, ch_error *err)
{
    const ch_estimate *x = &regimes->exponent, *gamma = &regimes->gamma;
    char errors[2][32] = {"", ""}, theory[32] = "";
    ch_code code = ch_sentences_add(words, err,
                                    "Means over runs at each (B, T) at which gradient descent's term is under 1/32 of "
                                    "the largest. In (b) B and ‖Δw‖ / T are in units of P^γ, with the γ of the noise.");
    if (code != CH_OK) {
        return code;
    }
    if (isfinite(x->stderr_)) {
        snprintf(errors[0], sizeof errors[0], " ± %.3f", gamma->stderr_);
        snprintf(errors[1], sizeof errors[1], " ± %.3f", x->stderr_);
    }
    if (isfinite(regimes->theory)) {
        snprintf(theory, sizeof theory, "; theory γ = %.3g", regimes->theory);
    }
    return ch_sentences_add(words, err, "γ = %.3f%s; B* ∝ P^x, x = %.3f%s%s.", gamma->value, errors[0], x->value,
                            errors[1], theory);
}

static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    const ch_regimes *regimes = content;
    ch_sentences words = {.count = 0};
    ch_code code = CH_OK;
    for (size_t i = 0; i < 2; i++) {
        code = write_panel(regimes, i == 1, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = say_all(regimes, &words, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(head, &words, sheet, ch_sheet_place(sheet, 2), err);
out:
    ch_sentences_free(&words);
    return code;
}

/* Draws the page of planes whose batches and P vary on it. */
static ch_code draw_page(const ch_fit *fit, const ch_regimes *regimes, const char *directory,
                         const ch_plot_style *style, FILE *names, ch_error *err)
{
    const uint64_t batch = UINT64_C(1) << CH_SETTING_BATCH;
    size_t num_runs = 0, count = 0;
    for (size_t p = 0; p < regimes->num_planes; p++) {
        num_runs += regimes->planes[p].num_runs;
    }
    const ch_run **runs = ch_alloc(num_runs, sizeof *runs);
    uint64_t *trains = ch_alloc(regimes->num_planes, sizeof *trains);
    ch_code code = CH_OK;
    if (runs == NULL || trains == NULL) {
        code = ch_error_memory(err, "a figure of several planes");
        goto out;
    }
    for (size_t p = 0; p < regimes->num_planes; p++) {
        trains[p] = regimes->planes[p].train;
        for (size_t i = 0; i < regimes->planes[p].num_runs; i++) {
            runs[count++] = regimes->planes[p].runs[i];
        }
    }
    const ch_page_head head = {.key = &regimes->key,
                               .runs = runs,
                               .num_runs = num_runs,
                               .differing = fit->differing & ~batch,
                               .varying = batch,
                               .trains = trains,
                               .num_trains = regimes->num_planes,
                               .has_no_lines = true};
    const ch_page_kind kind = {&head, NULL, "-batch_collapse", write_page, directory, style, names, fit->options.watch};
    code = ch_page_draw(&kind, 0, regimes, err);
out:
    free(runs);
    free(trains);
    return code;
}

ch_code ch_plot_batch_collapse(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                               ch_error *err)
{
    ch_regimes_list list = {0};
    ch_code code = ch_regimes_list_init(&list, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (isnan(list.items[i].gamma.value)) {
            continue;
        }
        code = draw_page(fit, &list.items[i], directory, style, names, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    ch_regimes_list_free(&list);
    return code;
}
