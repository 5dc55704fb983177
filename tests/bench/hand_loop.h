/* hand_loop.h — what a physicist would write for one parameter point: the peer that the engines are timed
 * against. */
#ifndef CH_BENCH_HAND_LOOP_H
#define CH_BENCH_HAND_LOOP_H

#include <stddef.h>
#include <stdint.h>

/** B = 2 SGD of the perceptron until no sample is unfitted, on the random numbers of the engines' own stream.
 *
 *  @param rows   [P][d] floats, y x / sqrt(d)
 *  @param w      [d] weights, zero at the start
 *  @return index of the last update; `steps` is how many were taken to know it
 */
uint64_t hand_loop(const float *rows, size_t num_samples, size_t dim, double rate, double kappa, uint64_t seed,
                   double *w, uint64_t *steps);

#endif
