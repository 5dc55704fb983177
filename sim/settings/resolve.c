/* resolve.c — the settings of one run: what follows from which. */
#include "models/models.h"
#include "sim/settings/given.h"

#include <math.h>

/* Some laws are names for the depleted law with chi = 0 and one teacher or the other. */
static ch_code resolve_data(ch_settings *self, ch_error *err)
{
    const ch_law *law = ch_law_of(self->data);
    self->label_noise += 0.0;
    self->spectrum += 0.0;
    self->chi += 0.0; /* this makes 0 of -0, so that one value has one identity */
    self->momentum += 0.0;
    self->weight_decay += 0.0;
    if (self->teacher_axis == 0) {
        self->teacher_axis = self->dim;
    }
    if (!law->fixes_boundary) {
        return CH_OK;
    }
    if (ch_settings_is_given(self, CH_SETTING_CHI) && self->chi != 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "chi is %g, but data = %s has chi = 0; accepted is 0, or data = depleted", self->chi,
                            law->name);
    }
    if (ch_settings_is_given(self, CH_SETTING_TEACHER) && self->teacher != law->its_teacher) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is %s, but data = %s has teacher = %s; accepted is %s, or data = depleted",
                            ch_settings_word(CH_SETTING_TEACHER, self->teacher), law->name,
                            ch_settings_word(CH_SETTING_TEACHER, law->its_teacher),
                            ch_settings_word(CH_SETTING_TEACHER, law->its_teacher));
    }
    self->chi = 0;
    self->teacher = (uint8_t)law->its_teacher;
    return CH_OK;
}

/* A rule of labels has one spelling, so that equal rules are one. Where none is given the law has one. */
static ch_code resolve_classes(ch_settings *self, ch_error *err)
{
    const ch_law *law = ch_law_of(self->data);
    ch_classes rule;
    if (law->classes == NULL) {
        self->classes[0] = '\0';
        return CH_OK;
    }
    const ch_code code =
        ch_classes_parse(&rule, ch_settings_is_given(self, CH_SETTING_CLASSES) ? self->classes : law->classes, err);
    if (code == CH_OK) {
        ch_classes_write(&rule, self->classes);
    }
    return code;
}

static ch_code refuse_lack(const ch_settings *self, size_t index, ch_error *err)
{
    const ch_setting *row = &ch_settings_table[index];
    return ch_error_set(err, CH_ERROR_INPUT, "%s is not set, and data = %s is read from it; accepted is the name of %s",
                        row->name, ch_settings_word(CH_SETTING_DATA, self->data), row->accepts);
}

/* Own samples, and a density, lie in a file. */
static ch_code resolve_data_file(ch_settings *self, ch_error *err)
{
    const ch_law *law = ch_law_of(self->data);
    if (!law->is_file) {
        self->data_file = self->data_labels = NULL;
    } else if (self->data_file == NULL) {
        return refuse_lack(self, CH_SETTING_DATA_FILE, err);
    }
    if (!law->has_density) {
        self->density = NULL;
    } else if (self->density == NULL) {
        return refuse_lack(self, CH_SETTING_DENSITY, err);
    }
    return CH_OK;
}

/* Images lie in a folder. Data that are drawn have none. */
static ch_code resolve_data_dir(ch_settings *self, ch_error *err)
{
    if (!ch_settings_has_images(self)) {
        self->data_dir = NULL;
        return CH_OK;
    }
    if (self->data_dir == NULL || self->data_dir[0] == '\0') {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "data_dir is not set, nor is the environment variable CHITON_DATA, and data = %s is read "
                            "from files; accepted is the folder of the images, which chiton data fetch can fill",
                            ch_settings_word(CH_SETTING_DATA, self->data));
    }
    return CH_OK;
}

static ch_code resolve_batch(ch_settings *self, ch_error *err)
{
    const bool takes_all = ch_dynamics_takes_all(self->dynamics);
    if (self->train == 0) {
        return self->batch > 0 ? CH_OK
                               : ch_error_set(err, CH_ERROR_INPUT,
                                              "batch is full, but train is inf; accepted is an integer from 1 to %.0f",
                                              ch_settings_table[CH_SETTING_BATCH].most);
    }
    if (self->batch == 0 || (takes_all && !ch_settings_is_given(self, CH_SETTING_BATCH))) {
        self->batch = self->train;
    }
    if (self->batch > self->train) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "batch is %llu, more than train = %llu; accepted is an integer from 1 to train, or full",
                            (unsigned long long)self->batch, (unsigned long long)self->train);
    }
    if (takes_all && self->batch != self->train) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "batch is %llu, but dynamics = %s takes all train = %llu samples; accepted is full",
                            (unsigned long long)self->batch, ch_settings_word(CH_SETTING_DYNAMICS, self->dynamics),
                            (unsigned long long)self->train);
    }
    return CH_OK;
}

/* T = eta / B. Of networks it is eta / (B h), because their learning rate scales with the width h. */
static ch_code resolve_temperature(ch_settings *self, ch_error *err)
{
    const bool temp = ch_settings_is_given(self, CH_SETTING_TEMP);
    if (temp == ch_settings_is_given(self, CH_SETTING_RATE)) {
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
        if (!ch_settings_is_given(self, CH_SETTING_SEED_DATA + i) &&
            ch_setting_applies(self, CH_SETTING_SEED_DATA + i)) {
            *seeds[i] = self->seed;
        }
    }
}

/* With fewer training samples a perceptron's run is over before skipping its idle steps has paid for itself. */
enum { LEAST_FAST_TRAIN = 1024 };

/* Whether there are idle steps to skip, so that there is a fast engine. Of networks, it looks at batches that come
 * together; the dynamics other than sgd look at all samples at every step anyway. */
static bool has_idle_steps(const ch_settings *self)
{
    if (self->train == 0 || self->momentum > 0 || self->weight_decay > 0) {
        return false;
    }
    return self->linear == CH_LINEAR_YES || ch_settings_has_engine(self) ||
           (self->dynamics == CH_DYNAMICS_SGD && ch_loss_of((ch_loss_kind)self->loss)->has_idle_steps);
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
                            ch_settings_word(CH_SETTING_DYNAMICS, self->dynamics),
                            ch_settings_word(CH_SETTING_LOSS, self->loss));
    }
    if (self->engine == CH_ENGINE_PLAIN && self->linear == CH_LINEAR_YES && skips) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "engine is plain, but linear = yes always skips idle steps; accepted is auto or fast");
    }
    if (self->engine == CH_ENGINE_AUTO) {
        const bool pays = !ch_settings_has_engine(self) || self->train >= LEAST_FAST_TRAIN;
        self->engine = skips && pays ? CH_ENGINE_FAST : CH_ENGINE_PLAIN;
    }
    return CH_OK;
}

/* A file of samples or of a density that is given says that the data are those, unless `data` is given too. */
static uint8_t implied_data(const ch_settings *self)
{
    if (ch_settings_is_given(self, CH_SETTING_DATA)) {
        return self->data;
    }
    return ch_settings_is_given(self, CH_SETTING_DATA_FILE) ? (uint8_t)CH_LAW_FILE
           : ch_settings_is_given(self, CH_SETTING_DENSITY) ? (uint8_t)CH_LAW_DENSITY
                                                            : self->data;
}

ch_code ch_settings_resolve(const ch_settings *self, ch_resolved *resolved, ch_error *err)
{
    static ch_code (*const steps[])(ch_settings * self, ch_error * err) = {
        resolve_data,  resolve_classes,     resolve_data_dir, resolve_data_file,
        resolve_batch, resolve_temperature, resolve_engine};
    ch_settings completed = *self;
    completed.data = implied_data(self);
    ch_code code = ch_settings_check(&completed, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        code = steps[i](&completed, err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (completed.fluctuations > 0 && completed.burn_in == 0) {
        completed.burn_in = completed.max_steps / 2;
    }
    resolve_seeds(&completed);
    resolved->settings = completed;
    return CH_OK;
}
