/* filters.inc.h — convolutions of images in either precision; part of network.inc.h.
 *
 * An image is [row][column][channel]. Functions take a few images, one after the other. The backward pass
 * differentiates S = sum_i c_i f(w, x_i); `delta` is dS/dz times the layer's scale, z its values before the activation.
 */

/* Numbers of a layer's output that are finished together, so that they stay in the first cache. */
enum { FINISH_NUMBERS = 2048 };

/* The taps of a field of view that lie inside the image along one axis: first … next. Tap `first` is at input place
 * `at`. */
typedef struct {
    size_t first, next, at;
} window;

static inline window window_of(size_t out, size_t stride, size_t kernel, size_t pad, size_t size)
{
    const size_t start = out * stride;
    const size_t first = start < pad ? pad - start : 0;
    return (window){first, ch_size_min(kernel, pad + size - start), start + first - pad};
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

/* Computes before = scale (before + bias) and values = phi(before) of `count` pixels. Both may be the same memory. */
static void finish_rows(const ch_layer *layer, ch_activation activation, const real *bias, real *before, real *values,
                        size_t count)
{
    const size_t channels = layer->out.channels, step = FINISH_NUMBERS / channels + 1;
    const real scale = (real)layer->scale;
    for (size_t first = 0; first < count; first += step) {
        const size_t total = ch_size_min(count - first, step) * channels;
        real *here = before + first * channels;
        for (size_t r = 0; layer->has_bias && r < total; r += channels) {
            for (size_t c = 0; c < channels; c++) {
                here[r + c] += bias[c];
            }
        }
        for (size_t i = 0; i < total; i++) {
            here[i] *= scale;
        }
        if (layer->is_activated) {
            activate(activation, here, values + first * channels, total);
        }
    }
}

/* ---- convolution ----
 *
 * The field of view of a pixel of the output consists of `kernel` runs, one for each row, of kernel x channels numbers
 * of the padded input image. Products read it from there.
 */

/* The size of a padded image, and the zeros before its first row and column. */
typedef struct {
    size_t rows, columns, pad_row, pad_column;
} image_frame;

/* The padded input from which the output is computed. */
static inline image_frame input_frame(const ch_layer *layer)
{
    return (image_frame){
        .rows = (layer->out.rows - 1) * layer->stride + layer->kernel,
        .columns = (layer->out.columns - 1) * layer->stride + layer->kernel,
        .pad_row = layer->pad_row,
        .pad_column = layer->pad_column,
    };
}

/* The padded derivatives by the output from which those by the input are computed, which at stride 1 is a convolution
 * too. */
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

/* Copies images with zeros around them: padded [row][column][channel] for each. Rows and columns of an image that no
 * field of view reaches lie beyond the frame and are left out. */
static void pad_images(const image_frame *frame, ch_shape shape, const real *images, real *padded, size_t count)
{
    const size_t line = shape.columns * shape.channels, padded_line = frame->columns * shape.channels;
    const size_t before = frame->pad_column * shape.channels, length = ch_size_min(line, padded_line - before);
    for (size_t s = 0; s < count; s++, images += shape.rows * line) {
        for (size_t i = 0; i < frame->rows; i++, padded += padded_line) {
            const size_t row = i - frame->pad_row; /* above the image this is a very large number */
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

/* Lists where the fields of view of rows x columns pixels start in the padded images. With columns = 1 only those of
 * the first pixel in every row. */
static void list_places(const image_frame *frame, size_t rows, size_t columns, size_t step, size_t channels,
                        size_t *places, size_t count)
{
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < columns; j++) {
                *places++ = ((s * frame->rows + i * step) * frame->columns + j * step) * channels;
            }
        }
    }
}

/* The fields of view as the factor A: row i is the field of pixel i. */
static a_matrix field_matrix(const image_frame *frame, ch_shape pixels, size_t step, size_t channels, size_t kernel,
                             const real *padded, size_t *places, size_t count)
{
    list_places(frame, pixels.rows, 1, step, channels, places, count);
    return (a_matrix){
        .at = padded,
        .row = step * channels,
        .column = 1,
        .places = places,
        .group = pixels.columns,
        .run = kernel * channels,
        .jump = frame->columns * channels,
    };
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
    a_matrix fields = {.at = in, .row = fan_in, .column = 1};
    if (!is_pointwise(layer)) {
        const image_frame frame = input_frame(layer);
        pad_images(&frame, layer->in, in, scratch->padded, count);
        fields = field_matrix(&frame, layer->out, layer->stride, layer->in.channels, layer->kernel, scratch->padded,
                              scratch->places, count);
    }
    product(pixels, channels, fan_in, fields, (b_matrix){.at = transposed, .row = channels}, into(out, channels));
}

/* change [out][fan_in] += delta^T fields of view */
static void conv_change(const ch_layer *layer, const conv_scratch *scratch, const real *in, const real *delta,
                        real *change, size_t count)
{
    const size_t channels = layer->out.channels, pixels = count * num_pixels(layer->out), fan_in = layer->fan_in;
    const a_matrix deltas = {.at = delta, .row = 1, .column = channels};
    if (is_pointwise(layer)) {
        product(channels, fan_in, pixels, deltas, (b_matrix){.at = in, .row = fan_in}, added_to(change, fan_in));
        return;
    }
    const image_frame frame = input_frame(layer);
    const size_t run = layer->kernel * layer->in.channels;
    pad_images(&frame, layer->in, in, scratch->padded, count);
    list_places(&frame, layer->out.rows, layer->out.columns, layer->stride, layer->in.channels, scratch->places, count);
    for (size_t k = 0; k < layer->kernel; k++) {
        const b_matrix fields = {
            .at = scratch->padded + k * frame.columns * layer->in.channels, .places = scratch->places, .is_open = true};
        product(channels, run, pixels, deltas, fields, added_to(change + k * run, fan_in));
    }
}

/* gradient [pixel][in] = fields of view of delta [pixel][kernel x kernel x out] times the weights with the order of
 * their taps reversed, turned [row][column][out][in]. The product is added where a residual layer has set the gradient
 * already. The stride must be 1. */
static void conv_below(const ch_layer *layer, const real *turned, const conv_scratch *scratch, const real *delta,
                       real *gradient, size_t count)
{
    const c_matrix to = {.values = gradient, .row = layer->in.channels, .add = layer->input_is_added};
    const size_t in = layer->in.channels, out = layer->out.channels, pixels = count * num_pixels(layer->in);
    a_matrix fields = {.at = delta, .row = out, .column = 1};
    if (!is_pointwise(layer)) {
        const image_frame frame = output_frame(layer);
        pad_images(&frame, layer->out, delta, scratch->padded, count);
        fields = field_matrix(&frame, layer->in, 1, out, layer->kernel, scratch->padded, scratch->places, count);
    }
    product(pixels, in, layer->kernel * layer->kernel * out, fields, (b_matrix){.at = turned, .row = in}, to);
}

/* ---- depthwise convolution ----
 *
 * Sums of a few vectors of channels stay in registers, over all taps of a pixel or over all pixels of a tap.
 */
enum { DEPTHWISE_KERNEL = 5, MOST_TAPS = DEPTHWISE_KERNEL * DEPTHWISE_KERNEL, CHANNEL_VECTORS = 4 };

/* Where a term of a pixel's sum finds its factors: the place of the weight and of the number, of the first channel. */
typedef struct {
    size_t weight, number;
} tap;

/* to [channel] = sum over taps, for `vectors` x LANES channels from c on. `vectors` is a compile-time constant. */
ALWAYS_INLINE void sum_taps(size_t vectors, const tap *taps, size_t num_taps, const real *weights, const real *numbers,
                            real *to, size_t c)
{
    vector sums[CHANNEL_VECTORS] = {0};
    for (size_t t = 0; t < num_taps; t++) {
        const real *w = weights + taps[t].weight + c, *x = numbers + taps[t].number + c;
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) {
            sums[v] += load(w + v * LANES) * load(x + v * LANES);
        }
    }
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) {
        store(to + c + v * LANES, sums[v]);
    }
}

static void sum_pixel(const tap *taps, size_t num_taps, const real *weights, const real *numbers, real *to,
                      size_t channels)
{
    size_t c = 0;
    for (; c + CHANNEL_VECTORS * LANES <= channels; c += CHANNEL_VECTORS * LANES) {
        sum_taps(CHANNEL_VECTORS, taps, num_taps, weights, numbers, to, c);
    }
    for (; c + LANES <= channels; c += LANES) {
        sum_taps(1, taps, num_taps, weights, numbers, to, c);
    }
    if (c < channels && channels >= LANES) { /* the last vector ends with the last channel and repeats some */
        sum_taps(1, taps, num_taps, weights, numbers, to, channels - LANES);
        return;
    }
    for (; c < channels; c++) {
        real sum = 0;
        for (size_t t = 0; t < num_taps; t++) {
            sum += weights[taps[t].weight + c] * numbers[taps[t].number + c];
        }
        to[c] = sum;
    }
}

/* Lists the taps that lie inside the image, with the places of the input relative to the first of them.
 * @return their number */
static size_t list_taps(const ch_layer *layer, window down, window across, tap *taps)
{
    const size_t channels = layer->in.channels;
    size_t num = 0;
    for (size_t k = down.first; k < down.next; k++) {
        for (size_t l = across.first; l < across.next; l++) {
            const size_t pixel = (k - down.first) * layer->in.columns + l - across.first;
            taps[num++] = (tap){(k * layer->kernel + l) * channels, pixel * channels};
        }
    }
    return num;
}

/* out [pixel][channel] = sum over taps of w [tap][channel] x [pixel at the tap][channel] */
static void depthwise_forward(const ch_layer *layer, const real *weights, const real *in, real *out, size_t count)
{
    const size_t channels = layer->out.channels;
    tap taps[MOST_TAPS];
    for (size_t s = 0; s < count; s++, in += ch_shape_size(layer->in)) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            const window down = row_window(layer, i);
            window last = {0, 0, 0}; /* most pixels have the same taps as the one before */
            size_t num = 0;
            for (size_t j = 0; j < layer->out.columns; j++, out += channels) {
                const window across = column_window(layer, j);
                if (across.first != last.first || across.next != last.next) {
                    num = list_taps(layer, down, across, taps);
                    last = across;
                }
                sum_pixel(taps, num, weights, in + (down.at * layer->in.columns + across.at) * channels, out, channels);
            }
        }
    }
}

/* Lists the taps under which outputs see pixel (i, j) of the input, with the places of those outputs.
 * @return their number */
static size_t list_taps_below(const ch_layer *layer, size_t i, size_t j, tap *taps)
{
    const size_t channels = layer->in.channels, stride = layer->stride;
    const size_t down = i + layer->pad_row, across = j + layer->pad_column;
    size_t num = 0;
    for (size_t k = down % stride; k < layer->kernel && k <= down; k += stride) {
        const size_t row = (down - k) / stride;
        for (size_t l = across % stride; row < layer->out.rows && l < layer->kernel && l <= across; l += stride) {
            const size_t column = (across - l) / stride, pixel = row * layer->out.columns + column;
            if (column < layer->out.columns) {
                taps[num++] = (tap){(k * layer->kernel + l) * channels, pixel * channels};
            }
        }
    }
    return num;
}

/* gradient [pixel][channel] = sum over taps of w [tap][channel] delta [output that sees the pixel there][channel]. At
 * stride 1 that is a convolution with the taps in reversed order, `turned`. */
static void depthwise_below(const ch_layer *layer, const real *weights, const real *turned, const real *delta,
                            real *gradient, size_t count)
{
    if (layer->stride == 1) {
        ch_layer back = *layer;
        back.pad_row = layer->kernel - 1 - layer->pad_row;
        back.pad_column = layer->kernel - 1 - layer->pad_column;
        depthwise_forward(&back, turned, delta, gradient, count);
        return;
    }
    const size_t channels = layer->in.channels;
    tap taps[MOST_TAPS];
    for (size_t s = 0; s < count; s++, delta += ch_shape_size(layer->out)) {
        for (size_t p = 0; p < num_pixels(layer->in); p++, gradient += channels) {
            const size_t num = list_taps_below(layer, p / layer->in.columns, p % layer->in.columns, taps);
            sum_pixel(taps, num, weights, delta, gradient, channels);
        }
    }
}

/* change [tap][channel] += sum over pixels of delta x, for the taps of row k and for `vectors` x LANES channels from c
 * on, of which the first `skipped` are left as they are */
ALWAYS_INLINE void change_taps(size_t vectors, size_t skipped, const ch_layer *layer, const image_frame *frame,
                               const real *padded, const real *delta, real *change, size_t k, size_t c, size_t count)
{
    const size_t channels = layer->in.channels, step = layer->stride * channels;
    vector sums[DEPTHWISE_KERNEL][2] = {0};
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            const real *x = padded + (s * frame->rows + i * layer->stride + k) * frame->columns * channels + c;
            const real *d = delta + (s * layer->out.rows + i) * layer->out.columns * channels + c;
            for (size_t j = 0; j < layer->out.columns; j++, x += step, d += channels) {
                for (size_t v = 0; v < vectors; v++) {
                    const vector here = load(d + v * LANES);
                    for (size_t l = 0; l < DEPTHWISE_KERNEL; l++) {
                        sums[l][v] += here * load(x + l * channels + v * LANES);
                    }
                }
            }
        }
    }
    for (size_t l = 0; l < DEPTHWISE_KERNEL; l++) {
        real *to = change + (k * DEPTHWISE_KERNEL + l) * channels + c;
        memset(&sums[l][0], 0, skipped * sizeof *to);
        for (size_t v = 0; v < vectors; v++) {
            store(to + v * LANES, load(to + v * LANES) + sums[l][v]);
        }
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
    pad_images(&frame, layer->in, in, scratch->padded, count);
    for (size_t k = 0; k < DEPTHWISE_KERNEL; k++) {
        size_t c = 0;
        for (; c + 2 * LANES <= channels; c += 2 * LANES) {
            change_taps(2, 0, layer, &frame, scratch->padded, delta, change, k, c, count);
        }
        for (; c + LANES <= channels; c += LANES) {
            change_taps(1, 0, layer, &frame, scratch->padded, delta, change, k, c, count);
        }
        if (c < channels && channels >= LANES) {
            const size_t last = channels - LANES;
            change_taps(1, c - last, layer, &frame, scratch->padded, delta, change, k, last, count);
            continue;
        }
        for (; c < channels; c++) {
            change_channel(layer, &frame, scratch->padded, delta, change, k, c, count);
        }
    }
}
