/* page.c — columns of text for people: widths of UTF-8, alignment, rules and line breaks. */
#include "core/page.h"

#include <stdbool.h>
#include <string.h>

/* In UTF-8 the bytes 10xxxxxx continue a character; every other byte begins one. */
static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

/* Columns of the first `length` bytes. */
static size_t width_of(const char *text, size_t length)
{
    size_t width = 0;
    for (size_t i = 0; i < length; i++) {
        width += begins_character(text[i]);
    }
    return width;
}

size_t ch_page_width(const char *text)
{
    return width_of(text, strlen(text));
}

void ch_page_blanks(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

void ch_page_left(FILE *out, const char *text, size_t width)
{
    const size_t used = ch_page_width(text);
    fputs(text, out);
    ch_page_blanks(out, used < width ? width - used : 0);
}

void ch_page_right(FILE *out, const char *text, size_t width)
{
    const size_t used = ch_page_width(text);
    ch_page_blanks(out, used < width ? width - used : 1);
    fputs(text, out);
}

void ch_page_rule(FILE *out, size_t width)
{
    fputs("  ", out);
    for (size_t i = 0; i < width; i++) {
        fputs("─", out);
    }
    fputc('\n', out);
}

void ch_page_wrapped(FILE *out, const char *lead, const char *text)
{
    const size_t indent = ch_page_width(lead);
    size_t column = indent + 1; /* where the next word begins, after its blank */
    fputs(lead, out);
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        const size_t width = width_of(text, length);
        if (column + width > CH_PAGE_WIDTH) {
            fputc('\n', out);
            ch_page_blanks(out, indent);
            column = indent + 1;
        }
        fputc(' ', out);
        fwrite(text, 1, length, out);
        column += width + 1;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

size_t ch_page_line_end(const char *text, size_t width)
{
    size_t last_blank = 0, characters = 0, i = 0;
    for (; text[i] != '\0'; i++) {
        characters += begins_character(text[i]);
        if (characters > width) {
            return last_blank > 0 ? last_blank : i;
        }
        if (text[i] == ' ') {
            last_blank = i;
        }
    }
    return i;
}

/* Columns by which the further lines of a line are indented. */
static size_t hanging_indent(const char *line, size_t length, size_t width)
{
    const size_t own = strspn(line, " ");
    size_t indent = own + 2;
    for (size_t i = own; i + 2 < length; i++) {
        const bool begins_column = line[i] == ' ' && line[i + 1] == ' ' && line[i + 2] != ' ';
        const size_t column = width_of(line, i + 2);
        if (begins_column && column <= width / 2) {
            indent = column;
        }
    }
    return indent < width / 2 ? indent : width / 2;
}

/* Prints the first `width` characters of a rule. */
static void print_rule(FILE *out, const char *rule, size_t length, size_t width)
{
    size_t end = 0;
    for (size_t columns = 0; end < length; end++) {
        columns += begins_character(rule[end]);
        if (columns > width) {
            break;
        }
    }
    fwrite(rule, 1, end, out);
}

/* Blanks between words stay as they are, but for those where the line breaks. */
static void print_narrow_line(FILE *out, const char *line, size_t length, size_t width)
{
    static const char RULE[] = "─";
    const size_t indent = hanging_indent(line, length, width);
    bool is_wide = width_of(line, length) > width;
    size_t column = 0;
    for (size_t i = 0; i < length;) {
        const size_t gap = strspn(line + i, " "), size = strcspn(line + i + gap, " \n");
        const char *word = line + i + gap;
        const size_t columns = width_of(word, size);
        const bool is_rule = strncmp(word, RULE, sizeof RULE - 1) == 0;
        const bool is_far = is_wide && gap > 1 && column + gap > width / 2; /* hardly a word of it would fit */
        if (column > 0 && (is_far || column + gap + columns > width) && !is_rule) {
            is_wide = false;
            fputc('\n', out);
            ch_page_blanks(out, indent);
            column = indent;
        } else {
            ch_page_blanks(out, gap);
            column += gap;
        }
        if (is_rule) {
            print_rule(out, word, size, width > column ? width - column : 0);
        } else {
            fwrite(word, 1, size, out);
        }
        column += columns;
        i += gap + size;
    }
}

void ch_page_narrow(FILE *out, const char *text, size_t width)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        print_narrow_line(out, text, length, width);
        text += length;
        if (*text == '\n') {
            fputc('\n', out);
            text++;
        }
    }
}
