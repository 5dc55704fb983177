/* cmd_theory.c — chiton theory: what is predicted, for a density exponent alone or for given settings. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/theory_report.h"
#include "core/memory.h"
#include "core/text.h"
#include "perceptron/online.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

/* ---- the online trajectory, at the steps at which `run` records ---- */

static ch_code add_point(ch_theory_report *self, ch_online_ode *ode, double time, ch_error *err)
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
static ch_code follow(ch_theory_report *self, ch_online_ode *ode, ch_error *err)
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
static ch_code choose_until(ch_theory_report *self, ch_error *err)
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

static ch_code compute_online(ch_theory_report *self, ch_error *err)
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
                   {CH_SETTING_DYNAMICS, CH_DYNAMICS_SGD},
                   {CH_SETTING_SAMPLING, CH_SAMPLING_INDEPENDENT}};
    static const struct {
        size_t setting;
        const char *subject;
    } zeros[] = {{CH_SETTING_SPECTRUM, "inputs of equal variance"},
                 {CH_SETTING_LABEL_NOISE, "right labels"},
                 {CH_SETTING_MOMENTUM, "steps without momentum, whose temperature is about temp/(1 - momentum)"},
                 {CH_SETTING_WEIGHT_DECAY, "weights that nothing pulls back"}};
    for (size_t i = 0; i < sizeof subject / sizeof *subject; i++) {
        const ch_setting *setting = &ch_settings_table[subject[i].setting];
        const uint64_t value = ch_settings_get(settings, subject[i].setting).count;
        if (value != subject[i].value) {
            return ch_error_set(err, CH_ERROR_INPUT,
                                "%s is %s, but theory is that of a perceptron with the hinge under sgd; accepted is %s",
                                setting->name, setting->choice(value), setting->choice(subject[i].value));
        }
    }
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) {
        const double value = ch_settings_get(settings, zeros[i].setting).real;
        if (value != 0) {
            return ch_error_set(err, CH_ERROR_INPUT, "%s is %g, but theory is about %s; accepted is 0",
                                ch_settings_table[zeros[i].setting].name, value, zeros[i].subject);
        }
    }
    return CH_OK;
}

/* Whether a setting takes a list or a range. */
static bool takes_values(size_t setting)
{
    return setting == CH_SETTING_TRAIN || setting == CH_SETTING_TEMP || setting == CH_SETTING_RATE;
}

/* Reads one setting; of a list of P or T, the first value is the setting's. */
static ch_code read_setting(ch_theory_report *self, size_t index, const char *text, ch_error *err)
{
    ch_value value;
    if (!takes_values(index)) {
        const ch_code code = ch_setting_parse(&ch_settings_table[index], text, &value, err);
        if (code != CH_OK) {
            return code;
        }
        ch_settings_set(&self->settings, index, value);
        return CH_OK;
    }
    const ch_code code = ch_plan_set(&self->lists, index, text, err);
    if (code != CH_OK) {
        return code;
    }
    ch_plan_list list;
    for (size_t i = 0; ch_plan_list_at(&self->lists, i, &list); i++) {
        if (list.setting == index) {
            ch_settings_set(&self->settings, index, list.values[0]);
        }
    }
    return CH_OK;
}

static ch_code read_settings(ch_theory_report *self, const ch_cli *cli, ch_error *err)
{
    ch_settings_default(&self->settings);
    ch_settings_set(&self->settings, CH_SETTING_MODEL, (ch_value){.count = CH_ARCH_PERCEPTRON});
    bool chi = false;
    for (size_t i = 0; i < cli->num_settings; i++) {
        const size_t index = cli->settings[i].setting;
        const ch_code code = read_setting(self, index, cli->settings[i].text, err);
        if (code != CH_OK) {
            return code;
        }
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

static ch_code read_until(ch_theory_report *self, const char *text, ch_error *err)
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

/* Computes what is predicted at the settings: with one P and T the limit and the online trajectory too. */
static ch_code compute(ch_theory_report *self, ch_error *err)
{
    ch_code code = ch_theory_finite_init(&self->finite, &self->settings, &self->lists, err);
    if (code != CH_OK) {
        return code;
    }
    self->settings = self->finite.cells[0].settings;
    if (ch_theory_is_grid(self) && self->until != 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "until is %g, but the course of training is computed only where one train and one temp are "
                            "given; accepted is to leave it out",
                            self->until);
    }
    if (!ch_theory_is_grid(self)) {
        code = compute_online(self, err);
        if (code != CH_OK) {
            return code;
        }
    }
    code = ch_theory_finite_compute(&self->finite, &self->theory, self->points, self->num_points, err);
    if (code != CH_OK || !ch_theory_is_grid(self)) {
        return code;
    }
    const ch_watch watch = {.stop = ch_cli_catch_signals()};
    return ch_theory_critical_init(&self->critical, self->finite.cells,
                                   self->finite.num_trains * self->finite.num_temps, omp_get_max_threads(), &watch,
                                   err);
}

static ch_code make_report(ch_theory_report *self, const ch_cli *cli, const theory_options *options, ch_error *err)
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
    code = ch_perceptron_theory_init(&self->theory, self->settings.chi, err);
    if (code != CH_OK || !self->online) {
        return code;
    }
    return compute(self, err);
}

static ch_code print_report(const ch_theory_report *self, const theory_options *options, ch_error *err)
{
    if (options->json) {
        return ch_theory_report_print_json(self, err);
    }
    if (options->csv) {
        ch_theory_report_print_csv(self);
        return ch_cli_flush(err);
    }
    ch_cli_page page;
    const ch_code code = ch_cli_page_open(&page, err);
    if (code != CH_OK) {
        return code;
    }
    ch_theory_report_print(self, page.out);
    return ch_cli_page_close(&page, err);
}

int ch_cmd_theory(int argc, const char **argv)
{
    theory_options chosen = {0};
    const struct poptOption options[] = {
        {"until", '\0', POPT_ARG_STRING, &chosen.until, 0, "time to follow the online ODE to (default: predicted t*)",
         "T"},
        {"json", '\0', POPT_ARG_NONE, &chosen.json, 0, "print one JSON object", NULL},
        {"csv", '\0', POPT_ARG_NONE, &chosen.csv, 0,
         "print the online ODE as CSV; where train or temp has several values, what is expected at each", NULL},
        POPT_TABLEEND,
    };
    ch_error err = {0};
    ch_cli cli;
    ch_theory_report result = {0};
    ch_plan_init(&result.lists);
    ch_code code = ch_cli_init(
        &cli, argc, argv, options, true,
        "theory --chi X [--train VALUES] [--temp VALUES] [--SETTING VALUE]... [--until T] [--json|--csv]", &err);
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
    ch_theory_critical_free(&result.critical);
    ch_theory_finite_free(&result.finite);
    ch_plan_free(&result.lists);
    ch_cli_free(&cli);
    free(chosen.until);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
