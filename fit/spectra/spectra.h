/* spectra.h — how the variance of weights depends on the flatness and the curvature of the loss, direction by
 * direction.
 *
 * Runs of a group at one (P, T) that have fluctuations (sim/fluctuations.h) give one spectrum. In each run and layer
 * the laws ln sigma^2 = c - psi ln F and ln sigma^2 = c + x ln h, F being the flatness and h the curvature, are fitted
 * by least squares over the layer's principal directions, all with one weight. A direction is left out where it drifts:
 * where more than half of its variance is a cosine, as that of a random walk is, or the means of both halves of the
 * series are more than one standard deviation apart; or where F or h is no positive number. Three directions are
 * needed.
 *
 * With two runs or more the exponent is the mean over the runs, its error that of the mean, and its 95 % interval that
 * of Student's t. With one run the error is that of the line's slope, from the scatter of the directions about it. */
#ifndef CH_SPECTRA_H
#define CH_SPECTRA_H

#include "fit/fit.h"

/** What directions of one layer, or of all weights together, have in the runs of a spectrum. */
typedef struct {
    uint64_t layer;                            /* from 0; the number of layers for all weights */
    size_t num_directions;                     /* of all runs */
    size_t num_drifting;                       /* how many of them drift */
    double largest;                            /* geometric mean of the runs' largest variances */
    double least_flatness, most_flatness;      /* of directions that do not drift; NaN where there is none */
    size_t num_flatness_runs, num_curved_runs; /* runs with a psi, and with an x */
    ch_estimate flatness;                      /* psi of sigma^2 ~ F^-psi; all NaN where no run has one */
    ch_estimate curvature;                     /* x of sigma^2 ~ h^x; the same */
} ch_spectrum_layer;

/** The runs of a group at one (P, T). */
typedef struct {
    size_t group;              /* index in the fit */
    const ch_run *const *runs; /* [num_runs] those of the group there, with and without fluctuations; borrowed */
    size_t num_runs, num_with; /* number of runs, and of those with fluctuations */
    ch_spectrum_layer *layers; /* [num_layers] the layers, and then all weights where there are several; owned */
    size_t num_layers;
} ch_spectrum;

/** The spectra of a fit. */
typedef struct {
    ch_spectrum *items; /* [count] in the order of groups, P and T; owned */
    size_t count, capacity;
} ch_spectrum_list;

/** Whether a direction drifts. */
bool ch_spectrum_drifts(const ch_fluctuation *direction);

/** Finds the spectra of all groups of a fit, which must outlive them.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_spectrum_list_init(ch_spectrum_list *self, const ch_fit *fit, ch_error *err) CH_MUST_CHECK;
/** Idempotent. */
void ch_spectrum_list_free(ch_spectrum_list *self);

/** The name of a layer: its number, or "all" for all weights together. 24 bytes are enough. */
void ch_spectrum_layer_name(const ch_spectrum *self, uint64_t layer, char *text, size_t size);

#endif
