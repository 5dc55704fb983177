/* csv_findings.c — collapses, phase diagrams and twins as further rows of the CSV report. Names are those of JSON. */
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"

#include <math.h>

static ch_estimate without_error(double value)
{
    return (ch_estimate){value, NAN, NAN, NAN};
}

/* ---- collapses ---- */

void ch_collapse_print_csv(const ch_collapse_list *self, const ch_fit *fit, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        const ch_collapse *collapse = &self->items[i];
        const ch_settings *key = &fit->groups[i].key;
        const ch_csv_extras extras = {.definition = ch_collapse_quantity_name(collapse->quantity),
                                      .method = "collapse"};
        const ch_estimate quality = without_error(collapse->quality);
        if (collapse->reason == NULL) {
            ch_report_csv_row(key, "x", extras, &collapse->x, collapse->x_theory, out);
            ch_report_csv_row(key, "a", extras, &collapse->a, collapse->a_theory, out);
            ch_report_csv_row(key, "quality", extras, &quality, NAN, out);
        }
    }
}

/* ---- phase diagrams ---- */

static void print_row_of_phase(const ch_phase *self, size_t alpha, FILE *out)
{
    static const char *const limits[] = {[CH_PHASE_AT_DIVERGED] = "diverged", [CH_PHASE_AT_BUDGET] = "budget"};
    const ch_phase_row *row = &self->rows[alpha];
    const struct {
        const char *name;
        const ch_phase_temp *temp;
        bool is_measured;
    } temps[] = {{"temp_opt", &row->best, true},
                 {"temp_max", &row->max, true},
                 {"border", &row->weight_border, true},
                 {"kernel_border", &row->kernel_border, self->measured[CH_PHASE_KERNEL_CHANGE]}};
    ch_settings key = self->key;
    key.alpha = self->alphas[alpha];
    for (size_t k = 0; k < sizeof temps / sizeof *temps; k++) {
        const bool is_best = temps[k].temp == &row->best;
        const ch_csv_extras extras = {.definition = is_best && row->limit != CH_PHASE_FREE ? limits[row->limit] : NULL,
                                      .train = self->key.train,
                                      .bound = ch_report_bound(temps[k].temp->place),
                                      .method = "phase"};
        if (temps[k].is_measured) {
            ch_report_csv_row(&key, temps[k].name, extras, &temps[k].temp->estimate, NAN, out);
        }
    }
}

static void print_power_of_phase(const ch_phase *self, const char *name, const ch_phase_power *power, FILE *out)
{
    const ch_csv_extras extras = {.definition = power->of == CH_PHASE_OF_BEST ? "temp_opt" : "temp_max",
                                  .train = self->key.train,
                                  .method = "phase",
                                  .over = CH_SETTING_ALPHA};
    ch_report_csv_row(&self->key, name, extras, &power->estimate, power->theory, out);
}

void ch_phase_print_csv(const ch_phase_list *self, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        const ch_phase *phase = &self->items[i];
        for (size_t a = 0; a < phase->num_alphas; a++) {
            print_row_of_phase(phase, a, out);
        }
        print_power_of_phase(phase, "k", &phase->best_powers[CH_PHASE_SMALL], out);
        print_power_of_phase(phase, "temp_max_slope", &phase->max_powers[CH_PHASE_SMALL], out);
        print_power_of_phase(phase, "k_large", &phase->best_powers[CH_PHASE_LARGE], out);
        print_power_of_phase(phase, "temp_max_slope_large", &phase->max_powers[CH_PHASE_LARGE], out);
    }
}

/* ---- twins ---- */

/* A ratio network/twin from the mean of its logarithm. */
static ch_estimate ratio_of(const ch_lazy_mean *mean)
{
    const double ratio = exp(mean->mean);
    return (ch_estimate){ratio, ratio * mean->stderr_, NAN, NAN};
}

static void print_row_of_twin(const ch_settings *key, const ch_lazy_row *row, FILE *out)
{
    static const char *const names[] = {[CH_LAZY_WEIGHT_CHANGE] = "weight_change", [CH_LAZY_TIME] = "time"};
    ch_csv_extras extras = {.train = row->train, .method = "twin"};
    for (size_t q = 0; q < sizeof names / sizeof *names; q++) {
        const ch_lazy_end *end = &row->ends[q];
        const ch_estimate ratio = ratio_of(&end->agreement), temp = without_error(end->temp);
        extras.definition = names[q];
        extras.bound = NULL;
        ch_report_csv_row(key, "ratio", extras, &ratio, NAN, out);
        extras.bound = ch_report_bound(end->place);
        ch_report_csv_row(key, "end", extras, &temp, NAN, out);
    }
    const ch_estimate difference = {row->error_agreement.mean, row->error_agreement.stderr_, NAN, NAN};
    const ch_estimate diverges = without_error(row->diverges);
    extras.definition = "test_error";
    extras.bound = NULL;
    ch_report_csv_row(key, "difference", extras, &difference, NAN, out);
    extras.definition = NULL;
    ch_report_csv_row(key, "diverges", extras, &diverges, NAN, out);
}

void ch_lazy_print_csv(const ch_lazy_list *self, const ch_fit *fit, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        const ch_lazy *lazy = &self->items[i];
        for (size_t r = 0; r < lazy->num_rows; r++) {
            print_row_of_twin(&fit->groups[lazy->network].key, &lazy->rows[r], out);
        }
    }
}
