/* definition.h — a definition of T_c: its name, how T_c is found by it, and what reports say about it. Private to
 * fit/.
 *
 * A new definition is a new name in ch_tc_definition (options.h), a file with its row, and that row below and in the
 * table of critical.c. Options, reports, the bootstrap and the fit of `a` take it from there. */
#ifndef CH_FIT_DEFINITION_H
#define CH_FIT_DEFINITION_H

#include "fit/table/cells.h"
#include "perceptron/perceptron.h"

/** What T_c at one P is found from. All pointers are borrowed. */
typedef struct {
    const ch_fit_group *group; /* with window and power laws of the table */
    const ch_fit_options *options;
    size_t train;              /* index of the P in group->trains */
    const ch_cell_mean *means; /* [num_cells] of the table, or of a replica */
    const double *copies;      /* [num_data_sets] times that a replica drew each data set; NULL for the table */
    const ch_tc *of_table;     /* T_c of the table, for a replica; NULL for the table itself */
    double delta;              /* exponent of ||Dw|| that the onset is found with; NaN: it is fitted */
    ch_range sharpness;        /* range of m of the onset */
} ch_tc_input;

/** One definition. */
typedef struct {
    const char *name;  /* in options and reports */
    const char *needs; /* for a note: what a P needs before its T_c can be found */
    size_t rank;       /* place of its `a` among the exponents of a report, from 0 */
    bool is_optional;  /* no note says that there is no T_c, unless it is the only definition that is wanted */

    /** Makes the working space of `find` for one thread and one P. It is called once, with the table's input (means
     *  are not read).
     *  @param workspace  out: NULL where nothing is needed, or where the P has too few points
     *  @return CH_OK, CH_ERROR_MEMORY */
    ch_code (*init)(void **workspace, const ch_tc_input *input, ch_error *err);
    /** Releases it; NULL where init makes nothing. */
    void (*free)(void *workspace);
    /** Finds T_c.
     *  @param crossover  out: what T_c was read from, for an onset inside the temperatures; else not set
     *  @param log_temp   out: ln T_c, or of the bound; NaN for NONE */
    ch_tc_place (*find)(void *workspace, const ch_tc_input *input, ch_crossover *crossover, double *log_temp);

    /** The number of data sets that it takes to tell T_c, or its bound, from noise; 0 where it is not known. It is
     *  asked for the table alone, after `find`. NULL where a definition does not ask. */
    double (*count_needed)(void *workspace, const ch_tc_input *input);

    /** Writes a title, e.g. "T_c by error_shift (10 %)". */
    void (*describe)(const ch_fit_options *options, char *text, size_t size);
    /** Adds a note on the T_c that were found, or on there being none. The member is NULL where there is nothing to
     *  say.
     *  @param is_found  T_c lies inside or under the temperatures at some P */
    ch_code (*note)(ch_fit_group *group, const ch_fit_options *options, bool is_found, ch_error *err);
    /** Theory's exponent a of T_c ~ P^-a; NaN where there is none. */
    double (*theory)(const ch_perceptron_theory *theory);
} ch_tc_rule;

/** The definitions: onset.c, escape.c, error_shift.c and error_half.c. */
extern const ch_tc_rule ch_tc_by_onset, ch_tc_by_escape, ch_tc_by_error_shift, ch_tc_by_error_half;

#endif
