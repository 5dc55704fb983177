/* phase.c — one page for every phase diagram: maps of test error, weight variation and kernel change over (alpha, T).
 */
#include "fit/phase/phase.h"
#include "core/memory.h"
#include "plots/caption.h"
#include "plots/page.h"
#include "plots/phase_map.h"
#include "plots/phase_region.h"

#include <math.h>
#include <stdlib.h>

/* The quantities that reach the threshold where the lazy regime ends. */
static const char *const borders[CH_NUM_PHASE] = {
    [CH_PHASE_WEIGHT_CHANGE] = "‖Δw‖ / ‖w₀‖",
    [CH_PHASE_KERNEL_CHANGE] = "‖K − K₀‖ / ‖K₀‖",
};

/* The next entry of the key under the page's title. */
typedef struct {
    ch_sheet *sheet;
    double x;
    size_t row;
} key_place;

static const double key_left = 0.092;

static void end_row(key_place *at)
{
    at->x = key_left;
    at->row++;
}

/* Writes an entry that is `width` wide, in the next row if it has no room in this one. */
static void write_entry(key_place *at, double width, const char *line, const ch_mark *mark, const char *text)
{
    if (at->x > key_left && at->x + width > 0.5 * (double)at->sheet->columns) {
        end_row(at);
    }
    ch_key_write(at->sheet->out, CH_KEY_OF_PAGE, at->x, ch_sheet_head_row(at->sheet, at->row), 0.03, line, mark, text);
    at->x += width;
}

/* Whether T_max lies inside the sampled T at some alpha. */
static bool has_max(const ch_phase *phase)
{
    for (size_t a = 0; a < phase->num_alphas; a++) {
        if (phase->rows[a].max.place == CH_TC_INSIDE) {
            return true;
        }
    }
    return false;
}

/* Whether theory's line is drawn beside the points of a power. */
static bool has_theory(const ch_phase_power *power)
{
    return power->num_alphas > 0 && isfinite(power->theory);
}

/* Writes the key: T_max has a row of its own. */
static void write_key(const ch_phase *phase, ch_sheet *sheet)
{
    key_place at = {.sheet = sheet, .x = key_left};
    fputs("reset\n", sheet->out);
    write_entry(&at, 0.26, CH_MAP_BORDER, NULL, "end of the lazy regime");
    if (phase->measured[CH_PHASE_TEST_ERROR]) {
        write_entry(&at, 0.11, NULL, &CH_MAP_BEST, "T_{opt}");
    }
    const ch_phase_power *small = ch_map_power(phase, CH_PHASE_SMALL), *large = ch_map_power(phase, CH_PHASE_LARGE);
    if (isfinite(small->estimate.value) || isfinite(large->estimate.value)) {
        write_entry(&at, 0.14, CH_MAP_FIT, NULL, "fit ∝ α^{k}");
    }
    if (has_theory(small) || has_theory(large)) {
        const bool of_features = has_theory(small) && ch_setting_applies(&phase->key, CH_SETTING_DEPTH);
        write_entry(&at, 0.2, CH_MAP_THEORY, NULL, of_features ? "theory ∝ α^{(D−1)/(D+1)}" : "theory");
    }
    if (has_max(phase)) {
        end_row(&at);
        write_entry(&at, 0.34, CH_MAP_MAX, NULL, "T_{max}: half of the data sets diverge");
    }
    ch_layout_flush(sheet->out);
}

/* Writes "k = 0.66 ± 0.02; theory, D = 5 hidden layers: 0.667". */
static void write_power(const ch_phase *phase, const ch_phase_power *power, const char *name, char *text, size_t size)
{
    const ch_estimate *estimate = &power->estimate;
    int used = snprintf(text, size, "%s = %s%.3f", name, estimate->value < 0 ? "−" : "", fabs(estimate->value));
    if (isfinite(estimate->stderr_)) {
        used += snprintf(text + used, size - (size_t)used, " ± %.3f", estimate->stderr_);
    }
    if (isfinite(power->theory) && power->end == CH_PHASE_SMALL && ch_setting_applies(&phase->key, CH_SETTING_DEPTH)) {
        used += snprintf(text + used, size - (size_t)used,
                         "; theory, D = %llu hidden layers:", (unsigned long long)phase->key.depth);
    } else if (isfinite(power->theory)) {
        used += snprintf(text + used, size - (size_t)used, "; theory");
    }
    if (isfinite(power->theory)) {
        snprintf(text + used, size - (size_t)used, " %s%.3f", power->theory < 0 ? "−" : "", fabs(power->theory));
    }
}

static const char *end_name(ch_phase_end end)
{
    return end == CH_PHASE_SMALL ? "below 1" : "above 1";
}

/* k of one end of the alpha, or why there is none although theory has one. */
static ch_code say_best(const ch_phase *phase, ch_phase_end end, ch_sentences *words, ch_error *err)
{
    const ch_phase_power *power = &phase->best_powers[end];
    char text[128];
    if (isnan(power->estimate.value)) {
        return isnan(power->theory)
                   ? CH_OK
                   : ch_sentences_add(
                         words, err,
                         "No k: T_opt ∝ α^k needs a T_opt inside the sampled T at three α %s; %zu have one.",
                         end_name(end), power->num_alphas);
    }
    write_power(phase, power, "k", text, sizeof text);
    return ch_sentences_add(words, err, "%s ∝ α^k over the %zu α %s%s: %s.",
                            power->of == CH_PHASE_OF_BEST ? "T_opt" : "T_max", power->num_alphas, end_name(end),
                            power->of == CH_PHASE_OF_BEST ? "" : " where T_opt sits at it", text);
}

/* What T_max is, and its powers. */
static ch_code say_max(const ch_phase *phase, ch_sentences *words, ch_error *err)
{
    if (!has_max(phase)) {
        return CH_OK;
    }
    ch_code code = ch_sentences_add(words, err, "T_max: above it half of the data sets diverge%s.",
                                    phase->num_data_sets > 1 ? "; with its 95 % interval" : "");
    for (ch_phase_end end = CH_PHASE_SMALL; code == CH_OK && end < CH_NUM_PHASE_ENDS; end++) {
        const ch_phase_power *power = &phase->max_powers[end];
        char text[128];
        if (isfinite(power->estimate.value)) {
            write_power(phase, power, "s", text, sizeof text);
            code =
                ch_sentences_add(words, err, "T_max ∝ α^s over %zu α %s: %s.", power->num_alphas, end_name(end), text);
        }
    }
    return code;
}

/* What stands for the end of the lazy regime and for T_opt on the maps. */
static ch_code say_marks(const ch_phase *phase, ch_sentences *words, ch_error *err)
{
    ch_code code = ch_sentences_add(words, err, "End of the lazy regime: %s = %g.", borders[CH_PHASE_WEIGHT_CHANGE],
                                    phase->threshold);
    if (code != CH_OK) {
        return code;
    }
    if (phase->measured[CH_PHASE_KERNEL_CHANGE]) {
        code = ch_sentences_add(words, err, "On the map of the kernel: %s = %g.", borders[CH_PHASE_KERNEL_CHANGE],
                                phase->threshold);
        if (code != CH_OK) {
            return code;
        }
    }
    if (!phase->measured[CH_PHASE_TEST_ERROR]) {
        return CH_OK;
    }
    code = ch_sentences_add(words, err,
                            "T_opt is the T of least test error, with its 95 %% interval%s; triangles are bounds.",
                            phase->num_data_sets > 1 ? " over data sets" : ", which one data set does not give");
    if (code != CH_OK) {
        return code;
    }
    code = say_best(phase, CH_PHASE_SMALL, words, err);
    return code == CH_OK ? say_best(phase, CH_PHASE_LARGE, words, err) : code;
}

static ch_code say_all(const ch_phase *phase, ch_sentences *words, ch_error *err)
{
    ch_code code = ch_sentences_add(words, err,
                                    "%zu run%s on %zu data set%s. Colours are means over data sets; thin lines are "
                                    "contours at the ticks of the colours. White: no run, or, outlined, one diverged.",
                                    phase->num_runs, phase->num_runs == 1 ? "" : "s", phase->num_data_sets,
                                    phase->num_data_sets == 1 ? "" : "s");
    if (code != CH_OK) {
        return code;
    }
    code = say_marks(phase, words, err);
    if (code != CH_OK) {
        return code;
    }
    code = say_max(phase, words, err);
    if (code != CH_OK) {
        return code;
    }
    if (phase->measured[CH_PHASE_TRAIN_LOSS]) {
        code = ch_sentences_add(
            words, err, "αL: the training loss in units of κ of the runs that a budget ended, all after as many %s.",
            phase->updates > 0 ? "updates" : "steps");
        if (code != CH_OK) {
            return code;
        }
    }
    if (!ch_region_exists(phase, CH_REGION_BUDGET)) {
        return CH_OK;
    }
    return ch_sentences_add(words, err,
                            !phase->by_budget ? "Grey: a budget ended a run; no line and no colour uses these."
                            : phase->num_fitted == 0
                                ? "No run fitted: the values are those at which budgets ended the runs."
                                : "Under this loss runs fit by chance alone: the values are those at which budgets "
                                  "ended the others.");
}

/* @param content  the diagram */
static ch_code write_page(const ch_page_head *head, const void *content, ch_sheet *sheet, ch_error *err)
{
    const ch_phase *phase = content;
    ch_sentences words = {.count = 0};
    size_t num_maps = 0;
    ch_code code = CH_OK;
    write_key(phase, sheet);
    for (ch_phase_quantity q = 0; q < CH_NUM_PHASE; q++) {
        if (!phase->measured[q]) {
            continue;
        }
        code = ch_map_write(phase, q, num_maps++, sheet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = say_all(phase, &words, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_caption_write(head, &words, sheet, ch_sheet_place_of_map(sheet, num_maps), err);
out:
    ch_sentences_free(&words);
    return code;
}

/* The heads of the diagrams' pages: alpha varies on a page, P does not.
 * @param heads  out: [list->count] */
static void make_heads(const ch_fit *fit, const ch_phase_list *list, ch_page_head *heads)
{
    const uint64_t alpha = UINT64_C(1) << CH_SETTING_ALPHA, train = UINT64_C(1) << CH_SETTING_TRAIN;
    for (size_t i = 0; i < list->count; i++) {
        const ch_phase *phase = &list->items[i];
        heads[i] = (ch_page_head){
            .key = &phase->key,
            .runs = phase->runs,
            .num_runs = phase->num_runs,
            .differing = (fit->differing & ~alpha) | train,
            .varying = alpha,
            .added = train,
        };
    }
}

ch_code ch_plot_phase(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names, ch_error *err)
{
    ch_phase_list list = {0};
    ch_page_head *heads = NULL;
    ch_code code = ch_phase_list_init(&list, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    heads = ch_alloc(list.count, sizeof *heads);
    if (heads == NULL) {
        code = ch_error_memory(err, "the phase diagrams");
        goto out;
    }
    make_heads(fit, &list, heads);
    const ch_page_kind kind = {heads, NULL, "-phase", write_page, directory, style, names, fit->options.watch};
    for (size_t i = 0; i < list.count; i++) {
        code = ch_page_draw(&kind, i, &list.items[i], err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    free(heads);
    ch_phase_list_free(&list);
    return code;
}
