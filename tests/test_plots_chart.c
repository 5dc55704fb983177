/* test_plots_chart.c — figures of the user's choice as `chiton plot` draws them, and what it refuses. */
#include "tests/pages_support.h"

#include <gsl/gsl_errno.h>

/* A figure of the user's choice, and what is refused. */
static void test_own_choice(void **state)
{
    (void)state;
    expect("$C sweep perceptron --dim 8 --train 64,256 --temp 1,4 --seed 0..2 -o $D/b > $D/log", CH_EXIT_OK, "");
    expect("$C plot $D/b -o $D --format svg --x temp --y weight_change --by train --band ci", CH_EXIT_OK,
           "weight_change-temp-by-train.svg");
    check_page("weight_change-temp-by-train.svg",
               (const char *const[]){"temperature T", "weight change ‖Δw‖", "training samples P =", NULL},
               (const char *const[]){"(a)", NULL});
    expect("$C plot $D/b -o $D --x temp --y weight_change --by train --data | sed s,$D/,,", CH_EXIT_OK,
           "weight_change-temp-by-train.pdf\nweight_change-temp-by-train.csv\n");
    expect("cut -d, -f2-4 $D/weight_change-temp-by-train.csv", CH_EXIT_OK,
           "shows,curve,x\nmean,64,1\nmean,64,4\nmean,256,1\nmean,256,4\n");
    /* the disk is full when the numbers are written: the figure is there, and the older numbers stay */
    expect("D=$D C=$C sh -c 'ln -s /dev/full $D/weight_change-temp-by-train.csv.$$.part; "
           "exec $C plot $D/b -o $D --x temp --y weight_change --by train --data'",
           CH_EXIT_FAILED, "/weight_change-temp-by-train.csv: No space left on device");
    expect("cd $D; wc -l < weight_change-temp-by-train.csv; ls | grep -c part", 1, "5\n0\n");
    expect("$C plot $D/b -o $D --x temp --y weight_change", CH_EXIT_USAGE, "differ in train");
    expect("$C plot $D/b -o $D --x temp --y kernel_change --by train", CH_EXIT_USAGE, "no run has a kernel_change");
    expect("$C plot $D/b -o $D --x temp", CH_EXIT_USAGE, "and --y, a result");
    expect("$C plot $D/b -o $D --by temp", CH_EXIT_USAGE, "name it by --x and --y");
    expect("$C plot $D/b -o $D --x temp --y time --panel a", CH_EXIT_USAGE, "no --panel");
}

/* An axis on which some run is at 0 is linear unless a logarithm is asked for. Values of chi are no powers of two. */
static void test_zero_on_an_axis(void **state)
{
    (void)state;
    expect("$C sweep perceptron --dim 8 --chi 0,0.5 --train 64 --temp 1,2 --seed 0..2 -o $D/z > $D/log", CH_EXIT_OK,
           "");
    expect("$C plot $D/z -o $D --format svg --data --x chi --y time --by temp; cut -d, -f2-4 $D/time-chi-by-temp.csv",
           CH_EXIT_OK, "shows,curve,x\nmean,1,0\nmean,1,0.5\nmean,2,0\nmean,2,0.5\n");
    expect("$C plot $D/z -o $D --format svg --data --x chi --y time --by temp --log x,y", CH_EXIT_OK,
           "6 of 12 runs are not shown: they diverged, have no time, or a number that a logarithm cannot show");
    expect("$C plot $D/z -o $D --format svg --x temp --y time --by chi", CH_EXIT_OK, "time-temp-by-chi.svg");
    check_page("time-temp-by-chi.svg", (const char *const[]){">0.5<", NULL}, (const char *const[]){">−1<", NULL});
}

/* A figure of numbers of a fit, of two stores. */
static void test_own_numbers(void **state)
{
    (void)state;
    expect("$C sweep perceptron --dim 8 --chi 0 --train 256,1024 --temp 1,4 --seed 0..2 -o $D/c > $D/log", CH_EXIT_OK,
           "");
    expect("$C sweep perceptron --dim 8 --chi 1 --train 256,1024 --temp 1,4 --seed 0..2 -o $D/d > $D/log", CH_EXIT_OK,
           "");
    expect("$C plot $D/c $D/d -o $D --format svg --x chi --y gamma", CH_EXIT_OK, "gamma-chi.svg");
    check_page("gamma-chi.svg", (const char *const[]){"theory, P → ∞", ">χ<", NULL},
               (const char *const[]){"(a)", NULL});
    expect("$C plot $D/c $D/d -o $D --x chi --y k", CH_EXIT_USAGE,
           "no group has a k and an x that the figure can show");
    expect("$C plot $D/c -o $D --x temp --y gamma", CH_EXIT_USAGE, "gamma is a number of all runs of a group");
    expect("$C plot $D/c -o $D --x chi --y gamma --band sd", CH_EXIT_USAGE,
           "has ci, its 95 % interval (default), or se");
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_own_choice),
        IN_DIRECTORY(test_zero_on_an_axis),
        IN_DIRECTORY(test_own_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
