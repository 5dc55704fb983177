/* sweep_print.c — what `chiton sweep` prints of a plan, of the time and the memory it takes, and of what was done. */
#include "cli/sweep_print.h"

#include "cli/page.h"
#include "core/text.h"

#include <inttypes.h>

enum { SHOWN_VALUES = 8, SHOWN_FIRST = 4, SHOWN_LAST = 2 }; /* longer lists are shortened in the middle */

static void print_value(FILE *out, const ch_setting *row, ch_value value)
{
    char text[CH_SETTING_TEXT_SIZE];
    ch_setting_show(row, value, text, sizeof text);
    const bool is_name = row->type == CH_TYPE_TEXT || (row->type == CH_TYPE_CONTENT && value.text != NULL);
    ch_text_print(is_name ? value.text : text, out);
}

/* Prints the settings that vary together with this one, e.g. " (with batch)". */
static void print_partners(FILE *out, const ch_plan *plan, const ch_plan_list *list)
{
    const char *before = " (with ";
    ch_plan_list other;
    for (size_t i = 0; ch_plan_list_at(plan, i, &other); i++) {
        if (other.axis == list->axis && other.setting != list->setting) {
            fprintf(out, "%s%s", before, ch_settings_table[other.setting].name);
            before = ", ";
        }
    }
    fputs(*before == ',' ? ")" : "", out);
}

/* Prints the values of a setting, e.g. "256, 512, 1024" or "0, 1, 2, 3, …, 98, 99 (100 values)". */
static void print_values(FILE *out, const ch_plan *plan, const ch_plan_list *list)
{
    const ch_setting *row = &ch_settings_table[list->setting];
    const bool is_cut = list->count > SHOWN_VALUES;
    fprintf(out, "%-16s", row->name);
    for (size_t i = 0; i < list->count; i++) {
        if (is_cut && i == SHOWN_FIRST) {
            fputs(", …", out);
            i = list->count - SHOWN_LAST;
        }
        fputs(i > 0 ? ", " : "", out);
        print_value(out, row, list->values[i]);
    }
    if (is_cut) {
        fprintf(out, " (%zu values)", list->count);
    }
    print_partners(out, plan, list);
    fputc('\n', out);
}

static void print_axes(FILE *out, const ch_plan *plan)
{
    ch_plan_list list;
    for (size_t i = 0; ch_plan_list_at(plan, i, &list); i++) {
        print_values(out, plan, &list);
    }
    fputc('\n', out);
}

/* Prints what is in the part of the sweep, where it is one. */
void ch_sweep_print_part(FILE *out, const ch_sweep *sweep)
{
    const ch_plan *plan = sweep->plan;
    if (plan->num_parts > 0) {
        fprintf(out, "part %" PRIu64 " of %" PRIu64 ": %zu of %" PRIu64 " run%s, %.3g %% of the expected cost\n",
                plan->part, plan->num_parts, sweep->counts.total, plan->num_runs - sweep->counts.left_out,
                plan->num_runs - sweep->counts.left_out == 1 ? "" : "s", 100 * sweep->part_share);
    }
}

void ch_sweep_print_counts(FILE *out, const ch_sweep_counts *counts)
{
    fprintf(out, "%zu runs, %zu of them in the store already, ", counts->total, counts->present);
    if (counts->repeated > 0) {
        fprintf(out, "%zu the same as others, ", counts->repeated);
    }
    if (counts->failed_before > 0) {
        fprintf(out, "%zu failed before, ", counts->failed_before);
    }
    fprintf(out, "%zu to do\n", counts->total - counts->present - counts->repeated - counts->failed_before);
}

/* Writes a time to two digits in the unit that suits it. */
static void print_seconds(FILE *out, double seconds)
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
    fprintf(out, number < 10 ? "%.1f %s" : "%.0f %s", number, units[i].name);
}

void ch_sweep_print_time(FILE *out, const ch_sweep_time *time, int threads)
{
    if (time->trials == 0) {
        return;
    }
    fputs("expected time: ", out);
    if (time->seconds * time->factor < 1) {
        fputs("under a second\n", out);
        return;
    }
    print_seconds(out, time->seconds);
    fprintf(out, " on %d thread%s, likely between ", threads, threads == 1 ? "" : "s");
    print_seconds(out, time->seconds / time->factor);
    fputs(" and ", out);
    print_seconds(out, time->seconds * time->factor);
    fprintf(out, ": from %zu trial run%s, which took ", time->trials, time->trials == 1 ? "" : "s");
    print_seconds(out, time->spent);
    if (time->unfinished > 0) {
        fprintf(out, "; %zu of them did not end, so that it may be longer", time->unfinished);
    }
    fputc('\n', out);
}

/* Prints which runs failed now, a line a reason. */
static void print_failed(FILE *out, const ch_sweep *sweep)
{
    const char *sentence = NULL;
    for (size_t i = 0; ch_sweep_failed(sweep, i, &sentence) > 0; i++) {
        const uint64_t count = ch_sweep_failed(sweep, i, &sentence);
        fprintf(out, "  %" PRIu64 " failed%s: ", count, count == 1 ? "" : ", as one did");
        ch_text_print(sentence, out);
        fputc('\n', out);
    }
}

void ch_sweep_print_done(FILE *out, const char *store, const ch_sweep *sweep)
{
    const ch_sweep_counts *counts = &sweep->counts;
    const size_t done = counts->fitted + counts->budget + counts->diverged + counts->stuck;
    ch_text_print(store, out);
    fprintf(out, ": %zu runs, %zu were there, %zu done in %.1f s: %zu fitted, %zu budget, %zu diverged", counts->total,
            counts->present - counts->elsewhere, done, counts->seconds, counts->fitted, counts->budget,
            counts->diverged);
    if (counts->stuck > 0) {
        fprintf(out, ", %zu stuck", counts->stuck);
    }
    if (counts->elsewhere > 0) {
        fprintf(out, "; %zu more by another program at the same time", counts->elsewhere);
    }
    if (counts->repeated > 0) {
        fprintf(out, "; %zu the same as others", counts->repeated);
    }
    if (counts->reused > 0) {
        fprintf(out, "; %zu taken from runs with another budget or record", counts->reused);
    }
    if (counts->resumed > counts->continued) {
        fprintf(out, "; %zu went on from a checkpoint", counts->resumed - counts->continued);
    }
    if (counts->continued > 0) {
        fprintf(out, "; %zu went on from the state of a run with another budget", counts->continued);
    }
    if (counts->failed > 0) {
        fprintf(out, "; %zu failed", counts->failed);
    }
    fputc('\n', out);
    if (counts->failed_before > 0) {
        fprintf(out, "%zu run%s failed before; --retry makes %s again\n", counts->failed_before,
                counts->failed_before == 1 ? "" : "s", counts->failed_before == 1 ? "it" : "them");
    }
    print_failed(out, sweep);
}

/* Prints what is left out, a line a reason. */
void ch_sweep_print_left_out(FILE *out, const ch_sweep *sweep)
{
    const char *sentence = NULL;
    if (sweep->counts.left_out == 0) {
        return;
    }
    fprintf(out, "left out: %zu of %" PRIu64 " combinations\n", sweep->counts.left_out, sweep->plan->num_runs);
    for (size_t i = 0; ch_sweep_left_out(sweep, i, &sentence) > 0; i++) {
        fprintf(out, "  %" PRIu64 " as in: ", ch_sweep_left_out(sweep, i, &sentence));
        ch_text_print(sentence, out);
        fputc('\n', out);
    }
}

/* Prints what a block of the plan is, how many runs it has, and what share of the cost of all runs.
 * @param store  NULL: there is none yet */
static ch_code print_block(FILE *out, const ch_plan *plan, const ch_plan *block, ch_store *store, int threads,
                           double cost, ch_error *err)
{
    ch_sweep sweep;
    char sentence[512];
    ch_plan alone = *block; /* borrows all of it */
    alone.data_dir = plan->data_dir;
    alone.stop = plan->stop;
    alone.retries = plan->retries;
    fputs("block ", out);
    ch_text_print(block->name, out);
    fputc('\n', out);
    print_axes(out, &alone);
    alone.skip_invalid = plan->skip_invalid;
    const ch_code code = ch_sweep_init_sample(&sweep, &alone, store, err);
    if (code == CH_ERROR_INPUT && plan->skip_invalid) { /* nothing is left of the block */
        fprintf(out, "%s\n\n", err->message);
        return CH_OK;
    }
    if (code != CH_OK) {
        return code;
    }
    ch_sweep_print_left_out(out, &sweep);
    ch_sweep_print_counts(out, &sweep.counts);
    if (sweep.num_jobs > 0) {
        fprintf(out, "%.3g %% of the expected cost\n", cost > 0 ? 100 * sweep.cost / cost : 100);
        ch_sweep_foresee_memory(&sweep, threads, sentence, sizeof sentence);
        fprintf(out, "%s\n", sentence);
    }
    fputc('\n', out);
    ch_sweep_free(&sweep);
    return CH_OK;
}

/* Prints the settings of a plan, and block by block what is to be known of each.
 * @param cost  expected operations of all runs */
ch_code ch_sweep_print_plan(FILE *out, const ch_plan *plan, ch_store *store, int threads, double cost, ch_error *err)
{
    if (plan->num_blocks == 0) {
        print_axes(out, plan);
        return CH_OK;
    }
    for (size_t i = 0; i < plan->num_blocks; i++) {
        const ch_code code = print_block(out, plan, &plan->blocks[i], store, threads, cost, err);
        if (code != CH_OK) {
            return code;
        }
    }
    fputs("all blocks\n", out);
    return CH_OK;
}

/* Says on standard error what memory the sweep takes. Standard output is kept for the counts of a dry run. */
void ch_sweep_say_memory(const ch_sweep *sweep, int threads)
{
    char sentence[512];
    if (sweep->num_jobs > 0) {
        ch_sweep_foresee_memory(sweep, threads, sentence, sizeof sentence);
        ch_cli_say(sentence);
    }
}

/* Says on standard error what is to be known of the images. */
void ch_sweep_say_images(const ch_sweep *sweep)
{
    char sentence[700];
    ch_sweep_describe_images(sweep, sentence, sizeof sentence);
    if (sentence[0] != '\0') {
        ch_cli_say(sentence);
    }
}
