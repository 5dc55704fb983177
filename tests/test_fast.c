/* test_fast.c — the fast engine as a learner: its stages, its limits, and that it finds every unfitted sample. */
#include "perceptron/fast.c" /* their static parts are tested too */
#include "perceptron/fast_events.c"

#include "core/memory.h"
#include "tests/alloc_fail.h"
#include "tests/fast_support.h"
#include "tests/valgrind_support.h"
#include "tests/waiting_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

/* ---- it misses no unfitted sample ---- */

/* The number of updates of each kind, which shows that the tests cover it. */
typedef struct {
    size_t plain, drawing, by_radius, bounding, by_looking;
} journey;

/* Requires that in the stage of drawing every unfitted sample is a candidate, that in the stage of bounding the known
 * samples are the unfitted ones, and that an update that is known already adds unfitted samples. */
static void assert_none_escapes(const ch_fast_perceptron *model, bool *is_known)
{
    const ch_fast_state *state = model->state;
    const ch_perceptron *student = &model->student;
    const uint32_t num_samples = (uint32_t)student->setup.num_samples;
    memset(is_known, state->candidates.list == NULL && state->stage == CH_FAST_DRAWING, num_samples);
    if (state->stage == CH_FAST_DRAWING) {
        for (uint32_t k = 0; k < state->candidates.count && state->candidates.list != NULL; k++) {
            is_known[state->candidates.list[k]] = true;
        }
    }
    if (state->stage == CH_FAST_BOUNDING) {
        const uint32_t number = ch_active_set_num_unfitted(state->active);
        for (uint32_t i = 0; i < number; i++) {
            is_known[state->screen.order[ch_active_set_place(state->active, i)]] = true;
        }
    }
    for (uint32_t slot = 0; state->stage == CH_FAST_CLOSE && slot < state->close->count; slot++) {
        is_known[state->screen.order[state->close->places[slot]]] =
            ch_bits_has(state->close->unfitted[slot / CH_GRAM_BLOCK], slot % CH_GRAM_BLOCK);
    }
    for (uint32_t mu = 0; mu < num_samples; mu++) {
        const bool unfitted = ch_is_unfitted(ch_student_margin(student, mu), student->setup.kappa);
        assert_true(!unfitted || is_known[mu]);
        assert_true(unfitted || state->stage == CH_FAST_DRAWING || !is_known[mu]);
    }
    for (uint32_t i = 0; state->event.is_known && i < state->event.count; i++) {
        const uint32_t place = state->event.samples[i];
        const uint32_t sample = state->stage == CH_FAST_BOUNDING ? state->screen.order[place]
                                : state->stage == CH_FAST_CLOSE  ? state->screen.order[state->close->places[place]]
                                                                 : place;
        assert_true(ch_is_unfitted(ch_student_margin(student, sample), student->setup.kappa));
    }
}

/* Advances by one update at a time, with the check after each. */
static void step_through(ch_fast_perceptron *model, uint64_t most_updates, journey *met)
{
    ch_learner *learner = &model->student.learner;
    const ch_fast_state *state = model->state;
    bool *is_known = ch_alloc(model->student.setup.num_samples, sizeof *is_known);
    for (uint64_t i = 0; i < most_updates && learner->progress.status == CH_RUNNING; i++) {
        const uint64_t looked = state->work.looked;
        learner->advance(learner, &(ch_limit){.steps = UINT64_MAX, .updates = learner->progress.updates + 1});
        if (state->stage == CH_FAST_PLAIN) {
            met->plain++;
            continue;
        }
        assert_none_escapes(model, is_known);
        met->by_radius += state->stage == CH_FAST_DRAWING && state->candidates.radius < INFINITY;
        met->drawing += state->stage == CH_FAST_DRAWING;
        met->bounding += state->stage == CH_FAST_BOUNDING;
        met->by_looking += state->stage == CH_FAST_DRAWING && state->work.looked > looked;
    }
    free(is_known);
}

static void no_unfitted_sample_escapes(void **state)
{
    (void)state;
    journey met = {0};
    const size_t step = is_under_valgrind() ? 9 : 1;
    for (size_t i = step - 1; i < NUM_POINTS; i += step) {
        ch_sample_set set = draw(points[i].chi, points[i].dim, points[i].random_teacher, 50 + i, points[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&points[i], &set);
        ch_fast_perceptron model;
        start(&model, &setup, NULL);
        step_through(&model, 1500, &met);
        assert_true(model.state->stage == CH_FAST_BOUNDING || !points[i].bounds);

        ch_fast_perceptron_free(&model);
        ch_sample_set_free(&set);
    }
    assert_true(met.drawing > 0 && met.bounding > 0);
    if (!is_under_valgrind()) {
        assert_true(met.plain > 1000 && met.drawing > 1000 && met.by_radius > 200 && met.bounding > 1000);
        assert_true(met.by_looking > 20);
    }
}

/* The same checks where drawing or bounding begins at once or after 19 updates, whether or not that is cheaper. */
static void no_stage_is_too_early(void **state)
{
    (void)state;
    skip_under_valgrind();
    journey met = {0};
    for (size_t i = 0; i < NUM_POINTS; i += is_sanitized() ? 3 : 1) {
        ch_sample_set set = draw(points[i].chi, points[i].dim, points[i].random_teacher, 80 + i, points[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&points[i], &set);
        for (int k = 0; k < 4; k++) {
            ch_fast_perceptron model;
            start(&model, &setup, NULL);
            ch_learner *learner = &model.student.learner;
            learner->advance(learner, &(ch_limit){.steps = UINT64_MAX, .updates = (uint64_t)(k / 2 * 19)});
            if (learner->progress.status == CH_RUNNING && k % 2 == 0) {
                ch_candidates_screen(&model.state->candidates, false);
                begin_drawing(&model);
                model.state->next_look = UINT64_MAX;
            } else if (learner->progress.status == CH_RUNNING) {
                begin_bounding(&model);
            }
            step_through(&model, 120, &met);
            ch_fast_perceptron_free(&model);
        }
        ch_sample_set_free(&set);
    }
    assert_true(met.drawing > (is_sanitized() ? 300 : 2000) && met.bounding > (is_sanitized() ? 300 : 2000));
}

/* A sample whose margin equals kappa to the last bit is fitted. A sample whose margin is the next smaller double is
 * unfitted. */
static void margin_of_kappa_is_fitted(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 24, true, 41, 400);
    const ch_perceptron_setup setup = setup_of(&set, 2, 0.25);
    ch_fast_perceptron model;
    start(&model, &setup, NULL);
    model.student.learner.advance(&model.student.learner, &(ch_limit){.steps = UINT64_MAX, .updates = 50});
    for (uint32_t mu = 0; mu < 400; mu++) {
        const double margin = ch_student_margin(&model.student, mu);
        for (uint32_t is_unfitted = 0; is_unfitted < 2 && margin > 0; is_unfitted++) {
            double sum = 0;
            model.student.setup.kappa = is_unfitted ? nextafter(margin, INFINITY) : margin;
            ch_fast_round_weights(&model);
            assert_true(find_active(&model, &mu, 1, &sum) == is_unfitted);
        }
    }
    ch_fast_perceptron_free(&model);
    ch_sample_set_free(&set);
}

/* ---- drawing ---- */

/* Whenever the number of candidates has changed, batches with candidates are drawn by the law of the new number. */
static void waiting_law_is_that_of_the_candidates(void **state)
{
    (void)state;
    skip_under_valgrind();
    size_t changes = 0;
    for (size_t i = 0; i < NUM_POINTS; i++) {
        ch_sample_set set = draw(points[i].chi, points[i].dim, points[i].random_teacher, 50 + i, points[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&points[i], &set);
        ch_fast_perceptron model;
        start(&model, &setup, NULL);
        ch_learner *learner = &model.student.learner;
        uint32_t before = 0;
        while (learner->progress.status == CH_RUNNING && learner->progress.updates < 1500) {
            learner->advance(learner, &(ch_limit){.steps = UINT64_MAX, .updates = learner->progress.updates + 1});
            const uint32_t count = model.state->candidates.count;
            if (model.state->stage == CH_FAST_DRAWING && count > 0) {
                ch_waiting law;
                ch_waiting_init(&law, (uint32_t)setup.num_samples, (uint32_t)setup.batch, count);
                assert_same_law(&model.state->candidate_law, &law);
                changes += count != before;
                before = count;
            }
        }
        ch_fast_perceptron_free(&model);
        ch_sample_set_free(&set);
    }
    assert_true(changes > 50);
}

/* A known update was drawn by the law of the present number of unfitted samples. The test draws it again from the same
 * stream, also where more samples are unfitted than there are stored laws. */
static void updates_are_drawn_by_the_law_of_the_unfitted(void **state)
{
    (void)state;
    skip_under_valgrind();
    size_t many = 0, several = 0, few = 0;
    for (size_t i = 0; i < NUM_POINTS; i++) {
        ch_sample_set set = draw(points[i].chi, points[i].dim, points[i].random_teacher, 80 + i, points[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&points[i], &set);
        ch_fast_perceptron model;
        start(&model, &setup, NULL);
        ch_learner *learner = &model.student.learner;
        begin_bounding(&model);
        while (learner->progress.status == CH_RUNNING && learner->progress.updates < 60) {
            const uint32_t number = ch_active_set_num_unfitted(model.state->active);
            ch_random random = *stream(&model);
            ch_fast_find_event(&model);
            if (learner->progress.status != CH_RUNNING) {
                break;
            }
            ch_waiting law;
            ch_waiting_init(&law, (uint32_t)setup.num_samples, (uint32_t)setup.batch, number);
            assert_true(model.state->event.step == learner->progress.steps + ch_waiting_steps(&law, &random));
            assert_true(model.state->event.count == ch_waiting_number(&law, &random));
            many += number >= CH_WAITING_STORED;
            few += number < CH_WAITING_STORED;
            several += model.state->event.count > 1;
            learner->advance(learner, &(ch_limit){.steps = UINT64_MAX, .updates = learner->progress.updates + 1});
        }
        ch_fast_perceptron_free(&model);
        ch_sample_set_free(&set);
    }
    assert_true(many > 100 && few > 100 && several > 100);
}

/* `number` of `count` candidates are drawn so that each pair is equally likely to be drawn together, in both ways of
 * drawing. */
static void candidates_are_drawn_uniformly(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const uint32_t sizes[][2] = {{6, 1}, {6, 2}, {6, 5}, {20, 17}};
    enum { DRAWS = 60000, MOST = 20 };
    static const double FALSE_ALARM = 1e-6;
    ch_sample_set set = draw(0, 8, false, 42, 200);
    const ch_perceptron_setup setup = setup_of(&set, 50, 0.25);
    for (size_t s = 0; s < 4; s++) {
        const uint32_t count = sizes[s][0], number = sizes[s][1];
        double together[MOST][MOST] = {{0}}, chi2_one = 0, chi2_pair = 0;
        ch_fast_perceptron model;
        uint32_t drawn[MOST];
        start(&model, &setup, NULL);
        model.state->candidates.list = model.state->screen.order;
        model.state->candidates.count = count;
        uint32_t rank[200];
        for (uint32_t k = 0; k < 200; k++) {
            rank[model.state->screen.order[k]] = k;
        }
        for (int k = 0; k < DRAWS; k++) {
            draw_candidates(&model, drawn, number);
            for (uint32_t i = 0; i < number; i++) {
                assert_true(rank[drawn[i]] < count);
                for (uint32_t j = 0; j < number; j++) {
                    together[rank[drawn[i]]][rank[drawn[j]]]++;
                }
            }
        }
        const double one = (double)DRAWS * number / count, pair = one * (number - 1) / (count - 1);
        for (uint32_t i = 0; i < count; i++) {
            chi2_one += (together[i][i] - one) * (together[i][i] - one) / one;
            for (uint32_t j = 0; j < i && number > 1; j++) {
                chi2_pair += (together[i][j] - pair) * (together[i][j] - pair) / pair;
            }
        }
        assert_true(gsl_cdf_chisq_Q(chi2_one, count - 1) > FALSE_ALARM);
        assert_true(gsl_cdf_chisq_Q(chi2_pair, count * (count - 1) / 2 - 1) > FALSE_ALARM);
        ch_fast_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* A batch of all samples holds all candidates. */
static void full_batches_take_all_candidates(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 42, 200);
    const ch_perceptron_setup setup = setup_of(&set, 200, 0.25);
    ch_fast_perceptron model;
    uint32_t drawn[216];
    start(&model, &setup, NULL);
    draw_candidates(&model, drawn, 200);
    for (uint32_t k = 0; k < 200; k++) {
        assert_int_equal(drawn[k], k);
    }
    ch_fast_perceptron_free(&model);
    ch_sample_set_free(&set);
}

/* ---- as a learner ---- */

static void assert_same_end(const ch_fast_perceptron *a, const ch_fast_perceptron *b)
{
    const ch_progress *one = &a->student.learner.progress, *other = &b->student.learner.progress;
    assert_int_equal(one->status, CH_FITTED);
    assert_int_equal(other->status, CH_FITTED);
    assert_true(one->last_update == other->last_update && one->updates == other->updates);
    assert_int_equal(a->state->stage, b->state->stage);
    assert_memory_equal(a->student.weights, b->student.weights, a->student.stride * sizeof(double));
}

/* Stopping at any step and observing there changes nothing. The points go through every stage. */
static void limits_are_exact(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const point at[] = {
        {-0.5, 8, 128, 1, 1, 0x1p-15, false, true},    {-0.5, 8, 128, 3, 1, 0x1p-15, true, true},
        {-0.5, 8, 128, 16, 1, 0x1p-15, false, true},   {-0.5, 8, 128, 128, 1, 0x1p-15, false, true},
        {1, 16, 600, 2, 1e-3, 0x1p-5, false, false},   {1, 16, 600, 50, 1e-4, 0x1p-5, false, false},
        {1, 16, 600, 600, 1e-5, 0x1p-5, false, false},
    };
    size_t ends[CH_FAST_CLOSE + 1] = {0};
    for (size_t i = 0; i < sizeof at / sizeof *at; i += is_sanitized() ? 3 : 1) {
        ch_sample_set set = draw(at[i].chi, at[i].dim, at[i].random_teacher, 6, at[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&at[i], &set);
        ch_fast_perceptron whole, parts;
        start(&whole, &setup, NULL);
        start(&parts, &setup, NULL);
        whole.student.learner.advance(&whole.student.learner, &no_limit);
        ends[whole.state->stage]++;
        ch_learner *learner = &parts.student.learner;
        const ch_progress *progress = &learner->progress;
        ch_random random;
        ch_random_init(&random, i, CH_STREAM_BOOTSTRAP, 0);
        const uint32_t longer = is_sanitized() ? 10 : 1;
        while (progress->status == CH_RUNNING) {
            const ch_limit limit = {
                .steps = progress->steps + ch_random_below(&random, longer * 3000) / (uint32_t)at[i].batch,
                .updates = progress->updates + ch_random_below(&random, longer * 40),
            };
            ch_observation seen;
            learner->advance(learner, &limit);
            assert_true(progress->steps <= limit.steps && progress->updates <= limit.updates);
            if (progress->status == CH_RUNNING) {
                assert_true(progress->steps == limit.steps || progress->updates == limit.updates);
            }
            const bool ended = progress->status == CH_FITTED;
            assert_int_equal(learner->observe(learner, &seen, NULL), CH_OK);
            assert_true(!ended || seen.unfitted == 0);
            assert_true(parts.state->stage != CH_FAST_BOUNDING ||
                        seen.unfitted == ch_active_set_num_unfitted(parts.state->active));
            if (!ended) {
                /* The training loop does the same: an observation must not end a run. */
                learner->progress.status = CH_RUNNING;
            }
        }
        assert_same_end(&whole, &parts);
        ch_fast_perceptron_free(&whole);
        ch_fast_perceptron_free(&parts);
        ch_sample_set_free(&set);
    }
    assert_true(ends[CH_FAST_DRAWING] > 0 && ends[CH_FAST_BOUNDING] > 0);
}

/* A step that is drawn but lies beyond the limit is not taken. A step at the limit is. */
static void budgets_of_steps_are_exact(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 16, false, 3, 1024);
    const ch_perceptron_setup setup = setup_of(&set, 1, 0.25);
    ch_fast_perceptron model;
    start(&model, &setup, NULL);
    ch_learner *learner = &model.student.learner;
    size_t seen[3] = {0};
    while (seen[CH_FAST_DRAWING] < 20 || seen[CH_FAST_BOUNDING] < 20) {
        ch_limit limit = {.steps = learner->progress.steps + 1, .updates = UINT64_MAX};
        learner->advance(learner, &limit);
        assert_int_equal(learner->progress.status, CH_RUNNING);
        if (!model.state->event.is_known || model.state->event.step < learner->progress.steps + 3) {
            continue;
        }
        const uint64_t updates = learner->progress.updates, next = model.state->event.step;
        limit.steps = next - 1;
        learner->advance(learner, &limit);
        assert_true(learner->progress.steps == limit.steps && learner->progress.updates == updates);
        learner->advance(learner, &limit);
        assert_true(learner->progress.steps == limit.steps && learner->progress.updates == updates);
        limit.steps = next;
        learner->advance(learner, &limit);
        assert_true(learner->progress.steps == limit.steps && learner->progress.updates == updates + 1);
        assert_int_equal(learner->progress.last_update, limit.steps);
        seen[model.state->stage]++;
    }
    ch_fast_perceptron_free(&model);
    ch_sample_set_free(&set);
}

/* Steps beyond 2^53 are counted one by one. Steps beyond 2^63 are not taken. */
static void steps_beyond_doubles_are_counted(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 16, false, 3, 1024);
    const ch_perceptron_setup setup = setup_of(&set, 1, 0.25);
    ch_fast_perceptron near, far;
    const uint64_t shift = (UINT64_C(1) << 62) + 1;
    start(&near, &setup, NULL);
    start(&far, &setup, NULL);
    const ch_limit until = {.steps = UINT64_MAX, .updates = 1500};
    near.student.learner.advance(&near.student.learner, &until);
    far.student.learner.advance(&far.student.learner, &until);
    assert_true(near.state->stage == CH_FAST_BOUNDING && !near.state->event.is_known);
    far.student.learner.progress.steps += shift;
    near.student.learner.advance(&near.student.learner, &no_limit);
    far.student.learner.advance(&far.student.learner, &no_limit);
    assert_int_equal(near.student.learner.progress.status, CH_FITTED);
    assert_true(far.student.learner.progress.last_update == near.student.learner.progress.last_update + shift);
    ch_fast_perceptron_free(&near);
    ch_fast_perceptron_free(&far);
    ch_sample_set_free(&set);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    skip_under_valgrind();
    ch_sample_set set = draw(0, 40, false, 3, 30000);
    ch_perceptron_setup setup = setup_of(&set, 2, 0.25);
    ch_fast_perceptron one, two;
    start(&one, &setup, NULL);
    setup.threads = 2;
    start(&two, &setup, NULL);
    const ch_limit until = {.steps = UINT64_MAX, .updates = is_sanitized() ? 5000 : 30000};
    one.student.learner.advance(&one.student.learner, &until);
    two.student.learner.advance(&two.student.learner, &until);
    assert_memory_equal(&one.student.learner.progress, &two.student.learner.progress, sizeof(ch_progress));
    assert_memory_equal(one.student.weights, two.student.weights, one.student.stride * sizeof(double));
    ch_fast_perceptron_free(&one);
    ch_fast_perceptron_free(&two);
    ch_sample_set_free(&set);
}

/* Sharing a training set or its screening index changes no bit. */
static void shared_index_changes_nothing(void **state)
{
    (void)state;
    ch_sample_set large = draw(0, 10, false, 12, 5000), small = draw(0, 10, false, 12, 600);
    ch_perceptron_setup alone = setup_of(&small, 2, 0.5), shares = setup_of(&large, 2, 0.5);
    shares.num_samples = 600;
    ch_screen whole;
    assert_int_equal(ch_screen_init(&whole, &large, NULL, NULL), CH_OK);
    ch_fast_perceptron own, shared, unshared;
    start(&own, &alone, NULL);
    start(&shared, &shares, &whole);
    start(&unshared, &shares, NULL);
    own.student.learner.advance(&own.student.learner, &no_limit);
    shared.student.learner.advance(&shared.student.learner, &no_limit);
    unshared.student.learner.advance(&unshared.student.learner, &no_limit);
    assert_int_equal(own.state->stage, CH_FAST_BOUNDING);
    assert_same_end(&own, &shared);
    assert_same_end(&own, &unshared);
    ch_fast_perceptron_free(&own);
    ch_fast_perceptron_free(&shared);
    ch_fast_perceptron_free(&unshared);
    ch_screen_free(&whole);
    ch_sample_set_free(&large);
    ch_sample_set_free(&small);
}

static void divergence_is_no_fit(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 200);
    static const double temps[] = {1e308, 1e300, 1e200, 1e155};
    for (size_t i = 0; i < sizeof temps / sizeof *temps; i++) {
        const ch_perceptron_setup setup = setup_of(&set, 1, temps[i]);
        ch_fast_perceptron model;
        ch_observation seen;
        start(&model, &setup, NULL);
        model.student.learner.advance(&model.student.learner, &no_limit);
        assert_int_equal(model.student.learner.progress.status, CH_DIVERGED);
        assert_int_equal(model.student.learner.observe(&model.student.learner, &seen, NULL), CH_OK);
        assert_int_equal(model.student.learner.progress.status, CH_DIVERGED);
        ch_fast_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* A weight that is no longer finite is noticed in the stages of drawing and of bounding. */
static void divergence_is_seen_in_every_stage(void **state)
{
    (void)state;
    static const double broken[] = {INFINITY, -INFINITY, NAN};
    ch_sample_set set = draw(0, 8, false, 6, 1000);
    const ch_perceptron_setup setup = setup_of(&set, 1, 1);
    for (size_t i = 0; i < 12; i++) {
        ch_fast_perceptron model;
        start(&model, &setup, NULL);
        ch_learner *learner = &model.student.learner;
        ch_limit limit = {.steps = UINT64_MAX, .updates = 1};
        const ch_fast_stage wanted = i < 6 ? CH_FAST_DRAWING : CH_FAST_BOUNDING;
        for (; model.state->stage != wanted; limit.updates++) {
            learner->advance(learner, &limit);
        }
        model.student.weights[i % 2] = broken[i % 3]; /* components along and across the teacher */
        ch_fast_round_weights(&model);
        limit.updates += 10;
        learner->advance(learner, &limit);
        assert_int_equal(learner->progress.status, CH_DIVERGED);
        ch_fast_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* A run is fitted where the fast engine says so, also where margins are beyond the range of single precision, in either
 * direction. */
static void fitted_is_fitted_at_any_scale(void **state)
{
    (void)state;
    skip_under_valgrind();
    static const struct {
        double scale, temp, kappa;
    } cases[] = {{1e20, 1, 1e39}, {1e25, 1, 1e43},   {1e19, 1, 1e37},
                 {1e10, 1e18, 1}, {1e-22, 1, 1e-45}, {1e-30, 1, 1e-60}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_sample_set set = draw(0, 20, true, 3, 1500);
        for (size_t k = 0; k < set.num_samples * set.stride; k++) {
            set.rows[k] *= (float)cases[i].scale;
        }
        ch_perceptron_setup setup = setup_of(&set, 2, cases[i].temp);
        setup.kappa = cases[i].kappa;
        ch_fast_perceptron model;
        start(&model, &setup, NULL);
        model.student.learner.advance(&model.student.learner, &(ch_limit){.steps = UINT64_MAX, .updates = 100000});
        assert_int_equal(model.student.learner.progress.status, CH_FITTED);
        for (uint32_t mu = 0; mu < 1500; mu++) {
            assert_false(ch_is_unfitted(ch_student_margin(&model.student, mu), setup.kappa));
        }
        ch_fast_perceptron_free(&model);
        ch_sample_set_free(&set);
    }
}

/* Runs with few samples are the plain engine's, step by step. */
static void few_samples_are_left_to_the_plain_engine(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 127);
    const ch_perceptron_setup setup = setup_of(&set, 2, 1);
    ch_fast_perceptron fast;
    ch_perceptron plain;
    start(&fast, &setup, NULL);
    assert_int_equal(ch_perceptron_init(&plain, &setup, NULL), CH_OK);
    fast.student.learner.advance(&fast.student.learner, &no_limit);
    plain.learner.advance(&plain.learner, &no_limit);
    assert_memory_equal(&fast.student.learner.progress, &plain.learner.progress, sizeof(ch_progress));
    assert_memory_equal(fast.student.weights, plain.weights, plain.stride * sizeof(double));
    assert_int_equal(ch_fast_perceptron_work(&fast).drawn, 0);
    fast.student.learner.free(&fast.student.learner);
    ch_perceptron_free(&plain);
    ch_sample_set_free(&set);
}

static void refuses_setups(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 200);
    ch_perceptron_setup bad[9];
    for (size_t i = 0; i < 9; i++) {
        bad[i] = setup_of(&set, 2, 1);
    }
    bad[0].num_samples = 0;
    bad[1].num_samples = 201;
    bad[2].batch = 0;
    bad[3].batch = 201;
    bad[4].kappa = 0;
    bad[5].kappa = NAN;
    bad[6].rate = INFINITY;
    bad[7].rate = -1;
    bad[8].rate = 0x1p-301;
    for (size_t i = 0; i < 9; i++) {
        ch_fast_perceptron model;
        ch_error err = {0};
        assert_int_equal(ch_fast_perceptron_init(&model, &bad[i], NULL, &err), CH_ERROR_INPUT);
        assert_true(err.message[0] != '\0');
        ch_fast_perceptron_free(&model);
    }
    ch_sample_set_free(&set);
}

/* ---- the full batch ---- */

/* With B = P no batch is random, so that both engines must end at the same step with the same weights but for rounding.
 * At these points the engine tries in vain, while it bounds margins, to follow the samples close to kappa alone, and
 * then goes on bounding. */
static void full_batches_end_as_plain_ones(void **state)
{
    (void)state;
    skip_under_valgrind(); /* test_close goes through the same code there */
    static const point full[] = {
        {0, 32, 2048, 2048, 0x1p-14, 0x1p-15, false, true},
        {0, 64, 2049, 2049, 0x1p-14, 0x1p-15, false, true},
        {-0.5, 128, 1088, 1088, 0x1p-10, 0x1p-15, false, true},
    };
    for (size_t i = 0; i < sizeof full / sizeof *full; i++) {
        ch_sample_set set = draw(full[i].chi, full[i].dim, false, i == 1 ? 40 : 1, full[i].num_samples);
        const ch_perceptron_setup setup = setup_at(&full[i], &set);
        ch_fast_perceptron fast;
        ch_perceptron plain;
        start(&fast, &setup, NULL);
        assert_int_equal(ch_perceptron_init(&plain, &setup, NULL), CH_OK);
        fast.student.learner.advance(&fast.student.learner, &no_limit);
        plain.learner.advance(&plain.learner, &no_limit);
        assert_int_equal(fast.student.learner.progress.status, CH_FITTED);
        assert_int_equal(fast.student.learner.progress.last_update, plain.learner.progress.last_update);
        for (size_t k = 0; k < full[i].dim; k++) {
            assert_in(fast.student.weights[k] - plain.weights[k], -1e-9 * fabs(plain.weights[0]),
                      1e-9 * fabs(plain.weights[0]));
        }
        ch_fast_perceptron_free(&fast);
        ch_perceptron_free(&plain);
        ch_sample_set_free(&set);
    }
}

/* ---- memory ---- */

static long allocations_survived(const ch_sample_set *set, size_t num_samples, const ch_screen *shared)
{
    ch_fast_perceptron model;
    ch_perceptron_setup setup = setup_of(set, 2, 1);
    ch_error err;
    long failed;
    setup.num_samples = num_samples;
    assert_failures_are_told(failed, ch_fast_perceptron_init(&model, &setup, shared, &err), err,
                             ch_fast_perceptron_free(&model));
    ch_fast_perceptron_free(&model);
    return failed;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    ch_sample_set set = draw(0, 8, false, 6, 200);
    ch_screen screen;
    assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
    const long shared = allocations_survived(&set, 200, &screen);
    /* Allocations of the student, of the state, of the candidates, of the active set, and of the state's own lists. */
    assert_int_equal(shared, 5 + 1 + 4 + 15 + 4);
    assert_int_equal(allocations_survived(&set, 200, NULL), shared + 6);    /* the screening index */
    assert_int_equal(allocations_survived(&set, 150, &screen), shared + 2); /* the index of the first 150 samples */
    assert_int_equal(allocations_survived(&set, 150, NULL), shared + 6);
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
}

static void short_memory_is_said_with_what_is_accepted(void **state)
{
    (void)state;
    enum { LAST_ALLOCATION = 25 }; /* one of the lists of the state */
    ch_sample_set set = draw(0, 8, false, 6, 200);
    ch_screen screen;
    ch_fast_perceptron model;
    ch_error err = {0};
    assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
    const ch_perceptron_setup setup = setup_of(&set, 2, 1);
    alloc_fail_at(LAST_ALLOCATION);
    const ch_code code = ch_fast_perceptron_init(&model, &setup, &screen, &err);
    alloc_fail_at(-1);
    assert_int_equal(code, CH_ERROR_MEMORY);
    assert_non_null(strstr(err.message, "train is 200: there is not enough memory for the fast engine"));
    assert_non_null(strstr(err.message, " kB beside so many training samples"));
    assert_non_null(strstr(err.message, "accepted is a smaller train, or engine = plain"));
    ch_fast_perceptron_free(&model);
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_unfitted_sample_escapes),
        cmocka_unit_test(no_stage_is_too_early),
        cmocka_unit_test(margin_of_kappa_is_fitted),
        cmocka_unit_test(waiting_law_is_that_of_the_candidates),
        cmocka_unit_test(updates_are_drawn_by_the_law_of_the_unfitted),
        cmocka_unit_test(candidates_are_drawn_uniformly),
        cmocka_unit_test(full_batches_take_all_candidates),
        cmocka_unit_test(full_batches_end_as_plain_ones),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(budgets_of_steps_are_exact),
        cmocka_unit_test(steps_beyond_doubles_are_counted),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(shared_index_changes_nothing),
        cmocka_unit_test(divergence_is_no_fit),
        cmocka_unit_test(divergence_is_seen_in_every_stage),
        cmocka_unit_test(fitted_is_fitted_at_any_scale),
        cmocka_unit_test(few_samples_are_left_to_the_plain_engine),
        cmocka_unit_test(refuses_setups),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(short_memory_is_said_with_what_is_accepted),
    };
    return cmocka_run_group_tests_name("fast", tests, NULL, NULL);
}
