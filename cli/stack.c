/* stack.c — refuses stacks that are too small, before their end is met: running over it would end the program by
 * SIGSEGV, without a word. */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Bytes of stack that the program and each of its threads must have. All commands were seen to end well with a quarter
 * of it. */
enum { LEAST_STACK = 128 * 1024 };

/* The bytes that a value of OMP_STACKSIZE stands for: a number with the unit B, K, M or G, of which K is that of a
 * number alone.  @return false for any other text, which OpenMP does not obey */
static bool read_stack_size(const char *text, double *bytes)
{
    static const char units[] = "bkmg";
    char *end = NULL;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    if (end == text || errno != 0) {
        return false;
    }
    end += strspn(end, " \t");
    const char *unit = *end != '\0' ? strchr(units, tolower((unsigned char)*end)) : &units[1];
    if (unit == NULL || (*end != '\0' && end[1 + strspn(end + 1, " \t")] != '\0')) {
        return false;
    }
    *bytes = (double)number;
    for (const char *u = units; u < unit; u++) {
        *bytes *= 1024;
    }
    return true;
}

ch_code ch_cli_check_stack(ch_error *err)
{
    static const char *const names[] = {"OMP_STACKSIZE", "GOMP_STACKSIZE"};
    struct rlimit limit;
    double bytes = 0;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < LEAST_STACK) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "the stack is limited to %llu kB (ulimit -s); accepted is %d kB or more",
                            (unsigned long long)limit.rlim_cur / 1024, LEAST_STACK / 1024);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = getenv(names[i]);
        if (text != NULL && read_stack_size(text, &bytes) && bytes < LEAST_STACK) {
            return ch_error_set(err, CH_ERROR_INPUT, "%s is %s, the stack of a thread; accepted is %dk or more",
                                names[i], text, LEAST_STACK / 1024);
        }
    }
    return CH_OK;
}
