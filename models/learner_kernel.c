/* learner_kernel.c — the tangent kernel of some samples, and what it says of their loss gradients.
 *
 * K_mu,nu = grad f(x_mu) . grad f(x_nu), both of one block of gradients against another, so that memory holds two
 * blocks.
 */
#include "models/network_learner_private.h"

#include "perceptron/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Memory for the two blocks of gradients, where a single gradient does not take more. */
static const size_t BLOCKS_BYTES = (size_t)64 << 20;

size_t ch_kernel_meter_block(size_t num_samples, size_t num_weights, size_t chunk)
{
    const size_t fit = BLOCKS_BYTES / (2 * sizeof(double)) / num_weights;
    const size_t most = chunk < num_samples ? chunk : num_samples;
    return fit < 1 ? 1 : fit < most ? fit : most;
}

/* rows[i] = grad f(w, x_{from + i}) */
static void find_gradients(ch_network_state *self, size_t from, size_t count, double *rows)
{
    const ch_examples *train = self->setup.train;
    ch_worker *worker = &self->workers[0];
    double *coefficients = worker->coefficients;
    ch_passes_forward(&worker->passes, ch_examples_input(train, from), NULL, count, coefficients); /* not looked at */
    memset(coefficients, 0, count * sizeof *coefficients);
    for (size_t i = 0; i < count; i++) {
        double *row = rows + i * self->meter.stride;
        memset(row, 0, self->meter.stride * sizeof *row);
        coefficients[i] = 1;
        ch_passes_gradient(&worker->passes, coefficients, row);
        coefficients[i] = 0;
    }
}

/* The entries of one block of samples against another, and those mirrored. */
static void multiply_blocks(ch_kernel_meter *self, const size_t from[2], const size_t count[2], const double *other,
                            int threads)
{
    const size_t n = self->num_samples;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
    for (size_t i = 0; i < count[0]; i++) {
        const size_t end = from[0] == from[1] ? i + 1 : count[1]; /* of a block against itself, one half */
        for (size_t j = 0; j < end; j++) {
            const size_t mu = from[0] + i, nu = from[1] + j;
            const double *row = self->rows[0] + i * self->stride;
            self->now[mu * n + nu] = ch_dot_wide(row, other + j * self->stride, self->stride);
            self->now[nu * n + mu] = self->now[mu * n + nu];
        }
    }
}

static size_t block_size(const ch_kernel_meter *self, size_t from)
{
    return self->num_samples - from < self->block ? self->num_samples - from : self->block;
}

/* self->meter.now = K. @return false when stopped */
static bool measure(ch_network_state *self)
{
    ch_kernel_meter *meter = &self->meter;
    for (size_t from = 0; from < meter->num_samples; from += meter->block) {
        find_gradients(self, from, block_size(meter, from), meter->rows[0]);
        for (size_t other = from; other < meter->num_samples; other += meter->block) {
            const size_t count[2] = {block_size(meter, from), block_size(meter, other)};
            if (ch_state_is_stopped(self)) {
                return false;
            }
            if (other > from) {
                find_gradients(self, other, count[1], meter->rows[1]);
            }
            multiply_blocks(meter, (size_t[2]){from, other}, count, meter->rows[other > from], self->setup.threads);
        }
    }
    return true;
}

/* ||K - factor K0|| of n x n entries */
static double distance(const double *kernel, const double *start, double factor, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n * n; i++) {
        const double apart = kernel[i] - factor * start[i];
        square += apart * apart;
    }
    return sqrt(square);
}

/* v.K v */
static double quadratic_form(const ch_kernel_meter *self, const double *v)
{
    double sum = 0;
    for (size_t mu = 0; mu < self->num_samples; mu++) {
        for (size_t nu = 0; nu < self->num_samples; nu++) {
            sum += v[mu] * self->now[mu * self->num_samples + nu] * v[nu];
        }
    }
    return sum;
}

/* g_mu = c_mu grad f(x_mu), c = y l'(m): |mean g|^2 = c.K c / n^2, and the mean of |g_mu|^2 is that of c_mu^2 K_mu,mu
 */
static void find_gradient_entries(ch_network_state *self, ch_observation *out)
{
    const ch_kernel_meter *meter = &self->meter;
    const ch_sample_list all = {.count = self->setup.num_samples};
    const double num = (double)meter->num_samples;
    double *slopes = meter->rows[0], square = 0;
    for (size_t mu = 0; mu < meter->num_samples; mu++) {
        slopes[mu] = ch_state_slope(self, &all, mu);
        square += slopes[mu] * slopes[mu] * meter->now[mu * meter->num_samples + mu] / num;
    }
    const double mean2 = quadratic_form(meter, slopes) / (num * num);
    out->gradient_mean = sqrt(fmax(mean2, 0));
    out->gradient_variance = fmax(square - mean2, 0);
    out->gradient_snr = out->gradient_mean / sqrt(out->gradient_variance);
}

bool ch_kernel_meter_observe(ch_network_state *self, ch_observation *out)
{
    const ch_kernel_meter *meter = &self->meter;
    if (!measure(self)) {
        return false;
    }
    double *labels = meter->rows[0];
    for (size_t mu = 0; mu < meter->num_samples; mu++) {
        labels[mu] = self->setup.train->labels[mu];
    }
    const size_t n = meter->num_samples;
    out->kernel_change = distance(meter->now, meter->start, 1, n) / distance(meter->start, meter->start, 0, n);
    out->kernel_alignment = quadratic_form(meter, labels) / (distance(meter->now, meter->start, 0, n) * (double)n);
    find_gradient_entries(self, out);
    return true;
}

ch_code ch_kernel_meter_init(ch_network_state *self, ch_error *err)
{
    ch_kernel_meter *meter = &self->meter;
    const size_t n = self->setup.kernel_samples;
    meter->num_samples = n;
    meter->block = ch_kernel_meter_block(n, self->num_weights, self->chunk);
    meter->stride = (self->num_weights + CH_EIGHT - 1) / CH_EIGHT * CH_EIGHT;
    const size_t row = meter->stride > n ? meter->stride : n; /* rows[0] also holds a number of each sample */
    meter->rows[0] = ch_alloc(row * meter->block, sizeof *meter->rows[0]);
    meter->rows[1] = ch_alloc(meter->stride * meter->block, sizeof *meter->rows[1]);
    meter->start = ch_alloc(n * n, sizeof *meter->start);
    meter->now = ch_alloc(n * n, sizeof *meter->now);
    if (meter->rows[0] == NULL || meter->rows[1] == NULL || meter->start == NULL || meter->now == NULL) {
        return ch_error_memory(err, "the tangent kernel: measure it on fewer samples");
    }
    if (!measure(self)) {
        return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the kernel was measured");
    }
    memcpy(meter->start, meter->now, n * n * sizeof *meter->start);
    return CH_OK;
}

void ch_kernel_meter_free(ch_kernel_meter *self)
{
    free(self->rows[0]);
    free(self->rows[1]);
    free(self->start);
    free(self->now);
}
