/* spectra_report.c — reports how the variance of weights depends on the flatness of the loss, as text, CSV and JSON. */
#include "core/page.h"
#include "core/text.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "fit/reports/rows.h"
#include "sim/store/json.h"

#include <math.h>

static const ch_settings *settings_of(const ch_spectrum *self)
{
    return &self->runs[0]->settings;
}

/* ---- text ---- */

enum { LAYER_WIDTH = 5, USED_WIDTH = 5, DRIFTING_WIDTH = 9, LARGEST_WIDTH = 11, FLATNESS_WIDTH = 17 };
enum { EXPONENT_WIDTH = 15 }; /* 77 columns and 2 of indent in all */

static void print_exponent(const ch_estimate *estimate, FILE *out)
{
    char text[64] = CH_REPORT_DASH;
    if (isfinite(estimate->value)) {
        ch_report_format_estimate(estimate, text, sizeof text);
    }
    ch_page_right(out, text, EXPONENT_WIDTH);
}

static void print_layer(const ch_spectrum *self, const ch_spectrum_layer *layer, FILE *out)
{
    char text[64];
    fputs("  ", out);
    ch_spectrum_layer_name(self, layer->layer, text, sizeof text);
    ch_page_right(out, text, LAYER_WIDTH);
    snprintf(text, sizeof text, "%zu", layer->num_directions - layer->num_drifting);
    ch_page_right(out, text, USED_WIDTH);
    snprintf(text, sizeof text, "%zu", layer->num_drifting);
    ch_page_right(out, text, DRIFTING_WIDTH);
    snprintf(text, sizeof text, "%.3g", layer->largest);
    ch_page_right(out, text, LARGEST_WIDTH);
    if (isfinite(layer->least_flatness)) {
        snprintf(text, sizeof text, "%.3g … %.3g", layer->least_flatness, layer->most_flatness);
    } else {
        snprintf(text, sizeof text, CH_REPORT_DASH);
    }
    ch_page_right(out, text, FLATNESS_WIDTH);
    print_exponent(&layer->flatness, out);
    print_exponent(&layer->curvature, out);
    fputc('\n', out);
}

static void print_spectrum(const ch_spectrum *self, const ch_fit *fit, FILE *out)
{
    char label[256], temp[32];
    ch_fit_group_label(fit, &fit->groups[self->group], label, sizeof label);
    fputc('\n', out);
    ch_report_print_label(label, out);
    ch_power_format(settings_of(self)->temp, temp, sizeof temp);
    fprintf(out, "  P = %s, T = %s: %zu run%s with fluctuations", ch_show_count(settings_of(self)->train).text, temp,
            self->num_with, self->num_with == 1 ? "" : "s");
    if (self->num_with < self->num_runs) {
        fprintf(out, ", %zu without", self->num_runs - self->num_with);
    }
    fputs("\n\n  ", out);
    ch_page_right(out, "layer", LAYER_WIDTH);
    ch_page_right(out, "used", USED_WIDTH);
    ch_page_right(out, "drifting", DRIFTING_WIDTH);
    ch_page_right(out, "largest σ²", LARGEST_WIDTH);
    ch_page_right(out, "flatness F", FLATNESS_WIDTH);
    ch_page_right(out, "ψ", EXPONENT_WIDTH);
    ch_page_right(out, "x", EXPONENT_WIDTH);
    fputc('\n', out);
    ch_page_rule(out, LAYER_WIDTH + USED_WIDTH + DRIFTING_WIDTH + LARGEST_WIDTH + FLATNESS_WIDTH + 2 * EXPONENT_WIDTH);
    for (size_t l = 0; l < self->num_layers; l++) {
        if (self->layers[l].num_directions > 0) {
            print_layer(self, &self->layers[l], out);
        }
    }
}

void ch_spectrum_print(const ch_spectrum_list *self, const ch_fit *fit, FILE *out)
{
    if (self->count > 0) {
        fputs("\nFluctuations of the weights: their variance along principal directions over the\n"
              "flatness and the curvature of the loss there, σ² ~ F^-ψ and σ² ~ h^x. Directions\n"
              "that drift as a random walk does are in neither; with one run the errors are\n"
              "those of a line through its directions, with more those of the mean over runs\n",
              out);
    }
    for (size_t i = 0; i < self->count; i++) {
        print_spectrum(&self->items[i], fit, out);
    }
}

/* ---- CSV ---- */

void ch_spectrum_print_csv(const ch_spectrum_list *self, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        const ch_spectrum *item = &self->items[i];
        for (size_t l = 0; l < item->num_layers; l++) {
            char name[24], method[40];
            ch_spectrum_layer_name(item, l, name, sizeof name);
            snprintf(method, sizeof method, "%s%s", item->num_layers > l + 1 || l == 0 ? "layer " : "", name);
            const ch_csv_extras extras = {.method = method, .train = settings_of(item)->train};
            ch_report_csv_row(settings_of(item), "variance_flatness", extras, &item->layers[l].flatness, NAN, out);
            ch_report_csv_row(settings_of(item), "variance_curvature", extras, &item->layers[l].curvature, NAN, out);
        }
    }
}

/* ---- JSON ---- */

static json_t *estimate_json(const ch_estimate *estimate, size_t num_runs)
{
    return json_pack("{s:o, s:o, s:o, s:I}", "value", ch_json_real(estimate->value), "stderr",
                     ch_json_real(estimate->stderr_), "ci95", ch_report_interval(estimate), "runs",
                     (json_int_t)num_runs);
}

static json_t *layer_json(const ch_spectrum *self, const ch_spectrum_layer *layer)
{
    char name[24];
    ch_spectrum_layer_name(self, layer->layer, name, sizeof name);
    return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "layer", name, "directions",
                     (json_int_t)layer->num_directions, "drifting", (json_int_t)layer->num_drifting, "largest_variance",
                     ch_json_real(layer->largest), "least_flatness", ch_json_real(layer->least_flatness),
                     "most_flatness", ch_json_real(layer->most_flatness), "psi",
                     estimate_json(&layer->flatness, layer->num_flatness_runs), "curvature_exponent",
                     estimate_json(&layer->curvature, layer->num_curved_runs));
}

ch_code ch_spectrum_add_json(const ch_spectrum_list *self, json_t *report, ch_error *err)
{
    json_t *list = json_array();
    const json_t *groups = json_object_get(report, "groups");
    for (size_t i = 0; i < self->count; i++) {
        const ch_spectrum *item = &self->items[i];
        json_t *layers = json_array();
        for (size_t l = 0; l < item->num_layers; l++) {
            ch_report_append(&layers, layer_json(item, &item->layers[l]));
        }
        json_t *key = json_object_get(json_array_get(groups, item->group), "group");
        ch_report_append(&list, json_pack("{s:I, s:f, s:I, s:o, s:O}", "train", (json_int_t)settings_of(item)->train,
                                          "temp", settings_of(item)->temp, "runs", (json_int_t)item->num_with, "layers",
                                          layers, "group", key));
    }
    if (list == NULL || json_object_set_new(report, "spectra", list) != 0) {
        return ch_error_memory(err, "a JSON text");
    }
    return CH_OK;
}
