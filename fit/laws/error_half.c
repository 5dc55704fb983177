/* error_half.c — T_c by the test error: the T half-way between its values at low and at high T. */
#include "fit/laws/definition.h"
#include "fit/laws/error_curve.h"

#include <math.h>
#include <stdio.h>

/* Whether D does not grow any more between two places, or so little that it may be noise. Over the three T it may grow
 * by half of its mean slope between a quarter and three quarters of its height, and by two standard errors of the
 * difference, which is that of two single D. */
static bool is_flat(const ch_error_curve *self, size_t begin, size_t end, double height, double width)
{
    const double distance = self->at[end] - self->at[begin];
    const double variance = ch_error_curve_variance_at(self, begin) + ch_error_curve_variance_at(self, end);
    const double noise = isnan(variance) ? 0 : 2 * sqrt(variance / (double)self->num_known);
    return fabs(self->mean[end] - self->mean[begin]) <= 0.5 * (0.5 * fabs(height) / width) * distance + noise;
}

/* Whether the sampled T have a plateau at either end. */
static bool has_plateaus(const ch_error_curve *self, double height)
{
    const size_t last = self->count - 1;
    const double sign = height > 0 ? 1 : -1;
    const double width = ch_error_curve_below(self, 0, last, sign, 0.75 * fabs(height)) -
                         ch_error_curve_below(self, 0, last, sign, 0.25 * fabs(height));
    return is_flat(self, 0, CH_PLATEAU_TEMPS - 1, height, width) &&
           is_flat(self, last - (CH_PLATEAU_TEMPS - 1), last, height, width);
}

static ch_tc_place find(void *workspace, const ch_tc_input *input, ch_crossover *crossover, double *log_temp)
{
    ch_error_curve *curve = workspace;
    (void)crossover;
    *log_temp = NAN;
    ch_error_curve_average(curve, input->copies);
    const double height = ch_error_curve_top(curve, input->copies);
    if (curve->count < 2 * CH_PLATEAU_TEMPS || !(fabs(height) > 0)) {
        return CH_TC_NONE;
    }
    if (input->of_table == NULL && !has_plateaus(curve, height)) {
        return CH_TC_NONE;
    }
    *log_temp = ch_error_curve_below(curve, 0, curve->count - 1, height > 0 ? 1 : -1, 0.5 * fabs(height));
    return CH_TC_INSIDE;
}

static double count_needed(void *workspace, const ch_tc_input *input)
{
    (void)input;
    const ch_error_curve *curve = workspace;
    return ch_error_curve_needed(ch_error_curve_top_variance(curve), 0.5 * ch_error_curve_top(curve, NULL));
}

static void describe(const ch_fit_options *options, char *text, size_t size)
{
    (void)options;
    snprintf(text, size, "T_c by error_half");
}

static double theory_of(const ch_perceptron_theory *theory)
{
    (void)theory;
    return NAN;
}

const ch_tc_rule ch_tc_by_error_half = {
    .name = "error_half",
    .needs = "it needs six T or more at which every run fitted, and a plateau of the test error at either end of them",
    .rank = 3,
    .is_optional = true,
    .init = ch_error_curve_make,
    .free = ch_error_curve_release,
    .find = find,
    .count_needed = count_needed,
    .describe = describe,
    .theory = theory_of,
};
