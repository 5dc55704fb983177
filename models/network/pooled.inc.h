/* pooled.inc.h — a convolution that a pool follows, in either precision; part of network.inc.h: its backward pass, and
 * its values at some of its pixels alone.
 *
 * Of the 2 x 2 pixels that a pool takes the largest of, only the winner, the pixel with the largest value, has a
 * derivative. It is 0 where relu gives 0. Sums are therefore taken over the winners whose derivative is not 0, image by
 * image and channel by channel. Such a convolution is 5 x 5 or 3 x 3 and has stride 1. A cell is a pixel of the pool's
 * output. Images and delta are those of filters.inc.h.
 */

/* Memory for one image. */
typedef struct {
    real *padded;    /* the image with zeros around it */
    uint32_t *which; /* [cell][channel] the winner's index among the 2 x 2 pixels, row by row: 0 to 3 */
    real *picked;    /* [cell][channel] values of the winners before the activation, where these are kept apart */
    size_t *places;  /* [cell] where the fields of view of a channel's winners start in the padded image */
    real *deltas;    /* [cell] derivatives by a channel's winners */
} pooled_scratch;

/* Finds the winners: the first pixel that has the largest value. Where a NaN is the largest, the last pixel there is.
 * @param in, out  input and output of the pool */
static void find_winners(const ch_layer *pool, const real *in, const real *restrict out, uint32_t *restrict which)
{
    const size_t channels = pool->in.channels;
    for (size_t i = 0; i < pool->out.rows; i++) {
        for (size_t j = 0; j < pool->out.columns; j++, out += channels, which += channels) {
            const quad at = quad_of(pool, i, j);
            const real *x = in + at.first;
            const uint32_t last = (at.across > 0 ? 1U : 0U) + (at.down > 0 ? 2U : 0U);
            if (2 * i + 3 < pool->in.rows) { /* the next two rows have left the caches while other images passed */
                fetch_ahead(x + 2 * at.down, (channels + at.across) * sizeof *x);
                fetch_ahead(x + 3 * at.down, (channels + at.across) * sizeof *x);
            }
            for (size_t c = 0; c < channels; c++) {
                const real first = x[c], second = x[at.across + c], third = x[at.down + c];
                uint32_t found = third == out[c] ? 2 : last;
                found = second == out[c] ? 1 : found;
                which[c] = first == out[c] ? 0 : found;
            }
        }
    }
}

/* picked = the numbers of the winners in in [pixel][channel] */
static void pick_winners(const ch_layer *pool, const uint32_t *which, const real *in, real *picked)
{
    const size_t channels = pool->in.channels;
    for (size_t i = 0; i < pool->out.rows; i++) {
        for (size_t j = 0; j < pool->out.columns; j++, which += channels, picked += channels) {
            const quad at = quad_of(pool, i, j);
            const size_t steps[] = {0, at.across, at.down, at.down + at.across};
            for (size_t c = 0; c < channels; c++) {
                picked[c] = in[at.first + steps[which[c]] + c];
            }
        }
    }
}

/* Lists the winners of a channel whose delta is not 0, cell by cell. Every winner is written, and one with delta = 0 is
 * overwritten by the next: a branch would often be predicted wrongly.
 * @param which, delta  the channel's entries of the first cell
 * @return the number of winners */
static size_t list_winners(const ch_layer *pool, const image_frame *frame, size_t in_channels,
                           const uint32_t *restrict which, const real *restrict delta, size_t *restrict places,
                           real *restrict deltas)
{
    const size_t channels = pool->in.channels, line = frame->columns * in_channels;
    const size_t steps[] = {0, in_channels, line, line + in_channels};
    size_t num = 0;
    for (size_t i = 0; i < pool->out.rows; i++) {
        size_t place = 2 * i * line;
        for (size_t j = 0; j < pool->out.columns; j++, which += channels, delta += channels) {
            places[num] = place + steps[*which];
            deltas[num] = *delta;
            num += *delta != 0 ? 1 : 0;
            place += 2 * in_channels;
        }
    }
    return num;
}

/* ---- fields of view ----
 *
 * Some vectors of each row of a field of view stay in registers while all winners of a channel are taken.
 */

enum {
    MOST_FIELD = TILE_ROWS > 6 ? 25 : 12, /* vectors of a field that the registers hold */
    MOST_RUN = MOST_FIELD / 3,            /* of them in one row */
    MOST_KERNEL = 5
};

/* The winners of a channel and the shape of their fields of view. */
typedef struct {
    const size_t *places; /* [num] */
    const real *deltas;   /* [num] */
    size_t num;
    size_t run;  /* numbers of a row of a field: the distance from row to row in the weights */
    size_t line; /* numbers of a row of the padded image: the distance from row to row there */
} field_sum;

/* change [row][width] += sum over winners of delta x [row][width]. rows and vectors are compile-time constants. */
ALWAYS_INLINE void sum_fields(size_t rows, size_t vectors, const field_sum *over, const real *padded, real *change,
                              size_t width)
{
    vector sums[MOST_KERNEL][MOST_RUN] = {0};
    for (size_t k = 0; k < over->num; k++) {
        const real *x = padded + over->places[k], delta = over->deltas[k];
#pragma GCC unroll 5
        for (size_t r = 0; r < rows; r++, x += over->line) {
            HIDE(x);
#pragma GCC unroll 8
            for (size_t v = 0; v < vectors; v++) {
                sums[r][v] += delta * load(x + v * LANES);
            }
        }
    }
#pragma GCC unroll 5
    for (size_t r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++) {
            real *to = change + r * over->run + v * LANES;
            store_some(to, load_some(to, width - v * LANES) + sums[r][v], width - v * LANES);
        }
    }
}

/* padded [row][width] += delta w [row][width] for all winners. Zeros are added to the rest of the last vector. */
ALWAYS_INLINE void spread_fields(size_t rows, size_t vectors, const field_sum *over, const real *weights, real *padded,
                                 size_t width)
{
    vector w[MOST_KERNEL][MOST_RUN] = {0};
#pragma GCC unroll 5
    for (size_t r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++) {
            w[r][v] = load_some(weights + r * over->run + v * LANES, width - v * LANES);
        }
    }
    for (size_t k = 0; k < over->num; k++) {
        real *to = padded + over->places[k];
        const real delta = over->deltas[k];
#pragma GCC unroll 5
        for (size_t r = 0; r < rows; r++, to += over->line) {
            HIDE(to);
#pragma GCC unroll 8
            for (size_t v = 0; v < vectors; v++) {
                store(to + v * LANES, load(to + v * LANES) + delta * w[r][v]);
            }
        }
    }
}

#define FIELD_CASE(rows, vectors)                                                                                      \
    case vectors:                                                                                                      \
        if (is_spread) {                                                                                               \
            spread_fields(rows, vectors, over, from, to, width);                                                       \
        } else {                                                                                                       \
            sum_fields(rows, vectors, over, from, to, width);                                                          \
        }                                                                                                              \
        break;

/* Takes `width` numbers of each row of the fields. is_spread is a compile-time constant. */
ALWAYS_INLINE void field_block(bool is_spread, size_t kernel, const field_sum *over, const real *from, real *to,
                               size_t width)
{
    const size_t vectors = (width + LANES - 1) / LANES;
    if (kernel == 5) {
        switch (vectors) {
            FIELD_CASE(5, 1)
            FIELD_CASE(5, 2)
#if TILE_ROWS > 6
            FIELD_CASE(5, 3)
            FIELD_CASE(5, 4)
            FIELD_CASE(5, 5)
#endif
        }
        return;
    }
    switch (vectors) {
        FIELD_CASE(3, 1)
        FIELD_CASE(3, 2)
        FIELD_CASE(3, 3)
        FIELD_CASE(3, 4)
#if TILE_ROWS > 6
        FIELD_CASE(3, 5)
        FIELD_CASE(3, 6)
        FIELD_CASE(3, 7)
        FIELD_CASE(3, 8)
#endif
    }
}

/* Takes whole rows of the fields, in blocks of nearly equal width. */
ALWAYS_INLINE void all_fields(bool is_spread, size_t kernel, const field_sum *over, const real *from, real *to)
{
    const size_t most = MOST_FIELD / kernel, vectors = (over->run + LANES - 1) / LANES;
    const size_t num_blocks = (vectors + most - 1) / most;
    for (size_t b = 0; b < num_blocks; b++) {
        const size_t first = b * vectors / num_blocks * LANES, next = (b + 1) * vectors / num_blocks * LANES;
        field_block(is_spread, kernel, over, from + first, to + first, ch_size_min(over->run, next) - first);
    }
}

/* change [out][fan_in] += delta^T fields of view, for one image with delta [cell][out] */
static void pooled_change(const ch_layer *layer, const ch_layer *pool, const pooled_scratch *scratch, const real *in,
                          const real *delta, real *change)
{
    const image_frame frame = input_frame(layer);
    const size_t channels = layer->in.channels;
    field_sum over = {scratch->places, scratch->deltas, 0, layer->kernel * channels, frame.columns * channels};
    pad_images(&frame, layer->in, in, scratch->padded, 1);
    for (size_t o = 0; o < layer->out.channels; o++) {
        over.num =
            list_winners(pool, &frame, channels, scratch->which + o, delta + o, scratch->places, scratch->deltas);
        all_fields(false, layer->kernel, &over, scratch->padded, change + o * layer->fan_in);
    }
}

/* gradient [pixel][in] = sum over the fields of view that contain the pixel of delta times the weight there, for one
 * image */
static void pooled_below(const ch_layer *layer, const ch_layer *pool, const real *weights,
                         const pooled_scratch *scratch, const real *delta, real *gradient)
{
    const image_frame frame = input_frame(layer);
    const size_t channels = layer->in.channels, line = frame.columns * channels, row = layer->in.columns * channels;
    field_sum over = {scratch->places, scratch->deltas, 0, layer->kernel * channels, line};
    memset(scratch->padded, 0, frame.rows * line * sizeof *scratch->padded);
    for (size_t o = 0; o < layer->out.channels; o++) {
        over.num =
            list_winners(pool, &frame, channels, scratch->which + o, delta + o, scratch->places, scratch->deltas);
        all_fields(true, layer->kernel, &over, weights + o * layer->fan_in, scratch->padded);
    }
    const real *inside = scratch->padded + frame.pad_row * line + frame.pad_column * channels;
    for (size_t i = 0; i < layer->in.rows; i++) {
        memcpy(gradient + i * row, inside + i * line, row * sizeof *gradient);
    }
}

/* ---- values at the winners alone ---- */

enum { TOGETHER = 4 }; /* winners that a vector of weights is used for while it is in a register */

/* dots [some] = weights . field of view of each of the winners, apart for each lane. some and kernel are compile-time
 * constants.
 * @param ends  [kernel] the rest of each row of the weights that fills no vector, with zeros behind it */
ALWAYS_INLINE void dot_fields(size_t some, size_t kernel, const field_sum *over, const size_t *places,
                              const real *weights, const vector *ends, const real *padded, vector *dots)
{
    const size_t whole = over->run / LANES * LANES;
    vector sums[TOGETHER] = {{0}};
    for (size_t r = 0; r < kernel; r++) {
        const real *w = weights + r * over->run, *x = padded + r * over->line;
        for (size_t i = 0; i < whole; i += LANES) {
            const vector here = load(w + i);
#pragma GCC unroll 4
            for (size_t k = 0; k < some; k++) {
                sums[k] += here * load(x + places[k] + i);
            }
        }
        if (whole < over->run) {
#pragma GCC unroll 4
            for (size_t k = 0; k < some; k++) {
                sums[k] += ends[r] * load(x + places[k] + whole);
            }
        }
    }
#pragma GCC unroll 4
    for (size_t k = 0; k < some; k++) {
        dots[k] = sums[k];
    }
}

/* sums [over->num] = weights . field of view of each of the winners of a channel. The lanes of LANES winners are added
 * together, from the first to the last. */
ALWAYS_INLINE void dot_all(size_t kernel, const field_sum *over, const real *weights, const real *padded, real *sums)
{
    const size_t whole = over->run / LANES * LANES;
    vector ends[MOST_KERNEL] = {{0}};
    for (size_t r = 0; r < kernel && whole < over->run; r++) {
        ends[r] = load_some(weights + r * over->run + whole, over->run - whole);
    }
    for (size_t first = 0; first < over->num; first += LANES) {
        const size_t *places = over->places + first, some = ch_size_min(over->num - first, LANES);
        vector dots[LANES] = {{0}};
        size_t k = 0;
        for (; k + TOGETHER <= some; k += TOGETHER) {
            dot_fields(TOGETHER, kernel, over, places + k, weights, ends, padded, dots + k);
        }
        for (; k < some; k++) {
            dot_fields(1, kernel, over, places + k, weights, ends, padded, dots + k);
        }
        transpose_vectors(dots);
        vector sum = dots[0];
        for (size_t lane = 1; lane < LANES; lane++) {
            sum += dots[lane];
        }
        store_some(sums + first, sum, some);
    }
}

/* values [cell][out] += weights . fields of view of the winners whose slope is not 0, for one image.
 * @param slopes  [cell][out] */
static void pooled_forward(const ch_layer *layer, const ch_layer *pool, const real *weights,
                           const pooled_scratch *scratch, const real *in, const real *slopes, real *values)
{
    const image_frame frame = input_frame(layer);
    const size_t channels = layer->in.channels, out = layer->out.channels, cells = num_pixels(pool->out);
    field_sum over = {scratch->places, NULL, 0, layer->kernel * channels, frame.columns * channels};
    pad_images(&frame, layer->in, in, scratch->padded, 1);
    /* vectors reach beyond the last field, where zeros are multiplied with what is there */
    memset(scratch->padded + frame.rows * over.line, 0, LANES * sizeof *scratch->padded);
    for (size_t o = 0; o < out; o++) {
        real *sums = scratch->deltas;
        over.num = list_winners(pool, &frame, channels, scratch->which + o, slopes + o, scratch->places, sums);
        if (layer->kernel == MOST_KERNEL) {
            dot_all(MOST_KERNEL, &over, weights + o * layer->fan_in, scratch->padded, sums);
        } else {
            dot_all(3, &over, weights + o * layer->fan_in, scratch->padded, sums);
        }
        for (size_t cell = 0; cell < cells; cell++) {
            values[cell * out + o] += slopes[cell * out + o] != 0 ? *sums++ : 0;
        }
    }
}
