/* fitted_teacher.c — finds the teacher of samples from files once for all runs. */
#include "sim/fitted_teacher.h"

#include "core/memory.h"
#include "data/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_of(const ch_fitted_teacher *self, const ch_settings *settings)
{
    return self->data == settings->data && self->normalise == settings->normalise &&
           strcmp(self->classes, settings->classes) == 0 && strcmp(self->data_digest, settings->data_digest) == 0;
}

static void tell(const ch_fitted_teacher *self, size_t num_samples, const ch_watch *watch)
{
    char sentence[256];
    if (self->found.is_separable) {
        snprintf(sentence, sizeof sentence,
                 "teacher: a plane through the origin divides all %zu samples of the data; the largest margin is %.3g",
                 num_samples, self->found.margin);
    } else {
        snprintf(sentence, sizeof sentence,
                 "teacher: no plane through the origin divides the %zu samples of the data; the direction is that of "
                 "the soft margin, which takes %.2g %% of them for the wrong class",
                 num_samples, 100 * self->found.error);
    }
    ch_watch_say(watch, sentence);
}

static void teacher_free(ch_fitted_teacher *self)
{
    if (self != NULL) {
        free(self->direction);
    }
    free(self);
}

/* Fits a teacher to all samples. @param made  out: owned by the caller */
static ch_code fit(const ch_pool *pool, const ch_settings *settings, int threads, const ch_watch *watch,
                   ch_fitted_teacher **made, ch_error *err)
{
    ch_sample_set all = {.num_samples = 0};
    ch_fitted_teacher *self = ch_alloc(1, sizeof *self);
    ch_code code = ch_pool_all_rows(pool, threads, &all, err);
    if (code != CH_OK) {
        goto out;
    }
    if (self != NULL) {
        self->direction = ch_alloc(all.stride, sizeof *self->direction);
    }
    if (self == NULL || self->direction == NULL) {
        code = ch_error_memory(err, "the teacher of the samples");
        goto out;
    }
    self->data = settings->data;
    self->normalise = settings->normalise;
    memcpy(self->classes, settings->classes, sizeof self->classes);
    memcpy(self->data_digest, settings->data_digest, sizeof self->data_digest);
    code = ch_max_margin_find(&self->found, &all, self->direction, watch, err);
    if (code != CH_OK) {
        goto out;
    }
    tell(self, all.num_samples, watch);
out:
    ch_sample_set_free(&all);
    if (code != CH_OK) {
        teacher_free(self);
        self = NULL;
    }
    *made = self;
    return code;
}

/* Looks into the list, and fits where the teacher is not there. */
static ch_code find(ch_fitted_teacher **list, const ch_pool *pool, const ch_settings *settings, int threads,
                    const ch_watch *watch, const ch_fitted_teacher **teacher, ch_error *err)
{
    ch_fitted_teacher *made = NULL;
    for (const ch_fitted_teacher *at = *list; at != NULL; at = at->next) {
        if (is_of(at, settings)) {
            *teacher = at;
            return CH_OK;
        }
    }
    const ch_code code = fit(pool, settings, threads, watch, &made, err);
    if (code != CH_OK) {
        return code;
    }
    made->next = *list;
    *list = made;
    *teacher = made;
    return CH_OK;
}

ch_code ch_fitted_teacher_find(ch_fitted_teacher **list, const ch_pool *pool, const ch_settings *settings, int threads,
                               const ch_watch *watch, const ch_fitted_teacher **teacher, ch_error *err)
{
    ch_code code = CH_OK;
#pragma omp critical(ch_fitted_teacher)
    code = find(list, pool, settings, threads, watch, teacher, err);
    return code;
}

size_t ch_fitted_teacher_bytes(const ch_settings *settings)
{
    enum { SAMPLE_BYTES = 24 }; /* of the solver, and its place in the pool */
    const size_t dim = ch_shape_size(ch_settings_input(settings)), count = (size_t)settings->data_pool;
    if (!ch_settings_fits_teacher(settings)) {
        return 0;
    }
    const size_t bytes = ch_sample_set_bytes(count, dim);
    return bytes < SIZE_MAX - SAMPLE_BYTES * count ? bytes + SAMPLE_BYTES * count : SIZE_MAX;
}

void ch_fitted_teachers_free(ch_fitted_teacher **list)
{
    while (*list != NULL) {
        ch_fitted_teacher *next = (*list)->next;
        teacher_free(*list);
        *list = next;
    }
}
