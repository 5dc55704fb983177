/* data_export.c — `chiton data export`: the samples of any law as NPY files, for use elsewhere. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "core/text.h"
#include "data/npy_write.h"
#include "sim/admit.h"
#include "sim/train_set.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether a setting says which samples there are. */
static bool is_of_data(size_t setting)
{
    switch (setting) {
    case CH_SETTING_DATA:
    case CH_SETTING_CHI:
    case CH_SETTING_DIM:
    case CH_SETTING_TEACHER:
    case CH_SETTING_TRAIN:
    case CH_SETTING_TEST:
    case CH_SETTING_SEED:
    case CH_SETTING_SEED_DATA:
    case CH_SETTING_CLASSES:
    case CH_SETTING_NORMALISE:
    case CH_SETTING_LABEL_NOISE:
    case CH_SETTING_SPECTRUM:
    case CH_SETTING_TEACHER_AXIS:
    case CH_SETTING_DATA_DIR:
    case CH_SETTING_DATA_FILE:
    case CH_SETTING_DATA_LABELS:
    case CH_SETTING_DENSITY:
        return true;
    default:
        return false;
    }
}

static void set_text(ch_settings *settings, size_t setting, const char *text)
{
    ch_value value;
    if (ch_setting_parse(&ch_settings_table[setting], text, &value, NULL) == CH_OK) {
        ch_settings_set(settings, setting, value);
    }
}

/* The settings of a run on these samples: one step of a network, which takes every law. */
static ch_code read_settings(const ch_cli *cli, ch_resolved *resolved, ch_error *err)
{
    ch_settings settings;
    ch_settings_default(&settings);
    settings.data_dir = getenv("CHITON_DATA");
    set_text(&settings, CH_SETTING_MODEL, "mlp");
    set_text(&settings, CH_SETTING_WIDTH, "1");
    set_text(&settings, CH_SETTING_TEMP, "1");
    set_text(&settings, CH_SETTING_BATCH, "1");
    set_text(&settings, CH_SETTING_MAX_STEPS, "1");
    for (size_t i = 0; i < cli->num_settings; i++) {
        const ch_cli_setting *given = &cli->settings[i];
        const ch_setting *row = &ch_settings_table[given->setting];
        ch_value value;
        if (!is_of_data(given->setting)) {
            return ch_error_set(
                err, CH_ERROR_INPUT,
                "%s is given, but says nothing about samples; accepted are settings of the data, train, "
                "test and the seeds",
                row->name);
        }
        const ch_code code = ch_setting_parse(row, given->text, &value, err);
        if (code != CH_OK) {
            return code;
        }
        if (given->setting == CH_SETTING_TEACHER && value.count == CH_TEACHER_FITTED) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "teacher is fitted, but says nothing about samples; accepted is axis or random");
        }
        ch_settings_set(&settings, given->setting, value);
    }
    return ch_settings_resolve(&settings, resolved, err);
}

/* Refuses names of which a file is there: samples that somebody has kept are not written over. */
static ch_code check_names(const char *name, bool has_test, ch_error *err)
{
    static const char *const ends[] = {"-x.npy", "-y.npy", "-test-x.npy", "-test-y.npy"};
    for (size_t i = 0; i < (has_test ? 4 : 2); i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s%s", name, ends[i]);
        if (access(path, F_OK) == 0) {
            return ch_error_set(err, CH_ERROR_INPUT, "%s is there already; accepted is the name of new files",
                                ch_show(path).text);
        }
    }
    return CH_OK;
}

/* Writes NAME-x.npy and NAME-y.npy. */
static ch_code write_examples(const ch_examples *examples, const char *name, const char *kind, ch_error *err)
{
    char path[PATH_MAX];
    const size_t sizes[] = {examples->num_samples, examples->shape.channels, examples->shape.rows,
                            examples->shape.columns};
    const bool is_vector = examples->shape.rows == 1 && examples->shape.columns == 1;
    snprintf(path, sizeof path, "%s%s-x.npy", name, kind);
    ch_code code = ch_npy_write(path, CH_ELEMENT_F32, sizes, is_vector ? 2 : 4, examples->inputs, err);
    if (code != CH_OK) {
        return code;
    }
    snprintf(path, sizeof path, "%s%s-y.npy", name, kind);
    code = ch_npy_write(path, CH_ELEMENT_I8, sizes, 1, examples->labels, err);
    if (code != CH_OK) {
        return code;
    }
    ch_text_print(name, stdout);
    printf("%s-x.npy, ", kind);
    ch_text_print(name, stdout);
    printf("%s-y.npy: %zu samples of ", kind, sizes[0]);
    if (is_vector) {
        printf("%zu numbers\n", sizes[1]);
    } else {
        printf("%zu x %zu x %zu\n", sizes[1], sizes[2], sizes[3]);
    }
    return CH_OK;
}

static ch_code export(const ch_cli *cli, const char *name, ch_error *err)
{
    ch_resolved resolved;
    ch_sources sources = {0};
    ch_train_set set = {0};
    ch_code code = CH_OK;
    if (cli->num_arguments != 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "data export takes settings and -o NAME, but is given '%s'",
                            ch_show(cli->arguments[0]).text);
    }
    if (name == NULL || strlen(name) > PATH_MAX - 64) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "-o is %s: accepted is how the names of the files begin, e.g. -o samples",
                            name == NULL ? "missing" : "too long");
    }
    code = read_settings(cli, &resolved, err);
    if (code != CH_OK) {
        goto out;
    }
    code = check_names(name, resolved.settings.test > 0, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_sources_admit(&sources, &resolved, NULL, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_train_set_init(&set, &resolved, &sources, (size_t)resolved.settings.train, 1, NULL, err);
    if (code != CH_OK) {
        goto out;
    }
    code = write_examples(&set.train, name, "", err);
    if (code != CH_OK) {
        goto out;
    }
    code = set.test.num_samples > 0 ? write_examples(&set.test, name, "-test", err) : CH_OK;
    if (code != CH_OK) {
        goto out;
    }
    code = ch_cli_flush(err);
out:
    ch_train_set_free(&set);
    ch_sources_free(&sources);
    return code;
}

int ch_cmd_data_export(int argc, const char **argv)
{
    char *name = NULL;
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &name, 0, "how the names of the files begin: NAME-x.npy, NAME-y.npy", "NAME"},
        POPT_TABLEEND};
    ch_error err = {0};
    ch_cli cli;
    ch_code code = ch_cli_init(&cli, argc, argv, options, true, "data export [--SETTING VALUE]... -o NAME", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = export(&cli, name, &err);
out:
    ch_cli_free(&cli);
    free(name);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
