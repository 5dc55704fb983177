/* test_linear.c — weighted linear least squares: against GSL's own, with dependent columns, and without allocations. */
#include "fit/laws/linear.h"
#include "tests/alloc_fail.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

enum { MOST_ROWS = 40 };

typedef struct {
    gsl_matrix *design, *covariance;
    gsl_vector *weights, *y, *factors, *expected;
} problem;

static problem make_problem(gsl_rng *rng, size_t n, size_t p)
{
    problem self = {gsl_matrix_alloc(n, p), gsl_matrix_alloc(p, p), gsl_vector_alloc(n),
                    gsl_vector_alloc(n),    gsl_vector_alloc(p),    gsl_vector_alloc(p)};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < p; k++) { /* columns of sizes 1, 1000, 10^6 */
            gsl_matrix_set(self.design, i, k, pow(1000, (double)k) * (gsl_ran_gaussian(rng, 1) + (k == 0 ? 3 : 0)));
        }
        gsl_vector_set(self.weights, i, i % 7 == 3 ? 0 : gsl_ran_exponential(rng, 1));
        gsl_vector_set(self.y, i, gsl_ran_gaussian(rng, 1));
    }
    return self;
}

static void free_problem(problem *self)
{
    gsl_matrix_free(self->design);
    gsl_matrix_free(self->covariance);
    gsl_vector_free(self->weights);
    gsl_vector_free(self->y);
    gsl_vector_free(self->factors);
    gsl_vector_free(self->expected);
}

static void test_against_gsl(void **state)
{
    (void)state;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ch_linear space;
    assert_int_equal(ch_linear_init(&space, MOST_ROWS, NULL), CH_OK);
    for (size_t n = 3; n <= MOST_ROWS; n += n < 10 ? 1 : 10) {
        for (size_t p = 1; p <= CH_LINEAR_COLUMNS; p++) {
            problem at = make_problem(rng, n, p);
            gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(n, p);
            double squares = NAN;
            size_t rank = 0;
            assert_int_equal(gsl_multifit_wlinear_tsvd(at.design, at.weights, at.y, 1e-8, at.expected, at.covariance,
                                                       &squares, &rank, work),
                             0);
            alloc_fail_at(0); /* neither function allocates */
            assert_true(ch_linear_decompose(&space, at.design, at.weights, 1e-8));
            const double found = ch_linear_solve(&space, at.y, at.factors);
            assert_int_equal(alloc_count(), 0);
            alloc_fail_at(-1);
            assert_int_equal(space.rank, rank);
            assert_in(found, squares - 1e-12 * (double)n, squares + 1e-12 * (double)n);
            for (size_t k = 0; k < p; k++) {
                assert_close(gsl_vector_get(at.factors, k), gsl_vector_get(at.expected, k), 1e-9);
                assert_close(ch_linear_variance(&space, k), gsl_matrix_get(at.covariance, k, k), 1e-9);
            }
            gsl_multifit_linear_free(work);
            free_problem(&at);
        }
    }
    ch_linear_free(&space);
    ch_linear_free(&space);
    gsl_rng_free(rng);
}

/* y = 2 + x is met exactly; a third column that repeats the second shares its factor; too few rows are refused. */
static void test_dependent_columns(void **state)
{
    (void)state;
    double x[] = {1, 0, 0, 1, 1, 1, 1, 2, 2, 1, 3, 3}, ones[] = {1, 1, 1, 1}, y[] = {2, 3, 4, 5}, factors[3];
    gsl_matrix_view design = gsl_matrix_view_array(x, 4, 3);
    gsl_vector_view weights = gsl_vector_view_array(ones, 4), values = gsl_vector_view_array(y, 4);
    gsl_vector_view found = gsl_vector_view_array(factors, 3);
    ch_linear space;
    assert_int_equal(ch_linear_init(&space, 4, NULL), CH_OK);
    assert_true(ch_linear_decompose(&space, &design.matrix, &weights.vector, 1e-8));
    assert_int_equal(space.rank, 2);
    assert_in(ch_linear_solve(&space, &values.vector, &found.vector), 0, 1e-28);
    assert_close(factors[0], 2, 1e-14);
    assert_close(factors[1], 0.5, 1e-14);
    assert_close(factors[2], 0.5, 1e-14);
    gsl_matrix_view few = gsl_matrix_view_array(x, 2, 3);
    gsl_vector_view two = gsl_vector_view_array(ones, 2);
    assert_false(ch_linear_decompose(&space, &few.matrix, &two.vector, 1e-8));
    x[0] = NAN;
    assert_true(!ch_linear_decompose(&space, &design.matrix, &weights.vector, 1e-8) || space.rank < 3);
    ch_linear_free(&space);
}

static void test_memory(void **state)
{
    (void)state;
    long failed = 0;
    ch_error err;
    ch_linear space;
    assert_failures_are_told(failed, ch_linear_init(&space, 10, &err), err, ch_linear_free(&space));
    assert_int_equal(failed, 3);
    ch_linear_free(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_gsl), cmocka_unit_test(test_dependent_columns),
                                       cmocka_unit_test(test_memory)};
    gsl_set_error_handler_off();
    return cmocka_run_group_tests_name("linear least squares", tests, NULL, NULL);
}
