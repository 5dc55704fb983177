/* clock.h — seconds that only go forward. */
#ifndef CH_CLOCK_H
#define CH_CLOCK_H

/** Seconds since some fixed moment, monotonic. */
double ch_clock_now(void);

#endif
