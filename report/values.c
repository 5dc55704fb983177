/* values.c — the distinct values that the runs of a fit have of one setting, or of anything else. */
#include "report/values.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ch_code ch_html_values_init(ch_html_values *self, const ch_fit *fit, ch_error *err)
{
    const size_t count = fit->table->count;
    *self = (ch_html_values){.fit = fit,
                             .count = count,
                             .values = ch_alloc(count, sizeof *self->values),
                             .index = ch_alloc(count, sizeof *self->index)};
    return self->values != NULL && self->index != NULL ? CH_OK : ch_error_memory(err, "the runs of a report");
}

void ch_html_values_free(ch_html_values *self)
{
    free(self->values);
    free(self->index);
    *self = (ch_html_values){0};
}

static int compare_values(const void *left, const void *right)
{
    const ch_html_value *a = left, *b = right;
    if (isnan(a->number) != isnan(b->number)) {
        return isnan(a->number) ? 1 : -1;
    }
    if (a->number < b->number || a->number > b->number) {
        return a->number < b->number ? -1 : 1;
    }
    return strcmp(a->text, b->text);
}

/* As compare_values; of equal values the run that comes first is first, so that the order is the same everywhere. */
static int compare_with_runs(const void *left, const void *right)
{
    const ch_html_value *a = left, *b = right;
    const int order = compare_values(a, b);
    return order != 0 ? order : (a->run > b->run) - (a->run < b->run);
}

void ch_html_values_number(ch_html_values *self)
{
    self->distinct = 0;
    qsort(self->values, self->count, sizeof *self->values, compare_with_runs);
    for (size_t i = 0; i < self->count; i++) {
        if (self->distinct == 0 || compare_values(&self->values[self->distinct - 1], &self->values[i]) != 0) {
            self->values[self->distinct++] = self->values[i];
        }
        self->index[self->values[i].run] = self->distinct - 1;
    }
}

bool ch_html_values_of_setting(ch_html_values *self, size_t setting)
{
    const ch_type type = ch_settings_table[setting].type;
    const bool is_text = type == CH_TYPE_TEXT || type == CH_TYPE_RULE || type == CH_TYPE_CONTENT;
    bool applies = false;
    for (size_t i = 0; i < self->count; i++) {
        const ch_settings *settings = &self->fit->runs[i].settings;
        const ch_value got = ch_settings_get(settings, setting);
        ch_html_value value = {.number = NAN, .text = "", .run = i};
        if (ch_setting_applies(settings, setting)) {
            value.number = is_text ? 0 : type == CH_TYPE_REAL ? got.real : (double)got.count;
            value.text = is_text && got.text != NULL ? got.text : "";
            applies = true;
        }
        self->values[i] = value;
    }
    ch_html_values_number(self);
    return applies;
}

void ch_html_values_show(const ch_html_values *self, size_t setting, size_t index, char *text, size_t size)
{
    const ch_html_value *value = &self->values[index];
    if (isnan(value->number)) {
        snprintf(text, size, "—");
        return;
    }
    const ch_settings *settings = &self->fit->runs[value->run].settings;
    ch_setting_show(&ch_settings_table[setting], ch_settings_get(settings, setting), text, size);
}
