/* test_first_layer.c — lookahead sums of the first layer, against passes from scratch. */
#include "core/memory.h"
#include "models/models.h"
#include "tests/alloc_fail.h"
#include "tests/support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <string.h>

enum { NUM_SAMPLES = 150, MOST_LISTED = 70 };

/* A network with lookahead sums, and one of the same weights without. */
typedef struct {
    ch_architecture architecture;
    ch_network network, plain;
    ch_first_layer layer;
    float *inputs; /* [NUM_SAMPLES][dim] */
    float *sums;   /* [MOST_LISTED][m] */
    ch_random random;
    uint32_t listed[MOST_LISTED];
    size_t count;
    size_t brought_up, made_anew; /* samples so far */
} stage;

static void set_up(stage *self, const ch_network_spec *spec)
{
    memset(self, 0, sizeof *self);
    assert_int_equal(ch_architecture_init(&self->architecture, spec, NULL), CH_OK);
    assert_int_equal(ch_network_init(&self->network, &self->architecture, MOST_LISTED, NULL), CH_OK);
    assert_int_equal(ch_network_init(&self->plain, &self->architecture, MOST_LISTED, NULL), CH_OK);
    assert_int_equal(ch_first_layer_init(&self->layer, &self->architecture, NUM_SAMPLES, NULL), CH_OK);
    double *weights = ch_alloc(self->architecture.num_weights, sizeof *weights);
    ch_architecture_draw(&self->architecture, 5, weights);
    ch_network_set_weights(&self->network, weights);
    ch_network_set_weights(&self->plain, weights);
    free(weights);
    self->sums = ch_alloc(MOST_LISTED * self->layer.num_outputs, sizeof *self->sums);
    self->inputs = ch_alloc(NUM_SAMPLES * self->architecture.dim, sizeof *self->inputs);
    ch_random_init(&self->random, 7, CH_STREAM_TRAIN_SAMPLES, 0);
    const gsl_rng gsl = ch_random_gsl(&self->random);
    for (size_t i = 0; i < NUM_SAMPLES * self->architecture.dim; i++) {
        self->inputs[i] = (float)gsl_ran_gaussian_ziggurat(&gsl, 1.0);
    }
}

static void tear_down(stage *self)
{
    ch_first_layer_free(&self->layer);
    ch_first_layer_free(&self->layer);
    ch_network_free(&self->network);
    ch_network_free(&self->plain);
    ch_architecture_free(&self->architecture);
    free(self->inputs);
    free(self->sums);
}

/* Some of the first samples, some of them twice. */
static void draw_list(stage *self)
{
    self->count = 1 + ch_random_below(&self->random, MOST_LISTED);
    for (size_t i = 0; i < self->count; i++) {
        self->listed[i] = ch_random_below(&self->random, NUM_SAMPLES);
        const bool is_stale = ch_first_layer_is_stale(&self->layer, self->listed[i]);
        self->made_anew += is_stale;
        self->brought_up += !is_stale && ch_first_layer_lacks(&self->layer, self->listed[i]) > 0;
    }
}

/* The outputs of the list, some tenths, by lookahead sums are those from scratch; an update changes them by hundredths.
 */
static void find_outputs(stage *self, float *outputs)
{
    float expected[MOST_LISTED];
    ch_first_layer_forward(&self->layer, &self->network, self->inputs, self->listed, self->count, self->sums, outputs);
    ch_network_forward(&self->plain, self->inputs, self->listed, self->count, expected);
    for (size_t i = 0; i < self->count; i++) {
        if (!(fabsf(outputs[i] - expected[i]) <= 1e-6F)) {
            fail_msg("output %zu is %.9g, not %.9g", i, (double)outputs[i], (double)expected[i]);
        }
    }
}

/* An update by `active` of the samples listed, of both networks: their outputs go towards 0. */
static void update(stage *self, const float *outputs, size_t active)
{
    float coefficients[MOST_LISTED] = {0}, scratch[MOST_LISTED];
    for (size_t k = 0; k < active; k++) {
        const size_t i = ch_random_below(&self->random, (uint32_t)self->count);
        coefficients[i] = outputs[i] > 0 ? -0.1F : 0.1F;
    }
    ch_network_forward(&self->network, self->inputs, self->listed, self->count, scratch);
    ch_network_update(&self->network, coefficients);
    ch_first_layer_note(&self->layer, &self->network);
    ch_network_update(&self->plain, coefficients);
}

static void assert_same_weights(stage *self)
{
    const double *weights = ch_network_weights(&self->network), *expected = ch_network_weights(&self->plain);
    for (size_t i = 0; i < self->architecture.num_weights; i++) {
        if (!(fabs(weights[i] - expected[i]) <= 2e-5)) {
            fail_msg("weight %zu is %.9g, not %.9g", i, weights[i], expected[i]);
        }
    }
}

static const ch_network_spec specs[] = {
    {CH_ARCH_MLP, 20, 2, CH_ACTIVATION_RELU, {45, 1, 1}},
    {CH_ARCH_MLP_BIAS, 33, 1, CH_ACTIVATION_GELU, {3, 5, 7}},
    {CH_ARCH_MLP, 3, 3, CH_ACTIVATION_SILU, {8, 1, 1}},
    {CH_ARCH_MLP, 150, 1, CH_ACTIVATION_RELU, {900, 1, 1}},
};

/* Over many updates, few samples of a batch moving the weights: lists are brought up to date, in part or all, or made
 * anew; terms are dropped from the list of them. */
static void outputs_are_those_from_scratch(void **state)
{
    (void)state;
    skip_under_valgrind();
    const size_t rounds = is_sanitized() ? 100 : 300;
    for (size_t k = 0; k < 4; k += is_sanitized() ? 3 : 1) {
        stage here;
        float outputs[MOST_LISTED];
        set_up(&here, &specs[k]);
        for (size_t round = 0; round < rounds; round++) {
            draw_list(&here);
            find_outputs(&here, outputs);
            ch_first_layer_store(&here.layer, here.listed, here.count - here.count / 3, here.sums);
            update(&here, outputs, ch_random_below(&here.random, round % 50 == 0 ? 12 : 3));
        }
        assert_same_weights(&here);
        assert_true(here.layer.num_terms > (is_sanitized() ? 1 : 4) * here.layer.most_terms);
        assert_true(here.brought_up > rounds / 3 && here.made_anew > rounds / 3);
        tear_down(&here);
    }
}

/* A sample's output and sums do not depend on what it is tested with. */
static void bits_do_not_depend_on_the_company(void **state)
{
    (void)state;
    stage here;
    float outputs[MOST_LISTED], alone;
    set_up(&here, &specs[0]);
    const size_t size = here.layer.num_outputs;
    float *sums = ch_alloc(size, sizeof *sums);
    for (size_t round = 0; round < 40; round++) {
        draw_list(&here);
        find_outputs(&here, outputs);
        for (size_t i = 0; i < here.count; i++) {
            ch_first_layer_forward(&here.layer, &here.network, here.inputs, here.listed + i, 1, sums, &alone);
            assert_memory_equal(&alone, &outputs[i], sizeof alone);
            assert_memory_equal(sums, here.sums + i * size, size * sizeof *sums);
        }
        find_outputs(&here, outputs);
        ch_first_layer_store(&here.layer, here.listed, here.count, here.sums);
        update(&here, outputs, 2);
    }
    assert_true(here.brought_up > 100 && here.made_anew > 100);
    free(sums);
    tear_down(&here);
}

/* All samples together, their sums stored in place. */
static void sums_are_stored_in_place(void **state)
{
    (void)state;
    stage here;
    float outputs[MOST_LISTED];
    set_up(&here, &specs[1]);
    here.count = MOST_LISTED;
    for (uint32_t i = 0; i < MOST_LISTED; i++) {
        here.listed[i] = i;
    }
    free(here.sums);
    here.sums = here.layer.sums;
    for (size_t round = 0; round < 2 * FIRST_LAYER_TIMES; round++) {
        find_outputs(&here, outputs);
        ch_first_layer_store(&here.layer, here.listed, here.count, here.sums);
        assert_true(ch_first_layer_lacks(&here.layer, 3) == 0);
        assert_int_equal(here.layer.times[3], round % (FIRST_LAYER_TIMES + 1)); /* then made anew */
        update(&here, outputs, 1);
    }
    here.sums = NULL;
    tear_down(&here);
}

/* After a change that is not noted. */
static void forgotten_sums_are_made_anew(void **state)
{
    (void)state;
    stage here;
    float outputs[MOST_LISTED];
    set_up(&here, &specs[0]);
    draw_list(&here);
    find_outputs(&here, outputs);
    ch_first_layer_store(&here.layer, here.listed, here.count, here.sums);
    double *weights = ch_alloc(here.architecture.num_weights, sizeof *weights);
    ch_architecture_draw(&here.architecture, 6, weights);
    ch_network_set_weights(&here.network, weights);
    ch_network_set_weights(&here.plain, weights);
    ch_first_layer_forget(&here.layer);
    assert_true(ch_first_layer_is_stale(&here.layer, here.listed[0]));
    find_outputs(&here, outputs);
    free(weights);
    tear_down(&here);
}

static size_t terms_of(ch_arch arch, size_t width, ch_shape input)
{
    const ch_network_spec spec = {arch, width, 2, CH_ACTIVATION_RELU, input};
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    const size_t terms = ch_first_layer_terms(&architecture);
    ch_architecture_free(&architecture);
    return terms;
}

/* Bringing sums up to date by K terms, K (n + m) multiply-adds, costs at most half of sums from scratch, n m; one term
 * more would cost more, unless K is as many as are ever listed. */
static void terms_cost_half_at_most(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {{784, 128}, {784, 1}, {3072, 512}, {3072, 3072},
                                       {40, 40},   {100, 7}, {5000, 130}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const size_t n = shapes[k][0], m = shapes[k][1], terms = terms_of(CH_ARCH_MLP, m, (ch_shape){n, 1, 1});
        assert_true(2 * terms * (n + m) <= n * m);
        assert_true(terms <= 64);
        assert_true(terms == 64 || 2 * (terms + 1) * (n + m) > n * m);
    }
}

static void says_where_it_pays(void **state)
{
    (void)state;
    assert_int_equal(terms_of(CH_ARCH_MLP, 128, (ch_shape){784, 1, 1}), 55); /* 784 x 128 / (2 x 912) */
    assert_int_equal(terms_of(CH_ARCH_MLP, 512, (ch_shape){3, 32, 32}), FIRST_LAYER_TERMS);
    assert_int_equal(terms_of(CH_ARCH_MLP, 128, (ch_shape){100, 1, 1}), 0);
    assert_int_equal(terms_of(CH_ARCH_PERCEPTRON, 0, (ch_shape){100, 1, 1}), 0);
    assert_int_equal(terms_of(CH_ARCH_SIMPLE_CNN, 4, (ch_shape){3, 8, 8}), 0);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &specs[0], NULL), CH_OK);
    ch_first_layer layer;
    int failed = 0;
    for (;; failed++) {
        alloc_fail_at(failed);
        const ch_code code = ch_first_layer_init(&layer, &architecture, NUM_SAMPLES, NULL);
        alloc_fail_at(-1);
        if (code == CH_OK) {
            break;
        }
        assert_int_equal(code, CH_ERROR_MEMORY);
        assert_null(layer.sums);
    }
    assert_int_equal(failed, 5);
    ch_first_layer_free(&layer);
    ch_architecture_free(&architecture);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_those_from_scratch),
        cmocka_unit_test(bits_do_not_depend_on_the_company),
        cmocka_unit_test(sums_are_stored_in_place),
        cmocka_unit_test(forgotten_sums_are_made_anew),
        cmocka_unit_test(says_where_it_pays),
        cmocka_unit_test(terms_cost_half_at_most),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("first layer", tests, NULL, NULL);
}
