/* advice.c — sentences on the runs that a group lacks. Each ends in the command for the sweep that makes these runs. */
#include "fit/table/advice.h"

#include "core/memstream.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes the settings that the runs of a group share and that a sweep would not take by default. */
static void write_settings(FILE *out, const ch_fit_group *group)
{
    ch_settings defaults;
    ch_settings_default(&defaults);
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        char value[CH_SETTING_TEXT_SIZE], usual[CH_SETTING_TEXT_SIZE];
        if (!ch_setting_applies(&group->key, i)) {
            continue;
        }
        ch_setting_show(&ch_settings_table[i], ch_settings_get(&group->key, i), value, sizeof value);
        ch_setting_show(&ch_settings_table[i], ch_settings_get(&defaults, i), usual, sizeof usual);
        if (i == CH_SETTING_MODEL) {
            fprintf(out, " %s", value);
        } else if (ch_settings_table[i].type == CH_TYPE_CONTENT && strcmp(value, usual) != 0) {
            fprintf(out, " --%s FILE", ch_settings_table[i].name); /* a store does not know its name */
        } else if (ch_fit_is_key(i) && (i == CH_SETTING_CHI || i == CH_SETTING_DIM || strcmp(value, usual) != 0)) {
            const char *quote = ch_settings_table[i].type == CH_TYPE_RULE ? "\"" : "";
            fprintf(out, " --%s %s%s%s", ch_settings_table[i].name, quote, value, quote);
        }
    }
}

/* ---- P ---- */

/* The largest P that the data surely have: of data that are drawn any, of images the largest that a run had, because
 * a store does not know how many images there are. */
static uint64_t largest_train(const ch_fit_group *group)
{
    return ch_settings_has_pool(&group->key) ? group->trains[group->num_trains - 1]
                                             : (uint64_t)ch_settings_table[CH_SETTING_TRAIN].most;
}

/* Writes `count` P, each twice the one before, from `least` on. Where the last would be more than the data have, they
 * end at the largest P that the data have, and those under the batch size are left out. */
static void write_doublings(FILE *out, const ch_fit_group *group, uint64_t least, unsigned count)
{
    const uint64_t most = largest_train(group), batch = group->key.batch > 0 ? group->key.batch : 1;
    const bool fits = least <= most >> (count - 1);
    const char *before = "";
    for (unsigned i = 0; i < count; i++) {
        const uint64_t train = fits ? least << i : most >> (count - 1 - i);
        if (train >= batch) {
            fprintf(out, "%s%llu", before, (unsigned long long)train);
            before = ",";
        }
    }
}

static void write_trains(FILE *out, const ch_fit_group *group, ch_advice what)
{
    fputs(" --train ", out);
    if (what == CH_ADVICE_TRAINS) {
        write_doublings(out, group, group->trains[group->num_trains - 1], 3);
        return;
    }
    if (what == CH_ADVICE_ALL) {
        write_doublings(out, group, group->trains[0], 5);
        return;
    }
    for (size_t p = 0; p < group->num_trains; p++) {
        fprintf(out, "%s%llu", p > 0 ? "," : "", (unsigned long long)group->trains[p]);
    }
}

/* ---- seeds and budgets ---- */

static uint64_t count_of(const ch_run *run, size_t setting)
{
    return ch_settings_get(&run->settings, setting).count;
}

/* Whether a setting has the same value in all runs of a group. */
static bool is_constant(const ch_fit_group *group, size_t setting)
{
    for (size_t i = 1; i < group->num_runs; i++) {
        if (count_of(group->runs[i], setting) != count_of(group->runs[0], setting)) {
            return false;
        }
    }
    return true;
}

/* Whether a seed is that of `seed` in all runs, which is what it is where it was not given. */
static bool follows_seed(const ch_fit_group *group, size_t setting)
{
    for (size_t i = 0; i < group->num_runs; i++) {
        if (count_of(group->runs[i], setting) != count_of(group->runs[i], CH_SETTING_SEED)) {
            return false;
        }
    }
    return true;
}

/* The smallest value of a seed in the group that is at least `from`.
 * @return false where there is none */
static bool next_seed(const ch_fit_group *group, size_t setting, uint64_t from, uint64_t *seed)
{
    bool found = false;
    for (size_t i = 0; i < group->num_runs; i++) {
        const uint64_t here = count_of(group->runs[i], setting);
        if (here >= from && (!found || here < *seed)) {
            *seed = here;
            found = true;
        }
    }
    return found;
}

/* Writes the values that a seed has in the group, and after them new ones until they are `count`, consecutive ones as a
 * range. */
static void write_seeds(FILE *out, const ch_fit_group *group, size_t setting, size_t count)
{
    uint64_t first = 0, seed = 0, from = 0, end = 0; /* of the present range: first .. end - 1 */
    size_t written = 0;
    const char *before = "";
    fprintf(out, " --%s ", ch_settings_table[setting].name);
    for (;;) {
        const bool is_old = next_seed(group, setting, from, &seed);
        if (!is_old && written >= count) {
            break;
        }
        seed = is_old ? seed : end;
        if (written > 0 && seed != end) {
            fprintf(out, end - first > 1 ? "%s%llu..%llu" : "%s%llu", before, (unsigned long long)first,
                    (unsigned long long)(end - 1));
            before = ",";
        }
        first = written == 0 || seed != end ? seed : first;
        end = from = seed + 1;
        written++;
    }
    fprintf(out, end - first > 1 ? "%s%llu..%llu" : "%s%llu", before, (unsigned long long)first,
            (unsigned long long)(end - 1));
}

/* Writes the seeds of a sweep on `count` data sets or more: those of the group, and further ones. A data set has its
 * own seed_data, which is that of `seed` unless it was given. */
static void write_data_sets(FILE *out, const ch_fit_group *group, size_t count)
{
    static const size_t own[] = {CH_SETTING_SEED_DATA, CH_SETTING_SEED_INIT, CH_SETTING_SEED_BATCH};
    const bool by_seed = follows_seed(group, CH_SETTING_SEED_DATA);
    if (by_seed || !is_constant(group, CH_SETTING_SEED) || count_of(group->runs[0], CH_SETTING_SEED) != 0) {
        write_seeds(out, group, CH_SETTING_SEED, by_seed ? count : 0);
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (ch_setting_applies(&group->key, own[i]) && !follows_seed(group, own[i])) {
            write_seeds(out, group, own[i], own[i] == CH_SETTING_SEED_DATA ? count : 0);
        }
    }
}

/* Whether a budget ended a run of the group. */
static bool has_budget_ended(const ch_fit_group *group)
{
    for (size_t i = 0; i < group->num_runs; i++) {
        if (group->runs[i]->status == CH_BUDGET) {
            return true;
        }
    }
    return false;
}

/* A budget, ten times as large where it is to be raised, but at most the largest that is accepted. */
static ch_value raised(const ch_setting *row, ch_value value, bool is_raised)
{
    const uint64_t factor = is_raised ? 10 : 1;
    if (row->type == CH_TYPE_REAL) {
        return (ch_value){.real = value.real * (double)factor};
    }
    const uint64_t most = row->most < 0x1p63 ? (uint64_t)row->most : UINT64_MAX >> 1;
    return (ch_value){.count = value.count <= most / factor ? value.count * factor : most};
}

/* Writes the budgets that all runs have in common: some runs are refused without one. Where a budget ended runs, and
 * the sweep is to have T at which all runs are fitted, it has ten times the budgets: the same ones would end the same
 * runs again. */
static void write_budgets(FILE *out, const ch_fit_group *group, ch_advice what)
{
    static const size_t budgets[] = {CH_SETTING_MAX_STEPS, CH_SETTING_MAX_UPDATES, CH_SETTING_MAX_SECONDS};
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        const ch_setting *row = &ch_settings_table[budgets[i]];
        const bool is_raised = (what == CH_ADVICE_ALL || what == CH_ADVICE_BEND) && has_budget_ended(group);
        char value[32];
        if (is_constant(group, budgets[i]) && count_of(group->runs[0], budgets[i]) != 0) {
            const ch_value budget = ch_settings_get(&group->runs[0]->settings, budgets[i]);
            ch_setting_show(row, raised(row, budget, is_raised), value, sizeof value);
            fprintf(out, " --%s %s", row->name, value);
        }
    }
}

/* ---- T ---- */

/* The number of temperatures, from the first on, that are consecutive powers of two; 1 where the first is none.
 * @param temps  [count] ascending, count > 0 */
static size_t count_powers(const double *temps, size_t count)
{
    size_t length = 1;
    if (temps[0] == ldexp(1, ilogb(temps[0]))) {
        while (length < count && temps[length] == 2 * temps[length - 1]) {
            length++;
        }
    }
    return length;
}

/* The least temperature at which every run of the group diverged, at all P; INFINITY where there is none. */
static double least_divergent(const ch_fit_group *group)
{
    for (size_t t = 0; t < group->num_temps; t++) {
        size_t num_runs = 0, num_diverged = 0;
        for (size_t c = 0; c < group->num_cells; c++) {
            const ch_fit_cell *cell = &group->cells[c];
            if (cell->temp == t) {
                num_runs += cell->end - cell->begin;
                num_diverged += cell->num_diverged;
            }
        }
        if (num_runs > 0 && num_diverged == num_runs) {
            return group->temps[t];
        }
    }
    return INFINITY;
}

/* Writes a range of temperatures from a quarter of the margin kappa to 2^16 times it. Where every run diverged at some
 * temperature, the range ends under the least such one, and has seven temperatures or more. */
static void write_wide_temps(FILE *out, const ch_fit_group *group)
{
    const int kappa = ilogb(1 / group->key.alpha);
    const double divergent = least_divergent(group);
    int lo = kappa - 2, hi = kappa + 16;
    if (divergent <= ldexp(1, hi)) {
        hi = (int)ceil(log2(divergent)) - 1;
        lo = lo < hi - 6 ? lo : hi - 6;
    }
    fprintf(out, "2^%d..2^%d", lo, hi);
}

/* Writes temperatures, consecutive powers of two as a range. For a bend they are powers of two over the temperatures
 * that the group has, and at least from an eighth of the margin kappa to 64 times it. */
static void write_temps(FILE *out, const ch_fit_group *group, ch_advice what)
{
    fputs(" --temp ", out);
    if (what == CH_ADVICE_ALL) {
        write_wide_temps(out, group);
        return;
    }
    if (what == CH_ADVICE_BEND) {
        const double kappa = 1 / group->key.alpha;
        fprintf(out, "2^%.0f..2^%.0f", floor(log2(fmin(kappa / 8, group->temps[0]))),
                ceil(log2(fmax(64 * kappa, group->temps[group->num_temps - 1]))));
        return;
    }
    for (size_t t = 0, length = 1; t < group->num_temps; t += length) {
        char value[32];
        length = count_powers(group->temps + t, group->num_temps - t);
        fputs(t > 0 ? "," : "", out);
        if (length > 2) {
            fprintf(out, "2^%d..2^%d", ilogb(group->temps[t]), ilogb(group->temps[t + length - 1]));
        } else {
            length = 1;
            ch_setting_show(&ch_settings_table[CH_SETTING_TEMP], (ch_value){.real = group->temps[t]}, value,
                            sizeof value);
            fputs(value, out);
        }
    }
}

ch_code ch_advice_sentence(char **text, const ch_fit_group *group, ch_advice what, ch_error *err, const char *format,
                           ...)
{
    size_t size = 0;
    *text = NULL;
    FILE *out = ch_memstream_open(text, &size);
    if (out == NULL) {
        return ch_error_memory(err, "a sentence on a fit");
    }
    va_list args;
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fputs(": try chiton sweep", out);
    write_settings(out, group);
    write_trains(out, group, what);
    write_temps(out, group, what);
    const size_t num_data_sets = what == CH_ADVICE_DATA_SETS ? 2 * group->num_data_sets : group->num_data_sets;
    write_data_sets(out, group, num_data_sets > 10 ? num_data_sets : 10);
    write_budgets(out, group, what);
    /* a store does not know where the files lay */
    fputs(ch_law_of(group->key.data)->is_file       ? " --data_file FILE --data_labels FILE -o STORE"
          : ch_law_of(group->key.data)->has_density ? " --density FILE -o STORE"
          : ch_settings_has_images(&group->key)     ? " --data_dir DIR -o STORE"
                                                    : " -o STORE",
          out);
    if (!ch_memstream_close(out, text)) {
        return ch_error_memory(err, "a sentence on a fit");
    }
    return CH_OK;
}
