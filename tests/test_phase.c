/* test_phase.c — phase diagrams: planted borders, T_opt and k are found; what is missing leaves the rest as it is. */
#include "fit/fit.h"
#include "fit/phase/phase.h"
#include "fit/reports/reports.h"
#include "models/loss.h"
#include "tests/alloc_fail.h"
#include "tests/phase_plant.h"
#include "tests/valgrind_support.h"

static void release(ch_fit *fit, ch_phase_list *phases, ch_run_table *table)
{
    ch_phase_list_free(phases);
    ch_phase_list_free(phases);
    ch_fit_free(fit);
    ch_run_table_free(table);
}

static size_t count_diagrams(const ch_run_table *table)
{
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_fit(&fit, &phases, table);
    const size_t count = phases.count;
    ch_phase_list_free(&phases);
    ch_fit_free(&fit);
    return count;
}

/* ---- one alpha ---- */

/* y = 2 + 3 (x - 0.7)^2 on a grid with unequal steps. */
static void test_least_of_a_parabola(void **state)
{
    (void)state;
    const double x[] = {-3, -1, 0.2, 1, 2.5}, hole = NAN;
    double y[5], at;
    for (size_t i = 0; i < 5; i++) {
        y[i] = 2 + 3 * (x[i] - 0.7) * (x[i] - 0.7);
    }
    assert_int_equal(ch_phase_least(x, y, 5, &at), CH_TC_INSIDE);
    assert_close(at, 0.7, 1e-14);
    y[3] = hole; /* a missing value is skipped: its neighbours are next to each other */
    assert_int_equal(ch_phase_least(x, y, 5, &at), CH_TC_INSIDE);
    assert_close(at, 0.7, 1e-14);
}

static void test_least_of_ties_and_ends(void **state)
{
    (void)state;
    static const struct {
        double y[5];
        size_t count;
        ch_tc_place place;
        double at;
    } cases[] = {
        {{3, 1, 1, 3, 4}, 5, CH_TC_INSIDE, 1.5},     /* equal neighbours: the minimum is half-way between them */
        {{3, 1, 1, 1, 4}, 5, CH_TC_INSIDE, 2},       /* a plateau: the minimum is in its middle */
        {{3, 1, NAN, 1, 4}, 5, CH_TC_INSIDE, 2},     /* neighbours on both sides of a gap */
        {{3, 1, 2, 1, 4}, 5, CH_TC_INSIDE, 7.0 / 6}, /* equal values apart from each other: the lower T counts */
        {{1, 2, 3, 4, 5}, 5, CH_TC_BELOW, 0},
        {{1, 1, 3, 4, 5}, 5, CH_TC_BELOW, 1},
        {{NAN, 2, 3, 4, 5}, 5, CH_TC_BELOW, 1},
        {{5, 4, 3, 2, 1}, 5, CH_TC_ABOVE, 4},
        {{5, 4, 3, 1, 1}, 5, CH_TC_ABOVE, 3},
        {{5, 4, 3, 1, NAN}, 5, CH_TC_ABOVE, 3},
        {{1, 1, 1, 1, 1}, 5, CH_TC_NONE, NAN},
        {{2, 1}, 2, CH_TC_NONE, NAN},
        {{2, NAN, NAN, NAN, 1}, 5, CH_TC_NONE, NAN},
        {{NAN, NAN, NAN, NAN, NAN}, 5, CH_TC_NONE, NAN},
        {{0}, 0, CH_TC_NONE, NAN},
    };
    const double x[] = {0, 1, 2, 3, 4};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double at = -1;
        const ch_tc_place place = ch_phase_least(x, cases[i].y, cases[i].count, &at);
        if (place != cases[i].place || !(fabs(at - cases[i].at) < 1e-14 || (isnan(at) && isnan(cases[i].at)))) {
            fail_msg("case %zu: place %d at %g, not %d at %g", i, (int)place, at, (int)cases[i].place, cases[i].at);
        }
    }
}

static void test_rise(void **state)
{
    (void)state;
    static const struct {
        double y[4];
        ch_tc_place place;
        double at;
    } cases[] = {
        {{-3, -1, 1, 5}, CH_TC_INSIDE, 1.5},     {{-3, NAN, 1, 5}, CH_TC_INSIDE, 1.5},
        {{-3, -1, 0, -2}, CH_TC_INSIDE, 2},      {{0, 1, 2, 3}, CH_TC_INSIDE, 0},
        {{0.5, -1, 2, 3}, CH_TC_BELOW, 0},       {{NAN, 1, 2, 3}, CH_TC_BELOW, 1},
        {{-4, -3, -2, -1}, CH_TC_ABOVE, 3},      {{-4, -3, -2, NAN}, CH_TC_ABOVE, 2},
        {{NAN, NAN, NAN, NAN}, CH_TC_NONE, NAN},
    };
    const double x[] = {0, 1, 2, 3};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double at = -1;
        const ch_tc_place place = ch_phase_rise(x, cases[i].y, 4, 0, &at);
        if (place != cases[i].place || !(fabs(at - cases[i].at) < 1e-14 || (isnan(at) && isnan(cases[i].at)))) {
            fail_msg("case %zu: place %d at %g, not %d at %g", i, (int)place, at, (int)cases[i].place, cases[i].at);
        }
    }
}

/* ---- planted diagrams ---- */

/* The planted laws are parabolas and straight lines in the logarithms. They are found up to rounding. */
static void test_planted_diagram(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    /* moves all runs of a data set alike: T_opt does not change, and borders change by the mean */
    plant.set_noise = 0.2;
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_table(&plant, 1, &table);
    phase_plant_fit(&fit, &phases, &table);
    assert_int_equal(phases.count, 1);
    const ch_phase *phase = &phases.items[0];
    assert_int_equal(phase->num_alphas, 6);
    assert_int_equal(phase->num_temps, 12);
    assert_int_equal(phase->num_data_sets, 4);
    assert_int_equal(phase->num_runs, table.count);
    assert_int_equal(phase->key.train, 1024);
    assert_false(phase->by_budget);
    for (size_t q = 0; q < CH_NUM_PHASE; q++) {
        assert_true(phase->measured[q] == (q != CH_PHASE_TRAIN_LOSS)); /* runs that fitted have no loss left */
    }
    const double noise = log(ch_phase_at(phase, 2, 3)->values[CH_PHASE_WEIGHT_CHANGE]) -
                         log(phase->temps[3] / phase_plant_border(&plant, phase->alphas[2]));
    for (size_t a = 0; a < phase->num_alphas; a++) {
        const ch_phase_row *row = &phase->rows[a];
        const double best = phase_plant_best(&plant, phase->alphas[a]);
        const double border = phase_plant_border(&plant, phase->alphas[a]);
        assert_int_equal(row->best.place, CH_TC_INSIDE);
        assert_true(row->best.is_sure);
        assert_close(row->best.estimate.value, best, 1e-9);
        assert_in(row->best.estimate.stderr_, 0, 1e-9);
        assert_close(row->weight_border.estimate.value, border * exp(-noise), 1e-9);
        assert_close(row->kernel_border.estimate.value, 2 * border * exp(-noise / 2), 1e-9);
    }
    assert_int_equal(phase->best_powers[CH_PHASE_SMALL].num_alphas, 3); /* alpha = 2^-6, 2^-4, 2^-2 */
    assert_close(phase->best_powers[CH_PHASE_SMALL].estimate.value, plant.k, 1e-9);
    assert_close(phase->best_powers[CH_PHASE_SMALL].theory, 0.5, 1e-15);
    release(&fit, &phases, &table);
}

/* The mean of a cell is over data sets, each with equal weight, however many runs it has. */
static void test_cell_means(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    plant.num_sets = 3;
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_table(&plant, 1, &table);
    for (int s = 0; s < 3; s++) {
        ch_run *run = phase_plant_at(&plant, &table, 1, 4, s);
        run->settings.seed_data = s == 0 ? 0 : 1; /* two runs on data set 1 */
        run->final.test_error = s == 0 ? 0.5 : s == 1 ? 0 : 0.2;
        run->final.weight_change_rel = s == 0 ? 2 : s == 1 ? 4 : 16;
        run->final.kernel_change = s == 0 ? 3 : NAN;
    }
    phase_plant_fit(&fit, &phases, &table);
    const ch_phase_cell *cell = ch_phase_at(&phases.items[0], 1, 4);
    assert_int_equal(cell->num_runs, 3);
    assert_close(cell->values[CH_PHASE_TEST_ERROR], 0.3, 1e-14);
    assert_close(cell->values[CH_PHASE_WEIGHT_CHANGE], 4, 1e-14);
    assert_close(cell->values[CH_PHASE_KERNEL_CHANGE], 3, 1e-14);
    release(&fit, &phases, &table);
}

/* The 95 % interval of k from 8 data sets has the planted k in it in at least 30 of 40 tables. If only 90 % of
 * intervals had it, fewer than 30 would have a probability of 0.2 %. */
static void test_interval_of_k(void **state)
{
    (void)state;
    skip_under_valgrind();
    enum { NUM_TABLES = 40 };
    size_t covered = 0;
    double errors = 0, squares = 0;
    for (uint64_t seed = 0; seed < NUM_TABLES; seed++) {
        phase_plant plant = phase_plant_default();
        plant.set_noise = 0.1;
        plant.run_noise = 0.02;
        plant.num_sets = 8;
        ch_run_table table;
        ch_fit fit;
        ch_phase_list phases;
        phase_plant_table(&plant, seed, &table);
        phase_plant_fit(&fit, &phases, &table);
        const ch_estimate *slope = &phases.items[0].best_powers[CH_PHASE_SMALL].estimate;
        assert_true(slope->stderr_ > 0.001);
        covered += slope->lo <= plant.k && plant.k <= slope->hi;
        errors += slope->stderr_ / NUM_TABLES;
        squares += (slope->value - plant.k) * (slope->value - plant.k) / NUM_TABLES;
        release(&fit, &phases, &table);
    }
    assert_in((double)covered, 30, 40);
    printf("  k: mean error %.4f, RMS deviation %.4f\n", errors, sqrt(squares));
    assert_in(errors / sqrt(squares), 0.6, 1.7); /* the root mean square of 40 is known to 11 %: false alarm 1e-4 */
}

static void test_theory_of_k(void **state)
{
    (void)state;
    static const struct {
        uint8_t model;
        uint64_t depth;
        uint8_t linear;
        double theory;
    } cases[] = {
        {CH_ARCH_MLP, 1, CH_LINEAR_NO, 0},          {CH_ARCH_MLP_BIAS, 5, CH_LINEAR_NO, 2.0 / 3},
        {CH_ARCH_MLP, 5, CH_LINEAR_YES, -1},        {CH_ARCH_PERCEPTRON, 0, CH_LINEAR_NO, -1},
        {CH_ARCH_SIMPLE_CNN, 5, CH_LINEAR_NO, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        phase_plant plant = phase_plant_default();
        plant.model = cases[i].model == CH_ARCH_SIMPLE_CNN ? CH_ARCH_MLP : cases[i].model;
        plant.depth = cases[i].depth;
        plant.num_sets = 1;
        ch_run_table table;
        ch_fit fit;
        ch_phase_list phases;
        phase_plant_table(&plant, 1, &table);
        for (size_t r = 0; r < table.count; r++) {
            /* settings do not resolve for a CNN on such data, but its runs may be fitted */
            table.runs[r].settings.model = cases[i].model;
            table.runs[r].settings.linear = cases[i].linear;
        }
        phase_plant_fit(&fit, &phases, &table);
        assert_int_equal(phases.count, 1);
        const double theory = phases.items[0].best_powers[CH_PHASE_SMALL].theory;
        assert_true(isnan(cases[i].theory) ? isnan(theory) : fabs(theory - cases[i].theory) < 1e-15);
        assert_close(phases.items[0].best_powers[CH_PHASE_SMALL].estimate.value, plant.k, 1e-9);
        assert_true(isnan(
            phases.items[0].best_powers[CH_PHASE_SMALL].estimate.stderr_)); /* one data set gives no standard error */
        release(&fit, &phases, &table);
    }
}

/* ---- which runs make a diagram ---- */

static void test_grids(void **state)
{
    (void)state;
    skip_under_valgrind();
    ch_run_table table;
    phase_plant plant = phase_plant_default();
    plant.num_trains = 2;
    phase_plant_table(&plant, 1, &table);
    assert_int_equal(count_diagrams(&table), 2); /* one diagram for each P */
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].settings.width = r % 2 == 0 ? 64 : 128;
    }
    assert_int_equal(count_diagrams(&table), 4); /* other settings have diagrams of their own */
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].settings.width = 64;
        table.runs[r].settings.batch = table.runs[r].settings.train; /* a full batch counts as one value for all P */
    }
    assert_int_equal(count_diagrams(&table), 2);
    ch_run_table_free(&table);

    plant = phase_plant_default();
    plant.num_alphas = 2;
    phase_plant_table(&plant, 1, &table);
    assert_int_equal(count_diagrams(&table), 0);
    ch_run_table_free(&table);

    plant = phase_plant_default();
    plant.num_temps = 2;
    phase_plant_table(&plant, 1, &table);
    assert_int_equal(count_diagrams(&table), 0);
    ch_run_table_free(&table);

    plant = phase_plant_default();
    plant.num_alphas = 3;
    plant.num_temps = 3;
    phase_plant_table(&plant, 1, &table);
    assert_int_equal(count_diagrams(&table), 1);
    for (int t = 0; t < 3; t++) { /* results of another version are not compared, which leaves two alpha */
        for (int s = 0; s < plant.num_sets; s++) {
            phase_plant_at(&plant, &table, 1, t, s)->results_version--;
        }
    }
    assert_int_equal(count_diagrams(&table), 0);
    ch_run_table_free(&table);
}

/* ---- what is missing ---- */

/* At alpha = 2^-4 one run of the best cell diverged, and at 2^-2 a budget ended one run at one of the lowest T. These
 * cells do not count, and the rest is as planted. */
static void test_cells_that_do_not_count(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_table(&plant, 1, &table);
    const int least = 5; /* T = 2^-4, T_opt = 0.075 */
    ch_run *run = phase_plant_at(&plant, &table, 1, least, 2);
    run->status = CH_DIVERGED;
    run->final = ch_observation_none();
    phase_plant_at(&plant, &table, 2, 0, 1)->status = CH_BUDGET;
    phase_plant_at(&plant, &table, 2, 0, 1)->final.test_error = 1e-6;
    phase_plant_fit(&fit, &phases, &table);
    const ch_phase *phase = &phases.items[0];
    const ch_phase_cell *diverged = ch_phase_at(phase, 1, (size_t)least), *budget = ch_phase_at(phase, 2, 0);
    assert_int_equal(diverged->num_diverged, 1);
    assert_false(diverged->counts);
    assert_int_equal(budget->num_budget, 1);
    assert_false(budget->counts);
    for (size_t q = 0; q < CH_PHASE_TRAIN_LOSS; q++) {
        assert_true(isnan(diverged->values[q]));
        assert_true(budget->values[q] > 0); /* such a cell is to be drawn with a mark */
    }
    assert_close(phase->rows[1].best.estimate.value, phase_plant_best(&plant, 1.0 / 16), 1e-9);
    assert_close(phase->rows[2].best.estimate.value, phase_plant_best(&plant, 1.0 / 4), 1e-9);
    release(&fit, &phases, &table);
}

/* One row lacks its lower T. The rest of it rises from its first T on, so that T_opt lies below; it is then no part of
 * k. */
static void test_missing_cells(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_table(&plant, 1, &table);
    size_t kept = 0;
    for (size_t r = 0; r < table.count; r++) {
        const bool missing = table.runs[r].settings.alpha == 0x1p-4 && table.runs[r].settings.temp < 0.2;
        table.runs[kept] = table.runs[r];
        kept += !missing;
    }
    table.count = kept;
    phase_plant_fit(&fit, &phases, &table);
    const ch_phase *phase = &phases.items[0];
    assert_int_equal(ch_phase_at(phase, 1, 0)->num_runs, 0);
    assert_false(ch_phase_at(phase, 1, 0)->counts);
    assert_int_equal(phase->rows[1].best.place, CH_TC_BELOW);
    assert_close(phase->rows[1].best.estimate.value, 0.25, 1e-14);
    assert_int_equal(phase->rows[1].weight_border.place, CH_TC_BELOW);
    assert_int_equal(phase->best_powers[CH_PHASE_SMALL].num_alphas, 2);
    assert_true(isnan(phase->best_powers[CH_PHASE_SMALL].estimate.value));
    release(&fit, &phases, &table);
}

/* Without a test set there is no T_opt, and without an observed kernel the kernel has no border. The rest is there. */
static void test_not_measured(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_table(&plant, 1, &table);
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].final.test_error = NAN;
        table.runs[r].final.kernel_change = r % 2 == 0 ? NAN : INFINITY;
    }
    phase_plant_fit(&fit, &phases, &table);
    const ch_phase *phase = &phases.items[0];
    assert_false(phase->measured[CH_PHASE_TEST_ERROR]);
    assert_true(phase->measured[CH_PHASE_WEIGHT_CHANGE]);
    assert_false(phase->measured[CH_PHASE_KERNEL_CHANGE]);
    for (size_t a = 0; a < phase->num_alphas; a++) {
        assert_int_equal(phase->rows[a].best.place, CH_TC_NONE);
        assert_int_equal(phase->rows[a].kernel_border.place, CH_TC_NONE);
        assert_int_equal(phase->rows[a].weight_border.place, CH_TC_INSIDE);
        assert_true(isnan(phase->rows[a].best.estimate.value));
    }
    assert_int_equal(phase->best_powers[CH_PHASE_SMALL].num_alphas, 0);
    assert_true(isnan(phase->best_powers[CH_PHASE_SMALL].estimate.value));
    release(&fit, &phases, &table);
}

/* Under a loss whose runs are never fitted, all runs end by their budgets and count. */
static void test_never_fitted(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    phase_plant_table(&plant, 1, &table);
    for (size_t r = 0; r < table.count; r++) {
        table.runs[r].status = CH_BUDGET;
    }
    phase_plant_fit(&fit, &phases, &table);
    assert_true(phases.items[0].by_budget);
    assert_close(phases.items[0].best_powers[CH_PHASE_SMALL].estimate.value, plant.k, 1e-9);
    ch_phase_list_free(&phases);
    ch_fit_free(&fit);
    table.runs[7].status = CH_FITTED; /* one fitted run shows that budgets ended the others early */
    phase_plant_fit(&fit, &phases, &table);
    assert_false(phases.items[0].by_budget);
    assert_true(isnan(phases.items[0].best_powers[CH_PHASE_SMALL].estimate.value));
    release(&fit, &phases, &table);
}

/* The training loss after the same number of updates, or of steps, in units of kappa: the geometric mean over data
 * sets. Runs that diverged have none, and those that are stuck keep theirs. There is no such map where the numbers
 * differ, or where a run fitted; under mse a run fits by chance, and is left out. */
static void test_training_loss(void **state)
{
    (void)state;
    static const struct {
        int updates, steps; /* what is added for one run */
        ch_status status;   /* of another run */
        bool has_map;
        uint8_t loss;
    } cases[] = {{0, 0, CH_BUDGET, true, CH_LOSS_HINGE},   {1, 0, CH_BUDGET, true, CH_LOSS_HINGE},
                 {0, 1, CH_BUDGET, true, CH_LOSS_HINGE},   {1, 1, CH_BUDGET, false, CH_LOSS_HINGE},
                 {0, 0, CH_STUCK, true, CH_LOSS_HINGE},    {1, 1, CH_STUCK, false, CH_LOSS_HINGE},
                 {0, 0, CH_DIVERGED, true, CH_LOSS_HINGE}, {0, 0, CH_FITTED, false, CH_LOSS_HINGE},
                 {0, 0, CH_FITTED, true, CH_LOSS_MSE},     {1, 1, CH_FITTED, false, CH_LOSS_MSE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        phase_plant plant = phase_plant_default();
        plant.num_sets = 2;
        ch_run_table table;
        ch_fit fit;
        ch_phase_list phases;
        phase_plant_table(&plant, 1, &table);
        for (size_t r = 0; r < table.count; r++) {
            ch_run *run = &table.runs[r];
            run->status = CH_BUDGET;
            run->final.train_loss = (run->settings.seed == 0 ? 0.5 : 2) * run->settings.temp / run->settings.alpha;
        }
        table.runs[7].updates += (uint64_t)cases[i].updates;
        table.runs[7].steps += (uint64_t)cases[i].steps;
        table.runs[9].status = cases[i].status; /* at alpha = 2^-6 and the fifth T, on the second data set */
        for (size_t r = 0; r < table.count; r++) {
            table.runs[r].settings.loss = cases[i].loss;
        }
        phase_plant_fit(&fit, &phases, &table);
        const ch_phase *phase = &phases.items[0];
        assert_true(phase->measured[CH_PHASE_TRAIN_LOSS] == cases[i].has_map);
        assert_int_equal(phase->updates > 0,
                         cases[i].updates == 0 && (cases[i].status != CH_FITTED || cases[i].has_map));
        const double value = ch_phase_at(phase, 2, 3)->values[CH_PHASE_TRAIN_LOSS];
        assert_true(cases[i].has_map ? fabs(value / phase->temps[3] - 1) < 1e-12 : isnan(value));
        const double other = ch_phase_at(phase, 0, 4)->values[CH_PHASE_TRAIN_LOSS];
        const double expected = phase->temps[4] * (cases[i].status == CH_FITTED ? 0.5 : 1); /* of the first set */
        assert_true(cases[i].has_map && cases[i].status != CH_DIVERGED ? fabs(other / expected - 1) < 1e-12
                                                                       : isnan(other));
        release(&fit, &phases, &table);
    }
}

/* ---- contours ---- */

/* The planted border is a straight line in the logarithms. Every piece of the contour ends on it, and the pieces join
 * from the first alpha to the last. */
static void test_contour(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    ch_phase_segment *segments;
    ch_error err = {0};
    size_t count;
    phase_plant_table(&plant, 1, &table);
    phase_plant_fit(&fit, &phases, &table);
    assert_int_equal(ch_phase_contour(&phases.items[0], CH_PHASE_WEIGHT_CHANGE, 1, &segments, &count, &err), CH_OK);
    assert_in((double)count, 5, 20);
    double span = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t end = 0; end < 2; end++) {
            assert_close(segments[i].temp[end], phase_plant_border(&plant, segments[i].alpha[end]), 1e-9);
        }
        span += fabs(log(segments[i].alpha[1] / segments[i].alpha[0]));
    }
    assert_close(span, log(0x1p10), 1e-9); /* alpha = 2^-6 … 2^4 */
    free(segments);
    assert_int_equal(ch_phase_contour(&phases.items[0], CH_PHASE_WEIGHT_CHANGE, 1e9, &segments, &count, &err), CH_OK);
    assert_int_equal(count, 0);
    free(segments);
    release(&fit, &phases, &table);
}

/* T that were sampled at one alpha alone leave no hole in a contour: at the other alpha the quantity is interpolated,
 * which for the planted power is exact. */
static void test_contour_of_sparse_temps(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    ch_phase_segment *segments;
    ch_error err = {0};
    size_t count, kept = 0;
    phase_plant_table(&plant, 1, &table);
    for (size_t r = 0; r < table.count; r++) { /* every second alpha keeps every third T alone */
        const bool is_sparse = r / (size_t)(plant.num_temps * plant.num_sets) % 2 == 1;
        if (!is_sparse || r / (size_t)plant.num_sets % (size_t)plant.num_temps % 3 == 0) {
            table.runs[kept++] = table.runs[r];
        }
    }
    table.count = kept;
    phase_plant_fit(&fit, &phases, &table);
    assert_int_equal(phases.items[0].num_temps, 12);
    assert_int_equal(ch_phase_contour(&phases.items[0], CH_PHASE_WEIGHT_CHANGE, 1, &segments, &count, &err), CH_OK);
    double span = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t end = 0; end < 2; end++) {
            assert_close(segments[i].temp[end], phase_plant_border(&plant, segments[i].alpha[end]), 1e-9);
        }
        span += fabs(log(segments[i].alpha[1] / segments[i].alpha[0]));
    }
    assert_close(span, log(0x1p10), 1e-9);
    free(segments);
    release(&fit, &phases, &table);
}

/* A saddle with high values at two opposite corners. Its two pieces cut off the two corners that lie on the other side
 * of the level than the middle. */
static void test_saddle(void **state)
{
    (void)state;
    for (int high_middle = 0; high_middle < 2; high_middle++) {
        const double high = high_middle ? exp(3) : exp(1), low = high_middle ? exp(-1) : exp(-3);
        ch_phase_cell cells[4] = {0};
        for (size_t c = 0; c < 4; c++) {
            cells[c] = (ch_phase_cell){.num_runs = 1, .counts = true, .values = {c == 0 || c == 3 ? high : low, 1, 1}};
        }
        double alphas[] = {1, exp(1)}, temps[] = {1, exp(1)};
        const ch_phase phase = {.alphas = alphas, .num_alphas = 2, .temps = temps, .num_temps = 2, .cells = cells};
        ch_phase_segment *segments;
        ch_error err = {0};
        size_t count;
        assert_int_equal(ch_phase_contour(&phase, CH_PHASE_TEST_ERROR, 1, &segments, &count, &err), CH_OK);
        assert_int_equal(count, 2);
        for (size_t i = 0; i < 2; i++) {
            /* When the middle is high, the pieces go round the low corners (0, 1) and (1, 0): x - y keeps its sign and
             * is far from 0. Otherwise they go round (0, 0) and (1, 1). */
            const double x0 = log(segments[i].alpha[0]), x1 = log(segments[i].alpha[1]);
            const double y0 = log(segments[i].temp[0]), y1 = log(segments[i].temp[1]);
            assert_close(high_middle ? fabs(x0 + x1 - y0 - y1) / 2 : fabs(x0 + x1 + y0 + y1 - 2) / 2, 0.75, 1e-12);
        }
        free(segments);
        cells[2].counts = false;
        assert_int_equal(ch_phase_contour(&phase, CH_PHASE_TEST_ERROR, 1, &segments, &count, &err), CH_OK);
        assert_int_equal(count, 0);
        free(segments);
    }
}

/* ---- reports ---- */

static void test_json(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    ch_error err = {0};
    phase_plant_table(&plant, 1, &table);
    phase_plant_fit(&fit, &phases, &table);
    json_t *report = ch_fit_json(&fit);
    assert_non_null(report);
    assert_int_equal(ch_phase_add_json(&phases, report, &err), CH_OK);
    const json_t *list = json_object_get(report, "phase"), *phase = json_array_get(list, 0);
    assert_int_equal(json_array_size(list), 1);
    const json_t *rows = json_object_get(phase, "alphas"), *k = json_object_get(phase, "k");
    const json_t *group = json_object_get(phase, "group");
    assert_int_equal(json_array_size(rows), 6);
    assert_close(json_real_value(json_object_get(json_array_get(rows, 5), "alpha")), 16, 1e-15);
    for (size_t a = 0; a < 6; a++) {
        static const char *const names[] = {"temp_opt", "border", "kernel_border"};
        const ch_phase_row *row = &phases.items[0].rows[a];
        const ch_phase_temp *const temps[] = {&row->best, &row->weight_border, &row->kernel_border};
        for (size_t i = 0; i < 3; i++) {
            const json_t *temp = json_object_get(json_array_get(rows, a), names[i]);
            assert_close(json_real_value(json_object_get(temp, "value")), temps[i]->estimate.value, 1e-15);
            assert_true(json_is_null(json_object_get(temp, "bound")));
            assert_int_equal(json_array_size(json_object_get(temp, "ci95")), 2);
        }
    }
    assert_close(json_real_value(json_object_get(k, "value")), plant.k, 1e-9);
    assert_close(json_real_value(json_object_get(k, "theory")), 0.5, 1e-15);
    assert_int_equal(json_integer_value(json_object_get(k, "alphas")), 3);
    assert_string_equal(json_string_value(json_object_get(group, "model")), "mlp");
    assert_int_equal(json_integer_value(json_object_get(group, "train")), 1024);
    assert_null(json_object_get(group, "alpha"));
    assert_int_equal(json_array_size(json_object_get(report, "groups")), 6); /* the other keys have not changed */
    json_decref(report);
    release(&fit, &phases, &table);
}

/* The text report, as one string to be freed. */
static char *print(const ch_phase_list *phases)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ch_phase_print(phases, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_text(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases = {0};
    char *text = print(&phases);
    assert_string_equal(text, ""); /* without a diagram it prints nothing */
    free(text);
    phase_plant_table(&plant, 1, &table);
    phase_plant_fit(&fit, &phases, &table);
    text = print(&phases);
    static const char *const says[] = {"mlp, width = 64, depth = 3, dim = 16, train = 2^10",
                                       "288 runs, 4 data sets, 6 alpha, 12 T",
                                       "‖K-K₀‖ = 1 ‖K₀‖",
                                       "2^-6  ",
                                       "k = 0.500 ± 0.000 (0.500 … 0.500), theory 0.500",
                                       "over the 3 alpha < 1\n"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        if (strstr(text, says[i]) == NULL) {
            fail_msg("no \"%s\" in:\n%s", says[i], text);
        }
    }
    free(text);
    release(&fit, &phases, &table);
}

/* ---- memory ---- */

static void test_allocations_fail(void **state)
{
    (void)state;
    phase_plant plant = phase_plant_default();
    ch_run_table table;
    ch_fit fit;
    ch_phase_list phases;
    plant.num_trains = 2;
    phase_plant_table(&plant, 1, &table);
    phase_plant_fit(&fit, &phases, &table);
    ch_phase_list_free(&phases);
    ch_error err;
    long failed;
    assert_failures_are_told(failed, ch_phase_list_init(&phases, &fit, &err), err, ch_phase_list_free(&phases));
    assert_in((double)failed, 20, 60);
    ch_phase_segment *segments;
    size_t count = 1;
    alloc_fail_at(0);
    assert_int_equal(ch_phase_contour(&phases.items[0], CH_PHASE_TEST_ERROR, 1, &segments, &count, &err),
                     CH_ERROR_MEMORY);
    alloc_fail_at(-1);
    assert_null(segments);
    assert_int_equal(count, 0);
    release(&fit, &phases, &table);
}

int main(void)
{
    /* suites: valgrind */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_of_a_parabola),
        cmocka_unit_test(test_least_of_ties_and_ends),
        cmocka_unit_test(test_rise),
        cmocka_unit_test(test_planted_diagram),
        cmocka_unit_test(test_cell_means),
        cmocka_unit_test(test_interval_of_k),
        cmocka_unit_test(test_theory_of_k),
        cmocka_unit_test(test_grids),
        cmocka_unit_test(test_cells_that_do_not_count),
        cmocka_unit_test(test_missing_cells),
        cmocka_unit_test(test_not_measured),
        cmocka_unit_test(test_never_fitted),
        cmocka_unit_test(test_training_loss),
        cmocka_unit_test(test_contour),
        cmocka_unit_test(test_contour_of_sparse_temps),
        cmocka_unit_test(test_saddle),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
