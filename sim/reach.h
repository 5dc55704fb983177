/* reach.h — whether numbers of double precision, and a run's patience, reach the margin that its settings ask for. */
#ifndef CH_REACH_H
#define CH_REACH_H

#include "sim/settings/settings.h"

/** The power of two by which rate and kappa are multiplied for training, so that no square of a weight overflows or
 *  underflows.
 *
 *  The weights of a perceptron under its own engines, and those of a twin, start at 0. Then training is homogeneous:
 *  with rate and kappa multiplied by a power of two, every weight change, margin and loss is multiplied by it, bit by
 *  bit. The factor is 1 where 2^-64 <= rate < 2^65, and otherwise such that the rate lies between 1 and 2. It is 1 for
 *  all other models, because their initial weights are of order 1.
 *
 *  @param resolved  that ch_reach_check accepts */
double ch_reach_unit(const ch_resolved *resolved);

/** The most steps that a run without a budget may need: 10^12 where the weights start at 0, else 10^10. Estimates of
 *  what a run needs are taken to be off by less than CH_REACH_ROUGHNESS. */
double ch_reach_most_steps(const ch_settings *settings);
#define CH_REACH_ROUGHNESS 10.0

/** Refuses what double precision, or the patience of any user, does not reach.
 *
 *   - rate, alpha or their product so large or so small that a result overflows or underflows;
 *   - of models with initial weights: a margin 1/alpha under the resolution of their outputs, and a rate at which an
 *     update is far under the spacing of the weights;
 *   - without a budget: a run that needs more than 10^12 steps (networks: 10^10). A step moves a margin by at most
 *     about rate x K, where K is the squared norm of a sample's gradient. So about kappa / (rate K) steps are needed;
 *     a run is refused where that is more than 10 times the bound, which covers the roughness of K.
 *
 *  @return CH_OK; CH_ERROR_INPUT with the setting's name, its value and what is accepted; CH_ERROR_MEMORY */
ch_code ch_reach_check(const ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

#endif
