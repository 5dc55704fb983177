/* lazy.c — compares a network with its linearised twin: pairs of runs, mean ratios, and the T at which a ratio
 * leaves 1. */
#include "fit/twins/lazy.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "fit/table/data_sets.h"
#include "fit/table/groups.h"

#include <math.h>
#include <stdlib.h>

/* ---- groups that differ in `linear` alone ---- */

static bool is_twin_of(const ch_fit_group *twin, const ch_fit_group *network)
{
    return network->key.linear == CH_LINEAR_NO && twin->key.linear == CH_LINEAR_YES &&
           ch_fit_groups_share_all_but(network, twin, CH_SETTING_LINEAR);
}

/* ---- pairs, and the cells that they are in ---- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* Compares by (train, temp), which the order of a group's runs begins with. */
static int compare_cells(const ch_settings *a, const ch_settings *b)
{
    const int order = COMPARE(a->train, b->train);
    return order != 0 ? order : COMPARE(a->temp, b->temp);
}

/* Compares by (train, temp, seeds), the order of a group's runs. No two runs of a group are equal in it. */
static int compare_runs(const ch_run *left, const ch_run *right)
{
    const ch_settings *a = &left->settings, *b = &right->settings;
    const int orders[] = {compare_cells(a, b), COMPARE(a->seed_data, b->seed_data), COMPARE(a->seed_init, b->seed_init),
                          COMPARE(a->seed_batch, b->seed_batch)};
    int order = 0;
    for (size_t i = 0; i < sizeof orders / sizeof *orders && order == 0; i++) {
        order = orders[i];
    }
    return order;
}

/* The cell of a run. It is the last cell, or a new one where the run has another P or T. */
static ch_lazy_cell *cell_of(ch_lazy *self, const ch_run *run)
{
    const ch_lazy_cell *last = self->num_cells > 0 ? &self->cells[self->num_cells - 1] : NULL;
    if (last == NULL || last->train != run->settings.train || last->temp != run->settings.temp) {
        self->cells[self->num_cells++] = (ch_lazy_cell){
            .train = run->settings.train, .temp = run->settings.temp, .begin = self->num_pairs, .end = self->num_pairs};
    }
    return &self->cells[self->num_cells - 1];
}

/* Makes pairs of the runs. It walks through the runs of both groups side by side, since they have one order. */
static void match_runs(ch_lazy *self, const ch_fit_group *network, const ch_fit_group *twin)
{
    for (size_t i = 0, j = 0; i < network->num_runs || j < twin->num_runs;) {
        const int order = i == network->num_runs ? 1
                          : j == twin->num_runs  ? -1
                                                 : compare_runs(network->runs[i], twin->runs[j]);
        const ch_run *a = order <= 0 ? network->runs[i++] : NULL, *b = order >= 0 ? twin->runs[j++] : NULL;
        ch_lazy_cell *cell = cell_of(self, a != NULL ? a : b);
        if (a == NULL || b == NULL) {
            cell->num_single++;
        } else if (a->status != CH_FITTED || b->status != CH_FITTED) {
            cell->num_lost++;
        } else {
            self->pairs[self->num_pairs++] = (ch_lazy_pair){a, b, 0};
        }
        cell->end = self->num_pairs;
    }
}

/* Removes the cells in which only one of the two groups has runs: there is nothing to compare. */
static void drop_single_cells(ch_lazy *self)
{
    size_t count = 0;
    for (size_t c = 0; c < self->num_cells; c++) {
        if (self->cells[c].end - self->cells[c].begin + self->cells[c].num_lost > 0) {
            self->cells[count++] = self->cells[c];
        }
    }
    self->num_cells = count;
}

/* Numbers the data sets of the pairs. */
static ch_code index_data_sets(ch_lazy *self, ch_error *err)
{
    ch_code code = CH_OK;
    const ch_run **runs = ch_alloc(self->num_pairs, sizeof *runs);
    uint32_t *data_set = ch_alloc(self->num_pairs, sizeof *data_set);
    if (runs == NULL || data_set == NULL) {
        code = ch_error_memory(err, "a network beside its twin");
        goto out;
    }
    for (size_t i = 0; i < self->num_pairs; i++) {
        runs[i] = self->pairs[i].network;
    }
    code = ch_data_sets_index_runs(runs, self->num_pairs, data_set, &self->num_data_sets, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < self->num_pairs; i++) {
        self->pairs[i].data_set = data_set[i];
    }
out:
    free(runs);
    free(data_set);
    return code;
}

/* ---- means over data sets ---- */

/* Means are taken of the quantities of a ch_lazy_cell, and of one more: ln(||Dw||/||w0||) of the network. */
enum { RELATIVE = CH_NUM_LAZY };

static double value_of(const ch_lazy_pair *pair, size_t quantity)
{
    const ch_observation *network = &pair->network->final, *twin = &pair->twin->final;
    switch (quantity) {
    case CH_LAZY_WEIGHT_CHANGE:
        return log(network->weight_change / twin->weight_change);
    case CH_LAZY_TIME:
        return log(pair->network->time / pair->twin->time);
    case CH_LAZY_TEST_ERROR:
        return network->test_error - twin->test_error;
    default:
        return log(network->weight_change_rel);
    }
}

/* Sum and number of the values of one data set. */
typedef struct {
    double sum, count;
} set_sum;

static void add_pairs(const ch_lazy *self, const ch_lazy_cell *cell, size_t quantity, set_sum *sets)
{
    for (size_t i = cell->begin; i < cell->end; i++) {
        const double value = value_of(&self->pairs[i], quantity);
        if (isfinite(value)) {
            sets[self->pairs[i].data_set].sum += value;
            sets[self->pairs[i].data_set].count++;
        }
    }
}

/* Returns the mean over data sets of their means, with its standard error. Clears `sets` for the next quantity. */
static ch_lazy_mean take_mean(const ch_lazy *self, set_sum *sets)
{
    ch_moments means = {0};
    for (size_t s = 0; s < self->num_data_sets; s++) {
        if (sets[s].count > 0) {
            ch_moments_add(&means, sets[s].sum / sets[s].count);
        }
        sets[s] = (set_sum){0, 0};
    }
    return (ch_lazy_mean){means.count > 0 ? means.mean : NAN, ch_moments_error(&means)};
}

static void average_cell(const ch_lazy *self, ch_lazy_cell *cell, set_sum *sets)
{
    for (size_t q = 0; q < CH_NUM_LAZY; q++) {
        add_pairs(self, cell, q, sets);
        cell->means[q] = take_mean(self, sets);
    }
    add_pairs(self, cell, RELATIVE, sets);
    cell->relative = exp(take_mean(self, sets).mean);
    cell->counts = cell->num_lost == 0 && isfinite(cell->means[CH_LAZY_WEIGHT_CHANGE].stderr_);
}

/* ---- the end of the lazy regime ---- */

/* 1 where a ratio lies above 1 by more than the tolerance and its errors, -1 where it lies so far below 1, else 0. */
static int side_of(const ch_lazy_mean *mean)
{
    const double size = fabs(mean->mean);
    const bool beyond = size > log1p(CH_LAZY_TOLERANCE) && size > CH_LAZY_SIGMAS * mean->stderr_;
    return !beyond ? 0 : mean->mean > 0 ? 1 : -1;
}

/* The first cell of a row from `cell` on that counts; the row's end where there is none. */
static size_t next_that_counts(const ch_lazy *self, const ch_lazy_row *row, size_t cell)
{
    while (cell < row->end && !self->cells[cell].counts) {
        cell++;
    }
    return cell;
}

/* The mean over the pairs of the row's cells before `end`, of those cells that count. */
static ch_lazy_mean agreement(const ch_lazy *self, const ch_lazy_row *row, size_t end, size_t quantity, set_sum *sets)
{
    for (size_t c = row->begin; c < end; c++) {
        if (self->cells[c].counts) {
            add_pairs(self, &self->cells[c], quantity, sets);
        }
    }
    return take_mean(self, sets);
}

/* The cell at which the quantity leaves that of the twin; the row's end where it never does. */
static size_t find_end(const ch_lazy *self, const ch_lazy_row *row, ch_lazy_quantity quantity)
{
    for (size_t c = next_that_counts(self, row, row->begin), next; c < row->end; c = next) {
        next = next_that_counts(self, row, c + 1);
        const int side = side_of(&self->cells[c].means[quantity]);
        if (side != 0 && (next == row->end || side_of(&self->cells[next].means[quantity]) == side)) {
            return c;
        }
    }
    return row->end;
}

/* Finds where lazy training ends by one quantity, and how far the two agree below that end. */
static void end_row(const ch_lazy *self, ch_lazy_row *row, ch_lazy_quantity quantity, set_sum *sets)
{
    ch_lazy_end *at = &row->ends[quantity];
    const size_t first = next_that_counts(self, row, row->begin), end = find_end(self, row, quantity);
    size_t shown = end;
    for (size_t c = first; end == row->end && c < row->end; c = next_that_counts(self, row, c + 1)) {
        shown = c; /* the last cell that counts gives a bound */
    }
    *at = (ch_lazy_end){CH_TC_NONE, NAN, NAN, {NAN, NAN}};
    if (shown < row->end) {
        at->place = end == row->end ? CH_TC_ABOVE : end == first ? CH_TC_BELOW : CH_TC_INSIDE;
        at->temp = self->cells[shown].temp;
        at->relative = self->cells[shown].relative;
        at->agreement = agreement(self, row, end, quantity, sets);
    }
    if (quantity == CH_LAZY_WEIGHT_CHANGE) {
        row->error_agreement = agreement(self, row, end, CH_LAZY_TEST_ERROR, sets);
    }
}

/* The least T at which a run of the network diverged at this P; NaN where none did. The runs are ordered by T. */
static double least_diverged(const ch_fit_group *network, uint64_t train)
{
    for (size_t i = 0; i < network->num_runs; i++) {
        if (network->runs[i]->settings.train == train && network->runs[i]->status == CH_DIVERGED) {
            return network->runs[i]->settings.temp;
        }
    }
    return NAN;
}

static void make_rows(ch_lazy *self, const ch_fit_group *network, set_sum *sets)
{
    for (size_t begin = 0, end; begin < self->num_cells; begin = end) {
        for (end = begin + 1; end < self->num_cells && self->cells[end].train == self->cells[begin].train; end++) {
        }
        ch_lazy_row *row = &self->rows[self->num_rows++];
        *row = (ch_lazy_row){.train = self->cells[begin].train, .begin = begin, .end = end};
        end_row(self, row, CH_LAZY_WEIGHT_CHANGE, sets);
        end_row(self, row, CH_LAZY_TIME, sets);
        row->diverges = least_diverged(network, row->train);
    }
}

/* ---- all comparisons ---- */

static void lazy_free(ch_lazy *self)
{
    free(self->pairs);
    free(self->cells);
    free(self->rows);
    *self = (ch_lazy){0};
}

static ch_code lazy_init(ch_lazy *self, const ch_fit *fit, size_t network, size_t twin, ch_error *err)
{
    ch_code code = CH_OK;
    const ch_fit_group *a = &fit->groups[network], *b = &fit->groups[twin];
    set_sum *sets = ch_alloc(a->num_runs, sizeof *sets);
    *self = (ch_lazy){.network = network,
                      .twin = twin,
                      .pairs = ch_alloc(a->num_runs, sizeof *self->pairs),
                      .cells = ch_alloc(a->num_runs + b->num_runs, sizeof *self->cells),
                      .rows = ch_alloc(a->num_runs, sizeof *self->rows)};
    if (sets == NULL || self->pairs == NULL || self->cells == NULL || self->rows == NULL) {
        code = ch_error_memory(err, "the comparison of a network with its twin");
        goto out;
    }
    match_runs(self, a, b);
    drop_single_cells(self);
    code = index_data_sets(self, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t c = 0; c < self->num_cells; c++) {
        average_cell(self, &self->cells[c], sets);
    }
    make_rows(self, a, sets);
out:
    free(sets);
    return code;
}

/* Appends the comparison of two groups, unless they have no pair of fitted runs. */
static ch_code append(ch_lazy_list *self, const ch_fit *fit, size_t network, size_t twin, ch_error *err)
{
    void *items = self->items;
    if (ch_grow(&items, &self->capacity, self->count + 1, sizeof *self->items) != 0) {
        return ch_error_memory(err, "the comparisons of networks with their twins");
    }
    self->items = items;
    ch_lazy *item = &self->items[self->count];
    const ch_code code = lazy_init(item, fit, network, twin, err);
    if (code != CH_OK || item->num_pairs == 0) {
        lazy_free(item);
        return code;
    }
    self->count++;
    return CH_OK;
}

ch_code ch_lazy_list_init(ch_lazy_list *self, const ch_fit *fit, ch_error *err)
{
    *self = (ch_lazy_list){0};
    for (size_t g = 0; g < fit->num_groups; g++) {
        for (size_t h = 0; h < fit->num_groups; h++) {
            if (!is_twin_of(&fit->groups[h], &fit->groups[g])) {
                continue;
            }
            const ch_code code = append(self, fit, g, h, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

void ch_lazy_list_free(ch_lazy_list *self)
{
    for (size_t i = 0; i < self->count; i++) {
        lazy_free(&self->items[i]);
    }
    free(self->items);
    *self = (ch_lazy_list){0};
}
