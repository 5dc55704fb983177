/* phase.c — a page a phase diagram: maps of test error, weight variation and kernel change over (alpha, T). */
#include "fit/phase/phase.h"
#include "plots/gnuplot.h"
#include "plots/phase_map.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

/* What reaches the threshold where the lazy regime ends. */
static const char *const borders[CH_NUM_PHASE] = {
    [CH_PHASE_WEIGHT_CHANGE] = "‖Δw‖ / ‖w₀‖",
    [CH_PHASE_KERNEL_CHANGE] = "‖K − K₀‖ / ‖K₀‖",
};

/* An entry of the key under the page's title, `width` wide, in the row at `y`. */
static void write_entry(FILE *out, double *x, double y, double width, const char *line, const ch_mark *mark,
                        const char *text)
{
    ch_key_write(out, "screen", *x, y, 0.03, line, mark, text);
    *x += width;
}

static bool has_ended(const ch_phase *phase, bool diverged)
{
    bool any = false;
    for (size_t c = 0; c < phase->num_alphas * phase->num_temps; c++) {
        any = any || (diverged ? phase->cells[c].num_diverged : phase->cells[c].num_budget) > 0;
    }
    return any;
}

/* Lines and T_opt in the first row, how runs ended in the second. */
static void write_key(const ch_phase *phase, FILE *out)
{
    double x = 0.092, y = 0.962;
    fputs("reset\n", out);
    write_entry(out, &x, y, 0.26, CH_MAP_BORDER, NULL, "end of the lazy regime");
    if (phase->measured[CH_PHASE_TEST_ERROR]) {
        write_entry(out, &x, y, 0.11, NULL, &CH_MAP_BEST, "T_{opt}");
    }
    if (isfinite(phase->slope.value)) {
        write_entry(out, &x, y, 0.14, CH_MAP_FIT, NULL, "fit ∝ α^{k}");
    }
    if (phase->num_slope > 0 && isfinite(phase->slope_theory)) {
        write_entry(out, &x, y, 0.2, CH_MAP_THEORY, NULL, "theory ∝ α^{(D−1)/(D+1)}");
    }
    x = 0.092;
    y -= 0.018;
    if (has_ended(phase, false)) {
        write_entry(out, &x, y, 0.26, NULL, &CH_MAP_BUDGET, "ended by a budget");
    }
    if (has_ended(phase, true)) {
        write_entry(out, &x, y, 0.2, NULL, &CH_MAP_DIVERGED, "diverged");
    }
    fputs("unset border\nunset tics\nunset key\nset xrange [0:1]\nset yrange [0:1]\nplot NaN\n", out);
}

enum { MAX_SENTENCES = 8 };

/* Sentences of the caption, to be freed one by one. */
typedef struct {
    char *text[MAX_SENTENCES];
    size_t count;
} caption;

static void caption_free(caption *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->text[i]);
    }
}

static ch_code say(caption *self, ch_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));
static ch_code say(caption *self, ch_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vasprintf(&self->text[self->count], format, args);
    va_end(args);
    if (length < 0) {
        return ch_error_memory(err, "a caption");
    }
    self->count++;
    return CH_OK;
}

static ch_code say_slope(const ch_phase *phase, caption *words, ch_error *err)
{
    char theory[64] = "", error[64] = "";
    if (isfinite(phase->slope_theory)) {
        snprintf(theory, sizeof theory, "; theory, D = %llu hidden layers: %.3f for α ≪ 1",
                 (unsigned long long)phase->key.depth, phase->slope_theory);
    }
    if (isfinite(phase->slope.stderr_)) {
        snprintf(error, sizeof error, " ± %.3f", phase->slope.stderr_);
    }
    if (isnan(phase->slope.value)) {
        return say(words, err, "No k: T_opt ∝ α^k needs T_opt inside the T at three α < 1, it is at %zu%s.",
                   phase->num_slope, theory);
    }
    return say(words, err, "T_opt ∝ α^k over the %zu α below 1: k = %s%.3f%s%s.", phase->num_slope,
               phase->slope.value < 0 ? "−" : "", fabs(phase->slope.value), error, theory);
}

static ch_code say_all(const ch_phase *phase, caption *words, ch_error *err)
{
    const bool kernel = phase->measured[CH_PHASE_KERNEL_CHANGE];
    ch_code code = say(words, err,
                       "%zu run%s on %zu data set%s. Colours: means over data sets, thin lines at their ticks; white: "
                       "no run, or one diverged.",
                       phase->num_runs, phase->num_runs == 1 ? "" : "s", phase->num_data_sets,
                       phase->num_data_sets == 1 ? "" : "s");
    if (code == CH_OK) {
        code = say(words, err, "End of the lazy regime: %s = %g.", borders[CH_PHASE_WEIGHT_CHANGE], phase->threshold);
    }
    if (code == CH_OK && kernel) {
        code = say(words, err, "On the map of the kernel: %s = %g.", borders[CH_PHASE_KERNEL_CHANGE], phase->threshold);
    }
    if (code == CH_OK && phase->measured[CH_PHASE_TEST_ERROR]) {
        code = say(words, err, "T_opt: the T of least test error, with its 95 %% interval%s; triangles: bounds.",
                   phase->num_data_sets > 1 ? " over data sets" : ", which one data set does not give");
    }
    const bool has_slope = isfinite(phase->slope.value) || isfinite(phase->slope_theory);
    if (code == CH_OK && phase->measured[CH_PHASE_TEST_ERROR] && has_slope) {
        code = say_slope(phase, words, err);
    }
    if (code == CH_OK && has_ended(phase, false)) {
        code = say(words, err,
                   phase->by_budget ? "No run fitted: values are where the budgets ended."
                                    : "Cells with runs that a budget ended count for no line.");
    }
    return code;
}

static ch_code write_caption(const ch_phase *phase, const ch_fit_group *group, size_t index, FILE *out, ch_error *err)
{
    double left, right, bottom, top;
    caption words = {.count = 0};
    ch_code code = say_all(phase, &words, err);
    if (code == CH_OK) {
        ch_map_place(index, &left, &right, &bottom, &top);
        code = ch_summary_caption(group, (const char *const *)words.text, words.count, left, top, out, err);
    }
    caption_free(&words);
    return code;
}

/* @param content  the diagram */
static ch_code write_page(const ch_fit *fit, const ch_fit_group *group, const void *content, FILE *out, ch_error *err)
{
    const ch_phase *phase = content;
    size_t index = 0;
    ch_code code = CH_OK;
    (void)fit;
    write_key(phase, out);
    for (ch_phase_quantity q = 0; q < CH_NUM_PHASE && code == CH_OK; q++) {
        if (phase->measured[q]) {
            code = ch_map_write(phase, q, index++, out, err);
        }
    }
    return code == CH_OK ? write_caption(phase, group, index, out, err) : code;
}

/* The diagrams as groups of a fit, which pages are titled and named after: alpha varies, P does not.
 * @param groups  [list->count] */
static ch_fit as_fit(const ch_fit *fit, const ch_phase_list *list, ch_fit_group *groups)
{
    const uint64_t alpha = UINT64_C(1) << CH_SETTING_ALPHA, train = UINT64_C(1) << CH_SETTING_TRAIN;
    for (size_t i = 0; i < list->count; i++) {
        const ch_phase *phase = &list->items[i];
        groups[i] = (ch_fit_group){.key = phase->key, .runs = phase->runs, .num_runs = phase->num_runs};
    }
    return (ch_fit){.options = fit->options,
                    .groups = groups,
                    .num_groups = list->count,
                    .differing = (fit->differing & ~alpha) | train};
}

ch_code ch_plot_phase(const ch_fit *fit, const char *directory, ch_plot_format format, FILE *names, ch_error *err)
{
    ch_phase_list list;
    ch_fit_group *groups = NULL;
    ch_code code = ch_phase_list_init(&list, fit, err);
    if (code == CH_OK) {
        groups = ch_alloc(list.count, sizeof *groups);
        code = groups == NULL ? ch_error_memory(err, "the phase diagrams") : CH_OK;
    }
    if (code == CH_OK) {
        const ch_fit pages = as_fit(fit, &list, groups);
        for (size_t i = 0; i < list.count && code == CH_OK; i++) {
            code = ch_page_draw(&pages, i, "-phase", write_page, &list.items[i], directory, format, names, err);
        }
    }
    free(groups);
    ch_phase_list_free(&list);
    return code;
}
