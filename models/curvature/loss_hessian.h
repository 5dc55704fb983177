/* loss_hessian.h — the Hessian of the mean loss of some samples as a map of weight space, in either precision. */
#ifndef CH_LOSS_HESSIAN_H
#define CH_LOSS_HESSIAN_H

#include "models/curvature/spectrum.h"
#include "models/network/hessian.h"

/** Samples with the factors c_i and k_i of models/network/hessian.h. For the mean loss of n samples these are
 *  slopes_i = y_i l'(m_i) / n and bends_i = l''(m_i) / n. All is borrowed. */
typedef struct {
    const float *inputs;   /* [.][dim] */
    const uint32_t *index; /* [count] places of the samples among the inputs */
    size_t count;
    const double *slopes, *bends; /* [count] */
} ch_curved_samples;

/** A network with the samples whose loss it differentiates. */
typedef struct {
    bool is_wide; /* computes in double, else in single precision */
    size_t capacity, num_weights;
    ch_hessian narrow;
    ch_hessian_f64 wide;
    float *numbers;            /* [capacity] factors or outputs in single precision, to work in; owned */
    double *outputs;           /* [capacity] outputs in double precision, to work in; owned */
    ch_curved_samples samples; /* the present samples */
    bool has_passed;           /* whether the workspace has the values of a forward pass of all samples */
    bool is_kept;              /* whether it also has the derivatives of the backward pass */
    const ch_watch *watch;     /* borrowed */
} ch_loss_hessian;

/** @param capacity  samples that pass together
 *  @param watch     its stop flag ends a product; may be NULL
 *  @return CH_OK; CH_ERROR_MEMORY. After an error nothing is left to free. */
ch_code ch_loss_hessian_init(ch_loss_hessian *self, const ch_architecture *architecture, bool is_wide, size_t capacity,
                             const ch_watch *watch, ch_error *err) CH_MUST_CHECK;
void ch_loss_hessian_free(ch_loss_hessian *self);

/** Bytes that ch_loss_hessian_init allocates. */
double ch_loss_hessian_bytes(const ch_architecture *architecture, bool is_wide, size_t capacity);

/** @param weights  [num_weights], copied */
void ch_loss_hessian_set_weights(ch_loss_hessian *self, const double *weights);

/** Sets the samples, after the weights.  @param samples  what it points to must stay while they are used */
void ch_loss_hessian_set_samples(ch_loss_hessian *self, const ch_curved_samples *samples);

/** gradient [num_weights] = sum_i slopes_i grad f(w, x_i).  @return false when stopped */
bool ch_loss_hessian_gradient(ch_loss_hessian *self, double *gradient) CH_MUST_CHECK;

/** product [num_weights] = H v.  @return false when stopped, or where a number or the norm is not finite */
bool ch_loss_hessian_product(ch_loss_hessian *self, const double *v, double *product) CH_MUST_CHECK;

/** The map v -> H v; borrows `self`. */
ch_symmetric_map ch_loss_hessian_map(ch_loss_hessian *self);

#endif
