/* dynamics.c — the table of dynamics. */
#include "models/dynamics.h"

#include <stddef.h>

static const struct {
    const char *name;
    bool takes_all;
} rows[] = {
    [CH_DYNAMICS_SGD] = {"sgd", false},  [CH_DYNAMICS_GD] = {"gd", true},
    [CH_DYNAMICS_FLOW] = {"flow", true}, [CH_DYNAMICS_UNFITTED] = {"unfitted", false},
    [CH_DYNAMICS_SDE] = {"sde", false},
};
enum { NUM_ROWS = sizeof rows / sizeof *rows };

const char *ch_dynamics_name(uint64_t dynamics)
{
    return dynamics < NUM_ROWS ? rows[dynamics].name : NULL;
}

bool ch_dynamics_takes_all(uint64_t dynamics)
{
    return dynamics < NUM_ROWS && rows[dynamics].takes_all;
}
