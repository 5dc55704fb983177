/* escape.c — T_c by escape: the T at which ||Dw||/||w0|| reaches a threshold, 1 by default. */
#include "fit/laws/definition.h"
#include "fit/laws/rise.h"

#include <math.h>
#include <stdio.h>

/* Finds the T at which ln(||Dw||/||w0||), joined by straight lines in ln T, first rises to ln of the threshold. */
static ch_tc_place find(void *workspace, const ch_tc_input *input, ch_crossover *crossover, double *log_temp)
{
    (void)workspace;
    (void)crossover;
    const ch_fit_group *group = input->group;
    const size_t train = input->train;
    const ch_cell_mean *means = input->means;
    const size_t end = ch_fit_first_cell(group, train + 1);
    ch_rise rise = ch_rise_start(log(input->options->threshold));
    for (size_t c = ch_fit_first_cell(group, train); c < end; c++) {
        const double y = means[c].log[CH_LOG_RELATIVE];
        const bool is_known = means[c].weight > 0 && isfinite(y);
        if (is_known && ch_rise_add(&rise, log(group->temps[group->cells[c].temp]), y)) {
            break;
        }
    }
    *log_temp = rise.log_temp;
    return rise.place;
}

static void describe(const ch_fit_options *options, char *text, size_t size)
{
    snprintf(text, size, "T_c by escape (‖Δw‖ = %.4g ‖w₀‖)", options->threshold);
}

static double theory_of(const ch_perceptron_theory *theory)
{
    return theory->a;
}

const ch_tc_rule ch_tc_by_escape = {
    .name = "escape",
    .needs = "there are too few T at which every run fitted",
    .rank = 0,
    .find = find,
    .describe = describe,
    .theory = theory_of,
};
