/* expected.c — the exponents that theory expects at the P, d, B and T of a group. */
#include "fit/laws/expected.h"
#include "core/memory.h"
#include "fit/laws/regression.h"
#include "fit/table/notes.h"
#include "models/dynamics.h"
#include "models/loss.h"
#include "perceptron/finite/family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const ch_power_law no_law = {.log_amplitude = NAN, .temp_exponent = NAN, .train_exponent = NAN};

/* Whether the theory of finite training sets is about such runs. */
static bool has_theory(const ch_fit_group *group)
{
    const ch_settings *key = &group->key;
    const bool is_flat = key->data == CH_LAW_DEPLETED || key->data == CH_LAW_SIGN || key->data == CH_LAW_RANDOM_SIGN;
    return key->model == CH_ARCH_PERCEPTRON && key->dynamics == CH_DYNAMICS_SGD && key->loss == CH_LOSS_HINGE &&
           ch_settings_has_usual_rule(key) && is_flat && key->batch > 0;
}

static bool is_used(const ch_fit_group *group, const ch_fit_cell *cell)
{
    return cell->complete && ch_fit_is_in_window(group, cell);
}

static ch_online_setup setup_of(const ch_fit_group *group, const ch_fit_cell *cell)
{
    const ch_settings *key = &group->key;
    const double temp = group->temps[cell->temp];
    return (ch_online_setup){.chi = key->data == CH_LAW_DEPLETED ? key->chi : 0,
                             .dim = (size_t)key->dim,
                             .kappa = 1 / key->alpha,
                             .temp = temp,
                             .rate = temp * (double)key->batch};
}

/* Puts the expected ln ||Dw|| and ln t* in place of the measured ones. */
static ch_code expect_cells(const ch_fit_group *group, ch_family *family, ch_cell_mean *means, ch_error *err)
{
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_fit_cell *cell = &group->cells[c];
        const ch_online_setup setup = setup_of(group, cell);
        ch_finite_end end;
        if (!is_used(group, cell)) {
            continue;
        }
        const ch_code code = ch_family_predict(family, &end, &setup, (double)group->trains[cell->train], err);
        if (code != CH_OK) {
            return code;
        }
        means[c].log[CH_LOG_WEIGHT_CHANGE] = log(end.weight_change.value);
        means[c].log[CH_LOG_TIME] = log(end.time.value);
    }
    return CH_OK;
}

/* Notes in which respects what is expected is less accurate at some of the cells that are used. */
static ch_code note_cautions(ch_fit_group *group, ch_error *err)
{
    const char *noted[CH_FINITE_MOST_CAUTIONS], *cautions[CH_FINITE_MOST_CAUTIONS];
    size_t num_noted = 0;
    for (size_t c = 0; c < group->num_cells; c++) {
        const ch_online_setup setup = setup_of(group, &group->cells[c]);
        const size_t count = is_used(group, &group->cells[c]) ? ch_finite_cautions(&setup, cautions) : 0;
        for (size_t i = 0; i < count; i++) {
            size_t k = 0;
            while (k < num_noted && noted[k] != cautions[i]) {
                k++;
            }
            if (k < num_noted) {
                continue;
            }
            noted[num_noted++] = cautions[i];
            const ch_code code = ch_fit_note(group, err, "what theory expects is less accurate here: %s", cautions[i]);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

/* Fits both laws to the cells that are complete, to which those of the law of ||Dw|| belong. */
static ch_code fit_laws(ch_fit_group *group, const ch_cell_mean *means, ch_error *err)
{
    static const ch_range free_ranges[] = {{-INFINITY, INFINITY}, {-INFINITY, INFINITY}};
    ch_regression regression = {0};
    ch_regression_space space = {0};
    ch_code code = ch_regression_init(&regression, group, CH_LOG_WEIGHT_CHANGE, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_regression_space_init(&space, &regression, err);
    if (code != CH_OK) {
        goto out;
    }
    ch_regression_fit(&regression, &space, means, NULL, free_ranges, &group->expected_weight_change);
    regression.which = CH_LOG_TIME;
    ch_regression_fit(&regression, &space, means, NULL, free_ranges, &group->expected_time);
out:
    ch_regression_space_free(&space);
    ch_regression_free(&regression);
    return code;
}

ch_code ch_fit_expect(ch_fit_group *group, const ch_fit_options *options, const ch_cell_mean *means, ch_error *err)
{
    group->expected_weight_change = group->expected_time = no_law;
    if (!options->expects || !has_theory(group)) {
        return CH_OK;
    }
    ch_family family;
    ch_code code = CH_OK;
    const double chi = group->key.data == CH_LAW_DEPLETED ? group->key.chi : 0;
    ch_family_init(&family, chi, (size_t)group->key.dim, options->box_folder, options->threads, options->watch);
    ch_cell_mean *expected = ch_alloc(group->num_cells, sizeof *expected);
    if (expected == NULL) {
        code = ch_error_memory(err, "the expected cells of a group");
        goto out;
    }
    memcpy(expected, means, group->num_cells * sizeof *expected);
    ch_error why = {0};
    code = expect_cells(group, &family, expected, &why);
    if (code == CH_ERROR_INPUT || code == CH_ERROR_NUMERIC || code == CH_ERROR_MEMORY) {
        code = ch_fit_note(group, err, "no exponents are expected at these P and T: %s", why.message);
        goto out;
    }
    if (code != CH_OK) {
        ch_error_set(err, code, "%s", why.message);
        goto out;
    }
    code = fit_laws(group, expected, err);
    if (code != CH_OK) {
        goto out;
    }
    code = note_cautions(group, err);
out:
    ch_family_free(&family);
    free(expected);
    return code;
}

double ch_fit_expected_a(const ch_fit_group *group, ch_tc_definition definition)
{
    const ch_power_law *law = &group->expected_weight_change;
    return definition == CH_TC_ESCAPE ? law->train_exponent / law->temp_exponent : NAN;
}
