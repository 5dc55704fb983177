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
 * their taps reversed, reversed [row][column][out][in]. The product is added where a residual layer has set the
 * gradient already. The stride must be 1. */
static void conv_below(const ch_layer *layer, const real *reversed, const conv_scratch *scratch, const real *delta,
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
    product(pixels, in, layer->kernel * layer->kernel * out, fields, (b_matrix){.at = reversed, .row = in}, to);
}
