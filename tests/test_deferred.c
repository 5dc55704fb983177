/* test_deferred.c — an update of the first layer that waits for the next forward pass changes no bit: of two equal
 * networks one, `prompt`, is asked for its weights after every update, so that none of its updates waits. */
#include "core/core.h"
#include "core/memory.h"
#include "models/models.h"
#include "models/network/precision.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SAMPLES = 70, NUM_STEPS = 60 };

typedef struct {
    ch_architecture architecture;
    ch_passes waiting, prompt;
    ch_random random;
    float *inputs;    /* [MOST_SAMPLES][dim] */
    double *start;    /* w0 */
    double *sums[2];  /* gradients of both networks */
    size_t num_waits; /* updates of which the first layer's part waited */
} pair;

static void set_up(pair *self, size_t inputs, size_t width, ch_activation activation, bool is_wide)
{
    const ch_network_spec spec = {CH_ARCH_MLP, width, 2, activation, {inputs, 1, 1}};
    memset(self, 0, sizeof *self);
    assert_int_equal(ch_architecture_init(&self->architecture, &spec, NULL), CH_OK);
    const size_t num_weights = self->architecture.num_weights;
    ch_random_init(&self->random, inputs + 1000 * width, CH_STREAM_INIT, 0);
    self->inputs = ch_alloc(MOST_SAMPLES * inputs, sizeof *self->inputs);
    for (size_t i = 0; i < MOST_SAMPLES * inputs; i++) {
        self->inputs[i] = (float)ch_random_u32(&self->random) * 0x1p-31F - 1;
    }
    self->start = ch_alloc(num_weights, sizeof *self->start);
    ch_architecture_draw(&self->architecture, 3, self->start);
    ch_passes *both[] = {&self->waiting, &self->prompt};
    for (size_t i = 0; i < 2; i++) {
        self->sums[i] = ch_alloc(num_weights, sizeof *self->sums[i]);
        assert_int_equal(ch_passes_init(both[i], &self->architecture, is_wide, MOST_SAMPLES, NULL), CH_OK);
        assert_int_equal(ch_passes_init_velocity(both[i], NULL), CH_OK);
        ch_passes_set_weights(both[i], self->start);
        both[i]->narrow.least_deferred = both[i]->wide.least_deferred = 0; /* small ones have no updates that wait */
    }
}

static void tear_down(pair *self)
{
    ch_passes_free(&self->waiting);
    ch_passes_free(&self->prompt);
    ch_architecture_free(&self->architecture);
    free(self->inputs);
    free(self->start);
    free(self->sums[0]);
    free(self->sums[1]);
}

static void assert_equal_weights(pair *self)
{
    const double *waiting = ch_passes_weights(&self->waiting), *prompt = ch_passes_weights(&self->prompt);
    assert_memory_equal(waiting, prompt, self->architecture.num_weights * sizeof *waiting);
}

static void go_forward(pair *self, size_t count, double *outputs)
{
    uint32_t index[MOST_SAMPLES];
    double others[MOST_SAMPLES];
    for (size_t i = 0; i < count; i++) {
        index[i] = ch_random_below(&self->random, MOST_SAMPLES);
    }
    ch_passes_forward(&self->waiting, self->inputs, index, count, outputs);
    ch_passes_forward(&self->prompt, self->inputs, index, count, others);
    assert_memory_equal(outputs, others, count * sizeof *others);
}

static void update(pair *self, const double *coefficients)
{
    ch_passes_update(&self->waiting, coefficients);
    ch_passes_update(&self->prompt, coefficients);
    (void)ch_passes_weights(&self->prompt);
    self->num_waits += self->waiting.narrow.num_deferred + self->waiting.wide.num_deferred > 0;
}

/* Takes a step by one of what changes weights or looks at them. */
static void act(pair *self, const double *coefficients)
{
    const size_t bytes = self->architecture.num_weights * sizeof **self->sums;
    switch (ch_random_below(&self->random, 16)) {
    case 0:
        ch_passes_move(&self->waiting, coefficients, 0.5);
        ch_passes_move(&self->prompt, coefficients, 0.5);
        break;
    case 1:
        memset(self->sums[0], 0, bytes);
        memset(self->sums[1], 0, bytes);
        ch_passes_gradient(&self->waiting, coefficients, self->sums[0]);
        ch_passes_gradient(&self->prompt, coefficients, self->sums[1]);
        assert_memory_equal(self->sums[0], self->sums[1], bytes);
        break;
    case 2:
        update(self, coefficients);
        ch_passes_move_by(&self->waiting, self->start, 0.25);
        ch_passes_move_by(&self->prompt, self->start, 0.25);
        break;
    case 3:
        update(self, coefficients);
        ch_passes_set_weights(&self->waiting, self->start);
        ch_passes_set_weights(&self->prompt, self->start);
        break;
    case 4: /* twice after one forward pass */
        update(self, coefficients);
        update(self, coefficients);
        break;
    case 5:
        update(self, coefficients);
        assert_equal_weights(self);
        break;
    default:
        update(self, coefficients);
    }
}

/* In each step a quarter to all of the coefficients, by chance, are not 0. */
static void walk(pair *self)
{
    static const size_t counts[] = {1, 2, 3, 5, 8, 9, 16, 17, 32, 33, MOST_SAMPLES};
    double outputs[MOST_SAMPLES], coefficients[MOST_SAMPLES];
    for (size_t step = 0; step < NUM_STEPS; step++) {
        const size_t count = counts[ch_random_below(&self->random, sizeof counts / sizeof *counts)];
        const uint32_t share = ch_random_below(&self->random, 4);
        go_forward(self, count, outputs);
        for (size_t i = 0; i < count; i++) {
            const double c = ch_random_below(&self->random, 1000) * 1e-5 - 4e-3;
            coefficients[i] = ch_random_below(&self->random, 4) <= share ? c : 0;
        }
        act(self, coefficients);
    }
    assert_equal_weights(self);
}

/* Widths and inputs are below, at and over those of vectors, tiles and blocks. */
static void waiting_changes_no_bit(void **state)
{
    (void)state;
    static const size_t inputs[] = {3, 32, 300, 513}, widths[] = {1, 12, 17, 40};
    const size_t step = is_under_valgrind() ? 13 : is_sanitized() ? 3 : 1;
    for (size_t i = 0; i < 64; i += step) {
        pair self;
        set_up(&self, inputs[i % 4], widths[i / 4 % 4], i & 16 ? CH_ACTIVATION_GELU : CH_ACTIVATION_RELU, i & 32);
        walk(&self);
        assert_true(self.num_waits > 0);
        tear_down(&self);
    }
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_changes_no_bit),
    };
    return cmocka_run_group_tests_name("deferred", tests, NULL, NULL);
}
