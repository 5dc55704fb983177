/* test_snapshot.c — a learner that is written into a snapshot and read by a new one goes on to the same bits, whichever
 * engine and model it is, and wherever a stop has caught it. The program is linked so that ch_watch_is_late is the
 * function below: it stops a learner at any of its looks at the watch, in the middle of a step too. */
#include "tests/train_support.h"

#include "core/memory.h"
#include "core/snapshot.h"
#include "models/learner/lookahead.h"
#include "perceptron/fast_state.h"
#include "sim/run_model.h"

#include <string.h>

/* ---- stops ---- */

static long looks_left = -1; /* looks at the watch until the stop; negative: there is none */

bool __wrap_ch_watch_is_late(const ch_watch *self); /* the linker's name for what replaces a function */
bool __wrap_ch_watch_is_late(const ch_watch *self)
{
    (void)self;
    looks_left -= looks_left > 0;
    return looks_left == 0;
}

/* ---- models ---- */

typedef struct {
    const char *settings; /* "name=value …" */
    uint64_t most_steps;
    int threads;
} model_case;

typedef struct {
    ch_resolved resolved;
    ch_train_set set;
    int threads;
} task;

/* A learner with what it borrows. It is not to be moved. */
typedef struct {
    ch_run_borrowed own;
    ch_run_model trained;
} model;

static void task_init(task *self, const model_case *chosen)
{
    ch_error err = {0};
    *self = (task){.resolved = resolved_of(chosen->settings), .threads = chosen->threads};
    const size_t num_samples = (size_t)self->resolved.settings.train;
    if (num_samples > 0 && ch_train_set_init(&self->set, &self->resolved, NULL, num_samples, 1, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static model *model_new(const task *chosen)
{
    ch_error err = {0};
    model *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->own = (ch_run_borrowed){.unit = 1, .watch = {.until = 1}};
    looks_left = -1;
    if (ch_run_borrowed_make_test(&self->own, &chosen->resolved, &chosen->set, 1, NULL, &err) != CH_OK ||
        ch_run_model_init(&self->trained, &chosen->resolved, &chosen->set, &self->own, chosen->threads, &err) !=
            CH_OK) {
        fail_msg("%s", err.message);
    }
    return self;
}

static void model_free(model *self)
{
    self->trained.learner.free(&self->trained.learner);
    ch_run_borrowed_free(&self->own);
    free(self);
}

/* ---- snapshots ---- */

typedef struct {
    uint8_t *bytes;
    size_t size;
} state;

static state write_state(model *from)
{
    ch_learner *learner = &from->trained.learner;
    ch_snapshot counter = ch_snapshot_counter();
    learner->exchange(learner, &counter);
    state made = {.bytes = malloc(counter.position), .size = counter.position};
    assert_non_null(made.bytes);
    ch_snapshot writer = ch_snapshot_writer(made.bytes, made.size);
    learner->exchange(learner, &writer);
    assert_true(ch_snapshot_is_whole(&writer));
    return made;
}

static bool read_state(model *into, const state *from)
{
    ch_snapshot reader = ch_snapshot_reader(from->bytes, from->size);
    into->trained.learner.exchange(&into->trained.learner, &reader);
    return ch_snapshot_is_whole(&reader);
}

/* A new model in the state of another, which is written again to the same bytes. */
static model *copy_of(const task *chosen, const state *from)
{
    model *copy = model_new(chosen);
    assert_true(read_state(copy, from));
    const state again = write_state(copy);
    assert_int_equal(again.size, from->size);
    assert_memory_equal(again.bytes, from->bytes, again.size);
    free(again.bytes);
    return copy;
}

/* ---- ends ---- */

static const double *weights_of(const model *self, const task *chosen, size_t *count)
{
    const ch_settings *settings = &chosen->resolved.settings;
    if (settings->linear == CH_LINEAR_YES) {
        *count = (size_t)settings->train;
        return self->trained.twin.margins.values;
    }
    if (!ch_settings_has_engine(settings)) {
        *count = self->own.architecture.num_weights;
        return ch_network_learner_weights(&self->trained.network);
    }
    *count = (size_t)settings->dim;
    return settings->train == 0 ? self->trained.online.weights : self->trained.plain.weights;
}

/* Both have the same bits: how far they are, their weights, and all that is observed of them. */
static void assert_same(model *a, model *b, const task *chosen)
{
    size_t count = 0;
    ch_observation one, other;
    const double *first = weights_of(a, chosen, &count), *second = weights_of(b, chosen, &count);
    const ch_progress *before = &a->trained.learner.progress, *after = &b->trained.learner.progress;
    assert_int_equal(before->steps, after->steps);
    assert_int_equal(before->updates, after->updates);
    assert_int_equal(before->last_update, after->last_update);
    assert_int_equal(before->status, after->status);
    assert_memory_equal(first, second, count * sizeof *first);
    looks_left = -1;
    assert_int_equal(a->trained.learner.observe(&a->trained.learner, &one, NULL), CH_OK);
    assert_int_equal(b->trained.learner.observe(&b->trained.learner, &other, NULL), CH_OK);
    for (size_t i = 0; i < ch_observables_count; i++) {
        const size_t offset = ch_observables_table[i].offset;
        assert_memory_equal((const char *)&one + offset, (const char *)&other + offset, sizeof(double));
    }
}

/* ---- runs ---- */

static bool goes_on(const model *self, uint64_t most_steps)
{
    const ch_progress *progress = &self->trained.learner.progress;
    return progress->status == CH_RUNNING && progress->steps < most_steps;
}

static void advance(model *self, uint64_t most_steps)
{
    const ch_limit limit = {most_steps, UINT64_MAX};
    self->trained.learner.advance(&self->trained.learner, &limit);
}

/* What was seen of the states that were written. */
typedef struct {
    unsigned plain, drawing, bounding; /* stages of the fast engine of perceptrons */
    unsigned sums, events;             /* of that of networks: with sums of the first layer, with an event to come */
    unsigned pending, torn;
} seen;

static void look_at(const model *self, const task *chosen, seen *all)
{
    const ch_settings *settings = &chosen->resolved.settings;
    if (ch_settings_has_engine(settings) && settings->train > 0) {
        all->pending += self->trained.plain.pending > 0;
        const struct ch_fast_state *fast = settings->engine == CH_ENGINE_FAST ? self->trained.fast.state : NULL;
        all->plain += fast != NULL && fast->stage == CH_FAST_PLAIN;
        all->drawing += fast != NULL && fast->stage == CH_FAST_DRAWING;
        all->bounding += fast != NULL && fast->stage == CH_FAST_BOUNDING;
    } else if (!ch_settings_has_engine(settings) && settings->linear != CH_LINEAR_YES) {
        const struct ch_lookahead *ahead = self->trained.network.lookahead;
        all->pending += self->trained.network.state->pending > 0;
        all->sums += ahead != NULL && ahead->sums.is_possible && ahead->sums.is_on;
        all->events += ahead != NULL && ahead->event_is_known;
    }
}

/* Trains to the end, and is moved to a new model at random: where the limit of its steps is reached, or where a stop
 * has caught it. Where that has torn it, it goes back to the state before. */
static model *train_with_moves(const task *chosen, uint64_t most_steps, uint64_t expected, ch_random *random, seen *all)
{
    enum { MOVES = 40, FEW_MOVES = 6 };
    const unsigned most_moves = expected < MOVES ? FEW_MOVES : 2 * MOVES;
    model *now = model_new(chosen);
    state last = write_state(now);
    for (unsigned moves = 0; goes_on(now, most_steps); moves++) {
        const uint64_t steps = now->trained.learner.progress.steps, stretch = 1 + 2 * expected / MOVES;
        const bool stops = expected < MOVES || ch_random_below(random, 2) == 0;
        const uint64_t limit = moves < most_moves ? steps + 1 + ch_random_u32(random) % stretch : most_steps;
        const uint32_t looks = expected < MOVES ? 2 : 1u << ch_random_below(random, 8);
        looks_left = moves < most_moves && stops ? 1 + (long)ch_random_below(random, looks) : -1;
        advance(now, limit < most_steps ? limit : most_steps);
        if (!goes_on(now, most_steps)) {
            break;
        }
        all->torn += now->trained.learner.is_torn;
        if (!now->trained.learner.is_torn) {
            look_at(now, chosen, all);
            free(last.bytes);
            last = write_state(now);
        }
        model_free(now);
        now = copy_of(chosen, &last);
    }
    free(last.bytes);
    return now;
}

static seen check_task(const task *chosen, uint64_t most_steps, int times)
{
    seen all = {0};
    ch_random random;
    ch_random_init(&random, 1, CH_STREAM_INIT, 0);
    model *whole = model_new(chosen);
    while (goes_on(whole, most_steps)) {
        advance(whole, most_steps);
    }
    for (int i = 0; i < times; i++) {
        model *moved = train_with_moves(chosen, most_steps, whole->trained.learner.progress.steps, &random, &all);
        assert_same(whole, moved, chosen);
        model_free(moved);
    }
    model_free(whole);
    return all;
}

static seen check_case(const model_case *how)
{
    task chosen;
    task_init(&chosen, how);
    const seen all = check_task(&chosen, how->most_steps, is_long() ? 20 : is_sanitized() ? 1 : 2);
    ch_train_set_free(&chosen.set);
    return all;
}

/* ---- tests ---- */

static void test_plain_perceptrons(void **unused)
{
    (void)unused;
    static const model_case cases[] = {
        {"model=perceptron dim=16 train=200 temp=0.5 alpha=10 engine=plain", 50000, 1},
        {"model=perceptron dim=16 train=200 batch=40 temp=0.1 alpha=10 engine=plain test=64", 2000, 1},
        {"model=perceptron dim=16 train=200 batch=full rate=1 alpha=10 engine=plain", 2000, 1},
        {"model=perceptron dim=16 train=200 batch=30 temp=0.1 alpha=10 engine=plain sampling=epoch", 2000, 1},
        {"model=perceptron dim=16 train=200 batch=30 temp=0.1 engine=plain sampling=epoch momentum=0.9", 2000, 1},
        {"model=perceptron dim=16 train=200 batch=2 temp=0.01 engine=plain momentum=0.5 weight_decay=0.01", 9000, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)check_case(&cases[i]);
    }
}

/* Samples so large that the perceptron looks at the watch within a step. */
static void test_stops_within_a_step(void **unused)
{
    (void)unused;
#define LARGE "model=perceptron dim=1048576 train=20 batch=18 temp=1e-5 engine=plain "
    static const char *const kinds[] = {"alpha=10", "alpha=20 sampling=epoch", "momentum=0.9"};
    const uint64_t most_steps = 4;
    unsigned pending = 0;
    task chosen;
    task_init(&chosen, &(model_case){LARGE "alpha=10", most_steps, 1});
    const size_t num_kinds = is_sanitized() ? 1 : sizeof kinds / sizeof *kinds;
    for (size_t i = 0; i < num_kinds; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s", LARGE, kinds[i]);
        chosen.resolved = resolved_of(text);
        pending += check_task(&chosen, most_steps, 1).pending > 0;
    }
    assert_int_equal(pending, num_kinds);
    ch_train_set_free(&chosen.set);
}

static void test_fast_perceptrons(void **unused)
{
    (void)unused;
    static const model_case cases[] = {
        {"model=perceptron dim=32 train=2000 temp=1 alpha=100 engine=fast", 400000, 1},
        {"model=perceptron dim=32 train=2000 temp=0.01 alpha=10 engine=fast", 400000, 1},
        {"model=perceptron dim=32 train=4000 batch=64 temp=0.5 alpha=100 engine=fast", 60000, 2},
        {"model=perceptron dim=32 train=2000 temp=1 alpha=100 engine=fast sampling=epoch", 400000, 1},
        {"model=perceptron dim=32 train=2000 batch=32 temp=0.01 alpha=10 engine=fast sampling=epoch", 100000, 1},
    };
    seen all = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const seen one = check_case(&cases[i]);
        all.plain += one.plain;
        all.drawing += one.drawing;
        all.bounding += one.bounding;
    }
    assert_true(all.plain > 0 && all.drawing > 0 && all.bounding > 0);
}

static void test_fresh_batches(void **unused)
{
    (void)unused;
    static const model_case cases[] = {
        {"model=perceptron dim=16 train=inf temp=1 alpha=100 max_steps=2000", 2000, 1},
        {"model=perceptron dim=16 train=inf batch=3000 temp=0.01 alpha=100 max_steps=60 test=32", 60, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)check_case(&cases[i]);
    }
}

#define MLP "model=mlp data=stripe dim=24 width=12 depth=2 train=100 "

static void test_networks(void **unused)
{
    (void)unused;
    static const model_case cases[] = {
        {MLP "alpha=100 temp=0.1 engine=plain kernel=8", 4000, 1},
        {MLP "alpha=100 temp=0.1 batch=60 engine=plain sampling=epoch", 200, 1},
        {MLP "alpha=100 temp=0.1 batch=20 engine=plain momentum=0.9 weight_decay=0.001 test=20", 300, 2},
        {MLP "alpha=100 temp=0.01 engine=plain loss=mse max_steps=3000", 600, 1},
        {MLP "alpha=100 rate=1 dynamics=gd max_steps=1000", 80, 1},
        {MLP "alpha=100 temp=0.1 batch=10 dynamics=sde max_steps=1000", 80, 1},
        {MLP "alpha=100 temp=0.1 batch=3 dynamics=unfitted max_steps=1000", 200, 1},
        {MLP "alpha=100 rate=0.1 dynamics=flow max_steps=1000", 12, 1},
        {"model=perceptron dim=16 train=100 temp=0.1 alpha=10 loss=softhinge max_steps=900", 900, 1},
    };
    unsigned pending = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pending += check_case(&cases[i]).pending;
    }
    assert_true(pending > 0);
}

static void test_fast_networks(void **unused)
{
    (void)unused;
    static const model_case cases[] = {
        {MLP "alpha=100 temp=0.1 engine=fast", 60000, 1},
        {"model=mlp data=stripe dim=64 width=32 depth=2 train=300 alpha=100 temp=0.05 engine=fast", 60000, 1},
        {"model=mlp data=stripe dim=64 width=32 depth=2 train=200 alpha=1 temp=0.002 engine=fast", 60000, 1},
        {MLP "temp=0.005 alpha=1 batch=3 engine=fast", 60000, 1},
        {MLP "alpha=100 temp=0.1 batch=8 engine=fast sampling=epoch", 10000, 2},
        {MLP "alpha=100 temp=0.01 batch=100 engine=fast", 300, 1},
    };
    seen all = {0};
    for (size_t i = is_sanitized() ? 2 : 0; i < sizeof cases / sizeof *cases; i += is_sanitized() ? 2 : 1) {
        const seen one = check_case(&cases[i]);
        all.sums += one.sums;
        all.events += one.events;
    }
    assert_true(all.sums > 0 && all.events > 0);
}

#define TWIN "model=mlp linear=yes data=stripe dim=8 width=16 depth=2 train=150 alpha=1 "

static void test_twins(void **unused)
{
    (void)unused;
    static const model_case cases[] = {
        {TWIN "temp=0.1 test=20", 20000, 1},
        {TWIN "rate=1 batch=full", 3000, 1},
        {TWIN "temp=0.1 batch=8 sampling=epoch", 20000, 1},
        {TWIN "temp=0.1 batch=8 momentum=0.9", 3000, 1},
        {TWIN "temp=0.1 batch=32 sampling=epoch weight_decay=0.001", 3000, 1},
        {TWIN "temp=0.1 batch=8 dynamics=unfitted", 3000, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)check_case(&cases[i]);
    }
}

/* A queue that was drawn with more threads is longer than that of one thread, and is kept. */
static void test_other_threads(void **unused)
{
    (void)unused;
    const model_case how = {"model=mlp data=stripe dim=24 width=12 depth=2 train=1000 alpha=1 temp=0.1 engine=fast",
                            is_sanitized() ? 10000 : 100000, 1};
    task many, one;
    task_init(&many, &(model_case){how.settings, how.most_steps, 3});
    task_init(&one, &how);
    model *whole = model_new(&one), *before = model_new(&many);
    advance(whole, how.most_steps);
    advance(before, 100);
    struct ch_lookahead *ahead = before->trained.network.lookahead;
    ahead->next_round = ahead->room; /* how many batches are drawn ahead changes no bit */
    looks_left = 2;
    advance(before, how.most_steps);
    assert_true(goes_on(before, how.most_steps) && ahead->queued == ahead->room);
    const state last = write_state(before);
    model *after = model_new(&one);
    assert_true(read_state(after, &last));
    advance(after, how.most_steps);
    assert_same(whole, after, &one);
    free(last.bytes);
    model_free(whole);
    model_free(before);
    model_free(after);
    ch_train_set_free(&many.set);
    ch_train_set_free(&one.set);
}

/* Bytes that are cut short, or changed, never do harm, and are mostly refused; those of another model always are. */
static void test_damage(void **unused)
{
    (void)unused;
    static const model_case cases[] = {
        {"model=perceptron dim=32 train=300 temp=1 alpha=100 engine=fast sampling=epoch", 3000, 1},
        {MLP "alpha=100 temp=0.1 engine=fast", 3000, 1},
        {TWIN "temp=0.1 batch=8 sampling=epoch", 100, 1},
    };
    ch_random random;
    ch_random_init(&random, 2, CH_STREAM_INIT, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        task chosen, other;
        task_init(&chosen, &cases[i]);
        task_init(&other, &cases[(i + 1) % (sizeof cases / sizeof *cases)]);
        model *from = model_new(&chosen), *strange = model_new(&other);
        advance(from, cases[i].most_steps);
        state last = write_state(from);
        assert_false(read_state(strange, &last));
        for (int k = 0; k < 60; k++) {
            model *into = model_new(&chosen);
            const state cut = {last.bytes, ch_random_u32(&random) % last.size};
            assert_false(read_state(into, &cut));
            model_free(into);
            into = model_new(&chosen);
            uint8_t *byte = &last.bytes[ch_random_u32(&random) % last.size];
            const uint8_t right = *byte;
            *byte ^= (uint8_t)(1u << ch_random_below(&random, 8));
            (void)read_state(into, &last);
            *byte = right;
            model_free(into);
        }
        free(last.bytes);
        model_free(from);
        model_free(strange);
        ch_train_set_free(&chosen.set);
        ch_train_set_free(&other.set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_perceptrons),
        cmocka_unit_test(test_stops_within_a_step),
        cmocka_unit_test(test_fast_perceptrons),
        cmocka_unit_test(test_fresh_batches),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_fast_networks),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_other_threads),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
