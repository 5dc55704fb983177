/* remake.c — the commands that make the runs of a report again. */
#include "report/remake.h"

#include "core/memory.h"
#include "report/columns.h"
#include "report/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the settings that commands name ---- */

/* A setting in which runs differ. */
typedef struct {
    size_t setting;
    ch_html_values values; /* owned */
    uint32_t *next;        /* [count] the run behind each in its list of a grid's values; owned */
} axis;

/* A grid of runs: on every axis a set of values, which is a list of runs that have them, linked by the axis's `next`.
 * The sum of a set's hashes tells it from other sets. */
typedef struct {
    size_t num_axes;
    uint64_t *hashes;       /* [num_axes] 0 on the axis along which grids are being joined */
    uint32_t *first, *last; /* [num_axes] */
    uint64_t own;           /* the hash on that axis */
} grid;

enum { MOST_COMMANDS = 40, NO_RUN = UINT32_MAX };

typedef struct {
    const ch_fit *fit;
    size_t count;      /* of runs */
    bool names_engine; /* the engine is not what `auto` chooses */
    bool is_full;      /* in all runs B is P */
    axis axes[CH_SETTINGS_STORED];
    size_t num_axes;
    grid *grids; /* [num_grids] of which the first are in use; owned, as are the next two, which they point into */
    size_t num_grids;
    uint64_t *hashes;
    uint32_t *runs;
} maker;

static const ch_settings *settings_of(const maker *self, size_t run)
{
    return &self->fit->table->runs[run].settings;
}

static bool is_default(const ch_settings *settings, size_t setting)
{
    ch_settings defaults;
    char value[2 * CH_SETTING_TEXT_SIZE], usual[2 * CH_SETTING_TEXT_SIZE];
    ch_settings_default(&defaults);
    ch_setting_format(&ch_settings_table[setting], ch_settings_get(settings, setting), value, sizeof value);
    ch_setting_format(&ch_settings_table[setting], ch_settings_get(&defaults, setting), usual, sizeof usual);
    return strcmp(value, usual) == 0;
}

/* Whether a setting has the value that it takes by itself: seeds follow `seed`, the rate follows T, and the teacher's
 * axis is the last one. */
static bool follows(const maker *self, const ch_settings *settings, size_t setting)
{
    switch (setting) {
    case CH_SETTING_RATE:
        return true;
    case CH_SETTING_SEED_DATA:
        return settings->seed_data == settings->seed;
    case CH_SETTING_SEED_INIT:
        return settings->seed_init == settings->seed;
    case CH_SETTING_SEED_BATCH:
        return settings->seed_batch == settings->seed;
    case CH_SETTING_ENGINE:
        return !self->names_engine;
    case CH_SETTING_TEACHER_AXIS:
        return settings->teacher_axis == settings->dim;
    default:
        return false;
    }
}

/* Whether a command names a setting because of this run. */
static bool is_named(const maker *self, const ch_settings *settings, size_t setting)
{
    const bool always = setting == CH_SETTING_CHI || setting == CH_SETTING_DIM || setting == CH_SETTING_TRAIN ||
                        setting == CH_SETTING_TEMP || setting == CH_SETTING_MODEL;
    return ch_setting_applies(settings, setting) && !follows(self, settings, setting) &&
           (always || !is_default(settings, setting));
}

/* Whether some run has another engine than the one that its command would choose without naming it. Runs on files are
 * not asked, since their settings cannot be completed without the files. */
static bool needs_engine(const maker *self)
{
    for (size_t i = 0; i < self->count; i++) {
        ch_settings settings = *settings_of(self, i);
        const uint64_t engine = settings.engine;
        ch_resolved again;
        ch_error err;
        settings.given = 0;
        settings.engine = CH_ENGINE_AUTO;
        for (size_t s = 0; s < CH_SETTINGS_STORED; s++) {
            settings.given |= (uint64_t)is_named(self, settings_of(self, i), s) << s;
        }
        if (ch_settings_resolve(&settings, &again, &err) == CH_OK && again.settings.engine != engine) {
            return true;
        }
    }
    return false;
}

static bool has_full_batches(const ch_fit *fit)
{
    for (size_t i = 0; i < fit->table->count; i++) {
        const ch_settings *settings = &fit->table->runs[i].settings;
        if (settings->batch != settings->train) {
            return false;
        }
    }
    return true;
}

/* Takes the settings that some run makes commands name. */
static ch_code take_axes(maker *self, ch_error *err)
{
    for (size_t s = 0; s < CH_SETTINGS_STORED; s++) {
        bool named = false;
        for (size_t i = 0; i < self->count && !named; i++) {
            named = is_named(self, settings_of(self, i), s);
        }
        if (!named) {
            continue;
        }
        axis *at = &self->axes[self->num_axes++];
        at->setting = s;
        const ch_code code = ch_html_values_init(&at->values, self->fit, err);
        if (code != CH_OK) {
            return code;
        }
        (void)!ch_html_values_of_setting(&at->values, s);
        at->next = ch_alloc(self->count, sizeof *at->next);
        if (at->next == NULL) {
            return ch_error_memory(err, "the commands of a report");
        }
    }
    return CH_OK;
}

/* ---- grids ---- */

/* A hash of a value, so that sets of values can be told apart by the sum (the finaliser of SplitMix64). */
static uint64_t hash_of(uint64_t value)
{
    uint64_t z = (value + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Begins with a grid for every run. */
static ch_code make_grids(maker *self, ch_error *err)
{
    const size_t count = self->count, axes = self->num_axes;
    self->grids = ch_alloc(count, sizeof *self->grids);
    self->hashes = ch_alloc(count * axes, sizeof *self->hashes);
    self->runs = ch_alloc(count * axes, 2 * sizeof *self->runs);
    if (self->grids == NULL || self->hashes == NULL || self->runs == NULL) {
        return ch_error_memory(err, "the commands of a report");
    }
    self->num_grids = count;
    for (size_t i = 0; i < count; i++) {
        grid *at = &self->grids[i];
        *at = (grid){.num_axes = axes,
                     .hashes = self->hashes + i * axes,
                     .first = self->runs + 2 * i * axes,
                     .last = self->runs + (2 * i + 1) * axes};
        for (size_t k = 0; k < axes; k++) {
            at->hashes[k] = hash_of(self->axes[k].values.index[i]);
            at->first[k] = at->last[k] = (uint32_t)i;
            self->axes[k].next[i] = NO_RUN;
        }
    }
    return CH_OK;
}

static int compare_grids(const void *left, const void *right)
{
    const grid *a = left, *b = right;
    for (size_t k = 0; k < a->num_axes; k++) {
        if (a->hashes[k] != b->hashes[k]) {
            return a->hashes[k] < b->hashes[k] ? -1 : 1;
        }
    }
    if (a->own != b->own) {
        return a->own < b->own ? -1 : 1;
    }
    return (a->first[0] > b->first[0]) - (a->first[0] < b->first[0]);
}

static bool is_beside(const grid *a, const grid *b)
{
    return memcmp(a->hashes, b->hashes, a->num_axes * sizeof *a->hashes) == 0;
}

/* Whether a grid's runs all have a value on an axis: those without one are no neighbours of the others. */
static bool has_value(const maker *self, const grid *at, size_t k)
{
    const ch_html_values *values = &self->axes[k].values;
    return !isnan(values->values[values->index[at->first[k]]].number);
}

/* Joins the grids that differ along one axis alone. */
static void join_along(maker *self, size_t k)
{
    uint32_t *next = self->axes[k].next;
    size_t kept = 0;
    for (size_t i = 0; i < self->num_grids; i++) {
        grid *at = &self->grids[i];
        at->own = 0;
        if (has_value(self, at, k)) {
            at->own = at->hashes[k];
            at->hashes[k] = 0;
        }
    }
    qsort(self->grids, self->num_grids, sizeof *self->grids, compare_grids);
    for (size_t i = 0; i < self->num_grids; i++) {
        grid *into = kept > 0 ? &self->grids[kept - 1] : NULL;
        const grid *at = &self->grids[i];
        if (into == NULL || !is_beside(into, at)) {
            self->grids[kept++] = *at;
        } else if (into->own != at->own) { /* else they are the same runs, of two results versions */
            next[into->last[k]] = at->first[k];
            into->last[k] = at->last[k];
            into->own += at->own;
        }
    }
    self->num_grids = kept;
    for (size_t i = 0; i < kept; i++) {
        if (self->grids[i].own != 0) {
            self->grids[i].hashes[k] = self->grids[i].own;
        }
    }
}

/* Joins along the seeds, then T, then P, then all other settings. */
static void join_all(maker *self)
{
    static const size_t first[] = {CH_SETTING_SEED,       CH_SETTING_SEED_DATA, CH_SETTING_SEED_INIT,
                                   CH_SETTING_SEED_BATCH, CH_SETTING_TEMP,      CH_SETTING_TRAIN};
    enum { NUM_FIRST = sizeof first / sizeof *first };
    for (size_t pass = 0; pass <= NUM_FIRST; pass++) {
        for (size_t k = 0; k < self->num_axes; k++) {
            bool is_first = false;
            for (size_t i = 0; i < NUM_FIRST; i++) {
                is_first = is_first || first[i] == self->axes[k].setting;
            }
            const bool is_due = pass < NUM_FIRST ? first[pass] == self->axes[k].setting : !is_first;
            if (is_due && self->axes[k].setting != CH_SETTING_MODEL) {
                join_along(self, k);
            }
        }
    }
}

/* ---- words ---- */

/* k where the value is a power 2^k of a row that people write so; else false. */
static bool is_power(const ch_setting *row, double value, int *k)
{
    int exponent = 0;
    const bool is_one = value > 0 && frexp(value, &exponent) == 0.5;
    *k = exponent - 1;
    return row->in_powers && is_one;
}

/* How many numbers from numbers[0] on are consecutive powers of two, or of four where `step` is 2. */
static size_t count_powers(const ch_setting *row, const double *numbers, size_t count, int step)
{
    int first = 0, k = 0;
    size_t length = 0;
    if (!is_power(row, numbers[0], &first) || first % step != 0) {
        return 0;
    }
    while (length < count && is_power(row, numbers[length], &k) && k == first + step * (int)length) {
        length++;
    }
    return length;
}

/* How many are consecutive integers. */
static size_t count_integers(const ch_setting *row, const double *numbers, size_t count)
{
    size_t length = 0;
    while (row->type == CH_TYPE_COUNT && length < count && numbers[0] < 0x1p52 &&
           numbers[length] - numbers[0] == (double)length) {
        length++;
    }
    return length;
}

/* Writes the values of a grid along one axis, ascending: as ranges where they are some, else one after the other.
 * @param numbers, indices  [count] the values, and their numbers among the axis's values */
static void write_set(const axis *at, const double *numbers, const size_t *indices, size_t count, FILE *out)
{
    const ch_setting *row = &ch_settings_table[at->setting];
    for (size_t i = 0, length = 1; i < count; i += length) {
        char text[2 * CH_SETTING_TEXT_SIZE];
        const size_t integers = count_integers(row, numbers + i, count - i);
        const size_t twos = count_powers(row, numbers + i, count - i, 1);
        const size_t fours = count_powers(row, numbers + i, count - i, 2);
        int k = 0;
        fputs(i > 0 ? "," : "", out);
        if (twos > 2 || fours > 2) {
            const int step = twos >= fours ? 1 : 2;
            length = twos >= fours ? twos : fours;
            (void)is_power(row, numbers[i], &k);
            fprintf(out, "%d^%d..%d^%d", 2 * step, k / step, 2 * step, k / step + (int)length - 1);
        } else if (integers > 2) {
            length = integers;
            fprintf(out, "%.0f..%.0f", numbers[i], numbers[i + length - 1]);
        } else {
            length = 1;
            ch_html_values_show(&at->values, at->setting, indices[i], text, sizeof text);
            fputs(text, out);
        }
    }
}

static int compare_indices(const void *left, const void *right)
{
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return (a > b) - (a < b);
}

/* Writes one axis of a grid as an option. */
static ch_code write_option(const maker *self, const grid *from, size_t k, FILE *out, ch_error *err)
{
    const axis *at = &self->axes[k];
    const ch_setting *row = &ch_settings_table[at->setting];
    const char *quote = row->type == CH_TYPE_RULE ? "\"" : "";
    size_t count = 0;
    for (uint32_t run = from->first[k]; run != NO_RUN; run = run == from->last[k] ? NO_RUN : at->next[run]) {
        count++;
    }
    size_t *indices = ch_alloc(count, sizeof *indices);
    double *numbers = ch_alloc(count, sizeof *numbers);
    if (indices == NULL || numbers == NULL) {
        free(indices);
        free(numbers);
        return ch_error_memory(err, "the commands of a report");
    }
    count = 0;
    for (uint32_t run = from->first[k]; run != NO_RUN; run = run == from->last[k] ? NO_RUN : at->next[run]) {
        indices[count++] = (size_t)at->values.index[run];
    }
    qsort(indices, count, sizeof *indices, compare_indices);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = at->values.values[indices[i]].number;
    }
    if (at->setting == CH_SETTING_BATCH && self->is_full) {
        fputs(" --batch full", out);
    } else if (row->type == CH_TYPE_CONTENT) {
        fprintf(out, " --%s FILE", row->name);
    } else {
        fprintf(out, at->setting == CH_SETTING_MODEL ? " " : " --%s %s", row->name, quote);
        write_set(at, numbers, indices, count, out);
        fputs(quote, out);
    }
    free(indices);
    free(numbers);
    return CH_OK;
}

/* The placeholders of files, whose places a store does not know. */
static const char *files_of(const ch_settings *settings)
{
    const ch_law *law = ch_law_of(settings->data);
    return law->is_file                       ? " --data_file FILE --data_labels FILE"
           : law->has_density                 ? " --density FILE"
           : ch_settings_has_images(settings) ? " --data_dir DIR"
                                              : "";
}

static ch_code write_command(const maker *self, const grid *at, ch_html_remake *summary, FILE *out, ch_error *err)
{
    const ch_settings *settings = settings_of(self, at->first[0]);
    fputs("chiton sweep", out);
    for (size_t k = 0; k < self->num_axes; k++) {
        if (has_value(self, at, k)) {
            const ch_code code = write_option(self, at, k, out, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    const char *files = files_of(settings);
    summary->needs_files = summary->needs_files || files[0] != '\0' || ch_settings_has_init(settings);
    fprintf(out, "%s -o again.db\n", files);
    return CH_OK;
}

static int compare_first(const void *left, const void *right)
{
    const grid *a = left, *b = right;
    return (a->first[0] > b->first[0]) - (a->first[0] < b->first[0]);
}

ch_code ch_html_remake_write(const ch_fit *fit, ch_html_remake *summary, FILE *out, ch_error *err)
{
    maker self = {.fit = fit, .count = fit->table->count, .is_full = has_full_batches(fit)};
    self.names_engine = needs_engine(&self);
    *summary = (ch_html_remake){0};
    ch_code code = take_axes(&self, err);
    if (code != CH_OK) {
        goto out;
    }
    code = make_grids(&self, err);
    if (code != CH_OK) {
        goto out;
    }
    join_all(&self);
    qsort(self.grids, self.num_grids, sizeof *self.grids, compare_first);
    summary->num_commands = self.num_grids;
    for (size_t i = 0; i < self.num_grids && i < MOST_COMMANDS; i++) {
        code = write_command(&self, &self.grids[i], summary, out, err);
        if (code != CH_OK) {
            goto out;
        }
        summary->num_written++;
    }
    for (size_t i = 0; i < self.count; i++) {
        summary->is_old = summary->is_old || ch_run_age(&fit->table->runs[i]) != 0;
    }
out:
    for (size_t k = 0; k < self.num_axes; k++) {
        ch_html_values_free(&self.axes[k].values);
        free(self.axes[k].next);
    }
    free(self.grids);
    free(self.hashes);
    free(self.runs);
    return code;
}
