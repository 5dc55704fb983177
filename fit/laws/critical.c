/* critical.c — where T_c lies at every P, by each of its definitions. */
#include "fit/laws/critical.h"
#include "core/memory.h"
#include "fit/laws/onset.h"
#include "fit/table/notes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const ch_tc_rule *const rules[CH_NUM_TC] = {
    [CH_TC_ONSET] = &ch_tc_by_onset,
    [CH_TC_ESCAPE] = &ch_tc_by_escape,
    [CH_TC_ERROR_SHIFT] = &ch_tc_by_error_shift,
    [CH_TC_ERROR_HALF] = &ch_tc_by_error_half,
};

const ch_tc_rule *ch_tc_rule_of(ch_tc_definition definition)
{
    return rules[definition];
}

const char *ch_tc_definition_name(ch_tc_definition definition)
{
    return rules[definition]->name;
}

bool ch_tc_definition_parse(const char *name, ch_tc_definition *definition)
{
    if (strcmp(name, "error") == 0) { /* the definition by the test error that asks for least */
        *definition = CH_TC_ERROR_SHIFT;
        return true;
    }
    for (int d = 0; d < CH_NUM_TC; d++) {
        if (strcmp(name, rules[d]->name) == 0) {
            *definition = (ch_tc_definition)d;
            return true;
        }
    }
    return false;
}

void ch_tc_definition_list(char *text, size_t size, const char *between, const char *last)
{
    size_t used = 0;
    for (int d = 0; d < CH_NUM_TC && used < size; d++) {
        const char *before = d == 0 ? "" : d + 1 < CH_NUM_TC ? between : last;
        used += (size_t)snprintf(text + used, size - used, "%s%s", before, rules[d]->name);
    }
}

bool ch_fit_has_critical(const ch_fit_group *group, ch_tc_definition definition)
{
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == definition && (tc->place == CH_TC_INSIDE || tc->place == CH_TC_BELOW)) {
            return true;
        }
    }
    return false;
}

/* ---- one P ---- */

ch_tc_input ch_tc_input_of_table(const ch_fit_group *group, const ch_fit_options *options, size_t train,
                                 const ch_cell_mean *means)
{
    return (ch_tc_input){.group = group,
                         .options = options,
                         .train = train,
                         .means = means,
                         .delta = ch_onset_delta(&group->weight_change, options),
                         .sharpness = options->constraints[CH_FIT_SHARPNESS].range};
}

/* Marks a T_c, or a bound, that more data sets are needed for. */
static void check_resolution(ch_tc *tc, void *workspace, const ch_tc_input *input, double *log_temp)
{
    const ch_tc_rule *rule = rules[tc->definition];
    const double most = 1e9; /* beyond, the number says nothing */
    if (rule->count_needed == NULL || tc->place == CH_TC_NONE) {
        return;
    }
    const double needed = rule->count_needed(workspace, input);
    if (needed > (double)input->group->num_data_sets) {
        tc->place = CH_TC_UNRESOLVED;
        tc->needed_sets = (size_t)fmin(needed, most);
        *log_temp = NAN;
    }
}

/* Fills place, value and crossover of a T_c. */
static ch_code find(ch_tc *tc, const ch_tc_input *input, ch_error *err)
{
    const ch_tc_rule *rule = rules[tc->definition];
    ch_crossover crossover = {NAN, NAN, NAN, NAN};
    double log_temp = NAN;
    void *workspace = NULL;
    ch_code code = CH_OK;
    if (rule->init != NULL) {
        code = rule->init(&workspace, input, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    tc->place = rule->find(workspace, input, &crossover, &log_temp);
    check_resolution(tc, workspace, input, &log_temp);
    tc->crossover = tc->place == CH_TC_INSIDE ? crossover : (ch_crossover){NAN, NAN, NAN, NAN};
    tc->estimate = (ch_estimate){exp(log_temp), NAN, NAN, NAN};
out:
    if (rule->free != NULL) {
        rule->free(workspace);
    }
    return code;
}

/* ---- all P of a table ---- */

/* Whether no other definition is wanted. */
static bool is_alone(const ch_fit_options *options, ch_tc_definition definition)
{
    bool other = false;
    for (int d = 0; d < CH_NUM_TC; d++) {
        other = other || (options->wanted[d] && d != (int)definition);
    }
    return !other;
}

/* Names the P at which T_c cannot be found. */
static ch_code note_undecided(ch_fit_group *group, ch_tc_definition definition, size_t count, bool is_only,
                              ch_error *err)
{
    const bool is_silent = rules[definition]->is_optional && count == group->num_trains && !is_only;
    if (count == 0 || is_silent) {
        return CH_OK;
    }
    return ch_fit_note_detail(group, err, "T_c by %s could not be found at %zu of %zu P: %s", rules[definition]->name,
                              count, group->num_trains, rules[definition]->needs);
}

/* Says how many data sets would resolve the T_c that noise hides. */
static ch_code note_unresolved(ch_fit_group *group, ch_tc_definition definition, ch_error *err)
{
    size_t count = 0, least = SIZE_MAX, most = 0;
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == definition && tc->place == CH_TC_UNRESOLVED) {
            count++;
            least = tc->needed_sets < least ? tc->needed_sets : least;
            most = tc->needed_sets > most ? tc->needed_sets : most;
        }
    }
    if (count == 0) {
        return CH_OK;
    }
    char needed[64];
    snprintf(needed, sizeof needed, least == most ? "%zu" : "%zu to %zu", least, most);
    return ch_fit_note_detail(
        group, err,
        "T_c by %s is not resolved at %zu of %zu P: the change of the test error there is not beyond two "
        "standard errors of the mean over data sets; %s data sets would resolve it, and there are %zu",
        rules[definition]->name, count, group->num_trains, needed, group->num_data_sets);
}

static ch_code find_all(ch_fit_group *group, const ch_fit_options *options, ch_tc_definition definition,
                        const ch_cell_mean *means, ch_error *err)
{
    const ch_tc_rule *rule = rules[definition];
    size_t undecided = 0;
    ch_code code = CH_OK;
    for (size_t p = 0; p < group->num_trains; p++) {
        ch_tc *tc = &group->tc[group->num_tc++];
        const ch_tc_input input = ch_tc_input_of_table(group, options, p, means);
        *tc = (ch_tc){.train = group->trains[p], .definition = definition};
        code = find(tc, &input, err);
        if (code != CH_OK) {
            return code;
        }
        undecided += tc->place == CH_TC_NONE;
    }
    code = note_undecided(group, definition, undecided, is_alone(options, definition), err);
    if (code != CH_OK) {
        return code;
    }
    code = note_unresolved(group, definition, err);
    if (code != CH_OK || rule->note == NULL || undecided == group->num_trains) {
        return code;
    }
    return rule->note(group, options, ch_fit_has_critical(group, definition), err);
}

ch_code ch_fit_find_critical(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means,
                             ch_error *err)
{
    group->tc = ch_alloc(CH_NUM_TC * group->num_trains, sizeof *group->tc);
    if (group->tc == NULL) {
        return ch_error_memory(err, "the critical temperatures");
    }
    for (int d = 0; d < CH_NUM_TC; d++) {
        if (!options->wanted[d]) {
            continue;
        }
        const ch_code code = find_all(group, options, (ch_tc_definition)d, means, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

ch_code ch_fit_tie_onsets(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_error *err)
{
    const ch_critical_law *law = &group->joint[CH_TC_ONSET];
    if (!options->constraints[CH_FIT_SHARPNESS].is_tied) {
        return CH_OK;
    }
    if (!law->found) {
        return ch_fit_note(group, err, "the onset's sharpness is not tied: there is no joint onset to tie it to");
    }
    for (size_t i = 0; i < group->num_tc; i++) {
        ch_tc *tc = &group->tc[i];
        if (tc->definition != CH_TC_ONSET) {
            continue;
        }
        ch_tc_input input = ch_tc_input_of_table(group, options, ch_fit_find_train(group, tc->train), means);
        input.sharpness = (ch_range){law->sharpness.value, law->sharpness.value};
        const ch_code code = find(tc, &input, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}
