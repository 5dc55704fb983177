/* numbers.c — a figure of numbers of a fit: one for every group, against a setting or another number. */
#include "plots/chart_key.h"
#include "plots/chart_words.h"

#include "core/memory.h"
#include "perceptron/perceptron.h"
#include "plots/page.h"
#include "plots/panel_rows.h"
#include "sim/settings/reals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

static ch_code find_number(const char *text, const char *axis, const ch_fit_name **name, ch_error *err)
{
    *name = ch_fit_name_find(strcmp(text, "density_chi") == 0 ? "chi_density" : text);
    if (*name == NULL) {
        char list[704];
        ch_fit_name_list(list, sizeof list);
        return ch_error_set(err, CH_ERROR_INPUT, "--%s is %s, but must be a setting, or a number of a fit: %s", axis,
                            text, list);
    }
    if ((*name)->which == CH_NUM_TC && ((*name)->kind == CH_NAMED_A || (*name)->kind == CH_NAMED_TC)) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "--%s is %s, of which there is one for every definition of T_c: choose %s_onset, %s_escape, "
            "%s_error_shift or %s_error_half",
            axis, text, text, text, text, text);
    }
    return CH_OK;
}

/* Whether the numbers of a group can be told apart by a setting: its runs share it, or it is the P or alpha of one. */
static bool is_of_groups(size_t setting)
{
    return setting < CH_SETTINGS_STORED && (ch_fit_is_key(setting) || setting == CH_SETTING_TRAIN);
}

ch_code ch_number_chart_parse(ch_number_chart *chart, const char *x, const char *y, ch_error *err)
{
    *chart = (ch_number_chart){.x = CH_SETTINGS_STORED, .by = CH_SETTINGS_STORED};
    ch_code code = find_number(y, "y", &chart->y, err);
    if (code != CH_OK) {
        return code;
    }
    if (ch_settings_find(x, &chart->x, NULL) != CH_OK) {
        chart->x = CH_SETTINGS_STORED;
        code = find_number(x, "x", &chart->x_number, err);
        if (code != CH_OK) {
            return code;
        }
        if ((chart->x_number->kind == CH_NAMED_PHASE) != (chart->y->kind == CH_NAMED_PHASE)) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "--x %s and --y %s have nothing in common: one is a number of groups, and the other of "
                                "phase diagrams",
                                x, y);
        }
        return CH_OK;
    }
    const ch_type type = ch_settings_table[chart->x].type;
    if (!is_of_groups(chart->x) || (type != CH_TYPE_REAL && type != CH_TYPE_COUNT)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "--x is %s, but %s is a number of all runs of a group: its x must be a setting that they "
                            "share and that is a number, such as chi or dim, train for a number at each P, or another "
                            "number of the fit",
                            x, y);
    }
    return CH_OK;
}

/* ---- points ---- */

/* A number, and where it stands. */
typedef struct {
    ch_settings at; /* its settings: with the P and alpha that it is of */
    ch_estimate x;  /* without an interval where it is a setting */
    ch_named_number y;
    size_t curve;
} mark;

typedef struct {
    const ch_number_chart *chart;
    mark *marks; /* [num_marks] by curve and x; owned */
    size_t num_marks;
    ch_settings curves[CH_CHART_MOST_CURVES]; /* [num_curves] settings of each, ascending in `by` */
    size_t num_curves;
    size_t num_left_out;
    bool log_x, log_y; /* the axes */
} content;

static ch_settings settings_of(const ch_named_number *number)
{
    ch_settings settings = *number->key;
    settings.train = number->train; /* 0 for a number of all P */
    if (isfinite(number->alpha)) {
        settings.alpha = number->alpha;
    }
    return settings;
}

static double real_of(const ch_settings *settings, size_t setting)
{
    const ch_value value = ch_settings_get(settings, setting);
    const bool is_real = ch_settings_table[setting].type == CH_TYPE_REAL;
    if (!ch_setting_applies(settings, setting) || (setting == CH_SETTING_TRAIN && settings->train == 0)) {
        return NAN;
    }
    return is_real ? value.real : (double)value.count;
}

/* The x of a number: its setting, or the other number of its group, at its P and alpha. */
static ch_estimate x_of(const content *self, const ch_named_list *others, const ch_named_number *number)
{
    const ch_settings settings = settings_of(number);
    if (self->chart->x_number == NULL) {
        return (ch_estimate){real_of(&settings, self->chart->x), NAN, NAN, NAN};
    }
    for (size_t i = 0; i < others->count; i++) {
        const ch_named_number *other = &others->items[i];
        const bool is_one_train = other->train == 0 || number->train == 0 || other->train == number->train;
        const bool is_one_alpha = isnan(other->alpha) || isnan(number->alpha) || other->alpha == number->alpha;
        if (other->place == number->place && other->is_found && !other->is_outside && is_one_train && is_one_alpha) {
            return other->estimate;
        }
    }
    return (ch_estimate){NAN, NAN, NAN, NAN};
}

/* Orders two settings by one of them, words as they stand. */
static int order_by(const ch_settings *a, const ch_settings *b, size_t setting)
{
    const double x = real_of(a, setting), y = real_of(b, setting);
    const ch_type type = ch_settings_table[setting].type;
    return type == CH_TYPE_REAL || type == CH_TYPE_COUNT ? (x > y) - (x < y) : 0;
}

static int by_curve_and_x(const void *left, const void *right)
{
    const mark *a = left, *b = right;
    if (a->curve != b->curve) {
        return a->curve < b->curve ? -1 : 1;
    }
    return (a->x.value > b->x.value) - (a->x.value < b->x.value);
}

static bool is_curve(const content *self, size_t curve, const ch_settings *settings)
{
    const size_t by = self->chart->by;
    return by >= CH_SETTINGS_STORED || ch_settings_are_one(&self->curves[curve], settings, by);
}

/* Adds the curve of a number where it is new, in the order of `by`. */
static ch_code take_curve(content *self, const ch_settings *settings, ch_error *err)
{
    for (size_t c = 0; c < self->num_curves; c++) {
        if (is_curve(self, c, settings)) {
            return CH_OK;
        }
    }
    if (self->num_curves == CH_CHART_MOST_CURVES) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s has over %d values, but a figure shows at most so many curves: choose runs by --where",
                            ch_settings_table[self->chart->by].name, CH_CHART_MOST_CURVES);
    }
    size_t place = self->num_curves++;
    for (; place > 0 && order_by(settings, &self->curves[place - 1], self->chart->by) < 0; place--) {
        self->curves[place] = self->curves[place - 1];
    }
    self->curves[place] = *settings;
    return CH_OK;
}

static ch_code take_marks(content *self, const ch_named_list *numbers, const ch_named_list *others, ch_error *err)
{
    self->marks = ch_alloc(numbers->count, sizeof *self->marks);
    if (self->marks == NULL) {
        return ch_error_memory(err, "the points of a figure");
    }
    for (size_t i = 0; i < numbers->count; i++) {
        const ch_named_number *number = &numbers->items[i];
        const mark one = {.at = settings_of(number), .x = x_of(self, others, number), .y = *number};
        const bool has_both =
            number->is_found && !number->is_outside && isfinite(number->estimate.value) && isfinite(one.x.value);
        if (!has_both) {
            self->num_left_out++;
            continue;
        }
        const ch_code code = take_curve(self, &one.at, err);
        if (code != CH_OK) {
            return code;
        }
        self->marks[self->num_marks++] = one;
    }
    return CH_OK;
}

/* Chooses the axes, and leaves out what has no place on them. */
static void choose_axes(content *self)
{
    const ch_number_chart *chart = self->chart;
    const ch_named_kind kind = chart->y->kind;
    double least = INFINITY, most = 0;
    bool is_positive = true;
    for (size_t i = 0; i < self->num_marks; i++) {
        least = fmin(least, self->marks[i].x.value);
        most = fmax(most, self->marks[i].x.value);
        is_positive = is_positive && self->marks[i].y.estimate.value > 0;
    }
    const bool is_wide = least > 0 && most >= 8 * least;
    const bool is_temp = kind == CH_NAMED_TC || kind == CH_NAMED_PREFACTOR ||
                         (kind == CH_NAMED_PHASE && chart->y->which >= CH_NAMED_TEMP_OPT);
    self->log_x = chart->has_log ? chart->log_x : is_wide && chart->x_number == NULL && chart->x != CH_SETTING_CHI;
    self->log_y = chart->has_log ? chart->log_y : is_temp && is_positive;
    size_t kept = 0;
    for (size_t i = 0; i < self->num_marks; i++) {
        const mark *one = &self->marks[i];
        if ((self->log_x && !(one->x.value > 0)) || (self->log_y && !(one->y.estimate.value > 0))) {
            self->num_left_out++;
        } else {
            self->marks[kept++] = *one;
        }
    }
    self->num_marks = kept;
}

/* Refuses numbers at one x of one curve: which of their groups' settings tells them apart is not shown. */
static ch_code check_apart(const content *self, ch_error *err)
{
    const ch_number_chart *chart = self->chart;
    for (size_t i = 1; i < self->num_marks && chart->x_number == NULL; i++) {
        const mark *a = &self->marks[i - 1], *b = &self->marks[i];
        if (a->curve != b->curve || !ch_reals_are_one(a->x.value, b->x.value)) {
            continue;
        }
        for (size_t s = 0; s < CH_SETTINGS_STORED; s++) {
            if (is_of_groups(s) && s != chart->x && s != chart->by && !ch_settings_are_one(&a->at, &b->at, s)) {
                char whom[64];
                snprintf(whom, sizeof whom, "groups with the same %s", ch_settings_table[chart->x].name);
                return ch_chart_refuse_mixed(whom, s, chart->by, err);
            }
        }
    }
    return CH_OK;
}

static ch_code find_content(content *self, const ch_fit *fit, ch_error *err)
{
    ch_named_list numbers = {0}, others = {0};
    ch_code code = ch_named_list_init(&numbers, self->chart->y, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    code = self->chart->x_number != NULL ? ch_named_list_init(&others, self->chart->x_number, fit, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = take_marks(self, &numbers, &others, err);
    if (code != CH_OK) {
        goto out;
    }
    choose_axes(self);
    for (size_t i = 0; i < self->num_marks; i++) {
        mark *one = &self->marks[i];
        while (!is_curve(self, one->curve, &one->at)) {
            one->curve++;
        }
    }
    if (self->num_marks == 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "no group has a %s and an x that the figure can show",
                            self->chart->y->name);
        goto out;
    }
    qsort(self->marks, self->num_marks, sizeof *self->marks, by_curve_and_x);
    code = check_apart(self, err);
out:
    ch_named_list_free(&numbers);
    ch_named_list_free(&others);
    return code;
}

/* ---- theory ---- */

static const char THEORY[] = "linewidth 1 dashtype 2 linecolor rgb '#505050'";
static const char EXPECTED[] = "linewidth 1.2 dashtype 3 linecolor rgb '#505050'"; /* in a key */

/* The exponent that theory has at a chi; NaN where y is no exponent of it. */
static double theory_at(const ch_fit_name *y, double chi)
{
    ch_perceptron_theory theory;
    if (!(chi > -1) || ch_perceptron_theory_init(&theory, chi, NULL) != CH_OK) {
        return NAN;
    }
    const double exponents[] = {[CH_FIT_DELTA] = theory.delta,
                                [CH_FIT_GAMMA] = theory.gamma,
                                [CH_FIT_TIME_DELTA] = theory.time_delta,
                                [CH_FIT_B] = theory.b};
    if (y->kind == CH_NAMED_A) {
        return y->which == CH_TC_ESCAPE ? theory.a : NAN;
    }
    return y->kind == CH_NAMED_EXPONENT ? exponents[y->which] : NAN;
}

/* Whether x is a chi, of the data or as it was measured, so that theory is one curve over it. */
static bool is_over_chi(const content *self)
{
    const ch_number_chart *chart = self->chart;
    const ch_fit_name *x = chart->x_number;
    bool has_theory = false;
    for (size_t i = 0; i < self->num_marks; i++) {
        has_theory = has_theory || isfinite(self->marks[i].y.theory);
    }
    const bool is_chi =
        x != NULL ? x->kind == CH_NAMED_CHI_DENSITY || x->kind == CH_NAMED_CHI_GAMMA || x->kind == CH_NAMED_CHI_B
                  : chart->x == CH_SETTING_CHI && has_theory;
    return is_chi && isfinite(theory_at(chart->y, 0));
}

static bool can_show(const content *self, double x, double y)
{
    return isfinite(x) && isfinite(y) && (!self->log_x || x > 0) && (!self->log_y || y > 0);
}

/* Draws theory's curve over the chi that the numbers have. */
static void draw_over_chi(const content *self, ch_panel *panel)
{
    enum { POINTS = 100 };
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < self->num_marks; i++) {
        least = fmin(least, self->marks[i].x.value);
        most = fmax(most, self->marks[i].x.value);
    }
    const size_t block = ch_panel_block(panel);
    ch_panel_describe(panel, "theory", "%s", "");
    for (int i = 0; i <= POINTS; i++) {
        const double chi = least + (most - least) * i / POINTS, y = theory_at(self->chart->y, chi);
        if (can_show(self, chi, y)) {
            ch_panel_row(panel, chi, y, NAN, NAN);
            ch_axis_include(&panel->y, y);
        }
    }
    fputs("EOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines %s", block, THEORY);
    ch_panel_key(panel, THEORY, NULL, "theory, P → ∞");
}

static double line_of(const mark *one, bool is_expected)
{
    return is_expected ? one->y.expected : one->y.theory;
}

/* Says that the rows that follow are of a curve, by its value of `by`. */
static void describe(const content *self, const char *shows, size_t curve, ch_panel *panel)
{
    const size_t by = self->chart->by;
    char value[CH_SETTING_TEXT_SIZE] = "";
    if (by < CH_SETTINGS_STORED) {
        ch_setting_format(&ch_settings_table[by], ch_settings_get(&self->curves[curve], by), value, sizeof value);
    }
    ch_panel_describe(panel, shows, "%s", value);
}

/* Draws what theory has, or expects, for each curve: a line through its values. */
static void draw_lines(const content *self, bool is_expected, ch_panel *panel)
{
    const char *style = is_expected ? EXPECTED : THEORY;
    size_t shown = 0;
    for (size_t c = 0; c < self->num_curves; c++) {
        const size_t block = ch_panel_block(panel);
        size_t of_curve = 0;
        describe(self, is_expected ? "expected" : "theory", c, panel);
        for (size_t i = 0; i < self->num_marks; i++) {
            const double x = self->marks[i].x.value, y = line_of(&self->marks[i], is_expected);
            if (self->marks[i].curve == c && can_show(self, x, y)) {
                ch_panel_row(panel, x, y, NAN, NAN);
                ch_axis_include(&panel->y, y);
                of_curve++;
            }
        }
        fputs("EOD\n", panel->out);
        if (of_curve > 0) {
            fprintf(ch_panel_item(panel),
                    "$block%zu using 1:2 with linespoints pointtype %d pointsize 0.5*point linewidth 1.2 dashtype %d "
                    "linecolor rgb '#%06x'",
                    block, is_expected ? 1 : 2, is_expected ? 3 : 2, ch_chart_mark(c, self->num_curves).colour);
        }
        shown += of_curve;
    }
    if (shown > 0) {
        ch_panel_key(panel, style, NULL, is_expected ? "expected at these P, d" : "theory, P → ∞");
    }
}

/* ---- the page ---- */

/* The ends of a bar: the 95 % interval, or one standard error. The number itself where there is none. */
static void ends_of(const ch_estimate *estimate, bool has_errors, double *lo, double *hi)
{
    *lo = has_errors ? estimate->value - estimate->stderr_ : estimate->lo;
    *hi = has_errors ? estimate->value + estimate->stderr_ : estimate->hi;
    if (!isfinite(*lo) || !isfinite(*hi)) {
        *lo = *hi = estimate->value;
    }
}

static void include(ch_axis *axis, double value, double lo, double hi)
{
    ch_axis_include(axis, value);
    ch_axis_include(axis, lo);
    ch_axis_include(axis, hi);
}

static void draw_curve(const content *self, size_t curve, ch_panel *panel)
{
    const ch_mark drawn = ch_chart_mark(curve, self->num_curves);
    const size_t block = ch_panel_block(panel);
    describe(self, "number", curve, panel);
    for (size_t i = 0; i < self->num_marks; i++) {
        const mark *one = &self->marks[i];
        double x_lo, x_hi, y_lo, y_hi;
        if (one->curve != curve) {
            continue;
        }
        ends_of(&one->x, self->chart->has_errors, &x_lo, &x_hi);
        ends_of(&one->y.estimate, self->chart->has_errors, &y_lo, &y_hi);
        x_lo = self->log_x && !(x_lo > 0) ? one->x.value : x_lo;
        y_lo = self->log_y && !(y_lo > 0) ? one->y.estimate.value : y_lo;
        fprintf(panel->out, "%.17g %.17g %.17g %.17g %.17g %.17g\n", one->x.value, one->y.estimate.value, x_lo, x_hi,
                y_lo, y_hi);
        const ch_row row = {one->x.value, one->y.estimate.value, y_lo, y_hi, x_lo, x_hi, NAN, 0, -1};
        ch_panel_tell(panel, &row);
        include(&panel->x, one->x.value, x_lo, x_hi);
        include(&panel->y, one->y.estimate.value, y_lo, y_hi);
    }
    fputs("EOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:5:(0):($6-$5) with vectors nohead linecolor rgb '#%06x'", block,
            drawn.colour);
    fprintf(ch_panel_item(panel), "$block%zu using 3:2:($4-$3):(0) with vectors nohead linecolor rgb '#%06x'", block,
            drawn.colour);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with points pointtype %d pointsize point linecolor rgb '#%06x'",
            block, drawn.point, drawn.colour);
}

/* Writes what stands at an axis: a symbol and its law where there is one. */
static void label_number(const ch_fit_name *name, char *text, size_t size)
{
    char plain[64];
    switch (name->kind) {
    case CH_NAMED_EXPONENT:
        snprintf(text, size, "%s  (%s)", ch_fit_numbers[name->which].symbol, ch_fit_numbers[name->which].figure);
        break;
    case CH_NAMED_A:
    case CH_NAMED_TC:
        ch_name_text(ch_tc_definition_name((ch_tc_definition)name->which), plain, sizeof plain);
        snprintf(text, size, name->kind == CH_NAMED_A ? "a by %s  (T_c ∝ P^{−a})" : "critical temperature T_c by %s",
                 plain);
        break;
    case CH_NAMED_CHI_DENSITY:
        snprintf(text, size, "χ of the density of |F| at the boundary");
        break;
    case CH_NAMED_CHI_GAMMA:
        snprintf(text, size, "χ by γ");
        break;
    case CH_NAMED_CHI_B:
        snprintf(text, size, "χ by b");
        break;
    default:
        ch_name_text(name->name, text, size);
    }
}

static ch_code write_page(const ch_page_head *head, const void *what, ch_sheet *sheet, ch_error *err)
{
    const content *self = what;
    const ch_number_chart *chart = self->chart;
    static const double ROOM = 0.04; /* for the key of the lines, at the panel */
    char x_label[96], y_label[96];
    ch_panel panel = {0};
    const bool has_by = chart->by < CH_SETTINGS_STORED;
    (void)head;
    sheet->has_letters = false;
    sheet->top = 0.97; /* there is no title */
    if (has_by) {
        const ch_settings *curves[CH_CHART_MOST_CURVES];
        for (size_t c = 0; c < self->num_curves; c++) {
            curves[c] = &self->curves[c];
        }
        ch_chart_write_key(sheet, chart->by, curves, self->num_curves, true, ROOM);
    }
    ch_code code = ch_panel_init(&panel, sheet, 0, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        goto out;
    }
    panel.x.is_linear = !self->log_x;
    panel.y.is_linear = !self->log_y;
    for (size_t c = 0; c < self->num_curves; c++) {
        draw_curve(self, c, &panel);
    }
    if (is_over_chi(self)) {
        draw_over_chi(self, &panel);
    } else {
        draw_lines(self, false, &panel);
    }
    draw_lines(self, true, &panel);
    if (chart->x_number != NULL) {
        label_number(chart->x_number, x_label, sizeof x_label);
    } else {
        ch_chart_label(ch_settings_table[chart->x].name, x_label, sizeof x_label);
    }
    label_number(chart->y, y_label, sizeof y_label);
    const bool is_count = chart->x_number == NULL && ch_settings_table[chart->x].type == CH_TYPE_COUNT;
    code = ch_panel_finish(&panel, x_label, y_label, is_count ? CH_SCALE_BINARY : CH_SCALE_POWERS, "", err);
out:
    ch_panel_free(&panel);
    return code;
}

ch_code ch_plot_numbers(const ch_fit *fit, const ch_number_chart *chart, const char *directory,
                        const ch_plot_style *style, FILE *names, size_t *num_left_out, ch_error *err)
{
    content self = {.chart = chart};
    char name[256];
    const bool has_by = chart->by < CH_SETTINGS_STORED;
    /* a sheet with a single panel */
    const ch_plot_style single = {
        .format = style->format, .width = style->width, .panel = 'a', .has_data = style->has_data};
    const ch_page_head none = {0};
    snprintf(name, sizeof name, "%s-%s%s%s", chart->y->name,
             chart->x_number != NULL ? chart->x_number->name : ch_settings_table[chart->x].name, has_by ? "-by-" : "",
             has_by ? ch_settings_table[chart->by].name : "");
    const ch_page_kind kind = {.heads = &none,
                               .kind = "",
                               .name = name,
                               .write = write_page,
                               .directory = directory,
                               .style = &single,
                               .names = names,
                               .watch = fit->options.watch};
    ch_code code = find_content(&self, fit, err);
    *num_left_out = self.num_left_out;
    if (code == CH_OK) {
        code = ch_page_draw(&kind, 0, &self, err);
    }
    free(self.marks);
    return code;
}
