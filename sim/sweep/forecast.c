/* forecast.c — how long a sweep is going to take, from trial runs and the cost model. */
#include "sim/sweep/sweep_private.h"

#include "core/clock.h"
#include "core/memory.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* The cost model counts operations. What a second holds of them differs between models, engines and dynamics, so that
 * each combination of these, called a kind here, has trial runs of its own. They are runs of the sweep, spread over the
 * range of expected costs; a run that is too long for a trial has fewer samples instead. All threads try runs at once,
 * as they will in the sweep. The ratio of all seconds to all expected operations of a kind, times the operations of its
 * jobs, is the time of its runs. Its error is the scatter of that ratio between the trial runs over the root of
 * their number.
 *
 * Most trials of networks do not end. They say what an update takes, for which a trial looks at few test samples and at
 * no kernel; and those that end say how far the model is off in the number of updates: by the ratio of the
 * operations that the trials took to those expected of them, where a trial that did not end counts with at least those
 * expected. */

enum { MOST_KINDS = 32, MOST_TRIALS = 24, TRIALS_A_KIND = 6, LEAST_TRIALS = 2 };
static const double TRIAL_COST = 1e7;       /* expected operations of the longest trial run */
static const double TRIAL_SECONDS = 0.2;    /* after which a trial run is ended */
static const double TELLING_SECONDS = 1e-4; /* shorter runs say little of longer ones */
enum { LEAST_TRIAL_TRAIN = 16, MOST_KERNEL_TRAIN = 256, MOST_IMAGE_KERNEL_TRAIN = 64 };

typedef struct {
    uint64_t model, linear, engine, dynamics;
    size_t num_jobs;
    double cost, longest;      /* operations of all jobs, and of the longest */
    double run_rate, set_rate; /* seconds an operation of runs, and an entry of data sets */
    size_t telling;            /* trial runs that are long enough to tell */
    /* operations that the trial runs took over those expected of them, and the error of that ratio; 1 and 0 for all
     * but networks */
    double share, share_error;
    double scatter; /* root mean square of ln(seconds / expected) over the trial runs; NaN: not known */
} kind;

typedef struct {
    size_t kind;
    ch_resolved resolved;
    double cost, entries; /* expected operations of the run, and entries of its data set */
    double run_seconds, set_seconds;
    double expected; /* operations that were expected of the run up to its end; `cost` is then what it came to */
    double taken;    /* operations of the run up to its end; at least those expected where the trial did not end */
    bool done, finished;
    bool is_smaller; /* it has fewer samples than the run of the sweep that it stands for */
} trial;

typedef struct {
    const ch_sweep *sweep;
    size_t *kind_of; /* [num_jobs] index of each job's kind; owned */
    kind kinds[MOST_KINDS];
    size_t num_kinds;
    trial trials[MOST_TRIALS];
    size_t num_trials;
} forecast;

/* ---- kinds ---- */

static size_t find_kind(forecast *self, const ch_settings *settings)
{
    size_t i = 0;
    for (; i < self->num_kinds; i++) {
        const kind *k = &self->kinds[i];
        if (k->model == settings->model && k->linear == settings->linear && k->engine == settings->engine &&
            k->dynamics == settings->dynamics) {
            return i;
        }
    }
    if (i == MOST_KINDS) {
        return i - 1;
    }
    self->kinds[i] = (kind){.model = settings->model,
                            .linear = settings->linear,
                            .engine = settings->engine,
                            .dynamics = settings->dynamics};
    return self->num_kinds++;
}

static ch_code sort_by_kind(forecast *self, ch_error *err)
{
    self->kind_of = ch_alloc(self->sweep->num_jobs, sizeof *self->kind_of);
    if (self->kind_of == NULL) {
        return ch_error_memory(err, "the expected time of a sweep");
    }
    for (size_t i = 0; i < self->sweep->num_jobs; i++) {
        const ch_sweep_job *job = &self->sweep->jobs[i];
        ch_resolved resolved;
        const ch_code code = ch_sweep_resolve(self->sweep, job->index, &resolved, err);
        if (code != CH_OK) {
            return code;
        }
        self->kind_of[i] = find_kind(self, &resolved.settings);
        kind *k = &self->kinds[self->kind_of[i]];
        k->num_jobs++;
        k->cost += self->sweep->weight * job->cost;
        k->longest = fmax(k->longest, job->cost);
    }
    return CH_OK;
}

/* ---- trials ---- */

/* Entries of a data set: numbers that are drawn, or elements of a kernel. */
static double set_entries(const ch_settings *settings, double num_samples)
{
    const double test = (double)settings->test;
    if (settings->linear == CH_LINEAR_YES) {
        return num_samples * ((num_samples + 1) / 2 + test);
    }
    return (num_samples + test) * (double)ch_shape_size(ch_settings_input(settings));
}

/* Takes away half of the samples.
 * @return false where the run would become another kind of run, or none that can be done */
static bool halve(trial *self, const ch_sweep *sweep, uint64_t index, unsigned times)
{
    ch_settings settings;
    ch_resolved smaller;
    const uint64_t engine = self->resolved.settings.engine;
    ch_plan_get(sweep->plan, index, &settings);
    settings.train >>= times;
    settings.test >>= times;
    settings.kernel = settings.kernel < settings.train ? settings.kernel : settings.train;
    if (settings.train < LEAST_TRIAL_TRAIN || ch_settings_resolve(&settings, &smaller, NULL) != CH_OK ||
        ch_sources_find(sweep->sources, &smaller, NULL) != CH_OK || smaller.settings.engine != engine) {
        return false;
    }
    self->resolved = smaller;
    self->cost = ch_train_cost(&smaller);
    self->is_smaller = true;
    return true;
}

/* Operations that the model expects of a network's run up to some update. */
static double cost_of_updates(const ch_resolved *resolved, uint64_t updates)
{
    ch_resolved begun = *resolved;
    begun.settings.max_updates = updates > 0 ? updates : 1;
    begun.settings.max_steps = 0;
    begun.settings.max_seconds = 0;
    return ch_train_cost(&begun);
}

/* Leaves a network's trial few test samples and no kernel.
 * @return seconds that its first look may take before the time of the trial begins */
static double look_less(trial *self)
{
    static const double ALLOWED = 3, A_NANOSECOND = 1e-9; /* the cost of networks is in nanoseconds */
    ch_settings *settings = &self->resolved.settings;
    settings->kernel = 0;
    settings->test = settings->test < settings->train ? settings->test : settings->train;
    self->cost = ch_train_cost(&self->resolved);
    return ALLOWED * A_NANOSECOND * cost_of_updates(&self->resolved, 1);
}

static bool is_network(const ch_settings *settings)
{
    return ch_settings_is_network(settings) && settings->linear != CH_LINEAR_YES;
}

static ch_code add_trial(forecast *self, size_t job_index, ch_error *err)
{
    const ch_sweep_job *job = &self->sweep->jobs[job_index];
    trial *added = &self->trials[self->num_trials];
    *added = (trial){.kind = self->kind_of[job_index], .cost = job->cost};
    const ch_code code = ch_sweep_resolve(self->sweep, job->index, &added->resolved, err);
    if (code != CH_OK) {
        return code;
    }
    ch_settings *settings = &added->resolved.settings;
    const uint64_t most = settings->linear != CH_LINEAR_YES        ? UINT64_MAX
                          : ch_arch_takes_vectors(settings->model) ? MOST_KERNEL_TRAIN
                                                                   : MOST_IMAGE_KERNEL_TRAIN;
    for (unsigned times = 1; added->cost > TRIAL_COST || settings->train > most; times++) {
        if (!halve(added, self->sweep, job->index, times)) {
            break;
        }
    }
    const double allowed = TRIAL_SECONDS + (is_network(settings) ? look_less(added) : 0);
    if (!(settings->max_seconds > 0 && settings->max_seconds < allowed)) {
        settings->max_seconds = allowed;
    }
    added->entries = set_entries(settings, (double)settings->train);
    self->num_trials++;
    return CH_OK;
}

/* Chooses the trial runs of a kind: one of each of as many equal parts of its jobs, at a place that goes by the golden
 * ratio, so that the choice does not come in step with the groups in which the jobs are ordered. */
static ch_code add_trials(forecast *self, size_t which, size_t count, ch_error *err)
{
    const kind *k = &self->kinds[which];
    static const double GOLDEN = 0.6180339887498949;
    size_t seen = 0, taken = 0;
    count = count < k->num_jobs ? count : k->num_jobs;
    for (size_t i = 0; i < self->sweep->num_jobs && taken < count && self->num_trials < MOST_TRIALS; i++) {
        if (self->kind_of[i] != which) {
            continue;
        }
        const double place = ((double)taken + fmod((double)taken * GOLDEN, 1)) / (double)count;
        if (seen >= (size_t)(place * (double)k->num_jobs)) {
            const ch_code code = add_trial(self, i, err);
            if (code != CH_OK) {
                return code;
            }
            taken++;
        }
        seen++;
    }
    return CH_OK;
}

/* Operations that the model expects of the first steps of a run, for one that a trial did not bring to its end. */
static double cost_of_steps(const ch_resolved *resolved, uint64_t steps)
{
    ch_resolved begun = *resolved;
    begun.settings.max_steps = steps > 0 ? steps : 1;
    begun.settings.max_seconds = 0;
    return ch_train_cost(&begun);
}

/* Sets the operations of a trial run that is done to those that it came to. */
static void settle_cost(trial *self, const ch_run *run)
{
    const bool is_of_network = is_network(&self->resolved.settings);
    self->expected = self->cost;
    if (is_of_network) {
        self->cost = cost_of_updates(&self->resolved, run->updates);
    } else if (run->status == CH_BUDGET) {
        self->cost = cost_of_steps(&self->resolved, run->steps);
    }
    self->taken = !is_of_network ? self->expected : self->finished ? self->cost : fmax(self->cost, self->expected);
}

/* Does one trial run on one thread. A failure leaves it undone. */
static ch_code do_trial(const forecast *self, trial *one, const ch_watch *watch, ch_error *err)
{
    const ch_watch quiet = {.stop = watch != NULL ? watch->stop : NULL};
    const ch_settings *settings = &one->resolved.settings;
    ch_train_set set = {0};
    ch_run run = {0};
    ch_code code = CH_OK;
    double started = ch_clock_now();
    if (settings->train > 0) {
        code = ch_train_set_init(&set, &one->resolved, self->sweep->sources, (size_t)settings->train, 1, &quiet, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    one->set_seconds = ch_clock_now() - started;
    started = ch_clock_now();
    code = ch_train(&run, &one->resolved, &set, 1, &quiet, err);
    if (code != CH_OK) {
        goto out;
    }
    one->run_seconds = ch_clock_now() - started;
    one->finished = run.status != CH_BUDGET || run.seconds < settings->max_seconds;
    settle_cost(one, &run);
    one->done = true;
out:
    ch_run_free(&run);
    ch_train_set_free(&set);
    return code;
}

static ch_code do_trials(forecast *self, int threads, const ch_watch *watch, ch_error *err)
{
    const int workers = (int)self->num_trials < threads ? (int)self->num_trials : threads;
    bool stopped = false;
#pragma omp parallel for num_threads(workers) schedule(dynamic, 1) reduction(|| : stopped)
    for (size_t i = 0; i < self->num_trials; i++) {
        stopped = do_trial(self, &self->trials[i], watch, NULL) == CH_ERROR_INTERRUPTED || stopped;
    }
    return stopped ? ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped before the expected time was known") : CH_OK;
}

/* ---- the result ---- */

/* Finds the ratio of the operations that the trial runs of a kind took to those expected, and its error. */
static void find_share(forecast *self, size_t which)
{
    kind *k = &self->kinds[which];
    double expected = 0, taken = 0, squares = 0;
    for (size_t i = 0; i < self->num_trials; i++) {
        const trial *one = &self->trials[i];
        if (one->kind == which && one->done) {
            expected += one->expected;
            taken += one->taken;
        }
    }
    k->share = expected > 0 ? taken / expected : 1;
    for (size_t i = 0; i < self->num_trials; i++) {
        const trial *one = &self->trials[i];
        if (one->kind == which && one->done) {
            squares += pow(one->taken - k->share * one->expected, 2);
        }
    }
    k->share_error = taken > 0 ? sqrt(squares) / taken : 0;
}

/* Finds what a kind's operations and entries take. */
static void measure_kind(forecast *self, size_t which)
{
    kind *k = &self->kinds[which];
    double cost = 0, seconds = 0, entries = 0, set_seconds = 0, squares = 0;
    size_t telling = 0, done = 0;
    for (size_t i = 0; i < self->num_trials; i++) {
        const trial *one = &self->trials[i];
        if (one->kind == which && one->done) {
            cost += one->cost;
            seconds += one->run_seconds;
            entries += one->entries;
            set_seconds += one->set_seconds;
            done++;
            telling += one->run_seconds > TELLING_SECONDS;
        }
    }
    k->run_rate = cost > 0 ? seconds / cost : NAN;
    k->set_rate = entries > 0 ? set_seconds / entries : 0;
    for (size_t i = 0; i < self->num_trials; i++) {
        const trial *one = &self->trials[i];
        if (one->kind == which && one->done && (telling < 2 || one->run_seconds > TELLING_SECONDS)) {
            squares += pow(log(one->run_seconds / (one->cost * k->run_rate)), 2);
        }
    }
    const double count = (double)(telling < 2 ? done : telling);
    k->telling = telling < 2 ? done : telling;
    k->scatter = count > 1 ? sqrt(squares / (count - 1)) : NAN;
    find_share(self, which);
}

/* Seconds to make the data sets, in which a kernel, made by all threads together, counts as if one thread made it. A
 * sample of the runs has all data sets when there are several of its runs to each, and otherwise a part of them. */
static double seconds_of_sets(const forecast *self)
{
    const ch_sweep *sweep = self->sweep;
    const double scale = 2 * sweep->num_groups < sweep->num_jobs ? 1 : sweep->weight;
    double seconds = 0;
    for (size_t i = 0; i < sweep->num_jobs; i++) {
        ch_resolved resolved;
        const ch_sweep_job *job = &sweep->jobs[i];
        const bool is_first = i == 0 || job[-1].group != job->group;
        if (is_first && ch_sweep_resolve(sweep, job->index, &resolved, NULL) == CH_OK) {
            const double entries = set_entries(&resolved.settings, (double)sweep->groups[job->group].num_samples);
            seconds += scale * entries * self->kinds[self->kind_of[i]].set_rate;
        }
    }
    return seconds;
}

static void add_up(forecast *self, int threads, ch_sweep_time *time)
{
    /* least factors: of the cost model alone, of trials with fewer samples, and of trials that are runs of the sweep */
    static const double UNKNOWN = 3, SMALLER = 2, LEAST = 1.5;
    bool is_smaller = false;
    double seconds = seconds_of_sets(self), longest = 0, variance = 0, sure = 0;
    for (size_t i = 0; i < self->num_kinds; i++) {
        measure_kind(self, i);
        const kind *k = &self->kinds[i];
        const double rate = isfinite(k->run_rate) ? k->run_rate : 1e-9, here = rate * k->share * k->cost;
        const double of_rate = isfinite(k->scatter) ? k->scatter / sqrt((double)k->telling) : log(UNKNOWN) / 2;
        const double scatter = 2 * hypot(of_rate, k->share_error);
        seconds += here;
        sure += here;
        variance += pow(here * scatter, 2);
        longest = fmax(longest, rate * k->longest);
    }
    for (size_t i = 0; i < self->num_trials; i++) {
        time->trials += self->trials[i].done;
        is_smaller = is_smaller || self->trials[i].is_smaller;
        time->unfinished += self->trials[i].done && !self->trials[i].finished;
    }
    const double workers = (double)ch_sweep_num_workers(self->sweep, threads);
    time->seconds = fmax(seconds / fmax(workers, 1), longest);
    const double least = time->unfinished > 0 ? UNKNOWN : is_smaller ? SMALLER : LEAST;
    time->factor = fmax(sure > 0 ? exp(sqrt(variance) / sure) : UNKNOWN, least);
}

ch_code ch_sweep_foresee_time(const ch_sweep *self, int threads, const ch_watch *watch, ch_sweep_time *time,
                              ch_error *err)
{
    const double started = ch_clock_now();
    *time = (ch_sweep_time){.factor = 1};
    if (self->num_jobs == 0) {
        return CH_OK;
    }
    ch_code code = CH_OK;
    forecast *state = ch_alloc(1, sizeof *state);
    if (state == NULL) {
        return ch_error_memory(err, "the expected time of a sweep");
    }
    state->sweep = self;
    code = sort_by_kind(state, err);
    if (code != CH_OK) {
        goto out;
    }
    size_t each = MOST_TRIALS / state->num_kinds;
    each = each < LEAST_TRIALS ? LEAST_TRIALS : each < TRIALS_A_KIND ? each : TRIALS_A_KIND;
    for (size_t i = 0; i < state->num_kinds; i++) {
        code = add_trials(state, i, each, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = do_trials(state, threads, watch, err);
    if (code != CH_OK) {
        goto out;
    }
    add_up(state, threads, time);
    time->spent = ch_clock_now() - started;
out:
    free(state->kind_of);
    free(state);
    return code;
}
