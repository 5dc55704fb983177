/* target.c — names of targets, and the rule by which a sweep adds data sets until they are met. */
#include "fit/target.h"
#include "core/text.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

const char *ch_target_word(const ch_target *self)
{
    return self->name->name;
}

static ch_code refuse_name(const char *name, ch_error *err)
{
    char list[704];
    ch_fit_name_list(list, sizeof list);
    return ch_error_set(err, CH_ERROR_INPUT, "target: fit has no number '%s'; accepted are %s", ch_show(name).text,
                        list);
}

/* Reads a width: a positive number, or one with a percent sign. */
static bool parse_width(ch_target *target, char *text)
{
    ch_number number;
    const size_t length = strlen(text);
    target->is_relative = length > 0 && text[length - 1] == '%';
    if (target->is_relative) {
        text[length - 1] = '\0';
    }
    if (!ch_number_parse(&number, text) || !(number.value > 0) || !isfinite(number.value)) {
        return false;
    }
    target->width = target->is_relative ? number.value / 100 : number.value;
    return target->width > 0;
}

/* Reads one target, and appends it. */
static ch_code add_target(ch_target_list *self, char *text, ch_error *err)
{
    char *width = strchr(text, '=');
    const ch_shown shown = ch_show(text);
    if (width != NULL) {
        *width++ = '\0';
    }
    ch_target target = {.name = ch_fit_name_find(text)};
    if (target.name == NULL) {
        return refuse_name(text, err);
    }
    if (width == NULL || !parse_width(&target, width)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "target: '%s' is not accepted: a name and half the length of its 95 %% interval is, "
                            "positive, as %s=0.01, or as a share of the number, as %s=5%%",
                            shown.text, text, text);
    }
    for (size_t i = 0; i < self->count; i++) {
        if (self->items[i].name == target.name) {
            return ch_error_set(err, CH_ERROR_INPUT, "target: %s is named twice; accepted is once", text);
        }
    }
    if (self->count == CH_TARGETS_MOST) {
        return ch_error_set(err, CH_ERROR_INPUT, "target: there are more than %d; accepted are up to so many",
                            CH_TARGETS_MOST);
    }
    self->items[self->count++] = target;
    return CH_OK;
}

ch_code ch_target_list_parse(ch_target_list *self, const char *text, ch_error *err)
{
    ch_code code = CH_OK;
    char *rest = NULL;
    *self = (ch_target_list){0};
    char *copy = strdup(text);
    if (copy == NULL) {
        return ch_error_memory(err, "the targets");
    }
    for (char *item = copy; item != NULL; item = rest) {
        rest = strchr(item, ',');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        code = add_target(self, item, err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    free(copy);
    return code;
}

/* ---- the rule ---- */

/* Student's t of a 95 % interval with so many data sets. */
static double student(double num_sets)
{
    return gsl_cdf_tdist_Pinv(0.975, num_sets - 1);
}

double ch_target_needed(double width, double wanted, size_t num_sets)
{
    const double most = 1e15; /* whole numbers over that are no longer apart */
    if (!(wanted > 0) || !(width >= 0) || num_sets < 2) {
        return NAN;
    }
    /* The width of m data sets is that of n times t_m / t_n sqrt(n / m), and t_m falls with m towards that of a normal
     * number: the number lies between those for this t and for t_n. Bisection finds it. */
    const double n = (double)num_sets, ratio = width / wanted, of_normal = gsl_cdf_ugaussian_Pinv(0.975);
    const double at_same_t = n * ratio * ratio, at_least_t = at_same_t * pow(of_normal / student(n), 2);
    double lo = fmin(fmax(2, floor(at_least_t)), most), hi = fmin(fmax(n, ceil(at_same_t)), most);
    while (hi > lo) {
        const double middle = floor((lo + hi) / 2);
        if (ratio * student(middle) / student(n) <= sqrt(middle / n)) {
            hi = middle;
        } else {
            lo = middle + 1;
        }
    }
    return lo;
}

bool ch_target_is_lost(const ch_target_course *course, const ch_target_state *state)
{
    return state->is_absent && (state->num_found == 0 || course->num_sets >= 2 * course->first);
}

/* The number of data sets that all targets which are not met are expected to need. */
static double find_need(const ch_target_course *course, const ch_target_states *states)
{
    double most = 0;
    for (size_t i = 0; i < states->count; i++) {
        const ch_target_state *state = &states->items[i];
        if (state->is_met || ch_target_is_lost(course, state)) {
            continue;
        }
        /* a group in which runs were left out may have fewer data sets than the sweep */
        const double share = (double)course->num_sets / fmax(1, (double)state->num_sets);
        const double need = state->needed * share;
        most = isnan(need) ? INFINITY : fmax(most, need);
    }
    return most;
}

ch_target_verdict ch_target_decide(ch_target_course *course, const ch_target_states *states)
{
    static const double LEAST_GROWTH = 1.25, MOST_GROWTH = 2, CONFIRMATION = 1.5;
    size_t num_lost = 0, num_met = 0;
    for (size_t i = 0; i < states->count; i++) {
        num_met += states->items[i].is_met;
        num_lost += ch_target_is_lost(course, &states->items[i]);
    }
    const double now = (double)course->num_sets;
    const bool is_met = num_met + num_lost == states->count, is_full = course->num_sets >= course->limit;
    if (is_met && (course->was_met || is_full || num_met == 0)) {
        return num_lost > 0 ? CH_TARGET_LOST : CH_TARGET_REACHED;
    }
    if (is_full) {
        return CH_TARGET_AT_LIMIT;
    }
    const double need = fmin(fmax(find_need(course, states), LEAST_GROWTH * now), MOST_GROWTH * now);
    const double next = ceil(is_met ? CONFIRMATION * now : need);
    course->was_met = is_met;
    course->num_sets = next < (double)course->limit ? (size_t)next : course->limit;
    return CH_TARGET_GOES_ON;
}
