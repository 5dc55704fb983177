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

/* ---- distinct numbers ---- */

/* The numbers among many that differ in their bits, in a hash table. */
typedef struct {
    double *values; /* [size], of which count are used; owned */
    bool *is_used;  /* [size]; owned */
    size_t size;    /* a power of two, over twice count; or 0 */
    size_t count;
} distinct_reals;

static void distinct_free(distinct_reals *self)
{
    free(self->values);
    free(self->is_used);
}

/* The slot of a number: the one that has it, or the free one that it would get. */
static size_t slot_of(const distinct_reals *self, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    bits *= UINT64_C(0x9E3779B97F4A7C15);
    size_t slot = (size_t)(bits ^ bits >> 32) & (self->size - 1);
    while (self->is_used[slot] && memcmp(&self->values[slot], &value, sizeof value) != 0) {
        slot = (slot + 1) & (self->size - 1);
    }
    return slot;
}

static void distinct_put(distinct_reals *self, double value)
{
    const size_t slot = slot_of(self, value);
    self->count += !self->is_used[slot];
    self->is_used[slot] = true;
    self->values[slot] = value;
}

static ch_code distinct_grow(distinct_reals *self, ch_error *err)
{
    distinct_reals larger = {.size = self->size > 0 ? 2 * self->size : 64};
    larger.values = ch_alloc(larger.size, sizeof *larger.values);
    larger.is_used = ch_alloc(larger.size, sizeof *larger.is_used);
    if (larger.values == NULL || larger.is_used == NULL) {
        distinct_free(&larger);
        return ch_error_memory(err, "the settings of runs");
    }
    for (size_t i = 0; i < self->size; i++) {
        if (self->is_used[i]) {
            distinct_put(&larger, self->values[i]);
        }
    }
    distinct_free(self);
    *self = larger;
    return CH_OK;
}

/* Collects the distinct numbers that runs have in a row of the table. */
static ch_code distinct_init(distinct_reals *self, const ch_settings *const *settings, size_t count, size_t index,
                             ch_error *err)
{
    double last = NAN;
    for (size_t i = 0; i < count; i++) {
        const double value = ch_settings_get(settings[i], index).real;
        if (value == last) {
            continue;
        }
        const ch_code code = 2 * self->count >= self->size ? distinct_grow(self, err) : CH_OK;
        if (code != CH_OK) {
            return code;
        }
        distinct_put(self, value);
        last = value;
    }
    return CH_OK;
}

/* Whether numbers of a row of the table are one value, and differ. */
static ch_code row_differs(const ch_settings *const *settings, size_t count, size_t index, bool *differs, ch_error *err)
{
    distinct_reals distinct = {0};
    double *united = NULL, **places = NULL;
    size_t num = 0;
    ch_code code = distinct_init(&distinct, settings, count, index, err);
    if (code != CH_OK) {
        goto out;
    }
    united = ch_alloc(distinct.count, sizeof *united);
    places = ch_alloc(distinct.count, sizeof *places);
    if (united == NULL || places == NULL) {
        code = ch_error_memory(err, "the settings of runs");
        goto out;
    }
    for (size_t i = 0; i < distinct.size; i++) {
        if (distinct.is_used[i]) {
            united[num] = distinct.values[i];
            places[num] = &united[num];
            num++;
        }
    }
    ch_reals_unite(places, num);
    for (size_t i = 1; i < num; i++) { /* distinct numbers are equal once they are united */
        *differs = *differs || *places[i] == *places[i - 1];
    }
out:
    free(united);
    free(places);
    distinct_free(&distinct);
    return code;
}

ch_code ch_settings_reals_differ(const ch_settings *const *settings, size_t count, bool *differ, ch_error *err)
{
    *differ = false;
    for (size_t index = 0; index < ch_settings_count && !*differ; index++) {
        const bool is_real = ch_settings_table[index].type == CH_TYPE_REAL;
        const ch_code code = is_real ? row_differs(settings, count, index, differ, err) : CH_OK;
        if (code != CH_OK) {
            return code;
        }
    }
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
