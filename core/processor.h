/* processor.h — whether this processor has the instructions that the library was built to use. */
#ifndef CH_PROCESSOR_H
#define CH_PROCESSOR_H

#include "core/error.h"

/** Whether this processor has all instructions that the library was compiled for (make MARCH=…). Only x86-64 is looked
 *  at; elsewhere the answer is yes. The function itself uses none but those of every x86-64.
 *  @return CH_OK; CH_ERROR_INPUT with the names of the missing instructions, e.g. "avx512f", in the message */
ch_code ch_processor_check(ch_error *err) CH_MUST_CHECK;

#endif
