/* change.c — a test of significance: whether the test error leaves the value that it has as T -> 0. */
#include "fit/laws/change.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "fit/table/cells.h"
#include "fit/table/data_sets.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

/* The test error as T -> 0 is taken to be its mean over this many lowest T. */
enum { BASE_TEMPS = 3 };

/* Mean test error of each data set in a cell; NaN where it has none.
 * @param errors  out: [num_data_sets] */
static void errors_of_cell(const ch_fit_group *group, const ch_fit_cell *cell, double *errors)
{
    for (size_t s = 0; s < group->num_data_sets; s++) {
        errors[s] = NAN;
    }
    for (size_t i = cell->begin; i < cell->end;) { /* runs of a data set stand next to each other */
        const uint32_t set = group->data_set[i];
        double sum = 0, count = 0;
        for (; i < cell->end && group->data_set[i] == set; i++) {
            sum += group->runs[i]->final.test_error;
            count++;
        }
        errors[set] = sum / count;
    }
}

/* The limit of the mean shift: k standard errors of the mean over the data sets. k is the value that Student's t
 * exceeds with the probability with which a normal number exceeds `sigmas`. */
static double limit_of(const double *shifts, size_t num, double sigmas)
{
    ch_moments moments = {0};
    for (size_t s = 0; s < num; s++) {
        if (isfinite(shifts[s])) {
            ch_moments_add(&moments, shifts[s]);
        }
    }
    if (moments.count < 2) {
        return NAN;
    }
    const double freedom = moments.count - 1;
    return gsl_cdf_tdist_Qinv(gsl_cdf_ugaussian_Q(sigmas), freedom) * sqrt(moments.squares / freedom / moments.count);
}

ch_code ch_change_init(ch_change *self, const ch_fit_group *group, size_t train, double sigmas, ch_error *err)
{
    const size_t begin = ch_fit_first_cell(group, train), end = ch_fit_first_cell(group, train + 1);
    const size_t num = group->num_data_sets;
    ch_code code = CH_OK;
    *self = (ch_change){.num_sets = num};
    double *base = ch_alloc(num, sizeof *base);
    self->log_temps = ch_alloc(end - begin, sizeof *self->log_temps);
    self->limits = ch_alloc(end - begin, sizeof *self->limits);
    self->shifts = ch_alloc((end - begin) * num, sizeof *self->shifts);
    if (base == NULL || self->log_temps == NULL || self->limits == NULL || self->shifts == NULL) {
        code = ch_error_memory(err, "the test errors");
        goto out;
    }
    size_t seen = 0;
    for (size_t c = begin; c < end; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        if (!cell->complete) {
            continue;
        }
        double *shifts = self->shifts + self->num_temps * num;
        errors_of_cell(group, cell, shifts);
        for (size_t s = 0; s < num; s++) {
            base[s] += seen < BASE_TEMPS ? shifts[s] / BASE_TEMPS : 0;
            shifts[s] -= base[s];
        }
        if (seen++ >= BASE_TEMPS) {
            self->limits[self->num_temps] = limit_of(shifts, num, sigmas);
            self->log_temps[self->num_temps++] = log(group->temps[cell->temp]);
        }
    }
out:
    free(base);
    return code;
}

void ch_change_free(ch_change *self)
{
    free(self->log_temps);
    free(self->limits);
    free(self->shifts);
    *self = (ch_change){0};
}

/* The mean shift at a temperature, in units of its limit, where each data set counts as often as it was drawn. It is 0
 * where there is no shift or no limit. */
static double shift_at(const ch_change *self, size_t temp, const double *copies)
{
    const double *shifts = self->shifts + temp * self->num_sets;
    double sum = 0, weight = 0;
    for (size_t s = 0; s < self->num_sets; s++) {
        const double times = copies != NULL ? copies[s] : 1;
        if (isfinite(shifts[s])) {
            sum += times * shifts[s];
            weight += times;
        }
    }
    const double shift = weight > 0 ? sum / weight : 0;
    return shift != 0 && isfinite(self->limits[temp]) ? shift / self->limits[temp] : 0;
}

/* Whether the test error has left its value: at this T and at the next one it is beyond the limit on the same side. */
static bool has_left(const ch_change *self, size_t temp, double shift, const double *copies)
{
    const double next = fabs(shift) > 1 ? shift_at(self, temp + 1, copies) : 0;
    return fabs(next) > 1 && (next > 0) == (shift > 0);
}

ch_tc_place ch_change_find(const ch_change *self, const double *copies, double *log_temp)
{
    double before = 0;
    bool is_decidable = false;
    *log_temp = NAN;
    for (size_t k = 0; k + 1 < self->num_temps; k++) {
        const double shift = shift_at(self, k, copies);
        is_decidable = is_decidable || isfinite(self->limits[k]);
        if (has_left(self, k, shift, copies)) {
            if (k == 0) {
                *log_temp = self->log_temps[0];
                return CH_TC_BELOW;
            }
            /* T_c is where |shift| / limit, joined by straight lines in ln T, reaches 1 */
            const double size = fabs(shift), step = self->log_temps[k] - self->log_temps[k - 1];
            const double part = isfinite(size) && before < 1 ? (1 - before) / (size - before) : 0;
            *log_temp = self->log_temps[k - 1] + part * step;
            return CH_TC_INSIDE;
        }
        before = fmin(fabs(shift), 1);
    }
    if (!is_decidable) {
        return CH_TC_NONE;
    }
    *log_temp = self->log_temps[self->num_temps - 2];
    return CH_TC_ABOVE;
}

/* The shifts at two neighbouring T are normal numbers with this correlation. The question is whether both lie beyond
 * `sigmas`. */
typedef struct {
    double sigmas, correlation;
} tail_pair;

/* The density of one shift at x, times the probability that the other one lies beyond k:
 *     phi(x) Q((k - rho x) / sqrt(1 - rho^2)). */
static double pair_density(double x, void *parameters)
{
    const tail_pair *pair = parameters;
    const double rho = pair->correlation;
    return gsl_ran_ugaussian_pdf(x) * gsl_cdf_ugaussian_Q((pair->sigmas - rho * x) / sqrt(1 - rho * rho));
}

double ch_change_false_alarms(double sigmas, size_t num_temps)
{
    /* both shifts have the mean over the lowest T subtracted, which has the variance 1 / BASE_TEMPS */
    tail_pair pair = {sigmas, 1.0 / (BASE_TEMPS + 1)};
    const gsl_function density = {pair_density, &pair};
    const double tail = 10; /* the normal density is negligible beyond */
    double both = 0, error = 0;
    size_t evaluations = 0;
    gsl_integration_qng(&density, sigmas, sigmas + tail, 0, 1e-6, &both, &error, &evaluations);
    const size_t pairs = num_temps > BASE_TEMPS + 1 ? num_temps - BASE_TEMPS - 1 : 0;
    return fmin(1, (double)pairs * 2 * both);
}
