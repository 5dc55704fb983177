/* test_resolve.c — how the settings of a run are resolved: what goes together, and what follows from which. */
#include "tests/settings_support.h"

#include "sim/admit.h"

/* Refuses settings as `chiton run` does: because they do not resolve, or because the run may not begin. */
static ch_code resolve_and_admit(const ch_settings *settings, ch_resolved *resolved, ch_error *err)
{
    const ch_code code = ch_settings_resolve(settings, resolved, err);
    return code == CH_OK ? ch_admit(resolved, err) : code;
}

static void test_what_follows_is_filled_in(void **state)
{
    (void)state;
    ch_settings s = resolved("model=perceptron temp=0.5 batch=8 seed=3 seed_init=5");
    assert_true(s.rate == 4 && s.temp == 0.5);
    assert_int_equal(s.seed_data, 3);
    assert_int_equal(s.seed_init, 5);
    assert_int_equal(s.seed_batch, 3);
    assert_int_equal(s.engine, CH_ENGINE_FAST);
    s = resolved("model=perceptron rate=4 batch=full train=16");
    assert_int_equal(s.engine, CH_ENGINE_PLAIN);
    assert_int_equal(s.batch, 16);
    assert_true(s.rate == 4 && s.temp == 0.25);
    s = resolved("model=perceptron rate=4 dynamics=gd train=16");
    assert_int_equal(s.batch, 16);
    s = resolved("model=perceptron rate=4 data=random_sign");
    assert_int_equal(s.teacher, CH_TEACHER_RANDOM);
    s = resolved("model=perceptron rate=4 data=sign chi=-0");
    assert_int_equal(s.teacher, CH_TEACHER_AXIS);
    assert_true(s.chi == 0 && !signbit(s.chi));
}

/* T = eta / (B h): the learning rate of a network scales with its width. */
static void test_networks_have_their_temperature_and_engine(void **state)
{
    (void)state;
    ch_settings s = resolved("model=mlp width=64 temp=0.5 batch=4");
    assert_true(s.rate == 128);
    assert_int_equal(s.engine, CH_ENGINE_FAST);
    s = resolved("model=mlp_bias rate=8 batch=4 width=2 dynamics=sde");
    assert_true(s.temp == 1);
    assert_int_equal(s.engine, CH_ENGINE_PLAIN);
    s = resolved("model=mlp temp=1 dynamics=flow");
    assert_int_equal(s.batch, 1024);
    s = resolved("model=mlp temp=1 train=64 linear=yes");
    assert_int_equal(s.engine, CH_ENGINE_FAST);
    s = resolved("model=perceptron temp=1 dynamics=unfitted");
    assert_int_equal(s.engine, CH_ENGINE_PLAIN);
    assert_false(ch_settings_has_engine(&s));
}

/* Image data lie in data_dir. The program takes it from the environment where it is not given; resolving uses the
 * settings only. */
static void test_the_folder_of_images(void **state)
{
    (void)state;
    ch_error err = {0};
    ch_resolved resolved = {0};
    ch_settings s = settings_of("model=mlp temp=1 data=mnist_parity");
    setenv("CHITON_DATA", "elsewhere", 1);
    assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_ERROR_INPUT);
    assert_has(err.message, "data_dir is not set, nor is the environment variable CHITON_DATA");
    unsetenv("CHITON_DATA");
    s.data_dir = "there";
    assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_OK);
    assert_string_equal(resolved.settings.data_dir, "there");
    s = settings_of("model=mlp temp=1");
    s.data_dir = "there"; /* no folder is given, which is right where the data are drawn */
    assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_OK);
    assert_null(resolved.settings.data_dir);
    resolved = resolved_of("model=mlp temp=1 data=mnist_parity data_dir=here");
    assert_string_equal(resolved.settings.data_dir, "here");
    assert_int_equal(ch_settings_input(&resolved.settings).rows, 28);
    char here[CH_ID_SIZE], there[CH_ID_SIZE], other[CH_ID_SIZE];
    ch_settings_id(&resolved, here);
    resolved.settings.data_dir = "there";
    ch_settings_id(&resolved, there);
    assert_string_equal(here, there); /* the identity depends on the content of the files and not on their folder */
    snprintf(resolved.settings.data_digest, sizeof resolved.settings.data_digest, "%064d", 7);
    ch_settings_id(&resolved, other);
    assert_string_not_equal(here, other);
}

/* A file of the user's own implies that the data are it; a rule of labels has one spelling. */
static void test_own_files(void **state)
{
    (void)state;
    ch_resolved resolved = resolved_of("model=mlp temp=1 data_file=x.npy");
    assert_int_equal(resolved.settings.data, CH_LAW_FILE);
    assert_string_equal(resolved.settings.classes, "larger vs smaller");
    assert_int_equal(resolved.settings.normalise, CH_NORMALISE_POOL);
    ch_settings s = settings_of("model=perceptron temp=1 data=mnist data_dir=x");
    ch_settings_set(&s, CH_SETTING_CLASSES, (ch_value){.text = " 7,3 vs  rest"});
    assert_int_equal(ch_settings_resolve(&s, &resolved, NULL), CH_OK);
    assert_string_equal(resolved.settings.classes, "3,7 vs rest");
    static const struct {
        const char *pairs, *message;
    } bad[] = {
        {"model=mlp temp=1 data=file",
         "data_file is not set, and data = file is read from it; accepted is the name of"},
        {"model=mlp temp=1 data=mnist data_dir=x data_file=y", "data_file is y, but data = mnist has no data_file"},
        {"model=mlp temp=1 data_labels=y", "data_labels is y, but data = depleted has no data_labels"},
        {"model=mlp temp=1 normalise=none", "normalise is none, but data = depleted has no normalise"},
        {"model=perceptron temp=1 train=inf max_steps=9 data_file=x",
         "train is inf, but data = file is read from files"},
        {"model=perceptron temp=1 data=mnist data_dir=x chi=1", "chi is 1, but data = mnist has no chi"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_error err = {0};
        s = settings_of(bad[i].pairs);
        assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_ERROR_INPUT);
        assert_has(err.message, bad[i].message);
    }
    s = settings_of("model=mlp temp=1 data=mnist_parity data_dir=x");
    ch_settings_set(&s, CH_SETTING_CLASSES, (ch_value){.text = "3 vs 7"});
    ch_error err = {0};
    assert_int_equal(ch_settings_resolve(&s, &resolved, &err), CH_ERROR_INPUT);
    assert_has(err.message, "classes is 3 vs 7, but data = mnist_parity has no classes");
}

static void test_resolving_twice_is_resolving_once(void **state)
{
    (void)state;
    static const char *const cases[] = {"model=perceptron temp=0.3 batch=3",
                                        "model=perceptron rate=0.3 batch=full",
                                        "model=perceptron rate=2 dynamics=gd",
                                        "model=perceptron rate=2 data=random_sign",
                                        "model=mlp temp=1 data_file=x",
                                        "model=perceptron temp=1 seed=9 seed_batch=0 max_steps=none engine=plain"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_resolved once = resolved_of(cases[i]);
        ch_resolved twice = {0};
        assert_int_equal(ch_settings_resolve(&once.settings, &twice, NULL), CH_OK);
        assert_memory_equal(&once, &twice, sizeof once);
    }
}

/* Settings that do not go together, and how the message begins that says so, or a part of it. */
static const struct {
    const char *pairs, *message;
} refused[] = {
    {"temp=1", "model is not set; accepted is perceptron"},
    {"model=perceptron", "neither temp nor rate is set; give exactly one of them"},
    {"model=perceptron temp=1 rate=2", "temp and rate are both set; give exactly one of them"},
    {"model=perceptron temp=1 batch=8 train=4", "batch is 8, more than train = 4; accepted is"},
    {"model=perceptron temp=1 train=1", "batch is 2, more than train = 1; accepted is"},
    {"model=perceptron temp=1e308", "temp is 1e+308, which makes rate inf at batch = 2; accepted"},
    {"model=perceptron rate=5e-324", "rate is 4.94066e-324, which makes temp 0 at batch = 2; accepted"},
    {"model=perceptron temp=1 alpha=1e-310", "alpha is 1e-310; accepted is a number > 0 with a finite"},
    {"model=perceptron temp=1 data=sign chi=1", "chi is 1, but data = sign has chi = 0; accepted is 0"},
    {"model=perceptron temp=1 data=random_sign chi=3", "chi is 3, but data = random_sign has chi = 0"},
    {"model=perceptron temp=1 data=sign teacher=random",
     "teacher is random, but data = sign has teacher = axis; accepted is axis"},
    {"model=perceptron temp=1 data=random_sign teacher=axis",
     "teacher is axis, but data = random_sign has teacher = random; accepted is random"},
    {"model=perceptron temp=1 dynamics=gd batch=2", "batch is 2, but dynamics = gd takes all train = 1024 samples"},
    {"model=perceptron temp=1 train=4294967295 dim=2147483648", "takes over 10^19 bytes of memory"},
    {"model=perceptron temp=1 test=4294967295 dim=2147483648", "test = 4294967295 takes"},
    {"model=perceptron temp=1 train=4294967295 dim=1e5", "accepted is train up to"},
    {"model=perceptron temp=1 train=inf", "train is inf, and such a run is never fitted, but max_steps, max_updates "
                                          "and max_seconds are none; accepted is a number for one of them"},
    {"model=perceptron temp=1 train=inf max_steps=5 batch=full", "batch is full, but train is inf; accepted is"},
    {"model=perceptron temp=1 train=inf max_steps=5 dynamics=gd", "dynamics is gd, but train = inf has no full"},
    {"model=perceptron temp=1 train=inf max_steps=5 engine=fast", "engine is fast, but train = inf has no samples"},
    {"model=perceptron temp=1 train=inf max_steps=5 batch=4294967295 dim=1e5", "accepted is batch up to"},
    {"model=perceptron temp=1 width=64", "width is 64, but model = perceptron has no width; accepted is to leave it"},
    {"model=perceptron temp=1 kernel=64", "kernel is 64, but model = perceptron has no kernel"},
    {"model=simple_cnn temp=1 data=mnist_parity depth=2", "depth is 2, but model = simple_cnn has no depth"},
    {"model=mlp temp=1 data=cifar_animal chi=1", "chi is 1, but data = cifar_animal has no chi"},
    {"model=mlp temp=1 data=mnist_parity dim=10", "dim is 10, but data = mnist_parity has no dim"},
    {"model=mlp temp=1 data_dir=x", "data_dir is x, but data = depleted has no data_dir"},
    {"model=mlp temp=1 linear=yes kernel=9", "kernel is 9, but model = mlp with linear = yes has no kernel"},
    {"model=perceptron temp=1 data=stripe", "data is stripe, but model = perceptron learns what a plane divides"},
    {"model=mnas temp=1", "data is depleted, vectors of dim = 128, but model = mnas takes images; accepted is mnist"},
    {"model=mlp temp=1 train=inf max_steps=5", "train is inf, but model = mlp learns from samples"},
    {"model=mlp temp=1 linear=yes dynamics=sde", "dynamics is sde, but linear = yes trains margins under the hinge"},
    {"model=mlp temp=1 linear=yes loss=mse max_steps=5", "loss is mse, but linear = yes needs the hinge"},
    {"model=mlp temp=1 linear=yes engine=plain", "engine is plain, but linear = yes always skips idle steps"},
    {"model=mlp temp=1 dynamics=flow batch=4", "batch is 4, but dynamics = flow takes all train = 1024 samples"},
    {"model=mlp temp=1 dynamics=flow engine=fast", "engine is fast, but dynamics = flow with loss = hinge has no idle"},
    {"model=perceptron temp=1 loss=mse", "loss is mse, and such a run is hardly ever fitted, but max_steps"},
    {"model=mlp temp=1 max_steps=99 fluctuations=15", "fluctuations is 15, too few snapshots for a covariance; "
                                                      "accepted is 0, or an integer from 16 to 2048"},
    {"model=mlp temp=1 fluctuations=16", "fluctuations is 16, but max_steps is none"},
    {"model=mlp temp=1 max_steps=31 fluctuations=17", "only 16 of max_steps = 31 steps are left after burn_in = 15"},
    {"model=mlp temp=1 max_steps=99 fluctuations=16 burn_in=84", "only 15 of max_steps = 99 steps are left"},
    {"model=mlp temp=1 max_steps=99 fluctuations=16 burn_in=99", "only 0 of max_steps = 99 steps are left"},
    {"model=mlp temp=1 max_steps=99 burn_in=9", "burn_in is given, but fluctuations = 0"},
    {"model=mlp temp=1 max_steps=99 fluctuations=16 linear=yes", "mlp with linear = yes has no fluctuations"},
    {"model=perceptron temp=1 max_steps=99 fluctuations=16 train=inf", "fluctuations is 16, but train = inf"},
    {"model=mlp rate=1 max_steps=99 fluctuations=16 dynamics=flow", "dynamics = flow has no noise"},
    {"model=mlp rate=1 max_steps=99 fluctuations=16 dynamics=gd", "dynamics = gd takes all training samples"},
    {"model=mlp rate=1 max_steps=99 fluctuations=16 train=20 batch=full", "with batch = full no step draws samples"},
    {"model=mlp rate=1 max_steps=99 fluctuations=16 train=20 batch=20", "with batch = full no step draws samples"},
    {"model=mlp rate=1 max_steps=99 fluctuations=16 train=20 batch=20 dynamics=sde", "weights have no noise"},
    {"model=mlp temp=1 train=20 kernel=21", "kernel is 21, more than train = 20; accepted is an integer from 0 to"},
    {"model=perceptron temp=1 train=inf max_steps=5 sampling=epoch",
     "sampling is epoch, but train = inf has no epochs"},
    {"model=perceptron temp=1 curvature=4",
     "curvature is 4, but the hinge of model = perceptron, which is linear in its weights, has no second"},
    {"model=perceptron rate=1 max_steps=99 fluctuations=16 curvature=4",
     "curvature is 4, but the hinge of model = perceptron, which is linear in its weights, has no second"},
    {"model=perceptron rate=1 dynamics=unfitted curvature=4",
     "curvature is 4, but the hinge of model = perceptron, which is linear in its weights, has no second"},
    {"model=mlp linear=yes temp=1 loss=mse curvature=4",
     "loss is mse, but linear = yes needs the hinge; accepted is hinge"},
    {"model=mlp linear=yes temp=1 curvature=4", "curvature is 4, but linear = yes trains a model that is linear"},
    {"model=perceptron temp=1 train=inf max_steps=5 curvature=0", "curvature is 0, but train = inf has no"},
    {"model=perceptron temp=1 dynamics=gd sampling=epoch", "sampling is epoch, but dynamics = gd does not take batch"},
    {"model=mlp temp=1 dynamics=sde sampling=epoch", "sampling is epoch, but dynamics = sde does not take batch after"},
    {"model=perceptron temp=1 train=inf max_steps=5 momentum=0.5", "momentum is 0.5, but train = inf has the plain"},
    {"model=mlp temp=1 linear=yes weight_decay=0.5", "weight_decay is greater than 0, and such a run is hardly"},
    {"model=mlp temp=1 linear=yes dynamics=unfitted momentum=0.5",
     "momentum is 0.5, but is not defined for dynamics = unfitted"},
    {"model=mlp temp=1 linear=yes engine=fast momentum=0.5", "engine is fast, but with momentum = 0.5 every step"},
    {"model=perceptron temp=1 init=w.npy", "init is given, but the output of model = perceptron depends on the"},
    {"model=perceptron temp=1 linear=yes init=w.npy", "init is given, but the output of model = perceptron"},
    {"model=mlp temp=1 init=w.npy seed_init=3", "seed_init is 3, but init gives the initial weights, so that none"},
    {"model=mlp temp=1 dynamics=flow momentum=0.5", "momentum is 0.5, but is not defined for dynamics = flow"},
    {"model=mlp temp=1 engine=fast momentum=0.5", "engine is fast, but with momentum = 0.5 every step moves the"},
    {"model=mlp temp=1 linear=yes loss=logistic", "loss is logistic, but linear = yes needs the hinge"},
    {"model=perceptron temp=1 train=inf max_steps=5 loss=logistic", "loss is logistic, but train = inf needs the"},
    {"model=perceptron temp=1 weight_decay=0.1",
     "weight_decay is greater than 0, and such a run is hardly ever fitted"},
    {"model=mlp temp=1 width=1000000 depth=1000", "accepted is width up to"},
    {"model=mlp temp=1 linear=yes train=4000000", "accepted is train up to"},
};

static void test_combinations_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const ch_settings settings = settings_of(refused[i].pairs);
        ch_resolved resolved;
        ch_error err = {0};
        assert_int_equal(resolve_and_admit(&settings, &resolved, &err), CH_ERROR_INPUT);
        assert_has(err.message, refused[i].message);
    }
}

/* train = inf with each kind of budget. `theory` resolves settings without asking whether a run may begin. */
static void test_train_may_be_infinite(void **state)
{
    (void)state;
    static const char *const budgets[] = {"max_steps=5", "max_updates=5", "max_seconds=5", "max_steps=5 engine=plain"};
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        char pairs[128], text[32];
        snprintf(pairs, sizeof pairs, "model=perceptron temp=0.5 batch=5000 train=inf %s", budgets[i]);
        const ch_settings s = resolved(pairs);
        assert_true(s.train == 0 && s.batch == 5000 && s.rate == 2500);
        assert_int_equal(s.engine, CH_ENGINE_PLAIN);
        ch_setting_format(&ch_settings_table[CH_SETTING_TRAIN], (ch_value){.count = s.train}, text, sizeof text);
        assert_string_equal(text, "inf");
    }
    static const char *const unbound[] = {"model=perceptron temp=1 train=inf",
                                          "model=perceptron temp=1 train=4294967295 dim=2147483648"};
    for (size_t i = 0; i < sizeof unbound / sizeof *unbound; i++) {
        const ch_resolved resolved = resolved_of(unbound[i]);
        assert_true(resolved.settings.rate == 2);
        assert_int_equal(ch_admit(&resolved, NULL), CH_ERROR_INPUT);
    }
}

/* Settings that a program fills in are checked as those that are parsed. */
static void test_every_row_is_checked_when_resolving(void **state)
{
    (void)state;
    for (size_t i = 0; i < ch_settings_count; i++) {
        ch_settings settings = settings_of(i == CH_SETTING_RATE ? "model=perceptron" : "model=perceptron temp=1");
        ch_value bad = {.count = UINT64_MAX};
        if (ch_settings_table[i].type == CH_TYPE_REAL) {
            bad.real = NAN;
        } else if (ch_settings_table[i].type == CH_TYPE_TEXT || ch_settings_table[i].type == CH_TYPE_RULE ||
                   ch_settings_table[i].type == CH_TYPE_CONTENT) {
            bad.text = "";
        }
        ch_settings_set(&settings, i, bad);
        ch_error err = {0};
        ch_resolved resolved, before;
        char start[32];
        memset(&resolved, 0x5A, sizeof resolved);
        before = resolved;
        assert_int_equal(ch_settings_resolve(&settings, &resolved, &err), CH_ERROR_INPUT);
        assert_memory_equal(&before, &resolved, sizeof before);
        snprintf(start, sizeof start, "%s is '", ch_settings_table[i].name);
        assert_memory_equal(err.message, start, strlen(start));
        assert_has(err.message, "accepted is ");
    }
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_follows_is_filled_in),
        cmocka_unit_test(test_networks_have_their_temperature_and_engine),
        cmocka_unit_test(test_the_folder_of_images),
        cmocka_unit_test(test_own_files),
        cmocka_unit_test(test_resolving_twice_is_resolving_once),
        cmocka_unit_test(test_combinations_that_make_no_sense_are_refused),
        cmocka_unit_test(test_train_may_be_infinite),
        cmocka_unit_test(test_every_row_is_checked_when_resolving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
