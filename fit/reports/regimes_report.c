/* regimes_report.c — reports the regimes over batch and temperature as text, CSV and JSON. */
#include "core/page.h"
#include "core/text.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "fit/reports/rows.h"
#include "sim/store/json.h"

#include <math.h>

/* Whether all runs share a setting. They differ in batch, P, T and seeds. */
static bool is_shared(const ch_regimes *self, size_t setting)
{
    return setting != CH_SETTING_BATCH && ch_fit_is_key(setting) && ch_setting_applies(&self->key, setting);
}

/* The shared settings, as bits. */
static uint64_t shared_settings(const ch_regimes *self)
{
    uint64_t shared = 0;
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        shared |= (uint64_t)is_shared(self, i) << i;
    }
    return shared;
}

static size_t count_runs(const ch_regimes *self)
{
    size_t count = 0;
    for (size_t p = 0; p < self->num_planes; p++) {
        count += self->planes[p].num_runs;
    }
    return count;
}

/* ---- text ---- */

enum { TRAIN_WIDTH = 7, STAR_WIDTH = 21, DELTA_WIDTH = 17, SHARPNESS_WIDTH = 6, COUNT_WIDTH = 8 }; /* 75 columns */

static void print_head(FILE *out)
{
    static const char *const regimes[] = {"noise", "step", "descent"};
    fputs("\n  ", out);
    ch_page_right(out, "P", TRAIN_WIDTH);
    ch_page_right(out, "B*", STAR_WIDTH);
    ch_page_right(out, "δ", DELTA_WIDTH);
    ch_page_right(out, "m", SHARPNESS_WIDTH);
    for (size_t k = 0; k < sizeof regimes / sizeof *regimes; k++) {
        ch_page_right(out, regimes[k], COUNT_WIDTH);
    }
    fputc('\n', out);
    ch_page_rule(out, TRAIN_WIDTH + STAR_WIDTH + DELTA_WIDTH + SHARPNESS_WIDTH + 3 * COUNT_WIDTH);
}

static void print_plane(const ch_regime_plane *plane, FILE *out)
{
    char text[64];
    fputs("  ", out);
    ch_page_right(out, ch_show_count(plane->train).text, TRAIN_WIDTH);
    if (isnan(plane->batch_star.value)) {
        fputs("  — : too few cells in the regime of noise or of the first step\n", out);
        return;
    }
    if (isnan(plane->batch_star.lo)) {
        snprintf(text, sizeof text, "%.3g (—)", plane->batch_star.value);
    } else {
        snprintf(text, sizeof text, "%.3g (%.3g … %.3g)", plane->batch_star.value, plane->batch_star.lo,
                 plane->batch_star.hi);
    }
    ch_page_right(out, text, STAR_WIDTH);
    ch_report_format_estimate(&plane->delta, text, sizeof text);
    ch_page_right(out, text, DELTA_WIDTH);
    snprintf(text, sizeof text, "%.2g", plane->sharpness.value);
    ch_page_right(out, text, SHARPNESS_WIDTH);
    for (size_t k = CH_REGIME_NOISE; k < CH_NUM_REGIMES; k++) {
        snprintf(text, sizeof text, "%zu", plane->num_in_regime[k]);
        ch_page_right(out, text, COUNT_WIDTH);
    }
    fputc('\n', out);
}

/* Prints "  x = 0.445 ± 0.012 (0.410 … 0.479)" after some words. */
static void print_exponent(const char *words, const ch_estimate *exponent, FILE *out)
{
    char text[64];
    ch_report_format_estimate(exponent, text, sizeof text);
    fprintf(out, "  %s = %s", words, text);
    if (isfinite(exponent->lo)) {
        ch_report_format_interval(exponent, text, sizeof text);
        fprintf(out, " (%s)", text);
    }
}

/* Prints the B* that theory predicts, where there is one at every P. */
static void print_predicted(const ch_regimes *self, FILE *out)
{
    char text[1024];
    int used = snprintf(text, sizeof text, "theory, %s: B* =",
                        self->planes[0].prediction == CH_PREDICTED_LIMIT ? "in its limit" : "at these P and d");
    for (size_t p = 0; p < self->num_planes && used < (int)sizeof text; p++) {
        const double star = ch_regime_law_star(&self->planes[p].predicted, 1);
        if (isnan(star)) {
            return;
        }
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%.3g", p == 0 ? " " : ", ", star);
    }
    fputs("  ", out);
    ch_report_print_label(text, out);
}

/* Prints how flat ||Dw|| is in B below B*, at the P where it is the least flat. */
static void print_flatness(const ch_regimes *self, FILE *out)
{
    const ch_regime_plane *worst = NULL;
    double squares = 0, cells = 0;
    for (size_t p = 0; p < self->num_planes; p++) {
        const ch_regime_flatness *flatness = &self->planes[p].flatness;
        if (flatness->num_cells > 0) {
            worst = worst == NULL || flatness->most > worst->flatness.most ? &self->planes[p] : worst;
            squares += flatness->rms * flatness->rms * (double)flatness->num_cells;
            cells += (double)flatness->num_cells;
        }
    }
    if (worst != NULL) {
        char error[32] = "";
        if (isfinite(worst->flatness.error)) {
            snprintf(error, sizeof error, " ± %.1f", 100 * worst->flatness.error);
        }
        fprintf(out,
                "  at fixed T and B < B*/10 ‖Δw‖, averaged over T, is flat in B within\n"
                "    %.1f%s %%, most at P = %s; a single (B, T) is off by %.1f %% (r.m.s.)\n",
                100 * worst->flatness.most, error, ch_show_count(worst->train).text, 100 * sqrt(squares / cells));
    }
}

static void print_regimes(const ch_regimes *self, FILE *out)
{
    ch_report_print_shared(&self->key, shared_settings(self), 0, out);
    fprintf(out, "  %zu runs, %zu data set%s", count_runs(self), self->num_data_sets,
            self->num_data_sets == 1 ? "" : "s");
    fprintf(out, isnan(self->temp) ? "\n" : "; B* at T = %.3g\n", self->temp);
    print_head(out);
    for (size_t p = 0; p < self->num_planes; p++) {
        print_plane(&self->planes[p], out);
    }
    if (isfinite(self->exponent.value)) {
        print_exponent("B* ~ P^x, x", &self->exponent, out);
        fprintf(out, isnan(self->theory) ? "\n" : ", theory γ = %.3g\n", self->theory);
        print_exponent("γ of the noise over the same P", &self->gamma, out);
        fputc('\n', out);
        print_exponent("x - γ", &self->excess, out);
        fputc('\n', out);
    }
    print_predicted(self, out);
    print_flatness(self, out);
}

void ch_regimes_print(const ch_regimes_list *self, FILE *out)
{
    if (self->count > 0) {
        fputs("\nRegimes over (B, T): ‖Δw‖ is set by noise, A T^δ, by the first step, C T B, or by\n"
              "gradient descent; m is how sharply the first step takes over;\n"
              "the last three columns count the (B, T) in each regime\n",
              out);
    }
    for (size_t i = 0; i < self->count; i++) {
        fputc('\n', out);
        print_regimes(&self->items[i], out);
    }
}

/* ---- CSV ---- */

void ch_regimes_print_csv(const ch_regimes_list *self, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        const ch_regimes *item = &self->items[i];
        ch_csv_extras extras = {.method = "regimes", .over = CH_SETTING_BATCH};
        for (size_t p = 0; p < item->num_planes; p++) {
            extras.train = item->planes[p].train;
            ch_report_csv_row(&item->key, "batch_star", extras, &item->planes[p].batch_star, NAN, out);
        }
        extras.train = 0;
        ch_report_csv_row(&item->key, "batch_star_exponent", extras, &item->exponent, item->theory, out);
        ch_report_csv_row(&item->key, "noise_gamma", extras, &item->gamma, item->theory, out);
        ch_report_csv_row(&item->key, "batch_star_excess", extras, &item->excess, isnan(item->theory) ? NAN : 0, out);
    }
}

/* ---- JSON ---- */

static json_t *estimate_json(const ch_estimate *estimate)
{
    return json_pack("{s:o, s:o, s:o}", "value", ch_json_real(estimate->value), "stderr",
                     ch_json_real(estimate->stderr_), "ci95", ch_report_interval(estimate));
}

static json_t *cell_json(const ch_regime_cell *cell)
{
    return json_pack("{s:I, s:f, s:I, s:o, s:o}", "batch", (json_int_t)cell->batch, "temp", cell->temp, "runs",
                     (json_int_t)(cell->end - cell->begin), "weight_change", ch_json_real(exp(cell->log_weight_change)),
                     "regime",
                     cell->regime == CH_REGIME_NONE ? json_null() : json_string(ch_regime_name(cell->regime)));
}

static json_t *flatness_json(const ch_regime_flatness *self)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:I}", "most", ch_json_real(self->most), "stderr", ch_json_real(self->error),
                     "rms", ch_json_real(self->rms), "batches", (json_int_t)self->num_batches, "cells",
                     (json_int_t)self->num_cells);
}

/* The law that theory predicts; null where there is none. */
static json_t *predicted_json(const ch_regime_plane *plane)
{
    static const char *const names[] = {[CH_PREDICTED_LIMIT] = "limit", [CH_PREDICTED_EXPECTED] = "expected"};
    const ch_regime_law *law = &plane->predicted;
    if (plane->prediction == CH_PREDICTED_NOT) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:s}", "batch_star", ch_json_real(ch_regime_law_star(law, 1)),
                     "noise_amplitude", ch_json_real(exp(law->log_noise)), "step_amplitude",
                     ch_json_real(exp(law->log_step)), "descent_plateau", ch_json_real(exp(law->log_descent)), "from",
                     names[plane->prediction]);
}

static json_t *plane_json(const ch_regime_plane *plane)
{
    json_t *cells = json_array();
    for (size_t c = 0; c < plane->num_cells; c++) {
        ch_report_append(&cells, cell_json(&plane->cells[c]));
    }
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "train", (json_int_t)plane->train,
                     "batch_star", estimate_json(&plane->batch_star), "delta", estimate_json(&plane->delta),
                     "sharpness", estimate_json(&plane->sharpness), "noise_amplitude",
                     ch_json_real(exp(plane->law.log_noise)), "step_amplitude", ch_json_real(exp(plane->law.log_step)),
                     "descent_plateau", ch_json_real(exp(plane->law.log_descent)), "scatter",
                     ch_json_real(plane->scatter), "flatness", flatness_json(&plane->flatness), "predicted",
                     predicted_json(plane), "cells", cells);
}

/* The settings that the runs share, and the digest of their images. What does not apply to them is null. */
static json_t *shared_json(const ch_regimes *self)
{
    json_t *key = json_object();
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (i != CH_SETTING_BATCH && ch_fit_is_key(i)) {
            ch_report_set(&key, ch_settings_table[i].name,
                          is_shared(self, i) ? ch_json_setting(&ch_settings_table[i], ch_settings_get(&self->key, i))
                                             : json_null());
        }
    }
    ch_report_set(&key, "data_digest", ch_report_digest(&self->key));
    return key;
}

ch_code ch_regimes_add_json(const ch_regimes_list *self, json_t *report, ch_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < self->count; i++) {
        const ch_regimes *item = &self->items[i];
        json_t *planes = json_array(), *exponent = estimate_json(&item->exponent);
        for (size_t p = 0; p < item->num_planes; p++) {
            ch_report_append(&planes, plane_json(&item->planes[p]));
        }
        ch_report_set(&exponent, "theory", ch_json_real(item->theory));
        ch_report_append(&list,
                         json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "planes", planes, "exponent", exponent,
                                   "gamma", estimate_json(&item->gamma), "excess", estimate_json(&item->excess), "temp",
                                   ch_json_real(item->temp), "runs", (json_int_t)count_runs(item), "data_sets",
                                   (json_int_t)item->num_data_sets, "group", shared_json(item)));
    }
    if (list == NULL || json_object_set_new(report, "regimes", list) != 0) {
        return ch_error_memory(err, "a JSON text");
    }
    return CH_OK;
}
