/* epoch.c — the steps of an epoch at which some samples are drawn. */
#include "core/epoch.h"

#include "core/buffers.h"
#include "core/snapshot.h"

#include <string.h>

enum { WORD = 64 };

static size_t words_for(size_t count)
{
    return count / WORD + 1;
}

static ch_buffer_list buffers_of(const ch_epoch *self)
{
    return (ch_buffer_list){{
        CH_BUFFER(self->places, self->num_samples),
        CH_BUFFER(self->first, self->num_steps),
        CH_BUFFER(self->next, self->num_samples),
        CH_BUFFER(self->placed, words_for(self->num_samples)),
        CH_BUFFER(self->steps, words_for(self->num_steps)),
    }};
}

static void set_sizes(ch_epoch *self, uint32_t num_samples, uint32_t batch)
{
    self->num_samples = num_samples;
    self->batch = batch;
    self->num_steps = num_samples / batch + (num_samples % batch > 0);
}

double ch_epoch_bytes(size_t num_samples, size_t batch)
{
    ch_epoch sizes = {0};
    set_sizes(&sizes, (uint32_t)num_samples, (uint32_t)batch);
    const ch_buffer_list buffers = buffers_of(&sizes);
    return ch_buffers_bytes(&buffers);
}

ch_code ch_epoch_init(ch_epoch *self, uint32_t num_samples, uint32_t batch, ch_error *err)
{
    set_sizes(self, num_samples, batch);
    const ch_buffer_list buffers = buffers_of(self);
    if (!ch_buffers_alloc(&buffers)) {
        return ch_error_memory(err, "the order of an epoch: lower train");
    }
    for (uint32_t k = 0; k < num_samples; k++) {
        self->places[k] = k;
    }
    return CH_OK;
}

void ch_epoch_free(ch_epoch *self)
{
    const ch_buffer_list buffers = buffers_of(self);
    ch_buffers_free(&buffers);
    *self = (ch_epoch){0};
}

/* Whether each list of a step has samples that are placed, a batch at most, all lists have as many as are placed, and
 * no bit is set of a step that does not exist. */
static bool has_lists(const ch_epoch *self)
{
    uint32_t count = 0, placed = 0;
    for (uint32_t k = 0; k < self->num_steps; k++) {
        const bool is_listed = (self->steps[k / WORD] >> k % WORD & 1) != 0;
        uint32_t number = 0;
        for (uint32_t mu = is_listed ? self->first[k] : (uint32_t)CH_EPOCH_NONE; mu != CH_EPOCH_NONE;
             mu = self->next[mu]) {
            if (mu >= self->num_samples || !ch_epoch_is_placed(self, mu) || ++number > self->batch) {
                return false;
            }
        }
        count += number;
    }
    for (size_t word = 0; word < words_for(self->num_samples); word++) {
        placed += (uint32_t)__builtin_popcountll(self->placed[word]);
    }
    const uint64_t beyond = self->steps[self->num_steps / WORD] >> self->num_steps % WORD;
    return count == self->num_placed && placed == self->num_placed && beyond == 0;
}

void ch_epoch_exchange(ch_epoch *self, ch_snapshot *snapshot)
{
    ch_snapshot_begin(snapshot, "epoch");
    CH_SNAPSHOT_NUMBER(snapshot, self->begun);
    ch_snapshot_count32(snapshot, &self->num_placed, self->num_samples);
    ch_snapshot_indices(snapshot, self->places, self->num_samples, self->num_samples);
    ch_snapshot_array(snapshot, self->first, self->num_steps, sizeof *self->first);
    ch_snapshot_array(snapshot, self->next, self->num_samples, sizeof *self->next);
    ch_snapshot_array(snapshot, self->placed, words_for(self->num_samples), sizeof *self->placed);
    ch_snapshot_array(snapshot, self->steps, words_for(self->num_steps), sizeof *self->steps);
    ch_snapshot_end(snapshot);
    ch_snapshot_require(snapshot, !ch_snapshot_reads(snapshot) || snapshot->is_bad || has_lists(self));
}

/* The order of the places stays as it was, because a place is drawn uniformly of those left in any order. */
void ch_epoch_begin(ch_epoch *self, uint64_t begun)
{
    self->begun = begun;
    self->num_placed = 0;
    memset(self->placed, 0, words_for(self->num_samples) * sizeof *self->placed);
    memset(self->steps, 0, words_for(self->num_steps) * sizeof *self->steps);
}

void ch_epoch_place(ch_epoch *self, uint32_t sample, ch_random *random)
{
    if (ch_epoch_is_placed(self, sample)) {
        return;
    }
    self->placed[sample / WORD] |= UINT64_C(1) << sample % WORD;
    const uint32_t at = self->num_placed + ch_random_below(random, self->num_samples - self->num_placed);
    const uint32_t place = self->places[at], step = place / self->batch;
    self->places[at] = self->places[self->num_placed];
    self->places[self->num_placed++] = place;
    const uint64_t bit = UINT64_C(1) << step % WORD;
    self->next[sample] = (self->steps[step / WORD] & bit) != 0 ? self->first[step] : (uint32_t)CH_EPOCH_NONE;
    self->first[step] = sample;
    self->steps[step / WORD] |= bit;
}

uint64_t ch_epoch_next(const ch_epoch *self, uint64_t step)
{
    const uint64_t from = step - self->begun; /* the index of the step after it */
    if (from >= self->num_steps) {
        return 0;
    }
    size_t word = (size_t)(from / WORD);
    uint64_t bits = self->steps[word] & UINT64_MAX << from % WORD;
    while (bits == 0) {
        if (++word >= words_for(self->num_steps)) {
            return 0;
        }
        bits = self->steps[word];
    }
    return self->begun + word * WORD + (uint64_t)__builtin_ctzll(bits) + 1;
}
