/* layout.c — colours, marks, and how numbers and keys are written on a page. */
#include "plots/layout.h"

#include "plots/gnuplot.h"

#include <math.h>

/* Anchors of matplotlib's viridis and plasma up to three quarters: their light ends cannot be seen on white paper. */
enum { RAMP_ANCHORS = 7 };
static const unsigned ramps[][RAMP_ANCHORS] = {
    [CH_RAMP_TRAIN] = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962},
    [CH_RAMP_TEMP] = {0x0d0887, 0x4c02a1, 0x7e03a8, 0xa82296, 0xcb4679, 0xe56b5d, 0xf89540},
};

/* Circle, square, diamond, pentagon: gnuplot's open shapes; the filled ones follow them. Triangles mean bounds. */
static const int open_shapes[] = {6, 4, 12, 14};

static unsigned mix(unsigned from, unsigned to, double part, unsigned shift)
{
    const double a = (from >> shift) & 0xff, b = (to >> shift) & 0xff;
    return (unsigned)lround(a + part * (b - a)) << shift;
}

ch_mark ch_mark_of(ch_ramp ramp, size_t i, size_t count, bool filled)
{
    const double place = count > 1 ? (double)i / (double)(count - 1) * (RAMP_ANCHORS - 1) : 2;
    const size_t anchor = place < RAMP_ANCHORS - 2 ? (size_t)place : RAMP_ANCHORS - 2;
    const double part = place - (double)anchor;
    const unsigned from = ramps[ramp][anchor], to = ramps[ramp][anchor + 1];
    const int shape = open_shapes[i % (sizeof open_shapes / sizeof open_shapes[0])];
    return (ch_mark){.colour = mix(from, to, part, 16) | mix(from, to, part, 8) | mix(from, to, part, 0),
                     .point = shape + filled};
}

void ch_number_text(double value, char *text, size_t size)
{
    const double binary = log2(value), decimal = log10(value);
    if (!(value > 0)) {
        snprintf(text, size, "%s%.3g", value < 0 ? "−" : "", fabs(value));
    } else if (value != 1 && value != 10 && decimal == rint(decimal)) {
        snprintf(text, size, "10^{%s%.0f}", decimal < 0 ? "−" : "", fabs(decimal));
    } else if (value != 1 && value != 2 && binary == rint(binary)) {
        snprintf(text, size, "2^{%s%.0f}", binary < 0 ? "−" : "", fabs(binary));
    } else {
        snprintf(text, size, "%.*g", value < 1000 ? 3 : 6, value);
    }
}

void ch_name_text(const char *name, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const char *at = name; *at != '\0' && used < size; at++) {
        used += (size_t)snprintf(text + used, size - used, "%s%c", *at == '_' ? "\\" : "", *at);
    }
}

void ch_power_text(const char *symbol, double power, char *text, size_t size)
{
    const double shown = fabs(power) < 1 ? rint(1000 * power) / 1000 : power;
    snprintf(text, size, "%s^{%s%.3g}", symbol, shown < 0 ? "−" : "", fabs(shown));
}

/* Writes a place of a key as gnuplot's coordinates. */
static void write_place(FILE *out, ch_key_kind kind, double x, double y)
{
    fprintf(out, kind == CH_KEY_OF_PAGE ? "screen page_x(%.17g), screen head_y(%.17g)" : "graph %.17g, graph %.17g", x,
            y);
}

void ch_key_write(FILE *out, ch_key_kind kind, double x, double y, double width, const char *line, const ch_mark *mark,
                  const char *text)
{
    if (line != NULL) {
        fputs("set arrow from ", out);
        write_place(out, kind, x, y);
        fputs(" to ", out);
        write_place(out, kind, x + width, y);
        fprintf(out, " nohead %s\n", line);
    }
    if (mark != NULL) {
        fputs("set label '' at ", out);
        write_place(out, kind, x + width / 2, y);
        fprintf(out, " point pointtype %d linecolor rgb '#%06x' pointsize point\n", mark->point, mark->colour);
    }
    fputs("set label ", out);
    ch_gnuplot_quote(out, text);
    fputs(" at ", out);
    write_place(out, kind, x + 1.2 * width, y);
    fputs(" left font ',6.5'\n", out);
}

void ch_layout_flush(FILE *out)
{
    fputs("unset border\nunset tics\nunset key\nset xrange [0:1]\nset yrange [0:1]\nplot NaN\n", out);
}
