/* advice.c — sentences on the runs that a group lacks. Each ends in the command for the sweep that makes these runs. */
#include "fit/table/advice.h"

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
        char value[32], usual[32];
        if (!ch_setting_applies(&group->key, i)) {
            continue;
        }
        ch_setting_format(&ch_settings_table[i], ch_settings_get(&group->key, i), value, sizeof value);
        ch_setting_format(&ch_settings_table[i], ch_settings_get(&defaults, i), usual, sizeof usual);
        if (i == CH_SETTING_MODEL) {
            fprintf(out, " %s", value);
        } else if (ch_fit_is_key(i) && (i == CH_SETTING_CHI || i == CH_SETTING_DIM || strcmp(value, usual) != 0)) {
            fprintf(out, " --%s %s", ch_settings_table[i].name, value);
        }
    }
}

static void write_trains(FILE *out, const ch_fit_group *group, ch_advice what)
{
    fputs(" --train ", out);
    if (what == CH_ADVICE_TRAINS) {
        const unsigned long long largest = group->trains[group->num_trains - 1];
        fprintf(out, "%llu,%llu,%llu", largest, 2 * largest, 4 * largest);
        return;
    }
    if (what == CH_ADVICE_ALL) {
        const unsigned long long least = group->trains[0];
        fprintf(out, "%llu,%llu,%llu,%llu,%llu", least, 2 * least, 4 * least, 8 * least, 16 * least);
        return;
    }
    for (size_t p = 0; p < group->num_trains; p++) {
        fprintf(out, "%s%llu", p > 0 ? "," : "", (unsigned long long)group->trains[p]);
    }
}

/* Writes temperatures. For a bend they are powers of two over the temperatures that the group has, and at least from an
 * eighth of the margin kappa to 64 times it. */
static void write_temps(FILE *out, const ch_fit_group *group, ch_advice what)
{
    fputs(" --temp ", out);
    if (what == CH_ADVICE_ALL) {
        const int kappa = ilogb(1 / group->key.alpha);
        fprintf(out, "2^%d..2^%d", kappa - 2, kappa + 16);
        return;
    }
    if (what == CH_ADVICE_BEND) {
        const double kappa = 1 / group->key.alpha;
        fprintf(out, "2^%.0f..2^%.0f", floor(log2(fmin(kappa / 8, group->temps[0]))),
                ceil(log2(fmax(64 * kappa, group->temps[group->num_temps - 1]))));
        return;
    }
    for (size_t t = 0; t < group->num_temps; t++) {
        char value[32];
        ch_setting_format(&ch_settings_table[CH_SETTING_TEMP], (ch_value){.real = group->temps[t]}, value,
                          sizeof value);
        fprintf(out, "%s%s", t > 0 ? "," : "", value);
    }
}

ch_code ch_advice_sentence(char **text, const ch_fit_group *group, ch_advice what, ch_error *err, const char *format,
                           ...)
{
    size_t size = 0;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
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
    fprintf(out, " --seed 0..%zu -o STORE", num_data_sets > 10 ? num_data_sets - 1 : 9);
    if (fclose(out) != 0) {
        free(*text);
        *text = NULL;
        return ch_error_memory(err, "a sentence on a fit");
    }
    return CH_OK;
}
