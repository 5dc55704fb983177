/* target.h — how narrow intervals are to be, and with how many data sets they are.
 *
 * A target is a number of a fit and half the length that its 95 % interval may have. A sweep with targets is fitted
 * again and again, with more data sets each time, and ends by the rule of ch_target_decide. Definitions:
 * docs/theory.md.
 */
#ifndef CH_FIT_TARGET_H
#define CH_FIT_TARGET_H

#include "fit/named.h"

/** A number, and how narrow its interval is to be. */
typedef struct {
    const ch_fit_name *name; /* not owned */
    double width;     /* half the length of the 95 % interval: in units of the number, or as a share of its size */
    bool is_relative; /* it is a share */
} ch_target;

enum { CH_TARGETS_MOST = 16 };

/** The targets of a sweep, each name once. */
typedef struct {
    ch_target items[CH_TARGETS_MOST];
    size_t count;
} ch_target_list;

/** Reads targets, as "gamma=0.01,tc_onset=5%": names of numbers of a fit, and half of an interval's length, positive.
 *
 *  A number that exists at every P or alpha is meant at all of them (named.h).
 *
 *  @return CH_OK; CH_ERROR_INPUT with what was written and what is accepted */
ch_code ch_target_list_parse(ch_target_list *self, const char *text, ch_error *err) CH_MUST_CHECK;

/** The name of a target's number, e.g. "gamma"; not owned. */
const char *ch_target_word(const ch_target *self);

/** What a fit says of one target in one group of runs, or in one phase diagram. Of a number that exists at several P or
 *  alpha it is the one that is furthest from its target. */
typedef struct {
    const ch_target *target; /* borrowed */
    char what[96];           /* the number, and where it exists several times which: "tc_onset at P = 2^10" */
    char group[256];         /* the group's label (ch_fit_group_label) */
    ch_estimate estimate;
    size_t num_sets;    /* data sets that the group has */
    double width;       /* half the length of the 95 % interval; NaN where there is none */
    double wanted;      /* the target: the largest `width` that meets it */
    double needed;      /* number of data sets with which it is expected to be met; NaN where this is not known */
    bool is_met;        /* width <= wanted */
    bool is_absent;     /* the fit has no such number, or no interval, and does not know which data sets it takes */
    size_t num_found;   /* how many such numbers there are, at several P or alpha */
    size_t num_outside; /* T_c, T_opt, … that lie outside the sampled T: they have no interval, and need none */
} ch_target_state;

/** The states of all targets in all groups, by target and then by group. */
typedef struct {
    ch_target_state *items; /* [count]; owned */
    size_t count, capacity;
} ch_target_states;

/** Compares a fit with the targets. Collapses and phase diagrams are made where a target is one of their numbers.
 *  @param self     out: to be freed with ch_target_states_free, also after a failure
 *  @param targets  must outlive the states
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_target_look(ch_target_states *self, const ch_target_list *targets, const ch_fit *fit,
                       ch_error *err) CH_MUST_CHECK;
void ch_target_states_free(ch_target_states *self);

/** The number of data sets with which half of an interval is expected to be `wanted`: its error falls with their number
 *  n as 1/sqrt(n), and Student's t for n - 1 degrees of freedom falls with it.
 *  @param width  half of the interval with `num_sets` of them
 *  @return at least 2, a whole number; NaN where `width` is NaN, `wanted` is not over 0, or `num_sets` is under 2 */
double ch_target_needed(double width, double wanted, size_t num_sets);

/** The least number of data sets of a sweep with targets: with fewer the width of an interval is mostly chance. */
enum { CH_TARGET_LEAST_SETS = 10 };

/** How far a sweep with targets has come. */
typedef struct {
    size_t first;    /* data sets of the first fit, at least CH_TARGET_LEAST_SETS */
    size_t limit;    /* the most data sets, at least `first` */
    size_t num_sets; /* data sets now */
    bool was_met;    /* all targets were met by the last fit, and data sets were added since then to confirm it */
} ch_target_course;

/** How a sweep with targets goes on, or why it ends. */
typedef enum {
    CH_TARGET_GOES_ON,  /* `num_sets` of the course is the number of data sets to go on with */
    CH_TARGET_REACHED,  /* all intervals are as narrow as they should be */
    CH_TARGET_LOST,     /* all intervals are that narrow but those of targets that are given up (ch_target_is_lost) */
    CH_TARGET_AT_LIMIT, /* there are as many data sets as there may be, and some interval is wider */
} ch_target_verdict;

/** Whether a target is given up: the fit has no such number, which more data sets do not change; or the number has no
 *  interval, and had none with half as many data sets or fewer. */
bool ch_target_is_lost(const ch_target_course *course, const ch_target_state *state);

/** Decides how a sweep goes on from what its fit says.
 *
 *  An interval that happens to be too narrow would end a sweep too early, and would hold the truth too seldom.
 *  Therefore targets that are met for the first time are confirmed with half as many fresh data sets, and must be met
 *  again with these. Where they are not met, there are as many data sets more as ch_target_needed expects, at least a
 *  quarter of those there are and at most as many. A number without an interval takes twice as many.
 *
 *  @param course  the next number of data sets and `was_met` are set where the sweep goes on */
ch_target_verdict ch_target_decide(ch_target_course *course, const ch_target_states *states);

#endif
