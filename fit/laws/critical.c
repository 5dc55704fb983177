/* critical.c — where T_c lies at one P, by each of its definitions. */
#include "fit/internal.h"

#include <math.h>

const char *ch_tc_definition_name(ch_tc_definition definition)
{
    static const char *const names[] = {[CH_TC_ONSET] = "onset", [CH_TC_ESCAPE] = "escape", [CH_TC_ERROR] = "error"};
    return names[definition];
}

/* ---- one P ---- */

ch_tc_place ch_tc_escape(const ch_fit_group *group, size_t train, const ch_cell_mean *means, double log_threshold,
                         double *log_temp)
{
    const size_t end = ch_fit_first_cell(group, train + 1);
    double temp_before = NAN, y_before = NAN;
    *log_temp = NAN;
    for (size_t c = ch_fit_first_cell(group, train); c < end; c++) {
        const double y = means[c].log[CH_LOG_RELATIVE];
        const double temp = log(group->temps[group->cells[c].temp]);
        if (!(means[c].weight > 0) || !isfinite(y)) {
            continue;
        }
        if (y >= log_threshold) {
            const bool first = isnan(temp_before);
            *log_temp = first ? temp : temp_before + (temp - temp_before) * (log_threshold - y_before) / (y - y_before);
            return first && y > log_threshold ? CH_TC_BELOW : CH_TC_INSIDE;
        }
        temp_before = temp;
        y_before = y;
    }
    *log_temp = temp_before;
    return isnan(temp_before) ? CH_TC_NONE : CH_TC_ABOVE;
}

ch_tc_place ch_tc_onset(ch_onset_space *space, ch_crossover *crossover, double *log_temp)
{
    const double lowest = space->log_temp[0];
    const double highest = space->log_temp[space->count - 1];
    double squares = NAN, line_slope = NAN, line_squares = NAN;
    ch_onset_line(space, &line_slope, &line_squares);
    if (!ch_onset_fit(space, NULL, crossover, &squares) || !ch_onset_beats_line(space, squares, line_squares)) {
        const bool flat = line_slope < CH_ONSET_FLAT;
        *crossover = (ch_crossover){NAN, NAN, NAN, NAN};
        *log_temp = flat ? highest : lowest;
        return flat ? CH_TC_ABOVE : CH_TC_BELOW;
    }
    if (crossover->log_temp < lowest) {
        *log_temp = lowest;
        return CH_TC_BELOW;
    }
    if (crossover->log_temp > highest) {
        *log_temp = highest;
        return CH_TC_ABOVE;
    }
    *log_temp = crossover->log_temp;
    return CH_TC_INSIDE;
}

/* ---- all P of a table ---- */

/* @param sharpness  range of m */
static ch_code find_onset(const ch_fit_group *group, size_t train, const ch_fit_options *options, ch_range sharpness,
                          const ch_cell_mean *means, ch_tc *tc, double *log_temp, ch_error *err)
{
    const double delta = ch_onset_delta(&group->weight_change, options);
    const bool tied = isfinite(delta);
    size_t count = 0;
    for (size_t c = ch_fit_first_cell(group, train); c < ch_fit_first_cell(group, train + 1); c++) {
        count += group->cells[c].complete;
    }
    if (count < ch_onset_least(tied)) {
        return CH_OK;
    }
    ch_onset_space space;
    ch_crossover crossover = {0};
    const ch_code code = ch_onset_space_init(&space, count, tied, err);
    if (code == CH_OK) {
        space.delta = delta;
        space.range = sharpness;
        ch_onset_load(&space, group, train, means);
        tc->place = ch_tc_onset(&space, &crossover, log_temp);
        if (tc->place == CH_TC_INSIDE) {
            tc->crossover = crossover;
        }
    }
    ch_onset_space_free(&space);
    return code;
}

static ch_code find_error(const ch_fit_group *group, size_t train, const ch_fit_options *options, ch_tc *tc,
                          double *log_temp, ch_error *err)
{
    ch_change change;
    const ch_code code = ch_change_init(&change, group, train, options->sigmas, err);
    if (code == CH_OK) {
        tc->place = ch_tc_error(&change, NULL, log_temp);
    }
    ch_change_free(&change);
    return code;
}

static ch_code note_undecided(ch_fit_group *group, ch_tc_definition definition, size_t count, ch_error *err)
{
    if (count == 0) {
        return CH_OK;
    }
    return ch_fit_note(group, err, "T_c by %s cannot be told at %zu of %zu P: %s", ch_tc_definition_name(definition),
                       count, group->num_trains,
                       definition == CH_TC_ERROR
                           ? "it needs five T or more at which every run fitted, and two data sets with a test error"
                           : "too few T at which every run fitted");
}

/* How surely the T_c by error of the last P are none of chance; or that there are none. */
static ch_code note_error(ch_fit_group *group, double sigmas, ch_error *err)
{
    const double chance = ch_tc_error_false_alarms(sigmas, group->num_temps);
    if (ch_fit_has_critical(group, CH_TC_ERROR)) {
        return ch_fit_note(group, err,
                           "T_c by error: a test error that T does not change would have one at a P with a chance of "
                           "%.2g",
                           chance);
    }
    return ch_fit_note(group, err,
                       "no T_c by error: up to T = %g the test error does not leave by %g sigma the value that it has "
                       "at the lowest T (a chance leave: %.2g at each P)",
                       group->temps[group->num_temps - 1], sigmas, chance);
}

bool ch_fit_has_critical(const ch_fit_group *group, ch_tc_definition definition)
{
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == definition && (tc->place == CH_TC_INSIDE || tc->place == CH_TC_BELOW)) {
            return true;
        }
    }
    return false;
}

ch_code ch_fit_find_critical(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                             ch_error *err)
{
    ch_code code = CH_OK;
    group->tc = ch_alloc(CH_NUM_TC * group->num_trains, sizeof *group->tc);
    if (group->tc == NULL) {
        return ch_error_memory(err, "the critical temperatures");
    }
    for (int d = CH_TC_ONSET; d < CH_NUM_TC; d++) {
        size_t undecided = 0;
        for (size_t p = 0; options->wanted[d] && p < group->num_trains && code == CH_OK; p++) {
            double log_temp = NAN;
            ch_tc *tc = &group->tc[group->num_tc++];
            *tc = (ch_tc){.train = group->trains[p],
                          .definition = (ch_tc_definition)d,
                          .place = CH_TC_NONE,
                          .crossover = {NAN, NAN, NAN, NAN}};
            if (d == CH_TC_ONSET) {
                const ch_range sharpness = options->constraints[CH_FIT_SHARPNESS].range;
                code = find_onset(group, p, options, sharpness, means, tc, &log_temp, err);
            } else if (d == CH_TC_ERROR) {
                code = find_error(group, p, options, tc, &log_temp, err);
            } else {
                tc->place = ch_tc_escape(group, p, means, log(options->threshold), &log_temp);
            }
            tc->estimate = (ch_estimate){exp(log_temp), NAN, NAN, NAN};
            undecided += tc->place == CH_TC_NONE;
        }
        if (code == CH_OK) {
            code = note_undecided(group, (ch_tc_definition)d, undecided, err);
        }
        if (code == CH_OK && d == CH_TC_ERROR && options->wanted[d] && undecided < group->num_trains) {
            code = note_error(group, options->sigmas, err);
        }
    }
    return code;
}

ch_code ch_fit_tie_onsets(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_error *err)
{
    const ch_critical_law *law = &group->joint[CH_TC_ONSET];
    const ch_range sharpness = {law->sharpness.value, law->sharpness.value};
    if (!options->constraints[CH_FIT_SHARPNESS].is_tied) {
        return CH_OK;
    }
    if (!law->found) {
        return ch_fit_note(group, err, "the onset's sharpness is not tied: there is no joint onset to tie it to");
    }
    ch_code code = CH_OK;
    for (size_t p = 0; p < group->num_trains && code == CH_OK; p++) {
        ch_tc *tc = &group->tc[p]; /* by onset, as they come first */
        double log_temp = NAN;
        tc->place = CH_TC_NONE;
        tc->crossover = (ch_crossover){NAN, NAN, NAN, NAN};
        code = find_onset(group, p, options, sharpness, means, tc, &log_temp, err);
        tc->estimate = (ch_estimate){exp(log_temp), NAN, NAN, NAN};
    }
    return code;
}
