/* bootstrap.c — the one bootstrap over data sets. */
#include "fit/errors/bootstrap.h"

#include "core/memory.h"

#include <omp.h>
#include <stdlib.h>

/* A thread takes this many replicas at a time, and reports progress once for all of them. Where a replica takes little
 * time, threads would otherwise wait for each other. */
enum { PACE = 8 };

/* The working space of one thread. */
typedef struct {
    double *copies;  /* [num_data_sets] */
    void *workspace; /* the workspace of the problem */
} thread_space;

ch_code ch_fit_check_stop(const ch_watch *watch, ch_error *err)
{
    return ch_watch_is_stopped(watch) ? ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped before the fit was done")
                                      : CH_OK;
}

static void spaces_free(thread_space *spaces, size_t threads, const ch_bootstrap_problem *problem)
{
    for (size_t i = 0; spaces != NULL && i < threads; i++) {
        if (spaces[i].workspace != NULL) {
            problem->free(problem->context, spaces[i].workspace);
        }
        free(spaces[i].workspace);
        free(spaces[i].copies);
    }
    free(spaces);
}

/* @param spaces  [threads] zeroed */
static ch_code spaces_init(thread_space *spaces, size_t threads, const ch_bootstrap_problem *problem, ch_error *err)
{
    for (size_t i = 0; i < threads; i++) {
        spaces[i].copies = ch_alloc(problem->num_data_sets, sizeof *spaces[i].copies);
        spaces[i].workspace = ch_alloc(1, problem->workspace_size);
        if (spaces[i].copies == NULL || spaces[i].workspace == NULL) {
            return ch_error_memory(err, "the bootstrap");
        }
        const ch_code code = problem->init(problem->context, spaces[i].workspace, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Draws n of n data sets with replacement.
 * @param copies  out: [n] times that each was drawn */
static void draw(double *copies, size_t n, uint64_t seed, size_t replica)
{
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_BOOTSTRAP, replica);
    for (size_t i = 0; i < n; i++) {
        copies[i] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        copies[ch_random_below(&random, (uint32_t)n)]++;
    }
}

/* Counts finished replicas and reports the progress. One thread makes PACE replicas one after the other; all of them
 * are counted when the last one is done. */
static void count_replica(ch_bootstrap_progress *progress, size_t replica, size_t replicas)
{
    if (replica % PACE != PACE - 1 && replica != replicas - 1) {
        return;
    }
#pragma omp critical(ch_bootstrap_progress)
    {
        progress->done += replica % PACE + 1;
        const ch_watch_report report = {
            .unit = "replicas",
            .done = progress->done,
            .total = progress->total,
            .share = progress->total > 0 ? (double)progress->done / (double)progress->total : 1,
        };
        ch_watch_progress(progress->watch, &report);
    }
}

ch_code ch_bootstrap_run(const ch_bootstrap_problem *problem, const ch_fit_options *options,
                         ch_bootstrap_progress *progress, double *numbers, ch_error *err)
{
    const size_t threads = (size_t)options->threads, replicas = options->replicas;
    ch_code code = CH_OK;
    thread_space *spaces = ch_alloc(threads, sizeof *spaces);
    if (spaces == NULL) {
        return ch_error_memory(err, "the bootstrap");
    }
    code = spaces_init(spaces, threads, problem, err);
    if (code != CH_OK) {
        goto out;
    }
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, PACE)
    for (size_t r = 0; r < replicas; r++) {
        thread_space *mine = &spaces[omp_get_thread_num()];
        if (!ch_watch_is_stopped(progress->watch)) {
            draw(mine->copies, problem->num_data_sets, options->seed, r);
            problem->evaluate(problem->context, mine->workspace, mine->copies, numbers + r * problem->num_numbers);
            count_replica(progress, r, replicas);
        }
    }
    code = ch_fit_check_stop(progress->watch, err);
out:
    spaces_free(spaces, threads, problem);
    return code;
}
