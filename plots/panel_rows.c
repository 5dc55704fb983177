/* panel_rows.c — the numbers that a panel shows, row by row, for the file of numbers beside a figure. */
#include "plots/panel_rows.h"

#include "core/text.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

void ch_panel_describe(ch_panel *self, const char *shows, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(self->curve, sizeof self->curve, format, args);
    va_end(args);
    self->shows = shows;
}

void ch_panel_describe_at(ch_panel *self, const char *shows, uint64_t train, double temp)
{
    char number[32];
    if (train != 0) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)train);
    } else {
        ch_number_format(temp, number, sizeof number);
    }
    ch_panel_describe(self, shows != NULL ? shows : "mean", "%s=%s", train != 0 ? "train" : "temp", number);
}

/* Writes a text as a field, in quotes where it has a comma or a quote. */
static void write_text(FILE *out, const char *text)
{
    if (text[strcspn(text, ",\"\n")] == '\0') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        fputs(*text == '"' ? "\"" : "", out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_number(FILE *out, double number)
{
    char text[32] = "";
    if (!isnan(number)) {
        ch_number_format(number, text, sizeof text);
    }
    fprintf(out, ",%s", text);
}

void ch_panel_tell(ch_panel *self, const ch_row *row)
{
    if (self->rows == NULL) {
        return;
    }
    const double numbers[] = {row->x, row->y, row->lo, row->hi, row->x_lo, row->x_hi, row->value};
    fprintf(self->rows, "%s,%s,", self->name, self->shows != NULL ? self->shows : "");
    write_text(self->rows, self->curve);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        write_number(self->rows, numbers[i]);
    }
    write_number(self->rows, row->num_sets > 0 ? (double)row->num_sets : NAN);
    write_number(self->rows, row->bound >= 0 ? (double)row->bound : NAN);
    fputc('\n', self->rows);
}

void ch_panel_row(ch_panel *self, double x, double y, double lo, double hi)
{
    ch_row row = CH_ROW_NONE;
    row.x = x;
    row.y = y;
    row.lo = lo;
    row.hi = hi;
    fprintf(self->out, "%.17g %.17g %.17g %.17g\n", x, y, lo, hi);
    ch_panel_tell(self, &row);
}
