/* cost.c — what a run is expected to take: time and memory. What passes and engines take, their own modules say. */
#include "sim/train_private.h"

#include "models/cost.h"
#include "models/learner/curvature_meter.h"
#include "models/models.h"
#include "perceptron/bytes.h"
#include "sim/weight_series.h"

#include <math.h>

/* ---- time: perceptrons ---- */

/* What the scaling laws expect of a run's end. */
typedef struct {
    double lambda;  /* signal over noise at the end */
    double steps;   /* number of steps until then */
    double updates; /* number of unfitted samples that are added to the weights until then */
    double reached; /* number of samples that the noise reaches at the end */
    double drawn;   /* number of those samples that are drawn for one that is unfitted */
} expectation;

/* A student of d weights fits the last samples of its own accord once about d / 2 are unfitted, n P = d / 2. With
 * r* = noise T sqrt(d) for the noise on the way, where T stands for T + kappa because below T ~ kappa the margin takes
 * the temperature's place:
 *   lambda   (2 n_chi P / d)^{1/(1+chi)}
 *   signal   s^{chi+3} = growth r*^{chi+2} t / sqrt(d), which gives the time t
 *   updates  int n dt / T = n_chi^2 d sqrt(pi/2) lambda^2 / (2 a_chi)
 *   reached  P int_0^{sqrt(d)/lambda} rho = 2 P (sqrt(d) / lambda)^{chi+1} / [(chi+1) Z_chi] */
static expectation expect(const ch_settings *settings, const ch_perceptron_theory *theory)
{
    const double dim = (double)ch_shape_size(ch_settings_input(settings)), samples = (double)settings->train;
    const double chi = settings->chi;
    const double temp = settings->temp + 1 / settings->alpha, batch = (double)settings->batch;
    expectation end = {.lambda = fmax(pow(2 * theory->unfitted * samples / dim, theory->gamma), 1)};
    const double time = dim * pow(end.lambda, chi + 3) * theory->noise * temp / theory->growth;
    end.steps = time / settings->rate + samples / batch;
    end.updates = pow(theory->unfitted * end.lambda, 2) * dim * sqrt(M_PI_2) / (2 * theory->drift);
    end.updates *= temp / settings->temp;
    const double share = 2 * pow(sqrt(dim) / end.lambda, chi + 1) / ((chi + 1) * theory->z);
    end.reached = fmin(share, 1) * samples;
    end.drawn = fmin(share, 1) * pow(end.lambda, chi + 1) / theory->unfitted;
    return end;
}

/* With train = inf a run ends where its budgets say, and a step draws a batch and looks at it. The estimate takes one
 * step in ten for an update, and 10^9 operations for a second. */
static double online_cost(const ch_settings *settings)
{
    static const double STEPS_AN_UPDATE = 10, A_SECOND = 1e9, RUN = 1e3, ENTRY = 16;
    const double step = (double)settings->batch * (double)settings->dim * ENTRY;
    double cost = INFINITY;
    if (settings->max_steps > 0) {
        cost = step * (double)settings->max_steps;
    }
    if (settings->max_updates > 0) {
        cost = fmin(cost, step * STEPS_AN_UPDATE * (double)settings->max_updates);
    }
    if (settings->max_seconds > 0) {
        cost = fmin(cost, A_SECOND * settings->max_seconds);
    }
    return RUN + fmin(cost, 0x1p63);
}

/* A run takes looks at all samples, and either plain steps or the fast engine's updates. An update takes some hundred
 * operations, and draws candidates or adds rows of the Gram matrix, which are made now and then. */
static double perceptron_cost(const ch_settings *settings)
{
    static const double RUN = 1e3, DRAW = 16, CANDIDATE = 60, UPDATE = 400, ENTRY = 0.25, ROW = 0.01;
    ch_perceptron_theory theory;
    if (settings->train == 0) {
        return online_cost(settings);
    }
    if (ch_perceptron_theory_init(&theory, settings->chi, NULL) != CH_OK) {
        return 1;
    }
    const expectation end = expect(settings, &theory);
    const double dim = (double)ch_shape_size(ch_settings_input(settings)), batch = (double)settings->batch;
    /* Near chi = -1 the laws overflow. No run is expected to go beyond what a counter holds. */
    const double most_steps = settings->max_steps > 0 ? (double)settings->max_steps : 0x1p63;
    const double steps = fmin(end.steps, most_steps), plain = steps * batch * (dim + DRAW);
    const double drawing = end.drawn * (dim + CANDIDATE), adding = end.reached * (ENTRY + ROW * dim);
    const double fast = end.updates * (UPDATE + fmin(drawing, adding));
    const double looks =
        2 + (double)settings->record * log10(fmax(steps, 1)); /* every point of the trajectory is a look */
    return RUN + looks * (double)settings->train * dim +
           (settings->engine == CH_ENGINE_FAST ? fmin(fast, plain) : plain);
}

/* ---- time: networks and twins ---- */

/* The temperature below which training is that of gradient descent. A step moves the output of its own sample by T h K,
 * with K the tangent kernel, which is too much for a margin kappa from T ~ kappa / (h K) on. Under alpha = 1, where
 * features are learned, it stays what it is at 1. The quarter was measured, on perceptrons of several layers and on
 * convolutional networks. */
static double onset_of(const ch_settings *settings, const ch_network_cost *cost)
{
    static const double QUARTER = 0.25;
    const double width = ch_settings_is_network(settings) ? (double)settings->width : 1;
    return QUARTER / fmax(settings->alpha, 1) / (width * cost->output_kernel);
}

/* The number of passes over one sample that a run of so many updates takes. Between updates sgd looks at batches, the
 * more of them the rarer the unfitted samples are, and the other dynamics look at all samples. */
static double network_passes(const ch_settings *settings, double updates)
{
    static const double GRADIENT = CH_PASSES_A_GRADIENT, STAGES = 4, LOOKS = 3, OVER_IDLE = 80;
    const double samples = (double)settings->train, batch = (double)settings->batch;
    const double points = LOOKS + (double)settings->record * log10(fmax(updates, 1));
    const double curved = settings->curvature == 0 ? 0 : 1 + (double)settings->curvature; /* points with curvature */
    const double observed = points * (samples + (double)settings->test + GRADIENT * (double)settings->kernel) +
                            curved * (samples + (double)settings->test + ch_curvature_meter_passes(samples, batch));
    switch ((ch_dynamics)settings->dynamics) {
    case CH_DYNAMICS_SGD:
        return observed + updates * batch * (GRADIENT + samples / (OVER_IDLE * batch));
    case CH_DYNAMICS_UNFITTED:
        return observed + updates * (samples + GRADIENT * batch);
    case CH_DYNAMICS_FLOW:
        return observed + updates * STAGES * GRADIENT * samples;
    case CH_DYNAMICS_GD:
    case CH_DYNAMICS_SDE:
        break;
    }
    return observed + updates * GRADIENT * samples;
}

/* The number of updates of a network or a twin. Above the onset it does not depend on T. Below it updates are steps
 * along the gradient's flow, and their number grows as 1 / T. */
static double updates_within_budget(const ch_settings *settings, const ch_network_cost *cost)
{
    static const double UPDATES = 2.4;
    double updates = UPDATES * (double)settings->train / sqrt((double)settings->batch) *
                     fmax(1, onset_of(settings, cost) / settings->temp);
    if (settings->max_updates > 0) {
        updates = fmin(updates, (double)settings->max_updates);
    }
    return settings->max_steps > 0 ? fmin(updates, (double)settings->max_steps) : updates;
}

/* The cost of a network or a twin, in nanoseconds, which count as operations. The number of updates
 * and the times of passes, weights and the twin's kernel entries were measured; they are right to within a
 * factor of three for most runs of P = 2^8 to 2^13. */
static double network_cost(const ch_settings *settings)
{
    static const double RUN = 1e4, A_SECOND = 1e9, AN_ENTRY = 0.7;
    const double samples = (double)settings->train;
    const ch_network_spec spec = ch_settings_network(settings);
    ch_architecture architecture;
    if (ch_architecture_init(&architecture, &spec, NULL) != CH_OK) {
        return 1;
    }
    const ch_network_cost one = ch_network_cost_of(&architecture);
    ch_architecture_free(&architecture);
    const double updates = updates_within_budget(settings, &one);
    const double most = settings->max_seconds > 0 ? A_SECOND * settings->max_seconds : INFINITY;
    const double network = one.pass * network_passes(settings, updates) + one.move * updates;
    const double cost = settings->linear == CH_LINEAR_YES ? AN_ENTRY * samples * updates : network;
    return RUN + fmin(fmin(cost, most), 0x1p63);
}

double ch_train_cost(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    return ch_settings_has_engine(settings) ? perceptron_cost(settings) : network_cost(settings);
}

/* ---- how far a run is ---- */

/* The number of updates that a run without a budget is expected to make. */
static double expected_updates(const ch_settings *settings)
{
    ch_settings free = *settings;
    ch_architecture architecture;
    const ch_network_spec spec = ch_settings_network(settings);
    free.max_updates = free.max_steps = 0;
    if (ch_architecture_init(&architecture, &spec, NULL) != CH_OK) {
        return INFINITY;
    }
    const ch_network_cost one = ch_network_cost_of(&architecture);
    ch_architecture_free(&architecture);
    return updates_within_budget(&free, &one);
}

static double perceptron_share(const ch_settings *settings, const ch_progress *progress)
{
    ch_perceptron_theory theory;
    if (settings->train == 0 || ch_perceptron_theory_init(&theory, settings->chi, NULL) != CH_OK) {
        return 0;
    }
    const expectation end = expect(settings, &theory);
    return settings->engine == CH_ENGINE_FAST ? (double)progress->updates / end.updates
                                              : (double)progress->steps / end.steps;
}

double ch_train_share(const ch_resolved *resolved, const ch_progress *progress)
{
    const ch_settings *settings = &resolved->settings;
    const double share = ch_settings_has_engine(settings) ? perceptron_share(settings, progress)
                                                          : (double)progress->updates / expected_updates(settings);
    return share < 1 ? share : 0;
}

/* ---- memory ---- */

/* The learner of networks. */
static size_t network_bytes(const ch_settings *settings)
{
    const ch_network_spec spec = ch_settings_network(settings);
    ch_architecture architecture;
    if (ch_architecture_init(&architecture, &spec, NULL) != CH_OK) {
        return SIZE_MAX;
    }
    const ch_network_learner_setup setup = {
        .architecture = &architecture,
        .num_samples = (size_t)settings->train,
        .loss = (ch_loss_kind)settings->loss,
        .dynamics = (ch_dynamics)settings->dynamics,
        .batch = (size_t)settings->batch,
        .momentum = settings->momentum,
        .weight_decay = settings->weight_decay,
        .fast = settings->engine == CH_ENGINE_FAST,
        .wide = !ch_settings_is_network(settings),
        .kernel_samples = (size_t)settings->kernel,
        .curvature = settings->curvature > 0,
        .threads = 1,
    };
    const size_t bytes = ch_network_learner_bytes(&setup);
    const double series = ch_weight_series_bytes(settings, architecture.num_weights);
    ch_architecture_free(&architecture);
    return (double)bytes + series < 0x1p63 ? bytes + (size_t)series : SIZE_MAX;
}

/* A perceptron under one of its own engines. */
static size_t perceptron_bytes(const ch_settings *settings)
{
    const ch_perceptron_size size = {
        .num_train = (size_t)settings->train,
        .num_test = (size_t)settings->test,
        .batch = (size_t)settings->batch,
        .dim = ch_shape_size(ch_settings_input(settings)),
        .is_fast = settings->engine == CH_ENGINE_FAST,
        .by_epoch = settings->sampling == CH_SAMPLING_EPOCH,
    };
    return ch_perceptron_bytes(&size);
}

size_t ch_train_run_bytes(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    if (ch_settings_has_engine(settings)) {
        return perceptron_bytes(settings);
    }
    return settings->linear == CH_LINEAR_YES
               ? ch_twin_bytes((size_t)settings->train, settings->sampling == CH_SAMPLING_EPOCH,
                               settings->momentum > 0 || settings->weight_decay > 0)
               : network_bytes(settings);
}
