/* density.h — a tabulated density of the distance from the boundary: reading, drawing, and the exact test error. */
#ifndef CH_DENSITY_H
#define CH_DENSITY_H

#include "core/core.h"
#include "data/images.h"

#include <stddef.h>

enum { CH_DENSITY_MOST_ROWS = 65536 };

/** A density rho(v) of v = |x_par|, linear between the rows of a table and 0 outside of it. */
typedef struct ch_density {
    size_t count;                /* n >= 2 rows; 0: no table */
    double *places;              /* [n] v of the rows, ascending, from 0 on; owned */
    double *values;              /* [n] rho there, the largest of them 1; owned */
    double *masses;              /* [n] integral of rho from the first row to this one; owned */
    char digest[CH_SHA256_SIZE]; /* SHA-256, in hex, of "density COUNT\n" and of v and rho of every row as the file has
                                    them, as doubles, little-endian. It does not depend on the file's format */
} ch_density;

/** Reads a table of two columns, v and rho: CSV with or without names of the columns, or an array [n][2] of another
 *  format that ch_array_read knows. rho may have any normalisation.
 *  @param path  a file, or FILE:NAME of an array in it
 *  @return CH_OK; CH_ERROR_INPUT for files that ch_array_read refuses, other than two columns, under 2 rows or over
 *      CH_DENSITY_MOST_ROWS, numbers that are not finite, v under 0 or not ascending, a last v outside 1e-12 to 1e12,
 *      rho under 0, and rho = 0 in all rows: the sentence names the row; CH_ERROR_IO; CH_ERROR_MEMORY */
ch_code ch_density_read(ch_density *self, const char *path, ch_error *err) CH_MUST_CHECK;
void ch_density_free(ch_density *self);

/** The v below which a share 0 < u < 1 of the mass lies. With u uniform, v has the density. Exact but for rounding: on
 *  a piece the mass is a quadratic function of v. */
double ch_density_quantile(const ch_density *self, double share);

/** Exact test error of a linear student with signal s and noise r, lambda = s / r, for inputs whose component along
 *  the teacher has this density and whose other components are normal:
 *    eps(lambda) = int rho(v) Phi(-lambda v) dv / int rho(v) dv,
 *  by Gauss's quadrature on pieces on which Phi is smooth, to 1e-12 relative. s = 0 gives 1/2, r = 0 < s gives 0.
 *  @param error  out: the error, NaN on failure
 *  @return CH_OK; CH_ERROR_INPUT unless r >= 0 and both are finite */
ch_code ch_density_test_error(const ch_density *self, double signal, double noise, double *error,
                              ch_error *err) CH_MUST_CHECK;

#endif
