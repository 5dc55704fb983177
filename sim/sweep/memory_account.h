/* memory_account.h — which runs may go at once, so that together they fit the memory there is.
 *
 * A run reserves what it takes before it begins, and its data set too unless another run has; both are given back at
 * their ends. One run at a time may always go, however large. Estimates are reserved, not measured.
 */
#ifndef CH_MEMORY_ACCOUNT_H
#define CH_MEMORY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

/** Not locked: callers let one thread at a time in. */
typedef struct {
    size_t budget;   /* bytes that may be reserved while more than one run is under way; 0 until it is known */
    size_t sets;     /* bytes reserved for data sets */
    size_t runs;     /* bytes reserved by the runs under way */
    size_t num_runs; /* under way */
    size_t most;     /* most bytes that were reserved while more than one run was under way */
} ch_memory_account;

/** The budget where none is set: nine tenths of the memory that is available now. */
size_t ch_memory_account_find_budget(void);

/** Whether so many bytes more are within the budget. */
bool ch_memory_account_fits(const ch_memory_account *self, size_t bytes);

/** Reserves what a run takes, unless it has to wait until others end.
 *  @param set_bytes  of its data set; 0 when that is reserved already
 *  @return whether the run may begin */
bool ch_memory_account_begin_run(ch_memory_account *self, size_t set_bytes, size_t run_bytes);
void ch_memory_account_end_run(ch_memory_account *self, size_t run_bytes);

/** Reserves a data set ahead of its first run.
 *  @param runs_bytes  room to leave for runs, those under way included
 *  @return whether it may be made */
bool ch_memory_account_begin_set(ch_memory_account *self, size_t set_bytes, size_t runs_bytes);
void ch_memory_account_end_set(ch_memory_account *self, size_t set_bytes);

#endif
