/* numbers.h — the numbers that a fit can have: one table of their names, symbols, laws and limits.
 *
 * Everything that names a number takes it from here: options that hold numbers, the reports for people and for
 * programs, figures. A new kind of number is a new row.
 */
#ifndef CH_FIT_NUMBERS_H
#define CH_FIT_NUMBERS_H

#include "fit/results.h"

/** A kind of number: its names, its law, and the values that it may be held to. */
typedef struct {
    const char *name;   /* in JSON, CSV and options, e.g. "time_delta" */
    const char *symbol; /* for people where it is correlated with another, e.g. "δ_t"; "ln c", as ln c is fitted */
    const char *law;    /* its law in a report's table, e.g. "t* ~ T^δ_t"; NULL if it is no exponent */
    const char *figure; /* its law in a figure, e.g. "t* ∝ T^{δ_t}"; NULL for a, which figures name by its definition */
    const char *latex;          /* "$\\delta_t$"; NULL if it is no exponent */
    const char *method;         /* "slope" or "joint" where `a` is found both ways; else NULL */
    bool has_definition;        /* it exists once for every definition of T_c */
    ch_range accepted;          /* values that it may be held to; has no meaning if it cannot be held */
    const char *accepted_words; /* the same for messages; NULL if it cannot be held */
} ch_fit_number_row;

/** The table, a row for each kind in the order of the enum. */
extern const ch_fit_number_row ch_fit_numbers[CH_NUM_FIT_NUMBERS];

/** Whether the user may hold this kind of number. */
bool ch_fit_number_is_holdable(ch_fit_number number);

/** Finds the holdable kind with this name. @return whether there is one */
bool ch_fit_number_parse(const char *name, ch_fit_number *number);

/** Number of places that all numbers take in one replica of the bootstrap: those without a definition of T_c take one
 *  place, the others one for every definition. The T_c at each P come after them. */
size_t ch_fit_number_slots(void);

/** The place of a number in a replica. @param definition  CH_NUM_TC for a kind that has none */
size_t ch_fit_number_slot(ch_fit_number number, ch_tc_definition definition);

/** The group's exponent of this kind and, for CH_FIT_A_SLOPE and CH_FIT_A, of this definition of T_c (CH_NUM_TC for
 *  the others).  @return NULL where the group has none; borrows the group */
const ch_exponent *ch_fit_find_exponent(const ch_fit_group *group, ch_fit_number number, ch_tc_definition definition);

/** The `a` of a definition of T_c that is recommended: that of the joint law, which uses all P at once; where the joint
 *  law is extrapolated, that of the line through single T_c if there is one.
 *  @return NULL where the group has none; borrows the group */
const ch_exponent *ch_fit_best_a(const ch_fit_group *group, ch_tc_definition definition);

#endif
