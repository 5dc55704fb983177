/* phase_fit.c — what a phase diagram is fitted for: T_opt and borders at each alpha, k, and their errors. */
#include "fit/internal.h"
#include "fit/phase/phase_private.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>

enum { LEAST_SLOPE = 3 };

/* As for T_c: a number has an error when this part of the replicas could have it, and is sure in this part. */
static const double enough_replicas = 0.9, enough_inside = 0.95;

double *ch_phase_sets_at(const ch_phase_sets *self, size_t cell, size_t quantity, size_t set)
{
    return &self->values[(cell * CH_NUM_PHASE + quantity) * self->num_sets + set];
}

double ch_phase_sets_mean(const ch_phase_sets *self, size_t cell, size_t quantity, const double *copies)
{
    double sum = 0, weight = 0;
    for (size_t set = 0; set < self->num_sets; set++) {
        const double value = *ch_phase_sets_at(self, cell, quantity, set);
        const double times = copies == NULL ? 1 : copies[set];
        if (isfinite(value)) {
            sum += times * value;
            weight += times;
        }
    }
    return weight > 0 ? sum / weight : NAN;
}

/* ---- one alpha ---- */

/* Where the slope of the parabola through three points vanishes: it is s1 half-way between the first two, s2 half-way
 * between the last two, and linear. The second is the least, so that s1 <= 0 <= s2. */
static double vertex(const double x[3], const double y[3])
{
    const double s1 = (y[1] - y[0]) / (x[1] - x[0]), s2 = (y[2] - y[1]) / (x[2] - x[1]);
    return 0.5 * (x[0] + x[1]) - s1 * 0.5 * (x[2] - x[0]) / (s2 - s1);
}

/* The index of the next number from `i` on. */
static size_t skip_nan(const double *values, size_t i, size_t count)
{
    while (i < count && isnan(values[i])) {
        i++;
    }
    return i;
}

ch_tc_place ch_phase_least(const double *log_temps, const double *values, size_t count, double *log_temp)
{
    size_t before = count, first = count, last = count, after = count; /* around the least; count: none */
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
        return CH_TC_NONE; /* all the same */
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
    double x = NAN, y = NAN; /* the point before */
    *log_temp = NAN;
    for (size_t i = skip_nan(values, 0, count); i < count; i = skip_nan(values, i + 1, count)) {
        if (values[i] >= level) {
            const bool is_first = isnan(x);
            *log_temp = is_first ? log_temps[i] : x + (log_temps[i] - x) * (level - y) / (values[i] - y);
            return is_first && values[i] > level ? CH_TC_BELOW : CH_TC_INSIDE;
        }
        x = log_temps[i];
        y = values[i];
    }
    *log_temp = x;
    return isnan(x) ? CH_TC_NONE : CH_TC_ABOVE;
}

/* ---- all alpha, once for the table and once a replica ---- */

/* Numbers of a replica: for each alpha ln of the three temperatures, NaN unless inside. k is found afterwards. */
enum { BEST, WEIGHT_BORDER, KERNEL_BORDER, NUM_TEMPS };

static const ch_phase_quantity quantities[NUM_TEMPS] = {
    [BEST] = CH_PHASE_TEST_ERROR, [WEIGHT_BORDER] = CH_PHASE_WEIGHT_CHANGE, [KERNEL_BORDER] = CH_PHASE_KERNEL_CHANGE};

static ch_phase_temp *temp_of(ch_phase_row *row, size_t which)
{
    return which == BEST ? &row->best : which == WEIGHT_BORDER ? &row->weight_border : &row->kernel_border;
}

/* @param log_temps, values  [num_temps]; values is working space */
static ch_tc_place find_temp(const ch_phase *self, const ch_phase_sets *sets, const double *copies, size_t alpha,
                             size_t which, const double *log_temps, double *values, double *log_temp)
{
    for (size_t t = 0; t < self->num_temps; t++) {
        const size_t cell = alpha * self->num_temps + t;
        values[t] = self->cells[cell].counts ? ch_phase_sets_mean(sets, cell, quantities[which], copies) : NAN;
    }
    return which == BEST ? ch_phase_least(log_temps, values, self->num_temps, log_temp)
                         : ch_phase_rise(log_temps, values, self->num_temps, log(self->threshold), log_temp);
}

/* Slope of ln T_opt on ln alpha over the sure alpha < 1 that have one; NaN with fewer than three.
 * @param numbers  [num_alphas][NUM_TEMPS] */
static double slope_of(const ch_phase *self, const double *numbers, double *x, double *y)
{
    double intercept, slope, ignored;
    size_t count = 0;
    for (size_t a = 0; a < self->num_alphas; a++) {
        const double log_temp = numbers[a * NUM_TEMPS + BEST];
        if (self->alphas[a] < 1 && self->rows[a].best.is_sure && isfinite(log_temp)) {
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

/* How many of the replicas' numbers, `stride` apart, are finite, and their standard deviation. */
static size_t spread_of(const double *numbers, size_t stride, size_t replicas, double *deviation)
{
    double mean = 0, squares = 0; /* Welford */
    size_t count = 0;
    for (size_t r = 0; r < replicas; r++) {
        const double value = numbers[r * stride];
        if (isfinite(value)) {
            count++;
            const double difference = value - mean;
            mean += difference / (double)count;
            squares += difference * (value - mean);
        }
    }
    *deviation = count >= 2 ? sqrt(squares / (double)(count - 1)) : NAN;
    return count;
}

/* What the fit works with. */
typedef struct {
    size_t replicas, num_numbers; /* a replica: num_alphas x NUM_TEMPS; no replicas for one data set */
    double *numbers;              /* [replicas + 1][num_numbers], the table's own last; owned, as all here */
    double *slopes;               /* [replicas] */
    double *log_temps, *values;   /* [num_temps] */
    double *x, *y;                /* [num_alphas] */
    double *copies;               /* [num_sets] */
} phase_space;

static void space_free(phase_space *self)
{
    free(self->numbers);
    free(self->slopes);
    free(self->log_temps);
    free(self->values);
    free(self->x);
    free(self->y);
    free(self->copies);
}

static ch_code space_init(phase_space *self, const ch_phase *phase, size_t replicas, ch_error *err)
{
    *self = (phase_space){.replicas = phase->num_data_sets > 1 ? replicas : 0,
                          .num_numbers = phase->num_alphas * NUM_TEMPS};
    self->numbers = ch_alloc(self->replicas + 1, self->num_numbers * sizeof *self->numbers);
    self->slopes = ch_alloc(self->replicas, sizeof *self->slopes);
    self->log_temps = ch_alloc(phase->num_temps, sizeof *self->log_temps);
    self->values = ch_alloc(phase->num_temps, sizeof *self->values);
    self->x = ch_alloc(phase->num_alphas, sizeof *self->x);
    self->y = ch_alloc(phase->num_alphas, sizeof *self->y);
    self->copies = ch_alloc(phase->num_data_sets, sizeof *self->copies);
    if (self->numbers == NULL || self->slopes == NULL || self->log_temps == NULL || self->values == NULL ||
        self->x == NULL || self->y == NULL || self->copies == NULL) {
        return ch_error_memory(err, "the errors of a phase diagram");
    }
    for (size_t t = 0; t < phase->num_temps; t++) {
        self->log_temps[t] = log(phase->temps[t]);
    }
    return CH_OK;
}

/* Draws n of n data sets with replacement, as fit.h's bootstrap does. */
static void draw_sets(double *copies, size_t n, uint64_t seed, size_t replica)
{
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_BOOTSTRAP, replica);
    for (size_t i = 0; i < n; i++) {
        copies[i] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        copies[ch_random_below(&random, (uint32_t)n)]++;
    }
}

static void find_temps(ch_phase *self, const ch_phase_sets *sets, phase_space *space)
{
    for (size_t i = 0; i < space->num_numbers; i++) {
        double log_temp = NAN;
        const size_t alpha = i / NUM_TEMPS, which = i % NUM_TEMPS;
        ch_phase_temp *temp = temp_of(&self->rows[alpha], which);
        temp->place = find_temp(self, sets, NULL, alpha, which, space->log_temps, space->values, &log_temp);
        temp->estimate = (ch_estimate){exp(log_temp), NAN, NAN, NAN};
        space->numbers[space->replicas * space->num_numbers + i] = log_temp;
    }
}

static void run_replicas(const ch_phase *self, const ch_phase_sets *sets, const ch_fit_options *options,
                         phase_space *space)
{
    for (size_t r = 0; r < space->replicas; r++) {
        draw_sets(space->copies, self->num_data_sets, options->seed, r);
        for (size_t i = 0; i < space->num_numbers; i++) {
            double log_temp = NAN;
            const ch_tc_place place = find_temp(self, sets, space->copies, i / NUM_TEMPS, i % NUM_TEMPS,
                                                space->log_temps, space->values, &log_temp);
            space->numbers[r * space->num_numbers + i] = place == CH_TC_INSIDE ? log_temp : NAN;
        }
    }
}

static void estimate_temps(ch_phase *self, const phase_space *space)
{
    for (size_t i = 0; i < space->num_numbers; i++) {
        ch_phase_temp *temp = temp_of(&self->rows[i / NUM_TEMPS], i % NUM_TEMPS);
        double deviation = NAN;
        const double replicas = (double)space->replicas;
        const double count = (double)spread_of(space->numbers + i, space->num_numbers, space->replicas, &deviation);
        temp->is_sure = temp->place == CH_TC_INSIDE && count >= enough_inside * replicas;
        if (temp->place == CH_TC_INSIDE && replicas > 0 && count >= enough_replicas * replicas) {
            const double value = temp->estimate.value;
            const ch_estimate logs = ch_estimate_make(log(value), deviation, self->num_data_sets);
            temp->estimate = (ch_estimate){value, value * logs.stderr_, exp(logs.lo), exp(logs.hi)};
        }
    }
}

static void estimate_slope(ch_phase *self, phase_space *space)
{
    self->slope = (ch_estimate){NAN, NAN, NAN, NAN};
    self->slope_theory = slope_theory(&self->key);
    for (size_t a = 0; a < self->num_alphas; a++) {
        self->num_slope += self->alphas[a] < 1 && self->rows[a].best.is_sure;
    }
    if (self->num_slope < LEAST_SLOPE) {
        return;
    }
    double deviation = NAN;
    for (size_t r = 0; r < space->replicas; r++) {
        space->slopes[r] = slope_of(self, space->numbers + r * space->num_numbers, space->x, space->y);
    }
    self->slope.value = slope_of(self, space->numbers + space->replicas * space->num_numbers, space->x, space->y);
    const size_t count = spread_of(space->slopes, 1, space->replicas, &deviation);
    if (space->replicas > 0 && (double)count >= enough_replicas * (double)space->replicas) {
        self->slope = ch_estimate_make(self->slope.value, deviation, self->num_data_sets);
    }
}

ch_code ch_phase_fit(ch_phase *self, const ch_phase_sets *sets, const ch_fit_options *options, ch_error *err)
{
    phase_space space;
    const ch_code code = space_init(&space, self, options->replicas, err);
    if (code == CH_OK) {
        find_temps(self, sets, &space);
        run_replicas(self, sets, options, &space);
        estimate_temps(self, &space);
        estimate_slope(self, &space);
    }
    space_free(&space);
    return code;
}
