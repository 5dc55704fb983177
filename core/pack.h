/* pack.h — objects as bytes, for another process of the same program: written one after the other, and read in the same
 * order with a check of every size. Numbers have the machine's own format. */
#ifndef CH_PACK_H
#define CH_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes that are being written. All members zero: none yet. */
typedef struct {
    uint8_t *bytes; /* [size]; owned */
    size_t size, capacity;
    bool failed; /* memory was short once: the bytes are not complete */
} ch_packer;

void ch_packer_free(ch_packer *self);

void ch_pack(ch_packer *self, const void *bytes, size_t size);
void ch_pack_u64(ch_packer *self, uint64_t number);
/** A text with its end, or NULL. */
void ch_pack_text(ch_packer *self, const char *text);

/** Bytes that are being read. */
typedef struct {
    const uint8_t *bytes; /* [size] borrowed */
    size_t size, place;   /* all before `place` were read */
    bool failed;          /* more was asked for than there is, or what was read cannot be right */
} ch_unpacker;

/** Reads `size` bytes; after a failure it sets them to zero. */
void ch_unpack(ch_unpacker *self, void *bytes, size_t size);
/** 0 after a failure. */
uint64_t ch_unpack_u64(ch_unpacker *self);
/** A number that is at most `most`; a larger one is a failure, and 0. */
uint64_t ch_unpack_u64_within(ch_unpacker *self, uint64_t most);
/** @return borrowed from the bytes; NULL where NULL was written, and after a failure */
const char *ch_unpack_text(ch_unpacker *self);
/** Reads a count of objects of `size` > 0 bytes each that follow. A count that the bytes left cannot hold is a failure,
 *  and 0. */
size_t ch_unpack_count(ch_unpacker *self, size_t size);

#endif
