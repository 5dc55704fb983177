/* share.c — which runs of a sweep are this program's to make, where several make them on one store. */
#include "sim/sweep/share.h"

#include "core/clock.h"
#include "core/memory.h"

#include <stdlib.h>

static const double PATIENCE = 60;         /* seconds without a sign of life after which a worker is taken for ended */
static const double BEATS_A_PATIENCE = 12; /* signs of life in that time */
static const double LONGEST_PAUSE = 0.1;   /* seconds after which what others have claimed is asked for again */
static const double BATCH_SECONDS = 0.2;   /* time that the runs take which are claimed at once */
enum { GROWTH = 4 };                       /* a batch is at most so many times as large as what ended since the last */
enum { MOST_LOOKS = 4096 };                /* runs that are looked at in one transaction */

ch_code ch_share_init(ch_share *self, ch_sweep *sweep, ch_store *store, ch_error *err)
{
    const double now = ch_clock_now();
    *self = (ch_share){.sweep = sweep, .since = now, .beaten = now};
    return ch_claims_join(&self->claims, store, sweep->claim_seconds > 0 ? sweep->claim_seconds : PATIENCE, err);
}

void ch_share_free(ch_share *self)
{
    ch_claims_leave(&self->claims);
    free(self->waiting);
    free(self->stored);
    *self = (ch_share){0};
}

/* ---- claiming ---- */

/* Notes that the claim of a run is to be deleted. Where memory lacks it is left until the sweep ends. */
static void note_stored(ch_share *self, uint64_t id)
{
    void *stored = self->stored;
    if (ch_grow(&stored, &self->stored_capacity, self->num_stored + 1, sizeof *self->stored) == 0) {
        self->stored = stored;
        self->stored[self->num_stored++] = id;
    }
}

void ch_share_note_end(ch_share *self, const ch_sweep_job *job, bool is_put)
{
    self->num_ended++;
    self->cost_ended += job->cost;
    if (is_put) {
        note_stored(self, job->id);
    }
}

/* Deletes the claims of runs that are in the store, within a transaction. */
static ch_code drop_stored(ch_share *self, ch_error *err)
{
    for (size_t i = 0; i < self->num_stored; i++) {
        const ch_code code = ch_claims_drop(&self->claims, self->stored[i], err);
        if (code != CH_OK) {
            return code;
        }
    }
    self->num_stored = 0;
    return CH_OK;
}

/* How many runs are claimed at once. */
typedef struct {
    size_t count;
    double cost; /* the first may cost more */
} limits;

/* From what has ended since the last time follows what takes a fifth of a second. */
static limits find_limits(ch_share *self)
{
    const double now = ch_clock_now(), seconds = now - self->since, num_ended = (double)self->num_ended;
    const double most = seconds > 0 ? num_ended * BATCH_SECONDS / seconds : 0;
    const double count = most < GROWTH * num_ended ? most : GROWTH * num_ended;
    const limits found = {.count = count < 1            ? 1
                                   : count < MOST_LOOKS ? (size_t)count
                                                        : MOST_LOOKS,
                          .cost = GROWTH * self->cost_ended};
    self->since = now;
    self->num_ended = 0;
    self->cost_ended = 0;
    return found;
}

/* Tries to claim the run of a job, within a transaction. */
static ch_code claim(ch_share *self, ch_sweep_job *job, ch_error *err)
{
    ch_claim answer = CH_CLAIM_OTHERS;
    const ch_code code = ch_claims_take(&self->claims, job->id, &answer, err);
    job->share = answer == CH_CLAIM_MINE ? CH_SHARE_MINE : answer == CH_CLAIM_DONE ? CH_SHARE_DONE : CH_SHARE_ELSEWHERE;
    return code;
}

/* Goes on to the next job, or to that of the next group. */
static size_t go_on(const ch_sweep *sweep, size_t place, bool to_next_group)
{
    return to_next_group ? sweep->groups[sweep->jobs[place].group].end : place + 1;
}

/* Claims the run of a job, and those that follow it in the list until there are enough. Of a group on which another
 * program works only one is asked for. */
static ch_code claim_batch(ch_share *self, const ch_sweep_job *first, ch_error *err)
{
    const ch_sweep *sweep = self->sweep;
    const limits most = find_limits(self);
    size_t place = (size_t)(first - sweep->jobs), num_mine = 0;
    double cost = 0;
    for (int looks = 0; looks < MOST_LOOKS && place < sweep->num_jobs && (looks == 0 || num_mine < most.count);
         looks++) {
        ch_sweep_job *job = &sweep->jobs[place];
        if (looks > 0 && cost + job->cost > most.cost) {
            return CH_OK;
        }
        if (job->share == CH_SHARE_OPEN) {
            const ch_code code = claim(self, job, err);
            if (code != CH_OK) {
                return code;
            }
            num_mine += job->share == CH_SHARE_MINE;
            cost += job->share == CH_SHARE_MINE ? job->cost : 0;
        }
        place = go_on(sweep, place, job->share == CH_SHARE_ELSEWHERE);
    }
    return CH_OK;
}

ch_code ch_share_ask(ch_share *self, ch_sweep_job *job, ch_share_state *state, ch_error *err)
{
    if (job->share == CH_SHARE_OPEN) {
        ch_code code = ch_claims_begin(&self->claims, err);
        if (code != CH_OK) {
            return code;
        }
        code = drop_stored(self, err);
        if (code == CH_OK) {
            code = claim_batch(self, job, err);
        }
        code = ch_claims_end(&self->claims, code, err);
        if (code != CH_OK) {
            return code;
        }
    }
    *state = (ch_share_state)job->share;
    return CH_OK;
}

/* ---- what others make ---- */

ch_code ch_share_wait_for(ch_share *self, ch_sweep_job *job, ch_error *err)
{
    void *waiting = self->waiting;
    if (ch_grow(&waiting, &self->waiting_capacity, self->num_waiting + 1, sizeof(ch_sweep_job *)) != 0) {
        return ch_error_memory(err, "the runs that other programs make");
    }
    self->waiting = waiting;
    self->waiting[self->num_waiting++] = job;
    return CH_OK;
}

/* Asks again, within a transaction, and keeps in `waiting` what is still made elsewhere. */
static ch_code ask_each(ch_share *self, ch_sweep_job **ended, size_t *count, ch_error *err)
{
    const size_t num_waiting = self->num_waiting;
    ch_code code = CH_OK;
    self->num_waiting = 0;
    for (size_t i = 0; i < num_waiting && code == CH_OK; i++) {
        ch_sweep_job *job = self->waiting[i];
        code = i < MOST_LOOKS ? claim(self, job, err) : CH_OK;
        if (job->share == CH_SHARE_ELSEWHERE) {
            self->waiting[self->num_waiting++] = job;
        } else {
            ended[(*count)++] = job;
        }
    }
    return code;
}

ch_code ch_share_ask_again(ch_share *self, ch_sweep_job **ended, size_t *count, ch_error *err)
{
    ch_code code = ch_claims_beat(&self->claims, err); /* which ends the claims of those that have ended */
    if (code != CH_OK) {
        return code;
    }
    code = ch_claims_begin(&self->claims, err);
    if (code != CH_OK) {
        return code;
    }
    code = ask_each(self, ended, count, err);
    return ch_claims_end(&self->claims, code, err);
}

/* ---- signs of life ---- */

bool ch_share_is_to_beat(const ch_share *self)
{
    return ch_clock_now() - self->beaten > self->claims.patience / BEATS_A_PATIENCE;
}

void ch_share_beat(ch_share *self)
{
    (void)!ch_claims_beat(&self->claims, NULL);
    self->beaten = ch_clock_now();
}

double ch_share_pause(const ch_share *self)
{
    const double pause = self->claims.patience / BEATS_A_PATIENCE;
    return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}
