/* settings.h — every setting of a run: one struct, and one table from which all that names settings is made.
 *
 * Options, YAML keys, JSON keys, store columns and the manual are generated from ch_settings_table.
 */
#ifndef CH_SETTINGS_H
#define CH_SETTINGS_H

#include "core/core.h"
#include "data/data.h"
#include "data/images.h"
#include "models/models.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Rows of the table, in its order. */
enum {
    CH_SETTING_MODEL,
    CH_SETTING_LINEAR,
    CH_SETTING_WIDTH,
    CH_SETTING_DEPTH,
    CH_SETTING_ACTIVATION,
    CH_SETTING_DATA,
    CH_SETTING_CHI,
    CH_SETTING_DIM,
    CH_SETTING_TEACHER,
    CH_SETTING_TRAIN,
    CH_SETTING_TEST,
    CH_SETTING_LOSS,
    CH_SETTING_ALPHA,
    CH_SETTING_BATCH,
    CH_SETTING_TEMP,
    CH_SETTING_RATE,
    CH_SETTING_DYNAMICS,
    CH_SETTING_SEED,
    CH_SETTING_SEED_DATA,
    CH_SETTING_SEED_INIT,
    CH_SETTING_SEED_BATCH,
    CH_SETTING_MAX_STEPS,
    CH_SETTING_MAX_UPDATES,
    CH_SETTING_MAX_SECONDS,
    CH_SETTING_ENGINE,
    CH_SETTING_RECORD,
    CH_SETTING_KERNEL,
    CH_SETTING_DATA_DIR, /* last: where data lie is no part of a run, and has no column in a store */
};

enum {
    CH_MODEL_PERCEPTRON,
    CH_MODEL_MLP,
    CH_MODEL_MLP_BIAS,
    CH_MODEL_SIMPLE_CNN,
    CH_MODEL_MNAS,
    CH_MODEL_VGG11,
};
enum { CH_LINEAR_NO, CH_LINEAR_YES };
enum {
    CH_DATA_DEPLETED,
    CH_DATA_SIGN,
    CH_DATA_RANDOM_SIGN,
    CH_DATA_STRIPE,
    CH_DATA_SPHERE,
    CH_DATA_MNIST_PARITY,
    CH_DATA_CIFAR_ANIMAL,
};
enum { CH_TEACHER_AXIS, CH_TEACHER_RANDOM };
enum { CH_ENGINE_AUTO, CH_ENGINE_PLAIN, CH_ENGINE_FAST };

/** The settings of one run. A number that may be a word ("inf", "full", "none") is 0 for the word. */
typedef struct {
    uint64_t given; /* bit i: row i of the table was set, not defaulted */
    uint64_t model, linear, width, depth, activation;
    uint64_t data;
    double chi;
    uint64_t dim, teacher;
    uint64_t train, test; /* P (0 = inf), and the number of test samples (0: exact test error) */
    uint64_t loss;
    double alpha;      /* 1 / kappa */
    uint64_t batch;    /* B; 0 = full, until resolved */
    double temp, rate; /* T and eta = T B, for networks T B h; exactly one is given, both are set once resolved */
    uint64_t dynamics;
    uint64_t seed, seed_data, seed_init, seed_batch;
    uint64_t max_steps, max_updates; /* 0 = none */
    double max_seconds;              /* 0 = none */
    uint64_t engine;
    uint64_t record;      /* trajectory points a decade of steps, 0 for none */
    uint64_t kernel;      /* training samples whose tangent kernel is observed, 0 for none */
    const char *data_dir; /* borrowed */
    /* no setting, but of the images read: see ch_sources_find_images */
    char data_digest[CH_SHA256_SIZE];
} ch_settings;

typedef enum { CH_TYPE_REAL, CH_TYPE_COUNT, CH_TYPE_CHOICE, CH_TYPE_TEXT } ch_type;

/** One row of the table. */
typedef struct {
    const char *name;
    ch_type type;
    size_t offset;              /* of the member in ch_settings: double, const char * for TEXT, else uint64_t */
    const char *default_text;   /* NULL: required, or one of a pair, or follows another setting */
    double least, most;         /* accepted range of a number; a count's ends at 2^63 - 1, SQLite's largest */
    bool open;                  /* the range excludes `least` */
    const char *word;           /* word for the value 0, e.g. "full"; NULL for none */
    const char *const *choices; /* NULL-terminated, for CHOICE */
    const char *help;           /* one line for the manual */
    int since;                  /* schema version of the store that first has it; 0 for the first */
} ch_setting;

extern const ch_setting ch_settings_table[];
extern const size_t ch_settings_count;
/** Those that make a run, which are a store's columns: all but the last row, data_dir. */
enum { CH_SETTINGS_STORED = CH_SETTING_DATA_DIR };

/** A value of a setting, as ch_setting's type says. */
typedef union {
    double real;
    uint64_t count; /* also the index of a choice */
    const char *text;
} ch_value;

/** Index of a setting's row by name, '-' standing for '_'.
 *  @return CH_OK, or CH_ERROR_INPUT with the nearest name in the message */
ch_code ch_settings_find(const char *name, size_t *index, ch_error *err) CH_MUST_CHECK;

/** Parses one value: a number (also 2^-15), a choice or the row's word, within the row's range; NaN and
 *  infinities are refused, and so are fractions for a count. Whatever the locale, the decimal point is '.'.
 *  @return CH_OK, or CH_ERROR_INPUT with name, text and what is accepted in the message */
ch_code ch_setting_parse(const ch_setting *row, const char *text, ch_value *value, ch_error *err) CH_MUST_CHECK;

/** Whether a value lies in a row's range, or is its word.
 *  @return CH_OK, or CH_ERROR_INPUT as ch_setting_parse */
ch_code ch_setting_check(const ch_setting *row, ch_value value, ch_error *err) CH_MUST_CHECK;

/** Writes a value as ch_setting_parse reads it back, bit for bit; 32 bytes are enough. */
void ch_setting_format(const ch_setting *row, ch_value value, char *text, size_t size);

/** Writes what a row accepts, e.g. "an integer from 1 to 4294967295, or full"; 160 bytes are enough. */
void ch_setting_accepted(const ch_setting *row, char *text, size_t size);

/** All defaults, nothing given; rows without a default are 0. */
void ch_settings_default(ch_settings *self);
/** Sets a row and marks it as given; checks nothing, ch_settings_resolve does. */
void ch_settings_set(ch_settings *self, size_t index, ch_value value);
ch_value ch_settings_get(const ch_settings *self, size_t index);

/** Whether a row has a meaning for the model and data, e.g. depth for a perceptron has not. Rows that have none are
 *  null in JSON and NULL in a store, and keep their defaults. */
bool ch_setting_applies(const ch_settings *self, size_t index);

/** Whether the model is a network, and whether the data are images. */
bool ch_settings_is_network(const ch_settings *self);
bool ch_settings_has_images(const ch_settings *self);

/** Whether one of the perceptron's own engines trains it; else, and with every network, the learner of networks does.
 */
bool ch_settings_has_engine(const ch_settings *self);

/** The network that a run trains, or whose twin; for a perceptron the linear network, which it is. */
ch_network_spec ch_settings_network(const ch_settings *self);

/** Shape of one input: of an image, or {dim, 1, 1}. */
ch_shape ch_settings_input(const ch_settings *self);

/** Checks every setting and their combination, and fills in what follows from others: batch (full -> P), temp and rate
 *  from each other, seed_* from seed, chi and teacher from data, engine from auto, data_dir from $CHITON_DATA.
 *
 *  `given` does not change: what follows from another setting follows it anew each time, so resolving twice is
 *  resolving once. Settings that were all set one by one, temp and rate both, are refused as any such pair.
 *
 *  @return CH_OK, or CH_ERROR_INPUT with the setting's name, its value and what is accepted, `self` as it was. Also
 *          refused: a model that was not given, train = inf without a budget, samples that do not fit this machine's
 * memory
 */
ch_code ch_settings_resolve(ch_settings *self, ch_error *err) CH_MUST_CHECK;

/** As ch_settings_resolve for settings that are not to be run: memory and, with train = inf, the end of a run by a
 * budget are not asked for. */
ch_code ch_settings_resolve_for_theory(ch_settings *self, ch_error *err) CH_MUST_CHECK;

enum { CH_ID_SIZE = 33 };

/** Identity of a run: the first 128 bits, in hex, of the SHA-256 of "results_version=N\n" and a line "name=value\n"
 *  for every row of the table in its order that applies, data_dir apart, as ch_setting_format writes it; and, where the
 *  data are images, a line "data_digest=…\n". `self` must be resolved, with the digest set. */
void ch_settings_id(const ch_settings *self, char id[CH_ID_SIZE]);

/** Raised by one whenever the same settings come to give other results. */
enum { CH_RESULTS_VERSION = 2 };

#endif
