/* layerwise.inc.h — layerwise tangent kernels in the precision CH_REAL; a template that layerwise_f32.c and
 * layerwise_f64.c include.
 *
 * Samples are stored in panels of PANEL samples: g [image weights][PANEL], then for each dense layer its inputs
 * a [fan_in][PANEL] and its derivatives D [out][PANEL]. A tile of the kernel belongs to two panels. Its sums are taken
 * in the same order whatever else is computed, so that a . a' = a' . a to the bit.
 */
#include "models/network/network.h"
#include "models/network/products.inc.h"
#include "models/tangent/layerwise.h"

#include "core/memory.h"
#include "models/network/activations.inc.h"
#include "models/network/transpose.inc.h"

#include <omp.h>
#include <stdlib.h>

#include "models/tangent/networks.inc.h" /* uses the headers above */

enum {
    PASS = 32,                                  /* samples that pass a network together */
    TILE = PANEL * PANEL,                       /* entries */
    ROWS = TILE_ROWS > 6 && PANEL >= 8 ? 8 : 4, /* rows of a tile whose sums are in registers together */
    PART = 8, /* tiles on a side of a thread's task, so that the tiles and one pair of panels fit the caches */
};
_Static_assert(PASS % PANEL == 0, "whole panels");

/* Samples whose g, a and D are in memory. */
typedef struct {
    size_t first, count; /* their indices among all rows or all columns */
    real *panels;        /* [panels][numbers][PANEL] */
} held;

typedef struct {
    const ch_kernel_task *task;
    bool is_symmetric;
    size_t image_weights; /* length of g */
    size_t numbers;       /* of a sample: length of g + inputs + outputs of every dense layer */
    size_t block;         /* samples in memory on a side of the kernel, whole panels */
    real *rows, *columns; /* [block][numbers] each; columns NULL where they are the rows, all of which are in memory */
    CH_NETWORK *networks; /* [threads] */
    real *gradients;      /* [threads][PASS][image_weights] */
    real *tiles;          /* [threads][PART x PART][TILE] */
    size_t stride;
    real *kernel;
} worker;

static bool is_stopped(const worker *self)
{
    return ch_watch_is_stopped(self->task->watch);
}

static size_t num_panels(size_t count)
{
    return (count + PANEL - 1) / PANEL;
}

/* ---- memory ---- */

static size_t numbers_of(const ch_architecture *architecture)
{
    size_t sum = ch_architecture_image_weights(architecture);
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        sum += layer->kind == CH_LAYER_DENSE ? layer->fan_in + layer->out.channels : 0;
    }
    return sum;
}

/* Chooses the block: all samples where rows and columns are the same and fit the bytes; else as many as fit twice. */
static void choose_block(worker *self)
{
    const ch_kernel_task *task = self->task;
    const size_t most = task->num_rows > task->num_columns ? task->num_rows : task->num_columns;
    const size_t panel = PANEL * self->numbers * sizeof(real), fit = task->bytes / panel;
    const bool is_one = self->is_symmetric && num_panels(most) <= fit;
    self->block = PANEL * ch_size_min(is_one ? fit : fit / 2, num_panels(most));
}

static ch_code worker_init(worker *self, const ch_kernel_task *task, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->task = task;
    self->is_symmetric = task->rows == task->columns && task->num_rows == task->num_columns;
    self->image_weights = ch_architecture_image_weights(task->architecture);
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
    const size_t threads = (size_t)task->threads;
    self->networks = ch_alloc(threads, sizeof *self->networks);
    self->gradients = ch_alloc_unset(threads * PASS * self->image_weights, sizeof *self->gradients);
    self->tiles = ch_alloc_unset(threads * PART * PART * TILE, sizeof *self->tiles);
    if (self->rows == NULL || (self->columns == NULL && !is_one) || self->networks == NULL || self->gradients == NULL ||
        self->tiles == NULL) {
        return ch_error_memory(err, "what the tangent kernel is made from: lower train or width");
    }
    return networks_init(self->networks, task, PASS, err);
}

static void worker_free(worker *self)
{
    networks_free(self->networks, self->task->threads);
    free(self->rows);
    free(self->columns);
    free(self->gradients);
    free(self->tiles);
}

/* ---- g, a and D ---- */

/* Stores a and D of all dense layers for panel p of the samples that passed the network, from the last layer to the
 * first: D_L = scale_L,   D_l = scale_l phi'(z_l) W_{l+1}^T D_{l+1}.
 * @param end  where the panel ends in memory */
static void make_dense(const CH_NETWORK *network, size_t p, real *end)
{
    const ch_architecture *architecture = network->architecture;
    const ch_layer *above = NULL;
    const real *derivatives_above = NULL;
    for (size_t l = architecture->num_layers; l-- > network->num_image_layers;) {
        const ch_layer *layer = &architecture->layers[l];
        const size_t in = layer->fan_in, out = layer->out.channels;
        real *derivatives = end - PANEL * out, *inputs = derivatives - PANEL * in;
        memcpy(inputs, network->panels[l] + p * PANEL * in, PANEL * in * sizeof *inputs);
        if (above != NULL) {
            product(out, PANEL, above->out.channels,
                    (a_matrix){.at = network->weights + above->weights, .row = 1, .column = out},
                    (b_matrix){.at = derivatives_above, .row = PANEL}, into(derivatives, PANEL));
        }
        for (size_t i = 0; i < PANEL && above == NULL; i++) { /* df/df of the output f, which is one number */
            derivatives[i] = 1;
        }
        if (layer->is_activated) {
            multiply_by_slope(architecture->spec.activation, layer->scale, network->before[l + 1] + p * PANEL * out,
                              derivatives, PANEL * out);
        }
        for (size_t i = 0; i < PANEL * out && !layer->is_activated; i++) {
            derivatives[i] *= (real)layer->scale;
        }
        above = layer;
        derivatives_above = derivatives;
        end = inputs;
    }
}

/* Fills the panels of `count` samples, at most PASS. The last sample is repeated to fill its panel. */
static void pass(const worker *self, const float *inputs, size_t count, real *panels)
{
    const size_t thread = (size_t)omp_get_thread_num(), num = num_panels(count), length = self->image_weights;
    CH_NETWORK *network = &self->networks[thread];
    real *gradients = self->gradients + thread * PASS * length;
    uint32_t index[PASS];
    real outputs[PASS];
    for (size_t s = 0; s < PASS; s++) {
        index[s] = (uint32_t)ch_size_min(s, count - 1);
    }
    CH_NETWORK_(forward)(network, inputs, index, num * PANEL, outputs);
    if (length > 0) {
        CH_NETWORK_(image_gradients)(network, gradients);
    }
    for (size_t p = 0; p < num; p++) {
        real *panel = panels + p * PANEL * self->numbers;
        transpose_to_lanes(gradients + p * PANEL * length, length, PANEL, length, panel, PANEL);
        make_dense(network, p, panel + PANEL * self->numbers);
    }
}

/* Fills the panels of all samples in memory.
 * @param inputs  of all rows, or of all columns */
static void make_panels(const worker *self, const float *inputs, const held *samples)
{
    const int threads = self->task->threads;
    const size_t dim = self->task->architecture->dim;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
    for (size_t first = 0; first < samples->count; first += PASS) {
        if (!is_stopped(self)) {
            pass(self, inputs + (samples->first + first) * dim, ch_size_min(samples->count - first, PASS),
                 samples->panels + first * self->numbers);
        }
    }
}

/* ---- tiles ---- */

/* A part of the kernel, the task of a thread: panels row … next_row of the rows and column … next_column of the
 * columns.
 */
typedef struct {
    const held *rows, *columns;
    size_t row, next_row, column, next_column;
    real *tiles; /* [row][column][TILE], PART in a row */
} part;

static inline real *tile_at(const part *here, size_t row, size_t column)
{
    return here->tiles + ((row - here->row) * PART + (column - here->column)) * TILE;
}

/* The end of the tiles of a column that are computed: where rows and columns are the same samples, those on and above
 * the diagonal. */
static inline size_t end_of_column(const part *here, size_t column)
{
    return here->rows->panels == here->columns->panels ? ch_size_min(here->next_row, column + 1) : here->next_row;
}

/* sums [ROWS][PANEL] (+)= sum over k of row[k][i] column[k][j] */
ALWAYS_INLINE void multiply_rows(const real *row, const real *column, size_t depth, bool add, real *sums)
{
    vector left[ROWS] = {0}, right[ROWS] = {0};
    for (size_t k = 0; k < depth; k++) {
        const vector column_left = load(column + k * PANEL), column_right = load(column + k * PANEL + LANES);
#pragma GCC unroll 8
        for (size_t i = 0; i < ROWS; i++) {
            left[i] += row[k * PANEL + i] * column_left;
            right[i] += row[k * PANEL + i] * column_right;
        }
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < ROWS; i++, sums += PANEL) {
        store(sums, add ? load(sums) + left[i] : left[i]);
        store(sums + LANES, add ? load(sums + LANES) + right[i] : right[i]);
    }
}

/* sums [TILE] (+)= the dot products between the samples of two panels, over `depth` numbers of each */
static void multiply_panels(const real *row, const real *column, size_t depth, bool add, real *sums)
{
    for (size_t k = 0; k < depth; k += DEPTH_BLOCK) {
        for (size_t i = 0; i < PANEL; i += ROWS) {
            multiply_rows(row + k * PANEL + i, column + k * PANEL, ch_size_min(depth - k, DEPTH_BLOCK), add || k > 0,
                          sums + i * PANEL);
        }
    }
}

/* tile += (a . a' + bias) (D . D') */
static void add_dense(const ch_layer *layer, const real *row, const real *column, real *sums)
{
    real inputs[TILE] __attribute__((aligned(CH_CACHE_LINE))),
        derivatives[TILE] __attribute__((aligned(CH_CACHE_LINE)));
    const size_t in = PANEL * layer->fan_in;
    const real bias = layer->has_bias ? 1 : 0;
    multiply_panels(row, column, layer->fan_in, false, inputs);
    multiply_panels(row + in, column + in, layer->out.channels, false, derivatives);
    for (size_t e = 0; e < TILE; e++) {
        sums[e] += (inputs[e] + bias) * derivatives[e];
    }
}

/* Adds to a part what the numbers from `at` on of every sample give: those of g, or of a dense layer.
 * @param layer  NULL: g, `depth` numbers of it */
static void add_numbers(const worker *self, const part *here, const ch_layer *layer, size_t at, size_t depth)
{
    for (size_t j = here->column; j < here->next_column && !is_stopped(self); j++) {
        const real *column = here->columns->panels + (j * self->numbers + at) * PANEL;
        for (size_t i = here->row; i < end_of_column(here, j); i++) {
            const real *row = here->rows->panels + (i * self->numbers + at) * PANEL;
            if (layer == NULL) {
                multiply_panels(row, column, depth, true, tile_at(here, i, j));
            } else {
                add_dense(layer, row, column, tile_at(here, i, j));
            }
        }
    }
}

static void make_tiles(const worker *self, const part *here)
{
    const ch_architecture *architecture = self->task->architecture;
    memset(here->tiles, 0, PART * PART * TILE * sizeof *here->tiles);
    for (size_t at = 0; at < self->image_weights; at += DEPTH_BLOCK) {
        add_numbers(self, here, NULL, at, ch_size_min(self->image_weights - at, DEPTH_BLOCK));
    }
    size_t at = self->image_weights;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        if (layer->kind == CH_LAYER_DENSE) {
            add_numbers(self, here, layer, at, 0);
            at += layer->fan_in + layer->out.channels;
        }
    }
}

/* Stores num_rows x num_columns entries of a tile into the kernel at (row, column).
 * @param mirrored  whether they are stored at (column, row) too */
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

static void put_tiles(const worker *self, const part *here)
{
    for (size_t j = here->column; j < here->next_column; j++) {
        for (size_t i = here->row; i < end_of_column(here, j); i++) {
            const bool is_diagonal = here->rows->panels == here->columns->panels && i == j;
            const size_t row = i * PANEL, column = j * PANEL;
            put_kernel(self, tile_at(here, i, j), here->rows->first + row, ch_size_min(here->rows->count - row, PANEL),
                       here->columns->first + column, ch_size_min(here->columns->count - column, PANEL),
                       self->is_symmetric && !is_diagonal);
        }
    }
}

static void multiply(const worker *self, const held *rows, const held *columns)
{
    const size_t row_panels = num_panels(rows->count), column_panels = num_panels(columns->count);
    const size_t across = (column_panels + PART - 1) / PART, parts = (row_panels + PART - 1) / PART * across;
    const int threads = self->task->threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
    for (size_t k = 0; k < parts; k++) {
        const size_t row = k / across * PART, column = k % across * PART;
        const part here = {
            .rows = rows,
            .columns = columns,
            .row = row,
            .next_row = ch_size_min(row + PART, row_panels),
            .column = column,
            .next_column = ch_size_min(column + PART, column_panels),
            .tiles = self->tiles + (size_t)omp_get_thread_num() * PART * PART * TILE,
        };
        if ((rows->panels != columns->panels || row <= column) && !is_stopped(self)) {
            make_tiles(self, &here);
            put_tiles(self, &here);
        }
    }
}

static void compute(const worker *self)
{
    const ch_kernel_task *task = self->task;
    for (size_t i = 0; i < task->num_rows && !is_stopped(self); i += self->block) {
        const held rows = {i, ch_size_min(task->num_rows - i, self->block), self->rows};
        make_panels(self, task->rows, &rows);
        if (self->is_symmetric) {
            multiply(self, &rows, &rows);
        }
        for (size_t j = self->is_symmetric ? i + self->block : 0; j < task->num_columns && !is_stopped(self);
             j += self->block) {
            const held columns = {j, ch_size_min(task->num_columns - j, self->block), self->columns};
            make_panels(self, task->columns, &columns);
            multiply(self, &rows, &columns);
        }
    }
}

ch_code CH_LAYERWISE_KERNEL(const ch_kernel_task *task, size_t stride, real *kernel, ch_error *err)
{
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
