/* claims.h — which of several sweeps on one store makes which run. Private to sim/.
 *
 * A sweep under way is a worker. It claims a run before it makes it, and no other worker begins a run that is claimed.
 * A claim has no effect once its run is in the store. Its worker deletes it when it claims again, many at once, since a
 * statement for each run would cost more than a small run may. A claim also ends with its worker: when the worker
 * leaves, when its process is seen to have ended on this machine, or when it gives no sign of life. A sign of life is
 * that its count of beats grows. Whoever waits measures on a clock of its own, which only goes forward, how long the
 * count has stood still: dates, and clocks of other machines, have no part in it.
 *
 * A worker whose claims were ended although it lives, for example because it was suspended, does no harm: the store
 * keeps one copy of a run. */
#ifndef CH_STORE_CLAIMS_H
#define CH_STORE_CLAIMS_H

#include "sim/store/process.h"
#include "sim/store/store.h"

enum { CH_WORKER_NAME_SIZE = 17 }; /* 16 hexadecimal digits and a terminating zero */

/** Writes the first 64 bits of a run's id as its first 16 digits, by which it is claimed. Two of 10^7 runs have them in
 *  common with a chance of 3 in a million; they are not made at the same time then. */
void ch_claims_write_run(uint64_t id, char run[CH_WORKER_NAME_SIZE]);

/** Another worker, as it was seen. */
typedef struct {
    char name[CH_WORKER_NAME_SIZE];
    int64_t row; /* of table `workers`, when that was read last */
    int64_t beats;
    double since;   /* time of ch_clock_now when it was first seen with this count */
    bool is_there;  /* it was in the table */
    bool has_ended; /* its claims are to be ended */
} ch_other_worker;

/** A worker of a store that is open to be written. As with the store, two threads must not use it at once. */
typedef struct {
    ch_store *store; /* borrowed */
    char worker[CH_WORKER_NAME_SIZE];
    ch_process process;
    double patience;         /* seconds for which another worker may give no sign of life */
    ch_other_worker *others; /* [num_others]; owned */
    size_t num_others, capacity;
    sqlite3_stmt *beat, *list, *remove, *take, *find, *drop; /* owned */
} ch_claims;

/** What became of an attempt to claim a run. */
typedef enum {
    CH_CLAIM_MINE,
    CH_CLAIM_OTHERS, /* another worker has claimed it, and it is not in the store */
    CH_CLAIM_DONE,   /* it is in the store, or one that begins with the same digits */
} ch_claim;

/** Makes this process a worker of the store, and ends the claims of processes that have ended on this machine.
 *  @param patience  seconds for which another worker may give no sign of life, > 0
 *  @param self      out: leave with ch_claims_leave, also after a failure
 *  @return CH_OK; CH_ERROR_IO as ch_store_put; CH_ERROR_MEMORY */
ch_code ch_claims_join(ch_claims *self, ch_store *store, double patience, ch_error *err) CH_MUST_CHECK;

/** Ends all claims of this worker. Idempotent. A failure is not reported, since other workers end the claims of a
 *  process that has ended. */
void ch_claims_leave(ch_claims *self);

/** Gives a sign of life, and ends the claims of workers that give none.
 *  @return as ch_claims_join */
ch_code ch_claims_beat(ch_claims *self, ch_error *err) CH_MUST_CHECK;

/** Begins to claim runs, in one transaction, with a sign of life. Nobody else can write until it ends.
 *  @return as ch_claims_join */
ch_code ch_claims_begin(ch_claims *self, ch_error *err) CH_MUST_CHECK;

/** Claims a run, between ch_claims_begin and ch_claims_end.
 *  @param id  first 64 bits of its id
 *  @return as ch_claims_join */
ch_code ch_claims_take(ch_claims *self, uint64_t id, ch_claim *claim, ch_error *err) CH_MUST_CHECK;

/** Deletes this worker's claim of a run that it has put into the store, between ch_claims_begin and ch_claims_end.
 *  Where it has none, nothing happens.
 *  @param id  first 64 bits of its id
 *  @return as ch_claims_join */
ch_code ch_claims_drop(ch_claims *self, uint64_t id, ch_error *err) CH_MUST_CHECK;

/** Commits what was claimed since ch_claims_begin; after a failure takes it back.
 *  @param code  CH_OK, or the failure after which nothing is to be claimed
 *  @return `code`, or why the transaction could not be committed */
ch_code ch_claims_end(ch_claims *self, ch_code code, ch_error *err) CH_MUST_CHECK;

#endif
