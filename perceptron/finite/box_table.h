/* box_table.h — averages of boxes and their rate of absorption as functions of the density, from which predictions for
 * training sets are made.
 *
 * A table has many boxes (perceptron/finite/box.h). Each is simulated at one density after the other, from a high one
 * down to one at which it is absorbed at once. One box stands for one training set of that law, whatever its P, T and
 * B.
 *
 * Hazard: the rate of absorption rises over many decades while q falls by a half. It has nearly the same shape for all
 * boxes of a law, at a place that differs from box to box:
 *   ln H = ln CH_BOX_EDGE_HAZARD - slope z - bend max(0, z)^{3/2},  z = ln x - edge,  and H <= 1.
 * Objective: the likelihood of all absorptions seen, a Poisson number of mean H time at every box and density. It is
 * maximised in turn over the edge of every box (by search) and over slope and bend (by Newton's method), CH_BOX_ROUNDS
 * times.
 */
#ifndef CH_BOX_TABLE_H
#define CH_BOX_TABLE_H

#include "perceptron/finite/box.h"

#define CH_BOX_EDGE_HAZARD 0.2
enum { CH_BOX_ROUNDS = 4 };

/** Averages of a box at one density, as ratios to the online limit at the same density. */
typedef struct {
    double unfitted; /* number of unfitted samples */
    double drift;    /* sum of y over them */
    double noise;    /* rms of z . w */
} ch_box_point;

/** A table of boxes. Arrays are owned. */
typedef struct {
    ch_box_law law;
    ch_box_online online;
    size_t num_boxes, num_densities;
    double step;        /* between densities, in ln x */
    double *log_online; /* ln x [num_densities], descending; x: the unfitted samples a dimension of the online limit */
    size_t *num_followed; /* [num_boxes] densities, from the highest on, at which the box has averages */
    ch_box_point *points; /* [num_boxes][num_densities] */
    double *edges;        /* [num_boxes] ln x at which the hazard is CH_BOX_EDGE_HAZARD */
    double slope, bend;   /* of the hazard; time is in units of T P */
    double least_hazard;  /* one absorption in all the time simulated; under it the hazard is an extrapolation */
    double calm;          /* ln(noise at absorption / mean noise) = -calm z for z > 0: the more unfitted samples there
                             are on average, the smaller the noise at which none is */
} ch_box_table;

/** The number of boxes of a table at which the spread between training sets leaves an error of about 2 % in the
 *  geometric means. Fewer are needed where d is large, for training sets differ less. */
size_t ch_box_table_boxes(size_t dim);

/** Simulates boxes at all densities. Threads share the boxes; no bit of the result depends on their number.
 *  @param threads  >= 1
 *  @param watch    gets the number of boxes that are done, and its stop flag ends the work; may be NULL
 *  @return CH_OK; CH_ERROR_INPUT; CH_ERROR_MEMORY; CH_ERROR_NUMERIC where no absorption was seen, or where
 *          boxes are absorbed at their highest density already; CH_ERROR_INTERRUPTED */
ch_code ch_box_table_init(ch_box_table *self, const ch_box_law *law, size_t num_boxes, uint64_t seed, int threads,
                          const ch_watch *watch, ch_error *err) CH_MUST_CHECK;
void ch_box_table_free(ch_box_table *self);

/** Averages of a box at any density, interpolated in ln x. Above the highest density the ratios approach 1 as x^-5/4;
 *  under the lowest they are those at the lowest.
 *  @param hazard  out: rate of absorption, in 1 / (T P) */
ch_box_point ch_box_table_at(const ch_box_table *self, size_t box, double log_online, double *hazard);

/** The noise at absorption over the mean noise, for a box that is absorbed at this x. */
double ch_box_table_end_noise(const ch_box_table *self, size_t box, double log_online);

#endif
