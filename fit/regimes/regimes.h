/* regimes.h — the regimes of SGD over the plane of batch size B and temperature T: where ||Dw|| is set by the
 * temperature, by the first step, or by gradient descent. Source: Sclocchi and Wyart, PNAS 121, e2316301121 (2024);
 * docs/theory.md.
 *
 * Planes. Groups of a fit (fit.h) that differ in nothing but the batch are put together. They give one plane for every
 * P at which three B or more have three T or more each.
 *
 * Law. In the plane of one P
 *
 *   ||Dw|| = [y^m + (C T B)^m]^(1/m),   y = [(A T^delta)^k + G^k]^(1/k).
 *
 * A T^delta is the regime of noise, C T B that of the first step, which alone moves the weights by a part of eta = T B
 * (T B h of a network of width h, whose C has the factor h in it), and G is the plateau of gradient descent. ln A,
 * delta, ln C, ln m, ln G and ln k are fitted to the means of ln ||Dw|| over the runs of each (B, T), by nonlinear
 * least squares (Levenberg and Marquardt). G and k are left out where fewer than three cells show it.
 *
 * B* is the batch above which the first step moves the weights further than noise does: (A/C) T^(delta - 1). It is
 * given at one T for all P, the geometric mean of the T of all cells in either regime; where delta = 1 it does not
 * depend on T. It is not given where fewer than three cells lie in either regime.
 *
 * Regime of a cell. The largest of the three terms says which it is.
 *
 * B* ~ P^x over all P that have one, by a straight line in logarithms; theory has x = gamma. The noise term A T^delta,
 * at the T of B*, gives gamma over the same P, and the difference x - gamma its own error: it is minus the exponent of
 * C.
 *
 * Flatness. Below B* the weight change depends on B at fixed T no more than its noise does. At each T the cells whose B
 * is under a tenth of B* are held against their geometric mean, and what is left is averaged over the T of each B.
 *
 * Prediction, for the perceptron that theory is about. C = E|x_par| / sqrt(d), and delta = 1. A and G are those of what
 * is expected at this P and d (fit.h), at the highest and the lowest of the T; where nothing is expected, A is that of
 * the limit (perceptron/online.h) and G = A kappa, so that noise and gradient descent part at T = kappa.
 *
 * Errors come from the bootstrap over data sets (fit.h), which all P share. */
#ifndef CH_REGIMES_H
#define CH_REGIMES_H

#include "fit/results.h"

/** The regimes: none is known, noise, the first step, gradient descent. */
typedef enum { CH_REGIME_NONE, CH_REGIME_NOISE, CH_REGIME_FIRST_STEP, CH_REGIME_DESCENT, CH_NUM_REGIMES } ch_regime;

/** A word for people and programs, e.g. "first step"; "" for none. */
const char *ch_regime_name(ch_regime regime);

/** The law of one plane, in logarithms. */
typedef struct {
    double log_noise;   /* ln A */
    double delta;       /* exponent of T in the regime of noise */
    double log_step;    /* ln C */
    double log_descent; /* ln G; -inf where it is left out */
    double sharpness;   /* m > 0, between y and the first step */
    double bend;        /* k > 0, between noise and plateau */
} ch_regime_law;

/** B* at a T, (A/C) T^(delta - 1). */
double ch_regime_law_star(const ch_regime_law *self, double temp);

/** ln of the three terms of a law, and of their sum.  @param terms  out: by ch_regime; NULL: not wanted
 *  @return ln ||Dw|| */
double ch_regime_law_log(const ch_regime_law *self, double batch, double temp, double terms[CH_NUM_REGIMES]);

/** The regime whose term is the largest. */
ch_regime ch_regime_law_at(const ch_regime_law *self, double batch, double temp);

/** How flat ||Dw|| is in B at fixed T: over the cells whose B is under a tenth of B*, at those T that have two or more
 *  of them. With the geometric mean over the B of a T as `mean`, each cell and data set has ln(y / mean). */
typedef struct {
    size_t num_batches, num_cells; /* B that have such cells, and the cells */
    double most;                   /* largest |y / mean - 1| of a B, averaged over its T; NaN where there is no cell */
    double error;                  /* standard error, over data sets, of that average; NaN for fewer than two */
    double rms;                    /* root mean square of ln(y / mean) over the cells; NaN where there is none */
} ch_regime_flatness;

/** Where the law that theory predicts comes from. */
typedef enum {
    CH_PREDICTED_NOT,      /* there is no theory */
    CH_PREDICTED_LIMIT,    /* the limit of many samples and dimensions */
    CH_PREDICTED_EXPECTED, /* what is expected at this P and d */
} ch_regime_prediction;

/** The runs at one (B, T). */
typedef struct {
    uint64_t batch;
    double temp;
    size_t begin, end;        /* its runs are plane->runs[begin] … plane->runs[end - 1] */
    bool counts;              /* all of its runs fitted: the law is fitted to it */
    double log_weight_change; /* mean of ln ||Dw|| over its data sets; NaN unless it counts */
    ch_regime regime;         /* by the law; NONE where no law was found */
} ch_regime_cell;

/** The plane of one P. */
typedef struct {
    uint64_t train;
    const ch_run **runs; /* [num_runs] by (batch, temp, seed_data); owned array, borrowed runs */
    size_t num_runs;
    ch_regime_cell *cells; /* [num_cells] by (batch, temp), those that were sampled; owned */
    size_t num_cells;
    ch_regime_law law;                    /* all NaN where none was found */
    size_t num_in_regime[CH_NUM_REGIMES]; /* cells that count, by regime */
    double scatter;                       /* root mean square of ln ||Dw|| of the cells about the law */
    ch_estimate batch_star;               /* B*; its error is made on ln B*; NaN where it is not given */
    ch_estimate delta, sharpness;
    ch_regime_flatness flatness;
    ch_regime_prediction prediction;
    ch_regime_law predicted; /* by theory, m and k so large that ||Dw|| is the largest term; all NaN: none */
} ch_regime_plane;

/** The planes of groups that differ in the batch alone. */
typedef struct {
    ch_settings key;         /* settings that its runs share; batch, P, T and seeds are those of one run */
    ch_regime_plane *planes; /* [num_planes] ascending in P; owned */
    size_t num_planes;
    size_t num_data_sets; /* distinct seed_data */
    double temp;          /* T at which B* is given; NaN where no plane has a law */
    ch_estimate exponent; /* x of B* ~ P^x; NaN with fewer than two P, as are the next two */
    ch_estimate gamma;    /* of the noise term over the same P */
    ch_estimate excess;   /* x - gamma */
    double theory;        /* gamma of the perceptron for P -> infinity; NaN where there is none */
} ch_regimes;

/** The regimes of a fit. */
typedef struct {
    ch_regimes *items; /* [count] by the first group that each has; owned */
    size_t count, capacity;
} ch_regimes_list;

/** Finds the regimes of a fit; there are none where no grid of B and T was sampled.
 *  @param self  out: to be freed with ch_regimes_list_free, also after an error
 *  @param fit   its options (replicas, seed, threads, watch) and runs are used; it must outlive the list
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_regimes_list_init(ch_regimes_list *self, const ch_fit *fit, ch_error *err) CH_MUST_CHECK;
void ch_regimes_list_free(ch_regimes_list *self);

#endif
