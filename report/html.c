/* html.c — pieces of HTML: text that stands for itself, and tables. */
#include "report/html.h"

#include "core/text.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* The reference to a character that HTML would read as its own; NULL for all others. */
static const char *reference_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Writes a character as an element or an attribute of HTML has it. */
static void write_in_html(char c, FILE *out)
{
    const char *reference = reference_of(c);
    if (reference != NULL) {
        fputs(reference, out);
    } else {
        fputc(c, out);
    }
}

/* Writes a character as a string of JSON in a script has it. Control characters were escaped before. */
static void write_in_json(char c, FILE *out)
{
    if (c == '"' || c == '\\') {
        fprintf(out, "\\%c", c);
    } else if (reference_of(c) != NULL) {
        fprintf(out, "\\u%04x", (unsigned)c);
    } else {
        fputc(c, out);
    }
}

/* Writes a text character by character, after ch_text_escape. It is done in pieces, none of which ends inside a
 * character. */
static void write_text(const char *text, size_t length, void (*write)(char c, FILE *out), FILE *out)
{
    enum { PIECE = 64, MOST_BYTES = 4 };
    char plain[MOST_BYTES * PIECE + 1], piece[PIECE + 1];
    for (const char *end = text + length; text < end;) {
        const size_t left = (size_t)(end - text), most = left < PIECE ? left : PIECE;
        size_t taken = most;
        while (taken < left && taken > most - MOST_BYTES && ((unsigned char)text[taken] & 0xc0) == 0x80) {
            taken--;
        }
        memcpy(piece, text, taken);
        piece[taken] = '\0';
        text += taken;
        ch_text_escape(piece, plain, sizeof plain);
        for (const char *c = plain; *c != '\0'; c++) {
            write(*c, out);
        }
    }
}

void ch_html_text(const char *text, FILE *out)
{
    write_text(text, strlen(text), write_in_html, out);
}

/* The length of what a ^ raises or a _ lowers: a sign, then letters, digits, and stops inside a number; δ_t too. */
static size_t script_length(const char *text)
{
    size_t length = strspn(text, "-+−");
    while (text[length] != '\0') {
        const unsigned char c = (unsigned char)text[length];
        const bool is_stop = c == '.' && text[length + 1] >= '0' && text[length + 1] <= '9';
        const bool is_letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 0xce && c <= 0xcf) || c == '_';
        if (!is_stop && !is_letter) {
            break;
        }
        length += c >= 0xce ? 2 : 1; /* Greek letters have two bytes */
    }
    return length;
}

/* Whether the _ at `at` lowers what follows: it stands behind a T or δ that begins a word, as in T_c and δ_t, and not
 * in a name such as error_shift. */
static bool is_lowering(const char *text, const char *at)
{
    const size_t before = (size_t)(at - text);
    const bool is_t = before >= 1 && at[-1] == 'T' && (before == 1 || strchr(" (,^", at[-2]) != NULL);
    return is_t || (before >= 2 && memcmp(at - 2, "δ", 2) == 0);
}

/* Writes what is raised or lowered. In it a letter may be lowered again: T to the power of δ_t. */
static void write_script(const char *text, size_t length, FILE *out)
{
    const char *low = memchr(text, '_', length);
    if (low == NULL || low == text) {
        write_text(text, length, write_in_html, out);
        return;
    }
    write_text(text, (size_t)(low - text), write_in_html, out);
    fputs("<i class=\"x\">_</i><sub>", out);
    write_text(low + 1, length - (size_t)(low + 1 - text), write_in_html, out);
    fputs("</sub>", out);
}

void ch_html_formula(const char *text, FILE *out)
{
    const char *from = text; /* what is not written yet */
    for (const char *c = text; *c != '\0'; c++) {
        const bool is_raising = *c == '^' && c > text && c[-1] != ' ';
        const size_t length = is_raising || (*c == '_' && is_lowering(text, c)) ? script_length(c + 1) : 0;
        if (length > 0) {
            write_text(from, (size_t)(c - from), write_in_html, out);
            fprintf(out, "<i class=\"x\">%c</i><%s>", *c, is_raising ? "sup" : "sub");
            write_script(c + 1, length, out);
            fputs(is_raising ? "</sup>" : "</sub>", out);
            c += length;
            from = c + 1;
        }
    }
    write_text(from, strlen(from), write_in_html, out);
}

void ch_html_json_text(const char *text, FILE *out)
{
    fputc('"', out);
    write_text(text, strlen(text), write_in_json, out);
    fputc('"', out);
}

void ch_html_print(FILE *out, const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ch_html_formula(text, out);
}

void ch_html_table_begin(FILE *out, const char *caption, const char *const *titles, size_t count)
{
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", out);
    ch_html_text(caption, out);
    fputs("\"><table class=\"data\"><caption>", out);
    ch_html_text(caption, out);
    fputs("</caption><thead><tr>", out);
    for (size_t i = 0; i < count; i++) {
        const bool is_number = titles[i][0] == '#';
        fputs(is_number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">", out);
        ch_html_formula(titles[i] + is_number, out);
        fputs("</th>", out);
    }
    fputs("</tr></thead><tbody>\n", out);
}

void ch_html_table_end(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

void ch_html_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    ch_html_formula(text, out);
    fputs("</td>", out);
}

void ch_html_number(FILE *out, double value, const char *text)
{
    char digits[32];
    fputs("<td class=\"n\"", out);
    if (!isnan(value)) {
        ch_number_format(value, digits, sizeof digits);
        fprintf(out, " data-v=\"%s\"", digits);
    }
    fputc('>', out);
    ch_html_formula(text, out);
    fputs("</td>", out);
}
