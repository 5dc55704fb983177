/* box.c — a box of samples near the boundary, and the student in it. */
#include "perceptron/finite/box.h"
#include "core/buffers.h"
#include "core/memory.h"
#include "core/minmax.h"
#include "data/linear_error.h"
#include "data/rows.h"
#include "perceptron/online.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_roots.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ch_code check_law(const ch_box_law *law, ch_error *err)
{
    const ch_code code = ch_linear_check_chi(law->chi, err);
    if (code != CH_OK) {
        return code;
    }
    if (law->chi > CH_BOX_MOST_CHI) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "chi is %g; the box of a finite training set takes chi <= %d, for it needs too many samples "
            "beyond",
            law->chi, CH_BOX_MOST_CHI);
    }
    if (law->dim < 2 || law->dim > CH_BOX_MOST_DIM) {
        return ch_error_set(err, CH_ERROR_INPUT, "dim is %zu; the box of a finite training set takes 2 to %d", law->dim,
                            CH_BOX_MOST_DIM);
    }
    if (!(law->margin >= 0 && law->margin <= CH_BOX_MOST_MARGIN)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "kappa over temp is %g; the box of a finite training set takes 0 to %d", law->margin,
                            CH_BOX_MOST_MARGIN);
    }
    return CH_OK;
}

/* ---- the online limit ---- */

/* The averages of the online limit at s >> r, at a given noise sigma, where only samples near the boundary are
 * unfitted. They are those at a finite lambda, so large that the rest of the density does not matter. */
typedef struct {
    const ch_box_law *law;
    gsl_integration_workspace *space;
    ch_online_averages mean;
    double lambda;
    ch_code code;
    ch_error *err;
} limit;

static ch_code find_limit(limit *self, double noise)
{
    const double margin = self->law->margin / noise;
    self->lambda = 1e5 * fmax(1, margin);
    return margin > 0 ? ch_online_averages_quadrature(&self->mean, self->law->chi, margin, self->lambda, self->space,
                                                      self->err)
                      : ch_online_averages_closed(&self->mean, self->law->chi, self->lambda, self->err);
}

/* n - 2 sigma C, which is 0 where a kick's |z|^2 balances its part along -w. */
static double imbalance(double noise, void *pointer)
{
    limit *self = pointer;
    const ch_code code = find_limit(self, noise);
    if (code != CH_OK) {
        self->code = code;
        return 0;
    }
    return self->mean.unfitted - 2 * noise * self->mean.contraction;
}

static ch_code solve_balance(limit *self, double *noise)
{
    enum { MOST_STEPS = 200 };
    gsl_function function = {imbalance, self};
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    if (solver == NULL) {
        return ch_error_memory(self->err, "the online limit of a box");
    }
    /* at margin 0 noise is n / (2 C) <= 1/2 or so for chi >= 0; with a margin it grows with it */
    double low = 1e-4, high = 4 + 2 * self->law->margin / (self->law->chi + 1);
    ch_code code = CH_OK;
    if (gsl_root_fsolver_set(solver, &function, low, high) != GSL_SUCCESS) {
        code = ch_error_set(self->err, CH_ERROR_NUMERIC,
                            "at chi = %g and kappa/temp = %g the noise of the online limit, in units of temp, is not "
                            "between %g and %g",
                            self->law->chi, self->law->margin, low, high);
        goto out;
    }
    for (int step = 0; step < MOST_STEPS && gsl_root_test_interval(low, high, 0, 1e-10) != GSL_SUCCESS; step++) {
        gsl_root_fsolver_iterate(solver);
        low = gsl_root_fsolver_x_lower(solver);
        high = gsl_root_fsolver_x_upper(solver);
    }
    *noise = gsl_root_fsolver_root(solver);
    code = self->code;
out:
    gsl_root_fsolver_free(solver);
    return code;
}

ch_code ch_box_online_init(ch_box_online *self, const ch_box_law *law, ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = check_law(law, err);
    if (code != CH_OK) {
        return code;
    }
    limit at = {.law = law, .space = gsl_integration_workspace_alloc(CH_ONLINE_INTERVALS), .err = err};
    if (at.space == NULL) {
        return ch_error_memory(err, "the online limit of a box");
    }
    code = solve_balance(&at, &self->noise);
    if (code != CH_OK) {
        goto out;
    }
    code = find_limit(&at, self->noise);
    if (code != CH_OK) {
        goto out;
    }
    /* v = y / (lambda sigma), and the density of v at small v is (2 / Z_chi) v^chi */
    const double log_z = ch_linear_log_norm(law->chi);
    const double scale = at.lambda * self->noise, log_number = log_z - M_LN2 + (law->chi + 1) * log(scale);
    self->unfitted = at.mean.unfitted * exp(log_number);
    self->drift = at.mean.drift * exp(log_number + log(scale));
out:
    gsl_integration_workspace_free(at.space);
    return code;
}

/* ---- memory ---- */

static size_t whole_blocks(size_t count)
{
    return (count + CH_BOX_BLOCK - 1) / CH_BOX_BLOCK * CH_BOX_BLOCK;
}

static ch_buffer_list buffers(ch_box *self)
{
    const size_t entries = whole_blocks(self->num_samples);
    return (ch_buffer_list){{
        CH_BUFFER(self->distances, entries),
        CH_BUFFER(self->samples, entries * self->stride),
        CH_BUFFER(self->panels, entries * self->stride),
        CH_BUFFER(self->row_lengths, entries / CH_BOX_ROWS),
        CH_BUFFER(self->fields, entries),
        CH_BUFFER(self->counts, entries / CH_BOX_BLOCK),
        CH_BUFFER(self->weights, self->stride),
        CH_BUFFER(self->memories, CH_BOX_MEMORIES * self->stride),
    }};
}

/* c of the arrival time E */
static double distance_of(const ch_box_law *law, double arrival)
{
    return pow((law->chi + 1) * arrival / (double)law->dim, 1 / (law->chi + 1));
}

static double length_of(const ch_box *self, double density)
{
    return pow(density, -1 / (self->law.chi + 1));
}

double ch_box_reach(const ch_box_law *law, double noise)
{
    return law->margin + (sqrt(law->chi + 1) + 2) * noise;
}

/* Draws the arrival times until that of the first sample beyond `farthest`. It is called twice, first to count them. */
static size_t draw_distances(const ch_box *self, ch_random random, double farthest, float *distances)
{
    gsl_rng gsl = ch_random_gsl(&random);
    double arrival = 0;
    for (size_t count = 0;; count++) {
        arrival += gsl_ran_exponential(&gsl, 1);
        const double distance = distance_of(&self->law, arrival);
        if (!(distance < farthest)) {
            return count;
        }
        if (distances != NULL) {
            distances[count] = (float)distance;
        }
    }
}

static void draw_samples(ch_box *self)
{
    gsl_rng gsl = ch_random_gsl(&self->random);
    const double width = 1 / sqrt((double)self->law.dim);
    for (size_t k = 0; k < self->num_samples; k++) {
        for (size_t i = 0; i < self->law.dim; i++) {
            const float entry = (float)gsl_ran_gaussian_ziggurat(&gsl, width);
            self->samples[k * self->stride + i] = entry;
            self->panels[(k / CH_BOX_LANES * self->stride + i) * CH_BOX_LANES + k % CH_BOX_LANES] = entry;
        }
    }
    for (size_t i = 0; i < self->law.dim; i++) {
        self->weights[i] = gsl_ran_gaussian_ziggurat(&gsl, self->online.noise);
    }
}

ch_code ch_box_init(ch_box *self, const ch_box_law *law, double most_density, uint64_t seed, uint64_t index,
                    ch_error *err)
{
    memset(self, 0, sizeof *self);
    const ch_code code = ch_box_online_init(&self->online, law, err);
    if (code != CH_OK) {
        return code;
    }
    self->law = *law;
    self->stride = ch_row_stride(law->dim);
    const double farthest = 1.1 * ch_box_reach(law, self->online.noise) / length_of(self, most_density);
    ch_random distances;
    ch_random_init(&distances, seed, CH_STREAM_BOX, 2 * index);
    ch_random_init(&self->random, seed, CH_STREAM_BOX, 2 * index + 1);
    self->num_samples = draw_distances(self, distances, farthest, NULL);
    const ch_buffer_list list = buffers(self);
    /* rows of products that are never asked for take no memory */
    const size_t entries = whole_blocks(self->num_samples);
    self->gram = ch_alloc_unset(entries * entries, sizeof *self->gram);
    if (self->gram == NULL || !ch_buffers_alloc(&list)) {
        free(self->gram);
        memset(self, 0, sizeof *self);
        return ch_error_memory(err, "a box of samples");
    }
    draw_distances(self, distances, farthest, self->distances);
    for (size_t k = self->num_samples; k < entries; k++) {
        self->distances[k] = 1e30F;
    }
    draw_samples(self);
    return CH_OK;
}

void ch_box_free(ch_box *self)
{
    const ch_buffer_list list = buffers(self);
    ch_buffers_free(&list);
    free(self->gram);
    memset(self, 0, sizeof *self);
}

/* ---- the motion ---- */

/* Adds a row to the fields of the first num_followed samples, and counts the unfitted ones by block. */
static uint32_t add_and_count(float *restrict fields, const float *restrict row, const float *restrict distances,
                              size_t num_blocks, float length, float margin, uint16_t *restrict counts)
{
    uint32_t total = 0;
    for (size_t b = 0; b < num_blocks; b++) {
        float *field = fields + b * CH_BOX_BLOCK;
        const float *add = row + b * CH_BOX_BLOCK, *distance = distances + b * CH_BOX_BLOCK;
        int32_t count = 0;
        for (size_t l = 0; l < CH_BOX_BLOCK; l++) {
            field[l] += add[l];
            count += field[l] + length * distance[l] < margin;
        }
        counts[b] = (uint16_t)count;
        total += (uint32_t)count;
    }
    return total;
}

static bool is_unfitted(const ch_box *self, size_t k)
{
    return self->fields[k] + (float)self->length * self->distances[k] < (float)self->law.margin;
}

/* Eight floats at any multiple of 4 bytes, as gcc and clang have them: they would not make vectors of plain loops here.
 */
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));

/* Sets the fields of the samples of a panel, z . w. */
static void project_panel(const float *restrict panel, const double *restrict weights, size_t stride,
                          float *restrict fields)
{
    eight sums[2] = {{0}};
    for (size_t i = 0; i < stride; i++) {
        const eight *entries = (const eight *)(panel + i * CH_BOX_LANES);
        sums[0] += (float)weights[i] * entries[0];
        sums[1] += (float)weights[i] * entries[1];
    }
    memcpy(fields, sums, sizeof sums);
}

/* Computes all fields and counts from w, and sets num_followed. */
static void refresh(ch_box *self)
{
    self->noise2 = 0;
    for (size_t i = 0; i < self->law.dim; i++) {
        self->noise2 += self->weights[i] * self->weights[i] / (double)self->law.dim;
    }
    const double reach = ch_box_reach(&self->law, fmax(sqrt(self->noise2), self->online.noise)) / self->length;
    size_t followed = 0;
    while (followed < self->num_samples && self->distances[followed] < reach) {
        followed++;
    }
    self->num_followed = followed;
    memset(self->counts, 0, whole_blocks(self->num_samples) / CH_BOX_BLOCK * sizeof *self->counts);
    self->unfitted = 0;
    for (size_t k = 0; k < whole_blocks(followed); k += CH_BOX_LANES) {
        project_panel(self->panels + k * self->stride, self->weights, self->stride, self->fields + k);
    }
    for (size_t k = 0; k < ch_size_min(whole_blocks(followed), self->num_samples); k++) {
        const bool unfitted = is_unfitted(self, k);
        self->counts[k / CH_BOX_BLOCK] = (uint16_t)(self->counts[k / CH_BOX_BLOCK] + unfitted);
        self->unfitted += unfitted;
    }
}

/* The products of CH_BOX_ROWS neighbours with the samples of a panel. Every product sums its components in order. Four
 * rows at a time fill the registers of a processor.
 * @param rows   [CH_BOX_ROWS][stride]
 * @param panel  [stride][CH_BOX_LANES]
 * @param out    out: CH_BOX_ROWS rows of CH_BOX_LANES, `pitch` apart */
static void multiply_panel(const float *restrict rows, const float *restrict panel, size_t stride, float *restrict out,
                           size_t pitch)
{
    enum { AT_ONCE = 4 };
    for (size_t first = 0; first < CH_BOX_ROWS; first += AT_ONCE) {
        eight sums[AT_ONCE][2] = {{{0}}};
        const float *row = rows + first * stride;
        for (size_t i = 0; i < stride; i++) {
            const eight *entries = (const eight *)(panel + i * CH_BOX_LANES);
#pragma GCC unroll 4
            for (size_t r = 0; r < AT_ONCE; r++) {
                sums[r][0] += row[r * stride + i] * entries[0];
                sums[r][1] += row[r * stride + i] * entries[1];
            }
        }
        for (size_t r = 0; r < AT_ONCE; r++) {
            memcpy(out + (first + r) * pitch, sums[r], sizeof sums[r]);
        }
    }
}

/* The products of a sample with the first num_followed samples. Those that its group of rows lacks are computed. */
static const float *row_of(ch_box *self, size_t sample)
{
    const size_t pitch = whole_blocks(self->num_samples), length = whole_blocks(self->num_followed);
    const size_t group = sample / CH_BOX_ROWS, first = group * CH_BOX_ROWS;
    for (size_t k = self->row_lengths[group]; k < length; k += CH_BOX_LANES) {
        multiply_panel(self->samples + first * self->stride, self->panels + k * self->stride, self->stride,
                       self->gram + first * pitch + k, pitch);
    }
    self->row_lengths[group] = ch_size_max(self->row_lengths[group], length);
    return self->gram + sample * pitch;
}

/* One of the unfitted samples, uniformly. */
static size_t draw_unfitted(ch_box *self)
{
    uint32_t place = ch_random_below(&self->random, self->unfitted);
    size_t block = 0;
    while (place >= self->counts[block]) {
        place -= self->counts[block++];
    }
    for (size_t k = block * CH_BOX_BLOCK;; k++) {
        if (is_unfitted(self, k) && place-- == 0) {
            return k;
        }
    }
}

/* Draws an unfitted sample and adds it to w.  @return its y */
static double kick(ch_box *self)
{
    const size_t sample = draw_unfitted(self);
    const float *row = row_of(self, sample);
    const double y = self->length * (double)self->distances[sample];
    self->noise2 += (2 * (double)self->fields[sample] + (double)row[sample]) / (double)self->law.dim;
    self->length += self->growth * y / self->length;
    for (size_t i = 0; i < self->law.dim; i++) {
        self->weights[i] += (double)self->samples[sample * self->stride + i];
    }
    self->unfitted = add_and_count(self->fields, row, self->distances, whole_blocks(self->num_followed) / CH_BOX_BLOCK,
                                   (float)self->length, (float)self->law.margin, self->counts);
    return y;
}

/* ---- at a fixed signal ---- */

static void remember(ch_box *self)
{
    const size_t place =
        self->num_memories < CH_BOX_MEMORIES ? self->num_memories++ : ch_random_below(&self->random, CH_BOX_MEMORIES);
    memcpy(self->memories + place * self->stride, self->weights, self->stride * sizeof *self->weights);
}

/* Goes back to an earlier state.  @return false where none that was tried has an unfitted sample */
static bool go_back(ch_box *self)
{
    for (int attempt = 0; attempt < CH_BOX_MEMORIES && self->num_memories > 0; attempt++) {
        const size_t place = ch_random_below(&self->random, (uint32_t)self->num_memories);
        memcpy(self->weights, self->memories + place * self->stride, self->stride * sizeof *self->weights);
        refresh(self);
        if (self->unfitted > 0) {
            return true;
        }
    }
    return false;
}

/* Simulates the box for a time, until CH_BOX_MOST_ABSORPTIONS, or until the watch is stopped: at high densities the
 * time may take seconds to simulate.
 * @return false when it does not leave the absorbing state */
static bool follow(ch_box *self, double time, const ch_watch *watch, ch_box_averages *sums)
{
    double remembered = 0;
    *sums = (ch_box_averages){0};
    while (sums->time < time && sums->absorptions < CH_BOX_MOST_ABSORPTIONS && !ch_watch_is_stopped(watch)) {
        if (self->unfitted == 0) {
            sums->absorptions++;
            sums->end_noise += log(self->noise2) / 2;
            if (!go_back(self)) {
                return false;
            }
        }
        const double wait = 1 / (double)self->unfitted;
        sums->time += wait;
        sums->noise += self->noise2 * wait;
        sums->unfitted++;
        sums->drift += kick(self);
        if (sums->time >= remembered && self->unfitted > 0) {
            remember(self);
            remembered += time / CH_BOX_MEMORIES;
        }
    }
    return true;
}

bool ch_box_follow(ch_box *self, double density, double relax, double measure, const ch_watch *watch,
                   ch_box_averages *averages)
{
    self->length = length_of(self, density);
    self->growth = 0;
    refresh(self);
    bool goes_on = follow(self, relax, watch, averages);
    if (goes_on) {
        refresh(self);
        goes_on = follow(self, measure, watch, averages);
    }
    const double dim = (double)self->law.dim;
    averages->unfitted /= averages->time * dim;
    averages->drift /= averages->time * dim;
    averages->noise = sqrt(averages->noise / averages->time);
    averages->end_noise = exp(averages->end_noise / averages->absorptions);
    return goes_on;
}

/* ---- with a growing signal ---- */

/* s / T = K L with K = sqrt(d) ((2 / Z_chi) P / d)^{1/(chi+1)}; a kick adds y / (s / T) to s / T. */
double ch_box_grow(ch_box *self, double density, double samples_per_dim, double *density_end)
{
    enum { KICKS_BETWEEN = 4096 };
    const double log_z = ch_linear_log_norm(self->law.chi);
    const double log_k = log((double)self->law.dim) / 2 + (M_LN2 - log_z + log(samples_per_dim)) / (self->law.chi + 1);
    double time = 0;
    self->length = length_of(self, density);
    self->growth = exp(-2 * log_k);
    refresh(self);
    for (uint64_t kicks = 1; self->unfitted > 0; kicks++) {
        time += 1 / (double)self->unfitted;
        kick(self);
        if (kicks % KICKS_BETWEEN == 0) {
            refresh(self);
        }
    }
    *density_end = pow(self->length, -(self->law.chi + 1));
    return time;
}
