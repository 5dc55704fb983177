/* test_program_weights.c — weights as files: `chiton run --init` and `--save-weights`. */
#include "data/array.h"
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
    assert_int_equal(
        chiton("run %s --max-steps 40 --seed-data 0 --seed-batch 0 --seed 3 --init w0.npy --json", settings), 0);
    assert_true(number("weight_change") == change);
    /* another start gives another run */
    assert_int_equal(chiton("run %s --max-steps 40 --init w1.npy --json", settings), 0);
    assert_true(number("weight_change") != change);
    assert_int_equal(chiton("run %s --max-steps 40 --init w0.npy", settings), 0);
    char line[64];
    (void)snprintf(line, sizeof line, "  init                  %.8s  ", start.digest);
    assert_non_null(strstr(out, line));
    free(start.numbers);
    free(end.numbers);
    free(same.numbers);
    free(drawn);
    ch_architecture_free(&architecture);
}

/* Writes the weights that a seed draws for a network of the tests below. */
static void put_drawn(const char *name, uint64_t seed)
{
    const ch_network_spec spec = {CH_ARCH_MLP, 8, 2, CH_ACTIVATION_GELU, {5, 1, 1}};
    ch_architecture architecture;
    assert_int_equal(ch_architecture_init(&architecture, &spec, NULL), CH_OK);
    double *drawn = calloc(architecture.num_weights, sizeof *drawn);
    ch_architecture_draw(&architecture, seed, drawn);
    assert_int_equal(ch_npy_write(path_of(name), CH_ELEMENT_F64, &architecture.num_weights, 1, drawn, NULL), CH_OK);
    free(drawn);
    ch_architecture_free(&architecture);
}

/* The number of runs that fulfil a condition. */
static long long count(const char *where)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM runs WHERE %s", where);
    return query(path_of("s.db"), sql);
}

/* In a sweep the file is an axis like any other. Stored is its digest, so that the same weights under another name are
 * the same runs; runs from different starts are fitted apart, networks and twins have pairs, and a run's own start is
 * where it would have started by itself. */
static void sweeps_start_from_files(void **state)
{
    (void)state;
    static const char yaml[] =
        "model: mlp\nwidth: 8\nactivation: gelu\ndepth: 2\ndim: 5\nlinear: [no, yes]\ntrain: [16, 32]\n"
        "temp: [0.05, 0.1]\ninit: [none, w0.npy, w1.npy, w0.npy]\nseed: 0..2\nrecord: 1\n";
    put_drawn("w0.npy", 77);
    put_drawn("w1.npy", 78);
    put_bytes("s.yaml", yaml, sizeof yaml - 1);
    assert_int_equal(chiton("sweep s.yaml --dry-run"), 0);
    assert_non_null(strstr(out, "init            none, w0.npy, w1.npy\n"));
    assert_int_equal(chiton("sweep s.yaml -o s.db"), 0);
    assert_non_null(strstr(out, "s.db: 72 runs, 0 were there, 72 done"));
    assert_int_equal(chiton("sweep s.yaml -o s.db"), 0);
    assert_non_null(strstr(out, "72 were there, 0 done"));
    assert_int_equal(count("init IS NULL AND seed_init IS NOT NULL"), 24);
    assert_int_equal(count("length(init) = 64 AND seed_init IS NULL"), 48);
    assert_int_equal(query(path_of("s.db"), "SELECT count(DISTINCT weight_change) FROM runs WHERE train = 32"), 36);
    /* the digest is the file's, whatever its name */
    assert_int_equal(rename(path_of("w0.npy"), path_of("elsewhere.npy")), 0);
    assert_int_equal(chiton("sweep s.yaml --init elsewhere.npy -o s.db"), 0);
    assert_non_null(strstr(out, "24 runs, 24 were there, 0 done"));
    /* each run of the twin has one of the network beside it */
    assert_int_equal(chiton("fit s.db"), 0);
    weights w0 = load("elsewhere.npy");
    char name[32], where[256];
    (void)snprintf(name, sizeof name, "init = %.8s", w0.digest);
    assert_non_null(strstr(out, name));
    assert_non_null(strstr(out, "init = none"));
    assert_int_equal(chiton("fit s.db --json"), 0);
    json_t *fit = json_loads(out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(fit, "lazy")) > 0, 1);
    json_decref(fit);
    (void)snprintf(where, sizeof where, "init = '%s'", w0.digest);
    assert_int_equal(count(where), 24);
    assert_int_equal(chiton("list s.db"), 0);
    (void)snprintf(name, sizeof name, "init            none, ");
    assert_non_null(strstr(out, name));
    assert_int_equal(chiton("export s.db --where \"%s\"", where), 0);
    assert_non_null(strstr(out, w0.digest));
    free(w0.numbers);
    /* weights that the network does not have are refused before anything is written, or left out */
    assert_int_equal(chiton("sweep mlp --activation gelu --width 7,8,9 --depth 2 --dim 5 --train 8 --temp 0.05 --init "
                            "elsewhere.npy -o n.db"),
                     2);
    assert_non_null(strstr(err, "init has 112 numbers; accepted are the 91 weights and biases of this network"));
    assert_int_equal(access(path_of("n.db"), F_OK), -1);
    assert_int_equal(chiton("sweep mlp --activation gelu --width 7,8,9 --depth 2 --dim 5 --train 8 --temp 0.05 --init "
                            "elsewhere.npy -o n.db "
                            "--skip-invalid"),
                     0);
    assert_non_null(strstr(out, "n.db: 1 runs, 0 were there, 1 done"));
    assert_int_equal(chiton("sweep mlp --train 8 --temp 1 --init nowhere.npy -o m.db --skip-invalid"), 2);
    assert_int_equal(access(path_of("m.db"), F_OK), -1);
}

/* A kernel around given weights, in single precision, is that of a network that draws them; of others it is another. */
static void twins_start_from_a_file(void **state)
{
    (void)state;
    static const char *const twin =
        "run mlp --linear yes --activation gelu --width 8 --depth 2 --dim 5 --train 32 --temp 0.05 --json";
    put_drawn("w0.npy", 9);
    assert_int_equal(chiton("%s --seed-init 9", twin), 0);
    const double change = number("weight_change"), relative = number("weight_change_rel");
    assert_int_equal(chiton("%s --init w0.npy --kernel-cache kernels", twin), 0);
    assert_in(number("weight_change") / change, 1 - 1e-5, 1 + 1e-5);
    assert_in(number("weight_change_rel") / relative, 1 - 1e-5, 1 + 1e-5);
    const double computed = number("weight_change");
    assert_int_equal(chiton("%s --init w0.npy --kernel-cache kernels", twin), 0);
    assert_true(number("weight_change") == computed);
    assert_int_equal(chiton("%s --seed-init 10 --kernel-cache kernels", twin), 0);
    assert_true(number("weight_change") != computed);
    /* momentum is the twin's as well, under the plain engine */
    assert_int_equal(chiton("%s --init w0.npy --momentum 0.9", twin), 0);
    assert_non_null(strstr(out, "\"engine\": \"plain\""));
    assert_non_null(strstr(out, "\"status\": \"fitted\""));
}

/* The distance along two runs is that of the weights which they wrote, at the steps that both recorded. */
static void distances_are_those_of_the_files(void **state)
{
    (void)state;
    static const char *const runs[] = {"perceptron --dim 9 --train 64 --temp 1",
                                       "mlp --width 6 --depth 2 --dim 5 --train 64 --temp 0.1"};
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
        ch_array a, b;
        bool is_table = false;
        assert_int_equal(chiton("run %s --record 2 --save-trajectory a.npy --save-weights a-end.npy --json", runs[r]),
                         0);
        assert_int_equal(
            chiton("run %s --seed-batch 5 --record 2 --save-trajectory b.npy --distance-to a.npy --json", runs[r]), 0);
        assert_int_equal(ch_array_read(&a, path_of("a.npy"), 2, &is_table, NULL), CH_OK);
        assert_int_equal(ch_array_read(&b, path_of("b.npy"), 2, &is_table, NULL), CH_OK);
        const size_t length = a.sizes[1];
        const double *rows = a.numbers, *others = b.numbers;
        assert_memory_equal(rows, others, length * sizeof *rows); /* both start from the same weights, at step 0 */
        assert_true(rows[0] == 0);
        weights end = load("a-end.npy");
        assert_int_equal(end.count + 1, length);
        assert_memory_equal(end.numbers, rows + (a.sizes[0] - 1) * length + 1, end.count * sizeof *end.numbers);
        free(end.numbers);
        json_t *run = json_loads(out, 0, NULL);
        const json_t *points = json_object_get(run, "trajectory");
        size_t num_common = 0;
        assert_int_equal(json_array_size(points) + 1, b.sizes[0]);
        for (size_t i = 0; i < json_array_size(points); i++) {
            const json_t *distance = json_object_get(json_array_get(points, i), "distance");
            const double *own = others + (i + 1) * length, *other = NULL;
            double change = 0, apart = 0;
            for (size_t k = 0; k < a.sizes[0]; k++) {
                other = rows[k * length] == own[0] ? rows + k * length : other;
            }
            assert_true(own[0] == json_number_value(json_object_get(json_array_get(points, i), "step")));
            for (size_t k = 1; k < length; k++) {
                change += pow(own[k] - others[k], 2);
                apart += other != NULL ? pow(own[k] - other[k], 2) : 0;
            }
            const double wanted = json_number_value(json_object_get(json_array_get(points, i), "weight_change"));
            assert_in(sqrt(change) / wanted, 1 - 1e-12, 1 + 1e-12);
            assert_int_equal(json_is_null(distance), other == NULL);
            if (other != NULL) {
                assert_in(sqrt(apart) - json_number_value(distance), -1e-12, 1e-12);
                num_common++;
            }
        }
        assert_true(num_common > 2 && number("distance") > 0);
        json_decref(run);
        ch_array_free(&a);
        ch_array_free(&b);
        assert_int_equal(chiton("run %s --record 2 --distance-to a.npy", runs[r]), 0);
        assert_non_null(strstr(out, "  distance              0 "));
    }
}

/* The points of curvature have weights as those of record do: step 0, 1 and the end here. */
static void weights_are_kept_at_points_of_curvature(void **state)
{
    (void)state;
    static const char run[] =
        "mlp --width 4 --depth 1 --dim 3 --train 20 --loss mse --alpha 1 --rate 0.01 --max-steps 9";
    ch_array kept;
    bool is_table = false;
    assert_int_equal(chiton("run %s --curvature 1 --save-trajectory c.npy", run), 0);
    assert_int_equal(ch_array_read(&kept, path_of("c.npy"), 2, &is_table, NULL), CH_OK);
    const double *numbers = kept.numbers;
    assert_int_equal(kept.sizes[0], 3);
    for (size_t row = 0; row < 3; row++) {
        assert_true(numbers[row * kept.sizes[1]] == (row < 2 ? (double)row : 9));
    }
    ch_array_free(&kept);
    assert_int_equal(chiton("run %s --curvature 1 --distance-to c.npy", run), 0);
    assert_non_null(strstr(out, "  distance              0 "));
}

static void what_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    const double numbers[] = {0, 1, 2, 3, 1, 4, 5, 6}, late[] = {1, 1, 2, 3, 2, 4, 5, 6};
    const double twice[] = {0, 1, 2, 3, 0, 4, 5, 6}, nan[] = {0, 1, 2, NAN, 1, 4, 5, 6};
    static const char header[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }\n";
    put_npy("good.npy", header, numbers, sizeof numbers);
    put_npy("late.npy", header, late, sizeof late);
    put_npy("twice.npy", header, twice, sizeof twice);
    put_npy("nan.npy", header, nan, sizeof nan);
    put_npy("int.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 4), }\n", numbers, sizeof numbers);
    put_npy("flat.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (8,), }\n", numbers, sizeof numbers);
    put_npy("short.npy", header, numbers, sizeof numbers - 8);
    put_bytes("text.csv", "1,2,3\n", 6);
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"--record 1 --distance-to late.npy", "steps in its first column that do not ascend from 0"},
        {"--record 1 --distance-to twice.npy", "steps in its first column that do not ascend from 0"},
        {"--record 1 --distance-to nan.npy", "has a number that is infinite or NaN"},
        {"--record 1 --distance-to int.npy", "is no array of float64 with two dimensions"},
        {"--record 1 --distance-to flat.npy", "distance-to"},
        {"--record 1 --distance-to short.npy", "distance-to: short.npy is truncated"},
        {"--record 1 --distance-to text.csv", "distance-to is text.csv, which is a text"},
        {"--record 1 --distance-to nowhere.npy", "distance-to: nowhere.npy cannot be read: No such file"},
        {"--record 1 --dim 4 --distance-to good.npy", "the weights of a model with 3 of them"},
        {"--distance-to good.npy", "distance-to is good.npy, but record = 0 records no points along the run"},
        {"--save-trajectory y.npy", "save-trajectory is y.npy, but record = 0 records no points along the run"},
        {"--record 1 --save-trajectory x.npy", "save-weights and save-trajectory are both x.npy; accepted are two"},
        {"--record 1 --save-trajectory no/y.npy", "the folder no does not exist"},
        {"--record 1 --linear yes --save-trajectory y.npy", "save-weights is given, but linear = yes trains"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *dim = strstr(cases[i].line, "--dim") == NULL ? "--dim 3" : "";
        const int status = chiton("run perceptron --temp 1 %s %s --save-weights x.npy", dim, cases[i].line);
        if (status != 2 || strstr(err, cases[i].words) == NULL) {
            fail_msg("%s: exit status %d, %s", cases[i].line, status, err);
        }
        assert_string_equal(out, "");
    }
    assert_int_equal(access(path_of("x.npy"), F_OK), -1);
    assert_int_equal(access(path_of("y.npy"), F_OK), -1);
}

static void what_has_no_meaning_is_refused(void **state)
{
    (void)state;
    const double numbers[4] = {1, 2, 3, NAN}, finite[4] = {1, 2, 3, 4}, large[4] = {1, 2, 3, 1e39};
    put_bytes("text.npy", "1,2,3\n", 6);
    put_bytes("short.npy", "\x93NUMPY", 6);
    put_npy("nan.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }\n", numbers, sizeof numbers);
    put_npy("large.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }\n", large, sizeof large);
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
        {"mlp --init large.npy", "has a number that single precision does not hold"},
        {"mlp --init int.npy", "holds numbers of another type; accepted is an array of float32 or float64"},
        {"mlp --init columns.npy", "init has 4 numbers"},
        {"mlp --init less.npy", "init: less.npy is truncated"},
        {"mlp --init more.npy", "init: more.npy "},
        {"mlp --init none.npy", "init: none.npy "},
        {"mlp --init nowhere.npy", "cannot be read: No such file"},
        {"mlp --init good.npy", "init has 3 numbers; accepted are the 82048 weights and biases of this network"},
        {"perceptron --init good.npy", "depends on the change of its weights alone"},
        {"mlp --linear yes --init good.npy", "init has 3 numbers; accepted are the 82048 weights and biases"},
        {"mlp --init w0.npy --seed-init 3", "seed_init is 3, but init gives the initial weights"},
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
        STORE_TEST(sweeps_start_from_files),
        STORE_TEST(twins_start_from_a_file),
        STORE_TEST(distances_are_those_of_the_files),
        STORE_TEST(weights_are_kept_at_points_of_curvature),
        STORE_TEST(what_cannot_be_compared_is_refused),
        STORE_TEST(what_has_no_meaning_is_refused),
    };
    return cmocka_run_group_tests_name("weights", tests, locate_program, NULL);
}
