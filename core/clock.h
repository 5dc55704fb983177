/* clock.h — seconds that only go forward. */
#ifndef CH_CLOCK_H
#define CH_CLOCK_H

/** Seconds since some fixed moment, monotonic. */
double ch_clock_now(void);

/** Sleeps so many seconds, or less where a signal arrives. */
void ch_clock_sleep(double seconds);

#endif
