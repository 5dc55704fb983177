/* regimes.c — pages for every plane of batch and rate: maps of weight change, training time and test error, and the
 * weight change against the batch. */
#include "fit/regimes/regimes.h"

#include "core/memory.h"
#include "plots/caption.h"
#include "plots/page.h"
#include "plots/regimes_map.h"
#include "plots/regimes_slice.h"

#include <math.h>
#include <stdlib.h>

/* What a page shows. */
typedef struct {
    const ch_regimes *regimes;
    const ch_regime_plane *plane;
} page_content;

/* What the lines of theory are. */
static ch_code say_predicted(const ch_regime_plane *plane, ch_sentences *words, ch_error *err)
{
    if (plane->prediction == CH_PREDICTED_NOT) {
        return CH_OK;
    }
    return ch_sentences_add(words, err, "By theory, %s: B* = %.3g.",
                            plane->prediction == CH_PREDICTED_LIMIT ? "in its limit" : "at this P and d",
                            ch_regime_law_star(&plane->predicted, 1));
}

static ch_code say_all(const page_content *content, ch_sentences *words, ch_error *err)
{
    const ch_regime_plane *plane = content->plane;
    const ch_estimate *star = &plane->batch_star, *x = &content->regimes->exponent;
    ch_code code = ch_sentences_add(words, err,
                                    "%zu runs on %zu data set%s. Colours are means over runs; white: no run, or one "
                                    "that did not fit.",
                                    plane->num_runs, content->regimes->num_data_sets,
                                    content->regimes->num_data_sets == 1 ? "" : "s");
    if (code != CH_OK) {
        return code;
    }
    if (isnan(star->value)) {
        return ch_sentences_add(words, err, "No borders: too few B and T show noise, or the first step.");
    }
    code = ch_sentences_add(words, err,
                            "Lines: where the terms of the law A T^δ (noise), C T B (first step) and G (gradient "
                            "descent) are equal, δ = %.3f, m = %.2g; it misses the means by %.1f %%.",
                            plane->law.delta, plane->law.sharpness, 100 * plane->scatter);
    if (code != CH_OK) {
        return code;
    }
    char interval[64] = "";
    if (isfinite(star->lo)) {
        snprintf(interval, sizeof interval, " (%.3g … %.3g)", star->lo, star->hi);
    }
    code = ch_sentences_add(words, err, "B* = %.3g%s at T = %.3g.", star->value, interval, content->regimes->temp);
    if (code != CH_OK) {
        return code;
    }
    code = say_predicted(plane, words, err);
    if (code != CH_OK || isnan(x->value)) {
        return code;
    }
    char error[32] = "", theory[32] = "";
    if (isfinite(x->stderr_)) {
        snprintf(error, sizeof error, " ± %.3f", x->stderr_);
    }
    if (isfinite(content->regimes->theory)) {
        snprintf(theory, sizeof theory, "; theory γ = %.3g", content->regimes->theory);
    }
    return ch_sentences_add(words, err, "B* ∝ P^x over %zu P: x = %.3f%s%s.", content->regimes->num_planes, x->value,
                            error, theory);
}

static ch_code write_maps(const ch_page_head *head, const void *what, ch_sheet *sheet, ch_error *err)
{
    const page_content *content = what;
    ch_sentences words = {.count = 0};
    size_t num_maps = 0;
    ch_code code = CH_OK;
    fputs("reset\n", sheet->out);
    ch_key_write(sheet->out, CH_KEY_OF_PAGE, 0.092, ch_sheet_head_row(sheet, 0), 0.03, CH_REGIME_BORDER, NULL,
                 "borders between regimes");
    if (content->plane->prediction != CH_PREDICTED_NOT) {
        ch_key_write(sheet->out, CH_KEY_OF_PAGE, 0.38, ch_sheet_head_row(sheet, 0), 0.03, CH_REGIME_PREDICTED, NULL,
                     "by theory");
    }
    ch_layout_flush(sheet->out);
    for (ch_regime_map map = 0; map < CH_NUM_REGIME_MAPS; map++) {
        if (!ch_regime_map_exists(content->plane, map)) {
            continue;
        }
        code = ch_regime_map_write(content->plane, map, num_maps++, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = say_all(content, &words, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(head, &words, sheet, ch_sheet_place_of_map(sheet, num_maps), err);
out:
    ch_sentences_free(&words);
    return code;
}

static ch_code say_slices(const page_content *content, ch_sentences *words, ch_error *err)
{
    const ch_regime_plane *plane = content->plane;
    const ch_regime_flatness *flatness = &plane->flatness;
    ch_code code =
        ch_sentences_add(words, err, "%zu runs on %zu data set%s; bars are standard errors.", plane->num_runs,
                         content->regimes->num_data_sets, content->regimes->num_data_sets == 1 ? "" : "s");
    if (code != CH_OK || isnan(plane->batch_star.value)) {
        return code;
    }
    code = ch_sentences_add(words, err,
                            "Lines: the law ‖Δw‖ = [y^m + (C T B)^m]^1/m, y being that of noise and gradient descent, "
                            "fitted to the whole plane; B* = %.3g at T = %.3g.",
                            plane->batch_star.value, content->regimes->temp);
    if (code != CH_OK) {
        return code;
    }
    code = say_predicted(plane, words, err);
    if (code != CH_OK || flatness->num_cells == 0) {
        return code;
    }
    char error[32] = "";
    if (isfinite(flatness->error)) {
        snprintf(error, sizeof error, " ± %.1f", 100 * flatness->error);
    }
    return ch_sentences_add(words, err,
                            "At fixed T and B < B*/10 ‖Δw‖, averaged over T, is flat in B within %.1f%s %%; a single "
                            "(B, T) is off by %.1f %% (r.m.s.).",
                            100 * flatness->most, error, 100 * flatness->rms);
}

static ch_code write_slices(const ch_page_head *head, const void *what, ch_sheet *sheet, ch_error *err)
{
    const page_content *content = what;
    ch_sentences words = {.count = 0};
    ch_code code = CH_OK;
    fputs("reset\n", sheet->out);
    ch_key_write(sheet->out, CH_KEY_OF_PAGE, 0.092, ch_sheet_head_row(sheet, 0), 0.03, CH_SLICE_LAW, NULL,
                 "fitted law");
    if (content->plane->prediction != CH_PREDICTED_NOT) {
        ch_key_write(sheet->out, CH_KEY_OF_PAGE, 0.25, ch_sheet_head_row(sheet, 0), 0.03, CH_SLICE_THEORY, NULL,
                     "theory: the largest term");
    }
    ch_layout_flush(sheet->out);
    for (ch_regime_slice slice = 0; slice < CH_NUM_SLICES; slice++) {
        code = ch_regime_slice_write(content->plane, slice, slice, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = say_slices(content, &words, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(head, &words, sheet, ch_sheet_place(sheet, CH_NUM_SLICES), err);
out:
    ch_sentences_free(&words);
    return code;
}

static size_t count_planes(const ch_regimes_list *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        count += list->items[i].num_planes;
    }
    return count;
}

/* The heads of the pages: batch and T vary on a page, P does not.  @param keys, heads  out: one for each plane */
static void make_heads(const ch_fit *fit, const ch_regimes_list *list, ch_settings *keys, ch_page_head *heads)
{
    const uint64_t batch = UINT64_C(1) << CH_SETTING_BATCH, train = UINT64_C(1) << CH_SETTING_TRAIN;
    size_t page = 0;
    for (size_t i = 0; i < list->count; i++) {
        for (size_t p = 0; p < list->items[i].num_planes; p++, page++) {
            const ch_regime_plane *plane = &list->items[i].planes[p];
            keys[page] = list->items[i].key;
            keys[page].train = plane->train;
            heads[page] = (ch_page_head){.key = &keys[page],
                                         .runs = plane->runs,
                                         .num_runs = plane->num_runs,
                                         .differing = (fit->differing & ~batch) | train,
                                         .varying = batch,
                                         .added = train};
        }
    }
}

static ch_code draw_pages(const ch_page_kind *kind, const ch_regimes_list *list, ch_error *err)
{
    size_t page = 0;
    for (size_t i = 0; i < list->count; i++) {
        for (size_t p = 0; p < list->items[i].num_planes; p++) {
            const page_content content = {&list->items[i], &list->items[i].planes[p]};
            const ch_code code = ch_page_draw(kind, page++, &content, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

/* Draws a page for every plane. @param ending  of the pages' files */
static ch_code draw_planes(const ch_fit *fit, const char *ending, ch_page_write write, const char *directory,
                           const ch_plot_style *style, FILE *names, ch_error *err)
{
    ch_regimes_list list = {0};
    ch_page_head *heads = NULL;
    ch_settings *keys = NULL;
    ch_code code = ch_regimes_list_init(&list, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    heads = ch_alloc(count_planes(&list), sizeof *heads);
    keys = ch_alloc(count_planes(&list), sizeof *keys);
    if (heads == NULL || keys == NULL) {
        code = ch_error_memory(err, "the planes of batch and rate");
        goto out;
    }
    make_heads(fit, &list, keys, heads);
    const ch_page_kind kind = {heads, NULL, ending, write, directory, style, names, fit->options.watch};
    code = draw_pages(&kind, &list, err);
out:
    free(heads);
    free(keys);
    ch_regimes_list_free(&list);
    return code;
}

ch_code ch_plot_regimes(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                        ch_error *err)
{
    return draw_planes(fit, "-regimes", write_maps, directory, style, names, err);
}

ch_code ch_plot_batches(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                        ch_error *err)
{
    ch_fit quick = *fit;        /* borrows everything */
    quick.options.replicas = 0; /* the page shows no errors of the law */
    return draw_planes(&quick, "-batches", write_slices, directory, style, names, err);
}
