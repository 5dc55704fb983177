/* test_fetch.c — a file is fetched whole or not at all; an interrupted fetch goes on where it stopped; no file is
 * replaced. */
#include "data/data.h"
#include "data/fetch_private.h"
#include "data/images_private.h"

#include "http_support.h"
#include "support.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <zlib.h>

enum { SIZE = 3 << 20 };

static uint8_t content[SIZE];
static char content_md5[CH_MD5_SIZE];
static server mirror;

/* What the test fetches into the folder "got", and what the watch was told. */
typedef struct {
    char sentences[2048];
    uint64_t first, last, total; /* bytes that the first and the last report had, and the total */
    uint64_t stop_at;            /* number of bytes beyond which the stop flag is raised; 0: never */
    ch_stop stop;
} account;

static void say(void *context, const char *sentence)
{
    account *self = context;
    strncat(self->sentences, sentence, sizeof self->sentences - strlen(self->sentences) - 1);
}

static void progress(void *context, const ch_watch_report *report)
{
    account *self = context;
    self->first = self->first == 0 ? report->done : self->first;
    self->last = report->done;
    self->total = report->total;
    if (self->stop_at > 0 && report->done > self->stop_at) {
        self->stop = 1;
    }
}

static int make_mirror(void **state)
{
    if (make_folder(state) != 0 || mkdir(path_of("got"), 0755) != 0) {
        return -1;
    }
    ch_random random;
    ch_random_init(&random, 1, CH_STREAM_BOOTSTRAP, 0);
    for (size_t i = 0; i < SIZE; i++) {
        content[i] = (uint8_t)ch_random_u32(&random);
    }
    write_file(path_of("file"), content, SIZE);
    mirror = start_server();
    return ch_md5_file(path_of("file"), content_md5, NULL) == CH_OK ? 0 : -1;
}

static int remove_mirror(void **state)
{
    stop_server(&mirror);
    return remove_folder(state);
}

/* The URL of a mode of the server. Mode "file" is the folder itself. */
static const char *url_of(const char *mode)
{
    static char urls[4][128];
    static int next = 0;
    char *url = urls[next++ % 4];
    if (strcmp(mode, "file") == 0) {
        snprintf(url, sizeof urls[0], "file://%s", folder);
    } else {
        snprintf(url, sizeof urls[0], "http://127.0.0.1:%d/%s/", mirror.port, mode);
    }
    return url;
}

static ch_code fetch_from(const char *first, const char *second, account *told, ch_error *err)
{
    const char *const mirrors[] = {url_of(first), second != NULL ? url_of(second) : NULL, NULL};
    const ch_fetch_file file = {"file", content_md5, 0};
    const ch_watch watch = {.stop = &told->stop, .progress = progress, .say = say, .context = told};
    const ch_fetch_how how = {mirrors, &watch};
    *err = (ch_error){0};
    return ch_fetch_download(path_of("got"), &file, &how, err);
}

static void assert_same(const char *name, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path_of(name), "rb");
    assert_non_null(file);
    uint8_t *read = malloc(size + 1);
    assert_non_null(read);
    assert_int_equal(fread(read, 1, size + 1, file), size);
    assert_memory_equal(read, bytes, size);
    free(read);
    fclose(file);
}

/* Requires that the file is in its folder, whole and alone, and removes it. */
static void assert_fetched(void)
{
    assert_same("got/file", content, SIZE);
    assert_false(exists(path_of("got/file.part")));
    assert_int_equal(unlink(path_of("got/file")), 0);
}

static void assert_says(const ch_error *err, const char *says)
{
    if (strstr(err->message, says) == NULL) {
        fail_msg("'%s' does not say '%s'", err->message, says);
    }
}

static bool was_asked(const char *text)
{
    char requests[1 << 14] = "";
    read_served("requests", requests, sizeof requests - 1);
    return strstr(requests, text) != NULL;
}

static void fetched_once(void **state)
{
    (void)state;
    static const char *const modes[] = {"file", "ranges", "whole", "moved"};
    ch_error err;
    for (size_t i = 0; i < 4; i++) {
        account told = {0};
        assert_int_equal(fetch_from(modes[i], NULL, &told, &err), CH_OK);
        assert_non_null(strstr(told.sentences, "/got/file: fetched, MD5 is right"));
        assert_int_equal(told.last, SIZE);
        assert_int_equal(told.total, SIZE);
        assert_int_equal(fetch_from("nowhere", NULL, &told, &err), CH_OK); /* the file is not requested again */
        assert_non_null(strstr(told.sentences, "/got/file: is there"));
        assert_fetched();
    }
}

static void goes_on_from_a_part(void **state)
{
    (void)state;
    enum { HERE = 1234567 };
    static const char *const modes[] = {"file", "ranges", "moved", "whole"};
    ch_error err;
    for (size_t i = 0; i < 4; i++) {
        account told = {0};
        write_file(path_of("got/file.part"), content, HERE);
        assert_int_equal(fetch_from(modes[i], NULL, &told, &err), CH_OK);
        assert_true(strcmp(modes[i], "whole") == 0 || told.first > HERE);
        assert_int_equal(told.last, SIZE);
        assert_fetched();
    }
    assert_true(was_asked("Range: bytes=1234567-"));
}

/* The part has other bytes than the file, or too many bytes, or all of them. */
static void wrong_parts_are_fetched_anew(void **state)
{
    (void)state;
    static const char *const modes[] = {"file", "ranges", "whole"};
    static uint8_t wrong[SIZE + 10];
    ch_error err;
    for (size_t i = 0; i < 3; i++) {
        static const size_t sizes[] = {1000, SIZE, SIZE + 10};
        for (size_t k = 0; k < 3; k++) {
            account told = {0};
            write_file(path_of("got/file.part"), wrong, sizes[k]);
            assert_int_equal(fetch_from(modes[i], NULL, &told, &err), CH_OK);
            assert_fetched();
        }
    }
    account told = {0};
    write_file(path_of("got/file.part"), content, SIZE);
    assert_int_equal(fetch_from("nowhere", NULL, &told, &err), CH_OK);
    assert_fetched();
}

static void broken_transfers_are_kept(void **state)
{
    (void)state;
    account told = {0};
    ch_error err;
    assert_int_equal(fetch_from("short", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "/short/file cannot be fetched");
    assert_says(&err, "what came is kept");
    assert_false(exists(path_of("got/file")));
    assert_same("got/file.part", content, SIZE / 2);
    assert_int_equal(fetch_from("ranges", NULL, &told, &err), CH_OK);
    assert_true(was_asked("Range: bytes=1572864-"));
    assert_fetched();
    assert_int_equal(fetch_from("short", "ranges", &told, &err), CH_OK); /* the next mirror continues the download */
    assert_fetched();
}

static void next_mirror_and_none(void **state)
{
    (void)state;
    account told = {0};
    ch_error err;
    assert_int_equal(fetch_from("nowhere", "ranges", &told, &err), CH_OK);
    assert_fetched();
    assert_int_equal(fetch_from("nowhere", "none", &told, &err), CH_ERROR_IO);
    assert_says(&err, "/none/file cannot be fetched: The requested URL returned error: 404");
    assert_false(exists(path_of("got/file")) || exists(path_of("got/file.part")));
    stop_server(&mirror);
    assert_int_equal(fetch_from("ranges", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "without a network, put the files by hand into");
    assert_false(exists(path_of("got/file")) || exists(path_of("got/file.part")));
    assert_int_equal(unlink(path_of("file")), 0);
    assert_int_equal(fetch_from("file", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "/file cannot be fetched: ");
    mirror = start_server();
}

static void other_content_is_not_kept(void **state)
{
    (void)state;
    account told = {0};
    ch_error err;
    content[SIZE / 3] ^= 1;
    write_file(path_of("file"), content, SIZE);
    static const char *const modes[] = {"file", "ranges"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fetch_from(modes[i], NULL, &told, &err), CH_ERROR_IO);
        assert_says(&err, "/file is not the original: its MD5 is ");
        assert_says(&err, content_md5);
        assert_false(exists(path_of("got/file")) || exists(path_of("got/file.part")));
        write_file(path_of("got/file.part"), content, 1000);
        assert_int_equal(fetch_from(modes[i], NULL, &told, &err), CH_ERROR_IO);
        assert_false(exists(path_of("got/file")) || exists(path_of("got/file.part")));
    }
}

/* A web page in place of the file is called that and kept, and the next fetch takes the file from its start. */
static void a_web_page_is_kept(void **state)
{
    (void)state;
    account told = {0};
    ch_error err;
    write_file(path_of("file"), "<html>moved</html>", 18);
    assert_int_equal(fetch_from("file", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "is a web page (HTML) in place of the file; it is kept as ");
    assert_true(exists(path_of("got/file.part")) && !exists(path_of("got/file")));
    write_file(path_of("file"), content, SIZE);
    assert_int_equal(fetch_from("file", NULL, &told, &err), CH_OK);
    assert_fetched();
}

/* Pages with blanks before the first tag, and gzipped ones, are pages too. A page that a user has put in place of the
 * file is called that, and left where it is. */
static void web_pages_in_disguise(void **state)
{
    (void)state;
    account told = {0};
    ch_error err;
    write_file(path_of("file"), "\n <!doctype html>", 17);
    assert_int_equal(fetch_from("ranges", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "is a web page (HTML) in place of the file; it is kept as ");
    assert_same("got/file.part", (const uint8_t *)"\n <!doctype html>", 17);
    assert_int_equal(unlink(path_of("got/file.part")), 0);
    gzFile packed = gzopen(path_of("file"), "wb");
    assert_int_equal(gzwrite(packed, "<html>moved</html>", 18), 18);
    assert_int_equal(gzclose(packed), Z_OK);
    assert_int_equal(fetch_from("ranges", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "is a web page (HTML) in place of the file; it is kept as ");
    write_file(path_of("got/file"), "<html></html>", 13);
    assert_int_equal(fetch_from("ranges", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "/got/file is there, but is a web page (HTML) in place of the file; move it away first");
    assert_same("got/file", (const uint8_t *)"<html></html>", 13);
}

/* A file that is larger than it may be is not fetched to its end, and nothing of it stays. */
static void too_large(void **state)
{
    (void)state;
    static const char *const modes[] = {"file", "ranges", "whole"};
    const ch_fetch_file file = {"file", content_md5, SIZE - 1};
    for (size_t i = 0; i < 6; i++) {
        account told = {0};
        ch_error err = {0};
        const char *const mirrors[] = {url_of(modes[i % 3]), NULL};
        const ch_watch watch = {.stop = &told.stop, .progress = progress, .say = say, .context = &told};
        if (i >= 3) { /* also where a part is there already */
            write_file(path_of("got/file.part"), content, 1000);
        }
        assert_int_equal(ch_fetch_download(path_of("got"), &file, &(ch_fetch_how){mirrors, &watch}, &err), CH_ERROR_IO);
        assert_says(&err, "/file is not the original: it has more than 3.15 MB");
        assert_false(exists(path_of("got/file")) || exists(path_of("got/file.part")));
    }
}

static void others_files_are_left_alone(void **state)
{
    (void)state;
    account told = {0};
    ch_error err;
    write_file(path_of("got/file"), "mine", 4);
    assert_int_equal(fetch_from("ranges", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "/got/file is there, but is not the original");
    assert_says(&err, "move it away first");
    assert_same("got/file", (const uint8_t *)"mine", 4);
    unlink(path_of("got/file"));
    write_file(path_of("got/file.part"), "theirs", 6);
    const int other = open(path_of("got/file.part"), O_RDWR);
    assert_int_equal(flock(other, LOCK_EX), 0);
    assert_int_equal(fetch_from("ranges", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "/got/file.part is being written by another process");
    assert_same("got/file.part", (const uint8_t *)"theirs", 6);
    close(other);
    assert_int_equal(rmdir(path_of("got")), -1);
    assert_int_equal(unlink(path_of("got/file.part")), 0);
    assert_int_equal(rmdir(path_of("got")), 0);
    assert_int_equal(fetch_from("ranges", NULL, &told, &err), CH_ERROR_IO);
    assert_says(&err, "/got/file.part cannot be written: No such file or directory");
}

static void stops_and_goes_on(void **state)
{
    (void)state;
    static const char *const modes[][2] = {{"file", "file"}, {"slow", "ranges"}};
    ch_error err;
    for (size_t i = 0; i < 2; i++) {
        account told = {.stop_at = SIZE / 4};
        assert_int_equal(fetch_from(modes[i][0], "whole", &told, &err), CH_ERROR_INTERRUPTED);
        assert_says(&err, "stopped; the same command goes on from ");
        const size_t kept = size_of(path_of("got/file.part"));
        assert_in((double)kept, SIZE / 4, SIZE - 1);
        told.stop_at = 0;
        told.stop = 0;
        told.first = 0;
        assert_int_equal(fetch_from(modes[i][1], NULL, &told, &err), CH_OK);
        assert_true(told.first > kept);
        assert_fetched();
    }
}

static void full_disk(void **state)
{
    (void)state;
    account told = {0};
    ch_error err;
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = SIZE / 2;
    signal(SIGXFSZ, SIG_IGN); /* so that a write fails as on a full disk */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const ch_code code = fetch_from("file", "ranges", &told, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(code, CH_ERROR_IO);
    assert_says(&err, "/got/file.part cannot be written: File too large");
    assert_false(exists(path_of("got/file")));
    assert_int_equal(fetch_from("file", NULL, &told, &err), CH_OK);
    assert_fetched();
}

/* ---- archives ---- */

typedef struct {
    const char *path;
    size_t first, size; /* place and number of bytes of the content */
} member;

static void write_archive(const char *name, const member *members, size_t num_members)
{
    struct archive *archive = archive_write_new();
    assert_int_equal(archive_write_add_filter_gzip(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_set_format_ustar(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, path_of(name)), ARCHIVE_OK);
    for (size_t i = 0; i < num_members; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i].path);
        archive_entry_set_size(entry, (la_int64_t)members[i].size);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(archive, content + members[i].first, members[i].size), members[i].size);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

enum { FIRST = 100000, SECOND = 70000 };

/* Describes the two files by their checksums. */
static void describe_files(ch_fetch_file files[2])
{
    static char md5s[2][CH_MD5_SIZE];
    write_file(path_of("x"), content, FIRST);
    assert_int_equal(ch_md5_file(path_of("x"), md5s[0], NULL), CH_OK);
    write_file(path_of("x"), content + FIRST, SECOND);
    assert_int_equal(ch_md5_file(path_of("x"), md5s[1], NULL), CH_OK);
    files[0] = (ch_fetch_file){"first.bin", md5s[0], 0};
    files[1] = (ch_fetch_file){"second.bin", md5s[1], 0};
}

static ch_code unpack(const char *name, account *told, ch_error *err)
{
    ch_fetch_file files[2];
    const ch_watch watch = {.stop = &told->stop, .progress = progress, .say = say, .context = told};
    const ch_fetch_how how = {NULL, &watch};
    describe_files(files);
    *err = (ch_error){0};
    return ch_fetch_unpack(path_of(name), path_of("got"), files, 2, &how, err);
}

static void unpacks_what_is_asked_for(void **state)
{
    (void)state;
    static const member members[] = {{"top/readme.html", 5, 1000},
                                     {"top/first.bin", 0, FIRST},
                                     {"../../second.bin", FIRST, SECOND}, /* folders inside an archive do not count */
                                     {"first.binary", 7, 99}};
    account told = {0};
    ch_error err;
    write_archive("a.tar.gz", members, 4);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(unpack("a.tar.gz", &told, &err), CH_OK);
        assert_same("got/first.bin", content, FIRST);
        assert_same("got/second.bin", content + FIRST, SECOND);
        /* left by a process that was killed while it unpacked */
        write_file(path_of("got/second.bin.part"), content, 7);
        unlink(path_of("got/second.bin"));
    }
    assert_int_equal(unpack("a.tar.gz", &told, &err), CH_OK);
    assert_int_equal(unlink(path_of("got/first.bin")) + unlink(path_of("got/second.bin")), 0);
    assert_int_equal(rmdir(path_of("got")), 0); /* fails if anything else is in the folder */
}

static void bad_archives(void **state)
{
    (void)state;
    static const member lacking[] = {{"first.bin", 0, FIRST}};
    static const member other[] = {{"first.bin", 0, FIRST}, {"second.bin", FIRST + 1, SECOND}};
    account told = {0};
    ch_error err;
    write_archive("a.tar.gz", lacking, 1);
    assert_int_equal(unpack("a.tar.gz", &told, &err), CH_ERROR_IO);
    assert_says(&err, "/a.tar.gz has no file second.bin");
    write_archive("a.tar.gz", other, 2);
    assert_int_equal(unpack("a.tar.gz", &told, &err), CH_ERROR_IO);
    assert_says(&err, "second.bin of ");
    assert_says(&err, "is not the original");
    unlink(path_of("got/first.bin"));
    assert_int_equal(truncate(path_of("a.tar.gz"), 50000), 0);
    assert_int_equal(unpack("a.tar.gz", &told, &err), CH_ERROR_IO);
    assert_says(&err, "/a.tar.gz cannot be unpacked: ");
    write_file(path_of("a.tar.gz"), "no archive", 10);
    assert_int_equal(unpack("a.tar.gz", &told, &err), CH_ERROR_IO);
    assert_says(&err, "/a.tar.gz cannot be unpacked: ");
    told.stop = 1;
    write_archive("a.tar.gz", lacking, 1);
    assert_int_equal(unpack("a.tar.gz", &told, &err), CH_ERROR_INTERRUPTED);
    told.stop = 0;
    assert_int_equal(rmdir(path_of("got")), 0); /* no parts are left */
    assert_int_equal(mkdir(path_of("got"), 0755), 0);
    write_file(path_of("got/first.bin"), "mine", 4);
    assert_int_equal(unpack("a.tar.gz", &told, &err), CH_ERROR_IO);
    assert_says(&err, "/got/first.bin is there, but is not the original");
    assert_same("got/first.bin", (const uint8_t *)"mine", 4);
}

/* An archive is fetched, unpacked and removed. Then it is not fetched again. Where it cannot be unpacked, it is kept.
 */
static void archives_come_and_go(void **state)
{
    (void)state;
    static const member members[] = {{"top/first.bin", 0, FIRST}, {"top/second.bin", FIRST, SECOND}};
    const char *const mirrors[] = {url_of("ranges"), NULL};
    char md5[CH_MD5_SIZE];
    ch_fetch_file files[2];
    account told = {0};
    ch_error err = {0};
    const ch_watch watch = {.stop = &told.stop, .progress = progress, .say = say, .context = &told};
    const ch_fetch_how how = {mirrors, &watch};
    const ch_fetch_file archive = {"a.tar.gz", md5, 0};
    describe_files(files);
    write_archive("a.tar.gz", members, 2);
    assert_int_equal(ch_md5_file(path_of("a.tar.gz"), md5, NULL), CH_OK);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(ch_fetch_archive(path_of("got"), &archive, files, 2, &how, &err), CH_OK);
        assert_same("got/first.bin", content, FIRST);
        assert_same("got/second.bin", content + FIRST, SECOND);
        assert_false(exists(path_of("got/a.tar.gz")));
        unlink(path_of("a.tar.gz"));
    }
    assert_non_null(strstr(told.sentences, "/got/a.tar.gz: unpacked and removed"));
    assert_non_null(strstr(told.sentences, "/got/second.bin: is there"));
    unlink(path_of("got/second.bin"));
    write_archive("a.tar.gz", members, 1);
    assert_int_equal(ch_md5_file(path_of("a.tar.gz"), md5, NULL), CH_OK);
    assert_int_equal(ch_fetch_archive(path_of("got"), &archive, files, 2, &how, &err), CH_ERROR_IO);
    assert_says(&err, "/got/a.tar.gz has no file second.bin");
    assert_true(exists(path_of("got/a.tar.gz")));
}

/* ---- sets ---- */

static void folders_of_sets(void **state)
{
    (void)state;
    account told = {0};
    ch_error err = {0};
    const ch_watch watch = {.stop = &told.stop, .progress = progress, .say = say, .context = &told};
    assert_int_equal(ch_fetch_images(CH_IMAGES_MNIST, path_of("new"), url_of("none"), &watch, &err), CH_ERROR_IO);
    assert_says(&err, "/none/train-images-idx3-ubyte.gz cannot be fetched");
    assert_int_equal(rmdir(path_of("new/mnist")), 0);
    assert_int_equal(ch_fetch_images(CH_IMAGES_CIFAR10, path_of("new"), url_of("none"), &watch, &err), CH_ERROR_IO);
    assert_says(&err, "/none/cifar-10-binary.tar.gz cannot be fetched");
    write_file(path_of("new/cifar10/data_batch_4.bin"), "mine", 4);
    assert_int_equal(ch_fetch_images(CH_IMAGES_CIFAR10, path_of("new"), url_of("none"), &watch, &err), CH_ERROR_IO);
    assert_says(&err, "/new/cifar10/data_batch_4.bin is there, but is not the original");
    assert_int_equal(ch_fetch_images(CH_IMAGES_MNIST, path_of("a/b"), NULL, &watch, &err), CH_ERROR_INPUT);
    assert_says(&err, "/a does not exist");
}

/* The original files are accepted, where CHITON_DATA has MNIST's test set. */
static void real_files(void **state)
{
    (void)state;
    const char *dir = getenv("CHITON_DATA");
    char url[PATH_MAX];
    snprintf(url, sizeof url, "file://%s/mnist", dir != NULL ? dir : "");
    if (dir == NULL || !exists(url + strlen("file://"))) {
        skip();
    }
    const ch_image_source *source = ch_image_source_of(CH_IMAGES_MNIST);
    const char *const mirrors[] = {url, NULL};
    account told = {0};
    for (size_t i = 2; i < 4; i++) {
        char name[64];
        ch_error err = {0};
        snprintf(name, sizeof name, "%s.gz", source->files[i].name);
        const ch_watch watch = {.stop = NULL, .progress = progress, .say = say, .context = &told};
        const ch_fetch_how how = {mirrors, &watch};
        if (ch_fetch_download(path_of("got"), &(ch_fetch_file){name, source->files[i].md5_gz, 0}, &how, &err) !=
            CH_OK) {
            fail_msg("%s", err.message);
        }
    }
    ch_image_report report;
    assert_int_equal(ch_image_report_make(&report, CH_IMAGES_MNIST, path_of("got"), NULL), CH_OK);
    assert_int_equal(report.count, 10000);
    assert_true(report.files[2].original && report.files[3].original);
}

#define WITH_MIRROR(test) cmocka_unit_test_setup_teardown(test, make_mirror, remove_mirror)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MIRROR(fetched_once),
        WITH_MIRROR(goes_on_from_a_part),
        WITH_MIRROR(wrong_parts_are_fetched_anew),
        WITH_MIRROR(broken_transfers_are_kept),
        WITH_MIRROR(next_mirror_and_none),
        WITH_MIRROR(other_content_is_not_kept),
        WITH_MIRROR(a_web_page_is_kept),
        WITH_MIRROR(web_pages_in_disguise),
        WITH_MIRROR(too_large),
        WITH_MIRROR(others_files_are_left_alone),
        WITH_MIRROR(stops_and_goes_on),
        WITH_MIRROR(full_disk),
        WITH_MIRROR(unpacks_what_is_asked_for),
        WITH_MIRROR(bad_archives),
        WITH_MIRROR(archives_come_and_go),
        WITH_MIRROR(folders_of_sets),
        WITH_MIRROR(real_files),
    };
    return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
