/* caption.c — text on a page, line by line. */
#define _GNU_SOURCE 1 /* vasprintf */
#include "plots/caption.h"
#include "core/memstream.h"
#include "core/page.h"

#include "plots/gnuplot.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_LENGTH = 48 };
/* The last line on a sheet of two columns, unless a caption begins so low that it would have less than the least room;
 * and the most height of a caption on a sheet of a single column. */
static const double page_end = 0.008, least_room = 0.35, most_height = 1;

ch_caption ch_caption_new(ch_sheet *sheet, ch_place place)
{
    const double end = sheet->columns == 1 ? place.top - most_height : fmin(page_end, place.top - least_room);
    return (ch_caption){.sheet = sheet, .left = place.left, .y = place.top, .end = end};
}

void ch_caption_end(const ch_caption *self)
{
    ch_layout_flush(self->sheet->out);
    ch_sheet_use(self->sheet, self->y + 3 * CH_CAPTION_LINE); /* a caption has no labels under it */
}

void ch_caption_put(const ch_caption *self, double column, bool enhanced, const char *text)
{
    FILE *out = self->sheet->out;
    fputs("set label ", out);
    ch_gnuplot_quote(out, text);
    fprintf(out, " at screen page_x(%.17g), screen page_y(%.17g) left font ',6' %s\n", self->left + column, self->y,
            enhanced ? "enhanced" : "noenhanced");
}

bool ch_caption_is_full(const ch_caption *self)
{
    return self->y < self->end;
}

static bool is_last_line(const ch_caption *self)
{
    return self->y - CH_CAPTION_LINE < self->end;
}

void ch_caption_put_wrapped(ch_caption *self, const char *text)
{
    while (*text != '\0' && !ch_caption_is_full(self)) {
        char line[4 * LINE_LENGTH + sizeof " …"];
        const size_t length = ch_page_line_end(text, LINE_LENGTH);
        const char *cut = text[length] != '\0' && is_last_line(self) ? " …" : "";
        snprintf(line, sizeof line, "%.*s%s", (int)length, text, cut);
        ch_caption_put(self, 0, false, line);
        self->y -= CH_CAPTION_LINE;
        text += length;
        text += strspn(text, " ");
    }
}

/* Writes "NAME VALUE" where the caption names the setting. @return whether it does */
static bool write_setting(const ch_page_head *head, size_t setting, const char *separator, FILE *line)
{
    const ch_setting *row = &ch_settings_table[setting];
    if (!ch_setting_applies(head->key, setting) || strncmp(row->name, "seed", 4) == 0 ||
        ch_setting_is_implied(head->key, setting)) {
        return false;
    }
    char value[64];
    ch_setting_show(row, ch_settings_get(head->key, setting), value, sizeof value);
    const bool is_zero = row->type == CH_TYPE_COUNT && strcmp(value, "0") == 0;
    const bool is_off = value[0] == '\0' || is_zero || strcmp(value, "none") == 0;
    if (is_off || !ch_page_head_is_fixed(head, setting)) {
        return false;
    }
    fprintf(line, "%s%s %s", separator, row->name, value);
    return true;
}

ch_code ch_caption_put_fixed(ch_caption *self, const ch_page_head *head, ch_error *err)
{
    char *text = NULL;
    size_t length = 0;
    FILE *line = ch_memstream_open(&text, &length);
    if (line == NULL) {
        return ch_error_memory(err, "a panel");
    }
    fputs("Fixed: ", line);
    const char *separator = "";
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        if (write_setting(head, i, separator, line)) {
            separator = ", ";
        }
    }
    if (ch_page_head_has_digest(head)) {
        fprintf(line, "%sdata_digest %.*s", separator, CH_DIGEST_SHOWN, head->key->data_digest);
    }
    fputc('.', line);
    ch_code code = CH_OK;
    if (!ch_memstream_close(line, &text)) {
        code = ch_error_memory(err, "a panel");
        goto out;
    }
    ch_caption_put_wrapped(self, text);
out:
    free(text);
    return code;
}

ch_code ch_sentences_add(ch_sentences *self, ch_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = self->count < CH_MAX_SENTENCES ? vasprintf(&self->text[self->count], format, args) : -1;
    va_end(args);
    if (length < 0) {
        return ch_error_memory(err, "a caption");
    }
    self->count++;
    return CH_OK;
}

void ch_sentences_free(ch_sentences *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->text[i]);
    }
    *self = (ch_sentences){.count = 0};
}

ch_code ch_caption_write(const ch_page_head *head, const ch_sentences *sentences, ch_sheet *sheet, ch_place place,
                         ch_error *err)
{
    ch_caption caption = ch_caption_new(sheet, place);
    if (sheet->style->panel != 0) {
        return CH_OK;
    }
    fputs("reset\n", sheet->out);
    const ch_code code = ch_caption_put_fixed(&caption, head, err);
    if (code != CH_OK) {
        return code;
    }
    for (size_t i = 0; i < sentences->count; i++) {
        caption.y -= CH_CAPTION_LINE / 2;
        ch_caption_put_wrapped(&caption, sentences->text[i]);
    }
    ch_caption_end(&caption);
    return CH_OK;
}
