/* pack.c — objects as bytes, for another process of the same program. */
#include "core/pack.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { NULL_TEXT = 0 }; /* written in place of a text's length with its end, which is at least 1 */

void ch_packer_free(ch_packer *self)
{
    free(self->bytes);
    memset(self, 0, sizeof *self);
}

void ch_pack(ch_packer *self, const void *bytes, size_t size)
{
    void *grown = self->bytes;
    if (size == 0) {
        return;
    }
    if (self->failed || ch_grow(&grown, &self->capacity, self->size + size, 1) != 0) {
        self->failed = true;
        return;
    }
    self->bytes = grown;
    memcpy(self->bytes + self->size, bytes, size);
    self->size += size;
}

void ch_pack_u64(ch_packer *self, uint64_t number)
{
    ch_pack(self, &number, sizeof number);
}

void ch_pack_text(ch_packer *self, const char *text)
{
    const size_t size = text != NULL ? strlen(text) + 1 : NULL_TEXT;
    ch_pack_u64(self, size);
    ch_pack(self, text, size);
}

void ch_unpack(ch_unpacker *self, void *bytes, size_t size)
{
    if (size == 0) {
        return;
    }
    if (self->failed || size > self->size - self->place) {
        self->failed = true;
        memset(bytes, 0, size);
        return;
    }
    memcpy(bytes, self->bytes + self->place, size);
    self->place += size;
}

uint64_t ch_unpack_u64(ch_unpacker *self)
{
    uint64_t number = 0;
    ch_unpack(self, &number, sizeof number);
    return number;
}

uint64_t ch_unpack_u64_within(ch_unpacker *self, uint64_t most)
{
    const uint64_t number = ch_unpack_u64(self);
    if (number > most) {
        self->failed = true;
        return 0;
    }
    return number;
}

size_t ch_unpack_count(ch_unpacker *self, size_t size)
{
    const uint64_t count = ch_unpack_u64(self);
    if (self->failed || count > (self->size - self->place) / size) {
        self->failed = true;
        return 0;
    }
    return (size_t)count;
}

const char *ch_unpack_text(ch_unpacker *self)
{
    const size_t size = ch_unpack_count(self, 1);
    const char *text = (const char *)self->bytes + self->place;
    if (size == NULL_TEXT) {
        return NULL;
    }
    if (text[size - 1] != '\0') {
        self->failed = true;
        return NULL;
    }
    self->place += size;
    return text;
}
