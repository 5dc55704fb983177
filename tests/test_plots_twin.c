/* test_plots_twin.c — the page of a network and its linearised twin. */
#include "plots/plots.h"
#include "tests/alloc_fail.h"
#include "tests/lazy_plant.h"
#include "tests/pages_support.h"

#define TWIN_PAGE "mlp-width64-depth3-datadepleted-chi0-dim16-test4096-twin.svg"

static void draw_twin(const ch_run_table *table)
{
    ch_fit fit;
    ch_error err = {0};
    lazy_plant_fit(&fit, table);
    if (ch_plot_lazy(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_fit_free(&fit);
}

static void test_twin_page(void **state)
{
    (void)state;
    static const char *const says[] = {"mlp: data = depleted, χ = 0, d = 16",
                                       "P =",
                                       "linearised twin",
                                       "‖Δw‖, network over twin",
                                       "t*, network over twin",
                                       "mean test error",
                                       "weight variation of the network",
                                       "end of the lazy regime",
                                       "(e)",
                                       "48 pairs of fitted runs",
                                       "P = 2^10: ‖Δw‖ leaves",
                                       NULL};
    static const char *const lacks[] = {"(f)", "no data", "linear no", "linear yes", "data_dir", NULL};
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    lazy_plant_table(&plant, &table);
    draw_twin(&table);
    check_page(TWIN_PAGE, says, lacks);
    ch_run_table_free(&table);
}

/* No test error, one data set, no complete pair. Without a twin there is no page. */
static void test_twin_page_of_little(void **state)
{
    (void)state;
    lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    plant.num_sets = 1;
    lazy_plant_table(&plant, &table);
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].final.test_error = NAN;
    }
    draw_twin(&table);
    check_page(TWIN_PAGE, (const char *const[]){"no data: no value is above 0", "no T has the pairs that", NULL},
               (const char *const[]){"end of the lazy regime<", NULL});
    for (size_t r = 1; r < table.count; r++) { /* one pair is left, beside a run without a partner */
        table.runs[r].status = r == table.count / 2 ? CH_FITTED : CH_DIVERGED;
    }
    draw_twin(&table);
    check_page(TWIN_PAGE, (const char *const[]){"1 pair of fitted runs", "network over twin", NULL}, nothing);
    char command[700];
    snprintf(command, sizeof command, "rm '%s/" TWIN_PAGE "'", directory);
    assert_int_equal(system(command), 0);
    table.count /= 2;
    draw_twin(&table);
    assert_null(read_page(TWIN_PAGE));
    table.count *= 2;
    ch_run_table_free(&table);
}

static void test_twin_in_a_store(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    lazy_plant_table(&plant, &table);
    make_store(&table);
    expect("$C plot $D/s -o $D --format svg", CH_EXIT_OK, "/" TWIN_PAGE "\n");
    expect("$C fit $D/s", CH_EXIT_OK, "Networks beside their linearised twins");
    expect("$C fit $D/s --json", CH_EXIT_OK, "\"pairs\": 48");
    expect("$C fit $D/s --where \"linear = 'no'\" --json", CH_EXIT_OK, "\"lazy\": []");
    /* One P and one T give no exponents, but a comparison. */
    expect("$C fit $D/s --where 'train = 256 AND temp < 0.004'", CH_EXIT_OK, "Networks beside their linearised twins");
    ch_run_table_free(&table);
}

static void test_twin_allocations_fail(void **state)
{
    (void)state;
    const lazy_plant plant = lazy_plant_default();
    ch_run_table table;
    ch_fit fit;
    lazy_plant_table(&plant, &table);
    lazy_plant_fit(&fit, &table);
    ch_error err;
    long failed;
    assert_failures_are_told(
        failed, ch_plot_lazy(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err), err, (void)0);
    assert_in((double)failed, 10, 150);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_twin_page),
        IN_DIRECTORY(test_twin_page_of_little),
        IN_DIRECTORY(test_twin_in_a_store),
        IN_DIRECTORY(test_twin_allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
