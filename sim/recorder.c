/* recorder.c — what is recorded of a run under way. */
#include "sim/recorder.h"

#include "core/memory.h"
#include "sim/reach.h"

#include <math.h>
#include <string.h>

/* ---- observations in the units of the settings ---- */

/* Multiplies what has the unit of the student's output or of its weights by 1 / unit, which is a power of two. A number
 * that overflows shows that the run has diverged. */
static void scale_back(ch_observation *seen, double unit, ch_progress *progress)
{
    double *const numbers[] = {&seen->train_loss, &seen->weight_change, &seen->weight_change_rel, &seen->signal,
                               &seen->noise};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        *numbers[i] /= unit;
    }
    if (!isfinite(seen->weight_change)) {
        progress->status = CH_DIVERGED;
    }
}

/* ---- the weights of a run ---- */

static size_t num_weights(const ch_weights_keeper *self)
{
    return ch_settings_has_engine(self->settings) ? ch_shape_size(ch_settings_input(self->settings))
                                                  : self->own->architecture.num_weights;
}

/* Copies the present weights: those of a network in NCHW order, of a perceptron Dw in the units of the settings. */
static void copy_weights(const ch_weights_keeper *self, double *weights)
{
    const ch_run_model *trained = self->trained;
    if (!ch_settings_has_engine(self->settings)) {
        ch_architecture_to_nchw(&self->own->architecture, ch_network_learner_weights(&trained->network), weights);
        return;
    }
    const double *change = self->settings->train == 0 ? trained->online.weights : trained->plain.weights;
    const size_t num = num_weights(self);
    for (size_t k = 0; k < num; k++) {
        weights[k] = change[k] / self->own->unit;
    }
}

ch_trail *ch_weights_keeper_trail(const ch_weights_keeper *self)
{
    const bool has_points = self->settings->record > 0 || self->settings->curvature > 0;
    return self->own->weights != NULL && has_points ? self->own->weights->trail : NULL;
}

/* Adds the present weights to the trail, where there is one. */
ch_code ch_weights_keeper_add(const ch_weights_keeper *self, uint64_t step, ch_error *err)
{
    ch_trail *trail = ch_weights_keeper_trail(self);
    if (trail == NULL) {
        return CH_OK;
    }
    if (trail->num_rows == 0) {
        ch_trail_init(trail, num_weights(self));
    }
    double *weights = ch_trail_add(trail, step);
    if (weights == NULL) {
        return ch_error_memory(err, "the weights along the trajectory: lower record");
    }
    copy_weights(self, weights);
    return CH_OK;
}

/* Takes the last row from the trail, where there is one. */
static void drop_weights(const ch_weights_keeper *self)
{
    if (ch_weights_keeper_trail(self) != NULL) {
        ch_weights_keeper_trail(self)->num_rows--;
    }
}

/* Copies the weights at the end. */
ch_code ch_weights_keeper_end(const ch_weights_keeper *self, ch_error *err)
{
    ch_run_weights *weights = self->own->weights;
    if (weights == NULL) {
        return CH_OK;
    }
    weights->num_end = num_weights(self);
    weights->end = ch_alloc_unset(weights->num_end, sizeof *weights->end);
    if (weights->end == NULL) {
        return ch_error_memory(err, "the weights at the end");
    }
    copy_weights(self, weights->end);
    return CH_OK;
}

/* ---- the recorder: which steps are observed ---- */

/* Finds the next point of the trajectory. Small steps of the grid coincide, and each counts once. */
static void schedule_next(ch_recorder *self)
{
    const uint64_t last = self->next;
    do {
        const double step = round(pow(10, (double)self->index++ / (double)self->run->settings.record));
        self->next = step < 0x1p63 ? (uint64_t)step : UINT64_MAX;
    } while (self->next == last);
}

uint64_t ch_curvature_step(const ch_settings *settings, uint64_t least)
{
    static const double EPOCHS = 1000, LEAST_SPAN = 1e4;
    if (settings->curvature == 0) {
        return UINT64_MAX;
    }
    const double span = fmax(EPOCHS * ceil((double)settings->train / (double)settings->batch), LEAST_SPAN);
    const double each = log(span) / (double)settings->curvature, about = floor(log((double)(least + 1)) / each);
    double step = 0;
    for (double i = fmax(about - 2, 0); step < (double)least; i++) {
        step = round(exp(i * each));
    }
    return step < 0x1p63 ? (uint64_t)step : UINT64_MAX;
}

void ch_recorder_schedule(ch_recorder *self, uint64_t step)
{
    if (step == self->next) {
        schedule_next(self);
    }
    if (step == self->next_curved) {
        self->next_curved = ch_curvature_step(&self->run->settings, step + 1);
    }
}

void ch_recorder_resume(ch_recorder *self, uint64_t step)
{
    const ch_run *run = self->run;
    const bool is_recorded = run->num_points > 0 && run->points[run->num_points - 1].step == step;
    self->next_curved = ch_curvature_step(&run->settings, is_recorded ? step + 1 : step);
}

ch_recorder ch_recorder_start(ch_run *run, const ch_weights_keeper *keeper)
{
    ch_recorder self = {.run = run, .keeper = keeper, .unit = ch_reach_unit(&run->resolved), .next = UINT64_MAX};
    if (run->settings.record > 0) {
        schedule_next(&self);
    }
    self.next_curved = ch_curvature_step(&run->settings, 1);
    return self;
}

/* Appends the weight changes of the layers that are seen at look number `look`, which counts from 0. */
static ch_code add_layers(ch_recorder *self, size_t look, const ch_observation *observed, ch_error *err)
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

ch_code ch_recorder_add(ch_recorder *self, uint64_t step, const ch_observation *observed, ch_error *err)
{
    ch_run *run = self->run;
    if (ch_grow((void **)&run->points, &self->capacity, run->num_points + 1, sizeof *run->points) != 0) {
        return ch_error_memory(err, "the trajectory: lower record");
    }
    const size_t look = run->num_points++;
    ch_point *point = &run->points[look];
    *point = (ch_point){.step = step, .time = run->settings.rate * (double)step, .observed = *observed};
    point->observed.layer_change = NULL; /* they are the learner's, and are copied below */
    point->observed.num_layers = 0;
    const ch_code code = ch_weights_keeper_add(self->keeper, step, err);
    return code == CH_OK ? add_layers(self, look, observed, err) : code;
}

ch_code ch_recorder_observe(const ch_recorder *self, ch_learner *learner, bool with_curvature, ch_observation *seen,
                            ch_error *err)
{
    learner->with_curvature = with_curvature;
    const ch_code code = learner->observe(learner, seen, err);
    if (code == CH_OK && self->unit != 1) {
        scale_back(seen, self->unit, &learner->progress);
    }
    return code;
}

/* Adds the end as the last point. Points at its step or later are dropped: the run had ended before them, and the
 * learner had not noticed yet. */
ch_code ch_recorder_finish(ch_recorder *self, ch_error *err)
{
    ch_run *run = self->run;
    if (run->settings.record == 0 && run->settings.curvature == 0) {
        return add_layers(self, 0, &run->final, err);
    }
    while (run->num_points > 0 && run->points[run->num_points - 1].step >= run->steps) {
        run->num_points--;
        drop_weights(self->keeper);
    }
    return ch_recorder_add(self, run->steps, &run->final, err);
}
