/* colour_box.c — a square map on a page, and the box that says what its colours are. */
#include "plots/colour_box.h"

#include "plots/gnuplot.h"

/* matplotlib's viridis with its light end, which can be seen beside other cells. */
#define PALETTE                                                                                                        \
    "set palette defined (0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', "              \
    "6 '#5ec962', 7 '#addc30', 8 '#fde725')\n"

ch_code ch_map_panel_init(ch_panel *panel, ch_sheet *sheet, size_t index, ch_place *place, ch_error *err)
{
    *place = ch_sheet_place_of_map(sheet, index);
    const ch_code code = ch_panel_init(panel, sheet, index, CH_PART_WHOLE, err);
    if (code != CH_OK) {
        return code;
    }
    fprintf(panel->out,
            "set lmargin at screen page_x(%.17g)\nset rmargin at screen page_x(%.17g)\n"
            "set bmargin at screen page_y(%.17g)\nset tmargin at screen page_y(%.17g)\n"
            "set tics front\nset border front\n",
            place->left, place->right, place->bottom, place->top);
    if (ch_sheet_shows(sheet, index)) {
        ch_sheet_use(sheet, place->bottom);
    }
    return CH_OK;
}

void ch_map_colours_write(const ch_axis *range, const char *title, ch_axis_scale scale, ch_place place, FILE *out)
{
    fputs(PALETTE, out);
    fprintf(out,
            "set colorbox user origin screen page_x(%.17g), screen page_y(%.17g) size screen page_x(0.014), "
            "screen (page_y(%.17g) - page_y(%.17g))\n",
            place.right + 0.014, place.bottom, place.top, place.bottom);
    ch_axis_write(range, out, "cb", scale, CH_AXIS_LABELS);
    fprintf(out, "set label ");
    ch_gnuplot_quote(out, title);
    fprintf(out, " at graph 0.5, graph 1.06 center\n");
}
