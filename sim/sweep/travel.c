/* travel.c — the states of runs on a process that has no store. */
#include "sim/sweep/travel.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ch_travelling_state {
    ch_travelling_state *next;
    char run[CH_ID_SIZE]; /* the run that is to go on from it */
    ch_run_state state;   /* owned */
    bool is_last;         /* the run has ended: it is sent at once */
};

void ch_travel_init(ch_travel *self, const ch_link *link, void (*say)(void *context, const char *sentence),
                    void *context)
{
    *self = (ch_travel){.link = link, .say = say, .context = context};
    omp_init_lock(&self->lock);
}

static void free_one(ch_travelling_state *one)
{
    ch_run_state_free(&one->state);
    free(one);
}

static void free_all(ch_travelling_state *first)
{
    while (first != NULL) {
        ch_travelling_state *next = first->next;
        free_one(first);
        first = next;
    }
}

void ch_travel_free(ch_travel *self)
{
    free_all(self->given);
    free_all(self->waiting);
    self->given = self->waiting = NULL;
    ch_packer_free(&self->packer);
    omp_destroy_lock(&self->lock);
}

/* A copy of a state.  @return NULL where memory is short */
static ch_travelling_state *copy(const char *run, const ch_run_state *state)
{
    ch_travelling_state *one = ch_alloc(1, sizeof *one);
    uint8_t *bytes = one != NULL ? ch_alloc_unset(state->size, 1) : NULL;
    if (bytes == NULL) {
        free(one);
        return NULL;
    }
    memcpy(bytes, state->bytes, state->size);
    snprintf(one->run, sizeof one->run, "%s", run);
    one->state = *state;
    one->state.bytes = bytes;
    return one;
}

/* Where a run's state stands in a list, or where the next one is to be put. */
static ch_travelling_state **find_place(ch_travelling_state **first, const char *run)
{
    while (*first != NULL && strcmp((*first)->run, run) != 0) {
        first = &(*first)->next;
    }
    return first;
}

/* Puts a state into a list, in place of one of the same run; the lock is held. */
static void put(ch_travelling_state **first, ch_travelling_state *one)
{
    ch_travelling_state **place = find_place(first, one->run), *before = *place;
    one->next = before != NULL ? before->next : NULL;
    *place = one;
    if (before != NULL) {
        free_one(before);
    }
}

/* Takes the state at a place out of its list; the lock is held. */
static ch_travelling_state *take(ch_travelling_state **place)
{
    ch_travelling_state *one = *place;
    *place = one->next;
    return one;
}

/* ---- for trainings ---- */

static bool find(void *context, const ch_resolved *resolved, size_t rank, ch_run_state *state)
{
    ch_travel *self = context;
    char run[CH_ID_SIZE];
    if (rank > 0) { /* process 0 sends the best one that it has */
        return false;
    }
    ch_settings_id(resolved, run);
    omp_set_lock(&self->lock);
    ch_travelling_state **place = find_place(&self->given, run);
    ch_travelling_state *one = *place != NULL ? take(place) : NULL;
    omp_unset_lock(&self->lock);
    if (one == NULL) {
        return false;
    }
    *state = one->state;
    free(one);
    return true;
}

static void keep(void *context, const ch_run_state *state)
{
    ch_travel *self = context;
    char sentence[300] = "a checkpoint could not be kept: there is not enough memory; the sweep or run goes on";
    const bool is_small = state->size <= CH_MESSAGE_MOST_STATE;
    ch_travelling_state *one = is_small ? copy(state->run, state) : NULL;
    omp_set_lock(&self->lock);
    const bool tells = one == NULL && !self->is_told;
    self->is_told = self->is_told || tells;
    if (one != NULL) {
        put(&self->waiting, one);
    }
    omp_unset_lock(&self->lock);
    if (!is_small) {
        snprintf(sentence, sizeof sentence,
                 "a checkpoint could not be kept: it takes %s, more than a message to process 0 holds; the sweep or "
                 "run goes on",
                 ch_show_bytes(state->size).text);
    }
    if (tells) {
        self->say(self->context, sentence);
    }
}

static void say(void *context, const char *sentence)
{
    const ch_travel *self = context;
    self->say(self->context, sentence);
}

ch_run_states ch_travel_states(ch_travel *self, double interval)
{
    static const double REST = 100; /* as ch_state_place_states */
    return (ch_run_states){.context = self, .interval = interval, .rest = REST, .find = find, .keep = keep, .say = say};
}

/* ---- for the process ---- */

ch_code ch_travel_give(ch_travel *self, const ch_resolved *resolved, const ch_run_state *state, ch_error *err)
{
    char run[CH_ID_SIZE];
    ch_settings_id(resolved, run);
    ch_travelling_state *one = copy(run, state);
    if (one == NULL) {
        return ch_error_memory(err, "the state of a run");
    }
    omp_set_lock(&self->lock);
    put(&self->given, one);
    omp_unset_lock(&self->lock);
    return CH_OK;
}

void ch_travel_end_run(ch_travel *self, const ch_resolved *resolved, bool is_needed)
{
    char run[CH_ID_SIZE];
    omp_set_lock(&self->lock);
    if (self->waiting != NULL || self->given != NULL) {
        ch_settings_id(resolved, run);
        ch_travelling_state **given = find_place(&self->given, run), **place = find_place(&self->waiting, run);
        if (*given != NULL) {
            free_one(take(given));
        }
        if (*place != NULL && is_needed) {
            (*place)->is_last = true;
        } else if (*place != NULL) {
            free_one(take(place));
        }
    }
    omp_unset_lock(&self->lock);
}

void ch_travel_note_answer(ch_travel *self, double seconds)
{
    static const double REST = 10; /* so that the states of all processes take process 0 a tenth of its time */
    self->is_awaited = false;
    self->due = ch_clock_now() + REST * (double)(self->link->size - 1) * seconds;
}

/* Takes a state that is due.  @return NULL where none is */
static ch_travelling_state *take_due(ch_travel *self)
{
    const bool any = !self->is_awaited && ch_clock_now() >= self->due;
    omp_set_lock(&self->lock);
    ch_travelling_state **place = &self->waiting;
    while (*place != NULL && !any && !(*place)->is_last) {
        place = &(*place)->next;
    }
    ch_travelling_state *one = *place != NULL ? take(place) : NULL;
    omp_unset_lock(&self->lock);
    return one;
}

ch_code ch_travel_send(ch_travel *self, bool *was_news, ch_error *err)
{
    ch_code code = CH_OK;
    ch_travelling_state *one = NULL;
    while (code == CH_OK && (one = take_due(self)) != NULL) {
        ch_message_begin(&self->packer, CH_MESSAGE_STATE);
        ch_pack_u64(&self->packer, !one->is_last);
        ch_state_pack(&self->packer, &one->state);
        self->is_awaited = self->is_awaited || !one->is_last;
        free_one(one);
        *was_news = true;
        code = ch_message_send(self->link, 0, &self->packer, err);
    }
    return code;
}

bool ch_travel_is_empty(ch_travel *self)
{
    omp_set_lock(&self->lock);
    const bool is_empty = self->waiting == NULL;
    omp_unset_lock(&self->lock);
    return is_empty;
}
