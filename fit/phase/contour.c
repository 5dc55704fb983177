/* contour.c — contours in a phase diagram, by marching squares. */
#include "fit/phase/phase.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

/* Four neighbouring cells, in logarithms. Corners are numbered round the square, and edge i goes from corner i to
 * corner i + 1. */
typedef struct {
    double x[4], y[4];
    double over[4]; /* ln(quantity / level) */
} cell_square;

/* ln(quantity / level) of a cell; NaN where it does not count, or has no positive value. */
static double over_level(const ch_phase *self, ch_phase_quantity quantity, size_t alpha, size_t temp, double level)
{
    const ch_phase_cell *cell = ch_phase_at(self, alpha, temp);
    const double value = cell->values[quantity];
    return cell->counts && value > 0 && isfinite(value) ? log(value / level) : NAN;
}

/* The same of a T that was sampled at other alpha alone: on the straight line between the sampled T beside it. */
static double over_level_between(const ch_phase *self, ch_phase_quantity quantity, size_t alpha, size_t temp,
                                 double level)
{
    size_t lo = temp, hi = temp;
    while (lo > 0 && ch_phase_at(self, alpha, lo)->num_runs == 0) {
        lo--;
    }
    while (hi + 1 < self->num_temps && ch_phase_at(self, alpha, hi)->num_runs == 0) {
        hi++;
    }
    const double from = over_level(self, quantity, alpha, lo, level);
    if (lo == hi) {
        return from;
    }
    const double share = log(self->temps[temp] / self->temps[lo]) / log(self->temps[hi] / self->temps[lo]);
    return from + share * (over_level(self, quantity, alpha, hi, level) - from);
}

/* Fills a square. Returns whether all four corners have a value. */
static bool load(const ch_phase *self, ch_phase_quantity quantity, size_t alpha, size_t temp, double level,
                 cell_square *square)
{
    static const size_t right[] = {0, 1, 1, 0}, up[] = {0, 0, 1, 1};
    bool whole = true;
    for (size_t i = 0; i < 4; i++) {
        square->x[i] = log(self->alphas[alpha + right[i]]);
        square->y[i] = log(self->temps[temp + up[i]]);
        square->over[i] = over_level_between(self, quantity, alpha + right[i], temp + up[i], level);
        whole = whole && !isnan(square->over[i]);
    }
    return whole;
}

/* Finds the places at which the contour crosses the edges. There are none, two, or four, and four only where corners
 * above and below the level alternate. The contour joins crossing 0 to 1, and 2 to 3. Returns their number. */
static size_t cross(const cell_square *square, double x[4], double y[4])
{
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        const size_t next = (i + 1) % 4;
        const double a = square->over[i], b = square->over[next];
        if ((a >= 0) != (b >= 0)) {
            x[count] = square->x[i] + (square->x[next] - square->x[i]) * a / (a - b);
            y[count++] = square->y[i] + (square->y[next] - square->y[i]) * a / (a - b);
        }
    }
    const double centre = square->over[0] + square->over[1] + square->over[2] + square->over[3];
    if (count == 4 && (centre >= 0) == (square->over[0] >= 0)) {
        /* The centre lies on the side of corners 0 and 2. So one piece of the contour cuts off corner 1, from edge 0 to
         * edge 1, and the other cuts off corner 3, from edge 2 to edge 3. */
        return count;
    }
    if (count == 4) { /* one piece cuts off corner 2, from edge 1 to 2, and the other corner 0, from edge 3 to 0 */
        const double first_x = x[0], first_y = y[0];
        for (size_t i = 0; i < 3; i++) {
            x[i] = x[i + 1];
            y[i] = y[i + 1];
        }
        x[3] = first_x;
        y[3] = first_y;
    }
    return count;
}

ch_code ch_phase_contour(const ch_phase *self, ch_phase_quantity quantity, double level, ch_phase_segment **segments,
                         size_t *count, ch_error *err)
{
    *count = 0;
    *segments = ch_alloc(2 * self->num_alphas * self->num_temps, sizeof **segments);
    if (*segments == NULL) {
        return ch_error_memory(err, "a contour");
    }
    for (size_t a = 0; a + 1 < self->num_alphas; a++) {
        for (size_t t = 0; t + 1 < self->num_temps; t++) {
            cell_square here;
            double x[4], y[4];
            const size_t crossings = load(self, quantity, a, t, level, &here) ? cross(&here, x, y) : 0;
            for (size_t i = 0; i + 1 < crossings; i += 2) {
                (*segments)[(*count)++] = (ch_phase_segment){{exp(x[i]), exp(x[i + 1])}, {exp(y[i]), exp(y[i + 1])}};
            }
        }
    }
    return CH_OK;
}
