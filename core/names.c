/* names.c — the known name that is nearest to a misspelt one. */
#include "core/names.h"

#include <string.h>

enum { MAX_LENGTH = 63 };

/* Levenshtein's distance by one row of the dynamic programme:
 * D(i, j) = min(D(i-1, j) + 1, D(i, j-1) + 1, D(i-1, j-1) + [a_i != b_j]). */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[MAX_LENGTH + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best) {
                best = row[j] + 1;
            }
            if (row[j - 1] + 1 < best) {
                best = row[j - 1] + 1;
            }
            row[j] = best;
        }
    }
    return row[b_length];
}

const char *ch_names_nearest(const char *word, const char *const *names, size_t count)
{
    const size_t length = strlen(word);
    const char *nearest = NULL;
    size_t least = MAX_LENGTH;
    if (length > MAX_LENGTH) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t name_length = strlen(names[i]);
        if (name_length > MAX_LENGTH) {
            continue;
        }
        const size_t distance = edit_distance(word, length, names[i], name_length);
        if (distance < least && 2 * distance <= name_length) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
