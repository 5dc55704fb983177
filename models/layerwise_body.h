/* layerwise_body.h — layerwise tangent kernels in the precision CH_REAL; included by layerwise_f32.c and _f64.c.
 *
 * Samples are kept in panels of PANEL: for each layer its inputs a [fan_in][PANEL], then its derivatives D
 * [out][PANEL]. A tile of the kernel is that of two panels. Its sums are taken in the same order whatever else is
 * computed, and a . a' = a' . a to the bit.
 */
#include "models/layerwise.h"
#include "models/network.h"
#include "models/product.h"

#include "models/activations.h"

#include <omp.h>
#include <stdlib.h>

enum {
    PASS = 128,           /* samples that pass a network together */
    TILES = 8,            /* of a column, made together: the column's panel stays in the caches */
    COLUMNS = 16,         /* columns of tiles of a task for one thread */
    TILE = PANEL * PANEL, /* entries */
};
_Static_assert(PASS % PANEL == 0, "whole panels");

/* Samples whose inputs and derivatives are held. */
typedef struct {
    size_t first, count; /* which, of all rows or of all columns */
    real *panels;        /* [panels][numbers][PANEL] */
} held;

typedef struct {
    const ch_kernel_task *task;
    bool is_symmetric;
    size_t numbers;       /* sum over layers of inputs and outputs: what a sample takes */
    size_t block;         /* samples that are held on a side, whole panels */
    real *rows, *columns; /* [block][numbers] each; columns NULL where all rows are held, and columns are the same */
    CH_NETWORK *networks; /* [threads] */
    size_t stride;
    real *kernel;
} worker;

static bool is_stopped(const worker *self)
{
    return self->task->stop != NULL && *self->task->stop;
}

static size_t num_panels(size_t count)
{
    return (count + PANEL - 1) / PANEL;
}

/* ---- memory ---- */

static size_t numbers_of(const ch_architecture *architecture)
{
    size_t sum = 0;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        sum += architecture->layers[l].fan_in + architecture->layers[l].out.channels;
    }
    return sum;
}

/* All samples where they are rows and columns in one and fit; else as many as fit, twice. */
static void choose_block(worker *self)
{
    const ch_kernel_task *task = self->task;
    const size_t most = task->num_rows > task->num_columns ? task->num_rows : task->num_columns;
    const size_t panel = PANEL * self->numbers * sizeof(real), fit = task->bytes / panel;
    const bool is_one = self->is_symmetric && num_panels(most) <= fit;
    self->block = PANEL * at_most(is_one ? fit : fit / 2, num_panels(most));
}

static ch_code worker_init(worker *self, const ch_kernel_task *task, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->task = task;
    self->is_symmetric = task->rows == task->columns && task->num_rows == task->num_columns;
    self->numbers = numbers_of(task->architecture);
    choose_block(self);
    if (self->block == 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "the tangent kernel may use %zu bytes; this network needs %zu or more",
                            task->bytes, 2 * PANEL * self->numbers * sizeof(real));
    }
    const size_t bytes = self->block * self->numbers * sizeof(real);
    const bool is_one = self->is_symmetric && self->block >= task->num_rows;
    self->rows = ch_alloc_rows(bytes);
    self->columns = is_one ? NULL : ch_alloc_rows(bytes);
    self->networks = ch_alloc((size_t)task->threads, sizeof *self->networks);
    if (self->rows == NULL || (self->columns == NULL && !is_one) || self->networks == NULL) {
        return ch_error_memory(err, "the activations that make the tangent kernel: lower train or width");
    }
    for (int i = 0; i < task->threads; i++) {
        const ch_code code = CH_NETWORK_(init)(&self->networks[i], task->architecture, PASS, err);
        if (code != CH_OK) {
            return code;
        }
        CH_NETWORK_(set_weights)(&self->networks[i], task->weights);
    }
    return CH_OK;
}

static void worker_free(worker *self)
{
    for (int i = 0; self->networks != NULL && i < self->task->threads; i++) {
        CH_NETWORK_(free)(&self->networks[i]);
    }
    free(self->rows);
    free(self->columns);
    free(self->networks);
}

/* ---- a and D ---- */

/* D_L = scale_L, and D_l = scale_l phi'(z_l) W_{l+1}^T D_{l+1}, of the p-th panel of the samples that passed.
 * panel: out, of all layers */
static void make_panel(const CH_NETWORK *network, size_t p, real *panel)
{
    const ch_architecture *architecture = network->architecture;
    const ch_layer *above = NULL;
    const real *derivatives_above = NULL;
    real *end = panel + PANEL * numbers_of(architecture);
    for (size_t l = architecture->num_layers; l-- > 0;) {
        const ch_layer *layer = &architecture->layers[l];
        const size_t in = layer->fan_in, out = layer->out.channels;
        real *derivatives = end - PANEL * out, *inputs = derivatives - PANEL * in;
        memcpy(inputs, network->panels[l] + p * PANEL * in, PANEL * in * sizeof *inputs);
        if (above != NULL) {
            product(out, PANEL, above->out.channels, (matrix){network->weights + above->weights, 1, out},
                    derivatives_above, PANEL, into(derivatives, PANEL));
        }
        if (layer->is_activated) {
            multiply_by_slope(architecture->spec.activation, 1, network->before[l + 1] + p * PANEL * out, derivatives,
                              PANEL * out);
        }
        for (size_t i = 0; i < PANEL * out; i++) {
            derivatives[i] = (real)layer->scale * (above != NULL ? derivatives[i] : 1);
        }
        above = layer;
        derivatives_above = derivatives;
        end = inputs;
    }
}

/* inputs: of all rows, or of all columns */
static void make_panels(worker *self, const float *inputs, held *samples)
{
    const int threads = self->task->threads;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t first = 0; first < samples->count; first += PASS) {
        if (is_stopped(self)) {
            continue;
        }
        CH_NETWORK *network = &self->networks[omp_get_thread_num()];
        const size_t count = at_most(samples->count - first, PASS);
        uint32_t index[PASS]; /* whole panels: the last sample stands for those that there are not */
        real outputs[PASS];
        for (size_t s = 0; s < PASS; s++) {
            index[s] = (uint32_t)at_most(s, count - 1);
        }
        CH_NETWORK_(forward)
        (network, inputs + (samples->first + first) * self->task->architecture->dim, index, num_panels(count) * PANEL,
         outputs);
        for (size_t p = 0; p < num_panels(count); p++) {
            make_panel(network, p, samples->panels + (first + p * PANEL) * self->numbers);
        }
    }
}

/* ---- tiles ---- */

/* tiles [num][TILE] = the kernel of `num` panels of rows, one after the other, and a panel of columns */
static void make_tiles(const worker *self, const real *rows, size_t num, const real *columns, real *tiles)
{
    real inputs[TILE] __attribute__((aligned(CH_CACHE_LINE))),
        derivatives[TILE] __attribute__((aligned(CH_CACHE_LINE)));
    const ch_architecture *architecture = self->task->architecture;
    memset(tiles, 0, num * TILE * sizeof *tiles);
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const size_t in = architecture->layers[l].fan_in, out = architecture->layers[l].out.channels;
        const real bias = architecture->layers[l].has_bias ? 1 : 0;
        for (size_t t = 0; t < num; t++) {
            const real *a = rows + t * PANEL * self->numbers, *d = a + PANEL * in;
            real *tile_sums = tiles + t * TILE;
            product(PANEL, PANEL, in, (matrix){a, 1, PANEL}, columns, PANEL, into(inputs, PANEL));
            product(PANEL, PANEL, out, (matrix){d, 1, PANEL}, columns + PANEL * in, PANEL, into(derivatives, PANEL));
            for (size_t e = 0; e < TILE; e++) {
                tile_sums[e] += (inputs[e] + bias) * derivatives[e];
            }
        }
        rows += PANEL * (in + out);
        columns += PANEL * (in + out);
    }
}

/* A tile, of which num_rows x num_columns entries count, into the kernel at (row, column); mirrored: also at
 * (column, row) */
static void put_kernel(const worker *self, const real *sums, size_t row, size_t num_rows, size_t column,
                       size_t num_columns, bool mirrored)
{
    for (size_t i = 0; i < num_rows; i++) {
        memcpy(self->kernel + (row + i) * self->stride + column, sums + i * PANEL, num_columns * sizeof *sums);
    }
    for (size_t j = 0; j < num_columns && mirrored; j++) {
        for (size_t i = 0; i < num_rows; i++) {
            self->kernel[(column + j) * self->stride + row + i] = sums[i * PANEL + j];
        }
    }
}

/* Panels row … next_row against column … next_column: of the half over the diagonal where both are the same samples. */
static void multiply_part(const worker *self, const held *rows, size_t row, size_t next_row, const held *columns,
                          size_t column, size_t next_column)
{
    real tiles[TILES * TILE] __attribute__((aligned(CH_CACHE_LINE)));
    const bool are_same = rows->panels == columns->panels;
    for (; column < next_column && !is_stopped(self); column++) {
        const size_t num = are_same && column < next_row ? column + 1 - at_most(row, column + 1) : next_row - row;
        make_tiles(self, rows->panels + row * PANEL * self->numbers, num,
                   columns->panels + column * PANEL * self->numbers, tiles);
        for (size_t t = 0; t < num; t++) {
            const size_t i = (row + t) * PANEL, j = column * PANEL;
            put_kernel(self, tiles + t * TILE, rows->first + i, at_most(rows->count - i, PANEL), columns->first + j,
                       at_most(columns->count - j, PANEL), self->is_symmetric && !(are_same && row + t == column));
        }
    }
}

static void multiply(const worker *self, const held *rows, const held *columns)
{
    const size_t row_panels = num_panels(rows->count), column_panels = num_panels(columns->count);
    const size_t across = (column_panels + COLUMNS - 1) / COLUMNS;
    const size_t parts = (row_panels + TILES - 1) / TILES * across;
    const int threads = self->task->threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
    for (size_t k = 0; k < parts; k++) {
        const size_t row = k / across * TILES, column = k % across * COLUMNS;
        multiply_part(self, rows, row, row + at_most(row_panels - row, TILES), columns, column,
                      column + at_most(column_panels - column, COLUMNS));
    }
}

static void compute(worker *self)
{
    const ch_kernel_task *task = self->task;
    for (size_t i = 0; i < task->num_rows && !is_stopped(self); i += self->block) {
        held rows = {i, at_most(task->num_rows - i, self->block), self->rows};
        make_panels(self, task->rows, &rows);
        if (self->is_symmetric) {
            multiply(self, &rows, &rows);
        }
        for (size_t j = self->is_symmetric ? i + self->block : 0; j < task->num_columns && !is_stopped(self);
             j += self->block) {
            held columns = {j, at_most(task->num_columns - j, self->block), self->columns};
            make_panels(self, task->columns, &columns);
            multiply(self, &rows, &columns);
        }
    }
}

ch_code CH_LAYERWISE_KERNEL(const ch_kernel_task *task, size_t stride, real *kernel, ch_error *err)
{
    if (!ch_layerwise_can(task->architecture)) {
        return ch_error_set(err, CH_ERROR_INPUT, "model %s has layers that are not dense; accepted are mlp, mlp_bias",
                            ch_arch_name(task->architecture->spec.arch));
    }
    worker self;
    ch_code code = worker_init(&self, task, err);
    if (code != CH_OK) {
        goto out;
    }
    self.stride = stride;
    self.kernel = kernel;
    compute(&self);
    if (is_stopped(&self)) {
        code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the tangent kernel was computed");
    }
out:
    worker_free(&self);
    return code;
}
