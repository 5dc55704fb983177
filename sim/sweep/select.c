/* select.c — reads the runs of a plan from a store that may have others. */
#include "core/memory.h"
#include "sim/sources.h"
#include "sim/sweep/census.h"
#include "sim/sweep/sweep.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    char text[CH_ID_SIZE];
    uint64_t run; /* its number in the plan */
} run_id;

static int by_text(const void *left, const void *right)
{
    return strcmp(((const run_id *)left)->text, ((const run_id *)right)->text);
}

/* Lists the ids of all runs of a plan that can be done, in the order of the alphabet.
 * @param ids  out: [count], to be freed by the caller, also after a failure */
static ch_code list_ids(const ch_plan *plan, run_id **ids, size_t *count, ch_error *err)
{
    ch_sources sources = {0};
    ch_code code = CH_OK;
    *count = 0;
    *ids = ch_alloc((size_t)plan->num_runs, sizeof **ids);
    if (*ids == NULL) {
        return ch_error_memory(err, "the list of runs");
    }
    for (uint64_t i = 0; i < plan->num_runs; i++) {
        ch_resolved resolved;
        bool own = false;
        code = ch_plan_check_stop(plan, err);
        if (code != CH_OK) {
            goto out;
        }
        code = ch_census_admit(plan, &sources, i, &resolved, &own, err);
        if (code == CH_ERROR_INPUT && own && plan->skip_invalid) {
            code = CH_OK;
            continue;
        }
        if (code != CH_OK) {
            goto out;
        }
        (*ids)[*count].run = i;
        ch_settings_id(&resolved, (*ids)[(*count)++].text);
    }
    qsort(*ids, *count, sizeof **ids, by_text);
out:
    ch_sources_free(&sources);
    return code;
}

/* The number of distinct ids of a sorted list: settings that have no meaning may make two runs one. */
static size_t count_distinct(const run_id *ids, size_t count)
{
    size_t distinct = count > 0;
    for (size_t i = 1; i < count; i++) {
        distinct += by_text(&ids[i], &ids[i - 1]) != 0;
    }
    return distinct;
}

/* Keeps those runs of a table that are listed, in their order. */
static void keep_listed(ch_run_table *table, const run_id *ids, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        ch_run *run = &table->runs[i];
        run_id id;
        ch_settings_id(&run->resolved, id.text);
        if (ch_run_age(run) == 0 && bsearch(&id, ids, count, sizeof *ids, by_text) != NULL) {
            table->runs[kept++] = *run;
        } else {
            ch_run_free(run);
        }
    }
    table->count = kept;
}

ch_code ch_sweep_select(const ch_plan *plan, ch_store *store, bool *is_whole, ch_run_table *table, ch_error *err)
{
    run_id *ids = NULL;
    size_t count = 0;
    *table = (ch_run_table){0};
    ch_code code = list_ids(plan, &ids, &count, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_select(store, NULL, false, table, err);
    if (code != CH_OK) {
        goto out;
    }
    keep_listed(table, ids, count);
    *is_whole = table->count == count_distinct(ids, count);
out:
    free(ids);
    return code;
}

/* ---- how the runs ended ---- */

ch_code ch_sweep_outcomes(const ch_plan *plan, ch_store *store, ch_run_outcome *outcomes, ch_error *err)
{
    run_id *ids = NULL;
    size_t count = 0;
    ch_code code = list_ids(plan, &ids, &count, err);
    if (code != CH_OK) {
        goto out;
    }
    for (uint64_t i = 0; i < plan->num_runs; i++) {
        outcomes[i] = CH_OUTCOME_LEFT_OUT;
    }
    for (size_t i = 0; i < count; i++) {
        bool found = false, diverged = false;
        code = ch_store_find_ending(store, ids[i].text, &found, &diverged, err);
        if (code != CH_OK) {
            goto out;
        }
        outcomes[ids[i].run] = diverged ? CH_OUTCOME_DIVERGED : found ? CH_OUTCOME_OTHER : CH_OUTCOME_MISSING;
    }
out:
    free(ids);
    return code;
}
