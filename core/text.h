/* text.h — numbers and other text, read as users write them and written as users read them. */
#ifndef CH_TEXT_H
#define CH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A number with what its spelling says beyond the nearest double. */
typedef struct {
    double value;   /* nearest double; infinite when too large */
    bool whole;     /* it is exactly the whole number `count`, 0 <= count < 2^64 */
    uint64_t count; /* 0 unless whole */
    bool power;     /* written base^exponent */
    double base;
    long exponent;
} ch_number;

/** Reads [+-]digits[.digits][e[+-]digits], or BASE^[+-]digits with an unsigned base, and nothing else: no spaces, no
 *  hexadecimal, no NaN.  @return whether the whole text is such a number */
bool ch_number_parse(ch_number *self, const char *text);

/** base^exponent, the same bits as parsing it: powers of ten as the decimal, powers of two exactly. */
ch_number ch_number_raise(double base, long exponent);

/** Writes the shortest of 15, 16 or 17 significant digits that reads back to the same bits; 32 bytes are enough. */
void ch_number_format(double value, char *text, size_t size);

/** `value` to 15 significant digits. */
double ch_number_round(double value);

/** Writes a temperature for people: "2^-15" for powers of two under 2^-3 or over 2^10, else four digits. */
void ch_temp_format(double temp, char *text, size_t size);

/** A short text of its own, for a message. */
typedef struct {
    char text[72];
} ch_shown;

/** A user's text, fit for a message: cut to 68 bytes at most and "...", control characters replaced by '?'. */
ch_shown ch_show(const char *text);

/** A number of bytes to three digits, e.g. "2.15 GB"; a kB is 1000 bytes. */
ch_shown ch_show_bytes(size_t bytes);

#endif
