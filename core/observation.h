/* observation.h — what can be measured of a model at one instant, and the one table that names it all. */
#ifndef CH_OBSERVATION_H
#define CH_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The value of a count that the model does not have. */
#define CH_UNCOUNTED UINT64_MAX

/** What is measured at one instant. A quantity that the model does not have is NaN, and a count CH_UNCOUNTED. */
typedef struct {
    double train_loss;        /* mean of the loss over the P training samples, in units of the student's output */
    double train_error;       /* fraction of the training samples that are not classified rightly */
    uint64_t unfitted;        /* number of training samples with margin under kappa */
    double min_margin;        /* least margin of a training sample, in units of kappa */
    double weight_change;     /* ||w - w0|| */
    double weight_change_rel; /* ||w - w0|| / ||w0|| */
    double signal;            /* s = Delta w . e; of a network ||Delta W e||, where W is its first layer */
    double noise;             /* r = ||Delta w - s e||; of a network the norm of the rest of Delta W */
    double test_error;        /* exact where the model has a formula for it, else measured on the test samples */
    /* The next five are of the first `kernel` training samples. K is their tangent kernel now, K0 at the start; the
     * norms are Frobenius norms. */
    double kernel_change;     /* ||K - K0|| / ||K0|| */
    double kernel_alignment;  /* y.K y / (||K|| ||y||^2) */
    double gradient_mean;     /* norm of the mean of the samples' loss gradients */
    double gradient_variance; /* mean squared distance of a sample's loss gradient from their mean */
    double gradient_snr;      /* gradient_mean / sqrt(gradient_variance) */
    double teacher_error;     /* share of all samples of the files that a fitted teacher takes for the wrong class */
    double unfitted_distance; /* mean of |x_par| = |x . e| over the unfitted training samples; e the data's teacher */
    /* The next four are of the test samples' x = |F| / ||w - w0||, F being the change of the output
     * (core/near_boundary.h).
     */
    double density_chi;   /* exponent of the density of x near 0 */
    double density_error; /* its standard error */
    double density_edge;  /* the largest x of the window that it comes from */
    double density_drift; /* difference of the exponent in an inner window, in its standard errors */
    /* The next six are of the Hessian of the training loss, as models/learner/curvature_meter.h says. Their unit is
     * that of 1 / eta, eta being the learning rate. */
    double lambda_max;            /* its largest eigenvalue */
    double lambda_max_error;      /* error of lambda_max by iteration, rounding and the choice of samples */
    double hessian_trace;         /* its trace */
    double hessian_trace_error;   /* its standard error */
    double batch_sharpness;       /* mean over batches of g . H g / |g|^2, g and H of the batch */
    double batch_sharpness_error; /* its standard error */
    const double *layer_change;   /* [num_layers] ||w - w0|| of every weight tensor with its bias. The learner owns it;
                                     it is valid until the learner observes again or is freed. May be NULL. */
    size_t num_layers;            /* 0 where layer_change is NULL */
} ch_observation;

/** Versions of the store's schema, each named after what came with it. The member `since` of a setting, of an
 *  observable and of a table of the store is the first version that has it; the schema's version is the newest. */
enum {
    CH_SCHEMA_FIRST = 0,
    CH_SCHEMA_NETWORKS = 2,   /* networks, with new columns and table `layers` */
    CH_SCHEMA_DELETION = 3,   /* table `store` with the store's own name, and a trigger that serves SQL's DELETE */
    CH_SCHEMA_STUCK = 4,      /* runs that are stuck, with the column `reason` */
    CH_SCHEMA_POOLS = 5,      /* the number of images in a run's pool */
    CH_SCHEMA_SAMPLING = 6,   /* how batches are drawn: sampling */
    CH_SCHEMA_RULES = 7,      /* how a step moves the weights: momentum, weight_decay */
    CH_SCHEMA_FILES = 8,      /* settings of data: classes, normalise, label_noise */
    CH_SCHEMA_SPECTRUM = 9,   /* unequal variances of synthetic data: spectrum, teacher_axis */
    CH_SCHEMA_BOUNDARY = 10,  /* observables of the boundary: teacher_error, unfitted_distance, density_… */
    CH_SCHEMA_STARTS = 11,    /* runs that start from the weights of a file: init */
    CH_SCHEMA_CLAIMS = 12,    /* tables `workers` and `claims`: which sweep under way makes which run */
    CH_SCHEMA_STATES = 13,    /* the states of runs under way, in table `checkpoints` */
    CH_SCHEMA_FAILURES = 14,  /* the runs of sweeps that failed, in table `failures` */
    CH_SCHEMA_MACHINES = 15,  /* on which machine a run was made: column `machine`, and table `machines` */
    CH_SCHEMA_WEIGHTS = 16,   /* fluctuations of the weights: fluctuations, burn_in, and table `fluctuations` */
    CH_SCHEMA_CURVATURE = 17, /* the Hessian of the training loss: setting curvature, lambda_max, hessian_trace, … */
    CH_SCHEMA_TOTALS = 18,    /* totals over all runs, in tables `summary` and `tallies` */
};

/** One observable. The results of a run (in the store, JSON, CSV and text) and the columns of its trajectory are made
 *  from these rows. */
typedef struct {
    const char *name; /* of the result of a run */
    bool is_count;    /* the member is a uint64_t, else it is a double */
    size_t offset;    /* of the member in ch_observation */
    int since;        /* version of the store's schema that first has it as a result of a run; 0 for the first */
    struct {
        const char *name; /* in a point of a trajectory; NULL where a point does not have it */
        int place;        /* among the observables of a point, counted from 0; those of newer versions come last */
        int since;        /* version of the store's schema that first has it in a point; 0 for the first */
        int shown;        /* its place among the columns of the trajectory as text, counted from 1; 0: not shown */
    } point;
    const char *help; /* what it is, in words */
} ch_observable;

/** All observables but the changes of single layers, in the order in which the results of a run have them. */
extern const ch_observable ch_observables_table[];
extern const size_t ch_observables_count;

/** Nothing measured: every quantity is NaN, every count CH_UNCOUNTED, and there are no layers. */
ch_observation ch_observation_none(void);

#endif
