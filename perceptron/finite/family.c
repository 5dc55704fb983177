/* family.c — expected ends of training at any temperature. */
#include "perceptron/finite/family.h"
#include "core/memory.h"
#include "perceptron/finite/box_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double margins[CH_FAMILY_TABLES] = {0, 0x1p-6, 0x1p-4, 0x1p-2, 1, CH_FINITE_MOST_MARGIN};

void ch_family_init(ch_family *self, double chi, size_t dim, const char *folder, int threads, const ch_watch *watch)
{
    *self = (ch_family){.chi = chi, .dim = dim, .folder = folder, .threads = threads, .watch = watch};
}

void ch_family_free(ch_family *self)
{
    free(self->ends);
    for (size_t i = 0; i < CH_FAMILY_TABLES; i++) {
        ch_online_way_free(&self->ways[i]);
        if (self->is_made[i]) {
            ch_box_table_free(&self->tables[i]);
        }
    }
    memset(self, 0, sizeof *self);
}

/* Makes the table of a margin, unless that was refused before. */
static ch_code make_table(ch_family *self, size_t index, ch_error *err)
{
    const ch_box_law law = {self->chi, self->dim, margins[index]};
    ch_error failure = self->refusals[index];
    ch_code code = failure.code;
    if (self->is_made[index]) {
        return CH_OK;
    }
    if (code == CH_OK) {
        code = ch_box_table_load(&self->tables[index], &law, self->folder, self->threads, self->watch, &failure);
    }
    if (code == CH_OK) {
        self->is_made[index] = true;
        return CH_OK;
    }
    if (code == CH_ERROR_INPUT || code == CH_ERROR_NUMERIC) {
        self->refusals[index] = failure;
    }
    return ch_error_set(err, code, "%s", failure.message);
}

/* The way at T = 1 and kappa = margin is that of any T, in units of T. */
static ch_code init_way(ch_online_way *way, const ch_family *self, size_t index, double batch, ch_error *err)
{
    const ch_online_setup unit = {self->chi, self->dim, margins[index], 1, batch};
    return ch_online_way_init(way, &unit, &self->tables[index], err);
}

/* Makes the table of a margin, and the way at T = 1 and kappa = margin. */
static ch_code make(ch_family *self, size_t index, double batch, ch_error *err)
{
    const ch_code code = make_table(self, index, err);
    if (code != CH_OK) {
        return code;
    }
    if (self->batches[index] == batch) {
        return CH_OK;
    }
    ch_online_way_free(&self->ways[index]);
    self->batches[index] = batch;
    return init_way(&self->ways[index], self, index, batch, err);
}

static void scale(ch_finite_value *value, double factor)
{
    value->value *= factor;
}

/* ---- ends at the margins of the family ---- */

static bool is_refusal(ch_code code)
{
    return code == CH_ERROR_INPUT || code == CH_ERROR_NUMERIC;
}

/* An end that was computed, or refused, before; NULL where it was not. */
static const ch_family_end *known_end(const ch_family *self, size_t index, double batch, double num_samples)
{
    for (size_t i = 0; i < self->num_ends; i++) {
        const ch_family_end *known = &self->ends[i];
        if (known->margin == index && known->num_samples == num_samples && known->batch == batch) {
            return known;
        }
    }
    return NULL;
}

/* Computes the end on a way, or why there is none.
 * @return CH_OK, also where there is none; a failure that is not about the setup */
static ch_code compute_end(ch_family_end *end, ch_online_way *way, ch_error *err)
{
    const ch_code code = ch_finite_predict_on(&end->end, way, end->num_samples, &end->refusal);
    if (code == CH_OK || is_refusal(code)) {
        return CH_OK;
    }
    return ch_error_set(err, code, "%s", end->refusal.message);
}

static ch_code keep_end(ch_family *self, const ch_family_end *end, ch_error *err)
{
    if (ch_grow((void **)&self->ends, &self->capacity, self->num_ends + 1, sizeof *self->ends) != 0) {
        return ch_error_memory(err, "the expected ends of training");
    }
    self->ends[self->num_ends++] = *end;
    return CH_OK;
}

/* The end at T = 1 and a margin of the family, which is computed once. */
static ch_code find_end(ch_family *self, size_t index, double batch, double num_samples, ch_finite_end *end,
                        ch_error *err)
{
    const ch_family_end *known = known_end(self, index, batch, num_samples);
    if (known == NULL) {
        ch_family_end new = {.margin = index, .batch = batch, .num_samples = num_samples};
        ch_code code = make(self, index, batch, err);
        if (code != CH_OK) {
            return code;
        }
        code = compute_end(&new, &self->ways[index], err);
        if (code != CH_OK) {
            return code;
        }
        code = keep_end(self, &new, err);
        if (code != CH_OK) {
            return code;
        }
        known = &self->ends[self->num_ends - 1];
    }
    *end = known->end;
    return known->refusal.code == CH_OK ? CH_OK : ch_error_set(err, known->refusal.code, "%s", known->refusal.message);
}

/* Predicts at a margin of the family, with the same eta / T, in units of T and then at T. */
static ch_code predict_at(ch_family *self, size_t index, ch_finite_end *end, const ch_online_setup *setup,
                          double num_samples, ch_error *err)
{
    const ch_code code = find_end(self, index, setup->rate / setup->temp, num_samples, end, err);
    if (code != CH_OK) {
        return code;
    }
    scale(&end->signal, setup->temp);
    scale(&end->noise, setup->temp);
    scale(&end->weight_change, setup->temp);
    scale(&end->time, setup->temp);
    return CH_OK;
}

/* Interpolates between two values in units of T, by their logarithms.
 * @param unit    (T + 3 kappa) / T at both margins and at the one between them
 * @param scales  whether it interpolates the values in units of T + 3 kappa */
static ch_finite_value mix(ch_finite_value a, ch_finite_value b, const double unit[3], double share, bool scales)
{
    const double low = log(scales ? a.value / unit[0] : a.value), high = log(scales ? b.value / unit[1] : b.value);
    return (ch_finite_value){exp(low + (high - low) * share) * (scales ? unit[2] : 1),
                             a.spread + (b.spread - a.spread) * share};
}

/* The place of a kappa / T among the margins of the family. */
typedef struct {
    ch_online_setup setup; /* that has this kappa / T; a T beyond the largest margin is raised to that */
    size_t low, high;      /* the margins to both sides; the same where it is one of them */
    double share;          /* of the way from `low` to `high` */
    double unit[3];        /* (T + 3 kappa) / T at both margins, and at this kappa / T */
} place;

static place place_of(const ch_online_setup *setup)
{
    const double margin = ch_finite_margin(setup->kappa, setup->temp);
    place at = {.setup = *setup};
    if (margin == CH_FINITE_MOST_MARGIN) {
        /* weights are in units of kappa, and do not depend on T */
        at.setup.temp = setup->kappa / margin;
        at.setup.rate = fmax(setup->rate, at.setup.temp);
    }
    while (margins[at.high] < margin) {
        at.high++;
    }
    at.low = margins[at.high] == margin ? at.high : at.high - 1;
    const double below = margins[at.low], above = margins[at.high];
    at.unit[0] = 1 + 3 * below;
    at.unit[1] = 1 + 3 * above;
    at.unit[2] = 1 + 3 * margin;
    if (at.low < at.high) {
        at.share = at.low == 0 ? margin / above : log(margin / below) / log(above / below);
    }
    return at;
}

/* ---- many ends at once ---- */

/* A solution of the online ODE, and the ends of training on it that are to be computed. */
typedef struct {
    size_t margin;
    double batch;
    size_t begin, end; /* within the list of ends */
    ch_code code;
    ch_error err;
} way_task;

/* The ends to be computed, by ways. */
typedef struct {
    ch_family_end *ends; /* [count]; owned */
    way_task *ways;      /* [num_ways]; owned */
    size_t count, capacity, num_ways;
} tasks;

static int compare_ends(const void *left, const void *right)
{
    const ch_family_end *a = left, *b = right;
    if (a->margin != b->margin) {
        return a->margin < b->margin ? -1 : 1;
    }
    if (a->batch != b->batch) {
        return a->batch < b->batch ? -1 : 1;
    }
    return (a->num_samples > b->num_samples) - (a->num_samples < b->num_samples);
}

/* Lists the ends at both margins that a prediction needs and that are not known, some of them several times. Makes
 * their tables.
 * @return CH_OK, also where a table is refused; other failures of ch_box_table_load */
static ch_code list_ends(tasks *self, ch_family *family, const ch_online_setup *setup, double num_samples,
                         ch_error *err)
{
    if (ch_finite_check(setup, num_samples, NULL) != CH_OK) {
        return CH_OK;
    }
    const place at = place_of(setup);
    const double batch = at.setup.rate / at.setup.temp;
    for (size_t index = at.low; index <= at.high; index++) {
        const ch_code code = make_table(family, index, err);
        if (code != CH_OK) {
            return is_refusal(code) ? CH_OK : code;
        }
        if (known_end(family, index, batch, num_samples) != NULL) {
            continue;
        }
        if (ch_grow((void **)&self->ends, &self->capacity, self->count + 1, sizeof *self->ends) != 0) {
            return ch_error_memory(err, "the expected ends of training");
        }
        self->ends[self->count++] = (ch_family_end){.margin = index, .batch = batch, .num_samples = num_samples};
    }
    return CH_OK;
}

/* Sorts the ends, leaves out those that are there twice, and finds the ways. */
static ch_code group_by_ways(tasks *self, ch_error *err)
{
    size_t count = 0;
    if (self->count > 0) {
        qsort(self->ends, self->count, sizeof *self->ends, compare_ends);
    }
    self->ways = ch_alloc(self->count, sizeof *self->ways);
    if (self->ways == NULL) {
        return ch_error_memory(err, "the expected ends of training");
    }
    for (size_t i = 0; i < self->count; i++) {
        const ch_family_end *end = &self->ends[i];
        if (count > 0 && compare_ends(&self->ends[count - 1], end) == 0) {
            continue;
        }
        way_task *way = self->num_ways > 0 ? &self->ways[self->num_ways - 1] : NULL;
        if (way == NULL || way->margin != end->margin || way->batch != end->batch) {
            way = &self->ways[self->num_ways++];
            *way = (way_task){.margin = end->margin, .batch = end->batch, .begin = count};
        }
        self->ends[count++] = *end;
        way->end = count;
    }
    self->count = count;
    return CH_OK;
}

/* Computes the ends on one way. */
static ch_code follow_way(const ch_family *self, const way_task *task, ch_family_end *ends, ch_error *err)
{
    ch_online_way way;
    ch_code code = init_way(&way, self, task->margin, task->batch, err);
    for (size_t i = task->begin; i < task->end && code == CH_OK; i++) {
        code = compute_end(&ends[i], &way, err);
    }
    ch_online_way_free(&way);
    return code;
}

/* Computes all ends.  @return the failure of the first way that has one */
static ch_code compute_ends(ch_family *self, tasks *all, ch_error *err)
{
#pragma omp parallel for num_threads(self->threads) schedule(dynamic, 1)
    for (size_t w = 0; w < all->num_ways; w++) {
        way_task *way = &all->ways[w];
        way->code = follow_way(self, way, all->ends, &way->err);
    }
    for (size_t w = 0; w < all->num_ways; w++) {
        if (all->ways[w].code != CH_OK) {
            return ch_error_set(err, all->ways[w].code, "%s", all->ways[w].err.message);
        }
    }
    for (size_t i = 0; i < all->count; i++) {
        const ch_code code = keep_end(self, &all->ends[i], err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

ch_code ch_family_prepare(ch_family *self, const ch_online_setup *setups, size_t num_setups, const double *num_samples,
                          size_t num_trains, ch_error *err)
{
    tasks all = {0};
    ch_code code = CH_OK;
    if (self->threads < 2) { /* predictions compute what they need */
        return CH_OK;
    }
    for (size_t i = 0; i < num_setups * num_trains; i++) {
        code = list_ends(&all, self, &setups[i / num_trains], num_samples[i % num_trains], err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = group_by_ways(&all, err);
    if (code != CH_OK) {
        goto out;
    }
    code = compute_ends(self, &all, err);
out:
    free(all.ways);
    free(all.ends);
    return code;
}

/* ---- predictions ---- */

ch_code ch_family_predict(ch_family *self, ch_finite_end *end, const ch_online_setup *setup, double num_samples,
                          ch_error *err)
{
    ch_code code = ch_finite_check(setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    const place at = place_of(setup);
    if (at.low == at.high) {
        return predict_at(self, at.low, end, &at.setup, num_samples, err);
    }
    ch_finite_end low, high;
    code = predict_at(self, at.low, &low, &at.setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    code = predict_at(self, at.high, &high, &at.setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    *end = (ch_finite_end){.signal = mix(low.signal, high.signal, at.unit, at.share, true),
                           .noise = mix(low.noise, high.noise, at.unit, at.share, true),
                           .lambda = mix(low.lambda, high.lambda, at.unit, at.share, false),
                           .weight_change = mix(low.weight_change, high.weight_change, at.unit, at.share, true),
                           .time = mix(low.time, high.time, at.unit, at.share, true),
                           .test_error = mix(low.test_error, high.test_error, at.unit, at.share, false)};
    return CH_OK;
}

/* ---- the way ---- */

/* The way at a margin of the family, at the times that correspond to those asked for, with weights at T.
 * @param unit  T + 3 kappa at that margin over what it is at the kappa / T asked for */
static ch_code follow_at(ch_family *self, size_t index, ch_finite_point *points, double *scaled, const double *times,
                         size_t num_times, const place *at, double unit, double num_samples, ch_error *err)
{
    const ch_online_setup *setup = &at->setup;
    ch_code code = make(self, index, setup->rate / setup->temp, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t k = 0; k < num_times; k++) {
        scaled[k] = times[k] / setup->temp * unit;
    }
    code = ch_finite_follow_on(points, scaled, num_times, &self->ways[index], num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t k = 0; k < num_times; k++) {
        points[k].time = times[k];
        points[k].signal *= setup->temp;
        points[k].noise *= setup->temp;
        points[k].weight_change *= setup->temp;
    }
    return CH_OK;
}

/* As `mix`, of a value and a spread that stand apart. */
static void mix_into(double *value, double *spread, double high, double high_spread, const place *at, bool scales)
{
    const ch_finite_value mixed =
        mix((ch_finite_value){*value, *spread}, (ch_finite_value){high, high_spread}, at->unit, at->share, scales);
    *value = mixed.value;
    *spread = mixed.spread;
}

static void mix_points(ch_finite_point *low, const ch_finite_point *high, const place *at)
{
    low->running += (high->running - low->running) * at->share;
    mix_into(&low->signal, &low->signal_spread, high->signal, high->signal_spread, at, true);
    mix_into(&low->noise, &low->noise_spread, high->noise, high->noise_spread, at, true);
    mix_into(&low->weight_change, &low->weight_change_spread, high->weight_change, high->weight_change_spread, at,
             true);
    mix_into(&low->unfitted, &low->unfitted_spread, high->unfitted, high->unfitted_spread, at, false);
    mix_into(&low->test_error, &low->test_error_spread, high->test_error, high->test_error_spread, at, false);
}

ch_code ch_family_follow(ch_family *self, ch_finite_point *points, const double *times, size_t num_times,
                         const ch_online_setup *setup, double num_samples, ch_error *err)
{
    ch_finite_end end;
    double *scaled = NULL;
    ch_finite_point *above = NULL;
    ch_code code = ch_family_predict(self, &end, setup, num_samples, err); /* which refuses, and makes the tables */
    if (code != CH_OK) {
        return code;
    }
    const place at = place_of(setup);
    scaled = ch_alloc(num_times, sizeof *scaled);
    above = ch_alloc(num_times, sizeof *above);
    if (scaled == NULL || above == NULL) {
        code = ch_error_memory(err, "the way of a finite training set");
        goto out;
    }
    code = follow_at(self, at.low, points, scaled, times, num_times, &at, at.unit[0] / at.unit[2], num_samples, err);
    if (code != CH_OK || at.low == at.high) {
        goto out;
    }
    code = follow_at(self, at.high, above, scaled, times, num_times, &at, at.unit[1] / at.unit[2], num_samples, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t k = 0; k < num_times; k++) {
        mix_points(&points[k], &above[k], &at);
    }
out:
    free(above);
    free(scaled);
    return code;
}
