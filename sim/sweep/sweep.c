/* sweep.c — plans a sweep: which runs are to be done, in which order, and how much memory they take. */
#include "sim/sweep/sweep_private.h"

#include "core/available.h"
#include "core/memory.h"
#include "core/text.h"
#include "sim/store/failures.h"
#include "sim/store/states.h"
#include "sim/sweep/parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is to be done ---- */

ch_code ch_sweep_resolve(const ch_sweep *self, uint64_t index, ch_resolved *resolved, ch_error *err)
{
    ch_settings settings;
    ch_plan_get(self->plan, index, &settings);
    const ch_code code = ch_settings_resolve(&settings, resolved, err);
    return code == CH_OK ? ch_sources_find(self->sources, resolved, err) : code;
}

/* Refuses a plan of which nothing is left. */
static ch_code check_rest(const ch_census *census, ch_error *err)
{
    if (census->accepted > 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT, "all %llu combinations are left out, the first because %s",
                        (unsigned long long)census->refused, census->reasons[0].sentence);
}

/* Refuses a plan whose list of runs does not fit the memory. */
static ch_code check_list(const ch_plan *plan, ch_error *err)
{
    const double bytes = (double)plan->num_runs * CH_SWEEP_JOB_BYTES;
    static const double LITTLE = 0x1p26; /* the limits are asked for only where much is needed */
    const size_t limit = bytes > LITTLE ? ch_memory_limit() : SIZE_MAX;
    if (bytes <= (double)limit) {
        return CH_OK;
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "the list of %llu runs takes %s of memory, but at most %s can be had here; accepted is a sweep of "
        "up to %zu runs",
        (unsigned long long)plan->num_runs,
        bytes < (double)SIZE_MAX ? ch_show_bytes((size_t)bytes).text : "over 10^19 bytes", ch_show_bytes(limit).text,
        limit / CH_SWEEP_JOB_BYTES);
}

/* Reports the refusal of a run, with the block that it is in. */
static ch_code name_block(const ch_plan *plan, uint64_t index, const ch_error *refusal, ch_error *err)
{
    const char *name = ch_plan_block_name(plan, index);
    return ch_error_set(err, refusal->code, "%s%s%s%s", name != NULL ? "block " : "",
                        name != NULL ? ch_show(name).text : "", name != NULL ? ": " : "", refusal->message);
}

ch_code ch_sweep_check(const ch_plan *plan, ch_error *err)
{
    ch_error refusal = {0};
    ch_census census = {0};
    ch_sources sources = {0};
    ch_resolved resolved;
    bool own = false;
    ch_code code = check_list(plan, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_census_init(&census, plan, &sources, !plan->skip_invalid, err);
    if (code != CH_OK) {
        goto out;
    }
    if (plan->skip_invalid) {
        code = check_rest(&census, err);
        goto out;
    }
    for (uint64_t i = 0; i < plan->num_runs && census.num_reasons > 0; i++) {
        code = ch_census_admit(plan, &sources, i, &resolved, &own, &refusal);
        if (code != CH_OK) { /* the first is the one to report */
            code = name_block(plan, i, &refusal, err);
            goto out;
        }
    }
out:
    ch_sources_free(&sources);
    ch_census_free(&census);
    return code;
}

static int order_of_reals(double a, double b)
{
    return (a > b) - (a < b);
}

static int order_of_counts(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_digest(const void *left, const void *right)
{
    const ch_sweep_job *a = left, *b = right;
    int order = order_of_counts(a->digest, b->digest);
    order = order != 0 ? order : order_of_reals(b->cost, a->cost);
    order = order != 0 ? order : order_of_counts(a->id, b->id);
    return order != 0 ? order : order_of_counts(a->index, b->index);
}

static int by_cost(const void *left, const void *right)
{
    const ch_sweep_job *a = left, *b = right;
    int order = order_of_reals(b->group_longest, a->group_longest);
    order = order != 0 ? order : order_of_counts(a->group_first, b->group_first);
    order = order != 0 ? order : order_of_reals(b->cost, a->cost);
    return order != 0 ? order : order_of_counts(a->index, b->index);
}

/* Asks what the store has of a run.
 * @param failed  out: it failed, and is not to be made again */
static ch_code look_up(const ch_sweep *self, ch_store *store, const char *id, bool *found, bool *failed, ch_error *err)
{
    *found = *failed = false;
    const ch_code code = store != NULL ? ch_store_has(store, id, found, err) : CH_OK;
    if (code != CH_OK || *found || !self->has_failures || self->plan->retries) {
        return code;
    }
    return ch_store_has_failed(store, id, failed, err);
}

/* Adds run `index` of the plan to the jobs unless the store has it. */
static ch_code add_job(ch_sweep *self, ch_store *store, uint64_t index, ch_error *err)
{
    ch_resolved resolved;
    char id[CH_ID_SIZE];
    bool found = false, failed = false, own = false;
    ch_code code = ch_census_admit(self->plan, self->sources, index, &resolved, &own, err);
    if (code == CH_ERROR_INPUT && own && self->plan->skip_invalid) {
        return CH_OK;
    }
    if (code != CH_OK) {
        return code;
    }
    ch_settings_id(&resolved, id);
    code = look_up(self, store, id, &found, &failed, err);
    if (code != CH_OK) {
        return code;
    }
    self->counts.present += found;
    self->counts.failed_before += failed;
    if (found || failed) {
        return CH_OK;
    }
    if (ch_grow((void **)&self->jobs, &self->jobs_capacity, self->num_jobs + 1, sizeof *self->jobs) != 0) {
        return ch_error_memory(err, "the list of runs");
    }
    const ch_train_key key = ch_train_key_of(&resolved);
    self->jobs[self->num_jobs++] = (ch_sweep_job){
        .index = index,
        .digest = ch_train_key_digest(&key),
        .id = ch_settings_id_number(id),
        .num_samples = (uint32_t)resolved.settings.train,
        .engine = resolved.settings.engine,
        .dim = (uint32_t)ch_shape_size(ch_settings_input(&resolved.settings)),
        .run_bytes = ch_train_run_bytes(&resolved),
        .cost = ch_train_cost(&resolved),
    };
    return CH_OK;
}

/* Counts a job in its group, and adjusts what the group's data set must provide. */
static void join_group(const ch_sweep *self, ch_sweep_group *group, const ch_sweep_job *job)
{
    ch_resolved resolved;
    group->runs_left++;
    group->num_untaken++;
    group->cost_untaken += job->cost;
    if (group->num_samples < job->num_samples) {
        group->num_samples = job->num_samples;
    }
    if (group->runs_left == 1 || job->engine == CH_ENGINE_FAST) {
        group->engine = job->engine;
    }
    group->set_bytes = 0;
    if (ch_sweep_resolve(self, job->index, &resolved, NULL) == CH_OK) {
        group->is_kernel = ch_train_key_of(&resolved).kind == CH_SET_KERNEL;
        group->set_bytes = ch_train_set_bytes(&resolved, (size_t)group->num_samples, group->engine);
    }
}

/* Whether two jobs of one digest can share a data set. */
static bool is_one_key(const ch_sweep *self, const ch_sweep_job *a, const ch_sweep_job *b)
{
    ch_resolved one, other;
    if (ch_sweep_resolve(self, a->index, &one, NULL) != CH_OK ||
        ch_sweep_resolve(self, b->index, &other, NULL) != CH_OK) {
        return false;
    }
    const ch_train_key key = ch_train_key_of(&one), another = ch_train_key_of(&other);
    return ch_train_key_compare(&key, &another) == 0;
}

/* Whether two jobs are one run. */
static bool is_one_run(const ch_sweep *self, const ch_sweep_job *a, const ch_sweep_job *b)
{
    ch_resolved one, other;
    char id[CH_ID_SIZE], another[CH_ID_SIZE];
    if (a->id != b->id || ch_sweep_resolve(self, a->index, &one, NULL) != CH_OK ||
        ch_sweep_resolve(self, b->index, &other, NULL) != CH_OK) {
        return false;
    }
    ch_settings_id(&one, id);
    ch_settings_id(&other, another);
    return strcmp(id, another) == 0;
}

/* Removes jobs that are the same run as another, from jobs that are sorted by digest. A sample of the runs keeps them,
 * since it stands for others too. */
static void remove_repeated(ch_sweep *self)
{
    const size_t num_jobs = self->num_jobs;
    self->num_jobs = 0;
    for (size_t i = 0; i < num_jobs; i++) {
        const ch_sweep_job *last = self->num_jobs > 0 ? &self->jobs[self->num_jobs - 1] : NULL;
        if (last == NULL || self->weight > 1 || !is_one_run(self, last, &self->jobs[i])) {
            self->jobs[self->num_jobs++] = self->jobs[i];
        }
    }
    self->counts.repeated = num_jobs - self->num_jobs;
}

/* Numbers the groups of the jobs, which are sorted by digest and then by cost.  @return the number of groups */
static size_t number_groups(ch_sweep *self)
{
    size_t num_groups = 0, begin = 0;
    for (size_t i = 0; i < self->num_jobs; i++) {
        ch_sweep_job *job = &self->jobs[i];
        if (i > 0 && (self->jobs[begin].digest != job->digest || !is_one_key(self, &self->jobs[begin], job))) {
            begin = i;
        }
        ch_sweep_job *first = &self->jobs[begin];
        num_groups += begin == i;
        job->group = (uint32_t)(num_groups - 1);
        job->group_longest = first->cost;
        first->group_first = begin == i || job->index < first->group_first ? job->index : first->group_first;
    }
    for (size_t i = 1; i < self->num_jobs; i++) {
        if (self->jobs[i].group == self->jobs[i - 1].group) {
            self->jobs[i].group_first = self->jobs[i - 1].group_first;
        }
    }
    return num_groups;
}

/* Numbers the groups anew in the order of the list, in which the jobs of each group stand together, and joins each job
 * to its group. */
static ch_code fill_groups(ch_sweep *self, ch_error *err)
{
    uint32_t before = 0, number = 0;
    for (size_t i = 0; i < self->num_jobs; i++) {
        ch_sweep_job *job = &self->jobs[i];
        const ch_code code = ch_plan_check_stop(self->plan, err);
        if (code != CH_OK) {
            return code;
        }
        const bool is_first = i == 0 || job->group != before;
        before = job->group;
        number += is_first && i > 0;
        job->group = number;
        ch_sweep_group *group = &self->groups[number];
        group->begin = is_first ? i : group->begin;
        group->end = i + 1;
        join_group(self, group, job);
    }
    return CH_OK;
}

/* Makes the groups and orders the jobs. Jobs that share a data set are brought together first, and numbered by group;
 * then all jobs are put in the order in which they are to be done. */
static ch_code make_groups(ch_sweep *self, ch_error *err)
{
    if (self->num_jobs == 0) {
        return CH_OK; /* no job means no group */
    }
    qsort(self->jobs, self->num_jobs, sizeof *self->jobs, by_digest);
    remove_repeated(self);
    const size_t num_groups = number_groups(self);
    self->groups = ch_alloc(num_groups, sizeof *self->groups);
    if (self->groups == NULL) {
        return ch_error_memory(err, "the list of data sets");
    }
    self->num_groups = num_groups;
    for (size_t i = 0; i < num_groups; i++) {
        omp_init_lock(&self->groups[i].making);
    }
    qsort(self->jobs, self->num_jobs, sizeof *self->jobs, by_cost);
    return fill_groups(self, err);
}

/* Takes a census of a plan that leaves out what cannot be run. */
static ch_code take_census(ch_sweep *self, ch_error *err)
{
    self->counts.total = self->plan->num_runs;
    if (!self->plan->skip_invalid) {
        return CH_OK;
    }
    const ch_code code = ch_census_init(self->census, self->plan, self->sources, false, err);
    if (code != CH_OK) {
        return code;
    }
    self->counts.total = self->census->accepted;
    self->counts.left_out = self->census->refused;
    return check_rest(self->census, err);
}

/* Chooses the runs of the plan's part, where it names one. */
static ch_code choose_part(ch_sweep *self, ch_error *err)
{
    self->part_share = 1;
    if (self->plan->num_parts == 0) {
        return CH_OK;
    }
    const ch_code code = ch_parts_choose(self, &self->part_runs, &self->num_part_runs, &self->part_share, err);
    self->counts.total = self->num_part_runs;
    return code;
}

/* The number of runs to look at: those of the part, or of the plan. */
static uint64_t num_runs(const ch_sweep *self)
{
    return self->part_runs != NULL ? self->num_part_runs : self->plan->num_runs;
}

/* The number in the plan of one of them. */
static uint64_t run_at(const ch_sweep *self, uint64_t place)
{
    return self->part_runs != NULL ? self->part_runs[place] : place;
}

/* Counts the runs that a store has, and those that it has as failed. */
static ch_code count_present(const ch_sweep *self, ch_store *store, size_t *present, size_t *failures, ch_error *err)
{
    for (uint64_t i = 0; i < num_runs(self); i++) {
        ch_resolved resolved;
        char id[CH_ID_SIZE];
        bool found = false, failed = false, own = false;
        ch_code code = ch_census_admit(self->plan, self->sources, run_at(self, i), &resolved, &own, err);
        if (code == CH_ERROR_INPUT && own && self->plan->skip_invalid) {
            continue;
        }
        if (code != CH_OK) {
            return code;
        }
        ch_settings_id(&resolved, id);
        code = look_up(self, store, id, &found, &failed, err);
        if (code != CH_OK) {
            return code;
        }
        *present += found;
        *failures += failed;
    }
    return CH_OK;
}

/* Adds `size` of the runs to the jobs, one from each of as many equal stretches. Where in its stretch each lies
 * goes by the golden ratio, so that no axis of the plan comes in step with the sample. */
static ch_code add_sample(ch_sweep *self, ch_store *store, uint64_t size, ch_error *err)
{
    static const double GOLDEN = 0.6180339887498949;
    for (uint64_t k = 0; k < size; k++) {
        const double place = (double)k + fmod((double)k * GOLDEN, 1);
        const uint64_t index = (uint64_t)(place / (double)size * (double)num_runs(self));
        const ch_code code = add_job(self, store, run_at(self, index < num_runs(self) ? index : index - 1), err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Lists the jobs, or a sample of them where there are more than `most`. */
static ch_code list_all_jobs(ch_sweep *self, ch_store *store, uint64_t most, ch_error *err)
{
    ch_code code = CH_OK;
    size_t num_present = 0, num_failures = 0;
    const uint64_t room = num_runs(self) < most ? num_runs(self) : most;
    self->weight = 1;
    /* all of it at once: a list that grows would be there twice while it moves */
    self->jobs = ch_alloc_unset((size_t)room, sizeof *self->jobs);
    if (self->jobs == NULL) {
        return ch_error_memory(err, "the list of runs");
    }
    self->jobs_capacity = (size_t)room;
    if (num_runs(self) <= most) {
        for (uint64_t i = 0; i < num_runs(self); i++) {
            code = add_job(self, store, run_at(self, i), err);
            if (code != CH_OK) {
                return code;
            }
        }
        if (self->part_runs != NULL) { /* some of the part may not fit the memory of this machine */
            self->counts.total = self->counts.present + self->counts.failed_before + self->num_jobs;
        }
        return CH_OK;
    }
    bool is_empty = true;
    if (store != NULL) {
        code = ch_store_is_empty(store, &is_empty, err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (!is_empty || self->has_failures) {
        code = count_present(self, store, &num_present, &num_failures, err);
        if (code != CH_OK) {
            return code;
        }
    }
    code = add_sample(self, store, most, err);
    if (code != CH_OK) {
        return code;
    }
    self->counts.present = num_present;
    self->counts.failed_before = num_failures;
    if (self->num_jobs > 0) {
        self->weight = (double)(self->counts.total - num_present - num_failures) / (double)self->num_jobs;
    }
    return CH_OK;
}

static ch_code list_jobs(ch_sweep *self, ch_store *store, uint64_t most, ch_error *err)
{
    if (store == NULL) {
        return list_all_jobs(self, store, most, err);
    }
    ch_store_keep_pages(store, true);
    const ch_code code = list_all_jobs(self, store, most, err);
    ch_store_keep_pages(store, false);
    return code;
}

/* @param most  number of runs from which on the jobs are a sample */
static ch_code init(ch_sweep *self, const ch_plan *plan, ch_store *store, uint64_t most, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->plan = plan;
    ch_code code = CH_OK;
    self->sources = ch_alloc(1, sizeof *self->sources);
    self->memory = ch_alloc(1, sizeof *self->memory);
    self->census = ch_alloc(1, sizeof *self->census);
    self->failures = ch_alloc(1, sizeof *self->failures);
    if (self->sources == NULL || self->memory == NULL || self->census == NULL || self->failures == NULL) {
        code = ch_error_memory(err, "a sweep");
        goto out;
    }
    code = take_census(self, err);
    if (code != CH_OK) {
        goto out;
    }
    code = choose_part(self, err);
    if (code != CH_OK) {
        goto out;
    }
    code = store != NULL ? ch_store_has_failures(store, &self->has_failures, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    ch_store_hold(store, true);
    code = list_jobs(self, store, most, err);
    ch_store_hold(store, false);
    if (code != CH_OK) {
        goto out;
    }
    code = make_groups(self, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < self->num_jobs; i++) {
        self->cost += self->weight * self->jobs[i].cost;
    }
out:
    if (code != CH_OK) {
        ch_sweep_free(self);
    }
    return code;
}

ch_code ch_sweep_init(ch_sweep *self, const ch_plan *plan, ch_store *store, ch_error *err)
{
    return init(self, plan, store, UINT64_MAX, err);
}

ch_code ch_sweep_init_sample(ch_sweep *self, const ch_plan *plan, ch_store *store, ch_error *err)
{
    enum { MOST_JOBS = 20000 };
    return init(self, plan, store, MOST_JOBS, err);
}

static uint64_t count_of_reason(const ch_census *census, size_t index, const char **sentence)
{
    if (index >= census->num_reasons) {
        return 0;
    }
    *sentence = census->reasons[index].sentence;
    return census->reasons[index].count;
}

uint64_t ch_sweep_left_out(const ch_sweep *self, size_t index, const char **sentence)
{
    return count_of_reason(self->census, index, sentence);
}

uint64_t ch_sweep_failed(const ch_sweep *self, size_t index, const char **sentence)
{
    return count_of_reason(self->failures, index, sentence);
}

void ch_sweep_free(ch_sweep *self)
{
    for (size_t i = 0; i < self->num_groups; i++) {
        if (self->groups[i].set != NULL) {
            ch_train_set_free(self->groups[i].set);
        }
        free(self->groups[i].set);
        omp_destroy_lock(&self->groups[i].making);
    }
    free(self->groups);
    free(self->jobs);
    free(self->part_runs);
    if (self->sources != NULL) {
        ch_sources_free(self->sources);
    }
    if (self->census != NULL) {
        ch_census_free(self->census);
    }
    if (self->failures != NULL) {
        ch_census_free(self->failures);
    }
    free(self->failures);
    free(self->census);
    free(self->sources);
    free(self->memory);
    memset(self, 0, sizeof *self);
}

/* ---- what it takes ---- */

ch_shown ch_sweep_show_train(uint64_t num_samples)
{
    ch_shown shown;
    ch_setting_show(&ch_settings_table[CH_SETTING_TRAIN], (ch_value){.count = num_samples}, shown.text,
                    sizeof shown.text);
    return shown;
}

size_t ch_sweep_num_workers(const ch_sweep *self, int threads)
{
    return self->num_jobs < (size_t)threads ? self->num_jobs : (size_t)threads;
}

/* The index of the job that takes most bytes together with its data set. */
static size_t most_demanding(const ch_sweep *self)
{
    size_t most = 0, which = 0;
    for (size_t i = 0; i < self->num_jobs; i++) {
        const size_t bytes = self->groups[self->jobs[i].group].set_bytes + self->jobs[i].run_bytes;
        if (bytes > most) {
            most = bytes;
            which = i;
        }
    }
    return which;
}

/* How many of the `workers` jobs beginning with job `first` fit the budget at once when nothing else is under way. */
static size_t num_at_once(const ch_sweep *self, size_t first, size_t workers, size_t budget)
{
    ch_memory_account account = {.budget = budget};
    for (size_t i = first; i < first + workers; i++) {
        const ch_sweep_job *job = &self->jobs[i];
        const bool new_set = i == first || job[-1].group != job->group;
        const size_t set_bytes = new_set ? self->groups[job->group].set_bytes : 0;
        if (!ch_memory_account_begin_run(&account, set_bytes, job->run_bytes)) {
            break;
        }
    }
    return account.num_runs;
}

void ch_sweep_describe_images(const ch_sweep *self, char *sentence, size_t size)
{
    ch_sources_describe(self->sources, sentence, size);
}

void ch_sweep_foresee_memory(const ch_sweep *self, int threads, char *text, size_t size)
{
    const size_t most = most_demanding(self), workers = ch_sweep_num_workers(self, threads);
    const size_t first = most + workers <= self->num_jobs ? most : self->num_jobs - workers;
    const size_t budget = self->memory_budget > 0 ? self->memory_budget : ch_memory_account_find_budget();
    const size_t at_once = num_at_once(self, first, workers, budget);
    const ch_sweep_job *job = &self->jobs[most];
    const ch_sweep_group *group = &self->groups[job->group];
    snprintf(text, size,
             "memory: a data set takes up to %s (train = %s, dim = %zu) and a run on it up to %s more; in the %s "
             "there are, %zu such run%s at once, on %d thread%s; the list of runs takes %s",
             ch_show_bytes(group->set_bytes).text, ch_sweep_show_train(group->num_samples).text, (size_t)job->dim,
             ch_show_bytes(job->run_bytes).text, ch_show_bytes(budget).text, at_once, at_once == 1 ? "" : "s", threads,
             threads == 1 ? "" : "s", ch_show_bytes((size_t)((double)self->plan->num_runs * CH_SWEEP_JOB_BYTES)).text);
}
