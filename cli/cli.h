/* cli.h — what the commands share: option parsing, messages, exit status, JSON of a run. Not part of the library. */
#ifndef CH_CLI_H
#define CH_CLI_H

#include "chiton.h"

#include <jansson.h>
#include <popt.h>
#include <stdio.h>

enum { CH_EXIT_OK = 0, CH_EXIT_FAILED = 1, CH_EXIT_USAGE = 2, CH_EXIT_INTERRUPTED = 130 };

/** Prints "chiton: message" on standard error and returns the exit status that belongs to the code. */
int ch_cli_fail(const ch_error *err);

/** One --SETTING VALUE as it stood on the command line. */
typedef struct {
    size_t setting;
    char *text; /* owned */
} ch_cli_setting;

/** A parsed command line: the command's own options have been stored through `options`' pointers. */
typedef struct {
    poptContext context;
    const char **argv;        /* what the context reads; owned array, borrowed strings */
    struct poptOption *table; /* own options, --help, then the settings where asked; owned */
    char *spellings;          /* --max-steps for --max_steps, which the table points to; owned */
    const char **arguments;   /* [num_arguments] what is no option; borrowed from the context */
    size_t num_arguments;
    ch_cli_setting *settings; /* [num_settings] in order; owned */
    size_t num_settings, settings_capacity;
    bool help; /* --help was asked for and printed: exit 0 */
} ch_cli;

/** Parses argv.
 *
 *  Every setting and every own option may stand once. Strings that popt stores for own options are the caller's to
 *  free, also after a failure.
 *
 *  @param argv           [argc] the command's name first; must outlive `self`
 *  @param options        the command's own, at most 64, ended by POPT_TABLEEND, each with val 0, without --help
 *  @param with_settings  accept every row of ch_settings_table as --NAME VALUE ('-' standing for '_')
 *  @param usage          e.g. "run MODEL [--SETTING VALUE]..."
 *  @return CH_OK; CH_ERROR_INPUT for an unknown option (with the nearest name), a missing or repeated value;
 *          CH_ERROR_MEMORY; CH_ERROR_IO when help could not be printed
 */
ch_code ch_cli_init(ch_cli *self, int argc, const char **argv, const struct poptOption *options, bool with_settings,
                    const char *usage, ch_error *err) CH_MUST_CHECK;
void ch_cli_free(ch_cli *self);

/** Prints the settings with what they are, accept and default to. */
void ch_cli_print_settings(FILE *out);

/** Refuses a number of threads outside of 1 to 4096.  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_check_threads(int threads, ch_error *err) CH_MUST_CHECK;

/** The option for a folder of kernel files, whose name popt stores for the caller to free. */
#define CH_CLI_KERNEL_CACHE(name)                                                                                      \
    {                                                                                                                  \
        "kernel-cache", '\0', POPT_ARG_STRING, name, 0,                                                                \
            "folder that keeps the tangent kernels of twins, made when missing (default: none is kept)", "DIR"         \
    }

/** Refuses a folder of kernel files, NULL being none, where there is no run whose kernel it could keep.
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_cli_check_kernels(const char *folder, bool has_twins, ch_error *err) CH_MUST_CHECK;

/** Makes the folder of kernel files, if one is named. @return as ch_kernel_cache_make_folder */
ch_code ch_cli_open_kernels(const char *folder, ch_error *err) CH_MUST_CHECK;

/** Raises a flag on SIGINT and SIGTERM; a second signal kills. The flag is what ch_train takes as `stop`. */
ch_stop *ch_cli_catch_signals(void);

/** Writes all of a JSON value and a newline to standard output. @return CH_OK, CH_ERROR_IO */
ch_code ch_cli_print_json(const json_t *value, ch_error *err) CH_MUST_CHECK;

/** Flushes standard output: a full disk or closed pipe must not pass for success. @return CH_OK, CH_ERROR_IO */
ch_code ch_cli_flush(ch_error *err) CH_MUST_CHECK;

#endif
