/* named.h — the numbers of a fit by their names: exponents, T_c, effective chi, shapes, collapses, phase diagrams. */
#ifndef CH_FIT_NAMED_H
#define CH_FIT_NAMED_H

#include "fit/fit.h"

/** Kinds of numbers by where they stand. `which` of a name chooses among those of a kind. */
typedef enum {
    CH_NAMED_EXPONENT,  /* ch_fit_number */
    CH_NAMED_A,         /* ch_tc_definition, as for the next three: the recommended a (ch_fit_best_a) */
    CH_NAMED_PREFACTOR, /* c of the joint law */
    CH_NAMED_SHARPNESS, /* m of the joint law */
    CH_NAMED_TC,        /* T_c at every P */
    CH_NAMED_CHI_GAMMA, /* numbers of ch_effective_chi, which have no `which` */
    CH_NAMED_CHI_B,
    CH_NAMED_B_EXCESS,
    CH_NAMED_CHI_DENSITY,
    CH_NAMED_WEIGHT_SHAPE, /* ch_trend_shape, as for the next */
    CH_NAMED_TIME_SHAPE,
    CH_NAMED_COLLAPSE_X, /* ch_collapse_quantity, as for the next */
    CH_NAMED_COLLAPSE_A,
    CH_NAMED_PHASE, /* ch_named_phase */
} ch_named_kind;

/** Numbers of a phase diagram: its powers at small and at large alpha, and four temperatures at every alpha. */
typedef enum {
    CH_NAMED_K,
    CH_NAMED_MAX_SLOPE,
    CH_NAMED_TEMP_OPT,
    CH_NAMED_TEMP_MAX,
    CH_NAMED_BORDER,
    CH_NAMED_KERNEL_BORDER,
    CH_NAMED_K_LARGE,
    CH_NAMED_MAX_SLOPE_LARGE
} ch_named_phase;

/** A name, and what it names. It is that of `fit --json`; where the number has a definition, a shape or a quantity
 *  there, that follows after an underscore, as in a_escape or x_time. */
typedef struct {
    const char *name;
    ch_named_kind kind;
    int which; /* CH_NUM_TC: by every definition */
} ch_fit_name;

/** Finds a name.  @return NULL where no number has it; not owned */
const ch_fit_name *ch_fit_name_find(const char *name);

/** Writes all names, as "delta, gamma, …"; 704 bytes are enough. */
void ch_fit_name_list(char *text, size_t size);

/** A number with a name, in one group or phase diagram, at one P or alpha where it exists at each. */
typedef struct {
    size_t place;                /* which group of the fit, or which diagram */
    const ch_settings *key;      /* the settings of its runs; borrowed */
    char label[256];             /* what tells the group or the diagram from others (ch_fit_group_label) */
    size_t num_sets;             /* data sets that the group has */
    bool is_found;               /* the fit has the number; where it is false, the members below have no meaning */
    bool is_outside;             /* it lies outside of the sampled T, and the value is a bound or NaN */
    ch_estimate estimate;        /* of a T_c that noise hides all NaN */
    double theory, expected;     /* the limit of large P, and what is expected at these P and d; NaN: none */
    double needed;               /* data sets that would show a T_c which noise hides; else NaN */
    ch_tc_definition definition; /* CH_NUM_TC where it has none */
    uint64_t train;              /* P; 0 where it is not of one P */
    double alpha;                /* NaN where it is not of one alpha */
} ch_named_number;

/** Numbers by group or diagram; one that is not found where a group has none. */
typedef struct {
    ch_named_number *items; /* [count]; owned */
    size_t count, capacity;
} ch_named_list;

/** Finds the numbers with a name in all groups, or in all phase diagrams. Collapses and diagrams are made for it.
 *  @param self  out: to be freed with ch_named_list_free, also after a failure; the fit must outlive it
 *  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_INTERRUPTED */
ch_code ch_named_list_init(ch_named_list *self, const ch_fit_name *name, const ch_fit *fit,
                           ch_error *err) CH_MUST_CHECK;
void ch_named_list_free(ch_named_list *self);

#endif
