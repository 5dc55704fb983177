/* plots.h — figures of a fit, one page for each group of runs. They are drawn by gnuplot 5.4 or newer. */
#ifndef CH_PLOTS_H
#define CH_PLOTS_H

#include "fit/named.h"
#include "sim/store/results.h"
#include "sim/store/store.h"

#include <stdio.h>

/** The format of figures. */
typedef enum { CH_PLOT_PDF, CH_PLOT_SVG, CH_PLOT_PNG, CH_PLOT_FORMATS } ch_plot_format;

/** The format of a name, "pdf", "svg" or "png".
 *  @return CH_OK; CH_ERROR_INPUT for any other name */
ch_code ch_plot_format_parse(const char *name, ch_plot_format *format, ch_error *err) CH_MUST_CHECK;

/** The style of figures. All zero is the default: a PDF of 17.8 cm. */
typedef struct {
    ch_plot_format format;
    double width;  /* of a page in cm, from CH_PLOT_LEAST_WIDTH to CH_PLOT_MOST_WIDTH; panels stand in one column where
                      it is under 13, else in two. Letters are scaled with panels: they have 7 points where a column is
                      8.9 cm wide. 0: 17.8, or 8.9 for a single panel */
    char panel;    /* a letter from 'a': this panel alone, of the pages that have it; 0: whole pages */
    bool has_data; /* the numbers of each figure are written beside it, as CSV */
    bool has_runs; /* points of an SVG name their runs: over each mean over data sets lies an invisible point with a
                      hypertext such as "train=1024 temp=0.5" */
} ch_plot_style;

#define CH_PLOT_LEAST_WIDTH 4
#define CH_PLOT_MOST_WIDTH  100

/* A figure's numbers are in a file of its name that ends in .csv: a header, and then a row for each point that is
 * drawn. Its columns are the panel's letter, the kind of the row, the curve, x, y, lo, hi, the extent along x, the
 * value that a colour stands for, the number of data sets of a mean, and whether it is a bound; a field is empty where
 * the point has no such number. The name of the file is printed after that of the figure. */

/** Reads the width of a page: "8.6cm", "86mm", "3.4in", or a number of centimetres.
 *  @return CH_OK; CH_ERROR_INPUT for anything else, and for widths out of range */
ch_code ch_plot_width_parse(const char *text, double *width, ch_error *err) CH_MUST_CHECK;

/** Reads the letter of a panel, a to f.  @return CH_OK; CH_ERROR_INPUT for anything else */
ch_code ch_plot_panel_parse(const char *text, char *panel, ch_error *err) CH_MUST_CHECK;

/** Makes sure that figures can be written into `directory`; makes its last level when it is missing.
 *  @return CH_OK; CH_ERROR_INPUT when it cannot be made, is no directory or cannot be written */
ch_code ch_plot_directory(const char *directory, ch_error *err) CH_MUST_CHECK;

/** Draws one page for every group into an existing directory, e.g. perceptron-chi0-dim128.pdf; a single panel goes
 *  into perceptron-chi0-dim128-b.pdf.
 *
 *  A new page replaces an older one of its name only once it is complete.
 *
 *  @param names  the path of each file is printed here when the file is there, one a line; NULL for silence
 *  @return CH_OK; CH_ERROR_INPUT when the directory cannot be written; CH_ERROR_IO when gnuplot is missing or fails;
 *          CH_ERROR_MEMORY; CH_ERROR_INTERRUPTED when the watch of the fit's options ends the drawing
 */
ch_code ch_plot_fit(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                    ch_error *err) CH_MUST_CHECK;

/** Draws a page for every group whose weight change or training time collapses (fit/collapse/collapse.h), e.g.
 *  perceptron-chi0-dim128-collapse.pdf: the curves before and after, and the points over the master curve. Groups that
 *  have neither collapse get no page. All else is as for ch_plot_fit. */
ch_code ch_plot_collapse(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                         ch_error *err) CH_MUST_CHECK;

/** Draws a page for every group whose test error was measured at more than one (P, T), e.g.
 *  perceptron-chi0-dim128-error.pdf: the test error against T with a curve for every P, and against P with a curve for
 *  some T. All else is as for ch_plot_fit. */
ch_code ch_plot_test_error(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                           ch_error *err) CH_MUST_CHECK;

/** Draws a page for every phase diagram of the fit (fit/phase/phase.h), e.g.
 *  mlp-datasign-chi0-dim16-train1024-phase.pdf: maps of test error, relative weight variation and kernel change over
 *  (alpha, T), those that were measured, with the end of the lazy regime and T_opt. All else is as for ch_plot_fit. */
ch_code ch_plot_phase(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                      ch_error *err) CH_MUST_CHECK;

/** Draws a page for every plane of batch and rate of the fit (fit/regimes/regimes.h), e.g.
 *  perceptron-chi1-dim64-train2048-regimes.pdf: maps of weight change, training time and test error over (B, eta) with
 *  the borders between the regimes, measured and predicted. All else is as for ch_plot_fit. */
ch_code ch_plot_regimes(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                        ch_error *err) CH_MUST_CHECK;

/** Draws a page for every such plane, e.g. perceptron-chi1-dim64-train2048-batches.pdf: the weight change against the
 *  batch at some temperatures, and at some rates, with the fitted law and what theory predicts. All else is as for
 *  ch_plot_fit. */
ch_code ch_plot_batches(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                        ch_error *err) CH_MUST_CHECK;

/** Draws a page for all planes of groups that differ in the batch alone, where two P or more have a B*, e.g.
 *  perceptron-chi1-dim64-batch_collapse.pdf: y / T against B, and y / (T P^gamma) against B / P^gamma, in which the
 *  planes of all P should lie on one curve. All else is as for ch_plot_fit. */
ch_code ch_plot_batch_collapse(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                               ch_error *err) CH_MUST_CHECK;

/** Draws one page for the runs of each group, P and T that have fluctuations (fit/spectra/spectra.h), e.g.
 *  mlp-…-fluctuations.pdf: the variance of the weights along principal directions, by layer.
 *  @return as ch_plot_fit */
ch_code ch_plot_spectra(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                        ch_error *err) CH_MUST_CHECK;

/** Draws a page for every network that has its linearised twin in the fit (fit/twins/lazy.h), e.g.
 *  mlp-datamnist_parity-twin.pdf: weight change and test error of both, and the ratios of weight change and training
 *  time with the end of the lazy regime. All else is as for ch_plot_fit. */
ch_code ch_plot_lazy(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                     ch_error *err) CH_MUST_CHECK;

/** Draws a page for every group with recorded trajectories, e.g. perceptron-chi0-dim128-training.pdf: loss, unfitted
 *  samples, test error, weight change, kernel change, signal and noise against t, as far as they were measured. Of the
 *  largest P at most ten T are drawn, one run for each, on the first data set.
 *
 *  @param store  the store that the fit's runs were read from; trajectories are read only for the runs drawn
 *  All else is as for ch_plot_fit; CH_ERROR_IO also when the store cannot be read. */
ch_code ch_plot_training(const ch_fit *fit, ch_store *store, const char *directory, const ch_plot_style *style,
                         FILE *names, ch_error *err) CH_MUST_CHECK;

/** Draws a page for every group with runs whose curvature was measured, e.g. mlp-train2048-batch16-curvature.pdf: batch
 *  sharpness and lambda_max against the step, in units of 2 / eta, or with momentum mu and weight decay of
 *  2 (1 + mu) / eta - weight_decay; and the trace of the Hessian. The runs and all else are as for ch_plot_training. */
ch_code ch_plot_curvature(const ch_fit *fit, ch_store *store, const char *directory, const ch_plot_style *style,
                          FILE *names, ch_error *err) CH_MUST_CHECK;

/** Draws a page for every group with recorded trajectories of data that have a teacher, e.g.
 *  perceptron-chi0-dim128-boundary.pdf: the mean distance of unfitted samples from the teacher's plane against
 *  lambda = s / r, beside theory's for fresh samples where there is one, and against t. The runs and all else are as
 *  for ch_plot_training. */
ch_code ch_plot_boundary(const ch_fit *fit, ch_store *store, const char *directory, const ch_plot_style *style,
                         FILE *names, ch_error *err) CH_MUST_CHECK;

/** How a chart shows the spread of data sets around their mean. */
typedef enum {
    CH_BAND_SE,   /* bars of one standard error */
    CH_BAND_CI,   /* a band, the 95 % interval by Student's t */
    CH_BAND_SD,   /* a band of one standard deviation between data sets */
    CH_BAND_RUNS, /* each run as a dot */
} ch_chart_band;

/** The most curves that a chart has. */
enum { CH_CHART_MOST_CURVES = 40 };

/** A figure of the user's choice: a result of runs against a setting, with a curve for every value of another setting.
 */
typedef struct {
    size_t x;          /* row of the settings' table: a number */
    size_t by;         /* row of that table; CH_SETTINGS_STORED: one curve */
    ch_result y;       /* a real or a count */
    bool has_log;      /* log_x was given; else x is logarithmic unless some run's is 0 or less */
    bool log_x, log_y; /* axes; means over a logarithmic y are geometric */
    ch_chart_band band;
} ch_chart;

/** A figure of numbers of a fit: one for every group of runs, against a setting that the runs of a group share, or
 *  against another number of the fit. */
typedef struct {
    size_t x;                    /* row of the settings' table; CH_SETTINGS_STORED: x is a number */
    const ch_fit_name *x_number; /* NULL where x is a setting */
    const ch_fit_name *y;
    size_t by;         /* row of the settings' table; CH_SETTINGS_STORED: one curve */
    bool has_log;      /* the next two were given; else an axis of a setting other than chi is logarithmic where it
                          spans a factor of eight or more, and y where it is a temperature */
    bool log_x, log_y; /* axes */
    bool has_errors;   /* error bars are one standard error; else they are 95 % intervals */
} ch_number_chart;

/** Reads the name of a number for the y axis of a chart, and a setting or the name of a number for its x axis.
 *  "density_chi" is the number chi_density.
 *  @return CH_OK; CH_ERROR_INPUT, also for a number that exists once for every definition of T_c, as tc, and where one
 *      is of groups and the other of phase diagrams */
ch_code ch_number_chart_parse(ch_number_chart *chart, const char *x, const char *y, ch_error *err) CH_MUST_CHECK;

/** Draws numbers of a fit into Y-X-by-BY.FORMAT, e.g. gamma-chi-by-dim.pdf: each with its interval, theory's as a
 *  dashed line where there is any, and what is expected at these P and d as a dotted one.
 *  @param num_left_out  out: groups, or P or alpha of them, that have no such number or none that the axes can show
 *  @return as ch_plot_fit; CH_ERROR_INPUT also where nothing can be shown, where there would be too many curves, and
 *      where numbers at one x of one curve are of groups that differ, whose difference is named */
ch_code ch_plot_numbers(const ch_fit *fit, const ch_number_chart *chart, const char *directory,
                        const ch_plot_style *style, FILE *names, size_t *num_left_out, ch_error *err) CH_MUST_CHECK;

/** Read the parts of a chart from text. x and by are names of settings, y is the name of a result, log is "x", "y",
 *  "x,y" or "none", and band is "se", "ci", "sd" or "runs".
 *  @return CH_OK; CH_ERROR_INPUT for other names, with those that are accepted */
ch_code ch_chart_x_parse(const char *text, ch_chart *chart, ch_error *err) CH_MUST_CHECK;
ch_code ch_chart_y_parse(const char *text, ch_chart *chart, ch_error *err) CH_MUST_CHECK;
ch_code ch_chart_by_parse(const char *text, ch_chart *chart, ch_error *err) CH_MUST_CHECK;
ch_code ch_chart_log_parse(const char *text, ch_chart *chart, ch_error *err) CH_MUST_CHECK;
ch_code ch_chart_band_parse(const char *text, ch_chart_band *band, ch_error *err) CH_MUST_CHECK;

/** Draws a chart of runs into Y-X-by-BY.FORMAT, e.g. test_error-temp-by-train.pdf. Runs of one data set are averaged
 *  first. Diverged runs, and those without the result, are left out; an open triangle says that a budget ended a run.
 *  @param names  the path of the file is printed here; NULL for silence
 *  @param watch  its stop flag ends the drawing; or NULL
 *  @param num_left_out  out: runs that are not shown, because they diverged, or have no such result, or one that has no
 *                       place on a logarithmic axis
 *  @return as ch_plot_fit; CH_ERROR_INPUT also where no run can be shown, where there would be too many curves, and
 *  where runs at one x of one curve differ in another setting than their seeds, which is named */
ch_code ch_plot_chart(const ch_run_table *table, const ch_chart *chart, const char *directory,
                      const ch_plot_style *style, FILE *names, const ch_watch *watch, size_t *num_left_out,
                      ch_error *err) CH_MUST_CHECK;

/** A figure of the user's choice along training: a quantity of the points of trajectories against time or step, with a
 *  curve for every value of a setting. */
typedef struct {
    ch_result x, y;    /* of a point: time or step; a real or a count */
    size_t by;         /* row of the settings' table; CH_SETTINGS_STORED: one curve */
    bool log_x, log_y; /* axes */
    ch_chart_band band;
} ch_course_chart;

/** Whether a word for the x axis asks for a figure along training: "time" or "step". */
bool ch_course_is_x(const char *text);

/** Reads the quantities of both axes, by the names that columns of points have.
 *  @return CH_OK; CH_ERROR_INPUT for other names, with those that are accepted */
ch_code ch_course_parse(ch_course_chart *chart, const char *x, const char *y, ch_error *err) CH_MUST_CHECK;

/** Draws the mean course of runs into Y-X-by-BY.FORMAT, e.g. signal-time-by-train.pdf. Runs of one data set are
 *  averaged first. Between its points a run has the value on the straight line over ln x; a fitted run keeps its last
 *  value, since its gradient is zero; any other run that has ended is in the mean no more, and the line is dashed from
 *  there. With CH_BAND_RUNS each run is a thin line.
 *  @param table  with points (ch_store_select)
 *  @param num_left_out  out: runs that have no point with the quantity
 *  @return as ch_plot_chart */
ch_code ch_plot_course(const ch_run_table *table, const ch_course_chart *chart, const char *directory,
                       const ch_plot_style *style, FILE *names, const ch_watch *watch, size_t *num_left_out,
                       ch_error *err) CH_MUST_CHECK;

/** Draws the mean courses of a group's recorded runs with ch_plot_course, a curve for each T: weight change, test error
 *  and unfitted samples, panels 'a' to 'c' of the style. Runs are those of the largest P at the T of ch_plot_training,
 *  at most 30 of a T. Nothing is drawn where no T has two. Names of files are the same for all groups: draw one at a
 *  time.
 *  @param store  that the fit's runs were read from
 *  @return as ch_plot_training */
ch_code ch_plot_mean_training(const ch_fit *fit, ch_store *store, const char *directory, const ch_plot_style *style,
                              FILE *names, ch_error *err) CH_MUST_CHECK;

#endif
