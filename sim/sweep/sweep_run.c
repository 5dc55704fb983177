/* sweep_run.c — does the runs of a sweep on the threads of this process and puts them into the store. */
#include "core/clock.h"
#include "sim/sweep/lead.h"

/* A ledger with the crew that takes its jobs from it. */
typedef struct {
    ch_ledger ledger;
    ch_crew crew;
    ch_lead lead;
    ch_run_states states;
} sweep_state;

enum { OWN = 0 }; /* number of this process in the dispatch */

/* ---- the crew's source ---- */

static ch_sweep_job *next_job(void *context, bool *ended)
{
    sweep_state *state = context;
    ch_sweep_job *job = ch_dispatch_next(&state->ledger.dispatch, OWN);
    *ended = job == NULL && ch_ledger_has_ended(&state->ledger);
    return job;
}

static void take_job(void *context, ch_sweep_job *job)
{
    sweep_state *state = context;
    ch_dispatch_take(&state->ledger.dispatch, job);
}

static bool find_following(void *context, const ch_sweep_job *job, uint32_t *group, ch_resolved *resolved)
{
    const sweep_state *state = context;
    const ch_sweep *sweep = state->ledger.sweep;
    *group = job->group + 1;
    return *group < sweep->num_groups &&
           ch_sweep_resolve(sweep, sweep->jobs[sweep->groups[*group].begin].index, resolved, NULL) == CH_OK;
}

static ch_code resolve_job(void *context, const ch_sweep_job *job, ch_resolved *resolved, bool *is_there, ch_error *err)
{
    sweep_state *state = context;
    return ch_ledger_resolve(&state->ledger, job, resolved, is_there, err);
}

static void end_job(void *context, ch_sweep_job *job, ch_run *run, ch_job_end *end)
{
    sweep_state *state = context;
    ch_ledger_put(&state->ledger, job, run, end);
    if (!state->ledger.is_led) {
        (void)ch_ledger_file_put(&state->ledger, false);
    }
}

static void say(void *context, const char *sentence)
{
    sweep_state *state = context;
    ch_ledger_say(&state->ledger, sentence);
}

/* ---- the sweep ---- */

/* Makes a group the data set of one of its runs alone, which may take less than that of all. No run of it is under way.
 */
static void narrow_group(const ch_sweep *sweep, ch_sweep_group *group, const ch_sweep_job *job)
{
    ch_resolved resolved;
    if (group->reserved || ch_sweep_resolve(sweep, job->index, &resolved, NULL) != CH_OK) {
        return;
    }
    group->num_samples = job->num_samples;
    group->engine = job->engine;
    group->set_bytes = ch_train_set_bytes(&resolved, (size_t)job->num_samples, job->engine);
}

/* Tries the runs again that lacked memory beside others, one after the other, when nothing else is under way. */
static void try_postponed_again(sweep_state *state)
{
    ch_sweep *sweep = state->ledger.sweep;
    for (size_t i = 0; i < sweep->num_jobs && !*state->ledger.watch.stop; i++) {
        ch_sweep_job *job = &sweep->jobs[i];
        if (job->is_postponed) {
            narrow_group(sweep, &sweep->groups[job->group], job);
            ch_crew_do_alone(&state->crew, job);
        }
    }
}

/* The bytes of a state that is kept are fewer than those that its run takes. One that goes to another process is there
 * three times: as it was written, while it waits, and in a message. */
static void reserve_states(ch_sweep *sweep)
{
    const size_t copies = sweep->link != NULL && sweep->link->size > 1 ? 3 : 1;
    for (size_t i = 0; i < sweep->num_jobs && sweep->checkpoint > 0; i++) {
        sweep->jobs[i].run_bytes *= 1 + copies;
    }
}

static size_t most_run_bytes(const ch_sweep *sweep)
{
    size_t most = 0;
    for (size_t i = 0; i < sweep->num_jobs; i++) {
        most = sweep->jobs[i].run_bytes > most ? sweep->jobs[i].run_bytes : most;
    }
    return most;
}

/* The most runs that this process does at once. Where there are fewer runs than threads, the processes share them. */
static size_t num_workers(const ch_sweep *sweep, int threads)
{
    const size_t alone = ch_sweep_num_workers(sweep, threads);
    const size_t most = sweep->link != NULL ? ch_lead_num_workers(sweep->link, sweep, threads) : alone;
    return most > 1 ? most : 1;
}

static void begin_crew(sweep_state *state, ch_sweep *sweep, int threads)
{
    state->states = ch_state_place_states(&state->ledger.states, sweep->checkpoint);
    state->crew = (ch_crew){
        .states = &state->states,
        .source = {state, next_job, take_job, find_following, resolve_job, end_job, say},
        .groups = sweep->groups,
        .memory = sweep->memory,
        .sources = sweep->sources,
        .stop = state->ledger.watch.stop,
        .most_run_bytes = most_run_bytes(sweep),
    };
    ch_crew_init(&state->crew, threads, num_workers(sweep, threads));
    sweep->sources->kernel_folder = sweep->kernel_folder;
    sweep->memory->budget = sweep->memory_budget > 0 ? sweep->memory_budget : ch_memory_account_find_budget();
}

/* Does the jobs together with the other processes. */
static void work_together(sweep_state *state, const ch_link *link)
{
    ch_error failure = {0};
    const ch_code code = ch_lead_begin(&state->lead, link, &state->ledger, &state->crew, &failure);
    if (code == CH_OK) {
        ch_crew_work(&state->crew);
    } else {
        ch_ledger_fail(&state->ledger, code, &failure);
    }
    ch_lead_finish(&state->lead);
}

ch_code ch_sweep_run(ch_sweep *self, ch_store *store, int threads, const ch_watch *watch, ch_error *err)
{
    const double started = ch_clock_now();
    const size_t num_processes = self->link != NULL ? (size_t)self->link->size : 1;
    ch_stop own = 0;
    ch_watch shared = watch != NULL ? *watch : (ch_watch){0};
    shared.stop = shared.stop != NULL ? shared.stop : &own;
    sweep_state state = {.lead = {0}};
    ch_code code = ch_store_set_threads(store, threads, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_ledger_init(&state.ledger, self, store, num_processes, &shared, err);
    if (code != CH_OK) {
        return code;
    }
    reserve_states(self);
    begin_crew(&state, self, threads);
    ch_ledger_keep(&state.ledger, &state.crew);
    if (num_processes > 1 && self->num_jobs > 0) {
        work_together(&state, self->link);
    } else {
        ch_crew_work(&state.crew);
    }
    (void)ch_ledger_file_put(&state.ledger, true);
    try_postponed_again(&state);
    self->counts.most_threads = state.crew.most_threads;
    self->counts.seconds = ch_clock_now() - started;
    const ch_code conclusion = ch_ledger_conclude(&state.ledger, err);
    ch_crew_free(&state.crew);
    ch_ledger_free(&state.ledger);
    return conclusion;
}
