/* law.h — the laws that synthetic data follow. */
#ifndef CH_LAW_H
#define CH_LAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CH_LAW_DEPLETED = 0, /* tunable density near a flat boundary: x_par = x . e, y = sign(x_par); see data.h */
    CH_LAW_STRIPE,       /* Gaussian x, y = +1 where -0.3 < x_1 < 1.18549, which is half of the samples, else -1 */
    CH_LAW_SPHERE,       /* Gaussian x, y = sign(|x|^2 - (d - 2 + sqrt(2))) */
} ch_law_kind;

/** A law of data. The same (kind, chi, dim, random_teacher, seed) gives the same first P samples for every P. */
typedef struct {
    ch_law_kind kind;
    double chi;          /* exponent of the density at the boundary, > -1; of DEPLETED only, else not looked at */
    size_t dim;          /* d >= 2 */
    bool random_teacher; /* teacher e uniform on the sphere, else the first axis; of DEPLETED only, likewise */
    uint64_t seed;
} ch_data_law;

#endif
