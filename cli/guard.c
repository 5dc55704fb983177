/* guard.c — reports that the program was built for another processor, before any of its other code runs. Otherwise the
 * first instruction that this processor lacks would end the program by SIGILL. The file is compiled for every x86-64
 * (Makefile). */
#include "core/processor.h"

#include <stdio.h>
#include <unistd.h>

__attribute__((constructor(101))) static void refuse_other_processors(void)
{
    enum { FAILED = 1 };
    ch_error err;
    if (ch_processor_check(&err) != CH_OK) {
        (void)fprintf(stderr, "chiton: %s\n", err.message);
        _exit(FAILED);
    }
}
