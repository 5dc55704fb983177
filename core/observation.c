/* observation.c — the table of observables, and an observation of nothing. */
#include "core/observation.h"

#include <math.h>
#include <string.h>

#define REAL(member)  #member, false, offsetof(ch_observation, member)
#define COUNT(member) #member, true, offsetof(ch_observation, member)

enum { NETWORKS = CH_SCHEMA_NETWORKS, BOUNDARY = CH_SCHEMA_BOUNDARY, CURVATURE = CH_SCHEMA_CURVATURE };

/* The member, which names the result of a run; since; in a point: {name, place, since, shown}; help. A new observable
 * is a member of ch_observation and a row at the end, whose `since` is the next version of the schema. */
const ch_observable ch_observables_table[] = {
    {REAL(weight_change), 0, {"weight_change", 7, NETWORKS, 4}, "norm of the change of the weights"},
    {REAL(weight_change_rel),
     0,
     {"weight_change_rel", 8, NETWORKS, 0},
     "weight_change over the norm of the initial weights"},
    {REAL(signal), 0, {"signal", 2, 0, 2}, "weight change along the teacher"},
    {REAL(noise), 0, {"noise", 3, 0, 3}, "norm of the weight change across the teacher"},
    {REAL(train_loss), 0, {"loss", 0, 0, 1}, "mean loss over the training samples"},
    {REAL(train_error), 0, {"train_error", 5, NETWORKS, 0}, "fraction of training samples classified wrongly"},
    {COUNT(unfitted), 0, {"unfitted", 1, 0, 0}, "training samples with margin under kappa"},
    {REAL(min_margin), 0, {"min_margin", 6, NETWORKS, 0}, "least training margin, in units of kappa"},
    {REAL(test_error), 0, {"test_error", 4, 0, 6}, "exact test error, or over `test` samples"},
    {REAL(kernel_change), NETWORKS, {"kernel_change", 9, NETWORKS, 5}, "change of the tangent kernel over its norm"},
    {REAL(kernel_alignment), NETWORKS, {"kernel_alignment", 10, NETWORKS, 0}, "of the tangent kernel with the labels"},
    {REAL(gradient_mean),
     NETWORKS,
     {"gradient_mean", 11, NETWORKS, 0},
     "norm of the mean gradient over `kernel` samples"},
    {REAL(gradient_variance), NETWORKS, {"gradient_variance", 12, NETWORKS, 0}, "of the gradients of `kernel` samples"},
    {REAL(gradient_snr),
     NETWORKS,
     {"gradient_snr", 13, NETWORKS, 0},
     "gradient_mean over the root of gradient_variance"},
    {REAL(teacher_error), BOUNDARY, {NULL, 0, 0, 0}, "share of the files' samples that a fitted teacher takes wrongly"},
    {REAL(unfitted_distance),
     BOUNDARY,
     {"unfitted_distance", 14, BOUNDARY, 0},
     "mean |x.e| of unfitted samples, e the teacher"},
    {REAL(density_chi), BOUNDARY, {NULL, 0, 0, 0}, "exponent of the density of |F| near 0, over `test` samples"},
    {REAL(density_error), BOUNDARY, {NULL, 0, 0, 0}, "standard error of density_chi"},
    {REAL(density_edge), BOUNDARY, {NULL, 0, 0, 0}, "largest |F| / weight_change of its window"},
    {REAL(density_drift), BOUNDARY, {NULL, 0, 0, 0}, "how far density_chi changes within it, in standard errors"},
    {REAL(lambda_max),
     CURVATURE,
     {"lambda_max", 15, CURVATURE, 7},
     "largest eigenvalue of the training loss's Hessian"},
    {REAL(lambda_max_error), CURVATURE, {"lambda_max_error", 16, CURVATURE, 0}, "estimated error of lambda_max"},
    {REAL(hessian_trace), CURVATURE, {"hessian_trace", 17, CURVATURE, 0}, "trace of the Hessian of the training loss"},
    {REAL(hessian_trace_error),
     CURVATURE,
     {"hessian_trace_error", 18, CURVATURE, 0},
     "standard error of hessian_trace"},
    {REAL(batch_sharpness),
     CURVATURE,
     {"batch_sharpness", 19, CURVATURE, 8},
     "mean of g.Hg / |g|^2 over batches, g and H of the batch"},
    {REAL(batch_sharpness_error),
     CURVATURE,
     {"batch_sharpness_error", 20, CURVATURE, 0},
     "standard error of batch_sharpness"},
};
const size_t ch_observables_count = sizeof ch_observables_table / sizeof *ch_observables_table;

ch_observation ch_observation_none(void)
{
    static const double no_quantity = NAN;
    static const uint64_t no_count = CH_UNCOUNTED;
    ch_observation none = {0};
    for (size_t i = 0; i < ch_observables_count; i++) {
        const ch_observable *row = &ch_observables_table[i];
        char *member = (char *)&none + row->offset;
        if (row->is_count) {
            memcpy(member, &no_count, sizeof no_count);
        } else {
            memcpy(member, &no_quantity, sizeof no_quantity);
        }
    }
    return none;
}
