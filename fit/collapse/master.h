/* master.h — moves curves of several P onto one master curve by two exponents, and measures how well they agree there.
 * Private to fit/.
 *
 * Curves y_k(T) of P_k, k = 1 … n, collapse when y P^-x is one function of T P^a. In logarithms this shifts each curve
 * as a whole, u = ln T + a ln P and v = ln y - x ln P. The errors of ln y do not change.
 *
 * Quality, after J. Houdayer, A. K. Hartmann, Phys. Rev. B 70, 014418 (2004), appendix:
 *     S = (1/N) sum_i (v_i - V_i)^2 / (dv_i^2 + dV_i^2)
 * The sum is over the N points i that lie within the range of another curve. V_i is the master curve at u_i, made of
 * all other curves, and dV_i is its error. S is about 1 where the curves agree within their errors, and much larger
 * where they do not.
 *
 * The master curve. The paper fits one straight line to the two points next to u_i of every other curve. Here each
 * other curve is interpolated by the cubic through its four points next to u_i. Fewer points are used at its ends,
 * where there are no four. V_i is the weighted mean of the interpolated values. For two curves of two points both ways
 * are the same. The reason for the cubic is grids with few T. Where a curve bends, it differs from the straight line
 * between two T by more than the errors of its points, which raises S for every a. S also jumps at an a at which the
 * grids of two P coincide, because the neighbours of all points change there at once. Two P with the same T do so at a
 * = 0.
 *
 * S at fixed a is a parabola in x. V_i is a linear function of the points, V_i = sum_j c_j v_j, so that
 *     v_i - V_i = r_i - x q_i,  r_i = ln y_i - sum_j c_j ln y_j,  q_i = ln P_i - sum_j c_j ln P_j.
 * The minimum is at x = sum w r q / sum w q^2 with w = 1 / (dv^2 + dV^2). So only a is searched.
 */
#ifndef CH_MASTER_H
#define CH_MASTER_H

#include <gsl/gsl_min.h>
#include <stdbool.h>
#include <stddef.h>

/** The points of one P. Arrays are borrowed. */
typedef struct {
    double log_train;       /* ln P */
    size_t count;           /* points */
    const double *log_temp; /* [count] ln T, ascending */
    const double *log_y;    /* [count] ln y */
    const double *variance; /* [count] squared error of ln y, positive */
} ch_curve;

/** The distance of a point from the master curve, v - V = r - x q. */
typedef struct {
    double r, q, weight; /* weight: w = 1 / (dv^2 + dV^2) */
} ch_master_point;

/** Compares point i of curve k with the master curve of the others.
 *  @param point  out: unchanged where there is no master curve at the point
 *  @return whether the point lies within the range of another curve */
bool ch_master_point_at(const ch_curve *curves, size_t num_curves, size_t k, size_t i, double a,
                        ch_master_point *point);

/** All compared points at one a. */
typedef struct {
    double rr, rq, qq;   /* sums of w r^2, w r q, w q^2 over the compared points */
    size_t num_compared; /* N */
    size_t least;        /* the smallest number of compared points that a curve has */
} ch_master_sums;

/** Compares all points of all curves at a. */
ch_master_sums ch_master_compare(const ch_curve *curves, size_t num_curves, double a);

/** S at x; NaN when no point is compared. */
double ch_master_quality(const ch_master_sums *sums, double x);

/** The x of least S; NaN when no point is compared. */
double ch_master_exponent(const ch_master_sums *sums);

typedef enum {
    CH_MASTER_FOUND,
    CH_MASTER_APART,     /* there is no a at which every curve has two compared points */
    CH_MASTER_UNDECIDED, /* S does not rise on both sides of its least value: curves without a bend agree at any a */
} ch_master_ending;

/** The best collapse. */
typedef struct {
    double x, a, quality; /* quality: S */
    size_t num_compared;  /* N */
    double lo, hi;        /* admitted range of a */
    ch_master_ending ending;
} ch_master;

/** Searches the a of least S.
 *
 *  An a is admitted when every curve has two compared points or more, and when at least half as many points are
 *  compared as at the a that compares most. This excludes trivial minima, in which hardly any points are compared. 801
 *  values of a are tried, and the best is refined by Brent's method to 1e-6.
 *
 *  The ending is CH_MASTER_FOUND only when S rises enough on both sides: from its minimum to either end of the admitted
 *  range, the mean of S exceeds the minimum by 1 or more. The curves then part by more than their errors.
 *
 *  @param curves  [num_curves], two or more, of distinct P, with two points or more each
 *  @param solver  working space of type gsl_min_fminimizer_brent */
ch_master ch_master_search(const ch_curve *curves, size_t num_curves, gsl_min_fminimizer *solver);

/** Finds the minimum of S of other curves near a known minimum. From the a of `start` it steps downhill until S rises
 *  again, and then uses Brent's method.
 *  @param best  out: the minimum; x and a are NaN where there is none
 *  @return whether there is a minimum between lo and hi of `start` */
bool ch_master_follow(const ch_curve *curves, size_t num_curves, const ch_master *start, gsl_min_fminimizer *solver,
                      ch_master *best);

#endif
