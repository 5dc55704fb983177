/* processor.h — whether this processor has the instructions that the library was built to use. */
#ifndef CH_PROCESSOR_H
#define CH_PROCESSOR_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

/** Whether this processor has all instructions that the library was compiled for (make MARCH=…). Only x86-64 is looked
 *  at; elsewhere the answer is yes. The function itself uses none but those of every x86-64.
 *  @return CH_OK; CH_ERROR_INPUT with the names of the missing instructions, e.g. "avx512f", in the message */
ch_code ch_processor_check(ch_error *err) CH_MUST_CHECK;

/** The sets of instructions that the library was compiled to use: bit i stands for the i-th set of processor.c. */
extern const uint64_t ch_processor_needed;

/** Those that this processor has and the system lets programs use. */
uint64_t ch_processor_available(void);

/** Writes the names of the sets that are needed and not available, e.g. "avx2, fma"; 512 bytes are enough.
 *  @return how many there are */
size_t ch_processor_missing(uint64_t needed, uint64_t available, char *text, size_t size);

#endif
