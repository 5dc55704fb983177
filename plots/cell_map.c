/* cell_map.c — a map's cells in colours, on a grid of two quantities. */
#include "plots/cell_map.h"

#include <math.h>

double ch_cell_edge(const double *values, size_t count, size_t i)
{
    if (i == 0) {
        return values[0] * sqrt(values[0] / values[1]);
    }
    return i == count ? values[count - 1] * sqrt(values[count - 1] / values[count - 2])
                      : sqrt(values[i - 1] * values[i]);
}

ch_row ch_cell_row(const ch_cell_grid *grid, size_t i, size_t j, double value)
{
    return (ch_row){.x = grid->x[i],
                    .y = grid->y[j],
                    .x_lo = ch_cell_edge(grid->x, grid->num_x, i),
                    .x_hi = ch_cell_edge(grid->x, grid->num_x, i + 1),
                    .lo = ch_cell_edge(grid->y, grid->num_y, j),
                    .hi = ch_cell_edge(grid->y, grid->num_y, j + 1),
                    .value = value,
                    .bound = -1};
}

void ch_cell_write(ch_panel *panel, const ch_row *row, double least)
{
    fprintf(panel->out, "%.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", row->x, row->y, row->x_lo, row->x_hi, row->lo,
            row->hi, fmax(row->value, least));
}

void ch_cells_finish(ch_panel *panel, const ch_cell_grid *grid, size_t block)
{
    fputs("EOD\n", panel->out);
    fprintf(ch_panel_item(panel),
            "$block%zu using 1:2:3:4:5:6:7 with boxxyerror linecolor palette fillstyle solid 1 noborder", block);
    panel->x = CH_AXIS_EMPTY;
    panel->y = CH_AXIS_EMPTY;
    ch_axis_include(&panel->x, ch_cell_edge(grid->x, grid->num_x, 0));
    ch_axis_include(&panel->x, ch_cell_edge(grid->x, grid->num_x, grid->num_x));
    ch_axis_include(&panel->y, ch_cell_edge(grid->y, grid->num_y, 0));
    ch_axis_include(&panel->y, ch_cell_edge(grid->y, grid->num_y, grid->num_y));
    panel->is_tight = true;
}
