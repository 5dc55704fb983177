/* classes.c — which labels of a data set are +1 and which are -1. */
#include "data/classes.h"

#include "core/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {[CH_SIDE_EVEN] = "even",
                                    [CH_SIDE_ODD] = "odd",
                                    [CH_SIDE_REST] = "rest",
                                    [CH_SIDE_LARGER] = "larger",
                                    [CH_SIDE_SMALLER] = "smaller"};
enum { NUM_KINDS = sizeof words / sizeof *words };

/* ---- reading ---- */

static ch_code refuse(const char *text, const char *why, ch_error *err)
{
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "classes is '%s'%s%s; accepted is what is +1 and what is -1, each a list of labels, even, odd or "
        "rest: even vs odd, 3 vs 7, 0,1,2 vs rest, or larger vs smaller",
        ch_show(text).text, why[0] != '\0' ? ", " : "", why);
}

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t");
}

/* Reads a list of integers up to `end`.  @return whether it is one */
static bool parse_list(ch_side *side, const char *at, const char *end)
{
    side->kind = CH_SIDE_LIST;
    for (;;) {
        char *after = NULL;
        at = skip_spaces(at);
        if (!isdigit((unsigned char)at[*at == '-' || *at == '+'])) {
            return false;
        }
        errno = 0;
        const long long label = strtoll(at, &after, 10);
        if (errno != 0 || after > end || side->count == CH_MOST_LISTED) {
            return false;
        }
        side->listed[side->count++] = label;
        at = skip_spaces(after);
        if (at >= end) {
            return true;
        }
        if (*at++ != ',') {
            return false;
        }
    }
}

/* Reads one side, which stands between two places of a text.  @return whether it is one */
static bool parse_side(ch_side *side, const char *begin, const char *end)
{
    begin = skip_spaces(begin);
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    for (size_t kind = CH_SIDE_EVEN; kind < NUM_KINDS; kind++) {
        if ((size_t)(end - begin) == strlen(words[kind]) && strncmp(begin, words[kind], strlen(words[kind])) == 0) {
            side->kind = (ch_side_kind)kind;
            return true;
        }
    }
    return parse_list(side, begin, end);
}

static int by_label(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Brings a list into ascending order without repetitions. */
static void sort(ch_side *side)
{
    size_t kept = 0;
    qsort(side->listed, side->count, sizeof *side->listed, by_label);
    for (size_t i = 0; i < side->count; i++) {
        if (kept == 0 || side->listed[i] != side->listed[kept - 1]) {
            side->listed[kept++] = side->listed[i];
        }
    }
    side->count = kept;
}

/* Whether a side has a label by itself: "rest", "larger" and "smaller" need to know more. */
static bool has(const ch_side *side, int64_t label)
{
    switch (side->kind) {
    case CH_SIDE_EVEN:
        return label % 2 == 0;
    case CH_SIDE_ODD:
        return label % 2 != 0;
    case CH_SIDE_LIST:
        return bsearch(&label, side->listed, side->count, sizeof label, by_label) != NULL;
    case CH_SIDE_REST:
    case CH_SIDE_LARGER:
    case CH_SIDE_SMALLER:
        break;
    }
    return false;
}

/* Whether the sides have a label in common. */
static bool overlap(const ch_classes *self)
{
    const ch_side *one = &self->sides[0], *other = &self->sides[1];
    if (one->kind != CH_SIDE_LIST && other->kind != CH_SIDE_LIST) {
        return one->kind == other->kind;
    }
    const ch_side *list = one->kind == CH_SIDE_LIST ? one : other, *against = list == one ? other : one;
    for (size_t i = 0; i < list->count; i++) {
        if (has(against, list->listed[i])) {
            return true;
        }
    }
    return false;
}

static bool is_of_a_pair(const ch_side *side)
{
    return side->kind == CH_SIDE_LARGER || side->kind == CH_SIDE_SMALLER;
}

/* The word "vs" with a space on either side. */
static const char *find_vs(const char *text)
{
    for (const char *at = strstr(text, "vs"); at != NULL; at = strstr(at + 1, "vs")) {
        if (at > text && strchr(" \t", at[-1]) != NULL && at[2] != '\0' && strchr(" \t", at[2]) != NULL) {
            return at;
        }
    }
    return NULL;
}

ch_code ch_classes_parse(ch_classes *self, const char *text, ch_error *err)
{
    const char *vs = find_vs(text);
    memset(self, 0, sizeof *self);
    if (vs == NULL || !parse_side(&self->sides[0], text, vs) ||
        !parse_side(&self->sides[1], vs + 2, text + strlen(text))) {
        return refuse(text, "", err);
    }
    sort(&self->sides[0]);
    sort(&self->sides[1]);
    if (overlap(self)) {
        return refuse(text, "with a label on both sides", err);
    }
    if (is_of_a_pair(&self->sides[0]) != is_of_a_pair(&self->sides[1])) {
        return refuse(text, "but larger and smaller go together", err);
    }
    char written[CH_CLASSES_SIZE]; /* a text that fills it may have been cut */
    ch_classes_write(self, written);
    return strlen(written) + 1 < sizeof written ? CH_OK : refuse(text, "which is longer than 62 characters", err);
}

/* ---- writing ---- */

static void append(char text[CH_CLASSES_SIZE], const char *more)
{
    const size_t used = strlen(text);
    snprintf(text + used, CH_CLASSES_SIZE - used, "%s", more);
}

void ch_classes_write(const ch_classes *self, char text[CH_CLASSES_SIZE])
{
    text[0] = '\0';
    for (size_t s = 0; s < 2; s++) {
        const ch_side *side = &self->sides[s];
        append(text, s > 0 ? " vs " : "");
        if (side->kind != CH_SIDE_LIST) {
            append(text, words[side->kind]);
        }
        for (size_t i = 0; i < side->count; i++) {
            char label[32];
            snprintf(label, sizeof label, "%s%" PRId64, i > 0 ? "," : "", side->listed[i]);
            append(text, label);
        }
    }
}

/* ---- data sets ---- */

/* Whether a side of a rule has a label. */
static bool side_has(const ch_classes *self, size_t s, const ch_label_counts *counts, int64_t label)
{
    switch (self->sides[s].kind) {
    case CH_SIDE_REST:
        return !has(&self->sides[1 - s], label);
    case CH_SIDE_LARGER:
        return counts->count == 2 && label == counts->labels[1];
    case CH_SIDE_SMALLER:
        return counts->count == 2 && label == counts->labels[0];
    case CH_SIDE_LIST:
    case CH_SIDE_EVEN:
    case CH_SIDE_ODD:
        break;
    }
    return has(&self->sides[s], label);
}

int8_t ch_classes_sign(const ch_classes *self, const ch_label_counts *counts, int64_t label)
{
    return side_has(self, 0, counts, label) ? 1 : side_has(self, 1, counts, label) ? -1 : 0;
}

/* The labels of a data set for a message: "0, 1, 2, 3, …, 9". */
static void list_labels(const ch_label_counts *counts, char *text, size_t size)
{
    enum { SHOWN = 12 };
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < counts->count && used < size; i++) {
        if (counts->count > SHOWN && i == SHOWN - 2) {
            used += (size_t)snprintf(text + used, size - used, ", …");
            i = counts->count - 1;
        }
        used += (size_t)snprintf(text + used, used < size ? size - used : 0, "%s%" PRId64, i > 0 ? ", " : "",
                                 counts->labels[i]);
    }
}

ch_code ch_classes_check(const ch_classes *self, const ch_label_counts *counts, size_t *total, ch_error *err)
{
    size_t samples[2] = {0, 0};
    char rule[CH_CLASSES_SIZE], labels[320];
    for (size_t i = 0; i < counts->count; i++) {
        const int sign = ch_classes_sign(self, counts, counts->labels[i]);
        samples[0] += sign > 0 ? counts->samples[i] : 0;
        samples[1] += sign < 0 ? counts->samples[i] : 0;
    }
    *total = samples[0] + samples[1];
    if (samples[0] > 0 && samples[1] > 0) {
        return CH_OK;
    }
    ch_classes_write(self, rule);
    list_labels(counts, labels, sizeof labels);
    if (is_of_a_pair(&self->sides[0]) && counts->count > 1) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "classes is %s, but the data have %zu different labels, %s; accepted is which of them are +1 "
            "and which -1, as in 0,1,2 vs rest",
            rule, counts->count, labels);
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "classes is %s, but no sample would be %s: the labels there are are %s; accepted are classes that "
        "both have samples",
        rule, samples[0] == 0 ? "+1" : "-1", labels);
}

/* The place of a label among those counted, or where it belongs. */
static size_t place_of(const ch_label_counts *self, int64_t label)
{
    size_t lo = 0, hi = self->count;
    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if (self->labels[middle] < label) {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    return lo;
}

ch_code ch_label_counts_init(ch_label_counts *self, const int64_t *labels, size_t num_samples, ch_error *err)
{
    self->count = 0;
    for (size_t mu = 0; mu < num_samples; mu++) {
        const size_t place = place_of(self, labels[mu]);
        if (place == self->count || self->labels[place] != labels[mu]) {
            if (self->count == CH_MOST_LABELS) {
                return ch_error_set(
                    err, CH_ERROR_INPUT,
                    "the labels have more than %d different values; accepted are the numbers of up to %d "
                    "classes",
                    CH_MOST_LABELS, CH_MOST_LABELS);
            }
            const size_t behind = self->count - place;
            memmove(self->labels + place + 1, self->labels + place, behind * sizeof *self->labels);
            memmove(self->samples + place + 1, self->samples + place, behind * sizeof *self->samples);
            self->labels[place] = labels[mu];
            self->samples[place] = 0;
            self->count++;
        }
        self->samples[place]++;
    }
    return CH_OK;
}
