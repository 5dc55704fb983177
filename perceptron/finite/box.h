/* box.h — what a finite training set does near the decision boundary: the motion of the student in a box of samples.
 *
 * Late in training only samples near the boundary become unfitted, and the signal s grows much more slowly than the
 * noise relaxes. So at a given s the motion of the weights is stationary. In units in which it depends on few numbers,
 *   w = Dw_perp / T,   z = y x_perp / sqrt(d) ~ N(0, I/d),   y = s v / (sqrt(d) T) with v = |x_par|,
 * a sample is unfitted while y + z . w < kappa / T. Each sample is drawn at rate 1 (the unit of time is T P of the time
 * eta x steps). A draw of an unfitted sample adds its z to w, and T v / sqrt(d) to s. Near the boundary the number of
 * samples per dimension at distances y … y + dy is
 *   q y^chi dy,   q = (2 / Z_chi) (P / d) (sqrt(d) T / s)^{chi+1},
 * so that P, T and s enter by q alone. Such a set of samples with the student in it is a box. It is absorbed, and
 * training has ended, once no sample is unfitted.
 * With fresh samples (q -> infinity) the same averages are those of the online limit, docs/theory.md;
 * docs/finite-size.md derives all this.
 */
#ifndef CH_BOX_H
#define CH_BOX_H

#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What the statistics of a box depend on beside its density. */
typedef struct {
    double chi;    /* density exponent, -1 < chi <= CH_BOX_MOST_CHI */
    size_t dim;    /* d, 2 <= d <= CH_BOX_MOST_DIM */
    double margin; /* kappa / T, 0 <= kappa / T <= CH_BOX_MOST_MARGIN */
} ch_box_law;

enum { CH_BOX_MOST_CHI = 3, CH_BOX_MOST_DIM = 512, CH_BOX_MOST_MARGIN = 64 };

/** Averages of the box in the online limit, q -> infinity. The noise does not depend on q; the others are proportional
 *  to q. */
typedef struct {
    double noise;    /* sigma*, the rms of z . w; at margin 0 n_chi sqrt(pi/2) */
    double unfitted; /* number of unfitted samples per dimension, divided by q */
    double drift;    /* sum of y over unfitted samples, per dimension, divided by q */
} ch_box_online;

/** Computes these averages.
 *  @return CH_OK; CH_ERROR_INPUT for a law outside its ranges; CH_ERROR_MEMORY; CH_ERROR_NUMERIC */
ch_code ch_box_online_init(ch_box_online *self, const ch_box_law *law, ch_error *err) CH_MUST_CHECK;

enum { CH_BOX_MEMORIES = 16 };

/** The y beyond which samples are so seldom unfitted that they add less than 5e-3 of the drift:
 *    kappa / T + (sqrt(chi + 1) + 2) noise,
 *  for y^{chi+1} Phi(-y / noise) is largest near sqrt(chi + 1). */
double ch_box_reach(const ch_box_law *law, double noise);

/** One box: its samples, drawn once, and the student in it.
 *
 *  The samples are those of a Poisson process: with E_k the k-th arrival time of one of unit rate, y_k = L c_k with
 *  c_k = ((chi+1) E_k / d)^{1/(chi+1)} and the length L = q^{-1/(chi+1)}. A smaller q is thus a larger L of the same
 *  samples, which is what the growth of s does to a training set.
 *
 *  Update: the time to the next draw of an unfitted sample is exponential; its mean, 1 / (number unfitted), is added to
 *  the clock. One of them is drawn uniformly, and w <- w + z. Only samples with y under ch_box_reach of the noise
 *  are looked at.
 */
typedef struct {
    ch_box_law law;
    ch_box_online online;
    size_t stride;       /* of the rows of samples, d rounded up */
    size_t num_samples;  /* N */
    size_t num_followed; /* samples with y under ch_box_reach at the present length: the first ones */
    double length;       /* L */
    double growth;       /* with every kick L grows by growth y / L, as s does; 0: s is held fixed */
    float *distances;    /* c_k [N rounded up to whole blocks], ascending; beyond N huge */
    float *samples;      /* z [N rounded up][stride], 0 beyond N */
    float *panels;       /* the same as [N rounded up / CH_BOX_LANES][stride][CH_BOX_LANES], as products take them */
    float *gram;         /* z . z' [N rounded up][N rounded up]; entries are computed when their row is drawn */
    size_t *row_lengths; /* [N rounded up / CH_BOX_ROWS] entries that each row of a group has so far */
    float *fields;       /* z . w [N rounded up] */
    uint16_t *counts;    /* unfitted samples in each block of CH_BOX_BLOCK */
    double *weights;     /* w [stride] */
    double *memories;    /* w at earlier times [CH_BOX_MEMORIES][stride] */
    size_t num_memories;
    double noise2;     /* |w|^2 / d */
    uint32_t unfitted; /* number of unfitted samples */
    ch_random random;
} ch_box;

/** Samples are counted in blocks. Products are made for a few samples at a time, a lane each. Rows of products are made
 *  in groups of neighbours, which share the reading of all samples; a neighbour is drawn nearly as often. */
enum { CH_BOX_BLOCK = 64, CH_BOX_LANES = 16, CH_BOX_ROWS = 8 };

/** Draws a box that serves densities up to `most_density`, and w from the online limit.
 *  @param seed, index  which box: the same numbers give the same box
 *  @return CH_OK; CH_ERROR_INPUT; CH_ERROR_MEMORY; CH_ERROR_NUMERIC */
ch_code ch_box_init(ch_box *self, const ch_box_law *law, double most_density, uint64_t seed, uint64_t index,
                    ch_error *err) CH_MUST_CHECK;
void ch_box_free(ch_box *self);

/** Averages over a time in a box. */
typedef struct {
    double time;        /* length of that time */
    double unfitted;    /* mean number of unfitted samples per dimension */
    double drift;       /* mean sum of y over unfitted samples, per dimension */
    double noise;       /* rms of z . w */
    double absorptions; /* how often the last unfitted sample became fitted */
    double end_noise;   /* geometric mean of |w| / sqrt(d) at these instants; NaN where there were none */
} ch_box_averages;

/** A time ends early after so many absorptions. The rate of absorption is then known to 16 %, which is enough, since it
 *  rises over many decades. */
enum { CH_BOX_MOST_ABSORPTIONS = 40 };

/** Simulates the box at a density for a time, s held fixed. Where it is absorbed, it goes on from a state that it had
 *  at an earlier time, chosen at random, so that the averages are those of boxes that are not absorbed yet (their
 *  quasi-stationary law; Aldous, Flannery and Palacios 1988).
 *  @param relax    time before the averages begin
 *  @param measure  time of the averages; both times end early at CH_BOX_MOST_ABSORPTIONS
 *  @param watch    its stop flag ends the simulation after any kick, and the averages are then of no use; may be NULL
 *  @return false where the box is absorbed again and again without a sample that becomes unfitted; the averages are
 *          then those up to there, and `time` is 0 where they had not begun */
bool ch_box_follow(ch_box *self, double density, double relax, double measure, const ch_watch *watch,
                   ch_box_averages *averages);

/** Simulates the end of one training: s grows with every kick, from a density on, until the box is absorbed.
 *  @param density          q at the start
 *  @param samples_per_dim  P / d, which sets how fast s grows
 *  @param density_end      out: q at the end
 *  @return the time until then */
double ch_box_grow(ch_box *self, double density, double samples_per_dim, double *density_end);

#endif
