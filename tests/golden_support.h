/* golden_support.h — reads golden vectors of networks.
 *
 * A file has lines `key value`. Each tensor has a line `key ndim dims…` and a line with its values, the last index
 * fastest. First come the weights w0, w1 … in NCHW order, then x, y, f0, ntk and grad_f_sample0. The rest belongs to
 * three steps of SGD with step eta and the loss mean(max(0, 1 - alpha F y) / alpha), F = f - f0: their batches, the
 * loss before each step (batch_loss), f_after, and dw_norm = |w - w0|. The files of tests/golden/sgd have another
 * number of steps, and the keys loss, momentum, weight_decay and dw, all w - w0 in the order of the weights.
 */
#ifndef CH_TESTS_GOLDEN_SUPPORT_H
#define CH_TESTS_GOLDEN_SUPPORT_H

#include "models/models.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    size_t num_dims, dims[4], count;
    double *values; /* [count] */
} golden_tensor;

typedef struct {
    ch_network_spec spec;
    double alpha, eta, norm, momentum, weight_decay;
    ch_loss_kind loss;
    double *weights; /* all weights, in NCHW order */
    size_t num_weights;
    golden_tensor x, y, f0, ntk, gradient, batches, batch_loss, f_after, dw, dw_norm;
} golden;

static inline void golden_read_tensor(FILE *file, char *rest, golden_tensor *tensor)
{
    memset(tensor, 0, sizeof *tensor);
    tensor->num_dims = strtoul(rest, &rest, 10);
    assert_in((double)tensor->num_dims, 1, 4);
    tensor->count = 1;
    for (size_t i = 0; i < tensor->num_dims; i++) {
        tensor->dims[i] = strtoul(rest, &rest, 10);
        tensor->count *= tensor->dims[i];
    }
    tensor->values = calloc(tensor->count, sizeof *tensor->values);
    assert_non_null(tensor->values);
    for (size_t i = 0; i < tensor->count; i++) {
        assert_int_equal(fscanf(file, "%lf", &tensor->values[i]), 1);
    }
}

static inline void golden_add_weights(golden *self, golden_tensor *tensor)
{
    self->weights = realloc(self->weights, (self->num_weights + tensor->count) * sizeof *self->weights);
    assert_non_null(self->weights);
    memcpy(self->weights + self->num_weights, tensor->values, tensor->count * sizeof *self->weights);
    self->num_weights += tensor->count;
    free(tensor->values);
}

static inline int golden_find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    fail_msg("golden file: %s is not known", name);
    return 0;
}

static inline void golden_take(golden *self, FILE *file, const char *key, char *rest)
{
    static const char *const archs[] = {"perceptron", "mlp", "mlp_bias", "simple_cnn", "mnas", "vgg11"};
    static const char *const activations[] = {"relu", "gelu", "silu", "linear"};
    static const char *const losses[] = {"hinge", "softhinge", "quadhinge", "mse", "logistic"};
    const struct {
        const char *key;
        golden_tensor *tensor;
    } tensors[] = {
        {"x", &self->x},
        {"y", &self->y},
        {"f0", &self->f0},
        {"ntk", &self->ntk},
        {"grad_f_sample0", &self->gradient},
        {"batches", &self->batches},
        {"batch_loss", &self->batch_loss},
        {"f_after", &self->f_after},
        {"dw", &self->dw},
        {"dw_norm", &self->dw_norm},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        if (strcmp(tensors[i].key, key) == 0) {
            golden_read_tensor(file, rest, tensors[i].tensor);
            return;
        }
    }
    if (key[0] == 'w' && key[1] >= '0' && key[1] <= '9') {
        golden_tensor weights;
        golden_read_tensor(file, rest, &weights);
        golden_add_weights(self, &weights);
    } else if (strcmp(key, "arch") == 0) {
        self->spec.arch = (ch_arch)golden_find(archs, 6, rest);
    } else if (strcmp(key, "activation") == 0) {
        self->spec.activation = (ch_activation)golden_find(activations, 4, rest);
    } else if (strcmp(key, "width") == 0) {
        self->spec.width = strtoul(rest, NULL, 10);
    } else if (strcmp(key, "depth") == 0) {
        self->spec.depth = strtoul(rest, NULL, 10);
    } else if (strcmp(key, "activation_norm") == 0) {
        self->norm = strtod(rest, NULL);
    } else if (strcmp(key, "alpha") == 0) {
        self->alpha = strtod(rest, NULL);
    } else if (strcmp(key, "eta") == 0) {
        self->eta = strtod(rest, NULL);
    } else if (strcmp(key, "momentum") == 0) {
        self->momentum = strtod(rest, NULL);
    } else if (strcmp(key, "weight_decay") == 0) {
        self->weight_decay = strtod(rest, NULL);
    } else if (strcmp(key, "loss") == 0) {
        self->loss = (ch_loss_kind)golden_find(losses, 5, rest);
    }
}

static inline void golden_read(golden *self, const char *path)
{
    memset(self, 0, sizeof *self);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("%s cannot be read", path);
    }
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = strchr(line, ' ');
        if (rest != NULL) {
            *rest = '\0';
            golden_take(self, file, line, rest + 1);
        }
    }
    fclose(file);
    const size_t *dims = self->x.dims;
    self->spec.input = self->x.num_dims == 4 ? (ch_shape){dims[1], dims[2], dims[3]} : (ch_shape){dims[1], 1, 1};
    assert_int_equal(self->dw_norm.count, 1); /* it is the last key, so the file is complete */
}

static inline void golden_free(golden *self)
{
    golden_tensor *const tensors[] = {&self->x,       &self->y,          &self->f0,      &self->ntk, &self->gradient,
                                      &self->batches, &self->batch_loss, &self->f_after, &self->dw,  &self->dw_norm};
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        free(tensors[i]->values);
    }
    free(self->weights);
}

#endif
