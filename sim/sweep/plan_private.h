/* plan_private.h — lists of values and the axes that a plan is the product of. Private to sim/sweep/. */
#ifndef CH_PLAN_PRIVATE_H
#define CH_PLAN_PRIVATE_H

#include "sim/sweep/plan.h"

/** The values that a setting takes in a sweep. */
typedef struct {
    ch_value *items; /* [count] the values; owned */
    size_t count, capacity;
    char **texts; /* [num_texts] the texts that the values of a setting that is a text point to; owned */
    size_t num_texts, texts_capacity;
} ch_values;

/** Parses a value, a comma-separated list or a range, and appends its values to `values`.
 *
 *  ch_plan_set describes ranges.
 *
 *  @return CH_OK, CH_ERROR_INPUT (the message has the setting's name and the text), CH_ERROR_MEMORY */
ch_code ch_values_parse(ch_values *values, const ch_setting *row, const char *text, ch_error *err) CH_MUST_CHECK;

/** Removes values that are equal to an earlier one, and keeps the order of the others.  @return CH_OK, CH_ERROR_MEMORY
 */
ch_code ch_values_merge(ch_values *values, ch_error *err) CH_MUST_CHECK;
void ch_values_free(ch_values *values);

/** One factor of the product of lists: settings that vary together, all with the same number of values. */
typedef struct ch_plan_axis {
    size_t length;
    size_t *settings;  /* [num_settings] indices in the table of settings; owned */
    ch_values *values; /* [num_settings] lists of `length` values each; owned */
    size_t num_settings;
} ch_plan_axis;

/** Makes an axis of `num_settings` settings that have no values yet.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_plan_axis_init(ch_plan_axis *self, size_t num_settings, ch_error *err) CH_MUST_CHECK;
void ch_plan_axis_free(ch_plan_axis *self);

/** Adds an axis. The plan takes over the arrays of `axis`, and `axis` is empty afterwards, also after a failure.
 *  @return CH_OK; CH_ERROR_INPUT when a setting of the axis has its values already, when a setting has no value, when
 *      the settings have different numbers of values, or when the number of runs overflows; CH_ERROR_MEMORY */
ch_code ch_plan_add(ch_plan *self, ch_plan_axis *axis, ch_error *err) CH_MUST_CHECK;

/** Adds a block to a plan without axes. The plan takes over the block, which is empty afterwards, also after a failure.
 *  @return CH_OK; CH_ERROR_INPUT when the number of runs overflows; CH_ERROR_MEMORY */
ch_code ch_plan_add_block(ch_plan *self, ch_plan *block, ch_error *err) CH_MUST_CHECK;

#endif
