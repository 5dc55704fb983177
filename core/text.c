/* text.c — reading numbers as users write them, and showing what they wrote. */
#include "core/text.h"

#include "core/memory.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

enum { MAX_EXPONENT = 100000 }; /* beyond every double's; larger ones are as good as this */

/* ---- the C locale, whatever the program that links the library has set ---- */

typedef struct {
    locale_t c, before;
} locale_scope;

static locale_scope locale_enter(void)
{
    locale_scope scope = {.c = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    scope.before = uselocale(scope.c);
    return scope;
}

static void locale_leave(locale_scope scope)
{
    uselocale(scope.before);
    if (scope.c != (locale_t)0) {
        freelocale(scope.c);
    }
}

static double read_double(const char *text)
{
    const locale_scope scope = locale_enter();
    const double value = strtod(text, NULL);
    locale_leave(scope);
    return value;
}

/* ---- scanning ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text)
{
    while (is_digit(*text)) {
        text++;
    }
    return text;
}

/* Reads [+-]digits, clamped to +-MAX_EXPONENT; NULL where there are no digits, else the end. */
static const char *scan_exponent(const char *text, long *exponent)
{
    const bool negative = *text == '-';
    if (*text == '-' || *text == '+') {
        text++;
    }
    const char *end = skip_digits(text);
    long magnitude = 0;
    for (const char *c = text; c < end && magnitude < MAX_EXPONENT; c++) {
        magnitude = 10 * magnitude + (*c - '0');
    }
    if (magnitude > MAX_EXPONENT) {
        magnitude = MAX_EXPONENT;
    }
    *exponent = negative ? -magnitude : magnitude;
    return end == text ? NULL : end;
}

/* Whether digits 10^exponent is a whole number under 2^64, exactly; `digits` may hold one point. */
static bool decimal_whole(const char *digits, const char *end, long exponent, uint64_t *count)
{
    uint64_t n = 0;
    bool fraction = false;
    for (const char *c = digits; c < end; c++) {
        if (*c == '.') {
            fraction = true;
            continue;
        }
        if (__builtin_mul_overflow(n, (uint64_t)10, &n) || __builtin_add_overflow(n, (uint64_t)(*c - '0'), &n)) {
            return false;
        }
        exponent -= fraction;
    }
    for (; exponent < 0 && n != 0; exponent++) {
        if (n % 10 != 0) {
            return false;
        }
        n /= 10;
    }
    for (; exponent > 0 && n != 0; exponent--) {
        if (__builtin_mul_overflow(n, (uint64_t)10, &n)) {
            return false;
        }
    }
    *count = n;
    return true;
}

/* Reads an unsigned decimal number; NULL where there is none, else the end. */
static const char *scan_decimal(ch_number *self, const char *text)
{
    const char *end = skip_digits(text);
    size_t digits = (size_t)(end - text);
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        digits += (size_t)(end - fraction);
    }
    if (digits == 0) {
        return NULL;
    }
    const char *mantissa_end = end;
    long exponent = 0;
    if (*end == 'e' || *end == 'E') {
        end = scan_exponent(end + 1, &exponent);
        if (end == NULL) {
            return NULL;
        }
    }
    self->value = read_double(text);
    self->whole = decimal_whole(text, mantissa_end, exponent, &self->count);
    return end;
}

/* Reads a text of up to 15 digits and nothing else, as most settings are. */
static bool parse_digits(ch_number *self, const char *text)
{
    enum { MOST_DIGITS = 15 };
    uint64_t count = 0;
    size_t length = 0;
    for (; text[length] >= '0' && text[length] <= '9' && length < MOST_DIGITS; length++) {
        count = 10 * count + (uint64_t)(text[length] - '0');
    }
    if (length == 0 || text[length] != '\0') {
        return false;
    }
    *self = (ch_number){.value = (double)count, .whole = true, .count = count};
    return true;
}

bool ch_number_parse(ch_number *self, const char *text)
{
    memset(self, 0, sizeof *self);
    if (parse_digits(self, text)) {
        return true;
    }
    const bool sign = *text == '-' || *text == '+';
    const bool negative = *text == '-';
    const char *end = scan_decimal(self, text + sign);
    if (end == NULL) {
        return false;
    }
    if (*end == '^' && !sign) { /* -2^4 could be read in two ways */
        long exponent = 0;
        end = scan_exponent(end + 1, &exponent);
        if (end == NULL) {
            return false;
        }
        *self = ch_number_raise(self->value, exponent);
    }
    if (negative && self->value != 0) { /* there is one zero, so that equal values have equal bits */
        self->value = -self->value;
        self->whole = false;
        self->count = 0;
    }
    return *end == '\0';
}

/* Whether base^exponent is a whole number under 2^64, exactly. */
static bool power_whole(double base, long exponent, uint64_t *count)
{
    if (!(base >= 0 && base <= 0x1p53 && base == floor(base)) || exponent < 0) {
        return false;
    }
    uint64_t n = 1;
    for (long i = 0; i < exponent && (i == 0 || n > 1); i++) {
        if (__builtin_mul_overflow(n, (uint64_t)base, &n)) {
            return false;
        }
    }
    *count = n;
    return true;
}

ch_number ch_number_raise(double base, long exponent)
{
    ch_number power = {.power = true, .base = base, .exponent = exponent};
    if (base == 10) { /* 10^-3 is the number 1e-3, to the last bit */
        char text[32];
        snprintf(text, sizeof text, "1e%ld", exponent);
        power.value = read_double(text);
    } else {
        power.value = pow(base, (double)exponent);
    }
    power.whole = power_whole(base, exponent, &power.count);
    return power;
}

/* ---- writing ---- */

void ch_whole_format(uint64_t whole, char *text, size_t size)
{
    char digits[24];
    size_t first = sizeof digits;
    digits[--first] = '\0';
    do {
        digits[--first] = (char)('0' + whole % 10);
        whole /= 10;
    } while (whole > 0);
    if (size > 0) {
        const size_t length = sizeof digits - first <= size ? sizeof digits - first : size;
        memcpy(text, digits + first, length);
        text[length - 1] = '\0';
    }
}

void ch_number_format(double value, char *text, size_t size)
{
    if (value >= 0 && value < 1e15 && value == floor(value) && !signbit(value)) {
        ch_whole_format((uint64_t)value, text, size); /* most settings are small whole numbers, and runs are many */
        return;
    }
    const locale_scope scope = locale_enter();
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    locale_leave(scope);
}

double ch_number_round(double value)
{
    char text[32];
    const locale_scope scope = locale_enter();
    snprintf(text, sizeof text, "%.15g", value);
    const double rounded = strtod(text, NULL);
    locale_leave(scope);
    return rounded;
}

/* The code point of a character of `length` bytes, of which the first one says that there are so many. */
static uint32_t code_point(const unsigned char *bytes, size_t length)
{
    static const unsigned char first_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t point = bytes[0] & first_mask[length];
    for (size_t i = 1; i < length; i++) {
        point = point << 6 | (bytes[i] & 0x3F);
    }
    return point;
}

/* The number of bytes of the character at the beginning of `left` bytes; 0 where they begin with none. */
static size_t valid_length(const unsigned char *bytes, size_t left)
{
    static const uint32_t least[] = {0, 0x01, 0x80, 0x800, 0x10000};
    const size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xC0 ? 5 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
    if (length > 4 || bytes[0] >= 0xF8 || length > left) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    const uint32_t point = code_point(bytes, length);
    const bool is_surrogate = point >= 0xD800 && point < 0xE000;
    return point >= least[length] && point <= 0x10FFFF && !is_surrogate ? length : 0;
}

/* The number of bytes of the character at `text`, at least 1; a wrong sequence of UTF-8 ends where it goes wrong.
 * @param is_valid  out: whether it is a character of UTF-8 (RFC 3629) */
static size_t character_length(const char *text, bool *is_valid)
{
    const unsigned char first = (unsigned char)text[0];
    const size_t most = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    size_t length = 1;
    while (length < most && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length++;
    }
    *is_valid = valid_length((const unsigned char *)text, length) == length;
    return length;
}

/* Whether a character is to be escaped: a control character, U+0000 to U+001F, U+007F, or U+0080 to U+009F, which UTF-8
 * writes as the byte 0xC2 and another; or no character of UTF-8 at all. Some terminals take single bytes 0x80 to 0x9F
 * for control characters. */
static bool is_escaped(const char *text, size_t length, bool is_valid)
{
    const unsigned char first = (unsigned char)text[0];
    const bool is_control =
        length == 1 ? first < 0x20 || first == 0x7F : length == 2 && first == 0xC2 && (unsigned char)text[1] < 0xA0;
    return !is_valid || is_control;
}

bool ch_text_is_valid(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        const size_t step = valid_length((const unsigned char *)text + i, length - i);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

ch_shown ch_show(const char *text)
{
    enum { ROOM = sizeof((ch_shown *)0)->text - sizeof "..." };
    ch_shown shown = {{0}};
    size_t length = strlen(text);
    const bool cut = length > ROOM;
    if (cut) {
        length = ROOM;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) { /* never through a UTF-8 character */
            length--;
        }
    }
    for (size_t i = 0, step = 0; i < length; i += step) {
        bool is_valid = false;
        step = character_length(text + i, &is_valid);
        if (is_escaped(text + i, step, is_valid)) {
            memset(shown.text + i, '?', step);
        } else {
            memcpy(shown.text + i, text + i, step);
        }
    }
    memcpy(shown.text + length, cut ? "..." : "", cut ? sizeof "..." : 1);
    return shown;
}

enum { ESCAPED = sizeof "\\x1b" - 1 }; /* bytes that stand for an escaped one */

/* Writes each byte as \\x1b.  @param escaped  [ESCAPED length + 1] out */
static void escape_bytes(const char *text, size_t length, char *escaped)
{
    for (size_t i = 0; i < length; i++) {
        snprintf(escaped + ESCAPED * i, ESCAPED + 1, "\\x%02x", (unsigned)(unsigned char)text[i]);
    }
}

/* A character of a text as it is to be shown, and how many bytes of the text it was. */
typedef struct {
    char text[4 * sizeof "\\x1b"];
    size_t length;
} shown_character;

static shown_character show_character(const char *text)
{
    bool is_valid = false;
    shown_character shown = {.length = character_length(text, &is_valid)};
    if (is_escaped(text, shown.length, is_valid)) {
        escape_bytes(text, shown.length, shown.text);
    } else {
        memcpy(shown.text, text, shown.length);
    }
    return shown;
}

char *ch_text_make_utf8(const char *text)
{
    char *copy = ch_alloc(ESCAPED * strlen(text) + 1, 1);
    for (size_t used = 0; copy != NULL && *text != '\0'; used += strlen(copy + used)) {
        bool is_valid = false;
        const size_t length = character_length(text, &is_valid);
        if (is_valid) {
            memcpy(copy + used, text, length);
        } else {
            escape_bytes(text, length, copy + used);
        }
        text += length;
    }
    return copy;
}

void ch_text_escape(const char *text, char *copy, size_t size)
{
    size_t used = 0;
    while (*text != '\0') {
        const shown_character shown = show_character(text);
        const size_t length = strlen(shown.text);
        if (used + length + 1 > size) {
            break;
        }
        memcpy(copy + used, shown.text, length);
        used += length;
        text += shown.length;
    }
    copy[used] = '\0';
}

void ch_text_print(const char *text, FILE *out)
{
    while (*text != '\0') {
        const shown_character shown = show_character(text);
        fputs(shown.text, out);
        text += shown.length;
    }
}

ch_shown ch_show_bytes(size_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    enum { MOST_UNIT = sizeof units / sizeof *units - 1 };
    ch_shown shown;
    double number = 1e-3 * (double)bytes;
    size_t unit = 0;
    while (number >= 999.5 && unit < MOST_UNIT) {
        number /= 1000;
        unit++;
    }
    snprintf(shown.text, sizeof shown.text, "%.3g %s", number, units[unit]);
    return shown;
}

/* Finds k for value = 2^k to rounding. Of 1 and 2, which nobody would write as powers, it says no. */
static bool find_power(double value, int *k)
{
    const double tolerance = 1e-9; /* nearer reals are one value (sim/settings/reals.h) */
    if (!(value > 0) || !isfinite(value)) {
        return false;
    }
    *k = (int)lround(log2(value));
    return fabs(value / ldexp(1, *k) - 1) < tolerance && *k != 0 && *k != 1;
}

void ch_power_format(double value, char *text, size_t size)
{
    int k = 0;
    if (find_power(value, &k)) {
        snprintf(text, size, "2^%d", k);
    } else {
        snprintf(text, size, "%.4g", value);
    }
}

void ch_power_format_count(uint64_t count, char *text, size_t size)
{
    const bool is_power = (count & (count - 1)) == 0; /* or 0 */
    int k = 0;
    if (is_power && find_power((double)count, &k)) {
        snprintf(text, size, "2^%d", k);
    } else {
        snprintf(text, size, "%llu", (unsigned long long)count);
    }
}

ch_shown ch_show_count(uint64_t count)
{
    ch_shown shown;
    ch_power_format_count(count, shown.text, sizeof shown.text);
    return shown;
}

ch_shown ch_show_power(double value)
{
    ch_shown shown;
    ch_power_format(value, shown.text, sizeof shown.text);
    return shown;
}

void ch_hex(const uint8_t *bytes, size_t count, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * count] = '\0';
}

void ch_csv_write(const char *text, FILE *out)
{
    const bool quoted = strpbrk(text, ",\"") != NULL;
    fputs(quoted ? "\"" : "", out);
    while (*text != '\0') {
        const shown_character shown = show_character(text);
        fputs(*text == '"' ? "\"\"" : shown.text, out);
        text += shown.length;
    }
    fputs(quoted ? "\"" : "", out);
}
