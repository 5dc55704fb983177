/* text.h — reading numbers that users write, and writing numbers and names for users to read. */
#ifndef CH_TEXT_H
#define CH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** A number as it was written: the nearest double, and whether it is a whole number or a power. */
typedef struct {
    double value;   /* nearest double; infinite where the number is too large for one */
    bool whole;     /* the number is exactly the whole number `count`, 0 <= count < 2^64 */
    uint64_t count; /* 0 unless whole */
    bool power;     /* the number was written as base^exponent */
    double base;
    long exponent;
} ch_number;

/** Reads [+-]digits[.digits][e[+-]digits], or BASE^[+-]digits with an unsigned base, and nothing else: no spaces, no
 *  hexadecimal, no NaN.  @return whether the whole text is such a number */
bool ch_number_parse(ch_number *self, const char *text);

/** base^exponent, with the bits that ch_number_parse gives for the same text: powers of ten are read as decimals, and
 *  powers of two are exact. */
ch_number ch_number_raise(double base, long exponent);

/** Writes a whole number in decimal digits, as "%llu" does. It is cut off where it does not fit. */
void ch_whole_format(uint64_t whole, char *text, size_t size);

/** Writes a number with 15, 16 or 17 significant digits, the fewest that read back to the same bits.
 *  @param size  bytes of `text`; 32 are enough */
void ch_number_format(double value, char *text, size_t size);

/** Rounds a number to 15 significant digits. */
double ch_number_round(double value);

/** Writes a temperature, a learning rate, alpha, … for people: a power of two as such, as "2^-15", where it is neither
 *  1 nor 2; any other number with four digits. */
void ch_power_format(double value, char *text, size_t size);

/** The same for a count, such as P or B: "2^13", else all digits. */
void ch_power_format_count(uint64_t count, char *text, size_t size);

/** A short text that is passed by value, for use in a message. */
typedef struct {
    char text[72];
} ch_shown;

/** A count as ch_power_format_count writes it. */
ch_shown ch_show_count(uint64_t count);

/** A number as ch_power_format writes it. */
ch_shown ch_show_power(double value);

/** Prepares a user's text for a message: it is cut to at most 68 bytes and "...", and control characters and bytes that
 *  are no UTF-8 become '?'. */
ch_shown ch_show(const char *text);

/** Copies a text and escapes its control characters, those of ASCII and U+0080 to U+009F, and bytes that are no UTF-8,
 *  each byte as \\x1b: a terminal would obey the former, and a text from a file or a file's name may hold any. All else
 *  is copied as it is.
 *  @param copy  out: cut to `size` bytes with its terminating zero, never through an escape or a UTF-8 character */
void ch_text_escape(const char *text, char *copy, size_t size);

/** Whether bytes are text in UTF-8, without a zero among them: no overlong forms, no surrogates, nothing over U+10FFFF.
 */
bool ch_text_is_valid(const char *text, size_t length);

/** A copy of a text that is UTF-8: bytes that are not are written as \\xff, and all else, control characters too, as it
 *  is.  @return the copy, to be released with free(); NULL when memory is short */
char *ch_text_make_utf8(const char *text) __attribute__((malloc, warn_unused_result));

/** Writes a text as ch_text_escape copies it. */
void ch_text_print(const char *text, FILE *out);

/** Writes a number of bytes to three digits, e.g. "2.15 GB". A kB is 1000 bytes. */
ch_shown ch_show_bytes(size_t bytes);

/** Writes bytes as lower-case hexadecimal digits.
 *  @param text  out: 2 count digits and a terminating zero; room for 2 count + 1 */
void ch_hex(const uint8_t *bytes, size_t count, char *text);

/** Writes a field of CSV (RFC 4180): in double quotes, with those inside it doubled, where it has a comma or a quote in
 *  it. Control characters, ends of lines too, are escaped as ch_text_escape does. */
void ch_csv_write(const char *text, FILE *out);

#endif
