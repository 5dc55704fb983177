/* waiting_support.h — compares waiting laws number by number, because their structs have padding, whose bits mean
 * nothing. */
#ifndef CH_WAITING_SUPPORT_H
#define CH_WAITING_SUPPORT_H

#include "core/waiting.h"
#include "tests/support.h"

static inline void assert_same_law(const ch_waiting *one, const ch_waiting *other)
{
    assert_int_equal(one->num_samples, other->num_samples);
    assert_int_equal(one->batch, other->batch);
    assert_int_equal(one->marked, other->marked);
    assert_true(one->none == other->none && one->some == other->some && one->one == other->one);
    assert_true(one->per_log_none == other->per_log_none && one->is_summed == other->is_summed);
    assert_true(one->usual == other->usual && one->at_usual == other->at_usual);
}

#endif
