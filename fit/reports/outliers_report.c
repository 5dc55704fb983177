/* outliers_report.c — reports the runs that stand out, and those that are left out, as text and as JSON. */
#include "core/page.h"
#include "core/text.h"
#include "fit/laws/outliers.h"
#include "fit/reports/parts.h"
#include "fit/table/cells.h"
#include "sim/store/json.h"

#include <math.h>

/* The joint laws, with their names in JSON and their symbols in text. */
enum { NUM_LAWS = 2 };
static const struct {
    const char *name, *symbol;
} laws[NUM_LAWS] = {{"weight_change", "‖Δw‖"}, {"time", "t*"}};

static const ch_residuals *residuals_of(const ch_fit_group *group, size_t law)
{
    return law == 0 ? &group->weight_residuals : &group->time_residuals;
}

/* ---- text ---- */

void ch_report_print_excluded(const ch_fit_group *group, FILE *out)
{
    static const char *const reasons[] = {
        [CH_EXCLUDED_VERSION] = "of older results versions",
        [CH_EXCLUDED_REPEAT] = "that repeat others",
        [CH_EXCLUDED_NO_WINDOW] = "because there is no window",
        [CH_EXCLUDED_BELOW] = "under the window",
        [CH_EXCLUDED_ABOVE] = "over the window",
        [CH_EXCLUDED_BUDGET] = "ended by a budget (lower bounds in the law of t*)",
        [CH_EXCLUDED_BUDGET_UNUSED] = "ended by a budget outside the window",
        [CH_EXCLUDED_BESIDE_BUDGET] = "at a (P, T) with such runs (in the law of t* alone)",
        [CH_EXCLUDED_DIVERGED] = "diverged",
        [CH_EXCLUDED_BESIDE_DIVERGED] = "at a (P, T) with diverged runs",
        [CH_EXCLUDED_UNUSABLE] = "that are stuck or have no ‖Δw‖ or t* above 0",
        [CH_EXCLUDED_BESIDE_UNUSABLE] = "at a (P, T) with such runs (in no law)",
    };
    char text[1024]; /* room for all reasons with numbers of twenty digits */
    size_t left_out = 0;
    int used = snprintf(text, sizeof text, "the joint laws use %zu run%s; left out are", group->excluded[CH_INCLUDED],
                        group->excluded[CH_INCLUDED] == 1 ? "" : "s");
    for (int k = CH_INCLUDED + 1; k < CH_NUM_EXCLUSIONS; k++) {
        if (group->excluded[k] > 0) {
            used += snprintf(text + used, sizeof text - (size_t)used, "%s %zu %s", left_out > 0 ? "," : "",
                             group->excluded[k], reasons[k]);
            left_out += group->excluded[k];
        }
    }
    if (left_out > 0) {
        ch_page_wrapped(out, " ", text);
    }
}

static bool same_seeds(const ch_run *a, const ch_run *b)
{
    return a->settings.train == b->settings.train && a->settings.seed_data == b->settings.seed_data &&
           a->settings.seed_init == b->settings.seed_init && a->settings.seed_batch == b->settings.seed_batch;
}

/* Whether an outlier before this one has its P and seeds at another T. Such outliers share one line. */
static bool is_named(const ch_residuals *self, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (same_seeds(self->runs[k].run, self->runs[i].run)) {
            return true;
        }
    }
    return false;
}

/* Prints one line for an outlier and the further ones of its P and seeds at other T. Returns their number. */
static size_t name_outlier(const ch_residuals *self, size_t i, FILE *out)
{
    const ch_residual *worst = &self->runs[i];
    const ch_settings *settings = &worst->run->settings;
    double lo = settings->temp, hi = settings->temp;
    size_t count = 0;
    for (size_t k = i; k < self->num_outliers; k++) {
        if (same_seeds(self->runs[k].run, worst->run)) {
            lo = fmin(lo, self->runs[k].run->settings.temp);
            hi = fmax(hi, self->runs[k].run->settings.temp);
            count++;
        }
    }
    char numbers[96], place[256], temp[32], others[96] = "", seeds[96] = "";
    ch_power_format(lo, temp, sizeof temp);
    if (count > 1) {
        char last[32];
        ch_power_format(hi, last, sizeof last);
        snprintf(others, sizeof others, " … %s (%zu)", last, count);
    }
    if (settings->seed_batch != settings->seed_data || settings->seed_init != settings->seed_data) {
        snprintf(seeds, sizeof seeds, ", seed_init = %llu, seed_batch = %llu", (unsigned long long)settings->seed_init,
                 (unsigned long long)settings->seed_batch);
    }
    snprintf(numbers, sizeof numbers, "  %+7.1f σ  p = %-6.1g  residual %+-6.3g ", worst->sigmas, worst->chance,
             worst->residual);
    snprintf(place, sizeof place, "P = %s, T = %s%s, seed_data = %llu%s", ch_show_count(settings->train).text, temp,
             others, (unsigned long long)settings->seed_data, seeds);
    ch_page_wrapped(out, numbers, place);
    return count;
}

/* Prints lines for the outliers, the farthest first. */
static void name_outliers(const ch_residuals *self, FILE *out)
{
    const size_t most_lines = 5;
    size_t lines = 0, named = 0;
    for (size_t i = 0; i < self->num_outliers && lines < most_lines; i++) {
        if (!is_named(self, i)) {
            named += name_outlier(self, i, out);
            lines++;
        }
    }
    if (named < self->num_outliers) {
        fprintf(out, "    and %zu more runs; --json has all\n", self->num_outliers - named);
    }
}

void ch_report_print_outliers(const ch_fit_group *group, FILE *out)
{
    const char *separator = "\n";
    for (size_t law = 0; law < NUM_LAWS; law++) {
        const ch_residuals *self = residuals_of(group, law);
        char line[256];
        if (self->num_tested == 0) {
            continue;
        }
        if (self->num_outliers == 0) {
            snprintf(line, sizeof line,
                     "%s: σ = %.3g between data sets; all %zu runs within %.1f σ (outliers: over %.1f σ)",
                     laws[law].symbol, self->spread, self->num_tested, fabs(self->runs[0].sigmas), self->limit);
        } else {
            snprintf(line, sizeof line,
                     "%s: σ = %.3g between data sets; %zu of %zu runs are over %.1f σ off (without outliers, the "
                     "probability that any run is: 5 %%)",
                     laws[law].symbol, self->spread, self->num_outliers, self->num_tested, self->limit);
        }
        fputs(separator, out);
        separator = "";
        ch_page_wrapped(out, " ", line);
        name_outliers(self, out);
    }
}

/* ---- JSON ---- */

static json_t *law_json(const ch_residuals *self)
{
    return json_pack("{s:I, s:I, s:o, s:o, s:o}", "runs", (json_int_t)self->num_runs, "judged",
                     (json_int_t)self->num_tested, "spread", ch_json_real(self->spread), "dof", ch_json_real(self->dof),
                     "limit", ch_json_real(self->limit));
}

static json_t *outlier_json(const ch_residual *self, size_t law)
{
    const ch_settings *settings = &self->run->settings;
    return json_pack("{s:s, s:I, s:f, s:I, s:I, s:I, s:f, s:f, s:f}", "quantity", laws[law].name, "train",
                     (json_int_t)settings->train, "temp", settings->temp, "seed_data", (json_int_t)settings->seed_data,
                     "seed_init", (json_int_t)settings->seed_init, "seed_batch", (json_int_t)settings->seed_batch,
                     "residual", self->residual, "sigmas", self->sigmas, "chance", self->chance);
}

static json_t *outliers_json(const ch_fit_group *group)
{
    json_t *list = json_array();
    for (size_t law = 0; law < NUM_LAWS; law++) {
        const ch_residuals *self = residuals_of(group, law);
        for (size_t i = 0; i < self->num_outliers; i++) {
            ch_report_append(&list, outlier_json(&self->runs[i], law));
        }
    }
    return list;
}

/* The (P, T) at which runs are left out for a reason, and the number of these runs: [[train, temp, runs], ...]. */
static json_t *points_json(const ch_fit_group *group, ch_exclusion reason)
{
    json_t *points = json_array();
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        size_t count = 0;
        for (size_t i = cell->begin; i < cell->end; i++) {
            count += ch_fit_exclusion_of(group, cell, group->runs[i]) == reason;
        }
        if (count > 0) {
            ch_report_append(&points, json_pack("[I, f, I]", (json_int_t)group->trains[cell->train],
                                                group->temps[cell->temp], (json_int_t)count));
        }
    }
    return points;
}

/* All reasons for which runs are left out. Points are null for runs that are in no cell of the group. */
static json_t *excluded_json(const ch_fit_group *group)
{
    json_t *list = json_array();
    for (int k = CH_INCLUDED + 1; k < CH_NUM_EXCLUSIONS; k++) {
        const ch_exclusion reason = (ch_exclusion)k;
        const bool has_points = reason != CH_EXCLUDED_VERSION && reason != CH_EXCLUDED_REPEAT;
        const bool from_time = reason != CH_EXCLUDED_BUDGET && reason != CH_EXCLUDED_BESIDE_BUDGET;
        if (group->excluded[k] > 0) {
            ch_report_append(&list, json_pack("{s:s, s:I, s:b, s:o}", "reason", ch_exclusion_name(reason), "runs",
                                              (json_int_t)group->excluded[k], "from_time", from_time, "points",
                                              has_points ? points_json(group, reason) : json_null()));
        }
    }
    return list;
}

void ch_report_add_outliers(const ch_fit_group *group, json_t **object)
{
    json_t *residuals = json_pack("{s:o, s:o}", laws[0].name, law_json(residuals_of(group, 0)), laws[1].name,
                                  law_json(residuals_of(group, 1)));
    ch_report_set(object, "residuals", residuals);
    ch_report_set(object, "outliers", outliers_json(group));
    ch_report_set(object, "excluded", excluded_json(group));
}
