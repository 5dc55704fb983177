/* sweep.c — many runs on all cores, into a store. */
#include "sim/sweep.h"

#include "sim/meter.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* One run to do. */
struct ch_sweep_job {
    uint64_t index;       /* in the plan */
    ch_data_law law;      /* of its data */
    uint64_t num_samples; /* P */
    double cost;
    size_t group;
    double group_longest; /* cost of its group's longest run */
};

/* Runs that share a data set. It is made when the first of them starts, or shortly before, and freed by the last to
 * end. */
struct ch_sweep_group {
    uint64_t num_samples; /* largest P among its runs; smaller ones use its first rows */
    size_t runs_left;
    ch_train_set set;
    omp_lock_t lock; /* guards set and runs_left */
};

/* ---- what is to be done ---- */

ch_code ch_sweep_check(const ch_plan *plan, ch_error *err)
{
    for (uint64_t i = 0; i < plan->num_runs; i++) {
        ch_settings settings;
        ch_plan_get(plan, i, &settings);
        const ch_code code = ch_settings_resolve(&settings, err);
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

/* 0 exactly when two runs can share a data set. */
static int order_of_laws(const ch_data_law *a, const ch_data_law *b)
{
    int order = order_of_reals(a->chi, b->chi);
    order = order != 0 ? order : order_of_counts(a->dim, b->dim);
    order = order != 0 ? order : order_of_counts(a->random_teacher, b->random_teacher);
    return order != 0 ? order : order_of_counts(a->seed, b->seed);
}

static int by_law(const void *left, const void *right)
{
    const ch_sweep_job *a = left, *b = right;
    const int order = order_of_laws(&a->law, &b->law);
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

/* Adds run `index` of the plan unless the store has it. */
static ch_code add_job(ch_sweep *self, ch_store *store, uint64_t index, ch_error *err)
{
    ch_settings settings;
    char id[CH_ID_SIZE];
    bool found = false;
    ch_plan_get(self->plan, index, &settings);
    ch_code code = ch_settings_resolve(&settings, err);
    if (code != CH_OK) {
        return code;
    }
    if (store != NULL) {
        ch_settings_id(&settings, id);
        if ((code = ch_store_has(store, id, &found, err)) != CH_OK) {
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
        .law = ch_train_law(&settings),
        .num_samples = settings.train,
        .cost = ch_train_cost(&settings),
    };
    return CH_OK;
}

/* Numbers the groups of jobs that are sorted by law, and puts the jobs in the order in which to run them. */
static ch_code make_groups(ch_sweep *self, ch_error *err)
{
    if (self->num_jobs == 0) {
        return CH_OK; /* there is no list either */
    }
    qsort(self->jobs, self->num_jobs, sizeof *self->jobs, by_law);
    size_t num_groups = 0;
    for (size_t i = 0; i < self->num_jobs; i++) {
        ch_sweep_job *job = &self->jobs[i];
        const bool opens = i == 0 || order_of_laws(&job[-1].law, &job->law) != 0;
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
        ch_sweep_group *group = &self->groups[self->jobs[i].group];
        group->runs_left++;
        if (group->num_samples < self->jobs[i].num_samples) {
            group->num_samples = self->jobs[i].num_samples;
        }
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
    for (uint64_t i = 0; i < plan->num_runs && code == CH_OK; i++) {
        code = add_job(self, store, i, err);
    }
    if (code == CH_OK) {
        code = make_groups(self, err);
    }
    if (code != CH_OK) {
        ch_sweep_free(self);
        return code;
    }
    for (size_t i = 0; i < self->num_jobs; i++) {
        self->cost += self->jobs[i].cost;
    }
    return CH_OK;
}

void ch_sweep_free(ch_sweep *self)
{
    for (size_t i = 0; i < self->num_groups; i++) {
        ch_train_set_free(&self->groups[i].set);
        omp_destroy_lock(&self->groups[i].lock);
    }
    free(self->groups);
    free(self->jobs);
    memset(self, 0, sizeof *self);
}

/* ---- doing it ---- */

/* What the threads of a sweep share; `code` and `err` are the first failure. */
typedef struct {
    ch_sweep *sweep;
    ch_store *store;
    ch_stop *stop;
    ch_meter meter;
    ch_code code;
    ch_error *err;
} workshop;

/* Makes a group's set if it is still wanted and not there; the caller holds the group's lock. */
static ch_code make_set(ch_sweep_group *group, const ch_settings *settings, ch_stop *stop, ch_error *err)
{
    if (group->runs_left == 0 || group->set.samples.rows != NULL) {
        return CH_OK;
    }
    return ch_train_set_init(&group->set, settings, group->num_samples, 1, stop, err);
}

/* Makes the set that the jobs after this group's will want, unless somebody is at it. A failure shows when it is
 * wanted. */
static void make_next_set(const workshop *shop, const ch_sweep_job *job)
{
    const ch_sweep_job *next = job, *end = shop->sweep->jobs + shop->sweep->num_jobs;
    while (next < end && next->group == job->group) {
        next++;
    }
    if (next == end || !omp_test_lock(&shop->sweep->groups[next->group].lock)) {
        return;
    }
    ch_settings settings;
    ch_plan_get(shop->sweep->plan, next->index, &settings);
    if (ch_settings_resolve(&settings, NULL) == CH_OK) {
        (void)!make_set(&shop->sweep->groups[next->group], &settings, shop->stop, NULL);
    }
    omp_unset_lock(&shop->sweep->groups[next->group].lock);
}

/* While another thread makes the set, this one makes the next instead of waiting. */
static ch_code borrow_set(const workshop *shop, const ch_sweep_job *job, const ch_settings *settings, ch_error *err)
{
    ch_sweep_group *group = &shop->sweep->groups[job->group];
    if (!omp_test_lock(&group->lock)) {
        make_next_set(shop, job);
        omp_set_lock(&group->lock);
    }
    const ch_code code = make_set(group, settings, shop->stop, err);
    omp_unset_lock(&group->lock);
    return code;
}

static void return_set(ch_sweep_group *group)
{
    omp_set_lock(&group->lock);
    if (--group->runs_left == 0) {
        ch_train_set_free(&group->set);
    }
    omp_unset_lock(&group->lock);
}

static ch_code do_run(const workshop *shop, const ch_sweep_job *job, ch_run *run, ch_error *err)
{
    ch_sweep_group *group = &shop->sweep->groups[job->group];
    ch_settings settings;
    ch_plan_get(shop->sweep->plan, job->index, &settings);
    ch_code code = ch_settings_resolve(&settings, err);
    if (code == CH_OK) {
        code = borrow_set(shop, job, &settings, err);
    }
    if (code == CH_OK) {
        code = ch_train(run, &settings, &group->set, shop->stop, err);
    }
    return_set(group);
    return code;
}

/* Files a run that has ended; called by one thread at a time. */
static void file_run(workshop *shop, const ch_sweep_job *job, const ch_run *run, ch_code code, const ch_error *err)
{
    ch_error failure = *err;
    if (code == CH_OK) {
        code = ch_store_put(shop->store, run, &failure);
    }
    if (code != CH_OK) {
        if (shop->code == CH_OK) {
            shop->code = code;
            ch_error_set(shop->err, code, "%s", failure.message);
        }
        *shop->stop = 1;
        return;
    }
    ch_sweep_counts *counts = &shop->sweep->counts;
    counts->fitted += run->status == CH_FITTED;
    counts->budget += run->status == CH_BUDGET;
    counts->diverged += run->status == CH_DIVERGED;
    ch_meter_add(&shop->meter, job->cost);
}

ch_code ch_sweep_run(ch_sweep *self, ch_store *store, int threads, ch_stop *stop, ch_error *err)
{
    ch_stop own = 0;
    stop = stop != NULL ? stop : &own;
    workshop shop = {.sweep = self, .store = store, .stop = stop, .err = err};
    ch_meter_start(&shop.meter, self->num_jobs, self->cost);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t i = 0; i < self->num_jobs; i++) {
        if (*stop) {
            continue;
        }
        ch_run run = {0};
        ch_error failure = {0};
        const ch_code code = do_run(&shop, &self->jobs[i], &run, &failure);
#pragma omp critical(ch_sweep_filing)
        file_run(&shop, &self->jobs[i], &run, code, &failure);
        ch_run_free(&run);
    }
    ch_meter_finish(&shop.meter);
    self->counts.seconds = ch_meter_elapsed(&shop.meter);
    if (shop.code == CH_OK && shop.meter.done < self->num_jobs) {
        shop.code = CH_ERROR_INTERRUPTED;
    }
    if (shop.code == CH_ERROR_INTERRUPTED) {
        ch_error_set(err, shop.code, "stopped with %zu of %zu runs to do; repeat the command to go on",
                     self->num_jobs - shop.meter.done, self->num_jobs);
    }
    return shop.code;
}
