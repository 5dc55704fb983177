/* critical.c — where T_c lies at one P, by each of its definitions. */
#include "fit/internal.h"

#include <math.h>

const char *ch_tc_definition_name(ch_tc_definition definition)
{
    return definition == CH_TC_ONSET ? "onset" : "escape";
}

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
