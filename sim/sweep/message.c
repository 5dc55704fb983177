/* message.c — packs and sends what the processes that share a sweep tell each other. */
#include "sim/sweep/message.h"

#include "core/clock.h"
#include "sim/run_pack.h"

#include <signal.h>
#include <string.h>

void ch_message_begin(ch_packer *packer, uint64_t kind)
{
    packer->size = 0;
    ch_pack_u64(packer, kind);
}

void ch_sent_job_pack(ch_packer *packer, const ch_sent_job *job)
{
    ch_pack_u64(packer, job->place);
    ch_pack(packer, &job->job, sizeof job->job);
    ch_pack_u64(packer, job->group_samples);
    ch_pack_u64(packer, job->group_engine);
    ch_pack_u64(packer, job->group_is_kernel);
    ch_pack_u64(packer, job->set_bytes);
    ch_settings_pack(packer, &job->resolved);
}

void ch_sent_job_unpack(ch_unpacker *unpacker, ch_sent_job *job)
{
    job->place = ch_unpack_u64(unpacker);
    ch_unpack(unpacker, &job->job, sizeof job->job);
    job->group_samples = ch_unpack_u64(unpacker);
    job->group_engine = ch_unpack_u64(unpacker);
    job->group_is_kernel = ch_unpack_u64_within(unpacker, 1);
    job->set_bytes = ch_unpack_u64(unpacker);
    ch_settings_unpack(unpacker, &job->resolved);
}

void ch_state_pack(ch_packer *packer, const ch_run_state *state)
{
    ch_pack(packer, state->run, sizeof state->run);
    ch_pack(packer, state->kin, sizeof state->kin);
    ch_pack_u64(packer, (uint64_t)state->results_version);
    ch_pack_u64(packer, state->steps);
    ch_pack_u64(packer, state->updates);
    ch_pack(packer, &state->seconds, sizeof state->seconds);
    ch_pack_u64(packer, state->is_watched);
    ch_pack_u64(packer, state->size);
    ch_pack(packer, state->bytes, state->size);
}

size_t ch_state_unpack(ch_unpacker *unpacker, ch_run_state *state)
{
    *state = (ch_run_state){.bytes = NULL};
    ch_unpack(unpacker, state->run, sizeof state->run);
    ch_unpack(unpacker, state->kin, sizeof state->kin);
    state->run[CH_ID_SIZE - 1] = state->kin[CH_ID_SIZE - 1] = '\0';
    state->results_version = (int)ch_unpack_u64_within(unpacker, INT32_MAX);
    state->steps = ch_unpack_u64(unpacker);
    state->updates = ch_unpack_u64(unpacker);
    ch_unpack(unpacker, &state->seconds, sizeof state->seconds);
    state->is_watched = ch_unpack_u64_within(unpacker, 1) != 0;
    state->size = ch_unpack_count(unpacker, 1);
    const size_t place = unpacker->place;
    unpacker->place += state->size;
    return place;
}

ch_code ch_message_send(const ch_link *link, int to, ch_packer *packer, ch_error *err)
{
    enum { LARGE = 1 << 20 };
    if (packer->failed) {
        return ch_error_memory(err, "a message to another process");
    }
    const ch_code code = link->send(link->context, to, packer->bytes, packer->size, err);
    packer->size = 0;
    if (packer->capacity > LARGE) { /* it had the state of a run */
        ch_packer_free(packer);
    }
    return code;
}

ch_code ch_message_thread_begin(ch_message_thread *self, void *(*work)(void *), void *context, ch_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failure = pthread_create(&self->thread, NULL, work, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    self->runs = failure == 0;
    return failure == 0 ? CH_OK
                        : ch_error_set(err, CH_ERROR_MEMORY, "the thread that handles messages cannot be started: %s",
                                       strerror(failure));
}

void ch_message_thread_join(ch_message_thread *self)
{
    if (self->runs) {
        pthread_join(self->thread, NULL);
    }
    self->runs = false;
}

void ch_message_pause(double *pause)
{
    static const double LEAST = 50e-6, MOST = 2e-3;
    ch_clock_sleep(*pause > LEAST ? *pause : LEAST);
    *pause = *pause < LEAST ? LEAST : 1.5 * *pause < MOST ? 1.5 * *pause : MOST;
}
