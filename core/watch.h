/* watch.h — how a caller follows a long computation and asks it to end: the one contract of the whole library.
 *
 * A long computation takes a `const ch_watch *watch`, which may be NULL. It looks at the stop flag often enough to
 * come back within a fraction of a second, and then returns CH_ERROR_INTERRUPTED. It tells how far it is, and what the
 * user should know meanwhile, through the watch's functions. The library itself prints nothing and catches no signals.
 */
#ifndef CH_WATCH_H
#define CH_WATCH_H

#ifdef __cplusplus
#include <atomic> /* chiton.h has included it, outside of what is declared as C */
#else
#include <stdatomic.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** 0, or anything else once the work is to end. Another thread or a signal handler may raise it. */
#ifdef __cplusplus
typedef std::atomic<int> ch_stop; /* the same four bytes as C's */
#else
typedef atomic_int ch_stop;
#endif

/** How far a computation is. */
typedef struct {
    const char *what;     /* what is under way, e.g. a file's name; NULL where the unit says it all */
    const char *unit;     /* what is counted, e.g. "runs" */
    uint64_t done, total; /* in that unit; total 0: not known */
    double share;         /* fraction of the expected work that is done, 0 to 1; units need not take equally long */
    const char *note;     /* what else there is to say, e.g. "12 unfitted"; NULL or "": nothing */
} ch_watch_report;

/** How a caller follows a computation and ends it. Every member may be zero. */
typedef struct {
    ch_stop *stop; /* the flag that ends the work; borrowed */
    double until;  /* the time of ch_clock_now (core/clock.h) at which the work is to end; 0: none */
    /** Called now and then, and once at the end, by one thread at a time. */
    void (*progress)(void *context, const ch_watch_report *report);
    /** Called with a whole sentence, without a newline, by one thread at a time, and not while `progress` is. */
    void (*say)(void *context, const char *sentence);
    void *context; /* what both functions get */
} ch_watch;

/** Whether the time `until` has come, which must not be 0. */
bool ch_watch_is_late(const ch_watch *self);

/** Whether the work is to end. */
static inline bool ch_watch_is_stopped(const ch_watch *self)
{
    return self != NULL && ((self->stop != NULL && *self->stop != 0) || (self->until > 0 && ch_watch_is_late(self)));
}

/** Calls `progress` where there is one.  @param self  may be NULL */
static inline void ch_watch_progress(const ch_watch *self, const ch_watch_report *report)
{
    if (self != NULL && self->progress != NULL) {
        self->progress(self->context, report);
    }
}

/** Calls `say` where there is one.  @param self  may be NULL */
static inline void ch_watch_say(const ch_watch *self, const char *sentence)
{
    if (self != NULL && self->say != NULL) {
        self->say(self->context, sentence);
    }
}

#endif
