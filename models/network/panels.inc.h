/* panels.inc.h — samples as columns, in either precision; part of network_body.h.
 *
 * A panel is as wide as a tile of product.h, the last one of some samples one vector where that is enough:
 * [panel][number][lane]. Lanes beyond the last sample hold numbers that nobody looks at.
 */

static inline size_t panel_width(size_t count, size_t first)
{
    return count - first > LANES ? PANEL : LANES;
}

/* Lanes that `count` samples take. */
static inline size_t lanes_of(size_t count)
{
    return (count + LANES - 1) / LANES * LANES;
}

/* panels of rows [count][size] */
static void rows_to_panels(const real *rows, size_t count, size_t size, real *panels)
{
    for (size_t first = 0; first < count; first += PANEL) {
        const size_t width = panel_width(count, first);
        transpose_to_lanes(rows + first * size, size, at_most(count - first, width), size, panels + first * size,
                           width);
    }
}

/* Place of a sample's first number in panels of `count` samples of `size` numbers; the next are `width` apart. */
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
        transpose_from_lanes(panels + first * size, width, size, at_most(count - first, width), rows + first * size,
                             size);
    }
}
