/* cmd_fit.c — `chiton fit`: fits the runs of a store, and prints exponents and critical temperatures. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "fit/collapse/collapse.h"
#include "fit/fit.h"
#include "fit/phase/phase.h"
#include "fit/reports/reports.h"
#include "fit/table/advice.h"
#include "fit/twins/lazy.h"

#include <stdlib.h>
#include <string.h>

/* The options of the command line. popt allocates the strings; arguments_free frees them. */
typedef struct {
    char *tc, *where, *collapse;
    char *fix, *bound, *tie;
    double threshold, shift, sigmas;
    int json, csv, latex, details, skip_damaged;
} fit_arguments;

static void arguments_free(fit_arguments *self)
{
    free(self->tc);
    free(self->where);
    free(self->collapse);
    free(self->fix);
    free(self->bound);
    free(self->tie);
}

/* Sets the constraints that --fix, --bound and --tie name. */
static ch_code hold(const fit_arguments *chosen, ch_fit_options *options, ch_error *err)
{
    ch_code code = chosen->fix != NULL ? ch_fit_options_fix(options, chosen->fix, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    code = chosen->bound != NULL ? ch_fit_options_bound(options, chosen->bound, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    return chosen->tie != NULL ? ch_fit_options_tie(options, chosen->tie, err) : CH_OK;
}

/* Refuses arguments that do not go together. */
static ch_code check(const ch_cli *cli, const fit_arguments *chosen, ch_error *err)
{
    const ch_code code = ch_cli_check_stores(cli, "fit", err);
    if (code != CH_OK) {
        return code;
    }
    if (chosen->json + chosen->csv + chosen->latex + chosen->details > 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "fit prints one of --details, --json, --csv and --latex at a time");
    }
    return CH_OK;
}

/* Chooses the definition of T_c with this name, and no other. */
static ch_code choose_definition(const char *name, ch_fit_options *options, ch_error *err)
{
    ch_tc_definition definition = CH_TC_ONSET;
    if (!ch_tc_definition_parse(name, &definition)) {
        char names[128];
        ch_tc_definition_list(names, sizeof names, ", ", " or ");
        return ch_error_set(err, CH_ERROR_INPUT, "--tc = %s is not accepted: %s is (all by default)", name, names);
    }
    for (int d = 0; d < CH_NUM_TC; d++) {
        options->wanted[d] = (int)definition == d;
    }
    return CH_OK;
}

/* Sets the options of the fit to those of the command line. */
static ch_code set_options(const fit_arguments *chosen, ch_fit_options *options, ch_error *err)
{
    options->threshold = chosen->threshold;
    options->shift = chosen->shift;
    options->sigmas = chosen->sigmas;
    ch_code code = chosen->tc != NULL ? choose_definition(chosen->tc, options, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    code = hold(chosen, options, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_fit_options_check(options, err);
}

/* Reads the runs to fit from the stores.
 * @param where         condition in SQL; NULL for all runs
 * @param skip_damaged  whether damaged runs are left out */
static ch_code read_runs(ch_run_table *table, const ch_cli *cli, const char *where, bool skip_damaged, ch_error *err)
{
    ch_store store;
    ch_code code = ch_cli_open_stores(&store, cli, skip_damaged, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_select(&store, where, false, table, err);
    if (code != CH_OK) {
        goto out;
    }
    if (table->count == 0) {
        code = ch_error_set(err, CH_ERROR_INPUT,
                            where == NULL ? "%s holds no run to fit: sweep into it first"
                                          : "%s holds no run that fulfils --where %s",
                            store.path, where);
    }
out:
    ch_cli_say_damaged(&store);
    ch_store_close(&store);
    return code;
}

/* All that is found in a store. */
typedef struct {
    ch_fit fit;
    ch_collapse_list collapses;
    ch_phase_list phases;
    ch_regimes_list regimes;
    ch_spectrum_list spectra;
    ch_lazy_list twins;
} fit_findings;

/* Prints the report as one JSON object. */
static ch_code print_json(const fit_findings *found, bool collapse, ch_error *err)
{
    json_t *report = ch_fit_json(&found->fit);
    ch_code code = CH_OK;
    if (report == NULL) {
        return ch_error_memory(err, "a JSON text");
    }
    code = collapse ? ch_collapse_add_json(&found->collapses, report, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = ch_phase_add_json(&found->phases, report, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_regimes_add_json(&found->regimes, report, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_spectrum_add_json(&found->spectra, report, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_lazy_add_json(&found->twins, report, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_cli_print_json(report, err);
out:
    json_decref(report);
    return code;
}

static void print_csv(const fit_findings *found, bool collapse)
{
    ch_fit_print_csv(&found->fit, stdout);
    if (collapse) {
        ch_collapse_print_csv(&found->collapses, &found->fit, stdout);
    }
    ch_phase_print_csv(&found->phases, stdout);
    ch_regimes_print_csv(&found->regimes, stdout);
    ch_spectrum_print_csv(&found->spectra, stdout);
    ch_lazy_print_csv(&found->twins, &found->fit, stdout);
}

static void print_latex(const fit_findings *found, bool collapse)
{
    ch_fit_print_latex(&found->fit, stdout);
    if (collapse) {
        ch_collapse_print_latex(&found->collapses, &found->fit, stdout);
    }
    ch_phase_print_latex(&found->phases, stdout);
    ch_regimes_print_latex(&found->regimes, stdout);
    ch_lazy_print_latex(&found->twins, &found->fit, stdout);
}

/* Prints the report in the form that was asked for. */
static ch_code print_report(const fit_findings *found, const fit_arguments *chosen, ch_error *err)
{
    const bool collapse = chosen->collapse != NULL;
    if (chosen->json) {
        return print_json(found, collapse, err);
    }
    if (chosen->csv || chosen->latex) {
        (chosen->csv ? print_csv : print_latex)(found, collapse);
        return ch_cli_flush(err);
    }
    ch_cli_page page;
    const ch_code code = ch_cli_page_open(&page, err);
    if (code != CH_OK) {
        return code;
    }
    (chosen->details ? ch_fit_print_details : ch_fit_print)(&found->fit, page.out);
    if (collapse) {
        ch_collapse_print(&found->collapses, &found->fit, page.out);
    }
    ch_phase_print(&found->phases, page.out);
    ch_regimes_print(&found->regimes, page.out);
    ch_spectrum_print(&found->spectra, &found->fit, page.out);
    ch_lazy_print(&found->twins, &found->fit, page.out);
    return ch_cli_page_close(&page, err);
}

/* The first note of a group that begins with a text; NULL without one. */
static const char *note_beginning(const ch_fit_group *group, const char *text)
{
    for (size_t i = 0; i < group->num_notes; i++) {
        if (strncmp(group->notes[i], text, strlen(text)) == 0) {
            return group->notes[i];
        }
    }
    return NULL;
}

/* The note that says why a group has no exponent. That no onset was found is no such reason: the power laws are then
 * fitted to all T. */
static const char *reason(const ch_fit_group *group)
{
    static const char *const beginnings[] = {"no exponents", "no delta", "no gamma", "no "};
    const char *note = NULL;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings && note == NULL; i++) {
        note = note_beginning(group, beginnings[i]);
    }
    if (note == NULL) {
        return "there is too little in it";
    }
    const char *prefix = "no exponents: "; /* the message says this already */
    return strncmp(note, prefix, strlen(prefix)) == 0 ? note + strlen(prefix) : note;
}

/* Returns an error when the report has no exponent, no phase diagram, no regimes, no spectrum and no twin. The report
 * is printed before, because its notes say what is missing. */
static ch_code check_found(const fit_findings *found, const char *path, ch_error *err)
{
    const ch_fit *fit = &found->fit;
    size_t count = found->phases.count + found->regimes.count + found->spectra.count + found->twins.count;
    for (size_t g = 0; g < fit->num_groups; g++) {
        count += fit->groups[g].num_exponents;
    }
    if (count > 0) {
        return CH_OK;
    }
    char *sentence = NULL;
    ch_code code = ch_advice_sentence(&sentence, &fit->groups[0], CH_ADVICE_ALL, err,
                                      "no exponent could be fitted to %s (%zu group%s): %s", path, fit->num_groups,
                                      fit->num_groups == 1 ? "" : "s", reason(&fit->groups[0]));
    if (code != CH_OK) {
        goto out;
    }
    code = ch_error_set(err, CH_ERROR_NUMERIC, "%s", sentence);
out:
    free(sentence);
    return code;
}

/* Returns an error when a collapse was asked for and no group has one. */
static ch_code check_collapsed(const ch_collapse_list *collapses, const char *path, ch_error *err)
{
    for (size_t i = 0; i < collapses->count; i++) {
        if (collapses->items[i].reason == NULL) {
            return CH_OK;
        }
    }
    /* A reason may end in a command. A message is too short for a long reason, which is therefore cut before the
     * command: part of a command would be another command. The report has all of it. */
    const size_t room = 700;
    const char *why = collapses->items[0].reason, *command = strstr(why, ": try ");
    const size_t length = strlen(why) < room || command == NULL ? strlen(why) : (size_t)(command - why);
    return ch_error_set(err, CH_ERROR_NUMERIC, "%s (%zu group%s): %.*s", path, collapses->count,
                        collapses->count == 1 ? "" : "s", (int)length, why);
}

/* ---- the work ---- */

/* Progress is shown after this many seconds. Most fits take less. */
static const double patience = 1;

/* Fits a table, and finds its phase diagrams, its twins, and its collapses where a quantity is given. */
static ch_code find_all(fit_findings *self, const ch_run_table *table, const ch_collapse_quantity *quantity,
                        const ch_fit_options *options, ch_error *err)
{
    ch_meter meter;
    ch_meter_start(&meter, "replicas", patience);
    const ch_watch watch = ch_meter_watch(&meter, ch_cli_catch_signals());
    ch_fit_options watched = *options;
    watched.watch = &watch;
    ch_code code = ch_fit_init(&self->fit, table, &watched, err);
    ch_meter_finish(&meter);
    if (code != CH_OK) {
        return code;
    }
    if (quantity != NULL) {
        ch_meter_start(&meter, "replicas", patience);
        code = ch_collapse_list_init(&self->collapses, &self->fit, *quantity, err);
        ch_meter_finish(&meter);
        if (code != CH_OK) {
            return code;
        }
    }
    ch_meter_start(&meter, "replicas", patience);
    code = ch_phase_list_init(&self->phases, &self->fit, err);
    ch_meter_finish(&meter);
    if (code != CH_OK) {
        return code;
    }
    ch_meter_start(&meter, "replicas", patience);
    code = ch_regimes_list_init(&self->regimes, &self->fit, err);
    ch_meter_finish(&meter);
    self->fit.options.watch = NULL; /* the watch ends with this function */
    if (code != CH_OK) {
        return code;
    }
    code = ch_spectrum_list_init(&self->spectra, &self->fit, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_lazy_list_init(&self->twins, &self->fit, err);
}

static ch_code fit_stores(const ch_cli *cli, const fit_arguments *chosen, const ch_fit_options *options, ch_error *err)
{
    ch_run_table table = {0};
    fit_findings found = {0};
    ch_collapse_quantity quantity = CH_COLLAPSE_WEIGHT_CHANGE;
    const char *name = cli->num_arguments == 1 ? cli->arguments[0] : "the stores"; /* in messages */
    const bool collapse = chosen->collapse != NULL;
    ch_code code = collapse ? ch_collapse_quantity_parse(chosen->collapse, &quantity, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = read_runs(&table, cli, chosen->where, chosen->skip_damaged != 0, err);
    if (code != CH_OK) {
        goto out;
    }
    code = find_all(&found, &table, collapse ? &quantity : NULL, options, err);
    if (code != CH_OK) {
        goto out;
    }
    code = print_report(&found, chosen, err);
    if (code != CH_OK) {
        goto out;
    }
    code = check_found(&found, name, err);
    if (code != CH_OK || !collapse) {
        goto out;
    }
    code = check_collapsed(&found.collapses, name, err);
out:
    ch_lazy_list_free(&found.twins);
    ch_phase_list_free(&found.phases);
    ch_regimes_list_free(&found.regimes);
    ch_spectrum_list_free(&found.spectra);
    ch_collapse_list_free(&found.collapses);
    ch_fit_free(&found.fit);
    ch_run_table_free(&table);
    return code;
}

int ch_cmd_fit(int argc, const char **argv)
{
    ch_fit_options options;
    ch_fit_options_default(&options);
    fit_arguments chosen = {.threshold = options.threshold, .shift = options.shift, .sigmas = options.sigmas};
    char names[128], choice[128], tc_help[256], usage[512];
    ch_tc_definition_list(names, sizeof names, ", ", " or ");
    ch_tc_definition_list(choice, sizeof choice, "|", "|");
    snprintf(tc_help, sizeof tc_help, "find T_c by this definition only: %s; error is error_shift", names);
    snprintf(
        usage, sizeof usage,
        "fit STORE... [--tc %s] [--threshold X] [--shift X] [--sigmas K] "
        "[--fix NAME=X,...] [--bound NAME=LO:HI,...] [--tie NAME=[C+][K*]OTHER,...] "
        "[--collapse weight_change|time|test_error] [--where EXPR] [--skip-damaged] [--details|--json|--csv|--latex]",
        choice);
    const struct poptOption table[] = {
        {"tc", '\0', POPT_ARG_STRING, &chosen.tc, 0, tc_help, "DEFINITION"},
        {"threshold", '\0', POPT_ARG_DOUBLE, &chosen.threshold, 0,
         "escape: relative weight variation at T_c (1 by default)", "X"},
        {"shift", '\0', POPT_ARG_DOUBLE, &chosen.shift, 0,
         "error_shift: change of ln(test error) at T_c, against low T (0.1 by default, 10 %)", "X"},
        {"sigmas", '\0', POPT_ARG_DOUBLE, &chosen.sigmas, 0,
         "say at which P the test error changes by more than K standard errors (3 by default)", "K"},
        {"fix", '\0', POPT_ARG_STRING, &chosen.fix, 0,
         "hold numbers (delta, gamma, time_delta, b; a, sharpness of the onset), as delta=1,b=2", "NAME=X,..."},
        {"bound", '\0', POPT_ARG_STRING, &chosen.bound, 0, "keep numbers within bounds, as gamma=0:2,sharpness=:8",
         "NAME=LO:HI,..."},
        {"tie", '\0', POPT_ARG_STRING, &chosen.tie, 0,
         "tie time_delta or b to delta or gamma, as time_delta=delta,b=1+2*gamma; sharpness=joint ties m at each P",
         "NAME=[C+][K*]OTHER,..."},
        {"where", '\0', POPT_ARG_STRING, &chosen.where, 0, "only runs that fulfil an SQL condition over the columns",
         "EXPR"},
        {"collapse", '\0', POPT_ARG_STRING, &chosen.collapse, 0,
         "also x and a that lay y P^-x against T P^a on one curve, y = weight_change, time or test_error (its y P^x)",
         "Y"},
        {"details", '\0', POPT_ARG_NONE, &chosen.details, 0,
         "all that was found: T_c at every P, other ways to a, shapes over P, correlations, outliers, all notes", NULL},
        {"json", '\0', POPT_ARG_NONE, &chosen.json, 0,
         "one object: exponents, tc, groups, phase, regimes, spectra, lazy", NULL},
        {"csv", '\0', POPT_ARG_NONE, &chosen.csv, 0,
         "a row for every number: exponents, shapes, T_c, collapses, phases, regimes, spectra, twins", NULL},
        {"latex", '\0', POPT_ARG_NONE, &chosen.latex, 0,
         "tabulars of the exponents beside theory, and of collapses, phases, regimes and twins", NULL},
        CH_CLI_SKIP_DAMAGED(&chosen.skip_damaged),
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    char *box_folder = NULL;
    ch_code code = ch_cli_init(&cli, argc, argv, table, false, usage, &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = check(&cli, &chosen, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = set_options(&chosen, &options, &err);
    if (code != CH_OK) {
        goto out;
    }
    box_folder = ch_cli_cache_folder();
    options.expects = true;
    options.box_folder = box_folder;
    code = fit_stores(&cli, &chosen, &options, &err);
out:
    ch_cli_free(&cli);
    free(box_folder);
    arguments_free(&chosen);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
