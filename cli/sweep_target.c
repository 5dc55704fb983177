/* sweep_target.c — a sweep that adds data sets until the intervals of its fit are narrow enough. */
#include "cli/sweep_target.h"
#include "cli/meter.h"
#include "cli/sweep_rounds.h"
#include "core/text.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- before the first round ---- */

static bool is_all_infinite(const ch_plan *plan)
{
    ch_plan_list list;
    for (size_t i = 0; ch_plan_list_at(plan, i, &list); i++) {
        bool is_infinite = list.setting == CH_SETTING_TRAIN;
        for (size_t k = 0; k < list.count && is_infinite; k++) {
            is_infinite = list.values[k].count == 0;
        }
        if (is_infinite) {
            return true;
        }
    }
    return false;
}

ch_code ch_sweep_target_admit(ch_sweep_target *self, ch_plan *plan, uint64_t most_runs, ch_error *err)
{
    enum { LIMIT_OVER_FIRST = 16 };
    const size_t given = ch_plan_num_data_sets(plan);
    const size_t first = given < CH_TARGET_LEAST_SETS ? CH_TARGET_LEAST_SETS : given;
    if (plan->num_parts > 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "--target does not go with --part: whether it is reached is seen from all parts; do the "
                            "parts first, merge them, and sweep into the merged store with --target");
    }
    if (is_all_infinite(plan)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "--target needs runs that are fitted, and with train = inf none is: accepted is a number "
                            "for train");
    }
    if (self->limit != LONG_MIN && self->limit < (long)first) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "limit is %ld data sets; accepted are %zu or more, with which the sweep begins",
                            self->limit, first);
    }
    self->limit = self->limit != LONG_MIN ? self->limit : (long)(LIMIT_OVER_FIRST * first);
    ch_code code = ch_plan_set_data_sets(plan, (size_t)self->limit, err);
    if (code != CH_OK) {
        return code;
    }
    if (plan->num_runs > most_runs) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "with %ld data sets, the limit, this sweep has %" PRIu64 " runs, more than %" PRIu64
                            "; say --yes if you mean it, or give a smaller --limit",
                            self->limit, plan->num_runs, most_runs);
    }
    return ch_plan_set_data_sets(plan, first, err);
}

/* ---- what is said ---- */

static ch_shown show_wanted(const ch_target *target)
{
    ch_shown shown;
    snprintf(shown.text, sizeof shown.text, target->is_relative ? "%g %%" : "%g",
             target->is_relative ? 100 * target->width : target->width);
    return shown;
}

/* Writes what was found: "gamma = 0.431 ± 0.023, target 0.01". */
static void write_found(const ch_target_state *state, char *text, size_t size)
{
    int used = snprintf(text, size, "%s", state->what);
    if (isfinite(state->estimate.value)) {
        used += snprintf(text + used, size - (size_t)used, " = %.4g", state->estimate.value);
    }
    if (isfinite(state->width)) {
        used += snprintf(text + used, size - (size_t)used, " ± %.3g", state->width);
    } else {
        used += snprintf(text + used, size - (size_t)used, " without an interval");
    }
    snprintf(text + used, size - (size_t)used, ", target %s", show_wanted(state->target).text);
}

/* Writes how far the number is from its target. */
static void write_outlook(const ch_target_course *course, const ch_target_state *state, char *text, size_t size)
{
    if (state->is_met) {
        snprintf(text, size, "reached");
    } else if (ch_target_is_lost(course, state)) {
        snprintf(text, size, "given up, as %s; chiton fit --details says why",
                 state->num_found == 0 ? "there is no such number" : "twice the first data sets do not give it one");
    } else if (isnan(state->needed)) {
        snprintf(text, size, "not reached");
    } else {
        snprintf(text, size, "not reached, %.0f data sets are expected to do", state->needed);
    }
}

/* Prints a sentence for every target and group. */
static void say_states(const ch_target_course *course, const ch_target_states *states)
{
    for (size_t i = 0; i < states->count; i++) {
        const ch_target_state *state = &states->items[i];
        char found[256], outlook[128], outside[64] = "";
        write_found(state, found, sizeof found);
        write_outlook(course, state, outlook, sizeof outlook);
        if (state->num_outside > 0) {
            snprintf(outside, sizeof outside, "; %zu outside the sampled T", state->num_outside);
        }
        fprintf(stderr, "%s: with %zu data sets %s: %s%s\n", state->group, state->num_sets, found, outlook, outside);
    }
}

/* The largest seeds of data sets that are added. */
static uint64_t seed_at(const ch_plan *plan, size_t place)
{
    ch_plan_list list;
    for (size_t i = 0; ch_plan_list_at(plan, i, &list); i++) {
        if (list.setting == ch_plan_data_setting(plan)) {
            return list.values[place].count;
        }
    }
    return 0;
}

static void say_next(const ch_plan *plan, const ch_target_course *course, size_t before, const ch_round_cost *cost)
{
    const size_t added = course->num_sets - before;
    const uint64_t runs = plan->num_runs / course->num_sets * added;
    fprintf(stderr, "%s: %zu more data set%s, %zu in all (%s %" PRIu64 " … %" PRIu64 "), %" PRIu64 " runs%s\n",
            course->was_met ? "to confirm it" : "next", added, added == 1 ? "" : "s", course->num_sets,
            ch_settings_table[ch_plan_data_setting(plan)].name, seed_at(plan, before),
            seed_at(plan, course->num_sets - 1), runs, ch_round_show_cost(cost, runs).text);
}

/* ---- a round ---- */

/* Reads the plan's runs from the store.
 * @param is_whole  out: whether all are there */
static ch_code read_round(const ch_sweep_target *self, const ch_plan *plan, ch_run_table *table, bool *is_whole,
                          ch_error *err)
{
    ch_store store;
    ch_code code = ch_store_open(&store, self->store, CH_STORE_READ, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_sweep_select(plan, &store, is_whole, table, err);
out:
    ch_store_close(&store);
    return code;
}

static ch_code fit_round(const ch_sweep_target *self, const ch_plan *plan, const ch_run_table *table,
                         ch_target_states *states, ch_error *err)
{
    static const double PATIENCE = 1;
    ch_fit fit = {0};
    ch_meter meter;
    ch_fit_options options;
    ch_fit_options_default(&options);
    options.threads = self->threads;
    ch_meter_start(&meter, "replicas", PATIENCE);
    const ch_watch watch = ch_meter_watch(&meter, plan->stop);
    options.watch = &watch;
    ch_code code = ch_fit_init(&fit, table, &options, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_target_look(states, &self->targets, &fit, err);
out:
    ch_meter_finish(&meter);
    ch_fit_free(&fit);
    return code;
}

/* The error of a sweep whose targets are not reached, with those that are furthest from it. */
static ch_code refuse_end(const ch_target_course *course, const ch_target_states *states, ch_error *err)
{
    char list[640] = "";
    size_t used = 0, num_open = 0;
    enum { SHOWN = 3 };
    for (size_t i = 0; i < states->count; i++) {
        const ch_target_state *state = &states->items[i];
        if (!state->is_met && num_open++ < SHOWN && used < sizeof list) {
            char found[256];
            write_found(state, found, sizeof found);
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s (%.80s)", used > 0 ? "; " : "", found,
                                     state->group);
        }
    }
    return ch_error_set(err, CH_ERROR_NUMERIC, "target not reached with %zu data sets%s: %s%s", course->num_sets,
                        course->num_sets >= course->limit ? ", the limit (a larger --limit goes on from here)" : "",
                        list, num_open > SHOWN ? "; …" : "");
}

/* Says what a sweep would end with. Nothing has failed in a dry run. */
static ch_code say_end(const ch_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return CH_OK;
}

static ch_code report_end(const ch_sweep_target *self, const ch_plan *plan, const ch_target_course *course,
                          ch_error *err)
{
    ch_text_print(self->store, stdout);
    printf(": target reached with %zu data sets (%s %" PRIu64 " … %" PRIu64 ")\n", course->num_sets,
           ch_settings_table[ch_plan_data_setting(plan)].name, seed_at(plan, 0), seed_at(plan, course->num_sets - 1));
    return ch_cli_flush(err);
}

/* Says how far a dry run goes at most, after the sweep of the round that is to be done has been looked at. */
static ch_code report_dry(const ch_plan *plan, const ch_target_course *course, ch_error *err)
{
    printf("this round has %zu data sets; target ends at %zu, or %" PRIu64 " runs, at the latest\n", course->num_sets,
           course->limit, plan->num_runs / course->num_sets * course->limit);
    return ch_cli_flush(err);
}

/* What a run of the table takes by its own clock, shared by the threads. */
static ch_round_cost stored_cost(const ch_run_table *table, int threads)
{
    ch_round_cost cost = {0, (double)table->count};
    for (size_t i = 0; i < table->count; i++) {
        cost.seconds += table->runs[i].seconds / threads;
    }
    return cost;
}

/* Makes the runs of a round where some are missing, and reads all.
 * @param is_over  out: a dry run has come to runs that are missing */
static ch_code make_round(const ch_sweep_target *self, const ch_plan *plan, const ch_target_course *course,
                          ch_round_cost *cost, ch_run_table *table, bool *is_over, ch_error *err)
{
    ch_sweep_counts counts = {0};
    bool is_whole = false;
    ch_code code = CH_OK;
    *table = (ch_run_table){0};
    if (self->is_dry) {
        if (self->store != NULL && access(self->store, F_OK) == 0) {
            code = read_round(self, plan, table, &is_whole, err);
        }
        if (code != CH_OK || is_whole) {
            return code;
        }
        *is_over = true;
        code = self->sweep(self->context, plan, &counts, err);
        return code == CH_OK ? report_dry(plan, course, err) : code;
    }
    code = self->sweep(self->context, plan, &counts, err);
    if (code != CH_OK) {
        return code;
    }
    ch_round_cost_add(cost, &counts);
    return read_round(self, plan, table, &is_whole, err);
}

/* ---- all rounds ---- */

/* Makes a round, fits it, says what was found and decides how to go on.
 * @param is_over  out: whether this was the last round */
static ch_code do_round(const ch_sweep_target *self, ch_plan *plan, ch_target_course *course, ch_round_cost *cost,
                        bool *is_over, ch_error *err)
{
    ch_run_table table = {0};
    ch_target_states states = {0};
    const size_t before = course->num_sets;
    ch_code code = make_round(self, plan, course, cost, &table, is_over, err);
    if (code != CH_OK || *is_over) {
        goto out;
    }
    code = fit_round(self, plan, &table, &states, err);
    if (code != CH_OK) {
        goto out;
    }
    say_states(course, &states);
    const ch_target_verdict verdict = ch_target_decide(course, &states);
    *is_over = verdict != CH_TARGET_GOES_ON;
    if (verdict == CH_TARGET_REACHED) {
        code = report_end(self, plan, course, err);
        goto out;
    }
    if (*is_over) {
        code = refuse_end(course, &states, err);
        code = self->is_dry ? say_end(err) : code;
        goto out;
    }
    code = ch_plan_set_data_sets(plan, course->num_sets, err);
    if (code != CH_OK) {
        goto out;
    }
    const ch_round_cost of_store = stored_cost(&table, self->threads);
    say_next(plan, course, before, cost->runs > 0 ? cost : &of_store);
out:
    ch_target_states_free(&states);
    ch_run_table_free(&table);
    return code;
}

ch_code ch_sweep_target_run(const ch_sweep_target *self, ch_plan *plan, ch_error *err)
{
    const size_t first = ch_plan_num_data_sets(plan);
    ch_target_course course = {.first = first, .limit = (size_t)self->limit, .num_sets = first};
    ch_round_cost cost = {0};
    bool is_over = false;
    while (!is_over) {
        const ch_code code = do_round(self, plan, &course, &cost, &is_over, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}
