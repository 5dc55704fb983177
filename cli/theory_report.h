/* theory_report.h — what `chiton theory` was asked for and what came out, and how it is printed. Not part of the
 * library. */
#ifndef CH_THEORY_REPORT_H
#define CH_THEORY_REPORT_H

#include "cli/theory_critical.h"
#include "cli/theory_finite.h"
#include "perceptron/online.h"

#include <stdio.h>

typedef struct {
    ch_settings settings; /* resolved, once something is computed: those of the first P and T */
    ch_plan lists;        /* values of train, and of temp or rate; owned */
    bool online;          /* more than --chi was given */
    double until;         /* time to follow the online ODE to */
    ch_perceptron_theory theory;
    ch_online_prediction prediction;
    ch_online_point *points; /* [num_points]; owned */
    size_t num_points, capacity;
    ch_theory_finite finite;
    ch_theory_critical critical; /* of several P or T */
} ch_theory_report;

/** Whether several P or T were given: then there is no online trajectory. */
bool ch_theory_is_grid(const ch_theory_report *self);

/** Prints constants, and where more than --chi was given predictions and trajectory, or the table over P and T. */
void ch_theory_report_print(const ch_theory_report *self, FILE *out);

/** Prints the trajectory, or the table over P and T. */
void ch_theory_report_print_csv(const ch_theory_report *self);

/** Prints all of it as one object.  @return CH_OK, CH_ERROR_MEMORY, CH_ERROR_IO */
ch_code ch_theory_report_print_json(const ch_theory_report *self, ch_error *err) CH_MUST_CHECK;

#endif
