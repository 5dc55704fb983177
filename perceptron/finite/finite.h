/* finite.h — what is expected of training with a finite number of samples, without a free parameter.
 *
 * The online ODE (perceptron/online.h) gives r and the fraction n of unfitted samples as functions of s. A finite
 * training set changes three things. All of them are functions of x = n P / d, the number of unfitted samples per
 * dimension, and differ from one training set to another (perceptron/finite/box_table.h):
 *   - s grows more slowly, ds/dt = g(x) A / sqrt(d), so that dt = dt_online / g;
 *   - the noise is h(x) times as large;
 *   - training ends at the rate H(x) / (T P).
 * The probability not to have ended at t is exp(-int H dt / (T P)). Averages over it, and over the boxes of a table,
 * are what a sweep measures over its data sets. Derivation and accuracy: docs/finite-size.md.
 */
#ifndef CH_FINITE_H
#define CH_FINITE_H

#include "perceptron/finite/box_table.h"
#include "perceptron/finite/limits.h"

/** A quantity over training sets. */
typedef struct {
    double value;  /* exp of the mean of its logarithm */
    double spread; /* standard deviation of its logarithm */
} ch_finite_value;

/** The end of training. */
typedef struct {
    ch_finite_value signal, noise, lambda, weight_change, time, test_error;
} ch_finite_end;

/** The mean student at one time, of those training sets whose training has not ended; geometric means. A spread is the
 *  standard deviation of the logarithm over these training sets; fluctuations of one training in time are not in it. */
typedef struct {
    double time;
    double signal, noise;
    double unfitted; /* fraction of the training samples */
    double running;  /* share of training sets whose training has not ended */
    double weight_change, test_error;
    double signal_spread, noise_spread, unfitted_spread, weight_change_spread, test_error_spread;
} ch_finite_point;

/** The solution of the online ODE at times 8 % apart, which training sets of all P share. It is solved as far as a
 *  prediction needs it. It must not be copied or moved, as its ODE must not. */
typedef struct {
    const ch_box_table *table; /* borrowed */
    ch_online_ode ode;
    ch_online_point *points; /* [num_points]; owned */
    size_t num_points, capacity;
    double next_time;
} ch_online_way;

/** Begins at the ODE's first time.
 *  @param setup  its chi, dim and margin are those of the table
 *  @param table  borrowed
 *  @return CH_OK; CH_ERROR_INPUT for a setup that the table is not of; CH_ERROR_MEMORY */
ch_code ch_online_way_init(ch_online_way *self, const ch_online_setup *setup, const ch_box_table *table,
                           ch_error *err) CH_MUST_CHECK;
void ch_online_way_free(ch_online_way *self);

/** As ch_finite_predict, for one of several P. */
ch_code ch_finite_predict_on(ch_finite_end *end, ch_online_way *way, double num_samples, ch_error *err) CH_MUST_CHECK;

/** Predicts the end of training.
 *  @param setup        of the online ODE; its chi, dim and margin are those of the table
 *  @param num_samples  P >= dim
 *  @return CH_OK; CH_ERROR_INPUT for a setup that the table is not of, where ch_finite_check refuses it
 *          (perceptron/finite/limits.h), and where lambda would end under 1, since then samples far from the boundary
 *          are unfitted too; CH_ERROR_MEMORY; CH_ERROR_NUMERIC. After an error `end` means nothing. */
ch_code ch_finite_predict(ch_finite_end *end, const ch_online_setup *setup, double num_samples,
                          const ch_box_table *table, ch_error *err) CH_MUST_CHECK;

/** Predicts the course of training.
 *  @param times   [num_times] ascending
 *  @param points  out [num_times]; NaN, but for `running`, where all training sets have ended
 *  @return as ch_finite_predict */
ch_code ch_finite_follow(ch_finite_point *points, const double *times, size_t num_times, const ch_online_setup *setup,
                         double num_samples, const ch_box_table *table, ch_error *err) CH_MUST_CHECK;

/** As ch_finite_follow, for one of several P. */
ch_code ch_finite_follow_on(ch_finite_point *points, const double *times, size_t num_times, ch_online_way *way,
                            double num_samples, ch_error *err) CH_MUST_CHECK;

#endif
