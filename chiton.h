/* chiton.h — the library: trainings, sweeps, stores, fits, theory and figures of SGD noise. */
#ifndef CHITON_H
#define CHITON_H

#include "core/core.h"
#include "data/data.h"
#include "fit/collapse/collapse.h"
#include "fit/fit.h"
#include "fit/phase/phase.h"
#include "fit/reports/reports.h"
#include "fit/selftest.h"
#include "fit/twins/lazy.h"
#include "models/models.h"
#include "perceptron/online.h"
#include "perceptron/perceptron.h"
#include "plots/plots.h"
#include "sim/admit.h"
#include "sim/settings/settings.h"
#include "sim/store/json.h"
#include "sim/store/store.h"
#include "sim/sweep/plan.h"
#include "sim/sweep/sweep.h"
#include "sim/train.h"

#endif
