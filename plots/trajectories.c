/* trajectories.c — the recorded runs that a page of training shows. */
#include "plots/trajectories.h"

#include "plots/layout.h"

#include "core/memstream.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool has_points(const ch_run *run, bool with_curvature)
{
    return with_curvature ? run->settings.curvature > 0 : run->settings.record > 0;
}

static uint64_t largest_train(const ch_fit_group *group, bool with_curvature)
{
    uint64_t train = 0; /* runs are in ascending order of P */
    for (size_t i = 0; i < group->num_runs; i++) {
        train = has_points(group->runs[i], with_curvature) ? group->runs[i]->settings.train : train;
    }
    return train;
}

/* The first recorded run of the `index`-th T that has recorded runs; NULL where there are fewer such T. */
static const ch_run *nth_run(const ch_fit_group *group, bool with_curvature, uint64_t train, size_t index)
{
    double temp = NAN;
    for (size_t i = 0; i < group->num_runs; i++) {
        const ch_run *run = group->runs[i];
        if (has_points(run, with_curvature) && run->settings.train == train && run->settings.temp != temp) {
            temp = run->settings.temp;
            if (index-- == 0) {
                return run;
            }
        }
    }
    return NULL;
}

ch_chosen_runs ch_chosen_runs_of(const ch_fit_group *group, bool with_curvature)
{
    ch_chosen_runs chosen = {.count = 0};
    const uint64_t train = largest_train(group, with_curvature);
    size_t count = 0;
    while (train > 0 && nth_run(group, with_curvature, train, count) != NULL) {
        count++;
    }
    chosen.count = count < CH_MOST_TRAJECTORIES ? count : CH_MOST_TRAJECTORIES;
    for (size_t i = 0; i < chosen.count; i++) {
        chosen.runs[i] =
            nth_run(group, with_curvature, train, chosen.count > 1 ? i * (count - 1) / (chosen.count - 1) : 0);
    }
    return chosen;
}

ch_code ch_chosen_runs_read(const ch_chosen_runs *self, const ch_fit *fit, ch_store *store, ch_run_table *table,
                            ch_error *err)
{
    char *where = NULL;
    size_t length = 0;
    FILE *out = ch_memstream_open(&where, &length);
    if (out == NULL) {
        return ch_error_memory(err, "a figure");
    }
    for (size_t i = 0; i < self->count; i++) {
        char id[CH_ID_SIZE];
        ch_settings_id(&ch_fit_stored_run(fit, self->runs[i])->resolved, id);
        fprintf(out, "%s'%s'", i == 0 ? "id IN (" : ", ", id);
    }
    fputc(')', out);
    const ch_code code = ch_memstream_close(out, &where) ? ch_store_select(store, where, true, table, err)
                                                         : ch_error_memory(err, "a figure");
    free(where);
    return code;
}

size_t ch_chosen_runs_key(const ch_run_table *table, bool as_marks, ch_sheet *sheet, double *left)
{
    const double sample = 0.03, pitch = 0.135;
    const size_t most = sheet->columns == 2 ? 5 : 2, rows = (table->count + most - 1) / most;
    const size_t columns = (table->count + rows - 1) / rows;
    char number[64];
    *left = 0.25 * (double)sheet->columns + 0.07 - 0.5 * pitch * (double)columns;
    ch_number_text((double)table->runs[0].settings.train, number, sizeof number);
    fprintf(sheet->out, "set label 'P = %s,  T =' at screen page_x(%.17g), screen head_y(%.17g) right font ',6.5'\n",
            number, *left - 0.008, ch_sheet_head_row(sheet, 0));
    for (size_t r = 0; r < table->count; r++) {
        const ch_mark mark = ch_mark_of(CH_RAMP_TEMP, r, table->count, true);
        char line[64];
        snprintf(line, sizeof line, "linewidth 0.9 linecolor rgb '#%06x'", mark.colour);
        ch_number_text(table->runs[r].settings.temp, number, sizeof number);
        ch_key_write(sheet->out, CH_KEY_OF_PAGE, *left + pitch * (double)(r % columns),
                     ch_sheet_head_row(sheet, r / columns), sample, as_marks ? NULL : line, as_marks ? &mark : NULL,
                     number);
    }
    return rows;
}
