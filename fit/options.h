/* options.h — what is to be fitted and how, and which numbers the user holds. */
#ifndef CH_FIT_OPTIONS_H
#define CH_FIT_OPTIONS_H

#include "core/core.h"
#include "core/watch.h"

#include <stdbool.h>

/** The kinds of numbers that a fit can have. numbers.h has a row for each: name, symbol, law, what it may be held to.
 *  The ones from CH_FIT_A_SLOPE on exist once for every definition of T_c. */
typedef enum {
    CH_FIT_DELTA,      /* ||Dw|| ~ T^delta */
    CH_FIT_GAMMA,      /* ||Dw|| ~ P^gamma */
    CH_FIT_TIME_DELTA, /* t* ~ T^time_delta */
    CH_FIT_B,          /* t* ~ P^b */
    CH_FIT_A_SLOPE,    /* T_c ~ P^-a, by a line through the ln T_c that were found at each P */
    CH_FIT_A,          /* a of the joint law T_c = c P^-a, which is fitted to all P at once */
    CH_FIT_C,          /* c of the joint law */
    CH_FIT_SHARPNESS,  /* m of the onset: that of the joint law, or at each P */
    CH_NUM_FIT_NUMBERS
} ch_fit_number;

/** Definitions of T_c. critical.h has a row for each: its name, and how T_c is found by it. */
typedef enum { CH_TC_ONSET, CH_TC_ESCAPE, CH_TC_ERROR_SHIFT, CH_TC_ERROR_HALF, CH_NUM_TC } ch_tc_definition;

/** "onset", "escape", "error_shift" or "error_half". */
const char *ch_tc_definition_name(ch_tc_definition definition);

/** Finds the definition with this name; "error" is error_shift.  @return whether there is one */
bool ch_tc_definition_parse(const char *name, ch_tc_definition *definition);

/** Writes the names of all definitions, e.g. "onset, escape, error_shift or error_half".
 *  @param between, last  what stands between two names, and before the last one */
void ch_tc_definition_list(char *text, size_t size, const char *between, const char *last);

/** lo <= x <= hi; a fixed number where both are equal. */
typedef struct {
    double lo, hi;
} ch_range;

/** What a number is held to: a range, or another number y as offset + factor y. */
typedef struct {
    ch_range range; /* infinite for no bound */
    bool is_tied;   /* it follows `other`, and the range has no meaning: time_delta and b can follow delta or gamma, and
                       the m at each P can follow that of the joint law */
    ch_fit_number other; /* what a tied number follows */
    double offset, factor;
} ch_fit_constraint;

/** What is to be fitted, and how. ch_fit_options_default fills it. */
typedef struct {
    bool wanted[CH_NUM_TC]; /* the definitions by which T_c is to be found */
    double threshold;       /* for escape: the relative weight variation ||Dw|| / ||w0|| at T_c; positive */
    double shift;           /* for error_shift: by how much ln of the test error has changed at T_c, 0.001 … 10 */
    double sigmas;          /* a note names a change of the test error by so many standard errors, 1 … 30 */
    size_t replicas;        /* bootstrap replicas, 2 … 1,000,000 */
    uint64_t seed;          /* of the bootstrap */
    int threads;            /* at least 1; does not change a bit of the result */
    ch_fit_constraint constraints[CH_NUM_FIT_NUMBERS]; /* A and SHARPNESS: of the joint law by onset */
    bool expects;           /* also find what theory expects at these P and T, which takes tables of boxes */
    const char *box_folder; /* of files of these tables (perceptron/finite/box_file.h); NULL: none; borrowed */
    const ch_watch *watch;  /* gets the number of replicas done; its stop flag ends the fit; borrowed; may be NULL */
} ch_fit_options;

/** Sets the defaults: T_c by every definition, threshold 1, shift 0.1, 3 sigmas, 1,000 replicas, seed 0, all threads,
 *  nothing held, and no watch. */
void ch_fit_options_default(ch_fit_options *self);

/** Hold numbers to what a list says, in which each number stands once at most.
 *
 *  A list for _fix is "delta=1,b=2". One for _bound is "gamma=0:2,b=1:"; either end may be left out. One for _tie is
 *  "time_delta=delta,b=1+2*gamma", that is NAME=[C+][K*]OTHER with time_delta or b for NAME and delta or gamma for
 *  OTHER; or it is "sharpness=joint".
 *
 *  Held numbers are held in every replica, so that the errors of the other numbers are those given the held ones. The
 *  window is chosen without them. Under bounds the laws are the exact constrained minimum. A tied exponent takes its
 *  value from the law of ||Dw||, which does not look at t*; a tied sharpness at each P takes that of the joint law.
 *
 *  @return CH_OK, or CH_ERROR_INPUT with what was written and what is accepted */
ch_code ch_fit_options_fix(ch_fit_options *self, const char *list, ch_error *err) CH_MUST_CHECK;
ch_code ch_fit_options_bound(ch_fit_options *self, const char *list, ch_error *err) CH_MUST_CHECK;
ch_code ch_fit_options_tie(ch_fit_options *self, const char *list, ch_error *err) CH_MUST_CHECK;

/** Checks that every option is in its range. ch_fit_init calls it.
 *  @return CH_OK, or CH_ERROR_INPUT with the option, its value and what is accepted */
ch_code ch_fit_options_check(const ch_fit_options *self, ch_error *err) CH_MUST_CHECK;

#endif
