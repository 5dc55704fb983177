/* sources.c — reading the samples that training sets are made from. */
#include "sim/sources.h"

#include "core/memory.h"
#include "models/architecture.h"
#include "sim/admit.h"
#include "sim/fitted_teacher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ch_sources_free_samples(ch_sources *self)
{
    for (size_t i = 0; i < CH_NUM_IMAGE_SETS; i++) {
        ch_image_pool_free(&self->pools[i]);
    }
    ch_own_pool_free(&self->own);
    ch_fitted_teachers_free(&self->teachers);
}

void ch_sources_free(ch_sources *self)
{
    ch_sources_free_samples(self);
    ch_density_free(&self->density);
    for (size_t i = 0; i < self->num_starts; i++) {
        ch_start_free(self->starts[i]);
        free(self->starts[i]);
    }
    free(self->starts);
    self->starts = NULL;
    self->num_starts = self->starts_capacity = 0;
}

/* Counts the samples of both classes.
 * @param counts  the labels that there are */
static ch_code count_pool(ch_settings *settings, const ch_label_counts *counts, ch_error *err)
{
    ch_classes rule;
    size_t total = 0;
    ch_code code = ch_classes_parse(&rule, settings->classes, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_classes_check(&rule, counts, &total, err);
    settings->data_pool = total;
    return code;
}

static ch_code find_images(ch_sources *self, ch_settings *settings, ch_error *err)
{
    const ch_image_set set = ch_sources_image_set(settings);
    ch_image_pool *pool = &self->pools[set];
    const ch_code code = pool->count > 0 ? CH_OK : ch_image_pool_init(pool, set, settings->data_dir, err);
    if (code != CH_OK) {
        return code;
    }
    memcpy(settings->data_digest, pool->digest, sizeof settings->data_digest);
    settings->data_pool = pool->count;
    if (settings->classes[0] == '\0') {
        return CH_OK;
    }
    const ch_label_counts counts = ch_label_counts_of_images(pool);
    return count_pool(settings, &counts, err);
}

static ch_code find_own(ch_sources *self, ch_settings *settings, ch_error *err)
{
    ch_own_pool *pool = &self->own;
    ch_code code = pool->count > 0 ? CH_OK : ch_own_pool_init(pool, settings->data_file, settings->data_labels, err);
    if (code != CH_OK) {
        return code;
    }
    memcpy(settings->data_digest, pool->digest, sizeof settings->data_digest);
    settings->data_shape = pool->shape;
    const bool is_image = pool->shape.rows > 1 && pool->shape.columns > 1;
    if (!is_image && !ch_arch_takes_vectors(settings->model)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s holds vectors of %zu numbers, but model = %s takes images; accepted is an array "
                            "[n][rows][columns] or [n][channels][rows][columns]",
                            settings->data_file, pool->dim, ch_arch_name(settings->model));
    }
    return count_pool(settings, pool->counts, err);
}

static ch_code find_density(ch_sources *self, ch_settings *settings, ch_error *err)
{
    const ch_code code = self->density.count > 0 ? CH_OK : ch_density_read(&self->density, settings->density, err);
    if (code == CH_OK) {
        memcpy(settings->data_digest, self->density.digest, sizeof settings->data_digest);
    }
    return code;
}

static ch_code find_samples(ch_sources *self, ch_settings *settings, ch_error *err)
{
    if (!ch_settings_has_pool(settings)) {
        return ch_settings_has_digest(settings) ? find_density(self, settings, err) : CH_OK;
    }
    const bool is_own = ch_law_of(settings->data)->is_file;
    const ch_code code = is_own ? find_own(self, settings, err) : find_images(self, settings, err);
    if (code != CH_OK) {
        return code;
    }
    if (settings->train <= settings->data_pool && settings->test <= settings->data_pool - settings->train) {
        return CH_OK;
    }
    const bool is_part = settings->classes[0] != '\0';
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "train is %llu and test is %llu, but %s has %llu %s%s%s in %s: the two may add up to no more than that",
        (unsigned long long)settings->train, (unsigned long long)settings->test,
        is_own ? "the file" : ch_image_set_name(ch_sources_image_set(settings)),
        (unsigned long long)settings->data_pool, is_own ? "samples" : "images", is_part ? " of the classes " : "",
        settings->classes, is_own ? settings->data_file : settings->data_dir);
}

/* The weights of a file that has been read; NULL where it has not. */
static const ch_start *start_of(const ch_sources *self, const char *path)
{
    for (size_t i = 0; i < self->num_starts; i++) {
        if (strcmp(self->starts[i]->path, path) == 0) {
            return self->starts[i];
        }
    }
    return NULL;
}

/* Reads a file of initial weights. */
static ch_code add_start(ch_sources *self, const char *path, ch_error *err)
{
    void *starts = self->starts;
    if (ch_grow(&starts, &self->starts_capacity, self->num_starts + 1, sizeof *self->starts) != 0) {
        return ch_error_memory(err, "the weights of init");
    }
    self->starts = starts;
    ch_start *start = ch_alloc(1, sizeof *start);
    if (start == NULL) {
        return ch_error_memory(err, "the weights of init");
    }
    const ch_code code = ch_start_init(start, path, err);
    if (code != CH_OK) {
        free(start);
        return code;
    }
    self->starts[self->num_starts++] = start;
    return CH_OK;
}

/* Gives a run the initial weights of its file, which is in memory. They have to be as many as its network has. */
static ch_code set_start(const ch_sources *self, ch_settings *settings, ch_error *err)
{
    const ch_start *start = start_of(self, settings->init);
    const ch_network_spec spec = ch_settings_network(settings);
    ch_architecture architecture;
    ch_code code = ch_architecture_init(&architecture, &spec, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_start_check(start->count, &architecture, err);
    ch_architecture_free(&architecture);
    settings->start = start;
    memcpy(settings->init_digest, start->digest, sizeof settings->init_digest);
    return code;
}

ch_code ch_sources_find(ch_sources *self, ch_resolved *resolved, ch_error *err)
{
    ch_settings *settings = &resolved->settings;
    const bool has_init = settings->init != NULL;
    ch_code code = has_init && start_of(self, settings->init) == NULL ? add_start(self, settings->init, err) : CH_OK;
    if (code != CH_OK) {
        return code;
    }
    code = find_samples(self, settings, err);
    return code == CH_OK && has_init ? set_start(self, settings, err) : code;
}

/* Whether the files of these settings are in memory. */
static bool is_in_memory(const ch_sources *self, const ch_settings *settings)
{
    if (settings->init != NULL && start_of(self, settings->init) == NULL) {
        return false;
    }
    if (!ch_settings_has_digest(settings)) {
        return true;
    }
    const ch_law *law = ch_law_of(settings->data);
    return law->is_file       ? self->own.count > 0
           : law->has_density ? self->density.count > 0
                              : self->pools[ch_sources_image_set(settings)].count > 0;
}

ch_code ch_sources_admit(ch_sources *self, ch_resolved *resolved, bool *is_read, ch_error *err)
{
    const ch_settings *settings = &resolved->settings;
    const bool is_own = ch_law_of(settings->data)->is_file;
    if (is_read != NULL) {
        *is_read = true;
    }
    ch_code code = is_own ? CH_OK : ch_admit(resolved, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_sources_find(self, resolved, err);
    if (code != CH_OK) {
        if (is_read != NULL) {
            *is_read = is_in_memory(self, settings);
        }
        return code;
    }
    return is_own ? ch_admit(resolved, err) : CH_OK;
}

void ch_sources_describe(const ch_sources *self, char *sentence, size_t size)
{
    size_t length = 0;
    sentence[0] = '\0';
    for (size_t i = 0; i < CH_NUM_IMAGE_SETS && length < size; i++) {
        char origin[320];
        ch_image_origin_describe(&self->pools[i].origin, origin, sizeof origin);
        if (origin[0] != '\0') {
            length += (size_t)snprintf(sentence + length, size - length, "%simages of %s: %s", length > 0 ? "; " : "",
                                       ch_image_set_name((ch_image_set)i), origin);
        }
    }
}
