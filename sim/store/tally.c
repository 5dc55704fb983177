/* tally.c — the distinct values of a column. */
#include "sim/store/tally.h"

#include "core/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void ch_tally_free(ch_tally *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->values[i].type == SQLITE_TEXT) {
            free(self->values[i].text);
        }
    }
    free(self->values);
    free(self->slots);
    *self = (ch_tally){0};
}

static bool are_equal(const ch_tally_value *a, const ch_tally_value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case SQLITE_INTEGER:
        return a->integer == b->integer;
    case SQLITE_FLOAT:
        return a->real == b->real;
    case SQLITE_TEXT:
        return strcmp(a->text, b->text) == 0;
    default:
        return true;
    }
}

static uint64_t hash_of(const ch_tally_value *value)
{
    static const uint64_t ODD = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = (uint64_t)value->type;
    if (value->type == SQLITE_TEXT) {
        for (const char *c = value->text; *c != '\0'; c++) {
            hash = (hash ^ (unsigned char)*c) * ODD;
            hash ^= hash >> 32;
        }
    } else if (value->type != SQLITE_NULL) {
        uint64_t bits = 0;
        memcpy(&bits, &value->integer, sizeof bits);
        hash = (hash ^ bits) * ODD;
        hash ^= hash >> 32;
    }
    return hash;
}

/* The slot of a value: the one that has it, or the free one that it would get. */
static size_t slot_of(const ch_tally *self, const ch_tally_value *value)
{
    size_t slot = (size_t)hash_of(value) & (self->num_slots - 1);
    while (self->slots[slot] != 0 && !are_equal(&self->values[self->slots[slot] - 1], value)) {
        slot = (slot + 1) & (self->num_slots - 1);
    }
    return slot;
}

/* Makes room for one more value; the table stays at most half full. */
static ch_code make_room(ch_tally *self, ch_error *err)
{
    void *items = self->values;
    if (ch_grow(&items, &self->capacity, self->count + 1, sizeof *self->values) != 0) {
        return ch_error_memory(err, "the summary of a store");
    }
    self->values = items;
    if (2 * (self->count + 1) <= self->num_slots) {
        return CH_OK;
    }
    const size_t num_slots = self->num_slots > 0 ? 2 * self->num_slots : 16;
    uint32_t *slots = ch_alloc(num_slots, sizeof *slots);
    if (slots == NULL || self->count >= UINT32_MAX) {
        free(slots);
        return ch_error_memory(err, "the summary of a store");
    }
    free(self->slots);
    self->slots = slots;
    self->num_slots = num_slots;
    for (size_t i = 0; i < self->count; i++) {
        self->slots[slot_of(self, &self->values[i])] = (uint32_t)i + 1;
    }
    return CH_OK;
}

ch_code ch_tally_add(ch_tally *self, const ch_tally_value *value, ch_error *err)
{
    if (self->count > 0 && are_equal(&self->values[self->last], value)) {
        self->values[self->last].count += value->count;
        return CH_OK;
    }
    const ch_code code = make_room(self, err);
    if (code != CH_OK) {
        return code;
    }
    const size_t slot = slot_of(self, value);
    if (self->slots[slot] == 0) {
        ch_tally_value added = *value;
        if (added.type == SQLITE_TEXT) {
            added.text = strdup(value->text);
            if (added.text == NULL) {
                return ch_error_memory(err, "the summary of a store");
            }
        }
        added.count = 0;
        self->values[self->count++] = added;
        self->slots[slot] = (uint32_t)self->count;
    }
    self->last = self->slots[slot] - 1;
    self->values[self->last].count += value->count;
    return CH_OK;
}

ch_code ch_tally_add_cell(ch_tally *self, sqlite3_value *cell, uint64_t count, ch_error *err)
{
    ch_tally_value value = {.type = sqlite3_value_type(cell), .count = count};
    switch (value.type) {
    case SQLITE_INTEGER:
        value.integer = sqlite3_value_int64(cell);
        break;
    case SQLITE_FLOAT:
        value.real = sqlite3_value_double(cell);
        break;
    case SQLITE_NULL:
        break;
    default: /* ch_tally_add copies it, and does not write to it */
        value.type = SQLITE_TEXT;
        memcpy(&value.text, &(const unsigned char *){sqlite3_value_text(cell)}, sizeof value.text);
        if (value.text == NULL) {
            return ch_error_memory(err, "the summary of a store");
        }
    }
    return ch_tally_add(self, &value, err);
}

static int rank_of(int type)
{
    return type == SQLITE_NULL ? 0 : type == SQLITE_TEXT ? 2 : 1;
}

static double number_of(const ch_tally_value *value)
{
    return value->type == SQLITE_INTEGER ? (double)value->integer : value->real;
}

static int compare(const void *left, const void *right)
{
    const ch_tally_value *a = left, *b = right;
    const int rank = rank_of(a->type);
    if (rank != rank_of(b->type)) {
        return rank - rank_of(b->type);
    }
    if (rank == 2) {
        return strcmp(a->text, b->text);
    }
    if (a->type == SQLITE_INTEGER && b->type == SQLITE_INTEGER) {
        return (a->integer > b->integer) - (a->integer < b->integer);
    }
    return rank == 0 ? 0 : (number_of(a) > number_of(b)) - (number_of(a) < number_of(b));
}

void ch_tally_sort(ch_tally *self)
{
    if (self->count > 1) {
        qsort(self->values, self->count, sizeof *self->values, compare);
    }
    self->last = 0;
}
