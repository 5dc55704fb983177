/* phase_report.c — reports the phase diagrams of a fit as text and as JSON. */
#include "core/page.h"
#include "core/text.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "sim/store/json.h"

#include <math.h>
#include <string.h>

/* Whether all runs of a diagram share a setting. They differ in alpha, T and seeds. */
static bool is_shared(const ch_phase *self, size_t setting)
{
    return setting == CH_SETTING_TRAIN ||
           (setting != CH_SETTING_ALPHA && ch_fit_is_key(setting) && ch_setting_applies(&self->key, setting));
}

/* ---- text ---- */

enum { ALPHA_WIDTH = 8, TEMP_WIDTH = 26 }; /* a row with three temperatures has 88 columns */

static void format_temp(const ch_phase_temp *temp, char *text, size_t size)
{
    const ch_estimate *estimate = &temp->estimate;
    switch (temp->place) {
    case CH_TC_BELOW:
        snprintf(text, size, "< %.3g", estimate->value);
        break;
    case CH_TC_ABOVE:
        snprintf(text, size, "> %.3g", estimate->value);
        break;
    case CH_TC_NONE:
    case CH_TC_UNRESOLVED:
        snprintf(text, size, "—");
        break;
    case CH_TC_INSIDE:
        if (isnan(estimate->lo)) {
            snprintf(text, size, "%.3g (—)", estimate->value);
        } else {
            snprintf(text, size, "%.3g (%.2g … %.2g)", estimate->value, estimate->lo, estimate->hi);
        }
        break;
    }
}

/* Prints the settings that the runs share and that differ from the defaults: "mlp, depth = 2, …, train = 1024". */
static void print_shared(const ch_phase *self, FILE *out)
{
    ch_settings defaults;
    ch_settings_default(&defaults);
    for (size_t i = 0; i < ch_settings_count; i++) {
        char value[32], usual[32];
        ch_setting_format(&ch_settings_table[i], ch_settings_get(&self->key, i), value, sizeof value);
        ch_setting_format(&ch_settings_table[i], ch_settings_get(&defaults, i), usual, sizeof usual);
        if (i == CH_SETTING_MODEL) {
            fputs(value, out);
        } else if (is_shared(self, i) && (i == CH_SETTING_TRAIN || strcmp(value, usual) != 0)) {
            fprintf(out, ", %s = %s", ch_settings_table[i].name, value);
        }
    }
}

static void print_slope(const ch_phase *self, FILE *out)
{
    if (isnan(self->slope.value) && isnan(self->slope_theory)) {
        return; /* k has no meaning here */
    }
    if (isnan(self->slope.value)) {
        fprintf(out, "  no k: it needs a T_opt inside the sampled T at three alpha < 1; %zu have one\n",
                self->num_slope);
        return;
    }
    fprintf(out, "  k = %.3f", self->slope.value);
    if (isfinite(self->slope.stderr_)) {
        fprintf(out, " ± %.3f (%.3f … %.3f)", self->slope.stderr_, self->slope.lo, self->slope.hi);
    }
    if (isfinite(self->slope_theory)) {
        fprintf(out, ", theory %.3f", self->slope_theory);
    }
    fprintf(out, ": T_opt ~ alpha^k over the %zu alpha < 1\n", self->num_slope);
}

static void print_phase(const ch_phase *self, FILE *out)
{
    char text[96];
    print_shared(self, out);
    fprintf(out, "\n  %zu runs, %zu data set%s, %zu alpha, %zu T\n\n  ", self->num_runs, self->num_data_sets,
            self->num_data_sets == 1 ? "" : "s", self->num_alphas, self->num_temps);
    ch_page_right(out, "alpha", ALPHA_WIDTH);
    ch_page_right(out, "T_opt", TEMP_WIDTH);
    snprintf(text, sizeof text, "‖Δw‖ = %g ‖w₀‖", self->threshold);
    ch_page_right(out, text, TEMP_WIDTH);
    if (self->measured[CH_PHASE_KERNEL_CHANGE]) {
        snprintf(text, sizeof text, "‖K-K₀‖ = %g ‖K₀‖", self->threshold);
        ch_page_right(out, text, TEMP_WIDTH);
    }
    fputc('\n', out);
    for (size_t a = 0; a < self->num_alphas; a++) {
        const ch_phase_row *row = &self->rows[a];
        ch_temp_format(self->alphas[a], text, sizeof text);
        fputs("  ", out);
        ch_page_right(out, text, ALPHA_WIDTH);
        format_temp(&row->best, text, sizeof text);
        ch_page_right(out, text, TEMP_WIDTH);
        format_temp(&row->weight_border, text, sizeof text);
        ch_page_right(out, text, TEMP_WIDTH);
        if (self->measured[CH_PHASE_KERNEL_CHANGE]) {
            format_temp(&row->kernel_border, text, sizeof text);
            ch_page_right(out, text, TEMP_WIDTH);
        }
        fputc('\n', out);
    }
    if (self->by_budget) {
        fputs("  no run fitted: the values are those at which budgets ended the runs\n", out);
    }
    print_slope(self, out);
}

void ch_phase_print(const ch_phase_list *self, FILE *out)
{
    if (self->count > 0) {
        fputs("\nPhase diagrams over (alpha, T): T of least test error, and end of the lazy regime\n", out);
    }
    for (size_t i = 0; i < self->count; i++) {
        fputc('\n', out);
        print_phase(&self->items[i], out);
    }
}

/* ---- JSON ---- */

static json_t *temp_json(const ch_phase_temp *temp)
{
    return json_pack("{s:o, s:o, s:o, s:s?}", "value", ch_json_real(temp->estimate.value), "stderr",
                     ch_json_real(temp->estimate.stderr_), "ci95", ch_report_interval(&temp->estimate), "bound",
                     ch_report_bound(temp->place));
}

static json_t *row_json(double alpha, const ch_phase_row *row)
{
    return json_pack("{s:f, s:o, s:o, s:o}", "alpha", alpha, "temp_opt", temp_json(&row->best), "border",
                     temp_json(&row->weight_border), "kernel_border", temp_json(&row->kernel_border));
}

static json_t *slope_json(const ch_phase *self)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "value", ch_json_real(self->slope.value), "stderr",
                     ch_json_real(self->slope.stderr_), "ci95", ch_report_interval(&self->slope), "theory",
                     ch_json_real(self->slope_theory), "alphas", (json_int_t)self->num_slope);
}

/* The settings that the runs share, and the digest of their images. What does not apply to them is null. */
static json_t *shared_json(const ch_phase *self)
{
    json_t *key = json_object();
    for (size_t i = 0; i < ch_settings_count; i++) {
        const ch_setting *row = &ch_settings_table[i];
        const ch_value value = ch_settings_get(&self->key, i);
        char text[64];
        if (i == CH_SETTING_ALPHA || (i != CH_SETTING_TRAIN && !ch_fit_is_key(i))) {
            continue;
        }
        ch_setting_format(row, value, text, sizeof text);
        const bool is_word = row->word != NULL && strcmp(text, row->word) == 0;
        json_t *item = !is_shared(self, i)                      ? json_null()
                       : row->type == CH_TYPE_CHOICE || is_word ? json_string(text)
                       : row->type == CH_TYPE_REAL              ? json_real(value.real)
                                                                : json_integer((json_int_t)value.count);
        ch_report_set(&key, row->name, item);
    }
    ch_report_set(&key, "data_digest", ch_report_digest(&self->key));
    return key;
}

static json_t *phase_json(const ch_phase *self)
{
    json_t *rows = json_array();
    for (size_t a = 0; a < self->num_alphas; a++) {
        ch_report_append(&rows, row_json(self->alphas[a], &self->rows[a]));
    }
    return json_pack("{s:f, s:o, s:o, s:b, s:I, s:I, s:o}", "threshold", self->threshold, "alphas", rows, "k",
                     slope_json(self), "by_budget", (int)self->by_budget, "runs", (json_int_t)self->num_runs,
                     "data_sets", (json_int_t)self->num_data_sets, "group", shared_json(self));
}

ch_code ch_phase_add_json(const ch_phase_list *self, json_t *report, ch_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < self->count; i++) {
        ch_report_append(&list, phase_json(&self->items[i]));
    }
    if (list == NULL || json_object_set_new(report, "phase", list) != 0) {
        return ch_error_memory(err, "a JSON text");
    }
    return CH_OK;
}
