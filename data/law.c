/* law.c — the table of laws, how each draws, and the teacher that labels. */
#include "data/law_private.h"

#include "core/memory.h"
#include "data/density.h"
#include "data/images.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- drawing ---- */

/* |x_par| = sqrt(2 G), G ~ Gamma((chi + 1) / 2, 1), has the density |x_par|^chi exp(-x_par^2 / 2) / Z_chi. */
static void draw_depleted(float *row, const ch_data_law *law, double scale, ch_random *random)
{
    const gsl_rng gsl = ch_random_gsl(random);
    row[0] = (float)(scale * sqrt(2 * gsl_ran_gamma(&gsl, (law->chi + 1) / 2, 1.0)));
    for (size_t i = 1; i < law->dim; i++) {
        row[i] = (float)(scale * gsl_ran_gaussian_ziggurat(&gsl, 1.0));
    }
}

static void draw_density(float *row, const ch_data_law *law, double scale, ch_random *random)
{
    const gsl_rng gsl = ch_random_gsl(random);
    row[0] = (float)(scale * ch_density_quantile(law->density, gsl_rng_uniform_pos(&gsl)));
    for (size_t i = 1; i < law->dim; i++) {
        row[i] = (float)(scale * gsl_ran_gaussian_ziggurat(&gsl, 1.0));
    }
}

static void draw_gaussian(float *x, size_t dim, ch_random *random)
{
    const gsl_rng gsl = ch_random_gsl(random);
    for (size_t i = 0; i < dim; i++) {
        x[i] = (float)gsl_ran_gaussian_ziggurat(&gsl, 1.0);
    }
}

static int8_t draw_stripe(float *x, const ch_data_law *law, ch_random *random)
{
    draw_gaussian(x, law->dim, random);
    return (double)x[0] > -0.3 && (double)x[0] < 1.18549 ? 1 : -1;
}

static int8_t draw_sphere(float *x, const ch_data_law *law, ch_random *random)
{
    double square = 0;
    draw_gaussian(x, law->dim, random);
    for (size_t i = 0; i < law->dim; i++) {
        square += (double)x[i] * (double)x[i];
    }
    return square > (double)law->dim - 2 + sqrt(2) ? 1 : -1;
}

/* ---- the table ---- */

/* The mean and the standard deviation are those of the pixels of the original training images. */
static const ch_image_task mnist_parity = {
    CH_IMAGES_MNIST, 33.31002426147461, 78.56748962402344, {1, -1, 1, -1, 1, -1, 1, -1, 1, -1}};
static const ch_image_task cifar_animal = {
    CH_IMAGES_CIFAR10, 120.93118286132812, 64.14186196091406, {-1, -1, 1, 1, 1, 1, 1, 1, -1, -1}};

static const ch_image_task mnist = {CH_IMAGES_MNIST, 33.31002426147461, 78.56748962402344, {0}};
static const ch_image_task cifar10 = {CH_IMAGES_CIFAR10, 120.93118286132812, 64.14186196091406, {0}};
static const ch_image_task fashion_mnist = {.set = CH_IMAGES_FASHION_MNIST};
static const ch_image_task kmnist = {.set = CH_IMAGES_KMNIST};

static const ch_law laws[] = {
    [CH_LAW_DEPLETED] = {"depleted", .has_chi = true, .has_teacher = true, .draw_sample = draw_depleted},
    [CH_LAW_SIGN] = {"sign", .has_chi = true, .has_teacher = true, .fixes_boundary = true,
                     .its_teacher = CH_TEACHER_AXIS, .draw_sample = draw_depleted},
    [CH_LAW_RANDOM_SIGN] = {"random_sign", .has_chi = true, .has_teacher = true, .fixes_boundary = true,
                            .its_teacher = CH_TEACHER_RANDOM, .draw_sample = draw_depleted},
    [CH_LAW_STRIPE] = {"stripe", .draw_example = draw_stripe},
    [CH_LAW_SPHERE] = {"sphere", .draw_example = draw_sphere},
    [CH_LAW_MNIST_PARITY] = {"mnist_parity", .images = &mnist_parity},
    [CH_LAW_CIFAR_ANIMAL] = {"cifar_animal", .images = &cifar_animal},
    [CH_LAW_MNIST] = {"mnist", .images = &mnist, .classes = "even vs odd"},
    [CH_LAW_CIFAR10] = {"cifar10", .images = &cifar10, .classes = "2,3,4,5,6,7 vs 0,1,8,9"},
    [CH_LAW_FASHION_MNIST] = {"fashion_mnist", .images = &fashion_mnist, .classes = "even vs odd"},
    [CH_LAW_KMNIST] = {"kmnist", .images = &kmnist, .classes = "even vs odd"},
    [CH_LAW_FILE] = {"file", .is_file = true, .classes = "larger vs smaller"},
    [CH_LAW_DENSITY] = {"density", .has_density = true, .has_teacher = true, .draw_sample = draw_density},
};
_Static_assert(sizeof laws / sizeof *laws == CH_NUM_LAWS, "every law has a row");

const ch_law *ch_law_of(uint64_t kind)
{
    static const ch_law none = {0};
    return kind < CH_NUM_LAWS ? &laws[kind] : &none;
}

const char *ch_law_name(uint64_t kind)
{
    return ch_law_of(kind)->name;
}

const char *ch_teacher_name(uint64_t teacher)
{
    static const char *const names[] = {
        [CH_TEACHER_AXIS] = "axis", [CH_TEACHER_RANDOM] = "random", [CH_TEACHER_FITTED] = "fitted"};
    return teacher < sizeof names / sizeof *names ? names[teacher] : NULL;
}

ch_code ch_law_check(const ch_data_law *law, size_t num_samples, ch_error *err)
{
    const ch_law *row = ch_law_of(law->kind);
    if (row->draw_sample == NULL && row->draw_example == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "the law is %s, which nothing draws; accepted is a synthetic law",
                            row->name != NULL ? row->name : "none of the table");
    }
    if (row->has_chi && (!(law->chi > -1) || !isfinite(law->chi))) {
        return ch_error_set(err, CH_ERROR_INPUT, "chi is %g; it must be finite and greater than -1", law->chi);
    }
    if (row->has_density && (law->density == NULL || law->density->count < 2)) {
        return ch_error_set(err, CH_ERROR_INPUT, "the law is %s and has no table; accepted is one that was read",
                            row->name);
    }
    if (law->dim < 2) {
        return ch_error_set(err, CH_ERROR_INPUT, "dim is %zu; it must be at least 2", law->dim);
    }
    if (row->has_teacher && !(law->spectrum >= 0 && law->spectrum <= CH_LAW_MOST_SPECTRUM)) {
        return ch_error_set(err, CH_ERROR_INPUT, "spectrum is %g; it must be 0 to %g", law->spectrum,
                            CH_LAW_MOST_SPECTRUM);
    }
    if (row->has_teacher && !law->random_teacher && law->teacher_axis >= law->dim) {
        return ch_error_set(err, CH_ERROR_INPUT, "the teacher is on axis %zu; it must be under dim = %zu",
                            law->teacher_axis, law->dim);
    }
    if (num_samples < 1) {
        return ch_error_set(err, CH_ERROR_INPUT, "the number of samples is 0; it must be at least 1");
    }
    return CH_OK;
}

/* ---- the teacher ---- */

/* A Gaussian vector over its norm is uniform on the unit sphere. */
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

/* h = sqrt(2) (a - e) / |a - e|, where a is the first axis. It is 0 where e is a already.
 * @param mirror  in: e, out: h */
static void make_mirror(double *mirror, size_t dim)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        mirror[i] = (i == 0 ? 1 : 0) - mirror[i];
        square += mirror[i] * mirror[i];
    }
    for (size_t i = 0; i < dim; i++) {
        mirror[i] *= square > 0 ? sqrt(2 / square) : 0;
    }
}

void ch_data_law_teacher(const ch_data_law *law, double *teacher)
{
    if (law->random_teacher) {
        draw_teacher(teacher, law->dim, law->seed);
    } else {
        for (size_t i = 0; i < law->dim; i++) {
            teacher[i] = i == law->teacher_axis ? 1 : 0;
        }
    }
}

/* ---- the frame of the data ---- */

bool ch_data_law_is_stretched(const ch_data_law *law)
{
    return ch_law_of(law->kind)->has_teacher && law->spectrum > 0;
}

void ch_data_law_deviations(const ch_data_law *law, double *deviations)
{
    double sum = 0;
    for (size_t i = law->dim; i-- > 0;) { /* the smallest first */
        const double variance = pow((double)(i + 1), -law->spectrum);
        deviations[i] = sqrt(variance);
        sum += variance;
    }
    const double unit = sqrt((double)law->dim / sum);
    for (size_t i = 0; i < law->dim; i++) {
        deviations[i] *= unit;
    }
}

/* a = Sigma^{1/2} e / |Sigma^{1/2} e| in place of the teacher e */
static void stretch_teacher(double *teacher, const double *deviations, size_t dim)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        teacher[i] *= deviations[i];
        square += teacher[i] * teacher[i];
    }
    for (size_t i = 0; i < dim; i++) {
        teacher[i] /= sqrt(square);
    }
}

ch_code ch_law_frame_init(ch_law_frame *self, const ch_data_law *law, ch_error *err)
{
    memset(self, 0, sizeof *self);
    const bool is_stretched = ch_data_law_is_stretched(law);
    const bool is_mirrored = ch_law_of(law->kind)->has_teacher && law->random_teacher;
    self->deviations = is_stretched ? ch_alloc(law->dim, sizeof *self->deviations) : NULL;
    self->mirror = is_mirrored ? ch_alloc(law->dim, sizeof *self->mirror) : NULL;
    if ((is_stretched && self->deviations == NULL) || (is_mirrored && self->mirror == NULL)) {
        ch_law_frame_free(self);
        return ch_error_memory(err, "the teacher: lower dim");
    }
    self->axis = law->teacher_axis;
    if (is_stretched) {
        ch_data_law_deviations(law, self->deviations);
    }
    if (is_mirrored) {
        draw_teacher(self->mirror, law->dim, law->seed);
        if (is_stretched) {
            stretch_teacher(self->mirror, self->deviations, law->dim);
        }
        make_mirror(self->mirror, law->dim);
    }
    return CH_OK;
}

void ch_law_frame_free(ch_law_frame *self)
{
    free(self->mirror);
    free(self->deviations);
    memset(self, 0, sizeof *self);
}

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

void ch_law_draw(float *row, const ch_data_law *law, const ch_law_frame *frame, double scale, ch_random *random)
{
    ch_law_of(law->kind)->draw_sample(row, law, scale, random);
    if (frame->mirror != NULL) {
        reflect(row, frame->mirror, law->dim);
    } else if (frame->axis > 0) {
        const float along = row[0];
        row[0] = row[frame->axis];
        row[frame->axis] = along;
    }
    for (size_t i = 0; i < law->dim && frame->deviations != NULL; i++) {
        row[i] = (float)(frame->deviations[i] * (double)row[i]);
    }
}
