/* cmd_fit.c — `chiton fit`: exponents and critical temperatures of a store. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "fit/collapse/collapse.h"
#include "fit/internal.h"
#include "fit/phase/phase.h"
#include "fit/table/advice.h"
#include "fit/twins/lazy.h"

#include <stdlib.h>
#include <string.h>

/* The command's options; the strings are allocated by popt. */
typedef struct {
    char *tc, *where, *collapse;
    char *fix, *bound, *tie;
    double threshold, sigmas;
    int json, csv, latex;
} fit_arguments;

static ch_code hold(const fit_arguments *chosen, ch_fit_options *options, ch_error *err)
{
    ch_code code = chosen->fix != NULL ? ch_fit_options_fix(options, chosen->fix, err) : CH_OK;
    if (code == CH_OK && chosen->bound != NULL) {
        code = ch_fit_options_bound(options, chosen->bound, err);
    }
    if (code == CH_OK && chosen->tie != NULL) {
        code = ch_fit_options_tie(options, chosen->tie, err);
    }
    return code;
}

static ch_code check(const ch_cli *cli, const fit_arguments *chosen, ch_fit_options *options, ch_error *err)
{
    if (cli->num_arguments != 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "fit takes one store, but %zu are given", cli->num_arguments);
    }
    if (chosen->json + chosen->csv + chosen->latex > 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "fit prints one of --json, --csv and --latex at a time");
    }
    if (chosen->collapse != NULL && chosen->csv + chosen->latex > 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "--collapse is in the text and in --json, not in --csv or --latex");
    }
    options->threshold = chosen->threshold;
    options->sigmas = chosen->sigmas;
    if (chosen->tc != NULL) {
        bool any = false;
        for (ch_tc_definition d = 0; d < CH_NUM_TC; d++) {
            options->wanted[d] = strcmp(chosen->tc, ch_tc_definition_name(d)) == 0;
            any = any || options->wanted[d];
        }
        if (!any) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "--tc = %s is not accepted: onset, escape or error is (all by default)", chosen->tc);
        }
    }
    const ch_code code = hold(chosen, options, err);
    return code == CH_OK ? ch_fit_options_check(options, err) : code;
}

static ch_code read_runs(ch_run_table *table, const char *path, const char *where, ch_error *err)
{
    ch_store store;
    ch_code code = ch_store_open(&store, path, CH_STORE_READ, err);
    if (code == CH_OK) {
        code = ch_store_select(&store, where, false, table, err);
    }
    ch_store_close(&store);
    if (code == CH_OK && table->count == 0) {
        code = ch_error_set(err, CH_ERROR_INPUT,
                            where == NULL ? "%s holds no run to fit: sweep into it first"
                                          : "%s holds no run that fulfils --where %s",
                            path, where);
    }
    return code;
}

/* @param collapses  NULL for none */
static ch_code print_report(const ch_fit *fit, const ch_collapse_list *collapses, const ch_phase_list *phases,
                            const ch_lazy_list *twins, const fit_arguments *chosen, ch_error *err)
{
    if (chosen->csv || chosen->latex) {
        (chosen->csv ? ch_fit_print_csv : ch_fit_print_latex)(fit, stdout);
        return ch_cli_flush(err);
    }
    if (!chosen->json) {
        ch_fit_print(fit, stdout);
        if (collapses != NULL) {
            ch_collapse_print(collapses, fit, stdout);
        }
        ch_phase_print(phases, stdout);
        ch_lazy_print(twins, fit, stdout);
        return ch_cli_flush(err);
    }
    json_t *report = ch_fit_json(fit);
    ch_code code = report == NULL ? ch_error_memory(err, "a JSON text") : CH_OK;
    if (code == CH_OK && collapses != NULL) {
        code = ch_collapse_add_json(collapses, report, err);
    }
    if (code == CH_OK) {
        code = ch_phase_add_json(phases, report, err);
    }
    if (code == CH_OK) {
        code = ch_lazy_add_json(twins, report, err);
    }
    if (code == CH_OK) {
        code = ch_cli_print_json(report, err);
    }
    json_decref(report);
    return code;
}

/* The note that says why a group has no exponent. */
static const char *reason(const ch_fit_group *group)
{
    for (size_t i = 0; i < group->num_notes; i++) {
        if (strncmp(group->notes[i], "no ", strlen("no ")) == 0) {
            return group->notes[i];
        }
    }
    return "there is too little in it";
}

/* A report without a single exponent, phase diagram or twin is printed, for its notes say why, but is no success. */
static ch_code check_found(const ch_fit *fit, const ch_phase_list *phases, const ch_lazy_list *twins, const char *path,
                           ch_error *err)
{
    size_t count = phases->count + twins->count;
    for (size_t g = 0; g < fit->num_groups; g++) {
        count += fit->groups[g].num_exponents;
    }
    if (count > 0) {
        return CH_OK;
    }
    char *sentence = NULL;
    ch_code code = ch_supply_sentence(&sentence, &fit->groups[0], CH_SUPPLY_ALL, err,
                                      "no exponent could be fitted to %s (%zu group%s): %s", path, fit->num_groups,
                                      fit->num_groups == 1 ? "" : "s", reason(&fit->groups[0]));
    if (code == CH_OK) {
        code = ch_error_set(err, CH_ERROR_NUMERIC, "%s", sentence);
    }
    free(sentence);
    return code;
}

/* Likewise a report without a single collapse, where one was asked for. */
static ch_code check_collapsed(const ch_collapse_list *collapses, const char *path, ch_error *err)
{
    for (size_t i = 0; i < collapses->count; i++) {
        if (collapses->items[i].reason == NULL) {
            return CH_OK;
        }
    }
    const size_t room = 700; /* a command cut short would be another: the report has it whole */
    const char *why = collapses->items[0].reason;
    const size_t length = strlen(why) < room ? strlen(why) : (size_t)(strstr(why, ": try ") - why);
    return ch_error_set(err, CH_ERROR_NUMERIC, "%s (%zu group%s): %.*s", path, collapses->count,
                        collapses->count == 1 ? "" : "s", (int)length, why);
}

/* ---- progress ---- */

/* Progress over the replicas of all groups. */
typedef struct {
    ch_meter meter;
    size_t total;
    const ch_fit *fit;
} fit_progress;

static void start_progress(fit_progress *self, const ch_fit *fit)
{
    const double patience = 1; /* most fits are done by then */
    self->fit = fit;
    ch_meter_start(&self->meter, "replicas", patience);
    self->total = 0;
}

/* The groups are known once the first replica is done; those of one data set have none. */
static void tick(void *progress, size_t replicas)
{
    fit_progress *self = progress;
    for (size_t g = 0; self->meter.done == 0 && g < self->fit->num_groups; g++) {
        self->total += self->fit->groups[g].num_data_sets < 2 ? 0 : self->fit->options.replicas;
    }
    const size_t done = self->meter.done + replicas;
    ch_meter_set(&self->meter, done, self->total, self->total > 0 ? (double)done / (double)self->total : 1);
}

/* The fit of a table, and its collapses where a quantity is given. */
static ch_code fit_runs(ch_fit *fit, ch_collapse_list *collapses, const ch_run_table *table,
                        const ch_collapse_quantity *quantity, const ch_fit_options *options, ch_error *err)
{
    fit_progress progress;
    ch_fit_options watched = *options;
    watched.stop = ch_cli_catch_signals();
    watched.tick = tick;
    watched.tick_data = &progress;
    start_progress(&progress, fit);
    ch_code code = ch_fit_init(fit, table, &watched, err);
    ch_meter_finish(&progress.meter);
    if (code == CH_OK && quantity != NULL) {
        start_progress(&progress, fit);
        code = ch_collapse_list_init(collapses, fit, *quantity, err);
        ch_meter_finish(&progress.meter);
    }
    return code;
}

static ch_code fit_store(const char *path, const fit_arguments *chosen, const ch_fit_options *options, ch_error *err)
{
    ch_run_table table = {0};
    ch_fit fit = {0};
    ch_collapse_list collapses = {0};
    ch_phase_list phases = {0};
    ch_lazy_list twins = {0};
    ch_collapse_quantity quantity = CH_COLLAPSE_WEIGHT_CHANGE;
    const bool collapse = chosen->collapse != NULL;
    ch_code code = collapse ? ch_collapse_quantity_parse(chosen->collapse, &quantity, err) : CH_OK;
    if (code == CH_OK) {
        code = read_runs(&table, path, chosen->where, err);
    }
    if (code == CH_OK) {
        code = fit_runs(&fit, &collapses, &table, collapse ? &quantity : NULL, options, err);
    }
    if (code == CH_OK) {
        code = ch_phase_list_init(&phases, &fit, err);
    }
    if (code == CH_OK) {
        code = ch_lazy_list_init(&twins, &fit, err);
    }
    if (code == CH_OK) {
        code = print_report(&fit, collapse ? &collapses : NULL, &phases, &twins, chosen, err);
    }
    if (code == CH_OK) {
        code = check_found(&fit, &phases, &twins, path, err);
    }
    if (code == CH_OK && collapse) {
        code = check_collapsed(&collapses, path, err);
    }
    ch_lazy_list_free(&twins);
    ch_phase_list_free(&phases);
    ch_collapse_list_free(&collapses);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
    return code;
}

int ch_cmd_fit(int argc, const char **argv)
{
    ch_fit_options options;
    ch_fit_options_default(&options);
    fit_arguments chosen = {.threshold = options.threshold, .sigmas = options.sigmas};
    const struct poptOption table[] = {
        {"tc", '\0', POPT_ARG_STRING, &chosen.tc, 0, "find T_c by this definition only: onset, escape or error",
         "DEFINITION"},
        {"threshold", '\0', POPT_ARG_DOUBLE, &chosen.threshold, 0,
         "escape: relative weight variation at T_c (1 by default)", "X"},
        {"sigmas", '\0', POPT_ARG_DOUBLE, &chosen.sigmas, 0,
         "error: standard errors by which it has left its value at T_c (3 by default)", "K"},
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
         "also x and a that lay y P^-x against T P^a on one curve, y = weight_change or time", "Y"},
        {"json", '\0', POPT_ARG_NONE, &chosen.json, 0, "one object: exponents, tc, groups, phase, lazy", NULL},
        {"csv", '\0', POPT_ARG_NONE, &chosen.csv, 0, "a row for every exponent, shape and T_c", NULL},
        {"latex", '\0', POPT_ARG_NONE, &chosen.latex, 0, "a tabular of the exponents beside theory", NULL},
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, table, false,
                               "fit STORE [--tc onset|escape|error] [--threshold X] [--sigmas K] "
                               "[--fix NAME=X,...] [--bound NAME=LO:HI,...] [--tie NAME=[C+][K*]OTHER,...] "
                               "[--collapse weight_change|time] [--where EXPR] [--json|--csv|--latex]",
                               &err);
    if (code == CH_OK && !cli.help) {
        code = check(&cli, &chosen, &options, &err);
    }
    if (code == CH_OK && !cli.help) {
        code = fit_store(cli.arguments[0], &chosen, &options, &err);
    }
    ch_cli_free(&cli);
    free(chosen.tc);
    free(chosen.where);
    free(chosen.collapse);
    free(chosen.fix);
    free(chosen.bound);
    free(chosen.tie);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
