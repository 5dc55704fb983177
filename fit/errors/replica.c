/* replica.c — finds the numbers of a group again in each replica of its data sets. */
#include "fit/errors/replica.h"
#include "core/memory.h"
#include "fit/laws/constraints.h"
#include "fit/laws/critical.h"
#include "fit/laws/error_joint.h"
#include "fit/laws/joint.h"
#include "fit/laws/onset.h"
#include "fit/laws/regression.h"
#include "fit/numbers.h"
#include "fit/table/data_sets.h"

#include <math.h>
#include <stdlib.h>

/* What all replicas read: the designs of the power laws, and the numbers of the runs as arrays, so that cells are
 * averaged in one pass over memory. */
typedef struct {
    const ch_fit_group *group;
    const ch_fit_options *options;
    ch_regression weight_change, time;
    bool tied;                   /* the onset's delta is given, not fitted */
    bool ties_sharpness;         /* m at each P is that of the joint law */
    double (*logs)[CH_NUM_LOGS]; /* [num_runs] ln y of each run */
} design;

/* The working space of one thread. */
typedef struct {
    ch_cell_mean *means; /* [num_cells] of the replica */
    ch_regression_space weight_change, time;
    void **critical;      /* [num_tc] workspaces of the T_c that the table has inside its temperatures, else NULL */
    ch_joint_space joint; /* empty where the table has no joint onset */
    ch_error_joint of_error[CH_NUM_TC]; /* empty where the table has no joint law by the test error */
} workspace;

size_t ch_fit_tc_slot(size_t tc)
{
    return ch_fit_number_slots() + tc;
}

/* ---- the design ---- */

static ch_code design_init(design *self, const ch_fit_group *group, const ch_fit_options *options, ch_error *err)
{
    const size_t n = group->num_runs;
    *self =
        (design){.group = group,
                 .options = options,
                 .tied = isfinite(ch_onset_delta(&group->weight_change, options)),
                 .ties_sharpness = options->constraints[CH_FIT_SHARPNESS].is_tied && group->joint[CH_TC_ONSET].found,
                 .logs = ch_alloc(n, sizeof *self->logs)};
    if (self->logs == NULL) {
        return ch_error_memory(err, "the bootstrap");
    }
    for (size_t i = 0; i < n; i++) {
        ch_fit_logs_of(group->runs[i], self->logs[i]);
    }
    ch_code code = ch_regression_init(&self->weight_change, group, CH_LOG_WEIGHT_CHANGE, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_regression_init(&self->time, group, CH_LOG_TIME, err);
}

static void design_free(design *self)
{
    ch_regression_free(&self->weight_change);
    ch_regression_free(&self->time);
    free(self->logs);
}

/* ---- a thread's workspace ---- */

static ch_tc_input input_of(const design *self, size_t tc, const workspace *space)
{
    const size_t train = ch_fit_find_train(self->group, self->group->tc[tc].train);
    ch_tc_input input = ch_tc_input_of_table(self->group, self->options, train, space->means);
    input.of_table = &self->group->tc[tc];
    return input;
}

static ch_code workspace_init(const void *context, void *memory, ch_error *err)
{
    const design *self = context;
    const ch_fit_group *group = self->group;
    workspace *space = memory;
    space->means = ch_alloc(group->num_cells, sizeof *space->means);
    space->critical = ch_alloc(group->num_tc, sizeof *space->critical);
    if (space->means == NULL || space->critical == NULL) {
        return ch_error_memory(err, "the bootstrap");
    }
    ch_code code = ch_regression_space_init(&space->weight_change, &self->weight_change, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_regression_space_init(&space->time, &self->time, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc_rule *rule = ch_tc_rule_of(group->tc[i].definition);
        if (group->tc[i].place != CH_TC_INSIDE || rule->init == NULL) {
            continue;
        }
        const ch_tc_input input = input_of(self, i, space);
        code = rule->init(&space->critical[i], &input, err);
        if (code != CH_OK) {
            return code;
        }
    }
    for (ch_tc_definition d = CH_TC_ERROR_SHIFT; d <= CH_TC_ERROR_HALF; d++) {
        code = group->joint[d].found ? ch_error_joint_init(&space->of_error[d], group, self->options, d, err) : CH_OK;
        if (code != CH_OK) {
            return code;
        }
    }
    if (!group->joint[CH_TC_ONSET].found) {
        return CH_OK;
    }
    return ch_joint_space_init(&space->joint, group, self->options, err);
}

static void workspace_free(const void *context, void *memory)
{
    const ch_fit_group *group = ((const design *)context)->group;
    workspace *space = memory;
    for (size_t i = 0; space->critical != NULL && i < group->num_tc; i++) {
        const ch_tc_rule *rule = ch_tc_rule_of(group->tc[i].definition);
        if (rule->free != NULL) {
            rule->free(space->critical[i]);
        }
    }
    free(space->critical);
    free(space->means);
    ch_regression_space_free(&space->weight_change);
    ch_regression_space_free(&space->time);
    ch_joint_space_free(&space->joint);
    for (size_t d = 0; d < CH_NUM_TC; d++) {
        ch_error_joint_free(&space->of_error[d]);
    }
}

/* ---- one replica ---- */

/* Averages the complete cells over their runs, each run counted as often as its data set was drawn. */
static void average_cells(const design *self, const double *copies_of, ch_cell_mean *means)
{
    const ch_fit_group *group = self->group;
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        ch_cell_mean mean = {0};
        for (size_t i = cell->begin; i < cell->end && cell->complete; i++) {
            const double copies = copies_of[group->data_set[i]];
            mean.weight += copies;
            for (size_t k = 0; k < CH_NUM_LOGS; k++) {
                const double log = self->logs[i][k];
                mean.log[k] += copies * log;
                mean.square[k] += copies * log * log;
            }
        }
        for (size_t k = 0; k < CH_NUM_LOGS && mean.weight > 0; k++) {
            mean.log[k] /= mean.weight;
            mean.square[k] /= mean.weight;
        }
        means[c] = mean;
    }
}

static double *place_of(double *numbers, ch_fit_number number, ch_tc_definition definition)
{
    return &numbers[ch_fit_number_slot(number, definition)];
}

static void joint_onset(const design *self, double delta, workspace *space, double *numbers)
{
    const ch_critical_law *law = &self->group->joint[CH_TC_ONSET];
    const ch_joint_onset start = {.log_prefactor = log(law->prefactor.value),
                                  .a = law->exponent.value,
                                  .sharpness = law->sharpness.value,
                                  .delta = law->delta};
    ch_joint_onset found = {NAN, NAN, NAN, NAN};
    if (law->found && (!self->tied || delta > 0)) {
        space->joint.delta = delta;
        ch_joint_load(&space->joint, space->means);
        ch_joint_fit(&space->joint, &start, 1e-4, &found);
    }
    *place_of(numbers, CH_FIT_C, CH_TC_ONSET) = found.log_prefactor;
    *place_of(numbers, CH_FIT_A, CH_TC_ONSET) = found.a;
    *place_of(numbers, CH_FIT_SHARPNESS, CH_TC_ONSET) = log(found.sharpness);
}

static void joint_escape(const design *self, const ch_power_law *law, const workspace *space, double *numbers)
{
    if (self->group->joint[CH_TC_ESCAPE].found && law->temp_exponent > 0) {
        const double log_amplitude = ch_regression_amplitude(&self->weight_change, space->means, CH_LOG_RELATIVE, law);
        *place_of(numbers, CH_FIT_C, CH_TC_ESCAPE) =
            (log(self->options->threshold) - log_amplitude) / law->temp_exponent;
        *place_of(numbers, CH_FIT_A, CH_TC_ESCAPE) = law->train_exponent / law->temp_exponent;
    }
}

static void joint_error(const design *self, const double *copies, workspace *space, double *numbers)
{
    for (ch_tc_definition d = CH_TC_ERROR_SHIFT; d <= CH_TC_ERROR_HALF; d++) {
        if (self->group->joint[d].found) {
            ch_error_joint_fit(&space->of_error[d], copies, place_of(numbers, CH_FIT_C, d),
                               place_of(numbers, CH_FIT_A, d));
        }
    }
}

/* ln T_c of group->tc[tc]; NaN when it has left the sampled temperatures.
 * @param sharpness  m of the joint law; it is used where the user ties the m of each P to it */
static double critical_at(const design *self, size_t tc, const double *copies, double delta, double sharpness,
                          workspace *space)
{
    ch_tc_input input = input_of(self, tc, space);
    ch_crossover crossover = {0};
    double log_temp = NAN;
    if (input.of_table->place != CH_TC_INSIDE) {
        return NAN;
    }
    input.copies = copies;
    input.delta = delta;
    if (self->ties_sharpness) {
        input.sharpness = (ch_range){sharpness, sharpness};
    }
    const ch_tc_rule *rule = ch_tc_rule_of(input.of_table->definition);
    return rule->find(space->critical[tc], &input, &crossover, &log_temp) == CH_TC_INSIDE ? log_temp : NAN;
}

static void evaluate(const void *context, void *memory, const double *copies, double *numbers)
{
    const design *self = context;
    const ch_fit_options *options = self->options;
    workspace *space = memory;
    ch_power_law law, time;
    average_cells(self, copies, space->means);
    for (size_t k = 0; k < ch_fit_number_slots(); k++) {
        numbers[k] = NAN;
    }
    const ch_range of_weight[] = {options->constraints[CH_FIT_DELTA].range, options->constraints[CH_FIT_GAMMA].range};
    ch_regression_fit(&self->weight_change, &space->weight_change, space->means, copies, of_weight, &law);
    const ch_range of_time[] = {ch_fit_range(options, CH_FIT_TIME_DELTA, &law), ch_fit_range(options, CH_FIT_B, &law)};
    ch_regression_fit(&self->time, &space->time, space->means, copies, of_time, &time);
    const double delta = self->tied ? ch_onset_delta(&law, options) : NAN;
    *place_of(numbers, CH_FIT_DELTA, CH_NUM_TC) = law.temp_exponent;
    *place_of(numbers, CH_FIT_GAMMA, CH_NUM_TC) = law.train_exponent;
    *place_of(numbers, CH_FIT_TIME_DELTA, CH_NUM_TC) = time.temp_exponent;
    *place_of(numbers, CH_FIT_B, CH_NUM_TC) = time.train_exponent;
    joint_onset(self, delta, space, numbers);
    joint_escape(self, &law, space, numbers);
    joint_error(self, copies, space, numbers);
    const double sharpness = exp(*place_of(numbers, CH_FIT_SHARPNESS, CH_TC_ONSET));
    for (size_t i = 0; i < self->group->num_tc; i++) {
        numbers[ch_fit_tc_slot(i)] = critical_at(self, i, copies, delta, sharpness, space);
    }
}

/* ---- all replicas ---- */

ch_code ch_fit_make_replicas(const ch_fit_group *group, const ch_fit_options *options, ch_bootstrap_progress *progress,
                             ch_replicas *replicas, ch_error *err)
{
    design repeated = {0};
    size_t count = 0;
    ch_code code = CH_OK;
    *replicas = (ch_replicas){.num_numbers = ch_fit_tc_slot(group->num_tc)};
    if (group->num_data_sets < 2) {
        return CH_OK;
    }
    if (!__builtin_mul_overflow(options->replicas, replicas->num_numbers, &count)) {
        replicas->numbers = ch_alloc(count, sizeof *replicas->numbers);
    }
    if (replicas->numbers == NULL) {
        code = ch_error_memory(err, "the bootstrap");
        goto out;
    }
    replicas->count = options->replicas;
    code = design_init(&repeated, group, options, err);
    if (code != CH_OK) {
        goto out;
    }
    const ch_bootstrap_problem problem = {.context = &repeated,
                                          .num_data_sets = group->num_data_sets,
                                          .num_numbers = replicas->num_numbers,
                                          .workspace_size = sizeof(workspace),
                                          .init = workspace_init,
                                          .free = workspace_free,
                                          .evaluate = evaluate};
    code = ch_bootstrap_run(&problem, options, progress, replicas->numbers, err);
out:
    design_free(&repeated);
    return code;
}
