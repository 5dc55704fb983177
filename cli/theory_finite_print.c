/* theory_finite_print.c — what is expected of training sets of finite size, as a table, CSV and JSON. */
#include "cli/theory_finite.h"
#include "core/text.h"
#include "sim/store/json.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* The expected values, in the order in which they are printed. */
static const struct {
    const char *name;
    size_t offset;
} quantities[] = {
    {"lambda", offsetof(ch_finite_end, lambda)}, {"signal", offsetof(ch_finite_end, signal)},
    {"noise", offsetof(ch_finite_end, noise)},   {"weight_change", offsetof(ch_finite_end, weight_change)},
    {"time", offsetof(ch_finite_end, time)},     {"test_error", offsetof(ch_finite_end, test_error)}};
enum { NUM_QUANTITIES = sizeof quantities / sizeof *quantities };

const char *const ch_theory_way_columns[CH_THEORY_WAY_COLUMNS] = {"finite_signal", "finite_noise", "finite_unfitted"};

void ch_theory_way_row(const ch_finite_point *point, double values[CH_THEORY_WAY_COLUMNS])
{
    values[0] = point->signal;
    values[1] = point->noise;
    values[2] = point->unfitted;
}

static const ch_finite_value *value_of(const ch_theory_cell *cell, size_t quantity)
{
    return (const ch_finite_value *)(const void *)((const char *)&cell->end + quantities[quantity].offset);
}

static size_t num_cells(const ch_theory_finite *self)
{
    return self->num_trains * self->num_temps;
}

/* ---- the table ---- */

static void print_setting(FILE *out, const ch_theory_cell *cell, size_t setting, int width)
{
    char text[32];
    ch_setting_show(&ch_settings_table[setting], ch_settings_get(&cell->settings, setting), text, sizeof text);
    fprintf(out, " %*s", width, text);
}

static void print_cell(FILE *out, const ch_theory_cell *cell)
{
    fputc(' ', out);
    print_setting(out, cell, CH_SETTING_TRAIN, 9);
    fprintf(out, " %9s", ch_show_power(cell->settings.temp).text);
    for (size_t k = 0; k < NUM_QUANTITIES; k++) {
        const ch_finite_value *value = value_of(cell, k);
        if (cell->refusal.code != CH_OK) {
            fprintf(out, " %16s", "-");
        } else {
            fprintf(out, " %9.4g (%.2f)", value->value, value->spread);
        }
    }
    fputc('\n', out);
}

/* Prints why rows have no values, each reason once. */
static void print_refusals(FILE *out, const ch_theory_finite *self)
{
    const char *last = "";
    for (size_t i = 0; i < num_cells(self); i++) {
        const ch_theory_cell *cell = &self->cells[i];
        if (cell->refusal.code != CH_OK && strcmp(cell->refusal.message, last) != 0) {
            fprintf(out, "  -: %s\n", cell->refusal.message);
            last = cell->refusal.message;
        }
    }
}

static void print_cautions(FILE *out, const ch_theory_finite *self)
{
    const char *cautions[CH_FINITE_MOST_CAUTIONS];
    const size_t count = ch_theory_finite_cautions(self, cautions);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  less accurate here: %s\n", cautions[i]);
    }
}

void ch_theory_finite_print(const ch_theory_finite *self, FILE *out)
{
    fputs("expected of a finite training set: geometric means (standard deviation of the logarithm over data sets)\n",
          out);
    fprintf(out, "  %9s %9s", "train", "temp");
    for (size_t k = 0; k < NUM_QUANTITIES; k++) {
        fprintf(out, " %16s", quantities[k].name);
    }
    fputc('\n', out);
    for (size_t i = 0; i < num_cells(self); i++) {
        print_cell(out, &self->cells[i]);
    }
    print_refusals(out, self);
    print_cautions(out, self);
    if (self->num_exponents > 0) {
        fputs("exponents over these train and temp, and as P -> infinity\n", out);
        fprintf(out, "  %-12s %9s %9s\n", "", "expected", "limit");
    }
    for (size_t i = 0; i < self->num_exponents; i++) {
        const ch_theory_exponent *row = &self->exponents[i];
        char expected[32] = "-";
        if (!isnan(row->expected)) {
            snprintf(expected, sizeof expected, "%.4f", row->expected);
        }
        fprintf(out, "  %-12s %9s %9.4g\n", row->name, expected, row->theory);
    }
}

/* ---- CSV ---- */

void ch_theory_finite_print_csv(const ch_theory_finite *self)
{
    fputs("train,temp", stdout);
    for (size_t k = 0; k < NUM_QUANTITIES; k++) {
        printf(",%s,%s_spread", quantities[k].name, quantities[k].name);
    }
    putchar('\n');
    for (size_t i = 0; i < num_cells(self); i++) {
        const ch_theory_cell *cell = &self->cells[i];
        char text[3][32];
        ch_setting_format(&ch_settings_table[CH_SETTING_TRAIN], ch_settings_get(&cell->settings, CH_SETTING_TRAIN),
                          text[0], sizeof text[0]);
        ch_number_format(cell->settings.temp, text[1], sizeof text[1]);
        printf("%s,%s", text[0], text[1]);
        for (size_t k = 0; k < NUM_QUANTITIES; k++) {
            const ch_finite_value *value = value_of(cell, k);
            ch_number_format(value->value, text[1], sizeof text[1]);
            ch_number_format(value->spread, text[2], sizeof text[2]);
            if (cell->refusal.code == CH_OK) {
                printf(",%s,%s", text[1], text[2]);
            } else {
                fputs(",,", stdout);
            }
        }
        putchar('\n');
    }
}

/* ---- JSON ---- */

static json_t *json_of_cell(const ch_theory_cell *cell)
{
    const bool is_known = cell->refusal.code == CH_OK;
    json_t *json = json_object();
    int failed = json == NULL ? -1 : 0;
    failed |= json_object_set_new(
        json, "train",
        ch_json_setting(&ch_settings_table[CH_SETTING_TRAIN], ch_settings_get(&cell->settings, CH_SETTING_TRAIN)));
    failed |= json_object_set_new(json, "temp", json_real(cell->settings.temp));
    for (size_t k = 0; k < NUM_QUANTITIES && failed == 0; k++) {
        const ch_finite_value *value = value_of(cell, k);
        failed = json_object_set_new(
            json, quantities[k].name,
            json_pack("{s:o, s:o}", "value", ch_json_real(value->value), "spread", ch_json_real(value->spread)));
    }
    failed |= json_object_set_new(json, "reason", is_known ? json_null() : json_string(cell->refusal.message));
    if (failed != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *json_of_point(const ch_finite_point *point)
{
    return json_pack("{s:f, s:o, s:o, s:o, s:o}", "time", point->time, "signal", ch_json_real(point->signal), "noise",
                     ch_json_real(point->noise), "unfitted", ch_json_real(point->unfitted), "running",
                     ch_json_real(point->running));
}

int ch_theory_finite_add_json(const ch_theory_finite *self, json_t *json)
{
    json_t *cells = json_array(), *exponents = json_array(), *way = json_array(), *list = json_array();
    const char *cautions[CH_FINITE_MOST_CAUTIONS];
    const size_t num_cautions = ch_theory_finite_cautions(self, cautions);
    int failed = json_object_set_new(json, "finite", cells);
    failed |= json_object_set_new(json, "cautions", list);
    for (size_t i = 0; i < num_cautions && failed == 0; i++) {
        failed = json_array_append_new(list, json_string(cautions[i]));
    }
    for (size_t i = 0; i < num_cells(self) && failed == 0; i++) {
        failed = json_array_append_new(cells, json_of_cell(&self->cells[i]));
    }
    for (size_t i = 0; i < self->num_exponents && failed == 0; i++) {
        const ch_theory_exponent *row = &self->exponents[i];
        failed = json_array_append_new(exponents, json_pack("{s:s, s:o, s:f}", "name", row->name, "expected",
                                                            ch_json_real(row->expected), "theory", row->theory));
    }
    failed |= json_object_set_new(json, "exponents", exponents);
    for (size_t i = 0; i < self->num_way && failed == 0; i++) {
        failed = json_array_append_new(way, json_of_point(&self->way[i]));
    }
    failed |= json_object_set_new(json, "finite_way", way);
    return failed;
}
