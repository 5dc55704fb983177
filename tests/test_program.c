/* test_program.c — the program: every command does what its help says, and prints results on standard output alone. */
#include "tests/program_support.h"

#include "cli/cli.h"
#include "perceptron/finite/family.h"
#include "plots/plots.h"
#include "sim/store/results.h"

/* ---- what is parsed ---- */

static json_t *parsed(void)
{
    json_error_t problem;
    json_t *json = json_loads(out, 0, &problem);
    if (json == NULL) {
        fail_msg("line %d: %s in %s", problem.line, problem.text, out);
    }
    return json;
}

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_number(value)) {
        fail_msg("%s is no number", name);
    }
    return json_number_value(value);
}

static const char *string(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (text == NULL) {
        fail_msg("%s is no string", name);
    }
    return text;
}

static size_t num_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

/* ---- the program itself ---- */

static const char *const COMMANDS[] = {"run", "sweep", "list", "fit", "plot", "theory", "export"};
enum { NUM_COMMANDS = sizeof COMMANDS / sizeof *COMMANDS };

static void test_help_and_version(void **state)
{
    (void)state;
    assert_succeeds("--version");
    assert_string_equal(out, "chiton " CH_VERSION "\n");
    static const char *const spellings[] = {"--help", "-h", "help"};
    for (size_t i = 0; i < 3; i++) {
        assert_succeeds("%s", spellings[i]);
        for (size_t k = 0; k < NUM_COMMANDS; k++) {
            assert_says(out, COMMANDS[k]);
        }
    }
    for (size_t k = 0; k < NUM_COMMANDS; k++) {
        char usage[64];
        assert_succeeds("%s --help", COMMANDS[k]);
        snprintf(usage, sizeof usage, "Usage: chiton %s ", COMMANDS[k]);
        assert_ptr_equal(strstr(out, usage), out);
        assert_says(out, "-h, --help");
    }
    assert_int_equal(num_files(), 0);
}

static void test_help_names_every_setting(void **state)
{
    (void)state;
    static const char *const commands[] = {"run", "sweep"};
    for (size_t k = 0; k < 2; k++) {
        assert_succeeds("%s --help", commands[k]);
        for (size_t i = 0; i < ch_settings_count; i++) {
            char line[64], accepted[160];
            snprintf(line, sizeof line, "\n  %-12s  ", ch_settings_table[i].name);
            assert_says(out, line);
            ch_setting_accepted(&ch_settings_table[i], accepted, sizeof accepted);
            assert_says(out, accepted);
        }
    }
}

static void test_no_command_and_unknown_commands(void **state)
{
    (void)state;
    assert_int_equal(finish(start("", &(surroundings){0})), 2);
    assert_says(err, "usage: chiton COMMAND");
    assert_string_equal(out, "");
    assert_int_equal(chiton("swep"), 2);
    assert_string_equal(err, "chiton: unknown command 'swep'; did you mean 'sweep'; chiton --help lists them\n");
    assert_string_equal(out, "");
    assert_int_equal(chiton("quux"), 2);
    assert_string_equal(err, "chiton: unknown command 'quux'; chiton --help lists them\n");
}

static void test_help_of_a_command(void **state)
{
    (void)state;
    char whole[sizeof out];
    assert_int_equal(chiton("fit --help"), 0);
    memcpy(whole, out, sizeof out);
    assert_int_equal(chiton("help fit"), 0);
    assert_string_equal(out, whole);
    assert_int_equal(chiton("help"), 0);
    assert_says(out, "chiton help COMMAND");
    assert_int_equal(chiton("help fitt"), 2);
    assert_says(err, "did you mean 'fit'");
}

/* ---- run ---- */

static void test_run_prints_a_table(void **state)
{
    (void)state;
    assert_succeeds("run perceptron --dim 8 --train 64 --temp 2^-1 --record 1");
    assert_ptr_equal(strstr(out, "settings\n"), out);
    assert_says(out, "\nresult\n");
    assert_says(out, "\ntrajectory\n");
    const ch_settings perceptron = {.model = CH_ARCH_PERCEPTRON};
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (ch_setting_applies(&perceptron, i)) {
            assert_says(out, ch_settings_table[i].help);
        }
    }
    for (size_t i = 0; i < ch_results_count(); i++) {
        if (ch_result_at(i).type != CH_RESULT_CAUSE) { /* a fitted run has no reason to be stuck */
            assert_says(out, ch_result_at(i).help);
        }
    }
    assert_says(out, "  rate                  1 ");
    assert_says(out, "  status                fitted ");
    assert_int_equal(num_files(), 0);
}

/* The JSON object of a run has every name that the documentation lists, with the right type. */
static void test_run_prints_json(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "chi",        "dim",    "train",      "test",        "alpha",         "batch",
        "temp",       "rate",   "seed",       "seed_data",   "seed_init",     "seed_batch",
        "record",     "steps",  "updates",    "time",        "weight_change", "weight_change_rel",
        "signal",     "noise",  "train_loss", "train_error", "unfitted",      "min_margin",
        "test_error", "seconds"};
    static const char *const strings[] = {"model",    "data",   "teacher", "loss",
                                          "dynamics", "engine", "status",  "version"};
    static const char *const nulls[] = {"max_steps", "max_updates", "max_seconds"};
    assert_succeeds("run perceptron --dim 8 --train 64 --temp 0.5 --chi=1 --json -j 2");
    json_t *run = parsed();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)number(run, numbers[i]);
    }
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        (void)string(run, strings[i]);
    }
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) {
        assert_true(json_is_null(json_object_get(run, nulls[i])));
    }
    assert_true(number(run, "chi") == 1 && number(run, "rate") == 1 && number(run, "unfitted") == 0);
    assert_string_equal(string(run, "status"), "fitted");
    assert_string_equal(string(run, "version"), CH_VERSION);
    assert_null(json_object_get(run, "trajectory"));
    assert_close(number(run, "time"), number(run, "steps"), 1e-15);
    json_decref(run);
}

static void test_run_prints_its_trajectory(void **state)
{
    (void)state;
    assert_succeeds("run perceptron --dim 8 --train 64 --temp 0.5 --record 2 --max-steps 100 --json");
    json_t *run = parsed();
    const json_t *points = json_object_get(run, "trajectory");
    static const double steps[] = {1, 3, 10, 32, 100};
    assert_string_equal(string(run, "status"), "budget");
    assert_int_equal(json_array_size(points), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(number(json_array_get(points, i), "step") == steps[i]);
    }
    assert_true(number(json_array_get(points, 4), "signal") == number(run, "signal"));
    json_decref(run);
}

/* A diverged run is a result. Its numbers that are not finite are null. */
static void test_run_prints_null_for_what_is_not_finite(void **state)
{
    (void)state;
    assert_succeeds("run perceptron --dim 8 --train 64 --loss quadhinge --max_steps 1000 --rate 1e30 --json");
    json_t *run = parsed();
    assert_string_equal(string(run, "status"), "diverged");
    assert_true(json_is_null(json_object_get(run, "weight_change")));
    assert_true(json_is_null(json_object_get(run, "test_error")));
    json_decref(run);
}

/* ---- sweep, list, export ---- */

/* The numbers of values are: chi 2, train 3, temp 2, seed 2. */
#define OPTIONS "perceptron --chi 0,1 --dim 8 --train 2^4..2^6 --temp 1,2 --seed 0..1"
enum { OPTIONS_RUNS = 24 };
static const char YAML[] = "# the same as options\n"
                           "model: perceptron\nchi: [0, 1]\ndim: 8\ntrain: 2^4..2^6\ntemp: [1, 2]\nseed: 0..1\n";

static void test_sweep_from_options_and_from_a_file(void **state)
{
    (void)state;
    assert_succeeds("sweep " OPTIONS " -o a.db -j 1");
    assert_ptr_equal(strstr(out, "a.db: 24 runs, 0 were there, 24 done in "), out);
    assert_says(out, "24 fitted, 0 budget, 0 diverged\n");
    write_text("s.yaml", YAML);
    assert_succeeds("sweep s.yaml -o b.db -j 2");
    assert_int_equal(count_runs(path_of("a.db")), OPTIONS_RUNS);
    assert_same_content(path_of("a.db"), path_of("b.db"));
    assert_alone("a.db");
    assert_alone("b.db");

    assert_succeeds("sweep s.yaml -o a.db");
    assert_ptr_equal(strstr(out, "a.db: 24 runs, 24 were there, 0 done in "), out);
    /* An option replaces the values of the file. */
    assert_succeeds("sweep s.yaml --temp 1,2,4 --seed 0 -o a.db");
    assert_ptr_equal(strstr(out, "a.db: 18 runs, 12 were there, 6 done in "), out);
    assert_int_equal(count_runs(path_of("a.db")), OPTIONS_RUNS + 6);
}

static void test_a_dry_run_writes_nothing(void **state)
{
    (void)state;
    assert_succeeds("sweep " OPTIONS " --dry-run -j 3");
    assert_ptr_equal(strstr(err, "memory: a data set takes up to "), err);
    assert_says(err, " (train = 2^6, dim = 8) ");
    assert_says(err, " 3 such runs at once, on 3 threads; the list of runs takes ");
    assert_says(out, "\n24 runs, 0 of them in the store already, 24 to do\nexpected time: ");
    assert_succeeds("sweep " OPTIONS " --dry-run -o a.db");
    assert_says(out, "\n24 runs, 0 of them in the store already, 24 to do\n");
    /* what the sweep itself would refuse is refused in the same words */
    for (int is_dry = 0; is_dry < 2; is_dry++) {
        assert_int_equal(chiton("sweep " OPTIONS " -o nowhere/a.db %s", is_dry ? "--dry-run" : ""), 2);
        assert_string_equal(err, "chiton: store nowhere/a.db cannot be made: the folder nowhere does not exist\n");
        assert_string_equal(out, "");
    }
    assert_int_equal(num_files(), 0);
    write_text("s.yaml", YAML);
    assert_succeeds("sweep s.yaml --seed 1 -o a.db");
    assert_succeeds("sweep " OPTIONS " --dry-run -o a.db");
    assert_says(out, "\n24 runs, 12 of them in the store already, 12 to do\n");
    assert_int_equal(count_runs(path_of("a.db")), 12);
}

/* Every axis with its values, long ones shortened in the middle. */
static void test_a_dry_run_prints_the_axes(void **state)
{
    (void)state;
    write_text("z.yaml", "model: perceptron\ndim: 8\ntemp: 2^-5..2^0\nseed: 0..99\n"
                         "zip: {train: [64, 128], batch: [2, 4]}\n");
    assert_succeeds("sweep z.yaml --dry-run");
    assert_says(out, "model           perceptron\n"
                     "dim             8\n"
                     "temp            2^-5, 2^-4, 2^-3, 2^-2, 2^-1, 1\n"
                     "seed            0, 1, 2, 3, …, 98, 99 (100 values)\n"
                     "train           2^6, 2^7 (with batch)\n"
                     "batch           2, 2^2 (with train)\n\n"
                     "1200 runs, ");
}

static void test_skip_invalid(void **state)
{
    (void)state;
    assert_int_equal(chiton("sweep perceptron --dim 8 --train 4,8 --batch 2,8 --temp 1 -o s.db"), 2);
    assert_succeeds("sweep perceptron --dim 8 --train 4,8 --batch 2,8 --temp 1 --skip-invalid --dry-run");
    assert_says(out, "left out: 1 of 4 combinations\n  1 as in: batch is 8, more than train = 4");
    assert_says(out, "\n3 runs, 0 of them in the store already, 3 to do\n");
    assert_succeeds("sweep perceptron --dim 8 --train 4,8 --batch 2,8 --temp 1 --skip-invalid -o s.db");
    assert_says(out, "s.db: 3 runs, 0 were there, 3 done");
    assert_int_equal(count_runs(path_of("s.db")), 3);
    assert_int_equal(chiton("sweep perceptron --train 4 --batch 8,9 --temp 1 --skip-invalid -o t.db"), 2);
    assert_says(err, "all 2 combinations are left out");
    assert_false(exists(path_of("t.db")));
}

static void test_list(void **state)
{
    (void)state;
    assert_succeeds("sweep " OPTIONS " --max-updates none,1 -o a.db");
    assert_succeeds("list a.db");
    assert_says(out, "runs            48\nfitted          24\nbudget          24\ndiverged        0\n");
    assert_says(out, "\ntrain           2^4, 2^5, 2^6\n");
    assert_succeeds("list a.db --json");
    json_t *summary = parsed();
    assert_true(number(summary, "runs") == 48);
    assert_true(number(json_object_get(summary, "status"), "budget") == 24);
    const json_t *settings = json_object_get(summary, "settings");
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        assert_true(json_is_array(json_object_get(settings, ch_settings_table[i].name)));
    }
    json_decref(summary);
}

static void test_export(void **state)
{
    (void)state;
    assert_succeeds("sweep " OPTIONS " --record 1 -o a.db");
    assert_succeeds("export a.db --csv");
    assert_ptr_equal(strstr(out, "id,model,linear,width,depth,activation,data,chi,dim,"), out);
    assert_int_equal(num_lines(out), OPTIONS_RUNS + 1);
    assert_succeeds("export a.db --where 'chi = 1 and train >= 32'");
    assert_int_equal(num_lines(out), 8 + 1);
    assert_succeeds("export a.db --points");
    assert_ptr_equal(strstr(out, "run,step,time,loss,unfitted,signal,noise,test_error,train_error,"), out);
    assert_int_equal(num_lines(out), query(path_of("a.db"), "SELECT count(*) FROM points") + 1);

    assert_succeeds("export a.db --json");
    json_t *runs = parsed();
    assert_int_equal(json_array_size(runs), OPTIONS_RUNS);
    for (size_t i = 0; i < OPTIONS_RUNS; i++) {
        const json_t *run = json_array_get(runs, i);
        for (size_t k = 0; k < ch_results_count(); k++) {
            assert_non_null(json_object_get(run, ch_result_at(k).name));
        }
        assert_true(json_array_size(json_object_get(run, "trajectory")) > 1);
        assert_int_equal(strlen(string(run, "id")), 32);
    }
    json_decref(runs);
}

/* A sweep stores what `run` prints, to the last digit. */
static void test_export_is_what_run_prints(void **state)
{
    (void)state;
    assert_succeeds("sweep perceptron --dim 8 --train 64 --temp 0.3 --record 3 -o a.db");
    assert_succeeds("export a.db --json");
    json_t *runs = parsed();
    json_t *stored = json_array_get(runs, 0);
    assert_succeeds("run perceptron --dim 8 --train 64 --temp 0.3 --record 3 --json");
    json_t *run = parsed();
    json_object_del(stored, "id");
    json_object_del(stored, "results_version");
    json_object_del(stored, "seconds");
    json_object_del(run, "seconds");
    assert_true(json_equal(stored, run));
    json_decref(runs);
    json_decref(run);
}

/* ---- theory, fit, plot ---- */

static void test_theory(void **state)
{
    (void)state;
    static const struct {
        const char *chi;
        double delta, gamma, time_delta, b, a;
    } cases[] = {{"0", 1, 1, 1, 3, 1}, {"1", 1, 0.5, 1, 2, 0.5}, {"3", 1, 0.25, 1, 1.5, 0.25}, {"-0.5", 1, 2, 1, 5, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_succeeds("theory --chi %s --json", cases[i].chi);
        json_t *theory = parsed();
        assert_true(number(theory, "chi") == strtod(cases[i].chi, NULL));
        assert_true(number(theory, "delta") == cases[i].delta);
        assert_true(number(theory, "gamma") == cases[i].gamma);
        assert_true(number(theory, "time_delta") == cases[i].time_delta);
        assert_true(number(theory, "b") == cases[i].b);
        assert_true(number(theory, "a") == cases[i].a);
        json_decref(theory);
    }
    assert_succeeds("theory --chi 1 --json");
    json_t *theory = parsed();
    /* Z_1 = 2 Gamma(1), n_1 = Gamma(3/2) / [sqrt(pi) 2 Gamma(1)], a_1 = (2/Z_1) M_3 / 3, M_3 = sqrt(2)
     * Gamma(2)/sqrt(pi) */
    assert_close(number(theory, "Z_chi"), 2, 1e-14);
    assert_close(number(theory, "n_chi"), 0.25, 1e-14);
    assert_close(number(theory, "a_chi"), sqrt(2 / M_PI) / 3, 1e-14);
    json_decref(theory);
    assert_succeeds("theory --chi 1");
    assert_ptr_equal(strstr(out, "theory at chi = 1"), out);
    assert_says(out, "gamma        0.5 ");
    assert_says(out, "b            2 ");
}

/* With settings, `theory` prints predictions, and the online ODE at the steps at which a run would record points. */
static void test_theory_at_settings(void **state)
{
    (void)state;
    assert_succeeds("theory --chi 1 --dim 16 --temp 2 --train 512 --record 2 --until 4e5 --json");
    json_t *theory = parsed();
    const json_t *prediction = json_object_get(theory, "prediction"), *points = json_object_get(theory, "online");
    assert_close(number(theory, "gamma"), 0.5, 1e-15);
    assert_close(number(json_object_get(theory, "settings"), "rate"), 4, 1e-15);
    assert_close(number(prediction, "lambda_star"), 4, 1e-12);          /* (2 P / (4 d))^{1/2} */
    assert_close(number(prediction, "noise_star"), 2.5066282746, 1e-9); /* T sqrt(d) sqrt(pi/2) / 4 */
    assert_int_equal(json_array_size(points), 11);
    const json_t *first = json_array_get(points, 0), *last = json_array_get(points, 10);
    assert_close(number(first, "time"), 4, 1e-12);
    assert_close(number(first, "signal"), number(prediction, "first_step"), 1e-12);
    assert_close(number(last, "time"), 4e5, 1e-12);
    assert_close(number(last, "noise"), 15. / 16 * number(prediction, "noise_star"), 0.02); /* (d - 1) / d */
    assert_close(number(last, "lambda"), number(last, "signal") / number(last, "noise"), 1e-12);
    json_decref(theory);
    /* needs more memory than there is, if it were a run */
    assert_succeeds("theory --chi 1 --dim 2147483648 --temp 2 --train 4294967295");
}

static void test_theory_prints_csv(void **state)
{
    (void)state;
    assert_succeeds("theory --chi 0 --temp 1 --train inf --until 1000 --csv --record 1");
    assert_ptr_equal(strstr(out, "time,signal,noise,lambda,unfitted,loss,test_error\n2,"), out);
    size_t lines = 0;
    for (const char *c = out; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, 5); /* the names, and t = 2, 20, 200, 1000 */
    assert_succeeds("theory --chi 0 --temp 1 --train inf --until 1000");
    assert_says(out, "train = inf");
    assert_says(out, "online: every batch fresh");
}

/* With train = inf every batch is fresh: such a run is done, stored and exported. */
static void test_infinite_train(void **state)
{
    (void)state;
    assert_succeeds("run perceptron --chi 1 --dim 16 --train inf --temp 1 --max-steps 1000 --record 1");
    assert_says(out, "train                 inf ");
    assert_says(out, "unfitted              - ");
    assert_succeeds("run perceptron --chi 1 --dim 16 --train inf --temp 1 --max-steps 1000 --record 1 --json");
    json_t *run = parsed();
    assert_true(json_is_null(json_object_get(run, "train")) && json_is_null(json_object_get(run, "unfitted")));
    assert_string_equal(json_string_value(json_object_get(run, "status")), "budget");
    assert_succeeds("sweep perceptron --chi 1 --dim 16 --train 64,inf --temp 1 --max-steps 1000 --record 1 -o a.db");
    assert_succeeds("list a.db");
    assert_says(out, "inf, 2^6");
    assert_succeeds("export a.db --json --where 'train IS NULL'");
    json_t *runs = parsed();
    assert_int_equal(json_array_size(runs), 1);
    assert_true(json_equal(json_object_get(json_array_get(runs, 0), "trajectory"), json_object_get(run, "trajectory")));
    json_decref(runs);
    json_decref(run);
}

/* A sweep that exponents can be fitted to. */
#define FITTABLE "perceptron --chi 1 --dim 8 --train 2^6..2^9 --temp 2^-20..2^2 --seed 0..4"

/* Writes the store of that sweep as a.db of the test's folder. The program makes it once. */
static void write_fittable(void)
{
    static char bytes[1 << 20];
    static size_t size = 0;
    if (size > 0) {
        write_file(path_of("a.db"), bytes, size);
        return;
    }
    assert_succeeds("sweep " FITTABLE " -o a.db");
    size = size_of(path_of("a.db"));
    assert_in((double)size, 1, sizeof bytes);
    FILE *file = fopen(path_of("a.db"), "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
}

/* At one T, over two P, the expected gamma and b are the slopes between the expected ends of training. */
static void test_fit_expects_what_theory_predicts(void **state)
{
    (void)state;
    enum { DIM = 8 };
    ch_family family;
    ch_finite_end ends[2];
    assert_succeeds("sweep perceptron --chi 1 --dim 8 --train 64,256 --temp 1 --seed 0..2 -o e.db");
    assert_succeeds("fit e.db --json");
    json_t *fit = parsed();
    /* from the same files of tables, where there are any */
    ch_family_init(&family, 1, DIM, getenv("CHITON_CACHE"), 2, NULL);
    for (size_t i = 0; i < 2; i++) {
        const ch_online_setup setup = {.chi = 1, .dim = DIM, .kappa = 0x1p-15, .temp = 1, .rate = 2};
        assert_int_equal(ch_family_predict(&family, &ends[i], &setup, i == 0 ? 64 : 256, NULL), CH_OK);
    }
    ch_family_free(&family);
    const double gamma = log(ends[1].weight_change.value / ends[0].weight_change.value) / log(4);
    const double b = log(ends[1].time.value / ends[0].time.value) / log(4);
    size_t found = 0, k;
    const json_t *exponent;
    json_array_foreach(json_object_get(fit, "exponents"), k, exponent)
    {
        const double expected = json_real_value(json_object_get(exponent, "expected"));
        if (strcmp(string(exponent, "name"), "gamma") == 0) {
            assert_close(expected, gamma, 1e-9);
            found++;
        } else if (strcmp(string(exponent, "name"), "b") == 0) {
            assert_close(expected, b, 1e-9);
            found++;
        }
    }
    assert_int_equal(found, 2);
    json_decref(fit);
}

/* Where the box does not hold, since chi is so large that it takes too many samples, or since there are fewer samples
 * than dimensions, a fit says so and goes on. Where what is expected is less accurate it says that, too. */
static void test_fit_without_what_is_expected(void **state)
{
    (void)state;
    assert_succeeds("sweep perceptron --chi 0 --dim 32 --train 16,32,64 --temp 1 --seed 0..2 -o few.db");
    assert_succeeds("fit few.db");
    assert_says(out, "no exponents are expected");
    assert_says(out, "train is 16");
    assert_succeeds("sweep perceptron --chi=-0.5 --dim 8 --train 16,32,64 --temp 1 --seed 0..2 -o crowded.db");
    assert_succeeds("fit crowded.db");
    assert_says(out, "less accurate here: chi is under");
    assert_succeeds("sweep perceptron --chi 50 --dim 8 --train 64,128,256 --temp 1 --seed 0..2 -o n.db");
    assert_succeeds("fit n.db");
    assert_says(out, "no exponents are expected");
    assert_succeeds("fit n.db --json");
    json_t *fit = parsed();
    const json_t *gamma = json_array_get(json_object_get(fit, "exponents"), 0);
    assert_string_equal(string(gamma, "name"), "gamma");
    assert_true(json_is_null(json_object_get(gamma, "expected")));
    json_decref(fit);
}

static void test_fit(void **state)
{
    (void)state;
    static const char *const names[] = {"delta", "gamma", "time_delta", "b", "a"};
    write_fittable();
    assert_succeeds("fit a.db");
    static const char *const words[] = {
        "estimate ± error", "95 % interval", "theory", "expected", "off by", "δ ", "γ "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_says(out, words[i]);
    }
    assert_succeeds("fit a.db --json");
    json_t *fit = parsed();
    const json_t *exponents = json_object_get(fit, "exponents"), *tc = json_object_get(fit, "tc");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t k = 0;
        while (k < json_array_size(exponents) && strcmp(string(json_array_get(exponents, k), "name"), names[i]) != 0) {
            k++;
        }
        const json_t *exponent = json_array_get(exponents, k);
        if (exponent == NULL) {
            fail_msg("there is no exponent %s", names[i]);
        }
        const json_t *interval = json_object_get(exponent, "ci95");
        const double lo = json_number_value(json_array_get(interval, 0));
        assert_int_equal(json_array_size(interval), 2);
        assert_in(number(exponent, "value"), lo, json_number_value(json_array_get(interval, 1)));
        assert_true(number(exponent, "stderr") > 0);
        assert_non_null(json_object_get(exponent, "theory"));
        assert_true(number(json_object_get(exponent, "group"), "chi") == 1);
    }
    assert_true(json_array_size(tc) >= 4);
    for (size_t i = 0; i < json_array_size(tc); i++) {
        const json_t *row = json_array_get(tc, i);
        const char *definition = string(row, "definition");
        assert_true(number(row, "train") >= 64);
        assert_non_null(json_object_get(row, "value"));
        assert_non_null(json_object_get(row, "ci95"));
        assert_non_null(json_object_get(row, "group"));
        assert_true(strcmp(definition, "onset") == 0 || strcmp(definition, "escape") == 0 ||
                    strncmp(definition, "error_", 6) == 0);
    }
    json_decref(fit);
    assert_succeeds("fit a.db --tc escape --where 'train > 64' --json");
    fit = parsed();
    assert_int_equal(json_array_size(json_object_get(fit, "tc")), 3);
    json_decref(fit);
}

/* One run is too little for a fit, and the message has the command of a sweep that suffices: after this command there
 * are all exponents. */
static void test_fit_suggests(void **state)
{
    (void)state;
    char sweep[1024];
    assert_succeeds("sweep perceptron --chi 1 --dim 8 --batch 3 --train 32 --temp 1 -o one.db");
    assert_int_equal(chiton("fit one.db"), 1);
    const char *command = strstr(err, "chiton sweep perceptron");
    assert_non_null(command);
    assert_says(command, "--batch 3");
    snprintf(sweep, sizeof sweep, "%.*s", (int)strcspn(command + strlen("chiton "), "\n"), command + strlen("chiton "));
    char *store = strstr(sweep, "STORE");
    assert_non_null(store);
    *store = '\0';
    assert_succeeds("%sone.db", sweep);
    assert_succeeds("fit one.db --json");
    json_t *fit = parsed();
    assert_true(json_array_size(json_object_get(fit, "exponents")) >= 6);
    json_decref(fit);
}

/* Curves that bend give a collapse. Of curves that do not, no exponent is printed. */
static void test_fit_collapse(void **state)
{
    (void)state;
    write_fittable();
    assert_succeeds("fit a.db --collapse weight_change");
    assert_says(out, "Collapse: ‖Δw‖ P^-x against T P^a");
    assert_says(out, "theory 0.5\n");
    assert_says(out, " a point, over the ");
    assert_succeeds("fit a.db --collapse weight_change --json");
    json_t *fit = parsed();
    const json_t *list = json_object_get(fit, "collapse"), *found = json_array_get(list, 0);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(string(found, "quantity"), "weight_change");
    assert_in(number(json_object_get(found, "x"), "value"), 0.2, 0.8);
    assert_in(number(json_object_get(found, "a"), "value"), -0.5, 0.5);
    assert_true(number(found, "quality") > 0);
    assert_in(number(found, "overlap"), 0.5, 1);
    json_decref(fit);
    assert_int_equal(chiton("fit a.db --collapse weight_change --where 'temp >= 0.01'"), 1);
    assert_says(err, "no collapse: ");
    assert_says(err,
                "try chiton sweep perceptron --chi 1 --dim 8 --train 64,128,256,512 --temp 2^-18..2^2 --seed 0..9");
}

static void assert_starts_with(const char *path, const char *magic)
{
    char head[16] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(head, 1, strlen(magic), file), strlen(magic));
    assert_string_equal(head, magic);
    fclose(file);
}

static void test_plot(void **state)
{
    (void)state;
    static const struct {
        const char *option, *extension, *magic;
    } formats[] = {{"", "pdf", "%PDF"}, {"--format svg", "svg", "<?xml"}, {"--format png", "png", "\x89PNG"}};
    write_fittable();
    for (size_t i = 0; i < (is_sanitized() ? 1 : 3); i++) { /* each makes the whole fit */
        char name[64];
        snprintf(name, sizeof name, "figures/perceptron-chi1-dim8.%s", formats[i].extension);
        assert_succeeds("plot a.db -o figures %s", formats[i].option);
        assert_ptr_equal(strstr(out, name), out);
        assert_int_equal(num_lines(out), 3);
        assert_starts_with(path_of(name), formats[i].magic);
        assert_true(size_of(path_of(name)) > 5000);
        snprintf(name, sizeof name, "figures/perceptron-chi1-dim8-error.%s", formats[i].extension);
        assert_says(out, name);
        snprintf(name, sizeof name, "figures/perceptron-chi1-dim8-collapse.%s", formats[i].extension);
        assert_says(out, name);
        assert_starts_with(path_of(name), formats[i].magic);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_help_and_version),
        STORE_TEST(test_help_names_every_setting),
        STORE_TEST(test_no_command_and_unknown_commands),
        STORE_TEST(test_help_of_a_command),
        STORE_TEST(test_run_prints_a_table),
        STORE_TEST(test_run_prints_json),
        STORE_TEST(test_run_prints_its_trajectory),
        STORE_TEST(test_run_prints_null_for_what_is_not_finite),
        STORE_TEST(test_sweep_from_options_and_from_a_file),
        STORE_TEST(test_a_dry_run_writes_nothing),
        STORE_TEST(test_a_dry_run_prints_the_axes),
        STORE_TEST(test_skip_invalid),
        STORE_TEST(test_list),
        STORE_TEST(test_export),
        STORE_TEST(test_export_is_what_run_prints),
        STORE_TEST(test_theory),
        STORE_TEST(test_theory_at_settings),
        STORE_TEST(test_theory_prints_csv),
        STORE_TEST(test_infinite_train),
        STORE_TEST(test_fit),
        STORE_TEST(test_fit_expects_what_theory_predicts),
        STORE_TEST(test_fit_without_what_is_expected),
        STORE_TEST(test_fit_suggests),
        STORE_TEST(test_fit_collapse),
        STORE_TEST(test_plot),
    };
    return cmocka_run_group_tests_name("program", tests, locate_program, NULL);
}
