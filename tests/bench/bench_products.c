/* bench_products.c — the matrix products of networks beside OpenBLAS, which is loaded where it is installed: those of a
 * step of the 784–128×5–1 multilayer perceptron, and a large square. Both read the same storage. */
#include "bench.h"

#define CH_REAL       float
#define CH_REAL_BYTES 4
#include "core/memory.h"
#include "models/network/products.inc.h"

#include <dlfcn.h>

/* C = A B of a layer: `is_by_columns` says that A is stored by columns. */
typedef struct {
    const char *name;
    size_t m, n, k;
    bool is_by_columns;
} product_shape;

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void (*sgemm_function)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                               const float *a, int row_a, const float *b, int row_b, float beta, float *c, int row_c);

/* OpenBLAS on one thread, or NULL. */
static sgemm_function find_sgemm(void)
{
    static const char *const files[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof files / sizeof *files && library == NULL; i++) {
        library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (library == NULL) {
        return NULL;
    }
    sgemm_function sgemm;
    void (*set_threads)(int);
    const char *(*config)(void);
    /* C has no conversion of a pointer to an object into one to a function; POSIX has them alike in memory */
    void *found = dlsym(library, "cblas_sgemm"), *threads = dlsym(library, "openblas_set_num_threads");
    void *about = dlsym(library, "openblas_get_config");
    memcpy(&sgemm, &found, sizeof sgemm);
    memcpy(&set_threads, &threads, sizeof set_threads);
    memcpy(&config, &about, sizeof config);
    if (set_threads != NULL) {
        set_threads(1);
    }
    if (config != NULL) {
        page_say("The library: %s.", config());
    }
    return sgemm;
}

typedef struct {
    real *a, *b, *c;
    sgemm_function sgemm;
} product_problem;

/* Seconds of a product, by chiton or by OpenBLAS. */
static double time_product(const product_problem *self, const product_shape *at, bool by_library, size_t repeats)
{
    const size_t a_row = at->is_by_columns ? at->m : at->k;
    const a_matrix a = {.at = self->a, .row = at->is_by_columns ? 1 : a_row, .column = at->is_by_columns ? a_row : 1};
    const double started = processor_time();
    for (size_t i = 0; i < repeats; i++) {
        if (by_library) {
            self->sgemm(ROW_MAJOR, at->is_by_columns ? TRANSPOSE : NO_TRANSPOSE, NO_TRANSPOSE, (int)at->m, (int)at->n,
                        (int)at->k, 1, self->a, (int)a_row, self->b, (int)at->n, 0, self->c, (int)at->n);
        } else {
            product(at->m, at->n, at->k, a, (b_matrix){.at = self->b, .row = at->n}, into(self->c, at->n));
        }
    }
    return (processor_time() - started) / (double)repeats;
}

static void bench_shape(const product_problem *self, const product_shape *at)
{
    enum { PAIRS = 15 };
    const double operations = (double)(at->m * at->n * at->k);
    const size_t repeats = 1 + (size_t)(1e8 / operations);
    double own[PAIRS], ratio[PAIRS], share[PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        own[i] = time_product(self, at, false, repeats);
        ratio[i] = self->sgemm == NULL ? (double)NAN : time_product(self, at, true, repeats) / own[i];
        share[i] = operations / own[i] / peak_rate();
    }
    const double typical = median(own, PAIRS);
    page_row("%s | %zu × %zu × %zu | %.1f | %.1f | %.0f | %s", at->name, at->m, at->n, at->k, 1e6 * typical,
             2e-9 * operations / typical, 100 * median(share, PAIRS), page_number("%.2f", median(ratio, PAIRS)));
}

void bench_products(void)
{
    enum { INPUTS = 784, WIDTH = 128, SQUARE = 1000 };
    static const size_t batches[] = {2, 16, 256};
    product_problem self = {.a = ch_alloc((size_t)SQUARE * SQUARE, sizeof(real)),
                            .b = ch_alloc((size_t)SQUARE * SQUARE, sizeof(real)),
                            .c = ch_alloc((size_t)SQUARE * SQUARE, sizeof(real))};
    if (self.a == NULL || self.b == NULL || self.c == NULL) {
        fputs("bench: no memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < (size_t)SQUARE * SQUARE; i++) {
        self.a[i] = (real)(i % 31) / 31;
        self.b[i] = (real)(i % 29) / 29;
    }
    page_say("Products C = A B of models/ in single precision, A of m × k and B of k × n numbers, one core: those of a "
             "step of the 784–128×5–1 multilayer perceptron, and a square. Medians of alternated pairs with OpenBLAS.");
    self.sgemm = find_sgemm();
    if (self.sgemm == NULL) {
        page_say("OpenBLAS is not here (Debian: libopenblas0): the products are not compared with it.");
    }
    page_table("product | m × n × k | µs | GFLOP/s | % of peak | OpenBLAS over chiton");
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        const size_t batch = batches[i];
        char names[5][64];
        const product_shape shapes[] = {
            {names[0], WIDTH, batch, INPUTS, false}, {names[1], WIDTH, batch, WIDTH, false},
            {names[2], WIDTH, batch, WIDTH, true},   {names[3], WIDTH, INPUTS, batch, true},
            {names[4], WIDTH, WIDTH, batch, true},
        };
        static const char *const what[] = {"first layer, forward", "hidden layer, forward", "hidden layer, backward",
                                           "first layer, change of weights", "hidden layer, change of weights"};
        for (size_t k = 0; k < 5; k++) {
            (void)snprintf(names[k], sizeof names[k], "%s, B = %zu", what[k], batch);
            bench_shape(&self, &shapes[k]);
        }
    }
    bench_shape(&self, &(product_shape){"square", SQUARE, SQUARE, SQUARE, false});
    free(self.a);
    free(self.b);
    free(self.c);
}
