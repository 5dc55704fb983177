/* test_fit_groups.c — which runs are one group, one cell and one data set. */
#include "fit/phase/phase.h"
#include "fit/table/data_sets.h"
#include "tests/fit_support.h"
#include "tests/lazy_plant.h"

#include <gsl/gsl_errno.h>

/* Half of the data sets have T = rate / batch with another last bit. */
static void round_some(ch_run_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        ch_settings *settings = &table->runs[i].settings;
        if (settings->seed % 2 == 1) {
            settings->temp = nextafter(settings->temp, 0);
            settings->alpha = nextafter(settings->alpha, INFINITY);
        }
    }
}

/* T, chi and alpha that differ by rounding make no further T, group or cell, and leave the exponents as they are. */
static void test_rounded_reals_are_one(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_error err = {0};
    ch_fit_options options;
    ch_fit_options_default(&options);
    options.replicas = 50;
    options.threads = 1;
    plant_table(&planted, 1, &table);
    round_some(&table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].settings.chi = i % 2 == 0 ? 0.1 : 0.3 / 3;
    }
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
    assert_int_equal(fit.num_groups, 1);
    assert_int_equal(fit.groups[0].num_temps, planted.num_temps);
    assert_int_equal(fit.groups[0].num_cells, planted.num_temps * planted.num_trains);
    assert_true(fit.groups[0].key.chi == 0.1);
    assert_close(exponent_value(&fit.groups[0], "gamma", NULL), planted.gamma, 1e-10);
    /* the runs in the table keep their bits, which their identities are made from */
    const ch_run *run = fit.groups[0].runs[0];
    for (size_t i = 0; i < fit.groups[0].num_runs; i++) {
        run = fit.groups[0].runs[i]->settings.seed == 1 ? fit.groups[0].runs[i] : run;
    }
    assert_true(run->settings.temp == 0.125 || run->settings.temp > 0.125);
    assert_true(ch_fit_stored_run(&fit, run)->settings.temp < run->settings.temp);
    ch_fit_free(&fit);
    free(table.runs);
}

/* A run with --temp 0.1 and the same run with --rate 0.3 at batch 3 are one run and count once. */
static void test_a_run_counts_once(void **state)
{
    (void)state;
    ch_run runs[4];
    ch_run_table table = {.runs = runs, .count = 4};
    ch_fit fit;
    ch_error err = {0};
    ch_fit_options options;
    ch_fit_options_default(&options);
    options.replicas = 2;
    options.threads = 1;
    for (size_t i = 0; i < 4; i++) {
        runs[i] = plant_run(i % 2 == 0 ? 0.1 : 0.3 / 3, i < 2 ? 1024 : 2048, 0, 1, 1);
        runs[i].settings.batch = 3;
    }
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_OK);
    assert_int_equal(fit.num_groups, 1);
    assert_int_equal(fit.groups[0].num_runs, 2);
    assert_int_equal(fit.groups[0].num_temps, 1);
    assert_true(fit.groups[0].temps[0] == 0.1);
    assert_int_equal(fit.groups[0].excluded[CH_EXCLUDED_REPEAT], 2);
    assert_note(&fit.groups[0], "2 runs are left out, as they repeat other runs");
    ch_fit_free(&fit);
}

/* Network and twin pair up although alpha and T of one of them are rounded differently. */
static void test_pairs_of_rounded_runs(void **state)
{
    (void)state;
    const lazy_plant planted = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_lazy_list twins;
    ch_error err = {0};
    lazy_plant_table(&planted, &table);
    round_some(&table);
    for (size_t i = 0; i < table.count; i++) {
        ch_settings *settings = &table.runs[i].settings;
        settings->temp = settings->linear == CH_LINEAR_YES ? nextafter(settings->temp, INFINITY) : settings->temp;
    }
    lazy_plant_fit(&fit, &table);
    assert_int_equal(fit.num_groups, 2);
    assert_int_equal(ch_lazy_list_init(&twins, &fit, &err), CH_OK);
    assert_int_equal(twins.count, 1);
    assert_int_equal(twins.items[0].num_pairs, table.count / 2);
    assert_int_equal(twins.items[0].num_cells, planted.num_trains * LAZY_PLANT_TEMPS);
    ch_lazy_list_free(&twins);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* A diagram has one row for an alpha and one column for a T, however they were rounded. */
static void test_diagrams_of_rounded_runs(void **state)
{
    (void)state;
    const phase_plant planted = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_table(&planted, 1, &table);
    round_some(&table);
    phase_plant_fit(&fit, &phases, &table);
    assert_int_equal(phases.count, 1);
    assert_int_equal(phases.items[0].num_alphas, planted.num_alphas);
    assert_int_equal(phases.items[0].num_temps, planted.num_temps);
    ch_phase_list_free(&phases);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* ---- images ---- */

/* Makes the runs those of mnist_parity, from images with a digest of its own for each half of them. */
static void learn_images(ch_run_table *table, const char *first, const char *second)
{
    for (size_t i = 0; i < table->count; i++) {
        ch_settings *settings = &table->runs[i].settings;
        settings->data = CH_LAW_MNIST_PARITY;
        settings->dim = 128;
        snprintf(settings->data_digest, sizeof settings->data_digest, "%s", settings->seed % 2 == 0 ? first : second);
    }
}

/* Runs on other images are another group, and labels say which. One set of images is not named. */
static void test_images_are_part_of_a_group(void **state)
{
    (void)state;
    for (size_t differ = 0; differ < 2; differ++) {
        const phase_plant planted = phase_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_phase_list phases;
        char label[256];
        phase_plant_table(&planted, 1, &table);
        learn_images(&table, "aaaaaaaa11111111", differ == 1 ? "bbbbbbbb22222222" : "aaaaaaaa11111111");
        phase_plant_fit(&fit, &phases, &table);
        assert_int_equal(fit.num_groups, differ == 1 ? 2 * planted.num_alphas : planted.num_alphas);
        assert_int_equal(phases.count, differ == 1 ? 2 : 1);
        assert_int_equal(phases.items[0].num_data_sets, differ == 1 ? planted.num_sets / 2 : planted.num_sets);
        ch_fit_group_label(&fit, &fit.groups[0], label, sizeof label);
        assert_int_equal(strstr(label, "data_digest = aaaaaaaa") != NULL, differ == 1);
        assert_null(strstr(label, "11111111"));
        ch_phase_list_free(&phases);
        ch_fit_free(&fit);
        ch_run_table_free(&table);
    }
}

/* A network and a twin on other images make no pair. */
static void test_twins_have_the_same_images(void **state)
{
    (void)state;
    for (size_t differ = 0; differ < 2; differ++) {
        const lazy_plant planted = lazy_plant_default();
        ch_run_table table;
        ch_fit fit;
        ch_lazy_list twins;
        ch_error err = {0};
        lazy_plant_table(&planted, &table);
        learn_images(&table, "aaaaaaaa", "aaaaaaaa");
        for (size_t i = 0; differ == 1 && i < table.count; i++) {
            ch_settings *settings = &table.runs[i].settings;
            settings->data_digest[0] = settings->linear == CH_LINEAR_YES ? 'b' : 'a';
        }
        lazy_plant_fit(&fit, &table);
        assert_int_equal(ch_lazy_list_init(&twins, &fit, &err), CH_OK);
        assert_int_equal(twins.count, differ == 1 ? 0 : 1);
        ch_lazy_list_free(&twins);
        ch_fit_free(&fit);
        ch_run_table_free(&table);
    }
}

/* ---- data sets that overlap ---- */

/* Of N images two seeds share the part P / N, P = 1024. All data sets of a pool of 1024 are the same images; of one of
 * 2047 they share over half, and count as one: nothing has an error. Of 2048 they share half, and a note says by how
 * much errors are too small for other images; of 20480 they share a twentieth, and nothing is said. So it is with
 * twins. */
static void test_data_sets_that_overlap(void **state)
{
    (void)state;
    static const struct {
        uint64_t pool;
        bool is_one;
        const char *note;
    } cases[] = {{1024, true, "share 100 % of their images"},
                 {2047, true, "share 50 % of their images, as there are 2047"},
                 {2048, false, "two data sets share up to 50 % of their images, P = 2^10 of the 2^11 at hand"},
                 {20480, false, NULL},
                 {0, false, NULL}}; /* runs of older stores do not say how many images there were */
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        lazy_plant planted = lazy_plant_default();
        planted.num_trains = 2; /* P = 256 and 1024 */
        ch_run_table table;
        ch_fit fit;
        ch_lazy_list twins;
        ch_error err = {0};
        lazy_plant_table(&planted, &table);
        learn_images(&table, "aaaaaaaa", "aaaaaaaa");
        for (size_t i = 0; i < table.count; i++) {
            table.runs[i].settings.data_pool = cases[k].pool;
        }
        lazy_plant_fit(&fit, &table);
        assert_int_equal(ch_lazy_list_init(&twins, &fit, &err), CH_OK);
        const ch_fit_group *group = &fit.groups[0];
        assert_int_equal(group->num_data_sets, cases[k].is_one ? 1 : LAZY_PLANT_SETS);
        assert_true(group->num_exponents > 0);
        for (size_t i = 0; i < group->num_exponents; i++) {
            assert_int_equal(isnan(group->exponents[i].estimate.stderr_), cases[k].is_one);
        }
        assert_int_equal(twins.items[0].num_data_sets, cases[k].is_one ? 1 : LAZY_PLANT_SETS);
        size_t noted = 0;
        for (size_t i = 0; i < group->num_notes; i++) {
            noted += strstr(group->notes[i], " of their images") != NULL;
            assert_null(strstr(group->notes[i], "only one data set")); /* there are several, which count as one */
        }
        assert_int_equal(noted, cases[k].note != NULL);
        if (cases[k].note != NULL) {
            assert_note(group, cases[k].note);
        }
        ch_lazy_list_free(&twins);
        ch_fit_free(&fit);
        ch_run_table_free(&table);
    }
}

/* Data sets are numbered by their seeds in order, whether these lie close together or far apart. */
static void test_data_sets_are_numbered(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    uint64_t close[COUNT], far[COUNT];
    uint32_t of_close[COUNT], of_far[COUNT];
    bool is_there[2 * COUNT] = {false};
    size_t num_close = 0, num_far = 0, num_distinct = 0;
    ch_error err = {0};
    for (size_t i = 0; i < COUNT; i++) {
        const uint64_t seed = i * i * 31 % 599;
        close[i] = UINT64_MAX - 599 + seed;
        far[i] = seed << 40;
        num_distinct += !is_there[seed];
        is_there[seed] = true;
    }
    assert_int_equal(ch_data_sets_index(close, COUNT, of_close, &num_close, &err), CH_OK);
    assert_int_equal(ch_data_sets_index(far, COUNT, of_far, &num_far, &err), CH_OK);
    assert_int_equal(num_close, num_distinct);
    assert_int_equal(num_far, num_distinct);
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t before = 0;
        for (uint64_t seed = 0; seed < far[i] >> 40; seed++) {
            before += is_there[seed];
        }
        assert_int_equal(of_close[i], before);
        assert_int_equal(of_far[i], before);
    }
    assert_int_equal(ch_data_sets_index(close, 0, of_close, &num_close, &err), CH_OK);
    assert_int_equal(num_close, 0);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounded_reals_are_one),      cmocka_unit_test(test_a_run_counts_once),
        cmocka_unit_test(test_pairs_of_rounded_runs),      cmocka_unit_test(test_diagrams_of_rounded_runs),
        cmocka_unit_test(test_images_are_part_of_a_group), cmocka_unit_test(test_twins_have_the_same_images),
        cmocka_unit_test(test_data_sets_that_overlap),     cmocka_unit_test(test_data_sets_are_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
