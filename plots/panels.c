/* panels.c — what panels (a) to (e) of a group's page show. */
#include "fit/numbers.h"
#include "perceptron/online.h"
#include "plots/error_panel.h"
#include "plots/expected.h"
#include "plots/overview.h"
#include "plots/panel_rows.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define THEORY_STYLE "linewidth 1.3 dashtype (6,4) linecolor rgb '#505050'"
#define FIT_STYLE    "linewidth 1.1 linecolor rgb '#000000'"

static double theory_of(const ch_fit_group *group, ch_fit_number number)
{
    const ch_exponent *e = ch_fit_find_exponent(group, number, CH_NUM_TC);
    return e != NULL ? e->theory : NAN;
}

static double power_law_at(const ch_power_law *law, double temp, double train)
{
    return exp(ch_power_law_log(law, temp, train));
}

static bool has_window(const ch_fit_group *group)
{
    return group->window_lo > 0 && group->window_hi > group->window_lo;
}

/* The T at which the plateau of gradient descent ends: the geometric mean over P of T_c by onset. It is NaN where no
 * T_c is known. */
static double mean_onset(const ch_fit_group *group)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == CH_TC_ONSET && tc->place == CH_TC_INSIDE) {
            sum += log(tc->estimate.value);
            count++;
        }
    }
    return count > 0 ? exp(sum / (double)count) : NAN;
}

/* Draws the fitted power of P at a T of the window, where there is one, and above it that of theory. */
static void draw_powers_of_train(ch_panel *panel, const ch_fit_group *group, const ch_power_law *law, double temp,
                                 double theory)
{
    if (group->num_trains < 2 || !isfinite(law->train_exponent)) {
        return;
    }
    const double from = (double)group->trains[0], to = (double)group->trains[group->num_trains - 1];
    const double start = power_law_at(law, temp, from);
    char text[64] = "fit ";
    ch_power_text("P", law->train_exponent, text + strlen(text), sizeof text - strlen(text));
    ch_panel_power(panel, from, to, start, law->train_exponent, FIT_STYLE, text);
    snprintf(text, sizeof text, "theory ");
    ch_power_text("P", theory, text + strlen(text), sizeof text - strlen(text));
    ch_panel_power(panel, from, to, ch_panel_lift(panel) * start, theory, THEORY_STYLE, text);
}

/* (a) where there is one T: ||Dw|| against P. */
static ch_code draw_weight_change_over_train(const ch_overview *overview, ch_panel *panel, ch_error *err)
{
    const ch_fit_group *group = overview->group;
    const double temp = group->temps[0];
    const ch_mark mark = ch_mark_of(CH_RAMP_TEMP, 0, 1, true);
    char number[64], text[80];
    ch_expected_over_train(panel, group, temp, offsetof(ch_finite_end, weight_change), mark.colour);
    ch_number_text(temp, number, sizeof number);
    snprintf(text, sizeof text, "T = %s", number);
    ch_panel_curve(panel, &overview->weight_change, 0, temp, 1, mark, text);
    if (ch_expects(group)) {
        ch_expected_key(panel, "expected");
    }
    draw_powers_of_train(panel, group, &group->weight_change, temp, theory_of(group, CH_FIT_GAMMA));
    return ch_panel_finish(panel, "training samples P", "weight change ‖Δw‖", CH_SCALE_BINARY,
                           "no data: no run has a value above 0", err);
}

/* (a) ||Dw|| against T, a curve for every P. Theory's slope is drawn above the curve of the largest P. */
static ch_code draw_weight_change(const ch_overview *overview, ch_panel *panel, ch_error *err)
{
    const ch_fit_group *group = overview->group;
    if (group->num_temps == 1 && group->num_trains > 1) {
        return draw_weight_change_over_train(overview, panel, err);
    }
    const double slope = theory_of(group, CH_FIT_DELTA);
    for (size_t i = 0; i < group->num_trains; i++) {
        ch_expected_over_temp(panel, group, i, offsetof(ch_finite_end, weight_change),
                              ch_mark_of(CH_RAMP_TRAIN, i, group->num_trains, true).colour);
    }
    for (size_t i = 0; i < group->num_trains; i++) {
        ch_panel_curve(panel, &overview->weight_change, group->trains[i], NAN, 1,
                       ch_mark_of(CH_RAMP_TRAIN, i, group->num_trains, true), NULL);
    }
    if (has_window(group) && group->num_trains > 0) {
        const double train = (double)group->trains[group->num_trains - 1];
        char text[64] = "theory ";
        ch_power_text("T", slope, text + strlen(text), sizeof text - strlen(text));
        ch_panel_power(panel, group->window_lo, group->window_hi,
                       ch_panel_lift(panel) * power_law_at(&group->weight_change, group->window_lo, train), slope,
                       THEORY_STYLE, text);
    }
    ch_panel_shade(panel, group->window_lo, group->window_hi, "fit window");
    ch_panel_vertical(panel, mean_onset(group), "onset T_c");
    if (ch_expects(group) && group->num_temps > 1) {
        ch_expected_key(panel, "expected at this P and d");
    }
    return ch_panel_finish(panel, "temperature T", "weight change ‖Δw‖", CH_SCALE_POWERS,
                           "no data: no run has a value above 0", err);
}

/* (b) ||Dw|| P^-gamma against T: the curves of all P fall on A T^delta where the joint law holds. */
static ch_code draw_collapse(const ch_overview *overview, ch_panel *panel, ch_error *err)
{
    const ch_fit_group *group = overview->group;
    const ch_power_law *law = &group->weight_change;
    const ch_exponent *gamma = ch_fit_find_exponent(group, CH_FIT_GAMMA, CH_NUM_TC);
    char label[96] = "‖Δw‖ ", text[64] = "fit ";
    if (gamma != NULL && isfinite(gamma->estimate.value)) {
        ch_power_text("P", -gamma->estimate.value, label + strlen(label), sizeof label - strlen(label));
        for (size_t i = 0; i < group->num_trains; i++) {
            ch_panel_curve(panel, &overview->weight_change, group->trains[i], NAN,
                           pow((double)group->trains[i], -gamma->estimate.value),
                           ch_mark_of(CH_RAMP_TRAIN, i, group->num_trains, true), NULL);
        }
        if (has_window(group)) {
            ch_power_text("T", law->temp_exponent, text + strlen(text), sizeof text - strlen(text));
            ch_panel_power(panel, group->window_lo, group->window_hi, power_law_at(law, group->window_lo, 1),
                           law->temp_exponent, FIT_STYLE, text);
        }
        ch_panel_shade(panel, group->window_lo, group->window_hi, "fit window");
    }
    return ch_panel_finish(panel, "temperature T", label, CH_SCALE_POWERS, "no data: the collapse needs a fitted γ",
                           err);
}

enum { MAX_TEMPS = 4 };

/* Chooses MAX_TEMPS of the temperatures at most, evenly spaced in the list, the first and last among them. */
static size_t choose_temps(const ch_fit_group *group, double temps[MAX_TEMPS])
{
    const size_t count = group->num_temps < MAX_TEMPS ? group->num_temps : MAX_TEMPS;
    for (size_t i = 0; i < count; i++) {
        temps[i] = group->temps[count > 1 ? i * (group->num_temps - 1) / (count - 1) : 0];
    }
    return count;
}

/* (c) t* against P, a curve for some of the T. The fitted power of P and that of theory are drawn beside the curve of
 * the largest T of the window. */
static ch_code draw_time(const ch_overview *overview, ch_panel *panel, ch_error *err)
{
    const ch_fit_group *group = overview->group;
    double temps[MAX_TEMPS];
    const size_t count = choose_temps(group, temps);
    double guided = NAN;
    for (size_t i = 0; i < count; i++) {
        ch_expected_over_train(panel, group, temps[i], offsetof(ch_finite_end, time),
                               ch_mark_of(CH_RAMP_TEMP, i, count, true).colour);
    }
    for (size_t i = 0; i < count; i++) {
        char number[64], text[80];
        ch_number_text(temps[i], number, sizeof number);
        snprintf(text, sizeof text, "%s%s", i == 0 ? "T = " : "", number);
        ch_panel_curve(panel, &overview->time, 0, temps[i], 1, ch_mark_of(CH_RAMP_TEMP, i, count, true), text);
        if (has_window(group) && temps[i] >= group->window_lo && temps[i] <= group->window_hi) {
            guided = temps[i];
        }
    }
    if (!isnan(guided)) {
        draw_powers_of_train(panel, group, &group->time, guided, theory_of(group, CH_FIT_B));
    }
    return ch_panel_finish(panel, "training samples P", "training time t*", CH_SCALE_BINARY,
                           "no data: no run has a value above 0", err);
}

/* The mark of T_c for each definition. There are spare marks for definitions that may be added. */
static const ch_mark definition_marks[] = {{0x0072b2, 7}, {0xd55e00, 5},  {0x009e73, 13},
                                           {0xcc79a7, 9}, {0xe69f00, 11}, {0x56b4e9, 15}};
_Static_assert(CH_NUM_TC <= sizeof definition_marks / sizeof *definition_marks, "every definition of T_c has a mark");

/* Whether the T_c of a definition are drawn. Those by the test error are drawn only where a power of P could be fitted
 * to them. Else they are too uncertain, and stand in the report alone. The key has room for one of the two: half-way is
 * drawn where there is no power of the other. */
static bool is_drawn(const ch_fit_group *group, ch_tc_definition definition)
{
    const bool has_shift = ch_fit_best_a(group, CH_TC_ERROR_SHIFT) != NULL;
    switch (definition) {
    case CH_TC_ERROR_SHIFT:
        return has_shift;
    case CH_TC_ERROR_HALF:
        return !has_shift && ch_fit_best_a(group, CH_TC_ERROR_HALF) != NULL;
    default:
        return true;
    }
}

/* Draws T_c = c P^-a over the P that the points span. The line goes through the centre of the points,
 * ln c = mean(ln T_c + a ln P).
 * @param with_theory  whether the key names theory; with three definitions the key has no room for it */
static void draw_tc_fit(const ch_fit_group *group, ch_panel *panel, ch_tc_definition definition, bool with_theory)
{
    const ch_exponent *a = ch_fit_best_a(group, definition);
    double sum = 0, from = NAN, to = NAN;
    size_t count = 0;
    for (size_t i = 0; a != NULL && i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == definition && tc->place == CH_TC_INSIDE && tc->estimate.value > 0) {
            sum += log(tc->estimate.value) + a->estimate.value * log((double)tc->train);
            from = fmin(from, (double)tc->train);
            to = fmax(to, (double)tc->train);
            count++;
        }
    }
    if (count > 1 && isfinite(sum)) {
        const double start = exp(sum / (double)count) * pow(from, -a->estimate.value);
        char style[80], text[64] = "fit ";
        snprintf(style, sizeof style, "linewidth 1.1 linecolor rgb '#%06x'", definition_marks[definition].colour);
        ch_power_text("P", -a->estimate.value, text + strlen(text), sizeof text - strlen(text));
        ch_panel_power(panel, from, to, start, -a->estimate.value, style, text);
        if (isfinite(a->theory)) {
            snprintf(text, sizeof text, "theory ");
            ch_power_text("P", -a->theory, text + strlen(text), sizeof text - strlen(text));
            ch_panel_power(panel, from, to, start * ch_panel_lift(panel), -a->theory, THEORY_STYLE,
                           with_theory ? text : NULL);
        }
    }
}

/* (d) T_c against P by every definition, bounds as open triangles. */
static ch_code draw_tc(const ch_overview *overview, ch_panel *panel, ch_error *err)
{
    const ch_fit_group *group = overview->group;
    for (ch_tc_definition d = 0; d < CH_NUM_TC; d++) {
        bool any = false;
        if (is_drawn(group, d)) {
            ch_expected_tc(panel, group, d, definition_marks[d].colour);
        }
        for (size_t i = 0; i < group->num_tc && is_drawn(group, d); i++) {
            const ch_tc *tc = &group->tc[i];
            ch_mark mark = definition_marks[d];
            if (tc->definition != d || !(tc->estimate.value > 0)) {
                continue;
            }
            const char *shows = tc->place == CH_TC_INSIDE ? "tc" : tc->place == CH_TC_ABOVE ? "tc above" : "tc below";
            ch_panel_describe(panel, shows, "%s", ch_tc_definition_name(d));
            if (tc->place == CH_TC_INSIDE) {
                ch_panel_point(panel, (double)tc->train, tc->estimate.value, tc->estimate.lo, tc->estimate.hi, mark);
            } else {
                mark.point = tc->place == CH_TC_ABOVE ? CH_POINT_LOWER_BOUND : CH_POINT_UPPER_BOUND;
                ch_panel_point(panel, (double)tc->train, tc->estimate.value, NAN, NAN, mark);
            }
            any = true;
        }
        if (any) {
            char name[64];
            ch_name_text(ch_tc_definition_name(d), name, sizeof name);
            ch_panel_key(panel, NULL, &definition_marks[d], name);
            draw_tc_fit(group, panel, d, !is_drawn(group, CH_TC_ERROR_SHIFT) && !is_drawn(group, CH_TC_ERROR_HALF));
        }
    }
    return ch_panel_finish(panel, "training samples P", "critical temperature T_c", CH_SCALE_BINARY,
                           "no data: no critical temperature was found", err);
}

/* What theory gives the noise while it dominates, r* = T sqrt(d) n_chi sqrt(pi/2), and the signal at the end of
 * training with the largest P, s* = lambda* r*. */
static ch_code draw_predictions(const ch_fit_group *group, ch_panel *panel, ch_error *err)
{
    const bool window = has_window(group);
    const double lo = window ? group->window_lo : group->temps[0];
    const double hi = window ? group->window_hi : group->temps[group->num_temps - 1];
    const ch_online_setup setup = {.chi = group->key.chi,
                                   .dim = (size_t)group->key.dim,
                                   .kappa = 1 / group->key.alpha,
                                   .temp = lo,
                                   .rate = lo * (double)group->key.batch};
    ch_online_prediction prediction;
    const ch_code code = ch_online_predict(&prediction, &setup, (double)group->trains[group->num_trains - 1], err);
    if (code != CH_OK) {
        return code;
    }
    ch_panel_power(panel, lo, hi, prediction.noise, 1, "linewidth 1.2 dashtype (2,3) linecolor rgb '#505050'",
                   "theory r*");
    ch_panel_power(panel, lo, hi, prediction.signal, 1, THEORY_STYLE, "theory s*");
    return CH_OK;
}

/* (e) signal (filled) and noise (open) against T for the smallest and the largest P. */
static ch_code draw_signal_noise(const ch_overview *overview, ch_panel *panel, ch_error *err)
{
    const ch_fit_group *group = overview->group;
    const size_t step = group->num_trains > 1 ? group->num_trains - 1 : 1;
    for (size_t i = 0; i < group->num_trains; i += step) {
        const unsigned colour = ch_mark_of(CH_RAMP_TRAIN, i, group->num_trains, true).colour;
        ch_expected_over_temp(panel, group, i, offsetof(ch_finite_end, signal), colour);
        ch_expected_over_temp(panel, group, i, offsetof(ch_finite_end, noise), colour);
    }
    for (size_t i = 0; i < group->num_trains; i += step) {
        panel->shows_cells = "signal";
        ch_panel_curve(panel, &overview->signal, group->trains[i], NAN, 1,
                       ch_mark_of(CH_RAMP_TRAIN, i, group->num_trains, true), NULL);
        panel->shows_cells = "noise";
        ch_panel_curve(panel, &overview->noise, group->trains[i], NAN, 1,
                       ch_mark_of(CH_RAMP_TRAIN, i, group->num_trains, false), NULL);
    }
    if (!ch_axis_is_empty(&panel->y)) {
        ch_panel_key(panel, NULL, &(ch_mark){0, 7}, "signal s");
        ch_panel_key(panel, NULL, &(ch_mark){0, 6}, "noise r");
        if (group->key.model == CH_ARCH_PERCEPTRON && ch_settings_has_theory(&group->key) &&
            group->key.batch != 0) { /* the full batch has no such noise */
            const ch_code code = draw_predictions(group, panel, err);
            if (code != CH_OK) {
                return code;
            }
        }
        if (ch_expects(group) && group->num_temps > 1) {
            ch_expected_key(panel, "expected");
        }
    }
    return ch_panel_finish(panel, "temperature T", "signal s, noise r", CH_SCALE_POWERS,
                           "no data: no run has a value above 0", err);
}

/* (e) signal and noise where there is a teacher's direction to measure along; else the test error. */
static ch_code draw_last(const ch_overview *overview, ch_panel *panel, ch_error *err)
{
    const ch_settings *key = &overview->group->key;
    if ((ch_settings_is_network(key) || ch_settings_has_pool(key)) && overview->signal.count == 0) {
        return ch_error_panel_draw(overview->group, panel, err);
    }
    return draw_signal_noise(overview, panel, err);
}

ch_code ch_overview_draw_panel(const ch_overview *self, size_t index, ch_panel *panel, ch_error *err)
{
    static ch_code (*const draw[CH_OVERVIEW_PANELS])(const ch_overview *overview, ch_panel *panel, ch_error *err) = {
        draw_weight_change, draw_collapse, draw_time, draw_tc, draw_last};
    return draw[index](self, panel, err);
}
