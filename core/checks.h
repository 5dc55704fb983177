/* checks.h — the checks that every learner makes of its setup, with the same messages for all of them. */
#ifndef CH_CHECKS_H
#define CH_CHECKS_H

#include "core/error.h"

#include <stddef.h>

/** Whether 1 <= P <= available and P < 2^32, P being the setting `train`.
 *  @param available  samples that there are
 *  @param whose      what they are called in the message, e.g. "the samples there are"
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_check_train(size_t num_samples, size_t available, const char *whose, ch_error *err) CH_MUST_CHECK;

/** Whether 1 <= B <= P.  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_check_batch(size_t batch, size_t num_samples, ch_error *err) CH_MUST_CHECK;

/** Whether a setup has P, B, kappa and eta that a learner takes, as the three functions beside this one say.
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_check_learner(size_t num_samples, size_t available, const char *whose, size_t batch, double kappa,
                         double rate, ch_error *err) CH_MUST_CHECK;

/** Whether a number is finite and greater than 0.
 *  @param name  what it is called in the message
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_check_positive(const char *name, double value, ch_error *err) CH_MUST_CHECK;

#endif
