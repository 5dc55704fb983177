/* phase_fit.c — fits a phase diagram: T_opt, T_max and the borders at each alpha, and their errors. */
#include "core/memory.h"
#include "fit/errors/estimate.h"
#include "fit/laws/rise.h"
#include "fit/phase/phase_private.h"

#include <math.h>
#include <stdlib.h>

/* A temperature is sure when it lies inside the sampled T in at least this share of the replicas. T_c has the same
 * rule. */
static const double enough_inside = 0.95;

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

/* What each temperature is found from. */
static const size_t quantities[CH_PHASE_NUM_TEMPS] = {[CH_PHASE_TEMP_BEST] = CH_PHASE_TEST_ERROR,
                                                      [CH_PHASE_TEMP_MAX] = CH_PHASE_DIVERGED,
                                                      [CH_PHASE_TEMP_WEIGHT_BORDER] = CH_PHASE_WEIGHT_CHANGE,
                                                      [CH_PHASE_TEMP_KERNEL_BORDER] = CH_PHASE_KERNEL_CHANGE};

static ch_phase_temp *temp_of(ch_phase_row *row, size_t which)
{
    switch (which) {
    case CH_PHASE_TEMP_BEST:
        return &row->best;
    case CH_PHASE_TEMP_MAX:
        return &row->max;
    case CH_PHASE_TEMP_WEIGHT_BORDER:
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
        const bool counts =
            which == CH_PHASE_TEMP_MAX || self->cells[cell].counts; /* T_max is about the cells that do not count */
        values[t] = counts ? ch_phase_sets_mean(sets, cell, quantities[which], copies) : NAN;
    }
    if (which == CH_PHASE_TEMP_BEST) {
        return ch_phase_least(log_temps, values, self->num_temps, log_temp);
    }
    const double level = which == CH_PHASE_TEMP_MAX ? CH_PHASE_HALF : log(self->threshold);
    return ch_phase_rise(log_temps, values, self->num_temps, level, log_temp);
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
    for (size_t i = 0; i < design->phase->num_alphas * CH_PHASE_NUM_TEMPS; i++) {
        double log_temp = NAN;
        const ch_tc_place place = find_temp(design->phase, design->sets, copies, i / CH_PHASE_NUM_TEMPS,
                                            i % CH_PHASE_NUM_TEMPS, space->log_temps, space->values, &log_temp);
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
                                          .num_numbers = design->phase->num_alphas * CH_PHASE_NUM_TEMPS,
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
 * @param numbers  out: [num_alphas][CH_PHASE_NUM_TEMPS] ln of each temperature, or of its bound */
static ch_code find_temps(ch_phase *self, const phase_design *design, double *numbers, ch_error *err)
{
    phase_space space = {0};
    const ch_code code = space_init(design, &space, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < self->num_alphas * CH_PHASE_NUM_TEMPS; i++) {
        const size_t alpha = i / CH_PHASE_NUM_TEMPS, which = i % CH_PHASE_NUM_TEMPS;
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
        ch_phase_temp *temp = temp_of(&self->rows[i / CH_PHASE_NUM_TEMPS], i % CH_PHASE_NUM_TEMPS);
        double deviation = NAN;
        const size_t count = ch_replicas_spread(replicas, i, &deviation);
        temp->is_sure = temp->place == CH_TC_INSIDE && (double)count >= enough_inside * (double)replicas->count;
        if (temp->place == CH_TC_INSIDE && replicas->count > 0 && ch_replicas_are_enough(replicas, count)) {
            const double value = temp->estimate.value;
            ch_estimate logs = ch_estimate_make(log(value), deviation, self->num_data_sets);
            if (i % CH_PHASE_NUM_TEMPS == CH_PHASE_TEMP_MAX) {
                const double step = ch_phase_step_of_max(self, i / CH_PHASE_NUM_TEMPS);
                ch_phase_widen(&logs, step / sqrt(12), step / 2);
            }
            temp->estimate = ch_estimate_from_log(value, &logs);
        }
    }
}

/* ---- a diagram ---- */

ch_code ch_phase_fit(ch_phase *self, const ch_phase_sets *sets, const ch_fit_options *options,
                     ch_bootstrap_progress *progress, ch_error *err)
{
    const phase_design design = {self, sets};
    ch_replicas replicas = {0};
    ch_code code = CH_OK;
    double *numbers = ch_alloc(self->num_alphas * CH_PHASE_NUM_TEMPS, sizeof *numbers);
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
    code = ch_phase_fit_powers(self, numbers, &replicas, err);
out:
    free(numbers);
    ch_replicas_free(&replicas);
    return code;
}
