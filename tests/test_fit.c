/* test_fit.c — fits of planted tables: without noise they are exact, and the reports have all of them. */
#include "fit/collapse/collapse.h"
#include "fit/fit.h"
#include "fit/laws/onset.h"
#include "fit/reports/reports.h"
#include "tests/fit_support.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_errno.h>

/* ---- numbers ---- */

static void test_exact_power_laws(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.delta = 0.9;
    planted.gamma = 0.37;
    planted.time_delta = 1.1;
    planted.b = 1.29;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    const ch_fit_group *group = &fit.groups[0];
    assert_int_equal(fit.num_groups, 1);
    assert_int_equal(group->num_data_sets, 5);
    assert_close(exponent_value(group, "delta", NULL), 0.9, 1e-10);
    assert_close(exponent_value(group, "gamma", NULL), 0.37, 1e-10);
    assert_close(exponent_value(group, "time_delta", NULL), 1.1, 1e-10);
    assert_close(exponent_value(group, "b", NULL), 1.29, 1e-10);
    assert_in(group->weight_change.log_amplitude, -1e-10, 1e-10);
    assert_int_equal(group->weight_change.num_runs, table.count);
    assert_in(find_exponent(group, "delta", NULL)->estimate.stderr_, 0, 1e-12);
    /* the theory of the perceptron at chi = 1 */
    assert_close(find_exponent(group, "gamma", NULL)->theory, 0.5, 1e-15);
    assert_close(find_exponent(group, "b", NULL)->theory, 2, 1e-15);
    /* A pure power law has no onset: every T is in the window, and T_c is under the lowest T. */
    assert_note(group, "no onset is visible");
    assert_note(group, "delta has no spread");
    assert_int_equal(group->window_temps, 6);
    assert_int_equal(group->tc[0].place, CH_TC_BELOW);
    assert_close(group->tc[0].estimate.value, 0.125, 1e-12);
    release(&fit, &table);
}

static void test_exact_onset(void **state)
{
    (void)state;
    const plant planted = plant_crossover();
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    const ch_fit_group *group = &fit.groups[0];
    /* (1/m) (T/T_c)^-m = 0.001 at T = T_c (0.0012)^(-1/1.2) = 2^(-14.6 + 8.1), and the next sampled T is 2^-6. */
    assert_close(group->window_lo, ldexp(1, -6), 1e-15);
    assert_close(group->window_hi, 2, 1e-15);
    assert_close(group->window_tolerance, 0.001, 1e-15);
    /* What is left of the crossover is at most 0.1 % of y at the lowest of eight T, which is under 0.05 % of the slope.
     */
    assert_in(exponent_value(group, "delta", NULL), 1 - 5e-4, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(group->tc[i].place, CH_TC_INSIDE);
        assert_int_equal(group->tc[i].definition, CH_TC_ONSET);
        assert_close(group->tc[i].estimate.value, planted.tc, 2e-3);
        assert_close(group->tc[i].crossover.sharpness, planted.sharpness, 5e-3);
    }
    assert_in(exponent_value(group, "a", "onset"), -1e-6, 1e-6);
    release(&fit, &table);
}

static void test_free_onset_is_exact(void **state)
{
    (void)state;
    const double truth = ldexp(1.3, -15);
    ch_onset_space space;
    ch_error err;
    ch_crossover found;
    double squares = NAN;
    const ch_crossover planted = {.log_plateau = -3, .log_temp = log(truth), .sharpness = 2.2, .delta = 0.8};
    assert_int_equal(ch_onset_space_init(&space, 16, false, &err), CH_OK);
    for (size_t i = 0; i < 16; i++) {
        space.log_temp[i] = log(ldexp(1, (int)i - 20));
        space.y[i] = ch_crossover_log(&planted, space.log_temp[i]);
        gsl_vector_set(space.weights, i, 5);
    }
    assert_true(ch_onset_fit(&space, NULL, &found, &squares));
    assert_close(found.log_temp, planted.log_temp, 1e-9);
    assert_close(found.sharpness, planted.sharpness, 1e-8);
    assert_close(found.delta, planted.delta, 1e-9);
    assert_close(found.log_plateau, planted.log_plateau, 1e-9);
    assert_in(squares, 0, 1e-18);
    ch_onset_space_free(&space);
}

/* Central differences of step h have error h^2 f''' / 6 + rounding / h: about 1e-9 here. */
static void check_jacobian(bool tied)
{
    const size_t n = 9, p = tied ? 3 : 4;
    const double h = 1e-5;
    ch_onset_space space;
    ch_error err;
    assert_int_equal(ch_onset_space_init(&space, n, tied, &err), CH_OK);
    space.delta = 1.3;
    gsl_matrix *jacobian = gsl_matrix_alloc(n, p);
    gsl_vector *up = gsl_vector_alloc(n);
    gsl_vector *down = gsl_vector_alloc(n);
    const double at[] = {-3, 0.4, 0.3, -0.2};
    for (size_t i = 0; i < n; i++) {
        space.log_temp[i] = (double)i - 4;
    }
    for (size_t k = 0; k < p; k++) {
        gsl_vector_set(space.parameters, k, at[k]);
    }
    assert_int_equal(ch_onset_jacobian(space.parameters, &space, jacobian), GSL_SUCCESS);
    for (size_t k = 0; k < p; k++) {
        gsl_vector_set(space.parameters, k, at[k] + h);
        ch_onset_residuals(space.parameters, &space, up);
        gsl_vector_set(space.parameters, k, at[k] - h);
        ch_onset_residuals(space.parameters, &space, down);
        gsl_vector_set(space.parameters, k, at[k]);
        for (size_t i = 0; i < n; i++) {
            const double slope = (gsl_vector_get(up, i) - gsl_vector_get(down, i)) / (2 * h);
            assert_in(gsl_matrix_get(jacobian, i, k) - slope, -1e-8, 1e-8);
        }
    }
    gsl_matrix_free(jacobian);
    gsl_vector_free(up);
    gsl_vector_free(down);
    ch_onset_space_free(&space);
}

static void test_jacobian(void **state)
{
    (void)state;
    check_jacobian(false);
    check_jacobian(true);
}

static void test_exact_escape(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.first_temp = -6;
    planted.num_temps = 5; /* 2^-6 … 2^-2 */
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    const ch_fit_group *group = &fit.groups[0];
    /* T_c = 4 P^-1/2 = 2^-3, 2^-3.5, … 2^-5 at P = 2^10 … 2^14 */
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(group->tc[5 + i].definition, CH_TC_ESCAPE);
        assert_int_equal(group->tc[5 + i].place, CH_TC_INSIDE);
        assert_close(group->tc[5 + i].estimate.value, pow(2, -3 - 0.5 * (double)i), 1e-12);
    }
    assert_close(exponent_value(group, "a", "escape"), 0.5, 1e-10);
    release(&fit, &table);
    planted.first_temp = -9; /* up to 2^-5, so that only the last T_c is reached */
    fit_plant(&fit, &table, &planted);
    assert_int_equal(fit.groups[0].tc[5].place, CH_TC_ABOVE);
    assert_close(fit.groups[0].tc[5].estimate.value, ldexp(1, -5), 1e-15);
    assert_null(find_exponent(&fit.groups[0], "a", "escape"));
    assert_note(&fit.groups[0], "no a by escape");
    release(&fit, &table);
    planted.first_temp = -1; /* all T are above */
    fit_plant(&fit, &table, &planted);
    assert_int_equal(fit.groups[0].tc[5].place, CH_TC_BELOW);
    assert_close(fit.groups[0].tc[5].estimate.value, 0.5, 1e-15);
    release(&fit, &table);
}

/* At large T ||Dw|| no longer grows, and the window ends there. */
static void test_upper_departure(void **state)
{
    (void)state;
    plant planted = plant_default();
    planted.num_temps = 9;
    planted.run_noise = 0.01;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        ch_run *run = &table.runs[i];
        if (run->settings.temp > 4) {
            run->final.weight_change *= 4 / run->settings.temp;
        }
    }
    fit_table(&fit, &table, 1);
    assert_close(fit.groups[0].window_lo, 0.125, 1e-15);
    assert_close(fit.groups[0].window_hi, 4, 1e-15);
    assert_int_equal(fit.groups[0].window_temps, 6);
    assert_note(&fit.groups[0], "T above 2^2 are left out");
    release(&fit, &table);
}

/* The replicas, and with them every error, have the same bits for any number of threads and any order of the table's
 * runs. */
static void test_threads_and_order(void **state)
{
    (void)state;
    skip_under_valgrind();
    plant planted = plant_crossover();
    planted.set_noise = planted.set_train_noise = planted.run_noise = 0.1;
    ch_run_table table;
    ch_fit one, two, reversed;
    plant_table(&planted, 7, &table);
    fit_table(&one, &table, 1);
    fit_table(&two, &table, 2);
    ch_run_table backward = {.runs = calloc(table.count, sizeof *backward.runs), .count = table.count};
    assert_non_null(backward.runs);
    for (size_t i = 0; i < table.count; i++) {
        backward.runs[i] = table.runs[table.count - 1 - i];
    }
    fit_table(&reversed, &backward, 3);
    const ch_fit_group *groups[] = {&two.groups[0], &reversed.groups[0]};
    assert_int_equal(one.groups[0].num_exponents, 8);
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(groups[k]->num_exponents, 8);
        for (size_t i = 0; i < 8; i++) {
            assert_memory_equal(&groups[k]->exponents[i].estimate, &one.groups[0].exponents[i].estimate,
                                sizeof(ch_estimate));
        }
        for (size_t i = 0; i < one.groups[0].num_tc; i++) {
            assert_memory_equal(&groups[k]->tc[i].estimate, &one.groups[0].tc[i].estimate, sizeof(ch_estimate));
        }
    }
    ch_fit_free(&one);
    ch_fit_free(&two);
    release(&reversed, &backward);
    free(table.runs);
}

/* ---- progress ---- */

/* Is told of the replicas of a fit, and raises the stop flag when `enough` are done. */
typedef struct {
    size_t done, enough;
    ch_stop stop;
    ch_watch watch;
} listener;

static void listen(void *context, const ch_watch_report *report)
{
    listener *self = context;
    assert_string_equal(report->unit, "replicas");
    assert_true(report->done > self->done);
    assert_int_equal(report->total, 50);
    self->done = report->done;
    if (self->done >= self->enough) {
        self->stop = 1;
    }
}

static ch_fit_options heard_by(listener *self, size_t enough, int threads)
{
    ch_fit_options options;
    *self = (listener){.enough = enough};
    ch_fit_options_default(&options);
    options.replicas = 50; /* not a multiple of the number of replicas between two reports */
    options.threads = threads;
    self->watch = (ch_watch){.stop = &self->stop, .progress = listen, .context = self};
    options.watch = &self->watch;
    return options;
}

static void test_progress_is_told_and_changes_nothing(void **state)
{
    (void)state;
    skip_under_valgrind();
    plant planted = plant_crossover();
    planted.set_noise = planted.run_noise = 0.1;
    ch_run_table table;
    ch_fit fit, heard;
    ch_error err = {0};
    fit_plant(&fit, &table, &planted);
    for (int threads = 1; threads <= 3; threads++) {
        listener ear;
        const ch_fit_options options = heard_by(&ear, SIZE_MAX, threads);
        assert_int_equal(ch_fit_init(&heard, &table, &options, &err), CH_OK);
        assert_int_equal(ear.done, 50);
        for (size_t i = 0; i < fit.groups[0].num_exponents; i++) {
            assert_memory_equal(&heard.groups[0].exponents[i].estimate, &fit.groups[0].exponents[i].estimate,
                                sizeof(ch_estimate));
        }
        ch_collapse collapse;
        ear.done = 0;
        assert_int_equal(ch_collapse_init(&collapse, &heard.groups[0], CH_COLLAPSE_WEIGHT_CHANGE, &options, &err),
                         CH_OK);
        assert_int_equal(ear.done, 50);
        ch_collapse_free(&collapse);
        ch_fit_free(&heard);
    }
    release(&fit, &table);
}

static void test_a_raised_flag_ends_a_fit(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.set_noise = planted.run_noise = 0.1;
    ch_run_table table;
    ch_fit fit;
    ch_error err = {0};
    listener ear;
    plant_table(&planted, 1, &table);
    const ch_fit_options options = heard_by(&ear, 1, 2);
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_ERROR_INTERRUPTED);
    assert_int_equal(err.code, CH_ERROR_INTERRUPTED);
    assert_in((double)ear.done, 1, 49);
    ch_fit_free(&fit);
    /* the flag is raised from the start */
    assert_int_equal(ch_fit_init(&fit, &table, &options, &err), CH_ERROR_INTERRUPTED);
    ch_fit_free(&fit);
    fit_table(&fit, &table, 1);
    ch_collapse collapse;
    assert_int_equal(ch_collapse_init(&collapse, &fit.groups[0], CH_COLLAPSE_WEIGHT_CHANGE, &options, &err),
                     CH_ERROR_INTERRUPTED);
    ch_collapse_free(&collapse);
    release(&fit, &table);
}

/* ---- groups, output ---- */

static void test_groups(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    char label[64];
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < table.count; i++) {
        ch_settings *settings = &table.runs[i].settings;
        settings->max_steps = i;
        settings->record = i % 3;
        if (settings->seed_data >= 3) {
            settings->batch = settings->train;
        } else if (settings->seed_data == 2) {
            settings->batch = 1024; /* at P = 1024 this is the full batch */
        }
    }
    fit_table(&fit, &table, 2);
    assert_int_equal(fit.num_groups, 3); /* in the order of their first runs */
    assert_int_equal(fit.groups[0].num_runs, 60);
    assert_int_equal(fit.groups[1].num_runs, 66);
    assert_int_equal(fit.groups[2].num_runs, 24);
    ch_fit_group_label(&fit, &fit.groups[0], label, sizeof label);
    assert_string_equal(label, "chi = 1, dim = 16, batch = 2");
    ch_fit_group_label(&fit, &fit.groups[1], label, sizeof label);
    assert_string_equal(label, "chi = 1, dim = 16, batch = full");
    ch_fit_group_label(&fit, &fit.groups[2], label, sizeof label);
    assert_string_equal(label, "chi = 1, dim = 16, batch = 2^10");
    ch_fit_group_label(&fit, &fit.groups[2], label, 9);
    assert_string_equal(label, "chi = 1,");
    assert_int_equal(fit.groups[2].trains[0], 2048);
    /* The theory holds for small batches. Beside two others the full batch has no exponents over P. */
    assert_true(isnan(find_exponent(&fit.groups[1], "delta", NULL)->theory));
    assert_close(find_exponent(&fit.groups[0], "gamma", NULL)->theory, 0.5, 1e-15);
    release(&fit, &table);
}

static void test_json(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.num_sets = 1;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    json_t *report = ch_fit_json(&fit);
    assert_non_null(report);
    const json_t *exponents = json_object_get(report, "exponents");
    const json_t *tc = json_object_get(report, "tc");
    const json_t *groups = json_object_get(report, "groups");
    assert_int_equal(json_array_size(exponents), fit.groups[0].num_exponents);
    assert_int_equal(json_array_size(tc), 16);
    assert_int_equal(json_array_size(groups), 1);
    const json_t *delta = json_array_get(exponents, 0);
    assert_string_equal(json_string_value(json_object_get(delta, "name")), "delta");
    assert_in(json_real_value(json_object_get(delta, "value")), 0.999, 1.001);
    assert_true(json_is_null(json_object_get(delta, "stderr")));
    assert_true(json_is_null(json_object_get(delta, "ci95")));
    assert_in(json_real_value(json_object_get(delta, "theory")), 1, 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(delta, "group"), "dim")), PLANT_DIM);
    assert_null(json_object_get(json_object_get(delta, "group"), "train"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(delta, "group"), "model")), "perceptron");
    const json_t *first = json_array_get(tc, 0);
    assert_int_equal(json_integer_value(json_object_get(first, "train")), 1024);
    assert_string_equal(json_string_value(json_object_get(first, "definition")), "onset");
    assert_true(json_is_null(json_object_get(first, "bound")));
    assert_int_equal(json_array_size(json_object_get(json_array_get(groups, 0), "window")), 2);
    assert_true(json_is_string(json_object_get(report, "version")));
    json_decref(report);
    release(&fit, &table);
}

static char *printed(const ch_fit *fit, void (*print)(const ch_fit *, FILE *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    print(fit, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* No line has over 79 columns. */
static void assert_narrow(const char *text)
{
    size_t width = 0;
    for (const char *c = text; *c != '\0'; c++) {
        width = *c == '\n' ? 0 : width + (((unsigned char)*c & 0xC0) != 0x80);
        if (width > 79) {
            fail_msg("a line is over 79 columns, which ends before %.60s\n%s", c, text);
        }
    }
}

static size_t count(const char *text, const char *part)
{
    size_t number = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        number++;
    }
    return number;
}

/* The reports have no line over 79 columns, and say what they must: the short one has one `a` for each definition of
 * T_c and no long note, and the detailed one has all. */
static void test_table(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.run_noise = 0.1;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    for (size_t i = 0; i < 40; i++) {
        table.runs[i].status = CH_BUDGET;
    }
    fit_table(&fit, &table, 2);
    char *text = printed(&fit, ch_fit_print), *details = printed(&fit, ch_fit_print_details);
    assert_narrow(text);
    assert_narrow(details);
    assert_non_null(strstr(text, "chi = 1, dim = 16\n"));
    assert_non_null(strstr(text, "off by"));
    assert_non_null(strstr(text, "T_c by escape (‖Δw‖ = 1 ‖w₀‖)"));
    assert_int_equal(count(text, "\n       escape "), 1);
    assert_int_equal(count(text, "\n       onset "), 1);
    assert_null(strstr(text, "lower bounds: T = "));
    assert_non_null(strstr(text, " ended by a budget"));
    assert_non_null(strstr(text, "--details"));
    const char *const words[] = {"a escape slope", "a escape joint",   "a onset slope", "a onset joint",
                                 "correlations: ", "over P",           "T_c by onset",  "lower bounds: T = ",
                                 "ΔAICc",          "between data sets"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(details, words[i]) == NULL) {
            fail_msg("\"%s\" is not in\n%s", words[i], details);
        }
    }
    free(text);
    free(details);
    release(&fit, &table);
}

/* Every row has as many fields as the first, and numbers have all their digits. */
static void test_csv(void **state)
{
    (void)state;
    plant planted = plant_crossover();
    planted.set_noise = planted.run_noise = 0.05;
    ch_run_table table;
    ch_fit fit;
    fit_plant(&fit, &table, &planted);
    char *text = printed(&fit, ch_fit_print_csv);
    size_t rows = 0, first = 0;
    for (const char *row = text; *row != '\0'; row = strchr(row, '\n') + 1) {
        size_t fields = 1;
        for (const char *at = row; *at != '\n'; at++) {
            fields += *at == ',';
        }
        first = rows++ == 0 ? fields : first;
        assert_int_equal(fields, first);
    }
    const ch_fit_group *group = &fit.groups[0];
    /* two rows are the power laws over P of ||Dw|| and t*, and three the effective chi */
    assert_int_equal(rows, 1 + group->num_exponents + 2 + 3 + group->num_tc);
    const ch_exponent *gamma = find_exponent(group, "gamma", NULL);
    char expected[128];
    snprintf(expected, sizeof expected, ",gamma,,,%.17g,%.17g,", gamma->estimate.value, gamma->estimate.stderr_);
    assert_non_null(strstr(text, expected));
    free(text);
    release(&fit, &table);
}

static void test_latex(void **state)
{
    (void)state;
    const plant planted = plant_default();
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    fit_table(&fit, &table, 2);
    ch_exponent *gamma = &fit.groups[0].exponents[1];
    assert_int_equal(gamma->number, CH_FIT_GAMMA);
    gamma->estimate = (ch_estimate){0.4312, 0.0123, 0.4, 0.46};
    char *text = printed(&fit, ch_fit_print_latex);
    assert_non_null(strstr(text, "chi = 1, dim = 16 & $1.0000$ & $0.431(12)$ & $1.0000$ & $2.0000$"));
    assert_non_null(strstr(text, "theory & $1$ & $0.5$ & $1$ & $2$"));
    assert_non_null(strstr(text, "\\begin{tabular}{lrrrr"));
    assert_non_null(strstr(text, "\\end{tabular}"));
    free(text);
    release(&fit, &table);
}

int main(void)
{
    /* suites: thread valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_power_laws),
        cmocka_unit_test(test_exact_onset),
        cmocka_unit_test(test_free_onset_is_exact),
        cmocka_unit_test(test_jacobian),
        cmocka_unit_test(test_exact_escape),
        cmocka_unit_test(test_upper_departure),
        cmocka_unit_test(test_threads_and_order),
        cmocka_unit_test(test_progress_is_told_and_changes_nothing),
        cmocka_unit_test(test_a_raised_flag_ends_a_fit),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_latex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
