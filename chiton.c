/* chiton.c — the program: finds the command and calls it. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "core/available.h"
#include "core/names.h"

#include <gsl/gsl_errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *help;
} command;

static const command commands[] = {
    {"run", ch_cmd_run, "one training: a table, or --json"},
    {"sweep", ch_cmd_sweep, "many trainings on all cores, into a store"},
    {"list", ch_cmd_list, "what is in a store"},
    {"fit", ch_cmd_fit, "exponents with errors, next to theory"},
    {"plot", ch_cmd_plot, "figures, one page a group of runs"},
    {"report", ch_cmd_report, "one page to send: numbers, notes, figures, settings, and every run"},
    {"theory", ch_cmd_theory, "exponents, constants, end of training and online ODE, as predicted"},
    {"export", ch_cmd_export, "every run a row, for pandas, R or Julia"},
    {"merge", ch_cmd_merge, "runs of several stores into one"},
    {"delete", ch_cmd_delete, "runs of a store, with all that belongs to them"},
    {"data", ch_cmd_data, "image files: what is there, and where to get them"},
    {"selftest", ch_cmd_selftest, "are the errors of fits to be trusted?"},
};
enum { NUM_COMMANDS = sizeof commands / sizeof *commands };

static void print_usage(FILE *file)
{
    fputs("chiton: a laboratory for SGD noise\n\nusage: chiton COMMAND [OPTION]...\n\n", file);
    for (size_t i = 0; i < NUM_COMMANDS; i++) {
        fprintf(file, "  %-8s %s\n", commands[i].name, commands[i].help);
    }
    fputs("\nchiton help COMMAND says more; chiton --version prints the version.\n", file);
}

/* The command of a name; NULL for none. */
static const command *find_command(const char *name)
{
    for (size_t i = 0; i < NUM_COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* Refuses a word that is no command, and names the command that is most like it. */
static int refuse_unknown(const char *word)
{
    const char *names[NUM_COMMANDS];
    for (size_t i = 0; i < NUM_COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    const char *nearest = ch_names_nearest(word, names, NUM_COMMANDS);
    ch_error err;
    ch_error_set(&err, CH_ERROR_INPUT, "unknown command '%s'%s%s%s; chiton --help lists them", word,
                 nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "", nearest != NULL ? "'" : "");
    return ch_cli_fail(&err);
}

/* Flushes what was printed, and returns the exit status. */
static int finish(void)
{
    ch_error err;
    return ch_cli_flush(&err) == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}

/* Lets OpenMP run threads within threads. A sweep runs several runs at a time, and a run may have several threads of
 * its own; OpenMP's default would give it one. The setting is one of the whole process, so the program makes it and the
 * library does not. */
static void allow_nested_threads(void)
{
    enum { SWEEP_AND_RUN = 2 };
    if (omp_get_max_active_levels() < SWEEP_AND_RUN) {
        omp_set_max_active_levels(SWEEP_AND_RUN);
    }
}

/* Takes no more threads by default than the process has processors, since OpenMP knows neither quotas nor batch jobs,
 * and no more than the system starts, since OpenMP ends a process for which it cannot start one. */
static void limit_threads(void)
{
    const int available = ch_processors_available();
    if (omp_get_max_threads() > available && getenv("OMP_NUM_THREADS") == NULL) {
        omp_set_num_threads(available);
    }
    const int wanted = omp_get_max_threads(), possible = ch_threads_available(wanted);
    if (possible < wanted) {
        (void)fprintf(stderr, "the system does not start %d threads; this command uses %d\n", wanted, possible);
        omp_set_num_threads(possible);
    }
}

/* Called by GSL for every failure. GSL's own handler aborts; here a failure is a code, which the library checks. A lack
 * of memory is the exception: some functions of GSL allocate within and go on without looking whether they could, so
 * that the program ends here. Runs that are finished are in the store by then. */
static void take_gsl_failure(const char *reason, const char *file, int line, int code)
{
    (void)reason, (void)file, (void)line;
    if (code != GSL_ENOMEM) {
        return;
    }
    (void)fputs("chiton: not enough memory for a numerical routine\n", stderr);
    (void)fflush(stdout);
    _exit(CH_EXIT_FAILED);
}

static int print_help(void)
{
    ch_cli_page page;
    ch_error err;
    ch_code code = ch_cli_page_open(&page, &err);
    if (code == CH_OK) {
        print_usage(page.out);
        code = ch_cli_page_close(&page, &err);
    }
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}

/* `chiton help` and `chiton help COMMAND`. */
static int help(int argc, const char **argv)
{
    if (argc < 3) {
        return print_help();
    }
    const command *found = find_command(argv[2]);
    const char *asked[] = {argv[2], "--help", NULL};
    return found != NULL ? found->run(2, asked) : refuse_unknown(argv[2]);
}

int main(int argc, const char **argv)
{
    ch_error err;
    if (ch_cli_check_stack(&err) != CH_OK) {
        return ch_cli_fail(&err);
    }
    gsl_set_error_handler(take_gsl_failure);
    allow_nested_threads();
    if (argc < 2) {
        print_usage(stderr);
        return CH_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        return help(argc, argv);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("chiton " CH_VERSION);
        return finish();
    }
    const command *found = find_command(argv[1]);
    if (found == NULL) {
        return refuse_unknown(argv[1]);
    }
    limit_threads();
    return found->run(argc - 1, argv + 1);
}
