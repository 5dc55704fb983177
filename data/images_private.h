/* images_private.h — the files of image sets: their names, where they lie, and what they hold. Private to data/. */
#ifndef CH_IMAGES_PRIVATE_H
#define CH_IMAGES_PRIVATE_H

#include "data/images.h"

/** A file as its authors distribute it. */
typedef struct {
    const char *name;    /* plain */
    const char *variant; /* the name that some programs unpack it to, or NULL */
    const char *md5;     /* of the plain file */
    const char *md5_gz;  /* of the original gzipped file; NULL when it comes in an archive */
} ch_image_original;

/** A set as its authors distribute it. */
typedef struct {
    const char *name;
    ch_shape shape;
    bool paired; /* files 0, 2, … hold images, 1, 3, … their labels; else every file holds both */
    size_t num_files;
    ch_image_original files[CH_MAX_IMAGE_FILES];
    const char *folders[4]; /* under the data directory, in the order of search; NULL-terminated */
} ch_image_source;

const ch_image_source *ch_image_source_of(ch_image_set set);

/** Where a set's files are. */
typedef struct {
    char folder[PATH_MAX];
    char names[CH_MAX_IMAGE_FILES][CH_IMAGE_NAME_SIZE]; /* "" where a file is missing */
} ch_image_location;

/** @return CH_OK; CH_ERROR_INPUT when nothing is there; CH_ERROR_IO when it cannot be told */
ch_code ch_image_locate(ch_image_location *self, ch_image_set set, const char *dir, ch_error *err) CH_MUST_CHECK;

/** As ch_image_pool_init of files that are located.
 *  @param records  out: [CH_MAX_IMAGE_FILES] images or labels of every file */
ch_code ch_image_pool_read(ch_image_pool *self, ch_image_set set, const ch_image_location *location, size_t *records,
                           ch_error *err) CH_MUST_CHECK;

/** path = folder/name.  @return CH_OK, CH_ERROR_INPUT when that is too long */
ch_code ch_path_join(char path[PATH_MAX], const char *folder, const char *name, ch_error *err) CH_MUST_CHECK;

/** MD5 of a file in hex.  @return CH_OK, CH_ERROR_IO */
ch_code ch_md5_file(const char *path, char hex[CH_MD5_SIZE], ch_error *err) CH_MUST_CHECK;

/** An array of bytes that grows as a file is read. */
typedef struct {
    uint8_t *bytes; /* owned */
    size_t size, capacity;
} ch_bytes;

/** Appends the images of an IDX file.
 *  @param count  out: images read
 *  @return as ch_image_pool_init */
ch_code ch_idx_read_images(const char *path, ch_shape shape, ch_bytes *pixels, size_t *count,
                           ch_error *err) CH_MUST_CHECK;
ch_code ch_idx_read_labels(const char *path, ch_bytes *classes, size_t *count, ch_error *err) CH_MUST_CHECK;

/** Appends the records of a CIFAR-10 file: a class, then the pixels in planes red, green, blue. */
ch_code ch_cifar_read(const char *path, ch_bytes *pixels, ch_bytes *classes, size_t *count,
                      ch_error *err) CH_MUST_CHECK;

#endif
