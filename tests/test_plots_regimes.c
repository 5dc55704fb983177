/* test_plots_regimes.c — the maps over batch and rate, the weight change against the batch and its collapse: what they
 * say, their lines, and failing allocations. */
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

static char *read_file(const char *name, const char *ending)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s%s", directory, name, ending);
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

static char *read_page(const char *ending)
{
    return read_file(PAGE, ending);
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

typedef ch_code (*draw_pages)(const ch_fit *fit, const char *directory, const ch_plot_style *style, FILE *names,
                              ch_error *err);

static void draw_by(draw_pages pages, const regimes_plant *plant)
{
    ch_run_table table;
    ch_fit fit;
    ch_error err = {0};
    fit_plant(plant, &table, &fit);
    if (pages(&fit, directory, &style, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

static void draw(const regimes_plant *plant)
{
    draw_by(ch_plot_regimes, plant);
}

static regimes_plant small_plant(void)
{
    regimes_plant plant = regimes_plant_default();
    plant.num_trains = 1;
    plant.num_sets = 2;
    return plant;
}

/* The two ends of a border. */
static void border_of(const char *rows, const char *shows, const char *name, double x[2], double y[2])
{
    const char *at = rows;
    for (size_t i = 0; i < 2; i++) {
        char start[96];
        snprintf(start, sizeof start, "a,%s,\"%s\",", shows, name);
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
    border_of(rows, "border", "noise, first step", x, y);
    assert_close(x[0], star, 1e-3);
    assert_close(x[1], star, 1e-3);
    assert_close(y[0], star * temp, 1e-3);
    assert_true(y[1] > ldexp(1, 10));
    border_of(rows, "border", "noise, gradient descent", x, y);
    assert_close(y[0] / x[0], temp, 1e-3);
    assert_close(y[1] / x[1], temp, 1e-3);
    assert_close(x[1], star, 1e-3);
    border_of(rows, "border", "first step, gradient descent", x, y);
    assert_close(x[0], star, 1e-3);
    assert_close(y[0], star * temp, 1e-3);
    assert_close(y[1], star * temp, 1e-3);
    free(rows);
}

/* The predicted border of noise and first step is at theory's B*, whatever eta. */
static void test_predicted_borders(void **state)
{
    (void)state;
    const regimes_plant plant = small_plant();
    /* chi = 1, P = 1024, d = 128: sqrt(d) |w| / (T E|x_par|), |w| = T sqrt(d) n sqrt(pi/2) sqrt(1 + lambda^2), n = 1/4,
     * lambda^2 = 2 n P / d = 4, E|x_par| = sqrt(pi/2) */
    const double star = 128 * 0.25 * sqrt(5);
    double x[2], y[2];
    draw(&plant);
    char *rows = read_page(".csv");
    assert_non_null(rows);
    border_of(rows, "theory", "noise, first step", x, y);
    assert_close(x[0], star, 1e-9);
    assert_close(x[1], star, 1e-9);
    assert_close(y[0], star / 32768, 1e-9); /* T = kappa */
    free(rows);
}

/* The rows of a curve that show something: x and y of its `index`-th row. */
static void row_of(const char *rows, const char *start, size_t index, double *x, double *y)
{
    const char *at = rows;
    for (size_t i = 0; i <= index; i++) {
        at = strstr(i == 0 ? at : at + 1, start);
        assert_non_null(at);
    }
    assert_int_equal(sscanf(at + strlen(start), "%lf,%lf", x, y), 2);
}

/* The points against B at fixed T, and at a fixed rate, are the planted ones, and the lines go through them. */
static void test_batches(void **state)
{
    (void)state;
    const regimes_plant plant = small_plant();
    double x, y;
    draw_by(ch_plot_batches, &plant);
    char *rows = read_file("perceptron-chi1-dim128-train1024-batches", ".csv");
    char *text = read_file("perceptron-chi1-dim128-train1024-batches", ".svg");
    assert_non_null(rows);
    assert_non_null(text);
    assert_non_null(strstr(text, "fitted law"));
    assert_non_null(strstr(text, "theory: the largest term"));
    assert_non_null(strstr(text, "is flat in B"));
    for (size_t b = 0; b < 11; b++) {
        row_of(rows, "a,mean,temp=16,", b, &x, &y);
        assert_close(x, ldexp(1, (int)b), 1e-12);
        assert_close(y / exp(ch_regime_law_log(&plant.law, x, 16, NULL)), 1, 1e-9);
    }
    row_of(rows, "b,mean,rate=4096,", 0, &x, &y); /* higher rates have fewer than three B */
    assert_close(y / exp(ch_regime_law_log(&plant.law, x, 4096 / x, NULL)), 1, 1e-9);
    row_of(rows, "a,law,temp=16,", 30, &x, &y);
    assert_close(y / exp(ch_regime_law_log(&plant.law, x, 16, NULL)), 1, 1e-4);
    row_of(rows, "b,law,rate=4096,", 30, &x, &y);
    assert_close(y / exp(ch_regime_law_log(&plant.law, x, 4096 / x, NULL)), 1, 1e-4);
    free(rows);
    free(text);
}

/* After the collapse by the planted gamma the points of all P lie on one curve, [A^m + (C B)^m]^(1/m) at P = 1. */
static void test_batch_collapse(void **state)
{
    (void)state;
    regimes_plant plant = small_plant();
    plant.num_trains = 3;
    plant.law.log_descent = -INFINITY;
    draw_by(ch_plot_batch_collapse, &plant);
    char *rows = read_file("perceptron-chi1-dim128-batch_collapse", ".csv");
    char *text = read_file("perceptron-chi1-dim128-batch_collapse", ".svg");
    assert_non_null(rows);
    assert_non_null(text);
    assert_non_null(strstr(text, "law of the largest P"));
    static const char *const starts[] = {"b,mean,train=1024,", "b,mean,train=2048,", "b,mean,train=4096,"};
    const double unit = pow(1024, 0.4), noise = exp(plant.law.log_noise) / unit, step = exp(plant.law.log_step);
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < 11 * 17; i++) {
            double x, y;
            row_of(rows, starts[p], i, &x, &y);
            assert_close(y / cbrt(pow(noise, 3) + pow(step * x, 3)), 1, 1e-4);
        }
    }
    free(rows);
    free(text);
    plant.num_trains = 1; /* one P has nothing to be brought onto one curve with */
    draw_by(ch_plot_batch_collapse, &plant);
    assert_null(read_file("perceptron-chi1-dim128-batch_collapse", ".svg"));
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

static void fail_pages(draw_pages pages, const regimes_plant *plant, const char *name)
{
    ch_run_table table;
    ch_fit fit;
    ch_error err;
    long failed = 0;
    fit_plant(plant, &table, &fit);
    assert_failures_are_told(failed, pages(&fit, directory, &style, NULL, &err), err,
                             assert_null(read_file(name, ".svg")));
    assert_true(failed > 10);
    free(read_file(name, ".svg"));
    free(read_file(name, ".csv"));
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

static void test_allocations_fail(void **state)
{
    (void)state;
    regimes_plant plant = small_plant();
    plant.num_batches = 4;
    plant.num_temps = 4;
    fail_pages(ch_plot_regimes, &plant, PAGE);
    fail_pages(ch_plot_batches, &plant, "perceptron-chi1-dim128-train1024-batches");
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
        cmocka_unit_test(test_predicted_borders),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_batch_collapse),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_few_batches),
        cmocka_unit_test(test_allocations_fail),
    };
    return cmocka_run_group_tests_name("maps of regimes", tests, begin, end);
}
