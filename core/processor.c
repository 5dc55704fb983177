/* processor.c — whether this processor has the instructions that the library was built to use. Compiled for every
 * x86-64 (Makefile), as it runs before that is known. */
#include "core/processor_private.h"

#include <stdbool.h>
#include <stdio.h>
#if defined __x86_64__
#include <cpuid.h>
#endif

/* Bits of XCR0. They say which registers the system saves when it lets another program run. */
enum { YMM = 0x6, ZMM = 0xe6, APX = 0x80000 };

typedef struct {
    const char *name;
    unsigned leaf, subleaf, reg; /* of cpuid: the set is there if (reg >> bit & mask) >= least */
    unsigned bit, mask, least;
    uint64_t saved; /* bits of XCR0 that must be set */
} instruction_set;

static const instruction_set sets[] = {
#define CH_SET(name, leaf, subleaf, reg, bit, saved)           {#name, leaf, subleaf, reg, bit, 1, 1, saved},
#define CH_SET_VERSION(name, leaf, subleaf, reg, least, saved) {#name, leaf, subleaf, reg, 0, 0xff, least, saved},
#include "core/processor_sets.inc.h"
#undef CH_SET_VERSION
#undef CH_SET
};
enum { NUM_SETS = sizeof sets / sizeof *sets };
_Static_assert(NUM_SETS <= 64, "every set has a bit");

#if defined __x86_64__

/* The value of XCR0. It is 0 where the system does not use XCR0, and so does not save the larger registers. */
static uint64_t saved_registers(void)
{
    enum { OSXSAVE = 1 << 27 };
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & OSXSAVE) == 0) {
        return 0;
    }
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (uint64_t)d << 32 | a;
}

uint64_t ch_processor_available(void)
{
    const uint64_t saved = saved_registers();
    uint64_t available = 0;
    for (size_t i = 0; i < NUM_SETS; i++) {
        unsigned regs[4] = {0};
        const bool known =
            __get_cpuid_count(sets[i].leaf, sets[i].subleaf, &regs[0], &regs[1], &regs[2], &regs[3]) != 0;
        const unsigned number = regs[sets[i].reg] >> sets[i].bit & sets[i].mask;
        if (known && number >= sets[i].least && (saved & sets[i].saved) == sets[i].saved) {
            available |= (uint64_t)1 << i;
        }
    }
    return available;
}

#else

uint64_t ch_processor_available(void)
{
    return UINT64_MAX;
}

#endif

size_t ch_processor_missing(uint64_t needed, uint64_t available, char *text, size_t size)
{
    size_t count = 0, length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < NUM_SETS; i++) {
        if (((needed & ~available) >> i & 1) != 0) {
            const int more = snprintf(text + length, size - length, "%s%s", count > 0 ? ", " : "", sets[i].name);
            length = more > 0 && (size_t)more < size - length ? length + (size_t)more : length;
            count++;
        }
    }
    return count;
}

ch_code ch_processor_check(ch_error *err)
{
    char names[768];
    if (ch_processor_missing(ch_processor_needed, ch_processor_available(), names, sizeof names) == 0) {
        return CH_OK;
    }
    if (err != NULL) { /* not by ch_error_set, which is compiled for the instructions that are missing */
        err->code = CH_ERROR_INPUT;
        (void)snprintf(err->message, sizeof err->message,
                       "this program was built for another processor: this one lacks %s; accepted is a build made on "
                       "this machine, or for all machines of the last ten years, by make MARCH=x86-64-v3",
                       names);
    }
    return CH_ERROR_INPUT;
}
