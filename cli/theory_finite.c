/* theory_finite.c — what is expected of training sets of finite size, at the P and T that are asked for. */
#include "cli/theory_finite.h"
#include "cli/meter.h"
#include "core/memory.h"
#include "perceptron/finite/box_file.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* ---- the P and T ---- */

/* The values of a setting in the lists. A setting without a list has one value, that of `settings`. */
static ch_plan_list values_of(const ch_plan *lists, size_t setting, const ch_value *single)
{
    ch_plan_list list;
    for (size_t i = 0; ch_plan_list_at(lists, i, &list); i++) {
        if (list.setting == setting) {
            return list;
        }
    }
    return (ch_plan_list){.setting = setting, .values = single, .count = 1};
}

ch_code ch_theory_finite_init(ch_theory_finite *self, const ch_settings *settings, const ch_plan *lists, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const uint64_t rate_bit = (uint64_t)1 << CH_SETTING_RATE;
    const size_t drive = (lists->given & rate_bit) != 0 ? CH_SETTING_RATE : CH_SETTING_TEMP;
    const ch_value train = ch_settings_get(settings, CH_SETTING_TRAIN), temp = ch_settings_get(settings, drive);
    const ch_plan_list trains = values_of(lists, CH_SETTING_TRAIN, &train), temps = values_of(lists, drive, &temp);
    self->num_trains = trains.count;
    self->num_temps = temps.count;
    self->cells = ch_alloc(trains.count * temps.count, sizeof *self->cells);
    if (self->cells == NULL) {
        return ch_error_memory(err, "the table over train and temp");
    }
    for (size_t i = 0; i < trains.count * temps.count; i++) {
        ch_settings at = *settings;
        ch_resolved resolved;
        ch_settings_set(&at, CH_SETTING_TRAIN, trains.values[i / temps.count]);
        if (lists->given >> drive & 1) {
            ch_settings_set(&at, drive, temps.values[i % temps.count]);
        }
        const ch_code code = ch_settings_resolve(&at, &resolved, err);
        if (code != CH_OK) {
            return code;
        }
        self->cells[i].settings = resolved.settings;
    }
    return CH_OK;
}

void ch_theory_finite_free(ch_theory_finite *self)
{
    free(self->cells);
    free(self->way);
    memset(self, 0, sizeof *self);
}

/* ---- what is expected ---- */

static ch_online_setup setup_of(const ch_settings *settings)
{
    return (ch_online_setup){.chi = settings->chi,
                             .dim = (size_t)settings->dim,
                             .kappa = 1 / settings->alpha,
                             .temp = settings->temp,
                             .rate = settings->rate};
}

static bool is_refusal(ch_code code)
{
    return code == CH_ERROR_INPUT || code == CH_ERROR_NUMERIC;
}

/* Finds the end of a cell. Where nothing can be said of a training set at these settings, the reason is its refusal. */
static ch_code expect(ch_theory_cell *self, ch_family *family, ch_error *err)
{
    static const ch_finite_value none = {NAN, NAN};
    const ch_online_setup setup = setup_of(&self->settings);
    const double num_samples = self->settings.train == 0 ? INFINITY : (double)self->settings.train;
    ch_error why = {0};
    const ch_code code = ch_family_predict(family, &self->end, &setup, num_samples, &why);
    if (code == CH_OK) {
        return CH_OK;
    }
    if (!is_refusal(code)) {
        return ch_error_set(err, code, "%s", why.message);
    }
    self->end = (ch_finite_end){none, none, none, none, none, none};
    self->refusal = why;
    return CH_OK;
}

size_t ch_theory_finite_cautions(const ch_theory_finite *self, const char *cautions[CH_FINITE_MOST_CAUTIONS])
{
    size_t count = 0;
    for (size_t i = 0; i < self->num_trains * self->num_temps; i++) {
        const ch_online_setup setup = setup_of(&self->cells[i].settings);
        const char *here[CH_FINITE_MOST_CAUTIONS];
        const size_t num_here = self->cells[i].refusal.code == CH_OK ? ch_finite_cautions(&setup, here) : 0;
        for (size_t k = 0; k < num_here; k++) {
            size_t j = 0;
            while (j < count && cautions[j] != here[k]) {
                j++;
            }
            cautions[j] = here[k];
            count += j == count;
        }
    }
    return count;
}

/* Finds the way of the only cell, by the table of its own kappa / T. */
static ch_code follow(ch_theory_finite *self, ch_family *family, const ch_online_point *points, size_t num_points,
                      ch_error *err)
{
    const ch_settings *settings = &self->cells[0].settings;
    const ch_online_setup setup = setup_of(settings);
    const ch_box_law law = {settings->chi, (size_t)settings->dim, ch_finite_margin(setup.kappa, setup.temp)};
    ch_box_table own = {0};
    const ch_box_table *table = NULL;
    double *times = ch_alloc(num_points, sizeof *times);
    ch_code code = CH_OK;
    self->way = ch_alloc(num_points, sizeof *self->way);
    if (times == NULL || self->way == NULL) {
        code = ch_error_memory(err, "the way of a finite training set");
        goto out;
    }
    for (size_t i = 0; i < num_points; i++) {
        times[i] = points[i].time;
    }
    for (size_t i = 0; i < CH_FAMILY_TABLES && table == NULL; i++) {
        table = family->is_made[i] && family->tables[i].law.margin == law.margin ? &family->tables[i] : NULL;
    }
    if (table == NULL) {
        code = ch_box_table_load(&own, &law, family->folder, family->threads, family->watch, err);
        if (code != CH_OK) {
            goto out;
        }
        table = &own;
    }
    code = ch_finite_follow(self->way, times, num_points, &setup, (double)settings->train, table, err);
    if (code != CH_OK) {
        goto out;
    }
    self->num_way = num_points;
    for (size_t i = 0; i < num_points; i++) {
        if (self->way[i].running == 0 && times[i] < self->cells[0].end.time.value) {
            self->way[i].running =
                NAN; /* T far below kappa is replaced by a larger one, whose first step comes later */
        }
    }
out:
    if (table == &own) {
        ch_box_table_free(&own);
    }
    free(times);
    return code;
}

/* ---- exponents ---- */

/* The numbers of one line of cells, over which a slope is taken. */
typedef struct {
    double *x, *y; /* [num_trains or num_temps, the larger]; owned */
    size_t count;
} slope_space;

/* The slope of ln(value) against ln P (or T) over `count` cells, `stride` apart; those without a value do not count.
 * @return NaN where fewer than two count */
static double slope_of(slope_space *space, const ch_theory_cell *cells, size_t count, size_t stride, bool over_train,
                       bool of_time)
{
    double intercept = NAN, slope = NAN, ignored;
    space->count = 0;
    for (size_t i = 0; i < count; i++) {
        const ch_theory_cell *cell = &cells[i * stride];
        if (cell->refusal.code == CH_OK) {
            space->x[space->count] = log(over_train ? (double)cell->settings.train : cell->settings.temp);
            space->y[space->count++] = log(of_time ? cell->end.time.value : cell->end.weight_change.value);
        }
    }
    if (space->count >= 2) {
        gsl_fit_linear(space->x, 1, space->y, 1, space->count, &intercept, &slope, &ignored, &ignored, &ignored,
                       &ignored);
    }
    return slope;
}

/* Adds an exponent: the mean of the slopes over all lines of cells on which there is one. */
static void add_exponent(ch_theory_finite *self, slope_space *space, const char *name, bool over_train, bool of_time,
                         double theory)
{
    const size_t lines = over_train ? self->num_temps : self->num_trains;
    const size_t length = over_train ? self->num_trains : self->num_temps;
    double sum = 0, count = 0;
    if (length < 2) {
        return;
    }
    for (size_t line = 0; line < lines; line++) {
        const ch_theory_cell *first = self->cells + (over_train ? line : line * self->num_temps);
        const double slope = slope_of(space, first, length, over_train ? self->num_temps : 1, over_train, of_time);
        if (!isnan(slope)) {
            sum += slope;
            count += 1;
        }
    }
    self->exponents[self->num_exponents++] = (ch_theory_exponent){name, count > 0 ? sum / count : NAN, theory};
}

static ch_code add_exponents(ch_theory_finite *self, const ch_perceptron_theory *theory, ch_error *err)
{
    const size_t most = self->num_trains > self->num_temps ? self->num_trains : self->num_temps;
    slope_space space = {.x = ch_alloc(most, sizeof *space.x), .y = ch_alloc(most, sizeof *space.y)};
    ch_code code = CH_OK;
    if (space.x == NULL || space.y == NULL) {
        code = ch_error_memory(err, "the expected exponents");
        goto out;
    }
    add_exponent(self, &space, "delta", false, false, theory->delta);
    add_exponent(self, &space, "gamma", true, false, theory->gamma);
    add_exponent(self, &space, "time_delta", false, true, theory->time_delta);
    add_exponent(self, &space, "b", true, true, theory->b);
out:
    free(space.x);
    free(space.y);
    return code;
}

ch_code ch_theory_finite_compute(ch_theory_finite *self, const ch_perceptron_theory *theory,
                                 const ch_online_point *points, size_t num_points, ch_error *err)
{
    static const double PATIENCE = 1; /* seconds before progress is shown */
    const ch_settings *first = &self->cells[0].settings;
    ch_meter meter;
    ch_family family;
    ch_code code = CH_OK;
    char *folder = ch_cli_cache_folder();
    ch_meter_start(&meter, "boxes", PATIENCE);
    const ch_watch watch = ch_meter_watch(&meter, ch_cli_catch_signals());
    ch_family_init(&family, first->chi, (size_t)first->dim, folder, omp_get_max_threads(), &watch);
    for (size_t i = 0; i < self->num_trains * self->num_temps; i++) {
        code = expect(&self->cells[i], &family, err);
        if (code != CH_OK) {
            goto out;
        }
        if (ch_watch_is_stopped(&watch)) {
            code = ch_error_set(err, CH_ERROR_INTERRUPTED, "interrupted; nothing was printed");
            goto out;
        }
    }
    if (self->num_trains * self->num_temps == 1 && self->cells[0].refusal.code == CH_OK) {
        code = follow(self, &family, points, num_points, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = add_exponents(self, theory, err);
out:
    ch_meter_finish(&meter);
    ch_family_free(&family);
    free(folder);
    return code;
}
