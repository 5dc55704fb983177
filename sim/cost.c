/* cost.c — what a run is expected to take: time and memory. */
#include "sim/train.h"

#include "perceptron/perceptron.h"

#include <math.h>

/* Where a run is expected to end, and by what. */
typedef struct {
    double lambda;  /* signal over noise */
    double steps;   /* until then */
    double updates; /* unfitted samples that are added until then */
    double reached; /* samples within reach of the noise then */
    double drawn;   /* of those, for one that is unfitted */
} expectation;

/* A student of d weights fits the last samples of its own accord once about d / 2 are unfitted, n P = d / 2: so
 * lambda = (2 n_chi P / d)^{1/(1+chi)}. On the way the noise is r* = noise T sqrt(d), below T ~ kappa with the margin
 * in T's place, and signal    s^{chi+3} = growth r*^{chi+2} t / sqrt(d), uses      int n dt / T = n_chi^2 d sqrt(pi/2)
 * lambda^2 / (2 a_chi), reached   P int_0^{sqrt(d)/lambda} rho = 2 P (sqrt(d) / lambda)^{chi+1} / [(chi+1) Z_chi]. */
static expectation expect(const ch_settings *settings, const ch_perceptron_theory *theory)
{
    const double dim = (double)settings->dim, samples = (double)settings->train, chi = settings->chi;
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

/* With train = inf: steps to the end that the budgets set, each with a batch drawn and looked at. A tenth of the steps
 * are taken to be updates, and a second to be as many operations as a core does in one. */
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

/* Looks at all samples, and plain steps or the fast engine's updates: some hundred operations each, and then
 * candidates drawn, or rows of the Gram matrix made now and then and added. */
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
    const double dim = (double)settings->dim, batch = (double)settings->batch;
    /* near chi = -1 the laws overflow: no run is expected to go beyond what a counter holds */
    const double most_steps = settings->max_steps > 0 ? (double)settings->max_steps : 0x1p63;
    const double steps = fmin(end.steps, most_steps), plain = steps * batch * (dim + DRAW);
    const double drawing = end.drawn * (dim + CANDIDATE), following = end.reached * (ENTRY + ROW * dim);
    const double fast = end.updates * (UPDATE + fmin(drawing, following));
    const double looks = 2 + (double)settings->record * log10(fmax(steps, 1)); /* one a point of the trajectory */
    return RUN + looks * (double)settings->train * dim +
           (settings->engine == CH_ENGINE_FAST ? fmin(fast, plain) : plain);
}

/* Beside weights and batches the fast engine has lists of samples; and, once it follows all margins within reach, rows
 * of their Gram matrix with an index, and copies of up to a quarter of the samples. */
static size_t fast_bytes(size_t num_samples, size_t dim)
{
    enum { LIST_BYTES = 40, MOST_GRAM_BYTES = 17 << 20, LEAST_FULL = 1 << 11, COPIED_SHARE = 4 };
    const size_t gram = num_samples < LEAST_FULL ? 5 * num_samples * num_samples : MOST_GRAM_BYTES;
    return LIST_BYTES * num_samples + (gram < MOST_GRAM_BYTES ? gram : MOST_GRAM_BYTES) +
           ch_sample_set_bytes(num_samples / COPIED_SHARE, dim);
}

/* A network's or a twin's, in operations: exponents as of a perceptron at chi = 1, from which networks are not far, and
 * as many updates as a perceptron of that many samples. What an update takes is a pass over the weights or a row of the
 * kernel, and the samples looked at until there is one. */
static double lazy_cost(const ch_settings *settings)
{
    static const double RUN = 1e4, UPDATES = 4, WEIGHTS = 3e5;
    const double samples = (double)settings->train, steps = (double)settings->max_steps;
    double updates = UPDATES * samples * fmax(1, 0.1 / (settings->temp * settings->alpha));
    if (settings->max_updates > 0) {
        updates = fmin(updates, (double)settings->max_updates);
    }
    if (settings->max_steps > 0) {
        updates = fmin(updates, steps);
    }
    const double update = settings->linear == CH_LINEAR_YES ? samples : WEIGHTS * (double)settings->batch;
    return RUN + updates * update;
}

double ch_train_cost(const ch_settings *settings)
{
    return ch_settings_is_network(settings) || settings->linear == CH_LINEAR_YES ? lazy_cost(settings)
                                                                                 : perceptron_cost(settings);
}

/* A learner of networks, with what it borrows and does not share. */
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
        .loss = (ch_loss)settings->loss,
        .dynamics = (ch_dynamics)settings->dynamics,
        .batch = (size_t)settings->batch,
        .fast = settings->engine == CH_ENGINE_FAST,
        .wide = !ch_settings_is_network(settings),
        .kernel_samples = (size_t)settings->kernel,
        .threads = 1,
    };
    const size_t bytes = ch_network_learner_bytes(&setup);
    ch_architecture_free(&architecture);
    return bytes;
}

/* Of a perceptron by its own engines. */
static size_t perceptron_bytes(const ch_settings *settings)
{
    enum { VECTORS = 4, ROWS_A_VECTOR = 2, UNSHUFFLED_BATCH = 16 };
    const size_t test = (size_t)settings->test, train = (size_t)settings->train, batch = (size_t)settings->batch;
    const size_t fresh = train == 0 ? batch : 0;
    const size_t rows = ch_sample_set_bytes(fresh + test + VECTORS * ROWS_A_VECTOR, (size_t)settings->dim);
    const size_t indices = sizeof(uint32_t) * (batch + (batch > UNSHUFFLED_BATCH ? train : 0));
    const size_t lists = settings->engine == CH_ENGINE_FAST ? fast_bytes(train, (size_t)settings->dim) : 0;
    return rows + indices + lists;
}

size_t ch_train_run_bytes(const ch_settings *settings)
{
    enum { TWIN_BYTES = 30 };
    if (ch_settings_has_engine(settings)) {
        return perceptron_bytes(settings);
    }
    return settings->linear == CH_LINEAR_YES ? TWIN_BYTES * (size_t)settings->train : network_bytes(settings);
}
