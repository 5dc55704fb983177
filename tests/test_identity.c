/* test_identity.c — the identity of a run: which settings have a part in it. */
#include "tests/settings_support.h"

static void test_identity_is_of_the_resolved_values(void **state)
{
    (void)state;
    char a[CH_ID_SIZE], b[CH_ID_SIZE];
    ch_resolved resolved = resolved_of("model=perceptron temp=0.5 batch=2");
    ch_settings_id(&resolved, a);
    assert_int_equal(strlen(a), CH_ID_SIZE - 1);
    assert_int_equal(strspn(a, "0123456789abcdef"), CH_ID_SIZE - 1);
    resolved = resolved_of("model=perceptron rate=1 chi=0 seed_data=0 engine=fast");
    ch_settings_id(&resolved, b);
    assert_string_equal(a, b);
}

/* -0 and 0 are one value of chi, under every law with a chi. A program may set either. */
static void test_zero_has_one_identity(void **state)
{
    (void)state;
    static const char *const laws[] = {"depleted", "sign", "random_sign"};
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        char pairs[96], plus[CH_ID_SIZE], minus[CH_ID_SIZE];
        snprintf(pairs, sizeof pairs, "model=perceptron temp=0.5 data=%s chi=0", laws[i]);
        ch_settings settings = settings_of(pairs);
        ch_resolved resolved = resolved_of(pairs);
        ch_settings_id(&resolved, plus);
        ch_settings_set(&settings, CH_SETTING_CHI, (ch_value){.real = -0.0});
        assert_true(signbit(settings.chi));
        assert_int_equal(ch_settings_resolve(&settings, &resolved, NULL), CH_OK);
        ch_settings_id(&resolved, minus);
        assert_string_equal(plus, minus);
        assert_false(signbit(resolved.settings.chi));
    }
}

/* The digest is that of `printf 'results_version=2\nmodel=perceptron\n…' | sha256sum | cut -c -32`. It changes only
 * when CH_RESULTS_VERSION or the table does, and then runs in older stores are not found any more. */
static void test_identity_is_the_documented_hash(void **state)
{
    (void)state;
    char id[CH_ID_SIZE];
    const ch_resolved resolved = resolved_of("model=perceptron temp=0.1");
    ch_settings_id(&resolved, id);
    assert_string_equal(id, "fcef4d42340f07a0b788292a549027c5");
}

/* Runs whose number of unfitted samples in a large batch is drawn have a results version of their own. The identities
 * of all others are those that they had before there was one: they were written down from the program of that time. */
static void test_what_has_changed_has_another_results_version(void **state)
{
    (void)state;
    static const struct {
        const char *pairs;
        int version;
        const char *id;
    } cases[] = {
        {"batch=255", 2, "217c98a2953da6ff7d4f5ef47d0a95e9"},
        {"batch=256", 3, NULL},
        {"batch=full", 3, NULL},
        {"batch=256 engine=plain", 2, "75b0f3e6d36d15b9d08ee78df69ce1c5"},
        {"batch=256 sampling=epoch", 2, "e259f0fcb5d8b97c52a262aaf8fed049"},
        {"batch=256 momentum=0.5", 2, NULL},
        {"batch=256 train=inf max_steps=9", 2, NULL},
        {"batch=256 linear=yes", 3, NULL},
        {"batch=255 linear=yes", 2, NULL},
        {"batch=1024 linear=yes", 2, NULL},
        {"model=mlp curvature=3", 3, NULL},
        {"model=mlp", 2, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char pairs[128], id[CH_ID_SIZE];
        const char *train = strstr(cases[i].pairs, "train=") != NULL ? "" : " train=1024";
        const char *model = strstr(cases[i].pairs, "model=") != NULL ? "" : "model=perceptron ";
        snprintf(pairs, sizeof pairs, "%sdim=8 temp=0.1 %s%s", model, cases[i].pairs, train);
        const ch_resolved resolved = resolved_of(pairs);
        assert_int_equal(ch_results_version(&resolved.settings), cases[i].version);
        ch_settings_id(&resolved, id);
        if (cases[i].id != NULL) {
            assert_string_equal(id, cases[i].id);
        }
    }
}

/* A setting that older runs did not have is no part of the identity at its default, in whatever way that is said. */
static void test_implied_settings_have_no_part_in_the_identity(void **state)
{
    (void)state;
    static const char *const same[] = {"sampling=independent", "momentum=0", "weight_decay=-0"};
    static const char *const other[] = {"sampling=epoch", "momentum=0.5", "weight_decay=1e-9"};
    char before[CH_ID_SIZE], id[CH_ID_SIZE], pairs[96];
    ch_resolved resolved = resolved_of("model=perceptron temp=0.1 engine=plain");
    ch_settings_id(&resolved, before);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        snprintf(pairs, sizeof pairs, "model=perceptron temp=0.1 engine=plain %s", same[i]);
        resolved = resolved_of(pairs);
        ch_settings_id(&resolved, id);
        assert_string_equal(id, before);
        snprintf(pairs, sizeof pairs, "model=perceptron temp=0.1 engine=plain %s", other[i]);
        resolved = resolved_of(pairs);
        ch_settings_id(&resolved, id);
        assert_string_not_equal(id, before);
    }
}

static void test_every_setting_changes_the_identity(void **state)
{
    (void)state;
    char before[CH_ID_SIZE], after[CH_ID_SIZE];
    const ch_resolved perceptron = resolved_of("model=perceptron temp=0.5"), mlp = resolved_of("model=mlp temp=0.5");
    const ch_resolved file = resolved_of("model=mlp temp=0.5 data_file=x");
    const ch_resolved sampled = resolved_of("model=mlp temp=0.5 max_steps=1000 fluctuations=16");
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const ch_resolved resolved = ch_setting_applies(&perceptron.settings, i) ? perceptron
                                     : ch_setting_applies(&mlp.settings, i)      ? mlp
                                     : ch_setting_applies(&file.settings, i)     ? file
                                                                                 : sampled;
        ch_resolved changed = resolved;
        ch_settings_id(&resolved, before);
        const ch_setting *row = &ch_settings_table[i];
        ch_value value = {.count = 100 + i};
        if (row->type == CH_TYPE_REAL) {
            value.real = 0.123;
        } else if (row->type == CH_TYPE_CHOICE) {
            value.count = ch_settings_get(&resolved.settings, i).count + 1;
            value.count = row->choice(value.count) != NULL ? value.count : 0;
        } else if (row->type == CH_TYPE_RULE) {
            value.text = "3 vs 7";
        } else if (row->type == CH_TYPE_CONTENT) {
            value.text = "w0.npy";
        }
        ch_settings_set(&changed.settings, i, value);
        ch_settings_id(&changed, after);
        assert_string_not_equal(before, after);
    }
}

/* A run that starts from a file is known by the digest of the file, and by nothing that would have drawn its weights.
 */
static void test_initial_weights_are_known_by_their_digest(void **state)
{
    (void)state;
    char drawn[CH_ID_SIZE], one[CH_ID_SIZE], other[CH_ID_SIZE], shown[CH_SETTING_TEXT_SIZE];
    ch_resolved resolved = resolved_of("model=mlp temp=0.1 init=none seed=0");
    ch_settings_id(&resolved, drawn);
    resolved = resolved_of("model=mlp temp=0.1");
    ch_settings_id(&resolved, one);
    assert_string_equal(one, drawn);
    resolved = resolved_of("model=mlp temp=0.1 init=w0.npy seed=0");
    assert_false(ch_setting_applies(&resolved.settings, CH_SETTING_SEED_INIT));
    memset(resolved.settings.init_digest, 'a', CH_SHA256_SIZE - 1);
    ch_settings_id(&resolved, one);
    assert_string_not_equal(one, drawn);
    resolved.settings.init = "elsewhere/w0.npy"; /* where the file lies is no part of it */
    resolved.settings.seed_init = 5;
    ch_settings_id(&resolved, other);
    assert_string_equal(one, other);
    resolved.settings.init_digest[63] = 'b';
    ch_settings_id(&resolved, other);
    assert_string_not_equal(one, other);
    const ch_setting *row = &ch_settings_table[CH_SETTING_INIT];
    ch_setting_show(row, ch_settings_get(&resolved.settings, CH_SETTING_INIT), shown, sizeof shown);
    assert_string_equal(shown, "aaaaaaaa");
    ch_setting_format(row, ch_settings_get(&resolved.settings, CH_SETTING_INIT), shown, sizeof shown);
    assert_string_equal(shown, resolved.settings.init_digest);
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_is_of_the_resolved_values),
        cmocka_unit_test(test_zero_has_one_identity),
        cmocka_unit_test(test_identity_is_the_documented_hash),
        cmocka_unit_test(test_what_has_changed_has_another_results_version),
        cmocka_unit_test(test_implied_settings_have_no_part_in_the_identity),
        cmocka_unit_test(test_every_setting_changes_the_identity),
        cmocka_unit_test(test_initial_weights_are_known_by_their_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
