/* predict.c — says how large the weights get and how long training takes, without training.
 *
 *   cc predict.c $(pkg-config --cflags --libs chiton) -o predict && ./predict CHI DIM TRAIN TEMP
 *   ./predict 1 32 1024 1
 *
 * A perceptron is trained by stochastic gradient descent with batches of two samples and the rate 2 TEMP, at the margin
 * kappa = 2^-15, on TRAIN samples of dimension DIM, whose density near the decision boundary goes to zero as |x|^CHI.
 * What theory expects are the weight change |Dw|, the training time t* = rate x steps and lambda = signal / noise when
 * the last sample is fitted: geometric means over training sets, and how much these differ. It takes no parameter but
 * those. `chiton theory` prints the same.
 */
#include <chiton.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A spread is the standard deviation of the logarithm over training sets: 0.1 says that they differ by some 10 %. */
static void print(const char *name, const ch_finite_value *quantity)
{
    printf("%-6s = %.4g, spread %.2f\n", name, quantity->value, quantity->spread);
}

int main(int argc, char **argv)
{
    enum { BATCH = 2, THREADS = 1 };
    double number[] = {1, 32, 1024, 1};
    for (int i = 1; i < argc; i++) {
        char *end = argv[i];
        if (i <= 4) {
            number[i - 1] = strtod(argv[i], &end);
        }
        if (end == argv[i] || *end != '\0' || !(number[1] >= 2)) {
            fprintf(stderr, "usage: predict [CHI [DIM [TRAIN [TEMP]]]]; DIM is 2 or more\n");
            return 2;
        }
    }
    const double temp = number[3];
    const ch_online_setup setup = {
        .chi = number[0], .dim = (size_t)number[1], .kappa = 1.0 / 32768, .temp = temp, .rate = temp * BATCH};
    ch_error err = {0};
    ch_family family;
    ch_finite_end end;

    gsl_set_error_handler_off(); /* GSL would end the program; chiton returns a code instead */
    /* Tables of boxes are made where they are needed, in seconds. A folder would keep them for the next time. */
    ch_family_init(&family, setup.chi, setup.dim, NULL, THREADS, NULL);
    const ch_code code = ch_family_predict(&family, &end, &setup, number[2], &err);
    if (code == CH_OK) {
        print("|Dw|", &end.weight_change);
        print("t*", &end.time);
        print("lambda", &end.lambda);
    } else {
        fprintf(stderr, "predict: %s\n", err.message);
    }
    ch_family_free(&family);
    return code == CH_OK ? 0 : 1;
}
