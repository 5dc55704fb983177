/* train_perceptron.c — trains one perceptron by hand and prints its signal s and noise r against time t.
 *
 *   cc train_perceptron.c $(pkg-config --cflags --libs chiton) -o train_perceptron && ./train_perceptron
 *
 * P samples are drawn from a law whose density near the decision boundary goes to zero as |x|^chi. A linear student is
 * trained on them by stochastic gradient descent with batches of B samples and the rate eta = T B, until no sample has
 * a margin under kappa. The change of its weights has a component s along the teacher and one of norm r across it.
 */
#include <chiton.h>
#include <gsl/gsl_errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Advances the student by a factor in steps at a time, and prints a line at each stop. */
static ch_code train(ch_learner *learner, double rate, ch_error *err)
{
    ch_limit limit = {.steps = 1, .updates = UINT64_MAX};
    printf("%12s %12s %12s %12s\n", "t", "s", "r", "unfitted");
    while (learner->progress.status == CH_RUNNING) {
        ch_observation seen;
        learner->advance(learner, &limit);
        if (learner->progress.status == CH_RUNNING && learner->progress.steps < limit.steps) {
            continue; /* it came back early, so that we could look at the clock */
        }
        const ch_code code = learner->observe(learner, &seen, err);
        if (code != CH_OK) {
            return code;
        }
        printf("%12g %12.5g %12.5g %12" PRIu64 "\n", rate * (double)learner->progress.steps, seen.signal, seen.noise,
               seen.unfitted);
        limit.steps *= 2;
    }
    /* the index of the last step that changed the weights is the training time in steps */
    printf("%s after %" PRIu64 " steps\n", ch_status_name(learner->progress.status), learner->progress.last_update);
    return CH_OK;
}

int main(void)
{
    enum { NUM_SAMPLES = 1024, BATCH = 2, THREADS = 1 };
    const double temp = 1, rate = temp * BATCH;
    const ch_data_law law = {.kind = CH_LAW_DEPLETED, .chi = 1, .dim = 32, .seed = 0};
    ch_error err = {0};
    ch_sample_set samples = {0};
    ch_perceptron student = {0};

    gsl_set_error_handler_off(); /* GSL would end the program; chiton returns a code instead */
    ch_code code = ch_sample_set_init(&samples, &law, CH_STREAM_TRAIN_SAMPLES, NUM_SAMPLES, THREADS, NULL, &err);
    if (code != CH_OK) {
        goto out;
    }
    const ch_perceptron_setup setup = {
        .train = &samples,
        .num_samples = NUM_SAMPLES,
        .chi = law.chi,
        .kappa = 1.0 / 32768,
        .rate = rate,
        .batch = BATCH,
    };
    code = ch_perceptron_init(&student, &setup, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = train(&student.learner, rate, &err);
out:
    ch_perceptron_free(&student);
    ch_sample_set_free(&samples);
    if (code != CH_OK) {
        fprintf(stderr, "train_perceptron: %s\n", err.message);
    }
    return code == CH_OK ? 0 : 1;
}
