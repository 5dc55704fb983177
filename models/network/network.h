/* network.h — forward and backward passes of a network, in single precision and in double by the same code.
 *
 * ch_network computes in single precision, ch_network_f64 in double. Both hold the weights in double: a late update
 * may be less than an ulp of a single-precision weight; the passes use a copy rounded to their precision. f(w, x) of a
 * sample has the same bits whatever the samples it is computed with.
 *
 * A network belongs to one thread at a time; different ones share nothing but the architecture, which is only read.
 */
#ifndef CH_NETWORK_H
#define CH_NETWORK_H

#include "models/architecture.h"

/* For each precision (names of the single one here; the double one's begin with ch_network_f64_, and real is double):

   ch_code ch_network_init(ch_network *self, const ch_architecture *architecture, size_t capacity, ch_error *err);
       Workspace for `capacity` >= 1 samples at a time; weights all 0. The architecture is borrowed.
       CH_ERROR_INPUT for a capacity of 0; CH_ERROR_MEMORY.
   void ch_network_free(ch_network *self);
   double ch_network_bytes(const ch_architecture *architecture, size_t capacity);
       Bytes that ch_network_init allocates.

   void ch_network_set_weights(ch_network *self, const double *weights);
       weights [num_weights], in the order of architecture.h
   const double *ch_network_weights(ch_network *self);
       The present weights [num_weights], borrowed. After an update it has to be called again.
   void ch_network_commit(ch_network *self);
       Makes the update that waits for the next forward pass, if there is one; for code that reads `master` or
       `weights`.

   void ch_network_forward(ch_network *self, const float *inputs, const uint32_t *index, size_t count, real *outputs);
       f(w, x_i) of the samples index[0 .. count) (NULL: 0 .. count), count <= capacity, of inputs [.][dim], row-major,
       each (channel, row, column). Keeps what the backward pass needs, so that the caller may free the inputs.
       outputs [count].

   void ch_network_forward_double(ch_network *self, const double *inputs, size_t count, real *outputs);
       The same for the samples 0 .. count of inputs in double precision.

   After a forward pass, and before the weights change, once or more often:

   void ch_network_gradient(ch_network *self, const real *coefficients, double *gradient);
       gradient [num_weights] += sum_i c_i grad f(w, x_i) over the samples of the last forward pass; those with
       c_i = 0 cost nothing. coefficients [count].
   void ch_network_sample_gradients(ch_network *self, real *gradients);
       gradients [count][num_weights] = grad f(w, x_i) of each sample of the last forward pass
   void ch_network_image_gradients(ch_network *self, real *gradients);
       The same, but only by the weights of the layers before the first dense one, which come first:
       gradients [count][ch_architecture_image_weights].
   void ch_network_update(ch_network *self, const real *coefficients);
       w <- w + sum_i c_i grad f(w, x_i), the same sum, all gradients at the same w, in one pass over the weights.
       A new forward pass must follow before the next gradient or update. The update of a large dense first layer may
       wait for that pass.
   void ch_network_move(ch_network *self, const real *coefficients, real keep, real *velocity);
       v <- keep v + sum_i c_i grad f(w, x_i), w <- w + v, as ch_network_update. velocity [num_weights]: v, borrowed.
       Where all coefficients are 0 the weights move, too. */

#define CH_NETWORK_DECLARE(network, real)                                                                              \
    typedef struct {                                                                                                   \
        const ch_architecture *architecture; /* borrowed */                                                            \
        size_t capacity;                     /* samples of a forward pass, at most */                                  \
        size_t count;                        /* samples of the last forward pass */                                    \
        size_t num_image_layers;             /* layers before the first dense one; their weights come first */         \
        double *master;                      /* [num_weights] the weights */                                           \
        real *weights;                       /* [num_weights] rounded */                                               \
        real *transposed;                    /* those of the image layers, a convolution as [row][column][in][out] */  \
        real *reversed;                      /* the same with the taps in reversed order, as [row][column][out][in] */ \
        real *change;                        /* sum of the image layers' gradients */                                  \
        real **rows;   /* [num_layers + 1] values of a node [sample][number]; of images [row][column][channel] */      \
        real **panels; /* [num_layers + 1] values of a node around dense layers [panel][number][lane] */               \
        real **before; /* [num_layers + 1] values before the activation; for relu the values themselves */             \
        size_t group;  /* images that pass a layer together */                                                         \
        /* memory of all nodes, of which rows, panels, before and gradients have parts */                              \
        real *row_values, *panel_values, *before_values, *gradient_values;                                             \
        real **gradients;  /* [num_image_layers + 1] derivatives by an image node's values, of `group` samples; */     \
                           /* NULL for the input of a pool */                                                          \
        real *padded;      /* `group` images with zeros around them, for convolutions */                               \
        size_t *places;    /* where the fields of view of their pixels start */                                        \
        uint32_t *which;   /* [cell][channel] of one image before a pool: which of 2 x 2 pixels is the largest */      \
        real *picked;      /* [cell][channel] values of these pixels before the activation */                          \
        real *deltas;      /* [cell] derivatives by these pixels, of one channel */                                    \
        real *delta;       /* [panel][number][lane] derivatives by a dense node's values, of active samples */         \
        real *delta_below; /* the same of the node before */                                                           \
        /* Memory to work in, which one dense layer at a time uses. A forward pass of few samples has the layer's */   \
        /* inputs in input_rows and its sums W x in delta_rows. A backward pass has in input_rows the inputs of the */ \
        /* active samples, or derivatives by them, in delta_rows delta, and in gathered, where not all samples are */  \
        /* active, z of those that are. After it delta_rows has delta of the first dense layer. */                     \
        /* ch_first_layer_forward and ch_hessian_add use the three otherwise. */                                       \
        real *gathered;   /* [panel][number][lane] */                                                                  \
        real *delta_rows; /* [sample][m] */                                                                            \
        real *input_rows; /* [sample][n] */                                                                            \
        uint32_t *active; /* [num_active] indices of the active samples, those with a coefficient that is not 0 */     \
        size_t num_active;                                                                                             \
        /* The update of a dense first layer that waits for the next forward pass. */                                  \
        size_t least_deferred; /* the least number of weights of the layer with which its update waits */              \
        size_t num_deferred;   /* number of its terms, one for each active sample; 0: no update waits */               \
        real *deferred_deltas; /* [num_deferred][m] */                                                                 \
        real *deferred_inputs; /* [num_deferred][n] */                                                                 \
        bool is_rounded; /* whether the layer's `weights` are its `master` rounded, both without the waiting update */ \
    } network;                                                                                                         \
    ch_code network##_init(network *self, const ch_architecture *architecture, size_t capacity, ch_error *err)         \
        CH_MUST_CHECK;                                                                                                 \
    void network##_free(network *self);                                                                                \
    double network##_bytes(const ch_architecture *architecture, size_t capacity);                                      \
    void network##_set_weights(network *self, const double *weights);                                                  \
    const double *network##_weights(network *self);                                                                    \
    void network##_commit(network *self);                                                                              \
    void network##_forward(network *self, const float *inputs, const uint32_t *index, size_t count, real *outputs);    \
    void network##_forward_double(network *self, const double *inputs, size_t count, real *outputs);                   \
    void network##_gradient(network *self, const real *coefficients, double *gradient);                                \
    void network##_sample_gradients(network *self, real *gradients);                                                   \
    void network##_image_gradients(network *self, real *gradients);                                                    \
    void network##_update(network *self, const real *coefficients);                                                    \
    void network##_move(network *self, const real *coefficients, real keep, real *velocity);

CH_NETWORK_DECLARE(ch_network, float)
CH_NETWORK_DECLARE(ch_network_f64, double)

#endif
