/* complete.c — what a shell may complete a command line with. */
#include "cli/complete.h"

#include "sim/settings/settings.h"

#include <stdbool.h>
#include <string.h>

void ch_complete_options(const struct poptOption *table, FILE *out)
{
    for (const struct poptOption *row = table; row->longName != NULL || row->shortName != '\0'; row++) {
        size_t setting = 0;
        if (row->longName == NULL) {
            continue;
        }
        const bool is_setting = row->descrip == NULL && ch_settings_find(row->longName, &setting, NULL) == CH_OK;
        if (is_setting && strcmp(row->longName, ch_settings_table[setting].name) != 0) {
            continue; /* its other spelling */
        }
        fprintf(out, "--%s\t%s\n", row->longName, is_setting ? ch_settings_table[setting].help : row->descrip);
    }
}

void ch_complete_values(const char *option, FILE *out)
{
    size_t setting = 0;
    if (ch_settings_find(option + strspn(option, "-"), &setting, NULL) != CH_OK) {
        return;
    }
    const ch_setting *row = &ch_settings_table[setting];
    for (size_t i = 0; row->type == CH_TYPE_CHOICE && row->choice(i) != NULL; i++) {
        fprintf(out, "%s\n", row->choice(i));
    }
    if (row->word != NULL) {
        fprintf(out, "%s\n", row->word);
    }
}
