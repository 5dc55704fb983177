/* theory_finite.h — the part of `chiton theory` that says what is expected of training sets of finite size. Not part of
 * the library. */
#ifndef CH_THEORY_FINITE_H
#define CH_THEORY_FINITE_H

#include "cli/cli.h"
#include "perceptron/finite/family.h"

#include <stdio.h>

/** What is expected at one P and T. */
typedef struct {
    ch_settings settings; /* resolved */
    ch_finite_end end;    /* all NaN where nothing can be said */
    ch_error refusal;     /* why nothing can be said, in words; its code is CH_OK where there is `end` */
} ch_theory_cell;

/** The slope of the logarithm of an expected value, by least squares over the P (or the T) of the cells. */
typedef struct {
    const char *name; /* as in `chiton fit`: delta, gamma, time_delta, b */
    double expected;  /* mean over the other of both, T (or P); NaN where fewer than two cells have a value */
    double theory;    /* the limit P -> infinity */
} ch_theory_exponent;

enum { CH_THEORY_EXPONENTS = 4 };

typedef struct {
    size_t num_trains, num_temps;
    ch_theory_cell *cells; /* [num_trains][num_temps]; owned */
    ch_theory_exponent exponents[CH_THEORY_EXPONENTS];
    size_t num_exponents;
    ch_finite_point *way; /* [num_way] the way at the times of the online ODE, of the only cell; owned */
    size_t num_way;
} ch_theory_finite;

/** Resolves the settings of all P and T; expects nothing yet.
 *  @param settings  not resolved; train and temp or rate are taken from `lists` where it has them
 *  @param lists     values of train, and of temp or rate
 *  @return CH_OK; CH_ERROR_INPUT for settings that are refused; CH_ERROR_MEMORY */
ch_code ch_theory_finite_init(ch_theory_finite *self, const ch_settings *settings, const ch_plan *lists,
                              ch_error *err) CH_MUST_CHECK;
void ch_theory_finite_free(ch_theory_finite *self);

/** Finds what is expected at all P and T, the exponents over them, and, where there is one P and T, the way there.
 *  Progress is shown on standard error while tables of boxes are made; SIGINT and SIGTERM end that.
 *  @param theory  the limit, for comparison
 *  @param points  [num_points] whose times the way is asked for
 *  @return CH_OK, also where nothing can be said at some P and T; CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED */
ch_code ch_theory_finite_compute(ch_theory_finite *self, const ch_perceptron_theory *theory,
                                 const ch_online_point *points, size_t num_points, ch_error *err) CH_MUST_CHECK;

/** In which respects what is expected is less accurate at some of these P and T; each sentence once.
 *  @return their number */
size_t ch_theory_finite_cautions(const ch_theory_finite *self, const char *cautions[CH_FINITE_MOST_CAUTIONS]);

/** Prints the table of expected values and exponents. */
void ch_theory_finite_print(const ch_theory_finite *self, FILE *out);

/** Prints the same as CSV, a row a P and T. */
void ch_theory_finite_print_csv(const ch_theory_finite *self);

/** Adds `finite`, `cautions`, `exponents` where there are some, and `finite_way` where there is one.
 *  @return 0, or -1 when memory is short */
int ch_theory_finite_add_json(const ch_theory_finite *self, json_t *json);

/** The columns that the way adds to the online trajectory. */
enum { CH_THEORY_WAY_COLUMNS = 3 };
extern const char *const ch_theory_way_columns[CH_THEORY_WAY_COLUMNS];
void ch_theory_way_row(const ch_finite_point *point, double values[CH_THEORY_WAY_COLUMNS]);

#endif
