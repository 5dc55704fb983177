/* settings.c — the table of settings, their defaults, and the checks of one run's settings. */
#include "sim/settings/settings.h"

#include "core/text.h"
#include "data/data.h"

#include <math.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const models[] = {[CH_MODEL_PERCEPTRON] = "perceptron",
                                     [CH_MODEL_MLP] = "mlp",
                                     [CH_MODEL_MLP_BIAS] = "mlp_bias",
                                     [CH_MODEL_SIMPLE_CNN] = "simple_cnn",
                                     [CH_MODEL_MNAS] = "mnas",
                                     [CH_MODEL_VGG11] = "vgg11",
                                     NULL};
static const char *const no_yes[] = {[CH_LINEAR_NO] = "no", [CH_LINEAR_YES] = "yes", NULL};
static const char *const activations[] = {
    [CH_ACTIVATION_RELU] = "relu", [CH_ACTIVATION_GELU] = "gelu", [CH_ACTIVATION_SILU] = "silu", NULL};
static const char *const data_laws[] = {[CH_DATA_DEPLETED] = "depleted",
                                        [CH_DATA_SIGN] = "sign",
                                        [CH_DATA_RANDOM_SIGN] = "random_sign",
                                        [CH_DATA_STRIPE] = "stripe",
                                        [CH_DATA_SPHERE] = "sphere",
                                        [CH_DATA_MNIST_PARITY] = "mnist_parity",
                                        [CH_DATA_CIFAR_ANIMAL] = "cifar_animal",
                                        NULL};
static const char *const teachers[] = {[CH_TEACHER_AXIS] = "axis", [CH_TEACHER_RANDOM] = "random", NULL};
static const char *const losses[] = {[CH_LOSS_HINGE] = "hinge",
                                     [CH_LOSS_SOFTHINGE] = "softhinge",
                                     [CH_LOSS_QUADHINGE] = "quadhinge",
                                     [CH_LOSS_MSE] = "mse",
                                     NULL};
static const char *const dynamics[] = {
    [CH_DYNAMICS_SGD] = "sgd",           [CH_DYNAMICS_GD] = "gd",   [CH_DYNAMICS_FLOW] = "flow",
    [CH_DYNAMICS_UNFITTED] = "unfitted", [CH_DYNAMICS_SDE] = "sde", NULL};
static const char *const engines[] = {
    [CH_ENGINE_AUTO] = "auto", [CH_ENGINE_PLAIN] = "plain", [CH_ENGINE_FAST] = "fast", NULL};

enum { NETWORKS = 2 }; /* schema version that came with networks */

#define MOST_SAMPLES                4294967295.0 /* a sample's index has 32 bits */
#define MOST_COUNT                  0x1p63
#define NAMED(member)               .name = #member, .offset = offsetof(ch_settings, member)
#define CHOICE(member, names, text) NAMED(member), .type = CH_TYPE_CHOICE, .choices = names, .default_text = text
#define COUNT(member, lo, hi, text) NAMED(member), .type = CH_TYPE_COUNT, .least = lo, .most = hi, .default_text = text
#define REAL_ABOVE(member, lo, hi, text)                                                                               \
    NAMED(member), .type = CH_TYPE_REAL, .least = lo, .open = true, .most = hi, .default_text = text

const ch_setting ch_settings_table[] = {
    [CH_SETTING_MODEL] = {CHOICE(model, models, NULL), .help = "what is trained"},
    [CH_SETTING_LINEAR] = {CHOICE(linear, no_yes, "no"), .help = "train the linearised twin in its place",
                           .since = NETWORKS},
    [CH_SETTING_WIDTH] = {COUNT(width, 1, 0x1p20, "128"), .help = "width h of a network", .since = NETWORKS},
    [CH_SETTING_DEPTH] = {COUNT(depth, 1, 1000, "5"), .help = "hidden layers of mlp and mlp_bias", .since = NETWORKS},
    [CH_SETTING_ACTIVATION] = {CHOICE(activation, activations, "relu"), .help = "of a network", .since = NETWORKS},
    [CH_SETTING_DATA] = {CHOICE(data, data_laws, "depleted"), .help = "law of the data"},
    [CH_SETTING_CHI] = {REAL_ABOVE(chi, -1, 1000, "0"), .help = "exponent of the data's density at the boundary"},
    [CH_SETTING_DIM] = {COUNT(dim, 2, 0x1p31, "128"), .help = "dimension d of the data"},
    [CH_SETTING_TEACHER] = {CHOICE(teacher, teachers, "axis"), .help = "direction that labels the data"},
    [CH_SETTING_TRAIN] = {COUNT(train, 1, MOST_SAMPLES, "1024"), .word = "inf",
                          .help = "number P of training samples; inf: every batch fresh"},
    [CH_SETTING_TEST] = {COUNT(test, 0, MOST_SAMPLES, "0"),
                         .help = "number of test samples; 0: a perceptron's exact test error, none of a network"},
    [CH_SETTING_LOSS] = {CHOICE(loss, losses, "hinge"), .help = "loss function of the margin"},
    [CH_SETTING_ALPHA] = {REAL_ABOVE(alpha, 0, INFINITY, "32768"), .help = "1/alpha is the margin kappa"},
    [CH_SETTING_BATCH] = {COUNT(batch, 1, MOST_SAMPLES, "2"), .word = "full", .help = "batch size B, at most train"},
    [CH_SETTING_TEMP] = {REAL_ABOVE(temp, 0, INFINITY, NULL),
                         .help = "temperature T = rate/batch, of networks rate/(batch x width)"},
    [CH_SETTING_RATE] = {REAL_ABOVE(rate, 0, INFINITY, NULL),
                         .help = "learning rate eta = temp x batch, of networks temp x batch x width; with flow the "
                                 "time that a step takes"},
    [CH_SETTING_DYNAMICS] = {CHOICE(dynamics, dynamics, "sgd"),
                             .help = "gd: the full batch at every step; flow: gradient flow; unfitted: batches of "
                                     "unfitted samples; sde: gd with sgd's noise, Gaussian"},
    [CH_SETTING_SEED] = {COUNT(seed, 0, MOST_COUNT, "0"), .help = "seed of all random streams"},
    [CH_SETTING_SEED_DATA] = {COUNT(seed_data, 0, MOST_COUNT, NULL), .help = "seed of the data"},
    [CH_SETTING_SEED_INIT] = {COUNT(seed_init, 0, MOST_COUNT, NULL), .help = "seed of the initial weights"},
    [CH_SETTING_SEED_BATCH] = {COUNT(seed_batch, 0, MOST_COUNT, NULL), .help = "seed of the batches"},
    [CH_SETTING_MAX_STEPS] = {COUNT(max_steps, 1, MOST_COUNT, "none"), .word = "none", .help = "steps to stop after"},
    [CH_SETTING_MAX_UPDATES] = {COUNT(max_updates, 1, MOST_COUNT, "none"), .word = "none",
                                .help = "updates of the weights to stop after"},
    [CH_SETTING_MAX_SECONDS] = {REAL_ABOVE(max_seconds, 0, INFINITY, "none"), .word = "none",
                                .help = "seconds to stop after"},
    [CH_SETTING_ENGINE] = {CHOICE(engine, engines, "auto"),
                           .help = "how steps are computed; auto: fast from P = 1024 on"},
    [CH_SETTING_RECORD] = {COUNT(record, 0, 1000, "0"), .help = "trajectory points a decade of steps; 0: none"},
    [CH_SETTING_KERNEL] = {COUNT(kernel, 0, 16384, "0"),
                           .help = "training samples whose tangent kernel is observed; 0: none", .since = NETWORKS},
    [CH_SETTING_DATA_DIR] = {NAMED(data_dir), .type = CH_TYPE_TEXT, .help = "folder of image data"},
};
enum { NUM_ROWS = sizeof ch_settings_table / sizeof *ch_settings_table };
const size_t ch_settings_count = NUM_ROWS;

_Static_assert(NUM_ROWS <= 64, "`given` has a bit for every row");

/* ---- one row ---- */

static void append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

ch_code ch_settings_find(const char *name, size_t *index, ch_error *err)
{
    const char *names[NUM_ROWS];
    char spelled[64], all[512] = "";
    snprintf(spelled, sizeof spelled, "%s", name);
    for (char *c = spelled; *c != '\0'; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    for (size_t i = 0; i < NUM_ROWS; i++) {
        names[i] = ch_settings_table[i].name;
        append(all, sizeof all, "%s%s", i == 0 ? "" : ", ", names[i]);
        if (strcmp(names[i], spelled) == 0) {
            *index = i;
            return CH_OK;
        }
    }
    const char *nearest = ch_names_nearest(spelled, names, NUM_ROWS);
    if (nearest != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "unknown setting '%s'; did you mean '%s'?", ch_show(name).text,
                            nearest);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "unknown setting '%s'; settings are %s", ch_show(name).text, all);
}

static size_t num_choices(const ch_setting *row)
{
    size_t count = 0;
    while (row->choices[count] != NULL) {
        count++;
    }
    return count;
}

/* Whether a number lies in the row's range; NaN and infinities lie in none. */
static bool in_range(const ch_setting *row, ch_value value)
{
    if (row->type == CH_TYPE_REAL) {
        return isfinite(value.real) && (row->open ? value.real > row->least : value.real >= row->least) &&
               value.real <= row->most;
    }
    if (row->type == CH_TYPE_COUNT) {
        return value.count <= INT64_MAX && (double)value.count >= row->least && (double)value.count <= row->most;
    }
    return row->type == CH_TYPE_TEXT ? value.text != NULL && value.text[0] != '\0' : value.count < num_choices(row);
}

static bool is_word(const ch_setting *row, ch_value value)
{
    return row->word != NULL && (row->type == CH_TYPE_REAL ? value.real == 0 : value.count == 0);
}

void ch_setting_accepted(const ch_setting *row, char *text, size_t size)
{
    text[0] = '\0';
    if (row->type == CH_TYPE_CHOICE) {
        const size_t count = num_choices(row);
        for (size_t i = 0; i < count; i++) {
            append(text, size, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", row->choices[i]);
        }
    } else if (row->type == CH_TYPE_TEXT) {
        append(text, size, "the name of a folder");
    } else if (row->type == CH_TYPE_COUNT) {
        append(text, size, "an integer from %.0f to ", row->least);
        if (row->most < 0x1p63) {
            append(text, size, "%.0f", row->most);
        } else {
            append(text, size, "2^63 - 1");
        }
    } else {
        append(text, size, "a number %s %g", row->open ? ">" : ">=", row->least);
        if (isfinite(row->most)) {
            append(text, size, " and <= %g", row->most);
        }
    }
    if (row->word != NULL) {
        append(text, size, ", or %s", row->word);
    }
}

static ch_code refuse(const ch_setting *row, const char *text, ch_error *err)
{
    char accepted[160];
    ch_setting_accepted(row, accepted, sizeof accepted);
    const char *nearest = NULL;
    if (row->type == CH_TYPE_CHOICE) {
        nearest = ch_names_nearest(text, row->choices, num_choices(row));
    }
    if (nearest != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is '%s'; did you mean '%s'? accepted is %s", row->name,
                            ch_show(text).text, nearest, accepted);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "%s is '%s'; accepted is %s", row->name, ch_show(text).text, accepted);
}

static bool parse_choice(const ch_setting *row, const char *text, ch_value *value)
{
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            value->count = i;
            return true;
        }
    }
    return false;
}

static bool parse_number(const ch_setting *row, const char *text, ch_value *value)
{
    ch_number number;
    if (!ch_number_parse(&number, text)) {
        return false;
    }
    if (row->type == CH_TYPE_REAL) {
        value->real = number.value;
        return true;
    }
    value->count = number.count;
    return number.whole;
}

static bool parse_value(const ch_setting *row, const char *text, ch_value *value)
{
    switch (row->type) {
    case CH_TYPE_CHOICE:
        return parse_choice(row, text, value);
    case CH_TYPE_TEXT:
        value->text = text;
        return true;
    case CH_TYPE_REAL:
    case CH_TYPE_COUNT:
        break;
    }
    return parse_number(row, text, value);
}

ch_code ch_setting_parse(const ch_setting *row, const char *text, ch_value *value, ch_error *err)
{
    ch_value parsed = {0};
    if (row->word != NULL && strcmp(text, row->word) == 0) {
        *value = parsed;
        return CH_OK;
    }
    if (!parse_value(row, text, &parsed) || !in_range(row, parsed)) {
        return refuse(row, text, err);
    }
    *value = parsed;
    return CH_OK;
}

void ch_setting_format(const ch_setting *row, ch_value value, char *text, size_t size)
{
    if (is_word(row, value)) {
        snprintf(text, size, "%s", row->word);
    } else if (row->type == CH_TYPE_REAL) {
        ch_number_format(value.real, text, size);
    } else if (row->type == CH_TYPE_CHOICE && in_range(row, value)) {
        snprintf(text, size, "%s", row->choices[value.count]);
    } else if (row->type == CH_TYPE_TEXT) {
        snprintf(text, size, "%s", value.text != NULL ? value.text : "");
    } else {
        snprintf(text, size, "%llu", (unsigned long long)value.count);
    }
}

/* ---- one run ---- */

static void store(ch_settings *self, size_t index, ch_value value)
{
    char *member = (char *)self + ch_settings_table[index].offset;
    if (ch_settings_table[index].type == CH_TYPE_REAL) {
        memcpy(member, &value.real, sizeof value.real);
    } else if (ch_settings_table[index].type == CH_TYPE_TEXT) {
        memcpy(member, &value.text, sizeof value.text);
    } else {
        memcpy(member, &value.count, sizeof value.count);
    }
}

void ch_settings_default(ch_settings *self)
{
    memset(self, 0, sizeof *self);
    for (size_t i = 0; i < ch_settings_count; i++) {
        ch_value value = {0};
        const ch_setting *row = &ch_settings_table[i];
        if (row->default_text != NULL && ch_setting_parse(row, row->default_text, &value, NULL) == CH_OK) {
            store(self, i, value);
        }
    }
}

void ch_settings_set(ch_settings *self, size_t index, ch_value value)
{
    store(self, index, value);
    self->given |= (uint64_t)1 << index;
}

ch_value ch_settings_get(const ch_settings *self, size_t index)
{
    const char *member = (const char *)self + ch_settings_table[index].offset;
    ch_value value = {0};
    if (ch_settings_table[index].type == CH_TYPE_REAL) {
        memcpy(&value.real, member, sizeof value.real);
    } else if (ch_settings_table[index].type == CH_TYPE_TEXT) {
        memcpy(&value.text, member, sizeof value.text);
    } else {
        memcpy(&value.count, member, sizeof value.count);
    }
    return value;
}

bool ch_settings_is_network(const ch_settings *self)
{
    return self->model != CH_MODEL_PERCEPTRON;
}

bool ch_settings_has_images(const ch_settings *self)
{
    return self->data == CH_DATA_MNIST_PARITY || self->data == CH_DATA_CIFAR_ANIMAL;
}

bool ch_setting_applies(const ch_settings *self, size_t index)
{
    switch (index) {
    case CH_SETTING_LINEAR: /* the twin of a perceptron is itself: named where it is asked for */
        return ch_settings_is_network(self) || self->linear == CH_LINEAR_YES;
    case CH_SETTING_WIDTH:
    case CH_SETTING_ACTIVATION:
        return ch_settings_is_network(self);
    case CH_SETTING_DEPTH:
        return self->model == CH_MODEL_MLP || self->model == CH_MODEL_MLP_BIAS;
    case CH_SETTING_KERNEL: /* that of a twin does not change */
        return ch_settings_is_network(self) && self->linear == CH_LINEAR_NO;
    case CH_SETTING_CHI:
    case CH_SETTING_TEACHER:
        return self->data == CH_DATA_DEPLETED || self->data == CH_DATA_SIGN || self->data == CH_DATA_RANDOM_SIGN;
    case CH_SETTING_DIM:
        return !ch_settings_has_images(self);
    case CH_SETTING_DATA_DIR:
        return ch_settings_has_images(self);
    default:
        return true;
    }
}

/* A row alone. */
ch_code ch_setting_check(const ch_setting *row, ch_value value, ch_error *err)
{
    char text[64];
    if (is_word(row, value) || in_range(row, value)) {
        return CH_OK;
    }
    ch_setting_format(row, value, text, sizeof text);
    return refuse(row, text, err);
}
