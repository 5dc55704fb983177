/* training.c — one page for every group: how its runs trained, from the trajectories that were recorded. */
#include "plots/caption.h"
#include "plots/error_panel.h"
#include "plots/expected.h"
#include "plots/page.h"
#include "plots/panel_rows.h"
#include "plots/trajectories.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PANELS = 6 };

/* ---- what is drawn ---- */

static double loss(const ch_observation *at)
{
    return at->train_loss;
}

static double unfitted(const ch_observation *at)
{
    return at->unfitted == CH_UNCOUNTED ? NAN : (double)at->unfitted;
}

static double test_error(const ch_observation *at)
{
    return at->test_error;
}

/* Stores of schema version 1 lack the weight change of points. It is then made from signal and noise. */
static double weight_change(const ch_observation *at)
{
    return isnan(at->weight_change) ? hypot(at->signal, at->noise) : at->weight_change;
}

static double kernel_change(const ch_observation *at)
{
    return at->kernel_change;
}

static double signal_of(const ch_observation *at)
{
    return at->signal;
}

static double noise_of(const ch_observation *at)
{
    return at->noise;
}

typedef double (*observable)(const ch_observation *at);

static const struct {
    const char *label;
    observable first, second; /* drawn as a solid and as a dashed line; NULL for none */
    const char *first_name, *second_name;
    ch_expected_quantity expected_first, expected_second; /* NULL where nothing is */
} panels[MAX_PANELS] = {
    {"training loss", loss, NULL, NULL, NULL, NULL, NULL},
    {"unfitted samples", unfitted, NULL, NULL, NULL, ch_expected_unfitted, NULL},
    {"test error, %", test_error, NULL, NULL, NULL, ch_expected_test_error, NULL},
    {"weight change ‖Δw‖", weight_change, NULL, NULL, NULL, ch_expected_weight_change, NULL},
    {"kernel change ‖K − K₀‖ / ‖K₀‖", kernel_change, NULL, NULL, NULL, NULL, NULL},
    {"signal s, noise r", signal_of, noise_of, "signal s", "noise r", ch_expected_signal, ch_expected_noise},
};

static const struct {
    int point;
    const char *text;
} endings[] = {
    [CH_FITTED] = {7, "fitted"},
    [CH_BUDGET] = {CH_POINT_LOWER_BOUND, "ended by a budget"},
    [CH_DIVERGED] = {2, "diverged"},
    [CH_STUCK] = {1, "stuck"},
};

static bool is_drawable(const ch_point *point, observable what)
{
    const double value = what(&point->observed);
    return point->time > 0 && value > 0 && isfinite(value);
}

/* Whether a point has no error on a test set. The exact test error of a perceptron is never 0. */
static bool is_zero_error(const ch_run *run, const ch_point *point, observable what)
{
    return what == test_error && run->settings.test > 0 && point->time > 0 && point->observed.test_error == 0;
}

static bool has_any(const ch_run_table *table, observable what)
{
    for (size_t r = 0; r < table->count; r++) {
        for (size_t i = 0; i < table->runs[r].num_points; i++) {
            const ch_point *point = &table->runs[r].points[i];
            if (is_drawable(point, what) || is_zero_error(&table->runs[r], point, what)) {
                return true;
            }
        }
    }
    return false;
}

/* Marks the points of a run without test error, at half an error.  @return whether there are such points */
static bool draw_zeros(const ch_run *run, observable what, ch_panel *panel)
{
    bool any = false;
    for (size_t i = 0; i < run->num_points; i++) {
        if (is_zero_error(run, &run->points[i], what)) {
            ch_panel_describe_at(panel, "no error", 0, run->settings.temp);
            ch_error_zero_draw(run->points[i].time, run->settings.test, panel);
            any = true;
        }
    }
    return any;
}

/* Draws one run's curve, and at its last point the mark of how it ended. Values that are not positive are left out, as
 * the axes are logarithmic, and the curve is broken where there is no test error. */
static void draw_run(const ch_run *run, observable what, ch_mark mark, bool dashed, ch_panel *panel)
{
    const ch_point *last = NULL;
    const size_t block = ch_panel_block(panel);
    ch_panel_describe_at(panel,
                         what == signal_of  ? "signal"
                         : what == noise_of ? "noise"
                                            : "run",
                         0, run->settings.temp);
    for (size_t i = 0; i < run->num_points; i++) {
        if (is_drawable(&run->points[i], what)) {
            last = &run->points[i];
            ch_axis_include(&panel->x, last->time);
            ch_axis_include(&panel->y, what(&last->observed));
            ch_panel_row(panel, last->time, what(&last->observed), NAN, NAN);
        } else if (last != NULL && is_zero_error(run, &run->points[i], what)) {
            fputc('\n', panel->out);
        }
    }
    fputs("EOD\n", panel->out);
    if (last != NULL) {
        fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines linewidth 0.9%s linecolor rgb '#%06x'", block,
                dashed ? " dashtype (4,3)" : "", mark.colour);
        ch_panel_describe_at(panel, endings[run->status].text, 0, run->settings.temp);
        ch_panel_point(panel, last->time, what(&last->observed), NAN, NAN, mark);
    }
}

static ch_mark mark_of(const ch_run_table *table, size_t run)
{
    return (ch_mark){ch_mark_of(CH_RAMP_TEMP, run, table->count, true).colour, endings[table->runs[run].status].point};
}

/* What a page shows: runs with their points, and what is expected of them. */
typedef struct {
    ch_run_table table;
    ch_expected_ways expected;
} trajectories;

static void draw_expected(const trajectories *shown, ch_expected_quantity quantity, ch_panel *panel)
{
    for (size_t r = 0; r < shown->table.count && quantity != NULL; r++) {
        const char *shows = quantity == ch_expected_signal  ? "expected signal"
                            : quantity == ch_expected_noise ? "expected noise"
                                                            : "expected";
        ch_panel_describe_at(panel, shows, 0, shown->table.runs[r].settings.temp);
        ch_expected_over_time(panel, &shown->expected.ways[r], quantity, mark_of(&shown->table, r).colour);
    }
}

static ch_code draw_panel(const trajectories *shown, size_t which, size_t index, ch_sheet *sheet, ch_error *err)
{
    const ch_run_table *table = &shown->table;
    ch_panel panel;
    ch_code code = ch_panel_init(&panel, sheet, index, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    const bool has_two = panels[which].second != NULL;
    bool has_zeros = false;
    draw_expected(shown, panels[which].expected_first, &panel);
    draw_expected(shown, panels[which].expected_second, &panel);
    for (size_t r = 0; r < table->count; r++) {
        draw_run(&table->runs[r], panels[which].first, mark_of(table, r), false, &panel);
        if (has_two) {
            draw_run(&table->runs[r], panels[which].second, mark_of(table, r), true, &panel);
        }
    }
    for (size_t r = 0; r < table->count; r++) {
        has_zeros = draw_zeros(&table->runs[r], panels[which].first, &panel) || has_zeros;
    }
    if (has_zeros) {
        ch_error_zeros_key(&panel);
    }
    if (has_two) { /* of another width: in SVG gnuplot gives neighbours of one width and colour one dash */
        ch_panel_key(&panel, "linewidth 0.9 linecolor rgb '#000000'", NULL, panels[which].first_name);
        ch_panel_key(&panel, "linewidth 0.95 dashtype (4,3) linecolor rgb '#000000'", NULL, panels[which].second_name);
    }
    if (panels[which].expected_first != NULL && ch_expected_ways_any(&shown->expected)) {
        ch_expected_key(&panel, "expected at this P and d");
    }
    if (panels[which].first == test_error) {
        panel.y_scale = CH_SCALE_PERCENT;
    }
    code = ch_panel_finish(&panel, "time t = η × steps", panels[which].label, CH_SCALE_POWERS, "", err);
out:
    ch_panel_free(&panel);
    return code;
}

/* Writes the key under the title: P, the colours of T, and then how runs ended. */
static void write_key(const ch_run_table *table, ch_sheet *sheet)
{
    const double sample = 0.03, pitch = 0.2;
    double x = 0;
    fputs("reset\n", sheet->out);
    const size_t rows = ch_chosen_runs_key(table, false, sheet, &x);
    for (ch_status status = CH_FITTED; status < CH_NUM_STATUSES; status++) {
        bool any = false;
        for (size_t r = 0; r < table->count; r++) {
            any = any || table->runs[r].status == status;
        }
        if (any) {
            const ch_mark mark = {0, endings[status].point};
            ch_key_write(sheet->out, CH_KEY_OF_PAGE, x, ch_sheet_head_row(sheet, rows), sample, NULL, &mark,
                         endings[status].text);
            x += pitch;
        }
    }
    ch_layout_flush(sheet->out);
}

/* What the dashed curves are, and why there are none, or none of some runs. */
static ch_code explain_expected(ch_sentences *sentences, const ch_expected_ways *expected, ch_error *err)
{
    const bool any = ch_expected_ways_any(expected);
    if (any) {
        const ch_code code =
            ch_sentences_add(sentences, err,
                             "Long dashes: expected at this P and d, the mean over data sets not fitted yet, while "
                             "these are a tenth or more. Bands: ± σ of ln over them; how a run fluctuates in time is "
                             "not in them.");
        if (code != CH_OK) {
            return code;
        }
    }
    if (expected->shares) {
        const ch_code code = ch_sentences_add(
            sentences, err,
            "One curve stands for all T under 1/(4 alpha): that of T = 1/(4 alpha), from its first step on.");
        if (code != CH_OK) {
            return code;
        }
    }
    if (expected->why_not.code == CH_OK) {
        return CH_OK;
    }
    return ch_sentences_add(sentences, err, "Nothing is expected%s: %s.", any ? " at some T" : "",
                            expected->why_not.message);
}

static ch_code write_caption(const ch_page_head *head, const trajectories *page, size_t index, ch_sheet *sheet,
                             ch_error *err)
{
    const ch_run_table *table = &page->table;
    const ch_run *runs[CH_MOST_TRAJECTORIES];
    for (size_t r = 0; r < table->count; r++) {
        runs[r] = &table->runs[r];
    }
    const ch_page_head shown = {.key = &table->runs[0].settings,
                                .runs = runs,
                                .num_runs = table->count,
                                .differing = head->differing & CH_FIT_BY_DIGEST};
    ch_sentences sentences = {.count = 0};
    ch_code code = ch_sentences_add(&sentences, err,
                                    "One run for each T, on the first data set. A symbol marks the last point above 0 "
                                    "of a curve, and tells how the run ended.");
    if (code != CH_OK) {
        goto out;
    }
    code = explain_expected(&sentences, &page->expected, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(&shown, &sentences, sheet, ch_sheet_place(sheet, index), err);
out:
    ch_sentences_free(&sentences);
    return code;
}

/* @param content  the trajectories */
static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    const trajectories *shown = content;
    size_t index = 0;
    write_key(&shown->table, sheet);
    for (size_t k = 0; k < MAX_PANELS; k++) {
        if (!has_any(&shown->table, panels[k].first)) {
            continue;
        }
        const ch_code code = draw_panel(shown, k, index++, sheet, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return index < MAX_PANELS ? write_caption(head, shown, index, sheet, err) : CH_OK;
}

static ch_code draw_group(const ch_page_kind *kind, const ch_fit *fit, size_t index, const ch_chosen_runs *chosen,
                          ch_store *store, ch_error *err)
{
    trajectories shown = {0};
    ch_code code = ch_chosen_runs_read(chosen, fit, store, &shown.table, err);
    if (code != CH_OK) {
        return code;
    }
    if (!has_any(&shown.table, loss) && !has_any(&shown.table, weight_change)) {
        goto out;
    }
    code = ch_expected_ways_init(&shown.expected, fit, &fit->groups[index], &shown.table, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_page_draw(kind, index, &shown, err);
out:
    ch_expected_ways_free(&shown.expected);
    ch_run_table_free(&shown.table);
    return code;
}

ch_code ch_plot_training(const ch_fit *fit, ch_store *store, const char *directory, const ch_plot_style *style,
                         FILE *names, ch_error *err)
{
    ch_page_head *heads = NULL;
    ch_code code = ch_page_heads_of_groups(fit, &heads, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t g = 0; g < fit->num_groups; g++) {
        heads[g].num_trains = 0; /* the key under the title is that of T */
    }
    const ch_page_kind kind = {heads, NULL, "-training", write_page, directory, style, names, fit->options.watch};
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_chosen_runs chosen = ch_chosen_runs_of(&fit->groups[g], false);
        if (chosen.count == 0) {
            continue;
        }
        code = draw_group(&kind, fit, g, &chosen, store, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    free(heads);
    return code;
}
