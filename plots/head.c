/* head.c — what a page is about: the runs on it, its title and its file's name. */
#include "plots/head.h"

#include "core/memory.h"
#include "sim/settings/reals.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ch_code ch_page_heads_of_groups(const ch_fit *fit, ch_page_head **heads, ch_error *err)
{
    *heads = ch_alloc(fit->num_groups, sizeof **heads);
    if (*heads == NULL) {
        return ch_error_memory(err, "the figures");
    }
    for (size_t g = 0; g < fit->num_groups; g++) {
        const ch_fit_group *group = &fit->groups[g];
        (*heads)[g] = (ch_page_head){
            .key = &group->key,
            .runs = group->runs,
            .num_runs = group->num_runs,
            .differing = fit->differing,
            .trains = group->trains,
            .num_trains = group->num_trains,
        };
    }
    return CH_OK;
}

bool ch_page_head_is_fixed(const ch_page_head *self, size_t setting)
{
    if (setting == CH_SETTING_BATCH && self->key->batch == 0) {
        return true; /* every run has the full batch, whatever its P */
    }
    for (size_t i = 0; i < self->num_runs; i++) {
        if (!ch_settings_are_one(&self->runs[0]->settings, &self->runs[i]->settings, setting)) {
            return false;
        }
    }
    return true;
}

enum {
    COMPOSED_SIZE = 2048, /* room for every setting of a run */
    MOST_DIGITS = 8       /* characters of a real number in a title; those with more are rounded to three digits */
};

static void append(char text[COMPOSED_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char text[COMPOSED_SIZE], const char *format, ...)
{
    const size_t length = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + length, COMPOSED_SIZE - length, format, args);
    va_end(args);
}

bool ch_page_head_has_digest(const ch_page_head *self)
{
    return (self->differing & CH_FIT_BY_DIGEST) != 0 && ch_settings_has_digest(self->key);
}

/* The settings that a title and a file's name always have, as bits. */
static uint64_t always_named(const ch_page_head *self)
{
    const bool has_data = ch_settings_is_network(self->key) || !ch_setting_applies(self->key, CH_SETTING_CHI);
    return UINT64_C(1) << CH_SETTING_CHI | UINT64_C(1) << CH_SETTING_DIM | (uint64_t)has_data << CH_SETTING_DATA |
           (uint64_t)self->key->linear << CH_SETTING_LINEAR;
}

/* The settings that tell a group from one with every setting at its default, and the digest of its data. They are of
 * the page alone, whatever other pages there are. */
static uint64_t own_settings(const ch_page_head *self)
{
    uint64_t own = ch_settings_has_digest(self->key) ? CH_FIT_BY_DIGEST : 0;
    ch_settings defaults;
    ch_settings_default(&defaults);
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        const bool is_own = ch_fit_is_key(i) && !ch_settings_are_one(self->key, &defaults, i);
        own |= (uint64_t)is_own << i;
    }
    return (own & ~self->varying) | self->added;
}

/* Writes the model, and then the settings of a set, with the digest where the set has that, by `write`. */
static void compose(const ch_page_head *self, uint64_t set, char text[COMPOSED_SIZE],
                    void (*write)(char *text, const char *name, const char *value))
{
    char value[CH_SETTING_TEXT_SIZE];
    ch_setting_format(&ch_settings_table[CH_SETTING_MODEL], ch_settings_get(self->key, CH_SETTING_MODEL), value,
                      sizeof value);
    text[0] = '\0';
    append(text, "%s", value);
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        if (i != CH_SETTING_MODEL && (set >> i & 1) != 0 && ch_setting_applies(self->key, i)) {
            const ch_setting *row = &ch_settings_table[i];
            const bool is_digest = row->type == CH_TYPE_CONTENT;
            (is_digest ? ch_setting_show : ch_setting_format)(row, ch_settings_get(self->key, i), value, sizeof value);
            write(text, row->name, value);
        }
    }
    if ((set & CH_FIT_BY_DIGEST) != 0 && ch_settings_has_digest(self->key) && self->key->data_digest[0] != '\0') {
        snprintf(value, sizeof value, "%.*s", CH_DIGEST_SHOWN, self->key->data_digest);
        write(text, "data_digest", value);
    }
}

static void write_title(char *text, const char *name, const char *value)
{
    char number[32];
    size_t setting = 0;
    const bool is_real =
        ch_settings_find(name, &setting, NULL) == CH_OK && ch_settings_table[setting].type == CH_TYPE_REAL;
    if (is_real && strlen(value) > MOST_DIGITS) {
        snprintf(number, sizeof number, "%.3g", strtod(value, NULL));
        value = number;
    }
    const char *symbol = strcmp(name, "chi") == 0 ? "χ" : strcmp(name, "dim") == 0 ? "d" : name;
    append(text, "%s%s = %s", strchr(text, '=') == NULL ? ": " : ", ", symbol, value);
}

/* Blanks and commas, which a rule of labels has, are underscores in a file's name. */
static void write_file(char *text, const char *name, const char *value)
{
    char part[CH_SETTING_TEXT_SIZE];
    snprintf(part, sizeof part, "%s", value);
    for (char *c = part; *c != '\0'; c++) {
        *c = *c == ' ' || *c == ',' ? '_' : *c;
    }
    append(text, "-%s%s", name, part);
}

void ch_page_head_title(const ch_page_head *self, char text[CH_LABEL_SIZE])
{
    char whole[COMPOSED_SIZE];
    compose(self, self->differing | always_named(self), whole, write_title);
    snprintf(text, CH_LABEL_SIZE, "%s", whole);
}

/* The FNV-1a hash of a text. */
static uint32_t hash(const char *text)
{
    uint32_t value = UINT32_C(2166136261);
    for (; *text != '\0'; text++) {
        value = (value ^ (unsigned char)*text) * UINT32_C(16777619);
    }
    return value;
}

void ch_page_head_file(const ch_page_head *self, char text[CH_LABEL_SIZE])
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._";
    enum { MOST = 80 }; /* of a name that is not cut */
    char whole[COMPOSED_SIZE];
    compose(self, own_settings(self) | always_named(self), whole, write_file);
    for (char *c = whole; *(c += strspn(c, accepted)) != '\0';) {
        *c = '_';
    }
    if (strlen(whole) <= MOST) {
        snprintf(text, CH_LABEL_SIZE, "%s", whole);
    } else {
        snprintf(text, CH_LABEL_SIZE, "%.*s-%08x", MOST - 9, whole, hash(whole));
    }
}
