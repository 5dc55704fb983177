/* test_sweep_shared.c — sweeps that share: the machine's memory with a run that needs too much, and a store into which
 * another program puts their runs; several sweeps on one store are tests/test_sweep_claims.c. Processes are forked,
 * which the thread sanitizer and valgrind do not like. Tests that fork come first: clang's OpenMP library has no
 * working locks in a child whose parent has used it. */
#include "tests/alloc_fail.h"
#include "tests/sweep_support.h"

#include <gsl/gsl_errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- memory ---- */

/* Bytes of address space that the process has; 0 where the system does not tell. */
static rlim_t address_space_used(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%llu", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* A run that lacks memory alone, too, is named, and all others are done: an address space that holds a small run and
 * not a large one. In a process of its own. */
static void sweep_in_little_room(void)
{
    enum { ROOM = 100 << 20 }; /* the large run takes 246 MB */
    static const char *const lines[] = {"model perceptron", "temp 1",       "dim 1024",
                                        "train 32,60000",   "max_steps 10", NULL};
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_sweep swept;
    ch_error err = {0};
    struct rlimit room;
    bool good = ch_sweep_init(&swept, &plan, &store, &err) == CH_OK && getrlimit(RLIMIT_AS, &room) == 0;
    room.rlim_cur = address_space_used() + ROOM;
    good = good && setrlimit(RLIMIT_AS, &room) == 0;
    const ch_code code = ch_sweep_run(&swept, &store, 1, NULL, &err);
    good =
        good && code == CH_ERROR_MEMORY && strstr(err.message, "1 of 2 runs could not be done, alone neither") != NULL;
    good = good && num_done(&swept.counts) == 1 && swept.counts.lacked_memory == 1;
    if (!good) {
        fprintf(stderr, "code %d: %s\n", (int)code, err.message);
    }
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    _exit(good ? 0 : 1);
}

static void test_a_run_that_lacks_memory_alone(void **state)
{
    (void)state;
    int status = 0;
    if (is_sanitized() || address_space_used() == 0) {
        skip(); /* a sanitizer takes address space of its own */
    }
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sweep_in_little_room();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_runs(path_of("s.db")), 1);
}

/* The list of runs takes under 100 bytes a run, also while it is made; one that does not fit is refused. */
static void test_the_list_of_runs_is_small(void **state)
{
    (void)state;
    static const char *const lines[] = {"model perceptron", "temp 1", "dim 8", "train 16..115", "seed 0..199", NULL};
    static const char *const huge[] = {"model perceptron", "temp 1", "seed_data 0..999999", "seed_batch 0..999999",
                                       NULL};
    enum { RUNS = 20000 };
    ch_plan plan = make_plan(lines);
    ch_sweep swept;
    ch_error err = {0};
    alloc_fail_at(-1);
    assert_int_equal(ch_sweep_init(&swept, &plan, NULL, NULL), CH_OK);
    assert_int_equal(swept.num_jobs, RUNS);
    assert_true(alloc_bytes() < (size_t)100 * RUNS - 16 * RUNS); /* qsort has 16 more, which are not counted here */
    ch_sweep_free(&swept);
    ch_plan_free(&plan);
    plan = make_plan(huge);
    assert_int_equal(ch_sweep_check(&plan, &err), CH_ERROR_INPUT);
    assert_non_null(strstr(err.message, "the list of 1000000000000 runs takes 88 TB of memory, but at most "));
    assert_non_null(strstr(err.message, "accepted is a sweep of up to "));
    ch_plan_free(&plan);
}

/* ---- two programs on one store ---- */

/* After the first run of a sweep, all runs are put into the same store by other hands. */
typedef struct {
    const ch_plan *plan;
    bool is_done;
} other_program;

static void put_all_meanwhile(void *context, const ch_watch_report *report)
{
    other_program *other = context;
    (void)report;
    if (other->is_done) {
        return;
    }
    other->is_done = true;
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    for (uint64_t i = 0; i < other->plan->num_runs; i++) {
        ch_settings settings;
        ch_resolved resolved;
        ch_run run;
        ch_plan_get(other->plan, i, &settings);
        assert_int_equal(ch_settings_resolve(&settings, &resolved, NULL), CH_OK);
        assert_int_equal(ch_train_alone(&run, &resolved, NULL, 1, NULL, NULL), CH_OK);
        assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
        ch_run_free(&run);
    }
    ch_store_close(&store);
}

static void test_runs_are_looked_up_again(void **state)
{
    (void)state;
    ch_plan plan = make_plan(MIXED);
    ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
    ch_sweep swept;
    ch_error err = {0};
    other_program other = {.plan = &plan};
    const ch_watch watch = {.progress = put_all_meanwhile, .context = &other};
    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &err), CH_OK);
    assert_int_equal(ch_sweep_run(&swept, &store, 1, &watch, &err), CH_OK);
    assert_int_equal(num_done(&swept.counts), 1);
    assert_int_equal(swept.counts.present, MIXED_RUNS - 1);
    assert_int_equal(swept.counts.elsewhere, MIXED_RUNS - 1);
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    assert_int_equal(count_runs(path_of("s.db")), MIXED_RUNS);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_run_that_lacks_memory_alone),
        STORE_TEST(test_the_list_of_runs_is_small),
        STORE_TEST(test_runs_are_looked_up_again),
    };
    return cmocka_run_group_tests_name("shared sweeps", tests, NULL, NULL);
}
