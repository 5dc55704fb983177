/* page.c — sections of a Markdown page, and their tables. */
#include "page.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 16, MOST_TEXT = 2048 };

static struct {
    const char *name;
    char *text; /* the section so far; owned */
    size_t size;
    FILE *stream; /* writes to `text` */
    size_t num_columns, widths[MOST_COLUMNS];
    bool in_table;
} section;

static void put(const char *text)
{
    (void)fputs(text, stdout);
    (void)fflush(stdout);
    (void)fputs(text, section.stream);
}

void page_begin(const char *name)
{
    section.name = name;
    section.in_table = false;
    section.stream = open_memstream(&section.text, &section.size);
    if (section.stream == NULL) {
        fputs("bench: no memory\n", stderr);
        exit(1);
    }
    (void)printf("\n== %s ==\n", name);
    (void)fflush(stdout);
}

void page_say(const char *format, ...)
{
    char text[MOST_TEXT];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, sizeof text, format, values);
    va_end(values);
    section.in_table = false;
    put("\n");
    put(text);
    put("\n");
}

/* Columns on a terminal: the bytes of UTF-8 that begin a character. */
static size_t width_of(const char *text, size_t size)
{
    size_t width = 0;
    for (size_t i = 0; i < size; i++) {
        width += ((unsigned char)text[i] & 0xC0U) != 0x80U;
    }
    return width;
}

/* Writes the cells of a row, the first to the left and the others to the right of columns as wide as the heads are. */
static void put_cells(const char *cells, bool are_heads)
{
    for (size_t column = 0; column < section.num_columns; column++) {
        while (*cells == ' ') {
            cells++;
        }
        size_t size = strcspn(cells, "|");
        const char *next = cells + size + (cells[size] == '|');
        while (size > 0 && cells[size - 1] == ' ') {
            size--;
        }
        const size_t width = width_of(cells, size);
        if (are_heads) {
            section.widths[column] = column == 0 && width < 28 ? 28 : width < 8 ? 8 : width;
        }
        char cell[MOST_TEXT];
        const int pad = section.widths[column] > width ? (int)(section.widths[column] - width) : 0;
        (void)snprintf(cell, sizeof cell, "%s%*s%.*s%*s", column == 0 ? "| " : " | ", column == 0 ? 0 : pad, "",
                       (int)size, cells, column == 0 ? pad : 0, "");
        put(cell);
        cells = next;
    }
    put(" |\n");
}

void page_table(const char *columns)
{
    section.num_columns = 1;
    for (const char *at = columns; *at != '\0'; at++) {
        section.num_columns += *at == '|';
    }
    if (section.num_columns > MOST_COLUMNS) {
        abort();
    }
    section.in_table = true;
    put("\n");
    put_cells(columns, true);
    for (size_t column = 0; column < section.num_columns; column++) {
        put(column == 0 ? "| ---" : section.num_columns == 2 ? " | ---" : " | ---:");
    }
    put(" |\n");
}

void page_row(const char *format, ...)
{
    char text[MOST_TEXT];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, sizeof text, format, values);
    va_end(values);
    put_cells(text, false);
}

const char *page_number(const char *format, double value)
{
    enum { KEPT = 16, MOST = 40 };
    static char kept[KEPT][MOST];
    static size_t next;
    char *text = kept[next++ % KEPT];
    if (isnan(value)) {
        return "–";
    }
    (void)snprintf(text, MOST, format, value);
    return text;
}

/* ---- the page ---- */

/* The whole text of a file, which the caller frees; NULL where it cannot be read. */
static char *read_text(const char *path)
{
    enum { MOST = 1 << 20 };
    FILE *file = fopen(path, "r");
    char *text = file != NULL ? calloc(MOST, 1) : NULL;
    const size_t size = text != NULL ? fread(text, 1, MOST, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (size == 0 || size == MOST) {
        free(text);
        return NULL;
    }
    return text;
}

/* Writes the page with the section in place of the old one.  @return what is wrong, or NULL */
static const char *replace_section(const char *path)
{
    char first[64], last[64];
    (void)snprintf(first, sizeof first, "<!-- bench: %s -->\n", section.name);
    (void)snprintf(last, sizeof last, "<!-- end: %s -->\n", section.name);
    char *page = read_text(path);
    if (page == NULL) {
        return "cannot be read";
    }
    const char *wrong = NULL;
    char *begin = strstr(page, first), *end = begin == NULL ? NULL : strstr(begin, last);
    FILE *file = end == NULL ? NULL : fopen(path, "w");
    if (end == NULL) {
        wrong = "has no such section";
    } else if (file == NULL) {
        wrong = "cannot be written";
    } else {
        (void)fprintf(file, "%.*s%s%s\n%s", (int)(begin - page), page, first, section.text, end);
        wrong = fclose(file) == 0 ? NULL : "cannot be written";
    }
    free(page);
    return wrong;
}

int page_end(const char *path)
{
    (void)fclose(section.stream);
    const bool is_empty = section.text == NULL || section.text[0] == '\0';
    const char *wrong = path == NULL || is_empty ? NULL : replace_section(path);
    if (wrong != NULL) {
        fprintf(stderr, "bench: %s %s: section %s is not kept\n", path, wrong, section.name);
    }
    free(section.text);
    section.text = NULL;
    return wrong == NULL ? 0 : -1;
}
