/* cells.c — checks the cells of a store before anything is made of them. A store may come from anybody, and SQLite lets
 * a cell hold any type whatever its column declares. */
#include "sim/store/store_private.h"

#include "core/memory.h"
#include "core/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_TEXT = 255
}; /* bytes of a text; the longest that this program writes is a digest's, or a cause's sentence */

ch_code ch_store_damage(const ch_store *self, int table, const char *run, const char *column, const char *wrong,
                        ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    return ch_error_set(err, CH_ERROR_IO, "store %s is damaged: table %s, run %s, column %s: %s", self->path,
                        schema.tables[table].name, run != NULL ? ch_show(run).text : "without id", column, wrong);
}

void ch_store_show_cell(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    char number[32];
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        snprintf(text, size, "NULL");
        break;
    case SQLITE_INTEGER:
        snprintf(text, size, "%lld", sqlite3_column_int64(statement, column));
        break;
    case SQLITE_FLOAT:
        ch_number_format(sqlite3_column_double(statement, column), number, sizeof number);
        snprintf(text, size, "%s", number);
        break;
    case SQLITE_TEXT: {
        const char *shown = (const char *)sqlite3_column_text(statement, column);
        snprintf(text, size, "\"%.40s\"", shown != NULL ? shown : "");
        break;
    }
    default:
        snprintf(text, size, "a blob of %d bytes", sqlite3_column_bytes(statement, column));
    }
}

/* What is wrong with a text; NULL where it is right. */
static const char *wrong_text(sqlite3_stmt *statement, sqlite3_value *cell)
{
    const char *text = (const char *)sqlite3_value_text(cell);
    const int length = sqlite3_value_bytes(cell);
    if (length > MOST_TEXT) {
        return "the text has more than 255 bytes";
    }
    if (text == NULL && sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM) {
        return NULL; /* whoever reads the cell meets the lack of memory, and says so */
    }
    return text != NULL && ch_text_is_valid(text, (size_t)length) ? NULL : "the text is not in UTF-8";
}

/* ---- kinds of cells ---- */

/* What a cell of a column may hold; NOT_NULL is added. */
enum { INTEGER_CELL = 1, REAL_CELL, TEXT_CELL, NOT_NULL = 16 };

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static unsigned char kind_of(const char *declared)
{
    const int not_null = strstr(declared, "NOT NULL") != NULL ? NOT_NULL : 0;
    const int kind = begins_with(declared, "INTEGER") ? INTEGER_CELL
                     : begins_with(declared, "REAL")  ? REAL_CELL
                                                      : TEXT_CELL;
    return (unsigned char)(kind | not_null);
}

ch_code ch_store_cells_init(ch_store *self, ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    self->cells = ch_alloc(1, sizeof *self->cells);
    if (self->cells == NULL) {
        return ch_error_memory(err, "the run store");
    }
    for (size_t t = 0; t < CH_STORE_NUM_TABLES; t++) {
        const size_t count = ch_store_num_columns(&schema.tables[t]);
        assert(count <= CH_STORE_MOST_COLUMNS);
        for (size_t i = 0; i < count; i++) {
            self->cells->kinds[t][i] = kind_of(ch_store_column_at(&schema.tables[t], i).type);
        }
    }
    return CH_OK;
}

/* What is wrong with a cell of a kind; NULL where it is right. */
static const char *wrong_cell(sqlite3_stmt *statement, sqlite3_value *cell, int kind)
{
    const int type = sqlite3_value_type(cell);
    if (type == SQLITE_NULL) {
        return (kind & NOT_NULL) != 0 ? "it is missing" : NULL;
    }
    switch (kind & ~NOT_NULL) {
    case INTEGER_CELL:
        return type != SQLITE_INTEGER          ? "an integer is expected"
               : sqlite3_value_int64(cell) < 0 ? "an integer from 0 on is expected"
                                               : NULL;
    case REAL_CELL:
        return type == SQLITE_FLOAT || type == SQLITE_INTEGER ? NULL : "a number is expected";
    default:
        return type == SQLITE_TEXT ? wrong_text(statement, cell) : "a text is expected";
    }
}

ch_code ch_store_check_row(const ch_store *self, int table, sqlite3_stmt *statement, int first, const char *run,
                           sqlite3_value **cells, ch_error *err)
{
    const int count = sqlite3_column_count(statement);
    for (int i = first; i < count; i++) {
        sqlite3_value *cell = sqlite3_column_value(statement, i);
        const char *wrong = wrong_cell(statement, cell, self->cells->kinds[table][i]);
        if (cells != NULL) {
            cells[i] = cell;
        }
        if (wrong != NULL) {
            const ch_store_schema schema = ch_store_schema_now();
            char shown[64], sentence[128];
            ch_store_show_cell(statement, i, shown, sizeof shown);
            snprintf(sentence, sizeof sentence, "%s: %s", shown, wrong);
            return ch_store_damage(self, table, run, ch_store_column_at(&schema.tables[table], (size_t)i).name,
                                   sentence, err);
        }
    }
    return CH_OK;
}
