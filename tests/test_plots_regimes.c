/* test_plots_regimes.c — the maps over batch and rate: what they say, their borders, and failing allocations. */
#include "fit/fit.h"
#include "plots/plots.h"
#include "tests/alloc_fail.h"
#include "tests/regimes_plant.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE "perceptron-chi1-dim128-train1024-regimes"

static char directory[] = "/tmp/chiton-regimes-XXXXXX";

static const ch_plot_style style = {.format = CH_PLOT_SVG, .has_data = true};

static char *read_page(const char *ending)
{
    char path[200];
    snprintf(path, sizeof path, "%s/" PAGE "%s", directory, ending);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    enum { ROOM = 1 << 21 };
    char *text = malloc(ROOM);
    assert_non_null(text);
    const size_t length = fread(text, 1, ROOM - 1, file);
    text[length] = '\0';
    fclose(file);
    unlink(path);
    return text;
}

static void fit_plant(const regimes_plant *plant, ch_run_table *table, ch_fit *fit)
{
    ch_fit_options options;
    ch_error err = {0};
    regimes_plant_table(plant, 1, table);
    ch_fit_options_default(&options);
    options.replicas = 20;
    options.threads = 1;
    options.expects = false;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void draw(const regimes_plant *plant)
{
    ch_run_table table;
    ch_fit fit;
    ch_error err = {0};
    fit_plant(plant, &table, &fit);
    if (ch_plot_regimes(&fit, directory, &style, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

static regimes_plant small_plant(void)
{
    regimes_plant plant = regimes_plant_default();
    plant.num_trains = 1;
    plant.num_sets = 2;
    return plant;
}

/* The two ends of a border. */
static void border_of(const char *rows, const char *name, double x[2], double y[2])
{
    const char *at = rows;
    for (size_t i = 0; i < 2; i++) {
        char start[96];
        snprintf(start, sizeof start, "a,border,\"%s\",", name);
        at = strstr(at, start);
        assert_non_null(at);
        assert_int_equal(sscanf(at + strlen(start), "%lf,%lf", &x[i], &y[i]), 2);
        at++;
    }
}

/* The borders are where the planted terms are equal: B* = A/C, T_0 = G/A, and eta = G/C, at which all three meet. */
static void test_borders(void **state)
{
    (void)state;
    const regimes_plant plant = small_plant();
    const double star = exp(plant.law.log_noise - plant.law.log_step);
    const double temp = exp(plant.law.log_descent - plant.law.log_noise);
    double x[2], y[2];
    draw(&plant);
    char *rows = read_page(".csv");
    assert_non_null(rows);
    border_of(rows, "noise, first step", x, y);
    assert_close(x[0], star, 1e-3);
    assert_close(x[1], star, 1e-3);
    assert_close(y[0], star * temp, 1e-3);
    assert_true(y[1] > ldexp(1, 10));
    border_of(rows, "noise, gradient descent", x, y);
    assert_close(y[0] / x[0], temp, 1e-3);
    assert_close(y[1] / x[1], temp, 1e-3);
    assert_close(x[1], star, 1e-3);
    border_of(rows, "first step, gradient descent", x, y);
    assert_close(x[0], star, 1e-3);
    assert_close(y[0], star * temp, 1e-3);
    assert_close(y[1], star * temp, 1e-3);
    free(rows);
}

static void test_words(void **state)
{
    (void)state;
    static const char *const says[] = {"weight change",
                                       "training time",
                                       "test error",
                                       "learning rate",
                                       "batch size",
                                       "noise",
                                       "first step",
                                       "gradient descent",
                                       "borders between regimes",
                                       "B* = ",
                                       "374 runs on 2 data sets"};
    const regimes_plant plant = small_plant();
    draw(&plant);
    char *text = read_page(".svg");
    assert_non_null(text);
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        if (strstr(text, says[i]) == NULL) {
            fail_msg("the page does not say \"%s\"", says[i]);
        }
    }
    free(text);
}

/* With three B there is no first step: maps without borders. With two there is no page. */
static void test_few_batches(void **state)
{
    (void)state;
    regimes_plant plant = small_plant();
    plant.num_batches = 3;
    draw(&plant);
    char *text = read_page(".svg"), *rows = read_page(".csv");
    assert_non_null(text);
    assert_non_null(strstr(text, "No borders"));
    assert_null(strstr(rows, "border"));
    free(text);
    free(rows);
    plant.num_batches = 2;
    draw(&plant);
    assert_null(read_page(".svg"));
}

static void test_allocations_fail(void **state)
{
    (void)state;
    regimes_plant plant = small_plant();
    ch_run_table table;
    ch_fit fit;
    ch_error err;
    long failed = 0;
    plant.num_batches = 4;
    plant.num_temps = 4;
    fit_plant(&plant, &table, &fit);
    assert_failures_are_told(failed, ch_plot_regimes(&fit, directory, &style, NULL, &err), err,
                             assert_null(read_page(".svg")));
    assert_true(failed > 10);
    free(read_page(".svg"));
    free(read_page(".csv"));
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

static int begin(void **state)
{
    (void)state;
    gsl_set_error_handler_off();
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    free(read_page(".csv"));
    free(read_page(".svg"));
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_few_batches),
        cmocka_unit_test(test_allocations_fail),
    };
    return cmocka_run_group_tests_name("maps of regimes", tests, begin, end);
}
