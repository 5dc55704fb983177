/* sample_set.c — samples of the depleted Gaussian law. */
#include "data/data.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t padded(size_t dim)
{
    return (dim + CH_ROW_LANES - 1) / CH_ROW_LANES * CH_ROW_LANES;
}

size_t ch_sample_set_bytes(size_t num_samples, size_t dim)
{
    size_t bytes = 0;
    if (dim > SIZE_MAX - CH_ROW_LANES || __builtin_mul_overflow(num_samples, padded(dim), &bytes) ||
        __builtin_mul_overflow(bytes, sizeof(float), &bytes)) {
        return SIZE_MAX;
    }
    return bytes;
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

/* One sample in the teacher's frame: row = (|x_par|, y x_perp) / sqrt(d). The label's fair sign is not drawn, since
 * y x_perp has the law of x_perp. */
static void draw_sample(float *row, size_t stride, const ch_data_law *law, ch_stream purpose, uint64_t mu)
{
    const double scale = 1 / sqrt((double)law->dim);
    ch_random random;
    ch_random_init(&random, law->seed, purpose, mu);
    const gsl_rng gsl = ch_random_gsl(&random);
    /* |x_par| = sqrt(2 G), G ~ Gamma((chi + 1) / 2, 1) */
    row[0] = (float)(scale * sqrt(2 * gsl_ran_gamma(&gsl, (law->chi + 1) / 2, 1.0)));
    for (size_t i = 1; i < law->dim; i++) {
        row[i] = (float)(scale * gsl_ran_gaussian_ziggurat(&gsl, 1.0));
    }
    for (size_t i = law->dim; i < stride; i++) {
        row[i] = 0;
    }
}

/* Householder's reflection that carries the first axis to e: z <- z - (h . z) h, h = sqrt(2) (a - e) / |a - e|. */
static void reflect(float *row, const double *mirror, size_t dim)
{
    double along = 0;
    for (size_t i = 0; i < dim; i++) {
        along += mirror[i] * (double)row[i];
    }
    for (size_t i = 0; i < dim; i++) {
        row[i] = (float)((double)row[i] - along * mirror[i]);
    }
}

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

static ch_code check(const ch_data_law *law, size_t num_samples, ch_error *err)
{
    if (!(law->chi > -1) || !isfinite(law->chi)) {
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

ch_code ch_sample_set_init(ch_sample_set *self, const ch_data_law *law, ch_stream purpose, size_t num_samples,
                           int threads, ch_stop *stop, ch_error *err)
{
    double *mirror = NULL;
    memset(self, 0, sizeof *self);
    ch_code code = check(law, num_samples, err);
    if (code != CH_OK) {
        return code;
    }
    self->num_samples = num_samples;
    self->dim = law->dim;
    self->stride = padded(law->dim);
    const size_t bytes = ch_sample_set_bytes(num_samples, law->dim);
    self->rows = bytes < SIZE_MAX ? ch_alloc_rows(bytes) : NULL;
    self->teacher = ch_alloc(self->stride, sizeof *self->teacher);
    mirror = ch_alloc(law->dim, sizeof *mirror);
    if (self->rows == NULL || self->teacher == NULL || mirror == NULL) {
        ch_sample_set_free(self);
        code = ch_error_memory(err, "the samples: lower train or dim");
        goto out;
    }
    if (law->random_teacher) {
        draw_teacher(self->teacher, law->dim, law->seed);
        make_mirror(mirror, self->teacher, law->dim);
    } else {
        self->teacher[0] = 1;
    }
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t mu = 0; mu < num_samples; mu++) {
        if (stop != NULL && *stop) {
            continue;
        }
        float *row = self->rows + mu * self->stride;
        draw_sample(row, self->stride, law, purpose, mu);
        if (law->random_teacher) {
            reflect(row, mirror, law->dim);
        }
    }
    if (stop != NULL && *stop) {
        code = ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped while the samples were drawn");
        ch_sample_set_free(self);
    }
out:
    free(mirror);
    return code;
}

void ch_sample_set_redraw(ch_sample_set *self, const ch_data_law *law, ch_stream purpose, uint64_t first)
{
    for (size_t i = 0; i < self->num_samples; i++) {
        draw_sample(self->rows + i * self->stride, self->stride, law, purpose, first + i);
    }
}

void ch_sample_set_free(ch_sample_set *self)
{
    free(self->rows);
    free(self->teacher);
    memset(self, 0, sizeof *self);
}
