/* hessian.h — products of a network's second derivatives with a direction, in single precision and in double by the
 * same code.
 *
 * Of samples x_i, with factors c_i and k_i, a direction v in weight space gets the product
 *
 *   sum_i [ c_i (grad grad^T f(w, x_i)) v + k_i (grad f(w, x_i) . v) grad f(w, x_i) ].
 *
 * With c_i = y l'(m_i) / n and k_i = l''(m_i) / n that is H v, H the Hessian of the mean loss of n samples.
 *
 * It is exact: the directional derivative along v of every number of a forward and of a backward pass is taken by the
 * rules of differentiation (Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994)).
 * relu has no second derivative at its kink; it counts as 0, and so does a change of a pool's winner.
 *
 * Cost, in multiply-adds, of a layer with n inputs and m outputs: the forward and the backward pass at w take n m each
 * and are made once for all directions. A direction takes 6 n m, and 2 n m in the first layer. A gradient takes 3 n m
 * in all, and 2 n m in the first layer. Of a convolution that a pool follows, all but the forward pass at w takes only
 * the pixels that are the largest of their cell of the pool, which are a quarter. */
#ifndef CH_HESSIAN_H
#define CH_HESSIAN_H

#include "models/network/network.h"

/* For each precision (names of the single one here; the double one's begin with ch_hessian_f64_, and real is double):

   ch_code ch_hessian_init(ch_hessian *self, const ch_architecture *architecture, size_t capacity, ch_error *err);
       Workspace for `capacity` >= 1 samples at a time; weights all 0. The architecture is borrowed. After an error
       nothing is left to free.
       CH_ERROR_INPUT for a capacity of 0; CH_ERROR_MEMORY.
   void ch_hessian_free(ch_hessian *self);
   double ch_hessian_bytes(const ch_architecture *architecture, size_t capacity);
       Bytes that ch_hessian_init allocates.

   Weights, forward passes, outputs and gradients are those of the member `network`: ch_network_set_weights,
   ch_network_forward, ch_network_gradient. After a forward pass:

   void ch_hessian_set(ch_hessian *self, const real *slopes);
       Computes the derivatives of sum_i c_i f(w, x_i) by the values of all nodes, from slopes [count]: c_i of the
       samples of the last forward pass.
   void ch_hessian_point(ch_hessian *self, const double *direction);
       Sets v, direction [num_weights], which is rounded to the precision. It stays when samples or weights change.
   void ch_hessian_add(ch_hessian *self, const real *bends, double *product);
       product [num_weights] += the product above; bends [count]: k_i. Both functions above must have been called; it
       may be called again, for the same v or another. */

#define CH_HESSIAN_DECLARE(hessian, of_network, real)                                                                  \
    typedef struct {                                                                                                   \
        of_network network;     /* the weights, and the values of all nodes; owned */                                  \
        real *direction;        /* [num_weights] v */                                                                  \
        real *transposed;       /* that of the image layers, a convolution as [row][column][in][out] */                \
        real *reversed;         /* the same with the taps in reversed order, as [row][column][out][in] */              \
        real **tangents;        /* [num_layers + 1] derivatives along v of the values of a node, in their layout; */   \
                                /* NULL of the input, which does not move */                                           \
        real **tangents_before; /* [num_layers + 1] the same before the activation; for relu the same memory */        \
        real **adjoints;        /* [num_layers + 1] derivatives by the values of a node; NULL of the input and of */   \
                                /* the input of a pool */                                                              \
        real *tangent_values, *before_values, *adjoint_values; /* memory of all nodes, of which they have parts */     \
        real *joint;                                           /* the tangents of the last image node, in panels */    \
        real *image_delta, *spare;                             /* `group` images of one node each */                   \
        real *delta_pairs, *input_pairs; /* [2 count][number] the two factors of a dense layer's change */             \
    } hessian;                                                                                                         \
    ch_code hessian##_init(hessian *self, const ch_architecture *architecture, size_t capacity, ch_error *err)         \
        CH_MUST_CHECK;                                                                                                 \
    void hessian##_free(hessian *self);                                                                                \
    double hessian##_bytes(const ch_architecture *architecture, size_t capacity);                                      \
    void hessian##_set(hessian *self, const real *slopes);                                                             \
    void hessian##_point(hessian *self, const double *direction);                                                      \
    void hessian##_add(hessian *self, const real *bends, double *product);

CH_HESSIAN_DECLARE(ch_hessian, ch_network, float)
CH_HESSIAN_DECLARE(ch_hessian_f64, ch_network_f64, double)

#endif
