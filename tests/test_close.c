/* test_close.c — the close set: counts of kicks and rows of a small Gram matrix give the unfitted samples exactly. */
#include "perceptron/close.c" /* its static parts are tested too */

#include "core/memory.h"
#include "core/random.h"
#include "tests/alloc_fail.h"
#include "tests/fast_support.h"
#include "tests/valgrind_support.h"

/* A student whose unfitted samples are known. */
typedef struct {
    ch_sample_set set;
    ch_screen screen;
    ch_perceptron student;
    ch_gram gram;
    ch_close_set *close;
    ch_random random;
    uint32_t *slots;
} stage;

static void make(stage *self, const point *at, uint64_t seed)
{
    self->set = draw(at->chi, at->dim, at->random_teacher, seed, at->num_samples);
    const ch_perceptron_setup setup = setup_at(at, &self->set);
    assert_int_equal(ch_screen_init(&self->screen, &self->set, NULL, NULL), CH_OK);
    assert_int_equal(ch_perceptron_init(&self->student, &setup, NULL), CH_OK);
    assert_true(ch_gram_init(&self->gram, &self->set, &self->screen, 1));
    self->close = ch_close_set_new(&self->student, &self->screen, &self->gram);
    assert_non_null(self->close);
    self->slots = ch_alloc(at->num_samples, sizeof *self->slots);
    ch_random_init(&self->random, seed, CH_STREAM_BOOTSTRAP, 0);
}

/* Makes a student, and trains it by the plain engine until a close set can begin. */
static void set_up(stage *self, const point *at, uint64_t seed)
{
    ch_learner *learner = &self->student.learner;
    make(self, at, seed);
    for (bool has_begun = false; !has_begun; has_begun = ch_close_set_begin(self->close, INFINITY, INFINITY)) {
        learner->advance(learner, &(ch_limit){.steps = UINT64_MAX, .updates = learner->progress.updates + 20});
        assert_int_equal(learner->progress.status, CH_RUNNING);
    }
}

static void tear_down(stage *self)
{
    free(self->slots);
    ch_close_set_free(self->close);
    ch_gram_free(&self->gram);
    ch_perceptron_free(&self->student);
    ch_screen_free(&self->screen);
    ch_sample_set_free(&self->set);
}

/* Requires that the unfitted slots are the samples whose margins in double are under kappa. */
static void assert_knows_unfitted(stage *self)
{
    const ch_close_set *close = self->close;
    const double kappa = self->student.setup.kappa;
    uint32_t truly = 0;
    ch_close_set_write(self->close);
    for (uint32_t place = 0; place < self->set.num_samples; place++) {
        const uint32_t slot = close->slot_of[place];
        const bool unfitted = ch_is_unfitted(ch_student_margin(&self->student, self->screen.order[place]), kappa);
        const bool known = slot > 0 && ch_bits_has(close->unfitted[(slot - 1) / BLOCK], (slot - 1) % BLOCK);
        assert_true(unfitted == known);
        truly += unfitted;
    }
    assert_int_equal(truly, close->num_unfitted);
}

/* Requires that slots have different places, that the Gram matrix has the entries of the slots within their error, and
 * zeros beside them. */
static void assert_has_rows(const stage *self)
{
    const ch_close_set *close = self->close;
    for (uint32_t a = 0; a < close->count; a++) {
        assert_int_equal(close->slot_of[close->places[a]], a + 1);
        for (uint32_t b = 0; b < num_blocks(close) * BLOCK; b++) {
            double product = 0;
            for (size_t k = 0; k < self->set.stride && b < close->count; k++) {
                product += (double)ch_sample_set_row(&self->set, self->screen.order[close->places[a]])[k] *
                           (double)ch_sample_set_row(&self->set, self->screen.order[close->places[b]])[k];
            }
            assert_in((double)row_of(close, a)[b] - product / close->quantum, -close->entry_error, close->entry_error);
        }
    }
}

/* Draws how many unfitted samples a batch holds, about B / P of them, and moves them to the front of `slots`. */
static uint32_t choose(stage *self)
{
    const uint32_t number = self->close->num_unfitted;
    const uint32_t num = (uint32_t)self->set.num_samples, batch = (uint32_t)self->student.setup.batch;
    uint32_t count = 0;
    ch_close_set_list(self->close, self->slots);
    for (uint32_t i = 0; i < number; i++) {
        if (ch_random_below(&self->random, num) < batch) {
            const uint32_t slot = self->slots[i];
            self->slots[i] = self->slots[count];
            self->slots[count++] = slot;
        }
    }
    return count > 0 ? count : 1;
}

/* How often steps met each case, which shows that the tests cover it. */
typedef struct {
    size_t steps, looks, refreshes, dropped, added, listed;
} journey;

/* @return false where the run is fitted, or where the set cannot be kept */
static bool step(stage *self, journey *met)
{
    ch_close_set *close = self->close;
    if (close->num_unfitted == 0) {
        return false;
    }
    const uint32_t count_before = close->count;
    const double error = close->error, path = close->path, far = close->far_reach;
    double *origin = ch_alloc_unset(self->set.stride, sizeof *origin);
    memcpy(origin, close->origin, self->set.stride * sizeof *origin);
    const bool goes_on = ch_close_set_step(close, self->slots, choose(self));
    met->steps++;
    met->looks += close->error < error || close->path < path;
    met->refreshes += memcmp(origin, close->origin, self->set.stride * sizeof *origin) != 0;
    met->dropped += close->count < count_before;
    met->added += close->count > count_before;
    met->listed += close->far_reach != far;
    free(origin);
    return goes_on;
}

/* Batches from a quarter of the samples to all of them, and T from far under kappa to kappa. */
static const point close_points[] = {
    {0, 16, 1024, 256, 0x1p-14, 0x1p-5, false, false},  {0, 16, 1024, 512, 0x1p-12, 0x1p-5, true, false},
    {1, 16, 1024, 513, 0x1p-10, 0x1p-5, false, false},  {1, 16, 700, 600, 0x1p-12, 0x1p-4, true, false},
    {0, 24, 1500, 1500, 0x1p-14, 0x1p-4, false, false}, {3, 16, 512, 512, 0x1p-14, 0x1p-6, false, false},
};
enum { NUM_CLOSE_POINTS = sizeof close_points / sizeof *close_points };

static void knows_the_unfitted(void **state)
{
    (void)state;
    journey met = {0};
    for (size_t i = 0; i < NUM_CLOSE_POINTS; i += is_under_valgrind() ? 5 : 1) {
        stage here;
        set_up(&here, &close_points[i], 60 + i);
        assert_knows_unfitted(&here);
        const size_t most = met.steps + (is_under_valgrind() ? 30 : 1500);
        while (met.steps < most && step(&here, &met)) {
            assert_knows_unfitted(&here);
        }
        assert_has_rows(&here);
        tear_down(&here);
    }
    if (!is_under_valgrind()) {
        assert_true(met.steps > 5000 && met.looks > 500 && met.refreshes > 100);
        assert_true(met.dropped > 20 && met.added > 20 && met.listed > 5);
    }
}

/* A slack within its error of 0 is decided in double: the set is right also where errors are said to be so large that
 * this happens at every step. */
static void doubtful_slacks_are_decided(void **state)
{
    (void)state;
    stage here;
    journey met = {0};
    set_up(&here, &close_points[0], 70);
    const int looks = is_under_valgrind() ? 20 : 100;
    for (int i = 0; i < looks && here.close->num_unfitted > 0; i++) {
        here.close->error = 1 << 20;
        assert_true(step(&here, &met));
        assert_knows_unfitted(&here);
    }
    assert_true((int)met.looks > looks * 4 / 5);
    tear_down(&here);
}

static void assert_same_state(const stage *a, const stage *b)
{
    assert_int_equal(a->close->num_unfitted, b->close->num_unfitted);
    assert_int_equal(a->close->count, b->close->count);
    assert_memory_equal(a->close->base, b->close->base, a->set.stride * sizeof *a->close->base);
    assert_memory_equal(a->close->slacks, b->close->slacks, a->close->count * sizeof *a->close->slacks);
    assert_memory_equal(a->close->places, b->close->places, a->close->count * sizeof *a->close->places);
    assert_true(a->close->path == b->close->path && a->close->error == b->close->error);
    assert_true(a->close->reach == b->close->reach && a->close->credit == b->close->credit);
}

/* Takes the state of one into another, which was made alike. */
static void pass_on(stage *from, stage *to)
{
    ch_snapshot counter = ch_snapshot_counter();
    ch_close_set_exchange(from->close, &counter);
    uint8_t *bytes = ch_alloc_unset(counter.position, 1);
    ch_snapshot writer = ch_snapshot_writer(bytes, counter.position);
    ch_close_set_exchange(from->close, &writer);
    ch_snapshot reader = ch_snapshot_reader(bytes, counter.position);
    ch_close_set_exchange(to->close, &reader);
    assert_true(ch_snapshot_is_whole(&reader));
    to->random = from->random;
    free(bytes);
}

/* A set that was read from a snapshot goes on to the same bits, and so does one whose weights are asked for at every
 * step. */
static void snapshots_and_writing_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_CLOSE_POINTS; i += is_under_valgrind() ? 5 : 4) {
        stage one, other;
        journey met = {0};
        const int steps = is_under_valgrind() ? 10 : 150, turns = is_under_valgrind() ? 1 : 3;
        set_up(&one, &close_points[i], 80 + i);
        for (int turn = 0; turn < turns; turn++) {
            if (turn > 0) {
                tear_down(&other);
            }
            make(&other, &close_points[i], 80 + i);
            pass_on(&one, &other);
            for (int k = 0; k < steps; k++) {
                const bool goes_on = step(&one, &met);
                ch_close_set_write(other.close);
                assert_true(step(&other, &met) == goes_on);
                assert_same_state(&one, &other);
                if (!goes_on) {
                    break;
                }
            }
        }
        ch_close_set_write(one.close);
        ch_close_set_write(other.close);
        assert_memory_equal(one.student.weights, other.student.weights, one.set.stride * sizeof(double));
        tear_down(&one);
        tear_down(&other);
    }
}

/* A snapshot in which two slots have one place, or in which a bit belongs to no slot, is refused. */
static void damaged_snapshots_are_refused(void **state)
{
    (void)state;
    stage one, other;
    set_up(&one, &close_points[0], 90);
    make(&other, &close_points[0], 90);
    const uint32_t place = one.close->places[1];
    for (int damage = 0; damage < 2; damage++) {
        one.close->places[1] = damage == 0 ? one.close->places[0] : place;
        if (damage == 1) {
            one.close->unfitted[one.close->most / BLOCK - 1] = UINT64_C(1) << 63;
        }
        ch_snapshot counter = ch_snapshot_counter();
        ch_close_set_exchange(one.close, &counter);
        uint8_t *bytes = ch_alloc_unset(counter.position, 1);
        ch_snapshot writer = ch_snapshot_writer(bytes, counter.position);
        ch_close_set_exchange(one.close, &writer);
        ch_snapshot reader = ch_snapshot_reader(bytes, counter.position);
        ch_close_set_exchange(other.close, &reader);
        assert_true(reader.is_bad);
        free(bytes);
    }
    tear_down(&one);
    tear_down(&other);
}

/* It does not begin where it would cost too much, or where too many samples are close: at w = 0 all of them. */
static void begins_only_where_it_pays(void **state)
{
    (void)state;
    const point at = {0, 16, 1500, 512, 0x1p-12, 0x1p-5, false, false};
    stage here;
    make(&here, &at, 100);
    assert_false(ch_close_set_begin(here.close, INFINITY, INFINITY));
    tear_down(&here);
    set_up(&here, &close_points[0], 101);
    assert_false(ch_close_set_begin(here.close, 1, INFINITY));
    assert_false(ch_close_set_begin(here.close, INFINITY, 1));
    assert_true(ch_close_set_begin(here.close, INFINITY, INFINITY));
    tear_down(&here);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    stage here;
    make(&here, &close_points[0], 110);
    long k = 0;
    for (bool made = false; !made; k++) {
        alloc_fail_at(k);
        ch_close_set *other = ch_close_set_new(&here.student, &here.screen, &here.gram);
        alloc_fail_at(-1);
        made = other != NULL;
        ch_close_set_free(other);
    }
    assert_int_equal(k, 16 + 1);
    ch_close_set_free(NULL);
    tear_down(&here);
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_unfitted),
        cmocka_unit_test(doubtful_slacks_are_decided),
        cmocka_unit_test(snapshots_and_writing_change_nothing),
        cmocka_unit_test(damaged_snapshots_are_refused),
        cmocka_unit_test(begins_only_where_it_pays),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("close", tests, NULL, NULL);
}
