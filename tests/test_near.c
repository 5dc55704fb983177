/* test_near.c — samples that are not near stay fitted wherever in the cylinder the student is. */
#include "perceptron/near.c" /* its static parts are tested too */

#include "perceptron/student.h"
#include "tests/alloc_fail.h"
#include "tests/fast_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

/* A set of samples with a student, and the cylinder that is chosen for it. */
typedef struct {
    ch_sample_set set;
    ch_screen screen;
    ch_gram gram;
    ch_near near;
    double *weights;
    double signal;
    ch_random random;
} stage;

enum { SAMPLES = 600 };

static double normal(ch_random *random)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += (double)ch_random_u32(random) * 0x1p-32;
    }
    return sum;
}

/* A student with weights s e + r n, where n has normal entries. One in `flipped` samples, if that is over 0, is turned
 * to -z, so that its v is under 0. */
static void set_up(stage *self, size_t dim, bool random_teacher, uint64_t seed, double signal, double noise,
                   size_t flipped)
{
    self->set = draw(0, dim, random_teacher, seed, SAMPLES);
    const size_t stride = self->set.stride;
    for (size_t mu = 0; flipped > 0 && mu < SAMPLES; mu += flipped) {
        float *row = self->set.rows + mu * stride;
        for (size_t i = 0; i < stride; i++) {
            row[i] = -row[i];
        }
    }
    assert_int_equal(ch_screen_init(&self->screen, &self->set, NULL, NULL), CH_OK);
    assert_true(ch_gram_init(&self->gram, &self->set, &self->screen, 1));
    ch_gram_make_room(&self->gram);
    assert_true(ch_near_init(&self->near, &self->set));
    ch_near_reset(&self->near);
    ch_random_init(&self->random, seed, CH_STREAM_BOOTSTRAP, 0);
    self->weights = ch_alloc(stride, sizeof *self->weights);
    for (size_t i = 0; i < dim; i++) {
        self->weights[i] = signal * self->set.teacher[i] + noise * normal(&self->random);
    }
    self->signal = ch_dot_wide(self->weights, self->set.teacher, stride);
}

static void tear_down(stage *self)
{
    ch_near_free(&self->near);
    ch_gram_free(&self->gram);
    ch_screen_free(&self->screen);
    ch_sample_set_free(&self->set);
    free(self->weights);
}

/* Chooses a cylinder of radius reach x unit around the present weights, unit = T max |z|, from all samples. */
static void choose(stage *self, double unit, double reach, double kappa)
{
    ch_near_reset(&self->near);
    self->near.reach = reach;
    ch_gram_set_count(&self->gram, ch_gram_to_block(SAMPLES));
    ch_near_choose(&self->near, &self->gram, self->weights, self->signal, unit / self->screen.most_norm, kappa);
}

static bool is_near(const ch_near *self, uint32_t place)
{
    for (size_t k = 0; k < self->num; k++) {
        if (self->places[k] == place) {
            return true;
        }
    }
    return false;
}

/* The least margin of a sample where s is `signal` and w_perp is R away from c_perp: v s + z_perp . c_perp - R
 * |z_perp|, in long double. */
static double least_margin(const stage *self, uint32_t place, double signal, double *across)
{
    const float *z = ch_gram_sample(&self->gram, place);
    long double v = 0, along = 0, product = 0, square = 0;
    for (size_t i = 0; i < self->set.dim; i++) {
        const long double e = (long double)self->set.teacher[i], c = (long double)self->near.centre[i];
        v += (long double)z[i] * e;
        along += c * e;
        product += (long double)z[i] * c;
        square += (long double)z[i] * (long double)z[i];
    }
    *across = (double)sqrtl(square - v * v);
    return (double)(product + v * ((long double)signal - along)) - sqrt(self->near.radius2) * *across;
}

/* At both ends of the signal, at which w_perp has been large or small against R, all samples that are not near are
 * fitted, also those with v < 0, of which some would be unfitted at the upper end if they were not near. Some far
 * samples are only just fitted, so that the list is not much longer than it has to be. */
static void far_samples_are_fitted(void **state)
{
    (void)state;
    size_t lists = 0, far = 0, close = 0, turned = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        stage here;
        set_up(&here, seed % 2 == 0 ? 20 : 48, true, seed, 3, seed < 20 ? 1 : 0.01, seed % 4 < 2 ? 9 : 0);
        const double kappa = 0.2;
        choose(&here, 0.02, (seed < 20 ? 2 : 10) + (double)(seed % 5), kappa);
        const ch_near *near = &here.near;
        lists += near->is_used;
        for (uint32_t place = 0; place < SAMPLES && near->is_used; place++) {
            double across = 0;
            const double least = least_margin(&here, place, near->signal, &across),
                         most = least_margin(&here, place, near->most_signal, &across);
            if (is_near(near, place)) {
                turned += least > kappa && most < kappa;
                continue;
            }
            assert_true(least > kappa && most > kappa);
            far++;
            close += least < kappa + 0.3 * sqrt(near->radius2) * across;
        }
        tear_down(&here);
    }
    assert_true(lists > 35 && far > 8000 && close > 400 && turned > 20);
}

/* Draws a vector of length 1 across the teacher. */
static void draw_across(stage *self, double *across)
{
    const size_t stride = self->set.stride;
    for (size_t i = 0; i < self->set.dim; i++) {
        across[i] = normal(&self->random);
    }
    const double along = ch_dot_wide(across, self->set.teacher, stride);
    const double length = sqrt(ch_norm2_across(across, along, self->set.teacher, stride));
    for (size_t i = 0; i < stride; i++) {
        across[i] = (across[i] - along * self->set.teacher[i]) / length;
    }
}

/* A student is in the cylinder from s_c to 2 s_0 and up to R across the teacher, and no further. */
static void cylinder_ends_where_it_should(void **state)
{
    (void)state;
    stage here;
    const double unit = 0.02;
    set_up(&here, 40, true, 3, 3, 1, 0);
    choose(&here, unit, 4, 0.2);
    ch_near *near = &here.near;
    assert_true(near->is_used);
    assert_in(here.signal - near->signal, 1.9 * unit, 2.1 * unit);
    assert_in(sqrt(near->radius2), 4 * unit * (1 - 1e-9), 4 * unit * (1 + 1e-9));
    const double radius = sqrt(near->radius2);
    static const double ends[][3] = {
        /* s - s_c and the distance across, in units of the cylinder's; whether that is in it */
        {0.01, 0.99, 1}, {0.99, 0.99, 1}, {-0.01, 0, 0}, {1.01, 0, 0}, {0.01, 1.01, 0}, {0.99, 1.01, 0},
    };
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        const size_t stride = here.set.stride;
        const double rise = ends[k][0] * (near->most_signal - near->signal);
        double *across = ch_alloc(stride, sizeof *across), *there = ch_alloc(stride, sizeof *there);
        draw_across(&here, across);
        for (size_t i = 0; i < stride; i++) {
            there[i] = near->centre[i] + rise * here.set.teacher[i] + ends[k][1] * radius * across[i];
        }
        const double signal = ch_dot_wide(there, here.set.teacher, stride);
        assert_int_equal(ch_near_is_due(near, there, signal, stride), ends[k][2] == 0);
        free(across);
        free(there);
    }
    tear_down(&here);
}

/* Far along the teacher, the distance across it is a small difference of two large squares. It is not taken as smaller
 * than it is. */
static void distance_has_room_for_rounding(void **state)
{
    (void)state;
    skip_under_valgrind(); /* it computes long double with the digits of double */
    size_t over = 0, within = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        stage here;
        set_up(&here, 24, true, seed, 1, 1e-7, 0);
        choose(&here, 0x1p-24, 8, 0.01);
        const ch_near *near = &here.near;
        const size_t stride = here.set.stride;
        double *there = ch_alloc(stride, sizeof *there), *across_teacher = ch_alloc(stride, sizeof *across_teacher);
        draw_across(&here, across_teacher);
        const double size = sqrt(near->radius2) * (seed % 2 == 0 ? 1.00001 : 0.5);
        for (size_t i = 0; i < stride; i++) {
            there[i] = near->centre[i] + 0.5 * here.set.teacher[i] + size * across_teacher[i];
        }
        long double along = 0, square = 0, teacher = 0;
        for (size_t i = 0; i < stride; i++) {
            const long double e = (long double)here.set.teacher[i],
                              move = (long double)there[i] - (long double)near->centre[i];
            along += move * e;
            square += move * move;
            teacher += e * e;
        }
        const double across = (double)sqrtl(square - along * along / teacher), radius = sqrt(near->radius2);
        const double signal = ch_dot_wide(there, here.set.teacher, stride);
        const bool is_in = ch_near_contains(near, there, signal, stride);
        assert_true(across <= radius * (1 + 1e-9) || !is_in);
        over += across > radius;
        within += is_in;
        free(there);
        free(across_teacher);
        tear_down(&here);
    }
    assert_true(over == 100 && within == 100);
}

/* Where T is so small that margins are rounded by as much as an update changes them, samples that are not near are
 * fitted by their rounded margins too. kappa is such that a sample would be only just far without room for rounding,
 * and the student is where its margin is least. */
static void list_has_room_for_rounding(void **state)
{
    (void)state;
    skip_under_valgrind();
    stage here;
    set_up(&here, 24, false, 5, 3, 0.2, 0);
    const double unit = 0x1p-52, reach = 4;
    choose(&here, unit, reach, 0.1);
    const size_t stride = here.set.stride;
    const double radius = sqrt(here.near.radius2);
    double *centre = ch_alloc(stride, sizeof *centre), *there = ch_alloc(stride, sizeof *there);
    memcpy(centre, here.near.centre, stride * sizeof *centre);
    size_t within = 0, just = 0;
    for (uint32_t place = 0; place < SAMPLES; place++) {
        const float *z = ch_gram_sample(&here.gram, place);
        const double kappa = (ch_dot(z, centre, stride) - radius * most_length(z, stride)) * (1 - 0x1p-52);
        choose(&here, unit, reach, kappa);
        if (!here.near.is_used) {
            continue;
        }
        assert_memory_equal(centre, here.near.centre, stride * sizeof *centre);
        just += is_near(&here.near, place);
        const double v = ch_dot(z, here.set.teacher, stride), length = most_length(z, stride);
        for (size_t i = 0; i < stride; i++) {
            there[i] = centre[i] - 0.97 * radius * ((double)z[i] - v * here.set.teacher[i]) / length;
        }
        const double signal = ch_dot_wide(there, here.set.teacher, stride);
        if (!ch_near_contains(&here.near, there, signal, stride)) {
            continue;
        }
        within++;
        for (uint32_t other = 0; other < SAMPLES; other++) {
            const double margin = ch_dot(ch_gram_sample(&here.gram, other), there, stride);
            assert_true(!ch_is_unfitted(margin, kappa) || is_near(&here.near, other));
        }
    }
    assert_true(within > 50 && just > 50);
    free(centre);
    free(there);
    tear_down(&here);
}

/* The length of a row is never taken as shorter than it is. */
static void lengths_are_bounds(void **state)
{
    (void)state;
    stage here;
    set_up(&here, 130, true, 7, 1, 1, 0);
    for (uint32_t place = 0; place < SAMPLES; place++) {
        const float *z = ch_gram_sample(&here.gram, place);
        long double square = 0;
        for (size_t i = 0; i < here.set.dim; i++) {
            square += (long double)z[i] * (long double)z[i];
        }
        const double length = (double)sqrtl(square);
        assert_in(most_length(z, here.set.stride) / length, 1, 1 + 1e-5);
    }
    tear_down(&here);
}

/* Rows of a list are those of the Gram matrix without the other samples, also after the slab was full. A list is used
 * only where there is memory for rows. */
static void rows_are_parts_of_rows(void **state)
{
    (void)state;
    stage here;
    set_up(&here, 20, true, 4, 3, 1, 0);
    for (long k = 0; k < 2; k++) {
        alloc_fail_at(k);
        choose(&here, 0.01, 2, 0.2);
        alloc_fail_at(-1);
        assert_true(!here.near.is_used && here.near.slab_size == 0);
    }
    choose(&here, 0.01, 2, 0.2);
    ch_near *near = &here.near;
    assert_true(near->is_used && near->num % CH_GRAM_BLOCK != 0);
    near->slab_size = 20 * near->count;
    for (uint32_t i = 0; i < 3 * SAMPLES; i++) {
        const uint32_t place = ch_random_below(&here.random, SAMPLES);
        const int32_t *row = ch_near_row(near, &here.gram, place), *whole = ch_gram_row(&here.gram, place);
        assert_true(near->num_rows * near->count <= near->slab_size);
        for (size_t k = 0; k < near->count; k++) {
            assert_int_equal(row[k], k < near->num ? whole[near->places[k]] : 0);
        }
    }
    tear_down(&here);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(far_samples_are_fitted),
        cmocka_unit_test(cylinder_ends_where_it_should),
        cmocka_unit_test(distance_has_room_for_rounding),
        cmocka_unit_test(list_has_room_for_rounding),
        cmocka_unit_test(lengths_are_bounds),
        cmocka_unit_test(rows_are_parts_of_rows),
    };
    return cmocka_run_group_tests_name("near", tests, NULL, NULL);
}
