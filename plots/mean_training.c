/* mean_training.c — how the runs of a group trained, in the mean over data sets. */
#include "core/memstream.h"
#include "plots/plots.h"
#include "plots/trajectories.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MOST_RUNS = 30 }; /* of one T, so that a report of many data sets reads no more */

/* What the panels show, by their letters from 'a' on. */
static const char *const quantities[] = {"weight_change", "test_error", "unfitted"};
enum { NUM_QUANTITIES = sizeof quantities / sizeof *quantities };

/* Writes the condition that chooses the recorded runs of the largest P, at the T that are drawn.
 * @param most  out: the most data sets of any T */
static void write_condition(const ch_fit *fit, const ch_fit_group *group, size_t *most, FILE *out)
{
    const ch_chosen_runs chosen = ch_chosen_runs_of(group, false);
    const char *between = "id IN (";
    *most = 0;
    for (size_t t = 0; t < chosen.count; t++) {
        size_t count = 0;
        for (size_t i = 0; i < group->num_runs && count < MOST_RUNS; i++) {
            const ch_run *run = group->runs[i];
            char id[CH_ID_SIZE];
            if (run->settings.record > 0 && run->settings.train == chosen.runs[t]->settings.train &&
                run->settings.temp == chosen.runs[t]->settings.temp) {
                ch_settings_id(&ch_fit_stored_run(fit, run)->resolved, id);
                fprintf(out, "%s'%s'", between, id);
                between = ", ";
                count++;
            }
        }
        *most = count > *most ? count : *most;
    }
    fputs(*most > 0 ? ")" : "0", out);
}

/* Whether any point has the quantity. */
static bool has_quantity(const ch_run_table *table, const ch_result *row)
{
    for (size_t r = 0; r < table->count; r++) {
        for (size_t i = 0; i < table->runs[r].num_points; i++) {
            const ch_point *point = &table->runs[r].points[i];
            if (row->type == CH_RESULT_REAL ? isfinite(ch_result_real(row, point))
                                            : ch_result_number(row, point) != CH_UNCOUNTED) {
                return true;
            }
        }
    }
    return false;
}

static ch_code draw_group(const ch_fit *fit, const ch_fit_group *group, ch_store *store, const char *directory,
                          const ch_plot_style *style, FILE *names, ch_error *err)
{
    ch_run_table table = {0};
    char *where = NULL;
    size_t length = 0, most = 0, left_out;
    FILE *out = ch_memstream_open(&where, &length);
    if (out == NULL) {
        return ch_error_memory(err, "a figure");
    }
    write_condition(fit, group, &most, out);
    ch_code code = ch_memstream_close(out, &where) ? CH_OK : ch_error_memory(err, "a figure");
    if (code != CH_OK || most < 2) {
        goto out;
    }
    code = ch_store_select(store, where, true, &table, err);
    for (size_t k = 0; k < NUM_QUANTITIES && code == CH_OK; k++) {
        ch_course_chart chart = {.by = CH_SETTING_TEMP, .log_x = true, .log_y = true};
        if (style->panel != 0 && style->panel != (char)('a' + k)) {
            continue;
        }
        code = ch_course_parse(&chart, "time", quantities[k], err);
        if (code == CH_OK && has_quantity(&table, &chart.y)) {
            code = ch_plot_course(&table, &chart, directory, style, names, fit->options.watch, &left_out, err);
        }
    }
out:
    ch_run_table_free(&table);
    free(where);
    return code;
}

ch_code ch_plot_mean_training(const ch_fit *fit, ch_store *store, const char *directory, const ch_plot_style *style,
                              FILE *names, ch_error *err)
{
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_code code = draw_group(fit, &fit->groups[g], store, directory, style, names, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}
