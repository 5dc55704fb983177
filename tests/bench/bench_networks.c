/* bench_networks.c — steps of SGD of networks: forward, loss, backward and update on one core, beside loops in
 * PyTorch and JAX that run alternately (torch_loop.py, jax_loop.py), all in processor time, and against the core's peak
 * of multiply-adds.
 *
 * Counted are the multiply-adds of the products alone: forward, changes of weights, and derivatives by the inputs of
 * all layers but the first; backward, of a convolution before a pool, those of one pixel for each of the pool's.
 */
#include "bench.h"

#include "core/memory.h"
#include "models/models.h"

#include <stdbool.h>

typedef struct {
    ch_network_spec spec;
    size_t batch, unfitted; /* samples of a batch that have a gradient */
    double least_ratio, least_peak;
    const char *row; /* of the summary, or NULL */
} network_point;

enum { REPEATS = 9, NUM_SAMPLES = 1024 };
static const float MOMENTUM = 0.9F;
static const ch_network_spec mlp = {CH_ARCH_MLP, 128, 5, CH_ACTIVATION_RELU, {784, 1, 1}};
static const ch_network_spec mnas = {CH_ARCH_MNAS, 32, 0, CH_ACTIVATION_RELU, {3, 32, 32}};
static const ch_network_spec cnn = {CH_ARCH_SIMPLE_CNN, 16, 0, CH_ACTIVATION_RELU, {3, 32, 32}};

typedef struct {
    const network_point *point;
    ch_architecture architecture;
    ch_network network;
    float *inputs; /* [NUM_SAMPLES][dim] */
    ch_random random;
} problem;

static void problem_init(problem *self, const network_point *point)
{
    ch_error err = {0};
    self->point = point;
    must(ch_architecture_init(&self->architecture, &point->spec, &err), &err);
    must(ch_network_init(&self->network, &self->architecture, point->batch, &err), &err);
    double *weights = ch_alloc(self->architecture.num_weights, sizeof *weights);
    self->inputs = ch_alloc(NUM_SAMPLES * self->architecture.dim, sizeof *self->inputs);
    if (weights == NULL || self->inputs == NULL) {
        must(ch_error_memory(&err, "the bench"), &err);
    }
    ch_architecture_draw(&self->architecture, 1, weights);
    ch_network_set_weights(&self->network, weights);
    ch_random_init(&self->random, 1, CH_STREAM_BATCHES, 0);
    for (size_t i = 0; i < NUM_SAMPLES * self->architecture.dim; i++) {
        self->inputs[i] = (float)ch_random_u32(&self->random) * 0x1p-30F - 2;
    }
    free(weights);
}

static void problem_free(problem *self)
{
    ch_network_free(&self->network);
    ch_architecture_free(&self->architecture);
    free(self->inputs);
}

/* Takes one step, in which the samples at the end of the batch are fitted.
 * @param velocity  [num_weights] of a step with momentum; NULL: a plain one */
static void take_step(problem *self, uint32_t *index, float *outputs, float *velocity)
{
    const size_t batch = self->point->batch;
    for (size_t i = 0; i < batch; i++) {
        index[i] = ch_random_below(&self->random, NUM_SAMPLES);
    }
    ch_network_forward(&self->network, self->inputs, index, batch, outputs);
    for (size_t i = 0; i < batch; i++) {
        outputs[i] = i < self->point->unfitted ? (outputs[i] > 0 ? -1e-6F : 1e-6F) : 0;
    }
    if (velocity != NULL) {
        ch_network_move(&self->network, outputs, MOMENTUM, velocity);
    } else {
        ch_network_update(&self->network, outputs);
    }
}

static double time_steps(problem *self, size_t steps, float *velocity)
{
    uint32_t *index = ch_alloc(self->point->batch, sizeof *index);
    float *outputs = ch_alloc(self->point->batch, sizeof *outputs);
    take_step(self, index, outputs, velocity);
    const double started = processor_time();
    for (size_t i = 0; i < steps; i++) {
        take_step(self, index, outputs, velocity);
    }
    const double seconds = (processor_time() - started) / (double)steps;
    free(index);
    free(outputs);
    return seconds;
}

/* The number of multiply-adds in the products of a step. */
static double step_operations(const problem *self)
{
    double forward = 0, backward = 0;
    for (size_t l = 0; l < self->architecture.num_layers; l++) {
        const ch_layer *layer = &self->architecture.layers[l];
        const double pixels = (double)(layer->out.rows * layer->out.columns);
        const double one_way = pixels * (double)(layer->out.channels * layer->fan_in);
        const bool has_pool = l + 1 < self->architecture.num_layers && layer[1].kind == CH_LAYER_POOL;
        const double cells = has_pool ? (double)(layer[1].out.rows * layer[1].out.columns) : pixels;
        forward += one_way;
        backward += (l > 0 ? 2 : 1) * one_way * cells / pixels;
    }
    return forward * (double)self->point->batch + backward * (double)self->point->unfitted;
}

/* What a peer takes for a step, over chiton's time. A peer that is slow is asked three times. */
typedef struct {
    double ratio[REPEATS], spent, compiling;
    size_t count;
} peer_times;

static void ask_peer(peer *of, const network_point *point, size_t steps, double own, peer_times *times)
{
    static const double MOST_SECONDS = 6;
    const ch_network_spec *spec = &point->spec;
    double numbers[2];
    if (times->count >= 3 && times->spent > MOST_SECONDS) {
        return;
    }
    if (peer_ask(of, numbers, 2, "step %s %zu %zu %zu %zu %zu %zu %d %zu", ch_arch_name(spec->arch), spec->width,
                 spec->depth, point->batch, spec->input.channels, spec->input.rows, spec->input.columns, NUM_SAMPLES,
                 steps)) {
        times->ratio[times->count++] = numbers[0] / own;
        times->spent += numbers[0] * (double)steps;
        times->compiling = numbers[1];
    }
}

static void bench_point(const network_point *point, peer *torch, peer *jax)
{
    problem here;
    double own[REPEATS], peak[REPEATS];
    peer_times by_torch = {.count = 0}, by_jax = {.count = 0};
    problem_init(&here, point);
    const double operations = step_operations(&here);
    const size_t steps = 1 + (size_t)(2e9 / operations);
    const bool is_compared = point->unfitted == point->batch;
    for (size_t i = 0; i < REPEATS; i++) {
        own[i] = time_steps(&here, steps, NULL);
        peak[i] = operations / own[i] / peak_rate();
        if (is_compared) {
            ask_peer(torch, point, 1 + steps / 4, own[i], &by_torch);
            ask_peer(jax, point, 1 + steps / 4, own[i], &by_jax);
        }
    }
    const ch_shape input = point->spec.input;
    const double typical = median(own, REPEATS), share = median(peak, REPEATS);
    const double over_torch = median(by_torch.ratio, by_torch.count), over_jax = median(by_jax.ratio, by_jax.count);
    page_row("%s, h = %zu, %zu × %zu × %zu | %zu | %zu | %.1f | %.1f | %s | %s | %s | %s | %s",
             ch_arch_name(point->spec.arch), point->spec.width, input.channels, input.rows, input.columns, point->batch,
             point->unfitted, typical * 1e6, share * 100, page_number("%.2f", over_torch),
             page_number("%.2f", over_jax), page_number("%.1f", by_jax.count > 0 ? by_jax.compiling : (double)NAN),
             page_number("%g", point->least_ratio > 0 ? point->least_ratio : (double)NAN),
             page_number("%.0f", point->least_peak > 0 ? 100 * point->least_peak : (double)NAN));
    if (point->row != NULL) {
        summary_note(point->row, SUMMARY_SECONDS, typical);
        summary_note(point->row, SUMMARY_TORCH, over_torch);
        summary_note(point->row, SUMMARY_JAX, over_jax);
        summary_note(point->row, SUMMARY_LIMIT, share);
    }
    problem_free(&here);
}

/* Steps with momentum and plain ones in turns. The median over the pairs of the ratio of their times depends little on
 * what else the machine does. */
static void bench_momentum(const network_point *point)
{
    enum { PAIRS = 41 };
    problem here;
    double ratio[PAIRS];
    problem_init(&here, point);
    float *velocity = ch_alloc(here.architecture.num_weights, sizeof *velocity);
    const size_t steps = 1 + (size_t)(3e8 / step_operations(&here));
    for (size_t i = 0; i < PAIRS && velocity != NULL; i++) {
        const double plain = time_steps(&here, steps, NULL);
        ratio[i] = time_steps(&here, steps, velocity) / plain;
    }
    page_say("A step with momentum of %s, h = %zu, B = %zu, takes **%.2f** times as long as a plain one (at most 1.2; "
             "median "
             "of %d pairs).",
             ch_arch_name(point->spec.arch), point->spec.width, point->batch, median(ratio, PAIRS), PAIRS);
    free(velocity);
    problem_free(&here);
}

/* ---- late training ---- */

enum { IDLE_SAMPLES = 8192, IDLE_AHEAD = 128, IDLE_ROUNDS = 8 }; /* a sample in 8 x 128 is unfitted */

typedef struct {
    problem network;
    float *inputs; /* [IDLE_SAMPLES][dim] */
    ch_first_layer lookahead;
    float *sums; /* [IDLE_AHEAD][m] */
} idle_problem;

static void idle_init(idle_problem *self, const network_point *point)
{
    ch_error err = {0};
    problem_init(&self->network, point);
    const ch_architecture *architecture = &self->network.architecture;
    must(ch_first_layer_init(&self->lookahead, architecture, IDLE_SAMPLES, &err), &err);
    self->inputs = ch_alloc(IDLE_SAMPLES * architecture->dim, sizeof *self->inputs);
    self->sums = ch_alloc(IDLE_AHEAD * self->lookahead.num_outputs, sizeof *self->sums);
    if (self->inputs == NULL || self->sums == NULL) {
        must(ch_error_memory(&err, "the bench"), &err);
    }
    for (size_t i = 0; i < IDLE_SAMPLES * architecture->dim; i++) {
        self->inputs[i] = (float)ch_random_u32(&self->network.random) * 0x1p-30F - 2;
    }
}

static void idle_free(idle_problem *self)
{
    problem_free(&self->network);
    ch_first_layer_free(&self->lookahead);
    free(self->inputs);
    free(self->sums);
}

static void test_samples(idle_problem *self, size_t count, uint32_t *index, float *outputs)
{
    for (size_t k = 0; k < count; k++) {
        index[k] = ch_random_below(&self->network.random, IDLE_SAMPLES);
    }
    ch_first_layer_forward(&self->lookahead, &self->network.network, self->inputs, index, count, self->sums, outputs);
}

/* Does what the learner does between two updates (models/learner/lookahead.c). It tests rounds of samples by their
 * lookahead sums, of which half a round comes after the unfitted sample and is tested for nothing. Then it makes the
 * update from the sample's batch.
 * @return seconds for each sample that was not tested for nothing */
static double time_idle(idle_problem *self, size_t updates)
{
    enum { BATCH = 16 };
    uint32_t index[IDLE_AHEAD];
    float outputs[IDLE_AHEAD], coefficients[BATCH] = {[BATCH / 2] = 1e-6F};
    ch_network *network = &self->network.network;
    const double started = processor_time();
    for (size_t i = 0; i < updates; i++) {
        test_samples(self, IDLE_AHEAD / 2, index, outputs);
        for (size_t k = 0; k < IDLE_ROUNDS; k++) {
            test_samples(self, IDLE_AHEAD, index, outputs);
            ch_first_layer_store(&self->lookahead, index, IDLE_AHEAD, self->sums);
        }
        ch_network_forward(network, self->inputs, index, BATCH, outputs);
        ch_network_update(network, coefficients);
        ch_first_layer_note(&self->lookahead, network);
    }
    return (processor_time() - started) / (double)(updates * IDLE_ROUNDS * IDLE_AHEAD);
}

void bench_idle(void)
{
    enum { WARM = 100, UPDATES = 20 }; /* most samples are tested in the first updates */
    const network_point ahead = {mlp, IDLE_AHEAD, 0, 0, 0, NULL}, all = {mlp, 16, 16, 0, 0, NULL};
    idle_problem here;
    double own[REPEATS];
    peer torch, jax;
    peer_times by_torch = {.count = 0}, by_jax = {.count = 0};
    page_say(
        "Late training of the multilayer perceptron: P = %d, B = 16, 1 sample in 1,000 unfitted. The fast engine tests "
        "samples by their lookahead sums; the peers go on step by step.",
        IDLE_SAMPLES);
    peer_start(&torch, "torch_loop.py", "PyTorch");
    peer_start(&jax, "jax_loop.py", "JAX");
    idle_init(&here, &ahead);
    (void)time_idle(&here, WARM);
    for (size_t i = 0; i < REPEATS; i++) {
        own[i] = time_idle(&here, UPDATES);
        ask_peer(&torch, &all, 100, 16 * own[i], &by_torch);
        ask_peer(&jax, &all, 400, 16 * own[i], &by_jax);
    }
    page_table("samples tested a second | PyTorch's time over chiton's (at least 20) | JAX's");
    page_row("%.3g | %s | %s", 1 / median(own, REPEATS), page_number("%.1f", median(by_torch.ratio, by_torch.count)),
             page_number("%.1f", median(by_jax.ratio, by_jax.count)));
    idle_free(&here);
    peer_stop(&torch);
    peer_stop(&jax);
}

void bench_networks(void)
{
    const network_point points[] = {
        {mlp, 16, 16, 6, 0.5, "MLP step, B = 16"},
        {mlp, 16, 1, 0, 0, NULL},
        {mlp, 16, 0, 0, 0, NULL},
        {mlp, 2, 2, 0, 0, "MLP step, B = 2"},
        {mlp, 256, 256, 1.5, 0.8, "MLP step, B = 256"},
        {mnas, 64, 64, 2, 0, "mnas step, h = 32, B = 64"},
        {cnn, 64, 64, 2, 0, "simple_cnn step, h = 16, B = 64"},
    };
    peer torch, jax;
    page_say(
        "Steps of SGD on one core, single precision, relu, in processor time; the peers' steps have all samples "
        "unfitted, as in the rows in which they stand. *Compiling*: seconds that JAX took for its loop before, which "
        "count in no ratio.");
    peer_start(&torch, "torch_loop.py", "PyTorch");
    peer_start(&jax, "jax_loop.py", "JAX");
    if (torch.ask != NULL || jax.ask != NULL) {
        page_say("Peers: %s%s%s.", torch.name, torch.ask != NULL && jax.ask != NULL ? ", " : "", jax.name);
    }
    page_table(
        "network | B | unfitted | µs a step | % of peak | PyTorch over chiton | JAX over chiton | compiling, s | at "
        "least, over PyTorch | at least, % of peak");
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        bench_point(&points[i], &torch, &jax);
    }
    peer_stop(&torch);
    peer_stop(&jax);
    bench_momentum(&points[0]);
}
