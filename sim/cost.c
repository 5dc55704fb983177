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

/* What a network is, for its costs. */
typedef struct {
    double pass;  /* nanoseconds of a forward pass of a sample */
    double move;  /* and of moving the weights */
    double onset; /* temperature below which training is that of gradient descent */
} network_scale;

/* A step moves the output of its own sample by T h K: it is too much for a margin kappa from T ~ kappa / (h K) on. K is
 * taken to be that by the last layer's weights, scale^2 times its inputs, over the pixels that it has a mean of; the
 * quarter was measured, on perceptrons of several layers and on convolutional networks. */
static ch_code network_scale_of(network_scale *self, const ch_settings *settings, ch_error *err)
{
    static const double QUARTER = 0.25, DENSE = 0.01, FILTER = 0.03, WEIGHT = 0.3;
    const ch_network_spec spec = ch_settings_network(settings);
    const double width = ch_settings_is_network(settings) ? (double)settings->width : 1;
    double pixels = 1, kernel = 1;
    ch_architecture architecture;
    const ch_code code = ch_architecture_init(&architecture, &spec, err);
    if (code != CH_OK) {
        return code;
    }
    self->pass = 0;
    for (size_t l = 0; l < architecture.num_layers; l++) {
        const ch_layer *layer = &architecture.layers[l];
        self->pass += (layer->kind == CH_LAYER_DENSE ? DENSE : FILTER) * (double)layer->fan_in *
                      (double)ch_shape_size(layer->out);
        pixels = layer->kind == CH_LAYER_MEAN ? (double)(layer->in.rows * layer->in.columns) : pixels;
        kernel = layer->scale * layer->scale * (double)layer->fan_in; /* the last one's stays */
    }
    self->move = WEIGHT * (double)architecture.num_weights;
    ch_architecture_free(&architecture);
    self->onset = QUARTER / settings->alpha * pixels / (width * kernel);
    return CH_OK;
}

/* Passes over a sample that a run of so many updates takes; those that go back too are three. Between updates sgd looks
 * at batches, the more the rarer the unfitted samples are, and the others at all samples. */
static double network_passes(const ch_settings *settings, double updates)
{
    static const double BACK_TOO = 3, STAGES = 4, LOOKS = 3, OVER_IDLE = 80;
    const double samples = (double)settings->train, batch = (double)settings->batch;
    const double points = LOOKS + (double)settings->record * log10(fmax(updates, 1));
    const double observed = points * (samples + (double)settings->test + BACK_TOO * (double)settings->kernel);
    switch ((ch_dynamics)settings->dynamics) {
    case CH_DYNAMICS_SGD:
        return observed + updates * batch * (BACK_TOO + samples / (OVER_IDLE * batch));
    case CH_DYNAMICS_UNFITTED:
        return observed + updates * (samples + BACK_TOO * batch);
    case CH_DYNAMICS_FLOW:
        return observed + updates * STAGES * BACK_TOO * samples;
    case CH_DYNAMICS_GD:
    case CH_DYNAMICS_SDE:
        break;
    }
    return observed + updates * BACK_TOO * samples;
}

/* A network's or a twin's, an operation being what takes a nanosecond. Above onset the number of updates does not
 * depend on T; below they are steps along the gradient's flow, as many as 1 / T. That number, and what passes, weights
 * and a twin's entries of the kernel take, are measured: good to a factor of three for most runs of P = 2^8 .. 2^13. */
static double network_cost(const ch_settings *settings)
{
    static const double RUN = 1e4, A_SECOND = 1e9, UPDATES = 2.4, AN_ENTRY = 0.7;
    const double samples = (double)settings->train;
    network_scale scale;
    if (network_scale_of(&scale, settings, NULL) != CH_OK) {
        return 1;
    }
    double updates = UPDATES * samples / sqrt((double)settings->batch) * fmax(1, scale.onset / settings->temp);
    if (settings->max_updates > 0) {
        updates = fmin(updates, (double)settings->max_updates);
    }
    if (settings->max_steps > 0) {
        updates = fmin(updates, (double)settings->max_steps);
    }
    const double most = settings->max_seconds > 0 ? A_SECOND * settings->max_seconds : INFINITY;
    const double network = scale.pass * network_passes(settings, updates) + scale.move * updates;
    const double cost = settings->linear == CH_LINEAR_YES ? AN_ENTRY * samples * updates : network;
    return RUN + fmin(fmin(cost, most), 0x1p63);
}

double ch_train_cost(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    return ch_settings_has_engine(settings) ? perceptron_cost(settings) : network_cost(settings);
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
        .loss = (ch_loss_kind)settings->loss,
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

size_t ch_train_run_bytes(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    enum { TWIN_BYTES = 30 };
    if (ch_settings_has_engine(settings)) {
        return perceptron_bytes(settings);
    }
    return settings->linear == CH_LINEAR_YES ? TWIN_BYTES * (size_t)settings->train : network_bytes(settings);
}
