/* law.c — drawing from a law: what sample sets and examples share. */
#include "data/law_private.h"

#include <gsl/gsl_randist.h>
#include <math.h>

ch_code ch_law_check(const ch_data_law *law, size_t num_samples, ch_error *err)
{
    if (law->kind == CH_LAW_DEPLETED && (!(law->chi > -1) || !isfinite(law->chi))) {
        return ch_error_set(err, CH_ERROR_INPUT, "chi is %g; it must be finite and greater than -1", law->chi);
    }
    if (law->dim < 2) {
        return ch_error_set(err, CH_ERROR_INPUT, "dim is %zu; it must be at least 2", law->dim);
    }
    if (num_samples < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "the number of samples is 0; it must be at least 1");
    }
    return CH_OK;
}

void ch_law_draw_depleted(float *row, const ch_data_law *law, double scale, ch_random *random)
{
    const gsl_rng gsl = ch_random_gsl(random);
    /* |x_par| = sqrt(2 G), G ~ Gamma((chi + 1) / 2, 1) */
    row[0] = (float)(scale * sqrt(2 * gsl_ran_gamma(&gsl, (law->chi + 1) / 2, 1.0)));
    for (size_t i = 1; i < law->dim; i++) {
        row[i] = (float)(scale * gsl_ran_gaussian_ziggurat(&gsl, 1.0));
    }
}

/* e uniform on the sphere: a Gaussian vector over its norm. */
static void draw_teacher(double *teacher, size_t dim, uint64_t seed)
{
    ch_random random;
    ch_random_init(&random, seed, CH_STREAM_TEACHER, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        teacher[i] = gsl_ran_gaussian_ziggurat(&gsl, 1.0);
        square += teacher[i] * teacher[i];
    }
    for (size_t i = 0; i < dim; i++) {
        teacher[i] /= sqrt(square);
    }
}

/* h = sqrt(2) (a - e) / |a - e|, a the first axis */
static void make_mirror(double *mirror, const double *teacher, size_t dim)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        mirror[i] = (i == 0 ? 1 : 0) - teacher[i];
        square += mirror[i] * mirror[i];
    }
    for (size_t i = 0; i < dim; i++) {
        mirror[i] *= square > 0 ? sqrt(2 / square) : 0;
    }
}

void ch_law_teacher(const ch_data_law *law, double *teacher, double *mirror)
{
    if (law->random_teacher) {
        draw_teacher(teacher, law->dim, law->seed);
    } else {
        for (size_t i = 0; i < law->dim; i++) {
            teacher[i] = i == 0 ? 1 : 0;
        }
    }
    make_mirror(mirror, teacher, law->dim);
}

void ch_law_reflect(float *row, const double *mirror, size_t dim)
{
    double along = 0;
    for (size_t i = 0; i < dim; i++) {
        along += mirror[i] * (double)row[i];
    }
    for (size_t i = 0; i < dim; i++) {
        row[i] = (float)((double)row[i] - along * mirror[i]);
    }
}
