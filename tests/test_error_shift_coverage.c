/* test_error_shift_coverage.c — 95 % intervals of T_c by the test error, and of its law over P, hold the truth. */
#include "tests/error_plant.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

enum { NUM_TABLES = 400 };

/* Probability of each tail of the binomial law of the number of tables whose interval has the truth in it. An assertion
 * of coverage fails falsely for 2e-5 of seeds, and one of the twelve of this program for 2e-4. The intervals of few
 * data sets may cover 93 to 97 %: the tails are those of these shares. */
static const double tail = 1e-5, least_share = 0.93, most_share = 0.97;

typedef struct {
    const char *what;
    double truth;
    bool is_log;
    unsigned found, held;
    double sum, squares, error; /* of value - truth, and of the errors */
} tally;

static void count(tally *self, const ch_estimate *estimate)
{
    if (!isfinite(estimate->lo)) {
        return;
    }
    const double value = self->is_log ? log(estimate->value) : estimate->value;
    const double lo = self->is_log ? log(estimate->lo) : estimate->lo;
    const double hi = self->is_log ? log(estimate->hi) : estimate->hi;
    self->found++;
    self->held += lo <= self->truth && self->truth <= hi;
    self->sum += value - self->truth;
    self->squares += (value - self->truth) * (value - self->truth);
    self->error += self->is_log ? estimate->stderr_ / estimate->value : estimate->stderr_;
}

static void assert_coverage(const tally *self, int num_sets)
{
    const double num = self->found;
    print_message("    %2d data sets, %-24s off by %+.4f +- %.4f, error %.4f (stated %.4f), %u of %u hold the truth\n",
                  num_sets, self->what, self->sum / num, sqrt(self->squares) / num, sqrt(self->squares / num),
                  self->error / num, self->held, self->found);
    assert_true(self->found >= 0.95 * NUM_TABLES);
    assert_true(gsl_cdf_binomial_P(self->held, least_share, self->found) > tail);
    assert_true(gsl_cdf_binomial_Q(self->held - 1, most_share, self->found) > tail);
}

static void cover(int num_sets)
{
    const plant planted = error_grid(num_sets);
    const error_plant errors = {.start = 1,
                                .a = 0.25,
                                .slope = 0.07,
                                .height = 0.4,
                                .set_noise = 0.2,
                                .response_noise = 0.25,
                                .run_noise = 0.04};
    const double at = 0x1p12, shift = error_plant_critical(&errors, at, 0.1),
                 half = error_plant_critical(&errors, at, 0.2);
    tally tallies[] = {{"ln T_c by error_shift", log(shift), true, 0, 0, 0, 0, 0},
                       {"ln T_c by error_half", log(half), true, 0, 0, 0, 0, 0},
                       {"a by error_shift", 0.25, false, 0, 0, 0, 0, 0},
                       {"a by error_half", 0.25, false, 0, 0, 0, 0, 0},
                       {"a by error_shift, joint", 0.25, false, 0, 0, 0, 0, 0},
                       {"a by error_half, joint", 0.25, false, 0, 0, 0, 0, 0}};
    for (uint64_t seed = 1; seed <= NUM_TABLES; seed++) {
        ch_run_table table;
        ch_fit fit;
        plant_table(&planted, seed, &table);
        error_plant_fill(&errors, seed, &table);
        error_plant_fit(&fit, &table, 200);
        for (size_t d = 0; d < 2; d++) {
            const ch_tc_definition definition = d == 0 ? CH_TC_ERROR_SHIFT : CH_TC_ERROR_HALF;
            const ch_exponent *slope = find_exponent(&fit.groups[0], "a", ch_tc_definition_name(definition));
            count(&tallies[d], &error_tc(&fit, definition, 2)->estimate);
            if (slope != NULL) {
                count(&tallies[2 + d], &slope->estimate);
            }
            count(&tallies[4 + d], &fit.groups[0].joint[definition].exponent);
        }
        ch_fit_free(&fit);
        free(table.runs);
    }
    for (size_t k = 0; k < sizeof tallies / sizeof *tallies; k++) {
        assert_coverage(&tallies[k], num_sets);
    }
}

static void intervals_hold_the_truth(void **state)
{
    (void)state;
    cover(5);
    cover(20);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {cmocka_unit_test(intervals_hold_the_truth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
