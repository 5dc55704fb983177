/* fluctuations.c — the variance of a run's weights along their principal directions, and the flatness of the loss. */
#include "sim/fluctuations.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one direction: how it fluctuates ---- */

double ch_block_error(const double *numbers, size_t count)
{
    static const size_t blocks[] = {64, 32, 16, 8};
    double largest = 0;
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        const size_t number = blocks[b], size = count / number;
        double sum = 0, squares = 0;
        for (size_t k = 0; k < number && size > 0; k++) {
            double mean = 0;
            for (size_t i = 0; i < size; i++) {
                mean += numbers[k * size + i] / (double)size;
            }
            sum += mean;
            squares += mean * mean;
        }
        const double variance = (squares - sum * sum / (double)number) / (double)(number - 1);
        largest = fmax(largest, size > 0 ? sqrt(fmax(variance, 0) / (double)number) : 0);
    }
    return largest;
}

static double mean_of(const double *numbers, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += numbers[i];
    }
    return sum / (double)count;
}

/* Finds all that the series alone says of a direction.
 * @param along    [n] w(t) - w_m along it
 * @param squares  [n] memory */
static void find_motion(const double *along, size_t n, double *squares, ch_fluctuation *out)
{
    double wave = 0;
    for (size_t t = 0; t < n; t++) {
        squares[t] = along[t] * along[t];
        wave += cos(M_PI * (double)out->rank * ((double)t + 0.5) / (double)n) * along[t];
    }
    const double sum = mean_of(squares, n) * (double)n, scale = (double)n / (double)(n - 1);
    out->variance = sum / (double)(n - 1);
    out->variance_error = scale * ch_block_error(squares, n);
    out->drift = fabs(mean_of(along + (n - n / 2), n / 2) - mean_of(along, n / 2)) / sqrt(out->variance);
    out->cosine = 2 * wave * wave / ((double)n * sum);
}

/* ---- one direction: how flat the loss is ---- */

/* A line w_m + theta v through weight space. */
typedef struct {
    const ch_loss_at *loss;
    const double *mean, *direction; /* [size] */
    double *weights;                /* [size] memory */
    size_t size;
} line;

/* Finds L at theta. */
static ch_code loss_at(const line *self, double theta, double *loss, ch_error *err)
{
    for (size_t i = 0; i < self->size; i++) {
        self->weights[i] = self->mean[i] + theta * self->direction[i];
    }
    return self->loss->find(self->loss->context, self->weights, loss, err);
}

/* An interval of theta^2, on one side of 0, in which L crosses a level, and L over the level, less 1, at its ends. */
typedef struct {
    double inner, outer;
    double inner_excess, outer_excess; /* <= 0, and > 0 */
} bracket;

/* Finds L / level - 1 at the distance of a square from 0. */
static ch_code excess_at(const line *self, double side, double square, double level, double *excess, ch_error *err)
{
    const ch_code code = loss_at(self, side * sqrt(square), excess, err);
    *excess = *excess / level - 1;
    return code;
}

/* Doubles theta until L is over the level; the outer excess stays at most 0 where L never is. */
static ch_code find_bracket(const line *self, double side, double level, bracket *at, ch_error *err)
{
    enum { MOST_DOUBLINGS = 80 };
    ch_code code = excess_at(self, side, at->outer, level, &at->outer_excess, err);
    for (int i = 0; code == CH_OK && i < MOST_DOUBLINGS && at->outer_excess <= 0; i++) {
        at->inner = at->outer;
        at->inner_excess = at->outer_excess;
        at->outer *= 4;
        code = excess_at(self, side, at->outer, level, &at->outer_excess, err);
    }
    return code;
}

static void narrow(bracket *at, double square, double excess)
{
    if (excess <= 0) {
        at->inner = square;
        at->inner_excess = excess;
    } else {
        at->outer = square;
        at->outer_excess = excess;
    }
}

/* Finds |theta| of the closest crossing on one side, by the method of Ridders (IEEE Trans. Circuits Syst. 26, 979
 * (1979)) in theta^2: it is exact where L is a parabola, and halves the interval at least. It ends where L is within
 * 10^-6 of the level, or after 60 steps.
 * @param start  the first |theta|
 * @param theta  out: NaN where L does not reach the level, or is not finite there */
static ch_code find_crossing(const line *self, double side, double start, double lowest, double *theta, ch_error *err)
{
    enum { MOST_STEPS = 60 };
    static const double TOLERANCE = 1e-6;
    const double level = M_E * lowest;
    bracket at = {.outer = start * start, .inner_excess = lowest / level - 1};
    *theta = NAN;
    ch_code code = find_bracket(self, side, level, &at, err);
    if (code != CH_OK || !(at.outer_excess > 0)) {
        return code;
    }
    for (int i = 0; i < MOST_STEPS; i++) {
        const double middle = (at.inner + at.outer) / 2;
        double half = 0, excess = 0;
        code = excess_at(self, side, middle, level, &half, err);
        if (code != CH_OK) {
            return code;
        }
        double square = middle + (middle - at.inner) * -half / sqrt(half * half - at.inner_excess * at.outer_excess);
        narrow(&at, middle, half);
        square = square > at.inner && square < at.outer ? square : (at.inner + at.outer) / 2;
        code = excess_at(self, side, square, level, &excess, err);
        if (code != CH_OK) {
            return code;
        }
        narrow(&at, square, excess);
        if (fabs(excess) < TOLERANCE) {
            *theta = sqrt(square);
            return CH_OK;
        }
    }
    *theta = isfinite(at.outer_excess) ? sqrt((at.inner + at.outer) / 2) : NAN;
    return CH_OK;
}

/* Finds flatness and curvature. Both are NaN where L(w_m) is 0, or the loss does not grow by a factor e. */
static ch_code find_flatness(const line *self, double lowest, ch_fluctuation *out, ch_error *err)
{
    static const double PART = 16, START = 4;
    double right = 0, left = 0, above = 0, below = 0;
    out->flatness = out->curvature = NAN;
    if (!(lowest > 0 && isfinite(lowest))) {
        return CH_OK;
    }
    const double start = START * sqrt(out->variance);
    ch_code code = find_crossing(self, 1, start, lowest, &right, err);
    if (code != CH_OK) {
        return code;
    }
    code = find_crossing(self, -1, start, lowest, &left, err);
    if (code != CH_OK || !isfinite(left + right)) {
        return code;
    }
    out->flatness = left + right;
    const double step = out->flatness / PART;
    code = loss_at(self, step, &above, err);
    if (code != CH_OK) {
        return code;
    }
    code = loss_at(self, -step, &below, err);
    if (code != CH_OK) {
        return code;
    }
    out->curvature = (above + below - 2 * lowest) / (step * step);
    return CH_OK;
}

/* ---- all of them ---- */

/* The analysis under way. */
typedef struct {
    ch_centred_rows rows;
    double *mean, *direction, *weights; /* [row_size] owned */
    double *along, *squares;            /* [num_rows] owned */
    const ch_loss_at *loss;
    double lowest; /* L(w_m) */
    int threads;
    ch_fluctuation *found; /* [num_found]; owned */
    size_t num_found, capacity;
} analysis;

static void analysis_free(analysis *self)
{
    free(self->mean);
    free(self->direction);
    free(self->weights);
    free(self->along);
    free(self->squares);
    free(self->found);
}

static ch_code analysis_init(analysis *self, const ch_weight_series *series, const ch_loss_at *loss, int threads,
                             ch_error *err)
{
    const size_t size = series->num_weights, n = series->num_rows;
    *self = (analysis){.rows = {series->rows, n, size}, .loss = loss, .threads = threads};
    self->mean = ch_alloc(size, sizeof *self->mean);
    self->direction = ch_alloc_unset(size, sizeof *self->direction);
    self->weights = ch_alloc_unset(size, sizeof *self->weights);
    self->along = ch_alloc_unset(n, sizeof *self->along);
    self->squares = ch_alloc_unset(n, sizeof *self->squares);
    const bool is_there = self->mean != NULL && self->direction != NULL && self->weights != NULL &&
                          self->along != NULL && self->squares != NULL;
    return is_there ? CH_OK : ch_error_memory(err, "the fluctuations of the weights");
}

/* Finds the mean of the snapshots and subtracts it from each. */
static void centre(const analysis *self, ch_weight_series *series)
{
    const size_t size = series->num_weights, n = series->num_rows;
    for (size_t t = 0; t < n; t++) {
        for (size_t i = 0; i < size; i++) {
            self->mean[i] += series->rows[t * size + i] / (double)n;
        }
    }
    for (size_t t = 0; t < n; t++) {
        for (size_t i = 0; i < size; i++) {
            series->rows[t * size + i] -= self->mean[i];
        }
    }
}

/* The number of the direction after direction k, both counted from 1. */
static size_t rank_after(size_t k)
{
    enum { CLOSE = 16 };
    return k < CLOSE ? k + 1 : (size_t)ceil((double)k * exp2(0.25));
}

static ch_code add(analysis *self, const ch_fluctuation *one, ch_error *err)
{
    void *items = self->found;
    if (ch_grow(&items, &self->capacity, self->num_found + 1, sizeof *self->found) != 0) {
        return ch_error_memory(err, "the fluctuations of the weights");
    }
    self->found = items;
    self->found[self->num_found++] = *one;
    return CH_OK;
}

/* Finds what there is to know of the direction whose unit vector is self->direction. */
static ch_code analyse_direction(analysis *self, ch_fluctuation *one, ch_error *err)
{
    const ch_centred_rows *rows = &self->rows;
    const line along = {self->loss, self->mean, self->direction, self->weights, rows->row_size};
    for (size_t t = 0; t < rows->num_rows; t++) {
        self->along[t] = ch_inner_product(rows->rows + t * rows->row_size, self->direction, rows->row_size);
    }
    find_motion(self->along, rows->num_rows, self->squares, one);
    const ch_code code = find_flatness(&along, self->lowest, one, err);
    return code == CH_OK ? add(self, one, err) : code;
}

/* @param layer  its number, for the results */
static ch_code analyse_part(analysis *self, ch_weight_part part, size_t layer, ch_error *err)
{
    static const double HIDDEN = 1e-10, ROUNDING = 0x1p-48;
    ch_principal principal;
    const double *mean = self->mean + part.from;
    const double least = ROUNDING * ROUNDING * ch_inner_product(mean, mean, part.count);
    ch_code code = ch_principal_init(&principal, &self->rows, part, self->threads, err);
    if (code != CH_OK) {
        return code;
    }
    /* of few weights all directions are taken */
    const size_t quarter = self->rows.num_rows / 4, most = principal.size < quarter ? principal.size : quarter;
    for (size_t rank = 1; code == CH_OK && rank <= most; rank = rank_after(rank)) {
        const double variance = principal.variances[rank - 1];
        if (!(variance > least && variance > HIDDEN * principal.variances[0])) {
            break;
        }
        ch_fluctuation one = {.layer = layer, .rank = rank};
        ch_principal_direction(&principal, &self->rows, part, rank - 1, self->direction);
        code = analyse_direction(self, &one, err);
    }
    ch_principal_free(&principal);
    return code;
}

ch_code ch_fluctuations_find(ch_weight_series *series, const ch_weight_part *parts, size_t num_parts,
                             const ch_loss_at *loss, int threads, ch_fluctuation **found, size_t *num_found,
                             ch_error *err)
{
    analysis self;
    *found = NULL;
    *num_found = 0;
    ch_code code = analysis_init(&self, series, loss, threads, err);
    if (code != CH_OK) {
        goto out;
    }
    centre(&self, series);
    code = loss->find(loss->context, self.mean, &self.lowest, err);
    for (size_t l = 0; code == CH_OK && l < num_parts; l++) {
        code = analyse_part(&self, parts[l], l, err);
    }
    if (code == CH_OK && num_parts > 1) {
        code = analyse_part(&self, (ch_weight_part){0, series->num_weights}, num_parts, err);
    }
    if (code != CH_OK) {
        goto out;
    }
    *found = self.found;
    *num_found = self.num_found;
    self.found = NULL;
out:
    analysis_free(&self);
    return code;
}
