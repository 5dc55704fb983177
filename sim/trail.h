/* trail.h — the weights of a run at the points of its trajectory, as a file of NumPy's format, and how far those of two
 * runs are apart. */
#ifndef CH_TRAIL_H
#define CH_TRAIL_H

#include "core/core.h"

#include <stddef.h>
#include <stdint.h>

/** The weights along a run. A row has the number of steps taken, which doubles hold exactly, and then the weights: of a
 *  network w in NCHW order (models/architecture.h), of a perceptron the change Dw. The first row is that of step 0, and
 *  steps ascend. */
typedef struct {
    double *rows; /* [num_rows][1 + num_weights]; owned */
    size_t num_rows, capacity, num_weights;
} ch_trail;

/** Makes an empty trail. */
void ch_trail_init(ch_trail *self, size_t num_weights);
void ch_trail_free(ch_trail *self);

/** Adds a row.
 *  @return where its weights go, [num_weights]; NULL when memory is short */
double *ch_trail_add(ch_trail *self, uint64_t step);

/** The step of a row < num_rows. */
uint64_t ch_trail_step(const ch_trail *self, size_t row);

/** The norm of the difference of the weights of two trails with as many weights.
 *  @return NaN where one of the rows does not exist */
double ch_trail_distance(const ch_trail *self, size_t row, const ch_trail *other, size_t other_row);

/** The row of a step.
 *  @return num_rows where no row has it */
size_t ch_trail_find(const ch_trail *self, uint64_t step);

/** Writes an array [num_rows][1 + num_weights] of float64 as an NPY file.
 *  @return as ch_npy_write */
ch_code ch_trail_write(const ch_trail *self, const char *path, ch_error *err) CH_MUST_CHECK;

/** Reads such a file.
 *  @param num_weights  that the rows must have
 *  @return CH_OK; CH_ERROR_INPUT for a file that is missing or another one, of another number of weights, with numbers
 *      that are not finite, or with steps that do not ascend from 0; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_trail_read(ch_trail *self, const char *path, size_t num_weights, ch_error *err) CH_MUST_CHECK;

#endif
