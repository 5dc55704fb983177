/* fetch.c — downloading the original files of image sets. */
#include "data/fetch.h"

#include "core/library.h"
#include "core/obstacle.h"
#include "core/text.h"
#include "data/fetch_private.h"
#include "data/images_private.h"
#include "data/part.h"

#define CURL_DISABLE_TYPECHECK /* its macros stand for the function that a program is linked with */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- libcurl ---- */

#define CURL_FUNCTIONS(X)                                                                                              \
    X(curl_easy_init)                                                                                                  \
    X(curl_easy_cleanup)                                                                                               \
    X(curl_easy_reset)                                                                                                 \
    X(curl_easy_setopt)                                                                                                \
    X(curl_easy_perform)                                                                                               \
    X(curl_easy_strerror)

typedef struct {
    CURL_FUNCTIONS(CH_LIBRARY_MEMBER)
} curl_functions;

/* What transfers files. */
typedef struct {
    curl_functions lib;
    CURL *handle; /* owned */
} client;

static ch_code client_init(client *self, ch_error *err)
{
#ifdef CH_FILE_OF_libcurl
    static const char *const names[] = {CURL_FUNCTIONS(CH_LIBRARY_NAME)};
    const ch_code code = ch_library_load(CH_FILE_OF_libcurl, "files cannot be downloaded", names,
                                         sizeof names / sizeof *names, &self->lib, err);
    if (code != CH_OK) {
        return code;
    }
#else
    self->lib = (curl_functions){CURL_FUNCTIONS(CH_LIBRARY_ADDRESS)};
#endif
    self->handle = self->lib.curl_easy_init(); /* the first call also initialises the library */
    return self->handle != NULL ? CH_OK : ch_error_memory(err, "a transfer");
}

/* ---- one transfer ---- */

typedef struct {
    ch_part *part;
    const ch_fetch_how *how;
    uint64_t offset; /* bytes of the part before this transfer */
    uint64_t size;   /* bytes of the part now */
    bool too_large;  /* whether more came than the file may have */
    char reason[CURL_ERROR_SIZE];
} transfer;

static bool is_stopped(const ch_fetch_how *how)
{
    return ch_watch_is_stopped(how->watch);
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    transfer *self = context;
    const uint64_t most = self->part->file->most;
    self->size += size * count;
    self->too_large = most > 0 && self->size > most;
    return !self->too_large && ch_part_write(self->part, bytes, size * count) ? size * count : 0;
}

static int advance(void *context, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up)
{
    const transfer *self = context;
    (void)up_total, (void)up;
    if (done > 0) {
        ch_part_tell_progress(self->how->watch, self->part->file->name, self->offset + (uint64_t)done,
                              total > 0 ? self->offset + (uint64_t)total : 0);
    }
    return is_stopped(self->how);
}

/* Appends to the part the bytes of a URL that the part lacks. */
static CURLcode run_transfer(transfer *self, const client *with, const char *url)
{
    const curl_functions *lib = &with->lib;
    CURL *curl = with->handle;
    enum { CONNECT_SECONDS = 30, STALLED_SECONDS = 60, STALLED_BYTES = 1 };
    self->offset = ch_part_size(self->part);
    self->size = self->offset;
    self->reason[0] = '\0';
    lib->curl_easy_reset(curl);
    lib->curl_easy_setopt(curl, CURLOPT_URL, url);
    lib->curl_easy_setopt(curl, CURLOPT_USERAGENT, "chiton/" CH_VERSION);
    lib->curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    lib->curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 8L); /* before 8.3 libcurl follows an endless ring of them */
    lib->curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    lib->curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    lib->curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    lib->curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALLED_SECONDS);
    lib->curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALLED_BYTES);
    lib->curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)self->offset);
    lib->curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, self->reason);
    lib->curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    lib->curl_easy_setopt(curl, CURLOPT_WRITEDATA, self);
    lib->curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    lib->curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, advance);
    lib->curl_easy_setopt(curl, CURLOPT_XFERINFODATA, self);
    return lib->curl_easy_perform(curl);
}

static ch_code stopped(const ch_part *part, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped; the same command goes on from %s", part->part);
}

/* ---- one mirror ---- */

/* Whether the server cannot continue where the part ends, because it knows no ranges or has fewer bytes. */
static bool cannot_resume(CURLcode status)
{
    return status == CURLE_RANGE_ERROR || status == CURLE_BAD_DOWNLOAD_RESUME;
}

/* What is wrong with a file that came whole, or that is larger than it may be. */
static ch_code refuse_content(const transfer *self, const char *url, const char *md5, ch_error *err)
{
    const ch_fetch_file *file = self->part->file;
    if (self->too_large) {
        return ch_error_set(err, CH_ERROR_IO, "%.300s is not the original: it has more than %s", url,
                            ch_show_bytes(file->most).text);
    }
    return ch_error_set(err, CH_ERROR_IO, "%.300s is not the original: its MD5 is %s, the original's %s", url, md5,
                        file->md5);
}

static ch_code refuse_transfer(const transfer *self, const client *with, const char *url, CURLcode status,
                               ch_error *err)
{
    const bool offline = status == CURLE_COULDNT_RESOLVE_HOST || status == CURLE_COULDNT_CONNECT;
    const bool kept = ch_part_size(self->part) > 0;
    return ch_error_set(err, CH_ERROR_IO, "%.300s cannot be fetched: %s%s%.200s%s", url,
                        self->reason[0] != '\0' ? self->reason : with->lib.curl_easy_strerror(status),
                        offline ? "; without a network, put the files by hand into " : "",
                        offline ? self->part->folder : "",
                        kept ? "; what came is kept, and fetching again goes on" : "");
}

/* Completes the part from a URL.
 * @param done  out: whether the part got its final name */
static ch_code fetch_from(const client *with, const char *url, ch_part *part, const ch_fetch_how *how, bool *done,
                          ch_error *err)
{
    for (;;) {
        transfer self = {.part = part, .how = how};
        char md5[CH_MD5_SIZE] = "";
        const CURLcode status = run_transfer(&self, with, url);
        const bool resumed = self.offset > 0;
        ch_code code = CH_OK;
        if (is_stopped(how)) {
            return stopped(part, err);
        }
        if (part->reason != 0) {
            return ch_part_failure(part, err);
        }
        if (status != CURLE_OK && !self.too_large && !(resumed && cannot_resume(status))) {
            return refuse_transfer(&self, with, url, status, err);
        }
        if (status == CURLE_OK) {
            code = ch_part_finish(part, done, md5, err);
        }
        if (code != CH_OK || *done) {
            return code;
        }
        if (!resumed && ch_part_is_page(part)) {
            return ch_error_set(err, CH_ERROR_IO,
                                "%.300s is a web page (HTML) in place of the file; it is kept as %.300s", url,
                                part->part);
        }
        code = ch_part_restart(part, err);
        if (code != CH_OK) {
            return code;
        }
        if (!resumed) {
            return refuse_content(&self, url, md5, err);
        }
    }
}

/* Joins a mirror's folder and a name. */
static ch_code make_url(char url[PATH_MAX], const char *mirror, const char *name, ch_error *err)
{
    const size_t length = strlen(mirror);
    const bool ends = length > 0 && mirror[length - 1] == '/';
    const int written = snprintf(url, PATH_MAX, "%s%s%s", mirror, ends ? "" : "/", name);
    if (written < 0 || written >= PATH_MAX) {
        return ch_error_set(err, CH_ERROR_INPUT, "the URL '%.200s…' is too long", mirror);
    }
    return CH_OK;
}

/* ---- a file ---- */

static ch_code fetch_from_mirror(const client *with, const char *mirror, ch_part *part, const ch_fetch_how *how,
                                 bool *done, ch_error *err)
{
    char url[PATH_MAX];
    const ch_code code = make_url(url, mirror, part->file->name, err);
    if (code != CH_OK) {
        return code;
    }
    return fetch_from(with, url, part, how, done, err);
}

/* Tries one mirror after the other until one gives the file. */
static ch_code fetch_from_any(const client *with, ch_part *part, const ch_fetch_how *how, ch_error *err)
{
    char md5[CH_MD5_SIZE];
    bool done = false;
    /* An earlier call may have completed the part without renaming it. */
    ch_code code = ch_part_size(part) > 0 ? ch_part_finish(part, &done, md5, err) : CH_OK;
    if (code != CH_OK || done) {
        return code;
    }
    for (size_t i = 0; !done && how->mirrors[i] != NULL; i++) {
        code = fetch_from_mirror(with, how->mirrors[i], part, how, &done, err);
        if (code == CH_ERROR_INTERRUPTED || part->reason != 0) {
            break;
        }
    }
    return code;
}

static void say(const ch_fetch_how *how, const char *folder, const char *name, const char *what)
{
    char sentence[PATH_MAX + 64];
    snprintf(sentence, sizeof sentence, "%s/%s: %s", folder, name, what);
    ch_watch_say(how->watch, sentence);
}

ch_code ch_fetch_download(const char *folder, const ch_fetch_file *file, const ch_fetch_how *how, ch_error *err)
{
    ch_part part;
    bool done = false;
    ch_code code = ch_part_is_done(folder, file, &done, err);
    if (code != CH_OK || done) {
        if (done) {
            say(how, folder, file->name, "is there");
        }
        return code;
    }
    client with;
    code = client_init(&with, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_part_open(&part, folder, file, err);
    if (code != CH_OK) {
        goto out;
    }
    code = fetch_from_any(&with, &part, how, err);
    if (code != CH_OK) {
        goto out;
    }
    say(how, folder, file->name, "fetched, MD5 is right");
out:
    ch_part_close(&part);
    with.lib.curl_easy_cleanup(with.handle);
    return code;
}

/* ---- an archive ---- */

/* Finds which of the files are there. A file that is not the original is refused before anything is fetched. */
static ch_code count_done(const char *folder, const ch_fetch_file *files, size_t num_files, size_t *num_done,
                          const ch_fetch_how *how, ch_error *err)
{
    *num_done = 0;
    for (size_t i = 0; i < num_files; i++) {
        bool done = false;
        const ch_code code = ch_part_is_done(folder, &files[i], &done, err);
        if (code != CH_OK) {
            return code;
        }
        if (done) {
            say(how, folder, files[i].name, "is there");
        }
        *num_done += done;
    }
    return CH_OK;
}

ch_code ch_fetch_archive(const char *folder, const ch_fetch_file *archive, const ch_fetch_file *files, size_t num_files,
                         const ch_fetch_how *how, ch_error *err)
{
    char path[PATH_MAX];
    size_t num_done = 0;
    ch_code code = ch_path_join(path, folder, archive->name, err);
    if (code != CH_OK) {
        return code;
    }
    code = count_done(folder, files, num_files, &num_done, how, err);
    if (code != CH_OK || num_done == num_files) {
        return code;
    }
    code = ch_fetch_download(folder, archive, how, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_fetch_unpack(path, folder, files, num_files, how, err);
    if (code != CH_OK) {
        return code;
    }
    if (unlink(path) != 0) {
        return ch_error_set(err, CH_ERROR_IO, "%s cannot be removed: %s", path, strerror(errno));
    }
    say(how, folder, archive->name, "unpacked and removed");
    return CH_OK;
}

/* ---- the sets ---- */

static const char *const mnist_mirrors[] = {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                                            "https://storage.googleapis.com/cvdf-datasets/mnist/", NULL};
static const char *const fashion_mirrors[] = {
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/", NULL};
static const char *const kmnist_mirrors[] = {"http://codh.rois.ac.jp/kmnist/dataset/kmnist/", NULL};
static const char *const cifar_mirrors[] = {"https://www.cs.toronto.edu/~kriz/", NULL};
/* Bytes that files may have, generously: MNIST's images are 9.9 MB, CIFAR-10's archive 170 MB and its files 31 MB. */
static const uint64_t MOST_FILE_BYTES = UINT64_C(64) << 20, MOST_ARCHIVE_BYTES = UINT64_C(512) << 20;

static ch_code make_folder(const char *path, ch_error *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) {
        return CH_OK;
    }
    const int failure = errno;
    const ch_obstacle obstacle = ch_find_obstacle(path);
    if (obstacle.text[0] != '\0') {
        return ch_error_set(err, CH_ERROR_INPUT, "folder %s cannot be made: %s", path, obstacle.text);
    }
    return ch_error_set(err, CH_ERROR_IO, "folder %s cannot be made: %s", path, strerror(failure));
}

/* Sets that come as gzipped files. */
static ch_code fetch_files(const ch_image_source *source, const char *folder, const ch_fetch_how *how, ch_error *err)
{
    for (size_t i = 0; i < source->num_files; i++) {
        char name[CH_IMAGE_NAME_SIZE];
        snprintf(name, sizeof name, "%s.gz", source->files[i].name);
        const ch_fetch_file file = {name, source->files[i].md5_gz, MOST_FILE_BYTES};
        const ch_code code = ch_fetch_download(folder, &file, how, err);
        if (code != CH_OK) {
            return code;
        }
    }
    return CH_OK;
}

static ch_code fetch_cifar(const char *folder, const ch_fetch_how *how, ch_error *err)
{
    const ch_image_source *source = ch_image_source_of(CH_IMAGES_CIFAR10);
    const ch_fetch_file archive = {"cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", MOST_ARCHIVE_BYTES};
    ch_fetch_file files[CH_MAX_IMAGE_FILES];
    for (size_t i = 0; i < source->num_files; i++) {
        files[i] = (ch_fetch_file){source->files[i].name, source->files[i].md5, MOST_FILE_BYTES};
    }
    return ch_fetch_archive(folder, &archive, files, source->num_files, how, err);
}

ch_code ch_fetch_images(ch_image_set set, const char *dir, const char *from, const ch_watch *watch, ch_error *err)
{
    const char *const given[] = {from, NULL};
    static const char *const *const own[] = {[CH_IMAGES_MNIST] = mnist_mirrors,
                                             [CH_IMAGES_CIFAR10] = cifar_mirrors,
                                             [CH_IMAGES_FASHION_MNIST] = fashion_mirrors,
                                             [CH_IMAGES_KMNIST] = kmnist_mirrors};
    const ch_fetch_how how = {.mirrors = from != NULL ? given : own[set], .watch = watch};
    char folder[PATH_MAX];
    ch_code code = ch_path_join(folder, dir, ch_image_set_name(set), err);
    if (code != CH_OK) {
        return code;
    }
    code = make_folder(dir, err);
    if (code != CH_OK) {
        return code;
    }
    code = make_folder(folder, err);
    if (code != CH_OK) {
        return code;
    }
    return set == CH_IMAGES_CIFAR10 ? fetch_cifar(folder, &how, err)
                                    : fetch_files(ch_image_source_of(set), folder, &how, err);
}
