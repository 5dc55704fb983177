/* border.c — finds the temperatures that a sweep has to add until it knows where its runs begin to diverge. */
#include "sim/sweep/border.h"

#include "core/memory.h"
#include "sim/admit.h"
#include "sim/sweep/plan_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the axes of a plan ---- */

static bool is_seed(size_t setting)
{
    return setting == CH_SETTING_SEED || setting == CH_SETTING_SEED_DATA || setting == CH_SETTING_SEED_INIT ||
           setting == CH_SETTING_SEED_BATCH;
}

/* What the values of an axis do: they are T, they are seeds, or they tell groups from each other. */
typedef enum { AXIS_OF_T, AXIS_OF_SEEDS, AXIS_OF_GROUPS } axis_kind;

static axis_kind kind_of(const ch_plan_axis *axis)
{
    const size_t setting = axis->settings[0];
    return setting == CH_SETTING_TEMP || setting == CH_SETTING_RATE ? AXIS_OF_T
           : is_seed(setting)                                       ? AXIS_OF_SEEDS
                                                                    : AXIS_OF_GROUPS;
}

/* Refuses an axis on which a T or a seed varies together with what is no seed. */
static ch_code check_axis(const ch_plan_axis *axis, ch_error *err)
{
    for (size_t i = 0; i < axis->num_settings; i++) {
        const size_t first = axis->settings[0], setting = axis->settings[i];
        const bool is_temp = setting == CH_SETTING_TEMP || setting == CH_SETTING_RATE;
        if (axis->num_settings > 1 && (is_temp || is_seed(setting) != is_seed(first))) {
            const size_t other = axis->settings[i == 0];
            return ch_error_set(err, CH_ERROR_INPUT,
                                "%s varies together with %s under zip, so that temperatures cannot be added; accepted "
                                "are a temp or rate, and seeds, with lists of their own",
                                ch_settings_table[setting].name, ch_settings_table[other].name);
        }
    }
    return CH_OK;
}

static ch_code check_block(const ch_plan *block, ch_error *err)
{
    size_t num_temps = 0;
    for (size_t i = 0; i < block->num_axes; i++) {
        const ch_code code = check_axis(&block->axes[i], err);
        if (code != CH_OK) {
            return code;
        }
        num_temps += kind_of(&block->axes[i]) == AXIS_OF_T;
    }
    return num_temps == 1
               ? CH_OK
               : ch_error_set(err, CH_ERROR_INPUT, "temperatures can be added where either temp or rate is given; %s",
                              num_temps == 0 ? "neither is" : "both are");
}

/* The blocks of a plan: itself where it has none. */
static size_t count_blocks(const ch_plan *plan)
{
    return plan->num_blocks > 0 ? plan->num_blocks : 1;
}

static const ch_plan *block_at(const ch_plan *plan, size_t i)
{
    return plan->num_blocks > 0 ? &plan->blocks[i] : plan;
}

/* The block that has a run of the plan.
 * @param index  the run's number; out: its number within the block */
static const ch_plan *block_of(const ch_plan *plan, uint64_t *index)
{
    size_t i = 0;
    while (*index >= block_at(plan, i)->num_runs) {
        *index -= block_at(plan, i++)->num_runs;
    }
    return block_at(plan, i);
}

/* The place on one axis of a run of a block. The last axis is the one that changes fastest. */
static size_t place_of(const ch_plan *block, uint64_t index, size_t axis)
{
    for (size_t i = block->num_axes; --i > axis;) {
        index /= block->axes[i].length;
    }
    return (size_t)(index % block->axes[axis].length);
}

static const ch_plan_axis *axis_of_temps(const ch_plan *block, size_t *axis)
{
    for (*axis = 0; kind_of(&block->axes[*axis]) != AXIS_OF_T; (*axis)++) {
    }
    return &block->axes[*axis];
}

size_t ch_border_setting(const ch_plan *plan, uint64_t run)
{
    size_t axis;
    return axis_of_temps(block_of(plan, &run), &axis)->settings[0];
}

/* ---- the groups ---- */

static int compare_points(const void *left, const void *right)
{
    const double a = ((const ch_border_point *)left)->value, b = ((const ch_border_point *)right)->value;
    return (a > b) - (a < b);
}

/* Adds a T to a group. */
static ch_code add_point(ch_border_group *group, double value, ch_error *err)
{
    void *points = group->points;
    if (ch_grow(&points, &group->capacity, group->num_points + 1, sizeof *group->points) != 0) {
        return ch_error_memory(err, "the temperatures of a sweep");
    }
    group->points = points;
    group->points[group->num_points++] = (ch_border_point){.value = value};
    qsort(group->points, group->num_points, sizeof *group->points, compare_points);
    return CH_OK;
}

static ch_code add_group(ch_border_list *self, uint64_t run, const ch_plan_axis *temps, ch_error *err)
{
    void *groups = self->groups;
    if (ch_grow(&groups, &self->capacity, self->num_groups + 1, sizeof *self->groups) != 0) {
        return ch_error_memory(err, "the groups of a sweep");
    }
    self->groups = groups;
    ch_border_group *group = &self->groups[self->num_groups++];
    *group = (ch_border_group){.run = run};
    for (size_t t = 0; t < temps->length; t++) {
        const ch_code code = add_point(group, temps->values[0].items[t].real, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Whether a run is the first of its group: at the first T and the first seeds. */
static bool is_first(const ch_plan *block, uint64_t index)
{
    for (size_t i = 0; i < block->num_axes; i++) {
        if (kind_of(&block->axes[i]) != AXIS_OF_GROUPS && place_of(block, index, i) > 0) {
            return false;
        }
    }
    return true;
}

ch_code ch_border_list_init(ch_border_list *self, const ch_plan *plan, double factor, size_t limit, ch_error *err)
{
    uint64_t offset = 0;
    *self = (ch_border_list){.plan = plan, .factor = factor, .limit = limit};
    ch_plan_init(&self->added);
    for (size_t b = 0; b < count_blocks(plan); b++) {
        const ch_plan *block = block_at(plan, b);
        size_t axis;
        ch_code code = check_block(block, err);
        if (code != CH_OK) {
            return code;
        }
        const ch_plan_axis *temps = axis_of_temps(block, &axis);
        for (uint64_t i = 0; i < block->num_runs; i++) {
            code = is_first(block, i) ? add_group(self, offset + i, temps, err) : CH_OK;
            if (code != CH_OK) {
                return code;
            }
        }
        offset += block->num_runs;
    }
    self->added.data_dir = plan->data_dir;
    self->added.stop = plan->stop;
    self->added.skip_invalid = plan->skip_invalid;
    self->added.retries = plan->retries;
    return CH_OK;
}

void ch_border_list_free(ch_border_list *self)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        free(self->groups[g].points);
    }
    free(self->groups);
    free(self->owners);
    ch_plan_free(&self->added);
    *self = (ch_border_list){0};
}

void ch_border_label(const ch_border_list *self, const ch_border_group *group, char *text, size_t size)
{
    uint64_t index = group->run;
    const ch_plan *block = block_of(self->plan, &index);
    size_t used = (size_t)snprintf(text, size, "%s%s", self->plan->num_blocks > 0 ? "block " : "",
                                   self->plan->num_blocks > 0 ? block->name : "");
    for (size_t i = 0; i < block->num_axes; i++) {
        const ch_plan_axis *axis = &block->axes[i];
        for (size_t k = 0; k < axis->num_settings && axis->length > 1 && kind_of(axis) == AXIS_OF_GROUPS; k++) {
            const ch_setting *row = &ch_settings_table[axis->settings[k]];
            const ch_value value = axis->values[k].items[place_of(block, index, i)];
            char shown[CH_SETTING_TEXT_SIZE];
            ch_setting_show(row, value, shown, sizeof shown);
            const bool is_text = row->type == CH_TYPE_TEXT;
            used += used < size ? (size_t)snprintf(text + used, size - used, "%s%s = %s", used > 0 ? ", " : "",
                                                   row->name, is_text ? value.text : shown)
                                : 0;
        }
    }
    if (used == 0) {
        snprintf(text, size, "all runs");
    }
}

/* ---- what the runs say ---- */

static void count_run(ch_border_group *group, double value, ch_run_outcome outcome)
{
    const ch_border_point key = {.value = value};
    ch_border_point *point = bsearch(&key, group->points, group->num_points, sizeof key, compare_points);
    const bool is_there = outcome == CH_OUTCOME_DIVERGED || outcome == CH_OUTCOME_OTHER;
    point->num_runs += is_there;
    point->num_diverged += outcome == CH_OUTCOME_DIVERGED;
}

/* The group of a run: groups of a block stand in the order of their first runs. */
static ch_border_group *group_of(ch_border_list *self, const ch_plan *block, uint64_t offset, uint64_t index)
{
    uint64_t first = 0;
    for (size_t i = 0; i < block->num_axes; i++) {
        const size_t place = kind_of(&block->axes[i]) == AXIS_OF_GROUPS ? place_of(block, index, i) : 0;
        first = first * block->axes[i].length + place;
    }
    size_t lo = 0, hi = self->num_groups;
    while (hi - lo > 1) {
        const size_t middle = lo + (hi - lo) / 2;
        *(self->groups[middle].run <= offset + first ? &lo : &hi) = middle;
    }
    return &self->groups[lo];
}

/* Counts the runs of a plan: of the user's own, or of the added ones, whose blocks have owners. */
static ch_code count_runs(ch_border_list *self, const ch_plan *plan, const size_t *owners, ch_store *store,
                          bool *is_whole, ch_error *err)
{
    uint64_t offset = 0;
    ch_run_outcome *outcomes = ch_alloc((size_t)plan->num_runs, sizeof *outcomes);
    if (outcomes == NULL) {
        return ch_error_memory(err, "the list of runs");
    }
    const ch_code code = ch_sweep_outcomes(plan, store, outcomes, err);
    for (size_t b = 0; code == CH_OK && b < count_blocks(plan); b++) {
        const ch_plan *block = block_at(plan, b);
        size_t axis;
        const ch_plan_axis *temps = axis_of_temps(block, &axis);
        for (uint64_t i = 0; i < block->num_runs; i++) {
            ch_border_group *group = owners != NULL ? &self->groups[owners[b]] : group_of(self, block, offset, i);
            count_run(group, temps->values[0].items[place_of(block, i, axis)].real, outcomes[offset + i]);
            *is_whole = *is_whole && outcomes[offset + i] != CH_OUTCOME_MISSING;
        }
        offset += block->num_runs;
    }
    free(outcomes);
    return code;
}

/* Whether the sampled T of a group reach from one without to one with nothing but diverged runs. */
static ch_border_state state_of_ends(const ch_border_group *group)
{
    const ch_border_point *least = group->points, *largest = group->points + group->num_points - 1;
    while (least->num_runs == 0) {
        least++;
    }
    while (largest->num_runs == 0) {
        largest--;
    }
    return least->num_diverged > 0                     ? CH_BORDER_LOW_END
           : largest->num_diverged < largest->num_runs ? CH_BORDER_HIGH_END
                                                       : CH_BORDER_FOUND;
}

/* Finds lo, hi and the state of a group from the counts of its points. */
static void find_border(ch_border_group *group, double factor, size_t limit)
{
    group->lo = group->hi = group->num_points;
    size_t last = group->num_points;
    for (size_t i = 0; i < group->num_points && group->hi == group->num_points; i++) {
        const ch_border_point *point = &group->points[i];
        if (point->num_runs > 0 && 2 * point->num_diverged >= point->num_runs) {
            group->hi = i;
            group->lo = last;
        }
        last = point->num_runs > 0 ? i : last;
    }
    if (last == group->num_points) {
        group->state = CH_BORDER_WITHOUT_RUNS;
    } else if (group->hi == group->num_points) {
        group->lo = last;
        group->state = CH_BORDER_ABOVE;
    } else if (group->lo == group->num_points) {
        group->state = CH_BORDER_BELOW;
    } else {
        static const double ROUNDING = 1e-9;
        const double step = group->points[group->hi].value / group->points[group->lo].value;
        group->state = step > factor * (1 + ROUNDING)                                     ? CH_BORDER_OPEN
                       : group->num_added < limit && group->obstacle == CH_BORDER_GOES_ON ? state_of_ends(group)
                                                                                          : CH_BORDER_FOUND;
    }
}

ch_code ch_border_look(ch_border_list *self, ch_store *store, bool *is_whole, ch_error *err)
{
    for (size_t g = 0; g < self->num_groups; g++) {
        for (size_t i = 0; i < self->groups[g].num_points; i++) {
            self->groups[g].points[i].num_runs = self->groups[g].points[i].num_diverged = 0;
        }
    }
    *is_whole = true;
    ch_code code = count_runs(self, self->plan, NULL, store, is_whole, err);
    if (code != CH_OK) {
        return code;
    }
    if (self->added.num_blocks > 0) {
        code = count_runs(self, &self->added, self->owners, store, is_whole, err);
        if (code != CH_OK) {
            return code;
        }
    }
    for (size_t g = 0; g < self->num_groups; g++) {
        find_border(&self->groups[g], self->factor, self->limit);
    }
    return CH_OK;
}

/* ---- what is added ---- */

bool ch_border_is_lost(const ch_border_list *self, const ch_border_group *group)
{
    return group->state == CH_BORDER_WITHOUT_RUNS ||
           (group->state != CH_BORDER_FOUND &&
            (group->num_added >= self->limit || group->obstacle != CH_BORDER_GOES_ON));
}

static double next_value(const ch_border_group *group)
{
    switch (group->state) {
    case CH_BORDER_ABOVE:
    case CH_BORDER_HIGH_END:
        return 2 * group->points[group->num_points - 1].value;
    case CH_BORDER_BELOW:
    case CH_BORDER_LOW_END:
        return group->points[0].value / 2;
    default:
        return sqrt(group->points[group->lo].value * group->points[group->hi].value);
    }
}

/* What stands in the way of a T that a group would get next. */
static ch_border_obstacle obstacle_of(const ch_border_list *self, const ch_border_group *group, double value)
{
    const ch_border_point key = {.value = value};
    ch_settings settings;
    ch_resolved resolved;
    ch_error ignored;
    if (bsearch(&key, group->points, group->num_points, sizeof key, compare_points) != NULL) {
        return CH_BORDER_ALL_FAILED;
    }
    ch_plan_get(self->plan, group->run, &settings);
    ch_settings_set(&settings, ch_border_setting(self->plan, group->run), (ch_value){.real = value});
    const bool is_accepted =
        ch_settings_resolve(&settings, &resolved, &ignored) == CH_OK && ch_admit_anywhere(&resolved, &ignored) == CH_OK;
    return is_accepted ? CH_BORDER_GOES_ON : CH_BORDER_REFUSED;
}

/* Gives a group up. Where the border lies in a narrow step it counts as found. */
static void give_up(ch_border_group *group, ch_border_obstacle obstacle, double value)
{
    const bool is_narrow = group->state == CH_BORDER_LOW_END || group->state == CH_BORDER_HIGH_END;
    group->obstacle = obstacle;
    group->next = value;
    group->state = is_narrow ? CH_BORDER_FOUND : group->state;
}

/* Makes an axis with the values of another from place `from` up to `to`. Texts are borrowed from it. */
static ch_code copy_axis(ch_plan_axis *self, const ch_plan_axis *axis, size_t from, size_t to, ch_error *err)
{
    const ch_code code = ch_plan_axis_init(self, axis->num_settings, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t k = 0; k < axis->num_settings; k++) {
        void *items = NULL;
        self->settings[k] = axis->settings[k];
        if (ch_grow(&items, &self->values[k].capacity, to - from, sizeof *self->values[k].items) != 0) {
            ch_plan_axis_free(self);
            return ch_error_memory(err, "an axis of a sweep");
        }
        self->values[k].items = items;
        memcpy(items, axis->values[k].items + from, (to - from) * sizeof *self->values[k].items);
        self->values[k].count = to - from;
    }
    return CH_OK;
}

/* Makes the axes of a block with the settings of a group, all its seeds, and one T. */
static ch_code fill_block(ch_plan *self, const ch_plan *from, uint64_t index, double value, ch_error *err)
{
    for (size_t i = 0; i < from->num_axes; i++) {
        const ch_plan_axis *axis = &from->axes[i];
        const axis_kind kind = kind_of(axis);
        const size_t place = place_of(from, index, i);
        const bool is_whole = kind == AXIS_OF_SEEDS;
        ch_plan_axis copy;
        ch_code code = copy_axis(&copy, axis, is_whole ? 0 : place, is_whole ? axis->length : place + 1, err);
        if (code != CH_OK) {
            return code;
        }
        if (kind == AXIS_OF_T) {
            copy.values[0].items[0].real = value;
        }
        code = ch_plan_add(self, &copy, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

/* Adds a block for one T of a group to the added runs. */
static ch_code add_block(ch_border_list *self, size_t g, double value, ch_error *err)
{
    uint64_t index = self->groups[g].run;
    const ch_plan *from = block_of(self->plan, &index);
    const char *name = from->name != NULL ? from->name : "added";
    void *owners = self->owners;
    ch_plan block;
    ch_plan_init(&block);
    ch_code code = fill_block(&block, from, index, value, err);
    if (code != CH_OK) {
        goto out;
    }
    block.name = ch_alloc(strlen(name) + 1, 1);
    if (block.name == NULL ||
        ch_grow(&owners, &self->owners_capacity, self->added.num_blocks + 1, sizeof *self->owners) != 0) {
        code = ch_error_memory(err, "the blocks of a sweep");
        goto out;
    }
    self->owners = owners;
    self->owners[self->added.num_blocks] = g;
    memcpy(block.name, name, strlen(name) + 1);
    code = ch_plan_add_block(&self->added, &block, err);
out:
    ch_plan_free(&block);
    return code;
}

ch_code ch_border_grow(ch_border_list *self, size_t *num_grown, ch_error *err)
{
    *num_grown = 0;
    for (size_t g = 0; g < self->num_groups; g++) {
        ch_border_group *group = &self->groups[g];
        if (group->state == CH_BORDER_FOUND || ch_border_is_lost(self, group)) {
            continue;
        }
        const double value = next_value(group);
        const ch_border_obstacle obstacle = obstacle_of(self, group, value);
        if (obstacle != CH_BORDER_GOES_ON) {
            give_up(group, obstacle, value);
            continue;
        }
        ch_code code = add_block(self, g, value, err);
        if (code != CH_OK) {
            return code;
        }
        code = add_point(group, value, err);
        if (code != CH_OK) {
            return code;
        }
        group->num_added++;
        (*num_grown)++;
    }
    return CH_OK;
}
