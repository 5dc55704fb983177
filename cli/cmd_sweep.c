/* cmd_sweep.c — chiton sweep: every run of a plan that a store lacks. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "cli/ranks.h"
#include "cli/sweep_bisect.h"
#include "cli/sweep_target.h"
#include "core/obstacle.h"
#include "core/text.h"

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

/* ---- what a dry run prints ---- */

enum { SHOWN_VALUES = 8, SHOWN_FIRST = 4, SHOWN_LAST = 2 }; /* longer lists are shortened in the middle */

static void print_value(const ch_setting *row, ch_value value)
{
    char text[CH_SETTING_TEXT_SIZE];
    ch_setting_show(row, value, text, sizeof text);
    const bool is_name = row->type == CH_TYPE_TEXT || (row->type == CH_TYPE_CONTENT && value.text != NULL);
    ch_text_print(is_name ? value.text : text, stdout);
}

/* Prints the settings that vary together with this one, e.g. " (with batch)". */
static void print_partners(const ch_plan *plan, const ch_plan_list *list)
{
    const char *before = " (with ";
    ch_plan_list other;
    for (size_t i = 0; ch_plan_list_at(plan, i, &other); i++) {
        if (other.axis == list->axis && other.setting != list->setting) {
            printf("%s%s", before, ch_settings_table[other.setting].name);
            before = ", ";
        }
    }
    fputs(*before == ',' ? ")" : "", stdout);
}

/* Prints the values of a setting, e.g. "256, 512, 1024" or "0, 1, 2, 3, …, 98, 99 (100 values)". */
static void print_values(const ch_plan *plan, const ch_plan_list *list)
{
    const ch_setting *row = &ch_settings_table[list->setting];
    const bool is_cut = list->count > SHOWN_VALUES;
    printf("%-16s", row->name);
    for (size_t i = 0; i < list->count; i++) {
        if (is_cut && i == SHOWN_FIRST) {
            fputs(", …", stdout);
            i = list->count - SHOWN_LAST;
        }
        fputs(i > 0 ? ", " : "", stdout);
        print_value(row, list->values[i]);
    }
    if (is_cut) {
        printf(" (%zu values)", list->count);
    }
    print_partners(plan, list);
    putchar('\n');
}

static void print_axes(const ch_plan *plan)
{
    ch_plan_list list;
    for (size_t i = 0; ch_plan_list_at(plan, i, &list); i++) {
        print_values(plan, &list);
    }
    putchar('\n');
}

/* Prints what is in the part of the sweep, where it is one. */
static void print_part(const ch_sweep *sweep)
{
    const ch_plan *plan = sweep->plan;
    if (plan->num_parts > 0) {
        printf("part %" PRIu64 " of %" PRIu64 ": %zu of %" PRIu64 " run%s, %.3g %% of the expected cost\n", plan->part,
               plan->num_parts, sweep->counts.total, plan->num_runs - sweep->counts.left_out,
               plan->num_runs - sweep->counts.left_out == 1 ? "" : "s", 100 * sweep->part_share);
    }
}

static void print_counts(const ch_sweep_counts *counts)
{
    printf("%zu runs, %zu of them in the store already, ", counts->total, counts->present);
    if (counts->repeated > 0) {
        printf("%zu the same as others, ", counts->repeated);
    }
    if (counts->failed_before > 0) {
        printf("%zu failed before, ", counts->failed_before);
    }
    printf("%zu to do\n", counts->total - counts->present - counts->repeated - counts->failed_before);
}

/* Writes a time to two digits in the unit that suits it. */
static void print_seconds(double seconds)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "days"}, {3600, "hours"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}};
    size_t i = 0;
    while (i + 1 < sizeof units / sizeof *units && seconds < units[i].seconds) {
        i++;
    }
    const double number = seconds / units[i].seconds;
    printf(number < 10 ? "%.1f %s" : "%.0f %s", number, units[i].name);
}

static void print_time(const ch_sweep_time *time, int threads)
{
    if (time->trials == 0) {
        return;
    }
    fputs("expected time: ", stdout);
    if (time->seconds * time->factor < 1) {
        puts("under a second");
        return;
    }
    print_seconds(time->seconds);
    printf(" on %d thread%s, likely between ", threads, threads == 1 ? "" : "s");
    print_seconds(time->seconds / time->factor);
    fputs(" and ", stdout);
    print_seconds(time->seconds * time->factor);
    printf(": from %zu trial run%s, which took ", time->trials, time->trials == 1 ? "" : "s");
    print_seconds(time->spent);
    if (time->unfinished > 0) {
        printf("; %zu of them did not end, so that it may be longer", time->unfinished);
    }
    putchar('\n');
}

/* Prints which runs failed now, a line a reason. */
static void print_failed(const ch_sweep *sweep)
{
    const char *sentence = NULL;
    for (size_t i = 0; ch_sweep_failed(sweep, i, &sentence) > 0; i++) {
        const uint64_t count = ch_sweep_failed(sweep, i, &sentence);
        printf("  %" PRIu64 " failed%s: ", count, count == 1 ? "" : ", as one did");
        ch_text_print(sentence, stdout);
        putchar('\n');
    }
}

static ch_code finish(const sweep_options *options, const ch_sweep *sweep, ch_error *err)
{
    const ch_sweep_counts *counts = &sweep->counts;
    const size_t done = counts->fitted + counts->budget + counts->diverged + counts->stuck;
    ch_text_print(options->store, stdout);
    printf(": %zu runs, %zu were there, %zu done in %.1f s: %zu fitted, %zu budget, %zu diverged", counts->total,
           counts->present - counts->elsewhere, done, counts->seconds, counts->fitted, counts->budget,
           counts->diverged);
    if (counts->stuck > 0) {
        printf(", %zu stuck", counts->stuck);
    }
    if (counts->elsewhere > 0) {
        printf("; %zu more by another program at the same time", counts->elsewhere);
    }
    if (counts->repeated > 0) {
        printf("; %zu the same as others", counts->repeated);
    }
    if (counts->reused > 0) {
        printf("; %zu taken from runs with another budget or record", counts->reused);
    }
    if (counts->resumed > counts->continued) {
        printf("; %zu went on from a checkpoint", counts->resumed - counts->continued);
    }
    if (counts->continued > 0) {
        printf("; %zu went on from the state of a run with another budget", counts->continued);
    }
    if (counts->failed > 0) {
        printf("; %zu failed", counts->failed);
    }
    putchar('\n');
    if (counts->failed_before > 0) {
        printf("%zu run%s failed before; --retry makes %s again\n", counts->failed_before,
               counts->failed_before == 1 ? "" : "s", counts->failed_before == 1 ? "it" : "them");
    }
    print_failed(sweep);
    return ch_cli_flush(err);
}

/* Prints what is left out, a line a reason. */
static void print_left_out(const ch_sweep *sweep)
{
    const char *sentence = NULL;
    if (sweep->counts.left_out == 0) {
        return;
    }
    printf("left out: %zu of %" PRIu64 " combinations\n", sweep->counts.left_out, sweep->plan->num_runs);
    for (size_t i = 0; ch_sweep_left_out(sweep, i, &sentence) > 0; i++) {
        printf("  %" PRIu64 " as in: ", ch_sweep_left_out(sweep, i, &sentence));
        ch_text_print(sentence, stdout);
        putchar('\n');
    }
}

/* Refuses a store that could not be made, by the sentence with which it would be. */
static ch_code admit_new_store(const char *path, ch_error *err)
{
    const ch_obstacle obstacle = ch_find_obstacle(path);
    return obstacle.text[0] == '\0'
               ? CH_OK
               : ch_error_set(err, CH_ERROR_INPUT, "store %s cannot be made: %s", path, obstacle.text);
}

/* Prints what a block of the plan is, how many runs it has, and what share of the cost of all runs.
 * @param store  NULL: there is none yet */
static ch_code print_block(const ch_plan *plan, const ch_plan *block, ch_store *store, const sweep_options *options,
                           double cost, ch_error *err)
{
    ch_sweep sweep;
    char sentence[512];
    ch_plan alone = *block; /* borrows all of it */
    alone.data_dir = plan->data_dir;
    alone.stop = plan->stop;
    alone.retries = plan->retries;
    fputs("block ", stdout);
    ch_text_print(block->name, stdout);
    putchar('\n');
    print_axes(&alone);
    alone.skip_invalid = plan->skip_invalid;
    const ch_code code = ch_sweep_init_sample(&sweep, &alone, store, err);
    if (code == CH_ERROR_INPUT && plan->skip_invalid) { /* nothing is left of the block */
        printf("%s\n\n", err->message);
        return CH_OK;
    }
    if (code != CH_OK) {
        return code;
    }
    print_left_out(&sweep);
    print_counts(&sweep.counts);
    if (sweep.num_jobs > 0) {
        printf("%.3g %% of the expected cost\n", cost > 0 ? 100 * sweep.cost / cost : 100);
        ch_sweep_foresee_memory(&sweep, options->threads, sentence, sizeof sentence);
        puts(sentence);
    }
    putchar('\n');
    ch_sweep_free(&sweep);
    return CH_OK;
}

/* Prints the settings of a plan, and block by block what is to be known of each.
 * @param cost  expected operations of all runs */
static ch_code print_plan(const ch_plan *plan, ch_store *store, const sweep_options *options, double cost,
                          ch_error *err)
{
    if (plan->num_blocks == 0) {
        print_axes(plan);
        return CH_OK;
    }
    for (size_t i = 0; i < plan->num_blocks; i++) {
        const ch_code code = print_block(plan, &plan->blocks[i], store, options, cost, err);
        if (code != CH_OK) {
            return code;
        }
    }
    puts("all blocks");
    return CH_OK;
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

/* Says on standard error what memory the sweep takes. Standard output is kept for the counts of a dry run. */
static void say_memory(const ch_sweep *sweep, int threads)
{
    char sentence[512];
    if (sweep->num_jobs > 0) {
        ch_sweep_foresee_memory(sweep, threads, sentence, sizeof sentence);
        fprintf(stderr, "%s\n", sentence);
    }
}

/* Says on standard error what is to be known of the images. */
static void say_images(const ch_sweep *sweep)
{
    char sentence[700];
    ch_sweep_describe_images(sweep, sentence, sizeof sentence);
    if (sentence[0] != '\0') {
        fprintf(stderr, "%s\n", sentence);
    }
}

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

/* @param counts  out: also after a failure */
static ch_code sweep(const ch_plan *plan, const sweep_options *options, ch_sweep_counts *counts, ch_error *err)
{
    ch_store store = {0};
    ch_store *used = NULL;
    ch_sweep sweep = {0};
    ch_sweep_time time = {0};
    ch_error ignored;
    ch_code code = open_outputs(&store, options, &used, err);
    if (code != CH_OK) {
        goto out;
    }
    code = options->dry_run ? ch_sweep_init_sample(&sweep, plan, used, err) : ch_sweep_init(&sweep, plan, used, err);
    if (code != CH_OK) {
        goto out;
    }
    sweep.kernel_folder = options->kernels;
    sweep.memory_budget = options->ranks.memory_budget;
    sweep.link = ch_cli_ranks_link(&options->ranks);
    sweep.checkpoint = options->seconds;
    sweep.goes_on = options->goes_on;
    if (options->dry_run) {
        code = print_plan(plan, used, options, sweep.cost, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    print_left_out(&sweep);
    say_images(&sweep);
    if (options->dry_run) {
        say_memory(&sweep, options->threads);
        code = foresee_time(&sweep, options->threads, &time, err);
    } else {
        code = run_sweep(&sweep, used, options->threads, err);
    }
    if (code != CH_OK) {
        /* The failure of the sweep is reported, and not a failure to print its counts. Runs that were put into a file
         * that is gone are not counted. */
        if (!options->dry_run && ch_store_check_file(used, NULL) == CH_OK) {
            (void)!finish(options, &sweep, &ignored);
        }
        goto out;
    }
    if (options->dry_run) {
        print_part(&sweep);
        print_counts(&sweep.counts);
        print_time(&time, options->threads);
        code = ch_cli_flush(err);
        goto out;
    }
    code = finish(options, &sweep, err);
out:
    *counts = sweep.counts;
    ch_sweep_free(&sweep);
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

/* ---- processes ---- */

/* Does the jobs of the process that has the sweep and its store. */
static ch_code follow(sweep_options *options, ch_stop *stop, ch_error *err)
{
    return ch_cli_ranks_follow(&options->ranks, options->threads, options->kernels, stop, err);
}

int ch_cmd_sweep(int argc, const char **argv)
{
    sweep_options own = {.limit = NO_LIMIT};
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &own.store, 0, "store to add the runs to, made when missing", "STORE"},
        {"threads", 'j', POPT_ARG_INT, &own.threads, 0,
         "runs at a time, or threads for fewer runs (default: one for each core the process may use)", "THREADS"},
        {"dry-run", '\0', POPT_ARG_NONE, &own.dry_run, 0, "check everything, count the runs and their memory, do none",
         NULL},
        {"skip-invalid", '\0', POPT_ARG_NONE, &own.skip_invalid, 0,
         "leave out combinations that cannot be run, such as batch > train, and count them by reason", NULL},
        {"on-error", '\0', POPT_ARG_STRING, &own.on_error, 0,
         "what a run that fails does: stop ends the sweep (the default), continue keeps it as failed and does the rest",
         "WORD"},
        {"retry", '\0', POPT_ARG_NONE, &own.retry, 0, "make runs again that failed in an earlier sweep", NULL},
        {"part", '\0', POPT_ARG_STRING, &own.part, 0,
         "only the K-th of N parts of equal expected cost, whatever the store has", "K/N"},
        CH_CLI_UNTIL(&own.until),
        CH_CLI_CHECKPOINT(&own.checkpoint),
        CH_CLI_KERNEL_CACHE(&own.kernels),
        {"target", '\0', POPT_ARG_STRING, &own.target, 0,
         "add data sets until half of a 95 % interval of fit is as short as this, in every group: gamma=0.01, b=2%, …",
         "NAME=X,..."},
        {"bisect", '\0', POPT_ARG_STRING, &own.bisect, 0,
         "add temperatures until the border is known above which half of the runs diverge, in every group: within a "
         "factor 1.2, or X",
         "diverged[=X]"},
        {"limit", '\0', POPT_ARG_LONG, &own.limit, 0,
         "most data sets with --target (16 times the first by default), most temperatures that --bisect adds to a "
         "group "
         "(16)",
         "N"},
        {"yes", '\0', POPT_ARG_NONE, &own.yes, 0, "allow more than 10^7 runs", NULL},
        POPT_TABLEEND,
    };
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
    code = ch_cli_init(&cli, argc, argv, options, true,
                       "sweep FILE.yaml|MODEL [--SETTING VALUES]... -o STORE [-j THREADS] [--part K/N] [--until TIME] "
                       "[--checkpoint TIME] [--target NAME=X,...] [--bisect diverged[=X]] [--limit N] [--kernel-cache "
                       "DIR] [--skip-invalid] "
                       "[--on-error continue|stop] "
                       "[--retry] [--dry-run]",
                       &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = ch_cli_read_checkpoint(own.checkpoint, &own.seconds, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_cli_stop_after(own.until, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_cli_ranks_count_threads(&own.ranks, own.threads, &err);
    if (code != CH_OK) {
        goto out;
    }
    if (own.ranks.is_follower) {
        code = follow(&own, plan.stop, &err);
        goto out;
    }
    code = read_plan(&plan, &cli, &err);
    if (code != CH_OK) {
        goto out;
    }
    plan.skip_invalid = own.skip_invalid != 0;
    plan.retries = own.retry != 0;
    code = own.part != NULL ? ch_plan_set_part(&plan, own.part, &err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = check_options(&own, &plan, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = sweep_as_asked(&plan, &own, &err);
out:
    ch_cli_ranks_leave(&own.ranks);
    ch_plan_free(&plan);
    ch_cli_free(&cli);
    free(own.store);
    free(own.kernels);
    free(own.part);
    free(own.until);
    free(own.target);
    free(own.bisect);
    free(own.on_error);
    free(own.checkpoint);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
