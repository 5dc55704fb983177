/* depthwise.inc.h — convolutions of each channel by itself, in either precision; part of network.inc.h. Images and
 * delta are those of filters.inc.h.
 *
 * Sums of a few vectors of channels stay in registers, over all taps of some pixels or over all pixels of some taps.
 */

enum {
    DEPTHWISE_KERNEL = 5,
    MOST_TAPS = DEPTHWISE_KERNEL * DEPTHWISE_KERNEL,
    PIXELS_TOGETHER = 4, /* neighbouring pixels that are summed together, so that each weight is loaded once for them */
    MOST_VECTORS = 4, /* vectors of channels that are summed together: of one pixel; half as many of several pixels */
    ROWS_TOGETHER = TILE_ROWS > 6 ? DEPTHWISE_KERNEL : 2 /* rows of taps whose sums the registers hold */
};

/* Where a term of a pixel's sum finds its factors: the place of the weight and of the number, of the first channel. */
typedef struct {
    size_t weight, number;
} tap;

/* Sums over the same taps for neighbouring pixels, whose places are `step` apart among the numbers, and to_step in the
 * result. */
typedef struct {
    tap taps[MOST_TAPS];
    size_t num_taps, step, to_step;
} tap_sum;

/* to [pixel][channel] = sum over taps, for `vectors` x LANES channels from c on. `pixels` and `vectors` are
 * compile-time constants. */
ALWAYS_INLINE void sum_taps(size_t pixels, size_t vectors, const tap_sum *over, const real *weights,
                            const real *numbers, real *to, size_t c)
{
    vector sums[PIXELS_TOGETHER][MOST_VECTORS] = {{{0}}};
    for (size_t t = 0; t < over->num_taps; t++) {
        const real *w = weights + over->taps[t].weight + c, *x = numbers + over->taps[t].number + c;
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) {
            vector here = load(w + v * LANES);
            KEEP(here);
#pragma GCC unroll 4
            for (size_t j = 0; j < pixels; j++) {
                sums[j][v] += here * load(x + j * over->step + v * LANES);
            }
        }
    }
#pragma GCC unroll 4
    for (size_t j = 0; j < pixels; j++) {
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) {
            store(to + j * over->to_step + c + v * LANES, sums[j][v]);
        }
    }
}

/* The same of all channels. `pixels` is a compile-time constant. */
ALWAYS_INLINE void sum_channels(size_t pixels, const tap_sum *over, const real *weights, const real *numbers, real *to,
                                size_t channels)
{
    const size_t vectors = pixels > 1 ? MOST_VECTORS / 2 : MOST_VECTORS;
    size_t c = 0;
    for (; c + vectors * LANES <= channels; c += vectors * LANES) {
        sum_taps(pixels, vectors, over, weights, numbers, to, c);
    }
    for (; c + LANES <= channels; c += LANES) {
        sum_taps(pixels, 1, over, weights, numbers, to, c);
    }
    if (c < channels && channels >= LANES) { /* the last vector ends with the last channel and repeats some */
        sum_taps(pixels, 1, over, weights, numbers, to, channels - LANES);
        return;
    }
    for (; c < channels; c++) {
        for (size_t j = 0; j < pixels; j++) {
            real sum = 0;
            for (size_t t = 0; t < over->num_taps; t++) {
                sum += weights[over->taps[t].weight + c] * numbers[over->taps[t].number + j * over->step + c];
            }
            to[j * over->to_step + c] = sum;
        }
    }
}

/* The same of `pixels` neighbours. */
static void sum_pixels(size_t pixels, const tap_sum *over, const real *weights, const real *numbers, real *to,
                       size_t channels)
{
    size_t j = 0;
    for (; j + PIXELS_TOGETHER <= pixels; j += PIXELS_TOGETHER) {
        sum_channels(PIXELS_TOGETHER, over, weights, numbers + j * over->step, to + j * over->to_step, channels);
    }
    for (; j < pixels; j++) {
        sum_channels(1, over, weights, numbers + j * over->step, to + j * over->to_step, channels);
    }
}

/* Lists the taps that lie inside the image, with the places of the input relative to the first of them. */
static void list_taps(const ch_layer *layer, window down, window across, tap_sum *over)
{
    const size_t channels = layer->in.channels;
    over->num_taps = 0;
    for (size_t k = down.first; k < down.next; k++) {
        for (size_t l = across.first; l < across.next; l++) {
            const size_t pixel = (k - down.first) * layer->in.columns + l - across.first;
            over->taps[over->num_taps++] = (tap){(k * layer->kernel + l) * channels, pixel * channels};
        }
    }
}

/* The number of pixels from `column` on, in a row of the output, that see the same taps. */
static size_t same_taps(const ch_layer *layer, size_t column)
{
    const window first = column_window(layer, column);
    size_t next = column + 1;
    for (; next < layer->out.columns; next++) {
        const window here = column_window(layer, next);
        if (here.first != first.first || here.next != first.next) {
            break;
        }
    }
    return next - column;
}

/* out [pixel][channel] = sum over taps of w [tap][channel] x [pixel at the tap][channel] */
static void depthwise_forward(const ch_layer *layer, const real *weights, const real *in, real *out, size_t count)
{
    const size_t channels = layer->out.channels;
    tap_sum over = {.step = layer->stride * channels, .to_step = channels};
    for (size_t s = 0; s < count; s++, in += ch_shape_size(layer->in)) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            const window down = row_window(layer, i);
            for (size_t j = 0, same; j < layer->out.columns; j += same, out += same * channels) {
                const window across = column_window(layer, j);
                same = same_taps(layer, j);
                list_taps(layer, down, across, &over);
                sum_pixels(same, &over, weights, in + (down.at * layer->in.columns + across.at) * channels, out,
                           channels);
            }
        }
    }
}

/* Lists the taps under which outputs see pixel (i, j) of the input, with the places of those outputs. */
static void list_taps_below(const ch_layer *layer, size_t i, size_t j, tap_sum *over)
{
    const size_t channels = layer->in.channels, stride = layer->stride;
    const size_t down = i + layer->pad_row, across = j + layer->pad_column;
    over->num_taps = 0;
    for (size_t k = down % stride; k < layer->kernel && k <= down; k += stride) {
        const size_t row = (down - k) / stride;
        for (size_t l = across % stride; row < layer->out.rows && l < layer->kernel && l <= across; l += stride) {
            const size_t column = (across - l) / stride, pixel = row * layer->out.columns + column;
            if (column < layer->out.columns) {
                over->taps[over->num_taps++] = (tap){(k * layer->kernel + l) * channels, pixel * channels};
            }
        }
    }
}

/* gradient [pixel][channel] = sum over taps of w [tap][channel] delta [output that sees the pixel there][channel]. At
 * stride 1 that is a convolution with the taps in reversed order, `reversed`. */
static void depthwise_below(const ch_layer *layer, const real *weights, const real *reversed, const real *delta,
                            real *gradient, size_t count)
{
    if (layer->stride == 1) {
        ch_layer back = *layer;
        back.pad_row = layer->kernel - 1 - layer->pad_row;
        back.pad_column = layer->kernel - 1 - layer->pad_column;
        depthwise_forward(&back, reversed, delta, gradient, count);
        return;
    }
    const size_t channels = layer->in.channels;
    tap_sum over = {0};
    for (size_t s = 0; s < count; s++, delta += ch_shape_size(layer->out)) {
        for (size_t p = 0; p < num_pixels(layer->in); p++, gradient += channels) {
            list_taps_below(layer, p / layer->in.columns, p % layer->in.columns, &over);
            sum_channels(1, &over, weights, delta, gradient, channels);
        }
    }
}

/* change [tap][channel] += sum over pixels of delta x, for `rows` rows of taps from row k on and the LANES channels
 * from c on, of which the first `skipped` are left as they are. `rows` is a compile-time constant. */
ALWAYS_INLINE void change_taps(size_t rows, size_t skipped, const ch_layer *layer, const image_frame *frame,
                               const real *padded, const real *delta, real *change, size_t k, size_t c, size_t count)
{
    const size_t channels = layer->in.channels, step = layer->stride * channels, line = frame->columns * channels;
    vector sums[ROWS_TOGETHER][DEPTHWISE_KERNEL] = {{{0}}};
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            const real *x = padded + (s * frame->rows + i * layer->stride + k) * line + c;
            const real *d = delta + (s * layer->out.rows + i) * layer->out.columns * channels + c;
            for (size_t j = 0; j < layer->out.columns; j++, x += step, d += channels) {
                const vector here = load(d);
                const real *at = x;
#pragma GCC unroll 5
                for (size_t r = 0; r < rows; r++, at += line) {
                    HIDE(at);
#pragma GCC unroll 5
                    for (size_t l = 0; l < DEPTHWISE_KERNEL; l++) {
                        sums[r][l] += here * load(at + l * channels);
                    }
                }
            }
        }
    }
    for (size_t t = 0; t < rows * DEPTHWISE_KERNEL; t++) {
        real *to = change + (k * DEPTHWISE_KERNEL + t) * channels + c;
        vector *sum = &sums[t / DEPTHWISE_KERNEL][t % DEPTHWISE_KERNEL];
        memset(sum, 0, skipped * sizeof *to);
        store(to, load(to) + *sum);
    }
}

/* The same for all rows of taps. */
static void change_vector(size_t skipped, const ch_layer *layer, const image_frame *frame, const real *padded,
                          const real *delta, real *change, size_t c, size_t count)
{
    size_t k = 0;
    for (; k + ROWS_TOGETHER <= DEPTHWISE_KERNEL; k += ROWS_TOGETHER) {
        change_taps(ROWS_TOGETHER, skipped, layer, frame, padded, delta, change, k, c, count);
    }
    for (; k < DEPTHWISE_KERNEL; k++) {
        change_taps(1, skipped, layer, frame, padded, delta, change, k, c, count);
    }
}

/* The same for one channel. */
static void change_channel(const ch_layer *layer, const image_frame *frame, const real *padded, const real *delta,
                           real *change, size_t k, size_t c, size_t count)
{
    const size_t channels = layer->in.channels, pixels = num_pixels(layer->out);
    for (size_t l = 0; l < DEPTHWISE_KERNEL; l++) {
        real sum = 0;
        for (size_t p = 0; p < count * pixels; p++) {
            const size_t row = p % pixels / layer->out.columns * layer->stride + k;
            const size_t column = p % layer->out.columns * layer->stride + l;
            const size_t place = (p / pixels * frame->rows + row) * frame->columns + column;
            sum += delta[p * channels + c] * padded[place * channels + c];
        }
        change[(k * DEPTHWISE_KERNEL + l) * channels + c] += sum;
    }
}

/* change [tap][channel] += sum over pixels of delta x */
static void depthwise_change(const ch_layer *layer, const conv_scratch *scratch, const real *in, const real *delta,
                             real *change, size_t count)
{
    const size_t channels = layer->in.channels;
    const image_frame frame = input_frame(layer);
    size_t c = 0;
    pad_images(&frame, layer->in, in, scratch->padded, count);
    for (; c + LANES <= channels; c += LANES) {
        change_vector(0, layer, &frame, scratch->padded, delta, change, c, count);
    }
    if (c < channels && channels >= LANES) {
        const size_t last = channels - LANES;
        change_vector(c - last, layer, &frame, scratch->padded, delta, change, last, count);
        return;
    }
    for (size_t k = 0; k < DEPTHWISE_KERNEL; k++) {
        for (size_t one = c; one < channels; one++) {
            change_channel(layer, &frame, scratch->padded, delta, change, k, one, count);
        }
    }
}
