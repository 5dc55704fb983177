/* cells.c — a group's runs by (P, T), and which of these cells may be fitted. */
#include "fit/table/cells.h"
#include "core/compare.h"
#include "core/memory.h"
#include "core/memstream.h"
#include "core/text.h"
#include "fit/table/data_sets.h"
#include "fit/table/notes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_orders(const int *orders, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return 0;
}

/* Orders by (train, temp, seed_data) and the other seeds that were used. Runs of a group that are equal in these are
 * one run under different budgets, recorded differently, or with a T that was rounded differently. */
static int compare_identities(const ch_run *left, const ch_run *right)
{
    const ch_settings *a = &left->settings;
    const ch_settings *b = &right->settings;
    const int orders[] = {COMPARE(a->train, b->train), COMPARE(a->temp, b->temp), COMPARE(a->seed_data, b->seed_data),
                          COMPARE(a->seed_init, b->seed_init), COMPARE(a->seed_batch, b->seed_batch)};
    return compare_orders(orders, sizeof orders / sizeof *orders);
}

/* Orders by whether results have the law of present ones, these first; then by identity; of equal ones the run of the
 * newest results version is first, and of these the run that got furthest. */
static int compare_runs(const void *left, const void *right)
{
    const ch_run *a = *(const ch_run *const *)left;
    const ch_run *b = *(const ch_run *const *)right;
    const int orders[] = {COMPARE(ch_run_has_present_law(b), ch_run_has_present_law(a)), compare_identities(a, b),
                          COMPARE(ch_run_age(a), ch_run_age(b)),
                          COMPARE(a->status == CH_BUDGET, b->status == CH_BUDGET), COMPARE(b->steps, a->steps)};
    return compare_orders(orders, sizeof orders / sizeof *orders);
}

/* Whether the runs have the order of compare_runs already, as those of most tables have. */
static bool is_sorted(const ch_fit_group *group)
{
    bool sorted = true;
    for (size_t i = 1; i < group->num_runs && sorted; i++) {
        sorted = compare_runs(&group->runs[i - 1], &group->runs[i]) <= 0;
    }
    return sorted;
}

/* Sorts the group's runs and keeps those that count. Results of another law do not count beside those of the present
 * one, as both are not comparable. Of runs that differ only in budgets, `record` and the results version the newest
 * counts, and of these the one that got furthest. */
static ch_code keep_runs(ch_fit_group *group, ch_error *err)
{
    const size_t num_runs = group->num_runs;
    if (!is_sorted(group)) {
        qsort(group->runs, num_runs, sizeof *group->runs, compare_runs);
    }
    size_t current = 0, kept = 0;
    const bool is_present = num_runs > 0 && ch_run_has_present_law(group->runs[0]);
    while (current < num_runs && ch_run_has_present_law(group->runs[current]) == is_present) {
        const ch_run *run = group->runs[current++];
        if (kept == 0 || compare_identities(group->runs[kept - 1], run) != 0) {
            group->runs[kept++] = run;
        }
    }
    group->num_runs = kept;
    group->excluded[CH_EXCLUDED_VERSION] = num_runs - current;
    group->excluded[CH_EXCLUDED_REPEAT] = current - kept;
    if (current < num_runs) {
        const ch_code code =
            ch_fit_note(group, err, "%zu runs of older results versions are left out: sweep again to renew them",
                        num_runs - current);
        if (code != CH_OK) {
            return code;
        }
    }
    if (kept == current) {
        return CH_OK;
    }
    return ch_fit_note(group, err,
                       "%zu runs are left out, as they repeat other runs under other budgets, with a T that differs "
                       "by rounding, or by an older program, and got no further",
                       current - kept);
}

/* Notes that the data sets share images, and what that does to errors. */
static ch_code note_overlap(ch_fit_group *group, size_t num_seeds, ch_error *err)
{
    const ch_run *run = NULL;
    const double part = ch_data_sets_overlap(group->runs, group->num_runs, &run);
    if (num_seeds < 2 || part <= CH_DATA_SETS_SAID_OVERLAP) {
        return CH_OK;
    }
    const uint64_t train = run->settings.train, pool = run->settings.data_pool;
    const char *samples = run->settings.data == CH_LAW_FILE ? "samples" : "images";
    if (part <= CH_DATA_SETS_MOST_OVERLAP) {
        return ch_fit_note(group, err,
                           "two data sets share up to %.0f %% of their %s, P = %s of the %s at hand: for other "
                           "%s errors are up to %.2g times as large",
                           100 * part, samples, ch_show_count(train).text, ch_show_count(pool).text, samples,
                           sqrt((1 + (double)(num_seeds - 1) * part) / (1 - part)));
    }
    return ch_fit_note(group, err,
                       "%zu data sets count as one and give no errors: at P = %s two of them share %.0f %% of their "
                       "%s, as there are %s, and over %.0f %% they are not independent; smaller P alone: --where "
                       "\"train <= %.0f\"",
                       num_seeds, ch_show_count(train).text, 100 * part, samples, ch_show_count(pool).text,
                       100 * CH_DATA_SETS_MOST_OVERLAP, floor(CH_DATA_SETS_MOST_OVERLAP * (double)pool));
}

/* Fills the data sets of the runs, and their number. */
static ch_code count_data_sets(ch_fit_group *group, ch_error *err)
{
    size_t num_seeds = 0;
    ch_code code = CH_OK;
    uint64_t *seeds = ch_alloc(group->num_runs, sizeof *seeds);
    group->data_set = ch_alloc(group->num_runs, sizeof *group->data_set);
    if (group->data_set == NULL || seeds == NULL) {
        code = ch_error_memory(err, "the cells of a group");
        goto out;
    }
    for (size_t i = 0; i < group->num_runs; i++) {
        seeds[i] = group->runs[i]->settings.seed_data;
    }
    code = ch_data_sets_index(seeds, group->num_runs, group->data_set, &num_seeds, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_data_sets_index_runs(group->runs, group->num_runs, group->data_set, &group->num_data_sets, err);
    if (code != CH_OK) {
        goto out;
    }
    code = note_overlap(group, num_seeds, err);
out:
    free(seeds);
    return code;
}

/* Counts how often the runs, which are sorted by train, come to a new P, and to another T than the run before. */
static void count_changes(const ch_fit_group *group, size_t *num_trains, size_t *num_temps)
{
    *num_trains = *num_temps = 0;
    for (size_t i = 0; i < group->num_runs; i++) {
        const ch_settings *settings = &group->runs[i]->settings;
        const ch_settings *before = i > 0 ? &group->runs[i - 1]->settings : NULL;
        *num_trains += before == NULL || settings->train != before->train;
        *num_temps += before == NULL || settings->temp != before->temp;
    }
}

/* Fills trains, temps and the number of data sets. The runs are sorted by train. */
static ch_code list_values(ch_fit_group *group, ch_error *err)
{
    size_t num_trains = 0, num_temps = 0; /* T are repeated where the runs come back to a temperature */
    count_changes(group, &num_trains, &num_temps);
    group->trains = ch_alloc(num_trains, sizeof *group->trains);
    group->temps = ch_alloc(num_temps, sizeof *group->temps);
    if (group->trains == NULL || group->temps == NULL) {
        return ch_error_memory(err, "the cells of a group");
    }
    num_temps = 0;
    for (size_t i = 0; i < group->num_runs; i++) {
        const ch_settings *settings = &group->runs[i]->settings;
        if (i == 0 || settings->temp != group->temps[num_temps - 1]) {
            group->temps[num_temps++] = settings->temp;
        }
        if (i == 0 || settings->train != group->trains[group->num_trains - 1]) {
            group->trains[group->num_trains++] = settings->train;
        }
    }
    qsort(group->temps, num_temps, sizeof *group->temps, ch_compare_reals);
    for (size_t i = 0; i < num_temps; i++) {
        if (i == 0 || group->temps[i] != group->temps[group->num_temps - 1]) {
            group->temps[group->num_temps++] = group->temps[i];
        }
    }
    return count_data_sets(group, err);
}

static bool is_positive(double x)
{
    return isfinite(x) && x > 0;
}

bool ch_fit_is_whole(const ch_run *run)
{
    return run->status == CH_FITTED && is_positive(run->final.weight_change) && is_positive(run->time);
}

/* Starts a cell at run `begin`, which is the first of its (P, T). */
static ch_fit_cell start_cell(const ch_fit_group *group, const ch_fit_cell *before, size_t begin)
{
    const ch_settings *settings = &group->runs[begin]->settings;
    const double *temp =
        bsearch(&settings->temp, group->temps, group->num_temps, sizeof *group->temps, ch_compare_reals);
    size_t train = before == NULL ? 0 : before->train;
    train += settings->train != group->trains[train];
    return (ch_fit_cell){.train = train, .temp = (size_t)(temp - group->temps), .begin = begin};
}

/* Counts the runs by how they ended, and averages the cell if every run fitted. */
static void finish_cell(const ch_fit_group *group, ch_fit_cell *cell)
{
    double log_weight_change = 0, log_time = 0, log_relative = 0;
    for (size_t i = cell->begin; i < cell->end; i++) {
        const ch_run *run = group->runs[i];
        if (run->status == CH_BUDGET) {
            cell->num_budget++;
        } else if (run->status == CH_DIVERGED) {
            cell->num_diverged++;
        } else if (!ch_fit_is_whole(run)) {
            cell->num_unusable++;
        } else {
            log_weight_change += log(run->final.weight_change);
            log_time += log(run->time);
            log_relative += log(run->final.weight_change_rel);
        }
    }
    const double count = (double)(cell->end - cell->begin);
    cell->complete = cell->num_budget + cell->num_diverged + cell->num_unusable == 0;
    cell->log_weight_change = cell->complete ? log_weight_change / count : NAN;
    cell->log_time = cell->complete ? log_time / count : NAN;
    cell->log_relative = cell->complete ? log_relative / count : NAN;
}

static ch_code list_cells(ch_fit_group *group, ch_error *err)
{
    size_t capacity = 0;
    for (size_t i = 0; i < group->num_runs; i++) {
        ch_fit_cell *last = group->num_cells > 0 ? &group->cells[group->num_cells - 1] : NULL;
        const ch_settings *settings = &group->runs[i]->settings;
        if (last == NULL || settings->train != group->trains[last->train] ||
            settings->temp != group->temps[last->temp]) {
            const ch_fit_cell cell = start_cell(group, last, i);
            if (ch_grow((void **)&group->cells, &capacity, group->num_cells + 1, sizeof *group->cells) != 0) {
                return ch_error_memory(err, "the cells of a group");
            }
            last = &group->cells[group->num_cells++];
            *last = cell;
        }
        last->end = i + 1;
    }
    for (size_t c = 0; c < group->num_cells; c++) {
        finish_cell(group, &group->cells[c]);
    }
    return CH_OK;
}

/* The endings that keep a cell out of fits, with what a note says of them. */
enum { BY_BUDGET, BY_DIVERGENCE, UNUSABLE, NUM_ENDINGS };

static const char *const endings[NUM_ENDINGS] = {
    [BY_BUDGET] = ("a budget ended runs before they fitted, so that these T enter the law of t* alone, with these runs "
                   "as lower bounds"),
    [BY_DIVERGENCE] = "runs diverged, so that these T are left out of every fit",
    [UNUSABLE] = "runs are stuck or have no ‖Δw‖ or t* above 0, so that these T are left out of every fit",
};

static size_t count_ending(const ch_fit_cell *cell, size_t ending)
{
    const size_t counts[NUM_ENDINGS] = {cell->num_budget, cell->num_diverged, cell->num_unusable};
    return counts[ending];
}

/* Notes in one sentence the cells of a P that have runs of one bad ending: each T, with how many of how many runs. */
static ch_code note_left_out(ch_fit_group *group, size_t train, size_t ending, ch_error *err)
{
    char *list = NULL;
    size_t size = 0, named = 0;
    FILE *stream = ch_memstream_open(&list, &size);
    if (stream == NULL) {
        return ch_error_memory(err, "a note on a fit");
    }
    const size_t end = ch_fit_first_cell(group, train + 1);
    for (size_t c = ch_fit_first_cell(group, train); c < end; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const size_t bad = count_ending(cell, ending);
        if (bad > 0) {
            char temp[32];
            ch_power_format(group->temps[cell->temp], temp, sizeof temp);
            fprintf(stream, "%s%s (%zu of %zu runs)", named > 0 ? ", " : "", temp, bad, cell->end - cell->begin);
            named++;
        }
    }
    ch_code code = CH_OK;
    if (!ch_memstream_close(stream, &list)) {
        code = ch_error_memory(err, "a note on a fit");
    } else if (named > 0) {
        code = ch_fit_note_detail(group, err, "P = %s: %s: T = %s", ch_show_count(group->trains[train]).text,
                                  endings[ending], list);
    }
    free(list);
    return code;
}

ch_code ch_fit_make_cells(ch_fit_group *group, ch_error *err)
{
    ch_code code = keep_runs(group, err);
    if (code != CH_OK) {
        return code;
    }
    code = list_values(group, err);
    if (code != CH_OK) {
        return code;
    }
    code = list_cells(group, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < NUM_ENDINGS * group->num_trains; i++) {
        code = note_left_out(group, i / NUM_ENDINGS, i % NUM_ENDINGS, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* ---- asking ---- */

size_t ch_fit_first_cell(const ch_fit_group *group, size_t train)
{
    size_t lo = 0, hi = group->num_cells;
    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if (group->cells[middle].train < train) {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    return lo;
}

size_t ch_fit_find_train(const ch_fit_group *group, uint64_t train)
{
    size_t p = 0;
    while (group->trains[p] != train) {
        p++;
    }
    return p;
}

size_t ch_fit_count_complete(const ch_fit_group *group, size_t train)
{
    const size_t end = ch_fit_first_cell(group, train + 1);
    size_t count = 0;
    for (size_t c = ch_fit_first_cell(group, train); c < end; c++) {
        count += group->cells[c].complete;
    }
    return count;
}

bool ch_fit_is_in_window(const ch_fit_group *group, const ch_fit_cell *cell)
{
    const double temp = group->temps[cell->temp];
    return temp >= group->window_lo && temp <= group->window_hi; /* false for NaN */
}

/* ---- means ---- */

void ch_fit_logs_of(const ch_run *run, double logs[CH_NUM_LOGS])
{
    logs[CH_LOG_WEIGHT_CHANGE] = log(run->final.weight_change);
    logs[CH_LOG_TIME] = log(run->time);
    logs[CH_LOG_RELATIVE] = log(run->final.weight_change_rel);
}

void ch_fit_cell_means(const ch_fit_group *group, ch_cell_mean *means)
{
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        means[c] = (ch_cell_mean){0};
        if (cell->complete) {
            means[c].weight = (double)(cell->end - cell->begin);
            means[c].log[CH_LOG_WEIGHT_CHANGE] = cell->log_weight_change;
            means[c].log[CH_LOG_TIME] = cell->log_time;
            means[c].log[CH_LOG_RELATIVE] = cell->log_relative;
        }
        for (size_t i = cell->begin; i < cell->end && cell->complete; i++) {
            double logs[CH_NUM_LOGS];
            ch_fit_logs_of(group->runs[i], logs);
            for (size_t k = 0; k < CH_NUM_LOGS; k++) {
                means[c].square[k] += logs[k] * logs[k] / means[c].weight;
            }
        }
    }
}
