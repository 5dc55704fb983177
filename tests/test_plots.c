/* test_plots.c — figures of planted runs: files are complete, and neither names nor groups with little data break them.
 */
#include "cli/cli.h"
#include "plots/axis.h"
#include "plots/gnuplot.h"
#include "plots/head.h"
#include "plots/layout.h"
#include "plots/panel.h"
#include "plots/plots.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a group of runs that obey the laws, and its fit, both made by hand ---- */

typedef struct {
    double chi;
    uint64_t train0; /* P = train0 2^i, i < trains */
    size_t trains, temps, seeds;
    double temp0, temp_factor; /* T = temp0 temp_factor^j, j < temps */
    bool censor;               /* budgets ended the runs of the upper half of P at the lowest T */
    ch_status all;             /* the status of every run; CH_RUNNING: as the other members say */
} plan;

typedef struct {
    ch_run *runs;
    const ch_run **pointers;
    uint64_t trains[16];
    double temps[32];
    ch_tc tc[32];
    ch_exponent exponents[6];
    char *notes[2];
} planted;

static const plan usual = {
    .chi = 0, .train0 = 1024, .trains = 5, .temps = 18, .seeds = 5, .temp0 = 0x1p-16, .temp_factor = 2};

/* The spread of the logarithm between data sets: a fixed zigzag, so that no random numbers are needed. */
static double zigzag(size_t seed, size_t i, size_t j)
{
    return 0.12 * sin((double)(1 + seed * 7 + i * 3 + j * 5));
}

static void plant_run(ch_run *run, const plan *p, size_t i, size_t j, size_t seed)
{
    const double gamma = 1 / (1 + p->chi), kappa = 0x1p-15;
    *run = (ch_run){0};
    ch_settings_default(&run->settings);
    run->settings.model = CH_ARCH_PERCEPTRON;
    run->settings.chi = p->chi;
    run->settings.dim = 128;
    run->settings.train = p->train0 << i;
    run->settings.temp = p->temp0 * pow(p->temp_factor, (double)j);
    run->settings.rate = 2 * run->settings.temp;
    run->settings.seed_data = seed;
    const double train = (double)run->settings.train, level = run->settings.temp + 2 * kappa;
    run->status = p->all != CH_RUNNING ? p->all : p->censor && j == 0 && 2 * i >= p->trains ? CH_BUDGET : CH_FITTED;
    run->final.signal = 2 * level * pow(train, gamma) * exp(zigzag(seed, i, j));
    run->final.noise = 4.5 * level * exp(zigzag(seed, j, i));
    run->final.weight_change = hypot(run->final.signal, run->final.noise);
    run->final.weight_change_rel = run->final.weight_change / sqrt(128);
    run->time = level * pow(train, 1 + 2 * gamma) * exp(2 * zigzag(seed, i, j));
}

static ch_exponent exponent(ch_fit_number number, ch_tc_definition definition, double value, double theory)
{
    return (ch_exponent){.number = number,
                         .definition = definition,
                         .estimate = {value, 0.02, value - 0.04, value + 0.04},
                         .theory = theory};
}

static ch_tc tc_of(uint64_t train, ch_tc_definition definition, ch_tc_place place, double value)
{
    return (ch_tc){.train = train,
                   .definition = definition,
                   .place = place,
                   .estimate = {value, 0.1 * value, 0.8 * value, 1.2 * value},
                   .crossover = {NAN, NAN, NAN, NAN},
                   .expected = NAN};
}

static void plant_fit(ch_fit *fit, ch_fit_group *group, planted *own, const plan *p)
{
    const double gamma = 1 / (1 + p->chi), c = 0.5;
    *own = (planted){0};
    *group = (ch_fit_group){.num_runs = p->trains * p->temps * p->seeds, .num_data_sets = p->seeds};
    own->runs = calloc(group->num_runs, sizeof *own->runs);
    own->pointers = calloc(group->num_runs, sizeof *own->pointers);
    assert_non_null(own->runs);
    assert_non_null(own->pointers);
    for (size_t r = 0; r < group->num_runs; r++) {
        const size_t i = r / p->seeds / p->temps, j = r / p->seeds % p->temps;
        plant_run(&own->runs[r], p, i, j, r % p->seeds);
        own->pointers[r] = &own->runs[r];
        own->trains[i] = own->runs[r].settings.train;
        own->temps[j] = own->runs[r].settings.temp;
    }
    group->key = own->runs[0].settings;
    group->runs = own->pointers;
    group->trains = own->trains;
    group->num_trains = p->trains;
    group->temps = own->temps;
    group->num_temps = p->temps;
    group->window_lo = p->temps > 2 ? own->temps[p->temps / 2] : NAN;
    group->window_hi = p->temps > 2 ? own->temps[p->temps - 1] : NAN;
    group->weight_change = (ch_power_law){log(2), 1, gamma, group->num_runs};
    group->time = (ch_power_law){0, 1, 1 + 2 * gamma - 0.15, group->num_runs};
    group->tc = own->tc;
    group->exponents = own->exponents;
    if (p->temps > 2) {
        group->exponents[group->num_exponents++] = exponent(CH_FIT_DELTA, CH_NUM_TC, 0.984, 1);
        group->exponents[group->num_exponents++] =
            exponent(CH_FIT_GAMMA, CH_NUM_TC, p->trains > 1 ? gamma : NAN, gamma);
        group->exponents[group->num_exponents++] = exponent(CH_FIT_TIME_DELTA, CH_NUM_TC, 0.991, 1);
        group->exponents[group->num_exponents++] = exponent(CH_FIT_B, CH_NUM_TC, 0.85 + 2 * gamma, 1 + 2 * gamma);
        group->exponents[group->num_exponents++] = exponent(CH_FIT_A_SLOPE, CH_TC_ONSET, 0.021, NAN);
        group->exponents[group->num_exponents++] = exponent(CH_FIT_A_SLOPE, CH_TC_ESCAPE, gamma - 0.06, gamma);
        for (size_t i = 0; i < p->trains; i++) {
            const double onset = 0x1p-14, escape = c * pow((double)own->trains[i] / 1024, 0.06 - gamma);
            own->tc[group->num_tc++] = tc_of(own->trains[i], CH_TC_ONSET, CH_TC_INSIDE, onset);
            own->tc[group->num_tc++] = tc_of(own->trains[i], CH_TC_ESCAPE, i == 0 ? CH_TC_ABOVE : CH_TC_INSIDE, escape);
        }
    }
    own->notes[0] = strdup("gamma: 12 runs of 450 were left out, as their temperature lies under the onset; "
                           "it's a 'quoted' note with ünïcode & \\backslash.");
    group->notes = own->notes;
    group->num_notes = 1;
    *fit = (ch_fit){.groups = group, .num_groups = 1};
    fit->options = (ch_fit_options){.wanted = {[CH_TC_ONSET] = true, [CH_TC_ESCAPE] = true}, .threshold = 0.1};
}

static void uproot(planted *own)
{
    free(own->runs);
    free(own->pointers);
    free(own->notes[0]);
}
/* ---- what became of a drawing ---- */

static char directory[256];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/chiton-plots.XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) == 0 ? 0 : -1;
}

/* Reads the whole file as a string. The test fails when it is missing. */
static char *read_whole(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 22);
    assert_non_null(text);
    *length = fread(text, 1, (1 << 22) - 1, file);
    fclose(file);
    return text;
}

static size_t count_files(const char *path)
{
    char command[512];
    unsigned long count = 0;
    snprintf(command, sizeof command, "ls -A \"%s\" | wc -l", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%lu", &count), 1);
    pclose(pipe);
    return count;
}

/* Draws one planted group into `where` and reads the file. */
static char *draw(const plan *p, const char *where, ch_plot_format format, size_t *length)
{
    ch_fit fit;
    ch_fit_group group;
    planted own;
    ch_error err = {0};
    char path[400];
    plant_fit(&fit, &group, &own, p);
    const ch_code code = ch_plot_fit(&fit, where, &(const ch_plot_style){.format = format}, NULL, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(code, CH_OK);
    snprintf(path, sizeof path, "%s/perceptron-chi%g-dim128.%s", where, p->chi, ch_gnuplot_extension(format));
    uproot(&own);
    return read_whole(path, length);
}

static void test_formats(void **state)
{
    static const char *const magic[] = {[CH_PLOT_PDF] = "%PDF-", [CH_PLOT_SVG] = "<?xml", [CH_PLOT_PNG] = "\x89PNG"};
    (void)state;
    for (ch_plot_format format = 0; format < CH_PLOT_FORMATS; format++) {
        size_t length = 0;
        char *text = draw(&usual, directory, format, &length);
        assert_true(length > 10000);
        assert_memory_equal(text, magic[format], strlen(magic[format]));
        if (format == CH_PLOT_SVG) {
            assert_non_null(strstr(text, "χ = 0, d = 128"));
            assert_non_null(strstr(text, "weight change ‖Δw‖"));
            assert_non_null(strstr(text, "</svg>"));
            assert_null(strstr(text, "no data"));
        }
        free(text);
    }
    assert_int_equal(count_files(directory), CH_PLOT_FORMATS); /* no temporary file is left */
}

/* What is expected is drawn where it is known: a band and a dashed curve for each P, with an entry in the key; else the
 * caption says why there is none. */
static void test_expected_curves(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        ch_fit fit;
        ch_fit_group group;
        planted own;
        ch_error err = {0};
        char path[400], reason[] = "there is a reason";
        size_t length = 0;
        plant_fit(&fit, &group, &own, &usual);
        ch_finite_end *ends = calloc(group.num_trains * group.num_temps, sizeof *ends);
        assert_non_null(ends);
        for (size_t i = 0; i < group.num_trains * group.num_temps; i++) {
            const ch_finite_value value = {known ? 3 * own.temps[i % group.num_temps] : NAN, 0.2};
            ends[i] = (ch_finite_end){value, value, value, value, value, value};
        }
        group.expected = (ch_expected_curves){own.temps, group.num_temps, ends, known ? NULL : reason};
        assert_int_equal(ch_plot_fit(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, NULL, &err),
                         CH_OK);
        snprintf(path, sizeof path, "%s/perceptron-chi0-dim128.svg", directory);
        char *text = read_whole(path, &length);
        assert_true((strstr(text, "expected at this P and d") != NULL) == (known == 1));
        assert_true((strstr(text, "there is a reason") != NULL) == (known == 0));
        assert_true((strstr(text, "opacity='0.18'") != NULL) == (known == 1));
        free(text);
        free(ends);
        uproot(&own);
    }
}

static void test_odd_directories(void **state)
{
    static const char *const names[] = {"it's",        "two words", "ünïcode ‖Δw‖", "$(touch gotcha)`touch gotcha`",
                                        "\"quoted\";", "-o"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char where[350];
        size_t length = 0;
        ch_error err = {0};
        snprintf(where, sizeof where, "%s/%s", directory, names[i]);
        assert_int_equal(ch_plot_directory(where, &err), CH_OK);
        free(draw(&usual, where, CH_PLOT_SVG, &length));
        assert_true(length > 10000);
    }
    assert_int_not_equal(access("gotcha", F_OK), 0);
}

/* Groups with one P, one T or one seed, and groups whose runs all diverged or were all ended by a budget. Every panel
 * says what it lacks, and gnuplot accepts all scripts. */
static void test_degenerate_groups(void **state)
{
    (void)state;
    const struct {
        plan p;
        const char *says;
    } cases[] = {
        {{.trains = 1, .temps = 1, .seeds = 1, .train0 = 1, .temp0 = 0.3, .temp_factor = 2}, "needs a fitted γ"},
        {{.trains = 1, .temps = 9, .seeds = 2, .train0 = 64, .temp0 = 0.3, .temp_factor = 2}, "needs a fitted γ"},
        {{.trains = 4, .temps = 1, .seeds = 2, .train0 = 100, .temp0 = 0.3, .temp_factor = 2},
         "no critical temperature"},
        {{.trains = 4, .temps = 5, .seeds = 2, .train0 = 64, .temp0 = 1, .temp_factor = 10, .all = CH_BUDGET},
         "A budget ended 40 runs"},
        {{.trains = 4, .temps = 5, .seeds = 2, .train0 = 64, .temp0 = 1, .temp_factor = 10, .all = CH_DIVERGED},
         "no data: no run has a value above 0"},
        {{.trains = 14, .temps = 31, .seeds = 1, .train0 = 1, .temp0 = 1e-9, .temp_factor = 1.9, .censor = true},
         "A budget ended 7 runs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = 0;
        char *text = draw(&cases[i].p, directory, CH_PLOT_SVG, &length);
        assert_non_null(strstr(text, cases[i].says));
        free(text);
    }
}

static void test_groups_of_one_name(void **state)
{
    ch_fit fit;
    ch_fit_group group[2];
    planted own;
    ch_error err = {0};
    char *text = NULL;
    size_t length = 0;
    (void)state;
    plant_fit(&fit, &group[0], &own, &usual);
    group[1] = group[0];
    fit.groups = group;
    fit.num_groups = 2;
    FILE *names = open_memstream(&text, &length);
    assert_non_null(names);
    assert_int_equal(ch_plot_fit(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_SVG}, names, &err), CH_OK);
    assert_int_equal(fclose(names), 0);
    char expected[600];
    snprintf(expected, sizeof expected, "%s/perceptron-chi0-dim128.svg\n%s/perceptron-chi0-dim128.2.svg\n", directory,
             directory);
    assert_string_equal(text, expected);
    assert_int_equal(count_files(directory), 2);
    free(text);

    group[1].key.batch = 16;
    fit.differing = UINT64_C(1) << CH_SETTING_BATCH;
    char label[CH_LABEL_SIZE];
    ch_page_head *heads = NULL;
    assert_int_equal(ch_page_heads_of_groups(&fit, &heads, NULL), CH_OK);
    ch_page_head_file(&heads[1], label);
    assert_string_equal(label, "perceptron-chi0-dim128-batch16");
    ch_page_head_title(&heads[1], label);
    assert_string_equal(label, "perceptron: χ = 0, d = 128, batch = 16");
    /* the name of a file is the group's own: it does not depend on what tells the groups apart, the title does */
    for (size_t i = 0; i < 2; i++) {
        heads[i].differing = i * (UINT64_C(1) << CH_SETTING_ALPHA);
        ch_page_head_file(&heads[1], label);
        assert_string_equal(label, "perceptron-chi0-dim128-batch16");
        ch_page_head_file(&heads[0], label);
        assert_string_equal(label, "perceptron-chi0-dim128");
    }
    /* what varies on the page is no part of it, and what is of the page is */
    heads[1].varying = UINT64_C(1) << CH_SETTING_BATCH;
    heads[1].added = UINT64_C(1) << CH_SETTING_TRAIN;
    ch_page_head_file(&heads[1], label);
    assert_string_equal(label, "perceptron-chi0-dim128-train1024");
    free(heads);
    uproot(&own);
}

/* ---- what fails, and leaves nothing ---- */

static void expect_failure(const char *where, ch_code expected, const char *says)
{
    ch_fit fit;
    ch_fit_group group;
    planted own;
    ch_error err = {0};
    plant_fit(&fit, &group, &own, &usual);
    assert_int_equal(ch_plot_fit(&fit, where, &(const ch_plot_style){.format = CH_PLOT_PDF}, NULL, &err), expected);
    assert_non_null(strstr(err.message, says));
    uproot(&own);
}

/* Puts a shell script named gnuplot before all other programs of this name. */
static void plant_gnuplot(const char *script)
{
    char path[300];
    snprintf(path, sizeof path, "%s/gnuplot", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(script, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void test_gnuplot_fails(void **state)
{
    char *former = strdup(getenv("PATH")), figures[300], path[600];
    ch_error err = {0};
    (void)state;
    snprintf(figures, sizeof figures, "%s/figures", directory);
    assert_int_equal(ch_plot_directory(figures, &err), CH_OK);

    setenv("PATH", "", 1);
    expect_failure(figures, CH_ERROR_IO, "install gnuplot");

    snprintf(path, sizeof path, "%s:%s", directory, former);
    setenv("PATH", path, 1);
    plant_gnuplot("#!/bin/sh\nexit 0\n"); /* leaves an empty file and reads nothing */
    expect_failure(figures, CH_ERROR_IO, "unfinished");
    plant_gnuplot("#!/bin/sh\nprintf '\\n\\ngnuplot> x\\n   ^\\n  line 7: undefined variable: x\\n' >&2\nexit 1\n");
    expect_failure(figures, CH_ERROR_IO, "line 7: undefined variable: x");
    plant_gnuplot("#!/bin/sh\nkill -9 $$\n");
    expect_failure(figures, CH_ERROR_IO, "could not draw");
    setenv("PATH", former, 1);
    free(former);
    assert_int_equal(count_files(figures), 0);
}

/* ---- drawing that is stopped ---- */

/* The flag that a stopped drawing looks at; a signal handler raises it, as the program's does. */
static ch_stop stop_flag;

static void raise_stop(int number)
{
    (void)number;
    stop_flag = 1;
}

/* Draws the pages of two groups with a gnuplot that is the shell script, and expects that the drawing is stopped.
 * @param names  out: the printed names, to be freed by the caller */
static void expect_stop(const char *script, const char *figures, char **names)
{
    ch_fit fit;
    ch_fit_group group[2];
    planted own;
    ch_error err = {0};
    size_t length = 0;
    const ch_watch watch = {.stop = &stop_flag};
    plant_gnuplot(script);
    plant_fit(&fit, &group[0], &own, &usual);
    group[1] = group[0];
    fit.groups = group;
    fit.num_groups = 2;
    fit.options.watch = &watch;
    stop_flag = 0;
    FILE *stream = open_memstream(names, &length);
    assert_non_null(stream);
    assert_int_equal(ch_plot_fit(&fit, figures, &(const ch_plot_style){.format = CH_PLOT_SVG}, stream, &err),
                     CH_ERROR_INTERRUPTED);
    assert_int_equal(err.code, CH_ERROR_INTERRUPTED);
    assert_string_equal(err.message, "stopped before all figures were drawn");
    assert_int_equal(fclose(stream), 0);
    uproot(&own);
}

/* The file is there, and it ends as a whole figure does. */
static void assert_whole(const char *figures, const char *name)
{
    char path[600];
    size_t length = 0;
    snprintf(path, sizeof path, "%s/%s", figures, name);
    char *text = read_whole(path, &length);
    assert_non_null(strstr(text, "</svg>"));
    free(text);
}

/* Signals reach the test's own process, which is the parent of the planted gnuplot. On a terminal Ctrl-C ends gnuplot
 * as well, in the middle of its page; a signal that is sent to the program alone lets gnuplot finish the page. */
static void test_stopped_drawing_leaves_no_half_figure(void **state)
{
    char *former = strdup(getenv("PATH")), *names = NULL, figures[300], path[600];
    ch_error err = {0};
    (void)state;
    snprintf(figures, sizeof figures, "%s/figures", directory);
    assert_int_equal(ch_plot_directory(figures, &err), CH_OK);
    snprintf(path, sizeof path, "%s:%s", directory, former);
    setenv("PATH", path, 1);
    signal(SIGUSR1, raise_stop);

    expect_stop("#!/bin/sh\nprintf '<?xml'\nkill -USR1 $PPID\nkill -KILL $$\n", figures, &names);
    assert_string_equal(names, "");
    assert_int_equal(count_files(figures), 0);
    free(names);

    expect_stop("#!/bin/sh\nprintf '<?xml></svg>'\nkill -USR1 $PPID\n", figures, &names);
    char expected[600]; /* the page that was under way is whole, and no other was begun */
    snprintf(expected, sizeof expected, "%s/perceptron-chi0-dim128.svg\n", figures);
    assert_string_equal(names, expected);
    assert_int_equal(count_files(figures), 1);
    assert_whole(figures, "perceptron-chi0-dim128.svg");
    free(names);

    expect_stop("#!/bin/sh\nprintf '<?xml'\nkill -USR1 $PPID\nkill -KILL $$\n", figures, &names);
    assert_int_equal(count_files(figures), 1); /* a half page does not replace a whole one */
    assert_whole(figures, "perceptron-chi0-dim128.svg");
    free(names);

    signal(SIGUSR1, SIG_DFL);
    setenv("PATH", former, 1);
    free(former);
}

/* ---- the caller's signals ---- */

static void on_broken_pipe(int number)
{
    (void)number;
}

/* Looks, from another thread, at how the process handles SIGPIPE while gnuplot works. */
static void *look_at_sigpipe(void *handler)
{
    struct sigaction now;
    usleep(100000);
    assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
    memcpy(handler, &now.sa_handler, sizeof now.sa_handler);
    return NULL;
}

/* gnuplot reads nothing for a while, and the script is too long for a pipe. The caller's signals stay as they are. */
static void test_signals_are_the_callers(void **state)
{
    enum { LENGTH = 1 << 20 };
    char *former = strdup(getenv("PATH")), path[600], figure[300], *script = calloc(1, LENGTH);
    pthread_t thread;
    void (*seen)(int) = NULL;
    ch_error err = {0};
    (void)state;
    assert_non_null(script);
    memset(script, '\n', LENGTH);
    snprintf(figure, sizeof figure, "%s/figure.svg", directory);
    snprintf(path, sizeof path, "%s:%s", directory, former);
    setenv("PATH", path, 1);
    plant_gnuplot("#!/bin/sh\nsleep 0.3\n");
    signal(SIGPIPE, on_broken_pipe);
    assert_int_equal(pthread_create(&thread, NULL, look_at_sigpipe, &seen), 0);
    assert_int_equal(ch_gnuplot_draw(script, LENGTH, figure, CH_PLOT_SVG, &err), CH_ERROR_IO);
    assert_int_equal(pthread_join(thread, NULL), 0);
    signal(SIGPIPE, SIG_DFL);
    setenv("PATH", former, 1);
    assert_true(seen == on_broken_pipe);
    free(script);
    free(former);
}

static void test_real_gnuplot_complains(void **state)
{
    static const char script[] = "set terminal svg\nplot sin(x)\nnonsense here\n";
    char path[300];
    ch_error err = {0};
    (void)state;
    snprintf(path, sizeof path, "%s/bad.svg", directory);
    assert_int_equal(ch_gnuplot_draw(script, strlen(script), path, CH_PLOT_SVG, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "invalid command"));
    assert_int_equal(count_files(directory), 0);
}

static void test_bad_directories(void **state)
{
    char path[300];
    ch_error err = {0};
    (void)state;
    snprintf(path, sizeof path, "%s/no/such/parent", directory);
    assert_int_equal(ch_plot_directory(path, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, path));
    expect_failure(path, CH_ERROR_INPUT, "cannot write");
    snprintf(path, sizeof path, "%s/file", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ch_plot_directory(path, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "is no directory"));
    assert_int_equal(ch_plot_directory("/proc", &err), geteuid() == 0 ? CH_OK : CH_ERROR_INPUT);
    expect_failure("/proc", CH_ERROR_INPUT, "cannot write");
}

/* ---- the parts ---- */

static void test_quote(void **state)
{
    char *text = NULL;
    size_t length = 0;
    (void)state;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ch_gnuplot_quote(out, "'it's\n\"\\n` $x");
    fclose(out);
    assert_string_equal(text, "'’it’s \"\\n` $x'");
    free(text);
}

/* Names of many settings are cut, and still told apart. */
static void test_long_names(void **state)
{
    (void)state;
    ch_settings settings;
    char label[2][CH_LABEL_SIZE];
    ch_settings_default(&settings);
    settings.model = CH_ARCH_MLP;
    settings.width = 1234;
    settings.depth = 17;
    settings.dim = 12345;
    settings.test = 123456;
    settings.chi = 1.2345678;
    settings.alpha = 1.23456789e-5;
    settings.batch = 12345;
    for (size_t i = 0; i < 2; i++) {
        settings.momentum = 0.125 * (double)(1 + i);
        const ch_page_head head = {.key = &settings};
        ch_page_head_file(&head, label[i]);
        assert_int_equal(strlen(label[i]), 80);
        assert_int_equal(strspn(label[i] + 72, "0123456789abcdef"), 8);
    }
    assert_memory_equal(label[0], label[1], 72);
    assert_string_not_equal(label[0], label[1]);
}

static void test_format_names(void **state)
{
    ch_plot_format format = CH_PLOT_FORMATS;
    ch_error err = {0};
    (void)state;
    assert_int_equal(ch_plot_format_parse("png", &format, &err), CH_OK);
    assert_int_equal(format, CH_PLOT_PNG);
    assert_int_equal(ch_plot_format_parse("jpeg", &format, &err), CH_ERROR_INPUT);
    assert_string_equal(err.message, "--format is jpeg, but must be pdf, svg or png");
}

/* Two data sets have the values 1 and e^2, and the run of a third diverged: the mean is e, and one standard error is 1
 * in the logarithm. The mean of two runs on one data set is taken first. */
static void test_series(void **state)
{
    ch_run runs[5] = {0};
    const ch_run *pointers[5];
    const double values[] = {exp(-1), exp(1), exp(2), 1e9, NAN};
    for (size_t i = 0; i < 5; i++) {
        runs[i].settings.train = 8;
        runs[i].settings.temp = 0.5;
        runs[i].settings.seed_data = i < 2 ? 0 : i;
        runs[i].status = i == 3 ? CH_DIVERGED : CH_FITTED;
        runs[i].time = values[i];
        pointers[i] = &runs[i];
    }
    const ch_fit_group group = {.runs = pointers, .num_runs = 5};
    ch_series series;
    ch_error err = {0};
    (void)state;
    assert_int_equal(ch_series_init(&series, &group, offsetof(ch_run, time), &err), CH_OK);
    assert_int_equal(series.count, 1);
    assert_true(fabs(log(series.cells[0].mean) - 1) < 1e-14);
    assert_true(fabs(log(series.cells[0].lo) - 0) < 1e-14);
    assert_true(fabs(log(series.cells[0].hi) - 2) < 1e-14);
    assert_false(series.cells[0].bound);
    ch_series_free(&series);
    runs[2].status = CH_BUDGET;
    assert_int_equal(ch_series_init(&series, &group, offsetof(ch_run, time), &err), CH_OK);
    assert_true(series.cells[0].bound);
    ch_series_free(&series);
    ch_series_free(&series);
}

/* An axis of ratios has three to eight round labels. */
static void test_ratio_axis(void **state)
{
    static const struct {
        double lo, hi;
        const char *labels;
    } cases[] = {{0.91, 1.14, "('0.95' 0.9"},
                 {0.7, 1.8, "('0.8' 0.8"},
                 {0.997, 1.004, "('0.997' 0.99"},
                 {0.5, 1.95, "('0.6' 0.6"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL;
        size_t length = 0, labels = 0;
        FILE *out = open_memstream(&text, &length);
        assert_non_null(out);
        ch_axis_write(&(ch_axis){cases[i].lo, cases[i].hi, false}, out, "y", CH_SCALE_POWERS, CH_AXIS_LABELS);
        assert_int_equal(fclose(out), 0);
        if (strstr(text, cases[i].labels) == NULL) {
            fail_msg("%s", text);
        }
        for (const char *c = text; (c = strchr(c, ',')) != NULL; c++) {
            labels++;
        }
        assert_in_range(labels, 3, 9);
        free(text);
    }
}

/* A fit without cells has no collapse, and there is no page for it. */
static void test_no_collapse_no_page(void **state)
{
    ch_fit fit;
    ch_fit_group group;
    planted own;
    ch_error err = {0};
    (void)state;
    plant_fit(&fit, &group, &own, &usual);
    assert_int_equal(ch_plot_collapse(&fit, directory, &(const ch_plot_style){.format = CH_PLOT_PDF}, NULL, &err),
                     CH_OK);
    assert_int_equal(count_files(directory), 0);
    uproot(&own);
}

static void test_number_text(void **state)
{
    char name[64], cut[8];
    ch_name_text("error_shift", name, sizeof name); /* a plain underscore would make a subscript */
    assert_string_equal(name, "error\\_shift");
    ch_name_text("onset", name, sizeof name);
    assert_string_equal(name, "onset");
    ch_name_text("error_shift", cut, sizeof cut);
    assert_string_equal(cut, "error\\_");
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1, "1"},     {0.125, "2^{−3}"}, {1024, "2^{10}"},  {1000, "10^{3}"},
                 {0.7, "0.7"}, {3000, "3000"},    {1.0 / 3, "0.333"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        ch_number_text(cases[i].value, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

/* ---- the command ---- */

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

static void test_command(void **state)
{
    static const struct {
        const char *line;
        int status;
        const char *says;
    } cases[] = {
        {"$C plot $D/s -o $D/f", CH_EXIT_OK, "/f/perceptron-chi1-dim8.pdf\n"},
        {"$C plot $D/s -o $D/f --format svg --where 'chi = 0'", CH_EXIT_OK, "/f/perceptron-chi0-dim8.svg\n"},
        {"$C plot $D/s -o $D/f --where 'chi = 7'", CH_EXIT_USAGE, "nothing to plot"},
        {"$C plot $D/s -o $D/g --where 'cho = 7'", CH_EXIT_USAGE, "cho"},
        {"$C plot $D/s -o $D/g --format jpg", CH_EXIT_USAGE, "pdf, svg or png"},
        {"$C plot $D/s", CH_EXIT_USAGE, "-o DIR"},
        {"$C plot -o $D/g", CH_EXIT_USAGE, "takes one store"},
        {"$C plot $D/missing -o $D/g", CH_EXIT_USAGE, "missing"},
        {"$C plot $D/s -o $D/s", CH_EXIT_USAGE, "no directory"},
        {"$C plot $D/s -o $D/g/h", CH_EXIT_USAGE, "cannot make the directory"},
        {"PATH= $C plot $D/s -o $D/f --format png", CH_EXIT_FAILED, "install gnuplot"},
        {"$C plot $D/s -o $D/f > /dev/full", CH_EXIT_FAILED, "chiton: "},
        {"test ! -e $D/g", 0, ""}, /* no refused command has made its directory */
        {"ls -A $D/f | tr '\\n' ' '", 0,
         "perceptron-chi0-dim8-error.pdf perceptron-chi0-dim8-error.svg perceptron-chi0-dim8.pdf "
         "perceptron-chi0-dim8.svg "
         "perceptron-chi1-dim8-error.pdf perceptron-chi1-dim8.pdf "},
    };
    char said[4096];
    (void)state;
    assert_int_equal(shell("$C sweep perceptron --chi 0,1 --dim 8 --train 16,32 --temp 2^-2..2^1 --seed 0,1 -o $D/s "
                           "2> /dev/null",
                           said, sizeof said),
                     CH_EXIT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int status = shell(cases[i].line, said, sizeof said);
        if (status != cases[i].status || strstr(said, cases[i].says) == NULL) {
            fail_msg("%s: exit %d, expected %d; it said: %s", cases[i].line, status, cases[i].status, said);
        }
    }
}

/* A gnuplot that sends Ctrl-C's signal to the program while it draws. It is either ended as well, with half a page
 * written, or finishes its page. */
static void test_interrupted_command(void **state)
{
    static const struct {
        const char *gnuplot, *files;
    } cases[] = {
        {"#!/bin/sh\nprintf '<?xml'\nkill -INT $PPID\nkill -KILL $$\n", ""},
        {"#!/bin/sh\nprintf '<?xml></svg>'\nkill -INT $PPID\n", "perceptron-chi0-dim8.svg "},
    };
    char said[4096];
    (void)state;
    assert_int_equal(shell("$C sweep perceptron --chi 0,1 --dim 8 --train 16,32 --temp 2^-2..2^1 --seed 0,1 -o $D/s "
                           "2> /dev/null",
                           said, sizeof said),
                     CH_EXIT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        plant_gnuplot(cases[i].gnuplot);
        const int status = shell("PATH=\"$D:$PATH\" $C plot $D/s -o $D/f --format svg", said, sizeof said);
        assert_int_equal(status, CH_EXIT_INTERRUPTED);
        assert_non_null(strstr(said, "stopped before all figures were drawn"));
        assert_int_equal(strstr(said, ".svg\n") != NULL, cases[i].files[0] != '\0'); /* the name of a whole figure */
        assert_int_equal(shell("ls -A $D/f | tr '\\n' ' '", said, sizeof said), 0);
        assert_string_equal(said, cases[i].files);
    }
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_formats),
        IN_DIRECTORY(test_expected_curves),
        IN_DIRECTORY(test_odd_directories),
        IN_DIRECTORY(test_degenerate_groups),
        IN_DIRECTORY(test_groups_of_one_name),
        IN_DIRECTORY(test_gnuplot_fails),
        IN_DIRECTORY(test_stopped_drawing_leaves_no_half_figure),
        IN_DIRECTORY(test_signals_are_the_callers),
        IN_DIRECTORY(test_real_gnuplot_complains),
        IN_DIRECTORY(test_bad_directories),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_format_names),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_number_text),
        cmocka_unit_test(test_ratio_axis),
        IN_DIRECTORY(test_no_collapse_no_page),
        IN_DIRECTORY(test_command),
        IN_DIRECTORY(test_interrupted_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
