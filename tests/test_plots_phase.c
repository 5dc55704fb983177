/* test_plots_phase.c — pages of phase diagrams over (alpha, T), from planted tables. */
#include "plots/plots.h"
#include "tests/alloc_fail.h"
#include "tests/pages_support.h"
#include "tests/phase_plant.h"

static void draw_phase(const ch_run_table *table)
{
    ch_fit fit;
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = 50;
    if (ch_fit_init(&fit, table, &options, &err) != CH_OK ||
        ch_plot_phase(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_fit_free(&fit);
}

#define PHASE_PAGE "mlp-width64-depth3-datadepleted-chi0-dim16-train1024-test4096-phase.svg"

static void test_phase_page(void **state)
{
    (void)state;
    static const char *const says[] = {
        "mlp: data = depleted, χ = 0, d = 16, train = 1024",
        "(a)",
        "test error",
        "(b)",
        "weight variation",
        "(c)",
        "kernel change",
        "temperature T",
        "end of the lazy regime",
        "‖Δw‖ / ‖w₀‖ = 1.",
        "theory, D = 3 hidden layers",
        "width 64",
        NULL,
    };
    static const char *const lacks[] = {"(d)", ">diverged<", ">budget<", "alpha", "no data", "P =", NULL};
    const phase_plant plant = phase_plant_default();
    ch_run_table table;
    phase_plant_table(&plant, 1, &table);
    draw_phase(&table);
    check_page(PHASE_PAGE, says, lacks);
    ch_run_table_free(&table);
}

/* A diagram with missing cells, diverged runs, runs that a budget ended, a test error of 0, and one data set. */
static void test_phase_page_of_little(void **state)
{
    (void)state;
    static const char *const says[] = {">budget<", "Grey: a budget", ">diverged<", "which one data set does not give",
                                       NULL};
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    plant.num_sets = 1;
    plant.depth = 1;
    phase_plant_table(&plant, 1, &table);
    phase_plant_at(&plant, &table, 0, 11, 0)->status = CH_DIVERGED;
    phase_plant_at(&plant, &table, 5, 0, 0)->status = CH_BUDGET;
    phase_plant_at(&plant, &table, 3, 7, 0)->final.test_error = 0;
    phase_plant_at(&plant, &table, 3, 6, 0)->final.kernel_change = 0;
    table.runs[40] = table.runs[table.count - 1]; /* removes one run, and repeats another */
    table.count--;
    draw_phase(&table);
    check_page("mlp-width64-depth1-datadepleted-chi0-dim16-train1024-test4096-phase.svg", says, nothing);
    table.count++;
    table.runs[40].points = NULL;
    ch_run_table_free(&table);
}

static void test_panels_of_what_was_measured(void **state)
{
    (void)state;
    static const char *const says[] = {"weight variation", "(a)", NULL};
    static const char *const lacks[] = {"kernel change", "test error", "(b)", "T_opt", NULL};
    const phase_plant plant = phase_plant_default();
    ch_run_table table;
    phase_plant_table(&plant, 1, &table);
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].final.kernel_change = table.runs[r].final.test_error = NAN;
    }
    draw_phase(&table);
    check_page(PHASE_PAGE, says, lacks);
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].final.test_error = 0;
    }
    draw_phase(&table);
    check_page(PHASE_PAGE, (const char *const[]){"no data: every test error is 0", "weight variation", NULL}, nothing);
    for (size_t r = 0; r < table.count; r++) { /* no data at all: there is no page */
        table.runs[r].status = CH_DIVERGED;
    }
    remove_page(PHASE_PAGE);
    draw_phase(&table);
    assert_null(read_page(PHASE_PAGE));
    ch_run_table_free(&table);
}

static void test_no_grid_no_page(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    plant.num_alphas = 2;
    phase_plant_table(&plant, 1, &table);
    draw_phase(&table);
    assert_null(read_page(PHASE_PAGE));
    ch_run_table_free(&table);
}

/* gnuplot itself runs only once, where no allocation failed. */
static void test_allocations_fail(void **state)
{
    (void)state;
    const phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_table(&plant, 1, &table);
    phase_plant_fit(&fit, &phases, &table);
    ch_phase_list_free(&phases);
    ch_error err;
    long failed;
    assert_failures_are_told(failed,
                             ch_plot_phase(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err),
                             err, assert_null(read_page(PHASE_PAGE)));
    assert_in((double)failed, 15, 100);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* The training loss after as many updates of every run has a map; T that were sampled at some alpha alone make no hole,
 * and the figure's numbers have the cells that were sampled. */
static void test_phase_page_of_losses(void **state)
{
    (void)state;
    static const char *const says[] = {"(d)", "training loss αL after 5000 updates", "αL: the training loss", NULL};
    const phase_plant plant = phase_plant_default();
    ch_run_table table;
    size_t kept = 0;
    phase_plant_table(&plant, 1, &table);
    for (size_t r = 0; r < table.count; r++) {
        if (table.runs[r].settings.alpha < 1 || table.runs[r].settings.temp != 0.25) {
            table.runs[kept] = table.runs[r];
            table.runs[kept].status = CH_BUDGET;
            table.runs[kept++].final.train_loss = table.runs[r].settings.temp;
        }
    }
    table.count = kept;
    ch_fit fit;
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = 50;
    const ch_plot_style style = {.format = CH_PLOT_SVG, .has_data = true};
    if (ch_fit_init(&fit, &table, &options, &err) != CH_OK ||
        ch_plot_phase(&fit, directory, &style, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_fit_free(&fit);
    check_page(PHASE_PAGE, says, nothing);
    expect("cd $D; grep -c ^d,cell *-phase.csv", CH_EXIT_OK, "69\n"); /* 6 alpha and 12 T, but for 3 */
    ch_run_table_free(&table);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_phase_page),
        IN_DIRECTORY(test_phase_page_of_little),
        IN_DIRECTORY(test_panels_of_what_was_measured),
        IN_DIRECTORY(test_no_grid_no_page),
        IN_DIRECTORY(test_allocations_fail),
        IN_DIRECTORY(test_phase_page_of_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
