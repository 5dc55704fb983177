/* panels.inc.h — samples as columns of a matrix, in either precision; part of network.inc.h.
 *
 * Samples are stored in panels of PANEL columns, [panel][number][lane], so that they are the factor B of a product. The
 * last panel has the width of one vector where that is enough. Lanes beyond the last sample hold numbers that are never
 * used.
 */

/* The columns of the panel that begins with sample `first` of `count`. */
static inline size_t panel_width(size_t count, size_t first)
{
    return count - first > LANES ? PANEL : LANES;
}

/* The lanes that `count` samples take, in whole vectors. */
static inline size_t lanes_of(size_t count)
{
    return (count + LANES - 1) / LANES * LANES;
}

/* panels of rows [count][size] */
static void rows_to_panels(const real *rows, size_t count, size_t size, real *panels)
{
    for (size_t first = 0; first < count; first += PANEL) {
        const size_t width = panel_width(count, first);
        transpose_to_lanes(rows + first * size, size, ch_size_min(count - first, width), size, panels + first * size,
                           width);
    }
}

/* The first number of a sample in panels of `count` samples of `size` numbers each.
 * @param width  out: the distance from there to its next number */
static inline const real *panel_lane(const real *panels, size_t count, size_t size, size_t sample, size_t *width)
{
    const size_t first = sample / PANEL * PANEL;
    *width = panel_width(count, first);
    return panels + first * size + (sample - first);
}

/* rows [count][size] of panels */
static void panels_to_rows(const real *panels, size_t count, size_t size, real *rows)
{
    for (size_t first = 0; first < count; first += PANEL) {
        const size_t width = panel_width(count, first);
        transpose_from_lanes(panels + first * size, width, size, ch_size_min(count - first, width), rows + first * size,
                             size);
    }
}
