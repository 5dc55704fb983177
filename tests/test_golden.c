/* test_golden.c — compares every architecture with golden vectors of an independent automatic-differentiation program.
 *
 * It reads every .txt file of the folder CHITON_GOLDEN, or of tests/golden where that is not set. Differences are
 * relative to the largest entry of a tensor, or to the norm for gradients: at most 1e-10 in double precision and 1e-4
 * in single. */
#include "core/memory.h"
#include "tests/golden_support.h"

#include <dirent.h>
#include <gsl/gsl_errno.h>

/* A NaN anywhere fails. */
static void assert_all_close(const char *path, const char *what, const double *values, const double *wanted,
                             size_t count, double tolerance)
{
    const double scale = largest(wanted, count);
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(values[i] - wanted[i]) <= tolerance * scale)) {
            fail_msg("%s: %s[%zu] is %.17g, not %.17g (largest %g) within %g", path, what, i, values[i], wanted[i],
                     scale, tolerance);
        }
    }
}

#define CHECK_GOLDEN(name, network, real)                                                                              \
    static void name##_gradients(network *self, const golden *wanted, const char *path, double tolerance)              \
    {                                                                                                                  \
        const size_t num = wanted->f0.count, size = wanted->num_weights;                                               \
        real *gradients = ch_alloc(num * size, sizeof *gradients);                                                     \
        double *own = ch_alloc(size, sizeof *own), *nchw = ch_alloc(size, sizeof *nchw);                               \
        double *kernel = ch_alloc(num * num, sizeof *kernel);                                                          \
        network##_sample_gradients(self, gradients);                                                                   \
        for (size_t i = 0; i < size; i++) {                                                                            \
            own[i] = (double)gradients[i];                                                                             \
        }                                                                                                              \
        ch_architecture_to_nchw(self->architecture, own, nchw);                                                        \
        assert_all_close(path, "grad_f_sample0", nchw, wanted->gradient.values, size, tolerance);                      \
        for (size_t i = 0; i < num * num; i++) {                                                                       \
            for (size_t k = 0; k < size; k++) {                                                                        \
                kernel[i] += (double)gradients[i / num * size + k] * (double)gradients[i % num * size + k];            \
            }                                                                                                          \
        }                                                                                                              \
        assert_all_close(path, "ntk", kernel, wanted->ntk.values, num *num, tolerance);                                \
        free(gradients);                                                                                               \
        free(own);                                                                                                     \
        free(nchw);                                                                                                    \
        free(kernel);                                                                                                  \
    }                                                                                                                  \
                                                                                                                       \
    /* one step on batch k of the samples `chosen`; returns its loss before the step */                                \
    static double name##_step(network *self, const golden *wanted, size_t k)                                           \
    {                                                                                                                  \
        const size_t batch = wanted->batches.dims[1], dim = self->architecture->dim;                                   \
        double *inputs = ch_alloc(batch * dim, sizeof *inputs), loss = 0;                                              \
        real *outputs = ch_alloc(batch, sizeof *outputs);                                                              \
        for (size_t i = 0; i < batch; i++) {                                                                           \
            const size_t mu = (size_t)wanted->batches.values[k * batch + i];                                           \
            memcpy(inputs + i * dim, wanted->x.values + mu * dim, dim * sizeof *inputs);                               \
        }                                                                                                              \
        network##_forward_double(self, inputs, batch, outputs);                                                        \
        for (size_t i = 0; i < batch; i++) {                                                                           \
            const size_t mu = (size_t)wanted->batches.values[k * batch + i];                                           \
            const double y = wanted->y.values[mu];                                                                     \
            const double excess = 1 - wanted->alpha * ((double)outputs[i] - wanted->f0.values[mu]) * y;                \
            loss += fmax(0, excess) / wanted->alpha / (double)batch;                                                   \
            outputs[i] = excess > 0 ? (real)(wanted->eta * y / (double)batch) : 0;                                     \
        }                                                                                                              \
        network##_update(self, outputs);                                                                               \
        free(inputs);                                                                                                  \
        free(outputs);                                                                                                 \
        return loss;                                                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    static void name(const golden *wanted, const char *path, double tolerance)                                         \
    {                                                                                                                  \
        ch_architecture architecture;                                                                                  \
        network self;                                                                                                  \
        const size_t num = wanted->f0.count;                                                                           \
        assert_int_equal(ch_architecture_init(&architecture, &wanted->spec, NULL), CH_OK);                             \
        assert_int_equal(architecture.num_weights, wanted->num_weights);                                               \
        assert_int_equal(network##_init(&self, &architecture, num, NULL), CH_OK);                                      \
        double *weights = ch_alloc(wanted->num_weights, sizeof *weights), *f = ch_alloc(num, sizeof *f);               \
        real *outputs = ch_alloc(num, sizeof *outputs);                                                                \
        ch_architecture_from_nchw(&architecture, wanted->weights, weights);                                            \
        network##_set_weights(&self, weights);                                                                         \
        network##_forward_double(&self, wanted->x.values, num, outputs);                                               \
        for (size_t i = 0; i < num; i++) {                                                                             \
            f[i] = (double)outputs[i];                                                                                 \
        }                                                                                                              \
        assert_all_close(path, "f0", f, wanted->f0.values, num, tolerance);                                            \
        name##_gradients(&self, wanted, path, tolerance);                                                              \
        for (size_t k = 0; k < wanted->batches.dims[0]; k++) {                                                         \
            const double loss = name##_step(&self, wanted, k);                                                         \
            assert_all_close(path, "batch_loss", &loss, &wanted->batch_loss.values[k], 1, tolerance);                  \
        }                                                                                                              \
        network##_forward_double(&self, wanted->x.values, num, outputs);                                               \
        double norm = 0;                                                                                               \
        for (size_t i = 0; i < num; i++) {                                                                             \
            f[i] = (double)outputs[i];                                                                                 \
        }                                                                                                              \
        assert_all_close(path, "f_after", f, wanted->f_after.values, num, tolerance);                                  \
        for (size_t i = 0; i < wanted->num_weights; i++) {                                                             \
            norm = hypot(norm, network##_weights(&self)[i] - weights[i]);                                              \
        }                                                                                                              \
        assert_all_close(path, "dw_norm", &norm, wanted->dw_norm.values, 1, tolerance);                                \
        free(weights);                                                                                                 \
        free(f);                                                                                                       \
        free(outputs);                                                                                                 \
        network##_free(&self);                                                                                         \
        ch_architecture_free(&architecture);                                                                           \
    }

CHECK_GOLDEN(check_single, ch_network, float)
CHECK_GOLDEN(check_double, ch_network_f64, double)

static void agrees_with_golden_vectors(void **state)
{
    (void)state;
    const char *folder = getenv("CHITON_GOLDEN");
    folder = folder != NULL ? folder : "tests/golden";
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        fail_msg("%s is no folder that can be read", folder);
    }
    size_t num_files = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 4, ".txt") != 0) {
            continue;
        }
        char path[4096];
        golden wanted;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        golden_read(&wanted, path);
        assert_close(ch_activation_norm(wanted.spec.activation), wanted.norm, 1e-14);
        check_double(&wanted, path, 1e-10);
        check_single(&wanted, path, 1e-4);
        golden_free(&wanted);
        num_files++;
    }
    closedir(directory);
    assert_true(num_files > 0);
    print_message("%zu golden files agree\n", num_files);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_golden_vectors)};
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
