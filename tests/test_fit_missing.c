/* test_fit_missing.c — fits of planted tables from which something is missing or left out: the report says it, and the
 * rest is as without it. */
#include "core/waiting.h"
#include "fit/fit.h"
#include "fit/reports/parts.h"
#include "tests/alloc_fail.h"
#include "tests/fit_support.h"

#include <gsl/gsl_errno.h>

/* ---- P, T and runs that lack ---- */

static void test_censored_cells(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        ch_run *run = &table.runs[i];
        if (run->settings.train == 16384 && run->settings.temp == 2 && run->settings.seed_data < 2) {
            run->status = CH_BUDGET;
            run->time /= 100;
        }
        if (run->settings.train == 2048 && run->settings.temp == 4 && run->settings.seed_data == 3) {
            run->status = CH_DIVERGED;
            run->final.weight_change = NAN;
        }
    }
    fit_table(&fit, &table, 2);
    const ch_fit_group *group = &fit.groups[0];
    assert_note(
        group,
        "P = 2^14: a budget ended runs before they fitted, so that these T enter the law of t* alone, with these "
        "runs as lower bounds: T = 2 (2 of 5 runs)");
    assert_note(group, "P = 2^11: runs diverged, so that these T are left out of every fit: T = 2^2 (1 of 5 runs)");
    /* Diverged runs are left out everywhere. Lower bounds far under a law without noise change nothing. */
    assert_close(exponent_value(group, "b", NULL), 2, 1e-6);
    assert_close(exponent_value(group, "delta", NULL), 1, 1e-10);
    assert_int_equal(group->time.num_runs, table.count - 5);
    release(&fit, &table);
}

/* A run that is stuck, and one whose ||Dw|| is NULL in the store, keep their T out of the fits, and neither is called
 * diverged. */
static void test_unusable_runs(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        ch_run *run = &table.runs[i];
        if (run->settings.train == 2048 && run->settings.temp == 4 && run->settings.seed_data == 3) {
            run->final.weight_change = NAN;
        }
        if (run->settings.train == 4096 && run->settings.temp == 4 && run->settings.seed_data == 1) {
            run->status = CH_STUCK;
            run->reason = CH_CAUSE_NO_PROGRESS;
        }
    }
    fit_table(&fit, &table, 2);
    const ch_fit_group *group = &fit.groups[0];
    assert_note(group, "P = 2^11: runs are stuck or have no ‖Δw‖ or t* above 0, so that these T are left out of every "
                       "fit: T = 2^2 (1 of 5 runs)");
    assert_note(group, "P = 2^12: runs are stuck or have");
    assert_int_equal(group->excluded[CH_EXCLUDED_UNUSABLE], 2);
    assert_int_equal(group->excluded[CH_EXCLUDED_BESIDE_UNUSABLE], 8);
    assert_int_equal(group->excluded[CH_EXCLUDED_DIVERGED], 0);
    assert_int_equal(group->excluded[CH_EXCLUDED_BESIDE_DIVERGED], 0);
    assert_close(exponent_value(group, "delta", NULL), 1, 1e-10);
    char text[1024] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    ch_report_print_excluded(group, out);
    fclose(out);
    assert_non_null(strstr(text, "2 that are stuck or have"));
    release(&fit, &table);
}

static void test_all_stuck(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].status = CH_STUCK;
        table.runs[i].reason = CH_CAUSE_NO_PROGRESS;
    }
    fit_table(&fit, &table, 2);
    assert_note(&fit.groups[0], "every run fitted; runs that are stuck or have no ‖Δw‖ or t* above 0: ");
    release(&fit, &table);
}

static void test_all_censored(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].status = CH_BUDGET;
    }
    fit_table(&fit, &table, 2);
    assert_int_equal(fit.groups[0].num_exponents, 0);
    assert_true(isnan(fit.groups[0].window_lo));
    assert_int_equal(fit.groups[0].tc[0].place, CH_TC_NONE);
    assert_note(&fit.groups[0], "no (P, T) at which every run fitted");
    release(&fit, &table);
}

static void test_one_train(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.num_trains = 1;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    assert_close(exponent_value(&fit.groups[0], "delta", NULL), 1, 1e-10);
    assert_null(find_exponent(&fit.groups[0], "gamma", NULL));
    assert_null(find_exponent(&fit.groups[0], "b", NULL));
    assert_note(&fit.groups[0], "no gamma, no b");
    release(&fit, &table);
}

static void test_one_temp(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.num_temps = 1;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    assert_close(exponent_value(&fit.groups[0], "gamma", NULL), 0.5, 1e-10);
    assert_close(exponent_value(&fit.groups[0], "b", NULL), 2, 1e-10);
    assert_null(find_exponent(&fit.groups[0], "delta", NULL));
    assert_note(&fit.groups[0], "no delta, no time_delta");
    assert_note(&fit.groups[0], "no onset was found, as it takes 5 T or more");
    release(&fit, &table);
}

static void test_confounded(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.num_temps = planted.num_trains;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    size_t kept = 0;
    for (size_t i = 0; i < table.count; i++) { /* only T = P / 2^13 is kept */
        if (table.runs[i].settings.temp * 0x1p13 == (double)table.runs[i].settings.train) {
            table.runs[kept++] = table.runs[i];
        }
    }
    table.count = kept;
    fit_table(&fit, &table, 2);
    assert_int_equal(fit.groups[0].num_exponents, 0);
    assert_note(&fit.groups[0], "T and P vary together");
    release(&fit, &table);
}

static void test_one_data_set(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.num_sets = 1;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    const ch_exponent *delta = find_exponent(&fit.groups[0], "delta", NULL);
    assert_non_null(delta);
    assert_close(delta->estimate.value, 1, 1e-10);
    assert_true(isnan(delta->estimate.stderr_) && isnan(delta->estimate.lo) && isnan(delta->estimate.hi));
    assert_note(&fit.groups[0], "there is only one data set");
    release(&fit, &table);
}

static void test_plateau(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.tc = 1e6;
    planted.sharpness = 1;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    assert_int_equal(fit.groups[0].tc[0].place, CH_TC_ABOVE);
    assert_int_equal(fit.groups[0].num_exponents, 0);
    assert_note(&fit.groups[0], "sample larger T");
    release(&fit, &table);
}

/* ---- what is left out ---- */

/* Runs with train = inf are left out with a note, wherever they are in the table. Where all runs are of this kind,
 * there is nothing to fit. */
static void test_infinite_train(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table all, table;
    ch_fit fit, bare;
    ch_error err = {0};
    plant_table(&planted, 1, &all);
    plant_table(&planted, 1, &table);
    size_t kept = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (i % 7 == 0) {
            all.runs[i].settings.train = 0;
            all.runs[i].status = CH_BUDGET;
        } else {
            table.runs[kept++] = all.runs[i];
        }
    }
    const size_t left_out = all.count - kept;
    char sentence[64];
    snprintf(sentence, sizeof sentence, "%zu runs with train = inf are left out", left_out);
    table.count = kept;
    fit_table(&fit, &all, 2);
    fit_table(&bare, &table, 2);
    assert_int_equal(fit.num_groups, 1);
    assert_int_equal(fit.groups[0].num_runs, kept);
    size_t said = 0;
    for (size_t i = 0; i < fit.groups[0].num_notes; i++) {
        said += strstr(fit.groups[0].notes[i], sentence) == fit.groups[0].notes[i];
    }
    assert_int_equal(said, 1);
    assert_true(find_exponent(&fit.groups[0], "gamma", NULL)->estimate.value ==
                find_exponent(&bare.groups[0], "gamma", NULL)->estimate.value);
    ch_fit_free(&bare);
    release(&fit, &all);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].settings.train = 0;
    }
    ch_fit_options options;
    ch_fit_options_default(&options);
    assert_int_equal(ch_fit_init(&bare, &table, &options, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "train is inf in every run"));
    release(&bare, &table);
}

/* Runs of large batches of results version 2 have the law of those of version 3: they count until newer ones are made,
 * which then count in their place. */
static void test_versions_of_one_law(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table once, table;
    ch_fit fit;
    plant_table(&planted, 1, &once);
    table = (ch_run_table){.runs = calloc(2 * once.count, sizeof *table.runs)};
    assert_non_null(table.runs);
    for (size_t i = 0; i < once.count; i++) {
        ch_run *run = &once.runs[i];
        run->settings.engine = CH_ENGINE_FAST;
        run->settings.batch = CH_WAITING_LARGE_BATCH;
        run->results_version = 2;
        assert_int_equal(ch_results_version(&run->settings), 3);
        table.runs[table.count++] = *run;
        if (i % 2 == 0) { /* has been made again */
            ch_run *newer = &table.runs[table.count++];
            *newer = *run;
            newer->results_version = 3;
            table.runs[table.count - 2].final.weight_change *= 100;
        }
    }
    fit_table(&fit, &table, 2);
    const ch_fit_group *group = &fit.groups[0];
    assert_int_equal(fit.num_groups, 1);
    assert_int_equal(group->num_runs, once.count);
    assert_false(has_note(group, "older results versions"));
    assert_close(exponent_value(group, "delta", NULL), 1, 1e-10);
    free(once.runs);
    release(&fit, &table);
}

/* Repeating a sweep with a larger budget leaves the runs of both in a store. Of each pair the run that got further
 * counts. Runs of older results versions do not count, however they ended. */
static void test_repeats_and_versions(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table once, table;
    ch_fit fit;
    plant_table(&planted, 1, &once);
    table = (ch_run_table){.runs = calloc(3 * once.count, sizeof *table.runs), .count = 3 * once.count};
    assert_non_null(table.runs);
    for (size_t i = 0; i < once.count; i++) {
        ch_run *old = &table.runs[i], *short_run = &table.runs[once.count + i], *run = &table.runs[2 * once.count + i];
        *old = *short_run = *run = once.runs[i];
        old->results_version = 1;
        old->final.weight_change *= old->settings.temp; /* gives other exponents */
        short_run->results_version = run->results_version = 2;
        short_run->settings.max_steps = 7;
        short_run->settings.seed = 99; /* the seeds of data, start and batches stay the same */
        short_run->status = CH_BUDGET;
        short_run->time /= 100;
    }
    fit_table(&fit, &table, 2);
    const ch_fit_group *group = &fit.groups[0];
    assert_int_equal(fit.num_groups, 1);
    assert_int_equal(group->num_runs, once.count);
    assert_note(group, "150 runs of older results versions are left out");
    assert_note(group, "150 runs are left out, as they repeat other runs");
    assert_false(has_note(group, "a budget ended runs"));
    assert_close(exponent_value(group, "delta", NULL), 1, 1e-10);
    assert_close(exponent_value(group, "b", NULL), 2, 1e-10);
    free(once.runs);
    release(&fit, &table);
}

/* Runs that differ only in seed_batch are different runs: both count, and neither is a repeat of the other. */
static void test_other_batches_are_other_runs(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table once, table;
    ch_fit fit;
    plant_table(&planted, 1, &once);
    table = (ch_run_table){.runs = calloc(2 * once.count, sizeof *table.runs), .count = 2 * once.count};
    assert_non_null(table.runs);
    for (size_t i = 0; i < once.count; i++) {
        table.runs[i] = table.runs[once.count + i] = once.runs[i];
        table.runs[once.count + i].settings.seed_batch += 100;
        table.runs[once.count + i].final.weight_change *= exp(0.5);
    }
    fit_table(&fit, &table, 2);
    const ch_fit_group *group = &fit.groups[0];
    assert_int_equal(group->num_runs, table.count);
    assert_int_equal(group->excluded[CH_EXCLUDED_REPEAT], 0);
    assert_int_equal(group->weight_change.num_runs, table.count);
    /* half of the runs lie 0.5 above the others */
    assert_in(group->weight_change.log_amplitude, 0.25 - 1e-10, 0.25 + 1e-10);
    free(once.runs);
    release(&fit, &table);
}

/* eta E|x_par| / sqrt(d) = 128 T 1.2533 / 4 is over half of T P^(1/2) up to P = 6434. */
static void test_first_step(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].settings.batch = 128;
    }
    fit_table(&fit, &table, 2);
    assert_note(&fit.groups[0], "batch = 2^7 is not small: up to P = 2^12 the first step alone makes over half");
    release(&fit, &table);
    fit_plant(&fit, &table, &planted);
    assert_false(has_note(&fit.groups[0], "first step"));
    release(&fit, &table);
}

/* ---- refusals, memory ---- */

static void test_refusals(void **state)
{
    (void)state;
    const plant planted = plant_default();
    const double thresholds[] = {0, -1, NAN, INFINITY};
    ch_run_table table, empty = {0};
    ch_fit fit;
    ch_fit_options options;
    ch_error err;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < 4; i++) {
        ch_fit_options_default(&options);
        options.threshold = thresholds[i];
        assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_ERROR_INPUT);
        assert_non_null(strstr(err.message, "threshold"));
        ch_fit_free(&fit);
    }
    ch_fit_options_default(&options);
    options.replicas = 1;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_ERROR_INPUT);
    ch_fit_options_default(&options);
    options.threads = 0;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_ERROR_INPUT);
    ch_fit_options_default(&options);
    assert_int_equal(ch_fit_init(&fit, &empty, &options, &err), CH_ERROR_INPUT);
    ch_fit_free(&fit);
    ch_fit_free(&fit);
    table.runs[3].settings.temp = NAN;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "run 4"));
    release(&fit, &table);
}

static void test_allocations_fail(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.num_trains = 2;
    planted.num_sets = 3;
    ch_run_table table;
    ch_fit_options options;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < 30; i++) {
        table.runs[i].status = i < 10 ? CH_BUDGET : table.runs[i].status;
    }
    ch_fit_options_default(&options);
    options.replicas = 2;
    options.threads = 1;
    ch_fit fit;
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_fit_init(&fit, &table, &options, &err), err, ch_fit_free(&fit));
    assert_in((double)failed, 20, 1000);
    ch_fit_free(&fit);
    free(table.runs);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_censored_cells),
        cmocka_unit_test(test_unusable_runs),
        cmocka_unit_test(test_all_censored),
        cmocka_unit_test(test_all_stuck),
        cmocka_unit_test(test_one_train),
        cmocka_unit_test(test_one_temp),
        cmocka_unit_test(test_confounded),
        cmocka_unit_test(test_one_data_set),
        cmocka_unit_test(test_plateau),
        cmocka_unit_test(test_infinite_train),
        cmocka_unit_test(test_versions_of_one_law),
        cmocka_unit_test(test_repeats_and_versions),
        cmocka_unit_test(test_other_batches_are_other_runs),
        cmocka_unit_test(test_first_step),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
