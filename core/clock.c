/* clock.c — seconds that only go forward. */
#include "core/clock.h"

#include <math.h>
#include <time.h>

double ch_clock_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void ch_clock_sleep(double seconds)
{
    const double whole = floor(seconds);
    const struct timespec time = {.tv_sec = (time_t)whole, .tv_nsec = (long)(1e9 * (seconds - whole))};
    (void)nanosleep(&time, NULL);
}
