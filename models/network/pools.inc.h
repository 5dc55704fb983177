/* pools.inc.h — layers of images without weights, in either precision; part of network.inc.h. Images and delta are
 * those of filters.inc.h. */

/* The 2 x 2 pixels of the input that a pixel of the output is the largest of: the place of the first, and the distances
 * to its neighbours. The distance is 0 where the image has no such neighbour. */
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

/* The larger of two numbers. NaN counts as larger than any number, so that it is not lost. */
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
                gradient[c] = delta[c];
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
