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

/* ---- convolution, by products with the fields of view ---- */

/* patches [pixel of the output][row][column][channel], zeros outside the image */
static void gather_patches(const ch_layer *layer, const real *image, real *patches)
{
    const size_t channels = layer->in.channels, line = layer->kernel * channels;
    for (size_t i = 0; i < layer->out.rows; i++) {
        const window down = row_window(layer, i);
        for (size_t j = 0; j < layer->out.columns; j++, patches += layer->fan_in) {
            const window across = column_window(layer, j);
            const size_t length = (across.next - across.first) * channels;
            memset(patches, 0, layer->fan_in * sizeof *patches);
            for (size_t k = down.first; k < down.next; k++) {
                const size_t row = down.at + k - down.first;
                memcpy(patches + k * line + across.first * channels,
                       image + (row * layer->in.columns + across.at) * channels, length * sizeof *patches);
            }
        }
    }
}

/* The transpose: image += what its numbers are in the patches. */
static void scatter_patches(const ch_layer *layer, const real *patches, real *image)
{
    const size_t channels = layer->in.channels, line = layer->kernel * channels;
    for (size_t i = 0; i < layer->out.rows; i++) {
        const window down = row_window(layer, i);
        for (size_t j = 0; j < layer->out.columns; j++, patches += layer->fan_in) {
            const window across = column_window(layer, j);
            const size_t length = (across.next - across.first) * channels;
            for (size_t k = down.first; k < down.next; k++) {
                const real *from = patches + k * line + across.first * channels;
                real *to = image + ((down.at + k - down.first) * layer->in.columns + across.at) * channels;
                for (size_t c = 0; c < length; c++) {
                    to[c] += from[c];
                }
            }
        }
    }
}

/* out [pixel][out] = patches [pixel][fan_in] W^T; transposed [fan_in][out] */
static void conv_forward(const ch_layer *layer, const real *transposed, real *patches, const real *in, real *out,
                         size_t count)
{
    const size_t channels = layer->out.channels, pixels = num_pixels(layer->out), fan_in = layer->fan_in;
    if (is_pointwise(layer)) {
        product(count * pixels, channels, fan_in, (matrix){in, fan_in, 1}, transposed, channels, into(out, channels));
        return;
    }
    for (size_t s = 0; s < count; s++) {
        gather_patches(layer, in + s * ch_shape_size(layer->in), patches);
        product(pixels, channels, fan_in, (matrix){patches, fan_in, 1}, transposed, channels,
                into(out + s * pixels * channels, channels));
    }
}

/* change [out][fan_in] += delta^T patches;  gradient += (delta W) back in its places, where it is wanted */
static void conv_backward(const ch_layer *layer, const real *weights, real *patches, const real *in, const real *delta,
                          real *change, real *gradient, size_t count)
{
    const size_t channels = layer->out.channels, pixels = num_pixels(layer->out), fan_in = layer->fan_in;
    if (is_pointwise(layer)) {
        product(channels, fan_in, count * pixels, (matrix){delta, 1, channels}, in, fan_in, added_to(change, fan_in));
        if (gradient != NULL) {
            product(count * pixels, fan_in, channels, (matrix){delta, channels, 1}, weights, fan_in,
                    added_to(gradient, fan_in));
        }
        return;
    }
    for (size_t s = 0; s < count; s++, delta += pixels * channels) {
        gather_patches(layer, in + s * ch_shape_size(layer->in), patches);
        product(channels, fan_in, pixels, (matrix){delta, 1, channels}, patches, fan_in, added_to(change, fan_in));
        if (gradient != NULL) {
            product(pixels, fan_in, channels, (matrix){delta, channels, 1}, weights, fan_in, into(patches, fan_in));
            scatter_patches(layer, patches, gradient + s * ch_shape_size(layer->in));
        }
    }
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

/* The derivative goes to the first pixel that has the largest value. */
static void pool_backward(const ch_layer *layer, const real *in, const real *out, const real *delta, real *gradient,
                          size_t count)
{
    const size_t channels = layer->in.channels, image = ch_shape_size(layer->in);
    for (size_t s = 0; s < count; s++, in += image, gradient += image) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            for (size_t j = 0; j < layer->out.columns; j++, out += channels, delta += channels) {
                const quad at = quad_of(layer, i, j);
                const real *x = in + at.first;
                for (size_t c = 0; c < channels; c++) {
                    const size_t place = x[c] == out[c]               ? 0
                                         : x[at.across + c] == out[c] ? at.across
                                         : x[at.down + c] == out[c]   ? at.down
                                                                      : at.down + at.across;
                    gradient[at.first + place + c] += delta[c];
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
