/* family.h — expected ends of training at any temperature: tables of boxes at a few kappa / T, and between them.
 *
 * In units of T the end of training depends on T by kappa / T alone (and by eta / T, through the online ODE). It is
 * computed at the two nearest of the margins
 *   0, 1/64, 1/16, 1/4, 1, 4
 * with kappa set so that the margin is exact, and interpolated: linearly in kappa / T up to 1/64, else in its
 * logarithm. What is interpolated are the logarithms of lambda, of the test error, and of weights and t* in units of T
 * + 3 kappa, which vary little: weights are nearly proportional to T for T >> kappa, and to kappa for T << kappa.
 * Beyond a margin of 4 the end is that at 4, as for gradient descent.
 */
#ifndef CH_FAMILY_H
#define CH_FAMILY_H

#include "perceptron/finite/finite.h"

enum { CH_FAMILY_TABLES = 6 };

/** An end that was computed at one of the margins, at T = 1. */
typedef struct {
    size_t margin; /* index of the margin */
    double batch, num_samples;
    ch_finite_end end;
    ch_error refusal; /* why there is none; code is CH_OK: there is one */
} ch_family_end;

/** The tables of one chi and d. They are made, or read, when they are first needed. */
typedef struct {
    double chi;
    size_t dim;
    const char *folder;    /* of files of tables; NULL: none; borrowed */
    int threads;           /* number of threads that make a table, and that compute ends in ch_family_prepare */
    const ch_watch *watch; /* its stop flag ends the making of a table; borrowed; may be NULL */
    ch_box_table tables[CH_FAMILY_TABLES];
    bool is_made[CH_FAMILY_TABLES];
    /* why a table cannot be made, so that it is tried only once; code CH_OK: it was not tried, or is made */
    ch_error refusals[CH_FAMILY_TABLES];
    ch_online_way ways[CH_FAMILY_TABLES]; /* in units of T */
    double batches[CH_FAMILY_TABLES];     /* eta / T of each way; 0: there is none yet */
    ch_family_end *ends;                  /* [num_ends] that were computed, so that another T costs nothing; owned */
    size_t num_ends, capacity;
} ch_family;

/** Makes no table yet. The family must not be copied or moved. */
void ch_family_init(ch_family *self, double chi, size_t dim, const char *folder, int threads, const ch_watch *watch);
void ch_family_free(ch_family *self);

/** Computes the ends that predictions at several temperatures need, side by side by the threads of the family. Later
 *  predictions give the same bits, but sooner.
 *  @param setups       [num_setups] their chi and dim are those of the family
 *  @param num_samples  [num_trains] each is combined with each setup
 *  @return CH_OK, also where there is nothing to predict, which ch_family_predict will say; CH_ERROR_MEMORY;
 *          as ch_box_table_load where the making of a table was ended */
ch_code ch_family_prepare(ch_family *self, const ch_online_setup *setups, size_t num_setups, const double *num_samples,
                          size_t num_trains, ch_error *err) CH_MUST_CHECK;

/** The expected end of training, as ch_finite_predict.
 *  @param setup  its chi and dim are those of the family */
ch_code ch_family_predict(ch_family *self, ch_finite_end *end, const ch_online_setup *setup, double num_samples,
                          ch_error *err) CH_MUST_CHECK;

/** The expected course of training, as ch_finite_follow. Between two margins it is interpolated as the end is, at the
 *  same time in units of T + 3 kappa. Where at either margin all training sets have ended, a point is NaN but for
 *  `running`.
 *  @param times   [num_times] ascending
 *  @param points  out [num_times]
 *  @param setup  its chi and dim are those of the family
 *  @return as ch_family_predict, whose refusals are those of the way too */
ch_code ch_family_follow(ch_family *self, ch_finite_point *points, const double *times, size_t num_times,
                         const ch_online_setup *setup, double num_samples, ch_error *err) CH_MUST_CHECK;

#endif
