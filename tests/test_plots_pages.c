/* test_plots_pages.c — pages that `chiton plot` draws from a store: training curves, test errors, curvature. */
#include "plots/plots.h"
#include "tests/alloc_fail.h"
#include "tests/pages_support.h"
#include "tests/phase_plant.h"

/* Runs with curvature have a page, in units of 2 / eta; its numbers are those of the points. */
static void test_pages_of_curvature(void **state)
{
    (void)state;
    static const char *const page[] = {"batch sharpness", "λ", "2/η", "trace, in units of 2/η", "steps", NULL};
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    plant.num_alphas = 1;
    plant.num_trains = 1;
    plant.num_sets = 1;
    plant.record = 3;
    phase_plant_table(&plant, 1, &table);
    for (size_t r = 0; r < table.count; r++) {
        ch_settings *settings = &table.runs[r].settings;
        const double threshold = 2 / settings->rate;
        settings->curvature = 5;
        settings->given |= UINT64_C(1) << CH_SETTING_CURVATURE;
        for (size_t i = 0; i < table.runs[r].num_points; i++) {
            ch_observation *seen = &table.runs[r].points[i].observed;
            seen->batch_sharpness = i % 2 == 0 ? 0.75 * threshold : NAN;
            seen->lambda_max = i % 2 == 0 ? 0.5 * threshold : NAN;
            seen->hessian_trace = i % 2 == 0 ? 8 * threshold : -threshold;
        }
    }
    make_store(&table);
    expect("$C plot $D/s -o $D --format svg --data > $D/log; ls $D/*-curvature.svg | wc -l", CH_EXIT_OK, "1\n");
    expect("mv $D/*-curvature.svg $D/curvature.svg; mv $D/*-curvature.csv $D/curvature.csv", CH_EXIT_OK, "");
    check_page("curvature.svg", page, (const char *const[]){"weight decay", NULL});
    expect("grep -c '^a.*batch sharpness.*,0.75' $D/curvature.csv | grep -v '^0'", CH_EXIT_OK, "");
    expect("grep -c '^a.*lambda_max.*,0.5' $D/curvature.csv | grep -v '^0'", CH_EXIT_OK, "");
    expect("grep -c '^b.*trace.*,8' $D/curvature.csv | grep -v '^0'", CH_EXIT_OK, "");
    expect(
        "grep -c 'batch sharpness' $D/curvature.csv > $D/n; grep 'batch sharpness' $D/curvature.csv | grep -c 0.75 | "
        "cmp - $D/n",
        CH_EXIT_OK, "");
    ch_run_table_free(&table);
}

/* Three alpha, two P, twelve T of which ten are drawn at the larger P. */
static void test_pages_of_a_store(void **state)
{
    (void)state;
    static const char *const training[] = {
        "training loss",  "unfitted samples", "test error", "weight change", "kernel change",
        "train 2^11",     ">fitted<",         ">diverged<", "(e)",           "T =",
        "first data set", "no error",         NULL};
    static const char *const main_page[] = {"mean test error", "weight change ‖Δw‖", "(f)", NULL};
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    plant.num_alphas = 3;
    plant.num_trains = 2;
    plant.num_sets = 2;
    plant.record = 3;
    phase_plant_table(&plant, 1, &table);
    for (size_t r = 0; r < table.count; r++) {
        const ch_settings *settings = &table.runs[r].settings;
        if (settings->temp == 4) {
            table.runs[r].status = CH_DIVERGED;
        }
        if (settings->alpha == 0.0625 && settings->temp == 1) { /* a logarithmic axis has no 0 */
            table.runs[r].final.test_error = 0;
            for (size_t i = 2; i < table.runs[r].num_points; i++) {
                table.runs[r].points[i].observed.test_error = 0;
            }
        }
    }
    make_store(&table);
    expect("$C plot $D/s -o $D --format svg --threshold 0", CH_EXIT_USAGE, "threshold = 0");
    expect("$C plot $D/s -o $D --format svg --threshold 0.5 | wc -l", CH_EXIT_OK, "11\n");
    check_page("mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.0625.svg", main_page,
               (const char *const[]){"signal s", NULL});
    check_page("mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.0625-training.svg", training,
               (const char *const[]){"(f)", "signal s", "ended by a budget", NULL});
    check_page("mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.0625-error.svg",
               (const char *const[]){"mean test error", "training samples P", "T = ", "no error", NULL},
               (const char *const[]){"theory", NULL});
    check_page("mlp-width64-depth3-datadepleted-chi0-dim16-train1024-test4096-phase.svg",
               (const char *const[]){"‖ = 0.5.", NULL}, nothing);
    check_page("mlp-width64-depth3-datadepleted-chi0-dim16-train2048-test4096-phase.svg",
               (const char *const[]){"‖ = 0.5.", NULL}, nothing);
    expect("$C fit $D/s", CH_EXIT_OK, "model = mlp, data = depleted, chi = 0, dim = 16, alpha = 2^-6");
    expect("$C fit $D/s", CH_EXIT_OK, "Phase diagrams over (alpha, T)");
    expect("$C fit $D/s --json | grep -c temp_opt", CH_EXIT_OK, "");
    expect("$C fit $D/s --json --where 'alpha = 0.25'", CH_EXIT_OK, "\"phase\": []");
    expect("rm $D/*.svg; $C plot $D/s -o $D --format svg --data | wc -l", CH_EXIT_OK, "22\n");
    expect("cd $D; for f in *.svg; do sed 1d ${f%.svg}.csv | grep -q . || echo lacks $f; done; ls *.csv | wc -l",
           CH_EXIT_OK, "11\n");
    expect("cd $D; grep -hc ^a,cell *-train1024-*-phase.csv", CH_EXIT_OK, "\n");
    expect(
        "rm $D/*.csv; $C plot $D/s -o $D --format svg --panel b --data > $D/log; cd $D; grep -vl '^[bp]' *.csv | wc -l",
        CH_EXIT_OK, "0\n");
    ch_run_table_free(&table);
}

static void test_training_allocations_fail(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    char path[300];
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    ch_store store;
    ch_error err = {0};
    plant.num_alphas = 1;
    plant.num_sets = 1;
    plant.record = 2;
    phase_plant_table(&plant, 1, &table);
    for (size_t r = 0; r < table.count; r++) {
        for (size_t i = 0; i < table.runs[r].num_points; i++) {
            table.runs[r].points[i].observed.unfitted_distance = 0.5;
        }
    }
    make_store(&table);
    phase_plant_fit(&fit, &phases, &table);
    ch_phase_list_free(&phases);
    snprintf(path, sizeof path, "%s/s", directory);
    assert_int_equal(ch_store_open(&store, path, CH_STORE_READ, &err), CH_OK);
    long failed;
    assert_failures_are_told(
        failed, ch_plot_training(&fit, &store, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err),
        err, (void)0);
    assert_in((double)failed, 10, 200);
    assert_failures_are_told(
        failed, ch_plot_boundary(&fit, &store, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err),
        err, (void)0);
    assert_in((double)failed, 10, 200);
    ch_store_close(&store);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* The training page of a perceptron has signal and noise in place of the kernel. Without `record` there is no page. */
static void test_training_of_a_perceptron(void **state)
{
    (void)state;
    static const char *const says[] = {"training loss", "signal s", "noise r", "weight change", NULL};
    static const char *const lacks[] = {"kernel change", "(f)", NULL};
    expect("$C sweep perceptron --dim 8 --train 16,32 --temp 2^-2..2^1 --record 4 -o $D/s > $D/log", CH_EXIT_OK, "");
    expect("$C plot $D/s -o $D --format svg", CH_EXIT_OK, "perceptron-chi0-dim8-training.svg");
    check_page("perceptron-chi0-dim8-training.svg", says, lacks);
    check_page("perceptron-chi0-dim8-boundary.svg",
               (const char *const[]){"fresh samples, A/n", "λ = s/r", "⟨v⟩ of unfitted samples", "(b)", NULL}, nothing);
    check_page("perceptron-chi0-dim8.svg", (const char *const[]){"signal s, noise r", NULL},
               (const char *const[]){"mean test error", NULL});
    check_page("perceptron-chi0-dim8-error.svg", (const char *const[]){"mean test error", "theory P", NULL}, nothing);
    expect("$C sweep perceptron --dim 9 --train 16,32 --temp 2^-2..2^1 -o $D/t > $D/log", CH_EXIT_OK, "");
    expect("$C plot $D/t -o $D --format svg; ls $D", CH_EXIT_OK, "perceptron-chi0-dim9.svg");
    assert_null(read_page("perceptron-chi0-dim9-training.svg"));
    assert_null(read_page("perceptron-chi0-dim9-boundary.svg"));
    /* a twin has no signal and no noise: time alone, and nothing of theory */
    expect("$C sweep mlp --linear yes --width 8 --depth 1 --dim 8 --train 16,32 --temp 2^-2..2^1 --record 4 -o $D/u > "
           "$D/log",
           CH_EXIT_OK, "");
    expect("$C plot $D/u -o $D --format svg", CH_EXIT_OK, "-boundary.svg");
    check_page("mlp-linearyes-width8-depth1-datadepleted-chi0-dim8-boundary.svg", (const char *const[]){"time t", NULL},
               (const char *const[]){"λ = s/r", "A/n", NULL});
}

/* The expected way is drawn for each T within the theory's range, dashed and with a band; else the caption says why it
 * is not. Temperatures under kappa / 4 share one curve. */
static void test_expected_training(void **state)
{
    (void)state;
    static const char *const drawn[] = {"expected at this P and d", "Long dashes", "opacity='0.18'", NULL};
    static const char *const refused[] = {"Nothing is expected", NULL};
    expect("$C sweep perceptron --dim 8 --train 256 --temp 2^-1..2^0 --record 4 -o $D/a > $D/log", CH_EXIT_OK, "");
    expect("$C plot $D/a -o $D --format svg", CH_EXIT_OK, "perceptron-chi0-dim8-training.svg");
    check_page("perceptron-chi0-dim8-training.svg", drawn,
               (const char *const[]){"Nothing is expected", "One curve stands", NULL});
    expect("$C sweep perceptron --dim 8 --train 128 --temp 2^-8,2^-7 --alpha 8 --record 4 -o $D/b > $D/log", CH_EXIT_OK,
           "");
    expect("$C plot $D/b -o $D --format svg", CH_EXIT_OK, "perceptron-chi0-dim8-alpha8-training.svg");
    check_page("perceptron-chi0-dim8-alpha8-training.svg",
               (const char *const[]){"Long dashes", "One curve stands", NULL}, refused);
    expect("$C sweep perceptron --dim 8 --chi 4 --train 256 --temp 1 --record 4 -o $D/c > $D/log", CH_EXIT_OK, "");
    expect("$C plot $D/c -o $D --format svg", CH_EXIT_OK, "perceptron-chi4-dim8-training.svg");
    check_page("perceptron-chi4-dim8-training.svg", (const char *const[]){"Nothing is expected: chi is 4", NULL},
               drawn);
    expect("$C sweep perceptron --dim 32 --train 16 --temp 1 --record 4 -o $D/d > $D/log", CH_EXIT_OK, "");
    expect("$C plot $D/d -o $D --format svg", CH_EXIT_OK, "perceptron-chi0-dim32-training.svg");
    check_page("perceptron-chi0-dim32-training.svg", (const char *const[]){"Nothing is expected: train is 16", NULL},
               drawn);
}

/* With one T and several P panel (a) has P on its axis, and what is expected over it. */
static void test_one_temperature(void **state)
{
    (void)state;
    expect("$C sweep perceptron --dim 8 --train 64,256 --temp 1 -o $D/a > $D/log", CH_EXIT_OK, "");
    expect("$C plot $D/a -o $D --format svg", CH_EXIT_OK, "perceptron-chi0-dim8.svg");
    check_page("perceptron-chi0-dim8.svg", (const char *const[]){">expected<", "training samples P", NULL},
               (const char *const[]){"expected at this P and d<", NULL});
    expect("grep -c 'training samples P' $D/perceptron-chi0-dim8.svg", CH_EXIT_OK, "3\n");
}

/* Without a test error, or with one at a single (P, T), there is no page of it. */
static void test_no_test_error_no_page(void **state)
{
    (void)state;
    static const char page[] = "mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.015625-error.svg";
    phase_plant plant = phase_plant_default();
    plant.num_alphas = 1;
    for (int i = 0; i < 3; i++) {
        ch_run_table table;
        ch_fit fit;
        ch_phase_list phases;
        ch_error err = {0};
        plant.num_temps = i == 0 ? 1 : 6;
        phase_plant_table(&plant, 1, &table);
        for (size_t r = 0; r < table.count && i == 1; r++) {
            table.runs[r].final.test_error = NAN;
        }
        phase_plant_fit(&fit, &phases, &table);
        assert_int_equal(ch_plot_test_error(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err),
                         CH_OK);
        char *text = read_page(page);
        assert_int_equal(text != NULL, i == 2);
        free(text);
        ch_phase_list_free(&phases);
        ch_fit_free(&fit);
        ch_run_table_free(&table);
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_pages_of_curvature),        IN_DIRECTORY(test_pages_of_a_store),
        IN_DIRECTORY(test_training_allocations_fail), IN_DIRECTORY(test_training_of_a_perceptron),
        IN_DIRECTORY(test_expected_training),         IN_DIRECTORY(test_one_temperature),
        IN_DIRECTORY(test_no_test_error_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
