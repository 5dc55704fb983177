/* bench_training.c — trainings from start to fitted: the whole program, from reading the data to the last look, beside
 * JAX's loop alone, which has its data in memory and is compiled. Both have the same data and initial weights; batches
 * are their own. */
#include "bench.h"

#include "chiton.h"
#include "core/memory.h"
#include "data/npy_write.h"
#include "sim/train_set.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_VALUES = 12, PAIRS = 3 };

typedef struct {
    const char *row, *values[MOST_VALUES][2]; /* names of settings and their values, the model first */
    size_t every;                             /* steps between JAX's looks at all samples */
} training;

static void write_array(const char *folder, const char *name, ch_element element, size_t rows, size_t columns,
                        const void *numbers)
{
    ch_error err = {0};
    char path[CH_BENCH_PATH + 16];
    const size_t sizes[] = {rows, columns};
    (void)snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    must(ch_npy_write(path, element, sizes, columns > 1 ? 2 : 1, numbers, &err), &err);
}

/* A perceptron's samples, whose labels are in the rows, and its weights 0. */
static void write_samples(const ch_sample_set *set, const char *folder)
{
    const size_t count = set->num_samples, dim = set->dim;
    float *x = ch_alloc(count * dim, sizeof *x), *w = ch_alloc(dim, sizeof *w);
    int8_t *y = ch_alloc(count, sizeof *y);
    for (size_t mu = 0; mu < count; mu++) {
        memcpy(x + mu * dim, ch_sample_set_row(set, mu), dim * sizeof *x);
        y[mu] = 1;
    }
    write_array(folder, "x", CH_ELEMENT_F32, count, dim, x);
    write_array(folder, "y", CH_ELEMENT_I8, count, 1, y);
    write_array(folder, "w", CH_ELEMENT_F32, dim, 1, w);
    free(x);
    free(w);
    free(y);
}

static void write_examples(const ch_examples *set, const ch_resolved *resolved, const char *folder)
{
    ch_error err = {0};
    ch_architecture architecture;
    const ch_network_spec spec = ch_settings_network(&resolved->settings);
    must(ch_architecture_init(&architecture, &spec, &err), &err);
    double *w = ch_alloc(architecture.num_weights, sizeof *w);
    ch_architecture_draw(&architecture, 0, w);
    write_array(folder, "x", CH_ELEMENT_F32, set->num_samples, set->dim, set->inputs);
    write_array(folder, "y", CH_ELEMENT_I8, set->num_samples, 1, set->labels);
    write_array(folder, "w", CH_ELEMENT_F64, architecture.num_weights, 1, w);
    ch_architecture_free(&architecture);
    free(w);
}

/* Writes what JAX trains on, and returns the settings. */
static ch_settings write_problem(const training *of, const char *folder)
{
    ch_error err = {0};
    ch_plan plan;
    ch_settings settings;
    ch_resolved resolved;
    ch_sources sources = {0};
    ch_train_set set = {0};
    ch_plan_init(&plan);
    for (size_t i = 0; i < MOST_VALUES && of->values[i][0] != NULL; i++) {
        size_t setting = 0;
        must(ch_settings_find(of->values[i][0], &setting, &err), &err);
        must(ch_plan_set(&plan, setting, of->values[i][1], &err), &err);
    }
    ch_plan_get(&plan, 0, &settings);
    must(ch_settings_resolve(&settings, &resolved, &err), &err);
    must(ch_sources_find(&sources, &resolved, &err), &err);
    must(ch_train_set_init(&set, &resolved, &sources, resolved.settings.train, 1, NULL, &err), &err);
    if (set.samples.num_samples > 0) {
        write_samples(&set.samples, folder);
    } else {
        write_examples(&set.train, &resolved, folder);
    }
    ch_train_set_free(&set);
    ch_sources_free(&sources);
    ch_plan_free(&plan);
    return resolved.settings;
}

/* Seconds of processor time of the program, and the steps it took. */
static double time_program(const training *of, const char *output, size_t seed, double *steps)
{
    const char *arguments[2 * MOST_VALUES + 8] = {bench_with.program, "run", of->values[0][1]};
    char names[MOST_VALUES][32], batches[16];
    size_t count = 3;
    for (size_t i = 1; i < MOST_VALUES && of->values[i][0] != NULL; i++) {
        (void)snprintf(names[i], sizeof names[i], "--%s", of->values[i][0]);
        arguments[count++] = names[i];
        arguments[count++] = of->values[i][1];
    }
    (void)snprintf(batches, sizeof batches, "%zu", seed);
    const char *const last[] = {"--seed_batch", batches, "-j1", "--json"};
    memcpy(arguments + count, last, sizeof last);
    const double seconds = run_program(arguments, output, NULL);
    json_t *run = json_load_file(output, 0, NULL);
    const char *status = json_string_value(json_object_get(run, "status"));
    if (status == NULL || strcmp(status, "fitted") != 0) {
        fprintf(stderr, "bench: a run that is to be timed to the end ended as %s\n", status);
        exit(1);
    }
    *steps = json_number_value(json_object_get(run, "steps"));
    json_decref(run);
    return seconds;
}

static void bench_one(const training *of, peer *jax)
{
    char folder[CH_BENCH_PATH], output[CH_BENCH_PATH + 16];
    double own[PAIRS], own_steps[PAIRS], other[PAIRS], steps[PAIRS], looks[PAIRS], ratio[PAIRS], compiling = 0;
    bench_temporary(folder, "");
    (void)unlink(folder);
    if (mkdir(folder, 0700) != 0) {
        perror("bench: the folder for temporary files");
        exit(1);
    }
    (void)snprintf(output, sizeof output, "%s/run.json", folder);
    const ch_settings settings = write_problem(of, folder);
    for (size_t i = 0; i < PAIRS; i++) {
        double answer[4];
        own[i] = time_program(of, output, i, &own_steps[i]);
        (void)peer_ask(jax, answer, 4, "fit %s %d %d %s %.17g %.17g %d %zu %zu", of->values[0][1], (int)settings.width,
                       (int)settings.depth, folder, 1 / settings.alpha, settings.rate, (int)settings.batch, of->every,
                       i);
        other[i] = answer[0];
        ratio[i] = answer[0] / own[i];
        looks[i] = answer[1] / answer[0];
        compiling = answer[2];
        steps[i] = answer[3];
    }
    const double typical = median(own, PAIRS), over = median(ratio, PAIRS);
    page_row("%s | %.2f | %.3g | %s | %s | %s | %s | %zu | %s", of->row, typical, median(own_steps, PAIRS),
             page_number("%.2f", median(other, PAIRS)), page_number("%.3g", median(steps, PAIRS)),
             page_number("%.1f", compiling), page_number("%.0f %%", 100 * median(looks, PAIRS)), of->every,
             page_number("**%.2f**", over));
    summary_note(of->row, SUMMARY_SECONDS, typical);
    summary_note(of->row, SUMMARY_JAX, over);
    for (size_t i = 0; i < 4; i++) {
        static const char *const files[] = {"x.npy", "y.npy", "w.npy", "run.json"};
        (void)snprintf(output, sizeof output, "%s/%s", folder, files[i]);
        (void)unlink(output);
    }
    (void)rmdir(folder);
}

static bool has_mnist(void)
{
    ch_image_pool pool;
    ch_error err = {0};
    const bool found =
        bench_with.data != NULL && ch_image_pool_init(&pool, CH_IMAGES_MNIST, bench_with.data, &err) == CH_OK;
    if (found) {
        ch_image_pool_free(&pool);
    }
    return found;
}

void bench_training(void)
{
    const training perceptron = {"perceptron to fitted, d = 32, P = 2¹², T = 2⁻⁷",
                                 {{"model", "perceptron"}, {"dim", "32"}, {"train", "4096"}, {"temp", "2^-7"}},
                                 32768};
    const training images = {"MLP to fitted, MNIST, P = 2¹³, T = 2⁻⁷",
                             {{"model", "mlp"},
                              {"data", "mnist_parity"},
                              {"data_dir", bench_with.data},
                              {"train", "8192"},
                              {"batch", "16"},
                              {"temp", "2^-7"}},
                             2048};
    const training vectors = {"MLP to fitted, 784 Gaussian inputs, P = 2¹³, T = 2⁻⁷",
                              {{"model", "mlp"}, {"dim", "784"}, {"train", "8192"}, {"batch", "16"}, {"temp", "2^-7"}},
                              2048};
    peer jax;
    const bool has_images = has_mnist();
    page_say(
        "From start to fitted on one core, seconds of processor time. Chiton's is that of the whole program, which "
        "reads "
        "or draws its data; JAX's that of its loop, compiled before (*compiling* counts in no ratio), data in memory. "
        "JAX looks at all samples after every so many steps (*look every*), a number near which the looks and the "
        "steps behind the last update cost least together. Same data and initial weights; batches, and so steps, are "
        "their own. Medians of %d pairs.",
        PAIRS);
    if (!has_images) {
        page_say(
            "MNIST is not here (`--data` or `CHITON_DATA` says where it is): Gaussian inputs of the same number take "
            "its place.");
    }
    peer_start(&jax, "jax_loop.py", "JAX");
    page_table("training | chiton, s | steps | JAX, s | steps | compiling, s | looks | look every | JAX over chiton");
    bench_one(&perceptron, &jax);
    bench_one(has_images ? &images : &vectors, &jax);
    peer_stop(&jax);
}
