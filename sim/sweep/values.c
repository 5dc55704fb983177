/* values.c — the values that a setting takes in a sweep: lists and ranges. */
#include "sim/sweep/plan.h"

#include "core/memory.h"
#include "core/text.h"
#include "sim/sweep/plan_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 10000000 };

/* A range LOW..HIGH or LOW..HIGH x POINTS, split into its parts. */
typedef struct {
    const ch_setting *row;
    const char *shown; /* the range as the user wrote it */
    ch_number lo, hi;
    bool geometric;
    ch_number points;
} range;

/* Makes room for `extra` more values. Refuses a list that would become too long. */
static ch_code reserve(ch_values *values, double extra, const ch_setting *row, const char *shown, ch_error *err)
{
    if (!((double)values->count + extra <= MAX_VALUES)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s: %s has more than %d values; accepted are lists up to that length",
                            row->name, ch_show(shown).text, MAX_VALUES);
    }
    void *items = values->items;
    if (ch_grow(&items, &values->capacity, values->count + (size_t)extra, sizeof *values->items) != 0) {
        return ch_error_memory(err, "a list of values");
    }
    values->items = items;
    return CH_OK;
}

/* Appends a number that lies in the setting's range. There must be room for it. */
static void push(ch_values *values, const ch_setting *row, double real, uint64_t count)
{
    values->items[values->count++] = row->type == CH_TYPE_REAL ? (ch_value){.real = real} : (ch_value){.count = count};
}

/* Like push, for values that ascend: an integer that repeats the one before it is left out. */
static void push_distinct(ch_values *values, const ch_setting *row, double real, uint64_t count)
{
    if (row->type == CH_TYPE_REAL || count > values->items[values->count - 1].count) {
        push(values, row, real, count);
    }
}

/* ---- the three kinds of range ---- */

static ch_code refuse_range(const range *self, const char *why, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "%s: the range %s %s", self->row->name, ch_show(self->shown).text, why);
}

static ch_code add_powers(ch_values *values, const range *self, ch_error *err)
{
    const double base = self->lo.base;
    if (!(base > 1)) {
        return refuse_range(self, "has a base of 1 or less; accepted are powers of a base > 1", err);
    }
    const ch_code code =
        reserve(values, (double)(self->hi.exponent - self->lo.exponent) + 1, self->row, self->shown, err);
    if (code != CH_OK) {
        return code;
    }
    for (long k = self->lo.exponent; k <= self->hi.exponent; k++) {
        const ch_number power = ch_number_raise(base, k);
        push(values, self->row, power.value, power.count);
    }
    return CH_OK;
}

static ch_code add_integers(ch_values *values, const range *self, ch_error *err)
{
    const double steps =
        self->row->type == CH_TYPE_REAL ? self->hi.value - self->lo.value : (double)(self->hi.count - self->lo.count);
    const ch_code code = reserve(values, steps + 1, self->row, self->shown, err);
    if (code != CH_OK) {
        return code;
    }
    for (uint64_t i = 0; i <= (uint64_t)steps; i++) {
        push(values, self->row, self->lo.value + (double)i, self->lo.count + i);
    }
    return CH_OK;
}

/* v_i = lo (hi / lo)^(i / (n - 1)). Inner points are rounded to 15 digits: 1e-3..1 x 4 then has 0.01 in it, and
 * mathematics libraries that differ in the last bit give the same values. */
static ch_code add_geometric(ch_values *values, const range *self, ch_error *err)
{
    const uint64_t points = self->points.count;
    const long double ratio = (long double)self->hi.value / (long double)self->lo.value;
    if (!self->points.whole || points < 2 || !(self->lo.value > 0 && self->lo.value < self->hi.value) ||
        !isfinite(ratio)) {
        return refuse_range(self, "is not accepted: LOW..HIGH x N takes 0 < LOW < HIGH and an integer N >= 2", err);
    }
    const ch_code code = reserve(values, (double)points, self->row, self->shown, err);
    if (code != CH_OK) {
        return code;
    }
    push(values, self->row, self->lo.value, self->lo.count);
    for (uint64_t i = 1; i + 1 < points; i++) {
        const long double fraction = (long double)i / (long double)(points - 1);
        const double real = ch_number_round((double)((long double)self->lo.value * powl(ratio, fraction)));
        push_distinct(values, self->row, real, real < self->hi.value ? (uint64_t)llround(real) : self->hi.count);
    }
    push_distinct(values, self->row, self->hi.value, self->hi.count);
    return CH_OK;
}

static bool is_integer(const range *self, const ch_number *number)
{
    return !number->power &&
           (self->row->type == CH_TYPE_REAL ? number->value == floor(number->value) && fabs(number->value) <= 0x1p53
                                            : number->whole);
}

static ch_code add_range(ch_values *values, const range *self, ch_error *err)
{
    if (self->geometric) {
        return add_geometric(values, self, err);
    }
    if (self->hi.value < self->lo.value || (self->hi.whole && self->lo.whole && self->hi.count < self->lo.count)) {
        return refuse_range(self, "is empty; accepted is LOW..HIGH with LOW <= HIGH", err);
    }
    if (self->lo.power && self->hi.power && self->lo.base == self->hi.base) {
        return add_powers(values, self, err);
    }
    if (is_integer(self, &self->lo) && is_integer(self, &self->hi)) {
        return add_integers(values, self, err);
    }
    return refuse_range(self,
                        "does not say its steps; accepted are integers as in 0..4, powers of one base as in 2^-3..2^2, "
                        "or a number of points as in 1e-3..1 x 7",
                        err);
}

/* ---- reading ---- */

/* Removes white space at both ends, in place. */
static char *trim(char *text)
{
    static const char spaces[] = " \t\r\n";
    text += strspn(text, spaces);
    size_t length = strlen(text);
    while (length > 0 && strchr(spaces, text[length - 1]) != NULL) {
        length--;
    }
    text[length] = '\0';
    return text;
}

/* Reads one end of a range, which must be a number that the setting accepts; words such as "inf" are refused. */
static ch_code parse_end(const ch_setting *row, const char *text, const char *shown, ch_number *number, ch_error *err)
{
    ch_value value;
    const ch_code code = ch_setting_parse(row, text, &value, err);
    if (code != CH_OK) {
        return code;
    }
    if (!ch_number_parse(number, text)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s: the range %s ends at '%s'; accepted are numbers", row->name,
                            ch_show(shown).text, ch_show(text).text);
    }
    return CH_OK;
}

static ch_code parse_range(ch_values *values, const ch_setting *row, const char *shown, char *dots, char *item,
                           ch_error *err)
{
    range self = {.row = row, .shown = shown};
    char *hi = trim(dots + 2);
    *dots = '\0';
    char *times = strchr(hi, 'x');
    if (times != NULL) {
        const char *points = trim(times + 1);
        self.geometric = true;
        *times = '\0';
        hi = trim(hi);
        if (!ch_number_parse(&self.points, points)) {
            return ch_error_set(err, CH_ERROR_INPUT, "%s: the range %s has '%s' points; accepted is an integer >= 2",
                                row->name, ch_show(shown).text, ch_show(points).text);
        }
    }
    ch_code code = parse_end(row, trim(item), shown, &self.lo, err);
    if (code != CH_OK) {
        return code;
    }
    code = parse_end(row, hi, shown, &self.hi, err);
    if (code != CH_OK) {
        return code;
    }
    return add_range(values, &self, err);
}

static ch_code parse_item(ch_values *values, const ch_setting *row, char *item, ch_error *err)
{
    item = trim(item);
    char *dots = row->type == CH_TYPE_CHOICE ? NULL : strstr(item, "..");
    if (dots != NULL) {
        char *shown = strdup(item);
        if (shown == NULL) {
            return ch_error_memory(err, "a range");
        }
        const ch_code code = parse_range(values, row, shown, dots, item, err);
        free(shown);
        return code;
    }
    ch_value value;
    ch_code code = ch_setting_parse(row, item, &value, err);
    if (code != CH_OK) {
        return code;
    }
    code = reserve(values, 1, row, item, err);
    if (code != CH_OK) {
        return code;
    }
    values->items[values->count++] = value;
    return CH_OK;
}

/* Whether one of the first `count` values is such a text, or the word that stands for no text where it is NULL. */
static bool has_text(const ch_values *values, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        const char *item = values->items[i].text;
        if (item == text || (item != NULL && text != NULL && strcmp(item, text) == 0)) {
            return true;
        }
    }
    return false;
}

/* Appends a text. */
static ch_code add_text(ch_values *values, const ch_setting *row, const char *text, ch_error *err)
{
    ch_value value;
    void *texts = values->texts;
    ch_code code = ch_setting_parse(row, text, &value, err);
    if (code != CH_OK) {
        return code;
    }
    code = reserve(values, 1, row, text, err);
    if (code != CH_OK) {
        return code;
    }
    if (value.text == NULL) {
        values->items[values->count++] = value;
        return CH_OK;
    }
    if (ch_grow(&texts, &values->texts_capacity, values->num_texts + 1, sizeof *values->texts) != 0) {
        return ch_error_memory(err, "a list of values");
    }
    values->texts = texts;
    char *copy = strdup(text);
    if (copy == NULL) {
        return ch_error_memory(err, "a list of values");
    }
    values->texts[values->num_texts++] = copy;
    values->items[values->count++] = (ch_value){.text = copy};
    return CH_OK;
}

/* Reads the name of a file or folder. The whole text is one value, even with a comma or dots in it. Only of files that
 * are known by their content a sweep takes several, from a list of YAML. */
static ch_code parse_text(ch_values *values, const ch_setting *row, const char *text, ch_error *err)
{
    return values->count == 0 || row->type == CH_TYPE_CONTENT
               ? add_text(values, row, text, err)
               : ch_error_set(err, CH_ERROR_INPUT, "%s has several values; accepted is one", row->name);
}

/* Reads rules of labels, which have commas in them: semicolons divide a list of rules. They are kept as they are
 * written for a rule, so that equal rules are one value. */
static ch_code parse_rules(ch_values *values, const ch_setting *row, const char *text, ch_error *err)
{
    char *copy = strdup(text), *rest = copy;
    ch_code code = copy != NULL ? CH_OK : ch_error_memory(err, "a list of values");
    while (rest != NULL && code == CH_OK) {
        ch_classes rule;
        char written[CH_CLASSES_SIZE];
        code = ch_classes_parse(&rule, strsep(&rest, ";"), err);
        if (code == CH_OK) {
            ch_classes_write(&rule, written);
            code = add_text(values, row, written, err);
        }
    }
    free(copy);
    return code;
}

ch_code ch_values_parse(ch_values *values, const ch_setting *row, const char *text, ch_error *err)
{
    if (row->type == CH_TYPE_TEXT || row->type == CH_TYPE_CONTENT) {
        return parse_text(values, row, text, err);
    }
    if (row->type == CH_TYPE_RULE) {
        return parse_rules(values, row, text, err);
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return ch_error_memory(err, "a list of values");
    }
    ch_code code = CH_OK;
    char *rest = copy;
    while (rest != NULL) {
        code = parse_item(values, row, strsep(&rest, ","), err);
        if (code != CH_OK) {
            goto out;
        }
    }
out:
    free(copy);
    return code;
}

/* ---- merging ---- */

typedef struct {
    uint64_t bits; /* equal values have equal bits */
    size_t index;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *left = a, *right = b;
    if (left->bits != right->bits) {
        return left->bits < right->bits ? -1 : 1;
    }
    return (left->index > right->index) - (left->index < right->index);
}

static bool is_ascending(const ch_values *values)
{
    for (size_t i = 1; i < values->count; i++) {
        if (values->items[i].count <= values->items[i - 1].count) {
            return false;
        }
    }
    return true;
}

/* Removes the texts that repeat an earlier one. */
static void merge_texts(ch_values *values)
{
    const size_t count = values->count;
    values->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!has_text(values, values->count, values->items[i].text)) {
            values->items[values->count++] = values->items[i];
        }
    }
}

ch_code ch_values_merge(ch_values *values, ch_error *err)
{
    if (values->num_texts > 0) {
        merge_texts(values);
        return CH_OK;
    }
    if (is_ascending(values)) {
        return CH_OK;
    }
    const size_t count = values->count;
    ranked *order = ch_alloc(count, sizeof *order);
    bool *repeated = ch_alloc(count, sizeof *repeated);
    ch_code code = CH_OK;
    if (order == NULL || repeated == NULL) {
        code = ch_error_memory(err, "a list of values");
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = (ranked){.bits = values->items[i].count, .index = i};
    }
    qsort(order, count, sizeof *order, compare_ranked);
    for (size_t i = 1; i < count; i++) {
        repeated[order[i].index] = order[i].bits == order[i - 1].bits;
    }
    values->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!repeated[i]) {
            values->items[values->count++] = values->items[i];
        }
    }
out:
    free(order);
    free(repeated);
    return code;
}

void ch_values_free(ch_values *values)
{
    for (size_t i = 0; i < values->num_texts; i++) {
        free(values->texts[i]);
    }
    free(values->texts);
    free(values->items);
    memset(values, 0, sizeof *values);
}
