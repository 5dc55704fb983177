/* candidates.h — the samples that can be unfitted while the student stays near where it is.
 *
 * Two bounds tell which can not:
 *   the noise's reach (ch_reach): z . w >= s v - r |z_perp|, a prefix of the order by v / |z_perp|;
 *   a reference w': z . w >= z . w' - |w - w'| |z|, once all margins at w' are known. It pays where steps are small
 *   beside the margin kappa, so that the student stays near the reference for long.
 */
#ifndef CH_CANDIDATES_H
#define CH_CANDIDATES_H

#include "perceptron/perceptron.h"

typedef struct {
    const ch_perceptron *student; /* borrowed */
    const ch_reach *reach;        /* of its training set; borrowed */
    const uint32_t *list;         /* [count] the candidates, in any order; NULL: all samples are */
    uint32_t count;
    uint32_t *own;     /* [P] room for a list that is not the head of the reach's order; owned */
    double bound;      /* they hold while no key over it is within reach */
    double radius;     /* and while |w - reference| <= radius; infinite where the reach alone tells */
    double *reference; /* [stride] owned */
    uint64_t *bits;    /* [P / 64, rounded up] 0 but while a list is put into the order of memory; owned */
    float *excess;     /* [P] m - kappa of the first samples of `reach`, when last computed; owned */
} ch_candidates;

/** No candidates yet: call ch_candidates_reach.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_candidates_init(ch_candidates *self, const ch_perceptron *student, const ch_reach *reach,
                           ch_error *err) CH_MUST_CHECK;
void ch_candidates_free(ch_candidates *self);

/** Samples that the noise reaches from where the student is, with some room for it to grow. */
uint32_t ch_candidates_num_reached(const ch_candidates *self);

/** Takes all that the noise reaches; all samples where those are over half of them.
 *  @param exactly  without room for it to grow: the list will not hold for long, but is the shortest */
void ch_candidates_reach(ch_candidates *self, bool exactly);

/** The list, to be permuted. */
uint32_t *ch_candidates_own_list(ch_candidates *self);

/** Whether the student is still where the candidates are known to hold, and no much shorter list would do. */
bool ch_candidates_hold(const ch_candidates *self);

/** How a list is used, to find the length that is cheapest; costs in any one unit. */
typedef struct {
    double updates;              /* while which the student moved from the reference to where it is */
    double draws;                /* of candidates in those updates, for every candidate there was */
    double draw_cost, look_cost; /* of drawing a candidate, and of a margin when all are looked at one by one */
} ch_candidates_use;

/** Marks the place that `use` tells of. */
void ch_candidates_set_reference(ch_candidates *self);

/** Looks at all margins within reach, and takes those that can become unfitted within the radius that makes updates
 *  cheapest; where that is not much cheaper than all within reach, it takes those.
 *  @param use  since the reference was set; it is set anew here
 *  @return whether a radius was chosen */
bool ch_candidates_narrow(ch_candidates *self, const ch_candidates_use *use);

/** The unfitted among the candidates, by looking at them all, into `unfitted` [count].  @return their number */
uint32_t ch_candidates_find_unfitted(ch_candidates *self, uint32_t *unfitted);

#endif
