/* parts.c — divides a sweep into parts of equal expected cost. */
#include "sim/sweep/parts.h"

#include "core/memory.h"
#include "sim/admit.h"
#include "sim/sweep/sweep_private.h"

#include <math.h>
#include <stdlib.h>

/* A run of the plan. */
typedef struct {
    uint64_t digest; /* of the key of its data set */
    uint64_t id;     /* the first 64 bits of its id, in a plan of several blocks, which may have it twice; else 0 */
    uint64_t index;  /* its number in the plan */
    double cost;     /* rounded */
} item;

/* Runs that stay together. */
typedef struct {
    uint64_t lowest;     /* number of its first run in the plan */
    size_t begin, count; /* its runs among the items */
    double cost;
} piece;

typedef struct {
    item *items; /* [num_items] */
    size_t num_items, items_capacity;
    piece *pieces; /* [num_pieces] */
    size_t num_pieces, pieces_capacity;
    double total; /* cost of all runs */
} division;

/* Rounds a cost to 7 bits. The shift keeps borders away from numbers that costs often have, such as powers of two. */
static double round_cost(double cost)
{
    enum { BITS = 7 };
    static const double SHIFT = 0.3183098861837907;
    int exponent = 0;
    const double mantissa = frexp(cost > 1 ? cost : 1, &exponent);
    return ldexp(floor(ldexp(mantissa, BITS) + SHIFT), exponent - BITS);
}

/* Whether a run that was refused here is one that another machine can do: one with more memory.
 * @param resolved  out */
static bool is_for_others(const ch_sweep *sweep, uint64_t index, ch_resolved *resolved)
{
    ch_settings settings;
    ch_plan_get(sweep->plan, index, &settings);
    return ch_settings_resolve(&settings, resolved, NULL) == CH_OK &&
           ch_sources_find(sweep->sources, resolved, NULL) == CH_OK && ch_admit_anywhere(resolved, NULL) == CH_OK;
}

/* What ch_train_cost gives where there is no memory to find the cost. */
static const double UNKNOWN_COST = 1;

/* Adds run `index` of the plan, unless it is one that no machine can do. */
static ch_code add_item(division *self, const ch_sweep *sweep, uint64_t index, ch_error *err)
{
    ch_resolved resolved;
    bool own = false;
    const ch_code code = ch_census_admit(sweep->plan, sweep->sources, index, &resolved, &own, err);
    const bool is_left_out = code == CH_ERROR_INPUT && own && sweep->plan->skip_invalid;
    if (code != CH_OK && !is_left_out) {
        return code;
    }
    if (is_left_out && !is_for_others(sweep, index, &resolved)) {
        return CH_OK;
    }
    const double cost = ch_train_cost(&resolved);
    if (cost <= UNKNOWN_COST) { /* with any other cost the parts would be others */
        return ch_error_memory(err, "the expected cost of a run");
    }
    if (ch_grow((void **)&self->items, &self->items_capacity, self->num_items + 1, sizeof *self->items) != 0) {
        return ch_error_memory(err, "the parts of a sweep");
    }
    const ch_train_key key = ch_train_key_of(&resolved);
    char id[CH_ID_SIZE];
    ch_settings_id(&resolved, id);
    self->items[self->num_items++] = (item){.digest = ch_train_key_digest(&key),
                                            .id = sweep->plan->num_blocks > 0 ? ch_settings_id_number(id) : 0,
                                            .index = index,
                                            .cost = round_cost(cost)};
    return CH_OK;
}

static ch_code list_items(division *self, const ch_sweep *sweep, ch_error *err)
{
    for (uint64_t i = 0; i < sweep->plan->num_runs; i++) {
        const ch_code code = add_item(self, sweep, i, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static int order_of_counts(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Descending. */
static int order_of_costs(double a, double b)
{
    return (a < b) - (a > b);
}

static int by_data_set(const void *left, const void *right)
{
    const item *a = left, *b = right;
    int order = order_of_counts(a->digest, b->digest);
    order = order != 0 ? order : order_of_costs(a->cost, b->cost);
    order = order != 0 ? order : order_of_counts(a->id, b->id);
    return order != 0 ? order : order_of_counts(a->index, b->index);
}

static int by_cost(const void *left, const void *right)
{
    const piece *a = left, *b = right;
    const int order = order_of_costs(a->cost, b->cost);
    return order != 0 ? order : order_of_counts(a->lowest, b->lowest);
}

/* Orders the runs by data set and cost, removes those that an earlier block has, and adds up the cost. */
static void sort_items(division *self)
{
    const size_t num_items = self->num_items;
    if (num_items > 0) {
        qsort(self->items, num_items, sizeof *self->items, by_data_set);
    }
    self->num_items = 0;
    for (size_t i = 0; i < num_items; i++) {
        const item *last = self->num_items > 0 ? &self->items[self->num_items - 1] : NULL, *run = &self->items[i];
        if (last == NULL || run->id == 0 || run->digest != last->digest || run->id != last->id) {
            self->total += run->cost;
            self->items[self->num_items++] = *run;
        }
    }
}

/* Cuts the runs of every data set into pieces that cost `most` at most, or have one run. */
static ch_code cut(division *self, double most, ch_error *err)
{
    for (size_t i = 0; i < self->num_items; i++) {
        const item *run = &self->items[i];
        piece *last = self->num_pieces > 0 ? &self->pieces[self->num_pieces - 1] : NULL;
        if (last != NULL && run->digest == run[-1].digest && last->cost + run->cost <= most) {
            last->lowest = run->index < last->lowest ? run->index : last->lowest;
            last->cost += run->cost;
            last->count++;
            continue;
        }
        if (ch_grow((void **)&self->pieces, &self->pieces_capacity, self->num_pieces + 1, sizeof *self->pieces) != 0) {
            return ch_error_memory(err, "the parts of a sweep");
        }
        self->pieces[self->num_pieces++] = (piece){.lowest = run->index, .begin = i, .count = 1, .cost = run->cost};
    }
    return CH_OK;
}

/* ---- dealing ---- */

/* A part, in a heap whose first has the least cost, and of equal ones the lowest number. */
typedef struct {
    double cost;
    uint64_t number; /* from 1 */
} part;

static bool comes_before(const part *a, const part *b)
{
    return a->cost < b->cost || (a->cost == b->cost && a->number < b->number);
}

/* Puts the first part of a heap, which has become more costly, where it belongs. */
static void sink(part *heap, size_t count)
{
    size_t place = 0;
    for (size_t child = 1; child < count; child = 2 * place + 1) {
        child += child + 1 < count && comes_before(&heap[child + 1], &heap[child]);
        if (comes_before(&heap[place], &heap[child])) {
            return;
        }
        const part swapped = heap[place];
        heap[place] = heap[child];
        heap[child] = swapped;
        place = child;
    }
}

static int by_index(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return order_of_counts(*a, *b);
}

/* Deals the pieces out, and lists the runs of one part.
 * @param runs  [num_items] out */
static ch_code deal(division *self, const ch_plan *plan, uint64_t *runs, size_t *count, double *cost, ch_error *err)
{
    const size_t num_parts = (size_t)plan->num_parts;
    part *heap = ch_alloc(num_parts, sizeof *heap);
    if (heap == NULL) {
        return ch_error_memory(err, "the parts of a sweep");
    }
    for (size_t i = 0; i < num_parts; i++) {
        heap[i].number = i + 1;
    }
    for (size_t i = 0; i < self->num_pieces; i++) {
        const piece *dealt = &self->pieces[i];
        const bool is_mine = heap[0].number == plan->part;
        for (size_t k = 0; is_mine && k < dealt->count; k++) {
            runs[(*count)++] = self->items[dealt->begin + k].index;
        }
        *cost += is_mine ? dealt->cost : 0;
        heap[0].cost += dealt->cost;
        sink(heap, num_parts);
    }
    free(heap);
    return CH_OK;
}

ch_code ch_parts_choose(const ch_sweep *sweep, uint64_t **runs, size_t *count, double *share, ch_error *err)
{
    static const double PIECES_A_PART = 8;
    const ch_plan *plan = sweep->plan;
    division self = {0};
    double cost = 0;
    *runs = NULL;
    *count = 0;
    ch_code code = list_items(&self, sweep, err);
    if (code != CH_OK) {
        goto out;
    }
    sort_items(&self);
    code = cut(&self, self.total / (double)plan->num_parts / PIECES_A_PART, err);
    if (code != CH_OK) {
        goto out;
    }
    *runs = ch_alloc(self.num_items, sizeof **runs);
    if (*runs == NULL) {
        code = ch_error_memory(err, "the parts of a sweep");
        goto out;
    }
    if (self.num_pieces > 0) {
        qsort(self.pieces, self.num_pieces, sizeof *self.pieces, by_cost);
    }
    code = deal(&self, plan, *runs, count, &cost, err);
    if (code != CH_OK) {
        goto out;
    }
    if (*count > 0) {
        qsort(*runs, *count, sizeof **runs, by_index);
    }
    *share = self.total > 0 ? cost / self.total : 0;
out:
    free(self.items);
    free(self.pieces);
    if (code != CH_OK) {
        free(*runs);
        *runs = NULL;
    }
    return code;
}
