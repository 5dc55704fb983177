/* stop.h — how a long computation is asked to end. */
#ifndef CH_STOP_H
#define CH_STOP_H

#include <stdatomic.h>

/** 0, or anything else once the work is to end: what looks at it comes back with CH_ERROR_INTERRUPTED within a fraction
 *  of a second. May be raised by another thread or by a signal handler. */
typedef atomic_int ch_stop;

#endif
