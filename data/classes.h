/* classes.h — which labels of a data set are +1 and which are -1: "even vs odd", "3 vs 7", "0,1,2 vs rest".
 *
 * A rule has two sides with the word "vs" between them. The labels of the first side become +1 and those of the second
 * -1; samples with any other label are left out. A side is
 *   a list of integers, "3" or "0,1,2";
 *   "even" or "odd";
 *   "rest", all labels that the other side has not;
 *   "larger" opposite to "smaller", for data that have two labels whatever they are.
 */
#ifndef CH_CLASSES_H
#define CH_CLASSES_H

#include "core/core.h"

#include <stddef.h>
#include <stdint.h>

enum {
    CH_CLASSES_SIZE = 64, /* bytes of a rule as text, with its terminating zero */
    CH_MOST_LISTED = 30,  /* integers on one side */
    CH_MOST_LABELS = 1000 /* different labels of a data set */
};

/** The kinds of sides, in the order of the list above. */
typedef enum { CH_SIDE_LIST, CH_SIDE_EVEN, CH_SIDE_ODD, CH_SIDE_REST, CH_SIDE_LARGER, CH_SIDE_SMALLER } ch_side_kind;

/** One side of a rule. */
typedef struct {
    ch_side_kind kind;
    size_t count;                   /* of a list */
    int64_t listed[CH_MOST_LISTED]; /* ascending */
} ch_side;

/** A rule. It is plain data. */
typedef struct {
    ch_side sides[2]; /* of +1 and of -1 */
} ch_classes;

/** The labels of a data set, and how many samples have each. */
typedef struct {
    size_t count;
    int64_t labels[CH_MOST_LABELS]; /* ascending */
    size_t samples[CH_MOST_LABELS];
} ch_label_counts;

/** Reads a rule. Spaces around its words and commas do not count.
 *  @return CH_OK; CH_ERROR_INPUT for any other text, for a label that is on both sides, and for a rule that
 *      ch_classes_write could not write */
ch_code ch_classes_parse(ch_classes *self, const char *text, ch_error *err) CH_MUST_CHECK;

/** Writes a rule so that equal rules have equal texts: one space around "vs", lists ascending and without repetitions.
 */
void ch_classes_write(const ch_classes *self, char text[CH_CLASSES_SIZE]);

/** +1, -1, or 0 for a label that is left out. `counts` are the labels of the data set, for "larger vs smaller". */
int8_t ch_classes_sign(const ch_classes *self, const ch_label_counts *counts, int64_t label);

/** Counts the samples of both sides.
 *  @param total  out: the number of samples that a side has
 *  @return CH_OK; CH_ERROR_INPUT where a side has no sample, or where "larger vs smaller" meets data with other than
 *  two labels. The sentence names the labels that there are */
ch_code ch_classes_check(const ch_classes *self, const ch_label_counts *counts, size_t *total,
                         ch_error *err) CH_MUST_CHECK;

/** Counts labels.
 *  @param labels  [num_samples]
 *  @return CH_OK; CH_ERROR_INPUT for more than CH_MOST_LABELS different labels */
ch_code ch_label_counts_init(ch_label_counts *self, const int64_t *labels, size_t num_samples,
                             ch_error *err) CH_MUST_CHECK;

#endif
