/* test_bits.c — which of 64 numbers are small. */
#include "perceptron/bits.h"

#include "core/core.h"
#include "core/memory.h"
#include "tests/support.h"

#include <limits.h>
#include <stdbool.h>

enum { NUM = CH_BITS_PLACES };

static void every_place_has_its_bit(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < NUM; place++) {
        _Alignas(CH_CACHE_LINE) int32_t numbers[NUM];
        for (uint32_t k = 0; k < NUM; k++) {
            numbers[k] = k == place ? -3 : -2;
        }
        const ch_bits bits = ch_bits_up_to(numbers, -3);
        assert_int_equal(ch_bits_count(bits), 1);
        assert_int_equal(ch_bits_first(bits), place);
        assert_int_equal(ch_bits_place(bits, 0), place);
        assert_true(ch_bits_in_order(bits) == UINT64_C(1) << place);
    }
}

/* Compares with a plain loop, for random numbers and for the ends of their range. */
static void agrees_with_a_loop(void **state)
{
    (void)state;
    ch_random random;
    ch_random_init(&random, 1, CH_STREAM_BATCHES, 0);
    for (int round = 0; round < 2000; round++) {
        _Alignas(CH_CACHE_LINE) int32_t numbers[NUM];
        for (uint32_t k = 0; k < NUM; k++) {
            const uint32_t word = ch_random_u32(&random);
            numbers[k] = k % 9 == 0 ? INT_MAX : k % 11 == 0 ? INT_MIN : (int32_t)word;
        }
        const int32_t most = round == 0 ? INT_MAX : round == 1 ? INT_MIN : numbers[round % NUM];
        const ch_bits bits = ch_bits_up_to(numbers, most);
        uint32_t rank = 0;
        for (uint32_t k = 0; k < NUM; k++) {
            const bool is_small = numbers[k] <= most;
            assert_int_equal(ch_bits_in_order(bits) >> k & 1, is_small);
            if (is_small) {
                assert_int_equal(ch_bits_place(bits, rank++), k);
            }
        }
        assert_int_equal(ch_bits_count(bits), rank);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_has_its_bit),
        cmocka_unit_test(agrees_with_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
