/* master.c — how well curves of several P agree with one master curve, and the exponents at which they agree best. */
#include "fit/collapse/master.h"

#include <gsl/gsl_errno.h>
#include <math.h>

enum { MOST_NODES = 4, NUM_STEPS = 800, MOST_ITERATIONS = 60 };

/* The interpolated ln y of a curve at one place, and its variance. */
typedef struct {
    double y, variance;
} node_sum;

/* Interpolates at u by Lagrange's polynomial through `count` points from `first` on:
 * y = sum_j c_j y_j, c_j = prod_{i != j} (u - u_i) / (u_j - u_i). */
static inline node_sum lagrange(const ch_curve *curve, size_t first, size_t count, double u)
{
    const double *place = curve->log_temp + first;
    node_sum sum = {0, 0};
    for (size_t j = 0; j < count; j++) {
        double above = 1, below = 1;
        for (size_t i = 0; i < count; i++) {
            above *= i == j ? 1 : u - place[i];
            below *= i == j ? 1 : place[j] - place[i];
        }
        const double c = above / below;
        sum.y += c * curve->log_y[first + j];
        sum.variance += c * c * curve->variance[first + j];
    }
    return sum;
}

/* Interpolates at u by the points next to it: two on either side, or fewer at the ends of the curve.
 * @param right  log_temp[right - 1] <= u <= log_temp[right] */
static node_sum interpolate(const ch_curve *curve, size_t right, double u)
{
    const size_t first = right > 1 ? right - 2 : 0;
    const size_t end = right + 2 < curve->count ? right + 2 : curve->count;
    return end - first == MOST_NODES ? lagrange(curve, first, MOST_NODES, u) /* loops unroll for a constant */
                                     : lagrange(curve, first, end - first, u);
}

/* The sums of the master curve at one point. It is the weighted mean of all other curves whose range holds the point.
 */
typedef struct {
    double weight, y, log_train; /* sums of w, w y, w ln P */
} master_sum;

/* Adds what one curve gives at u. */
static void add_curve(master_sum *sum, const ch_curve *other, size_t right, double u)
{
    const node_sum node = interpolate(other, right, u);
    const double weight = 1 / node.variance;
    sum->weight += weight;
    sum->y += weight * node.y;
    sum->log_train += weight * other->log_train;
}

/* Finds the index with log_temp[right - 1] <= u <= log_temp[right]. The search starts at the index of an even grid. */
static size_t find_right(const ch_curve *curve, double u)
{
    const double *place = curve->log_temp;
    const size_t last = curve->count - 1;
    size_t right = 1 + (size_t)((double)(last - 1) * (u - place[0]) / (place[last] - place[0]));
    while (right < last && place[right] < u) {
        right++;
    }
    while (right > 1 && place[right - 1] > u) {
        right--;
    }
    return right;
}

bool ch_master_point_at(const ch_curve *curves, size_t num_curves, size_t k, size_t i, double a, ch_master_point *point)
{
    const ch_curve *own = &curves[k];
    master_sum sum = {0, 0, 0};
    for (size_t other = 0; other < num_curves; other++) {
        const ch_curve *curve = &curves[other];
        const double u = own->log_temp[i] + a * (own->log_train - curve->log_train); /* in ln T of the other curve */
        if (other != k && u >= curve->log_temp[0] && u <= curve->log_temp[curve->count - 1]) {
            add_curve(&sum, curve, find_right(curve, u), u);
        }
    }
    if (!(sum.weight > 0)) {
        return false;
    }
    *point = (ch_master_point){.r = own->log_y[i] - sum.y / sum.weight,
                               .q = own->log_train - sum.log_train / sum.weight,
                               .weight = 1 / (own->variance[i] + 1 / sum.weight)};
    return true;
}

ch_master_sums ch_master_compare(const ch_curve *curves, size_t num_curves, double a)
{
    ch_master_sums sums = {.least = curves[0].count};
    for (size_t k = 0; k < num_curves; k++) {
        size_t compared = 0;
        for (size_t i = 0; i < curves[k].count; i++) {
            ch_master_point point;
            if (ch_master_point_at(curves, num_curves, k, i, a, &point)) {
                sums.rr += point.weight * point.r * point.r;
                sums.rq += point.weight * point.r * point.q;
                sums.qq += point.weight * point.q * point.q;
                compared++;
            }
        }
        sums.num_compared += compared;
        sums.least = compared < sums.least ? compared : sums.least;
    }
    return sums;
}

double ch_master_quality(const ch_master_sums *sums, double x)
{
    return (sums->rr - 2 * x * sums->rq + x * x * sums->qq) / (double)sums->num_compared;
}

double ch_master_exponent(const ch_master_sums *sums)
{
    return sums->rq / sums->qq;
}

/* ---- the search over a ---- */

/* S as a function of a: the curves, and the least number of points that must be compared. */
typedef struct {
    const ch_curve *curves;
    size_t num_curves;
    double least_compared;
} landscape;

static bool admits(const landscape *self, const ch_master_sums *sums)
{
    return sums->least >= 2 && (double)sums->num_compared >= self->least_compared;
}

/* The least S over x at this a; infinite where the a is not admitted. */
static double quality_at(double a, void *parameters)
{
    const landscape *self = parameters;
    const ch_master_sums sums = ch_master_compare(self->curves, self->num_curves, a);
    return admits(self, &sums) ? ch_master_quality(&sums, ch_master_exponent(&sums)) : INFINITY;
}

/* Finds the minimum of S between lo and hi by Brent's method.
 * @param quality  S at lo, at the middle, and at hi; that at the middle is the least */
static double refine(landscape *self, double lo, double middle, double hi, const double quality[3], double tolerance,
                     gsl_min_fminimizer *solver)
{
    gsl_function function = {quality_at, self};
    if (gsl_min_fminimizer_set_with_values(solver, &function, middle, quality[1], lo, quality[0], hi, quality[2]) !=
        GSL_SUCCESS) {
        return middle;
    }
    for (size_t i = 0; i < MOST_ITERATIONS; i++) {
        if (gsl_min_fminimizer_iterate(solver) != GSL_SUCCESS ||
            gsl_min_fminimizer_x_upper(solver) - gsl_min_fminimizer_x_lower(solver) < tolerance) {
            break;
        }
    }
    return gsl_min_fminimizer_x_minimum(solver);
}

/* The largest |a| at which the ranges of two curves still touch. For two curves it is the largest distance of their
 * ranges' ends in ln T, over their distance in ln P. */
static double largest_shift(const ch_curve *curves, size_t num_curves)
{
    double largest = 0;
    for (size_t k = 0; k + 1 < num_curves; k++) {
        for (size_t l = k + 1; l < num_curves; l++) {
            const ch_curve *left = &curves[k], *right = &curves[l];
            const double up = right->log_temp[right->count - 1] - left->log_temp[0];
            const double down = left->log_temp[left->count - 1] - right->log_temp[0];
            const double distance = fabs(right->log_train - left->log_train);
            largest = fmax(largest, fmax(fabs(up), fabs(down)) / distance);
        }
    }
    return largest;
}

/* Value i of a between -largest and largest. The values are offset so that they avoid a = 0 and other a at which the
 * grids of T coincide. At such an a the ends of curves enter each other's range all at once, so that S there differs
 * from S at the a next to it. */
static double step_value(double largest, int i)
{
    const double offset = 0.382;
    return largest * ((double)(2 * i) + offset - NUM_STEPS) / NUM_STEPS;
}

/* Sets `best` to the values at a. */
static void set_best(const landscape *self, double a, ch_master *best)
{
    const ch_master_sums sums = ch_master_compare(self->curves, self->num_curves, a);
    best->a = a;
    best->x = ch_master_exponent(&sums);
    best->quality = ch_master_quality(&sums, best->x);
    best->num_compared = sums.num_compared;
}

/* The mean of S from the best step to one end of the admitted range.
 * @param direction  -1 or 1
 * @param end        out: the step at that end */
static double mean_beside(const double *quality, int best, int direction, int *end)
{
    double sum = 0;
    int count = 0, i = best;
    for (; i >= 0 && i <= NUM_STEPS && isfinite(quality[i]); i += direction) {
        sum += quality[i];
        count++;
    }
    *end = i - direction;
    return sum / count;
}

ch_master ch_master_search(const ch_curve *curves, size_t num_curves, gsl_min_fminimizer *solver)
{
    const double enough = 0.5, least_rise = 1, tolerance = 1e-6;
    const double largest = largest_shift(curves, num_curves);
    double quality[NUM_STEPS + 1];
    ch_master best = {NAN, NAN, NAN, 0, NAN, NAN, CH_MASTER_APART};
    landscape self = {curves, num_curves, 0};
    for (int i = 0; i <= NUM_STEPS; i++) {
        const ch_master_sums sums = ch_master_compare(curves, num_curves, step_value(largest, i));
        self.least_compared = fmax(self.least_compared, enough * (double)sums.num_compared);
    }
    int least = -1;
    for (int i = 0; i <= NUM_STEPS; i++) {
        quality[i] = quality_at(step_value(largest, i), &self);
        least = isfinite(quality[i]) && (least < 0 || quality[i] < quality[least]) ? i : least;
    }
    if (least < 0) {
        return best;
    }
    int first = 0, last = 0;
    const double below = mean_beside(quality, least, -1, &first), above = mean_beside(quality, least, 1, &last);
    const bool decided = fmin(below, above) >= quality[least] + least_rise;
    best.lo = step_value(largest, first);
    best.hi = step_value(largest, last);
    best.ending = decided ? CH_MASTER_FOUND : CH_MASTER_UNDECIDED;
    set_best(&self, step_value(largest, least), &best);
    if (decided) { /* then the best step has a step on either side */
        set_best(&self,
                 refine(&self, step_value(largest, least - 1), best.a, step_value(largest, least + 1),
                        &quality[least - 1], tolerance, solver),
                 &best);
    }
    return best;
}

bool ch_master_follow(const ch_curve *curves, size_t num_curves, const ch_master *start, gsl_min_fminimizer *solver,
                      ch_master *best)
{
    const double tolerance = 1e-4;
    landscape self = {curves, num_curves, 0};
    double step = (start->hi - start->lo) / NUM_STEPS;
    double a[3] = {start->a - step, start->a, start->a + step}, quality[3];
    *best = (ch_master){NAN, NAN, NAN, 0, start->lo, start->hi, CH_MASTER_UNDECIDED};
    for (size_t i = 0; i < 3; i++) {
        quality[i] = quality_at(a[i], &self);
    }
    while (quality[0] < quality[1] || quality[2] < quality[1]) { /* steps grow on the way down */
        const size_t down = quality[0] < quality[2] ? 0 : 2, up = 2 - down;
        step *= 1.5;
        a[up] = a[1];
        quality[up] = quality[1];
        a[1] = a[down];
        quality[1] = quality[down];
        a[down] = a[1] + (down == 0 ? -step : step);
        quality[down] = quality_at(a[down], &self);
        if (!(a[down] >= start->lo && a[down] <= start->hi)) {
            return false;
        }
    }
    if (!isfinite(quality[1])) {
        return false;
    }
    const double found = quality[0] > quality[1] && quality[2] > quality[1]
                             ? refine(&self, a[0], a[1], a[2], quality, tolerance, solver)
                             : a[1];
    set_best(&self, found, best);
    best->ending = CH_MASTER_FOUND;
    return true;
}
