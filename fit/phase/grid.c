/* grid.c — the cells of a phase diagram: their means over data sets, and what lies beside the best of them. */
#include "fit/phase/phase_private.h"

#include <math.h>

const ch_phase_cell *ch_phase_at(const ch_phase *self, size_t alpha, size_t temp)
{
    return &self->cells[alpha * self->num_temps + temp];
}

double *ch_phase_sets_at(const ch_phase_sets *self, size_t cell, size_t quantity, size_t set)
{
    return &self->values[(cell * CH_NUM_PHASE_SETS + quantity) * self->num_sets + set];
}

double ch_phase_sets_mean(const ch_phase_sets *self, size_t cell, size_t quantity, const double *copies)
{
    double sum = 0, weight = 0;
    for (size_t set = 0; set < self->num_sets; set++) {
        const double value = *ch_phase_sets_at(self, cell, quantity, set);
        const double times = copies == NULL ? 1 : copies[set];
        if (isfinite(value)) {
            sum += times * value;
            weight += times;
        }
    }
    return weight > 0 ? sum / weight : NAN;
}

/* ---- what T_opt sits at ---- */

/* The next sampled T of an alpha above or below `temp`; num_temps where there is none. */
static size_t next_sampled(const ch_phase *self, size_t alpha, size_t temp, bool above)
{
    size_t t = temp;
    do {
        t = above ? t + 1 : t == 0 ? self->num_temps : t - 1;
    } while (t < self->num_temps && ch_phase_at(self, alpha, t)->num_runs == 0);
    return t < self->num_temps ? t : self->num_temps;
}

static bool counts(const ch_phase *self, size_t alpha, size_t temp)
{
    return temp < self->num_temps && ch_phase_at(self, alpha, temp)->counts;
}

static bool diverges(const ch_phase *self, size_t alpha, size_t temp)
{
    return temp < self->num_temps && ch_phase_at(self, alpha, temp)->num_diverged > 0;
}

ch_phase_limit ch_phase_find_limit(const ch_phase *self, size_t alpha)
{
    const ch_phase_temp *best = &self->rows[alpha].best;
    size_t least = self->num_temps;
    for (size_t t = 0; t < self->num_temps; t++) {
        const ch_phase_cell *cell = ch_phase_at(self, alpha, t);
        const double value = cell->values[CH_PHASE_TEST_ERROR];
        if (cell->counts && isfinite(value) &&
            (least == self->num_temps || value <= ch_phase_at(self, alpha, least)->values[CH_PHASE_TEST_ERROR])) {
            least = t;
        }
    }
    if (least == self->num_temps || best->place == CH_TC_NONE) {
        return CH_PHASE_FREE;
    }
    const size_t above = next_sampled(self, alpha, least, true), below = next_sampled(self, alpha, least, false);
    const size_t after = counts(self, alpha, above) ? next_sampled(self, alpha, above, true) : self->num_temps;
    if (diverges(self, alpha, above) || (!best->is_sure && diverges(self, alpha, after))) {
        return CH_PHASE_AT_DIVERGED;
    }
    const bool at_budget = (above < self->num_temps && !counts(self, alpha, above)) ||
                           (below < self->num_temps && !counts(self, alpha, below));
    return at_budget ? CH_PHASE_AT_BUDGET : CH_PHASE_FREE;
}
