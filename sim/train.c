/* train.c — one training run, from settings to result. */
#include "sim/train.h"

#include "perceptron/online.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Operations between two looks at the clock and the stop flag: some hundredths of a second. */
static const double OPERATIONS_PER_LOOK = 3e7;

/* ---- the recorder: which steps are observed ---- */

typedef struct {
    ch_run *run;
    size_t capacity, layers_capacity;
    uint64_t index; /* of the next point on the logarithmic grid */
    uint64_t next;  /* its step; UINT64_MAX when nothing is to be recorded */
} recorder;

/* Steps round(10^(i / record)), i = 0, 1, …, each once. */
static void recorder_schedule(recorder *self)
{
    const uint64_t last = self->next;
    do {
        const double step = round(pow(10, (double)self->index++ / (double)self->run->settings.record));
        self->next = step < 0x1p63 ? (uint64_t)step : UINT64_MAX;
    } while (self->next == last);
}

static recorder recorder_start(ch_run *run)
{
    recorder self = {.run = run, .next = UINT64_MAX};
    if (run->settings.record > 0) {
        recorder_schedule(&self);
    }
    return self;
}

/* The layers seen at look number `look`, the ones before it being there. */
static ch_code recorder_add_layers(recorder *self, size_t look, const ch_observation *observed, ch_error *err)
{
    ch_run *run = self->run;
    void *items = run->layer_changes;
    run->num_layers = observed->num_layers;
    if (run->num_layers == 0) {
        return CH_OK;
    }
    if (ch_grow(&items, &self->layers_capacity, (look + 1) * run->num_layers, sizeof *run->layer_changes) != 0) {
        return ch_error_memory(err, "the trajectory: lower record");
    }
    run->layer_changes = items;
    memcpy(run->layer_changes + look * run->num_layers, observed->layer_change,
           run->num_layers * sizeof *run->layer_changes);
    return CH_OK;
}

static ch_code recorder_add(recorder *self, uint64_t step, const ch_observation *observed, ch_error *err)
{
    ch_run *run = self->run;
    if (ch_grow((void **)&run->points, &self->capacity, run->num_points + 1, sizeof *run->points) != 0) {
        return ch_error_memory(err, "the trajectory: lower record");
    }
    const size_t look = run->num_points++;
    ch_point *point = &run->points[look];
    *point = (ch_point){.step = step, .time = run->settings.rate * (double)step, .observed = *observed};
    point->observed.layer_change = NULL; /* the learner's */
    point->observed.num_layers = 0;
    return recorder_add_layers(self, look, observed, err);
}

/* The end takes the place of every point from its step on: those saw a run that had ended without being noticed. */
static ch_code recorder_finish(recorder *self, ch_error *err)
{
    ch_run *run = self->run;
    if (run->settings.record == 0) {
        return recorder_add_layers(self, 0, &run->final, err);
    }
    while (run->num_points > 0 && run->points[run->num_points - 1].step >= run->steps) {
        run->num_points--;
    }
    return recorder_add(self, run->steps, &run->final, err);
}

/* ---- the training loop ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What `cost` operations each, or nothing, come to in one look. */
static uint64_t per_look(double cost)
{
    const double number = OPERATIONS_PER_LOOK / fmax(cost, 0x1p-32);
    return number > 1 ? (uint64_t)number : 1;
}

/* a + b, or the most there is */
static uint64_t add_u64(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t none_is_most(uint64_t budget)
{
    return budget == 0 ? UINT64_MAX : budget;
}

static bool budget_is_used(const ch_settings *settings, const ch_progress *progress, double started)
{
    return progress->steps >= none_is_most(settings->max_steps) ||
           progress->updates >= none_is_most(settings->max_updates) ||
           (settings->max_seconds > 0 && ch_clock_now() - started >= settings->max_seconds);
}

/* Advances from look to look until the learner is fitted or diverged, or a budget is used up. */
static ch_code train_until_end(ch_run *run, ch_learner *learner, double started, const ch_watch *watch, ch_error *err)
{
    ch_code code = CH_OK;
    const ch_progress *progress = &learner->progress;
    recorder trajectory = recorder_start(run);
    while (progress->status == CH_RUNNING && !budget_is_used(&run->settings, progress, started)) {
        if (ch_watch_is_stopped(watch)) {
            return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped after %llu steps",
                                (unsigned long long)progress->steps);
        }
        const uint64_t steps = add_u64(progress->steps, per_look(learner->step_cost));
        const uint64_t updates = add_u64(progress->updates, per_look(learner->update_cost));
        const ch_limit limit = {
            .steps = min_u64(min_u64(steps, trajectory.next), none_is_most(run->settings.max_steps)),
            .updates = min_u64(updates, none_is_most(run->settings.max_updates)),
        };
        learner->advance(learner, &limit);
        if (progress->steps == trajectory.next && progress->status == CH_RUNNING) {
            ch_observation observed;
            if ((code = learner->observe(learner, &observed, err)) != CH_OK ||
                (code = recorder_add(&trajectory, progress->steps, &observed, err)) != CH_OK) {
                return code;
            }
            recorder_schedule(&trajectory);
            learner->progress.status = CH_RUNNING; /* a point only watches: the run ends where it would unwatched */
        }
    }
    /* A budget may run out just as the last sample is fitted: the closing look decides. */
    if ((code = learner->observe(learner, &run->final, err)) != CH_OK) {
        return code;
    }
    run->status = progress->status == CH_RUNNING ? CH_BUDGET : progress->status;
    run->steps = run->status == CH_FITTED ? progress->last_update : progress->steps;
    run->updates = progress->updates;
    run->time = run->settings.rate * (double)run->steps;
    code = recorder_finish(&trajectory, err);
    run->final.layer_change = NULL; /* the learner's */
    return code;
}

/* ---- from settings to a learner ---- */

/* Whatever a run trains, behind the learner's interface. */
typedef union {
    ch_learner learner;
    ch_perceptron plain;
    ch_fast_perceptron fast;
    ch_online_student online;
    ch_network_learner network;
    ch_twin twin;
} model;

/* What the learner of a run borrows. */
typedef struct {
    ch_sample_set test;           /* of a perceptron, where its error is measured */
    ch_architecture architecture; /* of a network */
    double *teacher;              /* [dim] of synthetic data with one */
} props;

static void props_free(props *self)
{
    ch_sample_set_free(&self->test);
    ch_architecture_free(&self->architecture);
    free(self->teacher);
}

static ch_code online_init(ch_online_student *self, const ch_settings *settings, const props *lent, ch_error *err)
{
    const ch_online_student_setup setup = {
        .chi = settings->chi,
        .dim = (size_t)settings->dim,
        .test = settings->test > 0 ? &lent->test : NULL,
        .kappa = 1 / settings->alpha,
        .rate = settings->rate,
        .batch = (size_t)settings->batch,
        .seed_data = settings->seed_data,
        .seed_init = settings->seed_init,
    };
    return ch_online_student_init(self, &setup, err);
}

/* The test samples of a perceptron, which are a run's own. */
static ch_code make_test(props *lent, const ch_settings *settings, int threads, const ch_watch *watch, ch_error *err)
{
    ch_data_law law = ch_train_law(settings);
    if (!ch_settings_has_engine(settings) || settings->test == 0) {
        return CH_OK;
    }
    law.random_teacher = law.random_teacher && settings->train > 0; /* a fresh batch is drawn in the teacher's frame */
    return ch_sample_set_init(&lent->test, &law, CH_STREAM_TEST_SAMPLES, (size_t)settings->test, threads, watch, err);
}

/* A perceptron by an engine of its own, or with every batch fresh. */
static ch_code perceptron_init(model *self, const ch_settings *settings, const ch_train_set *set, const props *lent,
                               int threads, ch_error *err)
{
    if (settings->train == 0) {
        return online_init(&self->online, settings, lent, err);
    }
    const ch_perceptron_setup setup = {
        .train = &set->samples,
        .num_samples = (size_t)settings->train,
        .test = settings->test > 0 ? &lent->test : NULL,
        .chi = settings->chi,
        .kappa = 1 / settings->alpha,
        .rate = settings->rate,
        .batch = (size_t)settings->batch,
        .seed_init = settings->seed_init,
        .seed_batch = settings->seed_batch,
        .threads = threads,
    };
    if (settings->engine == CH_ENGINE_FAST) {
        return ch_fast_perceptron_init(&self->fast, &setup, set->reach.num_samples > 0 ? &set->reach : NULL, err);
    }
    return ch_perceptron_init(&self->plain, &setup, err);
}

/* A network; or the linear network that a perceptron is, which takes double. */
static ch_code network_init(model *self, const ch_settings *settings, const ch_train_set *set, props *lent, int threads,
                            const ch_watch *watch, ch_error *err)
{
    const ch_network_spec spec = ch_settings_network(settings);
    ch_code code = ch_architecture_init(&lent->architecture, &spec, err);
    if (code != CH_OK) {
        return code;
    }
    const bool has_teacher = ch_setting_applies(settings, CH_SETTING_TEACHER);
    if (has_teacher) {
        const ch_data_law law = ch_train_law(settings);
        lent->teacher = ch_alloc(law.dim, sizeof *lent->teacher);
        if (lent->teacher == NULL) {
            return ch_error_memory(err, "the teacher");
        }
        ch_data_law_teacher(&law, lent->teacher);
    }
    const ch_network_learner_setup setup = {
        .architecture = &lent->architecture,
        .train = &set->train,
        .num_samples = (size_t)settings->train,
        .test = settings->test > 0 ? &set->test : NULL,
        .loss = (ch_loss)settings->loss,
        .dynamics = (ch_dynamics)settings->dynamics,
        .kappa = 1 / settings->alpha,
        .rate = settings->rate,
        .batch = (size_t)settings->batch,
        .seed_init = settings->seed_init,
        .seed_batch = settings->seed_batch,
        .fast = settings->engine == CH_ENGINE_FAST,
        .wide = !ch_settings_is_network(settings),
        .teacher = lent->teacher,
        .chi = has_teacher ? settings->chi : NAN,
        .kernel_samples = (size_t)settings->kernel,
        .threads = threads,
        .watch = watch,
    };
    return ch_network_learner_init(&self->network, &setup, err);
}

static ch_code twin_init(model *self, const ch_settings *settings, const ch_train_set *set, ch_error *err)
{
    const ch_twin_setup setup = {
        .kernel = &set->kernel,
        .num_samples = (size_t)settings->train,
        .kappa = 1 / settings->alpha,
        .rate = settings->rate,
        .batch = (size_t)settings->batch,
        .from_unfitted = settings->dynamics == CH_DYNAMICS_UNFITTED,
        .seed_batch = settings->seed_batch,
        .norm_init = set->norm_init,
    };
    return ch_twin_init(&self->twin, &setup, err);
}

/* @param set  not looked at with train = inf */
static ch_code model_init(model *self, const ch_settings *settings, const ch_train_set *set, props *lent, int threads,
                          const ch_watch *watch, ch_error *err)
{
    if (ch_settings_has_engine(settings)) {
        return perceptron_init(self, settings, set, lent, threads, err);
    }
    return settings->linear == CH_LINEAR_YES ? twin_init(self, settings, set, err)
                                             : network_init(self, settings, set, lent, threads, watch, err);
}

static ch_code train_on(ch_run *run, const ch_train_set *set, int threads, const ch_watch *watch, ch_error *err)
{
    props lent = {0};
    model trained;
    ch_code code = make_test(&lent, &run->settings, threads, watch, err);
    const double started = ch_clock_now();
    if (code == CH_OK) {
        code = model_init(&trained, &run->settings, set, &lent, threads, watch, err);
    }
    if (code == CH_OK) {
        code = train_until_end(run, &trained.learner, started, watch, err);
        run->seconds = ch_clock_now() - started;
        trained.learner.free(&trained.learner);
    }
    props_free(&lent);
    return code;
}

static ch_code start_run(ch_run *run, const ch_settings *settings, ch_error *err)
{
    memset(run, 0, sizeof *run);
    run->settings = *settings;
    run->results_version = CH_RESULTS_VERSION;
    return ch_settings_resolve(&run->settings, err);
}

ch_code ch_train(ch_run *run, const ch_settings *settings, const ch_train_set *set, int threads, const ch_watch *watch,
                 ch_error *err)
{
    if (set == NULL) {
        return ch_train_alone(run, settings, NULL, threads, watch, err);
    }
    const ch_code code = start_run(run, settings, err);
    return code == CH_OK ? train_on(run, set, threads, watch, err) : code;
}

ch_code ch_train_alone(ch_run *run, const ch_settings *settings, const char *kernel_folder, int threads,
                       const ch_watch *watch, ch_error *err)
{
    ch_train_set set = {0};
    ch_sources sources = {.kernel_folder = kernel_folder};
    ch_code code = start_run(run, settings, err);
    if (code == CH_OK) {
        code = ch_sources_find_images(&sources, &run->settings, err);
    }
    if (code == CH_OK && run->settings.train > 0) {
        code = ch_train_set_init(&set, &run->settings, &sources, (size_t)run->settings.train, threads, watch, err);
    }
    ch_sources_free(&sources);
    if (code == CH_OK) {
        code = train_on(run, &set, threads, watch, err);
    }
    ch_train_set_free(&set);
    return code;
}

void ch_run_free(ch_run *self)
{
    free(self->points);
    free(self->layer_changes);
    memset(self, 0, sizeof *self);
}
