/* processor_private.h — which sets of instructions the library needs, and which this processor has. For tests and the
 * files of core/processor.h. */
#ifndef CH_PROCESSOR_PRIVATE_H
#define CH_PROCESSOR_PRIVATE_H

#include "core/processor.h"

#include <stddef.h>
#include <stdint.h>

/** The sets of instructions that the library was compiled to use: bit i stands for the i-th set of processor.c. */
extern const uint64_t ch_processor_needed;

/** The sets that this processor has and that the system lets programs use. */
uint64_t ch_processor_available(void);

/** Writes the names of the sets that are needed and not available, e.g. "avx2, fma"; 768 bytes are enough.
 *  @return how many there are */
size_t ch_processor_missing(uint64_t needed, uint64_t available, char *text, size_t size);

#endif
