/* resolve.c — the settings of one run: which go together, what follows from which, and the run's identity. */
#include "sim/settings/settings.h"

#include "sim/train_kernel.h"

#include <math.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_given(const ch_settings *self, size_t index)
{
    return (self->given >> index & 1) != 0;
}

/* A choice's word. */
static const char *word(size_t index, uint64_t choice)
{
    return ch_settings_table[index].choices[choice];
}

/* Every row alone. Rows that are neither given nor defaulted are filled in later, from rows that are. */
static ch_code check_rows(const ch_settings *self, ch_error *err)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        const bool follows = ch_settings_table[i].default_text == NULL && !is_given(self, i);
        const ch_code code = follows ? CH_OK : ch_setting_check(&ch_settings_table[i], ch_settings_get(self, i), err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (!is_given(self, CH_SETTING_MODEL)) {
        char accepted[160];
        ch_setting_accepted(&ch_settings_table[CH_SETTING_MODEL], accepted, sizeof accepted);
        return ch_error_set(err, CH_ERROR_INPUT, "model is not set; accepted is %s", accepted);
    }
    if (!isfinite(1 / self->alpha)) {
        return ch_error_set(err, CH_ERROR_INPUT, "alpha is %g; accepted is a number > 0 with a finite margin 1/alpha",
                            self->alpha);
    }
    return CH_OK;
}

/* Settings that have no meaning for this model or these data are not to be given. */
static ch_code check_applies(const ch_settings *self, ch_error *err)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (!is_given(self, i) || ch_setting_applies(self, i) || i == CH_SETTING_LINEAR) {
            continue;
        }
        char text[64];
        ch_setting_format(&ch_settings_table[i], ch_settings_get(self, i), text, sizeof text);
        ch_settings elsewhere = {.model = self->model, .linear = self->linear, .data = CH_DATA_DEPLETED};
        bool of_data = ch_setting_applies(&elsewhere, i);
        elsewhere.data = CH_DATA_MNIST_PARITY;
        of_data = of_data || ch_setting_applies(&elsewhere, i);
        const size_t why = of_data ? CH_SETTING_DATA : CH_SETTING_MODEL;
        return ch_error_set(
            err, CH_ERROR_INPUT, "%s is %s, but %s = %s%s has no %s; accepted is to leave it out",
            ch_settings_table[i].name, text, ch_settings_table[why].name, word(why, of_data ? self->data : self->model),
            !of_data && self->linear == CH_LINEAR_YES ? " with linear = yes" : "", ch_settings_table[i].name);
    }
    return CH_OK;
}

/* Data that the model can take. */
static ch_code check_model(const ch_settings *self, ch_error *err)
{
    const char *model = word(CH_SETTING_MODEL, self->model), *data = word(CH_SETTING_DATA, self->data);
    const bool takes_vectors = self->model == CH_MODEL_MLP || self->model == CH_MODEL_MLP_BIAS;
    if (!ch_settings_is_network(self) && !ch_setting_applies(self, CH_SETTING_CHI)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "data is %s, but model = %s learns what a plane divides; accepted is depleted, sign or "
                            "random_sign",
                            data, model);
    }
    if (ch_settings_is_network(self) && !takes_vectors && !ch_settings_has_images(self)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "data is %s, vectors of dim = %llu, but model = %s takes images; accepted is mnist_parity "
                            "or cifar_animal",
                            data, (unsigned long long)self->dim, model);
    }
    if (self->train == 0 && (ch_settings_is_network(self) || self->linear == CH_LINEAR_YES)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is inf, but model = %s%s learns from samples; accepted is an "
                            "integer",
                            model, self->linear == CH_LINEAR_YES ? " with linear = yes" : "");
    }
    return CH_OK;
}

static ch_code check_kernel(const ch_settings *self, ch_error *err)
{
    if (self->kernel <= self->train) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "kernel is %llu, more than train = %llu; accepted is an integer from 0 to train",
                        (unsigned long long)self->kernel, (unsigned long long)self->train);
}

/* What every batch fresh, or the twin, has a meaning for. */
static ch_code check_dynamics(const ch_settings *self, ch_error *err)
{
    const char *dynamics = word(CH_SETTING_DYNAMICS, self->dynamics), *loss = word(CH_SETTING_LOSS, self->loss);
    const bool on_batches = self->dynamics == CH_DYNAMICS_SGD;
    const bool on_kernel = on_batches || self->dynamics == CH_DYNAMICS_GD || self->dynamics == CH_DYNAMICS_UNFITTED;
    if (self->train == 0 && !on_batches) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "dynamics is %s, but train = inf has no full batch; accepted is sgd, or an integer for "
                            "train",
                            dynamics);
    }
    if (self->linear == CH_LINEAR_YES && !on_kernel) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "dynamics is %s, but linear = yes trains margins under the hinge; "
                            "accepted is sgd, gd or unfitted",
                            dynamics);
    }
    if ((self->linear == CH_LINEAR_YES || self->train == 0) && self->loss != CH_LOSS_HINGE) {
        return ch_error_set(err, CH_ERROR_INPUT, "loss is %s, but %s needs the hinge; accepted is hinge", loss,
                            self->train == 0 ? "train = inf" : "linear = yes");
    }
    return CH_OK;
}

/* sign and random_sign are names for chi = 0 with one teacher or the other. */
static ch_code resolve_data(ch_settings *self, ch_error *err)
{
    self->chi += 0.0; /* -0 becomes 0: one value, one identity */
    if (self->data != CH_DATA_SIGN && self->data != CH_DATA_RANDOM_SIGN) {
        return CH_OK;
    }
    const uint64_t teacher = self->data == CH_DATA_SIGN ? CH_TEACHER_AXIS : CH_TEACHER_RANDOM;
    if (is_given(self, CH_SETTING_CHI) && self->chi != 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "chi is %g, but data = %s has chi = 0; accepted is 0, or data = depleted", self->chi,
                            word(CH_SETTING_DATA, self->data));
    }
    if (is_given(self, CH_SETTING_TEACHER) && self->teacher != teacher) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is %s, but data = %s has teacher = %s; accepted is %s, or data = depleted",
                            word(CH_SETTING_TEACHER, self->teacher), word(CH_SETTING_DATA, self->data),
                            word(CH_SETTING_TEACHER, teacher), word(CH_SETTING_TEACHER, teacher));
    }
    self->chi = 0;
    self->teacher = teacher;
    return CH_OK;
}

/* Dynamics that take all samples at every step. The noise of sde is that of its batch size. */
static bool takes_all(const ch_settings *self)
{
    return self->dynamics == CH_DYNAMICS_GD || self->dynamics == CH_DYNAMICS_FLOW;
}

static ch_code resolve_batch(ch_settings *self, ch_error *err)
{
    const bool follows = takes_all(self) && !is_given(self, CH_SETTING_BATCH);
    if (self->train == 0) {
        return self->batch > 0 ? CH_OK
                               : ch_error_set(err, CH_ERROR_INPUT,
                                              "batch is full, but train is inf; accepted is an integer from 1 to %.0f",
                                              ch_settings_table[CH_SETTING_BATCH].most);
    }
    if (self->batch == 0 || follows) {
        self->batch = self->train;
    }
    if (self->batch > self->train) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "batch is %llu, more than train = %llu; accepted is an integer from 1 to train, or full",
                            (unsigned long long)self->batch, (unsigned long long)self->train);
    }
    if (takes_all(self) && self->batch != self->train) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "batch is %llu, but dynamics = %s takes all train = %llu samples; accepted is full",
                            (unsigned long long)self->batch, word(CH_SETTING_DYNAMICS, self->dynamics),
                            (unsigned long long)self->train);
    }
    return CH_OK;
}

/* T = eta / B, of networks eta / (B h): their learning rate scales with the width. */
static ch_code resolve_temperature(ch_settings *self, ch_error *err)
{
    const bool temp = is_given(self, CH_SETTING_TEMP);
    if (temp == is_given(self, CH_SETTING_RATE)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s set; give exactly one of them",
                            temp ? "temp and rate are both" : "neither temp nor rate is");
    }
    const double width = ch_settings_is_network(self) ? (double)self->width : 1;
    if (temp) {
        self->rate = self->temp * (double)self->batch * width;
    } else {
        self->temp = self->rate / ((double)self->batch * width);
    }
    const double derived = temp ? self->rate : self->temp;
    if (!(isfinite(derived) && derived > 0)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s is %g, which makes %s %g at batch = %llu; accepted are finite numbers > 0 for both",
                            temp ? "temp" : "rate", temp ? self->temp : self->rate, temp ? "rate" : "temp", derived,
                            (unsigned long long)self->batch);
    }
    return CH_OK;
}

static void resolve_seeds(ch_settings *self)
{
    uint64_t *const seeds[] = {&self->seed_data, &self->seed_init, &self->seed_batch};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        if (!is_given(self, CH_SETTING_SEED_DATA + i)) {
            *seeds[i] = self->seed;
        }
    }
}

/* With train = inf no run is ever fitted, and only the hinge pushes a sample all the way to the margin. */
static ch_code check_end(const ch_settings *self, ch_error *err)
{
    const bool may_end = self->train > 0 && self->loss == CH_LOSS_HINGE;
    if (may_end || self->max_steps > 0 || self->max_updates > 0 || self->max_seconds > 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %s, and such a run is %s fitted, but max_steps, max_updates and max_seconds are "
                        "none; accepted is a number for one of them",
                        self->train == 0 ? "train" : "loss",
                        self->train == 0 ? "inf" : word(CH_SETTING_LOSS, self->loss),
                        self->train == 0 ? "never" : "hardly ever");
}

ch_network_spec ch_settings_network(const ch_settings *self)
{
    static const ch_arch archs[] = {
        [CH_MODEL_PERCEPTRON] = CH_ARCH_LINEAR, [CH_MODEL_MLP] = CH_ARCH_MLP,
        [CH_MODEL_MLP_BIAS] = CH_ARCH_MLP_BIAS, [CH_MODEL_SIMPLE_CNN] = CH_ARCH_SIMPLE_CNN,
        [CH_MODEL_MNAS] = CH_ARCH_MNAS,         [CH_MODEL_VGG11] = CH_ARCH_VGG11,
    };
    return (ch_network_spec){
        .arch = archs[self->model],
        .width = (size_t)self->width,
        .depth = (size_t)self->depth,
        .activation = (ch_activation)self->activation,
        .input = ch_settings_input(self),
    };
}

/* ---- memory ---- */

/* Bytes of the samples; SIZE_MAX when that overflows. With train = inf those of a batch. */
static size_t samples_bytes(const ch_settings *self)
{
    const uint64_t held = self->train > 0 ? self->train : self->batch;
    const ch_shape input = ch_settings_input(self);
    const size_t dim = input.channels * input.rows * input.columns;
    const bool rows = !ch_settings_is_network(self);
    const size_t train = rows ? ch_sample_set_bytes((size_t)held, dim) : ch_examples_bytes((size_t)held, dim);
    const size_t test =
        rows ? ch_sample_set_bytes((size_t)self->test, dim) : ch_examples_bytes((size_t)self->test, dim);
    return test < SIZE_MAX - train ? train + test : SIZE_MAX;
}

/* The weights of a network, in double, rounded and at the start. */
static ch_code check_weights_memory(const ch_settings *self, double physical, ch_error *err)
{
    enum { BYTES_A_WEIGHT = 16 };
    const ch_network_spec spec = ch_settings_network(self);
    ch_architecture architecture;
    const ch_code code = ch_architecture_init(&architecture, &spec, err);
    if (code != CH_OK) {
        return code;
    }
    const double count = (double)architecture.num_weights, bytes = BYTES_A_WEIGHT * count;
    ch_architecture_free(&architecture);
    if (bytes <= physical) {
        return CH_OK;
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "width is %llu: the %.3g weights of model = %s take %.3g GB; accepted is what fits the %.3g GB of "
        "memory of this machine",
        (unsigned long long)self->width, count, word(CH_SETTING_MODEL, self->model), 1e-9 * bytes, 1e-9 * physical);
}

static ch_code check_memory(const ch_settings *self, ch_error *err)
{
    const size_t physical = ch_memory_physical();
    const ch_shape input = ch_settings_input(self);
    const ch_code code = ch_settings_has_engine(self) ? CH_OK : check_weights_memory(self, (double)physical, err);
    if (code != CH_OK) {
        return code;
    }
    if (samples_bytes(self) <= physical) {
        return self->linear == CH_LINEAR_YES
                   ? ch_train_kernel_check_memory(self, self->train, physical, CH_ERROR_INPUT, err)
                   : CH_OK;
    }
    const uint64_t held = self->train > 0 ? self->train : self->batch;
    const double dim = (double)(input.channels * input.rows * input.columns);
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %llu and test is %llu: samples of dim = %.0f take %.3g GB; accepted is what fits the "
                        "%.3g GB of memory of this machine",
                        self->train > 0 ? "train" : "batch", (unsigned long long)held, (unsigned long long)self->test,
                        dim, 4e-9 * ((double)held + (double)self->test) * dim, 1e-9 * (double)physical);
}

/* ---- engine and data ---- */

bool ch_settings_has_engine(const ch_settings *self)
{
    return !ch_settings_is_network(self) && self->linear == CH_LINEAR_NO && self->loss == CH_LOSS_HINGE &&
           (self->dynamics == CH_DYNAMICS_SGD || self->dynamics == CH_DYNAMICS_GD);
}

ch_shape ch_settings_input(const ch_settings *self)
{
    switch (self->data) {
    case CH_DATA_MNIST_PARITY:
        return (ch_shape){1, 28, 28};
    case CH_DATA_CIFAR_ANIMAL:
        return (ch_shape){3, 32, 32};
    default:
        return (ch_shape){(size_t)self->dim, 1, 1};
    }
}

static ch_code resolve_data_dir(ch_settings *self, ch_error *err)
{
    if (!ch_settings_has_images(self) || is_given(self, CH_SETTING_DATA_DIR)) {
        return CH_OK;
    }
    self->data_dir = getenv("CHITON_DATA");
    if (self->data_dir == NULL || self->data_dir[0] == '\0') {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "data_dir is not set, nor is the environment variable CHITON_DATA, and data = %s is read "
                            "from files; accepted is the folder of the images, which chiton data fetch can fill",
                            word(CH_SETTING_DATA, self->data));
    }
    return CH_OK;
}

/* What auto stands for. Below this P a perceptron's run is over before skipping idle steps has paid for itself. Of
 * networks, fast judges coming batches together; the other dynamics look at all samples at every step anyway. */
enum { LEAST_FAST_TRAIN = 1024 };

/* Whether there is a fast engine. */
static bool has_idle_steps(const ch_settings *self)
{
    if (self->train == 0) {
        return false;
    }
    return self->linear == CH_LINEAR_YES || ch_settings_has_engine(self) ||
           (self->dynamics == CH_DYNAMICS_SGD && self->loss != CH_LOSS_MSE);
}

static ch_code resolve_engine(ch_settings *self, ch_error *err)
{
    const bool skips = has_idle_steps(self);
    if (self->engine == CH_ENGINE_FAST && self->train == 0) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "engine is fast, but train = inf has no samples to keep track of; accepted is auto or plain");
    }
    if (self->engine == CH_ENGINE_FAST && !skips) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "engine is fast, but dynamics = %s with loss = %s has no idle steps to skip; accepted is "
                            "auto or plain",
                            word(CH_SETTING_DYNAMICS, self->dynamics), word(CH_SETTING_LOSS, self->loss));
    }
    if (self->engine == CH_ENGINE_PLAIN && self->linear == CH_LINEAR_YES) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "engine is plain, but linear = yes always skips idle steps; accepted is auto or fast");
    }
    if (self->engine == CH_ENGINE_AUTO) {
        const bool pays = !ch_settings_has_engine(self) || self->train >= LEAST_FAST_TRAIN;
        self->engine = skips && pays ? CH_ENGINE_FAST : CH_ENGINE_PLAIN;
    }
    return CH_OK;
}

ch_code ch_settings_resolve_for_theory(ch_settings *self, ch_error *err)
{
    ch_settings resolved = *self;
    static ch_code (*const checks[])(const ch_settings *self, ch_error *err) = {check_rows, check_applies, check_model,
                                                                                check_kernel, check_dynamics};
    static ch_code (*const steps[])(ch_settings * self, ch_error * err) = {
        resolve_data, resolve_data_dir, resolve_batch, resolve_temperature, resolve_engine};
    ch_code code = CH_OK;
    for (size_t i = 0; i < sizeof checks / sizeof *checks && code == CH_OK; i++) {
        code = checks[i](&resolved, err);
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps && code == CH_OK; i++) {
        code = steps[i](&resolved, err);
    }
    if (code == CH_OK) {
        resolve_seeds(&resolved);
        *self = resolved;
    }
    return code;
}

ch_code ch_settings_resolve(ch_settings *self, ch_error *err)
{
    ch_settings resolved = *self;
    ch_code code = ch_settings_resolve_for_theory(&resolved, err);
    if (code == CH_OK) {
        code = check_end(&resolved, err);
    }
    if (code == CH_OK) {
        code = check_memory(&resolved, err);
    }
    if (code == CH_OK) {
        *self = resolved;
    }
    return code;
}

void ch_settings_id(const ch_settings *self, char id[CH_ID_SIZE])
{
    struct sha256_ctx hash;
    char line[160];
    sha256_init(&hash);
    int length = snprintf(line, sizeof line, "results_version=%d\n", CH_RESULTS_VERSION);
    sha256_update(&hash, (size_t)length, (const uint8_t *)line);
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        char value[32];
        if (!ch_setting_applies(self, i)) {
            continue;
        }
        ch_setting_format(&ch_settings_table[i], ch_settings_get(self, i), value, sizeof value);
        length = snprintf(line, sizeof line, "%s=%s\n", ch_settings_table[i].name, value);
        sha256_update(&hash, (size_t)length, (const uint8_t *)line);
    }
    if (ch_settings_has_images(self)) {
        length = snprintf(line, sizeof line, "data_digest=%s\n", self->data_digest);
        sha256_update(&hash, (size_t)length, (const uint8_t *)line);
    }
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&hash, sizeof digest, digest);
    for (size_t i = 0; i < CH_ID_SIZE / 2; i++) {
        snprintf(id + 2 * i, 3, "%02x", digest[i]);
    }
}
