/* sweep_support.h — makes plans, and sweeps them into a store of the test's folder. */
#ifndef CH_TESTS_SWEEP_SUPPORT_H
#define CH_TESTS_SWEEP_SUPPORT_H

#include "cli/meter.h"
#include "sim/sweep/memory_account.h"
#include "sim/sweep/plan_private.h"
#include "tests/store_support.h"
#include "tests/support.h"

/* Makes a plan. Each line is one axis: "NAME VALUES", or "NAME VALUES; NAME VALUES" for settings that vary together. */
static inline ch_plan make_plan(const char *const *lines)
{
    ch_plan plan;
    ch_error err = {0};
    ch_plan_init(&plan);
    for (; *lines != NULL; lines++) {
        char copy[256], *rest = copy;
        ch_plan_axis axis;
        size_t count = 1;
        snprintf(copy, sizeof copy, "%s", *lines);
        for (const char *c = copy; *c != '\0'; c++) {
            count += *c == ';';
        }
        assert_int_equal(ch_plan_axis_init(&axis, count, NULL), CH_OK);
        for (size_t i = 0; i < count; i++) {
            char *part = strsep(&rest, ";");
            part += strspn(part, " ");
            const char *name = strsep(&part, " ");
            if (ch_settings_find(name, &axis.settings[i], &err) != CH_OK ||
                ch_values_parse(&axis.values[i], &ch_settings_table[axis.settings[i]], part, &err) != CH_OK) {
                fail_msg("%s", err.message);
            }
        }
        if (ch_plan_add(&plan, &axis, &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
    }
    return plan;
}

/* Two laws with two seeds each. A budget ends some of the runs, and those under the quadratic hinge diverge; they have
 * data sets of their own. */
static const char *const MIXED[] = {"model perceptron",
                                    "chi 0,1",
                                    "dim 8",
                                    "train 2^4..2^8",
                                    "temp 2^-2,2,1e30; loss hinge,hinge,quadhinge",
                                    "max_updates 1000000,40",
                                    "test 0; record 3",
                                    "seed 0,1",
                                    NULL};
enum { MIXED_RUNS = 2 * 5 * 3 * 2 * 2, MIXED_SETS = 8 };

typedef struct {
    ch_code code;
    ch_error err;
    ch_sweep_counts counts;
    ch_memory_account memory;
    size_t num_jobs, num_groups;
} outcome;

/* Sweeps a plan into an open store, and shows its progress on a meter as the program does.
 * @param budget  bytes of memory that the sweep may use; 0: all that the machine has free */
static inline outcome sweep_within(ch_store *store, const ch_plan *plan, size_t budget, int threads, ch_stop *stop)
{
    ch_sweep sweep;
    ch_meter meter;
    outcome result = {0};
    if (ch_sweep_init(&sweep, plan, store, &result.err) != CH_OK) {
        fail_msg("%s", result.err.message);
    }
    result.num_jobs = sweep.num_jobs;
    result.num_groups = sweep.num_groups;
    sweep.memory_budget = budget;
    ch_meter_start(&meter, "runs", 0);
    const ch_watch watch = ch_meter_watch(&meter, stop);
    result.code = ch_sweep_run(&sweep, store, threads, &watch, &result.err);
    ch_meter_finish(&meter);
    result.counts = sweep.counts;
    result.memory = *sweep.memory;
    ch_sweep_free(&sweep);
    ch_sweep_free(&sweep);
    return result;
}

static inline outcome sweep_into(ch_store *store, const ch_plan *plan, int threads, ch_stop *stop)
{
    return sweep_within(store, plan, 0, threads, stop);
}

static inline outcome sweep(const char *name, const char *const *lines, int threads)
{
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of(name), CH_STORE_WRITE);
    const outcome result = sweep_into(&store, &plan, threads, NULL);
    if (result.code != CH_OK) {
        fail_msg("%s", result.err.message);
    }
    ch_store_close(&store);
    ch_plan_free(&plan);
    return result;
}

static inline size_t num_done(const ch_sweep_counts *counts)
{
    return counts->fitted + counts->budget + counts->diverged;
}

#endif
