/* chains.inc.h — a template of the chains of multiply-adds, of numbers of type CHAIN_REAL. It defines the function
 * CHAIN_FUNCTION. */

typedef CHAIN_REAL CHAIN_VECTOR __attribute__((vector_size(VECTOR_BYTES)));

double CHAIN_FUNCTION(size_t rounds)
{
    enum { CHAINS = 12 };
    CHAIN_VECTOR sums[CHAINS];
    volatile CHAIN_REAL factor_now = (CHAIN_REAL)0.999, term_now = (CHAIN_REAL)0.25;
    /* The compiler must not know the two numbers. If they were the same number f, it could compute x f + f as (x + 1)
     * f, which is no fused multiply-add. */
    const CHAIN_VECTOR factor = factor_now - (CHAIN_VECTOR){0}, term = term_now - (CHAIN_VECTOR){0};
    /* Chains that start alike would have the same numbers, and the compiler would compute only one of them. */
    for (size_t c = 0; c < CHAINS; c++) {
        sums[c] = factor * (CHAIN_REAL)c;
    }
    for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 12
        for (size_t c = 0; c < CHAINS; c++) {
            sums[c] = sums[c] * factor + term;
        }
    }
    for (size_t c = 0; c < CHAINS; c++) {
        factor_now = sums[c][0];
    }
    return (double)rounds * CHAINS * (VECTOR_BYTES / sizeof(CHAIN_REAL));
}

#undef CHAIN_REAL
#undef CHAIN_VECTOR
#undef CHAIN_FUNCTION
