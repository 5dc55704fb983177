/* census.c — counts the combinations of a plan that can be run, and the others by reason. */
#include "sim/sweep/census.h"

#include "core/memory.h"
#include "sim/admit.h"
#include "sim/sweep/plan_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_AXES = 64 }; /* a plan has no more axes than there are settings */

/* A range of positions along an axis, both ends included. */
typedef struct {
    size_t lo, hi;
} span;

/* An axis as a census sees it. */
typedef struct {
    const ch_plan_axis *axis; /* borrowed */
    uint64_t stride;          /* by how much the number of a run grows with the place on this axis */
    size_t *order;            /* [length] places of the values, ascending; NULL where they ascend already. Owned */
    bool is_ordered;
    bool is_real;
    bool is_free; /* every value is accepted */
} view;

typedef struct {
    ch_census *census;
    const ch_plan *plan;
    ch_sources *sources;
    uint64_t first; /* number of the first run of the block that is counted */
    bool until_a_refusal;
    view views[MOST_AXES];
    size_t num_views;
} counter;

/* ---- reasons ---- */

/* Removes the numbers of a sentence, in place. */
static void remove_numbers(char *sentence)
{
    char *end = sentence;
    for (const char *c = sentence; *c != '\0'; c++) {
        const bool in_number = isdigit((unsigned char)*c) || (*c == '.' && isdigit((unsigned char)c[1]));
        const bool in_exponent = end > sentence && end[-1] == '#' && (*c == 'e' || *c == '+' || *c == '-') &&
                                 (isdigit((unsigned char)c[1]) || c[1] == '+' || c[1] == '-');
        if (!in_number && !in_exponent) {
            *end++ = *c;
        } else if (end == sentence || end[-1] != '#') {
            *end++ = '#';
        }
    }
    *end = '\0';
}

/* The reason with this sentence, which is added when it is new.
 * @param index  out: among the reasons of the census */
static ch_code find_reason(ch_census *self, const char *sentence, size_t *index, ch_error *err)
{
    char kind[sizeof err->message];
    strcpy(kind, sentence);
    remove_numbers(kind);
    for (*index = 0; *index < self->num_reasons; ++*index) {
        if (strcmp(self->reasons[*index].kind, kind) == 0) {
            return CH_OK;
        }
    }
    void *reasons = self->reasons;
    if (ch_grow(&reasons, &self->capacity, self->num_reasons + 1, sizeof *self->reasons) != 0) {
        return ch_error_memory(err, "the reasons of a sweep");
    }
    self->reasons = reasons;
    ch_census_reason *reason = &self->reasons[self->num_reasons];
    *reason = (ch_census_reason){.kind = strdup(kind), .sentence = strdup(sentence)};
    self->num_reasons++;
    return reason->kind != NULL && reason->sentence != NULL ? CH_OK : ch_error_memory(err, "the reasons of a sweep");
}

/* ---- one combination ---- */

ch_code ch_census_admit(const ch_plan *plan, ch_sources *sources, uint64_t index, ch_resolved *resolved, bool *own,
                        ch_error *err)
{
    ch_settings settings;
    *own = true;
    ch_code code = ch_plan_check_stop(plan, err);
    if (code != CH_OK) {
        return code;
    }
    ch_plan_get(plan, index, &settings);
    code = ch_settings_resolve(&settings, resolved, err);
    if (code != CH_OK) {
        return code;
    }
    if (sources == NULL) {
        return ch_admit(resolved, err);
    }
    bool is_read = true;
    code = ch_sources_admit(sources, resolved, &is_read, err);
    *own = is_read; /* else there is something wrong with the files */
    return code;
}

/* What a combination is. */
enum { ACCEPTED = -1 };

/* @param answer  out: ACCEPTED, or the index of the reason */
static ch_code ask(counter *self, uint64_t index, int *answer, ch_error *err)
{
    ch_resolved resolved;
    ch_error refusal = {0};
    bool own = false;
    const ch_code code = ch_census_admit(self->plan, self->sources, index, &resolved, &own, &refusal);
    if (code == CH_OK) {
        *answer = ACCEPTED;
        return CH_OK;
    }
    if (code != CH_ERROR_INPUT || !own) {
        return ch_error_set(err, code, "%s", refusal.message);
    }
    size_t reason = 0;
    const ch_code found = find_reason(self->census, refusal.message, &reason, err);
    *answer = (int)reason;
    return found;
}

/* ---- boxes ---- */

static size_t place_of(const view *self, size_t position)
{
    return self->order != NULL ? self->order[position] : position;
}

/* The number of combinations in a box. */
static uint64_t volume(const counter *self, const span *box)
{
    uint64_t product = 1;
    for (size_t i = 0; i < self->num_views; i++) {
        product *= box[i].hi - box[i].lo + 1;
    }
    return product;
}

static bool is_open(const counter *self, const span *box, size_t i)
{
    return box[i].lo < box[i].hi && !self->views[i].is_free;
}

/* Asks about all corners of a box.
 * @param answer  out: of all corners, where all have the same
 * @param same    out: whether they have */
static ch_code ask_corners(counter *self, const span *box, int *answer, bool *same, ch_error *err)
{
    size_t open[MOST_AXES], num_open = 0;
    uint64_t base = self->first;
    for (size_t i = 0; i < self->num_views; i++) {
        base += self->views[i].stride * place_of(&self->views[i], box[i].lo);
        if (is_open(self, box, i)) {
            open[num_open++] = i;
        }
    }
    *same = true;
    for (uint64_t corner = 0; corner < (uint64_t)1 << num_open && *same; corner++) {
        uint64_t index = base;
        int here = ACCEPTED;
        for (size_t k = 0; k < num_open; k++) {
            const view *axis = &self->views[open[k]];
            if ((corner >> k & 1) != 0) {
                index += axis->stride * place_of(axis, box[open[k]].hi);
                index -= axis->stride * place_of(axis, box[open[k]].lo);
            }
        }
        const ch_code code = ask(self, index, &here, err);
        if (code != CH_OK) {
            return code;
        }
        *same = corner == 0 || here == *answer;
        *answer = here;
    }
    return CH_OK;
}

/* Whether the first value of a range stands for a word, as 0 does for "full", or may have a meaning of its own. */
static bool begins_with_zero(const view *self, const span *range)
{
    return self->is_ordered && range->lo < range->hi &&
           self->axis->values[0].items[place_of(self, range->lo)].count == 0;
}

/* Whether a sentence has a word in it. */
static bool names(const char *sentence, const char *word)
{
    const size_t length = strlen(word);
    for (const char *c = strstr(sentence, word); c != NULL; c = strstr(c + 1, word)) {
        const bool begins = c == sentence || (!isalnum((unsigned char)c[-1]) && c[-1] != '_');
        if (begins && !isalnum((unsigned char)c[length]) && c[length] != '_') {
            return true;
        }
    }
    return false;
}

/* The axis along which a box has to be divided before its corners are asked: one without an order, or one that begins
 * with a word. @return num_views where there is none */
static size_t axis_to_divide_first(const counter *self, const span *box)
{
    size_t i = 0;
    while (i < self->num_views &&
           !(is_open(self, box, i) && (!self->views[i].is_ordered || begins_with_zero(&self->views[i], &box[i])))) {
        i++;
    }
    return i;
}

/* The open real axis that a reason names. @return num_views where there is none */
static size_t real_axis_of(const counter *self, const span *box, int reason)
{
    for (size_t i = 0; i < self->num_views; i++) {
        const view *axis = &self->views[i];
        if (is_open(self, box, i) && axis->is_real &&
            names(self->census->reasons[reason].sentence, ch_settings_table[axis->axis->settings[0]].name)) {
            return i;
        }
    }
    return self->num_views;
}

static size_t longest_axis(const counter *self, const span *box)
{
    size_t longest = self->num_views, length = 0;
    for (size_t i = 0; i < self->num_views; i++) {
        if (is_open(self, box, i) && box[i].hi - box[i].lo > length) {
            longest = i;
            length = box[i].hi - box[i].lo;
        }
    }
    return longest;
}

static ch_code count_box(counter *self, const span *box, ch_error *err);

/* Counts both parts of a box that is divided behind position `last` of an axis. */
static ch_code count_parts(counter *self, const span *box, size_t axis, size_t last, ch_error *err)
{
    span part[MOST_AXES];
    memcpy(part, box, self->num_views * sizeof *part);
    part[axis].hi = last;
    const ch_code code = count_box(self, part, err);
    if (code != CH_OK) {
        return code;
    }
    part[axis] = (span){last + 1, box[axis].hi};
    return count_box(self, part, err);
}

static ch_code count_box(counter *self, const span *box, ch_error *err)
{
    int answer = ACCEPTED;
    bool same = false;
    if (self->until_a_refusal && self->census->num_reasons > 0) {
        return CH_OK;
    }
    size_t axis = axis_to_divide_first(self, box);
    if (axis < self->num_views) {
        const bool zero = begins_with_zero(&self->views[axis], &box[axis]);
        return count_parts(self, box, axis, zero ? box[axis].lo : box[axis].lo + (box[axis].hi - box[axis].lo) / 2,
                           err);
    }
    const ch_code code = ask_corners(self, box, &answer, &same, err);
    if (code != CH_OK) {
        return code;
    }
    axis = same && answer != ACCEPTED ? real_axis_of(self, box, answer) : self->num_views;
    if (same && axis == self->num_views) {
        *(answer == ACCEPTED ? &self->census->accepted : &self->census->refused) += volume(self, box);
        if (answer != ACCEPTED) {
            self->census->reasons[answer].count += volume(self, box);
        }
        return CH_OK;
    }
    axis = axis < self->num_views ? axis : longest_axis(self, box);
    return count_parts(self, box, axis, box[axis].lo + (box[axis].hi - box[axis].lo) / 2, err);
}

/* ---- axes ---- */

static bool is_less(ch_type type, ch_value a, ch_value b)
{
    return type == CH_TYPE_REAL ? a.real < b.real : a.count < b.count;
}

/* A value and its place, for sorting. */
typedef struct {
    ch_value value;
    size_t place;
} placed;

static int by_real(const void *left, const void *right)
{
    const placed *a = left, *b = right;
    return is_less(CH_TYPE_REAL, b->value, a->value) - is_less(CH_TYPE_REAL, a->value, b->value);
}

static int by_count(const void *left, const void *right)
{
    const placed *a = left, *b = right;
    return is_less(CH_TYPE_COUNT, b->value, a->value) - is_less(CH_TYPE_COUNT, a->value, b->value);
}

/* Finds the order of an axis of numbers. */
static ch_code sort_view(view *self, ch_type type, ch_error *err)
{
    const size_t length = self->axis->length;
    const ch_value *items = self->axis->values[0].items;
    bool ascends = true;
    for (size_t i = 1; i < length && ascends; i++) {
        ascends = is_less(type, items[i - 1], items[i]);
    }
    if (ascends) {
        return CH_OK;
    }
    placed *sorted = ch_alloc(length, sizeof *sorted);
    self->order = ch_alloc(length, sizeof *self->order);
    if (sorted == NULL || self->order == NULL) {
        free(sorted);
        return ch_error_memory(err, "the order of a sweep's values");
    }
    for (size_t i = 0; i < length; i++) {
        sorted[i] = (placed){items[i], i};
    }
    qsort(sorted, length, sizeof *sorted, type == CH_TYPE_REAL ? by_real : by_count);
    for (size_t i = 0; i < length; i++) {
        self->order[i] = sorted[i].place;
    }
    free(sorted);
    return CH_OK;
}

static bool is_seed(size_t setting)
{
    return setting == CH_SETTING_SEED || setting == CH_SETTING_SEED_DATA || setting == CH_SETTING_SEED_INIT ||
           setting == CH_SETTING_SEED_BATCH;
}

/* Whether the number of a network's weights depends on a setting, but not so that what two values have in common all
 * values between them have: initial weights of a file fit one of them. */
static bool is_of_size(size_t setting)
{
    return setting == CH_SETTING_WIDTH || setting == CH_SETTING_DEPTH || setting == CH_SETTING_DIM;
}

/* @param has_init  whether the plan has initial weights */
static ch_code view_init(view *self, const ch_plan_axis *axis, uint64_t stride, bool has_init, ch_error *err)
{
    const ch_type type = ch_settings_table[axis->settings[0]].type;
    const bool is_number = type == CH_TYPE_REAL || type == CH_TYPE_COUNT;
    *self = (view){.axis = axis, .stride = stride, .is_real = type == CH_TYPE_REAL};
    self->is_free = true;
    for (size_t k = 0; k < axis->num_settings; k++) {
        self->is_free = self->is_free && is_seed(axis->settings[k]);
    }
    self->is_ordered = axis->num_settings == 1 && is_number && !(has_init && is_of_size(axis->settings[0]));
    return self->is_ordered && !self->is_free ? sort_view(self, type, err) : CH_OK;
}

/* Counts the combinations of a block of the plan, or of a plan without blocks. */
static ch_code count_block(counter *self, const ch_plan *block, ch_error *err)
{
    span all[MOST_AXES];
    uint64_t stride = 1;
    ch_code code = CH_OK;
    self->num_views = 0;
    for (size_t i = block->num_axes; i-- > 0;) {
        const bool has_init = (block->given >> CH_SETTING_INIT & 1) != 0;
        code = view_init(&self->views[self->num_views], &block->axes[i], stride, has_init, err);
        all[self->num_views] = (span){0, block->axes[i].length - 1};
        self->num_views++;
        if (code != CH_OK) {
            goto out;
        }
        stride *= block->axes[i].length;
    }
    code = count_box(self, all, err);
out:
    for (size_t i = 0; i < self->num_views; i++) {
        free(self->views[i].order);
    }
    self->first += block->num_runs;
    return code;
}

ch_code ch_census_init(ch_census *self, const ch_plan *plan, ch_sources *sources, bool until_a_refusal, ch_error *err)
{
    counter state = {.census = self, .plan = plan, .sources = sources, .until_a_refusal = until_a_refusal};
    *self = (ch_census){0};
    if (plan->num_blocks == 0) {
        return count_block(&state, plan, err);
    }
    for (size_t i = 0; i < plan->num_blocks; i++) {
        const ch_code code = count_block(&state, &plan->blocks[i], err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

ch_code ch_census_note(ch_census *self, const char *sentence, ch_error *err)
{
    size_t index = 0;
    const ch_code code = find_reason(self, sentence, &index, err);
    if (code == CH_OK) {
        self->reasons[index].count++;
    }
    return code;
}

void ch_census_free(ch_census *self)
{
    for (size_t i = 0; i < self->num_reasons; i++) {
        free(self->reasons[i].kind);
        free(self->reasons[i].sentence);
    }
    free(self->reasons);
    *self = (ch_census){0};
}
