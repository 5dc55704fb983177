/* regimes_map.h — one map over batch and rate. Private to plots/. */
#ifndef CH_REGIMES_MAP_H
#define CH_REGIMES_MAP_H

#include "fit/regimes/regimes.h"
#include "plots/panel.h"

/** What a map shows: geometric means over the runs of a cell, or the mean test error. */
typedef enum { CH_MAP_OF_CHANGE, CH_MAP_OF_TIME, CH_MAP_OF_ERROR, CH_NUM_REGIME_MAPS } ch_regime_map;

/** gnuplot's style of the borders of regimes, for the page's key too. */
#define CH_REGIME_BORDER "linewidth 1.6 linecolor rgb '#d55e00'"

#define CH_REGIME_PREDICTED "linewidth 1.4 dashtype (5,4) linecolor rgb '#000000'"

/** Whether some cell has a positive value for the map. */
bool ch_regime_map_exists(const ch_regime_plane *plane, ch_regime_map map);

/** Writes map `index`, lettered (a), (b) …: the cells in colours, the borders between the regimes where the plane has a
 *  law, those that theory predicts, and the names of the regimes.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_regime_map_write(const ch_regime_plane *plane, ch_regime_map map, size_t index, ch_sheet *sheet,
                            ch_error *err) CH_MUST_CHECK;

#endif
