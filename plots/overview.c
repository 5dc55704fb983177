/* overview.c — the page of a group's fit. */
#include "plots/overview.h"

#include "plots/page.h"

#include <stdlib.h>

static void overview_free(ch_overview *self)
{
    ch_series_free(&self->weight_change);
    ch_series_free(&self->time);
    ch_series_free(&self->signal);
    ch_series_free(&self->noise);
}

static ch_code overview_init(ch_overview *self, const ch_fit *fit, const ch_fit_group *group, ch_error *err)
{
    *self = (ch_overview){.options = &fit->options, .group = group};
    const struct {
        ch_series *series;
        size_t offset;
    } quantities[] = {
        {&self->weight_change, offsetof(ch_run, final.weight_change)},
        {&self->time, offsetof(ch_run, time)},
        {&self->signal, offsetof(ch_run, final.signal)},
        {&self->noise, offsetof(ch_run, final.noise)},
    };
    for (size_t i = 0; i < sizeof quantities / sizeof quantities[0]; i++) {
        const ch_code code = ch_series_init(quantities[i].series, group, quantities[i].offset, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Writes panel `index`, with the strip under it where it has one. */
static ch_code write_panel(const ch_overview *self, size_t index, ch_sheet *sheet, ch_error *err)
{
    const bool has_strip = ch_strip_is_under(self, index);
    ch_panel panel = {0}, strip = {0};
    ch_code code = ch_panel_init(&panel, sheet, index, has_strip ? CH_PART_UPPER : CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_overview_draw_panel(self, index, &panel, err);
    if (code != CH_OK || !has_strip) {
        goto out;
    }
    code = ch_panel_init(&strip, sheet, index, CH_PART_STRIP, err);
    if (code != CH_OK) {
        goto out;
    }
    strip.x = panel.x;
    code = ch_strip_draw(self, index, &strip, err);
out:
    ch_panel_free(&panel);
    ch_panel_free(&strip);
    return code;
}

/* What write_page needs beside the head. */
typedef struct {
    const ch_fit *fit;
    const ch_fit_group *group;
} page_content;

static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    const page_content *page = content;
    ch_overview overview = {0};
    ch_code code = overview_init(&overview, page->fit, page->group, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < CH_OVERVIEW_PANELS; i++) {
        code = write_panel(&overview, i, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = ch_summary_draw(&overview, head, sheet, err);
out:
    overview_free(&overview);
    return code;
}

ch_code ch_plot_fit(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names, ch_error *err)
{
    ch_page_head *heads = NULL;
    ch_code code = ch_page_heads_of_groups(fit, &heads, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_page_kind kind = {heads, NULL, "", write_page, directory, style, names, fit->options.watch};
    for (size_t g = 0; g < fit->num_groups; g++) {
        const page_content content = {fit, &fit->groups[g]};
        code = ch_page_draw(&kind, g, &content, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    free(heads);
    return code;
}
