/* program_support.h — starts the program in a folder of its own, and keeps its output and exit status. */
#ifndef CH_TESTS_PROGRAM_SUPPORT_H
#define CH_TESTS_PROGRAM_SUPPORT_H

#include "tests/store_support.h"
#include "tests/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <wordexp.h>

static char program[PATH_MAX]; /* absolute path, because commands run in the test's folder */

/* The output of the last command. */
static char out[1 << 20], err[1 << 16];

static inline int locate_program(void **state)
{
    (void)state;
    const char *path = getenv("CHITON");
    if (realpath(path != NULL ? path : "build/chiton", program) == NULL) {
        perror(path != NULL ? path : "build/chiton");
        return -1;
    }
    return setenv("CHITON_CACHE", "cache", 0); /* unless tests/run.sh names one: in the test's folder */
}

/* The surroundings of a command. */
typedef struct {
    const char *out;  /* file for standard output; NULL: it is kept in `out` */
    const char *err;  /* file for standard error; NULL: it is kept in `err` */
    rlim_t file_size; /* largest size of a file, in bytes; 0: no limit */
    /* whether root starts the program as nobody, because root may write everywhere; other users start it as themselves
     */
    bool is_other_user;
} surroundings;

/* The exit status of a program that could not be started, e.g. because nobody may not enter the folder it is in. */
enum { PROGRAM_OUT_OF_REACH = 99 };

/* The path of one of the two files that keep the output. They lie outside the folder in which the command runs. */
static inline const char *kept(const char *name)
{
    static char paths[2][PATH_MAX];
    static int next = 0;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "%s.%s", folder, name);
    return path;
}

static inline void redirect(const char *path, int descriptor)
{
    const int file = open(path, O_RDWR | O_CREAT | (descriptor == STDIN_FILENO ? 0 : O_TRUNC), 0666);
    if (file < 0 || dup2(file, descriptor) < 0) {
        _exit(98);
    }
    close(file);
}

/* Gives up the rights of root by becoming the user nobody.  @return false when that fails */
static inline bool become_other_user(void)
{
    const unsigned nobody = 65534;
    return geteuid() != 0 || (setgid(nobody) == 0 && setuid(nobody) == 0);
}

/* Starts a program of a path, or of a name that is looked for. `line` has its arguments, and is split into words as by
 * a shell; pipes and redirections are not allowed. */
static inline pid_t start_other(const char *name, const char *line, const surroundings *around)
{
    wordexp_t words = {.we_offs = 1};
    if (wordexp(line, &words, WRDE_DOOFFS | WRDE_NOCMD) != 0) {
        fail_msg("cannot be split: %s", line);
    }
    words.we_wordv[0] = (char *)(uintptr_t)name; /* which execvp does not change */
    const pid_t child = fork();
    if (child == 0) {
        redirect("/dev/null", STDIN_FILENO);
        redirect(around->out != NULL ? around->out : kept("out"), STDOUT_FILENO);
        redirect(around->err != NULL ? around->err : kept("err"), STDERR_FILENO);
        if (around->file_size > 0) {
            signal(SIGXFSZ, SIG_IGN); /* so that a write beyond the limit fails as on a full disk */
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){around->file_size, around->file_size});
        }
        const bool is_ready = chdir(folder) == 0 && (!around->is_other_user || become_other_user());
        if (is_ready) {
            execvp(name, words.we_wordv);
        }
        _exit(PROGRAM_OUT_OF_REACH);
    }
    words.we_wordv[0] = NULL;
    wordfree(&words);
    assert_true(child > 0);
    return child;
}

/* Starts chiton. */
static inline pid_t start(const char *line, const surroundings *around)
{
    return start_other(program, line, around);
}

static inline void read_kept(const char *name, char *text, size_t size)
{
    FILE *file = fopen(kept(name), "rb");
    size_t length = 0;
    if (file != NULL) {
        length = fread(text, 1, size - 1, file);
        fclose(file);
        unlink(kept(name));
    }
    assert_true(length < size - 1);
    text[length] = '\0';
}

/* Waits until the program ends.  @return its exit status, or 1000 + the signal that killed it */
static inline int finish(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    read_kept("out", out, sizeof out);
    read_kept("err", err, sizeof err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Runs the program to its end.  @return as finish */
static inline int chiton(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int chiton(const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_true(length > 0 && (size_t)length < sizeof line);
    return finish(start(line, &(surroundings){0}));
}

/* Requires that the command succeeds without a message. Sweeps may print their progress. */
#define assert_succeeds(...)                                                                                           \
    do {                                                                                                               \
        const int succeeds_status = chiton(__VA_ARGS__);                                                               \
        if (succeeds_status != 0 || strstr(err, "chiton: ") != NULL) {                                                 \
            fail_msg("exit status %d, %s", succeeds_status, err);                                                      \
        }                                                                                                              \
    } while (0)

#define assert_says(text, part)                                                                                        \
    do {                                                                                                               \
        if (strstr(text, part) == NULL) {                                                                              \
            fail_msg("'%s' does not say '%s'", text, part);                                                            \
        }                                                                                                              \
    } while (0)

/* ---- files in the test's folder ---- */
static inline size_t num_files(void)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        const char *const name = entry->d_name;
        count += strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "cache") != 0;
    }
    closedir(entries);
    return count;
}

static inline void wait_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static inline void write_text(const char *name, const char *text)
{
    write_file(path_of(name), text, strlen(text));
}

/* How often a text holds another. */
static inline size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

/* The columns of two stores that are the same however often a run is made. */
static inline void assert_same_runs(const char *one, const char *other)
{
    static char first[sizeof out];
    assert_succeeds("export %s --json", one);
    memcpy(first, out, sizeof out);
    assert_succeeds("export %s --json", other);
    json_t *a = json_loads(first, 0, NULL), *b = json_loads(out, 0, NULL);
    assert_true(a != NULL && b != NULL && json_array_size(a) > 0);
    for (size_t i = 0; i < json_array_size(a); i++) {
        json_object_del(json_array_get(a, i), "seconds");
    }
    for (size_t i = 0; i < json_array_size(b); i++) {
        json_object_del(json_array_get(b, i), "seconds");
    }
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
}

#endif
