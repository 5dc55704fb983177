/* test_spectra.c — the exponents of the variance of weights over the flatness and the curvature of the loss, from
 * planted runs; what reports and figures say of them. */
#include "fit/reports/reports.h"
#include "models/loss.h"
#include "plots/plots.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <string.h>
#include <unistd.h>

enum { NUM_DIRECTIONS = 12 };

/* sigma^2 = F^-psi of direction k, with F = 1.5^k, and h = 8 (e - 1) / F^2, in a layer and in all weights. */
static void plant_layer(ch_fluctuation *out, uint64_t layer, double psi, gsl_rng *random, double noise)
{
    for (uint64_t k = 0; k < NUM_DIRECTIONS; k++) {
        const double flatness = pow(1.5, (double)k);
        const double variance = pow(flatness, -psi) * exp(noise * gsl_ran_gaussian(random, 1));
        out[k] = (ch_fluctuation){.layer = layer,
                                  .rank = k + 1,
                                  .variance = variance,
                                  .variance_error = variance / 10,
                                  .flatness = flatness,
                                  .curvature = 8 * (M_E - 1) / (flatness * flatness),
                                  .drift = 0.2,
                                  .cosine = 0.1};
    }
}

/* Runs of a network at two temperatures, on some data sets; the exponent of layer l is psi[l] in each run, with an
 * error. The first run at the second temperature has no fluctuations. */
static void plant_table(ch_run_table *table, size_t num_sets, const double psi[3], double noise, double between,
                        uint64_t seed)
{
    ch_random stream;
    ch_random_init(&stream, seed, CH_STREAM_TRAIN_SAMPLES, 0);
    gsl_rng random = ch_random_gsl(&stream);
    *table = (ch_run_table){.runs = calloc(2 * num_sets, sizeof *table->runs)};
    assert_non_null(table->runs);
    for (size_t i = 0; i < 2 * num_sets; i++) {
        ch_run *run = &table->runs[table->count++];
        ch_error err = {0};
        *run = (ch_run){
            .status = CH_BUDGET, .steps = 1000, .updates = 1000, .time = 1000, .results_version = CH_RESULTS_VERSION};
        run->final = ch_observation_none();
        run->final.weight_change = 1;
        ch_settings_default(&run->settings);
        ch_settings_set(&run->settings, CH_SETTING_MODEL, (ch_value){.count = CH_ARCH_MLP});
        ch_settings_set(&run->settings, CH_SETTING_LOSS, (ch_value){.count = CH_LOSS_MSE});
        ch_settings_set(&run->settings, CH_SETTING_TEMP, (ch_value){.real = i < num_sets ? 0.25 : 0.5});
        ch_settings_set(&run->settings, CH_SETTING_SEED, (ch_value){.count = i % num_sets});
        ch_settings_set(&run->settings, CH_SETTING_MAX_STEPS, (ch_value){.count = 1000});
        ch_settings_set(&run->settings, CH_SETTING_FLUCTUATIONS, (ch_value){.count = 64});
        if (ch_settings_resolve(&run->settings, &run->resolved, &err) != CH_OK) {
            fail_msg("%s", err.message);
        }
        if (i == num_sets) {
            continue;
        }
        run->num_fluctuations = (size_t)3 * NUM_DIRECTIONS;
        run->fluctuations = calloc(run->num_fluctuations, sizeof *run->fluctuations);
        assert_non_null(run->fluctuations);
        for (uint64_t l = 0; l < 3; l++) {
            const double own = psi[l] + between * gsl_ran_gaussian(&random, 1);
            plant_layer(run->fluctuations + l * NUM_DIRECTIONS, l, own, &random, noise);
        }
    }
}

static void fit_table(const ch_run_table *table, ch_fit *fit, ch_spectrum_list *spectra)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = 20;
    options.threads = 1;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK || ch_spectrum_list_init(spectra, fit, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static const double PSI[3] = {1.5, 4, 0};

/* Exact laws are found exactly, by layer, with x = psi / 2 over the curvature; directions that drift, or have no
 * flatness, are left out; a run without fluctuations is counted. */
static void test_exact_laws(void **state)
{
    (void)state;
    ch_run_table table;
    ch_fit fit;
    ch_spectrum_list spectra;
    plant_table(&table, 3, PSI, 0, 0, 1);
    for (size_t i = 0; i < 3; i++) { /* these would change every exponent */
        ch_fluctuation *first = table.runs[i].fluctuations;
        first[0].cosine = 0.9;
        first[1].drift = 1.5;
        first[2].flatness = first[2].curvature = NAN;
        first[0].variance = first[1].variance = first[2].variance = 1e6;
    }
    fit_table(&table, &fit, &spectra);
    assert_int_equal(spectra.count, 2);
    const ch_spectrum *one = &spectra.items[0];
    assert_int_equal(one->num_runs, 3);
    assert_int_equal(one->num_with, 3);
    assert_int_equal(one->num_layers, 3);
    assert_int_equal(one->layers[0].num_directions, 3 * NUM_DIRECTIONS);
    assert_int_equal(one->layers[0].num_drifting, 3 * 2);
    assert_int_equal(one->layers[1].num_drifting, 0);
    assert_close(one->layers[0].largest, 1e6, 1e-9);
    assert_close(one->layers[0].least_flatness, pow(1.5, 3), 1e-12);
    assert_close(one->layers[0].most_flatness, pow(1.5, 11), 1e-12);
    for (size_t l = 0; l < 3; l++) {
        assert_in(one->layers[l].flatness.value - PSI[l], -1e-9, 1e-9);
        assert_in(one->layers[l].curvature.value - PSI[l] / 2, -1e-9, 1e-9);
        assert_in(one->layers[l].flatness.stderr_, 0, 1e-7);
        assert_int_equal(one->layers[l].num_flatness_runs, 3);
    }
    assert_int_equal(spectra.items[1].num_runs, 3);
    assert_int_equal(spectra.items[1].num_with, 2);
    ch_spectrum_list_free(&spectra);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* The 95 % interval holds the planted exponent, from the scatter about the line with one run, and from the spread
 * between runs with five. Of 200 tables 190 are expected to, and fewer than 177 with a chance under 10^-4 if intervals
 * are right; so are more than 199. */
static void test_intervals(void **state)
{
    (void)state;
    enum { TABLES = 200 };
    for (size_t sets = 1; sets <= 5; sets += 4) {
        unsigned held = 0;
        for (uint64_t t = 0; t < TABLES; t++) {
            ch_run_table table;
            ch_fit_group group = {.num_runs = sets};
            ch_fit fit = {.groups = &group, .num_groups = 1};
            ch_spectrum_list spectra;
            const ch_run *runs[5];
            plant_table(&table, sets, PSI, 0.3, sets > 1 ? 0.2 : 0, 100 + t);
            for (size_t i = 0; i < sets; i++) {
                runs[i] = &table.runs[i];
            }
            group.runs = runs;
            assert_int_equal(ch_spectrum_list_init(&spectra, &fit, NULL), CH_OK);
            const ch_estimate *psi = &spectra.items[0].layers[1].flatness;
            held += psi->lo <= PSI[1] && PSI[1] <= psi->hi;
            ch_spectrum_list_free(&spectra);
            ch_run_table_free(&table);
        }
        assert_in(held, 177, 199);
    }
}

/* Reports name the layers and their exponents; the figure draws every direction. */
static void test_reports(void **state)
{
    (void)state;
    ch_run_table table;
    ch_fit fit;
    ch_spectrum_list spectra;
    ch_error err = {0};
    char *text = NULL, folder[] = "/tmp/chiton-spectra-XXXXXX", path[256];
    size_t size = 0, rows = 0;
    plant_table(&table, 2, PSI, 0.01, 0.01, 3);
    table.runs[0].fluctuations[0].cosine = 0.9;
    fit_table(&table, &fit, &spectra);

    FILE *out = open_memstream(&text, &size);
    ch_spectrum_print(&spectra, &fit, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "2 runs with fluctuations\n"));
    assert_non_null(strstr(text, "1 run with fluctuations, 1 without\n"));
    assert_non_null(strstr(text, "\n    all "));
    free(text);

    json_t *report = ch_fit_json(&fit);
    assert_int_equal(ch_spectrum_add_json(&spectra, report, NULL), CH_OK);
    const json_t *list = json_object_get(report, "spectra");
    assert_int_equal(json_array_size(list), 2);
    const json_t *layer = json_array_get(json_object_get(json_array_get(list, 0), "layers"), 1);
    assert_string_equal(json_string_value(json_object_get(layer, "layer")), "1");
    const json_t *psi = json_object_get(layer, "psi");
    assert_in(json_real_value(json_object_get(psi, "value")), 3.9, 4.1);
    assert_int_equal(json_array_size(json_object_get(psi, "ci95")), 2);
    json_decref(report);

    assert_non_null(mkdtemp(folder));
    const ch_plot_style style = {.format = CH_PLOT_SVG, .has_data = true};
    out = open_memstream(&text, &size);
    if (ch_plot_spectra(&fit, folder, &style, out, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(fclose(out), 0);
    for (char *rest = text, *line = NULL; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        snprintf(path, sizeof path, "%s", line);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        char row[256];
        while (strstr(path, ".csv") != NULL && fgets(row, sizeof row, file) != NULL) {
            rows += strstr(row, "direction") != NULL;
        }
        fclose(file);
        unlink(path);
    }
    assert_int_equal(rows, 2 * 3 * 3 * NUM_DIRECTIONS); /* pages, panels, layers */
    free(text);
    rmdir(folder);
    ch_spectrum_list_free(&spectra);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_laws),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_reports),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
