/* test_active.c — the active set: the bounds on margins, which Gram rows keep up to date, give the unfitted samples
 * exactly. */
#include "perceptron/active.c" /* its static parts are tested too */

#include "core/memory.h"
#include "core/snapshot.h"
#include "perceptron/screening.h"
#include "tests/alloc_fail.h"
#include "tests/fast_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

/* A student whose unfitted samples are known. Each update adds some of them. */
typedef struct {
    ch_sample_set set;
    ch_screen screen;
    ch_perceptron student;
    ch_active_set *active;
    ch_random random;
    uint32_t *places;
} stage;

static void set_up(stage *self, const point *at, uint64_t seed, uint64_t updates)
{
    self->set = draw(at->chi, at->dim, at->random_teacher, seed, at->num_samples);
    const ch_perceptron_setup setup = setup_at(at, &self->set);
    assert_int_equal(ch_screen_init(&self->screen, &self->set, NULL, NULL), CH_OK);
    assert_int_equal(ch_perceptron_init(&self->student, &setup, NULL), CH_OK);
    self->active = ch_active_set_new(&self->student, &self->screen);
    assert_non_null(self->active);
    self->places = ch_alloc(at->num_samples, sizeof *self->places);
    ch_random_init(&self->random, seed, CH_STREAM_BOOTSTRAP, 0);
    self->student.learner.advance(&self->student.learner, &(ch_limit){.steps = UINT64_MAX, .updates = updates});
}

static void tear_down(stage *self)
{
    free(self->places);
    ch_active_set_free(self->active);
    ch_perceptron_free(&self->student);
    ch_screen_free(&self->screen);
    ch_sample_set_free(&self->set);
}

/* How often the updates met each case, which shows that the tests cover it. */
typedef struct {
    size_t updates, grown, shrunk, decided, several, refreshed;
} journey;

/* Requires that the unfitted samples are those whose margins in double are under kappa, and that the error of every
 * slack is within its bound. */
static void assert_knows_unfitted(const stage *self)
{
    const ch_active_set *active = self->active;
    const double kappa = self->student.setup.kappa;
    const uint32_t number = ch_active_set_num_unfitted(active);
    bool *is_unfitted = ch_alloc(self->set.num_samples, sizeof *is_unfitted);
    uint32_t truly = 0;
    ch_active_set_list(active, self->places);
    for (uint32_t i = 0; i < number; i++) {
        assert_true(i == 0 || self->places[i] > self->places[i - 1]);
        assert_int_equal(ch_active_set_place(active, i), self->places[i]);
        is_unfitted[self->screen.order[self->places[i]]] = true;
    }
    for (uint32_t mu = 0; mu < self->set.num_samples; mu++) {
        const bool unfitted = ch_is_unfitted(ch_student_margin(&self->student, mu), self->student.setup.kappa);
        truly += unfitted;
        assert_true(unfitted == is_unfitted[mu]);
    }
    assert_int_equal(truly, number);
    for (size_t k = 0; k < num_slacks(active); k++) {
        const double stored = (double)active->slacks[k];
        if (!is_sample(active, k)) {
            assert_true(stored >= MOST_SLACK);
            continue;
        }
        const double slack = (exact_margin(active, place_of(active, k)) - kappa) /
                             (ch_student_temperature(&self->student) * active->gram.quantum);
        if (fabs(slack) < MOST_SLACK / 2) {
            assert_in(stored - slack, -active->error, active->error);
        } else {
            assert_true(fabs(stored) > MOST_SLACK / 4 && (stored > 0) == (slack > 0));
        }
    }
    free(is_unfitted);
}

/* Requires that the unfitted samples are told place by place, and in the order in which epochs take them: block by
 * block of 64 places, in the order of ch_bits_unsort within each. They are those of ch_active_set_list. */
static void assert_tells_places(const stage *self)
{
    const ch_active_set *active = self->active;
    const size_t blocks = self->set.num_samples / BLOCK + 1;
    const uint32_t number = ch_active_set_num_unfitted(active);
    ch_bits *unfitted = ch_alloc(blocks, sizeof *unfitted);
    uint64_t *known = ch_alloc(blocks, sizeof *known);
    ch_active_set_list(active, self->places);
    for (uint32_t i = 0; i < number; i++) {
        unfitted[self->places[i] / BLOCK] |= (ch_bits)1 << self->places[i] % BLOCK;
    }
    for (uint32_t place = 0; place < self->set.num_samples; place++) {
        assert_true(ch_active_set_is_unfitted(active, place) == ch_bits_has(unfitted[place / BLOCK], place % BLOCK));
    }
    assert_int_equal(ch_active_set_list_new(active, known, self->places), number);
    for (size_t b = 0, i = 0; b < blocks; b++) {
        assert_true(known[b] == unfitted[b]);
        for (uint64_t bits = ch_bits_unsort(unfitted[b]); bits != 0; bits &= bits - 1) {
            assert_int_equal(self->places[i++], b * BLOCK + ch_bits_unsorted_place(ch_bits_first(bits)));
        }
    }
    assert_int_equal(ch_active_set_list_new(active, known, self->places), 0);
    free(unfitted);
    free(known);
}

/* Draws as many of the unfitted samples as a batch may hold.
 * @return their number; they come first in `places` */
static uint32_t choose(stage *self)
{
    const uint32_t number = ch_active_set_num_unfitted(self->active);
    const uint32_t most = number < self->student.setup.batch ? number : (uint32_t)self->student.setup.batch;
    const uint32_t count = 1 + ch_random_below(&self->random, most);
    ch_active_set_list(self->active, self->places);
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t other = k + ch_random_below(&self->random, number - k);
        const uint32_t place = self->places[other];
        self->places[other] = self->places[k];
        self->places[k] = place;
    }
    return count;
}

/* Updates by unfitted samples until none is left, and checks the active set after each update. */
static void update_and_check(stage *self, uint64_t most_updates, journey *met)
{
    ch_active_set *active = self->active;
    assert_knows_unfitted(self);
    for (uint64_t i = 0; i < most_updates && ch_active_set_num_unfitted(active) > 0; i++) {
        const size_t before = active->gram.count, recomputed = active->recomputed, rows = active->rows_added;
        const uint32_t count = choose(self);
        assert_true(ch_active_set_update(active, self->places, count));
        assert_knows_unfitted(self);
        met->updates++;
        met->grown += active->gram.count > before;
        met->shrunk += active->gram.count < before;
        met->decided += active->recomputed > recomputed;
        met->refreshed += active->rows_added < rows + count;
        met->several += count > 1;
    }
}

/* The active set begins at w = 0, where all samples are bounded and unfitted, or after 19 or 300 updates, where fewer
 * samples are. */
static void knows_the_unfitted(void **state)
{
    (void)state;
    static const uint64_t begins[] = {0, 19, 300};
    journey met = {0};
    for (size_t i = 0; i < NUM_POINTS; i += is_under_valgrind() ? 8 : 1) {
        for (size_t k = 0; k < 3; k++) {
            stage here;
            set_up(&here, &points[i], 50 + i, begins[k]);
            ch_active_set_begin(here.active);
            update_and_check(&here, is_under_valgrind() ? 30 : 600, &met);
            tear_down(&here);
        }
    }
    assert_true(met.updates > 0);
    if (!is_under_valgrind()) {
        assert_true(met.updates > 8000 && met.grown > 80 && met.shrunk > 40 && met.several > 1000);
        assert_true(met.decided > 10 && met.refreshed > 20);
    }
}

/* The unfitted samples are still found where each slack is off by nearly as much as its bound allows. */
static void errors_within_the_bound_do_no_harm(void **state)
{
    (void)state;
    size_t between = 0, refreshed = 0;
    const point at = {0, 16, 500, 2, 0.25, 0x1p-15, true, false};
    for (uint64_t updates = 1; updates < 400; updates += 23) {
        stage here;
        set_up(&here, &at, 31, updates);
        ch_active_set *active = here.active;
        ch_active_set_begin(active);
        const double quantum = ch_student_temperature(&here.student) * active->gram.quantum,
                     off = 0.2 / active->gram.quantum;
        active->error = off;
        for (size_t k = 0; k < active->gram.count && k < here.set.num_samples; k++) {
            const double slack = (exact_margin(active, k) - at.kappa) / quantum;
            active->slacks[k] = in_quanta(slack + (k % 2 == 0 ? 0.99 : -0.99) * off);
            between += fabs(slack) < 0.99 * off;
        }
        list_blocks(active);
        find_unfitted(active);
        assert_knows_unfitted(&here);
        /* The slacks are computed anew when more than a quarter as many margins were decided as samples are bounded.
         */
        const uint32_t each = active->recomputed;
        for (uint32_t i = 2; each > 0 && i * each <= active->gram.count / 4; i++) {
            list_blocks(active);
            find_unfitted(active);
            assert_int_equal(active->recomputed, i * each);
            assert_true(active->error == off);
        }
        if (each > 0) {
            list_blocks(active);
            find_unfitted(active);
            assert_true(active->recomputed == 0 && active->error < off);
            refreshed++;
        }
        assert_knows_unfitted(&here);
        tear_down(&here);
    }
    assert_true(between > 100 && refreshed > 5);
}

/* A sample whose margin equals kappa to the last bit is fitted. A sample whose margin is the next smaller double is
 * unfitted. */
static void margin_of_kappa_is_fitted(void **state)
{
    (void)state;
    skip_under_valgrind();
    const point at = {0, 16, 500, 2, 0.25, 0x1p-15, true, false};
    stage here;
    set_up(&here, &at, 31, 100);
    for (uint32_t mu = 0; mu < 500; mu++) {
        const double margin = ch_student_margin(&here.student, mu);
        for (uint32_t is_unfitted = 0; is_unfitted < 2 && margin > 0; is_unfitted++) {
            here.student.setup.kappa = is_unfitted ? nextafter(margin, INFINITY) : margin;
            ch_active_set_begin(here.active);
            assert_knows_unfitted(&here);
            uint32_t truly = is_unfitted;
            for (uint32_t nu = 0; nu < 500; nu++) {
                truly += ch_student_margin(&here.student, nu) < margin;
            }
            assert_int_equal(ch_active_set_num_unfitted(here.active), truly);
            free(here.active->gram.packed); /* ch_active_set_begin, which is called again below, allocates it anew */
            here.active->gram.packed = NULL;
            here.active->gram.num_packed = here.active->gram.most_packed = 0;
        }
    }
    tear_down(&here);
}

/* The bound that chooses the bounded samples has room for the rounding of keys. With a bound equal to the rounded key
 * of a sample, which leaves this sample out, the set must not accept a student for which the sample is unfitted. Each
 * set has one sample; about half of the keys are rounded up. */
static void bound_has_room_for_rounded_keys(void **state)
{
    (void)state;
    size_t rounded_up = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        const point at = {0, 12, 1, 1, 1, 0x1p-5, false, false};
        stage here;
        set_up(&here, &at, seed, 0);
        const float *row = ch_sample_set_row(&here.set, 0);
        const double along = (double)row[0], across = here.screen.least_across, noise = 3;
        const double key = (double)here.screen.keys[0];
        /* The sample is unfitted by 1e-9 of the size of its margin: the weights point against z_perp, so that v s -
         * |z_perp| r is just under kappa. */
        const double signal = (noise * across + at.kappa) / along * (1 - 1e-9);
        here.student.weights[0] = signal;
        for (size_t i = 1; i < here.set.dim; i++) {
            here.student.weights[i] = -noise * (double)row[i] / across;
        }
        assert_true(ch_is_unfitted(ch_student_margin(&here.student, 0), at.kappa));
        measure_student(here.active);
        here.active->bound = key;
        assert_int_equal(ch_screen_count(&here.screen, here.active->bound), 0);
        assert_false(is_within_bound(here.active));
        rounded_up += key > along / across * (1 + 1e-8);
        tear_down(&here);
    }
    assert_true(rounded_up > 50);
}

/* Margins that are far beyond the range of a slack stay on their side of kappa, however many rows are added. */
static void far_margins_stay_far(void **state)
{
    (void)state;
    const point at = {0, 16, 300, 300, 1e-9, 0.01, false, false};
    stage here;
    journey met = {0};
    set_up(&here, &at, 33, 3);
    ch_active_set_begin(here.active);
    size_t far = 0;
    for (size_t k = 0; k < here.set.num_samples; k++) {
        far += fabs((double)here.active->slacks[k]) >= MOST_SLACK;
    }
    assert_true(far > 200);
    /* each update adds up to 300 rows, so that all slacks are computed anew more than once */
    update_and_check(&here, 60, &met);
    assert_true(met.updates == 60 && met.refreshed > 1);
    tear_down(&here);
}

/* Where memory is short, rows of the Gram matrix are made again and samples are read from the set. No result changes by
 * it. */
static void short_memory_changes_nothing(void **state)
{
    (void)state;
    const uint64_t updates = is_under_valgrind() ? 20 : 200;
    for (size_t i = 0; i < NUM_POINTS; i += is_under_valgrind() ? 15 : 3) {
        stage roomy;
        journey met = {0};
        set_up(&roomy, &points[i], 50 + i, 30);
        ch_active_set_begin(roomy.active);
        update_and_check(&roomy, updates, &met);
        for (long k = 0; k < 4; k++) {
            stage narrow;
            set_up(&narrow, &points[i], 50 + i, 30);
            alloc_fail_at(k);
            ch_active_set_begin(narrow.active);
            alloc_fail_at(-1);
            assert_true((k < 3) == (narrow.active->gram.slab_size < roomy.active->gram.slab_size));
            assert_true((k == 3) == (narrow.active->gram.most_packed == 0));
            update_and_check(&narrow, updates, &met);
            assert_int_equal(roomy.active->gram.count, narrow.active->gram.count);
            assert_memory_equal(roomy.active->slacks, narrow.active->slacks,
                                roomy.active->gram.count * sizeof(int32_t));
            assert_memory_equal(roomy.student.weights, narrow.student.weights, roomy.set.stride * sizeof(double));
            tear_down(&narrow);
        }
        tear_down(&roomy);
    }
}

/* The least margin that a sample has in the cylinder of a list of near samples: at s_c, and R towards -z_perp. */
static double least_margin(const stage *self, uint32_t place)
{
    const ch_near *near = &self->active->near;
    const size_t stride = self->set.stride;
    const float *z = ch_gram_sample(&self->active->gram, place);
    const double *e = self->set.teacher;
    const double v = ch_dot(z, e, stride);
    double across2 = 0;
    for (size_t i = 0; i < stride; i++) {
        across2 += pow((double)z[i] - v * e[i], 2);
    }
    assert_true(v > 0);
    return ch_dot(z, near->centre, stride) - sqrt(near->radius2 * across2);
}

/* Late in a run slacks are kept of the near samples alone. All others are fitted wherever in the cylinder the student
 * is, also where the screening index rules none of them out; and the cylinder is no wider than it needs to be. */
static void far_samples_are_fitted_in_the_cylinder(void **state)
{
    (void)state;
    skip_under_valgrind();
    enum { UPDATES = 300 };
    const point at = {0, 48, 3000, 2, 0x1p-16, 0x1p-15, false, false};
    stage here;
    set_up(&here, &at, 71, 50);
    ch_active_set_begin(here.active);
    size_t lists = 0, left = 0, far = 0, close = 0;
    for (int round = 0; round < 60; round++) {
        ch_near *near = &here.active->near;
        near->reach = 2 + round % 5;
        choose_near(here.active);
        list_blocks(here.active);
        find_unfitted(here.active);
        for (int i = 0; i < UPDATES && ch_active_set_num_unfitted(here.active) > 0; i++) {
            const uint32_t count = choose(&here);
            assert_true(ch_active_set_update(here.active, here.places, count));
            if (near->age == 0) { /* the list was left */
                assert_knows_unfitted(&here);
            }
        }
        assert_knows_unfitted(&here);
        assert_tells_places(&here);
        lists += near->is_used;
        left += near->is_used && near->age < UPDATES;
        if (!near->is_used) {
            continue;
        }
        const double unit = ch_student_temperature(&here.student) * here.screen.most_norm * here.screen.most_norm;
        for (uint32_t place = 0, k = 0; place < here.set.num_samples; place++) {
            if (k < near->num && near->places[k] == place) {
                k++;
                continue;
            }
            const double least = least_margin(&here, place) - at.kappa;
            assert_true(least > 0);
            far++;
            close += least < 0.05 * unit;
        }
    }
    assert_true(lists > 15 && left > 10 && far > 10000 && close > 50);
    tear_down(&here);
}

/* A state that is written while there is a list of near samples has the slacks of all bounded samples. Who wrote it and
 * who reads it go on alike. A set that begins again has no list. */
static void state_has_all_slacks(void **state)
{
    (void)state;
    const point at = {0, 48, 3000, 2, 0x1p-16, 0x1p-15, false, false};
    stage one, two;
    set_up(&one, &at, 71, 4000);
    set_up(&two, &at, 71, 4000);
    ch_active_set_begin(one.active);
    one.active->near.reach = 2;
    choose_near(one.active);
    list_blocks(one.active);
    find_unfitted(one.active);
    assert_true(one.active->near.is_used && one.active->near.count < one.active->gram.count);
    ch_snapshot counter = ch_snapshot_counter();
    ch_active_set_exchange(one.active, &counter);
    uint8_t *bytes = malloc(counter.position);
    assert_non_null(bytes);
    ch_snapshot writer = ch_snapshot_writer(bytes, counter.position);
    ch_active_set_exchange(one.active, &writer);
    assert_true(ch_snapshot_is_whole(&writer) && !one.active->near.is_used);
    ch_snapshot reader = ch_snapshot_reader(bytes, counter.position);
    ch_active_set_exchange(two.active, &reader);
    assert_true(ch_snapshot_is_whole(&reader));
    for (int i = 0; i < 2; i++) {
        stage *here = i == 0 ? &one : &two;
        journey met = {0};
        update_and_check(here, is_under_valgrind() ? 5 : 100, &met);
    }
    assert_int_equal(one.active->gram.count, two.active->gram.count);
    assert_memory_equal(one.student.weights, two.student.weights, one.set.stride * sizeof(double));
    assert_memory_equal(one.active->slacks, two.active->slacks, one.active->gram.count * sizeof(int32_t));
    one.active->near.reach = 2;
    choose_near(one.active);
    assert_true(one.active->near.is_used);
    ch_active_set_begin(one.active);
    assert_false(one.active->near.is_used);
    assert_knows_unfitted(&one);
    free(bytes);
    tear_down(&one);
    tear_down(&two);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    skip_under_valgrind();
    const point at = {0, 40, 30000, 2, 0.25, 0x1p-15, false, false};
    stage one, two;
    set_up(&one, &at, 60, 50);
    set_up(&two, &at, 60, 50);
    two.student.setup.threads = 2;
    ch_active_set_begin(one.active);
    ch_active_set_begin(two.active);
    for (int i = 0; i < 5; i++) {
        const uint32_t place = ch_active_set_place(one.active, (uint32_t)i);
        assert_true(ch_active_set_update(one.active, &place, 1));
        assert_true(ch_active_set_update(two.active, &place, 1));
    }
    assert_int_equal(ch_threads_worth(2, one.active->gram.count, one.set.stride), 2);
    assert_memory_equal(one.active->slacks, two.active->slacks, one.active->gram.count * sizeof(int32_t));
    tear_down(&one);
    tear_down(&two);
}

/* Where margins are too many times T, double precision cannot tell them from kappa, and the set reports it. */
static void knows_when_it_cannot_tell(void **state)
{
    (void)state;
    point at = {0, 16, 300, 1, 1, 0x1p-15, false, false};
    for (int i = 0; i < 2; i++) {
        at.temp = i == 0 ? 1 : 1e-12;
        stage here;
        set_up(&here, &at, 34, 1);
        here.student.weights[0] = 100;
        assert_int_equal(ch_active_set_is_precise(here.active), i == 0);
        tear_down(&here);
    }
}

static void divergence_is_seen(void **state)
{
    (void)state;
    static const double broken[] = {INFINITY, -INFINITY, NAN, 1e200};
    const point at = {0, 8, 1000, 1, 1, 0x1p-15, false, false}; /* with 1000 samples the last block is not full */
    for (size_t i = 0; i < 8; i++) {
        stage here;
        set_up(&here, &at, 6, 300);
        ch_active_set_begin(here.active);
        const uint32_t place = ch_active_set_place(here.active, 0);
        here.student.weights[i / 4] = broken[i % 4]; /* components along and across the teacher */
        /* A signal may be that large, but its square overflows, and with it the square of the noise. */
        assert_int_equal(ch_active_set_update(here.active, &place, 1), i == 3);
        tear_down(&here);
    }
}

/* A kick that is measured leaves the weights of one that is not, to the bit, and measures what is there then. */
static void measured_kick_is_a_kick(void **state)
{
    (void)state;
    enum { MOST = 144 };
    ch_random random;
    ch_random_init(&random, 12, CH_STREAM_BOOTSTRAP, 0);
    for (size_t stride = CH_ROW_LANES; stride <= MOST; stride += CH_ROW_LANES) {
        double one[MOST], other[MOST], teacher[MOST], along = 0, square = 0;
        long double exact_along = 0, exact_square = 0;
        float row[MOST];
        for (size_t i = 0; i < stride; i++) {
            one[i] = other[i] = (double)ch_random_u32(&random) * 0x1p-31 - 1;
            teacher[i] = (double)ch_random_u32(&random) * 0x1p-31 - 1;
            row[i] = (float)ch_random_u32(&random) * 0x1p-31f - 1;
        }
        ch_axpy(one, 0.3, row, stride);
        ch_axpy_measured(other, 0.3, row, teacher, stride, &along, &square);
        assert_memory_equal(one, other, stride * sizeof *one);
        for (size_t i = 0; i < stride; i++) {
            exact_along += (long double)one[i] * (long double)teacher[i];
            exact_square += (long double)one[i] * (long double)one[i];
        }
        assert_in(along - (double)exact_along, -1e-15 * (double)stride, 1e-15 * (double)stride);
        assert_in(square / (double)exact_square, 1 - 1e-14, 1 + 1e-14);
    }
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    stage here;
    set_up(&here, &points[0], 50, 1);
    long k = 0;
    for (bool made = false; !made; k++) {
        alloc_fail_at(k);
        ch_active_set *other = ch_active_set_new(&here.student, &here.screen);
        alloc_fail_at(-1);
        made = other != NULL;
        ch_active_set_free(other);
    }
    assert_int_equal(k, 15 + 1);
    ch_active_set_free(NULL);
    tear_down(&here);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_unfitted),
        cmocka_unit_test(errors_within_the_bound_do_no_harm),
        cmocka_unit_test(margin_of_kappa_is_fitted),
        cmocka_unit_test(bound_has_room_for_rounded_keys),
        cmocka_unit_test(far_margins_stay_far),
        cmocka_unit_test(short_memory_changes_nothing),
        cmocka_unit_test(far_samples_are_fitted_in_the_cylinder),
        cmocka_unit_test(state_has_all_slacks),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(knows_when_it_cannot_tell),
        cmocka_unit_test(divergence_is_seen),
        cmocka_unit_test(measured_kick_is_a_kick),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("active", tests, NULL, NULL);
}
