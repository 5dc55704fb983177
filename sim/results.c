/* results.c — the results of a run, by name. */
#include "sim/store.h"

#define RESULT(name, type, member, help)                                                                               \
    {                                                                                                                  \
        name, CH_RESULT_##type, offsetof(ch_run, member), help                                                         \
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
    RESULT("seconds", REAL, seconds, "wall-clock seconds, without making the data"),
};
const size_t ch_results_count = sizeof ch_results_table / sizeof *ch_results_table;
