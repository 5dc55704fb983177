/* text.c — the short report of a fit: the exponents beside theory, one `a` for each definition of T_c, and in a
 * sentence each where T_c lies. details.c has the rest. */
#include "core/text.h"
#include "core/page.h"
#include "fit/laws/critical.h"
#include "fit/numbers.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "fit/reports/rows.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ---- sentences ---- */

/* A sentence that is put together piece by piece. What does not fit is cut. */
typedef struct {
    char text[1024];
    size_t length;
} sentence;

__attribute__((format(printf, 2, 3))) static void add(sentence *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (self->length < sizeof self->text) {
        const int length = vsnprintf(self->text + self->length, sizeof self->text - self->length, format, args);
        self->length += length > 0 ? (size_t)length : 0;
    }
    va_end(args);
}

/* ---- exponents ---- */

enum { NAME_WIDTH = 17 }; /* a row then has 77 columns */

/* The definition of T_c whose `a` has this rank among exponents. */
static ch_tc_definition definition_of(size_t rank)
{
    ch_tc_definition d = 0;
    while (d < CH_NUM_TC && ch_tc_rule_of(d)->rank != rank) {
        d++;
    }
    return d;
}

static void print_exponents(const ch_fit_group *group, FILE *out)
{
    char name[64];
    if (group->num_exponents == 0) {
        return;
    }
    fputc('\n', out);
    ch_report_print_exponent_head("", NAME_WIDTH, out);
    for (size_t i = 0; i < group->num_exponents; i++) {
        const ch_fit_number_row *number = &ch_fit_numbers[group->exponents[i].number];
        if (!number->has_definition) {
            snprintf(name, sizeof name, "%s%*s%s", number->symbol, (int)(5 - ch_page_width(number->symbol)), "",
                     number->law);
            ch_report_print_exponent(name, NAME_WIDTH, &group->exponents[i], group->num_data_sets, out);
        }
    }
    const char *title = "  a    T_c ~ P^-a by\n";
    for (size_t rank = 0; rank < CH_NUM_TC; rank++) {
        const ch_tc_definition d = definition_of(rank);
        const ch_exponent *a = d < CH_NUM_TC ? ch_fit_best_a(group, d) : NULL;
        if (a != NULL) {
            fputs(title, out);
            title = "";
            snprintf(name, sizeof name, "     %s", ch_tc_definition_name(d));
            ch_report_print_exponent(name, NAME_WIDTH, a, group->num_data_sets, out);
        }
    }
}

/* ---- critical temperatures ---- */

/* The T_c of one definition that have the same place. */
typedef struct {
    const ch_tc *first, *last; /* by P */
    size_t count;
} tc_set;

static tc_set select_place(const ch_fit_group *group, const ch_tc *tc, ch_tc_place place)
{
    tc_set set = {0};
    for (size_t p = 0; p < group->num_trains; p++) {
        if (tc[p].place == place) {
            set.first = set.count++ == 0 ? &tc[p] : set.first;
            set.last = &tc[p];
        }
    }
    return set;
}

static void add_inside(sentence *text, const ch_tc *tc)
{
    add(text, "%.3g", tc->estimate.value);
    if (isfinite(tc->estimate.lo)) {
        add(text, " (%.3g…%.3g)", tc->estimate.lo, tc->estimate.hi);
    }
    if (isfinite(tc->expected)) {
        add(text, ", expected %.3g,", tc->expected);
    }
    add(text, " at P = %s", ch_show_count(tc->train).text);
}

/* Adds "under 2^-12, the lowest T, at 3 P".
 * @param which  the T that is the bound: "lowest" or "highest" */
static void add_bound(sentence *text, const char *word, const char *which, const tc_set *set)
{
    const bool is_one = set->first->estimate.value == set->last->estimate.value;
    if (is_one) {
        add(text, "; %s %s, the %s T, at ", word, ch_show_power(set->first->estimate.value).text, which);
    } else {
        add(text, "; %s the sampled T at ", word);
    }
    if (set->count == 1) {
        add(text, "P = %s", ch_show_count(set->first->train).text);
    } else {
        add(text, "%zu P", set->count);
    }
}

/* Adds at how many P noise hides T_c, and how many data sets would show it. */
static void add_unresolved(sentence *text, const tc_set *set)
{
    size_t least = SIZE_MAX, most = 0;
    for (const ch_tc *tc = set->first; tc <= set->last; tc++) {
        if (tc->place == CH_TC_UNRESOLVED) {
            least = tc->needed_sets < least ? tc->needed_sets : least;
            most = tc->needed_sets > most ? tc->needed_sets : most;
        }
    }
    add(text, "; not resolved at %zu P: against the noise it takes %zu", set->count, least);
    add(text, most > least ? " to %zu data sets" : " data sets", most);
}

/* Adds how `a` was found. */
static void add_method(sentence *text, const ch_fit_group *group, ch_tc_definition definition)
{
    const ch_exponent *a = ch_fit_best_a(group, definition);
    const ch_critical_law *law = &group->joint[definition];
    if (a == NULL && group->num_trains > 1) {
        add(text, "; no a");
    } else if (a != NULL && a->number == CH_FIT_A_SLOPE) {
        add(text, "; a from the T_c of each P by itself");
    } else if (a != NULL && law->num_outside > 0) {
        add(text, "; a is extrapolated: its T_c lie outside the sampled T at %zu of %zu P", law->num_outside,
            group->num_trains);
    } else if (a != NULL) {
        add(text, "; a from %zu P at once", law->num_trains);
    }
}

/* Whether there is something to say of T_c by one definition. A table without exponents has no T_c either, and its
 * notes say why. @param tc  [num_trains] by P */
static bool is_said(const ch_fit_group *group, const ch_tc *tc)
{
    const bool is_silent = ch_tc_rule_of(tc->definition)->is_optional || group->num_exponents == 0;
    return !is_silent || select_place(group, tc, CH_TC_NONE).count < group->num_trains;
}

static bool has_critical(const ch_fit_group *group)
{
    bool is_any = false;
    for (size_t i = 0; i < group->num_tc; i += group->num_trains) {
        is_any = is_any || is_said(group, &group->tc[i]);
    }
    return is_any;
}

/* Prints in one sentence where T_c lies by one definition.
 * @param tc  [num_trains] by P */
static void print_critical(const ch_fit *self, const ch_fit_group *group, const ch_tc *tc, FILE *out)
{
    const ch_tc_rule *rule = ch_tc_rule_of(tc->definition);
    const tc_set inside = select_place(group, tc, CH_TC_INSIDE), below = select_place(group, tc, CH_TC_BELOW),
                 above = select_place(group, tc, CH_TC_ABOVE), none = select_place(group, tc, CH_TC_NONE),
                 unresolved = select_place(group, tc, CH_TC_UNRESOLVED);
    char title[96];
    sentence text = {0}, places = {0};
    rule->describe(&self->options, title, sizeof title);
    if (inside.count > 0) {
        add(&places, "; ");
        add_inside(&places, inside.first);
    }
    if (inside.count > 1) {
        add(&places, inside.count > 2 ? " … " : ", ");
        add_inside(&places, inside.last);
    }
    if (below.count > 0) {
        add_bound(&places, "under", "lowest", &below);
    }
    if (above.count > 0) {
        add_bound(&places, "over", "highest", &above);
    }
    if (unresolved.count > 0) {
        add_unresolved(&places, &unresolved);
    }
    if (none.count == group->num_trains) {
        add(&places, "; not found, as %s", rule->needs);
    } else if (none.count > 0) {
        add(&places, "; not found at %zu P", none.count);
    }
    add_method(&places, group, tc->definition);
    add(&text, "%s:%s", title, places.text + 1); /* without the first semicolon */
    ch_page_wrapped(out, " ", text.text);
}

static void print_all_critical(const ch_fit *self, const ch_fit_group *group, FILE *out)
{
    fputc('\n', out);
    for (size_t rank = 0; rank < CH_NUM_TC; rank++) {
        for (size_t i = 0; i < group->num_tc; i += group->num_trains) { /* by (definition, P) */
            if (ch_tc_rule_of(group->tc[i].definition)->rank == rank && is_said(group, &group->tc[i])) {
                print_critical(self, group, &group->tc[i], out);
            }
        }
    }
}

/* ---- notes ---- */

static bool has_notes(const ch_fit_group *group)
{
    bool is_any = group->weight_residuals.num_outliers + group->time_residuals.num_outliers > 0 ||
                  group->weight_shapes.best != CH_SHAPE_POWER || group->time_shapes.best != CH_SHAPE_POWER;
    for (size_t i = 0; i < group->num_notes; i++) {
        is_any = is_any || !group->is_detail[i];
    }
    return is_any;
}

/* Prints how many runs stand out from a law, and whether a power is the best shape over P. */
static void print_findings(const ch_fit_group *group, FILE *out)
{
    const struct {
        const char *symbol;
        const ch_residuals *residuals;
        const ch_shapes *shapes;
    } laws[] = {{"‖Δw‖", &group->weight_residuals, &group->weight_shapes},
                {"t*", &group->time_residuals, &group->time_shapes}};
    for (size_t k = 0; k < sizeof laws / sizeof *laws; k++) {
        sentence text = {0};
        const ch_shapes *shapes = laws[k].shapes;
        if (laws[k].residuals->num_outliers > 0) {
            add(&text, "%zu of %zu runs stand out from the law of %s (--details)", laws[k].residuals->num_outliers,
                laws[k].residuals->num_tested, laws[k].symbol);
            ch_page_wrapped(out, "  ·", text.text);
        }
        if (shapes->fits[CH_SHAPE_POWER].found && shapes->best != CH_SHAPE_POWER) {
            text = (sentence){0};
            add(&text, "%s over P is no power: a %s one fits better, with the exponent %.3g at large P (--details)",
                laws[k].symbol, ch_trend_shape_name(shapes->best), shapes->fits[shapes->best].exponent);
            ch_page_wrapped(out, "  ·", text.text);
        }
    }
}

static void print_notes(const ch_fit_group *group, FILE *out)
{
    for (size_t i = 0; i < group->num_notes; i++) {
        if (!group->is_detail[i]) {
            ch_page_wrapped(out, "  ·", group->notes[i]);
        }
    }
}

static void print_group(const ch_fit *self, const ch_fit_group *group, FILE *out)
{
    ch_report_print_heading(self, group, out);
    if (!isnan(group->window_lo)) {
        fputs("  power laws over ", out);
        ch_report_print_temps(group->window_lo, group->window_hi, group->window_temps, out);
        fputc('\n', out);
    }
    ch_report_print_excluded(group, out);
    print_exponents(group, out);
    ch_report_print_chi(group, out);
    if (has_critical(group)) {
        print_all_critical(self, group, out);
    }
    if (has_notes(group)) {
        fputc('\n', out);
    }
    print_findings(group, out);
    print_notes(group, out);
    fputc('\n', out);
}

/* Says what the definitions of T_c mean. */
static void print_definitions(const ch_fit *self, FILE *out)
{
    sentence text = {0};
    add(&text,
        "T_c is the T at which ‖Δw‖ leaves its plateau (onset); at which ‖Δw‖ reaches %.4g ‖w₀‖ (escape); at which the "
        "test error differs by %g %% from that at low T (error_shift), or lies half-way between those at low and at "
        "high T (error_half).",
        self->options.threshold, 100 * self->options.shift);
    ch_page_wrapped(out, " ", text.text);
}

void ch_fit_print(const ch_fit *self, FILE *out)
{
    size_t details = 0;
    bool has_exponents = false, has_errors = false, has_tc = false;
    for (size_t g = 0; g < self->num_groups; g++) {
        const ch_fit_group *group = &self->groups[g];
        print_group(self, group, out);
        has_exponents = has_exponents || group->num_exponents > 0;
        has_errors = has_errors || (group->num_exponents > 0 && group->num_data_sets > 1);
        has_tc = has_tc || has_critical(group);
        for (size_t i = 0; i < group->num_notes; i++) {
            details += group->is_detail[i];
        }
    }
    sentence text = {0};
    if (has_exponents) {
        fputs("  Exponents are effective ones over these P. Theory's are those of large P;\n"
              "  expected are those that it gives at these P, d and T, from which an estimate\n"
              "  is off.",
              out);
        if (has_errors) {
            fprintf(out, " Errors: %zu bootstrap replicas of the data sets, Student's t.", self->options.replicas);
        }
        fputc('\n', out);
    }
    if (has_tc) {
        print_definitions(self, out);
    }
    add(&text, "--details: T_c at every P, other ways to a, shapes over P, correlations, outliers");
    if (details > 0) {
        add(&text, ", %zu more note%s", details, details == 1 ? "" : "s");
    }
    ch_page_wrapped(out, " ", text.text);
}
