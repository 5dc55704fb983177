/* border.h — finds the temperatures that a sweep has to add until it knows where its runs begin to diverge.
 *
 * Groups. The runs of a plan that differ in nothing but T and seeds form a group, as those at one alpha and P. At each
 * T the share of its runs that diverged is known once they are done; the border of the group is where this share, for
 * T ascending, first is 1/2 or more. It lies between that T, called hi, and the sampled T before it, called lo.
 *
 * Bisection. As long as hi / lo is over the factor that is asked for, the T sqrt(lo hi) is added. Where no T has half
 * of its runs diverged, twice the largest T is added, and where the least T already has, half of the least one. A group
 * to which so many T have been added as there may be is given up, and so is one whose next T its runs cannot have, or
 * at which all of them failed.
 *
 * Ends. The error of a border comes from drawing the data sets again, and is not known where a drawing may have its
 * border beyond the sampled T. So where some runs diverged at the least T, half of it is added, and where some did not
 * at the largest, twice that, until none and all do or as many T are added as there may be.
 *
 * What is added follows from the runs of the plan and from those that were added before alone, so that the same steps
 * on the same store add the same T.
 *
 * A plan whose rate is given in the place of T has rates added to it, which is the same within a group. */
#ifndef CH_BORDER_H
#define CH_BORDER_H

#include "sim/sweep/sweep.h"

/** How far the border of a group is known. */
typedef enum {
    CH_BORDER_OPEN,        /* it lies in a step of T that is too wide */
    CH_BORDER_LOW_END,     /* it lies in a narrow step, and some runs diverged at the least T */
    CH_BORDER_HIGH_END,    /* it lies in a narrow step, and some runs did not diverge at the largest T */
    CH_BORDER_ABOVE,       /* it lies above all T */
    CH_BORDER_BELOW,       /* it lies below all T */
    CH_BORDER_FOUND,       /* it lies in a step of T that is narrow enough */
    CH_BORDER_WITHOUT_RUNS /* it has no run, because the plan leaves them out, or they failed */
} ch_border_state;

/** Why no T is added to a group any more, although its border is not found and the limit is not reached. */
typedef enum {
    CH_BORDER_GOES_ON,   /* T are added */
    CH_BORDER_REFUSED,   /* the next T is one that its runs cannot have */
    CH_BORDER_ALL_FAILED /* the next T was tried, and all runs at it failed */
} ch_border_obstacle;

/** The runs of a group at one T. */
typedef struct {
    double value;                    /* T, or the rate */
    uint64_t num_runs, num_diverged; /* runs that are there; those of them that diverged */
} ch_border_point;

/** One group. */
typedef struct {
    uint64_t run;            /* the first run of the plan that is in the group */
    ch_border_point *points; /* [num_points] those of the plan and those that were added, by value; owned */
    size_t num_points, capacity, num_added;
    size_t hi; /* the first point with half of its runs diverged; num_points: none has */
    size_t lo; /* the point with runs before it; num_points: there is none */
    ch_border_state state;
    ch_border_obstacle obstacle;
    double next; /* the T that is not added; set where there is an obstacle */
} ch_border_group;

/** All groups of a plan. */
typedef struct {
    const ch_plan *plan;     /* borrowed */
    ch_border_group *groups; /* [num_groups]; owned */
    size_t num_groups, capacity;
    double factor;  /* the largest hi / lo of a border that is known well enough, > 1 */
    size_t limit;   /* the most T that are added to a group */
    ch_plan added;  /* the runs that were added: a block for every T of every group; no axes and no blocks: none */
    size_t *owners; /* [added.num_blocks] the groups of these blocks; owned */
    size_t owners_capacity;
} ch_border_list;

/** Lists the groups of a plan.
 *  @param self  out: to be freed with ch_border_list_free, also after a failure; the plan must outlive it
 *  @return CH_OK; CH_ERROR_INPUT where T or a seed varies together with a setting that is no seed, or neither a T nor a
 *          rate is given; CH_ERROR_MEMORY */
ch_code ch_border_list_init(ch_border_list *self, const ch_plan *plan, double factor, size_t limit,
                            ch_error *err) CH_MUST_CHECK;
void ch_border_list_free(ch_border_list *self);

/** Looks at the runs that a store has, and sets the shares and states of all groups.
 *  @param is_whole  out: whether all runs of the plan that can be done are there, and all that were added
 *  @return as ch_sweep_select */
ch_code ch_border_look(ch_border_list *self, ch_store *store, bool *is_whole, ch_error *err) CH_MUST_CHECK;

/** Adds a T to every group whose border is not found and that has not reached the limit, or sets its obstacle.
 *  @param num_grown  out: the number of groups to which one was added
 *  @return CH_OK, CH_ERROR_INPUT where the number of runs overflows, CH_ERROR_MEMORY */
ch_code ch_border_grow(ch_border_list *self, size_t *num_grown, ch_error *err) CH_MUST_CHECK;

/** Whether no T is added to a group any more although its border is not found. */
bool ch_border_is_lost(const ch_border_list *self, const ch_border_group *group);

/** The setting whose values are added, CH_SETTING_TEMP or CH_SETTING_RATE, to the group of a run of the plan. */
size_t ch_border_setting(const ch_plan *plan, uint64_t run);

/** Writes what tells a group from the others: the settings of the plan that have several values, as "alpha = 2^-4,
 *  train = 2^10". */
void ch_border_label(const ch_border_list *self, const ch_border_group *group, char *text, size_t size);

#endif
