/* law.h — the laws that data follow: one row each, with all that the rest of the program asks about a law.
 *
 * Depleted: x = x_par e + x_perp, x_perp ~ N(0, I_{d-1}), y = sign(x_par), with the density of x_par in sample_set.h.
 * Density: the same with a density of |x_par| that is tabulated (data/density.h).
 * With a spectrum beta > 0, the inputs of these laws, whose label a plane gives, have the covariance
 *   Sigma = diag(lambda_1 ... lambda_d),  lambda_k = d k^-beta / sum over j of j^-beta,
 * where |x_par| is Gaussian. They are x = Sigma^{1/2} z with z of the law with covariance 1 and the teacher
 * a = Sigma^{1/2} e / |Sigma^{1/2} e|, so that y = sign(a . z) = sign(e . x).
 * Stripe: Gaussian x; y = +1 where -0.3 < x_1 < 1.18549, which holds for half of the samples, else -1.
 * Sphere: Gaussian x; y = sign(|x|^2 - (d - 2 + sqrt(2))).
 * The other laws take samples from files: images of known sets, or those of files of the user's own.
 */
#ifndef CH_LAW_H
#define CH_LAW_H

#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The values of the setting `data`, in its order. */
typedef enum {
    CH_LAW_DEPLETED = 0, /* tunable density near a flat boundary */
    CH_LAW_SIGN,         /* the depleted law with chi = 0 and the teacher on the first axis */
    CH_LAW_RANDOM_SIGN,  /* the depleted law with chi = 0 and a random teacher */
    CH_LAW_STRIPE,
    CH_LAW_SPHERE,
    CH_LAW_MNIST_PARITY, /* even digits +1, odd digits -1 */
    CH_LAW_CIFAR_ANIMAL, /* animals (classes 2 to 7) +1, vehicles (classes 0, 1, 8 and 9) -1 */
    CH_LAW_MNIST,        /* the setting classes says which images are +1 and which -1, here and below */
    CH_LAW_CIFAR10,
    CH_LAW_FASHION_MNIST,
    CH_LAW_KMNIST,
    CH_LAW_FILE,    /* samples from files of the user's own */
    CH_LAW_DENSITY, /* the depleted law with a tabulated density near the boundary */
    CH_NUM_LAWS,
} ch_law_kind;

/** The teacher e of a law that has one. */
typedef enum {
    CH_TEACHER_AXIS,   /* the first axis */
    CH_TEACHER_RANDOM, /* uniform on the unit sphere */
    CH_TEACHER_FITTED, /* of samples from files: found from all of them (data/max_margin.h) */
} ch_teacher;

/** The parameters of a synthetic law. Equal parameters give the same first P samples for every P. */
typedef struct {
    ch_law_kind kind;
    double chi;          /* exponent of the density at the boundary, > -1; only laws with has_chi look at it */
    size_t dim;          /* d >= 2 */
    bool random_teacher; /* the teacher is random, else on an axis; only laws with has_teacher look at it */
    size_t teacher_axis; /* the axis, counted from 0, < d */
    double spectrum;     /* beta >= 0: covariance eigenvalues fall as k^-beta; only laws with has_teacher look at it */
    const struct ch_density *density; /* of the law CH_LAW_DENSITY; borrowed */
    uint64_t seed;
} ch_data_law;

/** Largest beta of a spectrum: entries of 2^31 dimensions stay normal numbers of single precision. */
#define CH_LAW_MOST_SPECTRUM 8.0

struct ch_image_task; /* images.h */

/** One row of the table of laws. A law has draw_sample, or draw_example, or images, or is_file. */
typedef struct {
    const char *name;       /* the value of the setting `data` */
    bool has_chi;           /* the setting chi has a meaning */
    bool has_teacher;       /* the setting teacher has a meaning */
    bool fixes_boundary;    /* the law is the depleted law with chi = 0 and the teacher below */
    ch_teacher its_teacher; /* of a law that fixes its boundary */
    /** Where a plane through the origin labels the data: draws one sample in the teacher's frame, in which the teacher
     *  is the first axis: row = scale (|x_par|, y x_perp). The label y is not drawn, because y x_perp has the law of
     *  x_perp.
     *  @param row     out [d]
     *  @param random  the sample's own stream */
    void (*draw_sample)(float *row, const ch_data_law *law, double scale, ch_random *random);
    /** Other synthetic laws: draws one input x and returns its label, +1 or -1.
     *  @param x  out [d] */
    int8_t (*draw_example)(float *x, const ch_data_law *law, ch_random *random);
    const struct ch_image_task *images; /* laws of images: their set, scale and labels; else NULL */
    bool is_file;                       /* samples and labels come from files of the user's own */
    bool has_density;                   /* the setting density has a meaning */
    const char *classes;                /* the usual rule of labels (data/classes.h); NULL: the law has fixed it */
} ch_law;

/** The row of a law. A number that is no law's has an empty row, whose name is NULL. */
const ch_law *ch_law_of(uint64_t kind);

/** Names for the settings `data` and `teacher`; NULL from the end of the list on. */
const char *ch_law_name(uint64_t kind);
const char *ch_teacher_name(uint64_t teacher);

/** The teacher e of a law that has one.  @param teacher  out: [d] unit vector */
void ch_data_law_teacher(const ch_data_law *law, double *teacher);

/** Whether the inputs of a law have variances other than 1: it has a teacher and a spectrum above 0. */
bool ch_data_law_is_stretched(const ch_data_law *law);

/** The standard deviations of Gaussian inputs along the axes, the roots of the eigenvalues. The mean of their squares
 *  is 1.
 *  @param deviations  out: [d] */
void ch_data_law_deviations(const ch_data_law *law, double *deviations);

#endif
