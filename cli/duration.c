/* duration.c — spans of time on the command line, such as 3h50m. */
#include "cli/cli.h"
#include "core/text.h"

#include <string.h>

/* The units in the order in which a span may have them. */
static const struct {
    char letter;
    double seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
enum { NUM_UNITS = sizeof units / sizeof *units };

static const double MOST_SECONDS = 1e9; /* 31 years */

/* Reads numbers, each followed by its unit. A later unit is smaller.  @return false for any other text */
static bool read_parts(const char *text, double *seconds)
{
    size_t unit = 0;
    *seconds = 0;
    for (const char *rest = text; *rest != '\0'; rest++) {
        char digits[32];
        ch_number number;
        const size_t length = strspn(rest, "0123456789.");
        if (length >= sizeof digits) {
            return false;
        }
        memcpy(digits, rest, length);
        digits[length] = '\0';
        if (!ch_number_parse(&number, digits)) {
            return false;
        }
        rest += length;
        while (unit < NUM_UNITS && units[unit].letter != *rest) {
            unit++;
        }
        if (unit == NUM_UNITS) {
            return false;
        }
        *seconds += number.value * units[unit++].seconds;
    }
    return true;
}

ch_code ch_cli_read_duration(const char *option, const char *text, double *seconds, ch_error *err)
{
    if (read_parts(text, seconds) && *seconds > 0 && *seconds <= MOST_SECONDS) {
        return CH_OK;
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "%s is '%s'; accepted is a time over 0 and up to 31 years with its units d, h, m and s, as 3h50m, "
        "90s or 1.5h",
        option, ch_show(text).text);
}
