/* needed.c — stands in the place of core/processor_needed.c and makes a program that needs all sets of instructions
 * there are, some of which only other makers' processors have. */
#include "core/processor_private.h"

const uint64_t ch_processor_needed = UINT64_MAX;
