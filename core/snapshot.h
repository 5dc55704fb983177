/* snapshot.h — the state of a run as bytes, from which another process continues the run with the same bits.
 *
 * An object describes its state once, in one function that calls those below for each of its parts. The function counts
 * the bytes, writes them or reads them, depending on the snapshot that it is given, so that the bytes written and read
 * cannot differ. Numbers have the machine's own format.
 *
 * Bytes may come from a damaged file. What is read is therefore checked before it is used: the tag and the size of
 * each section, that a flag is 0 or 1, that a count or an index is in its range. The first failure makes a snapshot
 * bad, and from then on nothing is read: counts are set to 0 and all else stays as it is. The object that was being
 * read may then be freed, and nothing else.
 */
#ifndef CH_SNAPSHOT_H
#define CH_SNAPSHOT_H

#include "core/learner.h"
#include "core/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ch_snapshot {
    enum { CH_SNAPSHOT_COUNTS, CH_SNAPSHOT_WRITES, CH_SNAPSHOT_READS } way;
    uint8_t *bytes;  /* [size] borrowed; NULL while bytes are counted */
    size_t size;     /* of `bytes` */
    size_t position; /* bytes counted, written or read so far */
    size_t section;  /* place of the size of the section that is open */
    bool is_bad;     /* what was read cannot be the state that was asked for, or there was no room to write */
} ch_snapshot;

/** A snapshot that counts the bytes that a state takes: `position` is their number in the end. */
ch_snapshot ch_snapshot_counter(void);
/** A snapshot that writes into `bytes` [size], which are as many as were counted. */
ch_snapshot ch_snapshot_writer(uint8_t *bytes, size_t size);
/** A snapshot that reads `bytes` [size]. */
ch_snapshot ch_snapshot_reader(const uint8_t *bytes, size_t size);

/** Whether the snapshot reads; else it counts or writes. */
static inline bool ch_snapshot_reads(const ch_snapshot *self)
{
    return self->way == CH_SNAPSHOT_READS;
}

/** Whether all was read, and all of it was as it has to be. */
bool ch_snapshot_is_whole(const ch_snapshot *self);

/** Makes the snapshot bad unless a condition on what was read holds. */
void ch_snapshot_require(ch_snapshot *self, bool condition);

/** Begins a section.
 *  @param tag  its name, of up to 8 characters */
void ch_snapshot_begin(ch_snapshot *self, const char *tag);
/** Ends it. A section that is read must have been read to its end. */
void ch_snapshot_end(ch_snapshot *self);

/** An array of `count` numbers of `size` bytes each, of which any bytes are accepted. */
void ch_snapshot_array(ch_snapshot *self, void *numbers, size_t count, size_t size);
/** One number in a variable. */
#define CH_SNAPSHOT_NUMBER(self, number) ch_snapshot_array(self, &(number), 1, sizeof(number))

/** One flag; and an array of `count` flags. */
void ch_snapshot_flag(ch_snapshot *self, bool *flag);
void ch_snapshot_flags(ch_snapshot *self, bool *flags, size_t count);
/** A count that is at most `most`. */
void ch_snapshot_count(ch_snapshot *self, size_t *count, size_t most);
void ch_snapshot_count32(ch_snapshot *self, uint32_t *count, uint32_t most);
/** An array of indices below `below`. */
void ch_snapshot_indices(ch_snapshot *self, uint32_t *indices, size_t count, uint32_t below);
/** The position of a random stream. Its seed, purpose and substream are those that it was made with, and are not kept.
 */
void ch_snapshot_random(ch_snapshot *self, ch_random *random);
/** The progress of a learner, and the expected cost of its next steps. */
void ch_snapshot_learner(ch_snapshot *self, ch_learner *learner);

#endif
