/* main.c — what libFuzzer calls: the target that the environment variable FUZZ_TARGET names. */
#include "tests/fuzz/targets.h"

#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("FUZZ_TARGET");
    (void)argc, (void)argv;
    gsl_set_error_handler_off();
    for (target = fuzz_targets; name != NULL && target->name != NULL && strcmp(target->name, name) != 0;) {
        target++;
    }
    if (name == NULL || target->name == NULL) {
        fprintf(stderr, "FUZZ_TARGET must name a target of tests/fuzz/targets.h\n");
        exit(1);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target->run(data, size);
    return 0;
}
