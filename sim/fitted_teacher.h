/* fitted_teacher.h — the teacher of samples from files: the direction that divides all of them with the largest margin.
 *
 * It is found from all samples of both classes (data/max_margin.h), whether a run chooses them or not. So it does not
 * depend on P, on seeds or on the test samples, and is one direction for all runs on the same data under the same rule
 * of labels. It is found once for all runs that share the sources.
 */
#ifndef CH_FITTED_TEACHER_H
#define CH_FITTED_TEACHER_H

#include "data/data.h"
#include "sim/settings/settings.h"

/** A teacher that was fitted, and what it belongs to. */
typedef struct ch_fitted_teacher {
    uint64_t data, normalise;      /* as in the settings, like the next two */
    char classes[CH_CLASSES_SIZE]; /* the rule of labels */
    char data_digest[CH_SHA256_SIZE];
    double *direction; /* e [ch_row_stride(dim)], a unit vector; owned */
    ch_max_margin found;
    struct ch_fitted_teacher *next; /* NULL: the last of the list */
} ch_fitted_teacher;

/** Finds the teacher of these settings, unless it is in the list. Several threads may ask at once: one of them finds it
 *  while the others wait. It says through the watch what was found.
 *  @param list      of the teachers found before; a new one becomes its first
 *  @param pool      the samples under the rule of labels
 *  @param settings  completed by ch_sources_find; ch_settings_fits_teacher holds
 *  @param teacher   out: in the list
 *  @return as ch_max_margin_find */
ch_code ch_fitted_teacher_find(ch_fitted_teacher **list, const ch_pool *pool, const ch_settings *settings, int threads,
                               const ch_watch *watch, const ch_fitted_teacher **teacher, ch_error *err) CH_MUST_CHECK;

/** Bytes that finding it takes for a while: all samples in single precision, and 20 bytes a sample.
 *  @return SIZE_MAX when that overflows; 0 where the settings ask for no fitted teacher */
size_t ch_fitted_teacher_bytes(const ch_settings *settings);

void ch_fitted_teachers_free(ch_fitted_teacher **list);

#endif
