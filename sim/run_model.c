/* run_model.c — what a run trains: from its settings to a learner. */
#include "sim/run_model.h"

#include "core/memory.h"
#include "sim/weights_file.h"

#include <math.h>
#include <stdlib.h>

void ch_run_borrowed_free(ch_run_borrowed *self)
{
    ch_sample_set_free(&self->test);
    ch_architecture_free(&self->architecture);
    free(self->teacher);
    free(self->deviations);
    free(self->start);
}

static ch_code online_init(ch_online_student *self, const ch_settings *settings, const ch_run_borrowed *own,
                           ch_error *err)
{
    const ch_online_student_setup setup = {
        .chi = settings->chi,
        .dim = (size_t)settings->dim,
        .test = settings->test > 0 ? &own->test : NULL,
        .kappa = own->unit / settings->alpha,
        .rate = own->unit * settings->rate,
        .batch = (size_t)settings->batch,
        .seed_data = settings->seed_data,
        .seed_init = settings->seed_init,
        .watch = &own->watch,
    };
    return ch_online_student_init(self, &setup, err);
}

/* The test samples of a perceptron, which no other run shares where they are drawn. */
ch_code ch_run_borrowed_make_test(ch_run_borrowed *own, const ch_resolved *resolved, const ch_train_set *set,
                                  int threads, const ch_watch *watch, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    ch_data_law law = ch_train_law(resolved, set->density);
    if (!ch_settings_has_engine(settings) || ch_settings_has_pool(settings) || settings->test == 0) {
        return CH_OK;
    }
    /* fresh batches are drawn in the teacher's frame, and so are their test samples */
    law.random_teacher = law.random_teacher && settings->train > 0;
    return ch_sample_set_init(&own->test, &law, CH_STREAM_TEST_SAMPLES, (size_t)settings->test, threads, watch, err);
}

/* Whether batches are parts of epochs. An epoch of one batch is the full batch, which is drawn without them. */
static bool is_by_epoch(const ch_settings *settings)
{
    return settings->sampling == CH_SAMPLING_EPOCH && settings->batch < settings->train;
}

/* A perceptron under one of its own engines; with train = inf every batch is fresh. */
static ch_code perceptron_init(ch_run_model *self, const ch_settings *settings, const ch_train_set *set,
                               const ch_run_borrowed *own, int threads, ch_error *err)
{
    if (settings->train == 0) {
        return online_init(&self->online, settings, own, err);
    }
    const ch_perceptron_setup setup = {
        .train = &set->samples,
        .num_samples = (size_t)settings->train,
        .test = settings->test == 0              ? NULL
                : ch_settings_has_pool(settings) ? &set->test_samples
                                                 : &own->test,
        .chi = ch_setting_applies(settings, CH_SETTING_CHI) ? settings->chi : NAN,
        .density = set->density,
        .has_teacher = set->teacher != NULL,
        .kappa = own->unit / settings->alpha,
        .rate = own->unit * settings->rate,
        .batch = (size_t)settings->batch,
        .by_epoch = is_by_epoch(settings),
        .momentum = settings->momentum,
        .weight_decay = settings->weight_decay / own->unit, /* of rate x weight_decay, which has no unit */
        .seed_init = settings->seed_init,
        .seed_batch = settings->seed_batch,
        .watch = &own->watch,
        .threads = threads,
    };
    if (settings->engine == CH_ENGINE_FAST) {
        return ch_fast_perceptron_init(&self->fast, &setup, set->screen.num_samples > 0 ? &set->screen : NULL, err);
    }
    return ch_perceptron_init(&self->plain, &setup, err);
}

/* Brings the initial weights of a file into the architecture's order.
 * @param file  NULL: there is none */
static ch_code take_init(ch_run_borrowed *own, const ch_start *file, ch_error *err)
{
    if (file == NULL) {
        return CH_OK;
    }
    const ch_code code = ch_start_check(file->count, &own->architecture, err);
    if (code != CH_OK) {
        return code;
    }
    own->start = ch_alloc_unset(own->architecture.num_weights, sizeof *own->start);
    if (own->start == NULL) {
        return ch_error_memory(err, "the initial weights");
    }
    ch_architecture_from_nchw(&own->architecture, file->numbers, own->start);
    return CH_OK;
}

/* Finds the teacher of data that have one, and the deviations of their inputs where these are not 1. */
static ch_code find_teacher(ch_run_borrowed *own, const ch_resolved *resolved, ch_error *err)
{
    const ch_data_law law = ch_train_law(resolved, NULL);
    if (!ch_law_of(resolved->settings.data)->has_teacher) {
        return CH_OK;
    }
    own->teacher = ch_alloc(law.dim, sizeof *own->teacher);
    if (own->teacher == NULL) {
        return ch_error_memory(err, "the teacher");
    }
    ch_data_law_teacher(&law, own->teacher);
    if (!ch_data_law_is_stretched(&law)) {
        return CH_OK;
    }
    own->deviations = ch_alloc(law.dim, sizeof *own->deviations);
    if (own->deviations == NULL) {
        return ch_error_memory(err, "the deviations of the inputs");
    }
    ch_data_law_deviations(&law, own->deviations);
    return CH_OK;
}

/* A network; or the linear network that a perceptron is, whose passes are in double precision. */
static ch_code network_init(ch_run_model *self, const ch_resolved *resolved, const ch_train_set *set,
                            ch_run_borrowed *own, int threads, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    const ch_network_spec spec = ch_settings_network(settings);
    ch_code code = ch_architecture_init(&own->architecture, &spec, err);
    if (code != CH_OK) {
        return code;
    }
    code = take_init(own, settings->start, err);
    if (code != CH_OK) {
        return code;
    }
    code = find_teacher(own, resolved, err);
    if (code != CH_OK) {
        return code;
    }
    const bool has_chi = ch_setting_applies(settings, CH_SETTING_CHI);
    const ch_network_learner_setup setup = {
        .architecture = &own->architecture,
        .train = &set->train,
        .num_samples = (size_t)settings->train,
        .test = settings->test > 0 ? &set->test : NULL,
        .loss = (ch_loss_kind)settings->loss,
        .dynamics = (ch_dynamics)settings->dynamics,
        .kappa = 1 / settings->alpha,
        .rate = settings->rate,
        .batch = (size_t)settings->batch,
        .by_epoch = is_by_epoch(settings),
        .momentum = settings->momentum,
        .weight_decay = settings->weight_decay,
        .start = own->start,
        .seed_init = settings->seed_init,
        .seed_batch = settings->seed_batch,
        .fast = settings->engine == CH_ENGINE_FAST,
        .wide = !ch_settings_is_network(settings),
        .teacher = set->teacher != NULL ? set->teacher : own->teacher,
        .chi = has_chi ? settings->chi : NAN,
        .density = set->density,
        .deviations = own->deviations,
        .kernel_samples = (size_t)settings->kernel,
        .curvature = settings->curvature > 0,
        .threads = threads,
        .watch = &own->watch,
    };
    return ch_network_learner_init(&self->network, &setup, err);
}

static ch_code twin_init(ch_run_model *self, const ch_settings *settings, const ch_train_set *set,
                         const ch_run_borrowed *own, ch_error *err)
{
    const ch_twin_setup setup = {
        .kernel = &set->kernel,
        .num_samples = (size_t)settings->train,
        .kappa = own->unit / settings->alpha,
        .rate = own->unit * settings->rate,
        .batch = (size_t)settings->batch,
        .from_unfitted = settings->dynamics == CH_DYNAMICS_UNFITTED,
        .momentum = settings->momentum,
        .weight_decay = settings->weight_decay / own->unit, /* of rate x weight_decay, which has no unit */
        .by_epoch = is_by_epoch(settings),
        .seed_batch = settings->seed_batch,
        .norm_init = set->norm_init,
        .along = set->along,
    };
    return ch_twin_init(&self->twin, &setup, err);
}

ch_code ch_run_model_init(ch_run_model *self, const ch_resolved *resolved, const ch_train_set *set,
                          ch_run_borrowed *own, int threads, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    if (ch_settings_has_engine(settings)) {
        return perceptron_init(self, settings, set, own, threads, err);
    }
    return settings->linear == CH_LINEAR_YES ? twin_init(self, settings, set, own, err)
                                             : network_init(self, resolved, set, own, threads, err);
}
