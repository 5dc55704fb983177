/* pools.h — layers of images that have no weights, in either precision; part of network_body.h. Images and delta are
 * those of filters.h. */

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

/* v where the mask is set, else 0 */
ALWAYS_INLINE vector pick(mask where, vector v)
{
    return (vector)(where & (mask)v);
}

/* The derivative goes to the first pixel that has the largest value, of four different pixels. */
static void pool_backward_inside(size_t channels, quad at, const real *in, const real *out, const real *delta,
                                 real *gradient)
{
    const size_t across = at.across, down = at.down;
    const real *x = in + at.first;
    real *to = gradient + at.first;
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES) {
        const vector best = load(out + c), d = load(delta + c);
        const mask first = load(x + c) == best, second = ~first & (load(x + across + c) == best);
        const mask third = ~first & ~second & (load(x + down + c) == best);
        store(to + c, pick(first, d));
        store(to + across + c, pick(second, d));
        store(to + down + c, pick(third, d));
        store(to + down + across + c, pick(~first & ~second & ~third, d));
    }
    for (; c < channels; c++) {
        const bool first = x[c] == out[c], second = !first && x[across + c] == out[c];
        const bool third = !first && !second && x[down + c] == out[c];
        to[c] = first ? delta[c] : 0;
        to[across + c] = second ? delta[c] : 0;
        to[down + c] = third ? delta[c] : 0;
        to[down + across + c] = !first && !second && !third ? delta[c] : 0;
    }
}

/* The same where the pool has two pixels, or one. */
static void pool_backward_border(size_t channels, quad at, const real *in, const real *out, const real *delta,
                                 real *gradient)
{
    const size_t other = at.across + at.down; /* one of them is 0 */
    for (size_t c = 0; c < channels; c++) {
        const bool is_first = in[at.first + c] == out[c];
        gradient[at.first + other + c] = is_first ? 0 : delta[c];
        gradient[at.first + c] = is_first || other == 0 ? delta[c] : 0;
    }
}

static void pool_backward(const ch_layer *layer, const real *in, const real *out, const real *delta, real *gradient,
                          size_t count)
{
    const size_t channels = layer->in.channels, image = ch_shape_size(layer->in);
    for (size_t s = 0; s < count; s++, in += image, gradient += image) {
        for (size_t i = 0; i < layer->out.rows; i++) {
            for (size_t j = 0; j < layer->out.columns; j++, out += channels, delta += channels) {
                const quad at = quad_of(layer, i, j);
                if (2 * i + 3 < layer->in.rows) { /* the next two rows, far away since other images' passes */
                    fetch_ahead(in + at.first + 2 * at.down, (channels + at.across) * sizeof *in);
                    fetch_ahead(in + at.first + 3 * at.down, (channels + at.across) * sizeof *in);
                }
                if (at.across > 0 && at.down > 0) {
                    pool_backward_inside(channels, at, in, out, delta, gradient);
                } else {
                    pool_backward_border(channels, at, in, out, delta, gradient);
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
