/* test_plots_pages.c — pages of networks from planted stores: phase diagrams, training curves, the test error, twins.
 */
#include "cli/cli.h"
#include "plots/panel.h"
#include "plots/plots.h"
#include "tests/alloc_fail.h"
#include "tests/lazy_plant.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[256];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/chiton-pages.XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) == 0 ? 0 : -1;
}

static void remove_page(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(unlink(path), 0);
}

/* Reads a file of the test's directory as a string to be freed; NULL when it is missing. */
static char *read_page(const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = calloc(1, 1 << 22);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 22) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Requires that a page has all texts of one list and none of another. Both lists end with NULL. */
static void check_page(const char *name, const char *const *says, const char *const *lacks)
{
    char *text = read_page(name);
    if (text == NULL) {
        fail_msg("%s was not drawn", name);
        return;
    }
    assert_non_null(strstr(text, "</svg>"));
    for (; *says != NULL; says++) {
        if (strstr(text, *says) == NULL) {
            fail_msg("%s does not say \"%s\"", name, *says);
        }
    }
    for (; *lacks != NULL; lacks++) {
        if (strstr(text, *lacks) != NULL) {
            fail_msg("%s says \"%s\"", name, *lacks);
        }
    }
    free(text);
}

static const char *const nothing[] = {NULL};

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

/* ---- phase diagrams ---- */

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

/* ---- from a store ---- */

static void make_store(const ch_run_table *table)
{
    char path[300];
    ch_store store;
    ch_error err = {0};
    snprintf(path, sizeof path, "%s/s", directory);
    if (ch_store_open(&store, path, CH_STORE_WRITE, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    for (size_t r = 0; r < table->count; r++) {
        if (ch_store_put(&store, &table->runs[r], &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
    }
    ch_store_close(&store);
}

/* Runs a shell line with $C for the program and $D for the test's directory.
 * @param said  out: what it printed, on both streams
 * @return the exit status */
static int shell(const char *line, char *said, size_t size)
{
    const char *program = getenv("CHITON");
    char command[2048];
    snprintf(command, sizeof command, "C='%s' D='%s'; { %s ; } 2>&1", program != NULL ? program : "build/chiton",
             directory, line);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    said[fread(said, 1, size - 1, pipe)] = '\0';
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect(const char *line, int status, const char *says)
{
    static char said[1 << 16];
    const int got = shell(line, said, sizeof said);
    if (got != status || strstr(said, says) == NULL) {
        fail_msg("%s: exit %d, expected %d and \"%s\"; it said: %s", line, got, status, says, said);
    }
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
    expect("$C sweep perceptron --dim 8 --train 256 --temp 2^-8,2^-7 --alpha 8 --record 4 -o $D/b > $D/log", CH_EXIT_OK,
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

/* A figure of the user's choice, and what is refused. */
static void test_own_choice(void **state)
{
    (void)state;
    expect("$C sweep perceptron --dim 8 --train 64,256 --temp 1,4 --seed 0..2 -o $D/b > $D/log", CH_EXIT_OK, "");
    expect("$C plot $D/b -o $D --format svg --x temp --y weight_change --by train --band ci", CH_EXIT_OK,
           "weight_change-temp-by-train.svg");
    check_page("weight_change-temp-by-train.svg",
               (const char *const[]){"temperature T", "weight change ‖Δw‖", "training samples P =", NULL},
               (const char *const[]){"(a)", NULL});
    expect("$C plot $D/b -o $D --x temp --y weight_change --by train --data | sed s,$D/,,", CH_EXIT_OK,
           "weight_change-temp-by-train.pdf\nweight_change-temp-by-train.csv\n");
    expect("cut -d, -f2-4 $D/weight_change-temp-by-train.csv", CH_EXIT_OK,
           "shows,curve,x\nmean,64,1\nmean,64,4\nmean,256,1\nmean,256,4\n");
    /* the disk is full when the numbers are written: the figure is there, and the older numbers stay */
    expect("D=$D C=$C sh -c 'ln -s /dev/full $D/weight_change-temp-by-train.csv.$$.part; "
           "exec $C plot $D/b -o $D --x temp --y weight_change --by train --data'",
           CH_EXIT_FAILED, "/weight_change-temp-by-train.csv: No space left on device");
    expect("cd $D; wc -l < weight_change-temp-by-train.csv; ls | grep -c part", 1, "5\n0\n");
    expect("$C plot $D/b -o $D --x temp --y weight_change", CH_EXIT_USAGE, "differ in train");
    expect("$C plot $D/b -o $D --x temp --y kernel_change --by train", CH_EXIT_USAGE, "no run has a kernel_change");
    expect("$C plot $D/b -o $D --x temp", CH_EXIT_USAGE, "and --y, a result");
    expect("$C plot $D/b -o $D --by temp", CH_EXIT_USAGE, "name it by --x and --y");
    expect("$C plot $D/b -o $D --x temp --y time --panel a", CH_EXIT_USAGE, "no --panel");
}

/* A figure of numbers of a fit, of two stores. */
static void test_own_numbers(void **state)
{
    (void)state;
    expect("$C sweep perceptron --dim 8 --chi 0 --train 256,1024 --temp 1,4 --seed 0..2 -o $D/c > $D/log", CH_EXIT_OK,
           "");
    expect("$C sweep perceptron --dim 8 --chi 1 --train 256,1024 --temp 1,4 --seed 0..2 -o $D/d > $D/log", CH_EXIT_OK,
           "");
    expect("$C plot $D/c $D/d -o $D --format svg --x chi --y gamma", CH_EXIT_OK, "gamma-chi.svg");
    check_page("gamma-chi.svg", (const char *const[]){"theory, P → ∞", ">χ<", NULL},
               (const char *const[]){"(a)", NULL});
    expect("$C plot $D/c $D/d -o $D --x chi --y k", CH_EXIT_USAGE,
           "no group has a k and an x that the figure can show");
    expect("$C plot $D/c -o $D --x temp --y gamma", CH_EXIT_USAGE, "gamma is a number of all runs of a group");
    expect("$C plot $D/c -o $D --x chi --y gamma --band sd", CH_EXIT_USAGE,
           "has ci, its 95 % interval (default), or se");
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

/* ---- a network and its twin ---- */

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

/* ---- the parts ---- */

/* The mean itself is drawn: a test error of 0 counts, and the error bar does not go below 0. */
static void test_plain_series(void **state)
{
    ch_run runs[4] = {0};
    const ch_run *pointers[4];
    const double values[] = {0, 0.2, 0.4, NAN};
    ch_series series;
    ch_error err = {0};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        runs[i].settings.seed_data = i;
        runs[i].status = CH_FITTED;
        runs[i].time = values[i];
        pointers[i] = &runs[i];
    }
    ch_fit_group group = {.runs = pointers, .num_runs = 4};
    assert_int_equal(ch_series_init_plain(&series, &group, offsetof(ch_run, time), &err), CH_OK);
    assert_int_equal(series.count, 1);
    assert_close(series.cells[0].mean, 0.2, 1e-14);
    assert_close(series.cells[0].hi, 0.2 + 0.2 / sqrt(3), 1e-14);
    assert_close(series.cells[0].lo, 0.2 - 0.2 / sqrt(3), 1e-14);
    ch_series_free(&series);
    group.num_runs = 2; /* 0.1 +- 0.1 */
    assert_int_equal(ch_series_init_plain(&series, &group, offsetof(ch_run, time), &err), CH_OK);
    assert_close(series.cells[0].lo, 0.1, 1e-14);
    ch_series_free(&series);
}

/* The labels are as they were written. */
static void test_axis_labels(void **state)
{
    (void)state;
    static const struct {
        double lo, hi;
        ch_axis_scale scale;
        size_t count;
        double first, last;
    } cases[] = {{0.91, 1.14, CH_SCALE_POWERS, 4, 0.95, 1.1},     {0.1, 3, CH_SCALE_POWERS, 5, 0.125, 2},
                 {0.9e-3, 1.1e3, CH_SCALE_POWERS, 7, 1e-3, 1e3},  {0.9e-9, 1.1e9, CH_SCALE_POWERS, 7, 1e-9, 1e9},
                 {0.9, 1100, CH_SCALE_BINARY, 6, 1, 1024},        {0.211, 0.282, CH_SCALE_PERCENT, 7, 0.22, 0.28},
                 {0.0008, 0.6, CH_SCALE_PERCENT, 3, 0.001, 0.1},  {0.0041, 0.6, CH_SCALE_PERCENT, 7, 0.005, 0.5},
                 {0.00008, 0.6, CH_SCALE_PERCENT, 4, 0.0001, 0.1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double labels[CH_AXIS_MOST_LABELS];
        const ch_axis axis = {cases[i].lo, cases[i].hi, false};
        assert_int_equal(ch_axis_labels(&axis, cases[i].scale, CH_AXIS_LABELS, labels), cases[i].count);
        assert_close(labels[0], cases[i].first, 1e-12);
        assert_close(labels[cases[i].count - 1], cases[i].last, 1e-12);
    }
}

/* Values over all magnitudes that a double has: the range holds them as far as its ends and a tick beyond are finite.
 */
static void test_axes_of_any_size(void **state)
{
    (void)state;
    static const double values[][2] = {{5e-324, 1.7e308}, {1e-300, 1e300}, {1e308, 1.7e308}, {5e-324, 1e-320}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        ch_axis axis = CH_AXIS_EMPTY;
        char *text = NULL;
        size_t length = 0;
        ch_axis_include(&axis, values[i][0]);
        ch_axis_include(&axis, values[i][1]);
        ch_axis_finish(&axis, CH_AXIS_SPAN);
        assert_true(axis.lo > 0 && axis.lo < axis.hi && isfinite(2 * axis.hi));
        assert_true(fmax(values[i][0], 1e-305) >= axis.lo && fmin(values[i][1], 1e305) <= axis.hi);
        FILE *out = open_memstream(&text, &length);
        assert_non_null(out);
        ch_axis_write(&axis, out, "y", CH_SCALE_POWERS, CH_AXIS_LABELS);
        assert_int_equal(fclose(out), 0);
        assert_null(strstr(text, "inf"));
        assert_null(strstr(text, "nan"));
        free(text);
    }
}

/* The size of an SVG file, in points of the screen. */
static void read_size(const char *name, int *width, int *height)
{
    char *text = read_page(name);
    assert_non_null(text);
    const char *at = strstr(text, "viewBox=\"0 0 ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "viewBox=\"0 0 %d %d", width, height), 2);
    free(text);
}

/* Draws the page of test errors of a planted sweep. */
static void draw_errors(const ch_plot_style *style)
{
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    ch_error err = {0};
    plant.num_alphas = 1;
    phase_plant_table(&plant, 1, &table);
    phase_plant_fit(&fit, &phases, &table);
    assert_int_equal(ch_plot_test_error(&fit, directory, style, NULL, &err), CH_OK);
    ch_phase_list_free(&phases);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* The page of test errors in several looks: it ends under its caption; one column is half as wide and has its panels
 * one below the other; a single panel has no caption and no other panel. */
static void test_looks(void **state)
{
    (void)state;
    enum { PAGE_WIDTH = 673, COLUMN_WIDTH = 325 }; /* 17.8 and 8.6 cm at 96 points an inch */
    static const char page[] = "mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.015625-error.svg";
    static const char panel[] = "mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.015625-error-b.svg";
    int width, height, narrow_height, panel_height;
    ch_plot_style style = {.format = CH_PLOT_SVG};
    ch_error err = {0};
    draw_errors(&style);
    read_size(page, &width, &height);
    assert_int_equal(width, PAGE_WIDTH);
    assert_in_range(height, PAGE_WIDTH / 2, PAGE_WIDTH);
    assert_int_equal(ch_plot_width_parse("86mm", &style.width, &err), CH_OK);
    draw_errors(&style);
    read_size(page, &width, &narrow_height);
    assert_int_equal(width, COLUMN_WIDTH);
    assert_in_range(narrow_height, height + 1, 2 * height);
    assert_int_equal(ch_plot_panel_parse("b", &style.panel, &err), CH_OK);
    draw_errors(&style);
    read_size(panel, &width, &panel_height);
    assert_int_equal(width, COLUMN_WIDTH);
    assert_in_range(panel_height, COLUMN_WIDTH / 2, narrow_height / 2);
    check_page(panel, (const char *const[]){"(b)", "training samples P", NULL},
               (const char *const[]){"(a)", "temperature T", "Fixed", NULL});
    style.panel = 'f'; /* the page has none */
    draw_errors(&style);
    assert_null(read_page("mlp-width64-depth3-datadepleted-chi0-dim16-test4096-alpha0.015625-error-f.svg"));
}

static void test_looks_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double width; /* 0: refused */
    } cases[] = {{"8.6cm", 8.6}, {"17.8", 17.8}, {"86mm", 8.6}, {"3.4in", 8.636}, {"3.9cm", 0},
                 {"101", 0},     {"wide", 0},    {"", 0},       {"9 cm", 0},      {"nan", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double width = 0;
        ch_error err = {0};
        const ch_code code = ch_plot_width_parse(cases[i].text, &width, &err);
        assert_int_equal(code, cases[i].width > 0 ? CH_OK : CH_ERROR_INPUT);
        if (code == CH_OK) {
            assert_close(width, cases[i].width, 1e-12);
        }
    }
    char panel;
    assert_int_equal(ch_plot_panel_parse("g", &panel, NULL), CH_ERROR_INPUT);
    assert_int_equal(ch_plot_panel_parse("ab", &panel, NULL), CH_ERROR_INPUT);
}

int main(void)
{
    gsl_set_error_handler_off();
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_phase_page),
        IN_DIRECTORY(test_phase_page_of_little),
        IN_DIRECTORY(test_phase_page_of_losses),
        IN_DIRECTORY(test_panels_of_what_was_measured),
        IN_DIRECTORY(test_no_grid_no_page),
        IN_DIRECTORY(test_allocations_fail),
        IN_DIRECTORY(test_pages_of_curvature),
        IN_DIRECTORY(test_pages_of_a_store),
        IN_DIRECTORY(test_training_allocations_fail),
        IN_DIRECTORY(test_training_of_a_perceptron),
        IN_DIRECTORY(test_expected_training),
        IN_DIRECTORY(test_one_temperature),
        IN_DIRECTORY(test_own_choice),
        IN_DIRECTORY(test_own_numbers),
        IN_DIRECTORY(test_no_test_error_no_page),
        IN_DIRECTORY(test_twin_page),
        IN_DIRECTORY(test_twin_page_of_little),
        IN_DIRECTORY(test_twin_in_a_store),
        IN_DIRECTORY(test_twin_allocations_fail),
        cmocka_unit_test(test_plain_series),
        cmocka_unit_test(test_axis_labels),
        cmocka_unit_test(test_axes_of_any_size),
        IN_DIRECTORY(test_looks),
        cmocka_unit_test(test_looks_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
