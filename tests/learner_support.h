/* learner_support.h — examples, networks and setups shared by the tests of the learner of networks. */
#ifndef CH_LEARNER_SUPPORT_H
#define CH_LEARNER_SUPPORT_H

#include "models/models.h"
#include "tests/support.h"

static const ch_limit no_limit = {.steps = UINT64_MAX, .updates = UINT64_MAX};

static inline ch_examples draw_examples(size_t dim, size_t num_samples, uint64_t seed)
{
    const ch_data_law law = {.chi = 0, .dim = dim, .seed = seed};
    ch_examples examples;
    assert_int_equal(ch_examples_init_law(&examples, &law, CH_STREAM_TRAIN_SAMPLES, num_samples, 1, NULL, NULL), CH_OK);
    return examples;
}

static inline ch_architecture make_network(ch_arch arch, size_t width, size_t depth, ch_shape input)
{
    const ch_network_spec spec = {.arch = arch, .width = width, .depth = depth, .input = input};
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    return architecture;
}

static inline ch_network_learner_setup setup_of(const ch_architecture *architecture, const ch_examples *train)
{
    return (ch_network_learner_setup){
        .architecture = architecture,
        .train = train,
        .num_samples = train->num_samples,
        .kappa = 0.01,
        .rate = 0.1,
        .batch = 2,
        .seed_init = 3,
        .seed_batch = 4,
        .chi = NAN,
    };
}

static inline ch_network_learner start(const ch_network_learner_setup *setup)
{
    ch_network_learner model;
    ch_error err = {0};
    if (ch_network_learner_init(&model, setup, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return model;
}

/* Runs to the limit. A learner may return earlier, so it is called again. */
static inline void advance_to(ch_learner *learner, uint64_t steps, uint64_t updates)
{
    const ch_limit limit = {.steps = steps, .updates = updates};
    const ch_progress *progress = &learner->progress;
    while (progress->status == CH_RUNNING && progress->steps < steps && progress->updates < updates) {
        learner->advance(learner, &limit);
    }
}

static inline ch_observation observe(ch_learner *learner)
{
    ch_observation seen;
    assert_int_equal(learner->observe(learner, &seen, NULL), CH_OK);
    return seen;
}

#endif
