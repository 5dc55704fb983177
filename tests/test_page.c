/* test_page.c — text in columns: widths of UTF-8, alignment, line breaks; and running means and variances. */
#include "core/page.h"
#include "core/statistics.h"
#include "core/text.h"

#include "support.h"

#include <string.h>

/* Collects what a function prints. */
typedef struct {
    char *text;
    size_t length;
    FILE *out;
} page;

static void page_open(page *self)
{
    *self = (page){NULL, 0, NULL};
    self->out = open_memstream(&self->text, &self->length);
    assert_non_null(self->out);
}

/* Compares what was printed, and starts to collect anew. */
static void assert_printed(page *self, const char *expected)
{
    assert_int_equal(fclose(self->out), 0);
    assert_string_equal(self->text, expected);
    free(self->text);
    page_open(self);
}

static void page_close(page *self)
{
    assert_int_equal(fclose(self->out), 0);
    free(self->text);
}

/* Characters of one, two, three and four bytes each count as one. */
static void counts_characters_and_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(ch_page_width(""), 0);
    assert_int_equal(ch_page_width("T_c"), 3);
    assert_int_equal(ch_page_width("δ ± σ"), 5);
    assert_int_equal(ch_page_width("‖Δw‖ = 1 ‖w₀‖"), 13);
    assert_int_equal(ch_page_width("𝛿"), 1);
}

static void aligns_by_characters(void **state)
{
    (void)state;
    page here;
    page_open(&here);
    ch_page_left(here.out, "γ", 4);
    ch_page_right(here.out, "1 … 2", 8);
    assert_printed(&here, "γ      1 … 2");
    ch_page_left(here.out, "‖Δw‖", 4);
    ch_page_left(here.out, "t* is long", 4);
    assert_printed(&here, "‖Δw‖t* is long");
    ch_page_blanks(here.out, 0);
    ch_page_blanks(here.out, 3);
    assert_printed(&here, "   ");
    ch_page_rule(here.out, 3);
    assert_printed(&here, "  ───\n");
    page_close(&here);
}

/* Neighbouring columns have a space between them, however wide their numbers are. */
static void columns_do_not_touch(void **state)
{
    (void)state;
    page here;
    page_open(&here);
    ch_page_right(here.out, "12345678", 8);
    ch_page_right(here.out, "-0.123456 ± 0.1", 8);
    ch_page_right(here.out, "±1", 3);
    assert_printed(&here, " 12345678 -0.123456 ± 0.1 ±1");
    page_close(&here);
}

static char *repeated(const char *text, size_t count)
{
    char *all = malloc(count * strlen(text) + 1);
    assert_non_null(all);
    all[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(all, text);
    }
    return all;
}

/* A lead of 3 columns leaves 76 for words. 25 words "δδ" with their spaces take 75; 26 words need a second line.
 */
static void wraps_at_the_width_of_the_page(void **state)
{
    (void)state;
    page here;
    page_open(&here);
    ch_page_wrapped(here.out, "  ·", "one  two");
    assert_printed(&here, "  · one two\n");
    ch_page_wrapped(here.out, "  ·", "");
    assert_printed(&here, "  ·\n");
    char *fits = repeated(" δδ", 25), *over = repeated(" δδ", 26), expected[512];
    ch_page_wrapped(here.out, "  ·", fits + 1);
    snprintf(expected, sizeof expected, "  ·%s\n", fits);
    assert_printed(&here, expected);
    assert_int_equal(ch_page_width(expected) - 1, CH_PAGE_WIDTH - 1);
    ch_page_wrapped(here.out, "  ·", over + 1);
    snprintf(expected, sizeof expected, "  ·%s\n    δδ\n", fits);
    assert_printed(&here, expected);
    /* one more character fills the last column */
    snprintf(expected, sizeof expected, "%sx", fits);
    ch_page_wrapped(here.out, "  ·", expected + 1);
    snprintf(expected, sizeof expected, "  ·%sx\n", fits);
    assert_printed(&here, expected);
    assert_int_equal(ch_page_width(expected) - 1, CH_PAGE_WIDTH);
    free(fits);
    free(over);
    page_close(&here);
}

/* A list of temperatures or a path may be wider than the page. It is not broken, so that it can be copied. */
static void prints_long_words_whole(void **state)
{
    (void)state;
    page here;
    page_open(&here);
    char *word = repeated("2^-15,", 50), expected[512], text[512];
    snprintf(text, sizeof text, "try %s now", word);
    ch_page_wrapped(here.out, " ", text);
    snprintf(expected, sizeof expected, "  try\n  %s\n  now\n", word);
    assert_printed(&here, expected);
    free(word);
    page_close(&here);
}

static void breaks_lines_of_a_box(void **state)
{
    (void)state;
    assert_int_equal(ch_page_line_end("", 5), 0);
    assert_int_equal(ch_page_line_end("δδδδδ", 5), 10); /* the whole text */
    assert_int_equal(ch_page_line_end("δδ δδ", 5), 9);
    assert_int_equal(ch_page_line_end("δδ δδδ", 5), 4); /* at the space */
    assert_int_equal(ch_page_line_end("δδδδ δ", 5), 8); /* the space is the fifth character */
    /* no space comes in time, so that the text is cut after five characters */
    assert_int_equal(ch_page_line_end("δδδδδ δ", 5), 10);
    assert_int_equal(ch_page_line_end("δδδδδδδ", 5), 10);
    assert_int_equal(ch_page_line_end("a b c d e", 4), 3);
}

/* The variance of 1e9 + {1, 2, 3, 4} is 5/3 and the standard error sqrt(5/12). A sum of squares would lose these
 * digits. */
static void moments_keep_their_digits(void **state)
{
    (void)state;
    ch_moments moments = {0};
    assert_true(isnan(ch_moments_variance(&moments)));
    ch_moments_add(&moments, 1e9 + 1);
    assert_true(isnan(ch_moments_deviation(&moments)) && isnan(ch_moments_error(&moments)));
    for (int i = 2; i <= 4; i++) {
        ch_moments_add(&moments, 1e9 + i);
    }
    assert_close(moments.mean, 1e9 + 2.5, 1e-15);
    assert_close(ch_moments_variance(&moments), 5.0 / 3, 1e-12);
    assert_close(ch_moments_deviation(&moments), sqrt(5.0 / 3), 1e-12);
    assert_close(ch_moments_error(&moments), sqrt(5.0 / 12), 1e-12);
}

/* Powers of two are written as such, but for 1 and 2; others are as they are. */
static void writes_powers_of_two(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } reals[] = {{0x1p-16, "2^-16"}, {0.5, "2^-1"},
                 {1, "1"},           {2, "2"},
                 {4, "2^2"},         {32768, "2^15"},
                 {0.3, "0.3"},       {-4, "-4"},
                 {1e-30, "1e-30"},   {0x1p-540, "2^-540"},
                 {0, "0"},           {NAN, "nan"},
                 {3e9, "3e+09"},     {0x1.0000000001p-3, "2^-3"}};
    static const struct {
        uint64_t count;
        const char *text;
    } counts[] = {{0, "0"},
                  {1, "1"},
                  {2, "2"},
                  {4, "2^2"},
                  {1000, "1000"},
                  {8192, "2^13"},
                  {UINT64_C(1) << 62, "2^62"},
                  {(UINT64_C(1) << 62) + 1, "4611686018427387905"}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        assert_string_equal(ch_show_power(reals[i].value).text, reals[i].text);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        assert_string_equal(ch_show_count(counts[i].count).text, counts[i].text);
    }
}

/* Text for a wider page: columns of text continue under themselves, sentences two columns further right, rows of tables
 * keep the distances of their numbers, a word that is too wide is whole, and rules are cut. */
static void breaks_lines_for_a_narrow_page(void **state)
{
    (void)state;
    page here;
    page_open(&here);
    ch_page_narrow(here.out, "short\n\n  fits\n", 20);
    assert_printed(&here, "short\n\n  fits\n");
    ch_page_narrow(here.out, "  --loss  function of the margin\n", 20);
    assert_printed(&here, "  --loss  function\n          of the\n          margin\n");
    ch_page_narrow(here.out, "  a sentence that is long\nand another one here", 20);
    assert_printed(&here, "  a sentence that is\n    long\nand another one here");
    ch_page_narrow(here.out, "  γ  ‖Δw‖ ~ P^γ  0.43  0.40 … 0.45   1.00\n", 24);
    assert_printed(&here, "  γ  ‖Δw‖ ~ P^γ\n     0.43  0.40 … 0.45\n     1.00\n");
    ch_page_narrow(here.out, "  --until=TIME      the end\n", 24);
    assert_printed(&here, "  --until=TIME\n    the end\n");
    ch_page_narrow(here.out, "0123456789012345678901234567 ab\n", 20);
    assert_printed(&here, "0123456789012345678901234567\n  ab\n");
    ch_page_narrow(here.out, "  ─────────────────────────\n", 20);
    assert_printed(&here, "  ──────────────────\n");
    page_close(&here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_characters_and_not_bytes),
        cmocka_unit_test(aligns_by_characters),
        cmocka_unit_test(columns_do_not_touch),
        cmocka_unit_test(wraps_at_the_width_of_the_page),
        cmocka_unit_test(breaks_lines_for_a_narrow_page),
        cmocka_unit_test(prints_long_words_whole),
        cmocka_unit_test(breaks_lines_of_a_box),
        cmocka_unit_test(writes_powers_of_two),
        cmocka_unit_test(moments_keep_their_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
