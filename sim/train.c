/* train.c — one training run, from settings to result. */
#include "sim/train_private.h"

#include "core/clock.h"
#include "core/memory.h"
#include "sim/fluctuations.h"
#include "sim/reach.h"
#include "sim/recorder.h"
#include "sim/run_state.h"
#include "sim/stagnation.h"
#include "sim/teller.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number of operations between two looks at the clock and the stop flag. It takes some hundredths of a second. */
static const double OPERATIONS_PER_LOOK = 3e7;

/* ---- the training loop ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The number of steps or updates, of `cost` operations each, between two looks. The cost may be 0. */
static uint64_t per_look(double cost)
{
    const double number = OPERATIONS_PER_LOOK / fmax(cost, 0x1p-32);
    return number > 1 ? (uint64_t)number : 1;
}

/* a + b, or UINT64_MAX where that overflows */
static uint64_t add_u64(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* A budget as a limit: 0 stands for none. */
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

/* Seconds that measuring a run may take which was stopped. Such a run ends without being measured where they do not
 * suffice. */
static const double LAST_LOOK_SECONDS = 0.5;

/* What watches over a run under way. */
typedef struct {
    ch_recorder trajectory;
    ch_weight_series *series; /* of the session; borrowed */
    ch_learner *learner;
    ch_watch *inner;          /* what the learner looks at, with the time at which `advance` is to return; borrowed */
    ch_stagnation stagnation; /* never looks at a run that has a budget */
    ch_teller teller;
    double started;              /* when it would have started had it never been interrupted */
    const ch_run_states *states; /* where its state is kept; NULL: nowhere */
    double due;                  /* when it is to be kept next */
    bool is_told;                /* whether it was told that memory is too short to keep it */
} training;

static training training_start(ch_run *run, ch_learner *learner, const ch_weights_keeper *keeper,
                               ch_weight_series *series, double started, const ch_run_states *states,
                               const ch_watch *watch, ch_watch *inner)
{
    const ch_settings *settings = &run->settings;
    training self = {
        .trajectory = ch_recorder_start(run, keeper),
        .series = series,
        .learner = learner,
        .inner = inner,
        .stagnation = ch_stagnation_start(settings->train, settings->batch, ch_dynamics_takes_all(settings->dynamics),
                                          CH_REACH_ROUGHNESS * ch_reach_most_steps(settings)),
        .teller = ch_teller_start(&run->resolved, watch),
        .started = started,
        .states = states,
        .due = ch_clock_now() + (states != NULL ? states->interval : 0),
    };
    if (ch_settings_has_budget(settings)) {
        self.stagnation.next = UINT64_MAX;
    }
    return self;
}

/* ---- the state of a run under way ---- */

static ch_run_parts parts_of(training *self)
{
    ch_recorder *trajectory = &self->trajectory;
    return (ch_run_parts){
        .learner = self->learner,
        .run = trajectory->run,
        .points_capacity = &trajectory->capacity,
        .layers_capacity = &trajectory->layers_capacity,
        .index = &trajectory->index,
        .next = &trajectory->next,
        .stagnation = &self->stagnation,
        .series = self->series,
        .trail = ch_weights_keeper_trail(trajectory->keeper),
    };
}

/* Keeps the state of a run that is between two steps, where states are kept. A large state is kept so seldom that this
 * takes little of the time. */
static void keep_state(training *self)
{
    const ch_run_parts parts = parts_of(self);
    const double began = ch_clock_now();
    ch_run_state state = {.seconds = began - self->started,
                          .is_watched = !ch_settings_has_budget(&self->trajectory.run->settings)};
    if (self->states == NULL || self->states->interval == 0 || self->learner->exchange == NULL ||
        self->learner->is_torn || self->learner->progress.status != CH_RUNNING) {
        return;
    }
    if (ch_run_state_write(&state, &parts)) {
        self->states->keep(self->states->context, &state);
    } else if (!self->is_told) {
        self->is_told = true;
        self->states->say(self->states->context, "there is not enough memory to keep the state of a run under way: "
                                                 "if it is killed, it begins anew");
    }
    ch_run_state_free(&state);
    const double now = ch_clock_now();
    self->due = now + fmax(self->states->interval, self->states->rest * (now - began));
}

/* Reads a state. Where it was written by a run with a budget, nobody has looked for stagnation in it, and ch_run_states
 * gives it only to runs that would not have done so by then either.
 * @return false where it is not the state of this run; then all is to be made anew */
static bool read_state(training *self, ch_run_state *state)
{
    const ch_run_parts parts = parts_of(self);
    const ch_stagnation begun = self->stagnation;
    if (!ch_run_state_read(state, &parts)) {
        return false;
    }
    if (!state->is_watched || begun.next == UINT64_MAX) {
        self->stagnation = begun;
    }
    self->stagnation.has_loss = begun.has_loss;
    self->stagnation.most_steps = begun.most_steps;
    self->started -= state->seconds;
    ch_recorder_resume(&self->trajectory, self->learner->progress.steps);
    return true;
}

/* Where the next call of `advance` stops. */
static ch_limit next_limit(const training *self)
{
    const ch_settings *settings = &self->trajectory.run->settings;
    const ch_learner *learner = self->learner;
    const uint64_t steps = add_u64(learner->progress.steps, per_look(learner->step_cost));
    const uint64_t updates = add_u64(learner->progress.updates, per_look(learner->update_cost));
    return (ch_limit){
        .steps = min_u64(min_u64(steps, ch_weight_series_next(self->series)),
                         min_u64(ch_recorder_next(&self->trajectory), none_is_most(settings->max_steps))),
        .updates = min_u64(min_u64(updates, self->stagnation.next), none_is_most(settings->max_updates)),
    };
}

/* Records a point of the trajectory if it is due. */
static ch_code record_point(training *self, ch_error *err)
{
    ch_progress *progress = &self->learner->progress;
    ch_observation observed;
    if (progress->steps != ch_recorder_next(&self->trajectory)) {
        return CH_OK;
    }
    const bool with_curvature = progress->steps == self->trajectory.next_curved;
    ch_code code = ch_recorder_observe(&self->trajectory, self->learner, with_curvature, &observed, err);
    /* a point must not end the run: it ends where it would end without points */
    progress->status = CH_RUNNING;
    if (code != CH_OK) {
        return code;
    }
    code = ch_recorder_add(&self->trajectory, progress->steps, &observed, err);
    if (code != CH_OK) {
        return code;
    }
    ch_recorder_schedule(&self->trajectory, progress->steps);
    return CH_OK;
}

/* Takes a snapshot of the weights if it is due. A run with snapshots trains a network (ch_settings_has_engine). */
static void take_snapshot(training *self)
{
    if (self->learner->progress.steps == ch_weight_series_next(self->series)) {
        ch_weight_series_add(self->series, ch_network_learner_weights((const ch_network_learner *)self->learner));
    }
}

/* Ends the run where it makes no progress any more. */
static ch_code look_for_stagnation(training *self, ch_error *err)
{
    ch_progress *progress = &self->learner->progress;
    ch_observation observed;
    if (progress->updates != self->stagnation.next) {
        return CH_OK;
    }
    const ch_code code = ch_recorder_observe(&self->trajectory, self->learner, false, &observed, err);
    progress->status = CH_RUNNING;
    if (code != CH_OK) {
        return code;
    }
    const ch_cause cause = ch_stagnation_look(&self->stagnation, progress, &observed);
    if (cause != CH_CAUSE_NONE) {
        progress->status = CH_STUCK;
        progress->cause = cause;
    }
    return CH_OK;
}

/* Advances from one look at the clock to the next until the learner is fitted, diverged or stuck or a budget is used
 * up, and records points on the way. */
static ch_code advance_until_end(training *self, const ch_watch *watch, ch_error *err)
{
    const ch_settings *settings = &self->trajectory.run->settings;
    const ch_progress *progress = &self->learner->progress;
    while (progress->status == CH_RUNNING && !budget_is_used(settings, progress, self->started)) {
        if (ch_watch_is_stopped(watch)) {
            return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped after %llu steps",
                                (unsigned long long)progress->steps);
        }
        const ch_limit limit = next_limit(self);
        self->inner->until = settings->max_seconds > 0 ? self->started + settings->max_seconds : 0;
        self->learner->advance(self->learner, &limit);
        self->inner->until = 0;
        if (progress->status != CH_RUNNING) {
            break;
        }
        take_snapshot(self);
        ch_code code = record_point(self, err);
        if (code != CH_OK) {
            return code;
        }
        code = look_for_stagnation(self, err);
        if (code != CH_OK) {
            return code;
        }
        ch_teller_tell(&self->teller, self->learner);
        if (self->states != NULL && self->states->interval > 0 && ch_clock_now() >= self->due) {
            keep_state(self);
        }
    }
    return CH_OK;
}

/* Measures the end, which decides: a budget may be used up just as the last sample is fitted. A run that is stuck stays
 * so unless it proves to be fitted. */
static ch_code finish(training *self, bool is_over, ch_error *err)
{
    ch_run *run = self->trajectory.run;
    ch_progress *progress = &self->learner->progress;
    ch_code code = ch_recorder_observe(&self->trajectory, self->learner, true, &run->final, err);
    if (code != CH_OK) {
        return code;
    }
    run->status = progress->status == CH_RUNNING && is_over ? CH_BUDGET : progress->status;
    run->reason = run->status == CH_STUCK ? progress->cause : CH_CAUSE_NONE;
    run->steps = run->status == CH_FITTED ? progress->last_update : progress->steps;
    run->updates = progress->updates;
    run->time = run->settings.rate * (double)run->steps;
    code = ch_recorder_finish(&self->trajectory, err);
    run->final.layer_change = NULL; /* they are the learner's, and were copied */
    return code;
}

/* Measures what there is of a run that was stopped, if that takes little time. The flag, which ends observations too,
 * is not looked at meanwhile. */
static void finish_stopped(training *self)
{
    ch_watch *inner = self->inner;
    inner->stop = NULL;
    inner->until = ch_clock_now() + LAST_LOOK_SECONDS;
    if (finish(self, false, NULL) != CH_OK) {
        self->trajectory.run->steps = 0;
    }
}

/* @param keeps_stopped  whether a run that is stopped is measured, as ch_train_alone says */
static ch_code train_until_end(training *self, const ch_watch *watch, bool keeps_stopped, ch_error *err)
{
    const ch_code code = advance_until_end(self, watch, err);
    if (code == CH_OK || code == CH_ERROR_INTERRUPTED) {
        keep_state(self); /* of a run that was stopped, or that a budget ends: it may go on under a larger one */
    }
    if (code == CH_ERROR_INTERRUPTED && keeps_stopped) {
        finish_stopped(self);
    }
    return code == CH_OK ? finish(self, true, err) : code;
}

/* Ends a run before its first step where no training fits its samples and no budget ends it. */
static void check_contradiction(ch_learner *learner, const ch_settings *settings, const ch_train_set *set)
{
    if (settings->train > 0 && settings->train > set->contradiction.first && !ch_settings_has_budget(settings)) {
        learner->progress.status = CH_STUCK;
        learner->progress.cause = set->contradiction.cause;
    }
}

/* ---- the weights of a run ---- */

ch_code ch_run_count_weights(const ch_resolved *found, size_t *count, ch_error *err)
{
    const ch_settings *settings = &found->settings;
    const ch_network_spec spec = ch_settings_network(settings);
    ch_architecture architecture;
    if (ch_settings_has_engine(settings)) {
        *count = ch_shape_size(ch_settings_input(settings));
        return CH_OK;
    }
    const ch_code code = ch_architecture_init(&architecture, &spec, err);
    *count = code == CH_OK ? architecture.num_weights : 0;
    ch_architecture_free(&architecture);
    return code;
}

/* ---- fluctuations ---- */

static ch_code find_loss(void *context, const double *weights, double *loss, ch_error *err)
{
    return ch_network_learner_loss(context, weights, loss, err);
}

/* Finds the fluctuations of a run that a budget ended after all its snapshots. The weights do not keep their values. */
static ch_code find_fluctuations(ch_run *run, ch_run_model *trained, const ch_architecture *architecture,
                                 ch_weight_series *series, int threads, ch_error *err)
{
    const ch_loss_at loss = {&trained->network, find_loss};
    if (series->most == 0 || series->num_rows < series->most || run->status != CH_BUDGET) {
        return CH_OK;
    }
    ch_weight_part *parts = ch_alloc(architecture->num_layers, sizeof *parts);
    if (parts == NULL) {
        return ch_error_memory(err, "the fluctuations of the weights");
    }
    size_t num_parts = 0;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        if (layer->num_weights > 0) {
            const size_t biases = layer->has_bias ? layer->out.channels : 0;
            parts[num_parts++] = (ch_weight_part){layer->weights, layer->num_weights + biases};
        }
    }
    const ch_code code =
        ch_fluctuations_find(series, parts, num_parts, &loss, threads, &run->fluctuations, &run->num_fluctuations, err);
    free(parts);
    return code;
}

/* ---- a run from its beginning to its end ---- */

/* A run with what it takes. It is not to be moved, as its parts point to each other. */
typedef struct {
    ch_run_borrowed own;
    ch_run_model trained;
    ch_weights_keeper keeper;
    ch_weight_series series;
    training training;
    bool is_made; /* whether `trained` is to be freed */
} session;

/* What a session is made for. */
typedef struct {
    ch_run *run;
    const ch_resolved *resolved;
    const ch_train_set *set;
    ch_run_weights *weights;
    int threads;
    const ch_watch *watch;
    const ch_run_states *states;
} task;

static void end_session(session *self)
{
    if (self->is_made) {
        self->trained.learner.free(&self->trained.learner);
    }
    ch_weight_series_free(&self->series);
    ch_run_borrowed_free(&self->own);
    *self = (session){.is_made = false};
}

/* Makes the learner of a run, at its first step.
 * @param self  to be ended, after a failure too */
static ch_code begin_session(session *self, const task *asked, ch_error *err)
{
    ch_run *run = asked->run;
    *self = (session){
        .own = {.unit = ch_reach_unit(asked->resolved),
                .weights = asked->weights,
                .watch = {.stop = asked->watch != NULL ? asked->watch->stop : NULL}},
        .keeper = {&self->trained, &asked->resolved->settings, &self->own},
    };
    memset(run, 0, sizeof *run);
    run->resolved = *asked->resolved;
    run->settings.start = NULL; /* the run may outlive them */
    run->results_version = ch_results_version(&run->resolved.settings);
    ch_code code =
        ch_run_borrowed_make_test(&self->own, asked->resolved, asked->set, asked->threads, asked->watch, err);
    if (code != CH_OK) {
        return code;
    }
    const double started = ch_clock_now();
    code = ch_run_model_init(&self->trained, asked->resolved, asked->set, &self->own, asked->threads, err);
    if (code != CH_OK) {
        return code;
    }
    self->is_made = true;
    check_contradiction(&self->trained.learner, &asked->resolved->settings, asked->set);
    code = ch_weight_series_init(&self->series, asked->resolved, self->own.architecture.num_weights, err);
    if (code != CH_OK) {
        return code;
    }
    self->training = training_start(run, &self->trained.learner, &self->keeper, &self->series, started, asked->states,
                                    asked->watch, &self->own.watch);
    return ch_weights_keeper_add(&self->keeper, 0, err);
}

/* Goes on from the last state of a session's run, where one was kept that is of use.
 * @param self  a session that has begun; it begins anew where a state turns out not to be that of its run */
static ch_code resume_session(session *self, const task *asked, ch_error *err)
{
    const ch_run_states *states = asked->states;
    ch_run_state state = {.bytes = NULL};
    bool is_read = self->trained.learner.progress.status != CH_RUNNING || self->trained.learner.exchange == NULL;
    ch_code code = CH_OK;
    for (size_t rank = 0; code == CH_OK && !is_read && states->find(states->context, asked->resolved, rank, &state);
         rank++) {
        const bool is_tried = state.problem[0] == '\0';
        is_read = is_tried && read_state(&self->training, &state);
        if (!is_read) {
            ch_run_states_refuse(states, &state);
        }
        if (is_tried && !is_read) {
            ch_run_free(asked->run);
            if (ch_weights_keeper_trail(&self->keeper) != NULL) {
                ch_trail_free(ch_weights_keeper_trail(&self->keeper));
            }
            end_session(self);
            code = begin_session(self, asked, err);
        }
        ch_run_state_free(&state);
    }
    return code;
}

/* @param keeps_stopped  as train_until_end has it */
static ch_code train(const task *asked, bool keeps_stopped, ch_error *err)
{
    session self;
    ch_run *run = asked->run;
    ch_code code = begin_session(&self, asked, err);
    if (code != CH_OK) {
        goto out;
    }
    code = asked->states != NULL ? resume_session(&self, asked, err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = train_until_end(&self.training, asked->watch, keeps_stopped, err);
    run->final.teacher_error = asked->set->teacher != NULL ? asked->set->teacher_error : NAN;
    if (code == CH_OK) {
        code = ch_weights_keeper_end(&self.keeper, err);
    }
    if (code == CH_OK) {
        code = find_fluctuations(run, &self.trained, &self.own.architecture, &self.series, asked->threads, err);
    }
    run->seconds = ch_clock_now() - self.training.started;
out:
    end_session(&self);
    return code;
}

ch_code ch_train(ch_run *run, const ch_resolved *resolved, const ch_train_set *set, int threads, const ch_watch *watch,
                 ch_error *err)
{
    return ch_train_on(run, resolved, set, NULL, threads, watch, err);
}

ch_code ch_train_on(ch_run *run, const ch_resolved *resolved, const ch_train_set *set, const ch_run_states *states,
                    int threads, const ch_watch *watch, ch_error *err)
{
    return train(&(task){run, resolved, set, NULL, threads, watch, states}, false, err);
}

ch_code ch_train_from(ch_run *run, ch_run_weights *weights, const ch_resolved *found, ch_sources *sources,
                      const ch_run_states *states, int threads, const ch_watch *watch, ch_error *err)
{
    ch_train_set set = {0};
    memset(run, 0, sizeof *run);
    ch_code code = CH_OK;
    char sentence[700];
    ch_sources_describe(sources, sentence, sizeof sentence);
    if (sentence[0] != '\0') {
        ch_watch_say(watch, sentence);
    }
    const uint64_t num_samples = found->settings.train;
    if (num_samples > 0) {
        code = ch_train_set_init(&set, found, sources, (size_t)num_samples, threads, watch, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    ch_sources_free_samples(sources); /* the training set has copies of those that it takes */
    code = train(&(task){run, found, &set, weights, threads, watch, states}, true, err);
out:
    ch_train_set_free(&set);
    return code;
}

static ch_code train_alone(ch_run *run, ch_run_weights *weights, const ch_resolved *resolved, const char *kernel_folder,
                           int threads, const ch_watch *watch, ch_error *err)
{
    ch_sources sources = {.kernel_folder = kernel_folder};
    ch_resolved found = *resolved;
    memset(run, 0, sizeof *run);
    ch_code code = ch_sources_find(&sources, &found, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_train_from(run, weights, &found, &sources, NULL, threads, watch, err);
out:
    ch_sources_free(&sources);
    return code;
}

ch_code ch_train_alone(ch_run *run, const ch_resolved *resolved, const char *kernel_folder, int threads,
                       const ch_watch *watch, ch_error *err)
{
    return train_alone(run, NULL, resolved, kernel_folder, threads, watch, err);
}

ch_code ch_train_weights(ch_run *run, ch_run_weights *weights, const ch_resolved *resolved, int threads,
                         const ch_watch *watch, ch_error *err)
{
    weights->end = NULL;
    weights->num_end = 0;
    const ch_code code = train_alone(run, weights, resolved, NULL, threads, watch, err);
    if (code != CH_OK) {
        free(weights->end);
        weights->end = NULL;
    }
    return code;
}

void ch_run_free(ch_run *self)
{
    free(self->points);
    free(self->layer_changes);
    free(self->fluctuations);
    memset(self, 0, sizeof *self);
}
