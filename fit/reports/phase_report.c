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

/* The shared settings, as bits. */
static uint64_t shared_settings(const ch_phase *self)
{
    uint64_t shared = 0;
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        shared |= (uint64_t)is_shared(self, i) << i;
    }
    return shared;
}

/* ---- text ---- */

enum { ALPHA_WIDTH = 8, TEMP_WIDTH = 30 }; /* a row with two temperatures has 70 columns */

static void format_temp(const ch_phase_temp *temp, char *text, size_t size)
{
    const ch_estimate *estimate = &temp->estimate;
    switch (temp->place) {
    case CH_TC_BELOW:
        snprintf(text, size, "< %s", ch_show_power(estimate->value).text);
        break;
    case CH_TC_ABOVE:
        snprintf(text, size, "> %s", ch_show_power(estimate->value).text);
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

/* Prints "k = 0.66 ± 0.02 (0.62 … 0.70), theory 0.667". */
static void print_power(FILE *out, const char *name, const ch_estimate *power, double theory)
{
    fprintf(out, "  %s = %.3f", name, power->value);
    if (isfinite(power->stderr_)) {
        fprintf(out, " ± %.3f (%.3f … %.3f)", power->stderr_, power->lo, power->hi);
    }
    if (isfinite(theory)) {
        fprintf(out, ", theory %.3f", theory);
    }
}

/* Prints k and s of one end of the alpha. */
static void print_powers(const ch_phase *self, ch_phase_end end, FILE *out)
{
    const char *where = end == CH_PHASE_SMALL ? "alpha < 1" : "alpha > 1";
    const ch_phase_power *best = &self->best_powers[end], *max = &self->max_powers[end];
    if (isfinite(best->estimate.value)) {
        print_power(out, "k", &best->estimate, best->theory);
        fprintf(out, ":\n    %s ~ alpha^k over the %zu %s%s\n", best->of == CH_PHASE_OF_BEST ? "T_opt" : "T_max",
                best->num_alphas, where, best->of == CH_PHASE_OF_BEST ? "" : ", where T_opt sits at it");
    } else if (isfinite(best->theory)) { /* else k has no meaning here */
        fprintf(out, "  no k: it needs a T_opt inside the sampled T at three %s; %zu have one\n", where,
                best->num_alphas);
    }
    if (isfinite(max->estimate.value)) {
        print_power(out, "s", &max->estimate, max->theory);
        fprintf(out, ":\n    T_max ~ alpha^s over the %zu %s\n", max->num_alphas, where);
    }
}

/* Prints what the letters behind T_opt mean. */
static void print_limits(const ch_phase *self, FILE *out)
{
    bool any[3] = {false};
    for (size_t a = 0; a < self->num_alphas; a++) {
        any[self->rows[a].limit] = true;
    }
    if (any[CH_PHASE_AT_DIVERGED]) {
        fputs("  d: T_opt sits at the border of divergence, the T above which runs diverge\n", out);
    }
    if (any[CH_PHASE_AT_BUDGET]) {
        fputs("  b: T_opt lies beside T at which budgets ended runs, and these T do not count\n", out);
    }
}

/* A column of temperatures, one for each alpha. */
typedef struct {
    char title[96];
    size_t offset; /* of its ch_phase_temp in a ch_phase_row */
} temp_column;

static void print_columns(const ch_phase *self, const temp_column *columns, size_t count, FILE *out)
{
    char text[96];
    fputs("\n  ", out);
    ch_page_right(out, "alpha", ALPHA_WIDTH);
    for (size_t k = 0; k < count; k++) {
        ch_page_right(out, columns[k].title, TEMP_WIDTH);
    }
    fputc('\n', out);
    for (size_t a = 0; a < self->num_alphas; a++) {
        static const char *const letters[] = {
            [CH_PHASE_FREE] = "", [CH_PHASE_AT_DIVERGED] = " d", [CH_PHASE_AT_BUDGET] = " b"};
        const ch_phase_row *row = &self->rows[a];
        ch_power_format(self->alphas[a], text, sizeof text);
        fputs("  ", out);
        ch_page_right(out, text, ALPHA_WIDTH);
        for (size_t k = 0; k < count; k++) {
            const ch_phase_temp *temp = (const void *)((const char *)row + columns[k].offset);
            format_temp(temp, text, sizeof text);
            if (temp == &row->best) {
                strcat(text, letters[row->limit]);
            }
            ch_page_right(out, text, TEMP_WIDTH);
        }
        fputc('\n', out);
    }
}

static void print_phase(const ch_phase *self, FILE *out)
{
    const temp_column temps[] = {{"T_opt", offsetof(ch_phase_row, best)}, {"T_max", offsetof(ch_phase_row, max)}};
    temp_column borders[] = {{"", offsetof(ch_phase_row, weight_border)}, {"", offsetof(ch_phase_row, kernel_border)}};
    snprintf(borders[0].title, sizeof borders[0].title, "‖Δw‖ = %g ‖w₀‖", self->threshold);
    snprintf(borders[1].title, sizeof borders[1].title, "‖K-K₀‖ = %g ‖K₀‖", self->threshold);
    ch_report_print_shared(&self->key, shared_settings(self), UINT64_C(1) << CH_SETTING_TRAIN, out);
    fprintf(out, "  %zu runs, %zu data set%s, %zu alpha, %zu T\n", self->num_runs, self->num_data_sets,
            self->num_data_sets == 1 ? "" : "s", self->num_alphas, self->num_temps);
    print_columns(self, temps, 2, out);
    print_limits(self, out);
    print_powers(self, CH_PHASE_SMALL, out);
    print_powers(self, CH_PHASE_LARGE, out);
    print_columns(self, borders, self->measured[CH_PHASE_KERNEL_CHANGE] ? 2 : 1, out);
    if (self->by_budget) {
        fprintf(out, "  %s: the values are those at which budgets ended the runs\n",
                self->num_fitted == 0 ? "no run fitted" : "under this loss runs fit by chance alone");
    }
}

void ch_phase_print(const ch_phase_list *self, FILE *out)
{
    if (self->count > 0) {
        fputs("\nPhase diagrams over (alpha, T): T_opt of least test error; T_max, above which\n"
              "half of the data sets diverge; and the end of the lazy regime\n",
              out);
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

/* T_opt, and what it sits at: "diverged", "budget" or null. */
static json_t *best_json(const ch_phase_row *row)
{
    static const char *const limits[] = {[CH_PHASE_AT_DIVERGED] = "diverged", [CH_PHASE_AT_BUDGET] = "budget"};
    json_t *best = temp_json(&row->best);
    ch_report_set(&best, "limit", row->limit == CH_PHASE_FREE ? json_null() : json_string(limits[row->limit]));
    return best;
}

static json_t *row_json(double alpha, const ch_phase_row *row)
{
    return json_pack("{s:f, s:o, s:o, s:o, s:o}", "alpha", alpha, "temp_opt", best_json(row), "temp_max",
                     temp_json(&row->max), "border", temp_json(&row->weight_border), "kernel_border",
                     temp_json(&row->kernel_border));
}

static json_t *power_json(const ch_phase_power *power)
{
    const ch_estimate *estimate = &power->estimate;
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:s}", "value", ch_json_real(estimate->value), "stderr",
                     ch_json_real(estimate->stderr_), "ci95", ch_report_interval(estimate), "theory",
                     ch_json_real(power->theory), "alphas", (json_int_t)power->num_alphas, "of",
                     power->of == CH_PHASE_OF_BEST ? "temp_opt" : "temp_max");
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
        json_t *item = !is_shared(self, i)                                                   ? json_null()
                       : row->type == CH_TYPE_CHOICE || row->type == CH_TYPE_RULE || is_word ? json_string(text)
                       : row->type == CH_TYPE_REAL                                           ? json_real(value.real)
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
    return json_pack(
        "{s:f, s:o, s:o, s:o, s:o, s:o, s:b, s:I, s:I, s:o}", "threshold", self->threshold, "alphas", rows, "k",
        power_json(&self->best_powers[CH_PHASE_SMALL]), "temp_max_slope", power_json(&self->max_powers[CH_PHASE_SMALL]),
        "k_large", power_json(&self->best_powers[CH_PHASE_LARGE]), "temp_max_slope_large",
        power_json(&self->max_powers[CH_PHASE_LARGE]), "by_budget", (int)self->by_budget, "runs",
        (json_int_t)self->num_runs, "data_sets", (json_int_t)self->num_data_sets, "group", shared_json(self));
}

/* Appends T_max of every alpha of a diagram: {"alpha", "value", "stderr", "ci95", "bound", "group"}. */
static void append_max(const ch_phase *self, json_t **list)
{
    json_t *key = shared_json(self);
    for (size_t a = 0; a < self->num_alphas; a++) {
        json_t *item = temp_json(&self->rows[a].max);
        ch_report_set(&item, "alpha", json_real(self->alphas[a]));
        ch_report_set(&item, "group", json_incref(key));
        ch_report_append(list, item);
    }
    json_decref(key);
}

ch_code ch_phase_add_json(const ch_phase_list *self, json_t *report, ch_error *err)
{
    json_t *list = json_array(), *maxima = json_array();
    for (size_t i = 0; i < self->count; i++) {
        ch_report_append(&list, phase_json(&self->items[i]));
        append_max(&self->items[i], &maxima);
    }
    ch_code code = CH_OK;
    if (list == NULL || json_object_set(report, "phase", list) != 0 || maxima == NULL ||
        json_object_set(report, "t_max", maxima) != 0) {
        code = ch_error_memory(err, "a JSON text");
    }
    json_decref(list);
    json_decref(maxima);
    return code;
}
