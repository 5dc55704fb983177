/* online.h — the perceptron with infinitely many samples, so that every batch is fresh: averages over a fresh sample,
 * the ODE of signal and noise, a simulation, and predictions for a finite number of samples.
 *
 * A fresh sample has margin m = (s v + r N) / sqrt(d), where v = |x_par| has density (2 / Z_chi) v^chi exp(-v^2 / 2)
 * and N is normal. So the law of its margin depends on the student by signal s and noise r only. Derivations are in
 * docs/theory.md. Below, E is the mean over a fresh sample, phi and Phi are the normal density and distribution.
 */
#ifndef CH_ONLINE_H
#define CH_ONLINE_H

#include "perceptron/perceptron.h"

#include <gsl/gsl_integration.h>
#include <gsl/gsl_odeiv2.h>

/* ---- averages over a fresh sample ---- */

/** Averages at lambda = s / r and margin = kappa sqrt(d) / r, with z = margin - lambda v; all without unit. */
typedef struct {
    double unfitted;    /* n = E Phi(z), the fraction with m < kappa */
    double drift;       /* A = E v Phi(z) */
    double contraction; /* C = E phi(z) */
    double first;       /* E v phi(z) */
    double second;      /* E v^2 phi(z): it and `first` appear in the derivatives of n, A and C */
} ch_online_averages;

/** Averages at margin 0, in closed form. With eps_chi(lambda) the test error (ch_linear_test_error),
 *    n = eps_chi(lambda), A = E v eps_{chi+1}(lambda),
 *    E v^k phi = E v^k (1 + lambda^2)^{-(chi+1+k)/2} / sqrt(2 pi).
 *  Relative error 1e-10 at most.
 *  @return CH_OK; CH_ERROR_INPUT unless -1 < chi <= 1000 and lambda >= 0 is finite; CH_ERROR_NUMERIC */
ch_code ch_online_averages_closed(ch_online_averages *self, double chi, double lambda, ch_error *err) CH_MUST_CHECK;

enum { CH_ONLINE_INTERVALS = 500 };

/** Averages at any margin, by adaptive Gauss–Kronrod quadrature in ln v, where the integrand has no singularity.
 *  Relative error 1e-10 at most; an average under the least double is 0.
 *  @param margin  >= 0, finite
 *  @param space   room for CH_ONLINE_INTERVALS intervals; borrowed, its content is overwritten
 *  @return as ch_online_averages_closed, and CH_ERROR_INPUT for such a margin */
ch_code ch_online_averages_quadrature(ch_online_averages *self, double chi, double margin, double lambda,
                                      gsl_integration_workspace *space, ch_error *err) CH_MUST_CHECK;

/** Mean hinge loss of a fresh sample from its averages,
 *    E max(0, kappa - m) = (r / sqrt(d)) E [z Phi(z) + phi(z)] = kappa n + (r C - s A) / sqrt(d). */
double ch_online_loss(const ch_online_averages *mean, double kappa, double signal, double noise, size_t dim);

/* ---- the ODE ---- */

/** Parameters of the online dynamics. */
typedef struct {
    double chi;   /* -1 < chi <= 1000 */
    size_t dim;   /* d >= 2 */
    double kappa; /* margin 1/alpha >= 0 */
    double temp;  /* T = eta / B > 0 */
    double rate;  /* eta >= T */
} ch_online_setup;

/** The mean student at one time. */
typedef struct {
    double time; /* eta x steps */
    double signal, noise, lambda;
    double unfitted;   /* fraction of fresh samples with margin under kappa */
    double loss;       /* mean hinge loss of a fresh sample */
    double test_error; /* exact, of lambda */
} ch_online_point;

/** The ODE of signal and noise, in the limit of small steps and d >> 1:
 *    ds/dt = A / sqrt(d),   dr^2/dt = -2 r C / sqrt(d) + T n (d-1) / d + (eta - T) C^2 / d.
 *
 *  It starts after the first step, at t = eta, in which all samples were unfitted, so that the means are exact:
 *    s = eta E v / sqrt(d),   r^2 = eta T (d-1) / d.
 *  It is solved for ln s and ln r^2 against ln t by GSL's backward differentiation formulas (msbdf) with the exact
 *  Jacobian, since it is stiff: r relaxes lambda^2 times faster than s grows. Relative error 1e-6 or better. Some way
 *  beyond lambda = 1e7 the relaxation is less than rounding, and the solver fails.
 */
typedef struct {
    ch_online_setup setup;
    double averages_error;            /* relative error of averages by quadrature */
    gsl_integration_workspace *space; /* owned */
    gsl_odeiv2_driver *driver;        /* owned */
    gsl_odeiv2_system system;
    double time, log_time;
    double log_state[2]; /* ln s, ln r^2 */
    ch_error failure;    /* last failure to find averages during a step of the driver */
} ch_online_ode;

/** The struct must not be copied or moved until it is freed, since the driver has its address.
 *  @return CH_OK, CH_ERROR_INPUT for a setup outside its ranges, CH_ERROR_MEMORY */
ch_code ch_online_ode_init(ch_online_ode *self, const ch_online_setup *setup, ch_error *err) CH_MUST_CHECK;

/** The same to a lower accuracy, which takes less time. @param error  relative error of a step, 1e-9 … 1e-3 */
ch_code ch_online_ode_init_coarse(ch_online_ode *self, const ch_online_setup *setup, double error,
                                  ch_error *err) CH_MUST_CHECK;
void ch_online_ode_free(ch_online_ode *self);

/** Solves the ODE on to a time, finite and no earlier than the present one (at first, eta).
 *  @return CH_OK, CH_ERROR_INPUT for another time, CH_ERROR_NUMERIC */
ch_code ch_online_ode_advance(ch_online_ode *self, double time, ch_error *err) CH_MUST_CHECK;

/** The student at the present time.  @return CH_OK, CH_ERROR_NUMERIC */
ch_code ch_online_ode_observe(ch_online_ode *self, ch_online_point *point, ch_error *err) CH_MUST_CHECK;

/* ---- simulation ---- */

/** Parameters of a run with infinitely many samples. */
typedef struct {
    double chi;
    size_t dim;                /* d >= 2 */
    const ch_sample_set *test; /* the test error is measured on these, teacher on the axis; borrowed; NULL: exact */
    double kappa;              /* margin 1/alpha > 0 */
    double rate;               /* eta > 0 */
    size_t batch;              /* B >= 1 */
    uint64_t seed_data;        /* of the samples */
    uint64_t seed_init;        /* of w0 */
    const ch_watch *watch;     /* its stop flag ends `observe`, and `advance` within a step, which is then not taken;
                              borrowed; NULL: nothing does */
} ch_online_student_setup;

/** The perceptron whose every batch is fresh, simulated in all d dimensions.
 *
 *  Objective: the mean hinge loss of a fresh sample. Update: step k = 1, 2, … draws the samples (k-1) B … k B - 1 of
 *  CH_STREAM_ONLINE_SAMPLES, takes all margins at the same w, and
 *    w <- w + (eta / B) sum over those with w . z < kappa of z,
 *  in double; samples are single precision, as those of training sets are. Stopping rule: none, since it is never
 *  fitted; a budget ends it. Where others observe means over training samples, it observes expectations over a fresh
 *  sample: the loss by quadrature, the error as the exact test error. The number of unfitted samples is CH_UNCOUNTED,
 *  the least margin NaN. The teacher is the first axis, without loss of generality. Cost: B d normal numbers a step.
 */
typedef struct {
    ch_learner learner; /* first: this struct is a ch_learner */
    ch_online_student_setup setup;
    ch_sample_set batch;      /* the B samples of the present step; owned */
    bool *active;             /* [B] whether each of them is unfitted; owned */
    double *weights;          /* Delta w [stride]; owned */
    double *sizes, *smallest; /* |F| of the test samples, and the smallest of them, as in ch_perceptron; owned */
    gsl_integration_workspace *space; /* owned */
    double norm_init;                 /* ||w0|| */
} ch_online_student;

/** A student before its first step.
 *  @return CH_OK, CH_ERROR_INPUT for a setup outside its ranges, CH_ERROR_MEMORY */
ch_code ch_online_student_init(ch_online_student *self, const ch_online_student_setup *setup,
                               ch_error *err) CH_MUST_CHECK;
void ch_online_student_free(ch_online_student *self);

/* ---- predictions for P samples ---- */

/** The end of training and the borders of regimes, for T far above onset. Training is taken to end when the fraction of
 *  unfitted samples is n = d / (2 P): a student of d weights fits the last d / 2 samples at once. */
typedef struct {
    double noise;         /* r* = T sqrt(d) n_chi sqrt(pi/2) */
    double lambda;        /* lambda* = (2 n_chi P / d)^{1/(1+chi)} */
    double signal;        /* s* = lambda* r* */
    double weight_change; /* sqrt(s*^2 + r*^2) */
    double time;          /* t* = sqrt(d) r* lambda*^{chi+3} / growth */
    double first_step;    /* signal after the first step, eta E|x_par| / sqrt(d) */
    double batch;         /* B*: first_step = s* at this batch and the same T */
    double temp_escape;   /* T_c by escape: weight_change = sqrt(d) = |w0| */
    double temp_onset;    /* ~ kappa, up to a constant */
} ch_online_prediction;

/** Computes the predictions for P samples.
 *  @param num_samples  P; where it is infinite, what grows with P is infinite, and temp_escape 0
 *  @return CH_OK, CH_ERROR_INPUT for a setup outside its ranges or P < 1 */
ch_code ch_online_predict(ch_online_prediction *self, const ch_online_setup *setup, double num_samples,
                          ch_error *err) CH_MUST_CHECK;

#endif
