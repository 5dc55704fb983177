/* kernel.inc.h — tangent kernel in the precision CH_REAL; a template that kernel_f32.c and kernel_f64.c include.
 *
 * K = G G'^T, where the rows of G [rows][N] and G' [columns][N] are gradients of samples. A block of rows of each is in
 * memory at a time. Every entry is a sum over the weights in their order, in chunks of DEPTH_BLOCK.
 */
#include "core/memory.h"
#include "models/network/products.inc.h"

#include <omp.h>
#include <stdlib.h>

#include "models/tangent/networks.inc.h" /* uses the headers above */

/* Samples that pass a thread's network together. */
enum { SAMPLES_AT_ONCE = 32 };

typedef struct {
    const ch_kernel_task *task;
    size_t num_weights;
    size_t block;         /* samples whose gradients are held, on either side */
    real *left, *right;   /* [block][num_weights] gradients of rows and of columns */
    CH_NETWORK *networks; /* [threads] */
    real *outputs;        /* [threads][SAMPLES_AT_ONCE] of the forward passes; not used */
} worker;

static bool is_stopped(const worker *self)
{
    return ch_watch_is_stopped(self->task->watch);
}

static ch_code worker_init(worker *self, const ch_kernel_task *task, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->task = task;
    self->num_weights = task->architecture->num_weights;
    const size_t pair = 2 * self->num_weights * sizeof(real);
    const size_t most = task->num_rows > task->num_columns ? task->num_rows : task->num_columns;
    self->block = ch_size_min(task->bytes / pair, most);
    if (self->block == 0) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "the tangent kernel may use %zu bytes; it needs %zu or more, for two gradients of this network",
            task->bytes, pair);
    }
    self->left = ch_alloc_unset(self->block * self->num_weights, sizeof *self->left);
    self->right = ch_alloc_unset(self->block * self->num_weights, sizeof *self->right);
    self->outputs = ch_alloc((size_t)task->threads * SAMPLES_AT_ONCE, sizeof *self->outputs);
    self->networks = ch_alloc((size_t)task->threads, sizeof *self->networks);
    if (self->left == NULL || self->right == NULL || self->outputs == NULL || self->networks == NULL) {
        return ch_error_memory(err, "the tangent kernel's gradients");
    }
    return networks_init(self->networks, task, SAMPLES_AT_ONCE, err);
}

static void worker_free(worker *self)
{
    networks_free(self->networks, self->task->threads);
    free(self->left);
    free(self->right);
    free(self->outputs);
}

/* gradients [count][num_weights] of some inputs */
static void make_gradients(worker *self, const float *inputs, size_t count, real *gradients)
{
    const size_t dim = self->task->architecture->dim;
    const int threads = self->task->threads;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t first = 0; first < count; first += SAMPLES_AT_ONCE) {
        if (is_stopped(self)) {
            continue;
        }
        const int thread = omp_get_thread_num();
        CH_NETWORK_(forward)
        (&self->networks[thread], inputs + first * dim, NULL, ch_size_min(count - first, SAMPLES_AT_ONCE),
         self->outputs + thread * SAMPLES_AT_ONCE);
        CH_NETWORK_(sample_gradients)(&self->networks[thread], gradients + first * self->num_weights);
    }
}

/* Copies `width` rows of gradients, `depth` weights from weight k on, to packed [depth][PANEL]. */
static void pack_panel(const worker *self, size_t column, size_t width, size_t k, size_t depth, real *packed)
{
    for (size_t j = 0; j < PANEL; j++) {
        const real *from = self->right + (column + j) * self->num_weights + k;
        for (size_t i = 0; i < depth; i++) {
            packed[i * PANEL + j] = j < width ? from[i] : 0;
        }
    }
}

/* Computes some rows of a block of the kernel.
 * @param kernel  out: their first entry */
static void multiply_rows(const worker *self, size_t row, size_t num_rows, size_t num_columns, real *kernel)
{
    real packed[DEPTH_BLOCK * PANEL] __attribute__((aligned(CH_CACHE_LINE)));
    const size_t size = self->num_weights;
    for (size_t k = 0; k < size && !is_stopped(self); k += DEPTH_BLOCK) {
        const size_t depth = ch_size_min(size - k, DEPTH_BLOCK);
        for (size_t j = 0; j < num_columns; j += PANEL) {
            const size_t width = ch_size_min(num_columns - j, PANEL);
            const c_matrix to = {.values = kernel + j, .row = self->task->num_columns, .add = k > 0};
            pack_panel(self, j, width, k, depth, packed);
            product(num_rows, width, depth, (a_matrix){.at = self->left + row * size + k, .row = size, .column = 1},
                    (b_matrix){.at = packed, .row = PANEL}, to);
        }
    }
}

/* Computes the block of the kernel that belongs to the gradients in memory.
 * @param kernel  out: its first entry */
static void multiply_block(const worker *self, size_t num_rows, size_t num_columns, real *kernel)
{
    const int threads = self->task->threads;
    const size_t share = (num_rows + (size_t)threads - 1) / (size_t)threads;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t row = 0; row < num_rows; row += share) {
        multiply_rows(self, row, ch_size_min(num_rows - row, share), num_columns,
                      kernel + row * self->task->num_columns);
    }
}

/* Copies the half above the diagonal to that under it. */
static void mirror(real *kernel, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < i; j++) {
            kernel[i * size + j] = kernel[j * size + i];
        }
    }
}

static void compute_blocks(worker *self, bool is_symmetric, real *kernel)
{
    const ch_kernel_task *task = self->task;
    const size_t dim = task->architecture->dim;
    for (size_t i = 0; i < task->num_rows && !is_stopped(self); i += self->block) {
        const size_t num_rows = ch_size_min(task->num_rows - i, self->block);
        make_gradients(self, task->rows + i * dim, num_rows, self->left);
        for (size_t j = is_symmetric ? i : 0; j < task->num_columns && !is_stopped(self); j += self->block) {
            const size_t num_columns = ch_size_min(task->num_columns - j, self->block);
            make_gradients(self, task->columns + j * dim, num_columns, self->right);
            multiply_block(self, num_rows, num_columns, kernel + i * task->num_columns + j);
        }
    }
    if (is_symmetric) {
        mirror(kernel, task->num_rows);
    }
}

ch_code CH_KERNEL_COMPUTE(const ch_kernel_task *task, real *kernel, ch_error *err)
{
    worker self;
    ch_code code = worker_init(&self, task, err);
    if (code != CH_OK) {
        goto out;
    }
    compute_blocks(&self, task->rows == task->columns && task->num_rows == task->num_columns, kernel);
    if (is_stopped(&self)) {
        code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the tangent kernel was computed");
    }
out:
    worker_free(&self);
    return code;
}
