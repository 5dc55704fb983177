/* test_max_margin.c — the direction of the largest margin, and the teacher of samples from files that is made of it. */
#include "chiton.h"
#include "core/memory.h"
#include "data/max_margin.h"
#include "data/rows.h"
#include "data/sample_set_private.h"
#include "sim/fitted_teacher.h"
#include "sim/train_private.h"

#include "tests/alloc_fail.h"
#include "tests/settings_support.h"
#include "tests/store_support.h"

/* ---- the direction ---- */

static ch_sample_set set_of(size_t count, size_t dim)
{
    ch_sample_set set;
    assert_int_equal(ch_sample_set_allocate(&set, count, dim, NULL), CH_OK);
    memset(set.rows, 0, count * set.stride * sizeof *set.rows);
    return set;
}

static float *row_of(ch_sample_set *set, size_t mu)
{
    return set->rows + mu * set->stride;
}

static ch_max_margin find(const ch_sample_set *set, double *direction)
{
    ch_max_margin found;
    ch_error err = {0};
    if (ch_max_margin_find(&found, set, direction, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return found;
}

enum { PAIRS = 9, OTHERS = 400, PLANTED_DIM = 24 };

/* Samples whose direction of largest margin is e, by the conditions of Karush, Kuhn and Tucker: the pairs margin e + u
 * and margin e - c u, with u across e, have w = e / margin as a sum with weights > 0, and the others have larger
 * margins. */
static ch_sample_set plant(double margin, double *e)
{
    ch_sample_set set = set_of(2 * PAIRS + OTHERS, PLANTED_DIM);
    ch_random random;
    ch_random_init(&random, 5, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < PLANTED_DIM; i++) {
        e[i] = 1 / sqrt(PLANTED_DIM) * (i % 3 == 0 ? -1 : 1);
    }
    for (size_t mu = 0; mu < set.num_samples; mu++) {
        double u[PLANTED_DIM], along = 0;
        const bool is_second = mu < 2 * PAIRS && mu % 2 == 1;
        for (size_t i = 0; i < PLANTED_DIM; i++) {
            u[i] = gsl_rng_uniform(&gsl) - 0.5;
            along += u[i] * e[i];
        }
        const double far = mu < 2 * PAIRS ? 1 : 1.2 + gsl_rng_uniform(&gsl);
        for (size_t i = 0; i < PLANTED_DIM; i++) {
            const float *first = row_of(&set, mu - is_second);
            const double across = is_second ? -1.7 * ((double)first[i] - margin * e[i]) : u[i] - along * e[i];
            row_of(&set, mu)[i] = (float)(far * margin * e[i] + across);
        }
    }
    return set;
}

static void test_planted(void **state)
{
    (void)state;
    static const double margins[] = {0.3, 0.01};
    for (size_t k = 0; k < 2; k++) {
        double e[PLANTED_DIM], direction[32] = {0}, cosine = 0;
        ch_sample_set set = plant(margins[k], e);
        const ch_max_margin found = find(&set, direction);
        for (size_t i = 0; i < PLANTED_DIM; i++) {
            cosine += e[i] * direction[i];
        }
        assert_true(found.is_separable && found.error == 0);
        assert_in(1 - cosine, -1e-12, 1.1e-6);
        assert_close(found.margin, margins[k], 1e-4);
        assert_close(ch_norm2(direction, set.stride), 1, 1e-12);
        for (size_t i = PLANTED_DIM; i < set.stride; i++) {
            assert_true(direction[i] == 0);
        }
        ch_sample_set_free(&set);
    }
}

/* tests/max_margin_reference.py made the numbers, from the same samples by another algorithm. */
static void test_reference(void **state)
{
    (void)state;
    enum { P = 30, D = 5 };
    static const double hard[D] = {0.420263402, 0.595020786, 0.185864343, 0.374519727, 0.542695455};
    static const double soft[D] = {0.468138760, 0.686965407, 0.436910522, 0.331902907, 0.088737174};
    static const size_t wrong[] = {3, 11, 17, 23};
    ch_sample_set set = set_of(P, D);
    double direction[16] = {0};
    for (size_t mu = 0; mu < P; mu++) {
        double x[D], sum = 0;
        for (size_t i = 0; i < D; i++) {
            x[i] = sin(1 + 7.3 * (double)mu + 3.1 * (double)(i * (i + 1))) + 0.1 * cos(2.9 * (double)(mu * (i + 1)));
            sum += x[i];
        }
        for (size_t i = 0; i < D; i++) {
            row_of(&set, mu)[i] = (float)(sum > 0 ? x[i] : -x[i]);
        }
    }
    ch_max_margin found = find(&set, direction);
    assert_true(found.is_separable && found.error == 0);
    assert_close(found.margin, 0.127604201, 2e-6);
    for (size_t i = 0; i < D; i++) {
        assert_in(direction[i] - hard[i], -2e-3, 2e-3);
    }
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < D; i++) {
            row_of(&set, wrong[k])[i] *= -1;
        }
    }
    found = find(&set, direction);
    assert_true(!found.is_separable && found.margin < 0);
    assert_close(found.error, 0.166666667, 1e-8);
    for (size_t i = 0; i < D; i++) {
        assert_in(direction[i] - soft[i], -1e-2, 1e-2);
    }
    ch_sample_set_free(&set);
}

/* Samples of 0, the same sample with both labels, none with a direction, and a stop flag. */
static void test_odd_samples(void **state)
{
    (void)state;
    ch_sample_set set = set_of(4, 3);
    double direction[16] = {0};
    ch_max_margin found;
    ch_error err = {0};
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    assert_int_equal(ch_max_margin_find(&found, &set, direction, NULL, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "teacher is fitted"));
    row_of(&set, 0)[1] = 2;
    row_of(&set, 1)[1] = 1;
    row_of(&set, 2)[1] = -0.5F; /* the last is 0 */
    found = find(&set, direction);
    assert_true(!found.is_separable && found.error == 0.5);
    assert_close(direction[1], 1, 1e-12);
    row_of(&set, 2)[1] = -2;
    row_of(&set, 3)[1] = -1;
    assert_int_equal(ch_max_margin_find(&found, &set, direction, NULL, &err), CH_ERROR_INPUT);
    assert_int_equal(ch_max_margin_find(&found, &set, direction, &watch, &err), CH_ERROR_INTERRUPTED);
    ch_sample_set_free(&set);
}

/* ---- runs ---- */

static void assert_unresolved(const char *text, const char *part)
{
    ch_settings settings = settings_of(text);
    ch_resolved resolved;
    ch_error err = {0};
    settings.data_dir = "somewhere";
    assert_int_equal(ch_settings_resolve(&settings, &resolved, &err), CH_ERROR_INPUT);
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, err.message);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    assert_unresolved("model=perceptron temp=1 teacher=fitted", "data = depleted has a teacher of its own");
    assert_unresolved("model=perceptron temp=1 teacher=fitted data=random_sign", "accepted is axis or random");
    assert_unresolved("model=mlp temp=1 data=mnist teacher=fitted",
                      "accepted is to leave it out, or model = perceptron");
    assert_unresolved("model=perceptron linear=yes temp=1 data=mnist teacher=fitted",
                      "accepted is to leave it out, or linear = no");
    assert_unresolved("model=perceptron temp=1 data=mnist teacher=axis", "accepted is fitted");
    assert_unresolved("model=mlp temp=1 data=mnist teacher=random", "data = mnist has no teacher");
}

enum { COUNT = 300, DIM = 6 };

/* Writes COUNT samples that a plane divides along `e`, with a gap, half of them of the label 7 and half of 3. */
static void write_samples(double *e)
{
    FILE *file = fopen(path_of("t.csv"), "w");
    fprintf(file, "a,b,c,d,e,f,kind\n");
    ch_random random;
    ch_random_init(&random, 9, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng gsl = ch_random_gsl(&random);
    for (size_t i = 0; i < DIM; i++) {
        e[i] = (i % 2 == 0 ? 1 : -1) / sqrt(DIM);
    }
    for (size_t mu = 0; mu < COUNT; mu++) {
        double x[DIM], along = 0;
        for (size_t i = 0; i < DIM; i++) {
            x[i] = 2 * gsl_rng_uniform(&gsl) - 1;
            along += x[i] * e[i];
        }
        const double gap = along > 0 ? 0.3 : -0.3;
        for (size_t i = 0; i < DIM; i++) {
            fprintf(file, "%.9g,", x[i] + gap * e[i]);
        }
        fprintf(file, "%d\n", along > 0 ? 7 : 3);
    }
    fclose(file);
}

/* The settings of a run on them. */
static ch_resolved run_of(const char *text)
{
    static char name[128];
    ch_settings settings = settings_of(text);
    snprintf(name, sizeof name, "%s", path_of("t.csv"));
    settings.data = CH_LAW_FILE;
    ch_settings_set(&settings, CH_SETTING_DATA_FILE, (ch_value){.text = name});
    ch_settings_set(&settings, CH_SETTING_DATA_LABELS, (ch_value){.text = "kind"});
    ch_settings_set(&settings, CH_SETTING_CLASSES, (ch_value){.text = "7 vs 3"});
    ch_settings_set(&settings, CH_SETTING_NORMALISE, (ch_value){.count = CH_NORMALISE_NONE});
    ch_settings_set(&settings, CH_SETTING_TEACHER, (ch_value){.count = CH_TEACHER_FITTED});
    ch_settings_set(&settings, CH_SETTING_DATA, (ch_value){.count = CH_LAW_FILE});
    return resolve_settings(&settings);
}

/* Signal and noise of every engine are the parts of Dw along and across the direction of all samples. That direction
 * is within 0.05 of the one by which the samples were made, and the same for other seeds, P and engines. */
static void test_signal_and_noise(void **state)
{
    (void)state;
    static const char *const runs[] = {
        "model=perceptron temp=1 train=200 test=50 engine=plain record=2",
        "model=perceptron temp=1 train=200 engine=fast",
        "model=perceptron temp=0.01 train=100 seed=3 loss=quadhinge alpha=1 max_steps=2000",
        "model=perceptron temp=1 train=150 momentum=0.5 seed=4",
    };
    double e[DIM], direction[DIM] = {0};
    write_samples(e);
    for (size_t k = 0; k < 4; k++) {
        ch_resolved resolved = run_of(runs[k]);
        ch_sources sources = {.kernel_folder = NULL};
        ch_train_set set;
        ch_run_weights weights = {0};
        ch_run run;
        ch_error err = {0};
        double signal = 0, noise2 = 0, planted = 0;
        assert_int_equal(ch_sources_find(&sources, &resolved, &err), CH_OK);
        assert_int_equal(ch_train_set_init(&set, &resolved, &sources, 50, 1, NULL, &err), CH_OK);
        for (size_t i = 0; i < DIM; i++) {
            assert_true(k == 0 || set.teacher[i] == direction[i]);
            direction[i] = set.teacher[i];
            planted += e[i] * direction[i];
        }
        assert_in(planted, 0.998, 1);
        if (ch_train_weights(&run, &weights, &resolved, 1, NULL, &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
        for (size_t i = 0; i < DIM; i++) {
            signal += weights.end[i] * direction[i];
        }
        for (size_t i = 0; i < DIM; i++) {
            noise2 += pow(weights.end[i] - signal * direction[i], 2);
        }
        if (!ch_settings_has_engine(&resolved.settings)) { /* the weights are w, not Dw */
            signal = run.final.signal;
            noise2 = pow(run.final.weight_change, 2) - signal * signal;
        }
        if ((run.status != CH_FITTED && run.settings.max_steps == 0) || !(run.final.signal > 0) ||
            run.final.teacher_error != 0) {
            fail_msg("run %zu: %s, s = %g, error of the teacher %g", k, ch_status_name(run.status), run.final.signal,
                     run.final.teacher_error);
        }
        assert_close(run.final.signal, signal, 1e-9);
        assert_close(run.final.noise, sqrt(noise2), 1e-6);
        free(weights.end);
        ch_run_free(&run);
        ch_train_set_free(&set);
        ch_sources_free(&sources);
    }
}

/* Sets of other seeds and sizes share the teacher: one is fitted and told of. Another rule of labels has another. */
static void count_teachers(void *context, const char *sentence)
{
    *(size_t *)context += strstr(sentence, "teacher: ") != NULL;
}

static void test_shared(void **state)
{
    (void)state;
    double e[DIM];
    size_t told = 0;
    const ch_watch watch = {.say = count_teachers, .context = &told};
    ch_sources sources = {.kernel_folder = NULL};
    ch_error err = {0};
    write_samples(e);
    for (uint64_t seed = 0; seed < 3; seed++) {
        ch_resolved resolved = run_of("model=perceptron temp=1 train=60 test=30");
        ch_train_set set;
        resolved.settings.seed_data = seed;
        assert_int_equal(ch_sources_find(&sources, &resolved, &err), CH_OK);
        if (seed == 2) {
            snprintf(resolved.settings.classes, sizeof resolved.settings.classes, "3 vs 7");
        }
        assert_int_equal(ch_train_set_init(&set, &resolved, &sources, 60, 1, &watch, &err), CH_OK);
        assert_int_equal(told, seed == 2 ? 2 : 1);
        assert_memory_equal(set.samples.teacher, set.teacher, DIM * sizeof(double));
        ch_train_set_free(&set);
    }
    assert_non_null(sources.teachers->next);
    assert_null(sources.teachers->next->next);
    ch_sources_free(&sources);
    assert_null(sources.teachers);
}

/* A run without a teacher has the id that it had before there was one, and is as it was; one with has another id. */
static void test_identity(void **state)
{
    (void)state;
    double e[DIM];
    char with[CH_ID_SIZE], without[CH_ID_SIZE];
    write_samples(e);
    ch_sources sources = {.kernel_folder = NULL};
    ch_error err = {0};
    ch_resolved resolved = run_of("model=perceptron temp=1 train=200");
    assert_int_equal(ch_sources_find(&sources, &resolved, &err), CH_OK);
    ch_settings_id(&resolved, with);
    assert_true(ch_setting_applies(&resolved.settings, CH_SETTING_TEACHER));
    resolved.settings.teacher = CH_TEACHER_AXIS;
    ch_settings_id(&resolved, without);
    assert_string_not_equal(with, without);
    assert_false(ch_setting_applies(&resolved.settings, CH_SETTING_TEACHER));
    ch_sources_free(&sources);
}

/* Memory that is short at any place leaves nothing behind. */
static void test_failing_allocations(void **state)
{
    (void)state;
    double e[DIM];
    write_samples(e);
    ch_resolved resolved = run_of("model=perceptron temp=1 train=60 test=30");
    ch_sources sources = {.kernel_folder = NULL};
    ch_train_set set;
    ch_error err = {0};
    long failed = 0;
    assert_int_equal(ch_sources_find(&sources, &resolved, &err), CH_OK);
    assert_failures_are_told(failed, ch_train_set_init(&set, &resolved, &sources, 60, 1, NULL, &err), err, {
        ch_train_set_free(&set);
        ch_fitted_teachers_free(&sources.teachers);
    });
    assert_true(failed > 8);
    ch_train_set_free(&set);
    ch_sources_free(&sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_odd_samples),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test_setup_teardown(test_signal_and_noise, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_shared, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_identity, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_failing_allocations, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
