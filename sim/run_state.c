/* run_state.c — the state of a run under way as bytes. */
#include "sim/run_state.h"

#include "core/memory.h"
#include "core/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ch_run_state_free(ch_run_state *self)
{
    free(self->bytes);
    *self = (ch_run_state){.bytes = NULL};
}

void ch_run_states_refuse(const ch_run_states *states, const ch_run_state *state)
{
    char sentence[512];
    snprintf(sentence, sizeof sentence,
             "the checkpoint of run %s at step %llu cannot be used: %s; what came before it is done anew", state->run,
             (unsigned long long)state->steps, state->problem);
    states->say(states->context, sentence);
}

/* What the bytes begin with: by whom they were written, and of which runs they are. */
static void exchange_head(ch_snapshot *snapshot, const ch_resolved *resolved)
{
    enum { NATIVE = 0x01020304 };
    uint32_t order = NATIVE, format = CH_RUN_STATE_FORMAT, results = (uint32_t)ch_results_version(&resolved->settings);
    char kin[CH_ID_SIZE], found[CH_ID_SIZE];
    ch_settings_kin(resolved, kin);
    memcpy(found, kin, sizeof found);
    ch_snapshot_begin(snapshot, "chtnstat");
    CH_SNAPSHOT_NUMBER(snapshot, order);
    CH_SNAPSHOT_NUMBER(snapshot, format);
    CH_SNAPSHOT_NUMBER(snapshot, results);
    ch_snapshot_array(snapshot, found, 1, sizeof found);
    ch_snapshot_end(snapshot);
    ch_snapshot_require(snapshot, order == NATIVE && format == CH_RUN_STATE_FORMAT &&
                                      results == (uint32_t)ch_results_version(&resolved->settings) &&
                                      memcmp(found, kin, sizeof found) == 0);
}

/* Makes room for `count` objects of `size` bytes that are to be read.
 * @return false where memory is short */
static bool make_room(ch_snapshot *snapshot, void **items, size_t *capacity, size_t count, size_t size)
{
    ch_snapshot_require(snapshot, !ch_snapshot_reads(snapshot) || ch_grow(items, capacity, count, size) == 0);
    return !snapshot->is_bad;
}

static void exchange_point(ch_snapshot *snapshot, ch_point *point)
{
    if (ch_snapshot_reads(snapshot)) {
        *point = (ch_point){.observed = ch_observation_none()};
    }
    CH_SNAPSHOT_NUMBER(snapshot, point->step);
    CH_SNAPSHOT_NUMBER(snapshot, point->time);
    for (size_t i = 0; i < ch_observables_count; i++) { /* each is a double or a uint64_t */
        ch_snapshot_array(snapshot, (char *)&point->observed + ch_observables_table[i].offset, 1, sizeof(double));
    }
}

/* The most objects of `size` bytes that the rest of the bytes can hold. */
static size_t most_left(const ch_snapshot *snapshot, size_t size)
{
    return ch_snapshot_reads(snapshot) ? (snapshot->size - snapshot->position) / size : SIZE_MAX;
}

static void exchange_record(ch_snapshot *snapshot, const ch_run_parts *parts)
{
    ch_run *run = parts->run;
    size_t num_points = run->num_points, num_layers = run->num_layers;
    ch_snapshot_begin(snapshot, "record");
    ch_snapshot_count(snapshot, &num_points, most_left(snapshot, 2 * sizeof(double)));
    ch_snapshot_count(snapshot, &num_layers, num_points > 0 ? most_left(snapshot, num_points * sizeof(double)) : 0);
    CH_SNAPSHOT_NUMBER(snapshot, *parts->index);
    CH_SNAPSHOT_NUMBER(snapshot, *parts->next);
    void *points = run->points, *changes = run->layer_changes;
    if (make_room(snapshot, &points, parts->points_capacity, num_points, sizeof *run->points)) {
        run->points = points;
        run->num_points = num_points;
    }
    for (size_t i = 0; i < run->num_points; i++) {
        exchange_point(snapshot, &run->points[i]);
    }
    if (make_room(snapshot, &changes, parts->layers_capacity, num_points * num_layers, sizeof *run->layer_changes)) {
        run->layer_changes = changes;
        run->num_layers = num_layers;
        ch_snapshot_array(snapshot, run->layer_changes, num_points * num_layers, sizeof *run->layer_changes);
    }
    ch_snapshot_end(snapshot);
}

static void exchange_stagnation(ch_snapshot *snapshot, ch_stagnation *stagnation)
{
    ch_stagnation_window *window = &stagnation->now;
    ch_snapshot_begin(snapshot, "stagnate");
    CH_SNAPSHOT_NUMBER(snapshot, stagnation->next);
    CH_SNAPSHOT_NUMBER(snapshot, window->change);
    CH_SNAPSHOT_NUMBER(snapshot, window->loss);
    CH_SNAPSHOT_NUMBER(snapshot, window->unfitted);
    CH_SNAPSHOT_NUMBER(snapshot, window->stepped);
    CH_SNAPSHOT_NUMBER(snapshot, window->steps);
    CH_SNAPSHOT_NUMBER(snapshot, window->updates);
    CH_SNAPSHOT_NUMBER(snapshot, window->count);
    CH_SNAPSHOT_NUMBER(snapshot, stagnation->change);
    CH_SNAPSHOT_NUMBER(snapshot, stagnation->loss);
    CH_SNAPSHOT_NUMBER(snapshot, stagnation->share);
    CH_SNAPSHOT_NUMBER(snapshot, stagnation->unfitted);
    CH_SNAPSHOT_NUMBER(snapshot, stagnation->stepped);
    CH_SNAPSHOT_NUMBER(snapshot, stagnation->still);
    CH_SNAPSHOT_NUMBER(snapshot, stagnation->slow);
    ch_snapshot_end(snapshot);
}

/* The weights along the run come last: a run that does not want them leaves them unread. */
static void exchange_trail(ch_snapshot *snapshot, ch_trail *trail)
{
    bool is_there = trail != NULL;
    ch_snapshot_begin(snapshot, "trail");
    ch_snapshot_flag(snapshot, &is_there);
    if (trail == NULL) {
        snapshot->position = ch_snapshot_reads(snapshot) ? snapshot->size : snapshot->position;
        ch_snapshot_end(snapshot);
        return;
    }
    size_t num_rows = trail->num_rows;
    const size_t row = (1 + trail->num_weights) * sizeof *trail->rows;
    void *rows = trail->rows;
    ch_snapshot_require(snapshot, is_there);
    ch_snapshot_count(snapshot, &num_rows, most_left(snapshot, row));
    if (make_room(snapshot, &rows, &trail->capacity, num_rows, row)) {
        trail->rows = rows;
        trail->num_rows = num_rows;
        ch_snapshot_array(snapshot, trail->rows, num_rows, row);
    }
    ch_snapshot_end(snapshot);
}

static void exchange(ch_snapshot *snapshot, const ch_run_parts *parts)
{
    exchange_head(snapshot, &parts->run->resolved);
    parts->learner->exchange(parts->learner, snapshot);
    exchange_record(snapshot, parts);
    exchange_stagnation(snapshot, parts->stagnation);
    ch_weight_series_exchange(parts->series, snapshot);
    exchange_trail(snapshot, parts->trail);
}

bool ch_run_state_write(ch_run_state *self, const ch_run_parts *parts)
{
    ch_snapshot counter = ch_snapshot_counter();
    exchange(&counter, parts);
    self->size = counter.position;
    self->bytes = ch_alloc_unset(self->size, 1);
    if (self->bytes == NULL) {
        return false;
    }
    ch_snapshot writer = ch_snapshot_writer(self->bytes, self->size);
    exchange(&writer, parts);
    ch_settings_id(&parts->run->resolved, self->run);
    self->results_version = ch_results_version(&parts->run->resolved.settings);
    ch_settings_kin(&parts->run->resolved, self->kin);
    self->steps = parts->learner->progress.steps;
    self->updates = parts->learner->progress.updates;
    return ch_snapshot_is_whole(&writer);
}

bool ch_run_state_read(ch_run_state *self, const ch_run_parts *parts)
{
    ch_snapshot reader = ch_snapshot_reader(self->bytes, self->size);
    const ch_progress *progress = &parts->learner->progress;
    exchange(&reader, parts);
    const bool is_right = ch_snapshot_is_whole(&reader) && progress->status == CH_RUNNING &&
                          progress->steps == self->steps && progress->updates == self->updates;
    if (!is_right) {
        snprintf(self->problem, sizeof self->problem, "its bytes are not the state of such a run%s",
                 parts->trail != NULL ? " with the weights along its trajectory" : "");
    }
    return is_right;
}
