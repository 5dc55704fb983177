/* sim.h — what an experiment is: settings, sweeps, the training loop, the run store. */
#ifndef CH_SIM_H
#define CH_SIM_H

#include "sim/plan.h"
#include "sim/settings.h"
#include "sim/store.h"
#include "sim/sweep.h"
#include "sim/train.h"

/* ---- the commands of this folder: argv[0] is the command's name; the result is the exit status ---- */

int ch_cmd_run(int argc, const char **argv);
int ch_cmd_sweep(int argc, const char **argv);
int ch_cmd_list(int argc, const char **argv);
int ch_cmd_export(int argc, const char **argv);
int ch_cmd_theory(int argc, const char **argv);
int ch_cmd_data(int argc, const char **argv);

#endif
