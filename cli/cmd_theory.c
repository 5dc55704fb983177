/* cmd_theory.c — chiton theory: what is predicted, for a density exponent alone or for given settings. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "core/memory.h"
#include "core/text.h"
#include "perceptron/online.h"
#include "sim/store/json.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A named double of a struct. */
typedef struct {
    const char *name;
    size_t offset;
    const char *help;
} row;

#define ROW(type, name, member, help)                                                                                  \
    {                                                                                                                  \
        name, offsetof(type, member), help                                                                             \
    }
#define CONSTANT(name, member, help)   ROW(ch_perceptron_theory, name, member, help)
#define PREDICTION(name, member, help) ROW(ch_online_prediction, name, member, help)
#define POINT(member)                  ROW(ch_online_point, #member, member, NULL)

static const row constants[] = {
    CONSTANT("delta", delta, "|Dw| ~ T^delta P^gamma, T above onset"),
    CONSTANT("gamma", gamma, "1/(1+chi); also B* ~ P^gamma"),
    CONSTANT("time_delta", time_delta, "t* ~ T^time_delta P^b"),
    CONSTANT("b", b, "1 + 2/(1+chi)"),
    CONSTANT("a", a, "T_c ~ P^-a by escape, gamma/delta"),
    CONSTANT("Z_chi", z, "norm of the density |x|^chi exp(-x^2/2) / Z_chi"),
    CONSTANT("n_chi", unfitted, "fraction unfitted, and test error, n_chi lambda^-(chi+1)"),
    CONSTANT("a_chi", drift, "ds/dt = a_chi lambda^-(chi+2) / sqrt(d)"),
    CONSTANT("noise_level", noise, "r* / (T sqrt(d)) = n_chi sqrt(pi/2)"),
    CONSTANT("growth", growth, "s^(chi+3) = growth r*^(chi+2) t / sqrt(d)"),
    CONSTANT("mean_abs", mean_abs, "E|x_par|; first step s = eta mean_abs / sqrt(d)"),
};
enum { NUM_CONSTANTS = sizeof constants / sizeof *constants };

static const row predictions[] = {
    PREDICTION("noise_star", noise, "r* = T sqrt(d) n_chi sqrt(pi/2)"),
    PREDICTION("lambda_star", lambda, "signal over noise at the end of training, where n P = d/2"),
    PREDICTION("signal_star", signal, "s* = lambda* r*"),
    PREDICTION("weight_change_star", weight_change, "sqrt(s*^2 + r*^2)"),
    PREDICTION("time_star", time, "t* = sqrt(d) r* lambda*^(chi+3) / growth"),
    PREDICTION("first_step", first_step, "signal after the first step, eta E|x_par| / sqrt(d)"),
    PREDICTION("batch_border", batch, "B*: first_step = s* at this batch size, T as it is"),
    PREDICTION("temp_escape", temp_escape, "T_c by escape: weight change = sqrt(d)"),
    PREDICTION("temp_onset", temp_onset, "T_c by onset ~ kappa, up to a constant"),
};
enum { NUM_PREDICTIONS = sizeof predictions / sizeof *predictions };

static const row columns[] = {POINT(time),     POINT(signal), POINT(noise),     POINT(lambda),
                              POINT(unfitted), POINT(loss),   POINT(test_error)};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

static double member(const void *object, const row *which)
{
    return *(const double *)(const void *)((const char *)object + which->offset);
}

/* The settings that theory knows of. */
static const size_t shown[] = {CH_SETTING_DIM,   CH_SETTING_TRAIN, CH_SETTING_ALPHA,
                               CH_SETTING_BATCH, CH_SETTING_TEMP,  CH_SETTING_RATE};
enum { NUM_SHOWN = sizeof shown / sizeof *shown };

/* What is asked for, and what came out. */
typedef struct {
    ch_settings settings;
    bool online; /* more than --chi was given */
    double until;
    ch_perceptron_theory theory;
    ch_online_prediction prediction;
    ch_online_point *points; /* [num_points]; owned */
    size_t num_points, capacity;
} report;

/* ---- the online trajectory, at the steps at which `run` records ---- */

static ch_code add_point(report *self, ch_online_ode *ode, double time, ch_error *err)
{
    if (ch_grow((void **)&self->points, &self->capacity, self->num_points + 1, sizeof *self->points) != 0) {
        return ch_error_memory(err, "the trajectory: lower record");
    }
    const ch_code code = ch_online_ode_advance(ode, time, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_online_ode_observe(ode, &self->points[self->num_points++], err);
}

/* Solves the ODE at the times eta round(10^(i / record)), i = 0, 1, …, each once, and at `until`. */
static ch_code follow(report *self, ch_online_ode *ode, ch_error *err)
{
    enum { DEFAULT_RECORD = 4 };
    const double record = self->settings.record > 0 ? (double)self->settings.record : DEFAULT_RECORD;
    const double rate = self->settings.rate;
    double last = 0;
    for (uint64_t i = 0;; i++) {
        const double step = round(pow(10, (double)i / record));
        if (!(rate * step < self->until)) {
            break;
        }
        const ch_code code = step > last ? add_point(self, ode, rate * step, err) : CH_OK;
        if (code != CH_OK) {
            return code;
        }
        last = step;
    }
    return add_point(self, ode, self->until, err);
}

/* Sets `until` to the predicted t* where no time was given, and refuses a time before the first step. */
static ch_code choose_until(report *self, ch_error *err)
{
    const double rate = self->settings.rate;
    if (self->until == 0 && !isfinite(self->prediction.time)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "until is not set, and there is no finite t* to follow the ODE to; accepted is a time of "
                            "at least rate = %g",
                            rate);
    }
    if (self->until == 0) {
        self->until = fmax(self->prediction.time, rate);
    }
    if (self->until < rate) {
        return ch_error_set(err, CH_ERROR_INPUT, "until is %g; accepted is a time of at least a step, rate = %g",
                            self->until, rate);
    }
    return CH_OK;
}

static ch_code compute_online(report *self, ch_error *err)
{
    const ch_settings *settings = &self->settings;
    const ch_online_setup setup = {.chi = settings->chi,
                                   .dim = (size_t)settings->dim,
                                   .kappa = 1 / settings->alpha,
                                   .temp = settings->temp,
                                   .rate = settings->rate};
    const double num_samples = settings->train > 0 ? (double)settings->train : INFINITY;
    ch_code code = ch_online_predict(&self->prediction, &setup, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    code = choose_until(self, err);
    if (code != CH_OK) {
        return code;
    }
    ch_online_ode ode;
    code = ch_online_ode_init(&ode, &setup, err);
    if (code != CH_OK) {
        goto out;
    }
    code = follow(self, &ode, err);
out:
    ch_online_ode_free(&ode);
    return code;
}

/* ---- tables ---- */

static void print_rows(const void *object, const row *rows, size_t count, int width)
{
    for (size_t i = 0; i < count; i++) {
        printf("  %-*s %-12.8g %s\n", width, rows[i].name, member(object, &rows[i]), rows[i].help);
    }
}

static void print_constants(const report *self)
{
    printf("theory at chi = %g, P -> infinity\n", self->theory.chi);
    print_rows(&self->theory, constants, NUM_CONSTANTS, 12);
}

static void print_online(const report *self)
{
    fputs("at", stdout);
    for (size_t i = 0; i < NUM_SHOWN; i++) {
        char text[32];
        ch_setting_format(&ch_settings_table[shown[i]], ch_settings_get(&self->settings, shown[i]), text, sizeof text);
        printf("%s %s = %s", i == 0 ? "" : ",", ch_settings_table[shown[i]].name, text);
    }
    putchar('\n');
    print_rows(&self->prediction, predictions, NUM_PREDICTIONS, 18);
    puts("online: every batch fresh, small steps, d >> 1");
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        printf("%s%12s", k == 0 ? "  " : " ", columns[k].name);
    }
    putchar('\n');
    for (size_t i = 0; i < self->num_points; i++) {
        for (size_t k = 0; k < NUM_COLUMNS; k++) {
            printf("%s%12.6g", k == 0 ? "  " : " ", member(&self->points[i], &columns[k]));
        }
        putchar('\n');
    }
}

static void print_csv(const report *self)
{
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        printf("%s%s", k == 0 ? "" : ",", columns[k].name);
    }
    putchar('\n');
    for (size_t i = 0; i < self->num_points; i++) {
        for (size_t k = 0; k < NUM_COLUMNS; k++) {
            char text[32];
            ch_number_format(member(&self->points[i], &columns[k]), text, sizeof text);
            printf("%s%s", k == 0 ? "" : ",", text);
        }
        putchar('\n');
    }
}

/* ---- JSON ---- */

/* @return 0, or -1 when memory is short. What is not finite, as Z_chi at large chi, is null. */
static int set_rows(json_t *json, const void *object, const row *rows, size_t count)
{
    int failed = json == NULL ? -1 : 0;
    for (size_t i = 0; i < count && failed == 0; i++) {
        const double value = member(object, &rows[i]);
        failed = json_object_set_new(json, rows[i].name, isfinite(value) ? json_real(value) : json_null());
    }
    return failed;
}

static int set_online(json_t *json, const report *self)
{
    json_t *settings = json_object(), *prediction = json_object(), *points = json_array();
    int failed = json_object_set_new(json, "settings", settings);
    failed |= json_object_set_new(json, "prediction", prediction);
    failed |= json_object_set_new(json, "online", points);
    for (size_t i = 0; i < NUM_SHOWN && failed == 0; i++) {
        const ch_setting *setting = &ch_settings_table[shown[i]];
        failed = json_object_set_new(settings, setting->name,
                                     ch_json_setting(setting, ch_settings_get(&self->settings, shown[i])));
    }
    failed = failed == 0 ? set_rows(prediction, &self->prediction, predictions, NUM_PREDICTIONS) : failed;
    for (size_t i = 0; i < self->num_points && failed == 0; i++) {
        json_t *point = json_object();
        failed = json_array_append_new(points, point);
        failed = failed == 0 ? set_rows(point, &self->points[i], columns, NUM_COLUMNS) : failed;
    }
    return failed;
}

static ch_code print_json(const report *self, ch_error *err)
{
    json_t *json = json_pack("{s:f}", "chi", self->theory.chi);
    int failed = set_rows(json, &self->theory, constants, NUM_CONSTANTS);
    if (failed == 0 && self->online) {
        failed = set_online(json, self);
    }
    const ch_code code = failed == 0 ? ch_cli_print_json(json, err) : ch_error_memory(err, "the JSON of the theory");
    json_decref(json);
    return code;
}

/* ---- the command ---- */

typedef struct {
    char *until; /* popt's copy: owned */
    int json, csv;
} theory_options;

/* Refuses what the theory is not about. */
static ch_code check_subject(const ch_settings *settings, ch_error *err)
{
    static const struct {
        size_t setting;
        uint64_t value;
    } subject[] = {{CH_SETTING_MODEL, CH_ARCH_PERCEPTRON},
                   {CH_SETTING_LINEAR, CH_LINEAR_NO},
                   {CH_SETTING_LOSS, CH_LOSS_HINGE},
                   {CH_SETTING_DYNAMICS, CH_DYNAMICS_SGD}};
    for (size_t i = 0; i < sizeof subject / sizeof *subject; i++) {
        const ch_setting *setting = &ch_settings_table[subject[i].setting];
        const uint64_t value = ch_settings_get(settings, subject[i].setting).count;
        if (value != subject[i].value) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "%s is %s, but theory is that of a perceptron with the hinge under sgd; accepted is %s",
                                setting->name, setting->choice(value), setting->choice(subject[i].value));
        }
    }
    return CH_OK;
}

static ch_code read_settings(report *self, const ch_cli *cli, ch_error *err)
{
    ch_settings_default(&self->settings);
    ch_settings_set(&self->settings, CH_SETTING_MODEL, (ch_value){.count = CH_ARCH_PERCEPTRON});
    bool chi = false;
    for (size_t i = 0; i < cli->num_settings; i++) {
        const size_t index = cli->settings[i].setting;
        ch_value value;
        const ch_code code = ch_setting_parse(&ch_settings_table[index], cli->settings[i].text, &value, err);
        if (code != CH_OK) {
            return code;
        }
        ch_settings_set(&self->settings, index, value);
        chi |= index == CH_SETTING_CHI;
        self->online |= index != CH_SETTING_CHI;
    }
    if (cli->num_arguments == 0) {
        const ch_code code = check_subject(&self->settings, err);
        if (code != CH_OK) {
            return code;
        }
    }
    if (!chi || cli->num_arguments != 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "theory takes --chi, with other settings also --temp or --rate, and no other argument, "
                            "e.g. chiton theory --chi 1");
    }
    return CH_OK;
}

static ch_code read_until(report *self, const char *text, ch_error *err)
{
    ch_number number = {0};
    if (text == NULL) {
        return CH_OK;
    }
    self->online = true;
    if (!ch_number_parse(&number, text) || !(number.value > 0) || !isfinite(number.value)) {
        return ch_error_set(err, CH_ERROR_INPUT, "until is '%s'; accepted is a number > 0", ch_show(text).text);
    }
    self->until = number.value;
    return CH_OK;
}

static ch_code make_report(report *self, const ch_cli *cli, const theory_options *options, ch_error *err)
{
    ch_code code = read_settings(self, cli, err);
    if (code != CH_OK) {
        return code;
    }
    code = read_until(self, options->until, err);
    if (code != CH_OK) {
        return code;
    }
    if (options->json && options->csv) {
        return ch_error_set(err, CH_ERROR_INPUT, "--json and --csv are both given; give one of them");
    }
    self->online |= options->csv;
    if (self->online) {
        ch_resolved resolved = {.settings = self->settings};
        code = ch_settings_resolve(&self->settings, &resolved, err);
        if (code != CH_OK) {
            return code;
        }
        self->settings = resolved.settings;
    }
    code = ch_perceptron_theory_init(&self->theory, self->settings.chi, err);
    if (code != CH_OK) {
        return code;
    }
    return self->online ? compute_online(self, err) : CH_OK;
}

static ch_code print_report(const report *self, const theory_options *options, ch_error *err)
{
    if (options->json) {
        return print_json(self, err);
    }
    if (options->csv) {
        print_csv(self);
    } else {
        print_constants(self);
        if (self->online) {
            print_online(self);
        }
    }
    return ch_cli_flush(err);
}

int ch_cmd_theory(int argc, const char **argv)
{
    theory_options chosen = {0};
    const struct poptOption options[] = {
        {"until", '\0', POPT_ARG_STRING, &chosen.until, 0, "time to follow the online ODE to (default: predicted t*)",
         "T"},
        {"json", '\0', POPT_ARG_NONE, &chosen.json, 0, "print one JSON object", NULL},
        {"csv", '\0', POPT_ARG_NONE, &chosen.csv, 0, "print the online ODE as CSV", NULL},
        POPT_TABLEEND,
    };
    ch_error err = {0};
    ch_cli cli;
    report result = {0};
    ch_code code = ch_cli_init(&cli, argc, argv, options, true,
                               "theory --chi X [--SETTING VALUE]... [--until T] [--json|--csv]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    code = make_report(&result, &cli, &chosen, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = print_report(&result, &chosen, &err);
out:
    free(result.points);
    ch_cli_free(&cli);
    free(chosen.until);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
