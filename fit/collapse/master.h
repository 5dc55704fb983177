/* master.h — curves of several P laid on one by two exponents, and how well they lie. Private to fit/.
 *
 * Curves y_k(T), k = 1 … n, of P_k collapse when y P^-x is one function of T P^a. In logarithms that moves each curve
 * as a whole, u = ln T + a ln P, v = ln y - x ln P, and leaves the errors of ln y as they are.
 *
 * Quality, after J. Houdayer, A. K. Hartmann, Phys. Rev. B 70, 014418 (2004), appendix:
 *     S = (1/N) sum_i (v_i - V_i)^2 / (dv_i^2 + dV_i^2)
 * over the N points i that lie within the range of another curve, V_i +- dV_i being the master curve at u_i as all
 * other curves give it. S is about 1 where the curves agree within their errors and much larger where they do not.
 *
 * The master curve. Theirs is one straight line through the two points next to u_i of every other curve. Here each
 * other curve is interpolated, by the cubic through the four points next to u_i (by fewer at its ends, where there are
 * no four), and V_i is the weighted mean of what they give. With two curves of two points it is the same. The reason is
 * grids with few T: a bend misses the straight line between two T by more than the points' errors, which raises S for
 * every a, and S jumps where the grids of two P come to coincide, at a = 0 when they share one, as the neighbours of
 * all points change there at once.
 *
 * S at fixed a is a parabola in x, as V_i is a linear function of the points: V_i = sum_j c_j v_j, so that
 *     v_i - V_i = r_i - x q_i,  r_i = ln y_i - sum_j c_j ln y_j,  q_i = ln P_i - sum_j c_j ln P_j.
 * Its minimum, x = sum w r q / sum w q^2 with w = 1 / (dv^2 + dV^2), is taken exactly, and the search is over a alone.
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
    const double *log_y;    /* [count] */
    const double *variance; /* [count] of log_y, positive */
} ch_curve;

/** One point beside the master curve: v - V = r - x q. */
typedef struct {
    double r, q, weight; /* weight: w = 1 / (dv^2 + dV^2) */
} ch_master_point;

/** Point i of curve k at a.  @return whether it lies within the range of another curve */
bool ch_master_point_at(const ch_curve *curves, size_t num_curves, size_t k, size_t i, double a,
                        ch_master_point *point);

/** The curves at one a. */
typedef struct {
    double rr, rq, qq;   /* sums of w r^2, w r q, w q^2 over the compared points */
    size_t num_compared; /* N */
    size_t least;        /* compared points of the curve that has the fewest */
} ch_master_sums;

ch_master_sums ch_master_compare(const ch_curve *curves, size_t num_curves, double a);

/** S at x; NaN when nothing is compared. */
double ch_master_quality(const ch_master_sums *sums, double x);

/** The x of least S; NaN when nothing is compared. */
double ch_master_exponent(const ch_master_sums *sums);

typedef enum {
    CH_MASTER_FOUND,
    CH_MASTER_APART,     /* at no a are two points of every curve compared */
    CH_MASTER_UNDECIDED, /* S does not rise on both sides: curves without a bend lie on each other for any a */
} ch_master_ending;

/** The best collapse. */
typedef struct {
    double x, a, quality; /* quality: S */
    size_t num_compared;  /* N */
    double lo, hi;        /* range of a that was admitted */
    ch_master_ending ending;
} ch_master;

/** Searches the a of least S. Trivial minima are shut out: an a that leaves a curve with fewer than two compared
 *  points, or compares fewer than half as many points as the a that compares most, is not admitted. Of the admitted
 *  range 801 values are tried, and the best is refined by Brent's method to 1e-6. The ending is CH_MASTER_FOUND only
 *  when the mean of S from its minimum to either end of the admitted range is over that minimum by 1 or more: the
 * curves then part by more than their errors.
 *
 *  @param curves  [num_curves], two or more, of distinct P, with two points or more each
 *  @param solver  workspace of type gsl_min_fminimizer_brent */
ch_master ch_master_search(const ch_curve *curves, size_t num_curves, gsl_min_fminimizer *solver);

/** The minimum of other curves near a known one: S goes downhill from a in steps, then by Brent's method.
 *  @return whether there is one within lo … hi of `start`; x and a of `best` are set to it, or to NaN */
bool ch_master_follow(const ch_curve *curves, size_t num_curves, const ch_master *start, gsl_min_fminimizer *solver,
                      ch_master *best);

#endif
