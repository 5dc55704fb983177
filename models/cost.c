/* cost.c — the time that the passes of a network are expected to take. */
#include "models/cost.h"

ch_network_cost ch_network_cost_of(const ch_architecture *architecture)
{
    static const double DENSE = 0.01, FILTER = 0.03, WEIGHT = 0.3; /* nanoseconds of a multiply-add, and of a weight */
    ch_network_cost cost = {.move = WEIGHT * (double)architecture->num_weights};
    double pixels = 1, kernel = 1;
    for (size_t l = 0; l < architecture->num_layers; l++) {
        const ch_layer *layer = &architecture->layers[l];
        cost.pass += (layer->kind == CH_LAYER_DENSE ? DENSE : FILTER) * (double)layer->fan_in *
                     (double)ch_shape_size(layer->out);
        pixels = layer->kind == CH_LAYER_MEAN ? (double)(layer->in.rows * layer->in.columns) : pixels;
        kernel = layer->scale * layer->scale * (double)layer->fan_in; /* the last layer's value stays */
    }
    cost.output_kernel = kernel / pixels;
    return cost;
}
