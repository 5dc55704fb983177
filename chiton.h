/* chiton.h — the library: trainings, sweeps, stores, fits, theory and figures of SGD noise.
 *
 * This is the one header to include, from C11 or C++17; the flags are those of `pkg-config --cflags --libs chiton`. The
 * headers below are what the library promises, and all that is installed; docs/api.md lists their functions.
 *
 * The library prints nothing, handles no signals and keeps no state between calls. GSL's error handler, which aborts
 * the program, must be off: call gsl_set_error_handler_off() first.
 */
#ifndef CHITON_H
#define CHITON_H

#ifdef __cplusplus
/* what the headers below include themselves, where it must not be declared as C */
#include <atomic>
#include <cstdio>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_odeiv2.h>
#include <gsl/gsl_rng.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern "C" {
#endif

#include "core/core.h"
#include "core/processor.h"
#include "data/data.h"
#include "fit/collapse/collapse.h"
#include "fit/fit.h"
#include "fit/named.h"
#include "fit/phase/phase.h"
#include "fit/regimes/regimes.h"
#include "fit/reports/reports.h"
#include "fit/selftest.h"
#include "fit/spectra/spectra.h"
#include "fit/target.h"
#include "fit/twins/lazy.h"
#include "models/learner/learner.h"
#include "perceptron/finite/family.h"
#include "perceptron/online.h"
#include "perceptron/perceptron.h"
#include "plots/plots.h"
#include "report/report.h"
#include "sim/admit.h"
#include "sim/settings/settings.h"
#include "sim/store/merge.h"
#include "sim/store/store.h"
#include "sim/sweep/plan.h"
#include "sim/sweep/sweep.h"
#include "sim/train.h"

#ifdef __cplusplus
}
#endif

#endif
