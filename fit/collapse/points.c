/* points.c — makes curves of the cells of a group, and lists the runs behind each point. */
#include "fit/collapse/points.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "fit/table/cells.h"
#include "fit/table/data_sets.h"
#include "fit/table/test_error.h"

#include <math.h>
#include <stdlib.h>

void ch_points_free(ch_points *self)
{
    free(self->curves);
    free(self->log_temp);
    free(self->log_y);
    free(self->variance);
    free(self->begin);
    free(self->runs);
}

/* ln y of a run; NaN where it has no test error. */
static double log_of(const ch_run *run, ch_collapse_quantity quantity)
{
    switch (quantity) {
    case CH_COLLAPSE_WEIGHT_CHANGE:
        return log(run->final.weight_change);
    case CH_COLLAPSE_TIME:
        return log(run->time);
    case CH_COLLAPSE_TEST_ERROR:
        return ch_log_test_error(run);
    case CH_NUM_COLLAPSES:
        break;
    }
    return NAN;
}

static uint64_t seed_of(const ch_fit_group *group, size_t run)
{
    return group->runs[run]->settings.seed_data;
}

/* The spread of ln y between data sets, pooled over the cells of a P: its variance is squares / freedom. */
typedef struct {
    double squares; /* squared distances of the data sets' means from their cell's mean */
    double freedom; /* degrees of freedom, one less than data sets in each cell */
} set_spread;

/* Adds a cell to the spread. Returns sum_d (n_d / N)^2 over its data sets, where n_d of its N runs are on data set d.
 * The runs of one data set stand next to each other. */
static double add_spread(const ch_fit_group *group, const ch_fit_cell *cell, ch_collapse_quantity quantity,
                         set_spread *spread)
{
    const double num_runs = (double)(cell->end - cell->begin);
    double shares = 0;
    ch_moments sets = {0};
    for (size_t i = cell->begin; i < cell->end;) {
        const uint64_t seed = seed_of(group, i);
        double sum = 0, count = 0;
        for (; i < cell->end && seed_of(group, i) == seed; i++) {
            sum += log_of(group->runs[i], quantity);
            count++;
        }
        ch_moments_add(&sets, sum / count);
        shares += count / num_runs * (count / num_runs);
    }
    spread->squares += sets.squares;
    spread->freedom += sets.count - 1;
    return shares;
}

/* Appends the point of a cell. Its variance is set to dy^2 / s_P^2, because s_P^2 is known only after the last cell of
 * the P.
 * @param shares  dy^2 / s_P^2 */
static void add_point(ch_points *self, const ch_fit_group *group, const ch_fit_cell *cell,
                      ch_collapse_quantity quantity, double shares)
{
    const size_t point = self->num_points++;
    size_t next = self->begin[point];
    self->log_temp[point] = log(group->temps[cell->temp]);
    double sum = 0;
    for (size_t i = cell->begin; i < cell->end; i++) {
        const double log_y = log_of(group->runs[i], quantity);
        self->runs[next++] = (ch_point_run){log_y, group->data_set[i]};
        sum += log_y;
    }
    self->log_y[point] = sum / (double)(cell->end - cell->begin);
    self->variance[point] = shares;
    self->begin[point + 1] = next;
}

/* Whether a cell makes a point: all its runs fitted, and have the quantity. */
static bool is_point(const ch_fit_group *group, const ch_fit_cell *cell, ch_collapse_quantity quantity)
{
    bool all = cell->complete;
    for (size_t i = cell->begin; i < cell->end && all; i++) {
        all = isfinite(log_of(group->runs[i], quantity));
    }
    return all;
}

/* Appends the curve of one P. It is left out where it has too few points, or where its data sets agree to rounding. */
static void add_curve(ch_points *self, const ch_fit_group *group, size_t train, ch_collapse_quantity quantity)
{
    const double rounding = 1e-9;
    const size_t first = self->num_points;
    set_spread spread = {0, 0};
    for (size_t c = ch_fit_first_cell(group, train); c < ch_fit_first_cell(group, train + 1); c++) {
        if (is_point(group, &group->cells[c], quantity)) {
            const double shares = add_spread(group, &group->cells[c], quantity, &spread);
            add_point(self, group, &group->cells[c], quantity, shares);
        }
    }
    const size_t count = self->num_points - first;
    const double variance = spread.squares / spread.freedom;
    if (count < CH_LEAST_POINTS || !(variance > rounding * rounding)) {
        self->num_points = first;
        return;
    }
    for (size_t i = first; i < self->num_points; i++) {
        self->variance[i] *= variance;
    }
    self->curves[self->num_curves++] = (ch_curve){log((double)group->trains[train]), count, self->log_temp + first,
                                                  self->log_y + first, self->variance + first};
}

ch_code ch_points_init(ch_points *self, const ch_fit_group *group, ch_collapse_quantity quantity, ch_error *err)
{
    *self = (ch_points){.curves = ch_alloc(group->num_trains, sizeof *self->curves),
                        .log_temp = ch_alloc(group->num_cells, sizeof *self->log_temp),
                        .log_y = ch_alloc(group->num_cells, sizeof *self->log_y),
                        .variance = ch_alloc(group->num_cells, sizeof *self->variance),
                        .begin = ch_alloc(group->num_cells + 1, sizeof *self->begin),
                        .runs = ch_alloc(group->num_runs, sizeof *self->runs)};
    if (self->curves == NULL || self->log_temp == NULL || self->log_y == NULL || self->variance == NULL ||
        self->begin == NULL || self->runs == NULL) {
        return ch_error_memory(err, "a collapse");
    }
    for (size_t p = 0; p < group->num_trains; p++) {
        add_curve(self, group, p, quantity);
    }
    return CH_OK;
}
