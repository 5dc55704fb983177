/* test_candidates.c — a list of candidates has every sample that can be unfitted. */
#include "perceptron/candidates.c" /* its static parts are tested too */

#include "core/memory.h"
#include "tests/alloc_fail.h"
#include "tests/fast_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

/* A student, and the list of candidates while it moves. */
typedef struct {
    ch_sample_set set;
    ch_screen screen;
    ch_perceptron student;
    ch_candidates candidates;
    ch_random random;
} stage;

static void set_up(stage *self, const point *at, uint64_t seed, uint64_t updates)
{
    self->set = draw(at->chi, at->dim, at->random_teacher, seed, at->num_samples);
    const ch_perceptron_setup setup = setup_at(at, &self->set);
    assert_int_equal(ch_screen_init(&self->screen, &self->set, NULL, NULL), CH_OK);
    assert_int_equal(ch_perceptron_init(&self->student, &setup, NULL), CH_OK);
    assert_int_equal(ch_candidates_init(&self->candidates, &self->student, &self->screen, NULL), CH_OK);
    ch_random_init(&self->random, seed, CH_STREAM_BOOTSTRAP, 0);
    self->student.learner.advance(&self->student.learner, &(ch_limit){.steps = UINT64_MAX, .updates = updates});
}

static void tear_down(stage *self)
{
    ch_candidates_free(&self->candidates);
    ch_candidates_free(&self->candidates);
    ch_perceptron_free(&self->student);
    ch_screen_free(&self->screen);
    ch_sample_set_free(&self->set);
}

static uint32_t find_unfitted(stage *self, uint32_t *unfitted)
{
    ch_quantised_weights rounded;
    assert_true(ch_quantised_weights_init(&rounded, self->student.stride));
    ch_quantised_weights_set(&rounded, self->screen.quantised, self->student.weights, self->set.teacher,
                             self->student.setup.kappa);
    const uint32_t number = ch_candidates_find_unfitted(&self->candidates, &rounded, unfitted);
    ch_quantised_weights_free(&rounded);
    return number;
}

static bool is_candidate(const ch_candidates *self, uint32_t sample)
{
    bool found = self->list == NULL;
    for (uint32_t k = 0; k < self->count && !found; k++) {
        found = self->list[k] == sample;
    }
    return found;
}

/* Requires that each unfitted sample is a candidate.
 * @return the number of unfitted samples */
static size_t assert_unfitted_are_candidates(const stage *self)
{
    size_t unfitted = 0;
    for (uint32_t mu = 0; mu < self->set.num_samples; mu++) {
        if (ch_is_unfitted(ch_student_margin(&self->student, mu), self->student.setup.kappa)) {
            assert_true(is_candidate(&self->candidates, mu));
            unfitted++;
        }
    }
    return unfitted;
}

/* w <- w + length times a direction, which is random, or at worst that of -z of one sample. */
static void displace(stage *self, double length, bool worst)
{
    const gsl_rng gsl = ch_random_gsl(&self->random);
    const uint32_t sample = ch_random_below(&self->random, (uint32_t)self->set.num_samples);
    double direction[64] = {0}, square = 0;
    for (size_t i = 0; i < self->set.dim; i++) {
        direction[i] = worst ? -(double)ch_sample_set_row(&self->set, sample)[i] : gsl_rng_uniform(&gsl) - 0.5;
        square += direction[i] * direction[i];
    }
    for (size_t i = 0; i < self->set.dim; i++) {
        self->student.weights[i] += length * direction[i] / sqrt(square);
    }
}

static void screening_leaves_none_out(void **state)
{
    (void)state;
    size_t shorter = 0, unfitted = 0, gone = 0;
    for (size_t i = 0; i < NUM_POINTS; i += is_under_valgrind() ? 8 : 1) {
        for (uint64_t updates = 0; updates < 700; updates += 200) {
            stage here;
            set_up(&here, &points[i], 10 + i, updates);
            ch_candidates_screen(&here.candidates, updates % 400 == 0);
            shorter += here.candidates.list != NULL;
            for (int trial = 0; trial < 20; trial++) {
                displace(&here, points[i].temp, trial % 2 == 0);
                if (ch_candidates_hold(&here.candidates)) {
                    unfitted += assert_unfitted_are_candidates(&here);
                } else {
                    ch_candidates_screen(&here.candidates, false);
                    gone++;
                }
            }
            tear_down(&here);
        }
    }
    assert_true(is_under_valgrind() || (shorter > 10 && unfitted > 10000 && gone > 10));
}

/* Wherever the student goes, no sample outside the list is unfitted while the list is valid. The list is valid within
 * its radius. */
static void radius_leaves_none_out(void **state)
{
    (void)state;
    skip_under_valgrind();
    size_t narrowed = 0, unfitted = 0, gone = 0;
    for (size_t i = 0; i < NUM_POINTS; i++) {
        for (uint64_t updates = 100; updates < 700; updates += 200) {
            stage here;
            set_up(&here, &points[i], 10 + i, updates);
            ch_candidates_set_reference(&here.candidates);
            displace(&here, points[i].temp, false);
            /* Drawing is expensive and computing all margins is cheap, so that any shorter list is worth making. */
            const ch_candidates_use use = {.updates = 100, .draws = 100, .draw_cost = 1e6, .look_cost = 1e-3};
            const bool is_narrow = ch_candidates_narrow(&here.candidates, &use);
            narrowed += is_narrow;
            unfitted += assert_unfitted_are_candidates(&here);
            double *reference = ch_alloc(here.student.stride, sizeof *reference);
            memcpy(reference, here.student.weights, here.student.stride * sizeof *reference);
            for (int trial = 0; trial < 40 && is_narrow; trial++) {
                memcpy(here.student.weights, reference, here.student.stride * sizeof *reference);
                const double length = here.candidates.radius * (trial < 30 ? 1 - 1e-6 : 1 + 1e-6);
                displace(&here, length, trial % 2 == 0);
                const bool holds = ch_candidates_hold(&here.candidates);
                assert_true(holds || trial >= 30 || here.candidates.bound < INFINITY);
                assert_true(!holds || trial < 30);
                unfitted += holds ? assert_unfitted_are_candidates(&here) : 0;
                gone += !holds;
            }
            free(reference);
            tear_down(&here);
        }
    }
    assert_true(narrowed > 20 && unfitted > 10000 && gone > 100);
}

/* A list by distance has room for the rounding of margins. Where the radius is 1e-12 of |w|, a margin that is over
 * kappa by a little more than the radius may be under it by rounding once the student has moved. So all samples with m
 * - kappa <= radius max |z| + 2 2^-53 (stride / 16 + 8) |w| max |z| must be in the list. Twenty equal samples have a
 * margin in that range, at one kappa after the other; the other samples are far over kappa. */
static void list_has_room_for_rounded_margins(void **state)
{
    (void)state;
    const point at = {0, 40, 400, 2, 1, 0x1p-15, false, false};
    size_t between = 0, listed = 0, left_out = 0;
    for (int step = 0; step < 60; step++) {
        stage here;
        set_up(&here, &at, 71, 0);
        float *rows = here.set.rows;
        for (uint32_t mu = 0; mu < 200; mu++) {
            float *row = rows + mu * here.set.stride;
            memmove(row, rows, here.set.stride * sizeof *rows);
            row[0] = mu < 20 ? 0x1p-10f : 0x1.1p-10f;
        }
        ch_screen_free(&here.screen);
        assert_int_equal(ch_screen_init(&here.screen, &here.set, NULL, NULL), CH_OK);
        memset(here.student.weights, 0, here.student.stride * sizeof *here.student.weights);
        here.student.weights[0] = 1e6;
        here.student.setup.kappa = 1; /* all samples are then far over kappa */
        ch_candidates_set_reference(&here.candidates);
        displace(&here, 1e-6, false);
        const double moved = distance(&here.candidates), norm = here.screen.most_norm;
        /* Drawing is expensive, so that a radius with few candidates is chosen, and the first radius, moved / 2^8,
         * where that has none. */
        const ch_candidates_use use = {.updates = 1e9, .draws = 1e12, .draw_cost = 1e6, .look_cost = 1e-3};
        const double room = 0x1p-52 * ((double)here.student.stride / 16 + 8) * 1e6 * norm;
        /* m - kappa goes from 0 to 1.5 times the range at the first radius. */
        here.student.setup.kappa = ch_student_margin(&here.student, 0) - (0x1p-8 * moved * norm + room) * step / 40;
        assert_true(ch_candidates_narrow(&here.candidates, &use));
        const double excess = ch_student_margin(&here.student, 0) - here.student.setup.kappa;
        const double within = here.candidates.radius * norm;
        if (excess <= within + room) {
            assert_true(is_candidate(&here.candidates, 0) && is_candidate(&here.candidates, 19));
            between += excess > within * 1.001;
            listed++;
        } else {
            left_out += !is_candidate(&here.candidates, 0);
        }
        tear_down(&here);
    }
    assert_true(between > 10 && listed > 20 && left_out > 5);
}

/* A sample whose margin equals kappa to the last bit is fitted. A sample whose margin is the next smaller double is
 * unfitted. */
static void margin_of_kappa_is_fitted(void **state)
{
    (void)state;
    skip_under_valgrind();
    stage here;
    uint32_t unfitted[512];
    set_up(&here, &points[2], 10, 100);
    for (uint32_t mu = 0; mu < 512; mu++) {
        const double margin = ch_student_margin(&here.student, mu);
        uint32_t under = 0;
        for (uint32_t nu = 0; nu < 512; nu++) {
            under += ch_student_margin(&here.student, nu) < margin;
        }
        for (uint32_t is_unfitted = 0; is_unfitted < 2 && margin > 0; is_unfitted++) {
            here.student.setup.kappa = is_unfitted ? nextafter(margin, INFINITY) : margin;
            assert_int_equal(find_unfitted(&here, unfitted), under + is_unfitted);
        }
    }
    tear_down(&here);
}

/* The chosen radius is the one of least cost, as a comparison of all radii says. */
static void best_radius_is_the_cheapest(void **state)
{
    (void)state;
    const uint32_t counts[OCTAVES] = {100, 20, 40, 80, 160, 320, 640, 1280, 2560};
    const double first = 0x1p-4;
    for (int k = 0; k < 40; k++) {
        const ch_candidates_use use = {
            .updates = 1000, .draws = pow(2, k % 8), .draw_cost = 4, .look_cost = pow(2, k / 8)};
        const uint32_t screened = 5200;
        int which = OCTAVES;
        double best = WORTH_LIST * use.draws / use.updates * use.draw_cost * screened, listed = 0;
        for (int i = 0; i < OCTAVES - 1; i++) {
            const double times = first * pow(2, i);
            const double lasts = fmax(times < 1 ? 1000 * times * times : 1000 * times, 1);
            listed += counts[i];
            const double cost = use.draws / use.updates * use.draw_cost * listed + screened * use.look_cost / lasts;
            which = cost < best ? i : which;
            best = fmin(best, cost);
        }
        assert_int_equal(best_octave(counts, screened, first, &use), which);
    }
}

static void octaves_cover_all_distances(void **state)
{
    (void)state;
    static const double unit = 0.3;
    const double excess[] = {-INFINITY, -1, 0, 0.29, 0.31, 1, 100, 1e10, 1e30, INFINITY, NAN};
    for (size_t i = 0; i < sizeof excess / sizeof *excess; i++) {
        const int which = octave(excess[i], unit);
        assert_true(which >= 0 && which < OCTAVES);
        assert_true(which == OCTAVES - 1 || !(excess[i] > unit * pow(2, which)));
        assert_true(which == 0 || excess[i] > unit * pow(2, which - 1) * (1 - 1e-12));
    }
}

static void looks_find_the_unfitted(void **state)
{
    (void)state;
    uint32_t unfitted[1024];
    size_t seen = 0;
    for (size_t i = 0; i < NUM_POINTS; i += is_under_valgrind() ? 8 : 1) {
        for (uint64_t updates = 0; updates < 700; updates += 200) {
            stage here;
            set_up(&here, &points[i], 30 + i, updates);
            ch_candidates_screen(&here.candidates, false);
            const size_t truly = assert_unfitted_are_candidates(&here);
            const uint32_t number = find_unfitted(&here, unfitted);
            assert_int_equal(number, truly);
            for (uint32_t k = 0; k < number; k++) {
                assert_true(ch_is_unfitted(ch_student_margin(&here.student, unfitted[k]), here.student.setup.kappa));
                assert_true(k == 0 || unfitted[k] > unfitted[k - 1]); /* in the order of memory */
            }
            assert_int_equal(assert_unfitted_are_candidates(&here), truly);
            seen += number;
            tear_down(&here);
        }
    }
    assert_true(seen > 0 && (is_under_valgrind() || seen > 1000));
}

/* A list in memory of its own has the same candidates. */
static void own_list_is_the_same(void **state)
{
    (void)state;
    stage here;
    set_up(&here, &points[0], 50, 600);
    const uint32_t all = here.candidates.count;
    assert_null(here.candidates.list);
    const uint32_t *own = ch_candidates_own_list(&here.candidates);
    for (uint32_t k = 0; k < all; k++) {
        assert_int_equal(own[k], k);
    }
    ch_candidates_screen(&here.candidates, false);
    assert_non_null(here.candidates.list);
    own = ch_candidates_own_list(&here.candidates);
    assert_memory_equal(own, here.screen.order, here.candidates.count * sizeof *own);
    assert_ptr_equal(own, here.candidates.list);
    tear_down(&here);
}

/* With weights that are not finite, no list is valid and none is made. */
static void broken_weights_leave_all(void **state)
{
    (void)state;
    static const double broken[] = {INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < 3; i++) {
        stage here;
        set_up(&here, &points[0], 50, 600);
        ch_candidates_screen(&here.candidates, false);
        here.student.weights[1] = broken[i];
        assert_false(ch_candidates_hold(&here.candidates));
        ch_candidates_screen(&here.candidates, false);
        assert_int_equal(here.candidates.count, here.set.num_samples);
        const ch_candidates_use use = {.updates = 100, .draws = 100, .draw_cost = 1e6, .look_cost = 1e-3};
        assert_false(ch_candidates_narrow(&here.candidates, &use));
        tear_down(&here);
    }
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
    uint32_t *unfitted = ch_alloc(30000, sizeof *unfitted);
    const uint32_t number = find_unfitted(&one, unfitted);
    assert_int_equal(find_unfitted(&two, unfitted), number);
    assert_memory_equal(one.candidates.excess, two.candidates.excess, 30000 * sizeof(float));
    free(unfitted);
    tear_down(&one);
    tear_down(&two);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    stage here;
    set_up(&here, &points[0], 50, 1);
    ch_candidates other;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_candidates_init(&other, &here.student, &here.screen, &err), err,
                             ch_candidates_free(&other));
    assert_int_equal(failed, 4);
    ch_candidates_free(&other);
    tear_down(&here);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_has_room_for_rounded_margins), cmocka_unit_test(margin_of_kappa_is_fitted),
        cmocka_unit_test(screening_leaves_none_out),         cmocka_unit_test(radius_leaves_none_out),
        cmocka_unit_test(best_radius_is_the_cheapest),       cmocka_unit_test(octaves_cover_all_distances),
        cmocka_unit_test(looks_find_the_unfitted),           cmocka_unit_test(own_list_is_the_same),
        cmocka_unit_test(broken_weights_leave_all),          cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("candidates", tests, NULL, NULL);
}
