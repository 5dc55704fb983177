/* cmd_theory.c — chiton theory: what is predicted for a density exponent chi. */
#include "perceptron/perceptron.h"
#include "sim/cli.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *name;
    size_t offset; /* of the member in ch_perceptron_theory */
    const char *help;
} theory_row;

static const theory_row rows[] = {
    {"delta", offsetof(ch_perceptron_theory, delta), "|Dw| ~ T^delta P^gamma, T above onset"},
    {"gamma", offsetof(ch_perceptron_theory, gamma), "1/(1+chi); also B* ~ P^gamma"},
    {"time_delta", offsetof(ch_perceptron_theory, time_delta), "t* ~ T^time_delta P^b"},
    {"b", offsetof(ch_perceptron_theory, b), "1 + 2/(1+chi)"},
    {"a", offsetof(ch_perceptron_theory, a), "T_c ~ P^-a by escape, gamma/delta"},
    {"Z_chi", offsetof(ch_perceptron_theory, z), "norm of the density |x|^chi exp(-x^2/2) / Z_chi"},
    {"n_chi", offsetof(ch_perceptron_theory, unfitted), "fraction unfitted, and test error, n_chi lambda^-(chi+1)"},
    {"a_chi", offsetof(ch_perceptron_theory, drift), "ds/dt = a_chi lambda^-(chi+2) / sqrt(d)"},
    {"noise_level", offsetof(ch_perceptron_theory, noise), "r* / (T sqrt(d)) = n_chi sqrt(pi/2)"},
    {"growth", offsetof(ch_perceptron_theory, growth), "s^(chi+3) = growth r*^(chi+2) t / sqrt(d)"},
    {"mean_abs", offsetof(ch_perceptron_theory, mean_abs), "E|x_par|; first step s = eta mean_abs / sqrt(d)"},
};
enum { NUM_ROWS = sizeof rows / sizeof *rows };

static double member(const ch_perceptron_theory *theory, const theory_row *row)
{
    return *(const double *)(const void *)((const char *)theory + row->offset);
}

static void print_table(const ch_perceptron_theory *theory)
{
    printf("theory at chi = %g, P -> infinity\n", theory->chi);
    for (size_t i = 0; i < NUM_ROWS; i++) {
        printf("  %-12s %-12.8g %s\n", rows[i].name, member(theory, &rows[i]), rows[i].help);
    }
}

static ch_code print_json(const ch_perceptron_theory *theory, ch_error *err)
{
    json_t *json = json_pack("{s:f}", "chi", theory->chi);
    for (size_t i = 0; i < NUM_ROWS && json != NULL; i++) {
        /* json_real refuses infinities: Z_chi overflows at large chi */
        json_t *value = json_real(member(theory, &rows[i]));
        if (json_object_set_new(json, rows[i].name, value != NULL ? value : json_null()) != 0) {
            json_decref(json);
            json = NULL;
        }
    }
    const ch_code code = json != NULL ? ch_cli_print_json(json, err) : ch_error_memory(err, "the constants");
    json_decref(json);
    return code;
}

/* The one setting that the theory's constants depend on, checked as `run` checks it. */
static ch_code read_chi(const char *text, double *chi, ch_error *err)
{
    size_t index = 0;
    ch_value value = {0};
    ch_code code = ch_settings_find("chi", &index, err);
    if (code == CH_OK) {
        code = ch_setting_parse(&ch_settings_table[index], text, &value, err);
    }
    *chi = value.real;
    return code;
}

int ch_cmd_theory(int argc, const char **argv)
{
    char *text = NULL; /* popt's copy: owned */
    int as_json = 0;
    const struct poptOption options[] = {
        {"chi", '\0', POPT_ARG_STRING, &text, 0, "exponent of the density at the boundary, > -1", "X"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "print one JSON object", NULL},
        POPT_TABLEEND,
    };
    ch_error err = {0};
    ch_cli cli;
    double chi = 0;
    ch_perceptron_theory theory;
    ch_code code = ch_cli_init(&cli, argc, argv, options, false, "theory --chi X [--json]", &err);
    if (code != CH_OK || cli.help) {
        goto out;
    }
    if (text == NULL || cli.num_arguments != 0) {
        code =
            ch_error_set(&err, CH_ERROR_INPUT, "theory takes --chi and no other argument, e.g. chiton theory --chi 1");
        goto out;
    }
    if ((code = read_chi(text, &chi, &err)) == CH_OK &&
        (code = ch_perceptron_theory_init(&theory, chi, &err)) == CH_OK) {
        if (as_json) {
            code = print_json(&theory, &err);
        } else {
            print_table(&theory);
            code = ch_cli_flush(&err);
        }
    }
out:
    ch_cli_free(&cli);
    free(text);
    return code == CH_OK ? CH_EXIT_OK : ch_cli_fail(&err);
}
