/* test_program_weights.c — weights as files: `chiton run --init` and `--save-weights`. */
#include "data/npy_write.h"
#include "models/architecture.h"
#include "sim/weights_file.h"
#include "tests/program_support.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* The number under a key of the last command's JSON. */
static double number(const char *key)
{
    json_t *json = json_loads(out, 0, NULL);
    const double value = json_number_value(json_object_get(json, key));
    json_decref(json);
    return value;
}

typedef struct {
    double *numbers;
    size_t count;
    char digest[CH_WEIGHTS_DIGEST_SIZE];
} weights;

static weights load(const char *name)
{
    weights read;
    ch_error err_here = {0};
    if (ch_weights_read(path_of(name), &read.numbers, &read.count, read.digest, &err_here) != CH_OK) {
        fail_msg("%s", err_here.message);
    }
    return read;
}

static double distance(const weights *a, const weights *b)
{
    double sum = 0;
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        sum += (a->numbers[i] - b->numbers[i]) * (a->numbers[i] - b->numbers[i]);
    }
    return sqrt(sum);
}

/* Writes bytes to a file of the test's folder. */
static void put_bytes(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Writes a file of NumPy's format, version 1, with a header as it is given. */
static void put_npy(const char *name, const char *header, const void *numbers, size_t size)
{
    char bytes[4096] = "\x93NUMPY\x01";
    const size_t length = strlen(header);
    assert_true(10 + length + size <= sizeof bytes);
    bytes[7] = 0;
    bytes[8] = (char)length;
    bytes[9] = 0;
    memcpy(bytes + 10, header, length);
    memcpy(bytes + 10 + length, numbers, size);
    put_bytes(name, bytes, 10 + length + size);
}

/* The file is as numpy.save writes it: the numbers begin at a multiple of 64 bytes, behind a header that ends a line.
 */
static void files_are_numpys(void **state)
{
    (void)state;
    const double numbers[] = {1.5, -2, 0x1p-1074, 1e300, 0};
    unsigned char bytes[256];
    assert_int_equal(ch_npy_write(path_of("a.npy"), CH_ELEMENT_F64, (size_t[]){5}, 1, numbers, NULL), CH_OK);
    FILE *file = fopen(path_of("a.npy"), "rb");
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), 128 + sizeof numbers);
    fclose(file);
    static const char *const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (5,), }";
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
    assert_memory_equal(bytes + 10, header, strlen(header));
    assert_int_equal(bytes[127], '\n');
    assert_memory_equal(bytes + 128, numbers, sizeof numbers);
    weights read = load("a.npy");
    assert_int_equal(read.count, 5);
    assert_memory_equal(read.numbers, numbers, sizeof numbers);
    free(read.numbers);
    const float singles[6] = {1, 2, 3, 4, 5, -0.1F};
    put_npy("b.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", singles, sizeof singles);
    read = load("b.npy");
    assert_int_equal(read.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_true(read.numbers[i] == (double)singles[i]);
    }
    free(read.numbers);
    /* where the first size changes fastest, the numbers are put into the other order */
    put_npy("c.npy", "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", singles, sizeof singles);
    read = load("c.npy");
    static const double rows[6] = {1, 3, 5, 2, 4, -0.1F};
    assert_memory_equal(read.numbers, rows, sizeof rows);
    free(read.numbers);
}

/* A perceptron's file has Dw, whatever engine makes it, and whatever the unit that it is trained in. */
static void perceptrons_save_their_change(void **state)
{
    (void)state;
    static const char *const runs[] = {
        "--engine plain --temp 1",
        "--engine fast --train 2048 --temp 1",
        "--temp 2^-100 --alpha 2^115",
        "--train inf --temp 1 --max-steps 50",
        "--loss mse --temp 0.01 --max-steps 100",
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        assert_int_equal(chiton("run perceptron --dim 9 %s --save-weights w.npy --json", runs[i]), 0);
        weights saved = load("w.npy");
        assert_int_equal(saved.count, 9);
        if (strstr(runs[i], "mse") == NULL) { /* of a linear network it is w */
            double square = 0;
            for (size_t k = 0; k < 9; k++) {
                square += saved.numbers[k] * saved.numbers[k];
            }
            assert_in(sqrt(square) / number("weight_change"), 1 - 1e-12, 1 + 1e-12);
            assert_in(saved.numbers[0] / number("signal"), 1 - 1e-12, 1 + 1e-12); /* the teacher is the first axis */
        }
        free(saved.numbers);
    }
}

/* Of samples from a file, whose dimension is no setting, the file has as many numbers as a sample. */
static void perceptrons_of_files_save_as_many_numbers(void **state)
{
    (void)state;
    static const char table[] = "a,b,c,label\n1,0.5,0,1\n-1,0.25,2,0\n2,-1,0,1\n-2,0,1,0\n1.5,1,1,1\n-1,-1,-1,0\n";
    put_bytes("samples.csv", table, sizeof table - 1);
    assert_int_equal(chiton("run perceptron --data file --data-file samples.csv --classes '1 vs 0' --train 4 --temp 1 "
                            "--save-weights w.npy --json"),
                     0);
    weights saved = load("w.npy");
    assert_int_equal(saved.count, 3);
    assert_in(hypot(hypot(saved.numbers[0], saved.numbers[1]), saved.numbers[2]) / number("weight_change"), 1 - 1e-12,
              1 + 1e-12);
    free(saved.numbers);
}

/* A network starts from the weights that are given, so that ||Dw|| is the distance of the two files; its run does not
 * depend on the seed that would have drawn them; and what one run saves another one takes. */
static void networks_start_from_a_file(void **state)
{
    (void)state;
    const ch_network_spec spec = {CH_ARCH_MLP_BIAS, 7, 2, CH_ACTIVATION_GELU, {5, 1, 1}};
    static const char *const settings = "mlp_bias --width 7 --depth 2 --activation gelu --dim 5 --train 64 --rate 0.01";
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    double *drawn = calloc(architecture.num_weights, sizeof *drawn);
    ch_architecture_draw(&architecture, 77, drawn);
    assert_int_equal(ch_npy_write(path_of("w0.npy"), CH_ELEMENT_F64, &architecture.num_weights, 1, drawn, NULL), CH_OK);
    weights start = load("w0.npy");
    assert_int_equal(chiton("run %s --max-steps 40 --init w0.npy --save-weights w1.npy --json", settings), 0);
    assert_non_null(strstr(out, start.digest));
    weights end = load("w1.npy");
    const double change = number("weight_change");
    assert_true(change > 0);
    assert_in(distance(&start, &end) / change, 1 - 1e-12, 1 + 1e-12);
    /* the seed that draws the same weights gives the same run */
    assert_int_equal(chiton("run %s --max-steps 40 --seed-init 77 --save-weights w2.npy --json", settings), 0);
    assert_true(number("weight_change") == change);
    weights same = load("w2.npy");
    assert_memory_equal(same.numbers, end.numbers, end.count * sizeof *end.numbers);
    /* and the given weights do not depend on it */
    assert_int_equal(chiton("run %s --max-steps 40 --seed-init 3 --init w0.npy --json", settings), 0);
    assert_true(number("weight_change") == change);
    /* another start gives another run */
    assert_int_equal(chiton("run %s --max-steps 40 --init w1.npy --json", settings), 0);
    assert_true(number("weight_change") != change);
    assert_int_equal(chiton("run %s --max-steps 40 --init w0.npy", settings), 0);
    assert_non_null(strstr(out, "SHA-256 of the file of initial weights"));
    free(start.numbers);
    free(end.numbers);
    free(same.numbers);
    free(drawn);
    ch_architecture_free(&architecture);
}

static void what_has_no_meaning_is_refused(void **state)
{
    (void)state;
    const double numbers[4] = {1, 2, 3, NAN}, finite[4] = {1, 2, 3, 4};
    put_bytes("text.npy", "1,2,3\n", 6);
    put_bytes("short.npy", "\x93NUMPY", 6);
    put_npy("nan.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }\n", numbers, sizeof numbers);
    put_npy("int.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }\n", numbers, sizeof numbers);
    put_npy("columns.npy", "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }\n", finite, sizeof finite);
    put_npy("less.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (5,), }\n", numbers, sizeof numbers);
    put_npy("more.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n", numbers, sizeof numbers);
    put_npy("none.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }\n", numbers, 0);
    put_npy("good.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n", numbers, 24);
    assert_int_equal(mkdir(path_of("folder"), 0777), 0);
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"mlp --init text.npy", "init is text.npy, which is a text; accepted is an array of float32 or float64"},
        {"mlp --init short.npy", "init: short.npy is truncated: it ends within its NPY header"},
        {"mlp --init nan.npy", "has a number that is infinite or NaN"},
        {"mlp --init int.npy", "holds numbers of another type; accepted is an array of float32 or float64"},
        {"mlp --init columns.npy", "init has 4 numbers"},
        {"mlp --init less.npy", "init: less.npy is truncated"},
        {"mlp --init more.npy", "init: more.npy "},
        {"mlp --init none.npy", "init: none.npy "},
        {"mlp --init nowhere.npy", "cannot be read: No such file"},
        {"mlp --init good.npy", "init has 3 numbers; accepted are the 82048 weights and biases of this network"},
        {"perceptron --init good.npy", "depends on the change of its weights alone"},
        {"mlp --linear yes --init good.npy", "init is given, but linear = yes trains coefficients of samples"},
        {"mlp --linear yes --save-weights x.npy", "save-weights is given, but linear = yes trains coefficients"},
        {"mlp --save-weights nowhere/x.npy", "the folder nowhere does not exist"},
        {"mlp --save-weights folder", "save-weights is folder, which is a folder; accepted is the name of a file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int status = chiton("run %s --temp 1 --save-weights x.npy", cases[i].line);
        const bool is_own = strstr(cases[i].line, "save") != NULL;
        const int own = is_own ? chiton("run %s --temp 1", cases[i].line) : status;
        if (own != 2 || strstr(err, cases[i].words) == NULL) {
            fail_msg("%s: exit status %d, %s", cases[i].line, own, err);
        }
        assert_string_equal(out, "");
    }
    assert_int_equal(access(path_of("x.npy"), F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(files_are_numpys),
        STORE_TEST(perceptrons_save_their_change),
        STORE_TEST(perceptrons_of_files_save_as_many_numbers),
        STORE_TEST(networks_start_from_a_file),
        STORE_TEST(what_has_no_meaning_is_refused),
    };
    return cmocka_run_group_tests_name("weights", tests, locate_program, NULL);
}
