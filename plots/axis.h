/* axis.h — an axis: the range of what is drawn, and its tick marks. Private to plots/. */
#ifndef CH_AXIS_H
#define CH_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Range of the values seen so far; empty while lo > hi. Axes are logarithmic unless they are said to be linear. */
typedef struct {
    double lo, hi;
    bool is_linear;
} ch_axis;

static const ch_axis CH_AXIS_EMPTY = {1, 0, false};

/** Widens the range to a value. Values that are not finite, or on a logarithmic axis not positive, have no place on it
 *  and are ignored. */
void ch_axis_include(ch_axis *self, double value);

bool ch_axis_is_empty(const ch_axis *self);

/** The usual least span: it holds two powers of two. */
#define CH_AXIS_SPAN 4.0

/** Widens a range to at least the factor `span`, and some margin beyond, within 10^-305 … 10^305. */
void ch_axis_finish(ch_axis *self, double span);

/** How the tick marks of an axis are labelled. */
typedef enum {
    CH_SCALE_POWERS,  /* powers of two below two decades, else powers of ten */
    CH_SCALE_BINARY,  /* powers of two */
    CH_SCALE_PERCENT, /* shares, written in percent: 1, 2 and 5 times powers of ten, or these powers alone */
} ch_axis_scale;

/** The most labels that an axis usually has, and the most that any axis can have. */
enum { CH_AXIS_LABELS = 8, CH_AXIS_MOST_LABELS = 32 };

/** The values that ch_axis_write labels with the same `most` > 0, ascending.  @return their number */
size_t ch_axis_labels(const ch_axis *self, ch_axis_scale scale, int most, double labels[CH_AXIS_MOST_LABELS]);

/** Writes a value as the labels of a scale do: a share in percent with three digits, "3" for 0.03; else a power of ten
 *  or two as such, and other numbers with three digits. 64 bytes are enough. */
void ch_axis_label_text(ch_axis_scale scale, double value, char *text, size_t size);

/** Writes the range and tick marks of axis `name` ("x", "y" or "cb"). A range of under CH_AXIS_SPAN has round numbers
 *  in the place of powers.
 *  @param most  the largest number of labels, at least three; 0 for tick marks without labels */
void ch_axis_write(const ch_axis *self, FILE *out, const char *name, ch_axis_scale scale, int most);

#endif
