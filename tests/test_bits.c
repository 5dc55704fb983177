/* test_bits.c — which of 64 numbers are small or negative, and places in such a set. */
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
        assert_true(bits == UINT64_C(1) << place);
        assert_int_equal(ch_bits_count(bits), 1);
        assert_int_equal(ch_bits_first(bits), place);
        assert_int_equal(ch_bits_place(bits, 0), place);
        const uint64_t unsorted = ch_bits_unsort(bits);
        assert_int_equal(ch_bits_first(unsorted), 32 * (place % 2) + 8 * (place % 8 / 2) + place / 8);
        assert_int_equal(ch_bits_unsorted_place(ch_bits_first(unsorted)), place);
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
            assert_int_equal(ch_bits_has(bits, k), is_small);
            if (is_small) {
                assert_int_equal(ch_bits_place(bits, rank++), k);
            }
        }
        assert_int_equal(ch_bits_count(bits), rank);
        assert_true(ch_bits_sort(ch_bits_unsort(bits)) == bits);
    }
}

/* Both ways of adding a row, that for any processor too, against a plain loop. Numbers go to the ends of the range that
 * slacks have, sums are often near 0, and in some rounds none is. */
static void sums_are_those_of_a_loop(void **state)
{
    (void)state;
    ch_random random;
    size_t near_rounds = 0;
    enum { ROUNDS = 4000 };
    ch_random_init(&random, 2, CH_STREAM_BATCHES, 0);
    for (int round = 0; round < ROUNDS; round++) {
        _Alignas(CH_CACHE_LINE) int32_t numbers[NUM], row[NUM], one[NUM], other[NUM], sums[NUM];
        const int32_t near = (int32_t)(ch_random_u32(&random) >> (1 + round % 31));
        uint64_t negative = 0;
        bool is_near = false;
        for (uint32_t k = 0; k < NUM; k++) {
            numbers[k] = (int32_t)(ch_random_u32(&random) >> 1) - (1 << 30);
            row[k] = (int32_t)(ch_random_u32(&random) >> 9) - (1 << 22);
            if (round % 4 == 3 && k == (uint32_t)round / 4 % NUM) { /* one sum at the border, to either side of it */
                numbers[k] = (round % 8 < 4 ? near : -near) + (round % 16 < 8 ? 0 : round % 8 < 4 ? 1 : -1) - row[k];
            }
            sums[k] = numbers[k] + row[k];
            negative |= (uint64_t)(sums[k] < 0) << k;
            is_near |= abs(sums[k]) <= near;
        }
        memcpy(one, numbers, sizeof one);
        memcpy(other, numbers, sizeof other);
        const ch_bits_found found = ch_bits_add(one, row, near), anywhere = ch_bits_add_anywhere(other, row, near);
        assert_memory_equal(one, sums, sizeof sums);
        assert_memory_equal(other, sums, sizeof sums);
        assert_true(found.negative == negative && anywhere.negative == negative);
        assert_true(found.is_near == is_near && anywhere.is_near == is_near);
        near_rounds += is_near;
    }
    assert_in((double)near_rounds, 0.1 * ROUNDS, 0.9 * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_has_its_bit),
        cmocka_unit_test(agrees_with_a_loop),
        cmocka_unit_test(sums_are_those_of_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
