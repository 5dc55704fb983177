/* escape.c — T_c by escape: where the weights have moved as far as they are long, or another part of that. */
#include "fit/laws/definition.h"

#include <math.h>
#include <stdio.h>

/* Where ln(||Dw||/||w0||), joined by straight lines in ln T, first rises to the ln of the threshold. */
static ch_tc_place find(void *workspace, const ch_tc_input *input, ch_crossover *crossover, double *log_temp)
{
    (void)workspace;
    (void)crossover;
    const ch_fit_group *group = input->group;
    const size_t train = input->train;
    const ch_cell_mean *means = input->means;
    const double log_threshold = log(input->options->threshold);
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

static void describe(const ch_fit_options *options, char *text, size_t size)
{
    snprintf(text, size, "T_c by escape (‖Δw‖ = %g ‖w₀‖)", options->threshold);
}

static double theory_of(const ch_perceptron_theory *theory)
{
    return theory->a;
}

const ch_tc_rule ch_tc_by_escape = {
    .name = "escape",
    .needs = "too few T at which every run fitted",
    .rank = 0,
    .find = find,
    .describe = describe,
    .theory = theory_of,
};
