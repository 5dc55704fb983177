/* bench_networks.c — steps of SGD of networks: forward, loss, backward and update on one core, against a plain PyTorch
 * loop that runs alternately (torch_loop.py), both in processor time, and against the core's peak of multiply-adds.
 *
 * Counted are the multiply-adds of the products alone: forward, changes of weights, and derivatives by the inputs of
 * all layers but the first; backward, of a convolution before a pool, those of one pixel for each of the pool's.
 */
#include "bench.h"
#include "hand_loop.h"

#include "core/memory.h"
#include "models/models.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    ch_network_spec spec;
    size_t batch, unfitted; /* samples of a batch that have a gradient */
    double least_ratio, least_peak;
} network_point;

enum { REPEATS = 9, NUM_SAMPLES = 1024 };
static const float MOMENTUM = 0.9F;

/* ---- PyTorch, in a process of its own ---- */

typedef struct {
    FILE *ask, *answer;
    pid_t process;
} torch_process;

static bool torch_time(torch_process *self, const network_point *point, size_t steps, double *seconds)
{
    if (self->ask == NULL) {
        return false;
    }
    const ch_network_spec *spec = &point->spec;
    char line[64];
    (void)fprintf(self->ask, "%s %zu %zu %zu %zu %zu %zu %zu\n", ch_arch_name(spec->arch), spec->width, spec->depth,
                  point->batch, spec->input.channels, spec->input.rows, spec->input.columns, steps);
    (void)fflush(self->ask);
    if (fgets(line, sizeof line, self->answer) == NULL) {
        return false;
    }
    *seconds = strtod(line, NULL);
    return true;
}

static void torch_start(torch_process *self)
{
    int question[2], reply[2];
    memset(self, 0, sizeof *self);
    if (pipe(question) != 0 || pipe(reply) != 0) {
        return;
    }
    self->process = fork();
    if (self->process == 0) {
        (void)dup2(question[0], STDIN_FILENO);
        (void)dup2(reply[1], STDOUT_FILENO);
        (void)close(question[1]);
        (void)close(reply[0]);
        (void)setenv("OMP_NUM_THREADS", "1", 1);
        const char *python = getenv("PYTHON");
        python = python != NULL ? python : "python3";
        (void)execlp(python, python, "tests/bench/torch_loop.py", (char *)NULL);
        _exit(1);
    }
    (void)close(question[0]);
    (void)close(reply[1]);
    self->ask = fdopen(question[1], "w");
    self->answer = fdopen(reply[0], "r");
}

static void torch_stop(torch_process *self)
{
    if (self->ask != NULL) {
        (void)fclose(self->ask);
        (void)fclose(self->answer);
        (void)waitpid(self->process, NULL, 0);
    }
}

/* ---- the network ---- */

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

static void bench_point(const network_point *point, torch_process *torch)
{
    problem here;
    double own[REPEATS], ratio[REPEATS], peak[REPEATS];
    problem_init(&here, point);
    const double operations = step_operations(&here);
    const size_t steps = 1 + (size_t)(2e9 / operations);
    bool has_torch = true;
    for (size_t i = 0; i < REPEATS; i++) {
        own[i] = time_steps(&here, steps, NULL);
        peak[i] = operations / own[i] / peak_rate();
        ratio[i] = 0;
        has_torch = has_torch && torch_time(torch, point, 1 + steps / 4, &ratio[i]);
        ratio[i] /= own[i];
    }
    const ch_shape input = point->spec.input;
    printf("  %-10s h = %-4zu %zu x %zu x %zu  B = %-4zu unfitted %-4zu", ch_arch_name(point->spec.arch),
           point->spec.width, input.channels, input.rows, input.columns, point->batch, point->unfitted);
    printf(" %9.1f us/step  %5.1f %% of peak", median(own, REPEATS) * 1e6, median(peak, REPEATS) * 100);
    if (has_torch) {
        printf("  %6.2f x PyTorch", median(ratio, REPEATS));
    }
    if (point->least_ratio > 0) {
        printf("  (at least %g x", point->least_ratio);
        printf(point->least_peak > 0 ? ", %.0f %%)" : ")", point->least_peak * 100);
    }
    puts("");
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
    printf("  %-10s h = %-4zu B = %-4zu with momentum %.2f x the time of a plain step (at most 1.2 x)\n",
           ch_arch_name(point->spec.arch), point->spec.width, point->batch, median(ratio, PAIRS));
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

static void bench_idle(const ch_network_spec *spec, torch_process *torch)
{
    enum { WARM = 100, UPDATES = 20 }; /* most samples are tested in the first updates */
    const network_point ahead = {*spec, IDLE_AHEAD, 0, 0, 0}, all = {*spec, 16, 16, 0, 0};
    idle_problem here;
    double own[REPEATS], ratio[REPEATS];
    bool has_torch = true;
    idle_init(&here, &ahead);
    (void)time_idle(&here, WARM);
    for (size_t i = 0; i < REPEATS; i++) {
        double seconds = 0;
        own[i] = time_idle(&here, UPDATES);
        has_torch = has_torch && torch_time(torch, &all, 100, &seconds);
        ratio[i] = seconds / 16 / own[i];
    }
    printf("  %-10s h = %-4zu P = %d, B = 16, 1 sample in 1,000 unfitted %12.3g samples tested a second",
           ch_arch_name(spec->arch), spec->width, IDLE_SAMPLES, 1 / median(own, REPEATS));
    if (has_torch) {
        printf("  %6.2f x PyTorch, step by step", median(ratio, REPEATS));
    }
    puts("  (at least 20 x)");
    idle_free(&here);
}

void bench_networks(void)
{
    static const ch_network_spec mlp = {CH_ARCH_MLP, 128, 5, CH_ACTIVATION_RELU, {784, 1, 1}};
    static const ch_network_spec mnas = {CH_ARCH_MNAS, 32, 0, CH_ACTIVATION_RELU, {3, 32, 32}};
    static const ch_network_spec cnn = {CH_ARCH_SIMPLE_CNN, 16, 0, CH_ACTIVATION_RELU, {3, 32, 32}};
    const network_point points[] = {
        {mlp, 16, 16, 6, 0.5},     {mlp, 16, 1, 0, 0},   {mlp, 16, 0, 0, 0},  {mlp, 2, 2, 0, 0},
        {mlp, 256, 256, 1.5, 0.8}, {mnas, 64, 64, 2, 0}, {cnn, 64, 64, 2, 0},
    };
    torch_process torch;
    double seconds;
    (void)signal(SIGPIPE, SIG_IGN); /* PyTorch may not be installed */
    torch_start(&torch);
    puts("\nSGD step of networks on one core (PyTorch: all unfitted)");
    if (!torch_time(&torch, &points[0], 1, &seconds)) {
        puts("  PyTorch is not here: not compared");
    }
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        bench_point(&points[i], &torch);
    }
    bench_momentum(&points[0]);
    bench_idle(&mlp, &torch);
    torch_stop(&torch);
}
