/* plan.h — a sweep: a product of lists of values, or several, read from options and YAML files. */
#ifndef CH_PLAN_H
#define CH_PLAN_H

#include "core/watch.h"
#include "sim/settings/settings.h"

#include <stddef.h>
#include <stdint.h>

/** A sweep. Its runs have the numbers 0 to num_runs − 1; the values of the last axis change fastest. */
typedef struct ch_plan {
    struct ch_plan *blocks; /* [num_blocks] sweeps of which this one has the runs, one after the other; owned */
    size_t num_blocks, blocks_capacity;
    char *name;                /* of a block; owned; NULL: it is none */
    struct ch_plan_axis *axes; /* [num_axes] the factors of the product, where there are no blocks; owned */
    size_t num_axes, capacity;
    uint64_t given;    /* bit i says that setting i of the table has its values */
    uint64_t num_runs; /* the number of runs: the product of the lengths of the axes */
    bool skip_invalid; /* whether combinations that cannot be run are left out; otherwise they are refused */
    bool retries;      /* whether runs that the store has as failed are made again; otherwise they are left out */
    uint64_t part, num_parts; /* which part of the sweep is to be done, from 1, and of how many; 0: all of it */
    const char *data_dir;     /* folder of image data for runs whose data_dir has no value; NULL: none; borrowed */
    ch_stop *stop;            /* the flag that ends the listing of its runs; NULL: none; borrowed */
} ch_plan;

/** Makes an empty plan, which has one run with all settings at their defaults. */
void ch_plan_init(ch_plan *self);
void ch_plan_free(ch_plan *self);

/** Gives a setting its values, as an axis of its own, in every block where there are blocks. They replace the values of
 *  an axis that had this setting alone. Equal values count once.
 *
 *  A range includes both ends. 2^-15..2^2 is every power of two between them, and any other base is accepted too; 0..4
 *  is every integer; 1e-3..1 x 7 is seven points in geometric progression. Points of a setting that counts something
 *  are rounded to integers, and points that round to the same integer are one value. A list has at most 10^7 values.
 *
 *  @param text  a value, a comma-separated list, or a range
 *  @return CH_OK; CH_ERROR_INPUT, also when the setting is in a zip group or the number of runs overflows;
 *      CH_ERROR_MEMORY */
ch_code ch_plan_set(ch_plan *self, size_t setting, const char *text, ch_error *err) CH_MUST_CHECK;

/** Chooses one of several parts of a sweep. Which runs it has follows from the plan alone (sim/sweep/sweep.h).
 *  @param text  "K/N", with K from 1 to N <= 10^6
 *  @return CH_OK, CH_ERROR_INPUT */
ch_code ch_plan_set_part(ch_plan *self, const char *text, ch_error *err) CH_MUST_CHECK;

/** Reads a sweep from a YAML file. The file is a mapping from names of settings to a value, a range, or a list of
 *  values and ranges. The key `zip` has a mapping of settings that vary together, or a list of such mappings. Equal
 *  values of a setting count once, except under `zip`. Several such mappings, called blocks, are a list, or a list
 *  under the key `sweeps` beside the mapping `defaults`. A block may have a `name`, and has the defaults of settings
 *  that it does not give itself.
 *  @return CH_OK; CH_ERROR_INPUT with file, line and column in the message; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_plan_read(ch_plan *self, const char *path, ch_error *err) CH_MUST_CHECK;

/** The setting whose values are the data sets of a sweep: seed_data where it has values, otherwise seed. */
size_t ch_plan_data_setting(const ch_plan *self);

/** The number of data sets of a sweep: of values of that setting, 1 where it has none. */
size_t ch_plan_num_data_sets(const ch_plan *self);

/** Gives a sweep `count` data sets: the first of those that it has, and further ones whose seeds are the numbers after
 *  the largest one. All other settings stay as they are, so that runs of data sets that it has are the same runs.
 *  @param count  at least 1
 *  @return CH_OK; CH_ERROR_INPUT where the setting varies together with another one, a seed would be over 2^63 - 1, or
 *      the number of runs overflows; CH_ERROR_MEMORY */
ch_code ch_plan_set_data_sets(ch_plan *self, size_t count, ch_error *err) CH_MUST_CHECK;

/** The values of one setting of a plan. */
typedef struct {
    size_t setting;         /* index in the table of settings */
    const ch_value *values; /* [count] borrowed from the plan */
    size_t count;
    size_t axis; /* number of the axis that it is on; settings on one axis vary together */
} ch_plan_list;

/** The values of the plan's setting number `index`, in the order of the axes.
 *  @return false when there are fewer settings */
bool ch_plan_list_at(const ch_plan *self, size_t index, ch_plan_list *list);

/** Whether the plan's stop flag is still 0.  @return CH_OK; CH_ERROR_INTERRUPTED where it was raised */
ch_code ch_plan_check_stop(const ch_plan *self, ch_error *err) CH_MUST_CHECK;

/** The name of the block that has run `index` < num_runs.  @return borrowed; NULL where there are no blocks */
const char *ch_plan_block_name(const ch_plan *self, uint64_t index);

/** Writes the settings of run `index` < num_runs, which are not resolved yet. */
void ch_plan_get(const ch_plan *self, uint64_t index, ch_settings *settings);

#endif
