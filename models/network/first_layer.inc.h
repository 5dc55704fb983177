/* first_layer.inc.h — the forward pass from lookahead sums; a template that network_f32.c includes. */
#include "models/network/first_layer.h"

/* The sorting key of a sample: 0 where its sums are computed from scratch, else most_terms + 1 less the number of terms
 * that they lack. */
static size_t lack_key(const ch_first_layer *stored, uint32_t sample)
{
    const size_t last = stored->most_terms + 1;
    return ch_first_layer_is_stale(stored, sample) ? 0 : last - (size_t)ch_first_layer_lacks(stored, sample);
}

/* Sorts the places 0 … count by the number of terms that the samples' sums lack, the most first, so that the samples of
 * a panel lack about as many. Stale samples, whose sums are computed from scratch, come before all others.
 * @return the number of stale samples */
static size_t sort_by_lack(const ch_first_layer *stored, const uint32_t *index, size_t count, uint32_t *order)
{
    size_t next[FIRST_LAYER_TERMS + 3] = {0}; /* where the next sample of that key goes */
    for (size_t i = 0; i < count; i++) {
        next[lack_key(stored, index[i]) + 1]++;
    }
    const size_t num_stale = next[1];
    for (size_t key = 1; key < FIRST_LAYER_TERMS + 3; key++) {
        next[key] += next[key - 1];
    }
    for (size_t i = 0; i < count; i++) {
        order[next[lack_key(stored, index[i])]++] = (uint32_t)i;
    }
    return num_stale;
}

/* A panel of samples in the order of sort_by_lack. */
typedef struct {
    const uint32_t *order; /* [used] the places of its samples in the caller's list */
    size_t used, width;    /* its number of samples and of lanes */
    size_t num_stale;      /* stale samples, which come first */
} sorted_panel;

/* products [terms][width] = x_k . x for the latest terms k and the samples x of the panel. Terms that a sample's sums
 * have already get 0. */
static void find_products(const ch_first_layer *stored, const float *inputs, const uint32_t *index,
                          const sorted_panel *panel, size_t terms, real *products)
{
    real by_sample[PANEL * FIRST_LAYER_TERMS];
    size_t places[PANEL];
    for (size_t s = 0; s < panel->used; s++) {
        places[s] = index[panel->order[s]] * stored->num_inputs;
    }
    product(
        panel->used, terms, stored->num_inputs,
        (a_matrix){.at = inputs, .row = 0, .column = 1, .places = places, .group = 1},
        (b_matrix){.at = stored->inputs + stored->num_listed - terms, .row = 2 * stored->most_terms, .is_open = true},
        into(by_sample, FIRST_LAYER_TERMS));
    for (size_t s = panel->num_stale; s < panel->used; s++) {
        const size_t there = terms - (size_t)ch_first_layer_lacks(stored, index[panel->order[s]]);
        memset(by_sample + s * FIRST_LAYER_TERMS, 0, there * sizeof *by_sample);
    }
    transpose_to_lanes(by_sample, FIRST_LAYER_TERMS, panel->used, terms, products, panel->width);
}

/* sums [m][width] = stored sums + sum over the lacking terms k of delta_k (x_k . x) */
static void bring_up_to_date(network *self, const ch_first_layer *stored, const float *inputs, const uint32_t *index,
                             const sorted_panel *panel, real *sums)
{
    const size_t out = stored->num_outputs, width = panel->width;
    const size_t terms = (size_t)ch_first_layer_lacks(stored, index[panel->order[panel->num_stale]]);
    real products[FIRST_LAYER_TERMS * PANEL], *rows = self->delta; /* free, as no backward pass follows */
    for (size_t s = 0; s < panel->used; s++) {
        memcpy(rows + s * out, stored->sums + index[panel->order[s]] * out, out * sizeof *rows);
    }
    transpose_to_lanes(rows, out, panel->used, out, sums, width);
    if (terms == 0) {
        return;
    }
    find_products(stored, inputs, index, panel, terms, products);
    product(out, width, terms,
            (a_matrix){.at = stored->deltas + (stored->num_listed - terms) * out, .row = 1, .column = out},
            (b_matrix){.at = products, .row = width}, added_to(sums, width));
}

/* Computes the sums of the panel's stale samples from scratch. */
static void compute_stale(network *self, const float *inputs, const uint32_t *index, const sorted_panel *panel,
                          size_t first, real *sums)
{
    const size_t in = self->architecture->dim;
    for (size_t s = 0; s < panel->num_stale; s++) {
        take_input(self, first + s, inputs + index[panel->order[s]] * in, NULL);
    }
    transpose_to_lanes(self->rows[0] + first * in, in, panel->num_stale, in, self->panels[0] + first * in,
                       panel->width);
    dense_sums(self, 0, first, panel->width, sums);
}

/* Computes sums [m][width] of the panel that begins with sample `first` of the order. */
static void first_sums(network *self, const ch_first_layer *stored, const float *inputs, const uint32_t *index,
                       const sorted_panel *panel, size_t first, real *sums)
{
    const size_t width = panel->width, num_stale = panel->num_stale;
    real *others = num_stale > 0 ? self->gathered : sums;
    if (num_stale > 0) {
        compute_stale(self, inputs, index, panel, first, sums);
    }
    if (num_stale < panel->used) {
        bring_up_to_date(self, stored, inputs, index, panel, others);
    }
    for (size_t o = 0; num_stale > 0 && num_stale < panel->used && o < stored->num_outputs; o++) {
        memcpy(sums + o * width + num_stale, others + o * width + num_stale, (width - num_stale) * sizeof *sums);
    }
}

/* Copies the panel's sums to the places of its samples in the caller's list. */
static void distribute(network *self, const sorted_panel *panel, size_t size, const real *sums, real *to)
{
    real *rows = self->delta;
    transpose_from_lanes(sums, panel->width, size, panel->used, rows, size);
    for (size_t s = 0; s < panel->used; s++) {
        memcpy(to + panel->order[s] * size, rows + s * size, size * sizeof *rows);
    }
}

void ch_first_layer_forward(const ch_first_layer *self, ch_network *net, const float *inputs, const uint32_t *index,
                            size_t count, float *sums, float *outputs)
{
    const size_t out = self->num_outputs, last = net->architecture->num_layers;
    uint32_t *order = net->active; /* free, as no backward pass follows */
    const size_t num_stale = sort_by_lack(self, index, count, order);
    if (num_stale > 0) {
        ch_network_commit(net);
    }
    net->count = count;
    for (size_t first = 0; first < count; first += PANEL) {
        const size_t width = panel_width(count, first), used = ch_size_min(count - first, width);
        const sorted_panel panel = {
            .order = order + first,
            .used = used,
            .width = width,
            .num_stale = num_stale > first ? ch_size_min(num_stale - first, used) : 0,
        };
        real *panel_sums = net->before[1] + first * out;
        first_sums(net, self, inputs, index, &panel, first, panel_sums);
        distribute(net, &panel, out, panel_sums, sums);
        finish_panel(net, 0, first, width);
    }
    for (size_t l = 1; l < last; l++) {
        dense_forward(net, l);
    }
    for (size_t s = 0; s < count; s++) {
        outputs[order[s]] = net->panels[last][s];
    }
}
