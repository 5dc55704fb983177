/* processor_needed.c — the sets of instructions that this library is compiled to use, as the compiler states them. The
 * file has no instructions of its own, so that it can be asked on any processor. */
#include "core/processor_private.h"

enum {
#define CH_SET(name, leaf, subleaf, reg, bit, saved)           SET_##name,
#define CH_SET_VERSION(name, leaf, subleaf, reg, least, saved) SET_##name,
#include "core/processor_sets.inc.h"
#undef CH_SET_VERSION
#undef CH_SET
};

#define NEEDS(name) | (uint64_t)1 << SET_##name

/* clang-format off */
const uint64_t ch_processor_needed = 0
#ifdef __SSE3__
    NEEDS(sse3)
#endif
#ifdef __SSSE3__
    NEEDS(ssse3)
#endif
#ifdef __SSE4_1__
    NEEDS(sse4_1)
#endif
#ifdef __SSE4_2__
    NEEDS(sse4_2)
#endif
#ifdef __MOVBE__
    NEEDS(movbe)
#endif
#ifdef __POPCNT__
    NEEDS(popcnt)
#endif
#ifdef __AES__
    NEEDS(aes)
#endif
#ifdef __PCLMUL__
    NEEDS(pclmul)
#endif
#ifdef __AVX__
    NEEDS(avx)
#endif
#ifdef __F16C__
    NEEDS(f16c)
#endif
#ifdef __FMA__
    NEEDS(fma)
#endif
#ifdef __AVX2__
    NEEDS(avx2)
#endif
#ifdef __BMI__
    NEEDS(bmi)
#endif
#ifdef __BMI2__
    NEEDS(bmi2)
#endif
#ifdef __ADX__
    NEEDS(adx)
#endif
#ifdef __SHA__
    NEEDS(sha)
#endif
#ifdef __GFNI__
    NEEDS(gfni)
#endif
#ifdef __VAES__
    NEEDS(vaes)
#endif
#ifdef __VPCLMULQDQ__
    NEEDS(vpclmulqdq)
#endif
#ifdef __AVX512F__
    NEEDS(avx512f)
#endif
#ifdef __AVX512DQ__
    NEEDS(avx512dq)
#endif
#ifdef __AVX512IFMA__
    NEEDS(avx512ifma)
#endif
#ifdef __AVX512ER__
    NEEDS(avx512er)
#endif
#ifdef __AVX512CD__
    NEEDS(avx512cd)
#endif
#ifdef __AVX512BW__
    NEEDS(avx512bw)
#endif
#ifdef __AVX512VL__
    NEEDS(avx512vl)
#endif
#ifdef __AVX512VBMI__
    NEEDS(avx512vbmi)
#endif
#ifdef __AVX512VBMI2__
    NEEDS(avx512vbmi2)
#endif
#ifdef __AVX512VNNI__
    NEEDS(avx512vnni)
#endif
#ifdef __AVX512BITALG__
    NEEDS(avx512bitalg)
#endif
#ifdef __AVX512VPOPCNTDQ__
    NEEDS(avx512vpopcntdq)
#endif
#ifdef __AVX512FP16__
    NEEDS(avx512fp16)
#endif
#ifdef __AVX512BF16__
    NEEDS(avx512bf16)
#endif
#ifdef __AVXVNNI__
    NEEDS(avxvnni)
#endif
#ifdef __LZCNT__
    NEEDS(lzcnt)
#endif
#ifdef __SSE4A__
    NEEDS(sse4a)
#endif
#ifdef __XOP__
    NEEDS(xop)
#endif
#ifdef __FMA4__
    NEEDS(fma4)
#endif
#ifdef __TBM__
    NEEDS(tbm)
#endif
#ifdef __CMPCCXADD__
    NEEDS(cmpccxadd)
#endif
#ifdef __AVXIFMA__
    NEEDS(avxifma)
#endif
#ifdef __AVXVNNIINT8__
    NEEDS(avxvnniint8)
#endif
#ifdef __AVXNECONVERT__
    NEEDS(avxneconvert)
#endif
#ifdef __AVXVNNIINT16__
    NEEDS(avxvnniint16)
#endif
#if defined __APX_F__ || defined __EGPR__
    NEEDS(apx_f)
#endif
#if defined __AVX10_1__ || defined __AVX10_1_256__ || defined __AVX10_1_512__
    NEEDS(avx10_1)
#endif
#if defined __AVX10_2__ || defined __AVX10_2_256__ || defined __AVX10_2_512__
    NEEDS(avx10_2)
#endif
    ;
