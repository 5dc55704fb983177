/* test_lazy.c — compares networks with their twins: planted ratios and ends of the lazy regime are found; what is
 * missing leaves the rest as it is. */
#include "fit/fit.h"
#include "fit/reports/reports.h"
#include "fit/twins/lazy.h"
#include "tests/alloc_fail.h"
#include "tests/lazy_plant.h"

#include <string.h>

static void compare(const ch_run_table *table, ch_fit *fit, ch_lazy_list *twins)
{
    ch_error err = {0};
    lazy_plant_fit(fit, table);
    if (ch_lazy_list_init(twins, fit, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void release(ch_fit *fit, ch_lazy_list *twins)
{
    ch_lazy_list_free(twins);
    ch_lazy_list_free(twins);
    ch_fit_free(fit);
}

static size_t count_twins(const ch_run_table *table)
{
    ch_fit fit;
    ch_lazy_list twins;
    compare(table, &fit, &twins);
    const size_t count = twins.count;
    release(&fit, &twins);
    return count;
}

/* ---- planted ratios ---- */

/* The factors of a data set are in both runs of a pair, and cancel. */
static void test_planted_ratios(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins;
    lazy_plant_table(&plant, &table);
    compare(&table, &fit, &twins);
    assert_int_equal(twins.count, 1);
    const ch_lazy *lazy = &twins.items[0];
    assert_int_equal(fit.groups[lazy->network].key.linear, CH_LINEAR_NO);
    assert_int_equal(fit.groups[lazy->twin].key.linear, CH_LINEAR_YES);
    assert_int_equal(lazy->num_pairs, 48);
    assert_int_equal(lazy->num_data_sets, 4);
    assert_int_equal(lazy->num_cells, 12);
    for (size_t c = 0; c < 12; c++) {
        const ch_lazy_cell *cell = &lazy->cells[c];
        assert_int_equal(cell->train, c < 6 ? 256 : 1024);
        assert_close(cell->temp, lazy_plant_temp(c % 6), 1e-15);
        assert_int_equal(cell->end - cell->begin, 4);
        assert_true(cell->counts);
        assert_in(cell->means[CH_LAZY_WEIGHT_CHANGE].mean - log(plant.weight_ratio[c % 6]), -1e-13, 1e-13);
        assert_in(cell->means[CH_LAZY_WEIGHT_CHANGE].stderr_, 0, 1e-13);
        assert_in(cell->means[CH_LAZY_TIME].mean - log(plant.time_ratio[c % 6]), -1e-13, 1e-13);
        assert_close(cell->means[CH_LAZY_TEST_ERROR].mean, plant.error_shift, 1e-12);
        const double sets = pow(1 * 1.1 * 1.2 * 1.3, 0.25); /* geometric mean of the data sets' factors */
        const double network = sets * cell->temp * pow((double)cell->train, 0.4) * plant.weight_ratio[c % 6];
        assert_close(cell->relative, network / 100, 1e-12);
    }
    release(&fit, &twins);
    ch_run_table_free(&table);
}

static void test_planted_ends(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins;
    lazy_plant_table(&plant, &table);
    compare(&table, &fit, &twins);
    assert_int_equal(twins.items[0].num_rows, 2);
    for (size_t r = 0; r < 2; r++) {
        const ch_lazy_row *row = &twins.items[0].rows[r];
        const ch_lazy_end *weight = &row->ends[CH_LAZY_WEIGHT_CHANGE], *time = &row->ends[CH_LAZY_TIME];
        assert_int_equal(row->train, r == 0 ? 256 : 1024);
        assert_int_equal(weight->place, CH_TC_INSIDE);
        assert_close(weight->temp, lazy_plant_temp(3), 1e-15);
        assert_close(weight->relative, twins.items[0].cells[row->begin + 3].relative, 1e-15);
        assert_close(weight->agreement.mean, (log(1.02) + log(1.05)) / 3, 1e-12);
        assert_in(weight->agreement.stderr_, 0, 1e-12);
        assert_int_equal(time->place, CH_TC_INSIDE);
        assert_close(time->temp, lazy_plant_temp(4), 1e-15);
        assert_close(row->error_agreement.mean, plant.error_shift, 1e-12);
        assert_true(isnan(row->diverges));
    }
    release(&fit, &twins);
    ch_run_table_free(&table);
}

static void test_where_it_ends(void **state)
{
    (void)state;
    static const struct {
        double ratio[LAZY_PLANT_TEMPS];
        ch_tc_place place;
        size_t temp;
    } cases[] = {
        {{1, 1.05, 0.95, 1.09, 1.2, 1.3}, CH_TC_INSIDE, 4},
        {{1, 1.2, 1, 1, 1.2, 1.3}, CH_TC_INSIDE, 4},   /* at the next T the ratio is not beyond the tolerance */
        {{1, 1, 1.2, 0.8, 1, 1}, CH_TC_ABOVE, 5},      /* or the ratio is beyond it on the other side */
        {{1, 1, 1, 1, 1, 1.2}, CH_TC_INSIDE, 5},       /* there is no next T */
        {{1, 1, 0.9, 0.9, 0.9, 1}, CH_TC_INSIDE, 2},   /* 1 / 1.1 = 0.909 */
        {{1, 1, 0.92, 0.92, 0.92, 1}, CH_TC_ABOVE, 5}, /* within the tolerance */
        {{1.2, 1.2, 1, 1, 1, 1}, CH_TC_BELOW, 0},
        {{1, 1, 1, 1, 1, 1}, CH_TC_ABOVE, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lazy_plant plant = lazy_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_lazy_list twins;
        plant.num_trains = 1;
        memcpy(plant.weight_ratio, cases[i].ratio, sizeof plant.weight_ratio);
        lazy_plant_table(&plant, &table);
        compare(&table, &fit, &twins);
        const ch_lazy_end *end = &twins.items[0].rows[0].ends[CH_LAZY_WEIGHT_CHANGE];
        if (end->place != cases[i].place || end->temp != lazy_plant_temp(cases[i].temp)) {
            fail_msg("case %zu: place %d at T = %g", i, (int)end->place, end->temp);
        }
        assert_int_equal(isnan(end->agreement.mean), end->place == CH_TC_BELOW);
        release(&fit, &twins);
        ch_run_table_free(&table);
    }
}

/* ---- means and their errors ---- */

/* Sets the ratios of the network's runs at one T, and at the next, to e^x. */
static void set_ratios(const lazy_plant *plant, ch_run_table *table, size_t temp, const double *x)
{
    for (size_t t = temp; t < temp + 2; t++) {
        for (size_t s = 0; s < plant->num_sets; s++) {
            lazy_plant_at(plant, table, CH_LINEAR_NO, 0, t, s)->final.weight_change =
                exp(x[s]) * lazy_plant_at(plant, table, CH_LINEAR_YES, 0, t, s)->final.weight_change;
        }
    }
}

static void test_standard_errors(void **state)
{
    (void)state;
    static const struct {
        double x[3], mean, squares; /* squares / (3 * 2) is the squared error */
        ch_tc_place place;
    } cases[] = {
        {{0.1, 0.2, 0.6}, 0.3, 0.14, CH_TC_ABOVE},      /* 2 errors */
        {{0.2, 0.3, 0.4}, 0.3, 0.02, CH_TC_INSIDE},     /* 5.2 errors */
        {{0.08, 0.09, 0.1}, 0.09, 0.0002, CH_TC_ABOVE}, /* 16 errors, but under 10 % */
        {{-0.4, -0.3, -0.2}, -0.3, 0.02, CH_TC_INSIDE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lazy_plant plant = {
            .weight_ratio = {1, 1, 1, 1, 1, 1}, .time_ratio = {1, 1, 1, 1, 1, 1}, .num_trains = 1, .num_sets = 3};
        ch_run_table table;
        ch_fit fit;
        ch_lazy_list twins;
        lazy_plant_table(&plant, &table);
        set_ratios(&plant, &table, 2, cases[i].x);
        compare(&table, &fit, &twins);
        const ch_lazy_mean *mean = &twins.items[0].cells[2].means[CH_LAZY_WEIGHT_CHANGE];
        assert_close(mean->mean, cases[i].mean, 1e-12);
        assert_close(mean->stderr_, sqrt(cases[i].squares / 6), 1e-12);
        assert_int_equal(twins.items[0].rows[0].ends[CH_LAZY_WEIGHT_CHANGE].place, cases[i].place);
        release(&fit, &twins);
        ch_run_table_free(&table);
    }
}

/* The pairs of one data set count as one number, because the error is that between data sets. */
static void test_data_sets_first(void **state)
{
    (void)state;
    static const double x[] = {0.1, 0.2, 0.6};
    lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins;
    plant.num_trains = 1;
    plant.num_sets = 3;
    lazy_plant_table(&plant, &table);
    set_ratios(&plant, &table, 0, x);
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].settings.seed_data = r % 3 == 0 ? 7 : 8;
    }
    compare(&table, &fit, &twins);
    assert_int_equal(twins.items[0].num_data_sets, 2);
    assert_int_equal(twins.items[0].num_pairs, 18);
    /* the mean of 0.1 and 0.4 */
    assert_close(twins.items[0].cells[0].means[CH_LAZY_WEIGHT_CHANGE].mean, 0.25, 1e-12);
    assert_close(twins.items[0].cells[0].means[CH_LAZY_WEIGHT_CHANGE].stderr_, 0.15, 1e-12);
    release(&fit, &twins);
    ch_run_table_free(&table);
}

static void test_one_data_set(void **state)
{
    (void)state;
    lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins;
    plant.num_sets = 1;
    lazy_plant_table(&plant, &table);
    compare(&table, &fit, &twins);
    assert_int_equal(twins.count, 1);
    assert_close(twins.items[0].cells[3].means[CH_LAZY_WEIGHT_CHANGE].mean, log(0.8), 1e-12);
    assert_true(isnan(twins.items[0].cells[3].means[CH_LAZY_WEIGHT_CHANGE].stderr_));
    assert_false(twins.items[0].cells[3].counts);
    assert_int_equal(twins.items[0].rows[0].ends[CH_LAZY_WEIGHT_CHANGE].place, CH_TC_NONE);
    assert_true(isnan(twins.items[0].rows[0].ends[CH_LAZY_WEIGHT_CHANGE].temp));
    assert_true(isnan(twins.items[0].rows[0].error_agreement.mean));
    release(&fit, &twins);
    ch_run_table_free(&table);
}

/* ---- what is missing ---- */

static void test_lost_and_single_runs(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins;
    lazy_plant_table(&plant, &table);
    lazy_plant_at(&plant, &table, CH_LINEAR_NO, 0, 3, 1)->status = CH_DIVERGED;
    lazy_plant_at(&plant, &table, CH_LINEAR_NO, 0, 5, 1)->status = CH_DIVERGED;
    lazy_plant_at(&plant, &table, CH_LINEAR_YES, 0, 0, 2)->status = CH_BUDGET;
    lazy_plant_at(&plant, &table, CH_LINEAR_YES, 0, 1, 3)->settings.seed_batch = 99;
    lazy_plant_at(&plant, &table, CH_LINEAR_NO, 0, 2, 0)->settings.seed_init = 99;
    for (size_t s = 0; s < plant.num_sets; s++) { /* leaves a (P, T) at which only the twin has runs */
        lazy_plant_at(&plant, &table, CH_LINEAR_NO, 1, 5, s)->settings.temp = 7;
    }
    compare(&table, &fit, &twins);
    const ch_lazy *lazy = &twins.items[0];
    static const struct {
        size_t pairs, lost, single;
        bool counts;
    } cells[] = {{3, 1, 0, false}, {3, 0, 2, true}, {3, 0, 2, true},
                 {3, 1, 0, false}, {4, 0, 0, true}, {3, 1, 0, false}};
    assert_int_equal(lazy->num_cells, 11); /* neither T = 7 nor its former value is compared */
    for (size_t c = 0; c < 6; c++) {
        assert_int_equal(lazy->cells[c].end - lazy->cells[c].begin, cells[c].pairs);
        assert_int_equal(lazy->cells[c].num_lost, cells[c].lost);
        assert_int_equal(lazy->cells[c].num_single, cells[c].single);
        assert_int_equal(lazy->cells[c].counts, cells[c].counts);
        assert_in(lazy->cells[c].means[CH_LAZY_WEIGHT_CHANGE].mean - log(plant.weight_ratio[c]), -1e-13, 1e-13);
    }
    /* at 0.8 the ratio does not count, and 0.7 is the last that does */
    const ch_lazy_end *end = &lazy->rows[0].ends[CH_LAZY_WEIGHT_CHANGE];
    assert_int_equal(end->place, CH_TC_INSIDE);
    assert_close(end->temp, lazy_plant_temp(4), 1e-15);
    assert_close(end->agreement.mean, (log(1.02) + log(1.05)) / 2, 0.01); /* seeds are missing at both */
    assert_close(lazy->rows[0].diverges, lazy_plant_temp(3), 1e-15);
    assert_true(isnan(lazy->rows[1].diverges));
    release(&fit, &twins);
    ch_run_table_free(&table);
}

/* The runs of a pair have the same seed_batch. The networks of seed_batch 0 and 1 have different ratios, and their
 * twins have the same factor. One twin is missing, so that its network has no pair and is in no mean. */
static void test_pairs_share_their_batches(void **state)
{
    (void)state;
    lazy_plant plant = lazy_plant_default();
    ch_run_table once;
    ch_fit fit;
    ch_lazy_list twins;
    plant.num_trains = 1;
    lazy_plant_table(&plant, &once);
    ch_run_table table = {.runs = calloc(2 * once.count, sizeof *table.runs)};
    assert_non_null(table.runs);
    for (size_t r = 0; r < once.count; r++) {
        for (uint64_t batch = 0; batch < 2; batch++) {
            ch_run *run = &table.runs[table.count];
            *run = once.runs[r];
            run->settings.seed_batch = batch;
            run->final.weight_change *= batch == 0 ? 1 : 10;
            table.count += batch == 1 || run->settings.linear == CH_LINEAR_NO || run->settings.seed_data != 0;
        }
    }
    compare(&table, &fit, &twins);
    const ch_lazy *lazy = &twins.items[0];
    assert_int_equal(twins.count, 1);
    assert_int_equal(lazy->num_cells, LAZY_PLANT_TEMPS);
    assert_int_equal(lazy->num_pairs, LAZY_PLANT_TEMPS * (2 * LAZY_PLANT_SETS - 1));
    for (size_t i = 0; i < lazy->num_pairs; i++) {
        assert_int_equal(lazy->pairs[i].network->settings.seed_batch, lazy->pairs[i].twin->settings.seed_batch);
    }
    for (size_t c = 0; c < lazy->num_cells; c++) {
        assert_int_equal(lazy->cells[c].num_single, 1);
        assert_in(lazy->cells[c].means[CH_LAZY_WEIGHT_CHANGE].mean - log(plant.weight_ratio[c]), -1e-13, 1e-13);
    }
    release(&fit, &twins);
    ch_run_table_free(&once);
    ch_run_table_free(&table);
}

/* A quantity that is missing, or has no logarithm, is left out of its own mean only. */
static void test_numbers_missing(void **state)
{
    (void)state;
    static const double nothing[] = {NAN, 0, INFINITY};
    for (size_t i = 0; i < 3; i++) {
        lazy_plant plant = lazy_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_lazy_list twins;
        lazy_plant_table(&plant, &table);
        for (size_t r = 0; r < table.count; r++) {
            table.runs[r].final.test_error = NAN;
        }
        lazy_plant_at(&plant, &table, CH_LINEAR_NO, 0, 1, 2)->final.weight_change = nothing[i];
        lazy_plant_at(&plant, &table, CH_LINEAR_YES, 0, 1, 2)->time = nothing[i];
        compare(&table, &fit, &twins);
        const ch_lazy_cell *cell = &twins.items[0].cells[1];
        assert_close(cell->means[CH_LAZY_WEIGHT_CHANGE].mean, log(1.02), 1e-12);
        assert_in(cell->means[CH_LAZY_TIME].mean, -1e-13, 1e-13);
        assert_true(isnan(cell->means[CH_LAZY_TEST_ERROR].mean));
        assert_true(isnan(twins.items[0].rows[0].error_agreement.mean));
        release(&fit, &twins);
        ch_run_table_free(&table);
    }
}

/* ---- which groups are compared ---- */

static void test_groups(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    lazy_plant_table(&plant, &table);
    const size_t half = table.count / 2;
    for (size_t r = 0; r < table.count; r++) { /* makes two networks, each with its twin */
        table.runs[r].settings.width = r % 2 == 0 ? 64 : 128;
    }
    assert_int_equal(count_twins(&table), 2);
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].settings.width = r < half ? 64 : 128;
    }
    assert_int_equal(count_twins(&table), 0);
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].settings.width = 64;
        /* a full batch counts as one value for all P */
        table.runs[r].settings.batch = table.runs[r].settings.train;
    }
    assert_int_equal(count_twins(&table), 1);
    for (size_t r = half; r < table.count; r++) {
        table.runs[r].settings.seed_init += 100; /* no run has a counterpart */
    }
    assert_int_equal(count_twins(&table), 0);
    ch_run_table_free(&table);

    lazy_plant_table(&plant, &table);
    for (size_t r = half; r < table.count; r++) {
        table.runs[r].results_version--; /* results of another law */
    }
    assert_int_equal(count_twins(&table), 0);
    table.count = half;
    assert_int_equal(count_twins(&table), 0);
    ch_run_table_free(&table);
}

/* ---- reports ---- */

static void test_json(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins;
    ch_error err = {0};
    lazy_plant_table(&plant, &table);
    lazy_plant_at(&plant, &table, CH_LINEAR_NO, 1, 5, 0)->status = CH_DIVERGED;
    compare(&table, &fit, &twins);
    json_t *report = ch_fit_json(&fit);
    assert_non_null(report);
    assert_int_equal(ch_lazy_add_json(&twins, report, &err), CH_OK);
    const json_t *list = json_object_get(report, "lazy"), *lazy = json_array_get(list, 0);
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(json_integer_value(json_object_get(lazy, "pairs")), 47);
    assert_string_equal(json_string_value(json_object_get(json_object_get(lazy, "group"), "linear")), "no");
    const json_t *row = json_array_get(json_object_get(lazy, "trains"), 1), *weight, *ratio;
    weight = json_object_get(row, "weight_change");
    assert_close(json_real_value(json_object_get(weight, "end")), lazy_plant_temp(3), 1e-15);
    assert_true(json_is_null(json_object_get(weight, "bound")));
    ratio = json_object_get(weight, "ratio");
    assert_close(json_real_value(json_object_get(ratio, "value")), pow(1.02 * 1.05, 1.0 / 3), 1e-12);
    assert_close(json_real_value(json_object_get(row, "diverges")), lazy_plant_temp(5), 1e-15);
    const json_t *points = json_object_get(lazy, "points"), *point = json_array_get(points, 11);
    assert_int_equal(json_array_size(points), 12);
    assert_int_equal(json_integer_value(json_object_get(point, "pairs")), 3);
    assert_int_equal(json_integer_value(json_object_get(point, "lost")), 1);
    assert_false(json_is_true(json_object_get(point, "counts")));
    assert_close(json_real_value(json_object_get(json_object_get(point, "time"), "value")), 1.6, 1e-12);
    json_decref(report);
    release(&fit, &twins);
    ch_run_table_free(&table);
}

/* The text report, as one string to be freed. */
static char *print(const ch_lazy_list *twins, const ch_fit *fit)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ch_lazy_print(twins, fit, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_text(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    static const char *const says[] = {"\nmodel = mlp, data = depleted, chi = 0, dim = 16\n",
                                       "47 pairs of fitted runs, 4 data sets\n",
                                       " 2^8 1.023 ± 0.000      2^-5  0.0026",
                                       ">2^-3",
                                       "-0.0100 ± 0.0000\n",
                                       "the network diverged from T = 2^-3 (P = 2^10)\n"};
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins = {0};
    lazy_plant_table(&plant, &table);
    for (size_t s = 0; s < plant.num_sets; s++) {
        for (size_t t = 0; t < LAZY_PLANT_TEMPS; t++) {
            ch_run *twin = lazy_plant_at(&plant, &table, CH_LINEAR_YES, 0, t, s);
            lazy_plant_at(&plant, &table, CH_LINEAR_NO, 0, t, s)->time = twin->time;
        }
    }
    lazy_plant_at(&plant, &table, CH_LINEAR_NO, 1, 5, 0)->status = CH_DIVERGED;
    lazy_plant_fit(&fit, &table);
    char *text = print(&twins, &fit);
    assert_string_equal(text, ""); /* without a twin it prints nothing */
    free(text);
    ch_fit_free(&fit);
    compare(&table, &fit, &twins);
    text = print(&twins, &fit);
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        if (strstr(text, says[i]) == NULL) {
            fail_msg("no \"%s\" in:\n%s", says[i], text);
        }
    }
    free(text);
    release(&fit, &twins);
    ch_run_table_free(&table);
}

/* ---- memory ---- */

static void free_none(ch_lazy_list *twins)
{
    assert_int_equal(twins->count, 0);
    ch_lazy_list_free(twins);
}

static void test_allocations_fail(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins;
    lazy_plant_table(&plant, &table);
    lazy_plant_fit(&fit, &table);
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_lazy_list_init(&twins, &fit, &err), err, free_none(&twins));
    assert_in((double)failed, 6, 12);
    release(&fit, &twins);
    ch_run_table_free(&table);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted_ratios),
        cmocka_unit_test(test_planted_ends),
        cmocka_unit_test(test_where_it_ends),
        cmocka_unit_test(test_standard_errors),
        cmocka_unit_test(test_data_sets_first),
        cmocka_unit_test(test_one_data_set),
        cmocka_unit_test(test_lost_and_single_runs),
        cmocka_unit_test(test_pairs_share_their_batches),
        cmocka_unit_test(test_numbers_missing),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
