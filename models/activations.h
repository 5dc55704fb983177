/* activations.h — activations in either precision; part of network_body.h. */

/* relu  max(0, z)
 * silu  z s(z), s(z) = 1 / (1 + exp(-z))
 * gelu  z (1 + tanh u) / 2 = z s(2u), u = sqrt(2/pi) (z + 0.044715 z^3)
 * each over its norm. NaN passes through. */
static const double GELU_FACTOR = 0.7978845608028654, GELU_CUBE = 0.044715;

static inline real sigmoid(real z)
{
    return 1 / (1 + exp(-z));
}

/* values = phi(z) / norm, of `count` numbers; may be the same memory */
static void activate(ch_activation activation, const real *z, real *values, size_t count)
{
    const real factor = (real)(1 / ch_activation_norm(activation));
    const real slope = (real)(2 * GELU_FACTOR), cube = (real)GELU_CUBE;
    switch (activation) {
    case CH_ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++) {
            values[i] = z[i] <= 0 ? 0 : factor * z[i];
        }
        break;
    case CH_ACTIVATION_SILU:
        for (size_t i = 0; i < count; i++) {
            values[i] = factor * z[i] * sigmoid(z[i]);
        }
        break;
    case CH_ACTIVATION_GELU:
        for (size_t i = 0; i < count; i++) {
            values[i] = factor * z[i] * sigmoid(slope * (z[i] + cube * z[i] * z[i] * z[i]));
        }
        break;
    }
}

/* derivatives *= scale phi'(z) / norm; for relu the values do as well as z */
static void multiply_by_slope(ch_activation activation, double scale, const real *z, real *derivatives, size_t count)
{
    const real factor = (real)(scale / ch_activation_norm(activation));
    const real slope = (real)(2 * GELU_FACTOR), cube = (real)GELU_CUBE;
    switch (activation) {
    case CH_ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++) {
            derivatives[i] = z[i] > 0 ? factor * derivatives[i] : 0;
        }
        break;
    case CH_ACTIVATION_SILU:
        /* s + z s (1 - s) */
        for (size_t i = 0; i < count; i++) {
            const real s = sigmoid(z[i]);
            derivatives[i] *= factor * s * (1 + z[i] * (1 - s));
        }
        break;
    case CH_ACTIVATION_GELU:
        /* s + z s (1 - s) d(2u)/dz */
        for (size_t i = 0; i < count; i++) {
            const real square = z[i] * z[i];
            const real s = sigmoid(slope * (z[i] + cube * z[i] * square));
            derivatives[i] *= factor * s * (1 + z[i] * (1 - s) * slope * (1 + 3 * cube * square));
        }
        break;
    }
}
