/* hessian.inc.h — ch_hessian in the precision CH_REAL; a template that network_f32.c and network_f64.c include after
 * network.inc.h, whose layouts and layers it uses.
 *
 * The adjoint of a node is the derivative D of S = sum_i c_i f(w, x_i) by its values, and its tangent R(x) the
 * derivative of its values along v. With z = scale (W x + b), a = phi(z):
 *   R(z) = scale (V x + W R(x) + R(b)),              R(a) = phi' R(z)
 *   delta = scale phi' D,                            R(delta) = scale (phi' R(D) + phi'' R(z) D)
 *   D below = W^T delta,                             R(D below) = W^T R(delta) + V^T delta
 *   change of W = delta x^T,                         R(change) = R(delta) x^T + delta R(x)^T
 * and R(D) of the output is k_i R(f).
 */
#include "models/network/hessian.h"

typedef CH_HESSIAN hessian;

/* ---- memory ---- */

/* The memory of a node, in numbers: its tangents, those before the activation where these are others, and its adjoints.
 */
typedef struct {
    size_t tangents, before, adjoints;
} tangent_memory;

static tangent_memory tangents_of_node(const network *net, size_t node)
{
    const ch_architecture *architecture = net->architecture;
    if (node == 0) {
        return (tangent_memory){0};
    }
    const bool is_image = node <= net->num_image_layers, is_pooled = is_image && has_pool(architecture, node - 1);
    const size_t samples = is_image ? net->capacity : lanes_of(net->capacity);
    const size_t numbers = whole_lines(times(samples, node_size(architecture, is_pooled ? node + 1 : node)));
    return (tangent_memory){
        .tangents = numbers,
        .before = !is_pooled && memory_of_node(net, node).before > 0 ? numbers : 0,
        .adjoints = is_pooled ? 0 : numbers,
    };
}

static tangent_memory tangents_of_nodes(const network *net)
{
    tangent_memory sum = {0};
    for (size_t node = 0; node <= net->architecture->num_layers; node++) {
        const tangent_memory one = tangents_of_node(net, node);
        sum.tangents = plus(sum.tangents, one.tangents);
        sum.before = plus(sum.before, one.before);
        sum.adjoints = plus(sum.adjoints, one.adjoints);
    }
    return sum;
}

static void set_tangents(hessian *self)
{
    real *tangents = self->tangent_values, *before = self->before_values, *adjoints = self->adjoint_values;
    for (size_t node = 0; node <= self->network.architecture->num_layers; node++) {
        const tangent_memory memory = tangents_of_node(&self->network, node);
        self->tangents[node] = take(&tangents, memory.tangents);
        self->tangents_before[node] = memory.before > 0 ? take(&before, memory.before) : self->tangents[node];
        self->adjoints[node] = take(&adjoints, memory.adjoints);
    }
}

/* Numbers of the largest image node. */
static size_t largest_image(const network *net)
{
    size_t most = 0;
    for (size_t node = 0; net->num_image_layers > 0 && node <= net->num_image_layers; node++) {
        most = larger_of(node_size(net->architecture, node), most);
    }
    return most;
}

static ch_buffer_list hessian_buffers(const hessian *self)
{
    const network *net = &self->network;
    const ch_architecture *architecture = net->architecture;
    const size_t num_nodes = architecture->num_layers + 1, num_image_weights = image_weights(net);
    const largest_sizes most = find_largest(architecture);
    const tangent_memory nodes = tangents_of_nodes(net);
    const size_t joint = net->num_image_layers > 0 ? node_size(architecture, net->num_image_layers) : 0;
    return (ch_buffer_list){{
        CH_BUFFER(self->direction, architecture->num_weights),
        CH_BUFFER(self->transposed, num_image_weights),
        CH_BUFFER(self->reversed, num_image_weights),
        CH_BUFFER(self->tangents, num_nodes),
        CH_BUFFER(self->tangents_before, num_nodes),
        CH_BUFFER(self->adjoints, num_nodes),
        CH_BUFFER(self->tangent_values, nodes.tangents),
        CH_BUFFER(self->before_values, nodes.before),
        CH_BUFFER(self->adjoint_values, nodes.adjoints),
        CH_BUFFER(self->joint, times(lanes_of(net->capacity), joint)),
        CH_BUFFER(self->image_delta, times(net->group, largest_image(net))),
        CH_BUFFER(self->spare, times(net->group, largest_image(net))),
        CH_BUFFER(self->delta_pairs, times(2, times(net->capacity, most.out))),
        CH_BUFFER(self->input_pairs, times(2, times(net->capacity, most.in))),
    }};
}

double CH_HESSIAN_(bytes)(const ch_architecture *architecture, size_t capacity)
{
    const hessian self = {.network = sized(architecture, capacity)};
    const ch_buffer_list buffers = hessian_buffers(&self);
    return CH_NETWORK_(bytes)(architecture, capacity) + ch_buffers_bytes(&buffers);
}

ch_code CH_HESSIAN_(init)(hessian *self, const ch_architecture *architecture, size_t capacity, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const ch_code code = CH_NETWORK_(init)(&self->network, architecture, capacity, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_buffer_list buffers = hessian_buffers(self);
    if (!ch_buffers_alloc(&buffers)) {
        CH_NETWORK_(free)(&self->network);
        return ch_error_memory(err, "the curvature of a network's loss: lower width");
    }
    set_tangents(self);
    return CH_OK;
}

void CH_HESSIAN_(free)(hessian *self)
{
    if (self->network.architecture != NULL) {
        const ch_buffer_list buffers = hessian_buffers(self);
        ch_buffers_free(&buffers);
    }
    CH_NETWORK_(free)(&self->network);
    memset(self, 0, sizeof *self);
}

/* ---- activations ---- */

/* delta = factor phi'(z) adjoint and r_delta = factor (phi'(z) r_delta + phi''(z) tangent adjoint) of one vector. On
 * entry r_delta is R(D), and on return R(delta). */
ALWAYS_INLINE void through_vector(ch_activation activation, real factor, const real *z, const real *tangent,
                                  const real *adjoint, real *delta, real *r_delta)
{
    const vector slope = factor * phi_of(activation, true, load(z)), d = load(adjoint);
    vector both = slope * load(r_delta);
    if (activation != CH_ACTIVATION_RELU && activation != CH_ACTIVATION_LINEAR) {
        both += factor * phi_bend(activation, load(z)) * load(tangent) * d;
    }
    store(delta, slope * d);
    store(r_delta, both);
}

/* The same of `count` numbers. The activation is a compile-time constant. */
ALWAYS_INLINE void through_all(ch_activation activation, real factor, const real *z, const real *tangent,
                               const real *adjoint, real *delta, real *r_delta, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        through_vector(activation, factor, z + i, tangent + i, adjoint + i, delta + i, r_delta + i);
    }
    if (i < count) { /* the rest, with zeros behind it */
        real rest[5][LANES] = {{0}};
        const size_t bytes = (count - i) * sizeof *z;
        memcpy(rest[0], z + i, bytes);
        memcpy(rest[1], tangent + i, bytes);
        memcpy(rest[2], adjoint + i, bytes);
        memcpy(rest[4], r_delta + i, bytes);
        through_vector(activation, factor, rest[0], rest[1], rest[2], rest[3], rest[4]);
        memcpy(delta + i, rest[3], bytes);
        memcpy(r_delta + i, rest[4], bytes);
    }
}

/* delta and R(delta) of a layer from its adjoint and R(D), which is in `r_delta`. */
static void r_through(const ch_layer *layer, ch_activation activation, const real *z, const real *tangent,
                      const real *adjoint, real *delta, real *r_delta, size_t count)
{
    const real scale = (real)layer->scale, factor = (real)(layer->scale / ch_activation_norm(activation));
    if (!layer->is_activated) {
        for (size_t i = 0; i < count; i++) {
            delta[i] = scale * adjoint[i];
            r_delta[i] *= scale;
        }
        return;
    }
    switch (activation) {
    case CH_ACTIVATION_RELU:
        through_all(CH_ACTIVATION_RELU, factor, z, tangent, adjoint, delta, r_delta, count);
        break;
    case CH_ACTIVATION_SILU:
        through_all(CH_ACTIVATION_SILU, factor, z, tangent, adjoint, delta, r_delta, count);
        break;
    case CH_ACTIVATION_GELU:
        through_all(CH_ACTIVATION_GELU, factor, z, tangent, adjoint, delta, r_delta, count);
        break;
    case CH_ACTIVATION_LINEAR:
        through_all(CH_ACTIVATION_LINEAR, factor, z, tangent, adjoint, delta, r_delta, count);
        break;
    }
}

/* delta = scale phi'(z) adjoint */
static void adjoint_through(const ch_layer *layer, ch_activation activation, const real *z, const real *adjoint,
                            real *delta, size_t count)
{
    memcpy(delta, adjoint, count * sizeof *delta);
    if (layer->is_activated) {
        multiply_by_slope(activation, layer->scale, z, delta, count);
    }
    for (size_t i = 0; !layer->is_activated && i < count; i++) {
        delta[i] *= (real)layer->scale;
    }
}

static void add_all(real *restrict to, const real *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] += from[i];
    }
}

/* ---- the backward pass of S, whose adjoints are kept ---- */

/* below (+)= weights^T delta of dense layer l, in panels */
static void panels_below(const network *net, const ch_layer *layer, const real *weights, const real *delta, real *below,
                         bool add)
{
    const size_t in = layer->fan_in, out = layer->out.channels;
    for (size_t first = 0; first < net->count; first += PANEL) {
        const size_t width = panel_width(net->count, first);
        const c_matrix to = {.values = below + first * in, .row = width, .add = add};
        product(in, width, out, (a_matrix){.at = weights + layer->weights, .row = 1, .column = in},
                (b_matrix){.at = delta + first * out, .row = width}, to);
    }
}

static void adjoint_dense(hessian *self)
{
    network *net = &self->network;
    for (size_t l = net->architecture->num_layers; l-- > ch_size_max(net->num_image_layers, 1);) {
        const ch_layer *layer = &net->architecture->layers[l];
        real *below = l > net->num_image_layers ? self->adjoints[l] : net->delta_below;
        adjoint_through(layer, net->architecture->spec.activation, net->before[l + 1], self->adjoints[l + 1],
                        net->delta, layer->out.channels * lanes_of(net->count));
        panels_below(net, layer, net->weights, net->delta, below, false);
    }
}

/* The adjoints of one image before convolution l and the pool behind it. */
static void adjoint_pooled(hessian *self, size_t l, size_t image)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l], *pool = layer + 1;
    const pooled_scratch scratch = {net->padded, net->which, net->picked, net->places, net->deltas};
    const size_t at = image * ch_shape_size(pool->in), size = ch_shape_size(pool->out);
    find_winners(pool, net->rows[l + 1] + at, net->rows[l + 2] + image * size, scratch.which);
    pick_winners(pool, scratch.which, net->before[l + 1] + at, scratch.picked);
    adjoint_through(layer, net->architecture->spec.activation, scratch.picked, self->adjoints[l + 2] + image * size,
                    self->image_delta, size);
    pooled_below(layer, pool, net->weights + layer->weights, &scratch, self->image_delta,
                 self->adjoints[l] + image * ch_shape_size(layer->in));
}

/* The adjoints of the images first … first + count before image layer l. */
static void adjoint_image(hessian *self, size_t l, size_t first, size_t count)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l];
    const size_t in_size = ch_shape_size(layer->in), out_size = ch_shape_size(layer->out);
    if (layer->kind == CH_LAYER_POOL) {
        return;
    }
    if (has_pool(net->architecture, l)) {
        for (size_t s = first; s < first + count; s++) {
            adjoint_pooled(self, l, s);
        }
        return;
    }
    real *delta = self->image_delta, *below = self->adjoints[l] + first * in_size;
    adjoint_through(layer, net->architecture->spec.activation, net->before[l + 1] + first * out_size,
                    self->adjoints[l + 1] + first * out_size, delta, count * out_size);
    switch (layer->kind) {
    case CH_LAYER_CONV:
        conv_below(layer, net->reversed + layer->weights, &(conv_scratch){net->padded, net->places}, delta, below,
                   count);
        break;
    case CH_LAYER_DEPTHWISE:
        depthwise_below(layer, net->weights + layer->weights, net->reversed + layer->weights, delta, below, count);
        break;
    case CH_LAYER_MEAN:
        mean_backward(layer, delta, below, count);
        break;
    default:
        memcpy(below, delta, count * in_size * sizeof *delta);
        memcpy(self->adjoints[layer->from] + first * in_size, delta, count * in_size * sizeof *delta);
    }
}

void CH_HESSIAN_(set)(hessian *self, const real *slopes)
{
    network *net = &self->network;
    const size_t top = net->num_image_layers, num = net->count;
    real *output = self->adjoints[net->architecture->num_layers];
    memcpy(output, slopes, num * sizeof *slopes);
    memset(output + num, 0, (lanes_of(num) - num) * sizeof *slopes);
    if (is_few(net)) {
        fill_panels(net);
    }
    adjoint_dense(self);
    if (top == 0) {
        return;
    }
    panels_to_rows(net->delta_below, num, node_size(net->architecture, top), self->adjoints[top]);
    for (size_t first = 0; first < num; first += net->group) {
        for (size_t l = top; l-- > 1;) {
            adjoint_image(self, l, first, ch_size_min(num - first, net->group));
        }
    }
}

/* ---- the direction and its tangents ---- */

void CH_HESSIAN_(point)(hessian *self, const double *direction)
{
    const network *net = &self->network;
    for (size_t i = 0; i < net->architecture->num_weights; i++) {
        self->direction[i] = (real)direction[i];
    }
    for (size_t l = 0; l < net->num_image_layers; l++) {
        const ch_layer *layer = &net->architecture->layers[l];
        const real *weights = self->direction + layer->weights;
        if (layer->kind == CH_LAYER_CONV) {
            reorder_conv(layer, weights, self->transposed + layer->weights, self->reversed + layer->weights);
        } else if (layer->kind == CH_LAYER_DEPTHWISE) {
            reorder_depthwise(layer, weights, self->reversed + layer->weights);
        }
    }
}

/* R(z), before bias and scale, of the images first … first + count behind a layer with filters. */
static void filter_tangents(hessian *self, size_t l, size_t first, size_t count, real *tangent)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l];
    const size_t at = first * ch_shape_size(layer->in);
    const conv_scratch scratch = {net->padded, net->places};
    const bool is_conv = layer->kind == CH_LAYER_CONV;
    if (is_conv) {
        conv_forward(layer, self->transposed + layer->weights, &scratch, net->rows[l] + at, tangent, count);
    } else {
        depthwise_forward(layer, self->direction + layer->weights, net->rows[l] + at, tangent, count);
    }
    if (l == 0) {
        return;
    }
    if (is_conv) {
        conv_forward(layer, net->transposed + layer->weights, &scratch, self->tangents[l] + at, self->spare, count);
    } else {
        depthwise_forward(layer, net->weights + layer->weights, self->tangents[l] + at, self->spare, count);
    }
    add_all(tangent, self->spare, count * ch_shape_size(layer->out));
}

/* The tangents of one image behind convolution l, before the activation and at the winners of the pool alone, and those
 * behind the pool. */
static void pooled_tangents(hessian *self, size_t l, size_t image)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l], *pool = layer + 1;
    const pooled_scratch scratch = {net->padded, net->which, net->picked, net->places, net->deltas};
    const size_t at = image * ch_shape_size(pool->in), size = ch_shape_size(pool->out);
    const size_t in_size = ch_shape_size(layer->in), channels = layer->out.channels;
    const real *bias = self->direction + layer->bias;
    real *slopes = self->spare, *before = self->tangents[l + 1] + image * size;
    real *behind = self->tangents[l + 2] + image * size;
    find_winners(pool, net->rows[l + 1] + at, net->rows[l + 2] + image * size, scratch.which);
    pick_winners(pool, scratch.which, net->before[l + 1] + at, scratch.picked);
    for (size_t i = 0; i < size; i++) {
        slopes[i] = 1;
        before[i] = layer->has_bias ? bias[i % channels] : 0;
    }
    if (layer->is_activated) {
        multiply_by_slope(net->architecture->spec.activation, 1, scratch.picked, slopes, size);
    }
    pooled_forward(layer, pool, self->direction + layer->weights, &scratch, net->rows[l] + image * in_size, slopes,
                   before);
    if (l > 0) {
        pooled_forward(layer, pool, net->weights + layer->weights, &scratch, self->tangents[l] + image * in_size,
                       slopes, before);
    }
    for (size_t i = 0; i < size; i++) {
        before[i] *= (real)layer->scale;
        behind[i] = slopes[i] * before[i];
    }
}

/* The tangents of the images first … first + count behind image layer l. */
static void image_tangents(hessian *self, size_t l, size_t first, size_t count)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l];
    const size_t in_size = ch_shape_size(layer->in), out_size = ch_shape_size(layer->out);
    if (layer->kind == CH_LAYER_POOL) { /* made with the convolution before it */
        return;
    }
    if (has_pool(net->architecture, l)) {
        for (size_t s = first; s < first + count; s++) {
            pooled_tangents(self, l, s);
        }
        return;
    }
    const real *in = l > 0 ? self->tangents[l] + first * in_size : NULL;
    real *out = self->tangents[l + 1] + first * out_size, *before = self->tangents_before[l + 1] + first * out_size;
    switch (layer->kind) {
    case CH_LAYER_MEAN:
        mean_forward(layer, in, out, count);
        return;
    case CH_LAYER_RESIDUAL:
        residual_forward(layer, in, self->tangents[layer->from] + first * out_size, out, count);
        return;
    default:
        break;
    }
    ch_layer linear = *layer;
    linear.is_activated = false;
    filter_tangents(self, l, first, count, before);
    finish_rows(&linear, CH_ACTIVATION_LINEAR, self->direction + layer->bias, before, before,
                count * num_pixels(layer->out));
    if (layer->is_activated) {
        if (out != before) {
            memcpy(out, before, count * out_size * sizeof *out);
        }
        multiply_by_slope(net->architecture->spec.activation, 1, net->before[l + 1] + first * out_size, out,
                          count * out_size);
    }
}

/* The tangents of a dense layer's inputs in panels; NULL for the input of the network. */
static const real *tangent_panels(const hessian *self, size_t l)
{
    return l > 0 && l == self->network.num_image_layers ? self->joint : self->tangents[l];
}

static void dense_tangents(hessian *self, size_t l)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l];
    const size_t in = layer->fan_in, out = layer->out.channels;
    const real *bias = self->direction + layer->bias, *tangents = tangent_panels(self, l), scale = (real)layer->scale;
    for (size_t first = 0; first < net->count; first += PANEL) {
        const size_t width = panel_width(net->count, first);
        real *z = self->tangents_before[l + 1] + first * out, *values = self->tangents[l + 1] + first * out;
        product(out, width, in, (a_matrix){.at = self->direction + layer->weights, .row = in, .column = 1},
                (b_matrix){.at = net->panels[l] + first * in, .row = width}, into(z, width));
        if (tangents != NULL) {
            product(out, width, in, (a_matrix){.at = net->weights + layer->weights, .row = in, .column = 1},
                    (b_matrix){.at = tangents + first * in, .row = width}, added_to(z, width));
        }
        for (size_t o = 0; o < out; o++) {
            const real shift = layer->has_bias ? bias[o] : 0;
            for (size_t s = 0; s < width; s++) {
                z[o * width + s] = scale * (z[o * width + s] + shift);
            }
        }
        if (layer->is_activated) {
            if (values != z) {
                memcpy(values, z, out * width * sizeof *z);
            }
            multiply_by_slope(net->architecture->spec.activation, 1, net->before[l + 1] + first * out, values,
                              out * width);
        }
    }
}

/* ---- the backward pass of the tangents ---- */

/* product += R(delta) x^T + delta R(x)^T for the weights of dense layer l, and R(delta) for its biases. Both terms are
 * one product of matrices with twice as many rows as there are samples.
 * @param delta  in panels; R(delta) is in net->delta */
static void r_change_dense(hessian *self, size_t l, const real *delta, double *to)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l];
    const size_t in = layer->fan_in, out = layer->out.channels, num = net->count;
    const real *tangents = tangent_panels(self, l), *inputs = self->input_pairs;
    real *deltas = self->delta_pairs;
    panels_to_rows(net->delta, num, out, deltas);
    if (tangents != NULL) {
        panels_to_rows(delta, num, out, deltas + num * out);
        panels_to_rows(net->panels[l], num, in, self->input_pairs);
        panels_to_rows(tangents, num, in, self->input_pairs + num * in);
    } else {
        inputs = net->rows[l];
    }
    update(out, in, tangents != NULL ? 2 * num : num, (a_matrix){.at = deltas, .row = 1, .column = out},
           (b_matrix){.at = inputs, .row = in}, (c_matrix){.master = to + layer->weights, .row = in});
    for (size_t o = 0; layer->has_bias && o < out; o++) {
        real sum = 0;
        for (size_t s = 0; s < num; s++) {
            sum += deltas[s * out + o];
        }
        to[layer->bias + o] += (double)sum;
    }
}

/* Goes backward through the dense layers. net->delta has R(D) of the output, and in the end that of the last image
 * node. */
static void r_backward_dense(hessian *self, double *to)
{
    network *net = &self->network;
    for (size_t l = net->architecture->num_layers; l-- > net->num_image_layers;) {
        const ch_layer *layer = &net->architecture->layers[l];
        real *delta = net->gathered;
        r_through(layer, net->architecture->spec.activation, net->before[l + 1], self->tangents_before[l + 1],
                  self->adjoints[l + 1], delta, net->delta, layer->out.channels * lanes_of(net->count));
        r_change_dense(self, l, delta, to);
        if (l == 0) {
            return;
        }
        panels_below(net, layer, net->weights, net->delta, net->delta_below, false);
        panels_below(net, layer, self->direction, delta, net->delta_below, true);
        real *below = net->delta_below;
        net->delta_below = net->delta;
        net->delta = below;
    }
}

/* Goes backward through convolution l and the pool behind it, for one image.
 * @param r_delta  R(D) of the pool's values; overwritten
 * @param below   out: R(D) of the convolution's input */
static void r_backward_pooled(hessian *self, size_t l, size_t image, real *r_delta, real *below)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l], *pool = layer + 1;
    const pooled_scratch scratch = {net->padded, net->which, net->picked, net->places, net->deltas};
    const size_t at = image * ch_shape_size(pool->in), size = ch_shape_size(pool->out);
    const size_t in_size = ch_shape_size(layer->in);
    const real *tangent = self->tangents[l + 1] + image * size;
    real *delta = self->image_delta, *change = net->change + layer->weights;
    find_winners(pool, net->rows[l + 1] + at, net->rows[l + 2] + image * size, scratch.which);
    pick_winners(pool, scratch.which, net->before[l + 1] + at, scratch.picked);
    r_through(layer, net->architecture->spec.activation, scratch.picked, tangent, self->adjoints[l + 2] + image * size,
              delta, r_delta, size);
    if (layer->has_bias) {
        add_pixels(r_delta, num_pixels(pool->out), layer->out.channels, net->change + layer->bias);
    }
    pooled_change(layer, pool, &scratch, net->rows[l] + image * in_size, r_delta, change);
    if (l == 0) {
        return;
    }
    pooled_change(layer, pool, &scratch, self->tangents[l] + image * in_size, delta, change);
    pooled_below(layer, pool, net->weights + layer->weights, &scratch, r_delta, below);
    pooled_below(layer, pool, self->direction + layer->weights, &scratch, delta, self->spare);
    add_all(below, self->spare, in_size);
}

/* Goes backward through a convolution without a pool: R(delta) is in `r_delta`, delta in self->image_delta. */
static void r_backward_conv(hessian *self, size_t l, size_t first, size_t count, const real *r_delta, real *below)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l];
    const conv_scratch scratch = {net->padded, net->places};
    const size_t at = first * ch_shape_size(layer->in);
    real *change = net->change + layer->weights;
    ch_layer added = *layer;
    added.input_is_added = true;
    conv_change(layer, &scratch, net->rows[l] + at, r_delta, change, count);
    if (l > 0) {
        conv_change(layer, &scratch, self->tangents[l] + at, self->image_delta, change, count);
        conv_below(layer, net->reversed + layer->weights, &scratch, r_delta, below, count);
        conv_below(&added, self->reversed + layer->weights, &scratch, self->image_delta, below, count);
    }
}

static void r_backward_depthwise(hessian *self, size_t l, size_t first, size_t count, const real *r_delta, real *below)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l];
    const conv_scratch scratch = {net->padded, net->places};
    const size_t size = ch_shape_size(layer->in), at = first * size;
    real *change = net->change + layer->weights;
    depthwise_change(layer, &scratch, net->rows[l] + at, r_delta, change, count);
    if (l > 0) {
        depthwise_change(layer, &scratch, self->tangents[l] + at, self->image_delta, change, count);
        depthwise_below(layer, net->weights + layer->weights, net->reversed + layer->weights, r_delta, below, count);
        depthwise_below(layer, self->direction + layer->weights, self->reversed + layer->weights, self->image_delta,
                        self->spare, count);
        add_all(below, self->spare, count * size);
    }
}

/* Goes backward through image layer l for the images first … first + count. net->gradients has R(D) of the nodes. */
static void r_backward_image(hessian *self, size_t l, size_t first, size_t count)
{
    network *net = &self->network;
    const ch_layer *layer = &net->architecture->layers[l];
    const size_t in_size = ch_shape_size(layer->in), out_size = ch_shape_size(layer->out);
    real *r_delta = net->gradients[l + 1], *below = net->gradients[l];
    if (layer->kind == CH_LAYER_POOL) {
        return;
    }
    if (has_pool(net->architecture, l)) {
        const size_t pooled_size = ch_shape_size(layer[1].out);
        for (size_t s = 0; s < count; s++) {
            r_backward_pooled(self, l, first + s, net->gradients[l + 2] + s * pooled_size, below + s * in_size);
        }
        return;
    }
    r_through(layer, net->architecture->spec.activation, net->before[l + 1] + first * out_size,
              self->tangents_before[l + 1] + first * out_size, self->adjoints[l + 1] + first * out_size,
              self->image_delta, r_delta, count * out_size);
    if (layer->has_bias) {
        add_pixels(r_delta, count * num_pixels(layer->out), layer->out.channels, net->change + layer->bias);
    }
    switch (layer->kind) {
    case CH_LAYER_CONV:
        r_backward_conv(self, l, first, count, r_delta, below);
        break;
    case CH_LAYER_DEPTHWISE:
        r_backward_depthwise(self, l, first, count, r_delta, below);
        break;
    case CH_LAYER_MEAN:
        mean_backward(layer, r_delta, below, count);
        break;
    default:
        memcpy(below, r_delta, count * in_size * sizeof *r_delta);
        memcpy(net->gradients[layer->from], r_delta, count * in_size * sizeof *r_delta);
    }
}

/* Goes backward through the image layers. net->delta has R(D) of the last image node, in panels. */
static void r_backward_images(hessian *self, double *to)
{
    network *net = &self->network;
    const size_t top = net->num_image_layers, size = node_size(net->architecture, top), num = image_weights(net);
    panels_to_rows(net->delta, net->count, size, net->input_rows);
    memset(net->change, 0, num * sizeof *net->change);
    for (size_t first = 0; first < net->count; first += net->group) {
        const size_t count = ch_size_min(net->count - first, net->group);
        memcpy(net->gradients[top], net->input_rows + first * size, count * size * sizeof *net->input_rows);
        for (size_t l = top; l-- > 0;) {
            r_backward_image(self, l, first, count);
        }
    }
    for (size_t i = 0; i < num; i++) {
        to[i] += (double)net->change[i];
    }
}

void CH_HESSIAN_(add)(hessian *self, const real *bends, double *to)
{
    network *net = &self->network;
    const ch_architecture *architecture = net->architecture;
    const size_t num = net->count, top = net->num_image_layers;
    for (size_t first = 0; first < num; first += net->group) {
        for (size_t l = 0; l < top; l++) {
            image_tangents(self, l, first, ch_size_min(num - first, net->group));
        }
    }
    if (top > 0) {
        rows_to_panels(self->tangents[top], num, node_size(architecture, top), self->joint);
    }
    for (size_t l = top; l < architecture->num_layers; l++) {
        dense_tangents(self, l);
    }
    const real *outputs = self->tangents[architecture->num_layers];
    for (size_t s = 0; s < lanes_of(num); s++) {
        net->delta[s] = s < num ? bends[s] * outputs[s] : 0;
    }
    r_backward_dense(self, to);
    if (top > 0) {
        r_backward_images(self, to);
    }
}
