/* snapshot.c — the state of a run as bytes. */
#include "core/snapshot.h"

#include <string.h>

enum { TAG_SIZE = 8, HEAD_SIZE = TAG_SIZE + sizeof(uint64_t) };

ch_snapshot ch_snapshot_counter(void)
{
    return (ch_snapshot){.way = CH_SNAPSHOT_COUNTS};
}

ch_snapshot ch_snapshot_writer(uint8_t *bytes, size_t size)
{
    return (ch_snapshot){.way = CH_SNAPSHOT_WRITES, .bytes = bytes, .size = size};
}

ch_snapshot ch_snapshot_reader(const uint8_t *bytes, size_t size)
{
    /* a snapshot that reads writes to nothing */
    return (ch_snapshot){.way = CH_SNAPSHOT_READS, .bytes = (uint8_t *)(uintptr_t)bytes, .size = size};
}

bool ch_snapshot_is_whole(const ch_snapshot *self)
{
    return !self->is_bad && self->position == self->size;
}

void ch_snapshot_require(ch_snapshot *self, bool condition)
{
    self->is_bad = self->is_bad || !condition;
}

void ch_snapshot_array(ch_snapshot *self, void *numbers, size_t count, size_t size)
{
    const size_t bytes = count * size; /* of an array that is in memory, so that it overflows nothing */
    if (self->way == CH_SNAPSHOT_COUNTS) {
        self->position += bytes;
        return;
    }
    if (self->is_bad || bytes > self->size - self->position) {
        self->is_bad = true;
        return;
    }
    if (bytes > 0 && self->way == CH_SNAPSHOT_WRITES) {
        memcpy(self->bytes + self->position, numbers, bytes);
    } else if (bytes > 0) {
        memcpy(numbers, self->bytes + self->position, bytes);
    }
    self->position += bytes;
}

void ch_snapshot_begin(ch_snapshot *self, const char *tag)
{
    char wanted[TAG_SIZE] = {0}, found[TAG_SIZE];
    uint64_t size = 0;
    memcpy(wanted, tag, strnlen(tag, TAG_SIZE));
    memcpy(found, wanted, TAG_SIZE);
    ch_snapshot_array(self, found, 1, TAG_SIZE);
    ch_snapshot_require(self, memcmp(found, wanted, TAG_SIZE) == 0);
    self->section = self->position;
    CH_SNAPSHOT_NUMBER(self, size); /* ch_snapshot_end writes it */
}

/* The size stands before the section's first byte. */
void ch_snapshot_end(ch_snapshot *self)
{
    uint64_t size = self->position - self->section;
    if (self->is_bad || self->way == CH_SNAPSHOT_COUNTS) {
        return;
    }
    if (self->way == CH_SNAPSHOT_WRITES) {
        memcpy(self->bytes + self->section, &size, sizeof size);
        return;
    }
    uint64_t found = 0;
    memcpy(&found, self->bytes + self->section, sizeof found);
    ch_snapshot_require(self, found == size);
}

void ch_snapshot_flag(ch_snapshot *self, bool *flag)
{
    uint8_t byte = *flag;
    CH_SNAPSHOT_NUMBER(self, byte);
    ch_snapshot_require(self, byte <= 1);
    *flag = self->is_bad ? *flag : byte == 1;
}

void ch_snapshot_flags(ch_snapshot *self, bool *flags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ch_snapshot_flag(self, &flags[i]);
    }
}

void ch_snapshot_count(ch_snapshot *self, size_t *count, size_t most)
{
    uint64_t number = *count;
    CH_SNAPSHOT_NUMBER(self, number);
    ch_snapshot_require(self, number <= most);
    *count = self->is_bad ? 0 : (size_t)number;
}

void ch_snapshot_count32(ch_snapshot *self, uint32_t *count, uint32_t most)
{
    CH_SNAPSHOT_NUMBER(self, *count);
    ch_snapshot_require(self, *count <= most);
    *count = self->is_bad ? 0 : *count;
}

void ch_snapshot_indices(ch_snapshot *self, uint32_t *indices, size_t count, uint32_t below)
{
    ch_snapshot_array(self, indices, count, sizeof *indices);
    for (size_t i = 0; ch_snapshot_reads(self) && !self->is_bad && i < count; i++) {
        self->is_bad = indices[i] >= below;
    }
}

/* The words follow from the number of the block after them. */
void ch_snapshot_random(ch_snapshot *self, ch_random *random)
{
    uint64_t block = random->block;
    uint32_t position = random->position;
    CH_SNAPSHOT_NUMBER(self, block);
    CH_SNAPSHOT_NUMBER(self, position);
    ch_snapshot_require(self, position <= CH_RANDOM_WORDS);
    if (!ch_snapshot_reads(self) || self->is_bad) {
        return;
    }
    random->block = block;
    if (position < CH_RANDOM_WORDS) {
        random->block -= CH_RANDOM_BLOCKS;
        ch_random_refill(random);
    }
    random->position = position;
}

void ch_snapshot_learner(ch_snapshot *self, ch_learner *learner)
{
    ch_progress *progress = &learner->progress;
    uint32_t status = progress->status, cause = progress->cause;
    ch_snapshot_begin(self, "learner");
    ch_snapshot_count32(self, &status, CH_NUM_STATUSES - 1);
    ch_snapshot_count32(self, &cause, CH_NUM_CAUSES - 1);
    progress->status = (ch_status)status;
    progress->cause = (ch_cause)cause;
    CH_SNAPSHOT_NUMBER(self, progress->steps);
    CH_SNAPSHOT_NUMBER(self, progress->last_update);
    CH_SNAPSHOT_NUMBER(self, progress->updates);
    CH_SNAPSHOT_NUMBER(self, learner->step_cost);
    CH_SNAPSHOT_NUMBER(self, learner->update_cost);
    ch_snapshot_end(self);
}
