/* idx_array.c — IDX arrays of any type and shape.
 *
 * Two bytes of 0, the type of the numbers, the number of dimensions, the sizes as big-endian integers of 4 bytes, then
 * the numbers, big-endian.
 */
#include "data/array_private.h"

#include <string.h>

ch_code ch_idx_read_array(ch_array *self, const ch_byte_source *source, ch_error *err)
{
    static const struct {
        uint8_t type;
        ch_element element;
    } known[] = {{0x08, CH_ELEMENT_U8},  {0x09, CH_ELEMENT_I8},  {0x0B, CH_ELEMENT_I16},
                 {0x0C, CH_ELEMENT_I32}, {0x0D, CH_ELEMENT_F32}, {0x0E, CH_ELEMENT_F64}};
    enum { NUM_KNOWN = sizeof known / sizeof *known };
    uint8_t head[4 + 4 * 255];
    size_t type = 0;
    memset(self, 0, sizeof *self);
    size_t got = source->read(source->from, head, 4, err);
    if (got == 4) {
        const size_t more = source->read(source->from, head + 4, 4 * (size_t)head[3], err);
        got = more == SIZE_MAX ? more : got + more;
    }
    if (got == SIZE_MAX) {
        return err != NULL ? err->code : CH_ERROR_IO;
    }
    if (got < 4 || got < 4 + 4 * (size_t)head[3]) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is truncated: it ends within its IDX header", source->name);
    }
    while (type < NUM_KNOWN && known[type].type != head[2]) {
        type++;
    }
    if (type == NUM_KNOWN || head[3] > CH_MOST_SIZES) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s has the IDX type 0x%02x in %u dimensions; accepted are the types 0x08, 0x09 and 0x0b "
                            "to 0x0e in up to %d",
                            source->name, head[2], head[3], CH_MOST_SIZES);
    }
    self->element = known[type].element;
    self->num_sizes = head[3];
    for (size_t i = 0; i < self->num_sizes; i++) {
        const uint8_t *size = head + 4 + 4 * i;
        self->sizes[i] = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
    }
    const ch_code code = ch_array_read_numbers(self, source, err);
    if (code == CH_OK && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        ch_array_swap_bytes(self);
    }
    return code;
}
