/* admit.c — whether a run may begin. */
#include "sim/admit.h"

#include "core/memory.h"
#include "models/models.h"
#include "sim/reach.h"
#include "sim/train_kernel.h"

/* Refuses a run that cannot end. With train = inf a run is never fitted, and under some losses the last samples do not
 * reach the margin. */
static ch_code check_end(const ch_settings *settings, ch_error *err)
{
    const ch_loss *loss = ch_loss_of((ch_loss_kind)settings->loss);
    const bool may_end = settings->train > 0 && loss->reaches_margin;
    if (may_end || settings->max_steps > 0 || settings->max_updates > 0 || settings->max_seconds > 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %s, and such a run is %s fitted, but max_steps, max_updates and max_seconds are "
                        "none; accepted is a number for one of them",
                        settings->train == 0 ? "train" : "loss", settings->train == 0 ? "inf" : loss->name,
                        settings->train == 0 ? "never" : "hardly ever");
}

/* Refuses a network whose weights do not fit the memory. */
static ch_code check_weights(const ch_settings *settings, double physical, ch_error *err)
{
    const ch_network_spec spec = ch_settings_network(settings);
    ch_architecture architecture;
    const ch_code code = ch_architecture_init(&architecture, &spec, err);
    if (code != CH_OK) {
        return code;
    }
    const double count = (double)architecture.num_weights, bytes = ch_architecture_weights_bytes(&architecture);
    ch_architecture_free(&architecture);
    if (bytes <= physical) {
        return CH_OK;
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "width is %llu: the %.3g weights of model = %s take %.3g GB; accepted is what fits the %.3g GB of "
        "memory of this machine",
        (unsigned long long)settings->width, count, ch_arch_name(settings->model), 1e-9 * bytes, 1e-9 * physical);
}

/* The number of training samples that are held at a time: those of a batch where every batch is fresh. */
static uint64_t num_held(const ch_settings *settings)
{
    return settings->train > 0 ? settings->train : settings->batch;
}

/* Bytes of the training samples and the test samples; SIZE_MAX when that overflows. */
static size_t samples_bytes(const ch_settings *settings)
{
    const size_t dim = ch_shape_size(ch_settings_input(settings));
    size_t (*const bytes_of)(size_t num_samples, size_t dim) =
        ch_settings_is_network(settings) ? ch_examples_bytes : ch_sample_set_bytes;
    const size_t train = bytes_of((size_t)num_held(settings), dim), test = bytes_of((size_t)settings->test, dim);
    return test < SIZE_MAX - train ? train + test : SIZE_MAX;
}

static ch_code check_samples(const ch_settings *settings, size_t physical, ch_error *err)
{
    static const double GB_A_NUMBER = 4e-9;
    const double held = (double)num_held(settings), test = (double)settings->test;
    const double dim = (double)ch_shape_size(ch_settings_input(settings));
    if (samples_bytes(settings) <= physical) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %llu and test is %llu: samples of dim = %.0f take %.3g GB; accepted is what fits the "
                        "%.3g GB of memory of this machine",
                        settings->train > 0 ? "train" : "batch", (unsigned long long)num_held(settings),
                        (unsigned long long)settings->test, dim, GB_A_NUMBER * (held + test) * dim,
                        1e-9 * (double)physical);
}

ch_code ch_admit(const ch_resolved *resolved, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    const size_t physical = ch_memory_physical();
    ch_code code = check_end(settings, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_reach_check(resolved, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_settings_has_engine(settings) ? CH_OK : check_weights(settings, (double)physical, err);
    if (code != CH_OK) {
        return code;
    }
    code = check_samples(settings, physical, err);
    if (code != CH_OK) {
        return code;
    }
    return settings->linear == CH_LINEAR_YES
               ? ch_train_kernel_check_memory(resolved, settings->train, physical, CH_ERROR_INPUT, err)
               : CH_OK;
}
