/* sheet.c — the page under construction: where things stand on it, and how much of it is used. */
#include "plots/sheet.h"

#include "plots/gnuplot.h"

#include <math.h>

/* Two columns of a journal, so that a panel fits one with its letters at print size, 7 points. */
static const double usual_width = 17.8, usual_height = 21.5; /* cm */

static const double least_width_of_two_columns = 13; /* cm */

/* Labels under a panel, in units of the page. */
static const double axis_room = 0.053;

static double width_of(const ch_plot_style *style)
{
    return style->width > 0 ? style->width : style->panel != 0 ? usual_width / 2 : usual_width;
}

ch_sheet ch_sheet_new(const ch_plot_style *style, FILE *out, FILE *hidden)
{
    const bool is_narrow = style->panel != 0 || width_of(style) < least_width_of_two_columns;
    return (ch_sheet){.style = style,
                      .out = out,
                      .hidden = hidden,
                      .columns = is_narrow ? 1 : 2,
                      .has_letters = true,
                      .top = 1,
                      .bottom = 1};
}

/* The place number `index` of the sheet, in a grid of so high rows. */
static ch_place place_in(const ch_sheet *self, size_t index, double top, double row, double width, double height)
{
    const double column = 0.5, margin = 0.092;
    const size_t at = self->style->panel != 0 ? 0 : index;
    const double left = margin + column * (double)(at % self->columns);
    const double upper = top - row * (double)(at / self->columns);
    return (ch_place){.left = left, .right = left + width, .bottom = upper - height, .top = upper};
}

ch_place ch_sheet_place(const ch_sheet *self, size_t index)
{
    return place_in(self, index, 0.905, 0.312, 0.392, 0.23);
}

ch_place ch_sheet_place_of_map(const ch_sheet *self, size_t index)
{
    return place_in(self, index, 0.885, 0.375, 0.31, 0.257);
}

bool ch_sheet_shows(const ch_sheet *self, size_t index)
{
    return self->style->panel == 0 || (size_t)(self->style->panel - 'a') == index;
}

void ch_sheet_use(ch_sheet *self, double y)
{
    self->bottom = fmin(self->bottom, y - axis_room);
}

double ch_sheet_head_row(ch_sheet *self, size_t row)
{
    const double first = 0.965, pitch = 0.016;
    const size_t usual = 2; /* the keys of panels begin below */
    if (row >= usual) {
        self->top = fmax(self->top, 1 + pitch * (double)(row + 1 - usual));
    }
    return first - pitch * (double)row;
}

void ch_sheet_begin(const ch_sheet *self, FILE *out)
{
    const double part = 0.5 * (double)self->columns, width = width_of(self->style);
    const double scale = width / (part * usual_width), height = self->top - self->bottom;
    ch_gnuplot_terminal(out, self->style->format, width, scale * height * usual_height, scale);
    fprintf(out, "page_x(x) = x / %.17g\npage_y(y) = (y - %.17g) / %.17g\nhead_y(y) = page_y(y + %.17g)\n", part,
            self->bottom, height, fmax(self->top - 1, 0));
}
