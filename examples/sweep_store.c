/* sweep_store.c — makes a sweep of 48 trainings and keeps them in a store, one SQLite file.
 *
 *   cc sweep_store.c $(pkg-config --cflags --libs chiton) -o sweep_store && ./sweep_store runs.db
 *
 * It is what `chiton sweep perceptron --chi 1 --dim 16 --train 128,256 --temp 2^-4..2^1 --seed 0..3 -o runs.db` does.
 * Called a second time it finds all runs in the store, and makes none.
 */
#include <chiton.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>

/* The settings that are not left at their defaults; every combination of their values is one run. */
static const char *const VALUES[][2] = {
    {"model", "perceptron"}, {"chi", "1"}, {"dim", "16"}, {"train", "128,256"}, {"temp", "2^-4..2^1"}, {"seed", "0..3"},
};

static ch_code make_plan(ch_plan *plan, ch_error *err)
{
    ch_plan_init(plan);
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        size_t setting = 0;
        ch_code code = ch_settings_find(VALUES[i][0], &setting, err);
        if (code != CH_OK) {
            return code;
        }
        code = ch_plan_set(plan, setting, VALUES[i][1], err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

int main(int argc, char **argv)
{
    enum { THREADS = 2 };
    const char *path = argc > 1 ? argv[1] : "runs.db";
    ch_error err = {0};
    ch_plan plan = {0};
    ch_store store = {0};
    ch_sweep sweep = {0};

    gsl_set_error_handler_off(); /* GSL would end the program; chiton returns a code instead */
    ch_code code = make_plan(&plan, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_open(&store, path, CH_STORE_WRITE, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_sweep_init(&sweep, &plan, &store, &err); /* finds the runs that the store lacks */
    if (code != CH_OK) {
        goto out;
    }
    code = ch_sweep_run(&sweep, &store, THREADS, NULL, &err); /* NULL: nobody watches, and nothing can stop it */
    if (code != CH_OK) {
        goto out;
    }
    printf("%zu runs: %zu were there, %zu fitted, %zu ended by a budget, %zu diverged\n", sweep.counts.total,
           sweep.counts.present, sweep.counts.fitted, sweep.counts.budget, sweep.counts.diverged);
out:
    ch_sweep_free(&sweep);
    ch_store_close(&store);
    ch_plan_free(&plan);
    if (code != CH_OK) {
        fprintf(stderr, "sweep_store: %s\n", err.message);
    }
    return code == CH_OK ? 0 : 1;
}
