/* chart_curves.c — the curves of a chart: one for every value of a setting. */
#include "plots/chart_curves.h"

#include "fit/fit.h"
#include "plots/chart_key.h"
#include "plots/chart_words.h"
#include "plots/panel_rows.h"
#include "sim/settings/reals.h"

size_t ch_chart_curves_find(const ch_chart_curves *self, const ch_run *run)
{
    for (size_t c = 0; c < self->count; c++) {
        if (self->by >= CH_SETTINGS_STORED || ch_settings_are_one(&self->runs[c]->settings, &run->settings, self->by)) {
            return c;
        }
    }
    return self->count;
}

ch_code ch_chart_curves_take(ch_chart_curves *self, const ch_run *run, ch_error *err)
{
    if (ch_chart_curves_find(self, run) < self->count) {
        return CH_OK;
    }
    if (self->count == CH_CHART_MOST_CURVES) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s has over %d values, but a figure shows at most so many curves: choose runs by --where",
                            ch_settings_table[self->by].name, CH_CHART_MOST_CURVES);
    }
    self->runs[self->count++] = run;
    return CH_OK;
}

static int compare(const ch_run *left, const ch_run *right, size_t by)
{
    const ch_value x = ch_settings_get(&left->settings, by), y = ch_settings_get(&right->settings, by);
    if (ch_settings_table[by].type == CH_TYPE_REAL) {
        return (x.real > y.real) - (x.real < y.real);
    }
    return ch_settings_table[by].type == CH_TYPE_COUNT ? (x.count > y.count) - (x.count < y.count) : 0;
}

void ch_chart_curves_sort(ch_chart_curves *self)
{
    /* by insertion, as there are few */
    for (size_t i = 1; i < self->count && self->by < CH_SETTINGS_STORED; i++) {
        for (size_t j = i; j > 0 && compare(self->runs[j - 1], self->runs[j], self->by) > 0; j--) {
            const ch_run *run = self->runs[j];
            self->runs[j] = self->runs[j - 1];
            self->runs[j - 1] = run;
        }
    }
}

ch_code ch_chart_curves_check(const ch_chart_curves *self, size_t x, const char *whom, const ch_run *first,
                              const ch_run *other, ch_error *err)
{
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const bool is_told = ch_fit_is_key(i) || i == CH_SETTING_TRAIN || i == CH_SETTING_TEMP;
        if (is_told && i != x && i != self->by && !ch_settings_are_one(&first->settings, &other->settings, i)) {
            return ch_chart_refuse_mixed(whom, i, self->by, err);
        }
    }
    return CH_OK;
}

void ch_chart_curves_describe(const ch_chart_curves *self, const char *shows, size_t curve, ch_panel *panel)
{
    char value[CH_SETTING_TEXT_SIZE] = "";
    if (self->by < CH_SETTINGS_STORED) {
        ch_setting_format(&ch_settings_table[self->by], ch_settings_get(&self->runs[curve]->settings, self->by), value,
                          sizeof value);
    }
    ch_panel_describe(panel, shows, "%s", value);
}

void ch_chart_curves_key(const ch_chart_curves *self, ch_sheet *sheet, bool has_points, double room)
{
    const ch_settings *curves[CH_CHART_MOST_CURVES];
    if (self->by >= CH_SETTINGS_STORED) {
        return;
    }
    for (size_t c = 0; c < self->count; c++) {
        curves[c] = &self->runs[c]->settings;
    }
    ch_chart_write_key(sheet, self->by, curves, self->count, has_points, room);
}
