/* checks.c — what every learner asks of its setup. */
#include "core/checks.h"

#include <math.h>
#include <stdint.h>

ch_code ch_check_train(size_t num_samples, size_t available, const char *whose, ch_error *err)
{
    if (num_samples < 1 || num_samples > available || num_samples > UINT32_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT, "train is %zu; it must be 1 to %zu, %s, and under 2^32", num_samples,
                            available, whose);
    }
    return CH_OK;
}

ch_code ch_check_batch(size_t batch, size_t num_samples, ch_error *err)
{
    if (batch < 1 || batch > num_samples) {
        return ch_error_set(err, CH_ERROR_INPUT, "batch is %zu; it must be 1 to train = %zu", batch, num_samples);
    }
    return CH_OK;
}

ch_code ch_check_positive(const char *name, double value, ch_error *err)
{
    if (!(value > 0) || !isfinite(value)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is %g; it must be finite and greater than 0", name, value);
    }
    return CH_OK;
}

ch_code ch_check_learner(size_t num_samples, size_t available, const char *whose, size_t batch, double kappa,
                         double rate, ch_error *err)
{
    ch_code code = ch_check_train(num_samples, available, whose, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_check_batch(batch, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_check_positive("kappa", kappa, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_check_positive("rate", rate, err);
}
