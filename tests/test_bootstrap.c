/* test_bootstrap.c — the bootstrap: its draws, its threads, its progress and its end; and the numbers for which it
 * finds errors. */
#include "fit/errors/bootstrap.h"
#include "fit/errors/estimate.h"
#include "fit/numbers.h"
#include "fit/phase/phase.h"
#include "tests/collapse_plant.h"
#include "tests/phase_plant.h"

#include <gsl/gsl_errno.h>
#include <string.h>

/* ---- the bootstrap alone ---- */

enum { NUM_SETS = 7, REPLICAS = 61 };

/* A problem whose numbers are the numbers of copies themselves. It counts its workspaces. */
typedef struct {
    size_t num_made, num_freed;
    bool fails; /* whether making the second workspace fails */
} copies_problem;

typedef struct {
    bool is_made;
} copies_space;

static ch_code make(const void *context, void *workspace, ch_error *err)
{
    copies_problem *self = *(copies_problem *const *)context;
    if (self->fails && self->num_made == 1) {
        return ch_error_memory(err, "a test");
    }
    self->num_made++;
    ((copies_space *)workspace)->is_made = true;
    return CH_OK;
}

static void release_space(const void *context, void *workspace)
{
    copies_problem *self = *(copies_problem *const *)context;
    self->num_freed += ((copies_space *)workspace)->is_made;
}

static void evaluate(const void *context, void *workspace, const double *copies, double *numbers)
{
    (void)context;
    assert_true(((copies_space *)workspace)->is_made);
    memcpy(numbers, copies, NUM_SETS * sizeof *copies);
}

static ch_code run_copies(copies_problem *self, int threads, const ch_watch *watch, double *numbers)
{
    ch_error err = {0};
    ch_bootstrap_progress progress = {.watch = watch, .total = REPLICAS};
    const ch_fit_options options = {.replicas = REPLICAS, .seed = 5, .threads = threads};
    const ch_bootstrap_problem problem = {.context = &self,
                                          .num_data_sets = NUM_SETS,
                                          .num_numbers = NUM_SETS,
                                          .workspace_size = sizeof(copies_space),
                                          .init = make,
                                          .free = release_space,
                                          .evaluate = evaluate};
    return ch_bootstrap_run(&problem, &options, &progress, numbers, &err);
}

/* Replica r draws seven of seven data sets by stream r of the seed, whichever thread makes it. */
static void test_draws(void **state)
{
    (void)state;
    const int all_threads[] = {1, 2, 5};
    for (size_t k = 0; k < sizeof all_threads / sizeof *all_threads; k++) {
        copies_problem problem = {0};
        double numbers[REPLICAS * NUM_SETS];
        assert_int_equal(run_copies(&problem, all_threads[k], NULL, numbers), CH_OK);
        assert_int_equal(problem.num_made, all_threads[k]);
        assert_int_equal(problem.num_freed, all_threads[k]);
        for (size_t r = 0; r < REPLICAS; r++) {
            double expected[NUM_SETS] = {0};
            ch_random random;
            ch_random_init(&random, 5, CH_STREAM_BOOTSTRAP, r);
            for (size_t i = 0; i < NUM_SETS; i++) {
                expected[ch_random_below(&random, NUM_SETS)]++;
            }
            assert_memory_equal(numbers + r * NUM_SETS, expected, sizeof expected);
        }
    }
}

static void test_a_workspace_that_cannot_be_made(void **state)
{
    (void)state;
    copies_problem problem = {.fails = true};
    double numbers[REPLICAS * NUM_SETS];
    assert_int_equal(run_copies(&problem, 3, NULL, numbers), CH_ERROR_MEMORY);
    assert_int_equal(problem.num_made, 1);
    assert_int_equal(problem.num_freed, 1);
}

/* ---- who hears of it ---- */

/* Is told of replicas, and raises the stop flag when `enough` are done. */
typedef struct {
    uint64_t done, total, enough;
    ch_stop stop;
} listener;

static void listen(void *context, const ch_watch_report *report)
{
    listener *self = context;
    assert_string_equal(report->unit, "replicas");
    assert_true(report->done > self->done && report->done <= report->total);
    assert_in(report->share, 0, 1);
    self->done = report->done;
    self->total = report->total;
    if (self->done >= self->enough) {
        self->stop = 1;
    }
}

static ch_watch watch_of(listener *self, uint64_t enough)
{
    *self = (listener){.enough = enough};
    return (ch_watch){.stop = &self->stop, .progress = listen, .context = self};
}

static void test_progress_over_groups(void **state)
{
    (void)state;
    const collapse_plant planted = collapse_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_collapse_list collapses;
    ch_fit_options options;
    ch_error err = {0};
    listener ear;
    collapse_plant_table(&planted, 3, &table);
    for (size_t i = 0; i < table.count; i++) { /* three groups, of which the last has one data set */
        const uint64_t set = table.runs[i].settings.seed_data;
        table.runs[i].settings.chi = set == 7 ? 3 : set > 3 ? 2 : 1;
    }
    ch_watch watch = watch_of(&ear, UINT64_MAX);
    ch_fit_options_default(&options);
    options.replicas = 50; /* not a multiple of the number of replicas between two reports */
    options.threads = 2;
    options.watch = &watch;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
    assert_int_equal(fit.num_groups, 3);
    assert_int_equal(ear.total, 100);
    assert_int_equal(ear.done, 100);
    ear.done = 0;
    assert_int_equal(ch_collapse_list_init(&collapses, &fit, CH_COLLAPSE_TIME, &err), CH_OK);
    assert_int_equal(ear.total, 100);
    assert_int_equal(ear.done, 100);
    ch_collapse_list_free(&collapses);
    ch_fit_free(&fit);
    free(table.runs);
}

static void test_a_raised_flag_ends_a_collapse(void **state)
{
    (void)state;
    const collapse_plant planted = collapse_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_collapse_list collapses;
    ch_error err = {0};
    listener ear;
    collapse_plant_table(&planted, 3, &table);
    collapse_plant_fit(&fit, &table, 400, 2);
    const ch_watch watch = watch_of(&ear, 16);
    fit.options.watch = &watch;
    assert_int_equal(ch_collapse_list_init(&collapses, &fit, CH_COLLAPSE_TIME, &err), CH_ERROR_INTERRUPTED);
    assert_int_equal(err.code, CH_ERROR_INTERRUPTED);
    assert_in((double)ear.done, 16, 399);
    ch_collapse_list_free(&collapses);
    ch_fit_free(&fit);
    free(table.runs);
}

/* ---- phase diagrams ---- */

static phase_plant noisy_diagrams(void)
{
    phase_plant planted = phase_plant_default();
    planted.set_noise = 0.2;
    planted.run_noise = 0.002;
    planted.num_trains = 2;
    return planted;
}

static void fit_phases(ch_fit *fit, const ch_run_table *table, size_t replicas, int threads)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    memset(options.wanted, 0, sizeof options.wanted);
    options.replicas = replicas;
    options.threads = threads;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void test_phases_on_threads(void **state)
{
    (void)state;
    const int more[] = {2, 5};
    const phase_plant planted = noisy_diagrams();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list one, many;
    ch_error err = {0};
    phase_plant_table(&planted, 1, &table);
    fit_phases(&fit, &table, 101, 1);
    assert_int_equal(ch_phase_list_init(&one, &fit, &err), CH_OK);
    assert_int_equal(one.count, 2);
    assert_true(one.items[0].best_powers[CH_PHASE_SMALL].estimate.stderr_ > 0 &&
                one.items[0].rows[1].best.estimate.stderr_ > 0);
    for (size_t k = 0; k < sizeof more / sizeof *more; k++) {
        fit.options.threads = more[k];
        assert_int_equal(ch_phase_list_init(&many, &fit, &err), CH_OK);
        assert_int_equal(many.count, 2);
        for (size_t i = 0; i < 2; i++) {
            const ch_phase *a = &one.items[i], *b = &many.items[i];
            assert_memory_equal(&a->best_powers[CH_PHASE_SMALL].estimate, &b->best_powers[CH_PHASE_SMALL].estimate,
                                sizeof(ch_estimate));
            assert_memory_equal(&a->max_powers[CH_PHASE_SMALL].estimate, &b->max_powers[CH_PHASE_SMALL].estimate,
                                sizeof(ch_estimate));
            for (size_t row = 0; row < a->num_alphas; row++) {
                assert_memory_equal(&a->rows[row].best.estimate, &b->rows[row].best.estimate, sizeof(ch_estimate));
                assert_memory_equal(&a->rows[row].weight_border.estimate, &b->rows[row].weight_border.estimate,
                                    sizeof(ch_estimate));
                assert_memory_equal(&a->rows[row].kernel_border.estimate, &b->rows[row].kernel_border.estimate,
                                    sizeof(ch_estimate));
            }
        }
        ch_phase_list_free(&many);
    }
    ch_phase_list_free(&one);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

static void test_phases_are_told_of_and_end(void **state)
{
    (void)state;
    const phase_plant planted = noisy_diagrams();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    ch_error err = {0};
    listener ear;
    phase_plant_table(&planted, 1, &table);
    fit_phases(&fit, &table, 200, 2);
    const ch_watch patient = watch_of(&ear, UINT64_MAX);
    fit.options.watch = &patient;
    assert_int_equal(ch_phase_list_init(&phases, &fit, &err), CH_OK);
    assert_int_equal(ear.total, 400);
    assert_int_equal(ear.done, 400);
    ch_phase_list_free(&phases);
    const ch_watch impatient = watch_of(&ear, 208); /* stops it in the second diagram */
    fit.options.watch = &impatient;
    assert_int_equal(ch_phase_list_init(&phases, &fit, &err), CH_ERROR_INTERRUPTED);
    assert_int_equal(err.code, CH_ERROR_INTERRUPTED);
    assert_in((double)ear.done, 208, 399);
    ch_phase_list_free(&phases);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* ---- the numbers ---- */

/* There is room for more exponents than a fit usually has: for ten, and for a hundred. */
static void test_a_hundredth_exponent(void **state)
{
    (void)state;
    ch_fit_group group = {0};
    ch_error err = {0};
    for (size_t i = 0; i < 100; i++) {
        const ch_exponent exponent = {.number = CH_FIT_B, .definition = CH_NUM_TC, .theory = (double)i};
        assert_int_equal(ch_fit_add_exponent(&group, &exponent, &err), CH_OK);
    }
    assert_int_equal(group.num_exponents, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(group.exponents[i].number, CH_FIT_B);
        assert_true(group.exponents[i].theory == (double)i);
    }
    assert_ptr_equal(ch_fit_find_exponent(&group, CH_FIT_B, CH_NUM_TC), &group.exponents[0]);
    assert_null(ch_fit_find_exponent(&group, CH_FIT_A, CH_TC_ONSET));
    free(group.exponents);
}

/* Every number of every definition has a place of its own, and every place has a number. */
static void test_places(void **state)
{
    (void)state;
    bool taken[CH_NUM_FIT_NUMBERS * CH_NUM_TC] = {false};
    size_t count = 0;
    assert_in((double)ch_fit_number_slots(), 1, CH_NUM_FIT_NUMBERS * CH_NUM_TC);
    for (int k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
        const ch_fit_number_row *row = &ch_fit_numbers[k];
        assert_non_null(row->name);
        assert_non_null(row->symbol);
        assert_true((row->law == NULL) == (row->latex == NULL));
        assert_true((row->figure != NULL) == (row->law != NULL && !row->has_definition));
        for (int d = row->has_definition ? 0 : CH_NUM_TC; d < (row->has_definition ? CH_NUM_TC : CH_NUM_TC + 1); d++) {
            const size_t slot = ch_fit_number_slot((ch_fit_number)k, (ch_tc_definition)d);
            assert_true(slot < ch_fit_number_slots());
            assert_false(taken[slot]);
            taken[slot] = true;
            count++;
        }
    }
    assert_int_equal(count, ch_fit_number_slots());
}

/* The names of numbers that may be held, and of definitions of T_c, are found. */
static void test_names(void **state)
{
    (void)state;
    const struct {
        const char *name;
        ch_fit_number number;
    } holdable[] = {{"delta", CH_FIT_DELTA}, {"gamma", CH_FIT_GAMMA}, {"time_delta", CH_FIT_TIME_DELTA},
                    {"b", CH_FIT_B},         {"a", CH_FIT_A},         {"sharpness", CH_FIT_SHARPNESS}};
    ch_fit_number number = CH_NUM_FIT_NUMBERS;
    ch_tc_definition definition = CH_NUM_TC;
    for (size_t i = 0; i < sizeof holdable / sizeof *holdable; i++) {
        assert_true(ch_fit_number_parse(holdable[i].name, &number));
        assert_int_equal(number, holdable[i].number);
    }
    assert_false(ch_fit_number_parse("c", &number));
    assert_false(ch_fit_number_parse("epsilon", &number));
    for (int d = 0; d < CH_NUM_TC; d++) {
        assert_true(ch_tc_definition_parse(ch_tc_definition_name((ch_tc_definition)d), &definition));
        assert_int_equal(definition, d);
    }
    assert_true(ch_tc_definition_parse("error", &definition));
    assert_int_equal(definition, CH_TC_ERROR_SHIFT);
    assert_false(ch_tc_definition_parse("error_third", &definition));
    char text[64];
    ch_tc_definition_list(text, sizeof text, ", ", " or ");
    assert_string_equal(text, "onset, escape, error_shift or error_half");
}

/* Drawing n of n data sets makes the spread of a mean smaller by sqrt((n - 1) / n). So the error is the spread of the
 * replicas times sqrt(n / (n - 1)). The quantiles of Student's distribution at 0.975 are from a table: 12.7062,
 * 2.77645, 2.26216. */
static void test_errors_are_widened_for_few_data_sets(void **state)
{
    (void)state;
    static const struct {
        size_t num_data_sets;
        double factor, quantile;
    } cases[] = {{2, 1.4142135623730951, 12.7062}, {5, 1.1180339887498949, 2.77645}, {10, 1.0540925533894598, 2.26216}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_estimate estimate = ch_estimate_make(3, 0.5, cases[i].num_data_sets);
        const double error = 0.5 * cases[i].factor, half = cases[i].quantile * error;
        assert_in(estimate.stderr_, error * (1 - 1e-12), error * (1 + 1e-12));
        assert_in(estimate.hi - 3, half * (1 - 1e-5), half * (1 + 1e-5));
        assert_in(3 - estimate.lo, half * (1 - 1e-5), half * (1 + 1e-5));
    }
    assert_true(isnan(ch_estimate_make(3, 0.5, 1).stderr_));
}

int main(void)
{
    gsl_set_error_handler_off();
    /* suites: thread valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_errors_are_widened_for_few_data_sets),
        cmocka_unit_test(test_a_workspace_that_cannot_be_made),
        cmocka_unit_test(test_progress_over_groups),
        cmocka_unit_test(test_a_raised_flag_ends_a_collapse),
        cmocka_unit_test(test_phases_on_threads),
        cmocka_unit_test(test_phases_are_told_of_and_end),
        cmocka_unit_test(test_a_hundredth_exponent),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
