/* kernel_meter.c — the tangent kernel of some samples, and what it says of their loss gradients. */
#include "models/learner/state.h"
#include "models/tangent/layerwise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples that a thread of ch_layerwise_kernel_f64 takes at a time, and bytes of the kernel's part it has in hand. */
enum { SAMPLES_AT_ONCE = 32, PART_BYTES = 256 << 10 };
/* Memory for what is kept of samples, where the least there is to be does not take more. */
static const size_t KEPT_BYTES = (size_t)64 << 20;

static size_t bytes_for(const ch_architecture *architecture)
{
    const size_t least = 4 * ch_layerwise_bytes(architecture, 1); /* twice one sample, in double */
    return least > KEPT_BYTES ? least : KEPT_BYTES;
}

/* K in double: close to the lazy limit it hardly changes. */
static ch_code measure(const ch_network_state *self, double *kernel, ch_error *err)
{
    const ch_network_learner_setup *setup = &self->setup;
    const ch_kernel_task task = {
        .architecture = setup->architecture,
        .weights = ch_state_weights(self),
        .rows = setup->train->inputs,
        .columns = setup->train->inputs,
        .num_rows = setup->kernel_samples,
        .num_columns = setup->kernel_samples,
        .bytes = bytes_for(setup->architecture),
        .threads = setup->threads,
        .watch = setup->watch,
    };
    return ch_layerwise_kernel_f64(&task, setup->kernel_samples, kernel, err);
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
    double *slopes = meter->factors, square = 0;
    for (size_t mu = 0; mu < meter->num_samples; mu++) {
        slopes[mu] = ch_state_slope(self, &all, mu);
        square += slopes[mu] * slopes[mu] * meter->now[mu * meter->num_samples + mu] / num;
    }
    const double mean2 = quadratic_form(meter, slopes) / (num * num);
    out->gradient_mean = sqrt(fmax(mean2, 0));
    out->gradient_variance = fmax(square - mean2, 0);
    out->gradient_snr = out->gradient_mean / sqrt(out->gradient_variance);
}

ch_code ch_kernel_meter_observe(ch_network_state *self, ch_observation *out, ch_error *err)
{
    const ch_kernel_meter *meter = &self->meter;
    const size_t n = meter->num_samples;
    const ch_code code = measure(self, meter->now, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t mu = 0; mu < n; mu++) {
        meter->factors[mu] = self->setup.train->labels[mu];
    }
    const double norm = distance(meter->now, meter->start, 0, n);
    out->kernel_change = distance(meter->now, meter->start, 1, n) / distance(meter->start, meter->start, 0, n);
    out->kernel_alignment = quadratic_form(meter, meter->factors) / (norm * (double)n);
    find_gradient_entries(self, out);
    return CH_OK;
}

ch_code ch_kernel_meter_init(ch_network_state *self, ch_error *err)
{
    ch_kernel_meter *meter = &self->meter;
    const size_t n = self->setup.kernel_samples;
    meter->num_samples = n;
    meter->factors = ch_alloc(n, sizeof *meter->factors);
    meter->start = ch_alloc(n * n, sizeof *meter->start);
    meter->now = ch_alloc(n * n, sizeof *meter->now);
    if (meter->factors == NULL || meter->start == NULL || meter->now == NULL) {
        return ch_error_memory(err, "the tangent kernel: measure it on fewer samples");
    }
    return measure(self, meter->start, err);
}

double ch_kernel_meter_bytes(const ch_network_learner_setup *setup)
{
    const ch_architecture *architecture = setup->architecture;
    const double n = (double)setup->kernel_samples, threads = setup->threads < 1 ? 1 : setup->threads;
    const double kept = 2 * (double)ch_layerwise_bytes(architecture, setup->kernel_samples);
    const double gradients = 8.0 * SAMPLES_AT_ONCE * (double)ch_architecture_image_weights(architecture);
    const double network = (double)ch_passes_bytes(architecture, true, SAMPLES_AT_ONCE);
    return 16 * n * n + 8 * n + fmin(kept, (double)bytes_for(architecture)) +
           threads * (network + gradients + PART_BYTES);
}

void ch_kernel_meter_free(ch_kernel_meter *self)
{
    free(self->factors);
    free(self->start);
    free(self->now);
}
