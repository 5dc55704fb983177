/* plan.h — a sweep: the product of lists of values, read from options and YAML files. */
#ifndef CH_PLAN_H
#define CH_PLAN_H

#include "sim/settings/settings.h"

#include <stddef.h>
#include <stdint.h>

/** The values a setting takes in a sweep. */
typedef struct {
    ch_value *items; /* [count], owned */
    size_t count, capacity;
    char *text; /* that the one item of a text row points to; owned */
} ch_values;

/** Parses a value, a comma-separated list, or a range, and appends what it says to `values`.
 *
 *  Ranges, both ends included: 2^-15..2^2 (every power of two; any base), 0..4 (every integer), 1e-3..1 x 7 (seven
 *  points, geometric; for a count rounded to integers, those that coincide being one). At most 10^7 values.
 *
 *  @return CH_OK, CH_ERROR_INPUT (with the row's name and the text), CH_ERROR_MEMORY
 */
ch_code ch_values_parse(ch_values *values, const ch_setting *row, const char *text, ch_error *err) CH_MUST_CHECK;

/** Drops values that repeat an earlier one, keeping the order.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_values_merge(ch_values *values, ch_error *err) CH_MUST_CHECK;
void ch_values_free(ch_values *values);

/** One factor of the product: settings that vary together, all with the same number of values. */
typedef struct {
    size_t length;
    size_t *settings;  /* [num_settings] rows of the table; owned */
    ch_values *values; /* [num_settings] of `length` items each; owned */
    size_t num_settings;
} ch_plan_axis;

/** An axis of `num_settings` settings without values yet.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_plan_axis_init(ch_plan_axis *self, size_t num_settings, ch_error *err) CH_MUST_CHECK;
void ch_plan_axis_free(ch_plan_axis *self);

/** A sweep: runs are numbered 0 … num_runs − 1, the last axis fastest. */
typedef struct {
    ch_plan_axis *axes; /* [num_axes], owned */
    size_t num_axes, capacity;
    uint64_t given;       /* bit i: row i of the table has its values */
    uint64_t num_runs;    /* product of the axes' lengths */
    const char *data_dir; /* folder of image data where no value says; NULL: none. Borrowed */
} ch_plan;

/** An empty plan: one run of all defaults. */
void ch_plan_init(ch_plan *self);
void ch_plan_free(ch_plan *self);

/** Adds an axis; takes over its arrays and leaves it empty, on failure too.
 *  @return CH_OK; CH_ERROR_INPUT when a setting has its values already, one has none, their numbers differ, or the
 *          product overflows; CH_ERROR_MEMORY */
ch_code ch_plan_add(ch_plan *self, ch_plan_axis *axis, ch_error *err) CH_MUST_CHECK;

/** Gives a setting its values, as an axis of its own; replaces those it had alone. Repeated values count once.
 *  @return CH_OK, CH_ERROR_INPUT (also: the setting is in a zip group, the product overflows), CH_ERROR_MEMORY */
ch_code ch_plan_set(ch_plan *self, size_t setting, const char *text, ch_error *err) CH_MUST_CHECK;

/** Reads a YAML file: a mapping from settings to a value, a range or a list of those; `zip:` takes a mapping, or a
 *  list of mappings, of settings that vary together. Repeated values of a setting count once, outside `zip:`.
 *  @return CH_OK; CH_ERROR_INPUT with file, line and column in the message; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_plan_read(ch_plan *self, const char *path, ch_error *err) CH_MUST_CHECK;

/** The settings of run `index` < num_runs, not yet resolved. */
void ch_plan_get(const ch_plan *self, uint64_t index, ch_settings *settings);

#endif
