/* fast.c — the fast engine: equal in law to the plain one, without its idle steps. */
#include "core/draw.h"
#include "core/waiting.h"
#include "perceptron/active.h"
#include "perceptron/candidates.h"
#include "perceptron/student.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Fewer samples are left to the plain engine: such runs are often over before the memory is there. */
enum { LEAST_SAMPLES = 128 };
/* The first look at which stage is cheapest, in updates, and how much later the next one is. */
enum { FIRST_LOOK = 64 };
static const double NEXT_LOOK = 1.5;
/* Work, in looks at all candidates, after which it is worth one to try a reference; doubled by each that fails. */
static const double FIRST_TRY = 8;

/* Candidates drawn, and their rows fetched, before they are looked at. */
enum { AHEAD = 16 };
/* What a core's own cache holds, and what surely is more than the caches near it do. */
enum { NEAR_BYTES = 1 << 20, CACHE_BYTES = 1 << 24 };
/* Numbers of unfitted samples whose waiting law is kept. */
enum { KEPT_LAWS = 256 };

typedef enum { PLAIN, DRAWING, FOLLOWING } stage;

/* A batch that is drawn, and not looked at yet. */
typedef struct {
    uint64_t wait; /* steps after the one before it */
    uint32_t end;  /* one past its last candidate among the drawn */
} upcoming;

/* The next update, once it is known. Stopping before it changes nothing: it stays known. */
typedef struct {
    bool is_known, is_finite;
    uint64_t step;
    uint32_t count;    /* unfitted samples in its batch */
    uint32_t *samples; /* [count] which; when following, their places in the active set */
} event;

struct ch_fast_state {
    stage stage;
    void (*step)(ch_learner *learner, const ch_limit *limit); /* the plain engine's advance */
    ch_reach reach;                                           /* of the training samples; owned */
    ch_candidates candidates;                                 /* owned */
    ch_active_set *active;                                    /* owned */
    event event;

    /* drawing */
    ch_waiting candidate_law; /* of batches with a candidate */
    upcoming batches[AHEAD];
    uint32_t num_batches, next_batch;
    uint32_t *drawn;     /* [AHEAD + B] candidates in those batches; owned */
    uint32_t *unfitted;  /* [P] samples found by looking at all candidates, or places; owned */
    double usual_draws;  /* candidates drawn until one is unfitted, of late */
    float *single;       /* [stride] the weights in single precision; owned */
    float surely_fitted; /* margins by them over this are over kappa */

    ch_waiting laws[KEPT_LAWS]; /* of batches with one of u unfitted samples; marked is 0 where not made yet */

    /* since the last look at which stage is cheapest, or since the reference was set */
    uint64_t next_look, steps_then, uses_then;
    double cost;  /* of drawing and looking, in sums of 16 numbers */
    double draws; /* for every candidate there was, since the reference */
    uint64_t updates_at_reference;
    double next_try; /* cost after which to try a reference, in looks */
    bool *used;      /* [P] lent to the student; owned */
    ch_fast_work work;
};
typedef struct ch_fast_state fast_state;

/* ---- costs, in sums of 16 numbers ---- */

/* Measured: of drawing a sample the plain way and a candidate, the margin apart; of adding an entry of a row to a
 * margin, and of an update that does. */
static const double PLAIN_DRAW = 4, DRAW = 16, ENTRY = 1.0 / 12, FOLLOW = 60;
/* How much dearer a row is that is fetched from anywhere in a set larger than a core's own cache. */
static const double FAR = 2;

/* Of a margin, one after the other. */
static double dot_cost(const ch_fast_perceptron *self)
{
    return (double)self->student.stride / CH_ROW_LANES;
}

static double far_dot_cost(const ch_fast_perceptron *self)
{
    const size_t bytes = self->student.setup.num_samples * self->student.stride * sizeof(float);
    return (bytes > NEAR_BYTES ? FAR : 1) * dot_cost(self);
}

static double draw_cost(const ch_fast_perceptron *self)
{
    return DRAW + far_dot_cost(self);
}

static void count_draws(ch_fast_perceptron *self, double draws, double cost)
{
    self->state->cost += draws * cost;
    self->state->draws += draws / fmax(self->state->candidates.count, 1);
    self->state->work.drawn += (uint64_t)draws;
}

static void count_look(ch_fast_perceptron *self)
{
    self->state->cost += self->state->candidates.count * dot_cost(self);
    self->state->work.looked += self->state->candidates.count;
}

/* ---- the waiting law ---- */

static ch_random *stream(ch_fast_perceptron *self)
{
    return &self->student.random;
}

static void init_law(const ch_fast_perceptron *self, ch_waiting *law, uint32_t marked)
{
    const ch_perceptron_setup *setup = &self->student.setup;
    ch_waiting_init(law, (uint32_t)setup->num_samples, (uint32_t)setup->batch, marked);
}

/* Given how many samples are unfitted, the next update after step `now` is at a step and with a number of them that the
 * law says. */
static void draw_event(ch_fast_perceptron *self, uint64_t now, uint32_t num_unfitted)
{
    fast_state *state = self->state;
    ch_waiting other, *law = num_unfitted < KEPT_LAWS ? &state->laws[num_unfitted] : &other;
    if (law == &other || law->marked == 0) {
        init_law(self, law, num_unfitted);
    }
    state->event.is_known = state->event.is_finite = true;
    state->event.step = now + ch_waiting_steps(law, stream(self));
    state->event.count = ch_waiting_number(law, stream(self));
    state->event.samples = state->unfitted;
}

/* ---- drawing ---- */

/* `number` of the candidates, uniformly. */
static void draw_candidates(ch_fast_perceptron *self, uint32_t *drawn, uint32_t number)
{
    ch_candidates *candidates = &self->state->candidates;
    if (number > CH_SCANNED_BATCH) {
        uint32_t *list = ch_candidates_own_list(candidates);
        if (number < candidates->count) {
            ch_draw_shuffled(stream(self), list, number, candidates->count);
        }
        memcpy(drawn, list, number * sizeof *drawn);
        return;
    }
    ch_draw_scanned(stream(self), drawn, number, candidates->count);
    for (uint32_t i = 0; i < number && candidates->list != NULL; i++) {
        drawn[i] = candidates->list[drawn[i]];
    }
}

static void fetch_rows(const ch_fast_perceptron *self, const uint32_t *samples, uint32_t number)
{
    for (uint32_t i = 0; i < number; i++) {
        const float *row = ch_sample_set_row(self->student.setup.train, samples[i]);
        for (size_t k = 0; k < self->student.stride; k += CH_ROW_LANES) {
            __builtin_prefetch(row + k);
        }
    }
}

/* What comes does not depend on w, as long as the candidates hold. */
static void draw_batches(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    uint32_t end = 0, count = 0;
    do {
        upcoming *batch = &state->batches[count++];
        batch->wait = ch_waiting_steps(&state->candidate_law, stream(self));
        const uint32_t number = ch_waiting_number(&state->candidate_law, stream(self));
        draw_candidates(self, state->drawn + end, number);
        fetch_rows(self, state->drawn + end, number);
        batch->end = end += number;
    } while (count < AHEAD && end < AHEAD);
    state->num_batches = count;
    state->next_batch = 0;
}

/* Is a list drawn from so often before an update that it had best be made for each? */
static bool is_list_long_used(const ch_fast_perceptron *self)
{
    return self->state->usual_draws > 4 * AHEAD;
}

/* The candidates have changed: what was drawn of them is void. */
static void begin_list(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    state->num_batches = state->next_batch = 0;
    if (state->candidates.count > 0) {
        init_law(self, &state->candidate_law, state->candidates.count);
    }
    /* at the worst draws are in vain, and then all candidates are looked at */
    self->student.learner.update_cost = 3.0 * state->candidates.count * (double)self->student.stride;
}

/* What was drawn until step `now` was in vain, which says nothing of what comes after. */
static void look_at_candidates(ch_fast_perceptron *self, uint64_t now)
{
    fast_state *state = self->state;
    const uint32_t number = ch_candidates_find_unfitted(&state->candidates, state->unfitted);
    count_look(self);
    if (number > 0) {
        state->usual_draws = (double)state->candidates.count / number;
        draw_event(self, now, number);
        ch_draw_shuffled(stream(self), state->unfitted, state->event.count, number);
    } else {
        const bool finite = isfinite(ch_norm2(self->student.weights, self->student.stride));
        self->student.learner.progress.status = finite ? CH_FITTED : CH_DIVERGED;
    }
}

/* The weights in single precision, to tell most fitted samples by. A margin is then off by 2^-24 |w| |z| for each of
 * the d / 16 numbers and some more that are summed up, for rounding the weights, and for comparing. */
static void copy_weights(ch_fast_perceptron *self)
{
    const ch_perceptron *student = &self->student;
    const double sums = (double)student->stride / CH_ROW_LANES + 8;
    const double norm = sqrt(ch_norm2(student->weights, student->stride));
    const double error = 0x1p-24 * sums * (norm * self->state->reach.most_norm + student->setup.kappa) + FLT_MIN;
    for (size_t i = 0; i < student->stride; i++) {
        self->state->single[i] = (float)student->weights[i];
    }
    self->state->surely_fitted = (float)(student->setup.kappa + error);
}

/* The unfitted samples of a batch, as ch_student_find_active. */
static uint32_t find_active(ch_fast_perceptron *self, const uint32_t *batch, uint32_t size, double *sum)
{
    const fast_state *state = self->state;
    ch_perceptron *student = &self->student;
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i++) {
        const float *row = ch_sample_set_row(student->setup.train, batch[i]);
        if (!(ch_dot_single(row, state->single, student->stride) > state->surely_fitted)) {
            const double margin = ch_dot(row, student->weights, student->stride);
            student->active[count] = batch[i];
            count += !(margin >= student->setup.kappa);
            *sum += !(margin >= student->setup.kappa) ? margin : 0;
        }
    }
    return count;
}

/* Draws until a candidate is unfitted. After so many draws in vain that looking at all candidates would have cost less,
 * or at once where that is usual, does so: they may all be fitted. */
static void find_event_by_drawing(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    const double patience = AHEAD + state->candidates.count * dot_cost(self) / draw_cost(self);
    uint64_t step = self->student.learner.progress.steps;
    double draws = 0;
    bool in_vain = state->usual_draws > patience || state->candidates.count == 0;
    while (!in_vain) {
        if (state->next_batch == state->num_batches) {
            draw_batches(self);
        }
        const upcoming *batch = &state->batches[state->next_batch];
        const uint32_t begin = state->next_batch == 0 ? 0 : batch[-1].end;
        const uint32_t size = batch->end - begin;
        double sum = 0;
        const uint32_t count = find_active(self, state->drawn + begin, size, &sum);
        state->next_batch++;
        step += batch->wait;
        draws += size;
        if (count > 0) {
            state->event = (event){true, isfinite(sum), step, count, self->student.active};
            state->usual_draws += (draws - state->usual_draws) / 4;
            break;
        }
        in_vain = draws > patience;
    }
    count_draws(self, draws, draw_cost(self));
    if (in_vain) {
        look_at_candidates(self, step);
    }
}

/* ---- following ---- */

static void find_event_by_following(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    const uint32_t number = ch_active_set_num_unfitted(state->active);
    if (number == 0) {
        self->student.learner.progress.status = CH_FITTED;
        return;
    }
    draw_event(self, self->student.learner.progress.steps, number);
    const uint32_t count = state->event.count;
    if (count <= CH_SCANNED_BATCH) {
        ch_draw_scanned(stream(self), state->unfitted, count, number);
        for (uint32_t i = 0; i < count; i++) {
            state->unfitted[i] = ch_active_set_place(state->active, state->unfitted[i]);
        }
    } else {
        ch_active_set_list(state->active, state->unfitted);
        ch_draw_shuffled(stream(self), state->unfitted, count, number);
    }
}

static void begin_following(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    ch_learner *learner = &self->student.learner;
    ch_active_set_begin(state->active);
    state->stage = FOLLOWING;
    /* at the worst: an update adds about 1 + B u / P rows, and each has to be made first */
    const ch_perceptron_setup *setup = &self->student.setup;
    const uint32_t number = ch_active_set_num_unfitted(state->active);
    const double rows = 1 + (double)setup->batch * number / (double)setup->num_samples;
    learner->step_cost = 0;
    learner->update_cost = rows * (double)ch_candidates_num_reached(&state->candidates) * (double)self->student.stride;
}

/* ---- which stage is cheapest ---- */

/* Rows that have to come from afar are worth fetching before they are wanted. */
static bool is_out_of_cache(const ch_fast_perceptron *self)
{
    return self->student.setup.num_samples * self->student.stride * sizeof(float) > CACHE_BYTES;
}

/* Would the updates since the last look have cost less by following? Every margin within reach costs d / 16 for every
 * row that has to be made, of different samples if rows are kept, and one entry for every use of a row. */
static bool is_following_cheaper(const ch_fast_perceptron *self)
{
    const ch_perceptron *student = &self->student;
    const size_t reached = ch_candidates_num_reached(&self->state->candidates);
    const double uses = (double)(student->uses - self->state->uses_then), distinct = (double)student->distinct;
    const bool are_kept = 2 * distinct < (double)ch_active_set_most_rows(self->state->active, reached);
    const bool are_near = ch_active_set_is_packed(self->state->active, reached) || !is_out_of_cache(self);
    const double making = ((are_kept ? distinct : uses) + 1) * (are_near ? dot_cost(self) : far_dot_cost(self));
    const double cost = (double)reached * (making + uses * ENTRY) + uses * FOLLOW;
    return cost < self->state->cost && ch_active_set_is_precise(self->state->active);
}

/* Takes a shorter list, by a reference; all within reach where none is short enough. */
static void narrow(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    const ch_candidates_use use = {
        .updates = (double)(self->student.learner.progress.updates - state->updates_at_reference),
        .draws = state->draws,
        .draw_cost = draw_cost(self),
        .look_cost = dot_cost(self),
    };
    const bool narrowed = ch_candidates_narrow(&state->candidates, &use);
    count_look(self);
    state->next_try = narrowed ? FIRST_TRY : 2 * state->next_try;
    state->updates_at_reference = self->student.learner.progress.updates;
    state->draws = 0;
    begin_list(self);
}

static void begin_drawing(ch_fast_perceptron *self)
{
    self->state->stage = DRAWING;
    self->student.learner.step_cost = 0;
    copy_weights(self);
    begin_list(self);
}

static void begin_stretch(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    ch_perceptron *student = &self->student;
    state->steps_then = student->learner.progress.steps;
    state->uses_then = student->uses;
    state->next_look = (uint64_t)(NEXT_LOOK * (double)student->learner.progress.updates);
    state->cost = 0;
    student->distinct = 0;
    memset(state->used, 0, student->setup.num_samples * sizeof *state->used);
}

static void look(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    ch_candidates *candidates = &state->candidates;
    const ch_perceptron *student = &self->student;
    if (state->stage == PLAIN) {
        const uint64_t steps = student->learner.progress.steps - state->steps_then;
        count_draws(self, (double)steps * (double)student->setup.batch, PLAIN_DRAW + far_dot_cost(self));
    }
    if (is_following_cheaper(self)) {
        begin_following(self);
        return;
    }
    const double one_look = (double)student->setup.num_samples * dot_cost(self);
    if (candidates->radius == INFINITY) {
        if (state->cost > state->next_try * one_look) {
            narrow(self);
        } else {
            ch_candidates_reach(candidates, is_list_long_used(self));
            begin_list(self);
        }
    }
    if (state->stage == PLAIN && (candidates->list != NULL || is_out_of_cache(self))) {
        begin_drawing(self);
    }
    begin_stretch(self);
}

/* ---- the engine ---- */

static void take_plain_steps(ch_fast_perceptron *self, const ch_limit *limit)
{
    const ch_progress *progress = &self->student.learner.progress;
    const ch_limit until_look = {
        .steps = limit->steps,
        .updates = limit->updates < self->state->next_look ? limit->updates : self->state->next_look,
    };
    self->state->step(&self->student.learner, &until_look);
    if (progress->status == CH_RUNNING && progress->updates == self->state->next_look) {
        look(self);
    }
}

/* Moves the student, and the list with it; false when a weight is no longer finite. */
static bool update_by_list(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    ch_student_update(&self->student, state->event.samples, state->event.count);
    if (!state->event.is_finite) {
        return false;
    }
    if (self->student.learner.progress.updates == state->next_look) {
        look(self);
    }
    const bool exactly = state->candidates.radius == INFINITY && is_list_long_used(self);
    if (state->stage == DRAWING && (exactly || !ch_candidates_hold(&state->candidates))) {
        if (state->candidates.radius < INFINITY) {
            narrow(self);
        } else {
            ch_candidates_reach(&state->candidates, exactly);
            begin_list(self);
        }
    }
    copy_weights(self);
    return true;
}

static void take_event(ch_fast_perceptron *self)
{
    fast_state *state = self->state;
    ch_progress *progress = &self->student.learner.progress;
    progress->steps = progress->last_update = state->event.step;
    progress->updates++;
    state->event.is_known = false;
    state->work.drawing += state->stage == DRAWING;
    state->work.near += state->stage == DRAWING && state->candidates.radius < INFINITY;
    state->work.following += state->stage == FOLLOWING;
    const bool finite = state->stage == FOLLOWING
                            ? ch_active_set_update(state->active, state->event.samples, state->event.count)
                            : update_by_list(self);
    if (!finite) {
        progress->status = CH_DIVERGED;
    }
}

static void find_event(ch_fast_perceptron *self)
{
    if (self->state->stage == FOLLOWING) {
        find_event_by_following(self);
    } else {
        find_event_by_drawing(self);
    }
}

static void advance(ch_learner *learner, const ch_limit *limit)
{
    ch_fast_perceptron *self = (ch_fast_perceptron *)learner;
    const event *next = &self->state->event;
    ch_progress *progress = &learner->progress;
    while (progress->status == CH_RUNNING && progress->steps < limit->steps && progress->updates < limit->updates) {
        if (self->state->stage == PLAIN) {
            take_plain_steps(self, limit);
        } else if (!next->is_known) {
            find_event(self);
        } else if (next->step > limit->steps) {
            progress->steps = limit->steps;
        } else {
            take_event(self);
        }
    }
}

ch_fast_work ch_fast_perceptron_work(const ch_fast_perceptron *self)
{
    if (self->state == NULL) {
        return (ch_fast_work){0};
    }
    ch_fast_work work = self->state->work;
    ch_active_set_add_work(self->state->active, &work);
    return work;
}

static void free_learner(ch_learner *learner)
{
    ch_fast_perceptron_free((ch_fast_perceptron *)learner);
}

static ch_code init_reach(ch_reach *self, const ch_reach *lent, const ch_perceptron_setup *setup, ch_error *err)
{
    ch_reach whole = {0};
    ch_code code = lent == NULL ? ch_reach_init(&whole, setup->train, err) : CH_OK;
    if (code == CH_OK && lent == NULL && setup->num_samples == setup->train->num_samples) {
        *self = whole;
        return CH_OK;
    }
    if (code == CH_OK) {
        code = ch_reach_init_first(self, lent != NULL ? lent : &whole, setup->train, setup->num_samples, err);
    }
    ch_reach_free(&whole);
    return code;
}

static ch_code init_state(ch_fast_perceptron *self, const ch_reach *reach, ch_error *err)
{
    const ch_perceptron_setup *setup = &self->student.setup;
    fast_state *state = self->state;
    ch_code code = init_reach(&state->reach, reach, setup, err);
    if (code != CH_OK || (code = ch_candidates_init(&state->candidates, &self->student, &state->reach, err)) != CH_OK) {
        return code;
    }
    state->active = ch_active_set_new(&self->student, &state->reach);
    state->drawn = ch_alloc_unset(AHEAD + setup->batch, sizeof *state->drawn);
    state->unfitted = ch_alloc_unset(setup->num_samples, sizeof *state->unfitted);
    state->single = ch_alloc(self->student.stride, sizeof *state->single);
    state->used = ch_alloc(setup->num_samples, sizeof *state->used);
    if (state->active == NULL || state->drawn == NULL || state->unfitted == NULL || state->single == NULL ||
        state->used == NULL) {
        return ch_error_memory(err, "the margins within reach of the noise: lower train");
    }
    state->next_look = FIRST_LOOK;
    state->next_try = FIRST_TRY;
    return CH_OK;
}

ch_code ch_fast_perceptron_init(ch_fast_perceptron *self, const ch_perceptron_setup *setup, const ch_reach *reach,
                                ch_error *err)
{
    memset(self, 0, sizeof *self);
    ch_code code = ch_perceptron_init(&self->student, setup, err);
    if (code != CH_OK || setup->num_samples < LEAST_SAMPLES) {
        return code;
    }
    self->state = ch_alloc(1, sizeof *self->state);
    code = self->state != NULL ? init_state(self, reach, err) : ch_error_memory(err, "the fast engine");
    if (code != CH_OK) {
        ch_fast_perceptron_free(self);
        return code;
    }
    self->state->step = self->student.learner.advance;
    self->student.used = self->state->used;
    self->student.learner.advance = advance;
    self->student.learner.free = free_learner;
    return CH_OK;
}

void ch_fast_perceptron_free(ch_fast_perceptron *self)
{
    if (self->state != NULL) {
        ch_active_set_free(self->state->active);
        ch_candidates_free(&self->state->candidates);
        ch_reach_free(&self->state->reach);
        free(self->state->drawn);
        free(self->state->unfitted);
        free(self->state->single);
        free(self->state->used);
        free(self->state);
    }
    ch_perceptron_free(&self->student);
    memset(self, 0, sizeof *self);
}
