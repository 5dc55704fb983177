/* test_censored.c — power laws of tables in which a budget ended some runs, whose t* enter the likelihood as lower
 * bounds. */
#include "fit/fit.h"
#include "tests/fit_plant.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multimin.h>

/* Ends every run that takes longer than this. */
static void end_at(ch_run_table *table, double time)
{
    for (size_t i = 0; i < table->count; i++) {
        ch_run *run = &table->runs[i];
        if (run->time > time) {
            run->status = CH_BUDGET;
            run->final.weight_change *= pow(time / run->time, 0.25);
            run->final.weight_change_rel *= pow(time / run->time, 0.25);
            run->time = time;
        }
    }
}

/* Fits a table.
 * @param bounds  as written after --bound, or after --fix; NULL for none */
static void fit_bounded(ch_fit *fit, const ch_run_table *table, size_t replicas, const char *bounds)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    if (bounds != NULL && strchr(bounds, ':') == NULL && ch_fit_options_fix(&options, bounds, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    if (bounds != NULL && strchr(bounds, ':') != NULL && ch_fit_options_bound(&options, bounds, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    memset(options.wanted, 0, sizeof options.wanted);
    options.replicas = replicas;
    options.threads = 2;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static void fit_table(ch_fit *fit, const ch_run_table *table, size_t replicas)
{
    fit_bounded(fit, table, replicas, NULL);
}

/* Minus the logarithm of the likelihood of ln y = v0 + v1 ln T + v2 ln P with standard deviation exp(v3), over the runs
 * in the window. */
static double minus_log_likelihood(const gsl_vector *v, void *parameters)
{
    const ch_fit_group *group = parameters;
    const double log_deviation = gsl_vector_get(v, 3);
    double sum = 0;
    for (size_t i = 0; i < group->num_runs; i++) {
        const ch_run *run = group->runs[i];
        const double temp = run->settings.temp;
        const double mean = gsl_vector_get(v, 0) + gsl_vector_get(v, 1) * log(temp) +
                            gsl_vector_get(v, 2) * log((double)run->settings.train);
        const double z = (log(run->time) - mean) / exp(log_deviation);
        if (temp >= group->window_lo && temp <= group->window_hi) {
            sum += run->status == CH_BUDGET ? -log(gsl_cdf_ugaussian_Q(z)) : z * z / 2 + log_deviation;
        }
    }
    return sum;
}

/* Finds the most likely law directly from the likelihood, by Nelder and Mead's simplex, which is restarted. */
static void maximise_directly(const ch_fit_group *group, double found[4])
{
    gsl_vector *at = gsl_vector_alloc(4), *step = gsl_vector_alloc(4);
    gsl_multimin_fminimizer *minimizer = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, 4);
    gsl_multimin_function function = {minus_log_likelihood, 4, (void *)(uintptr_t)group};
    const double start[] = {0, 1, 2, -1};
    for (size_t k = 0; k < 4; k++) {
        gsl_vector_set(at, k, start[k]);
    }
    for (int restart = 0; restart < 20; restart++) {
        gsl_vector_set_all(step, 0.1);
        gsl_multimin_fminimizer_set(minimizer, &function, at, step);
        for (int k = 0; k < 2000 && gsl_multimin_fminimizer_size(minimizer) > 1e-10; k++) {
            gsl_multimin_fminimizer_iterate(minimizer);
        }
        gsl_vector_memcpy(at, minimizer->x);
    }
    for (size_t k = 0; k < 4; k++) {
        found[k] = gsl_vector_get(at, k);
    }
    gsl_multimin_fminimizer_free(minimizer);
    gsl_vector_free(at);
    gsl_vector_free(step);
}

static plant noisy(void)
{
    plant planted = plant_default();
    planted.set_noise = 0.2;
    planted.run_noise = 0.3;
    planted.num_sets = 8;
    return planted;
}

/* P^2 T at P = 2^14 and T = 4 is 2^30. Some 15 % of the runs lie beyond this time, 2^25.5. */
static const double END = 47453132;

static void agrees_with_the_likelihood(void **state)
{
    (void)state;
    const plant planted = noisy();
    for (uint64_t seed = 1; seed <= 5; seed++) {
        ch_run_table table;
        ch_fit fit;
        double found[4];
        plant_table(&planted, seed, &table);
        end_at(&table, END);
        fit_table(&fit, &table, 2);
        const ch_fit_group *group = &fit.groups[0];
        size_t ended = 0;
        for (size_t i = 0; i < table.count; i++) {
            ended += table.runs[i].status == CH_BUDGET;
        }
        assert_true(ended > table.count / 10);
        maximise_directly(group, found);
        assert_close(group->time.log_amplitude, found[0], 1e-4);
        assert_close(group->time.temp_exponent, found[1], 1e-5);
        assert_close(group->time.train_exponent, found[2], 1e-5);
        assert_int_equal(group->time.num_runs, table.count);
        ch_fit_free(&fit);
        free(table.runs);
    }
}

/* Bounds that are never reached change no bit of law and errors. */
static void bounds_far_away_change_nothing(void **state)
{
    (void)state;
    const plant planted = noisy();
    ch_run_table table;
    ch_fit free_one, bounded;
    plant_table(&planted, 3, &table);
    end_at(&table, END);
    fit_table(&free_one, &table, 40);
    fit_bounded(&bounded, &table, 40, "time_delta=-99:99,b=-99:99");
    const ch_fit_group *a = &free_one.groups[0], *b = &bounded.groups[0];
    assert_memory_equal(&a->time, &b->time, sizeof a->time);
    assert_int_equal(a->num_exponents, b->num_exponents);
    for (size_t i = 0; i < a->num_exponents; i++) {
        assert_memory_equal(&a->exponents[i].estimate, &b->exponents[i].estimate, sizeof(ch_estimate));
    }
    ch_fit_free(&free_one);
    ch_fit_free(&bounded);
    free(table.runs);
}

/* A bound on b that the free law passes is where b lies, and the other numbers are the most likely ones given it. */
static void agrees_with_the_likelihood_at_a_bound(void **state)
{
    (void)state;
    const plant planted = noisy();
    ch_run_table table;
    ch_fit fit, fixed;
    plant_table(&planted, 2, &table);
    end_at(&table, END);
    fit_bounded(&fit, &table, 2, "b=1:1.5");
    fit_bounded(&fixed, &table, 2, "b=1.5");
    assert_close(fit.groups[0].time.train_exponent, 1.5, 0);
    assert_close(fit.groups[0].time.temp_exponent, fixed.groups[0].time.temp_exponent, 1e-9);
    ch_fit_free(&fit);
    ch_fit_free(&fixed);
    free(table.runs);
}

static bool has_note(const ch_fit_group *group, const char *words)
{
    for (size_t i = 0; i < group->num_notes; i++) {
        if (strstr(group->notes[i], words) != NULL) {
            return true;
        }
    }
    return false;
}

/* All runs that ended in time are at the least P. The bounds at the others push b up without end, so that there is no
 * b; time_delta comes from the runs that ended. (Expectation maximisation stopped anywhere and printed that as b.) */
static void bounds_alone_determine_nothing(void **state)
{
    (void)state;
    plant planted = noisy();
    ch_run_table table;
    ch_fit fit, least;
    plant_table(&planted, 4, &table);
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < table.count; i++) {
        first = table.runs[i].settings.train < first ? table.runs[i].settings.train : first;
    }
    size_t kept = 0;
    for (size_t i = 0; i < table.count; i++) {
        if (table.runs[i].settings.train != first) {
            table.runs[i].status = CH_BUDGET;
            table.runs[i].time /= 8;
        }
    }
    fit_table(&fit, &table, 40);
    const ch_fit_group *group = &fit.groups[0];
    assert_null(find_exponent(group, "b", NULL));
    assert_true(has_note(group, "no b: it needs two values of P at which runs ended in time"));
    for (size_t i = 0; i < table.count; i++) {
        if (table.runs[i].settings.train == first) {
            table.runs[kept++] = table.runs[i];
        }
    }
    table.count = kept;
    fit_table(&least, &table, 40);
    assert_close(exponent_value(group, "time_delta", NULL), exponent_value(&least.groups[0], "time_delta", NULL),
                 1e-12);
    ch_fit_free(&fit);
    ch_fit_free(&least);
    free(table.runs);
}

/* Without noise the runs that ended in time lie on one plane, the deviation is 0, and the law is exact. */
static void a_law_without_noise_is_exact(void **state)
{
    (void)state;
    plant planted = noisy();
    planted.set_noise = planted.run_noise = 0;
    ch_run_table table;
    ch_fit fit;
    plant_table(&planted, 1, &table);
    end_at(&table, END);
    fit_table(&fit, &table, 2);
    assert_close(fit.groups[0].time.train_exponent, planted.b, 1e-8);
    assert_close(fit.groups[0].time.temp_exponent, 1, 1e-8);
    ch_fit_free(&fit);
    free(table.runs);
}

/* 95 % intervals of b have the truth in them in 141 of 160 tables or more: 152 are expected, and 141 is 4 standard
 * deviations less. b is not biased: its mean is within four standard errors (6e-5) of the truth. A fit of only the runs
 * that ended in time would give less. */
static void covers_and_is_not_biased(void **state)
{
    (void)state;
    enum { NUM = 160 };
    const plant planted = noisy();
    size_t covered = 0;
    double sum = 0, squares = 0, naive = 0;
    for (uint64_t seed = 1; seed <= NUM; seed++) {
        ch_run_table table;
        ch_fit fit;
        plant_table(&planted, seed, &table);
        end_at(&table, END);
        fit_table(&fit, &table, 100);
        const ch_exponent *b = find_exponent(&fit.groups[0], "b", NULL);
        assert_non_null(b);
        covered += b->estimate.lo <= planted.b && planted.b <= b->estimate.hi;
        sum += b->estimate.value;
        squares += b->estimate.value * b->estimate.value;
        ch_fit_free(&fit);
        size_t kept = 0;
        for (size_t i = 0; i < table.count; i++) {
            if (table.runs[i].status == CH_FITTED) {
                table.runs[kept++] = table.runs[i];
            }
        }
        table.count = kept;
        fit_table(&fit, &table, 2);
        naive += exponent_value(&fit.groups[0], "b", NULL) / NUM;
        ch_fit_free(&fit);
        free(table.runs);
    }
    const double mean = sum / NUM, error = sqrt((squares / NUM - mean * mean) / NUM);
    print_message("    covered %zu of %d; b = %.4f +- %.4f, of the quick ones alone %.4f\n", covered, NUM, mean, error,
                  naive);
    assert_in((double)covered, 141, 160);
    assert_in(mean, planted.b - 4 * error, planted.b + 4 * error);
    assert_true(naive < planted.b - 6 * error);
}

int main(void)
{
    /* suites: statistical */
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_likelihood),
        cmocka_unit_test(bounds_far_away_change_nothing),
        cmocka_unit_test(agrees_with_the_likelihood_at_a_bound),
        cmocka_unit_test(bounds_alone_determine_nothing),
        cmocka_unit_test(a_law_without_noise_is_exact),
        cmocka_unit_test(covers_and_is_not_biased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
