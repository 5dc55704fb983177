/* bench_hessian.c — a product of the Hessian with a direction against a gradient of as many samples: pairs of both, in
 * processor time. A gradient is a forward and a backward pass; the first product has these, too, and those that follow
 * at the same weights do not. */
#include "bench.h"

#include "core/memory.h"
#include "models/models.h"
#include "models/network/hessian.h"

#include <gsl/gsl_randist.h>
#include <string.h>

enum { REPEATS = 9 };
static const double MOST_GRADIENTS = 2.5;

typedef struct {
    ch_network_spec spec;
    size_t count; /* samples */
} hessian_point;

static float *random_inputs(size_t count)
{
    ch_random random;
    float *inputs = ch_alloc(count, sizeof *inputs);
    ch_random_init(&random, 3, CH_STREAM_TRAIN_SAMPLES, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = (float)gsl_ran_gaussian_ziggurat(&gsl, 1.0);
    }
    return inputs;
}

static void bench_hessian_point(const hessian_point *point)
{
    ch_architecture architecture;
    ch_hessian hessian;
    ch_error err = {.message = ""};
    must(ch_architecture_init(&architecture, &point->spec, &err), &err);
    must(ch_hessian_init(&hessian, &architecture, point->count, &err), &err);
    const size_t num = architecture.num_weights, count = point->count;
    double *weights = ch_alloc(num, sizeof *weights), *sums = ch_alloc(num, sizeof *sums);
    float *inputs = random_inputs(count * architecture.dim), *factors = ch_alloc(count, sizeof *factors);
    double first[REPEATS], next[REPEATS];
    ch_architecture_draw(&architecture, 5, weights);
    ch_network_set_weights(&hessian.network, weights);
    for (size_t r = 0; r < REPEATS + 1; r++) { /* the first is for warming up */
        double seconds[3];
        for (size_t part = 0; part < 3; part++) {
            const double started = processor_time();
            for (size_t k = 0; k < 4; k++) {
                if (part < 2) {
                    ch_network_forward(&hessian.network, inputs, NULL, count, factors);
                }
                if (part == 0) {
                    ch_network_gradient(&hessian.network, factors, sums);
                } else {
                    if (part == 1) {
                        ch_hessian_set(&hessian, factors);
                    }
                    ch_hessian_point(&hessian, weights);
                    ch_hessian_add(&hessian, factors, sums);
                }
            }
            seconds[part] = processor_time() - started;
        }
        if (r > 0) {
            first[r - 1] = seconds[1] / seconds[0];
            next[r - 1] = seconds[2] / seconds[0];
        }
    }
    const double one = median(first, REPEATS), other = median(next, REPEATS);
    page_row("%s, %s, h = %zu | %zu | %.2f%s | %.2f", ch_arch_name(point->spec.arch),
             ch_activation_name(point->spec.activation), point->spec.width, count, one,
             one <= MOST_GRADIENTS ? "" : " (missed)", other);
    free(weights);
    free(sums);
    free(inputs);
    free(factors);
    ch_hessian_free(&hessian);
    ch_architecture_free(&architecture);
}

void bench_hessian(void)
{
    page_say("Products of the Hessian with a direction, in gradients of as many samples (at most %g).", MOST_GRADIENTS);
    page_table("network | samples | first product | next ones");
    static const hessian_point points[] = {
        {{CH_ARCH_MLP, 128, 5, CH_ACTIVATION_RELU, {784, 1, 1}}, 256},
        {{CH_ARCH_MLP, 128, 5, CH_ACTIVATION_GELU, {784, 1, 1}}, 256},
        {{CH_ARCH_MLP, 128, 5, CH_ACTIVATION_GELU, {784, 1, 1}}, 16},
        {{CH_ARCH_MLP, 512, 3, CH_ACTIVATION_RELU, {3072, 1, 1}}, 256},
        {{CH_ARCH_SIMPLE_CNN, 16, 0, CH_ACTIVATION_RELU, {3, 32, 32}}, 32},
        {{CH_ARCH_SIMPLE_CNN, 16, 0, CH_ACTIVATION_GELU, {3, 32, 32}}, 32},
        {{CH_ARCH_MNAS, 16, 0, CH_ACTIVATION_RELU, {3, 32, 32}}, 32},
        {{CH_ARCH_VGG11, 16, 0, CH_ACTIVATION_RELU, {3, 32, 32}}, 32},
    };
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        bench_hessian_point(&points[i]);
    }
}
