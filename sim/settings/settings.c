/* settings.c — the table of settings, single values, and which settings have a meaning together. */
#include "sim/settings/settings.h"

#include "core/names.h"
#include "core/text.h"
#include "models/models.h"
#include "sim/settings/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- choices that no other module owns ---- */

static const char *no_yes(uint64_t index)
{
    static const char *const names[] = {[CH_LINEAR_NO] = "no", [CH_LINEAR_YES] = "yes"};
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

static const char *engine_name(uint64_t index)
{
    static const char *const names[] = {
        [CH_ENGINE_AUTO] = "auto", [CH_ENGINE_PLAIN] = "plain", [CH_ENGINE_FAST] = "fast"};
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

static const char *sampling_name(uint64_t index)
{
    static const char *const names[] = {[CH_SAMPLING_INDEPENDENT] = "independent", [CH_SAMPLING_EPOCH] = "epoch"};
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

/* ---- the table ---- */

#define MOST_SAMPLES                4294967295.0 /* a sample's index has 32 bits */
#define MOST_COUNT                  0x1p63
#define MOST_MOMENTUM               0.9999 /* at 1 the weights would never come to rest */
#define NAMED(member)               .name = #member, .offset = offsetof(ch_settings, member)
#define CHOICE(member, names, text) NAMED(member), .type = CH_TYPE_CHOICE, .choice = names, .default_text = text
#define COUNT(member, lo, hi, text) NAMED(member), .type = CH_TYPE_COUNT, .least = lo, .most = hi, .default_text = text
#define RULE(member)                NAMED(member), .type = CH_TYPE_RULE
#define FILE_NAME(member, what)     NAMED(member), .type = CH_TYPE_TEXT, .accepts = what
#define CONTENT(member, what)       NAMED(member), .type = CH_TYPE_CONTENT, .accepts = what
#define REAL_ABOVE(member, lo, hi, text)                                                                               \
    NAMED(member), .type = CH_TYPE_REAL, .least = lo, .open = true, .most = hi, .default_text = text
#define REAL_FROM(member, lo, hi, text)                                                                                \
    NAMED(member), .type = CH_TYPE_REAL, .least = lo, .most = hi, .default_text = text

const ch_setting ch_settings_table[] = {
    [CH_SETTING_MODEL] = {CHOICE(model, ch_arch_name, NULL), .help = "what is trained", .in_kernel = true},
    [CH_SETTING_LINEAR] = {CHOICE(linear, no_yes, "no"), .help = "train the linearised twin in its place",
                           .since = CH_SCHEMA_NETWORKS},
    [CH_SETTING_WIDTH] = {COUNT(width, 1, 0x1p20, "128"), .help = "width h of a network", .since = CH_SCHEMA_NETWORKS,
                          .in_kernel = true},
    [CH_SETTING_DEPTH] = {COUNT(depth, 1, 1000, "5"), .help = "hidden layers of mlp and mlp_bias",
                          .since = CH_SCHEMA_NETWORKS, .in_kernel = true},
    [CH_SETTING_ACTIVATION] = {CHOICE(activation, ch_activation_name, "relu"), .help = "of a network",
                               .since = CH_SCHEMA_NETWORKS, .in_kernel = true},
    [CH_SETTING_DATA] = {CHOICE(data, ch_law_name, "depleted"), .help = "law of the data", .in_kernel = true},
    [CH_SETTING_CHI] = {REAL_ABOVE(chi, -1, 1000, "0"), .help = "exponent of the data's density at the boundary",
                        .in_kernel = true},
    [CH_SETTING_DIM] = {COUNT(dim, 2, 0x1p31, "128"), .help = "dimension d of the data", .in_kernel = true},
    [CH_SETTING_TEACHER] = {CHOICE(teacher, ch_teacher_name, "axis"),
                            .help = "direction that labels the data; fitted: found from all samples of the files",
                            .in_kernel = true},
    [CH_SETTING_TRAIN] = {COUNT(train, 1, MOST_SAMPLES, "1024"), .word = "inf",
                          .help = "number P of training samples; inf: every batch fresh", .in_powers = true},
    [CH_SETTING_TEST] = {COUNT(test, 0, MOST_SAMPLES, "0"),
                         .help = "number of test samples; 0: a perceptron's exact test error, none of a network",
                         .in_kernel = true, .in_powers = true},
    [CH_SETTING_LOSS] = {CHOICE(loss, ch_loss_name, "hinge"), .help = "loss function of the margin"},
    [CH_SETTING_ALPHA] = {REAL_ABOVE(alpha, 0, INFINITY, "32768"), .help = "1/alpha is the margin kappa",
                          .in_powers = true},
    [CH_SETTING_BATCH] = {COUNT(batch, 1, MOST_SAMPLES, "2"), .word = "full", .help = "batch size B, at most train",
                          .in_powers = true},
    [CH_SETTING_TEMP] = {REAL_ABOVE(temp, 0, INFINITY, NULL),
                         .help = "temperature T = rate/batch, of networks rate/(batch x width)", .in_powers = true},
    [CH_SETTING_RATE] = {REAL_ABOVE(rate, 0, INFINITY, NULL),
                         .help = "learning rate eta = temp x batch, of networks temp x batch x width; with flow the "
                                 "time that a step takes",
                         .in_powers = true},
    [CH_SETTING_DYNAMICS] = {CHOICE(dynamics, ch_dynamics_name, "sgd"),
                             .help = "gd: the full batch at every step; flow: gradient flow; unfitted: batches of "
                                     "unfitted samples; sde: gd with sgd's noise, Gaussian"},
    [CH_SETTING_INIT] = {CONTENT(init, "an NPY file of a network's weights"), .word = "none", .default_text = "none",
                         .help = "file of initial weights, whose SHA-256 is a part of the run",
                         .since = CH_SCHEMA_STARTS, .is_implied = true, .in_kernel = true},
    [CH_SETTING_SEED] = {COUNT(seed, 0, MOST_COUNT, "0"), .help = "seed of all random streams"},
    [CH_SETTING_SEED_DATA] = {COUNT(seed_data, 0, MOST_COUNT, NULL), .help = "seed of the data", .in_kernel = true},
    [CH_SETTING_SEED_INIT] = {COUNT(seed_init, 0, MOST_COUNT, NULL), .help = "seed of the initial weights",
                              .in_kernel = true},
    [CH_SETTING_SEED_BATCH] = {COUNT(seed_batch, 0, MOST_COUNT, NULL), .help = "seed of the batches"},
    [CH_SETTING_MAX_STEPS] = {COUNT(max_steps, 1, MOST_COUNT, "none"), .word = "none", .help = "steps to stop after"},
    [CH_SETTING_MAX_UPDATES] = {COUNT(max_updates, 1, MOST_COUNT, "none"), .word = "none",
                                .help = "updates of the weights to stop after"},
    [CH_SETTING_MAX_SECONDS] = {REAL_ABOVE(max_seconds, 0, INFINITY, "none"), .word = "none",
                                .help = "seconds to stop after"},
    [CH_SETTING_ENGINE] = {CHOICE(engine, engine_name, "auto"),
                           .help = "how steps are computed; auto: fast from P = 1024 on"},
    [CH_SETTING_RECORD] = {COUNT(record, 0, 1000, "0"), .help = "trajectory points a decade of steps; 0: none"},
    [CH_SETTING_KERNEL] = {COUNT(kernel, 0, 16384, "0"),
                           .help = "training samples whose tangent kernel is observed; 0: none",
                           .since = CH_SCHEMA_NETWORKS},
    [CH_SETTING_SAMPLING] = {CHOICE(sampling, sampling_name, "independent"),
                             .help =
                                 "batches drawn afresh at every step, or an epoch: all samples once, in random order",
                             .since = CH_SCHEMA_SAMPLING, .is_implied = true},
    [CH_SETTING_MOMENTUM] = {REAL_FROM(momentum, 0, MOST_MOMENTUM, "0"),
                             .help = "heavy ball: the share of its last move that a step repeats",
                             .since = CH_SCHEMA_RULES, .is_implied = true},
    [CH_SETTING_WEIGHT_DECAY] = {REAL_FROM(weight_decay, 0, INFINITY, "0"),
                                 .help = "adds weight_decay/2 x ||w - w0||^2 to the loss", .since = CH_SCHEMA_RULES,
                                 .is_implied = true},
    [CH_SETTING_CLASSES] = {RULE(classes),
                            .help = "labels that are +1 and labels that are -1: even vs odd, 3 vs 7, 0,1,2 vs rest",
                            .since = CH_SCHEMA_FILES, .in_kernel = true},
    [CH_SETTING_NORMALISE] = {CHOICE(normalise, ch_normalise_name, "pool"),
                              .help =
                                  "of a file's numbers: by the mean and deviation of all (pool), or of each place in "
                                  "a sample (feature)",
                              .since = CH_SCHEMA_FILES, .in_kernel = true},
    [CH_SETTING_LABEL_NOISE] = {REAL_FROM(label_noise, 0, 0.5, "0"),
                                .help = "probability that a training sample has the wrong label",
                                .since = CH_SCHEMA_FILES, .is_implied = true, .in_kernel = true},
    [CH_SETTING_SPECTRUM] = {REAL_FROM(spectrum, 0, CH_LAW_MOST_SPECTRUM, "0"),
                             .help = "beta: the inputs' covariance has the eigenvalues k^-beta, k the axis",
                             .since = CH_SCHEMA_SPECTRUM, .is_implied = true, .in_kernel = true},
    [CH_SETTING_TEACHER_AXIS] = {COUNT(teacher_axis, 1, 0x1p31, "1"), .word = "last",
                                 .help = "axis of the teacher, 1 that of the largest variance",
                                 .since = CH_SCHEMA_SPECTRUM, .is_implied = true, .in_kernel = true},
    [CH_SETTING_FLUCTUATIONS] = {COUNT(fluctuations, 0, CH_MOST_SNAPSHOTS, "0"),
                                 .help = "snapshots of the weights, from which their variances along principal "
                                         "directions are found; 0: none",
                                 .since = CH_SCHEMA_WEIGHTS, .is_implied = true},
    [CH_SETTING_BURN_IN] = {COUNT(burn_in, 1, MOST_COUNT, "half"), .word = "half",
                            .help = "steps before the snapshots of fluctuations; half: half of max_steps",
                            .since = CH_SCHEMA_WEIGHTS},
    [CH_SETTING_CURVATURE] = {COUNT(curvature, 0, 1000, "0"),
                              .help = "points in the first 1000 epochs, at equal ratios of steps, at which the loss's "
                                      "curvature is measured; 0: none",
                              .since = CH_SCHEMA_CURVATURE, .is_implied = true},
    [CH_SETTING_DATA_DIR] = {FILE_NAME(data_dir, "a folder"), .help = "folder of image data"},
    [CH_SETTING_DATA_FILE] = {FILE_NAME(data_file, "a file, or FILE:NAME for an array in it"),
                              .help = "own samples: NPY, NPZ, IDX, HDF5 or CSV, plain or gzipped"},
    [CH_SETTING_DATA_LABELS] = {FILE_NAME(data_labels, "a file, FILE:NAME, or a column of data_file"),
                                .help = "their labels, integers: a file, FILE:NAME, or a column of data_file"},
    [CH_SETTING_DENSITY] = {FILE_NAME(density, "a file of two columns, x and rho"),
                            .help = "table of the density of |x| across the boundary: two columns, x and rho"},
};
enum { NUM_ROWS = sizeof ch_settings_table / sizeof *ch_settings_table };
const size_t ch_settings_count = NUM_ROWS;

_Static_assert(NUM_ROWS <= 64, "`given` has a bit for every row");

enum { MOST_CHOICES = 64 }; /* most names among which the one nearest to a wrong name is searched */

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
    const ch_word word = ch_words_find(name);
    if (word.known) {
        const ch_setting *row = &ch_settings_table[word.setting];
        return ch_error_set(err, CH_ERROR_INPUT, "unknown setting '%s'; did you mean '%s'? That is: %s",
                            ch_show(name).text, row->name, word.meaning != NULL ? word.meaning : row->help);
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
    while (row->choice(count) != NULL) {
        count++;
    }
    return count;
}

/* Whether a value lies in the row's range. NaN and infinities lie in no range. */
static bool in_range(const ch_setting *row, ch_value value)
{
    if (row->type == CH_TYPE_REAL) {
        return isfinite(value.real) && (row->open ? value.real > row->least : value.real >= row->least) &&
               value.real <= row->most;
    }
    if (row->type == CH_TYPE_COUNT) {
        return value.count <= INT64_MAX && (double)value.count >= row->least && (double)value.count <= row->most;
    }
    if (row->type == CH_TYPE_RULE) {
        ch_classes rule;
        return value.text != NULL && ch_classes_parse(&rule, value.text, NULL) == CH_OK;
    }
    if (row->type == CH_TYPE_TEXT || row->type == CH_TYPE_CONTENT) {
        return value.text != NULL && value.text[0] != '\0';
    }
    return value.count < num_choices(row);
}

static bool is_word(const ch_setting *row, ch_value value)
{
    if (row->word == NULL) {
        return false;
    }
    return row->type == CH_TYPE_CONTENT ? value.text == NULL
           : row->type == CH_TYPE_REAL  ? value.real == 0
                                        : value.count == 0;
}

void ch_setting_accepted(const ch_setting *row, char *text, size_t size)
{
    text[0] = '\0';
    if (row->type == CH_TYPE_CHOICE) {
        const size_t count = num_choices(row);
        for (size_t i = 0; i < count; i++) {
            append(text, size, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", row->choice(i));
        }
    } else if (row->type == CH_TYPE_TEXT || row->type == CH_TYPE_CONTENT) {
        append(text, size, "the name of %s", row->accepts);
    } else if (row->type == CH_TYPE_RULE) {
        append(text, size,
               "two sides, each a list of labels, even, odd or rest, as in even vs odd, 3 vs 7, or 0,1,2 vs rest");
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

static const char *nearest_choice(const ch_setting *row, const char *text)
{
    const char *names[MOST_CHOICES];
    size_t count = 0;
    while (count < MOST_CHOICES && row->choice(count) != NULL) {
        names[count] = row->choice(count);
        count++;
    }
    return ch_names_nearest(text, names, count);
}

static ch_code refuse(const ch_setting *row, const char *text, ch_error *err)
{
    char accepted[160];
    ch_classes rule;
    if (row->type == CH_TYPE_RULE) {
        return ch_classes_parse(&rule, text, err); /* its sentence says what is wrong */
    }
    ch_setting_accepted(row, accepted, sizeof accepted);
    const char *nearest = row->type == CH_TYPE_CHOICE ? nearest_choice(row, text) : NULL;
    if (nearest != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is '%s'; did you mean '%s'? accepted is %s", row->name,
                            ch_show(text).text, nearest, accepted);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "%s is '%s'; accepted is %s", row->name, ch_show(text).text, accepted);
}

static bool parse_choice(const ch_setting *row, const char *text, ch_value *value)
{
    for (size_t i = 0; row->choice(i) != NULL; i++) {
        if (strcmp(text, row->choice(i)) == 0) {
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
    case CH_TYPE_RULE:
    case CH_TYPE_CONTENT:
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
        snprintf(text, size, "%s", row->choice(value.count));
    } else if (row->type == CH_TYPE_TEXT || row->type == CH_TYPE_RULE || row->type == CH_TYPE_CONTENT) {
        snprintf(text, size, "%s", value.text != NULL ? value.text : "");
    } else {
        ch_whole_format(value.count, text, size);
    }
}

/* Whether a text is a SHA-256, and not the name of a file that was not read yet. */
static bool is_digest(const char *text)
{
    return strlen(text) == CH_SHA256_SIZE - 1 && strspn(text, "0123456789abcdef") == CH_SHA256_SIZE - 1;
}

void ch_setting_show(const ch_setting *row, ch_value value, char *text, size_t size)
{
    char power[32] = "";
    int exponent = 0;
    if (row->in_powers && !is_word(row, value) && row->type == CH_TYPE_REAL && frexp(value.real, &exponent) == 0.5) {
        ch_power_format(value.real, power, sizeof power);
    } else if (row->in_powers && !is_word(row, value) && row->type == CH_TYPE_COUNT) {
        ch_power_format_count(value.count, power, sizeof power);
    }
    if (strchr(power, '^') != NULL) {
        snprintf(text, size, "%s", power);
    } else if (row->type == CH_TYPE_CONTENT && value.text != NULL && is_digest(value.text)) {
        snprintf(text, size, "%.*s", CH_DIGEST_SHOWN, value.text);
    } else {
        ch_setting_format(row, value, text, size);
    }
}

ch_code ch_setting_check(const ch_setting *row, ch_value value, ch_error *err)
{
    char text[CH_SETTING_TEXT_SIZE];
    ch_classes rule;
    if (is_word(row, value) || in_range(row, value)) {
        return CH_OK;
    }
    if (row->type == CH_TYPE_RULE) {
        return ch_classes_parse(&rule, value.text != NULL ? value.text : "", err);
    }
    ch_setting_format(row, value, text, sizeof text);
    return refuse(row, text, err);
}

/* ---- one run ---- */

static void put(ch_settings *self, size_t index, ch_value value)
{
    char *member = (char *)self + ch_settings_table[index].offset;
    if (ch_settings_table[index].type == CH_TYPE_REAL) {
        memcpy(member, &value.real, sizeof value.real);
    } else if (ch_settings_table[index].type == CH_TYPE_TEXT) {
        memcpy(member, &value.text, sizeof value.text);
    } else if (ch_settings_table[index].type == CH_TYPE_CONTENT) {
        self->init = value.text;
        self->init_digest[0] = '\0'; /* until it is read */
        self->start = NULL;
    } else if (ch_settings_table[index].type == CH_TYPE_RULE) {
        char text[CH_CLASSES_SIZE]; /* the value may be this member itself */
        snprintf(text, sizeof text, "%s", value.text != NULL ? value.text : "");
        memcpy(member, text, sizeof text);
    } else if (ch_settings_table[index].type == CH_TYPE_CHOICE) {
        *(uint8_t *)member = (uint8_t)value.count;
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
            put(self, i, value);
        }
    }
}

void ch_settings_set(ch_settings *self, size_t index, ch_value value)
{
    put(self, index, value);
    self->given |= (uint64_t)1 << index;
}

/* Whether two values of a row are equal. */
static bool is_equal(const ch_setting *row, ch_value a, ch_value b)
{
    if (row->type == CH_TYPE_CONTENT) {
        return a.text == b.text || (a.text != NULL && b.text != NULL && strcmp(a.text, b.text) == 0);
    }
    return row->type == CH_TYPE_REAL ? a.real == b.real : a.count == b.count;
}

bool ch_setting_is_implied(const ch_settings *self, size_t index)
{
    const ch_setting *row = &ch_settings_table[index];
    ch_value usual = {0};
    return row->is_implied && ch_setting_parse(row, row->default_text, &usual, NULL) == CH_OK &&
           is_equal(row, usual, ch_settings_get(self, index));
}

ch_value ch_settings_get(const ch_settings *self, size_t index)
{
    const char *member = (const char *)self + ch_settings_table[index].offset;
    ch_value value = {0};
    if (ch_settings_table[index].type == CH_TYPE_REAL) {
        memcpy(&value.real, member, sizeof value.real);
    } else if (ch_settings_table[index].type == CH_TYPE_TEXT) {
        memcpy(&value.text, member, sizeof value.text);
    } else if (ch_settings_table[index].type == CH_TYPE_RULE) {
        value.text = member;
    } else if (ch_settings_table[index].type == CH_TYPE_CONTENT) {
        value.text = self->init_digest[0] != '\0' ? self->init_digest : self->init;
    } else if (ch_settings_table[index].type == CH_TYPE_CHOICE) {
        value.count = *(const uint8_t *)member;
    } else {
        memcpy(&value.count, member, sizeof value.count);
    }
    return value;
}

bool ch_settings_has_init(const ch_settings *self)
{
    return self->init != NULL || self->init_digest[0] != '\0';
}

bool ch_settings_is_network(const ch_settings *self)
{
    return self->model != CH_ARCH_PERCEPTRON;
}

bool ch_settings_has_images(const ch_settings *self)
{
    return ch_law_of(self->data)->images != NULL;
}

bool ch_settings_has_pool(const ch_settings *self)
{
    return ch_law_of(self->data)->images != NULL || ch_law_of(self->data)->is_file;
}

bool ch_settings_has_digest(const ch_settings *self)
{
    return ch_settings_has_pool(self) || ch_law_of(self->data)->has_density;
}

bool ch_settings_fits_teacher(const ch_settings *self)
{
    return self->teacher == CH_TEACHER_FITTED && ch_settings_has_pool(self) && !ch_settings_is_network(self) &&
           self->linear == CH_LINEAR_NO;
}

bool ch_settings_has_theory(const ch_settings *self)
{
    return ch_law_of(self->data)->has_chi && self->label_noise == 0 && self->spectrum == 0 && self->weight_decay == 0;
}

bool ch_settings_has_engine(const ch_settings *self)
{
    return !ch_settings_is_network(self) && self->linear == CH_LINEAR_NO && self->fluctuations == 0 &&
           ch_loss_of((ch_loss_kind)self->loss)->has_unit_slope &&
           (self->dynamics == CH_DYNAMICS_SGD || self->dynamics == CH_DYNAMICS_GD);
}

bool ch_settings_has_usual_rule(const ch_settings *self)
{
    return self->sampling == CH_SAMPLING_INDEPENDENT && self->momentum == 0 && self->weight_decay == 0;
}

ch_shape ch_settings_input(const ch_settings *self)
{
    const ch_image_task *images = ch_law_of(self->data)->images;
    if (ch_law_of(self->data)->is_file) {
        return self->data_shape.channels > 0 ? self->data_shape : (ch_shape){1, 1, 1};
    }
    return images != NULL ? ch_image_set_shape(images->set) : (ch_shape){(size_t)self->dim, 1, 1};
}

ch_network_spec ch_settings_network(const ch_settings *self)
{
    return (ch_network_spec){
        .arch = (ch_arch)self->model,
        .width = (size_t)self->width,
        .depth = (size_t)self->depth,
        .activation = (ch_activation)self->activation,
        .input = ch_settings_input(self),
    };
}

/* Whether the teacher lies on an axis. Some laws fix that. */
static bool has_teacher_axis(const ch_settings *self)
{
    const ch_law *law = ch_law_of(self->data);
    return law->has_teacher && (law->fixes_boundary ? law->its_teacher : (ch_teacher)self->teacher) == CH_TEACHER_AXIS;
}

bool ch_setting_applies(const ch_settings *self, size_t index)
{
    switch (index) {
    case CH_SETTING_LINEAR: /* the twin of a perceptron is the perceptron, but a run that asks for it says so */
        return ch_settings_is_network(self) || self->linear == CH_LINEAR_YES;
    case CH_SETTING_WIDTH:
    case CH_SETTING_ACTIVATION:
        return ch_settings_is_network(self);
    case CH_SETTING_INIT: /* a perceptron's output depends on the change of its weights alone */
        return ch_settings_is_network(self);
    case CH_SETTING_SEED_INIT: /* weights that are given are not drawn */
        return !ch_settings_has_init(self);
    case CH_SETTING_DEPTH:
        return ch_arch_has_depth(self->model);
    case CH_SETTING_KERNEL: /* the kernel of a twin does not change */
        return ch_settings_is_network(self) && self->linear == CH_LINEAR_NO;
    case CH_SETTING_FLUCTUATIONS: /* a twin has coefficients of samples and no weights of its own */
        return self->linear == CH_LINEAR_NO;
    case CH_SETTING_BURN_IN:
        return self->fluctuations > 0;
    case CH_SETTING_CURVATURE: /* a perceptron's hinge and a twin's have none, and fresh batches have no training loss
                                */
        return (ch_settings_is_network(self) || !ch_loss_of((ch_loss_kind)self->loss)->has_unit_slope) &&
               self->linear == CH_LINEAR_NO && self->train > 0;
    case CH_SETTING_CHI:
        return ch_law_of(self->data)->has_chi;
    case CH_SETTING_TEACHER: /* samples from files have one where a run asks for it */
        return ch_law_of(self->data)->has_teacher || ch_settings_fits_teacher(self);
    case CH_SETTING_SPECTRUM:
        return ch_law_of(self->data)->has_teacher;
    case CH_SETTING_TEACHER_AXIS:
        return has_teacher_axis(self);
    case CH_SETTING_DENSITY:
        return ch_law_of(self->data)->has_density;
    case CH_SETTING_DIM:
        return !ch_settings_has_pool(self);
    case CH_SETTING_CLASSES:
        return ch_law_of(self->data)->classes != NULL;
    case CH_SETTING_NORMALISE:
    case CH_SETTING_DATA_FILE:
    case CH_SETTING_DATA_LABELS:
        return ch_law_of(self->data)->is_file;
    case CH_SETTING_DATA_DIR:
        return ch_settings_has_images(self);
    default:
        return true;
    }
}
