/* backward.inc.h — the backward pass in either precision; part of network.inc.h.
 *
 * The pass differentiates S = sum_i c_i f(w, x_i). Only the active samples take part, those with c_i != 0. It goes
 * through the dense layers with all active samples together, and then through the image layers with runs of
 * neighbouring samples. delta is dS/dz, z a layer's values before the activation, times the layer's scale.
 */

/* Copies the active samples' numbers from the panels of all samples to rows [num_active][size]. */
static void gather_rows(const network *self, const real *panels, size_t size, real *rows)
{
    for (size_t s = 0; s < self->num_active; s++) {
        size_t width;
        const real *from = panel_lane(panels, self->count, size, self->active[s], &width);
        for (size_t i = 0; i < size; i++) {
            rows[s * size + i] = from[i * width];
        }
    }
}

/* Copies the active samples' numbers from the panels of all samples to panels of their own. */
static void gather_panels(const network *self, const real *panels, size_t size, real *gathered)
{
    const size_t num = self->num_active;
    for (size_t first = 0; first < num; first += PANEL) {
        const size_t width = panel_width(num, first), used = ch_size_min(num - first, width);
        real *to = gathered + first * size;
        memset(to, 0, width * size * sizeof *to);
        for (size_t s = 0; s < used; s++) {
            size_t from_width;
            const real *from = panel_lane(panels, self->count, size, self->active[first + s], &from_width);
            for (size_t i = 0; i < size; i++) {
                to[i * width + s] = from[i * from_width];
            }
        }
    }
}

/* Where the gradient goes: into one of the first two, or with both NULL into the weights. */
typedef struct {
    double *gradient; /* [num_weights] the gradient of S is added here */
    real *samples;    /* [num_active][row] each active sample's gradient is stored here */
    size_t row;       /* num_weights; or the number of weights of the image layers, which come first */
    /* [num_weights] v <- keep v + gradient moves the weights in place of the gradient; NULL: it does not */
    real *velocity;
    real keep;
} sink;

/* Moves one weight by its velocity, which gains a gradient. */
static inline void move_weight(network *self, const sink *to, size_t i, real gradient)
{
    to->velocity[i] = to->keep * to->velocity[i] + gradient;
    self->master[i] += (double)to->velocity[i];
    self->weights[i] = (real)self->master[i];
}

/* Stores the gradient by W and b of a dense layer of each sample. */
static void store_gradients(network *self, const ch_layer *layer, const real *inputs, const sink *to)
{
    const size_t in = layer->fan_in, out = layer->out.channels;
    const real *deltas = self->delta_rows;
    for (size_t s = 0; s < self->num_active; s++, deltas += out) {
        real *gradient = to->samples + s * to->row;
        product(out, in, 1, (a_matrix){.at = deltas, .row = 1, .column = out},
                (b_matrix){.at = inputs + s * in, .row = in}, into(gradient + layer->weights, in));
        if (layer->has_bias) {
            memcpy(gradient + layer->bias, deltas, out * sizeof *gradient);
        }
    }
}

/* Changes W of a dense layer by sum over s of delta_s x_s^T. */
static void change_weights(network *self, const ch_layer *layer, const real *inputs, const sink *to)
{
    const size_t in = layer->fan_in, out = layer->out.channels, num = self->num_active;
    const bool is_update = to->gradient == NULL && to->velocity == NULL;
    if (is_update && self->num_deferred == 0 && is_deferrable(self, layer)) {
        defer(self, inputs);
        return;
    }
    if (to->gradient == NULL && layer == self->architecture->layers) {
        CH_NETWORK_(commit)(self);
    }
    c_matrix change = {.master = (to->gradient != NULL ? to->gradient : self->master) + layer->weights, .row = in};
    change.values = to->gradient != NULL ? NULL : self->weights + layer->weights;
    change.velocity = to->velocity != NULL ? to->velocity + layer->weights : NULL;
    change.keep = to->keep;
    update(out, in, num, (a_matrix){.at = self->delta_rows, .row = 1, .column = out},
           (b_matrix){.at = inputs, .row = in}, change);
}

/* Changes b of a dense layer by sum over s of delta_s. */
static void change_biases(network *self, const ch_layer *layer, const sink *to)
{
    const size_t out = layer->out.channels;
    double *sums = to->gradient != NULL ? to->gradient : self->master;
    for (size_t o = 0; o < out; o++) {
        real sum = 0;
        for (size_t s = 0; s < self->num_active; s++) {
            sum += self->delta_rows[s * out + o];
        }
        if (to->velocity != NULL) {
            move_weight(self, to, layer->bias + o, sum);
            continue;
        }
        sums[layer->bias + o] += (double)sum;
        if (to->gradient == NULL) {
            self->weights[layer->bias + o] = (real)sums[layer->bias + o];
        }
    }
}

/* Changes W and b of a dense layer, or stores gradients by them.
 * @param inputs  [num_active][n]; the deltas are self->delta_rows [num_active][m] */
static void dense_change(network *self, const ch_layer *layer, const real *inputs, const sink *to)
{
    if (to->samples != NULL) {
        store_gradients(self, layer, inputs, to);
        return;
    }
    change_weights(self, layer, inputs, to);
    if (layer->has_bias) {
        change_biases(self, layer, to);
    }
}

/* Turns the derivatives by dense layer l's values into delta: multiplies them by scale phi'(z). */
static void dense_through_activation(network *self, size_t l)
{
    const ch_layer *layer = &self->architecture->layers[l];
    const size_t total = layer->out.channels * lanes_of(self->num_active);
    if (layer->is_activated) {
        const real *z = self->before[l + 1];
        if (self->num_active < self->count) {
            gather_panels(self, z, layer->out.channels, self->gathered);
            z = self->gathered;
        }
        multiply_by_slope(self->architecture->spec.activation, layer->scale, z, self->delta, total);
    }
    for (size_t i = 0; !layer->is_activated && i < total; i++) {
        self->delta[i] *= (real)layer->scale;
    }
}

/* The input of dense layer l, in rows [num_active][n] of the active samples. */
static const real *dense_inputs(network *self, size_t l)
{
    const size_t size = self->architecture->layers[l].fan_in, num = self->num_active;
    const bool is_whole = num == self->count;
    if (self->rows[l] == NULL) {
        if (is_whole) {
            panels_to_rows(self->panels[l], num, size, self->input_rows);
        } else {
            gather_rows(self, self->panels[l], size, self->input_rows);
        }
        return self->input_rows;
    }
    for (size_t s = 0; !is_whole && s < num; s++) {
        memcpy(self->input_rows + s * size, self->rows[l] + self->active[s] * size, size * sizeof *self->input_rows);
    }
    return is_whole ? self->rows[l] : self->input_rows;
}

/* delta_below = W^T delta. delta_rows has the same numbers as delta. */
static void dense_below(network *self, const ch_layer *layer)
{
    const size_t in = layer->fan_in, out = layer->out.channels, num = self->num_active;
    const real *weights = self->weights + layer->weights;
    if (num <= FEW_SAMPLES) {
        few_below(num, out, in, weights, self->delta_rows, self->input_rows);
        rows_to_panels(self->input_rows, num, in, self->delta_below);
        return;
    }
    for (size_t first = 0; first < num; first += PANEL) {
        const size_t width = panel_width(num, first);
        product(in, width, out, (a_matrix){.at = weights, .row = 1, .column = in},
                (b_matrix){.at = self->delta + first * out, .row = width}, into(self->delta_below + first * in, width));
    }
}

static void dense_backward(network *self, const sink *to)
{
    for (size_t l = self->architecture->num_layers; l-- > self->num_image_layers;) {
        const ch_layer *layer = &self->architecture->layers[l];
        dense_through_activation(self, l);
        panels_to_rows(self->delta, self->num_active, layer->out.channels, self->delta_rows);
        if (l > 0) {
            dense_below(self, layer);
        }
        if (to->samples == NULL || to->row > layer->weights) {
            dense_change(self, layer, dense_inputs(self, l), to);
        }
        real *below = self->delta_below;
        self->delta_below = self->delta;
        self->delta = below;
    }
}

/* bias [channel] += sum over pixels of delta [pixel][channel] */
static void add_pixels(const real *delta, size_t pixels, size_t channels, real *bias)
{
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES) {
        vector sum = load(bias + c);
        for (size_t p = 0; p < pixels; p++) {
            sum += load(delta + p * channels + c);
        }
        store(bias + c, sum);
    }
    for (; c < channels; c++) {
        for (size_t p = 0; p < pixels; p++) {
            bias[c] += delta[p * channels + c];
        }
    }
}

/* Turns the derivatives by some pixels' values into delta: multiplies them by scale phi'(z). Adds their sum to bias. */
static void through_activation(const network *self, const ch_layer *layer, const real *z, real *delta, size_t pixels,
                               real *bias)
{
    const size_t total = pixels * layer->out.channels;
    if (layer->is_activated) {
        multiply_by_slope(self->architecture->spec.activation, layer->scale, z, delta, total);
    }
    for (size_t i = 0; !layer->is_activated && i < total; i++) {
        delta[i] *= (real)layer->scale;
    }
    if (layer->has_bias) {
        add_pixels(delta, pixels, layer->out.channels, bias);
    }
}

/* Does for convolution l and the pool behind it, and one image, what image_backward does for a layer.
 * @param delta  derivatives by the pool's values; overwritten */
static void pooled_backward(network *self, size_t l, size_t image, real *delta, real *gradient, real *change)
{
    const ch_layer *layer = &self->architecture->layers[l], *pool = layer + 1;
    const pooled_scratch scratch = {self->padded, self->which, self->picked, self->places, self->deltas};
    const size_t at = image * ch_shape_size(pool->in);
    const real *values = self->rows[l + 1] + at, *before = self->before[l + 1] + at;
    const real *pooled = self->rows[l + 2] + image * ch_shape_size(pool->out), *z = pooled;
    find_winners(pool, values, pooled, scratch.which);
    if (before != values) {
        pick_winners(pool, scratch.which, before, scratch.picked);
        z = scratch.picked;
    }
    through_activation(self, layer, z, delta, num_pixels(pool->out), change + layer->bias);
    pooled_change(layer, pool, &scratch, self->rows[l] + image * ch_shape_size(layer->in), delta,
                  change + layer->weights);
    if (l > 0) {
        pooled_below(layer, pool, self->weights + layer->weights, &scratch, delta, gradient);
    }
}

/* Goes backward through image layer l for the images first … first + count: change += gradient by the layer's weights,
 * and the derivatives by its input are set. A pool is passed together with the convolution before it. */
static void image_backward(network *self, size_t l, size_t first, size_t count, real *change)
{
    const ch_layer *layer = &self->architecture->layers[l];
    const size_t in_size = ch_shape_size(layer->in), out_size = ch_shape_size(layer->out);
    const real *in = self->rows[l] + first * in_size;
    real *delta = self->gradients[l + 1], *gradient = self->gradients[l];
    const conv_scratch scratch = {self->padded, self->places};
    if (layer->kind == CH_LAYER_POOL) {
        return;
    }
    if (has_pool(self->architecture, l)) {
        const size_t pooled_size = ch_shape_size(layer[1].out);
        for (size_t s = 0; s < count; s++) {
            pooled_backward(self, l, first + s, self->gradients[l + 2] + s * pooled_size, gradient + s * in_size,
                            change);
        }
        return;
    }
    through_activation(self, layer, self->before[l + 1] + first * out_size, delta, count * num_pixels(layer->out),
                       change + layer->bias);
    switch (layer->kind) {
    case CH_LAYER_CONV:
        conv_change(layer, &scratch, in, delta, change + layer->weights, count);
        if (l > 0) {
            conv_below(layer, self->reversed + layer->weights, &scratch, delta, gradient, count);
        }
        break;
    case CH_LAYER_DEPTHWISE:
        depthwise_change(layer, &scratch, in, delta, change + layer->weights, count);
        depthwise_below(layer, self->weights + layer->weights, self->reversed + layer->weights, delta, gradient, count);
        break;
    case CH_LAYER_MEAN:
        mean_backward(layer, delta, gradient, count);
        break;
    default:
        memcpy(gradient, delta, count * in_size * sizeof *delta);
        memcpy(self->gradients[layer->from], delta, count * in_size * sizeof *delta);
    }
}

/* The number of active samples from the k-th on that are neighbours, at most `most`. */
static size_t run_from(const network *self, size_t k, size_t most)
{
    size_t length = 1;
    while (length < most && k + length < self->num_active &&
           self->active[k + length] == self->active[k] + (uint32_t)length) {
        length++;
    }
    return length;
}

/* Goes backward through all image layers. self->delta has the derivatives by the values of the last one, in panels. */
static void images_backward(network *self, const sink *to)
{
    const size_t top = self->num_image_layers, size = node_size(self->architecture, top), num = image_weights(self);
    panels_to_rows(self->delta, self->num_active, size,
                   self->input_rows); /* the dense layers no longer need these rows */
    if (to->samples == NULL) {
        memset(self->change, 0, num * sizeof *self->change);
    }
    for (size_t k = 0, length; k < self->num_active; k += length) {
        real *change = self->change;
        length = run_from(self, k, to->samples != NULL ? 1 : self->group);
        if (to->samples != NULL) {
            change = to->samples + k * to->row;
            memset(change, 0, num * sizeof *change);
        }
        memcpy(self->gradients[top], self->input_rows + k * size, length * size * sizeof *self->input_rows);
        for (size_t l = top; l-- > 0;) {
            image_backward(self, l, self->active[k], length, change);
        }
    }
}

/* Adds the change of the image layers to the gradient or to the weights. */
static void put_image_change(network *self, const sink *to)
{
    double *sums = to->gradient != NULL ? to->gradient : self->master;
    const size_t num = image_weights(self);
    for (size_t i = 0; i < num; i++) {
        if (to->velocity != NULL) {
            move_weight(self, to, i, self->change[i]);
        } else {
            sums[i] += (double)self->change[i];
        }
    }
    if (to->gradient == NULL) {
        round_weights(self, num);
    }
}

/* @param coefficients  [count of the last forward pass]; NULL: all are 1 */
static void backward(network *self, const real *coefficients, const sink *to)
{
    self->num_active = 0;
    for (size_t s = 0; s < self->count; s++) {
        const real c = coefficients != NULL ? coefficients[s] : 1;
        if (c != 0) {
            self->delta[self->num_active] = c;
            self->active[self->num_active++] = (uint32_t)s;
        }
    }
    if (self->num_active == 0) {
        return;
    }
    for (size_t s = self->num_active; s < lanes_of(self->num_active); s++) {
        self->delta[s] = 0;
    }
    dense_backward(self, to);
    if (self->num_image_layers > 0) {
        images_backward(self, to);
        if (to->samples == NULL) {
            put_image_change(self, to);
        }
    }
}

void CH_NETWORK_(gradient)(network *self, const real *coefficients, double *gradient)
{
    backward(self, coefficients, &(sink){.gradient = gradient});
}

void CH_NETWORK_(sample_gradients)(network *self, real *gradients)
{
    backward(self, NULL, &(sink){.samples = gradients, .row = self->architecture->num_weights});
}

void CH_NETWORK_(image_gradients)(network *self, real *gradients)
{
    backward(self, NULL, &(sink){.samples = gradients, .row = image_weights(self)});
}

void CH_NETWORK_(update)(network *self, const real *coefficients)
{
    backward(self, coefficients, &(sink){0});
}

void CH_NETWORK_(move)(network *self, const real *coefficients, real keep, real *velocity)
{
    const sink to = {.velocity = velocity, .keep = keep};
    backward(self, coefficients, &to);
    if (self->num_active > 0) {
        return;
    }
    const size_t num = self->architecture->num_weights;
    for (size_t i = 0; i < num; i++) {
        velocity[i] *= keep;
        self->master[i] += (double)velocity[i];
    }
    round_weights(self, num);
}
