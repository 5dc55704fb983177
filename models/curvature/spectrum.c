/* spectrum.c — Lanczos' method and Hutchinson's. */
#include "models/curvature/spectrum.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the eigenvalues of a tridiagonal matrix ---- */

/* A within the span: its diagonal, and the numbers beside it; beside[i] joins i and i + 1. */
typedef struct {
    double diagonal[CH_MOST_LANCZOS], beside[CH_MOST_LANCZOS];
    size_t size;
} tridiagonal;

/* The number of eigenvalues above x: that of the positive pivots of T - x (Sylvester's law of inertia). A pivot of 0
 * counts as a small one. */
static size_t count_above(const tridiagonal *self, double x)
{
    double pivot = self->diagonal[0] - x;
    size_t count = pivot > 0;
    for (size_t i = 1; i < self->size; i++) {
        const double side = self->beside[i - 1];
        pivot = self->diagonal[i] - x - side * side / (pivot != 0 ? pivot : 1e-300);
        count += pivot > 0;
    }
    return count;
}

/* The eigenvalue number `rank`, the largest being 0, by bisection to the last bit. */
static double eigenvalue(const tridiagonal *self, size_t rank)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < self->size; i++) { /* Gershgorin's discs */
        const double reach = (i > 0 ? fabs(self->beside[i - 1]) : 0) + (i + 1 < self->size ? fabs(self->beside[i]) : 0);
        low = fmin(low, self->diagonal[i] - reach);
        high = fmax(high, self->diagonal[i] + reach);
    }
    for (;;) {
        const double middle = low + (high - low) / 2;
        if (!(middle > low && middle < high)) {
            return high;
        }
        if (count_above(self, middle) > rank) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/* The last number of the unit eigenvector of the largest eigenvalue. The last pivot d(x) of T - x has 1 / d =
 * s^2 / (theta - x) + (what is finite at theta), so that s^2 = -1 / d'(theta); all pivots before it are negative. */
static double last_of_vector(const tridiagonal *self, double theta)
{
    double pivot = self->diagonal[0] - theta, slope = -1;
    for (size_t i = 1; i < self->size; i++) {
        const double ratio = self->beside[i - 1] / pivot;
        slope = -1 + ratio * ratio * slope;
        pivot = self->diagonal[i] - theta - self->beside[i - 1] * ratio;
    }
    return sqrt(-1 / slope);
}

/* The estimated error of the largest eigenvalue, whose residual is |next| times the vector's last number. */
static ch_spectrum_estimate estimate(const tridiagonal *self, double next)
{
    const double theta = eigenvalue(self, 0), residual = fabs(next) * last_of_vector(self, theta);
    const double gap = self->size > 1 ? theta - eigenvalue(self, 1) : 0;
    return (ch_spectrum_estimate){theta, gap > residual ? residual * residual / gap : residual};
}

/* The norm of A within the span. */
static double norm_of(const tridiagonal *self)
{
    return fmax(fabs(eigenvalue(self, 0)), fabs(eigenvalue(self, self->size - 1)));
}

/* vector = the eigenvector of the largest eigenvalue, from the vectors of the span. T - theta = L D L^T with a last
 * pivot of 0, so that the numbers s of the eigenvector within the span follow from the last one: L^T s = (0, …, 0, 1).
 */
static void find_vector(const tridiagonal *self, double theta, const float *span, size_t dim, double *vector)
{
    double pivots[CH_MOST_LANCZOS], number = 1, square = 0;
    pivots[0] = self->diagonal[0] - theta;
    for (size_t i = 1; i < self->size; i++) {
        pivots[i] = self->diagonal[i] - theta - self->beside[i - 1] * self->beside[i - 1] / pivots[i - 1];
    }
    memset(vector, 0, dim * sizeof *vector);
    for (size_t k = self->size; k-- > 0;) {
        number *= k + 1 < self->size ? -self->beside[k] / pivots[k] : 1;
        for (size_t i = 0; i < dim; i++) {
            vector[i] += number * (double)span[k * dim + i];
        }
        square += number * number;
    }
    for (size_t i = 0; i < dim; i++) {
        vector[i] /= sqrt(square);
    }
}

/* ---- Lanczos' method ---- */

ch_code ch_spectrum_largest(const ch_symmetric_map *map, const double *start, const ch_lanczos_rule *rule,
                            double *vector, ch_spectrum_estimate *largest, size_t *steps, ch_error *err)
{
    const size_t dim = map->dim;
    double *vectors = ch_alloc(3 * dim, sizeof *vectors);
    float *span = vector != NULL ? ch_alloc_unset(rule->most_steps * dim, sizeof *span) : NULL;
    *largest = (ch_spectrum_estimate){NAN, NAN};
    *steps = 0;
    ch_code code = CH_OK;
    if (vectors == NULL || (vector != NULL && span == NULL)) {
        code = ch_error_memory(err, "the largest eigenvalue of a Hessian");
        goto out;
    }
    double *before = vectors, *now = vectors + dim, *next = vectors + 2 * dim, side = 0;
    const double norm = sqrt(ch_spectrum_dot(start, start, dim));
    tridiagonal inside = {.size = 0};
    for (size_t i = 0; i < dim; i++) {
        now[i] = start[i] / norm;
    }
    while (inside.size < rule->most_steps) {
        for (size_t i = 0; span != NULL && i < dim; i++) {
            span[inside.size * dim + i] = (float)now[i];
        }
        if (!map->apply(map->context, now, next)) {
            *largest = (ch_spectrum_estimate){NAN, NAN};
            goto out;
        }
        const double along = ch_spectrum_dot(now, next, dim);
        for (size_t i = 0; i < dim; i++) {
            next[i] -= along * now[i] + side * before[i];
        }
        inside.diagonal[inside.size] = along;
        side = sqrt(ch_spectrum_dot(next, next, dim));
        inside.beside[inside.size++] = side;
        *steps = inside.size;
        *largest = estimate(&inside, side);
        if (largest->error <= rule->tolerance * fabs(largest->value) || !(side > 0)) {
            break;
        }
        double *free_one = before;
        for (size_t i = 0; i < dim; i++) {
            next[i] /= side;
        }
        before = now;
        now = next;
        next = free_one;
    }
    largest->error += rule->rounding * norm_of(&inside);
    if (vector != NULL) {
        find_vector(&inside, largest->value, span, dim, vector);
    }
out:
    free(vectors);
    free(span);
    return code;
}

/* ---- Hutchinson's method ---- */

ch_code ch_spectrum_trace(const ch_symmetric_map *map, size_t num_probes, ch_random *random,
                          ch_spectrum_estimate *trace, ch_error *err)
{
    const size_t dim = map->dim;
    double *vectors = ch_alloc(2 * dim, sizeof *vectors), mean = 0, squares = 0;
    *trace = (ch_spectrum_estimate){NAN, NAN};
    if (vectors == NULL) {
        return ch_error_memory(err, "the trace of a Hessian");
    }
    for (size_t probe = 0; probe < num_probes; probe++) {
        uint32_t bits = 0;
        for (size_t i = 0; i < dim; i++, bits >>= 1) {
            bits = i % 32 == 0 ? ch_random_u32(random) : bits;
            vectors[i] = (bits & 1) != 0 ? 1 : -1;
        }
        if (!map->apply(map->context, vectors, vectors + dim)) {
            goto out;
        }
        ch_running_add(ch_spectrum_dot(vectors, vectors + dim, dim), probe + 1, &mean, &squares);
    }
    *trace = (ch_spectrum_estimate){mean, sqrt(squares / (double)(num_probes - 1) / (double)num_probes)};
out:
    free(vectors);
    return CH_OK;
}
