/* close.h — the close set: the samples whose margins are close to kappa, for steps that take many unfitted samples.
 * Private to perceptron/.
 *
 * With large batches every step takes a part of all unfitted samples, late in a run some 30 to 300, and moves the
 * weights by little. Most margins are then so far from kappa that many steps cannot bring them there. Every sample
 * whose slack (m - kappa) / T is at most `reach` has a slot; slots have rows and columns of a Gram matrix of their own,
 * which is small. The slacks of a step are brought up to date by one pass over the sum of its rows, in whole numbers of
 * one quantum. The weights are not moved at every step: it is counted how often each slot kicked them.
 *
 *   A look    makes the weights from these counts, and from them the slack of every slot, and decides in double which
 *             slots are unfitted. It comes when a slack is too close to 0 for its error, and when the steps since the
 *             last look may have brought a sample without a slot to kappa.
 *   A refresh is a look at all listed samples, and chooses the slots anew. It comes when the weights have moved by half
 *             of `reach` since the last refresh. The list has the samples whose slack was at most 16 times `reach` when
 *             it was made. From time to time a refresh is a look at all samples that the screening index does not
 *             rule out, and makes the list anew.
 *
 * Let V be the sum of z over the samples that a step takes. A step moves the slack of no sample by more than
 * |V| max |z|, and |V|^2 is the sum, over these samples, of what the step adds to their slacks.
 */
#ifndef CH_CLOSE_H
#define CH_CLOSE_H

#include "perceptron/bits.h"
#include "perceptron/gram.h"
#include "perceptron/perceptron.h"
#include "perceptron/screening.h"

struct ch_snapshot;

/** The most unfitted samples, so that a sum of their rows stays within 32 bits. */
enum { CH_CLOSE_MOST_UNFITTED = 960 };

typedef struct {
    ch_perceptron *student; /* borrowed */
    const ch_screen *screen;
    ch_gram *gram;      /* the active set's, of which only the copies of samples are used and made; borrowed */
    double quantum;     /* z . z' is quantum x entry, up to the error below; slacks are in quanta as well */
    double entry_error; /* as that of ch_gram, in quanta */
    double temperature; /* T */
    uint32_t most;      /* number of slots that there is room for, a multiple of CH_GRAM_BLOCK */
    uint32_t count;     /* number of slots in use: the first ones */
    uint32_t bounded;   /* samples that the screening index did not rule out at the last refresh */
    int32_t *entries;   /* [most][most + 16] Gram matrix of the slots; 0 in columns that are not in use; owned */
    uint32_t *places;   /* [most] place (perceptron/gram.h) of the sample of a slot; owned */
    uint32_t *slot_of;  /* [P] slot of the sample at a place plus 1; 0 without a slot; owned */
    int32_t *slacks;    /* [most] in quanta; 2^30 in slots that are not in use; owned */
    int32_t *change;    /* [most] what the present step adds to them; owned */
    ch_bits *unfitted;  /* [most / 64] which slots are unfitted; owned */
    uint32_t num_unfitted;
    uint32_t *kicks; /* [most] how often a slot was taken since the last look; owned */
    double *base;    /* [stride] the weights at the last look; owned */
    double *origin;  /* [stride] the weights at the last refresh; owned */
    /* The samples that may have slots while |w - far_origin| and the reach together are at most `far_reach`. */
    uint32_t *listed; /* [P] their places, ascending; owned */
    uint32_t num_listed;
    double *far_origin; /* [stride] the weights when they were listed; owned */
    double far_reach;   /* in units of T max |z| */
    double *margins; /* [P] margins of the listed samples at the last refresh, by place; infinite for others; owned */
    double reach;    /* slack up to which samples have slots, in units of max |z|^2 */
    double path;     /* bound on |w - origin|, in units of T max |z| */
    double error;    /* bound on the error of every slack, in quanta */

    /* For batches of more than half of the samples: the sum of the rows of the slots in `summed`, which were the
     * unfitted ones of some earlier step. A step adds the rows of slots that have changed since, and subtracts those of
     * the unfitted samples that its batch lacks. */
    bool keeps_sum;
    int32_t *sum;    /* [most] owned */
    ch_bits *summed; /* [most / 64] owned */
    uint32_t *flips; /* [2][most] to work in; owned */

    /* Costs since the last refresh, in units of 16 multiply-adds: of steps, of looks and of the refresh; and of the
     * same steps by bounding (perceptron/active.h). */
    double stepping, looking, bounding;
    double credit; /* what the set may still lose against bounding before it is given up */
} ch_close_set;

/** @param student  its weights are what ch_close_set_write moves; borrowed
 *  @param gram     borrowed
 *  @return NULL when memory is short */
ch_close_set *ch_close_set_new(ch_perceptron *student, const ch_screen *screen, ch_gram *gram) CH_MUST_CHECK;
void ch_close_set_free(ch_close_set *self);

/** Bytes of memory for P samples of dimension d. */
size_t ch_close_set_bytes(size_t num_samples, size_t dim);

/** What a step of `rows` rows costs by bounding `bounded` samples, in units of 16 multiply-adds. */
double ch_close_bounding_cost(double rows, double bounded);

/** Chooses the slots at the student's w.
 *  @param most_cost  what their Gram matrix may cost, in units of 16 multiply-adds
 *  @param step_cost  what a step may cost, in the same units: what one costs the engine otherwise
 *  @return false where they are expected to cost more, where there are too many of them, too many unfitted samples, or
 *  where T is too small for slacks to be precise in double */
bool ch_close_set_begin(ch_close_set *self, double most_cost, double step_cost) CH_MUST_CHECK;

/** The unfitted slots, ascending.
 *  @param slots  out: [num_unfitted] */
void ch_close_set_list(const ch_close_set *self, uint32_t *slots);

/** Takes a step: adds the rows of the first `count` of the unfitted slots.
 *  @param slots  [num_unfitted] all unfitted slots
 *  @return false when the set cannot be kept any longer. The step is taken all the same, and ch_close_set_write is to
 *          be called. */
bool ch_close_set_step(ch_close_set *self, const uint32_t *slots, uint32_t count) CH_MUST_CHECK;

/** Writes the present w to the student's weights. What follows does not depend on when this is called. */
void ch_close_set_write(ch_close_set *self);

/** Writes a close set that has begun into a snapshot, or reads it, in place of ch_close_set_begin. */
void ch_close_set_exchange(ch_close_set *self, struct ch_snapshot *snapshot);

#endif
