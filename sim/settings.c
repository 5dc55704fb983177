/* settings.c — the table of settings, their defaults, and the checks of one run's settings. */
#include "sim/settings.h"

#include "data/data.h"
#include "sim/text.h"

#include <math.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const models[] = {[CH_MODEL_PERCEPTRON] = "perceptron", NULL};
static const char *const data_laws[] = {
    [CH_DATA_DEPLETED] = "depleted", [CH_DATA_SIGN] = "sign", [CH_DATA_RANDOM_SIGN] = "random_sign", NULL};
static const char *const teachers[] = {[CH_TEACHER_AXIS] = "axis", [CH_TEACHER_RANDOM] = "random", NULL};
static const char *const losses[] = {[CH_LOSS_HINGE] = "hinge", NULL};
static const char *const dynamics[] = {[CH_DYNAMICS_SGD] = "sgd", [CH_DYNAMICS_GD] = "gd", NULL};
static const char *const engines[] = {
    [CH_ENGINE_AUTO] = "auto", [CH_ENGINE_PLAIN] = "plain", [CH_ENGINE_FAST] = "fast", NULL};

#define MOST_SAMPLES                4294967295.0 /* a sample's index has 32 bits */
#define MOST_COUNT                  0x1p63
#define NAMED(member)               .name = #member, .offset = offsetof(ch_settings, member)
#define CHOICE(member, names, text) NAMED(member), .type = CH_TYPE_CHOICE, .choices = names, .default_text = text
#define COUNT(member, lo, hi, text) NAMED(member), .type = CH_TYPE_COUNT, .least = lo, .most = hi, .default_text = text
#define REAL_ABOVE(member, lo, hi, text)                                                                               \
    NAMED(member), .type = CH_TYPE_REAL, .least = lo, .open = true, .most = hi, .default_text = text

const ch_setting ch_settings_table[] = {
    [CH_SETTING_MODEL] = {CHOICE(model, models, NULL), .help = "what is trained"},
    [CH_SETTING_DATA] = {CHOICE(data, data_laws, "depleted"), .help = "law of the data"},
    [CH_SETTING_CHI] = {REAL_ABOVE(chi, -1, 1000, "0"), .help = "exponent of the data's density at the boundary"},
    [CH_SETTING_DIM] = {COUNT(dim, 2, 0x1p31, "128"), .help = "dimension d of the data"},
    [CH_SETTING_TEACHER] = {CHOICE(teacher, teachers, "axis"), .help = "direction that labels the data"},
    [CH_SETTING_TRAIN] = {COUNT(train, 1, MOST_SAMPLES, "1024"), .word = "inf",
                          .help = "number P of training samples; inf: every batch fresh"},
    [CH_SETTING_TEST] = {COUNT(test, 0, MOST_SAMPLES, "0"), .help = "number of test samples; 0: exact test error"},
    [CH_SETTING_LOSS] = {CHOICE(loss, losses, "hinge"), .help = "loss function of the margin"},
    [CH_SETTING_ALPHA] = {REAL_ABOVE(alpha, 0, INFINITY, "32768"), .help = "1/alpha is the margin kappa"},
    [CH_SETTING_BATCH] = {COUNT(batch, 1, MOST_SAMPLES, "2"), .word = "full", .help = "batch size B, at most train"},
    [CH_SETTING_TEMP] = {REAL_ABOVE(temp, 0, INFINITY, NULL), .help = "temperature T = rate/batch"},
    [CH_SETTING_RATE] = {REAL_ABOVE(rate, 0, INFINITY, NULL), .help = "learning rate eta = temp x batch"},
    [CH_SETTING_DYNAMICS] = {CHOICE(dynamics, dynamics, "sgd"), .help = "sgd, or gd: the full batch at every step"},
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
    return value.count < num_choices(row);
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

ch_code ch_setting_parse(const ch_setting *row, const char *text, ch_value *value, ch_error *err)
{
    ch_value parsed = {0};
    if (row->word != NULL && strcmp(text, row->word) == 0) {
        *value = parsed;
        return CH_OK;
    }
    const bool read = row->type == CH_TYPE_CHOICE ? parse_choice(row, text, &parsed) : parse_number(row, text, &parsed);
    if (!read || !in_range(row, parsed)) {
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
    } else {
        memcpy(&value.count, member, sizeof value.count);
    }
    return value;
}

/* ---- resolving ---- */

static bool is_given(const ch_settings *self, size_t index)
{
    return (self->given >> index & 1) != 0;
}

/* Every row alone. Rows that are neither given nor defaulted are filled in later, from rows that are. */
static ch_code check_rows(const ch_settings *self, ch_error *err)
{
    for (size_t i = 0; i < ch_settings_count; i++) {
        const ch_setting *row = &ch_settings_table[i];
        const ch_value value = ch_settings_get(self, i);
        const bool follows = row->default_text == NULL && !is_given(self, i);
        if (!follows && !is_word(row, value) && !in_range(row, value)) {
            char text[32];
            ch_setting_format(row, value, text, sizeof text);
            return refuse(row, text, err);
        }
    }
    if (!is_given(self, CH_SETTING_MODEL)) {
        char accepted[160];
        ch_setting_accepted(&ch_settings_table[CH_SETTING_MODEL], accepted, sizeof accepted);
        return ch_error_set(err, CH_ERROR_INPUT, "model is not set; accepted is %s", accepted);
    }
    if (!isfinite(1 / self->alpha)) {
        return ch_error_set(err, CH_ERROR_INPUT, "alpha is %g; accepted is a number > 0 with a finite margin 1/alpha",
                            self->alpha);
    }
    return CH_OK;
}

/* sign and random_sign are names for chi = 0 with one teacher or the other. */
static ch_code resolve_data(ch_settings *self, ch_error *err)
{
    self->chi += 0.0; /* -0 becomes 0: one value, one identity */
    if (self->data == CH_DATA_DEPLETED) {
        return CH_OK;
    }
    const uint64_t teacher = self->data == CH_DATA_SIGN ? CH_TEACHER_AXIS : CH_TEACHER_RANDOM;
    if (is_given(self, CH_SETTING_CHI) && self->chi != 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "chi is %g, but data = %s has chi = 0; accepted is 0, or data = depleted", self->chi,
                            data_laws[self->data]);
    }
    if (is_given(self, CH_SETTING_TEACHER) && self->teacher != teacher) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "teacher is %s, but data = %s has teacher = %s; accepted is %s, or data = depleted",
                            teachers[self->teacher], data_laws[self->data], teachers[teacher], teachers[teacher]);
    }
    self->chi = 0;
    self->teacher = teacher;
    return CH_OK;
}

/* With train = inf every batch is fresh: there is no full one. */
static ch_code check_fresh_batch(const ch_settings *self, ch_error *err)
{
    if (self->dynamics == CH_DYNAMICS_GD) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "dynamics is gd, but train = inf has no full batch; accepted is sgd, or an integer for "
                            "train");
    }
    if (self->batch == 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "batch is full, but train is inf; accepted is an integer from 1 to %.0f", MOST_SAMPLES);
    }
    return CH_OK;
}

static ch_code resolve_batch(ch_settings *self, ch_error *err)
{
    const bool follows = self->dynamics == CH_DYNAMICS_GD && !is_given(self, CH_SETTING_BATCH);
    if (self->train == 0) {
        return check_fresh_batch(self, err);
    }
    if (self->batch == 0 || follows) {
        self->batch = self->train;
    }
    if (self->batch > self->train) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "batch is %llu, more than train = %llu; accepted is an integer from 1 to train, or full",
                            (unsigned long long)self->batch, (unsigned long long)self->train);
    }
    if (self->dynamics == CH_DYNAMICS_GD && self->batch != self->train) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "batch is %llu, but dynamics = gd takes all train = %llu samples; accepted is full",
                            (unsigned long long)self->batch, (unsigned long long)self->train);
    }
    return CH_OK;
}

/* T = eta / B */
static ch_code resolve_temperature(ch_settings *self, ch_error *err)
{
    const bool temp = is_given(self, CH_SETTING_TEMP);
    if (temp == is_given(self, CH_SETTING_RATE)) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s set; give exactly one of them",
                            temp ? "temp and rate are both" : "neither temp nor rate is");
    }
    if (temp) {
        self->rate = self->temp * (double)self->batch;
    } else {
        self->temp = self->rate / (double)self->batch;
    }
    const double derived = temp ? self->rate : self->temp;
    if (!(isfinite(derived) && derived > 0)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s is %g, which makes %s %g at batch = %llu; accepted are finite numbers > 0 for both",
                            temp ? "temp" : "rate", temp ? self->temp : self->rate, temp ? "rate" : "temp", derived,
                            (unsigned long long)self->batch);
    }
    return CH_OK;
}

static void resolve_seeds(ch_settings *self)
{
    uint64_t *const seeds[] = {&self->seed_data, &self->seed_init, &self->seed_batch};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        if (!is_given(self, CH_SETTING_SEED_DATA + i)) {
            *seeds[i] = self->seed;
        }
    }
}

/* With train = inf no run is ever fitted. */
static ch_code check_end(const ch_settings *self, ch_error *err)
{
    if (self->train > 0 || self->max_steps > 0 || self->max_updates > 0 || self->max_seconds > 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "train is inf, and such a run is never fitted, but max_steps, max_updates and max_seconds are "
                        "none; accepted is a number for one of them");
}

/* Of the samples of a training set, or with train = inf of a batch, and of the test samples. */
static ch_code check_memory(const ch_settings *self, ch_error *err)
{
    const uint64_t held = self->train > 0 ? self->train : self->batch;
    const size_t train = ch_sample_set_bytes((size_t)held, (size_t)self->dim);
    const size_t test = ch_sample_set_bytes((size_t)self->test, (size_t)self->dim);
    const size_t physical = ch_memory_physical();
    if (train < SIZE_MAX && test < SIZE_MAX && train <= physical && test <= physical - train) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %llu and test is %llu: samples of dim = %llu take %.3g GB; accepted is what fits the "
                        "%.3g GB of memory of this machine",
                        self->train > 0 ? "train" : "batch", (unsigned long long)held, (unsigned long long)self->test,
                        (unsigned long long)self->dim, 4e-9 * ((double)held + (double)self->test) * (double)self->dim,
                        1e-9 * (double)physical);
}

/* What auto stands for: below this P a run is over before skipping idle steps has paid for itself. */
enum { LEAST_FAST_TRAIN = 1024 };

static ch_code resolve_engine(ch_settings *self, ch_error *err)
{
    if (self->engine == CH_ENGINE_FAST && self->train == 0) {
        return ch_error_set(
            err, CH_ERROR_INPUT,
            "engine is fast, but train = inf has no samples to keep track of; accepted is auto or plain");
    }
    if (self->engine == CH_ENGINE_AUTO) {
        self->engine = self->train >= LEAST_FAST_TRAIN ? CH_ENGINE_FAST : CH_ENGINE_PLAIN;
    }
    return CH_OK;
}

ch_code ch_settings_resolve_for_theory(ch_settings *self, ch_error *err)
{
    ch_settings resolved = *self;
    ch_code code = check_rows(&resolved, err);
    if (code == CH_OK) {
        code = resolve_data(&resolved, err);
    }
    if (code == CH_OK) {
        code = resolve_batch(&resolved, err);
    }
    if (code == CH_OK) {
        code = resolve_temperature(&resolved, err);
    }
    if (code == CH_OK) {
        code = resolve_engine(&resolved, err);
    }
    if (code == CH_OK) {
        resolve_seeds(&resolved);
        *self = resolved;
    }
    return code;
}

ch_code ch_settings_resolve(ch_settings *self, ch_error *err)
{
    ch_settings resolved = *self;
    ch_code code = ch_settings_resolve_for_theory(&resolved, err);
    if (code == CH_OK) {
        code = check_end(&resolved, err);
    }
    if (code == CH_OK) {
        code = check_memory(&resolved, err);
    }
    if (code == CH_OK) {
        *self = resolved;
    }
    return code;
}

void ch_settings_id(const ch_settings *self, char id[CH_ID_SIZE])
{
    struct sha256_ctx hash;
    char line[96];
    sha256_init(&hash);
    int length = snprintf(line, sizeof line, "results_version=%d\n", CH_RESULTS_VERSION);
    sha256_update(&hash, (size_t)length, (const uint8_t *)line);
    for (size_t i = 0; i < ch_settings_count; i++) {
        char value[32];
        ch_setting_format(&ch_settings_table[i], ch_settings_get(self, i), value, sizeof value);
        length = snprintf(line, sizeof line, "%s=%s\n", ch_settings_table[i].name, value);
        sha256_update(&hash, (size_t)length, (const uint8_t *)line);
    }
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&hash, sizeof digest, digest);
    for (size_t i = 0; i < CH_ID_SIZE / 2; i++) {
        snprintf(id + 2 * i, 3, "%02x", digest[i]);
    }
}
