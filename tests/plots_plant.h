/* plots_plant.h — a planted group of runs with its fit, and what becomes of a drawing of it, for tests of figures. */
#ifndef CH_PLOTS_PLANT_H
#define CH_PLOTS_PLANT_H

#include "cli/cli.h"
#include "plots/axis.h"
#include "plots/gnuplot.h"
#include "plots/head.h"
#include "plots/layout.h"
#include "plots/panel.h"
#include "plots/plots.h"
#include "tests/pages_support.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
/* ---- a group of runs that obey the laws, and its fit, both made by hand ---- */

typedef struct {
    double chi;
    uint64_t train0; /* P = train0 2^i, i < trains */
    size_t trains, temps, seeds;
    double temp0, temp_factor; /* T = temp0 temp_factor^j, j < temps */
    bool censor;               /* budgets ended the runs of the upper half of P at the lowest T */
    ch_status all;             /* the status of every run; CH_RUNNING: as the other members say */
} plan;

typedef struct {
    ch_run *runs;
    const ch_run **pointers;
    uint64_t trains[16];
    double temps[32];
    ch_tc tc[32];
    ch_exponent exponents[7];
    char *notes[2];
} planted;

static const plan usual = {
    .chi = 0, .train0 = 1024, .trains = 5, .temps = 18, .seeds = 5, .temp0 = 0x1p-16, .temp_factor = 2};

/* The spread of the logarithm between data sets: a fixed zigzag, so that no random numbers are needed. */
static inline double zigzag(size_t seed, size_t i, size_t j)
{
    return 0.12 * sin((double)(1 + seed * 7 + i * 3 + j * 5));
}

static inline void plant_run(ch_run *run, const plan *p, size_t i, size_t j, size_t seed)
{
    const double gamma = 1 / (1 + p->chi), kappa = 0x1p-15;
    *run = (ch_run){0};
    ch_settings_default(&run->settings);
    run->settings.model = CH_ARCH_PERCEPTRON;
    run->settings.chi = p->chi;
    run->settings.dim = 128;
    run->settings.train = p->train0 << i;
    run->settings.temp = p->temp0 * pow(p->temp_factor, (double)j);
    run->settings.rate = 2 * run->settings.temp;
    run->settings.seed_data = seed;
    const double train = (double)run->settings.train, level = run->settings.temp + 2 * kappa;
    run->status = p->all != CH_RUNNING ? p->all : p->censor && j == 0 && 2 * i >= p->trains ? CH_BUDGET : CH_FITTED;
    run->final.signal = 2 * level * pow(train, gamma) * exp(zigzag(seed, i, j));
    run->final.noise = 4.5 * level * exp(zigzag(seed, j, i));
    run->final.weight_change = hypot(run->final.signal, run->final.noise);
    run->final.weight_change_rel = run->final.weight_change / sqrt(128);
    run->time = level * pow(train, 1 + 2 * gamma) * exp(2 * zigzag(seed, i, j));
}

static inline ch_exponent exponent(ch_fit_number number, ch_tc_definition definition, double value, double theory)
{
    return (ch_exponent){.number = number,
                         .definition = definition,
                         .estimate = {value, 0.02, value - 0.04, value + 0.04},
                         .theory = theory};
}

static inline ch_tc tc_of(uint64_t train, ch_tc_definition definition, ch_tc_place place, double value)
{
    return (ch_tc){.train = train,
                   .definition = definition,
                   .place = place,
                   .estimate = {value, 0.1 * value, 0.8 * value, 1.2 * value},
                   .crossover = {NAN, NAN, NAN, NAN},
                   .expected = NAN};
}

static inline void plant_fit(ch_fit *fit, ch_fit_group *group, planted *own, const plan *p)
{
    const double gamma = 1 / (1 + p->chi), c = 0.5;
    *own = (planted){0};
    *group = (ch_fit_group){.num_runs = p->trains * p->temps * p->seeds, .num_data_sets = p->seeds};
    own->runs = calloc(group->num_runs, sizeof *own->runs);
    own->pointers = calloc(group->num_runs, sizeof *own->pointers);
    assert_non_null(own->runs);
    assert_non_null(own->pointers);
    for (size_t r = 0; r < group->num_runs; r++) {
        const size_t i = r / p->seeds / p->temps, j = r / p->seeds % p->temps;
        plant_run(&own->runs[r], p, i, j, r % p->seeds);
        own->pointers[r] = &own->runs[r];
        own->trains[i] = own->runs[r].settings.train;
        own->temps[j] = own->runs[r].settings.temp;
    }
    group->key = own->runs[0].settings;
    group->runs = own->pointers;
    group->trains = own->trains;
    group->num_trains = p->trains;
    group->temps = own->temps;
    group->num_temps = p->temps;
    group->window_lo = p->temps > 2 ? own->temps[p->temps / 2] : NAN;
    group->window_hi = p->temps > 2 ? own->temps[p->temps - 1] : NAN;
    group->weight_change = (ch_power_law){log(2), 1, gamma, group->num_runs};
    group->time = (ch_power_law){0, 1, 1 + 2 * gamma - 0.15, group->num_runs};
    group->tc = own->tc;
    group->exponents = own->exponents;
    if (p->temps > 2) {
        group->exponents[group->num_exponents++] = exponent(CH_FIT_DELTA, CH_NUM_TC, 0.984, 1);
        group->exponents[group->num_exponents++] =
            exponent(CH_FIT_GAMMA, CH_NUM_TC, p->trains > 1 ? gamma : NAN, gamma);
        group->exponents[group->num_exponents++] = exponent(CH_FIT_TIME_DELTA, CH_NUM_TC, 0.991, 1);
        group->exponents[group->num_exponents++] = exponent(CH_FIT_B, CH_NUM_TC, 0.85 + 2 * gamma, 1 + 2 * gamma);
        group->exponents[group->num_exponents++] = exponent(CH_FIT_A_SLOPE, CH_TC_ONSET, 0.021, NAN);
        group->exponents[group->num_exponents++] = exponent(CH_FIT_A_SLOPE, CH_TC_ESCAPE, gamma - 0.06, gamma);
        for (size_t i = 0; i < p->trains; i++) {
            const double onset = 0x1p-14, escape = c * pow((double)own->trains[i] / 1024, 0.06 - gamma);
            own->tc[group->num_tc++] = tc_of(own->trains[i], CH_TC_ONSET, CH_TC_INSIDE, onset);
            own->tc[group->num_tc++] = tc_of(own->trains[i], CH_TC_ESCAPE, i == 0 ? CH_TC_ABOVE : CH_TC_INSIDE, escape);
        }
    }
    own->notes[0] = strdup("gamma: 12 runs of 450 were left out, as their temperature lies under the onset; "
                           "it's a 'quoted' note with ünïcode & \\backslash.");
    group->notes = own->notes;
    group->num_notes = 1;
    *fit = (ch_fit){.groups = group, .num_groups = 1};
    fit->options = (ch_fit_options){.wanted = {[CH_TC_ONSET] = true, [CH_TC_ESCAPE] = true}, .threshold = 0.1};
}

static inline void uproot(planted *own)
{
    free(own->runs);
    free(own->pointers);
    free(own->notes[0]);
}
/* ---- what became of a drawing ---- */

/* Reads the whole file as a string. The test fails when it is missing. */
static inline char *read_whole(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 22);
    assert_non_null(text);
    *length = fread(text, 1, (1 << 22) - 1, file);
    fclose(file);
    return text;
}

static inline size_t count_files(const char *path)
{
    char command[512];
    unsigned long count = 0;
    snprintf(command, sizeof command, "ls -A \"%s\" | wc -l", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%lu", &count), 1);
    pclose(pipe);
    return count;
}

/* Draws one planted group into `where` and reads the file. */
static inline char *draw(const plan *p, const char *where, ch_plot_format format, size_t *length)
{
    ch_fit fit;
    ch_fit_group group;
    planted own;
    ch_error err = {0};
    char path[400];
    plant_fit(&fit, &group, &own, p);
    const ch_code code = ch_plot_fit(&fit, where, &(const ch_plot_style){.format = format}, NULL, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(code, CH_OK);
    snprintf(path, sizeof path, "%s/perceptron-chi%g-dim128.%s", where, p->chi, ch_gnuplot_extension(format));
    uproot(&own);
    return read_whole(path, length);
}

#endif
