/* images_private.h — the files of image sets: their names, how they are found, and how they are read. Private to data/.
 */
#ifndef CH_IMAGES_PRIVATE_H
#define CH_IMAGES_PRIVATE_H

#include "data/images.h"

/** A file as its authors distribute it. */
typedef struct {
    const char *name;    /* name of the plain file */
    const char *variant; /* another name that some programs give the plain file; NULL where there is none */
    const char *md5;     /* MD5 of the plain file; NULL where it is not known */
    const char *md5_gz;  /* MD5 of the original gzipped file; NULL where the file comes in an archive */
} ch_image_original;

/** A set as its authors distribute it. */
typedef struct {
    const char *name;
    ch_shape shape;
    bool paired; /* files 0, 2, … hold images and files 1, 3, … their labels; else every file holds both */
    size_t num_files;
    ch_image_original files[CH_MAX_IMAGE_FILES];
    const char *folders[4]; /* folders under the data directory, in the order of search, ended by NULL */
} ch_image_source;

const ch_image_source *ch_image_source_of(ch_image_set set);

/** The folder and the names of a set's files. */
typedef struct {
    char folder[PATH_MAX];
    char names[CH_MAX_IMAGE_FILES][CH_IMAGE_NAME_SIZE]; /* "" where a file is missing */
} ch_image_location;

/** Finds the files of a set.  @return CH_OK; CH_ERROR_INPUT when no file is there; CH_ERROR_IO when a folder cannot be
 *          searched */
ch_code ch_image_locate(ch_image_location *self, ch_image_set set, const char *dir, ch_error *err) CH_MUST_CHECK;

/** Reads located files, as ch_image_pool_init does.
 *  @param records  out: [CH_MAX_IMAGE_FILES] the number of images or labels in every file */
ch_code ch_image_pool_read(ch_image_pool *self, ch_image_set set, const ch_image_location *location, size_t *records,
                           ch_error *err) CH_MUST_CHECK;

/** Describes a file of a set.
 *  @param name     its name in the folder; "" where it is missing
 *  @param records  number of images or labels that were read from it
 *  @return CH_OK; CH_ERROR_INPUT when the path is too long; CH_ERROR_IO */
ch_code ch_image_file_describe(ch_image_file *self, const ch_image_original *original, const char *folder,
                               const char *name, size_t records, ch_error *err) CH_MUST_CHECK;

/** Sets the origin of a pool that has been read.
 *  @param location  its files
 *  @param records   [CH_MAX_IMAGE_FILES] the number of images or labels in every file
 *  @param files     out: [CH_MAX_IMAGE_FILES] every file of the set, found or not
 *  @return as ch_image_file_describe; CH_ERROR_MEMORY */
ch_code ch_image_origin_find(ch_image_pool *pool, const ch_image_location *location, const size_t *records,
                             ch_image_file *files, ch_error *err) CH_MUST_CHECK;

/** Sets path to folder/name.  @return CH_OK; CH_ERROR_INPUT when that is too long */
ch_code ch_path_join(char path[PATH_MAX], const char *folder, const char *name, ch_error *err) CH_MUST_CHECK;

/** The MD5 of a file in hexadecimal.  @return CH_OK, CH_ERROR_IO */
ch_code ch_md5_file(const char *path, char hex[CH_MD5_SIZE], ch_error *err) CH_MUST_CHECK;

/** An array of bytes that grows as a file is read. */
typedef struct {
    uint8_t *bytes; /* owned */
    size_t size, capacity;
} ch_bytes;

/** Appends the images of an IDX file.
 *  @param pixels  grows by the pixels of every image, in the order NCHW
 *  @param count   out: number of images read
 *  @return as ch_image_pool_init */
ch_code ch_idx_read_images(const char *path, ch_shape shape, ch_bytes *pixels, size_t *count,
                           ch_error *err) CH_MUST_CHECK;

/** Appends the labels of an IDX file.
 *  @param count  out: number of labels read
 *  @return as ch_image_pool_init */
ch_code ch_idx_read_labels(const char *path, ch_bytes *classes, size_t *count, ch_error *err) CH_MUST_CHECK;

/** Appends the records of a CIFAR-10 file. A record is a class, then the red, the green and the blue plane of pixels.
 *  @param count  out: number of records read
 *  @return as ch_image_pool_init */
ch_code ch_cifar_read(const char *path, ch_bytes *pixels, ch_bytes *classes, size_t *count,
                      ch_error *err) CH_MUST_CHECK;

#endif
