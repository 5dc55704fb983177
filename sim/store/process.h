/* process.h — the identity of a process, for other processes on its machine and on others. Private to sim/store/. */
#ifndef CH_STORE_PROCESS_H
#define CH_STORE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

enum { CH_PROCESS_NAME_SIZE = 128 };

/** A process. Texts that the system does not give are "", numbers 0. */
typedef struct {
    char host[CH_PROCESS_NAME_SIZE]; /* name of the machine, for people */
    char boot[CH_PROCESS_NAME_SIZE]; /* tells starts of a system apart, and spaces of process numbers (containers) */
    int64_t pid;
    int64_t started; /* ticks from the start of the system to that of the process */
} ch_process;

/** This process. */
ch_process ch_process_self(void);

/** Whether a process has surely ended: it was one of this system, and its number belongs to no process now, or to one
 *  that began at another time. Of a process elsewhere nothing is known, and the answer is false.
 *  @param self  this process */
bool ch_process_has_ended(const ch_process *other, const ch_process *self);

#endif
