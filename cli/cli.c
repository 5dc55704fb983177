/* cli.c — functions that all commands use: options, messages, exit status, output, signals. */
#include "cli/cli.h"

#include "cli/complete.h"
#include "core/available.h"
#include "core/memory.h"
#include "core/names.h"
#include "core/obstacle.h"
#include "core/text.h"
#include "models/twin/kernel_file.h"
#include "sim/settings/words.h"
#include "sim/store/json.h"

#include <errno.h>
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

/* ---- messages ---- */

int ch_cli_fail(const ch_error *err)
{
    fprintf(stderr, "chiton: %s\n", err->message);
    switch (err->code) {
    case CH_OK:
        return CH_EXIT_OK;
    case CH_ERROR_INPUT:
        return CH_EXIT_USAGE;
    case CH_ERROR_INTERRUPTED:
        return CH_EXIT_INTERRUPTED;
    case CH_ERROR_MEMORY:
    case CH_ERROR_IO:
    case CH_ERROR_NUMERIC:
        break;
    }
    return CH_EXIT_FAILED;
}

/* ---- the option table ---- */

/* The numbers by which popt reports an option: --help, the first of the command's own, the first setting. */
enum { VAL_HELP = 1, VAL_OWN = 1000, VAL_SETTING = 2000 };
/* Room for the command's own options, --help, and settings in two spellings. */
enum { MAX_OPTIONS = 64 + 1 + 2 * 64 };

static bool takes_settings(const ch_cli *self)
{
    return self->spellings != NULL;
}

/* Writes the second spelling of a setting's name, with '-' in place of '_'.
 * @param spelling  the place to write at; moved behind the written spelling
 * @return the spelling */
static const char *hyphenate(const char *name, char **spelling)
{
    char *start = *spelling;
    char *end = start;
    for (; *name != '\0'; name++) {
        *end++ = *name == '_' ? '-' : *name;
    }
    *end++ = '\0';
    *spelling = end;
    return start;
}

/* Appends the settings to the option table. popt's help does not show them, because ch_cli_print_settings does. */
static ch_code add_settings(ch_cli *self, struct poptOption *option, ch_error *err)
{
    size_t room = 0;
    for (size_t i = 0; i < ch_settings_count; i++) {
        room += strlen(ch_settings_table[i].name) + 1;
    }
    self->spellings = ch_alloc(room, 1);
    if (self->spellings == NULL) {
        return ch_error_memory(err, "the option table");
    }
    char *spelling = self->spellings;
    for (size_t i = 0; i < ch_settings_count; i++) {
        const char *name = ch_settings_table[i].name;
        struct poptOption row = {
            .longName = name, .argInfo = POPT_ARG_STRING | POPT_ARGFLAG_DOC_HIDDEN, .val = VAL_SETTING + (int)i};
        *option++ = row;
        if (strchr(name, '_') != NULL) {
            row.longName = hyphenate(name, &spelling);
            *option++ = row;
        }
    }
    return CH_OK;
}

/* Makes the option table: the command's own options, --help, and the settings if asked for. */
static ch_code make_table(ch_cli *self, const struct poptOption *options, bool with_settings, ch_error *err)
{
    const struct poptOption help = {
        .longName = "help", .shortName = 'h', .argInfo = POPT_ARG_NONE, .val = VAL_HELP, .descrip = "print this help"};
    size_t own = 0;
    while (options[own].longName != NULL || options[own].shortName != '\0') {
        own++;
    }
    self->table =
        ch_alloc(own + 2 * ch_settings_count + 2, sizeof *self->table); /* the row of zeros at its end ends it */
    if (self->table == NULL) {
        return ch_error_memory(err, "the option table");
    }
    for (size_t i = 0; i < own; i++) {
        self->table[i] = options[i];
        self->table[i].val = VAL_OWN + (int)i; /* makes popt report each option that it has stored */
    }
    self->table[own] = help;
    return with_settings ? add_settings(self, self->table + own + 1, err) : CH_OK;
}

/* ---- help ---- */

void ch_cli_print_settings(FILE *out)
{
    fputs("Settings, each as --NAME VALUE:\n", out);
    for (size_t i = 0; i < ch_settings_count; i++) {
        const ch_setting *row = &ch_settings_table[i];
        char accepted[160];
        ch_setting_accepted(row, accepted, sizeof accepted);
        fprintf(out, "  %-12s  %s\n%16s%s", row->name, row->help, "", accepted);
        if (row->default_text != NULL) {
            fprintf(out, "; default %s", row->default_text);
        } else if (i == CH_SETTING_MODEL) {
            fputs("; required", out);
        } else if (i == CH_SETTING_TEMP || i == CH_SETTING_RATE) {
            fputs("; exactly one of temp and rate is required", out);
        } else if (i == CH_SETTING_DATA_DIR) {
            fputs("; default $CHITON_DATA", out);
        } else if (i == CH_SETTING_CLASSES) {
            fputs("; default even vs odd, of cifar10 animals vs vehicles, of a file larger vs smaller of two labels",
                  out);
        } else if (i == CH_SETTING_DATA_FILE) {
            fputs("; read where data = file, which follows from it", out);
        } else if (i == CH_SETTING_DATA_LABELS) {
            fputs("; default the array or the column of data_file that has the labels", out);
        } else if (i == CH_SETTING_DENSITY) {
            fputs("; read where data = density, which follows from it", out);
        } else {
            fputs("; default seed", out);
        }
        fputc('\n', out);
    }
}

/* Prints popt's table of options. popt breaks its lines for 79 columns; a page of another width breaks them itself, so
 * that what popt continued is joined again. */
static ch_code print_options(const ch_cli *self, const ch_cli_page *page, ch_error *err)
{
    enum { CONTINUED = 16 }; /* blanks before what is continued are more; those before an option are fewer */
    char *text = NULL;
    size_t size = 0;
    if (page->width == 0) {
        poptPrintHelp(self->context, page->out, 0);
        return CH_OK;
    }
    FILE *whole = open_memstream(&text, &size);
    if (whole == NULL) {
        return ch_error_memory(err, "the help");
    }
    poptPrintHelp(self->context, whole, 0);
    if (fclose(whole) != 0) {
        free(text);
        return ch_error_memory(err, "the help");
    }
    for (const char *at = text; *at != '\0'; at++) {
        const size_t blanks = *at == '\n' ? strspn(at + 1, " ") : 0;
        fputc(blanks > CONTINUED ? ' ' : *at, page->out);
        at += blanks > CONTINUED ? blanks : 0;
    }
    free(text);
    return CH_OK;
}

static ch_code print_help(ch_cli *self, ch_error *err)
{
    ch_cli_page page;
    ch_code code = ch_cli_page_open(&page, err);
    self->help = true;
    if (code != CH_OK) {
        return code;
    }
    code = print_options(self, &page, err);
    if (code == CH_OK && takes_settings(self)) {
        fputc('\n', page.out);
        ch_cli_print_settings(page.out);
    }
    const ch_code closed = ch_cli_page_close(&page, err);
    return code != CH_OK ? code : closed;
}

/* What completions/ ask a command as its first option, for the options there are or the values of one of them. */
static const char COMPLETE[] = "--complete";

static ch_code print_candidates(ch_cli *self, const char *option, ch_error *err)
{
    if (option == NULL) {
        ch_complete_options(self->table, stdout);
    } else if (takes_settings(self)) {
        ch_complete_values(option, stdout);
    }
    self->help = true;
    return ch_cli_flush(err);
}

/* ---- parsing ---- */

/* Refuses an option that does not exist, and names the one that is most like it. */
static ch_code refuse_unknown(const ch_cli *self, const char *option, ch_error *err)
{
    char word[64];
    const char *begin = option + strspn(option, "-");
    snprintf(word, sizeof word, "%.*s", (int)strcspn(begin, "="), begin);
    const ch_word known = ch_words_find(word); /* such as --lr or -T, which is a setting's name elsewhere */
    if (takes_settings(self) && known.known) {
        const ch_setting *row = &ch_settings_table[known.setting];
        return ch_error_set(err, CH_ERROR_INPUT, "unknown option '%.*s%s'; did you mean '--%s'? That is: %s",
                            (int)(begin - option), option, ch_show(word).text, row->name,
                            known.meaning != NULL ? known.meaning : row->help);
    }
    if (strncmp(option, "--", 2) != 0) {
        return ch_error_set(err, CH_ERROR_INPUT, "unknown option '%s'; see --help", ch_show(option).text);
    }
    const char *names[MAX_OPTIONS];
    size_t count = 0;
    for (const struct poptOption *row = self->table; row->longName != NULL || row->shortName != '\0'; row++) {
        if (row->longName != NULL && count < MAX_OPTIONS) {
            names[count++] = row->longName;
        }
    }
    const char *nearest = ch_names_nearest(word, names, count);
    size_t setting = 0;
    if (takes_settings(self) && (nearest == NULL || ch_settings_find(nearest, &setting, NULL) == CH_OK)) {
        return ch_settings_find(word, &setting, err);
    }
    if (nearest == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "unknown option '--%s'; see --help", ch_show(word).text);
    }
    return ch_error_set(err, CH_ERROR_INPUT, "unknown option '--%s'; did you mean '--%s'?", ch_show(word).text,
                        nearest);
}

/* Makes an error of a status of popt. */
static ch_code refuse_option(const ch_cli *self, int status, ch_error *err)
{
    const char *option = poptBadOption(self->context, POPT_BADOPTION_NOALIAS);
    switch (status) {
    case POPT_ERROR_BADOPT:
        return refuse_unknown(self, option, err);
    case POPT_ERROR_NOARG:
        return ch_error_set(err, CH_ERROR_INPUT, "option '%s' has no value; accepted is '%s VALUE'",
                            ch_show(option).text, ch_show(option).text);
    case POPT_ERROR_UNWANTEDARG:
        return ch_error_set(err, CH_ERROR_INPUT, "option '%s' takes no value", ch_show(option).text);
    case POPT_ERROR_BADNUMBER:
    case POPT_ERROR_OVERFLOW:
        return ch_error_set(err, CH_ERROR_INPUT, "'%s' is not accepted; the option takes a number",
                            ch_show(option).text);
    case POPT_ERROR_MALLOC:
        return ch_error_memory(err, "the command line");
    default:
        return ch_error_set(err, CH_ERROR_INPUT, "option '%s': %s", ch_show(option).text, poptStrerror(status));
    }
}

/* Stores the value of the setting that popt has just read. */
static ch_code take_setting(ch_cli *self, size_t setting, ch_error *err)
{
    char *text = poptGetOptArg(self->context);
    void *settings = self->settings;
    ch_code code = CH_OK;
    if (text == NULL || ch_grow(&settings, &self->settings_capacity, self->num_settings + 1, sizeof *self->settings)) {
        code = ch_error_memory(err, "the command line");
        goto out;
    }
    self->settings = settings;
    for (size_t i = 0; i < self->num_settings; i++) {
        if (self->settings[i].setting == setting) {
            code =
                ch_error_set(err, CH_ERROR_INPUT, "%s is given twice, as '%s' and '%s'; accepted is once",
                             ch_settings_table[setting].name, ch_show(self->settings[i].text).text, ch_show(text).text);
            goto out;
        }
    }
    self->settings[self->num_settings++] = (ch_cli_setting){.setting = setting, .text = text};
    text = NULL;
out:
    free(text);
    return code;
}

/* The next option, as poptGetNextOpt gives it. Where popt cannot allocate room for a value, it takes the option for one
 * without a value and goes on: here that is POPT_ERROR_MALLOC. */
static int next_option(const ch_cli *self)
{
    errno = 0;
    const int val = poptGetNextOpt(self->context);
    return errno == ENOMEM ? POPT_ERROR_MALLOC : val;
}

/* Reads all options. Prints help when --help is among them. */
static ch_code take_options(ch_cli *self, ch_error *err)
{
    uint64_t stored = 0; /* bit i is set when own option i was read */
    int val = 0;
    while ((val = next_option(self)) >= 0) {
        if (val == VAL_HELP) {
            return print_help(self, err);
        }
        if (val >= VAL_SETTING) {
            const ch_code code = take_setting(self, (size_t)(val - VAL_SETTING), err);
            if (code != CH_OK) {
                return code;
            }
            continue;
        }
        const uint64_t bit = (uint64_t)1 << (val - VAL_OWN);
        if ((stored & bit) != 0) {
            return ch_error_set(err, CH_ERROR_INPUT, "option --%s is given twice; accepted is once",
                                self->table[val - VAL_OWN].longName);
        }
        stored |= bit;
    }
    if (val == POPT_ERROR_MALLOC) {
        return ch_error_memory(err, "the command line");
    }
    return val == -1 ? CH_OK : refuse_option(self, val, err);
}

ch_code ch_cli_init(ch_cli *self, int argc, const char **argv, const struct poptOption *options, bool with_settings,
                    const char *usage, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->argv = ch_alloc((size_t)argc + 1, sizeof *self->argv);
    if (self->argv == NULL) {
        return ch_error_memory(err, "the command line");
    }
    memcpy(self->argv, argv, (size_t)argc * sizeof *argv);
    self->argv[0] = "chiton"; /* the name of the program in its help */
    ch_code code = make_table(self, options, with_settings, err);
    if (code != CH_OK) {
        return code;
    }
    if (argc > 1 && strcmp(argv[1], COMPLETE) == 0) {
        return print_candidates(self, argc > 2 ? argv[2] : NULL, err);
    }
    errno = 0; /* popt goes on without the room for the arguments that are no options, and then has none of them */
    self->context = poptGetContext("chiton", argc, self->argv, self->table, POPT_CONTEXT_NO_EXEC);
    if (self->context == NULL || errno == ENOMEM) {
        return ch_error_memory(err, "the command line");
    }
    poptSetOtherOptionHelp(self->context, usage);
    code = take_options(self, err);
    if (code != CH_OK) {
        return code;
    }
    self->arguments = poptGetArgs(self->context);
    while (self->arguments != NULL && self->arguments[self->num_arguments] != NULL) {
        self->num_arguments++;
    }
    return CH_OK;
}

ch_code ch_cli_check_model(const ch_cli *self, const char *model, ch_error *err)
{
    for (size_t i = 0; i < self->num_settings; i++) {
        const ch_cli_setting *given = &self->settings[i];
        if (given->setting == CH_SETTING_MODEL && strcmp(given->text, model) != 0) {
            return ch_error_set(err, CH_ERROR_INPUT, "model is given twice, as %s and as --model %s; accepted is once",
                                ch_show(model).text, ch_show(given->text).text);
        }
    }
    return CH_OK;
}

void ch_cli_free(ch_cli *self)
{
    for (size_t i = 0; i < self->num_settings; i++) {
        free(self->settings[i].text);
    }
    free(self->settings);
    if (self->context != NULL) {
        poptFreeContext(self->context);
    }
    free(self->table);
    free(self->spellings);
    free(self->argv);
    memset(self, 0, sizeof *self);
}

ch_code ch_cli_check_kernels(const char *folder, bool has_twins, ch_error *err)
{
    if (folder == NULL || has_twins) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "kernel-cache is %s, but there is no run with linear = yes, whose kernel it could keep; "
                        "accepted is to leave it out",
                        folder);
}

ch_code ch_cli_admit_kernels(const char *folder, ch_error *err)
{
    struct stat status;
    char file[4096];
    if (folder == NULL) {
        return CH_OK;
    }
    if (folder[0] == '\0') {
        return ch_kernel_file_make_folder(folder, err); /* which refuses it */
    }
    if (stat(folder, &status) != 0) {
        const ch_obstacle obstacle = ch_find_obstacle(folder);
        return obstacle.text[0] == '\0'
                   ? CH_OK
                   : ch_error_set(err, CH_ERROR_INPUT, "cannot make the folder %s of kernel files: %s", folder,
                                  obstacle.text);
    }
    snprintf(file, sizeof file, "%s/kernel", folder);
    const ch_obstacle obstacle = ch_find_obstacle(file);
    if (S_ISDIR(status.st_mode) && obstacle.text[0] != '\0') {
        return ch_error_set(err, CH_ERROR_INPUT, "kernel files cannot be kept: %s", obstacle.text);
    }
    return ch_kernel_file_make_folder(folder, err); /* makes nothing where a file has this name already */
}

ch_code ch_cli_open_kernels(const char *folder, ch_error *err)
{
    const ch_code code = ch_cli_admit_kernels(folder, err);
    if (code != CH_OK || folder == NULL) {
        return code;
    }
    return ch_kernel_file_make_folder(folder, err);
}

ch_code ch_cli_check_threads(int threads, ch_error *err)
{
    if (threads < 1 || threads > 4096) {
        return ch_error_set(err, CH_ERROR_INPUT, "-j is %d; it must be 1 to 4096 threads", threads);
    }
    const int possible = threads > omp_get_max_threads() ? ch_threads_available(threads) : threads;
    return possible == threads ? CH_OK
                               : ch_error_set(err, CH_ERROR_INPUT,
                                              "-j is %d, but the system does not start so many threads (ulimit -u, "
                                              "ulimit -v); accepted is up to %d",
                                              threads, possible);
}

/* ---- stores ---- */

ch_code ch_cli_check_stores(const ch_cli *self, const char *command, ch_error *err)
{
    return self->num_arguments > 0
               ? CH_OK
               : ch_error_set(err, CH_ERROR_INPUT, "%s takes one store or more, but none is given", command);
}

ch_code ch_cli_open_stores(ch_store *store, const ch_cli *cli, bool skip_damaged, ch_error *err)
{
    return ch_store_open_joined(store, cli->arguments, cli->num_arguments, skip_damaged, NULL, err);
}

void ch_cli_say_left_out(uint64_t num_damaged, const ch_error *damage)
{
    if (num_damaged > 0) {
        fprintf(stderr, "%llu damaged run%s left out; the first: ", (unsigned long long)num_damaged,
                num_damaged == 1 ? "" : "s");
        ch_text_print(damage->message, stderr);
        fputc('\n', stderr);
    }
}

void ch_cli_say_damaged(const ch_store *store)
{
    ch_cli_say_left_out(store->num_damaged, &store->damage);
}

/* ---- JSON ---- */

ch_code ch_cli_print_json(const json_t *value, ch_error *err)
{
    const ch_code code = ch_json_write(value, JSON_INDENT(2), stdout, err);
    if (code != CH_OK) {
        return code;
    }
    putchar('\n'); /* the stream keeps a failure, and ch_cli_flush returns it */
    return ch_cli_flush(err);
}

/* ---- signals ---- */

static ch_stop stop_flag;

static void raise_flag(int number)
{
    if (stop_flag != 0 && (number == SIGINT || number == SIGTERM)) {
        signal(number, SIG_DFL); /* it ends the program once this handler has returned */
        raise(number);
    }
    stop_flag = 1;
}

ch_stop *ch_cli_catch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU, SIGXFSZ};
    struct sigaction action = {.sa_handler = raise_flag, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
    return &stop_flag;
}

ch_code ch_cli_stop_after(const char *text, ch_error *err)
{
    double seconds = 0;
    struct sigaction action = {.sa_handler = raise_flag, .sa_flags = SA_RESTART};
    const ch_code code = text != NULL ? ch_cli_read_duration("--until", text, &seconds, err) : CH_OK;
    if (code != CH_OK || text == NULL) {
        return code;
    }
    sigset_t alarm_alone;
    sigemptyset(&action.sa_mask);
    sigemptyset(&alarm_alone);
    sigaddset(&alarm_alone, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &alarm_alone, NULL); /* whoever started the program may have blocked it */
    const double whole = floor(seconds);
    const struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)whole, .tv_usec = (suseconds_t)ceil((seconds - whole) * 999999)}};
    setitimer(ITIMER_REAL, &timer, NULL);
    return CH_OK;
}

ch_code ch_cli_read_checkpoint(const char *text, double *seconds, ch_error *err)
{
    *seconds = 0;
    return text != NULL ? ch_cli_read_duration("--checkpoint", text, seconds, err) : CH_OK;
}
