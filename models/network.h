/* network.h — forward and backward passes of a network, in single precision and in double by the same code.
 *
 * ch_network computes in single precision, ch_network_f64 in double. Both hold the weights in double: a late update
 * may be less than an ulp of a single-precision weight.
 */
#ifndef CH_NETWORK_H
#define CH_NETWORK_H

/* for each precision (names of the single one here; the double one's begin with ch_network_f64_):

   ch_code ch_network_init(ch_network *self, const ch_architecture *architecture, size_t capacity, ch_error *err);
       workspace for `capacity` samples at a time; weights all 0
   void ch_network_free(ch_network *self);

   void ch_network_set_weights(ch_network *self, const double *weights);
       weights [num_weights]
   const double *ch_network_weights(const ch_network *self);

   void ch_network_forward(ch_network *self, const float *inputs, const uint32_t *index, size_t count, real *outputs);
       f(w, x_i) of samples index[0 .. count) (NULL: 0 .. count), count <= capacity, of inputs [.][dim]; keeps what the
       backward pass needs. outputs [count].

   void ch_network_gradient(ch_network *self, const real *coefficients, double *gradient);
       gradient [num_weights] += sum_i c_i grad f(w, x_i) over the samples of the last forward pass; those with
       c_i = 0 cost nothing.
   void ch_network_update(ch_network *self, const real *coefficients);
       w <- w + sum_i c_i grad f(w, x_i), the same sum, all gradients at the same w, in one pass over the weights.
   void ch_network_sample_gradients(ch_network *self, real *gradients);
       gradients [count][num_weights] = grad f(w, x_i) of each sample of the last forward pass
*/

#endif
