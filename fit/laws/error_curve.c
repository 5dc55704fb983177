/* error_curve.c — the change of the test error with T at one P, and the T at which it has a given size. */
#include "fit/laws/error_curve.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "fit/table/cells.h"
#include "fit/table/data_sets.h"
#include "fit/table/test_error.h"

#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>

/* Variances of differences of normal numbers of variance 1, where the median is that of three of them. */
static const double from_own_median = 0.782, from_other_median = 1.449;

/* ---- the curves of the data sets ---- */

/* Mean ln of the test error of each data set in a cell; NaN where it has none.
 * @param logs  out: [num_data_sets] */
static void logs_of_cell(const ch_fit_group *group, const ch_fit_cell *cell, double *logs)
{
    for (size_t s = 0; s < group->num_data_sets; s++) {
        logs[s] = NAN;
    }
    for (size_t i = cell->begin; i < cell->end;) { /* runs of a data set stand next to each other */
        const uint32_t set = group->data_set[i];
        ch_moments moments = {0};
        for (; i < cell->end && group->data_set[i] == set; i++) {
            ch_moments_add(&moments, ch_log_test_error(group->runs[i]));
        }
        logs[set] = moments.mean;
    }
}

/* The median of a data set's numbers at some T, without those that are NaN; NaN where all are. */
static double median_of(const ch_error_curve *self, size_t set, size_t begin, size_t end)
{
    double sorted[CH_PLATEAU_TEMPS];
    size_t count = 0;
    for (size_t k = begin; k < end; k++) {
        const double one = self->changes[k * self->num_sets + set];
        if (!isnan(one)) {
            sorted[count++] = one;
        }
    }
    return count > 0 ? gsl_stats_median(sorted, 1, count) : NAN;
}

/* Subtracts from each data set its median over the lowest T, and takes that over the highest T. */
static void compare_with_low(ch_error_curve *self)
{
    if (self->num_temps <= CH_PLATEAU_TEMPS) {
        return;
    }
    for (size_t s = 0; s < self->num_sets; s++) {
        const double base = median_of(self, s, 0, CH_PLATEAU_TEMPS);
        self->num_known += isnan(base) ? 0 : 1;
        for (size_t k = 0; k < self->num_temps; k++) {
            self->changes[k * self->num_sets + s] -= base;
        }
        self->tops[s] = median_of(self, s, self->num_temps - CH_PLATEAU_TEMPS, self->num_temps);
    }
}

ch_code ch_error_curve_init(ch_error_curve *self, const ch_fit_group *group, size_t train, ch_error *err)
{
    const size_t begin = ch_fit_first_cell(group, train), end = ch_fit_first_cell(group, train + 1);
    const size_t num = group->num_data_sets;
    *self = (ch_error_curve){.num_sets = num};
    self->log_temps = ch_alloc(end - begin, sizeof *self->log_temps);
    self->changes = ch_alloc((end - begin) * num, sizeof *self->changes);
    self->tops = ch_alloc(num, sizeof *self->tops);
    self->at = ch_alloc(end - begin, sizeof *self->at);
    self->mean = ch_alloc(end - begin, sizeof *self->mean);
    self->temp = ch_alloc(end - begin, sizeof *self->temp);
    if (self->log_temps == NULL || self->changes == NULL || self->tops == NULL || self->at == NULL ||
        self->mean == NULL || self->temp == NULL) {
        return ch_error_memory(err, "the test errors");
    }
    for (size_t c = begin; c < end; c++) {
        if (group->cells[c].complete) {
            logs_of_cell(group, &group->cells[c], self->changes + self->num_temps * num);
            self->log_temps[self->num_temps++] = log(group->temps[group->cells[c].temp]);
        }
    }
    compare_with_low(self);
    return CH_OK;
}

void ch_error_curve_free(ch_error_curve *self)
{
    free(self->log_temps);
    free(self->changes);
    free(self->tops);
    free(self->at);
    free(self->mean);
    free(self->temp);
    *self = (ch_error_curve){0};
}

ch_code ch_error_curve_make(void **workspace, const ch_tc_input *input, ch_error *err)
{
    ch_error_curve *curve = ch_alloc(1, sizeof *curve);
    if (curve == NULL) {
        return ch_error_memory(err, "the test errors");
    }
    *workspace = curve;
    return ch_error_curve_init(curve, input->group, input->train, err);
}

void ch_error_curve_release(void *workspace)
{
    if (workspace != NULL) {
        ch_error_curve_free(workspace);
    }
    free(workspace);
}

/* ---- means ---- */

double ch_mean_over_sets(const double *numbers, size_t num_sets, const double *copies)
{
    double sum = 0, weight = 0;
    for (size_t s = 0; s < num_sets; s++) {
        const double times = copies != NULL ? copies[s] : 1;
        if (!isnan(numbers[s])) {
            sum += times * numbers[s];
            weight += times;
        }
    }
    return weight > 0 ? sum / weight : NAN;
}

void ch_error_curve_average(ch_error_curve *self, const double *copies)
{
    self->count = 0;
    for (size_t k = 0; k < self->num_temps && self->num_known > 0; k++) {
        const double mean = ch_mean_over_sets(self->changes + k * self->num_sets, self->num_sets, copies);
        if (!isnan(mean)) {
            self->at[self->count] = self->log_temps[k];
            self->temp[self->count] = k;
            self->mean[self->count++] = mean;
        }
    }
}

double ch_error_curve_top(const ch_error_curve *self, const double *copies)
{
    return ch_mean_over_sets(self->tops, self->num_sets, copies);
}

/* ---- where a size is reached ---- */

/* Whether D is as large as a size at a place, and at the next one on the same side. */
static bool is_beyond(const ch_error_curve *self, size_t place, double size)
{
    const double one = self->mean[place], next = self->mean[place + 1];
    return fabs(one) >= size && fabs(next) >= size && (one > 0) == (next > 0);
}

double ch_error_curve_below(const ch_error_curve *self, size_t begin, size_t end, double sign, double size)
{
    double sum = self->at[begin];
    for (size_t k = begin; k < end; k++) {
        const double from = sign * self->mean[k], to = sign * self->mean[k + 1];
        const double step = self->at[k + 1] - self->at[k];
        if (from < size && to < size) {
            sum += step;
        } else if (from < size) {
            sum += step * (size - from) / (to - from);
        } else if (to < size) {
            sum += step * (size - to) / (from - to);
        }
    }
    return sum;
}

ch_tc_place ch_error_curve_reach(const ch_error_curve *self, double size, size_t *first, size_t *peak, double *log_temp)
{
    size_t place = 0;
    *log_temp = NAN;
    if (self->count <= CH_PLATEAU_TEMPS) {
        return CH_TC_NONE;
    }
    while (place + 1 < self->count && !is_beyond(self, place, size)) {
        place++;
    }
    if (place + 1 == self->count) { /* the highest T has no next one */
        *log_temp = self->at[fabs(self->mean[place]) >= size ? place - 1 : place];
        return CH_TC_ABOVE;
    }
    const double sign = self->mean[place] > 0 ? 1 : -1;
    size_t begin = place, largest = place;
    while (begin > 0 && sign * self->mean[begin] > 0) {
        begin--;
    }
    for (size_t k = place; k < self->count && sign * self->mean[k] > 0; k++) {
        largest = sign * self->mean[k] > sign * self->mean[largest] ? k : largest;
    }
    *first = place;
    *peak = largest;
    *log_temp = ch_error_curve_below(self, begin, largest, sign, size);
    return place < CH_PLATEAU_TEMPS ? CH_TC_BELOW : CH_TC_INSIDE;
}

/* ---- noise ---- */

static double variance_of(const double *numbers, size_t num_sets)
{
    ch_moments moments = {0};
    for (size_t s = 0; s < num_sets; s++) {
        if (!isnan(numbers[s])) {
            ch_moments_add(&moments, numbers[s]);
        }
    }
    return ch_moments_variance(&moments);
}

double ch_error_curve_variance_at(const ch_error_curve *self, size_t place)
{
    return variance_of(self->changes + self->temp[place] * self->num_sets, self->num_sets);
}

double ch_error_curve_variance(const ch_error_curve *self, size_t end)
{
    ch_moments moments = {0};
    for (size_t place = 0; place < end; place++) {
        const double variance = ch_error_curve_variance_at(self, place);
        if (!isnan(variance)) {
            ch_moments_add(&moments, self->temp[place] < CH_PLATEAU_TEMPS
                                         ? variance * from_other_median / from_own_median
                                         : variance);
        }
    }
    return moments.count > 0 ? moments.mean : NAN;
}

double ch_error_curve_top_variance(const ch_error_curve *self)
{
    return variance_of(self->tops, self->num_sets);
}

double ch_error_curve_needed(double variance, double size)
{
    const double sigmas = 2;
    return isnan(variance) ? 0 : fmax(2, ceil(sigmas * sigmas * variance / (size * size)));
}
