/* trend.c — ln y of each data set against P, after the T dependence of the power law was subtracted. */
#include "fit/laws/trend.h"
#include "core/memory.h"
#include "fit/table/data_sets.h"

#include <math.h>
#include <stdlib.h>

/* Means of ln y over each data set's runs at one P, with the T dependence of the power law subtracted.
 * @param means   out: [num_data_sets] NaN for a data set without runs
 * @param counts  [num_data_sets] to work with */
static void average(const ch_fit_group *group, size_t train, ch_fit_log which, double *means, double *counts)
{
    const double temp_exponent = which == CH_LOG_TIME ? group->time.temp_exponent : group->weight_change.temp_exponent;
    for (size_t s = 0; s < group->num_data_sets; s++) {
        means[s] = counts[s] = 0;
    }
    for (size_t c = ch_fit_first_cell(group, train); c < ch_fit_first_cell(group, train + 1); c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const double temp = group->temps[cell->temp];
        const bool is_used = cell->complete && ch_fit_is_in_window(group, cell);
        for (size_t i = cell->begin; i < cell->end && is_used; i++) {
            const ch_run *run = group->runs[i];
            means[group->data_set[i]] += log(which == CH_LOG_TIME ? run->time : run->final.weight_change) -
                                         (isfinite(temp_exponent) ? temp_exponent * log(temp) : 0);
            counts[group->data_set[i]]++;
        }
    }
    for (size_t s = 0; s < group->num_data_sets; s++) {
        means[s] = counts[s] > 0 ? means[s] / counts[s] : NAN;
    }
}

/* Finds the P that have complete cells in the window. @param trains  out: [num_trains] their indices */
static size_t find_trains(const ch_fit_group *group, size_t *trains)
{
    size_t count = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const bool is_used = cell->complete && ch_fit_is_in_window(group, cell);
        if (is_used && (count == 0 || trains[count - 1] != cell->train)) {
            trains[count++] = cell->train;
        }
    }
    return count;
}

ch_code ch_trend_init(ch_trend *self, const ch_fit_group *group, ch_fit_log which, ch_error *err)
{
    const size_t num_sets = group->num_data_sets;
    ch_code code = CH_OK;
    *self = (ch_trend){0};
    double *means = ch_alloc(group->num_trains * num_sets, sizeof *means), *counts = ch_alloc(num_sets, sizeof *counts);
    size_t *trains = ch_alloc(group->num_trains, sizeof *trains);
    self->log_train = ch_alloc(group->num_trains, sizeof *self->log_train);
    self->values = ch_alloc(group->num_trains * num_sets, sizeof *self->values);
    if (means == NULL || counts == NULL || trains == NULL || self->log_train == NULL || self->values == NULL) {
        code = ch_error_memory(err, "the shape of a curve");
        goto out;
    }
    self->num_points = find_trains(group, trains);
    for (size_t p = 0; p < self->num_points; p++) {
        self->log_train[p] = log((double)group->trains[trains[p]]);
        average(group, trains[p], which, means + p * num_sets, counts);
    }
    for (size_t s = 0; s < num_sets; s++) {
        double *values = self->values + self->num_sets * self->num_points;
        bool is_whole = self->num_points > 0;
        for (size_t p = 0; p < self->num_points; p++) {
            values[p] = means[p * num_sets + s];
            is_whole = is_whole && isfinite(values[p]);
        }
        self->num_sets += is_whole;
    }
out:
    free(means);
    free(counts);
    free(trains);
    return code;
}

void ch_trend_free(ch_trend *self)
{
    free(self->log_train);
    free(self->values);
    *self = (ch_trend){0};
}
