/* sweep_bisect.c — a sweep that adds temperatures near the border of divergence until it is known in every group of its
 * runs. */
#include "cli/sweep_bisect.h"
#include "cli/page.h"
#include "cli/sweep_rounds.h"
#include "core/text.h"
#include "sim/sweep/border.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- before the first round ---- */

ch_code ch_sweep_bisect_parse(ch_sweep_bisect *self, const char *text, ch_error *err)
{
    static const char WORD[] = "diverged";
    static const double USUAL_FACTOR = 1.2, LEAST_FACTOR = 1.001, MOST_FACTOR = 2;
    const size_t length = strlen(WORD);
    const bool is_known = strncmp(text, WORD, length) == 0;
    self->factor = USUAL_FACTOR;
    if (is_known && text[length] == '\0') {
        return CH_OK;
    }
    ch_number number;
    const bool is_read = is_known && text[length] == '=' && ch_number_parse(&number, text + length + 1);
    if (is_read && number.value >= LEAST_FACTOR && number.value <= MOST_FACTOR) {
        self->factor = number.value;
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "--bisect is '%s'; accepted is diverged, the border above which half of the runs diverge, or "
                        "with the ratio of T that it is to lie in, from %g to %g, as diverged=1.1; %g is usual",
                        ch_show(text).text, LEAST_FACTOR, MOST_FACTOR, USUAL_FACTOR);
}

ch_code ch_sweep_bisect_admit(ch_sweep_bisect *self, const ch_plan *plan, ch_error *err)
{
    enum { USUAL_LIMIT = 16, MOST_LIMIT = 1000 };
    ch_border_list borders;
    if (plan->num_parts > 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "--bisect does not go with --part: which T are added is seen from all parts; do the parts "
                            "first, merge them, and sweep into the merged store with --bisect");
    }
    if (self->limit != LONG_MIN && (self->limit < 1 || self->limit > MOST_LIMIT)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "limit is %ld temperatures that are added to a group; accepted are 1 to %d", self->limit,
                            MOST_LIMIT);
    }
    self->limit = self->limit != LONG_MIN ? self->limit : USUAL_LIMIT;
    const ch_code code = ch_border_list_init(&borders, plan, self->factor, (size_t)self->limit, err);
    ch_border_list_free(&borders);
    return code;
}

/* ---- what is said ---- */

/* How many groups have a border, and how many are given up. */
typedef struct {
    size_t found, lost, added; /* the last counts the T that were added to all groups */
} tally;

/* Whether the border lies in a narrow step; its error may still need further T. */
static bool is_found(const ch_border_group *group)
{
    return group->state == CH_BORDER_FOUND || group->state == CH_BORDER_LOW_END || group->state == CH_BORDER_HIGH_END;
}

static tally count_groups(const ch_border_list *borders)
{
    tally counts = {0};
    for (size_t g = 0; g < borders->num_groups; g++) {
        const ch_border_group *group = &borders->groups[g];
        counts.found += is_found(group);
        counts.lost += ch_border_is_lost(borders, group);
        counts.added += group->num_added;
    }
    return counts;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* The name of what is added to a group: "temp" or "rate". */
static const char *name_of(const ch_border_list *borders, const ch_border_group *group)
{
    return ch_settings_table[ch_border_setting(borders->plan, group->run)].name;
}

/* Writes why a group is given up before the limit: "; all runs at temp = 3 failed". */
static void write_obstacle(const ch_border_group *group, const char *name, char *text, size_t size)
{
    if (group->obstacle == CH_BORDER_REFUSED) {
        snprintf(text, size, ", and the next one, %s = %.4g, is not accepted", name, group->next);
    } else if (group->obstacle == CH_BORDER_ALL_FAILED) {
        snprintf(text, size, ", and all runs at the next one, %s = %.4g, failed", name, group->next);
    }
}

/* Writes why a group has no border: "alpha = 4: under half of the runs diverged up to temp = 8". */
static void write_lost(const ch_border_list *borders, const ch_border_group *group, char *text, size_t size)
{
    char label[128], obstacle[96] = "";
    const char *name = name_of(borders, group);
    const ch_border_point *points = group->points;
    ch_border_label(borders, group, label, sizeof label);
    write_obstacle(group, name, obstacle, sizeof obstacle);
    switch (group->state) {
    case CH_BORDER_ABOVE:
        snprintf(text, size, "%.100s: under half of the runs diverged up to %s = %.4g%s", label, name,
                 points[group->lo].value, obstacle);
        break;
    case CH_BORDER_BELOW:
        snprintf(text, size, "%.100s: half of the runs or more diverged down to %s = %.4g%s", label, name,
                 points[group->hi].value, obstacle);
        break;
    case CH_BORDER_WITHOUT_RUNS:
        snprintf(text, size, "%.100s: there are no runs", label);
        break;
    default:
        snprintf(text, size, "%.100s: between %s = %.4g and %.4g%s", label, name, points[group->lo].value,
                 points[group->hi].value, obstacle);
    }
}

static void say_round(const ch_border_list *borders)
{
    const tally counts = count_groups(borders);
    fprintf(stderr, "border of divergence within a factor %g in %zu of %zu group%s", borders->factor, counts.found,
            borders->num_groups, plural(borders->num_groups));
    if (counts.lost > 0) {
        fprintf(stderr, "; %zu given up", counts.lost);
    }
    fputc('\n', stderr);
}

static void say_next(const ch_border_list *borders, size_t num_grown, uint64_t runs_before, const ch_round_cost *cost)
{
    const uint64_t runs = borders->added.num_runs - runs_before;
    fprintf(stderr, "next: one temperature more in %zu group%s, %" PRIu64 " run%s%s\n", num_grown, plural(num_grown),
            runs, plural((size_t)runs), ch_round_show_cost(cost, runs).text);
}

/* The error of a sweep that has groups without a border, with the first of them. */
static ch_code refuse_end(const ch_border_list *borders, ch_error *err)
{
    enum { SHOWN = 3 };
    char list[640] = "";
    size_t used = 0, num_open = 0, at_limit = 0;
    for (size_t g = 0; g < borders->num_groups; g++) {
        const ch_border_group *group = &borders->groups[g];
        if (is_found(group)) {
            continue;
        }
        at_limit += group->num_added >= borders->limit;
        if (num_open++ < SHOWN && used < sizeof list) {
            char lost[320];
            write_lost(borders, group, lost, sizeof lost);
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? "; " : "", lost);
        }
    }
    return ch_error_set(err, CH_ERROR_NUMERIC, "border of divergence not found in %zu of %zu group%s%s: %s%s", num_open,
                        borders->num_groups, plural(borders->num_groups),
                        at_limit > 0 ? " with as many temperatures as the limit adds (a larger --limit goes on from "
                                       "here)"
                                     : "",
                        list, num_open > SHOWN ? "; …" : "");
}

/* Prints between which T the border of each group lies, of the first that have one. */
static void print_borders(FILE *out, const ch_border_list *borders)
{
    enum { SHOWN = 20 };
    size_t num_found = 0;
    for (size_t g = 0; g < borders->num_groups; g++) {
        const ch_border_group *group = &borders->groups[g];
        if (!is_found(group) || num_found++ >= SHOWN) {
            continue;
        }
        char label[256];
        ch_border_label(borders, group, label, sizeof label);
        fprintf(out, "%s: the border lies between %s = %.4g and %.4g\n", label, name_of(borders, group),
                group->points[group->lo].value, group->points[group->hi].value);
    }
    if (num_found > SHOWN) {
        fprintf(out, "… and of %zu group%s more: chiton fit lists T_max\n", num_found - SHOWN,
                plural(num_found - SHOWN));
    }
}

/* Prints what the borders have come to, with one line for all where each is found. */
static ch_code report_end(const ch_sweep_bisect *self, const ch_border_list *borders, ch_error *err)
{
    ch_cli_page page;
    const tally counts = count_groups(borders);
    const ch_code code = ch_cli_page_open(&page, err);
    if (code != CH_OK) {
        return code;
    }
    if (counts.found == borders->num_groups) {
        ch_text_print(self->store, page.out);
        fprintf(page.out, ": border of divergence within a factor %g in ", borders->factor);
        if (borders->num_groups == 1) {
            fputs("the one group", page.out);
        } else {
            fprintf(page.out, "all %zu groups", borders->num_groups);
        }
        fprintf(page.out, "; %zu temperature%s added, %" PRIu64 " run%s\n", counts.added, plural(counts.added),
                borders->added.num_runs, plural((size_t)borders->added.num_runs));
    }
    print_borders(page.out, borders);
    return ch_cli_page_close(&page, err);
}

/* Says how far a dry run goes at most. */
static ch_code report_dry(const ch_border_list *borders, ch_error *err)
{
    uint64_t points = 0;
    for (size_t g = 0; g < borders->num_groups; g++) {
        points += borders->groups[g].num_points - borders->groups[g].num_added;
    }
    const double seeds = (double)borders->plan->num_runs / (double)points;
    printf("bisection adds at most %zu temperature%s to each of %zu group%s, or %.0f runs\n", borders->limit,
           plural(borders->limit), borders->num_groups, plural(borders->num_groups),
           seeds * (double)borders->limit * (double)borders->num_groups);
    return ch_cli_flush(err);
}

/* ---- a round ---- */

/* Looks at the runs in the store. Without a store there are none.
 * @param is_whole  out: whether all are there */
static ch_code look(const ch_sweep_bisect *self, ch_border_list *borders, bool *is_whole, ch_error *err)
{
    ch_store store;
    *is_whole = false;
    if (self->store == NULL || (self->is_dry && access(self->store, F_OK) != 0)) {
        return CH_OK;
    }
    ch_code code = ch_store_open(&store, self->store, CH_STORE_READ, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_border_look(borders, &store, is_whole, err);
out:
    ch_store_close(&store);
    return code;
}

/* Makes the runs of a round where some are missing, and looks at all.
 * @param plan     the user's plan, or the added runs
 * @param is_over  out: a dry run has come to runs that are missing */
static ch_code make_round(const ch_sweep_bisect *self, const ch_plan *plan, ch_border_list *borders,
                          ch_round_cost *cost, bool *is_over, ch_error *err)
{
    ch_sweep_counts counts = {0};
    bool is_whole = false;
    ch_code code = CH_OK;
    if (!self->is_dry) {
        code = self->sweep(self->context, plan, &counts, err);
        if (code != CH_OK) {
            return code;
        }
        ch_round_cost_add(cost, &counts);
        return look(self, borders, &is_whole, err);
    }
    code = look(self, borders, &is_whole, err);
    if (code != CH_OK || is_whole) {
        return code;
    }
    *is_over = true;
    if (plan == borders->plan) {
        code = self->sweep(self->context, plan, &counts, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return report_dry(borders, err);
}

/* Makes a round, says what was found and adds what is next.
 * @param plan     the runs of this round; out: those of the next
 * @param is_over  out: whether this was the last round */
static ch_code do_round(const ch_sweep_bisect *self, const ch_plan **plan, ch_border_list *borders, ch_round_cost *cost,
                        bool *is_over, ch_error *err)
{
    size_t num_grown = 0;
    ch_code code = make_round(self, *plan, borders, cost, is_over, err);
    if (code != CH_OK || *is_over) {
        return code;
    }
    say_round(borders);
    const uint64_t before = borders->added.num_blocks > 0 ? borders->added.num_runs : 0;
    code = ch_border_grow(borders, &num_grown, err);
    if (code != CH_OK) {
        return code;
    }
    if (num_grown > 0) {
        *plan = &borders->added;
        say_next(borders, num_grown, before, cost);
        return CH_OK;
    }
    *is_over = true;
    code = report_end(self, borders, err);
    if (code != CH_OK || count_groups(borders).found == borders->num_groups) {
        return code;
    }
    code = refuse_end(borders, err);
    if (self->is_dry) { /* nothing has failed in a dry run */
        fprintf(stderr, "%s\n", err->message);
        return CH_OK;
    }
    return code;
}

ch_code ch_sweep_bisect_run(const ch_sweep_bisect *self, const ch_plan *plan, ch_error *err)
{
    ch_border_list borders;
    ch_round_cost cost = {0};
    bool is_over = false;
    ch_code code = ch_border_list_init(&borders, plan, self->factor, (size_t)self->limit, err);
    while (code == CH_OK && !is_over) {
        code = do_round(self, &plan, &borders, &cost, &is_over, err);
    }
    ch_border_list_free(&borders);
    return code;
}
