/* target_private.h — the names of the numbers that may be targets. Private to fit/. */
#ifndef CH_FIT_TARGET_PRIVATE_H
#define CH_FIT_TARGET_PRIVATE_H

#include "fit/target.h"

/** Kinds of numbers by where they stand. `which` chooses among those of a kind. */
typedef enum {
    CH_TARGET_EXPONENT,  /* ch_fit_number */
    CH_TARGET_A,         /* ch_tc_definition, as for the next three: the recommended a (ch_fit_best_a) */
    CH_TARGET_PREFACTOR, /* c of the joint law */
    CH_TARGET_SHARPNESS, /* m of the joint law */
    CH_TARGET_TC,        /* T_c at every P */
    CH_TARGET_CHI_GAMMA, /* numbers of ch_effective_chi, which have no `which` */
    CH_TARGET_CHI_B,
    CH_TARGET_B_EXCESS,
    CH_TARGET_CHI_DENSITY,
    CH_TARGET_WEIGHT_SHAPE, /* ch_trend_shape, as for the next */
    CH_TARGET_TIME_SHAPE,
    CH_TARGET_COLLAPSE_X, /* ch_collapse_quantity, as for the next */
    CH_TARGET_COLLAPSE_A,
    CH_TARGET_PHASE, /* ch_target_phase */
} ch_target_kind;

/** Numbers of a phase diagram: two slopes, and four temperatures at every alpha. */
typedef enum {
    CH_TARGET_K,
    CH_TARGET_MAX_SLOPE,
    CH_TARGET_TEMP_OPT,
    CH_TARGET_TEMP_MAX,
    CH_TARGET_BORDER,
    CH_TARGET_KERNEL_BORDER
} ch_target_phase;

struct ch_target_name {
    const char *name;
    ch_target_kind kind;
    int which; /* CH_NUM_TC: by every definition */
};

#endif
