/* cmd_selftest.c — `chiton selftest`: tests on planted tables whether the errors of fits can be trusted. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "fit/selftest.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

/* Runs of a table, on average over the tables where they have targets. */
static size_t runs_per_table(const ch_selftest *self)
{
    return (size_t)lround((double)self->num_runs / (double)self->num_tables);
}

static double sets_per_table(const ch_selftest *self)
{
    return (double)self->num_sets / (double)self->num_tables;
}

static ch_code print_table(const ch_selftest *self, bool has_targets, ch_error *err)
{
    printf("%zu planted tables of %zu runs; a budget ended %.1f %% of the runs\n", self->num_tables,
           runs_per_table(self), 100.0 * (double)self->ended / (double)self->num_runs);
    if (has_targets) {
        printf("data sets were added until the target was reached, in %zu tables, or there were 160: %.1f on average\n",
               self->num_reached, sets_per_table(self));
    }
    putchar('\n');
    printf("  %-24s%10s%12s%12s%10s%10s\n", "", "planted", "bias", "+-", "found", "covered");
    for (size_t k = 0; k < CH_SELFTEST_NUMBERS; k++) {
        const ch_selftest_number *number = &self->numbers[k];
        printf("  %-24s%10.4f%12.5f%12.5f%10zu%8.1f %%%s\n", number->name, number->planted,
               number->mean - number->planted, number->error, number->found, 100 * ch_selftest_coverage(number),
               ch_selftest_holds(number) ? "" : "  !");
    }
    printf("\n95 %% intervals should cover 93 to 97 %%; with so many tables the share itself is known to +- %.1f %%.\n",
           100 * sqrt(0.95 * 0.05 / (double)self->num_tables));
    return ch_cli_flush(err);
}

static json_t *number_json(const ch_selftest_number *number)
{
    const double coverage = ch_selftest_coverage(number);
    return json_pack("{s:s, s:f, s:f, s:o, s:I, s:o, s:b}", "name", number->name, "planted", number->planted, "mean",
                     number->mean, "stderr", isfinite(number->error) ? json_real(number->error) : json_null(), "found",
                     (json_int_t)number->found, "coverage", isfinite(coverage) ? json_real(coverage) : json_null(),
                     "holds", ch_selftest_holds(number));
}

static ch_code print_json(const ch_selftest *self, bool has_targets, ch_error *err)
{
    json_t *numbers = json_array();
    int status = numbers != NULL ? 0 : -1;
    for (size_t k = 0; k < CH_SELFTEST_NUMBERS && status == 0; k++) {
        status = json_array_append_new(numbers, number_json(&self->numbers[k]));
    }
    json_t *report =
        status == 0 ? json_pack("{s:I, s:I, s:I, s:O}", "tables", (json_int_t)self->num_tables, "runs_per_table",
                                (json_int_t)runs_per_table(self), "ended", (json_int_t)self->ended, "numbers", numbers)
                    : NULL;
    if (report != NULL && has_targets) {
        status = json_object_set_new(report, "data_sets", json_real(sets_per_table(self))) +
                 json_object_set_new(report, "reached", json_integer((json_int_t)self->num_reached));
    }
    const ch_code code =
        report != NULL && status == 0 ? ch_cli_print_json(report, err) : ch_error_memory(err, "a JSON text");
    json_decref(numbers);
    json_decref(report);
    return code;
}

/* Returns an error that names the first number whose intervals cover too few or too many planted values. */
static ch_code check_holds(const ch_selftest *self, ch_error *err)
{
    for (size_t k = 0; k < CH_SELFTEST_NUMBERS; k++) {
        const ch_selftest_number *number = &self->numbers[k];
        if (!ch_selftest_holds(number)) {
            return ch_error_set(err, CH_ERROR_NUMERIC, "95 %% intervals of %s cover %.1f %% of %zu tables",
                                number->name, 100 * ch_selftest_coverage(number), number->found);
        }
    }
    return CH_OK;
}

/* @param target  as of a sweep; NULL: none */
static ch_code test_fits(long num_tables, long seed, const char *target, int threads, bool as_json, ch_error *err)
{
    ch_selftest selftest;
    ch_target_list targets = {0};
    ch_meter meter;
    ch_code code = ch_cli_check_threads(threads, err);
    if (code != CH_OK) {
        return code;
    }
    if (num_tables < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "tables = %ld is not accepted: an integer from 1 to 100000 is",
                            num_tables);
    }
    code = target != NULL ? ch_target_list_parse(&targets, target, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    ch_meter_start(&meter, "tables", 0);
    const ch_watch watch = ch_meter_watch(&meter, ch_cli_catch_signals());
    code = ch_selftest_run(&selftest, (size_t)num_tables, (uint64_t)seed, target != NULL ? &targets : NULL, threads,
                           &watch, err);
    ch_meter_finish(&meter);
    if (code != CH_OK) {
        return code;
    }
    code = as_json ? print_json(&selftest, target != NULL, err) : print_table(&selftest, target != NULL, err);
    if (code != CH_OK) {
        return code;
    }
    return check_holds(&selftest, err);
}

int ch_cmd_selftest(int argc, const char **argv)
{
    long num_tables = 400, seed = 0;
    int threads = omp_get_max_threads(), as_json = 0;
    char *target = NULL;
    const struct poptOption table[] = {
        {"tables", '\0', POPT_ARG_LONG, &num_tables, 0, "tables to plant (400 by default)", "N"},
        {"seed", '\0', POPT_ARG_LONG, &seed, 0, "of what is planted (0 by default)", "N"},
        {"target", '\0', POPT_ARG_STRING, &target, 0,
         "add data sets to every table as sweep does until this is reached, e.g. gamma=0.02", "NAME=X,..."},
        {"threads", 'j', POPT_ARG_INT, &threads, 0, "tables at a time (default: one a core)", "THREADS"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "print one JSON object", NULL},
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, table, false,
                               "selftest [--tables N] [--seed N] [--target NAME=X,...] [-j THREADS] [--json]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    if (cli.num_arguments != 0) {
        code = ch_error_set(&err, CH_ERROR_INPUT, "selftest takes no argument, but %zu are given", cli.num_arguments);
        goto out;
    }
    code = test_fits(num_tables, seed, target, threads, as_json != 0, &err);
out:
    ch_cli_free(&cli);
    free(target);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
