/* kernel_meter.c — the tangent kernel of some samples, and the mean and variance of their loss gradients. */
#include "models/learner/kernel_meter.h"

#include "core/buffers.h"
#include "models/tangent/layerwise.h"

#include <math.h>

/* The number of samples that a thread of ch_layerwise_kernel_f64 takes at a time, and the bytes of the part of the
 * kernel on which it works. */
enum { SAMPLES_AT_ONCE = 32, PART_BYTES = 256 << 10 };
/* Bytes for the values and derivatives of samples from which the kernel is made. More are used where two samples need
 * more. */
static const size_t WORK_BYTES = (size_t)64 << 20;

static size_t work_bytes(const ch_architecture *architecture)
{
    const size_t least = 4 * ch_layerwise_bytes(architecture, 1); /* two samples, in double */
    return least > WORK_BYTES ? least : WORK_BYTES;
}

/* Computes kernel [n][n] = K at the present weights. */
static ch_code measure(const ch_network_state *state, double *kernel, ch_error *err)
{
    const ch_network_learner_setup *setup = &state->setup;
    const ch_kernel_task task = {
        .architecture = setup->architecture,
        .weights = ch_state_weights(state),
        .rows = setup->train->inputs,
        .columns = setup->train->inputs,
        .num_rows = setup->kernel_samples,
        .num_columns = setup->kernel_samples,
        .bytes = work_bytes(setup->architecture),
        .threads = setup->threads,
        .watch = setup->watch,
    };
    return ch_layerwise_kernel_f64(&task, setup->kernel_samples, kernel, err);
}

/* ||K - factor K0|| of [n][n] entries. */
static double distance(const double *kernel, const double *start, double factor, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n * n; i++) {
        const double apart = kernel[i] - factor * start[i];
        square += apart * apart;
    }
    return sqrt(square);
}

/* v . K v. */
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

/* The loss gradients are g_mu = c_mu grad f(x_mu) with c = y l'(m). So |mean g|^2 = c.K c / n^2, and |g_mu|^2 is
 * c_mu^2 K_mu,mu. */
static void find_gradient_entries(ch_kernel_meter *self, const ch_network_state *state, ch_observation *out)
{
    const ch_sample_list all = {.count = state->setup.num_samples};
    const double num = (double)self->num_samples;
    double *slopes = self->factors, square = 0;
    for (size_t mu = 0; mu < self->num_samples; mu++) {
        slopes[mu] = ch_state_slope(state, &all, mu);
        square += slopes[mu] * slopes[mu] * self->now[mu * self->num_samples + mu] / num;
    }
    const double mean2 = quadratic_form(self, slopes) / (num * num);
    out->gradient_mean = sqrt(fmax(mean2, 0));
    out->gradient_variance = fmax(square - mean2, 0);
    out->gradient_snr = out->gradient_mean / sqrt(out->gradient_variance);
}

ch_code ch_kernel_meter_observe(ch_kernel_meter *self, const ch_network_state *state, ch_observation *out,
                                ch_error *err)
{
    const size_t n = self->num_samples;
    const ch_code code = measure(state, self->now, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t mu = 0; mu < n; mu++) {
        self->factors[mu] = state->setup.train->labels[mu];
    }
    const double norm = distance(self->now, self->start, 0, n);
    out->kernel_change = distance(self->now, self->start, 1, n) / distance(self->start, self->start, 0, n);
    out->kernel_alignment = quadratic_form(self, self->factors) / (norm * (double)n);
    find_gradient_entries(self, state, out);
    return CH_OK;
}

/* ---- memory ---- */

/* Freeing needs no sizes: n = 0. */
static ch_buffer_list buffers_of(const ch_kernel_meter *self, size_t n)
{
    return (ch_buffer_list){{
        CH_BUFFER(self->factors, n),
        CH_BUFFER(self->start, n * n),
        CH_BUFFER(self->now, n * n),
    }};
}

ch_code ch_kernel_meter_init(ch_kernel_meter *self, const ch_network_state *state, ch_error *err)
{
    const ch_buffer_list buffers = buffers_of(self, state->setup.kernel_samples);
    self->num_samples = state->setup.kernel_samples;
    if (!ch_buffers_alloc(&buffers)) {
        return ch_error_memory(err, "the tangent kernel: measure it on fewer samples");
    }
    return measure(state, self->start, err);
}

double ch_kernel_meter_bytes(const ch_network_state *state)
{
    const ch_architecture *architecture = state->setup.architecture;
    const size_t n = state->setup.kernel_samples;
    const ch_buffer_list buffers = buffers_of(&(ch_kernel_meter){.num_samples = n}, n);
    const double work = fmin(2 * (double)ch_layerwise_bytes(architecture, n), (double)work_bytes(architecture));
    const double gradients = 8.0 * SAMPLES_AT_ONCE * (double)ch_architecture_image_weights(architecture);
    const double network = (double)ch_passes_bytes(architecture, true, SAMPLES_AT_ONCE);
    return ch_buffers_bytes(&buffers) + work + state->setup.threads * (network + gradients + PART_BYTES);
}

void ch_kernel_meter_free(ch_kernel_meter *self)
{
    const ch_buffer_list buffers = buffers_of(self, 0);
    ch_buffers_free(&buffers);
}
