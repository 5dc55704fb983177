/* cmd_sweep.c — chiton sweep: every run of a plan that a store lacks. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "cli/ranks.h"
#include "cli/sweep_bisect.h"
#include "cli/sweep_print.h"
#include "cli/sweep_target.h"
#include "core/obstacle.h"
#include "core/text.h"
#include "sim/store/summary.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sweeps with more runs need --yes, because their size is more often a typing error than intended. */
static const uint64_t MOST_RUNS_UNASKED = 10000000;

static const long NO_LIMIT = LONG_MIN;

typedef struct {
    char *store, *kernels, *part, *until, *checkpoint, *target, *bisect, *on_error; /* popt's copies: owned */
    int threads, dry_run, yes, skip_invalid, retry;
    bool goes_on;       /* whether a run that fails does not end the sweep */
    long limit;         /* data sets with a target, T that are added with a bisection; NO_LIMIT: not given */
    ch_cli_ranks ranks; /* the processes that share the sweep */
    double seconds;     /* from one state that is kept to the next; 0: none is kept */
} sweep_options;

static bool is_yaml(const char *argument)
{
    const char *dot = strrchr(argument, '.');
    return dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static ch_code read_plan(ch_plan *plan, const ch_cli *cli, ch_error *err)
{
    if (cli->num_arguments != 1) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "sweep takes one YAML file or one model, e.g. chiton sweep experiments/demo.yaml -o demo.db; "
            "%zu were given",
            cli->num_arguments);
    }
    const char *what = cli->arguments[0];
    ch_code code = is_yaml(what) ? CH_OK : ch_cli_check_model(cli, what, err);
    if (code != CH_OK) {
        return code;
    }
    code = is_yaml(what) ? ch_plan_read(plan, what, err) : ch_plan_set(plan, CH_SETTING_MODEL, what, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < cli->num_settings; i++) {
        code = ch_plan_set(plan, cli->settings[i].setting, cli->settings[i].text, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static bool has_twins(const ch_plan *plan)
{
    bool found = false;
    for (uint64_t i = 0; i < plan->num_runs && !found; i++) {
        ch_settings settings;
        ch_plan_get(plan, i, &settings);
        found = settings.linear == CH_LINEAR_YES;
    }
    return found;
}

static ch_code read_on_error(sweep_options *options, ch_error *err)
{
    const char *word = options->on_error != NULL ? options->on_error : "stop";
    options->goes_on = strcmp(word, "continue") == 0;
    return options->goes_on || strcmp(word, "stop") == 0
               ? CH_OK
               : ch_error_set(err, CH_ERROR_INPUT, "--on-error is '%s'; accepted are continue and stop",
                              ch_show(word).text);
}

static ch_code check_options(sweep_options *options, const ch_plan *plan, ch_error *err)
{
    if (options->store == NULL && !options->dry_run) {
        return ch_error_set(err, CH_ERROR_INPUT, "-o is missing: name the store that the runs go to, e.g. -o runs.db");
    }
    ch_code code = read_on_error(options, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_cli_check_threads(options->threads, err);
    if (code != CH_OK) {
        return code;
    }
    code = options->kernels != NULL ? ch_cli_check_kernels(options->kernels, has_twins(plan), err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    if (plan->num_runs > MOST_RUNS_UNASKED && !options->yes) {
        return ch_error_set(err, CH_ERROR_INPUT, "this sweep has %llu runs, more than %llu; say --yes if you mean it",
                            (unsigned long long)plan->num_runs, (unsigned long long)MOST_RUNS_UNASKED);
    }
    return CH_OK;
}

/* ---- outputs ---- */

/* Refuses a store that could not be made, by the sentence with which it would be. */
static ch_code admit_new_store(const char *path, ch_error *err)
{
    const ch_obstacle obstacle = ch_find_obstacle(path);
    return obstacle.text[0] == '\0'
               ? CH_OK
               : ch_error_set(err, CH_ERROR_INPUT, "store %s cannot be made: %s", path, obstacle.text);
}

/* Opens the store. A dry run opens only a store that exists, to read it, and makes none. */
static ch_code open_store(ch_store *store, const sweep_options *options, ch_store **used, ch_error *err)
{
    *used = NULL;
    if (options->store == NULL) {
        return CH_OK;
    }
    if (options->dry_run && access(options->store, F_OK) != 0) {
        return admit_new_store(options->store, err);
    }
    const ch_code code = ch_store_open(store, options->store, options->dry_run ? CH_STORE_READ : CH_STORE_WRITE, err);
    if (code != CH_OK) {
        return code;
    }
    *used = store;
    return CH_OK;
}

/* Opens the store, and makes the folder of kernel files unless the run is dry. A folder that cannot be made is refused
 * before the store is made, so that a refused sweep writes nothing. */
static ch_code open_outputs(ch_store *store, const sweep_options *options, ch_store **used, ch_error *err)
{
    if (options->dry_run) {
        return open_store(store, options, used, err);
    }
    ch_code code = ch_cli_admit_kernels(options->kernels, err);
    if (code != CH_OK) {
        return code;
    }
    code = open_store(store, options, used, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_cli_open_kernels(options->kernels, err);
}

/* ---- one sweep ---- */

/* Tries some runs, and shows nothing unless that takes long. */
static ch_code foresee_time(const ch_sweep *sweep, int threads, ch_sweep_time *time, ch_error *err)
{
    const ch_watch watch = {.stop = sweep->plan->stop};
    return ch_sweep_foresee_time(sweep, threads, &watch, time, err);
}

static ch_code run_sweep(ch_sweep *sweep, ch_store *store, int threads, ch_error *err)
{
    ch_meter meter;
    ch_meter_start(&meter, "runs", 0);
    const ch_watch watch = ch_meter_watch(&meter, sweep->plan->stop);
    const ch_code code = ch_sweep_run(sweep, store, threads, &watch, err);
    ch_meter_finish(&meter);
    return code;
}

/* Makes the sweep of a plan, and gives it what the options say. */
static ch_code init_sweep(ch_sweep *sweep, const ch_plan *plan, ch_store *store, const sweep_options *options,
                          ch_error *err)
{
    const ch_code code =
        options->dry_run ? ch_sweep_init_sample(sweep, plan, store, err) : ch_sweep_init(sweep, plan, store, err);
    if (code != CH_OK) {
        return code;
    }
    sweep->kernel_folder = options->kernels;
    sweep->memory_budget = options->ranks.memory_budget;
    sweep->link = ch_cli_ranks_link(&options->ranks);
    sweep->checkpoint = options->seconds;
    sweep->goes_on = options->goes_on;
    return CH_OK;
}

/* Prints what a sweep would do, and how long it would take. */
static ch_code foresee(const ch_sweep *sweep, ch_store *store, const sweep_options *options, ch_error *err)
{
    ch_cli_page page;
    ch_sweep_time time = {0};
    ch_error ignored;
    ch_code code = ch_cli_page_open(&page, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_sweep_print_plan(page.out, sweep->plan, store, options->threads, sweep->cost, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_sweep_print_left_out(page.out, sweep);
    ch_sweep_say_images(sweep);
    ch_sweep_say_memory(sweep, options->threads);
    code = foresee_time(sweep, options->threads, &time, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_sweep_print_part(page.out, sweep);
    ch_sweep_print_counts(page.out, &sweep->counts);
    ch_sweep_print_time(page.out, &time, options->threads);
out:
    if (code != CH_OK) { /* that failure is reported, and not one to print */
        (void)!ch_cli_page_close(&page, &ignored);
        return code;
    }
    return ch_cli_page_close(&page, err);
}

/* Prints which combinations are left out, before the sweep begins. */
static ch_code tell_left_out(const ch_sweep *sweep, ch_error *err)
{
    ch_cli_page page;
    const ch_code code = ch_cli_page_open(&page, err);
    if (code != CH_OK) {
        return code;
    }
    ch_sweep_print_left_out(page.out, sweep);
    return ch_cli_page_close(&page, err);
}

/* Prints what was done. */
static ch_code finish(const sweep_options *options, const ch_sweep *sweep, ch_error *err)
{
    ch_cli_page page;
    const ch_code code = ch_cli_page_open(&page, err);
    if (code != CH_OK) {
        return code;
    }
    ch_sweep_print_done(page.out, options->store, sweep);
    return ch_cli_page_close(&page, err);
}

/* Makes the runs, and prints what was done, also where a failure ended the sweep. */
static ch_code work(ch_sweep *sweep, ch_store *store, const sweep_options *options, ch_error *err)
{
    ch_error ignored;
    ch_code code = tell_left_out(sweep, err);
    if (code != CH_OK) {
        return code;
    }
    ch_sweep_say_images(sweep);
    code = run_sweep(sweep, store, options->threads, err);
    if (code == CH_OK) {
        return finish(options, sweep, err);
    }
    /* The failure of the sweep is reported, and not a failure to print its counts. Runs that were put into a file that
     * is gone are not counted. */
    if (ch_store_check_file(store, NULL) == CH_OK) {
        (void)!finish(options, sweep, &ignored);
    }
    return code;
}

/* @param counts  out: also after a failure */
static ch_code sweep(const ch_plan *plan, const sweep_options *options, ch_sweep_counts *counts, ch_error *err)
{
    ch_store store = {0};
    ch_store *used = NULL;
    ch_sweep sweep = {0};
    ch_error ignored;
    ch_code code = open_outputs(&store, options, &used, err);
    if (code != CH_OK) {
        goto out;
    }
    code = init_sweep(&sweep, plan, used, options, err);
    if (code != CH_OK) {
        goto out;
    }
    code = options->dry_run ? foresee(&sweep, used, options, err) : work(&sweep, used, options, err);
out:
    *counts = sweep.counts;
    ch_sweep_free(&sweep);
    if (code == CH_OK && !options->dry_run && store.db != NULL) {
        (void)!ch_store_keep_summary(&store, &ignored); /* without it `list` reads all runs */
    }
    ch_store_close(&store);
    return code;
}

/* ---- targets ---- */

static ch_code sweep_round(const void *options, const ch_plan *plan, ch_sweep_counts *counts, ch_error *err)
{
    return sweep(plan, options, counts, err);
}

/* Reads the target and gives the plan its first data sets. */
static ch_code admit_target(ch_sweep_target *target, ch_plan *plan, const sweep_options *options, ch_error *err)
{
    *target = (ch_sweep_target){.limit = options->limit,
                                .store = options->store,
                                .threads = options->threads,
                                .is_dry = options->dry_run != 0,
                                .sweep = sweep_round,
                                .context = options};
    if (plan->num_blocks > 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "--target takes a sweep of one block, to whose data sets it adds; this one has %zu",
                            plan->num_blocks);
    }
    const ch_code code = ch_target_list_parse(&target->targets, options->target, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_sweep_target_admit(target, plan, options->yes ? UINT64_MAX : MOST_RUNS_UNASKED, err);
}

/* ---- bisections ---- */

static ch_code admit_bisect(ch_sweep_bisect *bisect, const ch_plan *plan, const sweep_options *options, ch_error *err)
{
    *bisect = (ch_sweep_bisect){.limit = options->limit,
                                .store = options->store,
                                .is_dry = options->dry_run != 0,
                                .sweep = sweep_round,
                                .context = options};
    const ch_code code = ch_sweep_bisect_parse(bisect, options->bisect, err);
    return code == CH_OK ? ch_sweep_bisect_admit(bisect, plan, err) : code;
}

/* ---- all ways to sweep ---- */

/* Sweeps once, or in rounds where a target or a bisection is asked for. */
static ch_code sweep_as_asked(ch_plan *plan, const sweep_options *options, ch_error *err)
{
    ch_sweep_target target;
    ch_sweep_bisect bisect;
    ch_sweep_counts counts;
    ch_code code = CH_OK;
    if (options->target != NULL && options->bisect != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "--target and --bisect do not go together: sweep with --bisect first, and then with "
                            "--target and the temperatures that it added");
    }
    if (options->limit != NO_LIMIT && options->target == NULL && options->bisect == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "--limit = %ld has no meaning without --target or --bisect",
                            options->limit);
    }
    if (options->target != NULL) {
        code = admit_target(&target, plan, options, err);
    } else if (options->bisect != NULL) {
        code = admit_bisect(&bisect, plan, options, err);
    }
    if (code != CH_OK) {
        return code;
    }
    code = ch_sweep_check(plan, err);
    if (code != CH_OK) {
        return code;
    }
    return options->target != NULL   ? ch_sweep_target_run(&target, plan, err)
           : options->bisect != NULL ? ch_sweep_bisect_run(&bisect, plan, err)
                                     : sweep(plan, options, &counts, err);
}

/* ---- the command ---- */

/* Reads the command line.
 * @param cli  out: free with ch_cli_free, also after a failure */
static ch_code read_options(sweep_options *own, int argc, const char **argv, ch_cli *cli, ch_error *err)
{
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &own->store, 0, "store to add the runs to, made when missing", "STORE"},
        {"threads", 'j', POPT_ARG_INT, &own->threads, 0,
         "runs at a time, or threads for fewer runs (default: one for each core the process may use)", "THREADS"},
        {"dry-run", '\0', POPT_ARG_NONE, &own->dry_run, 0, "check everything, count the runs and their memory, do none",
         NULL},
        {"skip-invalid", '\0', POPT_ARG_NONE, &own->skip_invalid, 0,
         "leave out combinations that cannot be run, such as batch > train, and count them by reason", NULL},
        {"on-error", '\0', POPT_ARG_STRING, &own->on_error, 0,
         "what a run that fails does: stop ends the sweep (the default), continue keeps it as failed and does the rest",
         "WORD"},
        {"retry", '\0', POPT_ARG_NONE, &own->retry, 0, "make runs again that failed in an earlier sweep", NULL},
        {"part", '\0', POPT_ARG_STRING, &own->part, 0,
         "only the K-th of N parts of equal expected cost, whatever the store has", "K/N"},
        CH_CLI_UNTIL(&own->until),
        CH_CLI_CHECKPOINT(&own->checkpoint),
        CH_CLI_KERNEL_CACHE(&own->kernels),
        {"target", '\0', POPT_ARG_STRING, &own->target, 0,
         "add data sets until half of a 95 % interval of fit is as short as this, in every group: gamma=0.01, b=2%, …",
         "NAME=X,..."},
        {"bisect", '\0', POPT_ARG_STRING, &own->bisect, 0,
         "add temperatures until the border is known above which half of the runs diverge, in every group: within a "
         "factor 1.2, or X",
         "diverged[=X]"},
        {"limit", '\0', POPT_ARG_LONG, &own->limit, 0,
         "most data sets with --target (16 times the first by default), most temperatures that --bisect adds to a "
         "group "
         "(16)",
         "N"},
        {"yes", '\0', POPT_ARG_NONE, &own->yes, 0, "allow more than 10^7 runs", NULL},
        POPT_TABLEEND,
    };
    return ch_cli_init(cli, argc, argv, options, true,
                       "sweep FILE.yaml|MODEL [--SETTING VALUES]... -o STORE [-j THREADS] [--part K/N] [--until TIME] "
                       "[--checkpoint TIME] [--target NAME=X,...] [--bisect diverged[=X]] [--limit N] [--kernel-cache "
                       "DIR] [--skip-invalid] "
                       "[--on-error continue|stop] "
                       "[--retry] [--dry-run]",
                       err);
}

/* Reads the plan, and refuses options that do not go with it. */
static ch_code make_plan(ch_plan *plan, sweep_options *own, const ch_cli *cli, ch_error *err)
{
    ch_code code = read_plan(plan, cli, err);
    if (code != CH_OK) {
        return code;
    }
    plan->skip_invalid = own->skip_invalid != 0;
    plan->retries = own->retry != 0;
    code = own->part != NULL ? ch_plan_set_part(plan, own->part, err) : CH_OK;
    return code != CH_OK ? code : check_options(own, plan, err);
}

/* Does what the command line says, which was read. */
static ch_code do_sweep(sweep_options *own, ch_plan *plan, const ch_cli *cli, ch_error *err)
{
    ch_code code = ch_cli_read_checkpoint(own->checkpoint, &own->seconds, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_cli_stop_after(own->until, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_cli_ranks_count_threads(&own->ranks, own->threads, err);
    if (code != CH_OK) {
        return code;
    }
    if (own->ranks.is_follower) { /* does the jobs of the process that has the sweep and its store */
        return ch_cli_ranks_follow(&own->ranks, own->threads, own->kernels, plan->stop, err);
    }
    code = make_plan(plan, own, cli, err);
    return code != CH_OK ? code : sweep_as_asked(plan, own, err);
}

static void free_options(sweep_options *own)
{
    free(own->store);
    free(own->kernels);
    free(own->part);
    free(own->until);
    free(own->target);
    free(own->bisect);
    free(own->on_error);
    free(own->checkpoint);
}

int ch_cmd_sweep(int argc, const char **argv)
{
    sweep_options own = {.limit = NO_LIMIT};
    ch_error err = {0};
    ch_cli cli = {.help = false};
    ch_plan plan;
    ch_plan_init(&plan);
    plan.stop = ch_cli_catch_signals();
    plan.data_dir = getenv("CHITON_DATA");
    ch_code code = ch_cli_ranks_join(&own.ranks, argc, argv, &err);
    if (code != CH_OK) {
        goto out;
    }
    own.threads = own.ranks.threads;
    code = read_options(&own, argc, argv, &cli, &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = do_sweep(&own, &plan, &cli, &err);
out:
    ch_cli_ranks_leave(&own.ranks);
    ch_plan_free(&plan);
    ch_cli_free(&cli);
    free_options(&own);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
