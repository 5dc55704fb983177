/* ways.h — the expected course of training, against time, at the P and d of a group. Private to plots/. */
#ifndef CH_PLOT_WAYS_H
#define CH_PLOT_WAYS_H

#include "fit/fit.h"
#include "plots/panel.h"

/** The expected course of one run, up to the time at which nine tenths of all data sets have ended. */
typedef struct {
    ch_finite_point *points; /* [num_points]; owned */
    size_t num_points;       /* 0: nothing is expected */
    double num_samples;      /* P */
} ch_expected_way;

typedef struct {
    ch_expected_way *ways; /* [count] one for each run; owned */
    size_t count;
    bool shares;      /* several T are so low that weights do not depend on them; only the first has a course */
    ch_error why_not; /* the first reason why nothing is expected of a run; code is CH_OK where there is none */
} ch_expected_ways;

/** Finds the expected courses of runs, each at its P and T. Without the option `expects` of the fit there is neither a
 *  course nor a reason.
 *  @param group  of all the runs
 *  @return CH_OK; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_expected_ways_init(ch_expected_ways *self, const ch_fit *fit, const ch_fit_group *group,
                              const ch_run_table *runs, ch_error *err) CH_MUST_CHECK;
void ch_expected_ways_free(ch_expected_ways *self);

/** Whether something is expected of any of the runs. */
bool ch_expected_ways_any(const ch_expected_ways *self);

/** A quantity along a way, with its spread over data sets. */
typedef ch_finite_value (*ch_expected_quantity)(const ch_expected_way *way, const ch_finite_point *point);

ch_finite_value ch_expected_unfitted(const ch_expected_way *way, const ch_finite_point *point); /* samples */
ch_finite_value ch_expected_test_error(const ch_expected_way *way, const ch_finite_point *point);
ch_finite_value ch_expected_weight_change(const ch_expected_way *way, const ch_finite_point *point);
ch_finite_value ch_expected_signal(const ch_expected_way *way, const ch_finite_point *point);
ch_finite_value ch_expected_noise(const ch_expected_way *way, const ch_finite_point *point);

#endif
