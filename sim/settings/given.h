/* given.h — settings as they were given, before they are resolved. Private to sim/settings/. */
#ifndef CH_GIVEN_H
#define CH_GIVEN_H

#include "sim/settings/settings.h"

static inline bool ch_settings_is_given(const ch_settings *self, size_t index)
{
    return (self->given >> index & 1) != 0;
}

/** The name of a choice's value. */
static inline const char *ch_settings_word(size_t index, uint64_t choice)
{
    return ch_settings_table[index].choice(choice);
}

/** Checks every setting by itself, and that those that are given go together.
 *  @return CH_OK, or CH_ERROR_INPUT with the setting's name, its value and what is accepted */
ch_code ch_settings_check(const ch_settings *self, ch_error *err) CH_MUST_CHECK;

#endif
