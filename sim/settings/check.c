/* check.c — which settings of one run go together. */
#include "models/models.h"
#include "sim/settings/given.h"

#include <math.h>
#include <stdio.h>

/* Checks every row by itself. Rows that are neither given nor have a default are filled in later from the others. */
static ch_code check_rows(const ch_settings *self, ch_error *err)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        const bool follows = ch_settings_table[i].default_text == NULL && !ch_settings_is_given(self, i);
        const ch_code code = follows ? CH_OK : ch_setting_check(&ch_settings_table[i], ch_settings_get(self, i), err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (!ch_settings_is_given(self, CH_SETTING_MODEL)) {
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
    if (ch_settings_is_given(self, CH_SETTING_SEED_INIT)) {
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
                            ch_settings_word(CH_SETTING_LOSS, self->loss),
                            self->train == 0 ? "train = inf" : "linear = yes");
    }
    return CH_OK;
}

/* Refuses curvature where the training loss has none, or there is no training loss. */
static ch_code check_curvature(const ch_settings *self, ch_error *err)
{
    if (!ch_settings_is_given(self, CH_SETTING_CURVATURE) || ch_setting_applies(self, CH_SETTING_CURVATURE)) {
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
        if (!ch_settings_is_given(self, i) || ch_setting_applies(self, i) || i == CH_SETTING_LINEAR) {
            continue;
        }
        char text[128];
        ch_setting_format(&ch_settings_table[i], ch_settings_get(self, i), text, sizeof text);
        const size_t why = why_not(self, i);
        return ch_error_set(err, CH_ERROR_INPUT, "%s is %s, but %s = %s%s has no %s; accepted is to leave it out",
                            ch_settings_table[i].name, text, ch_settings_table[why].name,
                            ch_settings_word(why, ch_settings_get(self, why).count),
                            why == CH_SETTING_MODEL && self->linear == CH_LINEAR_YES ? " with linear = yes" : "",
                            ch_settings_table[i].name);
    }
    return CH_OK;
}

/* Refuses a fitted teacher where there is one already, or no direction to compare with it. */
static ch_code check_teacher(const ch_settings *self, ch_error *err)
{
    if (!ch_settings_is_given(self, CH_SETTING_TEACHER)) {
        return CH_OK;
    }
    const bool is_fitted = self->teacher == CH_TEACHER_FITTED, has_pool = ch_settings_has_pool(self);
    const char *data = ch_settings_word(CH_SETTING_DATA, self->data),
               *teacher = ch_settings_word(CH_SETTING_TEACHER, self->teacher);
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
                            ch_settings_word(CH_SETTING_MODEL, self->model));
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
    const char *model = ch_settings_word(CH_SETTING_MODEL, self->model),
               *data = ch_settings_word(CH_SETTING_DATA, self->data);
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
                            ch_settings_word(CH_SETTING_DATA, self->data));
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
        return ch_settings_is_given(self, CH_SETTING_BURN_IN)
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
                            count, ch_settings_word(CH_SETTING_DYNAMICS, self->dynamics));
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
    const char *dynamics = ch_settings_word(CH_SETTING_DYNAMICS, self->dynamics);
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
                            ch_settings_word(CH_SETTING_DYNAMICS, self->dynamics));
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
                                name, value, ch_settings_word(CH_SETTING_DYNAMICS, self->dynamics));
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

ch_code ch_settings_check(const ch_settings *self, ch_error *err)
{
    static ch_code (*const checks[])(const ch_settings *self, ch_error *err) = {
        check_rows,        check_teacher, check_init,   check_fluctuations, check_curvature, check_applies, check_model,
        check_label_noise, check_law,     check_kernel, check_dynamics,     check_sampling,  check_rule};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const ch_code code = checks[i](self, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}
