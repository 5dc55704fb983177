/* data_sets.c — the data sets that runs belong to. */
#include "fit/table/data_sets.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static int compare_seeds(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Sorts the seeds and moves the distinct ones to the front. @return their number */
static size_t make_distinct(uint64_t *seeds, size_t count)
{
    size_t distinct = 0;
    qsort(seeds, count, sizeof *seeds, compare_seeds);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || seeds[i] != seeds[distinct - 1]) {
            seeds[distinct++] = seeds[i];
        }
    }
    return distinct;
}

/* Numbers seeds that lie close together, by a list of all integers from the least to the largest.
 * @param least  the least seed  @param span  the largest less the least, plus 1 */
static ch_code index_close(const uint64_t *seeds, size_t count, uint64_t least, size_t span, uint32_t *data_set,
                           size_t *num_sets, ch_error *err)
{
    uint32_t *number = ch_alloc(span, sizeof *number); /* 1 where there is such a seed, then how many are before it */
    if (number == NULL) {
        return ch_error_memory(err, "the data sets of a fit");
    }
    for (size_t i = 0; i < count; i++) {
        number[seeds[i] - least] = 1;
    }
    uint32_t before = 0;
    for (size_t k = 0; k < span; k++) {
        const uint32_t is_there = number[k];
        number[k] = before;
        before += is_there;
    }
    for (size_t i = 0; i < count; i++) {
        data_set[i] = number[seeds[i] - least];
    }
    *num_sets = before;
    free(number);
    return CH_OK;
}

/* Numbers any seeds. */
static ch_code index_any(const uint64_t *seeds, size_t count, uint32_t *data_set, size_t *num_sets, ch_error *err)
{
    uint64_t *distinct = ch_alloc(count, sizeof *distinct);
    if (distinct == NULL) {
        return ch_error_memory(err, "the data sets of a fit");
    }
    memcpy(distinct, seeds, count * sizeof *distinct);
    *num_sets = make_distinct(distinct, count);
    for (size_t i = 0; i < count; i++) {
        const uint64_t *place = bsearch(&seeds[i], distinct, *num_sets, sizeof *distinct, compare_seeds);
        data_set[i] = (uint32_t)(place - distinct);
    }
    free(distinct);
    return CH_OK;
}

ch_code ch_data_sets_index(const uint64_t *seeds, size_t count, uint32_t *data_set, size_t *num_sets, ch_error *err)
{
    enum { CLOSE = 4 }; /* integers a seed that a list of all of them may have */
    uint64_t least = UINT64_MAX, most = 0;
    size_t num = 0;
    for (size_t i = 0; i < count; i++) {
        least = seeds[i] < least ? seeds[i] : least;
        most = seeds[i] > most ? seeds[i] : most;
    }
    ch_code code = CH_OK;
    if (count > 0) {
        code = most - least < CLOSE * count
                   ? index_close(seeds, count, least, (size_t)(most - least) + 1, data_set, &num, err)
                   : index_any(seeds, count, data_set, &num, err);
    }
    if (num_sets != NULL) {
        *num_sets = num;
    }
    return code;
}

double ch_data_sets_overlap(const ch_run *const *runs, size_t num_runs, const ch_run **largest)
{
    double most = 0;
    const ch_run *at = num_runs > 0 ? runs[0] : NULL;
    for (size_t i = 0; i < num_runs; i++) {
        const ch_settings *settings = &runs[i]->settings;
        if (settings->data_pool == 0 || !ch_settings_has_pool(settings)) {
            continue;
        }
        const double part = (double)settings->train / (double)settings->data_pool;
        if (part > most) {
            most = part;
            at = runs[i];
        }
    }
    if (largest != NULL) {
        *largest = at;
    }
    return most;
}

bool ch_data_sets_are_united(const ch_run *const *runs, size_t num_runs)
{
    bool has_several = false;
    for (size_t i = 1; i < num_runs && !has_several; i++) {
        has_several = runs[i]->settings.seed_data != runs[0]->settings.seed_data;
    }
    return has_several && ch_data_sets_overlap(runs, num_runs, NULL) > CH_DATA_SETS_MOST_OVERLAP;
}

ch_code ch_data_sets_index_runs(const ch_run *const *runs, size_t num_runs, uint32_t *data_set, size_t *num_sets,
                                ch_error *err)
{
    uint64_t *seeds = ch_alloc(num_runs, sizeof *seeds);
    if (seeds == NULL) {
        return ch_error_memory(err, "the data sets of a fit");
    }
    const bool is_one = ch_data_sets_overlap(runs, num_runs, NULL) > CH_DATA_SETS_MOST_OVERLAP;
    for (size_t i = 0; i < num_runs; i++) {
        seeds[i] = is_one ? 0 : runs[i]->settings.seed_data;
    }
    const ch_code code = ch_data_sets_index(seeds, num_runs, data_set, num_sets, err);
    free(seeds);
    return code;
}
