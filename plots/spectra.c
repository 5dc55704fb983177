/* spectra.c — one page for the runs of a group at each P and T that have fluctuations: the variance of the weights
 * along principal directions against the flatness and the curvature of the loss, and against the number of the
 * direction. */
#include "fit/spectra/spectra.h"
#include "core/memory.h"
#include "core/text.h"
#include "plots/caption.h"
#include "plots/page.h"
#include "plots/panel_rows.h"

#include <math.h>
#include <stdlib.h>

static double flatness_of(const ch_fluctuation *direction)
{
    return direction->flatness;
}

static double curvature_of(const ch_fluctuation *direction)
{
    return direction->curvature;
}

static double rank_of(const ch_fluctuation *direction)
{
    return (double)direction->rank;
}

typedef double (*abscissa)(const ch_fluctuation *direction);

/* Draws the directions of one layer, those that drift as open marks. The key has its name. */
static void draw_layer(const ch_spectrum *spectrum, const ch_run *run, uint64_t layer, abscissa of, ch_panel *panel)
{
    const ch_mark filled = ch_mark_of(CH_RAMP_TEMP, (size_t)layer, spectrum->num_layers, true);
    const ch_mark open = ch_mark_of(CH_RAMP_TEMP, (size_t)layer, spectrum->num_layers, false);
    char name[24], text[40];
    ch_spectrum_layer_name(spectrum, layer, name, sizeof name);
    snprintf(text, sizeof text, "%s%s", name[0] == 'a' ? "" : "layer ", name);
    ch_panel_describe(panel, "direction", "%s", text);
    for (size_t i = 0; i < run->num_fluctuations; i++) {
        const ch_fluctuation *one = &run->fluctuations[i];
        const double x = of(one), y = one->variance, error = one->variance_error;
        if (one->layer == layer && x > 0 && isfinite(x)) {
            ch_panel_point(panel, x, y, error < y ? y - error : y, y + error, ch_spectrum_drifts(one) ? open : filled);
        }
    }
    if (of == rank_of) {
        ch_panel_key(panel, NULL, &filled, text);
    }
}

static ch_code draw_panel(const ch_spectrum *spectrum, const ch_run *run, size_t index, ch_sheet *sheet, ch_error *err)
{
    static const abscissa all[] = {rank_of, flatness_of, curvature_of};
    static const char *const labels[] = {"principal direction k", "flatness F", "curvature h"};
    ch_panel panel = {0};
    ch_code code = ch_panel_init(&panel, sheet, index, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t l = 0; l < spectrum->num_layers; l++) {
        draw_layer(spectrum, run, l, all[index], &panel);
    }
    code = ch_panel_finish(&panel, labels[index], "variance σ^{2}", CH_SCALE_POWERS, "no direction has one", err);
out:
    ch_panel_free(&panel);
    return code;
}

/* ---- the caption ---- */

static ch_code say_layer(const ch_spectrum *spectrum, const ch_spectrum_layer *layer, ch_sentences *words,
                         ch_error *err)
{
    char name[24];
    ch_spectrum_layer_name(spectrum, layer->layer, name, sizeof name);
    if (!isfinite(layer->flatness.value)) {
        return CH_OK;
    }
    return ch_sentences_add(words, err, "%s%s: ψ = %.2f ± %.2f.", name[0] == 'a' ? "All weights" : "Layer ",
                            name[0] == 'a' ? "" : name, layer->flatness.value, layer->flatness.stderr_);
}

static ch_code say_all(const ch_spectrum *spectrum, ch_sentences *words, ch_error *err)
{
    ch_code code = ch_sentences_add(
        words, err,
        "Variance of the weights along principal directions, ± one s.e. of block averages, of the run on the first "
        "data "
        "set. Open: directions that drift as those of a random walk do. σ² ~ F^-ψ over the others, of %zu run%s:",
        spectrum->num_with, spectrum->num_with == 1 ? "" : "s");
    for (size_t l = 0; code == CH_OK && l < spectrum->num_layers; l++) {
        code = say_layer(spectrum, &spectrum->layers[l], words, err);
    }
    return code;
}

/* ---- the page ---- */

static const ch_run *first_run_of(const ch_spectrum *spectrum)
{
    size_t r = 0;
    while (spectrum->runs[r]->num_fluctuations == 0) {
        r++;
    }
    return spectrum->runs[r];
}

/* @param content  a ch_spectrum */
static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    enum { NUM_PANELS = 3 };
    const ch_spectrum *spectrum = content;
    ch_sentences words = {.count = 0};
    ch_code code = CH_OK;
    for (size_t i = 0; i < NUM_PANELS; i++) {
        code = draw_panel(spectrum, first_run_of(spectrum), i, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = say_all(spectrum, &words, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(head, &words, sheet, ch_sheet_place(sheet, NUM_PANELS), err);
out:
    ch_sentences_free(&words);
    return code;
}

ch_code ch_plot_spectra(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                        ch_error *err)
{
    static const uint64_t point = UINT64_C(1) << CH_SETTING_TRAIN | UINT64_C(1) << CH_SETTING_TEMP;
    ch_spectrum_list list = {0};
    ch_page_head *heads = NULL;
    ch_code code = ch_spectrum_list_init(&list, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    heads = ch_alloc(list.count, sizeof *heads);
    if (heads == NULL) {
        code = ch_error_memory(err, "the pages of fluctuations");
        goto out;
    }
    for (size_t i = 0; i < list.count; i++) {
        heads[i] = (ch_page_head){
            .key = &list.items[i].runs[0]->settings,
            .runs = list.items[i].runs,
            .num_runs = list.items[i].num_runs,
            .differing = fit->differing | point,
            .added = point,
        };
    }
    const ch_page_kind kind = {heads, NULL, "-fluctuations", write_page, directory, style, names, fit->options.watch};
    for (size_t i = 0; code == CH_OK && i < list.count; i++) {
        code = ch_page_draw(&kind, i, &list.items[i], err);
    }
out:
    free(heads);
    ch_spectrum_list_free(&list);
    return code;
}
