/* reals.c — which real numbers are one value of a setting. */
#include "sim/settings/reals.h"

#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ch_reals_are_one(double a, double b)
{
    return fabs(a - b) <= CH_REALS_TOLERANCE * fmax(fabs(a), fabs(b)); /* false for NaN */
}

/* Orders pointers by the numbers that they point to, NaN last. */
static int compare(const void *left, const void *right)
{
    const double a = **(double *const *)left, b = **(double *const *)right;
    if (isnan(a) || isnan(b)) {
        return isnan(a) - isnan(b);
    }
    return (a > b) - (a < b);
}

static size_t digits_of(double value)
{
    char text[32];
    ch_number_format(value, text, sizeof text);
    return strlen(text);
}

/* The number that stands for a value: the one with the fewest digits, and the least of several such. */
static double choose(double *const *reals, size_t count)
{
    double chosen = *reals[0];
    for (size_t i = 1; i < count; i++) {
        if (*reals[i] != *reals[i - 1] && digits_of(*reals[i]) < digits_of(chosen)) {
            chosen = *reals[i];
        }
    }
    return chosen;
}

void ch_reals_unite(double **reals, size_t count)
{
    qsort(reals, count, sizeof *reals, compare);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && ch_reals_are_one(*reals[begin], *reals[end]); end++) {
        }
        const double chosen = choose(reals + begin, end - begin);
        for (size_t i = begin; i < end; i++) {
            *reals[i] = chosen;
        }
    }
}

/* A member of the table's type REAL is a double. */
static double *member_of(ch_settings *settings, size_t index)
{
    return (double *)(void *)((char *)settings + ch_settings_table[index].offset);
}

ch_code ch_settings_unite_reals(ch_settings *const *settings, size_t count, ch_error *err)
{
    double **reals = ch_alloc(count, sizeof *reals);
    if (reals == NULL) {
        return ch_error_memory(err, "the settings of runs");
    }
    for (size_t index = 0; index < ch_settings_count; index++) {
        if (ch_settings_table[index].type != CH_TYPE_REAL) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            reals[i] = member_of(settings[i], index);
        }
        ch_reals_unite(reals, count);
    }
    free(reals);
    return CH_OK;
}

bool ch_settings_are_one(const ch_settings *a, const ch_settings *b, size_t index)
{
    const ch_value x = ch_settings_get(a, index), y = ch_settings_get(b, index);
    switch (ch_settings_table[index].type) {
    case CH_TYPE_REAL:
        return ch_reals_are_one(x.real, y.real);
    case CH_TYPE_TEXT:
    case CH_TYPE_RULE:
    case CH_TYPE_CONTENT:
        return x.text == y.text || (x.text != NULL && y.text != NULL && strcmp(x.text, y.text) == 0);
    case CH_TYPE_COUNT:
    case CH_TYPE_CHOICE:
        break;
    }
    return x.count == y.count;
}
