/* phase_fit.c — fits a phase diagram: T_opt, T_max and the borders at each alpha, the slopes of the first two, and the
 * errors of all. */
#include "core/memory.h"
#include "fit/errors/estimate.h"
#include "fit/laws/rise.h"
#include "fit/phase/phase_private.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>

enum { LEAST_SLOPE = 3 };

/* A temperature is sure when it lies inside the sampled T in at least this share of the replicas. T_c has the same
 * rule. */
static const double enough_inside = 0.95;

/* Half the width of the 95 % interval of a normal number, in standard deviations. */
static const double NORMAL_95 = 1.96;

/* ---- one alpha ---- */

/* The x at which the parabola through three points has no slope. The slope of a parabola is linear in x. It is s1
 * half-way between the first two points and s2 half-way between the last two. The second point is the least, so that
 * s1 <= 0 <= s2. */
static double vertex(const double x[3], const double y[3])
{
    const double s1 = (y[1] - y[0]) / (x[1] - x[0]), s2 = (y[2] - y[1]) / (x[2] - x[1]);
    return 0.5 * (x[0] + x[1]) - s1 * 0.5 * (x[2] - x[0]) / (s2 - s1);
}

/* The index of the first value from `i` on that is not NaN; `count` where there is none. */
static size_t skip_nan(const double *values, size_t i, size_t count)
{
    while (i < count && isnan(values[i])) {
        i++;
    }
    return i;
}

ch_tc_place ch_phase_least(const double *log_temps, const double *values, size_t count, double *log_temp)
{
    /* the indices first to last have the least value, before and after are their neighbours; `count` stands for none */
    size_t before = count, first = count, last = count, after = count;
    size_t previous = count, finite = 0;
    for (size_t i = skip_nan(values, 0, count); i < count; i = skip_nan(values, i + 1, count)) {
        if (first == count || values[i] < values[first]) {
            before = previous;
            first = last = i;
            after = count;
        } else if (values[i] == values[first] && after == count) {
            last = i;
        } else if (after == count) {
            after = i;
        }
        previous = i;
        finite++;
    }
    *log_temp = NAN;
    if (finite < 3) {
        return CH_TC_NONE;
    }
    if (before == count && after == count) {
        return CH_TC_NONE; /* all values are equal */
    }
    if (before == count || after == count) {
        *log_temp = log_temps[before == count ? last : first];
        return before == count ? CH_TC_BELOW : CH_TC_ABOVE;
    }
    *log_temp = first == last ? vertex((const double[]){log_temps[before], log_temps[first], log_temps[after]},
                                       (const double[]){values[before], values[first], values[after]})
                              : 0.5 * (log_temps[first] + log_temps[last]);
    return CH_TC_INSIDE;
}

ch_tc_place ch_phase_rise(const double *log_temps, const double *values, size_t count, double level, double *log_temp)
{
    ch_rise rise = ch_rise_start(level);
    for (size_t i = skip_nan(values, 0, count); i < count; i = skip_nan(values, i + 1, count)) {
        if (ch_rise_add(&rise, log_temps[i], values[i])) {
            break;
        }
    }
    *log_temp = rise.log_temp;
    return rise.place;
}

/* ---- all alpha: once for the table, and once for each replica ---- */

/* A replica has four numbers for each alpha: ln of its four temperatures, NaN for one that does not lie inside the
 * sampled T. Slopes are found from them afterwards. */
enum { BEST, MAX, WEIGHT_BORDER, KERNEL_BORDER, NUM_TEMPS };

static const size_t quantities[NUM_TEMPS] = {[BEST] = CH_PHASE_TEST_ERROR,
                                             [MAX] = CH_PHASE_DIVERGED,
                                             [WEIGHT_BORDER] = CH_PHASE_WEIGHT_CHANGE,
                                             [KERNEL_BORDER] = CH_PHASE_KERNEL_CHANGE};

static const double half_of_the_sets = 0.5;

static ch_phase_temp *temp_of(ch_phase_row *row, size_t which)
{
    switch (which) {
    case BEST:
        return &row->best;
    case MAX:
        return &row->max;
    case WEIGHT_BORDER:
        return &row->weight_border;
    default:
        return &row->kernel_border;
    }
}

/* Finds one temperature of one alpha.
 * @param log_temps  [num_temps] ln T
 * @param values     [num_temps] working space */
static ch_tc_place find_temp(const ch_phase *self, const ch_phase_sets *sets, const double *copies, size_t alpha,
                             size_t which, const double *log_temps, double *values, double *log_temp)
{
    for (size_t t = 0; t < self->num_temps; t++) {
        const size_t cell = alpha * self->num_temps + t;
        const bool counts = which == MAX || self->cells[cell].counts; /* T_max is about the cells that do not count */
        values[t] = counts ? ch_phase_sets_mean(sets, cell, quantities[which], copies) : NAN;
    }
    if (which == BEST) {
        return ch_phase_least(log_temps, values, self->num_temps, log_temp);
    }
    const double level = which == MAX ? half_of_the_sets : log(self->threshold);
    return ch_phase_rise(log_temps, values, self->num_temps, level, log_temp);
}

/* ---- slopes over ln alpha ---- */

/* Which temperatures a slope is fitted to. */
typedef enum { SLOPE_OF_BEST, SLOPE_OF_MAX, SLOPE_OF_MAX_AT_BEST } slope_kind;

static size_t temp_of_kind(slope_kind kind)
{
    return kind == SLOPE_OF_BEST ? BEST : MAX;
}

/* Whether a slope is fitted to the temperature of an alpha. */
static bool is_in_slope(const ch_phase *self, size_t alpha, slope_kind kind)
{
    const ch_phase_row *row = &self->rows[alpha];
    const bool is_sure = kind == SLOPE_OF_BEST ? row->best.is_sure : row->max.is_sure;
    const bool sits_there = kind != SLOPE_OF_MAX_AT_BEST || row->limit == CH_PHASE_AT_DIVERGED;
    return self->alphas[alpha] < 1 && is_sure && sits_there;
}

static size_t count_in_slope(const ch_phase *self, slope_kind kind)
{
    size_t count = 0;
    for (size_t a = 0; a < self->num_alphas; a++) {
        count += is_in_slope(self, a, kind);
    }
    return count;
}

const ch_phase_temp *ch_phase_slope_point(const ch_phase *self, size_t alpha)
{
    const ch_phase_row *row = &self->rows[alpha];
    if (!is_in_slope(self, alpha, self->slope_of_max ? SLOPE_OF_MAX_AT_BEST : SLOPE_OF_BEST)) {
        return NULL;
    }
    return self->slope_of_max ? &row->max : &row->best;
}

/* The slope of ln T over ln alpha; NaN where fewer than three alpha have the temperature.
 * @param numbers  [num_alphas][NUM_TEMPS] of a replica or of the table
 * @param x, y     [num_alphas] working space */
static double slope_of(const ch_phase *self, slope_kind kind, const double *numbers, double *x, double *y)
{
    double intercept, slope, ignored;
    size_t count = 0;
    for (size_t a = 0; a < self->num_alphas; a++) {
        const double log_temp = numbers[a * NUM_TEMPS + temp_of_kind(kind)];
        if (is_in_slope(self, a, kind) && isfinite(log_temp)) {
            x[count] = log(self->alphas[a]);
            y[count++] = log_temp;
        }
    }
    if (count < LEAST_SLOPE) {
        return NAN;
    }
    gsl_fit_linear(x, 1, y, 1, count, &intercept, &slope, &ignored, &ignored, &ignored, &ignored);
    return slope;
}

static double slope_theory(const ch_settings *key)
{
    const double depth = (double)key->depth;
    const bool has_depth = ch_setting_applies(key, CH_SETTING_DEPTH) && key->linear == CH_LINEAR_NO;
    return has_depth ? (depth - 1) / (depth + 1) : NAN;
}

/* ---- what the grid of T adds to the errors of T_max ---- */

/* The step of the grid in which T_max lies: ln of the ratio of the T at which half of the data sets diverge to the
 * sampled T before it. 0 where T_max lies at the first T. */
static double step_of_max(const ch_phase *self, size_t alpha)
{
    double before = NAN;
    for (size_t t = 0; t < self->num_temps; t++) {
        const double share = ch_phase_at(self, alpha, t)->diverged;
        if (share >= half_of_the_sets) {
            return isnan(before) ? 0 : log(self->temps[t] / before);
        }
        before = isnan(share) ? before : self->temps[t];
    }
    return 0;
}

/* Adds an independent error to an estimate that has one.
 * @param deviation  its standard deviation
 * @param half       half the width of its 95 % interval */
static void widen(ch_estimate *estimate, double deviation, double half)
{
    const double both = hypot(0.5 * (estimate->hi - estimate->lo), half); /* NaN where there is no error */
    estimate->stderr_ = hypot(estimate->stderr_, deviation);
    estimate->lo = estimate->value - both;
    estimate->hi = estimate->value + both;
}

/* The variance that the steps of the T_max give their slope: that of uniform numbers over each step. */
static double step_variance_of_slope(const ch_phase *self, slope_kind kind)
{
    double mean = 0, count = 0, squares = 0, sum = 0;
    for (size_t a = 0; a < self->num_alphas; a++) {
        if (is_in_slope(self, a, kind)) {
            mean += log(self->alphas[a]);
            count++;
        }
    }
    mean /= count;
    for (size_t a = 0; a < self->num_alphas; a++) {
        if (is_in_slope(self, a, kind)) {
            const double x = log(self->alphas[a]) - mean, step = step_of_max(self, a);
            squares += x * x;
            sum += x * x * step * step / 12;
        }
    }
    return sum / (squares * squares);
}

/* ---- replicas ---- */

/* All replicas read this. */
typedef struct {
    const ch_phase *phase;
    const ch_phase_sets *sets;
} phase_design;

/* The working space of one thread. */
typedef struct {
    double *log_temps, *values; /* [num_temps] */
} phase_space;

static void space_free(const void *context, void *workspace)
{
    (void)context;
    phase_space *self = workspace;
    free(self->log_temps);
    free(self->values);
}

static ch_code space_init(const void *context, void *workspace, ch_error *err)
{
    const ch_phase *phase = ((const phase_design *)context)->phase;
    phase_space *self = workspace;
    *self = (phase_space){.log_temps = ch_alloc(phase->num_temps, sizeof *self->log_temps),
                          .values = ch_alloc(phase->num_temps, sizeof *self->values)};
    if (self->log_temps == NULL || self->values == NULL) {
        return ch_error_memory(err, "the errors of a phase diagram");
    }
    for (size_t t = 0; t < phase->num_temps; t++) {
        self->log_temps[t] = log(phase->temps[t]);
    }
    return CH_OK;
}

static void evaluate(const void *context, void *workspace, const double *copies, double *numbers)
{
    const phase_design *design = context;
    phase_space *space = workspace;
    for (size_t i = 0; i < design->phase->num_alphas * NUM_TEMPS; i++) {
        double log_temp = NAN;
        const ch_tc_place place = find_temp(design->phase, design->sets, copies, i / NUM_TEMPS, i % NUM_TEMPS,
                                            space->log_temps, space->values, &log_temp);
        numbers[i] = place == CH_TC_INSIDE ? log_temp : NAN;
    }
}

/* Evaluates all replicas.
 * @param replicas  out: it has no replica where there is one data set; to be freed by the caller, also after an error
 */
static ch_code make_replicas(const phase_design *design, const ch_fit_options *options, ch_bootstrap_progress *progress,
                             ch_replicas *replicas, ch_error *err)
{
    const ch_bootstrap_problem problem = {.context = design,
                                          .num_data_sets = design->phase->num_data_sets,
                                          .num_numbers = design->phase->num_alphas * NUM_TEMPS,
                                          .workspace_size = sizeof(phase_space),
                                          .init = space_init,
                                          .free = space_free,
                                          .evaluate = evaluate};
    *replicas = (ch_replicas){.num_numbers = problem.num_numbers};
    if (problem.num_data_sets < 2) {
        return CH_OK;
    }
    replicas->numbers = ch_alloc(options->replicas, problem.num_numbers * sizeof *replicas->numbers);
    if (replicas->numbers == NULL) {
        return ch_error_memory(err, "the errors of a phase diagram");
    }
    replicas->count = options->replicas;
    return ch_bootstrap_run(&problem, options, progress, replicas->numbers, err);
}

/* ---- the values of the table, and their errors ---- */

/* Finds the temperatures of the table, without errors.
 * @param numbers  out: [num_alphas][NUM_TEMPS] ln of each temperature, or of its bound */
static ch_code find_temps(ch_phase *self, const phase_design *design, double *numbers, ch_error *err)
{
    phase_space space = {0};
    const ch_code code = space_init(design, &space, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < self->num_alphas * NUM_TEMPS; i++) {
        const size_t alpha = i / NUM_TEMPS, which = i % NUM_TEMPS;
        ch_phase_temp *temp = temp_of(&self->rows[alpha], which);
        temp->place = find_temp(self, design->sets, NULL, alpha, which, space.log_temps, space.values, &numbers[i]);
        temp->estimate = (ch_estimate){exp(numbers[i]), NAN, NAN, NAN};
    }
out:
    space_free(design, &space);
    return code;
}

/* Gives the temperatures of the table their errors, and tells which are sure. */
static void estimate_temps(ch_phase *self, const ch_replicas *replicas)
{
    for (size_t i = 0; i < replicas->num_numbers; i++) {
        ch_phase_temp *temp = temp_of(&self->rows[i / NUM_TEMPS], i % NUM_TEMPS);
        double deviation = NAN;
        const size_t count = ch_replicas_spread(replicas, i, &deviation);
        temp->is_sure = temp->place == CH_TC_INSIDE && (double)count >= enough_inside * (double)replicas->count;
        if (temp->place == CH_TC_INSIDE && replicas->count > 0 && ch_replicas_are_enough(replicas, count)) {
            const double value = temp->estimate.value;
            ch_estimate logs = ch_estimate_make(log(value), deviation, self->num_data_sets);
            if (i % NUM_TEMPS == MAX) {
                const double step = step_of_max(self, i / NUM_TEMPS);
                widen(&logs, step / sqrt(12), step / 2);
            }
            temp->estimate = ch_estimate_from_log(value, &logs);
        }
    }
}

/* ---- slopes with errors ---- */

/* Fits a slope of at least three alpha, and gives it an error.
 * @param numbers  [num_alphas][NUM_TEMPS] of the table
 * @param slope    out: NaN where there are fewer alpha */
static ch_code estimate_slope(const ch_phase *self, slope_kind kind, const double *numbers, const ch_replicas *replicas,
                              ch_estimate *slope, ch_error *err)
{
    ch_code code = CH_OK;
    *slope = (ch_estimate){NAN, NAN, NAN, NAN};
    if (count_in_slope(self, kind) < LEAST_SLOPE) {
        return CH_OK;
    }
    double deviation = NAN;
    double *x = ch_alloc(self->num_alphas, sizeof *x), *y = ch_alloc(self->num_alphas, sizeof *y);
    ch_replicas slopes = {
        .numbers = ch_alloc(replicas->count, sizeof *slopes.numbers), .count = replicas->count, .num_numbers = 1};
    if (x == NULL || y == NULL || slopes.numbers == NULL) {
        code = ch_error_memory(err, "the errors of a phase diagram");
        goto out;
    }
    for (size_t r = 0; r < replicas->count; r++) {
        slopes.numbers[r] = slope_of(self, kind, replicas->numbers + r * replicas->num_numbers, x, y);
    }
    slope->value = slope_of(self, kind, numbers, x, y);
    const size_t count = ch_replicas_spread(&slopes, 0, &deviation);
    if (slopes.count == 0 || !ch_replicas_are_enough(&slopes, count)) {
        goto out;
    }
    *slope = ch_estimate_make(slope->value, deviation, self->num_data_sets);
    if (kind != SLOPE_OF_BEST) {
        const double of_steps = sqrt(step_variance_of_slope(self, kind));
        widen(slope, of_steps, NORMAL_95 * of_steps);
    }
out:
    free(x);
    free(y);
    ch_replicas_free(&slopes);
    return code;
}

/* Fits k and s. */
static ch_code estimate_slopes(ch_phase *self, const double *numbers, const ch_replicas *replicas, ch_error *err)
{
    self->slope_theory = slope_theory(&self->key);
    self->num_slope = count_in_slope(self, SLOPE_OF_BEST);
    self->num_max_slope = count_in_slope(self, SLOPE_OF_MAX);
    const size_t at_max = count_in_slope(self, SLOPE_OF_MAX_AT_BEST);
    if (self->num_slope < LEAST_SLOPE && at_max >= LEAST_SLOPE) {
        self->slope_of_max = true;
        self->num_slope = at_max;
    }
    const slope_kind kind = self->slope_of_max ? SLOPE_OF_MAX_AT_BEST : SLOPE_OF_BEST;
    const ch_code code = estimate_slope(self, kind, numbers, replicas, &self->slope, err);
    if (code != CH_OK) {
        return code;
    }
    return estimate_slope(self, SLOPE_OF_MAX, numbers, replicas, &self->max_slope, err);
}

ch_code ch_phase_fit(ch_phase *self, const ch_phase_sets *sets, const ch_fit_options *options,
                     ch_bootstrap_progress *progress, ch_error *err)
{
    const phase_design design = {self, sets};
    ch_replicas replicas = {0};
    ch_code code = CH_OK;
    double *numbers = ch_alloc(self->num_alphas * NUM_TEMPS, sizeof *numbers);
    if (numbers == NULL) {
        code = ch_error_memory(err, "the errors of a phase diagram");
        goto out;
    }
    code = find_temps(self, &design, numbers, err);
    if (code != CH_OK) {
        goto out;
    }
    code = make_replicas(&design, options, progress, &replicas, err);
    if (code != CH_OK) {
        goto out;
    }
    estimate_temps(self, &replicas);
    for (size_t a = 0; a < self->num_alphas; a++) {
        self->rows[a].limit = ch_phase_find_limit(self, a);
    }
    code = estimate_slopes(self, numbers, &replicas, err);
out:
    free(numbers);
    ch_replicas_free(&replicas);
    return code;
}
