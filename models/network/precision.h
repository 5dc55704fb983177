/* precision.h — a network in either precision behind one interface, whose numbers are doubles. */
#ifndef CH_PASSES_H
#define CH_PASSES_H

#include "models/network/first_layer.h"

#include <stdbool.h>

/** A network and its workspace. */
typedef struct {
    bool is_wide; /* computes in double, else in single precision */
    size_t count; /* of the last forward pass */
    ch_network narrow;
    ch_network_f64 wide;
    float *numbers; /* [capacity] outputs or coefficients in single precision, to work in; owned */
    /* v [num_weights], in the precision of the passes; the other is NULL, and so are both without momentum; owned */
    float *velocity;
    double *wide_velocity;
} ch_passes;

/** A network in the precision that is asked for, with weights 0.
 *  @param is_wide   double precision, else single
 *  @param capacity  samples of a forward pass, at most
 *  @return as ch_network_init */
ch_code ch_passes_init(ch_passes *self, const ch_architecture *architecture, bool is_wide, size_t capacity,
                       ch_error *err) CH_MUST_CHECK;
void ch_passes_free(ch_passes *self);

/** Gives the network a velocity v = 0 for ch_passes_move.
 *  @return CH_OK; CH_ERROR_MEMORY */
ch_code ch_passes_init_velocity(ch_passes *self, ch_error *err) CH_MUST_CHECK;

/** Bytes that ch_passes_init_velocity allocates. */
double ch_passes_velocity_bytes(const ch_architecture *architecture, bool is_wide);

/** Bytes that ch_passes_init allocates; SIZE_MAX when that overflows. */
size_t ch_passes_bytes(const ch_architecture *architecture, bool is_wide, size_t capacity);

/** Approximate bytes that one sample takes in a pass, from which the number of samples that pass together is chosen. */
size_t ch_passes_sample_bytes(const ch_architecture *architecture, bool is_wide);

/** As ch_network_set_weights and ch_network_weights. */
void ch_passes_set_weights(ch_passes *self, const double *weights);
const double *ch_passes_weights(ch_passes *self);

/** As ch_network_forward. @param outputs  out [count] */
void ch_passes_forward(ch_passes *self, const float *inputs, const uint32_t *index, size_t count, double *outputs);

/** As ch_first_layer_forward, of a network in single precision; no gradient or update may follow.
 *  @param outputs  out [count] */
void ch_passes_forward_by_sums(ch_passes *self, const ch_first_layer *stored, const float *inputs,
                               const uint32_t *index, size_t count, float *sums, double *outputs);

/** As ch_network_gradient and ch_network_update. @param coefficients  [count of the last forward pass] */
void ch_passes_gradient(ch_passes *self, const double *coefficients, double *gradient);
void ch_passes_update(ch_passes *self, const double *coefficients);

/** As ch_network_move.
 *  @param keep  mu */
void ch_passes_move(ch_passes *self, const double *coefficients, double keep);

/** v <- keep v + sum, w <- w + v.  @param sum  [num_weights] */
void ch_passes_move_by(ch_passes *self, const double *sum, double keep);

/** v <- keep v + pull (w - start).  @param start  [num_weights] */
void ch_passes_pull(ch_passes *self, const float *start, double pull, double keep);

#endif
