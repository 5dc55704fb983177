/* check.c — checks the cells of a store before anything is made of them. A store may come from anybody, and SQLite lets
 * a cell hold any type whatever its column declares. */
#include "sim/store/store_private.h"

#include "core/text.h"

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
static const char *wrong_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    const int length = sqlite3_column_bytes(statement, column);
    if (length > MOST_TEXT) {
        return "the text has more than 255 bytes";
    }
    if (text == NULL && sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM) {
        return NULL; /* whoever reads the cell meets the lack of memory, and says so */
    }
    return text != NULL && ch_text_is_valid(text, (size_t)length) ? NULL : "the text is not in UTF-8";
}

/* What is wrong with a cell of a declared type; NULL where it is right. */
static const char *wrong_cell(sqlite3_stmt *statement, int column, const char *declared)
{
    const int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL) {
        return strstr(declared, "NOT NULL") != NULL ? "it is missing" : NULL;
    }
    if (strncmp(declared, "INTEGER", strlen("INTEGER")) == 0) {
        return type != SQLITE_INTEGER                        ? "an integer is expected"
               : sqlite3_column_int64(statement, column) < 0 ? "an integer from 0 on is expected"
                                                             : NULL;
    }
    if (strncmp(declared, "REAL", strlen("REAL")) == 0) {
        return type == SQLITE_FLOAT || type == SQLITE_INTEGER ? NULL : "a number is expected";
    }
    return type == SQLITE_TEXT ? wrong_text(statement, column) : "a text is expected";
}

ch_code ch_store_check_row(const ch_store *self, int table, sqlite3_stmt *statement, int first, const char *run,
                           ch_error *err)
{
    const ch_store_schema schema = ch_store_schema_now();
    for (int i = first; i < sqlite3_column_count(statement); i++) {
        const ch_store_column column = ch_store_column_at(&schema.tables[table], (size_t)i);
        const char *wrong = wrong_cell(statement, i, column.type);
        if (wrong != NULL) {
            char cell[64], sentence[128];
            ch_store_show_cell(statement, i, cell, sizeof cell);
            snprintf(sentence, sizeof sentence, "%s: %s", cell, wrong);
            return ch_store_damage(self, table, run, column.name, sentence, err);
        }
    }
    return CH_OK;
}
