/* other_processor.c — in the place of processor_needed.c: a program that needs all sets of instructions there are, some
 * of which only other makers' processors have. */
#include "core/processor.h"

const uint64_t ch_processor_needed = UINT64_MAX;
