/* test_advice.c — the sweeps that a fit proposes: they keep seeds and budgets, and never ask for what the data lack. */
#include "tests/fit_plant.h"
#include "tests/support.h"

#include "fit/fit.h"
#include "fit/table/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A table of fitted runs: P of `trains`, T = 2^-6 and 2^-5, `num_sets` data sets. */
static ch_run_table table_of(const uint64_t *trains, size_t num_trains, size_t num_sets)
{
    ch_run_table table = {.runs = calloc(num_trains * num_sets * 2, sizeof(ch_run))};
    assert_non_null(table.runs);
    for (size_t s = 0; s < num_sets; s++) {
        for (size_t p = 0; p < num_trains; p++) {
            for (int t = 0; t < 2; t++) {
                table.runs[table.count++] = plant_run(ldexp(1, t - 6), trains[p], s, 0, 0);
            }
        }
    }
    return table;
}

/* The command that is proposed for the first group of a table, which is released. */
static char *command_of(ch_run_table *table, ch_advice what)
{
    ch_fit_options options;
    ch_fit fit;
    ch_error err = {0};
    char *text = NULL;
    ch_fit_options_default(&options);
    options.replicas = 20;
    if (ch_fit_init(&fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(ch_advice_sentence(&text, &fit.groups[0], what, &err, "more"), CH_OK);
    ch_fit_free(&fit);
    free(table->runs);
    return text;
}

#define assert_proposes(table, what, part)                                                                             \
    do {                                                                                                               \
        char *proposed = command_of(table, what);                                                                      \
        if (strstr(proposed, part) == NULL) {                                                                          \
            fail_msg("'%s' does not have '%s'", proposed, part);                                                       \
        }                                                                                                              \
        free(proposed);                                                                                                \
    } while (0)

static const uint64_t TRAINS[] = {4096, 16384};

/* Runs on the images of MNIST by a network. */
static void of_images(ch_run_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        table->runs[i].settings.model = CH_ARCH_MLP;
        table->runs[i].settings.data = CH_LAW_MNIST_PARITY;
        table->runs[i].settings.batch = 16;
    }
}

static void test_train(void **state)
{
    (void)state;
    ch_run_table table = table_of(TRAINS, 2, 3);
    assert_proposes(&table, CH_ADVICE_TRAINS, " --train 16384,32768,65536 ");
    table = table_of(TRAINS, 2, 3);
    assert_proposes(&table, CH_ADVICE_ALL, " --train 4096,8192,16384,32768,65536 ");
    /* images: not more than a run had, since nobody knows how many there are */
    table = table_of(TRAINS, 2, 3);
    of_images(&table);
    assert_proposes(&table, CH_ADVICE_TRAINS, " --train 4096,8192,16384 ");
    table = table_of(TRAINS, 2, 3);
    of_images(&table);
    assert_proposes(&table, CH_ADVICE_ALL, " --train 1024,2048,4096,8192,16384 ");
    static const uint64_t few[] = {64}; /* P = 8 and 4 would be under the batch of 16 */
    table = table_of(few, 1, 3);
    of_images(&table);
    assert_proposes(&table, CH_ADVICE_ALL, " --train 16,32,64 ");
    static const uint64_t huge[] = {3000000000}; /* and a setting has a largest value */
    table = table_of(huge, 1, 3);
    assert_proposes(&table, CH_ADVICE_TRAINS, " --train 1073741823,2147483647,4294967295 ");
}

static void test_data_dir(void **state)
{
    (void)state;
    ch_run_table table = table_of(TRAINS, 2, 3);
    of_images(&table);
    assert_proposes(&table, CH_ADVICE_TRAINS, " --data_dir DIR -o STORE");
}

static void test_seeds(void **state)
{
    (void)state;
    ch_run_table table = table_of(TRAINS, 2, 3);
    assert_proposes(&table, CH_ADVICE_DATA_SETS, " --seed 0..9 -o STORE");
    table = table_of(TRAINS, 2, 12);
    assert_proposes(&table, CH_ADVICE_DATA_SETS, " --seed 0..23 -o STORE");
    table = table_of(TRAINS, 2, 12);
    assert_proposes(&table, CH_ADVICE_TRAINS, " --seed 0..11 -o STORE");

    /* seeds 100, 101 and 105 stay, and further ones follow */
    table = table_of(TRAINS, 2, 3);
    for (size_t i = 0; i < table.count; i++) {
        ch_settings *s = &table.runs[i].settings;
        s->seed = s->seed_data = s->seed_init = s->seed_batch = s->seed == 2 ? 105 : 100 + s->seed;
    }
    assert_proposes(&table, CH_ADVICE_TRAINS, " --seed 100..101,105..112 -o STORE");

    /* data sets by seed_data, with one seed for all else, and a seed_init of its own */
    table = table_of(TRAINS, 2, 3);
    for (size_t i = 0; i < table.count; i++) {
        ch_settings *s = &table.runs[i].settings;
        s->seed_data = s->seed + 5;
        s->seed = s->seed_batch = 7;
        s->seed_init = 3;
    }
    assert_proposes(&table, CH_ADVICE_TRAINS, " --seed 7 --seed_data 5..14 --seed_init 3 -o STORE");
}

static void test_budgets(void **state)
{
    (void)state;
    ch_run_table table = table_of(TRAINS, 2, 3);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].settings.max_steps = 1000;
        table.runs[i].settings.max_seconds = 2.5;
        table.runs[i].settings.max_updates = i; /* differs */
    }
    assert_proposes(&table, CH_ADVICE_TRAINS, " --max_steps 1000 --max_seconds 2.5 -o STORE");

    /* where budgets ended runs, the same ones would end them again */
    table = table_of(TRAINS, 2, 3);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].settings.max_steps = UINT64_C(1) << 62;
        table.runs[i].settings.max_updates = 300;
        table.runs[i].settings.max_seconds = 2.5;
        table.runs[i].status = CH_BUDGET;
    }
    ch_run_table same = {.runs = calloc(table.count, sizeof(ch_run)), .count = table.count};
    assert_non_null(same.runs);
    memcpy(same.runs, table.runs, table.count * sizeof(ch_run));
    assert_proposes(&table, CH_ADVICE_ALL, " --max_updates 3000 --max_seconds 25 -o STORE");
    assert_proposes(&same, CH_ADVICE_DATA_SETS, " --max_updates 300 --max_seconds 2.5 -o STORE");
}

/* Consecutive powers of two are a range. */
static void test_temps(void **state)
{
    (void)state;
    static const double temps[] = {0.1, 0.25, 0.5, 1, 2, 6, 8, 16};
    ch_run_table table = {.runs = calloc(3 * 8, sizeof(ch_run))};
    assert_non_null(table.runs);
    for (uint64_t s = 0; s < 3; s++) {
        for (size_t t = 0; t < 8; t++) {
            table.runs[table.count++] = plant_run(temps[t], TRAINS[0], s, 0, 0);
        }
    }
    assert_proposes(&table, CH_ADVICE_DATA_SETS, " --temp 0.1,2^-2..2^1,6,2^3,2^4 ");
}

/* A wide range of temperatures ends under the least one at which every run diverged. */
static void test_diverged(void **state)
{
    (void)state;
    static const struct {
        double bad;  /* all runs at this T and above diverged */
        size_t some; /* so many runs at the T under it, too */
        const char *proposed;
    } cases[] = {
        {INFINITY, 0, " --temp 2^-17..2^1 "}, /* from a quarter of kappa = 2^-15 on */
        {0.35, 0, " --temp 2^-17..2^-2 "},    {0.35, 2, " --temp 2^-17..2^-2 "}, {0.35, 3, " --temp 2^-17..2^-3 "},
        {0.25, 0, " --temp 2^-17..2^-3 "},    {1024, 0, " --temp 2^-17..2^1 "},  {0x1p-13, 0, " --temp 2^-20..2^-14 "},
    };
    static const double temps[] = {0x1p-14, 0x1p-13, 0.25, 0.35, 16, 1024};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_run_table table = {.runs = calloc(3 * 6, sizeof(ch_run))};
        assert_non_null(table.runs);
        for (size_t t = 0; t < 6; t++) {
            for (uint64_t s = 0; s < 3; s++) {
                ch_run *run = &table.runs[table.count++];
                *run = plant_run(temps[t], TRAINS[0], s, 0, 0);
                const bool is_next = t + 1 < 6 && temps[t + 1] == cases[i].bad;
                if (temps[t] >= cases[i].bad || (is_next && s < cases[i].some)) {
                    run->status = CH_DIVERGED;
                }
            }
        }
        assert_proposes(&table, CH_ADVICE_ALL, cases[i].proposed);
    }
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train),   cmocka_unit_test(test_data_dir), cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_budgets), cmocka_unit_test(test_temps),    cmocka_unit_test(test_diverged),
    };
    return cmocka_run_group_tests_name("advice", tests, NULL, NULL);
}
