/* activations.inc.h — activations and their slopes in either precision; part of network.inc.h and layerwise.inc.h. */

#if CH_REAL_BYTES == 4
enum { MANTISSA_BITS = 23, EXPONENTIAL_TERMS = 8 };
static const real MOST_EXPONENT = 87;
#else
enum { MANTISSA_BITS = 52, EXPONENTIAL_TERMS = 14 };
static const real MOST_EXPONENT = 708;
#endif

/* `yes` in the lanes where the mask is set, else `no` */
ALWAYS_INLINE vector choose(mask where, vector yes, vector no)
{
    return (vector)((where & (mask)yes) | (~where & (mask)no));
}

/* exp(x) within a few ulps. x is limited to +-MOST_EXPONENT; NaN stays NaN.
 *
 * x = n ln 2 + r with |r| <= ln(2) / 2. Taylor's series gives exp(r) to under half an ulp. Adding n to the exponent's
 * bits multiplies by 2^n. Adding 1.5 x 2^MANTISSA_BITS rounds to the integer n and leaves it in the last bits. */
ALWAYS_INLINE vector exponential(vector x)
{
    static const double inverse_factorial[] = {
        1,          1,           1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
        1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
    const real log2_e = (real)1.4426950408889634, shift = (real)(3ULL << (MANTISSA_BITS - 1));
    const real ln2_high = (real)0x1.62e4p-1, ln2_low = (real)(0.6931471805599453 - 0x1.62e4p-1);
    const vector most = MOST_EXPONENT + (vector){0};
    x = choose(x > most, most, choose(x < -most, -most, x));
    const vector shifted = x * log2_e + shift, n = shifted - shift;
    const vector r = (x - n * ln2_high) - n * ln2_low;
    vector sum = (vector){0} + (real)inverse_factorial[EXPONENTIAL_TERMS - 1];
#pragma GCC unroll 16
    for (size_t k = EXPONENTIAL_TERMS - 1; k-- > 0;) {
        sum = sum * r + (real)inverse_factorial[k];
    }
    return (vector)((mask)sum + ((mask)shifted << MANTISSA_BITS));
}

/* relu  max(0, z)
 * silu  z s(z), s(z) = 1 / (1 + exp(-z))
 * linear  z
 * gelu  z (1 + tanh u) / 2 = z s(2u), u = sqrt(2/pi) (z + 0.044715 z^3)
 * each divided by its norm sqrt(E phi(z)^2). NaN stays NaN. */
static const double GELU_FACTOR = 0.7978845608028654, GELU_CUBE = 0.044715;

/* phi(z), or phi'(z). silu and gelu are both z s(v) with v(z) = z or 2u, so that phi' = s + z s (1 - s) v'. */
ALWAYS_INLINE vector phi_of(ch_activation activation, bool is_slope, vector z)
{
    const vector zero = {0}, one = 1 + zero;
    if (activation == CH_ACTIVATION_RELU) {
        return is_slope ? choose(z > zero, one, zero) : choose(z <= zero, zero, z);
    }
    if (activation == CH_ACTIVATION_LINEAR) {
        return is_slope ? one : z;
    }
    const real factor = (real)(2 * GELU_FACTOR), cube = (real)GELU_CUBE;
    const bool is_gelu = activation == CH_ACTIVATION_GELU;
    const vector v = is_gelu ? factor * (z + cube * z * z * z) : z;
    const vector s = one / (one + exponential(-v));
    if (!is_slope) {
        return z * s;
    }
    const vector v_slope = is_gelu ? factor * (one + 3 * cube * z * z) : one;
    return s + z * s * (one - s) * v_slope;
}

/* values = factor phi(z), or values *= factor phi'(z), of `count` numbers. The first two arguments are compile-time
 * constants. */
ALWAYS_INLINE void apply(ch_activation activation, bool is_slope, real factor, const real *z, real *values,
                         size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const vector here = factor * phi_of(activation, is_slope, load(z + i));
        store(values + i, is_slope ? load(values + i) * here : here);
    }
    if (i < count) { /* the rest, in one vector with zeros behind them */
        real rest[LANES] = {0};
        memcpy(rest, z + i, (count - i) * sizeof *z);
        store(rest, factor * phi_of(activation, is_slope, load(rest)));
        for (size_t l = 0; i < count; i++, l++) {
            values[i] = is_slope ? values[i] * rest[l] : rest[l];
        }
    }
}

ALWAYS_INLINE void apply_any(ch_activation activation, bool is_slope, real factor, const real *z, real *values,
                             size_t count)
{
    switch (activation) {
    case CH_ACTIVATION_RELU:
        apply(CH_ACTIVATION_RELU, is_slope, factor, z, values, count);
        break;
    case CH_ACTIVATION_SILU:
        apply(CH_ACTIVATION_SILU, is_slope, factor, z, values, count);
        break;
    case CH_ACTIVATION_GELU:
        apply(CH_ACTIVATION_GELU, is_slope, factor, z, values, count);
        break;
    case CH_ACTIVATION_LINEAR:
        apply(CH_ACTIVATION_LINEAR, is_slope, factor, z, values, count);
        break;
    }
}

/* values = phi(z) / norm of `count` numbers; both may be the same memory */
static inline void activate(ch_activation activation, const real *z, real *values, size_t count)
{
    apply_any(activation, false, (real)(1 / ch_activation_norm(activation)), z, values, count);
}

/* derivatives *= scale phi'(z) / norm. For relu the values have the same sign as z, so that they do as well. */
static inline void multiply_by_slope(ch_activation activation, double scale, const real *z, real *derivatives,
                                     size_t count)
{
    apply_any(activation, true, (real)(scale / ch_activation_norm(activation)), z, derivatives, count);
}

/* phi''(z). Of relu, whose slope jumps at 0, it is 0. silu and gelu are z s(v), so that
 * phi'' = s (1 - s) (2 v' + z (v'' + (1 - 2 s) v'^2)). */
ALWAYS_INLINE vector phi_bend(ch_activation activation, vector z)
{
    const vector zero = {0}, one = 1 + zero;
    if (activation == CH_ACTIVATION_RELU || activation == CH_ACTIVATION_LINEAR) {
        return zero;
    }
    const real factor = (real)(2 * GELU_FACTOR), cube = (real)GELU_CUBE;
    const bool is_gelu = activation == CH_ACTIVATION_GELU;
    const vector v = is_gelu ? factor * (z + cube * z * z * z) : z;
    const vector v_slope = is_gelu ? factor * (one + 3 * cube * z * z) : one;
    const vector v_bend = is_gelu ? 6 * factor * cube * z : zero;
    const vector s = one / (one + exponential(-v));
    return s * (one - s) * (2 * v_slope + z * (v_bend + (one - 2 * s) * v_slope * v_slope));
}
