/* series.c — a quantity of a group's runs, one value a cell (P, T). */
#include "plots/series.h"
#include "core/memory.h"
#include "core/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double value_of(const ch_run *run, size_t offset)
{
    double value;
    memcpy(&value, (const char *)run + offset, sizeof value);
    return value;
}

static bool same_cell(const ch_run *a, const ch_run *b)
{
    return a->settings.train == b->settings.train && a->settings.temp == b->settings.temp;
}

/* What is averaged: ln of the value, or the value itself. */
typedef enum { LOGARITHM, PLAIN } series_scale;

static bool usable(const ch_run *run, double value, series_scale scale)
{
    return run->status != CH_DIVERGED && (scale == PLAIN ? value >= 0 : value > 0) && isfinite(value);
}

/* Mean over the runs from `begin` that share a data set; NaN when none is usable. */
static double data_set_mean(const ch_fit_group *group, size_t offset, series_scale scale, size_t begin, size_t end,
                            size_t *next, bool *bound)
{
    double sum = 0;
    size_t count = 0, i = begin;
    for (; i < end && group->runs[i]->settings.seed_data == group->runs[begin]->settings.seed_data; i++) {
        const double value = value_of(group->runs[i], offset);
        if (usable(group->runs[i], value, scale)) {
            sum += scale == PLAIN ? value : log(value);
            count++;
            *bound = *bound || group->runs[i]->status == CH_BUDGET;
        }
    }
    *next = i;
    return count > 0 ? sum / (double)count : NAN;
}

/* Mean y over data sets and its standard error, sqrt(sum (y_i - y)^2 / (n (n - 1))). Returns whether there is a value
 * at all. */
static bool cell_mean(const ch_fit_group *group, size_t offset, series_scale scale, size_t begin, size_t end,
                      ch_cell *cell)
{
    ch_moments moments = {0};
    *cell = (ch_cell){.train = group->runs[begin]->settings.train, .temp = group->runs[begin]->settings.temp};
    for (size_t i = begin; i < end;) {
        const double y = data_set_mean(group, offset, scale, i, end, &i, &cell->bound);
        if (!isnan(y)) {
            ch_moments_add(&moments, y);
        }
    }
    const bool has_error = moments.count > 1 && group->num_data_sets != 1; /* data sets that overlap count as one */
    const double mean = moments.mean, error = has_error ? ch_moments_error(&moments) : 0;
    cell->mean = scale == PLAIN ? mean : exp(mean);
    cell->lo = scale == PLAIN ? (error < mean ? mean - error : mean) : exp(mean - error);
    cell->hi = scale == PLAIN ? mean + error : exp(mean + error);
    return moments.count > 0;
}

static ch_code init(ch_series *self, const ch_fit_group *group, size_t offset, series_scale scale, ch_error *err)
{
    *self = (ch_series){0};
    self->cells = ch_alloc(group->num_runs, sizeof *self->cells);
    if (self->cells == NULL) {
        return ch_error_memory(err, "the points of a figure");
    }
    for (size_t begin = 0, end = 0; begin < group->num_runs; begin = end) {
        for (end = begin + 1; end < group->num_runs && same_cell(group->runs[begin], group->runs[end]); end++) {
        }
        if (cell_mean(group, offset, scale, begin, end, &self->cells[self->count])) {
            self->count++;
        }
    }
    return CH_OK;
}

ch_code ch_series_init(ch_series *self, const ch_fit_group *group, size_t offset, ch_error *err)
{
    return init(self, group, offset, LOGARITHM, err);
}

ch_code ch_series_init_plain(ch_series *self, const ch_fit_group *group, size_t offset, ch_error *err)
{
    return init(self, group, offset, PLAIN, err);
}

void ch_series_free(ch_series *self)
{
    free(self->cells);
    *self = (ch_series){0};
}
