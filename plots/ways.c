/* ways.c — how training is expected to go, against time. */
#include "plots/ways.h"
#include "core/memory.h"
#include "perceptron/finite/family.h"

#include <math.h>
#include <stdlib.h>

enum { POINTS = 120 };
static const double LEAST_RUNNING = 0.1; /* share of the data sets under which a way is not shown */
static const double LATEST = 4;          /* standard deviations of ln t* after which hardly any training goes on */

/* Times from the first step to after the end, evenly spaced in the logarithm. */
static void choose_times(double times[POINTS], const ch_online_setup *setup, const ch_finite_end *end)
{
    const double first = setup->rate, last = end->time.value * exp(LATEST * end->time.spread);
    for (size_t k = 0; k < POINTS; k++) {
        times[k] = first * pow(last / first, (double)k / (POINTS - 1));
    }
}

/* The number of points before the way ends. Points before its first step have no value; they leave a gap. */
static size_t length_of(const ch_finite_point points[POINTS])
{
    size_t length = POINTS;
    while (length > 0 && !(points[length - 1].running >= LEAST_RUNNING)) {
        length--;
    }
    return length;
}

/* Finds the way of one run. Refusals are reasons why there is none. */
static ch_code find_way(ch_expected_way *self, ch_family *family, const ch_settings *settings, ch_error *err)
{
    const ch_online_setup setup = ch_fit_online_setup(settings, settings->temp);
    const double num_samples = (double)settings->train;
    ch_finite_end end;
    double times[POINTS];
    ch_code code = ch_family_predict(family, &end, &setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    self->num_samples = num_samples;
    self->points = ch_alloc(POINTS, sizeof *self->points);
    if (self->points == NULL) {
        return ch_error_memory(err, "an expected curve");
    }
    choose_times(times, &setup, &end);
    code = ch_family_follow(family, self->points, times, POINTS, &setup, num_samples, err);
    self->num_points = code == CH_OK ? length_of(self->points) : 0;
    return code;
}

static bool is_coldest(const ch_settings *settings)
{
    return ch_finite_margin(1 / settings->alpha, settings->temp) == CH_FINITE_MOST_MARGIN;
}

static ch_code find_ways(ch_expected_ways *self, ch_family *family, const ch_run_table *runs, ch_error *err)
{
    bool has_coldest = false;
    for (size_t r = 0; r < runs->count; r++) {
        ch_error reason = {0};
        if (has_coldest && is_coldest(&runs->runs[r].settings)) {
            self->shares = true;
            continue;
        }
        const ch_code code = find_way(&self->ways[r], family, &runs->runs[r].settings, &reason);
        if (code != CH_OK && code != CH_ERROR_INPUT && code != CH_ERROR_NUMERIC) {
            return ch_error_set(err, code, "%s", reason.message);
        }
        has_coldest = has_coldest || (code == CH_OK && is_coldest(&runs->runs[r].settings));
        if (code != CH_OK && self->why_not.code == CH_OK) {
            self->why_not = reason;
        }
    }
    return CH_OK;
}

ch_code ch_expected_ways_init(ch_expected_ways *self, const ch_fit *fit, const ch_fit_group *group,
                              const ch_run_table *runs, ch_error *err)
{
    const ch_fit_options *options = &fit->options;
    *self = (ch_expected_ways){.ways = ch_alloc(runs->count, sizeof *self->ways), .count = runs->count};
    if (self->ways == NULL) {
        return ch_error_memory(err, "expected curves");
    }
    if (group->expected.num_temps == 0) { /* the theory is not about such runs, or nobody asked */
        if (group->expected.why_not != NULL) {
            ch_error_set(&self->why_not, CH_ERROR_INPUT, "%s", group->expected.why_not);
        }
        return CH_OK;
    }
    ch_family family;
    const ch_online_setup any = ch_fit_online_setup(&group->key, group->temps[0]);
    ch_family_init(&family, any.chi, any.dim, options->box_folder, options->threads, options->watch);
    const ch_code code = find_ways(self, &family, runs, err);
    ch_family_free(&family);
    return code;
}

void ch_expected_ways_free(ch_expected_ways *self)
{
    for (size_t i = 0; self->ways != NULL && i < self->count; i++) {
        free(self->ways[i].points);
    }
    free(self->ways);
    *self = (ch_expected_ways){0};
}

bool ch_expected_ways_any(const ch_expected_ways *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->ways[i].num_points > 0) {
            return true;
        }
    }
    return false;
}

/* ---- quantities ---- */

ch_finite_value ch_expected_unfitted(const ch_expected_way *way, const ch_finite_point *point)
{
    return (ch_finite_value){point->unfitted * way->num_samples, point->unfitted_spread};
}

ch_finite_value ch_expected_test_error(const ch_expected_way *way, const ch_finite_point *point)
{
    (void)way;
    return (ch_finite_value){point->test_error, point->test_error_spread};
}

ch_finite_value ch_expected_weight_change(const ch_expected_way *way, const ch_finite_point *point)
{
    (void)way;
    return (ch_finite_value){point->weight_change, point->weight_change_spread};
}

ch_finite_value ch_expected_signal(const ch_expected_way *way, const ch_finite_point *point)
{
    (void)way;
    return (ch_finite_value){point->signal, point->signal_spread};
}

ch_finite_value ch_expected_noise(const ch_expected_way *way, const ch_finite_point *point)
{
    (void)way;
    return (ch_finite_value){point->noise, point->noise_spread};
}
