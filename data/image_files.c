/* image_files.c — the files of image sets: their names, checksums and where they lie. */
#include "core/names.h"
#include "core/text.h"
#include "data/images_private.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/md5.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* MNIST: LeCun, Cortes and Burges; CIFAR-10: Krizhevsky, "Learning multiple layers of features from tiny images"
 * (2009); Fashion-MNIST: Xiao, Rasul and Vollgraf, arXiv 1708.07747; KMNIST: Clanuwat and others, arXiv 1812.01718. */
static const ch_image_source sources[] = {
    [CH_IMAGES_MNIST] = {.name = "mnist",
                         .shape = {1, 28, 28},
                         .paired = true,
                         .num_files = 4,
                         .files = {{"train-images-idx3-ubyte", "train-images.idx3-ubyte",
                                    "6bbc9ace898e44ae57da46a324031adb", "f68b3c2dcbeaaa9fbdd348bbdeb94873"},
                                   {"train-labels-idx1-ubyte", "train-labels.idx1-ubyte",
                                    "a25bea736e30d166cdddb491f175f624", "d53e105ee54ea40749a09fcbcd1e9432"},
                                   {"t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte",
                                    "2646ac647ad5339dbf082846283269ea", "9fb629c4189551a2d022fa330f9573f3"},
                                   {"t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte",
                                    "27ae3e4e09519cfbb04c329615203637", "ec29112dd5afa0611ce80d1b7f02629c"}},
                         .folders = {"mnist", ".", "MNIST/raw"}},
    [CH_IMAGES_CIFAR10] = {.name = "cifar10",
                           .shape = {3, 32, 32},
                           .num_files = 6,
                           .files = {{"data_batch_1.bin", NULL, "5dd7e06a14cb22eb9f671a540d1b7c25", NULL},
                                     {"data_batch_2.bin", NULL, "5ea93a67294ea407fff1d09f752e9692", NULL},
                                     {"data_batch_3.bin", NULL, "942cd6a4bcdd0dd3c604fbe906cb4421", NULL},
                                     {"data_batch_4.bin", NULL, "ae636b3ba5c66a11e91e8cb52e771fcb", NULL},
                                     {"data_batch_5.bin", NULL, "53f37980c15c3d472c316c40844f3f0d", NULL},
                                     {"test_batch.bin", NULL, "803d5f7f4d78ea53de84dbe85f74fb6d", NULL}},
                           .folders = {"cifar10", ".", "cifar-10-batches-bin"}},
    /* The next two have the file names of MNIST, so that no folder is searched which may hold MNIST itself. Only the
     * checksums of their gzipped files are published. */
    [CH_IMAGES_FASHION_MNIST] = {.name = "fashion_mnist",
                                 .shape = {1, 28, 28},
                                 .paired = true,
                                 .num_files = 4,
                                 .files = {{"train-images-idx3-ubyte", NULL, NULL, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"},
                                           {"train-labels-idx1-ubyte", NULL, NULL, "25c81989df183df01b3e8a0aad5dffbe"},
                                           {"t10k-images-idx3-ubyte", NULL, NULL, "bef4ecab320f06d8554ea6380940ec79"},
                                           {"t10k-labels-idx1-ubyte", NULL, NULL, "bb300cfdad3c16e7a12a480ee83cd310"}},
                                 .folders = {"fashion_mnist", "FashionMNIST/raw", "fashion-mnist"}},
    [CH_IMAGES_KMNIST] = {.name = "kmnist",
                          .shape = {1, 28, 28},
                          .paired = true,
                          .num_files = 4,
                          .files = {{"train-images-idx3-ubyte", NULL, NULL, "bdb82020997e1d708af4cf47b453dcf7"},
                                    {"train-labels-idx1-ubyte", NULL, NULL, "e144d726b3acfaa3e44228e80efcd344"},
                                    {"t10k-images-idx3-ubyte", NULL, NULL, "5c965bf0a639b31b8f53240b1b52f4d7"},
                                    {"t10k-labels-idx1-ubyte", NULL, NULL, "7320c461ea6c1c855c0b718fb2a4b134"}},
                          .folders = {"kmnist", "KMNIST/raw"}},
};

const ch_image_source *ch_image_source_of(ch_image_set set)
{
    return &sources[set];
}

ch_shape ch_image_set_shape(ch_image_set set)
{
    return sources[set].shape;
}

const char *ch_image_set_name(ch_image_set set)
{
    return sources[set].name;
}

ch_code ch_image_set_find(const char *name, ch_image_set *set, ch_error *err)
{
    const char *names[CH_NUM_IMAGE_SETS];
    for (size_t i = 0; i < CH_NUM_IMAGE_SETS; i++) {
        names[i] = sources[i].name;
        if (strcmp(name, names[i]) == 0) {
            *set = (ch_image_set)i;
            return CH_OK;
        }
    }
    const char *nearest = ch_names_nearest(name, names, CH_NUM_IMAGE_SETS);
    return nearest != NULL
               ? ch_error_set(err, CH_ERROR_INPUT, "image set is '%.64s'; did you mean '%s'?", name, nearest)
               : ch_error_set(err, CH_ERROR_INPUT,
                              "image set is '%.64s'; accepted is mnist, cifar10, fashion_mnist or kmnist", name);
}

ch_code ch_path_join(char path[PATH_MAX], const char *folder, const char *name, ch_error *err)
{
    const bool here = strcmp(name, ".") == 0;
    const int length = snprintf(path, PATH_MAX, "%s%s%s", folder, here ? "" : "/", here ? "" : name);
    if (length < 0 || length >= PATH_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT, "the path of %s in '%.200s…' is too long", name, folder);
    }
    return CH_OK;
}

ch_code ch_md5_file(const char *path, char hex[CH_MD5_SIZE], ch_error *err)
{
    uint8_t bytes[1 << 16], digest[MD5_DIGEST_SIZE];
    struct md5_ctx md5;
    ssize_t got = 0;
    md5_init(&md5);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    while (file >= 0 && (got = read(file, bytes, sizeof bytes)) > 0) {
        md5_update(&md5, (size_t)got, bytes);
    }
    const int reason = errno;
    if (file >= 0) {
        close(file);
    }
    if (file < 0 || got < 0) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be read: %s", path, strerror(reason));
    }
    md5_digest(&md5, sizeof digest, digest);
    ch_hex(digest, sizeof digest, hex);
    return CH_OK;
}

/* ---- the search ---- */

/* Whether a name is there. A broken link counts, so that reading it fails and the link is not silently ignored. */
static ch_code look(const char *folder, const char *name, bool *found, ch_error *err)
{
    char path[PATH_MAX];
    struct stat status;
    const ch_code code = ch_path_join(path, folder, name, err);
    if (code != CH_OK) {
        return code;
    }
    *found = lstat(path, &status) == 0;
    if (!*found && errno != ENOENT && errno != ENOTDIR) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be looked for: %s", path, strerror(errno));
    }
    return CH_OK;
}

/* The name that a file has in a folder; "" where it is missing. Plain files are looked for before gzipped ones. */
static ch_code find_name(const char *folder, const ch_image_original *original, char name[CH_IMAGE_NAME_SIZE],
                         ch_error *err)
{
    const char *const stems[] = {original->name, original->variant};
    static const char *const endings[] = {"", ".gz"};
    for (size_t i = 0; i < 4; i++) {
        bool found = false;
        if (stems[i / 2] == NULL) {
            continue;
        }
        snprintf(name, CH_IMAGE_NAME_SIZE, "%s%s", stems[i / 2], endings[i % 2]);
        const ch_code code = look(folder, name, &found, err);
        if (code != CH_OK || found) {
            return code;
        }
    }
    name[0] = '\0';
    return CH_OK;
}

/* Other forms in which CIFAR-10 is distributed, and what the user has then. */
static const struct {
    const char *name, *what;
} other_forms[] = {
    {"cifar-10-batches-py", "the Python version"},    {"data_batch_1", "the Python version"},
    {"cifar-10-python.tar.gz", "the Python version"}, {"cifar-10-batches-mat", "the Matlab version"},
    {"data_batch_1.mat", "the Matlab version"},       {"cifar-10-matlab.tar.gz", "the Matlab version"},
    {"cifar-10-binary.tar.gz", "the packed archive"},
};

/* Which other form of the set lies where its files are looked for.  @return NULL for none */
static const char *find_other_form(const ch_image_source *source, const char *dir)
{
    for (size_t i = 0; i < sizeof other_forms / sizeof *other_forms && source == &sources[CH_IMAGES_CIFAR10]; i++) {
        for (size_t k = 0; source->folders[k] != NULL; k++) {
            char folder[PATH_MAX], path[PATH_MAX];
            struct stat status;
            if (ch_path_join(folder, dir, source->folders[k], NULL) == CH_OK &&
                ch_path_join(path, folder, other_forms[i].name, NULL) == CH_OK && stat(path, &status) == 0) {
                return other_forms[i].what;
            }
        }
    }
    return NULL;
}

static ch_code refuse_nothing(const ch_image_source *source, const char *dir, ch_error *err)
{
    char names[300], folders[100] = "";
    struct stat status;
    if (stat(dir, &status) != 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "data directory '%.300s' cannot be looked into: %s; get the files by "
                            "chiton data fetch %s --data-dir DIR",
                            dir, strerror(errno), source->name);
    }
    if (!S_ISDIR(status.st_mode)) {
        return ch_error_set(err, CH_ERROR_INPUT, "data directory '%.300s' is not a directory", dir);
    }
    const char *other_form = find_other_form(source, dir);
    if (other_form != NULL) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "in '%.300s' is only %s of %s; accepted are the files of the binary version, which "
                            "chiton data fetch %s --data-dir DIR gets",
                            dir, other_form, source->name, source->name);
    }
    size_t length = 0;
    for (size_t i = 0; i < source->num_files; i++) {
        length +=
            (size_t)snprintf(names + length, sizeof names - length, "%s%s", i > 0 ? ", " : "", source->files[i].name);
    }
    length = 0;
    for (size_t i = 0; source->folders[i] != NULL; i++) {
        length +=
            (size_t)snprintf(folders + length, sizeof folders - length, "%s%s", i > 0 ? ", " : "", source->folders[i]);
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "no file of %s is in '%.300s': looked in %s there for %s, plain or .gz; "
                        "get them by chiton data fetch %s --data-dir DIR",
                        source->name, dir, folders, names, source->name);
}

ch_code ch_image_locate(ch_image_location *self, ch_image_set set, const char *dir, ch_error *err)
{
    const ch_image_source *source = ch_image_source_of(set);
    memset(self, 0, sizeof *self);
    for (size_t k = 0; source->folders[k] != NULL; k++) {
        bool any = false;
        ch_code code = ch_path_join(self->folder, dir, source->folders[k], err);
        if (code != CH_OK) {
            return code;
        }
        for (size_t i = 0; i < source->num_files; i++) {
            code = find_name(self->folder, &source->files[i], self->names[i], err);
            if (code != CH_OK) {
                return code;
            }
            any = any || self->names[i][0] != '\0';
        }
        if (any) {
            return CH_OK;
        }
    }
    return refuse_nothing(source, dir, err);
}
