/* images_support.h — makes small image files. */
#ifndef CH_TESTS_IMAGES_SUPPORT_H
#define CH_TESTS_IMAGES_SUPPORT_H

#include "data/data.h"
#include "tests/store_support.h"

#include <zlib.h>

enum { MNIST_PIXELS = 784, CIFAR_RECORD = 3073 };

/* Writes bytes to a file, compressed by gzip where the name ends in .gz. */
static inline void write_image_bytes(const char *name, const void *bytes, size_t size)
{
    const size_t length = strlen(name);
    if (length < 3 || strcmp(name + length - 3, ".gz") != 0) {
        write_file(path_of(name), bytes, size);
        return;
    }
    gzFile file = gzopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

/* Makes image i. Its first pixel is i, the other pixels follow a rule, and its class is i mod 10. */
static inline uint8_t pixel_of(size_t image, size_t i)
{
    return (uint8_t)(i == 0 ? image : image * 7 + i * 13 + i / 5);
}

static inline void put_big_endian(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* Makes an IDX file of the images first … first + count - 1.  @return its bytes, to be freed by the caller */
static inline uint8_t *make_idx_images(size_t first, size_t count, size_t *size)
{
    *size = 16 + count * MNIST_PIXELS;
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    put_big_endian(bytes, 0x803);
    put_big_endian(bytes + 4, (uint32_t)count);
    put_big_endian(bytes + 8, 28);
    put_big_endian(bytes + 12, 28);
    for (size_t i = 0; i < count * MNIST_PIXELS; i++) {
        bytes[16 + i] = pixel_of(first + i / MNIST_PIXELS, i % MNIST_PIXELS);
    }
    return bytes;
}

static inline uint8_t *make_idx_labels(size_t first, size_t count, size_t *size)
{
    *size = 8 + count;
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    put_big_endian(bytes, 0x801);
    put_big_endian(bytes + 4, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        bytes[8 + i] = (uint8_t)((first + i) % 10);
    }
    return bytes;
}

static inline void write_mnist(const char *images, const char *labels, size_t first, size_t count)
{
    size_t size = 0;
    uint8_t *bytes = make_idx_images(first, count, &size);
    write_image_bytes(images, bytes, size);
    free(bytes);
    bytes = make_idx_labels(first, count, &size);
    write_image_bytes(labels, bytes, size);
    free(bytes);
}

static inline uint8_t *make_cifar(size_t first, size_t count, size_t *size)
{
    *size = count * CIFAR_RECORD;
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    for (size_t i = 0; i < *size; i++) {
        const size_t image = first + i / CIFAR_RECORD, place = i % CIFAR_RECORD;
        bytes[i] = place == 0 ? (uint8_t)(image % 10) : pixel_of(image, place - 1);
    }
    return bytes;
}

static inline void write_cifar(const char *name, size_t first, size_t count)
{
    size_t size = 0;
    uint8_t *bytes = make_cifar(first, count, &size);
    write_image_bytes(name, bytes, size);
    free(bytes);
}

static inline void make_subfolder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0755), 0);
}

#endif
