/* lazy_report.c — reports the comparisons of networks with their linearised twins as text and as JSON. */
#include "core/page.h"
#include "core/text.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "sim/store/json.h"

#include <math.h>
#include <string.h>

/* ---- text ---- */

enum { TRAIN_WIDTH = 6, MEAN_WIDTH = 14, TEMP_WIDTH = 10, RELATIVE_WIDTH = 8, ERROR_WIDTH = 17 }; /* 79 columns */

static void print_mean(FILE *out, double value, double error, int decimals, size_t width)
{
    char text[64] = "—";
    if (isfinite(value) && isfinite(error)) {
        snprintf(text, sizeof text, "%.*f ± %.*f", decimals, value, decimals, error);
    } else if (isfinite(value)) {
        snprintf(text, sizeof text, "%.*f", decimals, value);
    }
    ch_page_right(out, text, width);
}

/* Prints a difference of test errors. A difference that rounds to nothing has no sign. */
static void print_difference(FILE *out, const ch_lazy_mean *mean)
{
    const bool is_nothing = fabs(mean->mean) < 0.5e-4;
    print_mean(out, is_nothing ? 0 : mean->mean, mean->stderr_, 4, ERROR_WIDTH);
}

/* Prints the ratio network / twin of a mean of ln(network / twin). */
static void print_ratio(FILE *out, const ch_lazy_mean *mean)
{
    const double ratio = exp(mean->mean);
    const double error = ratio * mean->stderr_;
    const bool is_wide = ratio >= 10 || error >= 10; /* four digits before the point leave no room for three decimals */
    print_mean(out, ratio, error, is_wide ? ratio < 100 && error < 100 ? 2 : 0 : 3, MEAN_WIDTH);
}

/* Prints a temperature.
 * @param sign  the sign before a bound; else "" */
static void print_temp(FILE *out, const char *sign, double temp)
{
    char number[32] = "—", text[48];
    if (isfinite(temp)) {
        ch_power_format(temp, number, sizeof number);
        if (strchr(number, '^') == NULL) {
            snprintf(number, sizeof number, "%.3g", temp);
        }
    }
    snprintf(text, sizeof text, "%s%s", sign, number);
    ch_page_right(out, text, TEMP_WIDTH);
}

static void print_end(FILE *out, const ch_lazy_end *end)
{
    print_temp(out, end->place == CH_TC_BELOW ? "≤" : end->place == CH_TC_ABOVE ? ">" : "", end->temp);
}

static void print_relative(FILE *out, const ch_lazy_end *end)
{
    char text[32] = "—";
    if (isfinite(end->relative)) {
        snprintf(text, sizeof text, "%.2g", end->relative);
    }
    ch_page_right(out, text, RELATIVE_WIDTH);
}

static void print_head(FILE *out)
{
    static const struct {
        const char *text;
        size_t width;
    } columns[] = {{"P", TRAIN_WIDTH}, {"‖Δw‖", MEAN_WIDTH}, {"ends", TEMP_WIDTH},       {"rel.", RELATIVE_WIDTH},
                   {"t*", MEAN_WIDTH}, {"ends", TEMP_WIDTH}, {"test error", ERROR_WIDTH}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        ch_page_right(out, columns[i].text, columns[i].width);
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const ch_lazy_row *row)
{
    char train[32];
    ch_power_format_count(row->train, train, sizeof train);
    if (ch_page_width(train) < TRAIN_WIDTH) {
        ch_page_right(out, train, TRAIN_WIDTH);
    } else { /* a P of more than five digits has a line of its own */
        fprintf(out, " %s\n%*s", train, TRAIN_WIDTH, "");
    }
    print_ratio(out, &row->ends[CH_LAZY_WEIGHT_CHANGE].agreement);
    print_end(out, &row->ends[CH_LAZY_WEIGHT_CHANGE]);
    print_relative(out, &row->ends[CH_LAZY_WEIGHT_CHANGE]);
    print_ratio(out, &row->ends[CH_LAZY_TIME].agreement);
    print_end(out, &row->ends[CH_LAZY_TIME]);
    print_difference(out, &row->error_agreement);
    fputc('\n', out);
}

/* Prints in one sentence from which T on the network diverged at each P. */
static void print_diverged(FILE *out, const ch_lazy *self)
{
    char text[512] = "the network diverged from T = ";
    const size_t lead = strlen(text);
    size_t used = lead;
    for (size_t r = 0; r < self->num_rows; r++) {
        char temp[32];
        if (isfinite(self->rows[r].diverges) && used < sizeof text) {
            ch_power_format(self->rows[r].diverges, temp, sizeof temp);
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s (P = %s)", used > lead ? ", " : "", temp,
                                     ch_show_count(self->rows[r].train).text);
        }
    }
    if (used > lead) {
        ch_page_wrapped(out, " ", text);
    }
}

/* Writes the label of the network's group. It leaves out `linear`, in which network and twin differ. */
static void write_label(const ch_lazy *self, const ch_fit *fit, char *text, size_t size)
{
    ch_fit both = *fit;
    both.differing &= ~(UINT64_C(1) << CH_SETTING_LINEAR);
    ch_fit_group_label(&both, &fit->groups[self->network], text, size);
}

static void print_lazy(const ch_lazy *self, const ch_fit *fit, FILE *out)
{
    char label[256];
    write_label(self, fit, label, sizeof label);
    fputc('\n', out);
    ch_report_print_label(label, out);
    fprintf(out, "  %zu pair%s of fitted runs, %zu data set%s\n\n", self->num_pairs, self->num_pairs == 1 ? "" : "s",
            self->num_data_sets, self->num_data_sets == 1 ? "" : "s");
    print_head(out);
    for (size_t r = 0; r < self->num_rows; r++) {
        print_row(out, &self->rows[r]);
    }
    print_diverged(out, self);
}

void ch_lazy_print(const ch_lazy_list *self, const ch_fit *fit, FILE *out)
{
    if (self->count > 0) {
        fprintf(out,
                "\nNetworks beside their linearised twins: the mean ratios network/twin below the\n"
                "end of the lazy regime; the T at which it ends, where a ratio is off by more\n"
                "than %g %% and %g standard errors; ‖Δw‖/‖w₀‖ there (rel.); and the mean\n"
                "difference of the test errors below that end\n",
                100 * CH_LAZY_TOLERANCE, CH_LAZY_SIGMAS);
    }
    for (size_t i = 0; i < self->count; i++) {
        print_lazy(&self->items[i], fit, out);
    }
}

/* ---- JSON ---- */

static json_t *mean_json(const ch_lazy_mean *mean, bool is_ratio)
{
    const double value = is_ratio ? exp(mean->mean) : mean->mean;
    return json_pack("{s:o, s:o}", "value", ch_json_real(value), "stderr",
                     ch_json_real(is_ratio ? value * mean->stderr_ : mean->stderr_));
}

static json_t *end_json(const ch_lazy_end *end)
{
    return json_pack("{s:o, s:o, s:s?, s:o}", "ratio", mean_json(&end->agreement, true), "end", ch_json_real(end->temp),
                     "bound", ch_report_bound(end->place), "weight_change_rel", ch_json_real(end->relative));
}

static json_t *row_json(const ch_lazy_row *row)
{
    return json_pack("{s:I, s:o, s:o, s:{s:o}, s:o}", "train", (json_int_t)row->train, "weight_change",
                     end_json(&row->ends[CH_LAZY_WEIGHT_CHANGE]), "time", end_json(&row->ends[CH_LAZY_TIME]),
                     "test_error", "difference", mean_json(&row->error_agreement, false), "diverges",
                     ch_json_real(row->diverges));
}

static json_t *cell_json(const ch_lazy_cell *cell)
{
    return json_pack("{s:I, s:f, s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:o}", "train", (json_int_t)cell->train, "temp",
                     cell->temp, "pairs", (json_int_t)(cell->end - cell->begin), "lost", (json_int_t)cell->num_lost,
                     "single", (json_int_t)cell->num_single, "counts", (int)cell->counts, "weight_change",
                     mean_json(&cell->means[CH_LAZY_WEIGHT_CHANGE], true), "time",
                     mean_json(&cell->means[CH_LAZY_TIME], true), "test_error",
                     mean_json(&cell->means[CH_LAZY_TEST_ERROR], false), "weight_change_rel",
                     ch_json_real(cell->relative));
}

/* The object of one comparison.
 * @param key  settings of the network's group, as in the report; borrowed */
static json_t *lazy_json(const ch_lazy *self, json_t *key)
{
    json_t *rows = json_array(), *points = json_array();
    for (size_t r = 0; r < self->num_rows; r++) {
        ch_report_append(&rows, row_json(&self->rows[r]));
    }
    for (size_t c = 0; c < self->num_cells; c++) {
        ch_report_append(&points, cell_json(&self->cells[c]));
    }
    return json_pack("{s:f, s:f, s:I, s:I, s:o, s:o, s:O}", "tolerance", CH_LAZY_TOLERANCE, "sigmas", CH_LAZY_SIGMAS,
                     "pairs", (json_int_t)self->num_pairs, "data_sets", (json_int_t)self->num_data_sets, "trains", rows,
                     "points", points, "group", key);
}

ch_code ch_lazy_add_json(const ch_lazy_list *self, json_t *report, ch_error *err)
{
    json_t *list = json_array();
    const json_t *groups = json_object_get(report, "groups");
    for (size_t i = 0; i < self->count; i++) {
        json_t *key = json_object_get(json_array_get(groups, self->items[i].network), "group");
        ch_report_append(&list, lazy_json(&self->items[i], key));
    }
    if (list == NULL || json_object_set_new(report, "lazy", list) != 0) {
        return ch_error_memory(err, "a JSON text");
    }
    return CH_OK;
}
