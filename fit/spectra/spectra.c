/* spectra.c — how the variance of weights depends on the flatness and the curvature of the loss. */
#include "fit/spectra/spectra.h"

#include "core/memory.h"
#include "sim/settings/reals.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- one run ---- */

bool ch_spectrum_drifts(const ch_fluctuation *direction)
{
    static const double MOST_COSINE = 0.5, MOST_DRIFT = 1;
    return !(direction->cosine <= MOST_COSINE && direction->drift <= MOST_DRIFT);
}

static double flatness_of(const ch_fluctuation *direction)
{
    return direction->flatness;
}

static double curvature_of(const ch_fluctuation *direction)
{
    return direction->curvature;
}

typedef double (*abscissa)(const ch_fluctuation *direction);

/* A straight line through the points of a run. */
typedef struct {
    size_t count;
    double slope, stderr_; /* NaN for fewer than three points */
} straight_line;

static bool counts(const ch_fluctuation *direction, uint64_t layer, abscissa of)
{
    const double x = of(direction);
    return direction->layer == layer && !ch_spectrum_drifts(direction) && x > 0 && isfinite(x) &&
           direction->variance > 0;
}

/* Fits ln sigma^2 over ln x to the directions of a layer. */
static straight_line fit_line(const ch_run *run, uint64_t layer, abscissa of)
{
    straight_line line = {.slope = NAN, .stderr_ = NAN};
    double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
    for (size_t i = 0; i < run->num_fluctuations; i++) {
        if (counts(&run->fluctuations[i], layer, of)) {
            line.count++;
            x += log(of(&run->fluctuations[i]));
            y += log(run->fluctuations[i].variance);
        }
    }
    const double n = (double)line.count;
    for (size_t i = 0; i < run->num_fluctuations; i++) {
        if (counts(&run->fluctuations[i], layer, of)) {
            const double dx = log(of(&run->fluctuations[i])) - x / n, dy = log(run->fluctuations[i].variance) - y / n;
            xx += dx * dx;
            xy += dx * dy;
            yy += dy * dy;
        }
    }
    if (line.count >= 3 && xx > 0) {
        line.slope = xy / xx;
        line.stderr_ = sqrt(fmax(yy - line.slope * xy, 0) / (n - 2) / xx);
    }
    return line;
}

/* ---- the runs of a spectrum ---- */

/* @param error  standard error, with so many degrees of freedom */
static ch_estimate estimate_of(double value, double error, double freedom)
{
    const double half = freedom > 0 ? gsl_cdf_tdist_Pinv(0.975, freedom) * error : NAN;
    return (ch_estimate){value, error, value - half, value + half};
}

/* Finds an exponent, which is `sign` times the slope. @param num_runs  out: the runs that have one */
static ch_estimate find_exponent(const ch_spectrum *self, uint64_t layer, abscissa of, double sign, size_t *num_runs)
{
    straight_line last = {.count = 0};
    double sum = 0, squares = 0;
    *num_runs = 0;
    for (size_t r = 0; r < self->num_runs; r++) {
        const straight_line line = fit_line(self->runs[r], layer, of);
        if (isfinite(line.slope)) {
            last = line;
            sum += sign * line.slope;
            squares += line.slope * line.slope;
            ++*num_runs;
        }
    }
    const double n = (double)*num_runs, mean = sum / n;
    if (*num_runs == 0) {
        return (ch_estimate){NAN, NAN, NAN, NAN};
    }
    if (*num_runs == 1) {
        return estimate_of(mean, last.stderr_, (double)last.count - 2);
    }
    return estimate_of(mean, sqrt(fmax(squares - n * mean * mean, 0) / (n - 1) / n), n - 1);
}

static void find_layer(const ch_spectrum *self, ch_spectrum_layer *out)
{
    double logs = 0;
    size_t num_first = 0;
    out->least_flatness = out->most_flatness = NAN;
    for (size_t r = 0; r < self->num_runs; r++) {
        for (size_t i = 0; i < self->runs[r]->num_fluctuations; i++) {
            const ch_fluctuation *one = &self->runs[r]->fluctuations[i];
            if (one->layer != out->layer) {
                continue;
            }
            out->num_directions++;
            out->num_drifting += ch_spectrum_drifts(one);
            if (one->rank == 1) {
                logs += log(one->variance);
                num_first++;
            }
            if (counts(one, out->layer, flatness_of)) {
                out->least_flatness = fmin(out->least_flatness, one->flatness); /* fmin takes what is no NaN */
                out->most_flatness = fmax(out->most_flatness, one->flatness);
            }
        }
    }
    out->largest = exp(logs / (double)num_first);
    out->flatness = find_exponent(self, out->layer, flatness_of, -1, &out->num_flatness_runs);
    out->curvature = find_exponent(self, out->layer, curvature_of, 1, &out->num_curved_runs);
}

/* The largest number of a layer, and one. */
static size_t count_layers(const ch_spectrum *self)
{
    uint64_t count = 0;
    for (size_t r = 0; r < self->num_runs; r++) {
        for (size_t i = 0; i < self->runs[r]->num_fluctuations; i++) {
            const uint64_t layer = self->runs[r]->fluctuations[i].layer;
            count = layer >= count ? layer + 1 : count;
        }
    }
    return (size_t)count;
}

/* Appends the spectrum of some runs, unless none has fluctuations. */
static ch_code add_spectrum(ch_spectrum_list *self, const ch_spectrum *runs, ch_error *err)
{
    void *items = self->items;
    ch_spectrum one = *runs;
    for (size_t r = 0; r < one.num_runs; r++) {
        one.num_with += one.runs[r]->num_fluctuations > 0;
    }
    if (one.num_with == 0) {
        return CH_OK;
    }
    one.num_layers = count_layers(&one);
    if (ch_grow(&items, &self->capacity, self->count + 1, sizeof *self->items) != 0) {
        return ch_error_memory(err, "the spectra of a fit");
    }
    self->items = items;
    one.layers = ch_alloc(one.num_layers, sizeof *one.layers);
    if (one.layers == NULL) {
        return ch_error_memory(err, "the spectra of a fit");
    }
    for (size_t l = 0; l < one.num_layers; l++) {
        one.layers[l].layer = l;
        find_layer(&one, &one.layers[l]);
    }
    self->items[self->count++] = one;
    return CH_OK;
}

static bool are_at_one_point(const ch_run *a, const ch_run *b)
{
    return a->settings.train == b->settings.train && ch_settings_are_one(&a->settings, &b->settings, CH_SETTING_TEMP);
}

ch_code ch_spectrum_list_init(ch_spectrum_list *self, const ch_fit *fit, ch_error *err)
{
    ch_code code = CH_OK;
    *self = (ch_spectrum_list){.count = 0};
    for (size_t g = 0; code == CH_OK && g < fit->num_groups; g++) {
        const ch_fit_group *group = &fit->groups[g];
        for (size_t begin = 0, end = 0; code == CH_OK && begin < group->num_runs; begin = end) {
            end = begin + 1;
            while (end < group->num_runs && are_at_one_point(group->runs[begin], group->runs[end])) {
                end++;
            }
            code = add_spectrum(self, &(ch_spectrum){g, group->runs + begin, end - begin, 0, NULL, 0}, err);
        }
    }
    if (code != CH_OK) {
        ch_spectrum_list_free(self);
    }
    return code;
}

void ch_spectrum_list_free(ch_spectrum_list *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->items[i].layers);
    }
    free(self->items);
    *self = (ch_spectrum_list){.count = 0};
}

void ch_spectrum_layer_name(const ch_spectrum *self, uint64_t layer, char *text, size_t size)
{
    if (self->num_layers > 1 && layer + 1 == self->num_layers) {
        snprintf(text, size, "all");
    } else {
        snprintf(text, size, "%llu", (unsigned long long)layer);
    }
}
