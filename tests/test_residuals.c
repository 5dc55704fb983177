/* test_residuals.c — residuals of the joint laws: which runs are outliers, which are left out, and that the report says
 * both. */
#include "fit/fit.h"
#include "fit/reports/reports.h"
#include "tests/fit_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

/* Data sets that differ by 10 %, and by 20 % in t*. The runs of a data set at all T are copies of each other. */
static plant plant_copies(void)
{
    plant planted = plant_default();
    planted.set_train_noise = 0.1;
    planted.num_sets = 8;
    return planted;
}

static ch_run *find_run(const ch_run_table *table, uint64_t train, double temp, uint64_t seed)
{
    for (size_t i = 0; i < table->count; i++) {
        const ch_settings *settings = &table->runs[i].settings;
        if (settings->train == train && settings->temp == temp && settings->seed_data == seed) {
            return &table->runs[i];
        }
    }
    fail_msg("no such run");
    return NULL;
}

/* ---- numbers ---- */

/* Takes the runs of one data set of eight far off the law, each in its own way. @return how many runs these are */
static size_t push_off(ch_run_table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (table->runs[i].settings.seed_data == 3) {
            table->runs[i].final.weight_change *= exp(2 + 0.01 * (double)i);
            table->runs[i].time *= exp(-3 - 0.01 * (double)i);
            count++;
        }
    }
    return count;
}

static void test_residuals_are_from_the_law(void **state)
{
    (void)state;
    plant planted = plant_copies();
    planted.run_noise = 0.03;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    const size_t num_far = push_off(&table);
    fit_table(&fit, &table, 2);
    const ch_fit_group *group = &fit.groups[0];
    const ch_residuals *both[] = {&group->weight_residuals, &group->time_residuals};
    for (size_t k = 0; k < 2; k++) {
        const double b = exponent_value(group, k == 0 ? "gamma" : "b", NULL);
        const double delta = exponent_value(group, k == 0 ? "delta" : "time_delta", NULL);
        assert_int_equal(both[k]->num_runs, table.count);
        assert_int_equal(both[k]->num_tested, table.count);
        assert_int_equal(both[k]->num_outliers, num_far);
        assert_int_equal(both[k]->num_far, num_far);
        for (size_t i = 0; i < num_far; i++) {
            const ch_residual *one = &both[k]->runs[i];
            const double y = log(k == 0 ? one->run->final.weight_change : one->run->time);
            const double log_train = log((double)one->run->settings.train), log_temp = log(one->run->settings.temp);
            const double amplitude = k == 0 ? group->weight_change.log_amplitude : group->time.log_amplitude;
            assert_close(y - one->residual, amplitude + delta * log_temp + b * log_train, 1e-12);
            assert_true(i == 0 || fabs(one->sigmas) <= fabs(both[k]->runs[i - 1].sigmas));
        }
    }
    release(&fit, &table);
}

/* Qn of three numbers by its definition: their smallest distance times 2.2219 times 0.994, the published factor for
 * three. */
static void test_distances_of_three_data_sets(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.num_sets = 3;
    planted.num_trains = 2;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    const double off[] = {0.02, -0.03, 0.5};
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].final.weight_change *= exp(off[table.runs[i].settings.seed_data]);
    }
    fit_table(&fit, &table, 2);
    const ch_residuals *found = &fit.groups[0].weight_residuals;
    assert_int_equal(found->num_outliers, 0); /* three data sets say little of what is usual */
    assert_int_equal(found->num_far, 1);
    const double spread = 0.05 * 2.2219 * 0.994, factor = sqrt(1 - (2 - M_PI / 2) / 3);
    assert_close(found->spread, spread, 2e-3);
    assert_close(found->dof, 0.82 * 2 * 2, 1e-12); /* two P with three data sets; further T add nothing */
    assert_close(found->limit, gsl_cdf_tdist_Qinv(0.025 / 36, found->dof), 1e-12);
    for (size_t i = 0; i < found->num_far; i++) { /* the median is that of the first data set */
        const ch_residual *one = &found->runs[i];
        const double sigmas = (off[one->run->settings.seed_data] - off[0]) / factor / found->spread;
        assert_in(one->sigmas - sigmas, -1e-9, 1e-9);
        assert_close(one->chance, fmin(1, 36 * 2 * gsl_cdf_tdist_Q(fabs(sigmas), found->dof)), 1e-9);
        assert_int_equal(one->run->settings.seed_data, 2);
    }
    release(&fit, &table);
}

/* ---- who stands out ---- */

static void test_outliers_are_found(void **state)
{
    (void)state;
    const plant planted = plant_copies();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    find_run(&table, 2048, 0.5, 3)->final.weight_change *= 3;
    for (size_t i = 0; i < table.count; i++) { /* changes one data set at one P, at six T */
        if (table.runs[i].settings.train == 8192 && table.runs[i].settings.seed_data == 6) {
            table.runs[i].time /= 100;
        }
    }
    fit_table(&fit, &table, 2);
    const ch_residuals *weight = &fit.groups[0].weight_residuals, *time = &fit.groups[0].time_residuals;
    assert_int_equal(weight->num_outliers, 1);
    assert_int_equal(weight->runs[0].run->settings.train, 2048);
    assert_int_equal(weight->runs[0].run->settings.seed_data, 3);
    assert_in(weight->runs[0].run->settings.temp, 0.5, 0.5);
    assert_in(weight->runs[0].sigmas, 6, 20);
    assert_in(weight->runs[0].chance, 0, 1e-4);
    assert_int_equal(time->num_outliers, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(time->runs[i].run->settings.train, 8192);
        assert_int_equal(time->runs[i].run->settings.seed_data, 6);
        assert_in(time->runs[i].sigmas, -40, -10);
    }
    assert_int_equal(time->num_far, 6);
    release(&fit, &table);
}

/* One run of a data set differs from its copies at other T by as much as data sets differ. It is no outlier. */
static void test_a_parted_copy_is_no_outlier(void **state)
{
    (void)state;
    const plant planted = plant_copies();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    find_run(&table, 4096, 2, 5)->final.weight_change *= exp(-0.1);
    fit_table(&fit, &table, 2);
    const ch_residuals *both[] = {&fit.groups[0].weight_residuals, &fit.groups[0].time_residuals};
    for (size_t k = 0; k < 2; k++) { /* the run that is farthest off is known all the same */
        assert_int_equal(both[k]->num_outliers, 0);
        assert_int_equal(both[k]->num_far, 1);
        assert_in(fabs(both[k]->runs[0].sigmas), 1, both[k]->limit);
    }
    release(&fit, &table);
}

/* Three batch seeds for each data set: the spread is that of single runs on different data. */
static void test_several_runs_a_data_set(void **state)
{
    (void)state;
    plant planted = plant_copies();
    planted.num_sets = 24;
    planted.set_train_noise = 0;
    planted.run_noise = 0.1;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        table.runs[i].settings.seed_data /= 3;
    }
    fit_table(&fit, &table, 2);
    assert_int_equal(fit.groups[0].num_data_sets, 8);
    assert_close(fit.groups[0].weight_residuals.dof, 0.82 * 5 * 7, 1e-12);
    /* of 240 numbers, which is known to 6 %; the range is three errors wide */
    assert_close(fit.groups[0].weight_residuals.spread, 0.1, 0.2);
    release(&fit, &table);
}

/* Of two data sets it is unknown which one is off. Where data sets differ only by rounding, there is no unit to compare
 * with. */
static void test_who_is_not_tested(void **state)
{
    (void)state;
    plant few = plant_copies(), exact = plant_default(), plateau = plant_default();
    few.num_sets = 2;
    plateau.tc = 1e6;
    plateau.sharpness = 1;
    const plant *all[] = {&few, &exact, &plateau};
    for (size_t i = 0; i < 3; i++) {
        ch_run_table table;
        ch_fit fit;
        fit_plant(&fit, &table, all[i]);
        const ch_residuals *found = &fit.groups[0].weight_residuals;
        assert_int_equal(found->num_runs, all[i] == &plateau ? 0 : table.count);
        assert_int_equal(found->num_tested, 0);
        assert_int_equal(found->num_outliers, 0);
        assert_true(isnan(found->spread) && isnan(found->limit));
        assert_int_equal(found->num_far, 0);
        release(&fit, &table);
    }
}

/* ---- who is left out ---- */

/* A table with every reason for leaving a run out, except the lack of a window. */
static void plant_reasons(ch_run_table *table)
{
    plant planted = plant_crossover();
    planted.set_noise = planted.run_noise = 0.01;
    planted.num_temps = 24; /* up to 8 */
    ch_run_table once;
    plant_table(&planted, 1, &once);
    *table = (ch_run_table){.runs = calloc(once.count + 20, sizeof *table->runs), .count = once.count + 20};
    assert_non_null(table->runs);
    memcpy(table->runs, once.runs, once.count * sizeof *once.runs);
    for (size_t i = 0; i < table->count; i++) {
        ch_run *run = &table->runs[i];
        if (i >= once.count) { /* repeats of the first run, runs of older versions, and runs with infinite P */
            *run = once.runs[i % 10];
            run->results_version = i < once.count + 12 ? 2 : 1;
            run->settings.max_steps = 7;
            run->settings.train = i == once.count + 19 ? 0 : run->settings.train;
        } else {
            run->results_version = 2;
        }
        if (run->settings.temp > 4) { /* in the saturated range of T */
            run->final.weight_change *= 4 / run->settings.temp;
        }
    }
    free(once.runs);
    find_run(table, 2048, 2, 1)->status = CH_BUDGET;
    find_run(table, 2048, 2, 4)->status = CH_BUDGET;
    find_run(table, 8192, 4, 0)->status = CH_DIVERGED;
    find_run(table, 8192, 4, 2)->status = CH_BUDGET;
    /* outside the window: the largest T, the least T */
    find_run(table, 8192, table->runs[0].settings.temp, 0)->status = CH_BUDGET;
    find_run(table, 4096, table->runs[0].settings.temp, 1)->status = CH_DIVERGED;
    find_run(table, 2048, table->runs[0].settings.temp, 1)->final.weight_change = 0;
}

static void test_exclusions_are_counted(void **state)
{
    (void)state;
    ch_run_table table;
    ch_fit fit;
    plant_reasons(&table);
    fit_table(&fit, &table, 2);
    const ch_fit_group *group = &fit.groups[0];
    size_t total = fit.num_infinite, inside = 0, below = 0, above = 0, num_outside = 0;
    for (int k = CH_INCLUDED; k < CH_NUM_EXCLUSIONS; k++) {
        total += group->excluded[k];
    }
    for (size_t i = 0; i < group->num_runs; i++) {
        const bool is_whole = group->runs[i]->status == CH_FITTED && group->runs[i]->final.weight_change > 0;
        num_outside += !is_whole && group->runs[i]->settings.temp < group->window_lo;
        below += group->runs[i]->settings.temp < group->window_lo;
        above += group->runs[i]->settings.temp > group->window_hi;
    }
    inside = group->num_runs - below - above;
    assert_int_equal(total, table.count);
    assert_int_equal(fit.num_infinite, 1);
    assert_int_equal(group->excluded[CH_EXCLUDED_VERSION], 7);
    assert_int_equal(group->excluded[CH_EXCLUDED_REPEAT], 12);
    assert_true(below > 0 && above > 0);
    assert_int_equal(num_outside, 3); /* a run that did not fit is counted by how it ended, wherever its T lies */
    assert_int_equal(group->excluded[CH_EXCLUDED_BELOW], below - 3);
    assert_int_equal(group->excluded[CH_EXCLUDED_ABOVE], above);
    assert_int_equal(group->excluded[CH_EXCLUDED_BUDGET], 2);
    assert_int_equal(group->excluded[CH_EXCLUDED_BESIDE_BUDGET], 3);
    assert_int_equal(group->excluded[CH_EXCLUDED_BUDGET_UNUSED], 2);
    assert_int_equal(group->excluded[CH_EXCLUDED_DIVERGED], 2);
    assert_int_equal(group->excluded[CH_EXCLUDED_UNUSABLE], 1);
    assert_int_equal(group->excluded[CH_EXCLUDED_BESIDE_DIVERGED], 3);
    assert_int_equal(group->excluded[CH_INCLUDED], inside - 10);
    assert_int_equal(group->weight_change.num_runs, inside - 10);
    /* the lower bounds are used, and so are the runs beside them */
    assert_int_equal(group->time.num_runs, inside - 5);
    release(&fit, &table);
}

/* ---- that it is said ---- */

static const json_t *find_reason(const json_t *excluded, const char *reason)
{
    for (size_t i = 0; i < json_array_size(excluded); i++) {
        const json_t *one = json_array_get(excluded, i);
        if (strcmp(json_string_value(json_object_get(one, "reason")), reason) == 0) {
            return one;
        }
    }
    fail_msg("no reason %s", reason);
    return NULL;
}

static void test_json_has_reasons_and_outliers(void **state)
{
    (void)state;
    ch_run_table table;
    ch_fit fit;
    plant_reasons(&table);
    find_run(&table, 4096, 1, 3)->final.weight_change *= 2;
    fit_table(&fit, &table, 2);
    json_t *report = ch_fit_json(&fit);
    assert_non_null(report);
    const json_t *group = json_array_get(json_object_get(report, "groups"), 0);
    const json_t *outliers = json_object_get(group, "outliers"), *excluded = json_object_get(group, "excluded");
    assert_int_equal(json_integer_value(json_object_get(report, "infinite_train")), 1);
    assert_int_equal(json_array_size(outliers), 1);
    const json_t *one = json_array_get(outliers, 0);
    assert_string_equal(json_string_value(json_object_get(one, "quantity")), "weight_change");
    assert_int_equal(json_integer_value(json_object_get(one, "train")), 4096);
    assert_in(json_real_value(json_object_get(one, "temp")), 1, 1);
    assert_int_equal(json_integer_value(json_object_get(one, "seed_data")), 3);
    assert_int_equal(json_integer_value(json_object_get(one, "seed_batch")), 3);
    assert_in(json_real_value(json_object_get(one, "residual")), 0.6, 0.75);
    const json_t *law = json_object_get(json_object_get(group, "residuals"), "weight_change");
    assert_in(json_real_value(json_object_get(law, "limit")), 3.5, 6);
    assert_in(fabs(json_real_value(json_object_get(one, "sigmas"))), json_real_value(json_object_get(law, "limit")),
              1000);
    const json_t *budget = find_reason(excluded, "budget"), *points = json_object_get(budget, "points");
    assert_true(json_is_false(json_object_get(budget, "from_time")));
    assert_int_equal(json_integer_value(json_object_get(budget, "runs")), 2);
    assert_int_equal(json_array_size(points), 1);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(points, 0), 0)), 2048);
    assert_in(json_real_value(json_array_get(json_array_get(points, 0), 1)), 2, 2);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(points, 0), 2)), 2);
    assert_true(json_is_true(json_object_get(find_reason(excluded, "beside_diverged"), "from_time")));
    assert_true(json_is_null(json_object_get(find_reason(excluded, "older_results_version"), "points")));
    json_decref(report);
    release(&fit, &table);
}

static char *report_of(const ch_fit *fit)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    ch_fit_print_details(fit, stream);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no \"%s\" in\n%s", part, text);
    }
}

/* Copies a text with every run of white space replaced by one space. */
static void squeeze(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        const bool blank = *from == ' ' || *from == '\n';
        if (!blank || to == text || to[-1] != ' ') {
            *to++ = blank ? ' ' : *from;
        }
    }
    *to = '\0';
}

/* Two outliers at one P and T that differ only in seed_batch are two runs with names of their own. */
static void test_report_names_batches_apart(void **state)
{
    (void)state;
    const plant planted = plant_copies();
    ch_run_table once, table;
    ch_fit fit;
    plant_table(&planted, 1, &once);
    table = (ch_run_table){.runs = calloc(2 * once.count, sizeof *table.runs), .count = 2 * once.count};
    assert_non_null(table.runs);
    memcpy(table.runs, once.runs, once.count * sizeof *once.runs);
    memcpy(table.runs + once.count, once.runs, once.count * sizeof *once.runs);
    for (size_t i = 0; i < once.count; i++) {
        ch_run *first = &table.runs[i], *second = &table.runs[once.count + i];
        second->settings.seed_batch += 100;
        if (first->settings.train == 2048 && first->settings.temp == 0.5 && first->settings.seed_data == 3) {
            first->final.weight_change *= 3;
            second->final.weight_change *= 4;
        }
    }
    fit_table(&fit, &table, 2);
    assert_int_equal(fit.groups[0].weight_residuals.num_outliers, 2);
    char *text = report_of(&fit);
    squeeze(text);
    assert_says(text, "P = 2^11, T = 2^-1, seed_data = 3, seed_init = 3, seed_batch = 103");
    assert_says(text, "P = 2^11, T = 2^-1, seed_data = 3 ");
    assert_null(strstr(text, "T = 2^-1 …"));
    free(text);
    free(once.runs);
    release(&fit, &table);
}

static void test_report_names_a_few(void **state)
{
    (void)state;
    const plant planted = plant_copies();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        const ch_settings *settings = &table.runs[i].settings;
        if (settings->train == 8192 && settings->seed_data == 6) { /* one line of the report for all T */
            table.runs[i].final.weight_change *= 100;
        }
        /* P = 1024 … 16384, each at a T of its own: five lines */
        if (settings->seed_data == settings->train / 2048) {
            table.runs[i].final.weight_change *= settings->temp == (double)settings->train / 4096 ? 5 : 1;
        }
    }
    find_run(&table, 1024, 4, 5)->final.weight_change *= 4; /* one line more than the report prints */
    find_run(&table, 2048, 4, 5)->final.weight_change *= 4;
    fit_table(&fit, &table, 2);
    const size_t outliers = fit.groups[0].weight_residuals.num_outliers;
    char *text = report_of(&fit), more[64];
    assert_true(outliers >= 12);
    squeeze(text);
    assert_says(text, "P = 2^13, T = 2^-3 … 2^2 (6), seed_data = 6 ");
    snprintf(more, sizeof more, " and %zu more runs; --json has all ", outliers - 10);
    assert_says(text, more);
    assert_says(text, " t*: σ = 0.");
    assert_says(text, "all 240 runs within ");
    free(text);
    release(&fit, &table);

    plant_reasons(&table);
    fit_table(&fit, &table, 2);
    text = report_of(&fit);
    squeeze(text);
    assert_says(text, "the joint laws use ");
    assert_says(text, "2 ended by a");
    assert_says(text, "12 that repeat");
    free(text);
    release(&fit, &table);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_residuals_are_from_the_law), cmocka_unit_test(test_distances_of_three_data_sets),
        cmocka_unit_test(test_outliers_are_found),         cmocka_unit_test(test_a_parted_copy_is_no_outlier),
        cmocka_unit_test(test_several_runs_a_data_set),    cmocka_unit_test(test_who_is_not_tested),
        cmocka_unit_test(test_exclusions_are_counted),     cmocka_unit_test(test_json_has_reasons_and_outliers),
        cmocka_unit_test(test_report_names_batches_apart), cmocka_unit_test(test_report_names_a_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
