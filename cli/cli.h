/* cli.h — functions that all commands use: options, messages, exit status, output, signals. Not part of the library. */
#ifndef CH_CLI_H
#define CH_CLI_H

#include "chiton.h"
#include "cli/page.h"

#include <jansson.h>
#include <popt.h>
#include <stdio.h>

enum { CH_EXIT_OK = 0, CH_EXIT_FAILED = 1, CH_EXIT_USAGE = 2, CH_EXIT_INTERRUPTED = 130 };

/** Prints "chiton: message" on standard error and returns the exit status that belongs to the code. */
int ch_cli_fail(const ch_error *err);

/** One --SETTING VALUE of the command line. */
typedef struct {
    size_t setting; /* index in ch_settings_table */
    char *text;     /* the value as it was written; owned */
} ch_cli_setting;

/** A parsed command line. The values of the command's own options are stored where the option table points to. */
typedef struct {
    poptContext context;
    const char **argv;        /* the arguments that the context reads; owned array, borrowed strings */
    struct poptOption *table; /* own options, --help, and the settings if they are accepted; owned */
    char *spellings;          /* spellings like --max-steps for --max_steps; the table points to them; owned */
    const char **arguments;   /* [num_arguments] arguments that are no options; borrowed from the context */
    size_t num_arguments;
    ch_cli_setting *settings; /* [num_settings] in the order of the command line; owned */
    size_t num_settings, settings_capacity;
    bool help; /* --help was given, and help is printed: the command has nothing more to do */
} ch_cli;

/** Parses argv.
 *
 *  Every setting and every own option may be given once. popt allocates the strings of own options; the caller frees
 *  them, also after an error.
 *
 *  @param argv           [argc] beginning with the command's name; must outlive `self`
 *  @param options        the command's own options without --help, at most 64, each with val 0, ended by POPT_TABLEEND
 *  @param with_settings  accept every row of ch_settings_table as --NAME VALUE, also with '-' in place of '_'
 *  @param usage          a line for help, e.g. "run MODEL [--SETTING VALUE]..."
 *  @return CH_OK; CH_ERROR_INPUT for an unknown option (with the nearest name), a missing or repeated value;
 *          CH_ERROR_MEMORY; CH_ERROR_IO when help could not be printed
 */
ch_code ch_cli_init(ch_cli *self, int argc, const char **argv, const struct poptOption *options, bool with_settings,
                    const char *usage, ch_error *err) CH_MUST_CHECK;
void ch_cli_free(ch_cli *self);

/** Refuses a model that is named in two ways, as `run perceptron --model mlp`.
 *  @param model  the command's first argument
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_check_model(const ch_cli *self, const char *model, ch_error *err) CH_MUST_CHECK;

/** Prints every setting with its meaning, accepted values and default. */
void ch_cli_print_settings(FILE *out);

/** Refuses a number of threads that is not 1 to 4096.  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_check_threads(int threads, ch_error *err) CH_MUST_CHECK;

/** The row of an option table for the folder of kernel files. popt allocates its name; the caller frees it. */
#define CH_CLI_KERNEL_CACHE(name)                                                                                      \
    {                                                                                                                  \
        "kernel-cache", '\0', POPT_ARG_STRING, name, 0,                                                                \
            "folder that keeps the tangent kernels of twins, made when missing (default: none is kept)", "DIR"         \
    }

/** The row of an option table for reading a store of which some runs are damaged. */
#define CH_CLI_SKIP_DAMAGED(flag)                                                                                      \
    {                                                                                                                  \
        "skip-damaged", '\0', POPT_ARG_NONE, flag, 0, "leave out runs that are damaged, and say how many", NULL        \
    }

/** Refuses a command line that names no store.
 *  @param command  the command's name
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_check_stores(const ch_cli *self, const char *command, ch_error *err) CH_MUST_CHECK;

/** Opens the stores that the command line names to read them, as one.
 *  @param skip_damaged  whether damaged runs are left out
 *  @return as ch_store_open_joined */
ch_code ch_cli_open_stores(ch_store *store, const ch_cli *cli, bool skip_damaged, ch_error *err) CH_MUST_CHECK;

/** Says on standard error how many damaged runs were left out, and what is wrong with the first; nothing where there
 *  are none. */
void ch_cli_say_left_out(uint64_t num_damaged, const ch_error *damage);

/** The same of the damaged runs of a store. */
void ch_cli_say_damaged(const ch_store *store);

/** Refuses a folder of kernel files when no run has a kernel that it could keep.
 *  @param folder  NULL where none is named
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_check_kernels(const char *folder, bool has_twins, ch_error *err) CH_MUST_CHECK;

/** Refuses a folder of kernel files that is no folder or that cannot be made or written. Makes nothing.
 *  @param folder  NULL where none is named
 *  @return CH_OK; CH_ERROR_INPUT where it cannot be made or written; otherwise as ch_kernel_file_make_folder */
ch_code ch_cli_admit_kernels(const char *folder, ch_error *err) CH_MUST_CHECK;

/** Makes the folder of kernel files if one is named.  @return as ch_cli_admit_kernels */
ch_code ch_cli_open_kernels(const char *folder, ch_error *err) CH_MUST_CHECK;

/** The folder of tables that are made once (perceptron/finite/box_file.h), made when missing: $CHITON_CACHE, or
 *  $XDG_CACHE_HOME/chiton, or $HOME/.cache/chiton.
 *  @return to be released with free(); NULL where there is none that can be written: then nothing is kept */
char *ch_cli_cache_folder(void) __attribute__((warn_unused_result));

/** Refuses a stack of the program (ulimit -s) or of its threads (OMP_STACKSIZE) that is too small for its work.
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_check_stack(ch_error *err) CH_MUST_CHECK;

/** Catches the signals by which people, terminals, schedulers and limits end a program: SIGINT, SIGTERM, SIGHUP,
 *  SIGUSR1, SIGXCPU and SIGXFSZ, unless it was started with them ignored, as nohup does. The first of them raises the
 *  returned flag, which ends a watched computation (core/watch.h). A second SIGINT or SIGTERM ends the program at once;
 *  the others may come more than once for one reason. */
ch_stop *ch_cli_catch_signals(void);

/** Reads a span of time: numbers with the units d, h, m and s, as 3h50m, 90s or 1.5h. A later unit is smaller.
 *  @param option   the option's name, for the message
 *  @param seconds  out: more than 0
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_read_duration(const char *option, const char *text, double *seconds, ch_error *err) CH_MUST_CHECK;

/** The row of an option table for the time after which a command ends. popt allocates its text; the caller frees it. */
#define CH_CLI_UNTIL(text)                                                                                             \
    {                                                                                                                  \
        "until", '\0', POPT_ARG_STRING, text, 0, "end after this time as after a signal, e.g. 3h50m or 90s", "TIME"    \
    }

#define CH_CLI_CHECKPOINT(text)                                                                                        \
    {                                                                                                                  \
        "checkpoint", '\0', POPT_ARG_STRING, text, 0,                                                                  \
            "keep the state of runs under way in the store, as often as this, e.g. 10m", "TIME"                        \
    }

/** Reads the time of --checkpoint.
 *  @param text     NULL where the option is not given
 *  @param seconds  out: 0 where it is not given
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_read_checkpoint(const char *text, double *seconds, ch_error *err) CH_MUST_CHECK;

/** Raises the flag of ch_cli_catch_signals when the time of --until is over, counted from now. Setting the system's
 *  clock does not change it.
 *  @param text  NULL where the option is not given: nothing is done
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_stop_after(const char *text, ch_error *err) CH_MUST_CHECK;

/** Prints a JSON value and a newline on standard output, and flushes it.  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_IO
 */
ch_code ch_cli_print_json(const json_t *value, ch_error *err) CH_MUST_CHECK;

#endif
