/* test_gram.c — the errors of entries of the Gram matrix are within their bound, and rows that are made again have the
 * same bits. */
#include "perceptron/gram.c" /* its static parts are tested too */

#include "tests/fast_support.h"

#include <gsl/gsl_errno.h>

/* z . z' in quanta, in long double. */
static double exact_entry(const ch_gram *self, size_t one, size_t other)
{
    long double sum = 0;
    for (size_t i = 0; i < self->set->dim; i++) {
        sum += (long double)ch_gram_sample(self, one)[i] * (long double)ch_gram_sample(self, other)[i];
    }
    return (double)(sum / (long double)self->quantum);
}

/* Every entry is within entry_error of z . z' / quantum. Among some 10^5 entries the largest errors are close to half a
 * quantum, over 0.49, so that a bound of half of entry_error would be wrong. */
static void entries_are_within_their_error(void **state)
{
    (void)state;
    static const size_t dims[] = {2, 16, 40, 200};
    for (size_t s = 0; s < 4; s++) {
        ch_sample_set set = draw(0, dims[s], s % 2 == 1, 3 + s, 300);
        ch_screen screen;
        ch_gram gram;
        double largest = 0;
        assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
        assert_true(ch_gram_init(&gram, &set, &screen, 1));
        ch_gram_make_room(&gram);
        ch_gram_set_count(&gram, ch_gram_to_block(300));
        assert_int_equal(gram.count, 320);
        for (uint32_t place = 0; place < 300; place++) {
            const int32_t *row = ch_gram_row(&gram, place);
            for (size_t other = 0; other < 320; other++) {
                if (other >= 300) {
                    assert_int_equal(row[other], 0);
                    continue;
                }
                const double error = fabs((double)row[other] - exact_entry(&gram, place, other));
                assert_in(error, 0, gram.entry_error);
                largest = fmax(largest, error);
            }
        }
        assert_in(largest, 0.49, gram.entry_error);
        assert_in(gram.entry_error, 0.5, 0.51); /* and the bound is not much larger than needed */
        ch_gram_free(&gram);
        ch_gram_free(&gram);
        ch_screen_free(&screen);
        ch_sample_set_free(&set);
    }
}

/* Rows that are made again, in a slab with room for one row, and rows that grow have the same bits as rows that stay.
 */
static void memory_changes_no_entry(void **state)
{
    (void)state;
    ch_sample_set set = draw(1, 24, true, 9, 500);
    ch_screen screen;
    ch_gram roomy, narrow;
    assert_int_equal(ch_screen_init(&screen, &set, NULL, NULL), CH_OK);
    assert_true(ch_gram_init(&roomy, &set, &screen, 1) && ch_gram_init(&narrow, &set, &screen, 1));
    ch_gram_make_room(&roomy);
    ch_gram_set_count(&roomy, 64);
    for (size_t count = 64; count <= 512; count += 64) {
        ch_gram_set_count(&roomy, count);
        ch_gram_set_count(&narrow, count);
        for (uint32_t place = 0; place < 50; place++) {
            const int32_t *row = ch_gram_row(&roomy, place);
            assert_memory_equal(row, ch_gram_row(&narrow, place), count * sizeof *row);
        }
    }
    assert_true(narrow.num_rows < 50 && roomy.num_rows >= 50 && narrow.made > roomy.made);
    ch_gram_free(&roomy);
    ch_gram_free(&narrow);
    ch_screen_free(&screen);
    ch_sample_set_free(&set);
}

int main(void)
{
    gsl_set_error_handler_off();
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_within_their_error),
        cmocka_unit_test(memory_changes_no_entry),
    };
    return cmocka_run_group_tests_name("gram", tests, NULL, NULL);
}
