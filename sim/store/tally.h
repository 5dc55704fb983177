/* tally.h — the distinct values of a column, with how many runs have each. Private to sim/store/. */
#ifndef CH_TALLY_H
#define CH_TALLY_H

#include "core/error.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/** A value of a cell. */
typedef struct {
    int type; /* SQLITE_NULL, SQLITE_INTEGER, SQLITE_FLOAT or SQLITE_TEXT */
    union {
        int64_t integer;
        double real;
        char *text; /* ends in 0; owned by the tally */
    };
    uint64_t count; /* runs that have it */
} ch_tally_value;

/** Values in a hash table. Start with zeroes. */
typedef struct {
    ch_tally_value *values; /* [count] in the order in which they came, until ch_tally_sort; owned */
    uint32_t *slots;        /* [num_slots] 1 + the index of a value, 0 for none; owned */
    size_t count, capacity, num_slots;
    size_t last; /* index of the value that came last */
} ch_tally;

/** Idempotent. */
void ch_tally_free(ch_tally *self);

/** Counts a value. @param value  its text is copied; its count is added to that of the same value
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_tally_add(ch_tally *self, const ch_tally_value *value, ch_error *err) CH_MUST_CHECK;

/** Counts the value of a cell.
 *  @param count  how many runs have it
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_tally_add_cell(ch_tally *self, sqlite3_value *cell, uint64_t count, ch_error *err) CH_MUST_CHECK;

/** Puts the values into the order of SQL: NULL, numbers by size, texts by their bytes. No value may be added after. */
void ch_tally_sort(ch_tally *self);

#endif
