/* panel_rows.h — the numbers that a panel shows, row by row, for the file of numbers beside a figure. Private to
 * plots/. */
#ifndef CH_PANEL_ROWS_H
#define CH_PANEL_ROWS_H

#include "plots/panel.h"

/** One point of a panel, in the units of its axes; test errors are shares. NaN: there is no such number. */
typedef struct {
    double x, y, lo, hi; /* (x, y) with the ends of its bar or band */
    double x_lo, x_hi;   /* the ends of a bar along x, or the edges of a cell */
    double value;        /* the value that a colour stands for */
    size_t num_sets;     /* the number of data sets in a mean; 0: it has no such number */
    int bound;           /* 1: a budget ended some run, so that the mean is a bound; 0: it is none; -1: no mean */
} ch_row;

#define CH_ROW_NONE ((ch_row){NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0, -1})

/** The columns, as the first line of the file has them. */
#define CH_ROW_COLUMNS "panel,shows,curve,x,y,lo,hi,x_lo,x_hi,value,data_sets,bound"

/** Sets the kind and the curve of the rows that follow.
 *  @param shows   the kind, e.g. "mean" or "theory"; borrowed until the next call
 *  @param format  of the curve's name, as printf's */
void ch_panel_describe(ch_panel *self, const char *shows, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Sets the curve of the rows that follow: that of one P, "train=1024", or where `train` is 0 of one T, "temp=0.5".
 *  @param shows  NULL: "mean" */
void ch_panel_describe_at(ch_panel *self, const char *shows, uint64_t train, double temp);

/** Writes a row into the figure's numbers, where they are wanted and the panel is shown. */
void ch_panel_tell(ch_panel *self, const ch_row *row);

/** Writes x, y, lo and hi into the data block at hand, and into the figure's numbers. */
void ch_panel_row(ch_panel *self, double x, double y, double lo, double hi);

#endif
