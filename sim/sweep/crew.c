/* crew.c — begins the jobs of a crew as memory allows, and does them on its threads. */
#include "sim/sweep/crew.h"

#include "core/clock.h"
#include "core/text.h"

#include <stdio.h>

/* Seconds that a thread sleeps before it looks again whether its run fits the memory. A run that takes a good part of
 * the memory takes much longer than this. */
static const double MEMORY_SECONDS = 0.01;
/* Seconds that a thread sleeps before it looks again whether a job has come from another process. */
static const double JOB_SECONDS = 0.0005;

void ch_crew_init(ch_crew *self, int threads, size_t workers)
{
    self->threads = self->idle = threads;
    self->workers = workers;
    self->share = threads / (int)workers;
    self->most_threads = 0;
    self->told = false;
    omp_init_lock(&self->lock);
}

void ch_crew_free(ch_crew *self)
{
    omp_destroy_lock(&self->lock);
}

static ch_sweep_job *next_job(ch_crew *self, bool *ended)
{
    *ended = false;
    return self->source.next(self->source.context, ended);
}

static bool fits(const ch_crew *self, const ch_sweep_job *job)
{
    return ch_memory_account_fits(self->memory, ch_crew_set_bytes(self, job) + job->run_bytes);
}

/* The number of threads for the run that has just begun. It is an equal share of the threads, or all idle threads when
 * memory or the end of the jobs lets no other run begin. */
static int threads_to_give(ch_crew *self)
{
    bool ended = false;
    const ch_sweep_job *next = next_job(self, &ended);
    const bool others = next != NULL ? fits(self, next) : !ended;
    const int threads = others && self->share < self->idle ? self->share : self->idle;
    return threads > 1 ? threads : 1;
}

/* Gives threads to a run whose bytes, and those of its set, are reserved. */
static int give_threads(ch_crew *self, int threads)
{
    self->idle -= threads;
    if (self->most_threads < threads) {
        self->most_threads = threads;
    }
    return threads;
}

/* Begins the next job if memory allows it.
 * @param threads  out: the number of threads for the run
 * @param ended    out: no job is left
 * @return the job; NULL when there is none or it has to wait */
static ch_sweep_job *begin_job(ch_crew *self, int *threads, bool *ended)
{
    ch_sweep_job *job = next_job(self, ended);
    if (job == NULL || !ch_memory_account_begin_run(self->memory, ch_crew_set_bytes(self, job), job->run_bytes)) {
        return NULL;
    }
    self->source.take(self->source.context, job);
    self->groups[job->group].reserved = true; /* before it is asked whether another run fits beside it */
    *threads = give_threads(self, threads_to_give(self));
    return job;
}

/* Writes a sentence that says why a job has to wait. */
static void describe_wait(const ch_crew *self, const ch_sweep_job *job, char *text, size_t size)
{
    const ch_memory_account *memory = self->memory;
    snprintf(text, size,
             "memory: %zu run%s and %s data take %s of %s there are; the next (train = %s, dim = %zu) takes %s more "
             "and waits: fewer than %zu runs go at once",
             memory->num_runs, memory->num_runs == 1 ? "" : "s", memory->num_runs == 1 ? "its" : "their",
             ch_show_bytes(memory->sets + memory->runs).text, ch_show_bytes(memory->budget).text,
             ch_sweep_show_train(job->num_samples).text, (size_t)job->dim,
             ch_show_bytes(ch_crew_set_bytes(self, job) + job->run_bytes).text, self->workers);
}

/* Waits until there is a job and memory allows it, and begins it.
 * @return NULL when no job is left or the crew is to stop */
static ch_sweep_job *take_job(ch_crew *self, int *threads)
{
    while (!*self->stop) {
        char sentence[512];
        bool ended = false, nothing = false;
        omp_set_lock(&self->lock);
        ch_sweep_job *job = begin_job(self, threads, &ended);
        const ch_sweep_job *waiting = job == NULL ? next_job(self, &nothing) : NULL;
        const bool tells = waiting != NULL && !self->told;
        if (tells) {
            describe_wait(self, waiting, sentence, sizeof sentence);
            self->told = true;
        }
        omp_unset_lock(&self->lock);
        if (job != NULL || ended) {
            return job;
        }
        if (tells) {
            self->source.say(self->source.context, sentence);
        }
        ch_clock_sleep(waiting != NULL ? MEMORY_SECONDS : JOB_SECONDS);
    }
    return NULL;
}

/* Gives back what a run had: its bytes and those of its set together, so that nobody sees one without the other. */
static void end_job(ch_crew *self, const ch_sweep_job *job, int threads)
{
    omp_set_lock(&self->lock);
    ch_train_set *set = ch_crew_release(self, &self->groups[job->group]);
    ch_memory_account_end_run(self->memory, job->run_bytes);
    self->idle += threads;
    omp_unset_lock(&self->lock);
    ch_crew_free_set(set);
}

/* Does a run unless the store has it by now. */
static ch_code do_run(ch_crew *self, const ch_sweep_job *job, int threads, ch_run *run, bool *is_there, ch_error *err)
{
    const ch_watch quiet = {.stop = self->stop};
    const ch_train_set none = {0}; /* of a run with train = inf */
    const ch_train_set *set = NULL;
    ch_resolved resolved;
    ch_code code = self->source.resolve(self->source.context, job, &resolved, is_there, err);
    if (code != CH_OK || *is_there) {
        return code;
    }
    code = ch_crew_find_set(self, job, &resolved, threads, &set, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_train_on(run, &resolved, set != NULL ? set : &none, self->states, threads, &quiet, err);
}

/* Does a job that has begun, and hands on what came of it. */
static void do_job(ch_crew *self, ch_sweep_job *job, int threads)
{
    ch_run run = {0};
    ch_job_end end = {.code = CH_OK};
    end.code = do_run(self, job, threads, &run, &end.is_there, &end.err);
    end_job(self, job, threads);
    self->source.end(self->source.context, job, &run, &end);
    ch_run_free(&run);
}

/* Takes one job after the other until none is left. Each thread of the crew does this. */
static void work(ch_crew *self)
{
    ch_sweep_job *job = NULL;
    int threads = 1;
    while ((job = take_job(self, &threads)) != NULL) {
        do_job(self, job, threads);
    }
}

void ch_crew_work(ch_crew *self)
{
    if (self->workers == 1) {
        /* A crew with one worker opens no parallel region, so that the run's own region is the outermost. OpenMP keeps
         * the threads of the outermost region between runs. */
        work(self);
        return;
    }
#pragma omp parallel num_threads((int)self->workers)
    work(self);
}

void ch_crew_do_alone(ch_crew *self, ch_sweep_job *job)
{
    omp_set_lock(&self->lock);
    (void)!ch_memory_account_begin_run(self->memory, ch_crew_set_bytes(self, job), job->run_bytes);
    self->groups[job->group].reserved = true;
    self->groups[job->group].runs_left++;
    const int threads = give_threads(self, self->threads);
    omp_unset_lock(&self->lock);
    do_job(self, job, threads);
}
