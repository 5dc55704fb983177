/* cost.c — how long a run is expected to take. */
#include "sim/train.h"

#include "perceptron/perceptron.h"

#include <math.h>

/* Signal growth s^{chi+3} = growth r*^{chi+2} t / sqrt(d) at the noise level r* = noise T sqrt(d), until nP = 1, that
 * is lambda = (n_chi P)^{1/(1+chi)}; below T ~ kappa the margin sets the scale in T's place. */
double ch_train_cost(const ch_settings *settings)
{
    ch_perceptron_theory theory;
    if (ch_perceptron_theory_init(&theory, settings->chi, NULL) != CH_OK) {
        return 1;
    }
    const double root = sqrt((double)settings->dim);
    const double samples = (double)settings->train;
    const double temp = settings->temp + 1 / settings->alpha;
    const double noise = theory.noise * temp * root;
    const double lambda = fmax(pow(theory.unfitted * samples, theory.gamma), 1);
    const double time = root * pow(lambda, settings->chi + 3) * noise / theory.growth;
    double steps = time / settings->rate + samples / (double)settings->batch;
    /* near chi = -1 the laws overflow: no run is expected to go beyond what a counter holds */
    steps = fmin(steps, settings->max_steps > 0 ? (double)settings->max_steps : 0x1p63);
    const double overhead = 1e3; /* of a run, in operations: what even the shortest costs */
    return overhead + steps * (double)settings->batch * ((double)settings->dim + 16);
}
