/* candidates.h — candidates: the samples that can be unfitted while the student stays near where it is. Private to
 * perceptron/.
 *
 * Two lower bounds on a margin w . z rule samples out, z = v e + z_perp:
 *   the screening index (ch_screen), w . z >= s v - r |z_perp|: the candidates are a prefix of its order;
 *   a reference w' at which all margins are known, w . z >= w' . z - |w - w'| |z|: the candidates are the samples of
 *   that prefix whose margin at w' is under kappa + radius max |z|, and stay so while |w - w'| <= radius. Such a list
 * is much shorter where steps are small beside kappa, so that the student stays near the reference for many updates.
 */
#ifndef CH_CANDIDATES_H
#define CH_CANDIDATES_H

#include "perceptron/perceptron.h"
#include "perceptron/screening.h"

struct ch_snapshot;
struct ch_quantised_weights; /* perceptron/quantised.h */

typedef struct {
    const ch_perceptron *student; /* borrowed */
    const ch_screen *screen;      /* index of the training set; borrowed */
    const uint32_t *list;         /* [count] candidates, in any order: screen->order or `own`; NULL: all samples */
    uint32_t count;
    uint32_t *own;     /* [P] room for a list that is not a prefix of the index's order; owned */
    double bound;      /* the list holds while ch_screen_bound is at most this */
    double radius;     /* and while |w - reference| is at most this; infinite without a reference */
    double *reference; /* w' [stride]; owned */
    uint64_t *bits;    /* [P / 64 + 1] a bit for each sample, set only while a list is being sorted; owned */
    float *excess; /* [P] m - kappa of the candidates, in the order of the list that they were computed for; owned */
} ch_candidates;

/** All samples are candidates until ch_candidates_screen is called.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_candidates_init(ch_candidates *self, const ch_perceptron *student, const ch_screen *screen,
                           ch_error *err) CH_MUST_CHECK;
void ch_candidates_free(ch_candidates *self);

/** Writes the list into a snapshot, or reads it. */
void ch_candidates_exchange(ch_candidates *self, struct ch_snapshot *snapshot);

/** Number of samples that the index does not rule out now, nor while its bound grows by up to a tenth. */
uint32_t ch_candidates_num_screened(const ch_candidates *self);

/** Makes the candidates those that the index does not rule out; all samples where they are more than half of them.
 *  @param exactly  false: the list also holds while the bound grows by up to a tenth. true: it holds only until the
 *                  bound grows, but is the shortest list. */
void ch_candidates_screen(ch_candidates *self, bool exactly);

/** The list [count] in memory of its own, whose order the caller may change. */
uint32_t *ch_candidates_own_list(ch_candidates *self);

/** Whether the list still has every sample that can be unfitted, and a new one by the index would not be much shorter.
 */
bool ch_candidates_hold(const ch_candidates *self);

/** How a list has been used, for the choice of the cheapest radius. All costs are in one unit, which may be any. */
typedef struct {
    double updates;   /* since the reference was set */
    double draws;     /* candidates drawn in these updates, each counted as 1 / (number of candidates then) */
    double draw_cost; /* of drawing a candidate and computing its margin */
    double look_cost; /* of a margin where those of all samples are computed one after the other */
} ch_candidates_use;

/** Makes the student's w the reference. */
void ch_candidates_set_reference(ch_candidates *self);

/** Makes a list by distance from a new reference, the student's w: computes the margins of all samples that the index
 *  does not rule out, chooses the radius by which an update is expected to cost least, and takes the samples that can
 *  be unfitted within it. Where no radius makes updates at least 30 % cheaper than the index's list, it takes that.
 *  @param use  use of the last list, since the last reference was set
 *  @return whether a radius was chosen */
bool ch_candidates_narrow(ch_candidates *self, const ch_candidates_use *use);

/** Finds the unfitted samples among all candidates. Margins are computed in double, but for those that are surely over
 *  kappa. Sorts the list by index.
 *  @param rounded   the student's weights
 *  @param unfitted  out: [count] indices of the unfitted samples, ascending
 *  @return their number */
uint32_t ch_candidates_find_unfitted(ch_candidates *self, const struct ch_quantised_weights *rounded,
                                     uint32_t *unfitted);

#endif
