/* window.c — the temperatures at which the power laws hold. The rule stands in fit.h. */
#include "fit/laws/window.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "core/text.h"
#include "fit/laws/onset.h"
#include "fit/table/notes.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The limits of the crossover's correction, which are tried one after the other, and how many T each of them must
 * leave in the window.
 *
 * A strict limit costs little precision, because the errors come from the differences between data sets, and more T on
 * the same data sets reduce these little. This was measured at chi = 0, 1 and 3 with d = 16, P = 2^7 … 2^11, 20 T from
 * 2^-18 to 2, and 8 data sets. With a limit of 1 % the window has 8 or 9 of the 20 T; with 0.1 % it has 4 to 6. The
 * larger window changes gamma and b by at most an eighth of their errors, and reduces these errors by at most an
 * eighth. It halves the error of delta at chi = 0 and 1. At chi = 3, where delta has its smallest error, the
 * correction shifts delta by -0.0015, which is more than that error: delta is 0.9976 ± 0.0011 with 1 %, and 0.9993 ±
 * 0.0005 with 0.1 % (0.993 ± 0.002 with 5 %). */
static const struct {
    double tolerance;
    size_t least_temps;
} stages[] = {{0.001, 3}, {0.01, 2}, {0.05, 1}};

/* The onsets and plateaus that were found at the P of a group. */
typedef struct {
    double *sharpness, *power; /* [num_onsets] m and m delta of the P where an onset was seen; owned */
    size_t num_onsets;
    double log_onset;   /* largest ln T_c of these onsets */
    double plateau_top; /* largest T of the P at which all T lie on the plateau; -inf where there is no such P */
    size_t num_short;   /* number of P that have too few T to find an onset */
} onsets;

static double top_temp(const ch_fit_group *group, size_t train)
{
    double top = -INFINITY;
    const size_t end = ch_fit_first_cell(group, train + 1);
    for (size_t c = ch_fit_first_cell(group, train); c < end; c++) {
        if (group->cells[c].complete) {
            top = group->temps[group->cells[c].temp];
        }
    }
    return top;
}

/* Slope of ln ||Dw|| over ln T from the first to the last complete cell of a P, which has two or more. */
static double end_to_end_slope(const ch_fit_group *group, size_t train)
{
    const ch_fit_cell *first = NULL, *last = NULL;
    const size_t end = ch_fit_first_cell(group, train + 1);
    for (size_t c = ch_fit_first_cell(group, train); c < end; c++) {
        if (group->cells[c].complete) {
            last = &group->cells[c];
            first = first == NULL ? last : first;
        }
    }
    return (last->log_weight_change - first->log_weight_change) /
           log(group->temps[last->temp] / group->temps[first->temp]);
}

/* Looks for the onset at one P. Adds the onset, or the largest T where all T of the P lie on the plateau. */
static ch_code see_train(onsets *self, const ch_fit_group *group, size_t train, const ch_cell_mean *means,
                         ch_error *err)
{
    const size_t count = ch_fit_count_complete(group, train);
    if (count < ch_onset_least(false)) {
        self->num_short += count > 0;
        if (count >= 2 && end_to_end_slope(group, train) < CH_ONSET_FLAT) {
            self->plateau_top = fmax(self->plateau_top, top_temp(group, train));
        }
        return CH_OK;
    }
    ch_onset_space space;
    ch_crossover crossover = {0};
    double log_temp = NAN;
    const ch_code code = ch_onset_space_init(&space, count, false, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_onset_load(&space, group, train, means);
    const ch_tc_place place = ch_tc_onset(&space, &crossover, &log_temp);
    if (isfinite(crossover.log_temp)) {
        self->sharpness[self->num_onsets] = crossover.sharpness;
        self->power[self->num_onsets] = crossover.sharpness * crossover.delta;
        self->num_onsets++;
        self->log_onset = fmax(self->log_onset, crossover.log_temp);
    } else if (place == CH_TC_ABOVE) {
        self->plateau_top = fmax(self->plateau_top, top_temp(group, train));
    }
out:
    ch_onset_space_free(&space);
    return code;
}

static ch_code see_all(onsets *self, const ch_fit_group *group, ch_error *err)
{
    *self = (onsets){.log_onset = -INFINITY, .plateau_top = -INFINITY};
    ch_cell_mean *means = ch_alloc(group->num_cells, sizeof *means);
    self->sharpness = ch_alloc(group->num_trains, sizeof *self->sharpness);
    self->power = ch_alloc(group->num_trains, sizeof *self->power);
    ch_code code = CH_OK;
    if (means == NULL || self->sharpness == NULL || self->power == NULL) {
        code = ch_error_memory(err, "the window of a fit");
        goto out;
    }
    ch_fit_cell_means(group, means);
    for (size_t p = 0; p < group->num_trains; p++) {
        code = see_train(self, group, p, means, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    gsl_sort(self->sharpness, 1, self->num_onsets);
    gsl_sort(self->power, 1, self->num_onsets);
out:
    free(means);
    return code;
}

/* The T above which the crossover's correction (1/m) (T/T_c)^(-m delta) is under the tolerance at every P. */
static double window_bound(const onsets *self, double tolerance)
{
    if (self->num_onsets == 0) {
        return 0;
    }
    const double m = gsl_stats_median_from_sorted_data(self->sharpness, 1, self->num_onsets);
    const double power = gsl_stats_median_from_sorted_data(self->power, 1, self->num_onsets);
    return exp(self->log_onset + fmax(0, -log(tolerance * m) / power));
}

/* Marks the temperatures of complete cells at or above `bound` and above `plateau_top`; returns their number. */
static size_t mark_temps(const ch_fit_group *group, double bound, double plateau_top, bool *inside)
{
    size_t count = 0;
    for (size_t t = 0; t < group->num_temps; t++) {
        inside[t] = false;
    }
    for (size_t c = 0; c < group->num_cells; c++) {
        const size_t t = group->cells[c].temp;
        const double temp = group->temps[t];
        if (group->cells[c].complete && temp >= bound && temp > plateau_top && !inside[t]) {
            inside[t] = true;
            count++;
        }
    }
    return count;
}

/* Averages over P the local slope from each temperature inside to the next one.
 * @param slopes  out: [num_temps]; NaN where no P has both temperatures */
static void local_slopes(const ch_fit_group *group, const bool *inside, const size_t *next, double *slopes,
                         double *counts)
{
    for (size_t t = 0; t < group->num_temps; t++) {
        slopes[t] = 0;
        counts[t] = 0;
    }
    for (size_t c = 0; c + 1 < group->num_cells; c++) {
        const ch_fit_cell *low = &group->cells[c];
        const ch_fit_cell *high = &group->cells[c + 1];
        if (low->train == high->train && low->complete && high->complete && inside[low->temp] &&
            next[low->temp] == high->temp) {
            slopes[low->temp] += (high->log_weight_change - low->log_weight_change) /
                                 log(group->temps[high->temp] / group->temps[low->temp]);
            counts[low->temp]++;
        }
    }
    for (size_t t = 0; t < group->num_temps; t++) {
        slopes[t] /= counts[t]; /* 0 / 0: NaN */
    }
}

/* The index of the last temperature before the local slope departs from the slopes at lower temperatures. */
static size_t find_departure(const ch_fit_group *group, const double *slopes, const size_t *next, size_t first)
{
    ch_moments before = {0}; /* of the slopes accepted so far */
    size_t t = first;
    for (; next[t] < group->num_temps; t = next[t]) {
        if (isnan(slopes[t])) {
            continue;
        }
        const double deviation = fabs(slopes[t] - before.mean);
        if (before.count >= 3 && deviation > 0.5 * fabs(before.mean) && deviation > 4 * ch_moments_deviation(&before)) {
            return t;
        }
        ch_moments_add(&before, slopes[t]);
    }
    return t;
}

/* Sets the window to the marked temperatures up to where the slope departs. */
static ch_code set_window(ch_fit_group *group, const bool *inside, size_t count, ch_error *err)
{
    ch_code code = CH_OK;
    size_t *next = ch_alloc(group->num_temps, sizeof *next);
    double *slopes = ch_alloc(group->num_temps, sizeof *slopes);
    double *counts = ch_alloc(group->num_temps, sizeof *counts);
    if (next == NULL || slopes == NULL || counts == NULL) {
        code = ch_error_memory(err, "the window of a fit");
        goto out;
    }
    size_t first = group->num_temps, top = 0;
    for (size_t t = group->num_temps; t-- > 0;) {
        next[t] = first;
        if (inside[t]) {
            top = first == group->num_temps ? t : top;
            first = t;
        }
    }
    local_slopes(group, inside, next, slopes, counts);
    const size_t last = find_departure(group, slopes, next, first);
    group->window_lo = group->temps[first];
    group->window_hi = group->temps[last];
    group->window_temps = count;
    if (last != top) {
        char text[32];
        ch_power_format(group->window_hi, text, sizeof text);
        for (size_t t = last + 1; t <= top; t++) {
            group->window_temps -= inside[t];
        }
        code = ch_fit_note(
            group, err,
            "T above %s are left out: there the slope of ln ‖Δw‖ over ln T departs from its value at lower T", text);
    }
out:
    free(next);
    free(slopes);
    free(counts);
    return code;
}

/* Notes that no (P, T) is complete, and how its runs ended, each ending with what would help. */
static ch_code note_incomplete(ch_fit_group *group, ch_error *err)
{
    size_t num_budget = 0, num_diverged = 0, num_unusable = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        num_budget += group->cells[c].num_budget;
        num_diverged += group->cells[c].num_diverged;
        num_unusable += group->cells[c].num_unusable;
    }
    char text[256] = "";
    int used = 0;
    if (num_budget > 0) {
        used += snprintf(text, sizeof text, "; runs that a budget ended: %zu (raise the budgets)", num_budget);
    }
    if (num_diverged > 0) {
        used += snprintf(text + used, sizeof text - (size_t)used, "; runs that diverged: %zu (lower T)", num_diverged);
    }
    if (num_unusable > 0) {
        snprintf(text + used, sizeof text - (size_t)used, "; runs that are stuck or have no ‖Δw‖ or t* above 0: %zu",
                 num_unusable);
    }
    return ch_fit_note(group, err, "no exponents: there is no (P, T) at which every run fitted%s", text);
}

static ch_code note_window(ch_fit_group *group, const onsets *seen, size_t count, size_t stage, ch_error *err)
{
    if (count == 0 && (seen->num_onsets > 0 || seen->plateau_top > 0)) {
        return ch_fit_note(
            group, err,
            "no exponents: no T lies far enough above the onset, which is at T = %.3g or more; sample larger T",
            fmax(exp(seen->log_onset), seen->plateau_top));
    }
    if (count == 0) {
        return note_incomplete(group, err);
    }
    if (seen->num_onsets == 0 && seen->num_short > 0) {
        return ch_fit_note(
            group, err,
            "no onset was found, as it takes %zu T or more at a P to find one: all T are taken to lie above it",
            ch_onset_least(false));
    }
    if (seen->num_onsets == 0) {
        return ch_fit_note(group, err, "no onset is visible: all T are taken to lie above it");
    }
    if (stage > 0) {
        return ch_fit_note_detail(
            group, err,
            "the window begins where the onset's trace in ‖Δw‖ is under %g %%: with %g %% it would have "
            "fewer than %zu T",
            100 * stages[stage].tolerance, 100 * stages[0].tolerance, stages[0].least_temps);
    }
    return CH_OK;
}

ch_code ch_fit_choose_window(ch_fit_group *group, ch_error *err)
{
    group->window_lo = group->window_hi = group->window_tolerance = NAN;
    onsets seen = {0};
    bool *inside = ch_alloc(group->num_temps, sizeof *inside);
    ch_code code = inside == NULL ? ch_error_memory(err, "the window of a fit") : see_all(&seen, group, err);
    if (code != CH_OK) {
        goto out;
    }
    const size_t last_stage = sizeof stages / sizeof *stages - 1;
    size_t stage = 0, count = 0;
    for (;; stage++) {
        count = mark_temps(group, window_bound(&seen, stages[stage].tolerance), seen.plateau_top, inside);
        if (count >= stages[stage].least_temps || seen.num_onsets == 0 || stage == last_stage) {
            break;
        }
    }
    if (count > 0 && seen.num_onsets > 0) {
        group->window_tolerance = stages[stage].tolerance;
    }
    code = note_window(group, &seen, count, stage, err);
    if (code != CH_OK || count == 0) {
        goto out;
    }
    code = set_window(group, inside, count, err);
out:
    free(seen.sharpness);
    free(seen.power);
    free(inside);
    return code;
}
