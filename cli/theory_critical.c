/* theory_critical.c — the critical temperatures that are expected of training sets of finite size: those that a fit
 * finds in the expected ends of training. */
#include "cli/theory_critical.h"
#include "core/memory.h"
#include "sim/store/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A run that ends as it is expected. Weights start at their mean size, |w0| = sqrt(d). */
static ch_run run_of(const ch_theory_cell *cell)
{
    ch_run run = {.settings = cell->settings, .status = CH_FITTED, .time = cell->end.time.value};
    run.final = ch_observation_none();
    run.settings.seed_data = 0;
    run.final.weight_change = cell->end.weight_change.value;
    run.final.weight_change_rel = cell->end.weight_change.value / sqrt((double)cell->settings.dim);
    run.final.test_error = cell->end.test_error.value;
    return run;
}

ch_code ch_theory_critical_init(ch_theory_critical *self, const ch_theory_cell *cells, size_t count, int threads,
                                const ch_watch *watch, ch_error *err)
{
    ch_fit_options options;
    memset(self, 0, sizeof *self);
    self->runs = ch_alloc(count, sizeof *self->runs);
    if (self->runs == NULL) {
        return ch_error_memory(err, "the expected critical temperatures");
    }
    for (size_t i = 0; i < count; i++) {
        if (cells[i].refusal.code == CH_OK) {
            self->runs[self->table.count++] = run_of(&cells[i]);
        }
    }
    self->table.runs = self->runs;
    if (self->table.count == 0) {
        return CH_OK;
    }
    ch_fit_options_default(&options);
    options.threads = threads;
    options.watch = watch;
    return ch_fit_init(&self->fit, &self->table, &options, err);
}

void ch_theory_critical_free(ch_theory_critical *self)
{
    ch_fit_free(&self->fit);
    free(self->runs);
    memset(self, 0, sizeof *self);
}

const ch_fit_group *ch_theory_critical_group(const ch_theory_critical *self)
{
    return self->fit.num_groups > 0 ? &self->fit.groups[0] : NULL;
}

bool ch_theory_critical_is_found(const ch_theory_critical *self, ch_tc_definition definition)
{
    const ch_fit_group *group = ch_theory_critical_group(self);
    for (size_t i = 0; group != NULL && i < group->num_tc; i++) {
        if (group->tc[i].definition == definition && group->tc[i].place != CH_TC_NONE) {
            return true;
        }
    }
    return false;
}
