/* phase.c — makes phase diagrams: finds the groups that belong to one, and fills its cells. */
#include "fit/phase/phase.h"
#include "core/compare.h"
#include "core/memory.h"
#include "fit/phase/phase_private.h"
#include "fit/table/cells.h"
#include "fit/table/data_sets.h"
#include "fit/table/groups.h"
#include "models/loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_ALPHAS = 3, LEAST_TEMPS = 3 };

/* ---- groups that differ in alpha alone ---- */

static int compare_alphas(const void *left, const void *right)
{
    const double a = (*(const ch_fit_group *const *)left)->key.alpha;
    const double b = (*(const ch_fit_group *const *)right)->key.alpha;
    return (a > b) - (a < b);
}

/* Lists the groups that differ from group `first` in nothing but alpha, and `first` itself, by alpha. It lists none
 * where an earlier group belongs to them, since they were listed for that one. Returns their number. */
static size_t gather(const ch_fit *fit, size_t first, const ch_fit_group **members)
{
    size_t count = 0;
    for (size_t g = 0; g < fit->num_groups; g++) {
        if (ch_fit_groups_share_all_but(&fit->groups[first], &fit->groups[g], CH_SETTING_ALPHA)) {
            if (g < first) {
                return 0;
            }
            members[count++] = &fit->groups[g];
        }
    }
    qsort(members, count, sizeof *members, compare_alphas);
    return count;
}

/* The cells of a group at one P: group->cells[begin] … group->cells[end - 1]. */
typedef struct {
    size_t begin, end;
} cell_span;

static cell_span cells_at(const ch_fit_group *group, uint64_t train)
{
    for (size_t p = 0; p < group->num_trains; p++) {
        if (group->trains[p] == train) {
            return (cell_span){ch_fit_first_cell(group, p), ch_fit_first_cell(group, p + 1)};
        }
    }
    return (cell_span){0, 0};
}

/* Whether three alpha or more have three T or more each at this P. */
static bool is_grid(const ch_fit_group *const *members, size_t count, uint64_t train)
{
    size_t wide = 0;
    for (size_t a = 0; a < count; a++) {
        const cell_span span = cells_at(members[a], train);
        wide += span.end - span.begin >= LEAST_TEMPS;
    }
    return wide >= LEAST_ALPHAS;
}

/* The least P above `train` that some group has; 0 where there is none. */
static uint64_t next_train(const ch_fit_group *const *members, size_t count, uint64_t train)
{
    uint64_t next = 0;
    for (size_t a = 0; a < count; a++) {
        for (size_t p = 0; p < members[a]->num_trains; p++) {
            const uint64_t candidate = members[a]->trains[p];
            if (candidate > train && (next == 0 || candidate < next)) {
                next = candidate;
            }
        }
    }
    return next;
}

/* ---- the cells of a diagram ---- */

/* Copies runs, alphas and temps of this P from the groups, and sorts the temps. */
static ch_code list_values(ch_phase *self, const ch_fit_group *const *members, size_t count, uint64_t train,
                           ch_error *err)
{
    size_t num_runs = 0;
    for (size_t a = 0; a < count; a++) {
        num_runs += members[a]->num_runs;
    }
    self->runs = ch_alloc(num_runs, sizeof *self->runs);
    self->temps = ch_alloc(num_runs, sizeof *self->temps);
    self->alphas = ch_alloc(count, sizeof *self->alphas);
    if (self->runs == NULL || self->temps == NULL || self->alphas == NULL) {
        return ch_error_memory(err, "a phase diagram");
    }
    for (size_t a = 0; a < count; a++) {
        const cell_span span = cells_at(members[a], train);
        for (size_t c = span.begin; c < span.end; c++) {
            const ch_fit_cell *cell = &members[a]->cells[c];
            self->temps[self->num_temps++] = members[a]->temps[cell->temp];
            memcpy(self->runs + self->num_runs, members[a]->runs + cell->begin,
                   (cell->end - cell->begin) * sizeof *self->runs);
            self->num_runs += cell->end - cell->begin;
        }
        if (span.end > span.begin) {
            self->alphas[self->num_alphas++] = members[a]->key.alpha;
        }
    }
    qsort(self->temps, self->num_temps, sizeof *self->temps, ch_compare_reals);
    size_t distinct = 0;
    for (size_t i = 0; i < self->num_temps; i++) {
        if (i == 0 || self->temps[i] != self->temps[distinct - 1]) {
            self->temps[distinct++] = self->temps[i];
        }
    }
    self->num_temps = distinct;
    self->key = members[0]->key;
    self->key.train = train;
    return CH_OK;
}

/* Finds whether the runs end by their budgets, and at how many updates or steps. */
static void find_budget(ch_phase *self)
{
    const ch_run *first = NULL;
    bool same_updates = true, same_steps = true;
    for (size_t i = 0; i < self->num_runs; i++) {
        const ch_run *run = self->runs[i];
        self->num_fitted += run->status == CH_FITTED;
        if (run->status == CH_BUDGET) {
            first = first == NULL ? run : first;
            same_updates = same_updates && run->updates == first->updates;
            same_steps = same_steps && run->steps == first->steps;
        }
    }
    self->by_budget = self->num_fitted == 0 || !ch_loss_of((ch_loss_kind)self->key.loss)->reaches_margin;
    if (self->by_budget && first != NULL) {
        self->updates = same_updates ? first->updates : 0;
        self->steps = same_steps ? first->steps : 0;
    }
}

/* Counts the runs of each cell by how they ended, and marks the cells that count. */
static ch_code count_cells(ch_phase *self, const ch_fit_group *const *members, size_t count, ch_error *err)
{
    self->cells = ch_alloc(self->num_alphas * self->num_temps, sizeof *self->cells);
    self->rows = ch_alloc(self->num_alphas, sizeof *self->rows);
    if (self->cells == NULL || self->rows == NULL) {
        return ch_error_memory(err, "a phase diagram");
    }
    size_t row = 0;
    for (size_t a = 0; a < count; a++) {
        const cell_span span = cells_at(members[a], self->key.train);
        for (size_t c = span.begin; c < span.end; c++) {
            const ch_fit_cell *from = &members[a]->cells[c];
            const double *temp = bsearch(&members[a]->temps[from->temp], self->temps, self->num_temps,
                                         sizeof *self->temps, ch_compare_reals);
            ch_phase_cell *cell = &self->cells[row * self->num_temps + (size_t)(temp - self->temps)];
            *cell = (ch_phase_cell){.num_runs = from->end - from->begin,
                                    .num_budget = from->num_budget,
                                    .num_diverged = from->num_diverged};
        }
        row += span.end > span.begin;
    }
    find_budget(self);
    for (size_t c = 0; c < self->num_alphas * self->num_temps; c++) {
        ch_phase_cell *cell = &self->cells[c];
        cell->counts = cell->num_runs > 0 && cell->num_diverged == 0 && (cell->num_budget == 0 || self->by_budget);
    }
    return CH_OK;
}

/* The values of a run: test error, and the logarithms of the relative variations and of the training loss. */
static void values_of(const ch_phase *self, const ch_run *run, double values[CH_NUM_PHASE])
{
    const bool has_loss = (self->updates > 0 || self->steps > 0) && run->status != CH_FITTED;
    values[CH_PHASE_TEST_ERROR] = run->final.test_error;
    values[CH_PHASE_WEIGHT_CHANGE] = log(run->final.weight_change_rel);
    values[CH_PHASE_KERNEL_CHANGE] = log(run->final.kernel_change);
    values[CH_PHASE_TRAIN_LOSS] = has_loss ? log(run->settings.alpha * run->final.train_loss) : NAN;
}

/* Averages the runs of each data set in every cell. The runs stand in the order of the cells. */
static void average_sets(const ch_phase *self, const uint32_t *data_set, ch_phase_sets *sets)
{
    size_t run = 0;
    for (size_t c = 0; c < sets->num_cells; c++) {
        const size_t end = run + self->cells[c].num_runs;
        for (size_t q = 0; q < CH_NUM_PHASE_SETS * sets->num_sets; q++) {
            sets->values[c * CH_NUM_PHASE_SETS * sets->num_sets + q] = NAN;
        }
        while (run < end) {
            double sums[CH_NUM_PHASE] = {0}, counts[CH_NUM_PHASE] = {0}, num_diverged = 0;
            const uint32_t set = data_set[run];
            const size_t first = run;
            for (; run < end && data_set[run] == set; run++) {
                double values[CH_NUM_PHASE];
                num_diverged += self->runs[run]->status == CH_DIVERGED;
                values_of(self, self->runs[run], values);
                for (size_t q = 0; q < CH_NUM_PHASE; q++) {
                    const bool usable = isfinite(values[q]) && self->cells[c].num_diverged == 0;
                    sums[q] += usable ? values[q] : 0;
                    counts[q] += usable;
                }
            }
            for (size_t q = 0; q < CH_NUM_PHASE; q++) {
                *ch_phase_sets_at(sets, c, q, set) = sums[q] / counts[q]; /* NaN where no run has a value */
            }
            *ch_phase_sets_at(sets, c, CH_PHASE_DIVERGED, set) = num_diverged / (double)(run - first);
        }
    }
}

/* Sets the values of each cell to the means over its data sets. */
static void average_cells(ch_phase *self, const ch_phase_sets *sets)
{
    for (size_t c = 0; c < sets->num_cells; c++) {
        for (size_t q = 0; q < CH_NUM_PHASE; q++) {
            const double mean = ch_phase_sets_mean(sets, c, q, NULL);
            self->cells[c].values[q] = q == CH_PHASE_TEST_ERROR ? mean : exp(mean);
            self->measured[q] = self->measured[q] || isfinite(mean);
        }
        self->cells[c].diverged = ch_phase_sets_mean(sets, c, CH_PHASE_DIVERGED, NULL);
    }
}

/* Averages over the runs of a data set, then over data sets.
 * @param sets  out: the values of each data set; sets->values is to be freed by the caller, also after an error */
static ch_code average(ch_phase *self, ch_phase_sets *sets, ch_error *err)
{
    ch_code code = CH_OK;
    uint32_t *data_set = ch_alloc(self->num_runs, sizeof *data_set);
    if (data_set == NULL) {
        return ch_error_memory(err, "a phase diagram");
    }
    code = ch_data_sets_index_runs(self->runs, self->num_runs, data_set, &self->num_data_sets, err);
    if (code != CH_OK) {
        goto out;
    }
    sets->num_cells = self->num_alphas * self->num_temps;
    sets->num_sets = self->num_data_sets;
    sets->values = ch_alloc(sets->num_cells * CH_NUM_PHASE_SETS * sets->num_sets, sizeof *sets->values);
    if (sets->values == NULL) {
        code = ch_error_memory(err, "a phase diagram");
        goto out;
    }
    average_sets(self, data_set, sets);
    average_cells(self, sets);
out:
    free(data_set);
    return code;
}

/* ---- all diagrams ---- */

static void phase_free(ch_phase *self)
{
    free(self->runs);
    free(self->alphas);
    free(self->temps);
    free(self->cells);
    free(self->rows);
    *self = (ch_phase){0};
}

/* One diagram among those of a fit: the groups that it is made of, by alpha, and its P. */
typedef struct {
    const ch_fit_group *const *members;
    size_t count;
    uint64_t train;
} phase_place;

static ch_code phase_init(ch_phase *self, const phase_place *place, const ch_fit_options *options,
                          ch_bootstrap_progress *progress, ch_error *err)
{
    ch_phase_sets sets = {0};
    *self = (ch_phase){.threshold = options->threshold};
    ch_code code = list_values(self, place->members, place->count, place->train, err);
    if (code != CH_OK) {
        goto out;
    }
    code = count_cells(self, place->members, place->count, err);
    if (code != CH_OK) {
        goto out;
    }
    code = average(self, &sets, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_phase_fit(self, &sets, options, progress, err);
out:
    free(sets.values);
    return code;
}

static ch_code append(ch_phase_list *self, const phase_place *place, const ch_fit_options *options,
                      ch_bootstrap_progress *progress, ch_error *err)
{
    void *items = self->items;
    if (ch_grow(&items, &self->capacity, self->count + 1, sizeof *self->items) != 0) {
        return ch_error_memory(err, "the phase diagrams of a fit");
    }
    self->items = items;
    return phase_init(&self->items[self->count++], place, options, progress, err);
}

/* Walks through all diagrams of a fit. Where `list` is NULL their replicas are counted in progress->total, and else the
 * diagrams are made and appended.
 * @param members  [num_groups] working space */
static ch_code walk(const ch_fit *fit, const ch_fit_group **members, ch_phase_list *list,
                    ch_bootstrap_progress *progress, ch_error *err)
{
    for (size_t g = 0; g < fit->num_groups; g++) {
        phase_place place = {members, gather(fit, g, members), 0};
        while ((place.train = next_train(members, place.count, place.train)) > 0) {
            if (!is_grid(members, place.count, place.train)) {
                continue;
            }
            if (list == NULL) {
                progress->total += fit->options.replicas;
                continue;
            }
            const ch_code code = append(list, &place, &fit->options, progress, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

ch_code ch_phase_list_init(ch_phase_list *self, const ch_fit *fit, ch_error *err)
{
    ch_bootstrap_progress progress = {.watch = fit->options.watch};
    ch_code code = CH_OK;
    *self = (ch_phase_list){0};
    const ch_fit_group **members = ch_alloc(fit->num_groups, sizeof *members);
    if (members == NULL) {
        return ch_error_memory(err, "the phase diagrams of a fit");
    }
    code = walk(fit, members, NULL, &progress, err);
    if (code != CH_OK) {
        goto out;
    }
    code = walk(fit, members, self, &progress, err);
out:
    free(members);
    return code;
}

void ch_phase_list_free(ch_phase_list *self)
{
    for (size_t i = 0; i < self->count; i++) {
        phase_free(&self->items[i]);
    }
    free(self->items);
    *self = (ch_phase_list){0};
}
