/* resolve.c — the settings of one run: which go together, and what follows from which. */
#include "models/models.h"
#include "sim/settings/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_given(const ch_settings *self, size_t index)
{
    return (self->given >> index & 1) != 0;
}

/* The name of a choice's value. */
static const char *word(size_t index, uint64_t choice)
{
    return ch_settings_table[index].choice(choice);
}

/* ---- checks ---- */

/* Checks every row by itself. Rows that are neither given nor have a default are filled in later from the others. */
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

/* Whether a row has a meaning for this model with some data. */
static bool applies_elsewhere(const ch_settings *self, size_t index)
{
    ch_settings elsewhere = {.model = self->model, .linear = self->linear};
    for (elsewhere.data = 0; elsewhere.data < CH_NUM_LAWS; elsewhere.data++) {
        if (ch_setting_applies(&elsewhere, index)) {
            return true;
        }
    }
    return false;
}

/* The setting whose value leaves row `index` without a meaning. */
static size_t why_not(const ch_settings *self, size_t index)
{
    const ch_law *law = ch_law_of(self->data);
    if (index == CH_SETTING_TEACHER_AXIS && law->has_teacher && !law->fixes_boundary) {
        return CH_SETTING_TEACHER;
    }
    return applies_elsewhere(self, index) ? CH_SETTING_DATA : CH_SETTING_MODEL;
}

/* Refuses initial weights where the model has none, and a seed that nothing is drawn from. */
static ch_code check_init(const ch_settings *self, ch_error *err)
{
    if (!ch_settings_has_init(self)) {
        return CH_OK;
    }
    if (!ch_settings_is_network(self)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "init is given, but the output of model = perceptron depends on the change of its weights "
                            "alone; accepted is to leave it out, or a network");
    }
    if (is_given(self, CH_SETTING_SEED_INIT)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "seed_init is %llu, but init gives the initial weights, so that none are drawn; accepted "
                            "is one of them",
                            (unsigned long long)self->seed_init);
    }
    return CH_OK;
}

/* Refuses losses that train = inf, where every batch is fresh, or the twin cannot have. */
static ch_code check_loss(const ch_settings *self, ch_error *err)
{
    const bool needs_hinge = self->linear == CH_LINEAR_YES || self->train == 0;
    if (needs_hinge && !ch_loss_of((ch_loss_kind)self->loss)->has_unit_slope) {
        return ch_error_set(err, CH_ERROR_INPUT, "loss is %s, but %s needs the hinge; accepted is hinge",
                            word(CH_SETTING_LOSS, self->loss), self->train == 0 ? "train = inf" : "linear = yes");
    }
    return CH_OK;
}

/* Refuses curvature where the training loss has none, or there is no training loss. */
static ch_code check_curvature(const ch_settings *self, ch_error *err)
{
    if (!is_given(self, CH_SETTING_CURVATURE) || ch_setting_applies(self, CH_SETTING_CURVATURE)) {
        return CH_OK;
    }
    if (self->linear == CH_LINEAR_YES && self->loss != CH_LOSS_HINGE) {
        return check_loss(self, err);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "curvature is %llu, but %s; accepted is to leave it out",
                        (unsigned long long)self->curvature,
                        self->linear == CH_LINEAR_YES
                            ? "linear = yes trains a model that is linear in its weights under the hinge, a loss "
                              "without second derivatives"
                        : self->train == 0 ? "train = inf has no training loss whose Hessian it could be"
                                           : "the hinge of model = perceptron, which is linear in its weights, has no "
                                             "second derivatives");
}

/* Refuses a given setting that has no meaning for this model and these data. */
static ch_code check_applies(const ch_settings *self, ch_error *err)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (!is_given(self, i) || ch_setting_applies(self, i) || i == CH_SETTING_LINEAR) {
            continue;
        }
        char text[128];
        ch_setting_format(&ch_settings_table[i], ch_settings_get(self, i), text, sizeof text);
        const size_t why = why_not(self, i);
        return ch_error_set(err, CH_ERROR_INPUT, "%s is %s, but %s = %s%s has no %s; accepted is to leave it out",
                            ch_settings_table[i].name, text, ch_settings_table[why].name,
                            word(why, ch_settings_get(self, why).count),
                            why == CH_SETTING_MODEL && self->linear == CH_LINEAR_YES ? " with linear = yes" : "",
                            ch_settings_table[i].name);
    }
    return CH_OK;
}

/* Refuses a fitted teacher where there is one already, or no direction to compare with it. */
static ch_code check_teacher(const ch_settings *self, ch_error *err)
{
    if (!is_given(self, CH_SETTING_TEACHER)) {
        return CH_OK;
    }
    const bool is_fitted = self->teacher == CH_TEACHER_FITTED, has_pool = ch_settings_has_pool(self);
    const char *data = word(CH_SETTING_DATA, self->data), *teacher = word(CH_SETTING_TEACHER, self->teacher);
    if (is_fitted && ch_law_of(self->data)->has_teacher) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is fitted, but data = %s has a teacher of its own; accepted is axis or random, or "
                            "samples from files",
                            data);
    }
    if (is_fitted && has_pool && ch_settings_is_network(self)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is fitted, but model = %s has no weights that are one direction; accepted is to "
                            "leave it out, or model = perceptron",
                            word(CH_SETTING_MODEL, self->model));
    }
    if (is_fitted && has_pool && self->linear == CH_LINEAR_YES) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is fitted, but linear = yes trains coefficients of samples and has no weights of "
                            "its own; accepted is to leave it out, or linear = no");
    }
    if (!is_fitted && has_pool && !ch_settings_is_network(self)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is %s, but the labels of data = %s are in its files; accepted is fitted, or to "
                            "leave it out",
                            teacher, data);
    }
    return CH_OK;
}

static bool is_of_a_plane(const ch_law *law)
{
    return law->draw_sample != NULL;
}

static bool is_of_images(const ch_law *law)
{
    return law->images != NULL || law->is_file;
}

/* Whether a linear student learns the data: a plane divides them, or they are real samples. */
static bool is_for_students(const ch_law *law)
{
    return is_of_a_plane(law) || is_of_images(law);
}

/* Names of laws for a message: "depleted, sign or random_sign". */
typedef struct {
    char text[200];
} law_list;

static law_list list_laws(bool (*is_meant)(const ch_law *law))
{
    law_list list = {.text = ""};
    size_t count = 0, listed = 0, used = 0;
    for (uint64_t kind = 0; kind < CH_NUM_LAWS; kind++) {
        count += is_meant(ch_law_of(kind));
    }
    for (uint64_t kind = 0; kind < CH_NUM_LAWS && used < sizeof list.text; kind++) {
        if (is_meant(ch_law_of(kind))) {
            const char *between = listed == 0 ? "" : listed + 1 < count ? ", " : " or ";
            used += (size_t)snprintf(list.text + used, sizeof list.text - used, "%s%s", between, ch_law_name(kind));
            listed++;
        }
    }
    return list;
}

/* Refuses data that the model cannot take. */
static ch_code check_model(const ch_settings *self, ch_error *err)
{
    const char *model = word(CH_SETTING_MODEL, self->model), *data = word(CH_SETTING_DATA, self->data);
    if (!ch_settings_is_network(self) && !is_for_students(ch_law_of(self->data))) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "data is %s, but model = %s learns what a plane divides, or samples from files; accepted is "
            "%s",
            data, model, list_laws(is_for_students).text);
    }
    if (!ch_arch_takes_vectors(self->model) && !ch_settings_has_pool(self)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "data is %s, vectors of dim = %llu, but model = %s takes images; accepted is %s", data,
                            (unsigned long long)self->dim, model, list_laws(is_of_images).text);
    }
    if (self->train == 0 && ch_settings_has_pool(self)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is inf, but data = %s is read from files and has so many samples; accepted is an "
                            "integer",
                            data);
    }
    if (self->train == 0 && (ch_settings_is_network(self) || self->linear == CH_LINEAR_YES)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is inf, but model = %s%s learns from samples; accepted is an "
                            "integer",
                            model, self->linear == CH_LINEAR_YES ? " with linear = yes" : "");
    }
    return CH_OK;
}

static ch_code check_label_noise(const ch_settings *self, ch_error *err)
{
    if (self->label_noise == 0 || self->train > 0) {
        return CH_OK;
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "label_noise is %g, but train = inf has no training set whose labels could be wrong; accepted is "
        "0, or an integer for train",
        self->label_noise);
}

/* Refuses data with which train = inf, where averages over fresh samples have to be known, cannot do; and a teacher on
 * an axis that there is not. */
static ch_code check_law(const ch_settings *self, ch_error *err)
{
    if (self->train == 0 && ch_law_of(self->data)->has_density) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "train is inf, but data = %s has no density exponent chi, by which averages over fresh "
                            "samples are known; accepted is an integer",
                            word(CH_SETTING_DATA, self->data));
    }
    if (self->train == 0 && self->spectrum > 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "spectrum is %g, but averages over the fresh samples of train = inf are known for equal "
                            "variances only; accepted is 0, or an integer for train",
                            self->spectrum);
    }
    if (self->train == 0 && self->teacher_axis != 1) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher_axis is given, but train = inf draws samples with the teacher on axis 1; accepted "
                            "is to leave it out, or an integer for train");
    }
    if (self->teacher_axis > self->dim && ch_setting_applies(self, CH_SETTING_TEACHER_AXIS)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher_axis is %llu, more than dim = %llu; accepted is an integer from 1 to dim, or last",
                            (unsigned long long)self->teacher_axis, (unsigned long long)self->dim);
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

/* Refuses snapshots of weights that there are not, that nobody can place, or of which there are too few. */
static ch_code check_fluctuations(const ch_settings *self, ch_error *err)
{
    const unsigned long long count = self->fluctuations, burn_in = self->burn_in, steps = self->max_steps;
    if (count == 0) {
        return is_given(self, CH_SETTING_BURN_IN)
                   ? ch_error_set(err, CH_ERROR_INPUT,
                                  "burn_in is given, but fluctuations = 0 takes no snapshots of the weights; accepted "
                                  "is to leave it out, or fluctuations from %d on",
                                  CH_LEAST_SNAPSHOTS)
                   : CH_OK;
    }
    if (self->linear == CH_LINEAR_YES) {
        return CH_OK; /* it is refused as a setting without a meaning */
    }
    if (count < CH_LEAST_SNAPSHOTS) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "fluctuations is %llu, too few snapshots for a covariance; accepted is 0, or an integer "
                            "from %d to %d",
                            count, CH_LEAST_SNAPSHOTS, CH_MOST_SNAPSHOTS);
    }
    if (self->train == 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "fluctuations is %llu, but train = inf has no training samples over which the loss would "
                            "be a mean; accepted is 0, or an integer for train",
                            count);
    }
    if (self->dynamics == CH_DYNAMICS_FLOW) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "fluctuations is %llu, but dynamics = flow has no noise; accepted is 0, or another dynamics", count);
    }
    if (ch_dynamics_takes_all(self->dynamics)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "fluctuations is %llu, but dynamics = %s takes all training samples at every step, so that "
                            "the weights have no noise; accepted is 0, or another dynamics",
                            count, word(CH_SETTING_DYNAMICS, self->dynamics));
    }
    if (self->batch == 0 || self->batch == self->train) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "fluctuations is %llu, but with batch = full no step draws samples at random, so that the "
                            "weights have no noise; accepted is 0, or a batch under train = %llu",
                            count, (unsigned long long)self->train);
    }
    if (steps == 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "fluctuations is %llu, but max_steps is none, so that nothing says at which steps the "
                            "snapshots are taken; accepted is a number for max_steps",
                            count);
    }
    const unsigned long long before = burn_in > 0 ? burn_in : steps / 2;
    if (before >= steps || steps - before < count) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "fluctuations is %llu, but only %llu of max_steps = %llu steps are left after burn_in = "
                            "%llu; accepted is at least one step for a snapshot",
                            count, before < steps ? steps - before : 0, steps, before);
    }
    return CH_OK;
}

/* Refuses dynamics, and losses, that train = inf, where every batch is fresh, or the twin cannot have. */
static ch_code check_dynamics(const ch_settings *self, ch_error *err)
{
    const char *dynamics = word(CH_SETTING_DYNAMICS, self->dynamics);
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
    return check_loss(self, err);
}

/* Refuses epochs where batches are not drawn from the training samples, or a step takes them all. */
static ch_code check_sampling(const ch_settings *self, ch_error *err)
{
    if (self->sampling == CH_SAMPLING_INDEPENDENT) {
        return CH_OK;
    }
    if (self->train == 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "sampling is epoch, but train = inf has no epochs: every sample is drawn once only; "
                            "accepted is independent, or an integer for train");
    }
    if (self->dynamics != CH_DYNAMICS_SGD) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "sampling is epoch, but dynamics = %s does not take batch after batch of the training "
                            "samples; accepted is independent, or dynamics = sgd",
                            word(CH_SETTING_DYNAMICS, self->dynamics));
    }
    return CH_OK;
}

/* Refuses momentum and weight decay where a step is not w <- w - eta v with a gradient of its own: where every batch is
 * fresh, and under the flow, which has no steps. */
static ch_code check_rule(const ch_settings *self, ch_error *err)
{
    static const size_t rules[] = {CH_SETTING_MOMENTUM, CH_SETTING_WEIGHT_DECAY};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *name = ch_settings_table[rules[i]].name;
        const double value = ch_settings_get(self, rules[i]).real;
        if (value == 0) {
            continue;
        }
        if (self->train == 0) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "%s is %g, but train = inf has the plain update alone; accepted is 0, or an integer "
                                "for train",
                                name, value);
        }
        if (self->dynamics != CH_DYNAMICS_SGD && self->dynamics != CH_DYNAMICS_GD) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "%s is %g, but is not defined for dynamics = %s; accepted is 0, or "
                                "dynamics = sgd or gd",
                                name, value, word(CH_SETTING_DYNAMICS, self->dynamics));
        }
        if (self->engine == CH_ENGINE_FAST) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "engine is fast, but with %s = %g every step moves the weights, so that none can be "
                                "skipped; accepted is auto or plain",
                                name, value);
        }
    }
    return CH_OK;
}

/* ---- what follows from other settings ---- */

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
    if (is_given(self, CH_SETTING_CHI) && self->chi != 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "chi is %g, but data = %s has chi = 0; accepted is 0, or data = depleted", self->chi,
                            law->name);
    }
    if (is_given(self, CH_SETTING_TEACHER) && self->teacher != law->its_teacher) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is %s, but data = %s has teacher = %s; accepted is %s, or data = depleted",
                            word(CH_SETTING_TEACHER, self->teacher), law->name,
                            word(CH_SETTING_TEACHER, law->its_teacher), word(CH_SETTING_TEACHER, law->its_teacher));
    }
    self->chi = 0;
    self->teacher = law->its_teacher;
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
        ch_classes_parse(&rule, is_given(self, CH_SETTING_CLASSES) ? self->classes : law->classes, err);
    if (code == CH_OK) {
        ch_classes_write(&rule, self->classes);
    }
    return code;
}

static ch_code refuse_lack(const ch_settings *self, size_t index, ch_error *err)
{
    const ch_setting *row = &ch_settings_table[index];
    return ch_error_set(err, CH_ERROR_INPUT, "%s is not set, and data = %s is read from it; accepted is the name of %s",
                        row->name, word(CH_SETTING_DATA, self->data), row->accepts);
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
                            word(CH_SETTING_DATA, self->data));
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
    if (self->batch == 0 || (takes_all && !is_given(self, CH_SETTING_BATCH))) {
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
                            (unsigned long long)self->batch, word(CH_SETTING_DYNAMICS, self->dynamics),
                            (unsigned long long)self->train);
    }
    return CH_OK;
}

/* T = eta / B. Of networks it is eta / (B h), because their learning rate scales with the width h. */
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
        if (!is_given(self, CH_SETTING_SEED_DATA + i) && ch_setting_applies(self, CH_SETTING_SEED_DATA + i)) {
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
                            word(CH_SETTING_DYNAMICS, self->dynamics), word(CH_SETTING_LOSS, self->loss));
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
static uint64_t implied_data(const ch_settings *self)
{
    if (is_given(self, CH_SETTING_DATA)) {
        return self->data;
    }
    return is_given(self, CH_SETTING_DATA_FILE) ? (uint64_t)CH_LAW_FILE
           : is_given(self, CH_SETTING_DENSITY) ? (uint64_t)CH_LAW_DENSITY
                                                : self->data;
}

ch_code ch_settings_resolve(const ch_settings *self, ch_resolved *resolved, ch_error *err)
{
    static ch_code (*const checks[])(const ch_settings *self, ch_error *err) = {
        check_rows,        check_teacher, check_init,   check_fluctuations, check_curvature, check_applies, check_model,
        check_label_noise, check_law,     check_kernel, check_dynamics,     check_sampling,  check_rule};
    static ch_code (*const steps[])(ch_settings * self, ch_error * err) = {
        resolve_data,  resolve_classes,     resolve_data_dir, resolve_data_file,
        resolve_batch, resolve_temperature, resolve_engine};
    ch_settings completed = *self;
    completed.data = implied_data(self);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const ch_code code = checks[i](&completed, err);
        if (code != CH_OK) {
            return code;
        }
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const ch_code code = steps[i](&completed, err);
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
