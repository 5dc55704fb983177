/* plan.h — a sweep: the product of lists of values, read from options and YAML files. */
#ifndef CH_PLAN_H
#define CH_PLAN_H

#include "sim/settings/settings.h"

#include <stddef.h>
#include <stdint.h>

/** The values that a setting takes in a sweep. */
typedef struct {
    ch_value *items; /* [count] the values; owned */
    size_t count, capacity;
    char *text; /* the text that the only value of a setting of type text points to; owned */
} ch_values;

/** Parses a value, a comma-separated list or a range, and appends its values to `values`.
 *
 *  A range includes both ends. 2^-15..2^2 is every power of two between them, and any other base is accepted too; 0..4
 *  is every integer; 1e-3..1 x 7 is seven points in geometric progression. Points of a setting that counts something
 *  are rounded to integers, and points that round to the same integer are one value. A list has at most 10^7 values.
 *
 *  @return CH_OK, CH_ERROR_INPUT (the message has the setting's name and the text), CH_ERROR_MEMORY */
ch_code ch_values_parse(ch_values *values, const ch_setting *row, const char *text, ch_error *err) CH_MUST_CHECK;

/** Removes values that are equal to an earlier one, and keeps the order of the others.  @return CH_OK, CH_ERROR_MEMORY
 */
ch_code ch_values_merge(ch_values *values, ch_error *err) CH_MUST_CHECK;
void ch_values_free(ch_values *values);

/** One factor of the product of lists: settings that vary together, all with the same number of values. */
typedef struct {
    size_t length;
    size_t *settings;  /* [num_settings] indices in the table of settings; owned */
    ch_values *values; /* [num_settings] lists of `length` values each; owned */
    size_t num_settings;
} ch_plan_axis;

/** Makes an axis of `num_settings` settings that have no values yet.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_plan_axis_init(ch_plan_axis *self, size_t num_settings, ch_error *err) CH_MUST_CHECK;
void ch_plan_axis_free(ch_plan_axis *self);

/** A sweep. Its runs have the numbers 0 to num_runs − 1; the values of the last axis change fastest. */
typedef struct {
    ch_plan_axis *axes; /* [num_axes] the factors of the product; owned */
    size_t num_axes, capacity;
    uint64_t given;       /* bit i says that setting i of the table has its values */
    uint64_t num_runs;    /* the number of runs: the product of the lengths of the axes */
    const char *data_dir; /* folder of image data for runs whose data_dir has no value; NULL: none; borrowed */
} ch_plan;

/** Makes an empty plan, which has one run with all settings at their defaults. */
void ch_plan_init(ch_plan *self);
void ch_plan_free(ch_plan *self);

/** Adds an axis. The plan takes over the arrays of `axis`, and `axis` is empty afterwards, also after a failure.
 *  @return CH_OK; CH_ERROR_INPUT when a setting of the axis has its values already, when a setting has no value, when
 *      the settings have different numbers of values, or when the number of runs overflows; CH_ERROR_MEMORY */
ch_code ch_plan_add(ch_plan *self, ch_plan_axis *axis, ch_error *err) CH_MUST_CHECK;

/** Gives a setting its values, as an axis of its own. They replace the values of an axis that had this setting alone.
 *  Equal values count once.
 *  @return CH_OK; CH_ERROR_INPUT, also when the setting is in a zip group or the number of runs overflows;
 *      CH_ERROR_MEMORY */
ch_code ch_plan_set(ch_plan *self, size_t setting, const char *text, ch_error *err) CH_MUST_CHECK;

/** Reads a sweep from a YAML file. The file is a mapping from names of settings to a value, a range, or a list of
 *  values and ranges. The key `zip` has a mapping of settings that vary together, or a list of such mappings. Equal
 *  values of a setting count once, except under `zip`.
 *  @return CH_OK; CH_ERROR_INPUT with file, line and column in the message; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_plan_read(ch_plan *self, const char *path, ch_error *err) CH_MUST_CHECK;

/** Writes the settings of run `index` < num_runs, which are not resolved yet. */
void ch_plan_get(const ch_plan *self, uint64_t index, ch_settings *settings);

#endif
