/* test_program_refusals.c — the program refuses bad input: exit status 2, a sentence, nothing printed and nothing
 * written. */
#include "tests/program_support.h"

/* Requires that the command is refused with a sentence that has all of `words` in it, which end with NULL. The folder
 * must have as many files as before. */
static void assert_refused_with(const char *line, const char *const *words)
{
    const size_t files = num_files();
    const int status = chiton("%s", line);
    if (status != 2) {
        fail_msg("%s: exit status %d, %s", line, status, err);
    }
    for (; *words != NULL; words++) {
        if (strstr(err, *words) == NULL) {
            fail_msg("%s: '%s' does not say '%s'", line, err, *words);
        }
    }
    assert_ptr_equal(strstr(err, "chiton: "), err);
    assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1); /* one line */
    assert_string_equal(out, "");
    assert_int_equal(num_files(), files);
}

typedef struct {
    const char *line;
    const char *words[5];
} refusal;

static void assert_all_refused(const refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_refused_with(cases[i].line, cases[i].words);
    }
}

#define ASSERT_ALL_REFUSED(cases) assert_all_refused(cases, sizeof(cases) / sizeof *(cases))

/* ---- settings: name, value and what is accepted ---- */

static void test_settings(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"--lr 1", {"unknown option '--lr'; did you mean '--rate'?"}},
        {"-T 1", {"unknown option '-T'; did you mean '--temp'?"}},
        {"-P 64 --temp 1", {"unknown option '-P'; did you mean '--train'?"}},
        {"--batch-size=4", {"unknown option '--batch-size'; did you mean '--batch'?"}},
        {"--epochs 4", {"unknown option '--epochs'; did you mean '--max_steps'?", "train/batch of them an epoch"}},
        {"--tmep 1", {"unknown setting 'tmep'; did you mean 'temp'?"}},
        {"--temp 1 --widht 3", {"unknown setting 'widht'"}},
        {"--temp 1 --rate 1", {"temp and rate are both set", "exactly one"}},
        {"", {"neither temp nor rate is set", "exactly one"}},
        {"--temp 1 --chi -1", {"chi is '-1'", "a number > -1"}},
        {"--temp 1 --chi=-2.5", {"chi is '-2.5'", "a number > -1"}},
        {"--temp 1 --train 16 --batch 17", {"batch is 17", "train = 16", "1 to train, or full"}},
        {"--temp 1 --train 0", {"train is '0'", "an integer from 1 to 4294967295"}},
        {"--temp 1 --train -5", {"train is '-5'", "an integer from 1"}},
        {"--temp 1 --train infinity", {"train is 'infinity'", "or inf"}},
        {"--temp 1 --train inf", {"train is inf", "max_steps, max_updates and max_seconds", "accepted is a number"}},
        {"--temp 1 --train inf --max-steps 9 --batch full", {"batch is full", "train is inf", "an integer from 1"}},
        {"--temp 1 --train inf --max-steps 9 --engine fast", {"engine is fast", "train = inf", "auto or plain"}},
        {"--temp 1 --train inf --max-steps 9 --dynamics gd", {"dynamics is gd", "train = inf", "accepted is sgd"}},
        {"--temp 1 --train 1.5", {"train is '1.5'", "an integer from 1"}},
        {"--temp 1 --batch 0", {"batch is '0'", "an integer from 1", "or full"}},
        {"--temp 1 --dim 1", {"dim is '1'", "an integer from 2"}},
        {"--temp hot", {"temp is 'hot'", "a number > 0"}},
        {"--temp 1x", {"temp is '1x'", "a number > 0"}},
        {"--temp ''", {"temp is ''", "a number > 0"}},
        {"--temp 0", {"temp is '0'", "a number > 0"}},
        {"--temp -1", {"temp is '-1'", "a number > 0"}},
        {"--temp nan", {"temp is 'nan'", "a number > 0"}},
        {"--temp inf", {"temp is 'inf'", "a number > 0"}},
        {"--temp -inf", {"temp is '-inf'", "a number > 0"}},
        {"--temp 1e999", {"temp is '1e999'", "a number > 0"}},
        {"--temp 1 --chi nan", {"chi is 'nan'", "a number > -1"}},
        {"--temp 1 --alpha infinity", {"alpha is 'infinity'", "a number > 0"}},
        {"--temp 1 --alpha 1e-320", {"alpha is ", "finite margin"}},
        {"--temp 1 --max-seconds NaN", {"max_seconds is 'NaN'", "or none"}},
        {"--temp 1 --train 4294967296", {"train is '4294967296'", "to 4294967295"}},
        {"--temp 1 --train 99999999999999999999", {"train is '99999999999999999999'", "to 4294967295"}},
        {"--temp 1 --train 4294967295 --dim 2147483648", {"train = 4294967295", "dim = 2147483648", "memory"}},
        {"--temp 1 --test 4294967295 --dim 2147483648", {"test = 4294967295", "memory"}},
        {"--temp 1 --max-steps 9223372036854775808", {"max_steps is '9223372036854775808'", "2^63 - 1"}},
        {"--temp 1e308 --batch 1024 ", {"temp is 1e+308", "rate inf", "finite numbers > 0"}},
        {"--temp 1 --loss squared", {"loss is 'squared'", "accepted is hinge"}},
        {"--temp 1 --teacher axes", {"teacher is 'axes'", "did you mean 'axis'?", "axis, random or fitted"}},
        {"--temp 1 --data sign --chi 1", {"chi is 1", "data = sign"}},
        {"--temp 1 --dynamics gd --batch 2", {"batch is 2", "dynamics = gd", "full"}},
        {"--temp 1 --temp 2", {"temp is given twice, as '1' and '2'"}},
        {"--temp", {"option '--temp' has no value"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[256];
        snprintf(line, sizeof line, "run perceptron %s", cases[i].line);
        assert_refused_with(line, cases[i].words);
        snprintf(line, sizeof line, "sweep perceptron -o s.db %s", cases[i].line);
        assert_refused_with(line, cases[i].words);
        if (!is_sanitized()) { /* where a program starts fast */
            snprintf(line, sizeof line, "run perceptron --json %s", cases[i].line);
            assert_refused_with(line, cases[i].words);
        }
    }
}

static void test_models(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"run perceptron --model mlp --temp 1", {"model is given twice, as perceptron and as --model mlp"}},
        {"sweep perceptron --model mlp,mnas --temp 1 -o s.db", {"model is given twice, as perceptron and as"}},
        {"run perceptrn --temp 1", {"model is 'perceptrn'; did you mean 'perceptron'?"}},
        {"sweep perceptrn --temp 1 -o s.db", {"model is 'perceptrn'; did you mean 'perceptron'?"}},
        {"run transformer --temp 1", {"model is 'transformer'", "accepted is perceptron"}},
        {"run --temp 1", {"run takes one model", "0 were given"}},
        {"run perceptron perceptron --temp 1", {"run takes one model", "2 were given"}},
        {"run perceptron --model perceptron --temp 1 --jsno", {"unknown option '--jsno'", "'--json'"}},
        {"run perceptron --temp 1 -q", {"unknown option '-q'"}},
        {"run perceptron --temp 1 -j 0", {"-j is 0", "1 to 4096"}},
        {"run perceptron --temp 1 -j 4097", {"-j is 4097", "1 to 4096"}},
    };
    ASSERT_ALL_REFUSED(cases);
}

/* ---- sweeps ---- */

static void test_sweeps(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"sweep perceptron --temp 2..1 -o s.db", {"temp", "2..1", "is empty", "LOW <= HIGH"}},
        {"sweep perceptron --temp 2^2..2^-2 -o s.db", {"temp", "2^2..2^-2", "is empty"}},
        {"sweep perceptron --temp 1, -o s.db", {"temp is ''", "a number > 0"}},
        {"sweep perceptron --temp 0.1..0.9 -o s.db", {"temp", "0.1..0.9", "does not say its steps"}},
        {"sweep perceptron --temp '1e-3..1 x 1' -o s.db", {"temp", "1e-3..1 x 1", "N >= 2"}},
        {"sweep perceptron --temp 1 --seed 1..100000000 -o s.db", {"seed", "1..100000000", "more than 10000000"}},
        {"sweep perceptron --temp 1 --seed 1..4000 --seed_batch 1..4000 -o s.db",
         {"16000000 runs", "10000000", "--yes"}},
        {"sweep perceptron --temp 1 --seed 1..65536 --seed_batch 1..65536 --seed_data 1..65536 --max-steps 1..65536 -o "
         "s.db",
         {"2^64 runs or more"}},
        {"sweep perceptron --temp 1 --train 64,4,32 --batch 2,8 -o s.db", {"batch is 8", "train = 4"}},
        {"sweep perceptron --temp 1", {"-o is missing"}},
        {"sweep perceptron --temp 1 -o ''", {"store's name is empty"}},
        {"sweep --temp 1 -o s.db", {"sweep takes one YAML file or one model", "0 were given"}},
        {"sweep perceptron --temp 1 -o s.db -j 0", {"-j is 0", "1 to 4096"}},
        {"sweep perceptron --temp 1 -o s.db -j -3", {"-j is -3", "1 to 4096"}},
        {"sweep perceptron --temp 1 -o s.db -j two", {"'two' is not accepted"}},
    };
    ASSERT_ALL_REFUSED(cases);
}

/* ---- output paths ---- */

static void test_folders_that_are_missing(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"sweep perceptron --temp 1 -o no/s.db", {"store no/s.db cannot be made: the folder no does not exist\n"}},
        {"sweep perceptron --temp 1 -o no/way/s.db",
         {"no/way/s.db cannot be made: the folder no/way does not exist\n"}},
        {"sweep perceptron --temp 1 -o made.db/s.db", {"store made.db/s.db cannot be made: made.db is no folder\n"}},
        {"sweep perceptron --temp 1 -o new/", {"store new/ has the name of a folder; a file name is needed\n"}},
        {"plot made.db -o no/d", {"cannot make the directory 'no/d': the folder no does not exist\n"}},
        {"plot made.db -o no/d/", {"cannot make the directory 'no/d/': the folder no does not exist\n"}},
        {"plot made.db -o made.db/d", {"cannot make the directory 'made.db/d': made.db is no folder\n"}},
        {"data fetch mnist --data-dir no/d", {"folder no/d cannot be made: the folder no does not exist\n"}},
        {"run mlp --linear yes --dim 4 --train 8 --temp 1 --kernel-cache no/k",
         {"cannot make the folder no/k of kernel files: the folder no does not exist\n"}},
    };
    make_store(path_of("made.db"), 3);
    ASSERT_ALL_REFUSED(cases);
    assert_int_equal(count_runs(path_of("made.db")), 3);
}

/* The commands run as a user who may not write into the folder; root may write everywhere. */
static void test_folders_that_may_not_be_written(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"sweep perceptron --temp 1 -o shut/s.db",
         "store shut/s.db cannot be made: the folder shut may not be written: Permission denied\n"},
        {"sweep perceptron --temp 1 -o s.db",
         "store s.db cannot be made: the current folder may not be written: Permission denied\n"},
        {"sweep perceptron --temp 1 -o shut/made.db",
         "store shut/made.db cannot be written: the folder shut may not be "
         "written: Permission denied, and a store needs other files"},
        {"plot made.db -o shut/d", "cannot make the directory 'shut/d': the folder shut may not be written"},
        {"plot made.db -o shut", "cannot write into the directory 'shut': Permission denied\n"},
        {"data fetch mnist --data-dir shut", "folder shut/mnist cannot be made: the folder shut may not be written"},
        {"run mlp --linear yes --dim 4 --train 8 --temp 1 --kernel-cache shut/k",
         "cannot make the folder shut/k of kernel files: the folder shut may not be written"},
        {"run mlp --linear yes --dim 4 --train 8 --temp 1 --kernel-cache shut",
         "kernel files cannot be kept: the folder shut may not be written: Permission denied\n"},
    };
    make_store(path_of("made.db"), 3);
    assert_int_equal(mkdir(path_of("shut"), 0755), 0);
    make_store(path_of("shut/made.db"), 3);
    assert_int_equal(chmod(path_of("shut/made.db"), 0666), 0);
    assert_int_equal(chmod(path_of("shut"), 0555), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int status = finish(start(cases[i].line, &(surroundings){.is_other_user = true}));
        if (status == PROGRAM_OUT_OF_REACH) {
            skip();
        }
        if (status != 2 || strstr(err, cases[i].says) == NULL || out[0] != '\0') {
            fail_msg("%s: exit status %d, %s", cases[i].line, status, err);
        }
        assert_int_equal(num_files(), 2);
    }
    assert_int_equal(chmod(path_of("shut"), 0755), 0);
    assert_int_equal(count_runs(path_of("shut/made.db")), 3);
}

static void test_yaml(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words[4];
    } cases[] = {
        {"model: perceptron\ntemp: [1, 2\n", {"s.yaml:3:1: malformed YAML"}},
        {"model: perceptron\n\ttemp: 1\n", {"s.yaml:2:1: malformed YAML"}},
        {"model: perceptron\nlearning_rate: 1\n", {"s.yaml:2:1: unknown setting 'learning_rate'", "'rate'"}},
        {"model: perceptron\ntmep: 1\n", {"s.yaml:2:1: unknown setting 'tmep'; did you mean 'temp'?"}},
        {"model: perceptron\ntemp: [1, nan]\n", {"s.yaml:2:11: temp is 'nan'", "a number > 0"}},
        {"model: perceptron\ntemp: 3..1\n", {"s.yaml:2:7: temp: the range 3..1 is empty"}},
        {"model: perceptron\ntemp: []\n", {"s.yaml:2:1: temp has an empty list"}},
        {"model: perceptron\ntemp: 1\ntemp: 2\n", {"s.yaml:3:1: temp is set twice"}},
        {"model: perceptron\nzip: {temp: [1, 2], seed: [1, 2, 3]}\n", {"s.yaml:2:6: zip: temp has 2", "seed has 3"}},
        {"model: perceptn\ntemp: 1\n", {"s.yaml:1:8: model is 'perceptn'", "did you mean 'perceptron'?"}},
        {"- 1\n", {"s.yaml:1:3: block 1: a sweep is a mapping"}},
        {"", {"s.yaml:1:1: the file is empty"}},
        {"temp: 1\n", {"model is not set"}},
        {"model: perceptron\n", {"neither temp nor rate is set"}},
        {"model: perceptron\ntemp: 1\nrate: 1\n", {"temp and rate are both set"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text("s.yaml", cases[i].text);
        assert_refused_with("sweep s.yaml -o s.db", cases[i].words);
        assert_refused_with("sweep s.yaml --dry-run", cases[i].words);
    }
    static const refusal files[] = {{"sweep none.yaml -o s.db", {"none.yaml: cannot be opened: No such file"}},
                                    {"sweep dir.yaml -o s.db", {"dir.yaml: is a directory"}}};
    assert_int_equal(mkdir(path_of("dir.yaml"), 0755), 0);
    ASSERT_ALL_REFUSED(files);
}

/* ---- the other commands ---- */

static void test_other_commands(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"list", {"list takes one store or more, but none is given"}},
        {"list s.db none.db", {"store none.db cannot be opened"}},
        {"export", {"export takes one store"}},
        {"export s.db --csv --json", {"--json is given with --csv"}},
        {"export s.db --where 'chy = 1'", {"chy"}},
        {"fit", {"fit takes one store"}},
        {"fit s.db --tc somehow", {"--tc = somehow", "onset, escape, error_shift or error_half"}},
        {"fit s.db --collapse signal", {"--collapse = signal", "weight_change, time or test_error"}},
        {"fit s.db --threshold -1", {"threshold", "-1"}},
        {"fit s.db --threshold nan", {"threshold"}},
        {"selftest --tables 0", {"tables = 0", "from 1 to 100000"}},
        {"selftest s.db", {"selftest takes no argument"}},
        {"fit s.db --csv --details", {"--details", "--csv"}},
        {"fit s.db --csv --latex", {"--csv", "--latex", "at a time"}},
        {"fit s.db --shift 0", {"shift = 0", "from 0.001 to 10"}},
        {"fit s.db --sigmas 0.5", {"sigmas = 0.5", "from 1 to 30"}},
        {"fit s.db --fix beta=1", {"--fix beta=1", "delta, gamma, time_delta, b, a and sharpness"}},
        {"fit s.db --bound gamma=2:0", {"--bound gamma=2:0", "LO < HI"}},
        {"fit s.db --tie gamma=delta", {"--tie gamma=delta", "such as time_delta=delta"}},
        {"fit s.db --fix a=0 --tc escape", {"a and sharpness", "--tc onset"}},
        {"fit s.db --where 'chi ='", {"condition", "chi =", "is not accepted"}},
        {"plot s.db", {"-o DIR"}},
        {"plot s.db --x temp --y '?'", {"--y is ?", "weight_change, "}},
        {"plot s.db -o d --x temp --y weight_change --by step", {"--by is step, but must be a setting"}},
        {"plot s.db -o d --format gif", {"gif", "pdf"}},
        {"plot -o d", {"plot takes one store"}},
        {"theory", {"theory takes --chi"}},
        {"theory --chi -1", {"chi is '-1'", "a number > -1"}},
        {"theory --chi nan", {"chi is 'nan'", "a number > -1"}},
        {"theory --temp 1", {"theory takes --chi"}},
        {"theory perceptron --chi 1", {"theory takes --chi", "no other argument"}},
        {"theory --chi 1 --model mlp", {"model is mlp", "accepted is perceptron"}},
        {"theory --chi 1 --temp 1 --model simple_cnn --data cifar_animal", {"model is simple_cnn"}},
        {"theory --chi 1 --temp 1 --linear yes", {"linear is yes", "accepted is no"}},
        {"theory --chi 1 --temp 1 --loss mse", {"loss is mse", "accepted is hinge"}},
        {"theory --chi 1 --temp 1 --dynamics flow", {"dynamics is flow", "accepted is sgd"}},
        {"theory --chi 1 --dim 64", {"neither temp nor rate is set"}},
        {"theory --chi 1 --until 10", {"neither temp nor rate is set"}},
        {"theory --chi 1 --csv", {"neither temp nor rate is set"}},
        {"theory --chi 1 --temp 1 --tmep 2", {"unknown setting 'tmep'; did you mean 'temp'?"}},
        {"theory --chi 1 --temp -1", {"temp is '-1'", "a number > 0"}},
        {"theory --chi 1 --temp 1 --batch 8 --train 4", {"batch is 8", "train = 4"}},
        {"theory --chi 1 --temp 1 --until 1", {"until is 1", "rate = 2"}},
        {"theory --chi 1 --temp 1 --until never", {"until is 'never'", "a number > 0"}},
        {"theory --chi 1 --temp 1 --until nan", {"until is 'nan'"}},
        {"theory --chi 1 --temp 1 --until 1e999", {"until is '1e999'"}},
        {"theory --chi 1 --temp 1 --train inf", {"until is not set", "rate = 2"}},
        {"theory --chi 1 --temp 1,x", {"temp is 'x'", "a number > 0"}},
        {"theory --chi 1 --temp 1 --train 2^9..", {"train is ''", "an integer from 1"}},
        {"theory --chi 1 --temp 1 --dim 16,32", {"dim is '16,32'", "an integer"}},
        {"theory --chi 1 --temp 1 --rate 1,2", {"temp", "rate"}},
        {"theory --chi 1 --temp 1,2 --until 10", {"until is 10", "one train and one temp"}},
        {"theory --chi 1 --temp 1 --batch 8 --train 64,4", {"batch is 8", "train = 4"}},
        {"theory --chi 1 --temp 1 --csv --json", {"--json and --csv are both given"}},
    };
    make_store(path_of("s.db"), 10);
    ASSERT_ALL_REFUSED(cases);
}

/* ---- what is no store, or not ours to touch ---- */

/* Requires that every command refuses the file and leaves it as it is. */
static void assert_store_refused(const char *name, const char *words)
{
    static const char *const commands[] = {
        "list", "export", "fit", "plot -o d", "sweep perceptron --temp 1 -o", "sweep perceptron --temp 1 --dry-run -o"};
    const size_t size = size_of(path_of(name));
    const char *const all[] = {name, words, NULL};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s %s", commands[i], name);
        assert_refused_with(line, all);
    }
    assert_int_equal(size_of(path_of(name)), size);
}

static void test_no_stores(void **state)
{
    (void)state;
    write_text("text.db", "just a text that is long enough to be looked at, whatever one takes it for\n");
    assert_store_refused("text.db", "is no chiton store");
    execute(path_of("other.db"), "CREATE TABLE runs (id TEXT); INSERT INTO runs VALUES ('a')");
    assert_store_refused("other.db", "is no chiton store");
    assert_int_equal(mkdir(path_of("folder.db"), 0755), 0);
    assert_store_refused("folder.db", "is a directory");
}

static void test_missing_stores(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"list none.db", {"none.db cannot be opened: No such file"}},
        {"export none.db", {"none.db cannot be opened: No such file"}},
        {"fit none.db", {"none.db cannot be opened: No such file"}},
        {"plot none.db -o d", {"none.db cannot be opened: No such file"}},
    };
    ASSERT_ALL_REFUSED(cases);
}

static void test_newer_stores(void **state)
{
    (void)state;
    make_store(path_of("new.db"), 10);
    execute(path_of("new.db"), "PRAGMA user_version = 1000");
    assert_store_refused("new.db", "was made by a newer version of chiton");
}

static void test_read_only_stores(void **state)
{
    (void)state;
    static const char *const words[] = {"s.db is read-only", NULL};
    make_store(path_of("s.db"), 10);
    assert_int_equal(chmod(path_of("s.db"), 0444), 0);
    assert_refused_with("sweep perceptron --temp 1 -o s.db", words);
    assert_succeeds("list s.db"); /* a store that may not be written can be read */
    assert_says(out, "runs            10\n");
    assert_int_equal(count_runs(path_of("s.db")), 10);
}

/* A damaged store is no bad input: the exit status is 1. */
static void assert_damage_told(const char *line)
{
    const int status = chiton("%s", line);
    if (status != 1 || strstr(err, "damaged") == NULL) {
        fail_msg("%s: exit status %d, %s", line, status, err);
    }
}

static void test_damaged_stores(void **state)
{
    (void)state;
    make_store(path_of("cut.db"), 50);
    assert_int_equal(truncate(path_of("cut.db"), (off_t)size_of(path_of("cut.db")) - 1000), 0);
    make_store(path_of("bad.db"), 50);
    const int file = open(path_of("bad.db"), O_WRONLY);
    char junk[2 * 4096];
    memset(junk, 0x5a, sizeof junk);
    /* in the first pages after those of the schema */
    assert_int_equal(pwrite(file, junk, sizeof junk, 4096), sizeof junk);
    assert_int_equal(close(file), 0);
    static const char *const names[] = {"cut.db", "bad.db"};
    for (size_t i = 0; i < 2; i++) {
        char line[128];
        snprintf(line, sizeof line, "list %s", names[i]);
        assert_damage_told(line);
        snprintf(line, sizeof line, "export %s", names[i]);
        assert_damage_told(line);
        snprintf(line, sizeof line, "sweep perceptron --dim 8 --train 64 --temp 1 -o %s", names[i]);
        assert_damage_told(line);
    }
}

/* Stacks that are too small are refused, and small ones suffice. */
static void test_small_stacks(void **state)
{
    (void)state;
    static const char *const refused[] = {"16k", "16", "127K", "100000B", " 2 k "}, *const accepted[] = {"128k", "1m",
                                                                                                         "x"};
    if (is_sanitized()) {
        skip(); /* a sanitizer's stack frames are larger */
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(setenv("OMP_STACKSIZE", refused[i], 1), 0);
        assert_int_equal(chiton("run perceptron --dim 8 --train 16 --temp 1"), 2);
        assert_says(err, "OMP_STACKSIZE is ");
        assert_says(err, "accepted is 128k or more");
    }
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        assert_int_equal(setenv("OMP_STACKSIZE", accepted[i], 1), 0);
        assert_int_equal(
            chiton("run mlp --width 64 --depth 3 --dim 32 --train 64 --test 64 --kernel 32 --batch 16 --temp "
                   "0.01 --alpha 1 --max_steps 50 -j 2"),
            0);
        assert_int_equal(
            chiton("run mlp --linear yes --width 64 --depth 3 --dim 32 --train 64 --temp 0.01 --alpha 1 -j 2"), 0);
    }
    assert_int_equal(unsetenv("OMP_STACKSIZE"), 0);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
    small = before;
    small.rlim_cur = 64 * 1024;
    assert_int_equal(setrlimit(RLIMIT_STACK, &small), 0);
    const int status = chiton("run perceptron --dim 8 --train 16 --temp 1");
    assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
    assert_int_equal(status, 2);
    assert_says(err, "the stack is limited to 64 kB (ulimit -s); accepted is 128 kB or more");
}

/* Where the system starts fewer threads than are wanted, those are taken; more of them by -j are refused. */
static void test_few_threads(void **state)
{
    (void)state;
    struct rlimit before, small;
    if (is_sanitized()) { /* sanitizers reserve more addresses */
        skip();
    }
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)1 << 30;
    assert_int_equal(setenv("OMP_NUM_THREADS", "400", 1), 0);
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    const int by_default = chiton("run mlp --width 64 --depth 2 --dim 32 --train 64 --batch 16 --temp 0.01 --alpha 1 "
                                  "--max_steps 5");
    char *said = strdup(err);
    const int refused = chiton("run perceptron --dim 8 --train 16 --temp 1 -j 400");
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(unsetenv("OMP_NUM_THREADS"), 0);
    assert_int_equal(by_default, 0);
    assert_says(said, "the system does not start 400 threads");
    free(said);
    assert_int_equal(refused, 2);
    assert_says(err, "-j is 400, but the system does not start so many threads");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_settings),
        STORE_TEST(test_models),
        STORE_TEST(test_sweeps),
        STORE_TEST(test_yaml),
        STORE_TEST(test_other_commands),
        STORE_TEST(test_no_stores),
        STORE_TEST(test_missing_stores),
        STORE_TEST(test_newer_stores),
        STORE_TEST(test_read_only_stores),
        STORE_TEST(test_damaged_stores),
        STORE_TEST(test_folders_that_are_missing),
        STORE_TEST(test_small_stacks),
        STORE_TEST(test_few_threads),
        STORE_TEST(test_folders_that_may_not_be_written),
    };
    return cmocka_run_group_tests_name("program refusals", tests, locate_program, NULL);
}
