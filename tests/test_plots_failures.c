/* test_plots_failures.c — drawing that fails or is stopped leaves nothing half done; and the command. */
#include "tests/plots_plant.h"

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

/* ---- the command ---- */

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
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_gnuplot_fails),           IN_DIRECTORY(test_stopped_drawing_leaves_no_half_figure),
        IN_DIRECTORY(test_signals_are_the_callers), IN_DIRECTORY(test_real_gnuplot_complains),
        IN_DIRECTORY(test_bad_directories),         IN_DIRECTORY(test_command),
        IN_DIRECTORY(test_interrupted_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
