/* failures.h — the runs of sweeps that failed, in table `failures` of a store. Private to sim/ and to the program.
 *
 * A failure is no run, and functions that read runs do not see it. It is deleted when its run is put into the store. */
#ifndef CH_STORE_FAILURES_H
#define CH_STORE_FAILURES_H

#include "sim/store/store.h"

/** Keeps a run that failed, with its settings, in place of an earlier failure of it. A run that the store has by now is
 *  not noted.
 *  @param reason  a sentence; not kept
 *  @return as ch_store_put */
ch_code ch_store_put_failure(ch_store *self, const ch_resolved *resolved, const char *reason,
                             ch_error *err) CH_MUST_CHECK;

/** Asks whether a run is among those that failed.
 *  @param id  as ch_settings_id writes it  @return as ch_store_has */
ch_code ch_store_has_failed(ch_store *self, const char *id, bool *failed, ch_error *err) CH_MUST_CHECK;

/** Asks whether any run of the store has failed.  @return as ch_store_has */
ch_code ch_store_has_failures(ch_store *self, bool *has, ch_error *err) CH_MUST_CHECK;

#endif
