/* test_classes.c — rules that say which labels are +1 and which are -1. */
#include "data/data.h"

#include "support.h"

#include <string.h>

static ch_classes rule_of(const char *text)
{
    ch_classes rule;
    ch_error err = {0};
    if (ch_classes_parse(&rule, text, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return rule;
}

/* The labels 0 … 9, ten samples of each. */
static ch_label_counts ten(void)
{
    ch_label_counts counts = {.count = 10};
    for (size_t i = 0; i < 10; i++) {
        counts.labels[i] = (int64_t)i;
        counts.samples[i] = 10;
    }
    return counts;
}

static void test_signs(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *signs; /* of the labels 0 … 9 */
    } cases[] = {
        {"even vs odd", "+-+-+-+-+-"},   {"odd vs even", "-+-+-+-+-+"},       {"3 vs 7", "...+...-.."},
        {"0,1,2 vs rest", "+++-------"}, {"rest vs 9", "+++++++++-"},         {"2,3,4,5,6,7 vs 0,1,8,9", "--++++++--"},
        {"even vs 3,5", "+.+-+-+.+."},   {"  2 , 0,2 vs\t 9 ", "+.+......-"}, {"rest vs even", "-+-+-+-+-+"},
    };
    const ch_label_counts counts = ten();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_classes rule = rule_of(cases[i].text);
        for (int label = 0; label < 10; label++) {
            const int sign = cases[i].signs[label] == '+' ? 1 : cases[i].signs[label] == '-' ? -1 : 0;
            assert_int_equal(ch_classes_sign(&rule, &counts, label), sign);
        }
    }
    const ch_classes parity = rule_of("even vs odd"); /* of negative labels too */
    assert_int_equal(ch_classes_sign(&parity, &counts, -3), -1);
    assert_int_equal(ch_classes_sign(&parity, &counts, INT64_MIN), 1);
}

static void test_larger_and_smaller(void **state)
{
    (void)state;
    const ch_classes rule = rule_of("larger vs smaller");
    ch_label_counts counts = {.count = 2, .labels = {-1, 5}, .samples = {2, 3}};
    size_t total = 0;
    ch_error err = {0};
    assert_int_equal(ch_classes_sign(&rule, &counts, 5), 1);
    assert_int_equal(ch_classes_sign(&rule, &counts, -1), -1);
    assert_int_equal(ch_classes_check(&rule, &counts, &total, &err), CH_OK);
    assert_int_equal(total, 5);
    counts = ten();
    assert_int_equal(ch_classes_check(&rule, &counts, &total, &err), CH_ERROR_INPUT);
    assert_non_null(
        strstr(err.message, "classes is larger vs smaller, but the data have 10 different labels, 0, 1, 2, 3"));
}

/* Equal rules have equal texts. */
static void test_writing(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"even vs odd", "even vs odd"},
        {" 7,3 , 3  vs  rest", "3,7 vs rest"},
        {"-1 vs +1", "-1 vs 1"},
        {"smaller vs larger", "smaller vs larger"},
        {"0,1,2,3,4,5,6,7,8,9,10 vs 11,12,13,14,15,16,17,18,19,20,21",
         "0,1,2,3,4,5,6,7,8,9,10 vs 11,12,13,14,15,16,17,18,19,20,21"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_classes rule = rule_of(cases[i][0]);
        char text[CH_CLASSES_SIZE];
        ch_classes_write(&rule, text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "vs",
        "3",
        "3vs7",
        "3 vs",
        " vs 7",
        "3 vs 7 vs 9",
        "a vs b",
        "3,,4 vs 7",
        "3, vs 7",
        "3.5 vs 7",
        "3 7 vs 9",
        "even vs even",
        "rest vs rest",
        "3 vs 3",
        "2,3 vs 3,4",
        "even vs 2",
        "larger vs 3",
        "rest vs smaller",
        "larger vs larger",
        "9223372036854775808 vs 1",
        "Even vs odd",
        "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14 vs 15,16,17,18,19,20,21,22,23,24",
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31 vs 0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ch_classes rule;
        ch_error err = {0};
        assert_int_equal(ch_classes_parse(&rule, bad[i], &err), CH_ERROR_INPUT);
        assert_int_equal(strncmp(err.message, "classes is '", 12), 0);
        assert_non_null(strstr(err.message, "accepted is what is +1 and what is -1"));
    }
}

static void test_counts(void **state)
{
    (void)state;
    static const int64_t labels[] = {7, 3, 7, -2, 7, 3};
    ch_label_counts counts;
    ch_error err = {0};
    size_t total = 0;
    assert_int_equal(ch_label_counts_init(&counts, labels, 6, &err), CH_OK);
    assert_int_equal(counts.count, 3);
    assert_int_equal(counts.labels[0], -2);
    assert_int_equal(counts.labels[2], 7);
    assert_int_equal(counts.samples[0], 1);
    assert_int_equal(counts.samples[1], 2);
    assert_int_equal(counts.samples[2], 3);
    const ch_classes rule = rule_of("3 vs 7"), none = rule_of("3 vs 8");
    assert_int_equal(ch_classes_check(&rule, &counts, &total, &err), CH_OK);
    assert_int_equal(total, 5);
    assert_int_equal(ch_classes_check(&none, &counts, &total, &err), CH_ERROR_INPUT);
    assert_non_null(
        strstr(err.message, "classes is 3 vs 8, but no sample would be -1: the labels there are are -2, 3, 7"));
    int64_t *many = calloc(CH_MOST_LABELS + 1, sizeof *many);
    for (int64_t i = 0; i <= CH_MOST_LABELS; i++) {
        many[i] = 5 * i;
    }
    assert_int_equal(ch_label_counts_init(&counts, many, CH_MOST_LABELS, &err), CH_OK);
    assert_int_equal(ch_label_counts_init(&counts, many, CH_MOST_LABELS + 1, &err), CH_ERROR_INPUT);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs),   cmocka_unit_test(test_larger_and_smaller),
        cmocka_unit_test(test_writing), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests_name("classes", tests, NULL, NULL); /* suites: valgrind */
}
