/* settings.h — the settings of a run: one struct, and one table from which everything that names a setting is made.
 *
 * Options, YAML keys, JSON keys, store columns, the manual and the keys of a fit's groups come from ch_settings_table.
 * A new setting is a member of ch_settings, a row number below and a row of the table. The choices of a setting are
 * named by whoever owns them: laws by data/law.h, losses by models/loss.h, and so on.
 */
#ifndef CH_SETTINGS_H
#define CH_SETTINGS_H

#include "core/core.h"
#include "data/data.h"
#include "data/images.h"
#include "models/architecture.h"

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
    CH_SETTING_INIT,
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
    CH_SETTING_SAMPLING,
    CH_SETTING_MOMENTUM,
    CH_SETTING_WEIGHT_DECAY,
    CH_SETTING_CLASSES,
    CH_SETTING_NORMALISE,
    CH_SETTING_LABEL_NOISE,
    CH_SETTING_SPECTRUM,
    CH_SETTING_TEACHER_AXIS,
    CH_SETTING_FLUCTUATIONS,
    CH_SETTING_BURN_IN,
    CH_SETTING_CURVATURE,
    CH_SETTING_DATA_DIR, /* names of files from here on, which are no part of a run and have no column in a store */
    CH_SETTING_DATA_FILE,
    CH_SETTING_DATA_LABELS,
    CH_SETTING_DENSITY,
};

/** The values of the settings `linear`, `engine` and `sampling`, in their order. */
enum { CH_LINEAR_NO, CH_LINEAR_YES };
enum { CH_ENGINE_AUTO, CH_ENGINE_PLAIN, CH_ENGINE_FAST };
enum { CH_SAMPLING_INDEPENDENT, CH_SAMPLING_EPOCH };

/** The settings of one run. A number that may be a word ("inf", "full", "none") is 0 for the word. A fit may hold 10^6
 *  of them, so that the index of a choice has one byte. */
typedef struct {
    uint64_t given; /* bit i says that row i of the table was set; otherwise the row has its default */
    uint8_t model, linear, activation;
    uint8_t data; /* a ch_law_kind */
    uint8_t teacher;
    uint8_t loss; /* a ch_loss_kind */
    uint8_t dynamics, engine;
    uint8_t sampling;  /* whether batches are independent of each other, or parts of an epoch */
    uint8_t normalise; /* a ch_normalise */
    uint64_t width, depth;
    double chi;
    uint64_t dim;
    uint64_t train, test; /* P (0: inf), and the number of test samples (0: the exact test error) */
    double alpha;         /* 1 / kappa */
    uint64_t batch;       /* B; 0: full, until it is resolved */
    double temp, rate;    /* T and eta = T B, of networks T B h; exactly one is given, resolving sets the other */
    const char *init;     /* file of the initial weights; borrowed; NULL: they are drawn, or the name is not known */
    uint64_t seed, seed_data, seed_init, seed_batch;
    uint64_t max_steps, max_updates; /* 0: none */
    double max_seconds;              /* 0: none */
    uint64_t record;                 /* points of the trajectory in a decade of steps; 0: none */
    uint64_t kernel;                 /* number of training samples whose tangent kernel is observed; 0: none */
    double momentum;                 /* mu: the fraction of the velocity that is left at the next step; 0: none */
    double weight_decay;             /* weight_decay ||Dw||^2 / 2 is added to the loss; 0: nothing is */
    char classes[CH_CLASSES_SIZE]; /* the rule that says which labels are +1 and which -1; "" where it has no meaning */
    double label_noise;            /* probability with which a training sample has the wrong label */
    double spectrum;               /* beta: the covariance of the inputs has the eigenvalues k^-beta; 0: all are 1 */
    uint64_t teacher_axis;         /* axis of the teacher, counted from 1; 0: last, until it is resolved */
    uint64_t fluctuations;         /* number of snapshots of the weights, for their fluctuations; 0: none */
    uint64_t burn_in;              /* steps before the first of them; 0: half of max_steps, until it is resolved */
    uint64_t curvature;            /* points at which the curvature of the loss is measured; 0: none */
    const char *data_dir;          /* folder of image data; borrowed */
    const char *data_file, *data_labels; /* files of samples and of labels; borrowed */
    const char *density;                 /* file of a tabulated density; borrowed */
    /* The members below are no settings: ch_sources_find sets them when it has read the data. */
    char data_digest[CH_SHA256_SIZE]; /* of all samples, or of the density, that was read; "" without files */
    uint64_t data_pool;  /* the number of samples of both classes; 0 where it is not known, or the data are drawn */
    ch_shape data_shape; /* of a sample from a file of the user's own; zeroes where it is not known */
    char init_digest[CH_SHA256_SIZE]; /* of the file `init`; "" where there is none, or it was not read yet */
    const struct ch_start *start;     /* the numbers of that file; borrowed; NULL where they are not in memory */
} ch_settings;

/** Settings that are checked and complete. ch_settings_resolve makes them, and a store gives back those of its runs.
 *  Every setting that has a meaning has its value, so that a function that takes a ch_resolved need not check it. */
typedef struct {
    ch_settings settings;
} ch_resolved;

/** The type of a setting's value. */
typedef enum {
    CH_TYPE_REAL,
    CH_TYPE_COUNT,
    CH_TYPE_CHOICE,
    CH_TYPE_TEXT, /* the name of a file or folder, which is borrowed */
    CH_TYPE_RULE, /* a rule of labels (data/classes.h), a text that ch_settings holds */
    /* a file that is known by its content: its name, which is borrowed, and once it was read its SHA-256 in hex, which
     * ch_settings holds and a store has */
    CH_TYPE_CONTENT,
} ch_type;

/** One row of the table. */
typedef struct {
    const char *name;
    ch_type type;
    /* offset of the member in ch_settings, which is a double for REAL, a uint64_t for COUNT, a uint8_t for CHOICE, a
     * char [CH_CLASSES_SIZE] for RULE, or else a const char * */
    size_t offset;
    const char *default_text; /* NULL: the setting is required, or one of a pair, or follows from another setting */
    /* range of accepted numbers; that of a count ends at 2^63 - 1, SQLite's largest integer */
    double least, most;
    bool open;        /* the range excludes `least` */
    const char *word; /* the word that stands for the value 0, e.g. "full"; NULL: none */
    /* of a CHOICE: the name of value `index`; NULL for an index past the end of the list */
    const char *(*choice)(uint64_t index);
    const char *accepts; /* of a TEXT or CONTENT: what it is the name of */
    const char *help;    /* one line for the manual */
    int since;           /* version of the store's schema that first has it: CH_SCHEMA_… */
    /* Whether a run that says nothing of this setting has the default. Runs of older stores do not say it, so that at
     * its default the setting is no part of a run's identity; neither captions nor proposed sweeps name it then. */
    bool is_implied;
    /* whether the tangent kernel of a twin depends on it: ch_train_kernel_key */
    bool in_kernel;
    bool in_powers; /* people see its powers of two as such: ch_setting_show */
} ch_setting;

/** The table of settings, [ch_settings_count]. */
extern const ch_setting ch_settings_table[];
extern const size_t ch_settings_count;
/** The number of settings that make a run, which are the store's columns: all but the last rows, which say where data
 *  lie. */
enum { CH_SETTINGS_STORED = CH_SETTING_DATA_DIR };

enum {
    CH_SETTING_TEXT_SIZE = CH_SHA256_SIZE, /* a rule of labels is no longer than a digest */
    CH_DIGEST_SHOWN = 8,                   /* digits of a digest that people see, enough to tell it from another */
};

/** A value of a setting, as ch_setting's type says. */
typedef union {
    double real;
    uint64_t count;   /* also the index of a choice */
    const char *text; /* borrowed; of a RULE and of a digest, from the settings that it was got from */
} ch_value;

/** Index of a setting's row by name, '-' standing for '_'.
 *  @return CH_OK, or CH_ERROR_INPUT with the name in the message that is nearest, or that a word used elsewhere stands
 *      for (sim/settings/words.h) */
ch_code ch_settings_find(const char *name, size_t *index, ch_error *err) CH_MUST_CHECK;

/** Parses one value: a number (also 2^-15), a choice or the row's word. Numbers outside the row's range, NaN,
 *  infinities, and fractions of a count are refused. The decimal point is '.', whatever the locale.
 *  @return CH_OK, or CH_ERROR_INPUT with name, text and what is accepted in the message */
ch_code ch_setting_parse(const ch_setting *row, const char *text, ch_value *value, ch_error *err) CH_MUST_CHECK;

/** Checks that a value lies in a row's range or is its word.
 *  @return CH_OK, or CH_ERROR_INPUT as ch_setting_parse */
ch_code ch_setting_check(const ch_setting *row, ch_value value, ch_error *err) CH_MUST_CHECK;

/** Writes a value so that ch_setting_parse reads it back, bit for bit; CH_SETTING_TEXT_SIZE bytes are enough, but for a
 *  TEXT. */
void ch_setting_format(const ch_setting *row, ch_value value, char *text, size_t size);

/** Writes a value for people: as ch_setting_format, but powers of two of a row with `in_powers` as such, e.g. "2^-15",
 *  and of a digest its first CH_DIGEST_SHOWN digits. */
void ch_setting_show(const ch_setting *row, ch_value value, char *text, size_t size);

/** Writes what a row accepts, e.g. "an integer from 1 to 4294967295, or full"; 160 bytes are enough. */
void ch_setting_accepted(const ch_setting *row, char *text, size_t size);

/** Sets every row to its default, or to 0 where it has none; no row counts as given. */
void ch_settings_default(ch_settings *self);
/** Sets a row and marks it as given. It checks nothing: ch_settings_resolve does. */
void ch_settings_set(ch_settings *self, size_t index, ch_value value);
/** The value of a row; a text is borrowed. */
ch_value ch_settings_get(const ch_settings *self, size_t index);

/** Whether a row has a meaning for the model and the data; the depth of a perceptron has none. A row without a meaning
 *  keeps its default; it is null in JSON and NULL in a store. */
bool ch_setting_applies(const ch_settings *self, size_t index);

/** Whether a row has its default and is implied by it: the run is the same as one that does not have the setting. */
bool ch_setting_is_implied(const ch_settings *self, size_t index);

/** Whether the run starts from weights of a file. */
bool ch_settings_has_init(const ch_settings *self);

/** Whether the model is a network. */
bool ch_settings_is_network(const ch_settings *self);
/** Whether the data are images of a known set, which lie in data_dir. */
bool ch_settings_has_images(const ch_settings *self);
/** Whether training and test samples are chosen from a pool that is read from files. */
bool ch_settings_has_pool(const ch_settings *self);
/** Whether the data depend on files: a pool of samples, or a density. Their digest then belongs to a run's identity. */
bool ch_settings_has_digest(const ch_settings *self);

/** Whether the teacher is found from all samples of the files: of a perceptron alone, whose weights are one direction.
 */
bool ch_settings_fits_teacher(const ch_settings *self);

/** Whether the theory of exponents holds for the run: its data are labelled by a plane, with a density exponent chi,
 *  inputs of equal variance and no wrong labels, and it has no weight decay. */
bool ch_settings_has_theory(const ch_settings *self);

/** Whether one of the perceptron's own engines trains it. All other runs, those of networks and those whose weights
 *  are sampled for their fluctuations, have the learner of networks or the twin. */
bool ch_settings_has_engine(const ch_settings *self);

/** Whether batches are independent of each other and a step is w <- w - eta g, without momentum and weight decay. */
bool ch_settings_has_usual_rule(const ch_settings *self);

/** The network that a run trains, or whose twin it trains. A perceptron is a linear network. */
ch_network_spec ch_settings_network(const ch_settings *self);

/** Shape of one input: of an image, that of a file's samples, or {dim, 1, 1}. */
ch_shape ch_settings_input(const ch_settings *self);

/** Checks every setting and their combination, and fills in what follows from others: batch (full: P), temp and rate
 *  from each other, seed_* from seed, chi and teacher from data, teacher_axis (last: dim), engine from auto.
 *
 *  The result depends on nothing but `self`. `given` does not change: what follows from another setting follows anew
 *  each time, so that resolving twice gives what resolving once gives. temp and rate both given are refused.
 *
 *  Whether a run may begin, by its memory and its end, ch_admit of sim/admit.h says.
 *
 *  @param resolved  out: what `self` means; set only on success
 *  @return CH_OK, or CH_ERROR_INPUT with the setting's name, its value and what is accepted */
ch_code ch_settings_resolve(const ch_settings *self, ch_resolved *resolved, ch_error *err) CH_MUST_CHECK;

/** Numbers of snapshots from which fluctuations can be found. */
enum { CH_LEAST_SNAPSHOTS = 16, CH_MOST_SNAPSHOTS = 2048 };

enum { CH_ID_SIZE = 33 };

/** Identity of a run: the first 128 bits, in hex, of the SHA-256 of "results_version=N\n", with N by
 *  ch_results_version, and a line "name=value\n" for every row of the table in its order that applies and is not
 *  implied, but those that say where data lie, as ch_setting_format writes it; and, where the data are read from files,
 *  a line "data_digest=…\n", so that the digest must be set. */
void ch_settings_id(const ch_resolved *resolved, char id[CH_ID_SIZE]);

/** The first 64 bits of the id of a run, which is 32 hexadecimal digits. */
uint64_t ch_settings_id_number(const char *id);

/** The results version of most runs, and that of runs whose results have changed since. Such a number rises by one
 *  whenever the settings that it belongs to come to give other results. */
enum { CH_RESULTS_VERSION = 2, CH_RESULTS_VERSION_RAISED = 3 };

/** The results version of runs with these settings, which are resolved. It is CH_RESULTS_VERSION_RAISED for
 *    batches of at least CH_WAITING_LARGE_BATCH (core/waiting.h) of the perceptron's fast engine, and of twins where
 *    B < P, where batches are independent and a step is w <- w - eta g;
 *    runs whose curvature is measured. */
int ch_results_version(const ch_settings *settings);

#endif
