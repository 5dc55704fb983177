/* test_program_job.c — the limits of a batch job, of a process's affinity and of OpenMP's environment decide how many
 * threads and how much memory the program takes. */
#define _GNU_SOURCE 1 /* sched_setaffinity and its sets */
#include "tests/program_support.h"

#ifdef __linux__
#include <sched.h>
#endif

#define SWEEP "sweep perceptron --dim 32 --train 64 --temp 1 --seed 0..9"

static int leave_limits(void **state)
{
    static const char *const names[] = {"SLURM_JOB_ID",       "SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE",
                                        "SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU",   "OMP_NUM_THREADS"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsetenv(names[i]);
    }
    return 0;
}

static int enter(void **state)
{
    return make_folder(state) == 0 ? leave_limits(state) : -1;
}

static int leave(void **state)
{
    leave_limits(state);
    return remove_folder(state);
}

/* Threads that a sweep takes by default, as a dry run says them. */
static int threads_of_sweep(void)
{
    int threads = 0;
    assert_succeeds(SWEEP " --dry-run");
    const char *found = strstr(err, "at once, on ");
    assert_non_null(found);
    assert_int_equal(sscanf(found, "at once, on %d thread", &threads), 1);
    return threads;
}

static void test_threads_are_those_of_the_job(void **state)
{
    (void)state;
    const int all = threads_of_sweep();
    assert_in(all, 1, (double)sysconf(_SC_NPROCESSORS_ONLN));
    setenv("SLURM_CPUS_PER_TASK", "1", 1);
    assert_int_equal(threads_of_sweep(), all); /* there is no job */
    setenv("SLURM_JOB_ID", "7", 1);
    assert_int_equal(threads_of_sweep(), 1);
    setenv("SLURM_CPUS_PER_TASK", "512", 1);
    assert_int_equal(threads_of_sweep(), all); /* it cannot have more than there are */
    unsetenv("SLURM_CPUS_PER_TASK");
    setenv("SLURM_CPUS_ON_NODE", "1", 1);
    assert_int_equal(threads_of_sweep(), 1);
    setenv("OMP_NUM_THREADS", "3", 1); /* who sets it wants it */
    assert_int_equal(threads_of_sweep(), 3);
}

static void test_threads_are_those_of_the_affinity(void **state)
{
    (void)state;
#ifdef __linux__
    cpu_set_t before, one;
    size_t first = 0;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    while (!CPU_ISSET(first, &before)) {
        first++;
    }
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    /* the program inherits it, unless this process has used clang's OpenMP, which restores the affinity after a fork */
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    const int threads = threads_of_sweep();
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(threads, 1);
#else
    skip();
#endif
}

/* Nine tenths of what the job has and the program does not hold yet are for runs. */
static void test_memory_is_that_of_the_job(void **state)
{
    (void)state;
    double budget = 0;
    setenv("SLURM_JOB_ID", "7", 1);
    setenv("SLURM_CPUS_ON_NODE", "2", 1);
    setenv("SLURM_MEM_PER_CPU", "500", 1);
    assert_succeeds(SWEEP " --dry-run");
    const char *found = strstr(err, "more; in the ");
    assert_non_null(found);
    assert_int_equal(sscanf(found, "more; in the %lf MB", &budget), 1);
    assert_in(budget, is_sanitized() ? 1 : 800, 0.9 * 1048.576);
    assert_int_equal(chiton("run perceptron --dim 128 --train 2^22 --temp 1 --max_steps 1"), 2); /* takes 2 GB */
    assert_says(err, "1.05 GB");
    unsetenv("SLURM_MEM_PER_CPU");
    setenv("SLURM_MEM_PER_NODE", "1000", 1);
    assert_int_equal(chiton("run perceptron --dim 128 --train 2^22 --temp 1 --max_steps 1"), 2);
    assert_says(err, "1.05 GB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads_are_those_of_the_job, enter, leave),
        cmocka_unit_test_setup_teardown(test_threads_are_those_of_the_affinity, enter, leave),
        cmocka_unit_test_setup_teardown(test_memory_is_that_of_the_job, enter, leave),
    };
    return cmocka_run_group_tests_name("program job", tests, locate_program, NULL);
}
