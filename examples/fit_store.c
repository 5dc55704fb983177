/* fit_store.c — reads the runs of a store, fits them and prints their exponents next to theory.
 *
 *   cc fit_store.c $(pkg-config --cflags --libs chiton) -o fit_store && ./fit_store runs.db
 *
 * It is what `chiton fit runs.db` does; sweep_store.c makes such a store. The weight change goes as T^delta P^gamma,
 * the training time as T^time_delta P^b. Errors are taken over data sets.
 */
#include <chiton.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>

static void print_exponents(const ch_fit *fit)
{
    for (size_t i = 0; i < fit->num_groups; i++) {
        const ch_fit_group *group = &fit->groups[i];
        char label[256];
        ch_fit_group_label(fit, group, label, sizeof label);
        printf("%zu runs on %zu data sets %s\n", group->num_runs, group->num_data_sets, label);
        for (size_t k = 0; k < group->num_exponents; k++) {
            const ch_exponent *exponent = &group->exponents[k];
            printf("%s = %.4f +- %.4f, theory %g\n", ch_fit_numbers[exponent->number].name, exponent->estimate.value,
                   exponent->estimate.stderr_, exponent->theory);
        }
    }
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "runs.db";
    ch_error err = {0};
    ch_store store = {0};
    ch_run_table table = {0};
    ch_fit_options options;
    ch_fit fit = {0};

    gsl_set_error_handler_off(); /* GSL would end the program; chiton returns a code instead */
    ch_fit_options_default(&options);
    ch_code code = ch_store_open(&store, path, CH_STORE_READ, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_select(&store, NULL, false, &table, &err); /* all runs, without their trajectories */
    if (code != CH_OK) {
        goto out;
    }
    code = ch_fit_init(&fit, &table, &options, &err);
    if (code != CH_OK) {
        goto out;
    }
    print_exponents(&fit);
out:
    ch_fit_free(&fit);
    ch_run_table_free(&table);
    ch_store_close(&store);
    if (code != CH_OK) {
        fprintf(stderr, "fit_store: %s\n", err.message);
    }
    return code == CH_OK ? 0 : 1;
}
