/* first_layer_body.h — the forward pass by sums that are kept; part of network_f32.c. */
#include "models/first_layer.h"

/* Places 0 … count by what the samples' sums lack: stale ones first, then from most to fewest terms, so that those of a
 * panel lack about as many. Returns the number of stale ones. */
static size_t sort_by_lack(const ch_first_layer *kept, const uint32_t *index, size_t count, uint32_t *order)
{
    size_t next[FIRST_LAYER_TERMS + 2] = {0}; /* by most + 1 - lack, where a stale one lacks most + 1 */
    const size_t most = kept->most_terms;
    size_t num_stale = 0;
    for (size_t i = 0; i < count; i++) {
        const bool is_stale = ch_first_layer_is_stale(kept, index[i]);
        const size_t key = is_stale ? 0 : most + 1 - (size_t)ch_first_layer_lacks(kept, index[i]);
        num_stale += is_stale;
        if (key <= most) {
            next[key + 1]++;
        }
    }
    for (size_t key = 1; key <= most + 1; key++) {
        next[key] += next[key - 1];
    }
    for (size_t i = 0; i < count; i++) {
        const bool is_stale = ch_first_layer_is_stale(kept, index[i]);
        const size_t key = is_stale ? 0 : most + 1 - (size_t)ch_first_layer_lacks(kept, index[i]);
        order[next[key]++] = (uint32_t)i;
    }
    return num_stale;
}

/* A panel of samples, sorted as above. */
typedef struct {
    const uint32_t *order; /* [used] places of its samples in the list */
    size_t used, width;    /* samples, lanes */
    size_t num_stale;      /* the first of them */
} sorted_panel;

/* products [terms][width]: x_k . x of the last terms, from a sample's first missing one on, before that 0. The samples
 * are read where they lie. */
static void find_products(const ch_first_layer *kept, const float *inputs, const uint32_t *index,
                          const sorted_panel *panel, size_t terms, real *products)
{
    real by_sample[PANEL * FIRST_LAYER_TERMS];
    size_t places[PANEL];
    for (size_t s = 0; s < panel->used; s++) {
        places[s] = index[panel->order[s]] * kept->num_inputs;
    }
    product(panel->used, terms, kept->num_inputs,
            (matrix){.at = inputs, .row = 0, .column = 1, .places = places, .group = 1},
            (lines){.at = kept->inputs + kept->num_listed - terms, .row = 2 * kept->most_terms, .is_open = true},
            into(by_sample, FIRST_LAYER_TERMS));
    for (size_t s = panel->num_stale; s < panel->used; s++) {
        const size_t there = terms - (size_t)ch_first_layer_lacks(kept, index[panel->order[s]]);
        memset(by_sample + s * FIRST_LAYER_TERMS, 0, there * sizeof *by_sample);
    }
    transpose_to_lanes(by_sample, FIRST_LAYER_TERMS, panel->used, terms, products, panel->width);
}

/* sums [m][width] = kept ones + sum over terms k of delta_k (x_k . x) */
static void bring_up_to_date(network *self, const ch_first_layer *kept, const float *inputs, const uint32_t *index,
                             const sorted_panel *panel, real *sums)
{
    const size_t out = kept->num_outputs, width = panel->width;
    const size_t terms = (size_t)ch_first_layer_lacks(kept, index[panel->order[panel->num_stale]]);
    real products[FIRST_LAYER_TERMS * PANEL], *rows = self->delta; /* which a backward pass would use */
    for (size_t s = 0; s < panel->used; s++) {
        memcpy(rows + s * out, kept->sums + index[panel->order[s]] * out, out * sizeof *rows);
    }
    transpose_to_lanes(rows, out, panel->used, out, sums, width);
    if (terms == 0) {
        return;
    }
    find_products(kept, inputs, index, panel, terms, products);
    product(out, width, terms, (matrix){.at = kept->deltas + (kept->num_listed - terms) * out, .row = 1, .column = out},
            (lines){.at = products, .row = width}, added_to(sums, width));
}

/* Sums made anew, of the stale samples of the panel from sample `first` on. */
static void make_anew(network *self, const float *inputs, const uint32_t *index, const sorted_panel *panel,
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

/* Sums of the panel from sample `first` on, [m][width]. */
static void first_sums(network *self, const ch_first_layer *kept, const float *inputs, const uint32_t *index,
                       const sorted_panel *panel, size_t first, real *sums)
{
    const size_t width = panel->width, num_stale = panel->num_stale;
    real *others = num_stale > 0 ? self->gathered : sums;
    if (num_stale > 0) {
        make_anew(self, inputs, index, panel, first, sums);
    }
    if (num_stale < panel->used) {
        bring_up_to_date(self, kept, inputs, index, panel, others);
    }
    for (size_t o = 0; num_stale > 0 && num_stale < panel->used && o < kept->num_outputs; o++) {
        memcpy(sums + o * width + num_stale, others + o * width + num_stale, (width - num_stale) * sizeof *sums);
    }
}

/* The panel's sums to where its samples are in the list. */
static void hand_out(network *self, const sorted_panel *panel, size_t size, const real *sums, real *to)
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
    const size_t num_stale = sort_by_lack(self, index, count, net->order);
    net->count = count;
    for (size_t first = 0; first < count; first += PANEL) {
        const size_t width = panel_width(count, first), used = at_most(count - first, width);
        const sorted_panel panel = {
            .order = net->order + first,
            .used = used,
            .width = width,
            .num_stale = num_stale > first ? at_most(num_stale - first, used) : 0,
        };
        real *panel_sums = net->before[1] + first * out;
        first_sums(net, self, inputs, index, &panel, first, panel_sums);
        hand_out(net, &panel, out, panel_sums, sums);
        finish_panel(net, 0, first, width);
    }
    for (size_t l = 1; l < last; l++) {
        dense_forward(net, l);
    }
    for (size_t s = 0; s < count; s++) {
        outputs[net->order[s]] = net->panels[last][s];
    }
}

/* Room for one more, the last most_terms kept. */
static void make_term_room(ch_first_layer *self)
{
    const size_t most = self->most_terms, out = self->num_outputs;
    if (self->num_listed < 2 * most) {
        return;
    }
    for (size_t j = 0; j < self->num_inputs; j++) {
        real *line = self->inputs + j * 2 * most;
        memcpy(line, line + most, most * sizeof *line);
    }
    memcpy(self->deltas, self->deltas + most * out, most * out * sizeof *self->deltas);
    self->num_listed = most;
}

/* Notes the terms of the update just made. */
static void note_terms(ch_first_layer *self, const network *net)
{
    const size_t in = self->num_inputs, out = self->num_outputs;
    if (net->num_active > self->most_terms) {
        ch_first_layer_forget(self);
        return;
    }
    for (size_t s = 0; s < net->num_active; s++, self->num_listed++, self->num_terms++) {
        const real *input = net->rows[0] + net->active[s] * in;
        make_term_room(self);
        for (size_t j = 0; j < in; j++) {
            self->inputs[j * 2 * self->most_terms + self->num_listed] = input[j];
        }
        memcpy(self->deltas + self->num_listed * out, net->delta_rows + s * out, out * sizeof *self->deltas);
    }
}

void ch_first_layer_update(ch_first_layer *self, ch_network *net, const float *inputs, const uint32_t *index,
                           const float *coefficients)
{
    real *sorted = net->gathered; /* which the backward pass needs later */
    for (size_t s = 0; s < net->count; s++) {
        const uint32_t place = net->order[s];
        sorted[s] = coefficients[place];
        if (sorted[s] != 0) {
            take_input(net, s, inputs + index[place] * self->num_inputs, NULL);
        }
    }
    CH_NETWORK_(update)(net, sorted);
    note_terms(self, net);
}
