/* regimes_slice.h — one panel of ||Dw|| against B, with a curve for some T or for some rates. Private to plots/. */
#ifndef CH_REGIMES_SLICE_H
#define CH_REGIMES_SLICE_H

#include "fit/regimes/regimes.h"
#include "plots/panel.h"

/** What is held fixed along a curve. */
typedef enum { CH_SLICE_TEMP, CH_SLICE_RATE, CH_NUM_SLICES } ch_regime_slice;

/** gnuplot's styles of the laws' lines, for the page's key too. */
#define CH_SLICE_LAW    "linewidth 1.2 linecolor rgb '#505050'"
#define CH_SLICE_THEORY "linewidth 1.0 dashtype (4,4) linecolor rgb '#000000'"

/** Writes panel `index`: means over runs with one standard error, of at most six T or rates that three B or more have;
 *  the fitted law through them, and the terms that theory predicts.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_regime_slice_write(const ch_regime_plane *plane, ch_regime_slice slice, size_t index, ch_sheet *sheet,
                              ch_error *err) CH_MUST_CHECK;

#endif
