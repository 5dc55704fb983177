/* test_program_laws.c — the program on tabulated densities and spectra: training, sweeping, listing, fitting, plotting,
 * exporting, and what it refuses. */
#include "program_support.h"

#include <jansson.h>
#include <math.h>

/* Requires that the command ends with a status, one line on standard error that has `says` in it, and no output. */
static void assert_ends(int status, const char *line, const char *says)
{
    const int ended = chiton("%s", line);
    if (ended != status || strstr(err, says) == NULL) {
        fail_msg("%s: exit status %d, '%s' does not say '%s'", line, ended, err, says);
    }
    assert_ptr_equal(strstr(err, "chiton: "), err);
    assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
    assert_string_equal(out, "");
}

static json_t *run_json(const char *line)
{
    assert_succeeds("%s", line);
    json_t *run = json_loads(out, 0, NULL);
    assert_non_null(run);
    return run;
}

static double real_of(const json_t *run, const char *name)
{
    return json_number_value(json_object_get(run, name));
}

static void test_run(void **state)
{
    (void)state;
    write_text("rho.csv", "x,rho\n0,1\n1,1\n");
    json_t *run = run_json("run perceptron --density rho.csv --dim 16 --train 256 --temp 1 --json");
    assert_string_equal(json_string_value(json_object_get(run, "data")), "density");
    assert_true(json_is_null(json_object_get(run, "chi")) && json_is_null(json_object_get(run, "data_pool")));
    assert_int_equal(strlen(json_string_value(json_object_get(run, "data_digest"))), 64);
    /* uniform on [0, 1]: Phi(-l) + (phi(0) - phi(l)) / l */
    const double l = real_of(run, "signal") / real_of(run, "noise");
    const double wanted = erfc(l / sqrt(2)) / 2 + (1 - exp(-l * l / 2)) / (l * sqrt(2 * M_PI));
    assert_close(real_of(run, "test_error"), wanted, 1e-10);
    json_decref(run);
    run = run_json("run perceptron --spectrum 1 --teacher_axis last --dim 16 --train 256 --temp 1 --json");
    assert_string_equal(json_string_value(json_object_get(run, "data")), "depleted");
    assert_int_equal((int)real_of(run, "teacher_axis"), 16);
    assert_true(real_of(run, "spectrum") == 1 && json_is_null(json_object_get(run, "data_digest")));
    assert_in(real_of(run, "test_error"), 1e-6, 0.5);
    json_decref(run);
    run = run_json("run mlp --density rho.csv --width 8 --depth 1 --dim 8 --train 40 --test 10 --temp 0.1 --json");
    assert_string_equal(json_string_value(json_object_get(run, "status")), "fitted");
    json_decref(run);
    assert_succeeds("run perceptron --density rho.csv --dim 16 --train 64 --temp 1");
    assert_says(out, "density");
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"0,1\n1,nan\n", "density is rho.csv, row 2 of which is x = 1, rho = nan; accepted are finite numbers"},
        {"0,1\n1,-1\n", "rho = -1; accepted is rho >= 0"},
        {"0,1\n2,1\n1,1\n", "accepted is an x greater than that of the row before"},
        {"0,0\n1,0\n", "rho is 0 everywhere"},
        {"0,1\n", "which has 1 row; accepted are 2 to 65536"},
        {"", "rho.csv is empty"},
    };
    static const char *const commands[] = {
        "run perceptron --density rho.csv --temp 1", "sweep perceptron --density rho.csv --temp 1,2 -o s.db",
        "sweep perceptron --density rho.csv --temp 1,2 --skip-invalid -o s.db", "data export --density rho.csv -o s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text("rho.csv", bad[i].text);
        assert_ends(2, commands[i % 4], bad[i].says);
        assert_int_equal(num_files(), 1);
    }
    write_text("rho.csv", "0 1\n1 1\n");
    assert_ends(2, "run perceptron --density none.csv --temp 1", "none.csv cannot be read: No such file or directory");
    assert_ends(2, "run perceptron --data density --temp 1", "density is not set, and data = density is read from it");
    assert_ends(2, "run perceptron --data depleted --density rho.csv --temp 1",
                "density is rho.csv, but data = depleted has no density; accepted is to leave it out");
    assert_ends(2, "run perceptron --density rho.csv --chi 1 --temp 1", "chi is 1, but data = density has no chi");
    assert_ends(2, "run perceptron --density rho.csv --train inf --max_steps 5 --temp 1",
                "train is inf, but data = density has no density exponent chi");
    assert_ends(2, "run perceptron --spectrum 1 --train inf --max_steps 5 --temp 1",
                "spectrum is 1, but averages over the fresh samples of train = inf");
    assert_ends(2, "run perceptron --spectrum -1 --temp 1", "spectrum is '-1'; accepted is a number >= 0 and <= 8");
    assert_ends(2, "run mlp --data stripe --spectrum 1 --temp 1", "spectrum is 1, but data = stripe has no spectrum");
    assert_ends(2, "run perceptron --teacher_axis 200 --temp 1",
                "teacher_axis is 200, more than dim = 128; accepted is an integer from 1 to dim, or last");
    assert_ends(2, "run perceptron --teacher random --teacher_axis 2 --temp 1",
                "teacher_axis is 2, but teacher = random has no teacher_axis; accepted is to leave it out");
    assert_ends(2, "run perceptron --data random_sign --teacher_axis 2 --temp 1",
                "teacher_axis is 2, but data = random_sign has no teacher_axis");
    assert_ends(2, "run simple_cnn --density rho.csv --temp 1", "but model = simple_cnn takes images");
    assert_ends(2, "theory --chi 1 --spectrum 1 --temp 1",
                "spectrum is 1, but theory is about inputs of equal variance");
    assert_ends(2, "theory --chi 1 --density rho.csv --temp 1", "chi is 1, but data = density has no chi");
}

/* ---- from samples for use elsewhere back to moments ---- */

enum { NUM = 4000, DIM = 4 };

/* Second moments of the samples that were exported, and the mean of their first number with its label's sign. */
static void read_moments(double *moments, double *along)
{
    static float x[NUM][DIM];
    static int8_t y[NUM];
    FILE *file = fopen(path_of("s-x.npy"), "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 128, SEEK_SET), 0);
    assert_int_equal(fread(x, sizeof x[0], NUM, file), NUM);
    fclose(file);
    file = fopen(path_of("s-y.npy"), "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 128, SEEK_SET), 0);
    assert_int_equal(fread(y, 1, NUM, file), NUM);
    fclose(file);
    *along = 0;
    for (size_t i = 0; i < DIM; i++) {
        moments[i] = 0;
        for (size_t mu = 0; mu < NUM; mu++) {
            moments[i] += pow((double)x[mu][i], 2) / NUM;
        }
    }
    for (size_t mu = 0; mu < NUM; mu++) {
        assert_true(y[mu] * x[mu][0] > 0);
        *along += fabs((double)x[mu][0]) / NUM;
    }
}

/* Each moment passes 5 standard deviations in one of 1.7 million seeds. */
static void test_export(void **state)
{
    (void)state;
    double moments[DIM], along = 0, sum = 0;
    write_text("rho.txt", "# x rho\n0 0\n2 2\n"); /* rho = v / 2 on [0, 2]: mean 4/3, second moment 2, fourth 16/3 */
    assert_succeeds("data export --density rho.txt --dim 4 --train 4000 --seed 1 -o s");
    assert_says(out, "s-x.npy, s-y.npy: 4000 samples of 4 numbers\n");
    read_moments(moments, &along);
    assert_in(along, 4.0 / 3 - 5 * sqrt(2.0 / 9 / NUM), 4.0 / 3 + 5 * sqrt(2.0 / 9 / NUM));
    assert_in(moments[0], 2 - 5 * sqrt(4.0 / 3 / NUM), 2 + 5 * sqrt(4.0 / 3 / NUM));
    for (size_t i = 1; i < DIM; i++) {
        assert_in(moments[i], 1 - 5 * sqrt(2.0 / NUM), 1 + 5 * sqrt(2.0 / NUM));
    }
    assert_int_equal(unlink(path_of("s-x.npy")) + unlink(path_of("s-y.npy")), 0);
    assert_succeeds("data export --spectrum 2 --dim 4 --train 4000 --seed 1 -o s");
    read_moments(moments, &along);
    for (size_t k = 1; k <= DIM; k++) {
        sum += pow((double)k, -2);
    }
    for (size_t k = 1; k <= DIM; k++) {
        const double variance = DIM * pow((double)k, -2) / sum, error = 5 * variance * sqrt(2.0 / NUM);
        assert_in(moments[k - 1], variance - error, variance + error);
    }
}

/* ---- sweeps, fits and figures ---- */

static void assert_no_theory(void)
{
    json_t *fit = json_loads(out, 0, NULL);
    const json_t *exponents = json_object_get(fit, "exponents");
    size_t index;
    json_t *one;
    assert_true(json_array_size(exponents) >= 4);
    json_array_foreach(exponents, index, one)
    {
        assert_true(json_is_null(json_object_get(one, "theory")) && json_is_null(json_object_get(one, "expected")));
    }
    json_decref(fit);
}

static void test_sweep_of_a_density(void **state)
{
    (void)state;
    write_text("rho.csv", "0,1\n1,1\n");
    write_text("s.yaml", "model: perceptron\ndensity: rho.csv\ndim: 8\ntrain: [64, 128, 256]\ntemp: [0.25, 1, 4]\n"
                         "seed: 0..2\n");
    assert_succeeds("sweep s.yaml -o s.db");
    assert_says(out, "s.db: 27 runs, 0 were there, 27 done");
    assert_says(out, "27 fitted");
    assert_int_equal(rename(path_of("rho.csv"), path_of("moved.csv")), 0); /* its name is no part of a run */
    assert_succeeds("sweep s.yaml --density moved.csv -o s.db");
    assert_says(out, "27 were there, 0 done");
    assert_succeeds("fit s.db");
    assert_says(out, "‖Δw‖ ~ P^γ");
    assert_succeeds("fit s.db --json");
    assert_says(out, "no theory stands beside the exponents: it is in terms of chi");
    assert_no_theory();
    assert_succeeds("plot s.db -o figures --format svg");
    write_text("other.csv", "0,0\n1,1\n");
    assert_succeeds("sweep s.yaml --density other.csv -o s.db");
    assert_says(out, "0 were there, 27 done");
    assert_int_equal(query(path_of("s.db"), "SELECT count(DISTINCT data_digest) FROM runs WHERE data_pool IS NULL"), 2);
    assert_succeeds("list s.db");
    assert_says(out, "data_digest     density: ");
    assert_succeeds("fit s.db"); /* two groups, which the digest tells apart */
    assert_says(out, "dim = 8, data_digest = ");
    assert_succeeds("plot s.db -o both --format svg");
    assert_succeeds("export s.db --csv");
    assert_says(out, "density");
}

static void test_sweep_of_spectra(void **state)
{
    (void)state;
    write_text("s.yaml", "model: perceptron\nspectrum: [0, 1]\nteacher_axis: last\ndim: 8\ntrain: [64, 128, 256]\n"
                         "temp: [0.25, 1, 4]\nseed: 0..2\n");
    assert_succeeds("sweep s.yaml -o s.db");
    assert_says(out, "s.db: 54 runs, 0 were there, 54 done");
    assert_succeeds("list s.db");
    assert_says(out, "spectrum");
    assert_succeeds("fit s.db");
    assert_says(out, "spectrum = 1");
    assert_succeeds("fit s.db --where 'spectrum = 1' --json");
    assert_says(out, "no theory stands beside the exponents: it is about inputs of equal variance, and spectrum is 1");
    assert_no_theory();
    assert_succeeds("plot s.db -o figures --format svg");
    assert_succeeds("export s.db --csv");
    assert_says(out, "teacher_axis");
    assert_succeeds("sweep mlp --linear yes --spectrum 1 --width 8 --depth 1 --dim 8 --train 32,64 --temp 0.1 --test 20"
                    " -o t.db");
    assert_says(out, "2 fitted");
}

/* Theory has no momentum and no decay of weights in it, and does not stand beside runs that have the latter. */
static void test_other_rules(void **state)
{
    (void)state;
    assert_ends(2, "theory --chi 0 --momentum 0.9 --train 1024 --temp 1", "momentum is 0.9, but theory is about");
    assert_ends(2, "theory --chi 0 --weight_decay 0.1 --train 1024 --temp 1",
                "weight_decay is 0.1, but theory is about");
    assert_succeeds("sweep perceptron --chi 1 --dim 8 --train 64,128 --temp 1,4 --seed 0..1 --weight_decay 1e-9 "
                    "--max_steps 100000 -o decay.db");
    assert_succeeds("fit decay.db --json");
    assert_says(out, "no theory stands beside the exponents: it is about weights that nothing pulls back");
    assert_no_theory();
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_run),
        WITH_FOLDER(test_refusals),
        WITH_FOLDER(test_export),
        WITH_FOLDER(test_sweep_of_a_density),
        WITH_FOLDER(test_sweep_of_spectra),
        WITH_FOLDER(test_other_rules),
    };
    return cmocka_run_group_tests_name("program: laws", tests, locate_program, NULL);
}
