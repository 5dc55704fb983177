/* boundary.c — one page for every group: how far the unfitted samples are from the teacher's plane, along training. */
#include "perceptron/online.h"
#include "plots/caption.h"
#include "plots/page.h"
#include "plots/panel_rows.h"
#include "plots/trajectories.h"

#include <math.h>
#include <stdlib.h>

/* lambda = s / r at a point; NaN where the model has no signal and noise. */
static double ratio_of(const ch_point *point)
{
    return point->observed.signal / point->observed.noise;
}

static double time_of(const ch_point *point)
{
    return point->time;
}

typedef double (*abscissa)(const ch_point *point);

static bool is_drawable(const ch_point *point, abscissa of)
{
    const double x = of(point), y = point->observed.unfitted_distance;
    return x > 0 && isfinite(x) && y > 0 && isfinite(y);
}

static bool has_any(const ch_run_table *table, abscissa of)
{
    for (size_t r = 0; r < table->count; r++) {
        for (size_t i = 0; i < table->runs[r].num_points; i++) {
            if (is_drawable(&table->runs[r].points[i], of)) {
                return true;
            }
        }
    }
    return false;
}

/* Draws the points of a run. Over lambda they are not joined, since lambda may fall on the way. */
static void draw_run(const ch_run *run, abscissa of, ch_mark mark, ch_panel *panel)
{
    ch_panel_describe_at(panel, "run", 0, run->settings.temp);
    for (size_t i = 0; i < run->num_points; i++) {
        if (is_drawable(&run->points[i], of)) {
            ch_panel_point(panel, of(&run->points[i]), run->points[i].observed.unfitted_distance, NAN, NAN, mark);
        }
    }
}

/* Draws <v> = A / n of fresh samples at margin 0 over the lambda that the runs have. */
static ch_code draw_theory(double chi, ch_panel *panel, ch_error *err)
{
    enum { NUM = 60 };
    const double lo = panel->x.lo, hi = panel->x.hi;
    const size_t block = ch_panel_block(panel);
    ch_code code = CH_OK;
    ch_panel_describe(panel, "theory", "%s", "fresh samples");
    for (size_t i = 0; i <= NUM && code == CH_OK; i++) {
        ch_online_averages mean;
        const double lambda = lo * pow(hi / lo, (double)i / NUM);
        code = ch_online_averages_closed(&mean, chi, lambda, err);
        if (code == CH_OK && mean.unfitted > 0) {
            ch_axis_include(&panel->y, mean.drift / mean.unfitted);
            ch_panel_row(panel, lambda, mean.drift / mean.unfitted, NAN, NAN);
        }
    }
    fputs("EOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines linewidth 1.3 dashtype (6,4) linecolor rgb '#505050'",
            block);
    ch_panel_key(panel, "linewidth 1.3 dashtype (6,4) linecolor rgb '#505050'", NULL, "fresh samples, A/n");
    return code;
}

/* @param chi  of theory; NaN: it says nothing of these runs */
static ch_code draw_panel(const ch_run_table *table, abscissa of, double chi, size_t index, ch_sheet *sheet,
                          ch_error *err)
{
    ch_panel panel = {0};
    const bool is_ratio = of == ratio_of;
    ch_code code = ch_panel_init(&panel, sheet, index, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t r = 0; r < table->count; r++) {
        draw_run(&table->runs[r], of, ch_mark_of(CH_RAMP_TEMP, r, table->count, true), &panel);
    }
    if (is_ratio && isfinite(chi)) {
        code = draw_theory(chi, &panel, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = ch_panel_finish(&panel, is_ratio ? "λ = s/r" : "time t = η × steps", "⟨v⟩ of unfitted samples",
                           CH_SCALE_POWERS, "", err);
out:
    ch_panel_free(&panel);
    return code;
}

/* @param content  the runs, a ch_run_table */
static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    const ch_run_table *table = content;
    const ch_settings *key = &table->runs[0].settings;
    const bool has_theory = ch_settings_has_theory(key) && !ch_settings_is_network(key);
    ch_sentences sentences = {.count = 0};
    ch_code code = CH_OK;
    size_t index = 0;
    double left;
    fputs("reset\n", sheet->out);
    (void)ch_chosen_runs_key(table, true, sheet, &left);
    ch_layout_flush(sheet->out);
    if (has_any(table, ratio_of)) {
        code = draw_panel(table, ratio_of, has_theory ? key->chi : NAN, index++, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = draw_panel(table, time_of, NAN, index++, sheet, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_sentences_add(&sentences, err,
                            "v is |x·e|, the distance from the teacher's plane; its mean over the training samples "
                            "that are unfitted at a step. One run for each T at the largest P, on the first data set.");
    if (code != CH_OK) {
        goto out;
    }
    code = !has_theory
               ? CH_OK
               : ch_sentences_add(&sentences, err,
                                  "Dashed: the mean over fresh samples at margin 0, which holds for T far above "
                                  "kappa. It falls as 1/λ.");
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(head, &sentences, sheet, ch_sheet_place(sheet, index), err);
out:
    ch_sentences_free(&sentences);
    return code;
}

static ch_code draw_group(const ch_page_kind *kind, const ch_fit *fit, size_t index, ch_store *store, ch_error *err)
{
    const ch_chosen_runs chosen = ch_chosen_runs_of(&fit->groups[index], false);
    ch_run_table table = {0};
    if (chosen.count == 0) {
        return CH_OK;
    }
    ch_code code = ch_chosen_runs_read(&chosen, fit, store, &table, err);
    if (code != CH_OK) {
        return code;
    }
    if (has_any(&table, time_of)) {
        code = ch_page_draw(kind, index, &table, err);
    }
    ch_run_table_free(&table);
    return code;
}

ch_code ch_plot_boundary(const ch_fit *fit, ch_store *store, const char *directory, const ch_plot_style *style,
                         FILE *names, ch_error *err)
{
    ch_page_head *heads = NULL;
    ch_code code = ch_page_heads_of_groups(fit, &heads, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t g = 0; g < fit->num_groups; g++) {
        heads[g].num_trains = 0; /* colours are those of T */
    }
    const ch_page_kind kind = {heads, NULL, "-boundary", write_page, directory, style, names, fit->options.watch};
    for (size_t g = 0; g < fit->num_groups && code == CH_OK; g++) {
        code = draw_group(&kind, fit, g, store, err);
    }
    free(heads);
    return code;
}
