/* layout.c — where things stand on a page, and how numbers and keys are written there. */
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
    if (value != 1 && decimal == rint(decimal)) {
        snprintf(text, size, "10^{%s%.0f}", decimal < 0 ? "−" : "", fabs(decimal));
    } else if (value != 1 && binary == rint(binary)) {
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
    snprintf(text, size, "%s^{%s%.3g}", symbol, power < 0 ? "−" : "", fabs(power));
}

ch_place ch_place_of_panel(size_t index)
{
    const double column = 0.5, row = 0.312, first_top = 0.905, width = 0.392, height = 0.23;
    const double left = 0.092 + column * (double)(index % 2), top = first_top - row * (double)(index / 2);
    return (ch_place){.left = left, .right = left + width, .bottom = top - height, .top = top};
}

void ch_key_write(FILE *out, const char *system, double x, double y, double width, const char *line,
                  const ch_mark *mark, const char *text)
{
    if (line != NULL) {
        fprintf(out, "set arrow from %s %.17g, %s %.17g to %s %.17g, %s %.17g nohead %s\n", system, x, system, y,
                system, x + width, system, y, line);
    }
    if (mark != NULL) {
        fprintf(out, "set label '' at %s %.17g, %s %.17g point pointtype %d linecolor rgb '#%06x' pointsize point\n",
                system, x + width / 2, system, y, mark->point, mark->colour);
    }
    fputs("set label ", out);
    ch_gnuplot_quote(out, text);
    fprintf(out, " at %s %.17g, %s %.17g left font ',6.5'\n", system, x + 1.2 * width, system, y);
}

void ch_layout_flush(FILE *out)
{
    fputs("unset border\nunset tics\nunset key\nset xrange [0:1]\nset yrange [0:1]\nplot NaN\n", out);
}
