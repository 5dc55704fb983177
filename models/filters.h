/* filters.h — layers of images in either precision; part of network_body.h.
 *
 * An image is [row][column][channel]; functions take a few images, one after the other. "delta" are derivatives of the
 * sum that is differentiated, by a layer's values before the activation, times its scale.
 */

/* Taps of a field of view that are inside, along one axis: [first, next), the first at input place `at`. */
typedef struct {
    size_t first, next, at;
} window;

static inline window window_of(size_t out, size_t stride, size_t kernel, size_t pad, size_t size)
{
    const size_t start = out * stride;
    const size_t first = start < pad ? pad - start : 0;
    return (window){first, at_most(kernel, pad + size - start), start + first - pad};
}

static inline window row_window(const ch_layer *layer, size_t row)
{
    return window_of(row, layer->stride, layer->kernel, layer->pad_row, layer->in.rows);
}

static inline window column_window(const ch_layer *layer, size_t column)
{
    return window_of(column, layer->stride, layer->kernel, layer->pad_column, layer->in.columns);
}

static inline size_t num_pixels(ch_shape shape)
{
    return shape.rows * shape.columns;
}

static inline bool is_pointwise(const ch_layer *layer)
{
    return layer->kernel == 1 && layer->stride == 1;
}

/* values = phi(scale (values + bias)) of `count` rows of channels; `before`, where it is other memory, gets what is
 * before phi */
static void finish_rows(const ch_layer *layer, ch_activation activation, const real *bias, real *before, real *values,
                        size_t count)
{
    const size_t channels = layer->out.channels;
    const real scale = (real)layer->scale;
    for (size_t r = 0; r < count; r++) {
        real *line = before + r * channels;
        for (size_t c = 0; c < channels; c++) {
            line[c] = scale * (layer->has_bias ? line[c] + bias[c] : line[c]);
        }
        if (layer->is_activated) {
            activate(activation, line, values + r * channels, channels);
        }
    }
}

/* ---- convolution ----
 *
 * A pixel's field of view is, in an image with its padding, `kernel` runs of kernel x channels numbers, one for each
 * row: products take it from there.
 */

/* An image with padding around it. */
typedef struct {
    size_t rows, columns, pad_row, pad_column;
} image_frame;

/* What the input needs for the output. */
static inline image_frame input_frame(const ch_layer *layer)
{
    return (image_frame){
        .rows = (layer->out.rows - 1) * layer->stride + layer->kernel,
        .columns = (layer->out.columns - 1) * layer->stride + layer->kernel,
        .pad_row = layer->pad_row,
        .pad_column = layer->pad_column,
    };
}

/* What the output needs for the input, at stride 1: derivatives by the input are a convolution too. */
static inline image_frame output_frame(const ch_layer *layer)
{
    return (image_frame){
        .rows = layer->in.rows + layer->kernel - 1,
        .columns = layer->in.columns + layer->kernel - 1,
        .pad_row = layer->kernel - 1 - layer->pad_row,
        .pad_column = layer->kernel - 1 - layer->pad_column,
    };
}

static inline size_t frame_pixels(const image_frame *frame)
{
    return frame->rows * frame->columns;
}

/* padded [row][column][channel] of some images of that shape: zeros around them. What of an image is beyond the frame,
 * as no field of view reaches there, is left out. */
static void pad_images(const image_frame *frame, ch_shape shape, const real *images, real *padded, size_t count)
{
    const size_t line = shape.columns * shape.channels, padded_line = frame->columns * shape.channels;
    const size_t before = frame->pad_column * shape.channels, length = at_most(line, padded_line - before);
    for (size_t s = 0; s < count; s++, images += shape.rows * line) {
        for (size_t i = 0; i < frame->rows; i++, padded += padded_line) {
            const size_t row = i - frame->pad_row; /* wraps around above the image */
            if (row >= shape.rows) {
                memset(padded, 0, padded_line * sizeof *padded);
                continue;
            }
            memset(padded, 0, before * sizeof *padded);
            memcpy(padded + before, images + row * line, length * sizeof *padded);
            memset(padded + before + length, 0, (padded_line - before - length) * sizeof *padded);
        }
    }
}

/* Where the fields of view of some images' pixels start in the padded images. */
static void list_places(const image_frame *frame, ch_shape pixels, size_t stride, size_t channels, size_t *places,
                        size_t count)
{
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < pixels.rows; i++) {
            for (size_t j = 0; j < pixels.columns; j++) {
                *places++ = ((s * frame->rows + i * stride) * frame->columns + j * stride) * channels;
            }
        }
    }
}

/* Memory for convolutions of a few images. */
typedef struct {
    real *padded;
    size_t *places;
} conv_scratch;

/* out [pixel][out] = fields of view [pixel][fan_in] W^T; transposed [fan_in][out] */
static void conv_forward(const ch_layer *layer, const real *transposed, const conv_scratch *scratch, const real *in,
                         real *out, size_t count)
{
    const size_t channels = layer->out.channels, pixels = count * num_pixels(layer->out), fan_in = layer->fan_in;
    matrix fields = {.at = in, .row = fan_in, .column = 1};
    if (!is_pointwise(layer)) {
        const image_frame frame = input_frame(layer);
        pad_images(&frame, layer->in, in, scratch->padded, count);
        list_places(&frame, layer->out, layer->stride, layer->in.channels, scratch->places, count);
        fields = (matrix){.at = scratch->padded, .column = 1, .places = scratch->places};
        fields.run = layer->kernel * layer->in.channels;
        fields.jump = frame.columns * layer->in.channels;
    }
    product(pixels, channels, fan_in, fields, (lines){.at = transposed, .row = channels}, into(out, channels));
}

/* change [out][fan_in] += delta^T fields of view */
static void conv_change(const ch_layer *layer, const conv_scratch *scratch, const real *in, const real *delta,
                        real *change, size_t count)
{
    const size_t channels = layer->out.channels, pixels = count * num_pixels(layer->out), fan_in = layer->fan_in;
    const matrix deltas = {.at = delta, .row = 1, .column = channels};
    if (is_pointwise(layer)) {
        product(channels, fan_in, pixels, deltas, (lines){.at = in, .row = fan_in}, added_to(change, fan_in));
        return;
    }
    const image_frame frame = input_frame(layer);
    const size_t run = layer->kernel * layer->in.channels;
    pad_images(&frame, layer->in, in, scratch->padded, count);
    list_places(&frame, layer->out, layer->stride, layer->in.channels, scratch->places, count);
    for (size_t k = 0; k < layer->kernel; k++) {
        const lines fields = {
            .at = scratch->padded + k * frame.columns * layer->in.channels, .places = scratch->places, .is_open = true};
        product(channels, run, pixels, deltas, fields, added_to(change + k * run, fan_in));
    }
}

/* gradient [pixel][in] += fields of view of delta [pixel][kernel x kernel x out] V, V the weights turned by half a
 * turn, turned [row][column][out][in]. The stride is 1. */
static void conv_below(const ch_layer *layer, const real *turned, const conv_scratch *scratch, const real *delta,
                       real *gradient, size_t count)
{
    const size_t in = layer->in.channels, out = layer->out.channels, pixels = count * num_pixels(layer->in);
    matrix fields = {.at = delta, .row = out, .column = 1};
    if (!is_pointwise(layer)) {
        const image_frame frame = output_frame(layer);
        pad_images(&frame, layer->out, delta, scratch->padded, count);
        list_places(&frame, layer->in, 1, out, scratch->places, count);
        fields = (matrix){.at = scratch->padded, .column = 1, .places = scratch->places};
        fields.run = layer->kernel * out;
        fields.jump = frame.columns * out;
    }
    product(pixels, in, layer->kernel * layer->kernel * out, fields, (lines){.at = turned, .row = in},
            added_to(gradient, in));
}

/* ---- depthwise convolution ---- */

/* out [pixel][channel] = sum over taps of w [tap][channel] x [pixel at the tap][channel] */
static void depthwise_forward(const ch_layer *layer, const real *weights, const real *in, real *out, size_t count)
{
    const size_t channels = layer->out.channels;
    memset(out, 0, count * ch_shape_size(layer->out) * sizeof *out);
    for (size_t s = 0; s < count; s++, in += ch_shape_size(layer->in)) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            const window down = row_window(layer, i);
            for (size_t j = 0; j < layer->out.columns; j++, out += channels) {
                const window across = column_window(layer, j);
                for (size_t k = down.first; k < down.next; k++) {
                    const size_t row = (down.at + k - down.first) * layer->in.columns;
                    for (size_t l = across.first; l < across.next; l++) {
                        const real *x = in + (row + across.at + l - across.first) * channels;
                        const real *w = weights + (k * layer->kernel + l) * channels;
                        for (size_t c = 0; c < channels; c++) {
                            out[c] += w[c] * x[c];
                        }
                    }
                }
            }
        }
    }
}

/* change [tap][channel] += delta x;  gradient += w delta */
static void depthwise_backward(const ch_layer *layer, const real *weights, const real *in, const real *delta,
                               real *change, real *gradient, size_t count)
{
    const size_t channels = layer->out.channels, image = ch_shape_size(layer->in);
    for (size_t s = 0; s < count; s++, in += image, gradient += image) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            const window down = row_window(layer, i);
            for (size_t j = 0; j < layer->out.columns; j++, delta += channels) {
                const window across = column_window(layer, j);
                for (size_t k = down.first; k < down.next; k++) {
                    const size_t row = (down.at + k - down.first) * layer->in.columns;
                    for (size_t l = across.first; l < across.next; l++) {
                        const size_t pixel = (row + across.at + l - across.first) * channels;
                        const size_t tap = (k * layer->kernel + l) * channels;
                        for (size_t c = 0; c < channels; c++) {
                            change[tap + c] += delta[c] * in[pixel + c];
                            gradient[pixel + c] += weights[tap + c] * delta[c];
                        }
                    }
                }
            }
        }
    }
}

/* ---- layers without weights ---- */

/* The first of a pixel's 2 x 2 in the input, and how far the others are: 0 for one that is not there. */
typedef struct {
    size_t first, across, down;
} quad;

static inline quad quad_of(const ch_layer *layer, size_t i, size_t j)
{
    const size_t channels = layer->in.channels, line = layer->in.columns * channels;
    return (quad){
        .first = 2 * i * line + 2 * j * channels,
        .across = 2 * j + 1 < layer->in.columns ? channels : 0,
        .down = 2 * i + 1 < layer->in.rows ? line : 0,
    };
}

/* NaN is larger than anything. */
static inline real larger(real best, real other)
{
    return other > best || other != other ? other : best;
}

static void pool_forward(const ch_layer *layer, const real *in, real *out, size_t count)
{
    const size_t channels = layer->in.channels;
    for (size_t s = 0; s < count; s++, in += ch_shape_size(layer->in)) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            for (size_t j = 0; j < layer->out.columns; j++, out += channels) {
                const quad at = quad_of(layer, i, j);
                const real *x = in + at.first;
                for (size_t c = 0; c < channels; c++) {
                    const real upper = larger(x[c], x[at.across + c]);
                    out[c] = larger(upper, larger(x[at.down + c], x[at.down + at.across + c]));
                }
            }
        }
    }
}

/* The derivative goes to the first pixel that has the largest value: from each to the next where it does not. */
static void pool_backward(const ch_layer *layer, const real *in, const real *out, const real *delta, real *gradient,
                          size_t count)
{
    const size_t channels = layer->in.channels, image = ch_shape_size(layer->in);
    for (size_t s = 0; s < count; s++, in += image, gradient += image) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            for (size_t j = 0; j < layer->out.columns; j++, out += channels, delta += channels) {
                const quad at = quad_of(layer, i, j);
                const real *x = in + at.first;
                real *to = gradient + at.first;
                for (size_t c = 0; c < channels; c++) {
                    to[c] += x[c] == out[c] ? delta[c] : 0;
                }
                for (size_t c = 0; at.across > 0 && c < channels; c++) {
                    const bool is_here = x[at.across + c] == out[c] && x[c] != out[c];
                    to[at.across + c] += is_here ? delta[c] : 0;
                }
                for (size_t c = 0; at.down > 0 && c < channels; c++) {
                    const bool is_here = x[at.down + c] == out[c] && x[c] != out[c] && x[at.across + c] != out[c];
                    to[at.down + c] += is_here ? delta[c] : 0;
                }
                for (size_t c = 0; at.across > 0 && at.down > 0 && c < channels; c++) {
                    const bool is_here = x[c] != out[c] && x[at.across + c] != out[c] && x[at.down + c] != out[c];
                    to[at.down + at.across + c] += is_here ? delta[c] : 0;
                }
            }
        }
    }
}

/* out [channel] = mean over pixels */
static void mean_forward(const ch_layer *layer, const real *in, real *out, size_t count)
{
    const size_t channels = layer->in.channels;
    memset(out, 0, count * channels * sizeof *out);
    for (size_t s = 0; s < count; s++, out += channels) {
        for (size_t p = 0; p < num_pixels(layer->in); p++, in += channels) {
            for (size_t c = 0; c < channels; c++) {
                out[c] += (real)layer->scale * in[c];
            }
        }
    }
}

static void mean_backward(const ch_layer *layer, const real *delta, real *gradient, size_t count)
{
    const size_t channels = layer->in.channels;
    for (size_t s = 0; s < count; s++, delta += channels) {
        for (size_t p = 0; p < num_pixels(layer->in); p++, gradient += channels) {
            for (size_t c = 0; c < channels; c++) {
                gradient[c] += delta[c];
            }
        }
    }
}

/* out = scale (new + old) */
static void residual_forward(const ch_layer *layer, const real *new, const real *old, real *out, size_t count)
{
    for (size_t i = 0; i < count * ch_shape_size(layer->out); i++) {
        out[i] = (real)layer->scale * (new[i] + old[i]);
    }
}
