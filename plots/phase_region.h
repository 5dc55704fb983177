/* phase_region.h — the parts of a phase diagram in which runs diverged, or were ended by a budget: outlined and named.
 * Private to plots/. */
#ifndef CH_PHASE_REGION_H
#define CH_PHASE_REGION_H

#include "fit/phase/phase.h"
#include "plots/panel.h"

typedef enum {
    CH_REGION_DIVERGED, /* cells in which a run diverged */
    CH_REGION_BUDGET,   /* cells in which a budget ended a run and none diverged */
} ch_region;

/** Whether the diagram has such cells. */
bool ch_region_exists(const ch_phase *phase, ch_region region);

/** The sampled T of an alpha that is nearest to a T of the diagram, in logarithms; num_temps where this T lies beyond
 *  those that were sampled at the alpha. A T that was sampled at other alpha alone is drawn as the nearest. */
size_t ch_region_nearest(const ch_phase *phase, size_t alpha, size_t temp);

/** Fills the cells of a region that have no colour of their own, white or grey. */
void ch_region_fill(const ch_phase *phase, ch_region region, ch_panel *panel);

/** Outlines a region, and writes its name into the cell nearest to its middle. */
void ch_region_outline(const ch_phase *phase, ch_region region, ch_panel *panel);

#endif
