/* phase_map.h — one map of a phase diagram, and how what lies over it is drawn. Private to plots/. */
#ifndef CH_PHASE_MAP_H
#define CH_PHASE_MAP_H

#include "fit/phase/phase.h"
#include "plots/panel.h"

/* gnuplot's styles, for the page's key too */
#define CH_MAP_BORDER "linewidth 1.8 linecolor rgb '#000000'"
#define CH_MAP_FIT    "linewidth 1.6 linecolor rgb '#d55e00'"
#define CH_MAP_MAX    "linewidth 1.6 linecolor rgb '#ee3377'"
#define CH_MAP_THEORY "linewidth 1.6 dashtype (5,4) linecolor rgb '#000000'"

static const ch_mark CH_MAP_BEST = {0xd55e00, 7};

/** The power that is drawn at one end of the alpha: k, or where there is none s of T_max; borrowed. */
const ch_phase_power *ch_map_power(const ch_phase *phase, ch_phase_end end);

/** Writes map `index`, lettered (a), (b) …: a quantity over (alpha, T), its contours at the ticks of its colours, the
 *  end of the lazy regime (the kernel's on its own map, else that of the weights), T_opt with its powers of alpha,
 *  T_max, and how runs ended.
 *  @param quantity  one that was measured
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_map_write(const ch_phase *phase, ch_phase_quantity quantity, size_t index, ch_sheet *sheet,
                     ch_error *err) CH_MUST_CHECK;

#endif
