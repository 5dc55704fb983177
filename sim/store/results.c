/* results.c — the results of a run, by name. */
#include "sim/store/store.h"

#define RESULT(name, type, member, help)                                                                               \
    {                                                                                                                  \
        name, CH_RESULT_##type, offsetof(ch_run, member), help, 0                                                      \
    }
#define RESULT_OF_NETWORKS(name, type, member, help)                                                                   \
    {                                                                                                                  \
        name, CH_RESULT_##type, offsetof(ch_run, member), help, CH_SCHEMA_NETWORKS                                     \
    }
#define POINT(name, type, member, help, since)                                                                         \
    {                                                                                                                  \
        name, CH_RESULT_##type, offsetof(ch_point, member), help, since                                                \
    }

const ch_result ch_results_table[] = {
    RESULT("status", TEXT, status, "fitted, budget or diverged"),
    RESULT("steps", COUNT, steps, "index of the last update when fitted, else steps taken"),
    RESULT("updates", COUNT, updates, "steps that changed the weights"),
    RESULT("time", REAL, time, "rate x steps: t* when fitted, else a lower bound on it"),
    RESULT("weight_change", REAL, final.weight_change, "norm of the change of the weights"),
    RESULT("weight_change_rel", REAL, final.weight_change_rel, "weight_change over the norm of the initial weights"),
    RESULT("signal", REAL, final.signal, "weight change along the teacher"),
    RESULT("noise", REAL, final.noise, "norm of the weight change across the teacher"),
    RESULT("train_loss", REAL, final.train_loss, "mean loss over the training samples"),
    RESULT("train_error", REAL, final.train_error, "fraction of training samples classified wrongly"),
    RESULT("unfitted", COUNT, final.unfitted, "training samples with margin under kappa"),
    RESULT("min_margin", REAL, final.min_margin, "least training margin, in units of kappa"),
    RESULT("test_error", REAL, final.test_error, "exact test error, or over `test` samples"),
    RESULT_OF_NETWORKS("kernel_change", REAL, final.kernel_change, "change of the tangent kernel over its norm"),
    RESULT_OF_NETWORKS("kernel_alignment", REAL, final.kernel_alignment, "of the tangent kernel with the labels"),
    RESULT_OF_NETWORKS("gradient_mean", REAL, final.gradient_mean, "norm of the mean gradient over `kernel` samples"),
    RESULT_OF_NETWORKS("gradient_variance", REAL, final.gradient_variance, "of the gradients of `kernel` samples"),
    RESULT_OF_NETWORKS("gradient_snr", REAL, final.gradient_snr, "gradient_mean over the root of gradient_variance"),
    RESULT("seconds", REAL, seconds, "wall-clock seconds, without making the data"),
};
const size_t ch_results_count = sizeof ch_results_table / sizeof *ch_results_table;

const ch_result ch_points_table[] = {
    POINT("step", COUNT, step, "steps taken", 0),
    POINT("time", REAL, time, "rate x step", 0),
    POINT("loss", REAL, observed.train_loss, "mean loss over the training samples", 0),
    POINT("unfitted", COUNT, observed.unfitted, "training samples with margin under kappa", 0),
    POINT("signal", REAL, observed.signal, "as of a run", 0),
    POINT("noise", REAL, observed.noise, "as of a run", 0),
    POINT("test_error", REAL, observed.test_error, "as of a run", 0),
    POINT("train_error", REAL, observed.train_error, "as of a run", CH_SCHEMA_NETWORKS),
    POINT("min_margin", REAL, observed.min_margin, "as of a run", CH_SCHEMA_NETWORKS),
    POINT("weight_change", REAL, observed.weight_change, "as of a run", CH_SCHEMA_NETWORKS),
    POINT("weight_change_rel", REAL, observed.weight_change_rel, "as of a run", CH_SCHEMA_NETWORKS),
    POINT("kernel_change", REAL, observed.kernel_change, "as of a run", CH_SCHEMA_NETWORKS),
    POINT("kernel_alignment", REAL, observed.kernel_alignment, "as of a run", CH_SCHEMA_NETWORKS),
    POINT("gradient_mean", REAL, observed.gradient_mean, "as of a run", CH_SCHEMA_NETWORKS),
    POINT("gradient_variance", REAL, observed.gradient_variance, "as of a run", CH_SCHEMA_NETWORKS),
    POINT("gradient_snr", REAL, observed.gradient_snr, "as of a run", CH_SCHEMA_NETWORKS),
};
const size_t ch_points_count = sizeof ch_points_table / sizeof *ch_points_table;
