/* test_fluctuations.c — fluctuations of the weights: planted series and landscapes with known spectra, the stationary
 * covariance of SGD on a linear regression, which is known in closed form, and runs in stores. */
#include "tests/store_support.h"
#include "tests/train_support.h"

#include "sim/fluctuations.h"
#include "sim/store/merge.h"
#include "sim/train_private.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>

/* ---- series and landscapes with known spectra ---- */

enum { MOST_SIZE = 300, DIRECTIONS = 5 };

/* A loss L0 exp(sum_k q_k(theta_k)) in the coordinates along orthonormal directions v_k around a centre, with
 * q_k = (theta / right_k)^power for theta > 0 and (-theta / left_k)^power else: L grows by a factor e at right and
 * -left. */
typedef struct {
    size_t size;
    double centre[MOST_SIZE], directions[DIRECTIONS][MOST_SIZE];
    double right[DIRECTIONS], left[DIRECTIONS], power, lowest;
    size_t count; /* how often the loss was found */
    size_t most;  /* after which it fails */
} landscape;

static ch_code planted_loss(void *context, const double *weights, double *loss, ch_error *err)
{
    landscape *self = context;
    double sum = 0;
    for (size_t k = 0; k < DIRECTIONS; k++) {
        double theta = 0;
        for (size_t i = 0; i < self->size; i++) {
            theta += (weights[i] - self->centre[i]) * self->directions[k][i];
        }
        sum += pow(theta > 0 ? theta / self->right[k] : -theta / self->left[k], self->power);
    }
    *loss = self->lowest * exp(sum);
    self->count++;
    return self->count > self->most ? ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped") : CH_OK;
}

/* Orthonormal directions: columns of the matrix of a reflection, 1 - 2 u u^T. They lie in the numbers from `from` on.
 */
static landscape make_landscape(size_t size, size_t from, size_t count, double power)
{
    landscape self = {.size = size, .power = power, .lowest = 0.3, .most = SIZE_MAX};
    double u[MOST_SIZE], norm = 0;
    for (size_t i = 0; i < count; i++) {
        u[i] = cos((double)(i * i) + 0.3);
        norm += u[i] * u[i];
    }
    for (size_t i = 0; i < size; i++) {
        self.centre[i] = sin((double)i);
    }
    for (size_t k = 0; k < DIRECTIONS; k++) {
        for (size_t i = 0; i < count; i++) {
            self.directions[k][from + i] = (i == k) - 2 * u[i] * u[k] / norm;
        }
        self.right[k] = 0.5 + (double)k;
        self.left[k] = 0.2 + 2 * (double)k;
    }
    return self;
}

/* The motion along direction k: a cosine of k + 1 half periods. These are orthogonal to each other and to 1. */
static double wave(size_t k, size_t t, size_t n)
{
    return cos(M_PI * (double)(k + 1) * ((double)t + 0.5) / (double)n);
}

static double amplitude(size_t k)
{
    return 2.0 / (double)(k + 1);
}

static ch_weight_series make_series(const landscape *self, size_t n)
{
    ch_weight_series series = {.num_rows = n, .most = n, .num_weights = self->size};
    series.rows = malloc(n * self->size * sizeof *series.rows);
    assert_non_null(series.rows);
    for (size_t t = 0; t < n; t++) {
        for (size_t i = 0; i < self->size; i++) {
            double *number = &series.rows[t * self->size + i];
            *number = self->centre[i];
            for (size_t k = 0; k < DIRECTIONS; k++) {
                *number += amplitude(k) * wave(k, t, n) * self->directions[k][i];
            }
        }
    }
    return series;
}

/* Variances, flatness, drift and cosine of planted directions are found, where there are more snapshots than numbers
 * and where there are fewer, by one and by three threads to the same bits, in a layer and in all weights together. The
 * directions that rounding makes beside the planted ones are left out. */
static void test_planted(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 40, 300};
    enum { N = 96 };
    for (size_t s = 0; s < 3; s++) {
        landscape plan = make_landscape(sizes[s], 2, sizes[s] - 2, 1.5);
        ch_weight_series series = make_series(&plan, N), again = make_series(&plan, N);
        const ch_weight_part parts[] = {{0, 2}, {2, sizes[s] - 2}};
        const ch_loss_at loss = {&plan, planted_loss};
        ch_fluctuation *found = NULL, *threaded = NULL;
        size_t count = 0, num_threaded = 0;
        assert_int_equal(ch_fluctuations_find(&series, parts, 2, &loss, 1, &found, &count, NULL), CH_OK);
        assert_int_equal(ch_fluctuations_find(&again, parts, 2, &loss, 3, &threaded, &num_threaded, NULL), CH_OK);
        assert_int_equal(count, 2 * DIRECTIONS); /* none in layer 0, whose weights rest */
        assert_int_equal(num_threaded, count);
        assert_memory_equal(found, threaded, count * sizeof *found);
        for (size_t j = 0; j < count; j++) {
            const size_t k = j % DIRECTIONS;
            const double half = N / 2;
            double first = 0;
            for (size_t t = 0; t < N / 2; t++) {
                first += wave(k, t, N) / half;
            }
            assert_int_equal(found[j].layer, j < DIRECTIONS ? 1 : 2);
            assert_int_equal(found[j].rank, k + 1);
            assert_close(found[j].variance, amplitude(k) * amplitude(k) * N / 2 / (N - 1), 1e-9);
            assert_close(found[j].flatness, plan.right[k] + plan.left[k], 3e-6);
            assert_close(found[j].cosine, 1, 1e-9);
            /* the second half is the first one turned round, with the sign of an even or odd number of half periods */
            const double drift = k % 2 == 0 ? 2 * fabs(first) / sqrt((double)N / 2 / (N - 1)) : 0;
            assert_in(found[j].drift - drift, -1e-7, 1e-7);
        }
        free(found);
        free(threaded);
        ch_weight_series_free(&series);
        ch_weight_series_free(&again);
    }
}

/* Of a loss that is nearly a parabola the curvature is found: L = L0 exp(theta^2 / a^2) has L'' = 2 L0 / a^2, and the
 * difference over d = 2 a / 16 is (2 / d^2) (exp(d^2 / a^2) - 1) L0. */
static void test_curvature(void **state)
{
    (void)state;
    landscape plan = make_landscape(20, 0, 20, 2);
    for (size_t k = 0; k < DIRECTIONS; k++) {
        plan.left[k] = plan.right[k];
    }
    ch_weight_series series = make_series(&plan, 64);
    const ch_weight_part all = {0, 20};
    const ch_loss_at loss = {&plan, planted_loss};
    ch_fluctuation *found = NULL;
    size_t count = 0;
    assert_int_equal(ch_fluctuations_find(&series, &all, 1, &loss, 1, &found, &count, NULL), CH_OK);
    assert_int_equal(count, DIRECTIONS);
    for (size_t k = 0; k < count; k++) {
        const double a = plan.right[k], d = a / 8;
        assert_close(found[k].curvature, 2 / (d * d) * (exp(d * d / (a * a)) - 1) * plan.lowest, 1e-5);
        assert_close(found[k].curvature, 2 * plan.lowest / (a * a), 0.01);
    }
    assert_true(plan.count < 14 * 2 * DIRECTIONS);
    free(found);
    ch_weight_series_free(&series);
}

static ch_code constant_loss(void *context, const double *weights, double *loss, ch_error *err)
{
    (void)weights, (void)err;
    *loss = *(double *)context;
    return CH_OK;
}

/* A loss that nowhere grows by a factor e has no flatness, nor has one that is 0. A failure to find it is passed on. */
static void test_no_flatness(void **state)
{
    (void)state;
    static double losses[] = {1, 0, NAN};
    landscape plan = make_landscape(20, 0, 20, 2);
    const ch_weight_part all = {0, 20};
    ch_fluctuation *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        ch_weight_series series = make_series(&plan, 64);
        const ch_loss_at loss = {&losses[i], constant_loss};
        assert_int_equal(ch_fluctuations_find(&series, &all, 1, &loss, 1, &found, &count, NULL), CH_OK);
        assert_int_equal(count, DIRECTIONS);
        assert_true(isnan(found[0].flatness) && isnan(found[0].curvature));
        assert_true(found[0].variance > 0);
        free(found);
        ch_weight_series_free(&series);
    }
    plan.most = 7;
    ch_weight_series series = make_series(&plan, 64);
    const ch_loss_at loss = {&plan, planted_loss};
    assert_int_equal(ch_fluctuations_find(&series, &all, 1, &loss, 1, &found, &count, NULL), CH_ERROR_INTERRUPTED);
    assert_null(found);
    assert_int_equal(count, 0);
    ch_weight_series_free(&series);
}

/* ---- errors by blocks ---- */

/* The error of the mean of an autoregressive series x' = rho x + xi has the variance [1 / (1 - rho^2)] (1 + rho) / (1 -
 * rho) / n, n >> 1 / (1 - rho). Blocks of n / 64 to n / 8 are long enough here; the largest of four estimates with 63,
 * 31, 15 and 7 degrees of freedom lies over the right one by some 15 % on average. The mean over 40 series is between
 * 1 and 1.35 of it, where its own standard deviation is 0.03. */
static void test_block_errors(void **state)
{
    (void)state;
    enum { N = 8192, SERIES = 40 };
    static const double rhos[] = {0, 0.9};
    static double x[N];
    for (size_t r = 0; r < 2; r++) {
        const double rho = rhos[r];
        double sum = 0;
        for (uint64_t s = 0; s < SERIES; s++) {
            ch_random random;
            ch_random_init(&random, s, CH_STREAM_NOISE, r);
            const gsl_rng generator = ch_random_gsl(&random);
            double last = 0;
            for (size_t t = 0; t < N; t++) {
                last = rho * last + gsl_ran_gaussian(&generator, 1);
                x[t] = last;
            }
            sum += ch_block_error(x, N) / SERIES;
        }
        const double exact = sqrt(1 / (1 - rho * rho) * (1 + rho) / (1 - rho) / N);
        assert_in(sum / exact, 1, 1.35);
    }
    for (size_t t = 0; t < N; t++) {
        x[t] = 3;
    }
    assert_true(ch_block_error(x, N) < 1e-12);
}

/* ---- SGD on a linear regression ---- */

enum { D = 3, P = 16 };

/* Solves H x = b by elimination, H [D][D] positive. */
static void solve(const double H[D][D], const double b[D], double x[D])
{
    double a[D][D + 1];
    for (int i = 0; i < D; i++) {
        memcpy(a[i], H[i], sizeof H[i]);
        a[i][D] = b[i];
    }
    for (int k = 0; k < D; k++) {
        for (int i = 0; i < D; i++) {
            const double factor = i == k ? 0 : a[i][k] / a[k][k];
            for (int j = 0; j <= D; j++) {
                a[i][j] -= factor * a[k][j];
            }
        }
    }
    for (int i = 0; i < D; i++) {
        x[i] = a[i][D] / a[i][i];
    }
}

/* The eigenvalues, falling, of the exact stationary covariance of SGD on (1 / 2)(x . w - y)^2, with batches of B of the
 * P samples without replacement. With delta = w - w*, g_mu = x_mu (x_mu . delta - r_mu), sum_mu r_mu x_mu = 0, and the
 * mean g = H delta, the second moment C = <delta delta^T> obeys
 *   C' = C - eta (H C + C H) + eta^2 { H C H + [(P - B) / (B (P - 1))] (M(C) - H C H) },
 *   M(C) = (1 / P) sum_mu x x^T (x^T C x + r^2),
 * as <delta> = 0. The map is iterated to its fixed point, which is the solution of Lyapunov's equation at finite eta.
 */
static void exact_variances(const ch_examples *set, double eta, double B, double out[D])
{
    double H[D][D] = {{0}}, b[D] = {0}, w[D], C[D][D] = {{0}}, x[P][D], r[P];
    for (size_t mu = 0; mu < P; mu++) {
        for (int i = 0; i < D; i++) {
            x[mu][i] = (double)ch_examples_input(set, mu)[i] / sqrt(D);
        }
        for (int i = 0; i < D; i++) {
            b[i] += x[mu][i] * set->labels[mu] / P;
            for (int j = 0; j < D; j++) {
                H[i][j] += x[mu][i] * x[mu][j] / P;
            }
        }
    }
    solve(H, b, w);
    for (size_t mu = 0; mu < P; mu++) {
        r[mu] = set->labels[mu];
        for (int i = 0; i < D; i++) {
            r[mu] -= x[mu][i] * w[i];
        }
    }
    const double factor = (P - B) / (B * (P - 1));
    for (int step = 0; step < 20000; step++) {
        double HC[D][D] = {{0}}, HCH[D][D] = {{0}}, M[D][D] = {{0}};
        for (int i = 0; i < D; i++) {
            for (int j = 0; j < D; j++) {
                for (int k = 0; k < D; k++) {
                    HC[i][j] += H[i][k] * C[k][j];
                }
            }
        }
        for (int i = 0; i < D; i++) {
            for (int j = 0; j < D; j++) {
                for (int k = 0; k < D; k++) {
                    HCH[i][j] += HC[i][k] * H[k][j];
                }
            }
        }
        for (size_t mu = 0; mu < P; mu++) {
            double square = r[mu] * r[mu];
            for (int i = 0; i < D; i++) {
                for (int j = 0; j < D; j++) {
                    square += x[mu][i] * C[i][j] * x[mu][j];
                }
            }
            for (int i = 0; i < D; i++) {
                for (int j = 0; j < D; j++) {
                    M[i][j] += x[mu][i] * x[mu][j] * square / P;
                }
            }
        }
        for (int i = 0; i < D; i++) { /* only one half: rounding would grow in an antisymmetric part */
            for (int j = 0; j <= i; j++) {
                C[i][j] += -eta * (HC[i][j] + HC[j][i]) + eta * eta * (HCH[i][j] + factor * (M[i][j] - HCH[i][j]));
                C[j][i] = C[i][j];
            }
        }
    }
    gsl_eigen_symm_workspace *workspace = gsl_eigen_symm_alloc(D);
    gsl_matrix_view matrix = gsl_matrix_view_array(&C[0][0], D, D);
    gsl_vector_view values = gsl_vector_view_array(out, D);
    assert_int_equal(gsl_eigen_symm(&matrix.matrix, &values.vector, workspace), GSL_SUCCESS);
    gsl_eigen_symm_free(workspace);
    qsort(out, D, sizeof *out, order_of_doubles);
    for (int i = 0; i < D / 2; i++) {
        const double swapped = out[i];
        out[i] = out[D - 1 - i];
        out[D - 1 - i] = swapped;
    }
}

/* The variances along the principal directions are the eigenvalues of the exact covariance, at small steps and at
 * steps with eta h of order 1, for two sizes of batches. Each differs from it by less than 4.5 of its standard errors
 * and the 2 % by which directions of a finite series are wrong to first order: a false alarm in about 3000 such tests
 * with errors of some 15 degrees of freedom. Also of the sum, in which directions do not matter. */
static void test_linear_regression(void **state)
{
    (void)state;
    static const struct {
        double eta;
        unsigned batch, steps;
    } cases[] = {{0.25, 2, 300000}, {0.7, 2, 120000}, {1, 5, 80000}};
    for (size_t c = is_sanitized() ? 2 : 0; c < 3; c++) { /* under sanitizers the one of fewest steps */
        char text[300];
        snprintf(text, sizeof text,
                 "model=perceptron loss=mse alpha=1 dim=3 spectrum=1 train=16 rate=%g batch=%u max_steps=%u "
                 "burn_in=10000 fluctuations=2048 seed=5",
                 cases[c].eta, cases[c].batch, cases[c].steps);
        const ch_resolved resolved = resolved_of(text);
        ch_train_set set = {0};
        ch_run run;
        double exact[D], sum = 0, exact_sum = 0, error = 0;
        assert_int_equal(ch_train_set_init(&set, &resolved, NULL, P, 1, NULL, NULL), CH_OK);
        assert_int_equal(ch_train(&run, &resolved, &set, 1, NULL, NULL), CH_OK);
        exact_variances(&set.train, cases[c].eta, cases[c].batch, exact);
        assert_int_equal(run.num_fluctuations, D);
        for (size_t k = 0; k < D; k++) {
            const ch_fluctuation *found = &run.fluctuations[k];
            assert_true(exact[k] > 0);
            assert_in((found->variance - exact[k]) / (found->variance_error + 0.02 / 4.5 * exact[k]), -4.5, 4.5);
            assert_in(found->variance_error / found->variance, 0.01, 0.25);
            assert_true(found->cosine < 0.05 && found->drift < 0.3);
            sum += found->variance;
            exact_sum += exact[k];
            error += found->variance_error;
        }
        assert_in((sum - exact_sum) / error, -4.5, 4.5);
        ch_run_free(&run);
        ch_train_set_free(&set);
    }
}

/* Of the same regression the loss is a parabola, L0 + h theta^2 / 2 with h = v^T H v, so that its flatness follows
 * from its curvature, F = 2 sqrt[2 (e - 1) L0 / h], and the sum of the curvatures is the trace of H. */
static void test_flatness_of_a_parabola(void **state)
{
    (void)state;
    const ch_resolved resolved = resolved_of("model=perceptron loss=mse alpha=1 dim=3 spectrum=1 train=16 rate=0.2 "
                                             "batch=2 max_steps=20000 fluctuations=512");
    ch_train_set set = {0};
    ch_run run;
    double trace = 0, found = 0;
    assert_int_equal(ch_train_set_init(&set, &resolved, NULL, P, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_train(&run, &resolved, &set, 1, NULL, NULL), CH_OK);
    for (size_t mu = 0; mu < P; mu++) {
        for (int i = 0; i < D; i++) {
            trace += pow((double)ch_examples_input(&set.train, mu)[i], 2) / D / P;
        }
    }
    assert_int_equal(run.num_fluctuations, D);
    const double height = pow(run.fluctuations[0].flatness, 2) * run.fluctuations[0].curvature;
    for (size_t k = 0; k < D; k++) {
        const ch_fluctuation *one = &run.fluctuations[k];
        assert_close(one->flatness * one->flatness * one->curvature, height, 1e-4);
        found += one->curvature;
    }
    assert_close(found, trace, 1e-6);
    ch_run_free(&run);
    ch_train_set_free(&set);
}

/* ---- runs ---- */

#define NETWORK                                                                                                        \
    "model=mlp data=stripe dim=12 width=8 depth=2 train=60 loss=mse alpha=1 temp=0.05 max_steps=4000 fluctuations=64 " \
    "activation=linear "

static ch_run train_on(const char *text, int threads)
{
    const ch_resolved resolved = resolved_of(text);
    ch_run run;
    ch_error err = {0};
    if (ch_train_alone(&run, &resolved, NULL, threads, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return run;
}

/* A network has directions of each layer and of all its weights. They are the same bits on any number of threads, and
 * sampling changes no bit of the run's other results. */
static void test_network(void **state)
{
    (void)state;
    ch_run run = train_on(NETWORK "record=2", 1), threaded = train_on(NETWORK "record=2", 3);
    ch_run plain = train_on("model=mlp data=stripe dim=12 width=8 depth=2 train=60 loss=mse alpha=1 temp=0.05 "
                            "max_steps=4000 activation=linear record=2",
                            1);
    bool has_layer[4] = {false};
    assert_int_equal(run.num_fluctuations, threaded.num_fluctuations);
    assert_memory_equal(run.fluctuations, threaded.fluctuations, run.num_fluctuations * sizeof *run.fluctuations);
    for (size_t k = 0; k < run.num_fluctuations; k++) {
        const ch_fluctuation *one = &run.fluctuations[k];
        assert_true(one->layer < 4);
        assert_true(one->rank == 1 || one->variance <= one[-1].variance * (1 + 1e-9));
        assert_true(one->variance > 0 && one->flatness > 0);
        has_layer[one->layer] = true;
    }
    assert_true(has_layer[0] && has_layer[1] && has_layer[2] && has_layer[3]);
    assert_int_equal(plain.num_fluctuations, 0);
    assert_memory_equal(&plain.final.weight_change, &run.final.weight_change, sizeof run.final.weight_change);
    assert_memory_equal(&plain.final.train_loss, &run.final.train_loss, sizeof run.final.train_loss);
    assert_int_equal(plain.num_points, run.num_points);
    ch_run_free(&run);
    ch_run_free(&threaded);
    ch_run_free(&plain);
}

/* Without fluctuations are runs that end before all snapshots are there: fitted, or by another budget. */
static void test_runs_that_end_early(void **state)
{
    (void)state;
    ch_run fitted = train_on("model=mlp dim=12 width=8 depth=1 train=8 temp=0.5 alpha=100 max_steps=1000000 "
                             "fluctuations=16",
                             1);
    ch_run short_of = train_on(NETWORK "max_updates=3000", 1);
    assert_int_equal(fitted.status, CH_FITTED);
    assert_int_equal(fitted.num_fluctuations, 0);
    assert_int_equal(short_of.status, CH_BUDGET);
    assert_int_equal(short_of.num_fluctuations, 0);
    ch_run_free(&fitted);
    ch_run_free(&short_of);
}

/* A store keeps them, with every bit; they go with their run; merging copies and compares them. */
static void test_store(void **state)
{
    (void)state;
    static const char COUNT[] = "SELECT count(*) FROM fluctuations";
    ch_run run = train_on(NETWORK, 1);
    const char *first = path_of("a.db"), *second = path_of("b.db");
    ch_store store = open_store(first, CH_STORE_WRITE);
    ch_error err = {0};
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    ch_store_close(&store);
    assert_int_equal(query(first, COUNT), run.num_fluctuations);

    ch_run_table table = read_store(first, NULL);
    assert_int_equal(table.runs[0].num_fluctuations, run.num_fluctuations);
    assert_memory_equal(table.runs[0].fluctuations, run.fluctuations, run.num_fluctuations * sizeof *run.fluctuations);
    assert_int_equal(table.runs[0].settings.burn_in, 2000);
    ch_run_table_free(&table);

    ch_merge_counts counts = {0};
    const char *from[] = {first};
    assert_int_equal(ch_store_merge(second, from, 1, false, NULL, &counts, &err), CH_OK);
    assert_int_equal(counts.fluctuations, run.num_fluctuations);
    assert_int_equal(query(second, COUNT), run.num_fluctuations);
    execute(second, "UPDATE fluctuations SET variance = 7 WHERE layer = 1 AND rank = 2");
    assert_int_equal(ch_store_merge(second, from, 1, false, NULL, &counts, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "has variance = "));
    store = open_store(second, CH_STORE_WRITE);
    ch_store_doomed doomed;
    assert_int_equal(ch_store_delete(&store, "1", &doomed, NULL), CH_OK);
    ch_store_close(&store);
    assert_int_equal(query(second, COUNT), 0);
    execute(first, "DELETE FROM runs");
    assert_int_equal(query(first, COUNT), 0);
    ch_run_free(&run);
}

/* A row that is no direction makes its run a damaged one. */
static void test_damage(void **state)
{
    (void)state;
    ch_run run = train_on(NETWORK, 1);
    const char *path = path_of("a.db");
    ch_store store = open_store(path, CH_STORE_WRITE);
    ch_run_table table = {0};
    ch_error err = {0};
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    ch_store_close(&store);
    execute(path, "UPDATE fluctuations SET flatness = 'flat' WHERE layer = 0 AND rank = 1");
    store = open_store(path, CH_STORE_READ);
    assert_int_equal(ch_store_select(&store, NULL, false, &table, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "flatness"));
    store.skips_damaged = true;
    assert_int_equal(ch_store_select(&store, NULL, false, &table, &err), CH_OK);
    assert_int_equal(table.count, 0);
    ch_run_table_free(&table);
    ch_store_close(&store);
    ch_run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_curvature),
        cmocka_unit_test(test_no_flatness),
        cmocka_unit_test(test_block_errors),
        cmocka_unit_test(test_linear_regression),
        cmocka_unit_test(test_flatness_of_a_parabola),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_runs_that_end_early),
        cmocka_unit_test_setup_teardown(test_store, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_damage, make_folder, remove_folder),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
