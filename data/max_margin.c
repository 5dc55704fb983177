/* max_margin.c — the direction of the largest margin, by dual coordinate ascent. */
#include "data/max_margin.h"

#include "core/memory.h"
#include "data/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Accuracy of the margin at C = infinity, the bound under which no plane counts as dividing the samples, in units of
 * the root of mean |z|^2, and accuracy of the objective at C < infinity. */
static const double MARGIN_ACCURACY = 1e-6, LEAST_MARGIN = 3e-4, OBJECTIVE_ACCURACY = 1e-4;

/* Passes over the samples with a > 0 in a round: together at most as much work as INNER_WORK passes over all samples,
 * and at most MOST_INNER. */
enum { INNER_WORK = 2, MOST_INNER = 50 };

typedef struct {
    const ch_sample_set *set;
    double cost;           /* C */
    double *weights;       /* w [stride]; the caller's */
    double *duals;         /* [P] the dual variables a; owned */
    double *squares;       /* [P] |z|^2; owned */
    double mean_square;    /* mean |z|^2 */
    uint32_t *order;       /* [P] the samples that a pass goes over; owned */
    ch_random random;      /* of their order */
    const ch_watch *watch; /* may be NULL */
} solver;

static void solver_free(solver *self)
{
    free(self->duals);
    free(self->squares);
    free(self->order);
}

static ch_code solver_init(solver *self, const ch_sample_set *set, double *weights, const ch_watch *watch,
                           ch_error *err)
{
    const size_t count = set->num_samples;
    *self = (solver){.set = set, .weights = weights, .watch = watch};
    self->duals = ch_alloc(count, sizeof *self->duals);
    self->squares = ch_alloc(count, sizeof *self->squares);
    self->order = ch_alloc(count, sizeof *self->order);
    if (self->duals == NULL || self->squares == NULL || self->order == NULL) {
        return ch_error_memory(err, "the teacher of the samples");
    }
    for (size_t mu = 0; mu < count; mu++) {
        const float *row = ch_sample_set_row(set, mu);
        for (size_t i = 0; i < set->dim; i++) {
            self->squares[mu] += (double)row[i] * (double)row[i];
        }
        self->mean_square += self->squares[mu] / (double)count;
    }
    return CH_OK;
}

/* Sets a = 0 and w = 0. */
static void restart(solver *self, double cost)
{
    self->cost = cost;
    memset(self->duals, 0, self->set->num_samples * sizeof *self->duals);
    memset(self->weights, 0, self->set->stride * sizeof *self->weights);
    ch_random_init(&self->random, 0, CH_STREAM_TEACHER, 0);
}

/* a_mu <- min(max(a_mu + (1 - w . z_mu) / |z_mu|^2, 0), C). A sample that is 0 has no margin, and a = C. */
static void ascend(solver *self, uint32_t sample)
{
    const float *row = ch_sample_set_row(self->set, sample);
    const double square = self->squares[sample], before = self->duals[sample];
    if (!(square > 0)) {
        self->duals[sample] = self->cost;
        return;
    }
    const double best = before + (1 - ch_dot(row, self->weights, self->set->stride)) / square;
    const double dual = fmin(fmax(best, 0), self->cost);
    if (dual != before) {
        ch_axpy(self->weights, dual - before, row, self->set->stride);
        self->duals[sample] = dual;
    }
}

/* Goes once over the first `count` samples of the order, which it draws anew.  @return false when stopped */
static bool pass_over(solver *self, size_t count)
{
    const size_t look = ch_rows_per_look(self->set->stride);
    for (size_t k = 0; k < count; k++) {
        const size_t other = k + ch_random_below(&self->random, (uint32_t)(count - k));
        const uint32_t sample = self->order[other];
        self->order[other] = self->order[k];
        self->order[k] = sample;
        ascend(self, sample);
        if (k % look == look - 1 && ch_watch_is_stopped(self->watch)) {
            return false;
        }
    }
    return !ch_watch_is_stopped(self->watch);
}

/* Lists the samples with a > 0, or all. The list does not depend on the order of the passes before. */
static size_t list_samples(solver *self, bool all)
{
    size_t count = 0;
    for (size_t mu = 0; mu < self->set->num_samples; mu++) {
        if (all || self->duals[mu] > 0) {
            self->order[count++] = (uint32_t)mu;
        }
    }
    return count;
}

/* Sums over all samples. */
typedef struct {
    double norm;       /* |w| */
    double dual_sum;   /* sum of a */
    double hinge;      /* sum of max(0, 1 - m) */
    double min_margin; /* least w . z */
    size_t errors;     /* samples with w . z <= 0 */
} sums;

/* @return false when stopped */
static bool look_at_all(const solver *self, sums *out)
{
    const size_t look = ch_rows_per_look(self->set->stride);
    sums all = {.norm = sqrt(ch_norm2(self->weights, self->set->stride)), .min_margin = INFINITY};
    for (size_t mu = 0; mu < self->set->num_samples; mu++) {
        const double margin = ch_dot(ch_sample_set_row(self->set, mu), self->weights, self->set->stride);
        all.dual_sum += self->duals[mu];
        all.hinge += fmax(0, 1 - margin);
        all.min_margin = fmin(all.min_margin, margin);
        all.errors += !(margin > 0);
        if (mu % look == look - 1 && ch_watch_is_stopped(self->watch)) {
            return false;
        }
    }
    *out = all;
    return true;
}

/* One round.  @return false when stopped */
static bool take_round(solver *self, sums *out)
{
    const size_t all = list_samples(self, true);
    if (!pass_over(self, all)) {
        return false;
    }
    const size_t count = list_samples(self, false);
    const size_t passes = count > 0 ? INNER_WORK * all / count : 0;
    for (size_t i = 0; i < passes && i < MOST_INNER; i++) {
        if (!pass_over(self, count)) {
            return false;
        }
    }
    return look_at_all(self, out);
}

/* Whether a round at C = infinity is the last. */
static bool is_decided(const solver *self, const sums *all, bool *is_separable)
{
    const double bound = all->norm / all->dual_sum; /* on the largest margin */
    *is_separable = all->min_margin >= (1 - MARGIN_ACCURACY) * bound * all->norm && all->min_margin > 0;
    return *is_separable || !(bound >= LEAST_MARGIN * sqrt(self->mean_square));
}

/* Whether a round at C < infinity is the last. */
static bool is_accurate(const solver *self, const sums *all)
{
    const double square = all->norm * all->norm / 2;
    const double gap = square + self->cost * all->hinge - (all->dual_sum - square);
    const double rounding = 1e-12 * self->cost * (double)self->set->num_samples; /* where w* is 0 */
    return gap <= OBJECTIVE_ACCURACY * square + rounding;
}

/* Both stages. */
static ch_code solve(solver *self, ch_max_margin *found, sums *all, ch_error *err)
{
    bool is_over = false;
    for (restart(self, INFINITY); !is_over; found->rounds++) {
        if (!take_round(self, all)) {
            goto stopped;
        }
        is_over = is_decided(self, all, &found->is_separable);
    }
    if (found->is_separable) {
        return CH_OK;
    }
    is_over = false;
    for (restart(self, 1 / self->mean_square); !is_over; found->rounds++) {
        if (!take_round(self, all)) {
            goto stopped;
        }
        is_over = is_accurate(self, all);
    }
    return CH_OK;
stopped:
    return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the teacher of the samples was fitted");
}

ch_code ch_max_margin_find(ch_max_margin *self, const ch_sample_set *set, double *direction, const ch_watch *watch,
                           ch_error *err)
{
    solver state;
    sums all = {0};
    memset(self, 0, sizeof *self);
    ch_code code = solver_init(&state, set, direction, watch, err);
    if (code != CH_OK) {
        goto out;
    }
    code = state.mean_square > 0 ? solve(&state, self, &all, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    if (!(all.norm > 0)) {
        code = ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is fitted, but the samples times their labels are 0 or cancel, and have no "
                            "direction; accepted is to leave teacher out");
        goto out;
    }
    for (size_t i = 0; i < set->stride; i++) {
        direction[i] /= all.norm;
    }
    self->margin = all.min_margin / all.norm;
    self->error = (double)all.errors / (double)set->num_samples;
out:
    solver_free(&state);
    return code;
}
