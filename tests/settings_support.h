/* settings_support.h — settings written as NAME=VALUE pairs, and messages about them. */
#ifndef CH_TESTS_SETTINGS_SUPPORT_H
#define CH_TESTS_SETTINGS_SUPPORT_H

#include "tests/support.h"

#include "sim/settings/settings.h"

#include <stdio.h>
#include <string.h>

static inline size_t setting_row(const char *name)
{
    size_t index = 0;
    ch_error err;
    assert_int_equal(ch_settings_find(name, &index, &err), CH_OK);
    return index;
}

static inline void assert_has(const char *message, const char *part)
{
    if (strstr(message, part) == NULL) {
        fail_msg("'%s' lacks '%s'", message, part);
    }
}

/* Sets NAME=VALUE pairs, separated by spaces, over the defaults. */
static inline ch_settings settings_of(const char *pairs)
{
    static char copies[8][512]; /* settings borrow text from a copy until the eighth call after this one */
    static size_t calls = 0;
    char *rest = copies[calls++ % 8];
    ch_settings settings;
    ch_settings_default(&settings);
    snprintf(rest, sizeof copies[0], "%s", pairs);
    while (rest != NULL && *rest != '\0') {
        char *text = strsep(&rest, " ");
        const char *name = strsep(&text, "=");
        const size_t index = setting_row(name);
        ch_value value;
        ch_error err;
        if (ch_setting_parse(&ch_settings_table[index], text, &value, &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
        ch_settings_set(&settings, index, value);
    }
    return settings;
}

/* Resolves settings, and requires that they are accepted. It does not check whether the run may begin. */
static inline ch_resolved resolve_settings(const ch_settings *settings)
{
    ch_resolved resolved = {0};
    ch_error err = {0};
    if (ch_settings_resolve(settings, &resolved, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return resolved;
}

static inline ch_resolved resolved_of(const char *pairs)
{
    const ch_settings settings = settings_of(pairs);
    return resolve_settings(&settings);
}

static inline ch_settings resolved(const char *pairs)
{
    return resolved_of(pairs).settings;
}

#endif
