/* sweep.c — plans a sweep: which runs are to be done, in which order, and how much memory they take. */
#include "sim/sweep/sweep_private.h"

#include "core/memory.h"
#include "core/text.h"
#include "sim/admit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is to be done ---- */

ch_code ch_sweep_resolve(const ch_plan *plan, uint64_t index, ch_resolved *resolved, ch_error *err)
{
    ch_settings settings;
    ch_plan_get(plan, index, &settings);
    return ch_settings_resolve(&settings, resolved, err);
}

/* Resolves the settings of run `index` of the plan, and refuses a run that may not begin. */
static ch_code admit_run(const ch_plan *plan, uint64_t index, ch_resolved *resolved, ch_error *err)
{
    const ch_code code = ch_sweep_resolve(plan, index, resolved, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_admit(resolved, err);
}

ch_code ch_sweep_check(const ch_plan *plan, ch_error *err)
{
    for (uint64_t i = 0; i < plan->num_runs; i++) {
        ch_resolved resolved;
        const ch_code code = admit_run(plan, i, &resolved, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static int order_of_reals(double a, double b)
{
    return (a > b) - (a < b);
}

static int order_of_counts(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_key(const void *left, const void *right)
{
    const ch_sweep_job *a = left, *b = right;
    const int order = ch_train_key_compare(&a->key, &b->key);
    return order != 0 ? order : order_of_reals(b->cost, a->cost);
}

static int by_cost(const void *left, const void *right)
{
    const ch_sweep_job *a = left, *b = right;
    int order = order_of_reals(b->group_longest, a->group_longest);
    order = order != 0 ? order : order_of_counts(a->group, b->group);
    order = order != 0 ? order : order_of_reals(b->cost, a->cost);
    return order != 0 ? order : order_of_counts(a->index, b->index);
}

/* Adds run `index` of the plan to the jobs unless the store has it. */
static ch_code add_job(ch_sweep *self, ch_store *store, uint64_t index, ch_error *err)
{
    ch_resolved resolved;
    char id[CH_ID_SIZE];
    bool found = false;
    ch_code code = admit_run(self->plan, index, &resolved, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_sources_find_images(self->sources, &resolved, err);
    if (code != CH_OK) {
        return code;
    }
    if (store != NULL) {
        ch_settings_id(&resolved, id);
        code = ch_store_has(store, id, &found, err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (found) {
        self->counts.present++;
        return CH_OK;
    }
    if (ch_grow((void **)&self->jobs, &self->jobs_capacity, self->num_jobs + 1, sizeof *self->jobs) != 0) {
        return ch_error_memory(err, "the list of runs");
    }
    self->jobs[self->num_jobs++] = (ch_sweep_job){
        .index = index,
        .key = ch_train_key_of(&resolved),
        .num_samples = resolved.settings.train,
        .engine = resolved.settings.engine,
        .dim = ch_shape_size(ch_settings_input(&resolved.settings)),
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
    if (group->num_samples < job->num_samples) {
        group->num_samples = job->num_samples;
    }
    if (group->runs_left == 1 || job->engine == CH_ENGINE_FAST) {
        group->engine = job->engine;
    }
    group->is_kernel = job->key.kind == CH_SET_KERNEL;
    group->set_bytes = ch_sweep_resolve(self->plan, job->index, &resolved, NULL) == CH_OK
                           ? ch_train_set_bytes(&resolved, (size_t)group->num_samples, group->engine)
                           : 0;
}

/* Makes the groups and orders the jobs. Jobs that share a data set are brought together first, and numbered by group;
 * then all jobs are put in the order in which they are to be done. */
static ch_code make_groups(ch_sweep *self, ch_error *err)
{
    if (self->num_jobs == 0) {
        return CH_OK; /* no job means no group */
    }
    qsort(self->jobs, self->num_jobs, sizeof *self->jobs, by_key);
    size_t num_groups = 0;
    for (size_t i = 0; i < self->num_jobs; i++) {
        ch_sweep_job *job = &self->jobs[i];
        const bool opens = i == 0 || ch_train_key_compare(&job[-1].key, &job->key) != 0;
        num_groups += opens;
        job->group = num_groups - 1;
        job->group_longest = opens ? job->cost : job[-1].group_longest;
    }
    self->groups = ch_alloc(num_groups, sizeof *self->groups);
    if (self->groups == NULL) {
        return ch_error_memory(err, "the list of data sets");
    }
    self->num_groups = num_groups;
    for (size_t i = 0; i < num_groups; i++) {
        omp_init_lock(&self->groups[i].lock);
    }
    for (size_t i = 0; i < self->num_jobs; i++) {
        join_group(self, &self->groups[self->jobs[i].group], &self->jobs[i]);
    }
    qsort(self->jobs, self->num_jobs, sizeof *self->jobs, by_cost);
    return CH_OK;
}

ch_code ch_sweep_init(ch_sweep *self, const ch_plan *plan, ch_store *store, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->plan = plan;
    self->counts.total = plan->num_runs;
    ch_code code = CH_OK;
    self->sources = ch_alloc(1, sizeof *self->sources);
    self->memory = ch_alloc(1, sizeof *self->memory);
    if (self->sources == NULL || self->memory == NULL) {
        code = ch_error_memory(err, "a sweep");
        goto out;
    }
    for (uint64_t i = 0; i < plan->num_runs; i++) {
        code = add_job(self, store, i, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = make_groups(self, err);
    if (code != CH_OK) {
        goto out;
    }
    for (size_t i = 0; i < self->num_jobs; i++) {
        self->cost += self->jobs[i].cost;
    }
out:
    if (code != CH_OK) {
        ch_sweep_free(self);
    }
    return code;
}

void ch_sweep_free(ch_sweep *self)
{
    for (size_t i = 0; i < self->num_groups; i++) {
        ch_train_set_free(&self->groups[i].set);
        omp_destroy_lock(&self->groups[i].lock);
    }
    free(self->groups);
    free(self->jobs);
    if (self->sources != NULL) {
        ch_sources_free(self->sources);
    }
    free(self->sources);
    free(self->memory);
    memset(self, 0, sizeof *self);
}

/* ---- what it takes ---- */

ch_shown ch_sweep_show_train(uint64_t num_samples)
{
    ch_shown shown;
    ch_setting_format(&ch_settings_table[CH_SETTING_TRAIN], (ch_value){.count = num_samples}, shown.text,
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
             "there are, %zu such run%s at once, on %d thread%s",
             ch_show_bytes(group->set_bytes).text, ch_sweep_show_train(group->num_samples).text, job->dim,
             ch_show_bytes(job->run_bytes).text, ch_show_bytes(budget).text, at_once, at_once == 1 ? "" : "s", threads,
             threads == 1 ? "" : "s");
}
