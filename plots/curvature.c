/* curvature.c — one page for every group: how curved the training loss was along training, against what descent at the
 * rate of a run bears. */
#include "plots/caption.h"
#include "plots/page.h"
#include "plots/panel_rows.h"
#include "plots/trajectories.h"

#include <math.h>
#include <stdlib.h>

enum { NUM_PANELS = 2 };

typedef double (*observable)(const ch_observation *at);

static double batch_sharpness(const ch_observation *at)
{
    return at->batch_sharpness;
}

static double lambda_max(const ch_observation *at)
{
    return at->lambda_max;
}

static double trace(const ch_observation *at)
{
    return at->hessian_trace;
}

/* The curvature at which gradient descent along one direction becomes unstable: 2 / eta, with momentum mu and weight
 * decay 2 (1 + mu) / eta - weight_decay. */
static double threshold_of(const ch_settings *settings)
{
    return 2 * (1 + settings->momentum) / settings->rate - settings->weight_decay;
}

static bool is_drawable(const ch_run *run, const ch_point *point, observable what)
{
    const double value = what(&point->observed) / threshold_of(&run->settings);
    return point->step > 0 && value > 0 && isfinite(value);
}

static bool has_any(const ch_run_table *table, observable what)
{
    for (size_t r = 0; r < table->count; r++) {
        for (size_t i = 0; i < table->runs[r].num_points; i++) {
            if (is_drawable(&table->runs[r], &table->runs[r].points[i], what)) {
                return true;
            }
        }
    }
    return false;
}

static unsigned colour_of(const ch_run_table *table, size_t run)
{
    return ch_mark_of(CH_RAMP_TEMP, run, table->count, true).colour;
}

/* Draws a quantity of one run over its threshold, against the step. Values that are not positive are left out, as the
 * axes are logarithmic. */
static void draw_run(const ch_run_table *table, size_t r, observable what, const char *shows, bool dashed,
                     ch_panel *panel)
{
    const ch_run *run = &table->runs[r];
    const size_t block = ch_panel_block(panel);
    size_t count = 0;
    ch_panel_describe_at(panel, shows, 0, run->settings.temp);
    for (size_t i = 0; i < run->num_points; i++) {
        if (is_drawable(run, &run->points[i], what)) {
            const double x = (double)run->points[i].step;
            const double y = what(&run->points[i].observed) / threshold_of(&run->settings);
            ch_axis_include(&panel->x, x);
            ch_axis_include(&panel->y, y);
            ch_panel_row(panel, x, y, NAN, NAN);
            count++;
        }
    }
    fputs("EOD\n", panel->out);
    if (count > 0) {
        fprintf(ch_panel_item(panel),
                "$block%zu using 1:2 with linespoints pointtype %d pointsize 0.25 linewidth 0.9%s "
                "linecolor rgb '#%06x'",
                block, dashed ? 6 : 7, dashed ? " dashtype (4,3)" : "", colour_of(table, r));
    }
}

static ch_code draw_sharpness(const ch_run_table *table, ch_sheet *sheet, ch_error *err)
{
    ch_panel panel;
    ch_code code = ch_panel_init(&panel, sheet, 0, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t r = 0; r < table->count; r++) {
        draw_run(table, r, batch_sharpness, "batch sharpness", false, &panel);
        draw_run(table, r, lambda_max, "lambda_max", true, &panel);
    }
    ch_axis_include(&panel.y, 1);
    ch_panel_describe_at(&panel, "2 / eta", 0, NAN);
    ch_panel_power(&panel, panel.x.lo, panel.x.hi, 1, 0, "dashtype (1,2) linecolor rgb '#505050'", NULL);
    ch_panel_key(&panel, "linewidth 0.9 dashtype (4,3) linecolor rgb '#000000'", NULL, "λ_{max}");
    ch_panel_key(&panel, "dashtype (1,2) linecolor rgb '#505050'", NULL, "2/η");
    ch_panel_key(&panel, "linewidth 0.9 linecolor rgb '#000000'", NULL, "batch sharpness");
    code = ch_panel_finish(&panel, "steps", "curvature, in units of 2/η", CH_SCALE_POWERS, "", err);
out:
    ch_panel_free(&panel);
    return code;
}

static ch_code draw_trace(const ch_run_table *table, ch_sheet *sheet, ch_error *err)
{
    ch_panel panel;
    ch_code code = ch_panel_init(&panel, sheet, 1, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t r = 0; r < table->count; r++) {
        draw_run(table, r, trace, "trace", false, &panel);
    }
    code = ch_panel_finish(&panel, "steps", "trace, in units of 2/η", CH_SCALE_POWERS, "no positive trace", err);
out:
    ch_panel_free(&panel);
    return code;
}

static ch_code write_caption(const ch_page_head *head, const ch_run_table *table, ch_sheet *sheet, ch_error *err)
{
    const ch_run *runs[CH_MOST_TRAJECTORIES];
    bool is_usual = true;
    for (size_t r = 0; r < table->count; r++) {
        runs[r] = &table->runs[r];
        is_usual = is_usual && !(runs[r]->settings.momentum > 0) && !(runs[r]->settings.weight_decay > 0);
    }
    const ch_page_head shown = {.key = &table->runs[0].settings,
                                .runs = runs,
                                .num_runs = table->count,
                                .differing = head->differing & CH_FIT_BY_DIGEST};
    ch_sentences sentences = {.count = 0};
    ch_code code =
        ch_sentences_add(&sentences, err,
                         "One run for each T, on the first data set. λ_max and trace are of the Hessian of the "
                         "training loss; batch sharpness is the mean of g·Hg/|g|² over batches.%s",
                         is_usual ? "" : " With momentum μ and weight decay λ, 2/η stands for 2(1 + μ)/η − λ.");
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(&shown, &sentences, sheet, ch_sheet_place(sheet, NUM_PANELS), err);
out:
    ch_sentences_free(&sentences);
    return code;
}

/* @param content  the runs with their points */
static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    const ch_run_table *table = content;
    double left = 0;
    fputs("reset\n", sheet->out);
    (void)ch_chosen_runs_key(table, false, sheet, &left);
    ch_layout_flush(sheet->out);
    ch_code code = draw_sharpness(table, sheet, err);
    if (code != CH_OK) {
        return code;
    }
    code = draw_trace(table, sheet, err);
    return code == CH_OK ? write_caption(head, table, sheet, err) : code;
}

ch_code ch_plot_curvature(const ch_fit *fit, ch_store *store, const char *directory, const ch_plot_style *style,
                          FILE *names, ch_error *err)
{
    ch_page_head *heads = NULL;
    ch_run_table table = {.count = 0};
    ch_code code = ch_page_heads_of_groups(fit, &heads, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_page_kind kind = {heads, NULL, "-curvature", write_page, directory, style, names, fit->options.watch};
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_chosen_runs chosen = ch_chosen_runs_of(&fit->groups[g], true);
        heads[g].num_trains = 0; /* the key under the title is that of T */
        if (chosen.count == 0) {
            continue;
        }
        code = ch_chosen_runs_read(&chosen, fit, store, &table, err);
        if (code == CH_OK && (has_any(&table, batch_sharpness) || has_any(&table, lambda_max))) {
            code = ch_page_draw(&kind, g, &table, err);
        }
        ch_run_table_free(&table);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    free(heads);
    return code;
}
