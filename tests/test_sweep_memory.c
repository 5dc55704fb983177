/* test_sweep_memory.c — how many runs of a sweep are under way at once, by memory, and how many threads each one gets.
 */
#include "core/clock.h"
#include "core/memory.h"
#include "sim/train_private.h"
#include "tests/sweep_support.h"
#include "tests/train_support.h"

#include <fcntl.h>
#include <gsl/gsl_errno.h>
#include <omp.h>
#include <pthread.h>

/* ---- the account ---- */

static void test_runs_reserve_and_give_back(void **state)
{
    (void)state;
    ch_memory_account account = {.budget = 100};
    assert_true(ch_memory_account_begin_run(&account, 50, 20));
    assert_true(ch_memory_account_fits(&account, 30));
    assert_false(ch_memory_account_fits(&account, 31));
    assert_false(ch_memory_account_fits(&account, SIZE_MAX));
    assert_false(ch_memory_account_begin_run(&account, 0, 31));
    assert_int_equal(account.most, 0); /* one run alone does not count */
    assert_true(ch_memory_account_begin_run(&account, 0, 30));
    assert_int_equal(account.most, 100);
    assert_false(ch_memory_account_begin_run(&account, 0, 1));
    ch_memory_account_end_run(&account, 20);
    assert_true(ch_memory_account_begin_run(&account, 0, 20));
    ch_memory_account_end_run(&account, 20);
    ch_memory_account_end_run(&account, 30);
    ch_memory_account_end_set(&account, 50);
    assert_int_equal(account.sets + account.runs + account.num_runs, 0);
}

static void test_one_run_may_always_go(void **state)
{
    (void)state;
    ch_memory_account account = {.budget = 100};
    assert_true(ch_memory_account_begin_run(&account, 500, 20));
    assert_false(ch_memory_account_fits(&account, 0)); /* even a run that takes no memory has to wait */
    assert_false(ch_memory_account_begin_run(&account, 0, 0));
    ch_memory_account_end_run(&account, 20);
    assert_true(ch_memory_account_begin_run(&account, 0, 20)); /* on the same data set */
    assert_int_equal(account.most, 0);
}

static void test_a_set_ahead_leaves_room_for_runs(void **state)
{
    (void)state;
    ch_memory_account account = {.budget = 100};
    assert_true(ch_memory_account_begin_run(&account, 40, 10));
    assert_false(ch_memory_account_begin_set(&account, 40, 21));
    assert_int_equal(account.sets, 40);
    assert_true(ch_memory_account_begin_set(&account, 40, 20));
    assert_int_equal(account.sets, 80);
    assert_true(ch_memory_account_begin_run(&account, 0, 10));
}

static void test_the_budget_is_a_part_of_what_there_is(void **state)
{
    (void)state;
    assert_in((double)ch_memory_account_find_budget(), 1, 0.9 * (double)ch_memory_physical());
}

/* ---- sweeps within a budget ---- */

/* Bytes of the largest data set of a plan, and of a run on it. */
static void measure(const char *const *lines, size_t *set_bytes, size_t *run_bytes)
{
    ch_plan plan = make_plan(lines);
    *set_bytes = *run_bytes = 0;
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_settings settings;
        ch_plan_get(&plan, i, &settings);
        const ch_resolved resolved = resolve_settings(&settings);
        const size_t set = ch_train_set_bytes(&resolved, (size_t)settings.train, resolved.settings.engine);
        const size_t run = ch_train_run_bytes(&resolved);
        *set_bytes = set > *set_bytes ? set : *set_bytes;
        *run_bytes = run > *run_bytes ? run : *run_bytes;
    }
    ch_plan_free(&plan);
}

/* Requires that every run is done within the budget, with the same result as without one. */
static void assert_budget_is_kept(const char *const *lines, size_t budget, int threads)
{
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    const outcome result = sweep_within(&store, &plan, budget, threads, NULL);
    if (result.code != CH_OK) {
        fail_msg("%s", result.err.message);
    }
    assert_int_equal(num_done(&result.counts), plan.num_runs);
    assert_int_equal(result.memory.budget, budget);
    if (result.memory.most > budget) {
        fail_msg("%zu bytes were reserved of %zu, on %d threads", result.memory.most, budget, threads);
    }
    assert_int_equal(result.memory.sets, 0); /* all memory was given back */
    assert_int_equal(result.memory.runs, 0);
    assert_int_equal(result.memory.num_runs, 0);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_same_content(path_of("s.db"), path_of("unlimited.db"));
    assert_int_equal(unlink(path_of("s.db")), 0);
}

static void test_every_budget_is_kept_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const mixed[] = {
        "model perceptron", "chi 0,1",  "dim 8", "train 2^4..2^6", "temp 2,1e30; loss hinge,quadhinge",
        "max_updates 20",   "seed 0,1", NULL};
    /* Two engines share data sets, and some runs have test samples of their own. */
    static const char *const engines[] = {"model perceptron",  "dim 8",      "train 32,64", "temp 2",
                                          "engine plain,fast", "test 0,300", "seed 0..2",   NULL};
    /* Two kernels, and networks on the examples from which one of the kernels is made. */
    static const char *const twins[] = {"model mlp",      "linear yes,no", "dim 8",     "width 6",
                                        "depth 2",        "train 32,64",   "temp 0.01", "test 5",
                                        "max_updates 20", "seed 0,1",      NULL};
    const char *const *const plans[] = {mixed, engines, twins};
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++) {
        size_t set = 0, run = 0;
        measure(plans[p], &set, &run);
        const size_t budgets[] = {1,
                                  run,
                                  set,
                                  set + run,
                                  set + 2 * run,
                                  set + 4 * run,
                                  2 * set,
                                  2 * set + run,
                                  2 * (set + run),
                                  3 * set + 4 * run,
                                  SIZE_MAX};
        sweep("unlimited.db", plans[p], 1);
        for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i += is_sanitized() ? 2 : 1) {
            for (int threads = 1; threads <= 4; threads *= is_sanitized() ? 4 : 2) {
                assert_budget_is_kept(plans[p], budgets[i], threads);
            }
        }
        assert_int_equal(unlink(path_of("unlimited.db")), 0);
    }
}

/* Twins with four kernels. The memory for making a kernel is reserved while it is made, and given back afterwards. */
static void test_kernels_and_what_they_are_made_from_are_counted(void **state)
{
    (void)state;
    static const char *const lines[] = {"model mlp", "linear yes", "dim 8",     "width 6",        "depth 2",
                                        "train 300", "temp 0.01",  "seed 0..3", "max_updates 50", NULL};
    size_t set = 0, run = 0;
    measure(lines, &set, &run);
    const size_t kernel = ch_kernel_bytes(300, 0);
    assert_true(set > kernel + ch_examples_bytes(300, 8)); /* the examples, and the activations during the passes */
    sweep("unlimited.db", lines, 1);
    assert_budget_is_kept(lines, set + run, 2);
    assert_budget_is_kept(lines, set + kernel + 2 * run, 2);
    assert_budget_is_kept(lines, 2 * set + 2 * run, 2);
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    /* two runs are never under way at once */
    assert_int_equal(sweep_within(&store, &plan, set + run, 2, NULL).memory.most, 0);
    ch_store_close(&store);
    ch_plan_free(&plan);
}

static void test_runs_of_both_engines_on_one_set_are_the_runs_alone(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron",  "dim 8", "temp 2", "train 128,64",
                                        "engine plain,fast", NULL};
    assert_int_equal(sweep("s.db", lines, 2).num_groups, 1);
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("alone.db"), CH_STORE_WRITE);
    for (uint64_t i = 0; i < plan.num_runs; i++) {
        ch_settings settings;
        ch_run run;
        ch_plan_get(&plan, i, &settings);
        assert_int_equal(train_by_settings(&run, &settings, 1, NULL, NULL), CH_OK);
        assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
        ch_run_free(&run);
    }
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_same_content(path_of("s.db"), path_of("alone.db"));
}

/* ---- waiting ---- */

/* Two runs on two data sets. Each of them ends only by a budget of time. */
static const char *const PAIR[] = {"model perceptron", "chi -0.9",        "train 4096", "temp 1",
                                   "seed 0,1",         "max_seconds 0.3", NULL};

/* Sweeps PAIR, with `file` in the place of standard error. */
static outcome sweep_pair(size_t budget, int threads, int file)
{
    ch_plan plan = make_plan(PAIR);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    const int own = dup(STDERR_FILENO);
    assert_true(own >= 0 && file >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    const outcome result = sweep_within(&store, &plan, budget, threads, NULL);
    assert_true(dup2(own, STDERR_FILENO) >= 0);
    close(own);
    close(file);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(result.code, CH_OK);
    assert_int_equal(result.counts.budget, 2);
    assert_int_equal(unlink(path_of("s.db")), 0);
    return result;
}

/* Does as sweep_pair, and reads what the sweep says. */
static outcome sweep_pair_said(size_t budget, int threads, char *said, size_t size)
{
    const outcome result = sweep_pair(budget, threads, open(path_of("said"), O_WRONLY | O_CREAT | O_TRUNC, 0666));
    FILE *file = fopen(path_of("said"), "rb");
    assert_non_null(file);
    said[fread(said, 1, size - 1, file)] = '\0';
    fclose(file);
    return result;
}

/* On a busy machine, above all under valgrind, the second thread may start only after the first one has done both runs.
 * These tests then try again, at most this many times. */
enum { ATTEMPTS = 200 };

static void test_a_run_that_waits_is_said_once(void **state)
{
    (void)state;
    size_t set = 0, run = 0;
    char said[4096] = "", part[64];
    measure(PAIR, &set, &run);
    for (int i = 0; i < ATTEMPTS && strstr(said, "memory: ") == NULL; i++) {
        const outcome tight = sweep_pair_said(2 * (set + run) - 1, 3, said, sizeof said);
        assert_int_equal(tight.memory.most, 0); /* two runs are never under way at once */
    }
    const char *sentence = strstr(said, "memory: 1 run and its data take ");
    assert_non_null(sentence);
    assert_null(strstr(sentence + 1, "memory: "));
    assert_non_null(strstr(sentence, "the next (train = 2^12, dim = 128) takes "));
    snprintf(part, sizeof part, "takes %.3g MB more and waits: ", 1e-6 * (double)(set + run));
    assert_non_null(strstr(sentence, part));
    assert_non_null(strstr(sentence, "fewer than 2 runs go at once\n"));

    (void)sweep_pair_said(1, 1, said, sizeof said);
    assert_null(strstr(said, "memory: ")); /* no run had to wait */
}

static void test_runs_that_fit_go_at_once(void **state)
{
    (void)state;
    size_t set = 0, run = 0, most = 0;
    char said[4096];
    measure(PAIR, &set, &run);
    for (int i = 0; i < ATTEMPTS && most == 0; i++) {
        most = sweep_pair_said(2 * (set + run), 2, said, sizeof said).memory.most;
        assert_null(strstr(said, "memory: "));
    }
    assert_int_equal(most, 2 * (set + run));
}

static void test_a_bar_is_not_torn_by_it(void **state)
{
    (void)state;
    char shown[1 << 12] = "";
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
        skip();
    }
    for (int i = 0; i < ATTEMPTS && strstr(shown, "memory: ") == NULL; i++) {
        sweep_pair(1, 2, open(ptsname(terminal), O_WRONLY | O_NOCTTY));
        const ssize_t length = read(terminal, shown, sizeof shown - 1);
        assert_true(length > 0);
        shown[length] = '\0';
    }
    close(terminal);
    /* The line is cleared, then the whole sentence is printed, and the bar is drawn on the next line. */
    const char *sentence = strstr(shown, "\r\033[Kmemory: 1 run and its data take ");
    assert_non_null(sentence);
    const char *end = strstr(sentence, "go at once\r\n");
    assert_non_null(end);
    assert_ptr_equal(strstr(end, "\r["), end + strlen("go at once\r\n"));
}

static ch_stop flag;

static void *raise_flag_soon(void *when)
{
    ch_clock_sleep(0.3);
    *(double *)when = processor_seconds();
    flag = 1;
    return NULL;
}

static void test_the_flag_ends_a_sweep_that_waits(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "chi -0.9", "train 4096", "temp 1", "seed 0..5", NULL};
    pthread_t other;
    double raised = 0;
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    flag = 0;
    assert_int_equal(pthread_create(&other, NULL, raise_flag_soon, &raised), 0);
    const outcome result = sweep_within(&store, &plan, 1, 4, &flag);
    const double ended = processor_seconds();
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(result.code, CH_ERROR_INTERRUPTED);
    assert_int_equal(num_done(&result.counts), 0);
    assert_true(ended - raised < 20); /* usually a fraction of a second; more under sanitizers and valgrind */
    assert_int_equal(result.memory.runs, 0);
    assert_int_equal(result.memory.num_runs, 0);
    ch_store_close(&store);
    ch_plan_free(&plan);
}

/* ---- what is foreseen ---- */

static void assert_foreseen(const char *const *lines, size_t budget, int threads, const char *words)
{
    char text[512];
    ch_sweep foreseen;
    ch_plan plan = make_plan(lines);
    assert_int_equal(ch_sweep_init(&foreseen, &plan, NULL, NULL), CH_OK);
    foreseen.memory_budget = budget;
    ch_sweep_foresee_memory(&foreseen, threads, text, sizeof text);
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' does not say '%s'", text, words);
    }
    ch_sweep_free(&foreseen);
    ch_plan_free(&plan);
}

static void test_memory_is_foreseen(void **state)
{
    (void)state;
    static const char *const seeds[] = {"model perceptron", "dim 20",    "temp 1", "train 2^8..2^13",
                                        "engine plain",     "seed 0..9", NULL};
    static const char *const last[] = {"model perceptron", "dim 20", "temp 1", "train 64,4096; max_steps none,1", NULL};
    size_t set = 0, run = 0;
    measure(seeds, &set, &run);
    assert_foreseen(seeds, 0, 2, "a data set takes up to 1.05 MB (train = 2^13, dim = 20) and a run");
    assert_foreseen(seeds, 5000000, 2, "in the 5 MB there are, ");
    assert_foreseen(seeds, 1, 4, "1 such run at once, on 4 threads");
    assert_foreseen(seeds, set + 3 * run, 4, "3 such runs at once, on 4 threads"); /* which share one data set */
    assert_foreseen(seeds, set + 4 * run, 4, "4 such runs at once, on 4 threads");
    assert_foreseen(seeds, SIZE_MAX, 1, "1 such run at once, on 1 thread");
    assert_foreseen(seeds, SIZE_MAX, 4096, "60 such runs at once, on 4096 threads");
    assert_foreseen(last, SIZE_MAX, 2, "2 such runs at once, on 2 threads");
}

/* ---- threads ---- */

static int most_threads(const char *const *lines, size_t budget, int threads)
{
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    const outcome result = sweep_within(&store, &plan, budget, threads, NULL);
    assert_int_equal(result.code, CH_OK);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_same_content(path_of("s.db"), path_of("one.db"));
    assert_int_equal(unlink(path_of("s.db")), 0);
    return result.counts.most_threads;
}

static void test_few_runs_share_out_the_threads(void **state)
{
    (void)state;
    static const char *const one[] = {"model perceptron", "dim 8",   "temp 1", "train 3000",
                                      "max_updates 50",   "test 50", NULL};
    static const char *const two[] = {"model perceptron", "temp 1", "train 3000", "max_updates 50", "seed 0,1", NULL};
    sweep("one.db", one, 1);
    assert_int_equal(most_threads(one, 0, 1), 1);
    assert_int_equal(most_threads(one, 0, 2), 2);
    assert_int_equal(most_threads(one, 1, 5), 5);
    assert_int_equal(unlink(path_of("one.db")), 0);
    sweep("one.db", two, 1);
    /* 2 and 3 threads, or 2 and then 5 where the second run begins after the first has ended */
    assert_in(most_threads(two, 0, 5), 3, 5);
    assert_int_equal(most_threads(two, 1, 4), 4); /* one run after the other, each on all threads */
}

int main(void)
{
    /* suites: thread */
    gsl_set_error_handler_off();
    omp_set_max_active_levels(2); /* the program does so too: runs of a sweep may use several threads */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_reserve_and_give_back),
        cmocka_unit_test(test_one_run_may_always_go),
        cmocka_unit_test(test_a_set_ahead_leaves_room_for_runs),
        cmocka_unit_test(test_the_budget_is_a_part_of_what_there_is),
        STORE_TEST(test_every_budget_is_kept_and_changes_nothing),
        STORE_TEST(test_kernels_and_what_they_are_made_from_are_counted),
        STORE_TEST(test_runs_of_both_engines_on_one_set_are_the_runs_alone),
        STORE_TEST(test_a_run_that_waits_is_said_once),
        STORE_TEST(test_runs_that_fit_go_at_once),
        STORE_TEST(test_a_bar_is_not_torn_by_it),
        STORE_TEST(test_the_flag_ends_a_sweep_that_waits),
        STORE_TEST(test_memory_is_foreseen),
        STORE_TEST(test_few_runs_share_out_the_threads),
    };
    return cmocka_run_group_tests_name("sweep memory", tests, NULL, NULL);
}
