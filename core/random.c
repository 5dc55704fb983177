/* random.c — counter-based random streams. */
#include "core/random.h"

#define R123_USE_MULHILO64_ASM 0 /* the compiler's own 128-bit product is faster: it may use mulx */
#include <Random123/philox.h>
#include <string.h>

void ch_random_init(ch_random *self, uint64_t seed, ch_stream purpose, uint64_t substream)
{
    memset(self, 0, sizeof *self);
    self->seed = seed;
    self->purpose = (uint64_t)purpose;
    self->substream = substream;
    self->position = CH_RANDOM_WORDS;
}

void ch_random_refill(ch_random *self)
{
    const philox4x64_key_t key = {{self->seed, self->purpose}};
    uint32_t *words = self->words;
    for (size_t b = 0; b < CH_RANDOM_BLOCKS; b++) {
        const philox4x64_ctr_t counter = {{self->block++, self->substream, 0, 0}};
        const philox4x64_ctr_t random = philox4x64(counter, key);
        for (size_t i = 0; i < 4; i++) {
            *words++ = (uint32_t)random.v[i];
            *words++ = (uint32_t)(random.v[i] >> 32);
        }
    }
    self->position = 0;
}

/* GSL seeds by number; streams are seeded by ch_random_init, so this only restarts the stream under that seed. */
static void gsl_set(void *state, unsigned long seed)
{
    ch_random *self = state;
    ch_random_init(self, seed, (ch_stream)self->purpose, self->substream);
}

static unsigned long gsl_get(void *state)
{
    return ch_random_u32(state);
}

static double gsl_get_double(void *state)
{
    const uint64_t high = ch_random_u32(state);
    const uint64_t low = ch_random_u32(state);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

static const gsl_rng_type philox_type = {
    .name = "philox4x64-10",
    .max = UINT32_MAX,
    .min = 0,
    .size = sizeof(ch_random),
    .set = gsl_set,
    .get = gsl_get,
    .get_double = gsl_get_double,
};

gsl_rng ch_random_gsl(ch_random *self)
{
    return (gsl_rng){.type = &philox_type, .state = self};
}
