/* cell_map.h — a map's cells in colours, on a grid of two quantities. Private to plots/. */
#ifndef CH_CELL_MAP_H
#define CH_CELL_MAP_H

#include "plots/panel_rows.h"

/** The values along both axes of a map, ascending; borrowed. */
typedef struct {
    const double *x, *y;
    size_t num_x, num_y;
} ch_cell_grid;

/** Edge i of the cells of a grid, 0 to count: it lies half-way between neighbours in logarithms. */
double ch_cell_edge(const double *values, size_t count, size_t i);

/** The cell at x[i], y[j], as a row of the figure's numbers. */
ch_row ch_cell_row(const ch_cell_grid *grid, size_t i, size_t j, double value);

/** Writes a cell into the data block at hand. @param least  a smaller value gets the colour of this one */
void ch_cell_write(ch_panel *panel, const ch_row *row, double least);

/** Ends the block of cells: they are drawn, and the axes end where the grid does. */
void ch_cells_finish(ch_panel *panel, const ch_cell_grid *grid, size_t block);

#endif
