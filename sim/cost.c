/* cost.c — what a run is expected to take: time and memory. */
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

/* Rows of vectors of doubles that are as long as a sample: two rows each. */
enum { ROWS_A_VECTOR = 2 };

size_t ch_train_set_bytes(size_t num_samples, size_t dim, uint64_t engine)
{
    enum { VECTORS = 2 }; /* the teacher, and its mirror while samples are drawn */
    const size_t rows = ch_sample_set_bytes(num_samples + VECTORS * ROWS_A_VECTOR, dim);
    const size_t order = engine == CH_ENGINE_FAST ? 16 * num_samples : 0; /* half of it while it is sorted */
    return rows < SIZE_MAX - order ? rows + order : SIZE_MAX;
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

size_t ch_train_run_bytes(const ch_settings *settings)
{
    enum { VECTORS = 4, UNSHUFFLED_BATCH = 16 };
    const size_t test = (size_t)settings->test, train = (size_t)settings->train, batch = (size_t)settings->batch;
    const size_t rows = ch_sample_set_bytes(test + VECTORS * ROWS_A_VECTOR, (size_t)settings->dim);
    const size_t indices = sizeof(uint32_t) * (batch + (batch > UNSHUFFLED_BATCH ? train : 0));
    const size_t lists = settings->engine == CH_ENGINE_FAST ? fast_bytes(train, (size_t)settings->dim) : 0;
    return rows + indices + lists;
}
