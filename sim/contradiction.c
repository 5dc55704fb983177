/* contradiction.c — samples that no training can fit. */
#include "sim/contradiction.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A sample and a number that is the same for equal samples. */
typedef struct {
    uint64_t mark;
    size_t sample;
} marked;

static int by_mark(const void *left, const void *right)
{
    const marked *a = left, *b = right;
    const int order = (a->mark > b->mark) - (a->mark < b->mark);
    return order != 0 ? order : (a->sample > b->sample) - (a->sample < b->sample);
}

/* How two samples are related. */
typedef enum { OPPOSITE = -1, DIFFERENT, SAME } relation;

/* Compares samples of one mark, in ascending order: each with the different ones before it. */
static void compare_group(marked *items, size_t count, const void *set,
                          relation (*relate)(const void *set, size_t a, size_t b), ch_contradiction *found)
{
    size_t num_different = 1; /* they are brought to the front, over samples that are compared already */
    for (size_t i = 1; i < count && items[i].sample < found->first; i++) {
        relation to = DIFFERENT;
        for (size_t k = 0; k < num_different && to == DIFFERENT; k++) {
            to = relate(set, items[k].sample, items[i].sample);
        }
        if (to == OPPOSITE) {
            *found = (ch_contradiction){items[i].sample, CH_CAUSE_BOTH_LABELS};
        } else if (to == DIFFERENT) {
            items[num_different++] = items[i];
        }
    }
}

/* Compares all samples of equal marks.
 * @param items  [count] */
static void compare_equal(marked *items, size_t count, const void *set,
                          relation (*relate)(const void *set, size_t a, size_t b), ch_contradiction *found)
{
    qsort(items, count, sizeof *items, by_mark);
    for (size_t begin = 0, end = 0; begin < count; begin = end) {
        while (end < count && items[end].mark == items[begin].mark) {
            end++;
        }
        compare_group(items + begin, end - begin, set, relate, found);
    }
}

/* ---- examples ---- */

/* The hash of Fowler, Noll and Vo of an input, number by number. */
static uint64_t hash_input(const float *input, size_t dim)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < dim; i++) {
        uint32_t word = 0;
        memcpy(&word, &input[i], sizeof word);
        hash = (hash ^ word) * 0x100000001b3;
    }
    return hash;
}

static relation relate_examples(const void *set, size_t a, size_t b)
{
    const ch_examples *self = set;
    if (memcmp(ch_examples_input(self, a), ch_examples_input(self, b), self->dim * sizeof(float)) != 0) {
        return DIFFERENT;
    }
    return self->labels[a] == self->labels[b] ? SAME : OPPOSITE;
}

ch_code ch_contradiction_of_examples(const ch_examples *examples, ch_contradiction *found, ch_error *err)
{
    const size_t count = examples->num_samples;
    marked *items = ch_alloc_unset(count, sizeof *items);
    *found = (ch_contradiction){SIZE_MAX, CH_CAUSE_NONE};
    if (items == NULL) {
        return ch_error_memory(err, "a list of the samples: lower train");
    }
    for (size_t mu = 0; mu < count; mu++) {
        items[mu] = (marked){hash_input(ch_examples_input(examples, mu), examples->dim), mu};
    }
    compare_equal(items, count, examples, relate_examples, found);
    free(items);
    return CH_OK;
}

/* ---- rows of a linear student ---- */

/* A hash of a row that is the same for its negative, by numbers without their signs; 0 is without a sign anyway. Of one
 * number only the sign matters to who can fit it, so that it is the same for all. */
static uint64_t hash_row(const float *row, size_t dim, bool *is_zero)
{
    uint64_t hash = 0xcbf29ce484222325;
    *is_zero = true;
    for (size_t i = 0; i < dim; i++) {
        const float size = dim > 1 ? fabsf(row[i]) : row[i] != 0;
        uint32_t word = 0;
        memcpy(&word, &size, sizeof word);
        hash = (hash ^ word) * 0x100000001b3;
        *is_zero = *is_zero && size == 0;
    }
    return hash;
}

static relation relate_samples(const void *set, size_t a, size_t b)
{
    const ch_sample_set *self = set;
    const float *x = ch_sample_set_row(self, a), *y = ch_sample_set_row(self, b);
    bool is_same = true, is_opposite = true;
    if (self->dim == 1) {
        return (x[0] > 0) == (y[0] > 0) ? SAME : OPPOSITE;
    }
    for (size_t i = 0; i < self->dim && (is_same || is_opposite); i++) {
        is_same = is_same && x[i] == y[i];
        is_opposite = is_opposite && x[i] == -y[i];
    }
    return is_same ? SAME : is_opposite ? OPPOSITE : DIFFERENT;
}

ch_code ch_contradiction_of_rows(const ch_sample_set *set, ch_contradiction *found, ch_error *err)
{
    const size_t count = set->num_samples;
    marked *items = ch_alloc_unset(count, sizeof *items);
    *found = (ch_contradiction){SIZE_MAX, CH_CAUSE_NONE};
    if (items == NULL) {
        return ch_error_memory(err, "a list of the samples: lower train");
    }
    for (size_t mu = count; mu-- > 0;) {
        bool is_zero = false;
        items[mu] = (marked){hash_row(ch_sample_set_row(set, mu), set->dim, &is_zero), mu};
        if (is_zero) {
            *found = (ch_contradiction){mu, CH_CAUSE_FIXED_SAMPLE};
        }
    }
    compare_equal(items, count, set, relate_samples, found);
    free(items);
    return CH_OK;
}

/* ---- a kernel ---- */

static float entry(const ch_kernel *kernel, size_t mu, size_t nu)
{
    return ch_kernel_row(kernel, mu)[nu];
}

static relation relate_rows(const void *set, size_t a, size_t b)
{
    const ch_kernel *self = set;
    const float square = entry(self, a, a), product = entry(self, a, b);
    return product <= -square ? OPPOSITE : product >= square ? SAME : DIFFERENT;
}

ch_code ch_contradiction_of_kernel(const ch_kernel *kernel, ch_contradiction *found, ch_error *err)
{
    const size_t count = kernel->num_train;
    marked *items = ch_alloc_unset(count, sizeof *items);
    *found = (ch_contradiction){SIZE_MAX, CH_CAUSE_NONE};
    if (items == NULL) {
        return ch_error_memory(err, "a list of the samples: lower train");
    }
    for (size_t mu = count; mu-- > 0;) {
        const float square = entry(kernel, mu, mu);
        uint32_t bits = 0;
        memcpy(&bits, &square, sizeof bits);
        items[mu] = (marked){bits, mu};
        if (!(square > 0)) {
            *found = (ch_contradiction){mu, CH_CAUSE_FIXED_SAMPLE};
        }
    }
    compare_equal(items, count, kernel, relate_rows, found);
    free(items);
    return CH_OK;
}
