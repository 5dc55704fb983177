/* outliers.c — compares runs with the power laws: which runs are outliers, and which are left out, and why. */
#include "fit/laws/outliers.h"

#include "core/memory.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

/* A run is compared with the other data sets at its own (P, T), because data sets are independent. It is not compared
 * with its own data set at other T. Far above the onset the runs of one data set at several T are one run scaled by T.
 * Their scaled values are equal, until rounding or the margin kappa makes two of them choose different samples. From
 * then on they differ as runs with different batches do. The usual difference between them is 0, so that in its units
 * the first run that differs would be infinitely far away. */

/* Probability that a table without outliers has one named. */
static const double FALSE_ALARMS = 0.05;
/* The runs of a (P, T) are tested only if they are on this many data sets or more. A median of fewer does not tell
 * which of them is off. */
enum { LEAST_SETS = 3 };
/* The efficiency of Qn for normal numbers: Qn is as precise as the standard deviation of this share of the numbers. */
static const double QN_EFFICIENCY = 0.82;

double ch_power_law_log(const ch_power_law *self, double temp, double train)
{
    const double of_temp = isfinite(self->temp_exponent) ? self->temp_exponent * log(temp) : 0;
    const double of_train = isfinite(self->train_exponent) ? self->train_exponent * log(train) : 0;
    return self->log_amplitude + of_temp + of_train;
}

/* ---- outliers ---- */

/* Whether the runs of a cell are in the power laws. */
static bool is_in_law(const ch_fit_group *group, const ch_fit_cell *cell)
{
    return cell->complete && ch_fit_is_in_window(group, cell);
}

/* Work space for one cell, sums over all cells, and one number of each run. */
typedef struct {
    double *logs, *sorted, *work; /* [n], [n], [3 n] for the n runs of the largest cell */
    int *work_int;                /* [5 n] */
    double spread, weight;        /* sums of (n_s - 1) Qn and n_s - 1, n_s data sets in a cell */
    double *distances;            /* [num_runs] of the runs in the law, by (train, temp, seed_data): that of ln y from
                                     the median of the cell, in units of the spread once it is known; NaN if the cell
                                     has too few data sets */
    size_t num_runs;
    double largest; /* of the distances */
} test_space;

static ch_code space_init(test_space *self, const ch_fit_group *group, ch_error *err)
{
    size_t most = 0, sum = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const size_t num_runs = is_in_law(group, cell) ? cell->end - cell->begin : 0;
        most = num_runs > most ? num_runs : most;
        sum += num_runs;
    }
    *self = (test_space){.logs = ch_alloc(most, sizeof *self->logs),
                         .sorted = ch_alloc(most, sizeof *self->sorted),
                         .work = ch_alloc(3 * most, sizeof *self->work),
                         .work_int = ch_alloc(5 * most, sizeof *self->work_int),
                         .distances = ch_alloc(sum, sizeof *self->distances)};
    return self->logs == NULL || self->sorted == NULL || self->work == NULL || self->work_int == NULL ||
                   self->distances == NULL
               ? ch_error_memory(err, "the residuals of a fit")
               : CH_OK;
}

static void space_free(test_space *self)
{
    free(self->logs);
    free(self->sorted);
    free(self->work);
    free(self->work_int);
    free(self->distances);
}

/* ln y of a run. */
static double log_of(const ch_run *run, ch_fit_log which)
{
    double logs[CH_NUM_LOGS];
    ch_fit_logs_of(run, logs);
    return logs[which];
}

/* Sorts the ln y of the first run of each data set, so that the spread is that of single runs, however many runs a data
 * set has. @return the number of data sets */
static size_t sort_first_runs(test_space *space, const ch_fit_group *group, const ch_fit_cell *cell)
{
    size_t count = 0;
    for (size_t i = cell->begin; i < cell->end; i++) {
        if (i == cell->begin || group->runs[i]->settings.seed_data != group->runs[i - 1]->settings.seed_data) {
            space->sorted[count++] = space->logs[i - cell->begin];
        }
    }
    gsl_sort(space->sorted, 1, count);
    return count;
}

/* Appends the distances of a cell's runs from their median, not yet divided by the spread. The median of n normal
 * numbers is nearer to each of them than their true centre is, by a factor sqrt(1 - (2 - pi/2)/n), by which the
 * distance is divided.
 * @return the number of data sets */
static size_t add_cell(ch_residuals *self, test_space *space, const ch_fit_group *group, const ch_fit_cell *cell,
                       ch_fit_log which)
{
    const size_t num_runs = cell->end - cell->begin;
    for (size_t i = 0; i < num_runs; i++) {
        space->logs[i] = log_of(group->runs[cell->begin + i], which);
    }
    const size_t num_sets = sort_first_runs(space, group, cell);
    double median = NAN, factor = NAN;
    if (num_sets >= LEAST_SETS) {
        const double weight = (double)num_sets - 1;
        space->spread +=
            weight * gsl_stats_Qn_from_sorted_data(space->sorted, 1, num_sets, space->work, space->work_int);
        space->weight += weight;
        median = gsl_stats_median_from_sorted_data(space->sorted, 1, num_sets);
        factor = sqrt(1 - (2 - M_PI_2) / (double)num_sets);
        self->num_tested += num_runs;
    }
    for (size_t i = 0; i < num_runs; i++) {
        space->distances[space->num_runs++] = (space->logs[i] - median) / factor;
    }
    return num_sets;
}

/* Divides distances by the spread and counts the runs beyond the limit. Each of N runs is beyond it with a probability
 * of 0.05/N (Bonferroni). Distances over an estimated spread follow Student's distribution. */
static void test_runs(ch_residuals *self, test_space *space)
{
    const double rounding = 1e-9;
    self->num_runs = space->num_runs;
    self->spread = space->spread / space->weight;
    if (!(self->spread > rounding)) { /* there are no data sets to compare, or they do not differ */
        self->spread = self->dof = self->limit = NAN;
        self->num_tested = 0;
    } else {
        self->limit = gsl_cdf_tdist_Qinv(FALSE_ALARMS / 2 / (double)self->num_tested, self->dof);
    }
    for (size_t i = 0; i < space->num_runs; i++) {
        space->distances[i] /= self->spread;
        const double distance = fabs(space->distances[i]);
        self->num_outliers += distance > self->limit;
        space->largest = distance > space->largest ? distance : space->largest;
    }
}

/* Orders runs by their distance, the farthest first. Equal ones stand in the order of the group's runs. */
static int compare_residuals(const void *left, const void *right)
{
    const ch_residual *a = left, *b = right;
    const double x = fabs(a->sigmas), y = fabs(b->sigmas);
    return x != y ? (x < y) - (x > y) : (a->place > b->place) - (a->place < b->place);
}

/* Keeps the outliers, or where there is none the run that is farthest off. */
static ch_code keep_far(ch_residuals *self, const test_space *space, const ch_fit_group *group, ch_fit_log which,
                        const ch_power_law *law, ch_error *err)
{
    const size_t most = self->num_outliers > 0 ? self->num_outliers : self->num_tested > 0;
    size_t place = 0;
    self->runs = ch_alloc(most, sizeof *self->runs);
    if (self->runs == NULL) {
        return ch_error_memory(err, "the residuals of a fit");
    }
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const double at = ch_power_law_log(law, group->temps[cell->temp], (double)group->trains[cell->train]);
        for (size_t i = cell->begin; i < cell->end && is_in_law(group, cell); i++, place++) {
            const double sigmas = space->distances[place];
            const bool is_far = self->num_outliers > 0 ? fabs(sigmas) > self->limit : fabs(sigmas) == space->largest;
            if (is_far && self->num_far < most) {
                self->runs[self->num_far++] = (ch_residual){
                    .run = group->runs[i],
                    .place = place,
                    .residual = log_of(group->runs[i], which) - at,
                    .sigmas = sigmas,
                    .chance = fmin(1, 2 * gsl_cdf_tdist_Q(fabs(sigmas), self->dof) * (double)self->num_tested),
                };
            }
        }
    }
    qsort(self->runs, self->num_far, sizeof *self->runs, compare_residuals);
    return CH_OK;
}

ch_code ch_residuals_init(ch_residuals *self, const ch_fit_group *group, ch_fit_log which, ch_error *err)
{
    const ch_power_law *law = which == CH_LOG_TIME ? &group->time : &group->weight_change;
    test_space space = {0};
    *self = (ch_residuals){.spread = NAN, .dof = NAN, .limit = NAN};
    if (!isfinite(law->log_amplitude)) {
        return CH_OK;
    }
    ch_code code = space_init(&space, group, err);
    if (code != CH_OK) {
        goto out;
    }
    double freedom = 0;
    for (size_t p = 0; p < group->num_trains; p++) {
        /* The data sets at a T with most of them: other T may have copies of the same runs, and add no freedom. */
        size_t most_sets = 1;
        for (size_t c = ch_fit_first_cell(group, p); c < ch_fit_first_cell(group, p + 1); c++) {
            if (is_in_law(group, &group->cells[c])) {
                const size_t num_sets = add_cell(self, &space, group, &group->cells[c], which);
                most_sets = num_sets >= LEAST_SETS && num_sets > most_sets ? num_sets : most_sets;
            }
        }
        freedom += (double)(most_sets - 1);
    }
    self->dof = QN_EFFICIENCY * freedom;
    test_runs(self, &space);
    code = keep_far(self, &space, group, which, law, err);
out:
    space_free(&space);
    return code;
}

void ch_residuals_free(ch_residuals *self)
{
    free(self->runs);
    *self = (ch_residuals){0};
}

/* ---- runs that are left out ---- */

const char *ch_exclusion_name(ch_exclusion exclusion)
{
    static const char *const names[] = {
        [CH_INCLUDED] = "none",
        [CH_EXCLUDED_VERSION] = "older_results_version",
        [CH_EXCLUDED_REPEAT] = "repeat_under_another_budget",
        [CH_EXCLUDED_NO_WINDOW] = "no_window",
        [CH_EXCLUDED_BELOW] = "below_window",
        [CH_EXCLUDED_ABOVE] = "above_window",
        [CH_EXCLUDED_BUDGET] = "budget",
        [CH_EXCLUDED_BUDGET_UNUSED] = "budget_unused",
        [CH_EXCLUDED_BESIDE_BUDGET] = "beside_budget",
        [CH_EXCLUDED_DIVERGED] = "diverged",
        [CH_EXCLUDED_BESIDE_DIVERGED] = "beside_diverged",
        [CH_EXCLUDED_UNUSABLE] = "unusable",
        [CH_EXCLUDED_BESIDE_UNUSABLE] = "beside_unusable",
    };
    return names[exclusion];
}

/* Why a run that fitted is left out: where its T lies, or how another run at its (P, T) ended. */
static ch_exclusion exclusion_of_whole(const ch_fit_group *group, const ch_fit_cell *cell)
{
    if (isnan(group->window_lo)) {
        return CH_EXCLUDED_NO_WINDOW;
    }
    if (!ch_fit_is_in_window(group, cell)) {
        return group->temps[cell->temp] < group->window_lo ? CH_EXCLUDED_BELOW : CH_EXCLUDED_ABOVE;
    }
    if (cell->num_diverged > 0) {
        return CH_EXCLUDED_BESIDE_DIVERGED;
    }
    if (cell->num_unusable > 0) {
        return CH_EXCLUDED_BESIDE_UNUSABLE;
    }
    return cell->num_budget > 0 ? CH_EXCLUDED_BESIDE_BUDGET : CH_INCLUDED;
}

ch_exclusion ch_fit_exclusion_of(const ch_fit_group *group, const ch_fit_cell *cell, const ch_run *run)
{
    if (run->status == CH_DIVERGED) {
        return CH_EXCLUDED_DIVERGED;
    }
    if (run->status == CH_BUDGET) {
        const bool is_bound = ch_fit_is_in_window(group, cell) && cell->num_diverged + cell->num_unusable == 0;
        return is_bound ? CH_EXCLUDED_BUDGET : CH_EXCLUDED_BUDGET_UNUSED;
    }
    return ch_fit_is_whole(run) ? exclusion_of_whole(group, cell) : CH_EXCLUDED_UNUSABLE;
}

void ch_fit_count_excluded(ch_fit_group *group)
{
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        for (size_t i = cell->begin; i < cell->end; i++) {
            group->excluded[ch_fit_exclusion_of(group, cell, group->runs[i])]++;
        }
    }
}
