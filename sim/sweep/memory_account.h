/* memory_account.h — decides which runs may be under way at once, so that together they fit the memory of this machine.
 *
 * A run reserves its expected bytes before it begins. The first run of a data set reserves the set's bytes too. Runs
 * and sets give their bytes back when they end. A run may always begin when no other is under way, even if it is larger
 * than the budget. The reserved bytes are estimates; nothing is measured. */
#ifndef CH_MEMORY_ACCOUNT_H
#define CH_MEMORY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

/** It has no lock: the caller makes sure that one thread at a time uses it. */
typedef struct ch_memory_account {
    size_t budget;   /* bytes that may be reserved while more than one run is under way; 0 until it is known */
    size_t sets;     /* bytes that are reserved for data sets */
    size_t runs;     /* bytes that are reserved for the runs under way */
    size_t num_runs; /* number of runs under way */
    size_t most;     /* most bytes that were reserved while more than one run was under way */
} ch_memory_account;

/** The budget in bytes that is used where none is set: nine tenths of the memory that is available now. */
size_t ch_memory_account_find_budget(void);

/** Whether `bytes` more bytes can be reserved within the budget. */
bool ch_memory_account_fits(const ch_memory_account *self, size_t bytes);

/** Reserves the bytes of a run, and of its data set, if the run may begin now.
 *  @param set_bytes  bytes of the run's data set; 0 when they are reserved already
 *  @param run_bytes  bytes of the run beside its data set
 *  @return whether the run may begin; if not, it has to wait until another run ends */
bool ch_memory_account_begin_run(ch_memory_account *self, size_t set_bytes, size_t run_bytes);
void ch_memory_account_end_run(ch_memory_account *self, size_t run_bytes);

/** Reserves the bytes of a data set before the first of its runs begins.
 *  @param set_bytes   bytes of the data set
 *  @param runs_bytes  bytes that must stay free for runs, including those that the runs under way have reserved
 *  @return whether the set may be made now */
bool ch_memory_account_begin_set(ch_memory_account *self, size_t set_bytes, size_t runs_bytes);
void ch_memory_account_end_set(ch_memory_account *self, size_t set_bytes);

#endif
