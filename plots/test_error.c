/* test_error.c — one page for every group: the test error against T and against P. */
#include "fit/numbers.h"
#include "plots/caption.h"
#include "plots/error_panel.h"
#include "plots/page.h"

#include <math.h>
#include <stdlib.h>

/* Draws theory's P^-1 a little above the curve of the largest T. Training ends when the number of unfitted samples n P
 * is O(1), and the test error is then n, the share of unfitted samples. */
static void draw_theory(const ch_fit_group *group, const ch_series *series, double temp, ch_panel *panel)
{
    const double from = (double)group->trains[0], to = (double)group->trains[group->num_trains - 1];
    const ch_exponent *gamma = ch_fit_find_exponent(group, CH_FIT_GAMMA, CH_NUM_TC);
    if (gamma != NULL && isfinite(gamma->theory)) {
        ch_panel_power(panel, from, to, ch_panel_lift(panel) * ch_error_series_at(series, group->trains[0], temp), -1,
                       "linewidth 1.3 dashtype (6,4) linecolor rgb '#505050'", "theory P^{−1}");
    }
}

static ch_code draw_over_train(const ch_fit_group *group, ch_panel *panel, ch_error *err)
{
    enum { MAX_TEMPS = 4 };
    const size_t count = group->num_temps < MAX_TEMPS ? group->num_temps : MAX_TEMPS;
    bool is_zero = false;
    ch_series series;
    ch_code code = ch_error_series_init(&series, group, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < count; i++) { /* the T are chosen evenly, the first and the last among them */
        const double temp = group->temps[count > 1 ? i * (group->num_temps - 1) / (count - 1) : 0];
        char number[64], text[80];
        ch_number_text(temp, number, sizeof number);
        snprintf(text, sizeof text, "%s%s", i == 0 ? "T = " : "", number);
        ch_panel_curve(panel, &series, 0, temp, 1, ch_mark_of(CH_RAMP_TEMP, i, count, true), text);
        is_zero = ch_error_zeros_draw(group, &series, 0, temp, panel) || is_zero;
    }
    if (is_zero) {
        ch_error_zeros_key(panel);
    }
    if (group->num_trains > 1) {
        draw_theory(group, &series, group->temps[group->num_temps - 1], panel);
    }
    ch_series_free(&series);
    panel->y_scale = CH_SCALE_PERCENT;
    return ch_panel_finish(panel, "training samples P", "mean test error, %", CH_SCALE_BINARY, "no data", err);
}

static ch_code draw_panel(const ch_fit_group *group, size_t index, ch_sheet *sheet, ch_error *err)
{
    ch_panel panel = {0};
    ch_code code = ch_panel_init(&panel, sheet, index, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    code = index == 0 ? ch_error_panel_draw(group, &panel, err) : draw_over_train(group, &panel, err);
out:
    ch_panel_free(&panel);
    return code;
}

/* Whether some run has no error among its test samples. */
static bool has_zeros(const ch_fit_group *group)
{
    bool any = false;
    for (size_t i = 0; i < group->num_runs; i++) {
        any = any || (group->runs[i]->final.test_error == 0 && group->key.test > 0);
    }
    return any;
}

/* @param content  the group */
static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    enum { NUM_PANELS = 2 };
    ch_sentences sentences = {.count = 0};
    ch_code code = CH_OK;
    for (size_t i = 0; i < NUM_PANELS; i++) {
        code = draw_panel(content, i, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = ch_sentences_add(&sentences, err,
                            "Points are means over data sets ± one s.e. Open triangles: a budget ended runs there. "
                            "Diverged runs are not drawn.");
    if (code != CH_OK) {
        goto out;
    }
    if (has_zeros(content)) {
        code = ch_sentences_add(&sentences, err,
                                "Open triangles that point down: no error in N test samples, drawn at half an error, "
                                "1/(2N).");
        if (code != CH_OK) {
            goto out;
        }
    }
    code = ch_caption_write(head, &sentences, sheet, ch_sheet_place(sheet, NUM_PANELS), err);
out:
    ch_sentences_free(&sentences);
    return code;
}

/* Whether there is a curve to draw. */
static bool is_measured(const ch_fit_group *group)
{
    bool any = false;
    for (size_t i = 0; i < group->num_runs; i++) {
        any = any || (group->runs[i]->status != CH_DIVERGED && group->runs[i]->final.test_error >= 0);
    }
    return any && group->num_trains * group->num_temps > 1;
}

ch_code ch_plot_test_error(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                           ch_error *err)
{
    ch_page_head *heads = NULL;
    ch_code code = ch_page_heads_of_groups(fit, &heads, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_page_kind kind = {heads, NULL, "-error", write_page, directory, style, names, fit->options.watch};
    for (size_t g = 0; g < fit->num_groups; g++) {
        if (!is_measured(&fit->groups[g])) {
            continue;
        }
        code = ch_page_draw(&kind, g, &fit->groups[g], err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    free(heads);
    return code;
}
