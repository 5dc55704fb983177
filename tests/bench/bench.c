/* bench.c — measures how fast chiton is, as ratios of times that are measured in one run.
 *
 * Machines are shared and noisy. So the programs that are compared run alternately, and the median of the ratios is
 * reported. */
#include "bench.h"

#include <gsl/gsl_errno.h>
#include <string.h>
#include <unistd.h>

bench_options bench_with;

void bench_temporary(char *path, const char *ending)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, CH_BENCH_PATH, "%s/chiton-bench-XXXXXX%s", folder != NULL ? folder : "/tmp", ending);
    const int file = mkstemps(path, (int)strlen(ending));
    if (file < 0) {
        perror("bench: the folder for temporary files");
        exit(1);
    }
    close(file);
}

typedef struct {
    const char *name;
    void (*measure)(void);
} bench_part;

/* In the order in which they are measured; what is summed up must come before the summary. */
static const bench_part parts[] = {
    {"machine", bench_machine},   {"peak", bench_peak},       {"products", bench_products}, {"engine", bench_engine},
    {"fast", bench_fast},         {"data", bench_data},       {"threads", bench_threads},   {"runs", bench_small_runs},
    {"ranks", bench_ranks},       {"grid", bench_grid},       {"networks", bench_networks}, {"idle", bench_idle},
    {"training", bench_training}, {"hessian", bench_hessian}, {"twin", bench_twin},         {"growth", bench_growth},
    {"old", bench_old},           {"summary", bench_summary},
};
enum { NUM_PARTS = sizeof parts / sizeof *parts };

static void show_usage(FILE *to)
{
    fputs("usage: build/bench [--page FILE.md] [--old PROGRAM] [--data FOLDER] [PART]...\n"
          "  --page   page of Markdown whose sections are made again\n"
          "  --old    an older build of chiton, to be compared\n"
          "  --data   folder of MNIST's files (default: $CHITON_DATA)\n"
          "  PYTHON=  the Python that has JAX or PyTorch (default: python3)\n"
          "parts, all by default:",
          to);
    for (size_t i = 0; i < NUM_PARTS; i++) {
        fprintf(to, " %s", parts[i].name);
    }
    fputc('\n', to);
}

/* @param path  out [CH_BENCH_PATH]: that of a file in the bench's own folder */
static void find_beside(const char *bench, const char *name, char *path)
{
    const char *slash = strrchr(bench, '/');
    (void)snprintf(path, CH_BENCH_PATH, "%.*s%s", slash == NULL ? 0 : (int)(slash - bench + 1), bench, name);
}

static const char *find_program(const char *bench)
{
    static char path[CH_BENCH_PATH];
    find_beside(bench, "chiton", path);
    if (access(path, X_OK) != 0) {
        fprintf(stderr, "bench: %s is not there: make %s\n", path, path);
        exit(1);
    }
    return path;
}

static bool is_part(const char *name)
{
    for (size_t i = 0; i < NUM_PARTS; i++) {
        if (strcmp(name, parts[i].name) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the options out of the arguments, and refuses what is none and no part.
 * @return how many arguments are left */
static int take_options(int argc, char **argv)
{
    int left = 0;
    bench_with.data = getenv("CHITON_DATA");
    bench_with.program = find_program(argv[0]);
    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (has_value && strcmp(argv[i], "--page") == 0) {
            bench_with.page = argv[++i];
        } else if (has_value && strcmp(argv[i], "--old") == 0) {
            bench_with.old = argv[++i];
        } else if (has_value && strcmp(argv[i], "--data") == 0) {
            bench_with.data = argv[++i];
        } else if (is_part(argv[i])) {
            argv[left++] = argv[i];
        } else if (strcmp(argv[i], "--help") == 0) {
            show_usage(stdout);
            exit(0);
        } else {
            fprintf(stderr, "bench: %s is no part and no option with a value\n", argv[i]);
            show_usage(stderr);
            exit(2);
        }
    }
    if (bench_with.old != NULL && access(bench_with.old, X_OK) != 0) {
        fprintf(stderr, "bench: --old %s is no program\n", bench_with.old);
        exit(2);
    }
    return left;
}

static bool is_chosen(const char *name, int count, char **chosen)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(name, chosen[i]) == 0) {
            return true;
        }
    }
    return count == 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    char notes[CH_BENCH_PATH];
    gsl_set_error_handler_off();
    find_beside(argv[0], "bench.notes", notes);
    const int num_chosen = take_options(argc, argv);
    if (num_chosen > 0) {
        summary_read(notes);
    }
    for (size_t i = 0; i < NUM_PARTS; i++) {
        if (is_chosen(parts[i].name, num_chosen, argv)) {
            page_begin(parts[i].name);
            parts[i].measure();
            status = page_end(bench_with.page) == 0 ? status : 1;
            summary_write(notes);
        }
    }
    return status;
}
