/* order.h — puts runs that were read into the order of their settings. Private to sim/store/.
 *
 * The order is that of SQL's ORDER BY over the columns of all settings and then the id: NULL first, numbers by size,
 * words by the alphabet. SQLite would sort rows of all columns by keys of all columns; here only the settings that
 * differ among the runs are sorted by, as integers, from the last of them to the first (a radix sort). */
#ifndef CH_RUN_ORDER_H
#define CH_RUN_ORDER_H

#include "sim/train.h"

enum { CH_RUN_ORDER_ID = 16 }; /* bytes of an id that tell runs apart whose settings are the same */

/** What the order of runs takes beside the runs themselves. Start with zeroes. */
typedef struct {
    uint64_t *nulls;              /* [count] bit i says that the run's column of setting i is NULL; owned */
    char (*ids)[CH_RUN_ORDER_ID]; /* [count] the beginnings of the ids, filled up with zeroes; owned */
    size_t count, nulls_capacity, ids_capacity;
    uint64_t varying; /* bit i says that setting i is not the same in all runs */
} ch_run_order;

/** Idempotent. */
void ch_run_order_free(ch_run_order *self);

/** Takes a run in.
 *  @param first  the run that was taken first; its nulls are known
 *  @param nulls  bit i says that the column of setting i is NULL
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_run_order_add(ch_run_order *self, const ch_run *first, const ch_run *run, uint64_t nulls, const char *id,
                         ch_error *err) CH_MUST_CHECK;

/** Takes in behind its own runs those that another order has taken in. Where one has none, the other's are taken over
 *  as they are.
 *  @param first        the run that this order took first
 *  @param other        out: empty
 *  @param other_first  the run that the other order took first
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_run_order_join(ch_run_order *self, const ch_run *first, ch_run_order *other, const ch_run *other_first,
                          ch_error *err) CH_MUST_CHECK;

/** Sorts the runs that were taken in.
 *  @param runs  [count] in the order in which they were taken in; out: sorted
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_run_order_sort(const ch_run_order *self, ch_run *runs, ch_error *err) CH_MUST_CHECK;

#endif
